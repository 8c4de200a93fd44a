//! Sessions under headings (`dashboard.md` §3, `group`): by day, client, person or ending, in the order of the list.
//!
//! Called by the list of sessions. Rows are those of the page, each once; a heading tells of those alone, and leads to all that
//! belong under it. Files and the API hold the same rows without headings.

use maud::{Markup, html};
use trackway_event::Timestamp;
use trackway_store::query::SessionRow;

use super::icons::{Icon, icon};
use super::link::Params;
use super::place::Place;
use super::{format, hostile};

/// What a list is grouped by: key in the address, name.
const BY: [(&str, &str, By); 4] = [
    ("day", "Day", By::Day),
    ("client", "Client", By::Client),
    ("person", "Person", By::Person),
    ("ending", "Ending", By::Ending),
];
const HALF_DAY_US: i64 = 43_200_000_000;

/// A grouping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The day it started, in the zone of the page.
    Day,
    /// The program, every version.
    Client,
    /// The person it was put down to.
    Person,
    /// How it ended.
    Ending,
}

/// The grouping an address asks for; unknown ones are none.
pub(crate) fn asked(params: &Params) -> Option<By> {
    let key = params.group.as_deref()?;
    BY.iter().find(|(k, ..)| *k == key).map(|(.., by)| *by)
}

/// The menu that chooses.
pub(crate) fn menu(place: &Place<'_>) -> Markup {
    let here = asked(place.params);
    let to = |group: Option<&str>| {
        let params = Params { group: group.map(str::to_owned), ..place.params.top() };
        format!("{}{}", place.path, params.query())
    };
    html! {
        details.menu data-testid="group" {
            summary { @match BY.iter().find(|(.., by)| Some(*by) == here) { Some((_, name, _)) => { "By " (name.to_lowercase()) }, None => "Group" } (icon(Icon::Down)) }
            ul.pop {
                li { a href=(to(None)) aria-current=[here.is_none().then_some("true")] { span.name { "One list" } } }
                @for (key, name, by) in BY { li { a href=(to(Some(key))) aria-current=[(here == Some(by)).then_some("true")] { span.name { (name) } } } }
            }
        }
    }
}

/// Rows in their groups, as bodies of a table with `columns` columns; `row` draws one. `more`: the page is not the whole list.
pub(crate) fn bodies(
    rows: &[SessionRow],
    by: By,
    (columns, more): (usize, Option<&str>),
    row: &dyn Fn(&SessionRow) -> Markup,
    place: &Place<'_>,
) -> Markup {
    let mut groups: Vec<(String, Vec<&SessionRow>)> = Vec::new();
    for one in rows {
        let key = key_of(one, by);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, found)) => found.push(one),
            None => groups.push((key, vec![one])),
        }
    }
    html! { @for (_, found) in &groups { @if let Some(first) = found.first() {
        tbody {
            tr.group-head data-testid="group-head" {
                th scope="rowgroup" colspan=(columns) {
                    (name(first, by, place))
                    span.dim {
                        (format::counted(found.len() as u64, "session", "sessions")) @if more.is_some() { " on this page" }
                        ", " (format::counted(found.iter().map(|s| s.tool_calls).sum(), "call", "calls"))
                        @let failed: u64 = found.iter().map(|s| s.errors).sum();
                        @if failed > 0 { ", " span.bad { (format::count(failed)) " failed" } }
                    }
                }
            }
            @for one in found { (row(one)) }
        }
    } } }
}

/// What rows of one group have in common.
fn key_of(row: &SessionRow, by: By) -> String {
    match by {
        By::Day => format::date(row.started_at),
        By::Client => row.client.as_ref().map(|c| c.name.to_string()).unwrap_or_default(),
        By::Person => row.actor.as_ref().map(|a| a.id.to_string()).unwrap_or_default(),
        By::Ending => ending(row).to_owned(),
    }
}

fn ending(row: &SessionRow) -> &'static str {
    match row.ending {
        Some(ending) => ending.as_str(),
        None if row.tool_calls == 0 => "idle",
        None => "open",
    }
}

/// A heading, which leads to all of the group.
fn name(row: &SessionRow, by: By, place: &Place<'_>) -> Markup {
    let all = |params: Params| format!("{}{}", place.path, Params { group: None, ..params.top() }.query());
    let only = |field: &str, value: &str| all(place.params.and(field, "eq", value));
    match by {
        By::Day => {
            let (from, to) = (format::date(row.started_at), next_date(row.started_at));
            let params = Params { from: Some(from), to: Some(to), ..place.params.clone() };
            html! { a href=(all(params)) { (format::weekday(row.started_at)) } }
        }
        By::Client => match row.client.as_ref().filter(|c| !c.name.is_empty()) {
            Some(client) => {
                html! { a href=(only("client", &client.name)) { (hostile::line(&client.name, 48)) } }
            }
            None => html! { "Clients that did not name themselves" },
        },
        By::Person => match &row.actor {
            Some(actor) => {
                let named = actor.name.as_deref().filter(|n| !n.trim().is_empty());
                html! { a href=(only("person", actor.id.as_str())) { (hostile::line(named.unwrap_or(actor.id.as_str()), 48)) } }
            }
            None => html! { a href=(only("identified", "false")) { "Anonymous" } },
        },
        By::Ending => match (row.ending, ending(row)) {
            (Some(_), word) => html! { a href=(only("ending", word)) { "Ended " (word) } },
            (None, "idle") => html! { "Without a call yet" },
            (None, _) => html! { "Still open" },
        },
    }
}

/// The date of the day after, where days have 23 to 25 hours.
fn next_date(at: Timestamp) -> String {
    let today = format::date(at);
    let later = (1..=3).map(|halves| format::date(at.plus_micros(halves * HALF_DAY_US)));
    later.into_iter().find(|date| *date != today).unwrap_or(today)
}
