//! What the OTLP exporter sends is what a published receiver understands: PyPI `arize-phoenix`, its own server on loopback,
//! answers with the spans as it read them (SDK-72).

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use trackway_capture::export::{ExportSource, ExporterConfig, Exporters, OtlpConfig, Payloads};
use trackway_event::json::payload_of;
use trackway_event::{ErrorInfo, Event, EventId, Kind, Peer, SdkInfo, SessionId, Status, Timestamp};

/// It loads a lot of Python before it listens.
const START: Duration = Duration::from_secs(180);
/// Spans are written some time after they were acknowledged.
const SEEN: Duration = Duration::from_secs(60);

/// A receiver of its own; ended with the test.
struct Phoenix {
    child: Child,
    url: String,
    _home: TempDir,
}

impl Phoenix {
    fn start() -> Result<Self> {
        let home = tempfile::tempdir()?;
        let (port, grpc) = (free_port()?, free_port()?);
        let log = std::fs::File::create(home.path().join("log"))?;
        let child = Command::new(program())
            .arg("serve")
            .env("PHOENIX_WORKING_DIR", home.path())
            .env("PHOENIX_HOST", "127.0.0.1")
            .env("PHOENIX_PORT", port.to_string())
            .env("PHOENIX_GRPC_PORT", grpc.to_string())
            .env("PHOENIX_TELEMETRY_ENABLED", "false")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("phoenix cannot be started; `cargo xtask tools` fetches it")?;
        let mut phoenix = Self { child, url: format!("http://127.0.0.1:{port}"), _home: home };
        wait_for("phoenix", START, || {
            ensure!(phoenix.child.try_wait()?.is_none(), "phoenix ended before it listened");
            Ok(phoenix.get("/v1/projects").ok())
        })?;
        Ok(phoenix)
    }

    fn get(&self, path: &str) -> Result<Value> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .into();
        let text = agent.get(format!("{}{path}", self.url)).call()?.body_mut().read_to_string()?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for Phoenix {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn phoenix_reads_the_spans_of_the_otlp_exporter() -> Result<()> {
    let phoenix = Phoenix::start()?;
    let config =
        OtlpConfig { endpoint: phoenix.url.clone(), payloads: Payloads::Included, ..OtlpConfig::default() };
    let source =
        ExportSource { project: None, sdk: SdkInfo { name: "trackway-test".into(), version: "1".into() } };
    let exporters = Exporters::start(&[ExporterConfig::Otlp(config)], &source);
    let (good, bad) = (event(1, Status::Ok), event(2, Status::ToolError));
    let begun = Instant::now();
    for event in [&good, &bad] {
        exporters.offer(&Arc::new(event.clone()));
    }
    let report = exporters.shutdown(Duration::from_secs(30)).remove(0);
    ensure!(report.events.sent == 2, "{report:?} after {:?}", begun.elapsed());

    let spans = wait_for("both spans", SEEN, || {
        let all = phoenix.get("/v1/projects/default/spans")?;
        let spans = all["data"].as_array().cloned().unwrap_or_default();
        Ok((spans.len() >= 2).then_some(spans))
    })?;
    ensure!(spans.len() == 2, "an event is one span: {spans:#?}");
    let of = |status: &str| {
        spans.iter().find(|s| s["attributes"]["trackway.status"] == status).context("a span is missing")
    };
    let (ok, error) = (of("ok")?, of("tool_error")?);
    for (span, code) in [(ok, "UNSET"), (error, "ERROR")] {
        ensure!(span["name"] == "tools/call search", "{span:#}");
        ensure!(span["status_code"] == code, "{span:#}");
        let expect = json!("0af7651916cd43dd8448eb211c80319c");
        ensure!(span["context"]["trace_id"] == expect, "{span:#}");
        ensure!(span["parent_id"] == "b7ad6b7169203331", "{span:#}");
        ensure!(
            span["start_time"].as_str().is_some_and(|t| t.starts_with("2026-01-02T03:04:05")),
            "{span:#}"
        );
        let facts = &span["attributes"];
        for (key, expect) in [
            ("mcp.method.name", "tools/call"),
            ("mcp.session.id", "ses_one"),
            ("gen_ai.tool.name", "search"),
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.call.arguments", r#"{"q":"böots"}"#),
            ("trackway.intent", "find boots"),
        ] {
            ensure!(facts[key] == expect, "{key}: {facts:#}");
        }
    }
    ensure!(error["status_message"] == "no such sku", "{error:#}");
    ensure!(error["attributes"]["error.type"] == "tool_error", "{error:#}");
    ensure!(ok["attributes"].get("error.type").is_none(), "{ok:#}");
    Ok(())
}

fn event(n: u8, status: Status) -> Event {
    let at = Timestamp::from_millis(1_767_323_045_000);
    let mut event = Event::new(EventId::mint(at, [n; 16]), Kind::ToolCall, at);
    event.name = "tools/call".into();
    event.tool = Some("search".into());
    event.status = Some(status);
    event.duration_us = Some(12_500);
    event.session_id = SessionId::foreign("ses_one");
    event.server = Some(Peer { name: "shop".into(), version: None });
    event.intent = Some("find boots".into());
    event.arguments = payload_of(&json!({ "q": "böots" }));
    event.request_meta =
        payload_of(&json!({ "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }));
    if status.failed() {
        event.error = Some(Box::new(ErrorInfo { message: "no such sku".into(), ..ErrorInfo::default() }));
    }
    event
}

fn program() -> std::path::PathBuf {
    std::env::var_os("TRACKWAY_TEST_PHOENIX").map_or_else(
        || concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/.phoenix/bin/phoenix").into(),
        Into::into,
    )
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait_for<T>(what: &str, deadline: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask()? {
            return Ok(found);
        }
        ensure!(begun.elapsed() < deadline, "waited {deadline:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
