//! A call of several requests, in the detail of any of its events (CAP §2.6).

use serde::Serialize;
use trackway_event::Payload;
use trackway_store::query as q;
use utoipa::ToSchema;

/// A call that took several requests, or went on as a task.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallObject {
    /// Its requests in the order of time; the last one is the one that counts.
    pub requests: Vec<RoundObject>,
    /// The event that told the end of its task.
    pub told_by: Option<String>,
    /// How that was seen: `result`, `notification` or `poll`.
    pub closed_by: Option<String>,
    /// Its status: `input_required` while it waits for input, `task` while its task runs, `timeout` when that never ended.
    pub status: Option<String>,
    /// How long the server took: what latency figures count.
    pub server_ms: Option<f64>,
    /// From the first request to the last answer.
    pub total_ms: Option<f64>,
    /// The intent of its first request.
    pub intent: Option<String>,
    /// The arguments of its first request.
    #[schema(value_type = Option<serde_json::Value>)]
    pub arguments: Option<Payload>,
    /// Its last answer.
    #[schema(value_type = Option<serde_json::Value>)]
    pub result: Option<Payload>,
}

/// One request of a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoundObject {
    /// Its event.
    pub event_id: String,
    /// What became of it.
    pub status: Option<String>,
    /// Start.
    pub started_at: String,
    /// From request to answer.
    pub duration_ms: Option<f64>,
    /// Names of the inputs it asked for.
    pub asked: Vec<String>,
}

impl From<q::CallDetail> for CallObject {
    fn from(detail: q::CallDetail) -> Self {
        let ms = |us: u64| us as f64 / 1_000.0;
        let call = detail.call;
        let round = |round: q::Round| RoundObject {
            event_id: round.id.to_string(),
            status: round.status.map(|s| s.as_str().into()),
            started_at: round.started_at.to_string(),
            duration_ms: round.duration_us.map(ms),
            asked: round.asked,
        };
        Self {
            requests: call.rounds.into_iter().map(round).collect(),
            told_by: call.told.map(|id| id.to_string()),
            closed_by: call.closed_by.map(|by| by.as_str().into()),
            status: call.status.map(|s| s.as_str().into()),
            server_ms: call.server_us.map(ms),
            total_ms: call.total_us.map(ms),
            intent: detail.intent,
            arguments: detail.arguments,
            result: detail.result,
        }
    }
}
