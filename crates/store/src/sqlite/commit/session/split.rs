//! Splits a session where an operator says so (F-87): from a chosen step on it is another one.
//!
//! Done by the writer between two commits, in one transaction. Invariants: each part counts what its own rows say (INV-05); an
//! event that comes late goes to the part it belongs to by its start, whatever order they come in (INV-04); events keep what
//! they came with, so that an export holds the session they named.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension};
use trackway_core::session::Facts;
use trackway_event::{ProjectId, SessionId, Status, Timestamp, limits};
use xxhash_rust::xxh3::xxh3_128;

use super::file::{clientless, load};
use super::{Sessions, State, Stored};
use crate::query::Aside;
use crate::sqlite::commit::Next;
use crate::sqlite::commit::call::{self, Followers};
use crate::sqlite::commit::issue::Issues;
use crate::sqlite::commit::person::People;
use crate::sqlite::commit::rollup::Rollups;
use crate::sqlite::commit::words::Words;
use crate::sqlite::control::sql;
use crate::sqlite::joined::{self, Shows};
use crate::sqlite::nameless::Rows;
use crate::sqlite::read;
use crate::{Result, StoreError};

/// Splits a session before the event of this id: what starts then or later is another session, whose id is answered. `None`: there
/// is no such event, or it is in no session.
pub(in crate::sqlite) fn split(
    conn: &Connection,
    project: &ProjectId,
    event: &str,
    now: Timestamp,
) -> Result<Option<SessionId>> {
    let Some(event) = read::find_event(conn, project, event)? else { return Ok(None) };
    let ask = conn.prepare_cached(sql!("cut.session"))?.query_row([event.seq as i64], |r| r.get(0));
    let Some(row) = ask.optional()?.flatten() else { return Ok(None) };
    let at = event.started_at;
    let most = limits::SPLIT_EVENTS as i64;
    let size: i64 = conn.prepare_cached(sql!("cut.size"))?.query_row((row, most + 1), |r| r.get(0))?;
    if size > most {
        let why = format!("a session of more than {most} events is not split; export it instead");
        return Err(StoreError::BadQuestion(why));
    }
    let old = load(conn, row)?;
    let Halves { before, after, handles } = halves(conn, project, row, at)?;
    if before.counts.activity == 0 {
        // Where a fragment begins, what joins it is taken back.
        let parted = joined::part(conn, old.id.as_str(), Aside::Withdraw)?;
        let why = "the session begins with this step: there is nothing before it to split off";
        return if parted { Ok(Some(old.id)) } else { Err(StoreError::BadQuestion(why.to_owned())) };
    }
    if after.counts.activity == 0 {
        let why = "from this step on there is nothing but protocol messages to split off";
        return Err(StoreError::BadQuestion(why.to_owned()));
    }
    let id = id_of(project, &old.id, at, now);
    let mut next = Next::read(conn)?;
    let part = next.session;
    move_rows(conn, row, part, at)?;
    for (late, handle) in handles {
        conn.prepare_cached(sql!("conversation.insert"))?.execute((handle, if late { part } else { row }))?;
    }
    let origin: Option<i64> =
        conn.prepare_cached(sql!("cut.origin_of"))?.query_row([row], |r| r.get(0)).optional()?;
    conn.prepare_cached(sql!("cut.insert"))?.execute((part, origin.unwrap_or(row), at.micros()))?;
    conn.prepare_cached(sql!("joined.pass_on"))?.execute((part, row))?;
    conn.prepare_cached(sql!("joined.say"))?.execute((part, row, 1))?;

    let (mut sessions, mut words) = (Sessions::new(), Words::new());
    let (mut rollups, mut people) = (Rollups::new(), People::new());
    let mut issues = Issues::new();
    let client = old.client;
    let new = State {
        id: id.clone(),
        source: old.source,
        stored: Stored::No,
        facts: after,
        client,
        attributed: None,
        rows: Rows::Older,
        group: old.group,
        under: None,
        shows: Shows::Own,
        asked: None,
        until: 0,
        ended: 0,
    };
    for (row, mut state) in [(row, State { facts: before, ..old }), (part, new)] {
        state.client = words.peer_of(conn, state.facts.people.client.value())?;
        rollups.shift(conn, &mut words, &clientless(conn, row)?, client, state.client)?;
        sessions.amend(row);
        sessions.touched.insert(row, state);
    }
    let mut followers = Followers {
        words: &mut words,
        rollups: &mut rollups,
        sessions: &mut sessions,
        people: &mut people,
        issues: &mut issues,
        next_issue: &mut next.issue,
    };
    // Requests on both sides of the cut are one call no more.
    call::again(conn, [row, part], &mut followers)?;
    issues.write(conn)?;
    sessions.write(conn, &mut words, &mut people, &[])?;
    people.write(conn, &[])?;
    rollups.write(conn)?;
    joined::settle(conn, &[row, part])?;
    Ok(Some(id))
}

/// What the rows of a session say before a time, and from it on.
struct Halves {
    before: Facts,
    after: Facts,
    /// Conversations they carried, and whether in the later half.
    handles: BTreeSet<(bool, i64)>,
}

fn halves(conn: &Connection, project: &ProjectId, row: i64, at: Timestamp) -> Result<Halves> {
    let mut calls: HashMap<u64, Status> = HashMap::new();
    {
        let mut statement = conn.prepare_cached(sql!("cut.calls"))?;
        let mut rows = statement.query([row])?;
        while let Some(r) = rows.next()? {
            calls.extend(Some(r.get::<_, i64>(0)? as u64).zip(Status::from_code(r.get(1)?)));
        }
    }
    let (mut before, mut after) = (Facts::default(), Facts::default());
    let mut handles = BTreeSet::new();
    read::export_of_session(conn, project, row, |exported| {
        let mut event = exported.event;
        event.input = exported.input;
        let handle = event.conversation_id.as_deref().map(joined::number);
        handles.extend(handle.map(|handle| (event.started_at >= at, handle)));
        event.status = calls.get(&exported.seq).copied().or(event.status);
        if event.started_at < at { &mut before } else { &mut after }.add(&event);
    })?;
    Ok(Halves { before, after, handles })
}

fn move_rows(conn: &Connection, row: i64, part: i64, at: Timestamp) -> Result<()> {
    conn.prepare_cached(sql!("cut.events"))?.execute((row, part, at.micros()))?;
    conn.prepare_cached(sql!("cut.legs"))?.execute((row, part))?;
    for forget in [sql!("expire.person_session"), sql!("expire.account_session"), sql!("conversation.delete")]
    {
        conn.prepare_cached(forget)?.execute([row])?;
    }
    for one in [row, part] {
        conn.prepare_cached(sql!("cut.people"))?.execute([one])?;
        conn.prepare_cached(sql!("cut.accounts"))?.execute([one])?;
    }
    Ok(())
}

/// The id of a part: never given before, though the same place is split again.
fn id_of(project: &ProjectId, from: &SessionId, at: Timestamp, now: Timestamp) -> SessionId {
    let seed = format!("{project}\0{from}\0{}\0{}", at.micros(), now.micros());
    SessionId::mint(at, xxh3_128(seed.as_bytes()).to_be_bytes())
}
