//! Issues (`dashboard.md` §7.6): failures grouped by what they are; and one group in full.
//!
//! Counts are those of the period, first and last seen those of all time; both are said. Messages are captured text.

use axum::extract::Path;
use axum::response::Response;
use http::HeaderMap;
use maud::{Markup, html};
use trackway_event::Timestamp;
use trackway_event::event::ErrorInfo;
use trackway_store::Store;
use trackway_store::query::{IssueDetail, IssueRow, IssueTab, ListAsk, Page, Recovery, State, Thing};

use super::columns::{self, Column, Named, Shown};
use super::frame::Bar;
use super::issue_apart as apart;
use super::issue_bulk::{self as bulk, Did};
use super::issue_talk::{self as talk, Reader, Tidies};
use super::issue_work::{self as work, May};
use super::late::{self, Sheet};
use super::link::{self, Params};
use super::place::Place;
use super::visit::Visit;
use super::{chart, detail, flags, format, hostile, lists, parts};

/// The order of the list when none is asked for.
const ORDER: &str = "-state";
/// The tabs: key in the URL, name, which groups.
const TABS: [(&str, &str, IssueTab); 4] = [
    ("", "Unresolved", IssueTab::Open),
    ("resolved", "Resolved", IssueTab::Resolved),
    ("archived", "Archived", IssueTab::Archived),
    ("all", "All", IssueTab::All),
];

/// The columns of the list.
const COLUMNS: &[Named] = &[
    Named::of("title", "Tool and what went wrong"),
    Named::of("state", "State"),
    Named::of("class", "Class"),
    Named::of("events", "Failures"),
    Named::of("sessions", "Sessions"),
    Named::of("people", "People"),
    Named::of("recovers", "Recovers"),
    Named::of("first", "First seen"),
    Named::of("last", "Last seen"),
    Named::of("version", "Since version"),
    Named::of("assignee", "Assignee"),
    Named::rare("trend", "Trend"),
];

/// What the list shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// Groups with a failure in the period.
    pub page: Page<IssueRow>,
    /// What became of the attempts that met one of them.
    pub recovery: Recovery,
    /// Which of them.
    pub tab: IssueTab,
    /// What the reader may do to them.
    pub may: May,
    /// Whom they can be given to.
    pub members: Vec<String>,
    /// What was done to many just now.
    pub did: Option<Did>,
    /// Newest event of the project, to explain an empty list.
    pub last_event_at: Option<Timestamp>,
}

