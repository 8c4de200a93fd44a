//! The bounded queue between the recorder and its delivery: enqueueing never blocks; when full it drops the oldest
//! event that can best be spared and counts it (D24, SDK-80).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use trackway_event::{Event, Kind, limits};

use crate::export::Exporters;

/// Events that wait to be sent.
#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    exporters: Exporters,
    keep: Keep,
    size: Size,
}

/// How much a queue holds and gives out at once (D24, D27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Events that may wait, at least 1.
    pub events: usize,
    /// Events of a batch, 1 to 1,000.
    pub batch: usize,
    /// How long a batch waits to fill.
    pub wait: Duration,
}

impl Default for Size {
    fn default() -> Self {
        Self { events: limits::QUEUE_EVENTS, batch: limits::SEND_EVENTS, wait: limits::SEND_WAIT }
    }
}

/// What becomes of an event once the exporters have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// It waits to be sent.
    #[default]
    ForDelivery,
    /// Nothing: telemetry-only mode, without a project (SDK-70).
    Nothing,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<(Event, usize)>,
    bytes: usize,
    lost: BTreeMap<String, u64>,
    closed: bool,
    hurry: bool,
    /// Events given out whose end is not known yet.
    out: u64,
}

/// What [`Queue::take`] answers.
#[derive(Debug)]
pub struct Taken {
    /// The next events in order.
    pub events: Vec<Event>,
    /// Whether nothing will come any more.
    pub closed: bool,
}

impl Queue {
    /// A queue that gives every event it takes in to the exporters as well, once.
    pub fn with_exporters(exporters: Exporters, keep: Keep) -> Self {
        Self { exporters, keep, ..Self::default() }
    }

    /// The same with other sizes than the usual; what is out of bounds is brought into them.
    #[must_use]
    pub fn sized(mut self, size: Size) -> Self {
        self.size = Size {
            events: size.events.clamp(1, 1_000_000),
            batch: size.batch.clamp(1, limits::BATCH_EVENTS),
            wait: size.wait.clamp(Duration::from_millis(10), Duration::from_secs(60)),
        };
        self
    }

    /// How long a batch waits to fill.
    pub fn fill(&self) -> Duration {
        self.size.wait
    }

    /// The exporters, for their counts and their end.
    pub fn exporters(&self) -> &Exporters {
        &self.exporters
    }

    /// Adds an event that is fit to leave (after redaction); drops another one when there is no room.
    pub fn push(&self, event: Event) {
        if !self.exporters.is_empty() {
            self.exporters.offer(&Arc::new(event.clone()));
        }
        if self.keep == Keep::Nothing {
            return;
        }
        let bytes = weight(&event);
        let mut state = self.lock();
        if state.closed {
            *state.lost.entry("closed".into()).or_default() += 1;
            return;
        }
        state.events.push_back((event, bytes));
        state.bytes += bytes;
        while state.events.len() > self.size.events || state.bytes > limits::QUEUE_BYTES {
            let spare = state.events.iter().position(|(e, _)| can_be_spared(e)).unwrap_or(0);
            let Some((_, bytes)) = state.events.remove(spare) else { break };
            state.bytes -= bytes;
            *state.lost.entry("queue_full".into()).or_default() += 1;
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Counts events lost elsewhere, for the next report.
    pub fn lose(&self, reason: &str, count: u64) {
        *self.lock().lost.entry(reason.into()).or_default() += count;
    }

    /// The losses since the last call.
    pub fn take_lost(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.lock().lost)
    }

    /// Whether there is nothing to report.
    pub fn is_lost_empty(&self) -> bool {
        self.lock().lost.is_empty()
    }

    /// Waits until there are events, or `deadline`; then up to [`limits::SEND_WAIT`] longer for a full batch.
    pub fn take(&self, deadline: Instant) -> Taken {
        let fill = deadline.saturating_duration_since(Instant::now()).min(self.size.wait);
        self.take_filled(deadline, fill)
    }

    /// Waits until there are events, or `deadline`; then up to `fill` longer for a full batch.
    pub fn take_filled(&self, deadline: Instant, fill: Duration) -> Taken {
        let mut state = self.wait(self.lock(), deadline, |s| !s.events.is_empty() || s.closed || s.hurry);
        state = self.wait(state, Instant::now() + fill, |s| {
            s.events.is_empty()
                || s.closed
                || s.hurry
                || s.events.len() >= self.size.batch
                || s.bytes >= limits::SEND_BYTES
        });
        let (mut events, mut bytes) = (Vec::new(), 0);
        while events.len() < self.size.batch && bytes < limits::SEND_BYTES {
            let Some((event, weight)) = state.events.pop_front() else { break };
            state.bytes -= weight;
            bytes += weight;
            events.push(event);
        }
        if state.events.is_empty() {
            state.hurry = false;
        }
        state.out += events.len() as u64;
        Taken { closed: state.closed && state.events.is_empty(), events }
    }

    /// What waits is to be sent without waiting for company.
    pub fn hurry(&self) {
        self.lock().hurry = true;
        self.wake.notify_all();
    }

    /// So many of the events given out are acknowledged, on disk or counted as lost.
    pub fn settled(&self, events: u64) {
        let mut state = self.lock();
        state.out = state.out.saturating_sub(events);
    }

    /// Whether nothing waits and nothing given out is unsettled.
    pub fn is_settled(&self) -> bool {
        let state = self.lock();
        state.events.is_empty() && state.out == 0
    }

    /// Events that wait.
    pub fn len(&self) -> usize {
        self.lock().events.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No event is taken in any more; what waits is still given out.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        until: Instant,
        done: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        while !done(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                break;
            }
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Identify, error and custom events are kept longest.
fn can_be_spared(event: &Event) -> bool {
    !matches!(event.kind, Kind::Identify | Kind::Custom | Kind::Exception | Kind::MissingCapability)
        && !event.failed()
}

/// Bytes an event is counted with.
pub(crate) fn weight(event: &Event) -> usize {
    let payloads =
        [&event.arguments, &event.result, &event.request_meta, &event.transport, &event.properties];
    512 + payloads.into_iter().flatten().map(|p| p.get().len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trackway_event::{EventId, Timestamp};

    fn event(kind: Kind) -> Event {
        Event::new(
            EventId::mint(Timestamp::from_millis(1_767_323_045_000), [1; 16]),
            kind,
            Timestamp::from_millis(0),
        )
    }

    #[test]
    fn overflow_drops_what_can_be_spared_and_counts_it() {
        let queue = Queue::default();
        queue.push(event(Kind::Identify));
        for _ in 0..limits::QUEUE_EVENTS + 4 {
            queue.push(event(Kind::ToolCall));
        }
        assert_eq!(queue.take_lost().get("queue_full"), Some(&5));
        let first = queue.take(Instant::now()).events.remove(0);
        assert_eq!(first.kind, Kind::Identify);
    }

    #[test]
    fn a_closed_queue_gives_out_what_it_holds() {
        let queue = Queue::default();
        for _ in 0..150 {
            queue.push(event(Kind::ToolCall));
        }
        queue.close();
        queue.push(event(Kind::ToolCall));
        let first = queue.take(Instant::now());
        assert_eq!((first.events.len(), first.closed), (100, false));
        let second = queue.take(Instant::now());
        assert_eq!((second.events.len(), second.closed), (50, true));
        assert_eq!(queue.take_lost().get("closed"), Some(&1));
    }
}
