//! Removes rows of a ledger: what is older than its project keeps it (F-150), and what `erase` takes out.
//!
//! Called by `backend` inside a writer's chore. Invariants: sessions go as a whole, so that every session that is left counts its
//! own rows; what figures already counted stays counted, and the ledger knows how many rows it removed, so that a recount
//! still comes out (INV-05 holds for kept rows); a dedupe key outlives its event, so that no replay brings it back.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use trackway_event::{Timestamp, limits};

use super::commit::{DAY_US, DAYS, HOUR_US, HOURS, blank, decode_cells};
use super::control::sql;
use super::joined;
use super::nameless::{self, Figures};
use crate::{Cutoffs, Expired, Result, StoreError};

/// Rows of one step: a fraction of a second of the writer's time.
const STEP: usize = 2_000;

/// What one step removed, and whether there is more.
pub(super) struct Stepped {
    pub(super) removed: Expired,
    pub(super) more: bool,
}

/// How much a run would remove.
pub(super) fn count(conn: &Connection, cutoffs: &Cutoffs) -> Result<Expired> {
    let ask = |sql: &str, at: Option<Timestamp>| -> Result<u64> {
        let Some(at) = at else { return Ok(0) };
        Ok(conn.prepare_cached(sql)?.query_row([at.micros()], |r| r.get::<_, i64>(0))? as u64)
    };
    Ok(Expired {
        payloads: ask(sql!("expire.count_payloads"), cutoffs.payloads)?,
        sessions: ask(sql!("expire.count_sessions"), cutoffs.events)?,
        events: ask(sql!("expire.count_events"), cutoffs.events)?,
        people: ask(sql!("expire.count_people"), cutoffs.events)?,
        rollups: match cutoffs.rollups {
            Some(at) => conn
                .prepare_cached(sql!("expire.count_rollups"))?
                .query_row((hour_of(at), day_of(cutoffs.rollup_days)), |r| r.get::<_, i64>(0))?
                as u64,
            None => 0,
        },
    })
}

/// Bytes of the blocks with payloads of events before `at`.
pub(super) fn payload_bytes(conn: &Connection, at: Timestamp) -> Result<u64> {
    let bytes =
        conn.prepare_cached(sql!("expire.bytes"))?.query_row([at.micros()], |r| r.get::<_, i64>(0))?;
    Ok(bytes as u64)
}

/// Removes some of what is too old.
pub(super) fn step(conn: &Connection, cutoffs: &Cutoffs) -> Result<Stepped> {
    let mut removed = Expired::default();
    let mut more = false;
    if let Some(at) = cutoffs.events {
        more |= old_sessions(conn, at, &mut removed)?;
        let seqs = numbers(conn, sql!("expire.sessionless"), (at.micros(), STEP as i64))?;
        more |= seqs.len() == STEP;
        removed.events += remove_events(conn, &seqs)?;
        removed.people += conn.prepare_cached(sql!("expire.people"))?.execute([at.micros()])? as u64;
    }
    if let Some(at) = cutoffs.payloads {
        let seqs = numbers(conn, sql!("expire.payloads"), (at.micros(), STEP as i64))?;
        more |= seqs.len() == STEP;
        removed.payloads += drop_payloads(conn, &seqs)?;
    }
    if let Some(at) = cutoffs.rollups {
        removed.rollups += old_rollups(conn, HOURS, hour_of(at), "removed.hours")?;
        removed.rollups += old_rollups(conn, DAYS, day_of(cutoffs.rollup_days), "removed.days")?;
        for (statement, bucket) in [
            (sql!("expire.person_hour"), hour_of(at)),
            (sql!("expire.account_hour"), hour_of(at)),
            (sql!("expire.person_day"), day_of(cutoffs.rollup_days)),
        ] {
            conn.prepare_cached(statement)?.execute([bucket])?;
        }
    }
    Ok(Stepped { removed, more })
}

fn old_sessions(conn: &Connection, at: Timestamp, removed: &mut Expired) -> Result<bool> {
    let sessions = numbers(conn, sql!("expire.sessions"), (at.micros(), STEP as i64))?;
    let mut events = 0;
    for (done, session) in sessions.iter().enumerate() {
        events += remove_session(conn, *session, Figures::Stay)?;
        removed.sessions += 1;
        if events >= STEP as u64 {
            removed.events += events;
            return Ok(done + 1 < sessions.len());
        }
    }
    removed.events += events;
    Ok(sessions.len() == STEP)
}

/// Removes a session with all its events, and the ids that went into it. Answers how many events.
pub(super) fn remove_session(conn: &Connection, session: i64, figures: Figures) -> Result<u64> {
    let left = joined::leave(conn, session)?;
    nameless::leave(conn, session, figures)?;
    let seqs = numbers(conn, sql!("expire.of_session"), [session])?;
    let events = remove_events(conn, &seqs)?;
    for statement in [
        sql!("expire.session"),
        sql!("expire.person_session"),
        sql!("expire.account_session"),
        sql!("cut.delete"),
        sql!("conversation.delete"),
    ] {
        conn.prepare_cached(statement)?.execute([session])?;
    }
    joined::settle(conn, &left)?;
    Ok(events)
}

