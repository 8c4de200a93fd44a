//! More cases of the table in SDK §13, each by its number: sessions that come and go, a backend of the older wire, causes of
//! errors, and a clock that cannot be trusted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by them")]

mod kit;

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::mpsc::channel;
use std::task::{Context, Poll};
use std::time::Duration;

use kit::{Server, call, connect};
use rmcp::model::*;
use rmcp::service::{RequestContext, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use trackway::testing::Harness;
use trackway::{Options, Wire, capture_error, track};
use trackway_event::{Event, Kind, SessionId, SessionSource};

fn calls(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|e| e.kind == Kind::ToolCall).collect()
}

/// One connection whose requests say over which HTTP request they came.
struct Requests(mpsc::Receiver<RxJsonRpcMessage<RoleServer>>);

impl futures_util::Stream for Requests {
    type Item = RxJsonRpcMessage<RoleServer>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// A message, with the session id that its HTTP request named.
fn message(body: Value, session: Option<&str>) -> RxJsonRpcMessage<RoleServer> {
    let mut message: RxJsonRpcMessage<RoleServer> = serde_json::from_value(body).unwrap();
    let mut http = http::Request::builder().uri("http://localhost/mcp");
    if let Some(session) = session {
        http = http.header("mcp-session-id", session);
    }
    if let JsonRpcMessage::Request(request) = &mut message {
        let parts = http.body(()).unwrap().into_parts().0;
        request.request.extensions_mut().insert(parts);
    }
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn case_24_a_transport_s_session_counts_from_its_appearance_and_is_kept_when_it_is_left_out() {
    let harness = Harness::new();
    let server = track(Server::default(), "proj_test", harness.options());
    let (say, requests) = mpsc::channel(16);
    let (answered, mut answers) = mpsc::channel(16);
    let answers_to = Box::pin(futures_util::sink::unfold(
        answered,
        |answered: mpsc::Sender<TxJsonRpcMessage<RoleServer>>, message| async move {
            answered.send(message).await.map_err(|_| std::io::Error::other("gone"))?;
            Ok::<_, std::io::Error>(answered)
        },
    ));
    tokio::spawn(async move {
        if let Ok(running) = server.serve((answers_to, Requests(requests))).await {
            let _ = running.waiting().await;
        }
    });
    let open = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": { "protocolVersion": "2025-06-18",
        "capabilities": {}, "clientInfo": { "name": "c", "version": "1" } } });
    say.send(message(open, None)).await.unwrap();
    answers.recv().await.unwrap();
    say.send(message(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }), None))
        .await
        .unwrap();
    for (id, session) in [(1, None), (2, Some("a")), (3, None), (4, Some("b")), (5, None)] {
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": "echo", "arguments": { "a": id.to_string() } } });
        say.send(message(call, session)).await.unwrap();
        answers.recv().await.unwrap();
    }
    let events = harness.wait_for(|events| calls(events).len() == 5);
    let seen: Vec<_> = calls(&events).iter().map(|e| (e.session_id.clone(), e.session_source)).collect();
    let project = trackway_event::ProjectId::parse("proj_test").unwrap();
    let derived = |id| (Some(SessionId::derive(id, Some(&project))), Some(SessionSource::McpSession));
    assert_eq!(seen[0].0, None, "none was named yet");
    assert_eq!(seen[1..], [derived("a"), derived("a"), derived("b"), derived("b")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_47_a_backend_of_agentcat_s_that_takes_no_arrays_gets_every_event_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (send, got) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut length, mut zipped) = (String::new(), 0, false);
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(n) = line.strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap();
                }
                zipped |= line == "content-encoding: gzip";
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let single = serde_json::from_slice::<Value>(&body).ok().filter(Value::is_object);
            let status = if single.is_some() { "202 Accepted" } else { "400 Bad Request" };
            let _ = send.send((first.contains(" /v1/public/events/ "), zipped || single.is_none(), single));
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let options = Options::new().endpoint(url).wire(Wire::AgentCat);
    let server = track(Server::default(), "proj_old_backend", options);
    let handle = server.handle();
    let client = connect(server).await;
    for a in ["x", "y", "z"] {
        call(&client, "echo", json!({ "a": a, "context": "an old backend" })).await.unwrap();
    }
    assert!(handle.flush(Duration::from_secs(10)).await);
    call(&client, "fails", json!({ "a": "w" })).await.unwrap();
    assert!(handle.flush(Duration::from_secs(10)).await);
    assert_eq!(handle.status().lost, 0);
    let all: Vec<(bool, bool, Option<Value>)> = got.try_iter().collect();
    assert!(all.iter().all(|(path, ..)| *path));
    assert_eq!(all.iter().filter(|(_, array, _)| *array).count(), 1, "asked once, then never again");
    let bodies: Vec<&Value> = all.iter().filter_map(|(.., body)| body.as_ref()).collect();
    let ids: BTreeSet<&str> = bodies.iter().filter_map(|b| b["id"].as_str()).collect();
    assert_eq!(ids.len(), bodies.len(), "each once");
    let called: Vec<_> = bodies.iter().filter(|b| b["event_type"] == "mcp:tools/call").collect();
    let arguments: Vec<_> = called
        .iter()
        .map(|b| b["parameters"]["request"]["params"]["arguments"]["a"].as_str().unwrap())
        .collect();
    assert_eq!(arguments, ["x", "y", "z", "w"]);
    assert_eq!((&called[0]["user_intent"], called[0].get("is_error")), (&json!("an old backend"), None));
    assert_eq!(
        (&called[3]["is_error"], &called[3]["error"]["message"]),
        (&json!(true), &json!("no such order"))
    );
}

