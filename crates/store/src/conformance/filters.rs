//! Filters that need more than a column: patterns, endings, signals, listings, what lies in payloads.

use std::sync::Arc;

use serde_json::json;
use trackway_core::filter::Filter;
use trackway_event::json::payload_of;
use trackway_event::{Event, Kind, Tokens};

use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store, StoreError};

/// One failing call after another, and what became of it.
fn story(session: &str, from: u32, calls: &str) -> Vec<Event> {
    let minute = |i: u32| i64::from(from + i) * MINUTE;
    (0u32..)
        .zip(calls.chars())
        .map(|(i, c)| {
            let mut e = within(call(from + i, minute(i)), session);
            e.tool = Some(if c.is_ascii_uppercase() { "read".into() } else { "write".into() });
            if c.eq_ignore_ascii_case(&'x') { failing(e, "disk full") } else { e }
        })
        .collect()
}

fn filled(store: &Arc<dyn Store>) -> ProjectKey {
    let p = project(store, "proj_a");
    let mut events = Vec::new();
    for (n, (session, calls)) in (0u32..).zip([
        ("done", "oO"),
        ("stuck", "xxxxxx"),
        ("partial", "xOo"),
        ("failed", "oX"),
        ("again", "xo"),
    ]) {
        events.extend(story(session, n * 100, calls));
    }
    // The same question and the same answer, over and over.
    events.extend(story("round", 600, "oooo").into_iter().map(|mut e| {
        e.arguments = payload_of(&json!({ "path": "a" }));
        e.result = payload_of(&json!({ "text": "nothing new" }));
        e
    }));
    let mut list = within(call(700, 700 * MINUTE), "done");
    list.kind = Kind::ToolsList;
    list.tool = None;
    list.result = payload_of(&json!({ "tools": [{ "name": "read", "inputSchema": { "type": "object" } }] }));
    list.bytes_out = Some(9_300);
    let mut told = within(call(701, 701 * MINUTE), "done");
    told.properties =
        payload_of(&json!({ "plan": { "tier": 3, "name": "Team" }, "a.b": true, "note": "50%" }));
    told.transport = payload_of(&json!({ "kind": "stdio" }));
    told.tokens = Some(Tokens { input: Some(1), output: Some(20_000), estimated: true });
    let mut http = within(call(702, 702 * MINUTE), "done");
    http.properties = payload_of(&json!({ "plan": { "tier": "2" } }));
    http.transport = payload_of(&json!({ "kind": "http" }));
    http.flags.truncated = true;
    let mut said = within(call(703, 703 * MINUTE), "again");
    said.kind = Kind::Feedback;
    events.extend([list, told, http, said]);
    assert!(put(store, p, events).iter().all(|o| *o == trackway_event::Outcome::Stored));
    p
}

fn asked(condition: &str) -> Scope {
    Scope { filter: Filter::parse([condition], None).unwrap(), ..scope() }
}

fn found(store: &Arc<dyn Store>, p: ProjectKey, condition: &str) -> (usize, Vec<String>) {
    let page = PageAsk { after: None, limit: 100 };
    let events = EventsAsk { scope: asked(condition), page: page.clone(), protocol: Protocol::Shown };
    let events = store.events(p, &events).unwrap_or_else(|e| panic!("{condition}: {e}"));
    let ask =
        SessionsAsk { scope: asked(condition), page, sort: Some("started".into()), tab: SessionTab::All };
    let sessions = store.sessions(p, &ask).unwrap_or_else(|e| panic!("{condition}: {e}"));
    (events.items.len(), sessions.items.iter().map(|s| s.id.to_string()).collect())
}

