//! Requests that are one call together count once, as the whole call, in any order of arrival (CAP §2.6, INV-03 to INV-05).

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use trackway_core::logical;
use trackway_event::json::payload_of;
use trackway_event::{Event, Kind, Status};

use super::figures;
use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store};

const SECOND: i64 = 1_000_000;

/// A request that asks for input.
fn asks(mut e: Event, state: &str) -> Event {
    e.status = Some(Status::InputRequired);
    e.flags.mrtr_open = true;
    e.properties = payload_of(&json!({ "mrtr_out": state, "mrtr_key": "k", "mrtr_asked": ["pin"] }));
    e
}

/// The request that brings it.
fn brings(mut e: Event, state: &str) -> Event {
    e.flags.mrtr_continuation = true;
    e.properties = payload_of(&json!({ "mrtr_in": state, "mrtr_key": "k", "mrtr_answered": ["pin"] }));
    e
}

/// A request that makes a task.
fn makes(mut e: Event, task: &str) -> Event {
    e.status = Some(Status::Task);
    e.properties = payload_of(&json!({ "task_key": task, "task_ttl_ms": 60_000 }));
    e
}

/// What is heard of a task; one that failed says what went wrong.
fn hears(mut e: Event, task: &str, ended: Option<Status>) -> Event {
    if ended == Some(Status::ToolError) {
        let said = json!({ "type": "text", "text": format!("{task} ran out of order {}", e.started_at) });
        e.result = payload_of(&json!({ "isError": true, "content": [said] }));
    }
    e.kind = Kind::Protocol;
    (e.name, e.tool, e.intent, e.tokens) = ("tasks/get".into(), None, None, None);
    let by = if e.started_at.micros() % (2 * MINUTE) == 0 { "result" } else { "poll" };
    let ended = ended.map(|s| json!({ "task_key": task, "closed_by": by, "call_status": s.as_str() }));
    e.properties = payload_of(&ended.unwrap_or_else(|| json!({ "task_key": task })));
    e
}

fn tool(store: &Arc<dyn Store>, p: ProjectKey) -> CallFigures {
    store.tool(p, "search", &scope()).unwrap().unwrap().row.calls
}

