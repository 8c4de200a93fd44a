//! The frame: search or jump, the side panel, shifting periods, the list beside a replay, and that every key told is bound.

use http::StatusCode;

use super::EVIL;
use super::html::Page;
use super::kit::{Kit, call};
use trackway_event::Status;

#[tokio::test]
async fn a_selection_stands_beside_its_list_without_script() {
    let kit = Kit::new().await;
    let session = kit.fill("proj_a", EVIL).await;
    kit.fill("proj_b", "other").await;
    let events = kit.get("/api/v1/projects/proj_a/events").await.body;
    let events: serde_json::Value = serde_json::from_str(&events).unwrap();
    let event = events["items"][0]["id"].as_str().unwrap().to_owned();
    let foreign: serde_json::Value =
        serde_json::from_str(&kit.get("/api/v1/projects/proj_b/events").await.body).unwrap();
    let foreign = foreign["items"][0]["id"].as_str().unwrap().to_owned();
    for (path, shown) in [
        (format!("sessions?sel=session:{session}"), "panel"),
        (format!("overview?sel=session:{session}"), "panel"),
        (format!("live?sel=call:{event}"), "panel"),
        ("issues?sel=issue:1".to_owned(), "panel"),
        ("issues?sel=issue:99999".to_owned(), "panel-missing"),
        ("people?sel=person:nobody".to_owned(), "panel-missing"),
        (format!("live?sel=call:{foreign}"), "panel-missing"),
    ] {
        let answer = kit.get(&format!("/p/proj_a/{path}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let page = Page::read(&answer.body);
        page.assert_inert(&path);
        assert_eq!((page.testid("panel"), page.testid(shown)), (1, 1), "{path}");
        // it closes by a link to the same list
        let list = format!("/p/proj_a/{}", path.split('?').next().unwrap());
        assert!(page.links().contains(&list), "{path} has no way to close");
        assert!(!answer.body.contains("secret of other"), "{path}");
    }
    // a replay has its own detail, and nonsense selects nothing
    for path in [
        format!("sessions/{session}?sel={event}"),
        "sessions?sel=nonsense".into(),
        "sessions?sel=session:".into(),
    ] {
        let page = Page::read(&kit.get(&format!("/p/proj_a/{path}")).await.body);
        assert_eq!(page.testid("panel"), 0, "{path}");
    }
}

#[tokio::test]
async fn jump_finds_by_name_and_goes_to_the_one_that_is_meant() {
    let kit = Kit::new().await;
    let session = kit.fill("proj_a", "words").await;
    kit.project("proj_b").await;
    kit.send("proj_a", vec![call(kit.now.plus_micros(-1_000_000), "ses_x", "get_refund", Status::Ok)]).await;
    for (words, expect) in [
        ("", "/p/proj_a/overview"),
        ("sess", "/p/proj_a/sessions"),
        ("refund", "/p/proj_a/tools/get_refund"),
        ("cursor", "/p/proj_a/sessions?f=client:eq:Cursor"),
        ("name", "/p/proj_b/overview"),
        (session.as_str(), &format!("/p/proj_a/sessions/{session}")),
    ] {
        let answer = kit.fragment(&format!("/p/proj_a/jump/list?q={words}")).await;
        let page = Page::read(&answer.body);
        page.assert_inert(words);
        assert!(page.links().iter().any(|l| l == expect), "{words}: {:?}", page.links());
        assert_eq!(page.testid("jump-search"), usize::from(!words.is_empty()), "{words}");
    }
    let to = kit.get("/p/proj_a/jump?q=get_refund").await.header("location");
    assert_eq!(to, "/p/proj_a/tools/get_refund");
    assert_eq!(kit.get("/p/proj_a/jump?q=settings").await.header("location"), "/p/proj_a/settings");
    let hostile = kit.fragment("/p/proj_a/jump/list?q=%3Cscript%3E%E2%80%AE").await;
    Page::read(&hostile.body).assert_inert("hostile words");
}

#[tokio::test]
async fn a_replay_steps_through_the_list_it_was_opened_from() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    let list = Page::read(&kit.get("/p/proj_a/sessions?from=now-30d&tab=failed&sort=calls").await.body);
    let mut sessions: Vec<String> =
        list.links().into_iter().filter(|l| l.starts_with("/p/proj_a/sessions/")).collect();
    sessions.dedup();
    assert!(
        sessions.len() > 3 && sessions[1].contains("tab=failed") && sessions[1].contains("sort=calls"),
        "{sessions:?}"
    );
    let page = Page::read(&kit.get(&sessions[1]).await.body);
    assert_eq!(
        (page.testid("playlist"), page.testid("previous-session"), page.testid("next-session")),
        (1, 1, 1)
    );
    assert!(page.links().contains(&sessions[0]) && page.links().contains(&sessions[2]));
    let first = Page::read(&kit.get(&sessions[0]).await.body);
    assert_eq!((first.testid("previous-session"), first.testid("next-session")), (0, 1));
    // opened by its bare address outside of the period it has no list beside it
    let session = kit.get(sessions[0].split('?').next().unwrap()).await;
    assert!(session.status.is_success());
}

#[tokio::test]
async fn bursts_are_folded_and_open_where_a_step_is_chosen() {
    let kit = Kit::new().await;
    let events = (0..6)
        .map(|i| call(kit.now.plus_micros((i - 60) * 1_000_000), "ses_burst", "list", Status::Ok))
        .collect();
    kit.send("proj_a", events).await;
    let page = kit.get("/p/proj_a/sessions/ses_burst").await;
    let read = Page::read(&page.body);
    assert_eq!((read.testid("burst"), read.testid("step")), (1, 6));
    assert!(page.body.contains("× 6"));
}

#[tokio::test]
async fn a_period_is_shifted_by_its_own_length() {
    let kit = Kit::new().await;
    kit.fill("proj_a", "words").await;
    let path = "/p/proj_a/sessions?from=2026-11-10&to=2026-11-12&f=tool:set";
    let links = Page::read(&kit.get(path).await.body).links();
    for (from, to) in [("2026-11-08", "2026-11-10"), ("2026-11-12", "2026-11-14")] {
        let expect = format!("/p/proj_a/sessions?from={from}T00:00:00.000Z&to={to}T00:00:00.000Z&f=tool:set");
        assert!(links.contains(&expect), "{expect}");
    }
}

/// The table of keys is drawn from one list; this holds the script and the pages to it.
#[tokio::test]
async fn every_key_of_the_sheet_is_bound() {
    let kit = Kit::new().await;
    let session = kit.fill("proj_a", "words").await;
    let script = crate::dashboard::assets::text_of("app.js");
    let mut bound: Vec<String> = Vec::new();
    for path in [
        "/p/proj_a/overview".to_owned(),
        "/p/proj_a/sessions?from=2026-11-10&to=2026-11-12".into(),
        format!("/p/proj_a/sessions/{session}"),
        "/p/proj_a/sessions/ses_plain3".into(),
        "/p/proj_a/issues".into(),
    ] {
        let page = Page::read(&kit.get(&path).await.body);
        bound.extend(
            page.attributes("data-key")
                .into_iter()
                .chain(page.attributes("data-press"))
                .chain(page.attributes("data-go").into_iter().map(|k| format!("g {k}"))),
        );
    }
    for (_, keys) in crate::dashboard::keys::KEYS {
        for (key, what) in *keys {
            let alone: Vec<&str> =
                if key.starts_with("g ") || *key == "Ctrl K" { vec![*key] } else { key.split(' ').collect() };
            for key in alone {
                let in_script = match key {
                    "Ctrl K" => script.contains("event.key.toLowerCase() === \"k\""),
                    "Enter" => true, // a focused row is a link
                    "Esc" => script.contains("event.key === \"Escape\""),
                    "Space" => script.contains("\" \": ()"),
                    "←" => script.contains("ArrowLeft: ()"),
                    "→" => script.contains("ArrowRight: ()"),
                    key => {
                        script.contains(&format!("\n  {key}: ()"))
                            || script.contains(&format!("\n  \"{key}\": ()"))
                    }
                };
                assert!(in_script || bound.iter().any(|b| b == key), "{key} ({what}) does nothing");
            }
        }
    }
}
