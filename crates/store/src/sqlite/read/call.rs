//! Calls of several requests (CAP §2.6), put together from the legs that the writer kept; called by `backend` and for the
//! detail of an event. What figures count of them was decided by the same [`logical::join`] in the commit.

use rusqlite::{Connection, OptionalExtension};
use trackway_core::logical::{self, Call, Leg, Part};
use trackway_event::{Payload, Status, Timestamp};

use super::Reader;
use super::session::living;
use crate::Result;
use crate::query::{CallDetail, Round, WholeCall};
use crate::sqlite::commit::{legs_of, unpack};
use crate::sqlite::control::sql;
use crate::sqlite::joined;

/// The calls of a session and of those shown under it, by their first request.
pub(in crate::sqlite) fn session_calls(reader: &Reader, id: &str) -> Result<Vec<WholeCall>> {
    let Some(row) = living(&reader.conn, id)? else { return Ok(Vec::new()) };
    let now = (reader.clock)();
    let mut found = Vec::new();
    for part in std::iter::once(row).chain(joined::members(&reader.conn, row)?) {
        for scope in numbers(&reader.conn, sql!("leg.in_session"), part)? {
            let (seqs, legs) = legs_of(&reader.conn, scope)?;
            for call in logical::join(&legs).iter().filter(|c| is_shown(c)) {
                // Anonymous calls of many sessions are looked for in one place.
                let seqs = call.requests.iter().filter_map(|place| seqs.get(*place));
                let own =
                    scope >= 0 || any(seqs, |seq| Ok(given(&reader.conn, *seq)?.session == Some(part)))?;
                if own {
                    found.push(whole(call, &legs, now));
                }
            }
        }
    }
    found.sort_by(|a, b| first(a).cmp(&first(b)));
    found.dedup();
    Ok(found)
}

/// The call that an event is part of, where it is more than this event.
pub(super) fn of_event(reader: &Reader, seq: i64) -> Result<Option<CallDetail>> {
    for scope in numbers(&reader.conn, sql!("leg.find"), seq)? {
        let (seqs, legs) = legs_of(&reader.conn, scope)?;
        let Some(place) = seqs.iter().position(|s| *s == seq) else { continue };
        let calls = logical::join(&legs);
        let mine = |c: &&Call| is_shown(c) && (c.requests.contains(&place) || c.traffic.contains(&place));
        let Some(call) = calls.iter().find(mine) else { continue };
        let part = |place: Option<usize>| match place.and_then(|p| seqs.get(p)) {
            Some(seq) => given(&reader.conn, *seq),
            None => Ok(Given::default()),
        };
        let begun = part(call.requests.first().copied())?;
        let ended = part(call.told.or(call.requests.last().copied()))?;
        return Ok(Some(CallDetail {
            call: whole(call, &legs, (reader.clock)()),
            intent: begun.intent,
            arguments: begun.arguments,
            result: ended.result,
        }));
    }
    Ok(None)
}

/// What one event gives to its call.
#[derive(Default)]
struct Given {
    session: Option<i64>,
    intent: Option<String>,
    arguments: Option<Payload>,
    result: Option<Payload>,
}

fn given(conn: &Connection, seq: i64) -> Result<Given> {
    let found = conn.prepare_cached(sql!("call.part"))?.query_row([seq], |r| {
        let place =
            r.get::<_, Option<i64>>(1)?.zip(r.get::<_, Option<i64>>(2)?.zip(r.get::<_, Option<i64>>(3)?));
        Ok((r.get(0)?, place, r.get(4)?))
    });
    let Some((intent, place, session)) = found.optional()? else { return Ok(Given::default()) };
    let Some((block, (offset, length))) = place else {
        return Ok(Given { intent, session, ..Given::default() });
    };
    let block: i64 = block;
    let data: Vec<u8> = conn.prepare_cached(sql!("block.read"))?.query_row([block], |r| r.get(0))?;
    let payload = unpack(&data, offset as usize, length as usize)?;
    Ok(Given { intent, session, arguments: payload.arguments, result: payload.result })
}

/// Whether a call is more than a request that was answered.
fn is_shown(call: &Call) -> bool {
    call.is_joined() || matches!(call.status, Some(Status::InputRequired | Status::Task))
}

fn whole(call: &Call, legs: &[Leg], now: Timestamp) -> WholeCall {
    let round = |place: &usize| {
        let leg = legs.get(*place)?;
        let Part::Request(request) = &leg.part else { return None };
        Some(Round {
            id: leg.id.clone(),
            status: request.status,
            started_at: leg.at,
            duration_us: leg.us,
            asked: request.asked.iter().map(|name| name.to_string()).collect(),
        })
    };
    WholeCall {
        rounds: call.requests.iter().filter_map(round).collect(),
        told: call.told.and_then(|place| legs.get(place)).map(|leg| leg.id.clone()),
        closed_by: call.closed_by,
        status: call.status_at(now),
        server_us: call.server_us,
        total_us: call.total_us,
    }
}

fn first(call: &WholeCall) -> Option<(Timestamp, &str)> {
    call.rounds.first().map(|r| (r.started_at, r.id.as_str()))
}

fn any<T>(items: impl Iterator<Item = T>, mut test: impl FnMut(T) -> Result<bool>) -> Result<bool> {
    for item in items {
        if test(item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn numbers(conn: &Connection, sql: &str, of: i64) -> Result<Vec<i64>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([of], |r| r.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
