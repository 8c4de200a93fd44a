//! Bad input and a full disk: the answer the contract names, nothing else lost, memory bounded, recovery without help.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use trackway_tests::{Instance, Setup, batch, call, random_id, rfc3339, wait_for};

const PROJECT: &str = "proj_faults";
/// What the server may hold at most while it is treated badly (issue figure: 400 MB under load).
const MEMORY: u64 = 400 * 1024 * 1024;

#[test]
fn one_bad_event_never_sinks_its_batch() -> Result<()> {
    let instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    let good = |id: &str| call(id, "ses_good", "search", &rfc3339(-5));
    let mut wrong_time = good("evt_w");
    wrong_time["started_at"] = "yesterday".into();
    let mut wrong_kind = good("evt_k");
    wrong_kind["kind"] = 7.into();
    let events = [
        good("evt_1"),
        json!({}),
        wrong_time,
        json!("text"),
        good("evt_2"),
        wrong_kind,
        json!(null),
        good("evt_3"),
    ];
    let outcomes = instance.ingest(&batch(PROJECT, &events))?;
    ensure!(outcomes.len() == events.len(), "{outcomes:?}");
    let stored: Vec<usize> =
        outcomes.iter().enumerate().filter(|(_, o)| *o == "stored").map(|(n, _)| n).collect();
    ensure!(stored.starts_with(&[0]) && stored.contains(&4) && stored.contains(&7), "{outcomes:?}");
    ensure!(outcomes[1] == "dropped" && outcomes[3] == "dropped" && outcomes[6] == "dropped", "{outcomes:?}");
    let session = instance.get(&format!("/api/v1/projects/{PROJECT}/sessions/ses_good"), &token)?;
    ensure!(session["events"].as_u64() == Some(stored.len() as u64), "{session} {outcomes:?}");
    Ok(())
}

#[test]
fn hostile_bodies_get_their_answer_and_cost_nothing() -> Result<()> {
    let instance = Instance::start()?;
    instance.project(PROJECT)?;
    let idle = resident(instance.pid()?)?;
    ensure!(idle < 60 * 1024 * 1024, "idle at {} MiB", idle / 1024 / 1024);
    let bomb = bomb(300)?;
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let many: Vec<Value> =
        (0..1_001).map(|n| call(&format!("evt_m{n}"), "ses_m", "t", &rfc3339(-5))).collect();
    let long =
        format!("{{\"project\":\"{PROJECT}\",\"events\":[],\"pad\":\"{}\"}}", "x".repeat(6 * 1024 * 1024));
    let many = batch(PROJECT, &many).to_string();
    for (what, encoding, body, expected) in [
        ("a zip bomb", "gzip", bomb.as_slice(), 413),
        ("broken gzip", "gzip", &b"\x1f\x8b\x08nonsense"[..], 400),
        ("an unknown encoding", "compress", b"{}", 415),
        ("no JSON", "identity", b"{\"project\":", 400),
        ("no object", "identity", b"[1,2]", 400),
        ("depth", "identity", deep.as_bytes(), 400),
        ("too long a body", "identity", long.as_bytes(), 413),
        ("too many events", "identity", many.as_bytes(), 200),
        ("bytes that are no text", "identity", &[0xff, 0xfe, 0x00, 0x7b], 400),
        ("nothing", "identity", b"", 400),
    ] {
        for _ in 0..5 {
            let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
            let answer = instance.post_with("/api/v1/ingest", &headers, body)?;
            ensure!(answer.status == expected, "{what}: {} {:.300}", answer.status, answer.text);
            if expected >= 400 {
                let problem = answer.json()?;
                ensure!(problem["code"].is_string(), "{what}: {problem}");
            }
        }
    }
    let peak = resident(instance.pid()?)?;
    ensure!(peak < MEMORY, "{} MiB after hostile bodies", peak / 1024 / 1024);
    println!("idle {} MiB, after hostile bodies {} MiB", idle / 1024 / 1024, peak / 1024 / 1024);
    ensure!(instance.get_with("/health/ready", &[])?.status == 200, "not ready");
    Ok(())
}