/// `/p/{p}/issues`
pub(crate) async fn show(visit: Visit, headers: HeaderMap) -> Response {
    let did = Did::of(&headers);
    let (title, at, bar) = ("Issues", "issues", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let (key, period) = (visit.project.key, scope.period);
    let ask = ListAsk { scope, page: visit.guest.params.page(), sort: visit.guest.params.sort.clone() };
    let tab = tab_of(visit.guest.params.tab.as_deref());
    let may = if visit.guest.viewer.may_change(key) { May::Change } else { May::Look };
    late::show(
        visit,
        Sheet { title, at, bar },
        "issues",
        move |store| Ok((store.issues(key, &ask, tab)?, members(store, may)?)),
        move |(list, members), visit| {
            let vm = Vm {
                page: list.page,
                recovery: list.recovery,
                tab,
                may,
                members,
                did,
                last_event_at: visit.project.last_event_at,
            };
            view(&vm, &visit.place(period))
        },
    )
    .await
}

/// `/p/{p}/issues/{issue}`
pub(crate) async fn show_one(visit: Visit, Path((_, number)): Path<(String, String)>) -> Response {
    let (title, at, bar) = ("Issue", "issues", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let (key, period, id) = (visit.project.key, scope.period, number.parse::<u64>().ok());
    let viewer = &visit.guest.viewer;
    let may = if viewer.may_change(key) { May::Change } else { May::Look };
    let tidies = if viewer.is_admin() { Tidies::All } else { Tidies::Own };
    let mut reader = Reader { may, name: viewer.actor(), tidies, members: Vec::new() };
    let question = move |store: &dyn Store| {
        let Some(id) = id else { return Ok(None) };
        let Some(issue) = store.issue(key, id, &scope)? else { return Ok(None) };
        let newest = match issue.samples.first() {
            Some(sample) => store.event(key, sample.id.as_str())?,
            None => None,
        };
        Ok(Some((issue, newest.and_then(|newest| newest.error), members(store, may)?)))
    };
    late::show_one(
        visit,
        Sheet { title, at, bar },
        "issue",
        Thing::Issue(id.unwrap_or(u64::MAX)),
        question,
        move |(issue, error, members), visit| {
            reader.members = members;
            view_one(&issue, error.as_ref(), &reader, &visit.place(period))
        },
        move |visit| {
            let back = link::path(visit.project.id.as_str(), "issues");
            let what = html! { b { "There is no issue " span.mono { (hostile::line(&number, 32)) } " here." } " It may belong to another project." };
            lists::nothing("unknown-issue", what, &back, "All issues")
        },
    )
    .await
}

/// Whom an issue can be given to, for who may give it.
fn members(store: &dyn Store, may: May) -> trackway_store::Result<Vec<String>> {
    match may {
        May::Look => Ok(Vec::new()),
        May::Change => Ok(store.members()?.into_iter().map(|member| member.name).collect()),
    }
}

/// Which groups a tab shows.
pub(crate) fn tab_of(key: Option<&str>) -> IssueTab {
    TABS.iter().find(|(k, ..)| Some(*k) == key).map_or(IssueTab::Open, |(.., tab)| *tab)
}

/// The list's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let rows = &vm.page.items;
    let tabs = html! {
        div.tabline { nav.tabs aria-label="Which issues" { @for (key, name, tab) in TABS {
            @let params = Params { tab: (!key.is_empty()).then(|| key.to_owned()), ..place.params.top() };
            a href=(format!("{}{}", place.path, params.query())) aria-current=[(tab == vm.tab).then_some("page")] data-testid=(format!("tab-{}", name.to_lowercase())) { (name) }
        } }
        @if !rows.is_empty() { (columns::menu(COLUMNS, place)) } }
    };
    if rows.is_empty() {
        let why = parts::why_empty(place.params, vm.last_event_at, place.period.from);
        let what = match vm.tab {
            IssueTab::Open => {
                "No unresolved failure in this period. Failures with the same cause become one row here."
            }
            IssueTab::Resolved => {
                "No resolved issue failed in this period. A resolved one that comes back on a newer server version is listed as regressed."
            }
            IssueTab::Archived => "No archived issue failed in this period.",
            IssueTab::All => "No failure in this period. Failures with the same cause become one row here.",
        };
        return html! { @if let Some(did) = &vm.did { (bulk::strip(did, place)) } (tabs) (parts::partial(vm.page.partial.as_deref())) (parts::empty(&why, what, place.project, place.path, place.params)) };
    }
    let fresh = rows.iter().filter(|r| r.first_seen >= place.period.from).count() as u64;
    let failures: u64 = rows.iter().map(|r| r.events).sum();
    let Recovery { attempts: tried, recovered: past, .. } = vm.recovery;
    html! {
        @if let Some(did) = &vm.did { (bulk::strip(did, place)) }
        p.lede data-testid="lede" {
            b { (format::counted(vm.page.total.unwrap_or(rows.len() as u64), "issue", "issues")) } " with " (format::counted(failures, "failure", "failures"))
            @if vm.page.next.is_some() { " on this page" }
            @if fresh > 0 { "; " b { (format::count(fresh)) } " first seen in this period" }
            "."
            @if tried >= work::FEW { " Agents got past " b { (format::percent(past as f64 / tried as f64)) } " of the failures they met by themselves." }
        }
        (tabs)
        (parts::partial(vm.page.partial.as_deref()))
        @if vm.may == May::Change { (bulk::bar(vm.tab, &vm.members, place)) }
        section.panel.flush { (table_of(rows, Some(ORDER), &Shown::of(COLUMNS, place.params), vm.may, place)) }
        (lists::pager(&vm.page, "issue", "issues", place))
    }
}

/// How a group stands, as shape and word.
pub(crate) fn state(state: &State) -> Markup {
    match state {
        State::New => html! { span.tag.info { "new" } },
        State::Ongoing => html! { span.tag { "ongoing" } },
        State::Escalating => html! { span.tag.fail { "escalating" } },
        State::Regressed(None) => html! { span.tag.fail { "regressed" } },
        State::Regressed(Some(version)) => {
            html! { span.tag.fail { "regressed in " (hostile::line(version, 20)) } }
        }
        State::Resolved => html! { span.tag.good { "resolved" } },
        State::Archived => html! { span.tag { "archived" } },
    }
}

/// Groups as a table on the page of their tool, which is not named in each row, and which nobody sorts or works through.
pub(crate) fn table(rows: &[IssueRow], place: &Place<'_>) -> Markup {
    let mut keys: Vec<&str> = COLUMNS.iter().map(Column::key).collect();
    keys.retain(|key| *key != "assignee");
    let rows: Vec<IssueRow> = rows.iter().map(|row| IssueRow { tool: None, ..row.clone() }).collect();
    table_of(&rows, None, &Shown::Some(keys), May::Look, place)
}

/// The same; heads sort where the list has an `order`.
fn table_of(rows: &[IssueRow], order: Option<&str>, shown: &Shown, may: May, place: &Place<'_>) -> Markup {
    let most = rows.iter().map(|r| r.events).max().unwrap_or(1);
    let head = |field: &str, name: &str| match order {
        Some(order) => lists::sort_head(field, name, order, place),
        None => html! { th.num[!matches!(field, "title" | "state")] scope="col" { (name) } },
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Issues" {
            table.data {
                caption.sr { "Failures by cause" }
                thead { tr {
                    (head("title", if order.is_some() { "Tool and what went wrong" } else { "What went wrong" }))
                    @if shown.has("state") { (head("state", "State")) } @if shown.has("class") { th scope="col" { "Class" } }
                    @if shown.has("events") { th scope="col" { span.sr { "Share of failures" } } (head("events", "Failures")) }
                    @if shown.has("sessions") { (head("sessions", "Sessions")) } @if shown.has("people") { (head("people", "People")) }
                    @if shown.has("recovers") { th.num scope="col" title="attempts that met it and were solved in the end, in the newest 20 sessions with it" { "Recovers" } }
                    @if shown.has("first") { (head("first", "First seen")) } @if shown.has("last") { (head("last", "Last seen")) }
                    @if shown.has("version") { th scope="col" { "Since version" } } @if shown.has("assignee") { th scope="col" { "Assignee" } } @if shown.has("trend") { th scope="col" { "Trend" } }
                } }
                tbody #rows { @for row in rows { (line(row, most, shown, may, place)) } }
            }
        }
    }
}

