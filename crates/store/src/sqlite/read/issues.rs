//! Error groups of a scope: counted from the index over failed events.

use std::collections::HashMap;

use rusqlite::params_from_iter;
use trackway_event::{ErrorClass, Timestamp};

use super::filter_sql::{self, Target};
use super::people::Moved;
use super::session;
use super::span::Buckets;
use super::tools::sorted_page;
use super::{CUT_SHORT, Reader, Sql, event};
use crate::query::{IssueDetail, IssueRow, ListAsk, Page, Scope};
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// Events and sessions shown of one group.
const SAMPLES: i64 = 50;
const SESSIONS: usize = 10;

/// What a group counts in a scope.
#[derive(Default)]
struct Sum {
    events: u64,
    /// Rows of sessions and people, repeated until [`Sum::settle`].
    sessions: Vec<i64>,
    people: Vec<i64>,
    trend: Vec<u64>,
}

impl Sum {
    /// Leaves every session and person once. Sorting a list at the end costs a third of asking a set for every event.
    fn settle(&mut self, moved: &Moved) {
        moved.settle(&mut self.people);
        for rows in [&mut self.sessions, &mut self.people] {
            rows.sort_unstable();
            rows.dedup();
        }
    }
}

/// Error groups with an event in the scope.
pub(in crate::sqlite) fn issues(reader: &Reader, ask: &ListAsk) -> Result<Page<IssueRow>> {
    let (mut rows, partial) = of_scope(reader, &ask.scope, None)?;
    let asked = ask.sort.as_deref().unwrap_or("-sessions");
    let (name, down) = asked.strip_prefix('-').map_or((asked, false), |name| (name, true));
    let names = ["sessions", "events", "people", "last", "first", "title"];
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
            _ => a.title.cmp(&b.title),
        };
        if down { order.reverse() } else { order }.then_with(|| a.id.cmp(&b.id))
    });
    sorted_page(rows, &ask.page, code as u8 * 2 + u8::from(down), partial)
}

/// One error group with its newest events; figures are those of the scope.
pub(in crate::sqlite) fn issue(reader: &Reader, id: u64, scope: &Scope) -> Result<Option<IssueDetail>> {
    let Ok(number) = i64::try_from(id) else { return Ok(None) };
    let Some((row, sample_message)) = row(reader, number)? else { return Ok(None) };
    let mut only = Sums::default();
    count(reader, scope, Some(number), None, &mut only)?;
    let row = with(row, only.remove(&number).unwrap_or_default(), &Buckets::of(scope));
    let mut samples = Sql::new(sql!("event.row"));
    samples.push(" WHERE e.issue = ").bind(number);
    samples.push(" ORDER BY e.started_at DESC, e.seq DESC LIMIT ").bind(SAMPLES);
    let mut newest: Vec<i64> = Vec::new();
    let mut statement = reader.conn.prepare_cached(sql!("issue.sessions"))?;
    let mut sessions = statement.query([number])?;
    while let Some(r) = sessions.next()? {
        let session: i64 = r.get(0)?;
        if !newest.contains(&session) {
            newest.push(session);
        }
        if newest.len() == SESSIONS {
            break;
        }
    }
    drop(sessions);
    Ok(Some(IssueDetail {
        row,
        sample_message,
        samples: event::rows(&reader.conn, &samples)?,
        sessions: session::by_rows(reader, &newest)?,
    }))
}

/// Error groups of one tool in a scope, most sessions first.
pub(super) fn of_tool(reader: &Reader, scope: &Scope, tool: i64) -> Result<Vec<IssueRow>> {
    let (mut rows, _) = of_scope(reader, scope, Some(tool))?;
    rows.sort_by(|a, b| (b.sessions, b.events).cmp(&(a.sessions, a.events)).then_with(|| a.id.cmp(&b.id)));
    Ok(rows)
}

/// The most widespread error groups of a scope.
pub(super) fn top(reader: &Reader, scope: &Scope, most: usize) -> Result<(Vec<IssueRow>, Option<String>)> {
    let mut sums = Sums::default();
    let partial = count(reader, scope, None, None, &mut sums)?;
    let mut order: Vec<(i64, usize, u64)> =
        sums.iter().map(|(id, s)| (*id, s.sessions.len(), s.events)).collect();
    order.sort_by(|a, b| (b.1, b.2).cmp(&(a.1, a.2)).then_with(|| a.0.cmp(&b.0)));
    order.truncate(most);
    let buckets = Buckets::of(scope);
    let mut rows = Vec::with_capacity(order.len());
    for (id, ..) in order {
        if let (Some((row, _)), Some(sum)) = (row(reader, id)?, sums.remove(&id)) {
            rows.push(with(row, sum, &buckets));
        }
    }
    Ok((rows, partial))
}

