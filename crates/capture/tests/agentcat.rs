//! `wire = "agentcat"` against receivers that only know AgentCat's wire: its shape is that of the SDKs whose traffic was recorded, an
//! old backend gets single events, and nothing is sent a second time under another name (SDK-82, SDK case 47).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by them")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use trackway_capture::delivery::{Delivery, DeliveryConfig, Report, Wire};
use trackway_capture::queue::Queue;
use trackway_event::event::ErrorInfo;
use trackway_event::json::payload_of;
use trackway_event::{
    Actor, ActorId, Event, EventId, Kind, Peer, ProjectId, SdkInfo, SessionId, Status, Timestamp, Tokens,
};

/// What a receiver got: path, whether it was compressed, and the body.
type Got = (String, bool, Value);

/// A backend that takes arrays, or refuses them with this status and takes single events.
fn backend(arrays: Option<&'static str>) -> (String, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (send, got) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let Some(request) = read(&stream) else { continue };
            let status = arrays.filter(|_| request.2.is_array() || request.1).unwrap_or("202 Accepted");
            let _ = send.send(request);
            let _ = (&stream).write_all(
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes(),
            );
        }
    });
    (url, got)
}

fn read(stream: &TcpStream) -> Option<Got> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length, mut zipped) = (String::new(), 0, false);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(n) = line.strip_prefix("content-length:") {
            length = n.trim().parse().ok()?;
        }
        zipped |= line == "content-encoding: gzip";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut json = body.clone();
    if zipped {
        json.clear();
        flate2::read::GzDecoder::new(body.as_slice()).take(1 << 20).read_to_end(&mut json).ok()?;
    }
    let path = first.split(' ').nth(1)?.to_owned();
    Some((path, zipped, serde_json::from_slice(&json).ok()?))
}

/// A call as the recorder makes it.
fn call(n: u8) -> Event {
    let at = Timestamp::parse("2026-11-21T02:28:43.810Z").unwrap().plus_micros(i64::from(n) * 1_000_000);
    let mut e = Event::new(EventId::mint(at, [n; 16]), Kind::ToolCall, at);
    e.name = "tools/call".into();
    e.tool = Some("search".into());
    e.status = Some(Status::Ok);
    e.duration_us = Some(2_400);
    e.session_id = SessionId::foreign("ses_3MOigBVWtlNqY0vj5EfMVNEPa7L");
    e.intent = Some("looking for shoes".into());
    e.arguments = payload_of(&json!({ "q": "shoes" }));
    e.result =
        payload_of(&json!({ "content": [{ "type": "text", "text": "found shoes" }], "isError": false }));
    e.request_meta = payload_of(&json!({ "progressToken": 1 }));
    e.transport = payload_of(&json!({ "requestId": 2 }));
    e.tokens = Some(Tokens { input: Some(19), output: Some(4), estimated: true });
    e.client = Some(Peer { name: "rmcp".into(), version: Some("3.9.0".into()) });
    e.server = Some(Peer { name: "shop".into(), version: Some("1.2.3".into()) });
    let id = ActorId::parse("u1").unwrap().0;
    e.actor = Some(Box::new(Actor { id, name: Some("Ada".into()), traits: Default::default() }));
    e
}

fn deliver(url: &str, events: Vec<Event>) -> Report {
    let queue = Arc::new(Queue::default());
    let config = DeliveryConfig {
        endpoint: url.to_owned(),
        token: None,
        project: ProjectId::parse("proj_rec").unwrap(),
        sdk: SdkInfo { name: "trackway-rust".into(), version: "1.0.0".into() },
        spool: None,
        wire: Wire::AgentCat,
    };
    let delivery = Delivery::start(config, Arc::clone(&queue)).unwrap();
    for event in events {
        queue.push(event);
    }
    delivery.shutdown(Duration::from_secs(5))
}

