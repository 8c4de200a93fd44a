//! A project's own people: left out of pages, API and files alike where the address says so, and nowhere else.

use trackway_event::{Actor, ActorId, Event, Input, Peer, Status, Timestamp};

use super::EVIL;
use super::html::Page;
use super::kit::{Kit, call};

fn by(at: Timestamp, session: &str, id: &str) -> Event {
    let mut event = call(at, session, "words", Status::Ok);
    let (id, _) = ActorId::parse(id).unwrap();
    event.actor = Some(Box::new(Actor { id, name: None, traits: Default::default() }));
    event
}

#[tokio::test]
async fn data_health_names_recorders_and_what_has_no_effect() {
    let kit = Kit::new().await;
    let mut events = Vec::new();
    for (n, version, input) in
        [(1, "1.0", Input::Native), (2, "1.1", Input::Native), (3, EVIL, Input::Posthog)]
    {
        let mut event = by(kit.now.plus_micros(-n * 60_000_000), "ses_a", "ana");
        event.sdk = Some(Peer { name: "sdk".into(), version: Some(version.into()) });
        event.input = input;
        events.push(event);
    }
    kit.send("proj_a", events[..2].to_vec()).await;
    let page = Page::read(&kit.get("/p/proj_a/settings").await.body);
    assert_eq!((page.testid("recorder-row"), page.testid("no-effect")), (2, 0));
    kit.send("proj_a", events).await;
    let page = Page::read(&kit.get("/p/proj_a/settings").await.body);
    page.assert_inert("settings");
    assert_eq!((page.testid("recorder-row"), page.testid("no-effect")), (3, 1));
}

#[tokio::test]
async fn own_people_are_left_out_everywhere_by_one_switch() {
    let kit = Kit::new().await;
    let at = |m: i64| kit.now.plus_micros(-m * 60_000_000);
    let mut events: Vec<Event> = (1..=6).map(|m| by(at(m), "ses_test", "test@acme.test")).collect();
    events.extend((1..=4).map(|m| by(at(m), "ses_ana", "ana")));
    events.push(call(at(9), "ses_nobody", "words", Status::Ok));
    kit.send("proj_a", events).await;

    let plain = Page::read(&kit.get("/p/proj_a/people").await.body);
    assert_eq!((plain.testid("own-people"), plain.testid("person-row")), (0, 2), "nobody said who they are");
    let refused = kit.get("/p/proj_a/people?own=out").await;
    assert_eq!(refused.status.as_u16(), 400);
    assert!(refused.body.contains("own_people"), "names what to set");
    assert_eq!(kit.get("/api/v1/projects/proj_a/people?own=out").await.status.as_u16(), 400);

    for bad in ["-person:~test@", "words", "calls:>5"] {
        let answer = kit.post("/p/proj_a/settings/keep", &format!("key=own_people&value={bad}")).await;
        assert_eq!(answer.status.as_u16(), 400, "{bad}");
    }
    let set = kit.post("/p/proj_a/settings/keep", "key=own_people&value=person:~test@ client:nobody").await;
    assert!(set.status.is_redirection(), "{}", set.body);

    let everyone = Page::read(&kit.get("/p/proj_a/people").await.body);
    assert_eq!(
        (everyone.testid("own-people"), everyone.testid("person-row")),
        (1, 2),
        "off unless asked for"
    );
    let page = Page::read(&kit.get("/p/proj_a/people?own=out").await.body);
    assert_eq!((page.testid("chip-own"), page.testid("person-row")), (1, 1));
    assert!(page.links().iter().any(|l| l == "/p/proj_a/people"), "a way back");
    assert!(page.links().iter().any(|l| l == "/p/proj_a/tools?own=out"), "{:?}", page.links());

    for (query, calls, sessions) in [("", 11, 3), ("?own=out", 5, 2)] {
        let overview = kit.get(&format!("/api/v1/projects/proj_a/overview{query}")).await.body;
        let overview: serde_json::Value = serde_json::from_str(&overview).unwrap();
        assert_eq!(
            (overview["now"]["calls"]["calls"].as_u64(), overview["now"]["sessions"].as_u64()),
            (Some(calls), Some(sessions))
        );
        let lede = Page::read(&kit.get(&format!("/p/proj_a/overview{query}")).await.body).text_of("lede");
        assert!(lede.starts_with(&format!("{calls} calls")), "{lede}");
        let listed = Page::read(&kit.get(&format!("/p/proj_a/sessions{query}")).await.body);
        assert_eq!(listed.testid("session-row") as u64, sessions);
        let csv = listed.links().into_iter().find(|l| l.contains("csv")).unwrap();
        assert_eq!(kit.get(&csv).await.body.lines().count() as u64, sessions + 1, "{csv}");
    }
    assert_eq!(kit.get("/p/proj_a/people?own=in").await.status.as_u16(), 400);

    let rule = format!("person:\"{}\"", EVIL.replace(['\0', '"', '&', '%', '+'], ""));
    kit.post("/p/proj_a/settings/keep", &format!("key=own_people&value={rule}")).await;
    for path in ["/p/proj_a/settings", "/p/proj_a/people?own=out"] {
        Page::read(&kit.get(path).await.body).assert_inert(path);
    }
}
