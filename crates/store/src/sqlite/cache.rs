//! A bounded map that forgets what was not used for a while: two generations, the older one dropped when the younger
//! is full. Used by the writer; emptied when a transaction is rolled back.

use std::collections::HashMap;
use std::hash::Hash;

/// A map of the writer's: the standard hash was a twentieth of a commit. Seeded per process, so keys cannot be chosen to meet.
pub(super) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

pub(super) struct Cache<K, V> {
    young: Map<K, V>,
    old: Map<K, V>,
    half: usize,
}

impl<K: Hash + Eq + Clone, V> Cache<K, V> {
    /// A cache of at most `capacity` entries.
    pub(super) fn new(capacity: usize) -> Self {
        Self { young: Map::default(), old: Map::default(), half: (capacity / 2).max(1) }
    }

    /// The entry, which counts as used.
    pub(super) fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            self.insert(key, value);
        }
        self.young.get_mut(key)
    }

    /// A copy of the entry.
    pub(super) fn get<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Copy,
    {
        self.get_mut(key).copied()
    }

    /// Adds or replaces an entry.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    /// Forgets one entry and gives it back.
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_bounded_and_keeps_what_is_used() {
        let mut cache = Cache::new(100);
        cache.insert(0u32, 0u32);
        for i in 1..10_000 {
            cache.insert(i, i);
            assert_eq!(cache.get(&0), Some(0), "used all the time");
            assert!(cache.young.len() + cache.old.len() <= 101);
        }
        assert_eq!(cache.get(&1), None);
    }
}
