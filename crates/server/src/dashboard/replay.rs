//! Session replay (`dashboard.md` §7.4, the detail): the track, the steps in time, and one step in full beside them.
//!
//! Every step is a link (`sel=`), so that back, forward and a pasted link work without script; htmx only swaps the detail.

use std::collections::BTreeMap;

use maud::{Markup, html};
use trackway_event::Timestamp;
use trackway_store::query::{
    Ending, EventDetail, EventRow, SessionBefore, SessionRow, ShownDefinition, WholeCall, Window,
};

use super::icons::{Icon, icon};
use super::json_tree::{Change, Json};
use super::link::{self, Params};
use super::place::Place;
use super::rounds::{self, Calls};
use super::steps::{self, Folded, Listings, Try};
use super::track::{self, Along, Rail, Track};
use super::{detail, format, hostile, joined, parts, stitched};

/// A longer pause between two steps is named, µs.
const PAUSE_US: i64 = 60_000_000;

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// The session.
    pub session: SessionRow,
    /// Whether the reader may part and join sessions.
    pub may_change: bool,
    /// Sessions it could be joined with by hand.
    pub before: Vec<SessionBefore>,
    /// Other sessions that the client takes for the same conversation.
    pub siblings: Vec<SessionRow>,
    /// The id that was asked for, where it was merged into this session.
    pub merged_id: Option<String>,
    /// Its events, at most one page.
    pub rows: Vec<EventRow>,
    /// Those of its calls that are more than one request, by their first.
    pub calls: Calls,
    /// Cursor of the next page.
    pub next: Option<String>,
    /// Where the pages begin, of a session with several.
    pub windows: Vec<Window>,
    /// The definition that the selected call was made by.
    pub definition: Option<ShownDefinition>,
    /// What is missing, in words.
    pub partial: Option<String>,
    /// The step in full.
    pub selected: Option<EventDetail>,
    /// Changes of the arguments against the try before, by row.
    pub diffs: BTreeMap<usize, Vec<Change>>,
    /// The list it was opened from.
    pub beside: Beside,
}

/// The list that a session was opened from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    /// Its first rows.
    pub rows: Vec<SessionRow>,
    /// Where the session is among them.
    pub at: Option<usize>,
    /// Whether the list goes on.
    pub more: bool,
}

/// Sessions of the list shown beside a replay, around the one that is open.
const NEIGHBOURS: usize = 24;
/// A session is open for so long after its last event, µs.
const OPEN_US: i64 = trackway_event::limits::SESSION_QUIET.as_micros() as i64;
/// Calls of one tool in a row that are folded from this many on.
const BURST: usize = 4;

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let listings = if place.params.shows("listings") { Listings::Shown } else { Listings::Hidden };
    let selected = vm.selected.as_ref().map(|d| d.row.id.as_str());
    let shown = steps::shown(&vm.rows, listings, selected);
    let tries = steps::tries(&vm.rows);
    html! {
        (heading(vm, place))
        @if let Some(id) = &vm.merged_id {
            p.strip.info data-testid="merged" { (icon(Icon::Info)) span { span.mono { (hostile::line(id, 60)) } " was merged into " span.mono { (hostile::line(vm.session.id.as_str(), 60)) } "; you see the whole." } }
        }
        (joined::notes(&vm.session, vm.may_change, place))
        (joined::siblings(&vm.siblings, place))
        (parts::partial(vm.partial.as_deref()))
        (stitched::windows(&vm.windows, &vm.rows, &vm.session, place))
        (rail(vm, &shown, selected, place))
        div.replay.listed[vm.beside.at.is_some()] {
            (playlist(vm, place))
            (timeline(vm, &shown, &tries, selected, place))
            aside #detail.panel.detail aria-label="The selected step" data-testid="detail" {
                @match &vm.selected {
                    Some(step) => (detail_of(vm, step, &shown, place)),
                    None => p.quiet { "Choose a step to see its intent, arguments and result." },
                }
            }
        }
    }
}

/// The detail alone, for stepping.
pub(crate) fn fragment(vm: &Vm, place: &Place<'_>) -> Markup {
    let listings = if place.params.shows("listings") { Listings::Shown } else { Listings::Hidden };
    let shown = steps::shown(&vm.rows, listings, vm.selected.as_ref().map(|d| d.row.id.as_str()));
    html! { @match &vm.selected {
        Some(step) => (detail_of(vm, step, &shown, place)),
        None => p.quiet { "This step is not in the session any more." },
    } }
}

