//! The track: a session as a rail with marks, the same drawing in lists and in the replay (F-74, `dashboard.md` §8).
//!
//! A call is a bar whose height is the logarithm of its duration; a failure is full height with a diamond on top. Colour is
//! never the only sign. Called by the overview, the sessions list, the live page and the replay.

use maud::{Markup, html};
use trackway_event::{Kind, Timestamp};
use trackway_store::query::{Mark, TrackUntil};

use super::format;

/// Width and height of the small form.
const LIST: (f64, f64) = (160.0, 20.0);
/// Height of the replay's form.
const REPLAY_HEIGHT: f64 = 48.0;
/// Room of one mark in the small form, where there is enough of it; many marks come closer.
const STEP: f64 = 7.0;
/// Room for "+n".
const MORE: f64 = 30.0;
/// A longer pause breaks the rail, µs.
const GAP_US: i64 = 60_000_000;

/// Everything a drawing needs.
#[derive(Clone, Debug)]
pub(crate) struct Track<'a> {
    /// Marks in order of time.
    pub marks: &'a [Mark],
    /// Marks left out in the middle.
    pub omitted: u64,
    /// Whether the session is still going on.
    pub rail: Rail,
    /// What a screen reader hears.
    pub label: String,
}

/// How the rail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rail {
    /// The session is over.
    Ended,
    /// It may go on.
    Open,
}

/// How the marks of the replay are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Along {
    /// One after the other.
    Order,
    /// By time, so that pauses are seen.
    Time,
}

/// The small form of lists.
pub(crate) fn small(track: &Track<'_>) -> Markup {
    let (width, height) = LIST;
    let mid = height / 2.0;
    let split = (track.omitted > 0).then(|| track.marks.len().saturating_sub(15));
    let gaps = gaps(track.marks);
    // the sign for what is left out keeps its width; marks and pauses share the rest
    let fixed = 10.0 + if split.is_some() { MORE } else { 0.0 };
    let units = track.marks.len() as f64 + 1.5 * gaps.len() as f64;
    let step = ((width - fixed) / units.max(1.0)).clamp(1.0, STEP);
    let mut x = 5.0;
    let mut placed = Vec::with_capacity(track.marks.len());
    let mut breaks = Vec::new();
    let mut more = None;
    for (i, mark) in track.marks.iter().enumerate() {
        if split == Some(i) {
            more = Some(x + MORE / 2.0 - step / 2.0);
            x += MORE;
        } else if gaps.contains(&i) {
            breaks.push(x + step * 0.25);
            x += step * 1.5;
        }
        placed.push((x, mark));
        x += step;
    }
    let end = (x + 2.0).clamp(24.0, width);
    html! {
        svg.track width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(track.label) {
            line.rail x1="0" y1=(mid) x2=(one(end)) y2=(mid) {}
            @if track.rail == Rail::Open { line.rail.open x1=(one(end)) y1=(mid) x2=(one((end + 14.0).min(width))) y2=(mid) {} }
            @for x in breaks { (gap(x, mid)) }
            @if let Some(x) = more { (omitted(x, mid, track.omitted)) }
            @for (x, mark) in placed { (shape(mark, x, height)) }
        }
    }
}

