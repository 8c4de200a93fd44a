//! A request for a page: who asks, for which project, with which query and colours; and how it is answered.
//!
//! Extractor of every page's handler. Failing is an HTML page here, never problem+json: unknown and foreign projects look
//! the same (INV-06).

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use maud::{Markup, html};
use trackway_core::period;
use trackway_event::{ProblemCode, Timestamp};
use trackway_store::query::{Period, Scope};
use trackway_store::{Project, Store, View};

use super::frame::{self, Bar, Density, Frame, Theme};
use super::link::{Asked, BadAsk, Params};
use super::place::Place;
use super::{format, panel, parts, views};
use crate::api::views as kept;
use crate::auth::{InProject, Viewer};
use crate::own;
use crate::policy::{ENVIRONMENTS, environments};
use crate::problem::Problem;
use crate::state::AppState;

/// Name of the cookie that holds the theme.
pub(crate) const THEME_COOKIE: &str = "trackway_theme";

/// Name of the cookie that holds how much room rows take.
pub(crate) const DENSITY_COOKIE: &str = "trackway_density";

/// Name of the cookie that holds the reader's time zone, for addresses that name none.
pub(crate) const ZONE_COOKIE: &str = "trackway_tz";

/// Someone signed in, on a page that belongs to no project.
pub(crate) struct Guest {
    /// What handlers share.
    pub state: AppState,
    /// Who asks.
    pub viewer: Viewer,
    /// Projects they may read, the newest activity first.
    pub projects: Vec<Project>,
    /// Their colours.
    pub theme: Theme,
    /// Their rows.
    pub density: Density,
    /// Path of the page.
    pub path: String,
    /// Its query.
    pub params: Params,
    /// The present time.
    pub now: Timestamp,
}

/// Someone signed in, on a page of a project they may read.
pub(crate) struct Visit {
    /// The rest.
    pub guest: Guest,
    /// The project.
    pub project: Project,
    /// Whether htmx asks for a fragment.
    pub wants: Wants,
    /// Base address of this server, as the browser reached it.
    pub origin: String,
    /// What `sel=` names, beside a list.
    panel: Option<panel::Vm>,
    /// Saved views that the reader sees.
    views: Vec<View>,
    /// Environments of the project, to choose from.
    environments: Vec<String>,
    /// Whether the project says who its own people are.
    own_people: bool,
    /// What was typed into the filter box, or the saved view asked for, that cannot be read.
    typed: Option<BadAsk>,
}

/// Page or fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// The whole page.
    Page,
    /// The part htmx swaps.
    Fragment,
}

impl FromRequestParts<AppState> for Guest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let theme = theme_of(&parts.headers);
        let density = cookie(&parts.headers, DENSITY_COOKIE).and_then(Density::parse).unwrap_or_default();
        let trouble = |problem: Problem| problem_page(theme, &problem);
        let viewer = Viewer::from_request_parts(parts, state).await.map_err(trouble)?;
        let params = asked_with_zone(parts).await;
        let mut projects = state.ask("projects", |store| store.projects()).await.map_err(trouble)?;
        projects.retain(|p| viewer.may_read(p.key));
        projects.sort_by_key(|p| std::cmp::Reverse((p.last_event_at, p.created_at)));
        let (path, now) = (parts.uri.path().to_owned(), state.now());
        Ok(Self { state: state.clone(), viewer, projects, theme, density, path, params, now })
    }
}

