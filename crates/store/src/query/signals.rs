//! Signals that need no model (F-75 to F-93, F-109, F-112): their definitions are in [`trackway_core::metric`].

use std::collections::BTreeMap;

pub use trackway_core::metric::attempts::{Attempts, FirstSuccess};
pub use trackway_core::metric::health::Warning;
pub use trackway_core::metric::weight::Weight;
pub use trackway_core::metric::worth::Worth;

use trackway_event::Timestamp;

use super::Ending;

/// Calls that signals look at, the newest.
pub const SIGNAL_CALLS: usize = 20_000;
/// Sessions that warnings look at, the newest.
pub const WARNING_SESSIONS: usize = 5_000;

/// What the newest calls of a scope tell. A session counts with its calls inside the scope.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// Calls looked at, at most [`SIGNAL_CALLS`].
    pub calls: u64,
    /// Sessions they are in.
    pub sessions: u64,
    /// Attempt chains.
    pub attempts: Attempts,
    /// The same by the minute a chain began in.
    pub minutes: BTreeMap<Timestamp, Attempts>,
    /// Calls that repeat an earlier one.
    pub repeats: u64,
    /// Sessions with a loop.
    pub looping: u64,
    /// Sessions by how their calls ended, open ones too, those that end at all first.
    pub endings: Vec<(Ending, u64)>,
    /// Sessions in which a call worked.
    pub successful: u64,
    /// Which call it was, the median of those.
    pub first_success_call: Option<u64>,
    /// How long after the session's first call it was done, µs, the median.
    pub first_success_us: Option<u64>,
    /// Calls by language model, most first; last those that did not say.
    pub models: Vec<Mixed>,
    /// Calls by revision of the protocol, the same way.
    pub protocols: Vec<Mixed>,
    /// Per tool, most calls first.
    pub tools: Vec<ToolSignals>,
    /// Names that were called though the server has no such tool, most calls first.
    pub unknown: Vec<UnknownTool>,
    /// Set when not every call of the scope was looked at: what is missing, in words.
    pub partial: Option<String>,
}

impl Signals {
    /// What became of the attempts that began in a span of whole minutes.
    pub fn attempts_within(&self, from: Timestamp, to: Timestamp) -> Attempts {
        let mut all = Attempts::default();
        if from < to {
            self.minutes.range(from..to).for_each(|(_, attempts)| all.merge(*attempts));
        }
        all
    }
}

/// The share of calls that said the same of themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mixed {
    /// What they said; `None`: nothing.
    pub name: Option<String>,
    /// Calls.
    pub calls: u64,
}

/// What the newest calls of one tool tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolSignals {
    /// Name; empty: "(unknown)".
    pub tool: String,
    /// Calls looked at.
    pub calls: u64,
    /// Attempt chains that began with it.
    pub attempts: Attempts,
    /// Calls that repeat an earlier one.
    pub repeats: u64,
    /// Sessions with a loop over it.
    pub looping: u64,
    /// Results of calls that worked.
    pub weight: Weight,
}

/// What comes just before and after calls of a tool, in the same session; an empty name is the session's beginning or end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// Tools before it, most often first; at most [`NEIGHBOURS`].
    pub before: Vec<(String, u64)>,
    /// Tools after it.
    pub after: Vec<(String, u64)>,
}

/// Neighbours of a tool that are told.
pub const NEIGHBOURS: usize = 8;

/// A name that no tool has (F-109).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTool {
    /// As it was called.
    pub name: String,
    /// Calls.
    pub calls: u64,
    /// Sessions.
    pub sessions: u64,
    /// The nearest name of a tool that answered in the scope.
    pub nearest: Option<String>,
}
