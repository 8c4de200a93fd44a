//! Tools, resources and prompts as a table (`dashboard.md` §7.5).
//!
//! Called by the Tools page. A rate from few calls is grey; what is not known is no zero.

use maud::{Markup, html};
use trackway_store::query::{Standing, ToolPreset, ToolRow};

use super::columns::{Named, Shown};
use super::overview::{maybe, rate};
use super::place::Place;
use super::{chart, format, hostile, lists};

/// Attempts from which a share is shown as a rate.
const FEW: u64 = 10;

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    /// Tools.
    Tools,
    /// Resources.
    Resources,
    /// Prompts.
    Prompts,
}

/// The columns of a list: those that all have, with its own among them.
macro_rules! columns {
    ($($key:literal $name:literal),*) => {
        &[
            Named::of("name", "Name"),
            Named::of("calls", "Calls"),
            Named::of("sessions", "Sessions"),
            Named::of("people", "People"),
            Named::of("failed", "Failed"),
            Named::of("p50", "p50"),
            Named::of("p95", "p95"),
            Named::of("p99", "p99"),
            $(Named::of($key, $name),)*
            Named::of("last", "Last call"),
            Named::of("trend", "Trend"),
        ]
    };
}

const TOOLS: &[Named] =
    columns!["first_try" "First try", "repeats" "Repeats", "definition" "Definition", "result" "Result"];
const RESOURCES: &[Named] = columns!["type" "Type", "bytes" "Bytes"];
const PROMPTS: &[Named] = columns!["filled" "Arguments filled"];

impl Listed {
    /// What its rows can tell.
    pub(super) fn columns(self) -> &'static [Named] {
        match self {
            Self::Tools => TOOLS,
            Self::Resources => RESOURCES,
            Self::Prompts => PROMPTS,
        }
    }
}

/// Heads that sort, in their order: before p99, and after it.
const SORTED: [(&str, &str); 5] =
    [("sessions", "Sessions"), ("people", "People"), ("failed", "Failed"), ("p50", "p50"), ("p95", "p95")];
const TOLD: [(&str, &str); 4] = [
    ("first_try", "First try"),
    ("repeats", "Repeats"),
    ("definition", "Definition"),
    ("result", "Result p50, p95"),
];

/// Rows as a table of the columns the reader chose; what only tools have is left out of the others.
pub(super) fn table(
    rows: &[ToolRow],
    preset: ToolPreset,
    listed: Listed,
    one: &str,
    many: &str,
    place: &Place<'_>,
) -> Markup {
    let most = rows.iter().map(|r| r.calls.calls).max().unwrap_or(1);
    let shown = Shown::of(listed.columns(), place.params);
    let sort = |field: &str, name: &str| lists::sort_head(field, name, preset.order(), place);
    html! {
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label=(many) {
                table.data.tools {
                    caption.sr { (many) " by use" }
                    thead { tr {
                        (sort("name", "Name"))
                        @if shown.has("calls") { th scope="col" { span.sr { "Share of calls" } } (sort("calls", "Calls")) }
                        @for (key, name) in SORTED { @if shown.has(key) { (sort(key, name)) } }
                        @if shown.has("p99") { th.num scope="col" { "p99" } }
                        @for (key, name) in TOLD { @if shown.has(key) { (sort(key, name)) } }
                        @if shown.has("type") { th scope="col" title="media types, in the newest reads" { "Type" } }
                        @if shown.has("bytes") { th.num scope="col" title="of one read: the median of the newest ones" { "Bytes" } }
                        @if shown.has("filled") { th scope="col" title="how often each argument is filled, in the newest requests" { "Arguments filled" } }
                        @if shown.has("last") { (sort("last", "Last call")) } @if shown.has("trend") { th scope="col" { "Trend" } }
                    } }
                    tbody #rows { @for row in rows { (line(row, most, &shown, one, place)) } }
                }
            }
        }
    }
}

