//! A scanner over JSON bytes that finds where things are and changes nothing. It allocates nothing but key lists, uses no
//! recursion on arrays and objects beyond a counter, and gives up (`None`) on anything that is not JSON.

use std::borrow::Cow;
use std::ops::Range;

/// Containers deeper than this are not looked into (the message passes unchanged).
const DEPTH: usize = 512;

/// A member of an object: where its key's text (without quotes) and its value are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The raw key between its quotes.
    pub key: Range<usize>,
    /// The value, without surrounding white space.
    pub value: Range<usize>,
}

/// The key or string at `raw` (between its quotes) with escapes resolved; `None` for a lone surrogate or a bad escape.
pub fn decode<'a>(text: &'a [u8], raw: &Range<usize>) -> Option<Cow<'a, str>> {
    let inner = text.get(raw.clone())?;
    if !inner.contains(&b'\\') {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    let quoted = text.get(raw.start.checked_sub(1)?..raw.end + 1)?;
    serde_json::from_slice::<String>(quoted).ok().map(Cow::Owned)
}

/// Whether the raw key is this (plain ASCII) name once decoded.
pub fn key_is(text: &[u8], raw: &Range<usize>, name: &str) -> bool {
    decode(text, raw).is_some_and(|key| key == name)
}

/// The first position at or after `at` that is no white space.
pub fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The end of the string whose opening quote is at `at`; it must be valid UTF-8 free only of raw control characters.
fn end_of_string(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        let hit = memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        at += hit;
        match text.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// The end of the value that starts at `at` (no white space before it).
pub fn end_of_value(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => end_of_string(text, at),
        b'{' | b'[' => {
            let mut depth = 0usize;
            let mut at = at;
            loop {
                match text.get(at)? {
                    b'"' => {
                        at = end_of_string(text, at)?;
                        continue;
                    }
                    b'{' | b'[' => {
                        depth += 1;
                        if depth > DEPTH {
                            return None;
                        }
                    }
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        b't' => text.get(at..at + 4).filter(|w| *w == b"true").map(|_| at + 4),
        b'f' => text.get(at..at + 5).filter(|w| *w == b"false").map(|_| at + 5),
        b'n' => text.get(at..at + 4).filter(|w| *w == b"null").map(|_| at + 4),
        b'-' | b'0'..=b'9' => {
            let mut end = at + 1;
            while matches!(text.get(end), Some(b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
                end += 1;
            }
            Some(end)
        }
        _ => None,
    }
}

/// The members of the object at `object` (from its brace to after its closing one), in order, duplicates included.
pub fn members(text: &[u8], object: &Range<usize>) -> Option<Vec<Member>> {
    let mut found = Vec::with_capacity(8);
    let mut at = open(text, object, b'{')?;
    if text.get(at) == Some(&b'}') {
        return (at + 1 == object.end).then_some(found);
    }
    loop {
        if text.get(at) != Some(&b'"') {
            return None;
        }
        let end = end_of_string(text, at)?;
        let key = at + 1..end - 1;
        at = skip_space(text, end);
        if text.get(at) != Some(&b':') {
            return None;
        }
        let start = skip_space(text, at + 1);
        let end = end_of_value(text, start)?;
        found.push(Member { key, value: start..end });
        at = skip_space(text, end);
        match text.get(at)? {
            b',' => at = skip_space(text, at + 1),
            b'}' => return (at + 1 == object.end).then_some(found),
            _ => return None,
        }
    }
}

/// The elements of the array at `array`, in order.
pub fn elements(text: &[u8], array: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let mut at = open(text, array, b'[')?;
    if text.get(at) == Some(&b']') {
        return (at + 1 == array.end).then_some(found);
    }
    loop {
        let end = end_of_value(text, at)?;
        found.push(at..end);
        at = skip_space(text, end);
        match text.get(at)? {
            b',' => at = skip_space(text, at + 1),
            b']' => return (at + 1 == array.end).then_some(found),
            _ => return None,
        }
    }
}

fn open(text: &[u8], range: &Range<usize>, brace: u8) -> Option<usize> {
    (text.get(range.start) == Some(&brace)).then(|| skip_space(text, range.start + 1))
}

/// The last member of this name (JSON readers take the last of several).
pub fn find<'m>(text: &[u8], members: &'m [Member], name: &str) -> Option<&'m Member> {
    members.iter().rev().find(|m| key_is(text, &m.key, name))
}
