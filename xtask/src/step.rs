//! Runs one step of the checks: its output into a file, its end into the tally.
//!
//! Used by `test`. Invariant: a step that fails shows why at once, and its whole output is kept in `target/artifacts`.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::target;

/// Lines of a failed step that are shown.
const TAIL: usize = 80;

/// What has passed and failed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests and checks that passed.
    pub(crate) passed: u64,
    /// Tests and checks that failed.
    pub(crate) failed: u64,
}

impl Tally {
    /// Adds another tally.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// How a step's tally is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// The step is one check.
    One,
    /// The tests that `cargo test` reports.
    Tests,
}

/// Runs a command as a step and says how it went.
///
/// # Errors
/// When its output cannot be kept. A command that fails or does not start is a failed step, no error.
pub(crate) fn run(name: &str, mut command: Command, count: Count) -> Result<Tally> {
    let log = log_file(name)?;
    let file = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    println!("── {name} …");
    let begun = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).status();
    let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    let ended_well = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    let mut tally = match count {
        Count::One => Tally { passed: u64::from(ended_well), failed: 0 },
        Count::Tests => results(&text),
    };
    if !ended_well && tally.failed == 0 {
        // It did not even get to a test, or is one check.
        tally.failed = 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    if tally.failed == 0 {
        println!("   {name}: {} passed in {seconds:.1} s", tally.passed);
    } else {
        println!("   {name}: {} passed, {} FAILED in {seconds:.1} s", tally.passed, tally.failed);
        match &status {
            Ok(status) => println!("   {status}; everything it said is in {}", log.display()),
            Err(error) => println!("   it does not start: {error}"),
        }
        show(&text);
    }
    Ok(tally)
}

/// Runs a check written in Rust as a step.
///
/// # Errors
/// When its output cannot be kept.
pub(crate) fn check(name: &str, check: impl FnOnce() -> Result<Vec<String>>) -> Result<Tally> {
    println!("── {name} …");
    let begun = Instant::now();
    let findings = check().unwrap_or_else(|error| vec![format!("{error:#}")]);
    let seconds = begun.elapsed().as_secs_f64();
    std::fs::write(log_file(name)?, findings.join("\n"))?;
    if findings.is_empty() {
        println!("   {name}: 1 passed in {seconds:.1} s");
        return Ok(Tally { passed: 1, failed: 0 });
    }
    println!("   {name}: FAILED in {seconds:.1} s");
    for finding in &findings {
        println!("   {finding}");
    }
    Ok(Tally { passed: 0, failed: 1 })
}

/// Adds up the lines with which each test program ends.
fn results(text: &str) -> Tally {
    let mut tally = Tally::default();
    for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("test result: ")) {
        let number = |what: &str| {
            let words: Vec<&str> = line.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
            let at = words.iter().position(|word| *word == what)?;
            words.get(at.checked_sub(1)?)?.parse::<u64>().ok()
        };
        tally.passed += number("passed").unwrap_or(0);
        tally.failed += number("failed").unwrap_or(0);
    }
    tally
}

fn show(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().filter(|line| line.ends_with("... FAILED")) {
        println!("   {line}");
    }
    let why = panics(&lines);
    let tail = lines.iter().skip(lines.len().saturating_sub(TAIL));
    let shown: Vec<&&str> = if why.is_empty() { tail.collect() } else { why.iter().take(TAIL).collect() };
    for line in shown {
        println!("   | {line}");
    }
}

/// What the failed tests of `cargo test` said before they ended, and nothing of those that passed.
fn panics<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut said = Vec::new();
    let mut inside = false;
    for line in lines {
        if line.starts_with("---- ") && line.ends_with(" ----") {
            inside = true;
        } else if *line == "failures:" {
            inside = false;
        }
        if inside && !line.is_empty() {
            said.push(*line);
        }
    }
    said
}

fn log_file(name: &str) -> Result<PathBuf> {
    let dir = target().join("artifacts/steps");
    std::fs::create_dir_all(&dir)?;
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Ok(dir.join(format!("{name}.log")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_what_cargo_test_says() {
        let text = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; \
            finished in 0.00s\nnoise: 7 passed\ntest result: FAILED. 10 passed; 3 failed; 0 ignored;";
        assert_eq!(results(text), Tally { passed: 12, failed: 3 });
    }

    #[test]
    fn only_what_failed_tests_said_is_shown() {
        let text = "test a ... ok\nfailures:\n\n---- b stdout ----\nError: 2 problems\nfirst\n\n\nfailures:\n    b\n\n\
            test result: FAILED. 1 passed; 1 failed;\ntest c ... ok";
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(panics(&lines), ["---- b stdout ----", "Error: 2 problems", "first"]);
        assert!(panics(&["error: could not compile"]).is_empty());
    }

    #[test]
    fn a_command_that_does_not_start_is_a_failed_step() {
        let tally =
            run("xtask-self-test-missing", Command::new("no-such-program-here"), Count::Tests).unwrap();
        assert_eq!(tally, Tally { passed: 0, failed: 1 });
        let tally = run("xtask-self-test-false", Command::new("false"), Count::One).unwrap();
        assert_eq!(tally, Tally { passed: 0, failed: 1 });
    }
}
