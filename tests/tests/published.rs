//! Published SDKs in further languages, each inside a real MCP server with a real client, or in a program as applications write
//! it: Rust (AgentCat's and PostHog's crates), Python (AgentCat's first generation), Go (PostHog's module).
//!
//! AgentCat's module for Go has an address that is not served by the public module mirror everywhere; it is not run.
//! Invariant: the tests read through the JSON API only, as a user would.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use trackway_tests::{Instance, clean, run, wait_for};

const PROJECT: &str = "proj_published";
const PATIENCE: Duration = Duration::from_secs(60);
/// Events are on record within a second; a busy machine may take longer.
const SOON: Duration = Duration::from_secs(20);

/// A Trackway with a project.
struct Site {
    instance: Instance,
    token: String,
}

impl Site {
    fn start() -> Result<Self> {
        let instance = Instance::start()?;
        let token = instance.project(PROJECT)?;
        let site = Self { instance, token };
        // A project made beside the running server is there within a second (D33).
        wait_for("the project", SOON, || Ok(site.get("sessions").ok().map(|_| ())))?;
        Ok(site)
    }

    fn get(&self, path: &str) -> Result<Value> {
        self.instance.get(&format!("/api/v1/projects/{PROJECT}/{path}"), &self.token)
    }

    fn items(&self, path: &str) -> Result<Vec<Value>> {
        Ok(self.get(path)?["items"].as_array().cloned().unwrap_or_default())
    }

    /// The one session, once it has so many tool calls.
    fn session(&self, calls: u64) -> Result<Value> {
        let found = wait_for("a session", SOON, || {
            Ok(self.items("sessions")?.into_iter().find(|s| s["tool_calls"] == calls))
        });
        found.with_context(|| format!("there is {:#}", self.get("sessions").unwrap_or_default()))
    }

    fn events(&self, session: &Value) -> Result<Vec<Value>> {
        self.items(&format!("sessions/{}/events", session["id"].as_str().context("an id")?))
    }
}

