//! The side panel (`dashboard.md` §2): `sel=` opens a call, session, issue or person beside the list it was found in.
//!
//! [`load`] runs with every page that names a selection, so that the panel is part of the page: it works without script,
//! and a pasted link shows it. Script only swaps it in place. A replay has its own detail and no panel.

use maud::{Markup, html};
use trackway_store::query::{EventDetail, EventRow, IssueDetail, PageAsk, PersonDetail, Scope, SessionRow};
use trackway_store::{ProjectKey, Store};

use super::icons::{Icon, icon};
use super::link::{self, Params};
use super::{detail, format, hostile, parts, rounds, steps};

/// Steps of a session shown.
const STEPS: usize = 60;
/// Sessions shown of an issue or person.
const SESSIONS: usize = 8;

/// What `sel=` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selected {
    /// One event.
    Call(String),
    /// One session.
    Session(String),
    /// One issue.
    Issue(u64),
    /// One person.
    Person(String),
}

impl Selected {
    /// Reads `call:evt_…`, `session:ses_…`, `issue:…`, `person:…`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':').filter(|(_, id)| !id.is_empty())?;
        match kind {
            "call" => Some(Self::Call(id.to_owned())),
            "session" => Some(Self::Session(id.to_owned())),
            "issue" => id.parse().ok().map(Self::Issue),
            "person" => Some(Self::Person(id.to_owned())),
            _ => None,
        }
    }
}

/// What the panel shows.
#[derive(Clone, Debug)]
pub(crate) enum Vm {
    /// A call.
    Call(Box<EventDetail>),
    /// A session with its first steps, and whether there are more.
    Session(Box<SessionRow>, Vec<EventRow>, More),
    /// An issue.
    Issue(Box<IssueDetail>),
    /// A person.
    Person(Box<PersonDetail>),
    /// Nothing of this name is here.
    Missing,
}

/// Whether a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More {
    /// It does.
    Yes,
    /// It is whole.
    No,
}

/// Asks for what is selected.
pub(crate) fn load(
    store: &dyn Store,
    key: ProjectKey,
    selected: &Selected,
    scope: &Scope,
) -> trackway_store::Result<Vm> {
    let found = match selected {
        Selected::Call(id) => store.event(key, id)?.map(|d| Vm::Call(Box::new(d))),
        Selected::Session(id) => match store.session(key, id)? {
            None => None,
            Some(row) => {
                let page = PageAsk { after: None, limit: STEPS };
                let steps = store.session_events(key, row.id.as_str(), &page)?;
                let more = if steps.next.is_some() { More::Yes } else { More::No };
                let (steps, _) = rounds::fold(steps.items, store.session_calls(key, row.id.as_str())?);
                Some(Vm::Session(Box::new(row), steps, more))
            }
        },
        Selected::Issue(id) => store.issue(key, *id, scope)?.map(|d| Vm::Issue(Box::new(d))),
        Selected::Person(id) => store.person(key, id)?.map(|d| Vm::Person(Box::new(d))),
    };
    Ok(found.unwrap_or(Vm::Missing))
}

/// The panel beside the page at `path`.
pub(crate) fn view(vm: &Vm, project: &str, path: &str, params: &Params) -> Markup {
    let close = format!("{path}{}", Params { sel: None, ..params.clone() }.query());
    let listed = params.carried().query();
    let (title, open, body) = match vm {
        Vm::Call(d) => {
            let session = d.row.session_id.as_ref();
            let open = session.map(|s| {
                format!("{}?sel={}", link::session(project, s.as_str()), link::encode(d.row.id.as_str()))
            });
            ("Call", open, call(d, project))
        }
        Vm::Session(row, steps, more) => {
            let open = format!("{}{listed}", link::session(project, row.id.as_str()));
            ("Session", Some(open), session(row, steps, *more, project))
        }
        Vm::Issue(d) => {
            let open = format!("{}/{}{listed}", link::path(project, "issues"), d.row.id);
            ("Issue", Some(open), issue(d, project))
        }
        Vm::Person(d) => {
            let open = format!("{}/{}", link::path(project, "people"), link::encode(d.row.actor.id.as_str()));
            ("Person", Some(open), person(d, project))
        }
        Vm::Missing => (
            "Nothing",
            None,
            html! { p.quiet data-testid="panel-missing" { "What this link selects is not here. It may have been deleted, or belong to another project." } },
        ),
    };
    html! {
        aside #panel.panelside aria-label=(format!("{title}, beside the list")) data-testid="panel" tabindex="-1" {
            header.panel-head {
                span.dim { (title) }
                span.grow {}
                @if let Some(open) = open { a.button #panel-open href=(open) { "Open page" } }
                a.quiet #panel-close href=(close) { (icon(Icon::Close)) span.sr { "Close the panel" } }
            }
            (body)
        }
    }
}

