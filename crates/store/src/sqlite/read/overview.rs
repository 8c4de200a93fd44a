//! The overview: one pass over the scope's figures, and short lists.

use std::collections::{BTreeSet, HashMap};

use rusqlite::params_from_iter;
use trackway_event::Kind;

use super::figures::{self, Sum, Want};
use super::filter_sql::{self, Target};
use super::span::Buckets;
use super::tools::{Starts, client_rows, starts, tool_rows};
use super::{Reader, Sql, catalog, event, issues, ledger, people, session, sightings, signals};
use crate::Result;
use crate::query::{Bucket, Compare, EventRow, Overview, OverviewAsk, Scope, SessionRow, Totals, Worth};
use crate::sqlite::control::sql;

/// Rows of the short lists.
const TOOLS: usize = 8;
const CLIENTS: usize = 8;
const ISSUES: usize = 5;
const INTENTS: i64 = 24;
const MISSING: i64 = 5;
const WORTH_A_LOOK: usize = 6;
/// Sessions of each sort that are weighed for it.
const CANDIDATES: i64 = 30;

/// Headline figures, series and short lists of a scope.
pub(in crate::sqlite) fn overview(reader: &Reader, ask: &OverviewAsk) -> Result<Overview> {
    let scope = &ask.scope;
    let buckets = Buckets::of(scope);
    let Figures { totals: now, series, starts, by_client, mut partial } = totals(reader, scope, &buckets)?;
    let before = match ask.compare {
        Compare::None => None,
        Compare::Previous | Compare::Weeks => {
            let mut past = scope.clone();
            past.period = match ask.compare {
                Compare::Weeks => scope.period.weeks_before(),
                Compare::Previous | Compare::None => scope.period.previous(),
            };
            let first = ledger::first_event_at(reader)?;
            if first.is_some_and(|first| first <= past.period.from) {
                let before = totals(reader, &past, &Buckets::whole(&past))?;
                partial = partial.or(before.partial);
                Some(before.totals)
            } else {
                None
            }
        }
    };
    let (mut tools, missing) = tool_rows(reader, scope, Kind::ToolCall)?;
    partial = partial.or(missing);
    tools.sort_by(|a, b| b.calls.calls.cmp(&a.calls.calls).then_with(|| a.name.cmp(&b.name)));
    tools.truncate(TOOLS);
    let mut clients = client_rows(reader, &starts, &by_client)?;
    clients.truncate(CLIENTS);
    let (issues, missing) = issues::top(reader, scope, ISSUES)?;
    partial = partial.or(missing);
    let known = ledger::known(reader)?;
    Ok(Overview {
        now,
        before,
        series,
        sightings: sightings::sightings(reader, scope.period)?,
        tools,
        clients,
        issues,
        intents: newest(reader, scope, "e.intent IS NOT NULL AND e.kind <> 15", INTENTS)?,
        missing: newest(reader, scope, "e.kind = 11", MISSING)?,
        worth_a_look: worth_a_look(reader, scope, starts.p95_us())?,
        signals: signals::signals(reader, scope)?,
        listing: catalog::newest(reader)?,
        events_ever: known.stored,
        calls_ever: known.calls,
        last_event_at: ledger::last_event_at(reader)?,
        partial,
    })
}

/// What one pass over a scope's figures gives.
struct Figures {
    totals: Totals,
    series: Vec<Bucket>,
    starts: Starts,
    by_client: HashMap<i64, Sum>,
    partial: Option<String>,
}

