//! Who asks, and what they may do (D34, D35): the guard in front of every route, and the extractors behind it.
//!
//! The guard checks, in this order: the host name (against rebinding), where a write comes from (against forged
//! requests), the credential. A handler that takes [`Viewer`] or [`InProject`] cannot be reached without one.

mod limiter;
pub(crate) mod login;
mod origin;
pub mod password;
mod viewer;

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use sha2::{Digest, Sha256};
use trackway_event::ProblemCode;
use trackway_store::Project;

pub(crate) use limiter::Limiter;
pub(crate) use origin::{Peer, peer_of};
pub use viewer::Viewer;

use crate::options::ServeOptions;
use crate::problem::Problem;
use crate::state::AppState;

/// Name of the session cookie over plain HTTP.
pub const COOKIE: &str = "trackway_session";
/// Its name behind TLS: no other host and no plain page of this one can set it.
pub const HOST_COOKIE: &str = "__Host-trackway_session";

/// The name of the session cookie of a server set up like this.
pub const fn cookie_name(options: &ServeOptions) -> &'static str {
    if options.trusted_proxy { HOST_COOKIE } else { COOKIE }
}

/// What a route asks of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing, not even a host name: ingest and health.
    Public,
    /// A host name of ours: sign-in and assets.
    Open,
    /// A sign-in or a token that may read. Pages send the browser to `/login`.
    Page,
    /// A sign-in or a token that may read; the project in the path must be one it may see.
    Read,
    /// A sign-in of a member or above, or an admin token of the project: changes what a project works on.
    Change,
    /// A sign-in of an admin or above, or an admin token bound to no project.
    Admin,
    /// A sign-in of an owner, or an admin token bound to no project.
    Owner,
}

impl Access {
    /// In words, for the reference and the tests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Open => "open",
            Self::Page => "page",
            Self::Read => "read",
            Self::Change => "change",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

/// The project named `{p}` in the path, which the viewer may read; otherwise 404.
#[derive(Clone, Debug)]
pub struct InProject {
    /// The project.
    pub project: Project,
    /// Who asks.
    pub viewer: Viewer,
}

impl FromRequestParts<AppState> for InProject {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let viewer = Viewer::from_request_parts(parts, state).await?;
        let params =
            RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        let id = params.iter().find(|(name, _)| matches!(*name, "p" | "project")).map(|(_, value)| value);
        let project = state.project_of(&viewer, id.ok_or_else(Problem::not_found)?).await?;
        Ok(Self { project, viewer })
    }
}

/// The middleware in front of every route.
pub(crate) async fn guard(
    State((state, access)): State<(AppState, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    if access == Access::Public {
        return next.run(request).await;
    }
    let wants_page = access == Access::Page && request.method() == Method::GET;
    let next_url = request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let checked = match access {
        Access::Public => Ok(()),
        Access::Open => check_sender(&state, &request),
        Access::Page | Access::Read | Access::Change | Access::Admin | Access::Owner => {
            let checked = check_sender(&state, &request);
            match checked {
                Ok(()) => check_viewer(&state, access, &mut request).await,
                Err(problem) => Err(problem),
            }
        }
    };
    let rotated = match request.extensions().get::<Viewer>() {
        Some(Viewer::Login { hash, stale: true, .. }) if checked.is_ok() && wants_page => {
            let old = *hash;
            rotate(&state, old).await
        }
        Some(Viewer::Login { .. } | Viewer::Token { .. }) | None => None,
    };
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) if wants_page && problem.code == ProblemCode::Unauthorized => {
            Redirect::to(&format!("/login?next={}", login::encode(&next_url))).into_response()
        }
        Err(problem) => problem.into_response(),
    };
    if let Some(cookie) = rotated {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    protect(response.headers_mut());
    response
}

/// Another secret for a session whose secret is old: the cookie to set.
async fn rotate(state: &AppState, old: [u8; 32]) -> Option<HeaderValue> {
    let now = state.now();
    let secret = login::random_text().ok()?;
    let new = hash(&secret);
    let rotated = state.ask("rotate", move |store| store.rotate_login(&old, &new, now)).await;
    // Another request was first, or the disk is full: the old secret goes on.
    rotated.ok().filter(|rotated| *rotated)?;
    login::cookie(state.options(), &secret).ok()
}

/// Headers of dashboard §10, on everything a browser may show.
pub(crate) fn protect(headers: &mut HeaderMap) {
    const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
        connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn check_sender(state: &AppState, request: &Request) -> Result<(), Problem> {
    origin::check_host(state.options(), request)?;
    origin::check_origin(request)
}

async fn check_viewer(state: &AppState, access: Access, request: &mut Request) -> Result<(), Problem> {
    let viewer = viewer_of(state, request.headers()).await?.ok_or_else(unauthorized)?;
    let allowed = match access {
        Access::Public | Access::Open => true,
        Access::Page | Access::Read => viewer.reads_at_all(),
        Access::Change => viewer.changes_at_all(),
        Access::Admin => viewer.is_admin(),
        Access::Owner => viewer.is_owner(),
    };
    if !allowed {
        return Err(Problem::new(
            ProblemCode::Forbidden,
            "this sign-in or token may not do that; use one with more rights",
        ));
    }
    request.extensions_mut().insert(viewer);
    Ok(())
}

/// Who sent these headers: a living token or session. `None` when there is no credential at all.
///
/// # Errors
/// `unauthorized` when there is a credential and it is unknown, revoked or expired.
pub(crate) async fn viewer_of(state: &AppState, headers: &HeaderMap) -> Result<Option<Viewer>, Problem> {
    if let Some(secret) = bearer(headers) {
        let hash = hash(secret);
        return viewer::of_token(state, hash).await?.map(Some).ok_or_else(unauthorized);
    }
    let Some(secret) = cookie(headers, cookie_name(state.options())) else { return Ok(None) };
    viewer::of_login(state, hash(&secret)).await?.map(Some).ok_or_else(unauthorized)
}

/// Whether a viewer, looked up again, may still read this project: for streams that outlive their request.
pub(crate) async fn still(state: &AppState, viewer: &Viewer, project: trackway_store::ProjectKey) -> bool {
    let again = match viewer {
        Viewer::Login { hash, .. } => viewer::of_login(state, *hash).await,
        Viewer::Token { hash, .. } => viewer::of_token(state, *hash).await,
    };
    again.is_ok_and(|viewer| viewer.is_some_and(|viewer| viewer.may_read(project)))
}

/// SHA-256 of a secret, the form in which it is stored.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn unauthorized() -> Problem {
    Problem::new(
        ProblemCode::Unauthorized,
        "sign in: send a bearer token (trackway token create), or use the link of trackway open",
    )
}

/// The secret of an `Authorization: Bearer` header; an empty one counts as a wrong one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, secret) = value.trim().split_once(' ').unwrap_or((value, ""));
    Some(if scheme.eq_ignore_ascii_case("bearer") { secret.trim() } else { "" })
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_in_headers() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer  abc"));
        assert_eq!(bearer(&headers), Some("abc"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        assert_eq!(bearer(&headers), Some(""));
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; trackway_session=xyz; c=d"));
        assert_eq!(cookie(&headers, COOKIE).as_deref(), Some("xyz"));
        assert_eq!(cookie(&headers, HOST_COOKIE), None, "behind TLS the plain one counts for nothing");
    }
}
