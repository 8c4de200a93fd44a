//! Accounts: the groups that events name, with their people.

use std::ops::Range;

use rusqlite::OptionalExtension;
use trackway_core::person::Profile;
use trackway_event::Timestamp;

use super::people::{self, RowSet};
use super::span::{bounds, parts};
use super::tools::sorted_page;
use super::{Reader, session};
use crate::query::{AccountDetail, AccountRef, AccountRow, AccountsAsk, Page, Scope};
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// People and sessions shown of one account.
const SHOWN: i64 = 50;

/// Accounts that an event of the scope names.
pub(in crate::sqlite) fn accounts(reader: &Reader, ask: &AccountsAsk) -> Result<Page<AccountRow>> {
    let asked = ask.sort.as_deref().unwrap_or("-last");
    let (by, down) = asked.strip_prefix('-').map_or((asked, false), |name| (name, true));
    let names = ["last", "first", "calls", "errors", "people", "sessions", "name"];
    let code = names.iter().position(|n| *n == by).ok_or_else(|| {
        StoreError::BadQuestion(format!("accounts cannot be sorted by {by:?}; use {}", names.join(", ")))
    })?;
    let (found, partial) = of_scope(reader, &ask.scope)?;
    let mut keys = Vec::new();
    let mut statement = reader.conn.prepare_cached(sql!("account.list"))?;
    let mut rows = statement.query([])?;
    while let Some(r) = rows.next()? {
        let id: i64 = r.get(0)?;
        let (kind, key): (String, String) = (r.get(1)?, r.get(2)?);
        if !found.contains(id) || ask.kind.as_ref().is_some_and(|wanted| *wanted != kind) {
            continue;
        }
        let number: i64 = match by {
            "last" => r.get(5)?,
            "first" => r.get(4)?,
            "calls" => r.get(6)?,
            "errors" => r.get(7)?,
            "people" => row(reader, id)?.map_or(0, |a| a.people as i64),
            "sessions" => row(reader, id)?.map_or(0, |a| a.sessions as i64),
            _ => 0,
        };
        let name: Option<String> = r.get(3)?;
        let text = if by == "name" { name.unwrap_or_else(|| key.clone()) } else { String::new() };
        keys.push((number, text, (kind, key), id));
    }
    keys.sort_by(|a, b| {
        let order = (a.0, &a.1).cmp(&(b.0, &b.1));
        if down { order.reverse() } else { order }.then_with(|| a.2.cmp(&b.2))
    });
    let page = sorted_page(keys, &ask.page, code as u8 * 2 + u8::from(down), partial)?;
    let mut items = Vec::with_capacity(page.items.len());
    for (.., id) in page.items {
        items.extend(row(reader, id)?);
    }
    Ok(Page { items, next: page.next, total: page.total, partial: page.partial })
}

/// One account with its people and sessions.
pub(in crate::sqlite) fn account(reader: &Reader, kind: &str, key: &str) -> Result<Option<AccountDetail>> {
    let mut statement = reader.conn.prepare_cached(sql!("account.find"))?;
    let found = statement.query_row((kind, key), |r| Ok((r.get::<_, i64>(0)?, r.get::<_, Vec<u8>>(6)?)));
    let Some((id, facts)) = found.optional()? else { return Ok(None) };
    let Some(row) = row(reader, id)? else { return Ok(None) };
    let rows = |name: &str| -> Result<Vec<i64>> {
        let mut statement = reader.conn.prepare_cached(name)?;
        Ok(statement.query_map((id, SHOWN), |r| r.get(0))?.collect::<rusqlite::Result<_>>()?)
    };
    let mut people = Vec::new();
    for person in rows(sql!("account.people"))? {
        people.extend(people::full_row(reader, person)?);
    }
    let sessions = session::by_rows(reader, &rows(sql!("account.sessions"))?)?;
    let sources = Profile::decode(&facts).unwrap_or_default().trait_sources();
    Ok(Some(AccountDetail { row, sources, people, sessions }))
}

/// Accounts that events of any id of a person named.
pub(super) fn of_person(reader: &Reader, person: i64) -> Result<Vec<AccountRef>> {
    let mut statement = reader.conn.prepare_cached(sql!("account.of_person"))?;
    let rows = statement
        .query_map([person], |r| Ok(AccountRef { kind: r.get(0)?, key: r.get(1)?, name: r.get(2)? }))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn of_scope(reader: &Reader, scope: &Scope) -> Result<(RowSet, Option<String>)> {
    let (from, to) = bounds(scope.period);
    let mut found = RowSet::default();
    let mut stretches: Vec<Range<i64>> = std::iter::once(from..to).collect();
    if scope.filter.is_empty() {
        let parts = parts(from, to);
        let days = parts.days.start * 24..parts.days.end * 24;
        let mut statement = reader.conn.prepare_cached(sql!("account.between"))?;
        for range in parts.hours.into_iter().chain([days]).filter(|range| !range.is_empty()) {
            let mut rows = statement.query((range.start, range.end))?;
            while let Some(r) = rows.next()? {
                found.insert(r.get(0)?);
            }
        }
        stretches = parts.rows;
    }
    let question = sql!("account.of_events");
    let missing = people::insert_matches(reader, question, &stretches, &scope.filter, &mut found)?;
    Ok((found, missing))
}

fn row(reader: &Reader, id: i64) -> Result<Option<AccountRow>> {
    let mut statement = reader.conn.prepare_cached(sql!("account.row"))?;
    let found = statement.query_row([id], |r| {
        let n = |i: usize| r.get::<_, i64>(i).map(|n| n as u64);
        let traits: String = r.get(8)?;
        Ok(AccountRow {
            account: AccountRef { kind: r.get(0)?, key: r.get(1)?, name: r.get(2)? },
            first_seen: Timestamp::from_micros(r.get(3)?),
            last_seen: Timestamp::from_micros(r.get(4)?),
            events: n(5)?,
            tool_calls: n(6)?,
            errors: n(7)?,
            traits: serde_json::from_str(&traits).unwrap_or_default(),
            people: n(9)?,
            sessions: n(10)?,
        })
    });
    Ok(found.optional()?)
}
