//! Catalogs: distinct listings once, graded changes with whose calls they fail, cost, dead and unlisted tools, and calls
//! against what was shown.

use std::sync::Arc;

use serde_json::value::RawValue;
use trackway_event::{Event, Kind, Peer};

use super::kit::*;
use crate::Store;
use crate::query::*;

const OLD: &str = r#"[{"name":"search","description":"finds","inputSchema":{"type":"object","properties":{"q":{"type":"string"}}}},
    {"name":"idle","description":"never called, and long in words","inputSchema":{"type":"object"}}]"#;
const NEW: &str = r#"[{"name":"search","description":"finds","inputSchema":{"type":"object","properties":{"q":{"type":"string"},"limit":{"type":"integer"}},"required":["limit"]}},
    {"name":"idle","description":"never called, and long in words","inputSchema":{"type":"object"}},{"name":"extra"}]"#;

fn json(text: &str) -> Option<trackway_event::Payload> {
    RawValue::from_string(text.to_owned()).ok()
}

fn listing(n: u32, minute: i64, session: &str, tools: &str, version: &str) -> Event {
    let mut e = within(call(n, minute * MINUTE), session);
    e.kind = Kind::ToolsList;
    e.tool = None;
    e.result = json(&format!(r#"{{"tools":{tools}}}"#));
    e.server = Some(Peer { name: "shop".into(), version: Some(version.into()) });
    with_client(e, "zed")
}

fn asked(n: u32, minute: i64, session: &str, tool: &str, arguments: &str) -> Event {
    let mut e = by(within(call(n, minute * MINUTE), session), &format!("user {}", n % 2));
    e.tool = Some(tool.into());
    e.arguments = json(arguments);
    e
}

pub(super) fn catalogs_are_compared_and_weighed(make: &dyn Fn() -> Arc<dyn Store>) {
    let mut events = vec![
        listing(1, 0, "a", OLD, "1.0"),
        listing(2, 1, "b", &OLD.replace(",\n    ", ", "), "1.0"),
        asked(10, 2, "a", "search", r#"{"q":"x"}"#),
        asked(11, 3, "b", "search", r#"{"q":"y","limit":5}"#),
        asked(12, 4, "b", "search", r#"{"q":"z"}"#),
        listing(3, 20, "c", NEW, "1.1"),
        failing(asked(13, 21, "c", "search", r#"{"q":7,"limti":5}"#), "limit is required"),
        asked(14, 22, "c", "serch", "{}"),
    ];
    for _ in 0..2 {
        let store = make();
        let p = project(&store, "proj_a");
        assert_eq!(store.catalogs(p, &scope()).unwrap().items.len(), 0);
        for e in &events {
            put(&store, p, vec![e.clone(), e.clone()]);
        }
        let all = store.catalogs(p, &scope()).unwrap();
        assert_eq!((all.items.len(), all.sessions), (2, 3));
        let tools = |preset: ToolPreset| -> Vec<(String, u64, Standing)> {
            let (scope, kind, depth, page) = (scope(), Kind::ToolCall, Depth::Whole, PageAsk::default());
            let found = store.tools(p, &ToolsAsk { scope, kind, sort: None, preset, depth, page }).unwrap();
            found.items.into_iter().map(|t| (t.name, t.calls.calls, t.standing)).collect()
        };
        let names = |preset| tools(preset).into_iter().map(|(name, ..)| name).collect::<Vec<_>>();
        assert_eq!(tools(ToolPreset::All)[0], ("search".into(), 4, Standing::Listed));
        assert_eq!(tools(ToolPreset::All)[1], ("serch".into(), 1, Standing::Unlisted));
        assert_eq!(names(ToolPreset::Dead), ["idle", "extra"], "the longer definition first");
        assert_eq!(names(ToolPreset::Confusing), ["serch"]);
        assert!(names(ToolPreset::Failing).is_empty() && names(ToolPreset::New).is_empty());
        let (new, old) = (&all.items[0], &all.items[1]);
        assert_eq!((old.sessions, old.listings, old.first_seen, old.last_seen), (2, 2, at(0), at(MINUTE)));
        assert_eq!(
            (new.sessions, new.size.unwrap().tools, new.clients.as_slice()),
            (1, 3, ["zed".to_owned()].as_slice())
        );
        assert_eq!(new.servers[0].version.as_deref(), Some("1.1"));
        let seen = |scope: Scope| {
            store.overview(p, &OverviewAsk { scope, compare: Compare::None }).unwrap().sightings
        };
        let came = Sighting { at: at(20 * MINUTE), what: Sighted::Version(new.servers[0].clone()) };
        let listed = Sighting { at: at(20 * MINUTE), what: Sighted::Catalog(new.hash.clone()) };
        assert_eq!(seen(scope()), [came, listed], "what was there from the beginning is no change");
        let before = Period { from: at(-MINUTE), to: at(20 * MINUTE) };
        assert_eq!(seen(Scope { period: before, ..scope() }), []);
        assert_eq!(store.tool(p, "search", &scope()).unwrap().unwrap().sightings, seen(scope()));
        let shown: Vec<(Grade, &str, &str)> =
            new.changes.iter().map(|c| (c.grade, c.path.as_str(), c.what.as_str())).collect();
        assert_eq!(shown, [(Grade::Breaking, "limit", "added as required"), (Grade::Harmless, "", "added")]);
        assert_eq!(
            new.affected,
            [Affected { tool: "search".into(), checked: 3, failing: 2, sessions: 2, people: 1 }]
        );
        assert!(new.tokens_change.unwrap() > 0 && old.changes.is_empty());
        let dead: Vec<&str> =
            all.tools.iter().filter(|t| t.use_ == Use::Dead).map(|t| t.name.as_str()).collect();
        assert_eq!(dead, ["idle", "extra"]);
        assert_eq!(all.tools.iter().map(|t| t.bytes).sum::<u64>(), new.size.unwrap().bytes);
        let unlisted = UnlistedTool { name: "serch".into(), calls: 1, nearest: Some("search".into()) };
        assert_eq!(all.unlisted, [unlisted]);
        let text = store.catalog_tools(p, &new.hash).unwrap().unwrap();
        assert_eq!(text, NEW);
        assert_eq!(store.catalog_tools(p, "none").unwrap(), None);

        // Each call is held against what its own session was shown: what a later listing wants was not yet asked for.
        let tool = store.tool(p, "search", &scope()).unwrap().unwrap().arguments;
        assert_eq!((tool.checked, tool.wrong), (4, 2));
        let findings: Vec<(&str, &str, u64, u64)> =
            tool.findings.iter().map(|f| (f.path.as_str(), f.sort, f.calls, f.failed)).collect();
        assert_eq!(
            findings,
            [
                ("limit", "unknown", 1, 0),
                ("limit", "missing", 1, 1),
                ("limti", "unknown", 1, 1),
                ("q", "type", 1, 1)
            ]
        );
        let used: Vec<(&str, u64, ArgumentPlace, u64)> =
            tool.uses.iter().map(|u| (u.used.name.as_str(), u.used.sent, u.place, u.invalid)).collect();
        assert_eq!(
            used,
            [
                ("q", 4, ArgumentPlace::Optional, 1),
                ("limit", 1, ArgumentPlace::Required, 2),
                ("limti", 1, ArgumentPlace::Unknown, 1)
            ]
        );
        assert_eq!(
            (tool.calls, tool.uses[0].used.types.as_slice()),
            (4, [("string", 3), ("number", 1)].as_slice())
        );
        let around = store.tool(p, "search", &scope()).unwrap().unwrap().neighbours;
        assert_eq!(around.before, [(String::new(), 3), ("search".into(), 1)]);
        assert_eq!(around.after, [(String::new(), 2), ("search".into(), 1), ("serch".into(), 1)]);
        let other = project(&store, "proj_b");
        assert!(store.catalogs(other, &scope()).unwrap().items.is_empty());
        assert_eq!(store.catalog_tools(other, &new.hash).unwrap(), None);
        events.reverse();
    }
}

pub(super) fn a_listing_is_held_against_the_same_weekdays_before(make: &dyn Fn() -> Arc<dyn Store>) {
    let day = 24 * 60;
    let mut events = vec![listing(1, 0, "a", OLD, "1.0")];
    // Two days of the week before: four calls, one of them failed; one more that the same weekdays leave out.
    for (n, minute) in [(10, 1), (11, day), (12, day + 60), (13, 4 * day)] {
        events.push(asked(n, minute, "a", "search", r#"{"q":"x"}"#));
    }
    events.push(failing(asked(14, day + 70, "a", "search", r#"{"q":"x"}"#), "away"));
    events.push(listing(2, 7 * day, "b", NEW, "1.1"));
    // Since: three calls in two days, two of them failed and one of those tried again with success.
    for (n, minute) in [(20, 7 * day + 5), (21, 8 * day)] {
        events.push(failing(asked(n, minute, "b", "search", r#"{"q":"x"}"#), "limit is required"));
    }
    events.push(asked(22, 8 * day + 1, "b", "search", r#"{"q":"x","limit":3}"#));
    let store = make();
    let p = project(&store, "proj_a");
    for e in events {
        put(&store, p, vec![e]);
    }
    let mut asked = scope();
    asked.period.to = at(9 * day * MINUTE);
    let all = store.catalogs(p, &asked).unwrap();
    let (new, old) = (&all.items[0], &all.items[1]);
    assert_eq!((new.before.as_deref(), old.before.as_deref()), (Some(old.hash.as_str()), None));
    let release = new.release.clone().unwrap();
    assert_eq!((release.since.from, release.since.to), (at(7 * day * MINUTE), at(9 * day * MINUTE)));
    assert_eq!((release.until.from, release.until.to), (at(0), at(2 * day * MINUTE)));
    assert_eq!((release.after.calls.calls, release.after.calls.failed), (3, 2));
    assert_eq!((release.before.calls.calls, release.before.calls.failed), (4, 1));
    assert_eq!(release.before.attempts.chains, 4);
    assert!(old.release.is_none(), "nothing came before the first");
}
