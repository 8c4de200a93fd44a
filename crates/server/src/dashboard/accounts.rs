//! Accounts (`dashboard.md` §7.10, second tab of People): the groups that events name, and one of them with its people.
//!
//! Counts of a row are those of all time, and say so; the period chooses what is listed.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use trackway_core::filter::Field;
use trackway_event::Timestamp;
use trackway_store::query::{AccountDetail, AccountRef, AccountRow, AccountsAsk, Page};

use super::frame::Bar;
use super::late::{self, Sheet};
use super::link;
use super::people::{self, written};
use super::place::Place;
use super::visit::Visit;
use super::{format, hostile, lists, parts, person};

/// The order of the list when none is asked for.
const ORDER: &str = "-last";

/// The tab's answer.
pub(crate) async fn show(visit: Visit) -> Response {
    let (title, at, bar) = ("People", "people", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let (key, period, last) = (visit.project.key, scope.period, visit.project.last_event_at);
    let params = &visit.guest.params;
    let ask = AccountsAsk { scope, kind: None, page: params.page(), sort: params.sort.clone() };
    late::show(
        visit,
        Sheet { title, at, bar },
        "accounts",
        move |store| store.accounts(key, &ask),
        move |page, visit| view(&page, last, &visit.place(period)),
    )
    .await
}

/// `/p/{p}/accounts/{type}/{key}`
pub(crate) async fn show_one(visit: Visit, Path((_, kind, id)): Path<(String, String, String)>) -> Response {
    let (title, at) = ("Account", "people");
    let (key, asked) = (visit.project.key, (kind.clone(), id.clone()));
    match visit.ask("account", move |store| store.account(key, &asked.0, &asked.1)).await {
        Ok(Some(account)) => {
            let period = trackway_store::query::Period { from: Timestamp::ZERO, to: visit.guest.now };
            visit.page(title, at, Bar::Title, view_one(&account, &visit.place(period)))
        }
        Ok(None) => {
            let back = format!("{}?tab=accounts", link::path(visit.project.id.as_str(), "people"));
            let what = html! { b { "No event here names the " (hostile::line(&kind, 40)) " " span.mono { (hostile::line(&id, 64)) } "." } };
            visit.missing(title, at, lists::nothing("unknown-account", what, &back, "All accounts"))
        }
        Err(problem) => visit.failed(title, at, Bar::Title, &problem),
    }
}

/// An account's name as a link to it.
pub(crate) fn name(account: &AccountRef, place: &Place<'_>) -> Markup {
    html! { span.dim { (hostile::line(&account.kind, 24)) } " " (link_to(account, place)) }
}

/// Its name alone, where lines are short; of what kind it is says a title.
pub(crate) fn link_to(account: &AccountRef, place: &Place<'_>) -> Markup {
    let shown = account.name.as_deref().filter(|n| !n.trim().is_empty()).unwrap_or(&account.key);
    let part = |text: &str| !matches!(text, "" | "." | "..");
    let at = format!(
        "{}/{}/{}{}",
        link::path(place.project, "accounts"),
        link::encode(&account.kind),
        link::encode(&account.key),
        place.params.carried().query()
    );
    let inner = html! { (hostile::line(shown, 40)) };
    html! { @if part(&account.kind) && part(&account.key) { a href=(at) title=(hostile::plain(&account.kind, 60)) { (inner) } } @else { (inner) } }
}

/// The tab's body.
pub(crate) fn view(page: &Page<AccountRow>, last: Option<Timestamp>, place: &Place<'_>) -> Markup {
    if page.items.is_empty() {
        let why = parts::why_empty(place.params, last, place.period.from);
        let what = "No event of this period names an account. Accounts are the groups of your events: an organisation, a team, a workspace.";
        return html! { (people::tabs("accounts", place)) (parts::partial(page.partial.as_deref())) (parts::empty(&why, what, place.project, place.path, place.params)) };
    }
    let sort = |field: &str, name: &str| lists::sort_head(field, name, ORDER, place);
    html! {
        p.lede data-testid="lede" {
            b { (format::counted(page.total.unwrap_or(page.items.len() as u64), "account", "accounts")) } " used it in this period."
        }
        (people::tabs("accounts", place))
        (parts::partial(page.partial.as_deref()))
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label="Accounts" {
                table.data {
                    caption.sr { "Accounts; people, sessions, calls and failures of all time" }
                    thead { tr {
                        (sort("name", "Account")) th scope="col" { "Known of it" } (sort("people", "People ever")) (sort("sessions", "Sessions ever"))
                        (sort("calls", "Calls ever")) (sort("errors", "Failures ever")) (sort("first", "First seen")) (sort("last", "Last seen"))
                    } }
                    tbody #rows { @for row in &page.items { tr data-testid="account-row" {
                        th scope="row" { (name(&row.account, place)) }
                        td data-label="Known of it" { @if row.traits.is_empty() { (format::unknown("no property was sent for it")) } @else {
                            @for (i, (key, value)) in row.traits.iter().take(3).enumerate() {
                                @if i > 0 { ", " } span.dim { (hostile::line(key, 20)) } " " (hostile::line(&written(value), 32))
                            }
                        } }
                        td.num data-label="People ever" { (format::count(row.people)) }
                        td.num data-label="Sessions ever" { (format::count(row.sessions)) }
                        td.num data-label="Calls ever" { (format::count(row.tool_calls)) }
                        td.num data-label="Failures ever" { @if row.errors > 0 { span.bad { (format::count(row.errors)) } } @else { span.dim { "0" } } }
                        td.num data-label="First seen" { (format::time(row.first_seen, &format::ago(row.first_seen, place.now))) }
                        td.num data-label="Last seen" { (format::time(row.last_seen, &format::ago(row.last_seen, place.now))) }
                    } } }
                }
            }
        }
        (lists::pager(page, "account", "accounts", place))
    }
}

/// One account's body.
pub(crate) fn view_one(account: &AccountDetail, place: &Place<'_>) -> Markup {
    let row = &account.row;
    let field = Field::Group(row.account.kind.clone()).to_string();
    let all = place.params.carried().and(&field, "eq", &row.account.key);
    let all = format!("{}{}", link::path(place.project, "sessions"), all.query());
    let shown = row.account.name.as_deref().filter(|n| !n.trim().is_empty()).unwrap_or(&row.account.key);
    html! {
        p.lede data-testid="lede" {
            b { (hostile::line(shown, 80)) } " made " (format::counted(row.tool_calls, "call", "calls")) " in "
            a href=(all) { (format::counted(row.sessions, "session", "sessions")) } " by " (format::counted(row.people, "person", "people"))
            @if row.errors > 0 { ", " (format::counted(row.errors, "failure", "failures")) " among them" } "."
        }
        p.facts {
            span { (hostile::line(&row.account.kind, 40)) " " span.mono { (hostile::line(&row.account.key, 80)) } }
            span { "First seen " (format::time(row.first_seen, &format::ago(row.first_seen, place.now))) }
            span { "Last seen " (format::time(row.last_seen, &format::ago(row.last_seen, place.now))) }
        }
        div.grid { div.col-12 {
            (person::traits(&row.traits, &account.sources, &PROPERTIES, place))
            (people::panel(&account.people, "Its people, latest seen first", "Nobody was named on its events.", place))
            (lists::sessions(&account.sessions, "Its newest sessions", &all, "None is kept any more.", place))
        } }
    }
}

const PROPERTIES: person::Called = person::Called {
    heading: "What is known of it",
    one: "Property",
    many: "Properties",
    none: "No property was sent for it.",
};
