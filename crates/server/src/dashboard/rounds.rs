//! Calls of several requests in the replay (CAP §2.6): one step a call, in the place of its first request, and its requests in
//! the detail. A fold over the rows of one session; which requests belong together is the store's to say.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use trackway_event::Status;
use trackway_store::query::{ErrorRef, EventRow, WholeCall};

use super::{format, hostile, link, parts};

/// Calls by the id of their first request.
pub(crate) type Calls = BTreeMap<String, WholeCall>;

/// The rows with one row a call: the first request's, with what became of the whole and how long the server took for it.
pub(crate) fn fold(rows: Vec<EventRow>, calls: Vec<WholeCall>) -> (Vec<EventRow>, Calls) {
    let calls: Calls =
        calls.into_iter().filter_map(|c| Some((c.rounds.first()?.id.as_str().to_owned(), c))).collect();
    let later: BTreeSet<&str> =
        calls.values().flat_map(|c| c.rounds.iter().skip(1)).map(|r| r.id.as_str()).collect();
    let mut errors: BTreeMap<String, ErrorRef> = BTreeMap::new();
    let mut folded = Vec::with_capacity(rows.len());
    for row in rows {
        if !later.contains(row.id.as_str()) {
            folded.push(row);
        } else if let Some(error) = row.error {
            errors.insert(row.id.as_str().to_owned(), error);
        }
    }
    for row in &mut folded {
        let Some(call) = calls.get(row.id.as_str()) else { continue };
        row.status = call.status;
        row.flags.mrtr_open = call.status == Some(Status::InputRequired);
        row.duration_us = call.server_us;
        // Its error is that of the request that ended it.
        let end = call.rounds.last().and_then(|last| errors.remove(last.id.as_str()));
        row.error = end.or_else(|| row.error.take());
    }
    (folded, calls)
}

/// What a step says beside its name: how many requests it took, what it waits for.
pub(crate) fn tag(call: &WholeCall) -> Markup {
    html! {
        @if call.rounds.len() > 1 { span.tag data-testid="rounds" { (call.rounds.len()) " requests" } }
        @else if call.told.is_some() { span.tag { "task" } }
    }
}

/// The requests of a call, each a link, with what they took.
pub(crate) fn view(call: &WholeCall, here: &EventRow, project: &str) -> Markup {
    let page = here.session_id.as_ref().map(|id| link::session(project, id.as_str())).unwrap_or_default();
    let total =
        call.total_us.filter(|total| call.server_us.is_some_and(|own| total.saturating_sub(own) > 1_000));
    html! {
        section.part data-testid="call" {
            h3 { "The whole call" }
            p.facts {
                @match call.status { Some(s) if s.finished() && !s.failed() => span { "ok" }, other => (parts::status(other)) }
                @if let Some(us) = call.server_us { span { (format::duration(us)) " by the server" } }
                @if let Some(us) = total { span { (format::span(i64::try_from(us).unwrap_or(i64::MAX))) " from first to last" } }
                @if let Some(by) = call.closed_by { span { "its end was seen by " (by.as_str()) } }
            }
            ol.rounds { @for round in &call.rounds {
                li { a href=(format!("{page}?sel={}", link::encode(round.id.as_str()))) aria-current=[(round.id == here.id).then_some("step")] { (format::clock_zone(round.started_at)) } " "
                    (parts::status(round.status)) @if let Some(us) = round.duration_us { " " (format::duration(us)) }
                    @if !round.asked.is_empty() { " asked for " (hostile::line(&round.asked.join(", "), 80)) }
                }
            } }
        }
    }
}
