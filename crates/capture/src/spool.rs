//! Batches that could not be sent, on disk until they can: one checksummed file a batch, written whole and made durable
//! before it counts, so that what was spooled survives kill -9 (D24, SDK-86). Bounded; the oldest make room.
//!
//! Several processes may share a directory: each writes files of its own, and only the holder of the lock replays.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

/// Bytes of all files together.
pub const BYTES: u64 = 100 * 1024 * 1024;
/// Files older than this are dropped.
pub const AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const MAGIC: &[u8; 8] = b"TWSPOOL2";
const SUFFIX: &str = "batch";
/// What batches are called that the server refused for good; rename them back to have them tried again.
const REFUSED: &str = "refused";
/// How long refused batches are kept for a look (SDK-83).
pub const REFUSED_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes of refused batches that are kept.
const REFUSED_BYTES: u64 = 10 * 1024 * 1024;

/// A directory of unsent batches.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    next: AtomicU64,
}

/// What writing a batch dropped to make room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Events of old batches.
    pub events: u64,
}

/// A batch as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its file.
    pub path: PathBuf,
    /// How many events it holds.
    pub events: u32,
    /// The request body.
    pub body: Vec<u8>,
}

/// Half-written files of a process that ended are removed when they are older than this.
const TORN: Duration = Duration::from_secs(60 * 60);

/// The right to replay, held by one process at a time.
#[derive(Debug)]
pub struct Replay(#[expect(dead_code, reason = "holds the lock")] File);

impl Spool {
    /// Opens or makes the directory, readable by its owner only.
    pub fn open(dir: PathBuf) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&dir)?;
        let start =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_micros() as u64);
        Ok(Self { dir, next: AtomicU64::new(start) })
    }

    /// Writes a batch of so many events durably.
    pub fn write(&self, body: &[u8], events: u32) -> io::Result<Dropped> {
        self.keep(body, events).map(|(_, dropped)| dropped)
    }

    /// Writes a batch of so many events durably; tells which file holds it.
    pub fn keep(&self, body: &[u8], events: u32) -> io::Result<(PathBuf, Dropped)> {
        let dropped = self.make_room(body.len() as u64)?;
        let path = self.store(body, events, SUFFIX)?;
        Ok((path, dropped))
    }

    /// Keeps a batch that was refused for good for [`REFUSED_AGE`]; it is never sent again.
    pub fn refuse(&self, body: &[u8], events: u32) -> io::Result<()> {
        self.store(body, events, REFUSED)?;
        self.bound_refused();
        Ok(())
    }

    /// The same with one that is on disk already.
    pub fn refuse_kept(&self, path: &Path) {
        if fs::rename(path, path.with_extension(REFUSED)).is_err() {
            let _ = fs::remove_file(path);
        }
        self.bound_refused();
    }

    /// The oldest refused batches make room.
    fn bound_refused(&self) {
        let all = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut refused: Vec<_> = all
            .filter(|entry| entry.path().extension().is_some_and(|e| e == REFUSED))
            .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.len())))
            .collect();
        refused.sort();
        let mut total: u64 = refused.iter().map(|(_, size)| size).sum();
        for (path, size) in refused {
            if total <= REFUSED_BYTES {
                return;
            }
            total -= size;
            let _ = fs::remove_file(path);
        }
    }

    fn store(&self, body: &[u8], events: u32, suffix: &str) -> io::Result<PathBuf> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(format!("{number:020}-{}.{suffix}", std::process::id()));
        let temporary = path.with_extension("tmp");
        let mut file = create(&temporary)?;
        file.write_all(MAGIC)?;
        file.write_all(&checksum(events, body))?;
        file.write_all(&events.to_be_bytes())?;
        file.write_all(body)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(&self.dir)?.sync_all()?;
        Ok(path)
    }

    /// Takes the right to replay, unless another process has it.
    pub fn lock(&self) -> Option<Replay> {
        let file = create(&self.dir.join("replay.lock")).ok()?;
        file.try_lock().ok()?;
        Some(Replay(file))
    }

    /// The oldest batch that can be read; damaged files are removed on the way.
    pub fn oldest(&self, right: &Replay) -> Option<Kept> {
        self.oldest_but(right, &[])
    }

    /// The oldest batch that can be read and is none of these.
    pub fn oldest_but(&self, _right: &Replay, under_way: &[PathBuf]) -> Option<Kept> {
        for (path, _, _) in self.files().ok()? {
            if under_way.contains(&path) {
                continue;
            }
            match fs::read(&path).ok().and_then(|bytes| open(&bytes)) {
                Some((events, body)) => return Some(Kept { path, events, body }),
                None => {
                    tracing::warn!("a damaged batch in the spool was removed");
                    let _ = fs::remove_file(path);
                }
            }
        }
        None
    }

    /// Forgets a batch that was sent or refused for good.
    pub fn remove(&self, path: &Path) {
        let _ = fs::remove_file(path);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.files().map_or(true, |f| f.is_empty())
    }

    fn make_room(&self, bytes: u64) -> io::Result<Dropped> {
        let files = self.files()?;
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        let mut dropped = Dropped::default();
        for (path, size, age) in files {
            if total + bytes <= BYTES && age <= AGE {
                break;
            }
            let events = events_of(&path);
            if fs::remove_file(path).is_ok() {
                total -= size;
                dropped.events += events;
            }
        }
        Ok(dropped)
    }

    /// Whole batches, oldest first, with size and age.
    fn files(&self) -> io::Result<Vec<(PathBuf, u64, Duration)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_some_and(|e| e == SUFFIX) {
                let Ok(meta) = entry.metadata() else { continue };
                let age = meta.modified().ok().and_then(|m| m.elapsed().ok()).unwrap_or_default();
                found.push((path, meta.len(), age));
            } else if path.extension().is_some_and(|e| e == "tmp" || e == REFUSED) {
                let most = if path.extension().is_some_and(|e| e == REFUSED) { REFUSED_AGE } else { TORN };
                let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
                if age.is_some_and(|age| age > most) {
                    let _ = fs::remove_file(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

fn open(bytes: &[u8]) -> Option<(u32, Vec<u8>)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (sum, rest) = rest.split_at_checked(8)?;
    let (events, body) = rest.split_first_chunk::<4>()?;
    let events = u32::from_be_bytes(*events);
    (sum == checksum(events, body)).then(|| (events, body.to_vec()))
}

/// The number of events in a file that is about to go; 1 where it cannot be read.
fn events_of(path: &Path) -> u64 {
    let mut head = [0; 20];
    let read = File::open(path).and_then(|mut f| io::Read::read_exact(&mut f, &mut head));
    match (read, head.last_chunk::<4>()) {
        (Ok(()), Some(events)) => u64::from(u32::from_be_bytes(*events)),
        (Ok(()), None) | (Err(_), _) => 1,
    }
}

fn checksum(events: u32, body: &[u8]) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::new_with_prefix(events.to_be_bytes()).chain_update(body).finalize().into();
    let mut out = [0; 8];
    out.copy_from_slice(digest.split_at(8).0);
    out
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
#[path = "spool_tests.rs"]
mod tests;
