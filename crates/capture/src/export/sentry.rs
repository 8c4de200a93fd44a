//! Sentry (SDK-74): an envelope with an error event for each failure and, where wanted, a transaction for each call.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use trackway_event::event::Frame;
use trackway_event::id::hex;
use trackway_event::{Event, Kind};

use super::span::{self};
use super::target::{Body, Target};
use super::{BadExporter, ExportSource, Exporter, Failed, Payloads, SentryConfig, Transactions};

/// Sends envelopes.
pub(super) struct Sentry {
    target: Target,
    config: SentryConfig,
    source: ExportSource,
}

/// A parsed DSN: `scheme://key[:secret]@host[:port][/path]/project`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dsn {
    pub(super) key: String,
    pub(super) url: String,
}

impl Dsn {
    pub(super) fn parse(text: &str) -> Result<Self, BadExporter> {
        let bad = |problem: &str| {
            BadExporter::value("sentry", format!("the DSN {problem}; copy it from the project's settings"))
        };
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("has no scheme"))?;
        if !matches!(scheme, "http" | "https") {
            return Err(bad("begins with neither http:// nor https://"));
        }
        let (user, rest) = rest.split_once('@').ok_or_else(|| bad("has no key"))?;
        let key = user.split(':').next().unwrap_or_default();
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic() && b != b',') {
            return Err(bad("has no key"));
        }
        let (place, project) =
            rest.trim_end_matches('/').rsplit_once('/').ok_or_else(|| bad("has no project"))?;
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        if host.is_empty() || project.is_empty() || project.contains(['?', '#']) {
            return Err(bad("has no host or project"));
        }
        let path = if path.is_empty() { String::new() } else { format!("/{}", path.trim_matches('/')) };
        Ok(Self { key: key.to_owned(), url: format!("{scheme}://{host}{path}/api/{project}/envelope/") })
    }
}

impl Sentry {
    pub(super) fn new(config: &SentryConfig, source: &ExportSource) -> Result<Self, BadExporter> {
        let dsn = Dsn::parse(&config.dsn)?;
        let user_agent = format!("{}/{}", source.sdk.name, source.sdk.version);
        let auth = format!("Sentry sentry_version=7, sentry_client={user_agent}, sentry_key={}", dsn.key);
        let target = Target::new(dsn.url, vec![("x-sentry-auth".into(), auth)], &user_agent);
        Ok(Self { target, config: config.clone(), source: source.clone() })
    }

