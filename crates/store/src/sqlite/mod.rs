//! The embedded backend: SQLite files under one data directory (`ARCHITECTURE.md` §4).
//!
//! `DATA/trackway.db` holds projects, keys, sign-ins, refused bodies and counts; `DATA/projects/<number>/events.db` one
//! project's ledger, so that isolation and deletion are a file's. `DATA/lock` is held by the one process that serves;
//! command-line verbs write `trackway.db` beside it through [`ControlDb`].
//!
//! - [`open`](self): files, locks, migrations
//! - `backup`: a consistent copy while everything runs, and whether a copy is sound
//! - `control`: `trackway.db`
//! - `helper`: what is done beside questions and commits
//! - `project`: one ledger: its writer, readers and live feed
//! - `commit`: what happens inside one transaction
//! - `chore`, `expire`, `erase`: what is removed, between two commits
//! - `read`: the answers

mod backend;
pub mod backup;
mod cache;
mod chore;
mod commit;
mod control;
mod erase;
mod expire;
mod fault;
mod hand;
mod helper;
mod identity;
mod joined;
mod nameless;
mod open;
mod project;
mod read;
mod rules;
mod search;
mod work;
mod writer;

pub use backend::SqliteStore;
pub use control::ControlDb;
pub use open::{free_bytes, measure_fsync};

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use trackway_event::Timestamp;

/// A durable 4 KiB write faster than this, µs, was not written: the disk, or what stands for it, answers too early.
pub const FSYNC_IMPLAUSIBLE_US: u64 = 20;
/// One slower than this, µs, is felt in every answer to ingest.
pub const FSYNC_SLOW_US: u64 = 20_000;

/// A source of the present time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A way to learn the free bytes of the file system under a path.
pub type FreeBytes = Arc<dyn Fn(&Path) -> Option<u64> + Send + Sync>;

/// How the backend is set up. The defaults are for `trackway serve`.
#[derive(Clone)]
pub struct SqliteOptions {
    /// Read connections of one project, 1 to 8.
    pub readers: usize,
    /// How long one question may run.
    pub read_deadline: Duration,
    /// Most calls of a period from which distinct sessions and people of a tool are counted.
    pub counted_calls: usize,
    /// Free bytes of the disk below which nothing more is written.
    pub free_floor: u64,
    /// Asks the disk for its free bytes.
    pub free_bytes: FreeBytes,
    /// Most pages of one ledger; for tests of a full disk.
    pub max_pages: Option<u32>,
    /// The clock that tells open sessions from ended ones.
    pub clock: Clock,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: 3,
            read_deadline: trackway_event::limits::QUERY_DEADLINE,
            counted_calls: 100_000,
            free_floor: 64 * 1024 * 1024,
            free_bytes: Arc::new(open::free_bytes),
            max_pages: None,
            clock: Arc::new(system_time),
        }
    }
}

impl std::fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("readers", &self.readers)
            .field("read_deadline", &self.read_deadline)
            .field("counted_calls", &self.counted_calls)
            .field("free_floor", &self.free_floor)
            .field("max_pages", &self.max_pages)
            .finish_non_exhaustive()
    }
}

fn system_time() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod apart_tests;
#[cfg(test)]
mod removal_tests;
#[cfg(test)]
mod tests;
