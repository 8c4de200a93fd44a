//! What a replay asks beside the events of its session ([`crate::query::ShownDefinition`], [`crate::query::Window`]), and
//! whether a thing is there at all, for pages whose figures follow later.

use rusqlite::OptionalExtension;
use serde_json::Value;
use trackway_core::catalog::schema::check;
use trackway_core::catalog::tools;
use trackway_event::{Kind, ProjectId, Timestamp};

use super::catalog::tools_of;
use super::cursor::{Cursor, List};
use super::session::{living, of_parts};
use super::{Reader, event, figures};
use crate::Result;
use crate::query::{Shown, ShownDefinition, Thing, Window};
use crate::sqlite::control::sql;
use crate::sqlite::joined;

/// Windows of one session that are offered.
const WINDOWS: usize = 200;

/// Whether there is such a thing; cheap, and never wrong about what is not there.
pub(in crate::sqlite) fn has(reader: &Reader, thing: &Thing) -> Result<bool> {
    Ok(match thing {
        Thing::Session(id) => living(&reader.conn, id)?.is_some(),
        Thing::Tool(name) => figures::name_of(reader, name)?.is_some(),
        Thing::Issue(id) => match i64::try_from(*id) {
            Ok(id) => reader.conn.prepare_cached(sql!("issue.exists"))?.exists([id])?,
            Err(_) => false,
        },
        Thing::Person(id) => {
            let mut statement = reader.conn.prepare_cached(sql!("person.by_id"))?;
            statement.query_row([id], |r| r.get::<_, i64>(0)).optional()?.is_some()
        }
    })
}

/// Where the pages of `size` events of a session begin, at most [`WINDOWS`].
pub(in crate::sqlite) fn windows(reader: &Reader, id: &str, size: usize) -> Result<Vec<Window>> {
    let Some(session) = living(&reader.conn, id)? else { return Ok(Vec::new()) };
    let mut all = vec![Window { after: None, first: 1, before: (Timestamp::ZERO, 0) }];
    let text = of_parts(sql!("session.windows"), &joined::members(&reader.conn, session)?);
    let mut statement = reader.conn.prepare_cached(&text)?;
    let mut rows = statement.query((session, i64::try_from(size.max(1)).unwrap_or(i64::MAX)))?;
    while let Some(r) = rows.next()?.filter(|_| all.len() < WINDOWS) {
        let (at, seq, n): (i64, i64, i64) = (r.get(0)?, r.get(1)?, r.get(2)?);
        let after = Cursor { key: at, row: seq }.print(List::SessionEvents, 0);
        let before = (Timestamp::from_micros(at), seq as u64);
        all.push(Window { after: Some(after), first: n as u64 + 1, before });
    }
    Ok(all)
}

/// The definition a call was made by: that of the listing its session was last shown, else the newest one before it.
pub(in crate::sqlite) fn definition(
    reader: &Reader,
    project: &ProjectId,
    id: &str,
) -> Result<Option<ShownDefinition>> {
    let Some(call) = event::detail(reader, project, id)?.filter(|e| e.row.kind == Kind::ToolCall) else {
        return Ok(None);
    };
    let Some(name) = call.row.tool.as_deref() else { return Ok(None) };
    let at = call.row.started_at.micros();
    let own =
        match call.row.session_id.as_ref().map(|id| living(&reader.conn, id.as_str())).transpose()?.flatten()
        {
            None => None,
            Some(session) => {
                let text = of_parts(sql!("catalog.shown"), &joined::members(&reader.conn, session)?);
                let mut statement = reader.conn.prepare_cached(&text)?;
                statement.query_row((session, at), |r| r.get::<_, Option<i64>>(0)).optional()?.flatten()
            }
        };
    let mut statement = reader.conn.prepare_cached(sql!("catalog.all"))?;
    let known = statement.query_map([], |r| Ok((r.get(0)?, r.get::<_, Option<i64>>(1)?.unwrap_or(0))))?;
    let known: Vec<(i64, i64)> = known.collect::<rusqlite::Result<_>>()?;
    let here = own
        .and_then(|own| known.iter().find(|(row, _)| *row == own))
        .map(|(row, first)| (*row, *first, Shown::Here));
    // What this session saw, but was never kept whole, is not known; another's listing would be a guess.
    let elsewhere =
        || known.iter().find(|(_, first)| *first <= at).map(|(row, first)| (*row, *first, Shown::Elsewhere));
    let Some((row, first, shown)) = here.or_else(|| elsewhere().filter(|_| own.is_none())) else {
        return Ok(None);
    };
    let mut statement = reader.conn.prepare_cached(sql!("catalog.row"))?;
    let hash: String = statement.query_row([row], |r| r.get(0))?;
    let Some(text) = tools_of(reader, &hash)? else { return Ok(None) };
    let all: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
    let named = |tool: &&Value| tool.get("name").and_then(Value::as_str) == Some(name);
    let Some(json) = all.iter().find(named).map(ToString::to_string) else { return Ok(None) };
    let arguments = call.arguments.as_ref().and_then(|a| serde_json::from_str::<Value>(a.get()).ok());
    let schema = tools(&text).into_iter().find(|tool| tool.name == name).map(|tool| tool.input);
    let findings =
        schema.zip(arguments).map(|(schema, arguments)| check(&schema, &arguments)).unwrap_or_default();
    let findings = findings.into_iter().take(20).map(|(path, fault)| (path, fault.to_string())).collect();
    Ok(Some(ShownDefinition { hash, first_seen: Timestamp::from_micros(first), shown, json, findings }))
}
