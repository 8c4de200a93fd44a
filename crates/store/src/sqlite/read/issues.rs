//! Error groups of a scope: counted from the index over failed events.

use std::collections::{BTreeSet, HashMap, HashSet};

use rusqlite::params_from_iter;
use trackway_core::issue::state::{self, Seen};
use trackway_event::{ErrorClass, Timestamp};

use super::filter_sql::{self, Target};
use super::kept::{self, Failure, Timed};
use super::people::Moved;
use super::session;
use super::span::{Buckets, bounds};
use super::tools::sorted_page;
use super::{CUT_SHORT, Reader, Sql, event, sightings, why};
use crate::query::{
    Bucket, CallFigures, IssueDetail, IssueList, IssueRow, IssueTab, ListAsk, Recovery, Scope, State,
};
use crate::sqlite::cache::Map;
use crate::sqlite::control::sql;
use crate::sqlite::work;
use crate::{Result, StoreError};

/// Events and sessions shown of one group.
const SAMPLES: i64 = 50;
const SESSIONS: usize = 10;
/// Newest sessions in which it is looked for whether agents got past it.
const RECOVERY: usize = 20;
/// Groups of one tool whose recovery is looked at.
const OF_TOOL: usize = 20;
/// Groups of which the overview's few are chosen.
const TOP: usize = 50;
const DAY_US: i64 = 86_400_000_000;

/// What a group counts in a scope.
#[derive(Default)]
struct Sum {
    events: u64,
    sessions: u64,
    people: u64,
    trend: Vec<u64>,
}

/// Rows that were counted for the group at hand: the number of the group that saw a row last, by row.
struct Counted<'a> {
    last: Vec<u32>,
    moved: &'a Moved,
}

impl Counted<'_> {
    /// Whether a row counts for this group, under the row it is shown as, and was not seen.
    fn is_new(&mut self, row: i64, group: u32) -> bool {
        let Some(row) = self.moved.shown(row).and_then(|row| usize::try_from(row).ok()) else { return false };
        if self.last.len() <= row {
            self.last.resize(row + 1, 0);
        }
        self.last.get_mut(row).is_some_and(|last| std::mem::replace(last, group) != group)
    }
}

/// Error groups with an event in the scope.
pub(in crate::sqlite) fn issues(reader: &Reader, ask: &ListAsk, tab: IssueTab) -> Result<IssueList> {
    let (mut rows, partial) = of_scope(reader, &ask.scope, None)?;
    rows.retain(|row| match tab {
        IssueTab::All => true,
        IssueTab::Open => row.state.is_open(),
        IssueTab::Resolved => row.state == State::Resolved,
        IssueTab::Archived => row.state == State::Archived,
    });
    let asked = ask.sort.as_deref().unwrap_or("-state");
    let (name, down) = asked.strip_prefix('-').map_or((asked, false), |name| (name, true));
    let names = ["sessions", "events", "people", "last", "first", "title", "state"];
    let code = names.iter().position(|n| *n == name).ok_or_else(|| {
        StoreError::BadQuestion(format!("issues cannot be sorted by {name:?}; use {}", names.join(", ")))
    })?;
    rows.sort_by(|a, b| {
        let order = match name {
            "sessions" => (a.sessions, a.events).cmp(&(b.sessions, b.events)),
            "events" => a.events.cmp(&b.events),
            "people" => a.people.cmp(&b.people),
            "last" => a.last_seen.cmp(&b.last_seen),
            "first" => a.first_seen.cmp(&b.first_seen),
            "state" => {
                let key = |r: &IssueRow| (r.state.weight(), r.sessions, r.events);
                key(a).cmp(&key(b))
            }
            _ => a.title.cmp(&b.title),
        };
        if down { order.reverse() } else { order }.then_with(|| a.id.cmp(&b.id))
    });
    let mut page = sorted_page(rows, &ask.page, code as u8 * 2 + u8::from(down), partial)?;
    let recovery = recover(reader, &mut page.items)?;
    Ok(IssueList { page, recovery })
}

