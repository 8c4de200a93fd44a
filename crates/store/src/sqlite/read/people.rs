//! People: everyone a legal actor id named.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rusqlite::{OptionalExtension, params_from_iter};
use trackway_core::filter::Filter;
use trackway_event::Timestamp;

use super::filter_sql::{self, Target};
use super::kept::{self, Present};
use super::span::{bounds, parts};
use super::tools::sorted_page;
use super::{CUT_SHORT, Reader, Sql, accounts, actor, event, session};
use crate::query::{ListAsk, Page, PersonDetail, PersonRow, Scope};
use crate::sqlite::cache::Map;
use crate::sqlite::commit::{DAY_US, HOUR_US};
use crate::sqlite::control::sql;
use crate::sqlite::identity;
use crate::{Result, StoreError};

/// Sessions shown of one person.
const SESSIONS: i64 = 50;
/// Days of a person's calendar.
const CALENDAR_DAYS: i64 = 84;

/// People with an event in the scope.
pub(in crate::sqlite) fn people(reader: &Reader, ask: &ListAsk) -> Result<Page<PersonRow>> {
    let asked = ask.sort.as_deref().unwrap_or("-last");
    let (name, down) = asked.strip_prefix('-').map_or((asked, false), |name| (name, true));
    let names = ["last", "first", "calls", "errors", "sessions", "name"];
    let code = names.iter().position(|n| *n == name).ok_or_else(|| {
        StoreError::BadQuestion(format!("people cannot be sorted by {name:?}; use {}", names.join(", ")))
    })?;
    let (found, partial) = of_scope(reader, &ask.scope)?;
    let mut keys = Vec::with_capacity(found.len() as usize);
    for (row, one) in totals(reader)? {
        if !found.contains(row) {
            continue;
        }
        let number = match name {
            "last" => one.last,
            "first" => one.first,
            "calls" => one.calls,
            "errors" => one.errors,
            "sessions" => session_count(reader, row)? as i64,
            _ => 0,
        };
        keys.push((number, one.name.filter(|_| name == "name"), one.id, row));
    }
    keys.sort_by(|a, b| {
        let order = (a.0, &a.1).cmp(&(b.0, &b.1));
        if down { order.reverse() } else { order }.then_with(|| a.2.cmp(&b.2))
    });
    let page = sorted_page(keys, &ask.page, code as u8 * 2 + u8::from(down), partial)?;
    let mut items = Vec::with_capacity(page.items.len());
    for (.., id) in page.items {
        items.extend(full_row(reader, id)?);
    }
    Ok(Page { items, next: page.next, total: page.total, partial: page.partial })
}

