//! People and accounts: lists, details, and an operator's word on a merge of people or of sessions.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use trackway_store::query::{AccountsAsk, Aside};
use trackway_store::{Act, NewAudit, Project};

use super::ask::{Asked, Keys};
use super::objects::*;
use super::questions::{Answer, Names, name};
use crate::auth::{InProject, Viewer};
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

/// Identified people of a period.
#[utoipa::path(get, path = "/api/v1/projects/{p}/people", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = List<PersonObject>), (status = 404, body = ProblemBody)))]
pub(super) async fn people(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<List<PersonObject>> {
    let (key, ask) = (at.project.key, asked.list());
    let page = state.ask("people", move |store| store.people(key, &ask)).await?;
    Ok(Json(List::of(page, PersonObject::from)))
}

/// One person, by any of its ids: traits and where they come from, ids and the merges that made them one, newest sessions
/// and events.
#[utoipa::path(get, path = "/api/v1/projects/{p}/people/{id}", tag = "read", params(("p" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = PersonDetailObject), (status = 404, body = ProblemBody)))]
pub(super) async fn person(
    State(state): State<AppState>,
    at: InProject,
    names: Names,
) -> Answer<PersonDetailObject> {
    let (key, id) = (at.project.key, name(&names, "id"));
    let found = state.ask("person", move |store| store.person(key, &id)).await?;
    Ok(Json(PersonDetailObject::of(at.project.id.as_str(), found.ok_or_else(Problem::not_found)?)))
}

/// Accounts that events of a period name. `kind` asks for one type.
#[utoipa::path(get, path = "/api/v1/projects/{p}/accounts", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = List<AccountObject>), (status = 404, body = ProblemBody)))]
pub(super) async fn accounts(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<List<AccountObject>> {
    let kind = asked.get("kind").map(str::to_owned);
    let key = at.project.key;
    let ask = AccountsAsk { scope: asked.scope, kind, page: asked.page, sort: asked.sort };
    let page = state.ask("accounts", move |store| store.accounts(key, &ask)).await?;
    Ok(Json(List::of(page, AccountObject::from)))
}

/// One account with its people and newest sessions.
#[utoipa::path(get, path = "/api/v1/projects/{p}/accounts/{type}/{key}", tag = "read",
    params(("p" = String, Path), ("type" = String, Path), ("key" = String, Path)),
    responses((status = 200, body = AccountDetailObject), (status = 404, body = ProblemBody)))]
pub(super) async fn account(
    State(state): State<AppState>,
    at: InProject,
    names: Names,
) -> Answer<AccountDetailObject> {
    let (project, kind, key) = (at.project.key, name(&names, "type"), name(&names, "key"));
    let found = state.ask("account", move |store| store.account(project, &kind, &key)).await?;
    Ok(Json(AccountDetailObject::of(at.project.id.as_str(), found.ok_or_else(Problem::not_found)?)))
}

/// Takes a merge of two people back: their ids are two people again, at once and in every list. No event is rewritten, and
/// what its event says again later stays taken back.
#[utoipa::path(delete, path = "/api/v1/projects/{p}/merges/{id}", tag = "people", params(("p" = String, Path), ("id" = u64, Path)),
    responses((status = 204), (status = 404, body = ProblemBody)))]
pub(super) async fn withdraw(
    state: State<AppState>,
    at: InProject,
    viewer: Viewer,
    names: Names,
) -> Result<StatusCode, Problem> {
    set_aside(state, at, viewer, names, Aside::Withdraw).await
}

/// Lets a merge count again that was taken back.
#[utoipa::path(put, path = "/api/v1/projects/{p}/merges/{id}", tag = "people", params(("p" = String, Path), ("id" = u64, Path)),
    responses((status = 204), (status = 404, body = ProblemBody)))]
pub(super) async fn restore(
    state: State<AppState>,
    at: InProject,
    viewer: Viewer,
    names: Names,
) -> Result<StatusCode, Problem> {
    set_aside(state, at, viewer, names, Aside::Restore).await
}

async fn set_aside(
    State(state): State<AppState>,
    at: InProject,
    viewer: Viewer,
    Path(names): Names,
    aside: Aside,
) -> Result<StatusCode, Problem> {
    let id: u64 = names.get("id").and_then(|id| id.parse().ok()).ok_or_else(Problem::not_found)?;
    let found = change_merge(&state, &at.project, id, aside, viewer.actor()).await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// Parts a session from the one it was shown as a fragment of: they are two sessions again, and stay so.
#[utoipa::path(delete, path = "/api/v1/projects/{p}/joined/{id}", tag = "sessions", params(("p" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemBody)))]
pub(super) async fn part(
    state: State<AppState>,
    at: InProject,
    viewer: Viewer,
    names: Names,
) -> Result<StatusCode, Problem> {
    set_joined(state, at, viewer, names, Aside::Withdraw).await
}

/// Shows a session that was parted as a fragment again, where the evidence still says so.
#[utoipa::path(put, path = "/api/v1/projects/{p}/joined/{id}", tag = "sessions", params(("p" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemBody)))]
pub(super) async fn rejoin(
    state: State<AppState>,
    at: InProject,
    viewer: Viewer,
    names: Names,
) -> Result<StatusCode, Problem> {
    set_joined(state, at, viewer, names, Aside::Restore).await
}

async fn set_joined(
    State(state): State<AppState>,
    at: InProject,
    viewer: Viewer,
    names: Names,
    aside: Aside,
) -> Result<StatusCode, Problem> {
    let found = change_joined(&state, &at.project, name(&names, "id"), aside, viewer.actor()).await?;
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// Takes a merge back, or lets it count again, and notes who did, for the API and the page alike.
pub(crate) async fn change_merge(
    state: &AppState,
    project: &Project,
    id: u64,
    aside: Aside,
    who: String,
) -> Result<bool, Problem> {
    let key = project.key;
    let note = NewAudit::new(who, Act::MergeChange, format!("#{id}")).of(project.id.as_str());
    let note = note.detail(match aside {
        Aside::Withdraw => "taken back",
        Aside::Restore => "counts again",
    });
    state.change("set_merge", note, move |store| store.set_merge(key, id, aside)).await
}

/// Parts a session from what it continues, or joins it again, and notes who did, for the API and the page alike.
pub(crate) async fn change_joined(
    state: &AppState,
    project: &Project,
    session: String,
    aside: Aside,
    who: String,
) -> Result<bool, Problem> {
    let key = project.key;
    let note = NewAudit::new(who, Act::JoinedChange, session.clone()).of(project.id.as_str());
    let note = note.detail(match aside {
        Aside::Withdraw => "parted",
        Aside::Restore => "joined again",
    });
    state.change("set_joined", note, move |store| store.set_joined(key, &session, aside)).await
}
