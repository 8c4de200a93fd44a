//! One listing beside the one before it (`dashboard.md` §7.11): what changed, whose calls it fails, how calls went around it, and
//! the definitions side by side.
//!
//! Called by the routes; the page of `/p/{p}/catalog/{hash}`. Definitions are captured text.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use trackway_event::Timestamp;
use trackway_store::query::{Around, CatalogRow, Grade, Period, Release, Scope};

use super::frame::Bar;
use super::place::Place;
use super::visit::Visit;
use super::{catalog, format, hostile, link, lists};

/// Changed tools whose definitions are shown.
const TOOLS: usize = 20;
/// Lines of one definition that are compared.
const LINES: usize = 400;
/// Lines that have not changed, shown around those that have.
const AROUND: usize = 3;
/// Calls below which a share says nothing.
const FEW: u64 = 20;

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// The listing.
    pub item: CatalogRow,
    /// Its definitions by tool, where they are known whole.
    pub now: BTreeMap<String, String>,
    /// Those of the one before; `None`: there is none, or it is not known whole.
    pub before: Option<BTreeMap<String, String>>,
}

/// `/p/{p}/catalog/{hash}`
pub(crate) async fn show(visit: Visit, Path((_, hash)): Path<(String, String)>) -> Response {
    let (title, at) = ("Listing", "catalog");
    let (key, asked) = (visit.project.key, hash.clone());
    let period = Period { from: Timestamp::ZERO, to: visit.guest.now };
    let scope = Scope { period, filter: Default::default(), zone: format::zone() };
    let found = visit.ask("catalog", move |store| {
        let all = store.catalogs(key, &scope)?;
        let Some(item) = all.items.into_iter().find(|item| item.hash == asked) else { return Ok(None) };
        let now = store.catalog_tools(key, &item.hash)?;
        let before = match &item.before {
            Some(hash) => store.catalog_tools(key, hash)?,
            None => None,
        };
        let now = now.as_deref().map(definitions).unwrap_or_default();
        Ok(Some(Vm { item, now, before: before.as_deref().map(definitions) }))
    });
    match found.await {
        Ok(Some(vm)) => visit.page(title, at, Bar::Title, view(&vm, &visit.place(period))),
        Ok(None) => {
            let back = link::path(visit.project.id.as_str(), "catalog");
            let what = html! { b { "No listing " span.mono { (hostile::line(&hash, 64)) } " was seen here." } " Only the newest 50 are kept in view." };
            visit.missing(title, at, lists::nothing("unknown-listing", what, &back, "All listings"))
        }
        Err(problem) => visit.failed(title, at, Bar::Title, &problem),
    }
}

/// Definitions by name, written out line by line.
fn definitions(text: &str) -> BTreeMap<String, String> {
    let tools: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    let written = |tool: Value| {
        let name = tool.get("name").and_then(Value::as_str)?.to_owned();
        Some((name, serde_json::to_string_pretty(&tool).ok()?))
    };
    tools.into_iter().filter_map(written).collect()
}

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let item = &vm.item;
    let changed = changed(vm);
    html! {
        p.lede data-testid="lede" {
            b.mono { (hostile::line(&catalog::short(&item.hash), 8)) }
            @if let Some(server) = item.servers.first() { " of " (super::parts::peer_text(server)) }
            @match &vm.before {
                None => " is the first listing of this server that is known.",
                Some(_) if changed.is_empty() => " lists the same definitions as the one before it.",
                Some(_) => {
                    " changed " b { (format::counted(changed.len() as u64, "tool", "tools")) }
                    @let breaking = item.changes.iter().filter(|c| c.grade == Grade::Breaking).count() as u64;
                    @if breaking > 0 { ", " b.bad { (format::counted(breaking, "change", "changes")) " breaking" } }
                    "."
                },
            }
        }
        (catalog::facts(item, place))
        div.grid {
            @if !item.changes.is_empty() { div.col-12 { section.panel { h2 { "What changed" } (catalog::affected(item)) (catalog::changes(item.changes.iter())) } } }
            @if let Some(release) = &item.release { div.col-12 { (around(release)) } }
        }
        @for (name, old, new) in changed.iter().take(TOOLS) { (side_by_side(name, *old, *new)) }
        @if changed.len() > TOOLS { p.dim { "And " (format::counted((changed.len() - TOOLS) as u64, "more tool", "more tools")) "; tools.json has them all." } }
    }
}

