//! Overload: first what a running server takes, then several times as much for a minute (issue "overload", D3, D39).
//!
//! Every request carries events of its own, written into a ready-made body. A request is due at its own time; one that could not be
//! sent because every connection waits for an answer is not offered, and the report says how many times the measured
//! capacity really was. What must hold, and fails the run: memory bounded, accepted requests answered in time, every answer one
//! of the contract's, and what the server counts is what was accepted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::figures::thousands;
use crate::http::{Connection, request};
use crate::machine::resident;

/// `overload`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// The server
    #[arg(long, default_value = "127.0.0.1:7431")]
    address: String,
    /// A project of its own for this run: its counts are held against what was sent
    #[arg(long)]
    project: String,
    /// A token that may read the project
    #[arg(long)]
    token: String,
    /// How many times the measured capacity is offered
    #[arg(long, default_value_t = 3.0)]
    times: f64,
    /// Seconds of overload
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds of measuring the capacity
    #[arg(long, default_value_t = 5)]
    warm: u64,
    /// Connections
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Events of one request
    #[arg(long, default_value_t = 10)]
    batch: usize,
    /// Another project, that sends one event 50 times a second: before the overload and beside it
    #[arg(long)]
    victim: Option<String>,
    /// The server's process, to watch its memory
    #[arg(long)]
    pid: Option<u32>,
    /// Most MB the server may hold
    #[arg(long, default_value_t = 400)]
    memory: u64,
    /// Most ms that 99 of 100 accepted requests may take
    #[arg(long, default_value_t = 500)]
    p99: u64,
}

/// Where an event's own number stands in the body.
const PLACE: &[u8] = b"evt_0000000000000000";

/// What came of a phase.
#[derive(Default)]
struct Tally {
    offered: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
    broken: AtomicU64,
    odd: AtomicU64,
    waits: Mutex<Vec<u64>>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let alone = args.victim.as_deref().map(|victim| watch(args, victim, Duration::from_secs(args.warm), 1));
    let warm = Tally::default();
    phase(args, &warm, Duration::from_secs(args.warm), None, 1)?;
    let capacity = warm.accepted.load(Ordering::Relaxed) as f64 / args.warm.max(1) as f64;
    println!(
        "capacity: {} requests/s, {} events/s",
        thousands(capacity as u64),
        thousands((capacity * args.batch as f64) as u64)
    );
    let over = Tally::default();
    let time = Duration::from_secs(args.seconds);
    let beside = std::thread::scope(|scope| {
        let victim = args.victim.as_deref().map(|victim| scope.spawn(move || watch(args, victim, time, 2)));
        phase(args, &over, time, Some(capacity * args.times), 2)?;
        anyhow::Ok(victim.and_then(|thread| thread.join().ok()))
    })?;
    let load = |n: &AtomicU64| n.load(Ordering::Relaxed);
    let (offered, accepted) = (load(&over.offered), load(&over.accepted));
    let times = offered as f64 / args.seconds.max(1) as f64 / capacity.max(1.0);
    println!("offered: {} requests, {times:.1} times the capacity", thousands(offered));
    println!(
        "accepted: {}, told to come back: {}, closed: {}",
        thousands(accepted),
        thousands(load(&over.refused)),
        thousands(load(&over.broken))
    );
    let mut waits = over.waits.into_inner().unwrap_or_default();
    waits.sort_unstable();
    let at = |share: usize| waits.get(waits.len() * share / 100).copied().unwrap_or(0) / 1_000;
    println!("accepted within: p50 {} ms, p99 {} ms", at(50), at(99));
    if let (Some(alone), Some(beside)) = (alone, beside) {
        println!("another project, alone: {alone}\nanother project, beside: {beside}");
    }
    ensure!(at(99) <= args.p99, "p99 of accepted requests is {} ms", at(99));
    ensure!(load(&over.odd) == 0, "{} answers are none of the contract's", load(&over.odd));
    if let Some((now, most)) = args.pid.and_then(resident) {
        println!("server memory: {} MB, at most {} MB", now / 1_000_000, most / 1_000_000);
        ensure!(most / 1_000_000 <= args.memory, "the server held {} MB", most / 1_000_000);
    }
    conserved(args, (accepted + load(&warm.accepted)) * args.batch as u64)
}

