//! SDK-88: what was spooled survives kill -9, and with the spool always on all but the last moment does.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use trackway_capture::delivery::{Delivery, DeliveryConfig, SpoolMode};
use trackway_capture::queue::Queue;
use trackway_capture::spool::Spool;
use trackway_event::{Event, EventId, IngestBatch, Kind, ProjectId, SdkInfo, Timestamp};

const DIR: &str = "TRACKWAY_TEST_KILL9_DIR";
/// The rule says 200 ms; the rest is for a busy machine's disk.
const LATEST: Duration = Duration::from_millis(600);

#[test]
fn sdk_88_kill_9_costs_the_last_moment_and_no_more() {
    if let Some(dir) = std::env::var_os(DIR) {
        return record(dir.into());
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sdk_88_kill_9_costs_the_last_moment_and_no_more", "--nocapture"])
        .env(DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut recorded: Vec<(u64, Instant)> = Vec::new();
    let begun = Instant::now();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let Some(number) = line.unwrap().strip_prefix("recorded ").and_then(|n| n.parse().ok()) else {
            continue;
        };
        recorded.push((number, Instant::now()));
        if begun.elapsed() > Duration::from_secs(3) {
            break;
        }
    }
    let killed = Instant::now();
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();

    let spool = Spool::open(dir.path().to_owned()).unwrap();
    let right = spool.lock().expect("the dead process holds no lock");
    let mut found = BTreeSet::new();
    while let Some(kept) = spool.oldest(&right) {
        let mut json = kept.body.clone();
        if kept.body.starts_with(&[0x1f, 0x8b]) {
            json.clear();
            flate2::read::GzDecoder::new(kept.body.as_slice()).read_to_end(&mut json).unwrap();
        }
        let batch: IngestBatch = serde_json::from_slice(&json).unwrap();
        assert_eq!(batch.events.len(), kept.events as usize);
        found.extend(batch.events.iter().map(|e| e.id.clone()));
        spool.remove(&kept.path);
    }
    let due: Vec<u64> = recorded.iter().filter(|(_, at)| *at + LATEST < killed).map(|(n, _)| *n).collect();
    assert!(due.len() > 100, "{} of {} were due", due.len(), recorded.len());
    let missing: Vec<_> = due.iter().filter(|n| !found.contains(&event(**n).id)).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), due.len());
}

/// The other process: records until it is killed, or for a while.
fn record(dir: std::path::PathBuf) {
    let queue = Arc::new(Queue::default());
    let config = DeliveryConfig {
        // Nobody listens there.
        endpoint: "http://127.0.0.1:1".into(),
        token: None,
        project: ProjectId::parse("proj_test").unwrap(),
        sdk: SdkInfo { name: "trackway-test".into(), version: "1".into() },
        spool: Some(dir),
        wire: trackway_capture::delivery::Wire::Native,
    };
    let _running = Delivery::start_with(config, Arc::clone(&queue), SpoolMode::Always).unwrap();
    for number in 0..20_000u64 {
        queue.push(event(number));
        println!("recorded {number}");
        std::io::stdout().flush().unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn event(number: u64) -> Event {
    let at = Timestamp::from_millis(1_767_323_045_000 + number as i64);
    let mut random = [0; 16];
    random[..8].copy_from_slice(&number.to_be_bytes());
    Event::new(EventId::mint(at, random), Kind::ToolCall, at)
}
