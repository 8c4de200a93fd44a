//! The numbered cases of the AgentCat wire against the real router and the real store.
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use http::StatusCode;
use kit::{Kit, call, fixture, payload};
use serde_json::{Value, json};
use trackway_event::{Kind, SessionSource, Status};
use trackway_store::Store;

fn by(actor: &str, client: &str, time: &str) -> Value {
    call(
        json!({"identify_actor_given_id": actor, "client_name": client, "timestamp": format!("2026-03-02T{time}Z")}),
    )
}

fn notes(detail: &trackway_store::query::EventDetail) -> Vec<&str> {
    detail.row.notes.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn case_01_minimal() {
    let kit = Kit::new();
    kit.ac(json!({"project_id": "proj_t", "event_type": "mcp:tools/call"})).await;
    let event = kit.only();
    assert!(event.row.id.as_str().starts_with("evt_"));
    assert_eq!(event.row.started_at.to_string(), kit::NOW);
    assert_eq!((event.row.kind, event.row.tool.clone()), (Kind::ToolCall, None));
    assert_eq!(notes(&event), ["timestamp_replaced"]);
    assert_eq!(kit.sessions().len(), 1);
}

#[tokio::test]
async fn case_02_path_variants() {
    let kit = Kit::new();
    let body = json!({"project_id": "proj_t", "event_type": "mcp:tools/call"}).to_string();
    for path in
        ["/v1/public/events", "/v1/public/events/", "//v1/public/events/", "/v1//public///events//?a=b"]
    {
        assert_eq!(kit.post_raw(path, &[], body.clone()).await.status, StatusCode::ACCEPTED, "{path}");
    }
    assert_eq!(kit.events().len(), 4);
}

#[tokio::test]
async fn case_03_response_contract_and_methods() {
    let kit = Kit::new();
    let answer = kit
        .post_raw(
            "/v1/public/events/",
            &[("content-type", "text/plain"), ("authorization", "Bearer x")],
            call(json!({})).to_string(),
        )
        .await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.text, r#"{"status":"accepted"}"#);
    for (method, status) in [("GET", 405), ("PUT", 405), ("OPTIONS", 204)] {
        let request =
            http::Request::builder().method(method).uri("/v1/public/events/").body(axum::body::Body::empty());
        let answer = kit.send(request.unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{method}");
        if status == 405 {
            assert_eq!(answer.json()["code"], "method_not_allowed");
        } else {
            assert_eq!(answer.headers["access-control-allow-origin"], "*");
        }
    }
    assert_eq!(
        kit.post_raw("/v1/public/notifications/unsubscribe", &[], "{}").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn case_04_ts_duplicate_casing() {
    let kit = Kit::new();
    let search = fixture("agentcat-ts-1.0.1-stdio.jsonl").remove(2);
    kit.ac(search).await;
    let event = kit.only();
    assert_eq!(event.row.tool.as_deref(), Some("search"));
    assert_eq!(
        event.row.intent.as_deref(),
        Some("looking for shoes because the user asked for running gear")
    );
    assert_eq!(event.row.client.as_ref().unwrap().name.as_ref(), "claude-code");
    assert_eq!(payload(&event.arguments), json!({"query": "shoes"}));
    assert_eq!(payload(&event.transport), json!({"requestId": 2}));
}

#[tokio::test]
async fn case_05_and_06_camel_counts_only_alone() {
    let kit = Kit::new();
    let other = kit.project("proj_x");
    kit.ac(call(json!({"projectId": "proj_x", "resourceName": "wrong"}))).await;
    assert_eq!(kit.only().row.tool.as_deref(), Some("search"));
    kit.ac(json!({"projectId": "proj_x", "eventType": "mcp:tools/call", "resourceName": "camel", "inputTokens": 3})).await;
    let events = kit.events_of(other);
    assert_eq!(events[0].tool.as_deref(), Some("camel"));
    let tokens = events[0].tokens.unwrap();
    assert_eq!((tokens.input, tokens.estimated), (Some(3), false));
}

#[tokio::test]
async fn case_07_and_08_retries_and_projects() {
    let kit = Kit::new();
    let other = kit.project("proj_q");
    let body = call(json!({"id": "evt_same"}));
    tokio::join!(kit.ac(body.clone()), kit.ac(body.clone()));
    kit.ac(body.clone()).await;
    kit.ac(body.clone()).await;
    kit.ac(call(json!({"id": "evt_same", "project_id": "proj_q"}))).await;
    assert_eq!((kit.events().len(), kit.events_of(other).len()), (1, 1));
    let intake = kit.store.intake(Some(kit.p)).unwrap();
    assert_eq!((intake.stored, intake.duplicates), (1, 3));
    // Another raw time: another event (D4).
    kit.ac(call(json!({"id": "evt_same", "timestamp": "2026-03-02T10:00:01Z"}))).await;
    assert_eq!(kit.events().len(), 2);
}

#[tokio::test]
async fn case_09_no_session_and_no_actor() {
    let kit = Kit::new();
    for session in
        [json!({"session_id": null}), json!({}), json!({"session_id": ""}), json!({"session_id": "  "})]
    {
        kit.ac(call(session)).await;
    }
    assert_eq!(kit.sessions().len(), 4);
    assert!(kit.events().iter().all(|e| e.session_source != Some(SessionSource::Given)));
}

#[tokio::test]
async fn case_10_to_13_stateless_grouping() {
    for (events, expect) in [
        (
            &[
                ("alice", "Claude Desktop", "10:00:00"),
                ("bob", "Cursor", "10:02:00"),
                ("alice", "Claude Desktop", "10:15:00"),
                ("alice", "Cursor", "10:20:00"),
                ("alice", "Claude Desktop", "10:55:00"),
            ][..],
            &[1, 1, 1, 2][..],
        ),
        (&[("alice", "CD", "10:00:00.000"), ("alice", "CD", "10:30:00.000")], &[2]),
        (&[("alice", "CD", "10:00:00.000"), ("alice", "CD", "10:30:00.001")], &[1, 1]),
        (&[("alice", "CD", "10:00:00"), ("alice", "CD", "10:50:00"), ("alice", "CD", "10:25:00")], &[3]),
        (
            &[
                ("al", "A", "10:00:00"),
                ("al", "B", "10:01:00"),
                ("al", "A", "10:02:00"),
                ("al", "B", "10:03:00"),
            ],
            &[2, 2],
        ),
    ] {
        let kit = Kit::new();
        for (actor, client, time) in events {
            kit.ac(by(actor, client, time)).await;
        }
        let mut sizes: Vec<u64> = kit.sessions().iter().map(|s| s.events).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, expect, "{events:?}");
    }
}

#[tokio::test]
async fn case_14_and_15_session_strings() {
    let kit = Kit::new();
    let other = kit.project("proj_q");
    kit.ac(call(json!({"session_id": " ses_custom-not-valid "}))).await;
    kit.ac(call(json!({"session_id": "ses_custom-not-valid", "project_id": "proj_q"}))).await;
    kit.ac(call(json!({"session_id": "x".repeat(300), "timestamp": "2026-03-02T11:00:00Z"}))).await;
    let ids: Vec<_> = kit.events().iter().map(|e| e.session_id.clone().unwrap().to_string()).collect();
    assert_eq!(ids[0], "ses_custom-not-valid");
    assert_eq!(ids[1].len(), 64);
    assert_eq!((kit.sessions().len(), kit.sessions_of(other).len()), (2, 1));
    assert_eq!(kit.events()[0].session_source, Some(SessionSource::Given));
}

#[tokio::test]
async fn case_16_handle_sources() {
    let kit = Kit::new();
    for body in fixture("agentcat-python-2.1.0.jsonl").into_iter().take(3) {
        kit.ac(body).await;
    }
    let events = kit.events();
    let sources: Vec<_> = events.iter().map(|e| e.session_source.unwrap()).collect();
    assert_eq!(sources, [SessionSource::Given, SessionSource::Given, SessionSource::Grouped]);
    assert_eq!(events[0].session_id, events[1].session_id);
    assert_ne!(events[0].session_id, events[2].session_id);
    for event in kit.details() {
        assert_eq!(payload(&event.arguments), json!({"msg": "hi"}));
        assert!(payload(&event.raw)["parameters"]["arguments"]["session_id"].is_string());
    }
}

#[tokio::test]
async fn case_17_foreign_session_argument() {
    let kit = Kit::new();
    kit.ac(call(json!({"tags": {"agentcat_session_id_source": "foreign"}, "session_id": null,
        "parameters": {"arguments": {"session_id": "x", "q": 1}}, "identify_actor_given_id": "u"})))
        .await;
    let event = kit.only();
    assert_eq!(payload(&event.arguments), json!({"session_id": "x", "q": 1}));
    assert_eq!(event.row.session_source, Some(SessionSource::Grouped));
}

#[tokio::test]
async fn case_18_19_and_20_sessions_keep_what_they_know() {
    let kit = Kit::new();
    for body in fixture("agentcat-ts-1.0.1-stdio.jsonl") {
        kit.ac(body).await;
    }
    let sessions = kit.sessions();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].client.as_ref().unwrap().name.as_ref(), "claude-code");
    assert!(kit.events().iter().all(|e| e.tool.as_deref() != Some("Unknown Tool Name")));
    let kit = Kit::new();
    kit.ac(call(json!({"session_id": "s", "client_name": "a"}))).await;
    kit.ac(call(json!({"session_id": "s", "client_name": null, "timestamp": "2026-03-02T10:00:01Z"}))).await;
    assert_eq!(kit.sessions()[0].client.as_ref().unwrap().name.as_ref(), "a");
}

#[tokio::test]
async fn case_21_to_24_kinds() {
    let kit = Kit::new();
    for (n, (event_type, members)) in [
        ("agentcat:identify", json!({"resource_name": "Unknown", "identify_actor_given_id": "u"})),
        (
            "mcp:tools/list",
            json!({"is_error": true, "error": {"message": "No tools were sent to MCP client"}}),
        ),
        (
            "mcpcat:identify",
            json!({"mcpcat_version": "0.1.17", "sdk_language": "TypeScript", "identify_actor_given_id": "u"}),
        ),
        ("mcpcat:custom", json!({"resource_name": "checkout"})),
        ("mcp:tasks/get", json!({})),
        ("mcp:notifications/progress", json!({})),
        ("mcp:resources/templates/list", json!({})),
        ("something.else", json!({})),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = call(members);
        body["event_type"] = json!(event_type);
        body["session_id"] = json!("s");
        body["timestamp"] = json!(format!("2026-03-02T10:00:{n:02}Z"));
        kit.ac(body).await;
    }
    let mut body = call(json!({"session_id": "s", "timestamp": "2026-03-02T10:01:00Z"}));
    body.as_object_mut().unwrap().remove("event_type");
    kit.ac(body).await;
    let events = kit.details();
    let kinds: Vec<Kind> = events.iter().map(|e| e.row.kind).collect();
    use Kind::*;
    assert_eq!(
        kinds,
        [Identify, ToolsList, Identify, Custom, Protocol, Protocol, ResourceTemplatesList, Custom, Custom]
    );
    assert!(events.iter().all(|e| e.row.tool.is_none()));
    assert!(events[1].row.flags.declared_error);
    assert_eq!(events[2].row.name, "agentcat:identify");
    assert_eq!(events[2].sdk.as_ref().unwrap().version.as_deref(), Some("0.1.17"));
    assert_eq!(events[3].row.resource.as_deref(), Some("checkout"));
    assert_eq!(events[7].row.name, "something.else");
    assert_eq!(notes(&events[8]), ["missing_event_type"]);
    let session = &kit.sessions()[0];
    assert_eq!((session.errors, session.tool_calls), (0, 0));
}

#[tokio::test]
async fn case_25_identify_then_calls() {
    let kit = Kit::new();
    for body in fixture("agentcat-ts-1.0.1-stdio.jsonl") {
        kit.ac(body).await;
    }
    let person = kit.store.person(kit.p, "u_1").unwrap().unwrap();
    assert_eq!(person.row.actor.name.as_deref(), Some("Alice"));
    assert_eq!(person.row.traits["plan"], "premium");
    assert_eq!(kit.sessions()[0].actor.as_ref().unwrap().id.as_str(), "u_1");
}

#[tokio::test]
async fn case_26_to_28_people() {
    let kit = Kit::new();
    kit.ac(call(json!({"identify_data": {}, "session_id": "s0"}))).await;
    assert!(kit.only().row.actor.is_none());
    let at = |s: u32, actor: &str, data: Value| {
        call(json!({"identify_actor_given_id": actor, "identify_data": data, "session_id": "s",
            "timestamp": format!("2026-03-02T10:00:{s:02}Z")}))
    };
    kit.ac(at(1, "u1", json!({"plan": "free", "a": 1}))).await;
    kit.ac(at(2, "u1", json!({"plan": "pro"}))).await;
    kit.ac(at(3, "u2", json!({}))).await;
    let person = kit.store.person(kit.p, "u1").unwrap().unwrap();
    assert_eq!(Value::Object(person.row.traits), json!({"plan": "pro", "a": 1}));
    assert!(kit.store.person(kit.p, "u2").unwrap().is_some());
    let session = kit.sessions().into_iter().find(|s| s.id.as_str() == "s").unwrap();
    assert_eq!(session.actors, 2);
    let actors: Vec<_> =
        kit.events().iter().skip(1).map(|e| e.actor.as_ref().unwrap().id.to_string()).collect();
    assert_eq!(actors, ["u1", "u1", "u2"]);
}

#[tokio::test]
async fn case_29_identify_alone_makes_no_session() {
    let kit = Kit::new();
    for body in fixture("agentcat-python-1.0.2-stateless.jsonl") {
        kit.ac(body).await;
    }
    let sessions = kit.sessions();
    assert!(!sessions.is_empty());
    assert!(sessions.iter().all(|s| s.source == SessionSource::Grouped), "{sessions:?}");
    let calls: u64 = sessions.iter().map(|s| s.tool_calls).sum();
    assert_eq!(calls, 2);
}

#[tokio::test]
async fn case_30_intents() {
    let kit = Kit::new();
    for (n, intent) in [json!({"a": 1}), json!(7), json!(""), json!(" \t")].into_iter().enumerate() {
        kit.ac(call(json!({"user_intent": intent, "timestamp": format!("2026-03-02T10:00:0{n}Z")}))).await;
    }
    let intents: Vec<_> = kit.events().into_iter().map(|e| e.intent).collect();
    assert_eq!(intents, [Some(r#"{"a":1}"#.into()), Some("7".into()), None, None]);
}

#[tokio::test]
async fn case_31_timestamps() {
    for (sent, expect, replaced) in [
        (json!("2026-03-02T10:00:05.895Z"), "2026-03-02T10:00:05.895Z", false),
        (json!("2026-03-02T10:00:05.143566+00:00"), "2026-03-02T10:00:05.143Z", false),
        (json!("2026-03-02T12:00:05.123456789+02:00"), "2026-03-02T10:00:05.123Z", false),
        (json!("2026-03-02T10:00:05Z"), "2026-03-02T10:00:05.000Z", false),
        (json!(1_772_445_605), "2026-03-02T10:00:05.000Z", false),
        (json!(null), kit::NOW, true),
        (json!("yesterday"), kit::NOW, true),
        (json!("1970-01-01T00:00:00Z"), kit::NOW, true),
        (json!("2026-03-03T12:00:01Z"), kit::NOW, true),
    ] {
        let kit = Kit::new();
        kit.ac(call(json!({"timestamp": sent}))).await;
        let event = kit.only();
        assert_eq!(event.row.started_at.to_string(), expect, "{sent}");
        assert_eq!(notes(&event).contains(&"timestamp_replaced"), replaced, "{sent}");
    }
}

#[tokio::test]
async fn case_32_go_sends_the_end() {
    let kit = Kit::new();
    kit.ac(call(json!({"sdk_language": "Go", "duration": 250}))).await;
    assert_eq!(kit.only().row.started_at.to_string(), "2026-03-02T09:59:59.750Z");
}

#[tokio::test]
async fn case_33_durations() {
    for (sent, expect) in [
        (json!(0), Some(0)),
        (json!(null), None),
        (json!(12.5), Some(12_500)),
        (json!("7"), Some(7_000)),
        (json!(-1), None),
        (json!(3_000_000_000u64), Some(3_000_000_000_000)),
        (json!({"a": 1}), None),
    ] {
        let kit = Kit::new();
        kit.ac(call(json!({"duration": sent}))).await;
        assert_eq!(kit.only().row.duration_us, expect, "{sent}");
    }
}

#[tokio::test]
async fn case_34_response_spellings() {
    let mut results = Vec::new();
    for response in [
        json!({"content": [{"type": "text", "text": "t", "meta": null}], "isError": true, "structuredContent": {"a": 1}}),
        json!({"content": [{"type": "text", "text": "t"}], "is_error": true, "structured_content": {"a": 1}, "meta": null}),
    ] {
        let kit = Kit::new();
        kit.ac(call(json!({"response": response}))).await;
        let event = kit.only();
        assert_eq!(event.row.status, Some(Status::ToolError));
        assert_eq!(event.row.error.as_ref().unwrap().message, "t");
        results.push(payload(&event.result));
    }
    assert_eq!(results[0], results[1]);
}

#[tokio::test]
async fn case_35_and_36_python_1() {
    let kit = Kit::new();
    for body in fixture("agentcat-python-1.0.2.jsonl") {
        kit.ac(body).await;
    }
    let events = kit.details();
    let echo = events.iter().find(|e| e.row.tool.as_deref() == Some("echo")).unwrap();
    assert_eq!(payload(&echo.arguments), json!({"msg": "hi"}));
    assert_eq!(payload(&echo.result), json!({"result": "got hi"}));
    let boom = events.iter().find(|e| e.row.tool.as_deref() == Some("boom")).unwrap();
    assert_eq!(boom.row.status, Some(Status::ToolError));
    let error = boom.error.as_ref().unwrap();
    assert_eq!(error.kind.as_deref(), Some("ToolError"));
    assert!(!error.chain.is_empty());
    let more = events.iter().find(|e| e.row.kind == Kind::MissingCapability).unwrap();
    assert!(payload(&more.result)["content"][0]["text"].is_string());
}

#[tokio::test]
async fn case_37_soft_failure() {
    let kit = Kit::new();
    let soft =
        fixture("agentcat-ts-1.0.1-stdio.jsonl").into_iter().find(|b| b["resource_name"] == "soft").unwrap();
    kit.ac(soft).await;
    let event = kit.only();
    assert_eq!(event.row.status, Some(Status::ToolError));
    let error = event.row.error.unwrap();
    assert_eq!((error.kind, error.message.as_str()), (None, "rate limit exceeded: retry in 30s"));
}

#[tokio::test]
async fn case_38_in_app_frames() {
    let kit = Kit::new();
    let boom = fixture("mcpcat-ts-0.1.17.jsonl").into_iter().find(|b| b["resource_name"] == "boom").unwrap();
    kit.ac(boom).await;
    let error = kit.only().error.unwrap();
    assert_eq!(&*error.frames[0].filename, "server.mjs");
    assert!(error.frames[0].in_app);
    assert!(error.frames.iter().all(|f| !f.filename.contains("async ") && !f.filename.contains("file://")));
}

#[tokio::test]
async fn case_39_and_40_properties_and_tags() {
    let kit = Kit::new();
    let mut tags = serde_json::Map::new();
    for n in 0..60 {
        tags.insert(format!("k{n:02}"), json!("v"));
    }
    for name in ["agentcat_a", "agentcat_b", "agentcat_c"] {
        tags.insert(name.into(), json!("x"));
    }
    tags.insert("bad\nkey".into(), json!("v"));
    tags.insert("long".into(), json!("v".repeat(201)));
    tags.insert("k00".into(), json!(5));
    kit.ac(call(json!({"properties": {"n": null, "a": [1, 2]}, "tags": tags}))).await;
    let event = kit.only();
    assert_eq!(payload(&event.properties), json!({"a": [1, 2]}));
    assert_eq!(event.tags.len(), 53);
    assert_eq!(event.tags["k00"], "5");
    assert!(notes(&event).contains(&"bad_tag"));
}

#[tokio::test]
async fn case_41_to_43_what_counts() {
    let kit = Kit::new();
    let in_s = |n: u32, members: Value| {
        let mut body = call(members);
        body["session_id"] = json!("s");
        body["timestamp"] = json!(format!("2026-03-02T10:00:{n:02}Z"));
        body
    };
    kit.ac(in_s(0, json!({"tags": {"agentcat_nested": "true"}, "is_error": true}))).await;
    kit.ac(in_s(1, json!({"tags": {"agentcat_mrtr": "input_required"}}))).await;
    kit.ac(in_s(2, json!({"tags": {"agentcat_mrtr": "continuation"}}))).await;
    kit.ac(in_s(3, json!({"resource_name": "get_more_tools", "parameters": {"name": "get_more_tools", "arguments": {"context": "a blender"}}}))).await;
    let events = kit.events();
    assert_eq!(events.len(), 4);
    assert_eq!(events[1].status, Some(Status::InputRequired));
    assert!(events[2].flags.mrtr_continuation);
    assert_eq!((events[3].kind, events[3].intent.as_deref()), (Kind::MissingCapability, Some("a blender")));
    let session = &kit.sessions()[0];
    assert_eq!((session.tool_calls, session.errors, session.missing_reports), (1, 0, 1));
}

#[tokio::test]
async fn case_44_and_45_custom() {
    let kit = Kit::new();
    let golden = fixture("mcpcat-ts-0.1.17.jsonl").pop().unwrap();
    kit.ac(golden).await;
    let event = kit.only();
    assert_eq!(event.row.session_id.as_ref().unwrap().as_str(), "ses_2ad1IUJY22FZA7HVjz7XTWS9k1n");
    assert_eq!((event.row.kind, event.row.resource.as_deref()), (Kind::Custom, Some("golden")));
    let kit = Kit::new();
    let custom = fixture("agentcat-python-2.1.0.jsonl").pop().unwrap();
    kit.ac(custom).await;
    assert_eq!(payload(&kit.only().result), json!({"value": "shipped"}));
}
