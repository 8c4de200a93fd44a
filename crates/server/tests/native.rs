//! The native wire: batches, outcomes, errors (D1, D3, D10; INV-02).
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use http::StatusCode;
use kit::{Kit, NOW, gzip, payload};
use serde_json::{Value, json};
use trackway_event::{DropReason, SessionSource};
use trackway_store::{Store, TokenScope};

fn event(id: &str) -> Value {
    json!({"id": id, "kind": "tool_call", "name": "tools/call", "started_at": "2026-03-02T10:00:00.000001Z", "tool": "search",
        "status": "ok", "duration_us": 1500, "session_id": "ses_x", "session_source": "stdio_process",
        "arguments": {"q": 1.50, "password": "hunter2"}, "result": {"content": []}})
}

fn outcomes(answer: &kit::Answer) -> Vec<(String, String)> {
    let json = answer.json();
    let text = |v: &Value| v.as_str().unwrap_or("-").to_owned();
    json["results"].as_array().unwrap().iter().map(|r| (text(&r["outcome"]), text(&r["reason"]))).collect()
}

#[tokio::test]
async fn every_event_has_its_outcome_in_order() {
    let kit = Kit::new();
    let answer = kit.native("proj_t", json!([event("a"), {"id": "b"}, event("a"), 7, event("c")])).await;
    assert_eq!(answer.status, StatusCode::OK);
    let words: Vec<_> = outcomes(&answer).into_iter().map(|(o, r)| format!("{o} {r}")).collect();
    assert_eq!(words, ["stored -", "dropped bad_event", "duplicate -", "dropped bad_event", "stored -"]);
    assert_eq!(answer.json()["results"][0]["id"], "a");
    assert_eq!(answer.json()["results"][1]["id"], "b");
    let intake = kit.store.intake(Some(kit.p)).unwrap();
    assert_eq!((intake.received(), intake.stored, intake.duplicates), (5, 2, 1));
    let first = kit.details().remove(0);
    assert_eq!(first.row.duration_us, Some(1_500));
    assert_eq!(first.row.session_source, Some(SessionSource::StdioProcess));
    assert_eq!(payload(&first.arguments), json!({"q": 1.50, "password": "[redacted]"}));
}

#[tokio::test]
async fn envelopes() {
    let kit = Kit::new();
    let events = json!([event("a")]);
    for (body, status, code) in [
        ("{".to_owned(), 400, "bad_request"),
        ("[]".to_owned(), 400, "bad_request"),
        (json!({"events": events}).to_string(), 400, "bad_request"),
        (json!({"project": "proj_t"}).to_string(), 400, "bad_request"),
        (
            json!({"project": "proj_t", "sent_at": "yesterday", "events": events}).to_string(),
            400,
            "bad_request",
        ),
        (json!({"project": "proj_nope", "events": events}).to_string(), 404, "unknown_project"),
    ] {
        let answer = kit.post_raw("/api/v1/ingest", &[], body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].as_str().unwrap()),
            (status, code),
            "{body}"
        );
    }
    assert_eq!(kit.store.intake(None).unwrap().bodies_refused, 5);
    let answer = kit.post_raw("/api/v1/ingest", &[("content-encoding", "lzma")], "x").await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (415, json!("unsupported_encoding")));
    let answer = kit.post_raw("/api/v1/ingest", &[("content-encoding", "zstd")], "rubbish").await;
    assert_eq!(answer.status.as_u16(), 400);
    let bomb = gzip(&vec![b' '; 30 * 1024 * 1024]);
    let answer = kit.post_raw("/api/v1/ingest", &[("content-encoding", "gzip")], bomb).await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (413, json!("too_large")));
    assert!(kit.events().is_empty());
}

#[tokio::test]
async fn encoded_batches_and_the_loss_report() {
    let kit = Kit::new();
    let body = |id: &str| {
        json!({"project": "proj_t", "sent_at": NOW, "sdk": {"name": "trackway-wrap", "version": "0.1.0"},
            "lost": {"queue_full": 3}, "events": [event(id)]})
        .to_string()
    };
    let zstd = zstd::stream::encode_all(body("z").as_bytes(), 3).unwrap();
    for (encoding, bytes) in [("gzip", gzip(body("g").as_bytes())), ("zstd", zstd)] {
        let answer = kit.post_raw("/api/v1/ingest", &[("content-encoding", encoding)], bytes).await;
        assert_eq!(outcomes(&answer), [("stored".to_owned(), "-".to_owned())]);
    }
    assert_eq!(kit.store.intake(Some(kit.p)).unwrap().lost["queue_full"], 6);
    assert_eq!(&*kit.details().remove(0).sdk.unwrap().name, "trackway-wrap");
}

