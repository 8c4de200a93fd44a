//! Which MCP session a request belongs to, by a number: ids of answers that come on another stream than their request's are
//! told apart by it. Session ids are remembered as hashes only, and a bounded number of them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

/// Sessions that are remembered; the oldest is forgotten first.
const SESSIONS: usize = 10_000;
/// Events of our own that may wait for a stream.
const INSERTS: usize = 16;

/// Numbers of exchanges and sessions; no two are equal.
#[derive(Debug)]
pub(super) struct Lanes {
    next: AtomicU64,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    numbers: HashMap<[u8; 32], Session>,
    order: VecDeque<[u8; 32]>,
}

#[derive(Clone, Debug)]
struct Session {
    number: u64,
    /// The way into the event stream of an HTTP+SSE session.
    into: Option<mpsc::Sender<Bytes>>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { next: AtomicU64::new(1), known: Mutex::default() }
    }
}

impl Lanes {
    /// A number for an exchange.
    pub(super) fn exchange(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The number of an MCP session.
    pub(super) fn session(&self, id: &str) -> u64 {
        self.enter(hash("session", id), None)
    }

    /// A new HTTP+SSE session whose messages are posted to this path; and what is to be inserted into its stream.
    pub(super) fn open_stream(&self, endpoint: &str) -> (u64, mpsc::Receiver<Bytes>) {
        let (into, inserts) = mpsc::channel(INSERTS);
        (self.enter(hash("endpoint", endpoint), Some(into)), inserts)
    }

    /// The HTTP+SSE session that is posted to by this path, if it is one.
    pub(super) fn stream(&self, endpoint: &str) -> Option<(u64, mpsc::Sender<Bytes>)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let session = known.numbers.get(&hash("endpoint", endpoint))?;
        Some((session.number, session.into.clone()?))
    }

    fn enter(&self, key: [u8; 32], into: Option<mpsc::Sender<Bytes>>) -> u64 {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(session)) = (&into, known.numbers.get(&key)) {
            return session.number;
        }
        let number = self.exchange();
        if known.numbers.insert(key, Session { number, into }).is_none() {
            known.order.push_back(key);
        }
        if known.order.len() > SESSIONS
            && let Some(oldest) = known.order.pop_front()
        {
            known.numbers.remove(&oldest);
        }
        number
    }
}

fn hash(kind: &str, id: &str) -> [u8; 32] {
    Sha256::new_with_prefix(kind).chain_update([0]).chain_update(id).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable_apart_and_bounded() {
        let lanes = Lanes::default();
        let one = lanes.session("a");
        assert_eq!(one, lanes.session("a"));
        assert_ne!(one, lanes.session("b"));
        assert_ne!(lanes.exchange(), lanes.exchange());
        let (stream, _inserts) = lanes.open_stream("/messages?sessionId=a");
        assert_eq!(lanes.stream("/messages?sessionId=a").map(|(n, _)| n), Some(stream));
        assert!(lanes.stream("/messages?sessionId=b").is_none());
        for i in 0..SESSIONS + 10 {
            lanes.session(&i.to_string());
        }
        assert!(lanes.known.lock().unwrap().numbers.len() <= SESSIONS);
    }
}
