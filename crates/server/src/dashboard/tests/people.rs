//! People with several ids, and accounts: what the pages say, that hostile names stay text, and the undo.

use http::StatusCode;
use trackway_event::identity::{GroupFacts, Identity};
use trackway_event::{Actor, ActorId, Event, Kind, Status, Timestamp};

use super::EVIL;
use super::html::Page;
use super::kit::{Kit, call};

fn by(at: Timestamp, session: &str, id: &str) -> Event {
    let mut event = call(at, session, "words", Status::Ok);
    let (id, _) = ActorId::parse(id).unwrap();
    event.actor = Some(Box::new(Actor { id, name: None, traits: Default::default() }));
    event
}

/// A person with a second id and a hostile trait, in two accounts, one of them hostile.
async fn fill(kit: &Kit) {
    let at = |s: i64| kit.now.plus_micros((s - 600) * 1_000_000);
    let mut early = by(at(0), "ses_a", "anon-1");
    early.groups.insert("organization".into(), "acme".into());
    early.groups.insert(EVIL.replace('\0', "").into(), EVIL.replace('\0', "").into());
    let mut identify = by(at(5), "ses_a", "ana");
    identify.kind = Kind::Identify;
    let mut said = Identity { anon_distinct_id: Some("anon-1".into()), ..Identity::default() };
    said.set.insert("plan".into(), "gold".into());
    said.set.insert(EVIL.into(), EVIL.into());
    identify.identity = Some(Box::new(said));
    let mut group = call(at(6), "ses_a", "words", Status::Ok);
    group.kind = Kind::GroupIdentify;
    let mut set = serde_json::Map::new();
    set.insert("name".into(), EVIL.into());
    let facts = GroupFacts { kind: "organization".into(), key: "acme".into(), set };
    group.identity = Some(Box::new(Identity { group: Some(facts), ..Identity::default() }));
    kit.send("proj_a", vec![early, identify, group]).await;
}

