//! Every list page in every state (`dashboard.md` §6): a heading, a sentence that says what is there or why nothing is, and a way
//! on; and pages whose figures come late.

use std::time::Duration;

use super::*;

/// Pages that ask a question of the data, with their tabs.
const LISTS: &[&str] = &[
    "overview",
    "live",
    "sessions",
    "sessions?tab=worth",
    "sessions?tab=failed",
    "sessions?tab=stuck",
    "sessions?tab=asked",
    "tools",
    "tools?tab=resources",
    "tools?tab=prompts",
    "issues",
    "issues?tab=resolved",
    "issues?tab=archived",
    "issues?tab=all",
    "goals",
    "goals?tab=missing",
    "goals?tab=feedback",
    "clients",
    "clients?tab=models",
    "clients?tab=protocol",
    "clients?tab=sdks",
    "people",
    "people?tab=accounts",
    "catalog",
    "catalog?tab=cost",
    "catalog?tab=dead",
];

fn with(path: &str, query: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("/p/proj_a/{path}{}{query}", if query.is_empty() { String::new() } else { sign.to_string() })
}

/// What every state has: a heading, and words that say what it is.
fn whole(path: &str, answer: &kit::Answer, said: &[&str]) -> Page {
    let page = Page::read(&answer.body);
    page.assert_inert(path);
    assert_eq!(page.count("h1"), 1, "{path}");
    let words: Vec<String> =
        said.iter().filter(|id| page.testid(id) > 0).map(|id| page.text_of(id)).collect();
    assert!(words.iter().any(|w| w.split_whitespace().count() >= 3), "{path} says {words:?} in {said:?}");
    page
}

#[tokio::test]
async fn an_empty_project_says_what_will_appear_where() {
    let kit = Kit::new().await;
    kit.project("proj_a").await;
    for list in LISTS {
        let path = with(list, "");
        let answer = kit.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let page = whole(&path, &answer, &["empty"]);
        assert!(page.text_of("empty").contains("Nothing has arrived yet."), "{path}");
        assert!(page.links().iter().any(|l| l == "/p/proj_a/setup"), "{path} offers no source");
    }
}

#[tokio::test]
async fn one_event_is_enough_for_a_sentence() {
    let kit = Kit::new().await;
    kit.send("proj_a", vec![call(kit.now.plus_micros(-1_000_000), "ses_1", "only one", Status::Ok)]).await;
    for list in LISTS {
        let path = with(list, "");
        let answer = kit.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        whole(&path, &answer, &["lede", "empty"]);
    }
}

#[tokio::test]
async fn filters_that_leave_nothing_offer_to_be_cleared() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    for list in LISTS {
        for filter in ["f=tool:eq:absent&f=client:eq:nobody", "f=session:re:^none$&q=absent"] {
            let path = with(list, filter);
            let answer = kit.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            let page = whole(&path, &answer, &["empty"]);
            assert!(
                page.text_of("empty").contains("Your filters leave nothing."),
                "{path}: {}",
                page.text_of("empty")
            );
            let clear = page
                .links()
                .into_iter()
                .any(|l| l.starts_with("/p/proj_a/") && !l.contains("absent") && !l.contains("none"));
            assert!(clear, "{path} has no way out");
        }
    }
}

#[tokio::test]
async fn a_question_that_fails_is_said_with_a_way_to_go_on() {
    let mut kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    kit.without_time();
    let mut met = 0;
    for list in LISTS {
        let path = with(list, "");
        let answer = kit.get(&path).await;
        let read = Page::read(&answer.body);
        // An answer of a few rows is there before anyone looks at the clock.
        if answer.status.is_success() && read.testid("partial") == 0 {
            whole(&path, &answer, &["lede", "empty"]);
            continue;
        }
        met += 1;
        let page = whole(&path, &answer, &["error", "partial"]);
        if !answer.status.is_success() {
            let own = format!("/p/proj_a/{}", list.split('?').next().unwrap());
            assert!(page.text_of("error").contains("Try again"), "{path}");
            assert!(page.links().iter().any(|l| l.starts_with(&own)), "{path}");
            assert!(!answer.body.contains("secret of"), "{path}");
        }
    }
    assert!(met >= 6, "only {met} pages met their deadline");
}

