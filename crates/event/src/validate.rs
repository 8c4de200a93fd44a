//! The checks and cuts that make a received event storable, the same for every wire (AC R33, R34, R36; D9, D25).

use crate::event::{Event, Frame};
use crate::json::payload_of;
use crate::limits;
use crate::outcome::DropReason;

/// Cuts every field to its cap, notes what was cut, and shrinks an event over [`limits::EVENT_BYTES`] by replacing
/// result, arguments, properties, raw body and stack with `{"$truncated": bytes}` until it fits. Refuses as
/// `too_large` what does not fit even then. Time and session rules are the adapter's business.
pub fn cap(event: &mut Event) -> Result<(), DropReason> {
    let mut cut = false;
    for field in [
        &mut event.tool,
        &mut event.protocol_version,
        &mut event.model,
        &mut event.conversation_id,
        &mut event.process,
        &mut event.address,
    ] {
        cut |= cut_option(field, limits::NAME_CHARS);
    }
    cut |= cut_option(&mut event.resource, limits::URI_CHARS);
    cut |= cut_text(&mut event.name, limits::NAME_CHARS);
    cut |= cut_option(&mut event.intent, limits::INTENT_CHARS);
    for peer in [&mut event.client, &mut event.server, &mut event.sdk].into_iter().flatten() {
        cut |=
            cut_text(&mut peer.name, limits::NAME_CHARS) | cut_option(&mut peer.version, limits::NAME_CHARS);
    }
    if let Some(actor) = &mut event.actor {
        cut |= cut_option(&mut actor.name, limits::NAME_CHARS);
    }
    if let Some(error) = &mut event.error {
        cut |= cut_text(&mut error.message, limits::ERROR_MESSAGE_CHARS)
            | cut_option(&mut error.kind, limits::NAME_CHARS);
        cut_frames(&mut error.frames);
        error.chain.truncate(limits::CHAIN);
        for cause in &mut error.chain {
            cut |= cut_text(&mut cause.message, limits::ERROR_MESSAGE_CHARS);
            cut_frames(&mut cause.frames);
        }
    }
    cap_tags(event);
    while event.groups.len() > limits::GROUPS {
        event.groups.pop_last();
        event.note("groups_cut");
    }
    event.notes.truncate(limits::NOTES);
    if cut {
        event.note("text_cut");
    }
    shrink(event)
}

/// Cuts `text` to `max` characters on a character boundary, the last one being `…`. Tells whether it did.
pub fn cut_text(text: &mut Box<str>, max: usize) -> bool {
    if text.len() <= max {
        return false;
    }
    let mut ends = text.char_indices().map(|(i, _)| i).skip(max - 1);
    let (Some(end), Some(_)) = (ends.next(), ends.next()) else { return false };
    *text = format!("{}…", text.split_at(end).0).into();
    true
}

fn cut_option(text: &mut Option<Box<str>>, max: usize) -> bool {
    text.as_mut().is_some_and(|t| cut_text(t, max))
}

fn cut_frames(frames: &mut Vec<Frame>) {
    if frames.len() > limits::FRAMES {
        let half = limits::FRAMES / 2;
        frames.drain(half..frames.len() - half);
    }
}

/// Drops tags outside AC R36; the SDKs' own (`agentcat_*`, `trackway_*`) do not count towards the cap.
fn cap_tags(event: &mut Event) {
    let own = |key: &str| key.starts_with("agentcat_") || key.starts_with("trackway_");
    let legal = |c: char| c.is_ascii_alphanumeric() || "$_.:- ".contains(c);
    let (mut users, before) = (0, event.tags.len());
    event.tags.retain(|key, value| {
        let good = !key.is_empty()
            && key.chars().count() <= limits::TAG_KEY_CHARS
            && key.chars().all(legal)
            && value.chars().count() <= limits::TAG_VALUE_CHARS
            && !value.contains('\n');
        users += usize::from(good && !own(key));
        good && (own(key) || users <= limits::TAGS)
    });
    if event.tags.len() < before {
        event.note("bad_tag");
    }
}

