//! Sign-in tries per address: 10 in ten minutes (dashboard §10). Bounded: beyond 10,000 addresses the oldest are forgotten.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use trackway_event::{Timestamp, limits};

const WINDOW_US: i64 = 10 * 60 * 1_000_000;
const ADDRESSES: usize = 10_000;

/// Counts failed tries.
#[derive(Default)]
pub(crate) struct Limiter(Mutex<HashMap<IpAddr, (Timestamp, u32)>>);

impl Limiter {
    /// Whether this address may try again at `now`.
    pub(crate) fn may_try(&self, peer: IpAddr, now: Timestamp) -> bool {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries
            .get(&peer)
            .is_none_or(|(since, count)| now.since(*since) >= WINDOW_US || *count < limits::LOGIN_TRIES)
    }

    /// Counts a failed try.
    pub(crate) fn failed(&self, peer: IpAddr, now: Timestamp) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= ADDRESSES && !tries.contains_key(&peer) {
            tries.retain(|_, (since, _)| now.since(*since) < WINDOW_US);
            let oldest = tries.iter().min_by_key(|(_, (since, _))| *since).map(|(peer, _)| *peer);
            if let Some(oldest) = oldest.filter(|_| tries.len() >= ADDRESSES) {
                tries.remove(&oldest);
            }
        }
        let entry = tries.entry(peer).or_insert((now, 0));
        if now.since(entry.0) >= WINDOW_US {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_in_ten_minutes() {
        let limiter = Limiter::default();
        let peer = IpAddr::from([192, 0, 2, 1]);
        let at = |minutes: i64| Timestamp::from_millis(1_767_323_045_000 + minutes * 60_000);
        for _ in 0..10 {
            assert!(limiter.may_try(peer, at(0)));
            limiter.failed(peer, at(0));
        }
        assert!(!limiter.may_try(peer, at(9)));
        assert!(limiter.may_try(IpAddr::from([192, 0, 2, 2]), at(9)));
        assert!(limiter.may_try(peer, at(10)));
        limiter.failed(peer, at(10));
        assert!(limiter.may_try(peer, at(10)));
    }
}
