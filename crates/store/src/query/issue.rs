//! Error groups as a person works on them: states, what was done, why they happen, whether agents recover.

pub use trackway_core::issue::state::{Decision, Rule, State, compare as compare_versions};
pub use trackway_core::metric::suspects::Counts;
use trackway_event::Timestamp;

/// The tabs of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IssueTab {
    /// Every group.
    #[default]
    All,
    /// New, ongoing, escalating, regressed.
    Open,
    /// Resolved.
    Resolved,
    /// Archived.
    Archived,
}

/// What a person does to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssueAct {
    /// Decides.
    Decide(Rule),
    /// Takes the decision back.
    Reopen,
    /// Shows it, and its later failures, under another group.
    MergeInto(u64),
    /// Takes it out of the group it was merged into.
    Split,
}

/// Something that was done to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueNote {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What, in words.
    pub what: String,
}

/// A group that is shown as part of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueMember {
    /// Number.
    pub id: u64,
    /// Title.
    pub title: String,
}

/// A circumstance over-represented in the failures of a group (F-89).
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// `client`, `client version`, `server version`, `model` or `protocol`.
    pub what: &'static str,
    /// Its value.
    pub value: String,
    /// Calls on both sides.
    pub counts: Counts,
    /// How likely chance is.
    pub chance: f64,
}

/// Something that was first seen in the day before a group's first failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JustBefore {
    /// `server version`, `client version` or `tool listing`.
    pub what: &'static str,
    /// Which.
    pub value: String,
    /// When it was first seen.
    pub at: Timestamp,
}

/// Whether agents get past a failure (F-91), in the newest sessions that met it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Attempts with such a failure.
    pub attempts: u64,
    /// Of those, the ones that were solved.
    pub recovered: u64,
    /// Calls until it worked, the median of those.
    pub tries: Option<u64>,
}
