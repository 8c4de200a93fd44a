//! One project's ledger as the serving process holds it: its queue, writer, readers and live feed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, oneshot};
use trackway_core::metric::repeats;
use trackway_event::{ActorId, Event, EventId, ProjectId, SessionId, Timestamp, limits};

use super::chore::Chore;
use super::commit::{Done, Ledger, apart};
use super::control::hold;
use super::read::Pool;
use super::writer::{Job, Pace, Queue};
use super::{SqliteOptions, open, writer};
use crate::query::TakeOut;
use crate::rules::Rules;
use crate::{Committed, ProjectKey, Receipt, Result, StoreError};

/// Commits a slow reader of the live feed may be behind before it loses the oldest.
const FEED: usize = 256;
/// How long whoever takes failures out of a group waits for them to be moved; what is left follows by itself.
const MOVING: Duration = Duration::from_secs(2);

/// A project that is open.
pub(super) struct Project {
    pub(super) key: ProjectKey,
    pub(super) id: ProjectId,
    pub(super) dir: PathBuf,
    pub(super) file: PathBuf,
    pub(super) options: SqliteOptions,
    pub(super) queue: Queue,
    pub(super) pace: Pace,
    pub(super) pool: Pool,
    /// Pages in the write-ahead log after the latest commit.
    pub(super) wal_pages: Arc<AtomicU64>,
    /// Counts what operators changed beside the writer: it forgets what it remembered.
    pub(super) changes: Arc<AtomicU64>,
    /// The rules that every row is known to follow.
    pub(super) rules: Mutex<Option<Rules>>,
    /// Whether failures of a group that was taken out by hand may still be to be moved.
    moving: AtomicBool,
    live: broadcast::Sender<Arc<Committed>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Project {
    /// Opens the ledger in `dir`, making it when it is missing, and refuses what is newer or damaged.
    pub(super) fn open(project: &crate::Project, dir: PathBuf, options: &SqliteOptions) -> Result<Arc<Self>> {
        if !dir.is_dir() {
            open::make_private_dir(&dir).map_err(|e| StoreError::DataDir {
                path: dir.clone(),
                reason: format!("it cannot be created: {e}"),
            })?;
        }
        let file = dir.join("events.db");
        // Makes the schema, so that readers find it before the first event.
        drop(open::writable(&file, &open::LEDGER, 64)?);
        Ok(Arc::new(Self {
            key: project.key,
            id: project.id.clone(),
            queue: Queue::default(),
            pace: Pace::default(),
            pool: Pool::new(file.clone(), options),
            wal_pages: Arc::default(),
            changes: Arc::default(),
            rules: Mutex::default(),
            moving: AtomicBool::new(true),
            live: broadcast::Sender::new(FEED),
            thread: Mutex::default(),
            options: options.clone(),
            dir,
            file,
        }))
    }

    /// Queues events; starts the writer with the first.
    pub(super) fn submit(
        self: &Arc<Self>,
        mut events: Vec<Event>,
        received_at: Timestamp,
    ) -> Result<Receipt> {
        let (reply, receipt) = oneshot::channel();
        events.iter_mut().for_each(tidy_ids);
        if events.is_empty() {
            let _ = reply.send(Ok(Vec::new()));
            return Ok(receipt);
        }
        // Asked first: what is refused shall cost nothing.
        self.queue.has_room(events.len())?;
        let repeats = events.iter().map(repeats::key).collect();
        self.queue.push(Job { events, repeats, received_at, reply })?;
        self.start_writer()?;
        Ok(receipt)
    }

    /// Lets the writer do a step besides its commits, and waits for its end.
    pub(super) fn chore<T: Send + 'static>(
        self: &Arc<Self>,
        step: impl FnOnce(&rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (chore, waiting) = Chore::new(step);
        self.queue.push_chore(chore)?;
        self.start_writer()?;
        waiting.wait()
    }

    /// Takes failures of a group out by hand, and moves those that are there already as far as a page waits for it.
    pub(super) fn take_out(
        self: &Arc<Self>,
        group: i64,
        what: &TakeOut,
        who: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (what, who, begun) = (what.clone(), who.to_owned(), Instant::now());
        self.moving.store(true, Ordering::Release);
        if !self.chore(move |conn| apart::take_out(conn, group, &what, (&who, now)))? {
            return Ok(false);
        }
        while begun.elapsed() < MOVING && self.chore(apart::step)? {}
        Ok(true)
    }

    /// Moves what a page did not wait for, or what an end of the process left. Called by the store's helper.
    pub(super) fn go_on_moving(self: &Arc<Self>, closed: &AtomicBool) -> Result<()> {
        if !self.moving.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let mut more = self.pool.ask(|reader| apart::is_open(&reader.conn))?;
        while more && !closed.load(Ordering::Acquire) {
            self.moving.store(true, Ordering::Release);
            more = self.chore(apart::step)?;
        }
        Ok(())
    }

    fn start_writer(self: &Arc<Self>) -> Result<()> {
        let mut thread = hold(&self.thread);
        if thread.is_none() {
            let project = self.clone();
            let started = std::thread::Builder::new()
                .name(format!("writer-{}", self.key.0))
                .spawn(move || writer::run(&project));
            *thread = Some(started.map_err(|e| StoreError::Backend(format!("cannot start a writer: {e}")))?);
        }
        Ok(())
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.live.subscribe()
    }

    /// Tells the live feed; the rows are read back only when someone listens.
    pub(super) fn committed(&self, ledger: &Ledger, done: &Done) {
        if done.new.is_empty() || self.live.receiver_count() == 0 {
            return;
        }
        match ledger.rows(&done.new) {
            // Fails only when the last listener has just left.
            Ok(events) => drop(self.live.send(Arc::new(Committed { events }))),
            Err(error) => tracing::warn!(%error, "the live feed misses a commit"),
        }
    }

    /// Bytes of the ledger and of its log.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let wal = open::size_of(&self.file.with_extension("db-wal"));
        (open::size_of(&self.file) + wal, wal)
    }

