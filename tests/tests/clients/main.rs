//! The published AgentCat and MCPcat SDKs inside real MCP servers, driven by real MCP clients, against the binary.
//!
//! Wire case 56: every event once, with sessions, intents, identities, errors and client names; the host unharmed when
//! Trackway refuses, stops and comes back. Invariant: the tests read through the JSON API only, as a user would.

mod agent;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use agent::{Agent, Identify, Sdk, Transport};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use trackway_tests::Instance;

const PROJECT: &str = "proj_clients";
/// Events are on record within a second; a busy machine may take longer.
const SOON: Duration = Duration::from_secs(20);
/// After this time, the SDK for TypeScript ends its host if four attempts have failed (at 0, 1, 3 and 7 s).
const LAST_ATTEMPT: Duration = Duration::from_millis(8_500);

#[test]
fn agentcat_for_typescript_over_stdio() -> Result<()> {
    typescript(Sdk::AgentCatNode, Transport::Stdio)
}

#[test]
fn agentcat_for_typescript_over_streamable_http() -> Result<()> {
    typescript(Sdk::AgentCatNode, Transport::Http)
}

#[test]
fn mcpcat_for_typescript_over_stdio() -> Result<()> {
    typescript(Sdk::McpCatNode, Transport::Stdio)
}

/// One session of an agent whose user signs in after the second call: both SDKs of the derived generation.
fn typescript(sdk: Sdk, transport: Transport) -> Result<()> {
    let site = Site::start()?;
    let mut agent = site.agent(sdk, transport, Identify::Late, ("claude-code", "2.1.148"))?;
    let tools = agent.list()?;
    ensure!(tools.iter().all(|(_, required)| required.iter().any(|name| name == "context")), "{tools:?}");
    let calls = [
        ("search", json!({ "query": "tent", "context": "find a tent for the customer" }), None),
        ("login", json!({ "id": "u_1", "name": "Ada Late", "context": "sign in" }), None),
        ("search", json!({ "query": "boots", "context": "find boots too" }), None),
        ("boom", json!({ "n": 3, "context": "see what breaks" }), Some("cannot frobnicate 3")),
        ("soft", json!({ "context": "try the flaky one" }), Some("rate limit exceeded")),
        ("nope", json!({ "context": "use a tool that is not there" }), Some("nope")),
        ("emit", json!({ "label": "checkout", "context": "publish an event" }), None),
    ];
    for (tool, args, failure) in &calls {
        let answer = agent.call(tool, args.clone())?;
        ensure!(answer.is_error == failure.is_some(), "{tool}: {answer:?}");
        ensure!(failure.is_none_or(|text| answer.text.contains(text)), "{tool}: {answer:?}");
    }
    agent.call("get_more_tools", json!({ "context": "need a size converter" }))?;

    // One initialize, one list, seven calls, one report, one identify, one custom event.
    let session = site.session_of("claude-code", 12)?;
    ensure!(session["client"] == json!({ "name": "claude-code", "version": "2.1.148" }), "{session}");
    ensure!(session["server"] == json!({ "name": "node-shop", "version": "3.1.4" }), "{session}");
    ensure!(session["session_source"] == "given", "{session}");
    ensure!(session["actor"]["id"] == "u_1" && session["actor"]["name"] == "Ada Late", "{session}");
    // The traits are on the session itself, not in lists.
    let whole = site.get(&format!("sessions/{}", session["id"].as_str().context("id")?))?;
    ensure!(whole["actor"]["properties"]["plan"] == "premium", "{whole}");
    expect_counts(&session, 7, 3, 1)?;
    let intents = session["intents"].as_array().context("intents is a list")?;
    ensure!(intents.iter().any(|intent| intent == "find a tent for the customer"), "{session}");

    let events = site.events_of(&session)?;
    let kinds = count_by(&events, "kind");
    let expect = [
        ("custom", 1),
        ("identify", 1),
        ("initialize", 1),
        ("missing_capability", 1),
        ("tool_call", 7),
        ("tools_list", 1),
    ];
    ensure!(kinds == expect.iter().map(|(kind, n)| ((*kind).to_owned(), *n)).collect(), "{kinds:?}");
    for (tool, args, failure) in &calls {
        let found = events.iter().find(|event| {
            event["kind"] == "tool_call" && event["tool"] == *tool && event["intent"] == args["context"]
        });
        let event = found.with_context(|| format!("no call of {tool} with its intent in {events:?}"))?;
        let status = if failure.is_some() { "error" } else { "ok" };
        ensure!(event["status"].as_str().is_some_and(|text| text.ends_with(status)), "{tool}: {event}");
        if let Some(text) = failure {
            ensure!(
                event["error"]["message"].as_str().is_some_and(|message| message.contains(text)),
                "{event}"
            );
        } else {
            ensure!(event["error"].is_null(), "{event}");
        }
        ensure!(event["client"]["name"] == "claude-code", "{tool}: every event knows its client: {event}");
    }
    let one = |kind: &str, tool: Option<&str>| {
        events
            .iter()
            .find(|event| event["kind"] == kind && tool.is_none_or(|tool| event["tool"] == tool))
            .context("gone")
    };
    ensure!(
        one("tool_call", Some("boom"))?["error"]["type"] == "TypeError",
        "the thrown error keeps its type"
    );
    ensure!(one("tool_call", Some("soft"))?["error"]["type"].is_null(), "a said failure has no type");
    ensure!(one("missing_capability", None)?["intent"] == "need a size converter");
    // The stored arguments are those the tool was written for: without the injected one.
    let id = one("tool_call", Some("boom"))?["id"].as_str().context("id")?.to_owned();
    let full = site.get(&format!("events/{id}"))?;
    ensure!(full["arguments"] == json!({ "n": 3 }), "{full}");
    let id = one("custom", None)?["id"].as_str().context("id")?.to_owned();
    ensure!(
        site.get(&format!("events/{id}"))?.to_string().contains("42"),
        "the custom event keeps its payload"
    );

    let people = site.items("people")?;
    ensure!(people.len() == 1 && people[0]["id"] == "u_1", "one person and no anonymous one: {people:?}");
    let clients = site.items("clients")?;
    ensure!(clients.iter().any(|row| row["client"] == session["client"]), "{clients:?}");
    let issues = site.items("issues")?;
    ensure!(issues.len() == 3, "three kinds of failure: {issues:?}");
    ensure!(agent.server_lives()?);
    agent.close()
}

