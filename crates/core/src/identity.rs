//! Who is who: which ids of a project are one person (wire-posthog §8 I1 to I9), as a fold over merge facts in the order
//! of (event time, event id), so that arrival order and repetition change nothing (INV-03, INV-04).
//!
//! An event that merges two ids contributes a [`MergeFact`]; [`resolve`] folds those of one connected component. The store
//! keeps the facts and the answer per id, never rewrites events, and asks again when a fact comes, is taken back, or an id
//! turns out to be known earlier than thought. What it means for attribution: an event belongs to the person its own legal
//! id names, else to the one its session is linked to ([`crate::session::Provenance::attributed`]), else to nobody.

use std::collections::{BTreeMap, BTreeSet};

use trackway_event::identity::{Merge, PersonProfile};
use trackway_event::{ActorId, Event, Kind};

use crate::codec::coded;
use crate::person::is_legal_id;
use crate::winner::Key;

coded! {
    /// What said that two ids are one person.
    Via {
        /// `$identify` with `$anon_distinct_id`.
        Identify = 1: "identify",
        /// `$create_alias`.
        Alias = 2: "alias",
        /// `$merge_dangerously`.
        Dangerous = 3: "merge_dangerously",
    }
}

coded! {
    /// What became of a merge fact.
    Verdict {
        /// The two ids are one person.
        Merged = 1: "merged",
        /// They already were, or an operator's undo of another fact left nothing to do.
        Already = 2: "already",
        /// The target was unknown and the other id belongs to somebody who is identified: a second user is not glued to
        /// the first (I7, safe mode).
        SecondUser = 3: "second_user",
        /// Both are known and the source is identified (I8).
        BothIdentified = 4: "both_identified",
        /// An operator took it back.
        Withdrawn = 5: "withdrawn",
        /// Too many ids hang together; the ids stay apart.
        TooMany = 6: "too_many",
    }
}

coded! {
    /// What an `$identify` does that would give an unknown id to somebody who is identified already (I7).
    Mode {
        /// It is refused: a second user of a device is not glued to the first.
        Safe = 1: "safe",
        /// It is done, as PostHog does it.
        Compatible = 2: "compatible",
    }
}

/// Facts of one connected component that are folded; what comes later than that many is refused as
/// [`Verdict::TooMany`], so that no sender can make every commit slow.
pub const COMPONENT: usize = 1_000;

/// One event's statement that `source` is the same person as `target`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MergeFact {
    /// Its place among the others.
    pub key: Key,
    /// What said so.
    pub via: Via,
    /// The id that goes into the other: the anonymous one, the alias.
    pub source: ActorId,
    /// The id that survives.
    pub target: ActorId,
}

/// Why an event that looks like a merge is none; the event is kept and noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMerge {
    /// It says nothing of a second id, or names the same twice.
    Silent,
    /// `$process_person_profile` is off (I2).
    ProfileOff,
    /// One of the ids is nobody's (I5).
    IllegalId,
}

impl NoMerge {
    /// The note on the event.
    pub const fn note(self) -> Option<&'static str> {
        match self {
            Self::Silent => None,
            Self::ProfileOff => Some("merge_ignored:profile_off"),
            Self::IllegalId => Some("merge_ignored:illegal_id"),
        }
    }
}

/// The merge an event asks for (I4): `$identify` with an anonymous id, or an alias.
pub fn merge_of(event: &Event) -> Result<MergeFact, NoMerge> {
    let identity = event.identity.as_deref().ok_or(NoMerge::Silent)?;
    let (source, via) = match (&identity.anon_distinct_id, &identity.alias) {
        (Some(anon), _) if event.kind == Kind::Identify => (anon, Via::Identify),
        (_, Some(alias)) => match identity.merge {
            Merge::Safe => (alias, Via::Alias),
            Merge::Dangerous => (alias, Via::Dangerous),
        },
        (_, None) => return Err(NoMerge::Silent),
    };
    let named = event.actor.as_ref().map(|a| a.id.as_str());
    let target = identity.distinct_id.as_deref().or(named).unwrap_or_default();
    if source.trim().is_empty() || source.trim() == target.trim() {
        return Err(NoMerge::Silent);
    }
    if identity.process_person_profile == PersonProfile::Off {
        return Err(NoMerge::ProfileOff);
    }
    let legal = |text: &str| ActorId::parse(text).map(|(id, _)| id).filter(|id| is_legal_id(id.as_str()));
    match (legal(source), legal(target)) {
        (Some(source), Some(target)) if source == target => Err(NoMerge::Silent),
        (Some(source), Some(target)) => Ok(MergeFact { key: Key::of(event), via, source, target }),
        (_, _) => Err(NoMerge::IllegalId),
    }
}

