//! The wire layer: one JSON-RPC message as a borrowed view over its bytes, and the two edits that may be made to it
//! (CAP §2.1, INV-07). Nothing here parses and writes a value again; what is not understood passes unchanged.

pub mod eligible;
pub mod id;
pub mod inject;
pub mod scan;
pub mod strip;

use std::ops::Range;

use scan::{Member, elements, end_of_value, find, key_is, members, skip_space};

/// One replacement of bytes; edits of a message are ordered and never overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty: an insertion.
    pub at: Range<usize>,
    /// By what.
    pub with: Vec<u8>,
}

impl Edit {
    /// An insertion.
    pub fn insert(at: usize, with: impl Into<Vec<u8>>) -> Self {
        Self { at: at..at, with: with.into() }
    }
}

/// The bytes with their edits made.
pub fn apply(text: &[u8], edits: &[Edit]) -> Vec<u8> {
    let grow: usize = edits.iter().map(|e| e.with.len()).sum();
    let mut out = Vec::with_capacity(text.len() + grow);
    let mut at = 0;
    for edit in edits {
        out.extend_from_slice(text.get(at..edit.at.start).unwrap_or_default());
        out.extend_from_slice(&edit.with);
        at = edit.at.end;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

/// A JSON-RPC message as ranges into the line it came in.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The raw id, quotes included.
    pub id: Option<Range<usize>>,
    /// The method.
    pub method: Option<String>,
    /// Parameters.
    pub params: Option<Range<usize>>,
    /// Result.
    pub result: Option<Range<usize>>,
    /// Error.
    pub error: Option<Range<usize>>,
}

/// The messages of a line: one, or those of a batch. `None` when the line is not JSON-RPC at all.
pub fn messages(line: &[u8]) -> Option<Vec<Message>> {
    std::str::from_utf8(line).ok()?;
    let start = skip_space(line, 0);
    let end = end_of_value(line, start)?;
    if skip_space(line, end) != line.len() {
        return None;
    }
    match line.get(start)? {
        b'{' => Some(vec![message(line, start..end)?]),
        b'[' => elements(line, &(start..end))?.into_iter().map(|e| message(line, e)).collect(),
        _ => None,
    }
}

fn message(line: &[u8], object: Range<usize>) -> Option<Message> {
    let mut out = Message::default();
    for Member { key, value } in members(line, &object)? {
        if key_is(line, &key, "id") {
            out.id = Some(value);
        } else if key_is(line, &key, "method") {
            out.method = serde_json::from_slice(line.get(value)?).ok();
        } else if key_is(line, &key, "params") {
            out.params = Some(value);
        } else if key_is(line, &key, "result") {
            out.result = Some(value);
        } else if key_is(line, &key, "error") {
            out.error = Some(value);
        }
    }
    Some(out)
}

/// The member of this name of the object at `object`; the last of several.
pub fn get(line: &[u8], object: &Range<usize>, name: &str) -> Option<Range<usize>> {
    let all = members(line, object)?;
    find(line, &all, name).map(|m| m.value.clone())
}

/// The string at `value`, decoded.
pub fn text(line: &[u8], value: &Range<usize>) -> Option<String> {
    serde_json::from_slice(line.get(value.clone())?).ok()
}

/// The string member of this name.
pub fn get_text(line: &[u8], object: &Range<usize>, name: &str) -> Option<String> {
    text(line, &get(line, object, name)?)
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
