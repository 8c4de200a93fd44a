//! Behind the calls: a bounded inbox, one thread that asks the callbacks, feeds the recorder and redacts. A call only leaves a
//! copy in the inbox (CAP §5.3); nothing in this file can hold it up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use trackway_capture::queue::Queue;
use trackway_capture::recorder::{Ending, Observed, Recorder, Scope, Told};
use trackway_capture::redact::Redaction;
use trackway_event::json::payload_of;
use trackway_event::{ErrorInfo, Event, Kind, Timestamp, limits};

use crate::callback::{self, Ask, Identities, Said};
use crate::debug::Debug;
use crate::options::Options;
use crate::snapshot::{Extra, RequestInfo};
use crate::testing::Memory;

/// Calls that may wait for their callbacks at once; beyond, they go without.
const ASKING: usize = 1_000;
/// After a look into the inbox more may gather: waking the thread for every call would cost the call a system call.
const LINGER: Duration = Duration::from_millis(10);
/// How often time passes for what waits.
const TICK: Duration = Duration::from_secs(1);

/// One thing for the worker.
pub(crate) enum Note {
    /// A request and what became of it.
    Exchange(Box<Exchange>),
    /// A notification.
    Notice(Arc<Scope>, Observed),
    /// A listing that no client asked for.
    Learned(Vec<u8>),
    /// An event of the host's own making.
    Event(Box<Event>),
    /// Answer when everything before is in the queue.
    Flush(oneshot::Sender<()>),
}

/// A request and what became of it.
pub(crate) struct Exchange {
    pub(crate) scope: Scope,
    pub(crate) request: Observed,
    pub(crate) outcome: Outcome,
    /// For the callbacks, where there are any.
    pub(crate) seen: Option<(RequestInfo, Extra)>,
    /// The key under which an identity is remembered.
    pub(crate) session: Option<Box<str>>,
    /// The error that the handler told of.
    pub(crate) caught: Option<Box<ErrorInfo>>,
}

/// What became of a request.
pub(crate) enum Outcome {
    Answer(Observed),
    Ended(Ending, u64),
}

/// What waits for the worker.
#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<Waiting>,
    wake: Notify,
    missed: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    notes: VecDeque<Note>,
    bytes: usize,
    asleep: bool,
    closed: bool,
}

impl Inbox {
    /// Takes a note in, or counts it where there is no room.
    pub(crate) fn push(&self, bytes: usize, note: Note) {
        let mut state = self.lock();
        if state.closed
            || state.notes.len() >= limits::QUEUE_EVENTS
            || state.bytes + bytes > limits::QUEUE_BYTES
        {
            drop(state);
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.bytes += bytes;
        state.notes.push_back(note);
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    /// What could not be taken in since the last call.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    fn take(&self) -> (VecDeque<Note>, bool) {
        let mut state = self.lock();
        state.bytes = 0;
        state.asleep = state.notes.is_empty();
        (std::mem::take(&mut state.notes), state.closed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wall and monotonic time of an instant.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    zero: Instant,
    wall: Timestamp,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { zero: Instant::now(), wall: trackway_capture::delivery::now() }
    }

    /// Wall clock, and µs since the start.
    pub(crate) fn read(&self, at: Instant) -> (Timestamp, u64) {
        let us = at.saturating_duration_since(self.zero).as_micros() as u64;
        (self.wall.plus_micros(us as i64), us)
    }
}

/// Where finished events go.
pub(crate) enum Sink {
    Queue(Arc<Queue>),
    Memory(Memory),
}

/// The worker of one hub.
pub(crate) struct Worker {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) recorder: Recorder,
    pub(crate) redaction: Redaction,
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) sink: Sink,
    pub(crate) identities: Identities,
    pub(crate) debug: Option<Debug>,
}

type Asked = (Box<Exchange>, Said);

impl Worker {
    /// Runs until the inbox is closed and empty.
    pub(crate) async fn run(mut self, callbacks: tokio::runtime::Handle) {
        let mut asking: JoinSet<Asked> = JoinSet::new();
        let mut flushes: Vec<oneshot::Sender<()>> = Vec::new();
        let options = Arc::new(self.options.clone());
        loop {
            let (notes, closed) = self.inbox.take();
            let idle = notes.is_empty();
            for note in notes {
                match note {
                    Note::Exchange(exchange) => self.exchange(exchange, &mut asking, &options, &callbacks),
                    Note::Notice(scope, seen) => {
                        self.feed(|recorder, out| recorder.observe_in(&scope, &seen, out), |_| {});
                    }
                    Note::Learned(line) => self.feed(|recorder, _| recorder.learn_listing(&line), |_| {}),
                    Note::Event(event) => self.finish(*event),
                    Note::Flush(done) => flushes.push(done),
                }
            }
            while let Some(done) = asking.try_join_next() {
                self.asked(done.ok());
            }
            if asking.is_empty() {
                told(&mut flushes);
            }
            let now_us = self.clock.read(Instant::now()).1;
            self.feed(|recorder, out| recorder.tick(now_us, out), |_| {});
            match self.inbox.missed() {
                0 => {}
                missed => self.lose("recorder_behind", missed),
            }
            if closed && idle {
                while let Some(done) = asking.join_next().await {
                    self.asked(done.ok());
                }
                self.feed(|recorder, out| recorder.close(now_us, out), |_| {});
                told(&mut flushes);
                return;
            }
            if idle {
                tokio::select! {
                    () = self.inbox.wake.notified() => {}
                    Some(done) = asking.join_next(), if !asking.is_empty() => self.asked(done.ok()),
                    () = tokio::time::sleep(TICK) => {}
                }
            }
            tokio::time::sleep(if closed { Duration::ZERO } else { LINGER }).await;
        }
    }

