//! Finding and running the binary.
//!
//! Used by `Instance` and by tests of verbs that do not serve.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a finished command left behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Where tests leave what is worth a look: `TRACKWAY_TEST_ARTIFACTS`, else `target/artifacts`.
pub fn artifacts() -> PathBuf {
    let named = std::env::var_os("TRACKWAY_TEST_ARTIFACTS").map(PathBuf::from);
    named.unwrap_or_else(|| repository().join("target/artifacts"))
}

/// The binary under test.
///
/// # Errors
/// When there is none, naming the command that builds it.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("TRACKWAY_BIN") {
        return Ok(PathBuf::from(path));
    }
    let target = repository().join("target");
    let found = ["release", "debug"].map(|profile| target.join(profile).join("trackway"));
    found.into_iter().find(|path| path.is_file()).context(
        "there is no trackway binary; run `cargo build --release -p trackway-cli` or set TRACKWAY_BIN",
    )
}

/// A command without the variables of the developer's own Trackway, AgentCat and MCPcat.
pub fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let own = name.to_string_lossy();
        if ["TRACKWAY_", "AGENTCAT_", "MCPCAT_"].iter().any(|prefix| own.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end, without standard input.
///
/// # Errors
/// When it does not start or does not end before the deadline (it is killed then).
pub fn run(mut command: Command, deadline: Duration) -> Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("{command:?} did not end within {deadline:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = |reader: std::thread::JoinHandle<String>| {
        reader.join().map_err(|_| anyhow::anyhow!("a pipe could not be read"))
    };
    Ok(Output { code: status.code(), stdout: text(stdout)?, stderr: text(stderr)? })
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // A pipe that breaks has given what it had.
            let _broken = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
