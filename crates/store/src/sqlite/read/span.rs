//! Periods as the parts that answer them: whole days and hours from rollups, what is left at the edges from rows; and
//! the buckets of series (dashboard §5).

use std::ops::Range;

use trackway_core::period;
use trackway_event::Timestamp;

use crate::query::{Period, Scope, TimeZone};
use crate::sqlite::commit::{DAY_US, HOUR_US};

const MINUTE_US: i64 = 60_000_000;
const WEEK_US: i64 = 7 * DAY_US;
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

/// The buckets of a series, one after the other without a gap.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Buckets {
    /// Where each begins and the last one ends, µs; always at least two.
    edges: Vec<i64>,
}

/// The bounds of a period, µs, within the years that anything can happen in, so that arithmetic on them is safe.
pub(super) fn bounds(period: Period) -> (i64, i64) {
    /// 2200-01-01.
    const FAR_US: i64 = 7_258_118_400_000_000;
    (period.from.micros().clamp(0, FAR_US), period.to.micros().clamp(0, FAR_US))
}

impl Buckets {
    /// The buckets of a scope: 1 min up to 2 h, 10 min up to 12 h, 1 h up to 4 d, 1 d up to 100 d, then weeks; days and
    /// weeks are those of the scope's zone.
    pub(super) fn of(scope: &Scope) -> Self {
        Self::within(scope, &scope.zone)
    }

    /// The same widths for sparklines: from a day on in UTC days, which the rollups hold.
    pub(super) fn in_utc(scope: &Scope) -> Self {
        Self::within(scope, &TimeZone::UTC)
    }

    /// The whole period as one.
    pub(super) fn whole(scope: &Scope) -> Self {
        let (start, end) = bounds(scope.period);
        Self { edges: vec![start, end.max(start + 1)] }
    }

    fn within(scope: &Scope, zone: &TimeZone) -> Self {
        let (from, to) = bounds(scope.period);
        let to = to.max(from + 1);
        let span = to - from;
        let even = |length: i64| {
            let shift = period::offset_us(zone, Timestamp::from_micros(from)).rem_euclid(length);
            let start = (from + shift).div_euclid(length) * length - shift;
            let count = (to - start + length - 1).div_euclid(length);
            Self { edges: (0..=count).map(|i| start + i * length).collect() }
        };
        let days = |every: i64| {
            let (from, to) = (Timestamp::from_micros(from), Timestamp::from_micros(to));
            let edges = period::day_edges(from, to, every, zone);
            match edges {
                Some(edges) => Self { edges: edges.iter().map(|e| e.micros()).collect() },
                None => even(every * DAY_US),
            }
        };
        if span <= 2 * HOUR_US {
            even(MINUTE_US)
        } else if span <= 12 * HOUR_US {
            even(10 * MINUTE_US)
        } else if span <= 4 * DAY_US {
            even(HOUR_US)
        } else if span <= 100 * DAY_US {
            days(1)
        } else {
            days(7 * (span / (WEEK_US * BUCKETS) + 1))
        }
    }

    /// How many.
    pub(super) fn count(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    /// Whether hours are too coarse for them.
    pub(super) fn finer_than_rollups(&self) -> bool {
        self.edges.windows(2).any(|pair| matches!(pair, [start, end] if end - start < HOUR_US))
    }

    /// The bucket a time lies in.
    pub(super) fn place(&self, at: i64) -> Option<usize> {
        let after = self.edges.partition_point(|edge| *edge <= at);
        after.checked_sub(1).filter(|i| *i < self.count())
    }

    /// Start and end of a bucket.
    pub(super) fn bounds(&self, place: usize) -> (Timestamp, Timestamp) {
        let edge = |i: usize| Timestamp::from_micros(self.edges.get(i).copied().unwrap_or(0));
        (edge(place), edge(place + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trackway_core::filter::Filter;

    fn scope(from: i64, to: i64, zone: TimeZone) -> Scope {
        let period = Period { from: Timestamp::from_micros(from), to: Timestamp::from_micros(to) };
        Scope { period, filter: Filter::default(), zone }
    }

    fn hours(offset: i64) -> TimeZone {
        period::fixed_zone(offset * HOUR_US)
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
            let buckets = Buckets::of(&scope(from, from + length, hours(offset)));
            prop_assert!(buckets.edges.is_sorted_by(|a, b| a < b));
            prop_assert!(buckets.count() <= 800);
            prop_assert_eq!(buckets.place(from), Some(0));
            prop_assert_eq!(buckets.place(from + length - 1), Some(buckets.count() - 1));
            prop_assert_eq!((buckets.place(i64::MIN), buckets.place(i64::MAX)), (None, None));
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
            let buckets = Buckets::of(&scope(0, span, TimeZone::UTC));
            let (start, end) = buckets.bounds(0);
            assert_eq!(
                (end.since(start), buckets.finer_than_rollups()),
                (length, length < HOUR_US),
                "{span}"
            );
        }
        // 1970-01-05 was a Monday; in Tokyo it began nine hours earlier.
        let weeks = Buckets::of(&scope(20 * DAY_US, 300 * DAY_US, hours(9)));
        assert_eq!((weeks.edges[0] + 9 * HOUR_US - 4 * DAY_US) % WEEK_US, 0);
        // hours begin where the zone's clock says so
        let half =
            Buckets::of(&scope(20 * DAY_US, 22 * DAY_US, period::fixed_zone(5 * HOUR_US + 30 * MINUTE_US)));
        assert_eq!(half.edges[0].rem_euclid(HOUR_US), 30 * MINUTE_US);
    }

    #[test]
    fn a_day_of_a_clock_change_is_its_own_length() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let at = |text: &str| Timestamp::parse(text).unwrap().micros();
        let buckets = Buckets::of(&scope(at("2026-10-20T00:00:00Z"), at("2026-10-28T00:00:00Z"), zone));
        let lengths: Vec<i64> = buckets.edges.windows(2).map(|w| (w[1] - w[0]) / HOUR_US).collect();
        assert_eq!(lengths, [24, 24, 24, 24, 24, 25, 24, 24, 24]);
    }
}