#[test]
fn identity_from_the_start_is_on_every_event() -> Result<()> {
    let site = Site::start()?;
    let mut agent = site.agent(Sdk::McpCatNode, Transport::Stdio, Identify::Start, ("cursor", "1.0.0"))?;
    agent.call("search", json!({ "query": "tent", "context": "one" }))?;
    agent.call("search", json!({ "query": "mat", "context": "two" }))?;
    // initialize, identify, two calls.
    let session = site.session_of("cursor", 4)?;
    ensure!(session["actor"]["id"] == "u_start" && session["actor"]["name"] == "Sina Start", "{session}");
    let events = site.events_of(&session)?;
    ensure!(events.iter().all(|event| event["actor"]["id"] == "u_start"), "{events:?}");
    agent.close()
}

#[test]
fn without_identify_sessions_stay_anonymous_and_apart() -> Result<()> {
    let site = Site::start()?;
    let mut one = site.agent(Sdk::AgentCatNode, Transport::Stdio, Identify::None, ("cursor", "1.0.0"))?;
    let mut two = site.agent(Sdk::AgentCatNode, Transport::Stdio, Identify::None, ("cursor", "1.0.0"))?;
    one.call("search", json!({ "query": "tent", "context": "first agent" }))?;
    two.call("search", json!({ "query": "tent", "context": "second agent" }))?;
    let sessions = site.wait("two sessions of two events", || {
        let sessions = site.items("sessions")?;
        Ok((sessions.len() == 2 && sessions.iter().all(|session| session["events"] == 2)).then_some(sessions))
    })?;
    ensure!(sessions.iter().all(|session| session["actor"].is_null()), "{sessions:?}");
    ensure!(site.items("people")?.is_empty(), "anonymous is nobody");
    one.close()?;
    two.close()
}

