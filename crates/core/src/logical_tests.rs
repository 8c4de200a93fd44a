//! Joining against a naive reference, in any order and with repetition, and the rules one by one.

use proptest::prelude::*;
use serde_json::json;
use trackway_event::json::payload_of;

use super::*;
use crate::testing::event;

/// A request: `asks` and `presents` are states, `-` stands for none in words.
fn request(id: usize, at_s: i64, status: Status) -> Leg {
    let mut e = event(&format!("evt_{id:03}"), Kind::ToolCall, 0);
    e.started_at = e.started_at.plus_micros(at_s * 1_000_000);
    e.status = Some(status);
    e.flags.mrtr_continuation = true;
    e.duration_us = Some(100 + id as u64);
    Leg::of(&e).unwrap()
}

fn with(mut leg: Leg, change: impl FnOnce(&mut Request)) -> Leg {
    if let Part::Request(request) = &mut leg.part {
        change(request);
    }
    leg
}

fn traffic(id: usize, at_s: i64, task: &str, ended: Option<Ended>) -> Leg {
    let mut leg = request(id, at_s, Status::Ok);
    leg.part = Part::Task(ended);
    leg.task = Some(task.into());
    leg
}

/// Ids of the requests of each call.
fn ids(legs: &[Leg]) -> Vec<Vec<String>> {
    let mut calls: Vec<Vec<String>> =
        join(legs).iter().map(|c| c.requests.iter().map(|i| legs[*i].id.to_string()).collect()).collect();
    calls.sort();
    calls
}

#[test]
fn states_names_and_age_decide() {
    let asks = |id, at, state: Option<&str>| {
        with(request(id, at, Status::InputRequired), |r| {
            (r.asks, r.answers, r.state_out) = (true, false, state.map(Into::into));
            r.asked = vec!["pin".into(), "name".into()];
        })
    };
    let brings = |id, at, state: Option<&str>, named: &'static str| {
        with(request(id, at, Status::Ok), |r| {
            (r.state_in, r.answered) = (state.map(Into::into), vec![named.into()]);
        })
    };
    let joined = |legs: &[Leg]| ids(legs).iter().any(|c| c.len() > 1);
    assert!(joined(&[asks(1, 0, Some("s")), brings(2, 9, Some("s"), "pin")]));
    assert!(!joined(&[asks(1, 0, Some("s")), brings(2, 9, Some("t"), "pin")]), "another state");
    assert!(!joined(&[asks(1, 0, Some("s")), brings(2, 9, None, "pin")]), "the state must be presented");
    assert!(joined(&[asks(1, 0, None), brings(2, 9, None, "pin")]));
    assert!(!joined(&[asks(1, 0, None), brings(2, 9, None, "age")]), "an input nobody asked for");
    assert!(!joined(&[asks(1, 9, Some("s")), brings(2, 0, Some("s"), "pin")]), "before the question");
    let day = WINDOW_US / 1_000_000;
    assert!(joined(&[asks(1, 0, Some("s")), brings(2, day, Some("s"), "pin")]));
    assert!(!joined(&[asks(1, 0, Some("s")), brings(2, day + 1, Some("s"), "pin")]), "a day later");
    let plain = with(brings(2, 9, Some("s"), "pin"), |r| r.answers = false);
    assert!(!joined(&[asks(1, 0, Some("s")), plain]), "it brings nothing");
    // Without a state the arguments decide; with one state for all, they decide between calls.
    let other = |leg| with(leg, |r| r.same = "other".into());
    assert!(!joined(&[asks(1, 0, None), other(brings(2, 9, None, "pin"))]));
    let legs = [asks(1, 0, Some("s")), other(asks(2, 1, Some("s"))), other(brings(3, 9, Some("s"), "pin"))];
    assert_eq!(ids(&legs)[1], ["evt_002", "evt_003"]);
    // Answered once: the second presenter of a state is a call of its own.
    let legs = [asks(1, 0, Some("s")), brings(2, 9, Some("s"), "pin"), brings(3, 10, Some("s"), "pin")];
    assert_eq!(ids(&legs), [vec!["evt_001", "evt_002"], vec!["evt_003"]]);
}

