//! `trackway.db`: projects, keys, sign-ins, refused bodies and counts. Used by the serving process and, beside it, by the
//! verbs of the command line (D33); what one writes, the other sees within half a second.

pub(super) mod chores;
mod keys;
mod members;
mod projects;
mod quarantine;
mod settings;
mod tally;
mod views;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::fault::at;
use super::open;
use crate::Result;

/// A query file of `sql/sqlite/`.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/sqlite/", $name, ".sql"))
    };
}
pub(super) use sql;

/// The control file of a data directory.
pub struct ControlDb {
    path: PathBuf,
    /// Short transactions, each made durable.
    write: Mutex<Connection>,
    /// Questions never wait for a durable write.
    read: Mutex<Connection>,
    projects: Mutex<projects::Known>,
    kept: Mutex<Option<quarantine::Kept>>,
    /// Counts not yet written.
    pending: Mutex<tally::Pending>,
}

impl ControlDb {
    /// Opens `trackway.db` in `dir`, making both when they are missing. Takes no lock: safe beside a running server.
    pub fn open(dir: &Path) -> Result<Self> {
        open::data_dir(dir)?;
        let path = dir.join("trackway.db");
        let write = open::writable(&path, &open::CONTROL, 1_024)?;
        let read = open::readable(&path, &open::CONTROL, 1_024)?;
        Ok(Self {
            path,
            write: Mutex::new(write),
            read: Mutex::new(read),
            projects: Mutex::default(),
            kept: Mutex::default(),
            pending: Mutex::default(),
        })
    }

    /// Bytes of the file and its log.
    pub(super) fn bytes(&self) -> u64 {
        open::size_of(&self.path) + open::size_of(&self.path.with_extension("db-wal"))
    }

    /// Writes what is pending and moves the log into the file.
    pub(super) fn close(&self) -> Result<()> {
        self.flush_tallies()?;
        let conn = hold(&self.write);
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    fn ask<T>(&self, question: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        question(&hold(&self.read)).map_err(at(&self.path))
    }

    fn change<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut conn = hold(&self.write);
        let run = || -> Result<T> {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&tx)?;
            tx.commit()?;
            Ok(value)
        };
        run().map_err(at(&self.path))
    }
}

/// Holds a lock; a panic elsewhere leaves nothing half done that a transaction would not have rolled back.
pub(super) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
