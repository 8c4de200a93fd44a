//! Time as Trackway stores it: microseconds since 1970 in UTC, shown in milliseconds (decision D10).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time, microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Years outside this span are not times of events (AC R30).
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2100;

impl Timestamp {
    /// The epoch itself; stands for "no time given" in dedupe keys only.
    pub const ZERO: Self = Self(0);

    /// From microseconds since the epoch.
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    /// From milliseconds since the epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch, rounded down.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This time moved by `us` microseconds, saturating.
    pub const fn plus_micros(self, us: i64) -> Self {
        Self(self.0.saturating_add(us))
    }

    /// Microseconds from `earlier` to this time; negative when it lies before.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads what clients send as a time (AC R30): RFC 3339 with any offset and fraction, a space for `T`, an offset
    /// without minutes (`+03`), no offset at all (UTC), or a number of epoch seconds or milliseconds as text.
    /// `None` when it is no time or its year lies outside 2000 to 2100.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        if let Ok(number) = text.parse::<f64>() {
            return Self::from_number(number);
        }
        let parsed = text
            .parse::<jiff::Timestamp>()
            .ok()
            .or_else(|| {
                let utc = jiff::tz::TimeZone::UTC;
                text.parse::<jiff::civil::DateTime>()
                    .ok()
                    .and_then(|d| d.to_zoned(utc).ok())
                    .map(|z| z.timestamp())
            })
            .map(|t| Self(t.as_microsecond()))?;
        parsed.in_range().then_some(parsed)
    }

    /// Reads epoch seconds or milliseconds, told apart by size. `None` outside the years 2000 to 2100.
    pub fn from_number(number: f64) -> Option<Self> {
        if !number.is_finite() || number < 0.0 {
            return None;
        }
        let us = if number < 1e11 { number * 1e6 } else { number * 1e3 };
        (us < 9e18).then_some(Self(us.round() as i64)).filter(|t| t.in_range())
    }

    fn in_range(self) -> bool {
        self.to_jiff().is_some_and(|t| YEARS.contains(&t.to_zoned(jiff::tz::TimeZone::UTC).year()))
    }

    /// The same instant as a `jiff` timestamp; `None` outside its range.
    pub fn to_jiff(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_microsecond(self.0).ok()
    }
}

/// RFC 3339 in UTC with milliseconds, the form of every answer of the API.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_jiff() {
            Some(t) => write!(f, "{}", t.strftime("%Y-%m-%dT%H:%M:%S.%3fZ")),
            None => f.write_str("invalid time"),
        }
    }
}

/// Written with microseconds, so that a batch loses nothing.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.to_jiff() {
            Some(t) => s.collect_str(&t.strftime("%Y-%m-%dT%H:%M:%S.%6fZ")),
            None => Err(serde::ser::Error::custom("time out of range")),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom("not an RFC 3339 time between the years 2000 and 2100"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_send() {
        let t = |s: &str| Timestamp::parse(s).map(|t| t.to_string());
        for (text, expect) in [
            ("2026-01-02T03:04:05.678Z", Some("2026-01-02T03:04:05.678Z")),
            ("2026-01-02T03:04:05.143566+00:00", Some("2026-01-02T03:04:05.143Z")),
            ("2026-01-02T05:04:05.123456789+02:00", Some("2026-01-02T03:04:05.123Z")),
            ("2026-01-02T03:04:05Z", Some("2026-01-02T03:04:05.000Z")),
            ("2026-01-02 03:04:05", Some("2026-01-02T03:04:05.000Z")),
            ("2026-01-02T06:04:05+03", Some("2026-01-02T03:04:05.000Z")),
            ("1767323045", Some("2026-01-02T03:04:05.000Z")),
            ("1767323045678", Some("2026-01-02T03:04:05.678Z")),
            ("1970-01-01T00:00:00Z", None),
            ("yesterday", None),
            ("", None),
            ("NaN", None),
            ("-5", None),
        ] {
            assert_eq!(t(text).as_deref(), expect, "{text:?}");
        }
    }

    #[test]
    fn keeps_microseconds_over_the_wire() {
        let t = Timestamp::from_micros(1_767_323_045_123_456);
        let json = serde_json::to_string(&t).unwrap();
        assert_eq!(json, "\"2026-01-02T03:04:05.123456Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), t);
    }
}
