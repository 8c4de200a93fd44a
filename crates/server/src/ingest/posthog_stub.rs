//! What PostHog's SDKs ask for beside capture: flags, remote configuration, replay (wire-posthog routes 5 to 8, R2).
//! Trackway has none of these; it says so in the words that keep applications from logging errors.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use sha2::{Digest, Sha256};
use trackway_event::ProblemCode;

use super::body::{self, BodyError};
use super::posthog_route::with_cors;
use crate::problem::Problem;
use crate::state::AppState;

/// The tag of the one answer there is to "which flags are there".
const NO_FLAGS_TAG: &str = "\"no-flags\"";

/// No flags are on, for anybody.
#[utoipa::path(post, path = "/flags", tag = "ingest", responses((status = 200, description = "no flags")))]
pub(crate) async fn flags(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(problem) = read_away(&state, &parts.headers, body).await {
        return with_cors(problem.into_response(), &parts.headers);
    }
    let digest = Sha256::digest(super::random());
    let hex = trackway_event::id::hex(digest.get(..16).unwrap_or_default());
    let (a, rest) = hex.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    let answer = json!({
        "flags": {}, "featureFlags": {}, "featureFlagPayloads": {}, "errorsWhileComputingFlags": false,
        "requestId": format!("{a}-{b}-{c}-{d}-{e}"),
    });
    with_cors(Json(answer).into_response(), &parts.headers)
}

/// There are no flags to evaluate.
#[utoipa::path(get, path = "/flags/definitions", tag = "ingest",
    responses((status = 200, description = "no flags"), (status = 304, description = "still none")))]
pub(crate) async fn definitions(headers: HeaderMap) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    let mut answer = if known.is_some_and(|tag| tag.trim().trim_start_matches("W/") == NO_FLAGS_TAG) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(json!({"flags": [], "group_type_mapping": {}, "cohorts": {}})).into_response()
    };
    answer.headers_mut().insert(header::ETAG, HeaderValue::from_static(NO_FLAGS_TAG));
    with_cors(answer, &headers)
}

/// Nothing but capture is on.
#[utoipa::path(get, path = "/array/{key}/config", tag = "ingest", params(("key" = String, Path, description = "any")),
    responses((status = 200, description = "nothing is on")))]
pub(crate) async fn config(headers: HeaderMap) -> Response {
    let answer = json!({
        "supportedCompression": ["gzip", "gzip-js"], "featureFlags": false, "sessionRecording": false, "surveys": false,
    });
    with_cors(Json(answer).into_response(), &headers)
}

/// The same as a script: an empty one.
#[utoipa::path(get, path = "/array/{key}/config.js", tag = "ingest", params(("key" = String, Path, description = "any")),
    responses((status = 200, description = "an empty script")))]
pub(crate) async fn config_script(headers: HeaderMap) -> Response {
    let script = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    with_cors((script, "").into_response(), &headers)
}

/// Recordings of browsers are read away.
#[utoipa::path(post, path = "/s", tag = "ingest", responses((status = 200, description = "read away")))]
pub(crate) async fn replay(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answer = match read_away(&state, &parts.headers, body).await {
        Ok(()) => Json(json!({"status": "Ok"})).into_response(),
        Err(problem) => problem.into_response(),
    };
    with_cors(answer, &parts.headers)
}

async fn read_away(state: &AppState, headers: &HeaderMap, body: axum::body::Body) -> Result<(), Problem> {
    // Nothing is decoded: what is thrown away need not be readable.
    let how = body::Reading { encoding: |_, _| Ok(None), ..body::Reading::default() };
    match body::read_with(state, headers, body, how).await {
        Ok(incoming) => {
            state.metrics().request("posthog_stub", incoming.wire);
            Ok(())
        }
        Err(BodyError::TooLarge) => {
            Err(Problem::new(ProblemCode::TooLarge, "the body is too large; send less at once"))
        }
        Err(BodyError::NoRoom) => {
            Err(Problem::new(ProblemCode::Overloaded, "too much at once; send it again"))
        }
        Err(BodyError::Slow | BodyError::Broken | BodyError::Encoding | BodyError::Corrupt) => {
            Err(Problem::new(ProblemCode::Timeout, "the body did not arrive in time"))
        }
    }
}
