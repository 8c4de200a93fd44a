//! The whole HTTP part in one run: starts the release binary on a fresh data directory, measures it idle, loads it on both
//! wires as fast as it goes and at the rates of the goals, asks back what was acknowledged, and stops it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::figures::thousands;
use crate::http::{Connection, request};
use crate::ledger::PROJECT;
use crate::load::{self, Wire};
use crate::machine::{bytes_under, resident};
use crate::reads;

/// `suite`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The binary
    #[arg(long, default_value = "target/release/trackway")]
    bin: PathBuf,
    /// A data directory that is kept; `ledger --dir` makes one with events in it
    #[arg(long)]
    data: Option<PathBuf>,
    /// Only reads: the data directory holds what is read
    #[arg(long)]
    reads_only: bool,
    /// Events as fast as they go, native wire
    #[arg(long, default_value_t = 400_000)]
    native: usize,
    /// Events as fast as they go, AgentCat wire
    #[arg(long, default_value_t = 80_000)]
    agentcat: usize,
    /// Seconds of each fixed rate
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Connections
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Loopback port of the server
    #[arg(long, default_value_t = 17_431)]
    port: u16,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let temp = tempfile::tempdir_in(".")?;
    let data = args.data.clone().unwrap_or_else(|| temp.path().join("data"));
    println!("binary: {} bytes", std::fs::metadata(&args.bin)?.len());
    let mut server = Server::start(&args.bin, &data, args.port)?;
    println!("ready: {:.0} ms", server.ready.as_secs_f64() * 1e3);
    if args.data.is_none() {
        verb(&args.bin, &data, &["project", "create", "bench", "--id", PROJECT])?;
    }
    let token = verb(&args.bin, &data, &["token", "create", "--project", PROJECT, "--scope", "read"])?;
    let token = token.split_whitespace().last().context("no token was printed")?.to_owned();
    std::thread::sleep(Duration::from_secs(3));
    server.memory("idle");
    if !args.reads_only {
        ingest(args, &mut server, &token)?;
    }
    if args.reads_only {
        let again = reads::Args { address: server.address.clone(), token, times: 40, from: "now-30d".into() };
        reads::run(&again)?;
        server.memory("after reads");
    }
    println!("stopped: {:.0} ms", server.stop()?.as_secs_f64() * 1e3);
    println!("data: {} MB", bytes_under(&data) / 1_000_000);
    Ok(())
}

fn ingest(args: &Args, server: &mut Server, token: &str) -> Result<()> {
    let mut sent = 0;
    let runs = [
        (Wire::Native, args.native, 0, 1),
        (Wire::Agentcat, args.agentcat, 0, 2),
        (Wire::Native, 5_000 * args.seconds as usize, 5_000, 3),
        (Wire::Agentcat, 2_000 * args.seconds as usize, 2_000, 4),
    ];
    for (wire, events, rate, seed) in runs {
        println!(
            "\n{wire:?}, {}",
            if rate == 0 { "as fast as it goes".to_owned() } else { format!("{rate}/s") }
        );
        let load = load::Args {
            address: server.address.clone(),
            wire,
            events,
            batch: 100,
            rate,
            connections: args.connections,
            seed,
            pid: Some(server.child.id()),
        };
        load::run(&load)?;
        sent += events.div_ceil(100) as u64 * if wire == Wire::Native { 100 } else { 0 };
        sent += if wire == Wire::Agentcat { events as u64 } else { 0 };
        let known = events_ever(&server.address, token)?;
        println!("queryable: {} of {} sent so far", thousands(known), thousands(sent));
        ensure!(known == sent, "acknowledged events are missing");
    }
    println!();
    server.memory("after load");
    Ok(())
}

fn events_ever(address: &str, token: &str) -> Result<u64> {
    let path = format!("/api/v1/projects/{PROJECT}/overview?from=now-24h");
    let header = format!("authorization: Bearer {token}");
    let answer = Connection::open(address)?.send(&request("GET", &path, &[&header], b""))?;
    let body: Value = serde_json::from_slice(&answer.body)?;
    body["events_ever"].as_u64().with_context(|| format!("no events_ever in {} {body}", answer.status))
}

/// The server under measure; ended when dropped.
struct Server {
    child: Child,
    address: String,
    ready: Duration,
}

impl Server {
    fn start(bin: &Path, data: &Path, port: u16) -> Result<Self> {
        let address = format!("127.0.0.1:{port}");
        let begun = Instant::now();
        let mut command = Command::new(bin);
        command.arg("serve").arg("--data").arg(data).args(["--listen", &address]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut server = Self { child, address, ready: Duration::ZERO };
        let ask = request("GET", "/health/ready", &[], b"");
        while begun.elapsed() < Duration::from_secs(30) {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended at once: {status}");
            }
            let answer = Connection::open(&server.address).and_then(|mut c| c.send(&ask));
            if answer.is_ok_and(|a| a.status == 200) {
                server.ready = begun.elapsed();
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the server is not ready after 30 s")
    }

    fn memory(&self, when: &str) {
        if let Some((now, most)) = resident(self.child.id()) {
            println!("memory {when}: {:.1} MB, at most {:.1} MB", now as f64 / 1e6, most as f64 / 1e6);
        }
    }

    fn stop(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        while begun.elapsed() < Duration::from_secs(15) {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the server ended with {status}");
                return Ok(begun.elapsed());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the server does not end")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn verb(bin: &Path, data: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new(bin).args(args).arg("--data").arg(data).output()?;
    ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
