//! Trackway's wire model: what one recorded fact is, how it is named and when it happened.
//!
//! Every other crate speaks in these words. This one depends on none of ours and does no I/O; it is a promise of
//! compatibility to the programs that embed the recorder (`ARCHITECTURE.md` §2).
//!
//! - [`event`]: [`Event`](event::Event), its kind, status and parts
//! - [`batch`]: the native batch of `POST /api/v1/ingest` and its answer
//! - [`identity`]: what an event says of who its user is
//! - [`id`]: newtype ids, KSUIDs, derived session ids
//! - [`time`]: [`Timestamp`](time::Timestamp), microseconds in UTC
//! - [`outcome`]: what becomes of a received event; the closed lists of reasons, problems and error classes
//! - [`limits`]: every bound of the system, in one place (INV-10)
//! - [`validate`]: the checks and cuts that make an event storable
//! - [`json`]: payloads as JSON text; depth, masking words, token estimates

pub mod batch;
pub mod event;
pub mod id;
pub mod identity;
pub mod json;
pub mod limits;
pub mod outcome;
pub mod time;
pub mod validate;

pub use batch::{IngestBatch, IngestReply, IngestResult, SdkInfo};
pub use event::{
    Actor, CaptureBy, Direction, ErrorInfo, Event, Frame, Input, IntentSource, Kind, Peer, SessionSource,
    Status, Tokens,
};
pub use id::{ActorId, EventId, ProjectId, SessionId};
pub use identity::Identity;
pub use json::Payload;
pub use outcome::{DropReason, ErrorClass, Outcome, ProblemCode};
pub use time::Timestamp;
