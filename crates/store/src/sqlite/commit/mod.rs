//! One commit: dedupe, rows, payload block, pre-aggregated upserts, search index and counters in one transaction
//! (`ARCHITECTURE.md` §3.6). Called by the writer's thread only.
//!
//! What repeats is remembered in caches that are written through; when a transaction is rolled back, all of them are
//! forgotten, so that they never tell of what is not in the file.

mod account;
mod call;
mod catalog;
mod cell;
mod dedupe;
mod group;
mod issue;
mod payload;
mod person;
mod rollup;
mod row;
mod session;
mod words;

pub(in crate::sqlite) use call::load as legs_of;
pub(in crate::sqlite) use cell::{Cell, CellView, Counted, decode as decode_cells};
pub(in crate::sqlite) use dedupe::{hash_of, key};
pub(in crate::sqlite) use issue::apart;
pub(in crate::sqlite) use payload::{Piece, Said, Unpacked, blank, inflate, part_of, piece_of, unpack};
pub(in crate::sqlite) use rollup::{ALL, DAY_US, DAYS, HOUR_US, HOURS, Named, named, start_of};
pub(in crate::sqlite) use row::TOKENS_ESTIMATED;
pub(in crate::sqlite) use session::{mint, split};

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use trackway_event::{ErrorClass, Event, Outcome, ProjectId, Timestamp};

use super::chore::Step;
use super::control::sql;
use super::fault::at;
use super::project::Project;
use super::writer::Job;
use super::{open, read};
use crate::{EventRow, Result};

/// Cache of the writer's connection, KiB.
const CACHE_KIB: u32 = 32 * 1024;

/// The writer's side of one ledger.
pub(super) struct Ledger {
    conn: Connection,
    file: PathBuf,
    project: ProjectId,
    wal_pages: Arc<AtomicU64>,
    /// Counts what operators changed beside the writer, and how much of it this writer knows.
    changes: (Arc<AtomicU64>, u64),
    next: Next,
    words: words::Words,
    packer: payload::Packer,
    people: person::People,
    accounts: account::Accounts,
    sessions: session::Sessions,
    issues: issue::Issues,
    catalogs: catalog::Catalogs,
    rollups: rollup::Rollups,
}

/// The numbers to give next.
#[derive(Clone, Copy)]
struct Next {
    seq: i64,
    block: i64,
    session: i64,
    person: i64,
    issue: i64,
    account: i64,
}

/// What a commit did.
pub(super) struct Done {
    /// One list per job.
    pub(super) outcomes: Vec<Vec<Outcome>>,
    /// Sequence numbers of the new rows.
    pub(super) new: Range<i64>,
}

/// A new event on its way into the ledger.
struct Fresh<'a> {
    seq: i64,
    event: &'a Event,
    received_at: Timestamp,
    /// What it has in common with its repeat.
    repeat: Option<i64>,
    tool: Option<i64>,
    resource: Option<i64>,
    client: Option<i64>,
    server: Option<i64>,
    sdk: Option<i64>,
    person: Option<i64>,
    /// Notes beside those of the event.
    remarks: Vec<&'static str>,
    session: Option<i64>,
    /// The accounts it names.
    accounts: Vec<i64>,
    issue: Option<i64>,
    class: Option<ErrorClass>,
    catalog: Option<i64>,
}