/// Removes events with their payloads and their lines in the search index.
pub(super) fn remove_events(conn: &Connection, seqs: &[i64]) -> Result<u64> {
    drop_payloads(conn, seqs)?;
    let mut counted = 0i64;
    let mut delete = conn.prepare_cached(sql!("expire.event"))?;
    let mut accounts = conn.prepare_cached(sql!("expire.account_event"))?;
    let mut leg = conn.prepare_cached(sql!("expire.leg"))?;
    for seq in seqs {
        drop_words(conn, *seq)?;
        let gone: Option<(i64, String)> =
            delete.query_row([seq], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
        accounts.execute([seq])?;
        leg.execute([seq])?;
        let Some((kind, id)) = gone else { continue };
        // 11, 12: missing_capability, feedback; 15: protocol
        counted += i64::from(kind != 15);
        if kind == 11 || kind == 12 {
            conn.prepare_cached(sql!("expire.wish"))?.execute([id])?;
        }
    }
    let mut add = conn.prepare_cached(sql!("counter.add"))?;
    for (name, n) in [("removed.events", seqs.len() as i64), ("removed.counted", counted)] {
        if n > 0 {
            add.execute((name, n))?;
        }
    }
    Ok(seqs.len() as u64)
}

/// Takes an event out of the search index: the index wants to be told the words it was given.
pub(super) fn drop_words(conn: &Connection, seq: i64) -> Result<()> {
    let mut ask = conn.prepare_cached(sql!("expire.words"))?;
    type Words = (Option<String>, Option<String>, Option<String>);
    let found: Option<Words> = ask.query_row([seq], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).optional()?;
    let Some((intent, error, tool)) = found else { return Ok(()) };
    if intent.is_some() || error.is_some() || tool.is_some() {
        conn.prepare_cached(sql!("search.delete"))?.execute((seq, intent, error, tool))?;
    }
    Ok(())
}

/// Takes the payloads of events out of their blocks; a block with nothing left in it goes.
pub(super) fn drop_payloads(conn: &Connection, seqs: &[i64]) -> Result<u64> {
    let mut places: BTreeMap<i64, (i64, Vec<(usize, usize)>)> = BTreeMap::new();
    let mut dropped = 0;
    {
        let mut take = conn.prepare_cached(sql!("expire.place"))?;
        let mut clear = conn.prepare_cached(sql!("expire.unplace"))?;
        for seq in seqs {
            let place: Option<(i64, i64, i64)> =
                take.query_row([seq], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).optional()?;
            let Some((block, offset, length)) = place else { continue };
            let slot = places.entry(block).or_insert_with(|| (*seq, Vec::new()));
            slot.1.push((offset.max(0) as usize, length.max(0) as usize));
            clear.execute([seq])?;
            dropped += 1;
        }
    }
    let near = limits::COMMIT_EVENTS as i64 * 2;
    let mut used = conn.prepare_cached(sql!("expire.block_used"))?;
    for (block, (seq, places)) in places {
        // A block holds one commit's payloads: its events have neighbouring numbers.
        if !used.exists((block, seq - near, seq + near))? {
            conn.prepare_cached(sql!("expire.block"))?.execute([block])?;
            continue;
        }
        let data: Vec<u8> = conn.prepare_cached(sql!("block.read"))?.query_row([block], |r| r.get(0))?;
        conn.prepare_cached(sql!("expire.reblock"))?.execute((block, blank(&data, &places)?))?;
    }
    Ok(dropped)
}

fn old_rollups(conn: &Connection, grain: i64, before: i64, counter: &str) -> Result<u64> {
    let mut events = 0u64;
    {
        let mut statement = conn.prepare_cached(sql!("expire.rollup_cells"))?;
        let mut rows = statement.query((grain, before))?;
        while let Some(row) = rows.next()? {
            let cells = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            decode_cells(cells, 0, |_client, cell| events += cell.events).ok_or_else(|| {
                StoreError::Corrupt { path: Default::default(), reason: "a rollup cannot be read".into() }
            })?;
        }
    }
    if events > 0 {
        conn.prepare_cached(sql!("counter.add"))?.execute((counter, events as i64))?;
    }
    Ok(conn.prepare_cached(sql!("expire.rollups"))?.execute((grain, before))? as u64)
}

/// The numbers a statement answers.
pub(super) fn numbers(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<i64>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, |r| r.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn hour_of(at: Timestamp) -> i64 {
    at.micros().div_euclid(HOUR_US)
}

fn day_of(at: Option<Timestamp>) -> i64 {
    at.map_or(i64::MIN, |at| at.micros().div_euclid(DAY_US))
}
