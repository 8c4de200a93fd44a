//! Clients (`dashboard.md` §7.9): which programs drive the server, and how well does each do? Tabs Clients, Models, Protocol and
//! SDKs tell the same calls apart in four ways.
//!
//! Figures of sessions, calls and times are those of every surface; what needs whole sessions (first try, refused arguments,
//! intents) comes from the newest calls and says so. What nobody said of itself is a row of its own, never mixed with others.

use axum::response::Response;
use maud::{Markup, html};
use trackway_event::{Peer, Timestamp};
use trackway_store::query::{By, ClientRow, Way, Ways};

use super::columns::{self, Named, Shown};
use super::frame::Bar;
use super::icons::{Icon, icon};
use super::late::{self, Sheet};
use super::link::{self, Params};
use super::overview::{maybe, rate};
use super::place::Place;
use super::visit::Visit;
use super::{chart, format, hostile, parts};

/// Calls or attempts below which a share says nothing.
const FEW: u64 = 10;

/// Key in the address, name, and what the tab tells calls apart by.
const TABS: [(&str, &str, By); 4] = [
    ("", "Clients", By::Client),
    ("models", "Models", By::Model),
    ("protocol", "Protocol", By::Protocol),
    ("sdks", "SDKs", By::Recorder),
];

/// Columns of the tab Clients.
static COLUMNS: &[Named] = &[
    Named::of("name", "Client"),
    Named::of("version", "Version"),
    Named::of("sessions", "Sessions"),
    Named::rare("share", "Share"),
    Named::of("calls", "Calls"),
    Named::of("failed", "Failed"),
    Named::of("arguments", "Bad arguments"),
    Named::of("first_try", "First try"),
    Named::of("intent", "Intent"),
    Named::of("cap", "Near the cap"),
    Named::of("tokens", "Tokens a call"),
    Named::of("slow", "p95"),
    Named::of("protocol", "Protocol"),
    Named::of("capabilities", "Can"),
    Named::rare("recorder", "Recorded by"),
    Named::of("last", "Last seen"),
];

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// Which tab.
    pub by: By,
    /// Every client and version of the scope, most sessions first; of the tab Clients.
    pub rows: Vec<ClientRow>,
    /// The newest calls, told apart as the tab wants it.
    pub ways: Ways,
    /// Newest event of the project, to explain an empty list.
    pub last_event_at: Option<Timestamp>,
}

/// `/p/{p}/clients`
pub(crate) async fn show(visit: Visit) -> Response {
    let (title, at, bar) = ("Clients", "clients", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let asked = visit.guest.params.tab.as_deref();
    let by = TABS.iter().find(|(key, ..)| Some(*key) == asked).map_or(By::Client, |(.., by)| *by);
    let (key, period) = (visit.project.key, scope.period);
    late::show(
        visit,
        Sheet { title, at, bar },
        "clients",
        move |store| {
            let rows = if by == By::Client { store.clients(key, &scope)? } else { Vec::new() };
            Ok((rows, store.ways(key, &scope, by)?))
        },
        move |(rows, ways), visit| {
            let vm = Vm { by, rows, ways, last_event_at: visit.project.last_event_at };
            view(&vm, &visit.place(period))
        },
    )
    .await
}

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let empty = vm.rows.is_empty() && vm.ways.items.is_empty();
    html! {
        @if !empty { @match vm.by {
            By::Client => (lede(&vm.rows)),
            By::Model | By::Protocol | By::Recorder | By::Person => (lede_of_ways(vm)),
        } }
        div.tabline { nav.tabs aria-label="Told apart by" { @for (key, name, by) in TABS {
            @let params = Params { tab: (!key.is_empty()).then(|| key.to_owned()), ..place.params.carried() };
            a href=(format!("{}{}", place.path, params.query())) aria-current=[(by == vm.by).then_some("page")] data-testid=(format!("tab-{}", if key.is_empty() { "clients" } else { key })) { (name) }
        } }
        @if !empty && vm.by == By::Client { (columns::menu(COLUMNS, place)) } }
        @if empty {
            @let why = parts::why_empty(place.params, vm.last_event_at, place.period.from);
            (parts::empty(&why, "Each program that opens sessions with your server becomes a row: Claude Code, Cursor, your own agent.", place.project, place.path, place.params))
        } @else {
            @match vm.by {
                By::Client => (clients(vm, place)),
                By::Model | By::Protocol | By::Recorder | By::Person => (ways(vm, place)),
            }
            (parts::partial(vm.ways.partial.as_deref()))
        }
    }
}

