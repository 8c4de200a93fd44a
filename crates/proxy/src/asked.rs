//! Which tools were asked for lately (CAP §4.6): a tool that no listing names is not asked for again at every call. Shared by the
//! listings that `wrap` and the HTTP proxy make on their own; bounded.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a tool is not asked for again.
const AGAIN: Duration = Duration::from_secs(60);
/// Tools that are remembered.
const TOOLS: usize = 1_000;

/// Tools that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<HashMap<String, Instant>>);

impl Asked {
    /// Whether this tool may be asked for now; if so, it counts as asked for.
    pub(crate) fn may(&self, tool: &str) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.get(tool).is_some_and(|at| at.elapsed() < AGAIN) {
            return false;
        }
        if asked.len() >= TOOLS {
            asked.clear();
        }
        asked.insert(tool.to_owned(), Instant::now());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_stays_unknown_is_not_asked_for_at_every_call() {
        let asked = Asked::default();
        assert!(asked.may("a") && !asked.may("a") && asked.may("b"));
        for n in 0..TOOLS {
            asked.may(&n.to_string());
        }
        assert!(asked.0.lock().unwrap().len() <= TOOLS);
    }
}
