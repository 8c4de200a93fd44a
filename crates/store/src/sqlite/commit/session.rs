//! Sessions: which one an event belongs to, what is known of them, and bridges between two (D13).

mod bridge;
mod cuts;
mod file;
mod split;

pub(in crate::sqlite) use split::split;

use rusqlite::{Connection, OptionalExtension, params};
use trackway_core::consolidate;
use trackway_core::grouping::{self, Rule};
use trackway_core::session::Facts;
use trackway_event::{Event, ProjectId, SessionId, SessionSource};
use xxhash_rust::xxh3::xxh3_128;

use self::cuts::Cuts;
use super::Fresh;
use super::cell::Counted;
use super::group::Groups;
use super::person::People;
use super::rollup::Rollups;
use super::words::Words;
use crate::Result;
use crate::rules::LinkSessions;
use crate::sqlite::cache::{Cache, Map};
use crate::sqlite::control::sql;
use crate::sqlite::joined::{self, Shows};
use crate::sqlite::nameless::{self, Rows, Tally};
use crate::sqlite::rules;

/// The sessions as far as the writer remembers them.
pub(super) struct Sessions {
    by_id: Cache<SessionId, i64>,
    states: Cache<i64, State>,
    groups: Groups,
    seen_in: Cache<(i64, i64), ()>,
    /// Conversation handles that were noted, with their sessions.
    told_in: Cache<(i64, i64), ()>,
    /// Those the running commit touched, to be written at its end.
    touched: Map<i64, State>,
    /// Where sessions went that the running commit merged away.
    gone: Map<i64, i64>,
    /// Whether sessions link, once it was read.
    linking: Option<LinkSessions>,
    /// Where operators split sessions, once it was read.
    cuts: Option<Cuts>,
    /// Those whose ties to others changed with a bridge of the running commit.
    unsettled: Vec<i64>,
    /// Those in which a call of nobody's turned out to have failed, or not, in the running commit.
    amended: Vec<i64>,
}

/// One session as the writer holds it.
struct State {
    id: SessionId,
    /// Where no event names a source.
    source: SessionSource,
    stored: Stored,
    facts: Facts,
    /// The client under which its clientless events are counted in the rollups.
    client: Option<i64>,
    /// Whom its events that name nobody were put down to when it was last written.
    attributed: Option<i64>,
    /// Whether the file has events of it from before the running commit.
    rows: Rows,
    /// Person and client name of a grouped session.
    group: Option<(i64, i64)>,
    /// The session it is shown under, as a fragment of one conversation.
    under: Option<i64>,
    /// Whose figures its row shows.
    shows: Shows,
    /// What was known when it was last asked what it continues.
    asked: Option<Asked>,
    /// When its end moves beyond this, it is asked again, µs.
    until: i64,
    /// Its end when it was last asked, µs.
    ended: i64,
}

/// What decides whether a session continues another, beside its end.
#[derive(Clone, Copy, PartialEq)]
struct Asked {
    first: i64,
    person: Option<i64>,
    actors: u32,
    process: Option<i64>,
    address: Option<i64>,
    client: Option<i64>,
    server: Option<i64>,
}

/// An event that names no client: it counts under its session's.
pub(super) struct Clientless {
    pub(super) counted: Counted,
    pub(super) tool: Option<i64>,
    pub(super) resource: Option<i64>,
}

