//! What Trackway adds to a call that does nothing (CAP §7): direct, through `wrap`, through `proxy`, and with the published
//! AgentCat SDK in the server, all in one run: in each round every variant makes its calls, and is compared to the direct one
//! of that round. Events really go to a Trackway server on the same machine.

mod noop;
mod peer;
mod rust;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use trackway_core::metric;

use crate::machine::resident;
use peer::{Http, Peer, Stdio, Trackway, agentcat, proxied, wrapped};

/// `added`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The binary
    #[arg(long, default_value = "target/release/trackway")]
    bin: PathBuf,
    /// The directory with the packages of tests/node; without it no TypeScript server is measured
    #[arg(long)]
    node: Option<PathBuf>,
    /// Rounds
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Calls of a variant in a round
    #[arg(long, default_value_t = 2_000)]
    calls: usize,
    /// Calls before those, not measured
    #[arg(long, default_value_t = 200)]
    warm: usize,
    /// Milliseconds between calls; 0: one after the other
    #[arg(long, default_value_t = 0)]
    pace: u64,
}

/// A no-op server as a process of its own: `noop stdio`, `noop http PORT`, `noop rmcp` or `noop rmcp --endpoint URL`.
#[derive(clap::Args, Debug)]
pub(crate) struct Noop {
    /// `stdio`, `http` or `rmcp`
    transport: String,
    /// Loopback port
    port: Option<u16>,
    /// Trackway, for a server that is tracked
    #[arg(long)]
    endpoint: Option<String>,
}

pub(crate) fn serve_noop(args: &Noop) -> Result<()> {
    match args.transport.as_str() {
        "stdio" => noop::stdio(),
        "rmcp" => rust::stdio(args.endpoint.as_deref()),
        _ => noop::http(args.port.context("a port")?),
    }
}

/// One way to reach a no-op tool.
struct Variant {
    name: &'static str,
    /// The variant it is compared to, by its place in the list.
    base: Option<usize>,
    peer: Box<dyn Peer>,
    /// Per round: median and 99th percentile in µs.
    rounds: Vec<(f64, f64)>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let trackway = Trackway::start(&args.bin)?;
    let mut variants = variants(args, &trackway)?;
    for variant in &mut variants {
        variant.peer.open().with_context(|| variant.name)?;
    }
    for variant in &variants {
        memory(variant, "idle");
    }
    for round in 0..args.rounds {
        // Every other round backwards, so that no variant is always the one after the same other.
        let order: Vec<usize> =
            if round % 2 == 0 { (0..variants.len()).collect() } else { (0..variants.len()).rev().collect() };
        for index in order {
            let Some(variant) = variants.get_mut(index) else { continue };
            let waits = calls(variant.peer.as_mut(), args).with_context(|| variant.name)?;
            let at = |q| metric::percentile(&waits, q).unwrap_or(0) as f64 / 1_000.0;
            variant.rounds.push((at(0.5), at(0.99)));
        }
    }
    println!("{} rounds of {} calls, {} ms between calls", args.rounds, args.calls, args.pace);
    report(&variants);
    for variant in &variants {
        memory(variant, "after");
    }
    Ok(())
}

fn variants(args: &Args, trackway: &Trackway) -> Result<Vec<Variant>> {
    let own = std::env::current_exe()?;
    let server = vec![own.clone().into_os_string(), "noop".into(), "stdio".into()];
    let variant = |name, base, peer| Variant { name, base, peer, rounds: Vec::new() };
    let http = Http::server(&own)?;
    let rmcp = vec![own.clone().into_os_string(), "noop".into(), "rmcp".into()];
    let tracked = [&rmcp[..], &["--endpoint".into(), trackway.url.clone().into()]].concat();
    let proxied = proxied(&args.bin, trackway, &http)?;
    let mut all = vec![
        variant("stdio direct", None, Box::new(Stdio::start(&server, &[])?) as Box<dyn Peer>),
        variant("stdio wrap", Some(0), Box::new(Stdio::start(&wrapped(&args.bin, trackway, &server), &[])?)),
        variant("http direct", None, Box::new(http)),
        variant("http proxy", Some(2), Box::new(proxied)),
        variant("rmcp direct", None, Box::new(Stdio::start(&rmcp, &[])?)),
        variant("rmcp sdk", Some(4), Box::new(Stdio::start(&tracked, &[])?)),
    ];
    if let Some(node) = &args.node {
        let plain = agentcat::server(node)?;
        let tracked = [&plain[..], &["agentcat".into(), peer::PROJECT.into()]].concat();
        let to = [("AGENTCAT_API_URL", trackway.url.clone())];
        all.push(variant("typescript direct", None, Box::new(Stdio::start(&plain, &[])?)));
        all.push(variant(
            "typescript wrap",
            Some(6),
            Box::new(Stdio::start(&wrapped(&args.bin, trackway, &plain), &[])?),
        ));
        all.push(variant("typescript agentcat", Some(6), Box::new(Stdio::start(&tracked, &to)?)));
    }
    Ok(all)
}

/// Waits of the measured calls in ns, sorted.
fn calls(peer: &mut dyn Peer, args: &Args) -> Result<Vec<u64>> {
    let mut waits = Vec::with_capacity(args.calls);
    for number in 0..args.warm + args.calls {
        let begun = Instant::now();
        let good = peer.call()?;
        let wait = begun.elapsed();
        ensure!(good, "a call failed");
        if number >= args.warm {
            waits.push(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX));
        }
        if args.pace > 0 {
            std::thread::sleep(Duration::from_millis(args.pace));
        }
    }
    waits.sort_unstable();
    Ok(waits)
}

fn report(variants: &[Variant]) {
    let added = |variant: &Variant| -> Option<(Vec<f64>, Vec<f64>)> {
        let base = variants.get(variant.base?)?;
        let pairs = || variant.rounds.iter().zip(&base.rounds);
        Some((pairs().map(|(a, b)| a.0 - b.0).collect(), pairs().map(|(a, b)| a.1 - b.1).collect()))
    };
    for variant in variants {
        let p50 = spread(variant.rounds.iter().map(|r| r.0).collect());
        let p99 = spread(variant.rounds.iter().map(|r| r.1).collect());
        println!("{}: p50 {p50}, p99 {p99}", variant.name);
        if let Some((p50, p99)) = added(variant) {
            println!("{} added: p50 {}, p99 {}", variant.name, spread(p50), spread(p99));
        }
    }
    let by =
        |name: &str| variants.iter().find(|v| v.name == name).and_then(added).map(|(p50, _)| median(p50));
    if let (Some(rival), Some(ours)) = (by("typescript agentcat"), by("typescript wrap")) {
        println!("ratio of what is added, agentcat to wrap: {:.1}", rival / ours.max(0.1));
    }
}

/// `median µs (least to most)`.
fn spread(values: Vec<f64>) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.1} µs ({least:.1} to {most:.1})", median(values))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn memory(variant: &Variant, when: &str) {
    if let (Some(pid), true) =
        (variant.peer.pid(), variant.name.ends_with("wrap") || variant.name.ends_with("proxy"))
        && let Some((now, most)) = resident(pid)
    {
        let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
        println!("{} memory {when}: {:.1} MiB, at most {:.1} MiB", variant.name, mib(now), mib(most));
    }
}
