//! What a replay asks beside its events: windows that meet without gap or overlap, and the definition a call was made by.

use std::sync::Arc;

use serde_json::json;
use trackway_event::json::payload_of;
use trackway_event::{Event, Kind};

use super::kit::*;
use crate::Store;
use crate::query::*;

pub(super) fn windows_meet(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    // Two of each minute, so that the number decides.
    put(&store, p, (0..23u32).map(|n| within(call(n, i64::from(n / 2) * MINUTE), "s")).collect());
    let all: Vec<u64> = store
        .session_events(p, "s", &PageAsk { after: None, limit: 100 })
        .unwrap()
        .items
        .iter()
        .map(|e| e.seq)
        .collect();
    for size in [1, 4, 23, 100] {
        let windows = store.session_windows(p, "s", size).unwrap();
        let mut seen = Vec::new();
        for window in &windows {
            assert_eq!(window.first as usize, seen.len() + 1, "{size}");
            let page =
                store.session_events(p, "s", &PageAsk { after: window.after.clone(), limit: size }).unwrap();
            assert!(page.items.iter().all(|e| (e.started_at, e.seq) > window.before));
            seen.extend(page.items.iter().map(|e| e.seq));
        }
        assert_eq!(seen, all, "{size}");
    }
    assert_eq!(store.session_windows(p, "nobody", 5).unwrap(), []);
}

pub(super) fn a_call_is_held_against_what_its_session_was_shown(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let listing = |n: u32, session: &str, required: &str| {
        let mut list: Event = within(call(n, i64::from(n) * MINUTE), session);
        list.kind = Kind::ToolsList;
        list.tool = None;
        list.result = payload_of(
            &json!({ "tools": [{ "name": "read", "description": required, "inputSchema":
            { "type": "object", "properties": { required: { "type": "string" } }, "required": [required] } }] }),
        );
        list
    };
    let reading = |n: u32, session: &str| {
        let mut call = within(call(n, i64::from(n) * MINUTE), session);
        call.tool = Some("read".into());
        call.arguments = payload_of(&json!({ "path": "a" }));
        call
    };
    let events = vec![
        reading(0, "early"),
        listing(1, "old", "path"),
        listing(5, "new", "file"),
        reading(6, "old"),
        reading(7, "new"),
        reading(8, "blind"),
        reading(2, "old"),
    ];
    let ids: Vec<String> = events.iter().map(|e| e.id.to_string()).collect();
    put(&store, p, events);
    let of = |n: usize| store.shown_definition(p, &ids[n]).unwrap();
    assert_eq!(of(0), None, "nobody had seen a listing");
    assert_eq!(of(1), None, "a listing is no call");
    for (n, shown, word, wrong) in [
        (3, Shown::Here, "\"path\"", false),
        (6, Shown::Here, "\"path\"", false),
        (4, Shown::Here, "\"file\"", true),
        (5, Shown::Elsewhere, "\"file\"", true),
    ] {
        let found = of(n).unwrap();
        assert_eq!((found.shown, !found.findings.is_empty()), (shown, wrong), "{n}: {found:?}");
        assert!(found.json.contains(word) && found.json.contains("\"read\""), "{n}: {}", found.json);
        assert!(store.catalogs(p, &scope()).unwrap().items.iter().any(|c| c.hash == found.hash));
    }
    assert_eq!(store.shown_definition(p, "evt_none").unwrap(), None);
    for (thing, expect) in [
        (Thing::Session("old".into()), true),
        (Thing::Session("none".into()), false),
        (Thing::Tool("read".into()), true),
        (Thing::Tool("write".into()), false),
        (Thing::Issue(1), false),
        (Thing::Issue(u64::MAX), false),
        (Thing::Person("ann".into()), false),
    ] {
        assert_eq!(store.has(p, &thing).unwrap(), expect, "{thing:?}");
    }
}