/// Whether a session has a row in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    Yes,
    No,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self {
            by_id: Cache::new(40_000),
            states: Cache::new(20_000),
            groups: Groups::new(),
            seen_in: Cache::new(40_000),
            told_in: Cache::new(10_000),
            touched: Map::default(),
            gone: Map::default(),
            linking: None,
            cuts: None,
            unsettled: Vec::new(),
            amended: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Gives every event its session and merges its facts into it; `rollups` follow when that changes what earlier
    /// events count under.
    pub(super) fn resolve(
        &mut self,
        conn: &Connection,
        words: &mut Words,
        rollups: &mut Rollups,
        project: &ProjectId,
        fresh: &mut [Fresh<'_>],
        next: &mut i64,
    ) -> Result<()> {
        for f in fresh.iter_mut() {
            let event = f.event;
            let row = match grouping::rule(event) {
                Rule::Nowhere => continue,
                Rule::Named(id) => {
                    let row = self.named(conn, id, next)?;
                    self.cuts(conn)?.part(row, event.started_at)
                }
                Rule::Alone => self.start(mint(project, event), SessionSource::None, None, next),
                Rule::Grouped(key) => {
                    // `legal_actor` made the key, so the event has a person.
                    let Some(person) = f.person else { continue };
                    let group = (person, words.name(conn, &key.client)?);
                    self.cuts(conn)?;
                    let cuts = self.cuts.as_ref().map_or(&[][..], |cuts| cuts.of(group));
                    match self.groups.place(conn, group, event.started_at, cuts)? {
                        grouping::Placement::New => {
                            let row =
                                self.start(mint(project, event), SessionSource::Grouped, Some(group), next);
                            self.groups.started(group, row, event.started_at);
                            row
                        }
                        grouping::Placement::Join(i) => self.groups.joined(group, i, event.started_at),
                        grouping::Placement::Bridge { keep, gone } => {
                            let (keep, gone) = self.groups.bridged(group, keep, &gone, event.started_at);
                            for gone in gone {
                                self.bridge(conn, words, rollups, keep, gone)?;
                            }
                            keep
                        }
                    }
                }
            };
            self.state(conn, row)?.facts.add(event);
            f.session = Some(row);
            // I15: a transport's token names another session of the same person.
            let token = event.identity.as_ref().and_then(|i| i.token_session.as_deref());
            if let Some(id) =
                token.and_then(SessionId::foreign).filter(|id| event.session_id.as_ref() != Some(id))
            {
                let row = self.named(conn, id, next)?;
                self.state(conn, row)?.facts.people.link(event);
            }
        }
        if !self.gone.is_empty() {
            for f in fresh {
                while let Some(into) = f.session.and_then(|row| self.gone.get(&row)) {
                    f.session = Some(*into);
                }
            }
        }
        for (row, state) in &mut self.touched {
            let client = words.peer_of(conn, state.facts.people.client.value())?;
            if state.client != client && state.stored == Stored::Yes {
                let events = file::clientless(conn, *row)?;
                rollups.shift(conn, words, &events, state.client, client)?;
            }
            state.client = client;
        }
        Ok(())
    }

    /// The client of a session that the running commit touched.
    pub(super) fn client_of(&self, row: i64) -> Option<i64> {
        self.touched.get(&row).and_then(|state| state.client)
    }

    /// Sessions that others went into in the running commit.
    pub(super) fn kept(&self) -> impl Iterator<Item = i64> {
        self.gone.values().copied()
    }

    /// What a session's person has of its nameless events is counted anew at the end of the commit.
    pub(super) fn amend(&mut self, row: i64) {
        self.amended.push(row);
    }

    /// So many more of a session's calls failed than was counted; answers its client.
    pub(super) fn failed(&mut self, conn: &Connection, row: i64, more: i64) -> Result<Option<i64>> {
        let state = self.state(conn, row)?;
        let errors = &mut state.facts.counts.errors;
        *errors = errors.saturating_add_signed(more);
        Ok(state.client)
    }

    /// Writes what the commit touched.
    pub(super) fn write(
        &mut self,
        conn: &Connection,
        words: &mut Words,
        people: &mut People,
        fresh: &[Fresh<'_>],
    ) -> Result<()> {
        let mut rows: Vec<i64> = self.touched.keys().copied().collect();
        rows.sort_unstable();
        let mut write = conn.prepare_cached(sql!("session.write"))?;
        let (mut seeds, mut sums) = (std::mem::take(&mut self.unsettled), Vec::new());
        let mut followed: Vec<Followed> = Vec::new();
        let linking = match self.linking {
            Some(linking) => linking,
            None => *self.linking.insert(rules::read(conn)?.rules.link_sessions),
        };
        for row in rows {
            let Some(mut state) = self.touched.remove(&row) else { continue };
            let (counts, who) = (&state.facts.counts, &state.facts.people);
            let (first, last) = counts.span.unwrap_or_default();
            let person = match who.actor.value() {
                Some(actor) => people.row_of(conn, actor)?,
                None => None,
            };
            let attributed = match who.attributed().filter(|_| linking == LinkSessions::On) {
                Some(actor) => people.row_of(conn, actor)?,
                None => None,
            };
            let source = who.source.value().copied().unwrap_or(state.source);
            let server = words.peer_of(conn, who.server.value())?;
            let asked = Asked {
                first: first.micros(),
                person: person.filter(|_| who.actor_count() == 1),
                actors: who.actor_count(),
                process: who.process.value().map(|p| joined::number(p)),
                address: who.address.value().map(|a| joined::number(a)),
                client: state.client,
                server,
            };
            // Hidden from every list while it is shown under another.
            let activity =
                if state.under.is_some() { -(counts.activity as i64) } else { counts.activity as i64 };
            write.execute(params![
                row,
                state.id.as_str(),
                source.code(),
                first.micros(),
                last.micros(),
                activity,
                counts.events as i64,
                counts.tool_calls as i64,
                counts.errors as i64,
                counts.missing_reports as i64,
                counts.tokens_in as i64,
                counts.tokens_out as i64,
                counts.demo as i64,
                person,
                state.client,
                server,
                words.peer_of(conn, who.sdk.value())?,
                words.name_of(conn, who.protocol_version.value().map(|v| &**v))?,
                who.actor_count(),
                // A grouped session has one actor on every event; anonymous ones are never in it.
                attributed,
                state.group.map(|g| g.0),
                state.group.map(|g| g.1),
                who.encode(),
                asked.process,
                asked.address,
            ])?;
            if state.attributed.is_some() || attributed.is_some() {
                followed.push(Followed { row, person: (state.attributed, attributed), rows: state.rows });
            }
            (state.attributed, state.rows) = (attributed, Rows::Older);
            state.stored = Stored::Yes;
            if state.shows == Shows::Sum {
                joined::keep_own(conn, row)?;
                sums.push(row);
            }
            sums.extend(state.under);
            let evidence = asked.process.is_some() || asked.address.is_some() || asked.person.is_some();
            let joined = state.under.is_some() || state.shows == Shows::Sum;
            let may = joined || (evidence && counts.activity > 0 && consolidate::may_continue(source));
            let moved = state.ended != last.micros() && last.micros() > state.until;
            if may && (state.asked != Some(asked) || moved) {
                seeds.push(row);
                state.asked = Some(asked);
                state.ended = last.micros();
                state.until = i64::MAX;
            }
            self.states.insert(row, state);
        }
        for stand in joined::settle(conn, &seeds)? {
            if let Some(state) = self.states.get_mut(&stand.row) {
                (state.under, state.shows, state.until) = (stand.under, stand.heads, stand.until);
            }
        }
        sums.sort_unstable();
        sums.dedup();
        for head in sums {
            joined::sum(conn, head)?;
        }
        self.gone.clear();
        self.groups.end();
        follow(conn, &followed, fresh)?;
        for row in self.amended.drain(..) {
            nameless::again(conn, row)?;
        }

        let mut insert = conn.prepare_cached(sql!("person_session.insert"))?;
        let mut tell = conn.prepare_cached(sql!("conversation.insert"))?;
        for f in fresh {
            if let (Some(handle), Some(session)) = (&f.event.conversation_id, f.session) {
                let told = (joined::number(handle), session);
                if self.told_in.get(&told).is_none() {
                    tell.execute(told)?;
                    self.told_in.insert(told, ());
                }
            }
            if let (Some(person), Some(session)) = (f.person, f.session)
                && self.seen_in.get(&(person, session)).is_none()
            {
                insert.execute((person, session))?;
                self.seen_in.insert((person, session), ());
            }
        }
        Ok(())
    }

    /// The session of this id, or the one it went into; a new one when there is none.
    fn named(&mut self, conn: &Connection, id: SessionId, next: &mut i64) -> Result<i64> {
        if let Some(row) = self.by_id.get(&id) {
            return Ok(row);
        }
        let found: Option<(i64, Option<i64>)> = conn
            .prepare_cached(sql!("session.find"))?
            .query_row([id.as_str()], |r| Ok((r.get(0)?, r.get(1)?)))
            .optional()?;
        match found {
            Some((row, into)) => {
                let row = into.unwrap_or(row);
                self.by_id.insert(id, row);
                Ok(row)
            }
            None => Ok(self.start(id, SessionSource::Given, None, next)),
        }
    }

    fn cuts(&mut self, conn: &Connection) -> Result<&Cuts> {
        Ok(match self.cuts.take() {
            Some(cuts) => self.cuts.insert(cuts),
            None => self.cuts.insert(Cuts::read(conn)?),
        })
    }

    fn start(
        &mut self,
        id: SessionId,
        source: SessionSource,
        group: Option<(i64, i64)>,
        next: &mut i64,
    ) -> i64 {
        let row = *next;
        *next += 1;
        self.by_id.insert(id.clone(), row);
        let facts = Facts::default();
        let (under, shows, asked, until, ended) = (None, Shows::Own, None, 0, 0);
        let state = State {
            id,
            source,
            stored: Stored::No,
            facts,
            client: None,
            attributed: None,
            rows: Rows::New,
            group,
            under,
            shows,
            asked,
            until,
            ended,
        };
        self.touched.insert(row, state);
        row
    }

    fn state(&mut self, conn: &Connection, row: i64) -> Result<&mut State> {
        use std::collections::hash_map::Entry;
        match self.touched.entry(row) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let state = match self.states.remove(&row) {
                    Some(state) => state,
                    None => file::load(conn, row)?,
                };
                Ok(entry.insert(state))
            }
        }
    }
}

