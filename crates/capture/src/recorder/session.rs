//! Which session a request belongs to: the ladder of CAP §3 as far as the recorder can climb it. Rungs 5, 7 and 8 are the
//! server's, which groups what comes without a session.

use std::ops::Range;

use trackway_event::{Event, Payload, SessionId, SessionSource, limits};

use super::{Observed, Recorder, Scope, Told, Transport};
use crate::wire::get_text;

/// The operator's rules for sessions.
#[derive(Clone, Debug, Default)]
pub struct SessionRules {
    /// A member of a request's `_meta` whose text is the session (rung 1).
    pub meta_key: Option<String>,
    /// A kept header whose text is the session, in lower case (rung 1).
    pub header: Option<String>,
    /// What a trace id is worth.
    pub trace: TraceSessions,
    /// Makes one-way keys differ from those of others who know the project's id.
    pub salt: Option<String>,
}

/// What the trace id of a `traceparent` is worth as a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceSessions {
    /// Used where nothing else names a session or a user (rung 6).
    #[default]
    Late,
    /// Used before MCP session and process: for clients that trace whole conversations (rung 2½).
    Prefer,
    /// Never.
    Off,
}

/// Characters of a session's name in clear (CAP §3).
const NAME_CHARS: std::ops::RangeInclusive<usize> = 1..=256;

impl Recorder {
    /// Rungs 1 to 4 of the ladder (CAP §3): the operator's rule, else a known client's conversation key, else the MCP session of a legacy request,
    /// else on a pipe this process, cut after more than 30 minutes without a request. Over HTTP there may be none: the
    /// server groups.
    pub(super) fn session_of(
        &mut self,
        scope: &Scope,
        seen: &Observed,
        meta: Option<&Range<usize>>,
        modern: bool,
        event: &mut Event,
    ) {
        match &scope.told {
            Some(Told::Named(name)) if NAME_CHARS.contains(&name.chars().count()) => {
                return self.is_of(scope, "operator", name, SessionSource::Operator, event);
            }
            Some(Told::Handle(session)) => {
                event.session_id = Some(session.clone());
                event.session_source = Some(SessionSource::Operator);
                event.note("session_handle");
                return self.remember(scope, event);
            }
            Some(Told::Unknown) => return event.note("session_handle_unknown"),
            Some(Told::Named(_)) | None => {}
        }
        if let Some(name) = self.by_operator(scope, &seen.line, meta) {
            return self.is_of(scope, "operator", &name, SessionSource::Operator, event);
        }
        // Codex alone names its keys so plainly that other clients may mean something else by them.
        let codex = event.client.as_ref().is_some_and(|c| c.name.to_ascii_lowercase().starts_with("codex"));
        let keys: &[&str] = match codex {
            true => &["vscode.conversationId", "openai/session", "threadId", "sessionId"],
            false => &["vscode.conversationId", "openai/session"],
        };
        let vendor = meta.and_then(|meta| {
            keys.iter()
                .find_map(|key| get_text(&seen.line, meta, key))
                .filter(|v| NAME_CHARS.contains(&v.chars().count()))
        });
        if let Some(key) = vendor {
            return self.is_of(scope, "vendor", &key, SessionSource::VendorMeta, event);
        }
        if self.sessions.trace == TraceSessions::Prefer {
            self.by_trace(scope, event);
            if event.session_id.is_some() {
                return;
            }
        }
        if let Some(given) = scope.mcp_session.as_ref().filter(|_| !modern) {
            event.session_id = Some(SessionId::derive(given, Some(&self.config.project)));
            event.session_source = Some(SessionSource::McpSession);
            return self.remember(scope, event);
        }
        // A connection that has a session keeps it where a request leaves out its id (SDK §13, case 24).
        if scope.connection != 0
            && !modern
            && let Some((id, SessionSource::McpSession)) = &self.connections.of(scope).latest
        {
            event.session_id = Some(id.clone());
            event.session_source = Some(SessionSource::McpSession);
            return;
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

    /// Rung 6: the trace, where neither a session nor a user is known.
    pub(super) fn trace_session(&mut self, scope: &Scope, event: &mut Event) {
        if self.sessions.trace == TraceSessions::Late && event.session_id.is_none() && event.actor.is_none() {
            self.by_trace(scope, event);
        }
    }

    fn by_trace(&mut self, scope: &Scope, event: &mut Event) {
        let trace = [&event.request_meta, &scope.headers].into_iter().flatten().find_map(trace_id);
        if let Some(trace) = trace {
            self.is_of(scope, "trace", &trace, SessionSource::Trace, event);
        }
    }

    fn is_of(&mut self, scope: &Scope, label: &str, name: &str, source: SessionSource, event: &mut Event) {
        event.session_id = Some(SessionId::derive(&self.keys.of(label, name), Some(&self.config.project)));
        event.session_source = Some(source);
        self.remember(scope, event);
    }

    /// Rung 1: what the operator's rule names.
    fn by_operator(&self, scope: &Scope, line: &[u8], meta: Option<&Range<usize>>) -> Option<String> {
        let by_meta = self.sessions.meta_key.as_ref().and_then(|key| get_text(line, meta?, key));
        let by_header = || {
            let headers: serde_json::Value = serde_json::from_str(scope.headers.as_ref()?.get()).ok()?;
            headers.get(self.sessions.header.as_ref()?)?.as_str().map(str::to_owned)
        };
        by_meta.or_else(by_header).filter(|name| NAME_CHARS.contains(&name.chars().count()))
    }
}

/// The trace id of a W3C `traceparent` member.
fn trace_id(payload: &Payload) -> Option<String> {
    let text = payload.get();
    let facts: serde_json::Value = serde_json::from_str(text).ok()?;
    let trace = facts.get("traceparent")?.as_str()?.split('-').nth(1)?;
    let legal =
        trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit()) && trace.bytes().any(|b| b != b'0');
    legal.then(|| trace.to_ascii_lowercase())
}
