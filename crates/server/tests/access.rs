//! Who may do what: the route table walked with every identity; sign-in; host names; forged requests (INV-06, D34, D35).
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use kit::{Answer, Kit};
use serde_json::json;
use sha2::{Digest, Sha256};
use trackway_server::auth::Access;
use trackway_store::{ProjectKey, Store, TokenScope};

fn table() -> Vec<(&'static str, String, Access)> {
    let routes = trackway_server::routes::ROUTES.iter().chain(trackway_server::api::ROUTES);
    routes
        .map(|r| {
            (
                r.method,
                r.path.replace("{p}", "proj_t").replace("{id}", "none").replace("{name}", "none"),
                r.access,
            )
        })
        .collect()
}

async fn ask(kit: &Kit, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
    request = request.header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    // The live feed never ends by itself.
    kit.state.drain();
    kit.send(request.body(Body::empty()).unwrap()).await
}

async fn cookie(kit: &Kit) -> String {
    let hash: [u8; 32] = Sha256::digest(b"cookie-secret").into();
    kit.store.create_login(&hash, kit.now()).unwrap();
    "trackway_session=cookie-secret".to_owned()
}

#[tokio::test]
async fn inv_06_every_route_with_every_identity() {
    let kit = Kit::new();
    let other = kit.project("proj_other");
    let cookie = cookie(&kit).await;
    let bearer = |scope, project: Option<ProjectKey>| format!("Bearer {}", kit.token(scope, project));
    // (name, header, may read proj_t, may read foreign project, reads anything, admin)
    let identities = [
        ("nobody", None, None),
        ("wrong token", Some(("authorization", "Bearer wrong".to_owned())), None),
        ("wrong cookie", Some(("cookie", "trackway_session=wrong".to_owned())), None),
        (
            "ingest",
            Some(("authorization", bearer(TokenScope::Ingest, Some(kit.p)))),
            Some((false, false, false)),
        ),
        ("read", Some(("authorization", bearer(TokenScope::Read, Some(kit.p)))), Some((true, true, false))),
        (
            "read of another",
            Some(("authorization", bearer(TokenScope::Read, Some(other)))),
            Some((true, false, false)),
        ),
        (
            "bound admin",
            Some(("authorization", bearer(TokenScope::Admin, Some(kit.p)))),
            Some((true, true, false)),
        ),
        ("admin", Some(("authorization", bearer(TokenScope::Admin, None))), Some((true, true, true))),
        ("cookie", Some(("cookie", cookie)), Some((true, true, true))),
    ];
    let mut checked = 0;
    for (method, path, access) in table() {
        for (name, header, rights) in &identities {
            if path == "/logout" && *name == "cookie" {
                continue;
            }
            let mut headers = vec![("sec-fetch-site", "same-origin")];
            headers.extend(header.as_ref().map(|(k, v)| (*k, v.as_str())));
            let answer = ask(&kit, method, &path, &headers).await;
            let status = answer.status;
            let what = format!("{name}: {method} {path} -> {status} {}", answer.text);
            let named = path.contains("proj_t");
            match (access, rights) {
                (Access::Public, None) if path == "/api/v1/ingest" && *name == "wrong token" => {
                    assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}");
                }
                // Capture V1 names its project in this header.
                (Access::Public, _) if path == "/i/v1/analytics/events" && method == "POST" => {
                    assert!(matches!(status.as_u16(), 400 | 401), "{what}");
                }
                (Access::Public | Access::Open, _) => {
                    assert!(!matches!(status.as_u16(), 401 | 421), "{what}");
                }
                (_, None) => assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}"),
                (Access::Read | Access::Page, Some((false, _, _))) | (Access::Admin, Some((_, _, false))) => {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
                }
                (Access::Read | Access::Page, Some((true, false, _))) if named => {
                    assert_eq!(
                        (status, answer.json()["code"].clone()),
                        (StatusCode::NOT_FOUND, json!("not_found")),
                        "{what}"
                    );
                }
                (Access::Read | Access::Page | Access::Admin, Some(_)) => {
                    assert!(!matches!(status.as_u16(), 401 | 403 | 421 | 500), "{what}");
                }
            }
            checked += 1;
        }
    }
    assert!(checked > 200, "{checked}");
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
