//! A listing that broke its callers: the timeline, the page that sets it beside the one before, and the tabs that weigh it; names
//! and descriptions are hostile.

use http::StatusCode;
use trackway_event::{Event, Kind, Peer, Status};

use super::EVIL;
use super::html::Page;
use super::kit::{Kit, call};

const DAY: i64 = 86_400_000_000;

fn listing(kit: &Kit, days: i64, session: &str, version: &str, tools: &serde_json::Value) -> Event {
    let mut event = call(kit.now.plus_micros(-days * DAY), session, "words", Status::Ok);
    event.kind = Kind::ToolsList;
    event.tool = None;
    event.arguments = None;
    event.server = Some(Peer { name: "shop".into(), version: Some(version.into()) });
    event.result = trackway_event::json::payload_of(&serde_json::json!({ "tools": tools }));
    event
}

fn tools(required: &[&str], words: &str) -> serde_json::Value {
    let schema = serde_json::json!({ "type": "object", "required": required, "properties": {
        "q": { "type": "string", "description": words }, "limit": { "type": "integer" } } });
    serde_json::json!([
        { "name": "search", "description": words, "inputSchema": schema },
        { "name": EVIL, "description": EVIL, "inputSchema": { "type": "object" } },
    ])
}

async fn fill(kit: &Kit) {
    let mut events = vec![listing(kit, 6, "ses_old", "1.0", &tools(&["q"], "finds things"))];
    for i in 0..30 {
        let mut one = call(kit.now.plus_micros(-6 * DAY + i * 60_000_000), "ses_old", "search", Status::Ok);
        one.arguments = trackway_event::json::payload_of(&serde_json::json!({ "q": "tent" }));
        events.push(one);
    }
    events.push(listing(kit, 1, "ses_new", "1.1", &tools(&["q", "limit"], EVIL)));
    events.push(call(kit.now.plus_micros(-DAY / 2), "ses_new", "search", Status::ToolError));
    kit.send("proj_a", events).await;
}

#[tokio::test]
async fn a_listing_that_breaks_its_callers_says_so_and_stands_beside_the_one_before() {
    let kit = Kit::new().await;
    fill(&kit).await;
    let timeline = kit.get("/p/proj_a/catalog").await;
    let page = Page::read(&timeline.body);
    page.assert_inert("catalog");
    assert_eq!((page.testid("catalog-row"), page.testid("affected"), page.testid("diff")), (2, 1, 1));
    assert!(page.text_of("affected").contains("30 of the newest 30 calls"), "{}", page.text_of("affected"));
    let link = page.links().into_iter().find(|l| l.contains("/catalog/") && l.starts_with("/p/")).unwrap();
    let answer = kit.get(&link).await;
    assert_eq!(answer.status, StatusCode::OK);
    let page = Page::read(&answer.body);
    page.assert_inert("listing");
    assert!(page.text_of("lede").contains("changed 1 tool"), "{}", page.text_of("lede"));
    assert_eq!((page.testid("tool-diff"), page.count("del") > 0, page.count("ins") > 0), (1, true, true));
    assert!(answer.body.contains("U+202E") && !answer.body.contains('\u{202e}'));
    assert_eq!(kit.get("/p/proj_a/catalog/none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_nobody_calls_can_be_taken_along_as_text() {
    let kit = Kit::new().await;
    kit.send("proj_a", vec![listing(&kit, 40, "ses_early", "1.1", &tools(&["q"], "finds things"))]).await;
    kit.send("proj_a", vec![listing(&kit, 2, "ses_late", "1.1", &tools(&["q"], "finds things"))]).await;
    kit.send("proj_a", vec![call(kit.now.plus_micros(-DAY), "ses_late", "search", Status::Ok)]).await;
    let answer = kit.get("/p/proj_a/catalog?tab=dead").await;
    let page = Page::read(&answer.body);
    assert_eq!(page.testid("dead-row"), 1);
    assert!(page.text_of("saving").contains("1 tool"), "{}", page.text_of("saving"));
    assert!(answer.body.contains("Drop 1 tool: "));
    let cost = Page::read(&kit.get("/p/proj_a/catalog?tab=cost").await.body);
    cost.assert_inert("cost");
    assert_eq!((cost.testid("cost-row"), cost.count("svg") > 0), (2, true));
}
