//! A changed rule is followed by what is stored and by what comes, and changed back (wire-posthog cases 44 and 55).

use std::sync::Arc;

use serde_json::{Value, json};
use trackway_event::{Event, ProjectId, Timestamp};

use crate::query::{Attributed, EventsAsk, PageAsk, Period, Protocol, Scope, Verdict};
use crate::sqlite::{SqliteOptions, SqliteStore};
use crate::{NewProject, ProjectKey, Rules, Store};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_772_445_600_000 + ms)
}

fn event(n: i64, more: Value) -> Event {
    let mut value = json!({"id": format!("evt_{n}"), "kind": "tool_call", "started_at": at(n).to_string(), "tool": "search",
        "status": "ok", "session_source": "given"});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn put(store: &SqliteStore, key: ProjectKey, events: Vec<Event>) {
    store.submit(key, events, at(0)).unwrap().blocking_recv().unwrap().unwrap();
}

fn set(store: &SqliteStore, key: ProjectKey, name: &str, value: Option<&str>) {
    store.set_setting(key, name, value).unwrap();
    store.follow_rules().unwrap();
}

fn calls(store: &SqliteStore, key: ProjectKey, id: &str) -> u64 {
    store.person(key, id).unwrap().map_or(0, |p| p.row.tool_calls)
}

/// Events that belong to somebody, and those that only their session gives to somebody.
fn owned(store: &SqliteStore, key: ProjectKey) -> (usize, usize) {
    let period = Period { from: at(-1_000_000), to: at(1_000_000_000) };
    let scope = Scope { period, filter: Default::default(), zone: crate::query::TimeZone::UTC };
    let ask = EventsAsk { scope, page: PageAsk { after: None, limit: 200 }, protocol: Protocol::Shown };
    let rows = store.events(key, &ask).unwrap().items;
    let linked = rows.iter().filter(|r| r.attributed == Some(Attributed::Session)).count();
    (rows.iter().filter(|r| r.actor.is_some()).count(), linked)
}

fn open(dir: &std::path::Path) -> (Arc<SqliteStore>, ProjectKey) {
    let store = SqliteStore::open(&dir.join("data"), SqliteOptions::default()).unwrap();
    let new = NewProject { id: ProjectId::parse("proj_a").unwrap(), name: "a".into(), demo: false };
    let key = match store.project("proj_a").unwrap() {
        Some(project) => project.key,
        None => store.create_project(new, at(0)).unwrap().key,
    };
    (store, key)
}

#[test]
fn case_44_sessions_link_unless_the_project_says_no() {
    let dir = tempfile::tempdir().unwrap();
    let (store, key) = open(dir.path());
    let anonymous = |n: i64| event(n, json!({"session_id": "s1"}));
    put(&store, key, vec![anonymous(1), event(2, json!({"session_id": "s1", "actor": {"id": "u1"}}))]);
    assert_eq!((calls(&store, key, "u1"), owned(&store, key)), (2, (2, 1)));
    set(&store, key, Rules::LINK_SESSIONS, Some("off"));
    assert_eq!((calls(&store, key, "u1"), owned(&store, key)), (1, (1, 0)), "what is stored follows");
    put(&store, key, vec![anonymous(3), event(4, json!({"session_id": "s2", "actor": {"id": "u2"}}))]);
    put(&store, key, vec![event(5, json!({"session_id": "s2"}))]);
    assert_eq!((calls(&store, key, "u1"), calls(&store, key, "u2")), (1, 1), "what comes follows");
    // It is known again after a restart, and so is a change that was made meanwhile.
    drop(store);
    let (store, key) = open(dir.path());
    put(&store, key, vec![anonymous(6)]);
    assert_eq!(calls(&store, key, "u1"), 1);
    set(&store, key, Rules::LINK_SESSIONS, None);
    assert_eq!((calls(&store, key, "u1"), calls(&store, key, "u2")), (4, 2), "nothing was lost by it");
    assert_eq!(owned(&store, key), (6, 4));
}

#[test]
fn case_55_a_second_user_is_attached_only_in_compatible_mode() {
    let dir = tempfile::tempdir().unwrap();
    let (store, key) = open(dir.path());
    let identify = |n: i64, user: &str, anon: &str| {
        event(
            n,
            json!({"kind": "identify", "tool": null, "actor": {"id": user}, "identity": {"anon_distinct_id": anon}}),
        )
    };
    put(&store, key, vec![event(1, json!({"actor": {"id": "a1"}})), identify(2, "u1", "a1")]);
    put(&store, key, vec![identify(3, "u1", "a2"), identify(4, "u2", "a1")]);
    let ids = |id: &str| {
        let mut ids: Vec<String> =
            store.person(key, id).unwrap().unwrap().ids.iter().map(|i| i.id.to_string()).collect();
        ids.sort();
        ids
    };
    let verdicts = || {
        let merges = store.person(key, "u1").unwrap().unwrap().merges;
        merges.iter().map(|m| m.verdict).collect::<Vec<Verdict>>()
    };
    assert_eq!((ids("u1"), ids("u2")), (vec!["a1".into(), "a2".into(), "u1".into()], vec!["u2".to_owned()]));
    assert_eq!(verdicts().last(), Some(&Verdict::SecondUser));
    set(&store, key, Rules::MERGES, Some("compatible"));
    assert_eq!(ids("u2"), ["a1", "a2", "u1", "u2"]);
    assert_eq!((verdicts().last(), calls(&store, key, "u2")), (Some(&Verdict::Merged), 1));
    put(&store, key, vec![identify(5, "u3", "a2"), event(6, json!({"actor": {"id": "u3"}}))]);
    assert_eq!(ids("u3").len(), 5, "what comes follows");
    set(&store, key, Rules::MERGES, Some("safe"));
    assert_eq!((ids("u1").len(), ids("u2").len(), ids("u3").len()), (3, 1, 1), "and changed back");
}

#[test]
fn a_rule_is_followed_in_steps() {
    let dir = tempfile::tempdir().unwrap();
    let (store, key) = open(dir.path());
    let sessions = super::STEP as i64 + 7;
    let pair = |n: i64| {
        let session = format!("s{n}");
        [
            event(n * 2, json!({"session_id": session})),
            event(n * 2 + 1, json!({"session_id": session, "actor": {"id": "u1"}})),
        ]
    };
    for from in (0..sessions).step_by(400) {
        put(&store, key, (from..sessions.min(from + 400)).flat_map(pair).collect());
    }
    assert_eq!(calls(&store, key, "u1"), 2 * sessions as u64);
    set(&store, key, Rules::LINK_SESSIONS, Some("off"));
    assert_eq!(calls(&store, key, "u1"), sessions as u64);
    set(&store, key, Rules::LINK_SESSIONS, Some("on"));
    assert_eq!(calls(&store, key, "u1"), 2 * sessions as u64);
}
