//! Credentials inside a text: bearer tokens, user-info of URLs, credential-named fields of query and fragment.

use trackway_event::json::is_credential_name;

use super::MASK;

/// Whether a raw JSON string may hold something to mask: a URL (its slashes may be escaped), or a scheme word. Looking
/// closely at a text too many only costs time.
pub(super) fn suspicious(bytes: &[u8]) -> bool {
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
pub(super) fn string(text: &str) -> Option<String> {
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
