//! Signals that need no model, error groups' states, catalogs and wishes: questions and the few things a caller may change.

use axum::Json;
use axum::extract::State;

use super::ask::{Asked, Keys};
use super::objects::*;
use crate::auth::InProject;
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

type Answer<T> = Result<Json<T>, Problem>;

/// What the newest calls tell: first try, recovery, repeats, loops, endings, weight of results, unknown tools.
#[utoipa::path(get, path = "/api/v1/projects/{p}/signals", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = SignalsObject), (status = 404, body = ProblemBody)))]
pub(super) async fn signals(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<SignalsObject> {
    let (key, scope) = (at.project.key, asked.scope);
    Ok(Json(state.ask("signals", move |store| store.signals(key, &scope)).await?.into()))
}

/// What is wrong with the data itself: sessions in pieces, identities that name nobody.
#[utoipa::path(get, path = "/api/v1/projects/{p}/warnings", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = List<WarningObject>), (status = 404, body = ProblemBody)))]
pub(super) async fn warnings(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<List<WarningObject>> {
    let (key, scope) = (at.project.key, asked.scope);
    let found = state.ask("warnings", move |store| store.warnings(key, &scope)).await?;
    Ok(Json(List { items: found.into_iter().map(Into::into).collect(), next: None, partial: None }))
}
