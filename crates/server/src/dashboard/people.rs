//! People (`dashboard.md` §7.10): who the server serves; and one person with traits, ids, sessions and steps. The second tab,
//! accounts, is [`super::accounts`].
//!
//! Only identified people are rows. Counts of a row are those of all time, and say so; the period chooses who is listed.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use trackway_event::Timestamp;
use trackway_store::query::{By, ListAsk, Page, PersonRow, Warning, Way, Ways};

use super::clients::{names, share};
use super::columns::{self, Named, Shown};
use super::frame::Bar;
use super::icons::{Icon, icon};
use super::late::{self, Sheet};
use super::link::Params;
use super::place::Place;
use super::visit::Visit;
use super::{accounts, format, hostile, lists, parts};

/// The order of the list when none is asked for.
const ORDER: &str = "-last";

/// What the list shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// People with an event in the period.
    pub page: Page<PersonRow>,
    /// What the newest calls of the period tell of each.
    pub ways: Ways,
    /// Ids that look like nobody's or everybody's.
    pub warnings: Vec<Warning>,
    /// Newest event of the project, to explain an empty list.
    pub last_event_at: Option<Timestamp>,
}

/// The tabs: key in the URL, name.
const TABS: [(&str, &str); 2] = [("", "People"), ("accounts", "Accounts")];

/// Columns of the list.
static COLUMNS: &[Named] = &[
    Named::of("name", "Person"),
    Named::of("known", "Known of them"),
    Named::of("sessions", "Sessions ever"),
    Named::of("calls", "Calls ever"),
    Named::of("errors", "Failures ever"),
    Named::of("first_try", "First try"),
    Named::of("tool", "Top tool"),
    Named::of("client", "Client"),
    Named::of("tokens", "Tokens"),
    Named::of("first", "First seen"),
    Named::of("last", "Last seen"),
];

/// The tabs of the page; `here` is the key of the one that is shown.
pub(crate) fn tabs(here: &str, place: &Place<'_>) -> Markup {
    html! {
        nav.tabs aria-label="Who" { @for (key, name) in TABS {
            @let params = Params { tab: (!key.is_empty()).then(|| key.to_owned()), ..place.params.carried() };
            a href=(format!("{}{}", place.path, params.query())) aria-current=[(key == here).then_some("page")] data-testid=(format!("tab-{}", if key.is_empty() { "people" } else { key })) { (name) }
        } }
    }
}

/// `/p/{p}/people`
pub(crate) async fn show(visit: Visit) -> Response {
    if visit.guest.params.tab.as_deref() == Some("accounts") {
        return accounts::show(visit).await;
    }
    let (title, at, bar) = ("People", "people", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let (key, period) = (visit.project.key, scope.period);
    let ask = ListAsk { scope, page: visit.guest.params.page(), sort: visit.guest.params.sort.clone() };
    late::show(
        visit,
        Sheet { title, at, bar },
        "people",
        move |store| {
            let ways = store.ways(key, &ask.scope, By::Person)?;
            let warnings = store.warnings(key, &ask.scope)?;
            Ok((store.people(key, &ask)?, ways, warnings))
        },
        move |(page, ways, warnings), visit| {
            let vm = Vm { page, ways, warnings, last_event_at: visit.project.last_event_at };
            view(&vm, &visit.place(period))
        },
    )
    .await
}

/// The list's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let rows = &vm.page.items;
    if rows.is_empty() {
        let why = parts::why_empty(place.params, vm.last_event_at, place.period.from);
        let what = "Nobody was identified in this period. People appear once calls say who makes them: trackway wrap --identify-arg NAME, or the identify option of your SDK.";
        return html! { (tabs("", place)) (parts::partial(vm.page.partial.as_deref())) (parts::empty(&why, what, place.project, place.path, place.params)) };
    }
    let shown = Shown::of(COLUMNS, place.params);
    let sort = |field: &str, name: &str| lists::sort_head(field, name, ORDER, place);
    html! {
        p.lede data-testid="lede" {
            b { (format::counted(vm.page.total.unwrap_or(rows.len() as u64), "person", "people")) } " used it in this period"
            @let fresh = rows.iter().filter(|r| r.first_seen >= place.period.from).count() as u64;
            @if fresh > 0 { "; " b { (format::count(fresh)) } @if vm.page.next.is_some() { " of this page" } " for the first time" }
            "."
        }
        div.tabline { (tabs("", place)) (columns::menu(COLUMNS, place)) }
        (parts::partial(vm.page.partial.as_deref()))
        @for warning in vm.warnings.iter().filter(|w| !matches!(w, Warning::Fragmented { .. })) {
            p.strip.warn data-testid="identity-warning" { (icon(Icon::Warn)) span { (hostile::line(&warning.to_string(), 400)) "." } }
        }
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label="People" {
                table.data {
                    caption.sr { "Identified people; sessions, calls and failures of all time" }
                    thead { tr {
                        (sort("name", "Person"))
                        @if shown.has("known") { th scope="col" { "Known of them" } }
                        @if shown.has("sessions") { (sort("sessions", "Sessions ever")) }
                        @if shown.has("calls") { (sort("calls", "Calls ever")) }
                        @if shown.has("errors") { (sort("errors", "Failures ever")) }
                        @if shown.has("first_try") { th.num scope="col" title="attempts of this period that their first call solved" { "First try" } }
                        @if shown.has("tool") { th scope="col" title="called most in this period" { "Top tool" } }
                        @if shown.has("client") { th scope="col" title="used most in this period" { "Client" } }
                        @if shown.has("tokens") { th.num scope="col" title="arguments and results of this period, estimated" { "Tokens" } }
                        @if shown.has("first") { (sort("first", "First seen")) }
                        @if shown.has("last") { (sort("last", "Last seen")) }
                    } }
                    tbody #rows { @for row in rows { (line(row, Some(&vm.ways), &shown, place)) } }
                }
            }
        }
        (lists::pager(&vm.page, "person", "people", place))
    }
}

