//! The list of tools, resources or prompts: figures, how far each reaches, what its newest calls tell, and for tools what the
//! listings of the period say of them. A tool that was listed and never called is a row of its own.

use std::collections::{BTreeSet, HashMap};

use trackway_event::{Kind, Timestamp};

use super::reach::reach;
use super::tools::{numbered_rows, sorted_page};
use super::{Reader, catalog, contents, signals};
use crate::query::{Depth, Page, Standing, ToolPreset, ToolRow, ToolsAsk};
use crate::sqlite::commit::{DAY_US, DAYS};
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// Names a list can be sorted by.
const SORTS: [&str; 12] = [
    "calls",
    "name",
    "failed",
    "p95",
    "last",
    "sessions",
    "people",
    "p50",
    "first_try",
    "repeats",
    "definition",
    "result",
];
/// Finished calls, or attempts, from which a rate ranks (dashboard P3).
const RANKED: u64 = 20;
/// First tries below which a tool confuses.
const CONFUSING: f64 = 0.8;

/// Figures per tool, resource or prompt.
pub(in crate::sqlite) fn tools(reader: &Reader, ask: &ToolsAsk) -> Result<Page<ToolRow>> {
    let (rows, mut partial) = numbered_rows(reader, &ask.scope, ask.kind)?;
    let whole = ask.depth == Depth::Whole;
    // More than are counted: not one is looked at.
    let countable = rows.iter().map(|(_, row)| row.calls.calls).sum::<u64>() <= reader.counted_calls as u64;
    let names: Vec<i64> = rows.iter().map(|(id, _)| *id).collect();
    let found = if whole && countable { reach(reader, &ask.scope, ask.kind, &names)? } else { None };
    let firsts = first_days(reader, ask.kind)?;
    let beginning = firsts.values().min().copied();
    if whole && found.is_none() {
        let why = "the period holds too many calls to count the sessions and people of a tool; narrow it";
        partial = partial.or_else(|| Some(why.to_owned()));
    }
    let mut rows: Vec<ToolRow> = rows
        .into_iter()
        .map(|(id, mut row)| {
            let reach = found.as_ref().map(|found| found.get(&id).copied().unwrap_or_default());
            row.sessions = reach.map(|r| r.sessions);
            row.people = reach.map(|r| r.people);
            // What was there on the first day of all data began nobody knows when.
            let first = firsts.get(&id).copied().filter(|day| Some(*day) != beginning);
            row.first_at = first.map(|day| Timestamp::from_micros(day * DAY_US));
            row
        })
        .collect();
    if whole && ask.kind == Kind::ToolCall {
        describe(reader, ask, &mut rows)?;
    }
    let from = ask.scope.period.from;
    rows.retain(|row| fits(row, ask.preset, from));
    let asked = ask.sort.as_deref().unwrap_or_else(|| ask.preset.order());
    let (name, down) = asked.strip_prefix('-').map_or((asked, false), |name| (name, true));
    let code = SORTS.iter().position(|n| *n == name).ok_or_else(|| {
        StoreError::BadQuestion(format!("tools cannot be sorted by {name:?}; use {}", SORTS.join(", ")))
    })?;
    rows.sort_by(|a, b| {
        let order = compare(a, b, name);
        if down { order.reverse() } else { order }.then_with(|| a.name.cmp(&b.name))
    });
    let mut page = sorted_page(rows, &ask.page, code as u8 * 2 + u8::from(down), partial)?;
    if whole && ask.kind != Kind::ToolCall {
        contents::describe(reader, &ask.scope, ask.kind, &mut page.items)?;
    }
    Ok(page)
}