/// An error with causes: so many, or itself without end.
#[derive(Debug)]
enum Deep {
    Cause(usize, Box<Deep>),
    Root,
    Itself,
}

impl fmt::Display for Deep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cause(n, _) => write!(f, "cause {n}, Authorization: Bearer abcdefgh123"),
            Self::Root => f.write_str("the root"),
            Self::Itself => f.write_str("the snake"),
        }
    }
}

impl std::error::Error for Deep {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Cause(_, inner) => Some(&**inner),
            Self::Root => None,
            Self::Itself => Some(self),
        }
    }
}

/// A server whose tools tell their errors.
struct Tells;

impl ServerHandler for Tells {
    fn get_info(&self) -> ServerConfig {
        Server::default().get_info()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(Server::default().tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let twelve = || (1..=12).rev().fold(Deep::Root, |inner, n| Deep::Cause(n, Box::new(inner)));
        match &*request.name {
            "fails" => capture_error(&twelve()),
            "errs" => capture_error(&Deep::Itself),
            _ => {
                capture_error(&Deep::Root);
                return Ok(CallToolResult::success(vec![]).into());
            }
        }
        tokio::task::yield_now().await;
        Ok(CallToolResult::error(vec![ContentBlock::text("it did not work")]).into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_48_a_chain_of_causes_stops_where_it_comes_back_and_after_ten() {
    // Outside of a call nobody listens, and nothing happens.
    capture_error(&Deep::Itself);
    let harness = Harness::new();
    let client = connect(track(Tells, "proj_test", harness.options())).await;
    for tool in ["fails", "errs", "echo"] {
        call(&client, tool, json!({ "a": "x" })).await.unwrap();
    }
    let events = harness.wait_for(|events| calls(events).len() == 3);
    let error =
        |tool: &str| calls(&events).iter().find(|e| e.tool.as_deref() == Some(tool)).unwrap().error.clone();
    let deep = error("fails").unwrap();
    assert_eq!(deep.kind.as_deref(), Some("Deep"));
    assert_eq!(
        &*deep.message, "cause 1, Authorization: Bearer [redacted]",
        "credentials go from causes, too"
    );
    assert_eq!(deep.chain.len(), 10);
    assert!(deep.chain[9].message.starts_with("cause 11, "), "{:?}", deep.chain[9]);
    assert!(deep.chain.iter().all(|c| !c.message.contains("abcdefgh123")));
    let snake = error("errs").unwrap();
    assert_eq!((&*snake.message, snake.chain.len()), ("the snake", 0), "it leads back to itself");
    assert_eq!(error("echo"), None, "a call that worked has no error");
}
