//! Sessions: lists, one session, and what its row is drawn from.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use trackway_core::chain;
use trackway_core::metric::worth::{self, Seen};
use trackway_core::metric::{attempts, weight};
use trackway_event::event::Flags;
use trackway_event::{Kind, SessionId, SessionSource, Status, Timestamp, limits};

use super::aid::TRACK;
use super::cursor::{Cursor, List};
use super::filter_sql::{self, Target};
use super::filter_what;
use super::kept::{self, Flagged, Started};
use super::signals::Calls;
use super::span::bounds;
use super::{CUT_SHORT, Reader, Sql, actor, peer, rows_of};
use crate::query::{
    Aside, Attempts, Mark, Page, Period, SessionCounts, SessionRow, SessionTab, SessionsAsk, TrackUntil,
    Worth,
};
use crate::sqlite::control::sql;
use crate::sqlite::joined;
use crate::{Result, StoreError};

/// Marks shown when all fit.
const MARKS: usize = 40;
/// Marks at the start and at the end when they do not.
const HEAD: usize = 20;
const TAIL: usize = 15;
/// Different failures of a session that are asked whether they are the first of their group.
const FAILURES: usize = 20;
/// Most people that `session.people` names.
const PEOPLE: usize = 50;
/// Sessions of one conversation that are named beside one of them.
const SIBLINGS: i64 = 12;
/// Intents of a row.
const INTENTS: usize = 3;

/// The sorts of the list: name, expression, code in cursors.
const SORTS: &[(&str, &str, u8)] = &[
    ("started", "s.started_at", 0),
    ("last", "s.last_at", 2),
    ("calls", "s.tool_calls", 4),
    ("errors", "s.errors", 6),
    ("length", "(s.last_at - s.started_at)", 8),
    // core::metric::weight::context; 2 is tools/list
    (
        "context",
        "(s.tokens_out + (SELECT (coalesce(sum(x.bytes_out), 0) * 2 + 6) / 7 FROM event x WHERE x.kind = 2 AND x.session IN (SELECT s.row UNION ALL SELECT m.row FROM session m WHERE m.head = s.row)))",
        10,
    ),
];

/// Sessions of a scope.
pub(in crate::sqlite) fn sessions(reader: &Reader, ask: &SessionsAsk) -> Result<Page<SessionRow>> {
    let limit = rows_of(&ask.page, limits::PAGE_ROWS_MAX);
    let asked = ask.sort.as_deref().unwrap_or("-started");
    let (name, down) = asked.strip_prefix('-').map_or((asked, false), |name| (name, true));
    let (_, by, code) = SORTS.iter().find(|(n, ..)| *n == name).ok_or_else(|| {
        StoreError::BadQuestion(format!(
            "sessions cannot be sorted by {name:?}; use started, last, calls, errors, length or context"
        ))
    })?;
    let (code, order, sign) = if down { (code + 1, "DESC", "<") } else { (*code, "ASC", ">") };

    let mut list = Sql::new(sql!("session.pick"));
    list.push(by).push(" FROM session s WHERE s.activity > 0 AND s.started_at >= ");
    list.bind(ask.scope.period.from.micros());
    list.push(" AND s.started_at < ").bind(ask.scope.period.to.micros());
    match ask.tab {
        SessionTab::All => {}
        SessionTab::WorthALook => {
            let whole = filter_what::whole(Target::Sessions);
            list.push(" AND (s.missing > 0 OR (SELECT told || ' ' LIKE '% worth %' OR (is_quiet(s.last_at) AND told || ' ' LIKE 'failed %') FROM ");
            list.push(&filter_what::told(&whole)).push(") OR EXISTS ");
            list.push(&sql!("session.first_of_kind").replace("?1", whole.parts)).push(")");
        }
        SessionTab::Stuck => {
            list.push(" AND is_quiet(s.last_at) AND (SELECT told || ' ' LIKE 'stuck %' FROM ");
            list.push(&filter_what::told(&filter_what::whole(Target::Sessions))).push(")");
        }
        SessionTab::Failed => drop(list.push(" AND (s.errors > 0 OR s.missing > 0) AND s.errors > 0")),
        SessionTab::AskedForMore => drop(list.push(" AND (s.errors > 0 OR s.missing > 0) AND s.missing > 0")),
    }
    filter_sql::add(reader, &mut list, &ask.scope.filter, Target::Sessions)?;
    if let Some(after) = Cursor::parse(ask.page.after.as_deref(), List::Sessions, code)? {
        list.push(&format!(" AND ({by}, s.row) {sign} ("))
            .bind(after.key)
            .push(", ")
            .bind(after.row)
            .push(")");
    }
    list.push(&format!(" ORDER BY {by} {order}, s.row {order} LIMIT ")).bind(limit as i64 + 1);

    let mut found: Vec<(i64, i64)> = Vec::new();
    let mut cut = false;
    let mut partial = filter_sql::cut_matches(reader, &ask.scope.filter)?;
    let mut statement = reader.conn.prepare_cached(&list.text)?;
    let mut rows = statement.query(params_from_iter(&list.values))?;
    loop {
        match rows.next() {
            Ok(Some(row)) => found.push((row.get(0)?, row.get(1)?)),
            Ok(None) => break,
            Err(error) => match StoreError::from(error) {
                StoreError::Deadline => {
                    partial = Some(CUT_SHORT.to_owned());
                    cut = true;
                    break;
                }
                other => return Err(other),
            },
        }
    }
    drop(rows);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more || cut);
    let next = next.map(|(row, key)| Cursor { key: *key, row: *row }.print(List::Sessions, code));
    let items = by_rows(reader, &found.iter().map(|(row, _)| *row).collect::<Vec<i64>>())?;
    Ok(Page { items, next, total: None, partial })
}

