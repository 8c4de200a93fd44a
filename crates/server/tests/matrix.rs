//! Every route of every table × every identity (INV-06, F-156, F-157). A route exists only as a line of a table, so a new one is walked
//! without a word; a new write that readers may make, and a new public route, has to be named here.
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use kit::{Answer, Kit};
use sha2::{Digest, Sha256};
use trackway_server::auth::Access;
use trackway_store::{MemberKey, ProjectKey, Role, Store, TokenScope};

/// Writes that change nothing but the caller's own session or colours, or only ask a question.
const HARMLESS: &[&str] =
    &["/logout", "/theme", "/zone", "/density", "/p/{p}/settings/keep/try", "/api/v1/projects/{p}/query"];
/// What is there without any sign-in, beside ingest, by its first part.
const PUBLIC: &[&str] = &[
    "v1",
    "api/v1/ingest",
    "api/feature_flag",
    "batch",
    "i",
    "e",
    "capture",
    "track",
    "engage",
    "flags",
    "decide",
    "array",
    "s",
    "health",
    "login",
    "share",
];

#[derive(Clone)]
struct Line {
    method: &'static str,
    path: &'static str,
    access: Access,
}

fn table() -> Vec<Line> {
    let routes = trackway_server::routes::ROUTES.iter().chain(trackway_server::api::ROUTES);
    let routes = routes.map(|r| Line { method: r.method, path: r.path, access: r.access });
    let pages = trackway_server::dashboard::PAGES.iter();
    routes.chain(pages.map(|r| Line { method: r.method, path: r.path, access: r.access })).collect()
}

/// The path with every parameter filled in: the project of the test, and things that are not there.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{p}" => "proj_t",
        part if part.starts_with('{') => "none",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// An identity, and what the table gives it.
