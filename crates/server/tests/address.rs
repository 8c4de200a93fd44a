//! The agent's own address is evidence, and is nowhere kept in clear (D14).
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::path::Path;

use http::StatusCode;
use kit::{Kit, call};
use serde_json::{Value, json};
use trackway_store::Store;

const ADDRESS: &str = "203.0.113.77";

fn sent(session: &str, time: &str, more: Value) -> Value {
    let mut body = call(json!({"session_id": session, "timestamp": format!("2026-03-02T{time}Z"),
        "server_name": "shop", "client_name": "claude-ai"}));
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Files that hold a text, as it is; the log of the database among them.
fn holding(dir: &Path, text: &str) -> Vec<String> {
    let (mut left, mut found) = (vec![dir.to_owned()], Vec::new());
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|w| w == text.as_bytes()) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

#[tokio::test]
async fn anonymous_agents_of_agentcat_are_joined_by_their_address() {
    let kit = Kit::new();
    // One agent whose client starts over, in both spellings; another agent; one that tells nothing; the machine itself.
    kit.ac(sent("a1", "10:00:00", json!({"ip_address": ADDRESS}))).await;
    kit.ac(sent("a2", "10:02:00", json!({"ipAddress": format!("{ADDRESS}:4711")}))).await;
    kit.ac(sent("b1", "10:03:00", json!({"ip_address": "198.51.100.4"}))).await;
    kit.ac(sent("c1", "10:00:00", json!({}))).await;
    kit.ac(sent("c2", "10:02:00", json!({}))).await;
    kit.ac(sent("d1", "10:00:00", json!({"ip_address": "127.0.0.1"}))).await;
    kit.ac(sent("d2", "10:02:00", json!({"ip_address": "127.0.0.1"}))).await;
    let mut ids: Vec<String> = kit.sessions().iter().map(|s| s.id.to_string()).collect();
    ids.sort();
    assert_eq!(ids, ["a1", "b1", "c1", "c2", "d1", "d2"]);
    assert_eq!(kit.store.session(kit.p, "a2").unwrap().unwrap().id.as_str(), "a1");
    // What is no address is not taken for one.
    kit.ac(sent("e1", "11:00:00", json!({"ip_address": "the office"}))).await;
    assert_eq!(kit.sessions().len(), 7);
}

#[tokio::test]
async fn an_address_in_clear_reaches_no_file() {
    let kit = Kit::new();
    kit.ac(sent("a1", "10:00:00", json!({"ip_address": ADDRESS}))).await;
    let event = json!({"id": "evt_n", "kind": "tool_call", "started_at": "2026-03-02T10:00:00Z", "session_id": "n1",
        "session_source": "mcp_session", "tool": "search", "status": "ok", "address": ADDRESS});
    assert_eq!(kit.native("proj_t", json!([event])).await.json()["results"][0]["outcome"], "stored");
    // Nobody's bodies are kept, without it; one that cannot be read, too.
    kit.ac(sent("a1", "10:00:00", json!({"ip_address": ADDRESS, "project_id": "proj_none"}))).await;
    let cut = format!(r#"{{"project_id":"proj_t","ip_address":"{ADDRESS}""#);
    kit.post_raw("/v1/public/events/", &[], cut).await;
    let posthog = json!({"api_key": "phc_unknown", "event": "x", "distinct_id": "u",
        "properties": {"$ip": ADDRESS}});
    let answer = kit.post_raw("/e/", &[], posthog.to_string()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(kit.events().len(), 2);
    assert!(!holding(kit.dir.path(), "phc_unknown").is_empty(), "the body is kept");
    assert_eq!(holding(kit.dir.path(), ADDRESS), [""; 0]);
    // The same agent by both wires is the same evidence: its key is the project's.
    let secret = kit.store.settings(kit.p).unwrap();
    assert_eq!(secret.len(), 1);
    let other = kit.project("proj_u");
    kit.ac(sent("a1", "10:00:00", json!({"ip_address": ADDRESS, "project_id": "proj_u"}))).await;
    assert_ne!(kit.store.settings(other).unwrap(), secret, "another project has another key");
}
