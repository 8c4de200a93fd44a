//! Listings of a scope: who saw which, what changed, what they cost, which tools nobody calls, and whether calls fit what was
//! shown. Definitions are kept once a listing; payloads of calls are read for a bounded number of the newest.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use rusqlite::{OptionalExtension, params_from_iter};
use serde_json::Value;
use trackway_core::catalog::diff::{Grade, diff};
use trackway_core::catalog::schema::{check as check_arguments, nearest};
use trackway_core::catalog::{self, Tool};
use trackway_core::metric::arguments::Arguments;
use trackway_event::{Kind, Status, Timestamp};

use super::filter_sql::{self, Target};
use super::payloads::Payloads;
use super::tools::tool_rows;
use super::{Reader, Sql, figures, ledger, peer, signals};
use crate::query::{
    Affected, ArgumentCheck, ArgumentFinding, ArgumentPlace, ArgumentUse, ArgumentValues, Around, CATALOGS,
    CHECKED_CALLS, CatalogRow, CatalogSize, Catalogs, Period, Release, Scope, ToolCost, UnlistedTool, Use,
    UsedArgument,
};
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// Bytes of a listing's definitions, inflated.
const BYTES: usize = 8 * 1024 * 1024;
/// Changed tools of one listing whose callers are looked for.
const AFFECTED: usize = 5;
/// How far back callers of a changed tool are looked for, µs.
const CALLERS_US: i64 = 30 * 86_400_000_000;
/// Sessions, or days, from which a tool nobody called is dead.
const DEAD_SESSIONS: u64 = 100;
const DEAD_US: i64 = 7 * 86_400_000_000;
/// Listings that are held against the time before them, and the longest time.
const RELEASES: usize = 2;
const RELEASE_US: i64 = 28 * 86_400_000_000;
/// How much later than the period before the first event may have been.
const DAY_SLACK_US: i64 = 86_400_000_000;
/// Newest listings that are looked at for what a tool takes now.
const NEWEST_LISTINGS: usize = 20;
/// Findings and unlisted names that are shown.
const SHOWN: usize = 50;

/// Everything about the listings of a scope.
pub(in crate::sqlite) fn catalogs(reader: &Reader, scope: &Scope) -> Result<Catalogs> {
    let mut all = Catalogs::default();
    let mut found = Vec::new();
    for (row, last, sessions, listings) in seen(reader, scope)? {
        let (hash, tools, first) = definitions(reader, row)?;
        let (servers, clients) = peers(reader, scope, row)?;
        let size = tools.as_deref().map(size);
        let item = CatalogRow {
            hash,
            first_seen: Timestamp::from_micros(first),
            last_seen: Timestamp::from_micros(last),
            sessions,
            listings,
            servers,
            clients,
            size,
            changes: Vec::new(),
            affected: Vec::new(),
            tokens_change: None,
            before: None,
            release: None,
        };
        found.push((item, tools));
    }
    found.sort_by(|(a, _), (b, _)| b.first_seen.cmp(&a.first_seen).then_with(|| a.hash.cmp(&b.hash)));
    all.sessions = sessions(reader, scope)?;
    compare(reader, &mut found)?;
    releases(reader, scope, &mut found)?;
    let (rows, partial) = tool_rows(reader, scope, Kind::ToolCall)?;
    all.partial = partial;
    let calls: HashMap<&str, u64> = rows.iter().map(|r| (r.name.as_str(), r.calls.calls)).collect();
    if let Some((newest, Some(tools))) = found.iter().find(|(_, tools)| tools.is_some()) {
        all.since = Some(newest.first_seen);
        let old = (reader.clock)().since(newest.first_seen) >= DEAD_US;
        all.tools = tools.iter().map(|t| cost(t, &calls, all.sessions, old)).collect();
        all.tools.sort_by(|a, b| b.tokens.cmp(&a.tokens).then_with(|| a.name.cmp(&b.name)));
    }
    // Where one listing is not known whole, nobody can tell what is in none.
    if !found.is_empty() && found.iter().all(|(_, tools)| tools.is_some()) {
        let listed: BTreeSet<&str> =
            found.iter().filter_map(|(_, t)| t.as_ref()).flatten().map(|t| t.name.as_str()).collect();
        all.unlisted = calls
            .iter()
            .filter(|(name, n)| **n > 0 && !name.is_empty() && !listed.contains(*name))
            .map(|(name, calls)| UnlistedTool {
                name: (*name).to_owned(),
                calls: *calls,
                nearest: nearest(name, listed.iter()),
            })
            .collect();
        all.unlisted.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.name.cmp(&b.name)));
        all.unlisted.truncate(SHOWN);
    }
    all.items = found.into_iter().map(|(item, _)| item).collect();
    Ok(all)
}

