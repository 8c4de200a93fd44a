//! Directories, locks, connections and migrations; called by [`super::backend`] and [`super::control`].

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::at;
use crate::{Result, StoreError};

/// A schema: its migrations in order; `user_version` counts those applied.
pub(super) struct Schema(pub(super) &'static [&'static str]);

/// `trackway.db`.
pub(super) const CONTROL: Schema = Schema(&[
    include_str!("../../sql/sqlite/migrations/control/0001-control.sql"),
    include_str!("../../sql/sqlite/migrations/control/0002-trust.sql"),
    include_str!("../../sql/sqlite/migrations/control/0003-view.sql"),
    include_str!("../../sql/sqlite/migrations/control/0004-token-rate.sql"),
]);
/// `events.db`.
pub(super) const LEDGER: Schema = Schema(&[
    include_str!("../../sql/sqlite/migrations/events/0001-ledger.sql"),
    include_str!("../../sql/sqlite/migrations/events/0002-person-day.sql"),
    include_str!("../../sql/sqlite/migrations/events/0003-identity.sql"),
    include_str!("../../sql/sqlite/migrations/events/0004-account.sql"),
    include_str!("../../sql/sqlite/migrations/events/0005-insight.sql"),
    include_str!("../../sql/sqlite/migrations/events/0006-joined.sql"),
    include_str!("../../sql/sqlite/migrations/events/0007-nameless.sql"),
    include_str!("../../sql/sqlite/migrations/events/0008-call.sql"),
    include_str!("../../sql/sqlite/migrations/events/0009-rule.sql"),
    include_str!("../../sql/sqlite/migrations/events/0010-issue-work.sql"),
    include_str!("../../sql/sqlite/migrations/events/0011-named.sql"),
    include_str!("../../sql/sqlite/migrations/events/0012-release.sql"),
    include_str!("../../sql/sqlite/migrations/events/0013-by-name.sql"),
    include_str!("../../sql/sqlite/migrations/events/0014-cut.sql"),
    include_str!("../../sql/sqlite/migrations/events/0015-conversation.sql"),
    include_str!("../../sql/sqlite/migrations/events/0016-track.sql"),
    include_str!("../../sql/sqlite/migrations/events/0017-apart.sql"),
    include_str!("../../sql/sqlite/migrations/events/0018-kept.sql"),
]);

/// Pages of 4 KiB after which a commit moves the log into the file by itself (spec/storage.md §3.6).
const AUTOCHECKPOINT_PAGES: u32 = 8_000;

/// Makes sure that `dir` exists and can be written. Its parent must exist.
pub(super) fn data_dir(dir: &Path) -> Result<()> {
    let wrong = |reason: String| StoreError::DataDir { path: dir.into(), reason };
    if !dir.exists() {
        let parent = match dir.parent() {
            Some(p) if !p.as_os_str().is_empty() => p.to_path_buf(),
            _ => PathBuf::from("."),
        };
        if !parent.is_dir() {
            return Err(wrong(format!("its parent {} does not exist; create it first", parent.display())));
        }
        make_private_dir(dir).map_err(|e| wrong(format!("it cannot be created: {e}")))?;
    }
    if !dir.is_dir() {
        return Err(wrong("it is not a directory; choose another with --data".into()));
    }
    Ok(())
}

/// Takes the lock of the serving process; it ends with the returned file.
pub(super) fn lock(dir: &Path) -> Result<File> {
    let path = dir.join("lock");
    let wrong = |e: std::io::Error| StoreError::DataDir {
        path: dir.into(),
        reason: format!("it cannot be written ({e}); check its owner and permissions"),
    };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(wrong)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(dir.into())),
        Err(TryLockError::Error(e)) => Err(wrong(e)),
    }
}

/// Creates a directory that only its owner may enter.
pub(super) fn make_private_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Opens a file for writing, brings its schema up to date, and refuses what is newer or damaged.
pub(super) fn writable(path: &Path, schema: &Schema, cache_kib: u32) -> Result<Connection> {
    let open = || -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let mut conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(Duration::from_secs(5))?;
        stable_plans(&conn)?;
        let found = version(&conn)?;
        let known = schema.0.len() as i64;
        if found > known {
            return Err(StoreError::Newer { path: path.into(), found, known });
        }
        if found == 0 {
            conn.execute_batch("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;")?;
        }
        conn.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;
             PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
             PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}; PRAGMA cache_size = -{cache_kib};"
        ))?;
        migrate(&mut conn, schema)?;
        conn.set_prepared_statement_cache_capacity(128);
        Ok(conn)
    };
    private_file(path).map_err(|e| StoreError::DataDir {
        path: path.into(),
        reason: format!("it cannot be written ({e}); check its owner and permissions"),
    })?;
    open().map_err(at(path))
}

/// Opens a file that must exist for reading only.
pub(super) fn readable(path: &Path, schema: &Schema, cache_kib: u32) -> Result<Connection> {
    let open = || -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(Duration::from_secs(5))?;
        stable_plans(&conn)?;
        conn.execute_batch(&format!(
            "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;
             PRAGMA cache_size = -{cache_kib};"
        ))?;
        let (found, known) = (version(&conn)?, schema.0.len() as i64);
        if found > known {
            return Err(StoreError::Newer { path: path.into(), found, known });
        }
        conn.set_prepared_statement_cache_capacity(128);
        Ok(conn)
    };
    open().map_err(at(path))
}

/// Plans that do not depend on bound values. Else every new value of a column that has a partial index makes SQLite
/// prepare the statement again, which took a third of the reads' time.
fn stable_plans(conn: &Connection) -> Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn version(conn: &Connection) -> Result<i64> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

fn migrate(conn: &mut Connection, schema: &Schema) -> Result<()> {
    let (found, known) = (version(conn)?, schema.0.len() as i64);
    if found == known {
        return Ok(());
    }
    if found > 0 {
        let file = conn.path().unwrap_or_default();
        tracing::info!(
            file,
            found,
            known,
            "bringing a file of an older version up to date; large ones take minutes"
        );
    }
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Read again inside: a verb beside the server may have been first.
    let from = version(&tx)?.max(0) as usize;
    for (i, sql) in schema.0.iter().enumerate().skip(from) {
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", i as i64 + 1)?;
    }
    Ok(tx.commit()?)
}

/// Creates the file, if it is not there, with no rights for others; SQLite gives its companions the same.
fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// The median of a few durable 4 KiB writes in `dir`, µs (spec/storage.md §3.9).
///
/// # Errors
/// When the directory cannot be written.
pub fn measure_fsync(dir: &Path) -> std::io::Result<u64> {
    // Of this process: a verb may measure beside a server.
    let path = dir.join(format!("fsync-probe-{}", std::process::id()));
    let probe = || -> std::io::Result<u64> {
        let mut file = File::create(&path)?;
        let mut times = [0u64; 7];
        for time in &mut times {
            let start = Instant::now();
            file.write_all(&[0x5a; 4096])?;
            file.sync_data()?;
            *time = start.elapsed().as_micros() as u64;
        }
        times.sort_unstable();
        Ok(times[times.len() / 2])
    };
    let result = probe();
    let _ = fs::remove_file(&path);
    result
}

/// Free bytes of the file system under `dir`.
pub fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Bytes of a directory's files.
pub(super) fn size_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |m| m.len())
}
