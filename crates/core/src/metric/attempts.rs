//! First try and recovery (F-90, F-91), and how long until something worked (F-81): sums over the chains of sessions, so
//! that parts can be added.

use trackway_event::{Status, Timestamp};

use crate::chain::{CallView, Chain, Solved};

/// What became of attempt chains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Chains.
    pub chains: u64,
    /// Solved by their first call.
    pub first: u64,
    /// Solved by their second.
    pub second: u64,
    /// Solved by a later one.
    pub later: u64,
    /// Chains with a failure in them.
    pub failing: u64,
    /// Of those, the ones that were solved.
    pub recovered: u64,
}

impl Attempts {
    /// What one chain adds.
    pub fn of(chain: &Chain, calls: &[CallView<'_>]) -> Self {
        let solved = chain.solved == Solved::Yes;
        let failing = chain.calls.iter().filter_map(|i| calls.get(*i)).any(CallView::failed);
        let tries = chain.calls.len();
        Self {
            chains: 1,
            first: u64::from(solved && tries == 1),
            second: u64::from(solved && tries == 2),
            later: u64::from(solved && tries > 2),
            failing: u64::from(failing),
            recovered: u64::from(failing && solved),
        }
    }

    /// Adds those of other chains.
    pub const fn merge(&mut self, other: Self) {
        self.chains += other.chains;
        self.first += other.first;
        self.second += other.second;
        self.later += other.later;
        self.failing += other.failing;
        self.recovered += other.recovered;
    }

    /// Chains that were never solved.
    pub const fn unsolved(&self) -> u64 {
        self.chains - self.first - self.second - self.later
    }

    /// First try %: chains solved in one ÷ chains.
    pub fn first_share(&self) -> Option<f64> {
        (self.chains > 0).then(|| self.first as f64 / self.chains as f64)
    }

    /// Recovery %: chains solved after a failure ÷ chains with a failure.
    pub fn recovery_share(&self) -> Option<f64> {
        (self.failing > 0).then(|| self.recovered as f64 / self.failing as f64)
    }
}

/// The first call of a session that worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstSuccess {
    /// Which call it was, from 1.
    pub call: u64,
    /// From the session's start to that call's end, µs.
    pub after_us: u64,
}

/// How long a session that began at `start` took until a call worked; `None`: none did.
pub fn first_success(start: Timestamp, calls: &[CallView<'_>]) -> Option<FirstSuccess> {
    let mut order: Vec<&CallView<'_>> = calls.iter().collect();
    order.sort_by_key(|c| c.started_at);
    let place = order.iter().position(|c| c.status == Some(Status::Ok))?;
    let call = order.get(place)?;
    let after_us = u64::try_from(call.ended_at().since(start)).unwrap_or(0);
    Some(FirstSuccess { call: place as u64 + 1, after_us })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::chains;
    use crate::testing::noon;

    fn calls(statuses: &[Status]) -> Vec<CallView<'static>> {
        let call = |(i, status): (usize, &Status)| CallView {
            tool: "t",
            started_at: noon().plus_micros(i as i64 * 60_000_000),
            duration_us: Some(1_000_000),
            status: Some(*status),
            repeat: None,
        };
        statuses.iter().enumerate().map(call).collect()
    }

    #[test]
    fn shares_by_case() {
        use Status::{Ok as Y, Timeout as T, ToolError as N};
        for (statuses, first, unsolved, failing, recovered) in [
            (vec![], 0, 0, 0, 0),
            (vec![Y, Y], 2, 0, 0, 0),
            (vec![N, Y], 0, 0, 1, 1),
            (vec![N, N, N], 0, 1, 1, 0),
            (vec![Y, N, N, Y, T], 1, 1, 1, 1),
        ] {
            let calls = calls(&statuses);
            let mut all = Attempts::default();
            chains(&calls).iter().for_each(|c| all.merge(Attempts::of(c, &calls)));
            assert_eq!(
                (all.first, all.unsolved(), all.failing, all.recovered),
                (first, unsolved, failing, recovered)
            );
        }
        assert_eq!(Attempts::default().first_share(), None);
        assert_eq!(Attempts { chains: 4, first: 3, ..Attempts::default() }.first_share(), Some(0.75));
    }

    #[test]
    fn time_to_first_success_counts_the_tries_before_it() {
        use Status::{Ok as Y, ToolError as N};
        let found = first_success(noon().plus_micros(-5_000_000), &calls(&[N, N, Y, Y]));
        assert_eq!(found, Some(FirstSuccess { call: 3, after_us: 126_000_000 }));
        assert_eq!(first_success(noon(), &calls(&[N])), None);
    }
}