/// The newest listing that is known whole: when it was first seen, and how large it is.
pub(super) fn newest(reader: &Reader) -> Result<Option<(Timestamp, CatalogSize)>> {
    let mut statement = reader.conn.prepare_cached(sql!("catalog.all"))?;
    let row: Option<i64> = statement.query_row([], |r| r.get(0)).optional()?;
    let Some(row) = row else { return Ok(None) };
    let (_, tools, first) = definitions(reader, row)?;
    Ok(tools.map(|tools| (Timestamp::from_micros(first), size(&tools))))
}

/// The definitions of a listing, as they came.
pub(in crate::sqlite) fn tools_of(reader: &Reader, hash: &str) -> Result<Option<String>> {
    let mut statement = reader.conn.prepare_cached(sql!("catalog.by_hash"))?;
    let data: Option<Option<Vec<u8>>> = statement.query_row([hash], |r| r.get(0)).optional()?;
    data.flatten().map(|data| text_of(&data)).transpose()
}

/// What the listings of a scope say of tools.
#[derive(Default)]
pub(super) struct Listing {
    /// Estimated tokens of each definition of the newest listing.
    pub(super) tokens: HashMap<String, u64>,
    /// Every listed name; `None` where some listing is not known whole, or none was seen.
    pub(super) names: Option<BTreeSet<String>>,
}

/// Names and sizes of the tools that were listed in a scope.
pub(super) fn listing(reader: &Reader, scope: &Scope) -> Result<Listing> {
    let mut listing = Listing::default();
    let mut names = BTreeSet::new();
    let (mut whole, mut newest) = (true, i64::MIN);
    for (row, ..) in seen(reader, scope)? {
        let (_, tools, first) = definitions(reader, row)?;
        let Some(tools) = tools else {
            whole = false;
            continue;
        };
        if first > newest {
            newest = first;
            listing.tokens = tools.iter().map(|t| (t.name.clone(), u64::from(t.tokens()))).collect();
        }
        names.extend(tools.into_iter().map(|t| t.name));
    }
    listing.names = Some(names).filter(|names| whole && !names.is_empty());
    Ok(listing)
}