fn detail_of(vm: &Vm, step: &EventDetail, shown: &[usize], place: &Place<'_>) -> Markup {
    let at = shown.iter().position(|i| vm.rows.get(*i).is_some_and(|r| r.id == step.row.id));
    let row = at.and_then(|a| shown.get(a)).copied();
    let to = |n: Option<usize>| {
        n.and_then(|n| shown.get(n)).and_then(|i| vm.rows.get(*i)).map(|r| select(r, place))
    };
    detail::view(&detail::Vm {
        step,
        offset_us: Some(step.row.started_at.since(vm.session.started_at)),
        number: at.map(|a| (a + 1, shown.len())),
        previous: to(at.and_then(|a| a.checked_sub(1))),
        next: to(at.map(|a| a + 1)),
        diff: row.and_then(|r| vm.diffs.get(&r)),
        definition: vm.definition.as_ref(),
        may_split: vm.may_change && step.row.started_at > vm.session.started_at,
        project: place.project,
    })
}

/// Address of another session of the list, with the list's keys.
fn neighbour(row: &SessionRow, place: &Place<'_>) -> String {
    format!("{}{}", link::session(place.project, row.id.as_str()), place.params.listed().query())
}

/// Where the session stands in its list, and the ones before and after it.
fn turning(vm: &Vm, place: &Place<'_>) -> Markup {
    let Beside { rows, at: Some(at), more } = &vm.beside else { return html! {} };
    let turn = |to: Option<&SessionRow>, sign: Icon, key: &str, words: &str| {
        html! { @match to {
            Some(row) => a.quiet href=(neighbour(row, place)) data-key=(key) title=(words) data-testid=(if key == "[" { "previous-session" } else { "next-session" }) { (icon(sign)) span.sr { (words) } },
            None => span.off aria-hidden="true" { (icon(sign)) },
        } }
    };
    html! {
        nav.turning aria-label="Sessions of the list" {
            (turn(at.checked_sub(1).and_then(|i| rows.get(i)), Icon::Back, "[", "Previous session of the list"))
            span.dim { (at + 1) " of " (rows.len()) @if *more { "+" } }
            (turn(rows.get(at + 1), Icon::Next, "]", "Next session of the list"))
        }
    }
}

/// The list itself, around the open session.
fn playlist(vm: &Vm, place: &Place<'_>) -> Markup {
    let Some(at) = vm.beside.at else { return html! {} };
    let first = at.saturating_sub(NEIGHBOURS / 2);
    html! {
        nav.panel.flush.playlist aria-label="The list" data-testid="playlist" {
            h2 { "Sessions" (turning(vm, place)) }
            ol { @for (i, row) in vm.beside.rows.iter().enumerate().skip(first).take(NEIGHBOURS) {
                li { a href=(neighbour(row, place)) aria-current=[(i == at).then_some("page")] {
                    span.when { (format::row_time(row.started_at, place.now)) }
                    span.n { @if row.errors > 0 { span.bad { (format::count(row.errors)) span.sr { " failed of " } "/" } } (format::count(row.tool_calls)) span.sr { " calls" } }
                    span.who { @match (&row.actor, &row.client) {
                        (Some(actor), _) => (hostile::line(actor.name.as_deref().filter(|n| !n.trim().is_empty()).unwrap_or(actor.id.as_str()), 24)),
                        (None, Some(client)) => span.dim { (hostile::line(&client.name, 24)) },
                        (None, None) => span.dim { "anonymous" },
                    } }
                } }
            } }
        }
    }
}

/// The link to a step.
fn select(row: &EventRow, place: &Place<'_>) -> String {
    let params = Params { sel: Some(row.id.as_str().to_owned()), ..place.params.clone() };
    format!("{}{}", place.path, params.query())
}

