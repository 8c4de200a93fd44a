//! The workload's events as request bodies: native batches, AgentCat events, PostHog batches, OTLP spans with
//! OpenInference's names.

use std::io::Write;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};
use trackway_event::{Event, IngestBatch, Kind, SdkInfo, Status};

use crate::http::request;
use crate::ledger::PROJECT;

/// `POST /api/v1/ingest`, gzip.
pub(crate) fn native(events: Vec<Event>) -> Result<Vec<u8>> {
    let batch = IngestBatch {
        project: PROJECT.into(),
        sent_at: None,
        sdk: Some(SdkInfo { name: "trackway-bench".into(), version: "0.1.0".into() }),
        lost: Default::default(),
        events,
    };
    let body = gzip(&serde_json::to_vec(&batch)?)?;
    let headers = ["content-type: application/json", "content-encoding: gzip"];
    Ok(request("POST", "/api/v1/ingest", &headers, &body))
}

/// `POST /v1/public/events/`, one event.
pub(crate) fn agentcat(event: &Event) -> Result<Vec<u8>> {
    let kind = match event.kind {
        Kind::ToolsList => "mcp:tools/list",
        Kind::Initialize => "mcp:initialize",
        _ => "mcp:tools/call",
    };
    let raw =
        |p: &Option<trackway_event::Payload>| p.as_ref().and_then(|p| serde_json::from_str(p.get()).ok());
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            body.insert(key.into(), value);
        }
    };
    put("id", json!(event.id));
    put("project_id", json!(PROJECT));
    put("session_id", json!(event.session_id));
    put("event_type", json!(kind));
    put("resource_name", json!(event.tool));
    put("timestamp", json!(event.started_at));
    put("duration", json!(event.duration_us.map(|us| us / 1_000)));
    put("is_error", json!(event.failed()));
    put("user_intent", json!(event.intent));
    let arguments: Option<Value> = raw(&event.arguments);
    put("parameters", json!({ "name": event.tool, "arguments": arguments }));
    put("response", raw(&event.result).unwrap_or(Value::Null));
    if let Some(error) = &event.error {
        put("error", json!({ "message": error.message, "type": error.kind, "platform": "python" }));
    }
    if let Some(actor) = &event.actor {
        put("identify_actor_given_id", json!(actor.id));
        put("identify_actor_name", json!(actor.name));
    }
    for (name, peer) in [("client", &event.client), ("server", &event.server)] {
        put(&format!("{name}_name"), json!(peer.as_ref().map(|p| &p.name)));
        put(&format!("{name}_version"), json!(peer.as_ref().and_then(|p| p.version.as_ref())));
    }
    put("sdk_language", json!("Python 3.11"));
    put("agentcat_version", json!("2.1.0"));
    let body = serde_json::to_vec(&body)?;
    let headers = ["content-type: application/json", "user-agent: OpenAPI-Generator/1.0.0/python"];
    Ok(request("POST", "/v1/public/events/", &headers, &body))
}

/// `POST /batch/`, gzip, as `@posthog/mcp` sends it.
pub(crate) fn posthog(events: &[Event]) -> Result<Vec<u8>> {
    let batch: Vec<Value> = events.iter().map(posthog_event).collect();
    let body = json!({ "api_key": PROJECT, "batch": batch, "sent_at": crate::ledger::now() });
    let headers =
        ["content-type: application/json", "content-encoding: gzip", "user-agent: posthog-node-mcp/0.16.3"];
    Ok(request("POST", "/batch/", &headers, &gzip(&serde_json::to_vec(&body)?)?))
}

fn posthog_event(event: &Event) -> Value {
    let raw = |p: &Option<trackway_event::Payload>| {
        p.as_ref().and_then(|p| serde_json::from_str::<Value>(p.get()).ok())
    };
    let (name, method) = match event.kind {
        Kind::ToolsList => ("$mcp_tools_list", "tools/list"),
        Kind::Initialize => ("$mcp_initialize", "initialize"),
        Kind::MissingCapability => ("$mcp_missing_capability", "tools/call"),
        _ => ("$mcp_tool_call", "tools/call"),
    };
    let distinct_id = match (&event.actor, &event.session_id) {
        (Some(actor), _) => actor.id.to_string(),
        (None, Some(session)) => session.to_string(),
        (None, None) => "anonymous".into(),
    };
    let mut properties = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            properties.insert(key.into(), value);
        }
    };
    put("$mcp_source", json!("posthog_mcp_analytics"));
    put("$session_id", json!(event.session_id));
    put("$process_person_profile", if event.actor.is_none() { json!(false) } else { Value::Null });
    put("$mcp_resource_name", json!(event.tool));
    put("$mcp_tool_name", json!(event.tool));
    put("$mcp_duration_ms", json!(event.duration_us.map(|us| us / 1_000)));
    for (name, peer) in [("client", &event.client), ("server", &event.server)] {
        put(&format!("$mcp_{name}_name"), json!(peer.as_ref().map(|p| &p.name)));
        put(&format!("$mcp_{name}_version"), json!(peer.as_ref().and_then(|p| p.version.as_ref())));
    }
    put("$mcp_intent", json!(event.intent));
    put("$mcp_is_error", json!(event.failed()));
    if let Some(error) = &event.error {
        put("$mcp_error_type", json!(error.kind));
        put("$mcp_error_message", json!(error.message));
    }
    let params = json!({ "name": event.tool, "arguments": raw(&event.arguments) });
    put(
        "$mcp_parameters",
        json!({ "request": { "jsonrpc": "2.0", "id": 1, "method": method, "params": params } }),
    );
    put("$mcp_response", raw(&event.result).unwrap_or(Value::Null));
    put("$lib", json!("posthog-node-mcp"));
    put("$lib_version", json!("0.16.3"));
    json!({ "event": name, "distinct_id": distinct_id, "timestamp": event.started_at, "uuid": uuid(event.id.as_str()),
        "properties": properties })
}

