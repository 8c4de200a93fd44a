//! People and accounts as objects of the API.

use serde::Serialize;
use serde_json::{Map, Value};
use trackway_store::query as q;
use utoipa::ToSchema;

use super::{EventObject, SessionObject};

/// One identified person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonObject {
    /// Id in the customer's system.
    pub id: String,
    /// Newest name.
    pub name: Option<String>,
    /// Whether a merge has said that the id is a user's.
    pub identified: bool,
    /// First event ever.
    pub first_seen: String,
    /// Newest event ever.
    pub last_seen: String,
    /// Sessions ever.
    pub sessions: u64,
    /// Calls ever.
    pub tool_calls: u64,
    /// Failures ever.
    pub errors: u64,
    /// Accounts that its events named, at most 20.
    pub accounts: Vec<AccountName>,
    /// Traits, newest value per key.
    #[schema(value_type = Object)]
    pub properties: Map<String, Value>,
}

/// One person in full.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonDetailObject {
    /// The person.
    #[serde(flatten)]
    pub person: PersonObject,
    /// Where each trait got its value.
    pub sources: Vec<SourceObject>,
    /// The ids that are this person, the one it is shown under first; at most 200.
    pub ids: Vec<PersonIdObject>,
    /// What was said about its ids being one person, oldest first; at most 200.
    pub merges: Vec<MergeObject>,
    /// Newest sessions.
    pub recent_sessions: Vec<SessionObject>,
    /// Newest events of those sessions that belong to the person.
    pub timeline: Vec<EventObject>,
}

/// An account as named on a row.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountName {
    /// Its type.
    pub r#type: String,
    /// Its key.
    pub key: String,
    /// Newest name.
    pub name: Option<String>,
}

/// Where a value comes from.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceObject {
    /// The trait.
    pub key: String,
    /// The event that set it.
    pub event_id: String,
    /// When that was.
    pub at: String,
    /// `set`, or `set_once` where nothing was set.
    pub how: String,
}

/// One id of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonIdObject {
    /// The id.
    pub id: String,
    /// First event that named it.
    pub first_seen: String,
    /// Newest event that named it.
    pub last_seen: String,
}

/// A statement that two ids are one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergeObject {
    /// Its number: `DELETE …/merges/{id}` takes it back, `PUT` lets it count again.
    pub id: u64,
    /// The id that went into the other.
    pub source: String,
    /// The id that survived.
    pub target: String,
    /// `identify`, `alias` or `merge_dangerously`.
    pub via: String,
    /// The event that said so.
    pub event_id: String,
    /// When it said so.
    pub at: String,
    /// What became of it: `merged`, `already`, `second_user`, `both_identified`, `withdrawn` or `too_many`.
    pub verdict: String,
}

/// One account: a group that events name.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountObject {
    /// Which.
    #[serde(flatten)]
    pub account: AccountName,
    /// First event ever.
    pub first_seen: String,
    /// Newest event ever.
    pub last_seen: String,
    /// Events ever.
    pub events: u64,
    /// Calls ever.
    pub tool_calls: u64,
    /// Failures ever.
    pub errors: u64,
    /// People whose events named it.
    pub people: u64,
    /// Sessions with an event that named it.
    pub sessions: u64,
    /// Properties, newest value per key.
    #[schema(value_type = Object)]
    pub properties: Map<String, Value>,
}

/// One account in full.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountDetailObject {
    /// The account.
    #[serde(flatten)]
    pub account: AccountObject,
    /// Where each property got its value.
    pub sources: Vec<SourceObject>,
    /// People, latest seen first, at most 50.
    pub members: Vec<PersonObject>,
    /// Newest sessions.
    pub recent_sessions: Vec<SessionObject>,
}

