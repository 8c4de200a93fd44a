//! One exporter's own queue and thread: bounded, drop-oldest, a few tries a batch, and a deadline for everything
//! (SDK-71). Made by [`super::Exporters`].

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use trackway_event::{Event, limits};

use super::{Exporter, Failed};
use crate::queue::weight;

/// Events that may wait for one exporter (SDK-71).
pub const LANE_EVENTS: usize = 1_000;
/// Bytes of events that may wait for one exporter.
const LANE_BYTES: usize = 16 * 1024 * 1024;
/// Tries of one batch; the exporter's newer events are worth more than a batch that fails again and again.
const TRIES: u32 = 4;
/// One try of one batch may take this long.
const TRY: Duration = Duration::from_secs(15);
/// First pause after a failure; doubles, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(500);
/// Longest pause, and the longest `Retry-After` that is honoured.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What became of one exporter's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneReport {
    /// Taken by the receiver.
    pub sent: u64,
    /// Dropped because newer ones needed the room.
    pub behind: u64,
    /// Refused for good, or given up after several tries.
    pub failed: u64,
    /// Still unsent at the end.
    pub lost: u64,
}

/// The queue and thread of one exporter.
#[derive(Debug)]
pub(super) struct Lane {
    name: &'static str,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    report: LaneReport,
    /// Events the exporter has in its hands.
    in_hand: u64,
    /// Set once nothing more comes: when to be done.
    until: Option<Instant>,
    ended: bool,
}

impl Lane {
    pub(super) fn start(name: &'static str, exporter: Box<dyn Exporter>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let worker = Worker { name, exporter, shared: Arc::clone(&shared), warned: false };
        std::thread::Builder::new().name(format!("trackway-{name}")).spawn(move || worker.run())?;
        Ok(Self { name, shared })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn offer(&self, event: &Arc<Event>) {
        let mut state = self.shared.lock();
        if state.until.is_some() {
            state.report.lost += 1;
            return;
        }
        state.bytes += weight(event);
        state.events.push_back(Arc::clone(event));
        while state.events.len() > LANE_EVENTS || state.bytes > LANE_BYTES {
            let Some(oldest) = state.events.pop_front() else { break };
            state.bytes -= weight(&oldest);
            state.report.behind += 1;
        }
        let wake = state.events.len() == 1 || state.events.len() >= limits::SEND_EVENTS;
        drop(state);
        if wake {
            self.shared.wake.notify_all();
        }
    }

    pub(super) fn close(&self, until: Instant) {
        self.shared.lock().until.get_or_insert(until);
        self.shared.wake.notify_all();
    }

    /// Waits for the thread's end; what it still holds then is lost.
    pub(super) fn wait(&self, until: Instant) {
        let mut state = self.shared.lock();
        while !state.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.shared.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(super) fn report(&self) -> LaneReport {
        let state = self.shared.lock();
        let mut report = state.report;
        if state.until.is_some() {
            report.lost += state.events.len() as u64 + state.in_hand;
        }
        report
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.close(Instant::now());
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Worker {
    name: &'static str,
    exporter: Box<dyn Exporter>,
    shared: Arc<Shared>,
    warned: bool,
}

impl Worker {
    fn run(mut self) {
        loop {
            let batch = self.take();
            if batch.is_empty() {
                break;
            }
            let count = batch.len() as u64;
            // A mistake in an exporter costs its batch, never the exporter.
            let sent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.send(&batch)));
            let sent = sent.unwrap_or_default();
            let mut state = self.shared.lock();
            state.in_hand = 0;
            state.report.sent += sent;
            match state.until {
                Some(until) if Instant::now() >= until => state.report.lost += count - sent,
                Some(_) | None => state.report.failed += count - sent,
            }
        }
        self.shared.lock().ended = true;
        self.shared.wake.notify_all();
    }

    /// The next batch, filled for up to a second; empty at the end.
    fn take(&self) -> Vec<Arc<Event>> {
        let most = self.exporter.batch().max(1);
        let mut state = self.shared.lock();
        while state.events.is_empty() && state.until.is_none() {
            state = self.shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let fill = Instant::now() + limits::SEND_WAIT;
        while state.until.is_none() && state.events.len() < most {
            let left = fill.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.shared.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.until.is_some_and(|until| Instant::now() >= until) {
            state.report.lost += state.events.len() as u64;
            state.events.clear();
        }
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < most && bytes < limits::SEND_BYTES {
            let Some(event) = state.events.pop_front() else { break };
            bytes += weight(&event);
            batch.push(event);
        }
        state.bytes = state.bytes.saturating_sub(bytes);
        state.in_hand = batch.len() as u64;
        batch
    }

    /// Sends a batch in as many parts as needed; answers how many events were taken.
    fn send(&mut self, batch: &[Arc<Event>]) -> u64 {
        let mut sent = 0;
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            match self.try_part(part) {
                Ok(()) => sent += part.len() as u64,
                Err(Failed::TooLarge) if part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Err(Failed::TooLarge) => self.warn("too large"),
                Err(Failed::Never(reason)) => self.warn(&reason),
                // The rest of the batch would meet the same.
                Err(Failed::Later(_)) => {
                    self.warn("no answer after several tries");
                    return sent;
                }
            }
        }
        sent
    }

    fn try_part(&mut self, part: &[Arc<Event>]) -> Result<(), Failed> {
        let mut pause = PAUSE;
        let mut tries = 1;
        loop {
            let until = self.by(TRY);
            match self.exporter.export(part, until) {
                Err(Failed::Later(after)) if tries < TRIES => {
                    tries += 1;
                    let wait = after.unwrap_or(pause).clamp(pause.min(PAUSE_MAX), PAUSE_MAX);
                    if !self.sleep(wait) {
                        return Err(Failed::Later(None));
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                other => return other,
            }
        }
    }

    /// The deadline of something that may take so long.
    fn by(&self, long: Duration) -> Instant {
        let by = Instant::now() + long;
        self.shared.lock().until.map_or(by, |until| until.min(by))
    }

    /// Waits; `false` when the end comes first.
    fn sleep(&self, long: Duration) -> bool {
        let wake = Instant::now() + long;
        let mut state = self.shared.lock();
        loop {
            let now = Instant::now();
            if state.until.is_some_and(|until| until <= wake || now >= until) {
                return false;
            }
            if now >= wake {
                return true;
            }
            state =
                self.shared.wake.wait_timeout(state, wake - now).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn warn(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(exporter = self.name, reason, "events were not exported; this is said once");
        }
    }
}