/// A UUID that stands for a text.
fn uuid(text: &str) -> String {
    let hash = |seed: u64| {
        let mix = |sum: u64, b: u8| (sum ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        text.bytes().fold(seed, mix)
    };
    let (a, b) = (hash(0xcbf2_9ce4_8422_2325), hash(0x9e37_79b9_7f4a_7c15));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

/// `POST /v1/traces`, protobuf, gzip: every event one span.
pub(crate) fn otlp(events: &[Event]) -> Result<Vec<u8>> {
    let mut spans = Vec::new();
    for event in events {
        field(&mut spans, 2, &span(event));
    }
    let mut scope = Vec::new();
    field(&mut scope, 1, b"trackway-bench");
    let mut scope_spans = Vec::new();
    field(&mut scope_spans, 1, &scope);
    scope_spans.extend(spans);
    let mut resource = Vec::new();
    field(&mut resource, 1, &attribute("service.name", "bench"));
    let mut resource_spans = Vec::new();
    field(&mut resource_spans, 1, &resource);
    field(&mut resource_spans, 2, &scope_spans);
    let mut body = Vec::new();
    field(&mut body, 1, &resource_spans);
    let headers = ["content-type: application/x-protobuf", "content-encoding: gzip"];
    Ok(request("POST", "/v1/traces", &headers, &gzip(&body)?))
}

fn span(event: &Event) -> Vec<u8> {
    let hash = trackway_event::id::minted_at(event.id.as_str()).map_or(0, |t| t.micros());
    let mut id = [0u8; 16];
    for (i, b) in event.id.as_str().bytes().enumerate() {
        id[i % 16] = id[i % 16].wrapping_mul(31).wrapping_add(b);
    }
    id[0] ^= hash as u8 | 1;
    let mut out = Vec::with_capacity(2_048);
    field(&mut out, 1, &id);
    field(&mut out, 2, &id[..8]);
    field(&mut out, 5, event.tool.as_deref().unwrap_or(&event.name).as_bytes());
    varint(&mut out, 6 << 3);
    varint(&mut out, 2);
    let start = event.started_at.micros() as u64 * 1_000;
    for (number, at) in [(7u64, start), (8, start + event.duration_us.unwrap_or(0) * 1_000)] {
        varint(&mut out, number << 3 | 1);
        out.extend_from_slice(&at.to_le_bytes());
    }
    let payload = |p: &Option<trackway_event::Payload>| p.as_ref().map(|p| p.get().to_owned());
    let attributes = [
        ("openinference.span.kind", Some("TOOL".to_owned())),
        ("tool.name", event.tool.as_deref().map(str::to_owned)),
        ("input.value", payload(&event.arguments)),
        ("output.value", payload(&event.result)),
        ("session.id", event.session_id.as_ref().map(|s| s.to_string())),
        ("user.id", event.actor.as_ref().map(|a| a.id.to_string())),
        ("mcp.intent", event.intent.as_deref().map(str::to_owned)),
        ("mcp.client.name", event.client.as_ref().map(|c| c.name.to_string())),
        ("mcp.server.name", event.server.as_ref().map(|c| c.name.to_string())),
    ];
    for (key, value) in attributes {
        if let Some(value) = value {
            field(&mut out, 9, &attribute(key, &value));
        }
    }
    let mut status = Vec::new();
    if let Some(error) = event.error.as_ref().filter(|_| event.status != Some(Status::Ok)) {
        field(&mut status, 2, error.message.as_bytes());
        status.extend_from_slice(&[3 << 3, 2]);
    } else {
        status.extend_from_slice(&[3 << 3, 1]);
    }
    field(&mut out, 15, &status);
    out
}

fn attribute(key: &str, value: &str) -> Vec<u8> {
    let mut any = Vec::new();
    field(&mut any, 1, value.as_bytes());
    let mut out = Vec::new();
    field(&mut out, 1, key.as_bytes());
    field(&mut out, 2, &any);
    out
}

/// A length-delimited protobuf field.
fn field(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(1));
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
