//! Which session events belong to, in every order of arrival.

use std::sync::Arc;

use trackway_event::{Event, Kind, Peer, SessionSource};

use super::kit::*;
use crate::Store;

/// seeds/004: alice and bob over two clients.
fn vendor_table() -> Vec<Event> {
    [
        ("alice", "Claude Desktop", 0),
        ("bob", "Cursor", 2),
        ("alice", "Claude Desktop", 15),
        ("alice", "Cursor", 20),
        ("alice", "Claude Desktop", 55),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, (who, client, minute))| with_client(by(call(n as u32, minute * MINUTE), who), client))
    .collect()
}

pub(super) fn inv_04_the_vendor_table_in_every_order(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let table = vendor_table();
    let id = |n: usize| table[n].id.to_string();
    let mut expect = vec![vec![id(0), id(2)], vec![id(1)], vec![id(3)], vec![id(4)]];
    expect.iter_mut().for_each(|s| s.sort());
    expect.sort();
    for (i, order) in orders(5).into_iter().enumerate() {
        let p = project(&store, &format!("proj_order{i}"));
        let events = || order.iter().map(|n| table[*n].clone());
        // One batch for even orders, single events for odd ones.
        if i % 2 == 0 {
            put(&store, p, events().collect());
        } else {
            events().for_each(|e| drop(put(&store, p, vec![e])));
        }
        assert_eq!(partition(&store, p), expect, "order {order:?}");
        let sessions = sessions(&store, p);
        assert_eq!(sessions.len(), 4);
        assert!(sessions.iter().all(|s| s.source == SessionSource::Grouped));
        assert_eq!(sessions[0].events, 2, "alice with Claude Desktop comes first");
        store.delete_project(p, at(0)).unwrap();
    }
}

pub(super) fn inv_04_a_late_event_bridges(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    // Exactly 30 minutes join; a microsecond more does not.
    let p = project(&store, "proj_edge");
    let gap = 30 * MINUTE;
    put(&store, p, vec![by(call(1, 0), "a"), by(call(2, gap), "a"), by(call(3, 2 * gap + 1), "a")]);
    assert_eq!(sessions(&store, p).len(), 2);

    let p = project(&store, "proj_late");
    let early = by(failing(call(1, 0), "no"), "alice");
    let later = by(call(2, 50 * MINUTE), "alice");
    put(&store, p, vec![early.clone()]);
    put(&store, p, vec![later.clone()]);
    let before = sessions(&store, p);
    assert_eq!(before.len(), 2);
    put(&store, p, vec![by(call(3, 25 * MINUTE), "alice")]);
    let after = sessions(&store, p);
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].id, before[0].id, "the id minted first stays");
    assert_eq!(after[0].merged_from, [before[1].id.clone()]);
    assert_eq!((after[0].events, after[0].tool_calls, after[0].errors), (3, 3, 1));
    assert_eq!(after[0].duration_us(), 50 * MINUTE);
    let redirected = store.session(p, before[1].id.as_str()).unwrap().unwrap();
    assert_eq!(redirected.id, before[0].id);
    let page = store.session_events(p, before[1].id.as_str(), &Default::default()).unwrap();
    let starts: Vec<i64> = page.items.iter().map(|e| e.started_at.since(at(0)) / MINUTE).collect();
    assert_eq!(starts, [0, 25, 50]);
    // Three chains in every order of the two bridges.
    for (i, order) in orders(5).into_iter().enumerate() {
        let p = project(&store, &format!("proj_chain{i}"));
        for n in &order {
            put(&store, p, vec![by(call(*n as u32, *n as i64 * 29 * MINUTE), "a")]);
        }
        let sessions = sessions(&store, p);
        assert_eq!((sessions.len(), sessions[0].events), (1, 5), "order {order:?}");
        store.delete_project(p, at(0)).unwrap();
    }
}

pub(super) fn facts_are_backfilled_both_ways(make: &dyn Fn() -> Arc<dyn Store>) {
    for order in orders(3) {
        let store = make();
        let p = project(&store, "proj_a");
        let mut server = within(call(3, 2), "s");
        server.server = Some(Peer { name: "shop".into(), version: None });
        let events =
            [within(call(1, 0), "s"), by(with_client(within(call(2, 1), "s"), "claude-code"), "u_1"), server];
        for n in order {
            put(&store, p, vec![events[n].clone()]);
        }
        let session = store.session(p, "s").unwrap().unwrap();
        assert_eq!(&*session.client.unwrap().name, "claude-code");
        assert_eq!(&*session.server.unwrap().name, "shop");
        assert_eq!(session.actor.unwrap().id.as_str(), "u_1");
        for row in store.session_events(p, "s", &Default::default()).unwrap().items {
            assert_eq!(&*row.client.unwrap().name, "claude-code", "every event shows its session's client");
            assert_eq!(row.actor.unwrap().id.as_str(), "u_1", "and the one person the session named");
        }
    }
}

pub(super) fn identity_alone_makes_no_session(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let mut identify = by(within(call(1, 0), "random"), "u_1");
    identify.kind = Kind::Identify;
    let mut nowhere = by(call(2, 0), "u_1");
    nowhere.kind = Kind::Identify;
    put(&store, p, vec![identify, nowhere, call(3, 0), call(4, 0)]);
    let sessions = sessions(&store, p);
    assert_eq!(sessions.len(), 2, "two anonymous calls, each its own session");
    assert!(sessions.iter().all(|s| s.source == SessionSource::None && s.events == 1));
    assert!(store.session(p, "random").unwrap().is_none());
    put(&store, p, vec![within(call(5, 1), "random")]);
    assert_eq!(store.session(p, "random").unwrap().unwrap().events, 2);
}
