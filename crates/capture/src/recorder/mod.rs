//! The recorder: observed JSON-RPC messages in, events out. It reads no clock, no randomness and no socket; times and
//! random bytes come with each message, so the same traffic gives the same events (CAP §2, INV-12).
//!
//! It works on copies, beside the traffic: whatever happens here changes no byte of a message.

mod ask;
mod call;
mod catalog;
mod ending;
mod feedback;
mod keys;
mod notice;
mod person;
mod scope;
mod session;
mod waiting;

use std::ops::Range;

use trackway_event::event::Flags;
use trackway_event::json::payload_of;
use trackway_event::{
    Actor, CaptureBy, Direction, ErrorInfo, Event, EventId, IntentSource, Kind, Peer, ProjectId, Status,
    Timestamp,
};

use crate::editor::id_of;
use crate::wire::inject::Mode;
use crate::wire::{Message, get, get_text, messages};

pub use feedback::{Feedback, SEND_FEEDBACK};
pub use person::IdentifyRule;
pub use scope::{Ending, Scope, Told, Transport};
pub use session::{SessionRules, TraceSessions};

use catalog::Catalog;
use keys::Keys;
use scope::Connections;
use waiting::{Key, Lane, Pending, Waiting};

/// Which way a line went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the agent.
    FromClient,
    /// From the server.
    FromServer,
}

/// A line as the proxy saw it, before any edit.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Which way it went.
    pub way: Way,
    /// Wall clock, for `started_at`.
    pub wall: Timestamp,
    /// Monotonic clock in µs, for durations.
    pub mono_us: u64,
    /// The bytes without the newline.
    pub line: Vec<u8>,
}

/// What the recorder is told once.
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// The project, for derived ids.
    pub project: ProjectId,
    /// Who records.
    pub capture: CaptureBy,
    /// Version of the recording program.
    pub version: Box<str>,
    /// What is done about `context`.
    pub mode: Mode,
    /// Where the actor is found.
    pub identify: Option<IdentifyRule>,
    /// Whether the traffic is the demo's.
    pub demo: bool,
    /// Whether notifications and pings are recorded.
    pub protocol: Protocol,
}

/// Whether protocol noise is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Notifications and pings too.
    All,
    /// Requests only, without pings.
    Requests,
}

/// Counters of what was seen and not recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines that are no JSON-RPC.
    pub unreadable: u64,
    /// Answers without a request.
    pub unpaired: u64,
    /// Progress and log notifications beyond those kept (CAP §2.4).
    pub noise: u64,
}

/// One connection's state.
pub struct Recorder {
    config: RecorderConfig,
    /// 16 random bytes per id.
    random: Box<dyn FnMut() -> [u8; 16] + Send>,
    waiting: Waiting,
    connections: Connections,
    server: Option<Peer>,
    people: person::People,
    catalog: Catalog,
    keys: Keys,
    sessions: SessionRules,
    feedback: Feedback,
    /// One-way, of the process at the other end of the pipe.
    process: Option<Box<str>>,
    /// What was not recorded.
    pub counts: Counts,
}

impl Recorder {
    /// A fresh connection; `random` gives 16 bytes per call.
    pub fn new(config: RecorderConfig, random: Box<dyn FnMut() -> [u8; 16] + Send>) -> Self {
        let keys = Keys::new(&config.project, None);
        let catalog = Catalog::new(&config.project);
        Self {
            config,
            keys,
            sessions: SessionRules::default(),
            feedback: Feedback::default(),
            process: None,
            random,
            waiting: Waiting::default(),
            connections: Connections::default(),
            server: None,
            people: person::People::default(),
            catalog,
            counts: Counts::default(),
        }
    }

    /// The same with the operator's rules for sessions and the salt of one-way keys.
    pub fn with_sessions(mut self, rules: SessionRules) -> Self {
        self.keys = Keys::new(&self.config.project, rules.salt.as_deref());
        self.sessions = rules;
        self
    }

    /// The same for a pipe that one process of an agent holds: `instance` is any text that no other such pipe has. It tells
    /// fragments of one conversation (D14) and leaves only as a keyed hash.
    pub fn with_process(mut self, instance: &str) -> Self {
        self.process = Some(self.keys.of("process", instance).into());
        self
    }

    /// The same, knowing that agents are offered a tool for feedback (SDK-31).
    pub fn with_feedback(mut self, feedback: Feedback) -> Self {
        self.feedback = feedback;
        self
    }

    /// Takes a line of a pipe in and adds the events it completes.
    pub fn observe(&mut self, seen: &Observed, out: &mut Vec<Event>) {
        self.observe_in(&Scope::default(), seen, out);
    }