/// Adds whether agents get past them; answers the same of all of them together.
fn recover(reader: &Reader, rows: &mut [IssueRow]) -> Result<Recovery> {
    let (merges, mut known) = (Merges::read(reader)?, why::Sessions::default());
    let (mut sessions, mut all) = (BTreeSet::new(), Vec::new());
    for row in rows {
        let number = row.id as i64;
        let members = merges.members(number);
        let newest = newest_sessions(reader, &members)?;
        row.recovery = Some(why::recovery(reader, &mut known, &newest, &members)?);
        sessions.extend(newest);
        all.extend(members);
    }
    let sessions: Vec<i64> = sessions.into_iter().collect();
    // An attempt that met two of them is one attempt.
    why::recovery(reader, &mut known, &sessions, &all)
}

/// The newest sessions that met one of these groups, the newest first.
fn newest_sessions(reader: &Reader, members: &[i64]) -> Result<Vec<i64>> {
    let mut statement = reader.conn.prepare_cached(sql!("issue.sessions"))?;
    let mut found: Vec<(i64, i64)> = Vec::new();
    for member in members {
        let mut own: Vec<i64> = Vec::new();
        let mut rows = statement.query([member])?;
        while own.len() < RECOVERY
            && let Some(r) = rows.next()?
        {
            let session = r.get(0)?;
            if !own.contains(&session) {
                own.push(session);
                found.push((r.get(1)?, session));
            }
        }
    }
    // Stable, and of one group in order already.
    found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut newest: Vec<i64> = Vec::new();
    for (_, session) in found {
        if !newest.contains(&session) {
            newest.push(session);
        }
    }
    newest.truncate(RECOVERY);
    Ok(newest)
}

/// One error group with its newest events; figures are those of the scope.
pub(in crate::sqlite) fn issue(reader: &Reader, id: u64, scope: &Scope) -> Result<Option<IssueDetail>> {
    let Ok(number) = i64::try_from(id) else { return Ok(None) };
    let merges = Merges::read(reader)?;
    let number = merges.whole(number);
    let lately = Lately::of(reader, &merges.members(number))?;
    let Some((row, sample_message)) = row(reader, number, &merges, &lately)? else { return Ok(None) };
    let mut only = Sums::default();
    count(reader, scope, Some(number), None, &merges, &mut only)?;
    let mut row = with(row, only.remove(&number).unwrap_or_default(), &Buckets::of(scope));
    let mut samples = Sql::new(sql!("event.row"));
    samples.push(" WHERE e.issue IN (SELECT ").bind(number);
    samples.push(" UNION ALL SELECT child FROM issue_merge WHERE parent = ").bind(number).push(")");
    samples.push(" ORDER BY e.started_at DESC, e.seq DESC LIMIT ").bind(SAMPLES);
    let whole = merges.members(number);
    let mut newest = newest_sessions(reader, &whole)?;
    let mut known = why::Sessions::default();
    row.recovery = Some(why::recovery(reader, &mut known, &newest, &whole)?);
    let mended = why::mended(reader, &mut known, &newest, &whole)?;
    newest.truncate(SESSIONS);
    Ok(Some(IssueDetail {
        series: series(&row, &Buckets::of(scope)),
        sightings: sightings::sightings(reader, scope.period)?,
        variants: why::variants(reader, scope, &whole)?,
        members: why::members(reader, number)?,
        mended,
        out_of: why::out_of(reader, number)?,
        taken_out: why::taken_out(reader, &whole)?,
        history: why::history(reader, number)?,
        suspects: why::suspects(reader, scope, &row, &whole)?,
        before: why::just_before(reader, number, row.first_seen)?,
        row,
        sample_message,
        samples: event::rows(&reader.conn, &samples)?,
        sessions: session::by_rows(reader, &newest)?,
    }))
}

fn series(row: &IssueRow, buckets: &Buckets) -> Vec<Bucket> {
    let bucket = |(i, n): (usize, &u64)| {
        let (start, end) = buckets.bounds(i);
        let calls = CallFigures { calls: *n, finished: *n, failed: *n, ..CallFigures::default() };
        Bucket { start, end, sessions: 0, calls }
    };
    row.trend.iter().enumerate().map(bucket).collect()
}

