//! Benchmarks: the ledger alone, the release binary over HTTP, its reads, and a peer fed the same calls.
//!
//! `BENCHMARKS.md` says how each is run and what it measured. Every driver uses one [`workload`], prints what it did as
//! `name: value` lines, and measures waiting from the moment a request was due, not from when it could be sent.

mod added;
mod core_cost;
mod figures;
mod http;
mod ledger;
mod load;
mod machine;
mod merge;
mod overload;
mod phoenix;
mod reads;
mod suite;
mod wire;
mod workload;

use clap::{Parser, Subcommand};

/// The binary's allocator, for drivers that run its parts in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(about = "Benchmarks of Trackway")]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// The machine: cores, memory, durable writes
    Machine(machine::Args),
    /// The cost of core's functions per event
    Core,
    /// The SQLite ledger without HTTP
    Ledger(ledger::Args),
    /// The SQLite ledger: two people become one
    Merge(merge::Args),
    /// A running server over HTTP: ingest
    Load(load::Args),
    /// A running server over HTTP: several times what it can take
    Overload(overload::Args),
    /// A running server over HTTP: pages and API
    Reads(reads::Args),
    /// The release binary from start to stop: memory, ingest on both wires, or reads
    Suite(suite::Args),
    /// What Trackway and a published SDK add to a call that does nothing
    Added(added::Args),
    /// The server that `added` measures with
    #[command(hide = true)]
    Noop(added::Noop),
    /// Arize Phoenix over HTTP: the same calls as spans
    Phoenix(phoenix::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().bench {
        Bench::Machine(args) => machine::run(&args),
        Bench::Core => core_cost::run(),
        Bench::Ledger(args) => ledger::run(&args),
        Bench::Merge(args) => merge::run(&args),
        Bench::Load(args) => load::run(&args),
        Bench::Overload(args) => overload::run(&args),
        Bench::Reads(args) => reads::run(&args),
        Bench::Suite(args) => suite::run(&args),
        Bench::Added(args) => added::run(&args),
        Bench::Noop(args) => added::serve_noop(&args),
        Bench::Phoenix(args) => phoenix::run(&args),
    }
}
