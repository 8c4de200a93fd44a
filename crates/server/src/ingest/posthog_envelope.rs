//! What a PostHog request says around its events, whatever form its body has (wire-posthog R3, R4, section 5), written
//! again in the one form that [`super::posthog::read`] reads and the quarantine keeps:
//! `{"project", "version", "sent_at", "sdk", "unnamed", "batch": [events as sent]}`.
//!
//! Called by `posthog_route` before the body is cleaned: cleaning would mask the project key, which is no secret here but
//! travels under the name of one. Invariant: of the token nothing goes on but the project's name.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use trackway_event::limits;

use super::body::{self, BodyError};
use super::fields::{Fields, items_of, push_member, string_of};
use super::posthog_lz;

/// Names a token goes by.
const TOKENS: [&str; 3] = ["api_key", "token", "$token"];
/// Characters of a token (R4).
const TOKEN_CHARS: usize = 64;

/// Why a request is refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not JSON in any of the forms.
    Unreadable,
    /// Over a cap once it is decoded.
    TooLarge,
    /// No events in it (V1).
    Empty,
    /// No token anywhere.
    NoToken,
    /// A token of an impossible form.
    BadToken,
    /// Several tokens in one body.
    SeveralTokens,
}

/// A request's text and its token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// The project's key as sent, of a possible form.
    pub(super) token: String,
    /// The events, as the text of an array.
    batch: String,
    sent_at: Option<String>,
}

/// What a request says beside its body.
#[derive(Clone, Copy, Default)]
pub(super) struct Around<'a> {
    /// The query, as sent.
    pub(super) query: &'a str,
    /// `Authorization: Bearer` of V1; `None` for v0, whose tokens are in the body.
    pub(super) bearer: Option<&'a str>,
}

/// Finds the events and the token of a decompressed body; `GET` has none but its query.
pub(super) fn open(body: Vec<u8>, around: Around<'_>) -> Result<Opened, Refusal> {
    let text = String::from_utf8(body).map_err(|_| Refusal::Unreadable)?;
    let text = json_of(&text, around.query)?;
    let asked = ["token", "api_key"].iter().find_map(|name| param(around.query, name));
    if text.starts_with('[') {
        let items = items_of(&text).ok_or(Refusal::Unreadable)?;
        let token = match around.bearer {
            Some(bearer) => Some(bearer.to_owned()),
            None => one_token(&items)?.or(asked),
        };
        let token = checked(token)?;
        return Ok(Opened { token, sent_at: sent_at_of(None, around.query), batch: text.into_owned() });
    }
    let fields = Fields::parse(&text).ok_or(Refusal::Unreadable)?;
    let batch = fields.get("batch").filter(|batch| batch.starts_with('['));
    let items = match batch {
        Some(batch) => items_of(batch).ok_or(Refusal::Unreadable)?,
        None => Vec::new(),
    };
    if around.bearer.is_some() && items.is_empty() {
        return Err(Refusal::Empty);
    }
    let token = match (around.bearer, token_of(&fields)) {
        (Some(bearer), _) => Some(bearer.to_owned()),
        (None, Some(token)) => Some(token),
        (None, None) if batch.is_some() => one_token(&items)?.or(asked),
        (None, None) => inner_token(&fields).or(asked),
    };
    let token = checked(token)?;
    let sent_at = sent_at_of(Some(&fields), around.query);
    let batch = batch.map_or_else(|| format!("[{text}]"), str::to_owned);
    Ok(Opened { token, batch, sent_at })
}

/// What goes into the rewritten envelope beside the events.
pub(super) struct Rewritten<'a> {
    /// The project the token stands for, or the token where it is unknown.
    pub(super) project: &'a str,
    /// 0, or 1 for Capture V1.
    pub(super) version: u8,
    /// The sender's clock, where it stands in a header (V1).
    pub(super) sent_at: Option<&'a str>,
    /// `PostHog-Sdk-Info`.
    pub(super) sdk: Option<&'a str>,
    /// What an event without a name is on this route.
    pub(super) unnamed: Option<&'a str>,
}

impl Opened {
    /// The body in the one form.
    pub(super) fn rewritten(&self, with: &Rewritten<'_>) -> String {
        let mut out = String::with_capacity(self.batch.len() + 256);
        out.push('{');
        let texts = [
            ("project", Some(with.project)),
            ("sent_at", with.sent_at.or(self.sent_at.as_deref())),
            ("sdk", with.sdk),
            ("unnamed", with.unnamed),
        ];
        for (name, text) in texts {
            if let Some(text) = text.and_then(|text| serde_json::to_string(text).ok()) {
                push_member(&mut out, name, &text);
            }
        }
        push_member(&mut out, "version", &with.version.to_string());
        push_member(&mut out, "batch", &self.batch);
        out.push('}');
        out
    }
}

