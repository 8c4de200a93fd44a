//! Privacy from the outside: what a project keeps, for how long, and what becomes of one person's data (F-145, F-146, F-150,
//! F-151).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use trackway_tests::{Instance, Setup, wait_for};

const SEEN: Duration = Duration::from_secs(5);

fn event(id: &str, actor: &str, session: &str, at: &str) -> Value {
    json!({"id": id, "kind": "tool_call", "started_at": at, "session_id": session, "session_source": "given",
        "tool": "search", "status": "ok", "intent": format!("{actor} wants"), "actor": {"id": actor},
        "arguments": {"q": format!("{actor}@example.org"), "pin": 1234}})
}

fn batch(events: Vec<Value>) -> Value {
    json!({"project": "proj_shop", "events": events})
}

fn now() -> String {
    trackway_tests::rfc3339(0)
}

#[test]
fn a_project_keeps_what_its_settings_say_within_a_second() -> Result<()> {
    let server = Instance::start()?;
    let token = server.project("proj_shop")?;
    server.cli(&["project", "set", "proj_shop", "redact.patterns", "email"])?;
    server.cli(&["project", "set", "proj_shop", "redact.keys", "pin"])?;
    let bad = server.run_cli(&["project", "set", "proj_shop", "capture", "everything"])?;
    ensure!(bad.code == Some(2) && bad.stderr.contains("full, shape"), "{bad:?}");
    let tried = server.cli(&["project", "try", "proj_shop", "mail ann@example.org"])?;
    ensure!(tried == "mail [redacted]\n1 masked\n", "{tried}");
    std::thread::sleep(Duration::from_millis(1_100));
    server.ingest(&batch(vec![event("e1", "ann", "s1", &now())]))?;
    let kept = server.get("/api/v1/projects/proj_shop/events/e1", &token)?;
    ensure!(kept["arguments"] == json!({"q": "[redacted]", "pin": "[redacted]"}), "{kept}");
    server.cli(&["project", "set", "proj_shop", "capture", "off"])?;
    std::thread::sleep(Duration::from_millis(1_100));
    server.ingest(&batch(vec![event("e2", "ann", "s1", &now())]))?;
    let kept = server.get("/api/v1/projects/proj_shop/events/e2", &token)?;
    ensure!(kept["arguments"].is_null() && kept["tool"] == "search", "{kept}");
    Ok(())
}

#[test]
fn a_rate_is_kept_and_nothing_is_lost_silently() -> Result<()> {
    let server = Instance::start()?;
    let token = server.project("proj_shop")?;
    server.cli(&["project", "set", "proj_shop", "limit.events_per_second", "5"])?;
    server.cli(&["project", "set", "proj_shop", "limit.events_per_day", "95"])?;
    std::thread::sleep(Duration::from_millis(1_100));
    let send = |from: u32, n: u32| {
        let events = (from..from + n).map(|i| event(&format!("e{i}"), "ann", "s1", &now())).collect();
        server.post("/api/v1/ingest", &batch(events))
    };
    ensure!(send(0, 50)?.status == 200, "a burst of ten seconds' worth");
    let held = send(50, 45)?;
    ensure!(held.status == 503 && held.header("retry-after").is_some(), "{} {}", held.status, held.text);
    let over = send(100, 50)?;
    ensure!(over.status == 200 && over.text.contains("quota"), "{} {}", over.status, over.text);
    let intake = server.get("/api/v1/projects/proj_shop/intake", &token)?;
    ensure!(intake["stored"] == 50 && intake["dropped"]["quota"] == 50, "{intake}");
    ensure!(intake["received"] == 100, "what is sent again has no outcome yet: {intake}");
    Ok(())
}