#[test]
fn a_call_of_several_rounds_adds_up() {
    let round = |id, at, before: Option<&str>, after: Option<&str>| {
        with(request(id, at, if after.is_some() { Status::InputRequired } else { Status::ToolError }), |r| {
            r.asks = after.is_some();
            r.answers = before.is_some();
            (r.state_in, r.state_out) = (before.map(Into::into), after.map(Into::into));
        })
    };
    let legs =
        [round(1, 0, None, Some("a")), round(2, 60, Some("a"), Some("b")), round(3, 120, Some("b"), None)];
    let calls = join(&legs);
    let [call] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!((call.requests.as_slice(), call.status), (&[0, 1, 2][..], Some(Status::ToolError)));
    // Two minutes of a person's thinking are in the whole, not in the server's time.
    assert_eq!((call.server_us, call.total_us), (Some(101 + 102 + 103), Some(120_000_103)));
    assert!(call.is_joined());
    // While it waits it asks.
    assert_eq!(join(&legs[..2])[0].status, Some(Status::InputRequired));
}

#[test]
fn a_task_ends_as_soon_as_it_was_seen_and_as_its_tool_says() {
    let made = |life: Option<u64>| {
        let mut leg = with(request(1, 0, Status::Task), |r| (r.answers, r.ttl_ms) = (false, life));
        leg.task = Some("t".into());
        leg
    };
    let ended = |by, status| Some(Ended { by, status });
    let legs = [
        made(Some(60_000)),
        traffic(2, 5, "t", None),
        traffic(3, 10, "t", ended(ClosedBy::Poll, Status::Ok)),
        traffic(4, 11, "t", ended(ClosedBy::Result, Status::ToolError)),
        traffic(5, 4, "u", ended(ClosedBy::Poll, Status::Cancelled)),
    ];
    let calls = join(&legs);
    let [call] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!((call.status, call.closed_by), (Some(Status::ToolError), Some(ClosedBy::Poll)));
    assert_eq!((call.server_us, call.total_us), (Some(10_000_103), Some(10_000_103)));
    assert_eq!((call.traffic.as_slice(), call.told), (&[1, 2, 3][..], Some(3)));
    // Nobody saw it end.
    for (life, end_s) in [(Some(60_000), 60), (None, TASK_US / 1_000_000)] {
        let call = join(&[made(life), traffic(2, 5, "t", None)]).remove(0);
        assert_eq!((call.is_joined(), call.status), (false, Some(Status::Task)));
        let at = |s: i64| crate::testing::noon().plus_micros(s * 1_000_000);
        assert_eq!(call.status_at(at(end_s)), Some(Status::Task));
        assert_eq!(call.status_at(at(end_s + 1)), Some(Status::Timeout), "in analytics only");
    }
}

#[test]
fn a_leg_is_read_from_what_the_recorder_noted() {
    let mut e = event("evt_1", Kind::ToolCall, 0);
    assert_eq!(Leg::of(&e), None, "most calls are a call of their own");
    e.status = Some(Status::InputRequired);
    e.tool = Some("buy".into());
    e.name = "tools/call".into();
    e.properties =
        payload_of(&json!({ "mrtr_out": "h", "mrtr_key": "k", "mrtr_asked": ["pin", 3], "mine": {} }));
    let leg = Leg::of(&e).unwrap();
    let request = leg.request().unwrap();
    assert_eq!((request.asks, request.state_out.as_deref(), &*request.same), (true, Some("h"), "k"));
    assert_eq!(request.asked, ["pin".into()]);
    e.properties = None;
    assert_eq!(&*Leg::of(&e).unwrap().request().unwrap().same, "tools/call\0buy");
    e.flags.nested = true;
    assert_eq!(Leg::of(&e), None);
    let mut e = event("evt_2", Kind::Protocol, 0);
    e.name = "tasks/get".into();
    assert_eq!(Leg::of(&e), None, "a task without a key is nobody's");
    e.properties = payload_of(&json!({ "task_key": "t", "closed_by": "poll", "call_status": "ok" }));
    let ended = Ended { by: ClosedBy::Poll, status: Status::Ok };
    assert_eq!(Leg::of(&e).unwrap().part, Part::Task(Some(ended)));
    let text = serde_json::to_string(&Leg::of(&e).unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<Leg>(&text).unwrap(), Leg::of(&e).unwrap(), "as the store keeps it");
}

