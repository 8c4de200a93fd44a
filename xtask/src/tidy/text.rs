//! Rules about the text of tracked files: headers, marks of unfinished work, machine paths, registry hosts, length.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::root;

/// A file longer than this is worth a note.
const LONG: usize = 500;
/// A file longer than this is a finding.
const TOO_LONG: usize = 800;

/// The texts below are written in two halves, so that this file does not break its own rules.
const MARKS: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("XX", "X:"),
    concat!("#[ig", "nore"),
];

/// Where machines keep what is theirs alone. Found at the start of a path only.
const MACHINE_PATHS: &[&str] = &[concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];

/// Hosts of registries; packages are named, never addressed.
const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("npm", "js.org"),
    concat!("npm", "js.com"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("deb.", "debian.org"),
];

/// Files longer than they should be.
///
/// # Errors
/// When the tree cannot be read.
pub(super) fn long_files() -> Result<Vec<(String, usize)>> {
    let mut long: Vec<_> = tracked()?
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .filter_map(|path| Some((read(&path)?.lines().count(), path)))
        .filter(|(lines, _)| *lines > LONG)
        .map(|(lines, path)| (path, lines))
        .collect();
    long.sort();
    Ok(long)
}

/// What breaks a rule, as `path:line: what`.
///
/// # Errors
/// When the tree cannot be read.
pub(super) fn findings() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in tracked()? {
        // Recorded bodies of published clients hold whatever those clients hold; lock files hold addresses.
        let foreign = path.starts_with("tests/clients/") || path.contains("/assets/vendor/");
        if foreign || path.ends_with(".lock") || path.ends_with("package-lock.json") {
            continue;
        }
        if let Some(text) = read(&path) {
            findings.extend(of_file(&path, &text));
        }
    }
    Ok(findings)
}

fn of_file(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if path.ends_with(".rs") && !text.starts_with("//!") {
        findings.push(format!("{path}:1: no `//!` header that says what the file is for"));
    }
    if path.ends_with(".sql") && !text.starts_with("--") {
        findings.push(format!("{path}:1: no `--` header that says what the query is for"));
    }
    if path.ends_with("Cargo.toml")
        && text.contains("[package]")
        && !text.contains("[lints]\nworkspace = true")
    {
        findings.push(format!("{path}:1: the workspace's lints are not switched on"));
    }
    if path.ends_with(".rs") && text.lines().count() > TOO_LONG {
        findings.push(format!("{path}:{TOO_LONG}: longer than {TOO_LONG} lines; split it by area"));
    }
    for (number, line) in text.lines().enumerate() {
        let mut found = |what: String| findings.push(format!("{path}:{}: {what}", number + 1));
        if let Some(mark) = MARKS.iter().find(|mark| line.contains(**mark)) {
            found(format!("{mark:?} marks work that is not done"));
        }
        if let Some(machine) = MACHINE_PATHS.iter().find(|start| begins_a_path(line, start)) {
            found(format!("a path of one machine ({machine})"));
        }
        if let Some(host) = HOSTS.iter().find(|host| line.contains(**host)) {
            found(format!("the host of a registry ({host})"));
        }
    }
    findings
}

/// Whether `start` stands in the line where a path begins, not in the middle of one.
fn begins_a_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line.split_at(at).0.chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '}' | '*')))
    })
}

/// Paths of all tracked files, and of new ones that are not ignored.
pub(super) fn tracked() -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let output = git.output().context("git does not start")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// The text of a file; `None` when it is gone or is no text.
pub(super) fn read(path: &str) -> Option<String> {
    let path: &Path = path.as_ref();
    String::from_utf8(std::fs::read(root().join(path)).ok()?).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_breaks_a_rule() {
        let header = "//! Header.\n";
        for (path, text, expect) in [
            ("a.rs", "fn f() {}\n".to_owned(), 1),
            ("a.rs", format!("{header}fn f() {{}}\n"), 0),
            ("a.rs", format!("{header}{}later)\n", MARKS[0]), 1),
            ("a.rs", format!("{header}{}]\n", MARKS[5]), 1),
            ("a.sql", "SELECT 1".to_owned(), 1),
            ("a.sql", "-- Why.\nSELECT 1".to_owned(), 0),
            ("a.md", format!("see {}x", MACHINE_PATHS[0]), 1),
            ("a.md", format!("see target{}x", MACHINE_PATHS[1]), 0),
            ("a.md", format!("from https://{}/x", HOSTS[0]), 1),
            ("x/Cargo.toml", "[package]\n".to_owned(), 1),
            ("x/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n".to_owned(), 0),
            ("a.rs", format!("{header}{}", "\n".repeat(TOO_LONG)), 1),
        ] {
            assert_eq!(of_file(path, &text).len(), expect, "{path}: {text:.60}");
        }
    }
}
