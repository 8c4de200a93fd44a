//! What a transport tells beside the bytes of a message: which exchange pairs its ids, whose facts hold, which session and
//! user it names (CAP §2.2, §3). A pipe has one scope for all; over HTTP each exchange has its own.

use std::collections::HashMap;

use trackway_event::{Payload, Peer, SessionId};

/// The surroundings of a message.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Number of the HTTP exchange within which request ids are told apart; 0: ids are those of the connection.
    pub exchange: u64,
    /// Number of the connection whose client, server and revision hold: one for a pipe, one for each MCP session.
    /// 0 over HTTP: none, nothing is carried from one request to the next.
    pub connection: u64,
    /// How the message travels.
    pub transport: Transport,
    /// The MCP session id of a legacy request in clear; it leaves only as the `ses_…` derived from it.
    pub mcp_session: Option<Box<str>>,
    /// What the `User-Agent` says, for requests that name no client.
    pub user_agent: Option<Peer>,
    /// The agent's own address, where the transport shows it and it tells agents apart; it leaves only as a keyed hash (D14).
    pub address: Option<Box<str>>,
    /// The user as a header or a claim names it by the operator's rule.
    pub actor: Option<Box<str>>,
    /// The user as a callback of the host named them; goes before every other way.
    pub person: Option<trackway_event::Actor>,
    /// The session as the host or the agent named it; goes before every other way (rung 1, SDK-50, SDK-54).
    pub told: Option<Told>,
    /// The headers that are kept (SDK-91). JSON text.
    pub headers: Option<Payload>,
}

/// A session named beside the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// By a callback of the host: any text of 1 to 256 characters; it leaves only as the `ses_…` derived from it.
    Named(Box<str>),
    /// By the handle that the agent was given, as it stands.
    Handle(SessionId),
    /// By a handle that nobody gave out: no session at all, so that none is joined by mistake.
    Unknown,
}

/// How messages travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// A pair of pipes.
    #[default]
    Stdio,
    /// Streamable HTTP, or the older HTTP+SSE.
    Http,
}

impl Transport {
    /// As it stands in an event.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
        }
    }
}

/// How an HTTP exchange ended, for the requests of it that have no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The answer was complete, with this HTTP status.
    Complete(u16),
    /// No connection to the server, or none that gave an answer.
    NoUpstream,
    /// An event stream ended, or broke off.
    StreamEnded,
    /// The client went away.
    ClientGone,
    /// The host dropped the call before it had an answer.
    Cancelled,
    /// The handler panicked.
    Panicked,
    /// The answer passed in a form that cannot be read, such as a compressed one.
    Unreadable,
}

/// Connections whose facts are remembered.
const CONNECTIONS: usize = 10_000;

/// What holds for all requests of a connection.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) client: Option<Peer>,
    pub(super) protocol_version: Option<Box<str>>,
    /// The running session of a pipe, and when it was last used (wall clock, µs).
    pub(super) session: Option<(SessionId, u64)>,
    /// The session of the latest request, for the notifications around it.
    pub(super) latest: Option<(SessionId, trackway_event::SessionSource)>,
    pub(super) noise: u32,
    /// `server/discover` was asked and nothing has been opened since.
    pub(super) discovered: bool,
}

/// The facts of every connection, bounded.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: HashMap<u64, Facts>,
    /// For requests of no connection; emptied before each.
    none: Facts,
}

impl Connections {
    pub(super) fn of(&mut self, scope: &Scope) -> &mut Facts {
        if scope.connection == 0 && scope.transport == Transport::Http {
            self.none = Facts::default();
            return &mut self.none;
        }
        if self.all.len() >= CONNECTIONS && !self.all.contains_key(&scope.connection) {
            // Any will do: a forgotten session's client is named again by nothing but costs only its name.
            if let Some(key) = self.all.keys().next().copied() {
                self.all.remove(&key);
            }
        }
        self.all.entry(scope.connection).or_default()
    }

    pub(super) fn forget(&mut self, connection: u64) {
        self.all.remove(&connection);
    }
}
