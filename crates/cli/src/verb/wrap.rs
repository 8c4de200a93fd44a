//! `trackway wrap -- CMD…`: everything is done by `trackway-proxy`; here it gets its directories and its exit code.
//!
//! Invariant (INV-08): no setting of the server and no state of the data directory can keep the child from running; so the
//! settings file is not read here, and a directory that cannot be made only means that nothing is kept for later.

use std::path::PathBuf;
use std::process::ExitCode;

use trackway_proxy::WrapArgs;

use crate::args::{Global, Launch};
use crate::config::{Sources, data_dir, load};
use crate::failure::{Exit, Failure, Result};
use crate::logs;

pub(super) fn run(global: &Global, args: &WrapArgs) -> Result<ExitCode> {
    let env = |name: &str| std::env::var(name).ok();
    let options = args
        .options(env, spool_dir(global), std::env::current_exe().ok())
        .map_err(|error| Failure::new(Exit::Usage, error).next("trackway wrap --help"))?;
    logs::start_for_wrap();
    Ok(exit_code(trackway_proxy::run(&options, &args.command)))
}

/// `trackway __launch`: becomes the command; comes back only when that failed.
pub(super) fn launch(args: &Launch) -> ExitCode {
    exit_code(trackway_proxy::guard::launch(args.parent, &args.command))
}

/// Where events wait that cannot be sent: in the data directory, private like all of it.
pub(super) fn spool_dir(global: &Global) -> Option<PathBuf> {
    let data = match &global.data {
        Some(data) => data.clone(),
        None => match std::env::var_os("TRACKWAY_DATA") {
            Some(data) => PathBuf::from(data),
            None => data_dir(&load(&Sources::default(), vec![]).ok()?).ok()?.path().clone(),
        },
    };
    let spool = data.join("spool");
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&spool).ok()?;
    Some(spool)
}

/// Exit codes are a byte; what does not fit is as bad as it gets.
fn exit_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
