//! An operator's word on sessions: this one goes on where that one ended, and here another one begins (F-87). The dashboard's forms
//! do the same through [`join`] and [`split`]; taking back is `DELETE` and `PUT …/joined/{id}`.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Serialize;
use trackway_event::SessionId;
use trackway_store::{Act, NewAudit, Project};
use utoipa::ToSchema;

use super::questions::{Answer, Names, name};
use crate::auth::{InProject, Viewer};
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

/// What a split made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SplitObject {
    /// The session that begins with the step. `PUT …/joined/{id}` joins it again with the one it was split from.
    pub(crate) session: String,
}

/// Shows session `id` as what goes on where session `earlier` ended, whatever the rule says, late events included. Both are sessions as
/// lists show them, and `earlier` began first. `DELETE …/joined/{id}` takes it back.
#[utoipa::path(put, path = "/api/v1/projects/{p}/joined/{id}/{earlier}", tag = "sessions",
    params(("p" = String, Path), ("id" = String, Path), ("earlier" = String, Path)),
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn put_join(
    State(state): State<AppState>,
    at: InProject,
    viewer: Viewer,
    Path(names): Names,
) -> Result<StatusCode, Problem> {
    let part = |which: &str| names.get(which).cloned().unwrap_or_default();
    let found = join(&state, &at.project, part("id"), part("earlier"), viewer.actor()).await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// Splits the session of an event before it: what starts then or later, late events too, is another session. No event is changed,
/// and an export holds the session each one named.
#[utoipa::path(post, path = "/api/v1/projects/{p}/events/{id}/split", tag = "sessions",
    params(("p" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = SplitObject), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn post_split(
    State(state): State<AppState>,
    at: InProject,
    viewer: Viewer,
    names: Names,
) -> Answer<SplitObject> {
    let made = split(&state, &at.project, name(&names, "id"), viewer.actor()).await?;
    let session = made.ok_or_else(Problem::not_found)?.to_string();
    Ok(Json(SplitObject { session }))
}

/// Joins two sessions and notes who did. `false` when one of them is not there.
pub(crate) async fn join(
    state: &AppState,
    project: &Project,
    later: String,
    earlier: String,
    who: String,
) -> Result<bool, Problem> {
    let key = project.key;
    let note = NewAudit::new(who, Act::JoinedChange, later.clone()).of(project.id.as_str());
    let note = note.detail(format!("joined by hand with {earlier}"));
    state.change("join_sessions", note, move |store| store.join_sessions(key, &later, &earlier)).await
}

/// Splits a session before an event and notes who did; answers the session that begins there.
pub(crate) async fn split(
    state: &AppState,
    project: &Project,
    event: String,
    who: String,
) -> Result<Option<SessionId>, Problem> {
    let (key, id, now) = (project.key, project.id.clone(), state.now());
    let ask = move |store: &dyn trackway_store::Store| {
        let made = store.split_session(key, &event, now)?;
        if let Some(made) = &made {
            let note = NewAudit::new(who, Act::JoinedChange, made.to_string()).of(id.as_str());
            store.note(note.detail(format!("split by hand before {event}")), now)?;
        }
        Ok(made)
    };
    state.ask("split_session", ask).await
}
