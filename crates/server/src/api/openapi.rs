//! `GET /api/openapi.json`: the API as a document, made from the handlers. A test holds it against the route table.

use axum::Json;
use utoipa::OpenApi;

use super::{audit, hand, insight, live, people, projects, questions, views};
use crate::{health, ingest};

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Trackway",
        description = "How AI agents really use your MCP server.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        ingest::agentcat_route::submit,
        ingest::native_route::submit,
        ingest::otlp_route::submit,
        ingest::posthog_route::submit,
        ingest::posthog_route::submit_v1,
        ingest::posthog_stub::flags,
        ingest::posthog_stub::definitions,
        ingest::posthog_stub::config,
        ingest::posthog_stub::config_script,
        ingest::posthog_stub::replay,
        health::live,
        health::ready,
        projects::list,
        projects::create,
        projects::quarantine,
        audit::list,
        projects::intake,
        questions::overview,
        questions::sessions,
        questions::session,
        questions::session_events,
        questions::siblings,
        questions::events,
        questions::event,
        questions::tools,
        questions::tool,
        questions::issues,
        questions::issue,
        people::people,
        people::person,
        people::accounts,
        people::account,
        people::withdraw,
        people::restore,
        people::part,
        people::rejoin,
        hand::put_join,
        hand::post_split,
        questions::clients,
        questions::ways,
        questions::intents,
        insight::act_on_issue,
        insight::catalogs,
        insight::catalog_tools,
        insight::wishes,
        insight::note_wish,
        insight::signals,
        insight::warnings,
        views::list,
        views::create,
        views::update,
        views::remove,
        live::show,
    )
)]
struct Document;

/// The OpenAPI document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// `GET /api/openapi.json`.
pub(super) async fn show() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