/// A panel of people that belong to something.
pub(crate) fn panel(rows: &[PersonRow], title: &str, none: &str, place: &Place<'_>) -> Markup {
    html! {
        section.panel.flush {
            h2 { (title) }
            @if rows.is_empty() { p.quiet { (none) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    table.data {
                        caption.sr { (title) }
                        thead { tr {
                            th scope="col" { "Person" } th scope="col" { "Known of them" } th.num scope="col" { "Sessions ever" } th.num scope="col" { "Calls ever" }
                            th.num scope="col" { "Failures ever" } th.num scope="col" { "First seen" } th.num scope="col" { "Last seen" }
                        } }
                        tbody { @for row in rows { (line(row, None, &Shown::All, place)) } }
                    }
                }
            }
        }
    }
}

fn line(row: &PersonRow, ways: Option<&Ways>, columns: &Shown, place: &Place<'_>) -> Markup {
    let id = row.actor.id.as_str();
    let none = Way::default();
    let of =
        |ways: &'_ Ways| ways.items.iter().find(|w| w.name.as_ref().is_some_and(|n| &*n.name == id)).cloned();
    let way = ways.map(|ways| of(ways).unwrap_or_else(|| none.clone()));
    let name = row.actor.name.as_deref().filter(|n| !n.trim().is_empty() && *n != id);
    let shown = html! { (hostile::line(name.unwrap_or(id), 40)) };
    html! {
        tr data-testid="person-row" {
            th scope="row" {
                @match lists::detail(place, "people", id) { Some(href) => a.row href=(href) { (shown) }, None => (shown) }
                @if row.first_seen >= place.period.from { span.tag.info { "new" } }
                @if name.is_some() { span.under.mono { (hostile::line(id, 32)) } }
            }
            @if columns.has("known") { td.whole data-label="Known of them" { (known(row, place)) } }
            @if columns.has("sessions") { td.num data-label="Sessions ever" { (format::count(row.sessions)) } }
            @if columns.has("calls") { td.num data-label="Calls ever" { (format::count(row.tool_calls)) } }
            @if columns.has("errors") { td.num data-label="Failures ever" { @if row.errors > 0 { span.bad { (format::count(row.errors)) } } @else { span.dim { "0" } } } }
            @if let Some(way) = &way {
                @if columns.has("first_try") { td.num data-label="First try" { (share(way.attempts.first, way.attempts.chains, "no attempt in this period")) } }
                @if columns.has("tool") { td.whole data-label="Top tool" { (names(way.tools.get(..1).unwrap_or(&way.tools), "no call in this period")) } }
                @if columns.has("client") { td.whole data-label="Client" { (names(way.clients.get(..1).unwrap_or(&way.clients), "no call in this period")) @if way.clients.len() > 1 { span.dim { " +" (way.clients.len() - 1) } } } }
                @if columns.has("tokens") { td.num data-label="Tokens" { @if way.calls == 0 { (format::unknown("no call in this period")) } @else { (format::tokens(way.tokens)) } } }
            }
            @if columns.has("first") { td.num data-label="First seen" { (format::time(row.first_seen, &format::ago(row.first_seen, place.now))) } }
            @if columns.has("last") { td.num data-label="Last seen" { (format::time(row.last_seen, &format::ago(row.last_seen, place.now))) } }
        }
    }
}

/// Their first account, or else their first trait, and how many more facts there are.
fn known(row: &PersonRow, place: &Place<'_>) -> Markup {
    let facts = row.accounts.len() + row.traits.len();
    html! {
        @if let Some(account) = row.accounts.first() { (accounts::link_to(account, place)) }
        @else if let Some((key, value)) = row.traits.iter().next() { span.dim { (hostile::line(key, 20)) } " " (hostile::line(&written(value), 32)) }
        @else { (format::unknown("no trait was sent with an identify")) }
        @if facts > 1 { span.dim title=(format::counted(facts as u64 - 1, "more fact about them", "more facts about them")) { " +" (facts - 1) } }
    }
}

/// A trait as one line: text as it is, everything else as JSON.
pub(crate) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}
