//! Decisions on many issues at once (`dashboard.md` §7.6): the bar over the list, and for ten seconds the way back.
//!
//! A form of plain boxes: `POST /p/{p}/bulk/issues`, then back to the list. What was done, and which were left out and why, is
//! told by a cookie that lives ten seconds and holds numbers only; the next page reads it and offers Undo.

use axum::extract::{Path, RawForm};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, header};
use maud::{Markup, html};
use trackway_event::ProblemCode;
use trackway_store::query::IssueTab;

use super::format;
use super::icons::{Icon, icon};
use super::link;
use super::place::Place;
use super::visit::{self, Visit};
use crate::api::insight::change_issue;
use crate::api::objects::IssueActBody;
use crate::problem::Problem;

/// Issues of one form.
const MANY: usize = 100;
/// Name of the cookie.
const COOKIE: &str = "trackway_did";
/// How long Undo is offered, seconds.
const UNDO_S: u32 = 10;

/// What can be done to many at once: its word, its button, and what was done then.
const BULK: &[(&str, &str, &str)] = &[
    ("resolve", "Resolve", "resolved"),
    ("archive", "Archive", "archived"),
    ("reopen", "Open again", "opened again"),
    ("assign", "Assign", "given away"),
    ("merge", "Merge", "merged"),
    ("take_back", "Undo", "put back"),
];

/// What the form before did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Did {
    act: String,
    done: Vec<u64>,
    skipped: Vec<(u64, Skip)>,
}

/// Why one was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skip {
    /// It is not there, or stood so already.
    Nothing,
    /// It cannot be done to it.
    Refused,
}

impl Skip {
    const fn sign(self) -> &'static str {
        match self {
            Self::Nothing => "n",
            Self::Refused => "r",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Nothing => "not there any more, or so already",
            Self::Refused => "part of another, or cannot be",
        }
    }
}

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
    if !BULK.iter().any(|(act, ..)| *act == name) {
        return refuse(
            ProblemCode::BadRequest,
            "many issues at once can be resolved, archived, opened again, assigned or merged",
        );
    }
    // Merged issues are shown under the oldest of them.
    let into = (name == "merge").then(|| chosen.remove(0));
    if into.is_some() && chosen.is_empty() {
        return refuse(ProblemCode::BadRequest, "choose two issues or more to merge them");
    }
    let mut did = Did { act: name.to_owned(), ..Did::default() };
    for id in chosen {
        let to = (name == "assign").then(|| first("to").to_owned());
        let body = IssueActBody { act: name.to_owned(), into, to, ..IssueActBody::default() };
        let act = match body.act(visit.guest.now) {
            Ok(act) => act,
            Err(why) => return refuse(ProblemCode::BadRequest, &why),
        };
        match change_issue(&visit.guest.state, &visit.project, id, act, &visit.guest.viewer).await {
            Ok(true) => did.done.push(id),
            Ok(false) => did.skipped.push((id, Skip::Nothing)),
            // one that cannot be is no reason to leave the others
            Err(problem) if problem.code == ProblemCode::BadRequest && name != "assign" => {
                did.skipped.push((id, Skip::Refused));
            }
            Err(problem) => return visit::problem_page(visit.guest.theme, &problem),
        }
    }
    let back = link::Params::of_query(first("back").trim_start_matches('?')).query();
    let path = link::path(visit.project.id.as_str(), "issues");
    let mut response = Redirect::to(&format!("{path}{back}")).into_response();
    let cookie = format!("{COOKIE}={}; Path={path}; Max-Age={UNDO_S}; SameSite=Lax; HttpOnly", did.print());
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

impl Did {
    /// What the cookie of a request tells, where it tells something.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = visit::cookie(headers, COOKIE)?;
        let mut parts = text.splitn(3, ':');
        let act = parts.next().filter(|act| BULK.iter().any(|(known, ..)| known == act))?;
        let ids = |part: &str| -> Vec<u64> { part.split('-').filter_map(|id| id.parse().ok()).collect() };
        let done = ids(parts.next()?);
        let skipped = parts.next()?.split('-').filter_map(|one| {
            let why = [Skip::Nothing, Skip::Refused].into_iter().find(|why| one.ends_with(why.sign()))?;
            Some((one.trim_end_matches(why.sign()).parse().ok()?, why))
        });
        let skipped: Vec<(u64, Skip)> = skipped.take(MANY).collect();
        (!done.is_empty() || !skipped.is_empty()).then(|| Self { act: act.to_owned(), done, skipped })
    }

    fn print(&self) -> String {
        let joined = |ids: Vec<String>| ids.join("-");
        let done = joined(self.done.iter().map(u64::to_string).collect());
        let skipped = joined(self.skipped.iter().map(|(id, why)| format!("{id}{}", why.sign())).collect());
        format!("{}:{done}:{skipped}", self.act)
    }
}

