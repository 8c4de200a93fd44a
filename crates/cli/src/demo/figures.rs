//! The demo's figures as they are on record, compared with what the agents did.
//!
//! Called by `demo`. Invariant: recorded figures come from the store's questions, those of the dashboard, and from its rows;
//! none is taken from the driver.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};
use trackway_event::Kind;
use trackway_shop::LoadReport;
use trackway_store::query::{
    Compare, EventRow, EventsAsk, IssueTab, ListAsk, OverviewAsk, PageAsk, Period, Protocol, Scope,
};
use trackway_store::{ProjectKey, Result, Store};

use crate::verb::now;

/// Rows asked for at a time.
const PAGE: usize = 100;
/// The scenarios reach back 15 days; the clock of a busy machine may be a little ahead of its sessions.
const DAY_US: i64 = 86_400 * 1_000_000;

/// What is on record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    sessions: u64,
    calls: u64,
    failures: u64,
    people: u64,
    clients: u64,
    issues: u64,
    wishes: u64,
    intents: u64,
    readings: u64,
    /// Rows of tool calls; the same number as `calls`, found another way.
    call_rows: u64,
}

impl Figures {
    /// Asks the store.
    pub(super) fn on_record(store: &dyn Store, project: ProjectKey) -> Result<Self> {
        let period = Period { from: now().plus_micros(-20 * DAY_US), to: now().plus_micros(DAY_US) };
        let scope = Scope { period, filter: Default::default(), zone: trackway_store::query::TimeZone::UTC };
        let overview =
            store.overview(project, &OverviewAsk { scope: scope.clone(), compare: Compare::None })?;
        let mut figures = Self {
            sessions: overview.now.sessions,
            calls: overview.now.calls.calls,
            failures: overview.now.calls.failed,
            people: overview.now.people,
            clients: overview.now.clients,
            wishes: overview.now.missing_reports,
            ..Self::default()
        };
        pages(|page| {
            let issues =
                store.issues(project, &ListAsk { scope: scope.clone(), page, sort: None }, IssueTab::All)?;
            figures.issues += issues.page.items.len() as u64;
            Ok(issues.page.next)
        })?;
        pages(|page| {
            let events = store
                .events(project, &EventsAsk { scope: scope.clone(), page, protocol: Protocol::Hidden })?;
            events.items.iter().for_each(|event| figures.add(event));
            Ok(events.next)
        })?;
        Ok(figures)
    }

    fn add(&mut self, event: &EventRow) {
        if event.kind == Kind::ToolCall {
            self.call_rows += 1;
            self.intents += u64::from(event.intent.is_some());
        } else if matches!(event.kind, Kind::ResourceRead | Kind::PromptGet) {
            self.readings += 1;
        }
    }

    /// What is not as the agents did it, in words.
    pub(super) fn differences(&self, report: &LoadReport) -> Vec<String> {
        let total = report.total();
        let sum =
            |of: fn(&trackway_shop::SessionReport) -> usize| report.sessions.iter().map(of).sum::<usize>();
        let people: BTreeSet<&str> =
            report.sessions.iter().filter_map(|session| session.user.as_deref()).collect();
        let clients: BTreeSet<&str> = report.sessions.iter().map(|session| session.client.as_str()).collect();
        [
            ("sessions", self.sessions, report.sessions.len()),
            ("calls", self.calls, total.calls),
            ("calls as rows", self.call_rows, total.calls),
            ("failures", self.failures, total.tool_errors + total.protocol_errors),
            ("people", self.people, people.len()),
            ("clients", self.clients, clients.len()),
            ("wishes", self.wishes, report.missing_reports()),
            ("intents", self.intents, sum(|session| session.intents)),
            ("resources and prompts", self.readings, sum(|session| session.readings)),
        ]
        .into_iter()
        .filter(|(_, found, expected)| *found != *expected as u64)
        .map(|(what, found, expected)| format!("{what}: {found} on record, {expected} done"))
        .collect()
    }

    /// For `--json`.
    pub(super) fn as_json(&self) -> Value {
        json!({ "sessions": self.sessions, "calls": self.calls, "failures": self.failures, "people": self.people,
            "clients": self.clients, "issues": self.issues, "wishes": self.wishes, "intents": self.intents,
            "readings": self.readings })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (figure, what) in [
            (self.sessions, "agent sessions"),
            (self.calls, "tool calls"),
            (self.intents, "of them with the agent's own reason"),
            (self.failures, "failures"),
            (self.issues, "issues the failures are grouped into"),
            (self.wishes, "wishes for tools that are not there"),
            (self.people, "people"),
            (self.clients, "clients"),
        ] {
            writeln!(f, "{figure:>7}  {what}")?;
        }
        Ok(())
    }
}

/// Asks for page after page.
fn pages(mut ask: impl FnMut(PageAsk) -> Result<Option<String>>) -> Result<()> {
    let mut after = None;
    loop {
        after = ask(PageAsk { after, limit: PAGE })?;
        if after.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use trackway_shop::{SessionReport, ToolCount};

    use super::*;

    #[test]
    fn every_difference_is_named() {
        let mut session =
            SessionReport { name: "a".into(), client: "cursor".into(), ..SessionReport::default() };
        session.tools.insert("search".into(), ToolCount { calls: 3, tool_errors: 1, ..ToolCount::default() });
        session.intents = 2;
        let report = LoadReport { sessions: vec![session], failed: vec![] };
        let right = Figures {
            sessions: 1,
            calls: 3,
            call_rows: 3,
            failures: 1,
            clients: 1,
            intents: 2,
            ..Figures::default()
        };
        assert_eq!(right.differences(&report), Vec::<String>::new());
        let wrong = Figures { calls: 2, people: 1, ..right };
        assert_eq!(wrong.differences(&report), ["calls: 2 on record, 3 done", "people: 1 on record, 0 done"]);
    }
}