#[test]
fn agentcat_for_python_over_stdio() -> Result<()> {
    let site = Site::start()?;
    let mut agent =
        site.agent(Sdk::AgentCatPython, Transport::Stdio, Identify::Argument, ("cursor", "1.2.3"))?;
    let user = "pia@acme.example";
    let first = agent.call("search", json!({ "query": "tent", "user": user, "context": "find a tent" }))?;
    let handle = first.text.split_whitespace().find(|word| word.starts_with("ses_"));
    let handle = handle.with_context(|| format!("no session handle in {first:?}"))?.to_owned();
    let with = |mut args: Value, session: &str| {
        args["session_id"] = Value::from(session);
        args["user"] = Value::from(user);
        args
    };
    let boom = agent.call("boom", with(json!({ "n": 7, "context": "see what breaks" }), &handle))?;
    ensure!(boom.is_error);
    agent.call("get_more_tools", json!({ "session_id": handle, "context": "need a size converter" }))?;
    agent.call("search", with(json!({ "query": "mat", "context": "a made-up handle" }), "ses_made_up"))?;
    agent.call("emit", json!({ "label": "checkout", "session_id": handle, "context": "publish" }))?;

    let sessions = site.wait("six events in three sessions", || {
        let sessions = site.items("sessions")?;
        let events: u64 = sessions.iter().filter_map(|session| session["events"].as_u64()).sum();
        Ok((events == 6).then_some(sessions))
    })?;
    let by_id = |id: &str| sessions.iter().find(|session| session["id"] == id);
    let minted = by_id(&handle).with_context(|| format!("no session {handle} in {sessions:?}"))?;
    expect_counts(minted, 3, 1, 1)?;
    ensure!(minted["session_source"] == "given", "{minted}");
    ensure!(minted["actor"]["id"] == user && minted["actor"]["name"] == "Pia Python", "{minted}");
    ensure!(minted["client"] == json!({ "name": "cursor", "version": "1.2.3" }), "{minted}");
    let custom = by_id("order-4711").context("a custom event keeps the session it names")?;
    ensure!(custom["events"] == 1, "{custom}");
    let grouped = sessions.iter().find(|session| session["session_source"] == "grouped");
    let grouped = grouped.with_context(|| format!("a handle that is not known is grouped: {sessions:?}"))?;
    expect_counts(grouped, 1, 0, 0)?;
    ensure!(grouped["actor"]["id"] == user, "{grouped}");

    let events = site.events_of(minted)?;
    let boom = events.iter().find(|event| event["tool"] == "boom").context("no boom")?;
    ensure!(boom["intent"] == "see what breaks", "{boom}");
    ensure!(boom["error"]["type"].as_str().is_some_and(|name| name.ends_with("ToolError")), "{boom}");
    ensure!(
        boom["error"]["message"].as_str().is_some_and(|text| text.contains("cannot frobnicate 7")),
        "{boom}"
    );
    // Neither the intent nor the handle belongs to the tool.
    let full = site.get(&format!("events/{}", boom["id"].as_str().context("id")?))?;
    ensure!(full["arguments"] == json!({ "n": 7, "user": user }), "{full}");
    let people = site.items("people")?;
    ensure!(people.len() == 1 && people[0]["id"] == user, "{people:?}");
    agent.close()
}

#[test]
fn a_restart_of_trackway_loses_nothing_and_doubles_nothing() -> Result<()> {
    let mut site = Site::start()?;
    let mut node =
        site.agent(Sdk::AgentCatNode, Transport::Stdio, Identify::None, ("claude-code", "2.1.148"))?;
    let mut python =
        site.agent(Sdk::AgentCatPython, Transport::Stdio, Identify::Argument, ("cursor", "1.2.3"))?;
    let search = |agent: &mut Agent, n: u32| {
        agent.call(
            "search",
            json!({ "query": "tent", "user": "pia@acme.example", "context": format!("call {n}") }),
        )
    };
    let node_search = |agent: &mut Agent, n: u32| {
        agent.call("search", json!({ "query": "tent", "context": format!("call {n}") }))
    };
    node_search(&mut node, 0)?;
    search(&mut python, 0)?;
    site.instance.stop()?;
    let stopped = Instant::now();
    for n in 1..=4 {
        let answers = [node_search(&mut node, n)?, search(&mut python, n)?];
        ensure!(
            answers.iter().all(|answer| !answer.is_error && answer.text.contains("found 3")),
            "{answers:?}"
        );
    }
    ensure!(node.server_lives()?, "the host lives while Trackway is away");
    site.instance.start_again()?;
    ensure!(
        stopped.elapsed() < Duration::from_secs(6),
        "the restart came too late for the SDK's last attempt"
    );

    let calls = |site: &Site| -> Result<BTreeMap<String, usize>> {
        Ok(count_by(&site.calls_of_all_sessions()?, "client_and_intent"))
    };
    site.wait("five calls of each agent", || Ok((calls(&site)?.len() == 10).then_some(())))?;
    // Until the SDK's last attempt is over, a copy could still come; none may.
    std::thread::sleep(LAST_ATTEMPT.saturating_sub(stopped.elapsed()));
    let counts = calls(&site)?;
    ensure!(counts.len() == 10 && counts.values().all(|n| *n == 1), "every call once: {counts:?}");
    ensure!(node.server_lives()? && python.server_lives()?);
    node.close()?;
    python.close()
}

