//! The numbered cases of the AgentCat wire from 46 on: credentials, limits, quarantine, encodings, hostile bodies.
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use http::StatusCode;
use kit::{Kit, call, fixture, gzip, payload};
use serde_json::json;
use trackway_event::{DropReason, limits};
use trackway_store::Store;

#[tokio::test]
async fn case_46_credentials() {
    let kit = Kit::new();
    kit.ac(call(json!({"parameters": {"request": {"params": {"name": "search", "arguments": {"api_key": "sk-1234567", "max_tokens": 5}}},
        "extra": {"requestInfo": {"headers": {"authorization": "Bearer abc123", "cookie": "sid=deadbeef"}}, "authInfo": {"token": "tok-777"}}},
        "error": {"message": "GET https://bob:hunter2@h.example/?access_token=zzz999 failed"}}))).await;
    let event = kit.only();
    let all = format!("{event:?} {:?}", event.raw.as_ref().map(|r| r.get()));
    for secret in ["sk-1234567", "abc123", "deadbeef", "tok-777", "hunter2", "zzz999"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    assert_eq!(payload(&event.arguments)["max_tokens"], 5);
}

#[tokio::test]
async fn case_47_tokens() {
    let kit = Kit::new();
    kit.ac(fixture("agentcat-rust-1.0.0.jsonl").remove(0)).await;
    let tokens = kit.only().row.tokens.unwrap();
    assert_eq!((tokens.input, tokens.output, tokens.estimated), (Some(19), Some(4), false));
    let kit = Kit::new();
    let arguments = json!({"q": "x".repeat(62)});
    assert_eq!(arguments.to_string().len(), 70);
    kit.ac(call(json!({"parameters": {"arguments": arguments}}))).await;
    let tokens = kit.only().row.tokens.unwrap();
    assert_eq!((tokens.input, tokens.output, tokens.estimated), (Some(20), None, true));
}

#[tokio::test]
async fn case_48_big_event() {
    let kit = Kit::new();
    kit.ac(call(json!({"response": {"content": [{"type": "text", "text": "x".repeat(1_500_000)}]}}))).await;
    let event = kit.only();
    assert!(event.row.flags.truncated);
    assert!(payload(&event.result)["$truncated"].as_u64().unwrap() > 1_500_000);
}

#[tokio::test]
async fn case_49_wire_cap() {
    let kit = Kit::new();
    let mut seed = 88_172_645_463_325_252_u64;
    let mut byte = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as u8
    };
    let noise: Vec<u8> = (0..6_000_000).map(|_| byte()).collect();
    let big = gzip(&noise);
    assert!(big.len() > limits::WIRE_BYTES);
    let answer = kit.post_raw("/v1/public/events/", &[("content-encoding", "gzip")], big.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (413, json!("too_large")));
    let answer = kit
        .post_raw("/v1/public/events/", &[("content-encoding", "gzip"), ("user-agent", "node")], big)
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let intake = kit.store.intake(None).unwrap();
    assert_eq!(intake.dropped[&DropReason::TooLarge], 1);
    assert_eq!(intake.bodies_refused, 1);
    // A bomb: small on the wire, over the cap inflated.
    let bomb = gzip(&vec![b' '; 30 * 1024 * 1024]);
    let answer = kit.post_raw("/v1/public/events/", &[("content-encoding", "gzip")], bomb).await;
    assert_eq!(answer.status.as_u16(), 413);
}

#[tokio::test]
async fn case_50_unknown_project_is_replayed() {
    let kit = Kit::new();
    kit.ac(call(json!({"project_id": "proj_nope", "id": "evt_a"}))).await;
    kit.ac(json!([
        call(json!({"project_id": "proj_nope", "id": "evt_b"})),
        call(json!({"project_id": "proj_nope", "id": "evt_c"}))
    ]))
    .await;
    let kept = kit.store.quarantined(10).unwrap();
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|k| k.reason == DropReason::UnknownProject && k.replayable));
    assert_eq!(kit.store.intake(None).unwrap().dropped[&DropReason::UnknownProject], 3);
    let p = kit.project("proj_nope");
    assert_eq!(trackway_server::ingest::replay_quarantined(&kit.state, "proj_nope").await.unwrap(), 2);
    assert_eq!(kit.events_of(p).len(), 3);
    assert!(kit.store.quarantined(10).unwrap().is_empty());
}

#[tokio::test]
async fn case_51_bodies_that_are_no_events() {
    let kit = Kit::new();
    for body in ["{", "7", "", "\"x\"", "null", "\u{feff}[1]"] {
        let answer = kit.post_raw("/v1/public/events/", &[], body.to_owned()).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::ACCEPTED, r#"{"status":"accepted"}"#),
            "{body:?}"
        );
    }
    assert_eq!(
        kit.post_raw("/v1/public/events/", &[], vec![0xff, 0xfe, b'{']).await.status,
        StatusCode::ACCEPTED
    );
    kit.ac(json!([call(json!({"id": "a"})), call(json!({"id": "b"}))])).await;
    assert_eq!(kit.events().len(), 2);
    let intake = kit.store.intake(None).unwrap();
    assert_eq!(intake.bodies_refused, 6);
    assert_eq!(intake.dropped[&DropReason::NotObject], 1);
    assert_eq!(intake.received(), 3);
    assert_eq!(kit.store.quarantined(20).unwrap().len(), 7);
}

