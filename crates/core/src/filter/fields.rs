//! The fields of the filter grammar: one line each, its name in URLs, and what values it takes.

use trackway_event::{CaptureBy, ErrorClass, Input, IntentSource, Kind, SessionSource, Status};

use super::{Field, Op};
use crate::chain::Ending;

/// What the values of a field are.
#[derive(Clone, Copy, Debug)]
pub enum ValueType {
    /// Any text.
    Text,
    /// Any text; ordered where it is a number.
    Any,
    /// A number: `duration` in ms, sizes in bytes, `length` in seconds.
    Number,
    /// An issue's number.
    Id,
    /// The beginning of a hash: at least four hexadecimal digits.
    Hash,
    /// `true` or `false`.
    Bool,
    /// One of a closed list: whether a word is in it, and the words as a refusal names them.
    Word(fn(&str) -> bool, fn() -> Vec<&'static str>),
}

/// The words of a closed list.
macro_rules! word {
    ($list:ident) => {
        ValueType::Word(|w| $list::parse(w).is_some(), || $list::ALL.iter().map(|one| one.as_str()).collect())
    };
}

/// Every field but those with a key of their own, in the order of `dashboard.md` §3.
pub const FIELDS: &[(&str, Field, ValueType)] = &[
    ("kind", Field::Kind, word!(Kind)),
    ("status", Field::Status, word!(Status)),
    ("method", Field::Method, ValueType::Text),
    ("failed", Field::Failed, ValueType::Bool),
    ("tool", Field::Tool, ValueType::Text),
    ("resource", Field::Resource, ValueType::Text),
    ("prompt", Field::Prompt, ValueType::Text),
    ("custom", Field::Custom, ValueType::Text),
    ("unknown_tool", Field::UnknownTool, ValueType::Bool),
    ("class", Field::Class, word!(ErrorClass)),
    ("issue", Field::Issue, ValueType::Id),
    ("error", Field::Error, ValueType::Text),
    ("client", Field::Client, ValueType::Text),
    ("client_raw", Field::ClientRaw, ValueType::Text),
    ("client_version", Field::ClientVersion, ValueType::Text),
    ("model", Field::Model, ValueType::Text),
    ("protocol", Field::Protocol, ValueType::Text),
    ("transport", Field::Transport, ValueType::Text),
    ("server", Field::Server, ValueType::Text),
    ("server_version", Field::ServerVersion, ValueType::Text),
    ("catalog", Field::Catalog, ValueType::Hash),
    ("sdk", Field::Sdk, ValueType::Text),
    ("input", Field::Input, word!(Input)),
    ("capture", Field::Capture, word!(CaptureBy)),
    ("person", Field::Person, ValueType::Text),
    ("identified", Field::Identified, ValueType::Bool),
    ("session", Field::Session, ValueType::Text),
    ("session_source", Field::SessionSource, word!(SessionSource)),
    ("calls", Field::Calls, ValueType::Number),
    ("errors", Field::Errors, ValueType::Number),
    ("length", Field::Length, ValueType::Number),
    ("ending", Field::Ending, word!(Ending)),
    ("intent", Field::Intent, ValueType::Text),
    (
        "intent_source",
        Field::IntentSource,
        ValueType::Word(
            |w| w == "none" || IntentSource::parse(w).is_some(),
            || IntentSource::ALL.iter().map(|i| i.as_str()).chain(["none"]).collect(),
        ),
    ),
    ("signal", Field::Signal, ValueType::Word(|w| SIGNALS.contains(&w), || SIGNALS.to_vec())),
    ("duration", Field::Duration, ValueType::Number),
    ("bytes_in", Field::BytesIn, ValueType::Number),
    ("bytes_out", Field::BytesOut, ValueType::Number),
    ("tokens", Field::Tokens, ValueType::Number),
];

/// The words of `signal`, what each means:
///
/// - `missing`: a report that a tool is missing; `feedback`: the agent's opinion
/// - `bad_args`: the server refused the arguments (error class `input_schema`); `truncated`: a payload was cut
/// - `heavy`: a result near the size at which clients cut it off ([`crate::metric::weight::NEAR_CAP_TOKENS`])
/// - `late`: it arrived after its session could count as ended ([`trackway_event::limits::SESSION_QUIET`])
/// - `loop`, `recovered`: the session went round in a loop (F-92), got past a failure (F-90)
pub const SIGNALS: &[&str] =
    &["missing", "feedback", "loop", "recovered", "bad_args", "truncated", "heavy", "late"];

/// Fields of `dashboard.md` §3 that nothing answers yet, and what to ask instead: refused by name, not as a typing mistake.
pub(super) const LATER: &[(&str, &str)] = &[
    ("goal", "sessions have no goals yet; search intent:has instead"),
    ("goal_met", "sessions have no goals yet; ending tells how their calls went"),
    ("field", "no custom fields are lifted yet; use prop.<path> or tag.<key>"),
];

/// How a field is made of its key.
type OfKey = fn(String) -> Field;

/// Fields with a key of their own after a dot.
pub(super) const KEYED: &[(&str, OfKey)] =
    &[("tag", Field::Tag), ("trait", Field::Trait), ("group", Field::Group), ("prop", Field::Prop)];

/// Every operator with its name.
pub const OPS: &[(&str, Op)] = &[
    ("eq", Op::Eq),
    ("ne", Op::Ne),
    ("in", Op::In),
    ("nin", Op::Nin),
    ("has", Op::Has),
    ("nhas", Op::Nhas),
    ("re", Op::Re),
    ("gt", Op::Gt),
    ("gte", Op::Gte),
    ("lt", Op::Lt),
    ("lte", Op::Lte),
    ("set", Op::Set),
    ("unset", Op::Unset),
];

impl Field {
    /// The name in URLs, without the key of a tag, trait, group or property.
    pub fn name(&self) -> &'static str {
        match self.keyed() {
            Some((name, _)) => name,
            None => FIELDS.iter().find(|(_, field, _)| field == self).map_or("tag", |(name, _, _)| name),
        }
    }

    /// The key of a field that has one.
    pub fn key(&self) -> Option<&str> {
        self.keyed().map(|(_, key)| key)
    }

    fn keyed(&self) -> Option<(&'static str, &str)> {
        if let Self::Tag(key) = self {
            Some(("tag", key))
        } else if let Self::Trait(key) = self {
            Some(("trait", key))
        } else if let Self::Group(kind) = self {
            Some(("group", kind))
        } else if let Self::Prop(path) = self {
            Some(("prop", path))
        } else {
            None
        }
    }

    /// What its values are. Tags and groups are text.
    pub fn value_type(&self) -> ValueType {
        if matches!(self, Self::Trait(_) | Self::Prop(_)) {
            return ValueType::Any;
        }
        FIELDS.iter().find(|(_, field, _)| field == self).map_or(ValueType::Text, |(_, _, of)| *of)
    }
}

impl Op {
    /// The name in URLs.
    pub fn name(self) -> &'static str {
        OPS.iter().find(|(_, op)| *op == self).map_or("eq", |(name, _)| name)
    }

    /// Whether it can be asked of values of this type.
    pub const fn suits(self, values: ValueType) -> bool {
        match self {
            Self::Eq | Self::Ne | Self::In | Self::Nin | Self::Set | Self::Unset => true,
            Self::Has | Self::Nhas | Self::Re => matches!(values, ValueType::Text | ValueType::Any),
            Self::Gt | Self::Gte | Self::Lt | Self::Lte => {
                matches!(values, ValueType::Number | ValueType::Any)
            }
        }
    }
}
