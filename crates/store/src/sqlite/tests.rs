//! The suite over SQLite, and what is special to files: locks, versions, damage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use trackway_event::{Event, EventId, Kind, Outcome, ProjectId, SessionId, Timestamp};

use super::*;
use crate::query::{Depth, PageAsk, Period, Scope, ToolPreset, ToolsAsk};
use crate::{NewProject, ProjectKey, Store, StoreError, conformance};

#[test]
fn conforms() {
    let dir = tempfile::tempdir().unwrap();
    let stores = std::cell::Cell::new(0);
    let make = || -> Arc<dyn Store> {
        stores.set(stores.get() + 1);
        SqliteStore::open(&dir.path().join(stores.get().to_string()), SqliteOptions::default()).unwrap()
    };
    conformance::run(&make);
}

#[test]
fn refuses_directories_it_cannot_use() {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &std::path::Path| SqliteStore::open(path, SqliteOptions::default());
    assert!(matches!(open(&dir.path().join("no/parent")), Err(StoreError::DataDir { .. })));
    let data = dir.path().join("data");
    let first = open(&data).unwrap();
    assert!(matches!(open(&data), Err(StoreError::Locked(_))));
    // Verbs work beside it.
    drop(SqliteStore::open_control(&data).unwrap());
    drop(first);
    let again = open(&data).unwrap();
    drop(again);
    let conn = rusqlite::Connection::open(data.join("trackway.db")).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    assert!(matches!(open(&data), Err(StoreError::Newer { found: 99, .. })));
    std::fs::write(data.join("trackway.db"), vec![7; 8192]).unwrap();
    assert!(matches!(open(&data), Err(StoreError::Corrupt { .. })));
}

fn at(n: u64) -> Timestamp {
    Timestamp::from_millis(1_772_445_600_000 + n as i64)
}

fn project(store: &SqliteStore) -> ProjectKey {
    let new = NewProject { id: ProjectId::parse("proj_a").unwrap(), name: "a".into(), demo: false };
    store.create_project(new, at(0)).unwrap().key
}

/// An event with some KiB that do not compress.
fn event(n: u64) -> Event {
    let mut random = [0; 16];
    random[..8].copy_from_slice(&n.to_be_bytes());
    let mut event = Event::new(EventId::mint(at(n), random), Kind::ToolCall, at(n));
    event.session_id = trackway_event::SessionId::foreign("s");
    let mut seed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let noise: String = (0..4_096)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            char::from(b'!' + (seed % 90) as u8)
        })
        .collect();
    event.arguments = trackway_event::json::payload_of(&noise);
    event
}

fn put(store: &SqliteStore, p: ProjectKey, events: Vec<Event>) -> crate::Result<Vec<Outcome>> {
    store.submit(p, events, at(0))?.blocking_recv().expect("an answer")
}

#[test]
fn what_is_too_much_to_count_is_unknown_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { counted_calls: 5, ..SqliteOptions::default() };
    let store = SqliteStore::open(dir.path(), options).unwrap();
    let p = project(&store);
    let call = |n| Event { tool: Some("search".into()), arguments: None, ..event(n) };
    put(&store, p, (0..5).map(call).collect()).unwrap();
    let period = Period { from: at(0), to: at(1_000) };
    let scope = Scope { period, filter: Default::default(), zone: crate::query::TimeZone::UTC };
    let ask = ToolsAsk {
        scope,
        kind: Kind::ToolCall,
        sort: None,
        preset: ToolPreset::All,
        depth: Depth::Whole,
        page: PageAsk { after: None, limit: 10 },
    };
    let found = store.tools(p, &ask).unwrap();
    assert_eq!((found.items[0].sessions, found.items[0].people, &found.partial), (Some(1), Some(0), &None));
    put(&store, p, vec![call(5)]).unwrap();
    let found = store.tools(p, &ask).unwrap();
    assert_eq!((found.items[0].calls.calls, found.items[0].sessions, found.items[0].people), (6, None, None));
    assert!(found.partial.is_some_and(|why| why.contains("too many calls")));
}

fn eventually(mut test: impl FnMut() -> bool) {
    let start = Instant::now();
    while !test() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never came true");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_full_disk_refuses_tells_and_recovers_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(u64::MAX));
    let asked = free.clone();
    let options = SqliteOptions {
        free_bytes: Arc::new(move |_| Some(asked.load(Ordering::Relaxed))),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(dir.path(), options).unwrap();
    let p = project(&store);
    put(&store, p, vec![event(1)]).unwrap();
    free.store(1_000, Ordering::Relaxed);
    assert!(matches!(put(&store, p, vec![event(2)]), Err(StoreError::DiskFull(_))));
    assert!(
        matches!(put(&store, p, vec![event(2)]), Err(StoreError::DiskFull(_))),
        "at once, the second time"
    );
    let health = store.health().unwrap();
    assert!(!health.writable && !health.reasons.is_empty());
    assert_eq!(store.session_events(p, "s", &PageAsk::default()).unwrap().items.len(), 1, "reads go on");
    free.store(u64::MAX, Ordering::Relaxed);
    eventually(|| store.health().unwrap().writable);
    assert_eq!(put(&store, p, vec![event(2)]).unwrap(), [Outcome::Stored]);
}

#[test]
fn a_commit_that_does_not_fit_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { max_pages: Some(300), ..SqliteOptions::default() };
    let store = SqliteStore::open(dir.path(), options).unwrap();
    let p = project(&store);
    let (mut stored, mut n) = (0, 0);
    loop {
        match put(&store, p, (n..n + 10).map(event).collect()) {
            Ok(outcomes) => stored += outcomes.len(),
            Err(StoreError::DiskFull(path)) => break assert!(path.ends_with("events.db")),
            Err(other) => panic!("{other}"),
        }
        n += 10;
        assert!(n < 5_000, "the limit was never reached");
    }
    assert!(stored > 0);
    let session = store.session(p, "s").unwrap().unwrap();
    assert_eq!(session.events, stored as u64);
    assert_eq!(store.intake(Some(p)).unwrap().stored, stored as u64);
    // After the refusal the writer's memory tells nothing that is not in the file: a small event may fit yet.
    std::thread::sleep(Duration::from_millis(600));
    let mut small = event(1_000_000);
    small.arguments = None;
    if put(&store, p, vec![small]).is_ok() {
        assert_eq!(store.session(p, "s").unwrap().unwrap().events, stored as u64 + 1);
    }
    drop(store);
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).unwrap();
    let before = store.session(p, "s").unwrap().unwrap().events;
    put(&store, p, (n..n + 10).map(event).collect()).unwrap();
    assert_eq!(
        store.session(p, "s").unwrap().unwrap().events,
        before + 10,
        "the refused ones were not half stored"
    );
}

