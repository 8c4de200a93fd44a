//! One tool looked at closely: its newest calls one by one, and its definitions listing by listing (dashboard §7.5).
//!
//! Bounded by the newest [`CLOSE_CALLS`] calls of the tool and by [`LISTINGS`]. Called by the question for one tool; what
//! an example is, a matter and a new name are defined in `core` (INV-05).

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use rusqlite::{OptionalExtension, params_from_iter};
use trackway_core::catalog::Tool;
use trackway_core::catalog::diff::diff;
use trackway_core::catalog::rename::renames;
use trackway_core::cluster;
use trackway_core::metric::examples::{self, Ended, Told};
use trackway_event::event::Flags;
use trackway_event::{ActorId, Kind, Status, Timestamp};

use super::catalog::definitions;
use super::figures::{self, Sum, Want, texts};
use super::filter_sql::{self, Target};
use super::people::Moved;
use super::{Reader, Sql, event};
use crate::Result;
use crate::query::{
    ActorRef, CALLERS, CLOSE_CALLS, CallFigures, Caller, Closely, Definition, EventRow, Renamed, Scope,
    TOOL_INTENTS, ToolIntent, ToolStory,
};
use crate::sqlite::control::sql;

/// Newest listings whose definitions are looked at.
const LISTINGS: usize = 40;

/// One call.
struct Call {
    seq: i64,
    told: Option<Told>,
    model: i64,
    person: i64,
    intent: Option<String>,
}

/// What the newest calls of a tool in a scope tell.
pub(super) fn closely(reader: &Reader, scope: &Scope, tool: i64) -> Result<Closely> {
    let calls = read(reader, scope, tool)?;
    let finished: Vec<(i64, Told)> = calls.iter().filter_map(|c| Some((c.seq, c.told?))).collect();
    let told: Vec<Told> = finished.iter().map(|(_, told)| *told).collect();
    let chosen = examples::examples(&told);
    let seqs: Vec<i64> = chosen.iter().filter_map(|(_, i)| Some(finished.get(*i)?.0)).collect();
    let rows = rows_of(reader, &seqs)?;
    let shown =
        chosen.iter().zip(&seqs).filter_map(|((example, _), seq)| Some((*example, rows.get(seq)?.clone())));
    let (intents, matters) = matters(&calls);
    Ok(Closely {
        calls: calls.len() as u64,
        models: models(reader, &calls)?,
        people: people(reader, &calls)?,
        intents,
        matters,
        examples: shown.collect(),
    })
}

fn read(reader: &Reader, scope: &Scope, tool: i64) -> Result<Vec<Call>> {
    let mut sql = Sql::new(sql!("event.closely"));
    let (from, to) = (scope.period.from.micros(), scope.period.to.micros());
    sql.values = vec![tool.into(), from.into(), to.into(), (CLOSE_CALLS as i64).into()];
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
    sql.push(" ORDER BY e.started_at DESC, e.seq DESC");
    let moved = Moved::read(reader)?;
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    let (mut calls, mut lone) = (Vec::new(), 0);
    while let Some(r) = rows.next()? {
        let status = r.get::<_, Option<u8>>(3)?.and_then(Status::from_code);
        let flags = Flags::from_bits(r.get(4)?);
        if flags.nested || flags.mrtr_open || status == Some(Status::InputRequired) {
            continue;
        }
        let ended = match status.filter(|s| !(flags.declared_error && s.failed())) {
            Some(Status::Ok) => Some(Ended::Well),
            Some(status) if status.failed() => Some(Ended::Failed(r.get(6)?)),
            Some(_) | None => None,
        };
        let session = r.get::<_, Option<i64>>(1)?.unwrap_or_else(|| {
            lone -= 1;
            lone
        });
        let mut person = vec![r.get::<_, Option<i64>>(8)?.unwrap_or(0)];
        moved.settle(&mut person);
        let took_us = r.get::<_, Option<i64>>(2)?.map(|us| us as u64);
        let tokens = r.get::<_, Option<i64>>(5)?.map(|n| n as u64);
        calls.push(Call {
            seq: r.get(0)?,
            told: ended.map(|ended| Told { session, ended, took_us, tokens }),
            model: r.get::<_, Option<i64>>(7)?.unwrap_or(0),
            person: person.first().copied().unwrap_or(0),
            intent: r.get(9)?,
        });
    }
    Ok(calls)
}