#[test]
fn a_project_that_does_not_exist_yet_harms_no_host_and_loses_nothing() -> Result<()> {
    let site = Site::start()?;
    let url = site.instance.url();
    let begun = Instant::now();
    let mut agent = Agent::start(
        Sdk::AgentCatNode,
        Transport::Stdio,
        Identify::Late,
        ("claude-code", "2.1.148"),
        &url,
        "proj_not_yet",
    )?;
    agent.call("search", json!({ "query": "tent", "context": "too early" }))?;
    std::thread::sleep(LAST_ATTEMPT.saturating_sub(begun.elapsed()));
    ensure!(agent.server_lives()?, "a refusal must not end the host");
    ensure!(site.items("sessions")?.is_empty(), "nothing went to another project");
    let site = site.with_project("proj_not_yet")?;
    let session = site.session_of("claude-code", 2)?;
    expect_counts(&session, 1, 0, 0)?;
    agent.close()
}

/// A running Trackway with one project and a token to read it.
struct Site {
    instance: Instance,
    project: String,
    token: String,
}

impl Site {
    fn start() -> Result<Self> {
        Self::of(Instance::start()?, PROJECT)
    }

    fn of(instance: Instance, project: &str) -> Result<Self> {
        let token = instance.project(project)?;
        let site = Self { instance, project: project.to_owned(), token };
        // A project made beside the running server is there within a second (D33).
        let begun = Instant::now();
        while let Err(error) = site.get("sessions") {
            ensure!(begun.elapsed() < SOON, "{error:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(site)
    }

    /// The same instance, seen through another, new project.
    fn with_project(self, project: &str) -> Result<Self> {
        Self::of(self.instance, project)
    }

    fn agent(
        &self,
        sdk: Sdk,
        transport: Transport,
        identify: Identify,
        client: (&str, &str),
    ) -> Result<Agent> {
        Agent::start(sdk, transport, identify, client, &self.instance.url(), &self.project)
    }

    fn get(&self, path: &str) -> Result<Value> {
        self.instance.get(&format!("/api/v1/projects/{}/{path}", self.project), &self.token)
    }

    fn items(&self, path: &str) -> Result<Vec<Value>> {
        let answer = self.get(path)?;
        answer["items"].as_array().cloned().with_context(|| format!("{path}: no items in {answer}"))
    }

    /// Waits until the only session of `client` has this many events.
    fn session_of(&self, client: &str, events: u64) -> Result<Value> {
        self.wait(&format!("one session of {client} with {events} events"), || {
            let sessions = self.items("sessions")?;
            Ok(match &sessions[..] {
                [session] if session["client"]["name"] == client && session["events"] == events => {
                    Some(session.clone())
                }
                _ => None,
            })
        })
    }

    fn events_of(&self, session: &Value) -> Result<Vec<Value>> {
        self.items(&format!("sessions/{}/events", session["id"].as_str().context("a session has an id")?))
    }

    /// The tool calls of all sessions, each with a member that names its client and intent.
    fn calls_of_all_sessions(&self) -> Result<Vec<Value>> {
        let mut calls = Vec::new();
        for session in self.items("sessions")? {
            for mut event in self.events_of(&session)? {
                if event["kind"] == "tool_call" {
                    event["client_and_intent"] =
                        format!("{} {}", event["client"]["name"], event["intent"]).into();
                    calls.push(event);
                }
            }
        }
        Ok(calls)
    }

    /// Asks until there is an answer, or fails with what was last on record.
    fn wait<T>(&self, what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = ask()? {
                return Ok(found);
            }
            if begun.elapsed() > SOON {
                let sessions = self.get("sessions")?;
                let events = self.calls_of_all_sessions()?;
                bail!("waited in vain for {what}; there is {sessions:#} with calls {events:#?}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn expect_counts(session: &Value, calls: u64, errors: u64, missing: u64) -> Result<()> {
    let counts = (&session["tool_calls"], &session["errors"], &session["missing_reports"]);
    ensure!(counts == (&json!(calls), &json!(errors), &json!(missing)), "calls, errors, reports: {session}");
    Ok(())
}

fn count_by(events: &[Value], member: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(event[member].as_str().unwrap_or("?").to_owned()).or_default() += 1;
    }
    counts
}
