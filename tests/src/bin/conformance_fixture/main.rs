//! An MCP server for the published conformance suites, written after their scenarios (D30): `conformance_fixture PORT [MODE]`.
//!
//! Started by `tests/conformance.rs`. What it answers is in `answers`, what it asks its client for in `asks`; neither knows of
//! Trackway. With a MODE it serves itself through `track()`: the suites must find the same.

mod answers;
mod asks;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ServerConfig,
    SubscribeRequestParams, Tool, UnsubscribeRequestParams,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use trackway::{Intent, Options, SessionMode};

/// The server; it has no state.
struct Fixture;

/// What a request comes with.
type Surroundings = RequestContext<RoleServer>;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().context("a port")?.parse()?;
    let options = args.next().map(|mode| options(&mode)).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = StreamableHttpServerConfig::default().with_sse_retry(Some(Duration::from_millis(500)));
        let sessions = Arc::new(LocalSessionManager::default());
        let router = match options {
            None => {
                let service = StreamableHttpService::new(|| Ok(Fixture), sessions, config);
                axum::Router::new().nest_service("/mcp", service)
            }
            Some(options) => {
                let track = move || Ok(trackway::track(Fixture, "proj_conformance", options.clone()));
                axum::Router::new().nest_service("/mcp", StreamableHttpService::new(track, sessions, config))
            }
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        Ok(axum::serve(listener, router).await?)
    })
}

/// What `track()` is told; its Trackway is never there.
fn options(mode: &str) -> Result<Options> {
    let options = Options::new().endpoint("http://127.0.0.1:1");
    Ok(match mode {
        "required" => options,
        "optional" => options.intent(Intent::Optional).report_missing(false),
        "off" => options.context(false).report_missing(false),
        "observe-only" => options.intent(Intent::ObserveOnly).report_missing(false),
        "everything" => options.feedback(true).session_mode(SessionMode::Handle),
        other => anyhow::bail!("{other} is no mode"),
    })
}

/// A typed answer from the JSON that the scenarios show.
fn typed<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// A typed result, said to be whole; rmcp takes that out for clients of older revisions.
fn result<T: DeserializeOwned>(mut value: Value) -> Result<T, ErrorData> {
    value["resultType"] = "complete".into();
    typed(value)
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = typed(json!({
            "tools": { "listChanged": true }, "resources": { "subscribe": true, "listChanged": true },
            "prompts": { "listChanged": true }, "completions": {}, "logging": {},
        }));
        ServerConfig::new(capabilities.unwrap_or_default())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Surroundings,
    ) -> Result<ListToolsResult, ErrorData> {
        result(answers::tools())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let listed: ListToolsResult = typed(answers::tools()).ok()?;
        listed.tools.into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Surroundings,
    ) -> Result<CallToolResponse, ErrorData> {
        if let Some(answer) = asks::rounds(&request)? {
            return Ok(answer);
        }
        let arguments = Value::Object(request.arguments.clone().unwrap_or_default());
        if let Some(answer) = asks::of_client(&request.name, &arguments, &context).await? {
            return Ok(result::<CallToolResult>(answer)?.into());
        }
        let answer = answers::tool(&request.name)
            .ok_or_else(|| ErrorData::invalid_params(format!("unknown tool {}", request.name), None))?;
        Ok(result::<CallToolResult>(answer)?.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Surroundings,
    ) -> Result<ListResourcesResult, ErrorData> {
        result(answers::resources())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Surroundings,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        result(answers::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Surroundings,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let answer = answers::resource(&request.uri).ok_or_else(|| {
            ErrorData::resource_not_found("no such resource", Some(json!({ "uri": request.uri })))
        })?;
        Ok(result::<ReadResourceResult>(answer)?.into())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Surroundings) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Surroundings) -> Result<(), ErrorData> {
        Ok(())
    }

    #[expect(deprecated, reason = "the suites still set it")]
    async fn set_level(
        &self,
        _: rmcp::model::SetLevelRequestParams,
        _: Surroundings,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Surroundings,
    ) -> Result<ListPromptsResult, ErrorData> {
        result(answers::prompts())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Surroundings,
    ) -> Result<GetPromptResponse, ErrorData> {
        if let Some(answer) = asks::prompt_rounds(&request)? {
            return Ok(answer);
        }
        let arguments = Value::Object(request.arguments.clone().unwrap_or_default());
        let answer = answers::prompt(&request.name, &arguments)
            .ok_or_else(|| ErrorData::invalid_params(format!("unknown prompt {}", request.name), None))?;
        Ok(result::<GetPromptResult>(answer)?.into())
    }

    async fn complete(&self, _: CompleteRequestParams, _: Surroundings) -> Result<CompleteResult, ErrorData> {
        result(
            json!({ "completion": { "values": ["paris", "park", "party"], "total": 3, "hasMore": false } }),
        )
    }
}