fn rows_of(reader: &Reader, seqs: &[i64]) -> Result<HashMap<i64, EventRow>> {
    let mut sql = Sql::new(sql!("event.row"));
    sql.push(" WHERE e.seq IN (");
    for (i, seq) in seqs.iter().enumerate() {
        sql.push(if i > 0 { ", " } else { "" }).bind(*seq);
    }
    sql.push(")");
    Ok(event::rows(&reader.conn, &sql)?.into_iter().map(|row| (row.seq as i64, row)).collect())
}

/// Calls told apart by a key, most calls first; those of key 0 last, and counted though they are no caller.
fn callers<K: Ord + Copy + Hash + Default>(calls: &[Call], key: impl Fn(&Call) -> K) -> Vec<(K, Caller<()>)> {
    let mut found: HashMap<K, Caller<()>> = HashMap::new();
    for call in calls {
        let one = found.entry(key(call)).or_insert(Caller { who: None, calls: 0, finished: 0, failed: 0 });
        one.calls += 1;
        one.finished += u64::from(call.told.is_some());
        one.failed += u64::from(call.told.is_some_and(|t| matches!(t.ended, Ended::Failed(_))));
    }
    let mut found: Vec<(K, Caller<()>)> = found.into_iter().collect();
    let nobody = |key: &K| *key == K::default();
    found.sort_by(|a, b| (nobody(&a.0), b.1.calls, a.0).cmp(&(nobody(&b.0), a.1.calls, b.0)));
    let named = found.iter().filter(|(key, _)| !nobody(key)).count();
    // The nobodies stand after the first few.
    if named > CALLERS {
        found.drain(CALLERS..named);
    }
    found
}

fn models(reader: &Reader, calls: &[Call]) -> Result<Vec<Caller<String>>> {
    let found = callers(calls, |c| c.model);
    let names = texts(reader, &found.iter().map(|(id, _)| *id).collect())?;
    let named = |(id, c): (i64, Caller<()>)| Caller {
        who: names.get(&id).cloned(),
        calls: c.calls,
        finished: c.finished,
        failed: c.failed,
    };
    Ok(found.into_iter().map(named).collect())
}

fn people(reader: &Reader, calls: &[Call]) -> Result<Vec<Caller<ActorRef>>> {
    let mut statement = reader.conn.prepare_cached(sql!("person.row"))?;
    let mut all = Vec::new();
    for (row, c) in callers(calls, |c| c.person) {
        let named: Option<(String, Option<String>)> =
            statement.query_row([row], |r| Ok((r.get(0)?, r.get(1)?))).optional()?;
        let who = named.and_then(|(id, name)| Some(ActorRef { id: ActorId::parse(&id)?.0, name }));
        all.push(Caller { who, calls: c.calls, finished: c.finished, failed: c.failed });
    }
    Ok(all)
}

/// What agents came for, and how many matters that is.
fn matters(calls: &[Call]) -> (Vec<ToolIntent>, u64) {
    let said: Vec<(&Call, &str)> = calls
        .iter()
        .filter_map(|c| Some((c, c.intent.as_deref().filter(|words| !words.trim().is_empty())?)))
        .collect();
    let sentences: Vec<&str> = said.iter().map(|(_, words)| *words).collect();
    let clusters = cluster::clusters(&sentences);
    let matters = clusters.len() as u64;
    let shown = clusters.into_iter().take(TOOL_INTENTS).map(|cluster| {
        let told: Vec<Option<Told>> =
            cluster.members.iter().filter_map(|i| said.get(*i)).map(|(call, _)| call.told).collect();
        ToolIntent {
            phrase: cluster.name,
            calls: told.len() as u64,
            finished: told.iter().flatten().count() as u64,
            failed: told.iter().flatten().filter(|t| matches!(t.ended, Ended::Failed(_))).count() as u64,
        }
    });
    (shown.collect(), matters)
}

