//! Sessions (`dashboard.md` §7.4, the list): a queue with tabs, sortable, every value a filter, each row its track.
//!
//! Counters come from the session rows of the ledger, never from a scan.

use maud::{Markup, html};
use trackway_event::Timestamp;
use trackway_store::query::{Page, SessionRow, SessionTab};

use super::icons::{Icon, icon};
use super::link::Params;
use super::place::Place;
use super::{format, parts};

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// The rows.
    pub page: Page<SessionRow>,
    /// Which tab.
    pub tab: SessionTab,
    /// Newest event of the project, to explain an empty list.
    pub last_event_at: Option<Timestamp>,
}

/// The tabs: key in the URL, name.
const TABS: [(&str, &str, SessionTab); 3] = [
    ("", "All", SessionTab::All),
    ("failed", "Failed", SessionTab::Failed),
    ("asked", "Asked for more", SessionTab::AskedForMore),
];

/// The tab of this key; unknown ones are the first.
pub(crate) fn tab_of(key: Option<&str>) -> SessionTab {
    TABS.iter().find(|(k, _, _)| Some(*k) == key).map_or(SessionTab::All, |(_, _, tab)| *tab)
}

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let rows = &vm.page.items;
    html! {
        (lede(vm, place))
        nav.tabs aria-label="Which sessions" {
            @for (key, name, tab) in TABS {
                @let params = Params { tab: (!key.is_empty()).then(|| key.to_owned()), ..place.params.top() };
                a href=(format!("{}{}", place.path, params.query())) aria-current=[(tab == vm.tab).then_some("page")] data-testid=(format!("tab-{}", if key.is_empty() { "all" } else { key })) { (name) }
            }
        }
        (parts::partial(vm.page.partial.as_deref()))
        @if rows.is_empty() {
            @let why = match vm.tab {
                SessionTab::All => parts::why_empty(place.params, vm.last_event_at, place.period.from),
                SessionTab::Failed | SessionTab::AskedForMore => match parts::why_empty(place.params, vm.last_event_at, place.period.from) {
                    parts::Empty::None => parts::Empty::None,
                    other => other,
                },
            };
            @let what = match vm.tab {
                SessionTab::All => "A session is the run of calls one agent makes towards one goal; each becomes a row here.",
                SessionTab::Failed => "No session with a failed call in this period.",
                SessionTab::AskedForMore => "No agent asked for a tool that is not there. They can once get_more_tools is offered (wrap --report-missing).",
            };
            (parts::empty(&why, what, place.project, place.path, place.params))
        } @else {
            section.panel.flush {
                div.scroll tabindex="0" role="region" aria-label="Sessions" {
                    table.data.sessions {
                        caption.sr { "Sessions" }
                        (parts::session_head(&|field, name| sort_head(field, name, place)))
                        tbody #rows { @for row in rows { (parts::session_row(row, place.project, place.path, place.params, place.now)) } }
                    }
                }
            }
            (pager(vm, place))
        }
    }
}

fn lede(vm: &Vm, place: &Place<'_>) -> Markup {
    let rows = &vm.page.items;
    let n = vm.page.total.unwrap_or(rows.len() as u64);
    let more = vm.page.total.is_none() && vm.page.next.is_some();
    let failed = rows.iter().filter(|r| r.errors > 0).count() as u64;
    let filters = place.params.f.len() + usize::from(place.params.q.is_some());
    html! {
        @if !rows.is_empty() { p.lede data-testid="lede" {
            @if more { "The newest " } b { (format::counted(n, "session", "sessions")) }
            @if filters > 0 { " pass your " (format::counted(filters as u64, "filter", "filters")) }
            @if vm.tab == SessionTab::All && vm.page.total.is_none_or(|t| t == rows.len() as u64) { ", " b { (format::count(failed)) } " with a failure" }
            "."
        } }
    }
}

fn sort_head(field: &str, name: &str, place: &Place<'_>) -> Markup {
    let current = place.params.sort.as_deref().unwrap_or("-started");
    let (down, up) = (format!("-{field}"), field.to_owned());
    let aria = if current == down {
        Some("descending")
    } else if current == up {
        Some("ascending")
    } else {
        None
    };
    let next = if current == down { up } else { down };
    let sort = (next != "-started").then_some(next);
    let params = Params { sort, ..place.params.top() };
    html! {
        th.num[field != "started"] scope="col" aria-sort=[aria] {
            a.sort href=(format!("{}{}", place.path, params.query())) { (name) @if aria.is_some() { span.arrow.up[aria == Some("ascending")] { (icon(Icon::Down)) } } }
        }
    }
}

fn pager(vm: &Vm, place: &Place<'_>) -> Markup {
    html! {
        nav.pager aria-label="Pages of the list" {
            @if place.params.after.is_some() { a.button href=(format!("{}{}", place.path, place.params.top().query())) { "First page" } }
            span.dim { "Showing " (format::counted(vm.page.items.len() as u64, "session", "sessions")) @if let Some(total) = vm.page.total { " of " (format::count(total)) } }
            @if let Some(next) = &vm.page.next {
                @let params = Params { after: Some(next.clone()), ..place.params.top() };
                a.button rel="next" href=(format!("{}{}", place.path, params.query())) { "Next page" }
            }
        }
    }
}
