//! Plays one scenario with a real MCP client and counts what happened.
//!
//! Called by `crowd` with a child process (the shop behind `trackway wrap`), by the tests with a pipe in memory.
//! Invariant: the client does what an agent does and no more: it reads the tool list and sends `context` and `user`
//! only where the schema it was shown asks for them.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use futures_util::future::join_all;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResponse, ClientCapabilities, ClientConfig,
    ClientRequest, GetPromptRequestParams, Implementation, ProtocolVersion, ReadResourceRequestParams,
};
use rmcp::service::{PeerRequestOptions, RunningService, ServiceError};
use rmcp::transport::{IntoTransport, TokioChildProcess};
use rmcp::{ClientLifecycleMode, ClientServiceExt, Peer, RoleClient};
use serde_json::{Map, Value};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

use super::scenario::{Call, Era, Scenario, Step};
use crate::chance::Dice;

/// No single request is waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(30);
/// The tool through which an agent says what is missing; `wrap --report-missing` adds it.
const WISH_TOOL: &str = "get_more_tools";
/// How often an error that asks for it is answered by the same call again.
const RETRIES: u32 = 2;

/// How long the pauses between the steps are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// 15 to 100 ms: for a session whose clock runs faster than ours.
    Compressed,
    /// 2 to 5 s, as a person and an agent really take.
    RealTime,
}

/// What one session did, to be compared with what the server has recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionReport {
    /// The scenario's name.
    pub name: String,
    /// The client's name.
    pub client: String,
    /// The user that was named in at least one call.
    pub user: Option<String>,
    /// By tool; also tools that do not exist, without the wish tool.
    pub tools: BTreeMap<String, ToolCount>,
    /// Calls that carried a `context` argument, wishes not counted.
    pub intents: usize,
    /// Wishes sent through `get_more_tools`.
    pub missing_reports: usize,
    /// Wishes that could not be sent, because no such tool was listed.
    pub unheard_wishes: usize,
    /// Resources and prompts that were asked for.
    pub readings: usize,
    /// Those of them that failed.
    pub failed_readings: usize,
    /// How long the session really took.
    pub elapsed: Duration,
}

/// Calls of one tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolCount {
    /// All calls, interrupted ones included.
    pub calls: usize,
    /// Results with `isError`.
    pub tool_errors: usize,
    /// JSON-RPC errors.
    pub protocol_errors: usize,
    /// Calls that were cancelled before they ended.
    pub cancelled: usize,
}

impl SessionReport {
    /// The counts of all tools added up.
    pub fn total(&self) -> ToolCount {
        let mut total = ToolCount::default();
        for count in self.tools.values() {
            total.add(count);
        }
        total
    }
}

impl ToolCount {
    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.tool_errors += other.tool_errors;
        self.protocol_errors += other.protocol_errors;
        self.cancelled += other.cancelled;
    }
}

/// Plays `scenario` through the MCP server that `command` starts, until its steps are done or `stop` says true.
///
/// The child's standard error is kept back and shows up in the error text only.
///
/// # Errors
/// When the command does not start, is no MCP server, or goes away in the middle. Failing tools are no errors.
pub async fn play(
    scenario: &Scenario,
    mut command: Command,
    pace: Pace,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<SessionReport> {
    command.kill_on_drop(true);
    let (child, stderr) = TokioChildProcess::builder(command)
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("session {}: the server's command does not start", scenario.name))?;
    let complaints = tokio::spawn(async move {
        let mut text = Vec::new();
        if let Some(stderr) = stderr {
            // Bounded: what comes after the first 64 KiB is read and forgotten.
            let mut stderr = stderr;
            let mut buffer = [0_u8; 4_096];
            while let Ok(n @ 1..) = stderr.read(&mut buffer).await {
                if text.len() < 65_536 {
                    text.extend_from_slice(&buffer[..n]);
                }
            }
        }
        String::from_utf8_lossy(&text).trim().to_owned()
    });
    match play_over(scenario, child, pace, stop).await {
        Ok(report) => Ok(report),
        Err(error) => {
            let said = timeout(Duration::from_secs(1), complaints).await;
            let said = said.ok().and_then(Result::ok).unwrap_or_default();
            let error = error.context(format!("session {}", scenario.name));
            Err(if said.is_empty() { error } else { error.context(said) })
        }
    }
}

/// Plays a scenario over any transport.
pub(super) async fn play_over<T, E, A>(
    scenario: &Scenario,
    transport: T,
    pace: Pace,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<SessionReport>
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let begun = Instant::now();
    let client = connect(scenario, transport).await?;
    let tools = timeout(PATIENCE, client.list_all_tools()).await.context("no tool list in time")??;
    let asks = tools.iter().map(|tool| (tool.name.to_string(), Asks::of(&tool.input_schema))).collect();
    let mut player = Player {
        scenario,
        peer: client.peer().clone(),
        asks,
        pace,
        stop,
        dice: Dice::new(scenario.server.seed, "pauses"),
        calls: 0,
        report: SessionReport {
            name: scenario.name.clone(),
            client: scenario.client.name.to_owned(),
            ..SessionReport::default()
        },
    };
    let played = player.steps().await;
    let mut report = player.report;
    close(client).await?;
    played?;
    report.elapsed = begun.elapsed();
    Ok(report)
}