/// How many sessions of a period there are.
pub(in crate::sqlite) fn counts(reader: &Reader, period: Period) -> Result<SessionCounts> {
    let (from, to) = bounds(period);
    let mut counts = SessionCounts::default();
    kept::visit(reader, from, to, |_: &Started| counts.all += 1)?;
    kept::visit(reader, from, to, |session: &Flagged| {
        counts.failed += u64::from(session.failed);
        counts.asked += u64::from(session.asked);
    })?;
    Ok(counts)
}

/// One session; an id that was merged away answers with the one it went into.
pub(in crate::sqlite) fn session(reader: &Reader, id: &str) -> Result<Option<SessionRow>> {
    let Some(row) = living(&reader.conn, id)? else { return Ok(None) };
    Ok(by_rows(reader, &[row])?.pop())
}

/// Other sessions of the same conversation handles.
pub(in crate::sqlite) fn siblings(reader: &Reader, id: &str) -> Result<Vec<SessionRow>> {
    let Some(row) = living(&reader.conn, id)? else { return Ok(Vec::new()) };
    let mut statement = reader.conn.prepare_cached(sql!("conversation.siblings"))?;
    let rows = statement.query_map((row, SIBLINGS), |r| r.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    by_rows(reader, &rows)
}

/// The living row of a session id.
pub(in crate::sqlite) fn living(conn: &Connection, id: &str) -> Result<Option<i64>> {
    Ok(conn.prepare_cached(sql!("session.living"))?.query_row([id], |r| r.get(0)).optional()?)
}

/// Sessions by their rows, in that order; rows without activity are left out.
pub(super) fn by_rows(reader: &Reader, wanted: &[i64]) -> Result<Vec<SessionRow>> {
    let mut list = Sql::new(sql!("session.row"));
    list.push(" WHERE s.activity > 0 AND s.row = ?1");
    let mut statement = reader.conn.prepare_cached(&list.text)?;
    let mut sessions = Vec::with_capacity(wanted.len());
    for row in wanted {
        let found = statement.query_row([row], |r| Ok(base(r))).optional()?;
        if let Some(found) = found {
            let (row, mut session) = found?;
            complete(reader, row, &mut session)?;
            sessions.push(session);
        }
    }
    Ok(sessions)
}

fn base(r: &Row<'_>) -> Result<(i64, SessionRow)> {
    let row: i64 = r.get(0)?;
    let damaged = |what: &str| StoreError::Corrupt {
        path: Default::default(),
        reason: format!("session {row} has an unreadable {what}"),
    };
    let n = |i: usize| r.get::<_, i64>(i).map(|n| n as u64);
    let id: String = r.get(1)?;
    let traits: Option<String> = r.get(21)?;
    let session = SessionRow {
        traits: traits.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default(),
        id: SessionId::foreign(&id).ok_or_else(|| damaged("id"))?,
        source: SessionSource::from_code(r.get(2)?).ok_or_else(|| damaged("source"))?,
        actor: actor(r.get(12)?, r.get(13)?),
        actors: r.get(11)?,
        all_actors: Vec::new(),
        client: peer(r.get(14)?, r.get(15)?),
        server: peer(r.get(16)?, r.get(17)?),
        sdk: peer(r.get(18)?, r.get(19)?),
        protocol_version: r.get(20)?,
        started_at: Timestamp::from_micros(r.get(3)?),
        last_event_at: Timestamp::from_micros(r.get(4)?),
        events: n(5)?,
        tool_calls: n(6)?,
        errors: n(7)?,
        missing_reports: n(8)?,
        tokens: n(9)?,
        context: n(22)?,
        ending: None,
        attempts: Attempts::default(),
        first_success: None,
        why: Vec::new(),
        intents: Vec::new(),
        merged_from: Vec::new(),
        joined: Vec::new(),
        marks: Vec::new(),
        marks_omitted: 0,
        demo: n(10)? > 0,
    };
    Ok((row, session))
}

/// Adds people, intents, marks, ending and the ids that went into it.
fn complete(reader: &Reader, row: i64, session: &mut SessionRow) -> Result<()> {
    let conn = &reader.conn;
    if session.actors > 1 {
        let mut statement = conn.prepare_cached(sql!("session.people"))?;
        let mut people = statement.query([row])?;
        while let Some(r) = people.next()? {
            session.all_actors.extend(actor(r.get(0)?, r.get(1)?));
        }
        // Ids that are one person by now count once.
        if session.all_actors.len() < PEOPLE {
            session.actors = session.actors.min(session.all_actors.len().max(1) as u32);
        }
        if session.all_actors.len() < 2 {
            session.all_actors.clear();
        }
    }
    let members = joined::members(conn, row)?;
    for part in std::iter::once(row).chain(members.iter().copied()) {
        let mut statement = conn.prepare_cached(sql!("session.intents"))?;
        let mut intents = statement.query([part])?;
        while let Some(r) = intents.next()? {
            let intent: String = r.get(0)?;
            if session.intents.len() < INTENTS && !session.intents.contains(&intent) {
                session.intents.push(intent);
            }
        }
        let mut statement = conn.prepare_cached(sql!("session.merged_from"))?;
        let mut ids = statement.query([part])?;
        while let Some(r) = ids.next()? {
            session.merged_from.extend(SessionId::foreign(&r.get::<_, String>(0)?));
        }
    }
    session.joined = joined::story(conn, row)?;
    let counts = session.joined.iter().filter(|j| j.aside == Aside::Restore).map(|j| j.later.clone());
    session.merged_from.extend(counts);
    track(reader, row, &members, session)
}

/// The ends of the tracks of these events' sessions, each up to its event.
pub(in crate::sqlite) fn tracks_until(reader: &Reader, seqs: &[u64], most: usize) -> Result<Vec<TrackUntil>> {
    let mut statement = reader.conn.prepare_cached(sql!("session.until"))?;
    // Some are no marks.
    let looked = most * 3;
    let mut tracks = Vec::with_capacity(seqs.len());
    for seq in seqs {
        let mut rows = statement.query((*seq as i64, looked as i64))?;
        let (mut track, mut seen) = (TrackUntil::default(), 0);
        while let Some(r) = rows.next()? {
            seen += 1;
            let Some(kind) = Kind::from_code(r.get(0)?).filter(|kind| is_mark(*kind)) else { continue };
            if track.marks.len() == most {
                track.more = true;
                break;
            }
            track.marks.push(Mark {
                kind,
                status: r.get::<_, Option<u8>>(1)?.and_then(Status::from_code),
                started_at: Timestamp::from_micros(r.get(2)?),
                duration_us: r.get::<_, Option<i64>>(3)?.map(|d| d as u64),
            });
        }
        track.more |= seen == looked;
        track.marks.reverse();
        tracks.push(track);
    }
    Ok(tracks)
}

fn track(reader: &Reader, row: i64, members: &[i64], session: &mut SessionRow) -> Result<()> {
    let text = of_parts(sql!("session.track"), members);
    let mut statement = reader.conn.prepare_cached(&text)?;
    let mut rows = statement.query((row, TRACK as i64))?;
    let (mut marks, mut calls, mut looked, mut listing_bytes) = (Vec::new(), Calls::default(), 0, 0);
    let mut failures: HashSet<(i64, i64)> = HashSet::new();
    while let Some(r) = rows.next()? {
        looked += 1;
        let Some(kind) = Kind::from_code(r.get(0)?) else { continue };
        let mark = Mark {
            kind,
            status: r.get::<_, Option<u8>>(1)?.and_then(Status::from_code),
            started_at: Timestamp::from_micros(r.get(2)?),
            duration_us: r.get::<_, Option<i64>>(3)?.map(|d| d as u64),
        };
        let flags = Flags::from_bits(r.get(5)?);
        let open = flags.nested || flags.mrtr_open || mark.status == Some(Status::InputRequired);
        if kind == Kind::ToolCall && !open {
            calls.add(r.get::<_, Option<i64>>(4)?.unwrap_or(0), mark, flags, r.get(6)?);
        }
        if kind == Kind::ToolsList {
            listing_bytes += r.get::<_, Option<i64>>(8)?.unwrap_or(0) as u64;
        }
        if let Some(issue) = r.get::<_, Option<i64>>(7)? {
            failures.insert((issue, mark.started_at.micros()));
        }
        if is_mark(kind) {
            marks.push(mark);
        }
    }
    session.context = weight::context(listing_bytes, session.context);
    if looked < TRACK {
        let views = calls.views();
        let quiet_us = limits::SESSION_QUIET.as_micros() as i64;
        let quiet = (reader.clock)().since(session.last_event_at) >= quiet_us;
        session.ending = quiet.then(|| chain::ending(&views));
        chain::chains(&views).iter().for_each(|c| session.attempts.merge(Attempts::of(c, &views)));
        session.first_success = attempts::first_success(session.started_at, &views);
        let seen = Seen {
            missing: session.missing_reports,
            length_us: session.duration_us(),
            p95_us: None,
            first_seen: first_seen(&reader.conn, &failures)?,
        };
        session.why = worth::reasons(&views, seen);
        // An open session may still find its way.
        session.why.retain(|w| quiet || *w != Worth::Unsolved);
        name_tools(&reader.conn, &mut session.why)?;
    }
    if marks.len() > MARKS {
        let tail = marks.split_off(marks.len() - TAIL);
        session.marks_omitted = (marks.len() - HEAD) as u64;
        marks.truncate(HEAD);
        marks.extend(tail);
    }
    session.marks = marks;
    Ok(())
}

/// How many of these failures, as (group, start), are the first of their group.
fn first_seen(conn: &Connection, failures: &HashSet<(i64, i64)>) -> Result<u64> {
    let mut statement = conn.prepare_cached(sql!("issue.is_first"))?;
    let mut first = 0;
    for failure in failures.iter().take(FAILURES) {
        first += u64::from(statement.exists(*failure)?);
    }
    Ok(first)
}

/// Chains only compare tools, so numbers did; now they are shown.
fn name_tools(conn: &Connection, why: &mut [Worth]) -> Result<()> {
    for reason in why {
        if let Worth::Loop { tools, .. } = reason {
            for tool in tools {
                let id: i64 = tool.parse().unwrap_or(0);
                let mut statement = conn.prepare_cached(sql!("name.text"))?;
                *tool = statement.query_row([id], |r| r.get(0)).optional()?.unwrap_or_default();
            }
        }
    }
    Ok(())
}

/// The same question of a session and those shown under it; numbers of ours, so they may stand in the text.
pub(super) fn of_parts(question: &str, members: &[i64]) -> String {
    let mut parts = String::from("session IN (?1");
    for member in members {
        parts.push_str(&format!(", {member}"));
    }
    if members.is_empty() { question.to_owned() } else { question.replace("session = ?1", &(parts + ")")) }
}

/// Listings and protocol noise are left out of a track.
const fn is_mark(kind: Kind) -> bool {
    match kind {
        Kind::ToolsList
        | Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::PromptsList
        | Kind::Protocol
        | Kind::Discover
        | Kind::Initialize
        | Kind::Completion => false,
        Kind::ToolCall
        | Kind::ResourceRead
        | Kind::PromptGet
        | Kind::Identify
        | Kind::MissingCapability
        | Kind::Feedback
        | Kind::Exception
        | Kind::Custom
        | Kind::Alias
        | Kind::GroupIdentify
        | Kind::PersonUpdate => true,
    }
}