fn clients(vm: &Vm, place: &Place<'_>) -> Markup {
    let sessions: u64 = vm.rows.iter().map(|r| r.sessions).sum();
    let most = vm.rows.iter().map(|r| r.sessions).max().unwrap_or(0);
    let shown = Shown::of(COLUMNS, place.params);
    html! {
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label="Clients" {
                table.data {
                    caption.sr { "Clients and their versions" }
                    thead { tr {
                        th scope="col" { "Client" }
                        @if shown.has("version") { th scope="col" { "Version" } }
                        @if shown.has("sessions") { th.num colspan="2" scope="col" { "Sessions" } }
                        @if shown.has("share") { th.num scope="col" { "Share" } }
                        @if shown.has("calls") { th.num scope="col" { "Calls" } }
                        @if shown.has("failed") { th.num scope="col" { "Failed" } }
                        (way_heads(&shown))
                        @if shown.has("slow") { th.num scope="col" { "p95" } }
                        @if shown.has("protocol") { th scope="col" { "Protocol" } }
                        @if shown.has("capabilities") { th scope="col" title="what it said in the handshake of its newest session" { "Can" } }
                        @if shown.has("recorder") { th scope="col" { "Recorded by" } }
                        @if shown.has("last") { th.num scope="col" { "Last seen" } }
                    } }
                    tbody { @for row in &vm.rows { (line(row, &vm.ways, (sessions, most), &shown, place)) } }
                }
            }
        }
        (how())
        details.panel data-testid="readme" {
            summary { "Copy as README table" }
            p.dim { "What your server is used with, to paste." }
            (parts::copyable("readme", &readme(&vm.rows)))
        }
    }
}

fn lede(rows: &[ClientRow]) -> Markup {
    let sessions: u64 = rows.iter().map(|r| r.sessions).sum();
    let mut names: Vec<&str> = rows.iter().filter_map(|r| r.client.as_ref()).map(|c| &*c.name).collect();
    names.sort_unstable();
    names.dedup();
    let unnamed: u64 = rows.iter().filter(|r| r.client.is_none()).map(|r| r.sessions).sum();
    html! {
        p.lede data-testid="lede" {
            b { (format::counted(names.len() as u64, "client", "clients")) } " in " (format::counted(sessions, "session", "sessions"))
            @if let Some(first) = rows.iter().find_map(|r| r.client.as_ref()) { "; most through " b { (hostile::line(&first.name, 40)) } }
            @if unnamed > 0 { "; " (format::counted(unnamed, "session", "sessions")) " did not name their client" }
            "."
        }
    }
}

/// One client and version; `of` are the sessions of all, and of the one with the most.
fn line(row: &ClientRow, ways: &Ways, of: (u64, u64), shown: &Shown, place: &Place<'_>) -> Markup {
    let way = ways.items.iter().find(|way| way.name == row.client);
    html! {
        tr data-testid="client-row" {
            th scope="row" { @match &row.client {
                Some(c) => a.val href=(only(place, "client", &c.name)) { (hostile::line(&c.name, 40)) },
                None => span.dim title="these sessions did not name their client" { "not said" },
            } }
            @if shown.has("version") { td data-label="Version" { @match row.client.as_ref().and_then(|c| c.version.as_deref()) {
                Some(v) => a.val href=(only(place, "client_version", v)) { (hostile::line(v, 24)) },
                None => span.dim { "none given" },
            } } }
            @if shown.has("sessions") {
                td.bar-cell { (chart::share_bar(row.sessions, of.1, 0)) }
                td.num data-label="Sessions" { (format::count(row.sessions)) }
            }
            @if shown.has("share") { td.num data-label="Share" { (format::percent(row.sessions as f64 / of.0.max(1) as f64)) } }
            @if shown.has("calls") { td.num data-label="Calls" { (format::count(row.calls.calls)) } }
            @if shown.has("failed") { td.num data-label="Failed" { (rate(&row.calls)) } }
            (way_cells(way, shown))
            @if shown.has("slow") { td.num data-label="p95" { (maybe(row.calls.p95_us, "needs 20 timed calls")) } }
            @if shown.has("protocol") { td.whole data-label="Protocol" { (names(way.map_or(&[][..], |w| &w.protocols), "no call named its revision")) } }
            @if shown.has("capabilities") { td data-label="Can" { @match way.and_then(|w| w.capabilities.as_deref()) {
                Some([]) => span.dim { "none told" },
                Some(can) => (names(can, "")),
                None => (format::unknown("no handshake of a session with a call was recorded")),
            } } }
            @if shown.has("recorder") { td data-label="Recorded by" { (names(way.map_or(&[][..], |w| &w.recorders), "no call in this period")) } }
            @if shown.has("last") { td.num data-label="Last seen" { @match row.last_at {
                Some(at) => (format::time(at, &format::ago(at, place.now))),
                None => (format::unknown("no session and no call")),
            } } }
        }
    }
}