pub(super) fn rounds_and_tasks_are_one_call(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let mut last = within(call(3, 600 * SECOND), "s");
    last.result = payload_of(&json!({ "content": ["bought"] }));
    let mut first = within(call(1, 0), "s");
    (first.intent, first.arguments) = (Some("buy the red one".into()), payload_of(&json!({ "item": 1 })));
    let middle = brings(asks(within(call(2, 300 * SECOND), "s"), "b"), "a");
    let mut middle = middle;
    middle.properties = payload_of(
        &json!({ "mrtr_in": "a", "mrtr_out": "b", "mrtr_key": "k", "mrtr_asked": ["pin"], "mrtr_answered": ["pin"] }),
    );
    let all = [
        asks(first, "a"),
        middle,
        brings(last, "b"),
        makes(within(call(4, 700 * SECOND), "s"), "t"),
        hears(within(call(5, 705 * SECOND), "other"), "t", None),
        hears(within(call(6, 710 * SECOND), "other"), "t", Some(Status::ToolError)),
    ];
    for (i, order) in orders(6).into_iter().enumerate().step_by(31) {
        let p = project(&store, &format!("proj_calls{i}"));
        for n in &order {
            put(&store, p, vec![all[*n].clone()]);
        }
        let row = store.session(p, "s").unwrap().unwrap();
        assert_eq!((row.events, row.tool_calls, row.errors), (4, 2, 1), "order {order:?}");
        // Of people's ten minutes nothing is latency: three requests of about a millisecond, and a task of ten seconds.
        let figures = tool(&store, p);
        assert_eq!((figures.calls, figures.finished, figures.failed, figures.timed), (2, 2, 1, 2));
        let near = |us: Option<u64>, wanted: u64| us.is_some_and(|us| us.abs_diff(wanted) < wanted / 50);
        assert!(near(figures.p50_us, 1_010 + 1_020 + 1_030), "{figures:?}");

        let calls = store.session_calls(p, "s").unwrap();
        let [bought, task] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!(
            bought.rounds.iter().map(|r| &r.id).collect::<Vec<_>>(),
            [&all[0].id, &all[1].id, &all[2].id]
        );
        assert_eq!((bought.status, bought.server_us), (Some(Status::Ok), Some(3_060)));
        assert_eq!(bought.total_us, Some(600_001_030));
        assert_eq!(bought.rounds[0].asked, ["pin"]);
        assert_eq!((task.status, task.closed_by), (Some(Status::ToolError), Some(ClosedBy::Poll)));
        assert_eq!((task.server_us, task.told.as_ref()), (Some(10_001_060), Some(&all[5].id)));
        // Any of its events shows the whole call; the events themselves stay as they were.
        for (event, status) in
            [(&all[0], Status::InputRequired), (&all[2], Status::Ok), (&all[3], Status::Task)]
        {
            let detail = store.event(p, event.id.as_str()).unwrap().unwrap();
            assert_eq!((detail.row.status, detail.row.duration_us), (Some(status), event.duration_us));
            let whole = detail.call.unwrap();
            if status != Status::Task {
                assert_eq!(whole.intent.as_deref(), Some("buy the red one"));
                assert_eq!(whole.arguments.unwrap().get(), r#"{"item":1}"#);
                assert_eq!(whole.result.unwrap().get(), r#"{"content":["bought"]}"#);
            }
        }
        // It fails like a call that failed at once: a group with what its end told.
        let list = ListAsk { scope: scope(), page: PageAsk::default(), sort: None };
        let issues = store.issues(p, &list, IssueTab::All).unwrap().page.items;
        let [issue] = &issues[..] else { panic!("{issues:?}") };
        assert_eq!(
            (issue.tool.as_deref(), issue.events, issue.first_seen),
            (Some("search"), 1, all[3].started_at)
        );
        let told = store.issue(p, issue.id, &scope()).unwrap().unwrap();
        assert!(told.sample_message.contains("ran out of order"), "{}", told.sample_message);
        assert_eq!(told.samples.iter().map(|e| &e.id).collect::<Vec<_>>(), [&all[3].id]);
        // Conditions see what figures see.
        let mut failed = scope();
        failed.filter.conditions =
            trackway_core::filter::Filter::parse(["failed:eq:true"], None).unwrap().conditions;
        let ask = EventsAsk { scope: failed.clone(), page: PageAsk::default(), protocol: Protocol::Hidden };
        let found = store.events(p, &ask).unwrap().items;
        assert_eq!(found.iter().map(|e| &e.id).collect::<Vec<_>>(), [&all[3].id]);
        assert_eq!(store.tool(p, "search", &failed).unwrap().unwrap().row.calls.failed, 1);
        store.delete_project(p, at(0)).unwrap();
    }
    // A poll saw it fail, the tool's own answer says that it did not: then there is no failure, whoever came first.
    for order in orders(3) {
        let p = project(&store, &format!("proj_late{}{}", order[0], order[1]));
        let all = [
            makes(within(call(1, 0), "s"), "t"),
            hears(within(call(2, MINUTE), "s"), "t", Some(Status::ToolError)),
            hears(within(call(3, 2 * MINUTE), "s"), "t", Some(Status::Ok)),
        ];
        for n in order {
            put(&store, p, vec![all[n].clone()]);
        }
        let list = ListAsk { scope: scope(), page: PageAsk::default(), sort: None };
        assert!(store.issues(p, &list, IssueTab::All).unwrap().page.items.is_empty());
        let detail = store.event(p, all[0].id.as_str()).unwrap().unwrap();
        assert!(detail.row.error.is_none(), "{:?}", detail.row.error);
        store.delete_project(p, at(0)).unwrap();
    }
    // While it waits, a call is none yet; a task that nobody saw end is a timeout, in what is shown.
    let p = project(&store, "proj_waits");
    put(&store, p, vec![asks(within(call(1, 0), "s"), "a"), makes(within(call(2, 0), "s"), "t")]);
    let calls = store.session_calls(p, "s").unwrap();
    assert_eq!(
        calls.iter().map(|c| c.status).collect::<Vec<_>>(),
        [Some(Status::InputRequired), Some(Status::Timeout)]
    );
    // Anonymous requests without a session, each in one of its own: the state and the same arguments join them.
    let p = project(&store, "proj_alone");
    put(&store, p, vec![asks(call(1, 0), "a"), brings(call(2, SECOND), "a"), brings(call(3, SECOND), "b")]);
    let mut rounds: Vec<usize> = Vec::new();
    for session in sessions(&store, p) {
        rounds.extend(store.session_calls(p, session.id.as_str()).unwrap().iter().map(|c| c.rounds.len()));
    }
    assert_eq!(rounds, [2, 2], "seen from both of its sessions, not from the third");
    assert_eq!(tool(&store, p).calls, 2);
}

/// Events of a small world in which everything may be joined with everything.
pub(super) fn event(n: u32) -> impl Strategy<Value = Event> {
    let what = (0..9u8, 0..3u8, 0..3u8, 0..2u8, 0..2u8, any::<bool>());
    (what, 0i64..90, 0u64..3_000_000).prop_map(move |((part, session, actor, a, b, known), minute, us)| {
        let mut e = call(n, minute * MINUTE);
        (e.duration_us, e.intent) = (Some(us), None);
        let task = format!("t{a}");
        e = match part {
            0..=2 => asks(e, &format!("s{a}")),
            3 | 4 => brings(e, &format!("s{a}")),
            5 => makes(e, &task),
            6 => hears(e, &task, Some([Status::Ok, Status::ToolError][usize::from(b)])),
            7 => hears(e, &task, None),
            _ => e,
        };
        if part == 1 {
            e.flags.mrtr_continuation = true;
            e.properties = payload_of(
                &json!({ "mrtr_in": format!("s{b}"), "mrtr_out": format!("s{a}"), "mrtr_key": "k" }),
            );
        }
        e = if session > 0 { within(e, &format!("s{session}")) } else { by(e, "grouped") };
        if actor > 0 && session > 0 {
            e = by(e, &format!("u_{actor}"));
        }
        if known { with_client(e, "cursor") } else { e }
    })
}

pub(super) fn inv_05_calls_of_several_requests_equal_the_fold(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let config = Config { cases: 24, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let count = std::cell::Cell::new(0);
    let some = (1usize..24).prop_flat_map(|n| {
        let events: Vec<_> = (0..n as u32).map(event).collect();
        let order: Vec<usize> = (0..n).chain(0..n).collect();
        (events, Just(order).prop_shuffle(), 1usize..12)
    });
    let result = TestRunner::new(config).run(&some, |(events, order, batch)| {
        count.set(count.get() + 1);
        let p = project(&store, &format!("proj_joint{}", count.get()));
        for chunk in order.chunks(batch) {
            put(&store, p, chunk.iter().map(|i| events[*i].clone()).collect());
        }
        // What each session's calls are by definition; what is heard of tasks may come from any session.
        let heard: Vec<Event> = events.iter().filter(|e| e.kind == Kind::Protocol).cloned().collect();
        let by_id: HashMap<&str, &Event> = events.iter().map(|e| (e.id.as_str(), e)).collect();
        let mut wholes = heard.clone();
        for ids in partition(&store, p) {
            let mine = ids.iter().map(|id| by_id[id.as_str()].clone()).filter(|e| e.kind != Kind::Protocol);
            let all: Vec<Event> = mine.chain(heard.iter().cloned()).collect();
            wholes.extend(logical::whole(&all).into_iter().filter(|e| e.kind != Kind::Protocol));
        }
        prop_assert_eq!(wholes.len(), events.len());
        figures::check(&store, p, &wholes);
        store.delete_project(p, at(0)).unwrap();
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