/// Who is who after a fold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// For every id of the facts: the id its person is shown under.
    pub root: BTreeMap<ActorId, ActorId>,
    /// Roots of people that a merge has identified (I10).
    pub identified: BTreeSet<ActorId>,
    /// Ids that have a person: seen with profiles on, or named by a merge that was accepted.
    pub known: BTreeSet<ActorId>,
    /// One per fact, in the order of the facts given.
    pub verdicts: Vec<Verdict>,
}

/// Folds the facts of one component in order of their keys. `since` tells when an id was first seen on an event that may
/// make a person. Facts may come in any order and more than once.
pub fn resolve(facts: &[MergeFact], since: &BTreeMap<ActorId, Key>, mode: Mode) -> Resolution {
    let mut order: Vec<usize> = (0..facts.len()).collect();
    order.sort_by(|a, b| facts.get(*a).cmp(&facts.get(*b)));
    let mut fold =
        Fold { since, mode, parent: BTreeMap::new(), identified: BTreeSet::new(), named: BTreeSet::new() };
    let mut verdicts = vec![Verdict::TooMany; facts.len()];
    for (nth, place) in order.into_iter().enumerate() {
        let (Some(fact), Some(verdict)) = (facts.get(place), verdicts.get_mut(place)) else { continue };
        for id in [&fact.source, &fact.target] {
            fold.parent.entry(id.clone()).or_insert_with(|| id.clone());
        }
        if nth < COMPONENT {
            *verdict = fold.take(fact);
        }
    }
    let ids: Vec<ActorId> = fold.parent.keys().cloned().collect();
    let root = ids.iter().map(|id| (id.clone(), fold.root(id))).collect();
    let known = ids.into_iter().filter(|id| fold.named.contains(id) || since.contains_key(id)).collect();
    Resolution { root, identified: fold.identified, known, verdicts }
}

struct Fold<'a> {
    since: &'a BTreeMap<ActorId, Key>,
    mode: Mode,
    parent: BTreeMap<ActorId, ActorId>,
    identified: BTreeSet<ActorId>,
    /// Ids that an accepted merge gave a person.
    named: BTreeSet<ActorId>,
}

impl Fold<'_> {
    fn take(&mut self, fact: &MergeFact) -> Verdict {
        let (source, target) = (self.root(&fact.source), self.root(&fact.target));
        if source == target {
            return Verdict::Already;
        }
        let verdict = match (self.is_known(&fact.source, &fact.key), self.is_known(&fact.target, &fact.key)) {
            // I7: the other id joins; whoever is identified already keeps the name.
            (true, false) if self.identified.contains(&source) => match (fact.via, self.mode) {
                (Via::Identify, Mode::Safe) => Verdict::SecondUser,
                (Via::Identify, Mode::Compatible) | (Via::Alias | Via::Dangerous, _) => {
                    self.join(&target, &source);
                    Verdict::Merged
                }
            },
            (true, true) if self.identified.contains(&source) && fact.via != Via::Dangerous => {
                Verdict::BothIdentified
            }
            // I6, I7, I8: the target survives (I9).
            (_, _) => {
                self.join(&source, &target);
                Verdict::Merged
            }
        };
        if verdict == Verdict::Merged {
            self.named.insert(fact.source.clone());
            self.named.insert(fact.target.clone());
        }
        verdict
    }

    fn join(&mut self, gone: &ActorId, kept: &ActorId) {
        self.identified.remove(gone);
        self.identified.insert(kept.clone());
        self.parent.insert(gone.clone(), kept.clone());
    }

    fn is_known(&self, id: &ActorId, before: &Key) -> bool {
        self.named.contains(id) || self.since.get(id).is_some_and(|since| since < before)
    }

    /// The id at the end of the chain; chains are at most as long as the component.
    fn root(&mut self, id: &ActorId) -> ActorId {
        let mut at = id.clone();
        while let Some(up) = self.parent.get(&at).filter(|up| **up != at) {
            at = up.clone();
        }
        // The next walk is one step.
        if at != *id && self.parent.contains_key(id) {
            self.parent.insert(id.clone(), at.clone());
        }
        at
    }
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
