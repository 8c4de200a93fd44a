//! rmcp's client: lists the tools, makes the calls it is told, and prints each answer as one JSON line: `rmcp_caller TARGET CALLS`.
//!
//! Started by `tests/through.rs`. Arguments: JSON `{"url": …}` or `{"command": …, "args": […]}`, then JSON of the calls
//! `[{"name": …, "arguments": …}]`. The first line is the listing. A `session_id` of `LAST` becomes the last one that an answer named.

use anyhow::{Context, Result};
use rmcp::model::{CallToolRequestParams, ClientConfig};
use rmcp::service::RunningService;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{RoleClient, ServiceError, ServiceExt};
use serde_json::{Value, json};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [target, calls] = args.as_slice() else { anyhow::bail!("two arguments, TARGET and CALLS") };
    let (target, calls): (Value, Vec<Value>) = (serde_json::from_str(target)?, serde_json::from_str(calls)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = connect(&target).await?;
        println!("{}", serde_json::to_string(&client.list_tools(None).await?)?);
        let mut session: Option<String> = None;
        for call in calls {
            let name = call["name"].as_str().context("a name")?.to_owned();
            let mut request = CallToolRequestParams::new(name);
            request.arguments = call["arguments"].as_object().cloned();
            if let (Some(arguments), Some(session)) = (&mut request.arguments, &session)
                && arguments.get("session_id").is_some_and(|id| id == "LAST")
            {
                arguments.insert("session_id".to_owned(), session.as_str().into());
            }
            let answer = match client.call_tool(request).await {
                Ok(answer) => serde_json::to_value(answer)?,
                Err(ServiceError::McpError(error)) => json!({ "code": error.code, "message": error.message }),
                Err(error) => return Err(error.into()),
            };
            let text = answer.to_string();
            session = text.find("ses_").and_then(|at| text.get(at..at + 31)).map(str::to_owned).or(session);
            println!("{text}");
        }
        client.cancel().await?;
        Ok(())
    })
}

async fn connect(target: &Value) -> Result<RunningService<RoleClient, ClientConfig>> {
    if let Some(url) = target["url"].as_str() {
        let transport = StreamableHttpClientTransport::from_uri(url.to_owned());
        return Ok(ClientConfig::default().serve(transport).await?);
    }
    let mut command = tokio::process::Command::new(target["command"].as_str().context("a command")?);
    for arg in target["args"].as_array().into_iter().flatten() {
        command.arg(arg.as_str().context("an argument")?);
    }
    Ok(ClientConfig::default().serve(TokioChildProcess::new(command)?).await?)
}
