//! Counters of one (time bucket, kind, name, client): what the pages' figures are read from instead of rows (D36).
//!
//! The store's writer adds [`Counters::of`] every new event to the hour and the day it started in; readers add up. Both
//! are the same sum as over the rows (INV-05), in any order (INV-04).

use trackway_event::{Event, Kind, Status, Timestamp};

use crate::sketch::Sketch;

/// What a rollup row is about, besides its bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dims {
    /// Event kind.
    pub kind: Kind,
    /// Tool, resource or prompt; empty where the kind has none or the client named none.
    pub name: Box<str>,
    /// Client name; empty where unknown.
    pub client: Box<str>,
}

impl Dims {
    /// The row an event counts in.
    pub fn of(event: &Event) -> Self {
        Self {
            kind: event.kind,
            name: name_of(event).into(),
            client: event.client.as_ref().map_or_else(Default::default, |c| c.name.clone()),
        }
    }
}

/// The tool, resource or prompt an event is about; empty where its kind has none ([`Kind::is_named`]) or none was given.
pub fn name_of(event: &Event) -> &str {
    let name = match event.kind {
        Kind::ToolCall => event.tool.as_deref(),
        Kind::ResourceRead | Kind::PromptGet | Kind::Custom => event.resource.as_deref(),
        Kind::ToolsList
        | Kind::Initialize
        | Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::PromptsList
        | Kind::Completion
        | Kind::Identify
        | Kind::MissingCapability
        | Kind::Feedback
        | Kind::Exception
        | Kind::Protocol
        | Kind::Alias
        | Kind::GroupIdentify
        | Kind::PersonUpdate
        | Kind::Discover => None,
    };
    name.unwrap_or("")
}

/// Start of the hour, UTC.
pub const fn hour(at: Timestamp) -> Timestamp {
    floor(at, 3_600_000_000)
}

/// Start of the day, UTC.
pub const fn day(at: Timestamp) -> Timestamp {
    floor(at, 86_400_000_000)
}

const fn floor(at: Timestamp, us: i64) -> Timestamp {
    Timestamp::from_micros(at.micros().saturating_sub(at.micros().rem_euclid(us)))
}

/// Sums over events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Rows.
    pub events: u64,
    /// Agent-facing requests: logical calls of a tool (D16), answered requests of other kinds.
    pub calls: u64,
    /// Calls with status `ok`.
    pub ok: u64,
    /// Calls that failed with `tool_error`.
    pub tool_errors: u64,
    /// Calls that failed with `protocol_error`.
    pub protocol_errors: u64,
    /// Calls with any other status, or with an error that does not count.
    pub other: u64,
    /// Tokens of arguments, given or estimated, not of nested calls.
    pub tokens_in: u64,
    /// Tokens of results, likewise.
    pub tokens_out: u64,
    /// Bytes of requests.
    pub bytes_in: u64,
    /// Bytes of answers.
    pub bytes_out: u64,
    /// Sum of the durations of finished calls, µs.
    pub duration_us: u64,
    /// Their distribution; its count is how many had a duration.
    pub durations: Sketch,
}

impl Counters {
    /// What one event adds.
    pub fn of(event: &Event) -> Self {
        let mut counters = Self::default();
        counters.add(event);
        counters
    }

    /// Takes one event in.
    pub fn add(&mut self, event: &Event) {
        self.events += 1;
        self.bytes_in = self.bytes_in.saturating_add(event.bytes_in.unwrap_or(0));
        self.bytes_out = self.bytes_out.saturating_add(event.bytes_out.unwrap_or(0));
        if let Some(tokens) = event.tokens.filter(|_| !event.flags.nested) {
            self.tokens_in += u64::from(tokens.input.unwrap_or(0));
            self.tokens_out += u64::from(tokens.output.unwrap_or(0));
        }
        if !is_call(event) {
            return;
        }
        self.calls += 1;
        let slot = match event.status {
            Some(Status::Ok) => &mut self.ok,
            Some(Status::ToolError) if event.failed() => &mut self.tool_errors,
            Some(Status::ProtocolError) if event.failed() => &mut self.protocol_errors,
            Some(_) | None => &mut self.other,
        };
        *slot += 1;
        if let Some(us) = event.duration_us.filter(|_| event.status.is_some_and(Status::finished)) {
            self.duration_us = self.duration_us.saturating_add(us);
            self.durations.add(us);
        }
    }

