//! The fields of the filter grammar: one line each, its name in URLs, and what values it takes.

use trackway_event::{CaptureBy, ErrorClass, Input, IntentSource, Kind, SessionSource, Status};

use super::{Field, Op};

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
    /// `true` or `false`.
    Bool,
    /// One of a closed list; tells whether a word is in it.
    Word(fn(&str) -> bool),
}

/// Every field but those with a key of their own, in the order of `dashboard.md` §3.
pub const FIELDS: &[(&str, Field, ValueType)] = &[
    ("kind", Field::Kind, ValueType::Word(|w| Kind::parse(w).is_some())),
    ("status", Field::Status, ValueType::Word(|w| Status::parse(w).is_some())),
    ("method", Field::Method, ValueType::Text),
    ("failed", Field::Failed, ValueType::Bool),
    ("tool", Field::Tool, ValueType::Text),
    ("resource", Field::Resource, ValueType::Text),
    ("prompt", Field::Prompt, ValueType::Text),
    ("custom", Field::Custom, ValueType::Text),
    ("unknown_tool", Field::UnknownTool, ValueType::Bool),
    ("class", Field::Class, ValueType::Word(|w| ErrorClass::parse(w).is_some())),
    ("issue", Field::Issue, ValueType::Id),
    ("error", Field::Error, ValueType::Text),
    ("client", Field::Client, ValueType::Text),
    ("client_version", Field::ClientVersion, ValueType::Text),
    ("model", Field::Model, ValueType::Text),
    ("protocol", Field::Protocol, ValueType::Text),
    ("server", Field::Server, ValueType::Text),
    ("server_version", Field::ServerVersion, ValueType::Text),
    ("sdk", Field::Sdk, ValueType::Text),
    ("input", Field::Input, ValueType::Word(|w| Input::parse(w).is_some())),
    ("capture", Field::Capture, ValueType::Word(|w| CaptureBy::parse(w).is_some())),
    ("person", Field::Person, ValueType::Text),
    ("identified", Field::Identified, ValueType::Bool),
    ("session", Field::Session, ValueType::Text),
    ("session_source", Field::SessionSource, ValueType::Word(|w| SessionSource::parse(w).is_some())),
    ("calls", Field::Calls, ValueType::Number),
    ("errors", Field::Errors, ValueType::Number),
    ("length", Field::Length, ValueType::Number),
    ("intent", Field::Intent, ValueType::Text),
    (
        "intent_source",
        Field::IntentSource,
        ValueType::Word(|w| w == "none" || IntentSource::parse(w).is_some()),
    ),
    ("duration", Field::Duration, ValueType::Number),
    ("bytes_in", Field::BytesIn, ValueType::Number),
    ("bytes_out", Field::BytesOut, ValueType::Number),
    ("tokens", Field::Tokens, ValueType::Number),
];

/// Fields of `dashboard.md` §3 that nothing answers yet: refused by name, not as a typing mistake.
pub(super) const LATER: &[&str] =
    &["client_raw", "transport", "catalog", "ending", "goal", "goal_met", "signal", "prop", "field"];

/// How a field is made of its key.
type OfKey = fn(String) -> Field;

/// Fields with a key of their own after a dot.
pub(super) const KEYED: &[(&str, OfKey)] =
    &[("tag", Field::Tag), ("trait", Field::Trait), ("group", Field::Group)];

/// Every operator with its name.
pub const OPS: &[(&str, Op)] = &[
    ("eq", Op::Eq),
    ("ne", Op::Ne),
    ("in", Op::In),
    ("nin", Op::Nin),
    ("has", Op::Has),
    ("nhas", Op::Nhas),
    ("gt", Op::Gt),
    ("gte", Op::Gte),
    ("lt", Op::Lt),
    ("lte", Op::Lte),
    ("set", Op::Set),
    ("unset", Op::Unset),
];

impl Field {
    /// The name in URLs, without the key of a tag, trait or group.
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
        } else {
            None
        }
    }

    /// What its values are. Tags and groups are text.
    pub fn value_type(&self) -> ValueType {
        if matches!(self, Self::Trait(_)) {
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
            Self::Has | Self::Nhas => matches!(values, ValueType::Text | ValueType::Any),
            Self::Gt | Self::Gte | Self::Lt | Self::Lte => {
                matches!(values, ValueType::Number | ValueType::Any)
            }
        }
    }
}
