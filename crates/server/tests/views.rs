//! Saved views: who sees, makes, changes and deletes them, on pages and over the API (dashboard §3, F-156).
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use http::StatusCode;
use kit::Kit;
use trackway_store::{AuditAsk, Role, Store, TokenScope};

fn someone(kit: &Kit, name: &str, role: Role) -> String {
    let member = kit.store.add_member(name, role, kit.now()).unwrap();
    kit.signed_in(member.key, name)
}

#[tokio::test]
async fn a_view_is_kept_shown_and_taken_back() {
    let kit = Kit::new();
    let (mia, max, eve) = (
        someone(&kit, "mia", Role::Member),
        someone(&kit, "max", Role::Member),
        someone(&kit, "eve", Role::Viewer),
    );
    let form = "name=%3Cfailing%3E&page=sessions&query=from%3Dnow-30d%26f%3Dtool:eq:search%26tz%3DEurope/Berlin&sharing=project";
    let kept = kit.submit(&mia, "/p/proj_t/views", form).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.text);
    assert_eq!(
        kept.headers["location"], "/p/proj_t/sessions?from=now-30d&f=tool:eq:search",
        "the zone is the reader's"
    );
    let hers = kit.submit(&mia, "/p/proj_t/views", "name=slow&page=tools&query=sort%3D-p95").await;
    assert_eq!(hers.status, StatusCode::SEE_OTHER);
    let seen = kit.store.views(kit.p, "eve").unwrap();
    assert_eq!(seen.len(), 1, "what is shared, and no more");
    let id = seen[0].key.0;

    let page = kit.get(&format!("/p/proj_t/sessions?view={id}"), &[("cookie", &eve)]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("&lt;failing&gt;") && !page.text.contains("<failing>"), "its name, harmless");
    assert!(page.text.contains("shared by ") && page.text.contains(r#"data-testid="chip""#));
    assert!(!page.text.contains(r#"data-testid="save-view""#), "a viewer uses, and does not save");
    let narrower =
        kit.get(&format!("/p/proj_t/sessions?view={id}&f=tool:eq:other"), &[("cookie", &eve)]).await;
    assert!(
        narrower.text.contains("other") && !narrower.text.contains("value=\"tool:eq:search\""),
        "explicit keys win"
    );
    let gone = kit.get("/p/proj_t/sessions?view=999", &[("cookie", &eve)]).await;
    assert_eq!(gone.status, StatusCode::BAD_REQUEST);
    assert!(gone.text.contains("choose another under Views"), "{}", gone.text);
    let list = kit.get("/p/proj_t/jump/list?q=fail", &[("cookie", &eve)]).await;
    assert!(list.text.contains("&lt;failing&gt;"), "found by search or jump");

    let own = |what: &str| format!("/p/proj_t/views/{id}{what}");
    assert_eq!(
        kit.submit(&max, &own("/delete"), "page=sessions").await.status,
        StatusCode::FORBIDDEN,
        "not his"
    );
    assert_eq!(
        kit.submit(&eve, &own("/delete"), "page=sessions").await.status,
        StatusCode::FORBIDDEN,
        "viewers change nothing"
    );
    let twice = kit.submit(&mia, "/p/proj_t/views", form).await;
    assert_eq!(twice.status, StatusCode::CONFLICT, "{}", twice.text);
    let bad = kit.submit(&mia, "/p/proj_t/views", "name=x&page=sessions&query=f%3Dtol:eq:x").await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert!(bad.text.contains("did you mean"), "{}", bad.text);
    let renamed = kit.submit(&mia, &own(""), "name=worse&page=sessions&query=f%3Dtool:eq:search").await;
    assert_eq!(renamed.status, StatusCode::SEE_OTHER, "{}", renamed.text);
    assert!(kit.store.views(kit.p, "eve").unwrap().is_empty(), "no longer shared");
    assert_eq!(kit.submit(&mia, &own("/delete"), "page=sessions").await.status, StatusCode::SEE_OTHER);
    let acts = kit.store.audit(&AuditAsk { limit: 10, ..AuditAsk::default() }).unwrap();
    let acts: Vec<&str> = acts.iter().map(|a| a.act.as_str()).collect();
    assert_eq!(acts, ["view_change"; 4], "every change is noted, refusals are none");
}

#[tokio::test]
async fn the_api_does_the_same() {
    let kit = Kit::new();
    let admin = format!("Bearer {}", kit.token(TokenScope::Admin, Some(kit.p)));
    let read = format!("Bearer {}", kit.token(TokenScope::Read, Some(kit.p)));
    let send = async |method: &str, path: &str, token: &str, body: &str| {
        let request = http::Request::builder().method(method).uri(path).header("host", "localhost");
        let request = request.header("authorization", token).header("content-type", "application/json");
        kit.send(request.body(axum::body::Body::from(body.to_owned())).unwrap()).await
    };
    let views = "/api/v1/projects/proj_t/views";
    let body = r#"{"name":"errors","page":"issues","query":"f=class:eq:timeout","shared":true}"#;
    let made = send("POST", views, &admin, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let one = format!("{views}/{}", made.json()["id"]);
    assert_eq!(send("POST", views, &read, body).await.status, StatusCode::FORBIDDEN);
    let listed = send("GET", views, &read, "").await.json();
    assert_eq!(
        (listed["items"][0]["name"].as_str(), listed["items"][0]["query"].as_str()),
        (Some("errors"), Some("f=class:eq:timeout"))
    );
    let change = r#"{"name":"timeouts","query":"f=class:eq:timeout&n=100","shared":false}"#;
    assert_eq!(send("PUT", &one, &admin, change).await.status, StatusCode::NO_CONTENT);
    assert_eq!(send("GET", views, &read, "").await.json()["items"].as_array().unwrap().len(), 0);
    let other = format!("Bearer {}", kit.token(TokenScope::Admin, Some(kit.project("proj_other"))));
    assert_eq!(send("DELETE", &one, &other, "").await.status, StatusCode::NOT_FOUND, "another project's");
    assert_eq!(send("DELETE", &one, &admin, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(send("DELETE", &one, &admin, "").await.status, StatusCode::NOT_FOUND);
    for (body, why) in [
        (r#"{"name":"","page":"issues"}"#, "1 to 60"),
        (r#"{"name":"x","page":"nowhere"}"#, "no page"),
        (r#"{"name":"x","page":"issues","query":"from=never"}"#, "never"),
    ] {
        let refused = send("POST", views, &admin, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.text.contains(why), "{}", refused.text);
    }
}
