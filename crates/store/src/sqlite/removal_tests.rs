//! Old data and one person's data go, nothing else does, and a recount still comes out (F-150, F-151).

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use trackway_event::{Event, ProjectId, Timestamp};

use super::backup::{Copied, check, copy};
use super::*;
use crate::query::{PageAsk, Period, Scope, SessionTab, SessionsAsk};
use crate::{Cutoffs, Expired, NewProject, NewQuarantined, ProjectKey, Store};

/// 2026-03-02T10:00:00Z.
const NOON_MS: i64 = 1_772_445_600_000;
const DAY_MS: i64 = 86_400_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(NOON_MS + ms)
}

fn open(dir: &Path) -> Arc<SqliteStore> {
    SqliteStore::open(&dir.join("data"), SqliteOptions::default()).unwrap()
}

fn project(store: &SqliteStore, id: &str) -> ProjectKey {
    let new = NewProject { id: ProjectId::parse(id).unwrap(), name: id.into(), demo: false };
    store.create_project(new, at(0)).unwrap().key
}

/// A call of a session at a time, with words nobody else says.
fn call(session: &str, actor: Option<&str>, n: i64, ms: i64, word: &str) -> Event {
    let mut value = json!({"id": format!("evt_{session}_{n}"), "kind": "tool_call", "started_at": at(ms).to_string(),
        "session_id": session, "session_source": "given", "tool": "search", "status": "tool_error",
        "intent": format!("{word} intent"), "error": {"type": "E", "message": format!("{word} failed")},
        "arguments": {"q": format!("{word} argument")}, "tags": {"t": word}});
    if let Some(actor) = actor {
        value["actor"] = json!({"id": actor, "name": format!("{word} name"), "traits": {"mail": word}});
    }
    serde_json::from_value(value).unwrap()
}

fn put(store: &SqliteStore, key: ProjectKey, events: Vec<Event>) {
    let outcomes = store.submit(key, events, at(0)).unwrap().blocking_recv().unwrap().unwrap();
    assert!(outcomes.iter().all(|o| *o == trackway_event::Outcome::Stored), "{outcomes:?}");
}

fn sessions(store: &SqliteStore, key: ProjectKey) -> Vec<String> {
    let period = Period { from: at(-400 * DAY_MS), to: at(DAY_MS) };
    let scope = Scope { period, filter: Default::default(), zone: crate::query::TimeZone::UTC };
    let page = PageAsk { after: None, limit: 100 };
    let ask = SessionsAsk { scope, page, sort: Some("started".into()), tab: SessionTab::All };
    let mut ids: Vec<String> =
        store.sessions(key, &ask).unwrap().items.into_iter().map(|s| s.id.to_string()).collect();
    ids.sort();
    ids
}

/// Every counter against its rows, in a copy.
fn recount(dir: &Path, name: &str) {
    let into = dir.join(name);
    std::fs::create_dir(&into).unwrap();
    for file in copy(&dir.join("data"), &into).unwrap() {
        let Copied { path, .. } = &file;
        let checked = check(&into, &file).unwrap();
        assert!(checked.findings.is_empty(), "{path}: {:?}", checked.findings);
    }
}

/// Whether some file of the data directory holds a text, as it is.
fn on_disk(dir: &Path, text: &str) -> bool {
    let mut left = vec![dir.join("data")];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|w| w == text.as_bytes()) {
            return true;
        }
    }
    false
}

fn arguments(store: &SqliteStore, key: ProjectKey, id: &str) -> Option<Value> {
    let found = store.event(key, id).unwrap()?;
    found.arguments.map(|p| serde_json::from_str(p.get()).unwrap())
}