impl FromRequestParts<AppState> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let mut guest = Guest::from_request_parts(parts, state).await?;
        let found = InProject::from_request_parts(parts, state).await;
        let mut project = found.map_err(|problem| problem_page(guest.theme, &problem))?.project;
        // only the list knows the newest event
        project.last_event_at =
            guest.projects.iter().find(|p| p.key == project.key).and_then(|p| p.last_event_at);
        let is = |name: &str| parts.headers.get(name).is_some_and(|v| v == "true");
        let wants = if is("hx-request") { Wants::Fragment } else { Wants::Page };
        let (views, environments, own_people) = match wants {
            Wants::Page => {
                let (key, who) = (project.key, guest.viewer.actor());
                let of_frame = move |store: &dyn Store| {
                    let mut settings = store.settings(key)?;
                    let set = settings.remove(ENVIRONMENTS).unwrap_or_default();
                    let names = environments(&set).into_iter().map(str::to_owned).collect();
                    let own = settings.remove(own::OWN).is_some_and(|rule| !rule.trim().is_empty());
                    Ok((store.views(key, &who)?, names, own))
                };
                guest.state.ask("views", of_frame).await.unwrap_or_default()
            }
            Wants::Fragment => Default::default(),
        };
        let no_view = guest.params.view.take().and_then(|id| {
            let view = views.iter().find(|v| v.key.0.to_string() == id);
            let params = std::mem::take(&mut guest.params);
            guest.params = match view {
                Some(view) => params.over(&Params::of_query(&view.view.query)),
                None => params,
            };
            let why = format!("there is no saved view {id:?} that you may see; choose another under Views");
            view.is_none().then_some(BadAsk { condition: None, why })
        });
        if guest.params.own.is_some() {
            guest.params.own_people = state.own_people(project.id.as_str()).await;
        }
        let typed = match guest.params.add {
            None => no_view,
            Some(_) => match guest.params.clone().with_typed() {
                Ok(params) => {
                    return Err(Redirect::to(&format!("{}{}", guest.path, params.query())).into_response());
                }
                Err(bad) => {
                    guest.params.add = None;
                    Some(bad)
                }
            },
        };
        let origin = origin_of(&parts.headers, state.options().trusted_proxy);
        let panel = selected_panel(&guest, &project).await;
        Ok(Self { guest, project, wants, origin, panel, views, environments, own_people, typed })
    }
}

impl Guest {
    /// A page that belongs to no project.
    pub(crate) fn page(&self, status: StatusCode, title: &str, body: Markup) -> Response {
        let frame = Frame {
            theme: self.theme,
            density: self.density,
            project: None,
            projects: &self.projects,
            title,
            parent: None,
            at: "setup",
            path: &self.path,
            params: &self.params,
            bar: Bar::Title,
            bad: None,
            now: self.now,
            export: None,
            period: None,
            panel: None,
            environments: &[],
            own_people: false,
            views: html! {},
            status: html! {},
        };
        answer(status, frame::page(&frame, body))
    }
}

impl Visit {
    /// What the storage is asked about.
    ///
    /// # Errors
    /// The period, condition or typed filter that cannot be read.
    pub(crate) fn scope(&self) -> Result<Scope, BadAsk> {
        match &self.typed {
            Some(bad) => Err(bad.clone()),
            None => self.guest.params.scope(self.guest.now),
        }
    }

    /// Saved views that the reader sees, asked anew: a fragment knows none.
    pub(crate) async fn views(&self) -> Vec<View> {
        let (key, who) = (self.project.key, self.guest.viewer.actor());
        self.ask("views", move |store| store.views(key, &who)).await.unwrap_or_default()
    }

