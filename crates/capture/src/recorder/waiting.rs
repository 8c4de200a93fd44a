//! Requests that wait for their answer: bounded, oldest first (CAP §2.2). What it holds never grows with the number of
//! requests that were answered, whatever the order of the answers.

use std::collections::{BTreeMap, HashMap};

use trackway_event::{Event, limits};

use crate::wire::id::RequestId;

/// Whether the client asked, and under which id: ids of client and server may coincide.
pub(super) type Key = (bool, RequestId);

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) event: Event,
    pub(super) mono_us: u64,
    pub(super) method: String,
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

    /// Takes out what has waited too long; listening streams never do.
    pub(super) fn expired(&mut self, mono_us: u64) -> Vec<Pending> {
        let ttl = limits::PENDING_TTL.as_micros() as u64;
        let mut late = Vec::new();
        for key in self.order.values() {
            match self.by_key.get(key) {
                Some((_, p)) if mono_us.saturating_sub(p.mono_us) < ttl => break,
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