pub(super) fn filters_look_into_payloads_and_sessions(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = filled(&store);
    let all = ["done", "stuck", "partial", "failed", "again", "round"];
    let but = |left: &[&str]| all.iter().filter(|s| !left.contains(s)).copied().collect::<Vec<_>>();
    let mut wrong = Vec::new();
    for (condition, events, sessions) in [
        ("tool:re:^re[a-d]+$", 3, vec!["done", "partial", "failed"]),
        ("tool:re:RE", 0, vec![]),
        ("tool:re:(?i)^RE", 3, vec!["done", "partial", "failed"]),
        ("error:re:^disk (full|slow)$", 9, vec!["stuck", "partial", "failed", "again"]),
        ("session:re:^(do|st)", 11, vec!["done", "stuck"]),
        ("prop.plan.tier:gt:2", 1, vec!["done"]),
        ("prop.plan.tier:set", 2, vec!["done"]),
        ("prop.plan.tier:eq:2", 1, vec!["done"]),
        ("prop.plan.tier:in:2,3", 2, vec!["done"]),
        ("prop.plan.name:has:TEA", 1, vec!["done"]),
        ("prop.plan.name:re:^T", 1, vec!["done"]),
        ("prop.a.b:eq:true", 1, vec!["done"]),
        ("prop.note:has:%", 1, vec!["done"]),
        ("prop.absent:set", 0, vec![]),
        ("prop.absent:unset", 23, all.to_vec()),
        ("prop.plan.tier:unset", 21, but(&["done"])),
        ("transport:eq:stdio", 1, vec!["done"]),
        ("transport:ne:stdio", 22, but(&["done"])),
        ("catalog:set", 5, vec!["done"]),
        ("catalog:unset", 18, but(&["done"])),
        ("catalog:eq:0000", 0, vec![]),
        ("ending:eq:stuck", 10, vec!["stuck", "round"]),
        ("ending:in:stuck,failed", 12, vec!["stuck", "failed", "round"]),
        ("ending:ne:stuck", 13, but(&["stuck", "round"])),
        ("ending:set", 23, all.to_vec()),
        ("signal:eq:loop", 10, vec!["stuck", "round"]),
        ("signal:eq:recovered", 6, vec!["partial", "again"]),
        ("signal:eq:heavy", 1, vec!["done"]),
        ("signal:eq:truncated", 1, vec!["done"]),
        ("signal:eq:feedback", 1, vec!["again"]),
        ("signal:eq:missing", 0, vec![]),
        ("signal:in:heavy,loop", 11, vec!["done", "stuck", "round"]),
        ("signal:nin:heavy,truncated", 21, but(&["done"])),
        ("client_raw:unset", 23, all.to_vec()),
    ] {
        let (n, ids) = found(&store, p, condition);
        if (n, &ids) != (events, &sessions.iter().map(|s| (*s).to_owned()).collect()) {
            wrong.push(format!("{condition}: {n} {ids:?}, not {events} {sessions:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // What a list filters by is what its rows show.
    for row in sessions(&store, p) {
        let ending = row.ending.unwrap();
        let (_, ids) = found(&store, p, &format!("ending:eq:{}", ending.as_str()));
        assert!(ids.contains(&row.id.to_string()), "{} ended {}", row.id, ending.as_str());
        let (_, ids) = found(&store, p, "signal:eq:recovered");
        assert_eq!(ids.contains(&row.id.to_string()), row.attempts.recovered > 0, "{}", row.id);
    }
    tabs_hold_what_rows_show(&store, p);
    // And the prefix of a listing's hash finds who saw it.
    let catalogs = store.catalogs(p, &scope()).unwrap();
    let hash = catalogs.items[0].hash.clone();
    assert_eq!(found(&store, p, &format!("catalog:eq:{}", &hash[..8])).1, ["done"]);
}

/// A tab holds exactly the sessions whose row says so, and the counts are theirs.
pub(super) fn tabs_hold_what_rows_show(store: &Arc<dyn Store>, p: ProjectKey) {
    let all = sessions(store, p);
    for tab in SessionTab::ALL {
        assert_eq!(SessionTab::parse(tab.as_str()), Some(tab));
        let belongs = |row: &&SessionRow| match tab {
            SessionTab::All => true,
            SessionTab::WorthALook => !row.why.is_empty(),
            SessionTab::Failed => row.errors > 0,
            SessionTab::Stuck => row.ending == Some(Ending::Stuck),
            SessionTab::AskedForMore => row.missing_reports > 0,
        };
        let expect: Vec<String> = all.iter().filter(belongs).map(|row| row.id.to_string()).collect();
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = PageAsk { after, limit: 2 };
            let ask = SessionsAsk { scope: scope(), page, sort: Some("started".into()), tab };
            let page = store.sessions(p, &ask).unwrap();
            ids.extend(page.items.iter().map(|row| row.id.to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(ids, expect, "{tab:?}");
    }
    let n = |of: fn(&&SessionRow) -> bool| all.iter().filter(of).count() as u64;
    let counts =
        SessionCounts { all: n(|_| true), failed: n(|r| r.errors > 0), asked: n(|r| r.missing_reports > 0) };
    assert_eq!(store.session_counts(p, scope().period).unwrap(), counts);
    // In the order of what the rows show.
    let page = PageAsk { after: None, limit: 100 };
    let ask = SessionsAsk { scope: scope(), page, sort: Some("context".into()), tab: SessionTab::All };
    assert!(store.sessions(p, &ask).unwrap().items.is_sorted_by_key(|row| row.context));
}

pub(super) fn a_slow_pattern_ends(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let mut event = failing(call(1, 0), &"a".repeat(4_000));
    event.session_id = None;
    put(&store, p, vec![event]);
    // Slow to match, but linear: it ends.
    let ask = EventsAsk {
        scope: asked("error:re:^(a*)*(a*)*(a|b|ab){20}c$"),
        page: PageAsk { after: None, limit: 10 },
        protocol: Protocol::Shown,
    };
    match store.events(p, &ask) {
        Ok(page) => assert!(page.items.is_empty()),
        Err(error) => assert!(matches!(error, StoreError::Deadline), "{error}"),
    }
}
