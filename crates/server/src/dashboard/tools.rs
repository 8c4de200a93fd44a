//! Tools (`dashboard.md` §7.5): which are used, which fail, which are slow or heavy; and one of them in full.
//!
//! Tabs Tools, Resources and Prompts. Figures come from rollups where the filters allow it, and are those of the API. No rate
//! stands without its volume; a percentile that too few calls carry is unknown, not zero.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use trackway_event::{Kind, Timestamp};
use trackway_store::query::{ClientRow, Depth, Page, Thing, ToolDetail, ToolPreset, ToolRow, ToolsAsk};

use super::frame::Bar;
use super::late::{self, Sheet};
use super::link::{self, Params};
use super::overview::{maybe, rate};
use super::place::Place;
use super::tool_list::Listed;
use super::visit::Visit;
use super::{
    chart, columns, flags, format, hostile, issues, lists, parts, tool_close, tool_detail, tool_list,
    tool_scatter,
};

/// Newest calls shown; sessions have them all, and more rows would make the page heavy.
const CALLS: usize = 20;
/// What the address says where the list is drawn as dots.
const SCATTER: &str = "scatter";

/// The tabs: key in the URL, name, one of them, kind, what is said where there is none.
const TABS: [(&str, &str, &str, Kind, &str); 3] = [
    (
        "",
        "Tools",
        "tool",
        Kind::ToolCall,
        "Each tool that agents call becomes a row here, with its volume, failures and times.",
    ),
    (
        "resources",
        "Resources",
        "resource",
        Kind::ResourceRead,
        "No resource was read. Each one that agents read becomes a row here.",
    ),
    (
        "prompts",
        "Prompts",
        "prompt",
        Kind::PromptGet,
        "No prompt was fetched. Each one that clients fetch becomes a row here.",
    ),
];
/// What is told of each, tab by tab.
const LISTS: [Listed; 3] = [Listed::Tools, Listed::Resources, Listed::Prompts];
/// Choices of tools: word in the URL, name, what is in it, what is said where nothing is.
const PRESETS: [(ToolPreset, &str, &str, &str); 7] = [
    (ToolPreset::All, "All", "every tool", ""),
    (
        ToolPreset::Failing,
        "Failing",
        "20 finished calls or more, the highest failed share first",
        "No tool with 20 finished calls or more has failed.",
    ),
    (
        ToolPreset::Slow,
        "Slow",
        "20 timed calls or more, the highest p95 first",
        "No tool has 20 timed calls yet.",
    ),
    (ToolPreset::Heavy, "Heavy", "the heaviest results first", "No result of known size."),
    (
        ToolPreset::Dead,
        "Dead",
        "listed and not called, the longest definition first",
        "Every listed tool was called, or no listing was seen in this period.",
    ),
    (
        ToolPreset::Confusing,
        "Confusing",
        "unknown names, and tools that fewer than 80 of 100 attempts solve at first try",
        "No tool is hard to use at first try, and no unknown name was called.",
    ),
    (
        ToolPreset::New,
        "New",
        "first called in this period",
        "No tool was called here for the first time in this period.",
    ),
];

/// What the list shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// Rows.
    pub page: Page<ToolRow>,
    /// Place of the tab in [`TABS`].
    pub tab: usize,
    /// Which tools.
    pub preset: ToolPreset,
    /// Newest event of the project, to explain an empty list.
    pub last_event_at: Option<Timestamp>,
}

