//! People (`dashboard.md` §7.10): who the server serves; and one person with traits and sessions.
//!
//! Only identified people are rows. Counts of a row are those of all time, and say so; the period chooses who is listed.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use trackway_event::Timestamp;
use trackway_store::query::{ListAsk, Page, PersonDetail, PersonRow};

use super::frame::Bar;
use super::link;
use super::place::Place;
use super::visit::Visit;
use super::{format, hostile, lists, parts};

/// The order of the list when none is asked for.
const ORDER: &str = "-last";
/// Traits named on a row.
const TRAITS: usize = 3;

/// What the list shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// People with an event in the period.
    pub page: Page<PersonRow>,
    /// Newest event of the project, to explain an empty list.
    pub last_event_at: Option<Timestamp>,
}

/// `/p/{p}/people`
pub(crate) async fn show(visit: Visit) -> Response {
    let (title, at, bar) = ("People", "people", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let (key, period) = (visit.project.key, scope.period);
    let ask = ListAsk { scope, page: visit.guest.params.page(), sort: visit.guest.params.sort.clone() };
    match visit.ask("people", move |store| store.people(key, &ask)).await {
        Ok(page) => {
            let vm = Vm { page, last_event_at: visit.project.last_event_at };
            visit.page(title, at, bar, view(&vm, &visit.place(period)))
        }
        Err(problem) => visit.failed(title, at, bar, &problem),
    }
}

/// `/p/{p}/people/{person}`
pub(crate) async fn show_one(visit: Visit, Path((_, id)): Path<(String, String)>) -> Response {
    let (title, at) = ("Person", "people");
    let (key, asked) = (visit.project.key, id.clone());
    match visit.ask("person", move |store| store.person(key, &asked)).await {
        Ok(Some(person)) => {
            let period = trackway_store::query::Period { from: Timestamp::ZERO, to: visit.guest.now };
            visit.page(title, at, Bar::Title, view_one(&person, &visit.place(period)))
        }
        Ok(None) => {
            let back = link::path(visit.project.id.as_str(), "people");
            let what = html! { b { "Nobody here is identified as " span.mono { (hostile::line(&id, 64)) } "." } " They may belong to another project, or have been deleted." };
            visit.missing(title, at, lists::nothing("unknown-person", what, &back, "All people"))
        }
        Err(problem) => visit.failed(title, at, Bar::Title, &problem),
    }
}

/// The list's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let rows = &vm.page.items;
    if rows.is_empty() {
        let why = parts::why_empty(place.params, vm.last_event_at, place.period.from);
        let what = "Nobody was identified in this period. People appear once calls say who makes them: trackway wrap --identify-arg NAME, or the identify option of your SDK.";
        return html! { (parts::partial(vm.page.partial.as_deref())) (parts::empty(&why, what, place.project, place.path, place.params)) };
    }
    let sort = |field: &str, name: &str| lists::sort_head(field, name, ORDER, place);
    html! {
        p.lede data-testid="lede" {
            b { (format::counted(vm.page.total.unwrap_or(rows.len() as u64), "person", "people")) } " used it in this period"
            @let fresh = rows.iter().filter(|r| r.first_seen >= place.period.from).count() as u64;
            @if fresh > 0 { "; " b { (format::count(fresh)) } @if vm.page.next.is_some() { " of this page" } " for the first time" }
            "."
        }
        (parts::partial(vm.page.partial.as_deref()))
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label="People" {
                table.data {
                    caption.sr { "Identified people; sessions, calls and failures of all time" }
                    thead { tr {
                        (sort("name", "Person")) th scope="col" { "Known of them" } (sort("sessions", "Sessions ever")) (sort("calls", "Calls ever"))
                        (sort("errors", "Failures ever")) (sort("first", "First seen")) (sort("last", "Last seen"))
                    } }
                    tbody #rows { @for row in rows { (line(row, place)) } }
                }
            }
        }
        (lists::pager(&vm.page, "person", "people", place))
    }
}

fn line(row: &PersonRow, place: &Place<'_>) -> Markup {
    let id = row.actor.id.as_str();
    let name = row.actor.name.as_deref().filter(|n| !n.trim().is_empty() && *n != id);
    let shown = html! { (hostile::line(name.unwrap_or(id), 40)) };
    html! {
        tr data-testid="person-row" {
            th scope="row" {
                @match lists::detail(place, "people", id) { Some(href) => a.row href=(href) { (shown) }, None => (shown) }
                @if name.is_some() { " " span.dim.mono { (hostile::line(id, 32)) } }
                @if row.first_seen >= place.period.from { span.tag.info { "new" } }
            }
            td data-label="Known of them" { @if row.traits.is_empty() { (format::unknown("no trait was sent with an identify")) } @else {
                @for (i, (key, value)) in row.traits.iter().take(TRAITS).enumerate() {
                    @if i > 0 { ", " } span.dim { (hostile::line(key, 20)) } " " (hostile::line(&written(value), 32))
                }
                @if row.traits.len() > TRAITS { span.dim { " and " (row.traits.len() - TRAITS) " more" } }
            } }
            td.num data-label="Sessions ever" { (format::count(row.sessions)) }
            td.num data-label="Calls ever" { (format::count(row.tool_calls)) }
            td.num data-label="Failures ever" { @if row.errors > 0 { span.bad { (format::count(row.errors)) } } @else { span.dim { "0" } } }
            td.num data-label="First seen" { (format::time(row.first_seen, &format::ago(row.first_seen, place.now))) }
            td.num data-label="Last seen" { (format::time(row.last_seen, &format::ago(row.last_seen, place.now))) }
        }
    }
}

/// One person's body.
pub(crate) fn view_one(person: &PersonDetail, place: &Place<'_>) -> Markup {
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
            span { "First seen " (format::time(row.first_seen, &format::ago(row.first_seen, place.now))) }
            span { "Last seen " (format::time(row.last_seen, &format::ago(row.last_seen, place.now))) }
        }
        div.grid {
            div.col-12 {
                section.panel.flush {
                    h2 { "What is known of them" }
                    @if row.traits.is_empty() { p.quiet { "No traits. An identify may carry them: a plan, a team, a role." } } @else {
                        div.scroll tabindex="0" role="region" aria-label="Traits" {
                            table.data {
                                caption.sr { "Traits" }
                                thead { tr { th scope="col" { "Trait" } th scope="col" { "Value" } th.num scope="col" { "Set" } } }
                                tbody { @for (key, value) in &row.traits { tr data-testid="trait-row" {
                                    th scope="row" { (hostile::line(key, 48)) }
                                    td data-label="Value" { (hostile::line(&written(value), 200)) }
                                    td.num data-label="Set" { @match person.sources.iter().find(|source| source.key == *key) {
                                        Some(source) => (format::time(source.from.at, &format::ago(source.from.at, place.now))),
                                        None => (format::unknown("the time is not kept")),
                                    } }
                                } } }
                            }
                        }
                    }
                }
                (lists::sessions(&person.sessions, "Their newest sessions", &all, "None is kept any more.", place))
            }
        }
    }
}

/// A trait as one line: text as it is, everything else as JSON.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}
