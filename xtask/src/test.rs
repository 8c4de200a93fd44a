//! `cargo xtask test`: all checks and tests, in an order that fails early and builds each thing once.
//!
//! Two builds on purpose: the workspace in the dev profile for its own tests, and the binary in the release profile, which
//! is what users run, for the black-box tests. The tools these need are fetched meanwhile.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::step::{self, Count, Tally};
use crate::tools::{self, Tools};
use crate::{cargo, root, supply, target, tidy};

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Everything,
    /// No release build, no black-box tests.
    Fast,
}

/// Runs the checks and tests, and ends with the one line that counts.
///
/// # Errors
/// When the steps themselves cannot be run. A failed check is no error but the exit code 1.
pub(crate) fn run(extent: Extent) -> Result<ExitCode> {
    let begun = Instant::now();
    let tools = (extent == Extent::Everything).then(|| std::thread::spawn(tools::prepare));
    let mut tally = own_checks()?;
    if let Some(tools) = tools {
        let mut ready = None;
        let join = || tools.join().map_err(|_| anyhow!("fetching the tools broke off"))?;
        tally.add(step::check("tools", || {
            ready = Some(join()?);
            Ok(Vec::new())
        })?);
        tally.add(black_box(ready.as_ref())?);
    }
    println!("\ntook {:.0} s", begun.elapsed().as_secs_f64());
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Format, rules, lints, unit and integration tests.
fn own_checks() -> Result<Tally> {
    let mut tally = Tally::default();
    let with = |args: &[&str]| {
        let mut command = cargo();
        command.args(args);
        command
    };
    tally.add(step::run("format", with(&["fmt", "--all", "--check"]), Count::One)?);
    tally.add(step::check("tidy", tidy::findings)?);
    tally.add(step::check("licences and bill of materials", supplied)?);
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    tally.add(step::run("clippy", with(&clippy), Count::One)?);
    let tests = ["test", "--locked", "--workspace", "--exclude", "trackway-tests", "--no-fail-fast"];
    tally.add(step::run("unit and integration tests", with(&tests), Count::Tests)?);
    Ok(tally)
}

/// Every crate's licence is on the list; what the binary is made of is kept beside the other results.
fn supplied() -> Result<Vec<String>> {
    let mut findings = supply::findings()?;
    let bill = supply::bill()?;
    if bill["components"].as_array().is_none_or(|crates| crates.len() < 50) {
        findings.push("the bill of materials is nearly empty".to_owned());
    }
    let artifacts = target().join("artifacts");
    std::fs::create_dir_all(&artifacts)?;
    std::fs::write(artifacts.join("sbom.json"), format!("{bill:#}\n"))?;
    Ok(findings)
}

/// The release binary, and the tests that know nothing but it.
fn black_box(tools: Option<&Tools>) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut build = cargo();
    build.args(["build", "--locked", "--release", "--package", "trackway-cli"]);
    tally.add(step::run("release build", build, Count::One)?);
    let mut tests = cargo();
    tests.args(["test", "--locked", "--package", "trackway-tests", "--no-fail-fast"]);
    tests.env("TRACKWAY_BIN", target().join("release/trackway"));
    // What went wrong is in the message; a trace of the test's own frames only hides it.
    tests.env("RUST_BACKTRACE", "0");
    tests.env("TRACKWAY_TEST_ARTIFACTS", target().join("artifacts"));
    if let Some(tools) = tools {
        tests.envs(tools.variables());
    }
    tests.current_dir(root());
    tally.add(step::run("black-box tests", tests, Count::Tests)?);
    let mut contract = cargo();
    contract.args([
        "test",
        "--locked",
        "--package",
        "trackway-capture",
        "--features",
        "contract",
        "--test",
        "otlp",
    ]);
    if let Some(tools) = tools {
        contract.envs(tools.variables());
    }
    tally.add(step::run("contract tests", contract, Count::Tests)?);
    Ok(tally)
}
