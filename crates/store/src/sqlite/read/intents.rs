//! Intents of a scope, clustered by their words ([`trackway_core::cluster`]): the newest calls are looked at, newest first, so
//! that a failed call has already seen whether its tool worked later on.

use std::collections::{HashMap, HashSet};

use rusqlite::params_from_iter;
use trackway_core::cluster;
use trackway_event::event::Flags;
use trackway_event::{EventId, IntentSource, Kind, SessionId, Status, Timestamp};

use super::figures::texts;
use super::filter_sql::{self, Target};
use super::span::Buckets;
use super::{CUT_SHORT, Reader, Sql};
use crate::query::{Coverage, INTENT_CALLS, INTENT_ROWS, IntentRow, Intents, Scope};
use crate::sqlite::commit::Counted;
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// One call that said why.
struct Said {
    id: EventId,
    session: Option<SessionId>,
    row: Option<i64>,
    tool: i64,
    finished: bool,
    failed: bool,
    recovered: bool,
    at: Timestamp,
}

/// What agents came for.
pub(in crate::sqlite) fn intents(reader: &Reader, scope: &Scope) -> Result<Intents> {
    let mut all = Intents::default();
    let (mut said, mut sentences) = (Vec::new(), Vec::new());
    let buckets = Buckets::of(scope);
    all.coverage = (0..buckets.count())
        .map(|i| {
            let (start, end) = buckets.bounds(i);
            Coverage { start, end, ..Coverage::default() }
        })
        .collect();
    let (coverage, given, inherited, inferred) =
        (&mut all.coverage, &mut all.given, &mut all.inherited, &mut all.inferred);
    all.partial = read(reader, scope, &mut all.calls, &mut said, &mut sentences, |start, source| {
        let mut none = Coverage::default();
        let one = buckets.place(start).and_then(|i| coverage.get_mut(i)).unwrap_or(&mut none);
        one.calls += 1;
        match source {
            None => {}
            Some(IntentSource::Given) => (*given, one.given) = (*given + 1, one.given + 1),
            Some(IntentSource::Inherited) => {
                (*inherited, one.inherited) = (*inherited + 1, one.inherited + 1)
            }
            Some(IntentSource::Inferred) => (*inferred, one.inherited) = (*inferred + 1, one.inherited + 1),
        }
    })?;
    let clusters = cluster::clusters(&sentences);
    let names = texts(reader, &said.iter().map(|s: &Said| s.tool).collect())?;
    all.rows = clusters
        .into_iter()
        .take(INTENT_ROWS)
        .filter_map(|cluster| {
            let calls: Vec<&Said> = cluster.members.iter().filter_map(|i| said.get(*i)).collect();
            let phrases: HashSet<&str> =
                cluster.members.iter().filter_map(|i| sentences.get(*i)).map(|s| s.trim()).collect();
            row(cluster.name, phrases.len() as u64, &calls, &names)
        })
        .collect();
    Ok(all)
}

fn read(
    reader: &Reader,
    scope: &Scope,
    looked_at: &mut u64,
    said: &mut Vec<Said>,
    sentences: &mut Vec<String>,
    mut count: impl FnMut(i64, Option<IntentSource>),
) -> Result<Option<String>> {
    let mut sql = Sql::new(sql!("event.said"));
    sql.push(" AND e.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
    filter_sql::narrow(reader, &mut sql, &scope.filter)?;
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
    sql.push(" ORDER BY e.started_at DESC, e.seq DESC LIMIT ").bind(INTENT_CALLS as i64 + 1);
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    // Tools that worked later, by session.
    let mut worked: HashSet<(i64, i64)> = HashSet::new();
    loop {
        let r = match rows.next() {
            Ok(Some(r)) => r,
            Ok(None) => return filter_sql::cut_matches(reader, &scope.filter),
            Err(error) => match StoreError::from(error) {
                StoreError::Deadline => return Ok(Some(CUT_SHORT.to_owned())),
                other => return Err(other),
            },
        };
        let counted = Counted {
            kind: Kind::ToolCall,
            status: r.get::<_, Option<u8>>(3)?.and_then(Status::from_code),
            flags: Flags::from_bits(r.get(4)?),
            start: r.get(8)?,
            duration_us: None,
            tokens_in: 0,
            tokens_out: 0,
        };
        if !counted.is_call() {
            continue;
        }
        if *looked_at == INTENT_CALLS as u64 {
            return Ok(Some(format!(
                "only the newest {INTENT_CALLS} calls were looked at; narrow the period or the filter"
            )));
        }
        *looked_at += 1;
        let (row, tool): (Option<i64>, i64) = (r.get(2)?, r.get::<_, Option<i64>>(5)?.unwrap_or(0));
        let failed = counted.failed();
        let recovered = failed && row.is_some_and(|row| worked.contains(&(row, tool)));
        if counted.status == Some(Status::Ok)
            && let Some(row) = row
        {
            worked.insert((row, tool));
        }
        let Some(sentence) = r.get::<_, Option<String>>(6)?.filter(|s| !s.trim().is_empty()) else {
            count(counted.start, None);
            continue;
        };
        let source = r.get::<_, Option<u8>>(7)?.and_then(IntentSource::from_code);
        count(counted.start, Some(source.unwrap_or(IntentSource::Given)));
        let Some(id) = EventId::foreign(&r.get::<_, String>(0)?) else { continue };
        said.push(Said {
            id,
            session: r.get::<_, Option<String>>(1)?.and_then(|id| SessionId::foreign(&id)),
            row,
            tool,
            finished: failed || counted.status == Some(Status::Ok),
            failed,
            recovered,
            at: Timestamp::from_micros(counted.start),
        });
        sentences.push(sentence);
    }
}

fn row(phrase: String, phrases: u64, calls: &[&Said], names: &HashMap<i64, String>) -> Option<IntentRow> {
    // Calls are newest first.
    let newest = calls.first()?;
    let mut tools: HashMap<i64, u64> = HashMap::new();
    for call in calls {
        *tools.entry(call.tool).or_default() += 1;
    }
    let mut tools: Vec<(String, u64)> =
        tools.into_iter().map(|(id, n)| (names.get(&id).cloned().unwrap_or_default(), n)).collect();
    tools.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let count = |which: fn(&Said) -> bool| calls.iter().filter(|c| which(c)).count() as u64;
    Some(IntentRow {
        phrase,
        phrases,
        calls: calls.len() as u64,
        finished: count(|c| c.finished),
        failed: count(|c| c.failed),
        recovered: count(|c| c.recovered),
        sessions: calls.iter().filter_map(|c| c.row).collect::<HashSet<i64>>().len() as u64,
        tools,
        last_at: newest.at,
        newest: (newest.id.clone(), newest.session.clone()),
    })
}
