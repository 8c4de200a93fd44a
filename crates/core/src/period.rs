//! The period of a question: `from` and `to` of URL, API and command line (`dashboard.md` §3), resolved against a `now` and a
//! time zone that the caller passes in.
//!
//! A moment is `now`, `now-7d`, `now-1d/d` (units `m h d w M`; `/unit` goes to its start), RFC 3339, or a date or local time
//! in the zone. `from` is included, `to` excluded.

use jiff::civil::Weekday;
use jiff::tz::Offset;
pub use jiff::tz::TimeZone;
use jiff::{Span, Unit, Zoned};
use trackway_event::Timestamp;

/// Why a period cannot be read; the text says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// A moment that is none.
    #[error("{0:?} is no time; write now, now-7d, now-1d/d, a date or an RFC 3339 time")]
    BadMoment(String),
    /// A zone that is none.
    #[error("the time zone is unknown; use an IANA name such as Europe/Berlin, or UTC")]
    BadZone,
    /// It ends before it starts.
    #[error("the period ends before it starts; set \"from\" before \"to\"")]
    Backwards,
}

/// Seven days to now.
const DEFAULT_FROM: &str = "now-7d";

/// Resolves `from` and `to`; absent: the last seven days.
pub fn resolve(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<(Timestamp, Timestamp), PeriodError> {
    let from = moment(from.unwrap_or(DEFAULT_FROM), now, zone)?;
    let to = moment(to.unwrap_or("now"), now, zone)?;
    if from < to { Ok((from, to)) } else { Err(PeriodError::Backwards) }
}

/// The zone of this IANA name; UTC where none is named.
pub fn zone(name: Option<&str>) -> Result<TimeZone, PeriodError> {
    match name {
        None | Some("UTC") => Ok(TimeZone::UTC),
        Some(name) => TimeZone::get(name).map_err(|_| PeriodError::BadZone),
    }
}

/// The zone of a fixed offset, µs east of UTC; UTC where it is beyond a day.
pub fn fixed_zone(offset_us: i64) -> TimeZone {
    let seconds = i32::try_from(offset_us / 1_000_000).ok();
    seconds.and_then(|s| Offset::from_seconds(s).ok()).map_or(TimeZone::UTC, TimeZone::fixed)
}

/// The starts of days in a zone, from the one `from` lies in until `to` is passed; the last one is the end of the last day.
/// Days of a clock change have 23 or 25 hours. `every` days make one step; steps of whole weeks start on a Monday.
pub fn day_edges(from: Timestamp, to: Timestamp, every: i64, zone: &TimeZone) -> Option<Vec<Timestamp>> {
    let every = every.max(1);
    let mut day = from.to_jiff()?.to_zoned(zone.clone()).date();
    if every % 7 == 0 {
        let back = i64::from(day.weekday().since(Weekday::Monday));
        day = day.checked_sub(Span::new().try_days(back).ok()?).ok()?;
    }
    let step = Span::new().try_days(every).ok()?;
    let mut edges = Vec::new();
    loop {
        let edge = micros(&day.to_zoned(zone.clone()).ok()?)?;
        edges.push(edge);
        if edge >= to && edges.len() > 1 {
            return Some(edges);
        }
        day = day.checked_add(step).ok()?;
    }
}

/// Offset of a zone at a time, µs east of UTC.
pub fn offset_us(zone: &TimeZone, at: Timestamp) -> i64 {
    at.to_jiff().map_or(0, |at| i64::from(zone.to_offset(at).seconds()) * 1_000_000)
}

/// Resolves one moment.
pub fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, PeriodError> {
    let bad = || PeriodError::BadMoment(text.chars().take(64).collect());
    let text = text.trim();
    let found = match text.strip_prefix("now") {
        Some(rest) => relative(rest, now, zone),
        None => absolute(text, zone),
    };
    found.ok_or_else(bad)
}

fn absolute(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_micros(at.as_microsecond()));
    }
    let local = match text.parse::<jiff::civil::Date>() {
        Ok(date) if !text.contains(':') => date.at(0, 0, 0, 0),
        Ok(_) | Err(_) => text.parse::<jiff::civil::DateTime>().ok()?,
    };
    micros(&local.to_zoned(zone.clone()).ok()?)
}

/// What stands behind `now`: any number of `-7d` or `+1h`, then perhaps `/d`.
fn relative(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let (steps, snap) = match text.split_once('/') {
        Some((steps, unit)) => (steps, Some(unit)),
        None => (text, None),
    };
    let mut at = now.to_jiff()?.to_zoned(zone.clone());
    let mut rest = steps;
    while let Some(sign) = rest.chars().next() {
        let digits = rest.get(1..)?;
        let end = digits.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = digits.get(..end)?.parse().ok().filter(|n| *n <= 100_000)?;
        let unit = digits.get(end..)?;
        let span = match unit.chars().next()? {
            'm' => Span::new().try_minutes(count),
            'h' => Span::new().try_hours(count),
            'd' => Span::new().try_days(count),
            'w' => Span::new().try_weeks(count),
            'M' => Span::new().try_months(count),
            _ => return None,
        };
        let span = span.ok()?;
        at = match sign {
            '-' => at.checked_sub(span).ok()?,
            '+' | ' ' => at.checked_add(span).ok()?,
            _ => return None,
        };
        rest = unit.get(1..)?;
    }
    micros(&match snap {
        Some(unit) => start_of(&at, unit)?,
        None => at,
    })
}

