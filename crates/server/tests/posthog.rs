//! The numbered cases of the PostHog wire against the real router and the real store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod kit;

use http::StatusCode;
use kit::{Kit, gzip, payload};
use serde_json::{Value, json};
use trackway_event::{DropReason, Kind, SessionSource, Status};
use trackway_store::Store;
use trackway_store::query::EventDetail;

const UUID: &str = "01a1fbcc-7a5d-7efc-81bb-c8aa35bf0afd";

/// An event with these members; the properties are its own.
fn event(name: &str, members: Value, properties: Value) -> Value {
    let mut event = json!({"event": name, "distinct_id": "u1", "timestamp": "2026-03-02T11:00:00.000Z", "properties": properties});
    for (key, value) in members.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

fn call(properties: Value) -> Value {
    let mut all =
        json!({"$mcp_source": "posthog_mcp_analytics", "$session_id": "ses_1", "$mcp_tool_name": "add"});
    for (key, value) in properties.as_object().unwrap() {
        all[key] = value.clone();
    }
    event("$mcp_tool_call", json!({}), all)
}

fn batch(events: &[Value]) -> Value {
    json!({"api_key": "proj_t", "batch": events})
}

async fn send(kit: &Kit, events: &[Value]) -> Value {
    let answer = kit
        .post_raw("/batch/", &[("content-encoding", "gzip")], gzip(batch(events).to_string().as_bytes()))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn one(properties: Value) -> EventDetail {
    let kit = Kit::new();
    assert_eq!(send(&kit, &[call(properties)]).await, json!({"status": "Ok"}));
    kit.only()
}

fn lines(file: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/clients/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Replays a recorded client as the fixtures' notes say; its times are ahead of the kit's clock, so that moves.
async fn replay(kit: &Kit, file: &str) {
    kit.clock.store(
        trackway_event::Timestamp::parse("2026-11-21T03:00:00Z").unwrap().micros(),
        std::sync::atomic::Ordering::Relaxed,
    );
    for line in lines(file) {
        send_line(kit, &line).await;
    }
}

async fn send_line(kit: &Kit, line: &Value) {
    let mut body = line["body"].clone();
    for key in ["api_key", "token"] {
        if body.get(key).is_some() {
            body[key] = json!("proj_t");
        }
    }
    let agent = line["headers"]["user-agent"].as_str().unwrap_or("x");
    let mut headers = vec![("content-type", "application/json"), ("user-agent", agent)];
    let mut bytes = body.to_string().into_bytes();
    if line["headers"]["content-encoding"] == "gzip" {
        headers.push(("content-encoding", "gzip"));
        bytes = gzip(&bytes);
    }
    if line["path"] == "/i/v1/analytics/events" {
        headers.extend([("authorization", "Bearer proj_t"), ("posthog-sdk-info", agent)]);
    }
    let answer = kit.post_raw(line["path"].as_str().unwrap(), &headers, bytes).await;
    assert_eq!(answer.status, StatusCode::OK, "{line}: {}", answer.text);
}

fn calls(kit: &Kit) -> (u64, u64, u64) {
    let sessions = kit.sessions();
    let sum = |f: fn(&trackway_store::query::SessionRow) -> u64| sessions.iter().map(f).sum();
    (sum(|s| s.tool_calls), sum(|s| s.errors), sum(|s| s.missing_reports))
}

#[tokio::test]
async fn case_01_and_13_every_fixture_forward_backward_and_twice() {
    // File, rows without siblings and identity facts' sessions: (calls, errors, missing), sessions.
    for (file, expect) in [
        ("posthog-mcp-ts-0.16.3-stdio.jsonl", (6, 4, 0)),
        ("posthog-mcp-ts-0.16.3-full.jsonl", (4, 2, 1)),
        ("posthog-mcp-ts-0.16.3-http.jsonl", (3, 0, 0)),
        ("posthog-mcp-ts-0.16.3-http-conversation.jsonl", (3, 0, 0)),
        ("posthog-mcp-ts-0.16.3-http-v1.jsonl", (3, 0, 0)),
        ("posthog-node-5.70.0.jsonl", (0, 0, 0)),
        ("posthog-node-5.70.0-v1.jsonl", (0, 0, 0)),
        ("posthog-python-7.91.1.jsonl", (0, 0, 0)),
        ("posthog-python-7.91.1-v1.jsonl", (0, 0, 0)),
        ("posthog-python-mcp-7.91.1.jsonl", (3, 1, 1)),
        ("posthog-rs-0.30.0.jsonl", (4, 3, 1)),
        ("posthog-rs-0.30.0-v1.jsonl", (4, 3, 1)),
    ] {
        let mut pictures = Vec::new();
        for order in ["forward", "backward", "twice"] {
            let kit = Kit::new();
            replay_in(&kit, file, order).await;
            let intake = kit.store.intake(Some(kit.p)).unwrap();
            assert!(intake.dropped.is_empty(), "{file} {order}: {intake:?}");
            assert_eq!(calls(&kit), expect, "{file} {order}");
            let mut sessions: Vec<_> = kit
                .sessions()
                .iter()
                .map(|s| (s.id.to_string(), s.started_at, s.events, s.tool_calls, s.errors, s.client.clone()))
                .collect();
            sessions.sort();
            pictures.push((intake.stored, sessions));
            for e in kit.events() {
                assert_ne!(e.tool.as_deref(), Some("Unknown Tool Name"), "case 31");
                assert!(!e.notes.iter().any(|n| n.starts_with("timestamp_")), "{file}: {:?}", e.notes);
            }
        }
        assert_eq!(pictures[0], pictures[1], "{file}");
        assert_eq!(pictures[0], pictures[2], "{file}");
    }
}

async fn replay_in(kit: &Kit, file: &str, order: &str) {
    kit.clock.store(
        trackway_event::Timestamp::parse("2026-11-21T03:00:00Z").unwrap().micros(),
        std::sync::atomic::Ordering::Relaxed,
    );
    let mut lines = lines(file);
    if order == "backward" {
        lines.reverse();
        for line in &mut lines {
            if let Some(batch) = line["body"].get_mut("batch").and_then(Value::as_array_mut) {
                batch.reverse();
            }
        }
    }
    let again = if order == "twice" { lines.clone() } else { Vec::new() };
    for line in lines.iter().chain(&again) {
        send_line(kit, line).await;
    }
}

#[tokio::test]
async fn case_02_paths() {
    let kit = Kit::new();
    let body = batch(&[event("e", json!({"uuid": UUID}), json!({}))]).to_string();
    for path in [
        "/batch",
        "/batch/",
        "//batch/",
        "/batch/?compression=gzip",
        "/i/v0/ai/batch/",
        "/i/v0/ai",
        "/e/",
        "/i/v0/e/",
        "/capture/",
        "/track/",
        "/engage/",
    ] {
        let answer = kit.post_raw(path, &[], body.clone()).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, r#"{"status":"Ok"}"#), "{path}");
    }
    assert_eq!(kit.events().len(), 1);
    assert_eq!(kit.get("/api/projects/1/feature_flags", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn case_03_and_04_envelopes_and_tokens() {
    use base64::Engine;
    let single = event("e", json!({"api_key": "proj_t"}), json!({}));
    let encoded = base64::engine::general_purpose::STANDARD.encode(single.to_string());
    let packed = base64::engine::general_purpose::URL_SAFE.encode(gzip(single.to_string().as_bytes()));
    for (path, body) in [
        ("/e/", single.to_string().into_bytes()),
        ("/e/", json!([single]).to_string().into_bytes()),
        ("/e/", format!("data={}", encoded.replace('=', "%3D").replace('+', "%2B")).into_bytes()),
        ("/e/", format!("data={}", single.to_string().replace('%', "%25").replace('&', "%26")).into_bytes()),
        ("/e/", encoded.clone().into_bytes()),
        ("/e/", gzip(single.to_string().as_bytes())),
        ("/e/?compression=gzip-js", format!("data={packed}").into_bytes()),
        ("/e/?api_key=proj_t", event("e", json!({}), json!({})).to_string().into_bytes()),
        ("/e/", event("e", json!({}), json!({"token": "proj_t"})).to_string().into_bytes()),
        (
            "/e/",
            json!({"api_key": "proj_t", "batch": [event("e", json!({"api_key": "proj_z"}), json!({}))]})
                .to_string()
                .into_bytes(),
        ),
    ] {
        let kit = Kit::new();
        let shown = String::from_utf8_lossy(&body).into_owned();
        let answer = kit.post_raw(path, &[], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {shown}: {}", answer.text);
        assert_eq!(kit.only().row.name, "e");
    }
    let kit = Kit::new();
    let query = encoded.replace('=', "%3D").replace('+', "%2B");
    assert_eq!(kit.get(&format!("/e/?data={query}"), &[]).await.text, r#"{"status":"Ok"}"#);
    assert_eq!(kit.only().row.kind, Kind::Custom);
}

#[tokio::test]
async fn case_05_06_and_keys() {
    let kit = Kit::new();
    let one = |token: &str| {
        json!({"api_key": token, "batch": [event("e", json!({"uuid": UUID}), json!({}))]}).to_string()
    };
    for body in [
        one(""),
        one("phx_1"),
        one(&"x".repeat(65)),
        json!({"batch": [{"event": "e"}]}).to_string(),
        one("twt_unknown"),
    ] {
        assert_eq!(
            kit.post_raw("/batch/", &[], body.clone()).await.status,
            StatusCode::UNAUTHORIZED,
            "{body}"
        );
    }
    assert!(kit.store.quarantined(100).unwrap().iter().all(|q| q.reason != DropReason::UnknownProject));
    assert_eq!(kit.post_raw("/batch/", &[], one("phc_unknown")).await.status, StatusCode::UNAUTHORIZED);
    let kept = kit.store.quarantined(100).unwrap();
    assert!(
        kept.iter()
            .any(|q| q.reason == DropReason::UnknownProject
                && q.project_text.as_deref() == Some("phc_unknown"))
    );
    kit.store.add_alias(kit.p, "phc_unknown").unwrap();
    assert_eq!(trackway_server::ingest::replay_quarantined(&kit.state, "phc_unknown").await.unwrap(), 1);
    assert_eq!(kit.only().row.id.as_str(), UUID);
    assert_eq!(kit.post_raw("/batch/", &[], one("phc_unknown")).await.status, StatusCode::OK);
    assert_eq!(kit.store.intake(Some(kit.p)).unwrap().duplicates, 1);
}

#[tokio::test]
async fn a_write_key_stands_for_its_project() {
    use trackway_store::{NewToken, TokenScope};
    let kit = Kit::new();
    for (secret, scope, per_second) in [
        ("twt_write", TokenScope::Ingest, 0),
        ("twt_slow", TokenScope::Ingest, 1),
        ("twt_read", TokenScope::Read, 0),
    ] {
        let hash = <sha2::Sha256 as sha2::Digest>::digest(secret.as_bytes()).into();
        let new = NewToken {
            id: format!("tok_{secret}"),
            project: Some(kit.p),
            scope,
            hash,
            prefix: "twt".into(),
            name: String::new(),
            per_second,
        };
        kit.store.create_token(new, kit.now()).unwrap();
    }
    let body = |key: &str| json!({"api_key": key, "batch": [event("e", json!({}), json!({}))]}).to_string();
    assert_eq!(kit.post_raw("/batch/", &[], body("twt_write")).await.status, StatusCode::OK);
    assert_eq!(kit.post_raw("/batch/", &[], body("twt_read")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(kit.events().len(), 1);
    let many =
        json!({"api_key": "twt_slow", "batch": vec![event("many", json!({}), json!({})); 10]}).to_string();
    assert_eq!(kit.post_raw("/batch/", &[], many.clone()).await.status, StatusCode::OK);
    assert_eq!(
        kit.post_raw("/batch/", &[], many).await.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "over its rate"
    );
    assert!(kit.store.quarantined(10).unwrap().is_empty());
}

#[tokio::test]
async fn case_07_to_10_partial_batches_retries_and_ids() {
    let kit = Kit::new();
    let good = event("e", json!({}), json!({}));
    let mut nobody = good.clone();
    nobody["distinct_id"] = json!(" ");
    let answer = send(&kit, &[good.clone(), event(" ", json!({}), json!({})), nobody, good.clone()]).await;
    assert_eq!(answer, json!({"status": "Ok", "rejected": 2}));
    assert_eq!(kit.events().len(), 2);
    let dropped = kit.store.intake(Some(kit.p)).unwrap().dropped;
    assert_eq!((dropped[&DropReason::MissingEventName], dropped[&DropReason::MissingDistinctId]), (1, 1));

    let kit = Kit::new();
    for uuid in [json!("x"), json!("x"), json!(UUID), json!(UUID.to_uppercase()), json!(""), Value::Null] {
        send(&kit, &[event("e", json!({"uuid": uuid}), json!({}))]).await;
    }
    let ids: Vec<String> = kit.events().iter().map(|e| e.id.to_string()).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");

    for (sent, id) in [
        (json!(23), "23"),
        (json!("23"), "23"),
        (json!(" u1 "), "u1"),
        (json!("x".repeat(500)), &*"x".repeat(400)),
    ] {
        let kit = Kit::new();
        send(&kit, &[event("e", json!({"distinct_id": sent}), json!({}))]).await;
        let event = kit.only();
        assert_eq!(event.row.actor.unwrap().id.as_str(), id);
        assert_eq!(event.row.notes.iter().any(|n| n == "actor_id_cut"), id.len() == 400);
    }
}

#[tokio::test]
async fn case_11_skew_reaches_the_row() {
    for (sent_at, more, expect) in [
        (json!("2026-03-02T12:00:10Z"), json!({}), "2026-03-02T10:59:50.000Z"),
        (json!("2026-03-02T12:00:10Z"), json!({"$ignore_sent_at": true}), "2026-03-02T11:00:00.000Z"),
        (Value::Null, json!({}), "2026-03-02T11:00:00.000Z"),
    ] {
        let kit = Kit::new();
        let body = json!({"api_key": "proj_t", "sent_at": sent_at, "batch": [event("e", json!({}), more)]});
        assert_eq!(kit.post_raw("/batch/", &[], body.to_string()).await.status, StatusCode::OK);
        assert_eq!(kit.only().row.started_at.to_string(), expect);
    }
}

async fn v1(kit: &Kit, batch: Value, headers: &[(&str, &str)]) -> kit::Answer {
    let mut all = vec![("authorization", "Bearer proj_t"), ("posthog-sdk-info", "posthog-rs/0.30.0")];
    all.extend(headers);
    kit.post_raw("/i/v1/analytics/events", &all, json!({"created_at": kit::NOW, "batch": batch}).to_string())
        .await
}

#[tokio::test]
async fn case_14_to_18_capture_v1() {
    let kit = Kit::new();
    let mut lifted = event(
        "$mcp_tool_call",
        json!({"uuid": UUID, "session_id": "ses_9", "options": {"process_person_profile": "false"}}),
        json!({"$mcp_tool_name": "add"}),
    );
    lifted["distinct_id"] = json!("someone");
    let answer = v1(&kit, json!([lifted]), &[]).await;
    assert_eq!(answer.json(), json!({"results": {UUID: {"result": "ok"}}}));
    let row = kit.only();
    assert_eq!(row.row.session_id.as_ref().unwrap().as_str(), "ses_9");
    assert!(row.row.actor.is_none());
    assert_eq!(row.sdk.as_ref().unwrap().name.as_ref(), "posthog-rs");

    let kit = Kit::new();
    let second = "01a1fbcc-7a5d-7efc-81bb-c8aa35bf0afe";
    let third = "01a1fbcc-7a5d-7efc-81bb-c8aa35bf0aff";
    let batch = json!([
        event("e", json!({"uuid": UUID}), json!({})),
        event(" ", json!({"uuid": second}), json!({})),
        event("e", json!({"uuid": third}), json!([1])),
        event("e", json!({"uuid": UUID}), json!({"again": true})),
    ]);
    let results = v1(&kit, batch, &[]).await.json()["results"].clone();
    assert_eq!(
        (&results[UUID]["result"], &results[second]["result"], &results[third]["result"]),
        (&json!("ok"), &json!("drop"), &json!("drop"))
    );
    assert_eq!(kit.events().len(), 1);

    for (headers, body, status) in [
        (&[][..], json!({"batch": [event("e", json!({"uuid": UUID}), json!({}))]}).to_string(), 401),
        (&[("authorization", "Bearer proj_t")], json!({"batch": []}).to_string(), 400),
        (&[("authorization", "Bearer proj_t")], "{".to_owned(), 400),
        (
            &[("authorization", "Bearer phc_nobody")],
            json!({"batch": [event("e", json!({"uuid": UUID}), json!({}))]}).to_string(),
            401,
        ),
        (&[("authorization", "Bearer proj_t"), ("content-encoding", "snappy")], "xx".to_owned(), 415),
    ] {
        let answer = kit.post_raw("/i/v1/analytics/events", headers, body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        assert!(answer.json()["error_description"].is_string());
    }
    let kit = Kit::new();
    let body = json!({"batch": [event("e", json!({"uuid": UUID}), json!({}))]}).to_string();
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut deflated, body.as_bytes()).unwrap();
    for (encoding, bytes) in [
        ("gzip", gzip(body.as_bytes())),
        ("deflate", deflated.finish().unwrap()),
        ("zstd", zstd::stream::encode_all(body.as_bytes(), 3).unwrap()),
    ] {
        let headers = [("authorization", "Bearer proj_t"), ("content-encoding", encoding)];
        assert_eq!(
            kit.post_raw("/i/v1/analytics/events", &headers, bytes).await.status,
            StatusCode::OK,
            "{encoding}"
        );
    }
    assert_eq!(kit.store.intake(Some(kit.p)).unwrap().received(), 3);
}

#[tokio::test]
async fn case_15_v1_keeps_the_library_of_mcp_rows() {
    let kit = Kit::new();
    replay(&kit, "posthog-rs-0.30.0-v1.jsonl").await;
    for e in kit.details() {
        let expect = if e.row.session_id.is_some() { "posthog-rs-mcp" } else { "posthog-rs" };
        assert_eq!(e.sdk.as_ref().unwrap().name.as_ref(), expect, "{}", e.row.name);
    }
}

#[tokio::test]
async fn case_19_22_stubs_and_cors() {
    let kit = Kit::new();
    for path in ["/flags/?v=2", "/decide/?v=3"] {
        let answer = kit.post_raw(path, &[], r#"{"token":"phc_rec"}"#).await;
        assert_eq!(answer.status, StatusCode::OK);
        let answer = answer.json();
        assert_eq!((&answer["flags"], &answer["errorsWhileComputingFlags"]), (&json!({}), &json!(false)));
        assert_eq!(answer["requestId"].as_str().unwrap().len(), 36);
    }
    assert!(kit.events().is_empty());
    for path in ["/flags/definitions", "/api/feature_flag/local_evaluation"] {
        let answer = kit.get(path, &[]).await;
        assert_eq!(answer.json()["flags"], json!([]));
        let tag = answer.headers["etag"].to_str().unwrap().to_owned();
        assert_eq!(kit.get(path, &[("if-none-match", &tag)]).await.status, StatusCode::NOT_MODIFIED);
    }
    assert_eq!(kit.get("/array/phc_x/config", &[]).await.json()["surveys"], json!(false));
    assert_eq!(kit.get("/array/phc_x/config.js", &[]).await.text, "");
    assert_eq!(kit.post_raw("/s/", &[("content-encoding", "gzip")], "rubbish").await.status, StatusCode::OK);
    let request = http::Request::builder()
        .method("OPTIONS")
        .uri("/e/")
        .header("origin", "https://app.example")
        .header("access-control-request-headers", "content-type,x-a")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = kit.send(request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    assert_eq!(answer.headers["access-control-allow-headers"], "content-type,x-a");
}

#[tokio::test]
async fn case_20_caps() {
    let kit = Kit::new();
    let big = |mib: usize| {
        let mut body = batch(&[event("e", json!({}), json!({}))]).to_string();
        body.push_str(&" ".repeat(mib * 1024 * 1024));
        body
    };
    assert_eq!(kit.post_raw("/batch/", &[], big(21)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(kit.post_raw("/batch/", &[], big(19)).await.status, StatusCode::OK);
    assert_eq!(kit.events().len(), 1);
}

#[tokio::test]
async fn case_23_to_27_one_failure_is_one_error() {
    let boom =
        call(json!({"$mcp_is_error": true, "$mcp_error_type": "TypeError", "$mcp_error_message": "kaput"}));
    let sibling = event(
        "$exception",
        json!({}),
        json!({"$session_id": "ses_1", "$mcp_tool_name": "add",
        "$exception_list": [{"type": "McpError", "value": "kaput", "stacktrace": {"frames": [
            {"filename": "outer.js", "function": "outer", "in_app": true, "platform": "node:javascript"},
            {"filename": "inner.js", "function": "inner", "in_app": true, "platform": "node:javascript"}]}}]}),
    );
    let mut pictures = Vec::new();
    for order in [&[&boom, &sibling][..], &[&sibling, &boom], &[&boom]] {
        let kit = Kit::new();
        for event in order {
            send(&kit, &[(*event).clone()]).await;
        }
        let session = kit.sessions().remove(0);
        let page = trackway_store::query::PageAsk { after: None, limit: 10 };
        let issues = kit
            .store
            .issues(
                kit.p,
                &trackway_store::query::ListAsk { scope: kit.scope(), page, sort: None },
                trackway_store::query::IssueTab::All,
            )
            .unwrap()
            .page
            .items;
        pictures.push((session.events, session.tool_calls, session.errors, issues.len(), issues[0].events));
        if order.len() == 2 {
            let rows = kit.events();
            let detail = rows.iter().find(|e| e.flags.sibling).unwrap();
            assert_eq!((detail.kind, detail.name.as_str()), (Kind::Protocol, "$exception"));
            let shown = rows.iter().find(|e| e.kind == Kind::ToolCall).unwrap();
            let error = kit.store.event(kit.p, shown.id.as_str()).unwrap().unwrap().error.unwrap();
            assert_eq!(error.frames[0].function.as_ref(), "inner");
            assert_eq!((error.kind.as_deref(), &*error.message), (Some("TypeError"), "kaput"));
        }
    }
    assert_eq!(pictures, [(1, 1, 1, 1, 1); 3]);
    // Case 26: two equal failures in one millisecond.
    let kit = Kit::new();
    send(&kit, &[boom.clone(), sibling.clone(), boom, sibling]).await;
    assert_eq!(calls(&kit), (2, 2, 0));
    // Case 25: an exception of its own.
    let kit = Kit::new();
    send(
        &kit,
        &[event("$exception", json!({}), json!({"$exception_list": [{"type": "ValueError", "value": "x"}]}))],
    )
    .await;
    let lone = kit.only();
    assert_eq!((lone.row.kind, calls(&kit)), (Kind::Exception, (0, 0, 0)));
    assert!(lone.row.error.unwrap().issue.is_some());
}

#[tokio::test]
async fn case_28_to_33_kinds_of_mcp() {
    let kit = Kit::new();
    replay(&kit, "posthog-rs-0.30.0.jsonl").await;
    let events = kit.events();
    let kinds: Vec<Kind> = events.iter().map(|e| e.kind).collect();
    assert!(kinds.contains(&Kind::Initialize) && kinds.contains(&Kind::ToolsList));
    let unknown = events.iter().find(|e| e.flags.unknown_tool).unwrap();
    assert_eq!((unknown.tool.as_deref(), unknown.status), (Some("nope"), Some(Status::ToolError)));
    let kit = Kit::new();
    replay(&kit, "posthog-mcp-ts-0.16.3-full.jsonl").await;
    let details = kit.details();
    let of = |kind: Kind| details.iter().find(|e| e.row.kind == kind).unwrap();
    assert_eq!(of(Kind::MissingCapability).row.intent.as_deref(), Some("need export csv"));
    let feedback = of(Kind::Feedback);
    assert_eq!(payload(&feedback.properties)["feedback"]["type"], "issue");
    assert_eq!(feedback.tags["feedback_type"], "issue");
    assert!(feedback.row.intent.is_some());
    assert_eq!(of(Kind::ResourceRead).row.resource.as_deref().map(|r| r.starts_with("demo://")), Some(true));
    assert!(details.iter().any(|e| e.row.flags.unknown_tool && e.row.tool.as_deref() == Some("nope")));
    // Case 36: the customer's event is part of the session.
    let checkout = details.iter().find(|e| e.row.resource.as_deref() == Some("checkout")).unwrap();
    assert_eq!((checkout.row.kind, checkout.row.session_source), (Kind::Custom, Some(SessionSource::Given)));
    assert_eq!(payload(&checkout.properties)["n"], 1);
    // Case 35: raw arguments and headers of an identify are not kept.
    assert!(
        details
            .iter()
            .filter(|e| e.row.kind == Kind::Identify)
            .all(|e| e.arguments.is_none() && !payload(&e.properties).to_string().contains("mcp_parameters"))
    );
    // Case 30.
    let kit = Kit::new();
    send(
        &kit,
        &[event(
            "$mcp_tools_list",
            json!({}),
            json!({"$session_id": "s", "$mcp_is_error": true, "$mcp_listed_tool_names": []}),
        )],
    )
    .await;
    assert!(kit.only().row.flags.declared_error);
}

#[tokio::test]
async fn case_34_37_38_types_are_not_trusted() {
    let event = one(json!({"$mcp_is_error": "true", "$mcp_duration_ms": "12.5", "$mcp_tool_name": 7, "$mcp_server_name": {"a": 1}, "team": "core",
        "$ip": "10.0.0.1", "$mcp_parameters": {"request": {"method": "tools/call", "params": {"name": "add", "arguments": {"a": 1.50}}},
        "extra": {"requestInfo": {"headers": {"authorization": "Bearer abc", "x-api-key": "k"}}}}}))
    .await;
    assert_eq!((event.row.tool.as_deref(), event.row.duration_us), (Some("7"), Some(12_500)));
    assert_eq!(event.row.status, Some(Status::ToolError));
    assert_eq!(event.arguments.as_ref().unwrap().get(), r#"{"a":1.5}"#);
    assert_eq!(payload(&event.properties), json!({"$mcp_server_name": {"a": 1}, "team": "core"}));
    // Case 41.
    let transport = payload(&event.transport).to_string();
    assert!(!transport.contains("abc") && !transport.contains("\"k\""), "{transport}");
    assert_eq!(one(json!({"$mcp_duration_ms": 0.125})).await.row.duration_us, Some(125));
    let kit = Kit::new();
    send(&kit, &[self::event("signup", json!({}), json!({"$lib": "posthog-node-mcp"}))]).await;
    let signup = kit.only();
    assert_eq!((signup.row.kind, signup.row.session_id), (Kind::Custom, None));
    assert!(kit.sessions().is_empty());
}

#[tokio::test]
async fn case_39_large_events_are_cut() {
    let event =
        one(json!({"$mcp_response": {"content": [{"type": "text", "text": "x".repeat(3 * 1024 * 1024)}]}}))
            .await;
    assert!(event.row.flags.truncated);
    assert!(event.result.unwrap().get().starts_with(r#"{"$truncated":"#));
}

#[tokio::test]
async fn case_40_handles_keep_their_sessions_and_are_joined_where_nothing_overlaps() {
    // The fixture's calls did not echo their handle: each is a session of its own while the connection's goes on. Sessions that
    // overlap are never joined (docs/adr/0018, known gaps); every counter stays with its `$session_id` (R29).
    let kit = Kit::new();
    replay(&kit, "posthog-python-mcp-7.91.1.jsonl").await;
    let mut named: std::collections::BTreeMap<String, Vec<Kind>> = Default::default();
    for event in kit.events() {
        named.entry(event.session_id.unwrap().to_string()).or_default().push(event.kind);
    }
    assert_eq!(named.len(), 4, "{named:?}");
    assert_eq!(kit.sessions().len(), 4, "none of them follows another");
    let mut per_session: Vec<(u64, u64)> =
        kit.sessions().iter().map(|s| (s.tool_calls, s.missing_reports)).collect();
    per_session.sort_unstable();
    assert_eq!(per_session, [(0, 1), (1, 0), (1, 0), (1, 0)]);

    // Handles of one actor that do follow one another are one conversation, with the evidence; another actor's are not.
    let kit = Kit::new();
    let said = |n: u32, user: &str, session: &str| {
        let mut event = event(
            "$mcp_tool_call",
            json!({"distinct_id": user, "timestamp": format!("2026-03-02T11:{n:02}:00Z"),
                "uuid": format!("0190b9e2-7b8a-7c3d-9a1b-0000000000{n:02}")}),
            json!({"$session_id": session, "$mcp_conversation_id": format!("c-{session}"), "$mcp_tool_name": "search",
                "$mcp_client_name": "mcp", "$mcp_server_name": "shop"}),
        );
        event.as_object_mut().unwrap().remove("type");
        event
    };
    send(&kit, &[said(1, "u1", "h1"), said(2, "u2", "h2"), said(4, "u1", "h3"), said(7, "u1", "h4")]).await;
    let mut ids: Vec<String> = kit.sessions().iter().map(|s| s.id.to_string()).collect();
    ids.sort();
    assert_eq!(ids, ["h1", "h2"]);
    assert_eq!(kit.store.session(kit.p, "h4").unwrap().unwrap().tool_calls, 3);
}
