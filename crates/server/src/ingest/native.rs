//! The native wire: a batch of our own events (D1, D10).

use serde_json::value::RawValue;
use trackway_event::{
    DropReason, Event, EventId, IngestBatch, Input, SessionId, SessionSource, Timestamp, limits,
};

use super::fields::Fields;
use super::{Batch, Item};

/// Skew from which times are corrected, µs (D10).
const SKEW_US: i64 = 2_000_000;

/// Reads a batch.
///
/// # Errors
/// When the envelope is unreadable; a bad event only refuses itself.
pub(super) fn read(whole: &str, received_at: Timestamp) -> Result<Batch, DropReason> {
    let batch: IngestBatch<&RawValue> = match serde_json::from_str(whole) {
        Ok(batch) => batch,
        Err(error) if error.is_data() => return Err(DropReason::BadEvent),
        Err(_) => return Err(DropReason::BadJson),
    };
    let project = batch.project.trim().to_owned();
    let skew = batch.sent_at.map(|sent| received_at.since(sent)).filter(|skew| skew.abs() >= SKEW_US);
    let sdk = batch.sdk.filter(|sdk| !sdk.name.is_empty());
    let sdk = sdk.map(|sdk| trackway_event::Peer {
        version: Some(sdk.version).filter(|v| !v.is_empty()),
        name: sdk.name,
    });
    let items = batch.events.iter().enumerate().map(|(n, raw)| {
        let text = raw.get();
        let event = if n >= limits::BATCH_EVENTS {
            Err(DropReason::TooMany)
        } else if trackway_event::json::depth(text.as_bytes(), limits::BODY_DEPTH) > limits::BODY_DEPTH {
            Err(DropReason::TooDeep)
        } else {
            serde_json::from_str::<Event>(text).map_err(|_| DropReason::BadEvent).and_then(|event| {
                let mut event = settled(event, skew, received_at)?;
                if event.sdk.is_none() {
                    event.sdk.clone_from(&sdk);
                }
                Ok(Box::new(event))
            })
        };
        let id = match &event {
            Ok(event) => Some(event.id.as_str().into()),
            Err(_) => Fields::parse(text).and_then(|f| f.string("id")).map(Into::into),
        };
        Item { project: Some(project.clone()), id, span: super::span_of(whole, text), event }
    });
    let items = items.collect();
    let lost = batch.lost.into_iter().take(64).map(|(k, v)| (k.chars().take(64).collect(), v)).collect();
    Ok(Batch { items, lost, project: Some(project), whole: true })
}

/// The event with its ids checked and its times corrected.
fn settled(mut event: Event, skew: Option<i64>, received_at: Timestamp) -> Result<Event, DropReason> {
    event.id = EventId::foreign(event.id.as_str()).ok_or(DropReason::BadEvent)?;
    event.session_id = event.session_id.as_ref().and_then(|id| SessionId::foreign(id.as_str()));
    if event.session_id.is_none() {
        event.session_source = None;
    } else if event.session_source.is_none() {
        event.session_source = Some(SessionSource::Given);
    }
    if let Some(actor) = event.actor.take() {
        event.actor = trackway_event::ActorId::parse(actor.id.as_str()).map(|(id, cut)| {
            if cut == trackway_event::id::Cut::Yes {
                event.note("actor_id_cut");
            }
            let mut actor = actor;
            actor.id = id;
            actor
        });
    }
    if event.properties.as_ref().is_some_and(|p| !p.get().starts_with('{')) {
        event.properties = None;
        event.note("coerced:properties");
    }
    event.input = Input::Native;
    event.raw = None;
    event.raw_time = Some(event.raw_time.unwrap_or(event.started_at));
    if let Some(skew) = skew {
        event.started_at = event.started_at.plus_micros(skew);
        event.note("clock_corrected");
    }
    if event.started_at.since(received_at) > limits::FUTURE.as_micros() as i64 {
        event.started_at = received_at;
        event.note("timestamp_replaced");
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_767_323_045_000);

    fn one(event: &str, sent_at: &str) -> Batch {
        let text = format!(r#"{{"project":"proj_t","sent_at":"{sent_at}","events":[{event}]}}"#);
        read(&text, NOW).unwrap()
    }

    #[test]
    fn skew_is_corrected_from_two_seconds() {
        let event = r#"{"id":"e","kind":"tool_call","started_at":"2026-01-02T03:00:00Z"}"#;
        for (sent_at, start, noted) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:00:00.000Z", false),
            ("2026-01-02T03:04:03.001Z", "2026-01-02T03:00:00.000Z", false),
            ("2026-01-02T03:04:03Z", "2026-01-02T03:00:02.000Z", true),
            ("2026-01-02T04:04:05Z", "2026-01-02T02:00:00.000Z", true),
        ] {
            let batch = one(event, sent_at);
            let event = batch.items.first().unwrap().event.as_ref().unwrap();
            assert_eq!(event.started_at.to_string(), start);
            assert_eq!(event.notes.iter().any(|n| &**n == "clock_corrected"), noted, "{sent_at}");
            assert_eq!(event.raw_time.unwrap().to_string(), "2026-01-02T03:00:00.000Z");
        }
    }

    #[test]
    fn one_bad_event_refuses_only_itself() {
        let good = r#"{"id":"a","kind":"custom","started_at":"2026-01-02T03:00:00Z"}"#;
        let deep = format!(r#"{{"id":"d","arguments":{}}}"#, "[".repeat(80) + &"]".repeat(80));
        let batch = one(
            &format!(r#"{good},{{"id":"b","kind":"nope","started_at":"2026-01-02T03:00:00Z"}},7,{deep}"#),
            "2026-01-02T03:04:05Z",
        );
        let got: Vec<_> =
            batch.items.iter().map(|i| (i.id.as_deref(), i.event.as_ref().err().copied())).collect();
        assert_eq!(
            got,
            [
                (Some("a"), None),
                (Some("b"), Some(DropReason::BadEvent)),
                (None, Some(DropReason::BadEvent)),
                (Some("d"), Some(DropReason::TooDeep)),
            ]
        );
        assert_eq!(read("{", NOW).err(), Some(DropReason::BadJson));
        assert_eq!(read("{\"events\":[]}", NOW).err(), Some(DropReason::BadEvent));
    }
}