fn start_of(at: &Zoned, unit: &str) -> Option<Zoned> {
    let floor = |unit| at.round(jiff::ZonedRound::new().smallest(unit).mode(jiff::RoundMode::Floor)).ok();
    match unit {
        "m" => floor(Unit::Minute),
        "h" => floor(Unit::Hour),
        "d" => at.start_of_day().ok(),
        "w" => {
            let back = i64::from(at.weekday().since(Weekday::Monday));
            at.checked_sub(Span::new().try_days(back).ok()?).ok()?.start_of_day().ok()
        }
        "M" => at.first_of_month().ok()?.start_of_day().ok(),
        _ => None,
    }
}

fn micros(at: &Zoned) -> Option<Timestamp> {
    Some(Timestamp::from_micros(at.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    #[test]
    fn moments_by_case() {
        let now = Timestamp::parse("2026-03-18T15:04:05.678Z").unwrap();
        for (text, offset_hours, expect) in [
            ("now", 0, "2026-03-18T15:04:05.678Z"),
            ("now-7d", 0, "2026-03-11T15:04:05.678Z"),
            ("now-90m", 0, "2026-03-18T13:34:05.678Z"),
            ("now-1d/d", 0, "2026-03-17T00:00:00.000Z"),
            ("now/d", 10, "2026-03-18T14:00:00.000Z"),
            ("now/d", -8, "2026-03-18T08:00:00.000Z"),
            ("now/h", 0, "2026-03-18T15:00:00.000Z"),
            ("now/m", 0, "2026-03-18T15:04:00.000Z"),
            ("now/w", 0, "2026-03-16T00:00:00.000Z"),
            ("now/M", 2, "2026-02-28T22:00:00.000Z"),
            ("now-1M/M", 0, "2026-02-01T00:00:00.000Z"),
            ("now-1d+2h", 0, "2026-03-17T17:04:05.678Z"),
            ("2026-03-01", 0, "2026-03-01T00:00:00.000Z"),
            ("2026-03-01", 2, "2026-02-28T22:00:00.000Z"),
            ("2026-03-01T10:30", 2, "2026-03-01T08:30:00.000Z"),
            ("2026-03-01T10:30:00+05:30", 2, "2026-03-01T05:00:00.000Z"),
        ] {
            let got = moment(text, now, &fixed_zone(offset_hours * HOUR_US)).unwrap();
            assert_eq!(got.to_string(), expect, "{text} {offset_hours}");
        }
    }

    #[test]
    fn a_step_of_days_keeps_the_clock_over_a_change_of_zone() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let now = Timestamp::parse("2026-03-30T10:00:00Z").unwrap();
        assert_eq!(moment("now-7d", now, &zone).unwrap().to_string(), "2026-03-23T11:00:00.000Z");
    }

    #[test]
    fn days_of_a_clock_change_are_shorter_and_longer() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let at = |text: &str| Timestamp::parse(text).unwrap();
        for (from, to, every, hours) in [
            ("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", 1, vec![24, 23, 24]),
            ("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", 1, vec![24, 25, 24]),
            ("2026-03-25T00:00:00Z", "2026-04-02T00:00:00Z", 7, vec![167, 168]),
        ] {
            let edges = day_edges(at(from), at(to), every, &zone).unwrap();
            let got: Vec<i64> = edges.windows(2).map(|w| w[1].since(w[0]) / HOUR_US).collect();
            assert_eq!(got, hours, "{from}");
            assert!(edges[0] <= at(from) && *edges.last().unwrap() >= at(to));
        }
        // a day that skips midnight starts when the clock goes on
        let zone = TimeZone::posix("<-03>3<-02>,M10.3.0/0,M2.3.0/0").unwrap();
        let edges = day_edges(at("2026-10-18T05:00:00Z"), at("2026-10-18T06:00:00Z"), 1, &zone).unwrap();
        assert_eq!(edges[0].to_string(), "2026-10-18T03:00:00.000Z");
    }

    #[test]
    fn refusals() {
        let now = Timestamp::parse("2026-03-18T15:04:05Z").unwrap();
        for bad in [
            "",
            "yesterday",
            "now-",
            "now-7",
            "now-7y",
            "now-7d/y",
            "now/",
            "now7d",
            "now-999999999999d",
            "now-100001M",
            "2026-13-01",
            "now-1d/d/d",
            "-7d",
        ] {
            assert!(moment(bad, now, &TimeZone::UTC).is_err(), "{bad:?}");
        }
        assert_eq!(resolve(Some("now"), Some("now"), now, &TimeZone::UTC), Err(PeriodError::Backwards));
        let (from, to) = resolve(None, None, now, &TimeZone::UTC).unwrap();
        assert_eq!(to.since(from), 7 * 24 * HOUR_US);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_answered(text in "now[-+/0-9mhdwM]{0,12}|\\PC{0,30}") {
            let _ = moment(&text, Timestamp::from_millis(1_767_355_200_000), &TimeZone::UTC);
        }
    }
}
