//! Real MCP servers around the published Rust SDKs of both vendors: `rust-hosts agentcat|posthog`, over stdio.
//!
//! Started by `tests/published.rs`. The project and the address come from the variables that a user of the SDK would set.

use std::sync::Arc;

use agentcat_sdk::{AgentCat, HookError, Options, ToolCall, UserIdentity};
use anyhow::{Context, Result, bail};
use posthog_rs::mcp::{Identity, McpAnalytics, McpOptionsBuilder};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt};
use serde_json::{Map, json};

/// The host that the SDKs are put around; it knows of neither.
#[derive(Clone)]
struct Shop;

impl Shop {
    fn tools() -> Vec<Tool> {
        let schema = json!({ "type": "object", "properties": { "query": { "type": "string" }, "user": { "type": "string" } } });
        let schema: JsonObject = schema.as_object().cloned().unwrap_or_default();
        ["search", "boom"].map(|name| Tool::new(name, "A tool of the shop.", schema.clone())).to_vec()
    }
}

impl ServerHandler for Shop {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("rust-shop", "1.4.2"))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        Self::tools().into_iter().find(|tool| tool.name == name)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(Self::tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let block = |text: &str| vec![ContentBlock::text(text.to_owned())];
        match &*request.name {
            "search" => Ok(CallToolResult::success(block("found 3 products")).into()),
            "boom" => Ok(CallToolResult::error(block("cannot frobnicate 3")).into()),
            other => Err(ErrorData::invalid_params(format!("no tool {other}"), None)),
        }
    }
}

fn user(arguments: Option<&JsonObject>) -> Option<String> {
    Some(arguments?.get("user")?.as_str()?.to_owned())
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match std::env::args().nth(1).as_deref() {
            Some("agentcat") => agentcat().await,
            Some("posthog") => posthog().await,
            _ => bail!("which SDK: agentcat or posthog"),
        }
    })
}

async fn agentcat() -> Result<()> {
    let options = Options::default().identify(|call: ToolCall| async move {
        let named = user(call.arguments());
        let plan = || Map::from_iter([("plan".to_owned(), json!("team"))]);
        Ok::<_, HookError>(named.map(|id| UserIdentity::new(id).user_name("Rosa Rust").user_data(plan())))
    });
    let server = AgentCat::from_env(options).track(Shop);
    server.serve(rmcp::transport::stdio()).await?.waiting().await?;
    Ok(())
}

async fn posthog() -> Result<()> {
    let key = std::env::var("POSTHOG_API_KEY").context("POSTHOG_API_KEY")?;
    let host = std::env::var("POSTHOG_HOST").context("POSTHOG_HOST")?;
    let client = Arc::new(posthog_rs::client((key.as_str(), host.as_str())).await);
    let options = McpOptionsBuilder::default()
        .missing_capability_tool("get_more_tools")
        .identify(|request| {
            let id = user(request.arguments)?;
            Some(Identity::new(id).with_property("name", "Rosa Rust").with_group("organization", "acme"))
        })
        .build()
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let server = McpAnalytics::new(Arc::clone(&client), options).instrument(Shop);
    server.serve(rmcp::transport::stdio()).await?.waiting().await?;
    client.shutdown().await;
    Ok(())
}
