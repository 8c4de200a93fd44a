//! Bars, sparklines and latency lines as SVG, without script (`dashboard.md` §8, Charts).
//!
//! Widths are percentages and heights pixels, so that a drawing fills its panel and its text keeps its size. Bars start at
//! zero, failures stand hatched at the foot, the unfinished bucket is marked, a bucket without data is a gap. Called by the
//! overview.

use maud::{Markup, html};
use trackway_event::Timestamp;
use trackway_store::query::Bucket;

use super::flags::{self, Flag};
use super::format;

/// Height of a plot in a grid.
const HEIGHT: f64 = 160.0;
/// Room above the highest bar.
const TOP: f64 = 14.0;

/// What a chart over time shows besides its figures.
pub(crate) struct Over<'a> {
    /// The present time, which marks the unfinished bucket.
    pub now: Timestamp,
    /// What stands on the top edge.
    pub flags: &'a [Flag],
}

/// Calls per bucket with failures at the foot. `href` makes the link of a bucket.
pub(crate) fn calls_and_failures(
    series: &[Bucket],
    over: &Over<'_>,
    href: &dyn Fn(&Bucket) -> String,
) -> Markup {
    bars(series, over, Says::Calls, href)
}

/// What the bars count, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// Calls, and which of them failed.
    Calls,
    /// Failures alone.
    Failures,
}

impl Says {
    fn words(self, calls: u64, failed: u64) -> String {
        match self {
            Self::Calls => {
                format!("{}, {} failed", format::counted(calls, "call", "calls"), format::count(failed))
            }
            Self::Failures => format::counted(failed, "failure", "failures"),
        }
    }
}

fn bars(series: &[Bucket], over: &Over<'_>, says: Says, href: &dyn Fn(&Bucket) -> String) -> Markup {
    let now = over.now;
    let highest = series.iter().map(|b| b.calls.calls).max().unwrap_or(0);
    let scale = nice(highest);
    let width = 100.0 / series.len().max(1) as f64;
    let y = |n: u64| (HEIGHT - TOP) * n as f64 / scale.top.max(1) as f64;
    let total: u64 = series.iter().map(|b| b.calls.calls).sum();
    let failed: u64 = series.iter().map(|b| b.calls.failed).sum();
    let caption = format!("{}{}.", says.words(total, failed), highest_words(series, highest));
    html! {
        figure.chart {
            div.plot {
                svg.axis width="48" height=(HEIGHT) aria-hidden="true" {
                    @for (i, step) in scale.steps.iter().enumerate() {
                        @let at = HEIGHT - y(*step);
                        @if *step > 0 { text x="42" y=(px(at + 4.0)) text-anchor="end" { (format::count(*step)) @if i + 1 == scale.steps.len() { " " } } }
                    }
                }
                svg.bars width="100%" height=(HEIGHT) role="group" aria-label=(caption) {
                    defs {
                        pattern id="hatch-fail" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                            rect.hatch-ground width="5" height="5" {}
                            line.hatch-line x1="0" y1="0" x2="0" y2="5" {}
                        }
                        pattern id="hatch-open" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                            line.hatch-open x1="0" y1="0" x2="0" y2="5" {}
                        }
                    }
                    @for step in &scale.steps { line.rule x1="0" x2="100%" y1=(px(HEIGHT - y(*step) - 0.5)) y2=(px(HEIGHT - y(*step) - 0.5)) {} }
                    @for (i, bucket) in series.iter().enumerate() {
                        @let x = i as f64 * width;
                        @let open = bucket.start <= now && bucket.end > now;
                        @let (all, bad) = (y(bucket.calls.calls), y(bucket.calls.failed));
                        a.bucket href=(href(bucket)) aria-label=(bucket_words(bucket, says, open)) {
                            title { (bucket_words(bucket, says, open)) }
                            rect.hit x=(pct(x)) width=(pct(width)) y="0" height=(HEIGHT) {}
                            @if bucket.calls.calls > 0 {
                                rect.col.unfinished[open] x=(pct(x + width * 0.14)) width=(pct(width * 0.72)) y=(px(HEIGHT - all)) height=(px((all - bad).max(0.0))) fill=[open.then_some("url(#hatch-open)")] {}
                                @if bucket.calls.failed > 0 {
                                    rect.failed x=(pct(x + width * 0.14)) width=(pct(width * 0.72)) y=(px(HEIGHT - bad.max(2.0))) height=(px(bad.max(2.0))) fill="url(#hatch-fail)" {}
                                }
                            }
                        }
                    }
                    line.base x1="0" x2="100%" y1=(HEIGHT - 0.5) y2=(HEIGHT - 0.5) {}
                    (flags::draw(over.flags, series, HEIGHT))
                }
            }
            (time_axis(series, now))
            figcaption { (caption) }
            (table(series, over, says))
        }
    }
}