/// One fragment that continues another.
#[derive(Debug, Serialize, ToSchema)]
pub struct JoinedObject {
    /// The session that ended.
    pub earlier: String,
    /// The session that goes on: `DELETE …/joined/{id}` parts it from the other, `PUT` joins it again.
    pub later: String,
    /// `process`, `actor`, `address`, or `hand`: an operator said so.
    pub evidence: String,
    /// How sure it is, from 0 to 1.
    pub confidence: f64,
    /// From the last event of one to the first of the other.
    pub gap_ms: f64,
    /// Whether an operator parted them.
    pub parted: bool,
}

impl From<q::Joined> for JoinedObject {
    fn from(j: q::Joined) -> Self {
        Self {
            earlier: j.earlier.to_string(),
            later: j.later.to_string(),
            evidence: j.evidence.as_str().into(),
            confidence: f64::from(j.confidence) / 100.0,
            gap_ms: j.gap_us as f64 / 1_000.0,
            parted: j.aside == q::Aside::Withdraw,
        }
    }
}

impl From<q::PersonRow> for PersonObject {
    fn from(p: q::PersonRow) -> Self {
        Self {
            id: p.actor.id.to_string(),
            name: p.actor.name,
            identified: p.identified,
            first_seen: p.first_seen.to_string(),
            last_seen: p.last_seen.to_string(),
            sessions: p.sessions,
            tool_calls: p.tool_calls,
            errors: p.errors,
            accounts: p.accounts.into_iter().map(Into::into).collect(),
            properties: p.traits,
        }
    }
}

impl From<q::AccountRef> for AccountName {
    fn from(a: q::AccountRef) -> Self {
        Self { r#type: a.kind, key: a.key, name: a.name }
    }
}

impl From<q::TraitSource> for SourceObject {
    fn from(s: q::TraitSource) -> Self {
        let how = match s.how {
            q::How::Set => "set",
            q::How::Once => "set_once",
        };
        Self { key: s.key, event_id: s.from.id.to_string(), at: s.from.at.to_string(), how: how.into() }
    }
}

impl From<q::PersonId> for PersonIdObject {
    fn from(i: q::PersonId) -> Self {
        Self {
            id: i.id.to_string(),
            first_seen: i.first_seen.to_string(),
            last_seen: i.last_seen.to_string(),
        }
    }
}

impl From<q::Merging> for MergeObject {
    fn from(m: q::Merging) -> Self {
        Self {
            id: m.id,
            source: m.said.source.to_string(),
            target: m.said.target.to_string(),
            via: m.said.via.as_str().into(),
            event_id: m.said.key.id.to_string(),
            at: m.said.key.at.to_string(),
            verdict: m.verdict.as_str().into(),
        }
    }
}

impl From<q::AccountRow> for AccountObject {
    fn from(a: q::AccountRow) -> Self {
        Self {
            account: a.account.into(),
            first_seen: a.first_seen.to_string(),
            last_seen: a.last_seen.to_string(),
            events: a.events,
            tool_calls: a.tool_calls,
            errors: a.errors,
            people: a.people,
            sessions: a.sessions,
            properties: a.traits,
        }
    }
}

impl PersonDetailObject {
    /// A person of a project in full as an object.
    pub fn of(project: &str, person: q::PersonDetail) -> Self {
        let sessions = person.sessions.into_iter();
        let timeline = person.timeline.into_iter();
        Self {
            person: person.row.into(),
            sources: person.sources.into_iter().map(Into::into).collect(),
            ids: person.ids.into_iter().map(Into::into).collect(),
            merges: person.merges.into_iter().map(Into::into).collect(),
            recent_sessions: sessions.map(|row| SessionObject::of(project, row)).collect(),
            timeline: timeline.map(|row| EventObject::of(project, row)).collect(),
        }
    }
}

impl AccountDetailObject {
    /// An account of a project in full as an object.
    pub fn of(project: &str, account: q::AccountDetail) -> Self {
        let sessions = account.sessions.into_iter();
        Self {
            account: account.row.into(),
            sources: account.sources.into_iter().map(Into::into).collect(),
            members: account.people.into_iter().map(Into::into).collect(),
            recent_sessions: sessions.map(|row| SessionObject::of(project, row)).collect(),
        }
    }
}
