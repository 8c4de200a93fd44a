//! What the server writes to standard error: readable lines on a terminal, JSON otherwise (product §5).
//!
//! Called by `serve` and `demo`. Invariant: nothing but log lines is written here; what a person should read first (the
//! address, the sign-in link) goes to standard output.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};
use crate::failure::{Exit, Failure, Result};

/// Starts logging for the rest of the process.
///
/// # Errors
/// When `log.level` is no filter.
pub(crate) fn start(settings: &Settings) -> Result<()> {
    let filter = EnvFilter::try_new(&settings.log_level).map_err(|error| {
        Failure::new(Exit::Usage, format!("log.level {:?} is no level", settings.log_level))
            .why(error.to_string())
            .next("use error, warn, info, debug or trace")
    })?;
    let json = match settings.log_format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = if json {
        logs.json().flatten_event(true).try_init()
    } else {
        let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        logs.with_ansi(colours).compact().try_init()
    };
    // Only a second call could fail, and the first one's choice stands.
    started.map_err(|error| Failure::new(Exit::Usage, "logging was started twice").why(error.to_string()))
}

/// Starts logging for `wrap`: warnings as plain lines, because standard error is shared with the wrapped server.
pub(crate) fn start_for_wrap() {
    let logs = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr);
    // Without log lines the work goes on all the same.
    let _started = logs.with_ansi(false).with_target(false).compact().try_init();
}
