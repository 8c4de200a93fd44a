//! Random events for the property tests of this crate: few names, so that they meet, and any order.

use proptest::prelude::*;
use trackway_event::event::Flags;
use trackway_event::{
    Actor, ActorId, ErrorInfo, Event, EventId, Kind, Peer, SessionSource, Status, Timestamp, Tokens,
};

/// Noon of a day in 2026.
pub(crate) fn noon() -> Timestamp {
    Timestamp::from_millis(1_767_355_200_000)
}

/// A bare event `minutes` after noon.
pub(crate) fn event(id: &str, kind: Kind, minutes: i64) -> Event {
    Event::new(EventId::foreign(id).unwrap(), kind, noon().plus_micros(minutes * 60_000_000))
}

/// An actor without traits.
pub(crate) fn actor(id: &str) -> Option<Box<Actor>> {
    let (id, _) = ActorId::parse(id).unwrap();
    Some(Box::new(Actor { id, name: None, traits: serde_json::Map::new() }))
}

/// A program without version.
pub(crate) fn peer(name: &str) -> Option<Peer> {
    Some(Peer { name: name.into(), version: None })
}

prop_compose! {
    /// One event of a small world; `id` makes it unlike the others.
    fn any_event(id: usize)(
        kind in proptest::sample::select(Kind::ALL),
        status in proptest::option::of(proptest::sample::select(Status::ALL)),
        seconds in 0i64..20_000,
        duration_us in proptest::option::of(0u64..10_000_000),
        who in 0usize..4,
        name in proptest::option::of(0usize..3),
        client in 0usize..3,
        tool in proptest::option::of(0usize..3),
        source in proptest::option::of(proptest::sample::select(SessionSource::ALL)),
        bits in 0u32..128,
        plan in proptest::option::of(0u8..4),
        tokens in proptest::option::of((proptest::option::of(0u32..9_999), proptest::option::of(0u32..9_999))),
        message in proptest::option::of(0usize..4),
        bytes in proptest::option::of(0u64..100_000),
    ) -> Event {
        let mut e = Event::new(EventId::foreign(&format!("evt_{id}")).unwrap(), kind, noon().plus_micros(seconds * 1_000_000));
        e.status = status;
        e.duration_us = duration_us;
        e.actor = [actor("u_1"), actor("u_2"), actor("null"), None].into_iter().nth(who).flatten();
        if let Some(actor) = &mut e.actor {
            actor.name = name.map(|n| format!("name {n}").into());
            if let Some(plan) = plan {
                let value = if plan == 3 { serde_json::Value::Null } else { plan.into() };
                actor.traits.insert("plan".into(), value);
                actor.traits.insert(format!("t{plan}"), seconds.into());
            }
        }
        e.client = [peer("cursor"), peer("claude-code"), None].into_iter().nth(client).flatten();
        e.server = peer("shop").filter(|_| seconds % 2 == 0);
        e.tool = tool.map(|t| format!("tool{t}").into());
        e.session_source = source;
        e.flags = Flags::from_bits(bits);
        e.tokens = tokens.map(|(input, output)| Tokens { input, output, estimated: true });
        e.protocol_version = name.map(|n| format!("2025-0{n}").into());
        e.error = message.map(|m| Box::new(ErrorInfo { message: format!("failed {m}").into(), ..ErrorInfo::default() }));
        e.bytes_out = bytes;
        e
    }
}

/// Up to `max` different events, and an order to shuffle them into.
pub(crate) fn events_and_order(max: usize) -> impl Strategy<Value = (Vec<Event>, Vec<usize>)> {
    (0..max).prop_flat_map(|n| {
        let events: Vec<_> = (0..n).map(any_event).collect();
        (events, Just((0..n).collect::<Vec<_>>()).prop_shuffle())
    })
}
