//! Trackway's recording side: what sits beside an MCP server and may never harm it (INV-08).
//!
//! The path of a message: [`editor`] decides on the two edits that are ever made to it (INV-07); the caller forwards it;
//! a copy goes to [`recorder`], which makes events of it; [`redact`] takes out what must not leave; [`queue`] holds a bounded
//! number; [`delivery`] sends them in batches and keeps on disk ([`spool`]) what cannot be sent.
//!
//! - [`wire`]: JSON-RPC messages as borrowed bytes, and the edits by cutting
//! - [`editor`]: the edits on the path of a message
//! - [`recorder`]: the sans-IO state machine from messages to events
//! - [`redact`]: credentials masked, sizes cut
//! - [`queue`], [`delivery`], [`spool`]: on the way out
//! - [`export`]: copies for other systems

mod agentcat;
pub mod delivery;
pub mod editor;
pub mod export;
mod post;
pub mod queue;
pub mod recorder;
pub mod redact;
pub mod spool;
pub mod wire;
