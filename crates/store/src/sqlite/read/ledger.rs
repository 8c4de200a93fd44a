//! What is known of a ledger as a whole.

use rusqlite::OptionalExtension;
use trackway_event::Timestamp;

use super::Reader;
use crate::Result;
use crate::sqlite::control::sql;

/// The ledger's own counts, of all time.
#[derive(Default)]
pub(in crate::sqlite) struct Known {
    pub(in crate::sqlite) stored: u64,
    pub(in crate::sqlite) duplicates: u64,
    pub(in crate::sqlite) calls: u64,
}

/// What the ledger counted.
pub(in crate::sqlite) fn known(reader: &Reader) -> Result<Known> {
    let mut statement = reader.conn.prepare_cached(sql!("counter.list"))?;
    let mut rows = statement.query([])?;
    let mut known = Known::default();
    while let Some(row) = rows.next()? {
        let (name, n): (String, i64) = (row.get(0)?, row.get(1)?);
        match name.as_str() {
            "stored" => known.stored = n as u64,
            "duplicates" => known.duplicates = n as u64,
            "calls" => known.calls = n as u64,
            // Of rows that were removed: for the numbers to give next and for a recount.
            other if other.starts_with("high.") || other.starts_with("removed.") => {}
            other => tracing::warn!(name = other, "unknown count in a ledger"),
        }
    }
    Ok(known)
}

/// Start of the newest event.
pub(in crate::sqlite) fn last_event_at(reader: &Reader) -> Result<Option<Timestamp>> {
    let mut statement = reader.conn.prepare_cached(sql!("event.newest"))?;
    let at: Option<i64> = statement.query_row([], |r| r.get(0))?;
    Ok(at.map(Timestamp::from_micros))
}

/// Start of the oldest event.
pub(super) fn first_event_at(reader: &Reader) -> Result<Option<Timestamp>> {
    let mut statement = reader.conn.prepare_cached(sql!("ledger.first"))?;
    let at: Option<i64> = statement.query_row([], |r| r.get(0))?;
    Ok(at.map(Timestamp::from_micros))
}

/// How many rows were received at or after this time: sequence numbers grow with the time of receipt, so the first of them is
/// found by halving.
pub(in crate::sqlite) fn stored_since(reader: &Reader, at: Timestamp) -> Result<u64> {
    let mut next = reader.conn.prepare_cached(sql!("event.received_from"))?;
    let mut row = |seq: i64| -> Result<Option<(i64, i64)>> {
        Ok(next.query_row([seq], |r| Ok((r.get(0)?, r.get(1)?))).optional()?)
    };
    let end = reader.conn.prepare_cached(sql!("ledger.next"))?.query_row([], |r| r.get::<_, i64>(0))? + 1;
    let (mut low, mut high) = (1, end);
    while low < high {
        let middle = low + (high - low) / 2;
        match row(middle)? {
            Some((seq, received)) if received < at.micros() => low = seq + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(u64::try_from(end - low).unwrap_or(0))
}
