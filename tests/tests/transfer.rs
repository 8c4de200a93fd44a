//! `trackway export` and `import`: what the recorded clients sent comes out as a file of either kind, goes into another
//! project and means the same there; a second import stores nothing (F-139, F-162).

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use trackway_tests::{Instance, binary, clean, repository, run};

const FROM: &str = "proj_from";

#[test]
fn a_project_goes_through_a_file_and_stays_the_same() -> Result<()> {
    let mut instance = Instance::start()?;
    let token = instance.project(FROM)?;
    let mut bodies = 0;
    for entry in std::fs::read_dir(repository().join("tests/clients"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "jsonl") {
            bodies += replay(&instance, &path)?;
        }
    }
    ensure!(bodies > 60, "only {bodies} recorded bodies");
    let figures = told(&instance, FROM, &token)?;
    ensure!(figures.values().all(|list| !list.is_empty()), "a list is empty: {figures:?}");
    let home = tempfile::tempdir()?;
    for format in ["jsonl", "parquet"] {
        let file = text(&home.path().join(format!("all.{format}")))?;
        // Beside the running server.
        let out = instance.run_cli(&["export", "--project", FROM, "--out", &file])?;
        ensure!(out.code == Some(0) && out.stderr.contains("exported"), "{out:?}");
        let over = instance.run_cli(&["export", "--project", FROM, "--out", &file])?;
        ensure!(over.code == Some(3) && over.stderr.contains("exists"), "{over:?}");
        let locked = instance.run_cli(&["import", &file, "--project", FROM])?;
        ensure!(locked.code == Some(3) && locked.stderr.contains("stop the server"), "{locked:?}");

        let into = format!("proj_{format}");
        let token = instance.project(&into)?;
        instance.stop()?;
        let first = import(&instance, &file, &into)?;
        ensure!(first["duplicates"] == 0 && first["refused"] == 0 && first["stored"] != 0, "{first}");
        for project in [&into, FROM] {
            let again = import(&instance, &file, project)?;
            ensure!(again["stored"] == 0 && again["duplicates"] == first["stored"], "{project}: {again}");
        }
        instance.start_again()?;
        let same = told(&instance, &into, &token)?;
        for (list, rows) in &figures {
            ensure!(same.get(list) == Some(rows), "{format}, {list}: {rows:#?} became {:#?}", same.get(list));
        }
        // What comes out of the copy is what went in.
        let again = text(&home.path().join(format!("again-{format}.jsonl")))?;
        instance.cli(&["export", "--project", &into, "--out", &again])?;
        if format == "jsonl" {
            ensure!(std::fs::read(&file)? == std::fs::read(&again)?, "the second export is another");
        }
    }
    let read = |name: &str| std::fs::read(home.path().join(name));
    ensure!(
        read("again-jsonl.jsonl")? == read("again-parquet.jsonl")?,
        "a table holds something else than lines"
    );
    Ok(())
}

