//! The published PostHog SDKs for MCP, for TypeScript and for Python, inside a real MCP server, used by a real MCP client, against the binary: its default
//! wire and Capture V1 (wire-posthog case 42).
//!
//! Invariant: the tests read through the JSON API only, as a user would.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use trackway_tests::Instance;

const PROJECT: &str = "proj_posthog";
/// Events are on record within a second of the program's end; a busy machine may take longer.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn posthog_mcp_for_typescript_in_its_default_mode() -> Result<()> {
    typescript(None)
}

#[test]
fn posthog_mcp_for_typescript_by_capture_v1() -> Result<()> {
    typescript(Some("v1"))
}

#[test]
fn posthog_mcp_for_python_in_its_default_mode() -> Result<()> {
    python("v0")
}

#[test]
fn posthog_mcp_for_python_by_capture_v1() -> Result<()> {
    python("v1")
}

/// One session of an agent whose user is known from the start.
fn python(mode: &str) -> Result<()> {
    let instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    let get = |path: &str| instance.get(&format!("/api/v1/projects/{PROJECT}/{path}"), &token);
    wait("the project", || Ok(get("sessions").ok().map(|_| ())))?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let interpreter =
        std::env::var_os("TRACKWAY_TEST_PYTHON").map_or_else(|| here.join(".venv/bin/python"), PathBuf::from);
    ensure!(interpreter.exists(), "no Python with the published SDK: run `cargo xtask test`");
    let mut command = Command::new(interpreter);
    command.arg(here.join("posthog_shop.py")).env("POSTHOG_HOST", instance.url());
    command.env("TRACKWAY_PROJECT", PROJECT).env("POSTHOG_CAPTURE_MODE", mode).stdin(Stdio::null());
    let output = command.output()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "the client failed: {errors}");
    let seen: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(seen["tools"] == json!(["boom", "get_more_tools", "search"]), "{seen}");
    ensure!(seen["failed"]["boom"] == true && seen["failed"]["search"] == false, "{seen}");

    // One initialize, one list, three calls, one report.
    let session = wait("one session with six events", || {
        let items = get("sessions")?["items"].as_array().cloned().unwrap_or_default();
        Ok(items.into_iter().find(|s| s["client"]["name"] == "claude-code" && s["events"] == 6))
    });
    let session = session.with_context(|| format!("there is {:#}", get("sessions").unwrap_or_default()))?;
    ensure!(session["actor"]["id"] == "u_1" && session["session_source"] == "given", "{session}");
    let counts = (&session["tool_calls"], &session["errors"], &session["missing_reports"]);
    ensure!(counts == (&json!(3), &json!(1), &json!(1)), "calls, errors, reports: {session}");
    let id = session["id"].as_str().context("a session has an id")?;
    let events = get(&format!("sessions/{id}/events"))?["items"].as_array().cloned().unwrap_or_default();
    let boom = events.iter().find(|e| e["kind"] == "tool_call" && e["tool"] == "boom").context("boom")?;
    ensure!(boom["intent"] == "see what breaks", "{boom}");
    ensure!(boom["error"] == json!({ "type": "ValueError", "message": "cannot frobnicate 3" }), "{boom}");
    Ok(())
}

/// One session of an agent whose user signs in with the second call.
fn typescript(mode: Option<&str>) -> Result<()> {
    let instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    let get = |path: &str| instance.get(&format!("/api/v1/projects/{PROJECT}/{path}"), &token);
    // A project made beside the running server is there within a second (D33).
    wait("the project", || Ok(get("sessions").ok().map(|_| ())))?;
    let home = tempfile::tempdir()?;
    let mut command = Command::new("node");
    command.arg(program()?).env("HOME", home.path()).env("POSTHOG_HOST", instance.url());
    command.env("TRACKWAY_PROJECT", PROJECT).stdin(Stdio::null()).stderr(Stdio::piped());
    if let Some(mode) = mode {
        command.env("POSTHOG_CAPTURE_MODE", mode);
    }
    let output = command.output()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "the client failed: {errors}");
    // Case 19: an SDK that is answered well has nothing to say.
    ensure!(!errors.to_lowercase().contains("error"), "the SDK complains: {errors}");
    let seen: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(seen["tools"] == json!(["boom", "get_more_tools", "login", "search", "soft"]), "{seen}");
    ensure!(seen["failed"]["boom"] == true && seen["failed"]["search"] == false, "{seen}");

    // One initialize, one list, six calls, one report, one identify; the three siblings are details of their calls.
    let session = wait("one session with ten events", || {
        let items = get("sessions")?["items"].as_array().cloned().unwrap_or_default();
        Ok(items.into_iter().find(|s| s["client"]["name"] == "claude-code" && s["events"] == 10))
    });
    let session = session.with_context(|| format!("there is {:#}", get("sessions").unwrap_or_default()))?;
    ensure!(session["client"] == json!({ "name": "claude-code", "version": "2.1.148" }), "{session}");
    ensure!(session["server"] == json!({ "name": "node-shop", "version": "3.1.4" }), "{session}");
    ensure!(session["session_source"] == "given", "{session}");
    ensure!(session["actor"]["id"] == "u_1", "{session}");
    let counts = (&session["tool_calls"], &session["errors"], &session["missing_reports"]);
    ensure!(counts == (&json!(6), &json!(3), &json!(1)), "calls, errors, reports: {session}");

    let id = session["id"].as_str().context("a session has an id")?;
    let events = get(&format!("sessions/{id}/events"))?["items"].as_array().cloned().unwrap_or_default();
    let boom = events.iter().find(|e| e["kind"] == "tool_call" && e["tool"] == "boom").context("boom")?;
    ensure!(boom["intent"] == "see what breaks" && boom["error"]["type"] == "TypeError", "{boom}");
    let whole = get(&format!("events/{}", boom["id"].as_str().context("id")?))?;
    ensure!(whole["arguments"] == json!({ "n": 3 }), "{whole}");
    let issues = get("issues")?["items"].as_array().cloned().unwrap_or_default();
    ensure!(issues.len() == 3 && issues.iter().all(|i| i["events"] == 1), "{issues:#?}");
    let all = get("events")?["items"].as_array().cloned().unwrap_or_default();
    let signup = all.iter().find(|e| e["resource"] == "signup").context("the event of the application")?;
    ensure!(signup["kind"] == "custom" && signup["session_id"].is_null(), "{signup}");
    Ok(())
}

fn wait<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask()? {
            return Ok(found);
        }
        ensure!(begun.elapsed() < SOON, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The program beside the installed packages: a module finds them from its own place only.
fn program() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
    let home = std::env::var_os("TRACKWAY_TEST_NODE").map_or_else(|| here.clone(), PathBuf::from);
    ensure!(
        home.join("node_modules/@posthog/mcp").exists(),
        "no published SDK in {}: run `cargo xtask test`, or see tests/node/README.md",
        home.display()
    );
    if home != here {
        let text = std::fs::read(here.join("posthog.mjs"))?;
        // Tests run in parallel: a file that is right already is left alone, a new one appears at once.
        if std::fs::read(home.join("posthog.mjs")).ok().as_ref() != Some(&text) {
            let part = tempfile::NamedTempFile::new_in(&home)?;
            std::fs::write(part.path(), &text)?;
            part.persist(home.join("posthog.mjs"))?;
        }
    }
    Ok(home.join("posthog.mjs"))
}
