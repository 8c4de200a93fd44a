//! Every route but the pages, as data: method, path, what it asks of the caller, handler. A test walks the table with every
//! identity, another holds it against the OpenAPI document.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, options, post};
use http::Uri;
use tower::ServiceExt;
use trackway_event::{ProblemCode, limits};

use crate::auth::{self, Access, guard, login};
use crate::ingest::{posthog_route as posthog, posthog_stub};
use crate::problem::Problem;
use crate::state::AppState;
use crate::{dashboard, health, ingest, metrics};

/// One route.
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path; `{p}` is a project id.
    pub path: &'static str,
    /// What it asks of the caller.
    pub access: Access,
    handler: fn() -> MethodRouter<AppState>,
}

/// A line of the table.
pub(crate) const fn route(
    method: &'static str,
    path: &'static str,
    access: Access,
    handler: fn() -> MethodRouter<AppState>,
) -> Route {
    Route { method, path, access, handler }
}

/// The table.
pub const ROUTES: &[Route] = &[
    route("POST", "/v1/public/events", Access::Public, || post(ingest::agentcat)),
    route("OPTIONS", "/v1/public/events", Access::Public, || options(ingest::preflight)),
    route("POST", "/api/v1/ingest", Access::Public, || post(ingest::native)),
    route("POST", "/batch", Access::Public, || post(posthog::submit)),
    route("POST", "/i/v0/ai/batch", Access::Public, || post(posthog::submit)),
    route("POST", "/i/v0/ai", Access::Public, || post(posthog::submit)),
    route("POST", "/e", Access::Public, || post(posthog::submit)),
    route("GET", "/e", Access::Public, || get(posthog::submit)),
    route("POST", "/i/v0/e", Access::Public, || post(posthog::submit)),
    route("GET", "/i/v0/e", Access::Public, || get(posthog::submit)),
    route("POST", "/capture", Access::Public, || post(posthog::submit)),
    route("GET", "/capture", Access::Public, || get(posthog::submit)),
    route("POST", "/track", Access::Public, || post(posthog::submit)),
    route("GET", "/track", Access::Public, || get(posthog::submit)),
    route("POST", "/engage", Access::Public, || post(posthog::submit)),
    route("GET", "/engage", Access::Public, || get(posthog::submit)),
    route("POST", "/i/v1/analytics/events", Access::Public, || post(posthog::submit_v1)),
    route("POST", "/flags", Access::Public, || post(posthog_stub::flags)),
    route("POST", "/decide", Access::Public, || post(posthog_stub::flags)),
    route("GET", "/flags/definitions", Access::Public, || get(posthog_stub::definitions)),
    route("GET", "/api/feature_flag/local_evaluation", Access::Public, || get(posthog_stub::definitions)),
    route("GET", "/array/{key}/config", Access::Public, || get(posthog_stub::config)),
    route("GET", "/array/{key}/config.js", Access::Public, || get(posthog_stub::config_script)),
    route("POST", "/s", Access::Public, || post(posthog_stub::replay)),
    route("OPTIONS", "/batch", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/i/v0/ai/batch", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/i/v0/ai", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/e", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/i/v0/e", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/capture", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/track", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/engage", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/i/v1/analytics/events", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/flags", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/decide", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/flags/definitions", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/api/feature_flag/local_evaluation", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/array/{key}/config", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/array/{key}/config.js", Access::Public, || options(posthog::preflight)),
    route("OPTIONS", "/s", Access::Public, || options(posthog::preflight)),
    route("POST", "/v1/logs", Access::Public, || post(ingest::otlp_logs)),
    route("GET", "/health/live", Access::Public, || get(health::live)),
    route("GET", "/health/ready", Access::Public, || get(health::ready)),
    route("GET", "/metrics", Access::Read, || get(metrics::show)),
    route("GET", "/login", Access::Open, || get(login::show)),
    route("POST", "/login", Access::Open, || post(login::submit)),
    route("POST", "/logout", Access::Read, || post(login::logout)),
];