/// One person with traits and sessions.
pub(in crate::sqlite) fn person(reader: &Reader, actor_id: &str) -> Result<Option<PersonDetail>> {
    let mut statement = reader.conn.prepare_cached(sql!("person.by_id"))?;
    let Some(id) = statement.query_row([actor_id], |r| r.get::<_, i64>(0)).optional()? else {
        return Ok(None);
    };
    let Some(row) = full_row(reader, id)? else { return Ok(None) };
    let sources = identity::profile(&reader.conn, id)?.trait_sources();
    let mut statement = reader.conn.prepare_cached(sql!("person.sessions"))?;
    let newest =
        statement.query_map((id, SESSIONS), |r| r.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let (ids, merges) = (identity::ids(&reader.conn, id)?, identity::story(&reader.conn, id)?);
    let mut timeline = Sql::new(sql!("event.row"));
    // The only value, so it is ?1 wherever it stands.
    timeline.values.push(id.into());
    timeline.push("\n").push(sql!("person.timeline"));
    let timeline = event::rows(&reader.conn, &timeline)?;
    let sessions = session::by_rows(reader, &newest)?;
    let today = (reader.clock)().micros().div_euclid(DAY_US);
    let mut statement = reader.conn.prepare_cached(sql!("person_day.of"))?;
    let days = statement.query_map((id, today - CALENDAR_DAYS + 1, today + 1), |r| r.get::<_, i64>(0))?;
    let active_days = days.map(|day| Ok(Timestamp::from_micros(day? * DAY_US))).collect::<Result<_>>()?;
    Ok(Some(PersonDetail { row, sources, ids, merges, sessions, timeline, active_days }))
}

/// What a person is sorted by, over all its ids.
struct Total {
    id: String,
    name: Option<String>,
    first: i64,
    last: i64,
    calls: i64,
    errors: i64,
}

/// Every person that is shown, with the figures of all its ids.
fn totals(reader: &Reader) -> Result<Vec<(i64, Total)>> {
    let mut shown = Vec::new();
    let mut merged: HashMap<i64, Vec<[i64; 4]>> = HashMap::new();
    let mut nameless: HashMap<i64, [i64; 4]> = HashMap::new();
    let mut statement = reader.conn.prepare_cached(sql!("nameless.list"))?;
    let mut rows = statement.query([])?;
    while let Some(r) = rows.next()? {
        nameless.insert(r.get(0)?, [r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?]);
    }
    let mut statement = reader.conn.prepare_cached(sql!("person.list"))?;
    let mut rows = statement.query([])?;
    while let Some(r) = rows.next()? {
        let (row, root): (i64, Option<i64>) = (r.get(0)?, r.get(1)?);
        let mut own: [i64; 4] = [r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?];
        if let Some([first, last, calls, errors]) = nameless.remove(&row) {
            own = [own[0].min(first), own[1].max(last), own[2] + calls, own[3] + errors];
        }
        let [first, last, calls, errors] = own;
        if let Some(root) = root {
            merged.entry(root).or_default().push([first, last, calls, errors]);
        } else if r.get(2)? {
            shown.push((row, Total { id: r.get(8)?, name: r.get(7)?, first, last, calls, errors }));
        }
    }
    if !merged.is_empty() {
        for (row, one) in &mut shown {
            for [first, last, calls, errors] in merged.remove(row).unwrap_or_default() {
                one.first = one.first.min(first);
                one.last = one.last.max(last);
                one.calls += calls;
                one.errors += errors;
            }
        }
    }
    Ok(shown)
}

/// The rows of people with an event in the scope; what is missing when the deadline passed.
pub(super) fn of_scope(reader: &Reader, scope: &Scope) -> Result<(RowSet, Option<String>)> {
    let (from, to) = bounds(scope.period);
    let mut people = RowSet::default();
    let mut stretches: Vec<Range<i64>> = std::iter::once(from..to).collect();
    if scope.filter.is_empty() {
        let parts = parts(from, to);
        let mut between = |question: &str, range: Range<i64>| -> Result<()> {
            let mut statement = reader.conn.prepare_cached(question)?;
            let mut rows = statement.query((range.start, range.end))?;
            while let Some(r) = rows.next()? {
                people.insert(r.get(0)?);
            }
            Ok(())
        };
        for hours in parts.hours {
            between(sql!("person_hour.between"), hours)?;
        }
        let mut span = reader.conn.prepare_cached(sql!("person_day.span"))?;
        let (first, end): (i64, i64) = span.query_row([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        let days = parts.days.start.max(first)..parts.days.end.min(end);
        if kept::are_few(&days) {
            kept::days(reader, days, |_, present: &Arc<[Present]>| {
                present.iter().for_each(|Present(person)| people.insert(*person));
            })?;
        } else {
            between(sql!("person_day.between"), days)?;
        }
        stretches = parts.rows;
        debug_assert!(stretches.iter().all(|s| s.end - s.start <= 2 * HOUR_US));
    }
    let missing = insert_matches(reader, sql!("event.people"), &stretches, &scope.filter, &mut people)?;
    if scope.filter.is_empty() {
        let mut statement = reader.conn.prepare_cached(sql!("nameless.between"))?;
        let mut rows = statement.query((from, to))?;
        while let Some(r) = rows.next()? {
            people.insert(r.get(0)?);
        }
    }
    Moved::read(reader)?.settle_set(&mut people);
    Ok((people, missing))
}

/// Adds the rows that the events of these stretches name, by a question that ends in its conditions; what is missing when the
/// deadline passed, or a text search found more than it takes.
pub(super) fn insert_matches(
    reader: &Reader,
    question: &str,
    stretches: &[Range<i64>],
    filter: &Filter,
    into: &mut RowSet,
) -> Result<Option<String>> {
    for stretch in stretches {
        let mut sql = Sql::new(question);
        sql.push(" AND e.started_at >= ").bind(stretch.start).push(" AND e.started_at < ").bind(stretch.end);
        filter_sql::add(reader, &mut sql, filter, Target::Events)?;
        let mut statement = reader.conn.prepare_cached(&sql.text)?;
        let mut rows = statement.query(params_from_iter(&sql.values))?;
        loop {
            match rows.next() {
                Ok(Some(r)) => into.insert(r.get(0)?),
                Ok(None) => break,
                Err(error) => match StoreError::from(error) {
                    StoreError::Deadline => return Ok(Some(CUT_SHORT.to_owned())),
                    other => return Err(other),
                },
            };
        }
    }
    filter_sql::cut_matches(reader, filter)
}

/// Rows of people that are shown under another row, or (`None`) not at all: a merge is this list, read anew for every
/// question, so events never change.
pub(super) struct Moved(Map<i64, Option<i64>>);

impl Moved {
    pub(super) fn read(reader: &Reader) -> Result<Self> {
        let mut statement = reader.conn.prepare_cached(sql!("identity.moved"))?;
        let mut rows = statement.query([])?;
        let mut moved = Map::default();
        while let Some(r) = rows.next()? {
            let root: Option<i64> = r.get(1)?;
            moved.insert(r.get(0)?, root);
        }
        Ok(Self(moved))
    }

    /// The same of sessions: which are shown under another.
    pub(super) fn sessions(reader: &Reader) -> Result<Self> {
        let mut statement = reader.conn.prepare_cached(sql!("joined.moved"))?;
        let rows = statement.query_map([], |r| Ok((r.get(0)?, Some(r.get(1)?))))?;
        Ok(Self(rows.collect::<rusqlite::Result<_>>()?))
    }

    /// The row it is shown under, if at all.
    pub(super) fn shown(&self, row: i64) -> Option<i64> {
        self.0.get(&row).copied().unwrap_or(Some(row))
    }

    /// Puts the person each id is shown under in its place; some may then be there more than once.
    pub(super) fn settle(&self, people: &mut Vec<i64>) {
        if !self.0.is_empty() {
            people.retain_mut(|row| match self.0.get(row) {
                None => true,
                Some(Some(root)) => {
                    *row = *root;
                    true
                }
                Some(None) => false,
            });
        }
    }

    /// The same in a set.
    fn settle_set(&self, people: &mut RowSet) {
        for (row, root) in &self.0 {
            if people.remove(*row)
                && let Some(root) = root
            {
                people.insert(*root);
            }
        }
    }
}

/// A set of row numbers, which are dense: a bit each.
#[derive(Default)]
pub(super) struct RowSet {
    bits: Vec<u64>,
}

impl RowSet {
    pub(super) fn insert(&mut self, row: i64) {
        let Ok(row) = usize::try_from(row) else { return };
        if self.bits.len() <= row / 64 {
            self.bits.resize(row / 64 + 1, 0);
        }
        if let Some(word) = self.bits.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        }
    }

    /// Whether it was there.
    fn remove(&mut self, row: i64) -> bool {
        let there = self.contains(row);
        if let Some(word) = usize::try_from(row).ok().and_then(|row| self.bits.get_mut(row / 64)) {
            *word &= !(1 << (row % 64));
        }
        there
    }

    pub(super) fn contains(&self, row: i64) -> bool {
        let row = usize::try_from(row).ok();
        row.is_some_and(|row| self.bits.get(row / 64).is_some_and(|word| word & (1 << (row % 64)) != 0))
    }

    /// How many are in it.
    pub(super) fn len(&self) -> u64 {
        self.bits.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

/// A person that is shown, with its sessions and accounts counted.
pub(super) fn full_row(reader: &Reader, id: i64) -> Result<Option<PersonRow>> {
    let Some(mut person) = row(reader, id)? else { return Ok(None) };
    person.sessions = session_count(reader, id)?;
    person.accounts = accounts::of_person(reader, id)?;
    Ok(Some(person))
}

fn session_count(reader: &Reader, id: i64) -> Result<u64> {
    let mut statement = reader.conn.prepare_cached(sql!("person.session_count"))?;
    Ok(statement.query_row([id], |r| r.get::<_, i64>(0))? as u64)
}

fn row(reader: &Reader, id: i64) -> Result<Option<PersonRow>> {
    let mut statement = reader.conn.prepare_cached(sql!("person.row"))?;
    let mut rows = statement.query([id])?;
    let Some(r) = rows.next()? else { return Ok(None) };
    let Some(actor) = actor(r.get(0)?, r.get(1)?) else { return Ok(None) };
    if !r.get::<_, bool>(8)? {
        return Ok(None);
    }
    let traits: String = r.get(2)?;
    let (first, last): (i64, i64) = (r.get(3)?, r.get(4)?);
    let mut share = reader.conn.prepare_cached(sql!("nameless.of_person"))?;
    let (from, to, calls, errors) = share.query_row([id], |r| {
        Ok((
            r.get::<_, Option<i64>>(0)?,
            r.get::<_, Option<i64>>(1)?,
            r.get::<_, i64>(2)?,
            r.get::<_, i64>(3)?,
        ))
    })?;
    Ok(Some(PersonRow {
        actor,
        first_seen: Timestamp::from_micros(from.map_or(first, |from| from.min(first))),
        last_seen: Timestamp::from_micros(to.map_or(last, |to| to.max(last))),
        sessions: 0,
        tool_calls: (r.get::<_, i64>(5)? + calls) as u64,
        errors: (r.get::<_, i64>(6)? + errors) as u64,
        traits: serde_json::from_str(&traits).unwrap_or_default(),
        identified: r.get(7)?,
        accounts: Vec::new(),
    }))
}