fn heading(vm: &Vm, place: &Place<'_>) -> Markup {
    let s = &vm.session;
    let sessions = link::path(place.project, "sessions");
    let filter =
        |field: &str, value: &str| format!("{sessions}{}", Params::default().and(field, "eq", value).query());
    html! {
        p.lede data-testid="lede" {
            @match &s.actor { Some(_) => (parts::person(s.actor.as_ref(), s.id.as_str(), &|v| filter("person", v))), None => "Somebody anonymous" }
            @if s.actors > 1 { " and " (format::counted(u64::from(s.actors) - 1, "other", "others")) }
            " made " b { (format::counted(s.tool_calls, "call", "calls")) }
            @if s.client.is_some() { " through " (parts::peer(s.client.as_ref(), &|v| filter("client", v))) }
            @if s.duration_us() > 0 { " in " b { (format::span(s.duration_us())) } }
            @if s.errors > 0 { "; " b.bad { (format::count(s.errors)) " failed" } }
            @if s.missing_reports > 0 { "; asked for a tool that is not there" }
            ". " (ending_words(s, place.now))
        }
        @if !s.why.is_empty() {
            p.facts data-testid="why" { @for why in &s.why { span.tag.warn { (hostile::line(&why.to_string(), 120)) } } }
        }
        div.facts {
            @if s.attempts.chains > 0 { span title="attempts: calls of one thing that belong together" { (format::count(s.attempts.first)) " of " (format::counted(s.attempts.chains, "attempt", "attempts")) " solved at first try" } }
            @if let Some(first) = s.first_success.filter(|f| f.call > 1) { span { "first success on call " (first.call) ", after " (format::span(i64::try_from(first.after_us).unwrap_or(i64::MAX))) } }
            (stitched::view(s, &vm.rows, &vm.before, place))
            span { (format::time(s.started_at, &format::full(s.started_at))) }
            @if let Some(server) = &s.server { span { "server " (parts::peer_text(server)) } }
            @if let Some(sdk) = &s.sdk { span { "recorded by " (parts::peer_text(sdk)) } }
            @if let Some(v) = &s.protocol_version { span { "MCP " (hostile::line(v, 20)) } }
            span.mono { (hostile::line(s.id.as_str(), 64)) }
        }
    }
}

fn ending_words(s: &SessionRow, now: Timestamp) -> Markup {
    html! { @match s.ending {
        None if s.tool_calls == 0 => "No tool was called.",
        None => { span.st.open { (icon(Icon::Open)) "open" } ", last call " (format::time(s.last_event_at, &format::ago(s.last_event_at, now))) "." },
        Some(Ending::Idle) => "No tool was called.",
        Some(Ending::Done) => "Every attempt was solved.",
        Some(Ending::Partial) => { "It ended " (parts::ending(s)) ": some attempts were not solved." },
        Some(Ending::Failed) => { "It ended " (parts::ending(s)) ": the last attempt was not solved." },
        Some(Ending::Stuck) => { "It got " (parts::ending(s)) "." },
    } }
}

fn rail(vm: &Vm, shown: &[usize], selected: Option<&str>, place: &Place<'_>) -> Markup {
    let marks = steps::marks(&vm.rows, shown);
    let rows: Vec<&EventRow> = shown.iter().filter_map(|i| vm.rows.get(*i)).collect();
    let hrefs: Vec<Option<String>> = rows.iter().map(|r| Some(select(r, place))).collect();
    let here = rows.iter().position(|r| Some(r.id.as_str()) == selected);
    let along = if place.params.shows("gaps") { Along::Time } else { Along::Order };
    let s = &vm.session;
    let rail = if s.ending.is_none() && s.tool_calls > 0 { Rail::Open } else { Rail::Ended };
    let end = s.ending.map_or("still open".to_owned(), |e| format!("ended {}", e.as_str()));
    let track = Track {
        marks: &marks,
        omitted: 0,
        rail,
        label: track::label(s.tool_calls, s.errors, s.missing_reports, &end),
    };
    let toggle = |what: &str| format!("{}{}", place.path, place.params.toggled(what).query());
    let hidden = vm.rows.iter().filter(|r| steps::is_listing(r.kind)).count() as u64;
    html! {
        section.panel.railbox aria-label="Track" {
            (track::wide(&track, along, &hrefs, here))
            div.tools {
                a.quiet data-key="t" href=(toggle("gaps")) { @if along == Along::Time { "By order" } @else { "By time" } }
                @if hidden > 0 { a.quiet data-key="h" href=(toggle("listings")) { @if place.params.shows("listings") { "Hide " } @else { "Show " } (format::counted(hidden, "listing", "listings")) } }
                @if steps::folds(&vm.rows, shown) { a.quiet href=(toggle("retries")) { @if place.params.shows("retries") { "Fold retries" } @else { "Unfold retries" } } }
                span.grow {}
                // at the end, so that nothing moves when script shows them
                button.quiet data-copy-link="" hidden { (icon(Icon::Copy)) "Copy link" }
                button #speed.quiet.js-only hidden title="Speed of playing" { "1×" }
                button #play.quiet hidden { (icon(Icon::Play)) span { "Play" } }
                span.dim { kbd { "←" } kbd { "→" } " step  " kbd { "n" } " next failure" }
            }
        }
    }
}

