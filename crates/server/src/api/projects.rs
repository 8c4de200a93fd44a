//! Projects: list, make, adopt; what arrived and what was refused.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use trackway_event::{ProblemCode, ProjectId, limits};
use trackway_store::{Act, NewAudit, NewProject};

use super::objects::{IntakeObject, List, ProjectObject, RefusedObject};
use crate::auth::{InProject, Viewer};
use crate::ingest::replay_quarantined;
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

/// Bytes of a request that makes a project.
const BODY: usize = 16 * 1024;
/// Characters of a project's name or alias.
const NAME: usize = 100;
/// Refused bodies that are listed.
const REFUSED: usize = 200;

/// A project to make, or to give another name.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
pub(super) struct NewProjectBody {
    /// Shown name; the id when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// `proj_` and 1 to 59 letters, digits, `_` or `-`; minted when absent.
    #[serde(default)]
    pub id: Option<String>,
    /// Another id its events may carry, such as that of refused events. With the id of a known project, that project gets
    /// the alias.
    #[serde(default)]
    pub alias: Option<String>,
}

/// Every project the caller may see.
#[utoipa::path(get, path = "/api/v1/projects", tag = "projects", responses((status = 200, body = List<ProjectObject>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    viewer: Viewer,
) -> Result<Json<List<ProjectObject>>, Problem> {
    let projects = state.ask("projects", |store| store.projects()).await?;
    let seen = projects.into_iter().filter(|p| viewer.may_read(p.key));
    Ok(Json(List { items: seen.map(ProjectObject::from).collect(), next: None, partial: None }))
}

/// Makes a project, or adopts the events that named an unknown one; kept bodies are taken in before the answer.
#[utoipa::path(post, path = "/api/v1/projects", tag = "projects", request_body = NewProjectBody,
    responses((status = 201, body = ProjectObject), (status = 400, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn create(
    State(state): State<AppState>,
    viewer: Viewer,
    request: Request,
) -> Result<Response, Problem> {
    let bad = |detail: &str| Problem::new(ProblemCode::BadRequest, detail);
    let reading = axum::body::to_bytes(request.into_body(), BODY);
    let bytes = tokio::time::timeout(limits::BODY_TIMEOUT, reading)
        .await
        .map_err(|_| Problem::new(ProblemCode::Timeout, "the body did not arrive in time; send it again"))?
        .map_err(|_| Problem::new(ProblemCode::TooLarge, "the body is too large"))?;
    let body: NewProjectBody = serde_json::from_slice(&bytes)
        .map_err(|_| bad("send a JSON object with \"name\", \"id\" or \"alias\", all texts"))?;
    let text = |value: Option<String>| value.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
    let (name, id, alias) = (text(body.name), text(body.id), text(body.alias));
    if [&name, &alias].into_iter().flatten().any(|t| t.chars().count() > NAME || t.contains(char::is_control))
    {
        return Err(bad("name and alias are plain texts of at most 100 characters"));
    }
    if name.is_none() && id.is_none() && alias.is_none() {
        return Err(bad("send a JSON object with \"name\", \"id\" or \"alias\", all texts"));
    }
    let detail = alias.as_ref().map(|alias| format!("also known as {alias}")).unwrap_or_default();
    let project = adopt(&state, name, id, alias).await?;
    let act = NewAudit::new(viewer.actor(), Act::ProjectCreate, project.id.as_str());
    let (act, now) = (act.of(project.id.as_str()).detail(detail), state.now());
    state.ask("note", move |store| store.note(act, now)).await?;
    Ok((StatusCode::CREATED, Json(ProjectObject::from(project))).into_response())
}

/// Makes a project or gives a known one an alias, and takes in what was kept for either name.
pub(crate) async fn adopt(
    state: &AppState,
    name: Option<String>,
    id: Option<String>,
    alias: Option<String>,
) -> Result<trackway_store::Project, Problem> {
    let id = match id {
        Some(id) => {
            ProjectId::parse(&id).map_err(|e| Problem::new(ProblemCode::BadRequest, e.to_string()))?
        }
        None => match alias.as_deref().map(ProjectId::parse) {
            Some(Ok(id)) => id,
            Some(Err(_)) | None => minted()?,
        },
    };
    let alias = alias.filter(|alias| alias != id.as_str());
    let name = name.or_else(|| alias.clone()).unwrap_or_else(|| id.to_string());
    let (now, other) = (state.now(), alias.clone());
    let project = state
        .ask("create_project", move |store| {
            let project = match (store.project(id.as_str())?, &other) {
                (Some(known), Some(_)) => known,
                (Some(_), None) => {
                    return Err(trackway_store::StoreError::Conflict(format!("the project {id}")));
                }
                (None, _) => store.create_project(NewProject { id, name, demo: false }, now)?,
            };
            if let Some(alias) = &other {
                store.add_alias(project.key, alias)?;
            }
            store.project(project.id.as_str()).map(|fresh| fresh.unwrap_or(project))
        })
        .await?;
    replay_quarantined(state, project.id.as_str()).await?;
    if let Some(alias) = alias {
        replay_quarantined(state, &alias).await?;
    }
    Ok(project)
}

/// What arrived for one project and what became of it.
#[utoipa::path(get, path = "/api/v1/projects/{p}/intake", tag = "projects", params(("p" = String, Path)),
    responses((status = 200, body = IntakeObject), (status = 404, body = ProblemBody)))]
pub(super) async fn intake(
    State(state): State<AppState>,
    at: InProject,
) -> Result<Json<IntakeObject>, Problem> {
    let key = at.project.key;
    Ok(Json(state.ask("intake", move |store| store.intake(Some(key))).await?.into()))
}

/// The newest refused bodies, masked.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "projects", responses((status = 200, body = List<RefusedObject>)))]
pub(super) async fn quarantine(State(state): State<AppState>) -> Result<Json<List<RefusedObject>>, Problem> {
    let rows = state.ask("quarantined", |store| store.quarantined(REFUSED)).await?;
    Ok(Json(List { items: rows.into_iter().map(RefusedObject::from).collect(), next: None, partial: None }))
}

fn minted() -> Result<ProjectId, Problem> {
    let failed = |_| Problem::new(ProblemCode::Internal, "the system gives no random numbers");
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes).map_err(failed)?;
    let tail = trackway_event::id::hex(&bytes);
    ProjectId::parse(&format!("proj_{tail}")).map_err(|e| Problem::new(ProblemCode::Internal, e.to_string()))
}