    fn exchange(
        &mut self,
        exchange: Box<Exchange>,
        asking: &mut JoinSet<Asked>,
        options: &Arc<Options>,
        callbacks: &tokio::runtime::Handle,
    ) {
        let Some((request, extra)) = exchange.seen.clone() else {
            return self.record(exchange, Said::default());
        };
        if asking.len() >= ASKING {
            let said = Said { notes: vec!["callbacks_busy"], ..Said::default() };
            return self.record(exchange, said);
        }
        let wanted =
            self.identities.ask(options.identify_mode, exchange.session.as_deref(), &extra, Instant::now());
        let others =
            options.tags.is_some() || options.properties.is_some() || options.resolve_session.is_some();
        if wanted == Ask::No && !others {
            return self.record(exchange, Said::default());
        }
        let (options, callbacks) = (Arc::clone(options), callbacks.clone());
        asking.spawn(async move {
            let said = callback::ask(&options, &callbacks, wanted, request, extra).await;
            (exchange, said)
        });
    }

    fn asked(&mut self, done: Option<Asked>) {
        match done {
            Some((exchange, said)) => self.record(exchange, said),
            None => self.lose("recorder_failed", 1),
        }
    }

    fn record(&mut self, mut exchange: Box<Exchange>, said: Said) {
        if let Some(session) = &said.session {
            exchange.scope.told = Some(Told::Named(session.as_str().into()));
        }
        let mut groups = Default::default();
        if let Some((_, extra)) = &exchange.seen {
            let session = exchange.session.as_deref();
            if let Some((actor, of)) =
                self.identities.settle(session, said.identity.as_ref(), extra, Instant::now())
            {
                exchange.scope.person = Some(actor);
                groups = of;
            }
        }
        let Exchange { scope, request, outcome, mut caught, .. } = *exchange;
        self.feed(
            |recorder, out| {
                recorder.observe_in(&scope, &request, out);
                match &outcome {
                    Outcome::Answer(answer) => recorder.observe_in(&scope, answer, out),
                    Outcome::Ended(ending, at) => recorder.exchange_ended(&scope, *ending, *at, out),
                }
            },
            |event| {
                if event.failed() && event.kind == Kind::ToolCall && caught.is_some() {
                    event.error = caught.take();
                }
                event.groups.extend(groups.iter().map(|(k, v)| (k.clone(), v.clone())));
                event.tags.extend(said.tags.iter().map(|(k, v)| (k.clone(), v.clone())));
                for note in &said.notes {
                    event.note(note);
                }
                if !said.properties.is_empty() {
                    add_properties(event, &said.properties);
                }
            },
        );
    }

    /// Lets the recorder work; a mistake of its costs what it was about, never the recording of the rest (CAP §2.1).
    fn feed(&mut self, work: impl FnOnce(&mut Recorder, &mut Vec<Event>), mut dress: impl FnMut(&mut Event)) {
        let mut events = Vec::new();
        let recorder = &mut self.recorder;
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(recorder, &mut events)));
        if done.is_err() {
            self.lose("recorder_failed", 1);
        }
        for mut event in events {
            dress(&mut event);
            self.finish(event);
        }
    }

    fn finish(&mut self, event: Event) {
        let redaction = &mut self.redaction;
        let cleaned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| redaction.apply(event)));
        if let (Some(debug), Ok(Some(event))) = (&mut self.debug, &cleaned) {
            debug.event(event);
        }
        match (cleaned, &self.sink) {
            (Ok(Some(event)), Sink::Queue(queue)) => queue.push(event),
            (Ok(Some(event)), Sink::Memory(memory)) => memory.push(event),
            (Ok(None), _) => {}
            (Err(_), _) => self.lose("recorder_failed", 1),
        }
    }

    fn lose(&self, reason: &str, count: u64) {
        match &self.sink {
            Sink::Queue(queue) => queue.lose(reason, count),
            Sink::Memory(_) => {}
        }
    }
}

/// Answers those who wait; whoever went away has no use for it.
fn told(flushes: &mut Vec<oneshot::Sender<()>>) {
    for done in flushes.drain(..) {
        let _ = done.send(());
    }
}

/// The host's members go below the recorder's own, and never over them.
fn add_properties(event: &mut Event, added: &serde_json::Map<String, serde_json::Value>) {
    let known = event.properties.as_ref().and_then(|p| serde_json::from_str(p.get()).ok());
    let mut all: serde_json::Map<String, serde_json::Value> = known.unwrap_or_default();
    for (key, value) in added {
        all.entry(key.clone()).or_insert_with(|| value.clone());
    }
    event.properties = payload_of(&all);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_44_time_of_a_call_never_runs_backwards() {
        // The wall clock is read once; from then on only the monotonic one counts, which no jump of the other moves.
        let clock = Clock::start();
        let later = clock.zero + Duration::from_millis(250);
        assert_eq!(clock.read(later).1, 250_000);
        assert_eq!(clock.read(later).0.since(clock.wall), 250_000);
        // Not even an instant before the start makes a time below zero.
        if let Some(before) = clock.zero.checked_sub(Duration::from_secs(3_600)) {
            assert_eq!(clock.read(before), (clock.wall, 0));
        }
    }
}
