//! `trackway __shop`: the demo's MCP server on standard input and output. Hidden: `demo` and the tests start it, behind
//! `trackway wrap`, as a user would start a server of their own.

use crate::args::Shop;
use crate::failure::{Exit, Failure, Result};

pub(super) fn run(args: Shop) -> Result<()> {
    let failed = |error: anyhow::Error| Failure::new(Exit::Usage, format!("the shop stopped: {error:#}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(error.into()))?;
    let ended = runtime.block_on(trackway_shop::run_server(args.args));
    // Reading standard input blocks a thread that nothing can wake; the process ends without it.
    runtime.shutdown_background();
    ended.map_err(failed)
}