/// The keys of an object, each with the sort of its value.
fn shape(value: &Value) -> BTreeSet<(String, &'static str)> {
    let sort = |v: &Value| match v {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    value.as_object().unwrap().iter().map(|(key, v)| (key.clone(), sort(v))).collect()
}

#[test]
fn a_call_has_the_shape_of_the_recorded_ones() {
    let (url, got) = backend(None);
    let mut soft = call(2);
    soft.status = Some(Status::ToolError);
    soft.error = Some(Box::new(ErrorInfo { message: "rate limit exceeded".into(), ..ErrorInfo::default() }));
    assert_eq!(deliver(&url, vec![call(1), soft]).sent, 2);
    let (path, zipped, body) = got.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!((path.as_str(), zipped), ("/v1/public/events/", true), "an array, compressed");
    let bodies = body.as_array().unwrap();
    let recorded = include_str!("../../../tests/clients/agentcat-rust-1.0.0.jsonl");
    let recorded: Vec<Value> = recorded.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for (ours, theirs) in bodies.iter().zip(&recorded) {
        let theirs = &theirs["body"];
        // All they say is said, in the same form; what is said beside it is who the user is.
        let (ours_shape, mut theirs_shape) = (shape(ours), shape(theirs));
        theirs_shape.remove(&("identify_data".to_owned(), "object"));
        let missing: Vec<_> = theirs_shape.difference(&ours_shape).collect();
        assert!(missing.is_empty(), "{missing:?} of {ours}");
        let more: Vec<&str> = ours_shape.difference(&theirs_shape).map(|(key, _)| key.as_str()).collect();
        assert_eq!(more, ["identify_actor_given_id", "identify_actor_name", "identify_data"]);
        for path in
            ["/parameters/request/method", "/parameters/request/params/name", "/event_type", "/project_id"]
        {
            if theirs["resource_name"] == ours["resource_name"] {
                assert_eq!(ours.pointer(path), theirs.pointer(path), "{path}");
            }
        }
        assert_eq!(shape(&ours["response"]), shape(&theirs["response"]));
        if !theirs["error"].is_null() {
            assert_eq!((&ours["is_error"], &ours["error"]), (&theirs["is_error"], &theirs["error"]));
        }
    }
    assert_eq!(
        bodies[0]["timestamp"],
        recorded[0]["body"]["timestamp"].as_str().map_or(Value::Null, |_| "2026-11-21T02:28:44.810Z".into())
    );
    assert_eq!((&bodies[0]["duration"], &bodies[0]["input_tokens"]), (&json!(2), &json!(19)));
    assert_eq!(bodies[0]["parameters"]["request"]["params"]["arguments"], json!({ "q": "shoes" }));
    assert_eq!(bodies[0]["parameters"]["extra"], json!({ "requestId": 2 }));
}

#[test]
fn sdk_case_47_a_backend_that_takes_no_arrays_gets_single_events_from_then_on() {
    for refusal in ["400 Bad Request", "404 Not Found", "415 Unsupported Media Type"] {
        let (url, got) = backend(Some(refusal));
        let report = deliver(&url, (0..5).map(call).collect());
        assert_eq!((report.sent, report.lost, report.dropped), (5, 0, 0), "{refusal}");
        let all: Vec<Got> =
            std::iter::from_fn(|| got.recv_timeout(Duration::from_millis(500)).ok()).collect();
        let arrays = all.iter().filter(|(_, zipped, body)| *zipped || body.is_array()).count();
        assert_eq!(arrays, 1, "it is asked once: {refusal}");
        let ids: Vec<&str> = all.iter().filter_map(|(.., body)| body["id"].as_str()).collect();
        let events: Vec<Event> = (0..5).map(call).collect();
        assert_eq!(ids, events.iter().map(|e| e.id.as_str()).collect::<Vec<_>>());
    }
}

#[test]
fn what_became_of_a_call_is_told_in_agentcat_s_words() {
    let (url, got) = backend(Some("415 no"));
    let with = |n: u8, status: Status| {
        let mut e = call(n);
        e.status = Some(status);
        e
    };
    let mut asks = with(1, Status::InputRequired);
    asks.flags.mrtr_open = true;
    let mut brings = call(2);
    brings.flags.mrtr_continuation = true;
    brings.protocol_version = Some("2026-07-28".into());
    let mut bad = with(4, Status::ProtocolError);
    bad.error_code = Some(-32_602);
    let mut wish = call(5);
    (wish.kind, wish.tool) = (Kind::MissingCapability, Some("get_more_tools".into()));
    let mut who = call(6);
    (who.kind, who.name, who.arguments, who.tool) = (Kind::Identify, "agentcat:identify".into(), None, None);
    deliver(&url, vec![asks, brings, with(3, Status::Cancelled), bad, wish, who, with(7, Status::Lost)]);
    let all: Vec<Got> = std::iter::from_fn(|| got.recv_timeout(Duration::from_millis(500)).ok()).collect();
    let all: Vec<&Value> = all.iter().map(|(.., body)| body).filter(|body| !body.is_array()).collect();
    let [asks, brings, cancelled, bad, wish, who, lost] = all[..] else { panic!("{all:?}") };
    assert_eq!(asks["tags"], json!({ "agentcat_mrtr": "input_required" }));
    assert!(asks.get("is_error").is_none());
    assert_eq!(brings["tags"]["agentcat_mrtr"], "continuation");
    assert_eq!(brings["tags"]["agentcat_protocol_version"], "2026-07-28");
    assert_eq!(cancelled["error"]["type"], "cancelled");
    assert_eq!(bad["error"]["type"], "InvalidParams");
    assert_eq!(
        (&wish["event_type"], &wish["resource_name"]),
        (&json!("mcp:tools/call"), &json!("get_more_tools"))
    );
    assert_eq!(
        (&who["event_type"], &who["identify_actor_given_id"]),
        (&json!("agentcat:identify"), &json!("u1"))
    );
    assert_eq!((&lost["is_error"], &lost["error"]["type"]), (&json!(true), &json!("lost")));
}
