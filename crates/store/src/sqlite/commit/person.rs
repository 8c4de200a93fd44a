//! People: everyone a legal actor id names, with merged facts (AC R32).

use rusqlite::{Connection, OptionalExtension};
use trackway_core::person::{Facts, Profile, legal_actor};
use trackway_core::session::Counts;
use trackway_event::{ActorId, Event, Timestamp};

use super::Fresh;
use super::rollup::HOUR_US;
use crate::sqlite::cache::{Cache, Map};
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// The people as far as the writer remembers them.
pub(super) struct People {
    known: Cache<ActorId, State>,
    hours: Cache<(i64, i64), ()>,
    touched: Map<ActorId, State>,
}

struct State {
    row: i64,
    first_seen: Timestamp,
    last_seen: Timestamp,
    facts: Facts,
}

impl People {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(20_000), hours: Cache::new(40_000), touched: Map::default() }
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
            let (counts, profile) = (&state.facts.counts, &state.facts.profile);
            write.execute((
                state.row,
                id.as_str(),
                profile.name.value().map(|n| &**n),
                state.first_seen.micros(),
                state.last_seen.micros(),
                counts.tool_calls as i64,
                counts.errors as i64,
                serde_json::to_string(&profile.traits()).unwrap_or_else(|_| "{}".into()),
                profile.encode(),
            ))?;
            self.known.insert(id, state);
        }
        let mut by_hour = conn.prepare_cached(sql!("person_hour.insert"))?;
        let mut by_day = conn.prepare_cached(sql!("person_day.insert"))?;
        for f in fresh {
            let Some(person) = f.person else { continue };
            let hour = f.event.started_at.micros().div_euclid(HOUR_US);
            if self.hours.get(&(hour, person)).is_none() {
                by_hour.execute((hour, person))?;
                by_day.execute((hour.div_euclid(24), person))?;
                self.hours.insert((hour, person), ());
            }
        }
        Ok(())
    }
}

impl State {
    fn new(row: i64, at: Timestamp) -> Self {
        Self { row, first_seen: at, last_seen: at, facts: Facts::default() }
    }

    fn add(&mut self, event: &Event) {
        self.first_seen = self.first_seen.min(event.started_at);
        self.last_seen = self.last_seen.max(event.started_at);
        self.facts.add(event);
    }
}

fn load(conn: &Connection, id: &ActorId) -> Result<Option<State>> {
    let found = conn.prepare_cached(sql!("person.find"))?.query_row([id.as_str()], |r| {
        let profile: Vec<u8> = r.get(5)?;
        let counts = Counts {
            tool_calls: r.get::<_, i64>(3)? as u64,
            errors: r.get::<_, i64>(4)? as u64,
            ..Counts::default()
        };
        let state = State {
            row: r.get(0)?,
            first_seen: Timestamp::from_micros(r.get(1)?),
            last_seen: Timestamp::from_micros(r.get(2)?),
            facts: Facts { counts, ..Facts::default() },
        };
        Ok((state, profile))
    });
    let Some((mut state, profile)) = found.optional()? else { return Ok(None) };
    state.facts.profile = Profile::decode(&profile).ok_or_else(|| StoreError::Corrupt {
        path: Default::default(),
        reason: format!("person {} has unreadable facts", state.row),
    })?;
    Ok(Some(state))
}
