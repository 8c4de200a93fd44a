//! Catalog (`dashboard.md` §7.11): every distinct listing of tools once, what changed and whose calls it fails, what it costs
//! whoever lists it, and which tools nobody calls.
//!
//! Tabs Timeline, Context cost and Dead tools. Names, descriptions and words of changes are captured text.

use axum::response::Response;
use maud::{Markup, html};
use trackway_event::Timestamp;
use trackway_store::query::{CatalogRow, Catalogs, Change, Grade, Signals};

use super::frame::Bar;
use super::icons::{Icon, icon};
use super::late::{self, Sheet};
use super::link::{self, Params};
use super::place::Place;
use super::visit::Visit;
use super::{catalog_cost, catalog_diff, format, hostile, parts};

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
    /// What results weigh, for the tab Context cost.
    pub signals: Signals,
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
        move |store| {
            let signals = if tab == Tab::Cost { store.signals(key, &scope)? } else { Signals::default() };
            Ok((store.catalogs(key, &scope)?, signals))
        },
        move |(catalogs, signals), visit| {
            let vm = Vm { catalogs, signals, tab, last_event_at: visit.project.last_event_at };
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
                Tab::Cost => (catalog_cost::cost(all, &vm.signals, place)),
                Tab::Dead => (catalog_cost::dead(all, place)),
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
        section.panel { ol.catalog { @for item in &all.items { (entry(item, place)) } } }
    }
}

/// The first signs of a hash.
pub(crate) fn short(hash: &str) -> String {
    hash.chars().take(HASH).collect()
}

fn entry(item: &CatalogRow, place: &Place<'_>) -> Markup {
    let worst = item.changes.first().map(|c| c.grade);
    let page = format!(
        "{}/{}{}",
        link::path(place.project, "catalog"),
        link::encode(&item.hash),
        place.params.carried().query()
    );
    html! {
        li data-testid="catalog-row" {
            p.head {
                a href=(page) { b { @match item.servers.first() { Some(server) => (parts::peer_text(server)), None => "Listing" } } }
                @for server in item.servers.iter().skip(1).take(2) { span { (parts::peer_text(server)) } }
                @if let Some(grade) = worst { (grade_tag(grade)) }
                span.dim { "since " (format::time(item.first_seen, &format::ago(item.first_seen, place.now))) ", last seen " (format::time(item.last_seen, &format::ago(item.last_seen, place.now))) }
                span.mono.dim title="its hash" { (hostile::line(&short(&item.hash), HASH)) }
            }
            (facts(item, place))
            (affected(item))
            @if !item.changes.is_empty() {
                (changes(item.changes.iter().take(CHANGES)))
                p.more { a href=(page) data-testid="diff" { "Side by side" } @if item.changes.len() > CHANGES { span.dim { ", and " (format::counted((item.changes.len() - CHANGES) as u64, "more change", "more changes")) } } }
            }
            @if let Some(release) = &item.release { (catalog_diff::around_line(release)) }
        }
    }
}

/// Size, readers and download of a listing.
pub(crate) fn facts(item: &CatalogRow, place: &Place<'_>) -> Markup {
    html! {
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
    }
}

/// Whose calls the breaking changes of a listing would fail.
pub(crate) fn affected(item: &CatalogRow) -> Markup {
    html! { @for a in item.affected.iter().filter(|a| a.failing > 0) {
        p.strip.warn data-testid="affected" { (icon(Icon::Warn)) span { b { (hostile::line(&a.tool, 48)) } ": " (format::count(a.failing)) " of the newest " (format::counted(a.checked, "call", "calls")) " before it would fail now, in " (format::counted(a.sessions, "session", "sessions")) @if a.people > 0 { " of " (format::counted(a.people, "person", "people")) } "." } }
    } }
}

/// What changed, one line each.
pub(crate) fn changes<'a>(list: impl Iterator<Item = &'a Change>) -> Markup {
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