/// The smallest form, of a session so far: few elements, because a page of it has many. `more`: it began before these marks.
pub(crate) fn so_far(until: &TrackUntil) -> Markup {
    let height = LIST.1;
    let mid = height / 2.0;
    let room = 7.0;
    // Dashed where it began before these marks.
    let start = if until.more { 8.0 } else { 4.0 };
    let (mut calls, mut failures, mut rest) = (String::new(), String::new(), Vec::new());
    let mut x = start;
    for mark in &until.marks {
        let failed = mark.status.is_some_and(trackway_event::Status::failed) || mark.kind == Kind::Exception;
        let bar =
            matches!(mark.kind, Kind::ToolCall | Kind::ResourceRead | Kind::PromptGet | Kind::Exception);
        if bar && failed {
            failures.push_str(&format!("M{} 3h3v15h-3zM{} 0l3 3l-3 3l-3 -3z", one(x - 1.5), one(x)));
        } else if bar && mark.status.is_some_and(trackway_event::Status::finished) {
            let tall = bar_height(mark.duration_us);
            calls.push_str(&format!("M{} {}h3v{}h-3z", one(x - 1.5), one(mid - tall / 2.0), one(tall)));
        } else {
            rest.push(shape(mark, x, height));
        }
        x += room;
    }
    let failed = until.marks.iter().filter(|m| m.status.is_some_and(trackway_event::Status::failed)).count();
    let (n, before) = (until.marks.len() as u64, if until.more { "the last of more: " } else { "" });
    let mut label = format!("{before}{}", format::counted(n, "step", "steps"));
    if failed > 0 {
        label.push_str(&format!(", {failed} failed"));
    }
    html! {
        svg.track width="84" height=(height) viewBox=(format!("0 0 84 {height}")) role="img" aria-label=(label) {
            line.rail.open[until.more] x1="0" y1=(mid) x2=(one(x)) y2=(mid) {}
            @if !calls.is_empty() { path.call d=(calls) {} }
            @if !failures.is_empty() { path.fail d=(failures) {} }
            @for mark in rest { (mark) }
        }
    }
}

/// The wide form of the replay; each mark is a link to its step. `hrefs` has one entry per mark.
pub(crate) fn wide(
    track: &Track<'_>,
    along: Along,
    hrefs: &[Option<String>],
    selected: Option<usize>,
) -> Markup {
    let height = REPLAY_HEIGHT;
    let mid = height / 2.0;
    let places = places(track.marks, along);
    let gaps = gaps(track.marks);
    html! {
        svg.track.wide width="100%" height=(height) role="group" aria-label=(track.label) {
            line.rail x1="0" y1=(mid) x2="100%" y2=(mid) {}
            @if track.rail == Rail::Open { line.rail.open.cover x1="97%" y1=(mid) x2="100%" y2=(mid) {} }
            @for (i, x) in places.iter().enumerate() {
                @if gaps.contains(&i) {
                    @let before = places.get(i.wrapping_sub(1)).copied().unwrap_or(0.0);
                    svg x=(pct((x + before) / 2.0)) overflow="visible" { (gap(0.0, mid)) }
                }
            }
            @for (i, (x, mark)) in places.iter().zip(track.marks).enumerate() {
                svg x=(pct(*x)) overflow="visible" data-step=(i) {
                    @if selected == Some(i) { rect.here x="-7" y="1" width="14" height=(height - 2.0) rx="2" {} }
                    @match hrefs.get(i).and_then(Option::as_ref) {
                        Some(href) => a href=(href) tabindex="-1" data-sel=(href) {
                            rect.hit x="-6" y="0" width="12" height=(height) {}
                            title { (words(mark)) }
                            (shape(mark, 0.0, height))
                        },
                        None => { title { (words(mark)) } (shape(mark, 0.0, height)) },
                    }
                }
            }
        }
    }
}

/// "14 calls, 3 failed, asked for a missing tool, ended partial".
pub(crate) fn label(calls: u64, failed: u64, missing: u64, end: &str) -> String {
    let mut text = format::counted(calls, "call", "calls");
    if failed > 0 {
        text.push_str(&format!(", {} failed", format::count(failed)));
    }
    if missing > 0 {
        text.push_str(", asked for a missing tool");
    }
    text.push_str(", ");
    text.push_str(end);
    text
}

/// Shares of the width, 0 to 100.
fn places(marks: &[Mark], along: Along) -> Vec<f64> {
    let n = marks.len().max(1) as f64;
    match along {
        Along::Order => (0..marks.len()).map(|i| 1.5 + 97.0 * (i as f64 + 0.5) / n.max(24.0)).collect(),
        Along::Time => {
            let first = marks.first().map_or(Timestamp::ZERO, |m| m.started_at);
            let length = marks.last().map_or(0, |m| m.started_at.since(first)).max(1) as f64;
            marks.iter().map(|m| 1.5 + 96.0 * m.started_at.since(first) as f64 / length).collect()
        }
    }
}

