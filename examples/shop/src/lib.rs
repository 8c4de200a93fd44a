//! A realistic MCP server (an outdoor-equipment shop) and a driver that plays agent sessions against it.
//!
//! For the demo, the docs and the tests. It depends on no other crate of the project: to Trackway it is a stranger, like
//! a user's own server and agent. All people, orders and products are invented.
//!
//! What the binary wires:
//! - the hidden verb `__shop ARGS…` calls [`run_server`] with all its arguments (any hyphens included);
//! - the verb `demo` takes [`scenarios`]`(now, seed)` and gives them to [`load`], with a closure that builds the command
//!   of one session:
//!   `trackway wrap --project P --endpoint URL --identify-arg user --report-missing --demo-clock` [`Scenario::demo_clock`] `--demo-facts` [`Scenario::facts`]
//!   `-- trackway __shop` [`Scenario::server_args`]`…`;
//!   [`LoadReport::total`] and [`LoadReport::missing_reports`] are what the server must then have on record;
//! - while it serves, `demo` runs [`live`] with a stop signal (a `tokio::sync::watch` of `bool`) and the same closure:
//!   those scenarios begin now, at scale 1, so the demo clock may be given or left out.
//!
//! Nothing here prints; a child's standard error appears in error texts only.

mod chance;
mod data;
mod driver;
mod options;
mod server;

use std::ffi::OsString;

pub use driver::{
    Call, Client, Era, LoadReport, Pace, Scenario, SessionReport, Step, ToolCount, live, load, play,
    scenarios,
};
pub use options::{Release, ShopOptions, Weather};

/// Runs the shop's server on standard input and output, with the options on its command line
/// (see [`ShopOptions::parse`]), until the client closes the input.
///
/// # Errors
/// On a wrong command line, and when the client does not open an MCP session.
pub async fn run_server(args: impl IntoIterator<Item = impl Into<OsString>>) -> anyhow::Result<()> {
    serve_stdio(ShopOptions::parse(args)?).await
}

/// Runs the shop's server on standard input and output until the client closes the input.
///
/// # Errors
/// When the client does not open an MCP session.
pub async fn serve_stdio(options: ShopOptions) -> anyhow::Result<()> {
    server::Shop::new(options).serve_stdio().await
}
