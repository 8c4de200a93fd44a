//! Trackway's SDK for [rmcp](https://docs.rs/rmcp): one line shows who calls an MCP server's tools, why, and where agents get
//! stuck.
//!
//! ```no_run
//! use trackway::{Options, track};
//! # use rmcp::ServerHandler;
//! # fn my_server() -> impl ServerHandler { struct S; impl ServerHandler for S {} S }
//!
//! let server = track(my_server(), "proj_shop", Options::new());
//! // serve `server` over stdio or Streamable HTTP exactly as before
//! ```
//!
//! What it does: records every request beside the traffic, asks agents for a `context` argument and takes it out again before a
//! handler sees the call, offers agents a tool to say what they miss, and sends all of it to Trackway in batches, off the
//! path of any call. What it never does (INV-08): delay or change an answer, panic, print, block a start for want of a server.
//! When Trackway is down the MCP server works as without it.
//!
//! # Who is calling
//! [`Options::identify`] names the user. It runs beside the call, never before it, within 5 s:
//!
//! ```
//! use trackway::{Options, UserIdentity};
//!
//! // from an argument of the tool
//! let options = Options::new().identify(|request, _extra| async move {
//!     let id = request.arguments.as_ref()?.get("user_id")?.as_str()?.to_owned();
//!     Some(UserIdentity::new(id))
//! });
//!
//! // from an API key in a header
//! let options = Options::new().identify(|_request, extra| async move {
//!     let key = extra.header("x-api-key")?;
//!     let (id, name) = match key { "k-ana" => ("u_1", "Ana"), _ => return None };
//!     Some(UserIdentity::new(id).name(name).data("plan", "pro"))
//! });
//!
//! // from what an authentication layer left in the request's extensions
//! #[derive(Clone)]
//! struct Claims { sub: String, org: String }
//! let options = Options::new().identify(|_request, extra| async move {
//!     let claims = extra.extension::<Claims>()?;
//!     Some(UserIdentity::new(claims.sub.clone()).group("organization", claims.org.clone()))
//! });
//!
//! // anonymous: without `identify`, or where it answers `None`, sessions have no user
//! let options = Options::new();
//! ```
//!
//! An error, a panic or a silence of the callback costs the identity of that event and nothing else; the previous identity of
//! its session stays.
//!
//! # Stateless servers
//! Requests over HTTP without an MCP session are grouped by Trackway: same user, same client, at most 30 minutes apart. That is
//! found out by itself; [`Options::stateless`] forces it on or off.
//!
//! # Tests of your own
//! [`testing::Harness`] keeps events in memory:
//!
//! ```
//! # use rmcp::ServerHandler;
//! # struct MyServer; impl ServerHandler for MyServer {}
//! let harness = trackway::testing::Harness::new();
//! let server = trackway::track(MyServer, "proj_test", harness.options());
//! // drive `server` with a client, then:
//! assert!(harness.events().is_empty());
//! ```

mod callback;
mod debug;
mod guard;
mod handle;
mod hub;
mod options;
mod running;
mod snapshot;
pub mod testing;
mod tools;
mod tracked;
mod wire;
mod worker;

pub use hub::{Handle, Status};
pub use options::{IdentifyMode, Intent, Options, SessionMode};
pub use snapshot::{Extra, RequestInfo, UserIdentity};
pub use tracked::{Tracked, track};
pub use trackway_capture::export::{
    DatadogConfig, ExporterConfig, FileConfig, OtlpConfig, PostHogConfig, SentryConfig, StdoutConfig,
};
pub use trackway_capture::redact::{Level, Pii, RedactionConfig};
pub use trackway_event::Event;
