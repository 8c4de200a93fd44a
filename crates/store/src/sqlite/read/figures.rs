//! Adding up: every figure of a scope comes from one pass over its counted things, from rollups where the filter allows
//! (only kind, tool and client), else from rows under the deadline (D36).

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use rusqlite::params_from_iter;
use trackway_core::filter::{Condition, Field};
use trackway_core::sketch::SketchSum;
use trackway_event::{Kind, Timestamp};

use super::filter_sql::{self, Target};
use super::kept::{self, Figure};
use super::span::{Buckets, bounds, parts};
use super::{CUT_SHORT, Reader, Sql, ledger};
use crate::query::{CallFigures, Scope};
use crate::sqlite::commit::{
    ALL, Cell, CellView, Counted, DAY_US, DAYS, HOURS, Named, decode_cells, named, start_of,
};
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// Which rows of figures are wanted.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Want {
    /// One row a kind, whatever the tool.
    Totals,
    /// One row a tool, resource or prompt of this kind.
    Tools(Kind),
    /// This tool, resource or prompt of this kind.
    Tool(Kind, i64),
}

/// No client alone: where rows a tool are wanted, they may tell of all clients together.
const ANY: i64 = -1;

/// Something counted: in a bucket of some length, of a kind, tool (0 where totals are wanted) and client (0: none named).
pub(super) struct Item<'a> {
    /// Start of its rollup bucket, or of the event, µs.
    pub(super) start: i64,
    pub(super) kind: Kind,
    pub(super) tool: i64,
    pub(super) client: i64,
    pub(super) cell: CellView<'a>,
}

/// Sums of calls.
#[derive(Default)]
pub(super) struct Sum {
    /// Without a sketch, which is summed apart.
    pub(super) counts: CellView<'static>,
    sketch: Option<SketchSum>,
}

impl Sum {
    pub(super) fn add(&mut self, cell: &CellView<'_>) {
        let counts = &mut self.counts;
        counts.events += cell.events;
        counts.calls += cell.calls;
        counts.finished += cell.finished;
        counts.failed += cell.failed;
        counts.tokens_in += cell.tokens_in;
        counts.tokens_out += cell.tokens_out;
        counts.last = counts.last.max(cell.last);
        if !cell.sketch.is_empty() && self.sketch.get_or_insert_default().add_encoded(cell.sketch).is_none() {
            tracing::warn!("a latency sketch cannot be read and was left out");
        }
    }

    /// As shown: percentiles only where they mean something (dashboard §5).
    pub(super) fn figures(&self) -> CallFigures {
        let sketch = self.sketch.as_ref().map(SketchSum::sketch).unwrap_or_default();
        let timed = sketch.count();
        let from = |least: u64, q: f64| if timed >= least { sketch.quantile(q) } else { None };
        CallFigures {
            calls: self.counts.calls,
            finished: self.counts.finished,
            failed: self.counts.failed,
            timed,
            p50_us: from(1, 0.5),
            p95_us: from(20, 0.95),
            p99_us: from(100, 0.99),
            tokens_in: self.counts.tokens_in,
            tokens_out: self.counts.tokens_out,
        }
    }

    /// The sketch as a cell has it, empty where nothing was timed.
    pub(super) fn encoded_sketch(&self) -> Vec<u8> {
        self.sketch.as_ref().map(|sum| sum.sketch().encode()).unwrap_or_default()
    }

    pub(super) fn last_at(&self) -> Option<Timestamp> {
        (self.counts.events > 0).then(|| Timestamp::from_micros(self.counts.last))
    }
}

