//! How much is known of why agents call (`dashboard.md` §7.7): as shares, and bucket by bucket over the period.
//!
//! Called by the Intents tab. A bucket without a call is a gap, no zero.

use maud::{Markup, html};
use trackway_store::query::{Coverage, Intents};

use super::place::Place;
use super::{format, link};

/// The drawing.
const HEIGHT: f64 = 24.0;

/// Shares in words, and the strip.
pub(super) fn coverage(intents: &Intents, place: &Place<'_>) -> Markup {
    let taken = intents.inherited + intents.inferred;
    let none = intents.calls.saturating_sub(intents.given + taken);
    let share = |n: u64| format::percent(n as f64 / intents.calls.max(1) as f64);
    html! {
        section.panel.coverage data-testid="coverage" {
            (strip(&intents.coverage, place))
            p.facts {
                span { span.key.given {} b { (share(intents.given)) } " of calls say why themselves" }
                span { span.key.taken {} b { (share(taken)) } " inherited or inferred" }
                span { span.key.none {} b { (share(none)) } " say nothing" }
                span.dim { "of the newest " (format::counted(intents.calls, "call", "calls")) }
            }
        }
    }
}

fn strip(series: &[Coverage], place: &Place<'_>) -> Markup {
    let sessions = link::path(place.project, "sessions");
    let width = 100.0 / series.len().max(1) as f64;
    let told = series.iter().filter(|c| c.calls > 0).count() as u64;
    let label = format!(
        "Share of calls with an intent, over {}",
        format::counted(told, "span with calls", "spans with calls")
    );
    html! {
        svg.covered width="100%" height=(HEIGHT) role="group" aria-label=(label) {
            line.base x1="0" x2="100%" y1=(HEIGHT - 0.5) y2=(HEIGHT - 0.5) {}
            @for (i, c) in series.iter().enumerate().filter(|(_, c)| c.calls > 0) {
                @let tall = |n: u64| HEIGHT * n as f64 / c.calls as f64;
                @let (given, taken) = (tall(c.given), tall(c.inherited));
                @let words = format!("{}: {} of {} say why, {} inherited or inferred", format::day_clock(c.start), c.given, format::counted(c.calls, "call", "calls"), c.inherited);
                @let href = format!("{sessions}{}", place.params.between(c.start, c.end).query());
                a href=(href) aria-label=(words) {
                    title { (words) }
                    (rect("none", i, width, 0.0, HEIGHT - given - taken))
                    (rect("taken", i, width, HEIGHT - given - taken, taken))
                    (rect("given", i, width, HEIGHT - given, given))
                }
            }
        }
    }
}

fn rect(class: &str, place: usize, width: f64, top: f64, tall: f64) -> Markup {
    let x = format!("{:.3}%", (place as f64 + 0.06) * width);
    html! { @if tall > 0.0 { rect class=(class) x=(x) width=(format!("{:.3}%", width * 0.88)) y=(format!("{top:.1}")) height=(format!("{tall:.1}")) {} } }
}
