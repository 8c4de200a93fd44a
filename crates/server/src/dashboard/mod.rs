//! The dashboard: what a person sees at the server's address (`dashboard.md`).
//!
//! [`PAGES`] is the table of pages; a page is a file with its Vm, its `view` and its handler's question. A new page is a file
//! and a line in the table. Views are pure: `fn view(&Vm, &Place) -> Markup`. Everything is readable without script.
//!
//! - [`frame`], [`bar`], [`keys`]: what is around a page; [`visit`]: who asks for which project with which query
//! - [`late`]: pages whose figures follow; [`link`]: the URL grammar; [`hostile`], [`format`], [`json_tree`]: captured text, numbers, payloads
//! - [`views`]: saved views; [`panel`]: one thing beside a list; [`jump`]: search or jump
//! - [`columns`], [`session_table`]: what a list shows of a row; [`export`]: every list as a file
//! - [`track`], [`chart`], [`icons`]: drawings; [`assets`]: the embedded files
//!
//! Invariants: captured strings reach a page only through [`hostile`]; rows of a project only after `AppState::project_of`
//! (INV-06); no inline script, style or handler, so that the content policy can forbid them.

mod accounts;
mod actions;
mod assets;
mod bar;
mod catalog;
mod catalog_cost;
mod catalog_diff;
mod chart;
mod checklist;
mod clients;
mod columns;
mod detail;
mod export;
mod flags;
mod format;
mod frame;
mod goals;
mod goals_coverage;
mod goals_matters;
mod hostile;
mod icons;
mod issue_apart;
mod issue_bulk;
mod issue_talk;
mod issue_work;
mod issues;
mod joined;
mod json_tree;
mod jump;
mod keys;
mod late;
mod link;
mod lists;
mod live;
mod login;
mod needs;
mod overview;
mod pages;
mod panel;
mod parts;
mod payload;
mod people;
mod person;
mod person_work;
mod place;
mod replay;
mod rounds;
mod session_group;
mod session_table;
mod sessions;
mod settings;
mod settings_health;
mod settings_keep;
mod settings_members;
mod setup;
mod steps;
mod stitched;
#[cfg(test)]
mod tests;
mod tool_close;
mod tool_detail;
mod tool_list;
mod tool_scatter;
mod tools;
mod track;
pub(crate) mod views;
mod visit;
mod wanted;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use maud::Markup;

use crate::auth::{Access, guard};
use crate::state::AppState;

/// A page or an action of the dashboard.
pub struct PageRoute {
    /// HTTP method.
    pub method: &'static str,
    /// Path; `{p}` is a project.
    pub path: &'static str,
    /// What it asks of the caller.
    pub access: Access,
    handler: fn() -> MethodRouter<AppState>,
}

const fn page(path: &'static str, handler: fn() -> MethodRouter<AppState>) -> PageRoute {
    PageRoute { method: "GET", path, access: Access::Page, handler }
}

/// What members and above may do.
const fn action(path: &'static str, handler: fn() -> MethodRouter<AppState>) -> PageRoute {
    PageRoute { method: "POST", path, access: Access::Change, handler }
}

/// What admins and above may do.
const fn admin_action(path: &'static str, handler: fn() -> MethodRouter<AppState>) -> PageRoute {
    PageRoute { method: "POST", path, access: Access::Admin, handler }
}

/// What concerns nobody but the reader.
const fn own_action(path: &'static str, handler: fn() -> MethodRouter<AppState>) -> PageRoute {
    PageRoute { method: "POST", path, access: Access::Page, handler }
}

/// Every page and action. The navigation shows [`frame::NAV`].
pub const PAGES: &[PageRoute] = &[
    page("/", || get(pages::home)),
    page("/setup", || get(pages::new_project)),
    page("/projects/new", || get(pages::new_project)),
    admin_action("/projects/new", || post(actions::create_project)),
    admin_action("/setup/adopt", || post(actions::adopt)),
    own_action("/theme", || post(actions::theme)),
    own_action("/zone", || post(actions::zone)),
    own_action("/density", || post(actions::density)),
    page("/p/{p}", || get(pages::project_home)),
    page("/p/{p}/overview", || get(pages::overview)),
    page("/p/{p}/live", || get(pages::live)),
    page("/p/{p}/live/rows", || get(pages::live_rows)),
    page("/p/{p}/sessions", || get(pages::sessions)),
    page("/p/{p}/sessions/{id}", || get(pages::session)),
    page("/p/{p}/payload/{event}/{part}", || get(payload::show)),
    page("/p/{p}/tools", || get(tools::show)),
    page("/p/{p}/tools/{tool}", || get(tools::show_one)),
    page("/p/{p}/issues", || get(issues::show)),
    page("/p/{p}/issues/{issue}", || get(issues::show_one)),
    action("/p/{p}/issues/{issue}/act", || post(issue_work::act)),
    action("/p/{p}/bulk/issues", || post(issue_bulk::act_on_many)),
    page("/p/{p}/goals", || get(goals::show)),
    action("/p/{p}/goals/wish", || post(goals::note)),
    page("/p/{p}/catalog", || get(catalog::show)),
    page("/p/{p}/catalog/{hash}", || get(catalog_diff::show)),
    page("/p/{p}/clients", || get(clients::show)),
    page("/p/{p}/people", || get(people::show)),
    page("/p/{p}/people/{person}", || get(person::show)),
    admin_action("/p/{p}/people/{person}/delete", || post(person_work::delete)),
    action("/p/{p}/joined", || post(joined::change)),
    action("/p/{p}/merge", || post(person::merge)),
    page("/p/{p}/accounts/{type}/{key}", || get(accounts::show_one)),
    page("/p/{p}/settings", || get(settings::show)),
    admin_action("/p/{p}/settings/tokens", || post(settings::make_token)),
    admin_action("/p/{p}/settings/tokens/revoke", || post(settings::revoke_token)),
    admin_action("/p/{p}/settings/keep", || post(settings_keep::change)),
    own_action("/p/{p}/settings/keep/try", || post(settings_keep::try_on)),
    admin_action("/p/{p}/settings/members", || post(settings_members::add)),
    admin_action("/p/{p}/settings/members/remove", || post(settings_members::remove)),
    action("/p/{p}/wanted", || post(wanted::put_aside)),
    action("/p/{p}/views", || post(views::save)),
    action("/p/{p}/views/{id}", || post(views::change)),
    action("/p/{p}/views/{id}/delete", || post(views::delete)),
    page("/p/{p}/export/{file}", || get(export::show)),
    page("/p/{p}/needs", || get(needs::show)),
    page("/p/{p}/jump", || get(jump::go)),
    page("/p/{p}/jump/list", || get(jump::list)),
    page("/p/{p}/setup", || get(pages::setup)),
    action("/p/{p}/setup/test", || post(actions::test_event)),
];

/// Every page, action and asset, each behind the guard of its line.
pub fn routes(state: &AppState) -> Router<AppState> {
    let guarded = |access, handler: MethodRouter<AppState>| {
        handler.route_layer(from_fn_with_state((state.clone(), access), guard))
    };
    let assets = Router::new().route("/assets/{hash}/{name}", guarded(Access::Open, get(assets::serve)));
    let pages = PAGES.iter().fold(Router::new(), |router, route| {
        router.route(route.path, guarded(route.access, (route.handler)()))
    });
    assets.merge(pages.route_layer(from_fn_with_state(state.clone(), visit::in_zone)))
}

/// The sign-in page; `token` is empty where there is none yet.
pub fn login_page(token: &str, next: &str, why: Option<&str>) -> Markup {
    login::page(frame::Theme::System, token, next, why)
}