/// The example of the help, where no server has run yet, and each form of a time that it names.
#[test]
fn a_project_nobody_sent_to_exports_nothing() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = text(&home.path().join("data"))?;
    let verb = |args: &[&str]| {
        let mut command = clean(binary()?);
        command.args(args).args(["--data", &data]).env("HOME", home.path());
        run(command, Duration::from_secs(30))
    };
    let made = verb(&["project", "create", "new", "--id", FROM])?;
    ensure!(made.code == Some(0), "{made:?}");
    for from in ["now-7d", "2026-03-02", "2026-03-02T10:00:00Z"] {
        let out = verb(&[
            "export",
            "--project",
            FROM,
            "--from",
            from,
            "--filter",
            "tool:search status:tool_error",
        ])?;
        ensure!(out.code == Some(0) && out.stdout.is_empty(), "{from}: {out:?}");
        ensure!(out.stderr.contains("exported 0 events"), "{from}: {out:?}");
    }
    let bad = verb(&["export", "--project", FROM, "--from", "yesterdayish"])?;
    ensure!(bad.code == Some(2) && bad.stderr.contains("now-7d"), "{bad:?}");
    Ok(())
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_in() -> Result<()> {
    let mut instance = Instance::start()?;
    let token = instance.project(FROM)?;
    instance.stop()?;
    let home = tempfile::tempdir()?;
    let file = home.path().join("mixed.jsonl");
    let good = |id: &str| json!({"id": id, "kind": "tool_call", "started_at": "2026-03-02T10:00:00Z", "tool": "t", "status": "ok"});
    let lines = [
        good("a").to_string(),
        "{\"cut".into(),
        String::new(),
        json!({"id": "b", "kind": "no such kind", "started_at": "2026-03-02T10:00:00Z"}).to_string(),
        "x".repeat(5 * 1024 * 1024),
        good("c").to_string(),
    ];
    std::fs::File::create(&file)?.write_all(lines.join("\n").as_bytes())?;
    let mixed = instance.run_cli(&["import", &text(&file)?, "--project", FROM])?;
    ensure!(mixed.code == Some(1), "{mixed:?}");
    ensure!(mixed.stdout.contains("2 stored, 0 there already, 3 refused"), "{mixed:?}");
    for line in ["line 2:", "line 4:", "line 5:"] {
        ensure!(mixed.stderr.contains(line), "{line} is not named: {mixed:?}");
    }
    // Damaged tables: none of them is a panic, none stores anything.
    let table = home.path().join("good.parquet");
    instance.cli(&["export", "--project", FROM, "--out", &text(&table)?])?;
    let bytes = std::fs::read(&table)?;
    for cut in [0, 3, bytes.len() / 2, bytes.len() - 1] {
        let damaged = home.path().join("damaged.parquet");
        std::fs::write(&damaged, bytes.get(..cut).context("short")?)?;
        let refused = instance.run_cli(&["import", &text(&damaged)?, "--project", FROM])?;
        ensure!(refused.code == Some(4) && refused.stderr.contains("no Parquet file"), "{cut}: {refused:?}");
    }
    let nowhere = instance.run_cli(&["import", &text(&file)?, "--project", "proj_none"])?;
    ensure!(nowhere.code != Some(0) && nowhere.stderr.contains("project"), "{nowhere:?}");
    instance.start_again()?;
    let rows = instance.list(FROM, "events?from=2026-03-01&to=2026-03-04", &token)?;
    ensure!(rows.len() == 2, "{rows:?}");
    Ok(())
}

fn import(instance: &Instance, file: &str, project: &str) -> Result<Value> {
    Ok(serde_json::from_str(&instance.cli(&["import", file, "--project", project, "--json"])?)?)
}

/// Sends what a client sent, to [`FROM`]; how many bodies.
fn replay(instance: &Instance, path: &Path) -> Result<usize> {
    let mut sent = 0;
    for line in std::fs::read_to_string(path)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        let mut body = line["body"].clone();
        for key in ["api_key", "token", "projectId"] {
            if body.get(key).is_some() {
                body[key] = json!(FROM);
            }
        }
        let agent = line["headers"]["user-agent"].as_str().unwrap_or("x");
        let bearer = format!("Bearer {FROM}");
        let mut headers = vec![("content-type", "application/json"), ("user-agent", agent)];
        if line["path"] == "/i/v1/analytics/events" {
            headers.extend([("authorization", bearer.as_str()), ("posthog-sdk-info", agent)]);
        }
        let path = line["path"].as_str().context("a path")?;
        let answer = instance.post_with(path, &headers, body.to_string().as_bytes())?;
        ensure!(answer.status < 400, "{path}: {answer:?}");
        sent += 1;
    }
    Ok(sent)
}

/// What the project's lists say, without what a project's own name decides.
fn told(instance: &Instance, project: &str, token: &str) -> Result<BTreeMap<&'static str, Vec<String>>> {
    let mut told = BTreeMap::new();
    for (list, members) in [
        (
            "sessions",
            &["source", "started_at", "last_event_at", "tool_calls", "errors", "client", "actor"][..],
        ),
        ("tools", &["name", "calls", "errors", "sessions", "people"]),
        ("people", &["actor", "tool_calls", "errors", "sessions", "first_seen", "last_seen"]),
        ("issues", &["title", "events", "sessions", "tool"]),
        ("clients", &["name", "version", "calls", "errors", "sessions"]),
    ] {
        let rows = instance.list(project, &format!("{list}?from=2026-01-01&to=2027-12-31"), token)?;
        let kept =
            |row: &Value| members.iter().map(|m| format!("{m}={}", row[*m])).collect::<Vec<_>>().join(" ");
        let mut rows: Vec<String> = rows.iter().map(kept).collect();
        rows.sort();
        told.insert(list, rows);
    }
    Ok(told)
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("a path that is no text")?.to_owned())
}
