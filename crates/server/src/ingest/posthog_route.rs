//! The capture routes of the PostHog wire: v0 (`/batch/`, `/e/`, …) and Capture V1, answered as its SDKs need them
//! (wire-posthog sections 1, 2 and 5; D3).
//!
//! Invariants: v0 answers 200 with JSON after the commit, never a redirect; where there is no room its connection is closed
//! without an answer ([`HangUp`]), because its SDKs keep a batch on network errors and lose it on HTTP errors; V1 tells
//! of every event.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Map, Value, json};
use trackway_event::{DropReason, Outcome, ProblemCode, limits};
use trackway_store::TokenScope;

use super::body::{self, BodyError, Encoding, Reading};
use super::posthog_envelope::{self, Around, Refusal, Rewritten};
use super::take::{self, NoRoom, Sender, Taken};
use super::{ADAPTERS, Adapter};
use crate::auth;
use crate::policy::Rated;
use crate::problem::Problem;
use crate::state::AppState;

/// This wire's line of the table.
pub(super) const ADAPTER: &Adapter = &ADAPTERS[2];

/// How its bodies are read.
const READING: Reading =
    Reading { wire: limits::POSTHOG_WIRE_BYTES, inflated: limits::POSTHOG_INFLATED_BYTES, encoding };

/// On an answer that must not be sent: the serving loop closes the connection instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HangUp;

/// Takes events of PostHog's SDKs in their v0 forms: a batch, an array, one event; JSON, form or base64. 200 after the commit.
#[utoipa::path(post, path = "/batch", tag = "ingest",
    request_body(content = serde_json::Value, description = "`{api_key, batch, sent_at?}`, an array of events, or one event"),
    responses((status = 200, description = "`{\"status\": \"Ok\", \"rejected\"?: n}`"),
        (status = 400, body = crate::problem::ProblemBody), (status = 401, body = crate::problem::ProblemBody),
        (status = 413, body = crate::problem::ProblemBody)))]
pub(crate) async fn submit(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answer = match v0(&state, &parts.method, &parts.uri, &parts.headers, body).await {
        Ok(response) => response,
        Err(Refused::Problem(problem)) => problem.into_response(),
        Err(Refused::NoRoom) => hang_up(),
    };
    with_cors(answer, &parts.headers)
}

/// Takes events of PostHog's SDKs in Capture V1 and says of each what became of it, after the commit.
#[utoipa::path(post, path = "/i/v1/analytics/events", tag = "ingest",
    request_body(content = serde_json::Value, description = "`{created_at, batch: [{event, uuid, distinct_id, timestamp, properties}]}`"),
    responses((status = 200, description = "`{\"results\": {uuid: {\"result\": \"ok\"|\"drop\"|\"retry\"}}}`"),
        (status = 400, description = "`{error, error_description, error_uri}`"), (status = 401, description = "likewise"),
        (status = 413, description = "likewise")))]
pub(crate) async fn submit_v1(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answer = match v1(&state, &parts.headers, body).await {
        Ok(response) => response,
        Err(Refused::Problem(problem)) => v1_error(&problem),
        Err(Refused::NoRoom) => hang_up(),
    };
    with_cors(answer, &parts.headers)
}

/// `OPTIONS` on every route of this wire.
pub(crate) async fn preflight(headers: HeaderMap) -> Response {
    let mut answer = with_cors(StatusCode::OK.into_response(), &headers);
    let out = answer.headers_mut();
    out.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        out.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    answer
}