    /// The sum of both, over different events.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in [
            (&mut self.events, other.events),
            (&mut self.calls, other.calls),
            (&mut self.ok, other.ok),
            (&mut self.tool_errors, other.tool_errors),
            (&mut self.protocol_errors, other.protocol_errors),
            (&mut self.other, other.other),
            (&mut self.tokens_in, other.tokens_in),
            (&mut self.tokens_out, other.tokens_out),
            (&mut self.bytes_in, other.bytes_in),
            (&mut self.bytes_out, other.bytes_out),
            (&mut self.duration_us, other.duration_us),
        ] {
            *ours = ours.saturating_add(theirs);
        }
        self.durations.merge(&other.durations);
    }

    /// Calls that failed (product §2).
    pub const fn failed(&self) -> u64 {
        self.tool_errors + self.protocol_errors
    }

    /// Calls that ended `ok` or failed.
    pub const fn finished(&self) -> u64 {
        self.ok + self.failed()
    }
}

/// Whether an event is an agent-facing request that figures count.
fn is_call(event: &Event) -> bool {
    if event.kind == Kind::ToolCall {
        return event.is_counted_call();
    }
    event.status.is_some_and(|s| s != Status::InputRequired) && !event.flags.nested && !event.flags.mrtr_open
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric;
    use crate::testing::{event, events_and_order};

    fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Counters {
        let mut counters = Counters::default();
        for event in events {
            counters.merge(&Counters::of(event));
        }
        counters
    }

    #[test]
    fn buckets_start_on_the_hour_and_the_day() {
        let at = Timestamp::parse("2026-01-02T03:04:05.678Z").unwrap();
        assert_eq!(hour(at).to_string(), "2026-01-02T03:00:00.000Z");
        assert_eq!(day(at).to_string(), "2026-01-02T00:00:00.000Z");
        assert_eq!(hour(Timestamp::from_micros(-1)).to_string(), "1969-12-31T23:00:00.000Z");
    }

    #[test]
    fn names_are_those_of_the_kind() {
        let mut e = event("a", Kind::ToolCall, 0);
        e.tool = Some("search".into());
        e.resource = Some("file:///x".into());
        assert_eq!(name_of(&e), "search");
        e.kind = Kind::ResourceRead;
        assert_eq!(name_of(&e), "file:///x");
        e.kind = Kind::ToolsList;
        assert_eq!(name_of(&e), "");
    }

    proptest! {
        #[test]
        fn inv_05_counters_are_the_fold_of_the_rows((events, order) in events_and_order(40), cut in 0usize..40) {
            let shuffled: Vec<&Event> = order.iter().map(|i| &events[*i]).collect();
            let (left, right) = shuffled.split_at(cut.min(shuffled.len()));
            let mut sum = fold(right.iter().copied());
            sum.merge(&fold(left.iter().copied()));
            prop_assert_eq!(&sum, &fold(&events));

            let calls: Vec<&Event> = events.iter().filter(|e| e.kind == Kind::ToolCall).collect();
            let of_calls = fold(calls.iter().copied());
            let facts = metric::session(calls.iter().copied());
            prop_assert_eq!(of_calls.calls, facts.counts.tool_calls);
            prop_assert_eq!(of_calls.failed(), facts.counts.errors);
            prop_assert_eq!(of_calls.calls, of_calls.finished() + of_calls.other);
            let share = (of_calls.finished() > 0).then(|| of_calls.failed() as f64 / of_calls.finished() as f64);
            let declared = calls.iter().any(|e| e.flags.declared_error);
            prop_assert!(declared || share == metric::failed_share(calls.iter().copied()));
            prop_assert_eq!(sum.events, events.len() as u64);
        }
    }
}
