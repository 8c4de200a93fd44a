//! Hostile traffic against the recorder, the editor and redaction: whatever comes, nothing breaks, every request ends as
//! exactly one event, equal traffic gives equal events (CAP §2.1), and what leaves is within its caps (INV-10).
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use trackway_capture::editor::{Editor, Verdict};
use trackway_capture::recorder::{
    Ending, Observed, Protocol, Recorder, RecorderConfig, Scope, Transport, Way,
};
use trackway_capture::redact::{Level, Pii, Redaction, RedactionConfig};
use trackway_capture::wire::inject::{Injection, Missing, Mode};
use trackway_event::json::depth;
use trackway_event::{CaptureBy, Event, ProjectId, Timestamp, limits};

const METHODS: &[&str] = &[
    "initialize",
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "subscriptions/listen",
    "tasks/get",
    "tasks/result",
    "tasks/cancel",
    "logging/setLevel",
    "ping",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "x/unknown",
    "",
];
const NOTICES: &[&str] = &[
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/message",
    "notifications/tools/list_changed",
    "notifications/resources/updated",
    "notifications/tasks",
];
/// Member names that the recorder looks for.
const NAMES: &[&str] = &[
    "name",
    "arguments",
    "context",
    "_meta",
    "uri",
    "cursor",
    "tools",
    "inputSchema",
    "properties",
    "type",
    "content",
    "isError",
    "result",
    "resultType",
    "requestState",
    "inputRequests",
    "inputResponses",
    "taskId",
    "task",
    "status",
    "requestId",
    "progressToken",
    "clientInfo",
    "serverInfo",
    "protocolVersion",
    "capabilities",
    "data",
    "blob",
    "password",
    "user",
    "nextCursor",
    "values",
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/subscriptionId",
    "traceparent",
    "vscode.conversationId",
];
const TEXTS: &[&str] = &[
    "t",
    "object",
    "input_required",
    "task",
    "completed",
    "failed",
    "2026-07-28",
    "why",
    "image",
    "ana",
    "https://u:p@h/?token=x",
    "Bearer abcdef123456",
    "{\"password\":\"x\"}",
    "\u{0}\u{7f}\u{e4}\u{1f600}",
    "",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let member = prop_oneof![3 => prop::sample::select(NAMES).prop_map(String::from), 1 => "\\PC{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((member, inner), 0..6).prop_map(|m| m.into_iter().collect()),
        ]
    })
}

fn id() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0i64..6).prop_map(Value::from),
        "[a-c]".prop_map(Value::from),
        Just(json!(1.0)),
        Just(json!(null))
    ]
}

/// A message that is none, or is one in most of its parts.
fn message() -> impl Strategy<Value = Value> {
    let one = prop_oneof![
        4 => (id(), prop::sample::select(METHODS), any_json())
            .prop_map(|(id, method, params)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })),
        3 => (id(), any_json()).prop_map(|(id, result)| json!({ "jsonrpc": "2.0", "id": id, "result": result })),
        1 => (id(), any_json()).prop_map(|(id, error)| json!({ "jsonrpc": "2.0", "id": id, "error": error })),
        2 => (prop::sample::select(NOTICES), any_json())
            .prop_map(|(method, params)| json!({ "jsonrpc": "2.0", "method": method, "params": params })),
        1 => any_json(),
    ];
    prop_oneof![6 => one.clone(), 1 => prop::collection::vec(one, 0..4).prop_map(Value::from)]
}

