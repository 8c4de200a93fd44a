//! Ingest under a path of the operator's (wire-posthog R1).
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use http::StatusCode;
use kit::{Kit, call};
use serde_json::json;
use trackway_server::ServeOptions;
use trackway_store::TokenScope;

#[tokio::test]
async fn ingest_is_answered_under_the_prefix_and_nothing_else_is() {
    let kit = Kit::with(|options| options.ingest_prefix = ServeOptions::prefix("collect//ph/").unwrap());
    let body = |n: u32| {
        json!({"api_key": "proj_t", "batch": [{"event": "signup", "distinct_id": "u1",
            "uuid": format!("0190b9e2-7b8a-7c3d-9a1b-0000000000{n:02}")}]})
        .to_string()
    };
    for (n, path) in
        ["/batch/", "/collect/ph/batch/", "/collect/ph/batch", "//collect//ph//batch/?compression=gzip"]
            .into_iter()
            .enumerate()
    {
        let answer = kit.post_raw(path, &[], body(n as u32)).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, r#"{"status":"Ok"}"#), "{path}");
    }
    assert_eq!(kit.events().len(), 4);
    kit.post_raw("/collect/ph/v1/public/events/", &[], call(json!({})).to_string()).await;
    assert_eq!(kit.events().len(), 5);
    assert_eq!(kit.get("/collect/ph/array/phc_x/config", &[]).await.status, StatusCode::OK);
    let bearer = format!("Bearer {}", kit.token(TokenScope::Admin, None));
    let head = [("authorization", bearer.as_str())];
    assert_eq!(kit.get("/api/v1/projects/proj_t/overview", &head).await.status, StatusCode::OK);
    for path in [
        "/collect/ph/api/v1/projects/proj_t/overview",
        "/collect/ph/login",
        "/collect/ph",
        "/collect/phbatch",
        "/collect/batch",
    ] {
        assert_eq!(kit.get(path, &head).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // Without one there is none.
    let kit = Kit::new();
    assert_eq!(kit.post_raw("/collect/ph/batch/", &[], body(1)).await.status, StatusCode::NOT_FOUND);
}

#[test]
fn a_prefix_is_a_path() {
    for (text, expect) in [
        ("", Ok(None)),
        ("/", Ok(None)),
        ("/collect", Ok(Some("/collect"))),
        ("a/b//", Ok(Some("/a/b"))),
        ("/a b", Err(())),
        ("/{key}", Err(())),
        ("/a/../b", Err(())),
        ("/a?b", Err(())),
    ] {
        let found = ServeOptions::prefix(text).map_err(|_| ());
        assert_eq!(found, expect.map(|path| path.map(str::to_owned)), "{text}");
    }
}
