//! Fragments of one conversation are one session in every list (D14), and two again when an operator says so; events stay.

use std::sync::Arc;

use trackway_event::{Event, Peer, SessionId, SessionSource};

use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store};

const SECOND: i64 = 1_000_000;

/// A call of an MCP session from one client to one server.
fn step(n: u32, start: i64, session: &str) -> Event {
    let mut event = with_client(call(n, start), "claude-ai");
    event.session_id = SessionId::foreign(session);
    event.session_source = Some(SessionSource::McpSession);
    event.server = Some(Peer { name: "shop".into(), version: None });
    event
}

fn ids(store: &Arc<dyn Store>, p: ProjectKey) -> Vec<String> {
    sessions(store, p).iter().map(|s| s.id.to_string()).collect()
}

/// A conversation of three fragments, the middle one failing; somebody else's session; another server's.
fn conversation() -> Vec<Event> {
    let mut elsewhere = by(step(7, 65 * SECOND, "other-server"), "ann");
    elsewhere.server = Some(Peer { name: "bank".into(), version: None });
    vec![
        by(step(1, 0, "a"), "ann"),
        by(step(2, 60 * SECOND, "a"), "ann"),
        by(failing(step(3, 62 * SECOND, "b"), "no"), "ann"),
        by(step(4, 70 * SECOND, "b"), "ann"),
        by(step(5, 70 * SECOND + 20 * MINUTE, "c"), "ann"),
        by(step(6, 61 * SECOND, "bob's"), "bob"),
        elsewhere,
        // Much later: another conversation.
        by(step(8, 120 * MINUTE, "d"), "ann"),
    ]
}

pub(super) fn fragments_are_one_session_in_any_order(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let all = conversation();
    let mut orders: Vec<Vec<usize>> = vec![(0..8).collect(), (0..8).rev().collect()];
    orders.extend([vec![2, 0, 4, 1, 3, 5, 6, 7], vec![4, 7, 2, 6, 1, 5, 3, 0], vec![1, 3, 5, 7, 0, 2, 4, 6]]);
    for (i, order) in orders.iter().enumerate() {
        for single in [false, true] {
            let p = project(&store, &format!("proj_order{i}{single}"));
            let events = order.iter().map(|n| all[*n].clone());
            if single {
                events.for_each(|e| drop(put(&store, p, vec![e])));
            } else {
                put(&store, p, events.collect());
            }
            assert_eq!(ids(&store, p), ["a", "bob's", "other-server", "d"], "order {order:?} {single}");
            let row = store.session(p, "b").unwrap().unwrap();
            assert_eq!((row.id.as_str(), row.events, row.tool_calls, row.errors), ("a", 5, 5, 1));
            assert_eq!(row.duration_us(), 70 * SECOND + 20 * MINUTE);
            assert_eq!(row.merged_from.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["b", "c"]);
            let said: Vec<_> =
                row.joined.iter().map(|j| (j.later.as_str(), j.evidence, j.confidence)).collect();
            assert_eq!(said, [("b", Evidence::Actor, 95), ("c", Evidence::Actor, 90)]);
            assert_eq!(row.marks.len(), 5);
            let page = store.session_events(p, "c", &PageAsk { after: None, limit: 3 }).unwrap();
            let rest = PageAsk { after: page.next, limit: 3 };
            let rest = store.session_events(p, "a", &rest).unwrap().items;
            let from: Vec<String> =
                page.items.iter().chain(&rest).map(|e| e.session_id.as_ref().unwrap().to_string()).collect();
            assert_eq!(from, ["a", "a", "b", "b", "c"], "events keep the session they came with");
            let person = store.person(p, "ann").unwrap().unwrap();
            assert_eq!((person.row.sessions, person.sessions.len()), (3, 3));
            let overview =
                store.overview(p, &OverviewAsk { scope: scope(), compare: Compare::None }).unwrap();
            assert_eq!(overview.now.sessions, 4);
            let issues = store
                .issues(p, &ListAsk { scope: scope(), page: PageAsk::default(), sort: None }, IssueTab::All)
                .unwrap()
                .page;
            assert_eq!(issues.items[0].sessions, 1);
            let issue = store.issue(p, issues.items[0].id, &scope()).unwrap().unwrap();
            assert_eq!(issue.sessions.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["a"]);
            store.delete_project(p, at(0)).unwrap();
        }
    }
}

