//! A server over a temporary store, called in process.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use trackway_event::event::ErrorInfo;
use trackway_event::{
    Actor, ActorId, Event, EventId, Kind, Peer, ProjectId, SessionId, SessionSource, Status, Timestamp,
};
use trackway_store::{NewProject, NewToken, Project, SqliteOptions, SqliteStore, Store, TokenScope};

use crate::options::ServeOptions;
use crate::state::AppState;

/// The server and its store.
pub(super) struct Kit {
    pub(super) store: Arc<dyn Store>,
    pub(super) now: Timestamp,
    router: Router,
    admin: String,
    dir: tempfile::TempDir,
}

/// An answer, read whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned()
    }

    pub(super) fn gzipped(&self) -> usize {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(self.body.as_bytes()).unwrap();
        encoder.finish().unwrap().len()
    }
}

/// A call with these words everywhere words can be.
pub(super) fn call(at: Timestamp, session: &str, words: &str, status: Status) -> Event {
    let digest: [u8; 32] = Sha256::digest(format!("{at} {session} {words}")).into();
    let mut random = [0; 16];
    random.copy_from_slice(&digest[..16]);
    let mut event = Event::new(EventId::mint(at, random), Kind::ToolCall, at);
    event.name = "tools/call".into();
    event.session_id = SessionId::foreign(session);
    event.session_source = Some(SessionSource::Given);
    event.status = Some(status);
    event.duration_us = Some(214_000);
    event.tool = Some(words.chars().take(200).collect::<String>().into());
    event.intent = Some(words.chars().take(4_000).collect::<String>().into());
    event.client = Some(Peer { name: "Cursor".into(), version: Some("1.9".into()) });
    event.arguments = trackway_event::json::payload_of(&serde_json::json!({ words: words }));
    if status.failed() {
        event.error = Some(Box::new(ErrorInfo {
            message: words.chars().take(4_000).collect::<String>().into(),
            ..ErrorInfo::default()
        }));
    }
    event
}

