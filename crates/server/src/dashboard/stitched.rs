//! How a session was put together, above its replay (F-77): the rule in words, what each event came by, and where the pages of a
//! long one begin. Called by the replay; parting and joining fragments is [`super::joined`]'s.

use std::collections::BTreeMap;

use maud::{Markup, html};
use trackway_event::SessionSource;
use trackway_store::query::{Aside, EventRow, Evidence, SessionBefore, SessionRow, Window};

use super::icons::{Icon, icon};
use super::link::Params;
use super::place::Place;
use super::{format, hostile, joined, parts};

/// A fact that opens: which rule made the session, what its events say, its fragments.
pub(crate) fn view(
    session: &SessionRow,
    rows: &[EventRow],
    before: &[SessionBefore],
    place: &Place<'_>,
) -> Markup {
    let mut sources: BTreeMap<&'static str, (SessionSource, u64)> = BTreeMap::new();
    for source in rows.iter().filter_map(|row| row.session_source) {
        sources.entry(source.as_str()).or_insert((source, 0)).1 += 1;
    }
    let fragments: Vec<_> = session.joined.iter().filter(|j| j.aside == Aside::Restore).collect();
    html! {
        details.how-made data-testid="stitched" {
            summary { (icon(Icon::Sessions)) (parts::source_words(session.source))
                @if by_hand(session) { ", by hand" }
                @if !session.merged_from.is_empty() { ", " (format::counted(session.merged_from.len() as u64 + 1, "part", "parts")) } }
            div.panel {
                p { (rule(session.source)) }
                @if sources.len() > 1 {
                    p.dim { "What its events came by:" }
                    ul { @for (source, n) in sources.values() { li { (format::counted(*n, "event", "events")) " " (parts::source_words(*source)) } } }
                }
                @if !session.merged_from.is_empty() {
                    p.dim { "Ids that are one session here:" }
                    ul { li.mono { (hostile::line(session.id.as_str(), 60)) } @for id in &session.merged_from { li { span.mono { (hostile::line(id.as_str(), 60)) }
                        @if let Some(one) = fragments.iter().find(|j| j.later == *id) { @if one.gap_us >= 0 { ", " (format::span(one.gap_us)) " after the one before" } @if one.evidence == Evidence::Hand { ", by hand" } } } } }
                }
                (joined::with(session, before, place))
            }
        }
    }
}

/// Whether an operator's word made the session what it is.
fn by_hand(session: &SessionRow) -> bool {
    session.joined.iter().any(|j| j.evidence == Evidence::Hand)
}

/// Which page of a long session this is, and ways to the others by time; nothing where it has one page.
pub(crate) fn windows(all: &[Window], rows: &[EventRow], session: &SessionRow, place: &Place<'_>) -> Markup {
    let Some(first) = rows.first().filter(|_| all.len() > 1) else { return html! {} };
    let here = all.iter().rposition(|w| w.before < (first.started_at, first.seq)).unwrap_or(0);
    let to = |w: &Window| {
        let params = Params { after: w.after.clone(), sel: None, ..place.params.clone() };
        format!("{}{}", place.path, params.query())
    };
    let last = |i: usize| all.get(i + 1).map_or(session.events, |next| next.first - 1);
    let span = |i: usize, w: &Window| {
        html! { (format::separated(w.first)) "–" (format::separated(last(i).max(w.first))) }
    };
    let turn = |which: Option<&Window>, sign: Icon, words: &str| {
        html! { @match which {
            Some(window) => a.quiet href=(to(window)) title=(words) { (icon(sign)) span.sr { (words) } },
            None => span.off aria-hidden="true" { (icon(sign)) },
        } }
    };
    html! {
        nav.windows aria-label="Parts of this session" data-testid="windows" {
            (turn(here.checked_sub(1).and_then(|i| all.get(i)), Icon::Back, "Earlier events"))
            details.menu {
                summary { "Events " @if let Some(w) = all.get(here) { (span(here, w)) } " of " (format::separated(session.events)) (icon(Icon::Down)) }
                ol.pop { @for (i, w) in all.iter().enumerate() {
                    li { a href=(to(w)) aria-current=[(i == here).then_some("true")] { span.name { (span(i, w)) }
                        span.when { @if i == 0 { "from the start" } @else { "from " (super::replay::offset(w.before.0.since(session.started_at))) } } } }
                } }
            }
            (turn(all.get(here + 1), Icon::Next, "Later events"))
        }
    }
}

/// The rule in full.
const fn rule(source: SessionSource) -> &'static str {
    match source {
        SessionSource::Operator => "A rule the operator set names the session in each request.",
        SessionSource::VendorMeta => {
            "The client sends a key of its own conversation with each request; all with one key are one session."
        }
        SessionSource::McpSession => {
            "The requests carry one MCP session id. A client that connects anew gets another."
        }
        SessionSource::StdioProcess => {
            "One process spoke with the server over its pipes. More than 30 minutes without a request begin another session."
        }
        SessionSource::Grouped => {
            "The requests carry no id. Those of one person with one client whose starts are at most 30 minutes apart are one session."
        }
        SessionSource::Trace => "The requests belong to one distributed trace.",
        SessionSource::Inferred => {
            "The requests carry no id and name nobody. Those of one address with one client whose starts are at most 30 minutes apart are taken for one session: a guess."
        }
        SessionSource::None => {
            "Nothing joins this call to others: it names nobody and carries no id. Name the user (wrap --identify-arg, or the SDK's identify option) and calls of one person are stitched."
        }
        SessionSource::Given => "The SDK that sent the events named the session; it is kept as it came.",
    }
}
