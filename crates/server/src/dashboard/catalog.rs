//! Catalog (`dashboard.md` §7.11): every distinct listing of tools once, what changed and whose calls it fails, what it costs
//! whoever lists it, and which tools nobody calls.
//!
//! Tabs Timeline, Context cost and Dead tools. Names, descriptions and words of changes are captured text.

use axum::response::Response;
use maud::{Markup, html};
use trackway_event::Timestamp;
use trackway_store::query::{CatalogRow, Catalogs, Change, Grade, ToolCost, Use};

use super::frame::Bar;
use super::icons::{Icon, icon};
use super::late::{self, Sheet};
use super::link::{self, Params};
use super::place::Place;
use super::visit::Visit;
use super::{chart, format, hostile, lists, parts};

/// Changes shown of one listing before the rest is folded.
const CHANGES: usize = 6;
/// Signs of a hash that tell listings apart.
const HASH: usize = 8;

/// Which tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Listings in time.
    #[default]
    Timeline,
    /// What each tool costs.
    Cost,
    /// Tools nobody calls, and calls of what is no tool.
    Dead,
}

const TABS: [(&str, &str, Tab); 3] =
    [("", "Timeline", Tab::Timeline), ("cost", "Context cost", Tab::Cost), ("dead", "Dead tools", Tab::Dead)];

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// Listings.
    pub catalogs: Catalogs,
    /// Which part.
    pub tab: Tab,
    /// Newest event of the project, to explain an empty page.
    pub last_event_at: Option<Timestamp>,
}

/// `/p/{p}/catalog`
pub(crate) async fn show(visit: Visit) -> Response {
    let (title, at, bar) = ("Catalog", "catalog", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let asked = visit.guest.params.tab.as_deref();
    let tab = TABS.iter().find(|(k, ..)| Some(*k) == asked).map_or(Tab::Timeline, |(.., tab)| *tab);
    let (key, period) = (visit.project.key, scope.period);
    late::show(
        visit,
        Sheet { title, at, bar },
        "catalogs",
        move |store| store.catalogs(key, &scope),
        move |catalogs, visit| {
            let vm = Vm { catalogs, tab, last_event_at: visit.project.last_event_at };
            view(&vm, &visit.place(period))
        },
    )
    .await
}

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let all = &vm.catalogs;
    html! {
        @if !all.items.is_empty() { (lede(all, place)) }
        nav.tabs aria-label="What of the catalog" { @for (key, name, tab) in TABS {
            @let params = Params { tab: (!key.is_empty()).then(|| key.to_owned()), ..place.params.carried() };
            a href=(format!("{}{}", place.path, params.query())) aria-current=[(tab == vm.tab).then_some("page")] data-testid=(format!("tab-{}", if key.is_empty() { "timeline" } else { key })) { (name) }
        } }
        (parts::partial(all.partial.as_deref()))
        @if all.items.is_empty() {
            @let why = parts::why_empty(place.params, vm.last_event_at, place.period.from);
            (parts::empty(&why, "No listing of tools was seen. Clients ask for one when they connect; recorders of one call at a time see none. trackway wrap and proxy record it.", place.project, place.path, place.params))
        } @else {
            @match vm.tab {
                Tab::Timeline => (timeline(all, place)),
                Tab::Cost => (cost(all, place)),
                Tab::Dead => (dead(all, place)),
            }
        }
    }
}

fn lede(all: &Catalogs, place: &Place<'_>) -> Markup {
    let newest = all.items.iter().find_map(|item| item.size.map(|size| (item, size)));
    html! {
        p.lede data-testid="lede" {
            @match newest {
                Some((item, size)) => {
                    b { (format::counted(size.tools, "tool", "tools")) } ", " b { (format::bytes(size.bytes)) } " " (format::tokens(size.tokens)) " in every session that lists them; as they are since "
                    (format::time(item.first_seen, &format::ago(item.first_seen, place.now))) "."
                },
                None => { b { (format::counted(all.items.len() as u64, "listing", "listings")) } " seen, none of them whole." },
            }
        }
    }
}

