//! Saved views (`dashboard.md` §3): a page with what was asked of it, by a name. The menu in the bar, and its forms.
//!
//! `view=ID` in an address fills in the keys it leaves out; the links of the page then name every key, so that what is passed
//! on does not change with the view. The time zone is the reader's and never part of a view.

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::{Timestamp, limits};
use trackway_store::{Sharing, View, ViewKey};

use super::frame::{Frame, NAV};
use super::hostile;
use super::icons::{Icon, icon};
use super::link::{self, Params};
use super::visit::{self, Visit};
use crate::api::views::{self as kept, Wanted};

/// Pages without a question to keep.
const PLAIN: &[&str] = &["settings", "setup"];

/// The canonical query of a page, if it can be asked.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn canonical(page: &str, query: &str, now: Timestamp) -> Result<String, String> {
    let known = NAV.iter().map(|entry| entry.path).filter(|path| !PLAIN.contains(path));
    if !known.clone().any(|path| path == page) {
        return Err(format!(
            "there is no page {page:?} to keep; use one of {}",
            known.collect::<Vec<_>>().join(", ")
        ));
    }
    if query.len() > limits::URL_BYTES {
        return Err("the question is too long to keep; leave some filters out".into());
    }
    let params = Params::of_query(query.trim_start_matches('?')).with_typed().map_err(|bad| bad.why)?;
    let params = bare(&params);
    params.scope(now).map_err(|bad| bad.why)?;
    Ok(params.query().trim_start_matches('?').to_owned())
}

/// What of a page's keys a view keeps.
fn bare(params: &Params) -> Params {
    Params { tz: None, view: None, since: None, ..params.top() }
}

/// The address of a view.
pub(crate) fn href(project: &str, view: &View) -> String {
    let path = link::path(project, &view.view.page);
    if view.view.query.is_empty() { path } else { format!("{path}?{}", view.view.query) }
}

/// The form that saves or changes a view.
#[derive(Debug, Deserialize)]
pub(crate) struct ViewForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    page: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    sharing: String,
}

impl ViewForm {
    fn wanted(&self) -> Wanted {
        let sharing = if self.sharing == "project" { Sharing::Project } else { Sharing::Mine };
        Wanted { name: self.name.clone(), page: self.page.clone(), query: self.query.clone(), sharing }
    }
}

/// `POST /p/{p}/views`
pub(crate) async fn save(visit: Visit, Path(_): Path<String>, Form(form): Form<ViewForm>) -> Response {
    let guest = &visit.guest;
    match kept::save(&guest.state, &visit.project, &guest.viewer, form.wanted()).await {
        Ok(view) => Redirect::to(&href(visit.project.id.as_str(), &view)).into_response(),
        Err(problem) => visit::problem_page(guest.theme, &problem),
    }
}

/// `POST /p/{p}/views/{id}`: another name, query and sharing.
pub(crate) async fn change(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    Form(form): Form<ViewForm>,
) -> Response {
    let guest = &visit.guest;
    let Ok(id) = id.parse().map(ViewKey) else { return visit::not_there(guest.theme) };
    match kept::change(&guest.state, &visit.project, &guest.viewer, id, form.wanted()).await {
        Ok(()) => Redirect::to(&back(&visit, &form)).into_response(),
        Err(problem) => visit::problem_page(guest.theme, &problem),
    }
}

/// `POST /p/{p}/views/{id}/delete`
pub(crate) async fn delete(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    Form(form): Form<ViewForm>,
) -> Response {
    let guest = &visit.guest;
    let Ok(id) = id.parse().map(ViewKey) else { return visit::not_there(guest.theme) };
    match kept::delete(&guest.state, &visit.project, &guest.viewer, id).await {
        Ok(()) => Redirect::to(&back(&visit, &form)).into_response(),
        Err(problem) => visit::problem_page(guest.theme, &problem),
    }
}

/// The page that the form was on.
fn back(visit: &Visit, form: &ViewForm) -> String {
    let page = NAV.iter().map(|entry| entry.path).find(|path| *path == form.page).unwrap_or("overview");
    let params = Params::of_query(form.query.trim_start_matches('?'));
    format!("{}{}", link::path(visit.project.id.as_str(), page), params.query())
}

