//! Calls of several requests in the replay: one step, with its requests and what came of it in the end.

use trackway_event::Status;

use super::html::Page;
use super::kit::{Kit, call};

#[tokio::test]
async fn a_call_of_several_requests_is_one_step() {
    let kit = Kit::new().await;
    kit.project("proj_a").await;
    let part = |s: i64, status, properties: &str| {
        let mut event = call(kit.now.plus_micros((s - 600) * 1_000_000), "ses_a", "buy", status);
        event.tool = Some("buy".into());
        event.properties = serde_json::value::RawValue::from_string(properties.to_owned()).ok();
        event.result = None;
        event
    };
    let mut asks =
        part(0, Status::InputRequired, r#"{"mrtr_out":"a","mrtr_key":"k","mrtr_asked":["<b>pin</b>"]}"#);
    asks.flags.mrtr_open = true;
    let mut brings =
        part(300, Status::Ok, r#"{"mrtr_in":"a","mrtr_key":"k","mrtr_answered":["<b>pin</b>"]}"#);
    brings.flags.mrtr_continuation = true;
    brings.result = serde_json::value::RawValue::from_string(r#"{"bought":"tent 44"}"#.into()).ok();
    kit.send("proj_a", vec![brings, asks]).await;
    let body = kit.get("/p/proj_a/sessions/ses_a").await.body;
    let page = Page::read(&body);
    assert_eq!((page.testid("step"), page.testid("rounds"), page.testid("call")), (1, 1, 1));
    assert!(page.text_of("rounds").contains("2 requests"));
    let call = page.text_of("call");
    assert!(call.contains("428 ms by the server") && call.contains("5m"), "{call}");
    assert!(body.contains("tent 44"), "what came of it in the end");
    assert!(!body.contains("<b>pin"), "names of inputs are hostile, too");
}
