//! The verbs beside the server: what they print, as text and as JSON, and their exit codes (product §4).

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use trackway_tests::{Instance, Output, binary, clean, run};

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn every_verb_explains_itself() -> Result<()> {
    let all = trackway(&["--help"], |_| {})?;
    ensure!(all.code == Some(0), "{all:?}");
    for verb in [
        "serve",
        "demo",
        "open",
        "wrap",
        "project",
        "token",
        "backup",
        "doctor",
        "config",
        "completions",
        "version",
    ] {
        ensure!(all.stdout.contains(&format!("  {verb} ")), "{verb} is not in the help");
        let one = trackway(&[verb, "--help"], |_| {})?;
        ensure!(one.code == Some(0) && one.stdout.contains("Usage:"), "{verb}: {one:?}");
    }
    for hidden in ["__shop", "__launch"] {
        ensure!(!all.stdout.contains(hidden), "{hidden} is no verb for people");
    }
    ensure!(!all.stdout.contains('\u{1b}'), "colours without a terminal");
    Ok(())
}

#[test]
fn completions_are_scripts() -> Result<()> {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = trackway(&["completions", shell], |_| {})?;
        ensure!(
            script.code == Some(0) && script.stdout.contains("trackway"),
            "{shell}: {:.200}",
            script.stdout
        );
        ensure!(script.stdout.contains("serve"), "{shell} does not complete verbs");
    }
    Ok(())
}

#[test]
fn settings_say_where_they_come_from_and_hide_secrets() -> Result<()> {
    let home = tempfile::tempdir()?;
    let file = home.path().join("trackway.toml");
    std::fs::write(&file, "[log]\nlevel = \"warn\"\n")?;
    let secret = "this-is-a-secret-of-more-than-32-characters";
    let shown = trackway(&["config", "show", "--origin"], |command| {
        command
            .env("TRACKWAY_CONFIG", &file)
            .env("TRACKWAY_ADMIN_TOKEN", secret)
            .env("TRACKWAY_LISTEN", "[::1]:1");
    })?;
    ensure!(shown.code == Some(0), "{shown:?}");
    let row =
        |key: &str| shown.stdout.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned();
    ensure!(
        row("log.level").contains("warn") && row("log.level").contains("trackway.toml"),
        "{}",
        shown.stdout
    );
    ensure!(
        row("listen").contains("[::1]:1") && row("listen").contains("TRACKWAY_LISTEN"),
        "{}",
        shown.stdout
    );
    ensure!(row("insecure").contains("default"), "{}", shown.stdout);
    ensure!(!shown.stdout.contains(secret), "a secret is shown");
    Ok(())
}

#[test]
fn read_verbs_speak_json() -> Result<()> {
    let instance = Instance::start()?;
    let token = instance.project("proj_json")?;
    let json = |args: &[&str]| -> Result<Value> { Ok(serde_json::from_str(&instance.cli(args)?)?) };
    let projects = json(&["project", "list", "--json"])?;
    let items = projects["items"].as_array().context("items")?;
    ensure!(items.iter().any(|project| project["id"] == "proj_json"), "{projects}");
    let tokens = json(&["token", "list", "--json", "--project", "proj_json"])?;
    ensure!(tokens["items"][0]["scope"] == "read", "{tokens}");
    ensure!(!tokens.to_string().contains(&token), "a token's text is kept");
    ensure!(json(&["open", "--json"])?["link"].as_str().is_some_and(|link| link.contains("token=")), "open");
    ensure!(json(&["version", "--json"])?["name"] == "trackway", "version");
    ensure!(json(&["config", "show", "--json"])?["items"].is_array(), "config");
    let health = json(&["doctor", "--json"])?;
    let checks = health["items"].as_array().context("items")?;
    ensure!(checks.iter().all(|check| check["verdict"] != "wrong"), "{health}");
    ensure!(checks.iter().any(|check| check["check"] == "ready" && check["verdict"] == "good"), "{health}");
    Ok(())
}

#[test]
fn without_a_server_open_ends_with_3_and_doctor_says_so() -> Result<()> {
    let mut instance = Instance::start()?;
    instance.stop()?;
    let open = instance.run_cli(&["open", "--print"])?;
    ensure!(open.code == Some(3), "{open:?}");
    ensure!(
        open.stderr.contains("no server runs") && open.stderr.contains("trackway serve"),
        "{}",
        open.stderr
    );
    let doctor = instance.run_cli(&["doctor"])?;
    ensure!(doctor.stdout.contains("trackway serve"), "{doctor:?}");
    // A server that was killed has not said goodbye.
    instance.start_again()?;
    instance.kill()?;
    ensure!(instance.run_cli(&["open", "--print"])?.code == Some(3), "after a kill");
    ensure!(
        instance.run_cli(&["doctor"])?.code == Some(1),
        "a server that should answer and does not is a finding"
    );
    Ok(())
}

#[test]
fn negative_answers_end_with_1() -> Result<()> {
    let instance = Instance::start()?;
    instance.project("proj_twice")?;
    for args in [
        &["project", "create", "again", "--id", "proj_twice"][..],
        &["project", "delete", "proj_nowhere", "--yes"],
        &["token", "create", "--scope", "read", "--project", "proj_nowhere"],
        &["token", "revoke", "tok_nowhere"],
    ] {
        let output = instance.run_cli(args)?;
        ensure!(output.code == Some(1), "{args:?}: {output:?}");
        ensure!(output.stderr.contains("next:"), "{args:?} names no next step: {}", output.stderr);
    }
    for args in [
        &["project", "create", "bad id", "--id", "shop"][..],
        &["project", "create", "  "],
        &["token", "create", "--scope", "read"],
        &["token", "create", "--scope", "everything"],
    ] {
        ensure!(instance.run_cli(args)?.code == Some(2), "{args:?}");
    }
    Ok(())
}

fn trackway(args: &[&str], prepare: impl FnOnce(&mut Command)) -> Result<Output> {
    let mut command = clean(binary()?);
    command.args(args).env("HOME", std::env::temp_dir());
    prepare(&mut command);
    run(command, PATIENCE)
}
