//! Conditions over events and sessions: the one grammar of URL, API and command line (`dashboard.md` §3).
//!
//! `field:op[:value[,value…]]`. A field is known by its name in one table ([`fields`]), which also says what values and
//! operators it takes. What cannot be read is an error that names the nearest known word, never a dropped condition: data
//! under a filter that was dropped would lie.

pub mod fields;
mod parse;
mod pattern;
mod typed;

pub use fields::{SIGNALS, ValueType};
pub use parse::FilterError;
pub use pattern::pattern;

/// What a reader asked to see: every condition must hold, and the free text must match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// All must hold; at most [`trackway_event::limits::FILTER_CONDITIONS`].
    pub conditions: Vec<Condition>,
    /// Free text over intent, error message, tool and person's name.
    pub text: Option<String>,
}

impl Filter {
    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty() && self.text.is_none()
    }
}

/// One condition, `field:op:value,…`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is looked at.
    pub field: Field,
    /// How it is compared.
    pub op: Op,
    /// None for `set` and `unset`, several for `in` and `nin`, else one.
    pub values: Vec<String>,
}

/// What a condition looks at. Fields of later issues are refused by name until they exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Event kind.
    Kind,
    /// Status of a request.
    Status,
    /// MCP method.
    Method,
    /// `true` for `tool_error` and `protocol_error`.
    Failed,
    /// Tool name.
    Tool,
    /// Resource URI or prompt name.
    Resource,
    /// Name of a prompt.
    Prompt,
    /// Name of a custom event.
    Custom,
    /// Whether the server knows no tool of the name.
    UnknownTool,
    /// Error class.
    Class,
    /// Issue id.
    Issue,
    /// Error message.
    Error,
    /// Client name.
    Client,
    /// Client name as it was sent. Until names are resolved to programs it is the same as `client`.
    ClientRaw,
    /// Client version.
    ClientVersion,
    /// Server name.
    Server,
    /// Server version.
    ServerVersion,
    /// A listing of tools that the session saw, by the beginning of its hash.
    Catalog,
    /// Name of the recording library.
    Sdk,
    /// MCP revision.
    Protocol,
    /// How a request came: `stdio` or `http`, where its recorder says so.
    Transport,
    /// Language model.
    Model,
    /// Wire.
    Input,
    /// Recorder.
    Capture,
    /// Actor id.
    Person,
    /// Whether the session has an actor.
    Identified,
    /// Session id.
    Session,
    /// Session source.
    SessionSource,
    /// Tool calls of the session.
    Calls,
    /// Errors of the session.
    Errors,
    /// Session length in seconds.
    Length,
    /// How the session ended (F-79); unset while it is open.
    Ending,
    /// What stands out about an event or its session: one of [`SIGNALS`].
    Signal,
    /// Intent text.
    Intent,
    /// How the intent is known.
    IntentSource,
    /// Duration in ms.
    Duration,
    /// Bytes of the request.
    BytesIn,
    /// Bytes of the answer.
    BytesOut,
    /// Estimated or given tokens of arguments and result.
    Tokens,
    /// A tag by key.
    Tag(String),
    /// A property of the person by key.
    Trait(String),
    /// The key of a group by its type.
    Group(String),
    /// A property of the event by key, or by a path of keys with dots between them.
    Prop(String),
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal, or absent.
    Ne,
    /// One of.
    In,
    /// None of.
    Nin,
    /// Contains, ignoring case.
    Has,
    /// Does not contain.
    Nhas,
    /// Matches a pattern of linear time ([`pattern`]).
    Re,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Present.
    Set,
    /// Absent.
    Unset,
}
