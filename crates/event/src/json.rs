//! Payloads as JSON text: kept as they came, never parsed and written again (numbers, key order and escapes survive).

use serde_json::value::RawValue;

/// A JSON value as its own text.
pub type Payload = Box<RawValue>;

/// The text of a value as a payload.
pub fn payload_of<T: serde::Serialize + ?Sized>(value: &T) -> Option<Payload> {
    serde_json::value::to_raw_value(value).ok()
}

/// The nesting depth of a JSON text, found by scanning brackets outside strings; stops at `limit + 1`. A scalar has
/// depth 0. It needs no stack, so a hostile body costs nothing (AC case 55).
pub fn depth(text: &[u8], limit: usize) -> usize {
    let (mut depth, mut deepest, mut at) = (0usize, 0usize, 0usize);
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(text, at),
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
                if deepest > limit {
                    return deepest;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Where the string goes on that begins at `at`, behind its closing quote. Most bytes of a body are in strings.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if text.get(at - 1) == Some(&b'"') {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// Tokens estimated from bytes: `ceil(bytes / 3.5)` (AC R29).
pub const fn estimate_tokens(bytes: usize) -> u32 {
    let tokens = (bytes as u64 * 2).div_ceil(7);
    if tokens > u32::MAX as u64 { u32::MAX } else { tokens as u32 }
}

/// Whether a member or header of this name holds a credential (D6): whole words only, so `max_tokens`,
/// `progressToken` and page tokens or cursors are none.
pub fn is_credential_name(name: &str) -> bool {
    const JOINED: &[&str] = &[
        "token",
        "accesstoken",
        "refreshtoken",
        "idtoken",
        "authtoken",
        "secret",
        "password",
        "passwd",
        "apikey",
        "authorization",
        "cookie",
        "privatekey",
        "setcookie",
        "proxyauthorization",
        "xapikey",
    ];
    const WORDS: &[&str] = &["secret", "password", "passwd", "authorization", "cookie", "apikey"];
    const PAIRS: &[(&str, &str)] = &[
        ("api", "key"),
        ("access", "token"),
        ("refresh", "token"),
        ("id", "token"),
        ("auth", "token"),
        ("private", "key"),
    ];
    let words = words_of(name);
    let joined: String = words.concat();
    if joined == "progresstoken"
        || joined.contains("cursor")
        || (joined.contains("page") && joined.contains("token"))
    {
        return false;
    }
    if JOINED.contains(&joined.as_str()) {
        return true;
    }
    let one = words.iter().any(|w| WORDS.contains(&w.as_str()));
    let two = words.windows(2).any(|w| matches!(w, [a, b] if PAIRS.contains(&(a.as_str(), b.as_str()))));
    one || two || words.last().is_some_and(|w| w == "token")
}

/// Lower-case words of a name in snake, kebab, camel or dotted spelling.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut before_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            words.push(String::new());
            before_lower = false;
            continue;
        }
        if c.is_uppercase() && before_lower {
            words.push(String::new());
        }
        before_lower = c.is_lowercase() || c.is_numeric();
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

/// The name of a JSON-RPC error by its code, as MCP gives it; the type of errors that say no other.
pub const fn rpc_error_name(code: i64) -> Option<&'static str> {
    match code {
        -32700 => Some("ParseError"),
        -32600 => Some("InvalidRequest"),
        -32601 => Some("MethodNotFound"),
        -32602 => Some("InvalidParams"),
        -32603 => Some("InternalError"),
        -32020 => Some("HeaderMismatch"),
        -32021 => Some("MissingRequiredClientCapability"),
        -32022 => Some("UnsupportedProtocolVersion"),
        -32042 => Some("UrlElicitationRequired"),
        -32002 => Some("ResourceNotFound"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        for (text, expect) in [("7", 0), ("{}", 1), (r#"{"a":[1,"]}"],"b\"{":{}}"#, 2), ("[[[[", 4)] {
            assert_eq!(depth(text.as_bytes(), 64), expect, "{text}");
        }
        assert_eq!(depth("[".repeat(1_000_000).as_bytes(), 64), 65);
    }

    #[test]
    fn estimates_are_those_of_ac_r29() {
        assert_eq!(estimate_tokens(70), 20);
        assert_eq!(estimate_tokens(0), 0);
        assert_eq!(estimate_tokens(1), 1);
    }

    #[test]
    fn credential_names_go_by_word() {
        for name in [
            "token",
            "access_token",
            "accessToken",
            "x-api-key",
            "apiKey",
            "API_KEY",
            "Set-Cookie",
            "user_password",
            "client_secret",
            "privateKey",
            "github_token",
            "Authorization",
        ] {
            assert!(is_credential_name(name), "{name}");
        }
        for name in [
            "max_tokens",
            "input_tokens",
            "progressToken",
            "next_page_token",
            "pageToken",
            "cursor_token",
            "nextCursor",
            "tokenizer",
            "cookies_accepted",
            "key",
            "secretary",
            "author",
        ] {
            assert!(!is_credential_name(name), "{name}");
        }
    }
}
