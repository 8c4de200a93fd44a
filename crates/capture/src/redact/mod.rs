//! What never leaves the process: credentials masked, binary content noted, long text cut, in the order of decision D23.
//! Works on JSON text by cutting, so numbers, key order and escapes of everything else stay as they were.

mod hooks;
mod policy;
mod rules;
mod text;

use std::ops::Range;

use serde_json::value::RawValue;
use trackway_event::json::{is_credential_name, payload_of};
use trackway_event::{Event, Kind, Payload, limits};

use crate::wire::scan::{decode, elements, find, members};
use crate::wire::{Edit, apply};

pub use hooks::{EventHook, TextHook};
pub use policy::{Level, Redaction, RedactionConfig};
pub use rules::{BadRule, Pii};

use text::{string, suspicious};

/// What stands in place of a credential.
pub const MASK: &str = "[redacted]";

/// Strings of base64 from this length on are noted, not kept (SDK-95).
const BASE64: usize = 10_240;
/// Strings are cut to so many characters when their payload is over its cap; the first that makes it fit.
const LONG: &[usize] = &[16 * 1024, 4 * 1024, 512];
/// Nesting kept of arguments: those of the 64 levels of a body that the batch around them leaves free, so that one deep
/// call never sinks its batch.
const ARGUMENTS_DEPTH: usize = limits::BODY_DEPTH - 4;
/// Nesting kept of everything else (D25).
const DEPTH: usize = 10;
/// Text this deep inside texts is not looked into as JSON.
const NESTED: usize = 2;

/// Makes an event fit to leave without any rule of the operator's: credentials out of every payload and text, binary content
/// noted, then sizes (SDK-90, SDK-96). With rules or hooks: [`Redaction::apply`].
pub fn clean(event: &mut Event) {
    sanitise(event, Stage::Sanitise);
    truncate(event);
}

/// A URL without user-info and with credential-named query values masked.
pub fn url(text: &str) -> String {
    string(text).unwrap_or_else(|| text.to_owned())
}

/// How far a payload is cleaned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Credentials only: what the operator's event hook gets to see.
    Scrub,
    /// Binary content becomes notes and depth ends, too.
    Sanitise,
}

/// Masks credentials everywhere in the event and, by the stage, notes what is binary or too deep.
fn sanitise(event: &mut Event, stage: Stage) {
    let mut cut = event.flags.truncated;
    for (slot, _, depth) in payloads(event) {
        let depth = if stage == Stage::Scrub { usize::MAX } else { depth };
        *slot = slot.take().and_then(|p| masked(p, depth, stage, &mut cut));
    }
    each_text(event, &mut |text| string(text));
    if let Some(actor) = event.actor.as_mut().filter(|a| !a.traits.is_empty()) {
        let clean = payload_of(&actor.traits).and_then(|p| masked(p, DEPTH, stage, &mut cut));
        actor.traits = clean.and_then(|p| serde_json::from_str(p.get()).ok()).unwrap_or_default();
    }
    event.flags.truncated = cut;
}

/// Cuts payloads, texts and then the whole event to their caps.
fn truncate(event: &mut Event) {
    let mut cut = event.flags.truncated;
    for (slot, cap, _) in payloads(event) {
        *slot = slot.take().and_then(|p| fitted(p, cap, &mut cut));
    }
    event.flags.truncated = cut;
    if let Some(actor) = event.actor.as_mut()
        && serde_json::to_string(&actor.traits).is_ok_and(|t| t.len() > limits::TRAITS_BYTES)
    {
        actor.traits.clear();
        event.note("traits_cut");
    }
    shrink(event);
    // What does not fit even then keeps its facts, never its payloads.
    if trackway_event::validate::cap(event).is_err() {
        event.transport = None;
        event.request_meta = None;
        event.flags.truncated = true;
    }
}

/// Every payload with its cap in bytes and in depth.
fn payloads(event: &mut Event) -> [(&mut Option<Payload>, usize, usize); 5] {
    // A listing's definitions are schemas: deeper than other answers, and never an agent's.
    let depth = if event.kind == Kind::ToolsList { ARGUMENTS_DEPTH } else { DEPTH };
    [
        (&mut event.arguments, limits::ARGUMENTS_BYTES, ARGUMENTS_DEPTH),
        (&mut event.result, limits::RESULT_BYTES, depth),
        (&mut event.request_meta, limits::PROPERTIES_BYTES, DEPTH),
        (&mut event.transport, limits::PROPERTIES_BYTES, DEPTH),
        (&mut event.properties, limits::PROPERTIES_BYTES, DEPTH),
    ]
}