/// Error groups of one tool in a scope, most sessions first.
pub(super) fn of_tool(reader: &Reader, scope: &Scope, tool: i64) -> Result<Vec<IssueRow>> {
    let (mut rows, _) = of_scope(reader, scope, Some(tool))?;
    rows.sort_by(|a, b| (b.sessions, b.events).cmp(&(a.sessions, a.events)).then_with(|| a.id.cmp(&b.id)));
    let shown = rows.len().min(OF_TOOL);
    recover(reader, rows.get_mut(..shown).unwrap_or_default())?;
    Ok(rows)
}

/// The most widespread error groups of a scope.
pub(super) fn top(reader: &Reader, scope: &Scope, most: usize) -> Result<(Vec<IssueRow>, Option<String>)> {
    let mut sums = Sums::default();
    let merges = Merges::read(reader)?;
    let partial = count(reader, scope, None, None, &merges, &mut sums)?;
    let mut order: Vec<(i64, u64, u64)> = sums.iter().map(|(id, s)| (*id, s.sessions, s.events)).collect();
    order.sort_by(|a, b| (b.1, b.2).cmp(&(a.1, a.2)).then_with(|| a.0.cmp(&b.0)));
    order.truncate(TOP);
    let buckets = Buckets::of(scope);
    let lately = Lately::of_all(reader)?;
    let mut rows = Vec::with_capacity(order.len());
    for (id, ..) in order {
        if let (Some((row, _)), Some(sum)) = (row(reader, id, &merges, &lately)?, sums.remove(&id)) {
            rows.push(with(row, sum, &buckets));
        }
    }
    rows.retain(|row| row.state.is_open());
    // Stable: within a state the most widespread first.
    rows.sort_by_key(|row| std::cmp::Reverse(row.state.weight()));
    rows.truncate(most);
    Ok((rows, partial))
}

type Sums = Map<i64, Sum>;

fn of_scope(reader: &Reader, scope: &Scope, tool: Option<i64>) -> Result<(Vec<IssueRow>, Option<String>)> {
    let mut sums = Sums::default();
    let merges = Merges::read(reader)?;
    let partial = count(reader, scope, None, tool, &merges, &mut sums)?;
    let buckets = Buckets::of(scope);
    let lately = Lately::of_all(reader)?;
    let mut rows = Vec::with_capacity(sums.len());
    for (id, sum) in sums {
        if let Some((row, _)) = row(reader, id, &merges, &lately)? {
            rows.push(with(row, sum, &buckets));
        }
    }
    Ok((rows, partial))
}

fn count(
    reader: &Reader,
    scope: &Scope,
    issue: Option<i64>,
    tool: Option<i64>,
    merges: &Merges,
    into: &mut Sums,
) -> Result<Option<String>> {
    let (pieces, cut) = if issue.is_none() && scope.filter.is_empty() {
        let (from, to) = bounds(scope.period);
        match kept::failures(reader, from, to) {
            Ok(pieces) => (pieces, None),
            Err(StoreError::Deadline) => return Ok(Some(CUT_SHORT.to_owned())),
            Err(other) => return Err(other),
        }
    } else {
        let (failures, cut) = some_failures(reader, &of_some(reader, scope, issue, tool)?)?;
        (vec![failures.into()], cut)
    };
    // Where there is a filter, the question has asked for the tool's alone.
    let of_tool = tool.filter(|_| scope.filter.is_empty());
    let of_tool = of_tool.map(|tool| issues_of(reader, tool)).transpose()?;
    let mut runs: Vec<(i64, &[Failure])> = pieces
        .iter()
        .flat_map(|piece| piece.chunk_by(|a, b| a.issue == b.issue))
        .filter_map(|run| Some((run.first()?.issue, run)))
        .filter(|(issue, _)| of_tool.as_ref().is_none_or(|of_tool| of_tool.contains(issue)))
        .map(|(issue, run)| (merges.whole(issue), run))
        .collect();
    // Stable: those of a group stay in the order of time.
    runs.sort_by_key(|(whole, _)| *whole);
    let buckets = Buckets::of(scope);
    let (people, joined) = (Moved::read(reader)?, Moved::sessions(reader)?);
    let mut people = Counted { last: Vec::new(), moved: &people };
    let mut sessions = Counted { last: Vec::new(), moved: &joined };
    for (group, runs) in (1..).zip(runs.chunk_by(|a, b| a.0 == b.0)) {
        let Some((whole, _)) = runs.first() else { continue };
        let mut sum = Sum { trend: vec![0; buckets.count()], ..Sum::default() };
        for failure in runs.iter().flat_map(|(_, run)| run.iter()) {
            sum.events += 1;
            sum.sessions += u64::from(failure.session.is_some_and(|row| sessions.is_new(row, group)));
            sum.people += u64::from(failure.person.is_some_and(|row| people.is_new(row, group)));
            if let Some(n) = buckets.place(failure.at).and_then(|i| sum.trend.get_mut(i)) {
                *n += 1;
            }
        }
        into.insert(*whole, sum);
    }
    match cut {
        Some(cut) => Ok(Some(cut)),
        None => filter_sql::cut_matches(reader, &scope.filter),
    }
}

