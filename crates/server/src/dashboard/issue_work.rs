//! What a person does to one issue, and what helps to decide: how it stands, suspects, recovery.
//!
//! Forms are plain POSTs to `/p/{p}/issues/{issue}/act`; the guard in front checks that they come from our own pages.

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::ProblemCode;
use trackway_store::query::{IssueDetail, Mended, Recovery, SUSPECT_CALLS, State};

use super::icons::{Icon, icon};
use super::issue_bulk::choices;
use super::issue_talk::Reader;
use super::link;
use super::place::Place;
use super::visit::{self, Visit};
use super::{format, hostile, lists};
use crate::api::insight::change_issue;
use crate::api::objects::IssueActBody;
use crate::problem::Problem;

/// Attempts from which a share is shown.
pub(crate) const FEW: u64 = 10;
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
    date: String,
    to: String,
    words: String,
    comment: String,
    by: String,
    value: String,
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
    let days = form.days.trim().parse::<i64>().ok().filter(|d| (1..=3_650).contains(d));
    let until = match days {
        Some(days) => Some(now.plus_micros(days * DAY_US).to_string()),
        None => Some(form.date.trim()).filter(|d| !d.is_empty()).map(|date| format!("{date}T00:00:00Z")),
    };
    let body = IssueActBody {
        act: form.act,
        version: Some(form.version),
        until,
        more: number(&form.more),
        into: number(&form.into),
        to: Some(form.to),
        words: Some(form.words),
        comment: number(&form.comment),
        by: Some(form.by),
        value: Some(form.value),
    };
    let act = match body.act(now) {
        Ok(act) => act,
        Err(why) => return refuse(ProblemCode::BadRequest, why),
    };
    match change_issue(&visit.guest.state, &visit.project, id, act, &visit.guest.viewer).await {
        Ok(_) => {
            let shown = number(&form.back).unwrap_or(id);
            let to = format!("{}/{shown}", link::path(visit.project.id.as_str(), "issues"));
            Redirect::to(&to).into_response()
        }
        Err(problem) => visit::problem_page(visit.guest.theme, &problem),
    }
}

/// Where it stands, and what can be done about it.
pub(crate) fn standing(issue: &IssueDetail, reader: &Reader, place: &Place<'_>) -> Markup {
    let row = &issue.row;
    html! {
        div.acts data-testid="standing" {
            @if let Some(decision) = &row.decision {
                p { b { (sentence(&decision.rule.to_string())) } " " (format::time(decision.at, &format::ago(decision.at, place.now)))
                    @if let State::Regressed(version) = &row.state { "; it is back" @if let Some(v) = version { " in version " (hostile::line(v, 24)) } "." } @else { "." } }
            }
            @if reader.may == May::Change {
                @if row.decision.is_some() { (button(issue, "reopen", "Open again", place)) }
                @if row.state.is_open() { (resolve(issue, place)) (archive(issue, place)) }
                details.menu { summary data-press="a" { @match &row.assignee { Some(name) => { "Assigned to " (hostile::line(name, 24)) }, None => "Assign" } (icon(Icon::Down)) } div.pop {
                    @if row.assignee.as_deref() != Some(reader.name.as_str()) && reader.members.contains(&reader.name) {
                        (form(issue, "assign", place, html! { input type="hidden" name="to" value="me"; button.quiet { "To me" } }))
                    }
                    (form(issue, "assign", place, html! {
                        select name="to" aria-label="Member" { (choices(&reader.members, row.assignee.as_deref())) } button { "Assign" }
                    }))
                } }
                details.menu { summary data-press="m" { "Merge" (icon(Icon::Down)) } div.pop {
                    (form(issue, "merge", place, html! {
                        label { "Same as issue " input name="into" inputmode="numeric" pattern="#?[0-9]+" placeholder="#12" required size="6"; }
                        button { "Merge" }
                    }))
                } }
            } @else if let Some(name) = &row.assignee { p { "Assigned to " b { (hostile::line(name, 40)) } "." } }
        }
    }
}

