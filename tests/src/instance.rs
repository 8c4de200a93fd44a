//! One running `trackway serve` with a data directory of its own.
//!
//! Used by every black-box test. The binary is `TRACKWAY_BIN`, else the release build, else the debug build. Invariant:
//! every wait has a deadline; the process is ended by its id when the value goes away.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// `serve` is ready within this time, and gone within this time of a signal.
const DEADLINE: Duration = Duration::from_secs(15);

/// A running server on loopback.
#[derive(Debug)]
pub struct Instance {
    binary: PathBuf,
    data: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
    http: ureq::Agent,
}

impl Instance {
    /// Starts the binary with a fresh data directory on a free port and waits until it is ready.
    ///
    /// # Errors
    /// When there is no binary, or it is not ready in time; the text holds what it printed.
    pub fn start() -> Result<Self> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(20)))
            .http_status_as_error(false)
            .build();
        let mut instance = Self {
            binary: binary()?,
            data: tempfile::tempdir()?,
            port: free_port()?,
            child: None,
            http: config.into(),
        };
        instance.start_again()?;
        Ok(instance)
    }

    /// The address of the server, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// The id of the server's process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// What the server has printed so far, both streams.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Starts the server on the same port and data again, after [`Instance::stop`] or [`Instance::kill`].
    ///
    /// # Errors
    /// When it is not ready in time.
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(self.child.is_none(), "the server runs already");
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let child = Command::new(&self.binary)
            .arg("serve")
            .arg("--data")
            .arg(self.data())
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} does not start", self.binary.display()))?;
        self.child = Some(child);
        let begun = Instant::now();
        loop {
            let ready = self.http.get(format!("{}/health/ready", self.url())).call();
            if ready.is_ok_and(|answer| answer.status() == 200) {
                return Ok(());
            }
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                self.child = None;
                bail!("serve ended with {status}:\n{}", self.log());
            }
            ensure!(begun.elapsed() < DEADLINE, "serve is not ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks the server to end (SIGTERM) and waits for it.
    ///
    /// # Errors
    /// When it does not end in time, or not with 0.
    pub fn stop(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server does not run")?;
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        ensure!(asked.success(), "the server could not be signalled");
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(status.success(), "serve ended with {status}:\n{}", self.log());
                return Ok(());
            }
            if begun.elapsed() > DEADLINE {
                self.child = Some(child);
                bail!("serve does not end:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the server at once (SIGKILL).
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Runs a verb of the binary on the same data directory and gives what it printed.
    ///
    /// # Errors
    /// When it ends with anything but 0; the text holds what it complained about.
    pub fn cli(&self, args: &[&str]) -> Result<String> {
        let output = Command::new(&self.binary).arg("--data").arg(self.data()).args(args).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "trackway {args:?} ended with {}: {complaint}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Gets a JSON document with a bearer token.
    ///
    /// # Errors
    /// When the answer is not 200 or not JSON.
    pub fn get(&self, path: &str, token: &str) -> Result<Value> {
        let request = self.http.get(format!("{}{path}", self.url()));
        let mut answer = request.header("Authorization", format!("Bearer {token}")).call()?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string()?;
        ensure!(status == 200, "GET {path}: {status} {text}");
        serde_json::from_str(&text).with_context(|| format!("GET {path}: {text}"))
    }

    fn log_path(&self) -> PathBuf {
        self.data.path().join("serve.log")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _already_gone = child.kill();
            let _status = child.wait();
        }
    }
}

fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("TRACKWAY_BIN") {
        return Ok(path.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let found = ["release", "debug"]
        .iter()
        .map(|build| target.join(build).join("trackway"))
        .find(|path| path.exists());
    found.context("there is no trackway binary: build it with `cargo build --release`, or set TRACKWAY_BIN")
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
