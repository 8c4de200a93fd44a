//! Times on the PostHog wire (R14, R15): the sender's clock against ours, offsets, and what stands for no time at all.

use jiff::fmt::rfc2822;
use trackway_event::{Event, Timestamp, limits};

use super::fields::string_of;

/// Skew from which times are corrected, µs; less is time on the network (D10).
const SKEW_US: i64 = 2_000_000;

/// How far our clock is ahead of the sender's; `None` where nothing is to be corrected.
pub(super) fn skew(sent_at: Option<Timestamp>, received_at: Timestamp) -> Option<i64> {
    sent_at.map(|sent| received_at.since(sent)).filter(|skew| skew.abs() >= SKEW_US)
}

/// The time in a JSON text: a string in any of R15's forms, or a number of epoch seconds or milliseconds.
pub(super) fn time_of(raw: &str) -> Option<Timestamp> {
    match string_of(raw) {
        Some(text) => parse(&text),
        None => raw.parse::<f64>().ok().and_then(Timestamp::from_number),
    }
}

/// The time in a text.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| {
        let text = text.trim();
        let day =
            || text.parse::<jiff::civil::Date>().ok().and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC).ok());
        let zoned = rfc2822::parse(text).ok().or_else(day)?;
        Timestamp::parse(&zoned.timestamp().to_string())
    })
}

/// What an event says of its time.
pub(super) struct Said<'a> {
    /// `timestamp`.
    pub(super) timestamp: Option<&'a str>,
    /// `offset`: ms before the request.
    pub(super) offset: Option<&'a str>,
    /// How far our clock is ahead, unless the event asks for none of it.
    pub(super) skew: Option<i64>,
}

/// Start and dedupe time of an event, and the notes on how they were found.
pub(super) fn settle(
    said: &Said<'_>,
    received_at: Timestamp,
) -> (Timestamp, Timestamp, Option<&'static str>) {
    let raw = said.timestamp.and_then(time_of);
    let Some(sent) = raw else {
        let offset = said.offset.and_then(|raw| raw.parse::<i64>().ok()).filter(|ms| *ms >= 0);
        return match offset {
            Some(ms) => (received_at.plus_micros(-ms.saturating_mul(1_000)), Timestamp::ZERO, None),
            None => (received_at, Timestamp::ZERO, Some("timestamp_replaced")),
        };
    };
    let (start, note) = match said.skew {
        Some(skew) => (sent.plus_micros(skew), Some("clock_corrected")),
        None => (sent, None),
    };
    if start.since(received_at) > limits::POSTHOG_FUTURE.as_micros() as i64 {
        return (received_at, sent, Some("timestamp_replaced"));
    }
    (start, sent, note)
}

/// Puts a time on an event.
pub(super) fn put(event: &mut Event, found: (Timestamp, Timestamp, Option<&'static str>)) {
    let (start, raw, note) = found;
    event.started_at = start;
    event.raw_time = Some(raw);
    if let Some(note) = note {
        event.note(note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn case_11_skew() {
        let now = at("2026-03-02T12:00:00Z");
        for (sent_at, expect) in [
            (Some("2026-03-02T12:00:10Z"), "2026-03-02T10:59:50.000Z"),
            (Some("2026-03-02T11:59:50Z"), "2026-03-02T11:00:10.000Z"),
            (Some("2026-03-02T12:00:01Z"), "2026-03-02T11:00:00.000Z"),
            (None, "2026-03-02T11:00:00.000Z"),
        ] {
            let timestamp = Some("\"2026-03-02T11:00:00Z\"");
            let said = Said { timestamp, offset: None, skew: skew(sent_at.map(at), now) };
            let (start, raw, _) = settle(&said, now);
            assert_eq!(start.to_string(), expect, "{sent_at:?}");
            assert_eq!(raw.to_string(), "2026-03-02T11:00:00.000Z");
        }
    }

    #[test]
    fn case_12_forms() {
        let now = at("2026-03-02T12:00:00Z");
        for (timestamp, offset, expect) in [
            (r#""2026-03-02T11:00:00.123456789Z""#, None, "2026-03-02T11:00:00.123Z"),
            (r#""2026-03-02T11:00:00.5""#, None, "2026-03-02T11:00:00.500Z"),
            (r#""2026-03-02T14:00:00+03""#, None, "2026-03-02T11:00:00.000Z"),
            (r#""2026-03-02 11:00:00""#, None, "2026-03-02T11:00:00.000Z"),
            (r#""2026-03-02""#, None, "2026-03-02T00:00:00.000Z"),
            (r#""Mon, 02 Mar 2026 11:00:00 +0000""#, None, "2026-03-02T11:00:00.000Z"),
            ("1772449200000", None, "2026-03-02T11:00:00.000Z"),
            ("1772449200", None, "2026-03-02T11:00:00.000Z"),
            (r#""x""#, None, "2026-03-02T12:00:00.000Z"),
            (r#""2026-03-03T18:00:00Z""#, None, "2026-03-02T12:00:00.000Z"),
            ("null", Some("1000"), "2026-03-02T11:59:59.000Z"),
        ] {
            let timestamp = Some(timestamp).filter(|t| *t != "null");
            let (start, _, _) = settle(&Said { timestamp, offset, skew: None }, now);
            assert_eq!(start.to_string(), expect, "{timestamp:?}");
        }
    }
}
