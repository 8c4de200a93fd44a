//! Numbers, durations, sizes and times as the dashboard writes them (`dashboard.md` §5). Called by every view.
//!
//! Times are in the zone of the request ([`in_zone`]), which no view has to hand on and none can forget. Relative text is used below 24 hours only, and the absolute time is always beside it.

use maud::{Markup, html};
use trackway_core::period::TimeZone;
use trackway_event::Timestamp;

tokio::task_local! {
    static ZONE: TimeZone;
}

/// Answers a request with all of its times in this zone.
pub(crate) async fn in_zone<F: Future>(zone: TimeZone, answer: F) -> F::Output {
    ZONE.scope(zone, answer).await
}

/// The zone that times are written in; UTC outside of a request.
pub(crate) fn zone() -> TimeZone {
    ZONE.try_with(Clone::clone).unwrap_or(TimeZone::UTC)
}

/// A count: separators, from 100,000 on compact.
pub(crate) fn count(n: u64) -> String {
    match n {
        0..100_000 => separated(n),
        100_000..1_000_000 => format!("{}k", n / 1_000),
        1_000_000..1_000_000_000 => format!("{:.1}M", n as f64 / 1e6),
        _ => format!("{:.1}G", n as f64 / 1e9),
    }
}

/// The exact count with separators.
pub(crate) fn separated(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `count` with its noun: `1 call`, `12 calls`.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A share of 1 as a percentage.
pub(crate) fn percent(share: f64) -> String {
    let p = share * 100.0;
    if p > 0.0 && p < 0.1 {
        "< 0.1 %".to_owned()
    } else if p == 0.0 {
        "0 %".to_owned()
    } else if p < 9.95 {
        format!("{p:.1} %")
    } else if p < 100.0 && p > 99.5 {
        "> 99 %".to_owned()
    } else {
        format!("{p:.0} %")
    }
}

/// A duration in µs.
pub(crate) fn duration(us: u64) -> String {
    let ms = us as f64 / 1e3;
    let s = us / 1_000_000;
    if us == 0 {
        "0 ms".to_owned()
    } else if ms < 9.95 {
        format!("{ms:.1} ms")
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 59_950.0 {
        format!("{:.1} s", ms / 1e3)
    } else if s < 3_600 {
        format!("{}m {:02}s", s / 60, s % 60)
    } else if s < 86_400 {
        format!("{}h {:02}m", s / 3_600, s / 60 % 60)
    } else {
        format!("{}d {:02}h", s / 86_400, s / 3_600 % 24)
    }
}

/// A span of µs that may be negative by a clock's fault.
pub(crate) fn span(us: i64) -> String {
    duration(u64::try_from(us).unwrap_or(0))
}

/// Bytes in thousands.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

/// Estimated tokens.
pub(crate) fn tokens(n: u64) -> String {
    match n {
        0..1_000 => format!("≈ {n} tok"),
        1_000..10_000 => format!("≈ {:.1}k tok", n as f64 / 1e3),
        10_000..1_000_000 => format!("≈ {}k tok", n / 1_000),
        _ => format!("≈ {:.1}M tok", n as f64 / 1e6),
    }
}

/// A change of counts in percent; `None` where both are zero.
pub(crate) fn change(now: f64, before: f64) -> Option<String> {
    if before == 0.0 {
        return (now > 0.0).then(|| "new".to_owned());
    }
    let p = (now - before) / before * 100.0;
    Some(if p.abs() < 0.5 {
        "±0 %".to_owned()
    } else if p >= 1_000.0 {
        "> +999 %".to_owned()
    } else {
        format!("{}{:.0} %", sign(p), p.abs())
    })
}

/// A change of rates in percentage points.
pub(crate) fn points(now: f64, before: f64) -> String {
    let p = (now - before) * 100.0;
    if p.abs() < 0.05 { "±0.0".to_owned() } else { format!("{}{:.1}", sign(p), p.abs()) }
}

fn sign(p: f64) -> &'static str {
    if p < 0.0 { "−" } else { "+" }
}

fn written(at: Timestamp, form: &str) -> String {
    at.to_jiff().map_or_else(|| "invalid time".to_owned(), |t| t.to_zoned(zone()).strftime(form).to_string())
}

/// `14:02:09.114`
pub(crate) fn clock_ms(at: Timestamp) -> String {
    written(at, "%H:%M:%S.%3f")
}

/// `14:02:09.114 UTC`
pub(crate) fn clock_zone(at: Timestamp) -> String {
    written(at, "%H:%M:%S.%3f %Z")
}

/// `14:02`
pub(crate) fn clock(at: Timestamp) -> String {
    written(at, "%H:%M")
}

/// `21 Nov`
pub(crate) fn day(at: Timestamp) -> String {
    written(at, "%-d %b")
}

/// `2026-11-21`, as an address takes it.
pub(crate) fn date(at: Timestamp) -> String {
    written(at, "%F")
}

/// `Sat 21 Nov 2026`
pub(crate) fn weekday(at: Timestamp) -> String {
    written(at, "%a %-d %b %Y")
}

/// `21 Nov 14:02`
pub(crate) fn day_clock(at: Timestamp) -> String {
    written(at, "%-d %b %H:%M")
}

/// `Sat 21 Nov 2026, 14:02:09.114 UTC`
pub(crate) fn full(at: Timestamp) -> String {
    written(at, "%a %-d %b %Y, %H:%M:%S.%3f %Z")
}

/// `3 h ago`; beyond a day the date.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let s = now.since(at) / 1_000_000;
    match s {
        ..5 => "just now".to_owned(),
        5..60 => format!("{s} s ago"),
        60..3_600 => format!("{} min ago", s / 60),
        3_600..86_400 => format!("{} h ago", s / 3_600),
        _ => day_clock(at),
    }
}

