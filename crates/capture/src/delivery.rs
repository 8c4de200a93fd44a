//! Sending: a thread of its own takes batches from the queue, posts them to Trackway's ingest and keeps on disk what
//! cannot be sent now (D24, SDK-80 to SDK-88). Nothing here can slow, fail or end the host.

use std::io::Write as _;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use trackway_event::{Event, IngestBatch, ProjectId, SdkInfo, Timestamp};

use crate::queue::Queue;
use crate::spool::Spool;

/// Where and as whom to send.
#[derive(Clone, Debug)]
pub struct DeliveryConfig {
    /// Base URL of Trackway, without a path.
    pub endpoint: String,
    /// Ingest token, where the project wants one.
    pub token: Option<String>,
    /// Project.
    pub project: ProjectId,
    /// Who sends.
    pub sdk: SdkInfo,
    /// Directory for what cannot be sent; `None`: memory only.
    pub spool: Option<std::path::PathBuf>,
}

/// What became of everything that was taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Acknowledged.
    pub sent: u64,
    /// On disk for the next start.
    pub spooled: u64,
    /// Refused for good, or lost for want of a spool.
    pub lost: u64,
}

/// A running delivery.
#[derive(Debug)]
pub struct Delivery {
    queue: Arc<Queue>,
    stop_by: Arc<std::sync::Mutex<Option<Instant>>>,
    thread: JoinHandle<Report>,
}

/// First pause after a failure; doubles up to [`PAUSE_MAX`], with full jitter.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between tries.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Longest `Retry-After` that is honoured.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

impl Delivery {
    /// Starts the thread. An unusable spool directory means memory only, with one warning.
    pub fn start(config: DeliveryConfig, queue: Arc<Queue>) -> std::io::Result<Self> {
        let stop_by = Arc::new(std::sync::Mutex::new(None));
        let worker = Worker::new(config, Arc::clone(&queue), Arc::clone(&stop_by));
        let thread = std::thread::Builder::new().name("trackway-send".into()).spawn(move || worker.run())?;
        Ok(Self { queue, stop_by, thread })
    }

    /// Takes nothing in any more, sends or spools what is held, and says what became of it. Returns within about
    /// `timeout`; a request under way then is given up on (its events stay on disk or are counted lost).
    pub fn shutdown(self, timeout: Duration) -> Report {
        let until = Instant::now() + timeout;
        *self.stop_by.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(until);
        self.queue.close();
        while !self.thread.is_finished() && Instant::now() < until + Duration::from_millis(500) {
            std::thread::sleep(Duration::from_millis(2));
        }
        if self.thread.is_finished() { self.thread.join().unwrap_or_default() } else { Report::default() }
    }
}

enum Answer {
    Done,
    Later(Option<Duration>),
    Never(u16),
}

struct Worker {
    config: DeliveryConfig,
    queue: Arc<Queue>,
    stop_by: Arc<std::sync::Mutex<Option<Instant>>>,
    agent: ureq::Agent,
    spool: Option<Spool>,
    report: Report,
    failures: u32,
    retry_at: Option<Instant>,
    jitter: u64,
}

