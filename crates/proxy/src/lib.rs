//! Zero-code capture: `trackway wrap` runs a stdio MCP server as a child and stands between it and its client;
//! `trackway proxy` does the same before a server that speaks HTTP.
//!
//! It never harms the child (INV-08): bytes are forwarded whatever happens to the recording, signals and exit codes pass,
//! and no process is left behind. It changes nothing but the two edits of [`trackway_capture::editor`] (INV-07).
//!
//! - [`args`]: the flags of the verbs
//! - [`http`]: the proxy
//! - [`wrap`]: the run itself
//! - `pump`: one direction of the traffic
//! - `recording`: the recorder's thread and what follows it
//! - [`leaving`]: redaction, sessions, disk and exporters
//! - [`lines`]: lines of any length, uninspected beyond a cap
//! - [`guard`]: signals, grace periods, the parent's death

pub mod args;
mod asked;
mod asking;
mod demo;
pub mod guard;
pub mod http;
pub mod leaving;
pub mod lines;
mod memory;
mod pump;
mod recording;
pub mod wrap;

pub use args::{ProxyArgs, WrapArgs};
pub use demo::DemoFacts;
pub use memory::frugal;
pub use wrap::{DemoClock, WrapOptions, run};
