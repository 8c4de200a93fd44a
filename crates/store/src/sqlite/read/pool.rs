//! A few read-only connections of one ledger, lent for one question at a time, each under a deadline, so that readers
//! neither pile up nor hold the log back (spec/storage.md §3.6).

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::aid::Aid;
use super::kept::Kept;
use super::recent::Recent;
use crate::sqlite::control::hold;
use crate::sqlite::fault::at;
use crate::sqlite::{Clock, SqliteOptions, open};
use crate::{Result, StoreError};

/// Cache of one reader, KiB.
const CACHE_KIB: u32 = 4 * 1024;
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: std::ffi::c_int = 2_000;

/// Time without a question after which a ledger's days and newest calls need no memory.
const RESTING: Duration = Duration::from_secs(15 * 60);

/// The readers of one ledger.
pub(in crate::sqlite) struct Pool {
    file: PathBuf,
    most: usize,
    patience: Duration,
    counted_calls: usize,
    clock: Clock,
    kept: Arc<Kept>,
    recent: Arc<Recent>,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<(Connection, Aid)>,
    open: usize,
    closed: bool,
    /// When the last question came, since the last rest.
    asked: Option<Instant>,
}

/// A connection lent for one question.
pub(in crate::sqlite) struct Reader {
    pub(in crate::sqlite) conn: Connection,
    pub(in crate::sqlite) clock: Clock,
    pub(in crate::sqlite) counted_calls: usize,
    pub(super) kept: Arc<Kept>,
    pub(super) recent: Arc<Recent>,
    /// What the question's words matched.
    pub(super) matches: RefCell<Option<(String, Arc<Vec<i64>>)>>,
    aid: Aid,
}

impl Pool {
    pub(in crate::sqlite) fn new(file: PathBuf, options: &SqliteOptions) -> Self {
        Self {
            file,
            most: options.readers.clamp(1, 8),
            patience: options.read_deadline,
            counted_calls: options.counted_calls,
            clock: options.clock.clone(),
            kept: Arc::default(),
            recent: Arc::default(),
            state: Mutex::default(),
            wake: Condvar::new(),
        }
    }

    /// Asks within one snapshot. [`StoreError::Deadline`] when no reader comes free, or the answer is not there, in time.
    pub(in crate::sqlite) fn ask<T>(&self, question: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + self.patience;
        let (mut conn, aid) = self.lend(deadline)?;
        aid.begin(deadline);
        let ready = conn
            .progress_handler(STEPS, Some(move || Instant::now() >= deadline))
            .and_then(|()| conn.execute_batch("BEGIN"));
        let mut reader = Reader {
            conn,
            clock: self.clock.clone(),
            counted_calls: self.counted_calls,
            kept: self.kept.clone(),
            recent: self.recent.clone(),
            matches: RefCell::default(),
            aid,
        };
        let answer = ready.map_err(Into::into).and_then(|()| question(&reader));
        let reset = reader.conn.progress_handler(0, None::<fn() -> bool>);
        reader.aid.end();
        let sound =
            reset.is_ok() && (reader.conn.is_autocommit() || reader.conn.execute_batch("ROLLBACK").is_ok());
        let mut state = hold(&self.state);
        if sound && !state.closed {
            state.idle.push((reader.conn, reader.aid));
        } else {
            state.open -= 1;
        }
        drop(state);
        self.wake.notify_one();
        answer.map_err(at(&self.file))
    }

    /// Forgets what was kept of the ledger when nobody has asked for [`RESTING`].
    pub(in crate::sqlite) fn rest(&self) {
        let mut state = hold(&self.state);
        if state.asked.is_some_and(|asked| asked.elapsed() >= RESTING) {
            state.asked = None;
            drop(state);
            self.kept.clear();
            self.recent.clear();
        }
    }

    /// Closes what is idle; what is lent closes when it comes back.
    pub(in crate::sqlite) fn close(&self) {
        let mut state = hold(&self.state);
        state.closed = true;
        state.open -= state.idle.len();
        state.idle.clear();
        drop(state);
        self.wake.notify_all();
    }

    fn lend(&self, deadline: Instant) -> Result<(Connection, Aid)> {
        let mut state = hold(&self.state);
        state.asked = Some(Instant::now());
        loop {
            if state.closed {
                return Err(StoreError::Closed);
            }
            if let Some(conn) = state.idle.pop() {
                return Ok(conn);
            }
            if state.open < self.most {
                state.open += 1;
                drop(state);
                let opened = open::readable(&self.file, &open::LEDGER, CACHE_KIB)
                    .and_then(|conn| Ok((Aid::teach(&conn, self.clock.clone())?, conn)));
                return opened.map(|(aid, conn)| (conn, aid)).inspect_err(|_| {
                    hold(&self.state).open -= 1;
                });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(StoreError::Deadline);
            }
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