#[test]
fn a_person_is_read_out_and_deleted_beside_a_running_server() -> Result<()> {
    let mut server = Instance::start()?;
    let token = server.project("proj_shop")?;
    server.ingest(&batch(vec![
        event("e1", "canary", "s1", &now()),
        event("e2", "canary", "s1", &now()),
        event("e3", "bob", "s2", &now()),
    ]))?;
    let exported = server.cli(&["person", "export", "canary", "--project", "proj_shop"])?;
    let lines: Vec<Value> = exported.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let count = |kind: &str| lines.iter().filter(|line| line.get(kind).is_some()).count();
    ensure!((count("person"), count("session"), count("event")) == (1, 1, 2), "{exported}");
    ensure!(exported.contains("canary@example.org") && !exported.contains("bob"), "{exported}");
    let refused = server.run_cli(&["person", "delete", "canary", "--project", "proj_shop"])?;
    ensure!(refused.code == Some(2), "{refused:?}");
    let backup = server.data().join("../backup");
    let backup = backup.to_str().context("path")?;
    server.cli(&["backup", "create", backup])?;
    let receipt: Value = serde_json::from_str(&server.cli(&[
        "person",
        "delete",
        "canary",
        "--project",
        "proj_shop",
        "--yes",
    ])?)?;
    ensure!(receipt["events"] == 2 && receipt["sessions"] == 1, "{receipt}");
    ensure!(!receipt.to_string().contains("canary"), "the receipt can be filed: {receipt}");
    let gone = server.get_with(
        "/api/v1/projects/proj_shop/people/canary",
        &[("authorization", &format!("Bearer {token}"))],
    )?;
    ensure!(gone.status == 404, "{}", gone.text);
    ensure!(server.list("proj_shop", "events", &token)?.len() == 1);
    let again = server.run_cli(&["person", "delete", "canary", "--project", "proj_shop", "--yes"])?;
    ensure!(again.code == Some(1), "{again:?}");

    // A restore from before repeats it.
    let live = server.data().to_str().context("path")?.to_owned();
    server.stop()?;
    let restored = server.data().join("../restored");
    let restored = restored.to_str().context("path")?.to_owned();
    server.cli(&["backup", "restore", backup, "--data", &restored, "--deletions", &live])?;
    let second = Instance::start_with(Setup { data: Some(restored.clone().into()), ..Setup::default() })?;
    wait_for("the deletion to be repeated", SEEN, || {
        Ok((second.list("proj_shop", "events", &token)?.len() == 1).then_some(()))
    })?;
    Ok(())
}

#[test]
fn old_data_goes_by_its_class() -> Result<()> {
    let mut server = Instance::start()?;
    let token = server.project("proj_shop")?;
    server.ingest(&batch(vec![
        event("old", "ann", "s1", "2020-01-01T00:00:00Z"),
        event("new", "bob", "s2", &now()),
    ]))?;
    server.cli(&["project", "set", "proj_shop", "retention.events", "30"])?;
    let dry: Value = serde_json::from_str(&server.cli(&["retention", "run", "--dry-run", "--json"])?)?;
    let shop = |all: &Value| {
        all["items"].as_array().and_then(|a| a.iter().find(|i| i["project"] == "proj_shop").cloned())
    };
    ensure!(shop(&dry).context("item")?["events"] == 1, "{dry}");
    ensure!(
        server.list("proj_shop", "events?from=2019-01-01T00:00:00Z&to=2036-01-01T00:00:00Z", &token)?.len()
            == 2
    );
    let beside = server.run_cli(&["retention", "run"])?;
    ensure!(beside.code == Some(3) && beside.stderr.contains("every hour"), "{beside:?}");
    server.stop()?;
    let run: Value = serde_json::from_str(&server.cli(&["retention", "run", "--json"])?)?;
    ensure!(shop(&run).context("item")?["events"] == 1, "{run}");
    server.start_again()?;
    let left =
        server.list("proj_shop", "events?from=2019-01-01T00:00:00Z&to=2036-01-01T00:00:00Z", &token)?;
    ensure!(left.len() == 1 && left[0]["id"] == "new", "{left:?}");
    Ok(())
}
