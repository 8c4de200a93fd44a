//! What an operator says of sessions by hand: that one goes on where another ended, or that one begins in the midst of another
//! (F-87). A word is a row beside the sessions, kept above every rule and taken back by the same means; who said it is in the
//! audit log. Called by `backend`, and by the commit when a bridge makes two sessions one.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};
use trackway_event::{SessionId, Timestamp};

use super::control::sql;
use super::joined;
use crate::query::SessionBefore;
use crate::{Result, StoreError};

/// Sessions that are shown as one by an operator's word, at most.
const TOGETHER: usize = 64;

/// Shows session `later` as what goes on where `earlier` ended, in a transaction of its own; `changing` is called inside of it.
/// `false` when one of them is not there.
pub(super) fn join(conn: &Connection, later: &str, earlier: &str, changing: impl FnOnce()) -> Result<bool> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    changing();
    let joined = say(conn, later, earlier);
    conn.execute_batch(if joined.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    joined
}

fn say(conn: &Connection, later: &str, earlier: &str) -> Result<bool> {
    let (Some((late, late_at)), Some((early, early_at))) = (shown(conn, later)?, shown(conn, earlier)?)
    else {
        return Ok(false);
    };
    let refuse = |why: &str| Err(StoreError::BadQuestion(why.to_owned()));
    if late == early {
        return refuse("they are shown as one session already");
    }
    if early_at > late_at {
        return refuse(
            "a session goes on where one ended that began before it; name the earlier one to join with",
        );
    }
    let ended = joined::members(conn, early)?;
    if ended.len() + joined::members(conn, late)?.len() + 2 > TOGETHER {
        return refuse("together they would be more than 64 sessions; join fewer");
    }
    let last = ended.last().copied().unwrap_or(early);
    conn.prepare_cached(sql!("joined.say"))?.execute((late, last, 0))?;
    joined::settle(conn, &[late])?;
    Ok(true)
}

/// The session under which an id is shown, and when it began.
fn shown(conn: &Connection, id: &str) -> Result<Option<(i64, i64)>> {
    let found = conn.prepare_cached(sql!("joined.shown"))?.query_row([id], |r| Ok((r.get(0)?, r.get(1)?)));
    Ok(found.optional()?)
}

/// Which sessions one could be joined with, the newest first.
pub(super) fn before(conn: &Connection, id: &str) -> Result<Vec<SessionBefore>> {
    let Some((row, _)) = shown(conn, id)? else { return Ok(Vec::new()) };
    let mut statement = conn.prepare_cached(sql!("joined.before"))?;
    let mut rows = statement.query([row])?;
    let mut found = Vec::new();
    while let Some(r) = rows.next()? {
        let time = |i: usize| r.get::<_, i64>(i).map(Timestamp::from_micros);
        let Some(id) = SessionId::foreign(&r.get::<_, String>(0)?) else { continue };
        let calls: i64 = r.get(3)?;
        found.push(SessionBefore {
            id,
            started_at: time(1)?,
            last_event_at: time(2)?,
            tool_calls: calls as u64,
        });
    }
    Ok(found)
}

/// Lets session `keep` take over what was said of `gone`, which ends in it; answers the sessions to settle.
pub(super) fn absorb(conn: &Connection, keep: i64, gone: i64) -> Result<Vec<i64>> {
    conn.prepare_cached(sql!("cut.row"))?.execute((keep, gone))?;
    conn.prepare_cached(sql!("cut.origin"))?.execute((keep, gone))?;
    let said: Vec<(i64, i64, i64)> = {
        let mut statement = conn.prepare_cached(sql!("joined.said"))?;
        statement
            .query_map([gone], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?
    };
    if said.is_empty() {
        return Ok(Vec::new());
    }
    let mut tied: BTreeSet<i64> = joined::leave(conn, gone)?.into_iter().collect();
    for (later, earlier, apart) in said {
        let (later, earlier) =
            (if later == gone { keep } else { later }, if earlier == gone { keep } else { earlier });
        if !leads(conn, earlier, later)? {
            conn.prepare_cached(sql!("joined.say"))?.execute((later, earlier, apart))?;
            tied.extend([later, earlier]);
        }
    }
    tied.insert(keep);
    tied.remove(&gone);
    Ok(tied.into_iter().collect())
}

/// Whether a session is another, or continues it, or already has a word of its own that would be lost.
fn leads(conn: &Connection, from: i64, to: i64) -> Result<bool> {
    let mut ask = conn.prepare_cached(sql!("joined.earlier"))?;
    if ask.exists([to])? {
        return Ok(true);
    }
    let mut at = Some(from);
    for _ in 0..TOGETHER {
        let Some(row) = at else { return Ok(false) };
        if row == to {
            return Ok(true);
        }
        at = ask.query_row([row], |r| r.get(0)).optional()?;
    }
    Ok(true)
}
