//! The run of `trackway wrap`: two pumps that forward and flush message by message, and beside them, never in front
//! of them, a thread that records (CAP §6.1).

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use trackway_capture::editor::Editor;
use trackway_capture::recorder::{IdentifyRule, Way};
use trackway_capture::wire::eligible::project_marker;
use trackway_capture::wire::inject::{Injection, Missing, Mode};
use trackway_event::{CaptureBy, ProjectId, Timestamp};

use crate::asking::Asking;
use crate::demo::DemoFacts;
use crate::guard::{Child, Signals, launched};
use crate::leaving::Leaving;
use crate::pump::{Flow, Out, Pump};
use crate::recording::{Recording, RecordingConfig};

/// How long the pipe of a child that has ended may stay silent before it is given up: something else holds it open.
const SILENCE: Duration = Duration::from_secs(1);
/// How long a client may take to read what a child that has ended wrote last.
const UNREAD: Duration = Duration::from_secs(30);

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
    /// What is masked, and where else events go.
    pub leaving: Leaving,
    /// Time as the demo wants it.
    pub demo: Option<DemoClock>,
    /// What the demo knows of the session's person.
    pub demo_facts: Option<DemoFacts>,
    /// The binary with the hidden verb [`crate::guard::LAUNCH_VERB`]; `None`: the child is started directly.
    pub launcher: Option<PathBuf>,
}

impl WrapOptions {
    fn recording(&self) -> RecordingConfig {
        RecordingConfig {
            project: self.project.clone(),
            endpoint: self.endpoint.clone(),
            token: self.token.clone(),
            capture: CaptureBy::Wrap,
            mode: self.mode,
            identify: self.identify.clone(),
            print: self.print,
            spool: self.spool.clone(),
            leaving: self.leaving.clone(),
            demo: self.demo,
            demo_facts: self.demo_facts.clone(),
        }
    }
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
    // Before the child: a signal that comes in between is passed on once it is there.
    let signals = Signals::catch();
    let mut process = match starting.spawn() {
        Ok(process) => process,
        Err(error) => {
            eprintln!("trackway wrap: cannot start {shown}: {error}");
            return 127;
        }
    };
    let child = Child::new(process.id());
    match signals {
        Ok(signals) => signals.forward_to(child.clone()),
        Err(error) => tracing::warn!(%error, "signals cannot be passed on"),
    }
    let (Some(to_child), Some(from_child)) = (process.stdin.take(), process.stdout.take()) else {
        return 127;
    };

    let injection =
        Injection::new(options.mode, marker, options.context_description.as_deref(), options.report_missing);
    let editor = Arc::new(Editor::new(injection));
    let recording = Recording::start(options.recording());
    let tap = recording.as_ref().map(Recording::tap);
    let client = Out::stdout();

    let asking = Arc::new(Asking::default());
    let up = Pump {
        way: Way::FromClient,
        editor: Arc::clone(&editor),
        tap: tap.clone(),
        client: client.clone(),
        asking: Arc::clone(&asking),
    };
    let ending = child.clone();
    spawn("trackway-up", move || {
        up.run(io::stdin(), &Out::new(to_child));
        // The client has gone: the child's input is closed by now; it may end by itself first.
        ending.end_after_grace();
    });
    let down = Pump { way: Way::FromServer, editor, tap, client: client.clone(), asking };
    let flow = client.flow();
    let (done, finished) = sync_channel::<()>(1);
    let to_client = client.clone();
    spawn("trackway-down", move || {
        down.run(from_child, &to_client);
        to_client.close_stdout();
        let _ = done.send(());
    });

    let status = process.wait();
    child.ended();
    drain(&finished, &flow, &child);
    // The client sees the end now, not after the last events are sent.
    client.close_stdout();
    if let Some(recording) = recording {
        recording.finish();
    }
    status.map_or(127, exit_code)
}

/// Waits until all that the child wrote has been read by the client, as it would be from the child's own pipe.
fn drain(finished: &Receiver<()>, flow: &Flow, child: &Child) {
    let begin = Instant::now();
    let (mut moved, mut since) = (flow.moved(), begin);
    while let Err(RecvTimeoutError::Timeout) = finished.recv_timeout(Duration::from_millis(20)) {
        let now = flow.moved();
        if now != moved {
            (moved, since) = (now, Instant::now());
        }
        let limit = if flow.is_writing() { UNREAD } else { SILENCE };
        if since.elapsed() > limit || child.was_signalled() {
            return;
        }
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal;
    }
    status.code().unwrap_or(1)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name(name.into()).spawn(run) {
        tracing::error!(%error, name, "no thread could be started");
    }
}
