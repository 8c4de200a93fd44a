//! One tool looked at closely: its definitions over time, who calls it and why, and calls worth opening (dashboard §7.5).

pub use trackway_core::metric::examples::Example;
use trackway_event::Timestamp;

use super::{ActorRef, CallFigures, Change, EventRow};

/// Calls of a tool that are looked at closely, the newest.
pub const CLOSE_CALLS: usize = 1_000;
/// Callers of one sort that are told.
pub const CALLERS: usize = 5;
/// Matters that are told.
pub const TOOL_INTENTS: usize = 6;

/// What the newest calls of a tool tell one by one.
#[derive(Clone, Debug, Default)]
pub struct Closely {
    /// Calls looked at, at most [`CLOSE_CALLS`].
    pub calls: u64,
    /// Language models by calls, at most [`CALLERS`]; none named comes last.
    pub models: Vec<Caller<String>>,
    /// People by calls, at most [`CALLERS`]; the anonymous come last.
    pub people: Vec<Caller<ActorRef>>,
    /// What agents came for, most calls first, at most [`TOOL_INTENTS`].
    pub intents: Vec<ToolIntent>,
    /// Different matters altogether.
    pub matters: u64,
    /// Calls worth opening.
    pub examples: Vec<(Example, EventRow)>,
}

/// Who calls it.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller<N> {
    /// `None`: nobody said.
    pub who: Option<N>,
    /// Calls.
    pub calls: u64,
    /// Calls that ended, well or not.
    pub finished: u64,
    /// Of those, the failed ones.
    pub failed: u64,
}

/// A matter that a tool was called for.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolIntent {
    /// The sentence most often said, word for word.
    pub phrase: String,
    /// Calls.
    pub calls: u64,
    /// Calls that ended, well or not.
    pub finished: u64,
    /// Of those, the failed ones.
    pub failed: u64,
}

/// The definitions of a tool, of all time.
#[derive(Clone, Debug, Default)]
pub struct ToolStory {
    /// What it says of itself, in the newest listing that has it.
    pub description: Option<String>,
    /// Each, the newest first.
    pub definitions: Vec<Definition>,
    /// When the first listing without it came, where none has it since.
    pub gone: Option<Timestamp>,
    /// The name it had before.
    pub was: Option<Renamed>,
    /// The name it went on under.
    pub became: Option<Renamed>,
}

/// One definition of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Hash of the first listing with it.
    pub catalog: String,
    /// When that listing was first seen.
    pub first_seen: Timestamp,
    /// Estimated tokens.
    pub tokens: u64,
    /// What is different from the definition before it, the worst first; empty for the first.
    pub changes: Vec<Change>,
}

/// The same tool under another name.
#[derive(Clone, Debug, PartialEq)]
pub struct Renamed {
    /// The other name.
    pub name: String,
    /// When the listing with the new name came.
    pub at: Timestamp,
    /// Calls under the other name in the scope.
    pub calls: CallFigures,
}
