//! What the pages of lists share: heads that sort, pagers, tables of sessions and of calls, addresses of details.
//!
//! Called by the pages of lists. Every captured string goes through [`hostile`].

use maud::{Markup, html};
use trackway_store::query::{EventRow, Page, SessionRow};

use super::columns::Column;
use super::icons::{Icon, icon};
use super::link::{self, Params};
use super::place::Place;
use super::{format, hostile, parts, session_table};

/// The page of one thing of a list, with period and filters carried along; `None` where a browser would not keep the name
/// as a part of a path.
pub(crate) fn detail(place: &Place<'_>, page: &str, id: &str) -> Option<String> {
    let kept = !matches!(id, "" | "." | "..");
    kept.then(|| {
        format!("{}/{}{}", link::path(place.project, page), link::encode(id), place.params.carried().query())
    })
}

/// A column head that sorts; `default` is the order of the list when none is asked for.
pub(crate) fn sort_head(field: &str, name: &str, default: &str, place: &Place<'_>) -> Markup {
    let current = place.params.sort.as_deref().unwrap_or(default);
    let (down, up) = (format!("-{field}"), field.to_owned());
    let aria = if current == down {
        Some("descending")
    } else if current == up {
        Some("ascending")
    } else {
        None
    };
    let words = matches!(field, "name" | "title");
    let next = match aria {
        Some("descending") => up,
        Some(_) => down,
        None if words => up,
        None => down,
    };
    let params = Params { sort: (next != default).then_some(next), ..place.params.top() };
    html! {
        th.num[!words && !matches!(field, "started" | "state")] scope="col" aria-sort=[aria] {
            a.sort href=(format!("{}{}", place.path, params.query())) { (name) @if aria.is_some() { span.arrow.up[aria == Some("ascending")] { (icon(Icon::Down)) } } }
        }
    }
}

/// First page, how many are shown, next page.
pub(crate) fn pager<T>(page: &Page<T>, one: &str, many: &str, place: &Place<'_>) -> Markup {
    html! {
        nav.pager aria-label="Pages of the list" {
            @if place.params.after.is_some() { a.button href=(format!("{}{}", place.path, place.params.top().query())) { "First page" } }
            span.dim { "Showing " (format::counted(page.items.len() as u64, one, many)) @if let Some(total) = page.total { " of " (format::count(total)) } }
            @if let Some(next) = &page.next {
                @let params = Params { after: Some(next.clone()), ..place.params.top() };
                a.button rel="next" href=(format!("{}{}", place.path, params.query())) { "Next page" }
            }
        }
    }
}

/// Whose rows a panel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Anyone's: each row says whose.
    Anyones,
    /// Those of the one person whose page it is, which rows need not repeat; they are of several tools, which rows then name.
    Theirs,
}

/// A panel of sessions; `all` is where the whole list is.
pub(crate) fn sessions(rows: &[SessionRow], title: &str, all: &str, none: &str, place: &Place<'_>) -> Markup {
    sessions_of(Whose::Anyones, rows, title, all, none, place)
}

/// The same for one person's.
pub(crate) fn sessions_of(
    whose: Whose,
    rows: &[SessionRow],
    title: &str,
    all: &str,
    none: &str,
    place: &Place<'_>,
) -> Markup {
    let base = link::path(place.project, "sessions");
    let mut columns = session_table::usual();
    columns.retain(|c| whose == Whose::Anyones || c.key() != "person");
    html! {
        section.panel.flush {
            h2 { (title) a.aside href=(all) { "All sessions" } }
            @if rows.is_empty() { p.quiet { (none) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    table.data.sessions {
                        caption.sr { (title) }
                        (session_table::plain_head(&columns))
                        tbody { @for row in rows { (session_table::row(row, &columns, &base, &place.params.carried(), place)) } }
                    }
                }
            }
        }
    }
}

/// A panel of calls, newest first, each with a link to its place in the replay.
pub(crate) fn calls(rows: &[EventRow], title: &str, none: &str, place: &Place<'_>) -> Markup {
    calls_of(Whose::Anyones, rows, title, none, place)
}

/// The same for one person's.
pub(crate) fn calls_of(
    whose: Whose,
    rows: &[EventRow],
    title: &str,
    none: &str,
    place: &Place<'_>,
) -> Markup {
    let named = whose == Whose::Anyones;
    let base = link::path(place.project, "sessions");
    let only = |field: &str, v: &str| format!("{base}{}", place.params.carried().and(field, "eq", v).query());
    html! {
        section.panel.flush {
            h2 { (title) }
            @if rows.is_empty() { p.quiet { (none) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    table.data {
                        caption.sr { (title) }
                        thead { tr {
                            th scope="col" { "When" } @if !named { th scope="col" { "What" } } th scope="col" { "Status" } th.num scope="col" { "Took" } th scope="col" { "Client" }
                            @if named { th scope="col" { "Person" } } th scope="col" { "Why, or what went wrong" }
                        } }
                        tbody { @for row in rows {
                            @let session = row.session_id.as_ref().map_or("", |s| s.as_str());
                            tr data-testid="call-row" {
                                th scope="row" { @if session.is_empty() { (format::row_time(row.started_at, place.now)) } @else {
                                    a.row href=(format!("{}?sel={}", link::session(place.project, session), link::encode(row.id.as_str()))) { (format::row_time(row.started_at, place.now)) }
                                } }
                                @if !named { td data-label="What" { (parts::subject(row)) } }
                                td data-label="Status" { @match row.status { Some(trackway_event::Status::Ok) => span.dim { "ok" }, status => (parts::status(status)) } }
                                td.num data-label="Took" { @match row.duration_us { Some(us) => (format::duration(us)), None => (format::unknown("no duration was recorded")) } }
                                td data-label="Client" { (parts::peer(row.client.as_ref(), &|v| only("client", v))) }
                                @if named { td data-label="Person" { (parts::person(row.actor.as_ref(), session, &|v| only("person", v))) } }
                                td data-label="Words" { @match (&row.error, row.intent.as_deref().filter(|w| !w.trim().is_empty())) {
                                    (Some(error), _) => span.bad { (hostile::line(&error.message, 90)) },
                                    (None, Some(words)) => { "“" (hostile::line(words, 90)) "”" },
                                    (None, None) if row.kind == trackway_event::Kind::ToolCall => (format::unknown("the agent did not say why")),
                                    (None, None) => "",
                                } }
                            }
                        } }
                    }
                }
            }
        }
    }
}

/// 404 inside a list: what is not there, and the way back.
pub(crate) fn nothing(testid: &str, what: Markup, back: &str, label: &str) -> Markup {
    html! { div.empty data-testid=(testid) { p { (what) } a.button href=(back) { (label) } } }
}