/// What a tool's schema asks of the caller.
#[derive(Clone, Copy)]
struct Asks {
    context: bool,
    user: bool,
}

impl Asks {
    fn of(schema: &Map<String, Value>) -> Self {
        let has =
            |name: &str| schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
        Self { context: has("context"), user: has("user") }
    }
}

type Client = RunningService<RoleClient, ClientConfig>;

async fn connect<T, E, A>(scenario: &Scenario, transport: T) -> anyhow::Result<Client>
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let info = Implementation::new(scenario.client.name, scenario.client.version);
    let config = ClientConfig::new(ClientCapabilities::default(), info);
    let (config, lifecycle) = match &scenario.client.era {
        Era::Legacy(version) => {
            (config.with_protocol_version(version.clone()), ClientLifecycleMode::Initialize)
        }
        Era::Modern => {
            let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
            (config, ClientLifecycleMode::Discover { preferred_versions })
        }
    };
    timeout(PATIENCE, config.serve_with_lifecycle(transport, lifecycle))
        .await
        .context("the server did not answer the opening in time")?
        .context("the server did not open an MCP session")
}

async fn close(client: Client) -> anyhow::Result<()> {
    timeout(PATIENCE, client.cancel()).await.context("the server did not end in time")??;
    Ok(())
}

/// How one call ended.
enum Ending {
    Good,
    /// The error says that the same call may work later.
    Passing,
    /// The error says that the call is wrong.
    Final,
}

struct Player<'a> {
    scenario: &'a Scenario,
    peer: Peer<RoleClient>,
    asks: HashMap<String, Asks>,
    pace: Pace,
    stop: watch::Receiver<bool>,
    dice: Dice,
    calls: usize,
    report: SessionReport,
}

