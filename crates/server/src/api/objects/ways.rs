//! By what ways calls come, as objects.

use serde::Serialize;
use trackway_store::query as q;
use utoipa::ToSchema;

use super::{AttemptsObject, Program};

/// The newest calls of a period, told apart.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaysObject {
    /// `client`, `model`, `protocol`, `recorder` or `person`.
    pub by: String,
    /// Most sessions first.
    pub items: Vec<WayObject>,
    /// Calls looked at.
    pub calls: u64,
    /// Present when not every call of the period was looked at.
    pub partial: Option<String>,
}

/// One way.
#[derive(Debug, Serialize, ToSchema)]
pub struct WayObject {
    /// Client, model, revision, recorder or person's id; `null`: nobody said.
    pub name: Option<Program>,
    /// Sessions.
    pub sessions: u64,
    /// People.
    pub people: u64,
    /// Calls.
    pub calls: u64,
    /// Those that have finished.
    pub finished: u64,
    /// Those that failed.
    pub failed: u64,
    /// Of the failed ones, those whose arguments were refused.
    pub bad_arguments: u64,
    /// Attempts that began this way.
    pub attempts: AttemptsObject,
    /// Calls whose agent said why.
    pub intents: u64,
    /// Results near the size at which clients cut.
    pub near_cap: u64,
    /// Estimated tokens of arguments and results.
    pub tokens: u64,
    /// Tools it called most.
    pub tools: Vec<String>,
    /// Clients it came with most.
    pub clients: Vec<String>,
    /// Revisions of the protocol.
    pub protocols: Vec<String>,
    /// Who recorded, and by which wire.
    pub recorders: Vec<String>,
    /// What the client said that it can do, by the handshake of its newest session; `null`: not known, or not told by client.
    pub capabilities: Option<Vec<String>>,
    /// Newest call.
    pub last_at: Option<String>,
}

/// The word for what ways are told apart by.
pub const fn by_word(by: q::By) -> &'static str {
    match by {
        q::By::Client => "client",
        q::By::Model => "model",
        q::By::Protocol => "protocol",
        q::By::Recorder => "recorder",
        q::By::Person => "person",
    }
}

impl WaysObject {
    /// Ways as an object.
    pub fn of(by: q::By, ways: q::Ways) -> Self {
        let items = ways.items.into_iter().map(Into::into).collect();
        Self { by: by_word(by).into(), items, calls: ways.calls, partial: ways.partial }
    }
}

impl From<q::Way> for WayObject {
    fn from(w: q::Way) -> Self {
        Self {
            name: w.name.map(Into::into),
            sessions: w.sessions,
            people: w.people,
            calls: w.calls,
            finished: w.finished,
            failed: w.failed,
            bad_arguments: w.bad_arguments,
            attempts: w.attempts.into(),
            intents: w.intents,
            near_cap: w.near_cap,
            tokens: w.tokens,
            tools: w.tools,
            clients: w.clients,
            protocols: w.protocols,
            recorders: w.recorders,
            capabilities: w.capabilities,
            last_at: w.last_at.map(|at| at.to_string()),
        }
    }
}
