//! What the recorder keeps of every method of every revision (CAP §2.4), of joined legs and tasks (§2.6), and which session
//! it names (§3).

use serde_json::{Value, json};
use trackway_event::{Direction, SessionSource, Status};

use super::tests::{Play, config};
use super::*;

fn value(payload: &Option<trackway_event::Payload>) -> Value {
    payload.as_ref().map_or(Value::Null, |p| serde_json::from_str(p.get()).unwrap())
}

fn facts(play: &Play) -> Value {
    value(&play.last().properties)
}

/// One line a method: what is asked and answered, and what stands in the event.
#[test]
fn every_method_is_one_event_with_names_and_counts() {
    for (method, params, result, kind, resource, arguments, answer) in [
        (
            "resources/list",
            json!({ "cursor": "CANARY" }),
            json!({ "resources": [1, 2] }),
            Kind::ResourcesList,
            None,
            json!({ "cursor": true }),
            Value::Null,
        ),
        (
            "resources/templates/list",
            json!({}),
            json!({ "resourceTemplates": [1] }),
            Kind::ResourceTemplatesList,
            None,
            Value::Null,
            Value::Null,
        ),
        (
            "resources/read",
            json!({ "uri": "https://u:CANARY@h/x?token=CANARY" }),
            json!({ "contents": [{ "uri": "x", "mimeType": "text/plain", "text": "CANARY" }] }),
            Kind::ResourceRead,
            Some("https://[redacted]@h/x?token=[redacted]"),
            Value::Null,
            json!({ "contents": [{ "mimeType": "text/plain", "bytes": 51 }] }),
        ),
        (
            "resources/subscribe",
            json!({ "uri": "file:///a" }),
            json!({}),
            Kind::Protocol,
            Some("file:///a"),
            Value::Null,
            Value::Null,
        ),
        (
            "resources/unsubscribe",
            json!({ "uri": "file:///a" }),
            json!({}),
            Kind::Protocol,
            Some("file:///a"),
            Value::Null,
            Value::Null,
        ),
        (
            "prompts/list",
            json!({}),
            json!({ "prompts": [] }),
            Kind::PromptsList,
            None,
            Value::Null,
            Value::Null,
        ),
        (
            "prompts/get",
            json!({ "name": "greet", "arguments": { "who": "CANARY" } }),
            json!({ "messages": ["CANARY"] }),
            Kind::PromptGet,
            Some("greet"),
            json!({ "names": ["who"] }),
            json!({ "messages": 1 }),
        ),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "greet" }, "argument": { "name": "who", "value": "CANARY" } }),
            json!({ "completion": { "values": ["CANARY", "CANARY"] } }),
            Kind::Completion,
            Some("greet"),
            json!({ "ref": "ref/prompt", "argument": "who" }),
            json!({ "values": 2 }),
        ),
        (
            "server/discover",
            json!({}),
            json!({ "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} }, "serverInfo": { "name": "s" }, "instructions": "CANARY" }),
            Kind::Discover,
            None,
            Value::Null,
            json!({ "protocolVersion": null, "supportedVersions": ["2026-07-28"], "capabilities": ["tools"], "instructions_chars": 6 }),
        ),
        (
            "subscriptions/listen",
            json!({ "toolsListChanged": true, "resourceSubscriptions": ["CANARY"], "_meta": {} }),
            json!({}),
            Kind::Protocol,
            None,
            json!({ "filter": ["resourceSubscriptions", "toolsListChanged"] }),
            Value::Null,
        ),
        (
            "logging/setLevel",
            json!({ "level": "debug" }),
            json!({}),
            Kind::Protocol,
            None,
            json!({ "level": "debug" }),
            Value::Null,
        ),
        ("ping", json!({}), json!({}), Kind::Protocol, None, Value::Null, Value::Null),
        (
            "skills/list",
            json!({ "x": "CANARY" }),
            json!({ "skills": ["CANARY"] }),
            Kind::Protocol,
            None,
            Value::Null,
            Value::Null,
        ),
        (
            "resources/directory/read",
            json!({ "uri": "CANARY" }),
            json!({}),
            Kind::Protocol,
            None,
            Value::Null,
            Value::Null,
        ),
        ("x/unknown", json!(["CANARY"]), json!("CANARY"), Kind::Protocol, None, Value::Null, Value::Null),
    ] {
        let mut play = Play::opened();
        play.client(&json!({ "id": 9, "method": method, "params": params }).to_string())
            .server(&json!({ "id": 9, "result": result }).to_string());
        assert_eq!(play.events.len(), 1, "{method}");
        let event = play.last();
        assert_eq!((event.kind, event.status, &*event.name), (kind, Some(Status::Ok), method));
        assert_eq!(event.resource.as_deref(), resource, "{method}");
        assert_eq!(value(&event.arguments), arguments, "{method}");
        assert_eq!(value(&event.result), answer, "{method}");
        assert!(event.duration_us.is_some() && event.bytes_out.is_some(), "{method}");
        let text = serde_json::to_string(event).unwrap();
        assert!(!text.contains("CANARY"), "{text}");
    }
}

