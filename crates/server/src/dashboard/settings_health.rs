//! Settings, "Data health" (`dashboard.md` §7.14): the sum of INV-02 as it stands, what to trust, what was not stored and why, who
//! sends, and the storage.
//!
//! Called by [`super::settings`]. Names of sources and reasons of recorders are captured text.

use maud::{Markup, html};
use trackway_store::query::{Warning, Way};
use trackway_store::{Intake, Project, StoreHealth};

use super::clients::{names, share};
use super::icons::{Icon, icon};
use super::place::Place;
use super::settings::{Source, Vm};
use super::{format, hostile, link, setup};

/// Other projects whose size is told.
const OTHERS: usize = 5;

/// The section's answer: the sum of what arrived.
pub(crate) fn lede(intake: &Intake) -> Markup {
    let dropped: u64 = intake.dropped.values().sum();
    html! {
        p.lede data-testid="lede" {
            @match intake.received() {
                0 => "Nothing has been received for this project yet.",
                n => {
                    b { (format::separated(n)) } " received = " b { (format::separated(intake.stored)) } " stored + "
                    b { (format::separated(intake.duplicates)) } " seen before + " b { (format::separated(dropped)) } " dropped."
                }
            }
        }
    }
}

/// The section's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let intake = &vm.intake;
    html! {
        div.grid {
            div.col-8 {
                (warnings_panel(&vm.warnings))
                (dropped_panel(intake))
                (sources_panel(&vm.sources, place))
                (recorders_panel(&vm.recorders, place))
                @if !vm.refused.is_empty() {
                    (setup::refused(&vm.refused, vm.tokens.is_some(), place.now, "Refused bodies"))
                }
            }
            div.col-4 { (storage(&vm.health, &vm.project, &vm.beside)) (lost(intake)) }
        }
    }
}

fn warnings_panel(warnings: &[Warning]) -> Markup {
    html! {
        section.panel data-testid="warnings" {
            h2 { "What to trust" }
            @if warnings.is_empty() {
                p.quiet { (icon(Icon::Tick)) "Nothing looks wrong. Checked: sessions that fall to pieces, ids that name nobody, ids that change with each session, shared ids." }
            } @else {
                ul.needs { @for warning in warnings { li data-testid="warning-row" { span.tag.warn { (warning_kind(warning)) } span { (hostile::line(&warning.to_string(), 400)) "." } } } }
            }
        }
    }
}

const fn warning_kind(warning: &Warning) -> &'static str {
    match warning {
        Warning::Fragmented { .. } => "sessions",
        Warning::SharedId { .. } | Warning::IdPerSession { .. } | Warning::Placeholder { .. } => "identity",
    }
}