impl Ledger {
    /// Opens the writer's connection.
    pub(super) fn open(project: &Project) -> Result<Self> {
        let mut conn = open::writable(&project.file, &open::LEDGER, CACHE_KIB)?;
        if let Some(pages) = project.options.max_pages {
            conn.pragma_update(None, "max_page_count", pages)?;
        }
        let wal_pages = project.wal_pages.clone();
        let seen = wal_pages.clone();
        // Replaces SQLite's own checkpoints: a helper moves the log while this connection goes on writing.
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            seen.store(pages.max(0) as u64, Ordering::Relaxed);
            Ok(())
        }))?;
        let next = Next::read(&conn)?;
        Ok(Self {
            conn,
            file: project.file.clone(),
            project: project.id.clone(),
            wal_pages,
            changes: (project.changes.clone(), 0),
            next,
            words: words::Words::new(),
            packer: payload::Packer::new()?,
            people: person::People::new(),
            accounts: account::Accounts::new(),
            sessions: session::Sessions::new(),
            issues: issue::Issues::new(),
            catalogs: catalog::Catalogs::new(),
            rollups: rollup::Rollups::new(),
        })
    }

    /// Commits the events of the jobs and waits until they are durable. After an error nothing of them is stored.
    pub(super) fn commit(&mut self, jobs: &[Job]) -> Result<Done> {
        let before = self.next;
        let result = self
            .conn
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(Into::into)
            .and_then(|()| self.apply(jobs))
            .and_then(|done| Ok(self.conn.execute_batch("COMMIT").map(|()| done)?));
        if result.is_err() {
            // SQLite has often rolled back by itself; then there is nothing left to do.
            if !self.conn.is_autocommit() {
                let _ = self.conn.execute_batch("ROLLBACK");
            }
            self.next = before;
            self.forget();
        }
        result.map_err(at(&self.file))
    }

    /// Does a step of work in a transaction of its own. What it removes is zeroed, and so is what the log still held of it.
    pub(super) fn chore(&mut self, step: Step) -> Result<()> {
        let run = |conn: &Connection| -> Result<()> {
            conn.execute_batch("PRAGMA secure_delete = ON; BEGIN IMMEDIATE")?;
            conn.execute_batch(sql!("ledger.remember"))?;
            step(conn)?;
            conn.execute_batch("COMMIT")?;
            Ok(())
        };
        let result = run(&self.conn);
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        self.forget();
        if result.is_ok() {
            self.checkpoint("TRUNCATE");
        }
        // A step may have given numbers, too.
        let result = result.and_then(|()| {
            let given = Next::read(&self.conn)?;
            self.next.session = self.next.session.max(given.session);
            self.next.issue = self.next.issue.max(given.issue);
            Ok(())
        });
        result.map_err(at(&self.file))
    }

    /// Forgets everything that was remembered of the file.
    fn forget(&mut self) {
        self.words.clear();
        self.packer.clear();
        self.people.clear();
        self.accounts.clear();
        self.sessions.clear();
        self.issues.clear();
        self.catalogs.clear();
        self.rollups.clear();
    }

    fn apply(&mut self, jobs: &[Job]) -> Result<Done> {
        // Inside the transaction, so that nobody changes anything after this look.
        let changes = self.changes.0.load(Ordering::Acquire);
        if changes != self.changes.1 {
            self.changes.1 = changes;
            self.sessions.clear();
        }
        let conn = &self.conn;
        let all = || {
            jobs.iter().flat_map(|job| {
                job.events
                    .iter()
                    .zip(&job.repeats)
                    .map(move |(event, repeat)| (event, *repeat, job.received_at))
            })
        };
        let first = self.next.seq;
        let keys = all().map(|(event, ..)| dedupe::key_of(&self.project, event));
        let taken = dedupe::take(conn, keys, first)?;

        let mut fresh: Vec<Fresh<'_>> = Vec::with_capacity(taken.len());
        for ((event, repeat, received_at), seq) in all().zip(&taken) {
            if let Some(seq) = *seq {
                fresh.push(self.words.fresh(conn, event, repeat, received_at, seq)?);
            }
        }
        self.next.seq += fresh.len() as i64;

        self.people.resolve(conn, &mut fresh, &mut self.next.person)?;
        self.accounts.resolve(conn, &mut fresh, &mut self.next.account)?;
        self.issues.resolve(conn, &mut self.words, &mut fresh, &mut self.next.issue)?;
        self.catalogs.resolve(conn, &mut fresh)?;
        self.sessions.resolve(
            conn,
            &mut self.words,
            &mut self.rollups,
            &self.project,
            &mut fresh,
            &mut self.next.session,
        )?;
        row::write(conn, &mut self.words, &mut self.packer, &mut self.next.block, &fresh)?;
        self.rollups.add(conn, &mut self.words, &fresh, |session| self.sessions.client_of(session))?;
        call::settle(
            conn,
            &fresh,
            &mut call::Followers {
                words: &mut self.words,
                rollups: &mut self.rollups,
                sessions: &mut self.sessions,
                people: &mut self.people,
                issues: &mut self.issues,
                next_issue: &mut self.next.issue,
            },
        )?;
        self.issues.write(conn)?;
        self.sessions.write(conn, &mut self.words, &mut self.people, &fresh)?;
        self.people.write(conn, &fresh)?;
        self.accounts.write(conn, &fresh)?;
        self.rollups.write(conn)?;
        self.packer.finish(conn)?;

        let new = fresh.len();
        let calls = fresh.iter().filter(|f| f.event.is_counted_call()).count();
        let mut add = conn.prepare_cached(sql!("counter.add"))?;
        for (name, n) in [("stored", new), ("duplicates", taken.len() - new), ("calls", calls)] {
            if n > 0 {
                add.execute((name, n as i64))?;
            }
        }
        let mut taken = taken.iter();
        let outcome = |seq: &Option<i64>| if seq.is_some() { Outcome::Stored } else { Outcome::Duplicate };
        let outcomes =
            jobs.iter().map(|job| taken.by_ref().take(job.events.len()).map(outcome).collect()).collect();
        Ok(Done { outcomes, new: first..self.next.seq })
    }

    /// Rows of the latest commit, for the live feed.
    pub(super) fn rows(&self, seqs: &Range<i64>) -> Result<Vec<EventRow>> {
        read::events_between(&self.conn, seqs)
    }

    /// Pages in the log after the latest commit.
    pub(super) fn wal_pages(&self) -> u64 {
        self.wal_pages.load(Ordering::Relaxed)
    }

    /// Moves the log into the file; busy readers only make it do less.
    pub(super) fn checkpoint(&self, mode: &str) {
        let moved = self.conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |r| {
            Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?, r.get::<_, i64>(2)?))
        });
        match moved {
            Ok((0, pages, done)) if pages == done => self.wal_pages.store(0, Ordering::Relaxed),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "could not move the log into the ledger"),
        }
    }

    /// Tries whether the ledger can grow, leaving nothing behind.
    pub(super) fn probe(&mut self) -> Result<()> {
        self.conn.execute_batch("BEGIN IMMEDIATE")?;
        let grown = self.conn.execute("INSERT INTO block (id, data) VALUES (-1, zeroblob(262144))", []);
        self.conn.execute_batch("ROLLBACK")?;
        grown?;
        Ok(())
    }
}

impl Next {
    fn read(conn: &Connection) -> Result<Self> {
        Ok(conn.query_row(sql!("ledger.next"), [], |r| {
            Ok(Self {
                seq: r.get::<_, i64>(0)? + 1,
                block: r.get::<_, i64>(1)? + 1,
                session: r.get::<_, i64>(2)? + 1,
                person: r.get::<_, i64>(3)? + 1,
                issue: r.get::<_, i64>(4)? + 1,
                account: r.get::<_, i64>(5)? + 1,
            })
        })?)
    }
}
