//! `trackway demo --once`: real MCP traffic of many invented sessions, checked by the verb itself and again here.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;
use trackway_tests::{binary, clean, run};

#[test]
fn the_demo_loads_what_its_agents_did() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut command = clean(binary()?);
    command.args(["demo", "--once", "--json"]).env("HOME", home.path()).env("TMPDIR", home.path());
    let begun = Instant::now();
    let output = run(command, Duration::from_secs(180))?;
    println!("took {:?}\n{}", begun.elapsed(), output.stderr);
    ensure!(output.code == Some(0), "{:?}\n{}\n{}", output.code, output.stdout, output.stderr);
    let summary: Value = serde_json::from_str(&output.stdout)?;
    for (figure, least) in [
        ("sessions", 40),
        ("calls", 150),
        ("failures", 20),
        ("people", 8),
        ("clients", 6),
        ("issues", 5),
        ("wishes", 3),
        ("intents", 100),
    ] {
        let found = summary[figure].as_u64().unwrap_or(0);
        ensure!(found >= least, "{figure}: {found}, expected at least {least}: {summary}");
    }
    // Nothing is left behind in the temporary directory.
    let left: Vec<_> = std::fs::read_dir(home.path())?
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .filter(|name| name.starts_with("trackway"))
        .collect();
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}