fn recovers(recovery: Option<Recovery>) -> Markup {
    match recovery {
        None | Some(Recovery { attempts: 0, .. }) => format::unknown("no attempt with it is kept"),
        Some(r) if r.attempts < work::FEW => {
            html! { span.dim { (format::count(r.recovered)) " of " (format::count(r.attempts)) } }
        }
        Some(r) => html! {
            span title=(format!("{} of {} attempts", r.recovered, r.attempts)) { (format::percent(r.recovered as f64 / r.attempts as f64)) }
        },
    }
}

fn line(row: &IssueRow, most: u64, shown: &Shown, may: May, place: &Place<'_>) -> Markup {
    let id = row.id.to_string();
    let named = html! {
        @if let Some(tool) = &row.tool { b { (hostile::line(tool, 32)) } ": " }
        @if row.title.trim().is_empty() { "no message given" } @else { (hostile::line(&row.title, 80)) }
    };
    html! {
        tr data-testid="issue-row" {
            th scope="row" {
                @if may == May::Change { (bulk::pick(row.id)) }
                @match lists::detail(place, "issues", &id) { Some(href) => a.row href=(href) { (named) }, None => (named) }
            }
            @if shown.has("state") { td data-label="State" { (state(&row.state)) } }
            @if shown.has("class") { td data-label="Class" { span.tag { (row.class.as_str().replace('_', " ")) } } }
            @if shown.has("events") {
                td.bar-cell { (chart::share_bar(row.events, most, row.events)) }
                td.num data-label="Failures" { (format::count(row.events)) }
            }
            @if shown.has("sessions") { td.num data-label="Sessions" { (format::count(row.sessions)) } }
            @if shown.has("people") { td.num data-label="People" { @if row.people == 0 { span.dim title="nobody who met it was identified" { "0" } } @else { (format::count(row.people)) } } }
            @if shown.has("recovers") { td.num data-label="Recovers" { (recovers(row.recovery)) } }
            @if shown.has("first") { td.num data-label="First seen" { (format::time(row.first_seen, &format::ago(row.first_seen, place.now))) } }
            @if shown.has("last") { td.num data-label="Last seen" { (format::time(row.last_seen, &format::ago(row.last_seen, place.now))) } }
            @if shown.has("version") { td data-label="Since version" { @match row.since_version.as_deref() { Some(v) => (hostile::line(v, 20)), None => (format::unknown("the server did not say its version")) } } }
            @if shown.has("assignee") { td data-label="Assignee" { @match row.assignee.as_deref() { Some(name) => (hostile::line(name, 24)), None => span.dim title="given to nobody" { "–" } } } }
            @if shown.has("trend") { td data-label="Trend" { (chart::spark(&row.trend.iter().map(|n| *n as f64).collect::<Vec<_>>(), "failures over the period")) } }
        }
    }
}

