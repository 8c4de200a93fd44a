//! Whole days kept in memory: the sessions that started on each, its failures, its people and the figures of its tools, as columns that
//! answers are counted from. A day that is over hardly changes, so a question over a month reads today from the file and the rest from here.
//!
//! The ledger counts every change to a day (table `kept`, by triggers); a day is taken from memory only where that count is the one
//! its rows were read at, in the snapshot of the question. So an answer is the same with and without (a debug build compares
//! them). The least asked days go when all take more than [`MOST_BYTES`].

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use rusqlite::Row;
use trackway_event::Kind;

use super::figures::{self, Sum};
use super::{Reader, ledger};
use crate::Result;
use crate::sqlite::commit::{CellView, DAY_US};
use crate::sqlite::control::{hold, sql};

/// Bytes of one ledger's days.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Days up to which a period is looked at day by day; a longer one is read from the file.
const MOST_DAYS: i64 = 400;

/// A session that started.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Started {
    /// µs.
    pub(super) at: i64,
    /// Its last event, µs.
    pub(super) last: i64,
    /// Its client, 0: none named.
    pub(super) client: i64,
}

/// A session that started, with a failure or a wish.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flagged {
    pub(super) failed: bool,
    pub(super) asked: bool,
}

/// A failure of an error group.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Failure {
    pub(super) issue: i64,
    /// µs.
    pub(super) at: i64,
    pub(super) session: Option<i64>,
    /// Whom it names, or its session is put down to, before any merge.
    pub(super) person: Option<i64>,
}

/// A tool, resource or prompt on a day, whatever the client.
#[derive(Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) kind: Kind,
    /// The number of its name.
    pub(super) tool: i64,
    counts: CellView<'static>,
    sketch: Box<[u8]>,
}

impl Figure {
    pub(super) fn cell(&self) -> CellView<'_> {
        CellView { sketch: &self.sketch, ..self.counts }
    }
}

/// What is kept of days.
pub(super) trait Fact: PartialEq + Debug + Sized {
    /// Reads those of one day.
    fn read_day(reader: &Reader, day: i64) -> Result<Vec<Self>>;
    fn of(day: &mut Day) -> &mut Option<Arc<[Self]>>;
}

/// What happened at a time, so that a part of a day can be told.
pub(super) trait Timed: Fact {
    /// Reads those of a stretch of time.
    const QUESTION: &'static str;
    fn read(row: &Row<'_>) -> rusqlite::Result<Self>;
}

impl Fact for Started {
    fn read_day(reader: &Reader, day: i64) -> Result<Vec<Self>> {
        all_of(reader, day)
    }

    fn of(day: &mut Day) -> &mut Option<Arc<[Self]>> {
        &mut day.sessions
    }
}

impl Timed for Started {
    const QUESTION: &'static str = sql!("session.started");

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { at: row.get(0)?, last: row.get(1)?, client: row.get::<_, Option<i64>>(2)?.unwrap_or(0) })
    }
}

impl Fact for Flagged {
    fn read_day(reader: &Reader, day: i64) -> Result<Vec<Self>> {
        all_of(reader, day)
    }

    fn of(day: &mut Day) -> &mut Option<Arc<[Self]>> {
        &mut day.flagged
    }
}

impl Timed for Flagged {
    const QUESTION: &'static str = sql!("session.flagged");

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { failed: row.get(1)?, asked: row.get(2)? })
    }
}

impl Fact for Failure {
    fn read_day(reader: &Reader, day: i64) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = all_of(reader, day)?;
        // Those of one group together: they are counted one after the other.
        all.sort_unstable();
        Ok(all)
    }

    fn of(day: &mut Day) -> &mut Option<Arc<[Self]>> {
        &mut day.failures
    }
}

impl Timed for Failure {
    const QUESTION: &'static str = sql!("event.failed");

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { issue: row.get(0)?, at: row.get(1)?, session: row.get(2)?, person: row.get(3)? })
    }
}

/// Somebody with an event that names them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Present(pub(super) i64);

impl Fact for Present {
    fn read_day(reader: &Reader, day: i64) -> Result<Vec<Self>> {
        let mut statement = reader.conn.prepare_cached(sql!("person_day.between"))?;
        let people = statement.query_map((day, day + 1), |r| r.get(0).map(Self))?;
        Ok(people.collect::<rusqlite::Result<_>>()?)
    }

    fn of(day: &mut Day) -> &mut Option<Arc<[Self]>> {
        &mut day.people
    }
}

impl Fact for Figure {
    fn read_day(reader: &Reader, day: i64) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for kind in [Kind::ToolCall, Kind::ResourceRead, Kind::PromptGet] {
            let mut sums: BTreeMap<i64, Sum> = BTreeMap::new();
            figures::tools_of_days(reader, kind, day..day + 1, |item| {
                sums.entry(item.tool).or_default().add(&item.cell);
            })?;
            all.extend(sums.into_iter().map(|(tool, sum)| Self {
                kind,
                tool,
                counts: sum.counts,
                sketch: sum.encoded_sketch().into(),
            }));
        }
        Ok(all)
    }

    fn of(day: &mut Day) -> &mut Option<Arc<[Self]>> {
        &mut day.figures
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
    flagged: Option<Arc<[Flagged]>>,
    failures: Option<Arc<[Failure]>>,
    people: Option<Arc<[Present]>>,
    figures: Option<Arc<[Figure]>>,
}

