//! Conservation at the end of every test (INV-02): what `/metrics`, the intake of each project, the page Data health and the rows
//! on disk say must be the same sum, and no less than what senders were told.
//!
//! Called when an [`Instance`] that still runs goes away. Senders that have not ended yet may move the figures, so it is asked
//! again until they agree.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::{Instance, wait_for};

/// How long the places may take to agree: whatever still sends has ended by then.
const PATIENCE: Duration = Duration::from_secs(20);

/// What senders were told of their events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    pub(crate) stored: u64,
    pub(crate) dropped: u64,
}

/// Received, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    received: u64,
    stored: u64,
    duplicates: u64,
    dropped: u64,
}

/// Holds the places against each other.
///
/// # Errors
/// Where they differ for good, with what each says.
pub(crate) fn check(instance: &Instance, told: Told) -> Result<()> {
    let made = instance.cli(&["token", "create", "--scope", "admin", "--name", "conservation", "--json"])?;
    let made: Value = serde_json::from_str(&made)?;
    let token = made["token"].as_str().context("token")?.to_owned();
    let mut last = None;
    let agreed = wait_for("the counts to agree", PATIENCE, || match once(instance, &token, told) {
        Ok(()) => Ok(Some(())),
        Err(error) => {
            last = Some(error);
            std::thread::sleep(Duration::from_millis(200));
            Ok(None)
        }
    });
    let revoked = instance.cli(&["token", "revoke", made["id"].as_str().context("id")?]);
    match (agreed, last) {
        (Err(_), Some(error)) => Err(error),
        (Err(error), None) => Err(error),
        (Ok(()), _) => revoked.map(drop),
    }
}

fn once(instance: &Instance, token: &str, told: Told) -> Result<()> {
    let bearer = format!("Bearer {token}");
    let metrics = instance.get_with("/metrics", &[("authorization", &bearer)])?;
    ensure!(metrics.status == 200, "/metrics: {} {}", metrics.status, metrics.text);
    let all = of_metrics(&metrics.text)?;
    ensure!(all.received == all.stored + all.duplicates + all.dropped, "/metrics: {all:?}");
    let acts = acts(instance, token)?;
    let done = |some: &[&str]| acts.iter().any(|act| some.contains(&act.as_str()));
    // The counts of a deleted project went with it, and a copy knows nothing of what came after it.
    let whole = !done(&["project_delete", "backup_restore"]);
    ensure!(
        !whole || (all.stored >= told.stored && all.dropped >= told.dropped),
        "senders were told {told:?}, the server counts {all:?}; {acts:?}"
    );
    let mut sum = Sum::default();
    let projects = instance.get("/api/v1/projects", token)?;
    for project in projects["items"].as_array().context("projects")? {
        let id = project["id"].as_str().context("id")?;
        let own = of_intake(&instance.get(&format!("/api/v1/projects/{id}/intake"), token)?)?;
        ensure!(own.received == own.stored + own.duplicates + own.dropped, "{id}: {own:?}");
        let page =
            instance.get_with(&format!("/p/{id}/settings?tab=health"), &[("authorization", &bearer)])?;
        shows(&page.text, own).with_context(|| format!("Data health of {id}"))?;
        sum.stored += own.stored;
        sum.duplicates += own.duplicates;
        sum.dropped += own.dropped;
    }
    // Events of no known project are dropped, and nobody's intake.
    ensure!(
        sum.stored == all.stored && sum.duplicates == all.duplicates && sum.dropped <= all.dropped,
        "all projects say {sum:?}, /metrics {all:?}"
    );
    let rows = rows(&instance.data().join("projects"))?;
    // What was removed stays counted; a restore repeats removals.
    let removed = done(&["person_delete", "project_delete", "retention_run", "backup_restore"]);
    ensure!(
        if removed { rows <= all.stored } else { rows == all.stored },
        "{rows} rows lie on disk, {} events were counted as stored",
        all.stored
    );
    Ok(())
}

/// What admins did, by the audit log.
fn acts(instance: &Instance, token: &str) -> Result<Vec<String>> {
    let acts = instance.get("/api/v1/audit", token)?;
    let acts = acts["items"].as_array().context("audit")?.iter();
    Ok(acts.filter_map(|act| act["act"].as_str().map(str::to_owned)).collect())
}

fn of_metrics(text: &str) -> Result<Sum> {
    let one = |name: &str| -> Result<u64> {
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("/metrics has no {name}"))?.parse::<f64>()? as u64)
    };
    let reasons = text.lines().filter(|l| l.starts_with("trackway_events_dropped_total{"));
    let dropped: Vec<u64> =
        reasons.filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok()).map(|n| n as u64).collect();
    ensure!(!dropped.is_empty(), "/metrics names no reasons");
    Ok(Sum {
        received: one("trackway_events_received_total")?,
        stored: one("trackway_events_stored_total")?,
        duplicates: one("trackway_events_duplicate_total")?,
        dropped: dropped.into_iter().sum(),
    })
}

fn of_intake(intake: &Value) -> Result<Sum> {
    let one = |name: &str| intake[name].as_u64().with_context(|| format!("no {name}: {intake}"));
    let dropped = intake["dropped"].as_object().context("dropped")?.values().filter_map(Value::as_u64);
    Ok(Sum {
        received: one("received")?,
        stored: one("stored")?,
        duplicates: one("duplicates")?,
        dropped: dropped.sum(),
    })
}

/// The sentence of the page, number by number.
fn shows(page: &str, sum: Sum) -> Result<()> {
    let lede = page.split_once("data-testid=\"lede\"").and_then(|(_, rest)| rest.split_once("</p>"));
    let (lede, _) = lede.context("the page has no sentence")?;
    if sum.received == 0 {
        ensure!(lede.contains("Nothing has been received"), "{lede}");
        return Ok(());
    }
    let bold = lede.split("<b>").skip(1).filter_map(|part| part.split_once("</b>"));
    let numbers: Vec<u64> = bold
        .filter_map(|(number, _)| {
            number.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
        })
        .collect();
    ensure!(
        numbers == [sum.received, sum.stored, sum.duplicates, sum.dropped],
        "the page says {numbers:?}, the API {sum:?}"
    );
    Ok(())
}

/// Events in all ledgers, counted by nobody of ours.
fn rows(projects: &Path) -> Result<u64> {
    let Ok(found) = std::fs::read_dir(projects) else { return Ok(0) };
    let mut count = 0;
    for ledger in found.flatten().map(|entry| entry.path().join("events.db")).filter(|path| path.is_file()) {
        let open = Connection::open_with_flags(&ledger, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        count += open.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0))?.unsigned_abs();
    }
    Ok(count)
}