impl Worker {
    fn new(
        config: DeliveryConfig,
        queue: Arc<Queue>,
        stop_by: Arc<std::sync::Mutex<Option<Instant>>>,
    ) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(Duration::from_secs(15)))
            .build()
            .into();
        let spool = config.spool.clone().and_then(|dir| match Spool::open(dir) {
            Ok(spool) => Some(spool),
            Err(error) => {
                tracing::warn!(%error, "the spool directory cannot be used; unsent events stay in memory only");
                None
            }
        });
        let jitter = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |d| d.as_nanos() as u64)
            | 1;
        Self {
            config,
            queue,
            stop_by,
            agent,
            spool,
            report: Report::default(),
            failures: 0,
            retry_at: None,
            jitter,
        }
    }

    fn run(mut self) -> Report {
        let mut held: Option<(Vec<u8>, u64)> = None;
        loop {
            self.replay();
            if held.is_none() {
                let wait = self.retry_at.unwrap_or_else(|| Instant::now() + Duration::from_secs(5));
                let wait = wait
                    .min(Instant::now() + Duration::from_secs(5))
                    .max(Instant::now() + Duration::from_millis(20));
                let taken = self.queue.take(wait);
                if taken.events.is_empty() {
                    if taken.closed {
                        return self.end();
                    }
                    continue;
                }
                let count = taken.events.len() as u64;
                held = self.body(taken.events).map(|body| (body, count));
            }
            let Some((body, count)) = held.take() else { continue };
            if self.may_try() {
                match self.post(&body) {
                    Answer::Done => {
                        self.recovered();
                        self.report.sent += count;
                        continue;
                    }
                    Answer::Never(status) => {
                        self.recovered();
                        tracing::warn!(
                            status,
                            events = count,
                            "a batch was refused for good; see the project id and token"
                        );
                        self.report.lost += count;
                        self.queue.lose("refused", count);
                        continue;
                    }
                    Answer::Later(after) => self.failed(after),
                }
            }
            held = self.keep(body, count);
            if held.is_some() {
                if self.stopping() {
                    self.report.lost += count;
                    held = None;
                } else {
                    let until = self.retry_at.unwrap_or_else(Instant::now);
                    while Instant::now() < until && !self.stopping() {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
            }
        }
    }

    /// Puts a batch on disk; gives it back where there is no disk.
    fn keep(&mut self, body: Vec<u8>, count: u64) -> Option<(Vec<u8>, u64)> {
        match self.spool.as_ref().map(|s| s.write(&body)) {
            Some(Ok(dropped)) => {
                self.report.spooled += count;
                if dropped.batches > 0 {
                    self.queue.lose("spool_full", dropped.batches);
                }
                None
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "the spool cannot be written; unsent events stay in memory only");
                self.spool = None;
                Some((body, count))
            }
            None => Some((body, count)),
        }
    }

    /// Sends what is on disk, oldest first, until something fails.
    fn replay(&mut self) {
        if self.stopping() || !self.may_try() || self.spool.as_ref().is_none_or(Spool::is_empty) {
            return;
        }
        let Some(right) = self.spool.as_ref().and_then(Spool::lock) else { return };
        while let Some((path, body)) = self.spool.as_ref().and_then(|s| s.oldest(&right)) {
            match self.post(&body) {
                Answer::Done => self.recovered(),
                Answer::Never(status) => tracing::warn!(status, "a batch in the spool was refused for good"),
                Answer::Later(after) => return self.failed(after),
            }
            if let Some(spool) = &self.spool {
                spool.remove(&path);
            }
            if self.stopping() {
                return;
            }
        }
    }

    fn end(mut self) -> Report {
        // One last try for what an earlier failure put on disk, if there is time.
        if self.failures == 0 {
            self.replay();
        }
        self.report
    }

    fn body(&self, events: Vec<Event>) -> Option<Vec<u8>> {
        let batch = IngestBatch {
            project: self.config.project.as_str().into(),
            sent_at: Some(now()),
            sdk: Some(self.config.sdk.clone()),
            lost: self.queue.take_lost(),
            events,
        };
        let json = serde_json::to_vec(&batch).ok()?;
        let mut encoder = GzEncoder::new(Vec::with_capacity(json.len() / 3), Compression::fast());
        encoder.write_all(&json).ok()?;
        encoder.finish().ok()
    }

    fn post(&self, body: &[u8]) -> Answer {
        let url = format!("{}/api/v1/ingest", self.config.endpoint.trim_end_matches('/'));
        let mut request = self
            .agent
            .post(&url)
            .header("content-type", "application/json")
            .header("content-encoding", "gzip")
            .header("user-agent", &format!("{}/{}", self.config.sdk.name, self.config.sdk.version));
        if let Some(token) = &self.config.token {
            request = request.header("authorization", &format!("Bearer {token}"));
        }
        if let Some(left) = self.left() {
            request = request.config().timeout_global(Some(left.max(Duration::from_millis(50)))).build();
        }
        match request.send(body) {
            Err(error) => {
                tracing::debug!(%error, "sending failed");
                Answer::Later(None)
            }
            Ok(mut response) => {
                let status = response.status().as_u16();
                let after = response
                    .headers()
                    .get("retry-after")
                    .and_then(|v| v.to_str().ok())
                    .and_then(|v| v.parse().ok());
                // Read so that the connection can be used again; the body itself does not matter (SDK-83).
                let _ = response.body_mut().with_config().limit(4 * 1024 * 1024).read_to_vec();
                match status {
                    200..=299 => Answer::Done,
                    404 => {
                        // The server keeps the body and replays it when the project is made (D5).
                        tracing::warn!(project = %self.config.project, "trackway knows no such project; create or adopt it");
                        Answer::Done
                    }
                    408 | 425 | 429 | 500..=599 => Answer::Later(after.map(Duration::from_secs)),
                    other => Answer::Never(other),
                }
            }
        }
    }

    fn may_try(&self) -> bool {
        self.retry_at.is_none_or(|at| Instant::now() >= at) || (self.stopping() && self.failures < 2)
    }

    fn recovered(&mut self) {
        self.failures = 0;
        self.retry_at = None;
    }

    fn failed(&mut self, after: Option<Duration>) {
        self.failures += 1;
        let ceiling = PAUSE.saturating_mul(1 << self.failures.min(16).saturating_sub(1)).min(PAUSE_MAX);
        // xorshift: spreads retries, needs no quality.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        let jittered = ceiling.mul_f64((self.jitter % 1_000) as f64 / 1_000.0).max(Duration::from_millis(50));
        let floor = after.unwrap_or_default().min(RETRY_AFTER_MAX);
        self.retry_at = Some(Instant::now() + jittered.max(floor));
    }

    fn stopping(&self) -> bool {
        self.stop_by.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_some()
    }

    fn left(&self) -> Option<Duration> {
        let by = *self.stop_by.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        by.map(|by| by.saturating_duration_since(Instant::now()))
    }
}

/// The wall clock.
pub fn now() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_micros(now.map_or(0, |d| d.as_micros() as i64))
}
