//! Which calls of a tool are worth opening as examples (dashboard §7.5): failed, slow, heavy and typical ones, [`EACH`] of each.
//!
//! A fold over the newest calls, newest first. A call stands for one thing only, and calls of different sessions go first, so
//! that three examples show three stories.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::percentile;

/// Examples of one sort.
pub const EACH: usize = 3;

/// What a call is an example of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Example {
    /// It failed; the newest of each error group first.
    Failed,
    /// It worked, and took longest, and longer than half of those that worked.
    Slow,
    /// It worked, and its result was the largest, and larger than half of them.
    Heavy,
    /// It worked, and took as long as they do: next to the median.
    Typical,
}

impl Example {
    /// In the order they are chosen and shown.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Slow, Self::Heavy, Self::Typical];

    /// The word shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Slow => "slow",
            Self::Heavy => "heavy",
            Self::Typical => "typical",
        }
    }
}

/// How a finished call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It worked.
    Well,
    /// It failed, in this error group.
    Failed(Option<i64>),
}

/// One finished call.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Its session; calls in none have numbers of their own.
    pub session: i64,
    /// How it ended.
    pub ended: Ended,
    /// How long it took, µs.
    pub took_us: Option<u64>,
    /// Tokens of its result.
    pub tokens: Option<u64>,
}

/// The examples among these calls, newest first, by their places.
pub fn examples(calls: &[Told]) -> Vec<(Example, usize)> {
    let worked = || calls.iter().enumerate().filter(|(_, c)| c.ended == Ended::Well);
    let median = |values: Vec<u64>| {
        let mut values = values;
        values.sort_unstable();
        percentile(&values, 0.5)
    };
    let took = median(worked().filter_map(|(_, c)| c.took_us).collect());
    let tokens = median(worked().filter_map(|(_, c)| c.tokens).collect());
    let (mut found, mut taken) = (Vec::new(), HashSet::new());
    for example in Example::ALL {
        let mut order: Vec<usize> = match example {
            Example::Failed => {
                let failed = calls.iter().enumerate().filter_map(|(i, c)| match c.ended {
                    Ended::Failed(group) => Some((i, group)),
                    Ended::Well => None,
                });
                let (mut groups, mut first, mut rest) = (HashSet::new(), Vec::new(), Vec::new());
                failed
                    .for_each(|(i, group)| if groups.insert(group) { &mut first } else { &mut rest }.push(i));
                first.extend(rest);
                first
            }
            Example::Slow => most(worked().filter_map(|(i, c)| Some((i, c.took_us?))), took),
            Example::Heavy => most(worked().filter_map(|(i, c)| Some((i, c.tokens?))), tokens),
            Example::Typical => {
                let far = |c: &Told| took.zip(c.took_us).map(|(median, us)| median.abs_diff(us));
                let mut near: Vec<(u64, usize)> = worked().filter_map(|(i, c)| Some((far(c)?, i))).collect();
                near.sort_unstable();
                near.into_iter().map(|(_, i)| i).collect()
            }
        };
        order.retain(|i| !taken.contains(i));
        for i in apart(calls, &order) {
            taken.insert(i);
            found.push((example, i));
        }
    }
    found
}

/// The largest first, the newest of equal ones; only those above the median.
fn most(values: impl Iterator<Item = (usize, u64)>, median: Option<u64>) -> Vec<usize> {
    let mut values: Vec<(Reverse<u64>, usize)> =
        values.filter(|(_, n)| Some(*n) > median).map(|(i, n)| (Reverse(n), i)).collect();
    values.sort_unstable();
    values.into_iter().map(|(_, i)| i).collect()
}

/// The first of an order, one a session; where there are too few sessions the next ones whatever their session.
fn apart(calls: &[Told], order: &[usize]) -> Vec<usize> {
    let mut sessions = HashSet::new();
    let new = |i: &&usize| calls.get(**i).is_some_and(|c| sessions.insert(c.session));
    let mut chosen: Vec<usize> = order.iter().filter(new).take(EACH).copied().collect();
    let more = EACH - chosen.len();
    let rest: Vec<usize> = order.iter().filter(|i| !chosen.contains(i)).take(more).copied().collect();
    chosen.extend(rest);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(session: i64, ended: Ended, took_us: u64, tokens: u64) -> Told {
        Told { session, ended, took_us: Some(took_us), tokens: Some(tokens) }
    }

    #[test]
    fn each_sort_by_its_rule_and_no_call_twice() {
        let well = |session, us, tokens| told(session, Ended::Well, us, tokens);
        let calls = [
            told(1, Ended::Failed(Some(7)), 5, 0),
            told(2, Ended::Failed(Some(7)), 5, 0),
            told(3, Ended::Failed(Some(8)), 5, 0),
            told(3, Ended::Failed(None), 5, 0),
            well(1, 900, 9),
            well(1, 800, 9),
            well(2, 700, 9),
            well(3, 100, 50),
            well(4, 101, 1),
            well(5, 100, 1),
            well(6, 1, 1),
        ];
        let found = examples(&calls);
        let of = |example| found.iter().filter(|(e, _)| *e == example).map(|(_, i)| *i).collect::<Vec<_>>();
        // one a group and a session first; a fourth failure is not shown
        assert_eq!(of(Example::Failed), [0, 2, 1]);
        assert_eq!(of(Example::Slow), [4, 6, 5], "one a session first");
        assert_eq!(of(Example::Heavy), [7], "only what is above the median");
        assert_eq!(of(Example::Typical), [8, 9, 10]);
    }

    #[test]
    fn what_is_the_same_or_unknown_is_no_example() {
        assert!(examples(&[]).is_empty());
        let same = [told(1, Ended::Well, 10, 4); 5];
        let found = examples(&same);
        assert!(found.iter().all(|(e, _)| *e == Example::Typical), "{found:?}");
        assert_eq!(found.len(), EACH);
        let unknown = [Told { session: 1, ended: Ended::Well, took_us: None, tokens: None }];
        assert!(examples(&unknown).is_empty());
    }
}
