//! Figures as naive folds over events: the definitions that stored figures are tested against (INV-05). Slow on purpose;
//! for tests and for answers over few rows.
//!
//! - [`attempts`]: first try, recovery, time to first success; [`repeats`]: repeats and loops
//! - [`weight`]: how heavy results are; [`worth`]: which sessions are worth a look, and why
//! - [`arguments`]: what calls are given; [`examples`]: which calls show what a tool does; [`contents`]: what reads bring; [`suspects`], [`circumstances`]: what failures have in common; [`health`]: warnings about the data itself

pub mod arguments;
pub mod attempts;
pub mod circumstances;
pub mod contents;
pub mod examples;
pub mod health;
pub mod mended;
pub mod repeats;
pub mod suspects;
pub mod weight;
pub mod worth;

use std::collections::{BTreeMap, BTreeSet};

use trackway_event::{ActorId, Event, SessionId};

use crate::person;
use crate::session::{Facts, Provenance};

/// The facts of a session, from its events.
pub fn session<'a>(events: impl IntoIterator<Item = &'a Event>) -> Facts {
    let mut facts = Facts::default();
    for event in events {
        facts.merge(Facts::of(event));
    }
    facts
}

/// Failures ÷ finished calls (product §2); `None` without a finished call.
pub fn failed_share<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<f64> {
    let (mut failed, mut finished) = (0u64, 0u64);
    for event in events.into_iter().filter(|e| e.is_counted_call()) {
        failed += u64::from(event.failed());
        finished += u64::from(event.status.is_some_and(|s| s.finished()));
    }
    (finished > 0).then(|| failed as f64 / finished as f64)
}

/// The value at quantile `q` (0 to 1) of ascending values, by nearest rank; `None` of no values.
pub fn percentile(ascending: &[u64], q: f64) -> Option<u64> {
    let rank = crate::sketch::rank(ascending.len() as u64, q)?;
    ascending.get(rank as usize - 1).copied()
}

/// Whose each event is, before any merge: the actor it names, else the one its session is put down to (PH I11). Looks at
/// given sessions only: of a grouped one every event names its actor.
pub fn owners<'a>(events: &[&'a Event]) -> Vec<Option<&'a ActorId>> {
    let mut sessions: BTreeMap<&SessionId, Provenance> = BTreeMap::new();
    for event in events {
        if let Some(id) = &event.session_id {
            sessions.entry(id).or_default().add(event);
        }
    }
    let named: BTreeSet<&ActorId> =
        events.iter().filter_map(|e| person::legal_actor(e)).map(|a| &a.id).collect();
    let owner = |event: &&'a Event| match person::legal_actor(event) {
        Some(actor) => Some(&actor.id),
        None => {
            let id = sessions.get(event.session_id.as_ref()?)?.attributed()?;
            named.get(id).copied()
        }
    };
    events.iter().map(owner).collect()
}