/// What another project's requests take.
fn watch(args: &Args, project: &str, time: Duration, number: u64) -> String {
    let tally = Tally::default();
    let one = Args { project: project.into(), batch: 1, connections: 1, ..args.clone() };
    let (begun, mut connection) = (Instant::now(), None);
    let Ok(mut bytes) = template(&one) else { return "no template".into() };
    let places = places(&bytes);
    for count in 0u64.. {
        if begun.elapsed() >= time {
            break;
        }
        stamp(&mut bytes, &places, number << 60 | 1 << 56 | count);
        send(&one, &mut connection, &bytes, &tally);
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut waits = tally.waits.into_inner().unwrap_or_default();
    waits.sort_unstable();
    let at = |share: usize| waits.get(waits.len() * share / 100).copied().unwrap_or(0) as f64 / 1_000.0;
    let others = tally.offered.load(Ordering::Relaxed) - tally.accepted.load(Ordering::Relaxed);
    format!("{} accepted, {others} not, p50 {:.1} ms, p99 {:.1} ms", waits.len(), at(50), at(99))
}

/// Where the events' numbers stand in a body.
fn places(bytes: &[u8]) -> Vec<usize> {
    bytes.windows(PLACE.len()).enumerate().filter(|(_, w)| *w == PLACE).map(|(i, _)| i).collect()
}

/// Gives each event a number of its own, from `first` on.
fn stamp(bytes: &mut [u8], places: &[usize], first: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (nth, place) in places.iter().enumerate() {
        let number = first + nth as u64;
        for (digit, at) in (place + 4..place + PLACE.len()).rev().enumerate() {
            if let (Some(to), Some(from)) =
                (bytes.get_mut(at), DIGITS.get((number >> (4 * digit) & 15) as usize))
            {
                *to = *from;
            }
        }
    }
}

/// Sends until the time is over: as fast as there are answers, or at a rate.
fn phase(args: &Args, tally: &Tally, time: Duration, rate: Option<f64>, number: u64) -> Result<()> {
    let template = template(args)?;
    let (begun, due) = (Instant::now(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for worker in 0..args.connections {
            let (mut bytes, due) = (template.clone(), &due);
            scope.spawn(move || {
                let places = places(&bytes);
                let mut connection = None;
                let mut count = 0u64;
                while begun.elapsed() < time {
                    if let Some(rate) = rate {
                        let at = due.fetch_add(1, Ordering::Relaxed) as f64 / rate;
                        std::thread::sleep(Duration::from_secs_f64(at).saturating_sub(begun.elapsed()));
                    }
                    stamp(&mut bytes, &places, number << 60 | (worker as u64) << 40 | count);
                    count += places.len() as u64;
                    send(args, &mut connection, &bytes, tally);
                }
            });
        }
    });
    Ok(())
}

fn send(args: &Args, connection: &mut Option<Connection>, bytes: &[u8], tally: &Tally) {
    let count = |n: &AtomicU64| n.fetch_add(1, Ordering::Relaxed);
    count(&tally.offered);
    let open = match connection.take() {
        Some(open) => Ok(open),
        None => Connection::open(&args.address),
    };
    let begun = Instant::now();
    let answer = open.and_then(|mut open| Ok((open.send(bytes)?, open)));
    match answer {
        Ok((answer, open)) => {
            *connection = Some(open);
            match answer.status {
                200 => {
                    count(&tally.accepted);
                    let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                    if let Ok(mut waits) = tally.waits.lock() {
                        waits.push(took);
                    }
                }
                503 => drop(count(&tally.refused)),
                _ => drop(count(&tally.odd)),
            }
        }
        Err(_) => drop(count(&tally.broken)),
    }
}

fn template(args: &Args) -> Result<Vec<u8>> {
    let id = std::str::from_utf8(PLACE)?;
    let event = json!({"id": id, "kind": "tool_call", "started_at": "2026-03-02T10:00:00Z", "session_id": "ses_overload",
        "session_source": "given", "tool": "search", "status": "ok", "duration_us": 1_200, "intent": "find an order by its number",
        "arguments": {"query": "order 4711", "limit": 10}, "result": {"content": [{"type": "text", "text": "nothing found"}]}});
    let body = json!({"project": args.project, "events": vec![event; args.batch]}).to_string();
    Ok(request("POST", "/api/v1/ingest", &["content-type: application/json"], body.as_bytes()))
}

/// What the server counts is what it accepted, or a little more: requests whose answer was lost.
fn conserved(args: &Args, accepted: u64) -> Result<()> {
    let path = format!("/api/v1/projects/{}/intake", args.project);
    let bearer = format!("authorization: Bearer {}", args.token);
    let answer = Connection::open(&args.address)?.send(&request("GET", &path, &[&bearer], b""))?;
    ensure!(answer.status == 200, "{path}: {}", answer.status);
    let intake: Value = serde_json::from_slice(&answer.body)?;
    let number = |key: &str| intake[key].as_u64().with_context(|| format!("no {key}: {intake}"));
    let dropped: u64 =
        intake["dropped"].as_object().context("dropped")?.values().filter_map(Value::as_u64).sum();
    let (received, stored, duplicates) = (number("received")?, number("stored")?, number("duplicates")?);
    println!(
        "counted: {} received = {} stored + {duplicates} duplicates + {dropped} dropped",
        thousands(received),
        thousands(stored)
    );
    ensure!(received == stored + duplicates + dropped, "{intake}");
    ensure!(stored >= accepted, "{accepted} events were accepted, {stored} are stored");
    Ok(())
}
