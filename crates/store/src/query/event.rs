//! Events as rows of lists, and one event in full.

use std::collections::BTreeMap;

use trackway_event::event::Flags;
use trackway_event::{
    ActorId, CaptureBy, ErrorClass, ErrorInfo, EventId, Input, IntentSource, Kind, Payload, Peer, SessionId,
    SessionSource, Status, Timestamp, Tokens,
};

pub use trackway_core::logical::ClosedBy;

use super::{PageAsk, Scope};

/// Events of a scope. Protocol noise only when asked for.
#[derive(Clone, Debug)]
pub struct EventsAsk {
    /// Which part of the data.
    pub scope: Scope,
    /// Which page.
    pub page: PageAsk,
    /// Whether kind `protocol` is among them.
    pub protocol: Protocol,
}

/// Whether protocol noise is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Left out.
    Hidden,
    /// Shown.
    Shown,
}

/// A person as named on a row.
#[derive(Clone, Debug, PartialEq)]
pub struct ActorRef {
    /// Identified id.
    pub id: ActorId,
    /// Newest known name.
    pub name: Option<String>,
}

/// How an event's person is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attributed {
    /// The event named them itself.
    Named,
    /// The event named another id, which a merge made one of theirs.
    Merged,
    /// The event named nobody; its session belongs to them.
    Session,
}

impl Attributed {
    /// The name in every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Merged => "merged",
            Self::Session => "session",
        }
    }
}

/// An error as shown on a row.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorRef {
    /// Type, where known.
    pub kind: Option<String>,
    /// Message.
    pub message: String,
    /// Class by rule.
    pub class: ErrorClass,
    /// The group it belongs to; declared errors that do not count have none.
    pub issue: Option<u64>,
}

/// One event without payloads.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Commit sequence, ever growing; the live feed's id.
    pub seq: u64,
    /// Id.
    pub id: EventId,
    /// The session it is in; identity facts of stateless clients are in none.
    pub session_id: Option<SessionId>,
    /// Which rule gave it its session.
    pub session_source: Option<SessionSource>,
    /// Kind.
    pub kind: Kind,
    /// Method or event type as sent.
    pub name: String,
    /// Status of a request.
    pub status: Option<Status>,
    /// Tool of a call; `None` on a call: the client named none.
    pub tool: Option<String>,
    /// Resource URI, prompt name or custom label.
    pub resource: Option<String>,
    /// Intent.
    pub intent: Option<String>,
    /// How it is known.
    pub intent_source: Option<IntentSource>,
    /// Start.
    pub started_at: Timestamp,
    /// Duration, µs.
    pub duration_us: Option<u64>,
    /// The person it belongs to now.
    pub actor: Option<ActorRef>,
    /// How that is known; `None` without a person.
    pub attributed: Option<Attributed>,
    /// The client.
    pub client: Option<Peer>,
    /// The server.
    pub server: Option<Peer>,
    /// The error.
    pub error: Option<ErrorRef>,
    /// The wire.
    pub input: Input,
    /// The recorder.
    pub capture: Option<CaptureBy>,
    /// Bytes in and out.
    pub bytes_in: Option<u64>,
    /// Bytes of the answer.
    pub bytes_out: Option<u64>,
    /// Tokens.
    pub tokens: Option<Tokens>,
    /// Flags.
    pub flags: Flags,
    /// Ingest notes.
    pub notes: Vec<String>,
}

/// A logical call that is more than one request, or goes on after its request was answered (CAP §2.6).
#[derive(Clone, Debug, PartialEq)]
pub struct WholeCall {
    /// Its requests in the order of time; the last one is the one that counts.
    pub rounds: Vec<Round>,
    /// The event that told the end of its task.
    pub told: Option<EventId>,
    /// By what that was.
    pub closed_by: Option<ClosedBy>,
    /// `input_required` while it waits for input, `task` while its task runs, `timeout` when nobody saw that end in time.
    pub status: Option<Status>,
    /// How long the server took, µs: what latency figures count.
    pub server_us: Option<u64>,
    /// From the first request to the last answer, µs.
    pub total_us: Option<u64>,
}

/// One request of a logical call.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Its event.
    pub id: EventId,
    /// What became of it.
    pub status: Option<Status>,
    /// Start.
    pub started_at: Timestamp,
    /// From request to answer, µs.
    pub duration_us: Option<u64>,
    /// Names of the inputs it asked for.
    pub asked: Vec<String>,
}

/// A logical call with what the agent said and got.
#[derive(Clone, Debug)]
pub struct CallDetail {
    /// The call.
    pub call: WholeCall,
    /// The intent of its first request.
    pub intent: Option<String>,
    /// The arguments of its first request.
    pub arguments: Option<Payload>,
    /// Its last answer.
    pub result: Option<Payload>,
}

/// One event in full.
#[derive(Clone, Debug)]
pub struct EventDetail {
    /// The row.
    pub row: EventRow,
    /// The call it is part of, where that is more than this event.
    pub call: Option<Box<CallDetail>>,
    /// When it was received.
    pub received_at: Timestamp,
    /// The error with frames and causes.
    pub error: Option<ErrorInfo>,
    /// JSON-RPC error code.
    pub error_code: Option<i64>,
    /// Arguments.
    pub arguments: Option<Payload>,
    /// Result.
    pub result: Option<Payload>,
    /// `_meta` of the request.
    pub request_meta: Option<Payload>,
    /// Transport facts.
    pub transport: Option<Payload>,
    /// Properties.
    pub properties: Option<Payload>,
    /// The body as it came, masked.
    pub raw: Option<Payload>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Groups.
    pub groups: BTreeMap<String, String>,
    /// Traits the event carried.
    pub traits: serde_json::Map<String, serde_json::Value>,
    /// MCP revision.
    pub protocol_version: Option<String>,
    /// Recording library.
    pub sdk: Option<Peer>,
    /// Model.
    pub model: Option<String>,
    /// Conversation handle.
    pub conversation_id: Option<String>,
}

/// A commit, as the live feed learns of it.
#[derive(Debug)]
pub struct Committed {
    /// The new events in commit order.
    pub events: Vec<EventRow>,
}
