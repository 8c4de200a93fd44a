//! One recorded fact and its parts. The same struct is the native wire form (D1), what adapters turn foreign bodies
//! into, and what the store is given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{ActorId, EventId, SessionId};
use crate::identity::Identity;
use crate::json::Payload;
use crate::time::Timestamp;

/// One recorded fact (fields: CAP §2.5 and AC "Internal event").
///
/// On the wire absent and `null` members are equal, unknown members are ignored, and everything but `id`, `kind` and
/// `started_at` may be left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Constant over retries; the second half of the dedupe key.
    pub id: EventId,
    /// What sort of fact this is.
    pub kind: Kind,
    /// The method or event type as it was named where it came from: `tools/call`, `agentcat:custom`, …
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub name: Box<str>,
    /// When the request started, after skew correction.
    pub started_at: Timestamp,
    /// The client's own time before any correction, the first half of the dedupe key (D4);
    /// [`Timestamp::ZERO`] where none was sent or it could not be read. Absent on the wire: `started_at` as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_time: Option<Timestamp>,
    /// From request to answer, µs. `None` for facts without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// What became of the request; `None` for facts that are no request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The session as the recorder knows it. `None`: the server groups by actor, client and time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Which rung of the ladder gave `session_id` (CAP §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_source: Option<SessionSource>,
    /// The conversation handle of a client that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<Box<str>>,
    /// Tool of a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Box<str>>,
    /// URI of a resource, name of a prompt, label of a custom event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Box<str>>,
    /// The agent's own sentence on why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Box<str>>,
    /// How the intent is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent_source: Option<IntentSource>,
    /// What went wrong. Also set where the client declared an error that does not count (see [`Flags::declared_error`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<ErrorInfo>>,
    /// The tool's arguments after stripping, or the parameters of another request. JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Payload>,
    /// The answer. JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Payload>,
    /// The request's `_meta`. JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_meta: Option<Payload>,
    /// Transport facts: kept headers, request id, transport kind. JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Payload>,
    /// The agent's process, where the recorder runs in it or beside it: any text that no other process has, the same while it
    /// runs. Fragments of one conversation are told by it (D14). Never that of a server that many agents share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Box<str>>,
    /// A keyed hash of the agent's own address, as the recorder saw it (D14); never the address in clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Box<str>>,
    /// The identified user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Box<Actor>>,
    /// What it says of who its user is beyond `actor`: merges, groups, updates of a person (wire-posthog §8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Box<Identity>>,
    /// Group type → key, at most [`crate::limits::GROUPS`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<Box<str>, Box<str>>,
    /// The program the agent lives in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Peer>,
    /// The MCP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Peer>,
    /// The recording library: name or language, and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<Peer>,
    /// MCP revision of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<Box<str>>,
    /// Language model, where a client names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Box<str>>,
    /// Estimated or given token counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// JSON-RPC error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i64>,
    /// Bytes of the request as it was on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_in: Option<u64>,
    /// Bytes of the answer as it was on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_out: Option<u64>,
    /// Searchable labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<Box<str>, Box<str>>,
    /// Free members of the event. JSON text of an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Payload>,
    /// Who recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<CaptureBy>,
    /// Which wire it came by. Set by the adapter, ignored on the native wire.
    #[serde(skip)]
    pub input: Input,
    /// Which way the request went; absent: client to server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Facts that change how the event counts.
    #[serde(default, skip_serializing_if = "Flags::is_default")]
    pub flags: Flags,
    /// What was coerced, cut or replaced on the way in: `coerced:<field>`, `timestamp_replaced`, …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Box<str>>,
    /// The body as it came, credentials masked, where the adapter keeps it (AC R15). JSON text.
    #[serde(skip)]
    pub raw: Option<Payload>,
}