    /// Takes a message in whose transport tells more than its bytes.
    pub fn observe_in(&mut self, scope: &Scope, seen: &Observed, out: &mut Vec<Event>) {
        if seen.line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let Some(all) = messages(&seen.line) else {
            self.counts.unreadable += 1;
            return;
        };
        for message in &all {
            match (&message.method, &message.id) {
                (Some(method), Some(_)) => self.request(scope, seen, message, method, out),
                (Some(method), None) => self.notification(scope, seen, message, method, out),
                (None, Some(_)) => self.answer(scope, seen, message, out),
                // Servers answer what they cannot read without an id; over HTTP it is the answer all the same.
                (None, None) if message.error.is_some() => self.answer(scope, seen, message, out),
                (None, None) => self.counts.unreadable += 1,
            }
        }
        leave_to_the_inner(out);
    }

    /// The connection ended: what still waits is `lost`.
    pub fn close(&mut self, mono_us: u64, out: &mut Vec<Event>) {
        out.extend(self.waiting.drain().into_iter().map(|p| finish(p, mono_us, Status::Lost)));
        leave_to_the_inner(out);
    }

    /// Time passed: what waited too long is `timeout`.
    pub fn tick(&mut self, mono_us: u64, out: &mut Vec<Event>) {
        out.extend(self.waiting.expired(mono_us).into_iter().map(|p| {
            let status = if p.parked_us.is_some() { Status::Lost } else { Status::Timeout };
            finish(p, mono_us, status)
        }));
        leave_to_the_inner(out);
    }

    fn request(
        &mut self,
        scope: &Scope,
        seen: &Observed,
        message: &Message,
        method: &str,
        out: &mut Vec<Event>,
    ) {
        let Some(id) = id_of(&seen.line, message) else {
            self.counts.unreadable += 1;
            return;
        };
        let line = &seen.line;
        let from_client = seen.way == Way::FromClient;
        if method == "ping" && self.config.protocol == Protocol::Requests {
            return;
        }
        self.connections.of(scope).noise = 0;
        let kind = if from_client { kind_of(method) } else { Kind::Protocol };
        let meta = message.params.as_ref().and_then(|p| get(line, p, "_meta"));
        let modern = meta.as_ref().and_then(|m| get_text(line, m, "io.modelcontextprotocol/protocolVersion"));
        if from_client && method == "initialize" {
            let client = message.params.as_ref().and_then(|p| peer(line, &get(line, p, "clientInfo")?));
            self.connections.of(scope).client = client;
        }
        let event_id = EventId::mint(seen.wall, (self.random)());
        let mut event = Event::new(event_id, kind, seen.wall);
        event.name = method.into();
        event.bytes_in = Some(line.len() as u64);
        event.capture = Some(self.config.capture);
        event.flags = Flags { demo: self.config.demo, ..Flags::default() };
        event.transport = payload_of(&serde_json::json!({
            "kind": scope.transport.word(),
            "headers": scope.headers,
            "request_id": message.id.clone().and_then(|r| line.get(r)).map(|r| String::from_utf8_lossy(r).chars().take(64).collect::<String>()),
        }));
        if scope.transport == Transport::Stdio {
            event.process = self.process.clone();
        }
        event.address = scope.address.as_ref().map(|address| self.keys.of("address", address).into());
        if !from_client {
            event.direction = Some(Direction::ServerToClient);
        }
        event.client = match &modern {
            Some(_) => {
                meta.as_ref().and_then(|m| peer(line, &get(line, m, "io.modelcontextprotocol/clientInfo")?))
            }
            None if method == "initialize" => {
                message.params.as_ref().and_then(|p| peer(line, &get(line, p, "clientInfo")?))
            }
            None => self.connections.of(scope).client.clone(),
        };
        if event.client.is_none() && scope.user_agent.is_some() {
            event.client = scope.user_agent.clone();
            event.note("client_source:user_agent");
        }
        event.server = self.server.clone();
        let is_modern = modern.is_some();
        event.protocol_version =
            modern.map(Into::into).or_else(|| self.connections.of(scope).protocol_version.clone());
        event.request_meta = meta.as_ref().and_then(|m| call::kept_meta(line, m));
        self.session_of(scope, seen, meta.as_ref(), is_modern, &mut event);
        if from_client {
            self.describe(line, message, method, &mut event);
        } else {
            self.describe_back(line, message, method, &mut event);
        }
        if method == "server/discover" {
            self.connections.of(scope).discovered = true;
        }
        if method == "initialize" && std::mem::take(&mut self.connections.of(scope).discovered) {
            event.note("fallback");
        }
        if from_client
            && let Some(identify) =
                self.people.identify(&self.config, scope, line, message, &mut event, &mut self.random)
        {
            out.push(identify);
        }
        self.trace_session(scope, &mut event);
        // A request of the server comes on one stream and is answered by a POST of its own.
        let lane = if from_client { Lane::of(scope) } else { Lane::Connection(scope.connection) };
        let key = Key { lane, from_client, id };
        let pending = Pending {
            event,
            mono_us: seen.mono_us,
            method: method.to_owned(),
            connection: scope.connection,
            modern: is_modern,
            parked_us: None,
            heard: 0,
        };
        let pushed_out = self.waiting.insert(key, pending);
        if let Some(mut old) = pushed_out.same_id {
            old.event.note("id_reused");
            out.push(finish(old, seen.mono_us, Status::Lost));
        }
        out.extend(pushed_out.oldest.map(|p| finish(p, seen.mono_us, Status::Lost)));
    }