fn timeline(all: &Catalogs, place: &Place<'_>) -> Markup {
    html! {
        section.panel { ol.log.catalog { @for item in &all.items { (entry(item, place)) } } }
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(HASH).collect()
}

fn entry(item: &CatalogRow, place: &Place<'_>) -> Markup {
    let worst = item.changes.first().map(|c| c.grade);
    html! {
        li data-testid="catalog-row" {
            p {
                b.mono { (hostile::line(&short(&item.hash), HASH)) }
                @if let Some(grade) = worst { (grade_tag(grade)) }
                @for server in item.servers.iter().take(3) { " " (parts::peer_text(server)) }
                " " span.dim { "first seen " (format::time(item.first_seen, &format::ago(item.first_seen, place.now))) ", last " (format::time(item.last_seen, &format::ago(item.last_seen, place.now))) }
            }
            p.facts {
                span { (format::counted(item.sessions, "session", "sessions")) " saw it" }
                @match item.size {
                    Some(size) => {
                        span { (format::counted(size.tools, "tool", "tools")) }
                        span { (format::bytes(size.bytes)) " " (format::tokens(size.tokens)) }
                        @if let Some(change) = item.tokens_change.filter(|c| *c != 0) { span { @if change > 0 { "+" } @else { "−" } (format::count(change.unsigned_abs())) " tok against the one before" } }
                        span { a href=(format!("/api/v1/projects/{}/catalog/{}", link::encode(place.project), link::encode(&item.hash))) download="tools.json" { "tools.json" } }
                    },
                    None => span.dim title="it was listed in pages, or cut; only its hash is known" { "its definitions were never seen whole" },
                }
                @if !item.clients.is_empty() { span.dim { "to " @for (i, client) in item.clients.iter().take(4).enumerate() { @if i > 0 { ", " } (hostile::line(client, 28)) } @if item.clients.len() > 4 { " and " (item.clients.len() - 4) " more" } } }
            }
            @for a in item.affected.iter().filter(|a| a.failing > 0) {
                p.strip.warn data-testid="affected" { (icon(Icon::Warn)) span { b { (hostile::line(&a.tool, 48)) } ": " (format::count(a.failing)) " of the newest " (format::counted(a.checked, "call", "calls")) " before it would fail now, in " (format::counted(a.sessions, "session", "sessions")) @if a.people > 0 { " of " (format::counted(a.people, "person", "people")) } "." } }
            }
            @if !item.changes.is_empty() {
                (changes(item.changes.iter().take(CHANGES)))
                @if item.changes.len() > CHANGES { details { summary { (format::counted((item.changes.len() - CHANGES) as u64, "more change", "more changes")) } (changes(item.changes.iter().skip(CHANGES))) } }
            }
        }
    }
}

fn changes<'a>(list: impl Iterator<Item = &'a Change>) -> Markup {
    html! { ul.changes { @for c in list { li data-testid="change-row" {
        (grade_tag(c.grade)) " " b { (hostile::line(&c.tool, 48)) }
        @if !c.path.is_empty() { " " span.mono { (hostile::line(&c.path, 60)) } }
        " " (hostile::line(&c.what, 160))
    } } } }
}

fn grade_tag(grade: Grade) -> Markup {
    match grade {
        Grade::Breaking => html! { span.tag.fail { "breaking" } },
        Grade::Risky => html! { span.tag.warn { "risky" } },
        Grade::Harmless => html! { span.tag { "harmless" } },
    }
}

