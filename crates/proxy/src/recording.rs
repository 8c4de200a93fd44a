//! Recording beside the traffic: a bounded inbox, the recorder's thread, and what follows it. Pumps only leave copies here;
//! nothing in this file can hold them up (INV-08).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use trackway_capture::delivery::{Delivery, DeliveryConfig, now};
use trackway_capture::export::{ExportSource, Exporters};
use trackway_capture::queue::{Keep, Queue};
use trackway_capture::recorder::{
    Ending, IdentifyRule, Observed, Protocol, Recorder, RecorderConfig, Scope, Way,
};
use trackway_capture::redact::Redaction;
use trackway_capture::wire::inject::Mode;
use trackway_event::{CaptureBy, Event, ProjectId, SdkInfo, Timestamp};

use crate::demo::DemoFacts;
use crate::leaving::Leaving;
use crate::wrap::{DemoClock, Print};

/// Lines that may wait for the recorder; beyond, they are counted and not recorded.
const BACKLOG: usize = 8_192;
/// Bytes that may wait for the recorder.
const BACKLOG_BYTES: usize = 32 * 1024 * 1024;
/// How long the last events may take to be sent or spooled before the wrapper exits.
const FLUSH: Duration = Duration::from_secs(2);
/// After a look into the inbox the recorder lets more gather: waking it for each line would cost the pumps a system
/// call a line.
const LINGER: Duration = Duration::from_millis(10);
/// How often time passes for what waits.
const TICK: Duration = Duration::from_secs(1);

/// The way into the recorder: copies what passes, as long as there is room.
#[derive(Clone)]
pub(crate) struct Tap {
    inbox: Arc<Inbox>,
    clock: Clock,
    queue: Arc<Queue>,
}

/// One thing for the recorder.
enum Note {
    /// A line of the pipe.
    Line(Observed),
    /// A message of an HTTP exchange.
    Message(Arc<Scope>, Observed),
    /// The end of an HTTP exchange.
    Ended(Arc<Scope>, Ending, u64),
    /// A DELETE and the status of its answer.
    Closed(Arc<Scope>, Observed, u16),
    /// The answer to a listing of our own.
    Learned(Vec<u8>),
}

impl Tap {
    /// A line of the pipe.
    pub(crate) fn see(&self, way: Way, at: Instant, line: &[u8]) {
        self.inbox.push(line.len(), || Note::Line(self.observed(way, at, line)));
    }

    /// A message of an HTTP exchange.
    pub(crate) fn see_in(&self, scope: &Arc<Scope>, way: Way, at: Instant, line: &[u8]) {
        self.inbox.push(line.len(), || Note::Message(Arc::clone(scope), self.observed(way, at, line)));
    }

    /// The end of an HTTP exchange.
    pub(crate) fn ended(&self, scope: &Arc<Scope>, ending: Ending) {
        let (_, mono_us) = self.clock.read(Instant::now());
        self.inbox.push(0, || Note::Ended(Arc::clone(scope), ending, mono_us));
    }

    /// The client asked for the end of its session.
    pub(crate) fn closed(&self, scope: &Arc<Scope>, at: Instant, status: u16) {
        self.inbox
            .push(0, || Note::Closed(Arc::clone(scope), self.observed(Way::FromClient, at, b""), status));
    }

    /// The answer to a listing of our own: no event, but its tools are known now.
    pub(crate) fn learn(&self, answer: &[u8]) {
        self.inbox.push(answer.len(), || Note::Learned(answer.to_vec()));
    }

    /// Counts what passed and could not be looked into.
    pub(crate) fn lose(&self, reason: &'static str) {
        self.queue.lose(reason, 1);
    }

    fn observed(&self, way: Way, at: Instant, line: &[u8]) -> Observed {
        let (wall, mono_us) = self.clock.read(at);
        Observed { way, wall, mono_us, line: line.to_vec() }
    }
}

#[derive(Default)]
struct Inbox {
    state: Mutex<Waiting>,
    wake: Condvar,
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
    /// Makes the copy only where there is room for it.
    fn push(&self, bytes: usize, note: impl FnOnce() -> Note) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed || state.notes.len() >= BACKLOG || state.bytes + bytes > BACKLOG_BYTES {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.bytes += bytes;
        state.notes.push_back(note());
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Everything that waits, after at most [`TICK`]; and whether it was the last.
    fn take(&self) -> (VecDeque<Note>, bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.notes.is_empty() && !state.closed {
            state.asleep = true;
            state = self.wake.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            state.asleep = false;
        }
        state.bytes = 0;
        (std::mem::take(&mut state.notes), state.closed)
    }

    fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.wake.notify_one();
    }
}

#[derive(Clone, Copy)]
struct Clock {
    zero: Instant,
    wall: Timestamp,
    demo: Option<DemoClock>,
}

impl Clock {
    fn read(&self, at: Instant) -> (Timestamp, u64) {
        let elapsed = at.saturating_duration_since(self.zero).as_micros() as u64;
        let wall = match self.demo {
            Some(demo) => demo.start.plus_micros((elapsed as f64 * demo.scale) as i64),
            None => self.wall.plus_micros(elapsed as i64),
        };
        (wall, elapsed)
    }
}

/// The recorder's thread and what follows it.
pub(crate) struct Recording {
    tap: Tap,
    thread: std::thread::JoinHandle<()>,
    queue: Arc<Queue>,
    delivery: Option<Delivery>,
}

