//! What becomes of events on their way in.

use std::sync::Arc;

use trackway_event::event::Cause;
use trackway_event::{Direction, Event, Frame, Kind, Outcome, Status};

use super::kit::*;
use crate::Store;

pub(super) fn inv_02_every_event_gets_one_outcome(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let a = call(1, 0);
    let mut other_time = a.clone();
    other_time.raw_time = Some(at(5));
    let outcomes = put(&store, p, vec![a.clone(), a.clone(), other_time, call(2, 0)]);
    assert_eq!(outcomes, [Outcome::Stored, Outcome::Duplicate, Outcome::Stored, Outcome::Stored]);
    assert!(put(&store, p, Vec::new()).is_empty());
    let intake = store.intake(Some(p)).unwrap();
    assert_eq!((intake.stored, intake.duplicates, intake.received()), (3, 1, 4));
    // The same id in another project is another event.
    let q = project(&store, "proj_b");
    assert_eq!(put(&store, q, vec![a]), [Outcome::Stored]);
    assert_eq!(store.intake(None).unwrap().stored, 4);
}

pub(super) fn inv_03_a_repeated_event_changes_only_duplicates(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let batch: Vec<Event> =
        (0..50).map(|n| by(within(call(n, i64::from(n) * MINUTE), "s1"), &format!("u{}", n % 3))).collect();
    put(&store, p, batch.clone());
    let before = format!("{:?}{:?}", sessions(&store, p), events(&store, p, 100));
    for chunk in batch.chunks(7).rev() {
        assert!(put(&store, p, chunk.to_vec()).iter().all(|o| *o == Outcome::Duplicate));
    }
    assert_eq!(before, format!("{:?}{:?}", sessions(&store, p), events(&store, p, 100)));
    let intake = store.intake(Some(p)).unwrap();
    assert_eq!((intake.stored, intake.duplicates), (50, 50));
}

pub(super) fn what_came_since_a_time_is_counted(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    assert_eq!(store.stored_since(p, at(0)).unwrap(), 0, "nothing");
    // Received minute by minute, and started the other way round.
    for n in 0..9 {
        let event = call(n, -i64::from(n) * MINUTE);
        store.submit(p, vec![event], at(i64::from(n) * MINUTE)).unwrap().blocking_recv().unwrap().unwrap();
    }
    for (minute, expect) in [(-1, 9), (0, 9), (1, 8), (8, 1), (9, 0)] {
        assert_eq!(store.stored_since(p, at(minute * MINUTE)).unwrap(), expect, "since minute {minute}");
    }
    assert_eq!(store.stored_since(p, at(MINUTE - 1)).unwrap(), 8);
}

pub(super) fn an_event_comes_back_whole(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let mut e = failing(with_client(by(within(call(7, 0), "s"), "u_1"), "cursor"), "boom \u{202e}<b>\0");
    let json = |text: &str| serde_json::value::RawValue::from_string(text.into()).ok();
    e.arguments = json(r#"{"a":123456789012345678901234567890,"ü":"\u0000"}"#);
    e.result = json("[1,2.50]");
    e.request_meta = json(r#"{"progressToken":1}"#);
    e.transport = json(r#"{"kind":"stdio"}"#);
    e.properties = json(r#"{"x":null}"#);
    e.raw = json("{}");
    e.error_code = Some(-32_602);
    e.direction = Some(Direction::ServerToClient);
    e.conversation_id = Some("conv".into());
    e.model = Some("m-1".into());
    e.protocol_version = Some("2025-11-25".into());
    e.tags.insert("k".into(), "v".into());
    e.groups.insert("company".into(), "acme".into());
    e.notes = vec!["timestamp_replaced".into(), "text_cut".into()];
    e.bytes_in = Some(10);
    e.bytes_out = Some(1 << 40);
    e.flags.truncated = true;
    if let Some(error) = &mut e.error {
        error.stack = Some("at x".into());
        error.frames = vec![Frame { filename: "a.py".into(), in_app: true, ..Frame::default() }];
        error.chain = vec![Cause { message: "because".into(), ..Cause::default() }];
    }
    if let Some(actor) = &mut e.actor {
        actor.traits.insert("plan".into(), "pro".into());
    }
    put(&store, p, vec![call(6, 0), e.clone(), call(8, 0)]);

    let found = store.event(p, e.id.as_str()).unwrap().expect("the event");
    let row = &found.row;
    assert_eq!(row.id, e.id);
    assert_eq!(
        (row.kind, row.status, row.tool.as_deref()),
        (Kind::ToolCall, Some(Status::ToolError), Some("search"))
    );
    assert_eq!((row.session_id.as_ref(), row.client.as_ref()), (e.session_id.as_ref(), e.client.as_ref()));
    assert_eq!(row.started_at, e.started_at);
    assert_eq!((row.bytes_in, row.bytes_out, row.tokens), (e.bytes_in, e.bytes_out, e.tokens));
    assert_eq!((row.flags, row.notes.len(), &*row.name), (e.flags, 2, "tools/call"));
    assert_eq!(row.actor.as_ref().unwrap().id.as_str(), "u_1");
    assert_eq!(row.error.as_ref().unwrap().message, "boom \u{202e}<b>\0");
    assert_eq!(found.error.as_ref(), e.error.as_deref());
    for (ours, theirs) in [
        (&found.arguments, &e.arguments),
        (&found.result, &e.result),
        (&found.request_meta, &e.request_meta),
        (&found.transport, &e.transport),
        (&found.properties, &e.properties),
        (&found.raw, &e.raw),
    ] {
        assert_eq!(ours.as_ref().map(|r| r.get()), theirs.as_ref().map(|r| r.get()));
    }
    assert_eq!((found.error_code, found.conversation_id.as_deref()), (Some(-32_602), Some("conv")));
    assert_eq!((found.tags["k"].as_str(), found.groups["company"].as_str()), ("v", "acme"));
    assert_eq!(
        (found.model.as_deref(), found.protocol_version.as_deref()),
        (Some("m-1"), Some("2025-11-25"))
    );
    assert_eq!(found.traits["plan"], "pro");

    // An id that tells no time, and raw times far from it.
    let mut foreign = call(9, 0);
    foreign.id = trackway_event::EventId::foreign("any text at all").unwrap();
    foreign.raw_time = Some(trackway_event::Timestamp::ZERO);
    let mut shifted = call(10, 0);
    shifted.raw_time = Some(at(-14 * 24 * 60 * MINUTE));
    put(&store, p, vec![foreign, shifted.clone()]);
    assert!(store.event(p, "any text at all").unwrap().is_some());
    assert!(store.event(p, shifted.id.as_str()).unwrap().is_some());
    assert!(store.event(p, "evt_nothing").unwrap().is_none());
}
