//! Work that a verb asks of the process that holds the ledgers, and the deletions that were done, which a restore repeats.
//!
//! Invariant: once a deletion is done, the id it was asked for is gone here, too; what stays is its print.

use rusqlite::OptionalExtension;
use trackway_event::Timestamp;

use super::{ControlDb, hold, sql};
use crate::{Deletion, Result};

/// Work of the kind "erase a person": asked with an id, or with prints that a restore brought.
pub(in crate::sqlite) const ERASE: &str = "person_delete";
/// What stands before prints in what is asked.
const PRINTS: &str = "prints:";

/// Work that waits.
pub(in crate::sqlite) struct Waiting {
    pub(in crate::sqlite) id: String,
    pub(in crate::sqlite) project: String,
    /// The actor id.
    pub(in crate::sqlite) actor: Option<String>,
    /// Or the prints.
    pub(in crate::sqlite) prints: Vec<String>,
}

impl ControlDb {
    /// Asks the serving process to erase a person. Its answer comes with [`Self::answer`].
    pub fn ask_erase(&self, id: &str, project: &str, actor: &str, now: Timestamp) -> Result<()> {
        self.change(|tx| {
            tx.prepare(sql!("chore.insert"))?.execute((id, project, ERASE, actor, now.micros()))?;
            Ok(())
        })
    }

    /// The answer to work that was asked for, once it is done.
    pub fn answer(&self, id: &str) -> Result<Option<String>> {
        self.ask(|conn| {
            Ok(conn.prepare_cached(sql!("chore.answer"))?.query_row([id], |r| r.get(0)).optional()?.flatten())
        })
    }

    /// Deletions that were done.
    pub fn deletions(&self) -> Result<Vec<Deletion>> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("chore.kept"))?;
            let rows = statement.query_map([ERASE], |r| {
                let ask: String = r.get(2)?;
                Ok(Deletion {
                    id: r.get(0)?,
                    project: r.get(1)?,
                    prints: prints(&ask),
                    asked_at: Timestamp::from_micros(r.get(3)?),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Asks to do a deletion of elsewhere again here, such as one that is younger than the backup this began from.
    pub fn repeat(&self, deletion: &Deletion) -> Result<()> {
        let ask = format!("{PRINTS}{}", deletion.prints.join(","));
        self.change(|tx| {
            let Deletion { id, project, asked_at, .. } = deletion;
            tx.prepare(sql!("chore.again"))?.execute((id, project, ERASE, ask, asked_at.micros()))?;
            Ok(())
        })
    }

    /// Work that waits, the oldest first.
    pub(in crate::sqlite) fn waiting(&self) -> Result<Vec<Waiting>> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("chore.waiting"))?;
            let rows = statement.query_map([], |r| {
                let ask: String = r.get(3)?;
                let prints = prints(&ask);
                let actor = Some(ask).filter(|ask| !ask.starts_with(PRINTS));
                Ok(Waiting { id: r.get(0)?, project: r.get(1)?, actor, prints })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Notes that work is done: its answer, and the prints in the place of what was asked.
    pub(in crate::sqlite) fn finish(
        &self,
        id: &str,
        answer: &str,
        prints: &[String],
        now: Timestamp,
    ) -> Result<()> {
        let ask = format!("{PRINTS}{}", prints.join(","));
        self.zero_what_goes()?;
        self.change(|tx| {
            tx.prepare(sql!("chore.done"))?.execute((id, now.micros(), answer, ask))?;
            Ok(())
        })?;
        let conn = hold(&self.write);
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Forgets kept bodies that name an actor, as a JSON text.
    pub(in crate::sqlite) fn forget_quarantined(&self, actor: &str) -> Result<u64> {
        let text = serde_json::to_string(actor).unwrap_or_default();
        self.zero_what_goes()?;
        let mut kept = hold(&self.kept);
        *kept = None;
        self.change(|tx| Ok(tx.prepare(sql!("quarantine.naming"))?.execute([text])? as u64))
    }

    /// From now on what is removed is overwritten, too.
    fn zero_what_goes(&self) -> Result<()> {
        // The statement answers with the new value.
        hold(&self.write).query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
        Ok(())
    }
}

fn prints(ask: &str) -> Vec<String> {
    let list = ask.strip_prefix(PRINTS).unwrap_or_default();
    list.split(',').filter(|p| !p.is_empty()).map(str::to_owned).collect()
}
