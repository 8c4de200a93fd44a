//! A no-op server made with rmcp, bare and tracked: what the SDK adds shows between the two.

use std::sync::Arc;

use anyhow::{Context, Result};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use serde_json::json;
use trackway::{Options, track};

use super::peer::PROJECT;

struct Noop;

impl ServerHandler for Noop {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({ "type": "object", "properties": { "n": { "type": "number" } } });
        let schema = Arc::new(schema.as_object().cloned().unwrap_or_default());
        Ok(ListToolsResult::with_all_items(vec![Tool::new("noop", "Does nothing.", schema)]))
    }

    async fn call_tool(
        &self,
        _request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::success(vec![ContentBlock::text("ok")]).into())
    }
}

/// Serves over stdio until its end; with an endpoint the server is tracked.
pub(super) fn stdio(endpoint: Option<&str>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let pipe = rmcp::transport::stdio();
        match endpoint {
            None => drop(Noop.serve(pipe).await.context("no client")?.waiting().await?),
            Some(endpoint) => {
                let server = track(Noop, PROJECT, Options::new().endpoint(endpoint));
                drop(server.serve(pipe).await.context("no client")?.waiting().await?);
            }
        }
        Ok(())
    })
}
