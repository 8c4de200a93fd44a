//! Attempt chains: how often an agent tries until a call works, and how its session ended (product §2, F-79, F-90).
//!
//! A fold over the logical calls of one session; the replay folds retries with it, lists show the ending. What is counted
//! over chains is [`crate::metric::attempts`], what makes a loop [`crate::metric::repeats`].

use trackway_event::{Event, Status, Timestamp};

use crate::metric::repeats::{self, Loop};

/// How long after a failure the next call still belongs to the same attempt, µs.
const PATIENCE_US: i64 = 10 * 60 * 1_000_000;
/// Failures in a row of one tool that make a session stuck.
const STUCK: usize = 5;

/// A logical call, as far as chains look at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallView<'a> {
    /// Tool; empty where none was named.
    pub tool: &'a str,
    /// Start.
    pub started_at: Timestamp,
    /// Duration, µs; unknown counts as none.
    pub duration_us: Option<u64>,
    /// What became of it; `None` too where an error was declared that does not count.
    pub status: Option<Status>,
    /// What it has in common with a call that says the same again ([`repeats::key`]).
    pub repeat: Option<i64>,
}

impl<'a> CallView<'a> {
    /// The view of an event, `None` when it is no logical call.
    pub fn of(event: &'a Event) -> Option<Self> {
        event.is_counted_call().then(|| Self {
            tool: event.tool.as_deref().unwrap_or(""),
            started_at: event.started_at,
            duration_us: event.duration_us,
            status: event.status.filter(|s| !(event.flags.declared_error && s.failed())),
            repeat: repeats::key(event),
        })
    }

    /// End.
    pub fn ended_at(&self) -> Timestamp {
        self.started_at.plus_micros(i64::try_from(self.duration_us.unwrap_or(0)).unwrap_or(i64::MAX))
    }

    /// Whether it failed (product §2).
    pub fn failed(&self) -> bool {
        self.status.is_some_and(Status::failed)
    }
}

/// Tries that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Positions in what was given, in order of start.
    pub calls: Vec<usize>,
    /// Whether the last one worked.
    pub solved: Solved,
}

/// How a chain closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solved {
    /// Its last call ended `ok`.
    Yes,
    /// It closed without one.
    No,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// No call.
    Idle,
    /// Every chain solved.
    Done,
    /// Some unsolved, the last solved.
    Partial,
    /// The last chain unsolved.
    Failed,
    /// A tool kept failing, or the agent went round in a loop, and nothing of it worked afterwards.
    Stuck,
}

impl Ending {
    /// All, in the order of the definition.
    pub const ALL: &'static [Self] = &[Self::Idle, Self::Done, Self::Partial, Self::Failed, Self::Stuck];

    /// The one of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|ending| ending.as_str() == word)
    }

    /// The word shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
        }
    }
}

/// The chains of one session's calls, given in any order; answered in order of their first starts.
///
/// A failed call waits 10 minutes after its end. A call that starts then joins the waiting chain of its own tool, or else one
/// whose failure it is the first call after (a switch); of several, the one that ended last. Overlapping calls never
/// join each other, and every call is in exactly one chain.
pub fn chains(calls: &[CallView<'_>]) -> Vec<Chain> {
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|i| (calls[*i].started_at, *i));
    let mut chains: Vec<Chain> = Vec::new();
    let mut waiting: Vec<(usize, usize)> = Vec::new();
    let mut earlier: Option<Timestamp> = None;
    for i in order {
        let call = &calls[i];
        waiting.retain(|(_, last)| call.started_at.since(calls[*last].ended_at()) <= PATIENCE_US);
        let ready = |last: usize| calls[last].ended_at() <= call.started_at && last != i;
        let first_after = |last: usize| {
            earlier.is_none_or(|start| start < calls[last].ended_at() || start <= calls[last].started_at)
        };
        let best = waiting
            .iter()
            .enumerate()
            .filter(|(_, (_, last))| ready(*last) && (calls[*last].tool == call.tool || first_after(*last)))
            .max_by_key(|(_, (_, last))| (calls[*last].tool == call.tool, calls[*last].ended_at()))
            .map(|(place, _)| place);
        let chain = match best {
            Some(place) => {
                let (chain, _) = waiting.swap_remove(place);
                chains[chain].calls.push(i);
                chain
            }
            None => {
                chains.push(Chain { calls: vec![i], solved: Solved::No });
                chains.len() - 1
            }
        };
        if call.failed() {
            waiting.push((chain, i));
        } else if call.status == Some(Status::Ok) {
            chains[chain].solved = Solved::Yes;
        }
        earlier = Some(call.started_at);
    }
    chains
}

