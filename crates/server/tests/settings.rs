//! Settings of the dashboard: privacy and limits, members and the log, each by its role (F-145, F-152, F-156).
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use http::StatusCode;
use kit::Kit;
use trackway_store::{AuditAsk, MemberKey, Role, Store};

#[tokio::test]
async fn what_is_kept_is_changed_tried_and_told() {
    let kit = Kit::new();
    let owner = kit.signed_in(MemberKey::OWNER, "o");
    let page = kit.get("/p/proj_t/settings?tab=keep", &[("cookie", &owner)]).await;
    for told in
        ["retention.payloads", "limit.events_per_day", "What Trackway records", "tool call", "Authorization"]
    {
        assert!(page.text.contains(told), "{told}");
    }
    let changed = kit.submit(&owner, "/p/proj_t/settings/keep", "key=redact.patterns&value=email").await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER);
    assert_eq!(kit.store.settings(kit.p).unwrap()["redact.patterns"], "email");
    let tried = kit.submit(&owner, "/p/proj_t/settings/keep/try", "text=to+ann%40example.org+%3Cb%3E").await;
    assert!(
        tried.text.contains("to [redacted] &lt;b&gt;") && tried.text.contains("<b>1</b> masked"),
        "{}",
        tried.text
    );
    let wrong = kit.submit(&owner, "/p/proj_t/settings/keep", "key=capture&value=most").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text.contains("full, shape (types and sizes), off"), "{}", wrong.text);
    let back = kit.submit(&owner, "/p/proj_t/settings/keep", "key=redact.patterns&value=").await;
    assert_eq!((back.status, kit.store.settings(kit.p).unwrap().len()), (StatusCode::SEE_OTHER, 0));
    let acts = kit.store.audit(&AuditAsk { limit: 10, ..AuditAsk::default() }).unwrap();
    assert_eq!(acts.iter().map(|a| a.act.as_str()).collect::<Vec<_>>(), ["setting_change"; 2]);

    let viewer = kit.store.add_member("eve", Role::Viewer, kit.now()).unwrap();
    let viewer = kit.signed_in(viewer.key, "v");
    let page = kit.get("/p/proj_t/settings?tab=keep", &[("cookie", &viewer)]).await;
    assert!(page.text.contains("Admins change these"), "a viewer sees what is kept");
    let refused = kit.submit(&viewer, "/p/proj_t/settings/keep", "key=capture&value=off").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_section_is_saved_as_one_and_a_fault_is_told_at_its_field() {
    let kit = Kit::new();
    let owner = kit.signed_in(MemberKey::OWNER, "o");
    let send = async |form: &str| kit.submit(&owner, "/p/proj_t/settings/keep", form).await;
    let form =
        "capture=shape&redact.keys=iban&redact.patterns=email&redact.patterns=card&redact.patterns=ab%2B";
    let saved = send(form).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    assert_eq!(saved.headers["location"], "/p/proj_t/settings?tab=keep&show=redaction#redaction");
    let set = kit.store.settings(kit.p).unwrap();
    assert_eq!((set["capture"].as_str(), set["redact.patterns"].as_str()), ("shape", "email card ab+"));
    let page = kit.get("/p/proj_t/settings?tab=keep&show=redaction", &[("cookie", &owner)]).await;
    assert!(page.text.contains("data-testid=\"saved\""), "the section says that it is saved");
    assert!(page.text.contains("value=\"card\" checked"), "a named pattern is a box");
    let wrong = send("retention.payloads=ten&retention.events=0&retention.rollups=0").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    for told in ["href=\"#retention.payloads\"", "autofocus", "aria-invalid=\"true\"", "value=\"ten\""] {
        assert!(wrong.text.contains(told), "{told}");
    }
    assert!(!kit.store.settings(kit.p).unwrap().contains_key("retention.payloads"));
    // Nothing is stored yet, so nothing would go: saved at once.
    let saved = send("retention.payloads=7&retention.events=0&retention.rollups=0").await;
    assert_eq!((saved.status, kit.store.settings(kit.p).unwrap().len()), (StatusCode::SEE_OTHER, 4));
}

#[tokio::test]
async fn what_a_retention_removes_is_said_before_it_is_saved() {
    let kit = Kit::new();
    let owner = kit.signed_in(MemberKey::OWNER, "o");
    let old = kit.now().plus_micros(-40 * 86_400_000_000).to_string();
    let events = serde_json::json!([{ "id": "evt_old", "kind": "tool_call", "name": "tools/call", "started_at": old,
        "tool": "search", "status": "ok", "arguments": { "q": "tent" } }]);
    assert_eq!(kit.native("proj_t", events).await.status, StatusCode::OK);
    let form = "retention.payloads=7&retention.events=30&retention.rollups=0";
    let told = kit.submit(&owner, "/p/proj_t/settings/keep", form).await;
    assert_eq!(told.status, StatusCode::OK);
    assert!(told.text.contains("Saving this removes") && told.text.contains("1 event"), "{}", told.text);
    assert!(told.text.contains("value=\"30\""), "what was typed stays");
    assert!(kit.store.settings(kit.p).unwrap().is_empty(), "nothing is saved yet");
    let sure = kit.submit(&owner, "/p/proj_t/settings/keep", &format!("{form}&sure=yes")).await;
    assert_eq!(sure.status, StatusCode::SEE_OTHER);
    assert_eq!(kit.store.settings(kit.p).unwrap()["retention.events"], "30");
}

