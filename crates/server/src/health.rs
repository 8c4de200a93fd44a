//! `GET /health/live` and `/health/ready`: is the process there, and may it be sent events.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::state::AppState;

/// The body of both.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok` or `not_ready`.
    pub status: &'static str,
    /// Why it is not ready; empty when it is.
    pub reasons: Vec<String>,
}

/// `GET /health/live`: the process answers.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = Health)))]
pub(crate) async fn live() -> Json<Health> {
    Json(Health { status: "ok", reasons: Vec::new() })
}

/// `GET /health/ready`: open, room on the disk, queue below its limit, not shutting down.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    let mut reasons = Vec::new();
    if state.is_draining() {
        reasons.push("the server is shutting down".to_owned());
    }
    match state.ask("health", |store| store.health()).await {
        Ok(health) => {
            // Paths of this machine are for the log, not for whoever asks.
            if !health.writable {
                tracing::warn!(reasons = ?health.reasons, "events cannot be stored now");
                reasons.push("events cannot be stored: the disk is full or cannot be written".into());
            }
            if health.queued as usize >= trackway_event::limits::WRITER_QUEUE_EVENTS {
                reasons.push("more events are waiting than can be stored in time".into());
            }
        }
        Err(problem) => reasons.push(problem.detail),
    }
    if reasons.is_empty() {
        Json(Health { status: "ok", reasons }).into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "not_ready", reasons })).into_response()
    }
}