/// Row, last sighting, sessions and sightings of each listing of a scope, the newest.
fn seen(reader: &Reader, scope: &Scope) -> Result<Vec<(i64, i64, u64, u64)>> {
    let mut sql = Sql::new(sql!("catalog.seen"));
    if !scope.filter.is_empty() {
        sql.push(" LEFT JOIN session s ON s.row = e.session");
    }
    sql.push(" WHERE e.catalog IS NOT NULL AND e.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
    sql.push(" GROUP BY e.catalog ORDER BY 2 DESC LIMIT ").bind(CATALOGS as i64);
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    let rows = statement.query_map(params_from_iter(&sql.values), |r| {
        Ok((r.get(0)?, r.get(1)?, r.get::<_, i64>(2)? as u64, r.get::<_, i64>(3)? as u64))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Sessions of a scope that saw any listing.
fn sessions(reader: &Reader, scope: &Scope) -> Result<u64> {
    let mut sql = Sql::new("SELECT count(DISTINCT e.session) FROM event e INDEXED BY event_catalog");
    if !scope.filter.is_empty() {
        sql.push(" LEFT JOIN session s ON s.row = e.session");
    }
    sql.push(" WHERE e.catalog IS NOT NULL AND e.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    Ok(statement.query_row(params_from_iter(&sql.values), |r| r.get::<_, i64>(0))? as u64)
}

/// Hash, definitions and first sighting of a listing.
pub(super) fn definitions(reader: &Reader, row: i64) -> Result<(String, Option<Vec<Tool>>, i64)> {
    let mut statement = reader.conn.prepare_cached(sql!("catalog.row"))?;
    let (hash, data, first): (String, Option<Vec<u8>>, Option<i64>) =
        statement.query_row([row], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    let tools = match data {
        Some(data) => Some(catalog::tools(&text_of(&data)?)),
        None => None,
    };
    Ok((hash, tools, first.unwrap_or(0)))
}

fn text_of(data: &[u8]) -> Result<String> {
    let damaged = || StoreError::Corrupt {
        path: Default::default(),
        reason: "the definitions of a listing cannot be read".into(),
    };
    let bytes = zstd::bulk::decompress(data, BYTES).map_err(|_| damaged())?;
    String::from_utf8(bytes).map_err(|_| damaged())
}

fn peers(reader: &Reader, scope: &Scope, row: i64) -> Result<(Vec<trackway_event::Peer>, Vec<String>)> {
    let mut statement = reader.conn.prepare_cached(sql!("catalog.peers"))?;
    let mut rows = statement.query((row, scope.period.from.micros(), scope.period.to.micros()))?;
    let (mut servers, mut clients) = (BTreeSet::new(), BTreeSet::new());
    while let Some(r) = rows.next()? {
        servers.extend(peer(r.get(0)?, r.get(1)?));
        clients.extend(r.get::<_, Option<String>>(2)?);
    }
    Ok((servers.into_iter().rev().collect(), clients.into_iter().collect()))
}

fn size(tools: &[Tool]) -> CatalogSize {
    CatalogSize {
        tools: tools.len() as u64,
        bytes: tools.iter().map(|t| t.bytes as u64).sum(),
        tokens: tools.iter().map(|t| u64::from(t.tokens())).sum(),
    }
}

fn cost(tool: &Tool, calls: &HashMap<&str, u64>, sessions: u64, old: bool) -> ToolCost {
    let calls = calls.get(tool.name.as_str()).copied().unwrap_or(0);
    let use_ = match calls {
        0 if sessions >= DEAD_SESSIONS || old => Use::Dead,
        0 => Use::Unused,
        n if sessions >= DEAD_SESSIONS && n * 100 < sessions => Use::Rare,
        _ => Use::Used,
    };
    ToolCost {
        name: tool.name.clone(),
        bytes: tool.bytes as u64,
        description_bytes: tool.description_bytes as u64,
        schema_bytes: tool.schema_bytes as u64,
        tokens: tool.tokens().into(),
        calls,
        use_,
    }
}

/// Holds every listing against the one of the same server before it.
fn compare(reader: &Reader, found: &mut [(CatalogRow, Option<Vec<Tool>>)]) -> Result<()> {
    for at in 0..found.len() {
        let (changes, tokens, affected, before) = {
            let Some((item, Some(tools))) = found.get(at) else { continue };
            let server = item.servers.first().map(|s| &s.name);
            let before =
                found.iter().skip(at + 1).find(|(b, _)| b.servers.first().map(|s| &s.name) == server);
            let Some((before, Some(old))) = before else { continue };
            let changes = diff(old, tools);
            let tokens = size(tools).tokens as i64 - size(old).tokens as i64;
            let mut broken: Vec<&str> =
                changes.iter().filter(|c| c.grade == Grade::Breaking).map(|c| c.tool.as_str()).collect();
            broken.dedup();
            let mut affected = Vec::new();
            for name in broken.into_iter().take(AFFECTED) {
                let old = old.iter().find(|t| t.name == name);
                let new = tools.iter().find(|t| t.name == name);
                affected.extend(callers(reader, name, old, new, item.first_seen)?);
            }
            (changes, tokens, affected, before.hash.clone())
        };
        if let Some((item, _)) = found.get_mut(at) {
            item.changes = changes;
            item.tokens_change = Some(tokens);
            item.affected = affected;
            item.before = Some(before);
        }
    }
    Ok(())
}

/// Sets what happened since the newest listings came beside what happened on the same weekdays before.
fn releases(reader: &Reader, scope: &Scope, found: &mut [(CatalogRow, Option<Vec<Tool>>)]) -> Result<()> {
    let mut until = scope.period.to.min((reader.clock)());
    let first = ledger::first_event_at(reader)?;
    let mut done = 0;
    for (item, _) in found {
        let from = item.first_seen;
        let next = std::mem::replace(&mut until, from);
        if item.before.is_none() || done == RELEASES || from >= next {
            continue;
        }
        done += 1;
        let since = Period { from, to: next.min(from.plus_micros(RELEASE_US)) };
        let past = since.weeks_before();
        // Half a period says nothing of the other half.
        if first.is_none_or(|first| first > past.from.plus_micros(DAY_SLACK_US)) {
            continue;
        }
        let (after, before) = (around(reader, scope, since)?, around(reader, scope, past)?);
        item.release = Some(Release { since, until: past, after, before });
    }
    Ok(())
}

fn around(reader: &Reader, scope: &Scope, period: Period) -> Result<Around> {
    let scope = Scope { period, ..scope.clone() };
    let mut sum = figures::Sum::default();
    // What is missing here is missing from the scope too, and said there.
    let _cut = figures::visit(reader, &scope, figures::Want::Totals, None, |item| {
        if item.kind == Kind::ToolCall {
            sum.add(&item.cell);
        }
    })?;
    Ok(Around { calls: sum.figures(), attempts: signals::signals(reader, &scope)?.attempts })
}

/// Whose newest calls before a change its new definition would fail.
fn callers(
    reader: &Reader,
    name: &str,
    old: Option<&Tool>,
    new: Option<&Tool>,
    at: Timestamp,
) -> Result<Option<Affected>> {
    let Some(id) = figures::name_of(reader, name)? else { return Ok(None) };
    let (mut checked, mut failing) = (0, 0);
    let (mut sessions, mut people) = (HashSet::new(), HashSet::new());
    let from = at.micros().saturating_sub(CALLERS_US);
    for call in calls_of(reader, id, (from, at.micros()), CHECKED_CALLS)? {
        checked += 1;
        let fits =
            |tool: Option<&Tool>| tool.is_some_and(|t| check_arguments(&t.input, &call.arguments).is_empty());
        if fits(old) && !fits(new) {
            failing += 1;
            sessions.extend(call.session);
            people.extend(call.person);
        }
    }
    let (sessions, people) = (sessions.len() as u64, people.len() as u64);
    Ok((checked > 0).then(|| Affected { tool: name.to_owned(), checked, failing, sessions, people }))
}

struct Call {
    session: Option<i64>,
    person: Option<i64>,
    status: Option<Status>,
    at: i64,
    arguments: Value,
}

/// The newest calls of a tool with their arguments.
fn calls_of(reader: &Reader, tool: i64, (from, to): (i64, i64), most: usize) -> Result<Vec<Call>> {
    let mut statement = reader.conn.prepare_cached(sql!("event.newest_of_tool"))?;
    let mut rows = statement.query((tool, from, to, most as i64))?;
    let mut payloads = Payloads::default();
    let mut calls = Vec::new();
    while let Some(r) = rows.next()? {
        // Payloads may have been removed by age; then nothing can be said of the call.
        let Some(arguments) = payloads.arguments(reader, (r.get(5)?, r.get(6)?, r.get(7)?))? else {
            continue;
        };
        calls.push(Call {
            session: r.get(0)?,
            person: r.get(1)?,
            status: r.get::<_, Option<u8>>(2)?.and_then(Status::from_code),
            at: r.get(4)?,
            arguments,
        });
    }
    Ok(calls)
}

/// A tool's newest calls against the definition their session was last shown, else the newest one before them (F-108).
pub(super) fn check(reader: &Reader, scope: &Scope, tool: i64, name: &str) -> Result<ArgumentCheck> {
    let mut check = ArgumentCheck::default();
    let mut statement = reader.conn.prepare_cached(sql!("catalog.all"))?;
    let known = statement.query_map([], |r| Ok((r.get(0)?, r.get::<_, Option<i64>>(1)?.unwrap_or(0))))?;
    let known: Vec<(i64, i64)> = known.collect::<rusqlite::Result<_>>()?;
    let (mut folded, mut invalid) = (Arguments::default(), HashMap::<String, u64>::new());
    let mut shown = reader.conn.prepare_cached(sql!("catalog.shown"))?;
    let mut schemas: HashMap<i64, Option<Value>> = HashMap::new();
    let mut found: HashMap<(String, &'static str, String), (u64, u64)> = HashMap::new();
    let period = (scope.period.from.micros(), scope.period.to.micros());
    for call in calls_of(reader, tool, period, CHECKED_CALLS)? {
        folded.add(&call.arguments);
        let own: Option<i64> = shown.query_row((call.session, call.at), |r| r.get(0)).optional()?;
        let row = own.filter(|own| known.iter().any(|(row, _)| row == own));
        let row = row.or_else(|| known.iter().find(|(_, first)| *first <= call.at).map(|(row, _)| *row));
        let Some(row) = row else { continue };
        let schema = match schemas.entry(row) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let (_, tools, _) = definitions(reader, row)?;
                let found = tools.and_then(|tools| tools.into_iter().find(|t| t.name == name));
                place.insert(found.map(|t| t.input))
            }
        };
        let Some(schema) = schema else { continue };
        check.checked += 1;
        let findings = check_arguments(schema, &call.arguments);
        check.wrong += u64::from(!findings.is_empty());
        // A path begins with the name of the argument.
        let top = |path: &str| path.split(['.', '[', '/']).next().unwrap_or("").to_owned();
        for name in findings.iter().map(|(path, _)| top(path)).collect::<BTreeSet<String>>() {
            *invalid.entry(name).or_default() += 1;
        }
        for (path, fault) in findings {
            let counts = found.entry((path, fault.sort(), fault.to_string())).or_default();
            counts.0 += 1;
            counts.1 += u64::from(call.status.is_some_and(Status::failed));
        }
    }
    check.findings = found
        .into_iter()
        .map(|((path, sort, what), (calls, failed))| ArgumentFinding { path, sort, what, calls, failed })
        .collect();
    check
        .findings
        .sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| (&a.path, &a.what).cmp(&(&b.path, &b.what))));
    check.findings.truncate(SHOWN);
    check.calls = folded.calls;
    // The newest listing that has the tool says what it takes now.
    let mut newest = None;
    for (row, _) in known.iter().take(NEWEST_LISTINGS) {
        let (_, tools, _) = definitions(reader, *row)?;
        newest = tools.and_then(|tools| tools.into_iter().find(|t| t.name == name)).map(|t| t.input);
        if newest.is_some() {
            break;
        }
    }
    check.uses = uses(folded, newest.as_ref(), &invalid);
    Ok(check)
}

/// What was sent, and what the schema has beside it.
fn uses(folded: Arguments, schema: Option<&Value>, invalid: &HashMap<String, u64>) -> Vec<UsedArgument> {
    let names = |at: &str| -> BTreeSet<String> {
        match schema.and_then(|s| s.get(at)) {
            Some(Value::Object(map)) => map.keys().take(SHOWN).cloned().collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => BTreeSet::new(),
        }
    };
    let (has, must) = (names("properties"), names("required"));
    let mut used = folded.uses();
    let sent: BTreeSet<String> = used.iter().map(|u| u.name.clone()).collect();
    used.extend(has.iter().filter(|name| !sent.contains(*name)).map(|name| ArgumentUse {
        name: name.clone(),
        sent: 0,
        types: Vec::new(),
        values: ArgumentValues::Few(Vec::new()),
    }));
    used.truncate(SHOWN);
    let place = |name: &String| match schema {
        None => ArgumentPlace::Untold,
        Some(_) if must.contains(name) => ArgumentPlace::Required,
        Some(_) if has.contains(name) => ArgumentPlace::Optional,
        Some(_) => ArgumentPlace::Unknown,
    };
    used.into_iter()
        .map(|used| UsedArgument {
            place: place(&used.name),
            invalid: invalid.get(&used.name).copied().unwrap_or(0),
            used,
        })
        .collect()
}