/// Failures per bucket: the same drawing where every call is one.
pub(crate) fn failures(series: &[Bucket], over: &Over<'_>, href: &dyn Fn(&Bucket) -> String) -> Markup {
    bars(series, over, Says::Failures, href)
}

/// Lines of p50 and p95 per bucket; buckets without figures are gaps.
pub(crate) fn latency(series: &[Bucket], over: &Over<'_>) -> Markup {
    let highest = series.iter().filter_map(|b| b.calls.p95_us.or(b.calls.p50_us)).max().unwrap_or(0);
    let scale = nice(highest.div_ceil(1_000));
    let y = |us: u64| HEIGHT - (HEIGHT - TOP) * (us as f64 / 1e3) / scale.top.max(1) as f64;
    let x = |i: usize| 100.0 * (i as f64 + 0.5) / series.len().max(1) as f64;
    let caption =
        "Time per call: median thin, 95th percentile strong. Buckets below 20 calls show the median only.";
    let lines: [(&str, Vec<Option<u64>>); 2] = [
        ("p50", series.iter().map(|b| b.calls.p50_us).collect()),
        ("p95", series.iter().map(|b| b.calls.p95_us).collect()),
    ];
    html! {
        figure.chart {
            div.plot {
                svg.axis width="48" height=(HEIGHT) aria-hidden="true" {
                    @for step in scale.steps.iter().filter(|s| **s > 0) {
                        text x="42" y=(px(y(*step * 1_000) + 4.0)) text-anchor="end" { (axis_ms(*step)) }
                    }
                }
                svg.lines width="100%" height=(HEIGHT) data-n=(series.len()) role="group" aria-label=(caption) {
                    @for step in &scale.steps { line.rule x1="0" x2="100%" y1=(px(y(*step * 1_000) - 0.5)) y2=(px(y(*step * 1_000) - 0.5)) {} }
                    @for (class, values) in &lines {
                        @for (i, pair) in values.windows(2).enumerate() {
                            @if let [Some(a), Some(b)] = pair {
                                line class=(class) x1=(pct(x(i))) y1=(px(y(*a))) x2=(pct(x(i + 1))) y2=(px(y(*b))) {}
                            }
                        }
                        @for (i, value) in values.iter().enumerate() {
                            @if let Some(us) = value {
                                circle class=(class) cx=(pct(x(i))) cy=(px(y(*us))) r="2" { title { (class) " " (format::duration(*us)) ", " (span_words(&series[i])) } }
                            }
                        }
                    }
                    line.base x1="0" x2="100%" y1=(HEIGHT - 0.5) y2=(HEIGHT - 0.5) {}
                    (flags::draw(over.flags, series, HEIGHT))
                }
            }
            (time_axis(series, over.now))
            figcaption { (caption) }
        }
    }
}

