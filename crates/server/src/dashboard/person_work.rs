//! What a person's page adds to what is known of them (`dashboard.md` §7.10): how well it goes for them, on which days they came,
//! their data to take along, and its deletion by typing their id, with a receipt.
//!
//! Called by [`super::person`]. Invariant: nothing is deleted unless the typed id is one of this person's; the receipt names nobody.

use axum::extract::{Form, Path};
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::{ProblemCode, Timestamp};
use trackway_store::query::{By, PersonDetail, Way};
use trackway_store::{Act, Erased, NewAudit, ProjectKey, Store};

use super::clients::{names, share};
use super::icons::{Icon, icon};
use super::link::{self, Params};
use super::place::Place;
use super::visit::{self, Visit};
use super::{format, hostile};
use crate::problem::Problem;

const DAY_US: i64 = 86_400_000_000;
/// Weeks of the calendar.
const WEEKS: i64 = 12;
/// Side of a day's square, and the step to the next.
const SIDE: i64 = 11;
const STEP: i64 = 14;

/// What the newest calls of a person tell.
pub(super) fn way_of(
    store: &dyn Store,
    key: ProjectKey,
    id: &str,
    now: Timestamp,
) -> trackway_store::Result<Way> {
    let all = Params { from: Some("2000-01-01".into()), ..Params::default() };
    // An id that no condition can hold has no figures here; its sessions are listed all the same.
    let Ok(scope) = all.and("person", "eq", id).scope(now) else { return Ok(Way::default()) };
    Ok(store.ways(key, &scope, By::Person)?.items.into_iter().next().unwrap_or_default())
}

/// Figures, and the days they came.
pub(super) fn figures(person: &PersonDetail, way: &Way, place: &Place<'_>) -> Markup {
    html! {
        section.panel {
            h2 { "How it goes for them" }
            dl.signals {
                div { dt { "Failed" } dd { (share(way.failed, way.finished, "no finished call")) } }
                div { dt { "First try" } dd { (share(way.attempts.first, way.attempts.chains, "no attempt")) } }
                div { dt { "Tokens a session" } dd { @match way.tokens.checked_div(way.sessions) { Some(n) => (format::tokens(n)), None => (format::unknown("no session with a call")) } } }
                div { dt { "Says why" } dd { (share(way.intents, way.calls, "no call")) } }
            }
            p.facts {
                span { span.dim { "Tools " } (names(&way.tools, "no call")) }
                span { span.dim { "Clients " } (names(&way.clients, "no call")) }
            }
            (calendar(&person.active_days, place.now))
        }
    }
}

/// The last weeks, a square a day (UTC), a column a week.
fn calendar(active: &[Timestamp], now: Timestamp) -> Markup {
    let today = now.micros().div_euclid(DAY_US);
    // 1 January 1970 was a Thursday; weeks begin on Monday.
    let monday = today - (today + 3).rem_euclid(7);
    let first = monday - (WEEKS - 1) * 7;
    let days: Vec<i64> =
        active.iter().map(|d| d.micros().div_euclid(DAY_US)).filter(|d| *d >= first).collect();
    let label =
        format!("Came on {} of the last {WEEKS} weeks", format::counted(days.len() as u64, "day", "days"));
    html! {
        figure.calendar {
            svg width=(WEEKS * STEP) height=(7 * STEP) role="img" aria-label=(label) {
                @for day in first..=today {
                    @let at = day - first;
                    rect.on[days.contains(&day)] x=(at / 7 * STEP) y=(at % 7 * STEP) width=(SIDE) height=(SIDE) { title { (format::day(Timestamp::from_micros(day * DAY_US))) @if days.contains(&day) { ": came" } } }
                }
            }
            figcaption.dim { (label) "." }
        }
    }
}

