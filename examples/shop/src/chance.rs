//! Chance that can be repeated: a small hash-based source of numbers, and the luck of one server process.
//!
//! The driver draws its scripts from [`Dice`], the server its failures from [`Luck`]. Invariant: equal seeds and equal
//! keys give equal numbers, on every machine and in any order of parallel calls.

use std::collections::HashMap;
use std::sync::Mutex;

/// A sequence of numbers from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The sequence of a seed and a name.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        Self(hash(seed, name))
    }

    /// A number below `bound` (which is at least 1).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = mix(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15));
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.0 % bound).unwrap_or(0)
    }

    /// One element of a list that is not empty.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// The luck of one server process: which attempt of which call meets a failure.
#[derive(Debug)]
pub(crate) struct Luck {
    seed: u64,
    attempts: Mutex<HashMap<String, u32>>,
}

impl Luck {
    /// The luck that belongs to a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, attempts: Mutex::new(HashMap::new()) }
    }

    /// Draws for the next attempt of the call named by `key`: its number from 1, and a number from 0 to 99.
    pub(crate) fn draw(&self, key: &str) -> (u32, u32) {
        let attempt = {
            let mut attempts = self.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let attempt = attempts.entry(key.to_owned()).or_insert(0);
            *attempt += 1;
            *attempt
        };
        let drawn = hash(self.seed, &format!("{key}#{attempt}")) % 100;
        (attempt, u32::try_from(drawn).unwrap_or(99))
    }
}

/// FNV-1a over the text, mixed with the seed.
pub(crate) fn hash(seed: u64, text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ mix(seed);
    mix(text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}

/// The finaliser of SplitMix64.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_luck_in_any_order() {
        let (a, b) = (Luck::new(5), Luck::new(5));
        let one = [a.draw("x"), a.draw("y"), a.draw("x")];
        let y = b.draw("y");
        let two = [b.draw("x"), y, b.draw("x")];
        assert_eq!(one, two);
        assert_eq!(one[2].0, 2);
    }

    #[test]
    fn dice_reach_every_face() {
        let mut dice = Dice::new(3, "faces");
        let mut seen = [0_u32; 6];
        for _ in 0..600 {
            seen[dice.below(6)] += 1;
        }
        assert!(seen.iter().all(|n| (60..140).contains(n)), "{seen:?}");
    }
}
