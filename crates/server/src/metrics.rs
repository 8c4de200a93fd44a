//! Counters of this process, and `GET /metrics` in Prometheus' text form. No label holds project data.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use trackway_event::DropReason;

use crate::problem::Problem;
use crate::state::AppState;

/// Upper bounds of the histogram of question times, seconds.
const BOUNDS: [f64; 8] = [0.001, 0.005, 0.02, 0.04, 0.1, 0.5, 2.0, 10.0];

/// What this process counted since it started.
#[derive(Default)]
pub struct Metrics {
    /// Requests by wire.
    requests: Mutex<BTreeMap<&'static str, u64>>,
    /// Bytes of bodies as they arrived.
    pub body_bytes: AtomicU64,
    /// Bodies that could not be read at all.
    pub bodies_refused: AtomicU64,
    /// Requests that were held for room (D3).
    pub held: AtomicU64,
    /// Requests that were answered "no room".
    pub refused: AtomicU64,
    /// Open connections.
    pub connections: AtomicU64,
    /// Open live feeds.
    pub live: AtomicU64,
    questions: Mutex<BTreeMap<&'static str, Histogram>>,
    acknowledged: Mutex<Histogram>,
}

#[derive(Clone, Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Histogram {
    fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        for (bucket, bound) in self.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
        self.count += 1;
        self.sum += seconds;
    }

    fn write(&self, out: &mut String, name: &str, label: &str) {
        let comma = if label.is_empty() { "" } else { "," };
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            let _ = writeln!(out, "{name}_bucket{{{label}{comma}le=\"{bound}\"}} {bucket}");
        }
        let _ = writeln!(out, "{name}_bucket{{{label}{comma}le=\"+Inf\"}} {}", self.count);
        let _ = writeln!(out, "{name}_sum{{{label}}} {}", self.sum);
        let _ = writeln!(out, "{name}_count{{{label}}} {}", self.count);
    }
}

impl Metrics {
    pub(crate) fn request(&self, wire: &'static str, bytes: usize) {
        self.body_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry(wire).or_default() += 1;
    }

    pub(crate) fn question(&self, name: &'static str, took: Duration) {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default().add(took);
    }

    pub(crate) fn acknowledged(&self, took: Duration) {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).add(took);
    }
}

/// `GET /metrics`.
///
/// # Errors
/// When the storage does not answer.
pub(crate) async fn show(State(state): State<AppState>) -> Result<Response, Problem> {
    let (intake, health) = state.ask("metrics", |store| Ok((store.intake(None)?, store.health()?))).await?;
    let mut out = String::with_capacity(4_096);
    let head = |name: &str, kind: &str, help: &str| {
        format!("# HELP trackway_{name} {help}\n# TYPE trackway_{name} {kind}\n")
    };
    let one = |out: &mut String, name: &str, kind: &str, help: &str, value: f64| {
        out.push_str(&head(name, kind, help));
        let _ = writeln!(out, "trackway_{name} {value}");
    };
    let counter = "counter";
    one(&mut out, "events_received_total", counter, "events received", intake.received() as f64);
    one(&mut out, "events_stored_total", counter, "events in the ledger", intake.stored as f64);
    one(&mut out, "events_duplicate_total", counter, "events seen before", intake.duplicates as f64);
    one(
        &mut out,
        "bodies_refused_total",
        counter,
        "bodies that could not be read",
        intake.bodies_refused as f64,
    );
    out.push_str("# HELP trackway_events_dropped_total events not stored, by reason\n# TYPE trackway_events_dropped_total counter\n");
    for reason in DropReason::ALL {
        let count = intake.dropped.get(reason).copied().unwrap_or(0);
        let _ = writeln!(out, "trackway_events_dropped_total{{reason=\"{reason}\"}} {count}");
    }
    let lost: u64 = intake.lost.values().sum();
    one(&mut out, "recorder_lost_total", counter, "events recorders say they had to drop", lost as f64);
    let m = state.metrics();
    let load = |n: &AtomicU64| n.load(Ordering::Relaxed) as f64;
    one(&mut out, "ingest_body_bytes_total", counter, "bytes of bodies as they arrived", load(&m.body_bytes));
    one(&mut out, "ingest_held_total", counter, "requests held for room", load(&m.held));
    one(
        &mut out,
        "ingest_refused_total",
        counter,
        "requests answered that there is no room",
        load(&m.refused),
    );
    let (working, waiting) = state.seats().held();
    one(&mut out, "ingest_work_bytes", "gauge", "bytes of bodies in work, to their commit", working as f64);
    one(&mut out, "ingest_waiting_bytes", "gauge", "bytes of bodies waiting to be worked on", waiting as f64);
    one(&mut out, "connections", "gauge", "open connections", load(&m.connections));
    one(&mut out, "live_feeds", "gauge", "open live feeds", load(&m.live));
    one(&mut out, "queue_events", "gauge", "events waiting for their writers", health.queued as f64);
    one(&mut out, "commits_total", counter, "commits since start", health.commits as f64);
    let seconds = |us: u64| us as f64 / 1e6;
    one(&mut out, "commit_seconds_p50", "gauge", "median of the last commits", seconds(health.commit_us.0));
    one(&mut out, "commit_seconds_p99", "gauge", "p99 of the last commits", seconds(health.commit_us.1));
    one(&mut out, "fsync_seconds", "gauge", "one durable write, measured at start", seconds(health.fsync_us));
    let implausible = u8::from(health.fsync_us < trackway_store::sqlite::FSYNC_IMPLAUSIBLE_US);
    let told = "1 when a durable write is faster than any disk: a power loss may lose stored events";
    one(&mut out, "fsync_implausible", "gauge", told, f64::from(implausible));
    let slow = u8::from(health.fsync_us > trackway_store::sqlite::FSYNC_SLOW_US);
    one(&mut out, "fsync_slow", "gauge", "1 when a durable write takes over 20 ms", f64::from(slow));
    one(&mut out, "storage_bytes", "gauge", "bytes of all files", health.bytes as f64);
    one(&mut out, "wal_bytes", "gauge", "bytes of write-ahead logs", health.wal_bytes as f64);
    one(&mut out, "writable", "gauge", "1 while events can be stored", f64::from(u8::from(health.writable)));
    if let Some(free) = health.free_bytes {
        one(&mut out, "disk_free_bytes", "gauge", "free bytes of the disk", free as f64);
    }
    out.push_str("# HELP trackway_ingest_requests_total requests by wire\n# TYPE trackway_ingest_requests_total counter\n");
    for (wire, count) in m.requests.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let _ = writeln!(out, "trackway_ingest_requests_total{{wire=\"{wire}\"}} {count}");
    }
    out.push_str("# HELP trackway_acknowledge_seconds from body read to durable answer\n# TYPE trackway_acknowledge_seconds histogram\n");
    let acknowledged = m.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone();
    acknowledged.write(&mut out, "trackway_acknowledge_seconds", "");
    out.push_str("# HELP trackway_question_seconds time of questions of the storage\n# TYPE trackway_question_seconds histogram\n");
    for (name, times) in m.questions.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        times.write(&mut out, "trackway_question_seconds", &format!("question=\"{name}\""));
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], out).into_response())
}
