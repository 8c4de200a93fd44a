//! The run of `trackway wrap`: two pumps that forward and flush message by message, and beside them, never in front
//! of them, a thread that records (CAP §6.1).

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use trackway_capture::delivery::{Delivery, DeliveryConfig, now};
use trackway_capture::editor::{Editor, Verdict};
use trackway_capture::queue::Queue;
use trackway_capture::recorder::{IdentifyRule, Observed, Protocol, Recorder, RecorderConfig, Way};
use trackway_capture::redact;
use trackway_capture::wire::inject::{Injection, Missing, Mode};
use trackway_event::{CaptureBy, Event, ProjectId, SdkInfo, Timestamp, limits};

use crate::guard::{Child, forward_signals, launched};
use crate::lines::{Lines, Piece};

/// Lines that may wait for the recorder; beyond, they are counted and not recorded.
const BACKLOG: usize = 4_096;
/// Bytes that may wait for the recorder.
const BACKLOG_BYTES: usize = 32 * 1024 * 1024;
/// How long the last events may take to be sent or spooled before the wrapper exits.
const FLUSH: Duration = Duration::from_secs(2);

/// Everything `wrap` is told.
#[derive(Clone, Debug)]
pub struct WrapOptions {
    /// Project the events belong to.
    pub project: ProjectId,
    /// Base URL of Trackway.
    pub endpoint: String,
    /// Ingest token.
    pub token: Option<String>,
    /// What is done about `context`.
    pub mode: Mode,
    /// Replaces the constant description of `context`.
    pub context_description: Option<String>,
    /// Whether `get_more_tools` is offered.
    pub report_missing: Missing,
    /// Where the user is named.
    pub identify: Option<IdentifyRule>,
    /// Write events to stderr and send nothing.
    pub print: Print,
    /// Directory for what cannot be sent.
    pub spool: Option<PathBuf>,
    /// Time as the demo wants it.
    pub demo: Option<DemoClock>,
    /// The binary with the hidden verb [`crate::guard::LAUNCH_VERB`]; `None`: the child is started directly.
    pub launcher: Option<PathBuf>,
}

/// Whether events are shown instead of sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    /// Sent.
    No,
    /// Shown on stderr, one JSON object a line; nothing is sent.
    Yes,
}

/// A clock for invented traffic: recorded times start at `start` and run `scale` times as fast; durations stay real.
#[derive(Clone, Copy, Debug)]
pub struct DemoClock {
    /// Recorded time of the start.
    pub start: Timestamp,
    /// Recorded seconds per real second.
    pub scale: f64,
}

/// Runs the command until it ends and answers the exit code: the child's own, 128 + n when a signal ended it, 127 when
/// it could not be started.
pub fn run(options: &WrapOptions, command: &[OsString]) -> i32 {
    let shown = command.first().map(|c| c.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(mut starting) = launched(options.launcher.as_ref(), command) else {
        eprintln!("trackway wrap: no command; write it after --");
        return 2;
    };
    let marker = project_marker(&options.project);
    starting.stdin(Stdio::piped()).stdout(Stdio::piped()).env("TRACKWAY_WRAPPED", &marker);
    let mut process = match starting.spawn() {
        Ok(process) => process,
        Err(error) => {
            eprintln!("trackway wrap: cannot start {shown}: {error}");
            return 127;
        }
    };
    let child = Child::new(process.id());
    if let Err(error) = forward_signals(child.clone()) {
        tracing::warn!(%error, "signals cannot be passed on");
    }
    let (Some(to_child), Some(from_child)) = (process.stdin.take(), process.stdout.take()) else {
        return 127;
    };

    let injection =
        Injection::new(options.mode, marker, options.context_description.as_deref(), options.report_missing);
    let editor = Arc::new(Editor::new(injection));
    let recording = Recording::start(options);
    let tap = recording.as_ref().map(|r| r.tap.clone());

    let up = Pump { way: Way::FromClient, editor: Arc::clone(&editor), tap: tap.clone() };
    let ending = child.clone();
    spawn("trackway-up", move || {
        up.run(io::stdin(), to_child);
        // The client has gone: the child's input is closed by now; it may end by itself first.
        ending.end_after_grace();
    });
    let down = Pump { way: Way::FromServer, editor, tap };
    let (done, finished) = sync_channel::<()>(1);
    spawn("trackway-down", move || {
        down.run(from_child, io::stdout());
        let _ = done.send(());
    });

    let status = process.wait();
    child.ended();
    // What the child wrote last is still in the pipe; a grandchild may hold the pipe open for ever.
    let _ = finished.recv_timeout(Duration::from_secs(1));
    if let Some(recording) = recording {
        recording.finish();
    }
    status.map_or(127, exit_code)
}

fn exit_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal;
    }
    status.code().unwrap_or(1)
}

/// First 8 hex digits of the SHA-256 of the project id (CAP §4.1).
fn project_marker(project: &ProjectId) -> String {
    let digest: [u8; 32] = Sha256::digest(project.as_str()).into();
    digest.iter().take(4).map(|b| format!("{b:02x}")).collect()
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name(name.into()).spawn(run) {
        tracing::error!(%error, name, "no thread could be started");
    }
}

/// One direction.
struct Pump {
    way: Way,
    editor: Arc<Editor>,
    tap: Option<Tap>,
}

