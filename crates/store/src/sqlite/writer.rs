//! The one writer of a project: takes what waits, commits it as a group, answers every submitter (D2).
//!
//! A commit takes all that is waiting up to [`limits::COMMIT_EVENTS`]; what arrives meanwhile waits for the next, so
//! single events share commits exactly when there are many of them, and a lone one waits for nothing.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use trackway_event::{Event, Outcome, Timestamp, limits};

use super::chore::Chore;
use super::commit::Ledger;
use super::control::hold;
use super::fault::again;
use super::project::Project;
use crate::{Result, StoreError};

/// How long a refused disk is left alone before the next try.
const RETRY: Duration = Duration::from_millis(500);
/// How long without work before the log is moved into the file and cut.
const IDLE: Duration = Duration::from_secs(2);
/// Log pages after which the writer itself waits for the log to be moved (64 MiB), when the helper cannot keep up.
const WAL_PAGES: u64 = 16_384;

/// Steps besides commits that may wait; each asker waits for its own.
const CHORES: usize = 16;

/// Events of one request.
pub(super) struct Job {
    pub(super) events: Vec<Event>,
    /// What each has in common with its repeat: worked out where many threads can, not by the one writer.
    pub(super) repeats: Vec<Option<i64>>,
    pub(super) received_at: Timestamp,
    pub(super) reply: oneshot::Sender<Result<Vec<Outcome>>>,
}

/// What waits for the writer.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    chores: VecDeque<Chore>,
    events: usize,
    /// Events of the commit that is running.
    running: usize,
    closed: bool,
    full: Option<Full>,
}

impl State {
    fn has_room(&self, events: usize) -> Result<()> {
        if self.closed {
            return Err(StoreError::Closed);
        }
        if let Some(full) = self.full.as_ref().filter(|f| f.since.elapsed() < RETRY) {
            return Err(StoreError::DiskFull(full.path.clone()));
        }
        if self.events + events > limits::WRITER_QUEUE_EVENTS {
            return Err(StoreError::Overloaded);
        }
        Ok(())
    }
}

struct Full {
    since: Instant,
    path: PathBuf,
    reason: String,
}

/// Speed of the commits of one project.
#[derive(Default)]
pub(super) struct Pace {
    commits: AtomicU64,
    last: Mutex<VecDeque<u32>>,
}