#[test]
fn everything_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let open = || SqliteStore::open(dir.path(), SqliteOptions::default()).unwrap();
    let store = open();
    let p = project(&store);
    put(&store, p, (0..30).map(event).collect()).unwrap();
    let before = format!("{:?}", store.session(p, "s").unwrap());
    drop(store);
    let store = open();
    assert_eq!(format!("{:?}", store.session(p, "s").unwrap()), before);
    let outcomes = put(&store, p, (20..40).map(event).collect()).unwrap();
    assert_eq!(outcomes.iter().filter(|o| **o == Outcome::Stored).count(), 10);
    assert_eq!(store.session(p, "s").unwrap().unwrap().events, 40);
    assert!(store.event(p, event(25).id.as_str()).unwrap().unwrap().arguments.is_some());
}

#[test]
fn a_full_queue_refuses_and_a_slow_question_ends() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { read_deadline: Duration::from_millis(1), ..SqliteOptions::default() };
    let store = SqliteStore::open(dir.path(), options).unwrap();
    let p = project(&store);
    // Made before, so that they come faster than they can be stored.
    let bare = |n: u64| Event { arguments: None, ..event(n) };
    let batches: Vec<Vec<Event>> =
        (0..40).map(|b| (0..1_000).map(|i| bare(b * 1_000 + i)).collect()).collect();
    let (mut receipts, mut refused) = (Vec::new(), None);
    for batch in batches {
        match store.submit(p, batch, at(0)) {
            Ok(receipt) => receipts.push(receipt),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    assert!(matches!(refused, Some(StoreError::Overloaded)));
    for receipt in receipts {
        receipt.blocking_recv().unwrap().unwrap();
    }
    // Scanning for an id that is nowhere, or counting everything by rows, takes longer than a millisecond.
    let filter = trackway_core::filter::Filter { text: Some("absent".into()), ..Default::default() };
    let period = crate::query::Period { from: at(0), to: at(1_000_000_000) };
    let scope = crate::query::Scope { period, filter, zone: crate::query::TimeZone::UTC };
    let ask = crate::query::OverviewAsk { scope, compare: crate::query::Compare::None };
    match store.overview(p, &ask) {
        Err(StoreError::Deadline) => {}
        Ok(overview) => assert!(overview.partial.is_some()),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_deleted_project_leaves_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).unwrap();
    let p = project(&store);
    put(&store, p, vec![event(1)]).unwrap();
    let folder = dir.path().join("projects").join(p.0.to_string());
    assert!(folder.join("events.db").exists());
    // A verb beside the server marks; the server removes.
    let verb = SqliteStore::open_control(dir.path()).unwrap();
    verb.delete_project(p, at(1)).unwrap();
    eventually(|| !folder.exists());
    assert!(matches!(store.session(p, "s"), Err(StoreError::UnknownProject)));
    // And it sees a project that a verb makes, at once: whoever made one sends to it next.
    assert!(store.project("proj_b").unwrap().is_none());
    verb.create_project(
        &NewProject { id: ProjectId::parse("proj_b").unwrap(), name: "b".into(), demo: false },
        at(2),
    )
    .unwrap();
    assert!(store.project("proj_b").unwrap().is_some());
}

#[test]
fn an_operators_word_outlives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let start = || SqliteStore::open(&dir.path().join("data"), SqliteOptions::default()).unwrap();
    let put = |store: &SqliteStore, key, n: u32, second: i64| {
        let at = Timestamp::from_micros(second * 1_000_000);
        let mut event = Event::new(EventId::mint(at, [n as u8; 16]), Kind::ToolCall, at);
        event.session_id = SessionId::foreign("ses_a");
        let id = event.id.clone();
        store.submit(key, vec![event], at).unwrap().blocking_recv().unwrap().unwrap();
        id
    };
    let store = start();
    let new = NewProject { id: ProjectId::parse("proj_a").unwrap(), name: "a".into(), demo: false };
    let key = store.create_project(new, Timestamp::ZERO).unwrap().key;
    put(&store, key, 1, 10);
    let third = put(&store, key, 2, 30);
    let made = store.split_session(key, third.as_str(), Timestamp::ZERO).unwrap().unwrap();
    store.close().unwrap();
    drop(store);
    let store = start();
    put(&store, key, 3, 20);
    put(&store, key, 4, 31);
    let events = |id: &str| store.session(key, id).unwrap().unwrap().events;
    assert_eq!((events("ses_a"), events(made.as_str())), (2, 2));
}
