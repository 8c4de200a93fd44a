//! What never leaves the process: credentials masked, binary content noted, long text cut, in the order of decision D23.
//! Works on JSON text by cutting, so numbers, key order and escapes of everything else stay as they were.

use std::ops::Range;

use serde_json::value::RawValue;
use trackway_event::json::{is_credential_name, payload_of};
use trackway_event::{Event, Kind, Payload, limits};

use crate::wire::scan::{decode, elements, find, members};
use crate::wire::{Edit, apply};

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

/// Makes an event fit to leave: credentials out of every payload and text, then sizes (SDK-90, SDK-96).
pub fn clean(event: &mut Event) {
    let cut = &mut event.flags.truncated;
    event.arguments =
        event.arguments.take().and_then(|p| payload(p, limits::ARGUMENTS_BYTES, ARGUMENTS_DEPTH, cut));
    // A listing's definitions are schemas: deeper than other answers, and never an agent's.
    let depth = if event.kind == Kind::ToolsList { ARGUMENTS_DEPTH } else { DEPTH };
    event.result = event.result.take().and_then(|p| payload(p, limits::RESULT_BYTES, depth, cut));
    for slot in [&mut event.request_meta, &mut event.transport, &mut event.properties] {
        *slot = slot.take().and_then(|p| payload(p, limits::PROPERTIES_BYTES, DEPTH, cut));
    }
    for text in [&mut event.intent, &mut event.resource].into_iter().flatten() {
        if let Some(clean) = string(text) {
            *text = clean.into();
        }
    }
    if let Some(error) = &mut event.error
        && let Some(clean) = string(&error.message)
    {
        error.message = clean.into();
    }
    shrink(event);
    // What does not fit even then keeps its facts, never its payloads.
    if trackway_event::validate::cap(event).is_err() {
        event.transport = None;
        event.request_meta = None;
        event.flags.truncated = true;
    }
}

