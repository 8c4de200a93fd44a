//! `trackway attach` and `detach` on clients' settings in their usual places: to the byte and back, and the attached server
//! really runs behind the wrapper.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use trackway_tests::{Output, binary, clean, run};

const PATIENCE: Duration = Duration::from_secs(20);
const SETTINGS: &str = "{\r\n  // mine\r\n  \"KEY\": {\r\n    \"shop\": { \"command\": \"COMMAND\", \"args\": [ \"__shop\", \"--seed\", \"3\" ], \"env\": {\"A\": \"1\"}, },\r\n    \"bare\": {\"command\":\"x\"}\r\n  },\r\n  \"big\": 123456789012345678901234567890,\r\n}\r\n";

/// A home of its own, with the same server in every client's settings.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn settings(&self, place: &str, key: &str) -> Result<(PathBuf, String)> {
        let file = self.0.path().join(place);
        std::fs::create_dir_all(file.parent().context("a folder")?)?;
        let command = serde_json::to_string(&binary()?)?;
        let text = SETTINGS.replace("KEY", key).replace("\"COMMAND\"", &command);
        std::fs::write(&file, &text)?;
        Ok((file, text))
    }

    fn run(&self, args: &[&str]) -> Result<Output> {
        let mut command = clean(binary()?);
        command.env("HOME", self.0.path()).env_remove("XDG_CONFIG_HOME").current_dir(self.0.path());
        command.args(args);
        run(command, PATIENCE)
    }

    fn names(&self, folder: &Path) -> Result<usize> {
        Ok(std::fs::read_dir(folder)?.count())
    }
}

#[test]
fn every_client_s_settings_come_back_to_the_byte() -> Result<()> {
    for (client, place, key) in [
        ("claude-desktop", ".config/Claude/claude_desktop_config.json", "mcpServers"),
        ("claude-code", ".claude.json", "mcpServers"),
        ("cursor", ".cursor/mcp.json", "mcpServers"),
        ("vscode", ".config/Code/User/mcp.json", "servers"),
    ] {
        let home = Home::new()?;
        let (file, before) = home.settings(place, key)?;
        let folder = file.parent().context("a folder")?;
        let files = home.names(folder)?;
        for name in ["shop", "bare"] {
            let attach = ["attach", name, "--client", client, "--project", "proj_attach"];
            let dry = home.run(&[&attach[..], &["--dry-run"]].concat())?;
            ensure!(dry.code == Some(0) && dry.stdout.contains("proj_attach"), "{dry:?}");
            ensure!(std::fs::read_to_string(&file)? == before, "a dry run changes nothing");
            ensure!(home.names(folder)? == files, "nor leaves anything");

            let done = home.run(&attach)?;
            ensure!(done.code == Some(0), "{done:?}");
            let attached = std::fs::read_to_string(&file)?;
            ensure!(attached.contains("\"wrap\", \"--project\", \"proj_attach\", \"--\""), "{attached}");
            let again = home.run(&attach)?;
            ensure!(again.code == Some(1) && again.stderr.contains("attached already"), "{again:?}");

            let detach = ["detach", name, "--client", client];
            let dry = home.run(&[&detach[..], &["--dry-run"]].concat())?;
            ensure!(dry.code == Some(0), "{dry:?}");
            ensure!(std::fs::read_to_string(&file)? == attached, "a dry run changes nothing");
            let done = home.run(&detach)?;
            ensure!(done.code == Some(0), "{done:?}");
            ensure!(std::fs::read_to_string(&file)? == before, "{client} {name}: not the bytes it was");
            ensure!(home.names(folder)? == files, "a backup was left");
            let again = home.run(&detach)?;
            ensure!(again.code == Some(1), "{again:?}");
        }
    }
    Ok(())
}

#[test]
fn the_attached_server_runs_behind_the_wrapper() -> Result<()> {
    let home = Home::new()?;
    let (file, _) = home.settings(".cursor/mcp.json", "mcpServers")?;
    let done = home.run(&[
        "attach",
        "shop",
        "--client",
        "cursor",
        "--project",
        "proj_attach",
        "--endpoint",
        "http://127.0.0.1:1",
    ])?;
    ensure!(done.code == Some(0), "{done:?}");
    // What the client would start; comments and trailing commas are its own business.
    let text = std::fs::read_to_string(&file)?;
    let line = text.lines().find(|line| line.contains("\"shop\"")).context("the entry")?;
    let entry = line.trim().trim_start_matches("\"shop\":").trim().trim_end_matches(',').replace(", }", " }");
    let entry: serde_json::Value = serde_json::from_str(&entry).with_context(|| entry.clone())?;
    let mut command = clean(entry["command"].as_str().context("command")?);
    for arg in entry["args"].as_array().context("args")? {
        command.arg(arg.as_str().context("arg")?);
    }
    command.env("HOME", home.0.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().context("stdin")?;
    writeln!(
        stdin,
        r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{{}},"clientInfo":{{"name":"t","version":"1"}}}}}}"#
    )?;
    let mut answer = String::new();
    BufReader::new(child.stdout.take().context("stdout")?).read_line(&mut answer)?;
    drop(stdin);
    ensure!(answer.contains("outdoor-shop"), "{answer}");
    ensure!(child.wait()?.success(), "the wrapper's exit code");
    Ok(())
}

#[test]
fn what_cannot_be_attached_is_told() -> Result<()> {
    let home = Home::new()?;
    let none = home.run(&["attach", "shop", "--client", "vscode", "--project", "proj_attach"])?;
    ensure!(none.code == Some(1) && none.stderr.contains("mcp.json"), "{none:?}");
    let file = home.0.path().join("mine.json");
    for (text, told) in [("{", "not JSON"), ("{\"mcpServers\":{\"shop\":{\"url\":\"http://x\"}}}", "--via")] {
        std::fs::write(&file, text)?;
        let named = file.to_str().context("UTF-8")?;
        let output =
            home.run(&["attach", "shop", "--client", "cursor", "--project", "proj_attach", "--file", named])?;
        ensure!(output.code == Some(1) && output.stderr.contains(told), "{output:?}");
        ensure!(std::fs::read_to_string(&file)? == text, "unchanged");
    }
    let output = home.run(&["attach", "shop", "--client", "cursor", "--project", "no project"])?;
    ensure!(output.code == Some(2), "{output:?}");
    Ok(())
}
