//! The verbs, one file each, and what they share: the settings and the data directory.
//!
//! Called by `main`.

mod attach;
mod audit;
mod backup;
mod completions;
mod config;
mod doctor;
mod export;
mod import;
mod man;
mod member;
mod open;
mod person;
mod project;
mod proxy;
mod retention;
mod serve;
mod shop;
mod token;
mod version;
mod wrap;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use trackway_event::Timestamp;
use trackway_store::sqlite::ControlDb;

use crate::args::{Cli, Global, Verb};
use crate::config::{Flags, Layers, Settings, Sources};
use crate::failure::{Exit, Failure, Result};

pub(crate) use serve::{ServerHandle, runtime, sign_in_link, start_server, stop_signal};

/// Runs the verb of this command line.
///
/// # Errors
/// What the verb says, for [`Failure::tell`].
pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    let Cli { global, verb } = cli;
    match verb {
        Verb::Serve(args) => serve::run(&global, args).map(done),
        Verb::Demo(args) => crate::demo::run(&global, &args).map(done),
        Verb::Open(args) => open::run(&global, &args).map(done),
        Verb::Wrap(args) => wrap::run(&global, &args),
        Verb::Proxy(args) => proxy::run(&global, &args).map(done),
        Verb::Launch(args) => Ok(wrap::launch(&args)),
        Verb::Attach(args) => attach::attach(&global, &args).map(done),
        Verb::Detach(args) => attach::detach(&args).map(done),
        Verb::Project(verb) => project::run(&global, verb).map(done),
        Verb::Token(verb) => token::run(&global, verb).map(done),
        Verb::Member(verb) => member::run(&global, verb).map(done),
        Verb::Audit(verb) => audit::run(&global, &verb).map(done),
        Verb::Person(verb) => person::run(&global, &verb).map(done),
        Verb::Retention(verb) => retention::run(&global, &verb).map(done),
        Verb::Export(args) => export::run(&global, &args).map(done),
        Verb::Import(args) => import::run(&global, &args).map(done),
        Verb::Backup(verb) => backup::run(&global, &verb),
        Verb::Doctor(args) => doctor::run(&global, &args),
        Verb::Config(verb) => config::run(&global, &verb).map(done),
        Verb::Completions(args) => completions::run(&args).map(done),
        Verb::Man(args) => man::run(&args).map(done),
        Verb::Version(args) => version::run(&args).map(done),
        Verb::Shop(args) => shop::run(args).map(done),
    }
}

fn done(_nothing: ()) -> ExitCode {
    ExitCode::SUCCESS
}

/// All layers of settings, with the flags of the verb on top.
fn layers(global: &Global, mut flags: Flags) -> Result<Layers> {
    if let Some(data) = &global.data {
        let Some(data) = data.to_str() else {
            return Err(Failure::new(Exit::Usage, "--data is not UTF-8"));
        };
        flags.push(("data", data.into()));
    }
    crate::config::load(&Sources::of_process(global.config.clone()), flags)
}

/// All settings, with the flags of the verb on top.
///
/// # Errors
/// With [`Exit::Usage`] naming what is wrong.
pub(crate) fn settings(global: &Global, flags: Flags) -> Result<Settings> {
    Settings::of(&layers(global, flags)?)
}

/// `trackway.db` of the data directory, to be used beside a running server (D33).
fn control(global: &Global) -> Result<ControlDb> {
    let dir = crate::config::data_dir(&layers(global, vec![])?)?;
    dir.prepare()?;
    Ok(ControlDb::open(dir.path())?)
}

/// The present time. The one clock of the command line.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
