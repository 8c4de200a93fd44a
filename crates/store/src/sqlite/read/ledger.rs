//! What is known of a ledger as a whole.

use trackway_event::Timestamp;

use super::Reader;
use crate::Result;
use crate::sqlite::control::sql;

/// Events stored and seen again.
pub(in crate::sqlite) fn counters(reader: &Reader) -> Result<(u64, u64)> {
    let mut statement = reader.conn.prepare_cached(sql!("counter.list"))?;
    let mut rows = statement.query([])?;
    let (mut stored, mut duplicates) = (0, 0);
    while let Some(row) = rows.next()? {
        let (name, n): (String, i64) = (row.get(0)?, row.get(1)?);
        match name.as_str() {
            "stored" => stored = n as u64,
            "duplicates" => duplicates = n as u64,
            other => tracing::warn!(name = other, "unknown count in a ledger"),
        }
    }
    Ok((stored, duplicates))
}

/// Start of the newest event.
pub(in crate::sqlite) fn last_event_at(reader: &Reader) -> Result<Option<Timestamp>> {
    let mut statement = reader.conn.prepare_cached(sql!("event.newest"))?;
    let at: Option<i64> = statement.query_row([], |r| r.get(0))?;
    Ok(at.map(Timestamp::from_micros))
}
