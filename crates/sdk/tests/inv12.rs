//! INV-12: the same traffic through `wrap` and through `track()` is recorded the same. The program starts itself as the wrapper
//! and as the server it wraps, so it has a `main` of its own; what it compares are the events as either would send them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by them")]

#[cfg(unix)]
mod kit;

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() {
    let word = std::env::args().nth(1).unwrap_or_default();
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match &*word {
        "as-wrapper" => std::process::exit(unix::wrapper()),
        "as-server" => threads.block_on(unix::server()),
        _ => threads.block_on(unix::compare()),
    }
}

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use rmcp::ServiceExt;
    use rmcp::model::PaginatedRequestParams;
    use serde_json::{Value, json};
    use tokio::net::unix::pipe;
    use trackway::testing::Harness;
    use trackway::track;
    use trackway_capture::wire::inject::{Missing, Mode};
    use trackway_event::{Event, Kind, ProjectId};
    use trackway_proxy::wrap::{Print, WrapOptions, run};

    use crate::kit::{self, Client, Server, call};

    /// Longest the whole comparison may take.
    const PATIENCE: Duration = Duration::from_secs(60);

    pub(super) async fn server() {
        let running = Server::default().serve(rmcp::transport::io::stdio()).await.unwrap();
        let _ = running.waiting().await;
    }

    pub(super) fn wrapper() -> i32 {
        let options = WrapOptions {
            project: ProjectId::parse("proj_test").unwrap(),
            endpoint: "http://127.0.0.1:9".to_owned(),
            token: None,
            mode: Mode::Required,
            context_description: None,
            report_missing: Missing::On,
            identify: None,
            print: Print::Yes,
            spool: None,
            leaving: trackway_proxy::leaving::Leaving::default(),
            demo: None,
            launcher: None,
        };
        run(&options, &[std::env::current_exe().unwrap().into(), "as-server".into()])
    }

    pub(super) async fn compare() {
        let (wrapped, tracked) =
            tokio::time::timeout(PATIENCE, async { (through_wrap().await, through_track().await) })
                .await
                .unwrap();
        let (wrapped, tracked) = (facts(&wrapped), facts(&tracked));
        let calls = wrapped.iter().filter(|fact| fact["kind"] == json!(Kind::ToolCall)).count();
        assert_eq!(calls, 5, "{wrapped:#?}");
        assert_eq!(wrapped, tracked);
        println!("inv_12: {} events recorded the same by wrap and track", wrapped.len());
    }

    /// One of each: listings, endings of a call, an intent, a `context` of the tool's own, a wish, an unknown tool.
    async fn traffic(client: &Client) {
        client.list_tools(Some(PaginatedRequestParams::default())).await.unwrap();
        client.list_prompts(Some(PaginatedRequestParams::default())).await.unwrap();
        let echo = json!({"z": 1.50, "context": "see what comes back", "a": "ä \u{1F600}"});
        call(client, "echo", echo).await.unwrap();
        call(client, "own", json!({"context": "mine"})).await.unwrap();
        call(client, "fails", json!({"a": "x", "context": "find the order"})).await.unwrap();
        call(client, "errs", json!({"a": "x", "password": "hunter2"})).await.unwrap_err();
        call(client, "nowhere", json!({})).await.unwrap_err();
        call(client, "get_more_tools", json!({"context": "refund an order"})).await.unwrap();
    }

    async fn through_track() -> Vec<Event> {
        let harness = Harness::new();
        let server = track(Server::default(), "proj_test", harness.options());
        let handle = server.handle();
        let client = kit::connect(server).await;
        traffic(&client).await;
        assert!(handle.flush(Duration::from_secs(10)).await);
        harness.events()
    }

    async fn through_wrap() -> Vec<Event> {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("as-wrapper")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let to = pipe::Sender::from_owned_fd(OwnedFd::from(child.stdin.take().unwrap())).unwrap();
        let from = pipe::Receiver::from_owned_fd(OwnedFd::from(child.stdout.take().unwrap())).unwrap();
        let mut said = child.stderr.take().unwrap();
        let printed = std::thread::spawn(move || {
            let mut text = String::new();
            said.read_to_string(&mut text).map(|_| text)
        });
        let client = kit::client_info("kit-client").serve((from, to)).await.unwrap();
        traffic(&client).await;
        client.cancel().await.unwrap();
        let ended = tokio::task::spawn_blocking(move || (child.wait(), printed.join()));
        let (_, printed) = ended.await.unwrap();
        let printed = printed.unwrap().unwrap();
        printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// What INV-12 speaks of, in an order that does not depend on which of two threads was first.
    fn facts(events: &[Event]) -> Vec<Value> {
        let raw = |json: Option<&str>| json.map(|json| serde_json::from_str::<Value>(json).unwrap());
        let mut facts: Vec<Value> = events
            .iter()
            .map(|e| {
                json!({
                    "kind": e.kind, "status": e.status, "tool": e.tool,
                    "arguments": raw(e.arguments.as_ref().map(|a| a.get())),
                    "result": raw(e.result.as_ref().map(|r| r.get())),
                    "intent": e.intent, "intent_source": e.intent_source,
                    "session_source": e.session_source,
                    "one_session": e.session_id == events[0].session_id,
                    "client": e.client,
                })
            })
            .collect();
        facts.sort_by_key(Value::to_string);
        facts
    }
}
