//! What the figures were measured on: cores, memory, and how long a durable 4 KiB write takes.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;

use crate::figures::Waits;

/// `machine`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Where durable writes are tried
    #[arg(long, default_value = ".")]
    dir: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .unwrap_or("")
        .trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory.lines().next().unwrap_or("").trim();
    println!("cpu: {cores} x {model}\nmemory: {total}");
    println!("durable 4 KiB write: {}", durable_writes(&args.dir)?);
    Ok(())
}

fn durable_writes(dir: &Path) -> Result<String> {
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    let mut waits = Waits::default();
    for _ in 0..300 {
        let begun = Instant::now();
        file.write_all(&[7; 4_096])?;
        file.as_file().sync_data()?;
        waits.add(begun.elapsed());
    }
    Ok(waits.line())
}

/// Resident bytes of a process, now and at most.
pub(crate) fn resident(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|l| l.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some((kib("VmRSS:")? * 1_024, kib("VmHWM:")? * 1_024))
}

/// Bytes of everything under a folder.
pub(crate) fn bytes_under(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else {
        return File::open(dir).and_then(|f| f.metadata()).map_or(0, |m| m.len());
    };
    entries.flatten().map(|e| bytes_under(&e.path())).sum()
}
