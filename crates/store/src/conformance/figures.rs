//! Every figure equals the naive fold over the raw events, whatever the order, repetition and splitting into batches
//! (INV-03, INV-04, INV-05).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use trackway_core::filter::{Condition, Field, Op};
use trackway_core::rollup::Counters;
use trackway_core::{issue, metric};
use trackway_event::event::Flags;
use trackway_event::{ActorId, Event, EventId, Kind, Status};

use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store};

const HOUR: i64 = 60 * MINUTE;

/// Random events: few sessions, actors, clients and tools, over some days, so that everything collides.
fn event(n: u32) -> impl Strategy<Value = Event> {
    let what = (0..7u8, 0..6u8, 0..4u8, 0..5u8, 0..4u8);
    let when = (0i64..5 * 24 * 60).prop_map(|minute| minute * MINUTE);
    (what, when, 0u64..3_000_000, any::<bool>(), 0..4u8).prop_map(
        move |((kind, session, actor, client, tool), start, duration, nested, message)| {
            let mut e = call(n, start);
            e.duration_us = (duration % 7 != 0).then_some(duration);
            e.tool = (tool > 0).then(|| format!("tool_{tool}").into());
            e.kind = match kind {
                0..=3 => Kind::ToolCall,
                4 => Kind::MissingCapability,
                5 => Kind::Identify,
                _ => Kind::Protocol,
            };
            e.intent = None;
            e.flags = Flags { nested: nested && tool == 1, ..Flags::default() };
            e.status = [Some(Status::Ok), Some(Status::Timeout), Some(Status::InputRequired), None]
                [duration as usize % 4];
            if session > 0 {
                e = within(e, &format!("s{session}"));
            }
            if actor > 0 {
                e = by(e, &format!("u_{actor}"));
            }
            if client > 1 {
                e = with_client(e, &format!("client {client}"));
            }
            if message > 1 {
                e = failing(e, &format!("could not find row {n} of table {message}"));
            }
            e
        },
    )
}

fn events() -> impl Strategy<Value = (Vec<Event>, Vec<usize>, usize)> {
    (1usize..60).prop_flat_map(|n| {
        let events: Vec<_> = (0..n as u32).map(event).collect();
        // Twice every index, shuffled: each event comes twice, in any order.
        let order: Vec<usize> = (0..n).chain(0..n).collect();
        (events, Just(order).prop_shuffle(), 1usize..30)
    })
}

