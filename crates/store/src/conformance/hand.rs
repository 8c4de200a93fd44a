//! An operator's word on sessions: split before a step, joined with another; kept for late events, and taken back (F-87).

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use trackway_core::grouping;
use trackway_core::session::Counts;
use trackway_event::{Event, Kind, SessionId, SessionSource, Timestamp};

use super::calls;
use super::export::{export, told};
use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store, StoreError};

/// What the ledger makes of its events, with each session's row and everything the overview and the tools say.
fn figures(store: &Arc<dyn Store>, p: ProjectKey) -> Vec<String> {
    let mut all = told(store, p);
    for s in sessions(store, p) {
        let who = (s.actor.map(|a| a.id), s.client.map(|c| c.name), s.actors);
        let counts = (s.events, s.tool_calls, s.errors, s.missing_reports, s.tokens, s.context, s.attempts);
        all.push(format!("session {} {} {who:?} {counts:?}", s.started_at, s.last_event_at));
    }
    let overview = store.overview(p, &OverviewAsk { scope: scope(), compare: Compare::None }).unwrap();
    all.push(format!("{:?}", overview.now));
    let page = PageAsk { after: None, limit: 100 };
    let ask = ListAsk { scope: scope(), page: page.clone(), sort: None };
    for row in store.people(p, &ask).unwrap().items {
        all.push(format!("{} in {} sessions", row.actor.id, row.sessions));
    }
    for row in store.issues(p, &ask, IssueTab::All).unwrap().page.items {
        all.push(format!("issue {} {} {}", row.title, row.events, row.sessions));
    }
    all.sort();
    all
}

/// Each session's counts are the fold of the events that are shown with it.
fn recount(store: &Arc<dyn Store>, p: ProjectKey, sent: &[Event]) {
    for s in sessions(store, p) {
        let parts: BTreeSet<&str> =
            std::iter::once(&s.id).chain(&s.merged_from).map(SessionId::as_str).collect();
        let mut counts = Counts::default();
        for row in events(store, p, 100) {
            if row.session_id.as_ref().is_some_and(|id| parts.contains(id.as_str())) {
                counts.merge(Counts::of(sent.iter().find(|e| e.id == row.id).unwrap()));
            }
        }
        assert_eq!(
            (s.events, s.tool_calls, s.errors, Some((s.started_at, s.last_event_at))),
            (counts.events, counts.tool_calls, counts.errors, counts.span),
            "{}",
            s.id
        );
    }
}

fn split(store: &Arc<dyn Store>, p: ProjectKey, event: &Event, now: i64) -> SessionId {
    store.split_session(p, event.id.as_str(), at(now)).unwrap().unwrap()
}

