//! Error groups as a person works on them: states, what was done, why they happen, whether agents recover.

pub use trackway_core::issue::apart::By as ApartBy;
pub use trackway_core::issue::state::{Decision, Rule, State, compare as compare_versions};
pub use trackway_core::metric::mended::{Change as Mend, How as MendHow, Mended};
pub use trackway_core::metric::suspects::Counts;
use trackway_event::Timestamp;

use super::{IssueRow, Page};

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
    /// Takes some of its failures, and later ones like them, out into a group of their own.
    TakeOut(TakeOut),
    /// Gives it to a member, by name; `None`: to nobody.
    Assign(Option<String>),
    /// Says something about it, at most [`COMMENT_CHARS`].
    Comment(String),
    /// Deletes a comment.
    Uncomment(u64, Whose),
    /// Takes the newest decision, assignment or merge of the same person back, within [`TAKE_BACK_US`].
    TakeBack,
}

/// Which failures are taken out of a group (ADR 25).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakeOut {
    /// Those with this message; where the group holds several sorts of messages, those that read like it but for numbers and ids.
    Message(String),
    /// Those that name this client.
    Client(String),
}

/// Whose comments somebody may delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Their own.
    Own,
    /// Anyone's.
    Anyones,
}

/// Characters of a comment.
pub const COMMENT_CHARS: usize = 4_000;
/// How long an act can be taken back, µs: the ten seconds a page offers it, and time to get here.
pub const TAKE_BACK_US: i64 = 60_000_000;

/// Something that was done to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueNote {
    /// Its number within the project.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What, in words.
    pub what: String,
    /// The words of a comment.
    pub comment: Option<String>,
}

/// A message of a group, and how often it came (dashboard §7.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Word for word; empty where none was given.
    pub message: String,
    /// Failures with it.
    pub events: u64,
    /// The first of those looked at.
    pub first: Timestamp,
    /// The newest.
    pub last: Timestamp,
    /// The one group they are of; `None` where they are of several that are shown as one.
    pub group: Option<u64>,
}

/// A client that failures of a group named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueClient {
    /// Its name, every version; `None` where they named none.
    pub name: Option<String>,
    /// Failures that named it.
    pub events: u64,
    /// The one group they are of, as in [`Variant`].
    pub group: Option<u64>,
}

/// The other half of taking failures out by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// Number of the other group: the one it was taken out of, or the one that was taken out of it.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// What was said.
    pub by: ApartBy,
    /// Whether failures of before are still being moved.
    pub moving: bool,
}

/// The messages of a group in a scope, most failures first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variants {
    /// At most [`VARIANTS`].
    pub items: Vec<Variant>,
    /// How many different ones there are.
    pub distinct: u64,
    /// Failures looked at, the newest; at most [`VARIANT_EVENTS`].
    pub looked_at: u64,
    /// The clients those named, most failures first; at most [`VARIANTS`].
    pub clients: Vec<IssueClient>,
}

/// Messages shown of a group.
pub const VARIANTS: usize = 20;
/// Failures whose messages are looked at.
pub const VARIANT_EVENTS: usize = 5_000;

/// Failures, and as many successes of the same tool, whose arguments and people are looked at, the newest.
pub const SUSPECT_CALLS: usize = 150;

/// A page of groups, and what became of the attempts that met them.
#[derive(Clone, Debug)]
pub struct IssueList {
    /// The page.
    pub page: Page<IssueRow>,
    /// Of the attempts that met a group of this page, each once whatever it met; the newest sessions of each group are looked at.
    pub recovery: Recovery,
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
    /// `client`, `client version`, `server version`, `model` or `protocol`; `argument` or `trait`.
    pub what: &'static str,
    /// Its value; of an argument or trait its name, a colon, and what it is in words.
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
