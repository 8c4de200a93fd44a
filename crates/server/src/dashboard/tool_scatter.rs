//! Tools as dots by reach and failures (`dashboard.md` §7.5): further right reaches more sessions, higher fails more often, larger
//! is called more.
//!
//! Called by the Tools page, above the table with the same figures. A name that has no room among others is left to the table and
//! to the dot's own words; names are captured text.

use maud::{Markup, html};
use trackway_store::query::ToolRow;

use super::place::Place;
use super::{chart, format, hostile, lists};

/// The drawing, and the room above and below its plot.
const HEIGHT: f64 = 320.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 24.0;
/// Largest and smallest dot, radius.
const DOT: (f64, f64) = (14.0, 4.0);
/// Finished calls from which a dot is filled (P3).
const ENOUGH: u64 = 20;
/// Widths the drawing is likely to have, for which names are kept apart: of a desk, of a phone.
const WIDE: f64 = 1_000.0;
const NARROW: f64 = 300.0;
/// Signs of a name, and how wide one is.
const NAME_CHARS: usize = 24;
const CHAR_WIDTH: f64 = 6.7;

/// A dot with its place: across in parts of the width, down in pixels.
struct Dot<'a> {
    row: &'a ToolRow,
    across: f64,
    down: f64,
    radius: f64,
    share: f64,
}

/// Where a name stands by its dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Above,
    Right,
    Left,
    Below,
}

/// A rectangle: left, top, right, bottom.
type Area = (f64, f64, f64, f64);

/// The drawing.
pub(super) fn view(rows: &[ToolRow], place: &Place<'_>) -> Markup {
    let reach = |r: &ToolRow| r.sessions.unwrap_or(0);
    let mut shown: Vec<&ToolRow> =
        rows.iter().filter(|r| r.calls.finished > 0 && r.sessions.is_some()).collect();
    // the small ones last, so that they lie on top
    shown.sort_by_key(|r| std::cmp::Reverse(r.calls.calls));
    let scale = chart::nice(shown.iter().map(|r| reach(r)).max().unwrap_or(1));
    let most = shown.first().map_or(1, |r| r.calls.calls).max(1);
    let share = |r: &ToolRow| r.calls.failed_share().unwrap_or(0.0);
    let highest = highest(shown.iter().map(|r| share(r)).fold(0.0, f64::max));
    let across = |n: u64| 0.03 + 0.91 * n as f64 / scale.top.max(1) as f64;
    let down = |share: f64| HEIGHT - BOTTOM - 10.0 - (HEIGHT - TOP - BOTTOM - 10.0) * share / highest;
    let dots: Vec<Dot<'_>> = shown
        .iter()
        .map(|row| Dot {
            row,
            across: across(reach(row)),
            down: down(share(row)),
            radius: DOT.1 + (DOT.0 - DOT.1) * (row.calls.calls as f64 / most as f64).sqrt(),
            share: share(row),
        })
        .collect();
    let names = names(&dots);
    let caption = "Each dot is a tool: further right reaches more sessions, higher fails more often, larger is called more. Hollow: fewer than 20 finished calls.";
    html! {
        section.panel data-testid="scatter" {
            h2 { "Reach and failures" }
            figure.chart {
                div.plot {
                    svg.axis width="48" height=(HEIGHT) aria-hidden="true" {
                        @for i in 0..=4_u8 { @let part = highest * f64::from(i) / 4.0;
                            text x="42" y=(px(down(part) + 4.0)) text-anchor="end" { (format::percent(part)) } }
                    }
                    svg.dots width="100%" height=(HEIGHT) role="group" aria-label=(caption) {
                        text.axis-name x="0" y="12" { "failed" }
                        @for i in 0..=4_u8 { @let y = px(down(highest * f64::from(i) / 4.0)); line.rule x1="0" x2="100%" y1=(y) y2=(y) {} }
                        @for step in &scale.steps {
                            @if *step == scale.top { text x="100%" y=(px(HEIGHT - 4.0)) text-anchor="end" { (format::counted(*step, "session", "sessions")) } }
                            @else { text x=(pct(across(*step))) y=(px(HEIGHT - 4.0)) text-anchor="middle" { (format::count(*step)) } }
                        }
                        @for (dot, name) in dots.iter().zip(&names) { (draw(dot, *name, place)) }
                    }
                }
                figcaption { (caption) }
            }
        }
    }
}

fn draw(dot: &Dot<'_>, name: Option<(Side, bool)>, place: &Place<'_>) -> Markup {
    let row = dot.row;
    let words = format!(
        "{}: {} in {}, {} failed",
        hostile::plain(&row.name, 60),
        format::counted(row.calls.calls, "call", "calls"),
        format::counted(row.sessions.unwrap_or(0), "session", "sessions"),
        format::percent(dot.share)
    );
    let shown = html! {
        title { (words) }
        circle.few[row.calls.finished < ENOUGH] cx=(pct(dot.across)) cy=(px(dot.down)) r=(px(dot.radius)) {}
        @if let Some((side, narrow)) = name {
            @let (anchor, dx, dy) = offset(dot, side);
            text.name.roomy[!narrow] x=(pct(dot.across)) dx=(px(dx)) y=(px(dot.down + dy)) text-anchor=(anchor) { (hostile::plain(&row.name, NAME_CHARS)) }
        }
    };
    html! { @match lists::detail(place, "tools", &row.name) { Some(href) => a href=(href) aria-label=(words) { (shown) }, None => g { (shown) } } }
}

