//! Where a field of the filter grammar is found in the ledger: its column or expression, and whether it is of an event or of
//! a session. Called by [`super::filter_sql`], which compares what stands here with what was asked.

use trackway_core::filter::{Condition, Field, SIGNALS};
use trackway_core::metric::weight::NEAR_CAP_TOKENS;
use trackway_event::{CaptureBy, ErrorClass, Input, IntentSource, Kind, SessionSource, Status, limits};

/// What a list is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// `event e`, with `session s` joined.
    Events,
    /// `session s`.
    Sessions,
}

/// What became of a call; of one with several requests, of the whole.
const STATUS: &str = "coalesce(e.call_status, e.status)";
/// The group that an event's group is shown under.
const ISSUE: &str = "coalesce((SELECT parent FROM issue_merge WHERE child = e.issue), e.issue)";
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Event,
    Session,
}

/// How a field is found in the ledger.
pub(super) struct What {
    pub(super) level: Level,
    pub(super) form: Form,
}

pub(super) enum Form {
    /// A text column.
    Text(&'static str),
    /// A number into a dictionary: the column, and the dictionary's rows whose text is compared: (table, key, text).
    Dict(&'static str, &'static str, &'static str, &'static str),
    /// A closed list: the column, and how a name becomes a number.
    Code(&'static str, fn(&str) -> Option<i64>),
    /// A number, and what the caller's unit is multiplied with.
    Number(&'static str, f64),
    /// Whether something holds.
    Flag(&'static str),
    /// A tag.
    Tag(String),
    /// A row of people, and a trait of the person it is shown under: compared as texts, or as numbers where it is one.
    Trait(&'static str, String),
    /// Accounts of this type, their keys compared.
    Group(&'static str, String),
    /// A value in the payload: which piece, and its path there.
    Payload(i64, String),
    /// Listings seen in the whole session, whose head is this.
    Catalog(Whole),
    /// How the whole session ended.
    Ending(Whole),
    /// Words for what stands out about an event or its session.
    Signal(Target),
    /// A row of people, compared by any id of the person it is shown under.
    Person(&'static str),
}

impl What {
    pub(super) fn of(condition: &Condition, target: Target) -> Self {
        use Level::{Event, Session};
        let (level, form) = match &condition.field {
            Field::Kind => (Event, Form::Code("e.kind", |t| Kind::parse(t).map(|k| k.code().into()))),
            Field::Status => (Event, Form::Code(STATUS, |t| Status::parse(t).map(|k| k.code().into()))),
            Field::Method => (Event, Form::Dict("e.method", "name", "id", "text")),
            // nested and declared errors do not count (flags 1 and 32)
            Field::Failed => {
                (Event, Form::Flag("(coalesce(e.call_status, e.status) IN (2, 3) AND e.flags & 33 = 0)"))
            }
            Field::Tool => (Event, Form::Dict("e.tool", "name", "id", "text")),
            Field::Resource => (Event, Form::Dict("e.resource", "name", "id", "text")),
            // the name of a prompt is where a resource's is; so is that of a custom event
            Field::Prompt => {
                (Event, Form::Dict("(CASE e.kind WHEN 7 THEN e.resource END)", "name", "id", "text"))
            }
            Field::Custom => {
                (Event, Form::Dict("(CASE e.kind WHEN 14 THEN e.resource END)", "name", "id", "text"))
            }
            Field::UnknownTool => (Event, Form::Flag("(e.flags & 8 <> 0)")),
            Field::Sdk => (Session, Form::Dict("s.sdk", "peer", "id", "name")),
            Field::Class => (Event, Form::Code("e.class", |t| ErrorClass::parse(t).map(|k| k.code().into()))),
            Field::Issue => (Event, Form::Number(ISSUE, 1.0)),
            Field::Error => (Event, Form::Text("e.error_message")),
            // names are as they were sent
            Field::ClientRaw => of_session(target, "client", "peer", "name"),
            Field::Client => of_session(target, "client", "peer", "name"),
            Field::ClientVersion => of_session(target, "client", "peer", "version"),
            Field::Server => of_session(target, "server", "peer", "name"),
            Field::ServerVersion => of_session(target, "server", "peer", "version"),
            Field::Protocol => of_session(target, "protocol", "name", "text"),
            Field::Transport => (Event, Form::Payload(TRANSPORT, "kind".into())),
            Field::Prop(path) => (Event, Form::Payload(PROPERTIES, path.clone())),
            Field::Catalog => (Session, Form::Catalog(whole(target))),
            Field::Ending => (Session, Form::Ending(whole(target))),
            Field::Signal => {
                let asked = asked_signals(condition);
                let alone = target == Target::Sessions && asked.iter().all(|w| of_event(w).is_some());
                let level = if alone { Event } else { Session };
                (level, Form::Signal(if alone { Target::Events } else { target }))
            }
            Field::Model => (Event, Form::Dict("e.model", "name", "id", "text")),
            Field::Input => (Event, Form::Code("e.input", |t| Input::parse(t).map(|k| k.code().into()))),
            Field::Capture => {
                (Event, Form::Code("e.capture", |t| CaptureBy::parse(t).map(|k| k.code().into())))
            }
            Field::Person if target == Target::Events => {
                (Event, Form::Person("coalesce(e.person, s.attributed)"))
            }
            Field::Person => (Session, Form::Person("s.person")),
            Field::Identified => (Session, Form::Flag("(s.person IS NOT NULL)")),
            Field::Session => (Session, Form::Text("s.id")),
            Field::SessionSource => {
                (Session, Form::Code("s.source", |t| SessionSource::parse(t).map(|k| k.code().into())))
            }
            Field::Calls => (Session, Form::Number("s.tool_calls", 1.0)),
            Field::Errors => (Session, Form::Number("s.errors", 1.0)),
            Field::Length => (Session, Form::Number("(s.last_at - s.started_at)", 1e6)),
            Field::Intent => (Event, Form::Text("e.intent")),
            Field::IntentSource => {
                (Event, Form::Code("e.intent_source", |t| IntentSource::parse(t).map(|k| k.code().into())))
            }
            Field::Duration => (Event, Form::Number("coalesce(e.call_us, e.duration_us)", 1e3)),
            Field::BytesIn => (Event, Form::Number("e.bytes_in", 1.0)),
            Field::BytesOut => (Event, Form::Number("e.bytes_out", 1.0)),
            Field::Tokens => (
                Event,
                Form::Number(
                    "(CASE WHEN coalesce(e.tokens_in, e.tokens_out) IS NOT NULL THEN coalesce(e.tokens_in, 0) + coalesce(e.tokens_out, 0) END)",
                    1.0,
                ),
            ),
            Field::Tag(key) => (Event, Form::Tag(key.clone())),
            Field::Trait(key) if target == Target::Events => {
                (Event, Form::Trait("coalesce(e.person, s.attributed)", key.clone()))
            }
            Field::Trait(key) => (Session, Form::Trait("s.person", key.clone())),
            Field::Group(kind) if target == Target::Events => (
                Event,
                Form::Group(
                    "account_event x JOIN account a ON a.row = x.account WHERE x.seq = e.seq",
                    kind.clone(),
                ),
            ),
            Field::Group(kind) => (
                Session,
                Form::Group(
                    "account_session x JOIN account a ON a.row = x.account WHERE x.session IN (SELECT s.row UNION ALL SELECT m.row FROM session m WHERE m.head = s.row)",
                    kind.clone(),
                ),
            ),
        };
        Self { level, form }
    }
}

/// The pieces that the function `payload` knows.
const PROPERTIES: i64 = 0;
const TRANSPORT: i64 = 1;

/// A session with all of its fragments.
pub(super) struct Whole {
    /// Their rows.
    pub(super) parts: &'static str,
    /// Its latest start.
    pub(super) last_at: &'static str,
}

pub(super) const fn whole(target: Target) -> Whole {
    match target {
        Target::Sessions => Whole {
            parts: "(SELECT s.row UNION ALL SELECT m.row FROM session m WHERE m.head = s.row)",
            last_at: "s.last_at",
        },
        Target::Events => Whole {
            parts: "(SELECT coalesce(s.head, s.row) UNION ALL SELECT m.row FROM session m WHERE m.head = coalesce(s.head, s.row))",
            last_at: "(SELECT h.last_at FROM session h WHERE h.row = coalesce(s.head, s.row))",
        },
    }
}

/// One row: what the calls of a session tell. Index event_session.
pub(super) fn told(whole: &Whole) -> String {
    format!(
        "(SELECT calls_tell(x.seq, x.kind, coalesce(x.call_status, x.status), x.started_at, coalesce(x.call_us, x.duration_us), x.tool, x.flags, x.repeat) AS told FROM event x WHERE x.session IN {})",
        whole.parts
    )
}

/// The words a condition on signals asks for.
pub(super) fn asked_signals(condition: &Condition) -> Vec<&str> {
    if condition.values.is_empty() {
        SIGNALS.to_vec()
    } else {
        condition.values.iter().map(String::as_str).collect()
    }
}

/// The words that one event answers alone; the others need its session.
pub(super) fn of_event(word: &str) -> Option<&'static str> {
    const { assert!(NEAR_CAP_TOKENS == 20_000 && limits::SESSION_QUIET.as_secs() == 1_800) };
    Some(match word {
        "missing" => {
            "(e.kind = 11 OR (e.kind = 12 AND json_extract(e.tags, '$.feedback_type') = 'missing_capability'))"
        }
        "feedback" => "(e.kind = 12)",
        "bad_args" => "(coalesce(e.class, 0) = 1)",
        "truncated" => "(e.flags & 16 <> 0)",
        "heavy" => "(coalesce(e.tokens_out, 0) >= 20000)",
        "late" => "(e.received_at - e.started_at - coalesce(e.duration_us, 0) > 1800000000)",
        _ => return None,
    })
}

/// A fact of sessions that an event may tell of itself, and then differently.
fn of_session(target: Target, column: &str, table: &'static str, text: &'static str) -> (Level, Form) {
    let column = match (target, column) {
        (Target::Sessions, "client") => "s.client",
        (Target::Sessions, "server") => "s.server",
        (Target::Sessions, _) => "s.protocol",
        (Target::Events, "client") => "coalesce(e.client, s.client)",
        (Target::Events, "server") => "coalesce(e.server, s.server)",
        (Target::Events, _) => "coalesce(e.protocol, s.protocol)",
    };
    (Level::Session, Form::Dict(column, table, "id", text))
}
