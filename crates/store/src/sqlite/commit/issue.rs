//! Error groups: which one a failed event belongs to, and what is known of the group. Its title and class are those of
//! its first event by (time, id), its sample message that of its last, so that order cannot matter (INV-04).

pub(in crate::sqlite) mod apart;

use rusqlite::{Connection, OptionalExtension};
use trackway_core::issue::apart::By;
use trackway_core::issue::{self, Fingerprint};
use trackway_event::{ErrorClass, ErrorInfo, Event, EventId, Kind, Status, Timestamp};

use super::Fresh;
use super::words::Words;
use crate::Result;
use crate::sqlite::cache::{Cache, Map};
use crate::sqlite::control::sql;

/// The groups as far as the writer remembers them.
pub(super) struct Issues {
    known: Cache<Fingerprint, State>,
    touched: Map<Fingerprint, State>,
    apart: apart::Apart,
}

/// A failure, with the numbers of its names.
pub(super) struct Failed<'a> {
    pub(super) event: &'a Event,
    pub(super) tool: Option<i64>,
    pub(super) server: Option<i64>,
    pub(super) client: Option<i64>,
}

/// One group as the writer holds it.
struct State {
    row: i64,
    title: String,
    tool: Option<i64>,
    error_type: Option<i64>,
    class: ErrorClass,
    first: (Timestamp, String),
    last: (Timestamp, String),
    events: i64,
    since_server: Option<i64>,
    message: String,
    /// What it was taken out of another by, by hand.
    by: Option<By>,
}

impl Issues {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(4_000), touched: Map::default(), apart: apart::Apart::default() }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Gives every failed event its class and group.
    pub(super) fn resolve(
        &mut self,
        conn: &Connection,
        words: &mut Words,
        fresh: &mut [Fresh<'_>],
        next: &mut i64,
    ) -> Result<()> {
        for f in fresh {
            if f.event.error.is_none() && !f.event.failed() {
                continue;
            }
            f.class = Some(issue::class_of(f.event));
            let failed = Failed { event: f.event, tool: f.tool, server: f.server, client: f.client };
            f.issue = self.take_in(conn, words, next, &failed)?;
        }
        Ok(())
    }

    /// Counts a failure in its group; answers which that is.
    fn take_in(
        &mut self,
        conn: &Connection,
        words: &mut Words,
        next: &mut i64,
        f: &Failed<'_>,
    ) -> Result<Option<i64>> {
        let Some(own) = issue::fingerprint(f.event) else { return Ok(None) };
        let fingerprint = self.apart.group_of(conn, own, f)?;
        if !self.touch(conn, fingerprint)? {
            *next += 1;
            let by = apart::by_of(conn, fingerprint)?;
            let state = State::new(conn, words, (*next - 1, by), f)?;
            self.touched.insert(fingerprint, state);
        }
        Ok(self.touched.get_mut(&fingerprint).map(|state| {
            state.add(f);
            state.row
        }))
    }

    /// Whether there is such a group; then it is at hand.
    fn touch(&mut self, conn: &Connection, fingerprint: Fingerprint) -> Result<bool> {
        if self.touched.contains_key(&fingerprint) {
            return Ok(true);
        }
        let found = match self.known.remove(&fingerprint) {
            Some(state) => Some(state),
            None => load(conn, fingerprint)?,
        };
        Ok(found.map(|state| self.touched.insert(fingerprint, state)).is_some())
    }

    /// Puts the event that stands for a whole call into the group of what went wrong in it, out of the one it was in; into none
    /// where nothing did. `f` is the event as the whole call makes it. The event's row is there already.
    pub(super) fn regroup(
        &mut self,
        conn: &Connection,
        words: &mut Words,
        next: &mut i64,
        (seq, group): (i64, Option<i64>),
        f: &Failed<'_>,
    ) -> Result<()> {
        if let Some(group) = group {
            conn.prepare_cached(sql!("call.group"))?.execute((
                seq,
                None::<i64>,
                None::<i64>,
                None::<i64>,
                None::<&str>,
            ))?;
            self.leave(conn, group)?;
        }
        let issue = self.take_in(conn, words, next, f)?;
        let error = f.event.error.as_ref().filter(|_| issue.is_some());
        let kind = words.name_of(conn, error.and_then(|e| e.kind.as_deref()))?;
        let class = issue.map(|_| issue::class_of(f.event).code());
        conn.prepare_cached(sql!("call.group"))?.execute((
            seq,
            issue,
            class,
            kind,
            error.map(|e| &*e.message),
        ))?;
        Ok(())
    }

    /// A group without one of its events, which is in none any more: told again from those it has left.
    fn leave(&mut self, conn: &Connection, group: i64) -> Result<()> {
        let at_hand = self.touched.iter().find(|(_, state)| state.row == group).map(|(known, _)| *known);
        let fingerprint = match at_hand {
            Some(known) => known,
            None => {
                let mut statement = conn.prepare_cached(sql!("issue.fingerprint"))?;
                let found = statement.query_row([group], |r| r.get(0)).optional()?;
                let Some(found) = found else { return Ok(()) };
                Fingerprint(found)
            }
        };
        self.touch(conn, fingerprint)?;
        let Some(state) = self.touched.get_mut(&fingerprint) else { return Ok(()) };
        state.events -= 1;
        state.retell(conn)
    }

    /// Writes what the commit touched.
    pub(super) fn write(&mut self, conn: &Connection) -> Result<()> {
        let mut write = conn.prepare_cached(sql!("issue.write"))?;
        for (fingerprint, s) in self.touched.drain() {
            write.execute((
                s.row,
                fingerprint.0,
                &s.title,
                s.tool,
                s.error_type,
                s.class.code(),
                s.first.0.micros(),
                &s.first.1,
                s.last.0.micros(),
                &s.last.1,
                s.events,
                s.since_server,
                &s.message,
            ))?;
            self.known.insert(fingerprint, s);
        }
        Ok(())
    }
}

