//! The set-up checklist (`dashboard.md` §7.1): what is recorded, what could be, and the line that gets it.
//!
//! Made from the newest events and sessions; shown by set-up and, until done, by the overview.

use std::collections::BTreeMap;

use maud::{Markup, html};
use trackway_event::Kind;
use trackway_store::query::{EventRow, SessionRow};

use super::format;
use super::icons::{Icon, icon};

/// Calls below which coverage says nothing.
const ENOUGH: u64 = 10;

/// What was found in the newest events and sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Checklist {
    /// Events looked at.
    pub events: u64,
    /// Tool calls among them.
    pub calls: u64,
    /// Of these, with an intent.
    pub with_intent: u64,
    /// Sessions looked at.
    pub sessions: u64,
    /// Of these, with more than one call.
    pub stitched: u64,
    /// Of these, with a person.
    pub identified: u64,
    /// Events whose clock had to be corrected.
    pub clock_corrected: u64,
    /// Whether the project says what it keeps of what it is sent.
    pub reviewed: bool,
}

impl Checklist {
    /// Looks at the newest events and sessions.
    pub(crate) fn of(events: &[EventRow], sessions: &[SessionRow]) -> Self {
        let calls = || events.iter().filter(|e| e.kind == Kind::ToolCall);
        let n = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Self {
            events: n(events.len()),
            calls: n(calls().count()),
            with_intent: n(calls().filter(|e| e.intent.is_some()).count()),
            sessions: n(sessions.len()),
            stitched: n(sessions.iter().filter(|s| s.tool_calls > 1).count()),
            identified: n(sessions.iter().filter(|s| s.actor.is_some()).count()),
            clock_corrected: n(events
                .iter()
                .filter(|e| e.notes.iter().any(|n| n == "clock_corrected"))
                .count()),
            reviewed: false,
        }
    }

    /// With what the project's settings say of redaction and capture.
    pub(crate) fn with_settings(self, set: &BTreeMap<String, String>) -> Self {
        let says = |key: &str| key == "capture" || key.starts_with("redact.");
        Self { reviewed: set.keys().any(|key| says(key)), ..self }
    }

    /// Whether nothing is left to do.
    pub(crate) fn done(&self) -> bool {
        self.items().iter().all(|item| item.done)
    }

    /// What to warn of, once there is enough to judge by.
    pub(crate) fn warnings(&self) -> Vec<&'static str> {
        let mut out = Vec::new();
        if self.calls >= ENOUGH && self.with_intent * 2 < self.calls {
            out.push("Most calls carry no intent");
        }
        if self.sessions >= ENOUGH && self.stitched * 2 < self.sessions {
            out.push("Most sessions hold one call");
        }
        if self.sessions >= ENOUGH && self.identified == 0 {
            out.push("Nobody is identified");
        }
        out
    }

    fn items(&self) -> Vec<Item> {
        let of =
            |n: u64, all: u64, what: &str| format!("{} of {} {what}", format::count(n), format::count(all));
        vec![
            Item {
                done: self.events > 0,
                text: if self.events > 0 { "Events arrive".to_owned() } else { "No event yet".to_owned() },
                how: "add a source, start your server once and call a tool",
            },
            Item {
                done: self.events > 0 && self.clock_corrected == 0,
                text: if self.events == 0 {
                    "No clock seen yet".to_owned()
                } else if self.clock_corrected == 0 {
                    "Clocks agree".to_owned()
                } else {
                    format!("Clock corrected on {}", format::counted(self.clock_corrected, "event", "events"))
                },
                how: "set the clock of the machine your server runs on",
            },
            Item {
                done: self.calls > 0 && self.with_intent * 2 >= self.calls,
                text: format!("Intent on {}", of(self.with_intent, self.calls, "calls")),
                how: "wrap asks agents by itself (--context required); in the SDKs turn enableToolCallContext on",
            },
            Item {
                done: self.sessions > 0 && self.stitched * 2 >= self.sessions,
                text: format!("More than one call in {}", of(self.stitched, self.sessions, "sessions")),
                how: "stateless servers are stitched once a person and a client are known: identify users",
            },
            Item {
                done: self.identified > 0,
                text: format!("A person in {}", of(self.identified, self.sessions, "sessions")),
                how: "wrap: --identify-arg NAME of the argument that names the user; in the SDKs the identify option",
            },
            Item {
                done: self.reviewed,
                text: if self.reviewed {
                    "What is kept is chosen".to_owned()
                } else {
                    "What is kept is as it comes: all, but credentials".to_owned()
                },
                how: "Settings, Privacy: capture level, names and texts that are masked",
            },
        ]
    }
}

struct Item {
    done: bool,
    text: String,
    how: &'static str,
}

/// What the list is put aside by, for good (`wanted`).
pub(crate) const KEY: &str = "checklist";

/// Where the list is shown.
pub(crate) enum Shown {
    /// On the set-up page.
    Setup,
    /// On the overview, with the way to the set-up page, and where to post that it is not wanted there any more.
    Overview {
        /// Path of the set-up page.
        setup: String,
        /// Path of the form; `None`: the reader may not.
        put_aside: Option<String>,
    },
}

/// The list.
pub(crate) fn view(checklist: &Checklist, shown: &Shown) -> Markup {
    let (setup, put_aside) = match shown {
        Shown::Setup => (None, None),
        Shown::Overview { setup, put_aside } => (Some(setup), put_aside.as_ref()),
    };
    html! {
        section.panel data-testid="checklist" {
            h2 { "Set-up" @if let Some(href) = setup { a.aside href=(href) { "Add a source" } } }
            @let items = checklist.items();
            @let done = items.iter().filter(|item| item.done).count();
            // Where it stands among figures, what is done takes one line.
            @let shortly = setup.is_some() && done > 0;
            ul.checks {
                @if shortly { li.done { (icon(Icon::Tick)) span { (done) " of " (items.len()) " done" } } }
                @for item in items.iter().filter(|item| !(shortly && item.done)) {
                li.done[item.done] { (icon(if item.done { Icon::Tick } else { Icon::Open }))
                    div { span { (item.text) span.sr { @if item.done { ", done" } @else { ", open" } } } @if !item.done { p.dim { (item.how) } } } }
            } }
            @if let Some(href) = put_aside {
                form method="post" action=(href) data-testid="checklist-aside" {
                    input type="hidden" name="key" value=(KEY);
                    input type="hidden" name="why" value="the set-up is as it should be";
                    button.quiet { "Do not show this here" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_only_with_enough_to_judge_by() {
        let few = Checklist { events: 5, calls: 5, sessions: 5, ..Checklist::default() };
        assert_eq!(few.warnings(), Vec::<&str>::new());
        let bare = Checklist { events: 50, calls: 50, sessions: 20, ..Checklist::default() };
        assert_eq!(bare.warnings().len(), 3);
        assert!(!bare.done());
        let good = Checklist {
            events: 50,
            calls: 50,
            with_intent: 40,
            sessions: 20,
            stitched: 15,
            identified: 3,
            clock_corrected: 0,
            reviewed: true,
        };
        assert!(good.done() && good.warnings().is_empty());
    }
}
