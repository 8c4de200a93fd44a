//! Fetches what the black-box tests need and the machine lacks: Chromium, Node, Python, and the published clients.
//!
//! Used by `test`, beside the builds. Packages come pinned: npm by `tests/node/package-lock.json`, PyPI by the hashes of
//! `tests/python/requirements.txt`, `agentcat1.txt` and `phoenix.txt`, Go by `tests/go/go.sum`. Invariant: nothing is written into the source tree.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::{root, target};

/// Where the tools are.
#[derive(Debug)]
pub(crate) struct Tools {
    /// The directory with `node_modules`.
    pub(crate) node: PathBuf,
    /// The interpreter that has the packages.
    pub(crate) python: PathBuf,
    /// The receiver of OTLP spans.
    pub(crate) phoenix: PathBuf,
    /// The interpreter that has the first generation of the AgentCat SDK.
    pub(crate) agentcat1: PathBuf,
    /// The program around the published SDK for Go.
    pub(crate) go: PathBuf,
    /// The browser.
    pub(crate) chromium: PathBuf,
}

impl Tools {
    /// The variables by which the tests find the tools.
    pub(crate) fn variables(&self) -> [(&'static str, &Path); 6] {
        [
            ("TRACKWAY_TEST_NODE", &self.node),
            ("TRACKWAY_TEST_PYTHON", &self.python),
            ("TRACKWAY_TEST_PHOENIX", &self.phoenix),
            ("TRACKWAY_TEST_AGENTCAT1", &self.agentcat1),
            ("TRACKWAY_TEST_GO", &self.go),
            ("TRACKWAY_TEST_CHROMIUM", &self.chromium),
        ]
    }
}

/// Fetches what is missing and prints the variables, for running single tests by hand.
///
/// # Errors
/// When a tool is missing and cannot be fetched.
pub(crate) fn run() -> Result<ExitCode> {
    for (name, path) in prepare()?.variables() {
        println!("export {name}={}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Names under which Chromium is installed.
const CHROMIUMS: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Makes sure of every tool, fetching what is missing.
///
/// # Errors
/// When a tool is missing and cannot be fetched.
pub(crate) fn prepare() -> Result<Tools> {
    let mut packages = Vec::new();
    if find(CHROMIUMS).is_none() {
        packages.push("chromium");
    }
    if find(&["node"]).is_none() {
        packages.push("nodejs");
    }
    if find(&["npm"]).is_none() {
        packages.push("npm");
    }
    if find(&["python3"]).is_none() {
        packages.push("python3");
    }
    if !makes_environments() {
        packages.push("python3-venv");
    }
    if find(&["go"]).is_none() {
        packages.push("golang-go");
    }
    install(&packages)?;
    let chromium = find(CHROMIUMS).context("there is no Chromium; install it, or say where it is on PATH")?;
    Ok(Tools {
        node: node_modules()?,
        python: environment("python", "requirements.txt")?,
        phoenix: environment("phoenix", "phoenix.txt")?.with_file_name("phoenix"),
        agentcat1: environment("agentcat1", "agentcat1.txt")?,
        go: go_program()?,
        chromium,
    })
}

/// The first of these programs on the path.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().flat_map(|name| dirs.iter().map(move |dir| dir.join(name))).find(|path| path.is_file())
}

fn makes_environments() -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", "import venv, ensurepip"]).stdout(Stdio::null()).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

/// Installs Debian packages, as root or through `sudo`.
fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let apt = find(&["apt-get"]).with_context(|| format!("{} missing; install them", packages.join(", ")))?;
    let user = Command::new("id").arg("-u").output().map(|output| output.stdout).unwrap_or_default();
    let run = |args: &[&str]| {
        let mut command = if user.trim_ascii() == b"0" {
            Command::new(&apt)
        } else {
            let mut sudo = Command::new("sudo");
            sudo.arg("-n").arg(&apt);
            sudo
        };
        command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
        quiet(command)
    };
    run(&["update", "-q"])?;
    let mut args = vec!["install", "-q", "-y", "--no-install-recommends"];
    args.extend(packages);
    run(&args)
}

/// The npm packages of the lock file, in a directory of their own.
fn node_modules() -> Result<PathBuf> {
    let dir = target().join("tests/node");
    let sources =
        ["package.json", "package-lock.json", ".npmrc"].map(|name| root().join("tests/node").join(name));
    fetched_once(&dir, &sources, || {
        for source in &sources {
            let name = source.file_name().context("a file has a name")?;
            std::fs::copy(source, dir.join(name))
                .with_context(|| format!("{} is missing", source.display()))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&dir);
        quiet(npm)
    })?;
    Ok(dir)
}

/// The interpreter of a virtual environment with the PyPI packages of a file in `tests/python`.
fn environment(name: &str, file: &str) -> Result<PathBuf> {
    let dir = target().join("tests").join(name);
    let requirements = root().join("tests/python").join(file);
    let python = dir.join("venv/bin/python");
    fetched_once(&dir, std::slice::from_ref(&requirements), || {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(dir.join("venv"));
        quiet(venv)?;
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
        ]);
        pip.arg(&requirements);
        quiet(pip)
    })?;
    Ok(python)
}

/// The program of `tests/go`, built from the modules of its `go.sum`.
fn go_program() -> Result<PathBuf> {
    let dir = target().join("tests/go");
    let sources = ["main.go", "go.mod", "go.sum"].map(|name| root().join("tests/go").join(name));
    let program = dir.join("posthog-go");
    fetched_once(&dir, &sources, || {
        let mut go = Command::new("go");
        // `-mod=readonly`: what the lock file does not name is refused. Cgo is not needed, and not everywhere.
        go.args(["build", "-mod=readonly", "-o"]).arg(&program).arg(".").current_dir(root().join("tests/go"));
        go.env("CGO_ENABLED", "0").env("GOFLAGS", "-buildvcs=false").env("GOTOOLCHAIN", "local");
        quiet(go)
    })?;
    Ok(program)
}

/// Fetches into `dir` unless that was done before from the very same files.
fn fetched_once(dir: &Path, sources: &[PathBuf], fetch: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut now = Vec::new();
    for source in sources {
        now.extend(std::fs::read(source).with_context(|| format!("{} is missing", source.display()))?);
    }
    let stamp = dir.join("fetched-from");
    if std::fs::read(&stamp).is_ok_and(|before| before == now) {
        return Ok(());
    }
    std::fs::create_dir_all(dir)?;
    fetch()?;
    std::fs::write(stamp, now)?;
    Ok(())
}

/// Runs a command to its end; what it said is shown only when it fails.
fn quiet(mut command: Command) -> Result<()> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("{command:?} does not start"))?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}:\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
