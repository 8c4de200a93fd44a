//! People: everyone a legal actor id names, with merged facts (AC R32), and the merges that events ask for (PH §8).

use rusqlite::{Connection, OptionalExtension};
use trackway_core::identity::{MergeFact, merge_of};
use trackway_core::person::{Facts, Profile, attached_id, legal_actor};
use trackway_core::session::Counts;
use trackway_core::winner::{First, Key};
use trackway_event::{ActorId, Event, EventId, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::Fresh;
use super::rollup::HOUR_US;
use crate::sqlite::cache::{Cache, Map};
use crate::sqlite::control::sql;
use crate::sqlite::identity;
use crate::{Result, StoreError};

/// The people as far as the writer remembers them.
pub(super) struct People {
    known: Cache<ActorId, State>,
    hours: Cache<(i64, i64), ()>,
    touched: Map<ActorId, State>,
    /// Merges of the running commit.
    merges: Vec<MergeFact>,
}

struct State {
    row: i64,
    first_seen: Timestamp,
    last_seen: Timestamp,
    facts: Facts,
    /// Merge facts name it.
    linked: bool,
    /// What it was last shown with: a hash of name and traits; 0: unknown.
    shown: u64,
    /// Since when there was a person when it was last folded.
    since: Option<Key>,
}

impl People {
    pub(super) fn new() -> Self {
        Self {
            known: Cache::new(20_000),
            hours: Cache::new(40_000),
            touched: Map::default(),
            merges: Vec::new(),
        }
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
            if f.event.identity.is_some() {
                match merge_of(f.event) {
                    Ok(merge) => self.merges.push(merge),
                    Err(none) => f.remarks.extend(none.note()),
                }
            }
            let attached;
            let id = match legal_actor(f.event) {
                Some(actor) => &actor.id,
                None => {
                    if f.event.actor.is_some() {
                        f.remarks.push("illegal_actor");
                    }
                    attached = attached_id(f.event);
                    let Some(id) = &attached else { continue };
                    id
                }
            };
            let state = self.touch(conn, id, f.event.started_at, next)?;
            state.add(f.event);
            f.person = Some(state.row);
        }
        for merge in std::mem::take(&mut self.merges) {
            for id in [&merge.source, &merge.target] {
                self.touch(conn, id, merge.key.at, next)?.seen(merge.key.at);
            }
            self.merges.push(merge);
        }
        Ok(())
    }

    /// What is known of an id, to be written at the end of the commit.
    fn touch(
        &mut self,
        conn: &Connection,
        id: &ActorId,
        at: Timestamp,
        next: &mut i64,
    ) -> Result<&mut State> {
        if !self.touched.contains_key(id) {
            let known = match self.known.remove(id) {
                Some(state) => Some(state),
                None => load(conn, id)?,
            };
            let state = known.unwrap_or_else(|| {
                *next += 1;
                State::new(*next - 1, at)
            });
            self.touched.insert(id.clone(), state);
        }
        self.touched.get_mut(id).ok_or_else(|| StoreError::Backend("a person was lost; try again".into()))
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

    /// So many more of a person's calls failed than was counted.
    pub(super) fn failed(&mut self, conn: &Connection, row: i64, more: i64) -> Result<()> {
        let id: Option<String> =
            conn.prepare_cached(sql!("erase.id"))?.query_row([row], |r| r.get(0)).optional()?;
        // One that began in this commit is in no row yet.
        let new = || self.touched.iter().find(|(_, state)| state.row == row).map(|(id, _)| id.clone());
        let Some(id) = id.and_then(|id| ActorId::parse(&id)).map(|(id, _)| id).or_else(new) else {
            return Ok(());
        };
        let state = self.touch(conn, &id, Timestamp::ZERO, &mut 0)?;
        let errors = &mut state.facts.counts.errors;
        *errors = errors.saturating_add_signed(more);
        Ok(())
    }

    /// Writes what the commit touched.
    pub(super) fn write(&mut self, conn: &Connection, fresh: &[Fresh<'_>]) -> Result<()> {
        let mut write = conn.prepare_cached(sql!("person.write"))?;
        let merges = std::mem::take(&mut self.merges);
        let mut refold = Vec::new();
        let mut show = Vec::new();
        for (id, mut state) in self.touched.drain() {
            let (counts, profile) = (&state.facts.counts, &state.facts.profile);
            let name = profile.shown_name();
            let traits = serde_json::to_string(&profile.traits()).unwrap_or_else(|_| "{}".into());
            write.execute((
                state.row,
                id.as_str(),
                &name,
                state.first_seen.micros(),
                state.last_seen.micros(),
                counts.tool_calls as i64,
                counts.errors as i64,
                &traits,
                profile.encode(),
                profile.since.value().is_some(),
            ))?;
            let named = merges.iter().any(|m| m.source == id || m.target == id);
            // Few people have a second id; the others pay nothing for it.
            if named || state.linked {
                let since = profile.since.0.as_ref().map(|(key, ())| key);
                let shown = xxh3_64(format!("{}\0{traits}", name.unwrap_or_default()).as_bytes());
                if named || state.since.as_ref() != since {
                    refold.push(state.row);
                } else if state.shown != shown {
                    show.push(state.row);
                }
                state.since = since.cloned();
                state.shown = shown;
                state.linked = true;
            }
            self.known.insert(id, state);
        }
        for merge in &merges {
            if let (Some(source), Some(target)) =
                (self.row_of(conn, &merge.source)?, self.row_of(conn, &merge.target)?)
            {
                identity::add(conn, merge, source, target)?;
            }
        }
        identity::refold(conn, &refold)?;
        let mut roots =
            show.into_iter().map(|row| identity::root_of(conn, row)).collect::<Result<Vec<_>>>()?;
        roots.sort_unstable();
        roots.dedup();
        for root in roots {
            identity::show(conn, root)?;
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
        let facts = Facts::default();
        Self { row, first_seen: at, last_seen: at, facts, linked: false, shown: 0, since: None }
    }

    fn add(&mut self, event: &Event) {
        self.seen(event.started_at);
        self.facts.add(event);
    }

    fn seen(&mut self, at: Timestamp) {
        self.first_seen = self.first_seen.min(at);
        self.last_seen = self.last_seen.max(at);
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
            linked: r.get(7)?,
            shown: 0,
            since: None,
        };
        Ok((state, profile, r.get::<_, bool>(6)?))
    });
    let Some((mut state, profile, known)) = found.optional()? else { return Ok(None) };
    state.facts.profile = Profile::decode(&profile).ok_or_else(|| StoreError::Corrupt {
        path: Default::default(),
        reason: format!("person {} has unreadable facts", state.row),
    })?;
    // People of an older ledger are known since they were first seen.
    if known && !state.linked && state.facts.profile.since.value().is_none() {
        let first = EventId::foreign("0").map(|id| (Key { at: state.first_seen, id }, ()));
        state.facts.profile.since = First(first);
    }
    if state.linked {
        state.since = state.facts.profile.since.0.as_ref().map(|(key, ())| key.clone());
    }
    Ok(Some(state))
}