fn call(d: &EventDetail, project: &str) -> Markup {
    detail::view(&detail::Vm {
        step: d,
        offset_us: None,
        number: None,
        previous: None,
        next: None,
        diff: None,
        definition: None,
        may_split: false,
        project,
    })
}

fn session(row: &SessionRow, events: &[EventRow], more: More, project: &str) -> Markup {
    let base = link::session(project, row.id.as_str());
    let shown: Vec<&EventRow> = events.iter().filter(|e| !steps::is_listing(e.kind)).collect();
    let by = |field: &str, v: &str| {
        format!("{}{}", link::path(project, "sessions"), Params::default().and(field, "eq", v).query())
    };
    html! {
        h2 { (parts::person(row.actor.as_ref(), row.id.as_str(), &|v| by("person", v))) @if row.client.is_some() { span.dim { " through " } (parts::peer(row.client.as_ref(), &|v| by("client", v))) } }
        p.facts {
            span { (format::counted(row.tool_calls, "call", "calls")) @if row.errors > 0 { ", " span.bad { (format::count(row.errors)) " failed" } } }
            span { (format::span(row.duration_us())) }
            span { (parts::ending(row)) }
            span { (format::time(row.started_at, &format::day_clock(row.started_at))) }
        }
        div.track-cell { (parts::small_track(row)) }
        ol.mini {
            @for e in &shown {
                @let failed = steps::is_failure(e);
                li data-testid="panel-step" { a.failed[failed] href=(format!("{base}?sel={}", link::encode(e.id.as_str()))) {
                    span.sign.fail[failed] { (icon(parts::mark(e))) }
                    span.what { span.name { (parts::subject(e)) @if failed { span.sr { " failed" } } }
                        @match (&e.error, &e.intent) {
                            (Some(error), _) if failed => span.error { (hostile::line(&error.message, 80)) },
                            (_, Some(intent)) => span.intent { "“" (hostile::line(intent, 80)) "”" },
                            (_, None) => {},
                        }
                    }
                    span.took { @if let Some(us) = e.duration_us { (format::duration(us)) } }
                } }
            }
        }
        @if shown.is_empty() { p.quiet { "Only listings and handshakes so far." } }
        @if more == More::Yes { p.quiet { a href=(base) { "More steps in the replay" } } }
    }
}

fn sessions(rows: &[SessionRow], project: &str) -> Markup {
    html! {
        h3 { "Newest sessions" }
        @if rows.is_empty() { p.quiet { "None is kept any more." } }
        ul.mini { @for row in rows.iter().take(SESSIONS) {
            li { a href=(link::session(project, row.id.as_str())) {
                span.sign {}
                span.what { span.name { (format::time(row.started_at, &format::day_clock(row.started_at))) } (parts::small_track(row)) }
                span.took { (format::counted(row.tool_calls, "call", "calls")) @if row.errors > 0 { ", " span.bad { (format::count(row.errors)) " failed" } } }
            } }
        } }
    }
}

fn issue(d: &IssueDetail, project: &str) -> Markup {
    let row = &d.row;
    html! {
        h2 { (hostile::line(&row.title, 120)) }
        p.facts {
            @if let Some(tool) = &row.tool { span { (hostile::line(tool, 48)) } }
            span { (row.class.as_str().replace('_', " ")) }
            span { (format::counted(row.events, "event", "events")) " in " (format::counted(row.sessions, "session", "sessions")) }
            span { "last " (format::time(row.last_seen, &format::day_clock(row.last_seen))) }
        }
        p.error-text { (hostile::text(&d.sample_message.chars().take(1_000).collect::<String>())) }
        (sessions(&d.sessions, project))
    }
}

fn person(d: &PersonDetail, project: &str) -> Markup {
    let row = &d.row;
    let id = row.actor.id.as_str();
    html! {
        h2 { (hostile::line(row.actor.name.as_deref().filter(|n| !n.trim().is_empty()).unwrap_or(id), 80)) }
        p.facts {
            span.mono { (hostile::line(id, 60)) }
            span { (format::counted(row.tool_calls, "call", "calls")) " in " (format::counted(row.sessions, "session", "sessions")) }
            span { "last seen " (format::time(row.last_seen, &format::day_clock(row.last_seen))) }
        }
        @if !row.traits.is_empty() {
            dl.pairs { @for (key, value) in row.traits.iter().take(12) {
                @let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                div { dt { (hostile::line(key, 32)) } dd { (hostile::line(&text, 80)) } }
            } }
        }
        (sessions(&d.sessions, project))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_by_case() {
        for (text, expect) in [
            ("call:evt_1", Some(Selected::Call("evt_1".into()))),
            ("session:ses_a:b", Some(Selected::Session("ses_a:b".into()))),
            ("issue:12", Some(Selected::Issue(12))),
            ("person:a@b", Some(Selected::Person("a@b".into()))),
            ("issue:x", None),
            ("person:", None),
            ("evt_1", None),
            ("", None),
        ] {
            assert_eq!(Selected::parse(text), expect, "{text}");
        }
    }
}
