//! The objects of the API (ARCHITECTURE §5, D31). Made from the storage's answers and from nothing else, so that every
//! surface shows the same number. Their names and members are a promise.

mod call;
mod catalog;
mod from;
mod issue;
mod people;
mod sighting;
mod signals;
mod tool;
mod ways;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use trackway_event::Payload;
use trackway_store::query as q;
use utoipa::ToSchema;

pub use call::*;
pub use catalog::*;
pub use issue::*;
pub use people::*;
pub use sighting::*;
pub use signals::*;
pub use tool::*;
pub use ways::*;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// Rows.
    pub items: Vec<T>,
    /// Cursor of the next page; `null` on the last.
    pub next: Option<String>,
    /// Present when a deadline cut the answer short: what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
}

impl<T> List<T> {
    /// A page with its rows turned into objects.
    pub fn of<R>(page: q::Page<R>, object: impl FnMut(R) -> T) -> Self {
        Self { items: page.items.into_iter().map(object).collect(), next: page.next, partial: page.partial }
    }
}

/// A program: client, server or recording library.
#[derive(Debug, Serialize, ToSchema)]
pub struct Program {
    /// Name.
    pub name: String,
    /// Version.
    pub version: Option<String>,
}

/// The identified user of an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActorObject {
    /// Id in the customer's system.
    pub id: String,
    /// Newest name.
    pub name: Option<String>,
    /// How it is known: `named` by the event, `merged` later with the id the event named, or through its `session`.
    pub attributed: Option<String>,
}

/// The identified user of a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionActor {
    /// Id in the customer's system.
    pub id: String,
    /// Newest name.
    pub name: Option<String>,
    /// What is known of them, the newest value per key.
    #[schema(value_type = Object)]
    pub properties: Map<String, Value>,
}

/// An error on an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorObject {
    /// Class or code; `null` where only the message is known.
    pub r#type: Option<String>,
    /// Message.
    pub message: String,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventObject {
    /// Id.
    pub id: String,
    /// Project.
    pub project_id: String,
    /// Session; `null` for identity facts outside of any.
    pub session_id: Option<String>,
    /// Which rule gave the session.
    pub session_source: Option<String>,
    /// Kind.
    pub kind: String,
    /// Status of a request.
    pub status: Option<String>,
    /// Tool of a call.
    pub tool: Option<String>,
    /// Resource URI, prompt name or label.
    pub resource: Option<String>,
    /// The agent's sentence on why.
    pub intent: Option<String>,
    /// How the intent is known.
    pub intent_source: Option<String>,
    /// Start.
    pub started_at: String,
    /// Duration.
    pub duration_ms: Option<f64>,
    /// User.
    pub actor: Option<ActorObject>,
    /// Client.
    pub client: Option<Program>,
    /// MCP server.
    pub server: Option<Program>,
    /// Error.
    pub error: Option<ErrorObject>,
    /// Wire it came by.
    pub input: String,
    /// What was changed on the way in.
    pub notes: Vec<String>,
}

/// One event with everything that was recorded.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventDetailObject {
    /// The event.
    #[serde(flatten)]
    pub event: EventObject,
    /// When it was received.
    pub received_at: String,
    /// Arguments of the call.
    #[schema(value_type = Option<Value>)]
    pub arguments: Option<Payload>,
    /// Its result.
    #[schema(value_type = Option<Value>)]
    pub result: Option<Payload>,
    /// `_meta` of the request.
    #[schema(value_type = Option<Value>)]
    pub request_meta: Option<Payload>,
    /// Transport facts.
    #[schema(value_type = Option<Value>)]
    pub transport: Option<Payload>,
    /// Free members.
    #[schema(value_type = Option<Value>)]
    pub properties: Option<Payload>,
    /// The body as it came, credentials masked.
    #[schema(value_type = Option<Value>)]
    pub raw: Option<Payload>,
    /// The error with stack, frames and causes.
    #[schema(value_type = Option<Value>)]
    pub error_detail: Option<Value>,
    /// JSON-RPC error code.
    pub error_code: Option<i64>,
    /// The error group.
    pub issue: Option<u64>,
    /// Error class by rule.
    pub error_class: Option<String>,
    /// Labels.
    pub tags: BTreeMap<String, String>,
    /// Groups by type.
    pub groups: BTreeMap<String, String>,
    /// MCP revision.
    pub protocol_version: Option<String>,
    /// Recording library.
    pub sdk: Option<Program>,
    /// Language model.
    pub model: Option<String>,
    /// Conversation handle.
    pub conversation_id: Option<String>,
    /// The call it is part of, where that took several requests or went on as a task.
    pub call: Option<CallObject>,
    /// Tokens of the arguments.
    pub tokens_in: Option<u32>,
    /// Tokens of the result.
    pub tokens_out: Option<u32>,
    /// Whether the tokens are our estimate.
    pub tokens_estimated: bool,
}