/// The answer, readable by the page that asked.
pub(super) fn with_cors(mut answer: Response, asked: &HeaderMap) -> Response {
    let out = answer.headers_mut();
    match asked.get(header::ORIGIN) {
        Some(origin) => {
            out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            out.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            out.append(header::VARY, HeaderValue::from_static("origin"));
        }
        None => {
            out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
    }
    answer
}

/// Why a request gets no receipt.
enum Refused {
    Problem(Problem),
    NoRoom,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

async fn v0(
    state: &AppState,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let mut sender = sender(state, headers);
    let body = if method == Method::GET { Body::empty() } else { body };
    let incoming = incoming(state, &mut sender, headers, body).await?;
    let around = Around { query: uri.query().unwrap_or_default(), bearer: None };
    let unnamed = (uri.path() == "/engage").then_some("$identify");
    let taken = receive(state, &sender, headers, incoming, around, 0, unnamed).await?;
    if taken.no_room.is_some() {
        return Err(Refused::NoRoom);
    }
    let rejected = taken.results.iter().filter(|(_, o)| matches!(o, Outcome::Dropped(_))).count();
    let mut answer = json!({"status": "Ok"});
    if rejected > 0 {
        answer["rejected"] = json!(rejected);
    }
    Ok(Json(answer).into_response())
}

async fn v1(state: &AppState, headers: &HeaderMap, body: Body) -> Result<Response, Refused> {
    let mut sender = sender(state, headers);
    let bearer = auth::bearer(headers).filter(|b| !b.is_empty());
    let Some(bearer) = bearer else {
        return Err(unauthorized("send the project's key as a bearer token").into());
    };
    let incoming = incoming(state, &mut sender, headers, body).await?;
    let around = Around { query: "", bearer: Some(bearer) };
    let taken = receive(state, &sender, headers, incoming, around, 1, None).await?;
    let full = taken.no_room;
    let mut results = Map::new();
    for (uuid, outcome) in taken.results {
        let Some(uuid) = uuid else { continue };
        let result = match outcome {
            Outcome::Stored | Outcome::Duplicate => json!({"result": "ok"}),
            Outcome::Dropped(reason) if Some(reason) == full => json!({"result": "retry"}),
            Outcome::Dropped(reason) => json!({"result": "drop", "details": reason.explain()}),
        };
        // Of a uuid that came twice the first one was taken.
        results.entry(&*uuid).or_insert(result);
    }
    let mut answer = Json(json!({ "results": Value::Object(results) })).into_response();
    if full.is_some() {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(answer)
}

fn sender<'a>(state: &AppState, headers: &'a HeaderMap) -> Sender<'a> {
    Sender {
        adapter: ADAPTER,
        user_agent: headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()),
        received_at: state.now(),
        bytes: 0,
        no_room: NoRoom::SentAgain,
        token: None,
    }
}

/// The body, decompressed.
async fn incoming(
    state: &AppState,
    sender: &mut Sender<'_>,
    headers: &HeaderMap,
    body: Body,
) -> Result<body::Incoming, Refused> {
    let error = match body::read_with(state, headers, body, READING).await {
        Ok(incoming) => {
            sender.bytes = incoming.wire;
            state.metrics().request(ADAPTER.name, incoming.wire);
            return Ok(incoming);
        }
        Err(error) => error,
    };
    let (reason, problem) = match error {
        BodyError::NoRoom | BodyError::Broken => return Err(Refused::NoRoom),
        BodyError::TooLarge => (DropReason::TooLarge, too_large()),
        BodyError::Slow => (
            DropReason::BadJson,
            Problem::new(ProblemCode::Timeout, "the body did not arrive in time; send it again"),
        ),
        BodyError::Encoding => (
            DropReason::BadJson,
            Problem::new(ProblemCode::UnsupportedEncoding, "use gzip, zstd, deflate, br or none"),
        ),
        BodyError::Corrupt => (
            DropReason::BadJson,
            Problem::new(ProblemCode::BadRequest, "the body is not what its encoding says"),
        ),
    };
    take::refuse(state, sender, reason, b"").await;
    Err(problem.into())
}

/// Opens, resolves, cleans and takes in a body.
async fn receive(
    state: &AppState,
    sender: &Sender<'_>,
    headers: &HeaderMap,
    incoming: body::Incoming,
    around: Around<'_>,
    version: u8,
    unnamed: Option<&str>,
) -> Result<Taken, Refused> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let opened = match posthog_envelope::open(incoming.bytes, around) {
        Ok(opened) => opened,
        Err(refusal) => return Err(refused(state, sender, refusal).await.into()),
    };
    let (project, token) = project_of(state, &opened.token).await?;
    let sender = &Sender { token, ..sender.clone() };
    let rewritten = opened.rewritten(&Rewritten {
        project: project.as_deref().unwrap_or(&opened.token),
        version,
        sent_at: text("posthog-request-timestamp").filter(|_| version == 1),
        sdk: text("posthog-sdk-info").filter(|_| version == 1),
        unnamed,
    });
    let taken = take::take(state, sender, rewritten)
        .await
        .map_err(|reason| Refused::Problem(Problem::new(ProblemCode::BadRequest, reason.explain())))?;
    if taken.unknown_project {
        return Err(unauthorized(DropReason::UnknownProject.explain()).into());
    }
    Ok(taken)
}

