//! INV-12: the same traffic through `wrap` or `proxy` and through `track()` is recorded the same. The program starts itself as the
//! wrapper, as the server it wraps and as the proxy, so it has a `main` of its own; what it compares are the events as either would send them.

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
        "as-proxy" => unix::proxy(),
        _ => threads.block_on(unix::compare()),
    }
}

#[cfg(unix)]
mod unix {
    use std::io::{BufRead as _, BufReader, Read};
    use std::os::fd::OwnedFd;
    use std::process::{Command, Stdio};
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use rmcp::model::{PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams};
    use rmcp::transport::StreamableHttpClientTransport;
    use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
    use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
    use rmcp::{ClientLifecycleMode, ClientServiceExt, ServerHandler, ServiceExt};
    use serde_json::{Value, json};
    use tokio::net::unix::pipe;
    use trackway::testing::Harness;
    use trackway::track;
    use trackway_capture::wire::inject::{Missing, Mode};
    use trackway_event::{Event, Kind, ProjectId};
    use trackway_proxy::http::{HostSeen, NamedBy, ProxyOptions};
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
            demo_facts: None,
            launcher: None,
        };
        run(&options, &[std::env::current_exe().unwrap().into(), "as-server".into()])
    }

    pub(super) async fn compare() {
        let pairs = async {
            same("wrap", &through_wrap().await, &through_track().await);
            for revision in [Revision::Sessions, Revision::Modern] {
                let tracked = through_track_over_http(revision).await;
                let proxied = through_proxy(revision, tracked.len()).await;
                same(revision.word(), &proxied, &tracked);
            }
        };
        tokio::time::timeout(PATIENCE, pairs).await.unwrap();
    }

    fn same(what: &str, before: &[Event], inside: &[Event]) {
        let (before, inside) = (facts(before), facts(inside));
        let calls = before.iter().filter(|fact| fact["kind"] == json!(Kind::ToolCall)).count();
        assert_eq!(calls, 5, "{what}: {before:#?}");
        let differ =
            |a: &[Value], b: &[Value]| a.iter().filter(|f| !b.contains(f)).cloned().collect::<Vec<_>>();
        assert_eq!((differ(&before, &inside), differ(&inside, &before)), (vec![], vec![]), "{what}");
        assert_eq!(before.len(), inside.len(), "{what}");
        println!("inv_12: {} events recorded the same ({what})", before.len());
    }

    /// How a client opens over HTTP.
    #[derive(Clone, Copy, Debug)]
    enum Revision {
        /// `initialize`, and a session of the transport.
        Sessions,
        /// `server/discover` of 2026-07-28, and no session.
        Modern,
    }

    impl Revision {
        const fn word(self) -> &'static str {
            match self {
                Self::Sessions => "http with sessions",
                Self::Modern => "http 2026-07-28",
            }
        }
    }

    async fn connect(url: &str, revision: Revision) -> Client {
        let transport = StreamableHttpClientTransport::from_uri(url.to_owned());
        let client = kit::client_info("kit-client");
        match revision {
            Revision::Sessions => client.serve(transport).await.unwrap(),
            Revision::Modern => {
                let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
                let discover = ClientLifecycleMode::Discover { preferred_versions };
                client.serve_with_lifecycle(transport, discover).await.unwrap()
            }
        }
    }

    async fn listen<S: ServerHandler>(server: impl Fn() -> S + Send + Sync + 'static) -> String {
        let service = StreamableHttpService::new(
            move || Ok(server()),
            Arc::new(LocalSessionManager::default()),
            StreamableHttpServerConfig::default(),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().nest_service("/mcp", service);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        format!("http://{address}/mcp")
    }

    async fn through_track_over_http(revision: Revision) -> Vec<Event> {
        let harness = Harness::new();
        let options = harness.options();
        let url = listen(move || track(Server::default(), "proj_test", options.clone())).await;
        let client = connect(&url, revision).await;
        traffic(&client).await;
        client.cancel().await.unwrap();
        let last = "refund an order";
        let is_last = |e: &Event| e.intent.as_deref() == Some(last);
        let seen = harness.wait_for(|events| events.iter().any(is_last));
        assert!(seen.iter().any(is_last), "{seen:#?}");
        // The session's notices may still be on their way.
        tokio::time::sleep(Duration::from_millis(300)).await;
        harness.events()
    }

    pub(super) fn proxy() {
        let options = ProxyOptions {
            upstream: std::env::args().nth(2).unwrap(),
            listen: ([127, 0, 0, 1], 0).into(),
            public_url: None,
            allow_hosts: Vec::new(),
            allow_origins: Vec::new(),
            oauth: trackway_proxy::http::OAuth::Pass,
            upstream_ca: None,
            host: HostSeen::Upstream,
            named_by: NamedBy::default(),
            identify: None,
            project: ProjectId::parse("proj_test").unwrap(),
            endpoint: "http://127.0.0.1:9".to_owned(),
            token: None,
            mode: Mode::Required,
            context_description: None,
            report_missing: Missing::On,
            print: Print::Yes,
            spool: None,
            leaving: trackway_proxy::leaving::Leaving::default(),
        };
        trackway_proxy::http::run(&options, |address| println!("{address}")).unwrap();
    }

    async fn through_proxy(revision: Revision, at_least: usize) -> Vec<Event> {
        let url = listen(Server::default).await;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["as-proxy", &url])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let printed: Arc<Mutex<Vec<Event>>> = Arc::default();
        let (said, into) = (child.stderr.take().unwrap(), Arc::clone(&printed));
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                into.lock().unwrap().extend(serde_json::from_str::<Event>(&line));
            }
        });
        let client = connect(&format!("http://{}/mcp", address.trim()), revision).await;
        traffic(&client).await;
        client.cancel().await.unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while printed.lock().unwrap().len() < at_least && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let events = printed.lock().unwrap();
        events.clone()
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
        client.read_resource(ReadResourceRequestParams::new("kit://words")).await.unwrap();
        client.read_resource(ReadResourceRequestParams::new("nowhere://")).await.unwrap_err();
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
            // The end of a session over HTTP is a DELETE, which no handler sees.
            .filter(|e| &*e.name != "session_end")
            .map(|e| {
                json!({
                    "kind": e.kind, "name": e.name, "status": e.status, "tool": e.tool,
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