/// Drives `host` over stdio with rmcp's client; gives the raw answers, the listing first.
fn drive(host: &[&str], env: &[(&str, &str)], home: &Path, calls: &Value) -> Result<Vec<Value>> {
    let mut command = clean(env!("CARGO_BIN_EXE_rmcp-caller"));
    command.env("HOME", home).env("DISABLE_DIAGNOSTICS", "true").envs(env.iter().copied());
    command.arg(json!({ "command": host[0], "args": host[1..] }).to_string()).arg(calls.to_string());
    let output = run(command, PATIENCE)?;
    ensure!(output.code == Some(0), "the client failed: {}", output.stderr);
    output.stdout.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// What every host is asked: two searches by a user, one of them after a failure.
fn calls() -> Value {
    let user = "u_published";
    json!([
        { "name": "search", "arguments": { "query": "tent", "user": user, "context": "find a tent", "session_id": "start" } },
        { "name": "boom", "arguments": { "query": "x", "user": user, "context": "see what breaks", "session_id": "LAST" } },
        { "name": "search", "arguments": { "query": "mat", "user": user, "context": "find a mat", "session_id": "LAST" } },
    ])
}

/// What Trackway must know after these calls.
fn check(site: &Site, server: &str) -> Result<()> {
    let session = site.session(3)?;
    ensure!(session["errors"] == 1, "{session}");
    ensure!(session["actor"]["id"] == "u_published", "{session}");
    ensure!(session["server"]["name"] == server, "{session}");
    let events = site.events(&session)?;
    let intents: Vec<&Value> =
        events.iter().filter(|e| e["kind"] == "tool_call").map(|e| &e["intent"]).collect();
    for intent in ["find a tent", "see what breaks", "find a mat"] {
        ensure!(intents.iter().any(|i| **i == intent), "{intent} in {intents:?}");
    }
    let issues = site.items("issues")?;
    ensure!(issues.len() == 1 && issues[0]["events"] == 1, "{issues:?}");
    let people = site.items("people")?;
    ensure!(people.iter().any(|p| p["id"] == "u_published"), "{people:?}");
    Ok(())
}

#[test]
fn agentcat_for_rust() -> Result<()> {
    let (site, home) = (Site::start()?, tempfile::tempdir()?);
    let env = [("AGENTCAT_PROJECT_ID", PROJECT), ("AGENTCAT_API_URL", &*site.instance.url())];
    let host = [env!("CARGO_BIN_EXE_rust-hosts"), "agentcat"];
    let answers = drive(&host, &env, home.path(), &calls())?;
    ensure!(answers[0].to_string().contains("session_id"), "{}", answers[0]);
    check(&site, "rust-shop")?;
    let person = site.get("people/u_published")?.to_string();
    ensure!(person.contains("Rosa Rust") && person.contains("team"), "{person}");
    Ok(())
}

#[test]
fn posthog_for_rust() -> Result<()> {
    let (site, home) = (Site::start()?, tempfile::tempdir()?);
    let env = [("POSTHOG_API_KEY", PROJECT), ("POSTHOG_HOST", &*site.instance.url())];
    let host = [env!("CARGO_BIN_EXE_rust-hosts"), "posthog"];
    let mut calls = calls();
    for call in calls.as_array_mut().into_iter().flatten() {
        // This SDK injects no session.
        call["arguments"].as_object_mut().context("arguments")?.remove("session_id");
    }
    drive(&host, &env, home.path(), &calls)?;
    check(&site, "rust-shop")
}

#[test]
fn agentcat_for_python_of_the_first_generation() -> Result<()> {
    let (site, home) = (Site::start()?, tempfile::tempdir()?);
    let python = tool("TRACKWAY_TEST_AGENTCAT1")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/server1.py");
    let env = [("TRACKWAY_PROJECT", PROJECT), ("AGENTCAT_API_URL", &*site.instance.url())];
    let mut calls = calls();
    for call in calls.as_array_mut().into_iter().flatten() {
        call["arguments"].as_object_mut().context("arguments")?.remove("session_id");
    }
    let host = [python.to_str().context("a path")?, script.to_str().context("a path")?];
    drive(&host, &env, home.path(), &calls)?;
    check(&site, "python-shop")
}

#[test]
fn posthog_for_go() -> Result<()> {
    let site = Site::start()?;
    let mut command = Command::new(tool("TRACKWAY_TEST_GO")?);
    command.env("POSTHOG_API_KEY", PROJECT).env("POSTHOG_HOST", site.instance.url());
    let output = run(command, PATIENCE)?;
    ensure!(output.code == Some(0) && !output.stderr.to_lowercase().contains("error"), "{}", output.stderr);
    let session = site.session(1)?;
    ensure!(session["id"] == "ses-go-1" && session["session_source"] == "given", "{session}");
    ensure!(session["client"]["name"] == "claude-code", "{session}");
    let all = wait_for("the application's own events", SOON, || {
        let all = site.items("events")?;
        Ok(all.iter().any(|e| e["resource"] == "paid").then_some(all))
    })?;
    let call = all.iter().find(|e| e["kind"] == "tool_call").context("the call")?;
    ensure!(call["tool"] == "search" && call["intent"] == "find a tent", "{call}");
    // The anonymous id and the user are one person, by the alias.
    let people = site.items("people")?;
    ensure!(people.len() == 1 && people[0]["id"] == "u_go", "{people:?}");
    let person = site.get("people/u_go")?.to_string();
    ensure!(person.contains("Gero Go") && person.contains("anon-1"), "{person}");
    let groups = site.get("accounts")?.to_string();
    ensure!(groups.contains("acme") && groups.contains("organization"), "{groups}");
    Ok(())
}

/// A tool that `cargo xtask tools` has fetched.
fn tool(variable: &str) -> Result<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    let path = path.with_context(|| format!("{variable} is not set: run `cargo xtask test`"))?;
    ensure!(path.exists(), "{} is missing: run `cargo xtask test`", path.display());
    Ok(path)
}