impl Pace {
    fn add(&self, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let mut last = hold(&self.last);
        if last.len() == 1_000 {
            last.pop_front();
        }
        last.push_back(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Durations of the last commits, µs.
    pub(super) fn last(&self) -> Vec<u32> {
        hold(&self.last).iter().copied().collect()
    }
}

impl Queue {
    /// Whether a job of this many events would be taken now.
    pub(super) fn has_room(&self, events: usize) -> Result<()> {
        hold(&self.state).has_room(events)
    }

    /// Queues a job, or refuses it with nothing stored.
    pub(super) fn push(&self, job: Job) -> Result<()> {
        let mut state = hold(&self.state);
        state.has_room(job.events.len())?;
        state.events += job.events.len();
        state.jobs.push_back(job);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Queues work besides commits.
    pub(super) fn push_chore(&self, chore: Chore) -> Result<()> {
        let mut state = hold(&self.state);
        if state.closed {
            return Err(StoreError::Closed);
        }
        if state.chores.len() >= CHORES {
            return Err(StoreError::Overloaded);
        }
        state.chores.push_back(chore);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Events that wait or are being committed.
    pub(super) fn len(&self) -> usize {
        let state = hold(&self.state);
        state.events + state.running
    }

    /// Why nothing can be stored now.
    pub(super) fn blocked(&self) -> Option<String> {
        hold(&self.state).full.as_ref().map(|f| f.reason.clone())
    }

    /// Lets the writer end after what is queued.
    pub(super) fn close(&self) {
        hold(&self.state).closed = true;
        self.wake.notify_all();
    }

    /// The next group, or why there is none.
    fn take(&self, patience: Duration) -> Next {
        let mut state = hold(&self.state);
        state.running = 0;
        let deadline = Instant::now() + patience;
        if let Some(chore) = state.chores.pop_front() {
            return Next::Chore(chore);
        }
        while state.jobs.is_empty() {
            if state.closed {
                return Next::Closed;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::Idle;
            }
            state = self.wake.wait_timeout(state, left).unwrap_or_else(std::sync::PoisonError::into_inner).0;
            if let Some(chore) = state.chores.pop_front() {
                return Next::Chore(chore);
            }
        }
        let mut group = Vec::new();
        let mut events = 0;
        while let Some(job) =
            state.jobs.pop_front_if(|j| events == 0 || events + j.events.len() <= limits::COMMIT_EVENTS)
        {
            events += job.events.len();
            group.push(job);
        }
        state.events -= events;
        state.running = events;
        Next::Group(group)
    }

    fn set_full(&self, full: Option<Full>) {
        hold(&self.state).full = full;
    }
}

enum Next {
    Group(Vec<Job>),
    Chore(Chore),
    Idle,
    Closed,
}

/// The writer's thread; ends when the queue is closed and empty.
pub(super) fn run(project: &Arc<Project>) {
    let mut ledger: Option<Ledger> = None;
    let mut clean = true;
    loop {
        let patience = match (project.queue.blocked(), clean) {
            (Some(_), _) => RETRY,
            (None, true) => Duration::from_secs(60),
            (None, false) => IDLE,
        };
        match project.queue.take(patience) {
            Next::Group(group) => {
                clean = false;
                // A mistake of ours in one commit must not leave every later one waiting.
                let written = catch_unwind(AssertUnwindSafe(|| write(project, &mut ledger, &group)));
                let result = written.unwrap_or_else(|_| {
                    // What it left behind is rolled back with its connection.
                    ledger = None;
                    Err(StoreError::Backend("the writer stumbled; nothing of this commit was stored".into()))
                });
                answer(project, group, result);
                if let Some(ledger) = ledger.as_ref().filter(|l| l.wal_pages() > WAL_PAGES) {
                    ledger.checkpoint("PASSIVE");
                }
            }
            Next::Chore(chore) => {
                clean = false;
                let done = catch_unwind(AssertUnwindSafe(|| opened(project, &mut ledger)?.chore(chore.step)));
                let result = done.unwrap_or_else(|_| {
                    ledger = None;
                    Err(StoreError::Backend("the writer stumbled; nothing of this work was done".into()))
                });
                // Whoever asked may have stopped waiting.
                let _gone = chore.done.send(result);
            }
            Next::Idle => {
                if project.queue.blocked().is_some() {
                    let grows = |ledger: &mut Option<Ledger>| ledger.as_mut().map_or(Ok(()), Ledger::probe);
                    if room(project).and_then(|()| grows(&mut ledger)).is_ok() {
                        unblock(project);
                    }
                } else if !clean {
                    clean = true;
                    if let Some(ledger) = &ledger {
                        ledger.checkpoint("TRUNCATE");
                    }
                }
            }
            Next::Closed => {
                if let Some(ledger) = &ledger {
                    ledger.checkpoint("TRUNCATE");
                }
                return;
            }
        }
    }
}

fn write(project: &Arc<Project>, ledger: &mut Option<Ledger>, group: &[Job]) -> Result<Vec<Vec<Outcome>>> {
    room(project)?;
    let ledger = opened(project, ledger)?;
    let start = Instant::now();
    let done = ledger.commit(group)?;
    project.pace.add(start.elapsed());
    project.committed(ledger, &done);
    Ok(done.outcomes)
}

fn opened<'a>(project: &Arc<Project>, ledger: &'a mut Option<Ledger>) -> Result<&'a mut Ledger> {
    match ledger {
        Some(ledger) => Ok(ledger),
        None => Ok(ledger.insert(Ledger::open(project)?)),
    }
}

fn answer(project: &Arc<Project>, group: Vec<Job>, result: Result<Vec<Vec<Outcome>>>) {
    match result {
        Ok(outcomes) => {
            unblock(project);
            // A submitter that went away has no use for its answer.
            for (job, outcomes) in group.into_iter().zip(outcomes) {
                let _ = job.reply.send(Ok(outcomes));
            }
        }
        Err(error) => {
            if let StoreError::DiskFull(path) = &error {
                if project.queue.blocked().is_none() {
                    tracing::error!(%error, project = project.key.0, "events are refused until there is room");
                }
                let reason = error.to_string();
                project.queue.set_full(Some(Full { since: Instant::now(), path: path.clone(), reason }));
            } else {
                tracing::error!(%error, project = project.key.0, "a commit failed");
            }
            for job in group {
                let _ = job.reply.send(Err(again(&error)));
            }
        }
    }
}

fn unblock(project: &Project) {
    if project.queue.blocked().is_some() {
        project.queue.set_full(None);
        tracing::info!(project = project.key.0, "the disk has room again; events are stored");
    }
}

/// Whether the disk has more than the floor.
fn room(project: &Project) -> Result<()> {
    match (project.options.free_bytes)(&project.dir) {
        Some(free) if free < project.options.free_floor => Err(StoreError::DiskFull(project.dir.clone())),
        Some(_) | None => Ok(()),
    }
}
