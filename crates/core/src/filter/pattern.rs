//! The patterns of the operator `re`: linear in time, small, and the same wherever a filter is asked.
//!
//! Called by the grammar, which refuses what cannot be used, by the storage and by the live feed. One match takes at most
//! program × text steps; both are bounded ([`limits::FILTER_PATTERN_BYTES`], the caps on captured texts).

use regex_lite::{Regex, RegexBuilder};
use trackway_event::limits;

/// Groups within groups.
const NESTING: u32 = 32;

/// Makes the pattern ready: case counts, `(?i)` in front turns that off.
///
/// # Errors
/// What is wrong with it, in words.
pub fn pattern(text: &str) -> Result<Regex, String> {
    if text.is_empty() {
        return Err("it is empty; use set to ask whether there is a value".into());
    }
    if text.chars().count() > limits::FILTER_PATTERN_CHARS {
        return Err(format!(
            "it is longer than {} characters; shorten it, or use has",
            limits::FILTER_PATTERN_CHARS
        ));
    }
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(limits::FILTER_PATTERN_BYTES).nest_limit(NESTING);
    builder.build().map_err(|error| error.to_string())
}
