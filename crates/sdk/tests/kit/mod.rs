//! A small server with one tool for each thing that can happen to a call, and clients for it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by them")]
#![allow(dead_code, reason = "each test program uses a part")]

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::*;
use rmcp::service::{RequestContext, RunningService};
use rmcp::{ErrorData, RoleClient, RoleServer, ServerHandler, ServiceExt};
use serde_json::json;

/// Tools: `echo` gives its arguments back; `own` has a `context` of its own; `fails`, `errs`, `panics`, `hangs`.
#[derive(Clone, Default)]
pub(crate) struct Server {
    /// The server has a `get_more_tools` of its own.
    pub(crate) owns_more_tools: bool,
}

fn object(value: serde_json::Value) -> Arc<JsonObject> {
    Arc::new(value.as_object().unwrap().clone())
}

impl Server {
    pub(crate) fn tools(&self) -> Vec<Tool> {
        let plain =
            || object(json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}));
        let own = object(json!({"type": "object", "properties": {"context": {"type": "string"}}}));
        let mut tools: Vec<Tool> = ["echo", "fails", "errs", "panics", "hangs"]
            .into_iter()
            .map(|name| Tool::new(name, format!("{name}."), plain()))
            .collect();
        tools.push(Tool::new("own", "Own.", own.clone()));
        if self.owns_more_tools {
            tools.push(Tool::new("get_more_tools", "The server's own.", own));
        }
        tools
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities =
            ServerCapabilities::builder().enable_tools().enable_prompts().enable_resources().build();
        info.server_info = Implementation::new("kit", "1.2.3");
        info
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let given = serde_json::to_string(&request.arguments).unwrap();
        match &*request.name {
            "echo" | "own" | "get_more_tools" => {
                Ok(CallToolResult::success(vec![ContentBlock::text(given)]).into())
            }
            "fails" => Ok(CallToolResult::error(vec![ContentBlock::text("no such order")]).into()),
            "errs" => Err(ErrorData::internal_error("the database is away", None)),
            "panics" => panic!("a bug of the host"),
            "hangs" => {
                let patience = tokio::time::timeout(Duration::from_secs(60), context.ct.cancelled());
                let _ = patience.await;
                Ok(CallToolResult::success(vec![]).into())
            }
            other => Err(ErrorData::invalid_params(format!("no tool {other}"), None)),
        }
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match request.uri.strip_prefix("kit://") {
            Some(text) => {
                let contents = ResourceContents::text(text, request.uri.clone());
                Ok(ReadResourceResult::new(vec![contents]).into())
            }
            None => Err(ErrorData::resource_not_found("no such resource", None)),
        }
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::default())
    }
}

pub(crate) type Client = RunningService<RoleClient, ClientConfig>;

pub(crate) fn client_info(name: &str) -> ClientConfig {
    let mut info = ClientConfig::default();
    info.client_info = Implementation::new(name, "9.9");
    info
}

/// Serves over a pipe in memory and connects a client.
pub(crate) async fn connect<S: ServerHandler>(server: S) -> Client {
    let (near, far) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        if let Ok(running) = server.serve(far).await {
            let _ = running.waiting().await;
        }
    });
    client_info("kit-client").serve(near).await.unwrap()
}

pub(crate) async fn call(
    client: &Client,
    tool: &str,
    arguments: serde_json::Value,
) -> Result<CallToolResult, rmcp::ServiceError> {
    let mut request = CallToolRequestParams::new(tool.to_owned());
    request.arguments = arguments.as_object().cloned();
    client.call_tool(request).await
}

pub(crate) fn text(result: &CallToolResult) -> String {
    match result.content.first() {
        Some(ContentBlock::Text(text)) => text.text.clone(),
        _ => String::new(),
    }
}
