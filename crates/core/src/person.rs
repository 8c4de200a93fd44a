//! Who counts as a person, and what is known of one: name and traits by newest event time, and counters, as a merge
//! over the events that carry the actor (D9, AC R32; INV-03, INV-04). Kept by the store per actor id of a project.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use trackway_event::identity::{GroupFacts, PersonProfile};
use trackway_event::{Actor, ActorId, Event, Identity, Kind, Timestamp};

use crate::codec::{Put, Take};
use crate::session::Counts;
use crate::winner::{First, Key, KeyTable, Last};

/// Trait keys of one person that are kept: the smallest ones.
pub const TRAITS: usize = 100;
/// Bytes of one trait's JSON text; a longer one is kept as `{"$truncated": bytes}`.
pub const TRAIT_BYTES: usize = 4_096;
/// Values of one key set once that are kept for an `$unset` that may come late.
pub const ONCE: usize = 8;

/// What is known of one actor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Counters; the span is first and last seen.
    pub counts: Counts,
    /// Name and traits.
    pub profile: Profile,
}

impl Facts {
    /// Takes in an event that carries this actor.
    pub fn add(&mut self, event: &Event) {
        self.counts.merge(Counts::of(event));
        if let Some(actor) = legal_actor(event) {
            self.profile.add(event, actor);
        }
    }

    /// Both, of different events.
    pub fn merge(&mut self, other: Self) {
        self.counts.merge(other.counts);
        self.profile.merge(other.profile);
    }
}

/// Name and traits of an actor or a group, folded in the order of (event time, event id): the newest `$set` or trait wins
/// per key, `$set_once` holds where nothing was set, `$unset` takes away (I10). A null trait of an actor removes nothing, an
/// absent name or key keeps what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Since when there is a person: the first event that names the id and may make one (I2).
    pub since: First<()>,
    /// Newest name that is not blank.
    pub name: Last<Box<str>>,
    /// What was said of each key.
    pub traits: BTreeMap<Box<str>, Trait>,
}

/// What was said of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trait {
    /// The newest word that does not depend on what was there.
    pub last: Last<Said>,
    /// What was set once after `last`: the [`ONCE`] first ones. More than one is kept because an `$unset` may
    /// arrive late and take the first away.
    pub once: BTreeMap<Key, Box<str>>,
}

/// One word on a key. On one event `$unset` comes after `$set`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// It is this, as JSON text.
    Set(Box<str>),
    /// It is gone.
    Unset,
}

/// How a trait got its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Set by the newest event.
    Set,
    /// Set once, and nothing was there.
    Once,
}

/// Where a trait's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraitSource {
    /// The trait.
    pub key: String,
    /// The event and its time.
    pub from: Key,
    /// How it got its value.
    pub how: How,
}