/// What was done just now, and the way back.
pub(crate) fn strip(did: &Did, place: &Place<'_>) -> Markup {
    let word = BULK.iter().find(|(act, ..)| *act == did.act).map_or("", |(.., done)| *done);
    let undo = !did.done.is_empty() && did.act != "take_back";
    html! {
        div.strip.info role="status" data-testid="did" {
            (icon(Icon::Tick))
            span {
                @if did.done.is_empty() { "Nothing " (word) "." } @else { (format::counted(did.done.len() as u64, "issue", "issues")) " " (word) "." }
                @if did.act == "merge" && !did.done.is_empty() { " Later, Split on the issue's page takes it back." }
                @for (i, (id, why)) in did.skipped.iter().take(8).enumerate() { @if i == 0 { " Left out: " } @else { ", " } "#" (id) " (" (why.words()) ")" }
                @if did.skipped.len() > 8 { " and " (did.skipped.len() - 8) " more" }
            }
            @if undo {
                form.inline method="post" action=(action(place)) data-testid="undo" data-fades=(UNDO_S) {
                    input type="hidden" name="back" value=(place.params.query());
                    @for id in &did.done { input type="hidden" name="issue" value=(id); }
                    button name="act" value="take_back" { "Undo" }
                }
            }
        }
    }
}

/// The bar over a list of issues whose rows can be selected.
pub(crate) fn bar(tab: IssueTab, members: &[String], place: &Place<'_>) -> Markup {
    let fits = |act: &str| match tab {
        IssueTab::Open => act != "reopen",
        IssueTab::Resolved | IssueTab::Archived => act == "reopen",
        IssueTab::All => true,
    };
    let press = |act: &str| match act {
        "resolve" => Some("e"),
        "archive" => Some("i"),
        "merge" => Some("m"),
        _ => None,
    };
    html! {
        form #bulk.acts method="post" action=(action(place)) data-testid="bulk" {
            input type="hidden" name="back" value=(place.params.query());
            span.dim { "Selected issues:" }
            @for (act, name, _) in BULK.iter().filter(|(act, ..)| fits(act) && !matches!(*act, "assign" | "take_back")) {
                button name="act" value=(act) data-press=[press(act)] title=[(*act == "merge").then_some("shown under the oldest of them from now on")] { (name) }
            }
            @if fits("assign") && !members.is_empty() {
                select #assign-many name="to" aria-label="Member to give them to" data-press="a" { (choices(members, None)) }
                button name="act" value="assign" { "Assign" }
            }
        }
    }
}

/// Members to choose from, and nobody.
pub(crate) fn choices(members: &[String], chosen: Option<&str>) -> Markup {
    html! {
        option value="" selected[chosen.is_none()] { "nobody" }
        @for name in members { option value=(name) selected[chosen == Some(name.as_str())] { (super::hostile::plain(name, 40)) } }
    }
}

/// The box that selects an issue.
pub(crate) fn pick(id: u64) -> Markup {
    html! { input.pick type="checkbox" form="bulk" name="issue" value=(id) aria-label=(format!("Select issue {id}")) data-testid="pick"; " " }
}

fn action(place: &Place<'_>) -> String {
    format!("{}/issues", link::path(place.project, "bulk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_read_back_and_nothing_else_is() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", HeaderValue::from_str(&format!("{COOKIE}={text}")).unwrap());
            Did::of(&headers)
        };
        let did = Did {
            act: "resolve".into(),
            done: vec![3, 12],
            skipped: vec![(7, Skip::Nothing), (9, Skip::Refused)],
        };
        assert_eq!(read(&did.print()), Some(did));
        for bad in ["", "resolve", "resolve::", "drop:1:", "<b>:1:2", "resolve:<i>:x"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