/// Every text of an event that a server, an agent or a user wrote, but ids and names (SDK-92).
fn each_text(event: &mut Event, change: &mut dyn FnMut(&str) -> Option<String>) {
    let mut all: Vec<&mut Box<str>> = Vec::new();
    all.extend([&mut event.intent, &mut event.resource].into_iter().flatten());
    all.extend(event.tags.values_mut());
    all.extend(event.actor.as_mut().and_then(|a| a.name.as_mut()));
    if let Some(error) = &mut event.error {
        all.push(&mut error.message);
        all.extend(error.stack.as_mut());
        let chain = error.chain.iter_mut();
        let (texts, frames): (Vec<_>, Vec<_>) =
            chain.map(|c| ([Some(&mut c.message), c.stack.as_mut()], &mut c.frames)).unzip();
        all.extend(texts.into_iter().flatten().flatten());
        let frames = frames.into_iter().flatten().chain(&mut error.frames);
        all.extend(frames.filter_map(|f| f.context_line.as_mut()));
    }
    for text in all {
        if let Some(new) = change(text) {
            *text = new.into();
        }
    }
}

/// Replaces the largest payload until the event is within its cap (SDK-96).
fn shrink(event: &mut Event) {
    loop {
        let slots = [
            &mut event.arguments,
            &mut event.result,
            &mut event.request_meta,
            &mut event.transport,
            &mut event.properties,
        ];
        let mut slots: Vec<_> = slots.into_iter().flatten().collect();
        // What is left of an event without its payloads stays below 32 KiB by the caps of its texts.
        if slots.iter().map(|p| p.get().len()).sum::<usize>() <= limits::RECORDED_EVENT_BYTES - 32 * 1024 {
            return;
        }
        slots.sort_by_key(|p| p.get().len());
        let Some(largest) = slots.pop() else { return };
        let Some(note) = truncated(largest.get().len()) else { return };
        *largest = note;
        event.flags.truncated = true;
    }
}

fn truncated(bytes: usize) -> Option<Payload> {
    payload_of(&serde_json::json!({ "$truncated": bytes }))
}

fn masked(payload: Payload, depth: usize, stage: Stage, cut: &mut bool) -> Option<Payload> {
    let text = payload.get().as_bytes();
    let edits = masks(text, depth, stage, 0, cut);
    if edits.is_empty() { Some(payload) } else { raw(apply(text, &edits)) }
}

fn fitted(payload: Payload, cap: usize, cut: &mut bool) -> Option<Payload> {
    if payload.get().len() <= cap {
        return Some(payload);
    }
    *cut = true;
    let text = payload.get().as_bytes();
    for most in LONG {
        let mut cuts = Vec::new();
        shorten(text, *most, &mut cuts);
        let short = raw(apply(text, &cuts))?;
        if short.get().len() <= cap {
            return Some(short);
        }
    }
    truncated(text.len())
}

fn raw(bytes: Vec<u8>) -> Option<Payload> {
    RawValue::from_string(String::from_utf8(bytes).ok()?).ok()
}

/// The edits that mask, note and cut inside a JSON text. `inside` counts the texts it is itself a part of.
fn masks(text: &[u8], depth: usize, stage: Stage, inside: usize, cut: &mut bool) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut open = vec![(0..text.len(), 1usize)];
    while let Some((value, level)) = open.pop() {
        let first = text.get(value.start);
        if level > depth && matches!(first, Some(b'{' | b'[')) {
            *cut = true;
            edits.push(too_deep(value));
            continue;
        }
        match first {
            Some(b'{') => {
                // What cannot be looked into is not kept.
                let Some(inner) = members(text, &value) else {
                    *cut = true;
                    edits.push(too_deep(value));
                    continue;
                };
                if stage == Stage::Sanitise
                    && let Some(note) = omitted(text, &value, &inner)
                {
                    edits.push(Edit { at: value, with: note });
                    continue;
                }
                for member in inner {
                    let secret = decode(text, &member.key).is_some_and(|k| is_credential_name(&k));
                    match text.get(member.value.start) {
                        Some(b'"') if secret => {
                            edits.push(Edit { at: member.value, with: format!("\"{MASK}\"").into_bytes() })
                        }
                        Some(b'"') => leaf(text, &member.value, stage, inside, &mut edits),
                        // A list of secrets under one name: every text in it.
                        Some(b'[') if secret => mask_texts(text, &member.value, &mut edits),
                        Some(b'{' | b'[') => open.push((member.value, level + 1)),
                        _ => {}
                    }
                }
            }
            Some(b'[') => {
                let Some(inner) = elements(text, &value) else {
                    *cut = true;
                    edits.push(too_deep(value));
                    continue;
                };
                open.extend(inner.into_iter().map(|e| (e, level + 1)));
            }
            Some(b'"') => leaf(text, &value, stage, inside, &mut edits),
            _ => {}
        }
    }
    edits.sort_by_key(|e| e.at.start);
    edits
}

