//! Parts that several pages share: who, which client, statuses, empty states, errors.
//!
//! Called by the pages' views. Every captured string goes through [`hostile`].

use maud::{Markup, html};
use trackway_event::{Kind, Peer, SessionSource, Status, Timestamp};
use trackway_store::query::{ActorRef, Ending, EventRow, SessionRow};

use super::icons::{Icon, icon};
use super::link::{self, Params};
use super::track::{self, Rail, Track};
use super::{format, hostile};

/// The person of a row; filters by them on a click. Anonymous ones get the tail of the session's id.
pub(crate) fn person(actor: Option<&ActorRef>, session: &str, link_to: &dyn Fn(&str) -> String) -> Markup {
    match actor {
        Some(actor) => html! {
            a.val href=(link_to(actor.id.as_str())) title=(format!("Only {}", hostile::plain(actor.id.as_str(), 120))) {
                (hostile::line(actor.name.as_deref().filter(|n| !n.trim().is_empty()).unwrap_or(actor.id.as_str()), 32))
            }
        },
        None => html! { span.dim { "anonymous " span.mono { (hostile::line(&tail(session), 6)) } } },
    }
}

/// Client or server with its version.
pub(crate) fn peer(peer: Option<&Peer>, link_to: &dyn Fn(&str) -> String) -> Markup {
    match peer {
        Some(p) => html! {
            a.val href=(link_to(&p.name)) { (hostile::line(&p.name, 24)) }
            @if let Some(version) = &p.version { " " span.dim { (hostile::line(version, 12)) } }
        },
        None => format::unknown("the client did not name itself"),
    }
}

/// The same without links.
pub(crate) fn peer_text(peer: &Peer) -> Markup {
    html! { (hostile::line(&peer.name, 60)) @if let Some(v) = &peer.version { " " (hostile::line(v, 30)) } }
}

/// The last four signs of an id.
pub(crate) fn tail(id: &str) -> String {
    let n = id.chars().count();
    id.chars().skip(n.saturating_sub(4)).collect()
}

/// Shape, word and colour of a status; nothing for success but a word for screen readers.
pub(crate) fn status(status: Option<Status>) -> Markup {
    match status {
        None => html! {},
        Some(Status::Ok) => html! { span.sr { "ok" } },
        Some(s) if s.failed() => html! { span.st.fail { (icon(Icon::Fail)) (s.as_str().replace('_', " ")) } },
        Some(s) => html! { span.st.warn { (icon(Icon::Warn)) (s.as_str().replace('_', " ")) } },
    }
}

/// The mark of an event in front of its row.
pub(crate) fn mark(row: &EventRow) -> Icon {
    match row.kind {
        Kind::MissingCapability => Icon::Missing,
        Kind::Identify | Kind::Alias | Kind::PersonUpdate | Kind::GroupIdentify => Icon::Flag,
        Kind::Custom | Kind::Feedback => Icon::Custom,
        Kind::Exception => Icon::Fail,
        Kind::ToolCall | Kind::ResourceRead | Kind::PromptGet | Kind::Completion => {
            if row.status.is_some_and(Status::failed) { Icon::Fail } else { Icon::Call }
        }
        Kind::ToolsList
        | Kind::Initialize
        | Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::PromptsList
        | Kind::Protocol
        | Kind::Discover => Icon::Listing,
    }
}

/// Tool, resource or method of an event: what the row is about.
pub(crate) fn subject(row: &EventRow) -> Markup {
    match row.kind {
        Kind::ToolCall => match row.tool.as_deref() {
            Some(tool) => {
                html! { (hostile::line(tool, 48)) @if row.flags.nested { span.tag { "nested" } } @if row.flags.unknown_tool { span.tag.warn { "unknown tool" } } }
            }
            None => html! { span.dim { "no tool named" } },
        },
        Kind::MissingCapability => html! { span.dim { "asked for " } },
        Kind::ResourceRead | Kind::PromptGet | Kind::Custom | Kind::Completion => html! {
            @if let Some(name) = row.resource.as_deref().filter(|n| !n.is_empty()) { (hostile::line(name, 60)) " " }
            span.dim { (track::kind_words(row.kind)) }
        },
        Kind::Identify | Kind::Alias | Kind::PersonUpdate | Kind::GroupIdentify => html! {
            span.dim { (track::kind_words(row.kind)) @if row.actor.is_some() { " as " } }
            @if let Some(a) = &row.actor { (hostile::line(a.name.as_deref().unwrap_or(a.id.as_str()), 40)) }
        },
        Kind::ToolsList
        | Kind::Initialize
        | Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::PromptsList
        | Kind::Protocol
        | Kind::Discover
        | Kind::Feedback
        | Kind::Exception => html! {
            span.dim { (track::kind_words(row.kind)) } " "
            @if !row.name.is_empty() { span.mono.dim { (hostile::line(&row.name, 40)) } }
        },
    }
}