#[tokio::test]
async fn figures_that_come_late_follow_their_page() {
    let mut kit = Kit::new().await;
    kit.fill("proj_a", EVIL).await;
    let mut prompt = Vec::new();
    for list in LISTS.iter().filter(|l| **l != "live") {
        prompt.push((with(list, "tz=Asia/Tokyo"), kit.get(&with(list, "tz=Asia/Tokyo")).await.body));
    }
    kit.serve(Duration::ZERO);
    for (path, whole_at_once) in prompt {
        let parts = kit.parts(&path).await;
        assert!(parts.len() >= 2, "{path} came in one piece");
        let (first, all) = (&parts[0], parts.concat());
        assert!(first.contains(r#"data-testid="late""#) && first.contains("<h1>"), "{path}");
        assert!(
            !first.contains(r#"data-testid="lede""#) && !first.contains("secret of"),
            "{path}: no figure in front"
        );
        let page = Page::read(&all);
        page.assert_inert(&path);
        let at_once = Page::read(&whole_at_once);
        // The same page but for the skeleton, which the style sheet hides once something follows it.
        for id in ["lede", "empty", "session-row", "issue-row", "call-row"] {
            assert_eq!(page.testid(id), at_once.testid(id), "{path} {id}");
        }
        if at_once.testid("lede") > 0 {
            assert_eq!(page.text_of("lede"), at_once.text_of("lede"), "{path}");
        }
        assert_eq!(page.links().len(), at_once.links().len() + 2, "{path}");
        assert_eq!((page.count("h1"), page.count("main")), (1, 1), "{path}");
    }
    let css = include_str!("../../../assets/trackway.css");
    assert!(css.contains(".skeleton:not(:last-child) { display: none; }"));
    // What goes wrong after the frame is out is said in the page.
    let all = kit.parts("/p/proj_a/sessions?after=nonsense").await.concat();
    let page = Page::read(&all);
    assert_eq!((page.testid("late"), page.testid("error")), (1, 1), "{all}");
}

#[tokio::test]
async fn many_issues_are_decided_at_once() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    let ids = |body: &str| -> Vec<String> {
        let rest = body.split("name=\"issue\" value=\"").skip(1);
        rest.map(|part| part.split('"').next().unwrap().to_owned()).collect()
    };
    let open = ids(&kit.get("/p/proj_a/issues").await.body);
    assert!(open.len() >= 3, "{open:?}");
    let form = format!("act=resolve&issue={}&issue={}&back=%3Ff%3Dstatus:set", open[0], open[1]);
    let done = kit.post("/p/proj_a/bulk/issues", &form).await;
    assert_eq!(
        (done.status, done.header("location")),
        (StatusCode::SEE_OTHER, "/p/proj_a/issues?f=status:set".into())
    );
    let left = ids(&kit.get("/p/proj_a/issues").await.body);
    assert_eq!(left.len(), open.len() - 2);
    let resolved = ids(&kit.get("/p/proj_a/issues?tab=resolved").await.body);
    assert!(
        resolved.len() == 2 && resolved.contains(&open[0]) && resolved.contains(&open[1]),
        "{resolved:?}"
    );
    let again = kit.post("/p/proj_a/bulk/issues", &format!("act=reopen&issue={}", open[0])).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(ids(&kit.get("/p/proj_a/issues").await.body).len(), open.len() - 1);
    for (form, why) in [
        ("act=resolve", "choose 1 to 100"),
        ("act=resolve&issue=x", "by its number"),
        ("act=drop&issue=1", "at once can be"),
        ("act=merge&issue=1", "two issues or more"),
        ("act=assign&issue=1&to=nobody-here", "no member"),
    ] {
        let refused = kit.post("/p/proj_a/bulk/issues", form).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{form}");
        assert!(refused.body.contains(why), "{form}: {}", refused.body);
    }
    let reader = kit.read_token("proj_a").await;
    let page = kit.get_as("/p/proj_a/issues", &reader).await;
    assert!(
        ids(&page.body).is_empty() && !page.body.contains("data-testid=\"bulk\""),
        "readers select nothing"
    );
    assert_eq!(kit.post_as("/p/proj_a/bulk/issues", &form, &reader).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_way_to_connect_names_the_project_and_the_address() {
    let kit = Kit::new().await;
    kit.project("proj_a").await;
    let first = Page::read(&kit.get("/p/proj_a/setup").await.body);
    let ways: Vec<String> = first.links().into_iter().filter(|l| l.starts_with("/p/proj_a/setup")).collect();
    assert!(ways.len() >= 6, "{ways:?}");
    for way in ways {
        let answer = kit.get(&way).await;
        Page::read(&answer.body).assert_inert(&way);
        assert!(answer.body.contains("proj_a") && answer.body.contains("127.0.0.1:7431"), "{way}");
    }
    let sdks = Page::read(&kit.get("/p/proj_a/setup?tab=posthog").await.body);
    assert_eq!(sdks.testid("sdk-row"), 4);
}
