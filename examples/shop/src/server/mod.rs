//! The shop's MCP server: thirteen tools (twelve before 1.8.0), six resources, two templates, two prompts, over stdio.
//!
//! Started by the hidden verb of the binary behind `trackway wrap`, and by the tests over a pipe in memory. It knows
//! nothing of Trackway: it is what a user's own server looks like. Invariant: equal options and equal calls give equal
//! answers, failures included, whatever the order of parallel calls.

mod args;
mod catalog;
mod delivery;
mod fault;
mod orders;
mod reading;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rmcp::handler::server::router::prompt::PromptRouter;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::{
    CallToolResult, CompleteRequestParams, CompleteResult, CompletionInfo, Implementation,
    ListResourceTemplatesResult, ListResourcesResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt, prompt_handler, tool_handler};

use crate::chance::{Luck, hash};
use crate::data::Database;
use crate::options::ShopOptions;

/// What a tool gives back: a result (which may be an error the agent reads), or a protocol error.
type Answer = Result<CallToolResult, ErrorData>;

/// The shop's MCP server.
#[derive(Debug)]
pub(crate) struct Shop {
    options: ShopOptions,
    database: Mutex<Database>,
    luck: Luck,
    searches: Mutex<u32>,
    tools: ToolRouter<Self>,
    prompts: PromptRouter<Self>,
}

impl Shop {
    /// A server with a fresh database.
    pub(crate) fn new(options: ShopOptions) -> Self {
        let mut tools = Self::catalog_tools() + Self::order_tools() + Self::delivery_tools();
        reading::say_release(&mut tools, options.release);
        Self {
            database: Mutex::new(Database::at(options.today, options.until)),
            luck: Luck::new(options.seed),
            searches: Mutex::new(0),
            tools,
            prompts: Self::shop_prompts(),
            options,
        }
    }

    /// Serves on standard input and output until the client closes them.
    ///
    /// # Errors
    /// When the client's opening is no MCP handshake, or the server's task fails.
    pub(crate) async fn serve_stdio(self) -> anyhow::Result<()> {
        self.serve(rmcp::transport::io::stdio_pipes()).await?.waiting().await?;
        Ok(())
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes the time that real work takes: between the two bounds (milliseconds), always the same for one key.
    async fn work(&self, key: &str, from: u64, to: u64) {
        let span = to.saturating_sub(from) + 1;
        tokio::time::sleep(Duration::from_millis(from + hash(self.options.seed, key) % span)).await;
    }
}

#[tool_handler(router = self.tools)]
#[prompt_handler(router = self.prompts)]
impl ServerHandler for Shop {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .enable_completions()
            .build();
        let mut server = Implementation::new("outdoor-shop", self.options.release.to_string());
        server.title = Some("Outdoor shop".into());
        ServerConfig::new(capabilities).with_server_info(server).with_instructions(
            "Tools of an outdoor-equipment shop. Look products up with search_products before ordering; money is in \
             euro; dates are YYYY-MM-DD. Pass `user`, the e-mail of the person you act for, whenever you know it.",
        )
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(reading::resources())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(reading::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.work(&request.uri, 3, 25).await;
        reading::read(&request.uri, &self.database())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let values = reading::complete(&request.argument.name, &request.argument.value);
        let values = CompletionInfo::new(values).map_err(|text| ErrorData::internal_error(text, None))?;
        Ok(CompleteResult::new(values))
    }
}