/// A sparkline of 80 × 24; the last bucket is drawn hollow where it is still filling.
pub(crate) fn spark(values: &[f64], label: &str) -> Markup {
    let top = values.iter().copied().fold(0.0f64, f64::max);
    let step = 80.0 / values.len().max(1) as f64;
    html! {
        svg.spark width="80" height="24" viewBox="0 0 80 24" role="img" aria-label=(label) {
            line.base x1="0" x2="80" y1="23.5" y2="23.5" {}
            @if top > 0.0 {
                @for (i, v) in values.iter().enumerate() {
                    @let tall = (v / top * 21.0).max(if *v > 0.0 { 1.0 } else { 0.0 });
                    @if tall > 0.0 {
                        rect x=(px(i as f64 * step + step * 0.12)) width=(px((step * 0.76).min(9.0))) y=(px(23.0 - tall)) height=(px(tall)) {}
                    }
                }
            }
        }
    }
}

/// A bar of a share of the largest, for table cells.
pub(crate) fn share_bar(value: u64, of: u64, failed: u64) -> Markup {
    let all = 64.0 * value as f64 / of.max(1) as f64;
    let bad = 64.0 * failed as f64 / of.max(1) as f64;
    html! {
        svg.share width="64" height="8" viewBox="0 0 64 8" aria-hidden="true" {
            rect.all x="0" y="0" width=(px(all.max(if value > 0 { 1.0 } else { 0.0 }))) height="8" {}
            @if failed > 0 { rect.bad x="0" y="0" width=(px(bad.max(2.0))) height="8" {} }
        }
    }
}

fn highest_words(series: &[Bucket], highest: u64) -> String {
    match series.iter().find(|b| b.calls.calls == highest && highest > 0) {
        Some(b) => format!("; at most {}, {}", format::count(highest), span_words(b)),
        None => String::new(),
    }
}

fn bucket_words(bucket: &Bucket, says: Says, open: bool) -> String {
    format!(
        "{}: {}{}",
        span_words(bucket),
        says.words(bucket.calls.calls, bucket.calls.failed),
        if open { ", so far" } else { "" }
    )
}

fn span_words(bucket: &Bucket) -> String {
    if is_day(bucket) { format::day(bucket.start) } else { format::day_clock(bucket.start) }
}

fn is_day(bucket: &Bucket) -> bool {
    bucket.end.since(bucket.start) >= 23 * 3_600 * 1_000_000
}

/// At most seven labels under the plot.
fn time_axis(series: &[Bucket], now: Timestamp) -> Markup {
    let every = series.len().div_ceil(7).max(1);
    let width = 100.0 / series.len().max(1) as f64;
    html! {
        div.plot {
            svg.axis width="48" height="18" aria-hidden="true" {}
            svg.times width="100%" height="18" aria-hidden="true" {
                @for (i, bucket) in series.iter().enumerate().filter(|(i, _)| i % every == 0) {
                    @let x = (i as f64 + 0.5) * width;
                    @let anchor = if x < 4.0 { "start" } else if x > 96.0 { "end" } else { "middle" };
                    @let x = if x < 4.0 { i as f64 * width } else if x > 96.0 { 100.0 } else { x };
                    text x=(pct(x)) y="13" text-anchor=(anchor) {
                        @if is_day(bucket) { (format::day(bucket.start)) } @else { (format::clock(bucket.start)) }
                        @if bucket.start <= now && bucket.end > now { tspan { ", so far" } }
                    }
                }
            }
        }
    }
}

