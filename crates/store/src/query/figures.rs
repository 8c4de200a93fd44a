//! Figures: overview, tools, issues, people, clients.

pub use trackway_core::identity::{MergeFact, Verdict, Via};
pub use trackway_core::metric::contents::Content;
pub use trackway_core::person::{How, TraitSource};
use trackway_event::{ActorId, ErrorClass, Kind, Peer, Timestamp};

use super::{
    AccountRef, ActorRef, Apart, ArgumentCheck, CatalogSize, Closely, Decision, EventRow, IssueMember,
    IssueNote, JustBefore, Mended, Neighbours, PageAsk, Recovery, Scope, SessionRow, Sighting, Signals,
    State, Suspect, ToolSignals, ToolStory, Variants,
};

/// The overview of a scope.
#[derive(Clone, Debug)]
pub struct OverviewAsk {
    /// Which part of the data.
    pub scope: Scope,
    /// Whether the period before is computed too.
    pub compare: Compare,
}

/// Whether figures are set beside those of the period before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// No.
    None,
    /// The same length just before.
    Previous,
    /// The same days of the week before, or of as many weeks before as clear the period.
    Weeks,
}

/// Calls and how they went (product §2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallFigures {
    /// Logical calls.
    pub calls: u64,
    /// Status `ok`, `tool_error` or `protocol_error`.
    pub finished: u64,
    /// Status `tool_error` or `protocol_error`.
    pub failed: u64,
    /// Durations known.
    pub timed: u64,
    /// Percentiles, µs, from merged sketches.
    pub p50_us: Option<u64>,
    /// 95th percentile; needs 20 (dashboard §5).
    pub p95_us: Option<u64>,
    /// 99th percentile; needs 100.
    pub p99_us: Option<u64>,
    /// Estimated or given tokens of arguments.
    pub tokens_in: u64,
    /// Estimated or given tokens of results.
    pub tokens_out: u64,
}

impl CallFigures {
    /// Failures ÷ finished calls; `None` without a finished call.
    pub fn failed_share(&self) -> Option<f64> {
        (self.finished > 0).then(|| self.failed as f64 / self.finished as f64)
    }
}

/// Headline figures of one period.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Visible sessions that started in it.
    pub sessions: u64,
    /// Distinct identified people with an event in it.
    pub people: u64,
    /// Distinct client names.
    pub clients: u64,
    /// Events but protocol noise.
    pub events: u64,
    /// Asked for a tool that is not there.
    pub missing_reports: u64,
    /// Calls.
    pub calls: CallFigures,
}

/// One bucket of a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Its start.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// Sessions that started in it.
    pub sessions: u64,
    /// Calls in it.
    pub calls: CallFigures,
}

/// Everything the overview page shows.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// This period.
    pub now: Totals,
    /// The period before, when asked for and the data reaches back that far.
    pub before: Option<Totals>,
    /// Buckets of dashboard §5, none left out.
    pub series: Vec<Bucket>,
    /// What changed in it.
    pub sightings: Vec<Sighting>,
    /// Tools by calls, at most 8.
    pub tools: Vec<ToolRow>,
    /// Clients by sessions, at most 8.
    pub clients: Vec<ClientRow>,
    /// Unresolved error groups by sessions, at most 5.
    pub issues: Vec<IssueRow>,
    /// Newest intents, at most 8.
    pub intents: Vec<EventRow>,
    /// Newest missing reports, at most 5.
    pub missing: Vec<EventRow>,
    /// Sessions with reasons to look at them, the strongest first, at most 6.
    pub worth_a_look: Vec<SessionRow>,
    /// What the newest calls tell.
    pub signals: Signals,
    /// The newest listing known whole, and when it was first seen.
    pub listing: Option<(Timestamp, CatalogSize)>,
    /// Events ever stored, for the low-volume state.
    pub events_ever: u64,
    /// Calls ever stored.
    pub calls_ever: u64,
    /// Newest event ever.
    pub last_event_at: Option<Timestamp>,
    /// Set when a deadline cut the answer short.
    pub partial: Option<String>,
}

/// Tools, resources or prompts.
#[derive(Clone, Debug)]
pub struct ToolsAsk {
    /// Which part of the data.
    pub scope: Scope,
    /// [`Kind::ToolCall`], [`Kind::ResourceRead`] or [`Kind::PromptGet`].
    pub kind: Kind,
    /// `calls`, `name`, `failed`, `p50`, `p95`, `last`, `sessions`, `people`, `first_try`, `repeats`, `definition` or `result`;
    /// the default is that of the choice.
    pub sort: Option<String>,
    /// Which of them.
    pub preset: ToolPreset,
    /// How much is told of each.
    pub depth: Depth,
    /// Which page.
    pub page: PageAsk,
}

