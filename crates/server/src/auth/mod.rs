//! Who asks, and what they may do (D34, D35): the guard in front of every route, and the extractors behind it.
//!
//! The guard checks, in this order: the host name (against rebinding), where a write comes from (against forged
//! requests), the credential. A handler that takes [`Viewer`] or [`InProject`] cannot be reached without one.

mod limiter;
pub(crate) mod login;
mod origin;

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use sha2::{Digest, Sha256};
use trackway_event::ProblemCode;
use trackway_store::{Project, ProjectKey, TokenScope};

pub(crate) use limiter::Limiter;
pub(crate) use origin::{Peer, peer_of};

use crate::problem::Problem;
use crate::state::AppState;

/// Name of the session cookie.
pub const COOKIE: &str = "trackway_session";

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
    /// A sign-in, or an admin token bound to no project.
    Admin,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Signed in by cookie: the owner.
    Login {
        /// Hash of the cookie, for signing out.
        hash: [u8; 32],
    },
    /// A bearer token.
    Token {
        /// What it may do.
        scope: TokenScope,
        /// The project it is bound to.
        project: Option<ProjectKey>,
    },
}

impl Viewer {
    /// Whether rows of this project may be shown.
    pub fn may_read(&self, project: ProjectKey) -> bool {
        match self {
            Self::Login { .. } => true,
            Self::Token { scope: TokenScope::Ingest, .. } => false,
            Self::Token { scope: TokenScope::Read, project: bound } => *bound == Some(project),
            Self::Token { scope: TokenScope::Admin, project: bound } => {
                bound.is_none_or(|bound| bound == project)
            }
        }
    }

    /// Whether it may make and adopt projects.
    pub fn is_admin(&self) -> bool {
        match self {
            Self::Login { .. } => true,
            Self::Token { scope, project } => *scope == TokenScope::Admin && project.is_none(),
        }
    }

    fn reads_at_all(&self) -> bool {
        match self {
            Self::Login { .. } => true,
            Self::Token { scope, .. } => *scope != TokenScope::Ingest,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
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
    let is_asset = access == Access::Page && request.uri().path().starts_with("/assets/");
    let access = if is_asset { Access::Open } else { access };
    let wants_page = access == Access::Page && request.method() == Method::GET;
    let next_url = request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let checked = match access {
        Access::Public => Ok(()),
        Access::Open => check_sender(&state, &request),
        Access::Page | Access::Read | Access::Admin => {
            let checked = check_sender(&state, &request);
            match checked {
                Ok(()) => check_viewer(&state, access, &mut request).await,
                Err(problem) => Err(problem),
            }
        }
    };
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) if wants_page && problem.code == ProblemCode::Unauthorized => {
            Redirect::to(&format!("/login?next={}", login::encode(&next_url))).into_response()
        }
        Err(problem) => problem.into_response(),
    };
    protect(response.headers_mut());
    response
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
        Access::Admin => viewer.is_admin(),
    };
    if !allowed {
        return Err(Problem::new(
            ProblemCode::Forbidden,
            "this token may not do that; use one with more rights",
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
        let token = state.ask("token", move |store| store.token_by_hash(&hash)).await?;
        let token = token.ok_or_else(unauthorized)?;
        return Ok(Some(Viewer::Token { scope: token.scope, project: token.project }));
    }
    let Some(secret) = cookie(headers) else { return Ok(None) };
    let (hash, now) = (hash(&secret), state.now());
    let alive = state.ask("login", move |store| store.touch_login(&hash, now)).await?;
    if alive { Ok(Some(Viewer::Login { hash })) } else { Err(unauthorized()) }
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

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_read_what() {
        let (a, b) = (ProjectKey(1), ProjectKey(2));
        let token = |scope, project| Viewer::Token { scope, project };
        for (viewer, reads_a, reads_b, admin) in [
            (Viewer::Login { hash: [0; 32] }, true, true, true),
            (token(TokenScope::Admin, None), true, true, true),
            (token(TokenScope::Admin, Some(a)), true, false, false),
            (token(TokenScope::Read, Some(a)), true, false, false),
            (token(TokenScope::Read, None), false, false, false),
            (token(TokenScope::Ingest, Some(a)), false, false, false),
        ] {
            assert_eq!(
                (viewer.may_read(a), viewer.may_read(b), viewer.is_admin()),
                (reads_a, reads_b, admin),
                "{viewer:?}"
            );
        }
    }

    #[test]
    fn credentials_are_found_in_headers() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer  abc"));
        assert_eq!(bearer(&headers), Some("abc"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        assert_eq!(bearer(&headers), Some(""));
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; trackway_session=xyz; c=d"));
        assert_eq!(cookie(&headers).as_deref(), Some("xyz"));
    }
}
