//! Live (`dashboard.md` §7.3): what is happening now, newest on top.
//!
//! The page holds the newest rows and works without script. With script, the live feed only says that there is more: the new
//! rows themselves are fetched from [`rows`], so that there is one drawing and one escaping.

use std::collections::HashMap;

use maud::{Markup, html};
use trackway_event::Timestamp;
use trackway_store::Quarantined;
use trackway_store::query::{EventRow, TrackUntil};

use super::icons::{Icon, icon};
use super::link::{self, Params};
use super::place::Place;
use super::{format, hostile, parts, steps, track};

/// Lines shown, so that a page stays far below 3,000 elements; `app.js` keeps as many.
pub(crate) const SHOWN: usize = 60;
/// Rows whose tracks are read: more than are shown, because a busy second is one line.
pub(crate) const TRACKS: usize = 200;
/// Marks of a track here.
pub(crate) const MARKS: usize = 10;
/// Rows of a second beyond which they are folded.
const BURST: usize = 20;

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// Newest events first.
    pub rows: Vec<EventRow>,
    /// The track of each row's session up to it, by commit sequence.
    pub tracks: HashMap<u64, TrackUntil>,
    /// Refused bodies that named this project or none, newest first.
    pub refused: Vec<Quarantined>,
    /// The highest commit sequence seen.
    pub seq: u64,
    /// What is missing of the rows, in words.
    pub partial: Option<String>,
    /// Newest event of the project.
    pub last_event_at: Option<Timestamp>,
}

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let query = Params { show: place.params.show.clone(), ..place.params.carried() }.query();
    let feed = format!("/api/v1/projects/{}/live{query}", link::encode(place.project));
    let more = format!("{}/rows{query}", place.path);
    html! {
        p.lede data-testid="lede" {
            @match vm.last_event_at {
                Some(at) => { "Newest event " (format::time(at, &format::ago(at, place.now))) ". " span.js-only hidden { "Listening since " (format::clock(place.now)) ". " } span #rate {} },
                None => "Listening. No event has arrived yet.",
            }
        }
        div.livebar {
            button #follow.button hidden aria-pressed="true" { (icon(Icon::Pause)) span { "Pause" } }
            button #fresh.button hidden { "0 new" }
            @if place.params.shows("bursts") { a.button href=(format!("{}{}", place.path, place.params.toggled("bursts").query())) { "Fold bursts" } }
            span.dim.js-only hidden { kbd { "Space" } " pauses; so does pointing at a row" }
            a.button.no-js href=(format!("{}{}", place.path, place.params.query())) { "Refresh" }
        }
        (parts::partial(vm.partial.as_deref()))
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label="Events" {
                table.data.live {
                    caption.sr { "Newest events" }
                    colgroup { col.w-when; col.w-sign; col.w-what; col.w-who; col.w-who; col; col.w-num; col.w-num; col.w-id; }
                    thead { tr { th scope="col" { "Time" } th scope="col" { span.sr { "Status" } } th scope="col" { "Tool or method" } th scope="col" { "Client" } th scope="col" { "Person" } th scope="col" { "Intent or error" } th.num scope="col" { "Took" } th.num scope="col" { "Out" } th scope="col" { "Session" } } }
                    tbody #feed data-feed=(feed) data-more=(more) data-seq=(vm.seq) data-kept=(SHOWN) { (rows(vm, place)) }
                }
            }
        }
        @if vm.rows.is_empty() && vm.refused.is_empty() {
            @let empty = parts::why_empty(place.params, vm.last_event_at, Timestamp::ZERO);
            (parts::empty(&empty, "Every call an agent makes appears here within half a second.", place.project, place.path, place.params))
        }
    }
}

/// The rows alone, for what came since: at most [`SHOWN`], the newest.
pub(crate) fn rows(vm: &Vm, place: &Place<'_>) -> Markup {
    let folding = if place.params.shows("bursts") { Folding::Off } else { Folding::On };
    let mut refused = vm.refused.iter().take(SHOWN / 2).peekable();
    let room = SHOWN - refused.len();
    html! {
        @for line in folded(&vm.rows, folding).iter().take(room) {
            @while let Some(q) = refused.next_if(|q| q.at > line.newest.started_at) { (refused_row(q, place)) }
            @if line.rows == 1 { (event_row(line.newest, vm.tracks.get(&line.newest.seq), place)) } @else { (burst_row(line, place)) }
        }
        @for q in refused { (refused_row(q, place)) }
    }
}

/// Whether bursts are folded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folding {
    On,
    Off,
}

/// One line of the page: an event, or what a second saw of one tool.
struct Line<'a> {
    newest: &'a EventRow,
    seq: u64,
    rows: u64,
    failed: u64,
}

/// What tells the lines of one second apart.
type Subject<'a> = (trackway_event::Kind, &'a str);

fn subject(row: &EventRow) -> Subject<'_> {
    (row.kind, row.tool.as_deref().or(row.resource.as_deref()).unwrap_or(&row.name))
}

