//! By what ways calls come: how well each client, model, revision, recorder or person does, from the newest calls.

use trackway_event::{Peer, Timestamp};

use super::Attempts;

/// What calls are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The client's name and version.
    Client,
    /// The language model, where the client names it.
    Model,
    /// The revision of the protocol.
    Protocol,
    /// The recording library, its version, and how it recorded.
    Recorder,
    /// The identified person, by the id they are shown under.
    Person,
}

/// What the newest calls of a scope tell, way by way.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// Most sessions first, then most calls.
    pub items: Vec<Way>,
    /// Calls looked at, at most [`super::SIGNAL_CALLS`].
    pub calls: u64,
    /// Set when not every call of the scope was looked at.
    pub partial: Option<String>,
}

/// One way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Way {
    /// Its name: of the client, model, revision, recorder, or the person's id. `None`: nobody said.
    pub name: Option<Peer>,
    /// Sessions with a call that came this way.
    pub sessions: u64,
    /// People who came this way.
    pub people: u64,
    /// Calls.
    pub calls: u64,
    /// Calls that have finished, and of those the failed ones.
    pub finished: u64,
    /// Of the finished ones, the failed.
    pub failed: u64,
    /// Of the failed ones, those whose arguments were refused.
    pub bad_arguments: u64,
    /// Attempts that began this way.
    pub attempts: Attempts,
    /// Calls whose agent said why.
    pub intents: u64,
    /// Results that were near the size at which clients cut.
    pub near_cap: u64,
    /// Estimated tokens of arguments and results.
    pub tokens: u64,
    /// The tools it called most, at most 3.
    pub tools: Vec<String>,
    /// The clients it came with most, at most 3.
    pub clients: Vec<String>,
    /// Revisions of the protocol, most calls first, at most 3.
    pub protocols: Vec<String>,
    /// Who recorded and by which wire, most calls first, at most 3.
    pub recorders: Vec<String>,
    /// What the client said that it can do (`elicitation`, `roots`, `sampling` …), by the handshake of its newest session with a
    /// call. `None`: not told by client, no handshake was recorded there, or its payload is gone.
    pub capabilities: Option<Vec<String>>,
    /// Its newest call.
    pub last_at: Option<Timestamp>,
}

impl Way {
    /// Failed ÷ finished; `None` without a finished call.
    pub fn failed_share(&self) -> Option<f64> {
        (self.finished > 0).then(|| self.failed as f64 / self.finished as f64)
    }
}
