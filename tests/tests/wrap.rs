//! `trackway wrap` around a real MCP server, to the API: what an agent does is on record, and what it sees is unharmed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use trackway_tests::{Agent, Instance, binary, clean, run, wait_for};

const PROJECT: &str = "proj_wrap";
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_wrapped_session_is_on_record() -> Result<()> {
    let instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    let mut agent = Agent::start(PROJECT, &instance.url(), &["--identify-arg", "user", "--report-missing"])?;
    let tools = agent.ask("tools/list", json!({}))?;
    let tools = tools["result"]["tools"].as_array().context("tools")?;
    let search = tools.iter().find(|tool| tool["name"] == "search_products").context("search_products")?;
    let required = search["inputSchema"]["required"].as_array().context("required")?;
    ensure!(required.contains(&json!("context")), "{search}");
    ensure!(tools.iter().any(|tool| tool["name"] == "get_more_tools"), "no get_more_tools");
    let found = agent.call(
        "search_products",
        json!({ "query": "tent", "user": "ana@acme.example", "context": "find a tent for a customer" }),
    )?;
    ensure!(found["result"]["isError"] != true, "{found}");
    let wrong = agent.call("get_product", json!({ "sku": "nonsense", "context": "look at the tent" }))?;
    ensure!(wrong["result"]["isError"] == true || wrong.get("error").is_some(), "{wrong}");
    let wish = agent.call("get_more_tools", json!({ "context": "a tool that prints labels" }))?;
    ensure!(wish["result"]["isError"] != true, "{wish}");
    ensure!(agent.finish()? == Some(0), "the wrapper's exit code");

    let session = wait_for("the session", PATIENCE, || {
        let sessions = instance.list(PROJECT, "sessions", &token)?;
        Ok(sessions.into_iter().find(|session| session["missing_reports"] == 1 && session["tool_calls"] == 2))
    })?;
    ensure!(session["client"]["name"] == "black-box", "{session}");
    ensure!(session["server"]["name"] == "outdoor-shop", "{session}");
    ensure!(session["actor"]["id"] == "ana@acme.example", "{session}");
    ensure!(session["errors"] == 1, "{session}");
    ensure!(session["session_source"] == "stdio_process", "{session}");
    let id = session["id"].as_str().context("id")?;
    let events = instance.list(PROJECT, &format!("sessions/{id}/events"), &token)?;
    let search = events.iter().find(|event| event["tool"] == "search_products").context("the call")?;
    ensure!(search["intent"] == "find a tent for a customer", "{search}");
    ensure!(search["status"] == "ok", "{search}");
    let full = instance.get(
        &format!("/api/v1/projects/{PROJECT}/events/{}", search["id"].as_str().context("id")?),
        &token,
    )?;
    ensure!(full["arguments"]["query"] == "tent", "{full}");
    ensure!(full["arguments"].get("context").is_none(), "the intent is no argument of the tool: {full}");
    Ok(())
}

#[test]
fn what_could_not_be_sent_arrives_after_the_server_is_back() -> Result<()> {
    let mut instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    instance.stop()?;
    let spool = tempfile::tempdir()?;
    let spool = ["--spool", spool.path().to_str().context("UTF-8")?];
    let mut agent = Agent::start(PROJECT, &instance.url(), &spool)?;
    let found = agent.call("search_products", json!({ "query": "tent", "context": "while it is down" }))?;
    ensure!(found["result"]["isError"] != true, "an outage of Trackway changes no answer: {found}");
    ensure!(agent.finish()? == Some(0), "nor the exit code");
    instance.start_again()?;
    // The next wrapper brings what the last one had to leave.
    let mut agent = Agent::start(PROJECT, &instance.url(), &spool)?;
    agent.call("search_products", json!({ "query": "boots", "context": "it is back" }))?;
    ensure!(agent.finish()? == Some(0), "exit code");
    wait_for("both sessions", PATIENCE, || {
        let sessions = instance.list(PROJECT, "sessions", &token)?;
        let calls: Vec<u64> = sessions.iter().filter_map(|session| session["tool_calls"].as_u64()).collect();
        Ok((calls == [1, 1]).then_some(()))
    })
}

#[test]
fn agentcat_s_wire_brings_the_same_calls() -> Result<()> {
    let instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    let flags = ["--wire", "agentcat", "--identify-arg", "user"];
    let mut agent = Agent::start(PROJECT, &instance.url(), &flags)?;
    agent.call(
        "search_products",
        json!({ "query": "tent", "user": "ana@acme.example", "context": "find a tent for a customer" }),
    )?;
    agent.call("get_product", json!({ "sku": "nonsense", "context": "look at the tent" }))?;
    ensure!(agent.finish()? == Some(0), "exit code");
    let session = wait_for("the session", PATIENCE, || {
        let sessions = instance.list(PROJECT, "sessions", &token)?;
        Ok(sessions.into_iter().find(|session| session["tool_calls"] == 2))
    })?;
    ensure!(session["client"]["name"] == "black-box", "{session}");
    ensure!(session["server"]["name"] == "outdoor-shop", "{session}");
    ensure!(session["actor"]["id"] == "ana@acme.example", "{session}");
    ensure!(session["errors"] == 1, "{session}");
    let id = session["id"].as_str().context("id")?;
    let events = instance.list(PROJECT, &format!("sessions/{id}/events"), &token)?;
    let search = events.iter().find(|event| event["tool"] == "search_products").context("the call")?;
    ensure!(search["input"] == "agentcat" && search["status"] == "ok", "{search}");
    ensure!(search["intent"] == "find a tent for a customer", "{search}");
    let full = instance.get(
        &format!("/api/v1/projects/{PROJECT}/events/{}", search["id"].as_str().context("id")?),
        &token,
    )?;
    ensure!(full["arguments"]["query"] == "tent", "{full}");
    ensure!(full["result"]["content"].is_array(), "{full}");
    Ok(())
}

