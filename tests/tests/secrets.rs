//! INV-09: no credential is captured by default, nor appears in any log, from the outside.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use trackway_tests::{Agent, Instance, rfc3339, wait_for};

const PROJECT: &str = "proj_secrets";
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn inv_09_credentials_are_neither_recorded_nor_logged() -> Result<()> {
    let instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    let mut agent = Agent::start(PROJECT, &instance.url(), &[])?;
    let credentials = json!({
        "sku": "TN-2041", "context": "look at a product",
        "password": "CANARY-1", "api_key": "CANARY-2", "nested": { "refresh_token": "CANARY-3" },
        "note": "call it with Authorization: Bearer CANARY-4-abcdefghijklmnop",
        "page_token": "kept-1", "max_tokens": 7,
    });
    agent.call("get_product", credentials.clone())?;
    agent.finish()?;
    let agentcat = json!({
        "id": "evt_agentcat_secret", "project_id": PROJECT, "session_id": "ses_secret", "timestamp": rfc3339(-5),
        "event_type": "mcp:tools/call", "resource_name": "get_product",
        "parameters": { "request": { "method": "tools/call", "params": { "name": "get_product", "arguments": {
            "password": "CANARY-5", "authorization": "Bearer CANARY-6", "page_token": "kept-2", "max_tokens": 8 } } },
            "extra": { "requestInfo": { "headers": { "authorization": "Bearer CANARY-7", "cookie": "s=CANARY-8" } } } },
    });
    let headers = [("content-type", "application/json"), ("authorization", "Bearer CANARY-9")];
    let answer = instance.post_with("/v1/public/events/", &headers, agentcat.to_string().as_bytes())?;
    ensure!(answer.status == 202, "{} {}", answer.status, answer.text);

    let calls = wait_for("both calls", PATIENCE, || {
        let events = instance.list(PROJECT, "events?f=kind:eq:tool_call", &token)?;
        Ok(Some(events).filter(|events| events.len() == 2))
    })?;
    let mut recorded = String::new();
    for call in &calls {
        let id = call["id"].as_str().unwrap_or_default();
        recorded += &instance.get(&format!("/api/v1/projects/{PROJECT}/events/{id}"), &token)?.to_string();
    }
    for kept in ["kept-1", "kept-2", "max_tokens", "TN-2041"] {
        ensure!(recorded.contains(kept), "{kept} is no credential: {recorded}");
    }
    let logged = format!("{}{}", instance.stdout(), instance.stderr());
    let metrics = instance.get_with("/metrics", &[("authorization", &format!("Bearer {token}"))])?.text;
    for number in 1..=9 {
        let canary = format!("CANARY-{number}");
        ensure!(!recorded.contains(&canary), "{canary} was recorded: {recorded}");
        ensure!(!logged.contains(&canary) && !metrics.contains(&canary), "{canary} was logged");
    }
    ensure!(!logged.contains(&token), "a token is in the log");
    Ok(())
}
