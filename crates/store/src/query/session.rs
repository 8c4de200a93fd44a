//! Sessions as rows, with the marks of their track.

/// How a session ended (product §2).
pub use trackway_core::chain::Ending;
pub use trackway_core::consolidate::Evidence;
use trackway_event::{Kind, Peer, SessionId, SessionSource, Status, Timestamp};

use super::{ActorRef, Aside, Attempts, FirstSuccess, PageAsk, Scope, Worth};

/// Sessions of a scope.
#[derive(Clone, Debug)]
pub struct SessionsAsk {
    /// Which part of the data.
    pub scope: Scope,
    /// Which page.
    pub page: PageAsk,
    /// `started` (default, descending), `last`, `calls`, `errors`, `length`, `context`; `-` first for descending.
    pub sort: Option<String>,
    /// Which tab.
    pub tab: SessionTab,
}

/// The tabs of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionTab {
    /// Every session with activity.
    #[default]
    All,
    /// There is a reason to look at it (F-75); the one that compares lengths aside, which only figures of a period tell.
    WorthALook,
    /// At least one failure.
    Failed,
    /// It ended stuck.
    Stuck,
    /// At least one missing report.
    AskedForMore,
}

impl SessionTab {
    /// Every tab, in the order of the list.
    pub const ALL: [Self; 5] = [Self::All, Self::WorthALook, Self::Failed, Self::Stuck, Self::AskedForMore];

    /// Its name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::WorthALook => "worth",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
            Self::AskedForMore => "asked",
        }
    }

    /// The tab of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.as_str() == text)
    }
}

/// How many sessions of a period the tabs hold that are counted by an index, filters aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionCounts {
    /// Every session with activity.
    pub all: u64,
    /// At least one failure.
    pub failed: u64,
    /// At least one missing report.
    pub asked: u64,
}

/// One mark of a track, in the order of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Kind.
    pub kind: Kind,
    /// Status.
    pub status: Option<Status>,
    /// Start.
    pub started_at: Timestamp,
    /// Duration, µs.
    pub duration_us: Option<u64>,
}

/// One fragment that continues another (D14).
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// The one that ended.
    pub earlier: SessionId,
    /// The one that goes on.
    pub later: SessionId,
    /// What says so.
    pub evidence: Evidence,
    /// How sure it is, in percent.
    pub confidence: u8,
    /// From the last event of one to the first of the other, µs.
    pub gap_us: i64,
    /// Whether an operator parted them ([`Aside::Withdraw`]); then they are shown apart.
    pub aside: Aside,
}

/// What a session's track showed when an event of it had come.
#[derive(Clone, Debug, Default)]
pub struct TrackUntil {
    /// Its newest marks up to the event, in order of time.
    pub marks: Vec<Mark>,
    /// Whether there was more before them.
    pub more: bool,
}

/// A session that another could be joined with by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionBefore {
    /// Id.
    pub id: SessionId,
    /// First start.
    pub started_at: Timestamp,
    /// Latest start.
    pub last_event_at: Timestamp,
    /// Logical calls.
    pub tool_calls: u64,
}

/// One session.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Id.
    pub id: SessionId,
    /// Which rule made it.
    pub source: SessionSource,
    /// The person, the last one by event time.
    pub actor: Option<ActorRef>,
    /// What is known of the person.
    pub traits: serde_json::Map<String, serde_json::Value>,
    /// How many different people it saw.
    pub actors: u32,
    /// Everyone it saw, when more than one.
    pub all_actors: Vec<ActorRef>,
    /// Client.
    pub client: Option<Peer>,
    /// Server.
    pub server: Option<Peer>,
    /// Recording library.
    pub sdk: Option<Peer>,
    /// MCP revision.
    pub protocol_version: Option<String>,
    /// First start.
    pub started_at: Timestamp,
    /// Latest start.
    pub last_event_at: Timestamp,
    /// Rows except kind `protocol`.
    pub events: u64,
    /// Logical calls.
    pub tool_calls: u64,
    /// Failures.
    pub errors: u64,
    /// Calls of `get_more_tools`.
    pub missing_reports: u64,
    /// Estimated tokens of arguments and results.
    pub tokens: u64,
    /// Estimated tokens it put into the agent's context: the listings it was sent, and results.
    pub context: u64,
    /// How it ended; `None` while it is still open (last event less than 30 minutes ago), or with no call to judge by.
    pub ending: Option<Ending>,
    /// Its attempt chains so far.
    pub attempts: Attempts,
    /// The first call that worked.
    pub first_success: Option<FirstSuccess>,
    /// Why it is worth a look, strongest first.
    pub why: Vec<Worth>,
    /// First intents in order, at most three.
    pub intents: Vec<String>,
    /// Ids that were merged into it.
    pub merged_from: Vec<SessionId>,
    /// Why sessions are shown as this one, and what was parted from it; oldest first.
    pub joined: Vec<Joined>,
    /// Marks of its track: all when at most 40, else the first 20 and the last 15; listings and protocol left out.
    pub marks: Vec<Mark>,
    /// Marks left out in the middle.
    pub marks_omitted: u64,
    /// Whether its data is invented.
    pub demo: bool,
}

impl SessionRow {
    /// Last start minus first, µs (D16).
    pub fn duration_us(&self) -> i64 {
        self.last_event_at.since(self.started_at)
    }
}
