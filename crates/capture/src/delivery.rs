//! Sending: a thread of its own takes batches from the queue, posts them to Trackway's ingest and keeps on disk what
//! cannot be sent now (D24, SDK-80 to SDK-88). Nothing here can slow, fail or end the host: at most two requests at
//! a time are made by other threads (`post`), so that a hanging one can be given up when the host wants to end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use trackway_event::{Event, IngestBatch, ProjectId, SdkInfo, Timestamp};

use crate::post::{Answer, IN_FLIGHT, Poster};
use crate::queue::Queue;
use crate::spool::{Replay, Spool};

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
    pub spool: Option<PathBuf>,
    /// In which form.
    pub wire: Wire,
}

/// In which form events are sent (D27).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    /// Trackway's own: batches to `/api/v1/ingest` (D1).
    #[default]
    Native,
    /// AgentCat's, for any backend that its SDKs can send to: `/v1/public/events/`, in arrays; one by one to a backend that takes
    /// none (SDK-82). What Trackway has no place for there is left out: losses, accounts, how an intent is known.
    AgentCat,
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

/// When batches are put on disk (SDK-86, SDK-88).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpoolMode {
    /// When they cannot be sent now.
    #[default]
    WhenNeeded,
    /// Before they are sent: kill -9 costs what was recorded in the last 200 ms and no more.
    Always,
}

/// A running delivery.
#[derive(Debug)]
pub struct Delivery {
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    thread: JoinHandle<Report>,
}

/// What the worker and its owner tell each other.
#[derive(Debug, Default)]
struct Shared {
    stop_by: Mutex<Option<Instant>>,
    /// Counts so far.
    now: Mutex<Report>,
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
pub(crate) const GZIP: usize = 1024;

/// How long a batch waits for company where the disk is to have it soon (SDK-88).
const SOON: Duration = Duration::from_millis(150);
/// How often the disk is looked at for what other processes left.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How often what is under way is looked at.
const LOOK: Duration = Duration::from_millis(20);

impl Delivery {
    /// Starts the thread. An unusable spool directory means memory only, with one warning.
    pub fn start(config: DeliveryConfig, queue: Arc<Queue>) -> std::io::Result<Self> {
        Self::start_with(config, queue, SpoolMode::WhenNeeded)
    }

    /// The same, saying when batches are put on disk.
    pub fn start_with(config: DeliveryConfig, queue: Arc<Queue>, mode: SpoolMode) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let worker = Worker::new(config, Arc::clone(&queue), Arc::clone(&shared), mode);
        let thread = std::thread::Builder::new().name("trackway-send".into()).spawn(move || worker.run())?;
        Ok(Self { queue, shared, thread })
    }

    /// Counts so far.
    pub fn status(&self) -> Report {
        *lock(&self.shared.now)
    }

