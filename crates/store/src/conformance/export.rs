//! Events come out as they came, and mean the same wherever they go in again (F-139, F-162).

use std::sync::Arc;

use trackway_core::filter::{Condition, Filter};
use trackway_event::event::Direction;
use trackway_event::identity::{GroupFacts, Identity, Merge, PersonProfile};
use trackway_event::{Event, EventId, Input, Kind, Outcome, SessionSource, Timestamp};

use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store};

pub(super) fn what_comes_out_goes_in_again(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let from = project(&store, "proj_from");
    let sent = everything();
    for batch in sent.chunks(7) {
        put(&store, from, batch.to_vec());
    }
    let out = export(&store, from, scope(), 4);
    assert_eq!(out.len(), sent.len());
    for (sent, out) in sent.iter().zip(&out) {
        assert_eq!(wire(sent), wire(&out.event), "as it came");
        assert_eq!((sent.input, out.received_at), (out.input, at(0)));
        assert_eq!(sent.raw_time.map(Timestamp::micros), out.raw_time_us);
        assert_eq!(sent.raw.as_ref().map(|r| r.get()), out.raw.as_ref().map(|r| r.get()));
    }

    // Through the text of a file, into another project, in another order: the same in every figure.
    let into = project(&store, "proj_into");
    let mut events: Vec<Event> = out.iter().map(through_text).collect();
    events.reverse();
    for batch in events.chunks(5) {
        assert!(put(&store, into, batch.to_vec()).iter().all(|o| *o == Outcome::Stored));
    }
    assert_eq!(told(&store, from), told(&store, into));
    let again = export(&store, into, scope(), 100);
    assert_eq!(again.len(), out.len());

    // And where it came from nothing of it is new.
    let back: Vec<Event> = again.iter().map(through_text).collect();
    assert!(put(&store, from, back).iter().all(|o| *o == Outcome::Duplicate));
}

pub(super) fn an_export_is_filtered_and_paged(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    assert!(export(&store, p, scope(), 10).is_empty(), "nothing");
    put(&store, p, (0..10).map(|n| call(n, i64::from(n) * MINUTE)).collect());
    put(&store, p, vec![failing(call(10, 0), "boom")]);
    let ids =
        |scope: Scope, limit| -> Vec<u64> { export(&store, p, scope, limit).iter().map(|e| e.seq).collect() };
    assert_eq!(ids(scope(), 3), ids(scope(), 100), "pages cover every event once");
    assert_eq!(ids(scope(), 3).len(), 11);
    let mut part = scope();
    part.period = Period { from: at(2 * MINUTE), to: at(5 * MINUTE) };
    assert_eq!(ids(part, 2).len(), 3, "from is in, to is out");
    let mut failed = scope();
    failed.filter =
        Filter { conditions: vec![Condition::parse("status:eq:tool_error").unwrap()], text: None };
    assert_eq!(ids(failed, 100).len(), 1);
}

