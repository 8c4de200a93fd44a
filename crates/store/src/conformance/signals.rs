//! Signals: what is answered from rows equals the folds of `core::metric` over the events themselves, in any order of
//! arrival.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use trackway_core::chain::{self, CallView};
use trackway_core::metric::attempts::{self, Attempts};
use trackway_core::metric::weight::Weight;
use trackway_core::metric::{percentile, repeats};
use trackway_event::{Event, Kind, Status, Timestamp, Tokens};

use super::kit::*;
use crate::Store;
use crate::query::*;

/// Three hundred calls of twelve sessions: few tools, arguments and answers, so that chains, repeats and loops come about.
fn traffic() -> Vec<Event> {
    let mut seed = 7u64;
    let mut pick = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    (0..300u32)
        .map(|n| {
            let session = pick(12);
            // Calls of a session never start together, else their order would be that of arrival.
            let start = i64::from(n) * MINUTE / 3 + n as i64;
            let mut e = within(call(n, start), &format!("s{session}"));
            // Half of the sessions do little but the same.
            let dull = session % 2 == 0;
            e.tool = Some(format!("tool_{}", if dull { 0 } else { pick(3) }).into());
            e.arguments =
                RawValue::from_string(format!(r#"{{"q":{}}}"#, if dull { 1 } else { pick(2) })).ok();
            e.result =
                RawValue::from_string(format!(r#"{{"n":{},"at":"12:00:{:02}"}}"#, pick(20) / 19, n % 60))
                    .ok();
            e.tokens = Some(Tokens { input: Some(1), output: Some(pick(30_000) as u32), estimated: true });
            match pick(9) {
                0 | 1 => e = failing(e, "order 17 not found"),
                2 => e = failing(e, "no permission"),
                3 => e.status = Some(Status::Timeout),
                4 => e.flags.nested = true,
                5 if pick(2) == 0 => e.status = Some(Status::InputRequired),
                6 if pick(3) == 0 => {
                    e = failing(e, "declared");
                    e.flags.declared_error = true;
                }
                7 if pick(3) == 0 => e.flags.unknown_tool = true,
                _ => {}
            }
            e
        })
        .collect()
}

/// The same by the definitions: over events, session by session.
#[derive(Debug, Default, PartialEq)]
struct Fold {
    calls: u64,
    sessions: u64,
    attempts: Attempts,
    minutes: BTreeMap<Timestamp, Attempts>,
    repeats: u64,
    looping: u64,
    endings: BTreeMap<&'static str, u64>,
    first: (u64, Option<u64>, Option<u64>),
    tools: BTreeMap<String, (u64, Attempts, u64, Weight)>,
}

fn fold(events: &[Event]) -> Fold {
    let mut sessions: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for e in events.iter().filter(|e| e.is_counted_call()) {
        sessions.entry(e.session_id.as_ref().unwrap().as_str()).or_default().push(e);
    }
    let mut all = Fold { sessions: sessions.len() as u64, ..Fold::default() };
    let (mut calls, mut waits) = (Vec::new(), Vec::new());
    let mut tokens: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for events in sessions.values() {
        let views: Vec<CallView<'_>> = events.iter().filter_map(|e| CallView::of(e)).collect();
        all.calls += views.len() as u64;
        for chain in chain::chains(&views) {
            let one = Attempts::of(&chain, &views);
            all.attempts.merge(one);
            let began = views[chain.calls[0]].started_at.micros();
            let minute = Timestamp::from_micros(began - began % MINUTE);
            all.minutes.entry(minute).or_default().merge(one);
            all.tools.entry(views[chain.calls[0]].tool.to_owned()).or_default().1.merge(one);
        }
        for (view, repeated) in views.iter().zip(repeats::repeats(&views)) {
            all.repeats += u64::from(repeated);
            let tool = all.tools.entry(view.tool.to_owned()).or_default();
            tool.0 += 1;
            tool.2 += u64::from(repeated);
        }
        all.looping += u64::from(!repeats::loops(&views).is_empty());
        *all.endings.entry(chain::ending(&views).as_str()).or_default() += 1;
        let start = views.iter().map(|v| v.started_at).min().unwrap();
        if let Some(first) = attempts::first_success(start, &views) {
            calls.push(first.call);
            waits.push(first.after_us);
        }
        for e in events.iter().filter(|e| e.status == Some(Status::Ok)) {
            let output = e.tokens.and_then(|t| t.output).map(u64::from);
            tokens.entry(e.tool.clone().unwrap().into()).or_default().extend(output);
        }
    }
    for (tool, tokens) in tokens {
        all.tools.entry(tool).or_default().3 = Weight::of(tokens);
    }
    calls.sort_unstable();
    waits.sort_unstable();
    all.first = (calls.len() as u64, percentile(&calls, 0.5), percentile(&waits, 0.5));
    all
}

fn answered(s: Signals) -> Fold {
    Fold {
        calls: s.calls,
        sessions: s.sessions,
        attempts: s.attempts,
        minutes: s.minutes,
        repeats: s.repeats,
        looping: s.looping,
        endings: s.endings.into_iter().map(|(e, n)| (e.as_str(), n)).collect(),
        first: (s.successful, s.first_success_call, s.first_success_us),
        tools: s.tools.into_iter().map(|t| (t.tool, (t.calls, t.attempts, t.repeats, t.weight))).collect(),
    }
}

pub(super) fn inv_05_signals_equal_their_folds(make: &dyn Fn() -> Arc<dyn Store>) {
    let events = traffic();
    let expect = fold(&events);
    assert!(
        expect.looping > 0
            && expect.repeats > 10
            && expect.attempts.recovered > 0
            && expect.attempts.unsolved() > 0
    );
    for step in [1, 7] {
        let store = make();
        let p = project(&store, "proj_a");
        // 7 shares no factor with 300: every event once, in another order.
        let order: Vec<Event> = (0..events.len()).map(|i| events[i * step % events.len()].clone()).collect();
        for batch in order.chunks(40) {
            put(&store, p, batch.to_vec());
        }
        put(&store, p, order[..50].to_vec());
        let found = store.signals(p, &scope()).unwrap();
        assert_eq!((found.partial.as_deref(), found.unknown.is_empty()), (None, false));
        assert_eq!(found.attempts_within(at(-MINUTE), at(1_000 * MINUTE)), expect.attempts);
        assert_eq!(found.attempts_within(at(MINUTE), at(MINUTE)), Attempts::default());
        let halves = [(0, 50), (50, 1_000)]
            .map(|(from, to)| found.attempts_within(at(from * MINUTE), at(to * MINUTE)));
        assert_eq!(halves[0].chains + halves[1].chains, expect.attempts.chains);
        assert_eq!(answered(found), expect);
        let overview = store.overview(p, &OverviewAsk { scope: scope(), compare: Compare::None }).unwrap();
        assert_eq!(overview.signals.attempts, expect.attempts);
        assert!(overview.worth_a_look.iter().all(|s| !s.why.is_empty()));
        assert!(matches!(overview.worth_a_look[0].why[0], Worth::Loop { .. }));
        let tool = store.tool(p, "tool_0", &scope()).unwrap().unwrap().row.signals.unwrap();
        assert_eq!((tool.calls, tool.attempts), (expect.tools["tool_0"].0, expect.tools["tool_0"].1));
        super::filters::tabs_hold_what_rows_show(&store, p);
        let rows = sessions(&store, p);
        let mut attempts = Attempts::default();
        rows.iter().for_each(|s| attempts.merge(s.attempts));
        assert_eq!(attempts, expect.attempts);
        for row in &rows {
            let of_session: Vec<CallView<'_>> = events
                .iter()
                .filter(|e| e.session_id.as_ref() == Some(&row.id))
                .filter_map(CallView::of)
                .collect();
            let circled = !repeats::loops(&of_session).is_empty();
            assert_eq!(row.why.iter().any(|w| matches!(w, Worth::Loop { .. })), circled);
            if let Some(Worth::Loop { tools, .. }) = row.why.first() {
                assert!(tools.iter().all(|t| t.starts_with("tool_")), "{tools:?}");
            }
        }
    }
}

pub(super) fn warnings_name_what_is_wrong(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    assert_eq!(store.warnings(p, &scope()).unwrap(), []);
    let events = (0..25u32).map(|n| {
        let e = with_client(within(call(n, i64::from(n) * MINUTE), &format!("s{n}")), "cursor");
        if n < 2 { by(e, "ann") } else { e }
    });
    put(&store, p, events.collect());
    assert_eq!(
        store.warnings(p, &scope()).unwrap(),
        [Warning::Fragmented { single: 25, sessions: 25, split: 1 }]
    );
    // A listing beside the call makes no second call.
    let mut list = within(call(90, 0), "s0");
    list.kind = Kind::ToolsList;
    put(&store, p, vec![list]);
    assert_eq!(store.warnings(p, &scope()).unwrap().len(), 1);
}
