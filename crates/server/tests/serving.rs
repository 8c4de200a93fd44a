//! The serving loop over real sockets: limits, slow clients, the live feed, shutdown (D39, D40).
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::time::{Duration, Instant};

use kit::Kit;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use trackway_server::{ServeOptions, Server};
use trackway_store::{Store, TokenScope};

struct Running {
    addr: std::net::SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
    state: trackway_server::AppState,
}

async fn start(kit: &Kit) -> Running {
    let options = ServeOptions::at(([127, 0, 0, 1], 0).into());
    let server = Server::bind(options, kit.store.clone()).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (addr, state) = (server.local_addr(), server.state().clone());
    let task = tokio::spawn(server.run(async {
        let _dropped = stopped.await.is_err();
    }));
    Running { addr, stop: Some(stop), task, state }
}

impl Running {
    async fn stop(mut self) -> std::io::Result<()> {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap()
    }

    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// Reads from a feed until the text holds what is waited for.
async fn until(stream: &mut TcpStream, text: &mut String, wanted: &str) {
    let mut buffer = [0; 8_192];
    let reading = async {
        while !text.contains(wanted) {
            let n = stream.read(&mut buffer).await.unwrap();
            assert!(n > 0, "the feed ended before {wanted:?}: {text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
    };
    tokio::time::timeout(Duration::from_secs(25), reading).await.unwrap();
}

#[tokio::test]
async fn serves_and_stops_in_order() {
    let kit = Kit::new();
    let running = start(&kit).await;
    let body = json!({"project_id": "proj_t", "event_type": "mcp:tools/call"}).to_string();
    let answer = running
        .raw(&format!("POST /v1/public/events/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
        .await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert_eq!(kit.events().len(), 1);
    // An idle connection does not hold up the end.
    let _idle = TcpStream::connect(running.addr).await.unwrap();
    let addr = running.addr;
    let started = Instant::now();
    running.stop().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(TcpStream::connect(addr).await.is_err());
    assert!(kit.store.health().is_err(), "the store is closed");
}

#[tokio::test]
async fn heads_are_bounded() {
    let kit = Kit::new();
    let running = start(&kit).await;
    let answer =
        running.raw(&format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(100_000))).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_slow_body_ends_and_holds_up_nobody() {
    let kit = Kit::new();
    let running = start(&kit).await;
    let mut slow = TcpStream::connect(running.addr).await.unwrap();
    slow.write_all(b"POST /api/v1/ingest HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
        .await
        .unwrap();
    let answer = running.raw("GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut text = String::new();
    let reading = until(&mut slow, &mut text, "\"code\":\"timeout\"");
    let patience = trackway_event::limits::BODY_TIMEOUT + Duration::from_secs(10);
    tokio::time::timeout(patience, reading).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn the_live_feed_resumes_and_filters() {
    let kit = Kit::new();
    let running = start(&kit).await;
    let token = kit.token(TokenScope::Admin, None);
    let call = |n: u32| {
        json!({"project_id": "proj_t", "event_type": "mcp:tools/call", "id": format!("evt_{n}"),
            "resource_name": if n.is_multiple_of(2) { "even" } else { "odd" }})
    };
    kit.ac(call(0)).await;
    kit.ac(call(1)).await;
    let seqs: Vec<u64> =
        kit.store.events_after(kit.p, 0, &Default::default(), 10).unwrap().iter().map(|e| e.seq).collect();
    let open = async |head: &str, query: &str| {
        let mut stream = TcpStream::connect(running.addr).await.unwrap();
        let request = format!(
            "GET /api/v1/projects/proj_t/live{query} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{head}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        until(&mut stream, &mut text, "text/event-stream").await;
        (stream, text)
    };
    let (mut resumed, mut text) = open(&format!("last-event-id: {}\r\n", seqs[0]), "").await;
    until(&mut resumed, &mut text, "evt_1").await;
    assert!(!text.contains("evt_0"), "{text}");
    assert!(text.contains(&format!("id: {}", seqs[1])), "{text}");
    let (mut odd, mut odd_text) = open("", "?f=tool:eq:odd").await;
    let (mut pro, mut pro_text) = open("", "?f=trait.plan:eq:pro").await;
    let (mut acme, mut acme_text) = open("", "?f=group.organization:eq:acme&f=tool:ne:odd").await;
    // Through the server under test, whose feed it is.
    let router = trackway_server::router(running.state.clone());
    let post = async |body: String| {
        use tower::ServiceExt;
        let request = http::Request::post("/v1/public/events").body(axum::body::Body::from(body)).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    for n in 2..5 {
        post(call(n).to_string()).await;
    }
    until(&mut resumed, &mut text, "evt_4").await;
    until(&mut odd, &mut odd_text, "evt_3").await;
    post(json!({"project_id": "proj_nowhere"}).to_string()).await;
    until(&mut resumed, &mut text, "event: refused").await;
    assert!(text.contains("unknown_project"));
    post(call(5).to_string()).await;
    until(&mut odd, &mut odd_text, "evt_5").await;
    assert!(!odd_text.contains("evt_2") && !odd_text.contains("evt_4"), "{odd_text}");
    // What an event's row does not hold, the ledger is asked for: the person's traits, also where an earlier event told
    // them and where only the session names the person; and accounts.
    let by = |n: u32, more: serde_json::Value| {
        let mut body = call(n);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post(body.to_string())
    };
    by(10, json!({"identify_actor_given_id": "ann", "identify_data": {"plan": "pro"}, "session_id": "s"}))
        .await;
    by(11, json!({"identify_actor_given_id": "bob", "identify_data": {"plan": "free"}})).await;
    by(12, json!({"session_id": "s"})).await;
    let grouped = |n: u32, tool: &str| {
        json!({"id": format!("evt_{n}"), "kind": "tool_call", "started_at": "2026-03-02T11:00:00Z", "session_id": "g",
            "session_source": "mcp_session", "tool": tool, "status": "ok", "groups": {"organization": "acme"}})
    };
    let batch = json!({"project": "proj_t", "events": [grouped(13, "odd"), grouped(14, "even")]});
    let request = http::Request::post("/api/v1/ingest").header("content-type", "application/json");
    let request = request.body(axum::body::Body::from(batch.to_string())).unwrap();
    tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
    until(&mut pro, &mut pro_text, "evt_12").await;
    assert!(pro_text.contains("evt_10") && !pro_text.contains("evt_11"), "{pro_text}");
    until(&mut acme, &mut acme_text, "evt_14").await;
    for other in ["evt_1\"", "evt_10", "evt_12", "evt_13"] {
        assert!(!acme_text.contains(other), "{other}: {acme_text}");
    }
    // An open feed ends with the server.
    let started = Instant::now();
    running.stop().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn projects_made_beside_the_server_get_their_kept_events() {
    let kit = Kit::new();
    let running = start(&kit).await;
    kit.ac(json!({"project_id": "proj_beside", "event_type": "mcp:tools/call"})).await;
    let p = kit.project("proj_beside");
    let started = Instant::now();
    while kit.events_of(p).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(5), "the kept event was not replayed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn who_does_not_read_its_answers_is_dismissed() {
    let kit = Kit::new();
    let running = start(&kit).await;
    let mut stream = TcpStream::connect(running.addr).await.unwrap();
    // Far more than the sockets of both sides hold.
    let token = kit.token(TokenScope::Read, None);
    let one =
        format!("GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n");
    let asked = one.repeat(1_000);
    let asking = tokio::time::timeout(Duration::from_secs(2), stream.write_all(asked.as_bytes())).await;
    let connections = || running.state.metrics().connections.load(std::sync::atomic::Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(connections(), 1, "{asking:?}");
    let begun = Instant::now();
    while connections() > 0 {
        assert!(begun.elapsed() < trackway_event::limits::WRITE_TIMEOUT * 2, "it is still waited for");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut rest = Vec::new();
    let _cut = stream.read_to_end(&mut rest).await;
    assert!(rest.len() < 100_000_000 && rest.starts_with(b"HTTP/1.1 200"), "{}", rest.len());
    running.stop().await.unwrap();
}
