//! Lists: pages that cover every row once, filters, full text, live feed.

use std::collections::BTreeSet;
use std::sync::Arc;

use trackway_core::filter::{Condition, Field, Filter, Op};
use trackway_event::{Event, Kind, Outcome, Tokens};

use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store, StoreError};

/// A hundred events in ten sessions, with everything that filters look at.
fn filled(store: &Arc<dyn Store>) -> ProjectKey {
    let p = project(store, "proj_a");
    let events: Vec<Event> = (0..100u32)
        .map(|n| {
            // Pairs of equal time, so that ties are cut too.
            let mut e = within(call(n, i64::from(n / 2) * MINUTE), &format!("s{}", n % 10));
            e.tool = Some(format!("tool_{}", n % 3).into());
            e.bytes_out = Some(u64::from(n) * 100);
            e.tags.insert("env".into(), if n % 4 == 0 { "prod".into() } else { "dev".into() });
            e = with_client(e, if n % 10 < 5 { "cursor" } else { "zed" });
            if n % 10 == 3 {
                e = by(e, "ann@example.com");
            }
            if n % 25 == 7 {
                e = failing(e, "100%_broken pipe");
            }
            if n % 50 == 9 {
                e.kind = Kind::MissingCapability;
            }
            e
        })
        .collect();
    assert!(put(store, p, events).iter().all(|o| *o == Outcome::Stored));
    p
}

fn condition(field: Field, op: Op, values: &[&str]) -> Condition {
    Condition { field, op, values: values.iter().map(|v| (*v).to_owned()).collect() }
}