/// Name, definition before and now of every tool that is not the same in both.
fn changed(vm: &Vm) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let Some(before) = &vm.before else { return Vec::new() };
    let names: std::collections::BTreeSet<&String> = before.keys().chain(vm.now.keys()).collect();
    let both = names.into_iter().map(|name| (name, before.get(name), vm.now.get(name)));
    both.filter(|(_, old, new)| old != new)
        .map(|(name, old, new)| (name.as_str(), old.map(String::as_str), new.map(String::as_str)))
        .collect()
}

fn failed(a: &Around) -> Markup {
    match a.calls.failed_share() {
        Some(share) if a.calls.finished >= FEW => html! { (format::percent(share)) },
        Some(_) => {
            html! { span.dim { (format::count(a.calls.failed)) " of " (format::count(a.calls.finished)) } }
        }
        None => format::unknown("no finished call"),
    }
}

fn first_try(a: &Around) -> Markup {
    match a.attempts.first_share() {
        Some(share) if a.attempts.chains >= FEW => html! { (format::percent(share)) },
        Some(_) => {
            html! { span.dim { (format::count(a.attempts.first)) " of " (format::count(a.attempts.chains)) } }
        }
        None => format::unknown("no attempt"),
    }
}

/// Figures before and after in one line, for the timeline.
pub(crate) fn around_line(release: &Release) -> Markup {
    let (b, a) = (&release.before, &release.after);
    html! { p.facts data-testid="release-line" title=(verdict(release)) {
        span.dim { "against the same weekdays before" }
        span { "calls " (format::count(b.calls.calls)) " to " b { (format::count(a.calls.calls)) } }
        span { "failed " (failed(b)) " to " b { (failed(a)) } }
        span { "first try " (first_try(b)) " to " b { (first_try(a)) } }
    } }
}

/// The same as a table.
fn around(release: &Release) -> Markup {
    let span = |p: &Period| {
        html! { (format::time(p.from, &format::day_clock(p.from))) " – " (format::time(p.to, &format::day_clock(p.to))) }
    };
    let p95 = |a: &Around| {
        a.calls
            .p95_us
            .map_or_else(|| format::unknown("needs 20 timed calls"), |us| html! { (format::duration(us)) })
    };
    html! {
        section.panel.flush data-testid="release" {
            h2 { "Before and after" }
            div.scroll tabindex="0" role="region" aria-label="Before and after" { table.data {
                caption.sr { "Calls before and after this listing, on the same weekdays" }
                thead { tr { th scope="col" { "Same weekdays" } th scope="col" { "From and to" } th.num scope="col" { "Calls" } th.num scope="col" { "Failed" } th.num scope="col" { "First try" } th.num scope="col" { "p95" } } }
                tbody { @for (name, period, a) in [("Before", &release.until, &release.before), ("Since", &release.since, &release.after)] { tr {
                    th scope="row" { (name) } td data-label="From and to" { (span(period)) }
                    td.num data-label="Calls" { (format::count(a.calls.calls)) } td.num data-label="Failed" { (failed(a)) }
                    td.num data-label="First try" { (first_try(a)) } td.num data-label="p95" { (p95(a)) }
                } } }
            } }
            p.dim.foot { (verdict(release)) }
        }
    }
}

/// Whether the difference is more than chance would make it: two shares, each of at least [`FEW`] calls.
fn verdict(release: &Release) -> String {
    let (a, b) = (&release.after.calls, &release.before.calls);
    let (Some(now), Some(then)) = (a.failed_share(), b.failed_share()) else {
        return "Nothing finished in one of the two, so there is nothing to compare.".into();
    };
    if a.finished < FEW || b.finished < FEW {
        return format!("Too few calls to compare: both need {FEW}.");
    }
    let pooled = (a.failed + b.failed) as f64 / (a.finished + b.finished) as f64;
    let error = (pooled * (1.0 - pooled) * (1.0 / a.finished as f64 + 1.0 / b.finished as f64)).sqrt();
    let margin = 1.96 * error * 100.0;
    let points = (now - then) * 100.0;
    if points.abs() <= margin {
        format!(
            "Failed: {} points, within the ±{margin:.1} that chance alone makes of so many calls.",
            format::points(now, then)
        )
    } else {
        format!(
            "Failed: {} points, more than the ±{margin:.1} that chance alone makes of so many calls.",
            format::points(now, then)
        )
    }
}

