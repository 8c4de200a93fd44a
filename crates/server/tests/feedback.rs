//! What agents say of tools is one list, whichever recorder sent it (wire-posthog cases 32 and 33).
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use http::StatusCode;
use kit::{Kit, payload};
use serde_json::{Value, json};
use trackway_core::filter::Filter;
use trackway_store::Store;
use trackway_store::query::{ListAsk, PageAsk, Said, SessionTab, SessionsAsk, WishStatus};

async fn posthog(kit: &Kit, name: &str, uuid: u32, properties: Value) {
    let mut all = json!({"$mcp_source": "posthog_mcp_analytics", "$session_id": "s1"});
    all.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
    let body = json!({"api_key": "proj_t", "batch": [{"event": name, "distinct_id": "u1", "properties": all,
        "uuid": format!("0190b9e2-7b8a-7c3d-9a1b-0000000000{uuid:02}"), "timestamp": format!("2026-03-02T11:00:{uuid:02}Z")}]});
    assert_eq!(kit.post_raw("/batch/", &[], body.to_string()).await.status, StatusCode::OK);
}

fn ask(kit: &Kit) -> ListAsk {
    ListAsk { scope: kit.scope(), page: PageAsk { after: None, limit: 50 }, sort: None }
}

#[tokio::test]
async fn feedback_of_every_recorder_is_one_list() {
    let kit = Kit::new();
    posthog(
        &kit,
        "$mcp_feedback",
        1,
        json!({"$mcp_feedback_type": "issue", "$mcp_feedback_summary": "search is slow", "$mcp_feedback_tool": "search",
            "$mcp_feedback_sentiment": "negative", "$mcp_feedback_task_completed": "true",
            "$mcp_feedback_friction_points": ["a", "b"], "$mcp_feedback_mood": 7, "team": "core"}),
    )
    .await;
    posthog(
        &kit,
        "$mcp_feedback",
        2,
        json!({"$mcp_feedback_type": "x", "$mcp_feedback_sentiment": "angry",
        "$mcp_intent": "words of its own"}),
    )
    .await;
    posthog(
        &kit,
        "$mcp_feedback",
        3,
        json!({"$mcp_feedback_type": "missing_capability",
        "$mcp_feedback_summary": "a way to refund"}),
    )
    .await;
    posthog(&kit, "$mcp_missing_capability", 4, json!({"$mcp_intent": "export to csv"})).await;
    let native = json!({"id": "evt_n", "kind": "feedback", "started_at": "2026-03-02T11:00:09Z", "session_id": "n1",
        "session_source": "mcp_session", "tool": "send_feedback", "intent": "quotes are fine",
        "properties": {"feedback": {"type": "praise", "summary": "quotes are fine", "sentiment": "positive", "tool": "quote"}}});
    assert_eq!(kit.native("proj_t", json!([native])).await.json()["results"][0]["outcome"], "stored");

    let said = kit.store.feedback(kit.p, &ask(&kit)).unwrap().items;
    let told =
        |s: &Said| (s.kind, s.sentiment, s.event.tool.clone(), s.event.intent.clone().unwrap_or_default());
    assert_eq!(
        said.iter().map(told).collect::<Vec<_>>(),
        [
            ("praise", Some("positive"), Some("quote".into()), "quotes are fine".into()),
            ("missing_capability", None, None, "a way to refund".into()),
            ("other", None, None, "words of its own".into()),
            ("issue", Some("negative"), Some("search".into()), "search is slow".into()),
        ]
    );
    let detail = kit.store.event(kit.p, said[3].event.id.as_str()).unwrap().unwrap();
    assert_eq!(
        payload(&detail.properties),
        json!({"team": "core", "feedback": {"type": "issue", "summary": "search is slow", "tool": "search", "mood": 7,
            "sentiment": "negative", "task_completed": true, "friction_points": ["a", "b"]}})
    );

    // A wish said as feedback is in the list of wishes, and is no report of the session (wire-posthog §6).
    let wishes = kit.store.wishes(kit.p, &ask(&kit)).unwrap().items;
    let words: Vec<&str> = wishes.iter().filter_map(|w| w.event.intent.as_deref()).collect();
    assert_eq!(words, ["export to csv", "a way to refund"]);
    let scope = kit.scope();
    let sessions = SessionsAsk { scope, page: PageAsk::default(), sort: None, tab: SessionTab::All };
    let sessions = kit.store.sessions(kit.p, &sessions).unwrap().items;
    assert_eq!(sessions.iter().map(|s| (s.tool_calls, s.missing_reports)).max(), Some((0, 1)));
    let noted =
        |id: &str| kit.store.set_wish(kit.p, id, WishStatus::Planned, "soon", "bea", kit.now()).unwrap();
    assert!(noted(wishes[1].event.id.as_str()) && !noted(said[3].event.id.as_str()), "only wishes are noted");

    let mut negative = ask(&kit);
    negative.scope.filter = Filter::parse(["tag.feedback_sentiment:eq:negative"], None).unwrap();
    assert_eq!(kit.store.feedback(kit.p, &negative).unwrap().items.len(), 1);
}