#[tokio::test]
async fn a_person_shows_ids_and_an_undo_and_accounts_their_people() {
    let kit = Kit::new().await;
    fill(&kit).await;
    for path in ["people", "people?tab=accounts", "people/ana", "accounts/organization/acme"] {
        let answer = kit.get(&format!("/p/proj_a/{path}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let page = Page::read(&answer.body);
        page.assert_inert(path);
        for raw in ['\u{202e}', '\u{200b}', '\0', '\u{2028}'] {
            assert!(!answer.body.contains(raw), "{path} holds {:04x}", u32::from(raw));
        }
        for link in page.links().into_iter().filter(|l| l.starts_with("/p/")) {
            let status = kit.get(&link).await.status;
            assert!(status.is_success() || status.is_redirection(), "{path}: {link} answers {status}");
        }
    }
    let person = kit.get("/p/proj_a/people/ana").await.body;
    assert_eq!(Page::read(&person).testid("session-row"), 1);
    assert!(!person.contains(r#"data-label="Person""#), "a person's rows do not repeat the person");
    let list = Page::read(&kit.get("/p/proj_a/people").await.body);
    assert_eq!((list.testid("person-row"), list.testid("tab-accounts")), (1, 1));
    let list = Page::read(&kit.get("/p/proj_a/people?tab=accounts").await.body);
    assert_eq!(list.testid("account-row"), 2);
    let account = Page::read(&kit.get("/p/proj_a/accounts/organization/acme").await.body);
    assert_eq!((account.testid("person-row"), account.testid("session-row")), (1, 1));
    assert!(
        account.text_of("lede").contains("1 call in 1 session by 1 person"),
        "{}",
        account.text_of("lede")
    );

    let person = Page::read(&kit.get("/p/proj_a/people/anon-1").await.body);
    assert!(person.text_of("lede").contains("ana made 1 call in 1 session"), "{}", person.text_of("lede"));
    assert_eq!((person.testid("id-row"), person.testid("merge-row")), (2, 1));
    assert_eq!((person.testid("trait-source"), person.testid("call-row")), (2, 3));

    let form = "merge=1&act=withdraw&person=ana";
    let reader = kit.read_token("proj_a").await;
    assert_eq!(kit.post_as("/p/proj_a/merge", form, &reader).await.status, StatusCode::FORBIDDEN);
    let undone = kit.post("/p/proj_a/merge", form).await;
    assert_eq!(
        (undone.status, undone.header("location").as_str()),
        (StatusCode::SEE_OTHER, "/p/proj_a/people/ana")
    );
    let person = kit.get("/p/proj_a/people/ana").await.body;
    let page = Page::read(&person);
    assert_eq!((page.testid("id-row"), page.testid("merge-row")), (1, 1));
    assert!(person.contains("taken back here") && person.contains("Count again"));
    assert_eq!(Page::read(&kit.get("/p/proj_a/people").await.body).testid("person-row"), 2);
    kit.post("/p/proj_a/merge", "merge=1&act=restore&person=ana").await;
    assert_eq!(Page::read(&kit.get("/p/proj_a/people").await.body).testid("person-row"), 1);
    assert_eq!(
        kit.post("/p/proj_a/merge", "merge=9&act=restore&person=x").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(kit.post("/p/proj_a/merge", "merge=1&act=x&person=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn accounts_that_are_not_there_say_so() {
    let kit = Kit::new().await;
    kit.project("proj_a").await;
    let body = kit.get("/p/proj_a/people?tab=accounts").await.body;
    assert!(body.contains("Nothing has arrived yet."));
    let none = kit.get("/p/proj_a/accounts/organization/nobody").await;
    assert_eq!((none.status, Page::read(&none.body).testid("unknown-account")), (StatusCode::NOT_FOUND, 1));
    let bad = kit.get("/p/proj_a/people?tab=accounts&f=toool:eq:x").await;
    assert_eq!((bad.status, Page::read(&bad.body).testid("chip-bad")), (StatusCode::BAD_REQUEST, 1));
}

#[tokio::test]
async fn fragments_of_a_conversation_say_why_and_are_parted() {
    let kit = Kit::new().await;
    let step = |s: i64, session: &str| {
        let mut event = by(kit.now.plus_micros((s - 600) * 1_000_000), session, "ana");
        event.session_source = Some(trackway_event::SessionSource::McpSession);
        event.server = Some(trackway_event::Peer { name: "shop".into(), version: None });
        event
    };
    kit.project("proj_a").await;
    kit.send("proj_a", vec![step(0, "ses_a"), step(30, "ses_a"), step(34, "ses_b"), step(40, "ses_b")]).await;
    let list = Page::read(&kit.get("/p/proj_a/sessions").await.body);
    assert_eq!((list.testid("session-row"), list.testid("fragments")), (1, 1));
    let body = kit.get("/p/proj_a/sessions/ses_b").await.body;
    let page = Page::read(&body);
    assert_eq!((page.testid("merged"), page.testid("joined")), (1, 1));
    let why = page.text_of("joined");
    assert!(why.contains("the same person with the same client, 95% sure"), "{why}");
    // A step of the fragment opens like one of its own.
    let event =
        kit.store.session_events(kit.project("proj_a").await.key, "ses_a", &Default::default()).unwrap();
    let last = event.items.last().unwrap();
    assert_eq!(last.session_id.as_ref().unwrap().as_str(), "ses_b");
    let step = kit.get(&format!("/p/proj_a/sessions/ses_a?sel={}", last.id)).await.body;
    assert!(!step.contains("Choose a step to see"), "its detail is shown");

    let form = "later=ses_b&act=part";
    let reader = kit.read_token("proj_a").await;
    assert_eq!(kit.post_as("/p/proj_a/joined", form, &reader).await.status, StatusCode::FORBIDDEN);
    let parted = kit.post("/p/proj_a/joined", form).await;
    assert_eq!(
        (parted.status, parted.header("location").as_str()),
        (StatusCode::SEE_OTHER, "/p/proj_a/sessions/ses_b")
    );
    assert_eq!(Page::read(&kit.get("/p/proj_a/sessions").await.body).testid("session-row"), 2);
    let body = kit.get("/p/proj_a/sessions/ses_b").await.body;
    assert!(body.contains("was parted from") && body.contains("Join them again"));
    kit.post("/p/proj_a/joined", "later=ses_b&act=join").await;
    assert_eq!(Page::read(&kit.get("/p/proj_a/sessions").await.body).testid("session-row"), 1);
    for (form, status) in
        [("later=ses_a&act=part", StatusCode::NOT_FOUND), ("later=ses_b&act=x", StatusCode::BAD_REQUEST)]
    {
        assert_eq!(kit.post("/p/proj_a/joined", form).await.status, status, "{form}");
    }
}

#[tokio::test]
async fn a_person_is_deleted_by_typing_their_id_and_the_receipt_names_nobody() {
    let kit = Kit::new().await;
    fill(&kit).await;
    let page = Page::read(&kit.get("/p/proj_a/people/ana").await.body);
    assert!(page.testid("trait-source") > 0, "each trait says when and by what");
    let wrong = kit.post("/p/proj_a/people/ana/delete", "typed=ann").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body.contains("Nothing was deleted."));
    assert_eq!(kit.get("/p/proj_a/people/ana").await.status, StatusCode::OK);
    let gone = kit.post("/p/proj_a/people/ana/delete", "typed=ana").await;
    assert_eq!(gone.status, StatusCode::OK);
    let page = Page::read(&gone.body);
    page.assert_inert("receipt");
    let said = page.text_of("receipt");
    assert!(page.testid("receipt") == 1 && !said.contains("ana") && !said.contains("anon-1"), "{said}");
    assert_eq!(kit.get("/p/proj_a/people/ana").await.status, StatusCode::NOT_FOUND);
    assert_eq!(kit.post("/p/proj_a/people/ana/delete", "typed=ana").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_list_tells_how_it_goes_for_each_and_warns_of_shared_ids() {
    let kit = Kit::new().await;
    let at = |s: i64| kit.now.plus_micros((s - 86_400) * 1_000_000);
    let mut events = Vec::new();
    for i in 0..30 {
        events.push(by(at(i * 2_000), &format!("ses_{i}"), "everybody"));
    }
    kit.send("proj_a", events).await;
    let answer = kit.get("/p/proj_a/people?from=now-2d").await;
    let page = Page::read(&answer.body);
    assert_eq!(page.testid("person-row"), 1);
    assert!(
        answer.body.contains("First try") && answer.body.contains("100 %"),
        "every call was its own first try"
    );
    let person = Page::read(&kit.get("/p/proj_a/people/everybody").await.body);
    assert!(person.count("rect") > 70, "twelve weeks of days");
}
