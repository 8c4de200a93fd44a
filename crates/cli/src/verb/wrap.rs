//! `trackway wrap -- CMD…`: everything is done by `trackway-proxy`; here its end becomes the exit code of the child.
//!
//! Invariant (INV-08): no setting of the server and no state of the data directory can keep the child from running.

use std::process::ExitCode;

use crate::failure::Result;

pub(super) fn run(args: trackway_proxy::args::WrapArgs) -> Result<ExitCode> {
    Ok(trackway_proxy::args::run(args))
}