impl Event {
    /// An event with nothing but what every event has.
    pub fn new(id: EventId, kind: Kind, started_at: Timestamp) -> Self {
        Self {
            id,
            kind,
            name: "".into(),
            started_at,
            raw_time: None,
            duration_us: None,
            status: None,
            session_id: None,
            session_source: None,
            conversation_id: None,
            tool: None,
            resource: None,
            intent: None,
            intent_source: None,
            error: None,
            arguments: None,
            result: None,
            request_meta: None,
            transport: None,
            process: None,
            address: None,
            actor: None,
            identity: None,
            groups: BTreeMap::new(),
            client: None,
            server: None,
            sdk: None,
            protocol_version: None,
            model: None,
            tokens: None,
            error_code: None,
            bytes_in: None,
            bytes_out: None,
            tags: BTreeMap::new(),
            properties: None,
            capture: None,
            input: Input::Native,
            direction: None,
            flags: Flags::default(),
            notes: Vec::new(),
            raw: None,
        }
    }

    /// Whether it counts as a failure (product §2): `tool_error` or `protocol_error` on an agent-facing request.
    pub fn failed(&self) -> bool {
        self.status.is_some_and(Status::failed) && !self.flags.nested && !self.flags.declared_error
    }

    /// Whether it counts as one logical tool call (D16): no nested call, no leg that asked for input, no virtual tool.
    pub fn is_counted_call(&self) -> bool {
        self.kind == Kind::ToolCall
            && !self.flags.nested
            && !self.flags.mrtr_open
            && self.status != Some(Status::InputRequired)
    }

    /// Adds a note once, up to [`crate::limits::NOTES`].
    pub fn note(&mut self, note: &str) {
        if self.notes.len() < crate::limits::NOTES && !self.notes.iter().any(|n| &**n == note) {
            self.notes.push(note.into());
        }
    }
}

macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal : $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant = $code,)+
        }

        impl $name {
            /// Every member, in the order of the codes.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name on the wire and in every surface.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The number in the ledger; never reused.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The member with this number.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The member of this name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use closed_list;

closed_list! {
    /// What sort of fact an event is (D7, CAP §2.4).
    Kind {
        /// `tools/call` of a real tool.
        ToolCall = 1: "tool_call",
        /// `tools/list`.
        ToolsList = 2: "tools_list",
        /// `initialize`.
        Initialize = 3: "initialize",
        /// `resources/read`.
        ResourceRead = 4: "resource_read",
        /// `resources/list`.
        ResourcesList = 5: "resources_list",
        /// `resources/templates/list`.
        ResourceTemplatesList = 6: "resource_templates_list",
        /// `prompts/get`.
        PromptGet = 7: "prompt_get",
        /// `prompts/list`.
        PromptsList = 8: "prompts_list",
        /// `completion/complete`.
        Completion = 9: "completion",
        /// An identify callback named the user.
        Identify = 10: "identify",
        /// The agent asked for a tool that is not there.
        MissingCapability = 11: "missing_capability",
        /// The agent's opinion of the server.
        Feedback = 12: "feedback",
        /// An error reported on its own.
        Exception = 13: "exception",
        /// An event of the customer's own.
        Custom = 14: "custom",
        /// Other protocol traffic: in the raw timeline, hidden from counts.
        Protocol = 15: "protocol",
        /// One person's second id.
        Alias = 16: "alias",
        /// Properties of a group.
        GroupIdentify = 17: "group_identify",
        /// Properties of a person.
        PersonUpdate = 18: "person_update",
        /// `server/discover`.
        Discover = 19: "discover",
    }
}

impl Kind {
    /// Whether an event of this kind makes its session visible: identity facts and protocol noise alone do not (AC R24).
    pub const fn is_activity(self) -> bool {
        match self {
            Self::Identify | Self::Protocol | Self::Alias | Self::GroupIdentify | Self::PersonUpdate => false,
            Self::ToolCall
            | Self::ToolsList
            | Self::Initialize
            | Self::ResourceRead
            | Self::ResourcesList
            | Self::ResourceTemplatesList
            | Self::PromptGet
            | Self::PromptsList
            | Self::Completion
            | Self::MissingCapability
            | Self::Feedback
            | Self::Exception
            | Self::Custom
            | Self::Discover => true,
        }
    }

    /// Whether events of this kind are told apart by a tool or resource name in figures.
    pub const fn is_named(self) -> bool {
        match self {
            Self::ToolCall | Self::ResourceRead | Self::PromptGet | Self::Custom => true,
            Self::Identify
            | Self::Protocol
            | Self::Alias
            | Self::GroupIdentify
            | Self::PersonUpdate
            | Self::ToolsList
            | Self::Initialize
            | Self::ResourcesList
            | Self::ResourceTemplatesList
            | Self::PromptsList
            | Self::Completion
            | Self::MissingCapability
            | Self::Feedback
            | Self::Exception
            | Self::Discover => false,
        }
    }
}

closed_list! {
    /// What became of a request (CAP §2.3, D18).
    Status {
        /// A result without `isError`.
        Ok = 1: "ok",
        /// A result with `isError: true`.
        ToolError = 2: "tool_error",
        /// A JSON-RPC error, or a handler that panicked.
        ProtocolError = 3: "protocol_error",
        /// An HTTP answer without a JSON-RPC answer in it, or no upstream.
        TransportError = 4: "transport_error",
        /// The client took it back.
        Cancelled = 5: "cancelled",
        /// No answer within the recorder's patience.
        Timeout = 6: "timeout",
        /// The connection ended without an answer.
        Lost = 7: "lost",
        /// A leg that asks the client for input.
        InputRequired = 8: "input_required",
        /// A task was created.
        Task = 9: "task",
    }
}

impl Status {
    /// Whether it counts as a failure (product §2).
    pub const fn failed(self) -> bool {
        match self {
            Self::ToolError | Self::ProtocolError => true,
            Self::Ok
            | Self::TransportError
            | Self::Cancelled
            | Self::Timeout
            | Self::Lost
            | Self::InputRequired
            | Self::Task => false,
        }
    }

    /// Whether the call is finished: `ok` or failed (product §2).
    pub const fn finished(self) -> bool {
        matches!(self, Self::Ok) || self.failed()
    }
}

closed_list! {
    /// Which rule gave an event its session: CAP §3's rungs 1 to 8, and `given`.
    SessionSource {
        /// A rule of the operator.
        Operator = 1: "operator",
        /// A conversation key of a known client.
        VendorMeta = 2: "vendor_meta",
        /// Derived from the MCP session id.
        McpSession = 3: "mcp_session",
        /// One stdio process.
        StdioProcess = 4: "stdio_process",
        /// Actor, client and a 30-minute window.
        Grouped = 5: "grouped",
        /// The trace id.
        Trace = 6: "trace",
        /// Address, user agent, client and a 30-minute window.
        Inferred = 7: "inferred",
        /// Nothing: the event is its own session.
        None = 8: "none",
        /// A foreign SDK's id, verbatim.
        Given = 9: "given",
    }
}

closed_list! {
    /// How an intent is known.
    IntentSource {
        /// The agent wrote it for this very call.
        Given = 1: "given",
        /// Taken over from the call before.
        Inherited = 2: "inherited",
        /// Worked out by rule.
        Inferred = 3: "inferred",
    }
}

closed_list! {
    /// The wire an event came by (D7).
    #[derive(Default)]
    Input {
        /// Our own batch.
        #[default]
        Native = 1: "native",
        /// AgentCat's or MCPcat's SDKs.
        Agentcat = 2: "agentcat",
        /// PostHog's SDKs.
        Posthog = 3: "posthog",
        /// OpenTelemetry.
        Otlp = 4: "otlp",
    }
}

closed_list! {
    /// Who recorded an event (D7).
    CaptureBy {
        /// A library inside the server.
        Sdk = 1: "sdk",
        /// `trackway wrap`.
        Wrap = 2: "wrap",
        /// `trackway proxy`.
        Proxy = 3: "proxy",
    }
}

closed_list! {
    /// Which way a request went.
    Direction {
        /// The usual way.
        ClientToServer = 1: "client_to_server",
        /// Sampling, elicitation, roots.
        ServerToClient = 2: "server_to_client",
    }
}

/// A program that takes part: client, server or recording library.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Peer {
    /// Its name as it gives it.
    pub name: Box<str>,
    /// Its version, where it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Box<str>>,
}

/// The identified user of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Actor {
    /// Stable id in the customer's own system.
    pub id: ActorId,
    /// Shown name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// Facts about the user; the newest event time wins per key (D9).
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub traits: serde_json::Map<String, serde_json::Value>,
}

