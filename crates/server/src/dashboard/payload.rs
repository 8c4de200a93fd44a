//! One large payload, on demand (`dashboard.md` §7.4): the detail shows how it begins and how large it is; the rest comes when it
//! is asked for, into its place, or as a page of its own where there is no script.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use trackway_store::query::EventDetail;

use super::frame::Bar;
use super::icons::{Icon, icon};
use super::visit::{Visit, Wants, answer};
use super::{format, hostile, json_tree, link, lists};

/// Bytes of a payload beyond which it is loaded on demand.
pub(crate) const LARGE: usize = 16 * 1024;
/// Characters of a large one that are shown before.
const BEGINNING: usize = 1_200;

/// Which payload of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What the agent sent.
    Arguments,
    /// What it got.
    Result,
}

impl Part {
    const fn word(self) -> &'static str {
        match self {
            Self::Arguments => "arguments",
            Self::Result => "result",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Arguments, Self::Result].into_iter().find(|part| part.word() == word)
    }

    /// The payload as JSON. Of a call of several requests, what the agent sent and what it got in the end.
    pub(crate) fn of(self, event: &EventDetail) -> Option<&str> {
        let whole = event.call.as_deref();
        let found = match self {
            Self::Arguments => event.arguments.as_ref().or_else(|| whole?.arguments.as_ref()),
            Self::Result => whole.and_then(|w| w.result.as_ref()).or(event.result.as_ref()),
        };
        found.map(|payload| payload.get())
    }
}

/// `/p/{p}/payload/{event}/{part}`
pub(crate) async fn show(visit: Visit, Path((_, event, part)): Path<(String, String, String)>) -> Response {
    let (title, at, key) = ("Payload", "sessions", visit.project.key);
    let back = link::path(visit.project.id.as_str(), "sessions");
    let missing = |visit: &Visit| {
        let what = html! { b { "There is no such payload." } " It may have been deleted by its age, or never been recorded." };
        visit.missing(title, at, lists::nothing("unknown-payload", what, &back, "All sessions"))
    };
    let Some(which) = Part::parse(&part) else { return missing(&visit) };
    let asked = event.clone();
    let found = match visit.ask("event", move |store| store.event(key, &asked)).await {
        Ok(Some(found)) => found,
        Ok(None) => return missing(&visit),
        Err(problem) => return visit.failed(title, at, Bar::Title, &problem),
    };
    let Some(json) = which.of(&found) else { return missing(&visit) };
    let body = whole(json, visit.project.id.as_str(), &event);
    match visit.wants {
        Wants::Fragment => answer(StatusCode::OK, body),
        Wants::Page => {
            let page = html! {
                p.lede { "The " (which.word()) " of " (super::parts::subject(&found.row)) ", " (format::bytes(json.len() as u64)) "." }
                section.panel { (body) }
                @if let Some(session) = &found.row.session_id {
                    p { a href=(format!("{}?sel={}", link::session(visit.project.id.as_str(), session.as_str()), link::encode(&event))) { "Back to the session" } }
                }
            };
            visit.page(title, at, Bar::Title, page)
        }
    }
}

fn whole(json: &str, project: &str, event: &str) -> Markup {
    html! {
        (json_tree::tree(json))
        p.note { a href=(format!("/api/v1/projects/{}/events/{}", link::encode(project), link::encode(event))) { "As JSON" } }
    }
}

/// What stands in the place of a large payload until it is asked for.
pub(crate) fn beginning(json: &str, part: Part, project: &str, event: &str) -> Markup {
    let href = format!("{}/{}/{}", link::path(project, "payload"), link::encode(event), part.word());
    let target = format!("#whole-{}", part.word());
    let end = json.char_indices().nth(BEGINNING).map_or(json.len(), |(end, _)| end);
    html! {
        div id=(target.trim_start_matches('#')) data-testid="large" {
            pre.beginning { (hostile::text(json.split_at(end).0)) "…" }
            p { a.button href=(href) hx-get=(href) hx-target=(target) hx-swap="innerHTML" { (icon(Icon::Down)) "Load " (format::bytes(json.len() as u64)) } }
        }
    }
}