type Sums = HashMap<i64, Sum>;

fn of_scope(reader: &Reader, scope: &Scope, tool: Option<i64>) -> Result<(Vec<IssueRow>, Option<String>)> {
    let mut sums = Sums::default();
    let partial = count(reader, scope, None, tool, &mut sums)?;
    let buckets = Buckets::of(scope);
    let mut rows = Vec::with_capacity(sums.len());
    for (id, sum) in sums {
        if let Some((row, _)) = row(reader, id)? {
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
    into: &mut Sums,
) -> Result<Option<String>> {
    let buckets = Buckets::of(scope);
    let mut sql = Sql::new(sql!("event.issues"));
    if !scope.filter.is_empty() {
        sql.push(" LEFT JOIN session s ON s.row = e.session");
    }
    match issue {
        Some(issue) => sql.push(" WHERE e.issue = ").bind(issue),
        None => sql.push(" WHERE e.issue IS NOT NULL"),
    };
    if let Some(tool) = tool {
        sql.push(" AND e.issue IN (SELECT row FROM issue WHERE tool = ").bind(tool).push(")");
    }
    sql.push(" AND e.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
    filter_sql::add(&mut sql, &scope.filter, Target::Events)?;
    let partial = add_up(reader, &sql, &buckets, into)?;
    let moved = Moved::read(reader)?;
    into.values_mut().for_each(|sum| sum.settle(&moved));
    match partial {
        Some(cut) => Ok(Some(cut)),
        None => filter_sql::cut_matches(reader, &scope.filter),
    }
}

/// Adds every row to its group. The index gives the rows of a group one after the other, so the group at hand is kept out of
/// the map. Answers what is missing when the deadline passed.
fn add_up(reader: &Reader, sql: &Sql, buckets: &Buckets, into: &mut Sums) -> Result<Option<String>> {
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    let (mut at, mut sum) = (0, Sum::default());
    let mut partial = None;
    loop {
        let r = match rows.next() {
            Ok(Some(r)) => r,
            Ok(None) => break,
            Err(error) => match StoreError::from(error) {
                StoreError::Deadline => {
                    partial = Some(CUT_SHORT.to_owned());
                    break;
                }
                other => return Err(other),
            },
        };
        let issue = r.get(0)?;
        if issue != at {
            let next = into.remove(&issue).unwrap_or_default();
            let last = std::mem::replace(&mut sum, next);
            if last.events > 0 {
                into.insert(at, last);
            }
            at = issue;
        }
        sum.events += 1;
        sum.sessions.extend(r.get::<_, Option<i64>>(2)?);
        sum.people.extend(r.get::<_, Option<i64>>(3)?);
        if sum.trend.is_empty() {
            sum.trend.resize(buckets.count(), 0);
        }
        if let Some(n) = buckets.place(r.get(1)?).and_then(|i| sum.trend.get_mut(i)) {
            *n += 1;
        }
    }
    if sum.events > 0 {
        into.insert(at, sum);
    }
    Ok(partial)
}

fn row(reader: &Reader, id: i64) -> Result<Option<(IssueRow, String)>> {
    let mut statement = reader.conn.prepare_cached(sql!("issue.row"))?;
    let mut rows = statement.query([id])?;
    let Some(r) = rows.next()? else { return Ok(None) };
    let fingerprint: Vec<u8> = r.get(1)?;
    let row = IssueRow {
        id: id as u64,
        fingerprint: fingerprint.iter().map(|b| format!("{b:02x}")).collect(),
        title: r.get(2)?,
        tool: r.get(3)?,
        error_type: r.get(4)?,
        class: ErrorClass::from_code(r.get(5)?).unwrap_or(ErrorClass::Internal),
        events: 0,
        sessions: 0,
        people: 0,
        first_seen: Timestamp::from_micros(r.get(6)?),
        last_seen: Timestamp::from_micros(r.get(7)?),
        since_version: r.get::<_, Option<String>>(8)?.filter(|v| !v.is_empty()),
        trend: Vec::new(),
    };
    Ok(Some((row, r.get(9)?)))
}

fn with(mut row: IssueRow, sum: Sum, buckets: &Buckets) -> IssueRow {
    row.events = sum.events;
    row.sessions = sum.sessions.len() as u64;
    row.people = sum.people.len() as u64;
    row.trend = if sum.trend.is_empty() { vec![0; buckets.count()] } else { sum.trend };
    row
}
