//! `trackway proxy --upstream URL`: everything is done by `trackway-proxy`; here it gets its directories.
//!
//! Invariant (INV-08): as for `wrap`, no setting of the server and no state of the data directory can keep it from running.

use trackway_proxy::ProxyArgs;
use trackway_proxy::http::ProxyError;

use super::wrap::spool_dir;
use crate::args::Global;
use crate::failure::{Exit, Failure, Result};
use crate::logs;

pub(super) fn run(global: &Global, args: &ProxyArgs) -> Result<()> {
    let env = |name: &str| std::env::var(name).ok();
    let options = args
        .options(env, spool_dir(global))
        .map_err(|error| Failure::new(Exit::Usage, error).next("trackway proxy --help"))?;
    logs::start_for_wrap();
    let ready = |addr| eprintln!("trackway proxy: http://{addr} stands before {}", options.upstream);
    trackway_proxy::http::run(&options, ready).map_err(|error| {
        let text = error.to_string();
        match error {
            ProxyError::Upstream(_) | ProxyError::Certificates(..) | ProxyError::NoPublicUrl => {
                Failure::new(Exit::Usage, text).next("trackway proxy --help")
            }
            ProxyError::Listen(..) | ProxyError::Tls(_) | ProxyError::Runtime(_) => {
                Failure::new(Exit::Unreachable, text)
            }
        }
    })
}
