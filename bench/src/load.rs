//! Ingest over HTTP: the workload as requests made beforehand, sent at a fixed rate or as fast as they are answered.
//!
//! At a fixed rate a request is due at its own time and its wait counts from then, so a slow server cannot hide behind a
//! waiting client. Run it beside `trackway serve` on the same machine; `--pid` watches the server's memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use trackway_event::Event;

use crate::figures::{Waits, rate, thousands};
use crate::http::Connection;
use crate::ledger::now;
use crate::machine::resident;
use crate::wire;
use crate::workload::Workload;

/// `load`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The server
    #[arg(long, default_value = "127.0.0.1:7431")]
    pub(crate) address: String,
    /// The wire
    #[arg(long, value_enum, default_value_t = Wire::Native)]
    pub(crate) wire: Wire,
    /// Events to send
    #[arg(long, default_value_t = 300_000)]
    pub(crate) events: usize,
    /// Events of one request (the AgentCat wire has always one)
    #[arg(long, default_value_t = 100)]
    pub(crate) batch: usize,
    /// Events per second; 0: as fast as they are answered
    #[arg(long, default_value_t = 0)]
    pub(crate) rate: u64,
    /// Connections
    #[arg(long, default_value_t = 16)]
    pub(crate) connections: usize,
    /// Seed of the workload; another one gives other events
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The server's process, to watch its memory
    #[arg(long)]
    pub(crate) pid: Option<u32>,
}

/// How events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wire {
    /// `POST /api/v1/ingest`
    Native,
    /// `POST /v1/public/events/`
    Agentcat,
    /// `POST /batch/`
    Posthog,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let batch = if args.wire == Wire::Agentcat { 1 } else { args.batch };
    let requests = requests(args.seed, args.events, batch, |events| match (args.wire, events.first()) {
        (Wire::Agentcat, Some(event)) => wire::agentcat(event),
        (Wire::Posthog, _) => wire::posthog(&events),
        (Wire::Native, _) | (Wire::Agentcat, None) => wire::native(events),
    })?;
    let bytes: usize = requests.iter().map(Vec::len).sum();
    println!(
        "{:?}: {} requests of {batch}, {} bytes an event on the wire",
        args.wire,
        requests.len(),
        bytes / args.events.max(1)
    );
    let good: fn(u16, &[u8]) -> u64 = match args.wire {
        Wire::Native => |status, body| if status == 200 { count(body, b"\"stored\"") } else { 0 },
        Wire::Agentcat => |status, _| u64::from(status == 202),
        // The answer has no count; a batch of which something is refused says so and counts as none.
        Wire::Posthog => |status, body| u64::from(status == 200 && body == br#"{"status":"Ok"}"#),
    };
    let mut sent = drive(&args.address, requests, batch, args.rate, args.connections, good)?;
    if args.wire == Wire::Posthog {
        sent.good = (sent.good * batch as u64).min(args.events as u64);
    }
    sent.print(args.events as u64);
    if let Some((now, most)) = args.pid.and_then(resident) {
        println!("server memory: {} MB, at most {} MB", now / 1_000_000, most / 1_000_000);
    }
    ensure!(sent.refused == 0, "{} requests were refused", sent.refused);
    Ok(())
}

/// Ready-made requests of `batch` events each, their times in the hour up to now.
pub(crate) fn requests(
    seed: u64,
    events: usize,
    batch: usize,
    make: impl Fn(Vec<Event>) -> Result<Vec<u8>>,
) -> Result<Vec<Vec<u8>>> {
    let hour = 3_600_000_000;
    let mut workload = Workload::new(seed, now().plus_micros(-hour), hour / events.max(1) as i64);
    (0..events.div_ceil(batch)).map(|_| make(workload.batch(batch))).collect()
}

/// What came of a run.
pub(crate) struct Sent {
    pub(crate) good: u64,
    pub(crate) refused: u64,
    pub(crate) took: Duration,
    pub(crate) waits: Waits,
}

impl Sent {
    fn print(&self, events: u64) {
        let (good, took) = (self.good, self.took);
        println!(
            "accepted: {} of {} events in {:.1} s, {}/s",
            thousands(good),
            thousands(events),
            took.as_secs_f64(),
            rate(good, took)
        );
        let mut waits = Waits::default();
        waits.copy(&self.waits);
        println!("answer: {}", waits.line());
    }
}

/// Sends every request once. `good` tells how many events an answer took.
pub(crate) fn drive(
    address: &str,
    requests: Vec<Vec<u8>>,
    batch: usize,
    rate: u64,
    connections: usize,
    good: fn(u16, &[u8]) -> u64,
) -> Result<Sent> {
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicUsize::new(0));
    let (accepted, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let step = (rate > 0).then(|| Duration::from_secs_f64(batch as f64 / rate as f64));
    let begun = Instant::now() + Duration::from_millis(50);
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (requests, next) = (requests.clone(), next.clone());
            let (accepted, refused) = (accepted.clone(), refused.clone());
            let address = address.to_owned();
            std::thread::spawn(move || -> Result<Waits> {
                let mut connection = Connection::open(&address)?;
                let mut waits = Waits::default();
                std::thread::sleep(begun.saturating_duration_since(Instant::now()));
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(i) else { return Ok(waits) };
                    let due = step.map_or_else(Instant::now, |step| begun + step * i as u32);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let answer = connection.send(request)?;
                    waits.add(due.elapsed());
                    let taken = good(answer.status, &answer.body);
                    accepted.fetch_add(taken, Ordering::Relaxed);
                    if taken == 0 && refused.fetch_add(1, Ordering::Relaxed) == 0 {
                        let body = String::from_utf8_lossy(&answer.body);
                        eprintln!(
                            "first refusal: {} {}",
                            answer.status,
                            body.chars().take(300).collect::<String>()
                        );
                    }
                }
            })
        })
        .collect();
    let mut waits = Waits::default();
    for worker in workers {
        waits.merge(worker.join().ok().context("a connection's thread failed")??);
    }
    let took = begun.elapsed();
    Ok(Sent { good: accepted.load(Ordering::Relaxed), refused: refused.load(Ordering::Relaxed), took, waits })
}

fn count(body: &[u8], what: &[u8]) -> u64 {
    body.windows(what.len()).filter(|w| *w == what).count() as u64
}