/// Visits everything counted in `period` of the scope. Answers what is missing when the deadline passed. Items lie in
/// one of the scope's `buckets`, where those are given, with all of their rollup bucket.
pub(super) fn visit(
    reader: &Reader,
    scope: &Scope,
    want: Want,
    buckets: Option<&Buckets>,
    mut each: impl FnMut(Item<'_>),
) -> Result<Option<String>> {
    let (mut from, mut to) = bounds(scope.period);
    let Some(clients) = rollup_clients(reader, scope)? else {
        return rows(reader, scope, want, std::slice::from_ref(&(from..to)), &mut each);
    };
    // No series finer than the rollups, none that cuts through their hours.
    let fine = buckets.is_some_and(Buckets::finer_than_rollups);
    if fine {
        return rows(reader, scope, want, std::slice::from_ref(&(from..to)), &mut each);
    }
    // No walk through years without an event.
    let (Some(first), Some(last)) = (ledger::first_event_at(reader)?, ledger::last_event_at(reader)?) else {
        return Ok(None);
    };
    let (first, end) = (first.micros().div_euclid(DAY_US), last.micros().div_euclid(DAY_US) + 1);
    (from, to) = (from.max(first * DAY_US), to.min(end * DAY_US));
    let pieces: Vec<Range<i64>> = match buckets {
        Some(b) => (0..b.count())
            .map(|i| {
                let (start, end) = b.bounds(i);
                start.micros().max(from)..end.micros().min(to)
            })
            .collect(),
        None => std::iter::once(from..to).collect(),
    };
    let kinds = match want {
        Want::Tool(kind, tool) => vec![(kind, tool)],
        Want::Tools(_) => Vec::new(),
        Want::Totals => kinds_between(reader, from, to)?,
    };
    let mut edges = Vec::new();
    for piece in pieces {
        let parts = parts(piece.start, piece.end);
        for hours in parts.hours {
            rollups(reader, want, &kinds, HOURS, hours, clients.as_ref(), &mut each)?;
        }
        match want {
            Want::Tools(kind) if clients.is_none() && kept::are_few(&parts.days) => {
                kept::days(reader, parts.days, |day, figures: &Arc<[Figure]>| {
                    for figure in figures.iter().filter(|figure| figure.kind == kind) {
                        let start = start_of(DAYS, day);
                        each(Item { start, kind, tool: figure.tool, client: ANY, cell: figure.cell() });
                    }
                })?;
            }
            Want::Tools(_) | Want::Tool(..) | Want::Totals => {
                rollups(reader, want, &kinds, DAYS, parts.days, clients.as_ref(), &mut each)?;
            }
        }
        edges.extend(parts.rows);
    }
    rows(reader, scope, want, &edges, &mut each)
}

/// Whether rollups answer the filter, and then which clients pass (`None` inside: all).
#[expect(clippy::option_option, reason = "whether rollups answer, and whether clients are chosen")]
fn rollup_clients(reader: &Reader, scope: &Scope) -> Result<Option<Option<HashSet<i64>>>> {
    if scope.filter.is_empty() {
        return Ok(Some(None));
    }
    let by_client = |c: &Condition| matches!(c.field, Field::Client | Field::ClientVersion);
    if scope.filter.text.is_some() || !scope.filter.conditions.iter().all(by_client) {
        return Ok(None);
    }
    let mut sql =
        Sql::new("SELECT id FROM (SELECT id, id AS client FROM peer UNION ALL SELECT 0, NULL) s WHERE TRUE");
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Sessions)?;
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    let ids = statement.query_map(params_from_iter(&sql.values), |r| r.get(0))?;
    Ok(Some(Some(ids.collect::<rusqlite::Result<_>>()?)))
}