#[test]
fn requests_of_the_server_tell_sizes_and_choices_only() {
    for (method, params, result, asked, answered) in [
        (
            "sampling/createMessage",
            json!({ "messages": ["CANARY"], "maxTokens": 100, "systemPrompt": "CANARY", "modelPreferences": { "hints": [{ "name": "small" }] } }),
            json!({ "content": "CANARY", "stopReason": "endTurn" }),
            json!({ "model_hints": ["small"], "max_tokens": 100 }),
            json!({ "stop_reason": "endTurn" }),
        ),
        (
            "elicitation/create",
            json!({ "message": "CANARY", "requestedSchema": { "CANARY": {} } }),
            json!({ "action": "decline", "content": { "CANARY": 1 } }),
            json!({ "mode": "form" }),
            json!({ "action": "decline" }),
        ),
        (
            "roots/list",
            json!({}),
            json!({ "roots": [{ "uri": "CANARY" }] }),
            Value::Null,
            json!({ "roots": 1 }),
        ),
    ] {
        let mut play = Play::opened();
        play.server(&json!({ "id": "s", "method": method, "params": params }).to_string())
            .client(&json!({ "id": "s", "result": result }).to_string());
        let event = play.last();
        assert_eq!(
            (event.kind, event.direction),
            (Kind::Protocol, Some(Direction::ServerToClient)),
            "{method}"
        );
        assert_eq!((value(&event.arguments), value(&event.result)), (asked, answered), "{method}");
        assert!(!serde_json::to_string(event).unwrap().contains("CANARY"), "{method}");
    }
}