/// One listing of the server at hand.
struct Listing {
    hash: String,
    first: Timestamp,
    tools: Vec<Tool>,
}

/// The definitions of a tool listing by listing, and its other names.
pub(super) fn story(reader: &Reader, scope: &Scope, name: &str) -> Result<ToolStory> {
    let listings = listings(reader, name)?;
    let mut story = ToolStory::default();
    let mut before: Option<&Tool> = None;
    for listing in &listings {
        let Some(tool) = listing.tools.iter().find(|t| t.name == name) else { continue };
        let alone = |tool: &Tool| vec![tool.clone()];
        let changes = before.map(|old| diff(&alone(old), &alone(tool)));
        if before.is_none() || changes.as_ref().is_some_and(|c| !c.is_empty()) {
            story.definitions.push(Definition {
                catalog: listing.hash.clone(),
                first_seen: listing.first,
                tokens: tool.tokens().into(),
                changes: changes.unwrap_or_default(),
            });
        }
        before = Some(tool);
    }
    story.definitions.reverse();
    story.description = before.map(|tool| tool.description.clone()).filter(|words| !words.is_empty());
    let has = |listing: &&Listing| listing.tools.iter().any(|t| t.name == name);
    let (first, last) = (listings.iter().position(|l| has(&l)), listings.iter().rposition(|l| has(&l)));
    let pair = |newer: usize| listings.get(newer.checked_sub(1)?).zip(listings.get(newer));
    if let Some((old, new)) = first.and_then(pair)
        && let Some(rename) = renames(&old.tools, &new.tools).into_iter().find(|r| r.to == name)
    {
        story.was = Some(renamed(reader, scope, rename.from, new.first)?);
    }
    if let Some((old, new)) = last.and_then(|last| pair(last + 1)) {
        story.gone = Some(new.first);
        if let Some(rename) = renames(&old.tools, &new.tools).into_iter().find(|r| r.from == name) {
            story.became = Some(renamed(reader, scope, rename.to, new.first)?);
        }
    }
    Ok(story)
}

/// The newest listings of the server that listed the tool last, oldest first.
fn listings(reader: &Reader, name: &str) -> Result<Vec<Listing>> {
    let mut statement = reader.conn.prepare_cached(sql!("catalog.all"))?;
    let rows = statement.query_map([], |r| r.get::<_, i64>(0))?;
    let rows: Vec<i64> = rows.take(LISTINGS).collect::<rusqlite::Result<_>>()?;
    let mut server = reader.conn.prepare_cached(sql!("catalog.server"))?;
    let mut found = Vec::new();
    for row in rows {
        let (hash, tools, first) = definitions(reader, row)?;
        let by: Option<Option<String>> = server.query_row([row], |r| r.get(0)).optional()?;
        if let Some(tools) = tools {
            found.push((by.flatten(), Listing { hash, first: Timestamp::from_micros(first), tools }));
        }
    }
    let own: BTreeSet<Option<String>> = found
        .iter()
        .find(|(_, listing)| listing.tools.iter().any(|t| t.name == name))
        .map(|(by, _)| by.clone())
        .into_iter()
        .collect();
    found.retain(|(by, _)| own.contains(by));
    let mut found: Vec<Listing> = found.into_iter().map(|(_, listing)| listing).collect();
    found.sort_by(|a, b| a.first.cmp(&b.first).then_with(|| a.hash.cmp(&b.hash)));
    Ok(found)
}

fn renamed(reader: &Reader, scope: &Scope, name: String, at: Timestamp) -> Result<Renamed> {
    let mut sum = Sum::default();
    if let Some(id) = figures::name_of(reader, &name)? {
        // What is missing here is missing from the tool's own figures too.
        let _cut =
            figures::visit(reader, scope, Want::Tool(Kind::ToolCall, id), None, |item| sum.add(&item.cell))?;
    }
    let calls: CallFigures = sum.figures();
    Ok(Renamed { name, at, calls })
}
