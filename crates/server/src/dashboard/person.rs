//! One person (`dashboard.md` §7.10): what is known of them and which event said so, the ids that are theirs and why, with an
//! undo for each, their accounts, sessions and newest steps.

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::{ProblemCode, Timestamp};
use trackway_store::query::{Aside, How, Merging, PersonDetail, Thing, TraitSource, Verdict, Via, Way};

use super::frame::Bar;
use super::late::{self, Sheet};
use super::link;
use super::lists::Whose;
use super::people::written;
use super::place::Place;
use super::visit::{self, Visit};
use super::{accounts, format, hostile, lists, person_work};
use crate::api::people::change_merge;
use crate::problem::Problem;

/// `/p/{p}/people/{person}`
pub(crate) async fn show(visit: Visit, Path((_, id)): Path<(String, String)>) -> Response {
    let (title, at) = ("Person", "people");
    let (key, asked, now) = (visit.project.key, id.clone(), visit.guest.now);
    late::show_one(
        visit,
        Sheet { title, at, bar: Bar::Title },
        "person",
        Thing::Person(id.clone()),
        move |store| match store.person(key, &asked)? {
            Some(person) => {
                let way = person_work::way_of(store, key, person.row.actor.id.as_str(), now)?;
                Ok(Some((person, way)))
            }
            None => Ok(None),
        },
        |(person, way), visit| {
            let period = trackway_store::query::Period { from: Timestamp::ZERO, to: visit.guest.now };
            let may_change = visit.guest.viewer.may_change(visit.project.key);
            let may = May { change: may_change, delete: visit.guest.viewer.is_admin() };
            view(&person, &way, may, &visit.place(period))
        },
        move |visit| {
            let back = link::path(visit.project.id.as_str(), "people");
            let what = html! { b { "Nobody here is identified as " span.mono { (hostile::line(&id, 64)) } "." } " They may belong to another project, or have been deleted." };
            lists::nothing("unknown-person", what, &back, "All people")
        },
    )
    .await
}

/// The form that takes a merge back or lets it count again.
#[derive(Debug, Deserialize)]
pub(crate) struct MergeForm {
    /// Its number.
    merge: u64,
    /// `withdraw` or `restore`.
    act: String,
    /// Whose page to show then.
    person: String,
}

/// `POST /p/{p}/merge`
pub(crate) async fn merge(visit: Visit, Path(_): Path<String>, Form(form): Form<MergeForm>) -> Response {
    let refuse =
        |code, why: &str| visit::problem_page(visit.guest.theme, &Problem::new(code, why.to_owned()));
    let aside = match form.act.as_str() {
        "withdraw" => Aside::Withdraw,
        "restore" => Aside::Restore,
        _ => return refuse(ProblemCode::BadRequest, "the form says neither withdraw nor restore"),
    };
    let (state, who) = (&visit.guest.state, visit.guest.viewer.actor());
    match change_merge(state, &visit.project, form.merge, aside, who).await {
        Ok(true) => {
            let people = link::path(visit.project.id.as_str(), "people");
            Redirect::to(&format!("{people}/{}", link::encode(&form.person))).into_response()
        }
        Ok(false) => refuse(ProblemCode::NotFound, "there is no such merge"),
        Err(problem) => visit::problem_page(visit.guest.theme, &problem),
    }
}

/// What the reader may do to a person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct May {
    /// Take merges back.
    pub change: bool,
    /// Delete them.
    pub delete: bool,
}

/// One person's body.
pub(crate) fn view(person: &PersonDetail, way: &Way, may: May, place: &Place<'_>) -> Markup {
    let row = &person.row;
    let id = row.actor.id.as_str();
    let all = place.params.carried().and("person", "eq", id);
    let all = format!("{}{}", link::path(place.project, "sessions"), all.query());
    html! {
        p.lede data-testid="lede" {
            b { (hostile::line(row.actor.name.as_deref().filter(|n| !n.trim().is_empty()).unwrap_or(id), 80)) }
            " made " (format::counted(row.tool_calls, "call", "calls")) " in " a href=(all) { (format::counted(row.sessions, "session", "sessions")) }
            @if row.errors > 0 { ", " (format::counted(row.errors, "failure", "failures")) " among them" } "."
        }
        p.facts {
            span { "Id " span.mono { (hostile::line(id, 80)) } }
            @for account in &row.accounts { span { (accounts::name(account, place)) } }
            span { "First seen " (format::time(row.first_seen, &format::ago(row.first_seen, place.now))) }
            span { "Last seen " (format::time(row.last_seen, &format::ago(row.last_seen, place.now))) }
        }
        div.grid {
            div.col-6 { (person_work::figures(person, way, place)) }
            div.col-6 { (traits(&row.traits, &person.sources, &TRAITS, place)) }
            div.col-12 {
                (ids(person, may.change, place))
                (lists::sessions_of(Whose::Theirs, &person.sessions, "Their newest sessions", &all, "None is kept any more.", place))
                (lists::calls_of(Whose::Theirs, &person.timeline, "Their newest steps", "Nothing of theirs belongs to a session.", place))
                (person_work::data(person, may.delete, place))
            }
        }
    }
}

/// How a panel of properties calls them.
pub(super) struct Called {
    /// Its heading.
    pub(super) heading: &'static str,
    /// One of them, and all.
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    /// Where there are none.
    pub(super) none: &'static str,
}

