//! One tool looked at closely: callers, matters and examples are the folds over its calls, in every order; its definitions and
//! names follow the listings. And what resources and prompts bring.

use std::sync::Arc;

use serde_json::json;
use serde_json::value::RawValue;
use trackway_core::filter::Filter;
use trackway_event::json::payload_of;
use trackway_event::{Event, Kind, Peer};

use super::kit::*;
use crate::Store;
use crate::query::*;

const OLD: &str = r#"[{"name":"search","description":"finds","inputSchema":{"type":"object"}},
    {"name":"get_order","description":"Reads one order by its id.","inputSchema":{"properties":{"id":{"type":"string"}}}}]"#;
const NEW: &str = r#"[{"name":"search","description":"finds","inputSchema":{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}},
    {"name":"fetch_order","description":"Reads one order by its id, or none.","inputSchema":{"properties":{"id":{"type":"string"}}}}]"#;

fn listing(n: u32, minute: i64, tools: &str, server: &str) -> Event {
    let mut e = within(call(n, minute * MINUTE), &format!("list {n}"));
    e.kind = Kind::ToolsList;
    e.tool = None;
    e.result = RawValue::from_string(format!(r#"{{"tools":{tools}}}"#)).ok();
    e.server = Some(Peer { name: server.into(), version: None });
    e
}

fn made(n: u32, session: &str, model: Option<&str>) -> Event {
    let mut e = within(call(n, i64::from(n) * MINUTE), session);
    e.model = model.map(Into::into);
    e.intent =
        Some(if n.is_multiple_of(2) { "find the lost parcel" } else { "list every open invoice" }.into());
    e
}

pub(super) fn one_tool_is_told_closely(make: &dyn Fn() -> Arc<dyn Store>) {
    let mut slow = by(made(1, "a", Some("m-1")), "ana");
    slow.duration_us = Some(9_000_000);
    let mut other = made(9, "a", Some("m-9"));
    other.tool = Some("get_order".into());
    let events = vec![
        slow,
        by(made(2, "a", Some("m-1")), "ana"),
        by(failing(made(3, "b", Some("m-2")), "no such thing"), "ben"),
        made(4, "c", None),
        other,
        listing(20, 0, OLD, "shop"),
        listing(21, 5, r#"[{"name":"search","description":"another server"}]"#, "elsewhere"),
        listing(22, 10, NEW, "shop"),
    ];
    for turn in 0..2 {
        let store = make();
        let p = project(&store, "proj_a");
        let order: Vec<Event> =
            if turn == 0 { events.clone() } else { events.iter().rev().cloned().collect() };
        for e in order {
            put(&store, p, vec![e.clone(), e]);
        }
        let tool = store.tool(p, "search", &scope()).unwrap().unwrap();
        let told = &tool.closely;
        assert_eq!((told.calls, told.calls), (4, tool.row.calls.calls), "INV-05: all calls of it");
        let models: Vec<_> = told.models.iter().map(|c| (c.who.as_deref(), c.calls, c.failed)).collect();
        assert_eq!(models, [(Some("m-1"), 2, 0), (Some("m-2"), 1, 1), (None, 1, 0)]);
        let id = |c: &Caller<ActorRef>| c.who.as_ref().map(|a| a.id.as_str().to_owned());
        let people: Vec<_> = told.people.iter().map(|c| (id(c), c.calls, c.finished)).collect();
        assert_eq!(people, [(Some("ana".into()), 2, 2), (Some("ben".into()), 1, 1), (None, 1, 1)]);
        let intents: Vec<_> = told.intents.iter().map(|i| (i.phrase.as_str(), i.calls, i.failed)).collect();
        assert_eq!(intents, [("find the lost parcel", 2, 0), ("list every open invoice", 2, 1)]);
        let examples: Vec<_> = told.examples.iter().map(|(e, row)| (e.as_str(), row.started_at)).collect();
        // Of 1,040, 1,020 and 9,000,000 µs the median is 1,040.
        let expect = [("failed", 3), ("slow", 1), ("typical", 4), ("typical", 2)];
        assert_eq!(examples, expect.map(|(word, minute)| (word, at(minute * MINUTE))));

        let filter = Filter::parse(["model:eq:m-1"], None).unwrap();
        let few = store.tool(p, "search", &Scope { filter, ..scope() }).unwrap().unwrap().closely;
        assert_eq!((few.calls, few.models.len(), few.people.len()), (2, 1, 1), "filters hold");

        let last = |tool: &str| {
            events.iter().filter(|e| e.tool.as_deref() == Some(tool)).map(|e| e.started_at).max()
        };
        assert_eq!((tool.last_ever, tool.last_ever.is_some()), (last("search"), true));
        let elsewhen = Scope { period: Period { from: at(-9 * MINUTE), to: at(-8 * MINUTE) }, ..scope() };
        let none = store.tool(p, "search", &elsewhen).unwrap().unwrap();
        assert_eq!((none.row.calls.calls, none.last_ever), (0, last("search")), "whatever the scope");

        let story = &tool.story;
        assert_eq!(story.description.as_deref(), Some("finds"));
        let shown: Vec<_> = story
            .definitions
            .iter()
            .map(|d| (d.first_seen, d.changes.iter().map(|c| c.what.as_str()).collect::<Vec<_>>()))
            .collect();
        assert_eq!(shown, [(at(10 * MINUTE), vec!["added as required"]), (at(0), vec![])]);
        assert_eq!((&story.was, &story.became, story.gone), (&None, &None, None));
        let old = store.tool(p, "get_order", &scope()).unwrap().unwrap().story;
        let became = old.became.unwrap();
        assert_eq!((became.name.as_str(), became.at), ("fetch_order", at(10 * MINUTE)));
        assert_eq!(old.gone, Some(at(10 * MINUTE)));

        let mut renamed = made(30, "a", None);
        renamed.tool = Some("fetch_order".into());
        put(&store, p, vec![renamed]);
        let new = store.tool(p, "fetch_order", &scope()).unwrap().unwrap().story;
        let was = new.was.unwrap();
        assert_eq!((was.name.as_str(), was.at, was.calls.calls), ("get_order", at(10 * MINUTE), 1));
        assert_eq!(new.definitions.len(), 1);
    }
}

pub(super) fn things_say_what_they_bring(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let of = |n: u32, kind, name: &str, arguments, result| {
        let mut e = within(call(n, i64::from(n) * MINUTE), "s");
        (e.kind, e.tool, e.resource) = (kind, None, Some(name.into()));
        (e.arguments, e.result) = (payload_of(&arguments), payload_of(&result));
        e
    };
    let read = |n: u32, name: &str, mime: &str, bytes: u64| {
        let result = json!({ "contents": [{ "mimeType": mime, "bytes": bytes }] });
        of(n, Kind::ResourceRead, name, json!({ "uri": name }), result)
    };
    let get = |n: u32, arguments| of(n, Kind::PromptGet, "brief", arguments, json!({ "messages": 1 }));
    let mut events = vec![
        read(1, "file:a", "text/plain", 10),
        read(2, "file:a", "text/plain", 30),
        failing(read(3, "file:a", "odd/odd", 999), "no"),
        read(4, "file:b", "image/png", 7),
        get(5, json!({ "tone": "dry" })),
        get(6, json!({ "tone": "" })),
    ];
    // Of many only the newest are looked at.
    events.extend((20..40).map(|n| read(n, "file:c", if n < 30 { "old/old" } else { "new/new" }, 1)));
    put(&store, p, events);
    let list = |kind| {
        let (scope, preset, depth, page) = (scope(), ToolPreset::All, Depth::Whole, PageAsk::default());
        let ask = ToolsAsk { scope, kind, sort: Some("name".into()), preset, depth, page };
        store.tools(p, &ask).unwrap().items.into_iter().filter_map(|row| row.content).collect::<Vec<_>>()
    };
    let found = list(Kind::ResourceRead);
    let types: Vec<_> = found.iter().map(|c| (c.mimes[0].0.as_str(), c.mimes[0].1, c.bytes_p50)).collect();
    assert_eq!(types, [("text/plain", 2, Some(10)), ("image/png", 1, Some(7)), ("new/new", 10, Some(1))]);
    let prompts = list(Kind::PromptGet);
    assert_eq!(
        (prompts[0].looked_at, prompts[0].filled.as_slice()),
        (2, [("tone".to_owned(), 1)].as_slice())
    );
}