impl Kit {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = SqliteStore::open(dir.path(), SqliteOptions::default()).unwrap();
        let now = Timestamp::parse("2026-11-21T14:02:09.114Z").unwrap();
        let options = ServeOptions::at("127.0.0.1:0".parse().unwrap());
        let state = AppState::with_clock(options, store.clone(), Arc::new(move || now));
        let mut kit = Self { router: crate::router(state), store, now, admin: String::new(), dir };
        kit.admin = kit.token(None, TokenScope::Admin);
        kit
    }

    /// The same data, but every question meets its deadline at once.
    pub(super) fn without_time(&mut self) {
        let other = self.dir.path().join("other");
        self.router = Router::new();
        let old =
            std::mem::replace(&mut self.store, SqliteStore::open(&other, SqliteOptions::default()).unwrap());
        old.close().unwrap();
        drop(old);
        let options = SqliteOptions { read_deadline: Duration::ZERO, ..SqliteOptions::default() };
        self.store = SqliteStore::open(self.dir.path(), options).unwrap();
        self.serve(trackway_event::limits::PANEL_WAIT);
    }

    /// The same server, with another patience of its pages.
    pub(super) fn serve(&mut self, panel_wait: Duration) {
        let now = self.now;
        let mut options = ServeOptions::at("127.0.0.1:0".parse().unwrap());
        options.panel_wait = panel_wait;
        self.router = crate::router(AppState::with_clock(options, self.store.clone(), Arc::new(move || now)));
    }

    /// An answer in the pieces it was sent in.
    pub(super) async fn parts(&self, path: &str) -> Vec<String> {
        let request = Request::builder().uri(path).header("host", "127.0.0.1:7431");
        let request =
            request.header("authorization", format!("Bearer {}", self.admin)).body(Body::empty()).unwrap();
        let mut body = self.router.clone().oneshot(request).await.unwrap().into_body();
        let mut parts = Vec::new();
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            parts.push(String::from_utf8(data.to_vec()).unwrap());
        }
        parts
    }

    fn token(&self, project: Option<&Project>, scope: TokenScope) -> String {
        let secret = format!("secret-{}-{}", scope.as_str(), project.map_or("all", |p| p.id.as_str()));
        let hash = Sha256::digest(secret.as_bytes()).into();
        let new = NewToken {
            id: format!("tok_{}", secret.len()),
            project: project.map(|p| p.key),
            scope,
            hash,
            prefix: "secret".into(),
            name: "test".into(),
            per_second: 0,
        };
        self.store.create_token(new, self.now).unwrap();
        secret
    }

    pub(super) async fn read_token(&self, project: &str) -> String {
        let project = self.store.project(project).unwrap().unwrap();
        self.token(Some(&project), TokenScope::Read)
    }

    pub(super) async fn project(&self, id: &str) -> Project {
        match self.store.project(id).unwrap() {
            Some(project) => project,
            None => {
                let new =
                    NewProject { id: ProjectId::parse(id).unwrap(), name: format!("name {id}"), demo: false };
                self.store.create_project(new, self.now).unwrap()
            }
        }
    }

    pub(super) async fn send(&self, project: &str, events: Vec<Event>) {
        let project = self.project(project).await;
        self.store.submit(project.key, events, self.now).unwrap().await.unwrap().unwrap();
    }

    /// A project with enough calls for charts, one session of which holds `words` in every place; answers that session.
    pub(super) async fn fill(&self, project: &str, words: &str) -> String {
        let hour = |h: i64| self.now.plus_micros(-h * 3_600_000_000);
        let mut events: Vec<Event> = (0..120)
            .map(|i| {
                let status = if i % 5 == 0 { Status::ToolError } else { Status::Ok };
                call(
                    hour(i + 1),
                    &format!("ses_plain{}", i / 4),
                    &format!("secret of {project} {}", i % 7),
                    status,
                )
            })
            .collect();
        let session = "ses_words";
        for (i, kind) in [
            Kind::ToolCall,
            Kind::Custom,
            Kind::MissingCapability,
            Kind::Feedback,
            Kind::ToolsList,
            Kind::Exception,
        ]
        .into_iter()
        .enumerate()
        {
            let at = hour(0).plus_micros(-60_000_000 + i as i64 * 1_000_000);
            let status = if i == 0 { Status::ToolError } else { Status::Ok };
            let mut event = call(at, session, words, status);
            event.kind = kind;
            event.name = words.chars().take(200).collect::<String>().into();
            event.resource = Some(words.into());
            event.client = Some(Peer { name: words.into(), version: Some(words.into()) });
            event.server = event.client.clone();
            event.sdk = event.client.clone();
            event.tags.insert(words.chars().take(20).collect::<String>().into(), words.into());
            event.notes.push(words.into());
            let (id, _) = ActorId::parse(words).unwrap();
            let mut traits = serde_json::Map::new();
            traits.insert(words.into(), words.into());
            event.actor = Some(Box::new(Actor { id, name: Some(words.into()), traits }));
            event.properties = event.arguments.clone();
            event.result = event.arguments.clone();
            events.push(event);
        }
        self.send(project, events).await;
        session.to_owned()
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &self.admin, &[], "").await
    }

    pub(super) async fn get_as(&self, path: &str, token: &str) -> Answer {
        self.ask("GET", path, token, &[], "").await
    }

    pub(super) async fn get_with(&self, path: &str, cookie: &str) -> Answer {
        self.ask("GET", path, &self.admin, &[("cookie", cookie)], "").await
    }

    pub(super) async fn fragment(&self, path: &str) -> Answer {
        self.ask("GET", path, &self.admin, &[("hx-request", "true")], "").await
    }

    pub(super) async fn put(&self, path: &str) -> Answer {
        self.ask("PUT", path, &self.admin, &[], "").await
    }

    pub(super) async fn post(&self, path: &str, form: &str) -> Answer {
        self.post_as(path, form, &self.admin).await
    }

    pub(super) async fn post_as(&self, path: &str, form: &str, token: &str) -> Answer {
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        self.ask("POST", path, token, &headers, form).await
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:7431");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}
