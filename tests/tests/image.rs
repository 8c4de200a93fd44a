//! The container image as far as it can be tried without an engine: a root that holds the binary and nothing else, a user without
//! rights, the image's own settings. Needs the right to change the root, as the container of the checks has.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use trackway_tests::{Peer, binary, free_port, repository, run};

/// The user of the image.
const USER: u32 = 65_532;

#[test]
fn the_image_needs_nothing_but_its_binary() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let root = dir.path();
    fill(root)?;
    let before = listed(root)?;
    let settings = settings()?;
    let inside = |args: &[&str]| {
        let mut command = Command::new("/usr/sbin/chroot");
        command.arg(format!("--userspec={USER}:{USER}")).arg(root).arg("/trackway").args(args);
        command.env_clear().envs(settings.iter().map(|(k, v)| (k, v)));
        command
    };
    let port = free_port()?;
    let mut serve = inside(&["serve"]);
    // Loopback only: the image listens everywhere, behind whatever publishes its port.
    serve.env("TRACKWAY_LISTEN", format!("127.0.0.1:{port}"));
    let server = Peer::start(serve, port)?;
    let made = run(inside(&["project", "create", "box", "--id", "proj_box"]), Duration::from_secs(20))?;
    ensure!(made.code == Some(0), "{made:?}");
    let zone =
        run(inside(&["project", "set", "proj_box", "timezone", "Europe/Berlin"]), Duration::from_secs(20))?;
    ensure!(zone.code == Some(0), "no zones in an empty image: {zone:?}");
    let event = json!({"id": "evt_box", "kind": "custom", "started_at": "2026-03-02T10:00:00Z"});
    let answer = post(port, &json!({"project": "proj_box", "events": [event]}))?;
    ensure!(answer.contains("200 OK") && answer.contains("\"stored\""), "{answer}");
    let doctor = run(inside(&["doctor", "--json"]), Duration::from_secs(30))?;
    ensure!(doctor.code == Some(0), "the image's health check says no: {doctor:?}");
    let found: Value = serde_json::from_str(&doctor.stdout)?;
    ensure!(found["items"].as_array().is_some_and(|items| !items.is_empty()), "{found}");
    drop(server);
    ensure!(root.join("data/trackway.db").is_file());
    ensure!(listed(root)? == before, "something was written beside /data and /tmp");
    Ok(())
}

/// What the image holds; for a binary that is not static, what a static one has in itself.
fn fill(root: &Path) -> Result<()> {
    let ours = binary()?;
    std::fs::set_permissions(root, PermissionsExt::from_mode(0o755))?;
    std::fs::copy(&ours, root.join("trackway"))?;
    let listed = Command::new("ldd").arg(&ours).output().context("ldd")?;
    for path in
        String::from_utf8_lossy(&listed.stdout).split_whitespace().filter(|word| word.starts_with('/'))
    {
        let to = root.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(to.parent().context("a library lies in a directory")?)?;
        std::fs::copy(path, to)?;
    }
    for (name, mode) in [("data", 0o700), ("tmp", 0o1777)] {
        let made = root.join(name);
        std::fs::create_dir(&made)?;
        std::fs::set_permissions(&made, PermissionsExt::from_mode(mode))?;
        chown(&made, Some(USER), Some(USER)).context("run the tests as root")?;
    }
    ensure!(std::fs::metadata(root.join("data"))?.uid() == USER);
    Ok(())
}

/// The image's `ENV`.
fn settings() -> Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(repository().join("packaging/docker/Dockerfile"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("ENV ")).context("the image sets nothing")?;
    let pairs = line.split_whitespace().filter_map(|pair| pair.split_once('='));
    let pairs: Vec<_> = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    ensure!(pairs.contains(&("TRACKWAY_DATA".into(), "/data".into())), "{pairs:?}");
    Ok(pairs)
}

/// Every path outside of what may be written.
fn listed(root: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(&dir)? {
            let path = entry?.path();
            if path.is_dir() && path != root.join("data") && path != root.join("tmp") {
                left.push(path.clone());
            }
            paths.push(path.display().to_string());
        }
    }
    paths.sort();
    Ok(paths)
}

fn post(port: u16, body: &Value) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let body = body.to_string();
    write!(
        stream,
        "POST /api/v1/ingest HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