    /// One envelope for one item that has an `event_id`, as Sentry wants it: at most one event or transaction each.
    pub(super) fn envelopes(&self, event: &Event) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        if event.failed() || event.kind == Kind::Exception {
            out.push(envelope("event", &self.error(event)));
        }
        let timed = event.status.is_some() && event.duration_us.is_some() && event.kind != Kind::Protocol;
        if self.config.transactions == Transactions::On && timed {
            out.push(envelope("transaction", &self.transaction(event)));
        }
        out
    }

    fn error(&self, event: &Event) -> Value {
        let mut out = self.common(event, "event");
        let info = event.error.as_deref().cloned().unwrap_or_default();
        let kind = info
            .kind
            .clone()
            .map(String::from)
            .or_else(|| span::error_type(event))
            .unwrap_or_else(|| "error".into());
        // Sentry wants the cause first and the outermost error last.
        let mut values: Vec<Value> = info
            .chain
            .iter()
            .rev()
            .map(|cause| exception(cause.kind.as_deref().unwrap_or("error"), &cause.message, &cause.frames))
            .collect();
        values.push(exception(&kind, &info.message, &info.frames));
        out["level"] = "error".into();
        out["transaction"] = span::name(event).into();
        out["exception"] = json!({ "values": values });
        // One issue a tool and class, as Trackway groups them; the message may hold values.
        out["fingerprint"] = json!(["{{ default }}", span::name(event), kind]);
        if self.config.payloads == Payloads::Included
            && let Some(arguments) = &event.arguments
        {
            out["extra"] = json!({ "arguments": span::value(arguments) });
        }
        out
    }

    fn transaction(&self, event: &Event) -> Value {
        let mut out = self.common(event, "transaction");
        let start = event.started_at.micros() as f64 / 1e6;
        out["type"] = "transaction".into();
        out["transaction"] = span::name(event).into();
        out["transaction_info"] = json!({ "source": "task" });
        out["start_timestamp"] = start.into();
        out["timestamp"] = (start + event.duration_us.unwrap_or(0) as f64 / 1e6).into();
        out["spans"] = json!([]);
        out["contexts"]["trace"]["op"] = "mcp.server".into();
        out["contexts"]["trace"]["status"] =
            if span::error_type(event).is_some() { "internal_error" } else { "ok" }.into();
        out["contexts"]["trace"]["data"] =
            Value::Object(span::attributes(event, self.config.payloads).into_iter().collect());
        out
    }

    fn common(&self, event: &Event, item: &str) -> Value {
        let at = span::context(event);
        let id: [u8; 16] =
            span::first(&Sha256::new_with_prefix(item).chain_update(event.id.as_str()).finalize().into());
        let mut tags = serde_json::Map::new();
        let mut tag = |key: &str, value: Option<&str>| {
            // Sentry refuses longer values and new lines.
            let value = value.map(|v| v.chars().take(200).collect::<String>().replace('\n', " "));
            tags.extend(value.filter(|v| !v.is_empty()).map(|v| (key.to_owned(), v.into())));
        };
        tag("mcp.method", Some(&event.name));
        tag("mcp.tool", event.tool.as_deref());
        tag("mcp.status", event.status.map(|s| s.as_str()));
        tag("mcp.client", event.client.as_ref().map(|c| &*c.name));
        tag("mcp.session", event.session_id.as_ref().map(|s| s.as_str()));
        tag("trackway.project", self.source.project.as_ref().map(|p| p.as_str()));
        for (key, value) in &event.tags {
            tag(key, Some(value));
        }
        let mut out = json!({
            "event_id": hex(&id),
            "timestamp": event.started_at.micros() as f64 / 1e6,
            "platform": "other",
            "sdk": { "name": &*self.source.sdk.name, "version": &*self.source.sdk.version },
            "server_name": event.server.as_ref().map(|s| &*s.name),
            "tags": tags,
            "contexts": { "trace": { "trace_id": hex(&at.trace), "span_id": hex(&at.span) } },
        });
        if let Some(parent) = at.parent {
            out["contexts"]["trace"]["parent_span_id"] = hex(&parent).into();
        }
        if let Some(actor) = &event.actor {
            out["user"] = json!({ "id": actor.id.as_str(), "username": actor.name });
        }
        for (key, value) in [("environment", &self.config.environment), ("release", &self.config.release)] {
            if let Some(value) = value {
                out[key] = value.as_str().into();
            }
        }
        out
    }
}

impl Exporter for Sentry {
    fn export(&mut self, events: &[Arc<Event>], until: Instant) -> Result<(), Failed> {
        for event in events {
            for bytes in self.envelopes(event) {
                self.target.post(Body { bytes, content_type: "application/x-sentry-envelope" }, until)?;
            }
        }
        Ok(())
    }

    /// An envelope holds one event, so a batch is one event: a repeated try repeats nothing that was taken.
    fn batch(&self) -> usize {
        1
    }
}

fn envelope(kind: &str, payload: &Value) -> Vec<u8> {
    let body = payload.to_string();
    let head = json!({ "event_id": payload["event_id"], "sdk": payload["sdk"] });
    let item = json!({ "type": kind, "length": body.len() });
    format!("{head}\n{item}\n{body}\n").into_bytes()
}

fn exception(kind: &str, message: &str, frames: &[Frame]) -> Value {
    let mut out = json!({ "type": kind, "value": message });
    if !frames.is_empty() {
        let frames: Vec<Value> = frames
            .iter()
            .map(|f| {
                json!({
                    "filename": f.filename, "function": f.function, "lineno": f.lineno, "colno": f.colno,
                    "in_app": f.in_app, "module": f.module, "context_line": f.context_line,
                })
            })
            .collect();
        out["stacktrace"] = json!({ "frames": frames });
    }
    out
}