impl Trait {
    /// The value that holds, as JSON text, and where it comes from.
    pub fn value(&self) -> Option<(&str, &Key, How)> {
        match &self.last.0 {
            Some((key, Said::Set(text))) => Some((text, key, How::Set)),
            Some((_, Said::Unset)) | None => {
                self.once.first_key_value().map(|(key, text)| (&**text, key, How::Once))
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.last.merge(other.last);
        for (key, text) in other.once {
            self.set_once(key, text);
        }
        self.bound();
    }

    /// Of two words under one key the greater holds, so that the answer is one.
    fn set_once(&mut self, key: Key, text: Box<str>) {
        let held = self.once.entry(key).or_insert_with(|| text.clone());
        if *held < text {
            *held = text;
        }
    }

    fn bound(&mut self) {
        // A value that was there, or an `$unset` after it, makes it void for good.
        if let Some((said, _)) = &self.last.0
            && self.once.first_key_value().is_some_and(|(first, _)| first <= said)
        {
            self.once = self.once.split_off(said);
            self.once.remove(said);
        }
        while self.once.len() > ONCE {
            self.once.pop_last();
        }
    }
}

impl Profile {
    fn add(&mut self, event: &Event, actor: &Actor) {
        let identity = event.identity.as_deref();
        if identity.is_some_and(|i| i.process_person_profile == PersonProfile::Off) {
            return;
        }
        self.since.offer(event, &());
        if let Some(name) = actor.name.as_ref().filter(|n| !n.trim().is_empty()) {
            self.name.offer(event, name);
        }
        for (key, value) in actor.traits.iter().filter(|(_, value)| !value.is_null()) {
            self.set(event, key, value);
        }
        // An exception tells of an error, not of a person (I10).
        if let Some(identity) = identity.filter(|_| event.kind != Kind::Exception) {
            for (key, value) in &identity.set {
                self.set(event, key, value);
            }
            for (key, value) in &identity.set_once {
                let held = self.traits.entry(key.as_str().into()).or_default();
                held.set_once(Key::of(event), text_of(value));
                held.bound();
            }
            for key in &identity.unset {
                let held = self.traits.entry(key.clone()).or_default();
                held.last.offer(event, &Said::Unset);
                held.bound();
            }
        }
        self.bound();
    }

    /// What `$groupidentify` says of a group (I14).
    pub fn of_group(event: &Event, facts: &GroupFacts) -> Self {
        let mut profile = Self::default();
        profile.since.offer(event, &());
        for (key, value) in &facts.set {
            profile.set(event, key, value);
        }
        profile.bound();
        profile
    }

    fn set(&mut self, event: &Event, key: &str, value: &Value) {
        let beaten = self.traits.get(key).and_then(|t| t.last.0.as_ref());
        if beaten.is_some_and(|(k, _)| (k.at, &k.id) > (event.started_at, &event.id)) {
            return;
        }
        let held = self.traits.entry(key.into()).or_default();
        held.last.offer(event, &Said::Set(text_of(value)));
        held.bound();
    }

    /// Both, each key by itself.
    pub fn merge(&mut self, other: Self) {
        self.since.merge(other.since);
        self.name.merge(other.name);
        for (key, value) in other.traits {
            self.traits.entry(key).or_default().merge(value);
        }
        self.bound();
    }

    /// The name to show: the one given, else the trait `name`, else `email`.
    pub fn shown_name(&self) -> Option<String> {
        if let Some(name) = self.name.value() {
            return Some(name.to_string());
        }
        ["name", "email"].into_iter().find_map(|key| {
            let value = serde_json::from_str(self.traits.get(key)?.value()?.0).ok()?;
            let Value::String(text) = value else { return None };
            Some(text).filter(|t| !t.trim().is_empty())
        })
    }

    /// The traits as one JSON object.
    pub fn traits(&self) -> Map<String, Value> {
        let value = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        let facts = self.traits.iter().filter_map(|(key, fact)| Some((key, fact.value()?.0)));
        facts.map(|(key, text)| (key.to_string(), value(text))).collect()
    }

    /// Where each trait got its value.
    pub fn trait_sources(&self) -> Vec<TraitSource> {
        let facts = self.traits.iter().filter_map(|(key, fact)| Some((key, fact.value()?)));
        facts
            .map(|(key, (_, from, how))| TraitSource { key: key.to_string(), from: from.clone(), how })
            .collect()
    }

    /// When each trait got its value.
    pub fn trait_times(&self) -> Vec<(String, Timestamp)> {
        self.trait_sources().into_iter().map(|source| (source.key, source.from.at)).collect()
    }

    fn bound(&mut self) {
        while self.traits.len() > TRAITS {
            self.traits.pop_last();
        }
    }

    /// As bytes for the ledger.
    pub fn encode(&self) -> Vec<u8> {
        let said = self.traits.values().filter_map(|t| t.last.0.as_ref().map(|(key, _)| key));
        let once = self.traits.values().flat_map(|t| t.once.keys());
        let own = self.name.0.as_ref().map(|(key, _)| key);
        let since = self.since.0.as_ref().map(|(key, ())| key);
        let table = KeyTable::of(own.into_iter().chain(since).chain(said).chain(once));
        let mut out = vec![FORMAT];
        table.put(&mut out);
        table.put_fact(&mut out, &self.since.0, |_, ()| {});
        table.put_fact(&mut out, &self.name.0, |out, name| out.put_text(name));
        out.put_u64(self.traits.len() as u64);
        for (key, value) in &self.traits {
            out.put_text(key);
            table.put_fact(&mut out, &value.last.0, |out, said| match said {
                Said::Set(text) => {
                    out.push(1);
                    out.put_text(text);
                }
                Said::Unset => out.push(0),
            });
            out.put_u64(value.once.len() as u64);
            for (key, text) in &value.once {
                table.put_fact(&mut out, &Some((key.clone(), text.clone())), |out, text| out.put_text(text));
            }
        }
        out
    }

    /// Reads what [`Profile::encode`] wrote, now or in the format before; `None` on anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Take(bytes);
        let take = &mut bytes;
        let format = take.byte()?;
        if !(OLDEST..=FORMAT).contains(&format) {
            return None;
        }
        let table = &KeyTable::take(take)?;
        let text = |t: &mut Take<'_>| t.text().map(Box::<str>::from);
        let since = if format < 2 { None } else { KeyTable::take_fact(take, table, |_| Some(()))? };
        let name = Last(KeyTable::take_fact(take, table, text)?);
        let said = |t: &mut Take<'_>| match t.byte()? {
            0 => Some(Said::Unset),
            1 => text(t).map(Said::Set),
            _ => None,
        };
        let set = |t: &mut Take<'_>| text(t).map(Said::Set);
        let mut traits = BTreeMap::new();
        for _ in 0..take.count()? {
            let key = text(take)?;
            if format < 2 {
                let last = Last(KeyTable::take_fact(take, table, set)?);
                traits.insert(key, Trait { last, once: BTreeMap::new() });
                continue;
            }
            let last = Last(KeyTable::take_fact(take, table, said)?);
            let mut once = BTreeMap::new();
            for _ in 0..take.count()? {
                once.extend(KeyTable::take_fact(take, table, text)?);
            }
            traits.insert(key, Trait { last, once });
        }
        bytes.end()?;
        Some(Self { since: First(since), name, traits })
    }
}

