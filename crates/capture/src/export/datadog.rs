//! Datadog (SDK-73): one log an event, and the metrics `mcp.events.count`, `mcp.event.duration` and `mcp.errors.count`
//! of the batch, by method, tool, status and client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use trackway_event::id::hex;
use trackway_event::{Event, EventId};

use super::config::web_address;
use super::span::{self};
use super::target::{Body, Target};
use super::{BadExporter, DatadogConfig, ExportSource, Exporter, Failed};

/// Metric types of Datadog's series.
const COUNT: u8 = 1;
const GAUGE: u8 = 3;

/// Sends logs and metrics.
pub(super) struct Datadog {
    logs: Target,
    metrics: Target,
    config: DatadogConfig,
    source: ExportSource,
    /// The batch whose logs are in and whose metrics are not: they are not sent again.
    logged: Option<(EventId, usize)>,
}

impl Datadog {
    pub(super) fn new(config: &DatadogConfig, source: &ExportSource) -> Result<Self, BadExporter> {
        let (logs, metrics) = intakes(config)?;
        let user_agent = format!("{}/{}", source.sdk.name, source.sdk.version);
        let key = || vec![("dd-api-key".to_owned(), config.api_key.trim().to_owned())];
        Ok(Self {
            logs: Target::new(logs, key(), &user_agent),
            metrics: Target::new(metrics, key(), &user_agent),
            config: config.clone(),
            source: source.clone(),
            logged: None,
        })
    }

    pub(super) fn log_lines(&self, events: &[Arc<Event>]) -> Value {
        events.iter().map(|event| self.log_line(event)).collect()
    }

    fn log_line(&self, event: &Event) -> Value {
        let error = span::error_type(event);
        let status = event.status.map_or("recorded", |s| s.as_str());
        let context = span::context(event);
        let mut log = json!({
            "message": format!("{} {status}", span::name(event)),
            "ddsource": "trackway",
            "ddtags": self.tags().join(","),
            "service": span::service(self.config.service.as_deref(), Some(event)),
            "status": if event.failed() { "error" } else if error.is_some() { "warn" } else { "info" },
            "timestamp": event.started_at.micros() / 1_000,
            "trace_id": hex(&context.trace),
            "span_id": hex(&context.span),
            "attributes": span::attributes(event, self.config.payloads)
                .into_iter().collect::<serde_json::Map<_, _>>(),
        });
        if let Some(us) = event.duration_us {
            // Datadog's standard attribute, in nanoseconds.
            log["duration"] = us.saturating_mul(1_000).into();
        }
        if let Some(error) = event.error.as_ref() {
            log["error"] = json!({ "kind": error.kind, "message": error.message, "stack": error.stack });
        }
        log
    }

    pub(super) fn series(&self, events: &[Arc<Event>]) -> Value {
        let mut figures: BTreeMap<(i64, Vec<String>), Figures> = BTreeMap::new();
        for event in events.iter().filter(|e| e.status.is_some()) {
            let seconds = event.started_at.micros().div_euclid(1_000_000);
            let figure = figures.entry((seconds, self.metric_tags(event))).or_default();
            figure.count += 1;
            figure.errors += u64::from(event.failed());
            if let Some(us) = event.duration_us {
                figure.timed += 1;
                figure.total_us = figure.total_us.saturating_add(us);
            }
        }
        let mut series = Vec::new();
        for ((seconds, tags), figure) in &figures {
            let mut add = |metric: &str, kind: u8, value: Value| {
                series.push(json!({
                    "metric": metric, "type": kind, "tags": tags,
                    "points": [{ "timestamp": seconds, "value": value }],
                }));
            };
            add("mcp.events.count", COUNT, figure.count.into());
            if figure.errors > 0 {
                add("mcp.errors.count", COUNT, figure.errors.into());
            }
            if figure.timed > 0 {
                let mean_ms = figure.total_us as f64 / figure.timed as f64 / 1_000.0;
                add("mcp.event.duration", GAUGE, mean_ms.into());
            }
        }
        json!({ "series": series })
    }

    fn metric_tags(&self, event: &Event) -> Vec<String> {
        let mut tags = self.tags();
        let mut tag = |key: &str, value: &str| tags.push(format!("{key}:{value}"));
        tag("service", span::service(self.config.service.as_deref(), Some(event)));
        tag("method", &event.name);
        if let Some(tool) = &event.tool {
            tag("tool", tool);
        }
        if let Some(status) = event.status {
            tag("status", status.as_str());
        }
        if let Some(client) = &event.client {
            tag("client", &client.name);
        }
        tags
    }

    fn tags(&self) -> Vec<String> {
        let project = self.source.project.as_ref().map(|p| format!("trackway_project:{p}"));
        self.config.tags.iter().cloned().chain(project).collect()
    }
}

#[derive(Default)]
struct Figures {
    count: u64,
    errors: u64,
    timed: u64,
    total_us: u64,
}

impl Exporter for Datadog {
    fn export(&mut self, events: &[Arc<Event>], until: Instant) -> Result<(), Failed> {
        let batch = events.first().map(|e| (e.id.clone(), events.len()));
        if self.logged != batch {
            let body = self.log_lines(events).to_string().into_bytes();
            self.logs.post(Body { bytes: body, content_type: "application/json" }, until)?;
            self.logged = batch;
        }
        let body = self.series(events).to_string().into_bytes();
        self.metrics.post(Body { bytes: body, content_type: "application/json" }, until)?;
        self.logged = None;
        Ok(())
    }
}

/// Where logs and metrics go. A site is a host name; an address is an agent or relay that takes both.
pub(super) fn intakes(config: &DatadogConfig) -> Result<(String, String), BadExporter> {
    let site = config.site.trim();
    if config.api_key.trim().is_empty() {
        return Err(BadExporter::value("datadog", "the API key is missing"));
    }
    if site.contains("://") {
        let base = web_address("datadog", site)?;
        return Ok((format!("{base}/api/v2/logs"), format!("{base}/api/v2/series")));
    }
    let legal = site.split('.').count() >= 2
        && site
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    if !legal {
        return Err(BadExporter::value("datadog", "write the site as a host name, for example datadoghq.eu"));
    }
    Ok((format!("https://http-intake.logs.{site}/api/v2/logs"), format!("https://api.{site}/api/v2/series")))
}
