//! Ways: the same calls told apart by client, model, revision, recorder and person.

use std::sync::Arc;

use serde_json::{Value, json};
use trackway_event::json::payload_of;
use trackway_event::{CaptureBy, ErrorInfo, Event, Kind, Peer};

use super::kit::*;
use crate::Store;
use crate::query::*;

fn made(n: u32, minute: i64, session: &str, client: &str, model: Option<&str>) -> Event {
    let mut e = with_client(within(call(n, minute * MINUTE), session), client);
    e.model = model.map(Into::into);
    e.protocol_version = Some(if client == "zed" { "2025-06-18" } else { "2025-11-25" }.into());
    e.capture = Some(CaptureBy::Wrap);
    e.sdk = Some(Peer { name: "trackway-wrap".into(), version: Some("0.1.0".into()) });
    e
}

fn handshake(n: u32, minute: i64, session: &str, can: Value) -> Event {
    let mut e = with_client(within(call(n, minute * MINUTE - 1), session), "zed");
    (e.kind, e.name, e.intent, e.intent_source) = (Kind::Initialize, "".into(), None, None);
    e.arguments = payload_of(&json!({ "protocolVersion": "2025-06-18", "capabilities": can }));
    e
}

pub(super) fn ways_are_told_apart_and_add_up(make: &dyn Fn() -> Arc<dyn Store>) {
    let mut refused = failing(made(2, 1, "a", "zed", Some("m-1")), "missing field `q`");
    refused.error = Some(Box::new(ErrorInfo { message: "missing field `q`".into(), ..ErrorInfo::default() }));
    let mut wordless = by(made(5, 9, "c", "cursor", None), "ben");
    wordless.intent = None;
    wordless.intent_source = None;
    let events = vec![
        by(made(1, 0, "a", "zed", Some("m-1")), "ana"),
        by(refused, "ana"),
        by(made(3, 2, "a", "zed", Some("m-1")), "ana"),
        made(4, 5, "b", "zed", Some("m-2")),
        wordless,
        handshake(6, 0, "a", json!(["sampling"])),
        handshake(7, 5, "b", json!(["elicitation", "roots"])),
    ];
    for turn in 0..2 {
        let store = make();
        let p = project(&store, "proj_a");
        assert!(store.ways(p, &scope(), By::Client).unwrap().items.is_empty());
        let order: Vec<Event> =
            if turn == 0 { events.clone() } else { events.iter().rev().cloned().collect() };
        for e in order {
            put(&store, p, vec![e.clone(), e]);
        }
        let name = |way: &Way| way.name.as_ref().map_or("-".to_owned(), |n| n.name.to_string());
        let of = |by| {
            let all = store.ways(p, &scope(), by).unwrap();
            assert_eq!((all.calls, all.partial), (5, None));
            all.items
        };
        let clients = of(By::Client);
        let rows: Vec<_> =
            clients.iter().map(|w| (name(w), w.sessions, w.calls, w.failed, w.people)).collect();
        assert_eq!(rows, [("zed".to_owned(), 2, 4, 1, 1), ("cursor".to_owned(), 1, 1, 0, 1)]);
        let zed = &clients[0];
        assert_eq!((zed.bad_arguments, zed.intents, clients[1].intents), (1, 4, 0));
        // Of a session's own calls: one that worked, one whose second try did, one in another session.
        assert_eq!((zed.attempts.chains, zed.attempts.first, zed.attempts.recovered), (3, 2, 1));
        assert_eq!(zed.tools, ["search"]);
        assert_eq!(
            (zed.protocols.as_slice(), zed.recorders.as_slice()),
            (["2025-06-18".to_owned()].as_slice(), ["wrap over native".to_owned()].as_slice())
        );
        let can = |names: &[&str]| Some(names.iter().map(|n| (*n).to_owned()).collect::<Vec<String>>());
        let said: Vec<_> = clients.iter().map(|w| w.capabilities.clone()).collect();
        assert_eq!(
            said,
            [can(&["elicitation", "roots"]), None],
            "by the newest session, not by the one before"
        );
        let models: Vec<_> = of(By::Model).iter().map(|w| (name(w), w.calls)).collect();
        assert_eq!(models, [("m-1".to_owned(), 3), ("m-2".to_owned(), 1), ("-".to_owned(), 1)]);
        let told = store.signals(p, &scope()).unwrap();
        let mixed = |rows: &[Mixed]| -> Vec<(String, u64)> {
            rows.iter().map(|m| (m.name.clone().unwrap_or_else(|| "-".into()), m.calls)).collect()
        };
        assert_eq!(mixed(&told.models), models, "the overview's mix is that of the ways");
        let by_revision: Vec<_> = of(By::Protocol).iter().map(|w| (name(w), w.calls)).collect();
        assert_eq!(mixed(&told.protocols), by_revision);
        let revisions: Vec<_> = of(By::Protocol).iter().map(|w| (name(w), w.sessions)).collect();
        assert_eq!(revisions, [("2025-06-18".to_owned(), 2), ("2025-11-25".to_owned(), 1)]);
        let people: Vec<_> = of(By::Person).iter().map(|w| (name(w), w.calls, w.clients.clone())).collect();
        let one = |client: &str| vec![client.to_owned()];
        assert_eq!(people, [("ana".to_owned(), 3, one("zed")), ("ben".to_owned(), 1, one("cursor"))]);
        let recorders = of(By::Recorder);
        assert_eq!(
            (recorders.len(), name(&recorders[0]), recorders[0].calls),
            (1, "trackway-wrap".into(), 5)
        );
        // INV-05: whatever they are told apart by, the ways of everyone add up to the calls there are.
        for by in [By::Client, By::Model, By::Protocol, By::Recorder] {
            let items = of(by);
            assert_eq!(items.iter().map(|w| w.calls).sum::<u64>(), 5, "{by:?}");
            assert_eq!(items.iter().map(|w| w.attempts.chains).sum::<u64>(), 4, "{by:?}");
        }
    }
}