fn dropped_panel(intake: &Intake) -> Markup {
    html! {
        section.panel data-testid="dropped" {
            h2 { "What was not stored" }
            @if intake.dropped.values().all(|n| *n == 0) && intake.bodies_refused == 0 {
                p.quiet { (icon(Icon::Tick)) "Nothing was dropped." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="What was not stored" {
                    table.data {
                        caption.sr { "Dropped events by reason" }
                        thead { tr { th scope="col" { "Reason" } th.num scope="col" { "Events" } th scope="col" { "What it means" } } }
                        tbody {
                            @for (reason, n) in intake.dropped.iter().filter(|(_, n)| **n > 0) { tr data-testid="drop-row" {
                                th scope="row" { (reason.as_str().replace('_', " ")) }
                                td.num { (format::separated(*n)) }
                                td { (reason.explain()) "." }
                            } }
                            @if intake.bodies_refused > 0 { tr data-testid="drop-row" {
                                th scope="row" { "unreadable bodies" } td.num { (format::separated(intake.bodies_refused)) }
                                td { "Bodies that could not be read at all; how many events they held is not known." }
                            } }
                        }
                    }
                }
            }
        }
    }
}

fn sources_panel(sources: &[Source], place: &Place<'_>) -> Markup {
    html! {
        section.panel data-testid="sources" {
            h2 { "Sources" a.aside href=(link::path(place.project, "setup")) { "Add a source" } }
            @if sources.is_empty() { p.quiet { "Nothing has arrived yet. Connect a source, and it is listed here." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Sources" {
                    table.data {
                        caption.sr { "Sources of the newest events" }
                        thead { tr { th scope="col" { "Wire, recorded by" } th.num scope="col" { "Of the newest " (format::count(sources.iter().map(|s| s.events).sum())) } th.num scope="col" { "With intent" } th.num scope="col" { "Last event" } } }
                        tbody { @for s in sources { tr data-testid="source-row" {
                            th scope="row" { (hostile::line(&s.name, 60)) }
                            td.num { (format::count(s.events)) }
                            td.num { @match s.intents.1 {
                                0 => (format::unknown("no tool call")),
                                calls => span title=(format!("{} of {calls} tool calls", s.intents.0)) { (format::percent(s.intents.0 as f64 / calls as f64)) },
                            } }
                            td.num { (format::time(s.last_at, &format::ago(s.last_at, place.now))) }
                        } } }
                    }
                }
            }
        }
    }
}

/// Recording libraries with their versions, and which of their options nothing here answers.
fn recorders_panel(recorders: &[Way], place: &Place<'_>) -> Markup {
    let posthog = recorders.iter().any(|w| w.recorders.iter().any(|how| how.ends_with("posthog")));
    html! {
        @if !recorders.is_empty() {
            section.panel data-testid="recorders" {
                h2 { "SDKs and their versions" a.aside href=(format!("{}?tab=sdks", link::path(place.project, "clients"))) { "How well each does" } }
                div.scroll tabindex="0" role="region" aria-label="SDKs and their versions" {
                    table.data {
                        caption.sr { "Recording libraries of the newest calls" }
                        thead { tr { th scope="col" { "SDK" } th scope="col" { "Version" } th scope="col" { "How" } th.num scope="col" { "Calls" } th.num scope="col" { "With intent" } th.num scope="col" { "Last call" } } }
                        tbody { @for way in recorders { tr data-testid="recorder-row" {
                            th scope="row" { @match &way.name { Some(name) => (hostile::line(&name.name, 48)), None => (format::unknown("no recorder named itself")) } }
                            td data-label="Version" { @match way.name.as_ref().and_then(|n| n.version.as_deref()) { Some(v) => (hostile::line(v, 24)), None => (format::unknown("the recorder gave no version")) } }
                            td data-label="How" { (names(&way.recorders, "not said")) }
                            td.num data-label="Calls" { (format::count(way.calls)) }
                            td.num data-label="With intent" { (share(way.intents, way.calls, "no call")) }
                            td.num data-label="Last call" { @match way.last_at { Some(at) => (format::time(at, &format::ago(at, place.now))), None => (format::unknown("no call")) } }
                        } } }
                    }
                }
                @if posthog { p.dim data-testid="no-effect" { b { "Without effect here, of PostHog's SDKs: " } (setup::no_effect()) } }
            }
        }
    }
}

/// The storage; `beside` are the other projects the reader may see.
fn storage(health: &StoreHealth, own: &Project, beside: &[Project]) -> Markup {
    let line = |name: &str, value: Markup| html! { li { span.grow { (name) } b { (value) } } };
    let share = |bytes: u64| format::percent(bytes as f64 / health.bytes.max(1) as f64);
    let held = |project: &Project| health.by_project.get(&project.key).copied();
    let mut others: Vec<(&Project, u64)> = beside.iter().filter_map(|p| Some((p, held(p)?))).collect();
    others.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    html! {
        section.panel data-testid="storage" {
            h2 { "Storage" }
            @if health.writable { p.quiet { (icon(Icon::Tick)) "Events can be stored." } } @else {
                @for reason in &health.reasons { p.strip.fail role="alert" { (icon(Icon::Fail)) span { (hostile::line(reason, 300)) } } }
            }
            ul.arrivals {
                (line("Trackway", html! { (env!("CARGO_PKG_VERSION")) }))
                (line("Size of everything", html! { (format::bytes(health.bytes)) }))
                @if let Some(bytes) = held(own) { (line("Of it this project", html! { (format::bytes(bytes)) ", " (share(bytes)) })) }
                @for (project, bytes) in others.iter().take(OTHERS) {
                    li data-testid="beside-row" { span.grow { a href=(link::path(project.id.as_str(), "settings")) { (hostile::line(&project.name, 40)) } } b { (format::bytes(*bytes)) ", " (share(*bytes)) } }
                }
                @if let Some(free) = health.free_bytes { (line("Free on the disk", html! { (format::bytes(free)) })) }
                (line("Write-ahead log", html! { (format::bytes(health.wal_bytes)) }))
                (line("Waiting to be stored", html! { (format::counted(health.queued, "event", "events")) }))
                (line("Commits since start", html! { (format::separated(health.commits)) }))
                @if health.commits > 0 { (line("A commit, p50 and p99", html! { (format::duration(health.commit_us.0)) ", " (format::duration(health.commit_us.1)) })) }
                (line("A durable 4 KiB write", html! { (format::duration(health.fsync_us)) }))
            }
            p.dim { code { "trackway doctor" } " on the server looks for what could be wrong and names the command that mends it." }
        }
    }
}

fn lost(intake: &Intake) -> Markup {
    html! {
        section.panel data-testid="lost" {
            h2 { "Lost before they were sent" }
            @if intake.lost.values().all(|n| *n == 0) { p.quiet { (icon(Icon::Tick)) "No recorder has reported a loss." } } @else {
                p.quiet { "Recorders say so themselves; these events never reached the server." }
                ul.arrivals { @for (reason, n) in &intake.lost { li { span.grow { (hostile::line(&reason.replace('_', " "), 60)) } b { (format::separated(*n)) } } } }
            }
        }
    }
}
