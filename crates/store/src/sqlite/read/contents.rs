//! What the newest reads of resources brought, and which arguments the newest gets of prompts filled (dashboard §7.5).
//!
//! Called for the rows of one page of their list. Bounded by [`EACH`] requests a row; what is told of
//! them is defined in [`trackway_core::metric::contents`]. The filter of a scope is not asked: it says how a thing is used, not
//! what it is.

use std::collections::HashMap;

use serde_json::Value;
use trackway_core::metric::contents::Contents;
use trackway_event::{Kind, Payload, Status};

use super::payloads::{Payloads, Place};
use super::{Reader, figures};
use crate::Result;
use crate::query::{Scope, ToolRow};
use crate::sqlite::control::sql;

/// Requests of one row that are looked at, the newest.
const EACH: i64 = 10;
/// Adds it to these rows.
pub(super) fn describe(reader: &Reader, scope: &Scope, kind: Kind, rows: &mut [ToolRow]) -> Result<()> {
    let (from, to) = (scope.period.from.micros(), scope.period.to.micros());
    let mut statement = reader.conn.prepare_cached(sql!("event.newest_of_thing"))?;
    let mut order: Vec<(i64, usize, Place)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let Some(id) = figures::name_of(reader, &row.name)? else { continue };
        let mut found = statement.query((kind.code(), id, from, to, EACH))?;
        while let Some(r) = found.next()? {
            if r.get::<_, Option<u8>>(1)?.and_then(Status::from_code) == Some(Status::Ok) {
                order.push((r.get(0)?, at, (r.get(2)?, r.get(3)?, r.get(4)?)));
            }
        }
    }
    // Neighbours lie in the same block.
    order.sort_unstable();
    let mut payloads = Payloads::default();
    let mut contents: HashMap<usize, Contents> = HashMap::new();
    for (_, at, place) in order {
        // Removed by age: nothing can be said of it.
        let Some(part) = payloads.part(reader, place)? else { continue };
        let json = |payload: Option<Payload>| -> Value {
            payload.and_then(|text| serde_json::from_str(text.get()).ok()).unwrap_or_default()
        };
        contents.entry(at).or_default().add(&json(part.arguments), &json(part.result));
    }
    for (at, row) in rows.iter_mut().enumerate() {
        row.content = contents.remove(&at).map(Contents::told);
    }
    Ok(())
}
