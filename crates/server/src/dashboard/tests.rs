//! The dashboard through the real router over a real store: every page, its states, hostile text, links, headers.
//!
//! HTML is read with a small strict reader ([`html`]) that fails on markup it does not expect: what the tests see is what a
//! browser would make elements of. View states that the store cannot be brought into quickly are in the files of the views.

mod catalog;
mod contrast;
mod export;
mod frame;
mod goals;
mod html;
mod issues;
mod kit;
mod lists;
mod own;
mod people;
mod replay;
mod rounds;
mod states;
mod tools;
mod wanted;

use http::StatusCode;
use trackway_event::{DropReason, Kind, Status};
use trackway_store::NewQuarantined;

use super::PAGES;
use html::Page;
use kit::{Kit, call};

const EVIL: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\u{200b}\0\"'&\u{2028} end";

/// GET paths of a project with every `{…}` filled in.
fn paths(session: &str) -> Vec<String> {
    let of = |path: &str| path.replace("{p}", "proj_a").replace("{id}", session);
    let gets = PAGES.iter().filter(|p| p.method == "GET").map(|p| of(p.path));
    gets.filter(|path| !path.contains('{')).collect()
}

/// The pages of single things that the lists lead to, each with the list it was found in.
async fn details(kit: &Kit) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for list in ["tools", "issues", "people"] {
        let page = Page::read(&kit.get(&format!("/p/proj_a/{list}")).await.body);
        let inside = format!("/p/proj_a/{list}/");
        let mut links: Vec<String> = page.links().into_iter().filter(|l| l.starts_with(&inside)).collect();
        links.sort();
        links.dedup();
        assert!(!links.is_empty(), "{list} leads nowhere");
        found.extend(links.into_iter().map(|link| (list, link)));
    }
    found
}

#[tokio::test]
async fn every_page_is_whole_links_resolve_and_nothing_runs() {
    let kit = Kit::new().await;
    let session = kit.fill("proj_a", EVIL).await;
    kit.fill("proj_b", "other").await;
    let long = "w".repeat(10_000);
    kit.send("proj_a", vec![call(kit.now, "ses_long", &long, Status::ToolError)]).await;
    // an id that could be someone's, and is as hostile as such ids get
    let mut person = call(kit.now.plus_micros(-1_000_000), "ses_person", EVIL, Status::Ok);
    let (id, _) = trackway_event::ActorId::parse("<img src=x onerror=alert(3)>/..?a=b&c#d%41\"'").unwrap();
    let mut traits = serde_json::Map::new();
    traits.insert(EVIL.into(), EVIL.into());
    person.actor = Some(Box::new(trackway_event::Actor { id, name: Some(EVIL.into()), traits }));
    kit.send("proj_a", vec![person]).await;
    let mut links = std::collections::BTreeSet::new();
    let single: Vec<String> = details(&kit).await.into_iter().map(|(_, path)| path).collect();
    let all = paths(&session).into_iter().chain(single).chain(["/p/proj_a/sessions/ses_long".into()]);
    for path in all {
        let answer = kit.get(&path).await;
        if answer.status.is_redirection() {
            continue;
        }
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let page = Page::read(&answer.body);
        page.assert_inert(&path);
        assert!(!answer.body.contains("proj_b") || answer.body.contains("/p/proj_b/overview"), "{path}");
        assert!(!answer.body.contains("secret of other"), "{path} shows another project's text");
        assert!(answer.gzipped() <= 60_000, "{path} is {} bytes", answer.gzipped());
        assert!(page.elements() <= 3_000, "{path} has {} elements", page.elements());
        if answer.body.starts_with("<!DOCTYPE") {
            assert_eq!(page.count("h1"), 1, "{path}");
            let policy = answer.header("content-security-policy");
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}");
            assert!(answer.header("vary").contains("hx-request"), "{path}");
        }
        links.extend(page.links().into_iter().filter(|l| l.starts_with('/') && !l.starts_with("/api/")));
    }
    assert!(links.len() > 20, "{}", links.len());
    for link in links {
        let status = kit.get(&link).await.status;
        assert!(status.is_success() || status.is_redirection(), "{link} answers {status}");
    }
}

