//! `trackway import`: events of a file into a ledger (F-162). What is there already is left alone, so an import that was
//! interrupted is simply run again.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use trackway_event::{Event, Outcome, Timestamp, limits, validate};
use trackway_store::sqlite::{SqliteOptions, SqliteStore};
use trackway_store::{Act, ProjectKey, Receipt, Store, StoreError};

use super::audit;
use crate::args::{Global, Import};
use crate::config;
use crate::failure::{Exit, Failure, Result};
use crate::output;
use crate::transfer::{Format, Lines, Read, Table};

/// Batches that are on their way to the disk.
const IN_FLIGHT: usize = 32;
/// Refused events that are told one by one.
const TOLD: usize = 10;

pub(super) fn run(global: &Global, args: &Import) -> Result<()> {
    let data = config::data_dir(&super::layers(global, vec![])?)?;
    data.prepare()?;
    let store = SqliteStore::open(data.path(), SqliteOptions::default()).map_err(|error| match error {
        StoreError::Locked(_) => Failure::new(Exit::Unreachable, "a server runs on this data")
            .why("one process at a time writes a ledger")
            .next(
                "stop the server, import, and start it again; what agents do meanwhile waits in their spools",
            ),
        other => other.into(),
    })?;
    let project = store.project(&args.project)?.ok_or(StoreError::UnknownProject)?;
    let mut counts = Counts::default();
    let events = read(&args.file, args.format)?;
    let done =
        Intake { store: &store, project: project.key, waiting: VecDeque::new() }.take(events, &mut counts);
    let closed = store.close();
    let act = audit::act(Act::Import, project.id.as_str()).detail(format!("{} events", counts.stored));
    audit::note(store.control(), act, Some(&project))?;
    done?;
    closed?;
    counts.tell(args.json)
}

fn read(path: &Path, format: Option<Format>) -> Result<Box<dyn Iterator<Item = Read>>> {
    let open = || {
        File::open(path).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("{} cannot be read", path.display()))
                .why(error.to_string())
        })
    };
    let lines = |input: Box<dyn BufRead>| Box::new(Lines::new(input, super::now()));
    Ok(match Format::of(format, Some(path)) {
        Format::Jsonl if path == Path::new("-") => lines(Box::new(std::io::stdin().lock())),
        Format::Jsonl => lines(Box::new(BufReader::with_capacity(256 * 1024, open()?))),
        Format::Parquet => Box::new(Table::open(open()?)?),
    })
}

/// What became of the events of a file.
#[derive(Default)]
struct Counts {
    stored: u64,
    duplicates: u64,
    refused: u64,
    /// The first refused ones, and why.
    told: Vec<String>,
}

impl Counts {
    fn refuse(&mut self, why: String) {
        self.refused += 1;
        if self.told.len() < TOLD {
            self.told.push(why);
        }
    }

    fn tell(self, as_json: bool) -> Result<()> {
        let Self { stored, duplicates, refused, told } = self;
        if as_json {
            output::json(
                &json!({ "stored": stored, "duplicates": duplicates, "refused": refused, "why": told }),
            )?;
        } else {
            output::print(&format!("{stored} stored, {duplicates} there already, {refused} refused\n"))?;
        }
        if refused == 0 {
            return Ok(());
        }
        let told: Vec<String> = told.iter().map(|why| output::harmless(why)).collect();
        Err(Failure::new(Exit::Negative, format!("{refused} events could not be read; all others are in"))
            .why(told.join("; ")))
    }
}

struct Intake<'a> {
    store: &'a Arc<SqliteStore>,
    project: ProjectKey,
    waiting: VecDeque<Receipt>,
}

impl Intake<'_> {
    fn take(mut self, events: Box<dyn Iterator<Item = Read>>, counts: &mut Counts) -> Result<()> {
        let mut batch: (Timestamp, Vec<Event>) = (Timestamp::ZERO, Vec::new());
        for read in events {
            let read = match read {
                Ok(read) => read,
                Err(why) => {
                    counts.refuse(why);
                    continue;
                }
            };
            let received_at = read.received_at;
            let mut event = read.into_event();
            if let Err(reason) = validate::cap(&mut event) {
                counts.refuse(format!("event {}: {reason}", event.id.as_str()));
                continue;
            }
            if batch.1.len() == limits::BATCH_EVENTS || (received_at != batch.0 && !batch.1.is_empty()) {
                self.submit(std::mem::take(&mut batch.1), batch.0, counts)?;
            }
            batch.0 = received_at;
            batch.1.push(event);
        }
        if !batch.1.is_empty() {
            self.submit(batch.1, batch.0, counts)?;
        }
        while self.settle(counts)? {}
        Ok(())
    }

    fn submit(&mut self, events: Vec<Event>, received_at: Timestamp, counts: &mut Counts) -> Result<()> {
        while self.waiting.len() >= IN_FLIGHT {
            self.settle(counts)?;
        }
        self.waiting.push_back(self.store.submit(self.project, events, received_at)?);
        Ok(())
    }

    /// Waits for the oldest batch; `false` when none is on its way.
    fn settle(&mut self, counts: &mut Counts) -> Result<bool> {
        let Some(receipt) = self.waiting.pop_front() else { return Ok(false) };
        let outcomes = receipt.blocking_recv().map_err(|_| StoreError::Closed)??;
        for outcome in outcomes {
            match outcome {
                Outcome::Stored => counts.stored += 1,
                Outcome::Duplicate => counts.duplicates += 1,
                Outcome::Dropped(reason) => counts.refuse(reason.to_string()),
            }
        }
        Ok(true)
    }
}