/// A `time` element that shows `shown` and holds the exact time.
pub(crate) fn time(at: Timestamp, shown: &str) -> Markup {
    html! { time datetime=(at) title=(full(at)) { (shown) } }
}

/// The time of a row: the clock today, the date before.
pub(crate) fn row_time(at: Timestamp, now: Timestamp) -> Markup {
    let same_day = written(at, "%F") == written(now, "%F");
    time(at, &if same_day { clock(at) } else { day_clock(at) })
}

/// What stands for a value that is not known, and what would fill it.
pub(crate) fn unknown(why: &str) -> Markup {
    html! { span.unknown title=(why) { span aria-hidden="true" { "—" } span.sr { (why) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_case() {
        for (n, expect) in [
            (0, "0"),
            (999, "999"),
            (1_284, "1,284"),
            (99_999, "99,999"),
            (128_400, "128k"),
            (1_250_000, "1.2M"),
        ] {
            assert_eq!(count(n), expect);
        }
        for (share, expect) in [
            (0.0, "0 %"),
            (0.0004, "< 0.1 %"),
            (0.031, "3.1 %"),
            (0.412, "41 %"),
            (0.997, "> 99 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(share), expect);
        }
        for (us, expect) in [
            (0, "0 ms"),
            (400, "0.4 ms"),
            (214_000, "214 ms"),
            (999_700, "1.0 s"),
            (2_100_000, "2.1 s"),
            (131_000_000, "2m 11s"),
            (11_040_000_000, "3h 04m"),
            (90_000_000_000, "1d 01h"),
        ] {
            assert_eq!(duration(us), expect, "{us}");
        }
        for (n, expect) in [(0, "0 B"), (999, "999 B"), (4_100, "4.1 kB"), (2_500_000, "2.5 MB")] {
            assert_eq!(bytes(n), expect);
        }
        for (n, expect) in [(12, "≈ 12 tok"), (1_040, "≈ 1.0k tok"), (11_300, "≈ 11k tok")] {
            assert_eq!(tokens(n), expect);
        }
    }

    #[test]
    fn changes_by_case() {
        for (now, before, expect) in [
            (109.0, 100.0, Some("+9 %")),
            (0.0, 0.0, None),
            (5.0, 0.0, Some("new")),
            (50.0, 100.0, Some("−50 %")),
            (100.0, 100.0, Some("±0 %")),
        ] {
            assert_eq!(change(now, before).as_deref(), expect);
        }
        assert_eq!(points(0.031, 0.039), "−0.8");
        assert_eq!(points(0.0301, 0.03), "±0.0");
    }

    #[test]
    fn times_by_case() {
        let now = Timestamp::parse("2026-11-21T14:02:09.114Z").unwrap();
        assert_eq!(clock_ms(now), "14:02:09.114");
        assert_eq!(full(now), "Sat 21 Nov 2026, 14:02:09.114 UTC");
        for (seconds, expect) in
            [(2, "just now"), (40, "40 s ago"), (7_300, "2 h ago"), (90_000, "20 Nov 13:02")]
        {
            assert_eq!(ago(now.plus_micros(-seconds * 1_000_000), now), expect);
        }
    }
}
