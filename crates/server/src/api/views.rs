//! Saved views over the API, and what API and pages do alike: checking, saving, changing and deleting, with a note of who did.
//!
//! Whoever reads a project sees the views shared with it and their own; members make them; a view is changed by its owner or an
//! admin. A query is kept in its canonical form, and only if it can be asked.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Request, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use trackway_event::{ProblemCode, limits};
use trackway_store::{Act, NewAudit, NewView, Project, Sharing, View, ViewKey};

use super::insight::body;
use super::objects::List;
use crate::auth::{InProject, Viewer};
use crate::dashboard::views;
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

/// A saved view.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ViewObject {
    /// Its id, for `view=`.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Page, its path below the project.
    pub page: String,
    /// What is asked of the page: the query keys `from … n`, canonical.
    pub query: String,
    /// Whose it is.
    pub owner: String,
    /// Whether everyone who may read the project sees it.
    pub shared: bool,
    /// When it was made.
    pub made_at: String,
}

impl From<View> for ViewObject {
    fn from(view: View) -> Self {
        Self {
            id: view.key.0,
            name: view.view.name,
            page: view.view.page,
            query: view.view.query,
            owner: view.view.owner,
            shared: view.view.sharing == Sharing::Project,
            made_at: view.made_at.to_string(),
        }
    }
}

/// A view to save, or what one shall be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(crate) struct ViewBody {
    /// Name, at most 60 characters.
    name: String,
    /// Page, as in the dashboard's address: `sessions`, `tools`, … Of a saved view it stays.
    #[serde(default)]
    page: String,
    /// The query keys `from … n`.
    #[serde(default)]
    query: String,
    /// Whether everyone who may read the project sees it.
    #[serde(default)]
    shared: bool,
}

/// Views that the caller may see, by name.
#[utoipa::path(get, path = "/api/v1/projects/{p}/views", tag = "views", params(("p" = String, Path)),
    responses((status = 200, body = List<ViewObject>), (status = 404, body = ProblemBody)))]
pub(super) async fn list(
    State(state): State<AppState>,
    at: InProject,
) -> Result<Json<List<ViewObject>>, Problem> {
    let (key, who) = (at.project.key, at.viewer.actor());
    let found = state.ask("views", move |store| store.views(key, &who)).await?;
    Ok(Json(List { items: found.into_iter().map(Into::into).collect(), next: None, partial: None }))
}

