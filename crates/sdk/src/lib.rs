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
//! // from a bearer token: whatever checks it may be asynchronous
//! async fn check(_token: &str) -> Result<String, std::io::Error> { Ok("u_1".to_owned()) }
//! let options = Options::new().identify(|_request, extra| async move {
//!     let token = extra.header("authorization")?.strip_prefix("Bearer ")?;
//!     // an error names nobody: the call goes on, and the session keeps the user it had
//!     match check(token).await {
//!         Ok(id) => Some(UserIdentity::new(id)),
//!         Err(error) => { tracing::warn!(%error, "a user could not be named"); None }
//!     }
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
//! # Which conversation
//! Where the host knows which conversation a request belongs to it can say so, by [`Options::resolve_session`]; where nobody
//! does, the agent can carry an id itself, by [`SessionMode::Handle`]:
//!
//! ```
//! use trackway::{Options, SessionMode};
//!
//! let options = Options::new().resolve_session(|_request, extra| {
//!     extra.header("x-conversation-id").map(str::to_owned)
//! });
//! let options = Options::new().session_mode(SessionMode::Handle);
//! ```
//!
//! # Events and errors of your own
//! ```
//! # async fn example(server: trackway::Tracked<impl rmcp::ServerHandler>) {
//! use std::time::Duration;
//!
//! let handle = server.handle();
//! let order = serde_json::json!({ "total": 42 });
//! handle.publish("order finished", None, order.as_object().cloned().unwrap_or_default());
//! // a batch job or a serverless function waits until everything is sent; a server need not
//! handle.flush(Duration::from_secs(2)).await;
//! let status = handle.status();
//! assert_eq!(status.lost, 0);
//! # }
//! ```
//!
//! What a failed tool call was in your own words is told by [`capture_error`]: type, message and causes stand beside the text
//! that the agent got.
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
mod caught;
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

pub use caught::capture_error;
pub use hub::{Handle, Status};
pub use options::{IdentifyMode, Intent, Options, SessionMode};
pub use snapshot::{Extra, RequestInfo, UserIdentity};
pub use tracked::{Tracked, track};
pub use trackway_capture::delivery::Wire;
pub use trackway_capture::export::{
    DatadogConfig, ExporterConfig, FileConfig, OtlpConfig, PostHogConfig, SentryConfig, StdoutConfig,
};
pub use trackway_capture::redact::{Level, Pii, RedactionConfig};
pub use trackway_event::Event;