/// A line, at times cut or with a byte changed.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let spoiled =
        (message(), any::<usize>(), any::<u8>(), any::<bool>()).prop_map(|(message, at, byte, cut)| {
            let mut line = message.to_string().into_bytes();
            let at = at % line.len().max(1);
            if cut {
                line.truncate(at);
            } else if let Some(b) = line.get_mut(at) {
                *b = byte;
            }
            line
        });
    prop_oneof![
        5 => message().prop_map(|m| m.to_string().into_bytes()),
        2 => spoiled,
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn scope() -> impl Strategy<Value = Scope> {
    (0u64..3, 0u64..3, any::<bool>(), any::<bool>()).prop_map(|(exchange, connection, http, named)| Scope {
        exchange: if http { exchange } else { 0 },
        connection,
        transport: if http { Transport::Http } else { Transport::Stdio },
        mcp_session: named.then(|| "session".into()),
        actor: named.then(|| "ana".into()),
        ..Scope::default()
    })
}

fn recorder() -> Recorder {
    let config = RecorderConfig {
        project: ProjectId::parse("proj_test").unwrap(),
        capture: CaptureBy::Proxy,
        version: "1".into(),
        mode: Mode::Required,
        identify: None,
        demo: false,
        protocol: Protocol::All,
    };
    let mut next = 0u128;
    let random = Box::new(move || {
        next += 1;
        next.to_be_bytes()
    });
    Recorder::new(config, random)
}

fn play(traffic: &[(Scope, bool, Vec<u8>)]) -> (Vec<Event>, Recorder) {
    let (mut recorder, mut events) = (recorder(), Vec::new());
    for (index, (scope, from_client, line)) in traffic.iter().enumerate() {
        let mono_us = index as u64 * 1_000;
        let way = if *from_client { Way::FromClient } else { Way::FromServer };
        let wall = Timestamp::from_micros(1_767_323_045_000_000 + mono_us as i64);
        recorder.observe_in(scope, &Observed { way, wall, mono_us, line: line.clone() }, &mut events);
        if index % 5 == 4 {
            let ending = [Ending::Complete(500), Ending::ClientGone, Ending::StreamEnded, Ending::NoUpstream];
            recorder.exchange_ended(scope, ending[index % 4], mono_us, &mut events);
        }
    }
    let late = limits::PENDING_TTL.as_micros() as u64 + 1_000_000;
    recorder.tick(late, &mut events);
    recorder.close(late, &mut events);
    (events, recorder)
}

fn redaction() -> Redaction {
    let config = RedactionConfig {
        pii: Pii::ALL.to_vec(),
        keys: vec!["user".into()],
        paths: vec!["**.data".into(), "arguments.*.name".into()],
        arguments: Level::Full,
        ..RedactionConfig::default()
    };
    Redaction::new(config).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn hostile_traffic_is_recorded_within_its_caps(
        traffic in prop::collection::vec((scope(), any::<bool>(), line()), 0..30)
    ) {
        let (events, _) = play(&traffic);
        let (again, _) = play(&traffic);
        let texts = |all: &[Event]| all.iter().map(|e| serde_json::to_string(e).unwrap()).collect::<Vec<_>>();
        prop_assert_eq!(texts(&events), texts(&again), "equal traffic, equal events");
        let ids: BTreeSet<_> = events.iter().map(|e| e.id.clone()).collect();
        prop_assert_eq!(ids.len(), events.len());
        let mut redaction = redaction();
        for event in events {
            let clean = redaction.apply(event).unwrap();
            let json = serde_json::to_vec(&clean).unwrap();
            prop_assert!(json.len() <= limits::RECORDED_EVENT_BYTES);
            prop_assert!(depth(&json, 100) <= limits::BODY_DEPTH - 2);
            let back: Event = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(serde_json::to_vec(&back).unwrap(), json, "what leaves is what is read");
        }
    }

    /// Over a pipe, with ids of their own, requests and events correspond one to one, whatever the answers.
    #[test]
    fn every_request_ends_as_exactly_one_event(
        asked in prop::collection::vec((prop::sample::select(METHODS), any_json()), 0..20),
        answers in prop::collection::vec((0usize..25, any_json(), any::<bool>()), 0..30),
    ) {
        let mut traffic = Vec::new();
        for (id, (method, params)) in asked.iter().enumerate() {
            let line = json!({ "id": id, "method": method, "params": params }).to_string().into_bytes();
            traffic.push((Scope::default(), true, line));
        }
        for (id, answer, good) in &answers {
            let key = if *good { "result" } else { "error" };
            traffic.push((Scope::default(), false, json!({ "id": id, key: answer }).to_string().into_bytes()));
        }
        let (events, recorder) = play(&traffic);
        prop_assert_eq!(events.len(), asked.len());
        prop_assert!(events.iter().all(|e| e.status.is_some() && e.duration_us.is_some()));
        let paired: BTreeSet<_> = answers.iter().map(|(id, ..)| id).filter(|id| **id < asked.len()).collect();
        prop_assert_eq!(recorder.counts.unpaired as usize, answers.len() - paired.len());
    }

    /// The editor's output is JSON wherever its input was, and differs from it only where something is ours (INV-07).
    #[test]
    fn the_editor_breaks_no_message(traffic in prop::collection::vec((any::<bool>(), line()), 0..20)) {
        for mode in [Mode::Required, Mode::Off, Mode::ObserveOnly] {
            let editor = Editor::new(Injection::new(mode, "00000000".into(), None, Missing::Off));
            for (from_client, line) in &traffic {
                let verdict = if *from_client { editor.from_client(line) } else { editor.from_server(line) };
                let Verdict::Replace(bytes) = verdict else { continue };
                prop_assert!(mode != Mode::ObserveOnly);
                prop_assert!(serde_json::from_slice::<Value>(line).is_ok() == serde_json::from_slice::<Value>(&bytes).is_ok());
                let text = if *from_client { line } else { &bytes };
                let ours = String::from_utf8_lossy(text).contains("context");
                prop_assert!(ours, "{}", String::from_utf8_lossy(line));
            }
        }
    }
}
