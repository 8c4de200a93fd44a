//! Who counts as a person, and what is known of one: name and traits by newest event time, and counters, as a merge
//! over the events that carry the actor (D9, AC R32; INV-03, INV-04). Kept by the store per actor id of a project.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use trackway_event::{Actor, Event, Timestamp};

use crate::codec::{Put, Take};
use crate::session::Counts;
use crate::winner::{Key, KeyTable, Last};

/// Trait keys of one person that are kept: the smallest ones.
pub const TRAITS: usize = 100;
/// Bytes of one trait's JSON text; a longer one is kept as `{"$truncated": bytes}`.
pub const TRAIT_BYTES: usize = 4_096;

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

/// Name and traits of an actor: the newest event time wins per key, event ids break ties; null removes nothing, an absent
/// name or key keeps what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Newest name that is not blank.
    pub name: Last<Box<str>>,
    /// Newest value per key, as JSON text.
    pub traits: BTreeMap<Box<str>, Last<Box<str>>>,
}

impl Profile {
    fn add(&mut self, event: &Event, actor: &Actor) {
        if let Some(name) = actor.name.as_ref().filter(|n| !n.trim().is_empty()) {
            self.name.offer(event, name);
        }
        for (key, value) in actor.traits.iter().filter(|(_, value)| !value.is_null()) {
            let beaten = self.traits.get(key.as_str()).and_then(|t| t.0.as_ref());
            if beaten.is_some_and(|(k, _)| (k.at, &k.id) > (event.started_at, &event.id)) {
                continue;
            }
            let mut text = value.to_string();
            if text.len() > TRAIT_BYTES {
                text = format!("{{\"$truncated\":{}}}", text.len());
            }
            self.traits.entry(key.as_str().into()).or_default().offer(event, &Box::<str>::from(text));
        }
        self.bound();
    }

    /// Both, each key by itself.
    pub fn merge(&mut self, other: Self) {
        self.name.merge(other.name);
        for (key, value) in other.traits {
            self.traits.entry(key).or_default().merge(value);
        }
        self.bound();
    }

    /// The traits as one JSON object.
    pub fn traits(&self) -> Map<String, Value> {
        let value = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        let facts = self.traits.iter().filter_map(|(key, fact)| Some((key, fact.value()?)));
        facts.map(|(key, text)| (key.to_string(), value(text))).collect()
    }

    /// When each trait got its value.
    pub fn trait_times(&self) -> Vec<(String, Timestamp)> {
        let facts = self.traits.iter().filter_map(|(key, fact)| Some((key, fact.0.as_ref()?)));
        facts.map(|(key, (fact, _))| (key.to_string(), fact.at)).collect()
    }

    fn bound(&mut self) {
        while self.traits.len() > TRAITS {
            self.traits.pop_last();
        }
    }

    /// As bytes for the ledger.
    pub fn encode(&self) -> Vec<u8> {
        let facts = || self.traits.values().map(|t| &t.0).chain([&self.name.0]);
        let keys: Vec<&Key> = facts().flatten().map(|(key, _)| key).collect();
        let table = KeyTable::of(keys.into_iter());
        let mut out = vec![FORMAT];
        table.put(&mut out);
        table.put_fact(&mut out, &self.name.0, |out, name| out.put_text(name));
        out.put_u64(self.traits.len() as u64);
        for (key, value) in &self.traits {
            out.put_text(key);
            table.put_fact(&mut out, &value.0, |out, text| out.put_text(text));
        }
        out
    }

    /// Reads what [`Profile::encode`] wrote; `None` on anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Take(bytes);
        let take = &mut bytes;
        if take.byte()? != FORMAT {
            return None;
        }
        let table = &KeyTable::take(take)?;
        let text = |t: &mut Take<'_>| t.text().map(Box::<str>::from);
        let name = Last(KeyTable::take_fact(take, table, text)?);
        let mut traits = BTreeMap::new();
        for _ in 0..take.count()? {
            let key = text(take)?;
            traits.insert(key, Last(KeyTable::take_fact(take, table, text)?));
        }
        bytes.end()?;
        Some(Self { name, traits })
    }
}

/// First byte of the encoding.
const FORMAT: u8 = 1;

/// The event's actor, unless its id is one that stands for nobody (PH I5, I12): such an event is anonymous.
pub fn legal_actor(event: &Event) -> Option<&Actor> {
    event.actor.as_deref().filter(|a| is_legal_id(a.id.as_str()))
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