fn timeline(
    vm: &Vm,
    shown: &[usize],
    tries: &BTreeMap<usize, Try>,
    selected: Option<&str>,
    place: &Place<'_>,
) -> Markup {
    let start = vm.session.started_at;
    let mut last: Option<Timestamp> = None;
    html! {
        section.panel.flush.timeline aria-label="Steps" {
            ol #steps data-feed=[growing(vm, place)] {
                @for run in steps::runs(&vm.rows, shown, tries, BURST) {
                    @let folded = run.sort;
                    @let run = run.rows;
                    @let rows: Vec<(usize, &EventRow)> = run.iter().filter_map(|i| Some((*i, vm.rows.get(*i)?))).collect();
                    @if let Some((_, first)) = rows.first() {
                        @let pause = last.map(|l| first.started_at.since(l)).filter(|us| *us > PAUSE_US);
                        @if let Some(us) = pause { li.pause aria-label="pause" { span { (format::span(us)) " later" } } }
                        @let each = html! { @for (i, row) in &rows { (step(row, start, tries.get(i), vm.diffs.get(i), vm.calls.get(row.id.as_str()), Some(row.id.as_str()) == selected, place)) } };
                        @let here = rows.iter().any(|(_, r)| Some(r.id.as_str()) == selected);
                        @if folded == Folded::Chain {
                            @let open = here || place.params.shows("retries");
                            (chain(&rows, tries, &vm.diffs, (start, open), each))
                        } @else if rows.len() == 1 { (each) } @else {
                            li.burst data-testid="burst" { details open[here] {
                                summary { span.at { (offset(first.started_at.since(start))) } span.sign { (icon(Icon::Call)) }
                                    span.what { span.name { (parts::subject(first)) " × " (rows.len()) } span.intent { "one after the other, all worked" } }
                                    span.took { (format::duration(rows.iter().filter_map(|(_, r)| r.duration_us).sum())) } }
                                ol { (each) }
                            } }
                        }
                    }
                    @let _ = rows.last().map(|(_, row)| last.replace(row.started_at));
                }
                @match (&vm.next, vm.session.ending) {
                    (Some(next), _) => li.end { a.button href=(format!("{}{}", place.path, Params { after: Some(next.clone()), sel: None, ..place.params.clone() }.query())) { "Next " (format::count(vm.rows.len() as u64)) " steps" } },
                    (None, None) => li.end { span.st.open { (icon(Icon::Open)) "still open" } },
                    (None, Some(_)) => li.end { span.dim { "end, quiet for 30 min" } },
                }
            }
            @if vm.session.tool_calls == 1 && vm.session.actor.is_none() {
                p.note { "Only one call: it is anonymous, and nothing joins it to others. Name the user (wrap --identify-arg, or the SDK's identify option) and calls of one person are stitched." }
            }
        }
    }
}

/// Tries that belong together, as one line: what became of them, and what the last one changed.
fn chain(
    rows: &[(usize, &EventRow)],
    tries: &BTreeMap<usize, Try>,
    diffs: &BTreeMap<usize, Vec<Change>>,
    (start, open): (Timestamp, bool),
    each: Markup,
) -> Markup {
    let (Some((_, first)), Some((last, _))) = (rows.first(), rows.last()) else { return each };
    let solved = tries.get(last).is_some_and(|t| t.solved);
    html! {
        li.burst.chain data-testid="chain" { details open[open] {
            summary {
                span.at { (offset(first.started_at.since(start))) }
                span.sign.fail[!solved] { (icon(if solved { Icon::Retry } else { Icon::Fail })) }
                span.what {
                    span.name { (parts::subject(first)) " " span.tag { (rows.len()) " tries" } }
                    span.try {
                        @if let Some(changes) = diffs.get(last) { (diff_words(changes)) }
                        span.verdict.good[solved] { @if solved { "solved" } @else { "not solved" } }
                    }
                    @if let Some(intent) = first.intent.as_deref() { span.intent { "“" (hostile::line(intent, 130)) "”" } }
                }
                span.took { (format::duration(rows.iter().filter_map(|(_, r)| r.duration_us).sum())) }
            }
            ol { (each) }
        } }
    }
}

