//! Catalog, tabs Context cost and Dead tools (`dashboard.md` §7.11): what a listing and its answers cost whoever reads them, and
//! what can go.
//!
//! Called by [`super::catalog`]. Names are captured text.

use maud::{Markup, html};
use trackway_store::query::{Catalogs, Signals, ToolCost, Use};

use super::icons::{Icon, icon};
use super::place::Place;
use super::{chart, format, hostile, lists, parts};

/// The tab Context cost.
pub(crate) fn cost(all: &Catalogs, signals: &Signals, place: &Place<'_>) -> Markup {
    let most = all.tools.iter().map(|t| t.tokens).max().unwrap_or(1);
    let sum: u64 = all.tools.iter().map(|t| t.tokens).sum();
    let solved: u64 = signals.attempts.first + signals.attempts.second + signals.attempts.later;
    html! {
        @if all.tools.is_empty() {
            section.panel { p.quiet { "No listing of this period was seen whole, so nothing can be weighed." } }
        } @else {
            section.panel {
                h2 { "Where the context goes" }
                p.said { (paid(sum, all.sessions, solved)) }
                (treemap(all, sum))
            }
            section.panel.flush {
                div.scroll tabindex="0" role="region" aria-label="Context cost" { table.data {
                    caption.sr { "Tools by the size of their definition" }
                    thead { tr {
                        th scope="col" { "Tool" } th.num colspan="2" scope="col" title="estimated at 3.5 bytes a token" { "Definition" } th.num scope="col" { "Share" }
                        th.num scope="col" { "Description" } th.num scope="col" { "Schemas" }
                        th.num scope="col" title="results of calls that worked, estimated" { "Result p50" } th.num scope="col" { "Result p95" }
                        th.num scope="col" title="calls that worked, by the share of the result cap they fill" { "Near the cap" }
                        th.num scope="col" { "Calls" } th scope="col" { "Use" }
                    } }
                    tbody { @for tool in &all.tools { (row(tool, most, sum, signals, place)) } }
                } }
            }
            p.dim { "Definitions are those of the newest whole listing as minified JSON; tokens are estimated at 3.5 bytes each." }
        }
        (parts::partial(signals.partial.as_deref()))
    }
}

fn row(tool: &ToolCost, most: u64, sum: u64, signals: &Signals, place: &Place<'_>) -> Markup {
    let weight = signals.tools.iter().find(|t| t.tool == tool.name).map(|t| &t.weight);
    let tokens =
        |n: Option<u64>| n.map_or_else(|| format::unknown("no result"), |n| html! { (format::tokens(n)) });
    html! { tr data-testid="cost-row" {
        th scope="row" { (name(tool, place)) }
        td.bar-cell { (chart::share_bar(tool.tokens, most, 0)) }
        td.num data-label="Definition" title=(format::bytes(tool.bytes)) { (format::tokens(tool.tokens)) }
        td.num data-label="Share" { (format::percent(tool.tokens as f64 / sum.max(1) as f64)) }
        td.num data-label="Description" { (format::bytes(tool.description_bytes)) }
        td.num data-label="Schemas" { (format::bytes(tool.schema_bytes)) }
        td.num data-label="Result p50" { (tokens(weight.and_then(|w| w.p50))) }
        td.num data-label="Result p95" { (tokens(weight.and_then(|w| w.p95))) }
        td.num data-label="Near the cap" { @match weight.map(|w| w.near_cap).filter(|n| *n > 0) { Some(n) => span.st.warn { (icon(Icon::Warn)) (format::count(n)) }, None => span.dim { "0" } } }
        td.num data-label="Calls" { (format::count(tool.calls)) }
        td data-label="Use" { (use_tag(tool.use_)) }
    } }
}

