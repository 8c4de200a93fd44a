//! Sessions (`dashboard.md` §7.4, the list): a queue with tabs, sortable, every value a filter, each row its track.
//!
//! Counters come from the session rows of the ledger, never from a scan.

use maud::{Markup, html};
use trackway_event::Timestamp;
use trackway_store::query::{Page, SessionCounts, SessionRow, SessionTab};

use super::place::Place;
use super::{columns, format, lists, parts, session_group, session_table};

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// The rows.
    pub page: Page<SessionRow>,
    /// Which tab.
    pub tab: SessionTab,
    /// How many there are in the period, where nothing is filtered.
    pub counts: Option<SessionCounts>,
    /// Newest event of the project, to explain an empty list.
    pub last_event_at: Option<Timestamp>,
}

/// The tab of this key; unknown ones are the first.
pub(crate) fn tab_of(key: Option<&str>) -> SessionTab {
    key.and_then(SessionTab::parse).unwrap_or_default()
}

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let rows = &vm.page.items;
    let shown = columns::chosen(session_table::COLUMNS, place.params);
    let tabs = SessionTab::ALL.map(|tab| (tab.as_str(), name(tab), counted(vm, tab, place)));
    let one = |row: &SessionRow| session_table::row(row, &shown, place.path, place.params, place);
    html! {
        (lede(vm, place))
        (columns::tabline("Which sessions", &tabs, vm.tab.as_str(), html! { (session_group::menu(place)) (columns::menu(session_table::COLUMNS, place)) }, place))
        (parts::partial(vm.page.partial.as_deref()))
        @if rows.is_empty() {
            @let why = parts::why_empty(place.params, vm.last_event_at, place.period.from);
            (parts::empty(&why, none(vm.tab), place.project, place.path, place.params))
        } @else {
            section.panel.flush {
                div.scroll tabindex="0" role="region" aria-label="Sessions" {
                    table.data.sessions {
                        caption.sr { "Sessions" }
                        (session_table::head(&shown, &|field, name| lists::sort_head(field, name, "-started", place)))
                        @match session_group::asked(place.params) {
                            None => tbody #rows { @for row in rows { (one(row)) } },
                            Some(by) => (session_group::bodies(rows, by, (shown.len(), vm.page.next.as_deref()), &one, place)),
                        }
                    }
                }
            }
            (lists::pager(&Page { total: counted(vm, vm.tab, place), ..vm.page.clone() }, "session", "sessions", place))
        }
    }
}

const fn name(tab: SessionTab) -> &'static str {
    match tab {
        SessionTab::All => "All",
        SessionTab::WorthALook => "Worth a look",
        SessionTab::Failed => "Failed",
        SessionTab::Stuck => "Stuck",
        SessionTab::AskedForMore => "Asked for more",
    }
}

/// How many sessions a tab has, where that is known without reading them all.
fn counted(vm: &Vm, tab: SessionTab, place: &Place<'_>) -> Option<u64> {
    let all_here = place.params.after.is_none() && vm.page.next.is_none() && vm.page.partial.is_none();
    let whole = vm.tab == tab && all_here;
    match tab {
        SessionTab::All => vm.counts.map(|c| c.all),
        SessionTab::Failed => vm.counts.map(|c| c.failed),
        SessionTab::AskedForMore => vm.counts.map(|c| c.asked),
        SessionTab::WorthALook | SessionTab::Stuck => whole.then_some(vm.page.items.len() as u64),
    }
}

/// What an empty tab says.
const fn none(tab: SessionTab) -> &'static str {
    match tab {
        SessionTab::All => {
            "A session is the run of calls one agent makes towards one goal; each becomes a row here."
        }
        SessionTab::WorthALook => {
            "No session of this period stands out. Looked for: loops, dead ends, failures, wishes, failures nobody had before."
        }
        SessionTab::Failed => "No session with a failed call in this period.",
        SessionTab::Stuck => {
            "No session of this period ended stuck: going round in a loop, or failing five times in a row with no way out."
        }
        SessionTab::AskedForMore => {
            "No agent asked for a tool that is not there. They can once get_more_tools is offered (wrap --report-missing)."
        }
    }
}

fn lede(vm: &Vm, place: &Place<'_>) -> Markup {
    let rows = &vm.page.items;
    let total = counted(vm, vm.tab, place);
    let n = total.unwrap_or(rows.len() as u64);
    let more = total.is_none() && vm.page.next.is_some();
    let filters = place.params.narrowed();
    html! {
        @if !rows.is_empty() { p.lede data-testid="lede" {
            @if more { "The newest " } b { (format::counted(n, "session", "sessions")) }
            @match vm.tab {
                SessionTab::All => {},
                SessionTab::WorthALook => " worth a look",
                SessionTab::Failed => " with a failed call",
                SessionTab::Stuck => " ended stuck",
                SessionTab::AskedForMore => " asked for a tool that is not there",
            }
            @if filters > 0 { " pass your " (format::counted(filters as u64, "filter", "filters")) }
            @if let Some(counts) = vm.counts.filter(|c| vm.tab == SessionTab::All && c.all > 0) {
                ", " a href=(tab(SessionTab::Failed, place)) { b { (format::count(counts.failed)) } " with a failure" }
                @if counts.asked > 0 { ", " a href=(tab(SessionTab::AskedForMore, place)) { b { (format::count(counts.asked)) } " asked for a tool that is not there" } }
            }
            "."
        } }
    }
}

fn tab(tab: SessionTab, place: &Place<'_>) -> String {
    let params = super::link::Params { tab: Some(tab.as_str().to_owned()), ..place.params.top() };
    format!("{}{}", place.path, params.query())
}
