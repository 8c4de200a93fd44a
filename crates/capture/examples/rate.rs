//! How many calls one core records: `cargo run --release -p trackway-capture --example rate -- [CALLS] [ROUNDS]`. One thread
//! plays calls through the recorder, redaction and the making of batches; the median of the rounds is told for each step
//! and for all together. The goal is 20,000 calls a second on one core.

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use trackway_capture::queue::Queue;
use trackway_capture::recorder::{Observed, Protocol, Recorder, RecorderConfig, Way};
use trackway_capture::redact::{Pii, Redaction, RedactionConfig};
use trackway_capture::wire::inject::Mode;
use trackway_event::{CaptureBy, Event, IngestBatch, ProjectId, Timestamp, limits};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let calls: usize = args.next().map_or(Ok(20_000), |n| n.parse()).context("CALLS is a number")?;
    let rounds: usize = args.next().map_or(Ok(5), |n| n.parse()).context("ROUNDS is a number")?;
    ensure!(
        (1..=1_000_000).contains(&calls) && (1..=100).contains(&rounds),
        "at most 1,000,000 calls and 100 rounds"
    );
    let lines = traffic(calls);
    let bytes: usize = lines.iter().map(|l| l.line.len()).sum();
    println!("{calls} calls, {} bytes each with their answers, {rounds} rounds", bytes / calls);
    let mut rates: [Vec<f64>; 5] = Default::default();
    for _ in 0..rounds {
        let begun = Instant::now();
        let events = record(&lines)?;
        let recorded = begun.elapsed();
        ensure!(events.iter().filter(|e| e.tool.is_some()).count() == calls, "a call is one event");

        let with_rules = RedactionConfig { pii: Pii::ALL.to_vec(), ..RedactionConfig::default() };
        let mut personal = Redaction::new(with_rules)?;
        let copies = events.clone();
        let begun = Instant::now();
        let masked = copies.into_iter().filter_map(|e| personal.apply(e)).count();
        let by_patterns = begun.elapsed();
        ensure!(masked == events.len(), "redaction drops nothing");

        let mut redaction = Redaction::new(RedactionConfig::default())?;
        let begun = Instant::now();
        let clean: Vec<Event> = events.into_iter().filter_map(|e| redaction.apply(e)).collect();
        let cleaned = begun.elapsed();

        let begun = Instant::now();
        let sent = batches(clean)?;
        let packed = begun.elapsed();
        ensure!(sent > 0, "batches have bytes");

        for (rate, took) in
            rates.iter_mut().zip([recorded, cleaned, packed, recorded + cleaned + packed, by_patterns])
        {
            rate.push(calls as f64 / took.as_secs_f64());
        }
    }
    let names = [
        "recorder",
        "redaction",
        "queue, batches, gzip",
        "all of it",
        "redaction with every personal-data pattern",
    ];
    for (name, rate) in names.iter().zip(&mut rates) {
        rate.sort_by(f64::total_cmp);
        let (least, most) = (rate.first().copied().unwrap_or(0.0), rate.last().copied().unwrap_or(0.0));
        let median = rate.get(rate.len() / 2).copied().unwrap_or(0.0);
        println!("{name}: {median:.0} calls/s ({least:.0} to {most:.0})");
    }
    Ok(())
}

/// An opening, a listing of twenty tools, and calls of about a kilobyte with answers of two.
fn traffic(calls: usize) -> Vec<Observed> {
    let tools: Vec<_> = (0..20)
        .map(|n| json!({ "name": format!("tool_{n}"), "description": "Finds things.", "inputSchema": { "type": "object", "properties": { "q": { "type": "string" } } } }))
        .collect();
    let mut lines = vec![
        (
            Way::FromClient,
            json!({ "id": "i", "method": "initialize", "params": { "protocolVersion": "2025-11-25", "clientInfo": { "name": "bench", "version": "1" } } }),
        ),
        (
            Way::FromServer,
            json!({ "id": "i", "result": { "protocolVersion": "2025-11-25", "serverInfo": { "name": "shop" } } }),
        ),
        (Way::FromClient, json!({ "id": "l", "method": "tools/list" })),
        (Way::FromServer, json!({ "id": "l", "result": { "tools": tools } })),
    ];
    let words = "the quick brown fox jumps over the lazy dog and looks for boots ";
    for n in 0..calls {
        let filter: Vec<_> = (0..8)
            .map(|i| json!({ "field": format!("f{i}"), "value": i * n, "note": "size and colour" }))
            .collect();
        let arguments = json!({ "q": words, "filter": filter, "max_tokens": 100, "context": "find out which boots are in stock before answering" });
        lines.push((Way::FromClient, json!({ "jsonrpc": "2.0", "id": n, "method": "tools/call", "params": { "name": format!("tool_{}", n % 20), "arguments": arguments, "_meta": { "progressToken": n } } })));
        let text = words.repeat(20);
        let result = json!({ "content": [{ "type": "text", "text": text }, { "type": "text", "text": "{\"found\":3,\"of\":[1,2,3]}" }], "isError": n % 50 == 0 });
        lines.push((Way::FromServer, json!({ "jsonrpc": "2.0", "id": n, "result": result })));
    }
    lines
        .into_iter()
        .enumerate()
        .map(|(index, (way, line))| Observed {
            way,
            wall: Timestamp::from_micros(1_767_323_045_000_000 + index as i64 * 50),
            mono_us: index as u64 * 50,
            line: line.to_string().into_bytes(),
        })
        .collect()
}

fn record(lines: &[Observed]) -> Result<Vec<Event>> {
    let config = RecorderConfig {
        project: ProjectId::parse("proj_bench")?,
        capture: CaptureBy::Wrap,
        version: "1".into(),
        mode: Mode::Required,
        identify: None,
        demo: false,
        protocol: Protocol::All,
    };
    let mut next = 0u128;
    let random = Box::new(move || {
        next += 1;
        next.to_be_bytes()
    });
    let mut recorder = Recorder::new(config, random);
    let mut events = Vec::with_capacity(lines.len() / 2);
    for line in lines {
        recorder.observe(line, &mut events);
    }
    Ok(events)
}

/// Bytes of all batches, compressed as delivery compresses them.
fn batches(events: Vec<Event>) -> Result<usize> {
    let queue = Queue::default();
    let mut sent = 0;
    let mut events = events.into_iter().peekable();
    while events.peek().is_some() {
        for event in events.by_ref().take(limits::SEND_EVENTS) {
            queue.push(event);
        }
        let batch = IngestBatch {
            project: "proj_bench".into(),
            sent_at: None,
            sdk: None,
            lost: queue.take_lost(),
            events: queue.take(Instant::now()).events,
        };
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&serde_json::to_vec(&batch)?)?;
        sent += gzip.finish()?.len();
    }
    Ok(sent)
}