    /// The surroundings of a view.
    pub(crate) fn place(&self, period: Period) -> Place<'_> {
        Place {
            project: self.project.id.as_str(),
            path: &self.guest.path,
            params: &self.guest.params,
            period,
            now: self.guest.now,
        }
    }

    /// Asks the storage.
    ///
    /// # Errors
    /// See [`AppState::ask`].
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        name: &'static str,
        question: impl FnOnce(&dyn Store) -> trackway_store::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        self.guest.state.ask(name, question).await
    }

    /// The page around a body.
    pub(crate) fn page(&self, title: &str, at: &str, bar: Bar, body: Markup) -> Response {
        self.framed(StatusCode::OK, title, at, bar, None, body)
    }

    /// The page again after a form that was not taken.
    pub(crate) fn answer_with(&self, status: StatusCode, title: &str, at: &str, body: Markup) -> Response {
        self.framed(status, title, at, Bar::Title, None, body)
    }

    /// 400: the question cannot be asked, and no data is shown.
    pub(crate) fn bad(&self, title: &str, at: &str, bar: Bar, bad: &BadAsk) -> Response {
        self.framed(StatusCode::BAD_REQUEST, title, at, bar, Some(bad), html! {})
    }

    /// The question failed: said in the page, with a way to go on.
    pub(crate) fn failed(&self, title: &str, at: &str, bar: Bar, problem: &Problem) -> Response {
        if matches!(problem.code, ProblemCode::BadRequest | ProblemCode::BadFilter) {
            return self.bad(title, at, bar, &BadAsk { condition: None, why: problem.detail.clone() });
        }
        let params = if problem.code == ProblemCode::BadCursor {
            self.guest.params.top()
        } else {
            self.guest.params.clone()
        };
        let again = format!("{}{}", self.guest.path, params.query());
        let body = parts::failed("This could not be shown.", &problem.detail, &again);
        self.framed(problem.status(), title, at, bar, None, body)
    }

    /// 404 inside a project.
    pub(crate) fn missing(&self, title: &str, at: &str, body: Markup) -> Response {
        self.framed(StatusCode::NOT_FOUND, title, at, Bar::Title, None, body)
    }

    /// The text of a page around a body, for what is sent in parts.
    pub(crate) fn page_text(&self, title: &str, at: &str, bar: Bar, body: Markup) -> String {
        self.framed_text(StatusCode::OK, title, at, bar, None, body).into_string()
    }

    fn framed(
        &self,
        status: StatusCode,
        title: &str,
        at: &str,
        bar: Bar,
        bad: Option<&BadAsk>,
        body: Markup,
    ) -> Response {
        answer(status, self.framed_text(status, title, at, bar, bad, body))
    }

    fn framed_text(
        &self,
        status: StatusCode,
        title: &str,
        at: &str,
        bar: Bar,
        bad: Option<&BadAsk>,
        body: Markup,
    ) -> Markup {
        let took = self.guest.state.now().since(self.guest.now);
        let frame = Frame {
            theme: self.guest.theme,
            density: self.guest.density,
            project: Some(&self.project),
            projects: &self.guest.projects,
            title,
            parent: parent_of(title).map(|list| {
                let listed = self.guest.params.listed().query();
                (list, format!("{}{listed}", super::link::path(self.project.id.as_str(), at)))
            }),
            at,
            path: &self.guest.path,
            params: &self.guest.params,
            bar,
            bad,
            now: self.guest.now,
            export: (status == StatusCode::OK && parent_of(title).is_none())
                .then(|| super::export::of_page(self.project.id.as_str(), at, &self.guest.params))
                .flatten(),
            period: self.guest.params.scope(self.guest.now).ok().map(|scope| scope.period),
            panel: self
                .panel
                .as_ref()
                .filter(|_| status == StatusCode::OK)
                .map(|vm| panel::view(vm, self.project.id.as_str(), &self.guest.path, &self.guest.params)),
            environments: &self.environments,
            own_people: self.own_people,
            views: html! {},
            status: html! {
                @if let Some(last) = self.project.last_event_at { span { "Data to " (format::time(last, &format::day_clock(last))) } }
                @if took > 0 { span { (format::span(took)) } }
            },
        };
        let menu = if bar == Bar::Title {
            html! {}
        } else {
            views::menu(&frame, &self.views, &|view| match view {
                Some(view) => kept::may_change(&self.guest.viewer, &self.project, view),
                None => self.guest.viewer.may_change(self.project.key),
            })
        };
        frame::page(&Frame { views: menu, ..frame }, body)
    }
}

/// Asks for what `sel=` names, but on a replay, whose selection is its own. What cannot be told is left out.
async fn selected_panel(guest: &Guest, project: &Project) -> Option<panel::Vm> {
    let replay = guest.path.contains("/sessions/");
    let selected = panel::Selected::parse(guest.params.sel.as_deref().filter(|_| !replay)?)?;
    let scope = guest.params.scope(guest.now).ok()?;
    let key = project.key;
    guest.state.ask("panel", move |store| panel::load(store, key, &selected, &scope)).await.ok()
}

