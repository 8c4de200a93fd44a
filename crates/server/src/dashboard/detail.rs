//! One step in full, in a fixed order: intent, error with its stack, arguments, result, request, person, tags, notes.
//!
//! Called by the replay. Payloads are drawn as bounded trees; the whole event is one link away as JSON.

use maud::{Markup, html};
use trackway_event::{ErrorInfo, Frame, IntentSource};
use trackway_store::query::{EventDetail, Shown, ShownDefinition};

use super::icons::{Icon, icon};
use super::json_tree::{self, Change};
use super::payload::{self, Part};
use super::{format, hostile, joined, link, parts, replay, rounds, track};

/// Characters of a stack that is a text.
const STACK_CHARS: usize = 16 * 1024;
/// Stack frames shown.
const FRAMES: usize = 30;

/// What is shown.
pub(crate) struct Vm<'a> {
    /// The event.
    pub step: &'a EventDetail,
    /// Since the start of the session, µs; where that is known.
    pub offset_us: Option<i64>,
    /// Which step of how many.
    pub number: Option<(usize, usize)>,
    /// Link to the step before.
    pub previous: Option<String>,
    /// Link to the step after.
    pub next: Option<String>,
    /// Changes against the try before.
    pub diff: Option<&'a Vec<Change>>,
    /// The definition the call was made by, where that was asked for.
    pub definition: Option<&'a ShownDefinition>,
    /// Whether the reader may split the session before this step.
    pub may_split: bool,
    /// Project id.
    pub project: &'a str,
}

/// The panel.
pub(crate) fn view(vm: &Vm<'_>) -> Markup {
    let (d, row) = (vm.step, &vm.step.row);
    let (arguments, result) = (Part::Arguments.of(d), Part::Result.of(d));
    html! {
        header.detail-head data-sel=(row.id.as_str()) {
            h2 { (parts::subject(row)) }
            nav aria-label="Steps" {
                @if let Some((n, of)) = vm.number { span.dim { (n) " of " (of) } }
                (stepper(vm.previous.as_deref(), Icon::Back, "Previous step", "prev"))
                (stepper(vm.next.as_deref(), Icon::Next, "Next step", "next"))
            }
        }
        p.facts {
            @match row.status { Some(s) if s.finished() && !s.failed() => span { (icon(Icon::Tick)) "ok" }, other => (parts::status(other)) }
            @if let Some(us) = row.duration_us { span { (format::duration(us)) } }
            span { (format::time(row.started_at, &format::clock_zone(row.started_at))) }
            @if let Some(us) = vm.offset_us { span.dim { "+" (replay::offset(us)) } }
            @if row.flags.demo { span.tag { "demo" } }
        }
        @if let Some(whole) = &d.call { (rounds::view(&whole.call, row, vm.project)) }
        (section("Intent", row.intent.is_some(), html! { @if let Some(intent) = &row.intent {
            blockquote data-testid="intent" { (hostile::text(intent)) }
            @match row.intent_source {
                Some(IntentSource::Given) | None => {},
                Some(IntentSource::Inherited) => p.how { (icon(Icon::Info)) "inherited from the call before" },
                Some(IntentSource::Inferred) => p.how { (icon(Icon::Info)) "inferred by rule" },
            }
        } }))
        (section("Error", d.error.is_some() || row.error.is_some(), error(vm)))
        (section("Changed since the try before", vm.diff.is_some(), html! { @if let Some(changes) = vm.diff {
            @if changes.is_empty() { p.dim { "Nothing: the same arguments again." } }
            ul.changes { @for c in changes.iter().take(20) { li { (replay::change_words(c, 80)) } } }
        } }))
        (payload("Arguments", arguments, (row.bytes_in, row.tokens.and_then(|t| t.input)), Part::Arguments, vm))
        (payload("Result", result, (row.bytes_out, row.tokens.and_then(|t| t.output)), Part::Result, vm))
        @if arguments.is_none() && result.is_none() { p.quiet { "No payload was recorded for this step." } }
        (definition(vm))
        (request(vm))
        (section("Person", row.actor.is_some(), html! { @if let Some(actor) = &row.actor { dl.pairs {
            (pair("Id", html! { span.mono { (hostile::text(actor.id.as_str())) } }))
            @if let Some(name) = &actor.name { (pair("Name", hostile::text(name))) }
            @for (key, value) in d.traits.iter().take(30) { (pair(&hostile::plain(key, 60), html! { (hostile::line(&plain_json(value), 200)) })) }
        } } }))
        (section("Tags", !d.tags.is_empty() || !d.groups.is_empty(), html! { dl.pairs {
            @for (key, value) in d.tags.iter().chain(d.groups.iter()).take(60) { (pair(&hostile::plain(key, 60), hostile::text(value))) }
        } }))
        (folded("Properties", d.properties.as_ref().map(|p| p.get())))
        (folded("Request _meta", d.request_meta.as_ref().map(|p| p.get())))
        (folded("Transport", d.transport.as_ref().map(|p| p.get())))
        (section("Capture notes", !row.notes.is_empty() || row.flags.truncated, html! { ul.notes {
            @if row.flags.truncated { li { "a payload was cut by the recorder" } }
            @for note in &row.notes { li { (hostile::line(&note.replace('_', " "), 160)) } }
        } }))
        div.foot {
            a href=(format!("/api/v1/projects/{}/events/{}", link::encode(vm.project), link::encode(row.id.as_str()))) { "The whole event as JSON" }
            @if vm.may_split { (joined::split_here(vm.project, row.id.as_str())) }
            span.mono.dim { (hostile::line(row.id.as_str(), 64)) }
        }
    }
}

