//! What the exporters share: an event as names and attributes of OpenTelemetry's conventions for MCP, its trace and
//! span ids (SDK-72), and small readers of payloads.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use trackway_event::{Event, Kind, Payload, Status};

use super::Payloads;

/// Where an event stands in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceContext {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
}

/// The caller's trace where a `traceparent` names one, else one trace a session; the span id follows from the event's id,
/// so that a repeated event is the same span.
pub(super) fn context(event: &Event) -> TraceContext {
    let span = first(&Sha256::digest(event.id.as_str()).into());
    let given = [&event.request_meta, &event.transport].into_iter().flatten().find_map(traceparent);
    match given {
        Some((trace, parent)) => TraceContext { trace, span, parent: Some(parent) },
        None => {
            let of = event.session_id.as_ref().map_or(event.id.as_str(), |s| s.as_str());
            TraceContext { trace: first(&Sha256::digest(of).into()), span, parent: None }
        }
    }
}

/// `tools/call search`: the method, and the target where there are few of them (never a resource's URI).
pub(super) fn name(event: &Event) -> String {
    let target = match event.kind {
        Kind::ToolCall | Kind::MissingCapability | Kind::Feedback => event.tool.as_deref(),
        Kind::PromptGet => event.resource.as_deref(),
        Kind::ToolsList
        | Kind::Initialize
        | Kind::ResourceRead
        | Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::PromptsList
        | Kind::Completion
        | Kind::Identify
        | Kind::Exception
        | Kind::Custom
        | Kind::Protocol
        | Kind::Alias
        | Kind::GroupIdentify
        | Kind::PersonUpdate
        | Kind::Discover => None,
    };
    match target.filter(|t| !t.is_empty()) {
        Some(target) => format!("{} {target}", event.name),
        None if event.name.is_empty() => event.kind.to_string(),
        None => event.name.to_string(),
    }
}

/// The class of an error, of few values (OpenTelemetry's `error.type`); `None` where nothing failed.
pub(super) fn error_type(event: &Event) -> Option<String> {
    match event.status? {
        Status::Ok | Status::InputRequired | Status::Task => None,
        // The convention's own word for a result with `isError`.
        Status::ToolError => Some("tool_error".into()),
        Status::ProtocolError => {
            Some(event.error_code.map_or_else(|| "protocol_error".into(), |c| c.to_string()))
        }
        status @ (Status::TransportError | Status::Cancelled | Status::Timeout | Status::Lost) => {
            Some(status.to_string())
        }
    }
}

/// The attributes of an event, in the conventions' names first and then in ours.
pub(super) fn attributes(event: &Event, payloads: Payloads) -> Vec<(String, Value)> {
    let mut out: Vec<(String, Value)> = Vec::with_capacity(32);
    let mut set = |key: &str, value: Option<Value>| out.extend(value.map(|v| (key.to_owned(), v)));
    let text = |t: &Option<Box<str>>| t.as_deref().map(Value::from);
    let is_call = matches!(event.kind, Kind::ToolCall | Kind::MissingCapability | Kind::Feedback);
    set("mcp.method.name", (!event.name.is_empty()).then(|| (&*event.name).into()));
    set("mcp.session.id", event.session_id.as_ref().map(|s| s.as_str().into()));
    set("mcp.protocol.version", text(&event.protocol_version));
    set("mcp.resource.uri", text(&event.resource).filter(|_| event.kind == Kind::ResourceRead));
    set("gen_ai.operation.name", is_call.then(|| "execute_tool".into()));
    set("gen_ai.tool.name", text(&event.tool));
    set("gen_ai.prompt.name", text(&event.resource).filter(|_| event.kind == Kind::PromptGet));
    set("jsonrpc.request.id", transport_text(event, "request_id").map(|id| id.trim_matches('"').into()));
    set("rpc.response.status_code", event.error_code.map(|c| c.to_string().into()));
    set("error.type", error_type(event).map(Into::into));
    let transport = transport_text(event, "kind");
    set("network.transport", transport.as_deref().map(|t| if t == "stdio" { "pipe" } else { "tcp" }.into()));
    set("enduser.id", event.actor.as_ref().map(|a| a.id.as_str().into()));
    set("trackway.event.id", Some(event.id.as_str().into()));
    set("trackway.kind", Some(event.kind.as_str().into()));
    set("trackway.status", event.status.map(|s| s.as_str().into()));
    set("trackway.intent", text(&event.intent));
    set("trackway.intent.source", event.intent_source.map(|s| s.as_str().into()));
    set("trackway.session.source", event.session_source.map(|s| s.as_str().into()));
    set("trackway.client.name", event.client.as_ref().map(|c| (&*c.name).into()));
    set("trackway.client.version", event.client.as_ref().and_then(|c| text(&c.version)));
    set("trackway.server.name", event.server.as_ref().map(|s| (&*s.name).into()));
    set("trackway.server.version", event.server.as_ref().and_then(|s| text(&s.version)));
    set("trackway.capture", event.capture.map(|c| c.as_str().into()));
    set("trackway.bytes.in", event.bytes_in.map(Into::into));
    set("trackway.bytes.out", event.bytes_out.map(Into::into));
    set("trackway.tokens.input", event.tokens.and_then(|t| t.input).map(Into::into));
    set("trackway.tokens.output", event.tokens.and_then(|t| t.output).map(Into::into));
    if payloads == Payloads::Included {
        set("gen_ai.tool.call.arguments", event.arguments.as_ref().map(|p| p.get().into()));
        set("gen_ai.tool.call.result", event.result.as_ref().map(|p| p.get().into()));
    }
    for (key, value) in &event.groups {
        set(&format!("trackway.group.{key}"), Some((&**value).into()));
    }
    for (key, value) in &event.tags {
        set(&format!("trackway.tag.{key}"), Some((&**value).into()));
    }
    out
}

/// Who the figures are about: the setting, else the MCP server, else a word for any.
pub(super) fn service<'a>(set: Option<&'a str>, event: Option<&'a Event>) -> &'a str {
    let server = event.and_then(|e| e.server.as_ref()).map(|s| &*s.name);
    set.or(server).unwrap_or("mcp-server")
}

/// A payload as a value; text where its numbers or depth are none for a value.
pub(super) fn value(payload: &Payload) -> Value {
    serde_json::from_str(payload.get()).unwrap_or_else(|_| payload.get().into())
}

/// The members of an event's own properties.
pub(super) fn properties(event: &Event) -> Map<String, Value> {
    match event.properties.as_ref().map(value) {
        Some(Value::Object(map)) => map,
        Some(_) | None => Map::new(),
    }
}

/// The first bytes of a hash.
pub(super) fn first<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(hash.split_at(N).0);
    out
}

fn transport_text(event: &Event, key: &str) -> Option<String> {
    let facts = value(event.transport.as_ref()?);
    facts.get(key)?.as_str().map(str::to_owned)
}

/// The ids of a W3C `traceparent`; all-zero ids are none.
fn traceparent(payload: &Payload) -> Option<([u8; 16], [u8; 8])> {
    let facts = value(payload);
    let headers = facts.get("headers").and_then(|h| h.get("traceparent"));
    let text = facts.get("traceparent").or(headers)?.as_str()?;
    let mut parts = text.split('-');
    let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2 || version == "ff" {
        return None;
    }
    let (trace, parent) = (unhex(trace)?, unhex(parent)?);
    (trace != [0; 16] && parent != [0; 8]).then_some((trace, parent))
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if text.len() != N * 2 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(out)
}
