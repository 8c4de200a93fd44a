//! Tools, resources and prompts; and clients.

use std::collections::{HashMap, HashSet};

use rusqlite::params_from_iter;
use trackway_event::{Kind, Timestamp, limits};

use super::cursor::{Cursor, List};
use super::figures::{self, Sum, Want};
use super::filter_sql::{self, Target};
use super::kept::{self, Started, Timed};
use super::reach::{called, reach};
use super::span::{Buckets, bounds};
use super::{Reader, Sql, catalog, closely, event, issues, rows_of, sightings, signals};
use crate::query::{
    ArgumentCheck, Bucket, ClientRow, Closely, Page, PageAsk, Scope, Standing, ToolDetail, ToolRow, ToolStory,
};
use crate::sqlite::cache::Map;
use crate::sqlite::commit::DAYS;
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// Newest calls shown of a tool.
const SAMPLES: usize = 50;
/// Calls that a filter chooses from.
const SAMPLED: usize = 2_000;

/// One tool with its series, failures and callers; a resource or prompt where no tool has the name.
pub(in crate::sqlite) fn tool(reader: &Reader, name: &str, scope: &Scope) -> Result<Option<ToolDetail>> {
    let Some(id) = figures::name_of(reader, name)? else { return Ok(None) };
    let mut exists = reader.conn.prepare_cached(sql!("rollup.exists"))?;
    let mut kind = None;
    for candidate in [Kind::ToolCall, Kind::ResourceRead, Kind::PromptGet] {
        if exists.exists((DAYS, candidate.code(), id))? {
            kind = Some(candidate);
            break;
        }
    }
    let Some(kind) = kind else { return Ok(None) };
    let buckets = Buckets::of(scope);
    let mut series: Vec<Sum> = (0..buckets.count()).map(|_| Sum::default()).collect();
    let mut all = Sum::default();
    let mut clients: HashMap<i64, Sum> = HashMap::new();
    figures::visit(reader, scope, Want::Tool(kind, id), Some(&buckets), |item| {
        all.add(&item.cell);
        clients.entry(item.client).or_default().add(&item.cell);
        if let Some(sum) = buckets.place(item.start).and_then(|i| series.get_mut(i)) {
            sum.add(&item.cell);
        }
    })?;
    let trend = series.iter().map(|s| s.counts.calls).collect();
    let series = series.iter().enumerate().map(|(i, sum)| {
        let (start, end) = buckets.bounds(i);
        Bucket { start, end, sessions: 0, calls: sum.figures() }
    });
    let peers = figures::peers(reader)?;
    let mut clients: Vec<ClientRow> = clients
        .iter()
        .map(|(id, sum)| ClientRow {
            client: peers.get(id).cloned(),
            sessions: 0,
            calls: sum.figures(),
            last_at: sum.last_at(),
        })
        .collect();
    clients.sort_by(|a, b| b.calls.calls.cmp(&a.calls.calls).then_with(|| a.client.cmp(&b.client)));
    let reach = reach(reader, scope, kind, &[id])?.map(|r| r.get(&id).copied().unwrap_or_default());
    let of_tool = kind == Kind::ToolCall;
    let told = if of_tool { Some(signals::of_tool(reader, scope, id, name)?) } else { None };
    let (signals, neighbours) = told.unzip();
    let row = ToolRow {
        sessions: reach.map(|r| r.sessions),
        people: reach.map(|r| r.people),
        signals,
        ..plain(name.to_owned(), &all, trend)
    };
    Ok(Some(ToolDetail {
        row,
        series: series.collect(),
        sightings: sightings::sightings(reader, scope.period)?,
        issues: issues::of_tool(reader, scope, id)?,
        clients,
        samples: samples(reader, scope, kind, id, name)?,
        last_ever: last_ever(reader, kind, id)?,
        neighbours: neighbours.unwrap_or_default(),
        arguments: if of_tool { catalog::check(reader, scope, id, name)? } else { ArgumentCheck::default() },
        closely: if of_tool { closely::closely(reader, scope, id)? } else { Closely::default() },
        story: if of_tool { closely::story(reader, scope, name)? } else { ToolStory::default() },
    }))
}