fn too_deep(value: Range<usize>) -> Edit {
    let note = format!("{{\"$truncated\":{}}}", value.len());
    Edit { at: value, with: note.into_bytes() }
}

fn mask_texts(text: &[u8], array: &Range<usize>, edits: &mut Vec<Edit>) {
    let Some(all) = elements(text, array) else {
        return edits.push(Edit { at: array.clone(), with: format!("\"{MASK}\"").into_bytes() });
    };
    for at in all.into_iter().filter(|e| matches!(text.get(e.start), Some(b'"' | b'{' | b'['))) {
        edits.push(Edit { at, with: format!("\"{MASK}\"").into_bytes() });
    }
}

fn leaf(text: &[u8], value: &Range<usize>, stage: Stage, inside: usize, edits: &mut Vec<Edit>) {
    let inner = value.start + 1..value.end - 1;
    let bytes = text.get(inner.clone()).unwrap_or_default();
    if stage == Stage::Sanitise
        && bytes.len() >= BASE64
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"+/_-=\\".contains(b))
    {
        let note = serde_json::json!({ "$omitted": "base64", "bytes": bytes.len() }).to_string();
        edits.push(Edit { at: value.clone(), with: note.into_bytes() });
        return;
    }
    // Servers often answer with JSON as text: its members are masked as if they stood outside.
    let json = inside < NESTED && matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[' | b'\\'));
    if !json && !suspicious(bytes) {
        return;
    }
    let Some(plain) = decode(text, &inner) else { return };
    let nested = plain.trim_start().starts_with(['{', '[']).then_some(()).filter(|()| json);
    let clean = match nested.and_then(|()| serde_json::from_str::<&RawValue>(&plain).ok()) {
        Some(value) => {
            let edits = masks(value.get().as_bytes(), usize::MAX, stage, inside + 1, &mut false);
            (!edits.is_empty())
                .then(|| String::from_utf8(apply(value.get().as_bytes(), &edits)).ok())
                .flatten()
        }
        None => string(&plain),
    };
    if let Some(with) = clean.and_then(|t| serde_json::to_vec(&t).ok()) {
        edits.push(Edit { at: value.clone(), with });
    }
}

/// An image, audio or blob block becomes its type and size.
fn omitted(text: &[u8], value: &Range<usize>, inner: &[crate::wire::scan::Member]) -> Option<Vec<u8>> {
    let kind = find(text, inner, "type")
        .and_then(|m| serde_json::from_slice::<String>(text.get(m.value.clone())?).ok());
    let kind = match kind.as_deref() {
        Some(kind @ ("image" | "audio")) if find(text, inner, "data").is_some() => kind,
        _ if find(text, inner, "blob").is_some_and(|m| text.get(m.value.start) == Some(&b'"')) => "blob",
        _ => return None,
    };
    Some(serde_json::json!({ "$omitted": kind, "bytes": value.len() }).to_string().into_bytes())
}

/// The edits that cut every string to `most` characters.
fn shorten(text: &[u8], most: usize, edits: &mut Vec<Edit>) {
    let whole = 0..text.len();
    let mut open = vec![whole];
    while let Some(value) = open.pop() {
        match text.get(value.start) {
            Some(b'{') => open.extend(members(text, &value).unwrap_or_default().into_iter().map(|m| m.value)),
            Some(b'[') => open.extend(elements(text, &value).unwrap_or_default()),
            Some(b'"') if value.len() > most => {
                let Some(whole) = decode(text, &(value.start + 1..value.end - 1)) else { continue };
                let mut cut: Box<str> = whole.into_owned().into();
                trackway_event::validate::cut_text(&mut cut, most);
                if let Ok(with) = serde_json::to_vec(&*cut) {
                    edits.push(Edit { at: value, with });
                }
            }
            _ => {}
        }
    }
    edits.sort_by_key(|e| e.at.start);
}

#[cfg(test)]
mod tests;