fn stepper(href: Option<&str>, which: Icon, name: &str, id: &str) -> Markup {
    html! { @match href {
        Some(href) => a.quiet href=(href) hx-get=(href) hx-target="#detail" hx-swap="innerHTML" data-step-to=(id) { (icon(which)) span.sr { (name) } },
        None => span.quiet.off aria-hidden="true" { (icon(which)) },
    } }
}

fn section(title: &str, there: bool, body: Markup) -> Markup {
    html! { @if there { section.part { h3 { (title) } (body) } } }
}

fn error(vm: &Vm<'_>) -> Markup {
    let (d, row) = (vm.step, &vm.step.row);
    html! {
        @match (&d.error, &row.error) {
            (Some(e), reference) => {
                p.error-text data-testid="error-message" { @if let Some(kind) = &e.kind { b { (hostile::line(kind, 80)) } " " } (hostile::text(&e.message)) }
                p.facts {
                    @if let Some(r) = reference { span.tag { (r.class.as_str().replace('_', " ")) } }
                    @if let Some(code) = d.error_code { span.mono { "code " (code) } }
                    @if let Some(issue) = reference.as_ref().and_then(|r| r.issue) {
                        a href=(format!("{}?f=issue:eq:{issue}", link::path(vm.project, "sessions"))) { "Sessions with this failure" }
                    }
                    @if row.flags.declared_error { span.dim { "declared by the SDK, not counted as a failure" } }
                }
                (stack(e))
            },
            (None, Some(r)) => p.error-text { (hostile::text(&r.message)) },
            (None, None) => {},
        }
    }
}

/// The frames of an error, the project's own first, and what caused it.
pub(crate) fn stack(e: &ErrorInfo) -> Markup {
    let own: Vec<&Frame> = e.frames.iter().rev().filter(|f| f.in_app).collect();
    let rest: Vec<&Frame> = e.frames.iter().rev().filter(|f| !f.in_app).collect();
    html! {
        @if !e.frames.is_empty() {
            ol.frames { @for f in own.iter().take(FRAMES) { (frame(f)) } }
            @if !rest.is_empty() { details { summary { (format::counted(rest.len() as u64, "frame", "frames")) " of libraries" } ol.frames { @for f in rest.iter().take(FRAMES) { (frame(f)) } } } }
        } @else if let Some(text) = &e.stack {
            details { summary { "Stack" } pre { (hostile::text(&cut(text, STACK_CHARS))) } }
        }
        @for cause in e.chain.iter().take(10) {
            p.cause { "caused by " @if let Some(kind) = &cause.kind { b { (hostile::line(kind, 80)) } " " } (hostile::line(&cause.message, 400)) }
        }
    }
}

fn frame(f: &Frame) -> Markup {
    html! { li {
        span.mono { (hostile::line(if f.function.is_empty() { "(anonymous)" } else { &f.function }, 80)) } " "
        span.dim { (hostile::line(&f.filename, 90)) @if let Some(n) = f.lineno { ":" (n) } }
        @if let Some(line) = &f.context_line { pre { (hostile::line(line.trim(), 200)) } }
    } }
}

