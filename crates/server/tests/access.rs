//! Sign-in and its end, host names, forged requests (INV-06, D34, D35). The route table is walked in `matrix.rs`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use axum::body::Body;
use http::{Request, StatusCode, header};
use kit::Kit;
use serde_json::json;
use sha2::{Digest, Sha256};
use trackway_store::{Act, AuditAsk, MemberKey, Role, Store, TokenScope};

async fn cookie(kit: &Kit) -> String {
    let hash: [u8; 32] = Sha256::digest(b"cookie-secret").into();
    kit.store.create_login(&hash, MemberKey::OWNER, kit.now()).unwrap();
    "trackway_session=cookie-secret".to_owned()
}

#[tokio::test]
async fn foreign_and_unknown_look_the_same() {
    let kit = Kit::new();
    let other = kit.project("proj_other");
    let token = format!("Bearer {}", kit.token(TokenScope::Read, Some(other)));
    let answers = [
        kit.get("/api/v1/projects/proj_t/events", &[("authorization", &token)]).await,
        kit.get("/api/v1/projects/proj_never/events", &[("authorization", &token)]).await,
    ];
    assert_eq!(answers[0].text, answers[1].text);
    assert_eq!(answers[0].status, StatusCode::NOT_FOUND);
    let list = kit.get("/api/v1/projects", &[("authorization", &token)]).await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["id"], "proj_other");
}

#[tokio::test]
async fn host_names_and_forged_requests() {
    let kit = Kit::with(|options| options.hosts = vec!["trackway.example".into()]);
    let admin = format!("Bearer {}", kit.token(TokenScope::Admin, None));
    for (host, status) in
        [("localhost:7431", 200), ("127.0.0.1", 200), ("trackway.example", 200), ("evil.example", 421)]
    {
        let request =
            Request::builder().uri("/api/v1/projects").header("host", host).header("authorization", &admin);
        assert_eq!(kit.send(request.body(Body::empty()).unwrap()).await.status.as_u16(), status, "{host}");
    }
    let request =
        Request::builder().uri("/health/live").header("host", "evil.example").body(Body::empty()).unwrap();
    assert_eq!(kit.send(request).await.status, StatusCode::OK);
    let cookie = cookie(&kit).await;
    let body = || json!({"name": "x"}).to_string();
    let forged = kit
        .post_raw("/api/v1/projects", &[("cookie", &cookie), ("sec-fetch-site", "cross-site")], body())
        .await;
    assert_eq!((forged.status, forged.json()["code"].clone()), (StatusCode::FORBIDDEN, json!("forbidden")));
    let own = kit
        .post_raw("/api/v1/projects", &[("cookie", &cookie), ("sec-fetch-site", "same-origin")], body())
        .await;
    assert_eq!(own.status, StatusCode::CREATED);
}

#[tokio::test]
async fn sign_in_by_link_once() {
    let kit = Kit::new();
    let link = |secret: &str| {
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        kit.store.create_login_link(&hash, kit.now().plus_micros(60_000_000)).unwrap();
    };
    link("one");
    // A preview or prefetch burns nothing.
    for headers in [
        &[][..],
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-purpose", "prefetch")],
    ] {
        let page = kit.get("/login?token=one&next=/p/proj_t", headers).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("<form") && !page.headers.contains_key(header::SET_COOKIE));
        assert!(
            page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'")
        );
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    }
    let click = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let signed = kit.get("/login?token=one&next=/p/proj_t", &click).await;
    assert_eq!(
        (signed.status, signed.headers[header::LOCATION].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/p/proj_t")
    );
    let cookie = signed.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &cookie)]).await.status, StatusCode::OK);
    assert_eq!(kit.get("/login?token=one", &click).await.status, StatusCode::UNAUTHORIZED);
    // By the button of the page.
    link("two");
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let signed = kit.post_raw("/login", &form, "token=two&next=https://evil.example").await;
    assert_eq!(
        (signed.status, signed.headers[header::LOCATION].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/")
    );
    // Out again.
    let out = kit.post_raw("/logout", &[("cookie", &cookie), ("sec-fetch-site", "same-origin")], "").await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &cookie)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn pages_send_strangers_to_the_sign_in() {
    let kit = Kit::new();
    for path in ["/", "/p/proj_t", "/setup", "/projects/new"] {
        let answer = kit.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.headers[header::LOCATION].to_str().unwrap().starts_with("/login?next=/"), "{path}");
    }
    let ingest = format!("Bearer {}", kit.token(TokenScope::Ingest, Some(kit.p)));
    assert_eq!(kit.get("/setup", &[("authorization", &ingest)]).await.status, StatusCode::FORBIDDEN);
    let other = kit.project("proj_other");
    let reader = format!("Bearer {}", kit.token(TokenScope::Read, Some(other)));
    let foreign = kit.get("/p/proj_t/sessions", &[("authorization", &reader)]).await;
    let unknown = kit.get("/p/proj_none/sessions", &[("authorization", &reader)]).await;
    assert_eq!((foreign.status, unknown.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    let own = kit.get("/p/proj_other/sessions", &[("authorization", &reader)]).await;
    assert_eq!(own.status, StatusCode::OK);
    assert!(
        own.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-ancestors 'none'")
    );
}

#[tokio::test]
async fn ten_wrong_links_close_the_door() {
    let kit = Kit::new();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    for _ in 0..10 {
        assert_eq!(kit.post_raw("/login", &form, "token=wrong").await.status, StatusCode::UNAUTHORIZED);
    }
    let answer = kit.post_raw("/login", &form, "token=wrong").await;
    assert_eq!(
        (answer.status, answer.json()["code"].clone()),
        (StatusCode::TOO_MANY_REQUESTS, json!("rate_limited"))
    );
    assert_eq!(answer.headers[header::RETRY_AFTER], "600");
}

#[tokio::test]
async fn revoked_and_expired_credentials_are_refused() {
    let kit = Kit::new();
    let admin = format!("Bearer {}", kit.token(TokenScope::Admin, None));
    assert_eq!(kit.get("/api/v1/projects", &[("authorization", &admin)]).await.status, StatusCode::OK);
    let id = kit.store.tokens(None).unwrap().remove(0).id;
    assert!(kit.store.revoke_token(&id, kit.now()).unwrap());
    assert_eq!(
        kit.get("/api/v1/projects", &[("authorization", &admin)]).await.status,
        StatusCode::UNAUTHORIZED
    );
    let cookie = cookie(&kit).await;
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &cookie)]).await.status, StatusCode::OK);
    kit.clock.fetch_add(31 * 24 * 3_600 * 1_000_000, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &cookie)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_bound_to_the_host() {
    let kit = Kit::with(|options| options.trusted_proxy = true);
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    kit.store.create_login_link(&Sha256::digest(b"one").into(), kit.now().plus_micros(60_000_000)).unwrap();
    let signed = kit.post_raw("/login", &form, "token=one").await;
    let cookie = signed.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-trackway_session=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax") && !cookie.contains("Domain"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", pair)]).await.status, StatusCode::OK);
    let plain = pair.trim_start_matches("__Host-");
    let refused = kit.get("/api/v1/projects", &[("cookie", plain)]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "a cookie that a plain page could have set");
    let out = [("cookie", pair), ("sec-fetch-site", "same-origin")];
    let gone = kit.post_raw("/logout", &out, "").await;
    let gone = gone.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(gone.starts_with("__Host-trackway_session=;") && gone.ends_with("; Secure"), "{gone}");
}

