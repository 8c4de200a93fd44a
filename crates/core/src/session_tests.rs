//! Facts of sessions: rules one by one, and the laws of the merge.

use proptest::prelude::*;
use trackway_event::{Status, Tokens};

use super::*;
use crate::testing::{actor, event, events_and_order, noon, peer};

fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Facts {
    let mut facts = Facts::default();
    for event in events {
        facts.add(event);
    }
    facts
}

#[test]
fn counts_what_d16_says() {
    let mut events = vec![
        event("a", Kind::ToolCall, 0),
        event("b", Kind::ToolCall, 1),
        event("c", Kind::ToolCall, 2),
        event("d", Kind::ToolCall, 3),
        event("e", Kind::ToolsList, 4),
        event("f", Kind::MissingCapability, 5),
        event("g", Kind::Protocol, 90),
        event("h", Kind::Identify, 6),
    ];
    events[0].status = Some(Status::ToolError);
    events[0].tokens = Some(Tokens { input: Some(3), output: Some(4), estimated: true });
    events[1].status = Some(Status::ProtocolError);
    events[1].flags.nested = true;
    events[2].status = Some(Status::InputRequired);
    events[3].status = Some(Status::Timeout);
    events[4].status = Some(Status::ToolError);
    events[4].flags.declared_error = true;
    let counts = fold(&events).counts;
    assert_eq!(counts.span, Some((noon(), noon().plus_micros(6 * 60_000_000))));
    assert_eq!((counts.events, counts.activity), (7, 6));
    assert_eq!((counts.tool_calls, counts.errors, counts.missing_reports), (2, 1, 1));
    assert_eq!((counts.tokens_in, counts.tokens_out), (3, 4));
}

#[test]
fn identity_facts_alone_make_no_visible_session() {
    let facts = fold(&[event("a", Kind::Identify, 0), event("b", Kind::Protocol, 1)]);
    assert!(!facts.is_visible());
    assert!(fold(&[event("a", Kind::Initialize, 0)]).is_visible());
}

#[test]
fn null_erases_nothing_and_the_first_program_and_last_actor_hold() {
    let mut events =
        [event("a", Kind::ToolCall, 0), event("b", Kind::ToolCall, 1), event("c", Kind::ToolCall, 2)];
    events[1].client = peer("claude-code");
    events[2].client = peer("cursor");
    events[0].actor = actor("u_1");
    events[1].actor = actor("anonymous");
    events[2].actor = None;
    let facts = fold(&events);
    assert_eq!(&*facts.people.client.value().unwrap().name, "claude-code");
    assert_eq!(facts.people.actor.value().unwrap().as_str(), "u_1");
    assert_eq!(facts.people.attributed().unwrap().as_str(), "u_1");
    let mut late = event("d", Kind::ToolCall, 3);
    late.actor = actor("u_2");
    let mut both = facts.clone();
    both.add(&late);
    // PH I11: the earliest holds, whoever comes later
    assert_eq!(both.people.attributed().unwrap().as_str(), "u_1");
    late.input = trackway_event::Input::Agentcat;
    let mut both = facts;
    both.add(&late);
    // D9: where users share a session id, two of them link nothing
    assert_eq!(both.people.actor.value().unwrap().as_str(), "u_2");
    assert_eq!((both.people.actor_count(), both.people.attributed()), (2, None));
}

#[test]
fn a_session_of_a_thousand_actors_stays_small() {
    let events: Vec<_> = (0..1_000)
        .map(|i| {
            let mut e = event(&format!("e{i}"), Kind::ToolCall, i);
            e.actor = actor(&format!("user {i}"));
            e
        })
        .collect();
    let facts = fold(&events);
    assert_eq!(facts.people.actor_count() as usize, ACTORS + 1);
    assert!(facts.people.encode().len() < 1_024);
    assert_eq!(fold(events.iter().rev()), facts);
}

#[test]
fn a_usual_session_takes_few_bytes() {
    let mut e = event("evt_2ad1IUJY22FZA7HVjz7XTWS9k1n", Kind::ToolCall, 0);
    e.client = peer("claude-code");
    e.server = peer("shop");
    e.sdk = peer("trackway-wrap");
    e.session_source = Some(SessionSource::StdioProcess);
    e.protocol_version = Some("2025-06-18".into());
    e.actor = actor("u_1");
    let bytes = Facts::of(&e).people.encode();
    assert!(bytes.len() < 128, "{}", bytes.len());
}

proptest! {
    #[test]
    fn inv_03_inv_04_any_order_and_any_split_give_the_same_facts(
        (events, order) in events_and_order(24), cut in 0usize..24,
    ) {
        let expect = fold(&events);
        let shuffled: Vec<&Event> = order.iter().map(|i| &events[*i]).collect();
        let (left, right) = shuffled.split_at(cut.min(shuffled.len()));
        let mut merged = fold(left.iter().copied());
        merged.merge(fold(right.iter().copied()));
        prop_assert_eq!(&merged, &expect);
        let mut swapped = fold(right.iter().copied());
        swapped.merge(fold(left.iter().copied()));
        prop_assert_eq!(&swapped, &expect);
        let mut people = merged.people.clone();
        people.merge(merged.people.clone());
        prop_assert_eq!(&people, &merged.people);
    }

    #[test]
    fn provenance_comes_back_from_its_bytes((events, _) in events_and_order(12)) {
        let people = fold(&events).people;
        prop_assert_eq!(Provenance::decode(&people.encode()), Some(people));
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Provenance::decode(&bytes);
        let mut framed = vec![FORMAT];
        framed.extend(bytes);
        let _ = Provenance::decode(&framed);
    }
}