/// One session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionObject {
    /// Id.
    pub id: String,
    /// Project.
    pub project_id: String,
    /// Which rule made it.
    pub session_source: String,
    /// User, the last one by time.
    pub actor: Option<SessionActor>,
    /// Client.
    pub client: Option<Program>,
    /// MCP server.
    pub server: Option<Program>,
    /// First start.
    pub started_at: String,
    /// Latest start.
    pub last_event_at: String,
    /// Last start minus first.
    pub duration_ms: f64,
    /// Rows except protocol noise.
    pub events: u64,
    /// Logical tool calls.
    pub tool_calls: u64,
    /// Failures.
    pub errors: u64,
    /// Wishes for a tool that is not there.
    pub missing_reports: u64,
    /// Estimated tokens of arguments and results.
    pub tokens: u64,
    /// Estimated tokens it put into the agent's context: the listings it was sent, and results.
    pub context_tokens: u64,
    /// How it ended; `null` while it is open.
    pub ending: Option<String>,
    /// Its attempt chains so far.
    pub attempts: AttemptsObject,
    /// Which call was the first that worked, from 1; `null`: none did.
    pub first_success_call: Option<u64>,
    /// How long after its start that call was done.
    pub first_success_ms: Option<f64>,
    /// Why it is worth a look, strongest first.
    pub why: Vec<String>,
    /// First intents.
    pub intents: Vec<String>,
    /// What the session was for; `null` until it is classified.
    pub goal: Option<String>,
    /// Ids that were merged into it.
    pub merged_from: Vec<String>,
    /// Why sessions are shown as this one, and what was parted from it.
    pub joined: Vec<JoinedObject>,
}

/// Calls and how they went.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallsObject {
    /// Logical calls.
    pub calls: u64,
    /// Finished ones.
    pub finished: u64,
    /// Failed ones.
    pub failed: u64,
    /// Failed ÷ finished.
    pub failed_share: Option<f64>,
    /// Median duration.
    pub p50_ms: Option<f64>,
    /// 95th percentile.
    pub p95_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// Tokens of arguments.
    pub tokens_in: u64,
    /// Tokens of results.
    pub tokens_out: u64,
}

/// Headline figures of a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct TotalsObject {
    /// Sessions that started in it.
    pub sessions: u64,
    /// Distinct identified people.
    pub people: u64,
    /// Distinct client names.
    pub clients: u64,
    /// Events.
    pub events: u64,
    /// Wishes.
    pub missing_reports: u64,
    /// Calls.
    pub calls: CallsObject,
}

/// One bucket of a series.
#[derive(Debug, Serialize, ToSchema)]
pub struct BucketObject {
    /// Start.
    pub start: String,
    /// End.
    pub end: String,
    /// Sessions that started in it.
    pub sessions: u64,
    /// Calls.
    pub calls: CallsObject,
}

/// The overview of a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverviewObject {
    /// Start of the period.
    pub from: String,
    /// End of the period.
    pub to: String,
    /// Its figures.
    pub now: TotalsObject,
    /// Those of the period before, with `cmp=prev`.
    pub before: Option<TotalsObject>,
    /// Buckets.
    pub series: Vec<BucketObject>,
    /// First sights of server versions and tool listings in the period, at most 20.
    pub sightings: Vec<SightingObject>,
    /// Most used tools.
    pub tools: Vec<ToolObject>,
    /// Clients.
    pub clients: Vec<ClientObject>,
    /// Error groups.
    pub issues: Vec<IssueObject>,
    /// Newest intents.
    pub intents: Vec<EventObject>,
    /// Newest wishes.
    pub missing: Vec<EventObject>,
    /// Sessions with reasons to look at them.
    pub worth_a_look: Vec<SessionObject>,
    /// What the newest calls tell.
    pub signals: SignalsObject,
    /// The newest listing known whole.
    pub listing: Option<ListingObject>,
    /// Events ever stored.
    pub events_ever: u64,
    /// Newest event ever.
    pub last_event_at: Option<String>,
    /// Set when a deadline cut the answer short.
    pub partial: Option<String>,
}