#[tokio::test]
async fn members_are_let_in_and_out_by_role() {
    let kit = Kit::new();
    let admin = kit.store.add_member("adam", Role::Admin, kit.now()).unwrap();
    let admin = kit.signed_in(admin.key, "a");
    let made = kit.submit(&admin, "/p/proj_t/settings/members", "name=%3Ceve%3E&role=viewer").await;
    assert_eq!(made.status, StatusCode::OK);
    let token = made.text.split("/login?token=").nth(1).unwrap();
    let token: String = token.chars().take_while(char::is_ascii_hexdigit).collect();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let signed = kit.post_raw("/login", &form, format!("token={token}")).await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "the link signs eve in");
    let page = kit.get("/p/proj_t/settings?tab=members", &[("cookie", &admin)]).await;
    assert!(page.text.contains("&lt;eve&gt;") && !page.text.contains(&token), "shown once");
    assert!(page.text.contains("member add") && page.text.contains("sign in"), "the log");
    let owner = kit.submit(&admin, "/p/proj_t/settings/members", "name=max&role=owner").await;
    assert_eq!(owner.status, StatusCode::FORBIDDEN, "an admin makes no owners");
    let last = kit.submit(&admin, "/p/proj_t/settings/members/remove", "name=owner").await;
    assert_eq!(last.status, StatusCode::BAD_REQUEST, "nor removes them");
    let gone = kit.submit(&admin, "/p/proj_t/settings/members/remove", "name=%3Ceve%3E").await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    assert!(kit.store.members().unwrap().iter().all(|m| m.name != "<eve>"));
    let member = kit.store.add_member("mia", Role::Member, kit.now()).unwrap();
    let member = kit.signed_in(member.key, "m");
    let page = kit.get("/p/proj_t/settings?tab=members", &[("cookie", &member)]).await;
    assert!(!page.text.contains("adam"), "members and log are for admins");
}

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let kit = Kit::new();
    for n in 0..120 {
        let act = trackway_store::NewAudit::new("cli", trackway_store::Act::TokenCreate, format!("tok_{n}"));
        kit.store.note(if n % 2 == 0 { act.of("proj_t") } else { act }, kit.now()).unwrap();
    }
    let admin = format!("Bearer {}", kit.token(trackway_store::TokenScope::Admin, None));
    let page = |query: &str| {
        let path = format!("/api/v1/audit{query}");
        let (kit, admin) = (&kit, admin.as_str());
        async move { kit.get(&path, &[("authorization", admin)]).await }
    };
    let first = page("").await.json();
    assert_eq!(
        (first["items"].as_array().unwrap().len(), first["items"][0]["target"].as_str()),
        (100, Some("tok_119"))
    );
    let rest = page(&format!("?after={}", first["next"].as_str().unwrap())).await.json();
    assert_eq!((rest["items"].as_array().unwrap().len(), rest["next"].is_null()), (20, true));
    let own = page("?project=proj_t").await.json();
    assert_eq!(
        (own["items"].as_array().unwrap().len(), own["items"][0]["act"].as_str()),
        (60, Some("token_create"))
    );
    assert_eq!(page("?after=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_project_has_a_zone_for_readers_who_chose_none() {
    let kit = Kit::new();
    let owner = kit.signed_in(MemberKey::OWNER, "o");
    let wrong = kit.submit(&owner, "/p/proj_t/settings/keep", "key=timezone&value=Mars/Base").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text.contains("IANA"), "{}", wrong.text);
    let set = kit.submit(&owner, "/p/proj_t/settings/keep", "key=timezone&value=Asia/Tokyo").await;
    assert_eq!(set.headers["location"], "/p/proj_t/settings?tab=project");
    let of = async |query: &str, cookie: &str| {
        let cookie = format!("{owner}{cookie}");
        kit.get(&format!("/p/proj_t/overview{query}"), &[("cookie", &cookie)]).await.text
    };
    assert!(of("", "").await.contains("Times in Asia/Tokyo"), "the project's");
    assert!(
        of("", "; trackway_tz=Europe/Berlin").await.contains("Times in Europe/Berlin"),
        "the reader's own"
    );
    assert!(of("?tz=UTC", "; trackway_tz=Europe/Berlin").await.contains("Times in UTC"), "the address's");
    // Days of the API begin where those of the pages do.
    let token = format!("Bearer {}", kit.token(trackway_store::TokenScope::Read, Some(kit.p)));
    let ask = async |query: &str| {
        let path = format!("/api/v1/projects/proj_t/overview?from=now-30d/d&to=now/d{query}");
        kit.get(&path, &[("authorization", &token)]).await.json()
    };
    assert_eq!(ask("").await, ask("&tz=Asia/Tokyo").await);
    assert_ne!(ask("").await, ask("&tz=UTC").await);
}