/// Their data as a file, and its deletion, for admins.
pub(super) fn data(person: &PersonDetail, may_delete: bool, place: &Place<'_>) -> Markup {
    let id = person.row.actor.id.as_str();
    let kept = !matches!(id, "" | "." | "..");
    html! {
        section.panel.stepbox #their-data {
            h2 { "Their data" }
            @if kept { p { a href=(format!("/api/v1/projects/{}/people/{}", link::encode(place.project), link::encode(id))) download="person.json" { "What is known of them, as JSON" } } }
            p.dim { "All of it with every event and payload, on the server's machine: " code { "trackway person export ID --project " (place.project) } }
            @if may_delete && kept {
                form.settings method="post" action=(format!("{}/{}/delete", link::path(place.project, "people"), link::encode(id))) {
                    div.setting {
                        label for="typed-id" { "Delete this person: type their id" }
                        input #typed-id name="typed" autocomplete="off" spellcheck="false" maxlength="400" aria-describedby="typed-help";
                        p.help.dim id="typed-help" { "Their sessions and events go for good, and what they share with others loses its name. Figures keep what they counted." }
                    }
                    div.row { button { "Delete" } }
                }
            }
        }
    }
}

/// The form that deletes a person.
#[derive(Debug, Deserialize)]
pub(crate) struct DeleteForm {
    #[serde(default)]
    typed: String,
}

/// `POST /p/{p}/people/{person}/delete`
pub(crate) async fn delete(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    Form(form): Form<DeleteForm>,
) -> Response {
    let (title, at) = ("Person", "people");
    let back = format!("{}/{}", link::path(visit.project.id.as_str(), "people"), link::encode(&id));
    if form.typed.trim() != id {
        let body = html! {
            div.strip.fail role="alert" tabindex="-1" autofocus data-testid="form-error" { (icon(Icon::Fail)) span { b { "Nothing was deleted." } " What was typed is not their id, " span.mono { (hostile::line(&id, 80)) } "." } }
            p { a.button href=(format!("{back}#their-data")) { "Back to the person" } }
        };
        return visit.answer_with(StatusCode::BAD_REQUEST, title, at, body);
    }
    let (key, now) = (visit.project.key, visit.guest.now);
    let act = NewAudit::new(visit.guest.viewer.actor(), Act::PersonDelete, "one person");
    let act = act.of(visit.project.id.as_str());
    let asked = id.clone();
    let erased = visit.ask("erase_person", move |store| {
        if store.person(key, &asked)?.is_none() {
            return Ok(None);
        }
        let erased = store.erase_person(key, &asked, now)?;
        if let Some(erased) = &erased {
            let detail = format!("{} sessions, {} events", erased.sessions, erased.events);
            store.note(act.detail(detail), now)?;
        }
        Ok(erased)
    });
    match erased.await {
        Ok(Some(erased)) => {
            let place = visit.place(trackway_store::query::Period { from: Timestamp::ZERO, to: now });
            visit.page(
                title,
                at,
                super::frame::Bar::Title,
                receipt(&erased, &visit.guest.viewer.actor(), &place),
            )
        }
        Ok(None) => {
            let problem =
                Problem::new(ProblemCode::NotFound, "nobody here has this id; they may be deleted already");
            visit::problem_page(visit.guest.theme, &problem)
        }
        Err(problem) => visit.failed(title, at, super::frame::Bar::Title, &problem),
    }
}

/// What went, when and by whom.
fn receipt(erased: &Erased, who: &str, place: &Place<'_>) -> Markup {
    let line = |name: &str, n: u64| html! { li { span.grow { (name) } b { (format::separated(n)) } } };
    html! {
        section.panel.stepbox data-testid="receipt" {
            h2 { (icon(Icon::Tick)) "The person is deleted" }
            ul.arrivals {
                (line("Ids that were theirs", erased.people))
                (line("Sessions that were theirs alone", erased.sessions))
                (line("Events", erased.events))
                (line("Events in shared sessions, left without a name", erased.anonymous))
                (line("Bodies in quarantine that named them", erased.quarantined))
                li { span.grow { "When" } b { (format::time(place.now, &format::full(place.now))) } }
                li { span.grow { "By" } b { (hostile::line(who, 80)) } }
            }
            p.dim { "The log keeps this without their name. A backup restored later repeats the deletion." }
            a.button href=(link::path(place.project, "people")) { "All people" }
        }
    }
}
