//! Signals of a scope: the newest calls, put back into their sessions, and given to the folds of `core::metric` that define
//! them (INV-05). No payload is read: what a repeat needs was kept with the row.

use std::collections::HashMap;

use rusqlite::params_from_iter;
use trackway_core::catalog::schema::nearest;
use trackway_core::chain::{self, CallView};
use trackway_core::metric::health::{self, SessionView};
use trackway_core::metric::{attempts, percentile, repeats};
use trackway_event::event::Flags;
use trackway_event::{Status, Timestamp};

use super::figures::texts;
use super::filter_sql::{self, Target};
use super::recent::{Call, newest_calls};
use super::{Reader, Sql};
use crate::Result;
use crate::query::{
    Attempts, Ending, Mark, Mixed, NEIGHBOURS, Neighbours, Scope, Signals, ToolSignals, UnknownTool,
    WARNING_SESSIONS, Warning, Weight,
};
use crate::sqlite::cache::Map;
use crate::sqlite::control::sql;

/// Stands for the beginning or end of a session; no name has it.
const EDGE: i64 = i64::MIN;
/// Names without a tool that are shown.
const UNKNOWN: usize = 50;

/// Calls of one session as rows give them, tools by number.
#[derive(Default)]
pub(super) struct Calls(Vec<(Digits, Mark, Option<i64>)>);

/// A number as text, without asking for memory: the folds tell tools apart by their names.
struct Digits {
    text: [u8; 20],
    from: usize,
}

impl Digits {
    fn of(number: i64) -> Self {
        let mut all = Self { text: [b'0'; 20], from: 20 };
        // Row numbers are none below zero.
        let mut left = number.unsigned_abs();
        for (place, digit) in all.text.iter_mut().enumerate().rev() {
            if left == 0 && place < 19 {
                break;
            }
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
            all.from = place;
        }
        all
    }

    fn as_str(&self) -> &str {
        self.text.get(self.from..).and_then(|digits| str::from_utf8(digits).ok()).unwrap_or_default()
    }
}

impl Calls {
    /// Adds a logical call.
    pub(super) fn add(&mut self, tool: i64, mark: Mark, flags: Flags, repeat: Option<i64>) {
        let status = mark.status.filter(|s| !(flags.declared_error && s.failed()));
        self.0.push((Digits::of(tool), Mark { status, ..mark }, repeat));
    }

    /// As the folds want them.
    pub(super) fn views<'a>(&'a self) -> Vec<CallView<'a>> {
        let view = |(tool, mark, repeat): &'a (Digits, Mark, Option<i64>)| CallView {
            tool: tool.as_str(),
            started_at: mark.started_at,
            duration_us: mark.duration_us,
            status: mark.status,
            repeat: *repeat,
        };
        self.0.iter().map(view).collect()
    }
}

/// What one tool's calls add up to.
#[derive(Default)]
struct Tool {
    signals: ToolSignals,
    tokens: Vec<u64>,
    unknown: u64,
    unknown_sessions: u64,
}

/// What the newest calls of a scope tell.
pub(in crate::sqlite) fn signals(reader: &Reader, scope: &Scope) -> Result<Signals> {
    fold(reader, scope, None, &mut |_| {})
}