impl Player<'_> {
    async fn steps(&mut self) -> anyhow::Result<()> {
        for step in &self.scenario.steps {
            if self.pause(1).await.is_break() {
                return Ok(());
            }
            match step {
                Step::Call(call) => self.insist(call).await?,
                Step::Together(calls) => self.together(calls).await?,
                Step::Interrupted(call, after) => self.interrupt(call, *after).await?,
                Step::ListResources => {
                    timeout(PATIENCE, self.peer.list_all_resources()).await??;
                    timeout(PATIENCE, self.peer.list_all_resource_templates()).await??;
                }
                Step::Read(uri) => {
                    let read = self.peer.read_resource_once(ReadResourceRequestParams::new(uri.clone()));
                    let read = timeout(PATIENCE, read).await?;
                    self.count_reading(read)?;
                }
                Step::ListPrompts => {
                    timeout(PATIENCE, self.peer.list_all_prompts()).await??;
                }
                Step::Prompt(name, args) => {
                    let params = GetPromptRequestParams::new(*name).with_arguments(args.clone());
                    let got = timeout(PATIENCE, self.peer.get_prompt_once(params)).await?;
                    self.count_reading(got)?;
                }
                Step::Wish(wish) => self.wish(wish).await?,
                Step::Think(times) => {
                    if self.pause(*times).await.is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes a call and, when it fails, does what the script and the error text suggest.
    async fn insist(&mut self, call: &Call) -> anyhow::Result<()> {
        let mut next = Some(call);
        while let Some(call) = next {
            let (mut retries, mut stubborn) = (RETRIES, call.stubborn);
            let mut intent = call.intent.clone();
            loop {
                match self.once(call, &intent).await? {
                    Ending::Good => return Ok(()),
                    Ending::Passing if retries > 0 => {
                        retries -= 1;
                        intent = format!("Try again, the error looked temporary: {}", call.intent);
                    }
                    Ending::Passing | Ending::Final if stubborn > 0 => {
                        stubborn -= 1;
                        intent =
                            format!("Call {} once more with the same arguments. {}", call.tool, call.intent);
                    }
                    Ending::Passing | Ending::Final => break,
                }
                if self.pause(1).await.is_break() {
                    return Ok(());
                }
            }
            next = call.fix.as_deref();
            if next.is_some() && self.pause(1).await.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn once(&mut self, call: &Call, intent: &str) -> anyhow::Result<Ending> {
        let params = self.params(call, intent);
        let answered =
            timeout(PATIENCE, self.peer.call_tool_once(params)).await.context("no answer in time")?;
        self.count(call.tool, answered)
    }

    async fn together(&mut self, calls: &[Call]) -> anyhow::Result<()> {
        let peer = self.peer.clone();
        let requests: Vec<_> = calls.iter().map(|call| self.params(call, &call.intent)).collect();
        let answers =
            join_all(requests.into_iter().map(|params| timeout(PATIENCE, peer.call_tool_once(params)))).await;
        for (call, answered) in calls.iter().zip(answers) {
            self.count(call.tool, answered.context("no answer in time")?)?;
        }
        Ok(())
    }

    async fn interrupt(&mut self, call: &Call, after: Duration) -> anyhow::Result<()> {
        let request = CallToolRequest::new(self.params(call, &call.intent));
        let request = ClientRequest::CallToolRequest(request);
        let mut handle =
            self.peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await?;
        let count = self.report.tools.entry(call.tool.to_owned()).or_default();
        count.calls += 1;
        match timeout(after, &mut handle.rx).await {
            // It was faster than the person: then it is an ordinary call, good or bad.
            Ok(Ok(Ok(result))) => {
                let failed = matches!(&result, rmcp::model::ServerResult::CallToolResult(r) if r.is_error == Some(true));
                count.tool_errors += usize::from(failed);
            }
            Ok(Ok(Err(ServiceError::McpError(_)))) => count.protocol_errors += 1,
            Ok(Ok(Err(error))) => return Err(error.into()),
            Ok(Err(_)) => bail!("the server went away"),
            Err(_) => {
                count.cancelled += 1;
                handle.cancel(Some("the person pressed stop".into())).await?;
            }
        }
        Ok(())
    }

    async fn wish(&mut self, wish: &str) -> anyhow::Result<()> {
        if !self.asks.contains_key(WISH_TOOL) {
            self.report.unheard_wishes += 1;
            return Ok(());
        }
        let args = Map::from_iter([("context".to_owned(), Value::from(wish))]);
        let params = CallToolRequestParams::new(WISH_TOOL).with_arguments(args);
        timeout(PATIENCE, self.peer.call_tool_once(params)).await.context("no answer in time")??;
        self.report.missing_reports += 1;
        Ok(())
    }

    /// The request an agent would send: the script's arguments, and what the schema asks for besides.
    fn params(&mut self, call: &Call, intent: &str) -> CallToolRequestParams {
        let mut args = call.args.clone();
        let asks = self.asks.get(call.tool).copied().unwrap_or(Asks { context: false, user: false });
        let named = self.calls >= self.scenario.anonymous_calls;
        self.calls += 1;
        if let Some(user) = self.scenario.user
            && asks.user
            && named
        {
            args.insert("user".into(), Value::from(user));
            self.report.user = Some(user.to_owned());
        }
        if asks.context {
            args.insert("context".into(), Value::from(intent));
            self.report.intents += 1;
        }
        CallToolRequestParams::new(call.tool).with_arguments(args)
    }

    fn count(
        &mut self,
        tool: &str,
        answered: Result<CallToolResponse, ServiceError>,
    ) -> anyhow::Result<Ending> {
        let count = self.report.tools.entry(tool.to_owned()).or_default();
        count.calls += 1;
        match answered {
            Ok(CallToolResponse::Complete(result)) if result.is_error == Some(true) => {
                count.tool_errors += 1;
                let text: String = result
                    .content
                    .iter()
                    .filter_map(|block| block.as_text())
                    .map(|text| text.text.as_str())
                    .collect();
                Ok(if is_passing(&text) { Ending::Passing } else { Ending::Final })
            }
            Ok(_) => Ok(Ending::Good),
            Err(ServiceError::McpError(error)) => {
                count.protocol_errors += 1;
                Ok(if is_passing(&error.message) { Ending::Passing } else { Ending::Final })
            }
            Err(error) => Err(anyhow!(error).context(format!("calling {tool}"))),
        }
    }

    fn count_reading<R>(&mut self, read: Result<R, ServiceError>) -> anyhow::Result<()> {
        self.report.readings += 1;
        match read {
            Ok(_) => Ok(()),
            Err(ServiceError::McpError(_)) => {
                self.report.failed_readings += 1;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits as long as `times` ordinary pauses; breaks off when the session is to end.
    async fn pause(&mut self, times: u32) -> ControlFlow<()> {
        let drawn = u64::try_from(self.dice.below(1_000)).unwrap_or(0);
        let one = match self.pace {
            Pace::Compressed => Duration::from_millis(15 + drawn / 12),
            Pace::RealTime => Duration::from_millis(2_000 + drawn * 3),
        };
        match timeout(one * times, told_to_stop(&mut self.stop)).await {
            Ok(true) => ControlFlow::Break(()),
            // Nobody is left who could say stop: go on, after the pause.
            Ok(false) => {
                tokio::time::sleep(one * times).await;
                ControlFlow::Continue(())
            }
            Err(_) => ControlFlow::Continue(()),
        }
    }
}

/// Waits until `stop` says true; false when nobody is left who could say so.
pub(super) async fn told_to_stop(stop: &mut watch::Receiver<bool>) -> bool {
    stop.wait_for(|stop| *stop).await.is_ok()
}

/// Whether an error text tells the caller that trying again may help.
fn is_passing(text: &str) -> bool {
    ["try again", "503", "rate limit", "connection pool"].iter().any(|hint| text.contains(hint))
}