#[test]
fn slow_clients_hold_nothing_up() -> Result<()> {
    let instance = Instance::start()?;
    instance.project(PROJECT)?;
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(("127.0.0.1", instance.port()))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        // Half of them never finish their head, half never send the body they promise.
        let head = "POST /api/v1/ingest HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
        let rest = if number % 2 == 0 { "" } else { "content-length: 100000\r\n\r\n{\"proj" };
        write!(stream, "{head}{rest}")?;
        slow.push(stream);
    }
    let begun = Instant::now();
    for _ in 0..20 {
        let event = call(&random_id("evt_"), "ses_quick", "search", &rfc3339(-5));
        instance.ingest(&batch(PROJECT, &[event]))?;
    }
    ensure!(
        begun.elapsed() < Duration::from_secs(5),
        "beside slow clients 20 requests took {:?}",
        begun.elapsed()
    );
    // Each of them is dismissed after a while: an answer or the end of the connection.
    for mut stream in slow {
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        ensure!(ended.is_ok() || !answer.is_empty(), "a slow client is still waited for: {ended:?}");
    }
    println!("the slow ones were dismissed after {:?}", begun.elapsed());
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_idle_connections_cost_little_and_keep_nobody_out() -> Result<()> {
    let instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    // Half never say a word, half stop in the middle of a head; 24 of the server's 1,024 places are left.
    let mut idle = Vec::new();
    for n in 0..1_000 {
        let mut stream = TcpStream::connect(("127.0.0.1", instance.port()))?;
        if n % 2 == 0 {
            stream.write_all(b"POST /api/v1/ingest HTTP/1.1\r\nhost: localhost\r\n")?;
        }
        idle.push(stream);
    }
    let begun = Instant::now();
    let outcomes =
        instance.ingest(&batch(PROJECT, &[call("evt_idle", "ses_idle", "search", &rfc3339(-5))]))?;
    ensure!(outcomes == ["stored"], "{outcomes:?}");
    instance.get(&format!("/api/v1/projects/{PROJECT}/events"), &token)?;
    ensure!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let held = resident(instance.pid()?)?;
    println!("{} MiB with 1,000 idle connections", held / 1024 / 1024);
    ensure!(held < MEMORY / 2, "{} MiB", held / 1024 / 1024);
    Ok(())
}

#[test]
fn a_noisy_project_does_not_slow_another() -> Result<()> {
    const NOISY: &str = "proj_noisy";
    let instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    instance.project(NOISY)?;
    let p99 = |from: usize| -> Result<Duration> {
        let mut times = Vec::new();
        for n in from..from + 150 {
            let event = call(&format!("evt_v{n}"), "ses_v", "search", &rfc3339(-5));
            let begun = Instant::now();
            let outcomes = instance.ingest(&batch(PROJECT, &[event]))?;
            times.push(begun.elapsed());
            ensure!(outcomes == ["stored"], "{outcomes:?}");
        }
        times.sort_unstable();
        Ok(times[times.len() * 99 / 100])
    };
    let alone = p99(0)?;
    instance.cli(&["project", "set", NOISY, "limit.events_per_second", "500"])?;
    std::thread::sleep(Duration::from_millis(1_100));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let beside = std::thread::scope(|scope| {
        for sender in 0..4 {
            let (instance, stop) = (&instance, &stop);
            scope.spawn(move || {
                let mut n = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let events: Vec<Value> = (0..500)
                        .map(|i| call(&format!("evt_n{sender}_{n}_{i}"), "ses_n", "t", &rfc3339(-5)))
                        .collect();
                    // Held, then told to come back: what becomes of it is not this test's question.
                    drop(instance.post("/api/v1/ingest", &batch(NOISY, &events)));
                    n += 1;
                }
            });
        }
        std::thread::sleep(Duration::from_secs(2));
        let beside = p99(1_000);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        beside
    })?;
    println!("p99 alone {alone:?}, beside a noisy project {beside:?}");
    // Twice, but for what a shared machine adds by itself.
    ensure!(beside < (alone * 2).max(Duration::from_millis(100)), "{alone:?} alone, {beside:?} beside");
    ensure!(instance.list(PROJECT, "events", &token)?.len() == 300);
    Ok(())
}

