//! A consistent copy of a data directory while a server writes to it, and whether such a copy is sound.
//!
//! Called by `trackway backup`. Invariants: an event that was acknowledged before [`copy`] began is in the copy; copying
//! neither waits for the writers nor makes them wait (WAL readers); nothing in the source is changed.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use trackway_event::ProjectId;

use super::commit::{DAYS, HOURS, decode_cells};
use super::control::{ControlDb, sql};
use super::fault::at;
use super::open::{self, CONTROL, LEDGER, Schema};
use crate::{Result, StoreError};

/// How long a copy waits for a file that something else holds.
const PATIENCE: Duration = Duration::from_secs(30);
/// Damage beyond this many lines tells nobody more.
const FINDINGS: usize = 20;

/// One file of a copy.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Its path inside the data directory, with `/`.
    pub path: String,
    /// The project whose ledger it is; `None` for `trackway.db`.
    pub project: Option<ProjectId>,
}

/// What [`check`] found in one file.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Rows of events; 0 for `trackway.db`.
    pub events: u64,
    /// What is wrong, one line each; empty when the file is sound.
    pub findings: Vec<String>,
}

/// Copies `trackway.db` and every living project's ledger from `data` into the empty directory `into`.
///
/// `trackway.db` goes first: a refused body that is replayed meanwhile is then in the copy twice, and its replay after a
/// restore finds duplicates; the other way round it could be in neither.
///
/// # Errors
/// When a file cannot be read or written, or was written by a newer version.
pub fn copy(data: &Path, into: &Path) -> Result<Vec<Copied>> {
    copy_file(&data.join("trackway.db"), &into.join("trackway.db"), &CONTROL)?;
    let mut copied = vec![Copied { path: "trackway.db".into(), project: None }];
    let private = |dir: &Path| {
        open::make_private_dir(dir).map_err(|e| StoreError::DataDir {
            path: dir.into(),
            reason: format!("it cannot be created: {e}"),
        })
    };
    private(&into.join("projects"))?;
    // The copy's own list: a project made or deleted since does not matter.
    for project in ControlDb::open(into)?.projects()? {
        let folder = format!("projects/{}", project.key.0);
        let from = data.join(&folder).join("events.db");
        if !from.is_file() {
            // Made a moment ago and never opened, or deleted just now: the server makes an empty ledger.
            continue;
        }
        private(&into.join(&folder))?;
        let path = format!("{folder}/events.db");
        copy_file(&from, &into.join(&path), &LEDGER)?;
        copied.push(Copied { path, project: Some(project.id) });
    }
    settle(&into.join("trackway.db"), &CONTROL)?;
    Ok(copied)
}

/// Copies only `trackway.db` from `data` into the directory `into`.
///
/// # Errors
/// When the file cannot be read or written, or was written by a newer version.
pub fn copy_control(data: &Path, into: &Path) -> Result<()> {
    copy_file(&data.join("trackway.db"), &into.join("trackway.db"), &CONTROL)
}

/// Whether a copied file is sound: SQLite's own check, and for a ledger every counter against its rows.
///
/// # Errors
/// When the file is not there or was written by a newer version. Damage is a finding, not an error.
pub fn check(dir: &Path, file: &Copied) -> Result<Checked> {
    let path = dir.join(&file.path);
    let schema = if file.project.is_some() { &LEDGER } else { &CONTROL };
    match examine(&path, schema, file.project.is_some()) {
        Ok(checked) => Ok(checked),
        Err(StoreError::Corrupt { reason, .. }) => Ok(Checked { events: 0, findings: vec![reason] }),
        Err(error) => Err(at(&path)(error)),
    }
}