#[test]
fn notifications_tell_numbers_and_levels_only() {
    for (method, params, expect) in [
        (
            "notifications/message",
            json!({ "level": "info", "logger": "db", "data": "CANARY" }),
            json!({ "level": "info", "logger": "db" }),
        ),
        (
            "notifications/cancelled",
            json!({ "requestId": 77, "reason": "CANARY" }),
            json!({ "reason": "given" }),
        ),
        ("notifications/tools/list_changed", json!({ "x": "CANARY" }), Value::Null),
        ("notifications/initialized", json!({}), Value::Null),
    ] {
        let mut play = Play::opened();
        play.server(&json!({ "method": method, "params": params }).to_string());
        assert_eq!((value(&play.last().arguments), play.last().duration_us), (expect, None), "{method}");
        assert!(!serde_json::to_string(play.last()).unwrap().contains("CANARY"), "{method}");
    }
    let mut play = Play::opened();
    play.server(r#"{"method":"notifications/progress","params":{"progressToken":"CANARY","progress":2,"total":5,"message":"CANARY"}}"#);
    let told = value(&play.last().arguments);
    assert_eq!(
        (&told["progress"], &told["total"], told["token"].as_str().map(str::len)),
        (&2.into(), &5.into(), Some(32))
    );
    play.server(r#"{"method":"notifications/resources/updated","params":{"uri":"https://u:CANARY@h"}}"#);
    assert_eq!(play.last().resource.as_deref(), Some("https://[redacted]@h"));
}

#[test]
fn case_22_the_legs_of_a_call_are_joined_by_what_they_present() {
    let call = |id: u32, more: &str| {
        format!(
            r#"{{"id":{id},"method":"tools/call","params":{{"name":"search","arguments":{{"b":1,"a":"x","context":"why"}}{more}}}}}"#
        )
    };
    let mut play = Play::opened();
    play.client(&call(2, ""))
        .server(r#"{"id":2,"result":{"resultType":"input_required","requestState":"CANARY","inputRequests":{"pin":{"method":"elicitation/create"}}}}"#);
    let (first, asked) = (play.last().clone(), facts(&play));
    play.client(&call(
        3,
        r#","requestState":"CANARY","inputResponses":{"pin":{"action":"accept","content":{"CANARY":1}}}"#,
    ))
    .server(r#"{"id":3,"result":{"content":[]}}"#);
    let (second, presented) = (play.last().clone(), facts(&play));
    assert_eq!((first.status, second.status), (Some(Status::InputRequired), Some(Status::Ok)));
    assert_eq!((first.flags.mrtr_open, second.flags.mrtr_continuation), (true, true));
    assert_eq!(asked["mrtr_out"], presented["mrtr_in"], "the state names the leg before");
    assert_eq!((&asked["mrtr_asked"], &presented["mrtr_answered"]), (&json!(["pin"]), &json!(["pin"])));
    assert_eq!(asked["mrtr_key"], presented["mrtr_key"]);
    assert_eq!(
        first.arguments.as_ref().unwrap().get(),
        second.arguments.as_ref().unwrap().get(),
        "both legs are stripped alike"
    );
    let all = serde_json::to_string(&[first, second]).unwrap();
    assert!(!all.contains("CANARY"), "{all}");
    // Key order and spelling of the arguments do not matter; their values do.
    for (arguments, same) in [(r#"{"a":"\u0078", "b":1}"#, true), (r#"{"a":"y","b":1}"#, false)] {
        play.client(&format!(r#"{{"id":4,"method":"tools/call","params":{{"name":"search","arguments":{arguments},"inputResponses":{{}}}}}}"#))
            .server(r#"{"id":4,"result":{"content":[]}}"#);
        assert_eq!(facts(&play)["mrtr_key"] == asked["mrtr_key"], same, "{arguments}");
    }
    // Reading a resource or a prompt may ask, too.
    play.client(r#"{"id":5,"method":"resources/read","params":{"uri":"x:y"}}"#)
        .server(r#"{"id":5,"result":{"resultType":"input_required","requestState":"s"}}"#);
    assert_eq!(
        (play.last().status, facts(&play)["mrtr_out"].as_str().map(str::len)),
        (Some(Status::InputRequired), Some(32))
    );
}

#[test]
fn case_23_a_task_is_followed_to_its_end_by_its_key() {
    let mut play = Play::opened();
    play.call(2, "search", "{}").server(
        r#"{"id":2,"result":{"resultType":"task","taskId":"CANARY","status":"working","ttlMs":60000}}"#,
    );
    let made = facts(&play);
    assert_eq!((play.last().status, &made["task_ttl_ms"]), (Some(Status::Task), &60_000.into()));
    for (method, answer, state, closed, status, result) in [
        (
            "tasks/get",
            json!({ "taskId": "CANARY", "status": "working" }),
            json!("working"),
            Value::Null,
            Value::Null,
            None,
        ),
        (
            "tasks/get",
            json!({ "status": "completed", "result": { "isError": true, "content": ["late"] } }),
            json!("completed"),
            json!("poll"),
            json!("tool_error"),
            Some(json!({ "isError": true, "content": ["late"] })),
        ),
        (
            "tasks/get",
            json!({ "status": "failed", "error": { "code": 1, "message": "broke" } }),
            json!("failed"),
            json!("poll"),
            json!("protocol_error"),
            Some(json!({ "error": { "code": 1, "message": "broke" } })),
        ),
        (
            "tasks/cancel",
            json!({ "status": "cancelled" }),
            json!("cancelled"),
            json!("poll"),
            json!("cancelled"),
            None,
        ),
        (
            "tasks/result",
            json!({ "content": ["done"], "isError": false }),
            json!("completed"),
            json!("result"),
            json!("ok"),
            Some(json!({ "content": ["done"], "isError": false })),
        ),
    ] {
        play.client(&json!({ "id": 3, "method": method, "params": { "taskId": "CANARY" } }).to_string())
            .server(&json!({ "id": 3, "result": answer }).to_string());
        let seen = facts(&play);
        assert_eq!(seen["task_key"], made["task_key"], "{method}");
        assert_eq!(
            (&seen["task_status"], &seen["closed_by"], &seen["call_status"]),
            (&state, &closed, &status),
            "{method}"
        );
        let kept = play.last().result.as_ref().map(|r| serde_json::from_str::<Value>(r.get()).unwrap());
        assert_eq!(kept, result, "the result of the whole call is seen here alone");
    }
    play.server(
        r#"{"method":"notifications/tasks","params":{"taskId":"CANARY","status":"completed","result":{}}}"#,
    );
    let told = facts(&play);
    assert_eq!(
        (&told["task_key"], &told["closed_by"], &told["call_status"]),
        (&made["task_key"], &"notification".into(), &"ok".into())
    );
    // The older form nests the task.
    play.call(4, "search", "{}")
        .server(r#"{"id":4,"result":{"task":{"taskId":"CANARY","status":"working","ttl":5}}}"#);
    assert_eq!(facts(&play)["task_key"], made["task_key"]);
    assert!(!serde_json::to_string(&play.events).unwrap().contains("CANARY"));
}

#[test]
fn case_34_a_discover_that_fell_back_is_noted_on_the_opening() {
    let mut play = Play::new();
    play.client(r#"{"id":1,"method":"server/discover"}"#)
        .server(r#"{"id":1,"error":{"code":-32601,"message":"no"}}"#)
        .client(r#"{"id":2,"method":"initialize","params":{}}"#)
        .server(r#"{"id":2,"result":{}}"#);
    assert!(play.last().notes.iter().any(|n| &**n == "fallback"));
    let mut play = Play::opened();
    play.client(r#"{"id":2,"method":"initialize","params":{}}"#).server(r#"{"id":2,"result":{}}"#);
    assert!(play.last().notes.is_empty());
}

#[test]
fn case_41_notifications_of_a_listening_stream_are_counted_for_it() {
    let mut play = Play::opened();
    play.client(r#"{"id":"l","method":"subscriptions/listen","params":{"toolsListChanged":true}}"#);
    for _ in 0..3 {
        play.server(r#"{"method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"l"}}}"#);
    }
    play.server(r#"{"method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"other"}}}"#)
        .server(r#"{"id":"l","result":{}}"#);
    assert_eq!(facts(&play)["notifications"], 3);
}

#[test]
fn content_blocks_are_told_by_kind_and_size() {
    let mut play = Play::opened();
    play.call(2, "search", "{}").server(
        r#"{"id":2,"result":{"content":[{"type":"text","text":"abc"},{"type":"image","data":"AAAA"}]}}"#,
    );
    assert_eq!(facts(&play)["blocks"], json!([["text", 28], ["image", 30]]));
    assert!(facts(&play)["tool_hash"].is_string());
}

fn http(headers: Value) -> Scope {
    let headers = serde_json::value::to_raw_value(&headers).ok();
    Scope { exchange: 1, transport: Transport::Http, headers, ..Scope::default() }
}

#[test]
fn the_ladder_names_the_session_and_its_rung() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let late = SessionRules::default();
    let operator =
        SessionRules { meta_key: Some("x/chat".into()), header: Some("x-chat".into()), ..late.clone() };
    let prefer = SessionRules { trace: TraceSessions::Prefer, ..late.clone() };
    let off = SessionRules { trace: TraceSessions::Off, ..late.clone() };
    let legacy = |scope: Scope| Scope { mcp_session: Some("CANARY".into()), connection: 7, ..scope };
    let user = |scope: Scope| Scope { actor: Some("ana".into()), ..scope };
    for (rules, scope, meta, expect) in [
        (&operator, http(json!({ "x-chat": "CANARY" })), json!({}), Some(SessionSource::Operator)),
        (
            &operator,
            Scope::default(),
            json!({ "x/chat": "CANARY", "vscode.conversationId": "CANARY" }),
            Some(SessionSource::Operator),
        ),
        (&operator, Scope::default(), json!({ "x/chat": "" }), Some(SessionSource::StdioProcess)),
        (
            &late,
            Scope::default(),
            json!({ "vscode.conversationId": "CANARY" }),
            Some(SessionSource::VendorMeta),
        ),
        (&late, Scope::default(), json!({ "openai/session": "CANARY" }), Some(SessionSource::VendorMeta)),
        (&late, Scope::default(), json!({ "openai/session": 7 }), Some(SessionSource::StdioProcess)),
        (
            &late,
            Scope::default(),
            json!({ "openai/session": "x".repeat(257) }),
            Some(SessionSource::StdioProcess),
        ),
        (&late, Scope::default(), json!({ "sessionId": "CANARY" }), Some(SessionSource::StdioProcess)),
        (&late, legacy(http(json!({}))), json!({ "traceparent": TRACE }), Some(SessionSource::McpSession)),
        (&prefer, legacy(http(json!({}))), json!({ "traceparent": TRACE }), Some(SessionSource::Trace)),
        (&late, http(json!({})), json!({ "traceparent": TRACE }), Some(SessionSource::Trace)),
        (&late, http(json!({ "traceparent": TRACE })), json!({}), Some(SessionSource::Trace)),
        (&late, user(http(json!({}))), json!({ "traceparent": TRACE }), None),
        (&off, http(json!({})), json!({ "traceparent": TRACE }), None),
        (
            &late,
            http(json!({})),
            json!({ "traceparent": "00-00000000000000000000000000000000-b7ad6b7169203331-01" }),
            None,
        ),
        (&late, http(json!({})), json!({}), None),
    ] {
        let mut seen = Vec::new();
        for salt in [None, Some("s".to_owned())] {
            let mut next = 0u128;
            let random = Box::new(move || {
                next += 1;
                next.to_be_bytes()
            });
            let rules = SessionRules { salt, ..rules.clone() };
            let mut recorder = Recorder::new(config(), random).with_sessions(rules);
            let mut events = Vec::new();
            for (way, line) in [
                (
                    Way::FromClient,
                    json!({ "id": 1, "method": "tools/call", "params": { "name": "t", "_meta": meta } }),
                ),
                (Way::FromServer, json!({ "id": 1, "result": {} })),
            ] {
                let wall = Timestamp::from_millis(1_767_323_045_000);
                recorder.observe_in(
                    &scope,
                    &Observed { way, wall, mono_us: 0, line: line.to_string().into_bytes() },
                    &mut events,
                );
            }
            let event = events.pop().unwrap();
            assert_eq!(event.session_source, expect, "{rules:?} {meta}", rules = recorder.sessions);
            assert_eq!(event.session_id.is_some(), expect.is_some());
            if meta.get("traceparent").is_none() {
                assert!(
                    !serde_json::to_string(&(event.session_id.clone(), &event.request_meta))
                        .unwrap()
                        .contains("CANARY")
                );
            }
            seen.push(event.session_id);
        }
        if matches!(expect, Some(SessionSource::Operator | SessionSource::VendorMeta | SessionSource::Trace))
        {
            assert_ne!(seen[0], seen[1], "the salt makes another key");
        }
    }
}
