//! Black-box tests of the `trackway` binary: a server of their own on a free port, with a data directory of its own.
//!
//! Used by everything in `tests/tests`. The binary is `TRACKWAY_BIN`, else `target/release/trackway`, else
//! `target/debug/trackway`; `cargo xtask test` sets it. Invariants: every wait has a deadline; a process is ended by its
//! own id; the developer's own `TRACKWAY_…` variables reach no child.

mod agent;
mod binary;
mod conserved;
mod dice;
mod events;
mod http;
mod instance;
mod peers;

pub use agent::Agent;
pub use binary::{Output, artifacts, binary, clean, repository, run};
pub use dice::Dice;
pub use events::{batch, call, random_id, rfc3339, session_id};
pub use http::Answer;
pub use instance::{Instance, Setup};
pub use peers::{Peer, Proxy, free_port, node, node_home, node_package, program};

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Asks until there is an answer.
///
/// # Errors
/// When there is none before the deadline, saying what was waited for; and what `ask` says.
pub fn wait_for<T>(what: &str, deadline: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask()? {
            return Ok(found);
        }
        if begun.elapsed() > deadline {
            bail!("waited {deadline:?} in vain for {what}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
