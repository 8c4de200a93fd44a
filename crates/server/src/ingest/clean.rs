//! Makes a foreign body safe to keep, in one pass over its text: credentials masked by name (AC R18, D6, INV-09), lone
//! surrogates and NUL escapes replaced. Works on the text, so that key order, numbers and escapes stay as sent (AC R15).
//!
//! Called on every ingest body before anything is parsed out of it, so nothing unmasked is ever stored. A body without
//! any suspicious word is returned as it is, after one search for all of them at once.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::memchr2;
use trackway_event::json::is_credential_name;
use trackway_event::limits;

/// What stands in place of a credential.
pub(crate) const MASK: &str = "[redacted]";

/// Words without which a text needs no second look. `\u00` and `\ud`: an escape may hide a word, or be a surrogate.
static SUSPICIOUS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let words = [
        "token",
        "secret",
        "passw",
        "api",
        "authorization",
        "cookie",
        "private",
        "://",
        "earer ",
        "=",
        "\\u00",
        "\\ud",
    ];
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
});

fn is_suspicious(text: &str) -> bool {
    SUSPICIOUS.as_ref().is_none_or(|words| words.is_match(text))
}

/// The body's text, safe to keep. Text that is no JSON comes back in any form; the parser refuses it anyway.
pub(crate) fn clean(text: String) -> String {
    if !is_suspicious(&text) {
        return text;
    }
    Scanner { out: String::with_capacity(text.len()), stack: Vec::new(), next: Verdict::Plain }.run(&text)
}

/// The first bytes of an unreadable body, with everything that looks like a credential masked (D5).
pub(crate) fn masked_prefix(body: &[u8]) -> String {
    let head = body.get(..limits::QUARANTINE_PREFIX_BYTES).unwrap_or(body);
    let text = String::from_utf8_lossy(head);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(start) = rest.find(is_word) {
        let end = rest.get(start..).and_then(|r| r.find(|c| !is_word(c))).map_or(rest.len(), |n| start + n);
        let (before, after) = rest.split_at(end);
        out.push_str(before);
        rest = after;
        if before.get(start..).is_some_and(is_credential_name) {
            let gap = rest.find(|c: char| !"\"':=\\ \t\r\n[".contains(c)).unwrap_or(rest.len());
            let (gap, value) = rest.split_at(gap);
            let scheme =
                ["Bearer ", "bearer ", "Basic ", "basic "].into_iter().find(|s| value.starts_with(s));
            let skip = scheme.map_or(0, str::len);
            let tail = value.get(skip..).unwrap_or_default();
            let end = tail.find(|c: char| "\"',;}&\\ \t\r\n".contains(c)).unwrap_or(tail.len());
            out.push_str(gap);
            if end > 0 {
                out.push_str(MASK);
            }
            rest = tail.split_at(end).1;
        }
    }
    out.push_str(rest);
    mask_text(&out).unwrap_or(out)
}

/// What a member's name says about its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Plain,
    /// Its string, or the strings of its list (header lists).
    Credential,
    /// Every string below (`tokenInfo`).
    AllBelow,
}

struct Level {
    is_object: bool,
    /// The next string is a name.
    at_name: bool,
    /// What holds for the strings directly inside.
    inside: Verdict,
}

struct Scanner {
    out: String,
    stack: Vec<Level>,
    /// What the name just read says.
    next: Verdict,
}

