//! Accounts: the groups that events name.

use trackway_event::Timestamp;

use super::{PageAsk, PersonRow, Scope, SessionRow, TraitSource};

/// Accounts of a scope.
#[derive(Clone, Debug)]
pub struct AccountsAsk {
    /// Which part of the data.
    pub scope: Scope,
    /// Only this type.
    pub kind: Option<String>,
    /// Which page.
    pub page: PageAsk,
    /// `last` (default, descending), `first`, `calls`, `errors`, `people`, `sessions`, `name`.
    pub sort: Option<String>,
}

/// An account as named on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRef {
    /// Its type: `organization`, …
    pub kind: String,
    /// Its key.
    pub key: String,
    /// Newest known name.
    pub name: Option<String>,
}

/// One account; figures are those of the events that name it, of all time.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// Which.
    pub account: AccountRef,
    /// First event ever.
    pub first_seen: Timestamp,
    /// Newest event ever.
    pub last_seen: Timestamp,
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
    pub traits: serde_json::Map<String, serde_json::Value>,
}

/// One account in full.
#[derive(Clone, Debug)]
pub struct AccountDetail {
    /// The row.
    pub row: AccountRow,
    /// Where each property got its value.
    pub sources: Vec<TraitSource>,
    /// People, latest seen first, at most 50.
    pub people: Vec<PersonRow>,
    /// Newest sessions, at most 50.
    pub sessions: Vec<SessionRow>,
}
