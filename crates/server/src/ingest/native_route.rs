//! `POST /api/v1/ingest`: native batches, one result per event (D1, D3).

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header;
use trackway_event::{DropReason, IngestReply, IngestResult, ProblemCode};
use trackway_store::TokenScope;

use super::body::{self, BodyError};
use super::take::{self, NoRoom, Sender};
use super::{ADAPTERS, Adapter, agentcat_route};
use crate::auth::{self, Viewer};
use crate::policy::Rated;
use crate::problem::Problem;
use crate::state::AppState;

/// This wire's line of the table.
pub(super) const ADAPTER: &Adapter = &ADAPTERS[1];

/// Takes a batch of native events and says of each what became of it, after the commit. A bearer token is optional; a wrong
/// one is refused.
#[utoipa::path(post, path = "/api/v1/ingest", tag = "ingest",
    request_body(content = serde_json::Value, description = "`{project, sent_at, sdk, lost, events}`, gzip or zstd"),
    responses((status = 200, description = "`{\"results\": [{id, outcome, reason?}]}` in the order sent"),
        (status = 400, body = crate::problem::ProblemBody), (status = 401, body = crate::problem::ProblemBody),
        (status = 404, body = crate::problem::ProblemBody), (status = 413, body = crate::problem::ProblemBody),
        (status = 503, body = crate::problem::ProblemBody)))]
pub(crate) async fn submit(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let viewer = match auth::bearer(headers) {
        Some(_) => auth::viewer_of(&state, headers).await?,
        None => None,
    };
    let mut sender = Sender {
        adapter: ADAPTER,
        user_agent: headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()),
        received_at: state.now(),
        bytes: 0,
        no_room: NoRoom::Kept,
        token: None,
    };
    let incoming = match body::read(&state, headers, body).await {
        Ok(incoming) => incoming,
        Err(error) => return Err(unread(&state, &sender, error).await),
    };
    sender.bytes = incoming.wire;
    state.metrics().request(ADAPTER.name, incoming.wire);
    let text = match String::from_utf8(incoming.bytes) {
        Ok(text) => agentcat_route::without_mark(text),
        Err(error) => {
            take::refuse(&state, &sender, DropReason::BadJson, error.as_bytes()).await;
            return Err(Problem::new(ProblemCode::BadRequest, DropReason::BadJson.explain()));
        }
    };
    if let Some(viewer) = &viewer {
        check_project(&state, viewer, &text)?;
        if let Viewer::Token { id, per_second, .. } = viewer {
            sender.token = Rated::of(id, *per_second);
        }
    }
    let taken = take::take(&state, &sender, text).await.map_err(|reason| {
        let detail = match reason {
            DropReason::BadJson => DropReason::BadJson.explain(),
            _ => "the batch needs \"project\" and \"events\"; see the documentation of the ingest route",
        };
        Problem::new(ProblemCode::BadRequest, detail)
    })?;
    if taken.no_room == Some(DropReason::ProjectDisabled) || taken.unknown_project {
        return Err(Problem::new(ProblemCode::UnknownProject, DropReason::UnknownProject.explain()));
    }
    if taken.no_room.is_some() {
        return Err(no_room());
    }
    let results =
        taken.results.iter().map(|(id, outcome)| IngestResult::new(id.as_deref(), *outcome)).collect();
    Ok(Json(IngestReply { results }).into_response())
}

/// A token writes only to its own project; any other looks unknown.
fn check_project(state: &AppState, viewer: &Viewer, text: &str) -> Result<(), Problem> {
    let Viewer::Token { scope, project, .. } = viewer else { return Ok(()) };
    if *scope == TokenScope::Read {
        return Err(Problem::new(
            ProblemCode::Forbidden,
            "this token may only read; use one of scope ingest",
        ));
    }
    let Some(bound) = project else { return Ok(()) };
    let named = super::fields::Fields::parse(text).and_then(|f| f.string("project"));
    let named = named.and_then(|name| state.store().project(name.trim()).ok().flatten());
    if named.is_some_and(|p| p.key != *bound) {
        return Err(Problem::new(ProblemCode::UnknownProject, "this token is for another project"));
    }
    Ok(())
}

async fn unread(state: &AppState, sender: &Sender<'_>, error: BodyError) -> Problem {
    let (reason, problem) = match error {
        BodyError::NoRoom => return no_room(),
        BodyError::Broken => {
            return Problem::new(ProblemCode::BadRequest, "the body ended early; send it again");
        }
        BodyError::TooLarge => (
            DropReason::TooLarge,
            Problem::new(
                ProblemCode::TooLarge,
                "the body is over 5 MiB on the wire or 20 MiB inflated; send smaller batches",
            ),
        ),
        BodyError::Slow => (
            DropReason::BadJson,
            Problem::new(ProblemCode::Timeout, "the body did not arrive in time; send it again"),
        ),
        BodyError::Encoding => (
            DropReason::BadJson,
            Problem::new(
                ProblemCode::UnsupportedEncoding,
                "use content-encoding gzip, zstd, deflate, br or none",
            ),
        ),
        BodyError::Corrupt => (
            DropReason::BadJson,
            Problem::new(ProblemCode::BadRequest, "the body is not what its content-encoding says"),
        ),
    };
    take::refuse(state, sender, reason, b"").await;
    problem
}

fn no_room() -> Problem {
    let mut problem =
        Problem::new(ProblemCode::Overloaded, "more arrives than can be stored now; send it again");
    problem.retry_after = Some(5);
    problem
}