/// The JSON of a body: as it is, in a form's `data`, or in base64 (R3).
fn json_of<'a>(text: &'a str, query: &str) -> Result<Cow<'a, str>, Refusal> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if is_json(text) {
        return Ok(Cow::Borrowed(text));
    }
    let compression = || param(text, "compression").or_else(|| param(query, "compression"));
    let data = match param(text, "data") {
        Some(data) => data,
        None if text.is_empty() => param(query, "data").ok_or(Refusal::Unreadable)?,
        None => text.to_owned(),
    };
    let data = data.trim();
    if is_json(data) {
        return Ok(Cow::Owned(data.to_owned()));
    }
    if compression().is_some_and(|c| c == "lz64") {
        let text = posthog_lz::inflate(data, limits::WIRE_BYTES).ok_or(Refusal::Unreadable)?;
        return if is_json(text.trim()) {
            Ok(Cow::Owned(text.trim().to_owned()))
        } else {
            from_base64(&text)
        };
    }
    from_base64(data)
}

fn from_base64(data: &str) -> Result<Cow<'static, str>, Refusal> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    // A form's decoding turns "+" into a space; both alphabets are in use.
    let data: String = data
        .chars()
        .filter(|c| !matches!(c, '\r' | '\n'))
        .map(|c| match c {
            ' ' | '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    let bytes = GeneralPurpose::new(&alphabet::STANDARD, LENIENT).decode(data);
    let bytes = bytes.map_err(|_| Refusal::Unreadable)?;
    let bytes = match body::by_magic(&bytes) {
        Some(encoding) => match body::inflate(encoding, &bytes, limits::WIRE_BYTES) {
            Ok(bytes) => bytes,
            Err(BodyError::TooLarge) => return Err(Refusal::TooLarge),
            Err(_) => return Err(Refusal::Unreadable),
        },
        None => bytes,
    };
    let text = String::from_utf8(bytes).map_err(|_| Refusal::Unreadable)?;
    if is_json(text.trim()) { Ok(Cow::Owned(text.trim().to_owned())) } else { Err(Refusal::Unreadable) }
}

fn is_json(text: &str) -> bool {
    text.starts_with(['{', '['])
}

/// The token of an envelope or of an event's own members.
fn token_of(fields: &Fields<'_>) -> Option<String> {
    TOKENS
        .iter()
        .find_map(|name| fields.get(name))
        .map(|raw| string_of(raw).unwrap_or_else(|| raw.to_owned()))
}

/// The token of one event, also among its properties.
fn inner_token(fields: &Fields<'_>) -> Option<String> {
    token_of(fields).or_else(|| {
        let raw = fields.object("properties")?.get("token")?;
        Some(string_of(raw).unwrap_or_else(|| raw.to_owned()))
    })
}

/// The one token of a list of events.
fn one_token(items: &[&serde_json::value::RawValue]) -> Result<Option<String>, Refusal> {
    let mut found: Option<String> = None;
    for item in items {
        let token = Fields::parse(item.get()).and_then(|fields| inner_token(&fields));
        match (&found, token) {
            (Some(one), Some(other)) if one.trim() != other.trim() => return Err(Refusal::SeveralTokens),
            (None, Some(token)) => found = Some(token),
            (Some(_), Some(_)) | (_, None) => {}
        }
    }
    Ok(found)
}

/// A token of a possible form (R4): ASCII, at most 64 characters, not a personal key of the vendor's.
fn checked(token: Option<String>) -> Result<String, Refusal> {
    let token = token.ok_or(Refusal::NoToken)?;
    let token = token.trim();
    let bad = token.is_empty()
        || token.len() > TOKEN_CHARS
        || !token.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        || token.starts_with("phx_");
    if bad { Err(Refusal::BadToken) } else { Ok(token.to_owned()) }
}

/// The sender's clock: of the envelope, else the `_` of a browser's query.
fn sent_at_of(fields: Option<&Fields<'_>>, query: &str) -> Option<String> {
    let raw = fields.and_then(|f| f.get("sent_at"));
    raw.map(|raw| string_of(raw).unwrap_or_else(|| raw.to_owned())).or_else(|| param(query, "_"))
}

/// A parameter of a query or form, decoded.
pub(super) fn param(text: &str, name: &str) -> Option<String> {
    let pair = text.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then_some(value)
    })?;
    let mut bytes = Vec::with_capacity(pair.len());
    let mut rest = pair.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || (rest.next()? as char).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"event":"e","distinct_id":"u","properties":{"token":"proj_t"}}"#;

    fn opened(body: &str, query: &str) -> Result<Opened, Refusal> {
        open(body.as_bytes().to_vec(), Around { query, bearer: None })
    }

    #[test]
    fn every_form_of_a_body() {
        let base64 = base64::engine::general_purpose::STANDARD.encode(EVENT);
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(EVENT);
        let escaped: String = EVENT.bytes().map(|b| format!("%{b:02X}")).collect();
        for (body, query) in [
            (EVENT.to_owned(), ""),
            (format!("\u{feff} {EVENT}\n"), ""),
            (format!("[{EVENT}]"), ""),
            (format!(r#"{{"batch":[{EVENT}]}}"#), ""),
            (base64.clone(), ""),
            (url_safe, ""),
            (format!("data={base64}&compression=base64"), ""),
            (format!("compression=base64&data={}", base64.replace('=', "%3D")), ""),
            (format!("data={escaped}"), ""),
            (String::new(), &*format!("ip=1&data={}", base64.replace('=', "%3D"))),
        ] {
            let got = opened(&body, query).unwrap_or_else(|e| panic!("{e:?}: {body}"));
            assert_eq!(
                (got.token.as_str(), got.batch.trim()),
                ("proj_t", format!("[{EVENT}]").as_str()),
                "{body}"
            );
        }
        let packed = "N4IgpgbmB2AuIC5wgDQgA4CcD26ydgEswBnRUWbAaxkQxwCsB9eNAE0JKOgGNYnCbOgFcAjKnABbbA0J1APoABnwEKAgcEAABIF4NwAB7IAL56gA";
        let got = opened(&format!("data={packed}"), "compression=lz64").unwrap();
        assert!(got.batch.contains("żółć 😀"), "{}", got.batch);
    }

    #[test]
    fn places_of_the_token_and_their_order() {
        for (body, query, token) in [
            (r#"{"api_key":" proj_a ","batch":[{"token":"proj_b"}]}"#, "token=proj_c", "proj_a"),
            (r#"{"batch":[{"$token":"proj_b","properties":{"token":"proj_d"}}]}"#, "token=proj_c", "proj_b"),
            (r#"{"batch":[{"properties":{"token":"proj_d"}},{}]}"#, "token=proj_c", "proj_d"),
            (r#"[{"event":"e"}]"#, "api_key=proj_c", "proj_c"),
            (r#"{"event":"e"}"#, "x=1&token=proj%5Fc", "proj_c"),
        ] {
            assert_eq!(opened(body, query).map(|o| o.token).as_deref(), Ok(token), "{body}");
        }
        for (body, refusal) in [
            (r#"{"batch":[{}]}"#.to_owned(), Refusal::NoToken),
            (r#"{"api_key":"phx_1","batch":[]}"#.to_owned(), Refusal::BadToken),
            (format!(r#"{{"api_key":"{}","batch":[]}}"#, "x".repeat(65)), Refusal::BadToken),
            (r#"{"api_key":"","batch":[]}"#.to_owned(), Refusal::BadToken),
            (r#"{"api_key":"a\u0000b","batch":[]}"#.to_owned(), Refusal::BadToken),
            (r#"[{"token":"a"},{"token":"b"}]"#.to_owned(), Refusal::SeveralTokens),
            ("{".to_owned(), Refusal::Unreadable),
            ("!!!".to_owned(), Refusal::Unreadable),
            (String::new(), Refusal::Unreadable),
        ] {
            assert_eq!(opened(&body, ""), Err(refusal), "{body}");
        }
    }

    #[test]
    fn the_rewritten_body_names_the_project_and_keeps_the_events_as_sent() {
        let body =
            r#"{"api_key":"phc_1","sent_at":"2026-03-02T12:00:00Z","batch":[{"event":"e", "n":1.50}]}"#;
        let opened = opened(body, "").unwrap();
        let with =
            Rewritten { project: "proj_t", version: 0, sent_at: None, sdk: None, unnamed: Some("$identify") };
        assert_eq!(
            opened.rewritten(&with),
            r#"{"project":"proj_t","sent_at":"2026-03-02T12:00:00Z","unnamed":"$identify","version":0,"batch":[{"event":"e", "n":1.50}]}"#
        );
    }
}