/// The menu in the bar: views of this page, and a form that keeps what is seen; nothing where there is nothing to keep.
pub(crate) fn menu(frame: &Frame<'_>, views: &[View], may: &dyn Fn(Option<&View>) -> bool) -> Markup {
    let Some(project) = frame.project.filter(|_| !PLAIN.contains(&frame.at)) else { return html! {} };
    let project = project.id.as_str();
    let here: Vec<&View> = views.iter().filter(|v| v.view.page == frame.at).collect();
    let asked = bare(frame.params).query().trim_start_matches('?').to_owned();
    let current = here.iter().find(|v| v.view.query == asked);
    if here.is_empty() && !may(None) {
        return html! {};
    }
    let own = link::path(project, "views");
    let hidden = html! { input type="hidden" name="page" value=(frame.at); input type="hidden" name="query" value=(asked); };
    html! {
        details.menu.views data-testid="views" {
            summary title="Saved views of this page" { @match current { Some(view) => (hostile::line(&view.view.name, 24)), None => "Views" } (icon(Icon::Down)) }
            div.pop {
                @if here.is_empty() { p.quiet { "No saved view of this page yet." } } @else {
                    ul { @for view in &here {
                        @let is = current.is_some_and(|c| c.key == view.key);
                        li { a href=(href(project, view)) aria-current=[is.then_some("true")] data-testid="view" {
                            span.name { (hostile::line(&view.view.name, 60)) }
                            span.id { @if view.view.sharing == Sharing::Project { "shared by " (hostile::line(&view.view.owner, 30)) } @else { "only yours" } }
                        } }
                    } }
                }
                @if may(None) && current.is_none() {
                    form.fields method="post" action=(own) data-testid="save-view" {
                        (hidden)
                        label for="view-name" { "Keep what is shown" }
                        span.row {
                            input #view-name name="name" placeholder="Name" required maxlength=(limits::VIEW_NAME_CHARS) autocomplete="off";
                            button { "Save" }
                        }
                        label.switch { input type="checkbox" name="sharing" value="project"; " Everyone of this project sees it" }
                    }
                }
                @if let Some(view) = current.filter(|view| may(Some(view))) {
                    form.fields method="post" action=(format!("{own}/{}", view.key.0)) data-testid="change-view" {
                        (hidden)
                        label for="view-name" { "This view" }
                        span.row {
                            input #view-name name="name" value=(view.view.name) required maxlength=(limits::VIEW_NAME_CHARS) autocomplete="off";
                            button { "Rename" }
                        }
                        label.switch { input type="checkbox" name="sharing" value="project" checked[view.view.sharing == Sharing::Project]; " Everyone of this project sees it" }
                    }
                    form method="post" action=(format!("{own}/{}/delete", view.key.0)) { (hidden) button.quiet { "Delete this view" } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_can_be_asked() {
        let now = Timestamp::from_millis(1_767_323_045_000);
        for (page, query, expect) in [
            (
                "sessions",
                "?tz=Europe/Berlin&sel=evt_1&after=x&from=now-30d&f=tool:eq:a",
                Ok("from=now-30d&f=tool:eq:a"),
            ),
            ("tools", "add=-tool:x%20refund", Ok("f=tool:ne:x&q=refund")),
            ("overview", "", Ok("")),
            ("settings", "", Err("no page")),
            ("../x", "", Err("no page")),
            ("tools", "f=tol:eq:x", Err("did you mean")),
            ("tools", "from=yesterday", Err("yesterday")),
        ] {
            match (canonical(page, query, now), expect) {
                (Ok(got), Ok(expect)) => assert_eq!(got, expect),
                (Err(why), Err(expect)) => assert!(why.contains(expect), "{why}"),
                (got, expect) => panic!("{page} {query}: {got:?}, not {expect:?}"),
            }
        }
    }

    #[test]
    fn explicit_keys_override_a_view() {
        let view = Params::of_query("from=now-30d&f=tool:eq:a&sort=-calls");
        for (asked, expect) in [
            ("view=1", "?from=now-30d&f=tool:eq:a&sort=-calls"),
            ("view=1&from=now-24h", "?from=now-24h&f=tool:eq:a&sort=-calls"),
            ("f=tool:eq:b&view=1&tz=UTC", "?tz=UTC&from=now-30d&f=tool:eq:b&sort=-calls"),
        ] {
            let merged = Params::of_query(asked).over(&view).query();
            let sorted = |q: &str| {
                let mut parts: Vec<String> =
                    q.trim_start_matches('?').split('&').map(str::to_owned).collect();
                parts.sort();
                parts
            };
            assert_eq!(sorted(&merged), sorted(expect), "{asked}");
        }
    }
}
