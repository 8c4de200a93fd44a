//! Fragments of one conversation above its replay (D14): what continues what, by which evidence and how sure that is, with a
//! way to part them and to join them again; and the same by hand: split here, join with one before (F-87).

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::ProblemCode;
use trackway_store::query::{Aside, Evidence, Joined, SessionBefore, SessionRow};

use super::icons::{Icon, icon};
use super::place::Place;
use super::visit::{self, Visit};
use super::{format, hostile, link};
use crate::api::hand;
use crate::api::people::change_joined;
use crate::problem::Problem;

/// The form that parts a session or joins it again.
#[derive(Debug, Deserialize)]
pub(crate) struct JoinedForm {
    /// The session that goes on.
    #[serde(default)]
    later: String,
    /// The session to join it with.
    #[serde(default)]
    earlier: String,
    /// The event to split before.
    #[serde(default)]
    event: String,
    /// `part`, `join`, `with` or `split`.
    act: String,
}

/// `POST /p/{p}/joined`
pub(crate) async fn change(visit: Visit, Path(_): Path<String>, Form(form): Form<JoinedForm>) -> Response {
    let refuse =
        |code, why: &str| visit::problem_page(visit.guest.theme, &Problem::new(code, why.to_owned()));
    let (state, who, project) = (&visit.guest.state, visit.guest.viewer.actor(), &visit.project);
    let later = form.later.clone();
    let done = match form.act.as_str() {
        "part" => change_joined(state, project, form.later, Aside::Withdraw, who).await,
        "join" => change_joined(state, project, form.later, Aside::Restore, who).await,
        "with" => hand::join(state, project, form.later, form.earlier, who).await,
        "split" => {
            return match hand::split(state, project, form.event, who).await {
                Ok(Some(made)) => to(&visit, made.as_str()),
                Ok(None) => refuse(ProblemCode::NotFound, "no session has this step any more"),
                Err(problem) => visit::problem_page(visit.guest.theme, &problem),
            };
        }
        _ => return refuse(ProblemCode::BadRequest, "the form says neither part, join, with nor split"),
    };
    match done {
        Ok(true) => to(&visit, &later),
        Ok(false) => refuse(ProblemCode::NotFound, "there is no such session, or it continues no other"),
        Err(problem) => visit::problem_page(visit.guest.theme, &problem),
    }
}

fn to(visit: &Visit, session: &str) -> Response {
    Redirect::to(&link::session(visit.project.id.as_str(), session)).into_response()
}

/// What is said above a replay; nothing where the session is whole.
pub(crate) fn notes(session: &SessionRow, may_change: bool, place: &Place<'_>) -> Markup {
    html! { @for one in &session.joined {
        div.strip.info data-testid="joined" { (icon(Icon::Info)) span {
            span.mono { (hostile::line(one.later.as_str(), 48)) }
            @match one.aside {
                Aside::Restore if one.evidence == Evidence::Hand => { " is shown as one with " span.mono { (hostile::line(one.earlier.as_str(), 48)) }
                    @if one.gap_us >= 0 { ", which ended " (format::span(one.gap_us)) " before it" } ": by hand. No event was changed." }
                Aside::Withdraw if one.evidence == Evidence::Hand => { " was split from " span.mono { (hostile::line(one.earlier.as_str(), 48)) } " by hand." }
                Aside::Restore => { " goes on where " span.mono { (hostile::line(one.earlier.as_str(), 48)) } " ended, " (format::span(one.gap_us)) " later: "
                    (reason(one)) ", " (one.confidence) "% sure. Both are shown as one session; no event was changed." }
                Aside::Withdraw => { " was parted from " span.mono { (hostile::line(one.earlier.as_str(), 48)) } " here." }
            }
        } @if may_change { (form(one, place)) } }
    } }
}

fn form(one: &Joined, place: &Place<'_>) -> Markup {
    let (act, name) = match one.aside {
        Aside::Restore if one.evidence == Evidence::Hand => ("part", "Take it back"),
        Aside::Withdraw if one.evidence == Evidence::Hand => ("join", "Undo the split"),
        Aside::Restore => ("part", "Part them"),
        Aside::Withdraw => ("join", "Join them again"),
    };
    html! { form.inline method="post" action=(link::path(place.project, "joined")) {
        input type="hidden" name="later" value=(one.later.as_str());
        input type="hidden" name="act" value=(act);
        button { (name) }
    } }
}

/// Other sessions of the same conversation, by the handle the client sent; nothing where there are none.
pub(crate) fn siblings(siblings: &[SessionRow], place: &Place<'_>) -> Markup {
    html! { @if !siblings.is_empty() {
        p.strip.info data-testid="siblings" { (icon(Icon::Sessions)) span {
            "The client takes this for one conversation with "
            @for (i, one) in siblings.iter().enumerate() {
                @if i > 0 { ", " }
                a href=(link::session(place.project, one.id.as_str())) { (format::row_time(one.started_at, place.now)) }
                " (" (format::counted(one.tool_calls, "call", "calls")) @if one.errors > 0 { ", " (format::count(one.errors)) " failed" } ")"
            }
            "; the sessions are kept apart."
        } }
    } }
}

/// Sessions that this one could be joined with.
pub(crate) fn with(session: &SessionRow, before: &[SessionBefore], place: &Place<'_>) -> Markup {
    html! { @if !before.is_empty() {
        div data-testid="join-with" {
            p.dim { "Shown apart, but one conversation? Join it with a session before:" }
            ul.joins { @for one in before { li { form.inline method="post" action=(link::path(place.project, "joined")) {
                input type="hidden" name="act" value="with";
                input type="hidden" name="later" value=(session.id.as_str());
                input type="hidden" name="earlier" value=(one.id.as_str());
                a href=(link::session(place.project, one.id.as_str())) { (format::row_time(one.started_at, place.now)) ", " (format::counted(one.tool_calls, "call", "calls")) }
                " " button { "Join" }
            } } } }
        }
    } }
}

/// What splits the session before a step.
pub(crate) fn split_here(project: &str, event: &str) -> Markup {
    html! { form.inline method="post" action=(link::path(project, "joined")) data-testid="split" {
        input type="hidden" name="act" value="split";
        input type="hidden" name="event" value=(event);
        button title="From this step on it becomes a session of its own; can be undone" { "Split the session here" }
    } }
}

const fn reason(one: &Joined) -> &'static str {
    match one.evidence {
        Evidence::Process => "the same process",
        Evidence::Actor => "the same person with the same client",
        Evidence::Address => "the same address with the same client",
        Evidence::Hand => "by hand",
    }
}
