//! Data of the first schema is brought up to date by the next start, also when the process is killed while it does so
//! (product §5 "Upgrades"; issue "kill during migration").

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use trackway_tests::{Dice, Instance, Setup, binary, clean, repository};

const EVENTS: i64 = 5_000;
const HOURS: i64 = 60_000;
/// Kills at most; each comes a little later than the one before, until one comes too late.
const KILLS: u64 = 80;
/// 2026-03-02T10:00:00Z in µs.
const NOON: i64 = 1_772_445_600_000_000;

/// A data directory as the first schema of both files made it.
fn first_schema(data: &Path) -> Result<()> {
    let sql = |path: &str| {
        let file = repository().join("crates/store/sql/sqlite/migrations").join(path);
        std::fs::read_to_string(&file).with_context(|| format!("{}", file.display()))
    };
    std::fs::create_dir_all(data.join("projects/1"))?;
    let control = Connection::open(data.join("trackway.db"))?;
    control.execute_batch(&sql("control/0001-control.sql")?)?;
    control.execute("INSERT INTO project VALUES (1, 'proj_old', 'Old', ?1, 0, NULL)", [NOON])?;
    control.pragma_update(None, "user_version", 1)?;
    let ledger = Connection::open(data.join("projects/1/events.db"))?;
    ledger.execute_batch("PRAGMA journal_mode = WAL;")?;
    ledger.execute_batch(&sql("events/0001-ledger.sql")?)?;
    ledger.execute_batch(&format!(
        "BEGIN;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {EVENTS})
         INSERT INTO event (seq, id, started_at, received_at, kind, input, flags)
           SELECT i, 'evt_' || i, {NOON} + i, {NOON} + i, 14, 1, 0 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {HOURS} - 1)
         INSERT INTO person_hour (hour, person) SELECT 490000 + i / 10, i % 10 + 1 FROM n;
         INSERT INTO counter VALUES ('stored', {EVENTS});
         PRAGMA user_version = 1;
         COMMIT;"
    ))?;
    Ok(())
}

#[test]
fn the_first_schema_is_upgraded_though_it_is_killed_meanwhile() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("data");
    first_schema(&data)?;
    let ledger = data.join("projects/1/events.db");
    let version = || -> Result<i64> {
        let conn = Connection::open_with_flags(&ledger, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        Ok(conn.query_row("PRAGMA user_version", [], |r| r.get(0))?)
    };
    let mut dice = Dice::new(77);
    let mut seen = Vec::new();
    for kill in 0..KILLS {
        let mut command: Command = clean(binary()?);
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("TRACKWAY_DATA", &data)
            .env("HOME", home.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        std::thread::sleep(Duration::from_millis(5 + kill * 5 + dice.below(10)));
        child.kill()?;
        child.wait()?;
        seen.push(version()?);
        if seen.last() > Some(&1) {
            break;
        }
    }
    println!("versions after each kill: {seen:?}");
    let before = seen.iter().filter(|v| **v == 1).count();
    ensure!(before > 0, "no kill came before the end of it: that proves nothing");
    let between = seen.last().is_some_and(|v| *v == 1 || *v >= 5);
    ensure!(between, "one transaction, so all of it or nothing: {seen:?}");

    let mut server = Instance::start_with(Setup { data: Some(data.clone()), ..Setup::default() })?;
    let token = server.token("proj_old", "read")?;
    let rows = server.list("proj_old", "events?from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z", &token)?;
    ensure!(rows.len() as i64 == EVENTS, "{} of {EVENTS} events", rows.len());
    server.stop()?;
    ensure!(version()? > 1);
    let conn = Connection::open_with_flags(&ledger, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let sound: String = conn.query_row("PRAGMA integrity_check", [], |r| r.get(0))?;
    ensure!(sound == "ok", "{sound}");
    let (days, expect): (i64, i64) = conn.query_row(
        "SELECT (SELECT count(*) FROM person_day), (SELECT count(*) FROM (SELECT DISTINCT hour / 24, person FROM person_hour))",
        [],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    ensure!(days == expect && days > 0, "{days} days of {expect}");
    let control = Connection::open_with_flags(data.join("trackway.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let owner: String = control.query_row("SELECT name FROM member WHERE row = 1", [], |r| r.get(0))?;
    ensure!(owner == "owner");
    Ok(())
}