#[tokio::test]
async fn hidden_characters_are_shown_as_marks() {
    let kit = Kit::new().await;
    let session = kit.fill("proj_a", EVIL).await;
    for path in [
        "/p/proj_a/overview".to_owned(),
        "/p/proj_a/live".into(),
        "/p/proj_a/sessions".into(),
        format!("/p/proj_a/sessions/{session}"),
    ] {
        let body = kit.get(&path).await.body;
        for raw in ['\u{202e}', '\u{200b}', '\0', '\u{2028}'] {
            assert!(!body.contains(raw), "{path} holds {:04x}", u32::from(raw));
        }
        assert!(body.contains("U+202E"), "{path}");
    }
}

#[tokio::test]
async fn a_bad_filter_shows_its_chip_and_no_data() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "visible words").await;
    for page in ["overview", "sessions", "live", "clients", "goals", "tools", "issues", "people", "catalog"] {
        let answer = kit.get(&format!("/p/proj_a/{page}?f=toool:eq:x&f=client:eq:Cursor")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{page}");
        let html = Page::read(&answer.body);
        assert_eq!(
            (html.testid("chip-bad"), html.testid("chip"), html.testid("bad-filter")),
            (1, 1, 1),
            "{page}"
        );
        assert!(answer.body.contains("did you mean"), "{page}");
        assert_eq!(html.testid("session-row") + html.testid("live-row") + html.testid("lede"), 0, "{page}");
    }
    let bad_period = kit.get("/p/proj_a/overview?from=yesterday").await;
    assert_eq!(bad_period.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn empty_states_say_which_reason_applies() {
    let kit = Kit::new().await;
    kit.project("proj_empty").await;
    for page in ["overview", "sessions", "live", "clients", "goals", "tools", "issues", "people", "catalog"] {
        let answer = kit.get(&format!("/p/proj_empty/{page}")).await;
        assert!(answer.body.contains("Nothing has arrived yet."), "{page}");
        assert!(Page::read(&answer.body).links().contains(&"/p/proj_empty/setup".to_owned()), "{page}");
    }
    kit.fill("proj_a", "words").await;
    let filtered = kit.get("/p/proj_a/sessions?f=tool:eq:nothing").await;
    assert!(filtered.body.contains("Your filters leave nothing") && filtered.body.contains("Clear 1 filter"));
    let quiet = kit.get("/p/proj_a/sessions?from=now-30d&to=now-20d").await;
    assert_eq!(Page::read(&quiet.body).testid("empty"), 1);
}

#[tokio::test]
async fn the_replay_tells_the_story_of_retries() {
    let kit = Kit::new().await;
    let at = |s: i64| kit.now.plus_micros((s - 600) * 1_000_000);
    let with = |s: i64, status, args: serde_json::Value| {
        let mut event = call(at(s), "ses_story", "pay it back", status);
        event.arguments = trackway_event::json::payload_of(&args);
        event
    };
    kit.project("proj_a").await;
    kit.send(
        "proj_a",
        vec![
            with(0, Status::ToolError, serde_json::json!({"date": "tomorrow"})),
            with(5, Status::Ok, serde_json::json!({"date": "2026-11-22", "reason": "broken"})),
            with(9, Status::Ok, serde_json::json!({})),
        ],
    )
    .await;
    let answer = kit.get("/p/proj_a/sessions/ses_story").await;
    let page = Page::read(&answer.body);
    assert_eq!(page.testid("step"), 3);
    assert!(answer.body.contains("retry 1 of 1") && answer.body.contains("solved"), "{}", answer.body);
    assert!(
        answer.body.contains("<b><bdi>date</bdi></b>") && answer.body.contains("<b><bdi>reason</bdi></b>")
    );
    // the first failure is looked at first; a fragment is the detail alone
    assert!(page.text_of("detail").contains("pay it back"));
    let step = page.links().into_iter().rfind(|l| l.contains("sel=")).unwrap();
    let fragment = kit.fragment(&step).await;
    assert!(!fragment.body.contains("<html") && fragment.body.contains("Arguments"));
    let unknown = kit.get("/p/proj_a/sessions/ses_nowhere").await;
    assert_eq!(
        (unknown.status, Page::read(&unknown.body).testid("unknown-session")),
        (StatusCode::NOT_FOUND, 1)
    );
}

#[tokio::test]
async fn foreign_and_unknown_projects_look_the_same() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    kit.project("proj_b").await;
    let token = kit.read_token("proj_b").await;
    let foreign = kit.get_as("/p/proj_a/overview", &token).await;
    let unknown = kit.get_as("/p/proj_nowhere/overview", &token).await;
    assert_eq!((foreign.status, unknown.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!(foreign.body, unknown.body);
    let home = kit.get_as("/p/proj_b/overview", &token).await;
    assert!(home.status.is_success() && !home.body.contains("proj_a"));
    let nobody = kit.get_as("/p/proj_a/overview", "").await;
    assert!(nobody.status.is_redirection() && nobody.header("location").starts_with("/login"));
}

#[tokio::test]
async fn a_project_is_made_and_a_refused_one_adopted() {
    let kit = Kit::new().await;
    assert_eq!(kit.get("/").await.header("location"), "/setup");
    let refused = NewQuarantined {
        reason: DropReason::UnknownProject,
        project_text: Some("proj_typo".into()),
        route: "/v1/public/events".into(),
        user_agent: Some(EVIL.into()),
        bytes: 2,
        events: 1,
        body: b"{}".to_vec(),
        replayable: true,
    };
    kit.store.quarantine(refused, kit.now).unwrap();
    let setup = kit.get("/setup").await;
    let page = Page::read(&setup.body);
    page.assert_inert("/setup");
    assert_eq!(page.testid("refused-row"), 1);
    let made = kit.post("/setup/adopt", "id=proj_typo").await;
    assert_eq!(made.header("location"), "/p/proj_typo/setup");
    assert!(kit.get("/p/proj_typo/setup").await.status.is_success());
    for (form, error) in [
        ("name=&id=", "give the project a name"),
        ("name=x&id=nope", "a project id is"),
        ("name=x&id=proj_typo", "exists already"),
    ] {
        let answer = kit.post("/projects/new", form).await;
        assert!(answer.status.is_client_error() && answer.body.contains(error), "{form}: {}", answer.status);
        assert_eq!(Page::read(&answer.body).testid("form-error"), 1, "{form}");
    }
    assert_eq!(kit.post("/p/proj_typo/setup/test", "").await.header("location"), "/p/proj_typo/setup");
    let after = kit.get("/p/proj_typo/setup").await;
    assert_eq!(Page::read(&after.body).testid("arrival"), 1);
    let token = kit.read_token("proj_typo").await;
    assert_eq!(kit.post_as("/projects/new", "name=x", &token).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_theme_is_right_from_the_first_byte() {
    let kit = Kit::new().await;
    kit.project("proj_a").await;
    let answer = kit.post("/theme", "theme=dark&next=/p/proj_a/live").await;
    assert_eq!(answer.header("location"), "/p/proj_a/live");
    assert!(answer.header("set-cookie").starts_with("trackway_theme=dark;"));
    assert!(kit.get_with("/p/proj_a/live", "trackway_theme=dark").await.body.contains("data-theme=\"dark\""));
    assert!(
        kit.get_with("/p/proj_a/live", "trackway_theme=<b>").await.body.contains("data-theme=\"system\"")
    );
}

#[tokio::test]
async fn jump_goes_straight_to_an_id_and_otherwise_searches() {
    let kit = Kit::new().await;
    let session = kit.fill("proj_a", "words").await;
    let to = |answer: kit::Answer| answer.header("location");
    assert_eq!(
        to(kit.get(&format!("/p/proj_a/jump?q={session}")).await),
        format!("/p/proj_a/sessions/{session}")
    );
    assert_eq!(to(kit.get("/p/proj_a/jump?q=red+bike").await), "/p/proj_a/sessions?q=red%20bike");
    assert_eq!(to(kit.get("/p/proj_a/jump").await), "/p/proj_a/sessions");
    assert_eq!(
        to(kit.get("/p/proj_a/sessions?add=client:Cursor").await),
        "/p/proj_a/sessions?f=client:eq:Cursor"
    );
}

#[tokio::test]
async fn a_burst_is_one_line_a_tool_and_second() {
    let kit = Kit::new().await;
    let mut calls = Vec::new();
    for second in 0..3i64 {
        // the last one is no burst
        for n in 0..if second == 2 { 20 } else { 32i64 } {
            let at = trackway_event::Timestamp::from_micros(
                kit.now.micros() / 1_000_000 * 1_000_000 - 10_000_000 + second * 1_000_000 + n,
            );
            let mut e =
                call(at, "ses_burst", "again and again", if n == 1 { Status::ToolError } else { Status::Ok });
            e.tool = Some(if n % 2 == 0 { "search".into() } else { "<b>".into() });
            calls.push(e);
        }
    }
    kit.send("proj_a", calls).await;
    let body = kit.get("/p/proj_a/live").await.body;
    let page = Page::read(&body);
    assert_eq!((page.testid("burst-row"), page.testid("live-row")), (4, 20));
    assert!(body.contains("× 16") && body.contains("1 failed"), "{body}");
    page.assert_inert("/p/proj_a/live");
    let whole = Page::read(&kit.get("/p/proj_a/live?show=bursts").await.body);
    assert_eq!((whole.testid("burst-row"), whole.testid("live-row")), (0, super::live::SHOWN));
    assert!(whole.elements() < 2_400, "{}", whole.elements());
}

#[tokio::test]
async fn live_rows_are_only_what_came_since() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    let page = Page::read(&kit.get("/p/proj_a/live").await.body);
    let seq = page.attribute("feed", "data-seq");
    assert_eq!(
        Page::read(&kit.fragment(&format!("/p/proj_a/live/rows?since={seq}")).await.body).testid("live-row"),
        0
    );
    kit.send("proj_a", vec![call(kit.now, "ses_new", "fresh", Status::Ok)]).await;
    let more = kit.fragment(&format!("/p/proj_a/live/rows?since={seq}")).await;
    assert_eq!(Page::read(&more.body).testid("live-row"), 1);
    assert!(more.body.contains("fresh"));
    let mut filtered = call(kit.now, "ses_new", "other", Status::Ok);
    filtered.kind = Kind::Custom;
    kit.send("proj_a", vec![filtered]).await;
    let none = kit.fragment(&format!("/p/proj_a/live/rows?f=kind:eq:feedback&since={seq}")).await;
    assert_eq!(Page::read(&none.body).testid("live-row"), 0);
}

#[tokio::test]
async fn settings_say_what_became_of_everything() {
    let kit = Kit::new().await;
    kit.fill("proj_a", EVIL).await;
    let page = Page::read(&kit.get("/p/proj_a/settings").await.body);
    assert!(page.text_of("lede").contains("0 dropped"), "{}", page.text_of("lede"));
    assert_eq!((page.testid("source-row"), page.testid("drop-row")), (1, 0));
    let key = kit.store.project("proj_a").unwrap().unwrap().key;
    let dropped = [(DropReason::BadEvent, 3)].into();
    let tally =
        trackway_store::Tally { dropped, lost: [("queue_full".to_owned(), 2)].into(), bodies_refused: 1 };
    kit.store.count(&[(Some(key), tally)]).unwrap();
    let body = kit.get("/p/proj_a/settings").await.body;
    let page = Page::read(&body);
    assert!(page.text_of("lede").contains("3 dropped"), "{}", page.text_of("lede"));
    assert_eq!((page.testid("drop-row"), page.testid("beside-row")), (2, 0));
    assert!(body.contains("queue full") && body.contains("Of it this project"));
    kit.fill("proj_b", "words").await;
    let page = Page::read(&kit.get("/p/proj_a/settings").await.body);
    assert_eq!(page.testid("beside-row"), 1, "whoever may see both is told the size of both");
    let health = kit.store.health().unwrap();
    let held: u64 = health.by_project.values().sum();
    assert!(health.by_project.len() == 2 && held > 0 && held < health.bytes, "{health:?}");
}

#[tokio::test]
async fn a_token_is_shown_once_works_and_ends() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    kit.project("proj_b").await;
    let made = kit.post("/p/proj_a/settings/tokens", "scope=read&name=%3Cci%3E").await;
    let text = Page::read(&made.body).text_of("made-token");
    let token = text.get(text.find("twt_").unwrap()..).unwrap();
    let token: String =
        token.chars().take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_').collect();
    assert!(kit.get_as("/p/proj_a/overview", &token).await.status.is_success());
    let again = kit.get("/p/proj_a/settings?tab=tokens").await;
    assert!(!again.body.contains(&token) && again.body.contains(&token[..8]), "shown once");
    let row = kit.store.tokens(None).unwrap().into_iter().find(|t| t.name == "<ci>").unwrap();
    // a reader neither sees nor makes nor ends tokens, and another project's page does not reach them
    assert!(!kit.get_as("/p/proj_a/settings?tab=tokens", &token).await.body.contains(&token[..8]));
    assert_eq!(
        kit.post_as("/p/proj_a/settings/tokens", "scope=read", &token).await.status,
        StatusCode::FORBIDDEN
    );
    let form = format!("id={}", row.id);
    assert_eq!(
        kit.post_as("/p/proj_a/settings/tokens/revoke", &form, &token).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(kit.post("/p/proj_b/settings/tokens/revoke", &form).await.status, StatusCode::NOT_FOUND);
    assert!(kit.post("/p/proj_a/settings/tokens/revoke", &form).await.status.is_redirection());
    assert!(kit.get_as("/p/proj_a/overview", &token).await.status.is_redirection(), "revoked");
    let wrong = kit.post("/p/proj_a/settings/tokens", "scope=everything").await;
    assert_eq!((wrong.status, Page::read(&wrong.body).testid("form-error")), (StatusCode::BAD_REQUEST, 1));
}

#[tokio::test]
async fn goals_show_matters_wishes_and_feedback_in_their_words() {
    let kit = Kit::new().await;
    kit.project("proj_a").await;
    let at = |s: i64| kit.now.plus_micros((s - 600) * 1_000_000);
    let mut wish = call(at(9), "ses_a", "a tool to refund an order", Status::Ok);
    wish.kind = Kind::MissingCapability;
    let asked = wish.id.to_string();
    let mut feedback = call(at(10), "ses_a", "the search is slow", Status::Ok);
    feedback.kind = Kind::Feedback;
    feedback.tags.insert("feedback_type".into(), "issue".into());
    feedback.tags.insert("feedback_sentiment".into(), "negative".into());
    feedback.tool = Some("search_orders".into());
    kit.send(
        "proj_a",
        vec![
            call(at(0), "ses_a", "find the order of 11", Status::ToolError),
            call(at(5), "ses_a", "find order of 12", Status::Ok),
            call(at(7), "ses_b", "quote express delivery", Status::Ok),
            wish,
            feedback,
        ],
    )
    .await;
    let page = Page::read(&kit.get("/p/proj_a/goals").await.body);
    assert_eq!(page.testid("intent-row"), 2);
    assert!(
        page.text_of("lede").contains("why in 3 of 3 calls: 2 different reasons"),
        "{}",
        page.text_of("lede")
    );
    let missing = kit.get("/p/proj_a/goals?tab=missing").await.body;
    assert_eq!(Page::read(&missing).testid("word-row"), 1);
    assert!(missing.contains("a tool to refund an order") && !missing.contains("the search is slow"));
    let form = format!("event={asked}&status=shipped&note=in%202.0");
    assert_eq!(kit.post("/p/proj_a/goals/wish", &form).await.status, StatusCode::SEE_OTHER);
    let quiet = Page::read(&kit.get("/p/proj_a/goals?tab=missing").await.body);
    assert!(quiet.text_of("again").contains("not asked for again"));
    let mut once_more = call(at(900), "ses_c", "a tool to refund an order", Status::Ok);
    once_more.kind = Kind::MissingCapability;
    kit.send("proj_a", vec![once_more]).await;
    let again = Page::read(&kit.get("/p/proj_a/goals?tab=missing").await.body);
    assert!(again.text_of("again").contains("asked again 1 time"), "{}", again.text_of("again"));
    let api = kit.get("/api/v1/projects/proj_a/wishes").await.body;
    assert!(api.contains("\"asked_again\":1"), "{api}");
    let feedback = kit.get("/p/proj_a/goals?tab=feedback").await.body;
    assert_eq!(Page::read(&feedback).testid("word-row"), 1);
    for shown in ["tag.feedback_type:eq:issue", "negative", "search_orders"] {
        assert!(feedback.contains(shown), "{shown}");
    }
    let filtered = kit.get("/p/proj_a/goals?f=tool:eq:nothing").await.body;
    assert!(filtered.contains("Your filters leave nothing"));
}

#[tokio::test]
async fn single_tools_issues_and_people_say_the_figures_of_their_lists() {
    let kit = Kit::new().await;
    kit.project("proj_a").await;
    let at = |s: i64| kit.now.plus_micros((s - 600) * 1_000_000);
    let named = |s: i64, status| {
        let mut event = call(at(s), "ses_a", "words", status);
        event.tool = Some("pay/back".into());
        let (id, _) = trackway_event::ActorId::parse("ana").unwrap();
        let mut traits = serde_json::Map::new();
        traits.insert("plan".into(), "gold".into());
        event.actor = Some(Box::new(trackway_event::Actor { id, name: Some("Ana".into()), traits }));
        event
    };
    kit.send("proj_a", vec![named(0, Status::ToolError), named(5, Status::ToolError), named(9, Status::Ok)])
        .await;
    for (list, row) in [("tools", "tool-row"), ("issues", "issue-row"), ("people", "person-row")] {
        let body = kit.get(&format!("/p/proj_a/{list}")).await.body;
        assert_eq!(Page::read(&body).testid(row), 1, "{list}");
    }
    let tool = kit.get("/p/proj_a/tools/pay%2Fback").await;
    let page = Page::read(&tool.body);
    assert!(page.text_of("lede").contains("called 3 times"), "{}", page.text_of("lede"));
    assert!(page.text_of("lede").contains("2 of 3 failed"), "{}", page.text_of("lede"));
    assert_eq!((page.testid("issue-row"), page.testid("call-row")), (1, 3));
    let issue = details(&kit).await.into_iter().find(|(list, _)| *list == "issues").unwrap().1;
    let page = Page::read(&kit.get(&issue).await.body);
    assert!(page.text_of("lede").contains("2 times in 1 session of 1 person"), "{}", page.text_of("lede"));
    assert!(page.text_of("message").contains("words"));
    assert_eq!((page.testid("call-row"), page.testid("session-row")), (2, 1));
    let person = Page::read(&kit.get("/p/proj_a/people/ana").await.body);
    assert!(
        person.text_of("lede").contains("Ana made 3 calls in 1 session, 2 failures"),
        "{}",
        person.text_of("lede")
    );
    assert_eq!((person.testid("trait-row"), person.testid("session-row")), (1, 1));
    // another period: the tool is known, quiet, and says so
    let quiet = kit.get("/p/proj_a/tools/pay%2Fback?from=now-30d&to=now-20d").await;
    assert_eq!((quiet.status, Page::read(&quiet.body).testid("empty")), (StatusCode::OK, 1));
    for (path, mark) in [
        ("tools/nope", "unknown-tool"),
        ("issues/99", "unknown-issue"),
        ("issues/x", "unknown-issue"),
        ("people/nope", "unknown-person"),
    ] {
        let answer = kit.get(&format!("/p/proj_a/{path}")).await;
        assert_eq!(
            (answer.status, Page::read(&answer.body).testid(mark)),
            (StatusCode::NOT_FOUND, 1),
            "{path}"
        );
    }
    for list in ["tools?sort=bogus", "issues?sort=bogus", "people?sort=bogus"] {
        assert_eq!(kit.get(&format!("/p/proj_a/{list}")).await.status, StatusCode::BAD_REQUEST, "{list}");
    }
    for tab in ["resources", "prompts"] {
        let page = Page::read(&kit.get(&format!("/p/proj_a/tools?tab={tab}")).await.body);
        assert_eq!((page.testid("tool-row"), page.testid("empty")), (0, 1), "{tab}");
    }
}