pub(super) fn a_joined_session_is_parted_and_joined_again(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    put(&store, p, conversation());
    assert!(!store.set_joined(p, "d", Aside::Withdraw).unwrap(), "it continues none");
    assert!(!store.set_joined(p, "nothing", Aside::Withdraw).unwrap());
    assert!(store.set_joined(p, "b", Aside::Withdraw).unwrap());
    assert_eq!(ids(&store, p), ["a", "bob's", "b", "other-server", "d"]);
    let (a, b) = (store.session(p, "a").unwrap().unwrap(), store.session(p, "c").unwrap().unwrap());
    assert_eq!((a.events, a.errors, b.id.as_str(), b.events, b.errors), (2, 0, "b", 3, 1));
    assert_eq!(a.joined[0].aside, Aside::Withdraw, "the parted one is told of, to join it again");
    // What comes late goes where it belongs, and nothing joins them.
    put(&store, p, vec![by(step(11, 61 * SECOND, "a"), "ann"), by(step(12, 71 * SECOND, "b"), "ann")]);
    let (a, b) = (store.session(p, "a").unwrap().unwrap(), store.session(p, "b").unwrap().unwrap());
    assert_eq!((a.events, b.events), (3, 4));
    assert!(store.set_joined(p, "b", Aside::Restore).unwrap());
    let whole = store.session(p, "b").unwrap().unwrap();
    assert_eq!((whole.id.as_str(), whole.events, whole.errors), ("a", 7, 1));
    put(&store, p, vec![by(step(13, 72 * SECOND, "b"), "ann")]);
    assert_eq!(store.session(p, "a").unwrap().unwrap().events, 8);
    // A late event shows that they went on side by side: that was no reset, and nobody knows what c continues.
    put(&store, p, vec![by(step(14, 25 * MINUTE, "a"), "ann")]);
    assert_eq!(ids(&store, p), ["a", "bob's", "b", "other-server", "c", "d"]);
    let (a, b) = (store.session(p, "a").unwrap().unwrap(), store.session(p, "b").unwrap().unwrap());
    assert_eq!((a.events, b.events), (4, 4));
}

pub(super) fn the_anonymous_are_joined_by_evidence_alone(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let of = |n: u32, start: i64, session: &str, process: Option<&str>, address: Option<&str>| {
        let mut event = step(n, start, session);
        event.process = process.map(Into::into);
        event.address = address.map(Into::into);
        event
    };
    put(
        &store,
        p,
        vec![
            of(1, 0, "p1", Some("x"), None),
            of(2, 2 * SECOND, "p2", Some("x"), None),
            of(3, 0, "n1", None, None),
            of(4, 2 * SECOND, "n2", None, None),
            of(5, 0, "h1", None, Some("h")),
            of(6, 2 * SECOND, "h2", None, Some("h")),
            of(7, 9 * MINUTE, "h3", None, Some("h")),
        ],
    );
    let mut found = ids(&store, p);
    found.sort();
    assert_eq!(found, ["h1", "h3", "n1", "n2", "p1"]);
    let row = store.session(p, "p2").unwrap().unwrap();
    assert_eq!(row.joined[0].evidence, Evidence::Process);
    // Its user becomes known: still one conversation, and theirs.
    put(&store, p, vec![by(of(8, 4 * SECOND, "p2", Some("x"), None), "ann")]);
    assert_eq!(store.session(p, "p2").unwrap().unwrap().id.as_str(), "p1");
}