/// The share at the top of the axis, so that its quarters are round.
fn highest(share: f64) -> f64 {
    [0.04, 0.08, 0.2, 0.4].into_iter().find(|top| share <= *top).unwrap_or(1.0)
}

/// For each dot, where its name has room at all, and whether it has on a phone.
fn names(dots: &[Dot<'_>]) -> Vec<Option<(Side, bool)>> {
    let (mut wide, mut narrow): (Vec<Area>, Vec<Area>) = (Vec::new(), Vec::new());
    let free = |area: Area, own: usize, width: f64, held: &[Area]| {
        let inside = area.0 >= 0.0 && area.2 <= width && area.1 >= 14.0 && area.3 <= HEIGHT - BOTTOM + 6.0;
        let others = dots.iter().enumerate().filter(|(i, _)| *i != own);
        inside
            && !held.iter().any(|h| meet(*h, area))
            && !others.map(|(_, d)| disc(d, width)).any(|d| meet(d, area))
    };
    let mut out = Vec::with_capacity(dots.len());
    for (i, dot) in dots.iter().enumerate() {
        let sides = [Side::Above, Side::Right, Side::Left, Side::Below];
        let side = sides.into_iter().find(|side| free(area(dot, *side, WIDE), i, WIDE, &wide));
        out.push(side.map(|side| {
            wide.push(area(dot, side, WIDE));
            let small = area(dot, side, NARROW);
            let fits = free(small, i, NARROW, &narrow);
            if fits {
                narrow.push(small);
            }
            (side, fits)
        }));
    }
    out
}

fn offset(dot: &Dot<'_>, side: Side) -> (&'static str, f64, f64) {
    match side {
        Side::Above => ("middle", 0.0, -dot.radius - 4.0),
        Side::Right => ("start", dot.radius + 4.0, 4.0),
        Side::Left => ("end", -dot.radius - 4.0, 4.0),
        Side::Below => ("middle", 0.0, dot.radius + 13.0),
    }
}

/// Where a name is drawn in a drawing of this width.
fn area(dot: &Dot<'_>, side: Side, width: f64) -> Area {
    let long = CHAR_WIDTH * dot.row.name.chars().count().min(NAME_CHARS) as f64;
    let (_, dx, dy) = offset(dot, side);
    let (x, base) = (dot.across * width + dx, dot.down + dy);
    let left = match side {
        Side::Above | Side::Below => x - long / 2.0,
        Side::Right => x,
        Side::Left => x - long,
    };
    (left, base - 11.0, left + long, base + 3.0)
}

fn disc(dot: &Dot<'_>, width: f64) -> Area {
    let x = dot.across * width;
    (x - dot.radius, dot.down - dot.radius, x + dot.radius, dot.down + dot.radius)
}

fn meet(a: Area, b: Area) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

fn px(v: f64) -> String {
    format!("{v:.1}")
}

fn pct(part: f64) -> String {
    format!("{:.2}%", part * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trackway_store::query::CallFigures;

    fn tool(name: &str, sessions: u64, calls: u64, failed: u64) -> ToolRow {
        let calls = CallFigures { calls, finished: calls, failed, ..CallFigures::default() };
        ToolRow {
            name: name.into(),
            calls,
            sessions: Some(sessions),
            people: None,
            trend: Vec::new(),
            last_at: None,
            first_at: None,
            signals: None,
            definition_tokens: None,
            standing: Default::default(),
            content: None,
        }
    }

    #[test]
    fn names_never_lie_over_each_other_or_over_another_dot() {
        let rows: Vec<ToolRow> =
            (0..40).map(|i| tool(&format!("a_rather_long_name_{i}"), 10 + i / 8, 30 + i, i % 4)).collect();
        let dots: Vec<Dot<'_>> = rows
            .iter()
            .map(|row| Dot {
                row,
                across: row.sessions.unwrap() as f64 / 20.0,
                down: 60.0 + 12.0 * row.calls.failed as f64,
                radius: 6.0,
                share: 0.1,
            })
            .collect();
        let placed = names(&dots);
        assert!(placed.iter().flatten().count() >= 4, "{placed:?}");
        assert!(placed.iter().any(Option::is_none), "where all is full a name is left out");
        let areas: Vec<(usize, Area)> = placed
            .iter()
            .enumerate()
            .filter_map(|(i, side)| side.map(|(side, _)| (i, area(&dots[i], side, WIDE))))
            .collect();
        for (i, a) in &areas {
            assert!(areas.iter().all(|(j, b)| i == j || !meet(*a, *b)), "{i}");
            assert!(dots.iter().enumerate().all(|(j, d)| *i == j || !meet(*a, disc(d, WIDE))), "{i}");
        }
    }

    #[test]
    fn the_axis_ends_above_the_highest_share_at_a_round_one() {
        for (share, top) in [(0.0, 0.04), (0.04, 0.04), (0.05, 0.08), (0.11, 0.2), (0.41, 1.0), (1.0, 1.0)] {
            assert_eq!(highest(share), top, "{share}");
        }
    }
}