/// How much a list tells of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// Everything.
    #[default]
    Whole,
    /// What rollups know: names, calls, times. Neither reach nor what the newest calls and the listings tell.
    Figures,
}

/// A choice of tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolPreset {
    /// All.
    #[default]
    All,
    /// With a failure, and 20 finished calls or more; by failed share.
    Failing,
    /// With a p95; by it.
    Slow,
    /// With results of known size; by their p95.
    Heavy,
    /// Listed and not called; by the size of their definition.
    Dead,
    /// In no listing, or solved at first try in less than 80 of 100 of at least 20 attempts.
    Confusing,
    /// First called in the scope, on a day later than the first of all data.
    New,
}

impl ToolPreset {
    /// The order of the choice when none is asked for.
    pub const fn order(self) -> &'static str {
        match self {
            Self::All | Self::New => "-calls",
            Self::Failing => "-failed",
            Self::Slow => "-p95",
            Self::Heavy => "-result",
            Self::Dead => "-definition",
            Self::Confusing => "first_try",
        }
    }

    /// Each with its word.
    pub const ALL: [(&'static str, Self); 7] = [
        ("all", Self::All),
        ("failing", Self::Failing),
        ("slow", Self::Slow),
        ("heavy", Self::Heavy),
        ("dead", Self::Dead),
        ("confusing", Self::Confusing),
        ("new", Self::New),
    ];

    /// The choice of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == word).map(|(_, preset)| preset)
    }
}

/// What the listings of a scope say of a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It was listed.
    Listed,
    /// It was called and is in no listing: an unknown tool.
    Unlisted,
    /// No listing was seen, or not every one is known whole.
    #[default]
    Untold,
}

impl Standing {
    /// `listed`, `unlisted`; nothing where it cannot be told.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Listed => Some("listed"),
            Self::Unlisted => Some("unlisted"),
            Self::Untold => None,
        }
    }
}

/// Figures of one tool.
#[derive(Clone, Debug)]
pub struct ToolRow {
    /// Name; empty: "(unknown)".
    pub name: String,
    /// Calls.
    pub calls: CallFigures,
    /// Sessions with a call of it in the scope; `None` where they were not counted.
    pub sessions: Option<u64>,
    /// People with a call of it in the scope; `None` where they were not counted.
    pub people: Option<u64>,
    /// Calls per bucket of the scope, for a sparkline.
    pub trend: Vec<u64>,
    /// Latest call.
    pub last_at: Option<Timestamp>,
    /// The day of its first call ever, where data is older than that; in lists.
    pub first_at: Option<Timestamp>,
    /// What its newest calls tell, for tools, where it was asked.
    pub signals: Option<ToolSignals>,
    /// Estimated tokens of its definition in the newest listing of the scope; in lists.
    pub definition_tokens: Option<u64>,
    /// What listings say of it; in lists.
    pub standing: Standing,
    /// What its newest requests brought or filled; of resources and prompts, in lists.
    pub content: Option<Content>,
}

/// One tool in full.
#[derive(Clone, Debug)]
pub struct ToolDetail {
    /// Figures.
    pub row: ToolRow,
    /// Series.
    pub series: Vec<Bucket>,
    /// What changed in the period.
    pub sightings: Vec<Sighting>,
    /// Its error groups.
    pub issues: Vec<IssueRow>,
    /// Figures per client.
    pub clients: Vec<ClientRow>,
    /// Newest calls, at most 50.
    pub samples: Vec<EventRow>,
    /// Its newest call that is kept, whatever the scope.
    pub last_ever: Option<Timestamp>,
    /// What comes before and after it, among the newest calls; of tools.
    pub neighbours: Neighbours,
    /// The arguments of its newest calls against what was shown.
    pub arguments: ArgumentCheck,
    /// What its newest calls tell one by one; of tools.
    pub closely: Closely,
    /// Its definitions over time; of tools.
    pub story: ToolStory,
}

