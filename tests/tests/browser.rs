//! The dashboard in a headless Chromium, over the demo's data: what `tests/node/browser.mjs` finds wrong is nothing.
//!
//! Screenshots of every page in both themes and three widths are kept in `target/artifacts/screens`. The browser is
//! `TRACKWAY_TEST_CHROMIUM`, else `chromium` on the path; `TRACKWAY_TEST_NODE` holds the npm packages.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use trackway_tests::{artifacts, binary, clean, repository, run};

/// Loading the demo, on a busy machine.
const LOAD: Duration = Duration::from_secs(180);
/// The whole walk.
const WALK: Duration = Duration::from_secs(900);

#[test]
fn every_page_holds_up_in_a_browser() -> Result<()> {
    let demo = Demo::start()?;
    let node = packages()?;
    let screens = artifacts().join("screens");
    let mut command = Command::new("node");
    command.arg(node.join("browser.mjs")).arg(&demo.link).arg(chromium()).arg(&screens);
    let output = run(command, WALK)?;
    ensure!(output.code == Some(0), "the walk ended with {:?}: {}", output.code, output.stderr);
    let report: Value = serde_json::from_str(&output.stdout)?;
    let problems = report["problems"].as_array().context("problems")?;
    let told: Vec<&str> = problems.iter().filter_map(Value::as_str).collect();
    ensure!(told.is_empty(), "{} problems:\n{}", told.len(), told.join("\n"));
    let pages = report["pages"].as_array().map_or(0, Vec::len);
    let checks = report["checks"].as_u64().unwrap_or(0);
    for of in report["budgets"].as_array().into_iter().flatten() {
        println!("{of}");
    }
    println!("{pages} pages, {checks} checks, screenshots in {}", screens.display());
    ensure!(pages >= 5 && checks > 200, "{pages} pages and {checks} checks are too few");
    Ok(())
}

/// The directory with `node_modules`, holding the current script.
fn packages() -> Result<PathBuf> {
    let source = repository().join("tests/node");
    let Some(dir) = std::env::var_os("TRACKWAY_TEST_NODE").map(PathBuf::from) else {
        ensure!(source.join("node_modules").is_dir(), "run `npm ci` in tests/node or set TRACKWAY_TEST_NODE");
        return Ok(source);
    };
    std::fs::copy(source.join("browser.mjs"), dir.join("browser.mjs"))?;
    Ok(dir)
}

fn chromium() -> PathBuf {
    let named = std::env::var_os("TRACKWAY_TEST_CHROMIUM").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from("/usr/bin/chromium"))
}

/// A demo that has loaded and goes on serving.
struct Demo {
    child: Child,
    link: String,
    _home: tempfile::TempDir,
}

impl Demo {
    fn start() -> Result<Self> {
        let home = tempfile::tempdir()?;
        let mut command = clean(binary()?);
        command.args(["demo", "--listen", "127.0.0.1:0"]).env("HOME", home.path()).env("TMPDIR", home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("stdout")?;
        let mut demo = Self { child, link: String::new(), _home: home };
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        loop {
            let Ok(line) = lines.recv_timeout(LOAD) else { bail!("the demo printed no link") };
            if let Some(link) = line.split_whitespace().find(|word| word.contains("/login?token=")) {
                demo.link = link.to_owned();
                return Ok(demo);
            }
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // In order, so that the agents at work are ended too; by force when that does not help.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        for _ in 0..1_200 {
            if asked.is_err() || self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
