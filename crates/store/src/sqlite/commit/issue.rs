//! Error groups: which one a failed event belongs to, and what is known of the group. Its title and class are those of
//! its first event by (time, id), its sample message that of its last, so that order cannot matter (INV-04).

use rusqlite::{Connection, OptionalExtension};
use trackway_core::issue::{self, Fingerprint};
use trackway_event::{ErrorClass, Event, Timestamp};

use super::Fresh;
use super::words::Words;
use crate::Result;
use crate::sqlite::cache::{Cache, Map};
use crate::sqlite::control::sql;

/// The groups as far as the writer remembers them.
pub(super) struct Issues {
    known: Cache<Fingerprint, State>,
    touched: Map<Fingerprint, State>,
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
}

impl Issues {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(4_000), touched: Map::default() }
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
            let class = issue::class_of(f.event);
            f.class = Some(class);
            let Some(fingerprint) = issue::fingerprint(f.event) else { continue };
            if !self.touched.contains_key(&fingerprint) {
                let found = match self.known.remove(&fingerprint) {
                    Some(state) => Some(state),
                    None => load(conn, fingerprint)?,
                };
                let state = match found {
                    Some(state) => state,
                    None => {
                        *next += 1;
                        State::new(conn, words, *next - 1, f, class)?
                    }
                };
                self.touched.insert(fingerprint, state);
            }
            if let Some(state) = self.touched.get_mut(&fingerprint) {
                state.add(f, class);
                f.issue = Some(state.row);
            }
        }
        Ok(())
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
    fn new(conn: &Connection, words: &mut Words, row: i64, f: &Fresh<'_>, class: ErrorClass) -> Result<Self> {
        let event = f.event;
        let kind = event.error.as_ref().and_then(|e| e.kind.as_deref());
        let key = key_of(event);
        Ok(Self {
            row,
            title: issue::title(event),
            tool: f.tool,
            error_type: words.name_of(conn, kind)?,
            class,
            first: key.clone(),
            last: key,
            events: 0,
            since_server: f.server,
            message: message_of(event),
        })
    }

    fn add(&mut self, f: &Fresh<'_>, class: ErrorClass) {
        let event = f.event;
        let key = (event.started_at, event.id.as_str());
        self.events += 1;
        if key < (self.first.0, self.first.1.as_str()) {
            self.first = key_of(event);
            self.title = issue::title(event);
            self.class = class;
            self.since_server = f.server;
        }
        if key > (self.last.0, self.last.1.as_str()) {
            self.last = key_of(event);
            self.message = message_of(event);
        }
    }
}

fn key_of(event: &Event) -> (Timestamp, String) {
    (event.started_at, event.id.to_string())
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
        })
    });
    Ok(found.optional()?)
}
