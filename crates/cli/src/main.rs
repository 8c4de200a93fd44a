//! The `trackway` command: reads the command line and the settings, runs one verb, and turns its end into an exit code.
//!
//! Every verb lives in `verb/<name>.rs`, its arguments in `args.rs`, the settings in `config`. Invariant: whatever goes
//! wrong is told on standard error as what happened, why, and the exact next command, with the exit code of product §4.

mod args;
mod config;
mod demo;
mod failure;
mod logs;
mod output;
mod secret;
mod service;
mod transfer;
mod verb;

use std::process::ExitCode;

use clap::Parser;

/// A commit allocates some thousand small pieces on one thread and frees them on another; the system's allocator spent a
/// sixth of a commit on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before the allocator takes its first megabytes.
    if std::env::args_os().nth(1).is_some_and(|verb| verb == "wrap" || verb == "proxy") {
        trackway_proxy::frugal();
    }
    let cli = args::Cli::parse();
    match verb::run(cli) {
        Ok(code) => code,
        Err(failure) => {
            failure.tell(&mut std::io::stderr().lock());
            ExitCode::from(failure.code())
        }
    }
}