/// A server that asks for input before it buys, and makes a task of what takes long.
const ASKS: &str = r#"
while read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
  case "$line" in
    *initialize\"*) r='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"asks","version":"1"}}' ;;
    *inputResponses*) r='{"content":[{"type":"text","text":"bought it"}]}' ;;
    *'"buy"'*) r='{"resultType":"input_required","requestState":"CANARY","inputRequests":{"pin":{"method":"elicitation/create"}}}' ;;
    *tasks/get*) r='{"taskId":"t1","status":"completed","result":{"isError":true,"content":[{"type":"text","text":"out of paper"}]}}' ;;
    *'"print"'*) r='{"resultType":"task","taskId":"t1","status":"working","ttlMs":60000}' ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$r"
done
"#;

#[test]
fn rounds_and_tasks_are_one_call_each() -> Result<()> {
    let instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    let mut agent = Agent::around(PROJECT, &instance.url(), &[], &["sh", "-c", ASKS])?;
    let buy = json!({ "name": "buy", "arguments": { "sku": "tent" } });
    let asked = agent.ask("tools/call", buy.clone())?;
    ensure!(asked["result"]["resultType"] == "input_required", "{asked}");
    let mut again = buy;
    again["requestState"] = "CANARY".into();
    again["inputResponses"] = json!({ "pin": { "action": "accept", "content": { "pin": "CANARY" } } });
    let bought = agent.ask("tools/call", again)?;
    ensure!(bought["result"]["content"][0]["text"] == "bought it", "{bought}");
    agent.call("print", json!({ "copies": 2 }))?;
    agent.ask("tasks/get", json!({ "taskId": "t1" }))?;
    ensure!(agent.finish()? == Some(0), "exit code");

    let session = wait_for("the session", PATIENCE, || {
        let sessions = instance.list(PROJECT, "sessions", &token)?;
        Ok(sessions.into_iter().find(|session| session["tool_calls"] == 2 && session["errors"] == 1))
    })?;
    let id = session["id"].as_str().context("id")?;
    let events = instance.list(PROJECT, &format!("sessions/{id}/events"), &token)?;
    let of = |tool: &str| events.iter().filter(|event| event["tool"] == tool).collect::<Vec<_>>();
    ensure!(of("buy").len() == 2 && of("buy")[0]["status"] == "input_required", "events stay as they came");
    ensure!(of("print").len() == 1 && of("print")[0]["status"] == "task", "events stay as they came");
    let detail = |event: &serde_json::Value| -> Result<serde_json::Value> {
        let event = event["id"].as_str().context("id")?;
        instance.get(&format!("/api/v1/projects/{PROJECT}/events/{event}"), &token)
    };
    for leg in of("buy") {
        let full = detail(leg)?;
        let call = &full["call"];
        ensure!(
            call["requests"].as_array().is_some_and(|r| r.len() == 2) && call["status"] == "ok",
            "{full}"
        );
        ensure!(call["arguments"]["sku"] == "tent", "{full}");
        ensure!(call["result"]["content"][0]["text"] == "bought it", "{full}");
        ensure!(call["requests"][0]["asked"] == json!(["pin"]), "{full}");
        ensure!(!full.to_string().contains("CANARY"), "neither the state nor what was typed: {full}");
    }
    let full = detail(of("print")[0])?;
    ensure!(full["call"]["status"] == "tool_error" && full["call"]["closed_by"] == "poll", "{full}");
    ensure!(full["call"]["result"]["content"][0]["text"] == "out of paper", "{full}");
    let tools = instance.list(PROJECT, "tools", &token)?;
    let figures = |name: &str| tools.iter().find(|tool| tool["name"] == name).map(|tool| tool.to_string());
    let print = figures("print").context("print")?;
    ensure!(print.contains("\"failed\":1"), "{print}");
    Ok(())
}

#[test]
fn the_exit_code_is_the_child_s() -> Result<()> {
    for (child, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)] {
        let mut command = clean(binary()?);
        command.args(["wrap", "--project", PROJECT, "--endpoint", "http://127.0.0.1:1", "--print", "--"]);
        command.args(["sh", "-c", child]);
        let output = run(command, PATIENCE)?;
        ensure!(output.code == Some(code), "{child}: {:?} {}", output.code, output.stderr);
    }
    let mut command = clean(binary()?);
    command.args(["wrap", "--project", PROJECT, "--", "no-such-program-anywhere"]);
    let output = run(command, PATIENCE)?;
    ensure!(output.code == Some(127), "{:?} {}", output.code, output.stderr);
    Ok(())
}
