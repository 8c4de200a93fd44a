//! Numbers that look random and are the same for the same seed, so that a failure can be repeated.
//!
//! Used by the storm and crash tests, which print their seed. `TRACKWAY_TEST_SEED` sets another one.

/// A stream of numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The stream of the given number, under the seed of this run.
    pub fn new(number: u64) -> Self {
        let seed =
            std::env::var("TRACKWAY_TEST_SEED").ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03) | 1)
    }

    /// The next number (xorshift64*).
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end` (which is at least 1).
    pub fn below(&mut self, end: u64) -> u64 {
        (self.roll() >> 11) % end.max(1)
    }

    /// One of the given things.
    pub fn pick<T: Copy>(&mut self, things: &[T]) -> T {
        let at = usize::try_from(self.below(things.len() as u64)).unwrap_or(0);
        things[at]
    }

    /// Puts things into another order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for end in (1..things.len()).rev() {
            let other = usize::try_from(self.below(end as u64 + 1)).unwrap_or(0);
            things.swap(end, other);
        }
    }
}