fn text_of(value: &Value) -> Box<str> {
    let text = value.to_string();
    if text.len() > TRAIT_BYTES { format!("{{\"$truncated\":{}}}", text.len()).into() } else { text.into() }
}

/// First byte of the encoding.
const FORMAT: u8 = 2;
/// The oldest that is read: without `since`, and every trait set by its newest event.
const OLDEST: u8 = 1;

/// The event's actor, unless its id is one that stands for nobody (PH I5, I12), or is its session's own while no person may
/// be made (PH §8: clients without a user send the session's id): such an event is anonymous.
pub fn legal_actor(event: &Event) -> Option<&Actor> {
    event.actor.as_deref().filter(|a| is_legal_id(a.id.as_str()) && !is_session(event, a))
}

fn is_session(event: &Event, actor: &Actor) -> bool {
    let off = |i: &Identity| i.process_person_profile == PersonProfile::Off;
    event.identity.as_deref().is_some_and(off)
        && event.session_id.as_ref().is_some_and(|s| s.as_str() == actor.id.as_str())
}

/// The id of an event that may make no person: it belongs to the one that the id has or gets (I3).
pub fn attached_id(event: &Event) -> Option<ActorId> {
    let identity = event.identity.as_deref().filter(|i| i.process_person_profile == PersonProfile::Off)?;
    let id = identity.distinct_id.as_deref().filter(|id| is_legal_id(id))?;
    let (id, _) = ActorId::parse(id)?;
    event.session_id.as_ref().is_none_or(|s| s.as_str() != id.as_str()).then_some(id)
}

/// Whether the event may make or change a person (I2).
pub fn makes_person(event: &Event) -> bool {
    event.identity.as_ref().is_none_or(|i| i.process_person_profile == PersonProfile::On)
}

/// Whether an id can name a person. Illegal are placeholders that clients send for "nobody" (PH I5, and the nil UUID),
/// blank ids and those with a NUL.
pub fn is_legal_id(id: &str) -> bool {
    /// The longest placeholder is the nil UUID with quotes.
    const LONGEST: usize = 38;
    let id = id.trim();
    if id.is_empty() || id.contains('\0') {
        return false;
    }
    if id.len() > LONGEST {
        return true;
    }
    let bare = ['"', '\'']
        .into_iter()
        .find_map(|quote| id.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(id)
        .trim();
    const ANY_CASE: &[&str] = &[
        "",
        "anonymous",
        "guest",
        "distinctid",
        "distinct_id",
        "id",
        "not_authenticated",
        "email",
        "undefined",
        "true",
        "false",
    ];
    const EXACT: &[&str] =
        &["[object Object]", "NaN", "None", "none", "null", "0", "00000000-0000-0000-0000-000000000000"];
    !ANY_CASE.iter().any(|word| word.eq_ignore_ascii_case(bare)) && !EXACT.contains(&bare)
}

#[cfg(test)]
#[path = "person_tests.rs"]
mod tests;