impl Scanner {
    fn run(mut self, text: &str) -> String {
        let bytes = text.as_bytes();
        let (mut at, mut copied) = (0, 0);
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let end = string_end(bytes, at + 1);
                    self.copy(text, copied, at);
                    self.string(text.get(at + 1..end).unwrap_or_default());
                    at = (end + 1).min(bytes.len());
                    copied = at;
                    continue;
                }
                b'{' | b'[' => {
                    let inherited = if byte == b'[' || self.value_verdict() == Verdict::AllBelow {
                        self.value_verdict()
                    } else {
                        Verdict::Plain
                    };
                    let is_object = byte == b'{';
                    self.stack.push(Level { is_object, at_name: is_object, inside: inherited });
                    self.next = Verdict::Plain;
                }
                b'}' | b']' => {
                    self.stack.pop();
                    self.next = Verdict::Plain;
                }
                b',' => {
                    if let Some(level) = self.stack.last_mut() {
                        level.at_name = level.is_object;
                    }
                    self.next = Verdict::Plain;
                }
                _ => {}
            }
            at += 1;
        }
        self.copy(text, copied, bytes.len());
        self.out
    }

    /// What holds for the value that starts here.
    fn value_verdict(&self) -> Verdict {
        match self.stack.last() {
            Some(level) if level.inside == Verdict::AllBelow => Verdict::AllBelow,
            Some(level) if !level.is_object => level.inside,
            Some(_) | None => self.next,
        }
    }

    fn copy(&mut self, text: &str, from: usize, to: usize) {
        self.out.push_str(text.get(from..to).unwrap_or_default());
    }

    /// One string without its quotes, escapes as sent.
    fn string(&mut self, raw: &str) {
        self.out.push('"');
        let at_name = self.stack.last().is_some_and(|level| level.at_name);
        if at_name {
            self.next = verdict_of(raw);
            if let Some(level) = self.stack.last_mut() {
                level.at_name = false;
            }
            self.out.push_str(&mend_escapes(raw));
        } else if self.value_verdict() == Verdict::Plain {
            let mended = mend_escapes(raw);
            match mask_text(&mended) {
                Some(masked) => self.out.push_str(&masked),
                None => self.out.push_str(&mended),
            }
        } else {
            self.out.push_str(MASK);
        }
        self.out.push('"');
    }
}

/// Index of the quote that ends a string, or the length.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        match bytes.get(at + found) {
            Some(b'"') => return at + found,
            _ => at += found + 2,
        }
    }
    bytes.len()
}

fn verdict_of(raw: &str) -> Verdict {
    let name: Cow<'_, str> = if raw.contains('\\') {
        serde_json::from_str::<String>(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned)
    } else {
        Cow::Borrowed(raw)
    };
    if name == "tokenInfo" {
        Verdict::AllBelow
    } else if is_suspicious(&name) && is_credential_name(&name) {
        Verdict::Credential
    } else {
        Verdict::Plain
    }
}

