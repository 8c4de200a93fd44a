//! Pages whose question takes longer than a reader should look at nothing (`dashboard.md` §6).
//!
//! The storage gets [`trackway_event::limits::PANEL_WAIT`]. A page that is not ready then goes out without its figures: frame,
//! filters and a skeleton, with a way to ask for less; what was asked for follows in the same answer, as soon as it is there,
//! and hides the skeleton by a rule of the style sheet. Nothing of it needs script. Called by the handlers of the lists, and
//! of pages of one thing, which must still be a 404 where there is none.
//!
//! Invariant: once the frame is out the status is 200; what fails later is said in the page, with a way to go on.

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, StreamExt, stream};
use maud::{Markup, PreEscaped, html};
use trackway_store::Store;
use trackway_store::query::Thing;

use super::frame::Bar;
use super::icons::{Icon, icon};
use super::link::Params;
use super::visit::{self, Visit};
use super::{format, parts};
use crate::problem::Problem;

/// What a page is called and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sheet {
    /// Title.
    pub title: &'static str,
    /// Entry of the navigation.
    pub at: &'static str,
    /// What the bar offers.
    pub bar: Bar,
}

/// Where the body goes in a frame; no text of a page can be this, NUL is shown as a mark.
const HERE: &str = "\0body\0";

/// Answers with the view of what the storage says, or with the frame first where that takes long.
pub(crate) async fn show<T: Send + 'static>(
    visit: Visit,
    sheet: Sheet,
    name: &'static str,
    question: impl FnOnce(&dyn Store) -> trackway_store::Result<T> + Send + 'static,
    view: impl FnOnce(T, &Visit) -> Markup + Send + 'static,
) -> Response {
    let Sheet { title, at, bar } = sheet;
    let state = visit.guest.state.clone();
    let wait = state.options().panel_wait;
    let mut asked = Box::pin(async move { state.ask(name, question).await });
    // no patience at all is no race
    let ready = if wait.is_zero() { None } else { tokio::time::timeout(wait, &mut asked).await.ok() };
    match ready {
        Some(Ok(found)) => {
            let body = view(found, &visit);
            visit.page(title, at, bar, body)
        }
        Some(Err(problem)) => visit.failed(title, at, bar, &problem),
        None => in_parts(visit, sheet, asked, view),
    }
}

/// The same for a page of one thing. One that is not there is a 404 with `nothing`: where the figures are late, whether it is
/// there is asked before the frame goes out.
pub(crate) async fn show_one<T: Send + 'static>(
    visit: Visit,
    sheet: Sheet,
    name: &'static str,
    thing: Thing,
    question: impl FnOnce(&dyn Store) -> trackway_store::Result<Option<T>> + Send + 'static,
    view: impl FnOnce(T, &Visit) -> Markup + Send + 'static,
    nothing: impl FnOnce(&Visit) -> Markup + Send + 'static,
) -> Response {
    let Sheet { title, at, bar } = sheet;
    let (state, key) = (visit.guest.state.clone(), visit.project.key);
    let wait = state.options().panel_wait;
    let of = state.clone();
    let mut asked = Box::pin(async move { of.ask(name, question).await });
    let ready = if wait.is_zero() { None } else { tokio::time::timeout(wait, &mut asked).await.ok() };
    match ready {
        Some(Ok(Some(found))) => {
            let body = view(found, &visit);
            visit.page(title, at, bar, body)
        }
        Some(Ok(None)) => {
            let body = nothing(&visit);
            visit.missing(title, at, body)
        }
        Some(Err(problem)) => visit.failed(title, at, bar, &problem),
        None => match state.ask("has", move |store| store.has(key, &thing)).await {
            Ok(true) => in_parts(visit, sheet, asked, |found, visit| match found {
                Some(found) => view(found, visit),
                None => nothing(visit),
            }),
            Ok(false) => {
                let body = nothing(&visit);
                visit.missing(title, at, body)
            }
            Err(problem) => visit.failed(title, at, bar, &problem),
        },
    }
}

/// The frame with a skeleton now, and what was asked for when it is there.
fn in_parts<T: Send + 'static>(
    visit: Visit,
    sheet: Sheet,
    asked: impl Future<Output = Result<T, Problem>> + Send + 'static,
    view: impl FnOnce(T, &Visit) -> Markup + Send + 'static,
) -> Response {
    let skeleton = skeleton(&visit, sheet.bar);
    let frame = visit.page_text(sheet.title, sheet.at, sheet.bar, PreEscaped(HERE.to_owned()));
    let (before, after) = frame.split_once(HERE).unwrap_or((&frame, ""));
    let (first, after) = (format!("{before}{}", skeleton.into_string()), after.to_owned());
    let rest = format::in_zone(format::zone(), async move {
        let body = match asked.await {
            Ok(found) => view(found, &visit),
            Err(problem) => {
                let again = format!("{}{}", visit.guest.path, visit.guest.params.query());
                parts::failed("This could not be shown.", &problem.detail, &again)
            }
        };
        body.into_string() + &after
    });
    let chunks = stream::iter([first]).chain(stream::once(rest.boxed()));
    let chunks = chunks.map(|text| Ok::<_, std::convert::Infallible>(Bytes::from(text)));
    visit::as_page(Body::from_stream(chunks).into_response())
}

/// What stands where the figures will be.
fn skeleton(visit: &Visit, bar: Bar) -> Markup {
    let params = &visit.guest.params;
    let to = |p: &Params| format!("{}{}", visit.guest.path, p.query());
    html! {
        section.panel.skeleton aria-busy="true" data-testid="late" {
            p { (icon(Icon::Open)) "Still reading. What you asked for appears here by itself." }
            p.later { "This takes a while. "
                @if bar == Bar::Full { a href=(to(&params.since("now-24h"))) { "Only the last 24 hours" } " or " }
                a href=(to(params)) { "Ask again" } "." }
        }
    }
}
