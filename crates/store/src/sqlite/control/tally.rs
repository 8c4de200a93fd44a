//! Counts of what was not stored. Added up in memory and written at most once a second: the counts since the last write
//! may be lost in a crash, stored events never (D37).

use std::collections::BTreeMap;

use trackway_event::DropReason;

use super::{ControlDb, hold, sql};
use crate::{Intake, ProjectKey, Result, Tally};

pub(super) const DROPPED: i64 = 1;
const BODIES_REFUSED: i64 = 2;
const LOST: i64 = 3;

impl ControlDb {
    /// Adds counts; written by the next [`Self::flush_tallies`].
    pub(in crate::sqlite) fn count(&self, counts: &[(Option<ProjectKey>, Tally)]) {
        hold(&self.pending).extend(counts.iter().cloned());
    }

    /// Writes the counts added since the last time.
    pub(in crate::sqlite) fn flush_tallies(&self) -> Result<()> {
        // Held over the write, so that no question sees a count twice or not at all.
        let mut pending = hold(&self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        let mut sums: BTreeMap<(i64, i64, &str), u64> = BTreeMap::new();
        for (project, tally) in pending.iter() {
            let project = project.map_or(0, |p| p.0);
            for (reason, n) in &tally.dropped {
                *sums.entry((project, DROPPED, reason.as_str())).or_default() += n;
            }
            for (reason, n) in &tally.lost {
                *sums.entry((project, LOST, reason)).or_default() += n;
            }
            if tally.bodies_refused > 0 {
                *sums.entry((project, BODIES_REFUSED, "")).or_default() += tally.bodies_refused;
            }
        }
        self.change(|tx| {
            let mut add = tx.prepare_cached(sql!("tally.add"))?;
            for ((project, kind, name), n) in &sums {
                add.execute((project, kind, name, *n as i64))?;
            }
            Ok(())
        })?;
        drop(sums);
        pending.clear();
        Ok(())
    }

    /// Everything but `stored` and `duplicates`, which the ledgers count themselves.
    pub(in crate::sqlite) fn tallied(&self, project: Option<ProjectKey>) -> Result<Intake> {
        let mut intake = Intake::default();
        let pending = hold(&self.pending);
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(sql!("tally.list"))?;
            let mut rows = statement.query([project.map(|p| p.0)])?;
            while let Some(row) = rows.next()? {
                let (kind, name, n): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let n = n.max(0) as u64;
                match kind {
                    DROPPED => {
                        if let Some(reason) = DropReason::parse(&name).filter(|_| n > 0) {
                            *intake.dropped.entry(reason).or_default() += n;
                        }
                    }
                    BODIES_REFUSED => intake.bodies_refused += n,
                    LOST => *intake.lost.entry(name).or_default() += n,
                    other => tracing::warn!(kind = other, "unknown count in the control file"),
                }
            }
            Ok(())
        })?;
        for (_, tally) in pending.iter().filter(|(of, _)| project.is_none() || *of == project) {
            for (reason, n) in &tally.dropped {
                *intake.dropped.entry(*reason).or_default() += n;
            }
            for (reason, n) in &tally.lost {
                *intake.lost.entry(reason.clone()).or_default() += n;
            }
            intake.bodies_refused += tally.bodies_refused;
        }
        Ok(intake)
    }
}
