//! What people have of events that name nobody: those of a session that is put down to one person (wire-posthog I11), counted
//! once a session beside the events, so that they move with the session's person and go when it is taken back. Called by the
//! commit, and by what removes rows. Invariant: a row here is the recount of its session's rows (INV-05).

use rusqlite::Connection;
use trackway_core::session::Counts;
use trackway_event::{Event, Timestamp};

use super::control::sql;
use crate::Result;

/// Events of a session that name nobody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    first: Timestamp,
    last: Timestamp,
    tool_calls: u64,
    errors: u64,
}

impl Tally {
    /// One event.
    pub(super) fn of(event: &Event) -> Self {
        let counts = Counts::of(event);
        Self {
            first: event.started_at,
            last: event.started_at,
            tool_calls: counts.tool_calls,
            errors: counts.errors,
        }
    }

    /// Both, of different events.
    pub(super) fn merge(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.tool_calls += other.tool_calls;
        self.errors += other.errors;
    }
}

/// Whether a session had rows before the running commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// Only those of this commit.
    New,
    /// Older ones too.
    Older,
}

/// Follows a session whose rows are written: put down to `before` until now, to `now` from now on, with `new` events.
pub(super) fn follow(
    conn: &Connection,
    session: i64,
    (before, now): (Option<i64>, Option<i64>),
    rows: Rows,
    new: Option<Tally>,
) -> Result<()> {
    match (before, now) {
        (None, None) => {}
        (Some(_), None) => drop(conn.prepare_cached(sql!("nameless.delete"))?.execute([session])?),
        (None, Some(_)) if rows == Rows::Older => again(conn, session)?,
        (_, Some(person)) => match new {
            Some(t) => {
                conn.prepare_cached(sql!("nameless.add"))?.execute((
                    session,
                    person,
                    t.first.micros(),
                    t.last.micros(),
                    t.tool_calls as i64,
                    t.errors as i64,
                ))?;
            }
            None if before != now => {
                conn.prepare_cached(sql!("nameless.person"))?.execute((session, person))?;
            }
            None => {}
        },
    }
    Ok(())
}

/// Counts a session anew, after its rows or its person changed by other means than events.
pub(super) fn again(conn: &Connection, session: i64) -> Result<()> {
    conn.prepare_cached(sql!("nameless.delete"))?.execute([session])?;
    conn.prepare_cached(sql!("nameless.again"))?.execute([session])?;
    Ok(())
}

/// Forgets a session that goes. Whom it was put down to keeps the figures when it goes for its age.
pub(super) fn leave(conn: &Connection, session: i64, figures: Figures) -> Result<()> {
    if figures == Figures::Stay {
        conn.prepare_cached(sql!("nameless.keep"))?.execute([session])?;
    }
    conn.prepare_cached(sql!("nameless.delete"))?.execute([session])?;
    Ok(())
}

/// What becomes of what a removed session counted for its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figures {
    /// It stays counted (INV-05 holds for kept rows).
    Stay,
    /// It goes with the person.
    Go,
}