    fn answer(&mut self, scope: &Scope, seen: &Observed, message: &Message, out: &mut Vec<Event>) {
        let line = &seen.line;
        let from_client = seen.way == Way::FromServer;
        let found = match id_of(line, message) {
            Some(id) => self.waiting.answered(scope, from_client, id),
            None if message.error.is_some() => self.waiting.only_one(scope),
            None => None,
        };
        let Some(mut pending) = found else {
            self.counts.unpaired += 1;
            return;
        };
        if pending.method == "subscriptions/listen" {
            fact(&mut pending.event, "notifications", pending.heard);
        }
        let event = &mut pending.event;
        event.bytes_out = Some(line.len() as u64);
        let status = if let Some(error) = &message.error {
            rpc_error(line, error, event);
            event.flags.unknown_tool = event.error_code == Some(-32602)
                && self.catalog.complete
                && event.tool.as_deref().is_some_and(|tool| self.catalog.get(tool).is_none());
            Status::ProtocolError
        } else if let Some(result) = &message.result {
            self.learn(scope, line, result, &pending.method, event);
            if from_client {
                call::answered(line, result, &self.keys, &mut self.catalog, event)
            } else {
                self.answered_back(line, result, &pending.method, event);
                Status::Ok
            }
        } else {
            Status::ProtocolError
        };
        out.push(finish(pending, seen.mono_us, status));
    }

    /// What the answers of the opening tell about the server.
    fn learn(&mut self, scope: &Scope, line: &[u8], result: &Range<usize>, method: &str, event: &mut Event) {
        let meta = get(line, result, "_meta");
        let info = get(line, result, "serverInfo")
            .or_else(|| meta.as_ref().and_then(|m| get(line, m, "io.modelcontextprotocol/serverInfo")));
        if let Some(server) = info.and_then(|i| peer(line, &i)) {
            event.server = Some(server.clone());
            self.server = Some(server);
        }
        if method == "initialize" {
            event.protocol_version = get_text(line, result, "protocolVersion").map(Into::into);
            self.connections.of(scope).protocol_version = event.protocol_version.clone();
        }
    }
}

/// Takes out the calls that a Trackway further inside records (CAP §4.7).
fn leave_to_the_inner(out: &mut Vec<Event>) {
    out.retain(|event| !event.notes.iter().any(|note| &**note == call::RECORDED_INSIDE));
}

fn finish(pending: Pending, mono_us: u64, status: Status) -> Event {
    let mut event = pending.event;
    event.status = Some(status);
    event.duration_us = Some(mono_us.saturating_sub(pending.mono_us));
    event
}

/// Adds a fact of the recorder's to an event's properties.
fn fact(event: &mut Event, key: &str, value: impl Into<serde_json::Value>) {
    let known = event.properties.as_ref().and_then(|p| serde_json::from_str(p.get()).ok());
    let mut all: serde_json::Map<String, serde_json::Value> = known.unwrap_or_default();
    all.insert(key.to_owned(), value.into());
    event.properties = payload_of(&all);
}

/// The kind of a method (CAP §2.4).
fn kind_of(method: &str) -> Kind {
    match method {
        "tools/call" => Kind::ToolCall,
        "tools/list" => Kind::ToolsList,
        "initialize" => Kind::Initialize,
        "server/discover" => Kind::Discover,
        "resources/list" => Kind::ResourcesList,
        "resources/templates/list" => Kind::ResourceTemplatesList,
        "resources/read" => Kind::ResourceRead,
        "prompts/list" => Kind::PromptsList,
        "prompts/get" => Kind::PromptGet,
        "completion/complete" => Kind::Completion,
        _ => Kind::Protocol,
    }
}

fn peer(line: &[u8], object: &Range<usize>) -> Option<Peer> {
    let name = get_text(line, object, "name").filter(|n| !n.trim().is_empty())?;
    Some(Peer { name: name.into(), version: get_text(line, object, "version").map(Into::into) })
}

fn rpc_error(line: &[u8], error: &Range<usize>, event: &mut Event) {
    let code =
        get(line, error, "code").and_then(|c| std::str::from_utf8(line.get(c)?).ok()?.parse::<i64>().ok());
    let name = code.and_then(trackway_event::json::rpc_error_name);
    event.error_code = code;
    event.error = Some(Box::new(ErrorInfo {
        kind: name.map(Into::into),
        message: get_text(line, error, "message").unwrap_or_default().into(),
        ..ErrorInfo::default()
    }));
}

/// Sets the actor of an event.
fn stamp(event: &mut Event, actor: &Actor) {
    event.actor = Some(Box::new(actor.clone()));
}

/// Marks a given intent.
fn intend(event: &mut Event, intent: &str) {
    event.intent = Some(intent.into());
    event.intent_source = Some(IntentSource::Given);
}

#[cfg(test)]
#[path = "../recorder_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "scope_tests.rs"]
mod scope_tests;

#[cfg(test)]
mod method_tests;
