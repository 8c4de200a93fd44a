//! One tool looked at closely (`dashboard.md` §7.5): models and people who call it, what for, calls worth opening, and its
//! definitions over time with the names it had.
//!
//! Called by the tool's page. Names, intents and definitions are captured text. No rate from few calls.

use maud::{Markup, html};
use trackway_store::query::{
    ActorRef, CallFigures, Caller, Closely, Definition, EventRow, Example, Renamed, ToolStory,
};

use super::place::Place;
use super::{catalog, chart, format, hostile, link, lists, parts};

/// Finished calls from which a share is shown as a rate.
const FEW: u64 = 10;
/// Changes told of one definition.
const CHANGES: usize = 8;

/// Models and people, most calls first.
pub(super) fn callers(closely: &Closely, tool: &str, place: &Place<'_>) -> Markup {
    let sessions = link::path(place.project, "sessions");
    let of_tool = place.params.carried().and("tool", "eq", tool);
    let model = |who: &Option<String>| match who {
        Some(name) => {
            let href = format!("{sessions}{}", of_tool.and("model", "eq", name).query());
            html! { a.val href=(href) { (hostile::line(name, 28)) } }
        }
        None => html! { span.dim title="the client did not name its model" { "not named" } },
    };
    let person = |who: &Option<ActorRef>| match who {
        Some(actor) => {
            let name = actor.name.as_deref().filter(|n| !n.trim().is_empty()).unwrap_or(actor.id.as_str());
            match lists::detail(place, "people", actor.id.as_str()) {
                Some(href) => html! { a.val href=(href) { (hostile::line(name, 28)) } },
                None => hostile::line(name, 28),
            }
        }
        None => html! { span.dim { "anonymous" } },
    };
    html! {
        @if closely.models.iter().any(|m| m.who.is_some()) { (who("Models", "Model", &closely.models, closely.calls, &model)) }
        @if closely.people.iter().any(|p| p.who.is_some()) { (who("People", "Person", &closely.people, closely.calls, &person)) }
    }
}

fn who<N>(
    title: &str,
    one: &str,
    rows: &[Caller<N>],
    calls: u64,
    name: &dyn Fn(&Option<N>) -> Markup,
) -> Markup {
    let most = rows.iter().map(|r| r.calls).max().unwrap_or(1);
    html! {
        section.panel.flush data-testid=(format!("by-{}", one.to_lowercase())) {
            h2 { (title) span.aside.dim { "newest " (format::counted(calls, "call", "calls")) } }
            div.scroll tabindex="0" role="region" aria-label=(title) { table.data {
                caption.sr { (title) " by calls of this tool" }
                thead { tr { th scope="col" { (one) } th.num colspan="2" scope="col" { "Calls" } th.num scope="col" { "Failed" } } }
                tbody { @for row in rows { tr data-testid="caller-row" {
                    th scope="row" { (name(&row.who)) }
                    td.bar-cell { (chart::share_bar(row.calls, most, row.failed)) }
                    td.num data-label="Calls" { (format::count(row.calls)) }
                    td.num data-label="Failed" { (failed(row.failed, row.finished)) }
                } } }
            } }
        }
    }
}

fn failed(failed: u64, finished: u64) -> Markup {
    match finished {
        0 => format::unknown("no finished call"),
        n if n < FEW => html! { span.dim { (format::count(failed)) " of " (format::count(n)) } },
        n => {
            html! { span title=(format!("{failed} of {n}")) { (format::percent(failed as f64 / n as f64)) } }
        }
    }
}

/// What agents called it for.
pub(super) fn intents(closely: &Closely) -> Markup {
    let most = closely.intents.iter().map(|i| i.calls).max().unwrap_or(1);
    html! {
        @if !closely.intents.is_empty() {
            section.panel.flush data-testid="tool-intents" {
                h2 { "What agents want of it" span.aside.dim { "newest " (format::counted(closely.calls, "call", "calls")) } }
                div.scroll tabindex="0" role="region" aria-label="What agents want of it" { table.data {
                    caption.sr { "Intents of its calls, by matter" }
                    thead { tr { th scope="col" { "In the agent's words" } th.num colspan="2" scope="col" { "Calls" } th.num scope="col" { "Failed" } } }
                    tbody { @for i in &closely.intents { tr data-testid="tool-intent-row" {
                        th.message scope="row" { "“" (hostile::line(&i.phrase, 120)) "”" }
                        td.bar-cell { (chart::share_bar(i.calls, most, i.failed)) }
                        td.num data-label="Calls" { (format::count(i.calls)) }
                        td.num data-label="Failed" { (failed(i.failed, i.finished)) }
                    } } }
                } }
                @if closely.matters > closely.intents.len() as u64 { p.quiet { "The first " (closely.intents.len()) " of " (format::counted(closely.matters, "matter", "matters")) "." } }
            }
        }
    }
}

