//! What never leaves the process: credentials masked, binary content noted, long text cut, in the order of decision D23.
//! Works on JSON text by cutting, so numbers, key order and escapes of everything else stay as they were.

use std::ops::Range;

use serde_json::value::RawValue;
use trackway_event::json::{is_credential_name, payload_of};
use trackway_event::{Event, Payload, limits};

use crate::wire::scan::{decode, elements, find, members};
use crate::wire::{Edit, apply};

/// What stands in place of a credential.
pub const MASK: &str = "[redacted]";

/// Strings of base64 from this length on are noted, not kept (SDK-95).
const BASE64: usize = 10_240;
/// A string is cut to this many bytes when its payload is over its cap.
const LONG: usize = 2_048;

/// Makes an event fit to leave: credentials out of every payload and text, then sizes (SDK-90, SDK-96).
pub fn clean(event: &mut Event) {
    event.arguments =
        event.arguments.take().and_then(|p| payload(p, limits::ARGUMENTS_BYTES, &mut event.flags.truncated));
    event.result =
        event.result.take().and_then(|p| payload(p, limits::RESULT_BYTES, &mut event.flags.truncated));
    for slot in [&mut event.request_meta, &mut event.transport, &mut event.properties] {
        *slot = slot.take().and_then(|p| payload(p, limits::PROPERTIES_BYTES, &mut event.flags.truncated));
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

fn payload(payload: Payload, cap: usize, truncated: &mut bool) -> Option<Payload> {
    let text = payload.get().as_bytes();
    let mut edits = Vec::new();
    walk(text, &(0..text.len()), &mut edits);
    let clean = if edits.is_empty() { payload } else { raw(apply(text, &edits))? };
    if clean.get().len() <= cap {
        return Some(clean);
    }
    *truncated = true;
    let text = clean.get().as_bytes();
    let mut cuts = Vec::new();
    shorten(text, &(0..text.len()), &mut cuts);
    let short = raw(apply(text, &cuts))?;
    if short.get().len() <= cap {
        return Some(short);
    }
    payload_of(&serde_json::json!({ "$truncated": text.len() }))
}

fn raw(bytes: Vec<u8>) -> Option<Payload> {
    RawValue::from_string(String::from_utf8(bytes).ok()?).ok()
}

/// Collects the edits that mask and note inside the value at `at`.
fn walk(text: &[u8], at: &Range<usize>, edits: &mut Vec<Edit>) {
    let mut open = vec![at.clone()];
    while let Some(value) = open.pop() {
        match text.get(value.start) {
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
                        Some(b'"') => leaf(text, &member.value, edits),
                        Some(b'{' | b'[') => open.push(member.value),
                        _ => {}
                    }
                }
            }
            Some(b'[') => open.extend(elements(text, &value).unwrap_or_default()),
            Some(b'"') => leaf(text, &value, edits),
            _ => {}
        }
    }
    edits.sort_by_key(|e| e.at.start);
}

fn leaf(text: &[u8], value: &Range<usize>, edits: &mut Vec<Edit>) {
    let inner = value.start + 1..value.end - 1;
    let bytes = text.get(inner.clone()).unwrap_or_default();
    if bytes.len() >= BASE64 && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"+/_-=\\rn".contains(b)) {
        let note = serde_json::json!({ "$omitted": "base64", "bytes": bytes.len() }).to_string();
        edits.push(Edit { at: value.clone(), with: note.into_bytes() });
        return;
    }
    if !suspicious(bytes) {
        return;
    }
    let clean = decode(text, &inner).and_then(|t| string(&t)).and_then(|t| serde_json::to_vec(&t).ok());
    if let Some(with) = clean {
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

fn shorten(text: &[u8], at: &Range<usize>, edits: &mut Vec<Edit>) {
    let mut open = vec![at.clone()];
    while let Some(value) = open.pop() {
        match text.get(value.start) {
            Some(b'{') => open.extend(members(text, &value).unwrap_or_default().into_iter().map(|m| m.value)),
            Some(b'[') => open.extend(elements(text, &value).unwrap_or_default()),
            Some(b'"') if value.len() > LONG => {
                let Some(whole) = decode(text, &(value.start + 1..value.end - 1)) else { continue };
                let mut cut: Box<str> = whole.into_owned().into();
                trackway_event::validate::cut_text(&mut cut, LONG / 4);
                if let Ok(with) = serde_json::to_vec(&*cut) {
                    edits.push(Edit { at: value, with });
                }
            }
            _ => {}
        }
    }
    edits.sort_by_key(|e| e.at.start);
}

fn suspicious(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"://").is_some()
        || memchr::memmem::find(bytes, b"earer ").is_some()
        || memchr::memmem::find(bytes, b"asic ").is_some()
}

/// The text with bearer tokens, URL user-info and credential-named query values masked; `None` when there are none.
fn string(text: &str) -> Option<String> {
    if !suspicious(text.as_bytes()) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut changed = false;
    let mut rest = text;
    while let Some(end) = rest.find(char::is_whitespace).or(Some(rest.len())).filter(|_| !rest.is_empty()) {
        let (word, tail) = rest.split_at(end);
        let (gap, next) = tail.split_at(tail.find(|c: char| !c.is_whitespace()).unwrap_or(tail.len()));
        let before = out.trim_end();
        let scheme = before.ends_with("Bearer") || before.ends_with("bearer") || before.ends_with("Basic");
        if scheme && word.len() >= 8 {
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

fn url_word(word: &str) -> Option<String> {
    let (scheme, rest) = word.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let mut changed = false;
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => {
            changed = true;
            format!("{MASK}@{host}")
        }
        None => authority.to_owned(),
    };
    let tail = match tail.split_once('?') {
        None => tail.to_owned(),
        Some((path, query)) => {
            let parts: Vec<String> = query
                .split('&')
                .map(|pair| match pair.split_once('=') {
                    Some((key, _)) if is_credential_name(key) => {
                        changed = true;
                        format!("{key}={MASK}")
                    }
                    Some(_) | None => pair.to_owned(),
                })
                .collect();
            format!("{path}?{}", parts.join("&"))
        }
    };
    changed.then(|| format!("{scheme}://{host}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        let mut cut = false;
        payload(RawValue::from_string(text.to_owned()).unwrap(), 64 * 1024, &mut cut)
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
        ] {
            assert_eq!(cleaned(text), expect);
        }
    }

    #[test]
    fn long_payloads_are_cut_and_noted() {
        let mut cut = false;
        let long = format!("{{\"n\":12345678901234567890,\"t\":\"{}\"}}", "ä ".repeat(60_000));
        let short = payload(RawValue::from_string(long).unwrap(), 64 * 1024, &mut cut).unwrap();
        assert!(
            cut && short.get().len() < 4_096
                && short.get().contains("12345678901234567890")
                && short.get().contains('…')
        );
        let many = format!("[{}1]", "1,".repeat(60_000));
        let mut cut = false;
        assert_eq!(
            payload(RawValue::from_string(many).unwrap(), 64 * 1024, &mut cut).unwrap().get(),
            r#"{"$truncated":120003}"#
        );
    }
}