/// Heads of what the newest calls tell.
fn way_heads(shown: &Shown) -> Markup {
    html! {
        @if shown.has("arguments") { th.num scope="col" title="calls whose arguments the server refused" { "Bad arguments" } }
        @if shown.has("first_try") { th.num scope="col" title="attempts solved by their first call" { "First try" } }
        @if shown.has("intent") { th.num scope="col" title="calls whose agent said why" { "Intent" } }
        @if shown.has("cap") { th.num scope="col" title="results near the size at which clients cut, estimated" { "Near the cap" } }
        @if shown.has("tokens") { th.num scope="col" title="estimated: arguments and results" { "Tokens a call" } }
    }
}

/// The cells below them; a way without a call has none of it.
fn way_cells(way: Option<&Way>, shown: &Shown) -> Markup {
    let none = Way::default();
    let way = way.unwrap_or(&none);
    html! {
        @if shown.has("arguments") { td.num data-label="Bad arguments" { (share(way.bad_arguments, way.calls, "no call")) } }
        @if shown.has("first_try") { td.num data-label="First try" { (share(way.attempts.first, way.attempts.chains, "no attempt")) } }
        @if shown.has("intent") { td.num data-label="Intent" { (share(way.intents, way.calls, "no call")) } }
        @if shown.has("cap") { td.num data-label="Near the cap" { @if way.calls == 0 { (format::unknown("no call")) } @else if way.near_cap == 0 { span.dim { "0" } } @else { span.st.warn { (icon(Icon::Warn)) (format::count(way.near_cap)) } } } }
        @if shown.has("tokens") { td.num data-label="Tokens a call" { @match way.tokens.checked_div(way.calls) { Some(n) => (format::tokens(n)), None => (format::unknown("no call")) } } }
    }
}

/// A share with its volume: below [`FEW`] the numbers themselves, grey (P3).
pub(crate) fn share(part: u64, of: u64, none: &str) -> Markup {
    html! { @match of {
        0 => (format::unknown(none)),
        n if n < FEW => span.dim title="too few for a share" { (format::count(part)) " of " (format::count(n)) },
        n => span title=(format!("{} of {}", format::separated(part), format::separated(n))) { (format::percent(part as f64 / n as f64)) },
    } }
}

/// Some names, the first first.
pub(crate) fn names(list: &[String], none: &str) -> Markup {
    html! { @if list.is_empty() { (format::unknown(none)) } @else { @for (i, name) in list.iter().enumerate() { @if i > 0 { ", " } (hostile::line(name, 28)) } } }
}

fn only(place: &Place<'_>, field: &str, value: &str) -> String {
    let base = link::path(place.project, "sessions");
    format!("{base}{}", place.params.carried().and(field, "eq", value).query())
}

/// What the tabs Models, Protocol and SDKs tell apart: one, several, the field that filters by it, why a call names none.
fn ways_words(by: By) -> (&'static str, &'static str, &'static str, &'static str) {
    match by {
        By::Model => ("model", "models", "model", "clients seldom name their model; PostHog's SDKs do"),
        By::Protocol => ("revision", "revisions", "protocol", "these calls did not name a revision"),
        By::Recorder | By::Client | By::Person => {
            ("recorder", "recorders", "sdk", "no recorder named itself")
        }
    }
}

fn lede_of_ways(vm: &Vm) -> Markup {
    let (one, many, ..) = ways_words(vm.by);
    let named = vm.ways.items.iter().filter(|w| w.name.is_some()).count() as u64;
    html! {
        p.lede data-testid="lede" {
            b { (format::counted(named, one, many)) } " in " (format::counted(vm.ways.calls, "call", "calls"))
            @let silent: u64 = vm.ways.items.iter().filter(|w| w.name.is_none()).map(|w| w.calls).sum();
            @if silent > 0 { "; " (format::counted(silent, "call", "calls")) " named none" }
            "."
        }
    }
}

