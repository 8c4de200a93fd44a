//! Goals through the pages: coverage, words, wishes in like words, and the tool that answers one.

use trackway_event::{Kind, Status};

use super::html::Page;
use super::kit::{Kit, call};

#[tokio::test]
async fn intents_say_how_much_is_known_and_wishes_stand_together() {
    let kit = Kit::new().await;
    let at = |m: i64| kit.now.plus_micros(-m * 60_000_000);
    let wish = |m: i64, words: &str| {
        let mut event = call(at(m), &format!("ses_{m}"), words, Status::Ok);
        (event.kind, event.tool) = (Kind::MissingCapability, None);
        event
    };
    let mut list = call(at(5), "ses_list", "list", Status::Ok);
    (list.kind, list.tool) = (Kind::ToolsList, None);
    list.result = trackway_event::json::payload_of(&serde_json::json!({"tools": [
        {"name": "cancel_job", "description": "Stops a <b>running</b> job."},
    ]}));
    let mut silent = call(at(6), "ses_b", "", Status::Ok);
    silent.intent = None;
    let events = vec![
        call(at(9), "ses_a", "find the parcel", Status::Ok),
        silent,
        wish(20, "cancel a running job"),
        wish(21, "cancel the running job <i>"),
        wish(22, "export invoices"),
        list,
    ];
    kit.send("proj_a", events).await;

    let page = Page::read(&kit.get("/p/proj_a/goals").await.body);
    page.assert_inert("goals");
    assert_eq!((page.testid("coverage"), page.testid("words-search"), page.testid("intent-row")), (1, 1, 1));
    assert!(page.text_of("coverage").contains("50 % of calls say why"), "{}", page.text_of("coverage"));
    let api = kit.get("/api/v1/projects/proj_a/intents").await.body;
    let api: serde_json::Value = serde_json::from_str(&api).unwrap();
    let given: u64 = api["coverage"].as_array().unwrap().iter().filter_map(|c| c["given"].as_u64()).sum();
    assert_eq!((given, &api["given"]), (1, &1.into()));
    let none = Page::read(&kit.get("/p/proj_a/goals?q=invoice").await.body);
    assert_eq!(none.testid("intent-row"), 0, "words choose");

    let page = Page::read(&kit.get("/p/proj_a/goals?tab=missing").await.body);
    page.assert_inert("missing");
    assert_eq!((page.testid("word-row"), page.testid("matter-row"), page.testid("answered")), (3, 0, 2));
    let page = Page::read(&kit.get("/p/proj_a/goals?tab=missing&show=matters").await.body);
    page.assert_inert("matters");
    assert_eq!((page.testid("word-row"), page.testid("matter-row")), (3, 2));
    let api = kit.get("/api/v1/projects/proj_a/wishes").await.body;
    let api: serde_json::Value = serde_json::from_str(&api).unwrap();
    assert_eq!(api["items"][0]["answered_by"], "cancel_job");
    assert_eq!(api["items"][0]["matter"], api["items"][1]["matter"]);
}
