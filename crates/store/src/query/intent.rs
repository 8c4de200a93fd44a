//! What agents say they came for, per matter (product F-98; dashboard §7.7).

use trackway_event::{EventId, SessionId, Timestamp};

/// Tool calls looked at for intents, the newest of the scope.
pub const INTENT_CALLS: usize = 4_000;
/// Matters of one answer, the most called.
pub const INTENT_ROWS: usize = 200;

/// What agents came for in a scope.
#[derive(Clone, Debug, Default)]
pub struct Intents {
    /// Matters, most calls first, at most [`INTENT_ROWS`].
    pub rows: Vec<IntentRow>,
    /// Logical calls looked at, at most [`INTENT_CALLS`].
    pub calls: u64,
    /// Among them: with the agent's own words for this call.
    pub given: u64,
    /// With the words of an earlier call.
    pub inherited: u64,
    /// With words taken from elsewhere: a prompt, a rule.
    pub inferred: u64,
    /// The same bucket by bucket over the period, as far as calls were looked at.
    pub coverage: Vec<Coverage>,
    /// Set when not all of the scope was looked at: what is missing, in words.
    pub partial: Option<String>,
}

/// How much is known, in one bucket, of why agents call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Its start.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// Calls.
    pub calls: u64,
    /// With the agent's own words for this call.
    pub given: u64,
    /// With the words of an earlier call, or taken from elsewhere.
    pub inherited: u64,
}

/// Calls about one matter.
#[derive(Clone, Debug, PartialEq)]
pub struct IntentRow {
    /// The sentence most often said, word for word.
    pub phrase: String,
    /// Different sentences.
    pub phrases: u64,
    /// Logical calls.
    pub calls: u64,
    /// Those that ended, well or not.
    pub finished: u64,
    /// Those that failed.
    pub failed: u64,
    /// Failed calls after which the same tool worked in the same session.
    pub recovered: u64,
    /// Distinct sessions.
    pub sessions: u64,
    /// Tools the calls went to, most called first; several are a sign of confusion.
    pub tools: Vec<(String, u64)>,
    /// Newest call.
    pub last_at: Timestamp,
    /// The newest call, to open it.
    pub newest: (EventId, Option<SessionId>),
}
