//! Logical calls of several requests (CAP §2.6): keeps what joining needs of new events, joins again the calls of every session
//! that gained some, and lets figures count the whole call in the place of the request that counts.
//!
//! What is stored depends on the set of legs only, so order and repetition change no counter (INV-03, INV-04); the fold of
//! [`trackway_core::logical::whole`] over the rows is the definition (INV-05). Called by the commit after rows and rollups
//! took the new events in as they came.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, Rows};
use trackway_core::grouping::{self, Rule};
use trackway_core::logical::{self, Failure, Leg, Part};
use trackway_event::event::Flags;
use trackway_event::{Event, EventId, Kind, Status, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::Fresh;
use super::cell::Counted;
use super::issue::{Failed, Issues};
use super::person::People;
use super::rollup::Rollups;
use super::session::{Clientless, Sessions};
use super::words::Words;
use crate::Result;
use crate::sqlite::control::sql;
use crate::sqlite::expire;

/// Requests of one session that are joined; later ones count each for itself.
pub(in crate::sqlite) const LEGS: i64 = 2_000;
/// Events that tell the end of one task.
pub(in crate::sqlite) const ENDS: i64 = 100;

/// What of the commit follows when calls change.
pub(super) struct Followers<'a> {
    pub(super) words: &'a mut Words,
    pub(super) rollups: &'a mut Rollups,
    pub(super) sessions: &'a mut Sessions,
    pub(super) people: &'a mut People,
    pub(super) issues: &'a mut Issues,
    pub(super) next_issue: &'a mut i64,
}