impl State {
    fn new(
        conn: &Connection,
        words: &mut Words,
        (row, by): (i64, Option<By>),
        f: &Failed<'_>,
    ) -> Result<Self> {
        let event = f.event;
        let kind = event.error.as_ref().and_then(|e| e.kind.as_deref());
        let key = key_of(event);
        Ok(Self {
            row,
            title: title_of(event, by.as_ref()),
            tool: f.tool,
            error_type: words.name_of(conn, kind)?,
            class: issue::class_of(event),
            first: key.clone(),
            last: key,
            events: 0,
            since_server: f.server,
            message: message_of(event),
            by,
        })
    }

    fn add(&mut self, f: &Failed<'_>) {
        let event = f.event;
        let key = (event.started_at, event.id.as_str());
        // A group that every event has left knows nothing of the ones to come.
        let alone = self.events == 0;
        self.events += 1;
        if alone || key < (self.first.0, self.first.1.as_str()) {
            self.first = key_of(event);
            self.title = title_of(event, self.by.as_ref());
            self.class = issue::class_of(event);
            self.since_server = f.server;
        }
        if alone || key > (self.last.0, self.last.1.as_str()) {
            self.last = key_of(event);
            self.message = message_of(event);
        }
    }

    /// What its first and its last event tell, from those it has.
    fn retell(&mut self, conn: &Connection) -> Result<()> {
        let mut statement = conn.prepare_cached(sql!("issue.ends"))?;
        let mut rows = statement.query([self.row])?;
        let mut first = true;
        while let Some(r) = rows.next()? {
            let Some(id) = EventId::foreign(&r.get::<_, String>(1)?) else { continue };
            let mut event = Event::new(id, Kind::ToolCall, Timestamp::from_micros(r.get(0)?));
            let message = r.get::<_, Option<Box<str>>>(2)?;
            event.error = message.map(|message| Box::new(ErrorInfo { message, ..ErrorInfo::default() }));
            if let Some(error) = &mut event.error {
                error.kind = r.get(3)?;
            }
            event.status = r.get::<_, Option<u8>>(6)?.and_then(Status::from_code);
            if first {
                self.first = key_of(&event);
                self.title = title_of(&event, self.by.as_ref());
                self.class = r.get::<_, Option<u8>>(4)?.and_then(ErrorClass::from_code).unwrap_or(self.class);
                self.since_server = r.get(5)?;
            } else {
                self.last = key_of(&event);
                self.message = message_of(&event);
            }
            first = false;
        }
        Ok(())
    }
}

fn key_of(event: &Event) -> (Timestamp, String) {
    (event.started_at, event.id.to_string())
}

fn title_of(event: &Event, by: Option<&By>) -> String {
    let title = issue::title(event);
    match by {
        Some(by) => by.title(title),
        None => title,
    }
}

fn message_of(event: &Event) -> String {
    event.error.as_ref().map_or_else(String::new, |e| e.message.to_string())
}

fn load(conn: &Connection, fingerprint: Fingerprint) -> Result<Option<State>> {
    let mut statement = conn.prepare_cached(sql!("issue.load"))?;
    let found = statement.query_row([fingerprint.0], |r| {
        Ok(State {
            row: r.get(0)?,
            title: r.get(1)?,
            tool: r.get(2)?,
            error_type: r.get(3)?,
            class: ErrorClass::from_code(r.get(4)?).unwrap_or(ErrorClass::Internal),
            first: (Timestamp::from_micros(r.get(5)?), r.get(6)?),
            last: (Timestamp::from_micros(r.get(7)?), r.get(8)?),
            events: r.get(9)?,
            since_server: r.get(10)?,
            message: r.get(11)?,
            by: None,
        })
    });
    let Some(state) = found.optional()? else { return Ok(None) };
    Ok(Some(State { by: apart::by_of(conn, fingerprint)?, ..state }))
}
