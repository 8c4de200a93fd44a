//! Events as they came, in the order they were committed in: the export's side of the ledger.

use rusqlite::{Connection, Row, params_from_iter};
use trackway_event::event::Flags;
use trackway_event::{
    Actor, ActorId, CaptureBy, ErrorInfo, Event, EventId, Input, IntentSource, Kind, ProjectId, SessionId,
    SessionSource, Status, Timestamp, Tokens,
};

use super::filter_sql::{self, Target};
use super::{Reader, Sql, peer};
use crate::query::{ExportAsk, Exported};
use crate::sqlite::commit::{Said, TOKENS_ESTIMATED, Unpacked, inflate, mint, part_of};
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// The next events of an export; empty when there are no more.
pub(in crate::sqlite) fn export(
    reader: &Reader,
    project: &ProjectId,
    ask: &ExportAsk,
) -> Result<Vec<Exported>> {
    let period = ask.scope.period;
    let mut sql = Sql::new(sql!("event.export"));
    sql.push(" WHERE e.seq > ").bind(i64::try_from(ask.after).unwrap_or(i64::MAX));
    sql.push(" AND +e.started_at >= ").bind(period.from.micros());
    sql.push(" AND +e.started_at < ").bind(period.to.micros());
    filter_sql::add(reader, &mut sql, &ask.scope.filter, Target::Events)?;
    sql.push(" ORDER BY e.seq LIMIT ").bind(ask.limit as i64);
    let mut found = Vec::new();
    each(&reader.conn, project, &sql, |exported| found.push(exported))?;
    Ok(found)
}

/// Every event of a session, one after the other, as the ledger still knows it.
pub(in crate::sqlite) fn of_session(
    conn: &Connection,
    project: &ProjectId,
    session: i64,
    take: impl FnMut(Exported),
) -> Result<()> {
    let mut sql = Sql::new(sql!("event.export"));
    sql.push(" WHERE e.session = ").bind(session).push(" ORDER BY e.seq");
    each(conn, project, &sql, take)
}

fn each(conn: &Connection, project: &ProjectId, sql: &Sql, mut take: impl FnMut(Exported)) -> Result<()> {
    let mut statement = conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    let mut block: Option<(i64, Vec<u8>)> = None;
    while let Some(r) = rows.next()? {
        let place =
            r.get::<_, Option<i64>>(35)?.zip(r.get::<_, Option<i64>>(36)?.zip(r.get::<_, Option<i64>>(37)?));
        let payload = match place {
            None => Unpacked::default(),
            Some((id, (offset, length))) => {
                if block.as_ref().is_none_or(|(open, _)| *open != id) {
                    let data: Vec<u8> =
                        conn.prepare_cached(sql!("block.read"))?.query_row([id], |r| r.get(0))?;
                    block = Some((id, inflate(&data)?));
                }
                part_of(block.as_ref().map_or(&[], |(_, bytes)| bytes), offset as usize, length as usize)?
            }
        };
        take(exported(r, project, payload)?);
    }
    Ok(())
}

fn exported(r: &Row<'_>, project: &ProjectId, payload: Unpacked) -> Result<Exported> {
    let seq: i64 = r.get(0)?;
    let damaged = |what: &str| StoreError::Corrupt {
        path: Default::default(),
        reason: format!("event {seq} has an unreadable {what}"),
    };
    let code = |i: usize| r.get::<_, Option<u8>>(i);
    let text = |i: usize| r.get::<_, Option<Box<str>>>(i);
    let number = |i: usize| r.get::<_, Option<i64>>(i).map(|n| n.and_then(|n| u64::try_from(n).ok()));
    let id = EventId::foreign(&r.get::<_, String>(1)?).ok_or_else(|| damaged("id"))?;
    let kind = code(7)?.and_then(Kind::from_code).ok_or_else(|| damaged("kind"))?;
    let said = payload.said.unwrap_or_default();

    let mut event = Event::new(id, kind, Timestamp::from_micros(r.get(2)?));
    event.session_source = code(4)?.and_then(SessionSource::from_code);
    event.status = code(8)?.and_then(Status::from_code);
    event.name = text(9)?.unwrap_or_default();
    event.tool = text(10)?;
    event.resource = text(11)?;
    event.intent = text(12)?;
    event.intent_source = code(13)?.and_then(IntentSource::from_code);
    event.duration_us = number(14)?;
    event.client = peer(r.get(16)?, r.get(17)?);
    event.server = peer(r.get(18)?, r.get(19)?);
    event.sdk = peer(r.get(20)?, r.get(21)?);
    event.protocol_version = text(22)?;
    event.model = text(23)?;
    event.error = payload.error.map(Box::new);
    // What the end of its task told is not the request's own.
    if let Some(message) = text(25)?.filter(|_| event.status != Some(Status::Task)) {
        let error = event.error.get_or_insert_with(|| Box::new(ErrorInfo::default()));
        (error.kind, error.message) = (text(24)?, message);
    }
    event.capture = code(27)?.and_then(CaptureBy::from_code);
    event.bytes_in = number(28)?;
    event.bytes_out = number(29)?;
    let bits: u32 = r.get(32)?;
    let (input, output): (Option<u32>, Option<u32>) = (r.get(30)?, r.get(31)?);
    event.tokens = (input.is_some() || output.is_some()).then_some(Tokens {
        input,
        output,
        estimated: bits & TOKENS_ESTIMATED != 0,
    });
    event.flags = Flags::from_bits(bits & !TOKENS_ESTIMATED);
    event.tags =
        r.get::<_, Option<String>>(33)?.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default();
    event.notes = text(34)?.map_or_else(Vec::new, |notes| notes.split('\n').map(Into::into).collect());
    event.arguments = payload.arguments;
    event.result = payload.result;
    event.request_meta = payload.request_meta;
    event.transport = payload.transport;
    event.properties = payload.properties;
    event.groups = payload.groups.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
    event.conversation_id = payload.conversation_id.map(Into::into);
    event.error_code = payload.error_code;
    event.direction = payload.direction;
    event.raw_time = said.raw_us.map(Timestamp::from_micros);
    event.session_id = sent_session(r, project, &event)?;
    event.raw_time = None;
    let named = r.get::<_, Option<String>>(15)?;
    let raw_time_us = said.raw_us;
    let Said { actor, identity, process, address, .. } = said;
    // Rows of older versions keep who an event named in the person's row alone.
    let older = || named.filter(|_| identity.is_none()).and_then(|id| Some((ActorId::parse(&id)?.0, None)));
    event.actor = actor
        .and_then(|a| Some((ActorId::parse(&a.0)?.0, a.1)))
        .or_else(older)
        .map(|(id, name)| Box::new(Actor { id, name, traits: payload.traits }));
    (event.identity, event.process, event.address) = (identity, process, address);
    Ok(Exported {
        seq: seq as u64,
        received_at: Timestamp::from_micros(r.get(3)?),
        input: code(26)?.and_then(Input::from_code).ok_or_else(|| damaged("input"))?,
        raw_time_us,
        event,
        raw: payload.raw,
    })
}

/// The session an event named itself: not the one it was grouped into, and not one made for it alone.
fn sent_session(r: &Row<'_>, project: &ProjectId, event: &Event) -> Result<Option<SessionId>> {
    let Some(id) = r.get::<_, Option<String>>(5)?.as_deref().and_then(SessionId::foreign) else {
        return Ok(None);
    };
    let source = r.get::<_, Option<u8>>(6)?.and_then(SessionSource::from_code);
    let made = source == Some(SessionSource::Grouped) || id == mint(project, event);
    Ok((!made).then_some(id))
}
