//! `cargo xtask`: the checks and chores of the workspace.
//!
//! - `test`: every check and every test, ending in `N passed, N failed`; what `.ci/run` calls
//! - `test --fast`: the inner loop: no release build, no black-box tests
//! - `tools`: fetches what the black-box tests need and prints the variables that name it
//! - `tidy`: the rules of the house that no compiler checks
//! - `vendor --check`: the dashboard's assets are what `vendor.lock` says
//! - `sbom`, `licences`: what the binary is made of, and under which terms
//! - `bench ARGS…`: the benchmarks
//!
//! Invariant: a missing tool is a failure, never a skipped test.

mod bench;
mod step;
mod supply;
mod test;
mod tidy;
mod tools;
mod vendor;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str =
    "usage: cargo xtask test [--fast] | tools | tidy | vendor --check | sbom | licences | bench ARGS…";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &[String]) -> Result<ExitCode> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => test::run(test::Extent::Everything),
        ["test", "--fast"] => test::run(test::Extent::Fast),
        ["tools"] => tools::run(),
        ["tidy"] => tidy::run(),
        ["vendor", "--check"] => vendor::run(),
        ["sbom"] => supply::sbom(),
        ["licences"] => supply::licences(),
        ["bench", rest @ ..] => bench::run(rest),
        [] => bail!("{USAGE}"),
        [other, ..] => bail!("cannot do {other:?}; {USAGE}"),
    }
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Where build results go.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs us.
pub(crate) fn cargo() -> std::process::Command {
    let mut command = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}