/// When what has this name was last called, of all that is kept.
fn last_ever(reader: &Reader, kind: Kind, id: i64) -> Result<Option<Timestamp>> {
    let at: Option<i64> = if kind == Kind::ToolCall {
        reader.conn.prepare_cached(sql!("event.last_of_tool"))?.query_row([id], |r| r.get(0))?
    } else {
        let mut things = reader.conn.prepare_cached(sql!("event.last_of_thing"))?;
        things.query_row((kind.code(), id), |r| r.get(0))?
    };
    Ok(at.map(Timestamp::from_micros))
}

/// Figures per client name and version: sessions that started, and calls, in the scope.
pub(in crate::sqlite) fn clients(reader: &Reader, scope: &Scope) -> Result<Vec<ClientRow>> {
    let mut calls: HashMap<i64, Sum> = HashMap::new();
    figures::visit(reader, scope, Want::Totals, None, |item| {
        if item.kind == Kind::ToolCall {
            calls.entry(item.client).or_default().add(&item.cell);
        }
    })?;
    let seen = starts(reader, scope, &Buckets::whole(scope))?;
    client_rows(reader, &seen, &calls)
}

/// Sessions that started in a scope.
pub(super) struct Starts {
    /// How many, by bucket.
    pub(super) counts: Vec<u64>,
    /// How long they lasted, µs.
    lengths: Vec<i64>,
    /// How many, and the newest last event, µs, by client; 0: none named.
    by_client: Map<i64, (u64, i64)>,
}

impl Starts {
    /// The length that 95 of 100 sessions do not pass; needs 20.
    pub(super) fn p95_us(&self) -> Option<i64> {
        let mut lengths = self.lengths.clone();
        let rank = trackway_core::sketch::rank(lengths.len() as u64, 0.95)?;
        let place = usize::try_from(rank).ok()?.checked_sub(1)?;
        (lengths.len() >= 20).then(|| *lengths.select_nth_unstable(place).1)
    }
}

/// Counts the sessions of a scope in one pass over the index.
pub(super) fn starts(reader: &Reader, scope: &Scope, buckets: &Buckets) -> Result<Starts> {
    let mut starts =
        Starts { counts: vec![0; buckets.count()], lengths: Vec::new(), by_client: Map::default() };
    let mut add = |started: &Started| {
        if let Some(count) = buckets.place(started.at).and_then(|i| starts.counts.get_mut(i)) {
            *count += 1;
        }
        let (sessions, last) = starts.by_client.entry(started.client).or_default();
        *sessions += 1;
        starts.lengths.push(started.last.saturating_sub(started.at));
        *last = started.last.max(*last);
    };
    if scope.filter.is_empty() {
        let (from, to) = bounds(scope.period);
        kept::visit(reader, from, to, add)?;
        return Ok(starts);
    }
    let mut sql = Sql::new(sql!("session.starts"));
    sql.push(" AND s.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND s.started_at < ").bind(scope.period.to.micros());
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Sessions)?;
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    while let Some(row) = rows.next()? {
        add(&Started::read(row)?);
    }
    Ok(starts)
}

/// Clients by sessions, given their calls.
pub(super) fn client_rows(
    reader: &Reader,
    starts: &Starts,
    calls: &HashMap<i64, Sum>,
) -> Result<Vec<ClientRow>> {
    let sessions = &starts.by_client;
    let ids: HashSet<i64> = sessions.keys().chain(calls.keys()).copied().collect();
    let peers = figures::peers(reader)?;
    let none = Sum::default();
    let mut rows: Vec<ClientRow> = ids
        .into_iter()
        .map(|id| {
            let sum = calls.get(&id).unwrap_or(&none);
            let (sessions, last) = sessions.get(&id).copied().unwrap_or_default();
            let last_at = (sessions > 0).then(|| Timestamp::from_micros(last)).max(sum.last_at());
            ClientRow { client: peers.get(&id).cloned(), sessions, calls: sum.figures(), last_at }
        })
        .filter(|row| row.sessions > 0 || row.calls.calls > 0)
        .collect();
    rows.sort_by(|a, b| {
        (b.sessions, b.calls.calls).cmp(&(a.sessions, a.calls.calls)).then_with(|| a.client.cmp(&b.client))
    });
    Ok(rows)
}