/// Visits the tools, resources or prompts of some days, as their rollups tell, a client at a time.
pub(super) fn tools_of_days(
    reader: &Reader,
    kind: Kind,
    days: Range<i64>,
    mut each: impl FnMut(Item<'_>),
) -> Result<()> {
    rollups(reader, Want::Tools(kind), &[], DAYS, days, None, &mut each)
}

fn rollups(
    reader: &Reader,
    want: Want,
    kinds: &[(Kind, i64)],
    grain: i64,
    buckets: Range<i64>,
    clients: Option<&HashSet<i64>>,
    each: &mut impl FnMut(Item<'_>),
) -> Result<()> {
    if buckets.is_empty() {
        return Ok(());
    }
    let mut give = |bucket: i64, kind: u8, tool: i64, cells: &[u8]| -> Result<()> {
        let damaged = || StoreError::Corrupt {
            path: Default::default(),
            reason: format!("rollup {grain} {bucket} {kind} {tool} cannot be read"),
        };
        let kind = Kind::from_code(kind).ok_or_else(damaged)?;
        let start = start_of(grain, bucket);
        decode_cells(cells, start, |client, cell| {
            if clients.is_none_or(|c| c.contains(&client)) {
                each(Item { start, kind, tool, client, cell });
            }
        })
        .ok_or_else(damaged)
    };
    if let Want::Tools(kind) = want {
        let mut statement = reader.conn.prepare_cached(sql!("rollup.kind"))?;
        let mut rows = statement.query((grain, buckets.start, buckets.end, kind.code()))?;
        while let Some(r) = rows.next()? {
            give(r.get(0)?, r.get(1)?, r.get(2)?, r.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?;
        }
        return Ok(());
    }
    let mut statement = reader.conn.prepare_cached(sql!("rollup.read"))?;
    for bucket in buckets {
        for (kind, tool) in kinds {
            let mut rows = statement.query((grain, bucket, kind.code(), tool))?;
            if let Some(r) = rows.next()? {
                give(bucket, kind.code(), *tool, r.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
            }
        }
    }
    Ok(())
}

/// The kinds that happened at all on the days of a period, so that hours are not asked for others.
fn kinds_between(reader: &Reader, from: i64, to: i64) -> Result<Vec<(Kind, i64)>> {
    let mut has = reader.conn.prepare_cached(sql!("rollup.has"))?;
    let days = from.div_euclid(DAY_US)..=to.div_euclid(DAY_US);
    let mut kinds = Vec::new();
    for kind in Kind::ALL {
        for day in days.clone() {
            if has.exists((DAYS, day, kind.code(), ALL))? {
                kinds.push((*kind, ALL));
                break;
            }
        }
    }
    Ok(kinds)
}

fn rows(
    reader: &Reader,
    scope: &Scope,
    want: Want,
    ranges: &[Range<i64>],
    each: &mut impl FnMut(Item<'_>),
) -> Result<Option<String>> {
    let mut unnamed = None;
    for range in ranges {
        let mut sql = Sql::new(sql!("event.counted"));
        sql.push(" WHERE e.started_at >= ").bind(range.start).push(" AND e.started_at < ").bind(range.end);
        sql.push(" AND e.kind <> ").bind(i64::from(Kind::Protocol.code()));
        filter_sql::narrow(reader, &mut sql, &scope.filter)?;
        filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
        let mut statement = reader.conn.prepare_cached(&sql.text)?;
        let mut rows = statement.query(params_from_iter(&sql.values))?;
        loop {
            let r = match rows.next() {
                Ok(Some(r)) => r,
                Ok(None) => break,
                Err(error) => match StoreError::from(error) {
                    StoreError::Deadline => return Ok(Some(CUT_SHORT.to_owned())),
                    other => return Err(other),
                },
            };
            let Some(counted) = Counted::read(r)? else { continue };
            let kind = counted.kind;
            let tool = match (want, named(kind, r.get(7)?, r.get(8)?)) {
                (Want::Totals, _) => ALL,
                (Want::Tools(wanted) | Want::Tool(wanted, _), _) if wanted != kind => continue,
                (Want::Tools(_) | Want::Tool(..), Named::No) => continue,
                (Want::Tools(_) | Want::Tool(..), Named::Yes(Some(tool))) => tool,
                (Want::Tools(_) | Want::Tool(..), Named::Yes(None)) => match unnamed {
                    Some(tool) => tool,
                    None => *unnamed.insert(name_of(reader, "")?.unwrap_or(-1)),
                },
            };
            if matches!(want, Want::Tool(_, wanted) if wanted != tool) {
                continue;
            }
            let mut cell = Cell::default();
            cell.add(&counted);
            let sketch = cell.sketch.encode();
            let client = r.get::<_, Option<i64>>(9)?.unwrap_or(0);
            each(Item { start: counted.start, kind, tool, client, cell: cell.view(&sketch) });
        }
    }
    filter_sql::cut_matches(reader, &scope.filter)
}

/// The number of a text.
pub(super) fn name_of(reader: &Reader, text: &str) -> Result<Option<i64>> {
    use rusqlite::OptionalExtension;
    Ok(reader.conn.prepare_cached(sql!("name.find"))?.query_row([text], |r| r.get(0)).optional()?)
}

/// Every tool, resource or prompt name by its number.
pub(super) fn texts(reader: &Reader, wanted: &HashSet<i64>) -> Result<HashMap<i64, String>> {
    let mut statement = reader.conn.prepare_cached(sql!("name.text"))?;
    let mut texts = HashMap::with_capacity(wanted.len());
    for id in wanted {
        let mut rows = statement.query([id])?;
        if let Some(r) = rows.next()? {
            texts.insert(*id, r.get(0)?);
        }
    }
    Ok(texts)
}

/// Every program by its number.
pub(super) fn peers(reader: &Reader) -> Result<HashMap<i64, trackway_event::Peer>> {
    let mut statement = reader.conn.prepare_cached(sql!("peer.list"))?;
    let mut rows = statement.query([])?;
    let mut peers = HashMap::new();
    while let Some(r) = rows.next()? {
        if let Some(peer) = super::peer(r.get(1)?, r.get(2)?) {
            peers.insert(r.get(0)?, peer);
        }
    }
    Ok(peers)
}
