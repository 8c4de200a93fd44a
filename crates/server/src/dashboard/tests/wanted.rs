//! "Needs you": at most five things, each of which a member can put aside with a reason, and take back.

use http::StatusCode;

use super::html::Page;
use super::kit::Kit;

#[tokio::test]
async fn the_checklist_stays_until_it_is_done_or_put_aside() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "plain words").await;
    let shown = async || Page::read(&kit.get("/p/proj_a/overview").await.body).testid("checklist");
    assert_eq!(shown().await, 1);
    let reader = kit.read_token("proj_a").await;
    let read_only = Page::read(&kit.get_as("/p/proj_a/overview", &reader).await.body);
    assert_eq!((read_only.testid("checklist"), read_only.testid("checklist-aside")), (1, 0));
    kit.post("/p/proj_a/wanted", "key=checklist&why=as+it+should+be").await;
    assert_eq!(shown().await, 0);
    let body = kit.get("/p/proj_a/overview").await.body;
    assert!(body.contains("as it should be"), "it can be taken back");
    let setup = Page::read(&kit.get("/p/proj_a/setup").await.body);
    assert_eq!(setup.testid("checklist"), 1, "set-up shows it always");
    kit.post("/p/proj_a/wanted", "key=checklist").await;
    assert_eq!(shown().await, 1);
}

#[tokio::test]
async fn a_thing_is_put_aside_with_a_reason_and_shown_again() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "plain words").await;
    let before = Page::read(&kit.get("/p/proj_a/overview").await.body);
    assert!((1..=5).contains(&before.testid("need-row")), "{}", before.testid("need-row"));
    let answer = kit.post("/p/proj_a/wanted", "key=wishes&why=planned+for+%3Cmay%3E").await;
    assert_eq!(
        (answer.status, answer.header("location").as_str()),
        (StatusCode::SEE_OTHER, "/p/proj_a/overview#needs")
    );
    let body = kit.get("/p/proj_a/overview").await.body;
    let page = Page::read(&body);
    page.assert_inert("overview");
    assert_eq!(page.testid("aside-row"), 1);
    assert!(body.contains("planned for &lt;may&gt;") && !body.contains("Asked for a tool that is not there"));
    let back = kit.post("/p/proj_a/wanted", "key=wishes").await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    let page = Page::read(&kit.get("/p/proj_a/overview").await.body);
    assert_eq!(page.testid("aside-row"), 0);
    for bad in ["key=", "key=../x&why=y", "key=Capture&why=y"] {
        assert_eq!(kit.post("/p/proj_a/wanted", bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}
