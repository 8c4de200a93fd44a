//! Which circumstance is over-represented in failures against successes of the same tool (F-89), with a test for chance: a
//! one-sided Fisher test, exact for any number of calls.

/// Failures with the circumstance below which nothing is said.
const LEAST: u64 = 3;
/// Calls on both sides below which nothing is said (dashboard P3).
const LEAST_CALLS: u64 = 20;
/// How likely chance may be.
const CHANCE: f64 = 0.01;

/// Calls with and without a circumstance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Failing calls with it.
    pub failing_with: u64,
    /// Failing calls.
    pub failing: u64,
    /// Succeeding calls with it.
    pub working_with: u64,
    /// Succeeding calls.
    pub working: u64,
}

impl Counts {
    /// How likely at least this many of the failures have it by chance alone; 1 where there is nothing to compare.
    pub fn chance(&self) -> f64 {
        let (a, c) = (self.failing_with, self.working_with);
        let (with, all) = (a + c, self.failing + self.working);
        if self.failing == 0 || self.working == 0 || a > self.failing || c > self.working {
            return 1.0;
        }
        // Sums of logarithms: the factorials themselves are too large for any number.
        let mut ln = Vec::with_capacity(all as usize + 1);
        let mut sum = 0.0_f64;
        for n in 0..=all {
            sum += (n.max(1) as f64).ln();
            ln.push(sum);
        }
        let ln = |n: u64| ln.get(n as usize).copied().unwrap_or(0.0);
        let choose = |n: u64, k: u64| ln(n) - ln(k) - ln(n - k);
        let most = with.min(self.failing);
        let tail: f64 = (a..=most)
            .filter(|k| with - k <= self.working)
            .map(|k| (choose(self.failing, k) + choose(self.working, with - k) - choose(all, with)).exp())
            .sum();
        tail.min(1.0)
    }

    /// Whether it is a suspect: at least three failures with it among twenty calls, half as common again as in successes, and hardly by chance.
    pub fn is_suspect(&self) -> bool {
        let share = |n: u64, of: u64| if of == 0 { 0.0 } else { n as f64 / of as f64 };
        self.failing_with >= LEAST
            && self.failing + self.working >= LEAST_CALLS
            && share(self.failing_with, self.failing) >= 1.5 * share(self.working_with, self.working)
            && self.chance() < CHANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_by_case() {
        for (failing_with, failing, working_with, working, expect) in [
            // the lady tasting tea: all four of four
            (4, 4, 0, 4, 1.0 / 70.0),
            (3, 4, 1, 4, 17.0 / 70.0),
            (0, 4, 4, 4, 1.0),
            (37, 37, 4, 301, 0.0),
            (5, 0, 0, 9, 1.0),
        ] {
            let counts = Counts { failing_with, failing, working_with, working };
            assert!((counts.chance() - expect).abs() < 1e-9, "{counts:?} {}", counts.chance());
        }
    }

    #[test]
    fn suspects_by_case() {
        for (failing_with, failing, working_with, working, expect) in [
            (30, 37, 98, 301, true),
            (37, 37, 301, 301, false),
            (2, 2, 0, 300, false),
            (12, 37, 98, 301, false),
            (6, 6, 0, 13, false),
            (6, 6, 0, 14, true),
        ] {
            let counts = Counts { failing_with, failing, working_with, working };
            assert_eq!(counts.is_suspect(), expect, "{counts:?}");
        }
    }
}