/// `/p/{p}/tools`
pub(crate) async fn show(visit: Visit) -> Response {
    let (title, at, bar) = ("Tools", "tools", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let asked = visit.guest.params.tab.as_deref();
    let (tab, kind) = TABS
        .iter()
        .enumerate()
        .find(|(_, (k, ..))| Some(*k) == asked)
        .map_or((0, Kind::ToolCall), |(i, (.., kind, _))| (i, *kind));
    let preset = asked.and_then(ToolPreset::parse).filter(|_| tab == 0).unwrap_or_default();
    let (key, period) = (visit.project.key, scope.period);
    let (sort, page) = (visit.guest.params.sort.clone(), visit.guest.params.page());
    late::show(
        visit,
        Sheet { title, at, bar },
        "tools",
        move |store| store.tools(key, &ToolsAsk { scope, kind, sort, preset, depth: Depth::Whole, page }),
        move |page, visit| {
            let vm = Vm { page, tab, preset, last_event_at: visit.project.last_event_at };
            view(&vm, &visit.place(period))
        },
    )
    .await
}

/// `/p/{p}/tools/{tool}`
pub(crate) async fn show_one(visit: Visit, Path((_, name)): Path<(String, String)>) -> Response {
    let (title, at, bar) = ("Tool", "tools", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let (key, period, asked) = (visit.project.key, scope.period, name.clone());
    late::show_one(
        visit,
        Sheet { title, at, bar },
        "tool",
        Thing::Tool(name.clone()),
        move |store| store.tool(key, &asked, &scope),
        move |tool, visit| view_one(&tool, &visit.place(period)),
        move |visit| {
            let back = link::path(visit.project.id.as_str(), "tools");
            let what = html! { b { "Nothing named " span.mono { (hostile::line(&name, 64)) } " was ever called here." } " It may belong to another project, or its name may have changed." };
            lists::nothing("unknown-tool", what, &back, "All tools")
        },
    )
    .await
}

/// The list's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let rows = &vm.page.items;
    let (_, many, one, _, what) = TABS.get(vm.tab).copied().unwrap_or(TABS[0]);
    let many = many.to_lowercase();
    let listed = LISTS.get(vm.tab).copied().unwrap_or(Listed::Tools);
    let drawn = vm.tab == 0 && place.params.shows(SCATTER);
    html! {
        @if !rows.is_empty() { (lede(&vm.page, one, &many)) }
        div.tabline { nav.tabs aria-label="What is called" { @for (i, (key, name, ..)) in TABS.iter().enumerate() {
            @let params = Params { tab: (!key.is_empty()).then(|| (*key).to_owned()), ..place.params.carried() };
            a href=(format!("{}{}", place.path, params.query())) aria-current=[(i == vm.tab).then_some("page")] data-testid=(format!("tab-{}", name.to_lowercase())) { (name) }
        } }
        @if !rows.is_empty() { (columns::menu(listed.columns(), place)) } }
        @if vm.tab == 0 { (presets(vm.preset, place)) }
        (parts::partial(vm.page.partial.as_deref()))
        @if rows.is_empty() && vm.preset != ToolPreset::All {
            @let none = PRESETS.iter().find(|(p, ..)| *p == vm.preset).map_or("", |(.., none)| *none);
            div.empty data-testid="empty" { p { (none) } a.button href=(place.path) { "All tools" } }
        } @else if rows.is_empty() {
            @let why = parts::why_empty(place.params, vm.last_event_at, place.period.from);
            (parts::empty(&why, what, place.project, place.path, place.params))
        } @else {
            @if drawn { (tool_scatter::view(rows, place)) }
            (tool_list::table(rows, vm.preset, listed, one, &many, place))
            (lists::pager(&vm.page, one, &many, place))
        }
    }
}

/// Choices of tools, and how they are drawn.
fn presets(here: ToolPreset, place: &Place<'_>) -> Markup {
    let word = |preset| ToolPreset::ALL.iter().find(|(_, p)| *p == preset).map_or("all", |(word, _)| *word);
    let drawn = place.params.shows(SCATTER);
    html! {
        div.presets {
            nav.segments aria-label="Which tools" { @for (preset, name, what, _) in PRESETS {
                @let tab = (preset != ToolPreset::All).then(|| word(preset).to_owned());
                @let params = Params { tab, sort: None, ..place.params.top() };
                a href=(format!("{}{}", place.path, params.query())) aria-current=[(preset == here).then_some("page")] title=(what) data-testid=(format!("preset-{}", word(preset))) { (name) }
            } }
            @let other = format!("{}{}", place.path, place.params.toggled(SCATTER).query());
            nav.segments.end aria-label="How it is shown" { @for (name, this) in [("Table", !drawn), ("Chart", drawn)] {
                @if this { a href=(format!("{}{}", place.path, place.params.top().query())) aria-current="true" { (name) } } @else { a href=(other) data-testid="toggle-scatter" { (name) } }
            } }
        }
    }
}

fn lede(page: &Page<ToolRow>, one: &str, many: &str) -> Markup {
    let calls: u64 = page.items.iter().map(|r| r.calls.calls).sum();
    let silent = page.items.iter().filter(|r| r.calls.calls == 0).count() as u64;
    let worst = page.items.iter().filter(|r| r.calls.finished >= 20 && r.calls.failed > 0).max_by(|a, b| {
        let share = |r: &ToolRow| r.calls.failed_share().unwrap_or(0.0);
        share(a).total_cmp(&share(b))
    });
    html! {
        p.lede data-testid="lede" {
            b { (format::counted(page.total.unwrap_or(page.items.len() as u64), one, many)) } ", " (format::counted(calls, "call", "calls"))
            @if page.next.is_some() { " on this page" }
            @if let Some(row) = worst { @if let Some(share) = row.calls.failed_share() {
                "; " b { (hostile::line(&row.name, 40)) } " fails most often, in " (format::percent(share)) " of " (format::count(row.calls.finished))
            } }
            @if silent > 0 { "; " b { (format::count(silent)) } " listed and not called" }
            "."
        }
    }
}

fn result_tokens(row: &ToolRow) -> Markup {
    match row.calls.calls {
        0 => format::unknown("no call"),
        n => html! { (format::tokens(row.calls.tokens_out / n)) },
    }
}

/// One tool's body.
pub(crate) fn view_one(tool: &ToolDetail, place: &Place<'_>) -> Markup {
    let row = &tool.row;
    let sessions = link::path(place.project, "sessions");
    let of_tool = place.params.carried().and("tool", "eq", &row.name);
    let flags = flags::flags(&tool.sightings, place);
    let over = chart::Over { now: place.now, flags: &flags };
    html! {
        (lede_one(tool, &format!("{sessions}{}", of_tool.query())))
        @if let Some(words) = tool.story.description.as_deref().filter(|w| !w.trim().is_empty()) { p.facts.describes data-testid="description" title="its description, as it was listed last" { span { "“" (hostile::line(words, 280)) "”" } } }
        (tool_close::names(&tool.story, place))
        @if row.calls.calls == 0 {
            div.empty data-testid="empty" {
                @let asked = if place.params.narrowed() > 0 { "No call of it in this period passes your filters" } else { "No calls of it in this period" };
                @match tool.last_ever {
                    Some(at) => {
                        p { b { (asked) "; last call " (format::time(at, &format::day_clock(at))) "." } }
                        @if place.params.narrowed() > 0 {
                            @let clear = Params { f: Vec::new(), env: Vec::new(), q: None, own: None, ..place.params.top() };
                            a.button href=(format!("{}{}", place.path, clear.query())) { "Clear filters" }
                        }
                        @if at < place.period.from || at >= place.period.to {
                            @let day = Params { from: Some(at.plus_micros(-86_400_000_000).to_string()), to: None, ..place.params.top() };
                            a.button href=(format!("{}{}", place.path, day.query())) { "Show since the day before it" }
                        }
                    },
                    None => {
                        p { b { (asked) "." } " Its calls are no longer kept; their figures may be, in a longer period." }
                        a.button href=(format!("{}{}", place.path, place.params.since("now-90d").query())) { "Show the last 90 days" }
                    },
                }
            }
        } @else {
            (tiles(tool))
            div.grid {
                div.col-8 {
                    section.panel { h2 { "Calls and failures" } (chart::calls_and_failures(&tool.series, &over, &|b| {
                        format!("{sessions}{}", place.params.between(b.start, b.end).and("tool", "eq", &row.name).query())
                    })) }
                    section.panel { h2 { "Time per call" } (chart::latency(&tool.series, &over)) }
                    (signals(tool))
                }
                div.col-4 { (callers(&tool.clients, &of_tool, place)) (tool_close::callers(&tool.closely, &row.name, place)) }
                div.col-12 {
                    @if !tool.issues.is_empty() {
                        section.panel.flush { h2 { "Why it fails" } (issues::table(&tool.issues, place)) }
                    }
                    (tool_detail::arguments(&tool.arguments)) (tool_detail::neighbours(&tool.row.name, &tool.neighbours, place))
                }
                @if !tool.closely.intents.is_empty() { div.col-6 { (tool_close::intents(&tool.closely)) } }
                @if !tool.story.definitions.is_empty() { div.col-6 { (tool_close::history(&tool.story, place)) } }
                div.col-12 {
                    (tool_close::examples(&tool.closely, place))
                    (lists::calls(tool.samples.get(..CALLS).unwrap_or(&tool.samples), "Newest calls", "None of the newest hours; the charts count older ones.", place))
                }
            }
        }
    }
}

/// How tries of it go, and how heavy its answers are.
fn signals(tool: &ToolDetail) -> Markup {
    let Some(s) = &tool.row.signals else { return html! {} };
    let (a, w) = (&s.attempts, &s.weight);
    let figure = |name: &str, value: Markup, note: String| html! { div { dt { (name) } dd { (value) } dd.dim { (note) } } };
    let share = |share: Option<f64>, n: u64| match share.filter(|_| n >= 10) {
        Some(share) => html! { (format::percent(share)) },
        None => format::unknown("too few for a rate"),
    };
    html! {
        @if s.calls > 0 {
            section.panel data-testid="signals" {
                h2 { "How tries go, and what answers weigh" span.aside.dim { "newest " (format::counted(s.calls, "call", "calls")) } }
                dl.signals {
                    (figure("First try", share(a.first_share(), a.chains), format!("{} of {}", format::count(a.first), format::counted(a.chains, "attempt", "attempts"))))
                    (figure("Recovery", share(a.recovery_share(), a.failing), format!("{} of {} with a failure", format::count(a.recovered), format::count(a.failing))))
                    (figure("Never solved", html! { (format::count(a.unsolved())) }, format::counted(a.unsolved(), "attempt", "attempts")))
                    (figure("Repeats", html! { (format::count(s.repeats)) }, format!("same arguments, same answer; loops in {}", format::counted(s.looping, "session", "sessions"))))
                    (figure("A result", match w.p50 { Some(n) => html! { (format::tokens(n)) }, None => format::unknown("no size is known") }, match w.p95 { Some(n) => format!("median; p95 {}", format::tokens(n)), None => "median".to_owned() }))
                    (figure("Near the cap", html! { (format::count(w.near_cap)) }, format!("of {}, 20k tokens or more", format::counted(w.results, "result", "results"))))
                }
            }
        }
    }
}

fn lede_one(tool: &ToolDetail, sessions: &str) -> Markup {
    let calls = &tool.row.calls;
    let most = tool.clients.iter().find_map(|c| c.client.as_ref().map(|p| (p, c.calls.calls)));
    html! {
        p.lede data-testid="lede" {
            b { (hostile::line(&tool.row.name, 80)) } " was called " a href=(sessions) { (format::counted(calls.calls, "time", "times")) }
            @if let Some((peer, n)) = most.filter(|_| calls.calls > 0) { ", " (format::percent(n as f64 / calls.calls as f64)) " through " b { (parts::peer_text(peer)) } }
            "."
            @if calls.finished > 0 {
                @if calls.failed == 0 { " None failed." } @else { " " (format::count(calls.failed)) " of " (format::count(calls.finished)) " failed." }
            }
        }
    }
}

fn tiles(tool: &ToolDetail) -> Markup {
    let calls = &tool.row.calls;
    let tile = |name: &str, figure: Markup, of: &dyn Fn(&trackway_store::query::Bucket) -> f64| {
        html! {
            div.tile data-testid=(format!("tile-{}", name.to_lowercase().replace(' ', "-"))) {
                span.label { (name) } span.figure { (figure) } span.delta {}
                (chart::spark(&tool.series.iter().map(of).collect::<Vec<f64>>(), &format!("{name} over the period")))
            }
        }
    };
    html! {
        section.tiles aria-label="Figures" {
            (tile("Calls", html! { (format::count(calls.calls)) }, &|b| b.calls.calls as f64))
            (tile("Failed", rate(calls), &|b| b.calls.failed_share().unwrap_or(0.0)))
            (tile("p50", maybe(calls.p50_us, "no timed call"), &|b| b.calls.p50_us.unwrap_or(0) as f64))
            (tile("p95", maybe(calls.p95_us, "needs 20 timed calls"), &|b| b.calls.p95_us.unwrap_or(0) as f64))
            (tile("A result", result_tokens(&tool.row), &|b| b.calls.tokens_out as f64 / b.calls.calls.max(1) as f64))
        }
    }
}

fn callers(rows: &[ClientRow], of_tool: &Params, place: &Place<'_>) -> Markup {
    let most = rows.iter().map(|r| r.calls.calls).max().unwrap_or(1);
    let base = link::path(place.project, "sessions");
    html! {
        section.panel.flush {
            h2 { "Who calls it" }
            div.scroll tabindex="0" role="region" aria-label="Who calls it" {
                table.data {
                    caption.sr { "Clients by calls of this tool" }
                    thead { tr { th scope="col" { "Client" } th.num colspan="2" scope="col" { "Calls" } th.num scope="col" { "Failed" } } }
                    tbody { @for row in rows { tr data-testid="client-row" {
                        th scope="row" { (parts::peer(row.client.as_ref(), &|v| format!("{base}{}", of_tool.and("client", "eq", v).query()))) }
                        td.bar-cell { (chart::share_bar(row.calls.calls, most, row.calls.failed)) }
                        td.num data-label="Calls" { (format::count(row.calls.calls)) }
                        td.num data-label="Failed" { (rate(&row.calls)) }
                    } } }
                }
            }
        }
    }
}