/// A URL without user-info and with credential-named query values masked.
pub fn url(text: &str) -> String {
    string(text).unwrap_or_else(|| text.to_owned())
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

fn payload(payload: Payload, cap: usize, depth: usize, cut: &mut bool) -> Option<Payload> {
    let text = payload.get().as_bytes();
    let edits = masks(text, depth, 0, cut);
    let clean = if edits.is_empty() { payload } else { raw(apply(text, &edits))? };
    if clean.get().len() <= cap {
        return Some(clean);
    }
    *cut = true;
    let text = clean.get().as_bytes();
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
fn masks(text: &[u8], depth: usize, inside: usize, cut: &mut bool) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut open = vec![(0..text.len(), 1usize)];
    while let Some((value, level)) = open.pop() {
        let first = text.get(value.start);
        if level > depth && matches!(first, Some(b'{' | b'[')) {
            *cut = true;
            let note = format!("{{\"$truncated\":{}}}", value.len());
            edits.push(Edit { at: value, with: note.into_bytes() });
            continue;
        }
        match first {
            Some(b'{') => {
                let inner = members(text, &value).unwrap_or_default();
                if let Some(note) = omitted(text, &value, &inner) {
                    edits.push(Edit { at: value, with: note });
                    continue;
                }
                for member in inner {
                    let secret = decode(text, &member.key).is_some_and(|k| is_credential_name(&k));
                    match text.get(member.value.start) {
                        Some(b'"') if secret => {
                            edits.push(Edit { at: member.value, with: format!("\"{MASK}\"").into_bytes() })
                        }
                        Some(b'"') => leaf(text, &member.value, inside, &mut edits),
                        // A list of secrets under one name: every text in it.
                        Some(b'[') if secret => mask_texts(text, &member.value, &mut edits),
                        Some(b'{' | b'[') => open.push((member.value, level + 1)),
                        _ => {}
                    }
                }
            }
            Some(b'[') => {
                let inner = elements(text, &value).unwrap_or_default();
                open.extend(inner.into_iter().map(|e| (e, level + 1)));
            }
            Some(b'"') => leaf(text, &value, inside, &mut edits),
            _ => {}
        }
    }
    edits.sort_by_key(|e| e.at.start);
    edits
}

fn mask_texts(text: &[u8], array: &Range<usize>, edits: &mut Vec<Edit>) {
    let all = elements(text, array).unwrap_or_default();
    for at in all.into_iter().filter(|e| matches!(text.get(e.start), Some(b'"' | b'{' | b'['))) {
        edits.push(Edit { at, with: format!("\"{MASK}\"").into_bytes() });
    }
}

fn leaf(text: &[u8], value: &Range<usize>, inside: usize, edits: &mut Vec<Edit>) {
    let inner = value.start + 1..value.end - 1;
    let bytes = text.get(inner.clone()).unwrap_or_default();
    if bytes.len() >= BASE64 && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"+/_-=\\".contains(b)) {
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
            let edits = masks(value.get().as_bytes(), usize::MAX, inside + 1, &mut false);
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

/// Whether a raw JSON string may hold something to mask: a URL (its slashes may be escaped), or a scheme word. Looking
/// closely at a text too many only costs time.
fn suspicious(bytes: &[u8]) -> bool {
    if bytes.contains(&b'\\') {
        return true;
    }
    memchr::memmem::find(bytes, b"://").is_some()
        || ends_of_scheme(bytes, b'r', b"beare")
        || ends_of_scheme(bytes, b'c', b"basi")
}

/// Whether the word `head` + `last` stands before a space, in any case.
fn ends_of_scheme(bytes: &[u8], last: u8, head: &[u8]) -> bool {
    memchr::memchr_iter(b' ', bytes).any(|space| {
        let Some(word) = bytes.get(..space) else { return false };
        let Some((end, before)) = word.split_last() else { return false };
        end.eq_ignore_ascii_case(&last)
            && before.len() >= head.len()
            && before.split_at(before.len() - head.len()).1.eq_ignore_ascii_case(head)
    })
}

/// The text with bearer tokens, URL user-info and credential-named query values masked; `None` when there are none.
fn string(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut changed = false;
    let mut rest = text;
    while let Some(end) = rest.find(char::is_whitespace).or(Some(rest.len())).filter(|_| !rest.is_empty()) {
        let (word, tail) = rest.split_at(end);
        let (gap, next) = tail.split_at(tail.find(|c: char| !c.is_whitespace()).unwrap_or(tail.len()));
        let before = out.trim_end().as_bytes();
        let is = |name: &[u8]| {
            before.len() >= name.len()
                && before.split_at(before.len() - name.len()).1.eq_ignore_ascii_case(name)
        };
        if word.len() >= 8 && (is(b"bearer") || is(b"basic")) && looks_secret(word) {
            out.push_str(MASK);
            changed = true;
        } else if let Some(clean) = word.contains("://").then(|| url_word(word)).flatten() {
            out.push_str(&clean);
            changed = true;
        } else {
            out.push_str(word);
        }
        out.push_str(gap);
        rest = next;
    }
    changed.then_some(out)
}

/// Whether what follows `Bearer` or `Basic` is a token and not the next word of a sentence.
fn looks_secret(word: &str) -> bool {
    word.len() >= 20 || !word.bytes().all(|b| b.is_ascii_lowercase() || b".,;:!?".contains(&b))
}

/// Every URL in a word, without user-info and with credential-named fields of query and fragment masked.
fn url_word(word: &str) -> Option<String> {
    let mut out = String::with_capacity(word.len());
    let (mut rest, mut changed) = (word, false);
    while let Some((scheme, after)) = rest.split_once("://") {
        out.push_str(scheme);
        out.push_str("://");
        let end = after.find(['/', '?', '#', '"', '\'', '<', '>', ',']).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                changed = true;
                out.push_str(MASK);
                out.push('@');
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        // Up to where another URL may begin.
        let end = tail.find("://").map_or(tail.len(), |at| {
            tail.get(..at)
                .and_then(|t| t.rfind(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)))
                .map_or(0, |c| c + 1)
        });
        let end = if tail.is_char_boundary(end) { end } else { tail.len() };
        let (own, next) = tail.split_at(end);
        changed |= fields(own, &mut out);
        rest = next;
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// Writes path, query and fragment with the values of credential-named fields masked; tells whether there were any.
fn fields(tail: &str, out: &mut String) -> bool {
    let mut changed = false;
    for part in tail.split_inclusive(['?', '#', '&', ';']) {
        let body = part.trim_end_matches(['?', '#', '&', ';']);
        match body.split_once('=') {
            Some((key, _)) if is_credential_name(key) => {
                changed = true;
                out.push_str(key);
                out.push('=');
                out.push_str(MASK);
                out.push_str(part.split_at(body.len()).1);
            }
            Some(_) | None => out.push_str(part),
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        let mut cut = false;
        payload(RawValue::from_string(text.to_owned()).unwrap(), 64 * 1024, 60, &mut cut)
            .unwrap()
            .get()
            .to_owned()
    }

    #[test]
    fn masks_credentials_and_leaves_the_rest_to_the_byte() {
        for (text, expect) in [
            (
                r#"{"a":123456789012345678901234567890,"a":1e400}"#,
                r#"{"a":123456789012345678901234567890,"a":1e400}"#,
            ),
            (
                r#"{"password":"x","n":{"api_key":"y","max_tokens":5}}"#,
                r#"{"password":"[redacted]","n":{"api_key":"[redacted]","max_tokens":5}}"#,
            ),
            (r#"["Authorization: Bearer abcdefgh123 ok"]"#, r#"["Authorization: Bearer [redacted] ok"]"#),
            (
                r#"{"u":"see https://bob:pw@h.example/p?token=t&x=1"}"#,
                r#"{"u":"see https://[redacted]@h.example/p?token=[redacted]&x=1"}"#,
            ),
            (r#"{"type":"image","data":"AAAA"}"#, r#"{"$omitted":"image","bytes":30}"#),
            (r#"{"token":7}"#, r#"{"token":7}"#),
            (
                r#"{"passwords":["a"],"password":["a",1,{"b":2}]}"#,
                r#"{"passwords":["a"],"password":["[redacted]",1,"[redacted]"]}"#,
            ),
            (r#"{"u":"https:\/\/bob:pw@h\/p"}"#, r#"{"u":"https://[redacted]@h/p"}"#),
            (
                r#"["BEARER AbCdEfGh1234", "a bearer certificate"]"#,
                r#"["BEARER [redacted]", "a bearer certificate"]"#,
            ),
            (
                r#"["https://a/?x=1,https://u:p@b/#access_token=t&y"]"#,
                r#"["https://a/?x=1,https://[redacted]@b/#access_token=[redacted]&y"]"#,
            ),
            (
                r#"[{"type":"text","text":"{\"password\":\"x\",\"n\":1.50}"}]"#,
                r#"[{"type":"text","text":"{\"password\":\"[redacted]\",\"n\":1.50}"}]"#,
            ),
            (r#"["postgres://app:s3cret@db/x"]"#, r#"["postgres://[redacted]@db/x"]"#),
        ] {
            assert_eq!(cleaned(text), expect);
        }
    }

    #[test]
    fn long_payloads_are_cut_and_noted() {
        let mut cut = false;
        let long = format!("{{\"n\":12345678901234567890,\"t\":\"{}\"}}", "ä ".repeat(60_000));
        let short = payload(RawValue::from_string(long).unwrap(), 64 * 1024, 60, &mut cut).unwrap();
        assert!(
            cut && short.get().len() < 64 * 1024
                && short.get().len() > 16 * 1024
                && short.get().contains("12345678901234567890")
                && short.get().contains('…')
        );
        let many = format!("[{}1]", "1,".repeat(60_000));
        let mut cut = false;
        assert_eq!(
            payload(RawValue::from_string(many).unwrap(), 64 * 1024, 60, &mut cut).unwrap().get(),
            r#"{"$truncated":120003}"#
        );
    }

    #[test]
    fn deep_containers_are_cut_where_the_depth_ends() {
        let mut cut = false;
        let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
        let out =
            payload(RawValue::from_string(deep).unwrap(), 64 * 1024, ARGUMENTS_DEPTH, &mut cut).unwrap();
        assert!(cut && trackway_event::json::depth(out.get().as_bytes(), 99) < limits::BODY_DEPTH - 2);
        assert!(out.get().contains(r#"{"$truncated":21}"#), "{}", out.get());
    }

    #[test]
    fn an_event_is_within_its_cap_and_keeps_its_facts() {
        let at = trackway_event::Timestamp::from_millis(1_767_323_045_000);
        let mut event = Event::new(trackway_event::EventId::mint(at, [1; 16]), Kind::ToolCall, at);
        let big = |n: usize| payload_of(&vec!["a b"; n / 6]);
        (event.arguments, event.result) = (big(60_000), big(63_000));
        (event.request_meta, event.transport, event.properties) = (big(31_000), big(31_000), big(31_000));
        event.tool = Some("search".into());
        clean(&mut event);
        let size = serde_json::to_vec(&event).unwrap().len();
        assert!(size <= limits::RECORDED_EVENT_BYTES && event.flags.truncated, "{size}");
        assert_eq!(event.result.unwrap().get(), r#"{"$truncated":63001}"#);
        assert_eq!(event.tool.as_deref(), Some("search"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC{0,80}", scheme in "(https://|Bearer |[{]\"token\":\"|)") {
            let raw = payload_of(&format!("{scheme}{text}")).unwrap();
            proptest::prop_assert!(payload(raw, 64 * 1024, 10, &mut false).is_some());
            let _ = url(&format!("{scheme}{text}"));
        }
    }
}