/// The whole server as a service, for the serving loop and for tests.
pub fn router(state: AppState) -> Router {
    let prefix = state.options().ingest_prefix.clone();
    let mut inner = Router::new();
    for route in ROUTES.iter().chain(crate::api::ROUTES) {
        let layer = from_fn_with_state((state.clone(), route.access), guard);
        inner = inner.route(route.path, (route.handler)().route_layer(layer));
    }
    inner = inner.merge(dashboard::routes(&state));
    let inner = inner.fallback(not_found).method_not_allowed_fallback(method_not_allowed).with_state(state);
    let service = tower::service_fn(move |request: Request| {
        let inner = inner.clone();
        let request = normalised(request).and_then(|request| match &prefix {
            Some(prefix) => without_prefix(request, prefix),
            None => Ok(request),
        });
        async move {
            match request {
                Ok(request) => within(limits::REQUEST_TIMEOUT, inner.oneshot(request)).await,
                Err(problem) => Ok::<Response, Infallible>(problem.into_response()),
            }
        }
    });
    Router::new().fallback_service(service)
}

/// The answer, or that there was none in time. Every wait of a handler has a shorter deadline of its own, and answers better;
/// this one is for the mistake of having forgotten one. Streams have answered when they begin.
async fn within(
    most: Duration,
    answer: impl Future<Output = Result<Response, Infallible>>,
) -> Result<Response, Infallible> {
    match tokio::time::timeout(most, answer).await {
        Ok(answer) => answer,
        Err(_) => {
            tracing::error!(seconds = most.as_secs(), "a request was given up");
            let mut problem =
                Problem::new(ProblemCode::Overloaded, "this took too long; ask again, or for less");
            problem.retry_after = Some(5);
            Ok(problem.into_response())
        }
    }
}

/// The same request with one slash for many and none at the end: answered in place, never by a redirect (AC R1).
fn normalised(mut request: Request) -> Result<Request, Problem> {
    let uri = request.uri();
    if uri.path_and_query().is_some_and(|p| p.as_str().len() > limits::URL_BYTES) {
        return Err(Problem::new(ProblemCode::TooLarge, "the URL is over 8 KiB; use fewer conditions"));
    }
    let path = uri.path();
    if path.len() > 1 && (path.ends_with('/') || path.contains("//")) {
        let mut clean = String::with_capacity(path.len() + 64);
        for segment in path.split('/').filter(|s| !s.is_empty()) {
            clean.push('/');
            clean.push_str(segment);
        }
        if clean.is_empty() {
            clean.push('/');
        }
        if let Some(query) = uri.query() {
            clean.push('?');
            clean.push_str(query);
        }
        *request.uri_mut() = clean
            .parse::<Uri>()
            .map_err(|_| Problem::new(ProblemCode::BadRequest, "the URL cannot be read"))?;
    }
    Ok(request)
}

/// The same request without the prefix of the options, where what is behind it is a route that asks nothing of the caller: one
/// of ingest, its stubs, health. Pages and API have their own place.
fn without_prefix(mut request: Request, prefix: &str) -> Result<Request, Problem> {
    let uri = request.uri();
    let Some(path) = uri.path().strip_prefix(prefix).filter(|path| path.starts_with('/')) else {
        return Ok(request);
    };
    if !ROUTES.iter().any(|route| route.access == Access::Public && is_at(route.path, path)) {
        return Ok(request);
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    *request.uri_mut() = format!("{path}{query}")
        .parse::<Uri>()
        .map_err(|_| Problem::new(ProblemCode::BadRequest, "the URL cannot be read"))?;
    Ok(request)
}

/// Whether a path is one of a route's: a part in braces stands for any.
fn is_at(route: &str, path: &str) -> bool {
    let (mut ours, mut theirs) = (route.split('/'), path.split('/'));
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return true,
            (Some(ours), Some(theirs)) if ours == theirs || (ours.starts_with('{') && !theirs.is_empty()) => {
            }
            (_, _) => return false,
        }
    }
}

async fn not_found() -> Response {
    let mut response = Problem::not_found().into_response();
    auth::protect(response.headers_mut());
    response
}

async fn method_not_allowed() -> Response {
    Problem::new(ProblemCode::MethodNotAllowed, "this route does not know that method").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let never = std::future::pending::<Result<Response, Infallible>>();
        let Ok(answer) = within(limits::REQUEST_TIMEOUT, never).await;
        assert_eq!(answer.status(), http::StatusCode::SERVICE_UNAVAILABLE);
        let Ok(answer) = within(limits::REQUEST_TIMEOUT, async { Ok(not_found().await) }).await;
        assert_eq!(answer.status(), http::StatusCode::NOT_FOUND);
    }
}