/// The same, of sessions with a call of this tool `only`, if one is given; `each` is given the calls of every session, in order.
fn fold(
    reader: &Reader,
    scope: &Scope,
    only: Option<i64>,
    each: &mut dyn FnMut(&[&Call]),
) -> Result<Signals> {
    let mut all = Signals::default();
    let newest = newest_calls(reader, scope)?;
    let (mut models, mut protocols): (Map<i64, u64>, Map<i64, u64>) = Default::default();
    for call in newest.as_slice() {
        all.calls += 1;
        *models.entry(call.model).or_default() += 1;
        *protocols.entry(call.protocol).or_default() += 1;
    }
    let mut sessions = newest.by_session();
    if let Some(tool) = only {
        sessions.retain(|calls| calls.iter().any(|call| call.tool == tool));
    }
    all.sessions = sessions.len() as u64;
    let mut tools: Map<i64, Tool> = Map::default();
    let (mut first_calls, mut first_us) = (Vec::new(), Vec::new());
    let mut endings: HashMap<&str, (Ending, u64)> = HashMap::new();
    for rows in &sessions {
        each(rows);
        let mut calls = Calls::default();
        rows.iter().for_each(|r| calls.add(r.tool, r.mark, r.flags, r.repeat));
        let views = calls.views();
        let (chains, loops) = (chain::chains(&views), repeats::loops(&views));
        for chain in &chains {
            let one = Attempts::of(chain, &views);
            all.attempts.merge(one);
            if let Some(row) = chain.calls.first().and_then(|i| rows.get(*i)) {
                all.minutes.entry(minute_of(row.mark.started_at)).or_default().merge(one);
                tools.entry(row.tool).or_default().signals.attempts.merge(one);
            }
        }
        let ending = chain::ending_of(&views, &chains, &loops);
        endings.entry(ending.as_str()).or_insert((ending, 0)).1 += 1;
        for (row, repeated) in rows.iter().zip(repeats::repeats(&views)) {
            all.repeats += u64::from(repeated);
            tools.entry(row.tool).or_default().signals.repeats += u64::from(repeated);
        }
        all.looping += u64::from(!loops.is_empty());
        let mut looping: Vec<i64> =
            loops.iter().flat_map(|l| &l.calls).filter_map(|i| rows.get(*i)).map(|r| r.tool).collect();
        let mut unknown: Vec<i64> = rows.iter().filter(|r| r.flags.unknown_tool).map(|r| r.tool).collect();
        for (list, is_loop) in [(&mut looping, true), (&mut unknown, false)] {
            list.sort_unstable();
            list.dedup();
            for tool in list {
                let tool = tools.entry(*tool).or_default();
                *(if is_loop { &mut tool.signals.looping } else { &mut tool.unknown_sessions }) += 1;
            }
        }
        let start = views.iter().map(|v| v.started_at).min().unwrap_or(Timestamp::ZERO);
        if let Some(first) = attempts::first_success(start, &views) {
            first_calls.push(first.call);
            first_us.push(first.after_us);
        }
        for row in rows {
            let tool = tools.entry(row.tool).or_default();
            tool.signals.calls += 1;
            tool.unknown += u64::from(row.flags.unknown_tool);
            tool.tokens.extend(row.tokens_out.filter(|_| row.mark.status == Some(Status::Ok)));
        }
    }
    first_calls.sort_unstable();
    first_us.sort_unstable();
    all.successful = first_calls.len() as u64;
    all.first_success_call = percentile(&first_calls, 0.5);
    all.first_success_us = percentile(&first_us, 0.5);
    all.partial = newest.partial.clone();
    all.endings = endings.into_values().collect();
    all.endings.sort_by_key(|(ending, n)| (std::cmp::Reverse(*n), ending.as_str()));
    all.models = mix(reader, models)?;
    all.protocols = mix(reader, protocols)?;
    named(reader, tools, &mut all)?;
    Ok(all)
}

/// What most calls say of themselves, then those that say nothing.
fn mix(reader: &Reader, counts: Map<i64, u64>) -> Result<Vec<Mixed>> {
    let names = texts(reader, &counts.keys().copied().filter(|id| *id != 0).collect())?;
    let mut all: Vec<Mixed> =
        counts.into_iter().map(|(id, calls)| Mixed { name: names.get(&id).cloned(), calls }).collect();
    all.sort_by(|a, b| {
        let size = a.name.is_none().cmp(&b.name.is_none()).then(b.calls.cmp(&a.calls));
        size.then_with(|| a.name.cmp(&b.name))
    });
    Ok(all)
}

/// The minute a time lies in.
fn minute_of(at: Timestamp) -> Timestamp {
    at.plus_micros(-at.micros().rem_euclid(60_000_000))
}

