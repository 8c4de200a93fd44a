//! Working on issues through the pages: messages, giving them to somebody, comments, and taking a decision on many back.

use http::StatusCode;
use trackway_event::Status;
use trackway_store::Role;

use super::html::Page;
use super::kit::{Kit, call};

async fn kit() -> Kit {
    let kit = Kit::new().await;
    let at = |m: i64| kit.now.plus_micros(-m * 60_000_000);
    let mut events = Vec::new();
    for (m, words) in [(1, "order 17 <b>gone</b>"), (2, "order 18 <b>gone</b>"), (3, "order 17 <b>gone</b>")]
    {
        let mut event = call(at(m), &format!("ses_{m}"), words, Status::ToolError);
        event.tool = Some("get_order".into());
        events.push(event);
    }
    let mut other = call(at(9), "ses_9", "no permission", Status::ToolError);
    other.tool = Some("cancel_order".into());
    events.push(other);
    kit.send("proj_a", events).await;
    kit.store.add_member("ana", Role::Member, kit.now).unwrap();
    kit
}

async fn number_of(kit: &Kit, title: &str) -> String {
    let api = kit.get("/api/v1/projects/proj_a/issues").await.body;
    let list: serde_json::Value = serde_json::from_str(&api).unwrap();
    let found = list["items"].as_array().unwrap().iter().find(|i| i["tool"] == title).cloned().unwrap();
    found["id"].to_string()
}

#[tokio::test]
async fn an_issue_shows_its_messages_and_is_talked_about() {
    let kit = kit().await;
    let id = number_of(&kit, "get_order").await;
    let path = format!("/p/proj_a/issues/{id}");
    let page = Page::read(&kit.get(&path).await.body);
    page.assert_inert(&path);
    assert_eq!((page.testid("variant-row"), page.testid("comment")), (2, 0));

    let act = format!("{path}/act");
    let said = kit.post(&act, "act=comment&words=%3Cscript%3E%20look%20at%20the%20importer").await;
    assert_eq!(said.status, StatusCode::SEE_OTHER);
    assert_eq!(kit.post(&act, "act=assign&to=ana").await.status, StatusCode::SEE_OTHER);
    let body = kit.get(&path).await.body;
    let page = Page::read(&body);
    page.assert_inert(&path);
    assert!(page.text_of("comment").contains("look at the importer"), "{}", page.text_of("comment"));
    assert!(page.text_of("standing").contains("Assigned to ana"), "{}", page.text_of("standing"));
    let api: serde_json::Value =
        serde_json::from_str(&kit.get(&format!("/api/v1/projects/proj_a/issues/{id}")).await.body).unwrap();
    assert_eq!((&api["assignee"], &api["variants"]["distinct"]), (&"ana".into(), &2.into()));
    assert_eq!(api["variants"]["items"][0]["events"], 2);
    assert_eq!(api["history"][0]["what"], "given to ana");
    let csv = kit.get("/p/proj_a/export/issues.csv").await.body;
    assert!(csv.lines().next().unwrap().contains("assignee") && csv.contains(",ana,"), "{csv}");

    let comment = api["history"][1]["id"].to_string();
    assert_eq!(api["history"][1]["comment"], "<script> look at the importer");
    let gone = kit.post(&act, &format!("act=uncomment&comment={comment}")).await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    assert_eq!(Page::read(&kit.get(&path).await.body).testid("comment"), 0);
    for (form, why) in [
        ("act=assign&to=bo", "no member"),
        ("act=comment&words=%20", "words are"),
        ("act=archive_until&date=2020-01-01", "a time to come"),
    ] {
        let refused = kit.post(&act, form).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{form}");
        assert!(refused.body.contains(why), "{form}: {}", refused.body);
    }
    let until = kit.post(&act, "act=archive_until&date=2099-01-01").await;
    assert_eq!(until.status, StatusCode::SEE_OTHER);
    assert!(Page::read(&kit.get(&path).await.body).text_of("standing").contains("Archived until 2099-01-01"));
}

