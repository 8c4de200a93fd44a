//! `POST /v1/public/events/`: answers as the published SDKs need them (wire spec R1 to R10, R33; D3).

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;
use trackway_event::{DropReason, ProblemCode};

use super::body::{self, BodyError};
use super::take::{self, NoRoom, Sender};
use super::{ADAPTERS, Adapter};
use crate::problem::Problem;
use crate::state::AppState;

/// This wire's line of the table.
pub(super) const ADAPTER: &Adapter = &ADAPTERS[0];

/// Takes events of the AgentCat and MCPcat SDKs. 202 whatever the body is, after the commit; 413 and 503 never to
/// `User-Agent: node`, whose SDK would end its host.
#[utoipa::path(post, path = "/v1/public/events/", tag = "ingest",
    request_body(content = serde_json::Value, description = "one event of the AgentCat wire, or an array of them"),
    responses((status = 202, description = "taken; `{\"status\":\"accepted\"}`"), (status = 413, body = crate::problem::ProblemBody),
        (status = 503, body = crate::problem::ProblemBody)))]
pub(crate) async fn submit(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = answer(&state, &parts.headers, body).await;
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// `OPTIONS /v1/public/events/` (R4).
pub(crate) async fn preflight() -> Response {
    const ALLOWED: [(HeaderName, &str); 4] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, ALLOWED).into_response()
}

async fn answer(state: &AppState, headers: &HeaderMap, body: Body) -> Response {
    let user_agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok());
    let is_node = user_agent == Some("node");
    let mut sender = Sender {
        adapter: ADAPTER,
        user_agent,
        received_at: state.now(),
        bytes: 0,
        no_room: if is_node { NoRoom::Dropped } else { NoRoom::SentAgain },
        token: None,
    };
    let incoming = match body::read(state, headers, body).await {
        Ok(incoming) => incoming,
        Err(error) => return unread(state, &sender, error).await,
    };
    sender.bytes = incoming.wire;
    state.metrics().request(ADAPTER.name, incoming.wire);
    let strict = state.options().strict_ingest;
    let text = match String::from_utf8(incoming.bytes) {
        Ok(text) => text,
        Err(error) => {
            take::refuse(state, &sender, DropReason::BadJson, error.as_bytes()).await;
            return if strict { bad(DropReason::BadJson) } else { accepted() };
        }
    };
    match take::take(state, &sender, without_mark(text)).await {
        Err(reason) if strict => bad(reason),
        Err(_) => accepted(),
        Ok(taken) if taken.no_room.is_some() && !is_node => no_room(),
        Ok(taken) if strict && taken.unknown_project => {
            Problem::new(ProblemCode::UnknownProject, DropReason::UnknownProject.explain()).into_response()
        }
        Ok(_) => accepted(),
    }
}

/// The answer where the body could not be read.
async fn unread(state: &AppState, sender: &Sender<'_>, error: BodyError) -> Response {
    let is_node = sender.no_room == NoRoom::Dropped;
    match error {
        BodyError::TooLarge if is_node => {
            take::drop_unread(state, sender, DropReason::TooLarge).await;
            accepted()
        }
        BodyError::TooLarge => {
            take::refuse(state, sender, DropReason::TooLarge, b"").await;
            let detail = "the body is over 5 MiB on the wire or 20 MiB inflated; send smaller events";
            Problem::new(ProblemCode::TooLarge, detail).into_response()
        }
        BodyError::NoRoom if is_node => {
            take::drop_unread(state, sender, DropReason::Overload).await;
            accepted()
        }
        BodyError::NoRoom => no_room(),
        BodyError::Slow => {
            take::refuse(state, sender, DropReason::BadJson, b"").await;
            if is_node {
                return accepted();
            }
            Problem::new(ProblemCode::Timeout, "the body did not arrive in time; send it again")
                .into_response()
        }
        // Nobody is left to answer.
        BodyError::Broken => StatusCode::BAD_REQUEST.into_response(),
        BodyError::Encoding | BodyError::Corrupt => {
            take::refuse(state, sender, DropReason::BadJson, b"").await;
            if state.options().strict_ingest { bad(DropReason::BadJson) } else { accepted() }
        }
    }
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({"status": "accepted"}))).into_response()
}

fn bad(reason: DropReason) -> Response {
    Problem::new(ProblemCode::BadRequest, reason.explain()).into_response()
}

fn no_room() -> Response {
    let mut problem =
        Problem::new(ProblemCode::Overloaded, "more arrives than can be stored now; send it again");
    problem.retry_after = Some(5);
    problem.into_response()
}

/// Without a byte order mark.
pub(super) fn without_mark(text: String) -> String {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}