pub(super) fn cursors_cover_every_row_once(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = filled(&store);
    for limit in [1, 7, 100] {
        let all = events(&store, p, limit);
        assert_eq!(all.len(), 100);
        assert_eq!(all.iter().map(|e| e.id.clone()).collect::<BTreeSet<_>>().len(), 100);
        assert!(all.is_sorted_by_key(|e| std::cmp::Reverse((e.started_at, e.seq))));
        for sort in ["started", "-started", "last", "-calls", "errors", "-length", "-context"] {
            let (mut ids, mut after) = (Vec::new(), None);
            loop {
                let page = PageAsk { after, limit };
                let ask = SessionsAsk { scope: scope(), page, sort: Some(sort.into()), tab: SessionTab::All };
                let page = store.sessions(p, &ask).unwrap();
                ids.extend(page.items.into_iter().map(|s| s.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (10, 10), "{sort} {limit}");
        }
        let (mut starts, mut after) = (Vec::new(), None);
        loop {
            let page = store.session_events(p, "s4", &PageAsk { after, limit }).unwrap();
            starts.extend(page.items.iter().map(|e| (e.started_at, e.seq)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert!(starts.len() == 10 && starts.is_sorted());
        let tools = ToolsAsk {
            scope: scope(),
            kind: Kind::ToolCall,
            sort: Some("name".into()),
            preset: ToolPreset::All,
            depth: Depth::Whole,
            page: PageAsk { after: None, limit: 2 },
        };
        let first = store.tools(p, &tools).unwrap();
        let second = ToolsAsk { page: PageAsk { after: first.next.clone(), limit: 2 }, ..tools };
        let second = store.tools(p, &second).unwrap();
        let names: Vec<String> = first.items.into_iter().chain(second.items).map(|t| t.name).collect();
        assert_eq!((names, second.next), (vec!["tool_0".into(), "tool_1".into(), "tool_2".into()], None));
    }
    let foreign = store.session_events(p, "s4", &PageAsk { after: None, limit: 1 }).unwrap().next;
    for after in [Some("nonsense".to_owned()), foreign] {
        let ask = EventsAsk { scope: scope(), page: PageAsk { after, limit: 1 }, protocol: Protocol::Shown };
        assert!(matches!(store.events(p, &ask), Err(StoreError::BadCursor)));
    }
}

pub(super) fn filters_mean_what_they_say(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = filled(&store);
    let events = |conditions: Vec<Condition>| -> std::result::Result<usize, StoreError> {
        let mut ask = EventsAsk {
            scope: scope(),
            page: PageAsk { after: None, limit: 100 },
            protocol: Protocol::Shown,
        };
        ask.scope.filter.conditions = conditions;
        store.events(p, &ask).map(|page| page.items.len())
    };
    let sessions = |conditions: Vec<Condition>| {
        let page = PageAsk { after: None, limit: 100 };
        let mut ask = SessionsAsk { scope: scope(), page, sort: None, tab: SessionTab::All };
        ask.scope.filter.conditions = conditions;
        store.sessions(p, &ask).unwrap().items.len()
    };
    let tag = || Field::Tag("env".into());
    for (field, op, values, of_events, of_sessions) in [
        (Field::Kind, Op::Eq, &["missing_capability"][..], 2, 1),
        (Field::Kind, Op::Ne, &["missing_capability"], 98, 9),
        (Field::Status, Op::In, &["tool_error", "timeout"], 4, 2),
        (Field::Method, Op::Has, &["TOOLS/"], 100, 10),
        (Field::Failed, Op::Eq, &["true"], 4, 2),
        (Field::Failed, Op::Eq, &["false"], 96, 10),
        (Field::Tool, Op::Eq, &["tool_1"], 33, 10),
        (Field::Tool, Op::Nin, &["tool_1", "tool_2"], 34, 0),
        (Field::Resource, Op::Set, &[], 0, 0),
        (Field::Resource, Op::Unset, &[], 100, 10),
        (Field::Prompt, Op::Unset, &[], 100, 10),
        (Field::Custom, Op::Set, &[], 0, 0),
        (Field::UnknownTool, Op::Eq, &["false"], 100, 10),
        (Field::UnknownTool, Op::Eq, &["true"], 0, 0),
        (Field::Sdk, Op::Unset, &[], 100, 10),
        (Field::Class, Op::Set, &[], 4, 2),
        (Field::Issue, Op::Gte, &["1"], 4, 2),
        (Field::Error, Op::Has, &["100%_BROKEN"], 4, 2),
        (Field::Error, Op::Has, &["100_"], 0, 0),
        (Field::Error, Op::Nhas, &["broken"], 96, 8),
        (Field::Client, Op::Eq, &["cursor"], 50, 5),
        (Field::Client, Op::Has, &["ZE"], 50, 5),
        (Field::ClientVersion, Op::Eq, &["1.0"], 100, 10),
        (Field::Server, Op::Unset, &[], 100, 10),
        (Field::Person, Op::Eq, &["ann@example.com"], 10, 1),
        (Field::Person, Op::Ne, &["ann@example.com"], 90, 9),
        (Field::Identified, Op::Eq, &["true"], 10, 1),
        (Field::Session, Op::In, &["s1", "s2"], 20, 2),
        (Field::SessionSource, Op::Eq, &["given"], 100, 10),
        (Field::Calls, Op::Lt, &["10"], 10, 1),
        (Field::Errors, Op::Gt, &["0"], 20, 2),
        (Field::Length, Op::Gte, &["2700"], 100, 10),
        (Field::Length, Op::Gt, &["2701"], 0, 0),
        (Field::Intent, Op::Has, &["number 7"], 11, 10),
        (Field::IntentSource, Op::Eq, &["given"], 100, 10),
        (Field::Duration, Op::Lte, &["1.5"], 51, 10),
        (Field::BytesOut, Op::In, &["0", "9900"], 2, 2),
        (Field::BytesIn, Op::Unset, &[], 100, 10),
        (tag(), Op::Eq, &["prod"], 25, 5),
        (tag(), Op::Has, &["PRO"], 25, 5),
        (Field::Tag("no\"such' key".into()), Op::Unset, &[], 100, 10),
        (Field::Input, Op::Eq, &["native"], 100, 10),
        (Field::Capture, Op::Set, &[], 0, 0),
    ] {
        let c = condition(field, op, values);
        assert_eq!(events(vec![c.clone()]).unwrap(), of_events, "events: {c:?}");
        assert_eq!(sessions(vec![c.clone()]), of_sessions, "sessions: {c:?}");
    }
    // Conditions on events of a session list are asked of one and the same event.
    let both = vec![condition(Field::Tool, Op::Eq, &["tool_1"]), condition(Field::Failed, Op::Eq, &["true"])];
    assert_eq!((events(both.clone()).unwrap(), sessions(both)), (2, 2));
    for (field, op, values) in [
        (Field::Kind, Op::Eq, &["nonsense"][..]),
        (Field::Kind, Op::Gt, &["tool_call"]),
        (Field::Duration, Op::Gt, &["long"]),
        (Field::Duration, Op::Has, &["1"]),
        (Field::Failed, Op::Eq, &["maybe"]),
        (Field::Tool, Op::Gt, &["a"]),
    ] {
        let c = condition(field, op, values);
        assert!(matches!(events(vec![c.clone()]), Err(StoreError::BadQuestion(_))), "{c:?}");
    }
}

pub(super) fn fields_of_one_kind_are_asked_of_that_kind(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let named = |n: u32, kind: Kind, name: &str| {
        let mut event = within(call(n, i64::from(n)), "s1");
        event.kind = kind;
        event.tool = None;
        event.resource = Some(name.into());
        event
    };
    let mut lost = within(call(4, 4), "s2");
    lost.flags.unknown_tool = true;
    lost.tokens = Some(Tokens { input: Some(40), output: Some(60), estimated: true });
    lost.sdk = Some(trackway_event::Peer { name: "trackway-wrap".into(), version: None });
    put(
        &store,
        p,
        vec![
            named(1, Kind::PromptGet, "review"),
            named(2, Kind::Custom, "paid"),
            named(3, Kind::ResourceRead, "review"),
            lost,
        ],
    );
    for (field, op, values, found) in [
        (Field::Prompt, Op::Eq, &["review"][..], 1),
        (Field::Custom, Op::Has, &["PAI"], 1),
        (Field::Custom, Op::Eq, &["review"], 0),
        (Field::Resource, Op::Eq, &["review"], 2),
        (Field::UnknownTool, Op::Eq, &["true"], 1),
        (Field::Tokens, Op::Gte, &["100"], 1),
        (Field::Tokens, Op::Gt, &["100"], 0),
        (Field::Tokens, Op::Set, &[], 4),
        (Field::Sdk, Op::Eq, &["trackway-wrap"], 1),
    ] {
        let page = PageAsk { after: None, limit: 100 };
        let mut ask = EventsAsk { scope: scope(), page: page.clone(), protocol: Protocol::Shown };
        ask.scope.filter.conditions = vec![condition(field.clone(), op, values)];
        let got = store.events(p, &ask).unwrap().items.len();
        assert_eq!(got, found, "{field:?} {op:?} {values:?}");
        let ask = SessionsAsk { scope: ask.scope, page, sort: None, tab: SessionTab::All };
        assert_eq!(store.sessions(p, &ask).unwrap().items.is_empty(), found == 0, "{field:?}");
    }
}

pub(super) fn full_text_finds_words_and_people(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = filled(&store);
    for (text, of_events, of_sessions) in [
        ("number 42", 1, 1),
        ("BROKEN pip", 4, 2),
        // Every word somewhere: 33 calls of the tool, and 6 of others whose intent has a number that starts with 2.
        ("tool_2", 39, 10),
        ("ann@", 10, 1),
        ("absent", 0, 0),
        ("\"OR* (", 0, 0),
        ("%", 0, 0),
    ] {
        let page = PageAsk { after: None, limit: 100 };
        let mut ask = EventsAsk { scope: scope(), page: page.clone(), protocol: Protocol::Shown };
        ask.scope.filter.text = Some(text.into());
        assert_eq!(store.events(p, &ask).unwrap().items.len(), of_events, "{text}");
        let ask = SessionsAsk { scope: ask.scope, page, sort: None, tab: SessionTab::All };
        assert_eq!(store.sessions(p, &ask).unwrap().items.len(), of_sessions, "{text}");
    }
}

pub(super) fn the_live_feed_tells_every_commit(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    put(&store, p, vec![call(1, 0)]);
    let mut feed = store.subscribe(p).unwrap();
    put(&store, p, vec![call(1, 0), call(2, 1), call(3, 2)]);
    put(&store, p, vec![call(2, 1)]);
    put(&store, p, vec![with_client(call(4, 3), "zed")]);
    let first = feed.blocking_recv().unwrap();
    let second = feed.blocking_recv().unwrap();
    let ids = |rows: &[EventRow]| rows.iter().map(|e| e.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first.events), [call(2, 1).id, call(3, 2).id], "new ones only");
    assert_eq!(&*second.events[0].client.as_ref().unwrap().name, "zed");
    let later = store.events_after(p, first.events[0].seq, &Filter::default(), 10).unwrap();
    assert_eq!(ids(&later), [call(3, 2).id, call(4, 3).id], "a reader that was away catches up");
    assert_eq!(store.events_after(p, first.events[0].seq, &Filter::default(), 1).unwrap().len(), 1);
    assert!(store.events_after(p, u64::MAX, &Filter::default(), 10).unwrap().is_empty());
}

pub(super) fn strange_periods_are_answered(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = filled(&store);
    let t = trackway_event::Timestamp::from_micros;
    for (from, to, found) in [
        (t(i64::MIN), t(i64::MAX), 98),
        (t(0), t(0), 0),
        (at(MINUTE), at(0), 0),
        (t(i64::MAX), t(i64::MIN), 0),
        (at(0), at(1), 2),
    ] {
        let period = Period { from, to };
        let scope = Scope { period, filter: Default::default(), zone: crate::query::TimeZone::UTC };
        let ask = OverviewAsk { scope: scope.clone(), compare: Compare::Previous };
        let overview = store.overview(p, &ask).unwrap();
        assert_eq!(overview.now.calls.calls, found, "{period:?}");
        assert!(overview.series.len() <= 1_000);
        let list = ListAsk { scope: scope.clone(), page: PageAsk::default(), sort: None };
        assert_eq!(store.people(p, &list).unwrap().items.len(), usize::from(found > 2));
        store.issues(p, &list, IssueTab::All).unwrap();
        store.clients(p, &scope).unwrap();
        store.tool(p, "tool_1", &scope).unwrap();
    }
}
