//! Ingest: one adapter per wire turns a body into events; everything else is shared (ARCHITECTURE §3.4).
//!
//! Order: capped reading (`body`), masking (`clean`), the adapter, key → project, caps ([`trackway_event::validate`]),
//! the project's writer, the answer after its commit (D2). Invariants: every received event gets exactly one outcome
//! (INV-02); one bad event never sinks its batch; nothing unmasked is stored (INV-09); every wait has a deadline.

mod address;
mod agentcat;
mod agentcat_error;
pub(crate) mod agentcat_route;
mod body;
mod clean;
mod feedback;
mod fields;
mod native;
pub(crate) mod native_route;
pub(crate) mod otlp_route;
mod place;
mod posthog;
mod posthog_envelope;
mod posthog_error;
mod posthog_identity;
mod posthog_lz;
pub(crate) mod posthog_route;
pub(crate) mod posthog_stub;
mod posthog_time;
mod replay;
mod seats;
mod take;

use std::collections::BTreeMap;
use std::ops::Range;

use trackway_event::{DropReason, Event, Payload, Timestamp};

pub(crate) use address::AddressKeys;
pub use replay::{replay_quarantined, watch_projects};
pub(crate) use seats::Seats;

pub(crate) use agentcat_route::{preflight, submit as agentcat};
pub(crate) use native_route::submit as native;
pub(crate) use otlp_route::submit as otlp_logs;

/// A wire format: where its bodies come in, and how they are read.
pub(crate) struct Adapter {
    /// Its name in metrics.
    pub(crate) name: &'static str,
    /// Its route; kept bodies name it, so that they can be read again.
    pub(crate) path: &'static str,
    /// The member that names the project, in its quotes.
    pub(crate) project: &'static [u8],
    /// Reads a cleaned body that was received at a time.
    pub(crate) read: fn(&str, Timestamp) -> Result<Batch, DropReason>,
}

/// Every wire. A new one is a file and a line.
pub(crate) const ADAPTERS: &[Adapter] = &[
    Adapter {
        name: "agentcat",
        path: "/v1/public/events/",
        project: b"\"project_id\"",
        read: agentcat::read,
    },
    Adapter { name: "native", path: "/api/v1/ingest", project: b"\"project\"", read: native::read },
    Adapter { name: "posthog", path: "/batch/", project: b"\"project\"", read: posthog::read },
];

/// A body as events.
#[derive(Default)]
pub(crate) struct Batch {
    /// In the order sent.
    pub(crate) items: Vec<Item>,
    /// Losses the recorder reports.
    pub(crate) lost: BTreeMap<String, u64>,
    /// The project of the envelope, where the wire has one.
    pub(crate) project: Option<String>,
    /// Whether a body of an unknown project is kept as a whole rather than event by event.
    pub(crate) whole: bool,
}

/// One event, or why there is none.
pub(crate) struct Item {
    /// The project's id or alias as sent.
    pub(crate) project: Option<String>,
    /// The event's id, where it can be read.
    pub(crate) id: Option<Box<str>>,
    /// Where its text is in the body.
    pub(crate) span: Range<usize>,
    /// The event.
    pub(crate) event: Result<Box<Event>, DropReason>,
}

/// Where a part lies in the text it was borrowed from.
fn span_of(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

fn payload(text: &str) -> Option<Payload> {
    serde_json::value::RawValue::from_string(text.to_owned()).ok()
}

/// Random bytes for a minted id. Without a source of randomness ids of one process stay apart by a counter.
fn random() -> [u8; 16] {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        let count = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (to, from) in bytes.iter_mut().zip(count) {
            *to = from;
        }
    }
    bytes
}