fn table(series: &[Bucket], over: &Over<'_>, says: Says) -> Markup {
    let (all, now) = (says == Says::Calls, over.now);
    html! {
        details.as-table {
            summary { "View as table" }
            div.scroll tabindex="0" role="region" aria-label="Calls per bucket" {
                table.data {
                    caption.sr { "Calls and failures per bucket" }
                    thead { tr { th scope="col" { "From" } @if all { th.num scope="col" { "Calls" } } th.num scope="col" { "Failed" } @if all { th.num scope="col" { "p50" } th.num scope="col" { "p95" } } } }
                    tbody { @for b in series { tr {
                        th scope="row" { (format::time(b.start, &format::day_clock(b.start))) @if b.start <= now && b.end > now { span.dim { " so far" } } }
                        @if all { td.num { (format::separated(b.calls.calls)) } }
                        td.num { (format::separated(b.calls.failed)) }
                        @if all {
                        td.num { @match b.calls.p50_us { Some(us) => (format::duration(us)), None => (format::unknown("no timed call")) } }
                        td.num { @match b.calls.p95_us { Some(us) => (format::duration(us)), None => (format::unknown("fewer than 20 timed calls")) } }
                        }
                    } } }
                }
                (flags::table(over.flags))
            }
        }
    }
}

fn axis_ms(ms: u64) -> String {
    if ms >= 1_000 { format!("{} s", trim(ms as f64 / 1e3)) } else { format!("{ms} ms") }
}

fn trim(v: f64) -> String {
    let text = format!("{v:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// An axis from 0.
pub(super) struct Scale {
    /// Where it ends.
    pub(super) top: u64,
    /// At most five, ascending, from 0.
    pub(super) steps: Vec<u64>,
}

/// Round steps up to the highest value.
pub(super) fn nice(highest: u64) -> Scale {
    let mut step = 1u64;
    for factor in [2u64, 5, 10].into_iter().cycle() {
        if step.saturating_mul(4) >= highest {
            break;
        }
        let decade = 10u64.pow(step.ilog10());
        step = decade.saturating_mul(match (factor, step / decade) {
            (_, 1) => 2,
            (_, 2) => 5,
            _ => 10,
        });
    }
    let count = highest.div_ceil(step).clamp(1, 4);
    Scale { top: step * count, steps: (0..=count).map(|i| i * step).collect() }
}

fn px(v: f64) -> String {
    let text = format!("{v:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn pct(v: f64) -> String {
    format!("{v:.3}%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use trackway_store::query::CallFigures;

    fn bucket(i: i64, calls: u64, failed: u64) -> Bucket {
        let start = Timestamp::from_millis(1_767_312_000_000 + i * 3_600_000);
        Bucket {
            start,
            end: start.plus_micros(3_600_000_000),
            sessions: 1,
            calls: CallFigures {
                calls,
                failed,
                finished: calls,
                p50_us: (calls > 0).then_some(80_000),
                ..CallFigures::default()
            },
        }
    }

    #[test]
    fn steps_are_round_and_few() {
        for (highest, top, steps) in [
            (0, 1, 2),
            (1, 1, 2),
            (3, 3, 4),
            (4, 4, 5),
            (7, 8, 5),
            (37, 40, 5),
            (99, 100, 3),
            (1_284, 1_500, 4),
        ] {
            let scale = nice(highest);
            assert_eq!((scale.top, scale.steps.len()), (top, steps), "{highest}: {:?}", scale.steps);
        }
        assert!(nice(u64::MAX / 8).top > 0);
    }

    #[test]
    fn failures_are_hatched_and_the_open_bucket_is_marked() {
        let series = [bucket(0, 10, 2), bucket(1, 0, 0), bucket(2, 4, 0)];
        let now = series[2].start.plus_micros(60_000_000);
        let svg = calls_and_failures(&series, &Over { now, flags: &[] }, &|_| "/p/x".into()).into_string();
        assert_eq!(svg.matches("class=\"failed\"").count(), 1);
        assert!(svg.contains("14 calls, 2 failed") && svg.contains("so far"));
        assert_eq!(svg.matches("col unfinished").count(), 1);
        assert_eq!(svg.matches("class=\"col").count(), 2, "an empty bucket is a gap");
        assert!(!svg.contains("style="));
        let lines = latency(&series, &Over { now, flags: &[] }).into_string();
        assert_eq!(lines.matches("<line class=\"p50\"").count(), 0, "no line over a gap");
    }
}
