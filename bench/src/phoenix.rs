//! A peer fed the same calls: Arize Phoenix (its own server, SQLite, loopback) gets the workload as OTLP spans in gzip batches;
//! what counts is how many spans its query interface then knows, over the time from the first request.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::figures::{rate, thousands};
use crate::http::{Connection, request};
use crate::load::{drive, requests};
use crate::machine::resident;
use crate::wire;

/// How long spans may stay out of sight after the last request.
const SETTLE: Duration = Duration::from_secs(120);

/// `phoenix`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The server
    #[arg(long, default_value = "127.0.0.1:6006")]
    address: String,
    /// Spans to send
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// Spans of one request
    #[arg(long, default_value_t = 100)]
    batch: usize,
    /// Spans per second; 0: as fast as they are answered
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// Connections
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// The server's process, to watch its memory
    #[arg(long)]
    pid: Option<u32>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some((now, _)) = args.pid.and_then(resident) {
        println!("memory before: {} MB", now / 1_000_000);
    }
    let before = spans(&args.address)?;
    let requests = requests(1, args.events, args.batch, |events| wire::otlp(&events))?;
    let good: fn(u16, &[u8]) -> u64 = |status, _| u64::from(status == 200);
    let begun = Instant::now();
    let sent = drive(&args.address, requests, args.batch, args.rate, args.connections, good)?;
    println!(
        "answered: {} requests taken, {} refused in {:.1} s",
        sent.good,
        sent.refused,
        sent.took.as_secs_f64()
    );
    let accepted = sent.good * args.batch as u64;
    let mut seen = (0, Instant::now());
    while seen.0 < accepted && seen.1.elapsed() < SETTLE {
        let known = spans(&args.address)?.saturating_sub(before);
        if known > seen.0 {
            seen = (known, Instant::now());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let took = seen.1 - begun;
    println!(
        "queryable: {} spans in {:.1} s, {}/s",
        thousands(seen.0),
        took.as_secs_f64(),
        rate(seen.0, took)
    );
    let mut waits = sent.waits;
    println!("answer: {} ({} requests)", waits.line(), waits.len());
    if let Some((now, most)) = args.pid.and_then(resident) {
        println!("memory: {} MB, at most {} MB", now / 1_000_000, most / 1_000_000);
    }
    Ok(())
}

/// Spans its query interface knows.
fn spans(address: &str) -> Result<u64> {
    let query = json!({ "query": "{ projects { edges { node { recordCount } } } }" }).to_string();
    let mut connection = Connection::open(address)?;
    let answer = connection.send(&request(
        "POST",
        "/graphql",
        &["content-type: application/json"],
        query.as_bytes(),
    ))?;
    let body: Value = serde_json::from_slice(&answer.body).context("phoenix does not answer queries")?;
    let edges = body
        .pointer("/data/projects/edges")
        .and_then(Value::as_array)
        .context("no projects in the answer")?;
    Ok(edges.iter().filter_map(|e| e.pointer("/node/recordCount")?.as_u64()).sum())
}
