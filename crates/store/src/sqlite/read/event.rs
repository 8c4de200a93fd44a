//! Events: one in full, of a session, of a period, and as the live feed shows them.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use trackway_core::filter::Filter;
use trackway_event::event::Flags;
use trackway_event::{
    CaptureBy, ErrorClass, ErrorInfo, EventId, Input, IntentSource, Kind, ProjectId, SessionId,
    SessionSource, Status, Timestamp, Tokens, limits,
};

use super::call;
use super::cursor::{Cursor, List};
use super::filter_sql::{self, Target};
use super::session::living;
use super::{CUT_SHORT, Reader, Sql, actor, peer, rows_of};
use crate::query::{
    ActorRef, Attributed, ErrorRef, EventDetail, EventRow, EventsAsk, Page, PageAsk, Protocol,
};
use crate::sqlite::commit::{TOKENS_ESTIMATED, hash_of, key, unpack};
use crate::sqlite::control::sql;
use crate::sqlite::joined;
use crate::{Result, StoreError};

/// Most rows of a page of session events.
const SESSION_PAGE: usize = 500;

/// Events of a period, newest first.
pub(in crate::sqlite) fn events(reader: &Reader, ask: &EventsAsk) -> Result<Page<EventRow>> {
    let limit = rows_of(&ask.page, limits::PAGE_ROWS_MAX);
    let mut sql = Sql::new(sql!("event.row"));
    sql.push(" WHERE e.started_at >= ").bind(ask.scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(ask.scope.period.to.micros());
    if ask.protocol == Protocol::Hidden {
        sql.push(" AND e.kind <> ").bind(i64::from(Kind::Protocol.code()));
    }
    filter_sql::narrow(reader, &mut sql, &ask.scope.filter)?;
    filter_sql::add(reader, &mut sql, &ask.scope.filter, Target::Events)?;
    if let Some(after) = Cursor::parse(ask.page.after.as_deref(), List::Events, 0)? {
        sql.push(" AND (e.started_at, e.seq) < (").bind(after.key).push(", ").bind(after.row).push(")");
    }
    sql.push(" ORDER BY e.started_at DESC, e.seq DESC LIMIT ").bind(limit as i64 + 1);
    let mut found = page(&reader.conn, &sql, limit, List::Events)?;
    found.partial = found.partial.or(filter_sql::cut_matches(reader, &ask.scope.filter)?);
    Ok(found)
}

/// Events of one session in order of (start, arrival); a merged id answers with the session it went into.
pub(in crate::sqlite) fn session_events(reader: &Reader, id: &str, ask: &PageAsk) -> Result<Page<EventRow>> {
    let Some(session) = living(&reader.conn, id)? else {
        return Ok(Page { items: Vec::new(), next: None, total: Some(0), partial: None });
    };
    let limit = rows_of(ask, SESSION_PAGE);
    let mut sql = Sql::new(sql!("event.row"));
    sql.push(" WHERE e.session IN (").bind(session);
    for member in joined::members(&reader.conn, session)? {
        sql.push(", ").bind(member);
    }
    sql.push(")");
    if let Some(after) = Cursor::parse(ask.after.as_deref(), List::SessionEvents, 0)? {
        sql.push(" AND (e.started_at, e.seq) > (").bind(after.key).push(", ").bind(after.row).push(")");
    }
    sql.push(" ORDER BY e.started_at, e.seq LIMIT ").bind(limit as i64 + 1);
    page(&reader.conn, &sql, limit, List::SessionEvents)
}

/// Events committed after `seq` that pass, oldest first.
pub(in crate::sqlite) fn after(
    reader: &Reader,
    seq: u64,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<EventRow>> {
    let mut sql = Sql::new(sql!("event.row"));
    sql.push(" WHERE e.seq > ").bind(i64::try_from(seq).unwrap_or(i64::MAX));
    filter_sql::add(reader, &mut sql, filter, Target::Events)?;
    sql.push(" ORDER BY e.seq LIMIT ").bind(limit as i64);
    rows(&reader.conn, &sql)
}

/// Events with these sequence numbers, in their order.
pub(in crate::sqlite) fn events_between(conn: &Connection, seqs: &Range<i64>) -> Result<Vec<EventRow>> {
    let mut sql = Sql::new(sql!("event.row"));
    sql.push(" WHERE e.seq >= ")
        .bind(seqs.start)
        .push(" AND e.seq < ")
        .bind(seqs.end)
        .push(" ORDER BY e.seq");
    rows(conn, &sql)
}

/// The detail that a PostHog SDK reported beside a failed call.
fn sibling(conn: &Connection, call: u64) -> Result<Option<ErrorInfo>> {
    let mut statement = conn.prepare_cached(sql!("event.sibling"))?;
    let place =
        statement.query_row([call as i64], |r| Ok((r.get(0)?, r.get::<_, i64>(1)?, r.get::<_, i64>(2)?)));
    let Some((block, offset, length)) = place.optional()? else { return Ok(None) };
    let block: i64 = block;
    let data: Vec<u8> = conn.prepare_cached(sql!("block.read"))?.query_row([block], |r| r.get(0))?;
    Ok(unpack(&data, offset as usize, length as usize)?.error)
}

/// One event with its payloads. There is no index over ids: they are random, and keeping one would halve the speed of
/// writing. The dedupe keys are asked instead, around the second the id was minted in, and in the end all of them.
pub(in crate::sqlite) fn detail(
    reader: &Reader,
    project: &ProjectId,
    id: &str,
) -> Result<Option<EventDetail>> {
    let conn = &reader.conn;
    let Some(row) = find(conn, project, id)? else { return Ok(None) };
    let mut statement = conn.prepare_cached(sql!("event.detail"))?;
    let found = statement.query_row([row.seq as i64], |r| {
        let tags: Option<String> = r.get(1)?;
        let place =
            r.get::<_, Option<i64>>(6)?.zip(r.get::<_, Option<i64>>(7)?.zip(r.get::<_, Option<i64>>(8)?));
        Ok((
            Timestamp::from_micros(r.get(0)?),
            tags.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default(),
            peer(r.get(2)?, r.get(3)?),
            r.get::<_, Option<String>>(4)?,
            r.get::<_, Option<String>>(5)?,
            place,
        ))
    })?;
    let (received_at, tags, sdk, protocol_version, model, place) = found;
    let payload = match place {
        Some((block, (offset, length))) => {
            let data: Vec<u8> = conn.prepare_cached(sql!("block.read"))?.query_row([block], |r| r.get(0))?;
            unpack(&data, offset as usize, length as usize)?
        }
        None => Default::default(),
    };
    let told = if row.input == Input::Posthog && row.kind == Kind::ToolCall && row.error.is_some() {
        sibling(conn, row.seq)?
    } else {
        None
    };
    // The call's own words hold; beside them stands where it happened.
    let told = told.map(|told| ErrorInfo {
        kind: row.error.as_ref().and_then(|e| e.kind.as_deref()).map(Into::into).or(told.kind),
        message: row.error.as_ref().map_or(told.message, |e| e.message.as_str().into()),
        ..told
    });
    let error = payload.error.or(told).or_else(|| {
        row.error.as_ref().map(|e| ErrorInfo {
            kind: e.kind.as_deref().map(Into::into),
            message: e.message.as_str().into(),
            ..ErrorInfo::default()
        })
    });
    let call = call::of_event(reader, row.seq as i64)?;
    Ok(Some(EventDetail {
        row,
        call: call.map(Box::new),
        received_at,
        error,
        error_code: payload.error_code,
        arguments: payload.arguments,
        result: payload.result,
        request_meta: payload.request_meta,
        transport: payload.transport,
        properties: payload.properties,
        raw: payload.raw,
        tags,
        groups: payload.groups,
        traits: payload.traits,
        protocol_version,
        sdk,
        model,
        conversation_id: payload.conversation_id,
    }))
}

/// The event of an id.
pub(in crate::sqlite) fn find(conn: &Connection, project: &ProjectId, id: &str) -> Result<Option<EventRow>> {
    let hash = hash_of(project, id);
    let row = |seq: i64| -> Result<Option<EventRow>> {
        let mut sql = Sql::new(sql!("event.row"));
        sql.push(" WHERE e.seq = ").bind(seq).push(" AND e.id = ").bind(id.to_owned());
        Ok(rows(conn, &sql)?.pop())
    };
    let zero = Some((Timestamp::ZERO, Timestamp::ZERO));
    let around = trackway_event::id::minted_at(id);
    let windows = [3_000_000, 120_000_000, 7_200_000_000]
        .map(|us| around.map(|at| (at.plus_micros(-us), at.plus_micros(us))));
    let mut window = conn.prepare_cached(sql!("seen.window"))?;
    for (from, to) in windows.into_iter().chain([zero]).flatten() {
        let mut seqs = window.query((key(from, [0; 8]), key(to, [0xff; 8]), hash))?;
        while let Some(r) = seqs.next()? {
            if let Some(found) = row(r.get(0)?)? {
                return Ok(Some(found));
            }
        }
    }
    let mut scan = conn.prepare_cached(sql!("seen.scan"))?;
    let mut seqs = scan.query([hash])?;
    while let Some(r) = seqs.next()? {
        if let Some(found) = row(r.get(0)?)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn page(conn: &Connection, sql: &Sql, limit: usize, list: List) -> Result<Page<EventRow>> {
    let mut items = Vec::new();
    let mut partial = None;
    let mut statement = conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    loop {
        match rows.next() {
            Ok(Some(row)) => items.push(event_row(row)?),
            Ok(None) => break,
            Err(error) => match StoreError::from(error) {
                StoreError::Deadline => {
                    partial = Some(CUT_SHORT.to_owned());
                    break;
                }
                other => return Err(other),
            },
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more || partial.is_some());
    let next = next.map(|e| Cursor { key: e.started_at.micros(), row: e.seq as i64 }.print(list, 0));
    Ok(Page { items, next, total: None, partial })
}

/// Rows of a statement that begins with `event.row`.
pub(super) fn rows(conn: &Connection, sql: &Sql) -> Result<Vec<EventRow>> {
    let mut statement = conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(event_row(row)?);
    }
    Ok(items)
}

fn event_row(r: &Row<'_>) -> Result<EventRow> {
    let seq: i64 = r.get(0)?;
    let damaged = |what: &str| StoreError::Corrupt {
        path: Default::default(),
        reason: format!("event {seq} has an unreadable {what}"),
    };
    let code = |i: usize| r.get::<_, Option<u8>>(i);
    let number = |i: usize| r.get::<_, Option<i64>>(i).map(|n| n.map(|n| n as u64));
    let id: String = r.get(1)?;
    let session: Option<String> = r.get(2)?;
    let kind = code(4)?.and_then(Kind::from_code).ok_or_else(|| damaged("kind"))?;
    let message: Option<String> = r.get(20)?;
    let class = code(21)?.and_then(ErrorClass::from_code);
    let bits: u32 = r.get(29)?;
    let (input, output): (Option<u32>, Option<u32>) = (r.get(27)?, r.get(28)?);
    let tokens = Tokens { input, output, estimated: bits & TOKENS_ESTIMATED != 0 };
    let error = (message.is_some() || class.is_some()).then(|| -> Result<ErrorRef> {
        Ok(ErrorRef {
            kind: r.get(19)?,
            message: message.unwrap_or_default(),
            class: class.unwrap_or(ErrorClass::Internal),
            issue: number(22)?,
        })
    });
    let notes: Option<String> = r.get(30)?;
    let actor = actor(r.get(13)?, r.get(14)?);
    Ok(EventRow {
        seq: seq as u64,
        id: EventId::foreign(&id).ok_or_else(|| damaged("id"))?,
        session_id: session.as_deref().and_then(SessionId::foreign),
        session_source: code(3)?.and_then(SessionSource::from_code),
        kind,
        name: r.get::<_, Option<String>>(5)?.unwrap_or_default(),
        status: code(6)?.and_then(Status::from_code),
        tool: r.get(7)?,
        resource: r.get(8)?,
        intent: r.get(9)?,
        intent_source: code(10)?.and_then(IntentSource::from_code),
        started_at: Timestamp::from_micros(r.get(11)?),
        duration_us: number(12)?,
        attributed: attributed(actor.as_ref(), r.get(31)?, r.get(32)?),
        actor,
        client: peer(r.get(15)?, r.get(16)?),
        server: peer(r.get(17)?, r.get(18)?),
        error: error.transpose()?,
        input: code(23)?.and_then(Input::from_code).ok_or_else(|| damaged("input"))?,
        capture: code(24)?.and_then(CaptureBy::from_code),
        bytes_in: number(25)?,
        bytes_out: number(26)?,
        tokens: (input.is_some() || output.is_some()).then_some(tokens),
        flags: Flags::from_bits(bits),
        notes: notes.map_or_else(Vec::new, |n| n.split('\n').map(str::to_owned).collect()),
    })
}

/// `named`: the row of the id the event named; `root`: the row of the person that its id is shown under, if another.
fn attributed(actor: Option<&ActorRef>, named: Option<i64>, root: Option<i64>) -> Option<Attributed> {
    actor.map(|_| match (named, root) {
        (None, _) => Attributed::Session,
        (Some(_), Some(_)) => Attributed::Merged,
        (Some(_), None) => Attributed::Named,
    })
}
