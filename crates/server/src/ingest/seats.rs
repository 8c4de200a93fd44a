//! Who may be worked on: seats for bodies between reading and commit, shared fairly among projects (D3, ADR 0021).
//!
//! Called by [`super::take`]. A body is read as text without a seat; masking, parsing, queueing and the wait for the commit
//! need one. A seat weighs what its body does, so what is in work is bounded in bytes whatever the shape of requests is; beyond,
//! bodies wait in one line per project, and the lines are served in turn. Invariants: what waits is bounded in bytes; one
//! project never holds every seat; a heavy body is not passed over for ever; a seat comes back however its holder ends.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use trackway_event::limits;

/// Least and most that one body weighs: even an empty one costs a commit's row, and one must leave room for others.
const LIGHTEST: usize = 1_024;
const HEAVIEST: usize = limits::INGEST_WORK_BYTES / 8;
/// All seats of a server.
pub(crate) struct Seats {
    room: Mutex<Room>,
    lines_of: RandomState,
}

/// What happens in the room.
#[derive(Default)]
struct Room {
    /// Bytes in work.
    working: usize,
    /// Bytes that wait.
    waiting: usize,
    /// One per project that works or waits.
    lines: HashMap<u64, Line>,
    /// The lines in which somebody waits, in the order in which they are served.
    turns: VecDeque<u64>,
}

#[derive(Default)]
struct Line {
    working: usize,
    waiting: usize,
    queue: VecDeque<Waiter>,
}

struct Waiter {
    weight: usize,
    call: oneshot::Sender<Seat>,
}

/// A body in work; its place is free again when this is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    line: u64,
    weight: usize,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.back(self.line, self.weight);
    }
}

/// Counts a body among those that wait, however its waiting ends.
struct Waiting<'a> {
    seats: &'a Seats,
    line: u64,
    bytes: usize,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut room = self.seats.room();
        room.waiting = room.waiting.saturating_sub(self.bytes);
        if let Some(line) = room.lines.get_mut(&self.line) {
            line.waiting = line.waiting.saturating_sub(self.bytes);
        }
        room.forget(self.line);
    }
}

impl Default for Seats {
    fn default() -> Self {
        Self { room: Mutex::default(), lines_of: RandomState::new() }
    }
}

impl Seats {
    /// The line of a project by the name its body gives; bodies that give none share one. A wrong name costs its sender the
    /// fairness, and nobody anything else.
    pub(crate) fn line(&self, project: Option<&str>) -> u64 {
        self.lines_of.hash_one(project)
    }

    /// A seat for a body of this many bytes, if there is one and nobody waits.
    pub(crate) fn now(self: &Arc<Self>, line: u64, bytes: usize) -> Option<Seat> {
        let weight = weight(bytes);
        let mut room = self.room();
        if !room.turns.is_empty() || !room.fits(line, weight) {
            return None;
        }
        room.sit(line, weight);
        Some(Seat { seats: self.clone(), line, weight })
    }

    /// A seat by the deadline; `None` when there was none by then, or when so much waits already that waiting is no use.
    pub(crate) async fn by(self: &Arc<Self>, line: u64, bytes: usize, deadline: Instant) -> Option<Seat> {
        let (call, called) = oneshot::channel();
        // Dropped last: what waits is counted until it has its seat.
        let _waiting = {
            let mut room = self.room();
            let own = room.lines.get(&line).map_or(0, |l| l.waiting);
            let most = limits::INGEST_WAITING_BYTES;
            if room.waiting + bytes > most || own + bytes > share_of(most) {
                return None;
            }
            room.wait(line, bytes, Waiter { weight: weight(bytes), call });
            Waiting { seats: self, line, bytes }
        };
        // There may be room by now, or only stale waiters before.
        self.call();
        timeout_at(deadline, called).await.ok()?.ok()
    }

    /// Bytes in work, and bytes that wait.
    pub(crate) fn held(&self) -> (usize, usize) {
        let room = self.room();
        (room.working, room.waiting)
    }

    fn back(self: &Arc<Self>, line: u64, weight: usize) {
        let mut room = self.room();
        room.working = room.working.saturating_sub(weight);
        if let Some(line) = room.lines.get_mut(&line) {
            line.working = line.working.saturating_sub(weight);
        }
        room.forget(line);
        drop(room);
        self.call();
    }

    /// Calls in whom there is room for. A call that nobody hears any more gives its seat back, which calls again.
    fn call(self: &Arc<Self>) {
        let called = self.room().next();
        for (line, weight, call) in called {
            // Dropped outside the lock: it locks.
            let _unheard = call.send(Seat { seats: self.clone(), line, weight });
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn has_share(&self, line: u64, weight: usize) -> bool {
        let own = self.lines.get(&line).map_or(0, |l| l.working);
        own + weight <= share_of(limits::INGEST_WORK_BYTES)
    }

    fn fits(&self, line: u64, weight: usize) -> bool {
        self.working + weight <= limits::INGEST_WORK_BYTES && self.has_share(line, weight)
    }

    fn wait(&mut self, line: u64, bytes: usize, waiter: Waiter) {
        self.waiting += bytes;
        let entry = self.lines.entry(line).or_default();
        entry.waiting += bytes;
        entry.queue.push_back(waiter);
        if !self.turns.contains(&line) {
            self.turns.push_back(line);
        }
    }

    fn sit(&mut self, line: u64, weight: usize) {
        self.working += weight;
        self.lines.entry(line).or_default().working += weight;
    }

    /// Everybody whose turn it is: one of each line in turn. A line that holds its share is passed over; where the next one
    /// only lacks room, nobody behind it is called, so that a heavy body gets its turn.
    fn next(&mut self) -> Vec<(u64, usize, oneshot::Sender<Seat>)> {
        let mut called = Vec::new();
        let mut passed = 0;
        while passed < self.turns.len() {
            let Some(line) = self.turns.pop_front() else { break };
            let Some(entry) = self.lines.get_mut(&line) else { continue };
            while entry.queue.pop_front_if(|w| w.call.is_closed()).is_some() {}
            let Some(weight) = entry.queue.front().map(|w| w.weight) else { continue };
            if !self.has_share(line, weight) {
                self.turns.push_back(line);
                passed += 1;
                continue;
            }
            if !self.fits(line, weight) {
                self.turns.push_front(line);
                break;
            }
            self.sit(line, weight);
            let Some(entry) = self.lines.get_mut(&line) else { continue };
            if let Some(waiter) = entry.queue.pop_front() {
                called.push((line, weight, waiter.call));
            }
            if !entry.queue.is_empty() {
                self.turns.push_back(line);
            }
            passed = 0;
        }
        called
    }

    /// Drops the line of a project that neither works nor waits.
    fn forget(&mut self, line: u64) {
        if self.lines.get(&line).is_some_and(|l| l.working == 0 && l.waiting == 0) {
            self.lines.remove(&line);
        }
    }
}

/// What a body of this many bytes weighs.
fn weight(bytes: usize) -> usize {
    bytes.clamp(LIGHTEST, HEAVIEST)
}

/// What one project may hold of this much: the rest is there when another one comes.
fn share_of(all: usize) -> usize {
    all / 4 * 3
}

#[cfg(test)]
#[path = "seats_tests.rs"]
mod tests;
