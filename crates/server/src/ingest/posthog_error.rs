//! Failures on the PostHog wire: `$exception_list`, and what names an unknown tool (R22, R26).

use serde_json::Value;
use trackway_event::event::Cause;
use trackway_event::{ErrorInfo, Frame, limits};

use super::posthog::Props;

/// What an `$exception` tells: its first entry, the rest as causes. `None` when it tells nothing.
pub(super) fn of_exception(props: &mut Props<'_>) -> Option<ErrorInfo> {
    let list = props.get("$exception_list").and_then(|raw| serde_json::from_str::<Value>(raw).ok());
    let Some(Value::Array(list)) = list else {
        // Older clients.
        let kind = props.text("$exception_type").map(Into::into);
        let message = props.text("$exception_message").map(Into::into);
        return Some(ErrorInfo { kind, message: message.unwrap_or_default(), ..ErrorInfo::default() });
    };
    props.take("$exception_list");
    let mut entries = list.iter().take(limits::CHAIN + 1);
    let first = entries.next()?;
    let (frames, platform) = frames(first);
    Some(ErrorInfo {
        kind: text(first, "type"),
        message: text(first, "value").unwrap_or_default(),
        platform,
        stack: None,
        frames,
        chain: entries
            .map(|entry| Cause {
                kind: text(entry, "type"),
                message: text(entry, "value").unwrap_or_default(),
                stack: None,
                frames: self::frames(entry).0,
            })
            .collect(),
    })
}

/// Whether a message says that there is no such tool.
pub(super) fn is_unknown_tool(message: &str) -> bool {
    let text = message.to_ascii_lowercase();
    let text = text.strip_prefix("mcp error -32602: ").unwrap_or(&text);
    text.starts_with("unknown tool")
        || (text.starts_with("tool ") && text.trim_end_matches('.').ends_with(" not found"))
}

/// Frames in our order (innermost first, but for Python, as its own SDKs send them), and their platform.
fn frames(entry: &Value) -> (Vec<Frame>, Option<Box<str>>) {
    let frames = entry.get("stacktrace").and_then(|s| s.get("frames")).and_then(Value::as_array);
    let frames = frames.map_or(&[][..], Vec::as_slice);
    let platform = frames.iter().find_map(|f| f.get("platform")?.as_str());
    // "node:javascript", "web:javascript".
    let platform = platform.map(|p| p.rsplit(':').next().unwrap_or(p));
    let number = |f: &Value, name| f.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let mut read: Vec<Frame> = frames
        .iter()
        .take(10_000)
        .filter(|f| f.is_object())
        .map(|f| Frame {
            filename: text(f, "filename").map(|t| t.trim_start_matches("file://").into()).unwrap_or_default(),
            function: text(f, "function").unwrap_or_default(),
            lineno: number(f, "lineno"),
            colno: number(f, "colno"),
            in_app: f.get("in_app").and_then(Value::as_bool).unwrap_or(false),
            module: text(f, "module"),
            context_line: text(f, "context_line"),
        })
        .collect();
    if platform != Some("python") {
        read.reverse();
    }
    (read, platform.map(Into::into))
}

fn text(value: &Value, name: &str) -> Option<Box<str>> {
    value.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_tools_by_their_message() {
        for (message, unknown) in [
            ("MCP error -32602: Tool nope not found", true),
            ("Unknown tool: nope", true),
            ("Tool nope not found", true),
            ("MCP error -32602: Input validation error: tool search", false),
            ("order 7 not found", false),
        ] {
            assert_eq!(is_unknown_tool(message), unknown, "{message}");
        }
    }
}
