//! Taking events out whole, and putting them in again (F-139, F-162).

use serde::{Deserialize, Serialize};
use trackway_event::{Event, Input, Payload, Timestamp};

use super::Scope;

/// Which events are taken out, in the order they were committed in.
#[derive(Clone, Debug)]
pub struct ExportAsk {
    /// Period and filter.
    pub scope: Scope,
    /// Only what was committed after this sequence number; 0: from the beginning.
    pub after: u64,
    /// Most rows looked at by one answer.
    pub limit: usize,
}

/// One event as it came, with what the ledger knows beside it: enough to store it elsewhere, or here again, with the same
/// identity, so that a second import stores nothing.
///
/// An event shows what it said itself: no session it was grouped into, no person it was linked to later. Payloads that
/// retention or a deletion has removed are missing.
#[derive(Debug, Serialize, Deserialize)]
pub struct Exported {
    /// Commit sequence in the ledger it came from; means nothing elsewhere.
    #[serde(skip)]
    pub seq: u64,
    /// When it was received.
    pub received_at: Timestamp,
    /// The wire it came by.
    pub input: Input,
    /// The client's own time where it is not the start, µs since 1970; 0 where it sent none. Beside the event, whose times are
    /// those an event may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_time_us: Option<i64>,
    /// The event in the native wire's form.
    pub event: Event,
    /// The body as it came, credentials masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Payload>,
}

impl Exported {
    /// The event with the members that its own wire form leaves out.
    pub fn into_event(self) -> Event {
        let mut event = self.event;
        event.raw_time = self.raw_time_us.map(Timestamp::from_micros).or(event.raw_time);
        event.input = self.input;
        event.raw = self.raw;
        event
    }
}
