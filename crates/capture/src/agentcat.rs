//! Events in AgentCat's wire form, for a backend that knows no other (D27 `wire`, SDK-82; wire-agentcat §3). Used by `post`: queue
//! and spool hold the native form, so that what waits on disk can go either way.
//!
//! Invariant: id and timestamp of an event are the same however often it is sent, so that the receiver can tell repeats.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};
use trackway_event::event::{ErrorInfo, Frame};
use trackway_event::{Event, IngestBatch, Kind, Payload, SdkInfo, Status};

/// Where events go below the base URL.
pub(crate) const PATH: &str = "/v1/public/events/";
/// What AgentCat itself calls a tool, resource or prompt without a name.
const NAMELESS: &str = "Unknown";

/// One event as its body.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    project_id: &'a str,
    session_id: Option<&'a str>,
    event_type: Cow<'a, str>,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    /// Only where it is so: what other SDKs do.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_error: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    resource_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_intent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Parameters<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a Payload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identify_actor_given_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identify_actor_name: Option<&'a str>,
    identify_data: Map<String, Value>,
    tags: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<&'a Payload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_version: Option<&'a str>,
    sdk_language: &'a str,
    agentcat_version: &'a str,
}

#[derive(Serialize)]
struct Parameters<'a> {
    request: Request<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<&'a Payload>,
}

#[derive(Serialize)]
struct Request<'a> {
    method: &'a str,
    params: Map<String, Value>,
}

/// The events of a batch, each as the JSON text of its body.
pub(crate) fn bodies(batch: &IngestBatch) -> Vec<String> {
    let sdk = batch.sdk.as_ref();
    batch.events.iter().filter_map(|e| serde_json::to_string(&body(e, &batch.project, sdk)).ok()).collect()
}

fn body<'a>(event: &'a Event, project: &'a str, sdk: Option<&'a SdkInfo>) -> Body<'a> {
    let actor = event.actor.as_deref();
    let failed =
        event.status.is_some_and(|s| !matches!(s, Status::Ok | Status::InputRequired | Status::Task));
    let tokens = event.tokens.unwrap_or_default();
    let server = event.server.as_ref();
    let client = event.client.as_ref();
    let name = event.tool.as_deref().or(event.resource.as_deref());
    Body {
        id: event.id.as_str(),
        project_id: project,
        session_id: event.session_id.as_ref().map(|s| s.as_str()),
        event_type: event_type(event),
        timestamp: event.started_at.to_string(),
        duration: event.duration_us.map(|us| us / 1_000),
        is_error: failed.then_some(true),
        error: failed.then(|| error(event)),
        resource_name: name.unwrap_or(NAMELESS),
        user_intent: event.intent.as_deref(),
        parameters: parameters(event),
        response: event.result.as_ref(),
        identify_actor_given_id: actor.map(|a| a.id.as_str()),
        identify_actor_name: actor.and_then(|a| a.name.as_deref()),
        identify_data: actor.map(|a| a.traits.clone()).unwrap_or_default(),
        tags: tags(event),
        properties: event.properties.as_ref(),
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        server_name: server.map(|p| &*p.name),
        server_version: server.and_then(|p| p.version.as_deref()),
        client_name: client.map(|p| &*p.name),
        client_version: client.and_then(|p| p.version.as_deref()),
        sdk_language: sdk.map_or("Rust", |s| &s.name),
        agentcat_version: sdk.map_or("", |s| &s.version),
    }
}

/// Its own names, and the method of everything that is a request of MCP.
fn event_type(event: &Event) -> Cow<'_, str> {
    match event.kind {
        Kind::Identify | Kind::Alias | Kind::GroupIdentify | Kind::PersonUpdate => "agentcat:identify".into(),
        Kind::Custom | Kind::Feedback | Kind::Exception => "agentcat:custom".into(),
        Kind::MissingCapability => "mcp:tools/call".into(),
        Kind::ToolCall
        | Kind::ToolsList
        | Kind::Initialize
        | Kind::Discover
        | Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::ResourceRead
        | Kind::PromptsList
        | Kind::PromptGet
        | Kind::Completion
        | Kind::Protocol => format!("mcp:{}", event.name).into(),
    }
}