/// What a recording is told.
#[derive(Clone, Debug)]
pub(crate) struct RecordingConfig {
    pub(crate) project: ProjectId,
    pub(crate) endpoint: String,
    pub(crate) token: Option<String>,
    pub(crate) capture: CaptureBy,
    pub(crate) mode: Mode,
    pub(crate) identify: Option<IdentifyRule>,
    pub(crate) print: Print,
    pub(crate) spool: Option<PathBuf>,
    pub(crate) leaving: Leaving,
    pub(crate) demo: Option<DemoClock>,
    pub(crate) demo_facts: Option<DemoFacts>,
}

impl Recording {
    /// `None` when no thread can be had; the traffic then passes unrecorded.
    pub(crate) fn start(options: RecordingConfig) -> Option<Self> {
        let version = env!("CARGO_PKG_VERSION");
        let sdk = SdkInfo {
            name: format!("trackway-{}", options.capture.as_str()).into(),
            version: version.into(),
        };
        let exporters = match options.print {
            Print::Yes => Exporters::default(),
            Print::No => {
                let source = ExportSource { project: Some(options.project.clone()), sdk: sdk.clone() };
                Exporters::start(&options.leaving.exporters, &source)
            }
        };
        let queue = Arc::new(Queue::with_exporters(exporters, Keep::ForDelivery));
        let delivery = match options.print {
            Print::Yes => None,
            Print::No => {
                let config = DeliveryConfig {
                    endpoint: options.endpoint.clone(),
                    token: options.token.clone(),
                    project: options.project.clone(),
                    sdk,
                    spool: options.spool.clone(),
                    wire: options.leaving.wire,
                };
                Delivery::start_with(config, Arc::clone(&queue), options.leaving.spool_mode).ok()
            }
        };
        let config = RecorderConfig {
            project: options.project.clone(),
            capture: options.capture,
            version: version.into(),
            mode: options.mode,
            identify: options.identify,
            demo: options.demo.is_some(),
            protocol: Protocol::All,
        };
        let recorder = Recorder::new(config, Box::new(random))
            .with_sessions(options.leaving.sessions)
            .with_process(&trackway_event::id::hex(&random()));
        // Checked where the flags were read; without its rules nothing may leave.
        let redaction = Redaction::new(options.leaving.redaction).ok()?;
        let clock = Clock { zero: Instant::now(), wall: now(), demo: options.demo };
        let inbox = Arc::new(Inbox::default());
        let tap = Tap { inbox: Arc::clone(&inbox), clock, queue: Arc::clone(&queue) };
        let sink = Sink {
            print: options.print,
            queue: Arc::clone(&queue),
            redaction: RefCell::new(redaction),
            facts: options.demo_facts,
            calls: Cell::new(0),
        };
        let thread = std::thread::Builder::new()
            .name("trackway-record".into())
            .spawn(move || record(recorder, &inbox, clock, &sink))
            .ok()?;
        Some(Self { tap, thread, queue, delivery })
    }

    pub(crate) fn tap(&self) -> Tap {
        self.tap.clone()
    }

    /// Records what is under way, then sends or spools it.
    pub(crate) fn finish(self) {
        let until = Instant::now() + FLUSH;
        self.tap.inbox.close();
        while !self.thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        match self.delivery {
            Some(delivery) => {
                let report = delivery.shutdown(until.saturating_duration_since(Instant::now()));
                tracing::debug!(?report, "delivery ended");
            }
            None => self.queue.close(),
        }
    }
}

fn record(mut recorder: Recorder, inbox: &Inbox, clock: Clock, sink: &Sink) {
    let mut events = Vec::new();
    loop {
        let (notes, last) = inbox.take();
        for note in notes {
            sink.guarded(|| match note {
                Note::Line(seen) => recorder.observe(&seen, &mut events),
                Note::Message(scope, seen) => recorder.observe_in(&scope, &seen, &mut events),
                Note::Ended(scope, ending, at) => recorder.exchange_ended(&scope, ending, at, &mut events),
                Note::Learned(answer) => recorder.learn_listing(&answer),
                Note::Closed(scope, seen, status) => {
                    recorder.session_ended(&scope, &seen, status, &mut events);
                }
            });
            sink.take(&mut events);
        }
        let now_us = clock.read(Instant::now()).1;
        sink.guarded(|| {
            if last { recorder.close(now_us, &mut events) } else { recorder.tick(now_us, &mut events) }
        });
        sink.take(&mut events);
        match inbox.missed.swap(0, Ordering::Relaxed) {
            0 => {}
            missed => sink.queue.lose("recorder_behind", missed),
        }
        if last {
            return;
        }
        std::thread::sleep(LINGER);
    }
}

struct Sink {
    print: Print,
    queue: Arc<Queue>,
    redaction: RefCell<Redaction>,
    facts: Option<DemoFacts>,
    calls: Cell<u32>,
}

impl Sink {
    /// A mistake in the recording costs what it was about, never the recording of the rest (CAP §2.1).
    fn guarded(&self, work: impl FnOnce()) {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
            self.queue.lose("recorder_failed", 1);
        }
    }

    fn take(&self, events: &mut Vec<Event>) {
        for mut event in events.drain(..) {
            self.guarded(|| {
                if let Some(facts) = &self.facts {
                    facts.say(&mut event);
                    if let Some(said) = facts.feedback_after(&event, &self.calls, random()) {
                        self.leave(said);
                    }
                }
                self.leave(event);
            });
        }
    }

    fn leave(&self, event: Event) {
        let Some(event) = self.redaction.borrow_mut().apply(event) else { return };
        match self.print {
            Print::No => self.queue.push(event),
            Print::Yes => {
                if let Ok(line) = serde_json::to_string(&event) {
                    eprintln!("{line}");
                }
            }
        }
    }
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without a source of randomness ids are told apart by the clock and a counter.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (high, low) = bytes.split_at_mut(8);
        high.copy_from_slice(&now().micros().to_be_bytes());
        low.copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    }
    bytes
}
