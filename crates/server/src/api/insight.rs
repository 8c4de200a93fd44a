//! Signals that need no model, error groups' states, catalogs and wishes: questions and the few things a caller may change.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Request, State};
use http::StatusCode;
use trackway_event::{ProblemCode, limits};
use trackway_store::query::IssueAct;
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

/// Decides on an error group: resolves, archives, opens it again, merges it into another or takes it out of one. Nothing is
/// lost by it, and all of it can be taken back.
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
    if change_issue(&state, &at.project, id, act, viewer.actor()).await? {
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
    who: String,
) -> Result<bool, Problem> {
    let (key, now) = (project.key, state.now());
    let what = match &act {
        IssueAct::Decide(rule) => rule.to_string(),
        IssueAct::Reopen => "opened again".to_owned(),
        IssueAct::MergeInto(into) => format!("merged into #{into}"),
        IssueAct::Split => "split".to_owned(),
    };
    let note =
        NewAudit::new(who.clone(), Act::IssueChange, format!("#{id}")).of(project.id.as_str()).detail(what);
    state
        .ask("act_on_issue", move |store| {
            let done = store.act_on_issue(key, id, &act, &who, now)?;
            if done {
                store.note(note, now)?;
            }
            Ok(done)
        })
        .await
}

/// A small JSON body.
async fn body<T: serde::de::DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let reading = axum::body::to_bytes(request.into_body(), BODY);
    let bytes = tokio::time::timeout(limits::BODY_TIMEOUT, reading)
        .await
        .map_err(|_| Problem::new(ProblemCode::Timeout, "the body did not arrive in time; send it again"))?
        .map_err(|_| Problem::new(ProblemCode::TooLarge, "the body is too large"))?;
    serde_json::from_slice(&bytes).map_err(|e| {
        Problem::new(ProblemCode::BadRequest, format!("the body is not what this route takes: {e}"))
    })
}