/// A session with a person its nameless events are put down to, until now or from now on.
struct Followed {
    row: i64,
    person: (Option<i64>, Option<i64>),
    rows: Rows,
}

/// Counts the nameless events of the commit for those they are put down to.
fn follow(conn: &Connection, followed: &[Followed], fresh: &[Fresh<'_>]) -> Result<()> {
    if followed.is_empty() {
        return Ok(());
    }
    let mut tallies: Map<i64, Option<Tally>> = followed.iter().map(|one| (one.row, None)).collect();
    for f in fresh.iter().filter(|f| f.person.is_none()) {
        let Some(tally) = f.session.and_then(|row| tallies.get_mut(&row)) else { continue };
        match tally {
            Some(tally) => tally.merge(Tally::of(f.event)),
            None => *tally = Some(Tally::of(f.event)),
        }
    }
    for one in followed {
        let new = tallies.get(&one.row).copied().flatten();
        nameless::follow(conn, one.row, one.person, one.rows, new)?;
    }
    Ok(())
}

/// The id of a session that begins with an event that names none: its time, and bytes that only this event gives.
pub(in crate::sqlite) fn mint(project: &ProjectId, event: &Event) -> SessionId {
    let seed = format!("{project}\0{}\0{}", event.id, event.raw_time.unwrap_or(event.started_at).micros());
    SessionId::mint(event.started_at, xxh3_128(seed.as_bytes()).to_be_bytes())
}
