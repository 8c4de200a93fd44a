//! The process-wide side: one worker, queue and delivery per (endpoint, project), shared by every tracked server (SDK-04), and
//! the handle the host keeps. Made on first use, without I/O (CAP §5.2).

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use trackway_capture::delivery::{Delivery, DeliveryConfig, Report};
use trackway_capture::export::{ExportSource, Exporters};
use trackway_capture::queue::{Keep, Queue};
use trackway_capture::recorder::{Feedback, Protocol, Recorder, RecorderConfig};
use trackway_capture::redact::{Redaction, RedactionConfig};
use trackway_capture::wire::eligible::project_marker;
use trackway_capture::wire::inject::{Injection, Mode};
use trackway_event::{CaptureBy, Event, EventId, Kind, ProjectId, SdkInfo};

use crate::callback::Identities;
use crate::debug::Debug;
use crate::guard::Guard;
use crate::options::Options;
use crate::tools::Tools;
use crate::wire;
use crate::worker::{Clock, Inbox, Note, Sink, Worker};

/// Where Trackway listens unless told otherwise.
const ENDPOINT: &str = "http://127.0.0.1:7431";
/// The project of events that only exporters see; never sent to a Trackway.
const NO_PROJECT: &str = "proj_telemetry_only";

/// What tracked servers of one (endpoint, project) share.
pub(crate) struct Hub {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) clock: Clock,
    pub(crate) injection: Injection,
    pub(crate) options: Options,
    pub(crate) guard: Guard,
    /// First 8 hex digits of the SHA-256 of the project's id (CAP §4.1).
    pub(crate) marker: String,
    exchanges: AtomicU64,
    tools: Mutex<HashMap<TypeId, Arc<Tools>>>,
    queue: Option<Arc<Queue>>,
    delivery: Mutex<Option<Delivery>>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    last: Mutex<Report>,
    key: Key,
    closed: AtomicBool,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("key", &self.key).finish_non_exhaustive()
    }
}

type Key = (String, String, u64);

fn registry() -> MutexGuard<'static, HashMap<Key, Arc<Hub>>> {
    static HUBS: OnceLock<Mutex<HashMap<Key, Arc<Hub>>>> = OnceLock::new();
    HUBS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
}

impl Hub {
    /// The hub of this project and these options; `None`: capture is off, and why was logged once.
    pub(crate) fn of(project: &str, options: Options) -> Option<Arc<Self>> {
        let on = env("TRACKWAY_ENABLED")
            .is_none_or(|v| !matches!(v.to_ascii_lowercase().as_str(), "false" | "0" | "no" | "off"));
        if options.disabled || !on {
            tracing::info!("trackway is switched off");
            return None;
        }
        let named = Some(project.trim())
            .filter(|p| !p.is_empty())
            .map(str::to_owned)
            .or_else(|| env("TRACKWAY_PROJECT"));
        let project = match named.as_deref().map(ProjectId::parse) {
            Some(Ok(project)) => Some(project),
            Some(Err(error)) => {
                tracing::warn!(%error, "trackway records nothing: the project id cannot be used");
                return None;
            }
            None if options.exporters.is_empty() && options.memory.is_none() => {
                tracing::warn!("trackway records nothing: there is neither a project id nor an exporter");
                return None;
            }
            None => None,
        };
        let endpoint = options
            .endpoint
            .clone()
            .or_else(|| {
                ["TRACKWAY_ENDPOINT", "AGENTCAT_API_URL", "MCPCAT_API_URL"].iter().find_map(|name| env(name))
            })
            .unwrap_or_else(|| ENDPOINT.to_owned());
        let named = project.as_ref().map_or(NO_PROJECT, ProjectId::as_str).to_owned();
        let memory = options.memory.as_ref().map_or(0, |memory| memory.number);
        let key = (endpoint, named, memory);
        let mut hubs = registry();
        if let Some(hub) = hubs.get(&key) {
            return Some(Arc::clone(hub));
        }
        let hub = Self::start(key.clone(), project, options)?;
        hubs.insert(key, Arc::clone(&hub));
        Some(hub)
    }