impl Day {
    fn bytes(&self) -> usize {
        let sessions = self.sessions.as_deref().map_or(0, std::mem::size_of_val);
        let flagged = self.flagged.as_deref().map_or(0, std::mem::size_of_val);
        let failures = self.failures.as_deref().map_or(0, std::mem::size_of_val);
        let people = self.people.as_deref().map_or(0, std::mem::size_of_val);
        let figures = self.figures.as_deref().unwrap_or_default();
        let sketches: usize = figures.iter().map(|figure| figure.sketch.len()).sum();
        size_of::<Self>() + sessions + flagged + failures + people + std::mem::size_of_val(figures) + sketches
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
            let Some(oldest) = all.days.iter().min_by_key(|(n, day)| (day.asked, **n)).map(|(n, _)| *n)
            else {
                return;
            };
            let gone = all.days.remove(&oldest).map_or(0, |day| day.bytes());
            all.bytes = all.bytes.saturating_sub(gone);
        }
    }
}

/// Gives every fact of `[from, to)`, µs, day by day, in no order within one.
pub(super) fn visit<T: Timed>(reader: &Reader, from: i64, to: i64, mut each: impl FnMut(&T)) -> Result<()> {
    whole(reader, from, to, &mut |part| match part {
        Part::Stretch(part) => stretch(reader, part, &mut |fact| each(&fact)),
        Part::Days(range) => days(reader, range, |_, facts| facts.iter().for_each(&mut each)),
    })
}

/// A part of a period: to be read from the file, or whole days.
enum Part {
    Stretch(Range<i64>),
    Days(Range<i64>),
}

fn whole(reader: &Reader, from: i64, to: i64, each: &mut dyn FnMut(Part) -> Result<()>) -> Result<()> {
    // No walk through years without an event.
    let (Some(first), Some(last)) = (ledger::first_event_at(reader)?, ledger::last_event_at(reader)?) else {
        return Ok(());
    };
    let (first, end) = (first.micros().div_euclid(DAY_US), last.micros().div_euclid(DAY_US) + 1);
    let (from, to) = (from.max(first * DAY_US), to.min(end * DAY_US));
    let days = -(-from).div_euclid(DAY_US)..to.div_euclid(DAY_US);
    if days.is_empty() || !are_few(&days) {
        return each(Part::Stretch(from..to));
    }
    each(Part::Stretch(from..days.start * DAY_US))?;
    each(Part::Days(days.clone()))?;
    each(Part::Stretch(days.end * DAY_US..to))
}

/// The failures of `[from, to)`, µs, in pieces; those of one group lie together in each.
pub(super) fn failures(reader: &Reader, from: i64, to: i64) -> Result<Vec<Arc<[Failure]>>> {
    let mut pieces = Vec::new();
    let mut edges = Vec::new();
    whole(reader, from, to, &mut |part| match part {
        Part::Stretch(part) => stretch(reader, part, &mut |failure| edges.push(failure)),
        Part::Days(range) => days(reader, range, |_, facts: &Arc<[Failure]>| pieces.push(facts.clone())),
    })?;
    edges.sort_unstable();
    pieces.push(edges.into());
    Ok(pieces)
}

/// Whether a period has not more days than are looked at one by one.
pub(super) const fn are_few(days: &Range<i64>) -> bool {
    days.end - days.start <= MOST_DAYS
}

/// Gives the facts of each of these days, which [`are_few`].
pub(super) fn days<T: Fact>(
    reader: &Reader,
    days: Range<i64>,
    mut each: impl FnMut(i64, &Arc<[T]>),
) -> Result<()> {
    if days.is_empty() {
        return Ok(());
    }
    let changes = changes(reader, &days)?;
    hold(&reader.kept.0).asked += 1;
    for day in days {
        let changes = changes.get(&day).copied().unwrap_or(0);
        let facts = match reader.kept.find::<T>(day, changes) {
            Some(facts) => {
                if cfg!(debug_assertions) {
                    assert_eq!(*facts, *T::read_day(reader, day)?, "day {day} changed and was not counted");
                }
                facts
            }
            None => {
                let facts: Arc<[T]> = T::read_day(reader, day)?.into();
                reader.kept.keep(day, changes, &facts);
                facts
            }
        };
        each(day, &facts);
    }
    Ok(())
}

fn changes(reader: &Reader, days: &Range<i64>) -> Result<HashMap<i64, i64>> {
    let mut statement = reader.conn.prepare_cached(sql!("kept.between"))?;
    let rows = statement.query_map((days.start, days.end), |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn all_of<T: Timed>(reader: &Reader, day: i64) -> Result<Vec<T>> {
    let mut statement = reader.conn.prepare_cached(T::QUESTION)?;
    let facts = statement.query_map((day * DAY_US, (day + 1) * DAY_US), T::read)?;
    Ok(facts.collect::<rusqlite::Result<_>>()?)
}

fn stretch<T: Timed>(reader: &Reader, stretch: Range<i64>, each: &mut impl FnMut(T)) -> Result<()> {
    if stretch.is_empty() {
        return Ok(());
    }
    let mut statement = reader.conn.prepare_cached(T::QUESTION)?;
    let mut rows = statement.query((stretch.start, stretch.end))?;
    while let Some(row) = rows.next()? {
        each(T::read(row)?);
    }
    Ok(())
}
