//! Recording beside the traffic: a bounded inbox, the recorder's thread, and what follows it. Pumps only leave copies here;
//! nothing in this file can hold them up (INV-08).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use trackway_capture::delivery::{Delivery, DeliveryConfig, now};
use trackway_capture::queue::Queue;
use trackway_capture::recorder::{Observed, Protocol, Recorder, RecorderConfig, Way};
use trackway_capture::redact;
use trackway_event::{CaptureBy, Event, SdkInfo, Timestamp};

use crate::wrap::{DemoClock, Print, WrapOptions};

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
}

impl Tap {
    pub(crate) fn see(&self, way: Way, at: Instant, line: &[u8]) {
        let (wall, mono_us) = self.clock.read(at);
        self.inbox.push(way, wall, mono_us, line);
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
    lines: VecDeque<Observed>,
    bytes: usize,
    asleep: bool,
    closed: bool,
}

impl Inbox {
    fn push(&self, way: Way, wall: Timestamp, mono_us: u64, line: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed || state.lines.len() >= BACKLOG || state.bytes + line.len() > BACKLOG_BYTES {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(Observed { way, wall, mono_us, line: line.to_vec() });
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Everything that waits, after at most [`TICK`]; and whether it was the last.
    fn take(&self) -> (VecDeque<Observed>, bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.lines.is_empty() && !state.closed {
            state.asleep = true;
            state = self.wake.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            state.asleep = false;
        }
        state.bytes = 0;
        (std::mem::take(&mut state.lines), state.closed)
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

impl Recording {
    /// `None` when no thread can be had; the traffic then passes unrecorded.
    pub(crate) fn start(options: &WrapOptions) -> Option<Self> {
        let version = env!("CARGO_PKG_VERSION");
        let queue = Arc::new(Queue::default());
        let delivery = match options.print {
            Print::Yes => None,
            Print::No => {
                let config = DeliveryConfig {
                    endpoint: options.endpoint.clone(),
                    token: options.token.clone(),
                    project: options.project.clone(),
                    sdk: SdkInfo { name: "trackway-wrap".into(), version: version.into() },
                    spool: options.spool.clone(),
                };
                Delivery::start(config, Arc::clone(&queue)).ok()
            }
        };
        let config = RecorderConfig {
            project: options.project.clone(),
            capture: CaptureBy::Wrap,
            version: version.into(),
            mode: options.mode,
            identify: options.identify.clone(),
            demo: options.demo.is_some(),
            protocol: Protocol::All,
        };
        let recorder = Recorder::new(config, Box::new(random));
        let clock = Clock { zero: Instant::now(), wall: now(), demo: options.demo };
        let inbox = Arc::new(Inbox::default());
        let tap = Tap { inbox: Arc::clone(&inbox), clock };
        let sink = Sink { print: options.print, queue: Arc::clone(&queue) };
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
        let (lines, last) = inbox.take();
        for seen in lines {
            sink.guarded(|| recorder.observe(&seen, &mut events));
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
                redact::clean(&mut event);
                match self.print {
                    Print::No => self.queue.push(event),
                    Print::Yes => {
                        if let Ok(line) = serde_json::to_string(&event) {
                            eprintln!("{line}");
                        }
                    }
                }
            });
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