/// Takes in the new events and those that a bridge moved.
pub(super) fn settle(conn: &Connection, fresh: &[Fresh<'_>], followers: &mut Followers<'_>) -> Result<()> {
    let mut scopes: BTreeSet<i64> = followers.sessions.kept().collect();
    let mut tasks = BTreeSet::new();
    for f in fresh {
        let Some(leg) = Leg::of(f.event) else { continue };
        let scope = match &leg.part {
            Part::Request(request) => scope_of(f, request),
            // Polls of a task that goes on tell nothing.
            Part::Task(None) => continue,
            Part::Task(Some(_)) => None,
        };
        let Ok(text) = serde_json::to_string(&leg) else { continue };
        let mut insert = conn.prepare_cached(sql!("leg.insert"))?;
        insert.execute((f.seq, leg.at.micros(), scope, &leg.task, text))?;
        match scope {
            Some(scope) => drop(scopes.insert(scope)),
            None => tasks.extend(leg.task),
        }
    }
    for task in tasks {
        let mut statement = conn.prepare_cached(sql!("leg.scopes"))?;
        let found = statement.query_map([task], |r| r.get(0))?;
        for scope in found {
            scopes.insert(scope?);
        }
    }
    again(conn, scopes, followers)
}

/// Joins the calls of these scopes anew.
pub(super) fn again(
    conn: &Connection,
    scopes: impl IntoIterator<Item = i64>,
    followers: &mut Followers<'_>,
) -> Result<()> {
    for scope in scopes {
        let (seqs, legs) = load(conn, scope)?;
        let mut wholes = HashMap::new();
        for call in logical::join(&legs).iter().filter(|call| call.is_joined()) {
            if let Some(seq) = call.requests.last().and_then(|last| seqs.get(*last)) {
                wholes.insert(*seq, (call.status, call.server_us, call.failure.clone()));
            }
        }
        let requests = seqs.iter().zip(&legs).filter(|(_, leg)| matches!(leg.part, Part::Request(_)));
        for (seq, _) in requests {
            let (status, us, failure) = wholes.remove(seq).unwrap_or_default();
            change(conn, *seq, (status, us), followers)?;
            fail(conn, *seq, status, failure.as_deref(), followers)?;
        }
    }
    Ok(())
}

/// The requests of a scope with the ends of their tasks, and their events' numbers.
pub(in crate::sqlite) fn load(conn: &Connection, scope: i64) -> Result<(Vec<i64>, Vec<Leg>)> {
    let (mut seqs, mut legs) = (Vec::new(), Vec::new());
    let mut statement = conn.prepare_cached(sql!("leg.of_scope"))?;
    take(statement.query((scope, LEGS))?, &mut seqs, &mut legs)?;
    let tasks: BTreeSet<Box<str>> = legs.iter().filter_map(|leg| leg.task.clone()).collect();
    let mut statement = conn.prepare_cached(sql!("leg.of_task"))?;
    for task in tasks {
        take(statement.query((task, ENDS))?, &mut seqs, &mut legs)?;
    }
    Ok((seqs, legs))
}

/// Reads rows of legs; what a newer program wrote in another form is left out.
fn take(mut rows: Rows<'_>, seqs: &mut Vec<i64>, legs: &mut Vec<Leg>) -> Result<()> {
    while let Some(r) = rows.next()? {
        let text = r.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if let Ok(leg) = serde_json::from_str(text) {
            seqs.push(r.get(0)?);
            legs.push(leg);
        }
    }
    Ok(())
}

/// Among which requests an event's call is looked for: those of its session. Of anonymous calls, each in a session of its own,
/// those of one client with the same arguments that present a state or were given one.
fn scope_of(f: &Fresh<'_>, request: &logical::Request) -> Option<i64> {
    let state = request.state_in.is_some() || request.state_out.is_some();
    if state && grouping::rule(f.event) == Rule::Alone {
        let client = f.event.client.as_ref().map_or("", |c| &*c.name);
        let hash = xxh3_64(format!("{client}\0{}", request.same).as_bytes());
        return Some(-((hash >> 2) as i64) - 1);
    }
    f.session
}

/// Counts the call of a request as this from now on.
fn change(
    conn: &Connection,
    seq: i64,
    whole: (Option<Status>, Option<u64>),
    followers: &mut Followers<'_>,
) -> Result<()> {
    let found = conn.prepare_cached(sql!("call.row"))?.query_row([seq], |r| {
        let status =
            |i: usize| Ok::<_, rusqlite::Error>(r.get::<_, Option<u8>>(i)?.and_then(Status::from_code));
        let us = |i: usize| Ok::<_, rusqlite::Error>(r.get::<_, Option<i64>>(i)?.map(|us| us as u64));
        let Some(kind) = Kind::from_code(r.get(0)?) else { return Ok(None) };
        let own = Counted {
            kind,
            status: status(1)?,
            flags: Flags::from_bits(r.get(2)?),
            start: r.get(3)?,
            duration_us: us(4)?,
            tokens_in: r.get::<_, Option<u32>>(5)?.unwrap_or(0),
            tokens_out: r.get::<_, Option<u32>>(6)?.unwrap_or(0),
        };
        let event = Clientless { counted: own, tool: r.get(7)?, resource: r.get(8)? };
        let place: (Option<i64>, Option<i64>, Option<i64>) = (r.get(9)?, r.get(10)?, r.get(11)?);
        Ok(Some((event, place, (status(12)?, us(13)?))))
    });
    let Some((event, (client, person, session), before)) = found.optional()?.flatten() else { return Ok(()) };
    if before == whole {
        return Ok(());
    }
    let counts = |(status, us): (Option<Status>, Option<u64>)| Counted {
        status: status.or(event.counted.status),
        duration_us: us.or(event.counted.duration_us),
        ..event.counted
    };
    let (old, new) = (counts(before), counts(whole));
    let failures = |c: &Counted| i64::from(c.kind == Kind::ToolCall && c.is_call() && c.failed());
    let more = failures(&new) - failures(&old);
    let client = match session {
        Some(session) => client.or(followers.sessions.failed(conn, session, more)?),
        None => client,
    };
    followers.rollups.recount(conn, followers.words, &event, (old, new), client)?;
    match (person, session) {
        (Some(person), _) if more != 0 => followers.people.failed(conn, person, more)?,
        (None, Some(session)) if more != 0 => followers.sessions.amend(session),
        (Some(_) | None, _) => {}
    }
    let us = whole.1.map(|us| i64::try_from(us).unwrap_or(i64::MAX));
    conn.prepare_cached(sql!("call.set"))?.execute((seq, whole.0.map(Status::code), us))?;
    Ok(())
}

/// Groups the failure of a call whose own request did not fail: a task that ended badly (D32). The request that counts stands
/// for it, with the message its end told.
fn fail(
    conn: &Connection,
    seq: i64,
    status: Option<Status>,
    failure: Option<&Failure>,
    followers: &mut Followers<'_>,
) -> Result<()> {
    let found = conn.prepare_cached(sql!("call.row"))?.query_row([seq], |r| {
        let (kind, own) =
            (Kind::from_code(r.get(0)?), r.get::<_, Option<u8>>(1)?.and_then(Status::from_code));
        let id = EventId::foreign(&r.get::<_, String>(14)?);
        let Some((kind, id)) = kind.zip(id) else { return Ok(None) };
        let mut event = Event::new(id, kind, Timestamp::from_micros(r.get(3)?));
        event.flags = Flags::from_bits(r.get(2)?);
        event.tool = r.get(17)?;
        event.intent = r.get(18)?;
        let names: [Option<i64>; 4] = [r.get(7)?, r.get(15)?, r.get(9)?, r.get(16)?];
        Ok(Some((event, own, names, r.get::<_, Option<Box<str>>>(19)?)))
    });
    let Some((mut event, own, [tool, server, client, group], message)) = found.optional()?.flatten() else {
        return Ok(());
    };
    let failed = status.is_some_and(Status::failed);
    // What failed by itself was grouped as it came; most calls of several requests fail in neither way.
    if own != Some(Status::Task) || !(failed || group.is_some()) {
        return Ok(());
    }
    event.status = status;
    event.error = failure.filter(|_| failed).map(|failure| Box::new(failure.info()));
    event.error_code = failure.and_then(|failure| failure.code);
    let said = event.error.as_ref().map(|e| &*e.message);
    if group.is_some() && failed && said == message.as_deref() {
        return Ok(());
    }
    expire::drop_words(conn, seq)?;
    let Followers { issues, words, next_issue, .. } = followers;
    issues.regroup(conn, words, next_issue, (seq, group), &Failed { event: &event, tool, server, client })?;
    let said = said.filter(|said| !said.is_empty());
    if event.intent.is_some() || said.is_some() || event.tool.is_some() {
        conn.prepare_cached(sql!("search.insert"))?.execute((
            seq,
            event.intent.as_deref(),
            said,
            event.tool.as_deref(),
        ))?;
    }
    Ok(())
}
