//! Every read of one project: parse the keys, ask the storage, turn the answer into objects.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use trackway_event::{Kind, ProblemCode};
use trackway_store::query::{
    By, Compare, Depth, EventsAsk, IssueTab, OverviewAsk, Protocol, SessionTab, SessionsAsk, ToolPreset,
    ToolsAsk,
};

use super::ask::{Asked, Keys};
use super::objects::*;
use crate::auth::InProject;
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

pub(super) type Answer<T> = Result<Json<T>, Problem>;
pub(super) type Names = Path<HashMap<String, String>>;

/// Headline figures, series and short lists of a period. `cmp=prev` adds the period before, `cmp=week` the same days of whole weeks before.
#[utoipa::path(get, path = "/api/v1/projects/{p}/overview", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = OverviewObject), (status = 404, body = ProblemBody)))]
pub(super) async fn overview(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<OverviewObject> {
    let compare = match asked.get("cmp") {
        None | Some("none") => Compare::None,
        Some("prev") => Compare::Previous,
        Some("week") => Compare::Weeks,
        Some(_) => return Err(Problem::new(ProblemCode::BadRequest, "cmp is prev, week or none")),
    };
    let (key, period) = (at.project.key, asked.scope.period);
    let ask = OverviewAsk { scope: asked.scope, compare };
    let overview = state.ask("overview", move |store| store.overview(key, &ask)).await?;
    Ok(Json(OverviewObject::of(at.project.id.as_str(), period, overview)))
}

/// Sessions of a period. `tab` is `worth`, `failed`, `stuck`, `asked` or absent.
#[utoipa::path(get, path = "/api/v1/projects/{p}/sessions", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = List<SessionObject>), (status = 404, body = ProblemBody)))]
pub(super) async fn sessions(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<List<SessionObject>> {
    let tab = asked.get("tab").map_or(Some(SessionTab::All), SessionTab::parse);
    let tab = tab
        .ok_or_else(|| Problem::new(ProblemCode::BadRequest, "tab is all, worth, failed, stuck or asked"))?;
    let key = at.project.key;
    let ask = SessionsAsk { scope: asked.scope, page: asked.page, sort: asked.sort, tab };
    let page = state.ask("sessions", move |store| store.sessions(key, &ask)).await?;
    Ok(Json(List::of(page, |row| SessionObject::of(at.project.id.as_str(), row))))
}

/// One session; an id that was merged away answers with the session it went into.
#[utoipa::path(get, path = "/api/v1/projects/{p}/sessions/{id}", tag = "read", params(("p" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = SessionObject), (status = 404, body = ProblemBody)))]
pub(super) async fn session(
    State(state): State<AppState>,
    at: InProject,
    names: Names,
) -> Answer<SessionObject> {
    let (key, id) = (at.project.key, name(&names, "id"));
    let found = state.ask("session", move |store| store.session(key, &id)).await?;
    Ok(Json(SessionObject::of(at.project.id.as_str(), found.ok_or_else(Problem::not_found)?)))
}

/// Other sessions that carried the same conversation handle of the client, in order of time; at most twelve. A client that sends no
/// such handle has none.
#[utoipa::path(get, path = "/api/v1/projects/{p}/sessions/{id}/siblings", tag = "read",
    params(("p" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = List<SessionObject>), (status = 404, body = ProblemBody)))]
pub(super) async fn siblings(
    State(state): State<AppState>,
    at: InProject,
    names: Names,
) -> Answer<List<SessionObject>> {
    let (key, id) = (at.project.key, name(&names, "id"));
    let found = state
        .ask("siblings", move |store| match store.session(key, &id)? {
            Some(session) => store.siblings(key, session.id.as_str()).map(Some),
            None => Ok(None),
        })
        .await?;
    let items = found.ok_or_else(Problem::not_found)?;
    let page = trackway_store::query::Page { items, next: None, total: None, partial: None };
    Ok(Json(List::of(page, |row| SessionObject::of(at.project.id.as_str(), row))))
}