#[tokio::test]
async fn a_used_session_gets_another_secret_each_day() {
    let kit = Kit::new();
    let old = cookie(&kit).await;
    let day = 24 * 3_600 * 1_000_000;
    assert!(!kit.get("/setup", &[("cookie", &old)]).await.headers.contains_key(header::SET_COOKIE));
    kit.clock.fetch_add(day, std::sync::atomic::Ordering::Relaxed);
    let api = kit.get("/api/v1/projects", &[("cookie", &old)]).await;
    assert!(!api.headers.contains_key(header::SET_COOKIE), "only pages exchange it");
    let page = kit.get("/setup", &[("cookie", &old)]).await;
    let new = page.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_ne!(new, old);
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &old)]).await.status, StatusCode::OK, "on its way");
    kit.clock.fetch_add(61_000_000, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &old)]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &new)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_with_its_age_however_much_it_is_used() {
    let kit = Kit::new();
    let cookie = cookie(&kit).await;
    for day in 0..89 {
        let answer = kit.get("/api/v1/projects", &[("cookie", &cookie)]).await;
        assert_eq!(answer.status, StatusCode::OK, "day {day}");
        kit.clock.fetch_add(24 * 3_600 * 1_000_000, std::sync::atomic::Ordering::Relaxed);
    }
    kit.clock.fetch_add(24 * 3_600 * 1_000_000, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &cookie)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn signing_in_ends_the_session_that_was_open() {
    let kit = Kit::new();
    let before = cookie(&kit).await;
    kit.store.create_login_link(&Sha256::digest(b"one").into(), kit.now().plus_micros(60_000_000)).unwrap();
    let form = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
        ("cookie", before.as_str()),
    ];
    assert_eq!(kit.post_raw("/login", &form, "token=one").await.status, StatusCode::SEE_OTHER);
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &before)]).await.status, StatusCode::UNAUTHORIZED);
    let act = kit.store.audit(&AuditAsk { limit: 1, ..AuditAsk::default() }).unwrap().remove(0);
    assert_eq!((act.act, act.actor.as_str()), (Act::SignIn, "owner"));
}

#[tokio::test]
async fn members_sign_in_by_password() {
    let kit = Kit::new();
    let eve = kit.store.add_member("eve", Role::Viewer, kit.now()).unwrap();
    let hash = trackway_server::auth::password::hash("correct horse battery").unwrap();
    kit.store.set_password(eve.key, Some(&hash)).unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    for wrong in
        ["name=eve&password=correct", "name=owner&password=", "name=ghost&password=correct+horse+battery"]
    {
        let answer = kit.post_raw("/login", &form, wrong).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert!(answer.text.contains("do not go together") && !answer.text.contains("horse"), "{wrong}");
    }
    let signed = kit.post_raw("/login", &form, "name=eve&password=correct+horse+battery&next=/setup").await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER);
    let pair = signed.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &pair)]).await.status, StatusCode::OK);
    kit.store.set_password(eve.key, None).unwrap();
    assert_eq!(kit.get("/api/v1/projects", &[("cookie", &pair)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_open_feed_ends_within_five_seconds_of_its_token() {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let kit = Kit::new();
    let token = kit.token(TokenScope::Read, Some(kit.p));
    let request = Request::builder()
        .uri("/api/v1/projects/proj_t/live")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {token}"));
    let response = kit.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut feed = response.into_body();
    let living = tokio::time::timeout(std::time::Duration::from_millis(2_500), feed.frame()).await;
    assert!(living.is_err(), "a living token's feed goes on");
    let id = kit.store.tokens(None).unwrap().remove(0).id;
    assert!(kit.store.revoke_token(&id, kit.now()).unwrap());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), feed.frame()).await;
    assert!(ended.is_ok_and(|frame| frame.is_none()), "revoked within 5 s");
}