#[tokio::test]
async fn a_batch_of_more_than_a_thousand() {
    let kit = Kit::new();
    let events: Vec<Value> = (0..1_003).map(|n| event(&format!("e{n}"))).collect();
    let answer = kit.native("proj_t", json!(events)).await;
    let results = outcomes(&answer);
    assert_eq!(results.len(), 1_003);
    assert!(results[..1_000].iter().all(|(o, _)| o == "stored"));
    assert!(results[1_000..].iter().all(|(o, r)| o == "dropped" && r == "too_many"));
    let intake = kit.store.intake(Some(kit.p)).unwrap();
    assert_eq!((intake.received(), intake.dropped[&DropReason::TooMany]), (1_003, 3));
}

#[tokio::test]
async fn an_unknown_project_is_kept_and_replayed_whole() {
    let kit = Kit::new();
    let answer = kit.native("proj_later", json!([event("a"), event("b")])).await;
    assert_eq!(answer.json()["code"], "unknown_project");
    assert_eq!(kit.store.quarantined(10).unwrap().len(), 1);
    let p = kit.project("proj_later");
    assert_eq!(trackway_server::ingest::replay_quarantined(&kit.state, "proj_later").await.unwrap(), 1);
    assert_eq!(kit.events_of(p).len(), 2);
    // What the client sends again is a duplicate of the replay.
    let again = kit.native("proj_later", json!([event("a"), event("b")])).await;
    assert!(outcomes(&again).iter().all(|(o, _)| o == "duplicate"));
}

#[tokio::test]
async fn tokens_at_the_door() {
    let kit = Kit::new();
    let other = kit.project("proj_other");
    let body = json!({"project": "proj_t", "events": [event("a")]}).to_string();
    for (token, status) in [
        (kit.token(TokenScope::Ingest, Some(kit.p)), 200),
        (kit.token(TokenScope::Admin, None), 200),
        (kit.token(TokenScope::Ingest, Some(other)), 404),
        (kit.token(TokenScope::Read, Some(kit.p)), 403),
        ("wrong".to_owned(), 401),
    ] {
        let bearer = format!("Bearer {token}");
        let answer = kit.post_raw("/api/v1/ingest", &[("authorization", &bearer)], body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{token}");
    }
}

#[tokio::test]
async fn a_token_with_a_rate_is_held_to_it_and_no_other() {
    let kit = Kit::new();
    let slow = kit.rated_token(TokenScope::Ingest, Some(kit.p), 1);
    let free = kit.token(TokenScope::Ingest, Some(kit.p));
    let batch = |name: &str, count: usize| {
        let events: Vec<_> = (0..count).map(|n| event(&format!("{name}{n}"))).collect();
        json!({"project": "proj_t", "events": events}).to_string()
    };
    let send = async |token: &str, body: String| {
        let bearer = format!("Bearer {token}");
        kit.post_raw("/api/v1/ingest", &[("authorization", &bearer)], body).await
    };
    assert_eq!(send(&slow, batch("burst", 10)).await.status, StatusCode::OK);
    let over = send(&slow, batch("over", 10)).await;
    assert_eq!(over.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(over.headers.contains_key("retry-after"), "its recorder keeps them");
    assert_eq!(send(&free, batch("free", 50)).await.status, StatusCode::OK);
    assert_eq!(kit.post_raw("/api/v1/ingest", &[], batch("none", 5)).await.status, StatusCode::OK);
    let intake = kit.store.intake(Some(kit.p)).unwrap();
    assert_eq!((intake.stored, intake.dropped.len()), (65, 0), "told to come again: no outcome yet");
}

#[tokio::test]
async fn odd_ids_are_made_safe() {
    let kit = Kit::new();
    let mut long = event(&"i".repeat(300));
    long["session_id"] = json!("s".repeat(300));
    long["actor"] = json!({"id": "a".repeat(500)});
    let mut blank = event(" ");
    blank["session_id"] = json!(" ");
    let answer = kit.native("proj_t", json!([long, blank])).await;
    let words: Vec<_> = outcomes(&answer).into_iter().map(|(o, r)| format!("{o} {r}")).collect();
    assert_eq!(words, ["stored -", "dropped bad_event"]);
    let row = kit.events().remove(0);
    assert_eq!((row.id.as_str().len(), row.session_id.unwrap().as_str().len()), (64, 64));
    assert_eq!(row.actor.unwrap().id.as_str().len(), 400);
    assert!(row.notes.iter().any(|n| n == "actor_id_cut"));
}
