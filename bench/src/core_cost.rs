//! What core's functions cost per event, so that the writer's budget (about 10 µs an event) is known to hold.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use trackway_core::{issue, rollup, session, sketch};
use trackway_event::{Event, Timestamp};

use crate::workload::Workload;

pub(crate) fn run() -> Result<()> {
    let events = Workload::new(1, Timestamp::from_millis(1_767_355_200_000), 1_000_000).batch(20_000);
    let errors: Vec<&Event> = events.iter().filter(|e| issue::is_error(e)).collect();
    show("session facts", events.len(), || {
        let mut facts = session::Facts::default();
        events.iter().for_each(|e| facts.add(e));
        black_box(facts);
    });
    show("session facts, one merge each", events.len(), || {
        let mut facts = session::Facts::default();
        events.iter().for_each(|e| facts.merge(session::Facts::of(e)));
        black_box(facts);
    });
    show("provenance encode and decode", events.len(), || {
        for e in &events {
            let bytes = session::Facts::of(e).people.encode();
            black_box(session::Provenance::decode(&bytes));
        }
    });
    show("rollup counters", events.len(), || {
        let mut counters = rollup::Counters::default();
        events.iter().for_each(|e| counters.add(e));
        black_box(counters);
    });
    let mut busy = sketch::Sketch::default();
    events.iter().take(400).for_each(|e| busy.add(e.duration_us.unwrap_or(0)));
    let bytes = busy.encode();
    println!("sketch of 400 durations: {} bytes", bytes.len());
    show("sketch sum of encoded rows", 10_000, || {
        let mut sum = sketch::SketchSum::default();
        for _ in 0..10_000 {
            black_box(sum.add_encoded(&bytes));
        }
    });
    show("fingerprint of an error", errors.len(), || {
        errors.iter().for_each(|e| {
            black_box(issue::fingerprint(e));
        })
    });
    show("class of an error", errors.len(), || {
        errors.iter().for_each(|e| {
            black_box(issue::class_of(e));
        })
    });
    Ok(())
}

/// The best of several runs.
fn show(what: &str, n: usize, mut run: impl FnMut()) {
    let best = (0..7).map(|_| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    });
    let best = best.min().unwrap_or(Duration::ZERO);
    println!("{what}: {:.0} ns", best.as_secs_f64() * 1e9 / n.max(1) as f64);
}