#[test]
fn old_data_goes_by_class_and_the_recount_comes_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let key = project(&store, "proj_a");
    // One commit, so that payloads of old and new events share a block.
    let mut events = Vec::new();
    for day in 0..40 {
        let session = format!("s{day:02}");
        events.extend((0..3).map(|n| call(&session, Some(&format!("u{day}")), n, -day * DAY_MS + n, "word")));
    }
    put(&store, key, events);
    let before = |days: i64| Some(at(-days * DAY_MS));
    let payloads = Cutoffs { payloads: before(10), ..Cutoffs::default() };
    let expect = Expired { payloads: 3 * 29 + 1, ..Expired::default() };
    // Day 10's first event starts exactly at the cut-off and stays; its others are a moment later.
    let would = store.would_expire(key, &payloads).unwrap();
    assert_eq!(would.payloads, expect.payloads - 1);
    let bytes = store.payload_bytes_before(key, payloads.payloads.unwrap()).unwrap();
    assert!(bytes > 0 && store.payload_bytes_before(key, at(-100 * DAY_MS)).unwrap() == 0, "{bytes}");
    assert_eq!(store.expire(key, &payloads).unwrap(), would);
    assert_eq!(arguments(&store, key, "evt_s11_0"), None);
    assert_eq!(arguments(&store, key, "evt_s10_0"), Some(json!({"q": "word argument"})));
    assert_eq!(sessions(&store, key).len(), 40, "events stay without their payloads");
    recount(dir.path(), "one");

    let cutoffs = Cutoffs { events: before(20), ..Cutoffs::default() };
    let would = store.would_expire(key, &cutoffs).unwrap();
    assert_eq!((would.sessions, would.events, would.people), (19, 57, 19));
    assert_eq!(store.expire(key, &cutoffs).unwrap(), would);
    assert_eq!(sessions(&store, key).len(), 21);
    assert!(
        store.event(key, "evt_s21_0").unwrap().is_none() && store.event(key, "evt_s20_0").unwrap().is_some()
    );
    assert_eq!(store.expire(key, &cutoffs).unwrap(), Expired::default(), "a second run finds nothing");
    recount(dir.path(), "two");

    let cutoffs = Cutoffs { rollups: before(5), rollup_days: before(50), ..Cutoffs::default() };
    let would = store.would_expire(key, &cutoffs).unwrap();
    assert!(would.rollups > 0);
    assert_eq!(store.expire(key, &cutoffs).unwrap().rollups, would.rollups);
    recount(dir.path(), "three");

    // Numbers go on where they were, and a replay of what went brings nothing back.
    let again = call("s39", Some("u39"), 0, -39 * DAY_MS, "word");
    let outcome = store.submit(key, vec![again], at(0)).unwrap().blocking_recv().unwrap().unwrap();
    assert_eq!(outcome, [trackway_event::Outcome::Duplicate]);
    put(&store, key, vec![call("new", Some("u1"), 1, 0, "later")]);
    drop(store);
    let store = open(dir.path());
    put(&store, key, vec![call("new", Some("u1"), 2, 1, "later")]);
    recount(dir.path(), "four");
}

