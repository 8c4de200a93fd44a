//! What one scripted agent session is: who, with which client, when, and step by step what it does.
//!
//! Made by `calendar` from the `scripts`, played by `play`. Invariant: a scenario is data; it holds no handle and can be
//! compared, which is how the tests show that the demo is the same for the same seed.

use std::time::Duration;

use jiff::Timestamp;
use rmcp::model::ProtocolVersion;
use serde_json::{Map, Value};

use crate::options::ShopOptions;

/// One agent session.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// A short name, unique in one load, for progress and error texts.
    pub name: String,
    /// The program the agent lives in.
    pub client: Client,
    /// The e-mail that is sent as the argument `user`; `None` in an anonymous session.
    pub user: Option<&'static str>,
    /// What is known of the person, their account and the model, as the JSON object that `wrap --demo-facts` takes.
    pub facts: Value,
    /// How many calls are made before the user is named: 0 means from the first one.
    pub anonymous_calls: usize,
    /// What the agent is after, in one sentence.
    pub goal: String,
    /// When the session is to have begun.
    pub start: Timestamp,
    /// Recorded seconds for one real second.
    pub scale: u32,
    /// How the server is started.
    pub server: ShopOptions,
    /// What happens.
    pub steps: Vec<Step>,
}

/// The program an agent lives in, as it names itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `clientInfo.name`.
    pub name: &'static str,
    /// `clientInfo.version`.
    pub version: &'static str,
    /// Which kind of the protocol it speaks.
    pub era: Era,
}

/// The two kinds of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Era {
    /// Opened by `initialize`, with this revision.
    Legacy(ProtocolVersion),
    /// 2026-07-28: no handshake, every request says who sends it.
    Modern,
}

/// One step of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// One tool call, with what the agent does when it fails.
    Call(Call),
    /// Several calls at the same time.
    Together(Vec<Call>),
    /// A call that the person interrupts after this time.
    Interrupted(Call, Duration),
    /// Lists the resources and their templates.
    ListResources,
    /// Reads a resource.
    Read(String),
    /// Lists the prompts.
    ListPrompts,
    /// Takes a prompt with its arguments.
    Prompt(&'static str, Map<String, Value>),
    /// Says through `get_more_tools` what is missing.
    Wish(String),
    /// The agent thinks, or the person reads: so many ordinary pauses.
    Think(u32),
}

/// One tool call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The tool.
    pub tool: &'static str,
    /// Its arguments, without `user` and `context`.
    pub args: Map<String, Value>,
    /// Why the agent makes the call.
    pub intent: String,
    /// How often the same call is made again when it fails, whatever the error says.
    pub stubborn: u32,
    /// What the agent tries next when the call failed for good.
    pub fix: Option<Box<Call>>,
}

impl Scenario {
    /// The value of `wrap`'s `--demo-clock`: start and scale.
    pub fn demo_clock(&self) -> String {
        format!("{},{}", self.start, self.scale)
    }

    /// The arguments of the hidden verb that starts this session's server.
    pub fn server_args(&self) -> Vec<String> {
        self.server.to_args()
    }
}

impl Call {
    /// A call with these arguments (a JSON object) and this intent.
    pub(crate) fn new(tool: &'static str, args: Value, intent: impl Into<String>) -> Self {
        let args = match args {
            Value::Object(args) => args,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Map::new()
            }
        };
        Self { tool, args, intent: intent.into(), stubborn: 0, fix: None }
    }

    /// The same, made again this many times while it fails.
    pub(crate) fn stubborn(mut self, times: u32) -> Self {
        self.stubborn = times;
        self
    }

    /// The same, followed by `next` when it failed for good. A call has one fix; the fix of a fix is its own.
    pub(crate) fn or(mut self, next: Self) -> Self {
        self.fix = Some(Box::new(next));
        self
    }
}

impl From<Call> for Step {
    fn from(call: Call) -> Self {
        Self::Call(call)
    }
}
