//! Events as a recorder sends them, written by hand so that the tests share no code with the product.
//!
//! Used by the storm, crash and fault tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// A native batch (D1).
pub fn batch(project: &str, events: &[Value]) -> Value {
    json!({ "project": project, "sdk": { "name": "trackway-tests", "version": "0" }, "events": events })
}

/// One tool call. `at` is RFC 3339.
pub fn call(id: &str, session: &str, tool: &str, at: &str) -> Value {
    json!({
        "id": id, "kind": "tool_call", "name": "tools/call", "started_at": at, "duration_us": 1_500, "status": "ok",
        "session_id": session, "session_source": "given", "tool": tool,
        "intent": format!("use {tool} for {session}"),
        "arguments": { "n": id }, "result": { "content": [{ "type": "text", "text": "done" }] },
        "client": { "name": "claude-code", "version": "2.1.148" }, "server": { "name": "shop", "version": "1.8.0" },
    })
}

/// An event id that no other test uses.
pub fn random_id(prefix: &str) -> String {
    use std::hash::{BuildHasher, RandomState};
    // Each `RandomState` has keys of its own: a source of distinct numbers without a dependency.
    let number = || RandomState::new().hash_one(prefix);
    format!("{prefix}{:016x}{:016x}", number(), number())
}

/// A session id that no other test uses.
pub fn session_id() -> String {
    random_id("ses_")
}

/// The present time moved by `seconds`, as RFC 3339 in UTC.
pub fn rfc3339(seconds: i64) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let micros = i64::try_from(since.as_micros()).unwrap_or(0) + seconds * 1_000_000;
    let (days, of_day) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let (year, month, day) = civil(days);
    let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{fraction:06}Z",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Year, month and day of a count of days since 1970-01-01, by the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from 1 March 0000, so that a leap day is the last of its year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (days, date) in
            [(0, (1970, 1, 1)), (19_782, (2024, 2, 29)), (19_783, (2024, 3, 1)), (20_778, (2026, 11, 21))]
        {
            assert_eq!(civil(days), date);
        }
    }

    #[test]
    fn ids_differ() {
        assert_ne!(random_id("evt_"), random_id("evt_"));
    }
}
