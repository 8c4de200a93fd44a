//! `GET /api/v1/audit`: what admins did, the newest first (F-152).

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use trackway_event::{ProblemCode, limits};
use trackway_store::{Audit, AuditAsk};

use super::objects::List;
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

/// An act of an admin.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AuditObject {
    /// Place in the log.
    pub seq: u64,
    /// When.
    pub at: String,
    /// Who: a member's name, `token tok_…`, or `cli`.
    pub actor: String,
    /// What, from a closed list.
    pub act: String,
    /// The project it is about.
    pub project: Option<String>,
    /// The thing it was done to.
    pub target: String,
    /// What else there is to say.
    pub detail: String,
}

impl From<Audit> for AuditObject {
    fn from(act: Audit) -> Self {
        Self {
            seq: act.seq,
            at: act.at.to_string(),
            actor: act.actor,
            act: act.act.as_str().into(),
            project: act.project,
            target: act.target,
            detail: act.detail,
        }
    }
}

/// What admins did, the newest first; `after` goes on where a page ended.
#[utoipa::path(get, path = "/api/v1/audit", tag = "projects",
    params(("after" = Option<String>, Query), ("project" = Option<String>, Query)),
    responses((status = 200, body = List<AuditObject>), (status = 400, body = ProblemBody)))]
pub(super) async fn list(
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<AuditObject>>, Problem> {
    let query = query.unwrap_or_default();
    let value = |key: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key).map(|(_, value)| value.to_owned())
    };
    let before = match value("after").map(|after| after.parse::<u64>()) {
        Some(Err(_)) => {
            return Err(Problem::new(ProblemCode::BadCursor, "\"after\" is the \"next\" of a page before"));
        }
        Some(Ok(before)) => Some(before),
        None => None,
    };
    let ask = AuditAsk { before, project: value("project"), limit: limits::PAGE_ROWS_MAX };
    let acts = state.ask("audit", move |store| store.audit(&ask)).await?;
    let full = acts.len() == limits::PAGE_ROWS_MAX;
    let next = acts.last().filter(|_| full).map(|act| act.seq.to_string());
    Ok(Json(List { items: acts.into_iter().map(AuditObject::from).collect(), next, partial: None }))
}
