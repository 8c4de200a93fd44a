//! People: everyone a legal actor id names, with merged facts (AC R32).

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use trackway_core::person::legal_actor;
use trackway_event::{ActorId, Event, Timestamp};

use super::Fresh;
use super::rollup::HOUR_US;
use crate::Result;
use crate::sqlite::cache::Cache;
use crate::sqlite::control::sql;

/// Traits kept of one person: those with the smallest keys.
const TRAITS: usize = 256;

/// The people as far as the writer remembers them.
pub(super) struct People {
    known: Cache<ActorId, State>,
    hours: Cache<(i64, i64), ()>,
    touched: HashMap<ActorId, State>,
}

struct State {
    row: i64,
    first_seen: Timestamp,
    last_seen: Timestamp,
    tool_calls: i64,
    errors: i64,
    facts: Facts,
}

/// A value and the (event time, event id) that set it: the greatest wins.
type Set = (i64, String, serde_json::Value);

/// Name and traits, the newest event time winning per key (D9).
#[derive(Default, Serialize, Deserialize)]
pub(in crate::sqlite) struct Facts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Set>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::sqlite) traits: BTreeMap<String, Set>,
}

impl People {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(20_000), hours: Cache::new(40_000), touched: HashMap::new() }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Gives every event its person and merges what it tells of them.
    pub(super) fn resolve(
        &mut self,
        conn: &Connection,
        fresh: &mut [Fresh<'_>],
        next: &mut i64,
    ) -> Result<()> {
        for f in fresh {
            let Some(actor) = legal_actor(f.event) else {
                f.illegal_actor = f.event.actor.is_some();
                continue;
            };
            if !self.touched.contains_key(&actor.id) {
                let state = match self.known.remove(&actor.id) {
                    Some(state) => state,
                    None => match load(conn, &actor.id)? {
                        Some(state) => state,
                        None => {
                            *next += 1;
                            State::new(*next - 1, f.event.started_at)
                        }
                    },
                };
                self.touched.insert(actor.id.clone(), state);
            }
            if let Some(state) = self.touched.get_mut(&actor.id) {
                state.add(f.event);
                f.person = Some(state.row);
            }
        }
        Ok(())
    }

    /// The row of a person that some event named.
    pub(super) fn row_of(&mut self, conn: &Connection, actor: &ActorId) -> Result<Option<i64>> {
        if let Some(state) = self.touched.get(actor) {
            return Ok(Some(state.row));
        }
        if let Some(state) = self.known.get_mut(actor) {
            return Ok(Some(state.row));
        }
        let Some(state) = load(conn, actor)? else { return Ok(None) };
        let row = state.row;
        self.known.insert(actor.clone(), state);
        Ok(Some(row))
    }

    /// Writes what the commit touched.
    pub(super) fn write(&mut self, conn: &Connection, fresh: &[Fresh<'_>]) -> Result<()> {
        let mut write = conn.prepare_cached(sql!("person.write"))?;
        for (id, state) in self.touched.drain() {
            let name = state.facts.name.as_ref().and_then(|(_, _, name)| name.as_str());
            let traits: serde_json::Map<String, serde_json::Value> =
                state.facts.traits.iter().map(|(k, (_, _, v))| (k.clone(), v.clone())).collect();
            write.execute((
                state.row,
                id.as_str(),
                name,
                state.first_seen.micros(),
                state.last_seen.micros(),
                state.tool_calls,
                state.errors,
                serde_json::to_string(&traits).unwrap_or_else(|_| "{}".into()),
                serde_json::to_vec(&state.facts).unwrap_or_default(),
            ))?;
            self.known.insert(id, state);
        }
        let mut insert = conn.prepare_cached(sql!("person_hour.insert"))?;
        for f in fresh {
            let Some(person) = f.person else { continue };
            let hour = f.event.started_at.micros().div_euclid(HOUR_US);
            if self.hours.get(&(hour, person)).is_none() {
                insert.execute((hour, person))?;
                self.hours.insert((hour, person), ());
            }
        }
        Ok(())
    }
}

impl State {
    fn new(row: i64, at: Timestamp) -> Self {
        Self { row, first_seen: at, last_seen: at, tool_calls: 0, errors: 0, facts: Facts::default() }
    }

    fn add(&mut self, event: &Event) {
        self.first_seen = self.first_seen.min(event.started_at);
        self.last_seen = self.last_seen.max(event.started_at);
        if event.is_counted_call() {
            self.tool_calls += 1;
            self.errors += i64::from(event.failed());
        }
        let Some(actor) = &event.actor else { return };
        let key = (event.started_at.micros(), event.id.as_str());
        if let Some(name) = &actor.name
            && self.facts.name.as_ref().is_none_or(|(at, id, old)| {
                (*at, id.as_str()) < key || ((*at, id.as_str()) == key && old.as_str() < Some(name))
            })
        {
            self.facts.name = Some((key.0, key.1.into(), (&**name).into()));
        }
        for (trait_key, value) in &actor.traits {
            // A null removes nothing.
            if value.is_null() {
                continue;
            }
            match self.facts.traits.get_mut(trait_key) {
                Some((at, id, old)) => {
                    if (*at, id.as_str()) < key
                        || ((*at, id.as_str()) == key && text_of(old) < text_of(value))
                    {
                        (*at, *id, *old) = (key.0, key.1.into(), value.clone());
                    }
                }
                None => {
                    self.facts.traits.insert(trait_key.clone(), (key.0, key.1.into(), value.clone()));
                    if self.facts.traits.len() > TRAITS {
                        self.facts.traits.pop_last();
                    }
                }
            }
        }
    }
}

fn load(conn: &Connection, id: &ActorId) -> Result<Option<State>> {
    let found = conn.prepare_cached(sql!("person.find"))?.query_row([id.as_str()], |r| {
        let facts: Vec<u8> = r.get(5)?;
        Ok(State {
            row: r.get(0)?,
            first_seen: Timestamp::from_micros(r.get(1)?),
            last_seen: Timestamp::from_micros(r.get(2)?),
            tool_calls: r.get(3)?,
            errors: r.get(4)?,
            facts: serde_json::from_slice(&facts).unwrap_or_default(),
        })
    });
    Ok(found.optional()?)
}

fn text_of(value: &serde_json::Value) -> String {
    value.to_string()
}
