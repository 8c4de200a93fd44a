//! `POST /v1/logs`: the diagnostics of the AgentCat SDKs (wire spec R6). Read to the end, accepted, not stored.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use trackway_event::ProblemCode;

use super::body::{self, BodyError};
use crate::problem::Problem;
use crate::state::AppState;

/// Accepts OTLP log records, as JSON or protobuf, and keeps none.
#[utoipa::path(post, path = "/v1/logs", tag = "ingest",
    responses((status = 200, description = "`{\"partialSuccess\":{}}`"), (status = 413, body = crate::problem::ProblemBody)))]
pub(crate) async fn submit(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    match body::read(&state, &parts.headers, body).await {
        Ok(incoming) => {
            state.metrics().request("otlp_logs", incoming.wire);
            Ok(Json(json!({"partialSuccess": {}})).into_response())
        }
        Err(BodyError::TooLarge) => {
            Err(Problem::new(ProblemCode::TooLarge, "the body is too large; send less at once"))
        }
        Err(BodyError::Slow) => Err(Problem::new(ProblemCode::Timeout, "the body did not arrive in time")),
        Err(BodyError::NoRoom) => {
            Err(Problem::new(ProblemCode::Overloaded, "too much at once; send it again"))
        }
        Err(BodyError::Encoding) => Err(Problem::new(
            ProblemCode::UnsupportedEncoding,
            "use content-encoding gzip, zstd, deflate, br or none",
        )),
        Err(BodyError::Corrupt | BodyError::Broken) => {
            Err(Problem::new(ProblemCode::BadRequest, "the body is not what its content-encoding says"))
        }
    }
}
