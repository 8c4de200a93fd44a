//! Which sessions are worth a look, and why in words (F-75): by rule, so that the reason can be shown.

use std::fmt;

use crate::chain::{self, CallView, Ending};
use crate::metric::repeats;

/// Failures of a session that are worth a look.
const FAILURES: u64 = 3;

/// One reason, strongest first in the order of this list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// It went round in a loop.
    Loop {
        /// Calls in the longest one.
        calls: u64,
        /// Its tools, one or two.
        tools: Vec<String>,
    },
    /// It ended stuck without a loop.
    Stuck,
    /// The agent asked for a tool that is not there.
    AskedForMore,
    /// Its last attempt stayed unsolved.
    Unsolved,
    /// Many calls failed.
    Failures(u64),
    /// It lasted longer than 95 of 100 sessions.
    Long,
    /// Nobody had run into this failure before.
    FirstOfItsKind,
}

impl fmt::Display for Worth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loop { calls, tools } => match tools.as_slice() {
                [one] if !one.is_empty() => write!(f, "{one} called {calls} times with the same answer"),
                [a, b] => write!(f, "went back and forth between {a} and {b}, {calls} calls"),
                _ => write!(f, "the same call {calls} times with the same answer"),
            },
            Self::Stuck => f.write_str("five failures in a row and no way out"),
            Self::AskedForMore => f.write_str("asked for a tool that is not there"),
            Self::Unsolved => f.write_str("its last attempt stayed unsolved"),
            Self::Failures(n) => write!(f, "{n} calls failed"),
            Self::Long => f.write_str("longer than 95 % of sessions"),
            Self::FirstOfItsKind => f.write_str("the first to run into a new failure"),
        }
    }
}

/// What is known of a session beside its calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Calls of `get_more_tools`.
    pub missing: u64,
    /// Length, µs.
    pub length_us: i64,
    /// The 95th percentile of lengths beside it, where at least 20 are known.
    pub p95_us: Option<i64>,
    /// Error groups that were first seen in it.
    pub first_seen: u64,
}

/// The reasons to look at a session, strongest first; none: an ordinary one. Tools are given by the caller, which may know
/// them by number only.
pub fn reasons(calls: &[CallView<'_>], seen: Seen) -> Vec<Worth> {
    let mut found = Vec::new();
    let ending = chain::ending(calls);
    let longest = repeats::loops(calls).into_iter().max_by_key(|l| l.calls.len());
    if let Some(longest) = &longest {
        let tools = longest.calls.iter().take(longest.width).filter_map(|i| calls.get(*i));
        let tools = tools.map(|c| c.tool.to_owned()).collect();
        found.push(Worth::Loop { calls: longest.calls.len() as u64, tools });
    } else if ending == Ending::Stuck {
        found.push(Worth::Stuck);
    }
    if seen.missing > 0 {
        found.push(Worth::AskedForMore);
    }
    if ending == Ending::Failed {
        found.push(Worth::Unsolved);
    }
    let failures = calls.iter().filter(|c| c.failed()).count() as u64;
    if failures >= FAILURES {
        found.push(Worth::Failures(failures));
    }
    if seen.p95_us.is_some_and(|p95| seen.length_us > p95) {
        found.push(Worth::Long);
    }
    if seen.first_seen > 0 {
        found.push(Worth::FirstOfItsKind);
    }
    found
}

#[cfg(test)]
mod tests {
    use trackway_event::Status;

    use super::*;
    use crate::testing::noon;

    fn calls(text: &str) -> Vec<CallView<'_>> {
        text.char_indices()
            .map(|(i, c)| CallView {
                tool: text.get(i..=i).unwrap(),
                started_at: noon().plus_micros(i as i64 * 60_000_000),
                duration_us: Some(1),
                status: Some(if c == 'x' { Status::ToolError } else { Status::Ok }),
                repeat: c.is_ascii_uppercase().then_some(c as i64),
            })
            .collect()
    }

    #[test]
    fn reasons_by_case() {
        let none = Seen::default();
        for (text, seen, expect) in [
            ("ab", none, ""),
            ("AAAA", none, "A called 4 times with the same answer"),
            ("ABABAB", none, "went back and forth between A and B, 6 calls"),
            ("axxa", none, ""),
            ("ax", none, "its last attempt stayed unsolved"),
            ("xxxa", none, "3 calls failed"),
            ("xxxxx", none, "five failures in a row and no way out, 5 calls failed"),
            ("a", Seen { missing: 1, ..none }, "asked for a tool that is not there"),
            ("a", Seen { length_us: 5, p95_us: Some(4), ..none }, "longer than 95 % of sessions"),
            ("xa", Seen { first_seen: 1, ..none }, "the first to run into a new failure"),
        ] {
            let shown: Vec<String> = reasons(&calls(text), seen).iter().map(Worth::to_string).collect();
            assert_eq!(shown.join(", "), expect, "{text}");
        }
    }
}