/// Calls worth opening, each at its place in the replay.
pub(super) fn examples(closely: &Closely, place: &Place<'_>) -> Markup {
    html! {
        @if !closely.examples.is_empty() {
            section.panel.flush data-testid="examples" {
                h2 { "Sample calls" span.aside.dim { "of the newest " (format::counted(closely.calls, "call", "calls")) } }
                div.scroll tabindex="0" role="region" aria-label="Sample calls" { table.data {
                    caption.sr { "Calls that show what the tool does, each with its place in the replay" }
                    thead { tr {
                        th scope="col" { "When" } th scope="col" { "Because it is" } th.num scope="col" { "Took" } th.num scope="col" { "Result" }
                        th scope="col" { "Client" } th scope="col" { "Why, or what went wrong" }
                    } }
                    tbody { @for (example, row) in &closely.examples { (call(*example, row, place)) } }
                } }
            }
        }
    }
}

fn call(example: Example, row: &EventRow, place: &Place<'_>) -> Markup {
    let session = row.session_id.as_ref().map_or("", |s| s.as_str());
    let href = format!("{}?sel={}", link::session(place.project, session), link::encode(row.id.as_str()));
    html! {
        tr data-testid=(format!("example-{}", example.as_str())) {
            th scope="row" { @if session.is_empty() { (format::row_time(row.started_at, place.now)) } @else { a.row href=(href) { (format::row_time(row.started_at, place.now)) } } }
            td data-label="Because it is" { @match example {
                Example::Failed => span.tag.fail { "failed" },
                Example::Slow | Example::Heavy => span.tag.warn { (example.as_str()) },
                Example::Typical => span.tag { "typical" },
            } }
            td.num data-label="Took" { @match row.duration_us { Some(us) => (format::duration(us)), None => (format::unknown("no duration was recorded")) } }
            td.num data-label="Result" { @match row.tokens.and_then(|t| t.output).map(u64::from) { Some(n) => (format::tokens(n)), None => (format::unknown("no size was recorded")) } }
            td data-label="Client" { @match &row.client { Some(peer) => (parts::peer_text(peer)), None => (format::unknown("the client did not name itself")) } }
            td data-label="Words" { @match (&row.error, row.intent.as_deref().filter(|w| !w.trim().is_empty())) {
                (Some(error), _) => span.bad { (hostile::line(&error.message, 110)) },
                (None, Some(words)) => { "“" (hostile::line(words, 110)) "”" },
                (None, None) => (format::unknown("the agent did not say why")),
            } }
        }
    }
}

/// What stands above everything else of a tool that has another name, or is listed no more.
pub(super) fn names(story: &ToolStory, place: &Place<'_>) -> Markup {
    let told = |before: &str, r: &Renamed, after: &str| {
        let calls = |c: &CallFigures| format::counted(c.calls, "call", "calls");
        html! { p.strip data-testid="renamed" { span {
            (before) " "
            @match lists::detail(place, "tools", &r.name).filter(|_| r.calls.calls > 0) {
                Some(href) => a href=(href) { b { (hostile::line(&r.name, 64)) } },
                None => b { (hostile::line(&r.name, 64)) },
            }
            " " (after) " " (format::time(r.at, &format::day_clock(r.at)))
            @if r.calls.calls > 0 { "; " (calls(&r.calls)) " under that name in this period" @if r.calls.failed > 0 { ", " (format::count(r.calls.failed)) " failed" } }
            ". Told by the definition: the same words and arguments."
        } } }
    };
    html! {
        @if let Some(was) = &story.was { (told("This tool was named", was, "until")) }
        @if let Some(became) = &story.became { (told("This tool goes on as", became, "since")) }
        @else if let Some(at) = story.gone { p.strip.warn data-testid="gone" { span { "No listing since " (format::time(at, &format::day_clock(at))) " has this tool." } } }
    }
}

/// Each definition with the day it was first seen, graded against the one before.
pub(super) fn history(story: &ToolStory, place: &Place<'_>) -> Markup {
    let all = &story.definitions;
    html! {
        @if !all.is_empty() {
            section.panel data-testid="definitions" {
                h2 { "Definition history" span.aside.dim { (format::counted(all.len() as u64, "definition", "definitions")) } }
                ol.log { @for (i, one) in all.iter().enumerate() { (definition(one, all.get(i + 1), place)) } }
            }
        }
    }
}

fn definition(one: &Definition, before: Option<&Definition>, place: &Place<'_>) -> Markup {
    let page = format!(
        "{}/{}{}",
        link::path(place.project, "catalog"),
        link::encode(&one.catalog),
        place.params.carried().query()
    );
    let more = one.changes.len().saturating_sub(CHANGES);
    html! {
        li data-testid="definition-row" {
            p {
                (format::time(one.first_seen, &format::day_clock(one.first_seen))) " "
                a.mono href=(page) { (hostile::line(&catalog::short(&one.catalog), 8)) }
                " " span.dim { (format::tokens(one.tokens)) @match before {
                    None => ", the first that was seen",
                    Some(old) if old.tokens != one.tokens => { ", " (format::tokens(old.tokens)) " before" },
                    Some(_) => {},
                } }
            }
            @if !one.changes.is_empty() { (catalog::changes(one.changes.iter().take(CHANGES))) }
            @if more > 0 { p.dim { "And " (format::counted(more as u64, "more change", "more changes")) "." } }
        }
    }
}