struct Identity {
    name: &'static str,
    header: Option<(&'static str, String)>,
    /// Whether it is anyone at all.
    known: bool,
    reads: bool,
    sees_project: bool,
    changes: bool,
    admin: bool,
    owner: bool,
}

fn identities(kit: &Kit) -> Vec<Identity> {
    let other = kit.project("proj_other");
    let id = |name, header: Option<(&'static str, String)>, rights: [bool; 6]| {
        let [known, reads, sees_project, changes, admin, owner] = rights;
        Identity { name, header, known, reads, sees_project, changes, admin, owner }
    };
    let bearer = |scope, project: Option<ProjectKey>| {
        Some(("authorization", format!("Bearer {}", kit.token(scope, project))))
    };
    let signed_in = |member: MemberKey, secret: &str| {
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        kit.store.create_login(&hash, member, kit.now()).unwrap();
        Some(("cookie", format!("trackway_session={secret}")))
    };
    let member = |role: Role| kit.store.add_member(role.as_str(), role, kit.now());
    let gone = kit.store.add_member("gone", Role::Admin, kit.now()).unwrap().key;
    let removed = signed_in(gone, "of-gone");
    assert!(kit.store.remove_member(gone).unwrap());
    let (y, n) = (true, false);
    let mut identities = vec![
        id("nobody", None, [n, n, n, n, n, n]),
        id("a wrong token", Some(("authorization", "Bearer wrong".into())), [n, n, n, n, n, n]),
        id("a wrong cookie", Some(("cookie", "trackway_session=wrong".into())), [n, n, n, n, n, n]),
        id("a removed member", removed, [n, n, n, n, n, n]),
        id("an ingest token", bearer(TokenScope::Ingest, Some(kit.p)), [y, n, n, n, n, n]),
        id("a read token", bearer(TokenScope::Read, Some(kit.p)), [y, y, y, n, n, n]),
        id("a read token of another", bearer(TokenScope::Read, Some(other)), [y, y, n, n, n, n]),
        id("a bound admin token", bearer(TokenScope::Admin, Some(kit.p)), [y, y, y, y, n, n]),
        id("an admin token of another", bearer(TokenScope::Admin, Some(other)), [y, y, n, y, n, n]),
        id("an admin token", bearer(TokenScope::Admin, None), [y, y, y, y, y, y]),
        id("a viewer", signed_in(member(Role::Viewer).unwrap().key, "v"), [y, y, y, n, n, n]),
        id("a member", signed_in(member(Role::Member).unwrap().key, "m"), [y, y, y, y, n, n]),
        id("an admin", signed_in(member(Role::Admin).unwrap().key, "a"), [y, y, y, y, y, n]),
        id("the owner", signed_in(MemberKey::OWNER, "o"), [y, y, y, y, y, y]),
    ];
    let last = format!("tok_{}", kit.store.tokens(None).unwrap().len());
    identities.push(id("a revoked token", bearer(TokenScope::Admin, None), [n, n, n, n, n, n]));
    assert!(kit.store.revoke_token(&last, kit.now()).unwrap());
    identities
}

async fn ask(kit: &Kit, line: &Line, identity: &Identity) -> Answer {
    let method = Method::from_bytes(line.method.as_bytes()).unwrap();
    let mut request = Request::builder().method(method).uri(filled(line.path)).header("host", "localhost");
    request = request.header("sec-fetch-site", "same-origin");
    if line.method == "POST" {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    if let Some((name, value)) = &identity.header {
        request = request.header(*name, value);
    }
    // The live feed never ends by itself.
    kit.state.drain();
    kit.send(request.body(Body::empty()).unwrap()).await
}

/// What the table says must come out.
#[derive(Debug, PartialEq)]
enum Expect {
    /// 401, or on a page the way to the sign-in.
    SignIn,
    Forbidden,
    /// As if it were not there.
    Nothing,
    /// The handler's business.
    In,
}

fn expected(line: &Line, who: &Identity) -> Expect {
    let allowed = match line.access {
        Access::Public | Access::Open => return Expect::In,
        Access::Page | Access::Read => who.reads,
        Access::Change => who.changes,
        Access::Admin => who.admin,
        Access::Owner => who.owner,
    };
    match (who.known, allowed) {
        (false, _) => Expect::SignIn,
        (true, false) => Expect::Forbidden,
        (true, true) if line.path.contains("{p}") && !who.sees_project => Expect::Nothing,
        (true, true) => Expect::In,
    }
}

fn found(line: &Line, answer: &Answer) -> Expect {
    let to_login = answer
        .headers
        .get(header::LOCATION)
        .is_some_and(|to| to.to_str().unwrap_or_default().starts_with("/login?next="));
    match answer.status {
        StatusCode::UNAUTHORIZED => Expect::SignIn,
        StatusCode::SEE_OTHER if to_login && line.access == Access::Page => Expect::SignIn,
        StatusCode::FORBIDDEN => Expect::Forbidden,
        StatusCode::NOT_FOUND if line.path.contains("{p}") => Expect::Nothing,
        _ => Expect::In,
    }
}

#[tokio::test]
async fn inv_06_every_route_with_every_identity() {
    let kit = Kit::new();
    let identities = identities(&kit);
    let mut checked = 0;
    for line in table() {
        for who in &identities {
            let ends_session = line.path == "/logout" && who.header.as_ref().is_some_and(|h| h.0 == "cookie");
            // A wrong credential is told even where none is asked for; Capture V1 names its project in that header; the sign-in judges
            // what it is given.
            let own_rules = matches!(line.path, "/api/v1/ingest" | "/i/v1/analytics/events" | "/login");
            if (ends_session && who.known) || own_rules {
                continue;
            }
            let answer = ask(&kit, &line, who).await;
            let what =
                format!("{} {} by {}: {} {}", line.method, line.path, who.name, answer.status, answer.text);
            assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{what}");
            assert_ne!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{what}");
            let (expect, found) = (expected(&line, who), found(&line, &answer));
            // Of a thing in a project that is not there, the handler says the same as of a foreign project.
            let not_there = found == Expect::Nothing && expect == Expect::In;
            assert!(found == expect || not_there, "{expect:?} expected, {found:?} found: {what}");
            checked += 1;
        }
    }
    assert!(checked > 1_000, "{checked}");
}

#[test]
fn writes_of_readers_and_public_routes_are_named() {
    for line in table() {
        let what = format!("{} {}", line.method, line.path);
        let write = !matches!(line.method, "GET" | "HEAD" | "OPTIONS");
        match line.access {
            Access::Public | Access::Open => {
                let path = line.path.trim_start_matches('/');
                let named = PUBLIC.iter().any(|p| path == *p || path.starts_with(&format!("{p}/")));
                assert!(named, "{what} is open to everyone; is that meant?");
            }
            Access::Page | Access::Read => {
                assert!(!write || HARMLESS.contains(&line.path), "{what} is a write that viewers may make");
            }
            Access::Change | Access::Admin | Access::Owner => {}
        }
        assert!(line.path == "/" || !line.path.ends_with('/'), "{what} would never be matched");
    }
}
