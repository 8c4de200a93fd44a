//! What a person does to an issue, and what helps to decide: how it stands, who decided what, suspects, recovery, merging.
//!
//! Forms are plain POSTs to `/p/{p}/issues/{issue}/act`; the guard in front checks that they come from our own pages.

use axum::extract::{Form, Path, RawForm};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::ProblemCode;
use trackway_store::query::{IssueDetail, IssueTab, Recovery, State};

use super::link;
use super::place::Place;
use super::visit::{self, Visit};
use super::{format, hostile, lists};
use crate::api::insight::change_issue;
use crate::api::objects::IssueActBody;
use crate::problem::Problem;

/// Attempts from which a share is shown.
const FEW: u64 = 10;
/// Days an issue is archived for, as offered.
const DAYS: [(i64, &str); 3] = [(1, "a day"), (7, "a week"), (30, "30 days")];
const DAY_US: i64 = 86_400_000_000;

/// What the reader may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May {
    /// Read.
    Look,
    /// Decide.
    Change,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActForm {
    act: String,
    version: String,
    days: String,
    more: String,
    into: String,
    back: String,
}

/// `POST /p/{p}/issues/{issue}/act`
pub(crate) async fn act(
    visit: Visit,
    Path((_, issue)): Path<(String, String)>,
    Form(form): Form<ActForm>,
) -> Response {
    let refuse = |code, why: String| visit::problem_page(visit.guest.theme, &Problem::new(code, why));
    if !visit.guest.viewer.may_change(visit.project.key) {
        return refuse(ProblemCode::Forbidden, "deciding on issues needs an admin of the project".into());
    }
    let Ok(id) = issue.parse::<u64>() else {
        return refuse(ProblemCode::NotFound, "there is no such issue here".into());
    };
    let now = visit.guest.now;
    let number = |text: &str| text.trim().trim_start_matches('#').parse::<u64>().ok();
    let until = form.days.trim().parse::<i64>().ok().filter(|d| (1..=3_650).contains(d));
    let body = IssueActBody {
        act: form.act,
        version: Some(form.version),
        until: until.map(|days| now.plus_micros(days * DAY_US).to_string()),
        more: number(&form.more),
        into: number(&form.into),
    };
    let act = match body.act(now) {
        Ok(act) => act,
        Err(why) => return refuse(ProblemCode::BadRequest, why),
    };
    match change_issue(&visit.guest.state, &visit.project, id, act, visit.guest.viewer.actor()).await {
        Ok(_) => {
            let shown = number(&form.back).unwrap_or(id);
            let to = format!("{}/{shown}", link::path(visit.project.id.as_str(), "issues"));
            Redirect::to(&to).into_response()
        }
        Err(problem) => visit::problem_page(visit.guest.theme, &problem),
    }
}

/// Issues of one form.
const MANY: usize = 100;

/// `POST /p/{p}/bulk/issues`: one decision on every selected issue, then back to the list.
pub(crate) async fn act_on_many(visit: Visit, Path(_): Path<String>, RawForm(form): RawForm) -> Response {
    let refuse = |code, why: &str| visit::problem_page(visit.guest.theme, &Problem::new(code, why));
    if !visit.guest.viewer.may_change(visit.project.key) {
        return refuse(ProblemCode::Forbidden, "deciding on issues needs a member");
    }
    let pairs = link::pairs(std::str::from_utf8(&form).unwrap_or_default());
    let first = |key: &str| pairs.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.as_str());
    let chosen = pairs.iter().filter(|(key, _)| key == "issue").map(|(_, value)| value.parse::<u64>());
    let Ok(mut chosen) = chosen.collect::<Result<Vec<u64>, _>>() else {
        return refuse(ProblemCode::BadRequest, "an issue is named by its number");
    };
    chosen.sort_unstable();
    chosen.dedup();
    if chosen.is_empty() || chosen.len() > MANY {
        return refuse(
            ProblemCode::BadRequest,
            "choose 1 to 100 issues first, by the boxes in front of them",
        );
    }
    let name = first("act");
    if !BULK.iter().any(|(act, _)| *act == name) {
        return refuse(
            ProblemCode::BadRequest,
            "many issues at once can be resolved, archived or opened again",
        );
    }
    for id in chosen {
        let body = IssueActBody { act: name.to_owned(), version: None, until: None, more: None, into: None };
        let act = match body.act(visit.guest.now) {
            Ok(act) => act,
            Err(why) => return refuse(ProblemCode::BadRequest, &why),
        };
        // one that is gone by now is no reason to leave the others
        if let Err(problem) =
            change_issue(&visit.guest.state, &visit.project, id, act, visit.guest.viewer.actor()).await
            && problem.code != ProblemCode::BadRequest
        {
            return visit::problem_page(visit.guest.theme, &problem);
        }
    }
    let back = link::Params::of_query(first("back").trim_start_matches('?')).query();
    let to = format!("{}{back}", link::path(visit.project.id.as_str(), "issues"));
    Redirect::to(&to).into_response()
}

