//! What a reader can do: choose colours, make or adopt a project, send a test event. POST only; the guard in front checks
//! that the request comes from our own pages.

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use trackway_core::period;
use trackway_event::{Event, EventId, Kind, ProblemCode, ProjectId};
use trackway_store::{Act, NewAudit, NewProject};

use super::frame::{Density, Theme};
use super::link;
use super::pages;
use super::setup::{self, NewVm};
use super::visit::{self, DENSITY_COOKIE, Guest, THEME_COOKIE, Visit, ZONE_COOKIE};
use crate::problem::Problem;

/// The form of `/theme`.
#[derive(Debug, Deserialize)]
pub(crate) struct ThemeForm {
    theme: String,
    #[serde(default)]
    next: String,
}

/// The form of `/density`.
#[derive(Debug, Deserialize)]
pub(crate) struct DensityForm {
    density: String,
    #[serde(default)]
    next: String,
}

/// The form of `/zone`.
#[derive(Debug, Deserialize)]
pub(crate) struct ZoneForm {
    zone: String,
    #[serde(default)]
    next: String,
}

/// The form of `/projects/new`.
#[derive(Debug, Deserialize)]
pub(crate) struct ProjectForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    id: String,
}

/// `POST /theme`: a cookie for a year, then back.
pub(crate) async fn theme(headers: HeaderMap, Form(form): Form<ThemeForm>) -> Response {
    let theme = Theme::parse(&form.theme).unwrap_or_else(|| visit::theme_of(&headers));
    let mut response = Redirect::to(own_path(&form.next)).into_response();
    let cookie =
        format!("{THEME_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly", theme.as_str());
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// `POST /density`: the same for how much room rows take; what is no density changes nothing.
pub(crate) async fn density(Form(form): Form<DensityForm>) -> Response {
    let mut response = Redirect::to(own_path(&form.next)).into_response();
    let known = Density::parse(&form.density).map(Density::as_str);
    let cookie = known
        .map(|word| format!("{DENSITY_COOKIE}={word}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"));
    if let Some(value) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// `POST /zone`: a cookie for a year, then back to the same page in that zone. What is no zone changes nothing, and the page
/// says so.
pub(crate) async fn zone(Form(form): Form<ZoneForm>) -> Response {
    let name: String = form.zone.trim().chars().take(64).collect();
    let next = own_path(&form.next);
    let sign = if next.contains('?') { '&' } else { '?' };
    let mut response = Redirect::to(&format!("{next}{sign}tz={}", link::encode(&name))).into_response();
    let known = !name.is_empty() && period::zone(Some(&name)).is_ok();
    let cookie = format!("{ZONE_COOKIE}={name}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
    if let Some(value) = HeaderValue::from_str(&cookie).ok().filter(|_| known) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// `POST /projects/new`
pub(crate) async fn create_project(guest: Guest, Form(form): Form<ProjectForm>) -> Response {
    create(&guest, form).await
}

/// `POST /setup/adopt`: the project a refused body named; the kept bodies are replayed by the server's watcher.
pub(crate) async fn adopt(guest: Guest, Form(form): Form<ProjectForm>) -> Response {
    let name = form.id.trim().trim_start_matches("proj_").to_owned();
    create(&guest, ProjectForm { name, id: form.id }).await
}

/// `POST /p/{p}/setup/test`
pub(crate) async fn test_event(visit: Visit, Path(_): Path<String>) -> Response {
    if !visit.guest.viewer.may_change(visit.project.key) {
        return visit::problem_page(
            visit.guest.theme,
            &Problem::new(ProblemCode::Forbidden, "sending a test event needs a member"),
        );
    }
    let (now, key) = (visit.guest.now, visit.project.key);
    let digest: [u8; 32] = Sha256::digest(format!("{} {}", now.micros(), visit.project.id)).into();
    let mut random = [0; 16];
    random.copy_from_slice(digest.split_at(16).0);
    let mut event = Event::new(EventId::mint(now, random), Kind::Custom, now);
    event.name = "trackway/test".into();
    event.resource = Some("test event".into());
    let sent = visit.ask("test_event", move |store| store.submit(key, vec![event], now)).await;
    let stored = match sent {
        Ok(receipt) => receipt.await.ok().and_then(Result::ok).is_some(),
        Err(_) => false,
    };
    if stored {
        return Redirect::to(&link::path(visit.project.id.as_str(), "setup")).into_response();
    }
    let problem =
        Problem::new(ProblemCode::Overloaded, "the test event could not be stored; try again in a moment");
    visit::problem_page(visit.guest.theme, &problem)
}

async fn create(guest: &Guest, form: ProjectForm) -> Response {
    if !guest.viewer.is_admin() {
        return visit::problem_page(
            guest.theme,
            &Problem::new(ProblemCode::Forbidden, "making a project needs an admin"),
        );
    }
    let name: String = form.name.trim().chars().filter(|c| !c.is_control()).take(setup::NAME_CHARS).collect();
    let typed = form.id.trim();
    let id = if typed.is_empty() { setup::id_of(&name) } else { typed.to_owned() };
    let wrong = |error: String| NewVm {
        name: form.name.clone(),
        id: typed.to_owned(),
        error: Some(error),
        ..NewVm::default()
    };
    if name.is_empty() {
        return pages::new_page(guest, StatusCode::BAD_REQUEST, wrong("give the project a name".into()))
            .await;
    }
    let id = match ProjectId::parse(&id) {
        Ok(id) => id,
        Err(error) => return pages::new_page(guest, StatusCode::BAD_REQUEST, wrong(error.to_string())).await,
    };
    let now = guest.now;
    let new = NewProject { id, name, demo: false };
    let act = NewAudit::new(guest.viewer.actor(), Act::ProjectCreate, new.id.as_str()).of(new.id.as_str());
    let made = guest.state.ask("create_project", move |store| {
        let project = store.create_project(new, now)?;
        store.note(act, now)?;
        Ok(project)
    });
    match made.await {
        Ok(project) => Redirect::to(&link::path(project.id.as_str(), "setup")).into_response(),
        Err(problem) => pages::new_page(guest, problem.status(), wrong(problem.detail.clone())).await,
    }
}

/// Only an absolute path of this server, never another site.
fn own_path(next: &str) -> &str {
    let tail = next.strip_prefix('/').unwrap_or("/");
    let plain = next.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\');
    if plain && next.starts_with('/') && !tail.starts_with('/') { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_back_to_own_paths_only() {
        for (next, expect) in [
            ("/p/proj_a/sessions?q=x", "/p/proj_a/sessions?q=x"),
            ("//evil.test", "/"),
            ("/\\evil.test", "/"),
            ("https://evil.test", "/"),
            ("", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
        ] {
            assert_eq!(own_path(next), expect, "{next:?}");
        }
    }
}
