//! Signals that need no model, error groups' states, catalogs and wishes: questions and the few things a caller may change.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use trackway_event::{ProblemCode, limits};
use trackway_store::query::{IssueAct, TakeOut, Whose, WishStatus};
use trackway_store::{Act, NewAudit, Project};

use super::ask::{Asked, Keys};
use super::objects::*;
use crate::auth::{InProject, Viewer};
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

/// Bytes of a request that changes something.
const BODY: usize = 16 * 1024;

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

/// Works on an error group: resolves, archives, opens it again, merges it into another or takes it out of one, takes some of
/// its failures out into a group of their own, gives it to a member, or says something about it. Nothing but a deleted comment is lost by it.
#[utoipa::path(post, path = "/api/v1/projects/{p}/issues/{id}/act", tag = "issues", params(("p" = String, Path), ("id" = u64, Path)),
    request_body = IssueActBody,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn act_on_issue(
    State(state): State<AppState>,
    at: InProject,
    viewer: Viewer,
    Path(names): Path<HashMap<String, String>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let id: u64 = names.get("id").and_then(|id| id.parse().ok()).ok_or_else(Problem::not_found)?;
    let body: IssueActBody = body(request).await?;
    let bad = |why: String| Problem::new(ProblemCode::BadRequest, why);
    let act = body.act(state.now()).map_err(bad)?;
    if change_issue(&state, &at.project, id, act, &viewer).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

/// Does it and notes who did, for the API and the pages alike.
pub(crate) async fn change_issue(
    state: &AppState,
    project: &Project,
    id: u64,
    act: IssueAct,
    viewer: &Viewer,
) -> Result<bool, Problem> {
    let (key, now, who) = (project.key, state.now(), viewer.actor());
    let act = match act {
        IssueAct::Assign(Some(name)) => IssueAct::Assign(Some(member(state, name, viewer).await?)),
        // What others said, an admin may delete.
        IssueAct::Uncomment(note, _) if viewer.is_admin() => IssueAct::Uncomment(note, Whose::Anyones),
        other => other,
    };
    let what = match &act {
        IssueAct::Decide(rule) => rule.to_string(),
        IssueAct::Reopen => "opened again".to_owned(),
        IssueAct::MergeInto(into) => format!("merged into #{into}"),
        IssueAct::Split => "split".to_owned(),
        // What failures said is no part of the log.
        IssueAct::TakeOut(TakeOut::Message(_)) => "some taken out by message".to_owned(),
        IssueAct::TakeOut(TakeOut::Client(_)) => "some taken out by client".to_owned(),
        IssueAct::Assign(None) => "given to nobody".to_owned(),
        IssueAct::Assign(Some(name)) => format!("given to {name}"),
        IssueAct::Comment(_) => "commented".to_owned(),
        IssueAct::Uncomment(..) => "a comment deleted".to_owned(),
        IssueAct::TakeBack => "the last decision taken back".to_owned(),
    };
    let note =
        NewAudit::new(who.clone(), Act::IssueChange, format!("#{id}")).of(project.id.as_str()).detail(what);
    state.change("act_on_issue", note, move |store| store.act_on_issue(key, id, &act, &who, now)).await
}

/// The member of a name, or whoever asks.
async fn member(state: &AppState, name: String, viewer: &Viewer) -> Result<String, Problem> {
    let wanted = if name == "me" { viewer.actor() } else { name };
    let members = state.ask("members", |store| store.members()).await?;
    if members.iter().any(|m| m.name == wanted) {
        return Ok(wanted);
    }
    let why = format!("there is no member {wanted:?}; give it to one of those in Settings");
    Err(Problem::new(ProblemCode::BadRequest, why))
}

/// A small JSON body.
pub(super) async fn body<T: serde::de::DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let reading = axum::body::to_bytes(request.into_body(), BODY);
    let bytes = tokio::time::timeout(limits::BODY_TIMEOUT, reading)
        .await
        .map_err(|_| Problem::new(ProblemCode::Timeout, "the body did not arrive in time; send it again"))?
        .map_err(|_| Problem::new(ProblemCode::TooLarge, "the body is too large"))?;
    serde_json::from_slice(&bytes).map_err(|e| {
        Problem::new(ProblemCode::BadRequest, format!("the body is not what this route takes: {e}"))
    })
}

/// Distinct tool listings of a period, their graded changes, their cost, dead and unlisted tools.
#[utoipa::path(get, path = "/api/v1/projects/{p}/catalog", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = CatalogsObject), (status = 404, body = ProblemBody)))]
pub(super) async fn catalogs(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<CatalogsObject> {
    let (key, scope) = (at.project.key, asked.scope);
    Ok(Json(state.ask("catalogs", move |store| store.catalogs(key, &scope)).await?.into()))
}

/// The definitions of one listing as they were shown: the JSON array of its tools.
#[utoipa::path(get, path = "/api/v1/projects/{p}/catalog/{hash}", tag = "read", params(("p" = String, Path), ("hash" = String, Path)),
    responses((status = 200, body = Vec<serde_json::Value>), (status = 404, body = ProblemBody)))]
pub(super) async fn catalog_tools(
    State(state): State<AppState>,
    at: InProject,
    Path(names): Path<HashMap<String, String>>,
) -> Result<Response, Problem> {
    let (key, hash) = (at.project.key, names.get("hash").cloned().unwrap_or_default());
    let found = state.ask("catalog_tools", move |store| store.catalog_tools(key, &hash)).await?;
    let text = found.ok_or_else(Problem::not_found)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// What agents asked for and did not find, newest first, with what becomes of it.
#[utoipa::path(get, path = "/api/v1/projects/{p}/wishes", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = List<WishObject>), (status = 404, body = ProblemBody)))]
pub(super) async fn wishes(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<List<WishObject>> {
    let (key, ask) = (at.project.key, asked.list());
    let page = state.ask("wishes", move |store| store.wishes(key, &ask)).await?;
    Ok(Json(List::of(page, |wish| WishObject::of(at.project.id.as_str(), wish))))
}

/// Notes what becomes of a wish: `new`, `planned`, `shipped` or `declined`.
#[utoipa::path(post, path = "/api/v1/projects/{p}/wishes/{id}", tag = "issues", params(("p" = String, Path), ("id" = String, Path)),
    request_body = WishBody,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn note_wish(
    State(state): State<AppState>,
    at: InProject,
    viewer: Viewer,
    Path(names): Path<HashMap<String, String>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let body: WishBody = body(request).await?;
    let bad = || Problem::new(ProblemCode::BadRequest, "status is new, planned, shipped or declined");
    let status = WishStatus::parse(&body.status).ok_or_else(bad)?;
    let id = names.get("id").cloned().unwrap_or_default();
    if change_wish(&state, &at.project, id, status, body.note, viewer.actor()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

/// Does it and notes who did, for the API and the page alike.
pub(crate) async fn change_wish(
    state: &AppState,
    project: &Project,
    event: String,
    status: WishStatus,
    note: String,
    who: String,
) -> Result<bool, Problem> {
    let (key, now) = (project.key, state.now());
    let act = NewAudit::new(who.clone(), Act::WishChange, event.clone()).of(project.id.as_str());
    let act = act.detail(status.as_str());
    state.change("set_wish", act, move |store| store.set_wish(key, &event, status, &note, &who, now)).await
}