/// The groups of one tool.
fn issues_of(reader: &Reader, tool: i64) -> Result<HashSet<i64>> {
    let mut statement = reader.conn.prepare_cached(sql!("issue.of_tool"))?;
    let rows = statement.query_map([tool], |r| r.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Failures of one group and what was merged into it, or of one tool, or of a filter.
fn of_some(reader: &Reader, scope: &Scope, issue: Option<i64>, tool: Option<i64>) -> Result<Sql> {
    let mut sql = Sql::new(sql!("event.issues"));
    if !scope.filter.is_empty() {
        sql.push(" LEFT JOIN session s ON s.row = e.session");
    }
    match issue {
        Some(issue) => {
            sql.push(" WHERE e.issue IN (SELECT ").bind(issue);
            sql.push(" UNION ALL SELECT child FROM issue_merge WHERE parent = ").bind(issue).push(")")
        }
        None => sql.push(" WHERE e.issue IS NOT NULL"),
    };
    if let Some(tool) = tool {
        sql.push(" AND e.issue IN (SELECT row FROM issue WHERE tool = ").bind(tool).push(")");
    }
    sql.push(" AND e.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
    Ok(sql)
}

/// Those of a question, and what is missing when the deadline passed.
fn some_failures(reader: &Reader, sql: &Sql) -> Result<(Vec<Failure>, Option<String>)> {
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    let (mut failures, mut cut) = (Vec::new(), None);
    loop {
        match rows.next().map_err(StoreError::from) {
            Ok(Some(row)) => failures.push(Failure::read(row)?),
            Ok(None) => break,
            Err(StoreError::Deadline) => {
                cut = Some(CUT_SHORT.to_owned());
                break;
            }
            Err(other) => return Err(other),
        }
    }
    failures.sort_unstable();
    Ok((failures, cut))
}

/// Which groups are shown under which.
pub(super) struct Merges(HashMap<i64, i64>);

impl Merges {
    pub(super) fn read(reader: &Reader) -> Result<Self> {
        let mut statement = reader.conn.prepare_cached(sql!("issue_merge.list"))?;
        let pairs = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(Self(pairs.collect::<rusqlite::Result<_>>()?))
    }

    /// The group a group is shown under.
    fn whole(&self, issue: i64) -> i64 {
        self.0.get(&issue).copied().unwrap_or(issue)
    }

    /// A group and all that is shown under it.
    fn members(&self, whole: i64) -> Vec<i64> {
        let mut all: Vec<i64> = self.0.iter().filter(|(_, p)| **p == whole).map(|(c, _)| *c).collect();
        all.push(whole);
        all.sort_unstable();
        all
    }
}

/// Failures of each group in the last day, and in the week before it.
struct Lately(Map<i64, (u64, u64)>);

impl Lately {
    /// Counted for all groups at once, for a list asks after most of them.
    fn of_all(reader: &Reader) -> Result<Self> {
        let now = (reader.clock)().micros();
        let mut counts: Map<i64, (u64, u64)> = Map::default();
        kept::visit(reader, now - 8 * DAY_US, now + 1, |failure: &Failure| {
            let (day, week) = counts.entry(failure.issue).or_default();
            *(if failure.at >= now - DAY_US { day } else { week }) += 1;
        })?;
        Ok(Self(counts))
    }

    /// Of one group and all that is shown under it.
    fn of(reader: &Reader, members: &[i64]) -> Result<Self> {
        let now = (reader.clock)().micros();
        let mut counts: Map<i64, (u64, u64)> = Map::default();
        for member in members {
            let day = between(reader, *member, now - DAY_US, now + 1)?;
            let week = between(reader, *member, now - 8 * DAY_US, now - DAY_US)?;
            counts.insert(*member, (day, week));
        }
        Ok(Self(counts))
    }

    fn sum(&self, members: &[i64]) -> (u64, u64) {
        let found = members.iter().filter_map(|member| self.0.get(member));
        found.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }
}

/// Failures of a group in a stretch of time, µs.
fn between(reader: &Reader, issue: i64, from: i64, to: i64) -> Result<u64> {
    let mut count = reader.conn.prepare_cached(sql!("event.issue_count"))?;
    Ok(count.query_row((issue, from, to), |r| r.get::<_, i64>(0))? as u64)
}

/// A group as a whole, with its newest message.
fn row(reader: &Reader, id: i64, merges: &Merges, lately: &Lately) -> Result<Option<(IssueRow, String)>> {
    let Some((mut row, mut message)) = single(reader, id)? else { return Ok(None) };
    let members = merges.members(id);
    for member in members.iter().filter(|m| **m != id) {
        let Some((other, words)) = single(reader, *member)? else { continue };
        if other.first_seen < row.first_seen {
            row.first_seen = other.first_seen;
            row.since_version = other.since_version;
        }
        if other.last_seen > row.last_seen {
            row.last_seen = other.last_seen;
            message = words;
        }
    }
    let now = (reader.clock)();
    row.decision = work::decision(&reader.conn, id)?;
    row.assignee = work::assignee(&reader.conn, id)?;
    let seen = seen(reader, &members, &row, lately)?;
    row.state = state::state(row.decision.as_ref(), &seen, now);
    Ok(Some((row, message)))
}

/// What state is judged by.
fn seen(reader: &Reader, members: &[i64], row: &IssueRow, lately: &Lately) -> Result<Seen> {
    let (day, week) = lately.sum(members);
    let mut seen = Seen { first: row.first_seen, day, week, ..Seen::default() };
    let Some(decision) = &row.decision else { return Ok(seen) };
    if row.last_seen > decision.at {
        let mut statement = reader.conn.prepare_cached(sql!("event.issue_versions"))?;
        for member in members {
            seen.since += between(reader, *member, decision.at.micros() + 1, i64::MAX)?;
            let versions = statement.query_map((member, decision.at.micros()), |r| r.get(0))?;
            for version in versions {
                seen.versions.push(version.map(|v: Option<String>| v.filter(|v| !v.is_empty()))?);
            }
        }
    }
    Ok(seen)
}

fn single(reader: &Reader, id: i64) -> Result<Option<(IssueRow, String)>> {
    let mut statement = reader.conn.prepare_cached(sql!("issue.row"))?;
    let mut rows = statement.query([id])?;
    let Some(r) = rows.next()? else { return Ok(None) };
    let fingerprint: Vec<u8> = r.get(1)?;
    let row = IssueRow {
        id: id as u64,
        fingerprint: trackway_event::id::hex(&fingerprint),
        title: r.get(2)?,
        tool: r.get(3)?,
        error_type: r.get(4)?,
        class: ErrorClass::from_code(r.get(5)?).unwrap_or(ErrorClass::Internal),
        events: 0,
        sessions: 0,
        people: 0,
        first_seen: Timestamp::from_micros(r.get(6)?),
        last_seen: Timestamp::from_micros(r.get(7)?),
        state: State::default(),
        decision: None,
        assignee: None,
        recovery: None,
        since_version: r.get::<_, Option<String>>(8)?.filter(|v| !v.is_empty()),
        trend: Vec::new(),
    };
    Ok(Some((row, r.get(9)?)))
}

fn with(mut row: IssueRow, sum: Sum, buckets: &Buckets) -> IssueRow {
    row.events = sum.events;
    row.sessions = sum.sessions;
    row.people = sum.people;
    row.trend = if sum.trend.is_empty() { vec![0; buckets.count()] } else { sum.trend };
    row
}
