//! Latency sketches: a logarithmic histogram of durations whose merge is addition, so that percentiles of several
//! hours, tools or clients come from one distribution and never from averages (spec/storage §3.5).
//!
//! Buckets are whole numbers of µs, each at most 8 % wide, so a percentile is within 5 % of the true one and the same on
//! every machine. Kept by the store as bytes per (bucket, kind, tool, client), 40 to 60 of them for a busy tool.

use crate::codec::{Put, Take};

/// Lower bounds of the buckets, µs: 0, 1, 2, … and from 25 on each 1.08 times the one before.
const BOUNDS: [u64; BUCKETS] = bounds();
/// One bucket more would start beyond 64 bits.
const BUCKETS: usize = 563;

const fn bounds() -> [u64; BUCKETS] {
    let mut bounds = [0u64; BUCKETS];
    let mut i = 1;
    while i < BUCKETS {
        let last = bounds[i - 1];
        let wide = (last as u128 * 108 / 100) as u64;
        bounds[i] = if wide > last { wide } else { last + 1 };
        i += 1;
    }
    bounds
}

fn bucket_of(us: u64) -> u16 {
    (BOUNDS.partition_point(|bound| *bound <= us) - 1) as u16
}

/// The value a bucket stands for: the harmonic middle, which is off by the same share at both ends.
fn middle_of(bucket: u16) -> u64 {
    let i = usize::from(bucket);
    let low = BOUNDS[i];
    let high = BOUNDS.get(i + 1).map_or(u64::MAX, |next| next - 1);
    if low == high {
        return low;
    }
    let (low, high) = (low as f64, high as f64);
    (2.0 * low * high / (low + high)).round() as u64
}

/// A distribution of durations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Bucket and count, ascending, no count zero.
    counts: Vec<(u16, u64)>,
}

impl Sketch {
    /// The distribution of one duration.
    pub fn of(us: u64) -> Self {
        Self { counts: vec![(bucket_of(us), 1)] }
    }

    /// Takes in one duration.
    pub fn add(&mut self, us: u64) {
        self.add_many(bucket_of(us), 1);
    }

    /// Takes out one duration that was taken in; for counts that move from one row to another.
    pub fn remove(&mut self, us: u64) {
        if let Ok(i) = self.counts.binary_search_by_key(&bucket_of(us), |(b, _)| *b) {
            self.counts[i].1 -= 1;
            if self.counts[i].1 == 0 {
                self.counts.remove(i);
            }
        }
    }

