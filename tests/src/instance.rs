//! A server under test: started on a free port, stopped, killed, started again on the same data.
//!
//! Used by every test that needs a server. Invariants: the process never outlives the [`Instance`]; what the server said is
//! kept in `target/artifacts`, under the name of the test; no test ends well whose server counts wrongly ([`conserved`]).

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::{self, Output, clean};
use crate::conserved::{self, Told};
use crate::http::{self, Answer};
use crate::wait_for;

/// A server that is not ready by then will never be.
const START: Duration = Duration::from_secs(20);
/// The server's own limit for an orderly end is 10 s.
const STOP: Duration = Duration::from_secs(15);
/// No verb beside the server takes longer.
const VERB: Duration = Duration::from_secs(30);
/// What a verb changes the running server sees within 1 s (D33); a busy machine may take longer.
const SEEN: Duration = Duration::from_secs(5);
/// No list of a test has more pages.
const PAGES: usize = 10_000;

/// How a server is started.
#[derive(Debug, Default)]
pub struct Setup {
    /// More arguments of `serve`.
    pub args: Vec<String>,
    /// More environment.
    pub variables: Vec<(String, String)>,
    /// A data directory of the test's own, instead of a fresh one.
    pub data: Option<PathBuf>,
    /// Not asked at its end whether it counts what came in: it cannot answer, or its ledger was tampered with.
    pub unchecked: bool,
}

/// A server under test.
pub struct Instance {
    setup: Setup,
    child: Option<Child>,
    home: TempDir,
    data: PathBuf,
    port: u16,
    client: ureq::Agent,
    told: Mutex<Told>,
}

impl Instance {
    /// A server on a fresh data directory, ready.
    ///
    /// # Errors
    /// When it is not ready in time, with its output.
    pub fn start() -> Result<Self> {
        Self::start_with(Setup::default())
    }

