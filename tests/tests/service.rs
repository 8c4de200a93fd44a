//! As a service: what the manager is told and when, the manual pages, what doctor says of the disk, and the hardened unit itself.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use trackway_tests::{Instance, Setup, repository};

#[test]
fn the_manager_hears_ready_alive_and_stopping() -> Result<()> {
    let home = tempfile::tempdir()?;
    let path = home.path().join("notify");
    let socket = UnixDatagram::bind(&path)?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let hear = || -> Result<String> {
        let mut bytes = [0; 512];
        let n = socket.recv(&mut bytes).context("the server said nothing")?;
        Ok(String::from_utf8_lossy(&bytes[..n]).into_owned())
    };
    let variables = vec![
        ("NOTIFY_SOCKET".to_owned(), path.display().to_string()),
        ("WATCHDOG_USEC".to_owned(), "400000".to_owned()),
    ];
    let mut server = Instance::start_with(Setup { variables, ..Setup::default() })?;
    let ready = hear()?;
    ensure!(ready.starts_with("READY=1\n") && ready.contains(&server.url()), "{ready}");
    for _ in 0..3 {
        ensure!(hear()? == "WATCHDOG=1");
    }
    server.stop()?;
    let mut last = hear()?;
    while last == "WATCHDOG=1" {
        last = hear()?;
    }
    ensure!(last == "STOPPING=1", "{last}");
    Ok(())
}

#[test]
fn manual_pages_and_doctor() -> Result<()> {
    let server = Instance::start()?;
    let pages = server.data().join("../man");
    server.cli(&["man", pages.to_str().context("path")?])?;
    for page in ["trackway.1", "trackway-serve.1", "trackway-backup-restore.1", "trackway-person-delete.1"] {
        let text = std::fs::read_to_string(pages.join(page)).with_context(|| page.to_owned())?;
        ensure!(text.contains(".SH NAME"), "{page}: {text}");
    }
    ensure!(!pages.join("trackway-__shop.1").exists(), "hidden verbs have no page");
    ensure!(server.cli(&["man"])?.contains(".SH NAME"));
    let doctor: Value = serde_json::from_str(&server.run_cli(&["doctor", "--json"])?.stdout)?;
    let items = doctor["items"].as_array().context("items")?;
    for check in ["disk", "fsync", "clock", "backup", "ready"] {
        let found = items.iter().find(|item| item["check"] == check);
        let found = found.with_context(|| format!("doctor does not look at {check}: {doctor}"))?;
        ensure!(found["verdict"] == "good" || found["next"].is_string(), "{found} names no next step");
    }
    let left = std::fs::read_dir(server.data())?
        .flatten()
        .any(|f| f.file_name().to_string_lossy().contains("probe"));
    ensure!(!left, "a probe of the disk was left behind");
    Ok(())
}

#[test]
fn the_unit_names_what_the_binary_has() -> Result<()> {
    let unit = std::fs::read_to_string(repository().join("packaging/systemd/trackway.service"))?;
    for line in
        ["Type=notify", "NoNewPrivileges=yes", "ProtectSystem=strict", "DynamicUser=yes", "WatchdogSec=60"]
    {
        ensure!(unit.lines().any(|l| l == line), "{line}");
    }
    let docker = std::fs::read_to_string(repository().join("packaging/docker/Dockerfile"))?;
    ensure!(docker.contains("\nFROM scratch\n") && docker.contains("\nUSER 65532:65532\n"));
    // Every setting they name is one: an unknown variable would stop the start.
    let server = Instance::start()?;
    let settings: Value = serde_json::from_str(&server.cli(&["config", "show", "--json"])?)?;
    for (at, text) in [("unit", &unit), ("image", &docker)] {
        for word in
            text.split(|c: char| !(c.is_ascii_uppercase() || c == '_')).filter(|w| w.starts_with("TRACKWAY_"))
        {
            let key = word
                .trim_start_matches("TRACKWAY_")
                .trim_end_matches("_FILE")
                .replace("__", ".")
                .to_lowercase();
            ensure!(
                settings.to_string().contains(&format!("\"{key}\"")),
                "{at}: {word} is no setting: {settings}"
            );
        }
    }
    Ok(())
}