    /// The distribution of both.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.counts.clone_from(&other.counts);
            return;
        }
        for (bucket, count) in &other.counts {
            self.add_many(*bucket, *count);
        }
    }

    fn add_many(&mut self, bucket: u16, count: u64) {
        match self.counts.binary_search_by_key(&bucket, |(b, _)| *b) {
            Ok(i) => self.counts[i].1 = self.counts[i].1.saturating_add(count),
            Err(i) => self.counts.insert(i, (bucket, count)),
        }
    }

    /// Durations taken in.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    /// Whether none was taken in.
    pub const fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The duration at quantile `q` (0 to 1) by nearest rank, within 5 %; `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        quantile(self.counts.iter().copied(), self.count(), q)
    }

    /// Bytes for the ledger: a format byte, then per bucket its distance and its count as varints. Empty: no bytes.
    pub fn encode(&self) -> Vec<u8> {
        if self.counts.is_empty() {
            return Vec::new();
        }
        let mut out = Vec::with_capacity(1 + self.counts.len() * 3);
        out.push(FORMAT);
        let mut last = 0;
        for (bucket, count) in &self.counts {
            out.put_u64(u64::from(bucket - last));
            out.put_u64(*count);
            last = *bucket;
        }
        out
    }

    /// Reads what [`Sketch::encode`] wrote; `None` on anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut counts = Vec::with_capacity(bytes.len() / 2);
        read(bytes, |bucket, count| counts.push((bucket, count)))?;
        Some(Self { counts })
    }
}

/// A sum of many sketches, for readers that add up hundreds of rows: no allocation per row.
#[derive(Clone, Debug)]
pub struct SketchSum {
    counts: Box<[u64]>,
}

impl Default for SketchSum {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS].into() }
    }
}

impl SketchSum {
    /// Adds an encoded sketch. `None`: the bytes are bad, and the sum holds what came before the bad part.
    pub fn add_encoded(&mut self, bytes: &[u8]) -> Option<()> {
        read(bytes, |bucket, count| {
            if let Some(slot) = self.counts.get_mut(usize::from(bucket)) {
                *slot = slot.saturating_add(count);
            }
        })
    }

    /// The sum as a sketch.
    pub fn sketch(&self) -> Sketch {
        let counts = self.counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(i, n)| (i as u16, *n));
        Sketch { counts: counts.collect() }
    }
}

/// First byte of the encoding.
const FORMAT: u8 = 1;

fn read(bytes: &[u8], mut each: impl FnMut(u16, u64)) -> Option<()> {
    if bytes.is_empty() {
        return Some(());
    }
    let mut take = Take(bytes);
    if take.byte()? != FORMAT {
        return None;
    }
    let (mut bucket, mut first) = (0u64, true);
    while !take.0.is_empty() {
        let distance = take.u64()?;
        if distance == 0 && !first {
            return None;
        }
        bucket = bucket.checked_add(distance).filter(|b| *b < BUCKETS as u64)?;
        let count = take.u64().filter(|n| *n > 0)?;
        each(bucket as u16, count);
        first = false;
    }
    (!first).then_some(())
}

fn quantile(counts: impl Iterator<Item = (u16, u64)>, total: u64, q: f64) -> Option<u64> {
    let rank = rank(total, q)?;
    let mut seen = 0u64;
    for (bucket, count) in counts {
        seen = seen.saturating_add(count);
        if seen >= rank {
            return Some(middle_of(bucket));
        }
    }
    None
}

/// The nearest rank of quantile `q` among `total` values, from 1; `None` of no values.
pub fn rank(total: u64, q: f64) -> Option<u64> {
    (total > 0).then(|| ((q.clamp(0.0, 1.0) * total as f64).ceil() as u64).clamp(1, total))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric;

    fn sketch(values: &[u64]) -> Sketch {
        let mut sketch = Sketch::default();
        for v in values {
            sketch.add(*v);
        }
        sketch
    }

    #[test]
    fn buckets_cover_every_duration() {
        for pair in BOUNDS.windows(2) {
            let (low, width) = (u128::from(pair[0]), u128::from(pair[1] - 1 - pair[0]));
            assert!(width * 100 <= low * 8, "{pair:?}");
        }
        assert_eq!(bucket_of(0), 0);
        assert_eq!(usize::from(bucket_of(u64::MAX)), BUCKETS - 1);
        assert!(u128::from(BOUNDS[BUCKETS - 1]) * 108 / 100 > u128::from(u64::MAX));
    }

    #[test]
    fn a_busy_hour_takes_few_bytes() {
        let values: Vec<u64> = (0..400u64).map(|i| 20_000 + (i * i) % 7_919 * 3).collect();
        let bytes = sketch(&values).encode();
        assert!(bytes.len() <= 60, "{}", bytes.len());
    }

    #[test]
    fn bad_bytes_are_refused() {
        for bad in [&[2, 1, 1][..], &[1], &[1, 5], &[1, 5, 0], &[1, 5, 1, 0, 1], &[1, 0xff, 0xff, 0x7f, 1]] {
            assert_eq!(Sketch::decode(bad), None, "{bad:?}");
        }
        assert_eq!(Sketch::decode(&[]), Some(Sketch::default()));
    }

    proptest! {
        #[test]
        fn quantiles_are_within_five_percent(
            values in proptest::collection::vec(prop_oneof![0u64..50, 0u64..5_000_000, any::<u64>()], 1..200),
            q in 0.0f64..=1.0,
        ) {
            let got = sketch(&values).quantile(q).unwrap() as f64;
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let want = metric::percentile(&sorted, q).unwrap() as f64;
            prop_assert!((got - want).abs() <= want * 0.05, "{got} for {want}");
        }

        #[test]
        fn inv_04_merging_is_the_sketch_of_everything(
            values in proptest::collection::vec(0u64..10_000_000, 0..200), cut in 0usize..200,
        ) {
            let (left, right) = values.split_at(cut.min(values.len()));
            let (left, right) = (sketch(left), sketch(right));
            let whole = sketch(&values);
            let mut ab = left.clone();
            ab.merge(&right);
            let mut ba = right.clone();
            ba.merge(&left);
            prop_assert_eq!(&ab, &whole);
            prop_assert_eq!(&ba, &whole);
            let mut sum = SketchSum::default();
            sum.add_encoded(&left.encode()).unwrap();
            sum.add_encoded(&right.encode()).unwrap();
            prop_assert_eq!(sum.sketch(), whole.clone());
            prop_assert_eq!(Sketch::decode(&whole.encode()), Some(whole));
        }

        #[test]
        fn hostile_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Sketch::decode(&bytes);
            bytes.insert(0, FORMAT);
            if let Some(sketch) = Sketch::decode(&bytes) {
                let _ = (sketch.quantile(0.5), sketch.count());
            }
        }
    }
}