    fn start(key: Key, project: Option<ProjectId>, options: Options) -> Option<Arc<Self>> {
        let sdk = SdkInfo { name: "trackway-rust".into(), version: env!("CARGO_PKG_VERSION").into() };
        let id = match &project {
            Some(project) => project.clone(),
            None => ProjectId::parse(NO_PROJECT).ok()?,
        };
        let redaction = Redaction::new(options.redaction.clone()).or_else(|error| {
            // Rules that cannot be read must not mean less redaction: payloads stay away.
            tracing::warn!(%error, "a redaction rule cannot be used; no payload is recorded until it is mended");
            let off = trackway_capture::redact::Level::Off;
            Redaction::new(RedactionConfig { arguments: off, results: off, ..RedactionConfig::default() })
        });
        let mode = options.intent.mode();
        let config = RecorderConfig {
            project: id.clone(),
            capture: CaptureBy::Sdk,
            version: sdk.version.clone(),
            mode,
            identify: None,
            demo: false,
            protocol: if options.no_protocol { Protocol::Requests } else { Protocol::All },
        };
        let recorder = Recorder::new(config, Box::new(random))
            .with_sessions(options.sessions.clone())
            .with_process(&trackway_event::id::hex(&random()))
            .with_feedback(if options.feedback { Feedback::On } else { Feedback::Off });
        let (mut queue, mut delivery) = (None, None);
        let sink = match &options.memory {
            Some(memory) => Sink::Memory(memory.clone()),
            None => {
                let source = ExportSource { project: project.clone(), sdk: sdk.clone() };
                let exporters = Exporters::start(&options.exporters, &source);
                let keep = if project.is_some() { Keep::ForDelivery } else { Keep::Nothing };
                let size = options.size.unwrap_or_default();
                let shared = Arc::new(Queue::with_exporters(exporters, keep).sized(size));
                if project.is_some() {
                    let config = DeliveryConfig {
                        endpoint: key.0.clone(),
                        token: options.token.clone().or_else(|| env("TRACKWAY_TOKEN")),
                        project: id.clone(),
                        sdk,
                        spool: options.spool.clone(),
                        wire: options.wire,
                    };
                    delivery = Delivery::start(config, Arc::clone(&shared))
                        .inspect_err(|error| tracing::warn!(%error, "trackway sends nothing: no thread could be started"))
                        .ok();
                }
                queue = Some(Arc::clone(&shared));
                Sink::Queue(shared)
            }
        };
        let marker = project_marker(&id);
        let injection =
            Injection::new(mode, marker.clone(), options.context_description.as_deref(), options.missing());
        let (inbox, clock) = (Arc::new(Inbox::default()), Clock::start());
        let worker = Worker {
            inbox: Arc::clone(&inbox),
            recorder,
            redaction: redaction.ok()?,
            options: options.clone(),
            clock,
            sink,
            identities: Identities::default(),
            debug: options.debug.clone().map(Debug::new),
        };
        let thread = std::thread::Builder::new().name("trackway-record".into()).spawn(move || work(worker));
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                tracing::warn!(%error, "trackway records nothing: no thread could be started");
                inbox.close();
                None
            }
        };
        Some(Arc::new(Self {
            inbox,
            clock,
            injection,
            options,
            guard: Guard::default(),
            marker,
            exchanges: AtomicU64::new(1),
            tools: Mutex::default(),
            queue,
            delivery: Mutex::new(delivery),
            thread: Mutex::new(thread),
            last: Mutex::default(),
            key,
            closed: AtomicBool::new(false),
        }))
    }

    /// A number for the next exchange.
    pub(crate) fn exchange(&self) -> u64 {
        self.exchanges.fetch_add(1, Ordering::Relaxed)
    }

    /// Tools by the type of their server.
    pub(crate) fn tools(&self, server: TypeId) -> Arc<Tools> {
        let mut all = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(server).or_default())
    }

    /// Tells the recorder of tools that no listing showed, so that it knows whose `context` is an intent.
    pub(crate) fn learn(&self, tools: &[rmcp::model::Tool]) {
        if let Some(line) = wire::listing(tools) {
            self.inbox.push(line.len(), Note::Learned(line));
        }
    }

    /// Whether `context` is taken out of calls.
    pub(crate) fn strips(&self) -> bool {
        self.injection.mode != Mode::ObserveOnly
    }

    async fn flush(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let (send, done) = oneshot::channel();
        self.inbox.push(0, Note::Flush(send));
        if !matches!(tokio::time::timeout(timeout, done).await, Ok(Ok(()))) {
            return false;
        }
        // What delivery does is seen from outside: its threads cannot be awaited.
        while self.queue.as_ref().is_some_and(|queue| {
            queue.hurry();
            !queue.is_settled()
        }) && self.delivery.lock().unwrap_or_else(PoisonError::into_inner).is_some()
        {
            if Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        true
    }

    fn shutdown(&self, timeout: Duration) -> Report {
        let until = Instant::now() + timeout;
        self.closed.store(true, Ordering::Relaxed);
        registry().remove(&self.key);
        self.inbox.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        while thread.as_ref().is_some_and(|t| !t.is_finished()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        let delivery = self.delivery.lock().unwrap_or_else(PoisonError::into_inner).take();
        let left = until.saturating_duration_since(Instant::now());
        let report = match (delivery, &self.queue) {
            (Some(delivery), _) => delivery.shutdown(left),
            (None, Some(queue)) => {
                queue.close();
                queue.exporters().shutdown(left);
                self.report()
            }
            (None, None) => self.report(),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = report;
        report
    }

    fn report(&self) -> Report {
        match &*self.delivery.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(delivery) => delivery.status(),
            None => *self.last.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// The worker's thread: its own small runtime, and another one for callbacks, so that one that blocks stops no recording.
fn work(worker: Worker) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let callbacks = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("trackway-callback")
        .enable_all()
        .build();
    match (runtime, callbacks) {
        (Ok(runtime), Ok(callbacks)) => {
            let handle = callbacks.handle().clone();
            runtime.block_on(worker.run(handle));
            // A callback that hangs is left behind.
            callbacks.shutdown_background();
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "trackway records nothing: no runtime could be started");
            worker.inbox.close();
        }
    }
}

/// Sixteen random bytes for an id.
pub(crate) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without a source of randomness ids are told apart by the clock and a counter.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (high, low) = bytes.split_at_mut(8);
        high.copy_from_slice(&trackway_capture::delivery::now().micros().to_be_bytes());
        low.copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    }
    bytes
}

