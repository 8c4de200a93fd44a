//! Ids that name nobody, and the laws of a person's facts.

use proptest::prelude::*;
use serde_json::json;
use trackway_event::Kind;

use super::*;
use crate::testing::{actor, event, events_and_order};

#[test]
fn placeholders_name_nobody() {
    for bad in [
        "",
        " ",
        "anonymous",
        "Anonymous",
        "GUEST",
        "distinct_id",
        "DistinctId",
        "id",
        "ID",
        "email",
        "undefined",
        "TRUE",
        "false",
        "not_authenticated",
        "[object Object]",
        "NaN",
        "None",
        "none",
        "null",
        "0",
        "'0'",
        "\"null\"",
        "'Guest'",
        "\"\"",
        "a\0b",
        "00000000-0000-0000-0000-000000000000",
    ] {
        assert!(!is_legal_id(bad), "{bad:?}");
    }
    for good in
        ["u_1", "Null", "NONE", "nan", "00", "alice@example.com", "'alice'", "[object object]", "'", "日本"]
    {
        assert!(is_legal_id(good), "{good:?}");
    }
}

fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Facts {
    let mut facts = Facts::default();
    for event in events {
        facts.add(event);
    }
    facts
}

fn says(id: &str, minute: i64, name: Option<&str>, traits: Value) -> Event {
    let mut e = event(id, Kind::ToolCall, minute);
    e.actor = actor("u_1");
    if let (Some(actor), Value::Object(traits)) = (&mut e.actor, traits) {
        actor.name = name.map(Into::into);
        actor.traits = traits;
    }
    e
}

#[test]
fn the_newest_event_time_wins_per_key() {
    let late = says("a", 9, None, json!({"plan": "pro", "gone": null}));
    let early = says("b", 1, Some("Alice"), json!({"plan": "free", "a": 1, "gone": "kept"}));
    let blank = says("c", 20, Some(" "), json!({}));
    for order in [[&late, &early, &blank], [&blank, &early, &late]] {
        let profile = fold(order).profile;
        assert_eq!(Value::Object(profile.traits()), json!({"plan": "pro", "a": 1, "gone": "kept"}));
        assert_eq!(profile.name.value().map(|n| &**n), Some("Alice"));
    }
}

#[test]
fn a_person_of_a_thousand_traits_stays_small() {
    let events: Vec<_> =
        (0..1_000).map(|i| says("a", i, None, json!({ format!("k{i:03}"): "x".repeat(9_000) }))).collect();
    let facts = fold(&events);
    assert_eq!(facts.profile.traits.len(), TRAITS);
    assert_eq!(facts.profile.traits().get("k007"), Some(&json!({"$truncated": 9_002})));
    assert_eq!(fold(events.iter().rev()), facts);
}

proptest! {
    #[test]
    fn inv_03_inv_04_any_order_and_any_split_give_the_same_person(
        (events, order) in events_and_order(24), cut in 0usize..24,
    ) {
        let expect = fold(&events);
        let shuffled: Vec<&Event> = order.iter().map(|i| &events[*i]).collect();
        let (left, right) = shuffled.split_at(cut.min(shuffled.len()));
        let mut merged = fold(right.iter().copied());
        merged.merge(fold(left.iter().copied()));
        prop_assert_eq!(&merged, &expect);
        let mut twice = merged.profile.clone();
        twice.merge(merged.profile);
        prop_assert_eq!(&twice, &expect.profile);
        prop_assert_eq!(Profile::decode(&twice.encode()), Some(twice));
    }

    #[test]
    fn hostile_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Profile::decode(&bytes);
        bytes.insert(0, FORMAT);
        let _ = Profile::decode(&bytes);
    }
}