/// Events of one session in order of time.
#[utoipa::path(get, path = "/api/v1/projects/{p}/sessions/{id}/events", tag = "read",
    params(("p" = String, Path), ("id" = String, Path), Keys),
    responses((status = 200, body = List<EventObject>), (status = 404, body = ProblemBody)))]
pub(super) async fn session_events(
    State(state): State<AppState>,
    at: InProject,
    names: Names,
    asked: Asked,
) -> Answer<List<EventObject>> {
    let (key, id, page) = (at.project.key, name(&names, "id"), asked.page);
    let found = state
        .ask("session_events", move |store| {
            if store.session(key, &id)?.is_none() {
                return Ok(None);
            }
            store.session_events(key, &id, &page).map(Some)
        })
        .await?;
    let page = found.ok_or_else(Problem::not_found)?;
    Ok(Json(List::of(page, |row| EventObject::of(at.project.id.as_str(), row))))
}

/// Events of a period, newest first. `protocol=true` shows protocol noise too.
#[utoipa::path(get, path = "/api/v1/projects/{p}/events", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = List<EventObject>), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(super) async fn events(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<List<EventObject>> {
    let protocol = if asked.get("protocol") == Some("true") { Protocol::Shown } else { Protocol::Hidden };
    let key = at.project.key;
    let ask = EventsAsk { scope: asked.scope, page: asked.page, protocol };
    let page = state.ask("events", move |store| store.events(key, &ask)).await?;
    Ok(Json(List::of(page, |row| EventObject::of(at.project.id.as_str(), row))))
}

/// One event with arguments and result.
#[utoipa::path(get, path = "/api/v1/projects/{p}/events/{id}", tag = "read", params(("p" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = EventDetailObject), (status = 404, body = ProblemBody)))]
pub(super) async fn event(
    State(state): State<AppState>,
    at: InProject,
    names: Names,
) -> Answer<EventDetailObject> {
    let (key, id) = (at.project.key, name(&names, "id"));
    let found = state.ask("event", move |store| store.event(key, &id)).await?;
    let detail = found.ok_or_else(Problem::not_found)?;
    Ok(Json(EventDetailObject::of(at.project.id.as_str(), detail)))
}

/// Figures per tool; `kind` is `tool_call` (default), `resource_read` or `prompt_get`. `tab` is `all` (default), `failing`,
/// `slow`, `heavy`, `dead`, `confusing` or `new`.
#[utoipa::path(get, path = "/api/v1/projects/{p}/tools", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = List<ToolObject>), (status = 404, body = ProblemBody)))]
pub(super) async fn tools(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<List<ToolObject>> {
    let kind = match asked.get("kind") {
        None => Kind::ToolCall,
        Some(kind) => Kind::parse(kind)
            .filter(|k| matches!(k, Kind::ToolCall | Kind::ResourceRead | Kind::PromptGet))
            .ok_or_else(|| {
                Problem::new(ProblemCode::BadRequest, "kind is tool_call, resource_read or prompt_get")
            })?,
    };
    let key = at.project.key;
    let preset = ToolPreset::parse(asked.get("tab").unwrap_or("all")).ok_or_else(|| {
        let why = "tab is all, failing, slow, heavy, dead, confusing or new";
        Problem::new(ProblemCode::BadRequest, why)
    })?;
    let ask = ToolsAsk {
        scope: asked.scope,
        kind,
        sort: asked.sort,
        preset,
        depth: Depth::Whole,
        page: asked.page,
    };
    let page = state.ask("tools", move |store| store.tools(key, &ask)).await?;
    Ok(Json(List::of(page, ToolObject::from)))
}

/// One tool with its series, failures and callers.
#[utoipa::path(get, path = "/api/v1/projects/{p}/tools/{name}", tag = "read", params(("p" = String, Path), ("name" = String, Path), Keys),
    responses((status = 200, body = ToolDetailObject), (status = 404, body = ProblemBody)))]
pub(super) async fn tool(
    State(state): State<AppState>,
    at: InProject,
    names: Names,
    asked: Asked,
) -> Answer<ToolDetailObject> {
    let (key, tool, scope) = (at.project.key, name(&names, "name"), asked.scope);
    let found = state.ask("tool", move |store| store.tool(key, &tool, &scope)).await?;
    Ok(Json(ToolDetailObject::of(at.project.id.as_str(), found.ok_or_else(Problem::not_found)?)))
}

