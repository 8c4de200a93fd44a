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

#[test]
fn an_older_ledger_is_read() {
    let mut old = Profile::default();
    old.name.offer(&says("a", 1, None, json!({})), &Box::<str>::from("Alice"));
    let mut bytes = Vec::new();
    let table = KeyTable::of(old.name.0.iter().map(|(key, _)| key));
    bytes.push(1);
    table.put(&mut bytes);
    table.put_fact(&mut bytes, &old.name.0, |out, name| out.put_text(name));
    bytes.put_u64(1);
    bytes.put_text("plan");
    table.put_fact(&mut bytes, &old.name.0, |out, _| out.put_text("\"pro\""));
    let read = Profile::decode(&bytes).unwrap();
    assert_eq!(Value::Object(read.traits()), json!({"plan": "pro"}));
    assert_eq!((read.shown_name().as_deref(), read.since), (Some("Alice"), First(None)));
}

#[test]
fn ids_that_make_no_person() {
    let mut e = says("a", 1, None, json!({"plan": "pro"}));
    e.identity =
        Some(Box::new(Identity { process_person_profile: PersonProfile::Off, ..Identity::default() }));
    let facts = fold([&e]);
    assert_eq!(facts.profile, Profile::default(), "properties are not applied, nobody is made (I2)");
    assert!(legal_actor(&e).is_some(), "but an existing person keeps it (I3)");
    e.session_id = trackway_event::SessionId::foreign("u_1");
    assert!(legal_actor(&e).is_none(), "a session's own id is nobody");
}

/// `event minute op key value`, played in order of time.
fn replayed(ops: &[(i64, u8, u8, u8)]) -> Value {
    let mut sorted: Vec<_> = ops.iter().enumerate().collect();
    sorted.sort_by_key(|(n, (minute, ..))| (*minute, format!("e{n:02}")));
    let mut held = Map::new();
    for (_, (_, op, key, value)) in sorted {
        let key = format!("k{key}");
        match op {
            0 => drop(held.insert(key, json!(value))),
            1 => drop(held.entry(key).or_insert(json!(value))),
            _ => drop(held.remove(&key)),
        }
    }
    Value::Object(held)
}

proptest! {
    #[test]
    fn inv_04_set_set_once_and_unset_are_the_replay(
        (ops, order) in proptest::collection::vec((0i64..6, 0u8..3, 0u8..2, 0u8..9), 0..9)
            .prop_flat_map(|o| { let n = o.len(); (Just(o), Just((0..n).collect::<Vec<_>>()).prop_shuffle()) }),
        cut in 0usize..9,
    ) {
        let events: Vec<Event> = ops.iter().enumerate().map(|(n, (minute, op, key, value))| {
            let mut e = says(&format!("e{n:02}"), *minute, None, json!({}));
            let mut identity = Identity::default();
            let key = format!("k{key}");
            match op {
                0 => drop(identity.set.insert(key, json!(value))),
                1 => drop(identity.set_once.insert(key, json!(value))),
                _ => identity.unset.push(key.into()),
            }
            e.identity = Some(Box::new(identity));
            e
        }).collect();
        let shuffled: Vec<&Event> = order.iter().map(|i| &events[*i]).collect();
        let (left, right) = shuffled.split_at(cut.min(shuffled.len()));
        let mut merged = fold(right.iter().copied());
        merged.merge(fold(left.iter().copied()));
        prop_assert_eq!(Value::Object(merged.profile.traits()), replayed(&ops));
        prop_assert_eq!(Profile::decode(&merged.profile.encode()), Some(merged.profile.clone()));
        merged.merge(fold(&events));
        prop_assert_eq!(Value::Object(merged.profile.traits()), replayed(&ops));
    }

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