prop_compose! {
    fn any_leg(id: usize)(
        at_s in prop_oneof![0i64..40, 86_380i64..86_420],
        part in 0u8..8,
        state_out in proptest::option::of(0u8..2),
        state_in in proptest::option::of(0u8..2),
        same in 0u8..2,
        asked in 0u8..3,
        answered in 0u8..3,
        task in 0u8..2,
        by in 0usize..3,
        us in proptest::option::of(0u64..3_000_000),
        ended in proptest::option::of(proptest::sample::select(vec![Status::Ok, Status::ToolError, Status::Cancelled])),
    ) -> Leg {
        let status = [Status::InputRequired, Status::InputRequired, Status::Ok, Status::Task, Status::Lost][usize::from(part.min(4))];
        let by = [ClosedBy::Poll, ClosedBy::Result, ClosedBy::Notification][by];
        let mut leg = if part > 5 {
            traffic(id, at_s, "", ended.map(|status| Ended { by, status }))
        } else {
            let state = |s: Option<u8>| s.map(|s| format!("s{s}").into());
            let names = |n: u8| (0..n).map(|n| format!("n{n}").into()).collect();
            with(request(id, at_s, status), |r| {
                (r.asks, r.answers) = (part < 2, part != 0);
                (r.state_out, r.state_in) = (state(state_out).filter(|_| part < 2), state(state_in).filter(|_| part > 0));
                (r.asked, r.answered, r.same) = (names(asked), names(answered), format!("k{same}").into());
            })
        };
        leg.us = us;
        leg.task = (part == 3 || part > 5).then(|| format!("t{task}").into());
        leg
    }
}

/// What a request answers, by definition: of the earlier questions that fit and that no request before it answered, one of the same
/// arguments if there is one, and of those the one whose call began first.
fn question_of(legs: &[Leg], place: usize) -> Option<usize> {
    let mine = legs[place].request()?;
    let begins = |mut at: usize| {
        while let Some(before) = question_of(legs, at) {
            at = before;
        }
        legs[at].key()
    };
    let before = |a: usize, b: usize| legs[a].key() < legs[b].key();
    (0..legs.len())
        .filter(|q| before(*q, place) && legs[*q].request().is_some_and(|r| r.asks && belongs(r, mine)))
        .filter(|q| legs[place].at.since(legs[*q].at) <= WINDOW_US)
        .filter(|q| {
            !(0..legs.len()).any(|o| before(*q, o) && before(o, place) && question_of(legs, o) == Some(*q))
        })
        .min_by_key(|q| (legs[*q].request().map(|r| r.same != mine.same), begins(*q)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn inv_03_inv_04_joining_is_the_naive_reference_in_any_order(
        legs in (0usize..9).prop_flat_map(|n| (0..n).map(any_leg).collect::<Vec<_>>()),
        seed in any::<u64>(),
    ) {
        let calls = join(&legs);
        for call in &calls {
            for (n, place) in call.requests.iter().enumerate() {
                let before = n.checked_sub(1).map(|b| call.requests[b]);
                prop_assert_eq!(question_of(&legs, *place), before);
            }
            let sum: u64 = call.requests.iter().filter_map(|i| legs[*i].us).sum();
            prop_assert!(call.told.is_some() || call.server_us.unwrap_or(0) == sum);
            let ends = |i: &&usize| matches!(legs[**i].part, Part::Task(Some(_)));
            prop_assert_eq!(call.told.is_some(), call.traffic.iter().any(|i| ends(&i)));
        }
        let requests = legs.iter().filter(|l| l.request().is_some()).count();
        prop_assert_eq!(calls.iter().map(|c| c.requests.len()).sum::<usize>(), requests, "each once");

        // The same set, shuffled and with repeats.
        let mut other: Vec<Leg> = legs.iter().cloned().chain(legs.iter().take(3).cloned()).collect();
        for i in (1..other.len()).rev() {
            other.swap(i, (seed.rotate_left(i as u32 * 7) % (i as u64 + 1)) as usize);
        }
        let named = |of: &[Leg], calls: Vec<Call>| -> Vec<_> {
            let ids = |places: &[usize]| places.iter().map(|i| of[*i].id.to_string()).collect::<Vec<_>>();
            calls.iter().map(|c| (
                ids(&c.requests), ids(&c.traffic), c.told.map(|t| of[t].id.to_string()), c.closed_by, c.status,
                c.server_us, c.total_us, c.expires,
            )).collect()
        };
        prop_assert_eq!(named(&other, join(&other)), named(&legs, calls));
    }
}