/// What went wrong (AC §4 "Failure details", SDK-100).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorInfo {
    /// Class or code name, `null` where nothing better than the message is known.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Box<str>>,
    /// The text as the server gave it.
    #[serde(default)]
    pub message: Box<str>,
    /// `javascript`, `python`, `go`, `rust`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Box<str>>,
    /// The stack as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<Box<str>>,
    /// Frames, innermost last as the SDKs send them; at most [`crate::limits::FRAMES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
    /// Causes, nearest first; at most [`crate::limits::CHAIN`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<Cause>,
}

/// One stack frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Path of the source file, without scheme, relative where the SDK made it so.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub filename: Box<str>,
    /// Function.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub function: Box<str>,
    /// Line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineno: Option<u32>,
    /// Column, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colno: Option<u32>,
    /// Whether it is the customer's own code.
    #[serde(default)]
    pub in_app: bool,
    /// Module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<Box<str>>,
    /// The source line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_line: Option<Box<str>>,
}

/// One cause of an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// Class of the cause.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Box<str>>,
    /// Its text.
    #[serde(default)]
    pub message: Box<str>,
    /// Its stack as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<Box<str>>,
    /// Its frames.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
}

/// Token counts of one event (AC R29).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<u32>,
    /// Of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<u32>,
    /// Whether they are our estimate.
    #[serde(default)]
    pub estimated: bool,
}

/// Facts that change how an event counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Flags {
    /// A tool called by a tool: in the replay, not in counts (AC R27).
    #[serde(skip_serializing_if = "is_false")]
    pub nested: bool,
    /// An MRTR leg that asked for input: not counted as a call (AC R28).
    #[serde(skip_serializing_if = "is_false")]
    pub mrtr_open: bool,
    /// An MRTR leg that carries the client's answer.
    #[serde(skip_serializing_if = "is_false")]
    pub mrtr_continuation: bool,
    /// The server knows no tool of that name.
    #[serde(skip_serializing_if = "is_false")]
    pub unknown_tool: bool,
    /// A payload was cut.
    #[serde(skip_serializing_if = "is_false")]
    pub truncated: bool,
    /// The SDK called it an error, but it does not count as one (AC R26).
    #[serde(skip_serializing_if = "is_false")]
    pub declared_error: bool,
    /// Invented traffic of the demo.
    #[serde(skip_serializing_if = "is_false")]
    pub demo: bool,
    /// The detail of a failed call that is reported on its own: shown with that call, and no failure beside it (PH R22).
    #[serde(skip_serializing_if = "is_false")]
    pub sibling: bool,
}

fn is_false(b: &bool) -> bool {
    !b
}

impl Flags {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// As bits for the ledger; the positions are never reused.
    pub const fn bits(self) -> u32 {
        self.nested as u32
            | (self.mrtr_open as u32) << 1
            | (self.mrtr_continuation as u32) << 2
            | (self.unknown_tool as u32) << 3
            | (self.truncated as u32) << 4
            | (self.declared_error as u32) << 5
            | (self.demo as u32) << 6
            | (self.sibling as u32) << 7
    }

    /// From the bits of the ledger.
    pub const fn from_bits(bits: u32) -> Self {
        Self {
            nested: bits & 1 != 0,
            mrtr_open: bits & 2 != 0,
            mrtr_continuation: bits & 4 != 0,
            unknown_tool: bits & 8 != 0,
            truncated: bits & 16 != 0,
            declared_error: bits & 32 != 0,
            demo: bits & 64 != 0,
            sibling: bits & 128 != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_names_and_bits_come_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind.code()), Some(*kind));
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        for bits in 0..256 {
            assert_eq!(Flags::from_bits(bits).bits(), bits);
        }
    }

    #[test]
    fn a_bare_event_is_read() {
        let event: Event = serde_json::from_str(
            r#"{"id":"evt_x","kind":"tool_call","started_at":"2026-01-02T03:04:05Z","arguments":{"a":123456789012345678901234567890},"unknown":1}"#,
        )
        .unwrap();
        assert_eq!(event.arguments.unwrap().get(), r#"{"a":123456789012345678901234567890}"#);
        assert_eq!(event.input, Input::Native);
    }
}