/// Error groups of a period, those that want a person first. `tab` is `open` (default), `resolved`, `archived` or `all`.
#[utoipa::path(get, path = "/api/v1/projects/{p}/issues", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = IssueListObject), (status = 404, body = ProblemBody)))]
pub(super) async fn issues(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<IssueListObject> {
    let tab = match asked.get("tab") {
        None | Some("open") => IssueTab::Open,
        Some("all") => IssueTab::All,
        Some("resolved") => IssueTab::Resolved,
        Some("archived") => IssueTab::Archived,
        Some(_) => {
            return Err(Problem::new(ProblemCode::BadRequest, "tab is all, open, resolved or archived"));
        }
    };
    let (key, ask) = (at.project.key, asked.list());
    let list = state.ask("issues", move |store| store.issues(key, &ask, tab)).await?;
    let recovery = list.recovery.into();
    Ok(Json(IssueListObject { list: List::of(list.page, IssueObject::from), recovery }))
}

/// One error group with its newest events.
#[utoipa::path(get, path = "/api/v1/projects/{p}/issues/{id}", tag = "read", params(("p" = String, Path), ("id" = u64, Path), Keys),
    responses((status = 200, body = IssueDetailObject), (status = 404, body = ProblemBody)))]
pub(super) async fn issue(
    State(state): State<AppState>,
    at: InProject,
    names: Names,
    asked: Asked,
) -> Answer<IssueDetailObject> {
    let id: u64 = name(&names, "id").parse().map_err(|_| Problem::not_found())?;
    let (key, scope) = (at.project.key, asked.scope);
    let found = state.ask("issue", move |store| store.issue(key, id, &scope)).await?;
    Ok(Json(IssueDetailObject::of(at.project.id.as_str(), found.ok_or_else(Problem::not_found)?)))
}

/// Figures per client and version.
#[utoipa::path(get, path = "/api/v1/projects/{p}/clients", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = List<ClientObject>), (status = 404, body = ProblemBody)))]
pub(super) async fn clients(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<List<ClientObject>> {
    let (key, scope) = (at.project.key, asked.scope);
    let rows = state.ask("clients", move |store| store.clients(key, &scope)).await?;
    Ok(Json(List { items: rows.into_iter().map(ClientObject::from).collect(), next: None, partial: None }))
}

/// What the newest calls tell of each client, model, revision, recorder or person.
#[utoipa::path(get, path = "/api/v1/projects/{p}/ways/{by}", tag = "read", params(("p" = String, Path), ("by" = String, Path, description = "client, model, protocol, recorder or person"), Keys),
    responses((status = 200, body = WaysObject), (status = 404, body = ProblemBody)))]
pub(super) async fn ways(
    State(state): State<AppState>,
    at: InProject,
    names: Names,
    asked: Asked,
) -> Answer<WaysObject> {
    let word = name(&names, "by");
    let all = [By::Client, By::Model, By::Protocol, By::Recorder, By::Person];
    let by = all.into_iter().find(|by| by_word(*by) == word).ok_or_else(Problem::not_found)?;
    let (key, scope) = (at.project.key, asked.scope);
    let found = state.ask("ways", move |store| store.ways(key, &scope, by)).await?;
    Ok(Json(WaysObject::of(by, found)))
}

/// What agents came for, by matter: their intents clustered by words.
#[utoipa::path(get, path = "/api/v1/projects/{p}/intents", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, body = IntentsObject), (status = 404, body = ProblemBody)))]
pub(super) async fn intents(
    State(state): State<AppState>,
    at: InProject,
    asked: Asked,
) -> Answer<IntentsObject> {
    let (key, scope) = (at.project.key, asked.scope);
    Ok(Json(state.ask("intents", move |store| store.intents(key, &scope)).await?.into()))
}

pub(super) fn name(names: &Names, key: &str) -> String {
    names.get(key).cloned().unwrap_or_default()
}
