//! The table of sessions, one drawing for Overview, Sessions and every page that shows some: its columns, heads and rows.
//!
//! Called by those pages. A new column is a line in [`COLUMNS`]. Every captured string goes through [`hostile`].

use maud::{Markup, html};
use trackway_store::query::{Attempts, SessionRow};

use super::columns::{self, Column};
use super::link::{self, Params};
use super::place::Place;
use super::{format, hostile, parts};

/// A column of the table.
pub(crate) struct SessionColumn {
    key: &'static str,
    name: &'static str,
    /// The field that sorts by it.
    sort: Option<&'static str>,
    sort_of: Sort,
    usual: Usual,
    cell: fn(&SessionRow, &Row<'_>) -> Markup,
}

/// How a column stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Words,
    Number,
    Track,
    Why,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Usual {
    Shown,
    OnDemand,
}

/// Where a row stands.
struct Row<'a> {
    href: String,
    /// The list that values filter.
    base: &'a str,
    params: &'a Params,
    place: &'a Place<'a>,
}

impl Row<'_> {
    fn only(&self, field: &str, value: &str) -> String {
        format!("{}{}", self.base, self.params.and(field, "eq", value).query())
    }
}

impl Column for SessionColumn {
    fn key(&self) -> &'static str {
        self.key
    }
    fn name(&self) -> &'static str {
        self.name
    }
    fn usual(&self) -> bool {
        self.usual == Usual::Shown
    }
}

const fn column(
    key: &'static str,
    name: &'static str,
    sort: Option<&'static str>,
    sort_of: Sort,
    usual: Usual,
    cell: fn(&SessionRow, &Row<'_>) -> Markup,
) -> SessionColumn {
    SessionColumn { key, name, sort, sort_of, usual, cell }
}

/// Every column, in order.
pub(crate) static COLUMNS: &[SessionColumn] = &[
    column("started", "Started", Some("started"), Sort::Words, Usual::Shown, |row, at| {
        html! { a.row href=(at.href) { (format::row_time(row.started_at, at.place.now)) } }
    }),
    column("track", "Track", None, Sort::Track, Usual::Shown, |row, _| parts::small_track(row)),
    column("person", "Person", None, Sort::Words, Usual::Shown, |row, at| {
        html! {
            (parts::person(row.actor.as_ref(), row.id.as_str(), &|v| at.only("person", v)))
            @if row.actors > 1 { " " span.dim title="people in this session" { "+" (row.actors - 1) } }
            @if !row.merged_from.is_empty() { " " span.tag.info data-testid="fragments" title="shown as one session; its page says why" { (row.merged_from.len() + 1) " parts" } }
        }
    }),
    column("client", "Client", None, Sort::Words, Usual::Shown, |row, at| {
        parts::peer(row.client.as_ref(), &|v| at.only("client", v))
    }),
    column("calls", "Calls", Some("calls"), Sort::Number, Usual::Shown, |row, _| {
        html! { (format::count(row.tool_calls)) }
    }),
    column("failed", "Failed", Some("errors"), Sort::Number, Usual::Shown, |row, _| {
        html! { @if row.errors > 0 { span.bad { (format::count(row.errors)) } } @else { span.dim { "0" } } }
    }),
    column("ending", "Ending", None, Sort::Words, Usual::Shown, |row, _| parts::ending(row)),
    column("length", "Length", Some("length"), Sort::Number, Usual::Shown, |row, _| {
        html! { (format::span(row.duration_us())) }
    }),
    column("context", "Context", Some("context"), Sort::Number, Usual::Shown, |row, _| {
        html! { span title="estimated: the listings it was sent, and results" { (format::tokens(row.context)) } }
    }),
    column("first", "First try", None, Sort::Number, Usual::OnDemand, |row, _| first_try(row.attempts)),
    column("asked", "Asked for more", None, Sort::Number, Usual::OnDemand, |row, _| {
        html! { (format::count(row.missing_reports)) }
    }),
    column("server", "Server", None, Sort::Words, Usual::OnDemand, |row, at| {
        parts::peer(row.server.as_ref(), &|v| at.only("server", v))
    }),
    column("protocol", "Protocol", None, Sort::Words, Usual::OnDemand, |row, _| {
        columns::text_or(row.protocol_version.as_deref(), 24, "no revision was recorded")
    }),
    column("source", "Put together", None, Sort::Words, Usual::OnDemand, |row, at| {
        html! { a.val href=(at.only("session_source", row.source.as_str())) { (parts::source_words(row.source)) } }
    }),
    column("recorder", "Recorded by", None, Sort::Words, Usual::OnDemand, |row, _| match &row.sdk {
        Some(sdk) => parts::peer_text(sdk),
        None => format::unknown("the recorder gave no name"),
    }),
    column("id", "Id", None, Sort::Words, Usual::OnDemand, |row, _| {
        html! { span.mono { (hostile::line(row.id.as_str(), 32)) } }
    }),
    column("why", "Why look, or first intent", None, Sort::Why, Usual::Shown, |row, _| {
        html! { @if let Some(why) = parts::notable(row) { (hostile::line(&why, 90)) } @else if let Some(first) = row.intents.first() { span.dim { "“" (hostile::line(first, 44)) "”" } } }
    }),
];

/// The table's columns where nobody chose any.
pub(crate) fn usual() -> Vec<&'static SessionColumn> {
    columns::chosen(COLUMNS, &Params::default())
}

/// The head; `sort` draws the head of a column that sorts by a field.
pub(crate) fn head(columns: &[&SessionColumn], sort: &dyn Fn(&str, &str) -> Markup) -> Markup {
    html! { thead { tr { @for c in columns {
        @match c.sort {
            Some(field) => (sort(field, c.name)),
            None => th.num[c.sort_of == Sort::Number] scope="col" { (c.name) },
        }
    } } } }
}

/// The head of a table that stays in its order.
pub(crate) fn plain_head(columns: &[&SessionColumn]) -> Markup {
    head(columns, &|field, name| html! { th.num[field != "started"] scope="col" { (name) } })
}

/// One session; values filter the list at `base` with `params`.
pub(crate) fn row(
    session: &SessionRow,
    columns: &[&SessionColumn],
    base: &str,
    params: &Params,
    place: &Place<'_>,
) -> Markup {
    let href = format!("{}{}", link::session(place.project, session.id.as_str()), params.listed().query());
    let at = Row { href, base, params, place };
    html! {
        tr data-testid="session-row" data-href=(at.href) {
            @for (i, c) in columns.iter().enumerate() {
                @if i == 0 { th scope="row" { ((c.cell)(session, &at)) } }
                @else {
                    @let label = if c.key == "why" { "Why" } else { c.name };
                    td.num[c.sort_of == Sort::Number].track-cell[c.sort_of == Sort::Track].why[c.sort_of == Sort::Why] data-label=(label) { ((c.cell)(session, &at)) }
                }
            }
        }
    }
}

fn first_try(attempts: Attempts) -> Markup {
    match attempts.chains {
        0 => format::unknown("no attempt was finished"),
        n => {
            html! { span title="attempts solved at the first try" { (format::count(attempts.first)) " of " (format::count(n)) } }
        }
    }
}
