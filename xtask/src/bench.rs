//! `cargo xtask bench ARGS…`: runs the benchmarks in the release profile with these arguments.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cargo;

/// Runs the benchmark program.
///
/// # Errors
/// When cargo does not start.
pub(crate) fn run(args: &[&str]) -> Result<ExitCode> {
    let mut command = cargo();
    command.args(["run", "--release", "--quiet", "--package", "trackway-bench", "--"]).args(args);
    let status = command.status().context("cargo does not start")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
