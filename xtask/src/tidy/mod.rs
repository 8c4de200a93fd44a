//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! - `edges`: forbidden crate borders (`ARCHITECTURE.md`, Crates), and DEPENDENCIES.md
//! - `rules`: what single crates may not do: clocks and disks in `core`, queues without a bound anywhere
//! - `text`: headers, marks of unfinished work, machine paths, registry hosts, long files
//! - vendored assets against their lock
//!
//! A new rule is a function in one of the files and a line in [`findings`].

mod edges;
mod rules;
mod text;

use std::process::ExitCode;

use anyhow::Result;

/// Prints what breaks a rule, and what is only worth knowing.
///
/// # Errors
/// When the tree cannot be read.
pub(crate) fn run() -> Result<ExitCode> {
    for (path, lines) in text::long_files()? {
        println!("note: {path} has {lines} lines; split it by area before it grows");
    }
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} findings", findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What breaks a rule.
///
/// # Errors
/// When the tree cannot be read.
pub(crate) fn findings() -> Result<Vec<String>> {
    let mut findings = edges::findings()?;
    findings.extend(text::findings()?);
    findings.extend(rules::findings()?);
    findings.extend(crate::vendor::findings()?);
    Ok(findings)
}