impl Pump {
    fn run(self, from: impl Read, mut to: impl Write) {
        let mut lines = Lines::new(from, limits::INSPECT_BYTES);
        while let Ok(Some(piece)) = lines.next_piece() {
            let sent = match piece {
                Piece::Part(bytes) => write(&mut to, &[bytes]),
                Piece::Line(line) => self.line(line, &mut to),
            };
            if sent.is_err() {
                return;
            }
        }
    }

    fn line(&self, line: &[u8], to: &mut impl Write) -> io::Result<()> {
        let end = line.strip_suffix(b"\n").map_or(line.len(), |l| l.strip_suffix(b"\r").unwrap_or(l).len());
        let (text, newline) = line.split_at(end);
        let at = Instant::now();
        // A mistake in the edits may cost the recording, never the message (CAP §2.1).
        let verdict = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match self.way {
            Way::FromClient => self.editor.from_client(text),
            Way::FromServer => self.editor.from_server(text),
        }))
        .unwrap_or(Verdict::Forward);
        let answered = matches!(verdict, Verdict::Answer(_));
        // Before the message goes out: a quick server's answer must not reach the recorder ahead of its request.
        if let Some(tap) = &self.tap {
            tap.see(self.way, at, text);
            if let Verdict::Answer(answer) = &verdict {
                tap.see(Way::FromServer, Instant::now(), answer.strip_suffix(b"\n").unwrap_or(answer));
            }
        }
        let sent = match &verdict {
            Verdict::Forward => write(to, &[line]),
            Verdict::Replace(with) => write(to, &[with, newline]),
            Verdict::Answer(answer) => write(&mut io::stdout(), &[answer]),
        };
        if answered { Ok(()) } else { sent }
    }
}

/// One write and one flush a message, so that a reader never waits for the rest of it.
fn write(to: &mut impl Write, parts: &[&[u8]]) -> io::Result<()> {
    match parts {
        [one] => to.write_all(one)?,
        many => to.write_all(&many.concat())?,
    }
    to.flush()
}

/// The way into the recorder: copies what passes, as long as there is room.
#[derive(Clone)]
struct Tap {
    to: SyncSender<Observed>,
    clock: Clock,
    waiting: Arc<AtomicUsize>,
    missed: Arc<AtomicU64>,
}

impl Tap {
    fn see(&self, way: Way, at: Instant, line: &[u8]) {
        let (wall, mono_us) = self.clock.read(at);
        if self.waiting.fetch_add(line.len(), Ordering::Relaxed) > BACKLOG_BYTES {
            self.waiting.fetch_sub(line.len(), Ordering::Relaxed);
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let seen = Observed { way, wall, mono_us, line: line.to_vec() };
        if self.to.try_send(seen).is_err() {
            self.waiting.fetch_sub(line.len(), Ordering::Relaxed);
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
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
struct Recording {
    tap: Tap,
    thread: std::thread::JoinHandle<()>,
    stop: SyncSender<()>,
    queue: Arc<Queue>,
    delivery: Option<Delivery>,
}

impl Recording {
    /// `None` when no thread can be had; the traffic then passes unrecorded.
    fn start(options: &WrapOptions) -> Option<Self> {
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
        let (to, from) = sync_channel(BACKLOG);
        let (stop, stopped) = sync_channel::<()>(1);
        let clock = Clock { zero: Instant::now(), wall: now(), demo: options.demo };
        let waiting = Arc::new(AtomicUsize::new(0));
        let missed = Arc::new(AtomicU64::new(0));
        let tap = Tap { to, clock, waiting: Arc::clone(&waiting), missed: Arc::clone(&missed) };
        let sink = Sink { print: options.print, queue: Arc::clone(&queue) };
        let thread = std::thread::Builder::new()
            .name("trackway-record".into())
            .spawn(move || {
                let mut recorder = recorder;
                let mut events = Vec::new();
                loop {
                    match from.recv_timeout(Duration::from_millis(100)) {
                        Ok(seen) => {
                            waiting.fetch_sub(seen.line.len(), Ordering::Relaxed);
                            let record =
                                std::panic::AssertUnwindSafe(|| recorder.observe(&seen, &mut events));
                            if std::panic::catch_unwind(record).is_err() {
                                sink.queue.lose("recorder_failed", 1);
                            }
                        }
                        Err(RecvTimeoutError::Timeout) => {
                            recorder.tick(clock.read(Instant::now()).1, &mut events);
                            if stopped.try_recv().is_ok() {
                                break;
                            }
                        }
                        Err(RecvTimeoutError::Disconnected) => break,
                    }
                    sink.take(&mut events);
                }
                recorder.close(clock.read(Instant::now()).1, &mut events);
                sink.take(&mut events);
                let missed = missed.load(Ordering::Relaxed);
                if missed > 0 {
                    sink.queue.lose("recorder_behind", missed);
                }
            })
            .ok()?;
        Some(Self { tap, thread, stop, queue, delivery })
    }

    /// Records what is under way, then sends or spools it.
    fn finish(self) {
        let until = Instant::now() + FLUSH;
        let _ = self.stop.try_send(());
        drop(self.tap);
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

struct Sink {
    print: Print,
    queue: Arc<Queue>,
}

impl Sink {
    fn take(&self, events: &mut Vec<Event>) {
        for mut event in events.drain(..) {
            redact::clean(&mut event);
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