/// The tabs Models, Protocol and SDKs.
fn ways(vm: &Vm, place: &Place<'_>) -> Markup {
    let (one, many, field, unnamed) = ways_words(vm.by);
    let most = vm.ways.items.iter().map(|w| w.sessions).max().unwrap_or(1);
    html! {
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label=(many) {
                table.data {
                    caption.sr { "The newest calls by " (one) }
                    thead { tr {
                        th scope="col" { (capital(one)) }
                        @if vm.by == By::Recorder { th scope="col" { "Version" } th scope="col" { "How" } }
                        th.num colspan="2" scope="col" { "Sessions" } th.num scope="col" { "Calls" } th.num scope="col" { "Failed" }
                        (way_heads(&Shown::All))
                        th scope="col" { "Clients" } th.num scope="col" { "Last call" }
                    } }
                    tbody { @for way in &vm.ways.items { tr data-testid="way-row" {
                        th scope="row" { @match &way.name {
                            Some(name) => a.val href=(only(place, field, &name.name)) { (hostile::line(&name.name, 48)) },
                            None => span.dim title=(unnamed) { "not said" },
                        } }
                        @if vm.by == By::Recorder {
                            td data-label="Version" { @match way.name.as_ref().and_then(|n| n.version.as_deref()) { Some(v) => (hostile::line(v, 24)), None => span.dim { "none given" } } }
                            td data-label="How" { (names(&way.recorders, "not said")) }
                        }
                        td.bar-cell { (chart::share_bar(way.sessions, most, 0)) }
                        td.num data-label="Sessions" { (format::count(way.sessions)) }
                        td.num data-label="Calls" { (format::count(way.calls)) }
                        td.num data-label="Failed" { span.bad[way.failed > 0 && way.finished >= FEW] { (share(way.failed, way.finished, "no finished call")) } }
                        (way_cells(Some(way), &Shown::All))
                        td data-label="Clients" { (names(&way.clients, "none named itself")) }
                        td.num data-label="Last call" { @match way.last_at { Some(at) => (format::time(at, &format::ago(at, place.now))), None => (format::unknown("no call")) } }
                    } } }
                }
            }
        }
        p.dim { "From the newest calls of the period. "
            a href=(format!("/api/v1/projects/{}/ways/{}{}", link::encode(place.project), crate::api::objects::by_word(vm.by), place.params.carried().query())) { "The same as JSON" } }
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// How a client got its name.
fn how() -> Markup {
    html! {
        details.panel data-testid="how-named" {
            summary { "How was this named?" }
            p { "By the client itself, as it was sent: " code { "clientInfo" } " of the handshake or, from revision 2026-07-28 on, of each request; where there is none, the " code { "User-Agent" } " of an HTTP request, marked so in the event. Nothing is guessed and nothing is put together: two spellings are two rows, and sessions that named nothing are a row of their own." }
        }
    }
}

/// Names and versions as a Markdown table; a bar in a name cannot end its cell, and marks nothing up.
fn readme(rows: &[ClientRow]) -> String {
    let mut text = String::from("| Client | Version | Sessions |\n|---|---|---:|\n");
    let cell = |s: &str| {
        let plain = hostile::plain(s, 60);
        let mut out = String::with_capacity(plain.len());
        for c in plain.chars() {
            if matches!(c, '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>') {
                out.push('\\');
            }
            out.push(c);
        }
        out
    };
    for row in rows {
        if let Some(Peer { name, version }) = &row.client {
            let version = version.as_deref().map_or_else(String::new, cell);
            text.push_str(&format!("| {} | {version} | {} |\n", cell(name), row.sessions));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use trackway_store::query::CallFigures;

    #[test]
    fn a_name_cannot_break_the_table_it_is_pasted_in() {
        let row = ClientRow {
            client: Some(Peer { name: "a|b[x](javascript:1)".into(), version: None }),
            sessions: 3,
            calls: CallFigures::default(),
            last_at: None,
        };
        assert_eq!(readme(&[row]).lines().last(), Some("| a\\|b\\[x\\](javascript:1) |  | 3 |"));
    }

    #[test]
    fn a_share_of_few_is_no_share() {
        assert!(share(1, 9, "none").into_string().contains("1 of 9"));
        assert!(share(1, 10, "none").into_string().contains("10 %"));
        assert!(share(0, 0, "no call").into_string().contains("no call"));
    }
}
