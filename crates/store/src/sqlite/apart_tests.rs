//! A group that is taken out while its failures are still where they were: an end of the process, and what follows it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use trackway_event::{ErrorInfo, Event, EventId, Kind, Peer, ProjectId, Status, Timestamp};

use super::commit::apart;
use super::{SqliteOptions, SqliteStore, open};
use crate::query::{IssueTab, ListAsk, PageAsk, Period, Scope, TakeOut, TimeZone};
use crate::{NewProject, ProjectKey, Store};

fn at(n: u64) -> Timestamp {
    Timestamp::from_millis(1_772_445_600_000 + n as i64)
}

fn failure(n: u64) -> Event {
    let mut random = [0; 16];
    random[..8].copy_from_slice(&n.to_be_bytes());
    let mut event = Event::new(EventId::mint(at(n), random), Kind::ToolCall, at(n));
    (event.tool, event.status) = (Some("search".into()), Some(Status::ToolError));
    let name = if n.is_multiple_of(2) { "zed" } else { "cursor" };
    event.client = Some(Peer { name: name.into(), version: None });
    event.error = Some(Box::new(ErrorInfo { message: "gone".into(), ..ErrorInfo::default() }));
    event
}

fn put(store: &Arc<SqliteStore>, p: ProjectKey, events: Vec<Event>) {
    store.submit(p, events, at(0)).unwrap().blocking_recv().unwrap().unwrap();
}

fn ask() -> ListAsk {
    let period = Period { from: at(0), to: at(1_000_000) };
    let scope = Scope { period, filter: Default::default(), zone: TimeZone::UTC };
    ListAsk { scope, page: PageAsk::default(), sort: Some("first".into()) }
}

#[test]
fn what_was_not_moved_yet_is_moved_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).unwrap();
    let new = NewProject { id: ProjectId::parse("proj_a").unwrap(), name: "a".into(), demo: false };
    let p = store.create_project(new, at(0)).unwrap().key;
    put(&store, p, (0..40).map(failure).collect());
    drop(store);
    // One step of the work, as if the process had ended after it.
    let conn = open::writable(&dir.path().join("projects/1/events.db"), &open::LEDGER, 64).unwrap();
    assert!(apart::take_out(&conn, 1, &TakeOut::Client("zed".into()), ("ann", at(50))).unwrap());
    assert!(apart::is_open(&conn).unwrap(), "forty failures are more than one step");
    drop(conn);
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).unwrap();
    put(&store, p, vec![failure(41), failure(42)]);
    let begun = Instant::now();
    while store.issue(p, 1, &ask().scope).unwrap().unwrap().taken_out[0].moving {
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody moves them");
        std::thread::sleep(Duration::from_millis(20));
    }
    let told: Vec<(u64, Timestamp, Timestamp)> = store
        .issues(p, &ask(), IssueTab::All)
        .unwrap()
        .page
        .items
        .iter()
        .map(|row| (row.events, row.first_seen, row.last_seen))
        .collect();
    assert_eq!(told, [(21, at(0), at(42)), (21, at(1), at(41))]);
}
