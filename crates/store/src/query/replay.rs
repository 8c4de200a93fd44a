//! What a replay asks beside the events of its session: the windows of a long one, and the definition a call was made by.

use trackway_event::Timestamp;

/// One thing that has a page of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A session, by any id it ever had.
    Session(String),
    /// A tool, resource or prompt, by its name.
    Tool(String),
    /// An error group.
    Issue(u64),
    /// A person, by any of their ids.
    Person(String),
}

/// Where a page of a session's events begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its cursor; `None` for the first.
    pub after: Option<String>,
    /// Number of its first event, from 1.
    pub first: u64,
    /// Start and place in the ledger of the event before it; the beginning for the first.
    pub before: (Timestamp, u64),
}

/// The definition of a tool as a session was last shown it before a call.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownDefinition {
    /// Hash of the listing.
    pub hash: String,
    /// When the listing was first seen, ever.
    pub first_seen: Timestamp,
    /// Whether this session saw it, or it is the newest listing before the call.
    pub shown: Shown,
    /// The definition as JSON.
    pub json: String,
    /// Where the call's arguments do not fit it: path and what is wrong.
    pub findings: Vec<(String, String)>,
}

/// Who saw a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The session of the call.
    Here,
    /// Others, before the call: this session's own listing was not recorded.
    Elsewhere,
}
