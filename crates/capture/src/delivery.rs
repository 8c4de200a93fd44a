//! Sending: a thread of its own takes batches from the queue, posts them to Trackway's ingest and keeps on disk what
//! cannot be sent now (D24, SDK-80 to SDK-88). Nothing here can slow, fail or end the host: requests are made by a
//! second thread (`post`), so that a hanging one can be given up when the host wants to end.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use trackway_event::{Event, IngestBatch, ProjectId, SdkInfo, Timestamp};

use crate::post::{Answer, Poster};
use crate::queue::Queue;
use crate::spool::Spool;

/// Where and as whom to send.
#[derive(Clone)]
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

// The token is in no debug text (INV-09).
impl std::fmt::Debug for DeliveryConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeliveryConfig")
            .field("endpoint", &self.endpoint)
            .field("project", &self.project)
            .field("sdk", &self.sdk)
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
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
    /// Acknowledged, but not stored: dropped by the server for a reason it names.
    pub dropped: u64,
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
/// What is left of a shutdown's time when a request under way is given up on, for the disk.
const RESERVE: Duration = Duration::from_millis(250);
/// Bodies from this size on are compressed (SDK-82).
const GZIP: usize = 1024;

impl Delivery {
    /// Starts the thread. An unusable spool directory means memory only, with one warning.
    pub fn start(config: DeliveryConfig, queue: Arc<Queue>) -> std::io::Result<Self> {
        let stop_by = Arc::new(std::sync::Mutex::new(None));
        let worker = Worker::new(config, Arc::clone(&queue), Arc::clone(&stop_by));
        let thread = std::thread::Builder::new().name("trackway-send".into()).spawn(move || worker.run())?;
        Ok(Self { queue, stop_by, thread })
    }

    /// Takes nothing in any more, sends or spools what is held, lets the exporters finish, and says what became of it. Returns within about
    /// `timeout`; a request under way then is given up on (its events stay on disk or are counted lost).
    pub fn shutdown(self, timeout: Duration) -> Report {
        let until = Instant::now() + timeout;
        *self.stop_by.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(until);
        self.queue.close();
        self.queue.exporters().close(until);
        while !self.thread.is_finished() && Instant::now() < until + Duration::from_millis(500) {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.queue.exporters().shutdown(until.saturating_duration_since(Instant::now()));
        if self.thread.is_finished() { self.thread.join().unwrap_or_default() } else { Report::default() }
    }
}

/// A batch ready to be sent.
struct Batch {
    body: Arc<Vec<u8>>,
    events: u64,
    lost: BTreeMap<String, u64>,
}

struct Worker {
    config: DeliveryConfig,
    queue: Arc<Queue>,
    stop_by: Arc<std::sync::Mutex<Option<Instant>>>,
    poster: Poster,
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
        let poster = Poster::start(&config);
        Self {
            config,
            queue,
            stop_by,
            poster,
            spool,
            report: Report::default(),
            failures: 0,
            retry_at: None,
            jitter,
        }
    }

