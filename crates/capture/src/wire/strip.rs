//! E2: the `context` argument cut out of a call, every other byte as it was (CAP §4.4).

use std::ops::Range;

use super::Edit;
use super::eligible::ARGUMENT;
use super::scan::{key_is, members, skip_space};

/// What was found and cut.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Stripped {
    /// The cuts, in order.
    pub edits: Vec<Edit>,
    /// The value of the last `context`, as raw JSON.
    pub value: Option<Range<usize>>,
}

/// Finds the `context` members of the object at `arguments` and the cuts that remove them, each with one neighbouring
/// comma. Nothing when it is no object or has none.
pub fn strip(line: &[u8], arguments: &Range<usize>) -> Stripped {
    let Some(all) = members(line, arguments) else { return Stripped::default() };
    let cut: Vec<bool> = all.iter().map(|m| key_is(line, &m.key, ARGUMENT)).collect();
    let value = all.iter().zip(&cut).rev().find(|(_, c)| **c).map(|(m, _)| m.value.clone());
    let mut edits = Vec::new();
    let mut index = 0;
    while index < all.len() {
        if !cut.get(index).copied().unwrap_or(false) {
            index += 1;
            continue;
        }
        // A run of neighbouring members goes as one cut.
        let first = index;
        while cut.get(index + 1).copied().unwrap_or(false) {
            index += 1;
        }
        let (Some(head), Some(tail)) = (all.get(first), all.get(index)) else { break };
        let start = head.key.start - 1;
        let range = match (first.checked_sub(1).and_then(|i| all.get(i)), all.get(index + 1)) {
            // With the comma before it: from the end of the value before.
            (Some(before), _) => before.value.end..tail.value.end,
            // First of several: with the comma after it.
            (None, Some(after)) => start..after.key.start - 1,
            // Alone: what is left is the empty object.
            (None, None) => arguments.start + 1..skip_space(line, tail.value.end),
        };
        edits.push(Edit { at: range, with: Vec::new() });
        index += 1;
    }
    Stripped { edits, value }
}