/// Places of the marks that come after a long pause.
fn gaps(marks: &[Mark]) -> Vec<usize> {
    let ended = |m: &Mark| m.started_at.plus_micros(i64::try_from(m.duration_us.unwrap_or(0)).unwrap_or(0));
    marks
        .windows(2)
        .enumerate()
        .filter_map(|(i, pair)| match pair {
            [a, b] if b.started_at.since(ended(a)) > GAP_US => Some(i + 1),
            _ => None,
        })
        .collect()
}

/// One mark around `x`, in a drawing of this height.
fn shape(mark: &Mark, x: f64, height: f64) -> Markup {
    let mid = height / 2.0;
    let scale = height / 20.0;
    let failed = mark.status.is_some_and(trackway_event::Status::failed);
    match mark.kind {
        Kind::MissingCapability => {
            html! { circle.missing cx=(one(x)) cy=(mid) r=(one(2.6 * scale.min(1.6))) {} }
        }
        Kind::Identify | Kind::Alias | Kind::PersonUpdate | Kind::GroupIdentify => html! {
            path.flag d=(format!("M{} {}v{}h{}v{}h{}", one(x), one(mid), one(-7.0 * scale), one(4.0 * scale), one(3.0 * scale), one(-4.0 * scale))) {}
        },
        Kind::Feedback => html! {
            rect.feedback x=(one(x - 2.0 * scale)) y=(one(mid - 2.0 * scale)) width=(one(4.0 * scale)) height=(one(4.0 * scale)) {}
        },
        Kind::Custom => html! {
            path.custom d=(format!("M{} {}l{} {}h{}z", one(x), one(mid - 3.0 * scale), one(2.4 * scale), one(5.0 * scale), one(-4.8 * scale))) {}
        },
        Kind::ToolsList
        | Kind::Initialize
        | Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::PromptsList
        | Kind::Completion
        | Kind::Protocol
        | Kind::Discover => html! {
            line.listing x1=(one(x)) y1=(one(mid - 2.0 * scale)) x2=(one(x)) y2=(one(mid + 2.0 * scale)) {}
        },
        Kind::ToolCall | Kind::ResourceRead | Kind::PromptGet | Kind::Exception => {
            if failed || mark.kind == Kind::Exception {
                let top = one(3.0 * scale.min(1.5));
                let r = 3.0 * scale.min(1.5);
                html! {
                    rect.fail x=(one(x - 1.5)) y=(top) width="3" height=(one(height - 2.0 * scale - 2.0)) {}
                    path.fail d=(format!("M{} 0l{r} {r}l-{r} {r}l-{r} -{r}z", one(x))) {}
                }
            } else {
                let tall = bar_height(mark.duration_us) * scale;
                let class = if mark.status.is_some_and(trackway_event::Status::finished) {
                    "call"
                } else {
                    "call unfinished"
                };
                html! { rect class=(class) x=(one(x - 1.5)) y=(one(mid - tall / 2.0)) width="3" height=(one(tall)) {} }
            }
        }
    }
}

/// 6 to 16 px for 1 ms to 60 s.
fn bar_height(duration_us: Option<u64>) -> f64 {
    let ms = duration_us.unwrap_or(0) as f64 / 1e3;
    let share = ms.clamp(1.0, 60_000.0).ln() / 60_000f64.ln();
    6.0 + 10.0 * share
}

fn gap(x: f64, mid: f64) -> Markup {
    html! {
        rect.gap-clear x=(one(x - 3.0)) y=(one(mid - 1.0)) width="6" height="2" {}
        path.gap d=(format!("M{} {}l3 -8M{} {}l3 -8", one(x - 3.5), one(mid + 4.0), one(x + 0.5), one(mid + 4.0))) {}
    }
}

