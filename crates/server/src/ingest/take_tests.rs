//! Overload on each wire (D3, ADR 0021): who is told soon, who is held, what is counted, and whom it does not touch.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;
use trackway_event::ProjectId;
use trackway_store::{NewProject, SqliteOptions, SqliteStore, Store};

use super::super::seats::Seat;
use super::*;
use crate::options::ServeOptions;

struct Server {
    state: AppState,
    key: ProjectKey,
    _dir: tempfile::TempDir,
}

impl Server {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("data"), SqliteOptions::default()).unwrap();
        let now = Timestamp::parse("2026-03-02T10:00:00Z").unwrap();
        let make = |id: &str| {
            let new = NewProject { id: ProjectId::parse(id).unwrap(), name: id.into(), demo: false };
            store.create_project(new, now).unwrap().key
        };
        let key = make("proj_busy");
        make("proj_calm");
        let state = AppState::new(ServeOptions::at(([127, 0, 0, 1], 0).into()), store.clone());
        Self { state, key, _dir: dir }
    }

    async fn post(&self, path: &str, agent: &str, body: String) -> (StatusCode, http::HeaderMap, Duration) {
        let request = Request::post(path).header("host", "localhost").header("user-agent", agent);
        let began = Instant::now();
        let answer = crate::router(self.state.clone()).oneshot(request.body(Body::from(body)).unwrap()).await;
        let (parts, body) = answer.unwrap().into_parts();
        body.collect().await.unwrap();
        (parts.status, parts.headers, began.elapsed())
    }

    async fn native(&self, project: &str, id: &str) -> (StatusCode, http::HeaderMap, Duration) {
        let event = json!({"id": id, "kind": "custom", "started_at": "2026-03-02T10:00:00Z"});
        self.post("/api/v1/ingest", "x", json!({"project": project, "events": [event]}).to_string()).await
    }

    async fn agentcat(&self, agent: &str, id: &str) -> (StatusCode, http::HeaderMap, Duration) {
        let event = json!({"project_id": "proj_busy", "id": id, "event_type": "mcp:tools/call"});
        self.post("/v1/public/events/", agent, event.to_string()).await
    }

    /// Every seat that a project may have.
    fn fill(&self, project: &str) -> Vec<Seat> {
        let seats = self.state.seats();
        let line = seats.line(Some(project));
        std::iter::from_fn(|| seats.now(line, limits::INGEST_WORK_BYTES)).collect()
    }
}

#[tokio::test]
async fn who_keeps_its_events_is_told_soon_and_others_are_held() {
    let server = Server::new();
    let busy = server.fill("proj_busy");
    let free = async {
        tokio::time::sleep(limits::INGEST_HOLD_KEPT * 3).await;
        drop(busy);
    };
    let (native, agentcat, node, calm, ()) = tokio::join!(
        server.native("proj_busy", "one"),
        server.agentcat("python", "two"),
        server.agentcat("node", "three"),
        server.native("proj_calm", "four"),
        free
    );
    assert_eq!(native.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(native.1.get("retry-after").unwrap(), "5");
    assert!(native.2 >= limits::INGEST_HOLD_KEPT && native.2 < limits::INGEST_HOLD, "{:?}", native.2);
    assert_eq!((agentcat.0, node.0), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert!(agentcat.2 >= limits::INGEST_HOLD_KEPT * 3, "{:?}", agentcat.2);
    assert_eq!(calm.0, StatusCode::OK, "another project has room");
    let intake = server.state.store().intake(Some(server.key)).unwrap();
    assert_eq!((intake.stored, intake.dropped.len()), (2, 0), "what was told to come again is not counted");
    assert_eq!(server.state.seats().held(), (0, 0));
    assert_eq!(server.native("proj_busy", "one").await.0, StatusCode::OK, "it comes again");
}

#[tokio::test]
async fn what_there_is_no_room_for_in_the_end_is_counted_where_nobody_is_told() {
    let server = Server::new();
    let _busy = server.fill("proj_busy");
    let (node, other) = tokio::join!(server.agentcat("node", "one"), server.agentcat("python", "two"));
    assert_eq!(node.0, StatusCode::ACCEPTED);
    assert!(node.2 >= limits::INGEST_HOLD, "{:?}", node.2);
    assert_eq!(other.0, StatusCode::SERVICE_UNAVAILABLE);
    let intake = server.state.store().intake(Some(server.key)).unwrap();
    assert_eq!((intake.stored, intake.dropped.get(&DropReason::Overload)), (0, Some(&1)));
}