/// Replaces escapes that are no characters: lone surrogates, which no JSON parser turns into text, and NUL.
fn mend_escapes(raw: &str) -> Cow<'_, str> {
    if !raw.contains("\\u") {
        return Cow::Borrowed(raw);
    }
    let unit = |at: usize| -> Option<u16> {
        let digits = raw.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let bytes = raw.as_bytes();
    let (mut out, mut at, mut copied) = (String::new(), 0, 0);
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        let here = at + found;
        let (bad, len) = match unit(here) {
            Some(0) => (true, 6),
            Some(0xd800..=0xdbff) if matches!(unit(here + 6), Some(0xdc00..=0xdfff)) => (false, 12),
            Some(0xd800..=0xdfff) => (true, 6),
            Some(_) => (false, 6),
            None => (false, 2),
        };
        if bad {
            out.push_str(raw.get(copied..here).unwrap_or_default());
            out.push_str("\\ufffd");
            copied = here + len;
        }
        at = here + len;
    }
    if copied == 0 {
        return Cow::Borrowed(raw);
    }
    out.push_str(raw.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// The text with bearer tokens, URL user-info and credential-named query values masked; `None` when it holds none.
fn mask_text(text: &str) -> Option<String> {
    if !text.contains("://") && !text.contains("earer ") && !text.contains('?') {
        return None;
    }
    let mut changed = false;
    let mut out = String::with_capacity(text.len());
    let mut bearer = false;
    let is_gap = |c: char| c.is_whitespace() || "\"'<>\\".contains(c);
    for word in text.split_inclusive(is_gap) {
        let body = word.trim_end_matches(is_gap);
        let gap = word.get(body.len()..).unwrap_or_default();
        if bearer && body.len() >= 8 {
            out.push_str(MASK);
            changed = true;
        } else if let Some(clean) = mask_url(body) {
            out.push_str(&clean);
            changed = true;
        } else {
            out.push_str(body);
        }
        bearer = body.ends_with("Bearer") || body.ends_with("bearer");
        out.push_str(gap);
    }
    changed.then_some(out)
}

fn mask_url(word: &str) -> Option<String> {
    let mut changed = false;
    let (head, query) = word.split_once('?').map_or((word, None), |(h, q)| (h, Some(q)));
    let head = match head.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            match authority.rsplit_once('@') {
                Some((_, host)) => {
                    changed = true;
                    Cow::Owned(format!("{scheme}://{MASK}@{host}{path}"))
                }
                None => Cow::Borrowed(head),
            }
        }
        None => Cow::Borrowed(head),
    };
    let mut out = head.into_owned();
    if let Some(query) = query {
        out.push('?');
        for (n, pair) in query.split('&').enumerate() {
            out.push_str(if n > 0 { "&" } else { "" });
            match pair.split_once('=') {
                Some((key, value)) if !value.is_empty() && is_credential_name(key) => {
                    changed = true;
                    out.push_str(key);
                    out.push('=');
                    out.push_str(MASK);
                }
                Some(_) | None => out.push_str(pair),
            }
        }
    }
    changed.then_some(out)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn case_46_credentials_are_masked_by_word() {
        let body = json!({
            "headers": {"authorization": "Bearer abc", "cookie": "a=b", "x-api-key": "k", "user-agent": "node"},
            "authInfo": {"token": "t", "clientId": "c", "scopes": ["read"]},
            "header": {"Authorization": ["Bearer x"], "Accept": ["*/*"]},
            "tokenInfo": {"Extra": {"a": "s", "n": 1, "list": ["x"]}}, "after": "kept",
            "max_tokens": 5, "progressToken": "p", "next_page_token": "n", "password": 7,
            "url": "https://bob:pw@h.example/x?token=abc&q=1",
            "text": "sent Authorization: Bearer abcdefghij now"
        });
        let cleaned: Value = serde_json::from_str(&clean(body.to_string())).unwrap();
        assert_eq!(
            cleaned,
            json!({
                "headers": {"authorization": MASK, "cookie": MASK, "x-api-key": MASK, "user-agent": "node"},
                "authInfo": {"token": MASK, "clientId": "c", "scopes": ["read"]},
                "header": {"Authorization": [MASK], "Accept": ["*/*"]},
                "tokenInfo": {"Extra": {"a": MASK, "n": 1, "list": [MASK]}}, "after": "kept",
                "max_tokens": 5, "progressToken": "p", "next_page_token": "n", "password": 7,
                "url": "https://[redacted]@h.example/x?token=[redacted]&q=1",
                "text": "sent Authorization: Bearer [redacted] now"
            })
        );
        assert_eq!(clean(clean(body.to_string())), clean(body.to_string()));
    }

    #[test]
    fn everything_else_stays_as_sent() {
        for text in [
            r#"{"b":1.50,"a":123456789012345678901234567890,"token_count":3}"#,
            r#"{ "a" : [ "x" , {"é":"\u00e9 \ud83d\ude00 \\\" = "} ] }"#,
            r#"{"q":"is it so? yes","tokens":{"input":1}}"#,
            "not json at all = {",
            "\"unended = ",
        ] {
            let cleaned = clean(text.to_owned());
            assert_eq!(cleaned.trim_end_matches('"'), text.trim_end_matches('"'));
        }
    }

    #[test]
    fn hidden_words_and_broken_escapes() {
        for (text, expect) in [
            (r#"{"tok\u0065n":"abc"}"#, r#"{"tok\u0065n":"[redacted]"}"#),
            (r#"{"a":"x\ud800y"}"#, r#"{"a":"x\ufffdy"}"#),
            (r#"{"a":"\udc00\ud800\ud83d\ude00"}"#, r#"{"a":"\ufffd\ufffd\ud83d\ude00"}"#),
            (r#"{"a":"\u0000b"}"#, r#"{"a":"\ufffdb"}"#),
            (r#"{"a":"\\u0000 ="}"#, r#"{"a":"\\u0000 ="}"#),
        ] {
            assert_eq!(clean(text.to_owned()), expect);
        }
    }

    #[test]
    fn prefixes_of_unreadable_bodies_hold_no_credentials() {
        let prefix = masked_prefix(
            br#"{"Authorization": "Bearer abc.def", "api_key":'k1', "q":"x", password=hunter2&z"#,
        );
        assert!(
            !prefix.contains("abc.def") && !prefix.contains("k1") && !prefix.contains("hunter2"),
            "{prefix}"
        );
        assert!(prefix.contains("\"q\":\"x\""), "{prefix}");
        assert_eq!(masked_prefix(&[b'x'; 1_000]).len(), 256);
        assert!(masked_prefix(&[0xff; 4]).contains('\u{fffd}'));
    }
}