fn payload(
    title: &str,
    json: Option<&str>,
    (wire, tokens): (Option<u64>, Option<u32>),
    part: Part,
    vm: &Vm<'_>,
) -> Markup {
    let plain = json.is_some_and(|j| j.len() <= payload::LARGE && !hostile::has_marks(j));
    let id = title.to_lowercase();
    html! { @if let Some(json) = json {
        section.part {
            h3 { (title) span.size { (format::bytes(wire.unwrap_or(json.len() as u64)))
                @if let Some(n) = tokens { span title="estimated at 3.5 bytes a token, or as the SDK gave it" { " " (format::tokens(u64::from(n))) } }
                @if plain { button.quiet data-copy=(format!("#raw-{id}")) hidden { (icon(Icon::Copy)) span.sr { "Copy " (title) } } } } }
            @if json.len() > payload::LARGE { (payload::beginning(json, part, vm.project, vm.step.row.id.as_str())) } @else { (json_tree::tree(json)) }
            @if plain { details.raw { summary { "Raw" } pre id=(format!("raw-{id}")) { (json) } } }
            @else if json.len() <= payload::LARGE { p.note { "It holds hidden characters: the raw text is in the event's JSON below." } }
        }
    } }
}

fn folded(title: &str, json: Option<&str>) -> Markup {
    html! { @if let Some(json) = json.filter(|j| !matches!(*j, "{}" | "null")) {
        details.part { summary { h3 { (title) } span.size { (format::bytes(json.len() as u64)) } } (json_tree::tree(json)) }
    } }
}

/// What the client was told of the tool, and where the call does not fit it.
fn definition(vm: &Vm<'_>) -> Markup {
    let Some(d) = vm.definition else { return html! {} };
    html! {
        details.part data-testid="definition" open[!d.findings.is_empty()] {
            summary { h3 { "Definition" } span.size { @match d.shown {
                Shown::Here => "as this client saw it",
                Shown::Elsewhere => "as others saw it: this session's listing was not recorded",
            } } @if !d.findings.is_empty() { span.tag.warn { (format::counted(d.findings.len() as u64, "misfit", "misfits")) } } }
            @if !d.findings.is_empty() {
                ul.misfits { @for (path, what) in &d.findings { li { (icon(Icon::Warn)) span { span.mono { (hostile::line(if path.is_empty() { "arguments" } else { path }, 60)) } " " (hostile::line(what, 120)) } } } }
            }
            p.how { "listing " a.mono href=(link::path(vm.project, "catalog")) { (hostile::line(&d.hash.chars().take(8).collect::<String>(), 8)) } ", first seen " (format::time(d.first_seen, &format::day_clock(d.first_seen))) }
            (json_tree::tree(&d.json))
        }
    }
}

fn request(vm: &Vm<'_>) -> Markup {
    let (d, row) = (vm.step, &vm.step.row);
    html! {
        details.part { summary { h3 { "Request" } span.size { (track::kind_words(row.kind)) } }
            dl.pairs {
                @if !row.name.is_empty() { (pair("Method", html! { span.mono { (hostile::line(&row.name, 80)) } })) }
                @if let Some(c) = &row.client { (pair("Client", parts::peer_text(c))) }
                @if let Some(s) = &row.server { (pair("Server", parts::peer_text(s))) }
                @if let Some(s) = &d.sdk { (pair("Recorded by", parts::peer_text(s))) }
                @if let Some(m) = &d.model { (pair("Model", hostile::line(m, 80))) }
                @if let Some(v) = &d.protocol_version { (pair("MCP revision", hostile::line(v, 30))) }
                @if let Some(c) = &d.conversation_id { (pair("Conversation", html! { span.mono { (hostile::line(c, 80)) } })) }
                @if let Some(s) = row.session_source { (pair("Session", html! { (parts::source_words(s)) })) }
                (pair("Came by", html! { (row.input.as_str()) @if let Some(c) = row.capture { ", " (c.as_str()) } }))
                (pair("Received", format::time(d.received_at, &format::full(d.received_at))))
            }
        }
    }
}

fn pair(name: &str, value: Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn plain_json(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => value.to_string(),
    }
}

fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text.split_at(end).0),
        None => text.to_owned(),
    }
}
