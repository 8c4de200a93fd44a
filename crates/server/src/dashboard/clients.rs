//! Clients (`dashboard.md` §7.9): which programs drive the server, and how well does each do?
//!
//! One table, client by client with its versions; every name filters. Rates never without their volume. What a client did not
//! say of itself is a row of its own and is never mixed with others.

use axum::response::Response;
use maud::{Markup, html};
use trackway_event::{Peer, Timestamp};
use trackway_store::query::ClientRow;

use super::frame::Bar;
use super::late::{self, Sheet};
use super::overview::{maybe, rate};
use super::place::Place;
use super::visit::Visit;
use super::{chart, format, hostile, link, parts};

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// Every client and version of the scope, most sessions first.
    pub rows: Vec<ClientRow>,
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
    let (key, period) = (visit.project.key, scope.period);
    late::show(
        visit,
        Sheet { title, at, bar },
        "clients",
        move |store| store.clients(key, &scope),
        move |rows, visit| {
            let vm = Vm { rows, last_event_at: visit.project.last_event_at };
            view(&vm, &visit.place(period))
        },
    )
    .await
}

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    if vm.rows.is_empty() {
        let why = parts::why_empty(place.params, vm.last_event_at, place.period.from);
        let what = "Each program that opens sessions with your server becomes a row: Claude Code, Cursor, your own agent.";
        return parts::empty(&why, what, place.project, place.path, place.params);
    }
    let sessions: u64 = vm.rows.iter().map(|r| r.sessions).sum();
    html! {
        (lede(&vm.rows, sessions))
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label="Clients" {
                table.data {
                    caption.sr { "Clients and their versions" }
                    thead { tr {
                        th scope="col" { "Client" } th scope="col" { "Version" }
                        th.num colspan="2" scope="col" { "Sessions" } th.num scope="col" { "Share" }
                        th.num scope="col" { "Calls" } th.num scope="col" { "Failed" }
                        th.num scope="col" { "p50" } th.num scope="col" { "p95" }
                        th.num scope="col" title="estimated: arguments and results" { "Tokens a call" } th.num scope="col" { "Last seen" }
                    } }
                    tbody { @for row in &vm.rows { (line(row, sessions, place)) } }
                }
            }
        }
        section.panel {
            h2 { "For a README" }
            p.quiet { "What your server is used with, as a table to paste." }
            div.code {
                pre #code-readme tabindex="0" { (readme(&vm.rows)) }
                button.quiet data-copy="#code-readme" hidden { (super::icons::icon(super::icons::Icon::Copy)) span.sr { "Copy" } }
            }
        }
    }
}

fn lede(rows: &[ClientRow], sessions: u64) -> Markup {
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

fn line(row: &ClientRow, sessions: u64, place: &Place<'_>) -> Markup {
    let base = link::path(place.project, "sessions");
    let only = |field: &str, value: &str| {
        format!("{base}{}", place.params.carried().and(field, "eq", value).query())
    };
    let most = sessions.max(1);
    html! {
        tr data-testid="client-row" {
            th scope="row" { @match &row.client {
                Some(c) => a.val href=(only("client", &c.name)) { (hostile::line(&c.name, 40)) },
                None => (format::unknown("these sessions did not name their client")),
            } }
            td data-label="Version" { @match row.client.as_ref().and_then(|c| c.version.as_deref()) {
                Some(v) => a.val href=(only("client_version", v)) { (hostile::line(v, 24)) },
                None => span.dim { "none given" },
            } }
            td.bar-cell { (chart::share_bar(row.sessions, most, 0)) }
            td.num data-label="Sessions" { (format::count(row.sessions)) }
            td.num data-label="Share" { (format::percent(row.sessions as f64 / most as f64)) }
            td.num data-label="Calls" { (format::count(row.calls.calls)) }
            td.num data-label="Failed" { (rate(&row.calls)) }
            td.num data-label="p50" { (maybe(row.calls.p50_us, "no timed call")) }
            td.num data-label="p95" { (maybe(row.calls.p95_us, "needs 20 timed calls")) }
            td.num data-label="Tokens a call" { @match row.calls.calls {
                0 => (format::unknown("no call")),
                n => (format::tokens((row.calls.tokens_in + row.calls.tokens_out) / n)),
            } }
            td.num data-label="Last seen" { @match row.last_at {
                Some(at) => (format::time(at, &format::ago(at, place.now))),
                None => (format::unknown("no session and no call")),
            } }
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
}