fn parameters(event: &Event) -> Option<Parameters<'_>> {
    let custom = matches!(event.kind, Kind::Identify | Kind::Custom);
    let mut params = Map::new();
    let value = |p: &Payload| serde_json::from_str::<Value>(p.get()).ok();
    match event.kind {
        Kind::ToolCall | Kind::MissingCapability => {
            params.insert("name".into(), event.tool.as_deref().unwrap_or(NAMELESS).into());
        }
        Kind::PromptGet => drop(params.insert("name".into(), event.resource.as_deref().into())),
        Kind::ResourceRead => drop(params.insert("uri".into(), event.resource.as_deref().into())),
        Kind::ToolsList
        | Kind::Initialize
        | Kind::Discover
        | Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::PromptsList
        | Kind::Completion
        | Kind::Protocol
        | Kind::Identify
        | Kind::Feedback
        | Kind::Exception
        | Kind::Custom
        | Kind::Alias
        | Kind::GroupIdentify
        | Kind::PersonUpdate => {}
    }
    match (event.kind, event.arguments.as_ref().and_then(value)) {
        (Kind::ToolCall | Kind::MissingCapability | Kind::PromptGet, Some(arguments)) => {
            params.insert("arguments".into(), arguments);
        }
        (_, Some(Value::Object(own))) => params.extend(own),
        (_, Some(other)) => drop(params.insert("arguments".into(), other)),
        (_, None) => {}
    }
    if let Some(meta) = event.request_meta.as_ref().and_then(value) {
        params.insert("_meta".into(), meta);
    }
    if params.is_empty() && custom {
        return None;
    }
    Some(Parameters { request: Request { method: &event.name, params }, extra: event.transport.as_ref() })
}

/// The tags of the event, and what AgentCat says in tags of its own.
fn tags(event: &Event) -> Map<String, Value> {
    let mut tags: Map<String, Value> =
        event.tags.iter().map(|(key, value)| (key.to_string(), (&**value).into())).collect();
    let mut say = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            tags.insert(key.into(), value.into());
        }
    };
    say("agentcat_nested", event.flags.nested.then_some("true"));
    let asks = event.flags.mrtr_open || event.status == Some(Status::InputRequired);
    let round = event.flags.mrtr_continuation.then_some("continuation");
    say("agentcat_mrtr", if asks { Some("input_required") } else { round });
    say("agentcat_protocol_version", event.protocol_version.as_deref());
    tags
}

/// The error as AgentCat tells it; a call that never ended says so by its type.
fn error(event: &Event) -> Value {
    let none = ErrorInfo::default();
    let told = event.error.as_deref().unwrap_or(&none);
    let kind = match event.status {
        Some(Status::Cancelled) => Some("cancelled"),
        Some(Status::ProtocolError) if event.notes.iter().any(|n| &**n == "panic") => Some("panic"),
        Some(Status::ProtocolError) => told.kind.as_deref().or_else(|| rpc_name(event.error_code)),
        Some(status @ (Status::Timeout | Status::Lost | Status::TransportError)) => Some(status.as_str()),
        Some(Status::Ok | Status::ToolError | Status::InputRequired | Status::Task) | None => {
            told.kind.as_deref()
        }
    };
    let message = if told.message.is_empty() { kind.unwrap_or("Unknown error") } else { &told.message };
    let mut error = json!({ "message": message, "platform": told.platform.as_deref().unwrap_or("rust") });
    let Value::Object(members) = &mut error else { return error };
    if let Some(kind) = kind {
        members.insert("type".into(), kind.into());
    }
    if let Some(stack) = &told.stack {
        members.insert("stack".into(), (&**stack).into());
    }
    if !told.frames.is_empty() {
        members.insert("frames".into(), told.frames.iter().map(frame).collect());
    }
    if !told.chain.is_empty() {
        let causes = told.chain.iter().map(|c| json!({ "message": c.message, "type": c.kind }));
        members.insert("chained_errors".into(), causes.collect());
    }
    error
}

fn frame(frame: &Frame) -> Value {
    json!({ "filename": frame.filename, "function": frame.function, "lineno": frame.lineno, "in_app": frame.in_app })
}

/// JSON-RPC's names as AgentCat's Rust SDK writes them.
const fn rpc_name(code: Option<i64>) -> Option<&'static str> {
    match code {
        Some(-32_700) => Some("ParseError"),
        Some(-32_600) => Some("InvalidRequest"),
        Some(-32_601) => Some("MethodNotFound"),
        Some(-32_602) => Some("InvalidParams"),
        Some(-32_603) => Some("InternalError"),
        Some(-32_002) => Some("ResourceNotFound"),
        Some(_) | None => None,
    }
}
