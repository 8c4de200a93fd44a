//! How far a tool, resource or prompt reaches: distinct sessions and people with a call of it in a scope.
//!
//! Counted from the indices `event_tool` and `event_resource`, a piece of them a name. People are those shown now, after merges; a
//! call that names nobody counts for whom its session is put down to. Called by the questions on tools.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params_from_iter};
use trackway_event::Kind;

use super::filter_sql::{self, Target};
use super::people::Moved;
use super::{Reader, Sql, figures};
use crate::query::Scope;
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// Rows of one list from which it is made distinct on the way, so that a long period does not fill the memory.
const SETTLE: usize = 65_536;

/// Sessions and people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) sessions: u64,
    pub(super) people: u64,
}

/// Rows, repeated until they are settled.
#[derive(Default)]
struct Rows(Vec<i64>, usize);

impl Rows {
    fn add(&mut self, row: i64) {
        if self.0.last() == Some(&row) {
            return;
        }
        self.0.push(row);
        if self.0.len() >= (self.1 * 2).max(SETTLE) {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
        self.1 = self.0.len();
    }
}

#[derive(Default)]
struct Seen {
    sessions: Rows,
    people: Rows,
    /// Sessions with a call that names nobody.
    nameless: Rows,
}

/// Reach by the number of the name; `None` where these have more calls than are counted
/// ([`SqliteOptions::counted_calls`](crate::SqliteOptions::counted_calls)), or the deadline passed.
pub(super) fn reach(
    reader: &Reader,
    scope: &Scope,
    kind: Kind,
    names: &[i64],
) -> Result<Option<HashMap<i64, Reach>>> {
    let unnamed = figures::name_of(reader, "")?;
    let mut room = reader.counted_calls;
    let mut seen: HashMap<i64, Seen> = HashMap::with_capacity(names.len());
    for name in names {
        let seen = seen.entry(*name).or_default();
        // The nameless are listed under the empty name.
        let nameless = (Some(*name) == unnamed).then_some(None);
        for column in std::iter::once(Some(*name)).chain(nameless) {
            match read(reader, scope, kind, column, seen, &mut room) {
                Ok(Counted::All) => {}
                Ok(Counted::TooMany) | Err(StoreError::Deadline) => return Ok(None),
                Err(other) => return Err(other),
            }
        }
    }
    let (moved, joined) = (Moved::read(reader)?, Moved::sessions(reader)?);
    let mut whose = reader.conn.prepare_cached(sql!("nameless.whose"))?;
    let mut known: HashMap<i64, Option<i64>> = HashMap::new();
    let mut reach = HashMap::with_capacity(seen.len());
    for (name, mut seen) in seen {
        seen.nameless.settle();
        for session in seen.nameless.0 {
            let person = match known.get(&session) {
                Some(person) => *person,
                None => {
                    let person = whose.query_row([session], |r| r.get(0)).optional()?;
                    known.insert(session, person);
                    person
                }
            };
            if let Some(person) = person {
                seen.people.add(person);
            }
        }
        moved.settle(&mut seen.people.0);
        joined.settle(&mut seen.sessions.0);
        seen.people.settle();
        seen.sessions.settle();
        let (sessions, people) = (seen.sessions.0.len() as u64, seen.people.0.len() as u64);
        reach.insert(name, Reach { sessions, people });
    }
    Ok(Some(reach))
}

/// Whether every call was looked at.
enum Counted {
    All,
    TooMany,
}

fn read(
    reader: &Reader,
    scope: &Scope,
    kind: Kind,
    name: Option<i64>,
    seen: &mut Seen,
    room: &mut usize,
) -> Result<Counted> {
    let mut sql = Sql::new("SELECT e.session, e.person");
    called(&mut sql, kind, name);
    sql.push(" AND e.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    while let Some(r) = rows.next()? {
        let Some(left) = room.checked_sub(1) else { return Ok(Counted::TooMany) };
        *room = left;
        let session: Option<i64> = r.get(0)?;
        if let Some(session) = session {
            seen.sessions.add(session);
        }
        match (r.get::<_, Option<i64>>(1)?, session) {
            (Some(person), _) => seen.people.add(person),
            (None, Some(session)) => seen.nameless.add(session),
            (None, None) => {}
        }
    }
    Ok(Counted::All)
}

/// The calls `e` of one name, or of those without: ` FROM … WHERE …`, to which conditions may be added.
pub(super) fn called(sql: &mut Sql, kind: Kind, name: Option<i64>) {
    // The planner takes a partial index where it can see that its condition holds.
    let (index, holds, column) = if kind == Kind::ToolCall {
        ("event_tool", "e.kind = 1", "e.tool")
    } else {
        ("event_resource", "e.kind IN (4, 7)", "e.resource")
    };
    sql.push(" FROM event e INDEXED BY ").push(index);
    sql.push(" LEFT JOIN session s ON s.row = e.session WHERE ").push(holds);
    sql.push(" AND e.kind = ").bind(i64::from(kind.code()));
    match name {
        Some(name) => sql.push(" AND ").push(column).push(" = ").bind(name),
        None => sql.push(" AND ").push(column).push(" IS NULL"),
    };
}