/// What can be done to many at once, and its name.
const BULK: &[(&str, &str)] = &[("resolve", "Resolve"), ("archive", "Archive"), ("reopen", "Open again")];

/// The bar over a list of issues whose rows can be selected.
pub(crate) fn bulk(tab: IssueTab, place: &Place<'_>) -> Markup {
    let fits = |act: &str| match tab {
        IssueTab::Open => act != "reopen",
        IssueTab::Resolved | IssueTab::Archived => act == "reopen",
        IssueTab::All => true,
    };
    html! {
        form #bulk.acts method="post" action=(format!("{}/issues", link::path(place.project, "bulk"))) data-testid="bulk" {
            input type="hidden" name="back" value=(place.params.query());
            span.dim { "Selected issues:" }
            @for (act, name) in BULK.iter().filter(|(act, _)| fits(act)) { button name="act" value=(act) { (name) } }
        }
    }
}

/// The box that selects an issue.
pub(crate) fn pick(id: u64) -> Markup {
    html! { input.pick type="checkbox" form="bulk" name="issue" value=(id) aria-label=(format!("Select issue {id}")) data-testid="pick"; " " }
}

/// Where it stands, and what can be done about it.
pub(crate) fn standing(issue: &IssueDetail, may: May, place: &Place<'_>) -> Markup {
    let row = &issue.row;
    html! {
        div.acts data-testid="standing" {
            @if let Some(decision) = &row.decision {
                p { b { (sentence(&decision.rule.to_string())) } " " (format::time(decision.at, &format::ago(decision.at, place.now)))
                    @if let State::Regressed(version) = &row.state { "; it is back" @if let Some(v) = version { " in version " (hostile::line(v, 24)) } "." } @else { "." } }
            }
            @if may == May::Change {
                @if row.decision.is_some() { (button(issue, "reopen", "Open again", place)) }
                @if row.state.is_open() {
                    (button(issue, "resolve", "Resolve", place))
                    (button(issue, "resolve_next", "Resolve in next version", place))
                    (form(issue, "resolve_in", place, html! {
                        label { span.sr { "Version that mends it" } input name="version" placeholder="1.8.0" maxlength="60" required size="8"; }
                        button { "Resolve in version" }
                    }))
                    details.menu { summary { "Archive" } div.pop {
                        (button(issue, "archive", "For good", place))
                        @for (days, name) in DAYS { (form(issue, "archive_until", place, html! { input type="hidden" name="days" value=(days); button.quiet { "For " (name) } })) }
                        (button(issue, "archive_escalating", "Until it escalates", place))
                        (form(issue, "archive_more", place, html! { label { "Until " input name="more" type="number" min="1" max="1000000" value="100" required; " more failures" } button { "Archive" } }))
                    } }
                }
            }
        }
    }
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn button(issue: &IssueDetail, act: &str, label: &str, place: &Place<'_>) -> Markup {
    form(issue, act, place, html! { button { (label) } })
}

fn form(issue: &IssueDetail, act: &str, place: &Place<'_>, inner: Markup) -> Markup {
    form_of(issue.row.id, issue.row.id, act, place, inner)
}

/// A form on one issue that leads back to another.
fn form_of(id: u64, back: u64, act: &str, place: &Place<'_>, inner: Markup) -> Markup {
    html! {
        form.inline method="post" action=(format!("{}/{id}/act", link::path(place.project, "issues"))) data-testid=(format!("act-{act}")) {
            input type="hidden" name="act" value=(act); input type="hidden" name="back" value=(back); (inner)
        }
    }
}

/// Whether agents get past it, as a sentence.
pub(crate) fn recovered(recovery: &Recovery) -> Markup {
    html! { @if recovery.attempts > 0 {
        "Agents got past it in "
        b { @if recovery.attempts < FEW { (format::count(recovery.recovered)) " of " (format::count(recovery.attempts)) " attempts" } @else { (format::percent(recovery.recovered as f64 / recovery.attempts as f64)) " of " (format::count(recovery.attempts)) " attempts" } }
        @if let Some(tries) = recovery.tries.filter(|t| *t > 0) { ", with " (format::counted(tries, "more call", "more calls")) }
        "."
    } }
}

/// Circumstances, with counts on both sides.
pub(crate) fn suspects(issue: &IssueDetail, place: &Place<'_>) -> Markup {
    html! {
        section.panel data-testid="suspects" {
            h2 { "Suspects" span.aside.dim { "failing against succeeding calls of this tool" } }
            @if !issue.before.is_empty() {
                p { "Just before its first failure came " @for (i, b) in issue.before.iter().enumerate() {
                    @if i > 0 { ", " } (b.what) " " b { (hostile::line(&b.value, 48)) } " (" (format::span(issue.row.first_seen.since(b.at))) " earlier)"
                } "." }
            }
            @if issue.suspects.is_empty() {
                p.quiet { "Nothing stands out. Checked: client, its version, server version, model and protocol revision, against chance." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Suspects" { table.data {
                    caption.sr { "Circumstances over-represented in failures" }
                    thead { tr { th scope="col" { "Circumstance" } th.num scope="col" { "Failing" } th.num scope="col" { "Succeeding" } th.num scope="col" title="how likely this is by chance alone" { "Chance" } } }
                    tbody { @for s in &issue.suspects { tr data-testid="suspect-row" {
                        th scope="row" { span.dim { (s.what) " " } (hostile::line(&s.value, 48)) }
                        td.num { (format::count(s.counts.failing_with)) " of " (format::count(s.counts.failing)) }
                        td.num { (format::count(s.counts.working_with)) " of " (format::count(s.counts.working)) }
                        td.num { @if s.chance < 0.001 { "< 0.1 %" } @else { (format::percent(s.chance)) } }
                    } } }
                } }
            }
            @if let Some(tool) = &issue.row.tool { @if let Some(href) = lists::detail(place, "tools", tool) { p { a href=(href) { "All calls of the tool" } } } }
        }
    }
}

/// What was done, and what belongs together.
pub(crate) fn history(issue: &IssueDetail, may: May, place: &Place<'_>) -> Markup {
    html! {
        section.panel data-testid="history" {
            h2 { "Activity" }
            @if issue.history.is_empty() { p.quiet { "Nobody has decided anything yet." } } @else {
                ul.log { @for note in &issue.history { li {
                    span { b { (hostile::line(&note.who, 40)) } " " (hostile::line(&note.what, 100)) }
                    " " span.dim { (format::time(note.at, &format::ago(note.at, place.now))) }
                } } }
            }
            @if !issue.members.is_empty() {
                h3 { "Merged into it" }
                ul.log { @for member in &issue.members { li {
                    span { "#" (member.id) " " (hostile::line(&member.title, 80)) }
                    @if may == May::Change { " " (form_of(member.id, issue.row.id, "split", place, html! { button.quiet { "Split" span.sr { " issue " (member.id) } } })) }
                } } }
            }
            @if may == May::Change {
                (form(issue, "merge", place, html! {
                    label { "Same as issue " input name="into" inputmode="numeric" pattern="#?[0-9]+" placeholder="#12" required size="6"; }
                    button { "Merge" }
                }))
            }
        }
    }
}
