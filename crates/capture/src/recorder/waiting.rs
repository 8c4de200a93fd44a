//! Requests that wait for their answer: bounded, oldest first (CAP §2.2). What it holds never grows with the number of
//! requests that were answered, whatever the order of the answers.

use std::collections::{BTreeMap, HashMap};

use trackway_event::{Event, limits};

use super::scope::Scope;
use crate::wire::id::RequestId;

/// Within what ids are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// A pipe, or a stream that carries the answers of a whole session.
    Connection(u64),
    /// One HTTP exchange.
    Exchange(u64),
}

impl Lane {
    pub(super) fn of(scope: &Scope) -> Self {
        match scope.exchange {
            0 => Self::Connection(scope.connection),
            exchange => Self::Exchange(exchange),
        }
    }
}

/// Whether the client asked, and under which id: ids of client and server may coincide.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) lane: Lane,
    pub(super) from_client: bool,
    pub(super) id: RequestId,
}

/// How long a request may wait to be resumed after its stream ended.
const PARKED: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) event: Event,
    pub(super) mono_us: u64,
    pub(super) method: String,
    pub(super) connection: u64,
    /// The request carried its own metadata (revisions since 2026-07-28).
    pub(super) modern: bool,
    /// When its stream ended without an answer (monotonic, µs).
    pub(super) parked_us: Option<u64>,
    /// Notifications that came for it: of a listening stream.
    pub(super) heard: u64,
}

/// All of one connection.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    by_key: HashMap<Key, (u64, Pending)>,
    order: BTreeMap<u64, Key>,
    next: u64,
}

/// What taking a request in pushed out.
#[derive(Debug, Default)]
pub(super) struct PushedOut {
    /// The older request of the same id.
    pub(super) same_id: Option<Pending>,
    /// The oldest one, when there was no room.
    pub(super) oldest: Option<Pending>,
}

impl Waiting {
    pub(super) fn insert(&mut self, key: Key, pending: Pending) -> PushedOut {
        let same_id = self.remove(&key);
        let oldest = match self.by_key.len() >= limits::PENDING {
            true => {
                self.order.first_key_value().map(|(_, key)| key.clone()).and_then(|key| self.remove(&key))
            }
            false => None,
        };
        self.next += 1;
        self.order.insert(self.next, key.clone());
        self.by_key.insert(key, (self.next, pending));
        PushedOut { same_id, oldest }
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Pending> {
        let (number, pending) = self.by_key.remove(key)?;
        self.order.remove(&number);
        Some(pending)
    }

    /// Takes out the request that this is the answer to: of the exchange it came in, else of its connection; an answer may
    /// come on another stream than its request's, and a cancellation always does.
    pub(super) fn answered(&mut self, scope: &Scope, from_client: bool, id: RequestId) -> Option<Pending> {
        let key = Key { lane: Lane::of(scope), from_client, id };
        if let Some(found) = self.remove(&key) {
            return Some(found);
        }
        let lane = Lane::Connection(scope.connection);
        let key = Key { lane, ..key };
        if let Some(found) = self.remove(&key) {
            return Some(found);
        }
        if scope.connection == 0 {
            return None;
        }
        let same = |k: &&Key| k.from_client == from_client && k.id == key.id;
        let of_it = |k: &&Key| self.by_key.get(*k).is_some_and(|(_, p)| p.connection == scope.connection);
        let elsewhere = self.order.values().filter(same).find(of_it).cloned()?;
        self.remove(&elsewhere)
    }

    /// Takes out the request of an exchange that has one.
    pub(super) fn only_one(&mut self, scope: &Scope) -> Option<Pending> {
        if scope.exchange == 0 {
            return None;
        }
        match &self.keys_of(Lane::of(scope))[..] {
            [key] => self.remove(key),
            _ => None,
        }
    }

    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut Pending> {
        self.by_key.get_mut(key).map(|(_, p)| p)
    }

    pub(super) fn keys_of(&self, lane: Lane) -> Vec<Key> {
        self.order.values().filter(|k| k.lane == lane).cloned().collect()
    }

    pub(super) fn keys_of_connection(&self, connection: u64) -> Vec<Key> {
        let of_it = |k: &&Key| self.by_key.get(*k).is_some_and(|(_, p)| p.connection == connection);
        self.order.values().filter(of_it).cloned().collect()
    }

    /// Takes out what has waited too long; listening streams never do.
    pub(super) fn expired(&mut self, mono_us: u64) -> Vec<Pending> {
        let ttl = limits::PENDING_TTL.as_micros() as u64;
        let parked = PARKED.as_micros() as u64;
        let mut late = Vec::new();
        for key in self.order.values() {
            match self.by_key.get(key) {
                Some((_, p)) if p.parked_us.is_some_and(|at| mono_us.saturating_sub(at) >= parked) => {
                    late.push(key.clone());
                }
                Some((_, p)) if mono_us.saturating_sub(p.mono_us) < ttl => {}
                Some((_, p)) if p.method == "subscriptions/listen" => {}
                Some(_) | None => late.push(key.clone()),
            }
        }
        late.iter().filter_map(|key| self.remove(key)).collect()
    }

    /// Takes everything out, oldest first.
    pub(super) fn drain(&mut self) -> Vec<Pending> {
        let order = std::mem::take(&mut self.order);
        order.values().filter_map(|key| Some(self.by_key.remove(key)?.1)).collect()
    }
}