    /// Pages in the write-ahead log.
    pub(super) fn wal_pages(&self) -> u64 {
        self.wal_pages.load(Ordering::Relaxed)
    }

    /// Commits what is queued and ends the writer.
    pub(super) fn close(&self) {
        self.queue.close();
        if let Some(thread) = hold(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!(project = self.key.0, "the writer of a project ended in a panic");
        }
        self.pool.close();
    }
}

/// Ids as every later reader will parse them: what came in by type alone, without a parser, may be blank, padded or
/// too long.
fn tidy_ids(event: &mut Event) {
    let sound = |id: &str| !id.is_empty() && id.len() <= limits::ID_CHARS && id.trim().len() == id.len();
    if !sound(event.id.as_str()) {
        let tidy = EventId::foreign(event.id.as_str());
        event.id = tidy.unwrap_or_else(|| EventId::mint(event.started_at, [0; 16]));
    }
    if let Some(id) = event.session_id.as_ref().filter(|id| !sound(id.as_str())) {
        event.session_id = SessionId::foreign(id.as_str());
    }
    let cut = event.actor.as_deref().filter(|a| {
        let id = a.id.as_str();
        id.is_empty() || id.len() > limits::ACTOR_ID_CHARS || id.trim().len() != id.len()
    });
    if let Some(actor) = cut {
        match ActorId::parse(actor.id.as_str()) {
            Some((id, _)) => {
                if let Some(actor) = &mut event.actor {
                    actor.id = id;
                }
            }
            None => event.actor = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_readable() {
        let json = |id: &str, session: &str, actor: &str| {
            let at = "2026-01-02T03:04:05Z";
            let value = serde_json::json!({
                "id": id, "kind": "tool_call", "started_at": at, "session_id": session, "actor": {"id": actor},
            });
            let mut event: Event = serde_json::from_value(value).unwrap();
            tidy_ids(&mut event);
            let actor = event.actor.map(|a| a.id.to_string());
            (event.id.to_string(), event.session_id.map(|s| s.to_string()), actor)
        };
        let (id, session, actor) = json("  ", "\t", " ");
        assert!(id.starts_with("evt_") && session.is_none() && actor.is_none());
        let some = |s: &str| Some(s.to_owned());
        assert_eq!(json(" a ", " b\n", " c "), ("a".into(), some("b"), some("c")));
        assert_eq!(json("a", "b", "c"), ("a".into(), some("b"), some("c")));
        let (id, session, actor) = json(&"x".repeat(300), &"ü".repeat(256), &"é".repeat(500));
        assert_eq!((id.len(), session.unwrap(), actor.unwrap().chars().count()), (64, "ü".repeat(256), 400));
    }
}
