//! Periods as the parts that answer them: whole days and hours from rollups, what is left at the edges from rows; and
//! the buckets of series (dashboard §5).

use std::ops::Range;

use trackway_event::Timestamp;

use crate::query::{Period, Scope};
use crate::sqlite::commit::{DAY_US, HOUR_US};

const MINUTE_US: i64 = 60_000_000;
const WEEK_US: i64 = 7 * DAY_US;
/// The epoch's first Monday.
const MONDAY_US: i64 = 4 * DAY_US;
/// Buckets of one series; a longer period gets wider ones.
const BUCKETS: i64 = 600;

/// A period in parts that do not overlap and leave nothing out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parts {
    /// Whole UTC days since 1970.
    pub(super) days: Range<i64>,
    /// Whole hours since 1970.
    pub(super) hours: Vec<Range<i64>>,
    /// Stretches of rows, µs.
    pub(super) rows: Vec<Range<i64>>,
}

/// The parts of `[from, to)`, µs.
pub(super) fn parts(from: i64, to: i64) -> Parts {
    let mut parts = Parts::default();
    let (first, last) = (-(-from).div_euclid(HOUR_US), to.div_euclid(HOUR_US));
    if first >= last {
        parts.rows.extend((from < to).then_some(from..to));
        return parts;
    }
    for edge in [from..first * HOUR_US, last * HOUR_US..to] {
        parts.rows.extend((edge.start < edge.end).then_some(edge));
    }
    let (day, until) = (-(-first).div_euclid(24), last.div_euclid(24));
    if day >= until {
        parts.hours.push(first..last);
        return parts;
    }
    parts.days = day..until;
    for edge in [first..day * 24, until * 24..last] {
        parts.hours.extend((edge.start < edge.end).then_some(edge));
    }
    parts
}

/// Buckets of equal length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Buckets {
    /// Start of the first, µs.
    pub(super) start: i64,
    /// Length of each, µs.
    pub(super) length: i64,
    /// How many.
    pub(super) count: usize,
}

/// The bounds of a period, µs, within the years that anything can happen in, so that arithmetic on them is safe.
pub(super) fn bounds(period: Period) -> (i64, i64) {
    /// 2200-01-01.
    const FAR_US: i64 = 7_258_118_400_000_000;
    (period.from.micros().clamp(0, FAR_US), period.to.micros().clamp(0, FAR_US))
}

impl Buckets {
    /// The buckets of a scope: 1 min up to 2 h, 10 min up to 12 h, 1 h up to 4 d, 1 d up to 100 d, then weeks.
    pub(super) fn of(scope: &Scope) -> Self {
        let (from, to) = bounds(scope.period);
        let span = to - from;
        let length = if span <= 2 * HOUR_US {
            MINUTE_US
        } else if span <= 12 * HOUR_US {
            10 * MINUTE_US
        } else if span <= 4 * DAY_US {
            HOUR_US
        } else if span <= 100 * DAY_US {
            DAY_US
        } else {
            WEEK_US * (span / (WEEK_US * BUCKETS) + 1)
        };
        let shift =
            if length >= WEEK_US { MONDAY_US } else { 0 } - scope.utc_offset_us.clamp(-DAY_US, DAY_US);
        Self::aligned(from, to, length, shift)
    }

    /// The same widths for sparklines: from a day on in UTC days, which the rollups hold.
    pub(super) fn in_utc(scope: &Scope) -> Self {
        let of = Self::of(scope);
        let shift = if of.length >= WEEK_US { MONDAY_US } else { 0 };
        let (from, to) = bounds(scope.period);
        Self::aligned(from, to, of.length, shift)
    }

    /// The whole period as one.
    pub(super) fn whole(scope: &Scope) -> Self {
        let (start, end) = bounds(scope.period);
        Self { start, length: (end - start).max(1), count: 1 }
    }

    fn aligned(from: i64, to: i64, length: i64, shift: i64) -> Self {
        let start = (from - shift).div_euclid(length) * length + shift;
        let count = (to - start).max(0) as u64;
        Self { start, length, count: count.div_ceil(length as u64) as usize }
    }

    /// The bucket a time lies in.
    pub(super) fn place(&self, at: i64) -> Option<usize> {
        usize::try_from((at - self.start).div_euclid(self.length)).ok().filter(|i| *i < self.count)
    }

    /// Start and end of a bucket.
    pub(super) const fn bounds(&self, place: usize) -> (Timestamp, Timestamp) {
        let start = self.start + place as i64 * self.length;
        (Timestamp::from_micros(start), Timestamp::from_micros(start + self.length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trackway_core::filter::Filter;

    fn scope(from: i64, to: i64, utc_offset_us: i64) -> Scope {
        let period = Period { from: Timestamp::from_micros(from), to: Timestamp::from_micros(to) };
        Scope { period, filter: Filter::default(), utc_offset_us }
    }

    proptest! {
        #[test]
        fn parts_cover_a_period_once(from in 0i64..100 * DAY_US, length in 0i64..20 * DAY_US) {
            let to = from + length;
            let parts = parts(from, to);
            let mut pieces: Vec<Range<i64>> = parts.rows.clone();
            pieces.extend(parts.hours.iter().map(|h| h.start * HOUR_US..h.end * HOUR_US));
            pieces.push(parts.days.start * DAY_US..parts.days.end * DAY_US);
            pieces.retain(|p| p.start < p.end);
            pieces.sort_by_key(|p| p.start);
            prop_assert!(parts.rows.iter().all(|r| r.end - r.start <= HOUR_US || pieces.len() == 1));
            let mut at = from;
            for piece in pieces {
                prop_assert_eq!(piece.start, at);
                at = piece.end;
            }
            prop_assert_eq!(at, to);
        }

        #[test]
        fn buckets_cover_a_period(from in 0i64..900 * DAY_US, length in 1i64..9_000 * DAY_US, offset in -14i64..=14) {
            let buckets = Buckets::of(&scope(from, from + length, offset * HOUR_US));
            prop_assert!(buckets.start <= from && from < buckets.start + buckets.length);
            prop_assert!(buckets.count <= 800);
            prop_assert_eq!(buckets.place(from), Some(0));
            prop_assert_eq!(buckets.place(from + length - 1), Some(buckets.count - 1));
        }
    }

    #[test]
    fn widths_are_those_of_the_dashboard() {
        for (span, length) in [
            (2 * HOUR_US, MINUTE_US),
            (2 * HOUR_US + 1, 10 * MINUTE_US),
            (12 * HOUR_US, 10 * MINUTE_US),
            (4 * DAY_US, HOUR_US),
            (4 * DAY_US + 1, DAY_US),
            (100 * DAY_US, DAY_US),
            (101 * DAY_US, WEEK_US),
        ] {
            assert_eq!(Buckets::of(&scope(0, span, 0)).length, length, "{span}");
        }
        // 1970-01-05 was a Monday; in Tokyo it began nine hours earlier.
        let weeks = Buckets::of(&scope(20 * DAY_US, 300 * DAY_US, 9 * HOUR_US));
        assert_eq!((weeks.start + 9 * HOUR_US - MONDAY_US) % WEEK_US, 0);
    }
}
