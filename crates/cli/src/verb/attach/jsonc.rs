//! Where things are in a client's settings: JSON with comments and trailing commas, found and never written again, so that
//! an edit is a replacement of bytes and can be undone to the byte.

use std::ops::Range;

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its key, decoded.
    pub(super) key: String,
    /// Where its value is.
    pub(super) value: Range<usize>,
}

/// The document's outermost value; `None` when it is no JSON with comments.
pub(super) fn document(text: &str) -> Option<Range<usize>> {
    let start = skip(text, if text.starts_with('\u{feff}') { 3 } else { 0 })?;
    let end = value_end(text, start, 0)?;
    (skip(text, end)? == text.len()).then_some(start..end)
}

/// The members of the object there, in order.
pub(super) fn members(text: &str, object: &Range<usize>) -> Option<Vec<Member>> {
    let mut found = Vec::new();
    let mut at = open(text, object, b'{')?;
    while byte(text, at)? != b'}' {
        let key_end = string_end(text, at)?;
        let key = serde_json::from_str(text.get(at..key_end)?).ok()?;
        at = skip(text, key_end)?;
        if byte(text, at)? != b':' {
            return None;
        }
        let start = skip(text, at + 1)?;
        let end = value_end(text, start, 0)?;
        found.push(Member { key, value: start..end });
        at = comma(text, end, b'}')?;
    }
    Some(found)
}

/// The elements of the array there, in order.
pub(super) fn elements(text: &str, array: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let mut at = open(text, array, b'[')?;
    while byte(text, at)? != b']' {
        let end = value_end(text, at, 0)?;
        found.push(at..end);
        at = comma(text, end, b']')?;
    }
    Some(found)
}

/// The string there, decoded.
pub(super) fn string(text: &str, value: &Range<usize>) -> Option<String> {
    serde_json::from_str(text.get(value.clone())?).ok()
}

/// The value of the last member with this key.
pub(super) fn get(text: &str, object: &Range<usize>, key: &str) -> Option<Range<usize>> {
    members(text, object)?.into_iter().rev().find(|m| m.key == key).map(|m| m.value)
}

/// Nesting beyond this is no settings file.
const DEPTH: usize = 128;

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

fn open(text: &str, range: &Range<usize>, brace: u8) -> Option<usize> {
    (byte(text, range.start)? == brace).then(|| skip(text, range.start + 1)).flatten()
}

/// After a value: past its comma to the next one, or to the closing brace.
fn comma(text: &str, end: usize, close: u8) -> Option<usize> {
    let at = skip(text, end)?;
    match byte(text, at)? {
        b',' => skip(text, at + 1),
        found if found == close => Some(at),
        _ => None,
    }
}

/// Past white space and comments; `None` for a comment without an end.
fn skip(text: &str, mut at: usize) -> Option<usize> {
    loop {
        let rest = text.get(at..)?;
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/")? + 2;
        } else if rest.starts_with([' ', '\t', '\r', '\n']) {
            at += 1;
        } else {
            return Some(at);
        }
    }
}

fn string_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            b'\n' => return None,
            _ => at += 1,
        }
    }
}

fn value_end(text: &str, at: usize, depth: usize) -> Option<usize> {
    if depth > DEPTH {
        return None;
    }
    match byte(text, at)? {
        b'"' => string_end(text, at),
        opening @ (b'{' | b'[') => {
            let close = if opening == b'{' { b'}' } else { b']' };
            let mut at = skip(text, at + 1)?;
            while byte(text, at)? != close {
                if opening == b'{' {
                    at = skip(text, string_end(text, at)?)?;
                    if byte(text, at)? != b':' {
                        return None;
                    }
                    at = skip(text, at + 1)?;
                }
                at = comma(text, value_end(text, at, depth + 1)?, close)?;
            }
            Some(at + 1)
        }
        _ => {
            let rest = text.get(at..)?;
            let end =
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(rest.len());
            serde_json::from_str::<serde_json::Value>(rest.get(..end)?).ok()?;
            Some(at + end)
        }
    }
}
