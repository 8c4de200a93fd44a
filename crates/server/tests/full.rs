//! No room on the disk: every wire's own answer after the hold, reading goes on, nothing is lost or counted twice (D3).
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::time::{Duration, Instant};

use http::StatusCode;
use kit::Kit;
use serde_json::json;
use trackway_event::{DropReason, limits};
use trackway_store::{SqliteOptions, Store, TokenScope};

#[tokio::test]
async fn d3_every_wire_has_its_answer_to_a_full_disk() {
    let kit = Kit::on(SqliteOptions { max_pages: Some(163), ..SqliteOptions::default() }, |_| {});
    // Random text does not compress: a few of these fill the pages that the empty tables leave.
    let mut seed = 1u64;
    let mut noise = || {
        let mut text = String::with_capacity(400_000);
        while text.len() < 400_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{seed:016x}"));
        }
        text
    };
    let mut call = |id: &str| {
        json!({"project_id": "proj_t", "event_type": "mcp:tools/call", "id": id, "response": {"content": [{"type": "text", "text": noise()}]}}).to_string()
    };
    let native = json!({"project": "proj_t", "events": [{"id": "n", "kind": "custom", "started_at": kit::NOW,
        "result": {"text": call("x")}}]});
    let mut stored = 0;
    let mut full = None;
    for n in 0..8 {
        let answer = kit.post_raw("/v1/public/events/", &[], call(&format!("fill{n}"))).await;
        if answer.status == StatusCode::ACCEPTED {
            stored += 1;
            continue;
        }
        full = Some(answer);
        break;
    }
    let full = full.unwrap();
    assert_eq!(
        (full.status, full.json()["code"].clone()),
        (StatusCode::SERVICE_UNAVAILABLE, json!("overloaded"))
    );
    let started = Instant::now();
    let node_headers = [("user-agent", "node")];
    let native_body = native.to_string();
    let (node, other, native) = tokio::join!(
        kit.post_raw("/v1/public/events/", &node_headers, call("node")),
        kit.post_raw("/v1/public/events/", &[], call("other")),
        kit.post_raw("/api/v1/ingest", &[], native_body),
    );
    assert!(started.elapsed() < limits::INGEST_HOLD + Duration::from_secs(3), "{:?}", started.elapsed());
    assert_eq!((node.status, node.text.as_str()), (StatusCode::ACCEPTED, r#"{"status":"accepted"}"#));
    assert_eq!(other.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(native.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(native.headers.contains_key("retry-after"));
    assert_eq!(kit.get("/health/ready", &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let token = format!("Bearer {}", kit.token(TokenScope::Read, Some(kit.p)));
    let read = kit
        .get("/api/v1/projects/proj_t/events?from=2000-01-01&to=2027-01-01", &[("authorization", &token)])
        .await;
    assert_eq!(read.json()["items"].as_array().unwrap().len(), stored);
    let intake = kit.store.intake(Some(kit.p)).unwrap();
    assert_eq!((intake.stored, intake.dropped[&DropReason::DiskFull]), (stored as u64, 1));
}
