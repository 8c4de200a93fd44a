//! The vendor's tables, the boundary, and the partition under every order.

use proptest::prelude::*;
use trackway_event::Kind;

use super::*;
use crate::testing::{actor, event, noon, peer};

/// Places starts one by one, as the store does; returns each session's starts, sorted.
fn assemble(starts: impl IntoIterator<Item = Timestamp>, cuts: &[Timestamp]) -> Vec<Vec<Timestamp>> {
    let mut sessions: Vec<(Span, Vec<Timestamp>)> = Vec::new();
    for start in starts {
        let spans: Vec<Span> = sessions.iter().map(|(span, _)| *span).collect();
        let home = match place(start, &spans, cuts) {
            Placement::New => {
                sessions.push((Span::at(start), Vec::new()));
                sessions.len() - 1
            }
            Placement::Join(i) => i,
            Placement::Bridge { keep, gone } => {
                assert!(gone.iter().all(|g| *g > keep));
                for i in gone.into_iter().rev() {
                    let (span, moved) = sessions.remove(i);
                    sessions[keep].0 = sessions[keep].0.join(span);
                    sessions[keep].1.extend(moved);
                }
                keep
            }
        };
        sessions[home].0 = sessions[home].0.join(Span::at(start));
        sessions[home].1.push(start);
    }
    let mut out: Vec<_> = sessions
        .into_iter()
        .map(|(_, mut s)| {
            s.sort_unstable();
            s
        })
        .collect();
    out.sort();
    out
}

#[test]
fn inv_04_the_five_events_of_the_vendors_table_make_four_sessions_in_every_order() {
    let table = [
        ("alice", "Claude Desktop", 0),
        ("bob", "Cursor", 2),
        ("alice", "Claude Desktop", 15),
        ("alice", "Cursor", 20),
        ("alice", "Claude Desktop", 55),
    ];
    let mut orders = Vec::new();
    permutations(&mut vec![0, 1, 2, 3, 4], 0, &mut orders);
    assert_eq!(orders.len(), 120);
    for order in orders {
        let mut by_key = std::collections::BTreeMap::<GroupKey, Vec<(usize, Timestamp)>>::new();
        for i in order {
            let (who, client, minute) = table[i];
            let mut e = event(&format!("e{i}"), Kind::ToolCall, minute);
            e.actor = actor(who);
            e.client = peer(client);
            let Rule::Grouped(key) = rule(&e) else { panic!("an identified event is grouped") };
            by_key.entry(key).or_default().push((i + 1, e.started_at));
        }
        let mut sessions = Vec::new();
        for events in by_key.values() {
            for session in assemble(events.iter().map(|(_, t)| *t), &[]) {
                let mut ids: Vec<_> =
                    events.iter().filter(|(_, t)| session.contains(t)).map(|(i, _)| *i).collect();
                ids.sort_unstable();
                sessions.push(ids);
            }
        }
        sessions.sort();
        assert_eq!(sessions, [vec![1, 3], vec![2], vec![4], vec![5]]);
    }
}

fn permutations(items: &mut Vec<usize>, from: usize, out: &mut Vec<Vec<usize>>) {
    if from == items.len() {
        out.push(items.clone());
    }
    for i in from..items.len() {
        items.swap(from, i);
        permutations(items, from + 1, out);
        items.swap(from, i);
    }
}

#[test]
fn exactly_thirty_minutes_join_and_a_microsecond_more_does_not() {
    let open = [Span::at(noon())];
    for (us, expect) in [
        (0, Placement::Join(0)),
        (30 * 60_000_000, Placement::Join(0)),
        (30 * 60_000_000 + 1, Placement::New),
        (-30 * 60_000_000, Placement::Join(0)),
        (-30 * 60_000_000 - 1, Placement::New),
    ] {
        assert_eq!(place(noon().plus_micros(us), &open, &[]), expect, "{us}");
    }
}

#[test]
fn a_late_event_bridges_and_the_first_minted_survives() {
    let minute = |m: i64| noon().plus_micros(m * 60_000_000);
    let spans = [Span::at(minute(50)), Span::at(minute(0)), Span::at(minute(500))];
    assert_eq!(place(minute(25), &spans, &[]), Placement::Bridge { keep: 0, gone: vec![1] });
    assert_eq!(place(minute(-5), &spans, &[]), Placement::Join(1));
}

#[test]
fn nothing_joins_over_a_cut() {
    let minute = |m: i64| noon().plus_micros(m * 60_000_000);
    let spans = [Span { first: minute(0), last: minute(9) }, Span { first: minute(10), last: minute(20) }];
    let cuts = [minute(10)];
    assert_eq!(place(minute(9), &spans, &cuts), Placement::Join(0));
    assert_eq!(place(minute(10), &spans, &cuts), Placement::Join(1));
    assert_eq!(place(minute(10), &spans[..1], &cuts), Placement::New);
    assert_eq!(place(minute(10), &spans, &[]), Placement::Bridge { keep: 0, gone: vec![1] });
}

#[test]
fn who_is_grouped() {
    let mut call = event("a", Kind::ToolCall, 0);
    assert_eq!(rule(&call), Rule::Alone);
    call.actor = actor("null");
    assert_eq!(rule(&call), Rule::Alone);
    call.actor = actor("alice");
    let Rule::Grouped(key) = rule(&call) else { panic!("identified") };
    assert_eq!((key.actor.as_str(), &*key.client), ("alice", ""));
    let mut identify = event("b", Kind::Identify, 0);
    identify.actor = actor("alice");
    assert_eq!(rule(&identify), Rule::Nowhere);
    identify.session_id = SessionId::foreign("ses_x");
    assert_eq!(rule(&identify), Rule::Named(SessionId::foreign("ses_x").unwrap()));
}

proptest! {
    #[test]
    fn inv_04_any_arrival_order_gives_the_same_partition(
        minutes in proptest::collection::vec(0i64..600, 0..40).prop_flat_map(|v| {
            let shuffled = Just(v.clone()).prop_shuffle();
            (Just(v), shuffled)
        }),
        cuts in proptest::collection::vec(0i64..600, 0..4),
    ) {
        let at = |m: &i64| noon().plus_micros(m * 60_000_000);
        let cuts: Vec<Timestamp> = cuts.iter().map(at).collect();
        let expect = components(minutes.0.iter().map(at).collect(), &cuts);
        prop_assert_eq!(assemble(minutes.0.iter().map(at), &cuts), expect.clone());
        prop_assert_eq!(assemble(minutes.1.iter().map(at), &cuts), expect);
    }
}
