//! A minimal MCP client of the shop behind `trackway wrap`, line by line, so that a test sees every byte.
//!
//! Used by the tests of `wrap` and of what it may not record. Invariant: an agent that gets no answer in time fails its
//! test, and its processes end with it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::binary::{binary, clean};
use crate::wait_for;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// An agent, its wrapper and its server.
pub struct Agent {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    next: u64,
    _home: tempfile::TempDir,
}

impl Agent {
    /// Starts the shop behind `wrap` for this project, and opens the MCP session as client `black-box`.
    ///
    /// # Errors
    /// When the session cannot be opened.
    pub fn start(project: &str, endpoint: &str, flags: &[&str]) -> Result<Self> {
        let shop = binary()?;
        let shop = shop.to_str().context("UTF-8")?;
        Self::around(project, endpoint, flags, &[shop, "__shop", "--seed", "3"])
    }

    /// The same with another server.
    ///
    /// # Errors
    /// When the session cannot be opened.
    pub fn around(project: &str, endpoint: &str, flags: &[&str], server: &[&str]) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let binary = binary()?;
        let mut command = clean(&binary);
        command.env("HOME", home.path());
        command
            .args(["wrap", "--project", project, "--endpoint", endpoint])
            .args(flags)
            .arg("--")
            .args(server);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("stdout")?;
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let mut agent = Self { stdin: child.stdin.take(), child, lines, next: 0, _home: home };
        agent.ask(
            "initialize",
            json!({ "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": { "name": "black-box", "version": "1.0" } }),
        )?;
        agent.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(agent)
    }

    /// Calls a tool and gives the whole answer.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Result<Value> {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Sends a request and gives the whole answer.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn ask(&mut self, method: &str, params: Value) -> Result<Value> {
        self.next += 1;
        let id = self.next;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let line = self.lines.recv_timeout(PATIENCE).with_context(|| format!("no answer to {method}"))?;
            let answer: Value = serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
            if answer["id"] == id {
                return Ok(answer);
            }
        }
    }

    fn say(&mut self, message: &Value) -> Result<()> {
        let stdin = self.stdin.as_mut().context("the input is closed")?;
        writeln!(stdin, "{message}")?;
        Ok(stdin.flush()?)
    }

    /// Closes the input, as a client does when it ends, and gives the exit code.
    ///
    /// # Errors
    /// When the wrapper does not end in time.
    pub fn finish(mut self) -> Result<Option<i32>> {
        drop(self.stdin.take());
        let status = wait_for("the wrapper to end", PATIENCE, || Ok(self.child.try_wait()?))?;
        Ok(status.code())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Ended already in every test that passed.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
