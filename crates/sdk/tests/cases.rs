//! Cases of the table in SDK §13 that the other programs do not hold, each by its number.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by them")]

mod kit;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kit::{Server, call, client_info, connect, text};
use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use serde_json::{Value, json};
use trackway::testing::Harness;
use trackway::{Options, SessionMode, UserIdentity, track};
use trackway_event::{Event, Kind, Status};

fn calls(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|e| e.kind == Kind::ToolCall).collect()
}

fn tool(name: &'static str, schema: Value) -> Tool {
    Tool::new(name, "A tool.", schema.as_object().unwrap().clone())
}

/// How a server lists.
#[derive(Clone, Copy)]
enum Lists {
    Pages,
    ForEver,
    Panics,
}

/// A server with pages of tools, which names none of them but by listing.
struct Paged(Lists, Arc<AtomicUsize>);

impl ServerHandler for Paged {
    fn get_info(&self) -> ServerConfig {
        Server::default().get_info()
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let page: usize = request.and_then(|r| r.cursor).map_or(0, |c| c.parse().unwrap());
        let strict =
            json!({"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string"}}});
        let mut listed = ListToolsResult::with_all_items(match page {
            0 => vec![tool("echo", strict)],
            1 => vec![],
            _ => vec![tool("last", json!({"type": "object"}))],
        });
        listed.next_cursor = match self.0 {
            Lists::Panics => panic!("a bug of the host's listing"),
            Lists::ForEver => Some((page + 1).to_string()),
            Lists::Pages => (page < 2).then(|| (page + 1).to_string()),
        };
        Ok(listed)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if &*request.name == "echo" && request.arguments.as_ref().is_some_and(|a| a.keys().any(|k| k != "a"))
        {
            return Err(ErrorData::invalid_params("an argument nobody knows", None));
        }
        Server::default().call_tool(request, context).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_13_a_strict_tool_takes_calls_before_and_after_its_listing() {
    let harness = Harness::new();
    let client = connect(track(Paged(Lists::Pages, Arc::default()), "proj_test", harness.options())).await;
    for _ in 0..2 {
        let answer = call(&client, "echo", json!({"a": "x", "context": "why"})).await.unwrap();
        assert_eq!(text(&answer), r#"{"a":"x"}"#);
        client.list_all_tools().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_16_a_listing_that_panics_or_never_ends_costs_no_call() {
    for lists in [Lists::Panics, Lists::ForEver] {
        let harness = Harness::new();
        let asked = Arc::new(AtomicUsize::new(0));
        let server = track(Paged(lists, Arc::clone(&asked)), "proj_test", harness.options());
        let client = connect(server).await;
        let begun = Instant::now();
        for _ in 0..3 {
            call(&client, "last", json!({"context": "why"})).await.unwrap_err();
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(asked.load(Ordering::Relaxed) <= 60, "bounded: {}", asked.load(Ordering::Relaxed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_17_cursors_stay_and_the_reporting_tool_is_on_the_last_page_only() {
    let harness = Harness::new();
    let client = connect(track(Paged(Lists::Pages, Arc::default()), "proj_test", harness.options())).await;
    let mut cursor = None;
    let mut pages = Vec::new();
    loop {
        let request = PaginatedRequestParams::default().with_cursor(cursor);
        let page = client.list_tools(Some(request)).await.unwrap();
        cursor = page.next_cursor.clone();
        let names: Vec<_> = page.tools.iter().map(|t| t.name.to_string()).collect();
        pages.push((names, page.next_cursor));
        if cursor.is_none() {
            break;
        }
    }
    let names = |n: usize| pages[n].0.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!((names(0), names(1), names(2)), (vec!["echo"], vec![], vec!["last", "get_more_tools"]));
    assert_eq!((pages[0].1.as_deref(), pages[1].1.as_deref()), (Some("1"), Some("2")));
    let events = harness.wait_for(|events| events.iter().filter(|e| e.kind == Kind::ToolsList).count() == 3);
    assert!(
        events.iter().filter(|e| e.kind == Kind::ToolsList).all(|e| e.status == Some(Status::Ok)),
        "case 17 of SDK-17 too"
    );
}

/// Answers with structured content, once with a member of the name that handles use.
struct Structured;

impl ServerHandler for Structured {
    fn get_info(&self) -> ServerConfig {
        Server::default().get_info()
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let mut properties = json!({"n": {"type": "number"}});
        if name == "owner" {
            properties["mcp_session"] = json!({"type": "string"});
        }
        let output = json!({"type": "object", "properties": properties});
        let made = tool("plain", json!({"type": "object"}));
        Some(made.with_raw_output_schema(Arc::new(output.as_object().unwrap().clone())))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let given =
            if &*request.name == "owner" { json!({"n": 1, "mcp_session": "mine"}) } else { json!({"n": 1}) };
        Ok(CallToolResult::structured(given).into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_22_a_structured_result_tells_the_session_unless_the_tool_owns_the_member() {
    let harness = Harness::new();
    let options = harness.options().session_mode(SessionMode::Handle);
    let client = connect(track(Structured, "proj_test", options)).await;
    let plain = call(&client, "plain", json!({})).await.unwrap();
    let told = plain.structured_content.unwrap();
    let last = serde_json::to_value(plain.content.last().unwrap()).unwrap();
    assert_eq!(last["text"], format!("session_id: {}", told["mcp_session"].as_str().unwrap()));
    let owner = call(&client, "owner", json!({})).await.unwrap();
    assert_eq!(owner.structured_content.unwrap()["mcp_session"], "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_37_38_labels_and_members_keep_to_their_limits() {
    let harness = Harness::new();
    let options = harness
        .options()
        .event_tags(|_, _| {
            let mut tags: BTreeMap<String, String> =
                (0..60).map(|n| (format!("k{n:02}"), "v".to_owned())).collect();
            tags.insert("a/bad key".to_owned(), "v".to_owned());
            tags.insert("a line".to_owned(), "one\ntwo".to_owned());
            tags.insert("a long".to_owned(), "x".repeat(201));
            tags
        })
        .event_properties(|request, _| {
            let mut given = serde_json::Map::new();
            match request.arguments.as_ref().and_then(|a| a.get("a")).and_then(Value::as_str) {
                Some("big") => drop(given.insert("big".to_owned(), "x".repeat(1_000_000).into())),
                Some("boom") => panic!("a bug of the host's"),
                _ => drop(given.insert("none".to_owned(), Value::Null)),
            }
            given
        });
    let client = connect(track(Server::default(), "proj_test", options)).await;
    for a in ["big", "boom", "small"] {
        call(&client, "echo", json!({"a": a})).await.unwrap();
    }
    let events = harness.wait_for(|events| calls(events).len() == 3);
    let by = |a: &str| {
        let found = calls(&events).into_iter().find(|e| e.arguments.as_ref().unwrap().get().contains(a));
        found.unwrap().clone()
    };
    assert_eq!(by("small").tags.len(), 50);
    assert!(by("small").tags.keys().all(|key| key.starts_with('k')), "{:?}", by("small").tags);
    let notes = |a: &str| by(a).notes.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    assert!(notes("big").contains(&"event_properties_too_large".to_owned()), "{:?}", notes("big"));
    assert!(notes("boom").contains(&"event_properties_failed".to_owned()), "{:?}", notes("boom"));
    let kept = by("small").properties.map(|p| p.get().to_owned()).unwrap_or_default();
    assert!(!kept.contains("none"), "nothing is said by null: {kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_11_users_of_one_server_object_are_not_mixed() {
    let harness = Harness::new();
    let options = harness.options().stateless(true).identify(|request, _| async move {
        let id = request.arguments?.get("a")?.as_str()?.to_owned();
        tokio::time::sleep(Duration::from_millis(u64::from(id.as_bytes()[0] % 7))).await;
        Some(UserIdentity::new(id))
    });
    let client = connect(track(Server::default(), "proj_test", options)).await;
    let all = (0..64).map(|n| {
        let client = client.peer().clone();
        tokio::spawn(async move {
            let mut request = CallToolRequestParams::new("echo");
            request.arguments =
                json!({"a": format!("{}-user", char::from(b'a' + n % 26))}).as_object().cloned();
            client.call_tool(request).await.unwrap();
        })
    });
    futures_util::future::join_all(all).await;
    let events = harness.wait_for(|events| calls(events).len() == 64);
    for event in calls(&events) {
        let given: Value = serde_json::from_str(event.arguments.as_ref().unwrap().get()).unwrap();
        assert_eq!(event.actor.as_ref().map(|a| a.id.as_str()), given["a"].as_str());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn case_45_a_server_made_anew_for_each_request_costs_no_thread() {
    let threads = || -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|l| l.starts_with("Threads:")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let harness = Harness::new();
    drop(track(Server::default(), "proj_test", harness.options()));
    let before = threads();
    for _ in 0..10_000 {
        drop(track(Server::default(), "proj_test", harness.options()));
    }
    assert!(threads() <= before + 2, "{before} then {}", threads());
}

#[test]
fn case_46_a_runtime_that_is_dropped_without_an_end_does_not_hang() {
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let options = Options::new().endpoint("http://127.0.0.1:9");
        let server = track(Server::default(), "proj_dropped", options);
        tokio::spawn(async move { server.serve(far).await.unwrap().waiting().await });
        let client = client_info("kit-client").serve(near).await.unwrap();
        call(&client, "echo", json!({"a": "x"})).await.unwrap();
    });
    drop(runtime);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
