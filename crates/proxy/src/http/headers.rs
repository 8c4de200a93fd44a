//! Which headers pass (all but those of one hop, CAP §6.2), which are kept in an event (SDK-91), and what they tell about the
//! client and the user.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use trackway_event::json::payload_of;
use trackway_event::{Payload, Peer};

/// The revision from which on requests carry their own metadata and no session.
const MODERN: &str = "2026-07-28";

/// Takes out what holds for one hop only.
pub(super) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ] {
        headers.remove(name);
    }
}

/// Whether an edit would break what the headers promise about the body (CAP §4.5).
pub(super) fn forbid_edits(headers: &HeaderMap) -> bool {
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|v| v != "identity");
    encoded
        || ["content-digest", "repr-digest", "digest", "content-md5", "signature-input"]
            .iter()
            .any(|name| headers.contains_key(*name))
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    Events,
    Other,
}

impl Content {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let named = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let kind = named.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else if kind.eq_ignore_ascii_case("text/event-stream") {
            Self::Events
        } else {
            Self::Other
        }
    }
}

/// Whether the headers are those of a request without a session (CAP §1.1).
pub(super) fn is_modern(headers: &HeaderMap) -> bool {
    text(headers, "mcp-protocol-version").is_some_and(|v| v >= MODERN)
}

/// The one value of this header, as text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim).filter(|v| !v.is_empty())
}

/// The headers of SDK-91's list, as they are kept.
pub(super) fn kept(headers: &HeaderMap) -> Option<Payload> {
    let mut kept = serde_json::Map::new();
    for (name, value) in headers {
        let name = name.as_str();
        let listed = matches!(name, "user-agent" | "mcp-protocol-version" | "traceparent" | "content-type")
            || name.starts_with("x-mcp-client-");
        if let (true, Ok(value)) = (listed, value.to_str()) {
            kept.insert(name.to_owned(), value.chars().take(256).collect::<String>().into());
        }
    }
    (!kept.is_empty()).then(|| payload_of(&kept)).flatten()
}

/// The program a `User-Agent` names first.
pub(super) fn user_agent(headers: &HeaderMap) -> Option<Peer> {
    let first = text(headers, "user-agent")?.split_whitespace().next()?;
    let (name, version) = first.split_once('/').map_or((first, None), |(n, v)| (n, Some(v)));
    Some(Peer { name: name.into(), version: version.map(Into::into) })
}

/// Which header or claim names the user (D28).
#[derive(Clone, Debug, Default)]
pub struct NamedBy {
    /// A header with the user's id.
    pub header: Option<String>,
    /// A claim of the bearer token; the token is not verified here.
    pub claim: Option<String>,
}

impl NamedBy {
    /// The user these headers name.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<Box<str>> {
        let by_header = self.header.as_ref().and_then(|name| text(headers, name)).map(Into::into);
        by_header.or_else(|| claim(headers, self.claim.as_deref()?))
    }
}

/// A claim of the JWT in `Authorization`.
fn claim(headers: &HeaderMap, name: &str) -> Option<Box<str>> {
    let (scheme, token) = text(headers, "authorization")?.split_once(' ')?;
    let payload = token.trim().split('.').nth(1).filter(|_| scheme.eq_ignore_ascii_case("bearer"))?;
    let json = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&json).ok()?;
    match claims.get(name)? {
        serde_json::Value::String(text) => Some(text.as_str().into()),
        serde_json::Value::Number(number) => Some(number.to_string().into()),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => None,
    }
}

/// A length as a header.
pub(super) fn length(bytes: usize) -> HeaderValue {
    HeaderValue::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn only_what_holds_for_one_hop_is_taken_out() {
        let mut headers = map(&[
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "5"),
            ("transfer-encoding", "chunked"),
            ("authorization", "Bearer t"),
            ("mcp-param-region", "eu"),
            ("x-accel-buffering", "no"),
        ]);
        drop_hop_by_hop(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "mcp-param-region", "x-accel-buffering"]);
    }

    #[test]
    fn case_47_credentials_and_parameters_are_not_kept() {
        let headers = map(&[
            ("authorization", "Bearer CANARY"),
            ("cookie", "CANARY"),
            ("mcp-param-name", "CANARY"),
            ("mcp-session-id", "CANARY"),
            ("x-api-key", "CANARY"),
            ("user-agent", "probe/1.2 (x)"),
            ("mcp-protocol-version", "2025-11-25"),
        ]);
        let kept = kept(&headers).unwrap();
        assert!(!kept.get().contains("CANARY"), "{kept}");
        assert!(kept.get().contains("2025-11-25"), "{kept}");
        let agent = user_agent(&headers).unwrap();
        assert_eq!((&*agent.name, agent.version.as_deref()), ("probe", Some("1.2")));
    }

    #[test]
    fn a_user_is_named_by_header_or_claim() {
        let token = |json: &str| format!("Bearer x.{}.y", BASE64_URL_SAFE_NO_PAD.encode(json));
        let by = NamedBy { header: Some("x-user".into()), claim: Some("sub".into()) };
        let found = |headers: &[(&'static str, &str)]| by.find(&map(headers)).map(String::from);
        assert_eq!(found(&[("x-user", " ana ")]), Some("ana".into()));
        assert_eq!(found(&[("authorization", &token(r#"{"sub":"ana"}"#))]), Some("ana".into()));
        assert_eq!(found(&[("authorization", &token(r#"{"sub":17}"#))]), Some("17".into()));
        for none in ["Bearer opaque", "Basic a.b.c", &token(r#"{"sub":null}"#), &token("[]"), "Bearer a.!.c"]
        {
            assert_eq!(found(&[("authorization", none)]), None, "{none}");
        }
    }

    #[test]
    fn eras_and_contents_are_told_apart() {
        assert!(is_modern(&map(&[("mcp-protocol-version", "2026-07-28")])));
        assert!(!is_modern(&map(&[("mcp-protocol-version", "2025-11-25")])));
        assert_eq!(Content::of(&map(&[("content-type", "Application/JSON; charset=utf-8")])), Content::Json);
        assert_eq!(Content::of(&map(&[("content-type", "text/event-stream")])), Content::Events);
        assert_eq!(Content::of(&map(&[])), Content::Other);
    }
}
