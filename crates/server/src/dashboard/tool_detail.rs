//! What one tool's newest calls were given, and what came before and after them (`dashboard.md` §7.5).
//!
//! Called by the tool's page. Names and values are captured text, after redaction; values are told only where there are few.

use maud::{Markup, html};
use trackway_store::query::{ArgumentCheck, ArgumentPlace, ArgumentValues, Neighbours, UsedArgument};

use super::place::Place;
use super::{chart, format, hostile, lists};

/// Calls from which a share is shown as a rate.
const FEW: u64 = 10;

/// Which arguments are sent how often, as what, and which do not fit the schema that was shown.
pub(super) fn arguments(check: &ArgumentCheck) -> Markup {
    html! {
        @if !check.uses.is_empty() {
            section.panel.flush data-testid="arguments" {
                h2 { "Arguments" span.aside.dim { "newest " (format::counted(check.calls, "call", "calls")) } }
                p.quiet {
                    @if check.checked == 0 { "No listing with this tool was seen, so nothing is held against a schema." }
                    @else if check.wrong == 0 { "Every one of " (format::counted(check.checked, "call", "calls")) " fits what was shown. Checked: unknown and missing arguments, types, listed values, bounds." }
                    @else { b { (format::count(check.wrong)) } " of " (format::counted(check.checked, "call", "calls")) " did not fit what was shown." }
                }
                div.scroll tabindex="0" role="region" aria-label="Arguments" { table.data {
                    caption.sr { "Arguments of the newest calls" }
                    thead { tr {
                        th scope="col" { "Argument" } th scope="col" { "In the schema" } th.num colspan="2" scope="col" { "Sent" } th scope="col" { "As" }
                        th scope="col" { "Values" } th.num scope="col" title="calls in which it did not fit what was shown" { "Invalid" }
                    } }
                    tbody { @for one in &check.uses { (used(one, check)) } }
                } }
                @if !check.findings.is_empty() {
                    div.scroll tabindex="0" role="region" aria-label="What is wrong with arguments" { table.data {
                        caption.sr { "What was wrong with arguments" }
                        thead { tr { th scope="col" { "Argument" } th scope="col" { "What is wrong" } th.num scope="col" { "Calls" } th.num scope="col" { "Of those failed" } } }
                        tbody { @for f in &check.findings { tr data-testid="argument-row" {
                            th scope="row" { span.mono { (hostile::line(&f.path, 60)) } } td data-label="What is wrong" { (hostile::line(&f.what, 120)) }
                            td.num data-label="Calls" { (format::count(f.calls)) } td.num data-label="Of those failed" { (format::count(f.failed)) }
                        } } }
                    } }
                }
            }
        }
    }
}

fn used(one: &UsedArgument, check: &ArgumentCheck) -> Markup {
    let sent = one.used.sent;
    html! {
        tr data-testid="used-row" {
            th scope="row" { span.mono { (hostile::line(&one.used.name, 60)) } }
            td data-label="In the schema" { @match one.place {
                ArgumentPlace::Required => "required",
                ArgumentPlace::Optional => span.dim { "optional" },
                ArgumentPlace::Unknown => span.tag.warn { "not in it" },
                ArgumentPlace::Untold => (format::unknown("no listing with this tool was seen")),
            } }
            td.bar-cell { (chart::share_bar(sent, check.calls, 0)) }
            td.num data-label="Sent" { (part(sent, check.calls)) }
            td data-label="As" { @for (i, (kind, n)) in one.used.types.iter().enumerate() {
                @if i > 0 { ", " } (kind) @if one.used.types.len() > 1 { " " span.dim { (format::count(*n)) } }
            } }
            td data-label="Values" { (values(&one.used.values)) }
            td.num data-label="Invalid" { @if check.checked == 0 { (format::unknown("no schema was seen")) } @else if one.invalid == 0 { span.dim { "0" } } @else { span.bad { (part(one.invalid, check.checked)) } } }
        }
    }
}

fn part(n: u64, of: u64) -> Markup {
    match of {
        0 => format::unknown("no call"),
        of if of < FEW => html! { span.dim { (format::count(n)) " of " (format::count(of)) } },
        of => html! { span title=(format!("{n} of {of}")) { (format::percent(n as f64 / of as f64)) } },
    }
}

fn values(values: &ArgumentValues) -> Markup {
    match values {
        ArgumentValues::Few(all) if all.is_empty() => format::unknown("it was never sent"),
        ArgumentValues::Few(all) => html! { @for (i, (value, n)) in all.iter().take(5).enumerate() {
            @if i > 0 { ", " } span.mono { (hostile::line(value, 32)) } " " span.dim { (format::count(*n)) }
        } @if all.len() > 5 { span.dim { " and " (all.len() - 5) " more" } } },
        ArgumentValues::Lengths(low, high) if low == high => {
            html! { span.dim { "many texts of " (format::counted(*low, "sign", "signs")) } }
        }
        ArgumentValues::Lengths(low, high) => {
            html! { span.dim { "many texts of " (format::count(*low)) " to " (format::counted(*high, "sign", "signs")) } }
        }
        ArgumentValues::Range(low, high) => html! { span.dim { "numbers from " (low) " to " (high) } },
        ArgumentValues::Mixed => html! { span.dim { "of several shapes" } },
    }
}

/// What was called just before it and just after it.
pub(super) fn neighbours(name: &str, around: &Neighbours, place: &Place<'_>) -> Markup {
    html! {
        @if !around.before.is_empty() {
            section.panel data-testid="neighbours" {
                h2 { "Before and after" span.aside.dim { "in the same session, among the newest calls" } }
                div.around {
                    div { h3 { "Before" } (side(&around.before, "the session began", place)) }
                    p.middle { b { (hostile::line(name, 40)) } }
                    div { h3 { "After" } (side(&around.after, "the session ended", place)) }
                }
            }
        }
    }
}

fn side(rows: &[(String, u64)], edge: &str, place: &Place<'_>) -> Markup {
    let most = rows.iter().map(|(_, n)| *n).max().unwrap_or(1);
    html! {
        ul.log { @for (name, n) in rows { li data-testid="neighbour" {
            (chart::share_bar(*n, most, 0)) " " (format::count(*n)) " "
            @match lists::detail(place, "tools", name).filter(|_| name != "(no name)") {
                Some(href) => a href=(href) { (hostile::line(name, 40)) },
                None => span.dim { @if name.is_empty() { (edge) } @else { "no tool named" } },
            }
        } } }
    }
}