fn resolve(issue: &IssueDetail, place: &Place<'_>) -> Markup {
    html! {
        details.menu { summary.primary data-press="e" { "Resolve" (icon(Icon::Down)) } div.pop {
            (button(issue, "resolve", "Now", place))
            (button(issue, "resolve_next", "In the next version", place))
            (form(issue, "resolve_in", place, html! {
                label { span.sr { "Version that mends it" } input name="version" placeholder="1.8.0" maxlength="60" required size="8"; }
                button { "In this version" }
            }))
        } }
    }
}

fn archive(issue: &IssueDetail, place: &Place<'_>) -> Markup {
    let soon = place.now.plus_micros(DAY_US).to_string();
    html! {
        details.menu { summary data-press="i" { "Archive" (icon(Icon::Down)) } div.pop {
            (button(issue, "archive", "For good", place))
            @for (days, name) in DAYS { (form(issue, "archive_until", place, html! { input type="hidden" name="days" value=(days); button { "For " (name) } })) }
            (form(issue, "archive_until", place, html! { label { "Until " input name="date" type="date" min=(soon.get(..10).unwrap_or_default()) required; } button { "Archive" } }))
            (form(issue, "archive_more", place, html! { label { "Until " input name="more" type="number" min="1" max="1000000" value="100" required; " more failures" } button { "Archive" } }))
            (button(issue, "archive_escalating", "Until it escalates", place))
        } }
    }
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn button(issue: &IssueDetail, act: &str, label: &str, place: &Place<'_>) -> Markup {
    form(issue, act, place, html! { button { (label) } })
}

/// A form on the issue at hand.
pub(crate) fn form(issue: &IssueDetail, act: &str, place: &Place<'_>, inner: Markup) -> Markup {
    form_of(issue.row.id, issue.row.id, act, place, inner)
}

/// A form on one issue that leads back to another.
pub(crate) fn form_of(id: u64, back: u64, act: &str, place: &Place<'_>, inner: Markup) -> Markup {
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
        b { @if recovery.attempts < FEW { (format::count(recovery.recovered)) } @else { (format::percent(recovery.recovered as f64 / recovery.attempts as f64)) } " of " (format::counted(recovery.attempts, "attempt", "attempts")) }
        @if let Some(tries) = recovery.tries.filter(|t| *t > 0) { ", with " (format::counted(tries, "more call", "more calls")) }
        "."
    } }
}

/// What the next try changed, where agents got past it.
pub(crate) fn mended(mended: &Mended, place: &Place<'_>) -> Markup {
    if mended.tries == 0 {
        return html! {};
    }
    let value = |v: Option<&str>, none: &str| html! { @match v { Some(v) => span.mono { (hostile::line(v, 60)) }, None => span.dim { (none) } } };
    html! {
        section.panel data-testid="mended" {
            h2 { "What the next try changed" span.aside.dim { (format::counted(mended.tries, "try", "tries")) " in attempts that got past it" } }
            @if !mended.changes.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="What the next try changed" { table.data {
                    caption.sr { "Arguments that the try after the failure changed" }
                    thead { tr { th scope="col" { "Argument" } th.num scope="col" { "Tries" } th scope="col" { "Failed with" } th scope="col" { "Then sent" } } }
                    tbody { @for c in &mended.changes { tr data-testid="mended-row" {
                        th scope="row" { span.mono { (hostile::line(&c.name, 48)) } }
                        td.num { (format::count(c.tries)) " of " (format::count(mended.tries)) }
                        td.message { (value(c.from.as_deref(), "not sent")) }
                        td.message { (value(c.to.as_deref(), "left out")) }
                    } } }
                } }
                p.quiet { "Values are those of the newest such try." }
            }
            @if mended.same > 0 { p { b { (format::count(mended.same)) } " sent the same again, and it worked." } }
            @for (tool, tries) in &mended.tools {
                p { b { (format::count(*tries)) } " called " @match lists::detail(place, "tools", tool) { Some(href) => a href=(href) { (hostile::line(tool, 48)) }, None => (hostile::line(tool, 48)) } " instead." }
            }
        }
    }
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
                p.quiet { "Nothing stands out. Checked against chance, from 20 calls on: client, its version, server version, model, protocol revision; arguments and traits of the newest " (SUSPECT_CALLS) " calls of each side." }
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