fn fits(row: &ToolRow, preset: ToolPreset, from: Timestamp) -> bool {
    let signals = row.signals.as_ref();
    match preset {
        ToolPreset::All => true,
        ToolPreset::Failing => row.calls.finished >= RANKED && row.calls.failed > 0,
        ToolPreset::Slow => row.calls.p95_us.is_some(),
        ToolPreset::Heavy => signals.is_some_and(|s| s.weight.p50.is_some()),
        ToolPreset::Dead => row.standing == Standing::Listed && row.calls.calls == 0,
        ToolPreset::Confusing => {
            let first =
                signals.filter(|s| s.attempts.chains >= RANKED).and_then(|s| s.attempts.first_share());
            row.standing == Standing::Unlisted || first.is_some_and(|share| share < CONFUSING)
        }
        ToolPreset::New => row.first_at.is_some_and(|at| at >= from),
    }
}

fn compare(a: &ToolRow, b: &ToolRow, name: &str) -> std::cmp::Ordering {
    let rate = |share: Option<f64>| share.unwrap_or(-1.0);
    let first = |r: &ToolRow| r.signals.as_ref().and_then(|s| s.attempts.first_share());
    let repeats = |r: &ToolRow| r.signals.as_ref().map(|s| s.repeats);
    let result = |r: &ToolRow| r.signals.as_ref().and_then(|s| s.weight.p95.or(s.weight.p50));
    match name {
        "calls" => a.calls.calls.cmp(&b.calls.calls),
        "failed" => rate(a.calls.failed_share()).total_cmp(&rate(b.calls.failed_share())),
        "p50" => a.calls.p50_us.cmp(&b.calls.p50_us),
        "p95" => a.calls.p95_us.cmp(&b.calls.p95_us),
        "last" => a.last_at.cmp(&b.last_at),
        "sessions" => a.sessions.cmp(&b.sessions),
        "people" => a.people.cmp(&b.people),
        "first_try" => rate(first(a)).total_cmp(&rate(first(b))),
        "repeats" => repeats(a).cmp(&repeats(b)),
        "definition" => a.definition_tokens.cmp(&b.definition_tokens),
        "result" => result(a).cmp(&result(b)),
        _ => a.name.cmp(&b.name),
    }
}

/// Adds what the newest calls and the listings tell, and the tools that were listed alone.
fn describe(reader: &Reader, ask: &ToolsAsk, rows: &mut Vec<ToolRow>) -> Result<()> {
    let told = signals::signals(reader, &ask.scope)?;
    let mut told: HashMap<String, _> = told.tools.into_iter().map(|t| (t.tool.clone(), t)).collect();
    let listing = catalog::listing(reader, &ask.scope)?;
    for row in rows.iter_mut() {
        row.signals = told.remove(&row.name);
        row.definition_tokens = listing.tokens.get(&row.name).copied();
        row.standing = match &listing.names {
            Some(names) if names.contains(&row.name) => Standing::Listed,
            Some(_) if !row.name.is_empty() => Standing::Unlisted,
            Some(_) | None => Standing::Untold,
        };
    }
    // A filter may choose calls; a tool that has none of those was not unused.
    if !ask.scope.filter.is_empty() {
        return Ok(());
    }
    let called: BTreeSet<&str> = rows.iter().map(|r| r.name.as_str()).collect();
    let buckets = rows.first().map_or(0, |r| r.trend.len());
    let silent: Vec<ToolRow> = listing
        .tokens
        .iter()
        .filter(|(name, _)| !called.contains(name.as_str()))
        .map(|(name, tokens)| ToolRow {
            name: name.clone(),
            calls: Default::default(),
            sessions: Some(0),
            people: Some(0),
            trend: vec![0; buckets],
            last_at: None,
            first_at: None,
            signals: None,
            definition_tokens: Some(*tokens),
            standing: Standing::Listed,
            content: None,
        })
        .collect();
    rows.extend(silent);
    Ok(())
}

/// The first day of everything of a kind, by the number of its name.
fn first_days(reader: &Reader, kind: Kind) -> Result<HashMap<i64, i64>> {
    let mut statement = reader.conn.prepare_cached(sql!("rollup.first"))?;
    let rows = statement.query_map((DAYS, kind.code()), |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