pub(super) fn inv_05_a_split_session_is_as_if_it_had_been_two(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let config = Config { cases: 16, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let (count, splits) = (Cell::new(0), Cell::new(0));
    let some = (4usize..20).prop_flat_map(|n| {
        let events: Vec<_> = (0..n as u32).map(calls::event).collect();
        (events, Just((0..n).collect::<Vec<_>>()).prop_shuffle(), n / 2..n, 0..n, 1usize..6)
    });
    let result = TestRunner::new(config).run(&some, |(sent, order, early, chosen, batch)| {
        count.set(count.get() + 1);
        let (p, twin) = (
            project(&store, &format!("proj_hand{}", count.get())),
            project(&store, &format!("proj_twin{}", count.get())),
        );
        let (early, late) = order.split_at(early);
        let put_all = |p, which: &[usize], change: &dyn Fn(&mut Event)| {
            for chunk in which.chunks(batch) {
                let mut events: Vec<Event> = chunk.iter().map(|i| sent[*i].clone()).collect();
                events.iter_mut().for_each(change);
                put(&store, p, events);
            }
        };
        put_all(p, early, &|_| {});
        let (mut found, mut tries) = (None, sent[chosen..].iter().chain(&sent[..chosen]));
        while let (None, Some(event)) = (&found, tries.next()) {
            let Some(session) = &event.session_id else { continue };
            match store.split_session(p, event.id.as_str(), at(0)) {
                Ok(Some(made)) => found = Some((event, session, made)),
                Ok(None) | Err(StoreError::BadQuestion(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        let Some((chosen, session, made)) = found else { return Ok(()) };
        splits.set(splits.get() + 1);
        put_all(p, late, &|_| {});
        // The same events, had the later ones named another session from the start.
        let apart = |event: &mut Event| {
            if event.session_id.as_ref() == Some(session) && event.started_at >= chosen.started_at {
                event.session_id = SessionId::foreign("the other");
            }
        };
        put_all(twin, &order, &apart);
        prop_assert_eq!(figures(&store, p), figures(&store, twin));
        for out in export(&store, p, scope(), 100) {
            let came = sent.iter().find(|e| e.id == out.event.id).unwrap();
            prop_assert_eq!(&out.event.session_id, &came.session_id, "an export holds what came");
        }
        // Taken back, they are one session in every list, and each keeps its rows.
        assert!(store.set_joined(p, made.as_str(), Aside::Restore).unwrap());
        let whole = store.session(p, made.as_str()).unwrap().unwrap();
        prop_assert_eq!((&whole.id, &whole.merged_from), (session, &vec![made.clone()]));
        prop_assert_eq!(whole.joined[0].evidence, Evidence::Hand);
        let first =
            sent.iter().filter(|e| e.session_id.as_ref() == Some(session) && e.kind != Kind::Protocol);
        prop_assert_eq!(Some(whole.started_at), first.map(|e| e.started_at).min());
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}\n{}", "a split session differs from two");
    }
    assert!(splits.get() * 2 > count.get(), "{} of {} were split", splits.get(), count.get());
}

pub(super) fn a_cut_holds_for_grouped_sessions_in_any_order(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let minutes = [0i64, 10, 20, 30, 40];
    let all: Vec<Event> =
        minutes.iter().zip(1..).map(|(m, n)| with_client(by(call(n, m * MINUTE), "ann"), "cursor")).collect();
    // 4 and 15: late ones on either side; 65 goes on after the second part, 30 before it would not reach.
    let late: Vec<Event> = [4i64, 15, 65, 19]
        .iter()
        .zip(11..)
        .map(|(m, n)| with_client(by(call(n, m * MINUTE), "ann"), "cursor"))
        .collect();
    for (i, order) in orders(4).into_iter().enumerate() {
        let p = project(&store, &format!("proj_g{i}"));
        put(&store, p, all.clone());
        assert_eq!(sessions(&store, p).len(), 1);
        let made = split(&store, p, &all[2], 0);
        for n in order {
            put(&store, p, vec![late[n].clone()]);
        }
        let sent: Vec<Event> = all.iter().chain(&late).cloned().collect();
        let starts: Vec<Timestamp> = sent.iter().map(|e| e.started_at).collect();
        let expect: Vec<(Timestamp, u64)> = grouping::components(starts, &[all[2].started_at])
            .iter()
            .map(|c| (c[0], c.len() as u64))
            .collect();
        let found: Vec<(Timestamp, u64)> =
            sessions(&store, p).iter().map(|s| (s.started_at, s.events)).collect();
        assert_eq!(found, expect);
        recount(&store, p, &sent);
        assert_eq!(sessions(&store, p)[1].id, made);
        assert!(store.set_joined(p, made.as_str(), Aside::Restore).unwrap());
        assert_eq!(sessions(&store, p).iter().map(|s| s.events).collect::<Vec<_>>(), [9]);
        recount(&store, p, &sent);
        // Split again, elsewhere: the first cut stays taken back.
        let third = split(&store, p, &all[3], 1);
        assert_eq!(sessions(&store, p).iter().map(|s| s.events).collect::<Vec<_>>(), [6, 3]);
        assert_ne!(third, made);
        recount(&store, p, &sent);
        store.delete_project(p, at(0)).unwrap();
    }
}

pub(super) fn sessions_are_joined_by_hand_and_parted_again(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let of = |n: u32, minute: i64, session: &str| {
        let mut event = within(call(n, minute * MINUTE), session);
        event.session_source = Some(SessionSource::VendorMeta);
        event
    };
    let mut sent = vec![
        by(of(1, 0, "a"), "ann"),
        failing(by(of(2, 200, "b"), "bob"), "no"),
        of(3, 400, "c"),
        of(4, 401, "c"),
        by(of(5, 600, "d"), "ann"),
    ];
    put(&store, p, sent.clone());
    let ids = || sessions(&store, p).iter().map(|s| s.id.to_string()).collect::<Vec<_>>();
    let before = |id: &str| {
        let found = store.sessions_before(p, id).unwrap();
        found.into_iter().map(|b| b.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!((before("d"), before("a"), before("nothing")), (vec!["a".into()], vec![], vec![]));
    let refused = |later: &str, earlier: &str| {
        assert!(matches!(store.join_sessions(p, later, earlier), Err(StoreError::BadQuestion(_))));
    };
    refused("a", "a");
    refused("a", "b");
    assert!(!store.join_sessions(p, "a", "nothing").unwrap());
    assert!(!store.join_sessions(p, "nothing", "a").unwrap());
    assert!(store.join_sessions(p, "b", "a").unwrap());
    assert!(store.join_sessions(p, "c", "b").unwrap(), "under a by its own id, or by what it is shown under");
    refused("c", "a");
    assert_eq!(ids(), ["a", "d"]);
    recount(&store, p, &sent);
    // What comes late goes where it belongs, and they stay one.
    let late =
        [by(of(11, -5, "a"), "ann"), failing(of(12, 210, "b"), "no"), of(13, 100, "c"), of(14, 500, "c")];
    for event in late {
        put(&store, p, vec![event.clone()]);
        sent.push(event);
        assert_eq!(ids(), ["a", "d"]);
        recount(&store, p, &sent);
    }
    let whole = store.session(p, "c").unwrap().unwrap();
    assert_eq!((whole.id.as_str(), whole.events, whole.errors), ("a", 8, 2));
    assert!(whole.joined.iter().all(|j| j.evidence == Evidence::Hand && j.aside == Aside::Restore));
    let person = store.person(p, "bob").unwrap().unwrap();
    assert_eq!(person.sessions[0].id.as_str(), "a");
    // Taken back in the middle: what continued it stays with it.
    assert!(store.set_joined(p, "b", Aside::Withdraw).unwrap());
    assert_eq!(ids(), ["a", "b", "d"]);
    recount(&store, p, &sent);
    assert!(store.session(p, "a").unwrap().unwrap().joined.is_empty(), "no word is left");
    assert!(!store.set_joined(p, "b", Aside::Withdraw).unwrap());
    // A person goes, and with them what was theirs alone.
    assert!(store.join_sessions(p, "b", "a").unwrap());
    store.erase_person(p, "ann", at(0)).unwrap().unwrap();
    assert_eq!(ids(), ["b"]);
    recount(&store, p, &sent);
}

pub(super) fn a_bridge_keeps_what_was_said_by_hand(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let of = |n: u32, minute: i64| by(call(n, minute * MINUTE), "ann");
    // Three grouped sessions, the second joined with the first and the third with the second.
    let mut sent = vec![of(1, 0), of(2, 50), of(3, 200)];
    for (name, joined) in
        [("proj_one", vec![(1, 0)]), ("proj_two", vec![(2, 1)]), ("proj_all", vec![(1, 0), (2, 1)])]
    {
        sent.truncate(3);
        let p = project(&store, name);
        put(&store, p, sent.clone());
        let was: Vec<String> = sessions(&store, p).iter().map(|s| s.id.to_string()).collect();
        assert_eq!(was.len(), 3);
        for (later, earlier) in &joined {
            assert!(store.join_sessions(p, &was[*later], &was[*earlier]).unwrap());
        }
        recount(&store, p, &sent);
        // The first two are one all along; whoever was joined with one of them is joined with the whole.
        sent.push(of(4, 25));
        put(&store, p, vec![sent[3].clone()]);
        recount(&store, p, &sent);
        let now: Vec<u64> = sessions(&store, p).iter().map(|s| s.events).collect();
        assert_eq!(now, if joined.contains(&(2, 1)) { vec![4] } else { vec![3, 1] }, "{name}");
        sent.push(of(5, 26));
        sent.push(of(6, 201));
        put(&store, p, sent[4..].to_vec());
        recount(&store, p, &sent);
        let found = store.session(p, &was[1]).unwrap().unwrap();
        assert_eq!(found.id.as_str(), was[0], "its id leads to the whole");
    }
}

pub(super) fn a_split_conversation_keeps_its_fragments(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let of = |n: u32, minute: i64, session: &str| {
        let mut event = with_client(by(within(call(n, minute * MINUTE), session), "ann"), "claude-ai");
        event.session_source = Some(SessionSource::McpSession);
        event.server = Some(trackway_event::Peer { name: "shop".into(), version: None });
        event
    };
    let mut sent = vec![of(1, 0, "a"), of(2, 2, "a"), of(3, 4, "b"), of(4, 6, "b"), of(5, 8, "c")];
    put(&store, p, sent.clone());
    let shown = || sessions(&store, p).iter().map(|s| (s.id.to_string(), s.events)).collect::<Vec<_>>();
    assert_eq!(shown(), [("a".into(), 5)]);
    // In the midst of the second: what follows goes with the part, and the rule does not join the parts.
    let made = split(&store, p, &sent[3], 0);
    assert_eq!(shown(), [("a".into(), 3), (made.to_string(), 2)]);
    recount(&store, p, &sent);
    for event in [of(11, 5, "b"), of(12, 7, "b"), of(13, 9, "c"), of(14, 1, "a")] {
        put(&store, p, vec![event.clone()]);
        sent.push(event);
        recount(&store, p, &sent);
    }
    assert_eq!(shown(), [("a".into(), 5), (made.to_string(), 4)]);
    // Before the first step of a fragment there is only a link to part; before that of a session there is nothing.
    assert_eq!(split(&store, p, &sent[2], 1).as_str(), "b");
    assert_eq!(shown(), [("a".into(), 3), ("b".into(), 2), (made.to_string(), 4)]);
    let first = store.split_session(p, sent[0].id.as_str(), at(0));
    assert!(matches!(first, Err(StoreError::BadQuestion(_))));
    assert!(store.split_session(p, "evt_nothing", at(0)).unwrap().is_none());
    assert!(store.set_joined(p, "b", Aside::Restore).unwrap());
    assert!(store.set_joined(p, made.as_str(), Aside::Restore).unwrap());
    assert_eq!(shown(), [("a".into(), 9)]);
    recount(&store, p, &sent);
}

pub(super) fn sessions_of_one_handle_know_each_other(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let of = |n: u32, minute: i64, session: &str, handle: Option<&str>| {
        let mut event = within(call(n, minute * MINUTE), session);
        event.conversation_id = handle.map(Into::into);
        event
    };
    let grouped = |n: u32, minute: i64, handle: &str| {
        let mut event = by(call(n, minute * MINUTE), "ann");
        event.conversation_id = Some(handle.into());
        event
    };
    let sent = vec![
        of(1, 0, "a", Some("one")),
        of(2, 1, "a", None),
        of(3, 2, "a", Some("two")),
        of(4, 10, "b", Some("one")),
        of(5, 20, "c", Some("two")),
        of(6, 30, "d", None),
        grouped(7, 300, "three"),
        grouped(8, 350, "three"),
    ];
    put(&store, p, sent.clone());
    let of = |id: &str| {
        let found = store.siblings(p, id).unwrap();
        found.into_iter().map(|s| s.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        (of("a"), of("b"), of("c")),
        (vec!["b".into(), "c".into()], vec!["a".into()], vec!["a".into()])
    );
    assert_eq!((of("d"), of("nothing")), (vec![], vec![]));
    let ids: Vec<String> = sessions(&store, p)[4..].iter().map(|s| s.id.to_string()).collect();
    assert_eq!((of(&ids[0]), of(&ids[1])), (vec![ids[1].clone()], vec![ids[0].clone()]));
    // A bridge makes them one; who is joined is no sibling; each part of a split session has its own handles.
    put(&store, p, vec![by(call(9, 325 * MINUTE), "ann")]);
    assert_eq!(of(&ids[0]), Vec::<String>::new());
    assert!(store.join_sessions(p, "b", "a").unwrap());
    assert_eq!((of("a"), of("c")), (vec!["c".into()], vec!["a".into()]));
    // What was joined goes with the last part.
    let made = split(&store, p, &sent[2], 0).to_string();
    assert_eq!((of("a"), of("c")), (vec![made.clone()], vec![made.clone()]));
    assert_eq!(of(&made), ["a", "c"]);
}
