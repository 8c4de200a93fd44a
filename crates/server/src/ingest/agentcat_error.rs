//! Failures and result texts on the AgentCat wire (R19, R29, wire spec section 4 "Failure details").

use serde_json::Value;
use trackway_event::event::Cause;
use trackway_event::{ErrorInfo, Frame, limits};

use super::fields::{Fields, compact, items_of, string_of};

/// An `error` member of any shape.
pub(super) fn text_of_error(raw: &str) -> ErrorInfo {
    let value: Value = serde_json::from_str(raw).unwrap_or_default();
    let Value::Object(_) = &value else {
        let message = value.as_str().map_or_else(|| compact(raw), str::to_owned);
        return ErrorInfo { message: message.into(), ..ErrorInfo::default() };
    };
    let chain = value.get("chained_errors").or_else(|| value.get("chainedErrors")).and_then(Value::as_array);
    ErrorInfo {
        kind: text(&value, "type"),
        message: message_of(&value),
        platform: text(&value, "platform"),
        stack: text(&value, "stack"),
        frames: frames(&value),
        chain: chain
            .into_iter()
            .flatten()
            .take(limits::CHAIN)
            .map(|cause| Cause {
                kind: text(cause, "type"),
                message: message_of(cause),
                stack: text(cause, "stack"),
                frames: frames(cause),
            })
            .collect(),
    }
}

/// The text blocks of a response joined by one space, without the SDK's own (R19, AC §11). A response that is no MCP result
/// is its own text.
pub(super) fn result_text(response: &str) -> String {
    let Some(fields) = Fields::parse(response) else {
        return string_of(response).unwrap_or_else(|| compact(response));
    };
    if let Some(blocks) = fields.get("content").and_then(items_of) {
        return texts(&blocks).join(" ");
    }
    fields.get("result").map(|r| string_of(r).unwrap_or_else(|| compact(r))).unwrap_or_default()
}

/// Bytes of what the agent reads of a response, for the token estimate (R29).
pub(super) fn output_bytes(response: &str) -> usize {
    let fields = Fields::parse(response);
    let blocks = fields.as_ref().and_then(|f| f.get("content")).and_then(items_of);
    let Some(blocks) = blocks else { return compact(response).len() };
    if blocks.is_empty() {
        let structured = fields.as_ref().and_then(|f| f.get("structuredContent"));
        return structured.map_or(0, |s| compact(s).len());
    }
    texts(&blocks).iter().map(String::len).sum()
}

fn texts(blocks: &[&serde_json::value::RawValue]) -> Vec<String> {
    const OWN: [&str; 3] = ["[session_id issued", "[session_id unrecognized", "[MCP INSTRUCTIONS]"];
    let text = |block: &Fields<'_>| {
        block.string("text").or_else(|| block.object("resource").and_then(|r| r.string("text")))
    };
    let texts = blocks.iter().filter_map(|block| text(&Fields::parse(block.get())?));
    texts.filter(|text| !OWN.iter().any(|own| text.starts_with(own))).collect()
}

fn message_of(value: &Value) -> Box<str> {
    match value.get("message") {
        Some(Value::String(text)) => text.as_str().into(),
        Some(Value::Null) | None => "".into(),
        Some(other) => other.to_string().into(),
    }
}

fn text(value: &Value, name: &str) -> Option<Box<str>> {
    value.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(Into::into)
}

fn frames(value: &Value) -> Vec<Frame> {
    let frames = value.get("frames").and_then(Value::as_array);
    // The cap keeps the first and the last ones, so it is not for here.
    frames.into_iter().flatten().take(10_000).filter(|f| f.is_object()).map(frame).collect()
}

fn frame(value: &Value) -> Frame {
    let filename = text(value, "filename").unwrap_or_default();
    let filename = filename.trim_start_matches("async ").trim_start_matches("file://");
    let number = |name| value.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    Frame {
        filename: filename.into(),
        function: text(value, "function").unwrap_or_default(),
        lineno: number("lineno"),
        colno: number("colno"),
        in_app: value.get("in_app").and_then(Value::as_bool).unwrap_or(false),
        module: text(value, "module"),
        context_line: text(value, "context_line"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_any_shape() {
        for (raw, kind, message) in [
            (
                r#"{"message":"m","type":"T","frames":[{"filename":"async file://a.js","in_app":true}]}"#,
                Some("T"),
                "m",
            ),
            (r#""just text""#, None, "just text"),
            ("[1, 2]", None, "[1,2]"),
            (r#"{"message":{"a":1}}"#, None, r#"{"a":1}"#),
        ] {
            let error = text_of_error(raw);
            assert_eq!((error.kind.as_deref(), &*error.message), (kind, message), "{raw}");
            assert!(error.frames.iter().all(|f| &*f.filename == "a.js" && f.in_app));
        }
    }

    #[test]
    fn texts_of_results() {
        for (response, expect, bytes) in [
            (
                r#"{"content":[{"type":"text","text":"a"},{"type":"image"},{"type":"text","text":"b"}]}"#,
                "a b",
                2,
            ),
            (r#"{"result":"got hi"}"#, "got hi", 19),
            (r#"{"content":[{"text":"[session_id issued: x]"},{"text":"y"}]}"#, "y", 1),
            (r#"{"content":[{"resource":{"uri":"u","text":"r"}}]}"#, "r", 1),
            (r#"{"content":[],"structuredContent":{"a": 1}}"#, "", 7),
            (r#""plain""#, "plain", 7),
        ] {
            assert_eq!(
                (result_text(response).as_str(), output_bytes(response)),
                (expect, bytes),
                "{response}"
            );
        }
    }
}
