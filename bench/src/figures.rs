//! Percentiles of waiting, printed the same way by every driver.

use std::time::Duration;

use trackway_core::metric;

/// Waiting times of one run.
#[derive(Default)]
pub(crate) struct Waits(Vec<u64>);

impl Waits {
    pub(crate) fn add(&mut self, wait: Duration) {
        self.0.push(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn copy(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// `p50 1.23 ms, p95 …, p99 …, max …, n …`.
    pub(crate) fn line(&mut self) -> String {
        self.0.sort_unstable();
        let at = |q| metric::percentile(&self.0, q).unwrap_or(0) as f64 / 1_000.0;
        format!(
            "p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms, max {:.2} ms, n {}",
            at(0.5),
            at(0.95),
            at(0.99),
            at(1.0),
            self.0.len()
        )
    }
}

/// `n` per second, with separators.
pub(crate) fn rate(n: u64, over: Duration) -> String {
    thousands((n as f64 / over.as_secs_f64()) as u64)
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
