//! Lists as files: the rows of the page, of the other form and of the API are the same; nothing in a file runs.

use http::StatusCode;
use serde_json::Value;

use super::EVIL;
use super::html::Page;
use super::kit::Kit;

/// The links of a page's list: CSV, JSON, API.
async fn links(kit: &Kit, path: &str) -> [String; 3] {
    let page = Page::read(&kit.get(path).await.body);
    let find = |part: &str| {
        page.links().into_iter().find(|l| l.contains(part)).unwrap_or_else(|| panic!("{path}: {part}"))
    };
    [find(".csv"), find(".json"), find("/api/v1/")]
}

/// The ids in the first column of a file.
fn firsts(csv: &str) -> Vec<&str> {
    csv.lines().skip(1).filter_map(|line| line.split(',').next()).collect()
}

#[tokio::test]
async fn a_file_has_the_rows_of_the_page_s_question() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    kit.fill("proj_b", "other").await;
    for (path, pages) in [
        ("/p/proj_a/sessions?from=now-30d", 1),
        ("/p/proj_a/sessions?from=now-30d&tab=failed&sort=calls", 1),
        ("/p/proj_a/live?from=now-30d", 2),
        ("/p/proj_a/live?from=now-30d&f=status:eq:tool_error", 1),
        ("/p/proj_a/tools?from=now-30d", 1),
        ("/p/proj_a/issues?from=now-30d", 1),
        ("/p/proj_a/issues?from=now-30d&tab=all", 1),
        ("/p/proj_a/people?from=now-30d", 1),
        ("/p/proj_a/clients?from=now-30d", 1),
        ("/p/proj_a/goals?from=now-30d&tab=missing", 1),
    ] {
        let [csv, json, api] = links(&kit, path).await;
        let csv = kit.get(&csv).await;
        let json = kit.get(&json).await;
        assert_eq!((csv.status, json.status), (StatusCode::OK, StatusCode::OK), "{path}");
        assert!(
            csv.header("content-type").starts_with("text/csv")
                && csv.header("content-disposition").starts_with("attachment; filename=\"proj_a-")
        );
        let items: Value = serde_json::from_str(&json.body).unwrap();
        let items = items["items"].as_array().unwrap();
        let mut from_api = Vec::new();
        let mut next = Some(format!("{api}{}n=100", if api.contains('?') { '&' } else { '?' }));
        let mut asked = 0;
        while let Some(url) = next.take() {
            let page: Value = serde_json::from_str(&kit.get(&url).await.body).unwrap();
            from_api.extend(page["items"].as_array().unwrap().iter().cloned());
            asked += 1;
            next = page["next"].as_str().map(|after| {
                format!("{api}{}n=100&after={after}", if api.contains('?') { '&' } else { '?' })
            });
        }
        assert_eq!(items, &from_api, "{path}");
        assert_eq!(asked, pages, "{path}");
        assert_eq!(firsts(&csv.body).len(), items.len(), "{path}");
        assert!(!items.is_empty(), "{path} has nothing to compare");
        if items[0]["id"].is_string() {
            let ids: Vec<&str> = items.iter().filter_map(|i| i["id"].as_str()).collect();
            assert_eq!(firsts(&csv.body), ids, "{path}");
        }
        assert!(!csv.body.contains("secret of other") && !json.body.contains("secret of other"), "{path}");
    }
}

#[tokio::test]
async fn a_tab_s_file_is_the_tab_s_list() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    for (path, file) in [
        ("people?tab=accounts", "/export/accounts.csv"),
        ("people", "/export/people.csv"),
        ("tools?tab=prompts", "/export/prompts.csv"),
        ("goals?tab=feedback", "/export/feedback.csv"),
        ("issues?tab=resolved", "/export/issues.csv?tab=resolved"),
    ] {
        let [csv, ..] = links(&kit, &format!("/p/proj_a/{path}")).await;
        assert_eq!(csv, format!("/p/proj_a{file}"), "{path}");
    }
    let none = kit.get("/p/proj_a/export/accounts.csv").await;
    assert!(none.body.starts_with("type,key,name") && none.body.lines().count() == 1);
}