/// Saves a view.
#[utoipa::path(post, path = "/api/v1/projects/{p}/views", tag = "views", params(("p" = String, Path)), request_body = ViewBody,
    responses((status = 201, body = ViewObject), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn create(
    State(state): State<AppState>,
    at: InProject,
    request: Request,
) -> Result<(StatusCode, Json<ViewObject>), Problem> {
    let asked: ViewBody = body(request).await?;
    let view = save(&state, &at.project, &at.viewer, wanted(&asked)).await?;
    Ok((StatusCode::CREATED, Json(view.into())))
}

/// Gives a view another name, query and sharing.
#[utoipa::path(put, path = "/api/v1/projects/{p}/views/{id}", tag = "views", params(("p" = String, Path), ("id" = i64, Path)), request_body = ViewBody,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(super) async fn update(
    State(state): State<AppState>,
    at: InProject,
    Path(names): Path<HashMap<String, String>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let id = id_of(&names)?;
    let asked: ViewBody = body(request).await?;
    change(&state, &at.project, &at.viewer, id, wanted(&asked)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a view.
#[utoipa::path(delete, path = "/api/v1/projects/{p}/views/{id}", tag = "views", params(("p" = String, Path), ("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn remove(
    State(state): State<AppState>,
    at: InProject,
    Path(names): Path<HashMap<String, String>>,
) -> Result<StatusCode, Problem> {
    delete(&state, &at.project, &at.viewer, id_of(&names)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is asked for a view.
pub(crate) struct Wanted {
    /// Name.
    pub name: String,
    /// Page.
    pub page: String,
    /// Query.
    pub query: String,
    /// Who sees it.
    pub sharing: Sharing,
}

fn wanted(body: &ViewBody) -> Wanted {
    Wanted {
        name: body.name.clone(),
        page: body.page.clone(),
        query: body.query.clone(),
        sharing: if body.shared { Sharing::Project } else { Sharing::Mine },
    }
}

fn id_of(names: &HashMap<String, String>) -> Result<ViewKey, Problem> {
    names.get("id").and_then(|id| id.parse().ok()).map(ViewKey).ok_or_else(Problem::not_found)
}

/// Saves a view and notes who did.
pub(crate) async fn save(
    state: &AppState,
    project: &Project,
    viewer: &Viewer,
    wanted: Wanted,
) -> Result<View, Problem> {
    let new = checked(state, wanted, viewer.actor())?;
    let (key, now) = (project.key, state.now());
    let note = noted(project, viewer, &new, "saved");
    state
        .ask("save_view", move |store| {
            let view = store.save_view(key, &new, now)?;
            store.note(note, now)?;
            Ok(view)
        })
        .await
}

/// Changes a view of the viewer's own, or, for an admin, any that is shared; and notes who did.
pub(crate) async fn change(
    state: &AppState,
    project: &Project,
    viewer: &Viewer,
    id: ViewKey,
    wanted: Wanted,
) -> Result<(), Problem> {
    let known = own(state, project, viewer, id).await?;
    let to = checked(state, Wanted { page: known.view.page, ..wanted }, known.view.owner)?;
    let key = project.key;
    let note = noted(project, viewer, &to, "changed");
    let done = state.change("change_view", note, move |store| store.change_view(key, id, &to));
    if done.await? { Ok(()) } else { Err(Problem::not_found()) }
}

/// Deletes a view, as [`change`] may change it.
pub(crate) async fn delete(
    state: &AppState,
    project: &Project,
    viewer: &Viewer,
    id: ViewKey,
) -> Result<(), Problem> {
    let known = own(state, project, viewer, id).await?;
    let key = project.key;
    let note = noted(project, viewer, &known.view, "deleted");
    let done = state.change("delete_view", note, move |store| store.delete_view(key, id));
    if done.await? { Ok(()) } else { Err(Problem::not_found()) }
}

/// Whether this viewer may change a view they see.
pub(crate) fn may_change(viewer: &Viewer, project: &Project, view: &View) -> bool {
    viewer.may_change(project.key) && (viewer.is_admin() || view.view.owner == viewer.actor())
}

async fn own(state: &AppState, project: &Project, viewer: &Viewer, id: ViewKey) -> Result<View, Problem> {
    let (key, who) = (project.key, viewer.actor());
    let seen = state.ask("views", move |store| store.views(key, &who)).await?;
    let view = seen.into_iter().find(|v| v.key == id).ok_or_else(Problem::not_found)?;
    if may_change(viewer, project, &view) {
        Ok(view)
    } else {
        Err(Problem::new(
            ProblemCode::Forbidden,
            format!("only {} or an admin may change this view; save one of your own", view.view.owner),
        ))
    }
}

fn noted(project: &Project, viewer: &Viewer, view: &NewView, what: &str) -> NewAudit {
    let act = NewAudit::new(viewer.actor(), Act::ViewChange, view.name.clone());
    act.of(project.id.as_str()).detail(format!("{what}: {}", view.page))
}

/// A view that can be kept: a name that can be shown, a page that exists, a query that can be asked.
fn checked(state: &AppState, wanted: Wanted, owner: String) -> Result<NewView, Problem> {
    let bad = |why: String| Problem::new(ProblemCode::BadRequest, why);
    let name: String = wanted.name.trim().chars().filter(|c| !c.is_control()).collect();
    if name.is_empty() || name.chars().count() > limits::VIEW_NAME_CHARS {
        return Err(bad(format!("give the view a name of 1 to {} characters", limits::VIEW_NAME_CHARS)));
    }
    let query = views::canonical(&wanted.page, &wanted.query, state.now()).map_err(bad)?;
    Ok(NewView { name, page: wanted.page, query, owner, sharing: wanted.sharing })
}
