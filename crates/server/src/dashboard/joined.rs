//! Fragments of one conversation above its replay (D14): what continues what, by which evidence and how sure that is, with a
//! way to part them and to join them again.

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::ProblemCode;
use trackway_store::query::{Aside, Evidence, Joined, SessionRow};

use super::icons::{Icon, icon};
use super::place::Place;
use super::visit::{self, Visit};
use super::{format, hostile, link};
use crate::api::people::change_joined;
use crate::problem::Problem;

/// The form that parts a session or joins it again.
#[derive(Debug, Deserialize)]
pub(crate) struct JoinedForm {
    /// The session that goes on.
    later: String,
    /// `part` or `join`.
    act: String,
}

/// `POST /p/{p}/joined`
pub(crate) async fn change(visit: Visit, Path(_): Path<String>, Form(form): Form<JoinedForm>) -> Response {
    let refuse =
        |code, why: &str| visit::problem_page(visit.guest.theme, &Problem::new(code, why.to_owned()));
    let aside = match form.act.as_str() {
        "part" => Aside::Withdraw,
        "join" => Aside::Restore,
        _ => return refuse(ProblemCode::BadRequest, "the form says neither part nor join"),
    };
    let (state, who) = (&visit.guest.state, visit.guest.viewer.actor());
    match change_joined(state, &visit.project, form.later.clone(), aside, who).await {
        Ok(true) => Redirect::to(&link::session(visit.project.id.as_str(), &form.later)).into_response(),
        Ok(false) => refuse(ProblemCode::NotFound, "this session continues no other"),
        Err(problem) => visit::problem_page(visit.guest.theme, &problem),
    }
}

/// What is said above a replay; nothing where the session is whole.
pub(crate) fn notes(session: &SessionRow, may_change: bool, place: &Place<'_>) -> Markup {
    html! { @for one in &session.joined {
        p.strip.info data-testid="joined" { (icon(Icon::Info)) span {
            span.mono { (hostile::line(one.later.as_str(), 48)) }
            @match one.aside {
                Aside::Restore => { " goes on where " span.mono { (hostile::line(one.earlier.as_str(), 48)) } " ended, " (format::span(one.gap_us)) " later: "
                    (reason(one)) ", " (one.confidence) "% sure. Both are shown as one session; no event was changed." }
                Aside::Withdraw => { " was parted from " span.mono { (hostile::line(one.earlier.as_str(), 48)) } " here." }
            }
            @if may_change { " " (form(one, place)) }
        } }
    } }
}

fn form(one: &Joined, place: &Place<'_>) -> Markup {
    let (act, name) = match one.aside {
        Aside::Restore => ("part", "Part them"),
        Aside::Withdraw => ("join", "Join them again"),
    };
    html! { form.inline method="post" action=(link::path(place.project, "joined")) {
        input type="hidden" name="later" value=(one.later.as_str());
        input type="hidden" name="act" value=(act);
        button { (name) }
    } }
}

const fn reason(one: &Joined) -> &'static str {
    match one.evidence {
        Evidence::Process => "the same process",
        Evidence::Actor => "the same person with the same client",
        Evidence::Address => "the same address with the same client",
    }
}
