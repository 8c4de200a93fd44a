//! Over Streamable HTTP: sessions by the transport's id, stateless servers without any, users by header.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by them")]

mod kit;

use std::collections::BTreeSet;
use std::sync::Arc;

use kit::{Server, call, client_info};
use rmcp::ServiceExt;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use trackway::testing::Harness;
use trackway::{Options, UserIdentity, track};
use trackway_event::{Event, Kind, SessionSource};

async fn serve(options: Options, stateful: bool) -> String {
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(stateful);
    let service = StreamableHttpService::new(
        move || Ok(track(Server::default(), "proj_test", options.clone())),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().nest_service("/mcp", service);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}/mcp")
}

async fn connect(url: &str) -> kit::Client {
    client_info("http-client").serve(StreamableHttpClientTransport::from_uri(url.to_owned())).await.unwrap()
}

fn calls(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|e| e.kind == Kind::ToolCall).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_those_of_the_transport() {
    let harness = Harness::new();
    let options = harness.options().identify(|_, extra| async move {
        extra.header("user-agent")?;
        Some(UserIdentity::new(extra.mcp_session?))
    });
    let url = serve(options, true).await;
    for _ in 0..2 {
        let client = connect(&url).await;
        for _ in 0..2 {
            call(&client, "echo", json!({"a": "x", "context": "over http"})).await.unwrap();
        }
        client.cancel().await.unwrap();
    }
    let events = harness.wait_for(|events| calls(events).len() == 4);
    let seen = calls(&events);
    assert!(seen.iter().all(|e| e.session_source == Some(SessionSource::McpSession)), "{seen:?}");
    let sessions: BTreeSet<_> = seen.iter().map(|e| e.session_id.clone()).collect();
    assert_eq!(sessions.len(), 2);
    assert!(seen.iter().all(|e| e.intent.as_deref() == Some("over http")));
    assert!(seen.iter().all(|e| e.client.as_ref().is_some_and(|c| &*c.name == "http-client")), "{seen:?}");
    // the opening of a session belongs to it, although its id came later
    let opened: BTreeSet<_> =
        events.iter().filter(|e| e.kind == Kind::Initialize).map(|e| e.session_id.clone()).collect();
    assert_eq!(opened, sessions);
    let all = serde_json::to_string(&events).unwrap();
    let raw = seen[0].actor.as_ref().map(|a| a.id.as_str().to_owned());
    assert!(raw.is_none_or(|id| all.matches(&id).count() > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_sessions_every_event_is_ungrouped_and_names_its_user() {
    let harness = Harness::new();
    let options = harness.options().identify(|request, _| async move {
        Some(UserIdentity::new(request.arguments?.get("a")?.as_str()?.to_owned()))
    });
    let url = serve(options, false).await;
    let client = connect(&url).await;
    for user in ["u_1", "u_2", "u_1"] {
        let answer = call(&client, "echo", json!({"a": user, "context": "stateless"})).await.unwrap();
        assert!(!kit::text(&answer).contains("stateless"), "cut, although this server value listed nothing");
    }
    let events = harness.wait_for(|events| calls(events).len() == 3);
    let seen = calls(&events);
    assert!(seen.iter().all(|e| e.session_id.is_none()), "{seen:?}");
    let mut users: Vec<&str> = seen.iter().map(|e| e.actor.as_ref().unwrap().id.as_str()).collect();
    users.sort_unstable();
    assert_eq!(users, ["u_1", "u_1", "u_2"]);
}
