//! The ledger without HTTP: a store in this process, fed by a generator on another thread, every batch acknowledged after
//! its commit is durable. The generator runs beside it on the same cores, as the decoding of requests would.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use trackway_event::{Event, Outcome, ProjectId, SessionId, Timestamp};
use trackway_store::query::*;
use trackway_store::sqlite::{SqliteOptions, SqliteStore};
use trackway_store::{NewProject, ProjectKey, Store, StoreError};

use crate::figures::{Waits, rate, thousands};
use crate::machine::bytes_under;
use crate::workload::Workload;

/// `ledger`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Events to store
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
    /// Events of one batch
    #[arg(long, default_value_t = 1_000)]
    batch: usize,
    /// Batches sent before the first is answered
    #[arg(long, default_value_t = 2)]
    in_flight: usize,
    /// A reader that asks every question in turn meanwhile
    #[arg(long)]
    reader: bool,
    /// Send the first tenth again at the end
    #[arg(long)]
    replay: bool,
    /// Nobody is named: what identity costs is the difference
    #[arg(long)]
    anonymous: bool,
    /// Keep the data here
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// The project's id, the one `load` and `reads` use too.
pub(crate) const PROJECT: &str = "proj_bench";
/// The events span this many days, up to now.
const DAYS: i64 = 30;

pub(crate) fn run(args: &Args) -> Result<()> {
    let temp = tempfile::tempdir_in(".")?;
    let dir = args.dir.clone().unwrap_or_else(|| temp.path().join("data"));
    let store = SqliteStore::open(&dir, SqliteOptions::default())?;
    let now = now();
    let new = NewProject { id: ProjectId::parse(PROJECT)?, name: "bench".into(), demo: false };
    let project = match store.create_project(new, now) {
        Ok(project) => project.key,
        Err(StoreError::Conflict(_)) => store.project(PROJECT)?.context("the project is gone")?.key,
        Err(error) => bail!(error),
    };
    println!("fsync: {} us, batch {}, in flight {}", store.health()?.fsync_us, args.batch, args.in_flight);
    let stop = Arc::new(AtomicBool::new(false));
    let reader = args.reader.then(|| {
        let (store, stop) = (store.clone(), stop.clone());
        std::thread::spawn(move || read_all(&store, project, now, &stop))
    });
    let raw = raw_bytes(now, args.events);
    let (stored, duplicates, took, waits) = feed(&store, project, now, args, args.events)?;
    stop.store(true, Ordering::Relaxed);
    report("write", stored, duplicates, took, waits);
    if let Some(reader) = reader {
        let lines = reader.join().map_err(|_| anyhow::anyhow!("the reader failed"))??;
        println!("{lines}");
    }
    if args.replay {
        let (stored, duplicates, took, waits) = feed(&store, project, now, args, args.events / 10)?;
        report("replay", stored, duplicates, took, waits);
    }
    store.close()?;
    drop(store);
    let bytes = bytes_under(&dir);
    println!("raw bytes an event: {raw}");
    println!("stored bytes an event: {} ({} MB)", bytes / args.events.max(1) as u64, bytes / 1_000_000);
    Ok(())
}

fn workload(now: Timestamp, events: usize) -> Workload {
    let span = DAYS * 24 * 3_600 * 1_000_000;
    Workload::new(7, now.plus_micros(-span), span / events.max(1) as i64)
}

fn raw_bytes(now: Timestamp, events: usize) -> usize {
    let sample = workload(now, events).batch(2_000);
    sample.iter().map(|e| serde_json::to_vec(e).map_or(0, |v| v.len())).sum::<usize>() / sample.len()
}