/// How a session with these calls ended.
pub fn ending(calls: &[CallView<'_>]) -> Ending {
    ending_of(calls, &chains(calls), &repeats::loops(calls))
}

/// The same, given the [`chains`] and [`repeats::loops`] of these calls.
pub fn ending_of(calls: &[CallView<'_>], chains: &[Chain], loops: &[Loop]) -> Ending {
    let Some(last) = chains.last() else { return Ending::Idle };
    if keeps_failing(calls) || circled(calls, loops) {
        Ending::Stuck
    } else if chains.iter().all(|c| c.solved == Solved::Yes) {
        Ending::Done
    } else if last.solved == Solved::Yes {
        Ending::Partial
    } else {
        Ending::Failed
    }
}

/// Whether some tool failed five times in a row and never worked again.
fn keeps_failing(calls: &[CallView<'_>]) -> bool {
    if calls.iter().filter(|c| c.failed()).count() < STUCK {
        return false;
    }
    let mut order: Vec<&CallView<'_>> = calls.iter().collect();
    order.sort_by_key(|c| c.started_at);
    let mut rows: std::collections::BTreeMap<&str, (usize, usize)> = std::collections::BTreeMap::new();
    for call in order {
        let (row, longest) = rows.entry(call.tool).or_default();
        if call.failed() {
            *row += 1;
            *longest = (*longest).max(*row);
        } else {
            *row = 0;
        }
        if call.status == Some(Status::Ok) {
            *longest = 0;
        }
    }
    rows.values().any(|(_, longest)| *longest >= STUCK)
}

/// Whether a loop was never left: no call of its tools worked and told something else afterwards.
fn circled(calls: &[CallView<'_>], loops: &[Loop]) -> bool {
    loops.iter().any(|found| {
        let inside: Vec<&CallView<'_>> = found.calls.iter().filter_map(|i| calls.get(*i)).collect();
        let Some(last) = inside.iter().map(|c| c.started_at).max() else { return false };
        !calls.iter().any(|c| {
            c.started_at > last && c.status == Some(Status::Ok) && inside.iter().any(|l| l.tool == c.tool)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noon;

    /// `tool status start duration`, seconds.
    fn calls(text: &str) -> Vec<CallView<'_>> {
        text.split(',')
            .filter(|t| !t.trim().is_empty())
            .map(|call| {
                let parts: Vec<&str> = call.split_whitespace().collect();
                let seconds = |i: usize| parts[i].parse::<i64>().unwrap() * 1_000_000;
                let status = match parts[1] {
                    "ok" => Status::Ok,
                    "err" => Status::ToolError,
                    _ => Status::Timeout,
                };
                CallView {
                    tool: parts[0],
                    started_at: noon().plus_micros(seconds(2)),
                    duration_us: Some(seconds(3) as u64),
                    status: Some(status),
                    repeat: None,
                }
            })
            .collect()
    }

    #[test]
    fn chains_by_case() {
        for (text, expect) in [
            ("", ""),
            ("a ok 0 1", "0+"),
            ("a ok 0 1, a ok 2 1", "0+ 1+"),
            ("a err 0 1, a ok 2 1", "01+"),
            ("a err 0 1, a err 2 1, a ok 4 1", "012+"),
            ("a err 0 1, b ok 2 1", "01+"),
            ("a err 0 1, b err 2 1, a ok 4 1", "012+"),
            ("a err 0 1, a err 2 1", "01-"),
            ("a err 0 1, a ok 601 1", "01+"),
            ("a err 0 1, a ok 602 1", "0- 1+"),
            ("a err 0 5, a ok 3 1", "0- 1+"),
            ("a err 0 2, b err 1 2, a ok 4 1, b ok 6 1", "02+ 13+"),
            ("a err 0 2, b ok 1 4, c ok 6 1", "02+ 1+"),
            ("a err 0 1, b ok 2 1, a ok 4 1", "01+ 2+"),
            ("a time 0 1, a ok 2 1", "0- 1+"),
            ("a ok 4 1, a err 0 1", "10+"),
        ] {
            let shown: Vec<String> = chains(&calls(text))
                .iter()
                .map(|c| {
                    let ids: String = c.calls.iter().map(usize::to_string).collect();
                    ids + if c.solved == Solved::Yes { "+" } else { "-" }
                })
                .collect();
            assert_eq!(shown.join(" "), expect, "{text}");
        }
    }

    #[test]
    fn endings_by_case() {
        for (text, expect) in [
            ("", Ending::Idle),
            ("a err 0 1, a ok 2 1", Ending::Done),
            ("a err 0 1, a ok 900 1", Ending::Partial),
            ("a ok 0 1, a err 2 1", Ending::Failed),
            ("a err 0 1, a err 2 1, a err 4 1, a err 6 1, a err 8 1", Ending::Stuck),
            ("a err 0 1, a err 2 1, a err 4 1, a err 6 1, a err 8 1, b ok 10 1", Ending::Stuck),
            ("a err 0 1, a err 2 1, a err 4 1, a err 6 1, a err 8 1, a ok 10 1", Ending::Done),
        ] {
            assert_eq!(ending(&calls(text)), expect, "{text}");
        }
    }
}