/// Every way an event can be told apart, in every kind of session.
fn everything() -> Vec<Event> {
    let json = |text: &str| serde_json::value::RawValue::from_string(text.into()).ok();
    let mut whole = failing(with_client(by(within(call(7, 0), "s"), "u_1"), "cursor"), "boom \u{202e}<b>\0");
    whole.arguments = json(r#"{"a":123456789012345678901234567890,"ü":"\u0000"}"#);
    whole.result = json("[1,2.50]");
    whole.request_meta = json("{}");
    whole.transport = json(r#"{"kind":"stdio"}"#);
    whole.properties = json(r#"{"x":null}"#);
    whole.raw = json(r#"{"as":"it came"}"#);
    whole.error_code = Some(-32_602);
    whole.direction = Some(Direction::ServerToClient);
    whole.conversation_id = Some("conv".into());
    whole.model = Some("m-1".into());
    whole.protocol_version = Some("2025-11-25".into());
    whole.tags.insert("k".into(), "v".into());
    whole.groups.insert("company".into(), "acme".into());
    whole.notes = vec!["timestamp_replaced".into()];
    whole.bytes_out = Some(1 << 40);
    whole.flags.truncated = true;
    whole.process = Some("p1".into());
    whole.address = Some("h1".into());
    if let Some(actor) = &mut whole.actor {
        actor.name = Some("Ann".into());
        actor.traits.insert("plan".into(), "pro".into());
    }
    let mut bare = Event::new(EventId::foreign("any text").unwrap(), Kind::Protocol, at(5));
    bare.raw_time = Some(Timestamp::ZERO);
    bare.input = Input::Posthog;
    let mut shifted = call(8, MINUTE);
    shifted.raw_time = Some(at(-9 * MINUTE));
    shifted.input = Input::Agentcat;
    let mut nobody = by(call(9, 0), "anonymous");
    nobody.name = "".into();
    let mut aloud = within(call(10, 0), "alone");
    aloud.session_source = Some(SessionSource::None);
    let mut merged = call(11, 2 * MINUTE);
    merged.kind = Kind::Identify;
    merged.identity = Some(Box::new(Identity {
        distinct_id: Some("u_2".into()),
        anon_distinct_id: Some("anon".into()),
        merge: Merge::default(),
        set: serde_json::from_str(r#"{"plan":"free"}"#).unwrap(),
        unset: vec!["old".into()],
        group: Some(GroupFacts { kind: "company".into(), key: "acme".into(), ..GroupFacts::default() }),
        process_person_profile: PersonProfile::default(),
        ..Identity::default()
    }));
    let mut attached = call(12, 3 * MINUTE);
    attached.identity = Some(Box::new(Identity { distinct_id: Some("anon".into()), ..Identity::default() }));
    attached.session_id = trackway_event::SessionId::foreign("s2");
    let mut all = vec![whole, bare, shifted, nobody, aloud, merged, attached];
    // Grouped by person, client and time, and one that bridges two.
    for (n, minute) in [(20, 0), (21, 40), (22, 20), (23, 200)] {
        all.push(with_client(by(call(n, minute * MINUTE), "u_3"), "stateless"));
    }
    all
}

pub(super) fn export(store: &Arc<dyn Store>, p: ProjectKey, scope: Scope, limit: usize) -> Vec<Exported> {
    let mut ask = ExportAsk { scope, after: 0, limit };
    let mut all = Vec::new();
    loop {
        let found = store.export(p, &ask).unwrap();
        let Some(last) = found.last() else { return all };
        ask.after = last.seq;
        all.extend(found);
    }
}

fn wire(event: &Event) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::to_value(event).unwrap();
    // Beside the event.
    value.as_object_mut().unwrap().remove("raw_time");
    // Told by the ledger, beside what was sent.
    if let Some(notes) = value.get_mut("notes").and_then(|n| n.as_array_mut()) {
        notes.retain(|n| n != "illegal_actor");
        if notes.is_empty() {
            value.as_object_mut().unwrap().remove("notes");
        }
    }
    value
}

fn through_text(exported: &Exported) -> Event {
    let text = serde_json::to_string(exported).unwrap();
    serde_json::from_str::<Exported>(&text).unwrap().into_event()
}

/// What the ledger makes of its events: sessions, people, figures.
pub(super) fn told(store: &Arc<dyn Store>, p: ProjectKey) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for part in partition(store, p) {
        told.push(part.join(" "));
    }
    let ask = ListAsk { scope: scope(), page: PageAsk { after: None, limit: 100 }, sort: None };
    for row in store.people(p, &ask).unwrap().items {
        told.push(format!(
            "{} {:?} {} {} {} {}",
            row.actor.id, row.actor.name, row.tool_calls, row.errors, row.first_seen, row.last_seen
        ));
    }
    for mut row in store.clients(p, &scope()).unwrap() {
        // When its newest event was counted; that a split by hand takes it to another does not move it back.
        row.last_at = None;
        told.push(format!("{row:?}"));
    }
    told.sort();
    told
}
