//! `trackway backup`: a copy made under load holds what was acknowledged before, is refused when it was touched, and a
//! server starts from it (INV-01, INV-05).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use trackway_tests::{Dice, Instance, batch, call, random_id, rfc3339, wait_for};

const PROJECT: &str = "proj_backup";
// Its folder is the second: the first start made a project of its own (ADR 0008).
/// The load of one run: enough that the copy overlaps many commits.
const EVENTS_BEFORE: usize = 4_000;
const BATCH: usize = 100;

#[test]
fn a_backup_under_load_holds_all_that_was_acknowledged_before() -> Result<()> {
    let mut instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    let home = tempfile::tempdir()?;
    let backup = home.path().join("monday");
    let backup_arg = text(&backup)?;
    let mut before = BTreeSet::new();
    for round in 0..EVENTS_BEFORE / BATCH {
        before.extend(send(&instance, round as u64)?);
    }
    // More keeps coming while the copy is made.
    let stop = Arc::new(AtomicBool::new(false));
    let during = std::thread::scope(|scope| -> Result<usize> {
        let sender = scope.spawn(|| -> Result<usize> {
            let (mut sent, begun) = (0, Instant::now());
            while !stop.load(Ordering::Relaxed) && begun.elapsed() < Duration::from_secs(20) {
                sent += send(&instance, 1_000 + sent as u64)?.len();
            }
            Ok(sent)
        });
        let made = instance.cli(&["backup", "create", &backup_arg]);
        stop.store(true, Ordering::Relaxed);
        let sent = sender.join().map_err(|_| anyhow::anyhow!("the sender panicked"))??;
        made?;
        Ok(sent)
    })?;
    println!("{} events before, {during} while the copy was made", before.len());
    ensure!(during > 0, "nothing was sent while the copy was made: that proves nothing");

    let sound = instance.run_cli(&["backup", "verify", &backup_arg, "--json"])?;
    ensure!(sound.code == Some(0), "{sound:?}");
    let told: Value = serde_json::from_str(&sound.stdout)?;
    // The first start's own, empty project may be in it too.
    let holds = |files: &Vec<Value>| files.iter().any(|file| file["project"] == PROJECT);
    ensure!(told["files"].as_array().is_some_and(holds), "{told}");

    let again = instance.run_cli(&["backup", "create", &backup_arg])?;
    ensure!(again.code == Some(2), "a backup was written over another: {again:?}");
    let over = instance.run_cli(&["backup", "restore", &backup_arg])?;
    ensure!(over.code == Some(2) && over.stderr.contains("not empty"), "{over:?}");

    // The disk is lost; a new server starts from the copy, with the same keys.
    instance.stop()?;
    std::fs::remove_dir_all(instance.data())?;
    instance.cli(&["backup", "restore", &backup_arg])?;
    instance.start_again()?;
    let period = format!("from={}&to={}", rfc3339(-86_400), rfc3339(3_600));
    wait_for("the restored project", Duration::from_secs(5), || {
        Ok(instance.get(&format!("/api/v1/projects/{PROJECT}/sessions"), &token).ok())
    })?;
    let rows = instance.list(PROJECT, &format!("events?{period}"), &token)?;
    let found: BTreeSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    let lost = before.iter().filter(|id| !found.contains(id.as_str())).count();
    ensure!(lost == 0, "{lost} events that were acknowledged before are not in the backup");
    ensure!(found.len() <= before.len() + during, "the backup invents events");
    // It goes on from there.
    ensure!(send(&instance, 9)?.len() == BATCH, "the restored server does not store");
    Ok(())
}

#[test]
fn a_backup_that_was_touched_or_lies_is_refused() -> Result<()> {
    let mut instance = Instance::start()?;
    instance.project(PROJECT)?;
    send(&instance, 1)?;
    instance.stop()?;
    let home = tempfile::tempdir()?;
    let good = home.path().join("good");
    instance.cli(&["backup", "create", &text(&good)?])?;
    instance.cli(&["backup", "verify", &text(&good)?])?;

    // One byte of a ledger.
    let ledger = good.join("projects/2/events.db");
    let mut bytes = std::fs::read(&ledger)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("an empty ledger")? ^= 1;
    std::fs::write(&ledger, &bytes)?;
    let touched = instance.run_cli(&["backup", "verify", &text(&good)?])?;
    ensure!(touched.code == Some(4) && touched.stdout.contains("events.db"), "{touched:?}");
    let target = home.path().join("target");
    let refused = instance.run_cli(&["backup", "restore", &text(&good)?, "--data", &text(&target)?])?;
    ensure!(refused.code == Some(4), "{refused:?}");
    ensure!(!target.exists(), "a refused restore left files behind");

    // A path that leads out.
    let manifest = good.join("manifest.json");
    let honest = std::fs::read_to_string(&manifest)?;
    std::fs::write(&manifest, honest.replace("projects/2/events.db", "../../escaped.db"))?;
    let out = instance.run_cli(&["backup", "restore", &text(&good)?, "--data", &text(&target)?])?;
    ensure!(out.code == Some(4) && out.stderr.contains("no path inside"), "{out:?}");
    let none = instance.run_cli(&["backup", "verify", &text(home.path())?])?;
    ensure!(none.code == Some(4), "{none:?}");

    // Counters that are not what the rows say: a faithful copy of a wrong ledger is still wrong.
    for (lie, said) in [
        ("UPDATE counter SET n = n + 1 WHERE name = 'stored'", "count of stored events"),
        ("UPDATE session SET events = events + 1", "sessions count other events"),
        ("DELETE FROM rollup WHERE grain = 0", "rollups of hours"),
        ("DELETE FROM seen WHERE seq = (SELECT min(seq) FROM seen)", "dedupe keys"),
    ] {
        let db = rusqlite::Connection::open(instance.data().join("projects/2/events.db"))?;
        db.execute_batch(&format!("{lie};"))?;
        drop(db);
        let wrong = home.path().join(random_id("wrong-"));
        instance.cli(&["backup", "create", &text(&wrong)?])?;
        let found = instance.run_cli(&["backup", "verify", &text(&wrong)?])?;
        ensure!(found.code == Some(4) && found.stdout.contains(said), "{lie}: {found:?}");
    }
    Ok(())
}

/// Sends one batch and gives the ids that were stored.
fn send(instance: &Instance, number: u64) -> Result<Vec<String>> {
    let mut dice = Dice::new(number + 1);
    let session = random_id("ses_");
    let events: Vec<Value> = (0..BATCH)
        .map(|_| {
            let at = rfc3339(-i64::try_from(dice.below(3_000)).unwrap_or(0));
            call(&random_id("evt_"), &session, dice.pick(&["search", "order"]), &at)
        })
        .collect();
    let outcomes = instance.ingest(&batch(PROJECT, &events))?;
    ensure!(outcomes.iter().all(|outcome| outcome == "stored"), "{outcomes:?}");
    Ok(events.iter().filter_map(|event| event["id"].as_str().map(str::to_owned)).collect())
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).context("a path that is not UTF-8")
}
