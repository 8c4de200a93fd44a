//! What the tests of this crate share: a router over a real SQLite store with a fixed clock, and requests to it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use trackway_core::filter::Filter;
use trackway_event::{ProjectId, Timestamp};
use trackway_server::{AppState, ServeOptions};
use trackway_store::query::*;
use trackway_store::{
    MemberKey, NewProject, NewToken, ProjectKey, SqliteOptions, SqliteStore, Store, TokenScope,
};

/// 2026-03-02T12:00:00Z.
pub(crate) const NOW: &str = "2026-03-02T12:00:00.000Z";

pub(crate) struct Kit {
    pub(crate) router: Router,
    pub(crate) state: AppState,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) p: ProjectKey,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
}

impl Kit {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut ServeOptions)) -> Self {
        Self::on(SqliteOptions::default(), change)
    }

    pub(crate) fn on(store: SqliteOptions, change: impl FnOnce(&mut ServeOptions)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(Timestamp::parse(NOW).unwrap().micros()));
        let read = clock.clone();
        let clock_fn: trackway_server::state::Clock =
            Arc::new(move || Timestamp::from_micros(read.load(Ordering::Relaxed)));
        let options = SqliteOptions { clock: clock_fn.clone(), ..store };
        let store = SqliteStore::open(&dir.path().join("data"), options).unwrap();
        let mut options = ServeOptions::at(([127, 0, 0, 1], 0).into());
        change(&mut options);
        let state = AppState::with_clock(options, store.clone(), clock_fn);
        let router = trackway_server::router(state.clone());
        let mut kit = Self { router, state, store, p: ProjectKey(0), clock, dir };
        kit.p = kit.project("proj_t");
        kit
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.load(Ordering::Relaxed))
    }

    pub(crate) fn project(&self, id: &str) -> ProjectKey {
        let new = NewProject { id: ProjectId::parse(id).unwrap(), name: id.into(), demo: false };
        self.store.create_project(new, self.now()).unwrap().key
    }

    pub(crate) fn token(&self, scope: TokenScope, project: Option<ProjectKey>) -> String {
        self.rated_token(scope, project, 0)
    }

    /// A token that lets so many events in a second.
    pub(crate) fn rated_token(
        &self,
        scope: TokenScope,
        project: Option<ProjectKey>,
        per_second: u64,
    ) -> String {
        let secret =
            format!("secret-{}-{:?}-{}", scope.as_str(), project, self.store.tokens(None).unwrap().len());
        let hash = <sha2::Sha256 as sha2::Digest>::digest(secret.as_bytes()).into();
        let id = format!("tok_{}", self.store.tokens(None).unwrap().len());
        let new =
            NewToken { id, project, scope, hash, prefix: "secret".into(), name: String::new(), per_second };
        self.store.create_token(new, self.now()).unwrap();
        secret
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) async fn post_raw(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(Method::POST).uri(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Signs a member in; gives the cookie.
    pub(crate) fn signed_in(&self, member: MemberKey, secret: &str) -> String {
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        self.store.create_login(&hash, member, self.now()).unwrap();
        format!("trackway_session={secret}")
    }

    /// Sends a form as a page of ours would.
    pub(crate) async fn submit(&self, cookie: &str, path: &str, form: &str) -> Answer {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
            ("cookie", cookie),
        ];
        self.post_raw(path, &headers, form.to_owned()).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().uri(path).header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Posts one AgentCat body and expects R7's answer.
    pub(crate) async fn ac(&self, body: Value) {
        let answer = self.post_raw("/v1/public/events/", &[], body.to_string()).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::ACCEPTED, r#"{"status":"accepted"}"#));
    }

    /// Posts a native batch.
    pub(crate) async fn native(&self, project: &str, events: Value) -> Answer {
        let body = json!({"project": project, "sent_at": NOW, "events": events});
        self.post_raw("/api/v1/ingest", &[], body.to_string()).await
    }

    pub(crate) fn scope(&self) -> Scope {
        let at = |text| Timestamp::parse(text).unwrap();
        let period = Period { from: at("2000-01-01T00:00:00Z"), to: at("2099-01-01T00:00:00Z") };
        Scope { period, filter: Filter::default(), zone: trackway_store::query::TimeZone::UTC }
    }

    pub(crate) fn events_of(&self, p: ProjectKey) -> Vec<EventRow> {
        let page = PageAsk { after: None, limit: 100 };
        let ask = EventsAsk { scope: self.scope(), page, protocol: Protocol::Shown };
        let mut events = self.store.events(p, &ask).unwrap().items;
        events.sort_by_key(|e| (e.started_at, e.seq));
        events
    }

    /// In order of (start, arrival).
    pub(crate) fn events(&self) -> Vec<EventRow> {
        self.events_of(self.p)
    }

    pub(crate) fn sessions_of(&self, p: ProjectKey) -> Vec<SessionRow> {
        let page = PageAsk { after: None, limit: 100 };
        let sort = Some("started".into());
        let ask = SessionsAsk { scope: self.scope(), page, sort, tab: SessionTab::All };
        self.store.sessions(p, &ask).unwrap().items
    }

    pub(crate) fn sessions(&self) -> Vec<SessionRow> {
        self.sessions_of(self.p)
    }

    pub(crate) fn details(&self) -> Vec<EventDetail> {
        let ids: Vec<String> = self.events().iter().map(|e| e.id.to_string()).collect();
        ids.iter().map(|id| self.store.event(self.p, id).unwrap().unwrap()).collect()
    }

    /// The only event, in full.
    pub(crate) fn only(&self) -> EventDetail {
        let mut all = self.details();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

pub(crate) fn payload(payload: &Option<trackway_event::Payload>) -> Value {
    payload.as_ref().map_or(Value::Null, |p| serde_json::from_str(p.get()).unwrap())
}

/// Bodies of a recorded client, with another project id.
pub(crate) fn fixture(file: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/clients/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let mut body = serde_json::from_str::<Value>(line).unwrap()["body"].take();
            for key in ["project_id", "projectId"] {
                if body.get(key).is_some() {
                    body[key] = json!("proj_t");
                }
            }
            body
        })
        .collect()
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A tool call of project proj_t with these members added.
pub(crate) fn call(members: Value) -> Value {
    let mut body = json!({"project_id": "proj_t", "event_type": "mcp:tools/call", "resource_name": "search",
        "timestamp": "2026-03-02T10:00:00.000Z"});
    for (key, value) in members.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}
