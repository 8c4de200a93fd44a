//! What lists keep in their address: tabs, columns, the reader's own period; and what a reader's browser keeps: rows.

use http::StatusCode;

use super::EVIL;
use super::html::Page;
use super::kit::Kit;

#[tokio::test]
async fn tabs_of_sessions_hold_what_they_say_and_tell_how_many() {
    let kit = Kit::new().await;
    kit.fill("proj_a", EVIL).await;
    let mut seen = Vec::new();
    let tabs = [("all", "All"), ("worth", "Worth a look"), ("failed", "Failed"), ("stuck", "Stuck")];
    for (tab, name) in tabs.into_iter().chain([("asked", "Asked for more")]) {
        let path = format!("/p/proj_a/sessions?tab={tab}&n=100");
        let page = Page::read(&kit.get(&path).await.body);
        page.assert_inert(&path);
        let api = kit.get(&format!("/api/v1/projects/proj_a/sessions?tab={tab}&n=100")).await;
        let api: serde_json::Value = serde_json::from_str(&api.body).unwrap();
        let rows = api["items"].as_array().unwrap().len();
        assert_eq!(page.testid("session-row"), rows, "{tab}: page and API");
        let csv = kit.get(&format!("/p/proj_a/export/sessions.csv?tab={tab}")).await.body;
        assert_eq!(csv.lines().count(), rows + 1, "{tab}: page and file");
        // The tab that is open is whole, so it tells its number.
        let told = page.text_of(&format!("tab-{tab}"));
        assert!(told.starts_with(&format!("{name} {rows}")), "{tab} tells {told:?} of {rows}");
        seen.push(rows);
    }
    assert!(seen[0] > seen[2] && seen[1] > 0 && seen[4] == 1, "{seen:?}");
    let other = kit.get("/api/v1/projects/proj_a/sessions?tab=best").await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn columns_are_chosen_in_the_address() {
    let kit = Kit::new().await;
    kit.fill("proj_a", EVIL).await;
    let cells = |body: &str, label: &str| body.matches(&format!("data-label=\"{label}\"")).count();
    let usual = kit.get("/p/proj_a/sessions").await.body;
    assert!(cells(&usual, "Track") > 5 && cells(&usual, "Server") == 0);
    for query in ["cols=server,calls", "cols=server&cols=calls", "cols=calls,server,%3Cscript%3E"] {
        let path = format!("/p/proj_a/sessions?{query}");
        let body = kit.get(&path).await.body;
        let page = Page::read(&body);
        page.assert_inert(&path);
        let rows = page.testid("session-row");
        assert_eq!(
            (cells(&body, "Server"), cells(&body, "Calls"), cells(&body, "Track")),
            (rows, rows, 0),
            "{query}"
        );
        assert!(
            page.links().iter().any(|l| l.contains("cols=") && l.contains("sort=")),
            "{query}: a sort keeps them"
        );
    }
    // Names that no list has are as if there were none.
    let none = kit.get("/p/proj_a/sessions?cols=nothing").await.body;
    assert_eq!(cells(&none, "Track"), cells(&usual, "Track"));
}

#[tokio::test]
async fn sessions_stand_under_headings() {
    let kit = Kit::new().await;
    kit.fill("proj_a", EVIL).await;
    let plain = Page::read(&kit.get("/p/proj_a/sessions?n=100").await.body);
    assert_eq!((plain.testid("group"), plain.testid("group-head")), (1, 0));
    let rows = plain.testid("session-row");
    for by in ["day", "client", "person", "ending"] {
        let path = format!("/p/proj_a/sessions?group={by}&n=100");
        let body = kit.get(&path).await.body;
        let page = Page::read(&body);
        page.assert_inert(&path);
        assert_eq!(page.testid("session-row"), rows, "{by}: each row once");
        let heads = page.testid("group-head");
        assert!(heads > 0 && heads < rows, "{by}: {heads} headings");
        let csv = kit.get(&format!("/p/proj_a/export/sessions.csv?group={by}")).await.body;
        assert_eq!(csv.lines().count(), rows + 1, "{by}: files have no headings");
        assert!(
            page.links().iter().any(|l| l.contains("sort=") && l.contains(&format!("group={by}"))),
            "{by}"
        );
    }
    // A heading counts its own, and leads to them.
    let mut told = 0;
    let body = kit.get("/p/proj_a/sessions?group=day&n=100").await.body;
    for head in body.split(r#"class="group-head""#).skip(1) {
        let text = head.split("</tr>").next().unwrap();
        let link = text.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
        let n: usize =
            text.split("class=\"dim\">").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let all = kit.get(&link).await.body;
        assert_eq!(Page::read(&all).testid("session-row"), n, "{link}");
        told += n;
    }
    assert_eq!(told, rows);
    assert_eq!(Page::read(&kit.get("/p/proj_a/sessions?group=moon").await.body).testid("group-head"), 0);
}

#[tokio::test]
async fn a_reader_may_choose_a_period_and_pin_it() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    let body = kit.get("/p/proj_a/sessions?from=now-36h&tab=failed").await.body;
    let page = Page::read(&body);
    assert!(page.text_of("period").starts_with("now-36h to now"), "{}", page.text_of("period"));
    assert!(body.contains(r#"<input type="hidden" name="tab" value="failed">"#), "the form keeps the tab");
    let pinned = page.links().into_iter().find(|l| l.contains("from=2026-11-20T02:02:09.114Z")).unwrap();
    assert!(pinned.contains("to=2026-11-21T14:02:09.114Z") && pinned.contains("tab=failed"), "{pinned}");
    let fixed = Page::read(&kit.get(&pinned).await.body);
    assert_eq!(fixed.testid("session-row"), page.testid("session-row"));
    assert!(
        fixed.text_of("period").starts_with("20 Nov 02:02 to 21 Nov 14:02"),
        "{}",
        fixed.text_of("period")
    );
}

#[tokio::test]
async fn lists_show_the_columns_that_were_chosen() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    for (path, kept, gone) in [
        ("people", "Calls ever", "Top tool"),
        ("clients", "Calls", "Bad arguments"),
        ("tools", "Calls", "First try"),
        ("issues", "Last seen", "Recovers"),
    ] {
        let cell = |name: &str| format!(r#"data-label="{name}""#);
        let all = kit.get(&format!("/p/proj_a/{path}")).await.body;
        assert!(all.contains(&cell(kept)) && all.contains(&cell(gone)), "{path}");
        assert_eq!(Page::read(&all).testid("columns"), 1);
        let some = kit.get(&format!("/p/proj_a/{path}?cols=calls,last")).await.body;
        assert!(some.contains(&cell(kept)) && !some.contains(&cell(gone)), "{path}");
        let page = Page::read(&some);
        assert!(page.links().iter().any(|l| l == &format!("/p/proj_a/{path}")), "the usual ones again");
        page.assert_inert(path);
    }
}

#[tokio::test]
async fn environments_are_chosen_where_the_project_names_them() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    let page = Page::read(&kit.get("/p/proj_a/sessions").await.body);
    assert_eq!(page.testid("environment"), 0, "none are named");
    let set = kit.post("/p/proj_a/settings/keep", "key=environments&value=prod, <b>%26stage").await;
    assert!(set.status.is_redirection(), "{}", set.body);
    let page = Page::read(&kit.get("/p/proj_a/sessions?tab=failed&env=prod").await.body);
    let links = page.links();
    assert!(page.text_of("environment").starts_with("Environment: prod"), "{}", page.text_of("environment"));
    assert!(links.iter().any(|l| l == "/p/proj_a/sessions?env=%3Cb%3E%26stage&tab=failed"), "{links:?}");
    assert!(links.iter().any(|l| l == "/p/proj_a/sessions?tab=failed"), "all of them: {links:?}");
    assert_eq!(page.testid("session-row"), 0, "nothing here is tagged so");
    let long = format!("key=environments&value={}", "x".repeat(61));
    assert_eq!(kit.post("/p/proj_a/settings/keep", &long).await.status.as_u16(), 400);
}

#[tokio::test]
async fn rows_take_the_room_the_reader_chose() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    assert!(kit.get("/p/proj_a/tools").await.body.contains(r#"data-density="compact""#));
    let chosen = kit.post("/density", "density=comfortable&next=/p/proj_a/tools?q=a").await;
    assert_eq!(
        (chosen.status, chosen.header("location").as_str()),
        (StatusCode::SEE_OTHER, "/p/proj_a/tools?q=a")
    );
    let cookie = chosen.header("set-cookie");
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(cookie, "trackway_density=comfortable");
    assert!(kit.get_with("/p/proj_a/tools", cookie).await.body.contains(r#"data-density="comfortable""#));
    let wrong = kit.post("/density", "density=%22huge&next=//evil.test").await;
    assert_eq!((wrong.header("set-cookie").as_str(), wrong.header("location").as_str()), ("", "/"));
}

#[tokio::test]
async fn the_navigation_counts_the_issues_that_need_somebody() {
    let kit = Kit::new().await;
    kit.fill("proj_a", EVIL).await;
    let rows = Page::read(&kit.get("/p/proj_a/issues").await.body).testid("issue-row");
    let counter = kit.fragment("/p/proj_a/needs").await;
    assert!(counter.header("cache-control").contains("max-age=60"));
    let told = Page::read(&format!("<main>{}</main>", counter.body)).text_of("needs-issues");
    assert!(rows > 0 && told.starts_with(&format!("{rows} new")), "{told:?} of {rows} rows");
    // Nothing needs anybody: nothing is counted.
    kit.project("proj_b").await;
    assert_eq!(kit.fragment("/p/proj_b/needs").await.body, "");
}

#[tokio::test]
async fn a_filter_is_switched_off_without_being_lost() {
    let kit = Kit::new().await;
    kit.fill("proj_a", EVIL).await;
    let on = Page::read(&kit.get("/p/proj_a/sessions?f=client:eq:nobody").await.body);
    assert_eq!((on.testid("chip"), on.testid("session-row")), (1, 0));
    let off = on.links().into_iter().find(|l| l.contains("off=client:eq:nobody")).unwrap();
    let page = Page::read(&kit.get(&off).await.body);
    page.assert_inert(&off);
    assert!(page.testid("chip") == 0 && page.testid("chip-off") == 1 && page.testid("session-row") > 5);
    assert!(
        page.links().iter().any(|l| l.contains("f=client:eq:nobody") && !l.contains("off=")),
        "it can be switched on"
    );
    assert!(page.links().iter().any(|l| l.starts_with("/p/proj_a/tools?off=")), "it goes along");
}