/// One error group.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueObject {
    /// Number within the project.
    pub id: u64,
    /// Fingerprint.
    pub fingerprint: String,
    /// Title.
    pub title: String,
    /// Tool.
    pub tool: Option<String>,
    /// Error type.
    pub error_type: Option<String>,
    /// Class by rule.
    pub class: String,
    /// Events in the period.
    pub events: u64,
    /// Sessions in the period.
    pub sessions: u64,
    /// People in the period.
    pub people: u64,
    /// First event ever.
    pub first_seen: String,
    /// Newest event ever.
    pub last_seen: String,
    /// Server version of the first event.
    pub since_version: Option<String>,
    /// `new`, `ongoing`, `escalating`, `regressed`, `resolved` or `archived`.
    pub state: String,
    /// The server version it came back on, where it regressed and the version is known.
    pub regressed_in: Option<String>,
    /// What a person decided last.
    pub decision: Option<DecisionObject>,
    /// The member it is given to.
    pub assignee: Option<String>,
    /// Whether agents get past it; `null` where it was not looked at.
    pub recovery: Option<RecoveryObject>,
}

/// One error group in full.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueDetailObject {
    /// The group.
    #[serde(flatten)]
    pub issue: IssueObject,
    /// Failures per bucket of the period.
    pub series: Vec<BucketObject>,
    /// First sights of server versions and tool listings in the period, at most 20.
    pub sightings: Vec<SightingObject>,
    /// The newest message verbatim.
    pub sample_message: String,
    /// Newest events.
    pub samples: Vec<EventObject>,
    /// Newest sessions.
    pub recent_sessions: Vec<SessionObject>,
    /// Groups that are shown as part of it.
    pub members: Vec<IssueMemberObject>,
    /// What was done to it, newest first.
    pub history: Vec<IssueNoteObject>,
    /// Circumstances over-represented in its failures.
    pub suspects: Vec<SuspectObject>,
    /// What was first seen in the day before its first failure.
    pub just_before: Vec<JustBeforeObject>,
    /// The messages of its failures.
    pub variants: VariantsObject,
    /// What the next try changed where agents got past it.
    pub mended: MendedObject,
    /// The group it was taken out of by hand.
    pub out_of: Option<ApartObject>,
    /// Groups that were taken out of it by hand and stand for themselves.
    pub taken_out: Vec<ApartObject>,
}

/// Figures of one client and version.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientObject {
    /// `null`: the client did not name itself.
    pub client: Option<Program>,
    /// Sessions that started in the period.
    pub sessions: u64,
    /// Calls.
    pub calls: CallsObject,
    /// Newest event.
    pub last_at: Option<String>,
}

/// One project.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectObject {
    /// Id.
    pub id: String,
    /// Shown name.
    pub name: String,
    /// When it was made.
    pub created_at: String,
    /// Other names it answers to at ingest.
    pub aliases: Vec<String>,
    /// Whether its data is invented.
    pub demo: bool,
    /// Start of its newest event.
    pub last_event_at: Option<String>,
}

/// What arrived and what became of it: `received` = `stored` + `duplicates` + the sum of `dropped`.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntakeObject {
    /// Events received.
    pub received: u64,
    /// In the ledger.
    pub stored: u64,
    /// Seen before.
    pub duplicates: u64,
    /// Not stored, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Bodies that could not be read.
    pub bodies_refused: u64,
    /// Losses recorders reported, by reason.
    pub lost: BTreeMap<String, u64>,
}

/// One refused body.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedObject {
    /// Number.
    pub id: i64,
    /// When it arrived.
    pub at: String,
    /// Why it was refused.
    pub reason: String,
    /// What to do about it.
    pub explain: String,
    /// The project it named.
    pub project: Option<String>,
    /// The route it came by.
    pub route: String,
    /// Its sender.
    pub user_agent: Option<String>,
    /// Bytes as it arrived.
    pub bytes: u64,
    /// Events it held.
    pub events: u64,
    /// Whether it is taken in when its project is made.
    pub replayable: bool,
    /// Its first characters.
    pub preview: String,
}