#[test]
fn a_person_goes_with_everything_that_names_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (key, other) = (project(&store, "proj_a"), project(&store, "proj_b"));
    let canary = "ccanaryy";
    put(
        &store,
        key,
        vec![
            call("own", Some("canary-id"), 1, 0, canary),
            call("own", None, 2, 1, canary),
            call("shared", Some("canary-id"), 1, 2, canary),
            call("shared", Some("bob"), 2, 3, "bobs"),
            call("bobs", Some("bob"), 1, 4, "bobs"),
        ],
    );
    put(&store, other, vec![call("own", Some("canary-id"), 1, 0, "elsewhere")]);
    let kept = NewQuarantined {
        reason: trackway_event::DropReason::UnknownProject,
        project_text: Some("proj_none".into()),
        route: "/api/v1/ingest".into(),
        user_agent: None,
        bytes: 9,
        events: 1,
        body: br#"{"actor": {"id": "canary-id"}}"#.to_vec(),
        replayable: true,
    };
    store.quarantine(kept, at(0)).unwrap();
    let erased = store.erase_person(key, "canary-id", at(5)).unwrap().unwrap();
    assert_eq!((erased.people, erased.sessions, erased.events, erased.anonymous), (1, 1, 2, 1));
    assert_eq!((erased.quarantined, erased.ids.as_slice()), (1, &["canary-id".to_owned()][..]));
    assert!(store.person(key, "canary-id").unwrap().is_none());
    assert!(store.person(other, "canary-id").unwrap().is_some(), "another project's is none of this one's");
    assert_eq!(sessions(&store, key), ["bobs", "shared"]);
    let shared = store.session(key, "shared").unwrap().unwrap();
    assert_eq!((shared.events, shared.actor.map(|a| a.id.to_string())), (2, Some("bob".into())));
    let left = store.event(key, "evt_shared_1").unwrap().unwrap();
    assert!(left.row.intent.is_none() && left.arguments.is_none() && left.row.actor.is_none());
    assert_eq!(arguments(&store, key, "evt_shared_2"), Some(json!({"q": "bobs argument"})));
    assert!(store.erase_person(key, "canary-id", at(6)).unwrap().is_none(), "nobody has that id any more");
    store.delete_project(other, at(7)).unwrap();
    recount(dir.path(), "copy");
    store.close().unwrap();
    drop(store);
    std::fs::remove_dir_all(dir.path().join("data/projects").join(other.0.to_string())).ok();
    for text in [canary, "canary-id"] {
        assert!(!on_disk(dir.path(), text), "{text} is still in a file");
    }
}

#[test]
fn a_restore_repeats_the_deletions_it_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let key = project(&store, "proj_a");
    put(&store, key, vec![call("own", Some("ann"), 1, 0, "anns"), call("bobs", Some("bob"), 1, 1, "bobs")]);
    let backup = dir.path().join("backup");
    std::fs::create_dir(&backup).unwrap();
    copy(&dir.path().join("data"), &backup).unwrap();
    store.erase_person(key, "ann", at(2)).unwrap().unwrap();
    let deletions = store.control().deletions().unwrap();
    assert_eq!(deletions.len(), 1);
    assert!(!format!("{deletions:?}").contains("ann\""), "the id itself is not kept");
    drop(store);

    let restored = SqliteStore::open(&backup, SqliteOptions::default()).unwrap();
    assert!(restored.person(key, "ann").unwrap().is_some());
    for deletion in &deletions {
        restored.control().repeat(deletion).unwrap();
    }
    let begun = std::time::Instant::now();
    while restored.control().answer(&deletions[0].id).unwrap().is_none() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "the helper does what is asked");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(restored.person(key, "ann").unwrap().is_none() && restored.person(key, "bob").unwrap().is_some());
    assert_eq!(restored.control().deletions().unwrap(), deletions, "and it is kept for the next restore");
}

#[test]
fn what_was_put_down_to_a_person_outlives_its_session() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let key = project(&store, "proj_a");
    let old = -30 * DAY_MS;
    put(&store, key, vec![call("old", None, 1, old, "anns"), call("old", Some("ann"), 2, old + 1, "anns")]);
    put(&store, key, vec![call("new", Some("ann"), 1, 0, "anns"), call("new", None, 2, 1, "anns")]);
    let figures = || {
        let row = store.person(key, "ann").unwrap().unwrap().row;
        (row.tool_calls, row.errors, row.sessions, row.first_seen)
    };
    assert_eq!(figures(), (4, 4, 2, at(old)));
    store.expire(key, &Cutoffs { events: Some(at(-DAY_MS)), ..Cutoffs::default() }).unwrap();
    assert_eq!(figures(), (4, 4, 1, at(old)), "as what named them does");
    put(&store, key, vec![call("new", None, 3, 2, "anns")]);
    assert_eq!(figures(), (5, 5, 1, at(old)));
    store.erase_person(key, "ann", at(5)).unwrap().unwrap();
    put(&store, key, vec![call("again", Some("ann"), 1, 9, "anns")]);
    assert_eq!(figures(), (1, 1, 1, at(9)), "nothing of before comes back");
    recount(dir.path(), "copy");
}
