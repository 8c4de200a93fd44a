//! The replay: pages of one thing whose figures come late, long sessions in parts, tries folded into one line, how a session was
//! put together, and the definition a call was made by.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use trackway_event::json::payload_of;
use trackway_event::{Event, Kind, SessionSource, Status, Timestamp};

use super::html::Page;
use super::kit::{Kit, call};
use super::{EVIL, details};

fn at(kit: &Kit, seconds: i64) -> Timestamp {
    kit.now.plus_micros(seconds * 1_000_000 - 3_600_000_000)
}

fn ask(kit: &Kit, seconds: i64, arguments: serde_json::Value, status: Status) -> Event {
    let mut event = call(at(kit, seconds), "ses_tries", "get_run", status);
    event.arguments = payload_of(&arguments);
    event.intent = Some(format!("find run {seconds}").into());
    event
}

#[tokio::test]
async fn pages_of_one_thing_follow_their_frame_and_stay_404_where_there_is_none() {
    let mut kit = Kit::new().await;
    let session = kit.fill("proj_a", "some <b> words").await;
    let mut pages: Vec<String> = details(&kit).await.into_iter().map(|(_, page)| page).collect();
    pages.push(format!("/p/proj_a/sessions/{session}"));
    let mut prompt = Vec::new();
    for path in &pages {
        prompt.push(kit.get(path).await.body);
    }
    kit.serve(Duration::ZERO);
    for (path, whole) in pages.iter().zip(prompt) {
        let parts = kit.parts(path).await;
        assert!(parts.len() >= 2, "{path} came in one piece");
        assert!(
            parts[0].contains(r#"data-testid="late""#) && !parts[0].contains(r#"data-testid="lede""#),
            "{path}"
        );
        let (page, at_once) = (Page::read(&parts.concat()), Page::read(&whole));
        page.assert_inert(path);
        assert_eq!((page.count("h1"), page.count("main")), (1, 1), "{path}");
        for id in ["lede", "step", "session-row", "call-row", "detail", "empty"] {
            assert_eq!(page.testid(id), at_once.testid(id), "{path} {id}");
        }
    }
    for path in ["tools/nothing", "issues/99999", "issues/x", "people/nobody", "sessions/ses_none"] {
        let answer = kit.get(&format!("/p/proj_a/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(Page::read(&answer.body).testid("late"), 0, "{path}");
    }
}

#[tokio::test]
async fn tries_of_one_chain_are_one_line_that_opens() {
    let kit = Kit::new().await;
    let mut first = call(at(&kit, 0), "ses_tries", "search", Status::Ok);
    first.intent = None;
    let events = vec![
        first,
        ask(&kit, 10, json!({}), Status::ToolError),
        ask(&kit, 13, json!({ "run_id": 4411 }), Status::Ok),
        call(at(&kit, 20), "ses_tries", "search", Status::Ok),
    ];
    let ids: Vec<String> = events.iter().map(|e| e.id.to_string()).collect();
    kit.send("proj_a", events).await;
    let of = |body: &str| body.matches("data-testid=\"chain\"").count();
    let open = |body: &str| body.contains("data-testid=\"chain\"><details open>");
    let page = kit.get(&format!("/p/proj_a/sessions/ses_tries?sel={}", ids[3])).await.body;
    assert_eq!((of(&page), open(&page)), (1, false), "folded");
    let words = Page::read(&page).text_of("chain");
    for word in ["get_run", "2 tries", "run_id", "4411", "solved", "find run 10"] {
        assert!(words.contains(word), "{word} in {words}");
    }
    assert_eq!(Page::read(&page).testid("step"), 4, "every step is there to be stepped to");
    for query in [format!("sel={}", ids[1]), format!("sel={}&show=retries", ids[3])] {
        let page = kit.get(&format!("/p/proj_a/sessions/ses_tries?{query}")).await.body;
        assert!(open(&page), "{query}");
    }
}

#[tokio::test]
async fn a_long_session_is_read_in_parts_and_a_link_to_a_step_shows_its_part() {
    let kit = Kit::new().await;
    let events: Vec<Event> = (0..1_203)
        .map(|i| {
            let mut event =
                call(at(&kit, 0).plus_micros(i * 1_000_000), "ses_long", &format!("t{}", i % 3), Status::Ok);
            event.arguments = None;
            event
        })
        .collect();
    let late = events[1_100].id.to_string();
    for part in events.chunks(400) {
        kit.send("proj_a", part.to_vec()).await;
    }
    let path = "/p/proj_a/sessions/ses_long";
    let first = Page::read(&kit.get(path).await.body);
    assert!(first.elements() < 9_000 && first.testid("step") == 500, "{}", first.elements());
    assert!(first.text_of("windows").contains("Events 1–500 of 1,203"), "{}", first.text_of("windows"));
    let linked = Page::read(&kit.get(&format!("{path}?sel={late}")).await.body);
    assert!(
        linked.text_of("windows").contains("Events 1,001–1,203 of 1,203"),
        "{}",
        linked.text_of("windows")
    );
    assert_eq!(linked.testid("step"), 203);
    let parts: Vec<String> = linked
        .links()
        .into_iter()
        .filter(|l| l.starts_with(path) && l.contains("after=") && !l.contains("sel="))
        .collect();
    assert!(parts.len() >= 2, "{parts:?}");
    for part in parts {
        assert_eq!(kit.get(&part).await.status, StatusCode::OK, "{part}");
    }
}

#[tokio::test]
async fn a_replay_says_how_it_was_put_together_and_what_the_client_was_shown() {
    let kit = Kit::new().await;
    let mut list = call(at(&kit, 0), "ses_tries", EVIL, Status::Ok);
    (list.kind, list.tool, list.error) = (Kind::ToolsList, None, None);
    list.result = payload_of(&json!({ "tools": [{ "name": "get_run", "description": EVIL, "inputSchema":
        { "type": "object", "properties": { "run_id": { "type": "integer" } }, "required": ["run_id"] } }] }));
    let mut other = ask(&kit, 14, json!({ "run_id": 1 }), Status::Ok);
    other.session_source = Some(SessionSource::McpSession);
    let wrong = ask(&kit, 10, json!({}), Status::ToolError);
    let (wrong_id, right_id) = (wrong.id.to_string(), other.id.to_string());
    kit.send("proj_a", vec![list, wrong, other]).await;
    let path = format!("/p/proj_a/sessions/ses_tries?sel={wrong_id}");
    let page = Page::read(&kit.get(&path).await.body);
    page.assert_inert(&path);
    let made = page.text_of("stitched");
    assert!(made.contains("by the id the SDK gave") && made.contains("1 event"), "{made}");
    let shown = page.text_of("definition");
    for word in ["as this client saw it", "1 misfit", "run_id", "integer"] {
        assert!(shown.contains(word), "{word} in {shown}");
    }
    let right = Page::read(&kit.get(&format!("/p/proj_a/sessions/ses_tries?sel={right_id}")).await.body);
    assert!(!right.text_of("definition").contains("misfit"), "{}", right.text_of("definition"));
    assert!(!kit.get(&path).await.body.contains("data-feed"), "it is over: nothing grows");
    // The store has a clock of its own.
    let later = kit.now.plus_micros(365 * 86_400_000_000);
    kit.send("proj_a", vec![call(later, "ses_tries", "get_run", Status::Ok)]).await;
    let open = kit.get(&path).await.body;
    assert!(
        open.contains("data-feed=\"/api/v1/projects/proj_a/live?f=session:eq:ses_tries\""),
        "it is open: it grows"
    );
}

#[tokio::test]
async fn a_thing_that_cannot_be_read_in_time_is_said_in_its_page() {
    let mut kit = Kit::new().await;
    let session = kit.fill("proj_a", "some words").await;
    let mut pages: Vec<String> = details(&kit).await.into_iter().map(|(_, page)| page).collect();
    pages.push(format!("/p/proj_a/sessions/{session}"));
    kit.without_time();
    let mut met = 0;
    for path in &pages {
        let answer = kit.get(path).await;
        let page = Page::read(&answer.body);
        page.assert_inert(path);
        assert_eq!((page.count("h1"), page.count("main")), (1, 1), "{path}");
        // A few rows are there before anyone looks at the clock.
        if page.testid("error") == 0 {
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            continue;
        }
        met += 1;
        assert!(answer.status.is_server_error(), "{path}: {}", answer.status);
        assert!(page.text_of("error").contains("Try again"), "{path}");
        assert!(
            page.links().iter().any(|l| l.starts_with(path.split('?').next().unwrap())),
            "{path} leads nowhere"
        );
    }
    assert!(met >= 1, "no page of {} met its deadline", pages.len());
}

#[tokio::test]
async fn a_session_is_split_and_joined_by_hand() {
    let kit = Kit::new().await;
    let step = |s: i64, session: &str| {
        let mut event = call(at(&kit, s), session, "get_run", Status::Ok);
        event.actor = Some(Box::new(trackway_event::Actor {
            id: trackway_event::ActorId::parse("ana").unwrap().0,
            name: None,
            traits: Default::default(),
        }));
        event
    };
    kit.project("proj_a").await;
    let sent: Vec<Event> = [0, 10, 20, 30].map(|s| step(s, "ses_a")).to_vec();
    let (first, third) = (sent[0].id.to_string(), sent[2].id.to_string());
    kit.send("proj_a", sent).await;
    let open = |id: &str, sel: &str| format!("/p/proj_a/sessions/{id}?sel={sel}");
    let page = Page::read(&kit.get(&open("ses_a", &third)).await.body);
    assert_eq!((page.testid("split"), page.testid("join-with")), (1, 0));
    assert_eq!(
        Page::read(&kit.get(&open("ses_a", &first)).await.body).testid("split"),
        0,
        "nothing is before it"
    );
    let reader = kit.read_token("proj_a").await;
    let as_reader = Page::read(&kit.get_as(&open("ses_a", &third), &reader).await.body);
    assert_eq!(as_reader.testid("split"), 0);

    let form = format!("act=split&event={third}");
    assert_eq!(kit.post_as("/p/proj_a/joined", &form, &reader).await.status, StatusCode::FORBIDDEN);
    let split = kit.post("/p/proj_a/joined", &form).await;
    assert_eq!(split.status, StatusCode::SEE_OTHER);
    let made = split.header("location").strip_prefix("/p/proj_a/sessions/").unwrap().to_owned();
    assert_ne!(made, "ses_a");
    // A late one of the same session falls into the part it belongs to.
    kit.send("proj_a", vec![step(25, "ses_a"), step(5, "ses_a")]).await;
    let shown = || async {
        let ask: serde_json::Value =
            serde_json::from_str(&kit.get("/api/v1/projects/proj_a/sessions?sort=started").await.body)
                .unwrap();
        let items = ask["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|s| (s["id"].as_str().unwrap().to_owned(), s["events"].as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(shown().await, [("ses_a".to_owned(), 3), (made.clone(), 3)]);
    let body = kit.get(&format!("/p/proj_a/sessions/{made}")).await.body;
    let page = Page::read(&body);
    page.assert_inert("a split session");
    assert!(body.contains("Undo the split") && page.text_of("stitched").contains("by hand"), "{body}");
    assert_eq!(page.testid("join-with"), 1, "and it may be joined with another");

    let audit = kit.get("/api/v1/audit").await.body;
    assert!(audit.contains("split by hand before") && audit.contains(&made), "{audit}");
    kit.post("/p/proj_a/joined", &format!("act=join&later={made}")).await;
    assert_eq!(shown().await, [("ses_a".to_owned(), 6)]);

    // The same by the API, and two that came apart are joined.
    let answer = kit.post(&format!("/api/v1/projects/proj_a/events/{third}/split"), "").await;
    let again: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(again["session"], made.as_str(), "the part begins with it already");
    kit.post("/p/proj_a/joined", &format!("act=join&later={made}")).await;
    kit.send("proj_a", vec![step(1_000, "ses_b"), step(1_010, "ses_b")]).await;
    let joined = kit.post("/p/proj_a/joined", "act=with&later=ses_b&earlier=ses_a").await;
    assert_eq!(joined.header("location"), "/p/proj_a/sessions/ses_b");
    assert_eq!(shown().await, [("ses_a".to_owned(), 8)]);
    let body = kit.get("/p/proj_a/sessions/ses_b").await.body;
    assert!(body.contains("was merged into") && body.contains("Take it back"), "{body}");
    kit.post("/p/proj_a/joined", "act=part&later=ses_b").await;
    let status = |answer: super::kit::Answer| answer.status;
    let put = |path: &'static str| kit.put(path);
    assert_eq!(status(put("/api/v1/projects/proj_a/joined/ses_b/ses_a").await), StatusCode::NO_CONTENT);
    assert_eq!(status(put("/api/v1/projects/proj_a/joined/ses_b/ses_a").await), StatusCode::BAD_REQUEST);
    assert_eq!(status(put("/api/v1/projects/proj_a/joined/ses_b/nothing").await), StatusCode::NOT_FOUND);
    for (form, expect) in [
        ("act=with&later=ses_b&earlier=nothing", StatusCode::NOT_FOUND),
        ("act=split&event=nothing", StatusCode::NOT_FOUND),
        ("act=split", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(status(kit.post("/p/proj_a/joined", form).await), expect, "{form}");
    }
}

#[tokio::test]
async fn sessions_of_one_handle_name_each_other() {
    let kit = Kit::new().await;
    kit.project("proj_a").await;
    let of = |s: i64, session: &str, handle: Option<&str>| {
        let mut event = call(at(&kit, s), session, EVIL, Status::Ok);
        event.conversation_id = handle.map(Into::into);
        event
    };
    kit.send(
        "proj_a",
        vec![of(0, "ses_a", Some(EVIL)), of(100, "ses_b", Some(EVIL)), of(200, "ses_c", None)],
    )
    .await;
    let page = Page::read(&kit.get("/p/proj_a/sessions/ses_a").await.body);
    page.assert_inert("siblings");
    assert_eq!(page.testid("siblings"), 1);
    assert!(page.links().contains(&"/p/proj_a/sessions/ses_b".to_owned()));
    assert_eq!(Page::read(&kit.get("/p/proj_a/sessions/ses_c").await.body).testid("siblings"), 0);
    let answer = kit.get("/api/v1/projects/proj_a/sessions/ses_b/siblings").await.body;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        (answer["items"][0]["id"].as_str(), answer["items"].as_array().unwrap().len()),
        (Some("ses_a"), 1)
    );
    let none = kit.get("/api/v1/projects/proj_a/sessions/nothing/siblings").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_live_row_carries_the_track_of_its_session_so_far() {
    let kit = Kit::new().await;
    kit.project("proj_a").await;
    let mut events: Vec<Event> = (0..20)
        .map(|s| {
            call(at(&kit, s * 10), "ses_a", "get_run", if s == 1 { Status::ToolError } else { Status::Ok })
        })
        .collect();
    let mut alone = call(at(&kit, 1_000), "ses_a", "get_run", Status::Ok);
    (alone.session_id, alone.session_source) = (None, None);
    events.push(alone);
    kit.send("proj_a", events.clone()).await;
    let body = kit.get("/p/proj_a/live").await.body;
    let page = Page::read(&body);
    page.assert_inert("live");
    assert_eq!(page.testid("live-row"), 21);
    // Newest first: the one alone, then the last of the session with the ten marks up to it, and so on to its first.
    let row = |which: usize| {
        body.split("data-testid=\"live-row\"").nth(which + 1).unwrap().split("</tr>").next().unwrap()
    };
    let steps = |which: usize| {
        let label = row(which).split("aria-label=\"").find(|l| l.contains("step")).unwrap_or("");
        label.split('"').next().unwrap().to_owned()
    };
    assert_eq!(steps(0), "1 step");
    assert_eq!(steps(1), "the last of more: 10 steps");
    assert_eq!(steps(10), "the last of more: 10 steps, 1 failed");
    assert_eq!(steps(11), "10 steps, 1 failed");
    assert_eq!((steps(19), steps(20)), ("2 steps, 1 failed".into(), "1 step".into()));
    let key = kit.project("proj_a").await.key;
    let tracks = kit.store.tracks_until(key, &[20, 1], 12).unwrap();
    assert_eq!((tracks[0].marks.len(), tracks[0].more, tracks[1].marks.len()), (12, true, 1));
    let last: Vec<_> = events[8..20].iter().map(|e| e.started_at).collect();
    assert_eq!(tracks[0].marks.iter().map(|m| m.started_at).collect::<Vec<_>>(), last);
}

#[tokio::test]
async fn a_large_payload_comes_when_it_is_asked_for() {
    let kit = Kit::new().await;
    kit.project("proj_a").await;
    let mut event = call(at(&kit, 0), "ses_large", "dump", Status::Ok);
    let long = format!("{}<b>the end</b>", EVIL.repeat(400));
    event.result = payload_of(&json!({ "begin": 1, "rows": long }));
    event.arguments = payload_of(&json!({ "small": EVIL }));
    let id = event.id.to_string();
    kit.send("proj_a", vec![event]).await;
    let body = kit.get("/p/proj_a/sessions/ses_large").await.body;
    let page = Page::read(&body);
    page.assert_inert("large");
    assert_eq!(page.testid("large"), 1, "the small one is there at once");
    assert!(!body.contains("the end") && body.contains("Load ") && body.contains("kB"), "only its beginning");
    let path = format!("/p/proj_a/payload/{id}/result");
    assert!(page.links().contains(&path));
    let part = kit.fragment(&path).await;
    assert!(part.status == StatusCode::OK && part.body.contains("the end") && !part.body.contains("<html"));
    Page::read(&part.body).assert_inert("large, the rest");
    let alone = kit.get(&path).await;
    assert!(alone.body.starts_with("<!DOCTYPE") && alone.body.contains("the end"));
    Page::read(&alone.body).assert_inert("large, alone");
    for nothing in ["payload/evt_none/result".to_owned(), format!("payload/{id}/other")] {
        let answer = kit.get(&format!("/p/proj_a/{nothing}")).await;
        assert_eq!(
            (answer.status, Page::read(&answer.body).testid("unknown-payload")),
            (StatusCode::NOT_FOUND, 1)
        );
    }
    kit.project("proj_b").await;
    assert_eq!(kit.get(&path.replace("proj_a", "proj_b")).await.status, StatusCode::NOT_FOUND);
}