/// What the listing costs, in words.
fn paid(tokens: u64, sessions: u64, solved: u64) -> String {
    let all = tokens.saturating_mul(sessions);
    let mut text = format!(
        "{} in each of {} that listed the tools: {} in this period",
        format::tokens(tokens),
        format::counted(sessions, "session", "sessions"),
        format::tokens(all)
    );
    if let Some(each) = all.checked_div(solved) {
        text.push_str(&format!(", {} for each attempt that was solved", format::tokens(each)));
    }
    text.push('.');
    text
}

/// Width and height the parts are laid out in: widths are drawn as shares of the panel, text keeps its size and is cut by its part.
const WIDE: f64 = 1080.0;
const HIGH: f64 = 220.0;
/// Below this width or height a name does not fit.
const ROOM: (f64, f64) = (84.0, 34.0);

/// Every tool as a part of the whole listing.
fn treemap(all: &Catalogs, sum: u64) -> Markup {
    let parts: Vec<f64> = all.tools.iter().map(|t| t.tokens as f64).collect();
    let places = squares(&parts, WIDE, HIGH);
    let caption = format!(
        "{} of {} by their share of the listing; hatched: called by nobody.",
        format::counted(all.tools.len() as u64, "tool", "tools"),
        format::tokens(sum)
    );
    html! {
        figure.chart {
            svg.treemap width="100%" height=(HIGH) role="img" aria-label=(caption) {
                defs { pattern id="hatch-dead" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" { line.hatch-open x1="0" y1="0" x2="0" y2="6" {} } }
                @for (tool, at) in all.tools.iter().zip(&places) {
                    @let unused = matches!(tool.use_, Use::Dead | Use::Unused);
                    svg x=(pct(at.x)) y=(px(at.y)) width=(pct(at.w)) height=(px(at.h)) {
                        title { (hostile::plain(&tool.name, 60)) ": " (format::tokens(tool.tokens)) ", " (format::counted(tool.calls, "call", "calls")) }
                        rect.tile width="100%" height="100%" {}
                        @if unused { rect.unused width="100%" height="100%" fill="url(#hatch-dead)" {} }
                        @if at.w >= ROOM.0 && at.h >= ROOM.1 {
                            text.name x="8" y="20" { (hostile::plain(&tool.name, 40)) }
                            @if at.h >= 50.0 { text x="8" y="36" { (format::tokens(tool.tokens)) } }
                        }
                    }
                }
            }
            figcaption { (caption) }
        }
    }
}

struct Square {
    x: f64,
    y: f64,
    w: f64,
    h: f64,
}

/// Places of `parts` (the largest first) in a rectangle, near to squares: rows are filled along the shorter side for as long as
/// that makes their worst shape better.
fn squares(parts: &[f64], wide: f64, high: f64) -> Vec<Square> {
    let total: f64 = parts.iter().sum();
    let mut places = Vec::with_capacity(parts.len());
    if total <= 0.0 {
        return places;
    }
    let scale = wide * high / total;
    let areas: Vec<f64> = parts.iter().map(|p| (p * scale).max(0.01)).collect();
    let (mut x, mut y, mut w, mut h) = (0.0, 0.0, wide, high);
    let mut rest = areas.as_slice();
    while !rest.is_empty() {
        let side = w.min(h).max(0.01);
        let mut take = 1;
        while take < rest.len() && worst(&rest[..take + 1], side) <= worst(&rest[..take], side) {
            take += 1;
        }
        let (row, after) = rest.split_at(take);
        let sum: f64 = row.iter().sum();
        let thick = sum / side;
        let mut along = 0.0;
        for area in row {
            let length = area / thick.max(0.01);
            places.push(if w >= h {
                Square { x, y: y + along, w: thick, h: length }
            } else {
                Square { x: x + along, y, w: length, h: thick }
            });
            along += length;
        }
        if w >= h {
            x += thick;
            w = (w - thick).max(0.0);
        } else {
            y += thick;
            h = (h - thick).max(0.0);
        }
        rest = after;
    }
    places
}

/// The worst ratio of sides in a row of these areas along `side`.
fn worst(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    let thick = sum / side;
    row.iter()
        .map(|area| {
            let length = area / thick;
            (length / thick).max(thick / length)
        })
        .fold(0.0, f64::max)
}

fn px(v: f64) -> String {
    format!("{v:.1}")
}

fn pct(v: f64) -> String {
    format!("{:.3}%", v / WIDE * 100.0)
}

pub(super) fn name(tool: &ToolCost, place: &Place<'_>) -> Markup {
    html! { @match lists::detail(place, "tools", &tool.name).filter(|_| tool.calls > 0) {
        Some(href) => a.row href=(href) { (hostile::line(&tool.name, 48)) },
        None => (hostile::line(&tool.name, 48)),
    } }
}

fn use_tag(of: Use) -> Markup {
    match of {
        Use::Used => html! { span.sr { "used" } },
        Use::Rare => {
            html! { span.tag.warn title="called in less than 1 % as many calls as sessions saw it" { "rare" } }
        }
        Use::Dead => html! { span.tag.fail title="never called, in 100 sessions or 7 days" { "dead" } },
        Use::Unused => html! { span.tag title="never called yet; too early to tell" { "not yet used" } },
    }
}

/// The tab Dead tools.
pub(crate) fn dead(all: &Catalogs, place: &Place<'_>) -> Markup {
    let shown: Vec<&ToolCost> = all.tools.iter().filter(|t| t.use_ != Use::Used).collect();
    let gone: Vec<&ToolCost> = shown.iter().copied().filter(|t| t.use_ == Use::Dead).collect();
    let tokens: u64 = gone.iter().map(|t| t.tokens).sum();
    html! {
        div.grid {
            div.col-8 { section.panel {
                h2 { "Listed, and not called" }
                @if shown.is_empty() { p.quiet { (icon(Icon::Tick)) "Every listed tool is called. Checked: " (format::counted(all.tools.len() as u64, "tool", "tools")) " over " (format::counted(all.sessions, "session", "sessions")) "." } } @else {
                    @if gone.is_empty() {
                        p.quiet { "No tool is dead yet: none has gone uncalled for 100 sessions or 7 days." }
                    } @else {
                        p data-testid="saving" { "Dropping " b { (format::counted(gone.len() as u64, "tool", "tools")) } " that nobody called saves " b { (format::tokens(tokens)) } " in each of " (format::counted(all.sessions, "session", "sessions")) " of this period." }
                        (parts::copyable("drop-text", &drop_text(&gone, tokens, all.sessions)))
                    }
                    div.scroll tabindex="0" role="region" aria-label="Listed, and not called" { table.data {
                        caption.sr { "Tools that are rarely or never called" }
                        thead { tr { th scope="col" { "Tool" } th scope="col" { "Use" } th.num scope="col" { "Calls" } th.num scope="col" { "Saved a session" } } }
                        tbody { @for tool in &shown { tr data-testid="dead-row" {
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

/// What a maintainer can paste into an issue.
fn drop_text(gone: &[&ToolCost], tokens: u64, sessions: u64) -> String {
    let mut text = format!(
        "Drop {}: {} less in every session, nobody called them ({} saw them).\n",
        format::counted(gone.len() as u64, "tool", "tools"),
        format::tokens(tokens),
        format::counted(sessions, "session", "sessions")
    );
    for tool in gone {
        text.push_str(&format!("- {} ({})\n", tool.name, format::tokens(tool.tokens)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_fill_the_rectangle_and_keep_to_their_share() {
        for parts in [vec![6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], vec![5.0], vec![1.0; 40]] {
            let places = squares(&parts, 600.0, 400.0);
            assert_eq!(places.len(), parts.len());
            let total: f64 = parts.iter().sum();
            for (part, at) in parts.iter().zip(&places) {
                assert!((at.w * at.h - part / total * 240_000.0).abs() < 1.0);
                assert!(at.x >= -0.1 && at.y >= -0.1 && at.x + at.w <= 600.5 && at.y + at.h <= 400.5);
            }
        }
        assert!(squares(&[0.0], 10.0, 10.0).is_empty());
    }
}