/// What the newest calls tell of one tool, and what comes before and after it. Its chains may lead through others, so all are
/// looked at.
pub(super) fn of_tool(
    reader: &Reader,
    scope: &Scope,
    id: i64,
    name: &str,
) -> Result<(ToolSignals, Neighbours)> {
    let (mut before, mut after): (HashMap<i64, u64>, HashMap<i64, u64>) = Default::default();
    let all = fold(reader, scope, Some(id), &mut |rows| {
        for (i, _) in rows.iter().enumerate().filter(|(_, r)| r.tool == id) {
            let tool = |at: Option<usize>| at.and_then(|at| rows.get(at)).map_or(EDGE, |r| r.tool);
            *before.entry(tool(i.checked_sub(1))).or_default() += 1;
            *after.entry(tool(i.checked_add(1))).or_default() += 1;
        }
    })?;
    let names = texts(reader, &before.keys().chain(after.keys()).copied().collect())?;
    let told = |counts: HashMap<i64, u64>| {
        let name = |id: i64| match id {
            EDGE => String::new(),
            id => names.get(&id).cloned().unwrap_or_else(|| "(no name)".to_owned()),
        };
        let mut told: Vec<(String, u64)> = counts.into_iter().map(|(id, n)| (name(id), n)).collect();
        told.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        told.truncate(NEIGHBOURS);
        told
    };
    let neighbours = Neighbours { before: told(before), after: told(after) };
    Ok((all.tools.into_iter().find(|t| t.tool == name).unwrap_or_default(), neighbours))
}

/// Tools by name, and names that no tool has.
fn named(reader: &Reader, tools: Map<i64, Tool>, all: &mut Signals) -> Result<()> {
    let names = texts(reader, &tools.keys().copied().collect())?;
    let mut unknown = Vec::new();
    for (id, mut tool) in tools {
        let name = names.get(&id).cloned().unwrap_or_default();
        if tool.unknown > 0 {
            unknown.push((name.clone(), tool.unknown, tool.unknown_sessions));
        }
        tool.signals.tool = name;
        tool.signals.weight = Weight::of(std::mem::take(&mut tool.tokens));
        all.tools.push(tool.signals);
    }
    all.tools.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.tool.cmp(&b.tool)));
    let real: Vec<&String> =
        all.tools.iter().map(|t| &t.tool).filter(|t| !unknown.iter().any(|(n, ..)| n == *t)).collect();
    let mut unknown: Vec<UnknownTool> = unknown
        .into_iter()
        .map(|(name, calls, sessions)| {
            let nearest = nearest(&name, real.iter().copied());
            UnknownTool { name, calls, sessions, nearest }
        })
        .collect();
    unknown.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.name.cmp(&b.name)));
    unknown.truncate(UNKNOWN);
    all.unknown = unknown;
    Ok(())
}

/// What is wrong with the data of a scope, judged by its newest sessions.
pub(in crate::sqlite) fn warnings(reader: &Reader, scope: &Scope) -> Result<Vec<Warning>> {
    let mut sql = Sql::new(sql!("session.health"));
    sql.push(" AND s.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND s.started_at < ").bind(scope.period.to.micros());
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Sessions)?;
    sql.push(" ORDER BY s.started_at DESC LIMIT ").bind(WARNING_SESSIONS as i64);
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    type Found = (i64, i64, i64, Option<String>, Option<String>);
    let rows = statement.query_map(params_from_iter(&sql.values), |r| {
        Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
    })?;
    let rows: Vec<Found> = rows.collect::<rusqlite::Result<_>>()?;
    let views: Vec<SessionView<'_>> = rows
        .iter()
        .map(|(started_us, last_us, calls, person, client)| SessionView {
            started_us: *started_us,
            last_us: *last_us,
            calls: *calls as u64,
            person: person.as_deref(),
            client: client.as_deref(),
        })
        .collect();
    Ok(health::warnings(&views))
}