/// The list that a page of one thing belongs to.
fn parent_of(title: &str) -> Option<&'static str> {
    match title {
        "Session" => Some("Sessions"),
        "Tool" => Some("Tools"),
        "Issue" => Some("Issues"),
        "Person" | "Account" => Some("People"),
        "Listing" => Some("Catalog"),
        _ => None,
    }
}

/// HTML that differs by `HX-Request`.
pub(crate) fn answer(status: StatusCode, body: Markup) -> Response {
    as_page((status, Html(body.into_string())).into_response())
}

/// The headers of a page.
pub(crate) fn as_page(mut response: Response) -> Response {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("hx-request, cookie"));
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    response
}

/// The query of a request; the reader's own zone, or the project's, stands in it where the address names none, and so in
/// every link.
async fn asked_with_zone(parts: &mut Parts) -> Params {
    let mut params = match Asked::from_request_parts(parts, &()).await {
        Ok(Asked(params)) => params,
        Err(never) => match never {},
    };
    if params.tz.is_none() {
        let own = cookie(&parts.headers, ZONE_COOKIE).filter(|name| period::zone(Some(name)).is_ok());
        let of_project = || parts.extensions.get::<ProjectZone>().map(|zone| zone.0.clone());
        params.tz = own.map(str::to_owned).or_else(of_project);
    }
    params
}

/// The zone of the project in the address, for readers who chose none.
#[derive(Clone)]
struct ProjectZone(String);

/// In front of every page: its times are in the zone that the address, the reader or the project names.
pub(crate) async fn in_zone(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut params = asked_with_zone(&mut parts).await;
    let project = parts.uri.path().strip_prefix("/p/").and_then(|rest| rest.split('/').next());
    if let Some(project) = project.filter(|_| params.tz.is_none())
        && let Some(zone) = state.zone_of(project).await
    {
        parts.extensions.insert(ProjectZone(zone.clone()));
        params.tz = Some(zone);
    }
    // a zone that is none is told by the page itself
    let zone = period::zone(params.tz.as_deref()).unwrap_or(period::TimeZone::UTC);
    format::in_zone(zone, next.run(Request::from_parts(parts, body))).await
}

/// The theme in the cookie.
pub(crate) fn theme_of(headers: &HeaderMap) -> Theme {
    cookie(headers, THEME_COOKIE).and_then(Theme::parse).unwrap_or_default()
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies =
        headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    let mut pairs = cookies.filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// 404 without a project's frame.
pub(crate) fn not_there(theme: Theme) -> Response {
    problem_page(theme, &Problem::not_found())
}

/// A whole page for what could not even begin.
pub(crate) fn problem_page(theme: Theme, problem: &Problem) -> Response {
    let title = match problem.code {
        ProblemCode::NotFound | ProblemCode::UnknownProject => "Nothing here",
        ProblemCode::Unauthorized => "Sign in",
        ProblemCode::Forbidden => "Not allowed",
        ProblemCode::Overloaded | ProblemCode::RateLimited => "Busy",
        ProblemCode::BadRequest
        | ProblemCode::BadFilter
        | ProblemCode::BadCursor
        | ProblemCode::MethodNotAllowed
        | ProblemCode::TooLarge
        | ProblemCode::UnsupportedEncoding
        | ProblemCode::Timeout
        | ProblemCode::QueryTimeout
        | ProblemCode::BadHost
        | ProblemCode::Internal
        | ProblemCode::Conflict => "This did not work",
    };
    let body = html! { p { (problem.detail) "." } p { a.button href="/" { "To the start" } } };
    answer(problem.status(), frame::bare(theme, title, body))
}

/// The address the browser used, for the lines a reader copies.
fn origin_of(headers: &HeaderMap, behind_proxy: bool) -> String {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let host = text("host").unwrap_or("127.0.0.1:7431");
    let scheme = if behind_proxy && text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    format!("{scheme}://{host}")
}