fn side_by_side(name: &str, old: Option<&str>, new: Option<&str>) -> Markup {
    let (left, right) = compare(old.unwrap_or(""), new.unwrap_or(""));
    html! {
        section.panel data-testid="tool-diff" {
            h2 { (hostile::line(name, 60)) @if old.is_none() { span.tag { "added" } } @if new.is_none() { span.tag.fail { "removed" } } }
            div.sides {
                @for (title, lines) in [("Before", &left), ("Now", &right)] {
                    div {
                        h3 { (title) }
                        @if lines.is_empty() { p.quiet { "It is not in this listing." } } @else {
                            div.scroll tabindex="0" role="region" aria-label=(format!("{title}: {}", hostile::plain(name, 60))) { pre.lines { @for line in lines { (shown(line)) } } }
                        }
                    }
                }
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Same(String),
    Gone(String),
    Come(String),
    Left(usize),
}

fn shown(line: &Line) -> Markup {
    match line {
        Line::Same(text) => html! { span { (hostile::text(text)) } },
        Line::Gone(text) => html! { del { (hostile::text(text)) } },
        Line::Come(text) => html! { ins { (hostile::text(text)) } },
        Line::Left(n) => html! { span.dim { (format::counted(*n as u64, "line", "lines")) " the same" } },
    }
}

/// Both sides line by line; what is the same far from a change is left out.
fn compare(old: &str, new: &str) -> (Vec<Line>, Vec<Line>) {
    let (a, b): (Vec<&str>, Vec<&str>) =
        (old.lines().take(LINES).collect(), new.lines().take(LINES).collect());
    // Lengths of the longest common rows of lines from each place on.
    let mut common = vec![vec![0u16; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] =
                if a[i] == b[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            left.push(Line::Same(a[i].to_owned()));
            right.push(Line::Same(b[j].to_owned()));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[i + 1][j] >= common[i][j + 1]) {
            left.push(Line::Gone(a[i].to_owned()));
            i += 1;
        } else {
            right.push(Line::Come(b[j].to_owned()));
            j += 1;
        }
    }
    (fold(left), fold(right))
}

fn fold(lines: Vec<Line>) -> Vec<Line> {
    let near: Vec<bool> = (0..lines.len())
        .map(|i| {
            let around = lines.iter().enumerate().skip(i.saturating_sub(AROUND)).take(AROUND * 2 + 1);
            around.filter(|(at, _)| at.abs_diff(i) <= AROUND).any(|(_, line)| !matches!(line, Line::Same(_)))
        })
        .collect();
    // A side without a change of its own shows its start.
    let any = near.iter().any(|n| *n);
    let mut out: Vec<Line> = Vec::new();
    for (i, (line, near)) in lines.into_iter().zip(near).enumerate() {
        if near || (!any && i < AROUND * 2) {
            out.push(line);
        } else if let Some(Line::Left(n)) = out.last_mut() {
            *n += 1;
        } else {
            out.push(Line::Left(1));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_changed_stand_on_their_side_and_the_rest_is_folded() {
        let old: String = (0..30).map(|i| format!("line {i}\n")).collect();
        let new = old.replace("line 15\n", "line fifteen\nand one more\n");
        let (left, right) = compare(&old, &new);
        assert_eq!(left.iter().filter(|l| matches!(l, Line::Gone(_))).count(), 1);
        assert_eq!(right.iter().filter(|l| matches!(l, Line::Come(_))).count(), 2);
        assert!(left.contains(&Line::Left(12)) && left.contains(&Line::Left(11)), "{left:?}");
        let (_, all) = compare("", "a\nb");
        assert_eq!(all, [Line::Come("a".into()), Line::Come("b".into())]);
    }

    #[test]
    fn a_difference_is_weighed_against_chance() {
        use trackway_store::query::{Attempts, CallFigures};
        let side = |failed, finished| Around {
            calls: CallFigures { calls: finished, finished, failed, ..CallFigures::default() },
            attempts: Attempts::default(),
        };
        let period = Period { from: Timestamp::ZERO, to: Timestamp::ZERO };
        let said = |after, before| verdict(&Release { since: period, until: period, after, before });
        assert!(said(side(90, 200), side(20, 200)).contains("more than the"));
        assert!(said(side(22, 200), side(20, 200)).contains("within the"));
        assert!(said(side(5, 10), side(20, 200)).contains("Too few"));
        assert!(said(side(0, 0), side(20, 200)).contains("nothing to compare"));
    }
}