fn omitted(x: f64, mid: f64, n: u64) -> Markup {
    html! {
        rect.gap-clear x=(one(x - 12.0)) y=(one(mid - 6.0)) width="24" height="12" {}
        text.more x=(one(x)) y=(one(mid + 3.5)) text-anchor="middle" { "+" (format::count(n)) }
    }
}

/// What a mark is, in words.
pub(crate) fn words(mark: &Mark) -> String {
    let mut text = kind_words(mark.kind).to_owned();
    if let Some(status) = mark.status {
        text.push_str(", ");
        text.push_str(&status.as_str().replace('_', " "));
    }
    if let Some(us) = mark.duration_us {
        text.push_str(", ");
        text.push_str(&format::duration(us));
    }
    text
}

/// A kind for the reader.
pub(crate) const fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::ToolCall => "tool call",
        Kind::ToolsList => "tool listing",
        Kind::Initialize => "handshake",
        Kind::ResourceRead => "resource read",
        Kind::ResourcesList => "resource listing",
        Kind::ResourceTemplatesList => "resource template listing",
        Kind::PromptGet => "prompt",
        Kind::PromptsList => "prompt listing",
        Kind::Completion => "completion",
        Kind::Identify => "identified",
        Kind::MissingCapability => "asked for a missing tool",
        Kind::Feedback => "feedback",
        Kind::Exception => "exception",
        Kind::Custom => "custom event",
        Kind::Protocol => "protocol message",
        Kind::Alias => "second id",
        Kind::GroupIdentify => "group identified",
        Kind::PersonUpdate => "person updated",
        Kind::Discover => "server discovery",
    }
}

fn one(v: f64) -> String {
    let text = format!("{v:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn pct(v: f64) -> String {
    format!("{v:.2}%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use trackway_event::Status;

    fn mark(kind: Kind, status: Status, at_s: i64) -> Mark {
        Mark {
            kind,
            status: Some(status),
            started_at: Timestamp::from_millis(1_767_323_045_000 + at_s * 1_000),
            duration_us: Some(200_000),
        }
    }

    fn draw(marks: &[Mark], omitted: u64, rail: Rail) -> String {
        small(&Track { marks, omitted, rail, label: label(3, 1, 1, "ended partial") }).into_string()
    }

    #[test]
    fn each_fact_has_its_own_mark() {
        let marks = [
            mark(Kind::ToolCall, Status::Ok, 0),
            mark(Kind::ToolCall, Status::ToolError, 1),
            mark(Kind::MissingCapability, Status::Ok, 2),
            mark(Kind::Identify, Status::Ok, 3),
            mark(Kind::Custom, Status::Ok, 100),
            mark(Kind::ToolCall, Status::Timeout, 101),
        ];
        let svg = draw(&marks, 0, Rail::Open);
        for part in [
            "class=\"call\"",
            "class=\"fail\"",
            "class=\"missing\"",
            "class=\"flag\"",
            "class=\"custom\"",
            "class=\"gap\"",
            "unfinished",
            "rail open",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert!(svg.contains("3 calls, 1 failed, asked for a missing tool, ended partial"));
        assert!(!draw(&marks[..2], 0, Rail::Ended).contains("rail open"));
    }

    #[test]
    fn a_long_track_stays_within_its_width() {
        let marks: Vec<Mark> = (0..35).map(|i| mark(Kind::ToolCall, Status::Ok, i * 120)).collect();
        let svg = draw(&marks, 165, Rail::Ended);
        assert!(svg.contains("+165"));
        for x in svg.split(" x=\"").skip(1).filter_map(|s| s.split('"').next()?.parse::<f64>().ok()) {
            assert!((-4.0..=LIST.0 - 3.0).contains(&x), "{x}");
        }
    }

    #[test]
    fn bars_grow_with_the_logarithm() {
        assert_eq!(bar_height(Some(0)), 6.0);
        assert_eq!(bar_height(Some(60_000_000)), 16.0);
        assert!(bar_height(Some(1_000_000)) < 16.0 && bar_height(Some(1_000_000)) > 10.0);
    }
}