fn totals(reader: &Reader, scope: &Scope, buckets: &Buckets) -> Result<Figures> {
    let mut all = Sum::default();
    let (mut events, mut missing) = (0, 0);
    let mut series: Vec<Sum> = (0..buckets.count()).map(|_| Sum::default()).collect();
    let mut by_client: HashMap<i64, Sum> = HashMap::new();
    let partial = figures::visit(reader, scope, Want::Totals, Some(buckets), |item| {
        events += item.cell.events;
        match item.kind {
            Kind::ToolCall => {
                all.add(&item.cell);
                by_client.entry(item.client).or_default().add(&item.cell);
                if let Some(sum) = buckets.place(item.start).and_then(|i| series.get_mut(i)) {
                    sum.add(&item.cell);
                }
            }
            Kind::MissingCapability => {
                missing += item.cell.events;
                by_client.entry(item.client).or_default();
            }
            Kind::ToolsList
            | Kind::Initialize
            | Kind::ResourceRead
            | Kind::ResourcesList
            | Kind::ResourceTemplatesList
            | Kind::PromptGet
            | Kind::PromptsList
            | Kind::Completion
            | Kind::Identify
            | Kind::Feedback
            | Kind::Exception
            | Kind::Custom
            | Kind::Protocol
            | Kind::Alias
            | Kind::GroupIdentify
            | Kind::PersonUpdate
            | Kind::Discover => drop(by_client.entry(item.client).or_default()),
        }
    })?;
    let starts = starts(reader, scope, buckets)?;
    let (people, cut) = people::of_scope(reader, scope)?;
    let peers = figures::peers(reader)?;
    let clients: BTreeSet<&str> =
        by_client.keys().filter_map(|id| peers.get(id)).map(|peer| &*peer.name).collect();
    let totals = Totals {
        sessions: starts.counts.iter().sum(),
        people: people.len(),
        clients: clients.len() as u64,
        events,
        missing_reports: missing,
        calls: all.figures(),
    };
    let series = series.iter().zip(&starts.counts).enumerate().map(|(i, (sum, sessions))| {
        let (start, end) = buckets.bounds(i);
        Bucket { start, end, sessions: *sessions, calls: sum.figures() }
    });
    let series = series.collect();
    Ok(Figures { totals, series, starts, by_client, partial: partial.or(cut) })
}

/// The newest events of the scope that are of some sort.
fn newest(reader: &Reader, scope: &Scope, sort: &str, most: i64) -> Result<Vec<EventRow>> {
    let mut sql = Sql::new(sql!("event.row"));
    sql.push(" WHERE ").push(sort).push(" AND e.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
    sql.push(" ORDER BY e.started_at DESC, e.seq DESC LIMIT ").bind(most);
    event::rows(&reader.conn, &sql)
}

/// Of the newest sessions with a failure or a wish, and the newest with several calls, those with the strongest reasons.
fn worth_a_look(reader: &Reader, scope: &Scope, p95_us: Option<i64>) -> Result<Vec<SessionRow>> {
    let mut candidates: BTreeSet<i64> = BTreeSet::new();
    for sort in [sql!("session.worth"), sql!("session.busy")] {
        let mut sql = Sql::new(sort);
        sql.push(" AND s.started_at >= ").bind(scope.period.from.micros());
        sql.push(" AND s.started_at < ").bind(scope.period.to.micros());
        filter_sql::add(reader, &mut sql, &scope.filter, Target::Sessions)?;
        sql.push(" ORDER BY s.started_at DESC, s.row DESC LIMIT ").bind(CANDIDATES);
        let mut statement = reader.conn.prepare_cached(&sql.text)?;
        let rows = statement.query_map(params_from_iter(&sql.values), |r| r.get::<_, i64>(0))?;
        for row in rows {
            candidates.insert(row?);
        }
    }
    let mut rows = session::by_rows(reader, &candidates.into_iter().collect::<Vec<i64>>())?;
    for row in &mut rows {
        if p95_us.is_some_and(|p95| row.duration_us() > p95) {
            row.why.push(Worth::Long);
            row.why.sort();
        }
    }
    rows.retain(|row| !row.why.is_empty());
    // The strongest first reason, then more of them, then the newest.
    rows.sort_by(|a, b| {
        let first = a.why.first().cmp(&b.why.first());
        first.then(b.why.len().cmp(&a.why.len())).then(b.started_at.cmp(&a.started_at))
    });
    rows.truncate(WORTH_A_LOOK);
    Ok(rows)
}