/// The track of a session row.
pub(crate) fn small_track(row: &SessionRow) -> Markup {
    let rail = if row.ending.is_none() && row.tool_calls > 0 { Rail::Open } else { Rail::Ended };
    let end = row.ending.map_or("still open".to_owned(), |e| format!("ended {}", e.as_str()));
    let label = track::label(row.tool_calls, row.errors, row.missing_reports, &end);
    track::small(&Track { marks: &row.marks, omitted: row.marks_omitted, rail, label })
}

/// How a session ended, as shape and word.
pub(crate) fn ending(row: &SessionRow) -> Markup {
    match row.ending {
        None if row.tool_calls == 0 => html! { span.dim { "idle" } },
        None => html! { span.st.open { (icon(Icon::Open)) "open" } },
        Some(Ending::Idle) => html! { span.dim { "idle" } },
        Some(Ending::Done) => html! { span.dim { "done" } },
        Some(Ending::Partial) => html! { span.st.warn { (icon(Icon::Warn)) "partial" } },
        Some(Ending::Failed) => html! { span.st.fail { (icon(Icon::Fail)) "failed" } },
        Some(Ending::Stuck) => html! { span.st.fail { (icon(Icon::Fail)) "stuck" } },
    }
}

/// Why a session is worth a look, the strongest reason; empty where nothing stands out.
pub(crate) fn notable(row: &SessionRow) -> Option<String> {
    let several = || (row.actors > 1).then(|| "several people in one session".to_owned());
    row.why.first().map(ToString::to_string).or_else(several)
}

/// How a session was put together, for a person.
pub(crate) const fn source_words(source: SessionSource) -> &'static str {
    match source {
        SessionSource::Operator => "by a rule of the operator",
        SessionSource::VendorMeta => "by the client's own conversation key",
        SessionSource::McpSession => "by the MCP session id",
        SessionSource::StdioProcess => "one stdio process",
        SessionSource::Grouped => "stitched: person + client + 30 min",
        SessionSource::Trace => "by the trace id",
        SessionSource::Inferred => "inferred: address + client + 30 min",
        SessionSource::None => "on its own: nothing joins it to other calls",
        SessionSource::Given => "by the id the SDK gave",
    }
}

/// Why there is nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Empty {
    /// Nothing has arrived yet.
    NoData,
    /// Filters leave nothing.
    Filtered(usize),
    /// The period is quiet; the newest event is outside it.
    Quiet(Timestamp),
    /// Nothing of this sort happened.
    None,
}

/// An empty state: what will appear, why nothing does, and one way on.
pub(crate) fn empty(which: &Empty, what: &str, project: &str, path: &str, params: &Params) -> Markup {
    html! {
        div.empty data-testid="empty" {
            @match which {
                Empty::NoData => {
                    p { b { "Nothing has arrived yet." } " " (what) }
                    a.button.primary href=(link::path(project, "setup")) { "Connect a source" }
                },
                Empty::Filtered(n) => {
                    p { b { "Your filters leave nothing." } " " (what) }
                    @let clear = Params { f: Vec::new(), env: Vec::new(), q: None, own: None, ..params.top() };
                    a.button href=(format!("{path}{}", clear.query())) { "Clear " (format::counted(*n as u64, "filter", "filters")) }
                },
                Empty::Quiet(last) => {
                    p { b { "Nothing in this period." } " The newest event is of " (format::time(*last, &format::day_clock(*last))) ". " (what) }
                    @let wide = Params { from: Some(last.plus_micros(-86_400_000_000).to_string()), to: None, ..params.top() };
                    a.button href=(format!("{path}{}", wide.query())) { "Show the last active period" }
                },
                Empty::None => p { (what) },
            }
        }
    }
}

/// Which emptiness it is.
pub(crate) fn why_empty(params: &Params, last_event_at: Option<Timestamp>, from: Timestamp) -> Empty {
    let filters = params.narrowed();
    match last_event_at {
        None => Empty::NoData,
        Some(_) if filters > 0 => Empty::Filtered(filters),
        Some(at) if at < from => Empty::Quiet(at),
        Some(_) => Empty::None,
    }
}

/// A panel that failed: what, and how to go on. Never page-sized.
pub(crate) fn failed(what: &str, why: &str, again: &str) -> Markup {
    html! {
        div.panel.trouble role="alert" data-testid="error" {
            p { (icon(Icon::Fail)) b { (what) } }
            p { (hostile::line(why, 300)) }
            a.button href=(again) { "Try again" }
        }
    }
}

/// The strip of an answer that is not whole.
pub(crate) fn partial(why: Option<&str>) -> Markup {
    html! { @if let Some(why) = why { p.strip.warn data-testid="partial" { (icon(Icon::Warn)) span { "Partial: " (hostile::line(why, 200)) } } } }
}

/// Text to be taken along: shown as it is, with a button that copies it where there is script.
pub(crate) fn copyable(id: &str, text: &str) -> Markup {
    html! { div.code {
        pre id=(format!("code-{id}")) tabindex="0" { (hostile::text(text)) }
        button.quiet data-copy=(format!("#code-{id}")) hidden { (icon(Icon::Copy)) span.sr { "Copy" } }
    } }
}