#[tokio::test]
async fn case_52_strict_mode() {
    let kit = Kit::with(|options| options.strict_ingest = true);
    let answer =
        kit.post_raw("/v1/public/events/", &[], call(json!({"project_id": "proj_nope"})).to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (404, json!("unknown_project")));
    let answer = kit.post_raw("/v1/public/events/", &[], "{").await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (400, json!("bad_request")));
}

#[tokio::test]
async fn case_53_encodings() {
    let kit = Kit::new();
    let body = |n: u32| call(json!({"id": format!("evt_{n}")})).to_string().into_bytes();
    let zstd = zstd::stream::encode_all(&body(2)[..], 3).unwrap();
    for (encoding, bytes) in [("gzip", gzip(&body(1))), ("zstd", zstd), ("identity", body(3))] {
        let answer = kit.post_raw("/v1/public/events/", &[("content-encoding", encoding)], bytes).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    assert_eq!(kit.events().len(), 3);
    let answer = kit.post_raw("/v1/public/events/", &[("content-encoding", "gzip")], "{}").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(kit.store.intake(None).unwrap().bodies_refused, 1);
}

#[tokio::test]
async fn case_54_out_of_order() {
    let kit = Kit::new();
    for n in (0..5).rev() {
        kit.ac(call(json!({"session_id": "s", "user_intent": n.to_string(), "timestamp": format!("2026-03-02T10:00:0{n}Z")}))).await;
    }
    let page = trackway_store::query::PageAsk::default();
    let events = kit.store.session_events(kit.p, "s", &page).unwrap().items;
    let order: Vec<_> = events.iter().map(|e| e.intent.clone().unwrap()).collect();
    assert_eq!(order, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn case_55_deep_json() {
    let kit = Kit::new();
    for depth in [1_000, 200_000] {
        let deep =
            format!(r#"{{"project_id":"proj_t","parameters":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let answer = kit.post_raw("/v1/public/events/", &[], deep).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    assert_eq!(kit.store.intake(None).unwrap().dropped[&DropReason::TooDeep], 2);
    assert_eq!(kit.events().len(), 0);
}

#[tokio::test]
async fn case_57_diagnostics() {
    let kit = Kit::new();
    for (kind, body) in
        [("application/json", &br#"{"resourceLogs":[]}"#[..]), ("application/x-protobuf", &[0x0a, 0x00])]
    {
        let headers =
            [("content-type", kind), ("authorization", "Bearer anything"), ("content-encoding", "gzip")];
        let answer = kit.post_raw("/v1/logs", &headers, gzip(body)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, r#"{"partialSuccess":{}}"#));
    }
    assert!(kit.events().is_empty());
}

#[tokio::test]
async fn hostile_texts_are_stored_safely() {
    let kit = Kit::new();
    let body = r#"{"project_id":"proj_t","event_type":"mcp:tools/call","resource_name":"a\u0000b","user_intent":"x\ud800y \u202e","tags":{"k":"\udfff"}}"#;
    let answer = kit.post_raw("/v1/public/events/", &[], body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let event = kit.only();
    assert_eq!(event.row.tool.as_deref(), Some("a\u{fffd}b"));
    assert_eq!(event.row.intent.as_deref(), Some("x\u{fffd}y \u{202e}"));
}

#[tokio::test]
async fn wrong_types_never_refuse_an_event() {
    for field in [
        "id",
        "session_id",
        "duration",
        "is_error",
        "error",
        "resource_name",
        "user_intent",
        "parameters",
        "response",
        "identify_actor_given_id",
        "identify_actor_name",
        "actor_id",
        "identify_data",
        "tags",
        "properties",
        "input_tokens",
        "server_name",
        "client_name",
        "client_version",
        "sdk_language",
        "agentcat_version",
        "timestamp",
        "event_type",
        "ip_address",
    ] {
        let kit = Kit::new();
        for (n, value) in [
            json!(null),
            json!(true),
            json!(-1.5e300),
            json!("\u{1f600}"),
            json!([[]]),
            json!({"a": {}}),
            json!(""),
        ]
        .into_iter()
        .enumerate()
        {
            let mut body = call(json!({"id": format!("evt_{n}")}));
            body[field] = value.clone();
            kit.ac(body).await;
        }
        let intake = kit.store.intake(None).unwrap();
        assert_eq!((intake.received(), intake.stored + intake.duplicates), (7, 7), "{field}: {intake:?}");
    }
}