pub(super) fn inv_05_every_figure_equals_the_naive_fold(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let mut runner = TestRunner::new(Config {
        cases: 16,
        max_shrink_iters: 20,
        failure_persistence: None,
        ..Config::default()
    });
    let count = std::cell::Cell::new(0);
    let result = runner.run(&events(), |(events, order, batch)| {
        count.set(count.get() + 1);
        let p = project(&store, &format!("proj_case{}", count.get()));
        for chunk in order.chunks(batch) {
            put(&store, p, chunk.iter().map(|i| events[*i].clone()).collect());
        }
        check(&store, p, &events);
        store.delete_project(p, at(0)).unwrap();
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Holds every answer to the fold of `events`.
pub(super) fn check(store: &Arc<dyn Store>, p: ProjectKey, events: &[Event]) {
    let intake = store.intake(Some(p)).unwrap();
    assert_eq!((intake.stored, intake.duplicates), (events.len() as u64, events.len() as u64));
    check_sessions(store, p, events);
    let whole = scope();
    // A period that cuts through hours and days.
    let mut cut = scope();
    cut.period = Period { from: at(7 * HOUR + 11 * MINUTE), to: at(55 * HOUR + 3 * MINUTE) };
    let mut shifted = cut.clone();
    shifted.zone = trackway_core::period::fixed_zone(9 * HOUR + 30 * MINUTE);
    let mut short = scope();
    short.period = Period { from: at(20 * HOUR), to: at(29 * HOUR + 59 * MINUTE) };
    for scope in [whole, cut, shifted, short] {
        check_figures(store, p, events, &scope);
    }
}

fn check_sessions(store: &Arc<dyn Store>, p: ProjectKey, events: &[Event]) {
    let mut named: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for e in events {
        if let Some(id) = &e.session_id {
            named.entry(id.as_str()).or_default().push(e);
        }
    }
    for (id, members) in named {
        let fold = metric::session(members);
        let row = store.session(p, id).unwrap();
        assert_eq!(row.is_some(), fold.is_visible(), "{id}");
        let Some(row) = row else { continue };
        let c = fold.counts;
        assert_eq!(
            (row.events, row.tool_calls, row.errors, row.missing_reports, row.tokens),
            (c.events, c.tool_calls, c.errors, c.missing_reports, c.tokens_in + c.tokens_out)
        );
        assert_eq!(Some((row.started_at, row.last_event_at)), c.span);
        assert_eq!(row.client.as_ref(), fold.people.client.value());
        assert_eq!(row.actor.as_ref().map(|a| &a.id), fold.people.actor.value());
        assert_eq!(row.actors, fold.people.actor_count());
    }
}

fn check_figures(store: &Arc<dyn Store>, p: ProjectKey, all: &[Event], scope: &Scope) {
    let inside = |e: &&Event| e.started_at >= scope.period.from && e.started_at < scope.period.to;
    let events: Vec<&Event> = all.iter().filter(inside).collect();
    let everyone: Vec<&Event> = all.iter().collect();
    let owners: BTreeMap<&EventId, &ActorId> =
        all.iter().zip(metric::owners(&everyone)).filter_map(|(e, owner)| Some((&e.id, owner?))).collect();
    let calls: Vec<&Event> = events.iter().copied().filter(|e| e.kind == Kind::ToolCall).collect();
    let overview =
        store.overview(p, &OverviewAsk { scope: scope.clone(), compare: Compare::Previous }).unwrap();
    assert_eq!(overview.partial, None);
    let now = &overview.now;
    assert_eq!(now.events, events.iter().filter(|e| e.kind != Kind::Protocol).count() as u64);
    assert_eq!(
        now.missing_reports,
        events.iter().filter(|e| e.kind == Kind::MissingCapability).count() as u64
    );
    assert_eq!(
        now.people,
        events.iter().filter_map(|e| owners.get(&e.id)).collect::<BTreeSet<_>>().len() as u64
    );
    same(&now.calls, &calls);
    assert_eq!(overview.calls_ever, all.iter().filter(|e| e.is_counted_call()).count() as u64);

    let page = PageAsk { after: None, limit: 100 };
    let ask = SessionsAsk { scope: scope.clone(), page: page.clone(), sort: None, tab: SessionTab::All };
    assert_eq!(now.sessions, store.sessions(p, &ask).unwrap().items.len() as u64);
    assert_eq!(now.sessions, overview.series.iter().map(|b| b.sessions).sum::<u64>());

    for bucket in &overview.series {
        let members: Vec<&Event> = calls
            .iter()
            .copied()
            .filter(|e| e.started_at >= bucket.start && e.started_at < bucket.end)
            .collect();
        same(&bucket.calls, &members);
    }

    let mut by_tool: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for e in events.iter().filter(|e| e.kind == Kind::ToolCall) {
        by_tool.entry(e.tool.as_deref().unwrap_or("").into()).or_default().push(e);
    }
    let ask = ToolsAsk {
        scope: scope.clone(),
        kind: Kind::ToolCall,
        sort: Some("name".into()),
        preset: ToolPreset::All,
        depth: Depth::Whole,
        page: page.clone(),
    };
    let tools = store.tools(p, &ask).unwrap().items;
    assert_eq!(
        tools.iter().map(|t| t.name.clone()).collect::<Vec<_>>(),
        by_tool.keys().cloned().collect::<Vec<_>>()
    );
    let rows = every_event(store, p, scope);
    for tool in &tools {
        let members = &by_tool[&tool.name];
        let counted = members.iter().filter(|e| e.is_counted_call()).count() as u64;
        same(&tool.calls, members);
        assert_eq!(tool.trend.iter().sum::<u64>(), counted);
        let people: BTreeSet<&ActorId> = members.iter().filter_map(|e| owners.get(&e.id).copied()).collect();
        let sessions: BTreeSet<String> = rows
            .iter()
            .filter(|r| members.iter().any(|m| m.id == r.id))
            .filter_map(|r| r.session_id.as_ref().map(ToString::to_string))
            .collect();
        assert_eq!((tool.sessions, tool.people), (Some(sessions.len() as u64), Some(people.len() as u64)));
        let detail = store.tool(p, &tool.name, scope).unwrap().expect("a tool of the list");
        assert_eq!((detail.row.sessions, detail.row.people), (tool.sessions, tool.people));
        same(&detail.row.calls, members);
        assert_eq!(detail.series.iter().map(|b| b.calls.calls).sum::<u64>(), counted);
        assert_eq!(detail.samples.len(), by_tool[&tool.name].len().min(50));
    }

    // Calls count under their own client, else under their session's.
    let mut by_client: BTreeMap<Option<String>, u64> = BTreeMap::new();
    for row in rows.iter().filter(|r| calls.iter().any(|c| c.id == r.id && c.is_counted_call())) {
        *by_client.entry(row.client.as_ref().map(|c| c.name.to_string())).or_default() += 1;
    }
    let clients = store.clients(p, scope).unwrap();
    let found: BTreeMap<Option<String>, u64> = clients
        .iter()
        .filter(|c| c.calls.calls > 0)
        .map(|c| (c.client.as_ref().map(|c| c.name.to_string()), c.calls.calls))
        .collect();
    assert_eq!(found, by_client);
    assert_eq!(clients.iter().map(|c| c.sessions).sum::<u64>(), now.sessions);

    let mut by_issue: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for e in all.iter().filter(inside) {
        if let Some(fingerprint) = issue::fingerprint(e) {
            by_issue.entry(fingerprint.to_string()).or_default().push(e);
        }
    }
    let list = ListAsk { scope: scope.clone(), page, sort: None };
    let issues = store.issues(p, &list, IssueTab::All).unwrap().page.items;
    let found: BTreeMap<String, u64> = issues.iter().map(|i| (i.fingerprint.clone(), i.events)).collect();
    assert_eq!(found, by_issue.iter().map(|(f, e)| (f.clone(), e.len() as u64)).collect());
    for row in &issues {
        let members = &by_issue[&row.fingerprint];
        let people: BTreeSet<_> = members.iter().filter_map(|e| owners.get(&e.id)).collect();
        assert_eq!((row.people, row.trend.iter().sum::<u64>()), (people.len() as u64, row.events));
        assert_eq!(store.issue(p, row.id, scope).unwrap().unwrap().row.events, row.events);
    }

    let people = store.people(p, &list).unwrap().items;
    assert_eq!(people.len() as u64, now.people);
    for person in &people {
        let theirs = || all.iter().filter(|e| owners.get(&e.id).is_some_and(|id| **id == person.actor.id));
        let calls = theirs().filter(|e| e.is_counted_call());
        assert_eq!(person.tool_calls, calls.clone().count() as u64);
        assert_eq!(person.errors, calls.filter(|e| e.failed()).count() as u64);
        assert_eq!(Some(person.first_seen), theirs().map(|e| e.started_at).min());
        assert_eq!(Some(person.last_seen), theirs().map(|e| e.started_at).max());
        let detail = store.person(p, person.actor.id.as_str()).unwrap().unwrap();
        assert_eq!(detail.row.sessions, detail.sessions.len() as u64);
    }

    // The same through rows instead of rollups: a filter that everything passes.
    let mut filtered = scope.clone();
    let everything = Condition { field: Field::Tool, op: Op::Ne, values: vec!["none of them".into()] };
    filtered.filter.conditions.push(everything);
    let ask = OverviewAsk { scope: filtered, compare: Compare::None };
    let by_rows = store.overview(p, &ask).unwrap();
    assert_eq!(
        (by_rows.now.events, &by_rows.now.calls, &by_rows.series),
        (now.events, &now.calls, &overview.series)
    );
    // And through a condition that rollups answer.
    let mut of_client = scope.clone();
    let client = Condition { field: Field::Client, op: Op::Eq, values: vec!["client 2".into()] };
    of_client.filter.conditions.push(client);
    let found = store.overview(p, &OverviewAsk { scope: of_client, compare: Compare::None }).unwrap();
    assert_eq!(found.now.calls.calls, by_client.get(&Some("client 2".into())).copied().unwrap_or(0));
    // Leaving people out counts what the others did.
    if let Some(person) = people.first() {
        let id = person.actor.id.clone();
        let own = Condition { field: Field::Person, op: Op::Eq, values: vec![id.as_str().into()] };
        let mut others = scope.clone();
        others.filter = others.filter.leaving_out(&[own]);
        let ask = OverviewAsk { scope: others.clone(), compare: Compare::None };
        let found = store.overview(p, &ask).unwrap().now;
        let theirs: Vec<&Event> =
            calls.iter().copied().filter(|e| owners.get(&e.id).is_none_or(|owner| **owner != id)).collect();
        same(&found.calls, &theirs);
        assert_eq!(found.people, now.people - 1);
        let list = ListAsk { scope: others, page: PageAsk { after: None, limit: 100 }, sort: None };
        assert_eq!(store.people(p, &list).unwrap().items.len() as u64, found.people);
    }
}

fn every_event(store: &Arc<dyn Store>, p: ProjectKey, scope: &Scope) -> Vec<EventRow> {
    let page = PageAsk { after: None, limit: 100 };
    let ask = EventsAsk { scope: scope.clone(), page, protocol: Protocol::Shown };
    store.events(p, &ask).unwrap().items
}

/// Figures of calls against their fold.
fn same(figures: &CallFigures, calls: &[&Event]) {
    let mut fold = Counters::default();
    calls.iter().for_each(|e| fold.add(e));
    assert_eq!(
        (figures.calls, figures.failed, figures.finished, figures.tokens_in, figures.tokens_out),
        (fold.calls, fold.failed(), fold.finished(), fold.tokens_in, fold.tokens_out)
    );
    assert_eq!(figures.failed_share(), metric::failed_share(calls.iter().copied()));
    let mut durations: Vec<u64> = calls
        .iter()
        .filter(|e| e.is_counted_call() && e.status.is_some_and(Status::finished))
        .filter_map(|e| e.duration_us)
        .collect();
    durations.sort_unstable();
    assert_eq!(figures.timed, durations.len() as u64);
    for (found, least, q) in
        [(figures.p50_us, 1, 0.5), (figures.p95_us, 20, 0.95), (figures.p99_us, 100, 0.99)]
    {
        assert_eq!(found.is_some(), durations.len() >= least);
        if let (Some(found), Some(exact)) = (found, metric::percentile(&durations, q)) {
            assert!(found.abs_diff(exact) as f64 <= exact as f64 * 0.05, "{found} {exact}");
        }
    }
}