#[tokio::test]
async fn hostile_text_neither_runs_nor_hides_in_a_file() {
    let kit = Kit::new().await;
    for (i, words) in [
        EVIL,
        "=HYPERLINK(\"http://evil.test\",\"click\")",
        "+1",
        "-1+1",
        "@SUM(1)",
        "\t=1",
        "\r\n=1",
        " =1",
        "\u{200b}=1",
    ]
    .into_iter()
    .enumerate()
    {
        let mut event = super::call(
            kit.now.plus_micros(-1_000_000),
            &format!("ses_{i}"),
            words,
            trackway_event::Status::ToolError,
        );
        let (id, _) = trackway_event::ActorId::parse(&format!("{words}{i}")).unwrap();
        event.actor = Some(Box::new(trackway_event::Actor {
            id,
            name: Some(words.into()),
            traits: serde_json::Map::new(),
        }));
        kit.send("proj_a", vec![event]).await;
    }
    for name in [
        "sessions",
        "events",
        "tools",
        "issues",
        "people",
        "accounts",
        "clients",
        "intents",
        "wishes",
        "feedback",
        "resources",
        "prompts",
    ] {
        let csv = kit.get(&format!("/p/proj_a/export/{name}.csv")).await;
        assert_eq!(csv.status, StatusCode::OK, "{name}");
        for hidden in ['\u{202e}', '\u{200b}', '\0', '\u{2028}', '\t'] {
            assert!(!csv.body.contains(hidden), "{name} holds {:04x}", u32::from(hidden));
        }
        for start in ["=", "+", "-", "@", " ="] {
            for before in [",", ",\"", "\n", "\n\""] {
                assert!(
                    !csv.body.contains(&format!("{before}{start}")),
                    "{name}: a cell begins with {start:?}"
                );
            }
        }
        let columns = csv.body.lines().next().unwrap().split(',').count();
        assert!(csv.body.lines().all(|line| cells(line) == columns), "{name}");
        let json = kit.get(&format!("/p/proj_a/export/{name}.json")).await;
        assert!(serde_json::from_str::<Value>(&json.body).is_ok(), "{name}");
    }
}

/// Cells of a line, quotes read.
fn cells(line: &str) -> usize {
    let mut quoted = false;
    1 + line
        .chars()
        .filter(|c| {
            quoted ^= *c == '"';
            *c == ',' && !quoted
        })
        .count()
}

#[tokio::test]
async fn what_cannot_be_asked_is_no_file() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    kit.project("proj_b").await;
    let token = kit.read_token("proj_b").await;
    for (path, status) in [
        ("/p/proj_a/export/sessions.csv?f=toool:eq:x", StatusCode::BAD_REQUEST),
        ("/p/proj_a/export/sessions.csv?tz=Mars/Base", StatusCode::BAD_REQUEST),
        ("/p/proj_a/export/sessions.csv?sort=beauty", StatusCode::BAD_REQUEST),
        ("/p/proj_a/export/nothing.csv", StatusCode::NOT_FOUND),
        ("/p/proj_a/export/sessions.exe", StatusCode::NOT_FOUND),
        ("/p/proj_nowhere/export/sessions.csv", StatusCode::NOT_FOUND),
    ] {
        let answer = kit.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.header("content-disposition").is_empty(), "{path}");
    }
    assert_eq!(kit.get_as("/p/proj_a/export/sessions.csv", &token).await.status, StatusCode::NOT_FOUND);
    let nobody = kit.get_as("/p/proj_a/export/sessions.csv", "").await;
    assert!(nobody.status.is_redirection() && nobody.header("location").starts_with("/login"));
}

#[tokio::test]
async fn times_follow_the_zone_of_the_address_then_of_the_reader() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    let path = "/p/proj_a/live";
    let utc = kit.get(path).await.body;
    assert!(utc.contains("14:02:09.114 UTC") || utc.contains("13:02:09.114 UTC"), "times in UTC");
    let tokyo = kit.get(&format!("{path}?tz=Asia/Tokyo")).await.body;
    assert!(tokyo.contains("22:02:09.114 JST") && !tokyo.contains("09.114 UTC"));
    // links go on in that zone
    assert!(
        Page::read(&tokyo).links().iter().any(|l| l.contains("/sessions") && l.contains("tz=Asia%2FTokyo"))
    );
    let chosen = kit.post("/zone", "zone=Asia/Kolkata&next=/p/proj_a/live?f=tool:set").await;
    assert_eq!(chosen.header("location"), "/p/proj_a/live?f=tool:set&tz=Asia%2FKolkata");
    assert!(chosen.header("set-cookie").starts_with("trackway_tz=Asia/Kolkata;"));
    let own = kit.get_with(path, "trackway_tz=Asia/Kolkata").await.body;
    assert!(own.contains("18:32:09.114 IST") && own.contains("Times in Asia/Kolkata"));
    let named = kit.get_with(&format!("{path}?tz=UTC"), "trackway_tz=Asia/Kolkata").await.body;
    assert!(!named.contains("IST"), "the address wins");
    let nonsense = kit.get_with(path, "trackway_tz=<script>").await;
    assert!(nonsense.status.is_success() && !nonsense.body.contains("<script>alert"));
    let wrong = kit.post("/zone", "zone=Mars/Base&next=/p/proj_a/sessions").await;
    assert!(wrong.header("set-cookie").is_empty());
    let told = kit.get(&wrong.header("location")).await;
    assert_eq!((told.status, Page::read(&told.body).testid("bad-filter")), (StatusCode::BAD_REQUEST, 1));
}
