//! OpenTelemetry traces over HTTP (SDK-72): one SERVER span an event, in protobuf or JSON. The receiver's address gets
//! `/v1/traces` unless it ends so. gRPC is not offered.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use trackway_event::id::hex;
use trackway_event::{Direction, Event};

use super::config::web_address;
use super::otlp_bytes::Writer;
use super::span::{self};
use super::target::{Body, Target};
use super::{BadExporter, ExportSource, Exporter, Failed, OtlpConfig, OtlpEncoding};

/// Sends spans.
pub(super) struct Otlp {
    target: Target,
    config: OtlpConfig,
    source: ExportSource,
}

impl Otlp {
    pub(super) fn new(config: &OtlpConfig, source: &ExportSource) -> Result<Self, BadExporter> {
        let address = web_address("otlp", &config.endpoint)?;
        let url = if address.ends_with("/v1/traces") { address } else { format!("{address}/v1/traces") };
        let user_agent = format!("{}/{}", source.sdk.name, source.sdk.version);
        let target = Target::new(url, config.headers.clone(), &user_agent);
        Ok(Self { target, config: config.clone(), source: source.clone() })
    }

    fn resource(&self, events: &[Arc<Event>]) -> Vec<(String, Value)> {
        let first = events.first().map(AsRef::as_ref);
        let service = span::service(self.config.service.as_deref(), first);
        let mut out = vec![("service.name".to_owned(), Value::from(service))];
        let version = first.and_then(|e| e.server.as_ref()).and_then(|s| s.version.as_deref());
        out.extend(version.map(|v| ("service.version".to_owned(), v.into())));
        out.extend(
            self.source.project.as_ref().map(|p| ("trackway.project.id".to_owned(), p.as_str().into())),
        );
        out
    }

    pub(super) fn json(&self, events: &[Arc<Event>]) -> Value {
        let spans: Vec<Value> = events.iter().map(|e| json_span(&Span::of(e, &self.config))).collect();
        json!({ "resourceSpans": [{
            "resource": { "attributes": json_attributes(&self.resource(events)) },
            "scopeSpans": [{
                "scope": { "name": &*self.source.sdk.name, "version": &*self.source.sdk.version },
                "spans": spans,
            }],
        }] })
    }

    pub(super) fn protobuf(&self, events: &[Arc<Event>]) -> Vec<u8> {
        let mut scope_spans = Writer::default();
        scope_spans.message(1, |scope| {
            scope.text(1, &self.source.sdk.name);
            scope.text(2, &self.source.sdk.version);
        });
        for event in events {
            scope_spans.message(2, |out| write_span(&Span::of(event, &self.config), out));
        }
        let mut request = Writer::default();
        request.message(1, |resource_spans| {
            resource_spans.message(1, |resource| write_attributes(1, &self.resource(events), resource));
            resource_spans.bytes(2, &scope_spans.into_bytes());
        });
        request.into_bytes()
    }
}

impl Exporter for Otlp {
    fn export(&mut self, events: &[Arc<Event>], until: Instant) -> Result<(), Failed> {
        let body = match self.config.encoding {
            OtlpEncoding::Protobuf => {
                Body { bytes: self.protobuf(events), content_type: "application/x-protobuf" }
            }
            OtlpEncoding::Json => {
                Body { bytes: self.json(events).to_string().into_bytes(), content_type: "application/json" }
            }
        };
        self.target.post(body, until)
    }
}

/// The numbers of OTLP's enums.
const KIND_SERVER: u64 = 2;
const KIND_CLIENT: u64 = 3;
const STATUS_ERROR: u64 = 2;

struct Span {
    at: span::TraceContext,
    name: String,
    kind: u64,
    start: u64,
    end: u64,
    attributes: Vec<(String, Value)>,
    /// The message of a failure; the status is otherwise unset, as the conventions ask.
    failed: Option<String>,
}

impl Span {
    fn of(event: &Event, config: &OtlpConfig) -> Self {
        let start = u64::try_from(event.started_at.micros()).unwrap_or(0).saturating_mul(1_000);
        let failed =
            span::error_type(event).map(|kind| event.error.as_ref().map_or(kind, |e| e.message.to_string()));
        Self {
            at: span::context(event),
            name: span::name(event),
            kind: if event.direction == Some(Direction::ServerToClient) { KIND_CLIENT } else { KIND_SERVER },
            start,
            end: start.saturating_add(event.duration_us.unwrap_or(0).saturating_mul(1_000)),
            attributes: span::attributes(event, config.payloads),
            failed,
        }
    }
}

fn json_span(span: &Span) -> Value {
    let mut out = json!({
        "traceId": hex(&span.at.trace), "spanId": hex(&span.at.span), "name": span.name, "kind": span.kind,
        "startTimeUnixNano": span.start.to_string(), "endTimeUnixNano": span.end.to_string(),
        "attributes": json_attributes(&span.attributes),
    });
    if let Some(parent) = span.at.parent {
        out["parentSpanId"] = hex(&parent).into();
    }
    if let Some(message) = &span.failed {
        out["status"] = json!({ "code": STATUS_ERROR, "message": message });
    }
    out
}

fn json_attributes(attributes: &[(String, Value)]) -> Value {
    let all = attributes.iter().map(|(key, value)| {
        let value = match value {
            // 64-bit numbers are text in OTLP's JSON.
            Value::Number(n) if n.is_i64() || n.is_u64() => json!({ "intValue": n.to_string() }),
            Value::Number(n) => json!({ "doubleValue": n }),
            Value::Bool(b) => json!({ "boolValue": b }),
            Value::String(s) => json!({ "stringValue": s }),
            other => json!({ "stringValue": other.to_string() }),
        };
        json!({ "key": key, "value": value })
    });
    all.collect()
}

fn write_span(span: &Span, out: &mut Writer) {
    out.bytes(1, &span.at.trace);
    out.bytes(2, &span.at.span);
    if let Some(parent) = span.at.parent {
        out.bytes(4, &parent);
    }
    out.text(5, &span.name);
    out.number(6, span.kind);
    out.fixed(7, span.start);
    out.fixed(8, span.end);
    write_attributes(9, &span.attributes, out);
    if let Some(message) = &span.failed {
        out.message(15, |status| {
            status.text(2, message);
            status.number(3, STATUS_ERROR);
        });
    }
}

fn write_attributes(field: u32, attributes: &[(String, Value)], out: &mut Writer) {
    for (key, value) in attributes {
        out.message(field, |pair| {
            pair.text(1, key);
            pair.message(2, |any| match value {
                Value::Bool(b) => any.number(2, u64::from(*b)),
                Value::Number(n) => match n.as_i64() {
                    Some(n) => any.number(3, n as u64),
                    None => any.fixed(4, n.as_f64().unwrap_or_default().to_bits()),
                },
                Value::String(s) => any.text(1, s),
                other => any.text(1, &other.to_string()),
            });
        });
    }
}