    /// A server with a setup of the test's own, ready.
    ///
    /// # Errors
    /// When it is not ready in time, with its output.
    pub fn start_with(setup: Setup) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let data = setup.data.clone().unwrap_or_else(|| home.path().join("data"));
        let mut instance = Self {
            setup,
            child: None,
            home,
            data,
            port: free_port()?,
            client: http::client(),
            told: Mutex::default(),
        };
        instance.start_again()?;
        Ok(instance)
    }

    /// Starts the stopped or killed server again, on the same port and data.
    ///
    /// # Errors
    /// When it is not ready in time, with its output.
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(self.child.is_none(), "the server is running already");
        let mut command = self.command(&["serve", "--listen", &format!("127.0.0.1:{}", self.port)])?;
        command.args(&self.setup.args).stdin(Stdio::null());
        let append = |path: PathBuf| File::options().create(true).append(true).open(path);
        command.stdout(append(self.stdout_file())?).stderr(append(self.stderr_file())?);
        self.child = Some(command.spawn().with_context(|| format!("{command:?} does not start"))?);
        let ready = format!("{}/health/ready", self.url());
        let client = self.client.clone();
        let child = &mut self.child;
        let got = wait_for("the server to be ready", START, || {
            if let Some(status) = child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                bail!("the server ended at once: {status}");
            }
            Ok(http::get(&client, &ready, &[]).ok().filter(|answer| answer.status == 200))
        });
        got.map(drop).with_context(|| self.output())
    }

    /// Ends the server in order, as a service manager does.
    ///
    /// # Errors
    /// When it does not end with code 0 within its time.
    pub fn stop(&mut self) -> Result<()> {
        let status = self.end_with("TERM")?;
        ensure!(status.success(), "the server ended with {status}\n{}", self.output());
        Ok(())
    }

    /// Sends a signal by name and waits for the end.
    ///
    /// # Errors
    /// When the server is not running, or does not end in time.
    pub fn end_with(&mut self, signal: &str) -> Result<ExitStatus> {
        self.signal(signal)?;
        let child = self.child.as_mut().context("the server is not running")?;
        let status = wait_for("the server to end", STOP, || Ok(child.try_wait()?))?;
        self.child = None;
        Ok(status)
    }

    /// Sends a signal by name.
    ///
    /// # Errors
    /// When the server is not running.
    pub fn signal(&self, name: &str) -> Result<()> {
        let pid = self.pid()?.to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status()?;
        ensure!(sent.success(), "signal {name} could not be sent to {pid}");
        Ok(())
    }

    /// Ends the server at once, with no chance to tidy up (SIGKILL).
    ///
    /// # Errors
    /// When the server is not running.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server is not running")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// The process id.
    ///
    /// # Errors
    /// When the server is not running.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.child.as_ref().context("the server is not running")?.id())
    }

    /// Where it serves, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port it serves on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What it has printed on standard output.
    pub fn stdout(&self) -> String {
        std::fs::read_to_string(self.stdout_file()).unwrap_or_default()
    }

    /// What it has printed on standard error.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.stderr_file()).unwrap_or_default()
    }

    /// Runs a verb on the same data directory and gives its standard output.
    ///
    /// # Errors
    /// When it does not end with code 0, with what it said.
    pub fn cli(&self, args: &[&str]) -> Result<String> {
        let output = self.run_cli(args)?;
        ensure!(output.code == Some(0), "trackway {args:?} ended with {:?}: {}", output.code, output.stderr);
        Ok(output.stdout)
    }

    /// Runs a verb on the same data directory, whatever its end.
    ///
    /// # Errors
    /// When it does not start or does not end.
    pub fn run_cli(&self, args: &[&str]) -> Result<Output> {
        binary::run(self.command(args)?, VERB)
    }

    /// Makes a project and a token that may read it, and waits until the server knows both.
    ///
    /// # Errors
    /// When a verb fails, or the server does not see what it did.
    pub fn project(&self, id: &str) -> Result<String> {
        self.cli(&["project", "create", id, "--id", id])?;
        let token = self.token(id, "read")?;
        let bearer = format!("Bearer {token}");
        let path = format!("/api/v1/projects/{id}/sessions");
        wait_for("the server to know the new project", SEEN, || {
            Ok(Some(self.get_with(&path, &[("authorization", &bearer)])?)
                .filter(|answer| answer.status == 200))
        })?;
        Ok(token)
    }

    /// Makes a token for a project.
    ///
    /// # Errors
    /// When the verb fails.
    pub fn token(&self, project: &str, scope: &str) -> Result<String> {
        let token = self.cli(&["token", "create", "--project", project, "--scope", scope])?;
        Ok(token.trim().to_owned())
    }

    /// The JSON answer to a GET with a bearer token.
    ///
    /// # Errors
    /// When the status is not 200.
    pub fn get(&self, path: &str, token: &str) -> Result<Value> {
        let answer = self.get_with(path, &[("authorization", &format!("Bearer {token}"))])?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text);
        answer.json()
    }

    /// Every row of a list of one project, page after page. `path` is what follows the project, with its query.
    ///
    /// # Errors
    /// When a page is refused, or the cursor goes round.
    pub fn list(&self, project: &str, path: &str, token: &str) -> Result<Vec<Value>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut rows = Vec::new();
        let mut after = String::new();
        for _ in 0..PAGES {
            let page = self.get(&format!("/api/v1/projects/{project}/{path}{joint}n=100{after}"), token)?;
            rows.extend(
                page["items"].as_array().with_context(|| format!("{path}: no items"))?.iter().cloned(),
            );
            match page["next"].as_str() {
                Some(cursor) => after = format!("&after={cursor}"),
                None => return Ok(rows),
            }
        }
        bail!("{path}: more than {PAGES} pages")
    }

    /// Whatever answer to a GET.
    ///
    /// # Errors
    /// When there is none.
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        http::get(&self.client, &format!("{}{path}", self.url()), headers)
    }

    /// Whatever answer to a POST.
    ///
    /// # Errors
    /// When there is none.
    pub fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        http::post(&self.client, &format!("{}{path}", self.url()), headers, body)
    }

    /// Whatever answer to a POST of JSON.
    ///
    /// # Errors
    /// When there is none.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.post_with(path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Sends a native batch and gives the outcome of each event, in order.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub fn ingest(&self, batch: &Value) -> Result<Vec<String>> {
        let answer = self.post("/api/v1/ingest", batch)?;
        ensure!(answer.status == 200, "ingest: {} {}", answer.status, answer.text);
        let answer = answer.json()?;
        let results = answer["results"].as_array().context("results")?;
        let outcomes: Vec<String> =
            results.iter().filter_map(|result| result["outcome"].as_str().map(str::to_owned)).collect();
        let count = |what: &str| outcomes.iter().filter(|outcome| *outcome == what).count() as u64;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.stored += count("stored");
        told.dropped += count("dropped");
        drop(told);
        Ok(outcomes)
    }

    /// The binary, with this data directory and clean variables.
    ///
    /// # Errors
    /// When there is no binary.
    pub fn command(&self, args: &[&str]) -> Result<Command> {
        let mut command = clean(binary::binary()?);
        command.args(args).env("TRACKWAY_DATA", &self.data).env("HOME", self.home.path());
        command.envs(self.setup.variables.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    fn stdout_file(&self) -> PathBuf {
        self.home.path().join("stdout")
    }

    fn stderr_file(&self) -> PathBuf {
        self.home.path().join("stderr")
    }

    fn output(&self) -> String {
        format!("the server said:\n{}{}", self.stdout(), self.stderr())
    }

    /// Keeps what the server said for whoever looks at a failure.
    fn keep_output(&self) {
        let dir = binary::artifacts().join("servers");
        let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
        let kept = std::fs::create_dir_all(&dir)
            .and_then(|()| std::fs::write(dir.join(format!("{name}-{}.log", self.port)), self.output()));
        if let Err(error) = kept {
            eprintln!("the server's output could not be kept: {error}\n{}", self.output());
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let conserved = match &self.child {
            Some(_) if !std::thread::panicking() && !self.setup.unchecked => conserved::check(self, told),
            Some(_) | None => Ok(()),
        };
        self.keep_output();
        if let Some(mut child) = self.child.take() {
            // Gone already is as good as killed.
            let _gone = child.kill();
            let _gone = child.wait();
        }
        #[expect(clippy::panic, reason = "the only way in which an end can fail a test")]
        if let Err(error) = conserved {
            panic!("what came in is not what is counted: {error:?}");
        }
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