/// One error group.
#[derive(Clone, Debug)]
pub struct IssueRow {
    /// Number within the project.
    pub id: u64,
    /// Fingerprint, hex.
    pub fingerprint: String,
    /// Title.
    pub title: String,
    /// Tool.
    pub tool: Option<String>,
    /// Error type.
    pub error_type: Option<String>,
    /// Class by rule.
    pub class: ErrorClass,
    /// Events in the scope.
    pub events: u64,
    /// Sessions in the scope.
    pub sessions: u64,
    /// People in the scope.
    pub people: u64,
    /// First event ever.
    pub first_seen: Timestamp,
    /// Newest event ever.
    pub last_seen: Timestamp,
    /// How it stands.
    pub state: State,
    /// What a person decided last.
    pub decision: Option<Decision>,
    /// The member it is given to.
    pub assignee: Option<String>,
    /// Whether agents get past it; `None` where it was not looked at.
    pub recovery: Option<Recovery>,
    /// Server version of the first event.
    pub since_version: Option<String>,
    /// Events per bucket of the scope, for a sparkline.
    pub trend: Vec<u64>,
}

/// One error group in full.
#[derive(Clone, Debug)]
pub struct IssueDetail {
    /// The row.
    pub row: IssueRow,
    /// The newest message verbatim.
    pub sample_message: String,
    /// Newest events, at most 50.
    pub samples: Vec<EventRow>,
    /// Newest sessions, at most 10.
    pub sessions: Vec<SessionRow>,
    /// Groups that are shown as part of it.
    pub members: Vec<IssueMember>,
    /// What was done to it, newest first, at most 50.
    pub history: Vec<IssueNote>,
    /// Circumstances of its failures, the least likely chance first.
    pub suspects: Vec<Suspect>,
    /// What came just before its first failure.
    pub before: Vec<JustBefore>,
    /// Failures per bucket of the scope: every call is one.
    pub series: Vec<Bucket>,
    /// What changed in the period.
    pub sightings: Vec<Sighting>,
    /// The messages of its failures.
    pub variants: Variants,
    /// What the next try changed where agents got past it, in its newest sessions.
    pub mended: Mended,
    /// The group it was taken out of by hand.
    pub out_of: Option<Apart>,
    /// Groups that were taken out of it by hand and stand for themselves.
    pub taken_out: Vec<Apart>,
}

/// One identified person.
#[derive(Clone, Debug)]
pub struct PersonRow {
    /// Id and newest name.
    pub actor: ActorRef,
    /// First event ever.
    pub first_seen: Timestamp,
    /// Newest event ever.
    pub last_seen: Timestamp,
    /// Sessions ever.
    pub sessions: u64,
    /// Calls ever.
    pub tool_calls: u64,
    /// Failures ever.
    pub errors: u64,
    /// Traits, newest value per key.
    pub traits: serde_json::Map<String, serde_json::Value>,
    /// Whether a merge has said that the id is a user's (wire-posthog I10).
    pub identified: bool,
    /// Accounts that its events named, at most 20.
    pub accounts: Vec<AccountRef>,
}

/// One id of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonId {
    /// The id.
    pub id: ActorId,
    /// First event that named it.
    pub first_seen: Timestamp,
    /// Newest event that named it.
    pub last_seen: Timestamp,
}

/// A statement that two ids are one person, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Merging {
    /// Its number within the project, to undo it by.
    pub id: u64,
    /// Which event said so, when and how.
    pub said: MergeFact,
    /// What became of it.
    pub verdict: Verdict,
}

/// What an operator does to a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// It counts no more.
    Withdraw,
    /// It counts again.
    Restore,
}

/// One person in full.
#[derive(Clone, Debug)]
pub struct PersonDetail {
    /// The row.
    pub row: PersonRow,
    /// Where each trait got its value.
    pub sources: Vec<TraitSource>,
    /// The ids that are this person, the one it is shown under first; at most 200.
    pub ids: Vec<PersonId>,
    /// What was said about its ids being one person or not, oldest first; at most 200.
    pub merges: Vec<Merging>,
    /// Newest sessions, at most 50.
    pub sessions: Vec<SessionRow>,
    /// Newest events in those sessions that belong to the person, at most 50.
    pub timeline: Vec<EventRow>,
    /// Starts of the days (UTC) of the last 12 weeks on which they were seen, oldest first.
    pub active_days: Vec<Timestamp>,
}

/// Figures of one client name and version.
#[derive(Clone, Debug)]
pub struct ClientRow {
    /// `None`: the client did not name itself.
    pub client: Option<Peer>,
    /// Sessions that started in the scope.
    pub sessions: u64,
    /// Calls.
    pub calls: CallFigures,
    /// Newest event that was counted for it; a split by hand that gives it to another does not move this back.
    pub last_at: Option<Timestamp>,
}