/// Every tool, resource or prompt of a scope, in no order.
pub(super) fn tool_rows(
    reader: &Reader,
    scope: &Scope,
    kind: Kind,
) -> Result<(Vec<ToolRow>, Option<String>)> {
    let (rows, partial) = numbered_rows(reader, scope, kind)?;
    Ok((rows.into_iter().map(|(_, row)| row).collect(), partial))
}

/// A row of what rollups know.
fn plain(name: String, sum: &Sum, trend: Vec<u64>) -> ToolRow {
    ToolRow {
        name,
        calls: sum.figures(),
        sessions: None,
        people: None,
        trend,
        last_at: sum.last_at(),
        first_at: None,
        signals: None,
        definition_tokens: None,
        standing: Standing::Untold,
        content: None,
    }
}

/// Rows by the number of their name, and what is missing where the deadline passed.
pub(super) type Numbered = (Vec<(i64, ToolRow)>, Option<String>);

/// The same, each with the number of its name.
pub(super) fn numbered_rows(reader: &Reader, scope: &Scope, kind: Kind) -> Result<Numbered> {
    let buckets = Buckets::in_utc(scope);
    let mut sums: HashMap<i64, (Sum, Vec<u64>)> = HashMap::new();
    let partial = figures::visit(reader, scope, Want::Tools(kind), Some(&buckets), |item| {
        let (sum, trend) = sums.entry(item.tool).or_default();
        sum.add(&item.cell);
        if trend.is_empty() {
            trend.resize(buckets.count(), 0);
        }
        if let Some(n) = buckets.place(item.start).and_then(|i| trend.get_mut(i)) {
            *n += item.cell.calls;
        }
    })?;
    let mut names = figures::texts(reader, &sums.keys().copied().collect())?;
    let rows = sums
        .into_iter()
        .filter(|(_, (sum, _))| sum.counts.events > 0)
        .map(|(id, (sum, trend))| (id, plain(names.remove(&id).unwrap_or_default(), &sum, trend)));
    Ok((rows.collect(), partial))
}

/// A page of rows that were sorted in memory.
pub(super) fn sorted_page<T>(
    rows: Vec<T>,
    page: &PageAsk,
    sort: u8,
    partial: Option<String>,
) -> Result<Page<T>> {
    let limit = rows_of(page, limits::PAGE_ROWS_MAX);
    let before = Cursor::parse(page.after.as_deref(), List::Sorted, sort)?;
    let before = before.map_or(Ok(0), |c| usize::try_from(c.key).map_err(|_| StoreError::BadCursor))?;
    let total = rows.len();
    let next = (before.saturating_add(limit) < total)
        .then(|| Cursor { key: (before + limit) as i64, row: 0 }.print(List::Sorted, sort));
    let items = rows.into_iter().skip(before).take(limit).collect();
    Ok(Page { items, next, total: Some(total as u64), partial })
}

/// The newest calls; those that pass the filter, of the newest [`SAMPLED`] in the period.
fn samples(reader: &Reader, scope: &Scope, kind: Kind, id: i64, name: &str) -> Result<Vec<crate::EventRow>> {
    let most = if scope.filter.is_empty() { SAMPLES } else { SAMPLED };
    let mut sql = Sql::new(sql!("event.row"));
    sql.push(" WHERE e.seq IN (");
    // The nameless are listed under the empty name.
    for (i, column) in std::iter::once(Some(id)).chain(name.is_empty().then_some(None)).enumerate() {
        sql.push(if i > 0 {
            " UNION ALL SELECT seq FROM (SELECT e.seq"
        } else {
            "SELECT seq FROM (SELECT e.seq"
        });
        called(&mut sql, kind, column);
        sql.push(" AND e.started_at >= ").bind(scope.period.from.micros());
        sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
        sql.push(" ORDER BY e.started_at DESC LIMIT ").bind(most as i64).push(")");
    }
    sql.push(")");
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
    sql.push(" ORDER BY e.started_at DESC, e.seq DESC LIMIT ").bind(SAMPLES as i64);
    event::rows(&reader.conn, &sql)
}
