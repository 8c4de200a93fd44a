//! Counts of what was not stored. Added up in memory and written at most once a second: the counts since the last write
//! may be lost in a crash, stored events never (D37).

use std::collections::BTreeMap;

use trackway_event::DropReason;

use super::{ControlDb, hold, sql};
use crate::{Intake, ProjectKey, Result, Tally};

pub(super) const DROPPED: i64 = 1;
const BODIES_REFUSED: i64 = 2;
const LOST: i64 = 3;

/// Different losses kept per project; a sender may call them anything. The rest is [`OTHER`].
const LOSSES: i64 = 64;
/// Characters of a loss's name.
const LOSS_CHARS: usize = 64;
/// Counts that wait; beyond, losses are added to [`OTHER`].
const PENDING: usize = 10_000;
const OTHER: &str = "other";

/// Counts by project (0: none), kind and name.
pub(super) type Pending = BTreeMap<(i64, i64, Box<str>), u64>;

impl ControlDb {
    /// Adds counts; written by the next [`Self::flush_tallies`].
    pub(in crate::sqlite) fn count(&self, counts: &[(Option<ProjectKey>, Tally)]) {
        let mut pending = hold(&self.pending);
        for (project, tally) in counts {
            let project = project.map_or(0, |p| p.0);
            for (reason, n) in &tally.dropped {
                *pending.entry((project, DROPPED, reason.as_str().into())).or_default() += n;
            }
            if tally.bodies_refused > 0 {
                *pending.entry((project, BODIES_REFUSED, "".into())).or_default() += tally.bodies_refused;
            }
            for (reason, n) in &tally.lost {
                let full = pending.len() >= PENDING;
                let name = if full || reason.chars().count() > LOSS_CHARS { OTHER } else { reason };
                *pending.entry((project, LOST, name.into())).or_default() += n;
            }
        }
    }

    /// Writes the counts added since the last time.
    pub(in crate::sqlite) fn flush_tallies(&self) -> Result<()> {
        // Held over the write, so that no question sees a count twice or not at all.
        let mut pending = hold(&self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        self.change(|tx| {
            let mut add = tx.prepare_cached(sql!("tally.add"))?;
            let mut known = tx.prepare_cached(sql!("tally.room"))?;
            for ((project, kind, name), n) in pending.iter() {
                let room = *kind != LOST
                    || known.query_row((project, kind, &**name, LOSSES), |r| r.get::<_, bool>(0))?;
                add.execute((project, kind, if room { name } else { OTHER }, *n as i64))?;
            }
            Ok(())
        })?;
        pending.clear();
        Ok(())
    }

    /// Everything but `stored` and `duplicates`, which the ledgers count themselves.
    pub(in crate::sqlite) fn tallied(&self, project: Option<ProjectKey>) -> Result<Intake> {
        let mut intake = Intake::default();
        let pending = hold(&self.pending);
        let mut add = |kind: i64, name: &str, n: u64| match kind {
            DROPPED => {
                if let Some(reason) = DropReason::parse(name).filter(|_| n > 0) {
                    *intake.dropped.entry(reason).or_default() += n;
                }
            }
            BODIES_REFUSED => intake.bodies_refused += n,
            LOST => *intake.lost.entry(name.to_owned()).or_default() += n,
            other => tracing::warn!(kind = other, "unknown count in the control file"),
        };
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("tally.list"))?;
            let mut rows = statement.query([project.map(|p| p.0)])?;
            while let Some(row) = rows.next()? {
                let (kind, name, n): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                add(kind, &name, n.max(0) as u64);
            }
            Ok(())
        })?;
        for ((of, kind, name), n) in pending.iter() {
            if project.is_none_or(|p| p.0 == *of) {
                add(*kind, name, *n);
            }
        }
        Ok(intake)
    }
}