fn shrink(event: &mut Event) -> Result<(), DropReason> {
    let mut size = size_of(event);
    let truncated = |bytes: usize| payload_of(&serde_json::json!({ "$truncated": bytes }));
    let mut pass = 0;
    while size > limits::EVENT_BYTES {
        let field = match pass {
            0 => &mut event.raw,
            1 => &mut event.arguments,
            2 => &mut event.result,
            3 => &mut event.properties,
            4 => {
                if let Some(error) = &mut event.error {
                    error.stack = None;
                    error.chain.clear();
                }
                shrink_identity(event);
                size = size_of(event);
                pass += 1;
                continue;
            }
            _ => return Err(DropReason::TooLarge),
        };
        if let Some(payload) = field {
            let bytes = payload.get().len();
            *field = truncated(bytes);
            event.flags.truncated = true;
            size = size_of(event);
        }
        pass += 1;
    }
    Ok(())
}

/// Facts of a person this large are a mistake of their sender; who it is stays known.
fn shrink_identity(event: &mut Event) {
    let Some(identity) = event.identity.as_mut().filter(|i| i.size() > limits::EVENT_BYTES / 4) else {
        return;
    };
    identity.set.clear();
    identity.set_once.clear();
    identity.unset.clear();
    identity.group = None;
    event.note("identity_cut");
}

/// Bytes of everything in the event that has no cap of its own, plus a flat allowance for what has.
fn size_of(event: &Event) -> usize {
    let payloads = [
        &event.arguments,
        &event.result,
        &event.request_meta,
        &event.transport,
        &event.properties,
        &event.raw,
    ];
    let payloads: usize = payloads.into_iter().flatten().map(|p| p.get().len()).sum();
    let error = event.error.as_ref().map_or(0, |e| {
        e.message.len()
            + e.stack.as_ref().map_or(0, |s| s.len())
            + e.chain.iter().map(|c| c.message.len() + c.stack.as_ref().map_or(0, |s| s.len())).sum::<usize>()
    });
    let traits = event.actor.as_ref().filter(|a| !a.traits.is_empty());
    let traits = traits.and_then(|a| serde_json::to_string(&a.traits).ok()).map_or(0, |t| t.len());
    let identity = event.identity.as_ref().map_or(0, |i| i.size());
    payloads + error + traits + identity + 1_024
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;
    use crate::id::EventId;
    use crate::time::Timestamp;

    fn event() -> Event {
        Event::new(
            EventId::mint(Timestamp::from_millis(1_767_323_045_000), [7; 16]),
            Kind::ToolCall,
            Timestamp::from_millis(1_767_323_045_000),
        )
    }

    #[test]
    fn text_is_cut_on_characters() {
        for (text, max, expect) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("äöü", 3, "äöü"),
            ("äöüß", 3, "äö…"),
            ("日本語", 2, "日…"),
        ] {
            let mut text: Box<str> = text.into();
            cut_text(&mut text, max);
            assert_eq!(&*text, expect);
        }
    }

    #[test]
    fn big_payloads_become_markers_and_hopeless_events_are_refused() {
        let mut e = event();
        e.result = payload_of(&"x".repeat(1_500_000));
        cap(&mut e).unwrap();
        assert_eq!(e.result.as_ref().unwrap().get(), r#"{"$truncated":1500002}"#);
        assert!(e.flags.truncated);
        let mut e = event();
        e.transport = payload_of(&"x".repeat(1_500_000));
        assert_eq!(cap(&mut e), Err(DropReason::TooLarge));
    }

    #[test]
    fn tags_keep_the_first_fifty_and_the_sdks_own() {
        let mut e = event();
        for i in 0..60 {
            e.tags.insert(format!("k{i:02}").into(), "v".into());
        }
        for key in ["agentcat_a", "agentcat_b", "agentcat_c"] {
            e.tags.insert(key.into(), "v".into());
        }
        e.tags.insert("bad\nkey".into(), "v".into());
        e.tags.insert("long".into(), "v".repeat(201).into());
        cap(&mut e).unwrap();
        assert_eq!(e.tags.len(), 53);
        assert!(e.notes.iter().any(|n| &**n == "bad_tag"));
    }
}