fn cost(all: &Catalogs, place: &Place<'_>) -> Markup {
    let most = all.tools.iter().map(|t| t.bytes).max().unwrap_or(1);
    let sum: u64 = all.tools.iter().map(|t| t.bytes).sum();
    html! {
        section.panel.flush {
            @if all.tools.is_empty() { p.quiet { "No listing of this period was seen whole, so nothing can be weighed." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Context cost" { table.data {
                    caption.sr { "Tools by the size of their definition" }
                    thead { tr { th scope="col" { "Tool" } th.num colspan="2" scope="col" { "Definition" } th.num scope="col" title="estimated at 3.5 bytes a token" { "Tokens" } th.num scope="col" { "Share" } th.num scope="col" { "Description" } th.num scope="col" { "Schemas" } th.num scope="col" { "Calls" } th scope="col" { "Use" } } }
                    tbody { @for tool in &all.tools { tr data-testid="cost-row" {
                        th scope="row" { (name(tool, place)) }
                        td.bar-cell { (chart::share_bar(tool.bytes, most, 0)) }
                        td.num data-label="Definition" { (format::bytes(tool.bytes)) }
                        td.num data-label="Tokens" { (format::tokens(tool.tokens)) }
                        td.num data-label="Share" { (format::percent(tool.bytes as f64 / sum.max(1) as f64)) }
                        td.num data-label="Description" { (format::bytes(tool.description_bytes)) }
                        td.num data-label="Schemas" { (format::bytes(tool.schema_bytes)) }
                        td.num data-label="Calls" { (format::count(tool.calls)) }
                        td data-label="Use" { (use_tag(tool.use_)) }
                    } } }
                } }
            }
        }
        p.dim { "Bytes are those of the newest whole listing as minified JSON, exact; tokens are estimated at 3.5 bytes each." }
    }
}

fn name(tool: &ToolCost, place: &Place<'_>) -> Markup {
    html! { @match lists::detail(place, "tools", &tool.name).filter(|_| tool.calls > 0) {
        Some(href) => a.row href=(href) { (hostile::line(&tool.name, 48)) },
        None => (hostile::line(&tool.name, 48)),
    } }
}

fn use_tag(of: Use) -> Markup {
    match of {
        Use::Used => html! { span.dim { "used" } },
        Use::Rare => {
            html! { span.tag.warn title="called in less than 1 % as many calls as sessions saw it" { "rare" } }
        }
        Use::Dead => html! { span.tag.fail title="never called, in 100 sessions or 7 days" { "dead" } },
        Use::Unused => html! { span.tag title="never called yet; too early to tell" { "not yet used" } },
    }
}

fn dead(all: &Catalogs, place: &Place<'_>) -> Markup {
    let dead: Vec<&ToolCost> = all.tools.iter().filter(|t| matches!(t.use_, Use::Dead | Use::Rare)).collect();
    let gone: Vec<&ToolCost> = dead.iter().copied().filter(|t| t.use_ == Use::Dead).collect();
    let tokens: u64 = gone.iter().map(|t| t.tokens).sum();
    html! {
        div.grid {
            div.col-8 { section.panel {
                h2 { "Listed, and not called" }
                @if dead.is_empty() { p.quiet { (icon(Icon::Tick)) "Every listed tool is called. Checked: " (format::counted(all.tools.len() as u64, "tool", "tools")) " over " (format::counted(all.sessions, "session", "sessions")) "." } } @else {
                    @if !gone.is_empty() { p data-testid="saving" { "Dropping " b { (format::counted(gone.len() as u64, "tool", "tools")) } " that nobody called saves " b { (format::tokens(tokens)) } " in each of " (format::counted(all.sessions, "session", "sessions")) " of this period." } }
                    div.scroll tabindex="0" role="region" aria-label="Listed, and not called" { table.data {
                        caption.sr { "Dead and rare tools" }
                        thead { tr { th scope="col" { "Tool" } th scope="col" { "Use" } th.num scope="col" { "Calls" } th.num scope="col" { "Saved a session" } } }
                        tbody { @for tool in &dead { tr data-testid="dead-row" {
                            th scope="row" { (name(tool, place)) } td data-label="Use" { (use_tag(tool.use_)) }
                            td.num data-label="Calls" { (format::count(tool.calls)) } td.num data-label="Saved a session" { (format::tokens(tool.tokens)) }
                        } } }
                    } }
                }
            } }
            div.col-4 { section.panel {
                h2 { "Called, and never listed" }
                @if all.unlisted.is_empty() { p.quiet { (icon(Icon::Tick)) "None." } } @else {
                    ul.needs { @for u in &all.unlisted { li data-testid="unlisted-row" {
                        span.tag.warn { "unknown" }
                        span { b { (hostile::line(&u.name, 48)) } @if let Some(near) = &u.nearest { " " span.dim { "nearest: " (hostile::line(near, 48)) } } }
                        span.n { (format::count(u.calls)) }
                    } } }
                }
            } }
        }
    }
}
