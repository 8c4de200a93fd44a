//! A real agent in a process of its own, driven by JSON lines: TypeScript or Python, around a published SDK.
//!
//! Used by the tests beside this file. Invariant: an agent that does not answer within its deadline fails the test, and
//! its process is ended with it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// No command may take longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// The published SDK in the server that the agent uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sdk {
    /// npm `agentcat` 1.0.1.
    AgentCatNode,
    /// npm `mcpcat` 0.1.17.
    McpCatNode,
    /// PyPI `agentcat` 2.1.0.
    AgentCatPython,
}

/// How agent and server talk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport {
    /// Standard input and output.
    Stdio,
    /// Streamable HTTP with sessions.
    Http,
}

/// What the server's `identify` callback knows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Identify {
    /// There is no callback.
    None,
    /// The same person from the first request on.
    Start,
    /// Nobody until the tool `login` was called.
    Late,
    /// The person in the argument `user`.
    Argument,
}

/// The agent and the server it started.
pub(crate) struct Agent {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    // Where the SDK writes its own log; removed with the agent.
    _home: tempfile::TempDir,
}

/// How one tool call ended, as the agent saw it.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The text blocks, joined.
    pub(crate) text: String,
    /// Whether the tool said it failed.
    pub(crate) is_error: bool,
}

impl Agent {
    /// Starts an agent that calls itself `client` (name, version), and its server with `sdk`, which reports to
    /// `endpoint` as `project`.
    pub(crate) fn start(
        sdk: Sdk,
        transport: Transport,
        identify: Identify,
        client: (&str, &str),
        endpoint: &str,
        project: &str,
    ) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let mut command = match sdk {
            Sdk::AgentCatNode => node("agentcat", transport, identify, client)?,
            Sdk::McpCatNode => node("mcpcat", transport, identify, client)?,
            Sdk::AgentCatPython => python(transport, identify, client)?,
        };
        let mut child = command
            .env("HOME", home.path())
            .env("DISABLE_DIAGNOSTICS", "true")
            .env("AGENTCAT_API_URL", endpoint)
            .env("MCPCAT_API_URL", endpoint)
            .env("TRACKWAY_PROJECT", project)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?} does not start"))?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, stdin, lines, _home: home })
    }

    /// The names of the tools, each with the arguments its schema requires.
    pub(crate) fn list(&mut self) -> Result<Vec<(String, Vec<String>)>> {
        let answer = self.command(&json!({ "do": "list" }))?;
        let tools = answer["tools"].as_array().with_context(|| format!("no tools in {answer}"))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(tools
            .iter()
            .map(|tool| {
                let required = tool["required"].as_array().map(|list| list.iter().map(text).collect());
                (text(&tool["name"]), required.unwrap_or_default())
            })
            .collect())
    }

    /// Calls a tool.
    pub(crate) fn call(&mut self, tool: &str, args: Value) -> Result<Answer> {
        let answer = self.command(&json!({ "do": "call", "tool": tool, "args": args }))?;
        ensure!(answer["error"].is_null(), "calling {tool}: {answer}");
        Ok(Answer {
            text: answer["text"].as_str().unwrap_or_default().to_owned(),
            is_error: answer["isError"] == true,
        })
    }

    /// Whether the server's process still runs.
    pub(crate) fn server_lives(&mut self) -> Result<bool> {
        Ok(self.command(&json!({ "do": "alive" }))?["alive"] == true)
    }

    /// Closes the session and ends the server.
    pub(crate) fn close(mut self) -> Result<()> {
        ensure!(self.command(&json!({ "do": "close" }))?["closed"] == true, "the agent did not close");
        Ok(())
    }

    fn command(&mut self, command: &Value) -> Result<Value> {
        writeln!(self.stdin, "{command}").with_context(|| format!("the agent is gone before {command}"))?;
        self.stdin.flush()?;
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => serde_json::from_str(&line).with_context(|| format!("the agent said {line:?}")),
            Err(_) => bail!("the agent does not answer {command}"),
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Its server ends with the pipe that this closes, or by the agent's own end.
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn node(sdk: &str, transport: Transport, identify: Identify, client: (&str, &str)) -> Result<Command> {
    let identify = match identify {
        Identify::None => "none",
        Identify::Start => "start",
        Identify::Late => "late",
        Identify::Argument => bail!("the JavaScript server has no identity by argument"),
    };
    let transport = match transport {
        Transport::Stdio => "stdio",
        Transport::Http => "http",
    };
    let mut command = Command::new("node");
    command.arg(node_program()?).args(["--sdk", sdk, "--identify", identify, "--transport", transport]);
    command.args(["--client", client.0, "--version", client.1]);
    Ok(command)
}

fn python(transport: Transport, identify: Identify, client: (&str, &str)) -> Result<Command> {
    let identify = match identify {
        Identify::None => "none",
        Identify::Argument => "argument",
        Identify::Start | Identify::Late => bail!("the Python server identifies by argument only"),
    };
    ensure!(matches!(transport, Transport::Stdio), "the Python server speaks stdio only");
    let here = sources().join("python");
    let interpreter =
        std::env::var_os("TRACKWAY_TEST_PYTHON").map_or_else(|| here.join(".venv/bin/python"), PathBuf::from);
    ensure!(
        interpreter.exists(),
        "no Python with the published SDK at {}: run `cargo xtask test`, or see tests/python/README.md",
        interpreter.display()
    );
    let mut command = Command::new(interpreter);
    command.arg(here.join("agent.py")).args([identify, client.0, client.1]);
    Ok(command)
}

/// The agent's program beside the installed packages: a module finds them from its own place only.
fn node_program() -> Result<PathBuf> {
    let here = sources().join("node");
    let home = std::env::var_os("TRACKWAY_TEST_NODE").map_or_else(|| here.clone(), PathBuf::from);
    ensure!(
        home.join("node_modules/agentcat").exists(),
        "no published SDK in {}: run `cargo xtask test`, or see tests/node/README.md",
        home.display()
    );
    if home != here {
        for program in ["agent.mjs", "server.mjs"] {
            let text = std::fs::read(here.join(program))?;
            // Tests run in parallel: a file that is right already is left alone, a new one appears at once.
            if std::fs::read(home.join(program)).ok().as_ref() != Some(&text) {
                let part = tempfile::NamedTempFile::new_in(&home)?;
                std::fs::write(part.path(), &text)?;
                part.persist(home.join(program))?;
            }
        }
    }
    Ok(home.join("agent.mjs"))
}

fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