/// What a host holds to look after its recording. Cheap to clone; where capture is off every method does nothing.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) hub: Option<Arc<Hub>>,
}

/// How the recording does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Whether anything is recorded at all.
    pub on: bool,
    /// Events that wait to be sent.
    pub queued: u64,
    /// Events Trackway acknowledged.
    pub sent: u64,
    /// Events on disk for later.
    pub spooled: u64,
    /// Events that were given up.
    pub lost: u64,
}

impl Handle {
    /// How the recording does.
    pub fn status(&self) -> Status {
        let Some(hub) = &self.hub else { return Status::default() };
        let report = hub.report();
        Status {
            on: !hub.closed.load(Ordering::Relaxed),
            queued: hub.queue.as_ref().map_or(0, |queue| queue.len() as u64),
            sent: report.sent,
            spooled: report.spooled,
            lost: report.lost,
        }
    }

    /// Waits until everything recorded so far was sent or spooled; `false` when that took longer than `timeout`.
    pub async fn flush(&self, timeout: Duration) -> bool {
        match &self.hub {
            Some(hub) => hub.flush(timeout).await,
            None => true,
        }
    }

    /// Ends the recording: sends or spools what is held, within `timeout` (2 s is plenty). Calls go on, unrecorded.
    /// Blocks; from async code use [`tokio::task::spawn_blocking`].
    pub fn shutdown(&self, timeout: Duration) -> Status {
        if let Some(hub) = &self.hub {
            hub.shutdown(timeout);
        }
        self.status()
    }

    /// Records an event of the host's own, such as a finished order. `session` is a Trackway session id, where one is known.
    pub fn publish(
        &self,
        name: &str,
        session: Option<&str>,
        properties: serde_json::Map<String, serde_json::Value>,
    ) {
        let Some(hub) = &self.hub else { return };
        let now = trackway_capture::delivery::now();
        let mut event = Event::new(EventId::mint(now, random()), Kind::Custom, now);
        event.name = "custom".into();
        event.resource = Some(name.into());
        event.capture = Some(CaptureBy::Sdk);
        event.session_id = session.and_then(trackway_event::SessionId::foreign);
        event.session_source = event.session_id.as_ref().map(|_| trackway_event::SessionSource::Given);
        if !properties.is_empty() {
            event.properties = trackway_event::json::payload_of(&properties);
        }
        hub.inbox.push(512, Note::Event(Box::new(event)));
    }
}