#[tokio::test]
async fn a_decision_on_many_says_what_was_left_out_and_is_taken_back() {
    let kit = kit().await;
    let (a, b) = (number_of(&kit, "get_order").await, number_of(&kit, "cancel_order").await);
    let done = kit.post("/p/proj_a/bulk/issues", &format!("act=resolve&issue={a}&issue={b}&issue=77")).await;
    let cookie = done.header("set-cookie");
    assert!(cookie.contains("Max-Age=10") && cookie.contains("HttpOnly"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = kit.get_with("/p/proj_a/issues", &cookie).await;
    let html = Page::read(&page.body);
    let strip = html.text_of("did");
    assert!(strip.contains("2 issues resolved") && strip.contains("#77 (not there"), "{strip}");
    assert_eq!((html.testid("undo"), html.testid("issue-row")), (1, 0));
    let undone = kit.post("/p/proj_a/bulk/issues", &format!("act=take_back&issue={a}&issue={b}&back=")).await;
    assert_eq!(undone.status, StatusCode::SEE_OTHER);
    let html = Page::read(&kit.get("/p/proj_a/issues").await.body);
    assert_eq!((html.testid("undo"), html.testid("issue-row")), (0, 2));

    let merged = kit.post("/p/proj_a/bulk/issues", &format!("act=merge&issue={a}&issue={b}")).await;
    assert_eq!(merged.status, StatusCode::SEE_OTHER);
    let cookie = merged.header("set-cookie").split(';').next().unwrap().to_owned();
    let html = Page::read(&kit.get_with("/p/proj_a/issues", &cookie).await.body);
    assert_eq!((html.testid("undo"), html.testid("issue-row")), (1, 1));
    let other = if a.parse::<u64>().unwrap() < b.parse().unwrap() { &b } else { &a };
    let undone = kit.post("/p/proj_a/bulk/issues", &format!("act=take_back&issue={other}&back=")).await;
    assert_eq!(undone.status, StatusCode::SEE_OTHER);
    assert_eq!(Page::read(&kit.get("/p/proj_a/issues").await.body).testid("issue-row"), 2);
}

#[tokio::test]
async fn a_message_and_a_client_are_taken_out_and_put_back() {
    let kit = kit().await;
    let id = number_of(&kit, "get_order").await;
    let path = format!("/p/proj_a/issues/{id}");
    let page = Page::read(&kit.get(&path).await.body);
    assert_eq!((page.testid("act-take_out"), page.testid("issue-clients")), (2, 0), "one client only");
    let act = format!("{path}/act");
    let out = "act=take_out&by=message&value=order%2017%20%3Cb%3Egone%3C%2Fb%3E";
    assert_eq!(kit.post(&act, &format!("{out}&back={id}")).await.status, StatusCode::SEE_OTHER);
    let body = kit.get(&path).await.body;
    let page = Page::read(&body);
    page.assert_inert(&path);
    assert_eq!(
        (page.testid("variant-row"), page.testid("act-take_out")),
        (1, 0),
        "nothing is left to take out"
    );
    let told = page.text_of("taken-out");
    assert!(told.contains("order 17 <b>gone</b> by its message") && told.contains("Put back"), "{told}");
    let api = |id: &str| {
        let path = format!("/api/v1/projects/proj_a/issues/{id}");
        let kit = &kit;
        async move { serde_json::from_str::<serde_json::Value>(&kit.get(&path).await.body).unwrap() }
    };
    let whole = api(&id).await;
    assert_eq!((&whole["events"], &whole["taken_out"][0]["by"]), (&1.into(), &"message".into()));
    let part = whole["taken_out"][0]["id"].to_string();
    let of = api(&part).await;
    assert_eq!((&of["events"], of["out_of"]["id"].to_string()), (&2.into(), id.clone()));
    let html = kit.get(&format!("/p/proj_a/issues/{part}")).await.body;
    assert!(Page::read(&html).text_of("out-of").contains(&format!("Taken out of #{id}")));
    // A later one goes along, in page, list and CSV; and all of them come back.
    let mut late = call(kit.now.plus_micros(-1_000_000), "ses_8", "order 17 <b>gone</b>", Status::ToolError);
    late.tool = Some("get_order".into());
    late.client = Some(trackway_event::Peer { name: "<i>zed".into(), version: None });
    kit.send("proj_a", vec![late]).await;
    assert_eq!(api(&part).await["events"], 3);
    let csv = kit.get("/p/proj_a/export/issues.csv").await.body;
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert_eq!(kit.post(&act, &format!("{out}&back={id}")).await.status, StatusCode::BAD_REQUEST);
    let page = Page::read(&kit.get(&format!("/p/proj_a/issues/{part}")).await.body);
    page.assert_inert("a part");
    assert!(page.text_of("issue-clients").contains("<i>zed"), "{}", page.text_of("issue-clients"));
    let back =
        kit.post(&format!("/p/proj_a/issues/{part}/act"), &format!("act=merge&into={id}&back={id}")).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    let whole = api(&id).await;
    assert_eq!((&whole["events"], whole["taken_out"].as_array().map(Vec::len)), (&4.into(), Some(0)));
    let audit = kit.get("/api/v1/audit").await.body;
    assert!(audit.contains("some taken out by message") && !audit.contains("gone"), "{audit}");
}

#[tokio::test]
async fn an_issue_tells_what_the_next_try_changed() {
    let kit = Kit::new().await;
    let at = |s: i64| kit.now.plus_micros(-s * 1_000_000);
    let mut events = Vec::new();
    for (ago, sent, status) in [(90, "tomorrow<b>", Status::ToolError), (60, "2026-11-21", Status::Ok)] {
        let words = if status == Status::Ok { "" } else { "due is not a date" };
        let mut event = call(at(ago), "ses_1", words, status);
        event.tool = Some("create_issue".into());
        event.arguments = trackway_event::json::payload_of(&serde_json::json!({ "due": sent }));
        events.push(event);
    }
    kit.send("proj_a", events).await;
    let id = number_of(&kit, "create_issue").await;
    let path = format!("/p/proj_a/issues/{id}");
    let page = Page::read(&kit.get(&path).await.body);
    page.assert_inert(&path);
    let told = page.text_of("mended-row");
    assert!(told.contains("due") && told.contains("tomorrow<b>") && told.contains("2026-11-21"), "{told}");
    let api = kit.get(&format!("/api/v1/projects/proj_a/issues/{id}")).await.body;
    let api: serde_json::Value = serde_json::from_str(&api).unwrap();
    assert_eq!(
        (&api["mended"]["tries"], &api["mended"]["changes"][0]["how"]),
        (&1.into(), &"changed".into())
    );
}
