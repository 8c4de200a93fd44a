//! Accounts: the groups that events name, with their figures, and what `$groupidentify` says of them (wire-posthog I14).
//! Called by the commit, after people and before rows.

use rusqlite::{Connection, OptionalExtension};
use trackway_core::person::Profile;
use trackway_core::session::Counts;
use trackway_event::identity::PersonProfile;
use trackway_event::{Event, Timestamp, limits};

use super::Fresh;
use super::rollup::HOUR_US;
use crate::sqlite::cache::{Cache, Map};
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// Type and key.
type Name = (Box<str>, Box<str>);

/// The accounts as far as the writer remembers them.
pub(super) struct Accounts {
    known: Cache<Name, State>,
    touched: Map<Name, State>,
    /// Types in use, once they were read.
    types: Option<Vec<Box<str>>>,
    /// Hours, people and sessions that were noted: (which table, account, the other).
    noted: Cache<(u8, i64, i64), ()>,
}

struct State {
    row: i64,
    span: (Timestamp, Timestamp),
    events: u64,
    tool_calls: u64,
    errors: u64,
    profile: Profile,
}

impl Accounts {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(10_000), touched: Map::default(), types: None, noted: Cache::new(40_000) }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Gives every event its accounts and adds up what it tells of them.
    pub(super) fn resolve(
        &mut self,
        conn: &Connection,
        fresh: &mut [Fresh<'_>],
        next: &mut i64,
    ) -> Result<()> {
        for f in fresh {
            let event = f.event;
            for (kind, key) in &event.groups {
                match self.touch(conn, kind, key, event.started_at, next)? {
                    Some(state) => {
                        state.add(event);
                        f.accounts.push(state.row);
                    }
                    None => f.remarks.push("group_types_limit"),
                }
            }
            let Some(facts) = event.identity.as_ref().and_then(|i| i.group.as_ref()) else { continue };
            if event.identity.as_ref().is_some_and(|i| i.process_person_profile == PersonProfile::Off) {
                f.remarks.push("group_ignored:profile_off");
                continue;
            }
            match self.touch(conn, &facts.kind, &facts.key, event.started_at, next)? {
                Some(state) => state.profile.merge(Profile::of_group(event, facts)),
                None => f.remarks.push("group_types_limit"),
            }
        }
        Ok(())
    }

    /// Writes what the commit touched; the events have their sessions by now.
    pub(super) fn write(&mut self, conn: &Connection, fresh: &[Fresh<'_>]) -> Result<()> {
        if self.touched.is_empty() {
            return Ok(());
        }
        let mut write = conn.prepare_cached(sql!("account.write"))?;
        for (name, state) in self.touched.drain() {
            let profile = &state.profile;
            write.execute((
                state.row,
                &*name.0,
                &*name.1,
                profile.shown_name(),
                state.span.0.micros(),
                state.span.1.micros(),
                state.events as i64,
                state.tool_calls as i64,
                state.errors as i64,
                serde_json::to_string(&profile.traits()).unwrap_or_else(|_| "{}".into()),
                profile.encode(),
            ))?;
            self.known.insert(name, state);
        }
        let mut of_event = conn.prepare_cached(sql!("account.event"))?;
        let mut of_hour = conn.prepare_cached(sql!("account.hour"))?;
        let mut of_person = conn.prepare_cached(sql!("account.person"))?;
        let mut of_session = conn.prepare_cached(sql!("account.session"))?;
        for f in fresh {
            for account in &f.accounts {
                of_event.execute((f.seq, account))?;
                let hour = f.event.started_at.micros().div_euclid(HOUR_US);
                if self.noted.get(&(0, *account, hour)).is_none() {
                    of_hour.execute((hour, account))?;
                    self.noted.insert((0, *account, hour), ());
                }
                if let Some(person) = f.person
                    && self.noted.get(&(1, *account, person)).is_none()
                {
                    of_person.execute((account, person))?;
                    self.noted.insert((1, *account, person), ());
                }
                if let Some(session) = f.session {
                    let nameless = u8::from(f.person.is_none());
                    if self.noted.get(&(2 + nameless, *account, session)).is_none() {
                        of_session.execute((account, session, nameless))?;
                        self.noted.insert((2 + nameless, *account, session), ());
                    }
                }
            }
        }
        Ok(())
    }

    /// An account, to be written at the end of the commit; `None`: the project has as many types of groups as it may.
    fn touch(
        &mut self,
        conn: &Connection,
        kind: &str,
        key: &str,
        at: Timestamp,
        next: &mut i64,
    ) -> Result<Option<&mut State>> {
        if self.types.is_none() {
            let mut statement = conn.prepare_cached(sql!("account.types"))?;
            let types = statement.query_map([], |r| r.get::<_, String>(0).map(Into::into))?;
            self.types = Some(types.collect::<rusqlite::Result<_>>()?);
        }
        let types = self.types.get_or_insert_default();
        if !types.iter().any(|t| **t == *kind) {
            if types.len() >= limits::GROUPS {
                return Ok(None);
            }
            types.push(kind.into());
        }
        let name: Name = (kind.into(), key.into());
        if !self.touched.contains_key(&name) {
            let known = match self.known.remove(&name) {
                Some(state) => Some(state),
                None => load(conn, kind, key)?,
            };
            let state = known.unwrap_or_else(|| {
                *next += 1;
                State {
                    row: *next - 1,
                    span: (at, at),
                    events: 0,
                    tool_calls: 0,
                    errors: 0,
                    profile: Profile::default(),
                }
            });
            self.touched.insert(name.clone(), state);
        }
        let state = self.touched.get_mut(&name);
        if let Some(state) = state {
            state.span = (state.span.0.min(at), state.span.1.max(at));
            return Ok(Some(state));
        }
        Ok(None)
    }
}

impl State {
    fn add(&mut self, event: &Event) {
        let counts = Counts::of(event);
        self.events += counts.events;
        self.tool_calls += counts.tool_calls;
        self.errors += counts.errors;
    }
}

fn load(conn: &Connection, kind: &str, key: &str) -> Result<Option<State>> {
    let found = conn.prepare_cached(sql!("account.find"))?.query_row((kind, key), |r| {
        let n = |i: usize| r.get::<_, i64>(i).map(|n| n as u64);
        let time = |i: usize| r.get::<_, i64>(i).map(Timestamp::from_micros);
        let state = State {
            row: r.get(0)?,
            span: (time(1)?, time(2)?),
            events: n(3)?,
            tool_calls: n(4)?,
            errors: n(5)?,
            profile: Profile::default(),
        };
        Ok((state, r.get::<_, Vec<u8>>(6)?))
    });
    let Some((mut state, facts)) = found.optional()? else { return Ok(None) };
    state.profile = Profile::decode(&facts).ok_or_else(|| StoreError::Corrupt {
        path: Default::default(),
        reason: format!("account {} has unreadable facts", state.row),
    })?;
    Ok(Some(state))
}