    fn run(mut self) -> Report {
        let mut held: Option<Batch> = None;
        loop {
            self.replay();
            if held.is_none() {
                let now = Instant::now();
                let soon = now + Duration::from_secs(5);
                let wait = self.retry_at.unwrap_or(soon).clamp(now + Duration::from_millis(20), soon);
                let taken = self.queue.take(wait);
                if taken.events.is_empty() {
                    if taken.closed {
                        return self.end();
                    }
                    continue;
                }
                held = self.batch(taken.events);
            }
            let Some(batch) = held.take() else { continue };
            held = self.deliver(batch);
            if let Some(batch) = &held {
                if self.stopping() {
                    self.report.lost += batch.events;
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

    /// Sends a batch, or keeps it on disk; gives it back where neither can be done now.
    fn deliver(&mut self, batch: Batch) -> Option<Batch> {
        if self.may_try() {
            match self.post(&batch.body) {
                Answer::Done { dropped } => {
                    self.recovered();
                    self.report.sent += batch.events;
                    self.report.dropped += dropped;
                    return None;
                }
                Answer::Never(status) => {
                    self.recovered();
                    tracing::warn!(
                        status,
                        events = batch.events,
                        "a batch was refused for good; see the project id and token"
                    );
                    self.report.lost += batch.events;
                    self.queue.lose("refused", batch.events);
                    for (reason, count) in &batch.lost {
                        self.queue.lose(reason, *count);
                    }
                    return None;
                }
                Answer::Later(after) => self.failed(after),
            }
        }
        self.keep(batch)
    }

    /// Puts a batch on disk; gives it back where there is no disk.
    fn keep(&mut self, batch: Batch) -> Option<Batch> {
        let Some(spool) = &self.spool else { return Some(batch) };
        match spool.write(&batch.body, batch.events.try_into().unwrap_or(u32::MAX)) {
            Ok(dropped) => {
                self.report.spooled += batch.events;
                if dropped.events > 0 {
                    self.queue.lose("spool_full", dropped.events);
                }
                None
            }
            Err(error) => {
                tracing::warn!(%error, "the spool cannot be written; unsent events stay in memory only");
                self.spool = None;
                Some(batch)
            }
        }
    }

    /// Sends what is on disk, oldest first, until something fails or the host wants to end.
    fn replay(&mut self) {
        if self.stopping() || !self.may_try() || self.spool.as_ref().is_none_or(Spool::is_empty) {
            return;
        }
        let Some(right) = self.spool.as_ref().and_then(Spool::lock) else { return };
        while let Some(kept) = self.spool.as_ref().and_then(|s| s.oldest(&right)) {
            match self.post(&Arc::new(kept.body)) {
                Answer::Done { dropped } => {
                    self.recovered();
                    self.report.dropped += dropped;
                }
                Answer::Never(status) => {
                    tracing::warn!(status, events = kept.events, "a batch in the spool was refused for good");
                    self.queue.lose("refused", kept.events.into());
                }
                Answer::Later(after) => return self.failed(after),
            }
            if let Some(spool) = &self.spool {
                spool.remove(&kept.path);
            }
            if self.stopping() {
                return;
            }
        }
    }

    /// The last word: what was lost since the last batch.
    fn end(mut self) -> Report {
        let lost = !self.queue.is_lost_empty() && self.failures == 0;
        if let Some(batch) = lost.then(|| self.batch(Vec::new())).flatten() {
            // A report of losses that is lost itself leaves nothing to do.
            let _ = self.post(&batch.body);
        }
        self.report
    }

    fn batch(&self, events: Vec<Event>) -> Option<Batch> {
        let batch = IngestBatch {
            project: self.config.project.as_str().into(),
            sent_at: Some(now()),
            sdk: Some(self.config.sdk.clone()),
            lost: self.queue.take_lost(),
            events,
        };
        let json = serde_json::to_vec(&batch).ok()?;
        let body = if json.len() < GZIP { json } else { gzip(&json)? };
        Some(Batch { body: Arc::new(body), events: batch.events.len() as u64, lost: batch.lost })
    }

    /// Waits for the answer to a request, or until there is just time left for the disk.
    fn post(&mut self, body: &Arc<Vec<u8>>) -> Answer {
        if !self.poster.send(body) {
            return Answer::Later(None);
        }
        loop {
            if let Some(answer) = self.poster.answer(Duration::from_millis(20)) {
                return answer;
            }
            if self.left().is_some_and(|left| left < RESERVE) {
                self.poster.give_up();
                return Answer::Later(None);
            }
        }
    }

    fn may_try(&self) -> bool {
        !self.poster.given_up()
            && (self.retry_at.is_none_or(|at| Instant::now() >= at) || (self.stopping() && self.failures < 2))
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

fn gzip(json: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(json.len() / 3), Compression::fast());
    encoder.write_all(json).ok()?;
    encoder.finish().ok()
}

/// The wall clock.
pub fn now() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_micros(now.map_or(0, |d| d.as_micros() as i64))
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