    /// Sends what waits without waiting for company; `true` once everything taken in before is acknowledged, on disk or
    /// counted, `false` when that took longer.
    pub fn flush(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        loop {
            self.queue.hurry();
            if self.queue.is_settled() {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Takes nothing in any more, sends or spools what is held, lets the exporters finish, and says what became of it.
    /// Returns within about `timeout`; a request under way then is given up on (its events stay on disk or are counted
    /// lost).
    pub fn shutdown(self, timeout: Duration) -> Report {
        let until = Instant::now() + timeout;
        *lock(&self.shared.stop_by) = Some(until);
        self.queue.close();
        self.queue.exporters().close(until);
        while !self.thread.is_finished() && Instant::now() < until + Duration::from_millis(500) {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.queue.exporters().shutdown(until.saturating_duration_since(Instant::now()));
        if self.thread.is_finished() { self.thread.join().unwrap_or_default() } else { self.status() }
    }
}

/// A batch on its way.
struct Batch {
    body: Arc<Vec<u8>>,
    events: u64,
    lost: BTreeMap<String, u64>,
    /// Where it is on disk.
    kept: Option<PathBuf>,
    /// Whether it was read from disk, and so is none of this run's events.
    old: bool,
}

struct Worker {
    config: DeliveryConfig,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    mode: SpoolMode,
    poster: Poster,
    spool: Option<Spool>,
    right: Option<Replay>,
    /// Requests without an answer yet, by ticket.
    under_way: Vec<(u64, Batch)>,
    /// What failed and has no disk to go to.
    held: VecDeque<Batch>,
    /// Whether the disk may hold something to send again, and when that was last looked for in vain.
    replaying: bool,
    looked_at: Instant,
    /// Files with this run's events.
    spooled: BTreeSet<PathBuf>,
    closed: bool,
    report: Report,
    failures: u32,
    retry_at: Option<Instant>,
    jitter: u64,
}

impl Worker {
    fn new(config: DeliveryConfig, queue: Arc<Queue>, shared: Arc<Shared>, mode: SpoolMode) -> Self {
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
            shared,
            mode,
            poster,
            replaying: spool.is_some(),
            looked_at: Instant::now(),
            spooled: BTreeSet::new(),
            spool,
            right: None,
            under_way: Vec::new(),
            held: VecDeque::new(),
            closed: false,
            report: Report::default(),
            failures: 0,
            retry_at: None,
            jitter,
        }
    }

    fn run(mut self) -> Report {
        loop {
            let wait = if self.under_way.len() >= IN_FLIGHT { LOOK } else { Duration::ZERO };
            self.settle(wait);
            if self.left().is_some_and(|left| left < RESERVE) {
                self.give_up();
            }
            if self.under_way.len() < IN_FLIGHT {
                match self.next() {
                    Some(batch) => self.deliver(batch),
                    None if self.closed && self.under_way.is_empty() && self.held.is_empty() => {
                        return self.end();
                    }
                    None => {}
                }
            }
            self.tell();
        }
    }

    /// The next batch to deliver: one that failed, else one from disk, else new events.
    fn next(&mut self) -> Option<Batch> {
        if self.may_try() {
            if let Some(batch) = self.held.pop_front() {
                return Some(batch);
            }
            if let Some(batch) = self.spooled_batch() {
                return Some(batch);
            }
        } else if !self.held.is_empty() && !self.stopping() {
            // Without a disk new events wait in the queue, which knows what can best be spared.
            self.settle(LOOK);
            return None;
        }
        let soon = if self.under_way.is_empty() { Duration::from_secs(5) } else { LOOK };
        let now = Instant::now();
        let wait = self.retry_at.unwrap_or(now + soon).clamp(now + LOOK, now + soon);
        let fill = match (self.mode, self.spool.is_some()) {
            (SpoolMode::Always, true) => SOON,
            (SpoolMode::Always | SpoolMode::WhenNeeded, _) => self.queue.fill(),
        };
        let taken = self.queue.take_filled(wait, fill);
        self.closed = taken.closed;
        if taken.events.is_empty() {
            return None;
        }
        let count = taken.events.len() as u64;
        let batch = self.batch(taken.events);
        if batch.is_none() {
            self.report.lost += count;
            self.queue.lose("not_encodable", count);
            self.queue.settled(count);
        }
        batch
    }

    /// Starts sending a batch, or keeps it on disk, or holds it where there is none.
    fn deliver(&mut self, mut batch: Batch) {
        if self.mode == SpoolMode::Always && batch.kept.is_none() {
            self.keep(&mut batch);
        }
        if self.may_try()
            && let Some(ticket) = self.poster.send(&batch.body)
        {
            self.under_way.push((ticket, batch));
            return;
        }
        self.put_by(batch);
    }

    /// Takes in the answers that are there, waiting so long for the first.
    fn settle(&mut self, wait: Duration) {
        if self.poster.given_up() {
            std::thread::sleep(wait);
        }
        let mut wait = wait;
        while let Some((ticket, answer)) = self.poster.answer(wait) {
            wait = Duration::ZERO;
            let Some(at) = self.under_way.iter().position(|(t, _)| *t == ticket) else { continue };
            let (_, batch) = self.under_way.swap_remove(at);
            match answer {
                Answer::Done { dropped } => {
                    self.failures = 0;
                    self.retry_at = None;
                    self.report.dropped += dropped;
                    self.forget(&batch);
                    self.ended(&batch, |report| &mut report.sent);
                }
                Answer::Never(status) => self.refused(status, &batch),
                Answer::Later(after) => {
                    self.failed(after);
                    self.put_by(batch);
                }
            }
        }
    }

    /// What the server will never take: counted, and kept for a day for a look.
    fn refused(&mut self, status: u16, batch: &Batch) {
        self.failures = 0;
        self.retry_at = None;
        tracing::warn!(
            status,
            events = batch.events,
            "a batch was refused for good; see the project id and token"
        );
        self.queue.lose("refused", batch.events);
        for (reason, count) in &batch.lost {
            self.queue.lose(reason, *count);
        }
        match (&self.spool, &batch.kept) {
            (Some(spool), Some(path)) => spool.refuse_kept(path),
            (Some(spool), None) => {
                let _ = spool.refuse(&batch.body, batch.events.try_into().unwrap_or(u32::MAX));
            }
            (None, _) => {}
        }
        self.ended(batch, |report| &mut report.lost);
    }

    /// A batch that cannot go now: to the disk, else held, else lost when the host ends.
    fn put_by(&mut self, mut batch: Batch) {
        if batch.kept.is_none() {
            self.keep(&mut batch);
        }
        if let Some(path) = batch.kept {
            self.replaying = true;
            if !batch.old && self.spooled.insert(path) {
                self.report.spooled += batch.events;
                self.tell();
                self.queue.settled(batch.events);
            }
        } else if self.stopping() && !self.may_try() {
            self.report.lost += batch.events;
            for (reason, count) in &batch.lost {
                self.queue.lose(reason, *count);
            }
            self.queue.settled(batch.events);
        } else {
            self.held.push_back(batch);
        }
    }

    /// Puts a batch on disk where there is one.
    fn keep(&mut self, batch: &mut Batch) {
        let Some(spool) = &self.spool else { return };
        match spool.keep(&batch.body, batch.events.try_into().unwrap_or(u32::MAX)) {
            Ok((path, dropped)) => {
                batch.kept = Some(path);
                if dropped.events > 0 {
                    self.queue.lose("spool_full", dropped.events);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the spool cannot be written; unsent events stay in memory only");
                self.spool = None;
            }
        }
    }

    /// The oldest batch on disk that is not under way, if this process may send it.
    fn spooled_batch(&mut self) -> Option<Batch> {
        self.replaying |= self.looked_at.elapsed() > LOOK_AGAIN;
        if self.stopping() || !self.replaying {
            return None;
        }
        let spool = self.spool.as_ref()?;
        self.right = self.right.take().or_else(|| spool.lock());
        let under_way: Vec<PathBuf> = self.under_way.iter().filter_map(|(_, b)| b.kept.clone()).collect();
        let found = self.right.as_ref().and_then(|right| spool.oldest_but(right, &under_way));
        let Some(kept) = found else {
            // Others may have their turn, and what they leave is looked for after a while.
            self.replaying = self.right.take().is_none() || !under_way.is_empty();
            self.looked_at = Instant::now();
            return None;
        };
        let old = !self.spooled.contains(&kept.path);
        Some(Batch {
            body: Arc::new(kept.body),
            events: kept.events.into(),
            lost: BTreeMap::new(),
            kept: Some(kept.path),
            old,
        })
    }

    /// A batch came to its end: counted where its events are this run's, and then settled.
    fn ended(&mut self, batch: &Batch, count: fn(&mut Report) -> &mut u64) {
        let was_spooled = batch.kept.as_ref().is_some_and(|path| self.spooled.remove(path));
        if was_spooled {
            self.report.spooled -= batch.events;
        }
        if !batch.old {
            *count(&mut self.report) += batch.events;
        }
        self.tell();
        if !batch.old && !was_spooled {
            self.queue.settled(batch.events);
        }
    }

    fn forget(&self, batch: &Batch) {
        if let (Some(spool), Some(path)) = (&self.spool, &batch.kept) {
            spool.remove(path);
        }
    }

    /// There is just time left for the disk: what is under way is put there.
    fn give_up(&mut self) {
        self.poster.give_up();
        for (_, batch) in std::mem::take(&mut self.under_way) {
            self.put_by(batch);
        }
        for batch in std::mem::take(&mut self.held) {
            self.put_by(batch);
        }
    }

    /// The last word: what was lost since the last batch.
    fn end(mut self) -> Report {
        if !self.queue.is_lost_empty()
            && self.failures == 0
            && let Some(batch) = self.batch(Vec::new())
            && self.poster.send(&batch.body).is_some()
        {
            // A report of losses that is lost itself leaves nothing to do.
            let most = self.left().unwrap_or_default().saturating_sub(RESERVE).min(Duration::from_secs(5));
            let _ = self.poster.answer(most);
        }
        self.tell();
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
        let events = batch.events.len() as u64;
        Some(Batch { body: Arc::new(body), events, lost: batch.lost, kept: None, old: false })
    }

    fn may_try(&self) -> bool {
        !self.poster.given_up()
            && (self.retry_at.is_none_or(|at| Instant::now() >= at) || (self.stopping() && self.failures < 2))
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

    fn tell(&self) {
        *lock(&self.shared.now) = self.report;
    }

    fn stopping(&self) -> bool {
        lock(&self.shared.stop_by).is_some()
    }

    fn left(&self) -> Option<Duration> {
        let by = *lock(&self.shared.stop_by);
        by.map(|by| by.saturating_duration_since(Instant::now()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn gzip(json: &[u8]) -> Option<Vec<u8>> {
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
