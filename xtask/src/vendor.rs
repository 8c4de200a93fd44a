//! `cargo xtask vendor --check`: every vendored asset of the dashboard is listed with its licence and unchanged.
//!
//! The list is `crates/server/assets/vendor.lock`: one line a file, `path name version licence sha256`, separated by
//! spaces; `#` starts a comment. Also run by `tidy`. Invariant: a vendored file that was edited, added or lost is found; what
//! is vendored shows by its name (`.min.`, `.woff2`, `LICENSE…`), the rest is our own.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::root;

/// Prints the findings.
///
/// # Errors
/// When the list cannot be read.
pub(crate) fn run() -> Result<ExitCode> {
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What differs between the list and the files.
///
/// # Errors
/// When the list cannot be read.
pub(crate) fn findings() -> Result<Vec<String>> {
    let assets = root().join("crates/server/assets");
    if !assets.is_dir() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(assets.join("vendor.lock")).context("vendor.lock cannot be read")?;
    Ok(compare(&assets, &text))
}

fn compare(assets: &Path, lock: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut listed = BTreeMap::new();
    for (number, line) in lock.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => {}
            [path, _name, _version, _licence, hash] => {
                listed.insert((*path).to_owned(), (*hash).to_owned());
            }
            _ => findings.push(format!("vendor.lock:{}: not `path name version licence sha256`", number + 1)),
        }
    }
    for (path, expected) in &listed {
        match std::fs::read(assets.join(path)) {
            Ok(bytes) => {
                let found = hex(&Sha256::digest(bytes));
                if found != *expected {
                    findings.push(format!("{path}: its SHA-256 is {found}, vendor.lock says {expected}"));
                }
            }
            Err(error) => findings.push(format!("{path}: listed in vendor.lock, but {error}")),
        }
    }
    for entry in std::fs::read_dir(assets).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let foreign = name.contains(".min.") || name.ends_with(".woff2") || name.starts_with("LICENSE");
        if foreign && !listed.contains_key(&name) {
            findings.push(format!("{name}: is not in vendor.lock; list it with version, licence and hash"));
        }
    }
    findings
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_differs() {
        let dir = std::env::temp_dir().join(format!("xtask-vendor-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("a.js"), "abc").unwrap();
        let good = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let line = |path: &str, hash: &str| format!("{path} thing 1.0.0 MIT {hash}\n");
        assert_eq!(compare(&dir, &line("a.js", good)), Vec::<String>::new());
        assert_eq!(compare(&dir, &line("a.js", "00")).len(), 1);
        assert_eq!(compare(&dir, &line("b.js", good)).len(), 1);
        assert_eq!(compare(&dir, "a.js thing\n").len(), 1);
        std::fs::write(dir.join("b.min.js"), "").unwrap();
        assert_eq!(compare(&dir, &line("a.js", good)).len(), 1);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
