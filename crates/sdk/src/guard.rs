//! A mistake of ours never reaches the host (SDK-113): what runs on the path of a call is caught, and when it fails again and
//! again recording pauses while the server goes on.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures within [`WINDOW`] that make recording pause.
const FAILURES: u32 = 100;
const WINDOW: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(300);

/// Counts failures, and knows when recording pauses.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    state: Mutex<State>,
    /// The usual case is answered without the lock.
    paused: std::sync::atomic::AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    failures: u32,
    until: Option<Instant>,
}

impl Guard {
    /// Runs `work` unless recording pauses; a panic of it is counted and answered as `None`.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.paused.load(std::sync::atomic::Ordering::Relaxed) && self.is_paused(Instant::now()) {
            return None;
        }
        match std::panic::catch_unwind(AssertUnwindSafe(work)) {
            Ok(done) => done,
            Err(_) => {
                self.failed(Instant::now());
                None
            }
        }
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, now: Instant) {
        let mut state = self.lock();
        if state.since.is_none_or(|since| now.saturating_duration_since(since) > WINDOW) {
            (state.since, state.failures) = (Some(now), 0);
        }
        state.failures += 1;
        if state.failures >= FAILURES && state.until.is_none() {
            state.until = Some(now + PAUSE);
            self.paused.store(true, std::sync::atomic::Ordering::Relaxed);
            tracing::warn!(
                "trackway failed {FAILURES} times within a minute and pauses for 5 minutes; the server goes on"
            );
        }
    }

    fn is_paused(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let paused = state.until.is_some_and(|until| now < until);
        if !paused {
            *state = State::default();
            self.paused.store(false, std::sync::atomic::Ordering::Relaxed);
        }
        paused
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "the panic is the case")]
    use super::*;

    #[test]
    fn a_hundred_failures_in_a_minute_pause_and_five_minutes_end_it() {
        let guard = Guard::default();
        let start = Instant::now();
        for _ in 0..99 {
            assert_eq!(guard.run(|| -> Option<()> { panic!("a bug of ours") }), None);
        }
        assert_eq!(guard.run(|| Some(1)), Some(1));
        guard.failed(Instant::now());
        assert_eq!(guard.run(|| Some(1)), None);
        assert!(guard.is_paused(start + PAUSE - Duration::from_secs(1)));
        assert!(!guard.is_paused(start + PAUSE + WINDOW));
        assert_eq!(guard.run(|| Some(1)), Some(1));
    }

    #[test]
    fn failures_that_are_far_apart_do_not_pause() {
        let guard = Guard::default();
        let start = Instant::now();
        for n in 0..500 {
            guard.failed(start + Duration::from_secs(n));
        }
        assert_eq!(guard.run(|| Some(1)), Some(1));
    }
}