/// One group's body.
pub(crate) fn view_one(
    issue: &IssueDetail,
    error: Option<&ErrorInfo>,
    reader: &Reader,
    place: &Place<'_>,
) -> Markup {
    let row = &issue.row;
    let all = place.params.carried().and("issue", "eq", &row.id.to_string());
    let all = format!("{}{}", link::path(place.project, "sessions"), all.query());
    let flags = flags::flags(&issue.sightings, place);
    let over = chart::Over { now: place.now, flags: &flags };
    let quiet = format!("None in this period; the newest was at {}.", format::day_clock(row.last_seen));
    html! {
        p.lede data-testid="lede" {
            @let who = row.tool.as_deref().unwrap_or("This");
            @if row.events == 0 { b { (hostile::line(who, 48)) } " did not fail like this in this period" } @else {
                b { (hostile::line(who, 48)) } " failed "
                b { (format::counted(row.events, "time", "times")) } " in " a href=(all) { (format::counted(row.sessions, "session", "sessions")) }
                @if row.people > 0 { " of " (format::counted(row.people, "person", "people")) }
                " in this period"
            }
            "; first seen " (format::time(row.first_seen, &format::ago(row.first_seen, place.now)))
            @if let Some(v) = &row.since_version { " in version " (hostile::line(v, 24)) }
            ". " @if let Some(recovery) = &row.recovery { (work::recovered(recovery)) }
        }
        (work::standing(issue, reader, place))
        (apart::origin(issue, reader, place))
        p.facts {
            span { "Issue #" (row.id) } span { (state(&row.state)) }
            span { span.tag { (row.class.as_str().replace('_', " ")) } }
            @if let Some(kind) = &row.error_type { span { "Type " span.mono { (hostile::line(kind, 60)) } } }
            @if let Some(tool) = &row.tool { @if let Some(href) = lists::detail(place, "tools", tool) { span { a href=(href) { "The tool" } } } }
            span { "Last seen " (format::time(row.last_seen, &format::ago(row.last_seen, place.now))) }
            span title="what failures of this group share" { "Fingerprint " span.mono { (hostile::line(&row.fingerprint, 16)) } }
        }
        div.grid {
            div.col-8 {
                section.panel {
                    h2 { "The newest message" }
                    @if issue.sample_message.trim().is_empty() { p.quiet { "No message was given. Errors with a text tell agents, and this page, what to change." } }
                    @else { p.error-text data-testid="message" { (hostile::text(&issue.sample_message)) } }
                    @if let Some(error) = error { (detail::stack(error)) }
                }
                section.panel { h2 { "Failures over the period" }
                    @if row.events == 0 { p.quiet { (quiet) } } @else { (chart::failures(&issue.series, &over, &|b| {
                        format!("{}{}", link::path(place.project, "sessions"), place.params.between(b.start, b.end).and("issue", "eq", &row.id.to_string()).query())
                    })) }
                }
                (work::suspects(issue, place))
                (work::mended(&issue.mended, place))
            }
            div.col-4 { (talk::activity(issue, reader, place)) }
            div.col-12 {
                (apart::parts(issue, reader, place))
                (lists::calls(&issue.samples, "Newest failures", "None is kept any more.", place))
                (lists::sessions(&issue.sessions, "Sessions that met it", &all, "None is kept any more.", place))
            }
        }
    }
}
