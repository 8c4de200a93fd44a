//! Events and shorthands of the suite.

use std::sync::Arc;

use trackway_core::filter::Filter;
use trackway_event::{
    Actor, ActorId, ErrorInfo, Event, EventId, IntentSource, Kind, Outcome, Peer, ProjectId, SessionId,
    SessionSource, Status, Timestamp, Tokens,
};

use crate::query::*;
use crate::{NewProject, ProjectKey, Store};

/// 2026-03-02T10:00:00Z, a Monday.
pub(super) const NOON: i64 = 1_772_445_600_000_000;
pub(super) const MINUTE: i64 = 60_000_000;

pub(super) fn at(us: i64) -> Timestamp {
    Timestamp::from_micros(NOON + us)
}

pub(super) fn project(store: &Arc<dyn Store>, id: &str) -> ProjectKey {
    let new = NewProject { id: ProjectId::parse(id).unwrap(), name: id.into(), demo: false };
    store.create_project(new, at(0)).unwrap().key
}

/// A finished tool call.
pub(super) fn call(n: u32, start: i64) -> Event {
    let mut random = [0; 16];
    random[..4].copy_from_slice(&n.to_be_bytes());
    let mut event = Event::new(EventId::mint(at(start), random), Kind::ToolCall, at(start));
    event.name = "tools/call".into();
    event.tool = Some("search".into());
    event.status = Some(Status::Ok);
    event.duration_us = Some(1_000 + u64::from(n) * 10);
    event.intent = Some(format!("find thing number {n}").into());
    event.intent_source = Some(IntentSource::Given);
    event.tokens = Some(Tokens { input: Some(10), output: Some(20), estimated: true });
    event
}

pub(super) fn failing(mut event: Event, message: &str) -> Event {
    event.status = Some(Status::ToolError);
    event.error = Some(Box::new(ErrorInfo {
        kind: Some("ValueError".into()),
        message: message.into(),
        ..ErrorInfo::default()
    }));
    event
}

pub(super) fn by(mut event: Event, actor: &str) -> Event {
    event.actor = Some(Box::new(Actor {
        id: ActorId::parse(actor).unwrap().0,
        name: None,
        traits: Default::default(),
    }));
    event
}

pub(super) fn with_client(mut event: Event, client: &str) -> Event {
    event.client = Some(Peer { name: client.into(), version: Some("1.0".into()) });
    event
}

pub(super) fn within(mut event: Event, session: &str) -> Event {
    event.session_id = SessionId::foreign(session);
    event.session_source = Some(SessionSource::Given);
    event
}

/// Submits in one batch and waits.
pub(super) fn put(store: &Arc<dyn Store>, project: ProjectKey, events: Vec<Event>) -> Vec<Outcome> {
    store.submit(project, events, at(0)).unwrap().blocking_recv().unwrap().unwrap()
}

/// Half a year around the suite's events: whole days, which a store may answer in another way than parts of one.
pub(super) fn scope() -> Scope {
    let quarter = 91 * 24 * 60 * MINUTE;
    Scope {
        period: Period { from: at(-quarter), to: at(quarter) },
        filter: Filter::default(),
        zone: crate::query::TimeZone::UTC,
    }
}

pub(super) fn sessions(store: &Arc<dyn Store>, project: ProjectKey) -> Vec<SessionRow> {
    let page = PageAsk { after: None, limit: 100 };
    let ask = SessionsAsk { scope: scope(), page, sort: Some("started".into()), tab: SessionTab::All };
    store.sessions(project, &ask).unwrap().items
}

/// Every event, newest first, over all pages of `limit`.
pub(super) fn events(store: &Arc<dyn Store>, project: ProjectKey, limit: usize) -> Vec<EventRow> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let ask = EventsAsk { scope: scope(), page: PageAsk { after, limit }, protocol: Protocol::Shown };
        let page = store.events(project, &ask).unwrap();
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// The partition of events into sessions: sorted lists of sorted event ids. Events without a session are left out.
pub(super) fn partition(store: &Arc<dyn Store>, project: ProjectKey) -> Vec<Vec<String>> {
    let mut sessions: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    for event in events(store, project, 100) {
        if let Some(session) = event.session_id {
            sessions.entry(session.to_string()).or_default().push(event.id.to_string());
        }
    }
    let mut partition: Vec<Vec<String>> = sessions.into_values().collect();
    partition.iter_mut().for_each(|s| s.sort());
    partition.sort();
    partition
}

/// Every order of the numbers below `n`.
pub(super) fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for order in orders(n - 1) {
        for place in 0..n {
            let mut longer = order.clone();
            longer.insert(place, n - 1);
            all.push(longer);
        }
    }
    all
}