/// The lines of these rows, newest first. A second of more than [`BURST`] rows is one line per tool (`dashboard.md` §7.3).
fn folded(rows: &[EventRow], folding: Folding) -> Vec<Line<'_>> {
    let second = |row: &EventRow| row.started_at.micros().div_euclid(1_000_000);
    let mut busy: HashMap<i64, usize> = HashMap::new();
    for row in rows {
        *busy.entry(second(row)).or_default() += 1;
    }
    busy.retain(|_, n| *n > BURST && folding == Folding::On);
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut places: HashMap<(i64, Subject<'_>), usize> = HashMap::new();
    for row in rows {
        let failed = u64::from(steps::is_failure(row));
        let place = busy.contains_key(&second(row)).then(|| (second(row), subject(row)));
        match place.as_ref().and_then(|p| places.get(p)).and_then(|at| lines.get_mut(*at)) {
            Some(line) => {
                line.rows += 1;
                line.failed += failed;
                line.seq = line.seq.max(row.seq);
            }
            None => {
                places.extend(place.map(|p| (p, lines.len())));
                lines.push(Line { newest: row, seq: row.seq, rows: 1, failed });
            }
        }
    }
    lines
}

fn burst_row(line: &Line<'_>, place: &Place<'_>) -> Markup {
    let row = line.newest;
    let open =
        format!("{}{}", place.path, Params { show: Some("bursts".into()), ..place.params.clone() }.query());
    let second = row.started_at.micros().div_euclid(1_000_000);
    let key = format!("b{second} {} {}", row.kind.as_str(), subject(row).1);
    html! {
        tr.burst.failed[line.failed > 0] data-seq=(line.seq) data-key=(key) data-n=(line.rows) data-testid="burst-row" {
            th.when scope="row" { (format::time(row.started_at, &format::clock_ms(row.started_at))) }
            td {}
            td.what data-label="What" { (parts::subject(row)) " " b data-count="" { "× " (line.rows) } }
            td colspan="6" data-label="Words" { "in this second"
                @if line.failed > 0 { ", " span.bad { (line.failed) " failed" } } ", "
                a href=(open) { "show each" } }
        }
    }
}

fn event_row(row: &EventRow, until: Option<&TrackUntil>, place: &Place<'_>) -> Markup {
    let filter =
        |field: &str, value: &str| format!("{}{}", place.path, place.params.and(field, "eq", value).query());
    let failed = steps::is_failure(row);
    let href = row.session_id.as_ref().map(|id| {
        format!("{}?sel={}", link::session(place.project, id.as_str()), link::encode(row.id.as_str()))
    });
    html! {
        tr.failed[failed] data-seq=(row.seq) data-key=(row.id.as_str()) data-testid="live-row" data-href=[href.as_ref()] {
            th.when scope="row" { @match &href {
                Some(href) => a.row href=(href) { (format::time(row.started_at, &format::clock_ms(row.started_at))) },
                None => (format::time(row.started_at, &format::clock_ms(row.started_at))),
            } }
            td.signs { span.sign.fail[failed].dim[steps::is_listing(row.kind)] { (icon(parts::mark(row))) } @if failed { span.sr { "failed" } } }
            td.what data-label="What" {
                @match row.tool.as_deref().filter(|_| !failed) { Some(tool) => a.val href=(filter("tool", tool)) { (hostile::line(tool, 40)) }, None => (parts::subject(row)) }
                 " " (parts::status(row.status.filter(|s| !s.finished()))) }
            td data-label="Client" { @if row.client.is_some() { (parts::peer(row.client.as_ref(), &|v| filter("client", v))) } }
            td data-label="Person" { (parts::person(row.actor.as_ref(), row.session_id.as_ref().map_or("", |s| s.as_str()), &|v| filter("person", v))) }
            td.words data-label="Words" {
                @match row.error.as_ref().filter(|_| failed) {
                    Some(error) => span.error { (hostile::line(&error.message, 90)) },
                    None => @if let Some(intent) = &row.intent { "“" (hostile::line(intent, 90)) "”" },
                }
            }
            td.num data-label="Took" { @if let Some(us) = row.duration_us { (format::duration(us)) } }
            td.num data-label="Out" { @if let Some(n) = row.bytes_out { (format::bytes(n)) } }
            td data-label="Session" { @if let Some(id) = &row.session_id { a.so-far href=(link::session(place.project, id.as_str())) title=(format!("session …{}", hostile::plain(&parts::tail(id.as_str()), 6))) {
                @match until.filter(|u| !u.marks.is_empty()) { Some(until) => (track::so_far(until)), None => span.mono { "…" (hostile::line(&parts::tail(id.as_str()), 6)) } } } } }
        }
    }
}

fn refused_row(q: &Quarantined, place: &Place<'_>) -> Markup {
    html! {
        tr.refused data-key=(format!("q{}", q.id)) data-testid="refused-row" {
            th.when scope="row" { (format::time(q.at, &format::clock_ms(q.at))) }
            td.signs { span.sign.warn { (icon(Icon::Warn)) } }
            td colspan="7" { b { "refused" } ": " (q.reason.explain()) ", " (format::bytes(q.bytes))
                " " a href=(link::path(place.project, "setup")) { "why" } }
        }
    }
}

/// Whether a refused body belongs on the page of this project.
pub(crate) fn concerns(q: &Quarantined, project: &trackway_store::Project) -> bool {
    match &q.project_text {
        None => false,
        Some(text) => text == project.id.as_str() || project.aliases.contains(text),
    }
}

/// Filters of the live page that hold for the events since `seq`.
pub(crate) fn is_plain(params: &Params) -> bool {
    params.narrowed() == 0
}
