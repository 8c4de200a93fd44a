//! Refused bodies, bounded in rows and bytes (AC R35): the oldest make room and are counted as `evicted`.

use rusqlite::{OptionalExtension, Transaction};
use trackway_event::{DropReason, Timestamp, limits};

use super::tally::DROPPED;
use super::{ControlDb, hold, sql};
use crate::{NewQuarantined, Quarantined, QuarantinedBody, Result};

/// What is kept now, so that no insert has to count.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    rows: usize,
    bytes: usize,
}

impl ControlDb {
    /// Keeps a refused body; the oldest make room.
    pub(in crate::sqlite) fn quarantine(&self, entry: &NewQuarantined, now: Timestamp) -> Result<()> {
        let mut kept = hold(&self.kept);
        let body = entry.body.get(..limits::QUARANTINE_BODY_BYTES).unwrap_or(&entry.body);
        let after = self.change(|tx| {
            let mut size = match *kept {
                Some(kept) => kept,
                None => tx.prepare(sql!("quarantine.size"))?.query_row([], |r| {
                    Ok(Kept { rows: r.get::<_, i64>(0)? as usize, bytes: r.get::<_, i64>(1)? as usize })
                })?,
            };
            while size.rows > 0
                && (size.rows + 1 > limits::QUARANTINE_ROWS
                    || size.bytes + body.len() > limits::QUARANTINE_BYTES)
            {
                let Some(bytes) = evict(tx)? else { break };
                size = Kept { rows: size.rows - 1, bytes: size.bytes.saturating_sub(bytes) };
            }
            tx.prepare_cached(sql!("quarantine.insert"))?.execute((
                now.micros(),
                entry.reason.code(),
                &entry.project_text,
                &entry.route,
                &entry.user_agent,
                entry.bytes as i64,
                entry.events as i64,
                entry.replayable && body.len() == entry.body.len(),
                body,
            ))?;
            Ok(Kept { rows: size.rows + 1, bytes: size.bytes + body.len() })
        });
        // Unknown after a failure: counted again next time.
        *kept = after.as_ref().ok().copied();
        after.map(|_| ())
    }

    /// The newest refused bodies, without their bytes.
    pub fn quarantined(&self, limit: usize) -> Result<Vec<Quarantined>> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("quarantine.list"))?;
            let rows = statement.query_map([limit as i64], |r| {
                // SQLite's substr of an empty body is NULL.
                let preview: Option<Vec<u8>> = r.get(9)?;
                Ok(Quarantined {
                    id: r.get(0)?,
                    at: Timestamp::from_micros(r.get(1)?),
                    reason: DropReason::from_code(r.get(2)?).unwrap_or(DropReason::BadEvent),
                    project_text: r.get(3)?,
                    route: r.get(4)?,
                    user_agent: r.get(5)?,
                    bytes: r.get::<_, i64>(6)? as u64,
                    events: r.get::<_, i64>(7)? as u64,
                    replayable: r.get(8)?,
                    preview: String::from_utf8_lossy(&preview.unwrap_or_default()).into_owned(),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Takes out the kept bodies that named this project text, oldest first.
    pub(in crate::sqlite) fn take_quarantined(&self, project_text: &str) -> Result<Vec<QuarantinedBody>> {
        let mut kept = hold(&self.kept);
        let any = self
            .ask(|conn| Ok(conn.prepare_cached(sql!("quarantine.of_project"))?.exists([project_text])?))?;
        if !any {
            return Ok(Vec::new());
        }
        *kept = None;
        self.change(|tx| {
            let mut bodies = Vec::new();
            let mut statement = tx.prepare(sql!("quarantine.of_project"))?;
            let mut rows = statement.query([project_text])?;
            let mut delete = tx.prepare(sql!("quarantine.delete"))?;
            while let Some(row) = rows.next()? {
                bodies.push(QuarantinedBody {
                    at: Timestamp::from_micros(row.get(1)?),
                    route: row.get(2)?,
                    user_agent: row.get(3)?,
                    body: row.get(4)?,
                });
                delete.execute([row.get::<_, i64>(0)?])?;
            }
            Ok(bodies)
        })
    }
}

/// Drops the oldest body; its events were counted as dropped for its reason and are now `evicted`.
fn evict(tx: &Transaction<'_>) -> Result<Option<usize>> {
    let oldest = tx
        .prepare_cached(sql!("quarantine.oldest"))?
        .query_row([], |r| {
            Ok((r.get::<_, i64>(0)?, r.get::<_, u8>(1)?, r.get::<_, i64>(2)?, r.get::<_, i64>(3)?))
        })
        .optional()?;
    let Some((id, reason, events, bytes)) = oldest else { return Ok(None) };
    tx.prepare_cached(sql!("quarantine.delete"))?.execute([id])?;
    if let Some(reason) = DropReason::from_code(reason).filter(|_| events > 0)
        && tx.prepare_cached(sql!("tally.take_back"))?.execute((reason.as_str(), events))? > 0
    {
        tx.prepare_cached(sql!("tally.add"))?.execute((0, DROPPED, DropReason::Evicted.as_str(), events))?;
    }
    Ok(Some(bytes as usize))
}