#[test]
fn a_full_disk_refuses_reads_on_and_recovers() -> Result<()> {
    let disk = SmallDisk::mount()?;
    let instance = Instance::start_with(Setup { data: Some(disk.path.join("data")), ..Setup::default() })?;
    let token = instance.project(PROJECT)?;
    let event = || call(&random_id("evt_"), "ses_disk", "search", &rfc3339(-5));
    ensure!(instance.ingest(&batch(PROJECT, &[event()]))? == ["stored"], "room at the start");
    // Somebody else fills the disk.
    let hog = disk.path.join("hog");
    let filled = fill(&hog)?;
    println!("filled {} MiB", filled / 1024 / 1024);
    wait_for("the server not to be ready", Duration::from_secs(10), || {
        Ok(Some(instance.get_with("/health/ready", &[])?).filter(|answer| answer.status == 503))
    })?;
    let begun = Instant::now();
    let refused = instance.post("/api/v1/ingest", &batch(PROJECT, &[event()]))?;
    ensure!(refused.status == 503, "{} {}", refused.status, refused.text);
    ensure!(refused.header("retry-after").is_some(), "no Retry-After: {:?}", refused.headers);
    ensure!(begun.elapsed() < Duration::from_secs(12), "held for {:?}", begun.elapsed());
    // The published SDK for TypeScript would end its host on anything but 202.
    let node = [("content-type", "application/json"), ("user-agent", "node")];
    let agentcat = json!({ "id": random_id("evt_"), "project_id": PROJECT, "session_id": "ses_disk",
        "timestamp": rfc3339(-5), "event_type": "mcp:tools/call", "resource_name": "search" });
    let kind = instance.post_with("/v1/public/events/", &node, agentcat.to_string().as_bytes())?;
    ensure!(kind.status == 202, "{} {}", kind.status, kind.text);
    // Reading goes on.
    let session = instance.get(&format!("/api/v1/projects/{PROJECT}/sessions/ses_disk"), &token)?;
    ensure!(session["events"] == 1, "{session}");
    std::fs::remove_file(&hog)?;
    wait_for("the server to be ready again", Duration::from_secs(20), || {
        Ok(Some(instance.get_with("/health/ready", &[])?).filter(|answer| answer.status == 200))
    })?;
    wait_for("an event to be stored again", Duration::from_secs(20), || {
        Ok(Some(instance.post("/api/v1/ingest", &batch(PROJECT, &[event()]))?)
            .filter(|answer| answer.status == 200))
    })?;
    Ok(())
}

/// Resident memory of a process, bytes.
fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

/// Some hundred MiB of zeros in a few hundred KiB.
fn bomb(mib: usize) -> Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b' '; 1024 * 1024];
    for _ in 0..mib {
        gzip.write_all(&zeros)?;
    }
    Ok(gzip.finish()?)
}

/// Writes until there is no room. Gives the bytes written.
fn fill(path: &Path) -> Result<u64> {
    let mut file = std::fs::File::create(path)?;
    let chunk = vec![1_u8; 256 * 1024];
    let mut filled = 0;
    // An error here is what we are after.
    while let Ok(written) = file.write(&chunk) {
        filled += written as u64;
        if written == 0 {
            break;
        }
    }
    Ok(filled)
}

/// A file system of 128 MiB in memory. Needs the right to mount, as the container of the checks has.
struct SmallDisk {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("disk");
        std::fs::create_dir(&path)?;
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=128m", "tmpfs"]).arg(&path).output()?;
        ensure!(
            mounted.status.success(),
            "a small disk cannot be mounted; run the tests as root: {}",
            String::from_utf8_lossy(&mounted.stderr)
        );
        Ok(Self { path, _dir: dir })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server of a failed test may still be ending.
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.path).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.path.display());
        }
    }
}