fn examine(path: &Path, schema: &Schema, ledger: bool) -> Result<Checked> {
    let conn = open::readable(path, schema, 8_192)?;
    let mut findings = Vec::new();
    let mut statement = conn.prepare(&format!("PRAGMA integrity_check({FINDINGS})"))?;
    for line in statement.query_map([], |row| row.get::<_, String>(0))? {
        let line = line?;
        if line != "ok" {
            findings.push(line);
        }
    }
    drop(statement);
    let mut events = 0;
    if ledger && findings.is_empty() {
        let (rows, keys, stored, sessions): (i64, i64, i64, i64) =
            conn.query_row(sql!("check.recount"), [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
        let removed = |name: &str| -> Result<i64> {
            Ok(conn.prepare_cached(sql!("counter.one"))?.query_row([name], |r| r.get(0))?)
        };
        events = rows.unsigned_abs();
        let gone = removed("removed.events")?;
        if keys != rows + gone {
            findings.push(format!("{rows} events and {gone} removed ones have {keys} dedupe keys"));
        }
        if stored != rows + gone {
            findings.push(format!(
                "the count of stored events is {stored}, there are {rows}, and {gone} were removed"
            ));
        }
        if sessions != 0 {
            findings.push(format!("{sessions} sessions count other events than they have"));
        }
        let counted: i64 = conn.query_row(sql!("check.counted"), [], |r| r.get(0))?;
        let counted = counted + removed("removed.counted")?;
        for (grain, name, gone) in [(HOURS, "hours", "removed.hours"), (DAYS, "days", "removed.days")] {
            let sum = rollup_events(&conn, grain)? + removed(gone)?.unsigned_abs();
            if sum != counted.unsigned_abs() {
                findings.push(format!("the rollups of {name} count {sum} events, there are {counted}"));
            }
        }
    }
    Ok(Checked { events, findings })
}

/// Events in all rows of one grain that sum all tools.
fn rollup_events(conn: &Connection, grain: i64) -> Result<u64> {
    let mut statement = conn.prepare(sql!("check.rollups"))?;
    let mut rows = statement.query([grain])?;
    let mut sum = 0u64;
    while let Some(row) = rows.next()? {
        let cells = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        // Where the bucket begins only moves the cells' times, which nobody asks for here.
        decode_cells(cells, 0, |_client, cell| sum += cell.events).ok_or_else(|| StoreError::Corrupt {
            path: Default::default(),
            reason: "a rollup cannot be read".into(),
        })?;
    }
    Ok(sum)
}

/// One file as of one moment: the whole copy is one read transaction.
fn copy_file(from: &Path, to: &Path, schema: &Schema) -> Result<()> {
    let source = open::readable(from, schema, 1_024)?;
    source.busy_timeout(PATIENCE).map_err(StoreError::from)?;
    let mut target = private(to)?;
    let run = |target: &mut Connection| -> Result<()> {
        let copy = Backup::new(&source, target)?;
        match copy.step(-1)? {
            StepResult::Done => Ok(()),
            StepResult::More | StepResult::Busy | StepResult::Locked => {
                Err(StoreError::Backend(format!("{} is held by another process", from.display())))
            }
            other => Err(StoreError::Backend(format!("copying {}: {other:?}", from.display()))),
        }
    };
    run(&mut target).map_err(at(to))?;
    drop(target);
    settle(to, schema)
}

fn private(path: &Path) -> Result<Connection> {
    // `writable` would migrate; this file gets its schema with its pages.
    let mut options = std::fs::File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| StoreError::DataDir {
        path: path.into(),
        reason: format!("it cannot be written: {e}"),
    })?;
    let conn = Connection::open(path)?;
    conn.execute_batch("PRAGMA synchronous = FULL;")?;
    Ok(conn)
}

/// Leaves one plain file without companions: what a manifest can hash and any SQLite can read.
fn settle(path: &Path, schema: &Schema) -> Result<()> {
    let run = || -> Result<()> {
        let conn = Connection::open(path)?;
        let version: i64 = conn.query_row("PRAGMA user_version", [], |r| r.get(0))?;
        if version > schema.0.len() as i64 {
            return Err(StoreError::Newer {
                path: path.into(),
                found: version,
                known: schema.0.len() as i64,
            });
        }
        conn.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        Ok(())
    };
    run().map_err(at(path))
}
