//! How heavy results are for the agent that reads them (F-112): tokens at p50 and p95, and the share near the size at which
//! clients cut results off.

/// Tokens of a result that common clients take before they cut it (dashboard §7.11).
pub const CAP_TOKENS: u64 = 25_000;
/// From this on a result is near the cap: four fifths of it.
pub const NEAR_CAP_TOKENS: u64 = CAP_TOKENS / 5 * 4;

/// The weight of some results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Results whose size is known.
    pub results: u64,
    /// Median tokens.
    pub p50: Option<u64>,
    /// 95th percentile; needs 20.
    pub p95: Option<u64>,
    /// The heaviest.
    pub max: u64,
    /// Results of [`NEAR_CAP_TOKENS`] or more.
    pub near_cap: u64,
}

impl Weight {
    /// Of the tokens of each result, in any order.
    pub fn of(mut tokens: Vec<u64>) -> Self {
        tokens.sort_unstable();
        Self {
            results: tokens.len() as u64,
            p50: super::percentile(&tokens, 0.5),
            p95: super::percentile(&tokens, 0.95).filter(|_| tokens.len() >= 20),
            max: tokens.last().copied().unwrap_or(0),
            near_cap: tokens.iter().filter(|t| **t >= NEAR_CAP_TOKENS).count() as u64,
        }
    }
}

/// What a session put into the agent's context, in tokens (product §2, context cost): the listings it was sent, estimated from
/// their bytes as everywhere, and the results of its calls.
pub const fn context(listing_bytes: u64, result_tokens: u64) -> u64 {
    listing_bytes.saturating_mul(2).div_ceil(7).saturating_add(result_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_is_listings_and_results() {
        assert_eq!((context(0, 0), context(7, 3), context(8, 0)), (0, 5, 3));
        assert_eq!(context(9_300, 0), u64::from(trackway_event::json::estimate_tokens(9_300)));
    }

    #[test]
    fn weight_is_by_nearest_rank() {
        assert_eq!(Weight::of(vec![]), Weight::default());
        let some = Weight::of(vec![30_000, 10, 20]);
        assert_eq!((some.p50, some.p95, some.max, some.near_cap), (Some(20), None, 30_000, 1));
        let many = Weight::of((1..=20).rev().map(|n| n * 1_000).collect());
        assert_eq!((many.p50, many.p95, many.near_cap), (Some(10_000), Some(19_000), 1));
    }
}