fn line(row: &ToolRow, most: u64, shown: &Shown, one: &str, place: &Place<'_>) -> Markup {
    let none = format!("no {one} named");
    let counted = |n: Option<u64>| match n {
        Some(n) => html! { (format::count(n)) },
        None => format::unknown("counting took too long; a shorter period shows it"),
    };
    let silent = row.calls.calls == 0;
    html! {
        tr data-testid="tool-row" {
            th scope="row" {
                @match lists::detail(place, "tools", &row.name).filter(|_| !silent || row.standing != Standing::Listed) {
                    Some(href) => a.row href=(href) { (hostile::line(&row.name, 48)) },
                    None if row.name.is_empty() => span.dim title="the request did not say which" { (none) },
                    None => (hostile::line(&row.name, 48)),
                }
                @if row.standing == Standing::Unlisted { span.tag.warn title="called, and in no listing of this period" { "unknown tool" } }
                @if silent { span.tag title="listed and not called in this period" { "not called" } }
            }
            @if shown.has("calls") {
                td.bar-cell { (chart::share_bar(row.calls.calls, most, row.calls.failed)) }
                td.num data-label="Calls" { @if silent { span.dim { "0" } } @else { (format::count(row.calls.calls)) } }
            }
            @if shown.has("sessions") { td.num data-label="Sessions" { (counted(row.sessions)) } }
            @if shown.has("people") { td.num data-label="People" { (counted(row.people)) } }
            @if shown.has("failed") { td.num data-label="Failed" { (rate(&row.calls)) } }
            @if shown.has("p50") { td.num data-label="p50" { (maybe(row.calls.p50_us, "no timed call")) } }
            @if shown.has("p95") { td.num data-label="p95" { (maybe(row.calls.p95_us, "needs 20 timed calls")) } }
            @if shown.has("p99") { td.num data-label="p99" { (maybe(row.calls.p99_us, "needs 100 timed calls")) } }
            (told(row, shown)) (brought(row, shown)) (filled(row, shown))
            @if shown.has("last") { td.num data-label="Last call" { @match row.last_at { Some(at) => (format::time(at, &format::ago(at, place.now))), None => (format::unknown("no call in this period")) } } }
            @if shown.has("trend") { td data-label="Trend" { (chart::spark(&row.trend.iter().map(|n| *n as f64).collect::<Vec<_>>(), "calls over the period")) } }
        }
    }
}

/// What the newest reads of a resource brought.
fn brought(row: &ToolRow, shown: &Shown) -> Markup {
    let content = row.content.as_ref();
    html! {
        @if shown.has("type") { td data-label="Type" { @match content.filter(|c| !c.mimes.is_empty()) {
            None => (format::unknown("no read of it said a type")),
            Some(c) => { @for (i, (mime, _)) in c.mimes.iter().take(2).enumerate() { @if i > 0 { ", " } span.mono { (hostile::line(mime, 32)) } } @if c.mimes.len() > 2 { span.dim { " and " (c.mimes.len() - 2) " more" } } },
        } } }
        @if shown.has("bytes") { td.num data-label="Bytes" { @match content.and_then(|c| Some((c.bytes_p50?, c.bytes_max?, c.looked_at))) {
            None => (format::unknown("no size was recorded")),
            Some((p50, max, n)) => span title=(format!("the median of the newest {n}; at most {max} bytes")) { (format::bytes(p50)) },
        } } }
    }
}

/// How often the newest gets of a prompt filled each argument.
fn filled(row: &ToolRow, shown: &Shown) -> Markup {
    html! {
        @if shown.has("filled") { td data-label="Arguments filled" { @match row.content.as_ref() {
            None => (format::unknown("no finished request of it")),
            Some(c) if c.filled.is_empty() => span.dim { "none" },
            Some(c) => {
                @for (i, (name, n)) in c.filled.iter().take(4).enumerate() {
                    @if i > 0 { ", " } span.mono { (hostile::line(name, 32)) } " " span.dim { (format::count(*n)) " of " (format::count(c.looked_at)) }
                }
                @if c.filled.len() > 4 { span.dim { " and " (c.filled.len() - 4) " more" } }
            },
        } } }
    }
}

/// What the newest calls and the listings tell.
fn told(row: &ToolRow, shown: &Shown) -> Markup {
    let signals = row.signals.as_ref();
    let old = "not among the newest calls, which are looked at for this";
    html! {
        @if shown.has("first_try") { td.num data-label="First try" { @match signals.map(|s| s.attempts).filter(|a| a.chains > 0) {
            None => (format::unknown("no attempt began with it")),
            Some(a) if a.chains < FEW => span.dim { (a.first) " of " (a.chains) },
            Some(a) => span title=(format!("{} of {} attempts", a.first, a.chains)) { (format::percent(a.first as f64 / a.chains as f64)) },
        } } }
        @if shown.has("repeats") { td.num data-label="Repeats" { @match signals { Some(s) if s.repeats > 0 => (format::count(s.repeats)), Some(_) => span.dim { "0" }, None => (format::unknown(old)) } } }
        @if shown.has("definition") { td.num data-label="Definition" { @match row.definition_tokens { Some(n) => (format::tokens(n)), None => (format::unknown("in no listing of this period")) } } }
        @if shown.has("result") { td.num data-label="Result" { @match signals.and_then(|s| s.weight.p50.map(|p50| (p50, s.weight.p95))) {
            Some((p50, p95)) => { (format::tokens(p50)) @if let Some(p95) = p95 { ", " (format::tokens(p95).trim_start_matches("≈ ")) } },
            None => (format::unknown("no result of known size among the newest calls")),
        } } }
    }
}
