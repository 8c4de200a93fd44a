//! Sign-in by one-use link or password, and sign-out (D35; docs/adr on sign-in links).
//!
//! A click from a terminal is a navigation (`Sec-Fetch-Mode: navigate`) and signs in at once. Anything else that fetches
//! the link, such as a preview or a prefetch, gets a page with a button and burns nothing.

use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use trackway_event::{ProblemCode, limits};
use trackway_store::{Act, MemberKey, NewAudit};

use super::origin::Peer;
use super::{Viewer, cookie_name, hash, password, peer_of};
use crate::options::ServeOptions;
use crate::problem::Problem;
use crate::state::AppState;

/// What `/login` is given.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Ask {
    /// The one-use secret.
    #[serde(default)]
    token: String,
    /// Where to go afterwards; only paths of this server.
    #[serde(default)]
    next: String,
    /// Instead of the secret: a member's name …
    #[serde(default)]
    name: String,
    /// … and password.
    #[serde(default)]
    password: String,
}

/// `GET /login`.
///
/// # Errors
/// `rate_limited` after too many tries.
pub(crate) async fn show(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Query(ask): Query<Ask>,
) -> Result<Response, Problem> {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|v| v == value);
    let clicked = is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
        && !headers.contains_key("sec-purpose")
        && !headers.contains_key("purpose");
    if ask.token.is_empty() {
        return Ok(page(StatusCode::OK, &ask, None));
    }
    if clicked { sign_in(&state, &headers, peer, ask).await } else { Ok(page(StatusCode::OK, &ask, None)) }
}

/// `POST /login`.
///
/// # Errors
/// `rate_limited` after too many tries.
pub(crate) async fn submit(
    State(state): State<AppState>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Form(ask): Form<Ask>,
) -> Result<Response, Problem> {
    sign_in(&state, &headers, peer, ask).await
}

/// `POST /logout`.
///
/// # Errors
/// When the storage does not answer.
pub(crate) async fn logout(State(state): State<AppState>, viewer: Viewer) -> Result<Response, Problem> {
    if let Viewer::Login { hash, .. } = viewer {
        state.ask("logout", move |store| store.end_login(&hash)).await?;
    }
    let mut response = Redirect::to("/login").into_response();
    let (name, secure) = (cookie_name(state.options()), secure(state.options()));
    let gone = format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}");
    if let Ok(value) = HeaderValue::from_str(&gone) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

async fn sign_in(
    state: &AppState,
    headers: &HeaderMap,
    peer: Option<Extension<Peer>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let now = state.now();
    let peer = peer_of(state.options(), headers, peer.map(|p| p.0));
    if !state.login_tries().may_try(peer, now) {
        let mut problem =
            Problem::new(ProblemCode::RateLimited, "too many tries; wait ten minutes and use a new link");
        problem.retry_after = Some(600);
        return Err(problem);
    }
    let by_password = ask.token.trim().is_empty() && !ask.name.trim().is_empty();
    let found = if by_password { by_name(state, &ask).await? } else { by_link(state, &ask).await? };
    let Some(member) = found else {
        state.login_tries().failed(peer, now);
        let why = if by_password {
            tracing::warn!(%peer, "a sign-in with a wrong name or password was refused");
            "This name and password do not go together. A link always works: trackway open"
        } else {
            tracing::warn!(%peer, "a sign-in with an unknown, used or expired link was refused");
            "This link is unknown, used or expired. Get a new one with: trackway open"
        };
        return Ok(page(StatusCode::UNAUTHORIZED, &Ask { next: ask.next, ..Ask::default() }, Some(why)));
    };
    let secret = random_text()?;
    let stored = hash(&secret);
    // A session that was open in this browser ends: what was known before the sign-in is worth nothing after it.
    let before = super::cookie(headers, cookie_name(state.options())).map(|old| hash(&old));
    let how = if by_password { "password" } else { "link" };
    let noted = format!("{how}, from {peer}");
    state
        .ask("login", move |store| {
            if let Some(before) = before {
                store.end_login(&before)?;
            }
            store.create_login(&stored, member, now)?;
            let name = store.members()?.into_iter().find(|m| m.key == member).map(|m| m.name);
            let name = name.unwrap_or_default();
            store.note(NewAudit::new(name.clone(), Act::SignIn, name).detail(noted), now)
        })
        .await?;
    let mut response = Redirect::to(safe_next(&ask.next)).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie(state.options(), &secret)?);
    Ok(response)
}

async fn by_link(state: &AppState, ask: &Ask) -> Result<Option<MemberKey>, Problem> {
    let (link, now) = (hash(ask.token.trim()), state.now());
    state.ask("login_link", move |store| store.use_login_link(&link, now)).await
}

async fn by_name(state: &AppState, ask: &Ask) -> Result<Option<MemberKey>, Problem> {
    let (name, given) = (ask.name.trim().to_owned(), ask.password.clone());
    let permit = state.password_check().await.ok_or_else(|| {
        let mut problem = Problem::new(ProblemCode::Overloaded, "too many sign-ins at once; try again");
        problem.retry_after = Some(5);
        problem
    })?;
    state
        .ask("password", move |store| {
            let _permit = permit;
            let found = store.password_of(&name)?;
            let fits = password::is(&given, found.as_ref().map(|(_, hash)| hash.as_str()));
            Ok(found.filter(|_| fits).map(|(member, _)| member))
        })
        .await
}

/// The session cookie: `__Host-` and `Secure` behind TLS.
pub(super) fn cookie(options: &ServeOptions, secret: &str) -> Result<HeaderValue, Problem> {
    let (name, secure, age) = (cookie_name(options), secure(options), limits::COOKIE_IDLE.as_secs());
    HeaderValue::from_str(&format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}"))
        .map_err(|_| Problem::new(ProblemCode::Internal, "the session could not be made; try again"))
}

const fn secure(options: &ServeOptions) -> &'static str {
    if options.trusted_proxy { "; Secure" } else { "" }
}

/// Only an absolute path of this server, never another site.
fn safe_next(next: &str) -> &str {
    let tail = next.strip_prefix('/').unwrap_or("/");
    let plain = next.bytes().all(|b| (0x21..0x7f).contains(&b));
    if plain && !tail.starts_with(['/', '\\']) && next.starts_with('/') && !next.starts_with("/login") {
        next
    } else {
        "/"
    }
}

/// 32 random bytes as hex.
pub(crate) fn random_text() -> Result<String, Problem> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "the system gives no random numbers");
        Problem::new(ProblemCode::Internal, "the system gives no random numbers")
    })?;
    Ok(trackway_event::id::hex(&bytes))
}

/// A text as one query value.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => out.push(b.into()),
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn page(status: StatusCode, ask: &Ask, why: Option<&str>) -> Response {
    (status, Html(crate::dashboard::login_page(&ask.token, &ask.next, why).into_string())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_here() {
        for (next, expect) in [
            ("/p/proj_x/live?f=a", "/p/proj_x/live?f=a"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/login?token=x", "/"),
            ("/a\r\nb", "/"),
            ("", "/"),
        ] {
            assert_eq!(safe_next(next), expect, "{next:?}");
        }
        assert_eq!(encode("/a?b=c&d"), "/a%3Fb%3Dc%26d");
    }
}
