//! Whole days kept in memory: the sessions that started on each, and its failures, as columns that figures are counted from. A day
//! that is over hardly changes, so a question over a month reads today from the file and the rest from here.
//!
//! The ledger counts every change to a day (table `kept`, by triggers); a day is taken from memory only where that count is the one
//! its rows were read at, in the snapshot of the question. So an answer is the same with and without (a debug build compares
//! them). The least asked days go when all take more than [`MOST_BYTES`].

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use rusqlite::Row;

use super::{Reader, ledger};
use crate::Result;
use crate::sqlite::commit::DAY_US;
use crate::sqlite::control::{hold, sql};

/// Bytes of one ledger's days.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Days up to which a period is looked at day by day; a longer one is read from the file.
const MOST_DAYS: i64 = 400;

/// A session that started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Started {
    /// µs.
    pub(super) at: i64,
    /// Its last event, µs.
    pub(super) last: i64,
    /// Its client, 0: none named.
    pub(super) client: i64,
}

/// A failure of an error group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Failure {
    pub(super) issue: i64,
    /// µs.
    pub(super) at: i64,
    pub(super) session: Option<i64>,
    /// Whom it names, or its session is put down to, before any merge.
    pub(super) person: Option<i64>,
}

/// What is kept of days.
pub(super) trait Fact: Copy + Ord + std::fmt::Debug + Sized {
    /// Reads those of a stretch of time.
    const QUESTION: &'static str;
    fn read(row: &Row<'_>) -> rusqlite::Result<Self>;
    fn of(day: &mut Day) -> &mut Option<Arc<[Self]>>;
}

impl Fact for Started {
    const QUESTION: &'static str = sql!("session.started");

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { at: row.get(0)?, last: row.get(1)?, client: row.get::<_, Option<i64>>(2)?.unwrap_or(0) })
    }

    fn of(day: &mut Day) -> &mut Option<Arc<[Self]>> {
        &mut day.sessions
    }
}

impl Fact for Failure {
    const QUESTION: &'static str = sql!("event.failed");

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { issue: row.get(0)?, at: row.get(1)?, session: row.get(2)?, person: row.get(3)? })
    }

    fn of(day: &mut Day) -> &mut Option<Arc<[Self]>> {
        &mut day.failures
    }
}

/// The days of one ledger that its readers share.
#[derive(Default)]
pub(in crate::sqlite) struct Kept(Mutex<Days>);

#[derive(Default)]
struct Days {
    days: HashMap<i64, Day>,
    bytes: usize,
    /// Questions so far.
    asked: u64,
}

/// One day, as it was when the ledger had counted so many changes to it.
#[derive(Default)]
pub(super) struct Day {
    changes: i64,
    /// The question it was last taken for.
    asked: u64,
    sessions: Option<Arc<[Started]>>,
    failures: Option<Arc<[Failure]>>,
}

impl Day {
    fn bytes(&self) -> usize {
        let sessions = self.sessions.as_deref().map_or(0, std::mem::size_of_val);
        let failures = self.failures.as_deref().map_or(0, std::mem::size_of_val);
        size_of::<Self>() + sessions + failures
    }
}

impl Kept {
    /// Forgets everything: nobody has asked for a while.
    pub(in crate::sqlite) fn clear(&self) {
        *hold(&self.0) = Days::default();
    }

    fn find<T: Fact>(&self, day: i64, changes: i64) -> Option<Arc<[T]>> {
        let mut days = hold(&self.0);
        let asked = days.asked;
        let day = days.days.get_mut(&day).filter(|day| day.changes == changes)?;
        day.asked = asked;
        T::of(day).clone()
    }

    fn keep<T: Fact>(&self, number: i64, changes: i64, facts: &Arc<[T]>) {
        let mut all = hold(&self.0);
        let asked = all.asked;
        let day = all.days.entry(number).or_default();
        // A question with an older snapshot may come later.
        if day.changes > changes {
            return;
        }
        let before = if day.asked == 0 { 0 } else { day.bytes() };
        if day.changes != changes {
            *day = Day { changes, ..Day::default() };
        }
        day.asked = asked;
        *T::of(day) = Some(facts.clone());
        let after = day.bytes();
        all.bytes = (all.bytes + after).saturating_sub(before);
        while all.bytes > MOST_BYTES {
            let Some(oldest) = all.days.iter().min_by_key(|(n, day)| (day.asked, **n)).map(|(n, _)| *n) else {
                return;
            };
            let gone = all.days.remove(&oldest).map_or(0, |day| day.bytes());
            all.bytes = all.bytes.saturating_sub(gone);
        }
    }
}

/// Gives every fact of `[from, to)`, µs, those of one day in order, the days one after the other.
pub(super) fn visit<T: Fact>(reader: &Reader, from: i64, to: i64, mut each: impl FnMut(&T)) -> Result<()> {
    // No walk through years without an event.
    let (Some(first), Some(last)) = (ledger::first_event_at(reader)?, ledger::last_event_at(reader)?) else {
        return Ok(());
    };
    let (from, to) = (from.max(first.micros()), to.min(last.micros() + 1));
    let days = -(-from).div_euclid(DAY_US)..to.div_euclid(DAY_US);
    if days.is_empty() || days.end - days.start > MOST_DAYS {
        return stretch(reader, from..to, &mut each);
    }
    stretch(reader, from..days.start * DAY_US, &mut each)?;
    let changes = changes(reader, &days)?;
    hold(&reader.kept.0).asked += 1;
    for number in days.clone() {
        let changes = changes.get(&number).copied().unwrap_or(0);
        let facts = match reader.kept.find::<T>(number, changes) {
            Some(facts) => {
                debug_assert_eq!(facts, day::<T>(reader, number)?, "day {number} changed and was not counted");
                facts
            }
            None => {
                let facts = day(reader, number)?;
                reader.kept.keep(number, changes, &facts);
                facts
            }
        };
        facts.iter().for_each(&mut each);
    }
    stretch(reader, days.end * DAY_US..to, &mut each)
}

fn changes(reader: &Reader, days: &Range<i64>) -> Result<HashMap<i64, i64>> {
    let mut statement = reader.conn.prepare_cached(sql!("kept.between"))?;
    let rows = statement.query_map((days.start, days.end), |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn day<T: Fact>(reader: &Reader, number: i64) -> Result<Arc<[T]>> {
    let mut facts = Vec::new();
    stretch(reader, number * DAY_US..(number + 1) * DAY_US, &mut |fact: &T| facts.push(*fact))?;
    facts.sort_unstable();
    Ok(facts.into())
}

fn stretch<T: Fact>(reader: &Reader, stretch: Range<i64>, each: &mut impl FnMut(&T)) -> Result<()> {
    if stretch.is_empty() {
        return Ok(());
    }
    let mut statement = reader.conn.prepare_cached(T::QUESTION)?;
    let mut rows = statement.query((stretch.start, stretch.end))?;
    while let Some(row) = rows.next()? {
        each(&T::read(row)?);
    }
    Ok(())
}
