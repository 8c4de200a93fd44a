//! Differential conformance (CAP §8.3, D30): the published suite gives the same set of results direct and through the proxy,
//! whatever the proxy does about `context`. The server's own score does not matter.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use trackway_tests::{Peer, Proxy, clean, free_port, node, node_package, run};

/// One run of a suite takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// Characters of the time at the end of a scenario's folder.
const STAMP: usize = "-2026-01-01T00-00-00-000Z".len();

/// The released suite, and the next one by the revision it asks for; how many checks the fixture passes at least.
const SUITES: &[(&str, &[&str], usize)] = &[
    ("conformance-released", &[], 40),
    ("conformance-next", &["--requirements", "2025-11-25"], 80),
    ("conformance-next", &["--requirements", "2026-07-28"], 150),
];

/// What the proxy is told about `context`.
const MODES: &[&[&str]] = &[
    &["--context", "required"],
    &["--context", "off"],
    &["--context", "observe-only"],
    &["--report-missing"],
];

/// How `track()` is told to serve the fixture.
const TRACKED: &[&str] = &["required", "optional", "off", "observe-only", "everything"];

/// Names that reach a server which does not check them itself, as they do without the proxy. The fixture does check them.
const LET_IN: &[&str] = &["--allow-host", "evil.example.com", "--allow-origin", "http://evil.example.com"];

/// How often each (scenario, check, result) came up.
type Results = BTreeMap<(String, String, String), usize>;

#[test]
fn the_suites_find_the_same_in_the_fixture_direct_and_through_the_proxy() -> Result<()> {
    let port = free_port()?;
    let mut command = clean(env!("CARGO_BIN_EXE_conformance-fixture"));
    command.arg(port.to_string());
    let server = Peer::start(command, port)?;
    for (suite, args, least) in SUITES {
        let direct = results(suite, args, &server.url())?;
        let passed: usize = direct.iter().filter(|((_, _, r), _)| r == "SUCCESS").map(|(_, n)| n).sum();
        ensure!(passed >= *least, "{suite} {args:?}: the fixture passes only {passed} checks");
        same_through_the_proxy(suite, args, &server.url(), &direct, &[])?;
    }
    Ok(())
}

#[test]
fn the_suites_find_the_same_in_the_fixture_with_and_without_the_sdk() -> Result<()> {
    let start = |mode: Option<&str>| {
        let port = free_port()?;
        let mut command = clean(env!("CARGO_BIN_EXE_conformance-fixture"));
        command.arg(port.to_string()).args(mode);
        Peer::start(command, port)
    };
    let bare = start(None)?;
    let tracked = TRACKED.iter().map(|mode| Ok((*mode, start(Some(mode))?))).collect::<Result<Vec<_>>>()?;
    for (suite, args, _) in SUITES {
        let without = results(suite, args, &bare.url())?;
        for (mode, server) in &tracked {
            equal(&without, &results(suite, args, &server.url())?)
                .with_context(|| format!("{suite} {args:?}, tracked in mode {mode}"))?;
        }
    }
    Ok(())
}

#[test]
fn the_suites_find_the_same_in_a_published_server_direct_and_through_the_proxy() -> Result<()> {
    let server = Peer::everything()?;
    for (suite, args, _) in SUITES {
        let direct = results(suite, args, &server.url())?;
        ensure!(direct.keys().any(|(_, _, result)| result == "SUCCESS"), "{suite} {args:?}: nothing passes");
        same_through_the_proxy(suite, args, &server.url(), &direct, LET_IN)?;
    }
    Ok(())
}

fn same_through_the_proxy(
    suite: &str,
    args: &[&str],
    server: &str,
    direct: &Results,
    flags: &[&str],
) -> Result<()> {
    for mode in MODES {
        let flags = [flags, mode].concat();
        let proxy = Proxy::start(server, "proj_conformance", "http://127.0.0.1:1", &flags)?;
        let through = results(suite, args, &proxy.url)?;
        equal(direct, &through).with_context(|| format!("{suite} {args:?} {mode:?}"))?;
    }
    Ok(())
}

/// What one run found and the other did not is named.
fn equal(direct: &Results, through: &Results) -> Result<()> {
    let differ = |a: &Results, b: &Results| -> Vec<_> {
        a.iter().filter(|(key, count)| b.get(*key) != Some(count)).map(|(key, _)| key.clone()).collect()
    };
    let (lost, new) = (differ(direct, through), differ(through, direct));
    ensure!(lost.is_empty() && new.is_empty(), "only direct {lost:?}, only through Trackway {new:?}");
    Ok(())
}

fn results(suite: &str, args: &[&str], url: &str) -> Result<Results> {
    let out = tempfile::tempdir()?;
    let mut command = node()?;
    command.arg(node_package(&format!("{suite}/dist/index.js"))?).args(["server", "--url", url]);
    command.args(args).arg("-o").arg(out.path()).current_dir(out.path());
    // Its exit code tells whether the server passes, which is not the question.
    let output = run(command, PATIENCE)?;
    let mut results = Results::new();
    for folder in std::fs::read_dir(out.path())? {
        collect(&folder?.path(), &mut results)?;
    }
    ensure!(!results.is_empty(), "the suite wrote nothing: {} {}", output.stdout, output.stderr);
    Ok(results)
}

fn collect(folder: &Path, results: &mut Results) -> Result<()> {
    let name = folder.file_name().and_then(|n| n.to_str()).context("a scenario's folder")?;
    let scenario = name.get(..name.len().saturating_sub(STAMP)).unwrap_or(name);
    let file = folder.join("checks.json");
    if !file.exists() {
        // A scenario that gave up: that is a result too.
        *results.entry((scenario.to_owned(), String::new(), "NONE".to_owned())).or_default() += 1;
        return Ok(());
    }
    let checks: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    for check in checks.as_array().context("checks")? {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        *results.entry((scenario.to_owned(), text("id"), text("status"))).or_default() += 1;
    }
    Ok(())
}