const TRAITS: Called = Called {
    heading: "What is known of them",
    one: "Trait",
    many: "Traits",
    none: "No traits. An identify may carry them: a plan, a team, a role.",
};

/// What is known of a person or an account, and where each value came from.
pub(super) fn traits(
    all: &serde_json::Map<String, serde_json::Value>,
    sources: &[TraitSource],
    called: &Called,
    place: &Place<'_>,
) -> Markup {
    html! {
        section.panel.flush {
            h2 { (called.heading) }
            @if all.is_empty() { p.quiet { (called.none) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(called.many) {
                    table.data {
                        caption.sr { (called.many) }
                        thead { tr { th scope="col" { (called.one) } th scope="col" { "Value" } th.num scope="col" { "Set" } } }
                        tbody { @for (key, value) in all { tr data-testid="trait-row" {
                            th scope="row" { (hostile::line(key, 48)) }
                            td data-label="Value" { (hostile::line(&written(value), 200)) }
                            td.num data-label="Set" { @match sources.iter().find(|source| source.key == *key) {
                                Some(source) => (said(source, place)),
                                None => (format::unknown("the time is not kept")),
                            } }
                        } } }
                    }
                }
            }
        }
    }
}

/// When a trait was set; what it was set by in the title.
fn said(source: &TraitSource, place: &Place<'_>) -> Markup {
    let how = match source.how {
        How::Set => "by event",
        How::Once => "once, by event",
    };
    let event = source.from.id.as_str();
    let jump = format!("{}?q={}", link::path(place.project, "jump"), link::encode(event));
    html! { span data-testid="trait-source" {
        (format::time(source.from.at, &format::ago(source.from.at, place.now))) " "
        span.dim { (how) " " a.mono href=(jump) title=(hostile::plain(event, 80)) { "…" (hostile::line(&super::parts::tail(event), 6)) } }
    } }
}

fn ids(person: &PersonDetail, may_change: bool, place: &Place<'_>) -> Markup {
    html! {
        @if person.ids.len() > 1 || !person.merges.is_empty() {
            section.panel.flush {
                h2 { "Ids that are this person" }
                div.scroll tabindex="0" role="region" aria-label="Ids" {
                    table.data {
                        caption.sr { "Ids" }
                        thead { tr { th scope="col" { "Id" } th.num scope="col" { "First seen" } th.num scope="col" { "Last seen" } } }
                        tbody { @for one in &person.ids { tr data-testid="id-row" {
                            th.mono scope="row" { (hostile::line(one.id.as_str(), 80)) }
                            td.num data-label="First seen" { (format::time(one.first_seen, &format::ago(one.first_seen, place.now))) }
                            td.num data-label="Last seen" { (format::time(one.last_seen, &format::ago(one.last_seen, place.now))) }
                        } } }
                    }
                }
                @if !person.merges.is_empty() { (merges(person, may_change, place)) }
            }
        }
    }
}

fn merges(person: &PersonDetail, may_change: bool, place: &Place<'_>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Why" {
            table.data {
                caption.sr { "What said that these ids are one person" }
                thead { tr { th scope="col" { "What was said" } th scope="col" { "What became of it" } th.num scope="col" { "When" } th scope="col" { "Undo" } } }
                tbody { @for one in &person.merges { tr data-testid="merge-row" {
                    th scope="row" title=(format!("said by event {}", hostile::plain(one.said.key.id.as_str(), 80))) {
                        span.mono { (hostile::line(one.said.source.as_str(), 48)) } " is " span.mono { (hostile::line(one.said.target.as_str(), 48)) }
                        " " span.dim { (via(one.said.via)) }
                    }
                    td data-label="What became of it" { (became(one.verdict)) }
                    td.num data-label="When" { (format::time(one.said.key.at, &format::ago(one.said.key.at, place.now))) }
                    td data-label="Undo" { @if may_change { (undo(one, person.row.actor.id.as_str(), place)) } @else { span.dim { "for members" } } }
                } } }
            }
        }
    }
}

fn undo(one: &Merging, person: &str, place: &Place<'_>) -> Markup {
    let act = match one.verdict {
        Verdict::Withdrawn => Some(("restore", "Count again")),
        Verdict::Merged | Verdict::Already => Some(("withdraw", "Undo")),
        Verdict::SecondUser | Verdict::BothIdentified | Verdict::TooMany => None,
    };
    html! {
        @match act {
            Some((act, name)) => form method="post" action=(link::path(place.project, "merge")) {
                input type="hidden" name="merge" value=(one.id);
                input type="hidden" name="act" value=(act);
                input type="hidden" name="person" value=(person);
                button title=(format!("{name}: {}", hostile::plain(one.said.source.as_str(), 48))) { (name) }
            },
            None => span.dim { "nothing to undo" },
        }
    }
}

const fn via(via: Via) -> &'static str {
    match via {
        Via::Identify => "said an identify",
        Via::Alias => "said an alias",
        Via::Dangerous => "said a merge by force",
    }
}

const fn became(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Merged => "one person",
        Verdict::Already => "one person already",
        Verdict::SecondUser => "refused: the first id is another user's",
        Verdict::BothIdentified => "refused: both are identified users",
        Verdict::Withdrawn => "taken back here",
        Verdict::TooMany => "refused: too many ids hang together",
    }
}
