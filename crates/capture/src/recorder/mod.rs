//! The recorder: observed JSON-RPC messages in, events out. It reads no clock, no randomness and no socket; times and
//! random bytes come with each message, so the same traffic gives the same events (CAP §2, INV-12).
//!
//! It works on copies, beside the traffic: whatever happens here changes no byte of a message.

mod call;
mod catalog;
mod ending;
mod notice;
mod person;
mod scope;
mod waiting;

use std::ops::Range;

use trackway_event::event::Flags;
use trackway_event::json::payload_of;
use trackway_event::{
    Actor, CaptureBy, Direction, ErrorInfo, Event, EventId, IntentSource, Kind, Peer, ProjectId, SessionId,
    SessionSource, Status, Timestamp, limits,
};

use crate::editor::id_of;
use crate::wire::inject::Mode;
use crate::wire::{Message, get, get_text, messages};

pub use person::IdentifyRule;
pub use scope::{Ending, Scope, Transport};

use catalog::Catalog;
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
    /// What was not recorded.
    pub counts: Counts,
}

impl Recorder {
    /// A fresh connection; `random` gives 16 bytes per call.
    pub fn new(config: RecorderConfig, random: Box<dyn FnMut() -> [u8; 16] + Send>) -> Self {
        Self {
            config,
            random,
            waiting: Waiting::default(),
            connections: Connections::default(),
            server: None,
            people: person::People::default(),
            catalog: Catalog::default(),
            counts: Counts::default(),
        }
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
                (None, None) => self.counts.unreadable += 1,
            }
        }
    }

    /// The connection ended: what still waits is `lost`.
    pub fn close(&mut self, mono_us: u64, out: &mut Vec<Event>) {
        out.extend(self.waiting.drain().into_iter().map(|p| finish(p, mono_us, Status::Lost)));
    }

    /// Time passed: what waited too long is `timeout`.
    pub fn tick(&mut self, mono_us: u64, out: &mut Vec<Event>) {
        out.extend(self.waiting.expired(mono_us).into_iter().map(|p| {
            let status = if p.parked_us.is_some() { Status::Lost } else { Status::Timeout };
            finish(p, mono_us, status)
        }));
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
        self.session_of(scope, seen, meta.as_ref(), is_modern, &mut event);
        self.describe(line, message, method, &mut event);
        if from_client
            && let Some(identify) =
                self.people.identify(&self.config, scope, line, message, &mut event, &mut self.random)
        {
            out.push(identify);
        }
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
        let Some(id) = id_of(line, message) else {
            self.counts.unpaired += 1;
            return;
        };
        let from_client = seen.way == Way::FromServer;
        let Some(mut pending) = self.waiting.answered(scope, from_client, id) else {
            self.counts.unpaired += 1;
            return;
        };
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
                call::answered(line, result, &self.config, &mut self.catalog, event)
            } else {
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

    /// Rungs 2 to 4 of the ladder (CAP §3): a known client's conversation key, else the MCP session of a legacy request,
    /// else on a pipe this process, cut after more than 30 minutes without a request. Over HTTP there may be none: the
    /// server groups.
    fn session_of(
        &mut self,
        scope: &Scope,
        seen: &Observed,
        meta: Option<&Range<usize>>,
        modern: bool,
        event: &mut Event,
    ) {
        // Codex alone names its keys so plainly that other clients may mean something else by them.
        let codex = event.client.as_ref().is_some_and(|c| c.name.to_ascii_lowercase().starts_with("codex"));
        let keys: &[&str] = match codex {
            true => &["vscode.conversationId", "openai/session", "threadId", "sessionId"],
            false => &["vscode.conversationId", "openai/session"],
        };
        let vendor = meta.and_then(|meta| {
            keys.iter()
                .find_map(|key| get_text(&seen.line, meta, key))
                .filter(|v| (1..=256).contains(&v.chars().count()))
        });
        if let Some(key) = vendor {
            event.session_id = Some(SessionId::derive(&format!("vendor\0{key}"), Some(&self.config.project)));
            event.session_source = Some(SessionSource::VendorMeta);
            return self.remember(scope, event);
        }
        if let Some(given) = scope.mcp_session.as_ref().filter(|_| !modern) {
            event.session_id = Some(SessionId::derive(given, Some(&self.config.project)));
            event.session_source = Some(SessionSource::McpSession);
            return self.remember(scope, event);
        }
        if scope.transport == Transport::Http {
            return;
        }
        let gap = limits::SESSION_GAP.as_micros() as i64;
        let now = seen.wall.micros() as u64;
        let facts = self.connections.of(scope);
        let stale = facts.session.as_ref().is_none_or(|(_, last)| now as i64 - *last as i64 > gap);
        if stale {
            facts.session = Some((SessionId::mint(seen.wall, (self.random)()), now));
        }
        if let Some((id, last)) = &mut facts.session {
            *last = now.max(*last);
            event.session_id = Some(id.clone());
            event.session_source = Some(SessionSource::StdioProcess);
            self.remember(scope, event);
        }
    }

    fn remember(&mut self, scope: &Scope, event: &Event) {
        self.connections.of(scope).latest = event.session_id.clone().zip(event.session_source);
    }

    fn describe(&mut self, line: &[u8], message: &Message, method: &str, event: &mut Event) {
        let Some(params) = &message.params else { return };
        match method {
            "tools/call" => call::asked(line, params, self.config.mode, &self.catalog, event),
            "resources/read" => {
                event.resource = get_text(line, params, "uri").map(|u| crate::redact::url(&u).into());
            }
            "tools/list" => {
                // Only whether there is a cursor; it may be a secret of the server's.
                let cursor = get(line, params, "cursor").filter(|c| line.get(c.start) == Some(&b'"'));
                event.arguments = cursor.and_then(|_| payload_of(&serde_json::json!({ "cursor": true })));
            }
            "initialize" => {
                let asked = get_text(line, params, "protocolVersion");
                let can = get(line, params, "capabilities").map(|c| call::names(line, &c));
                event.arguments =
                    payload_of(&serde_json::json!({ "protocolVersion": asked, "capabilities": can }));
            }
            "completion/complete" => {
                // Never the typed text (CAP §2.4).
                let to = get(line, params, "ref");
                let part = |name| to.as_ref().and_then(|r| get_text(line, r, name));
                let argument = get(line, params, "argument").and_then(|a| get_text(line, &a, "name"));
                event.resource =
                    part("name").or_else(|| part("uri").map(|u| crate::redact::url(&u))).map(Into::into);
                event.arguments =
                    payload_of(&serde_json::json!({ "ref": part("type"), "argument": argument }));
            }
            "prompts/get" => event.resource = get_text(line, params, "name").map(Into::into),
            _ => {}
        }
    }
}

fn finish(pending: Pending, mono_us: u64, status: Status) -> Event {
    let mut event = pending.event;
    event.status = Some(status);
    event.duration_us = Some(mono_us.saturating_sub(pending.mono_us));
    event
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
    let name = match code {
        Some(-32700) => Some("ParseError"),
        Some(-32600) => Some("InvalidRequest"),
        Some(-32601) => Some("MethodNotFound"),
        Some(-32602) => Some("InvalidParams"),
        Some(-32603) => Some("InternalError"),
        Some(-32020) => Some("HeaderMismatch"),
        Some(-32021) => Some("MissingRequiredClientCapability"),
        Some(-32022) => Some("UnsupportedProtocolVersion"),
        Some(-32042) => Some("UrlElicitationRequired"),
        Some(-32002) => Some("ResourceNotFound"),
        Some(_) | None => None,
    };
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