/// The project a token stands for: its id, an alias, or a write key of it, and the key where it has a rate of its own. `None`:
/// nobody's, as far as we know.
///
/// # Errors
/// For a secret of ours that is unknown or may not write: it must not be kept as a project's name.
async fn project_of(state: &AppState, token: &str) -> Result<(Option<String>, Option<Rated>), Problem> {
    if state.store().project(token)?.is_some() || !token.starts_with("twt_") {
        return Ok((Some(token.to_owned()), None));
    }
    let hash = auth::hash(token);
    let name = state.ask("token", move |store| {
        let Some(token) = store.token_by_hash(&hash)? else { return Ok(None) };
        let Some(bound) = token.project.filter(|_| token.scope != TokenScope::Read) else { return Ok(None) };
        let project = store.projects()?.into_iter().find(|p| p.key == bound);
        Ok(project.map(|p| (p.id.to_string(), Rated::of(&token.id, token.per_second))))
    });
    match name.await? {
        Some((name, rated)) => Ok((Some(name), rated)),
        None => Err(unauthorized("this token is unknown or may not write; use the project's id")),
    }
}

async fn refused(state: &AppState, sender: &Sender<'_>, refusal: Refusal) -> Problem {
    let (reason, problem) = match refusal {
        Refusal::Unreadable => {
            (DropReason::BadJson, Problem::new(ProblemCode::BadRequest, DropReason::BadJson.explain()))
        }
        Refusal::Empty => {
            (DropReason::NotObject, Problem::new(ProblemCode::BadRequest, "the batch holds no events"))
        }
        Refusal::TooLarge => (DropReason::TooLarge, too_large()),
        Refusal::NoToken => (DropReason::MissingProject, unauthorized("send the project's id as api_key")),
        Refusal::BadToken => (
            DropReason::MissingProject,
            unauthorized("this is no project key; send the project's id as api_key"),
        ),
        Refusal::SeveralTokens => (
            DropReason::MissingProject,
            unauthorized("the events name several projects; send one body for each"),
        ),
    };
    take::refuse(state, sender, reason, b"").await;
    problem
}

/// By what the first bytes are, then by what the header says (R3). A header that promises what the bytes are not is
/// wrong: such bodies are read as they are.
fn encoding(headers: &HeaderMap, bytes: &[u8]) -> Result<Option<Encoding>, BodyError> {
    if let Some(found) = body::by_magic(bytes) {
        return Ok(Some(found));
    }
    let plain = matches!(bytes.iter().find(|b| !b.is_ascii_whitespace()), Some(b'{' | b'[') | None);
    match body::encoding_of(headers)? {
        Some(Encoding::Gzip | Encoding::Zstd) | None => Ok(None),
        Some(Encoding::Deflate | Encoding::Brotli) if plain => Ok(None),
        Some(other) => Ok(Some(other)),
    }
}

fn too_large() -> Problem {
    Problem::new(
        ProblemCode::TooLarge,
        "the body is over 20 MiB on the wire or 64 MiB inflated; send smaller batches",
    )
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(ProblemCode::Unauthorized, detail)
}

/// The form of V1's errors (R20).
fn v1_error(problem: &Problem) -> Response {
    let body = json!({"error": problem.code.as_str(), "error_description": problem.detail, "error_uri": "about:blank"});
    (problem.status(), Json(body)).into_response()
}

fn hang_up() -> Response {
    let mut answer = StatusCode::SERVICE_UNAVAILABLE.into_response();
    answer.extensions_mut().insert(HangUp);
    answer
}
