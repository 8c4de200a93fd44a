//! `trackway export`: events out of a ledger into a file, whole and as they came (F-139). Works beside a running server.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use trackway_core::filter::Filter;
use trackway_core::period;
use trackway_event::Timestamp;
use trackway_store::query::{ExportAsk, Period, Scope, TimeZone};
use trackway_store::sqlite::{SqliteOptions, SqliteStore};
use trackway_store::{Act, Project, Store, StoreError};

use super::audit;
use crate::args::Export;
use crate::args::Global;
use crate::config;
use crate::failure::{Exit, Failure, Result};
use crate::transfer::{self, Format};

/// How long one page may take: a filter may look at many rows to find few.
const PATIENCE: Duration = Duration::from_secs(300);
/// Events of one page.
const ROWS: usize = 1_000;

pub(super) fn run(global: &Global, args: &Export) -> Result<()> {
    super::control(global)?;
    let data = config::data_dir(&super::layers(global, vec![])?)?.path().clone();
    let options = SqliteOptions { read_deadline: PATIENCE, ..SqliteOptions::default() };
    let scope = scope_of(args)?;
    let store = SqliteStore::open_beside(&data, options)?;
    let project = store.project(&args.project)?.ok_or(StoreError::UnknownProject)?;
    let format = Format::of(args.format, args.out.as_deref());
    let events = match &args.out {
        None => write_to(&*store, &project, scope, format, std::io::stdout())?,
        Some(path) => {
            let part = Part::begin(path)?;
            let file = part.file()?;
            let events = write_to(&*store, &project, scope, format, file)?;
            part.keep()?;
            events
        }
    };
    let place = args.out.as_ref().map_or_else(String::new, |path| format!(" to {}", path.display()));
    // Standard output may be the export itself.
    let _unread = writeln!(std::io::stderr(), "exported {events} events of {}{place}", project.id);
    let act = audit::act(Act::Export, project.id.as_str()).detail(format!("{events} events"));
    audit::note(store.control(), act, Some(&project))
}

fn write_to<W: Write + Send + 'static>(
    store: &dyn Store,
    project: &Project,
    scope: Scope,
    format: Format,
    out: W,
) -> Result<u64> {
    let mut sink = transfer::sink(format, out)?;
    let mut ask = ExportAsk { scope, after: 0, limit: ROWS };
    let mut events = 0;
    loop {
        let found = store.export(project.key, &ask)?;
        let Some(last) = found.last() else { break };
        ask.after = last.seq;
        events += found.len() as u64;
        sink.add(found)?;
    }
    sink.end()?;
    Ok(events)
}

fn scope_of(args: &Export) -> Result<Scope> {
    let usage = |what: &str, why: String| {
        Failure::new(Exit::Usage, format!("{what} cannot be understood"))
            .why(why)
            .next("trackway export --help")
    };
    let filter = match &args.filter {
        Some(text) => Filter::parse_typed(text).map_err(|e| usage("--filter", e.to_string()))?,
        None => Filter::default(),
    };
    let moment = |what: &str, text: &Option<String>, other: i64| match text {
        Some(text) => {
            period::moment(text, super::now(), &TimeZone::UTC).map_err(|e| usage(what, e.to_string()))
        }
        None => Ok(Timestamp::from_micros(other)),
    };
    let period = Period { from: moment("--from", &args.from, 0)?, to: moment("--to", &args.to, i64::MAX)? };
    Ok(Scope { period, filter, zone: TimeZone::UTC })
}

/// A file that has its name only when it is whole.
struct Part {
    part: PathBuf,
    path: PathBuf,
}

impl Part {
    fn begin(path: &Path) -> Result<Self> {
        if path.exists() {
            return Err(Failure::new(Exit::Unreachable, format!("{} exists", path.display()))
                .why("an export never writes over a file")
                .next("choose another name, or remove it first"));
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        Ok(Self { part: part.into(), path: path.to_owned() })
    }

    fn file(&self) -> Result<fs::File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.part).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("{} cannot be written", self.part.display()))
                .why(error.to_string())
        })
    }

    fn keep(self) -> Result<()> {
        let kept = fs::File::open(&self.part).and_then(|file| file.sync_all());
        kept.and_then(|()| fs::rename(&self.part, &self.path)).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("{} cannot be written", self.path.display()))
                .why(error.to_string())
        })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone already when it was kept.
        let _gone = fs::remove_file(&self.part);
    }
}