/// The live feed of a session that may go on: only of what is drawn as one page.
fn growing(vm: &Vm, place: &Place<'_>) -> Option<String> {
    let s = &vm.session;
    (s.ending.is_none() && vm.next.is_none() && place.now.since(s.last_event_at) < OPEN_US).then(|| {
        let query = Params::default().and("session", "eq", s.id.as_str()).query();
        format!("/api/v1/projects/{}/live{query}", link::encode(place.project))
    })
}

fn step(
    row: &EventRow,
    start: Timestamp,
    attempt: Option<&Try>,
    diff: Option<&Vec<Change>>,
    call: Option<&WholeCall>,
    here: bool,
    place: &Place<'_>,
) -> Markup {
    let href = select(row, place);
    let failed = steps::is_failure(row);
    let retry = attempt.filter(|t| t.number > 1);
    html! {
        li.step.failed[failed].retry[retry.is_some()].here[here] data-testid="step" data-failed[failed] {
            a href=(href) hx-get=(href) hx-target="#detail" hx-swap="innerHTML" aria-current=[here.then_some("step")] data-id=(row.id.as_str()) data-at=(row.started_at.since(start) / 1_000) {
                span.at { (offset(row.started_at.since(start))) }
                span.sign.fail[failed].dim[steps::is_listing(row.kind)] { (icon(if retry.is_some() && !failed { Icon::Retry } else { parts::mark(row) })) }
                span.what {
                    span.name { (parts::subject(row)) (parts::status(row.status.filter(|s| !s.finished()))) @if let Some(call) = call { (rounds::tag(call)) } @if failed { span.sr { " failed" } } }
                    (words(row, attempt, diff, failed))
                }
                span.took { @if let Some(us) = row.duration_us { (format::duration(us)) } }
            }
        }
    }
}

fn words(row: &EventRow, attempt: Option<&Try>, diff: Option<&Vec<Change>>, failed: bool) -> Markup {
    html! {
        @if let Some(t) = attempt.filter(|t| t.number > 1) {
            span.try {
                @if t.switched { "switched tool" } @else { "retry " (t.number - 1) " of " (t.of - 1) }
                @if let Some(changes) = diff { @if !t.switched { (diff_words(changes)) } }
                @if t.number == t.of { span.verdict.good[t.solved] { @if t.solved { "solved" } @else { "not solved" } } }
            }
        }
        @if failed {
            @if let Some(error) = &row.error { span.error { (hostile::line(&error.message, 130)) } }
        }
        @if let Some(intent) = row.intent.as_deref().filter(|_| attempt.is_none_or(|t| t.number == 1)) {
            span.intent { "“" (hostile::line(intent, 130)) "”" }
        }
    }
}

/// At most two changes of the arguments, in a line.
fn diff_words(changes: &[Change]) -> Markup {
    html! {
        @if changes.is_empty() { span.diff { "same arguments" } }
        @for change in changes.iter().take(2) { (change_words(change, 24)) }
        @if changes.len() > 2 { span.diff { "and " (changes.len() - 2) " more" } }
    }
}

/// One change: `+ run_id 4411`, `− page`, `date "tomorrow" → "2026-11-22"`.
pub(crate) fn change_words(change: &Change, limit: usize) -> Markup {
    let name = |path: &str| html! { (hostile::line(if path.is_empty() { "arguments" } else { path }, 40)) };
    let short = |v: &Json| v.short(limit);
    html! { @match change {
        Change::Added(path, value) => span.diff { "+ " b { (name(path)) } " " (short(value)) },
        Change::Removed(path, _) => span.diff { "− " b { (name(path)) } },
        Change::Changed(path, old, new) => span.diff { b { (name(path)) } " " (short(old)) " " span.to { (icon(Icon::Next)) span.sr { "to" } } " " (short(new)) },
    } }
}

/// `00:03.120` from the start of the session; hours where there are any.
pub(crate) fn offset(us: i64) -> String {
    let ms = us.max(0) / 1_000;
    let (s, m, h) = (ms / 1_000 % 60, ms / 60_000 % 60, ms / 3_600_000);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m:02}:{s:02}.{:03}", ms % 1_000) }
}