fn feed(
    store: &SqliteStore,
    project: ProjectKey,
    now: Timestamp,
    args: &Args,
    count: usize,
) -> Result<(u64, u64, Duration, Waits)> {
    let (send, batches) = sync_channel::<Vec<Event>>(64);
    let (events, size, anonymous) = (args.events, args.batch, args.anonymous);
    let generator = std::thread::spawn(move || {
        let mut workload = workload(now, events);
        for _ in 0..count.div_ceil(size) {
            let mut batch = workload.batch(size);
            if anonymous {
                batch.iter_mut().for_each(forget_who);
            }
            if send.send(batch).is_err() {
                return;
            }
        }
    });
    let mut waiting = std::collections::VecDeque::new();
    let (mut stored, mut duplicates, mut waits) = (0u64, 0u64, Waits::default());
    let begun = Instant::now();
    loop {
        let batch = if waiting.len() < args.in_flight { batches.recv().ok() } else { None };
        match batch {
            Some(batch) => waiting.push_back((Instant::now(), store.submit(project, batch, now)?)),
            None => {
                let Some((sent, receipt)) = waiting.pop_front() else { break };
                for outcome in receipt.blocking_recv()?? {
                    match outcome {
                        Outcome::Stored => stored += 1,
                        Outcome::Duplicate => duplicates += 1,
                        Outcome::Dropped(reason) => bail!("an event was dropped: {reason}"),
                    }
                }
                waits.add(sent.elapsed());
            }
        }
    }
    let took = begun.elapsed();
    generator.join().map_err(|_| anyhow::anyhow!("the generator failed"))?;
    Ok((stored, duplicates, took, waits))
}

/// Takes out who it was; a session that hangs on the person alone gets an id instead.
fn forget_who(event: &mut Event) {
    if let (None, Some(actor)) = (&event.session_id, &event.actor) {
        event.session_id = SessionId::foreign(&format!("ses_of_{}", actor.id));
    }
    (event.actor, event.identity) = (None, None);
    event.groups.clear();
}

fn report(what: &str, stored: u64, duplicates: u64, took: Duration, mut waits: Waits) {
    println!(
        "{what}: {}/s, {} stored, {} duplicates in {:.1} s",
        rate(stored + duplicates, took),
        thousands(stored),
        thousands(duplicates),
        took.as_secs_f64()
    );
    println!("{what} commit: {}", waits.line());
}

fn read_all(store: &SqliteStore, project: ProjectKey, now: Timestamp, stop: &AtomicBool) -> Result<String> {
    let period = Period { from: now.plus_micros(-DAYS * 24 * 3_600 * 1_000_000), to: now };
    let scope = Scope { period, filter: Default::default(), zone: trackway_store::query::TimeZone::UTC };
    let list = || ListAsk { scope: scope.clone(), page: PageAsk::default(), sort: None };
    let mut waits: Vec<(&str, Waits)> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let mut timed = |name: &'static str, question: &dyn Fn() -> Result<()>| -> Result<()> {
            let begun = Instant::now();
            question()?;
            let slot = match waits.iter().position(|(n, _)| *n == name) {
                Some(slot) => slot,
                None => {
                    waits.push((name, Waits::default()));
                    waits.len() - 1
                }
            };
            waits[slot].1.add(begun.elapsed());
            Ok(())
        };
        timed("overview", &|| {
            let ask = OverviewAsk { scope: scope.clone(), compare: Compare::Previous };
            store.overview(project, &ask).map(drop).map_err(Into::into)
        })?;
        timed("sessions", &|| {
            let ask = SessionsAsk {
                scope: scope.clone(),
                page: PageAsk::default(),
                sort: None,
                tab: SessionTab::All,
            };
            let page = store.sessions(project, &ask)?;
            if let Some(first) = page.items.first() {
                let page = PageAsk { after: None, limit: 500 };
                store.session_events(project, first.id.as_str(), &page)?;
            }
            Ok(())
        })?;
        timed("tools", &|| {
            let ask = ToolsAsk {
                scope: scope.clone(),
                kind: trackway_event::Kind::ToolCall,
                preset: Default::default(),
                depth: Default::default(),
                sort: None,
                page: PageAsk::default(),
            };
            store.tools(project, &ask).map(drop).map_err(Into::into)
        })?;
        timed("issues", &|| {
            store.issues(project, &list(), trackway_store::query::IssueTab::All).map(drop).map_err(Into::into)
        })?;
        timed("people", &|| store.people(project, &list()).map(drop).map_err(Into::into))?;
        timed("clients", &|| store.clients(project, &scope).map(drop).map_err(Into::into))?;
    }
    Ok(waits
        .iter_mut()
        .map(|(name, w)| format!("read {name} meanwhile: {}", w.line()))
        .collect::<Vec<_>>()
        .join("\n"))
}

/// The present time.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(since.as_micros() as i64)
}
