//! The native batch of `POST /api/v1/ingest` and its answer (D1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::outcome::{DropReason, Outcome};
use crate::time::Timestamp;

/// What a recorder sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IngestBatch<E = Event> {
    /// Project id or one of its aliases.
    pub project: Box<str>,
    /// The recorder's clock as it sent the batch; the server corrects skew from 2 s (D10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// The recording library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<SdkInfo>,
    /// Events the recorder had to drop since its last accepted batch, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<String, u64>,
    /// At most [`crate::limits::BATCH_EVENTS`].
    pub events: Vec<E>,
}

/// Name and version of a recording library.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SdkInfo {
    /// `trackway-wrap`, …
    pub name: Box<str>,
    /// Its version.
    #[serde(default)]
    pub version: Box<str>,
}

/// The answer, one result per event in the order sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IngestReply {
    /// Same order and length as the batch's events.
    pub results: Vec<IngestResult>,
}

/// What became of one event of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IngestResult {
    /// The event's id; `null` where it could not be read.
    pub id: Option<Box<str>>,
    /// `stored`, `duplicate` or `dropped`.
    pub outcome: Box<str>,
    /// Why it was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DropReason>,
}

impl IngestResult {
    /// The result of an event with this id and outcome.
    pub fn new(id: Option<&str>, outcome: Outcome) -> Self {
        let (word, reason) = match outcome {
            Outcome::Stored => ("stored", None),
            Outcome::Duplicate => ("duplicate", None),
            Outcome::Dropped(reason) => ("dropped", Some(reason)),
        };
        Self { id: id.map(Into::into), outcome: word.into(), reason }
    }
}
