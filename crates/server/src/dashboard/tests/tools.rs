//! The list of tools through the pages: reach, choices, what listings say, and the drawing.

use http::StatusCode;
use trackway_event::{Kind, Status};

use super::html::Page;
use super::kit::{Kit, call};

#[tokio::test]
async fn tools_say_how_far_they_reach_and_which_are_not_used() {
    let kit = Kit::new().await;
    let at = |m: i64| kit.now.plus_micros(-m * 60_000_000);
    let named = |m: i64, session: &str, tool: &str, status| {
        let mut event = call(at(m), session, &format!("call {m}"), status);
        event.tool = Some(tool.into());
        event.arguments =
            trackway_event::json::payload_of(&serde_json::json!({ "q": format!("ord-{m:03}") }));
        event
    };
    let mut list = call(at(90), "ses_a", "list", Status::Ok);
    list.kind = Kind::ToolsList;
    list.tool = None;
    list.result = trackway_event::json::payload_of(&serde_json::json!({"tools": [
        {"name": "search", "description": "finds", "inputSchema": {"type": "object"}},
        {"name": "idle <i>", "description": "never called", "inputSchema": {"type": "object"}},
    ]}));
    let mut events = vec![list];
    for m in 0..24 {
        let status = if m % 3 == 0 { Status::ToolError } else { Status::Ok };
        events.push(named(60 - m, ["ses_a", "ses_b"][m as usize % 2], "search", status));
    }
    events.push(named(5, "ses_b", "serach", Status::ToolError));
    kit.send("proj_a", events).await;

    let body = kit.get("/p/proj_a/tools").await.body;
    let page = Page::read(&body);
    page.assert_inert("tools");
    assert_eq!(page.testid("tool-row"), 3);
    assert!(page.text_of("lede").contains("1 listed and not called"), "{}", page.text_of("lede"));
    assert!(body.contains("unknown tool") && body.contains("not called"));
    for (tab, rows) in [("failing", 1), ("slow", 1), ("dead", 1), ("confusing", 1), ("new", 0), ("heavy", 0)]
    {
        let path = format!("/p/proj_a/tools?tab={tab}");
        let answer = kit.get(&path).await;
        let page = Page::read(&answer.body);
        page.assert_inert(&path);
        assert_eq!((answer.status, page.testid("tool-row")), (StatusCode::OK, rows), "{tab}");
        assert_eq!(page.testid("empty"), usize::from(rows == 0), "{tab}");
        let api = kit.get(&format!("/api/v1/projects/proj_a/tools?tab={tab}")).await;
        let api: serde_json::Value = serde_json::from_str(&api.body).unwrap();
        assert_eq!(api["items"].as_array().unwrap().len(), rows, "{tab}: the API says the same");
        let csv = kit.get(&format!("/p/proj_a/export/tools.csv?tab={tab}")).await.body;
        assert_eq!(csv.lines().count(), rows + 1, "{tab}: {csv}");
    }
    let api = kit.get("/api/v1/projects/proj_a/tools").await.body;
    let api: serde_json::Value = serde_json::from_str(&api).unwrap();
    let search = &api["items"][0];
    assert_eq!((&search["sessions"], &search["people"]), (&2.into(), &0.into()), "{search}");
    assert_eq!(search["standing"], "listed");
    assert!(search["signals"]["attempts"]["chains"].as_u64() > Some(0));
    assert_eq!(kit.get("/api/v1/projects/proj_a/tools?tab=odd").await.status, StatusCode::BAD_REQUEST);

    let drawn = Page::read(&kit.get("/p/proj_a/tools?show=scatter").await.body);
    drawn.assert_inert("scatter");
    assert_eq!((drawn.testid("scatter"), drawn.testid("tool-row")), (1, 3));
    assert_eq!(drawn.count("circle"), 2 + page.count("circle"), "a dot for each tool that was called");

    let one = kit.get("/p/proj_a/tools/search").await.body;
    let page = Page::read(&one);
    page.assert_inert("tool");
    assert_eq!((page.testid("arguments"), page.testid("used-row"), page.testid("neighbours")), (1, 1, 1));
    assert!(page.testid("neighbour") >= 2);
    assert_eq!((page.testid("examples"), page.testid("definitions"), page.testid("renamed")), (1, 1, 0));
    assert_eq!((page.testid("example-failed"), page.testid("example-typical")), (3, 3));
    assert!(page.text_of("description").starts_with("“finds”"));
    let quiet = kit.get("/p/proj_a/tools/search?from=2020-01-01&to=2020-01-02").await.body;
    let quiet = Page::read(&quiet);
    assert!(quiet.text_of("empty").contains("last call"), "{}", quiet.text_of("empty"));
    assert!(quiet.text_of("empty").contains("Show since the day before it"));
    let api = kit.get("/api/v1/projects/proj_a/tools/search").await.body;
    let api: serde_json::Value = serde_json::from_str(&api).unwrap();
    assert_eq!(api["closely"]["calls"], 24);
    assert_eq!(api["story"]["description"], "finds");
    assert_eq!(api["last_ever"], kit.now.plus_micros(-37 * 60_000_000).to_string());
    assert_eq!(api["closely"]["examples"].as_array().unwrap().len(), 6);
    assert_eq!(api["story"]["definitions"].as_array().unwrap().len(), 1);
    let used = &api["arguments"]["uses"][0];
    assert_eq!((&used["name"], &used["sent"], &used["place"]), (&"q".into(), &24.into(), &"unknown".into()));
    assert_eq!(
        used["lengths"],
        serde_json::json!([7, 7]),
        "values that never come again are told by their shape"
    );
}

#[tokio::test]
async fn resources_say_their_type_and_prompts_what_is_filled() {
    let kit = Kit::new().await;
    let of = |kind, name: &str, arguments, result| {
        let mut event = call(kit.now.plus_micros(-60_000_000), "ses_a", name, Status::Ok);
        (event.kind, event.tool, event.resource) = (kind, None, Some(name.into()));
        event.arguments = trackway_event::json::payload_of(&arguments);
        event.result = trackway_event::json::payload_of(&result);
        event
    };
    let result = serde_json::json!({ "contents": [{ "mimeType": "text/<b>", "bytes": 2_100 }] });
    let mut events = vec![of(Kind::ResourceRead, "file:a", serde_json::json!({ "uri": "file:a" }), result)];
    events.push(of(Kind::PromptGet, "brief", serde_json::json!({ "to<i>ne": "dry" }), serde_json::json!({})));
    kit.send("proj_a", events).await;
    for (tab, kind, shown) in [("resources", "resource_read", "2.1 kB"), ("prompts", "prompt_get", "1 of 1")]
    {
        let path = format!("/p/proj_a/tools?tab={tab}");
        let body = kit.get(&path).await.body;
        Page::read(&body).assert_inert(&path);
        assert!(body.contains(shown), "{tab}: {body}");
        let api = kit.get(&format!("/api/v1/projects/proj_a/tools?kind={kind}")).await.body;
        let api: serde_json::Value = serde_json::from_str(&api).unwrap();
        assert_eq!(api["items"][0]["content"]["looked_at"], 1, "{api}");
        let csv = kit.get(&format!("/p/proj_a/export/{tab}.csv")).await.body;
        assert!(csv.lines().next().unwrap().contains("mime_type,bytes_p50"), "{csv}");
    }
}
