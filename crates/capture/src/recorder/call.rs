//! Tool calls: what was asked, what came back, and the listing that told which tools there are.

use std::collections::HashMap;
use std::ops::Range;

use trackway_event::json::payload_of;
use trackway_event::{ErrorInfo, Event, Kind, Status};

use super::intend;
use crate::wire::eligible;
use crate::wire::inject::{MORE_TOOLS, Mode};
use crate::wire::scan::elements;
use crate::wire::strip::strip;
use crate::wire::{apply, get, get_text, text};

/// The tools as last listed: name → whether `context` is ours.
#[derive(Debug, Default)]
pub(super) struct Tools {
    strip: HashMap<String, bool>,
}

/// Reads a `tools/call`.
pub(super) fn asked(line: &[u8], params: &Range<usize>, mode: Mode, tools: &Tools, event: &mut Event) {
    let name = get_text(line, params, "name").unwrap_or_default();
    event.request_meta = get(line, params, "_meta").and_then(|m| raw(line, &m));
    let known = tools.strip.get(&name).copied();
    let virtual_tool = name == MORE_TOOLS && known.is_none();
    if virtual_tool {
        event.kind = Kind::MissingCapability;
    }
    if let Some(arguments) = get(line, params, "arguments") {
        let found = strip(line, &arguments);
        let ours = virtual_tool || known == Some(true) && mode != Mode::ObserveOnly;
        match &found.value {
            Some(value) if ours => {
                match text(line, value).filter(|t| !t.trim().is_empty()) {
                    Some(intent) => intend(event, &intent),
                    None => event.note("intent_invalid"),
                }
                let shifted: Vec<_> = found
                    .edits
                    .iter()
                    .map(|e| {
                        let mut e = e.clone();
                        e.at = e.at.start - arguments.start..e.at.end - arguments.start;
                        e
                    })
                    .collect();
                let kept = apply(line.get(arguments.clone()).unwrap_or_default(), &shifted);
                event.arguments = String::from_utf8(kept)
                    .ok()
                    .and_then(|t| serde_json::value::RawValue::from_string(t).ok());
            }
            Some(_) if known.is_none() => {
                event.note("kind_unknown");
                event.arguments = raw(line, &arguments);
            }
            Some(_) | None => event.arguments = raw(line, &arguments),
        }
    }
    event.tool = Some(name.into());
}

/// Reads a result and says what status it is.
pub(super) fn answered(line: &[u8], result: &Range<usize>, tools: &mut Tools, event: &mut Event) -> Status {
    match event.kind {
        Kind::ToolsList => {
            listed(line, result, tools, event);
            Status::Ok
        }
        Kind::ToolCall | Kind::MissingCapability => {
            event.result = raw(line, result);
            match get_text(line, result, "resultType").as_deref() {
                Some("input_required") => return Status::InputRequired,
                Some("task") => return Status::Task,
                Some(_) | None => {}
            }
            let failed = get(line, result, "isError").is_some_and(|v| line.get(v) == Some(b"true"));
            if !failed {
                return Status::Ok;
            }
            let message = result_text(line, result);
            let unknown = message.is_empty();
            event.error = Some(Box::new(ErrorInfo {
                message: if unknown { "Unknown error".into() } else { message.into() },
                ..ErrorInfo::default()
            }));
            Status::ToolError
        }
        Kind::ResourceRead => {
            // Contents are off by default (CAP §2.4): only their kinds and sizes.
            let parts = get(line, result, "contents").and_then(|c| elements(line, &c)).unwrap_or_default();
            let seen: Vec<_> = parts
                .iter()
                .map(|p| serde_json::json!({ "mimeType": get_text(line, p, "mimeType"), "bytes": p.len() }))
                .collect();
            event.result = payload_of(&serde_json::json!({ "contents": seen }));
            Status::Ok
        }
        Kind::PromptGet => {
            let count = get(line, result, "messages").and_then(|m| elements(line, &m)).map_or(0, |m| m.len());
            event.result = payload_of(&serde_json::json!({ "messages": count }));
            Status::Ok
        }
        Kind::Initialize | Kind::Discover => {
            event.result = raw(line, result);
            Status::Ok
        }
        Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::PromptsList
        | Kind::Completion
        | Kind::Protocol
        | Kind::Identify
        | Kind::Feedback
        | Kind::Exception
        | Kind::Custom
        | Kind::Alias
        | Kind::GroupIdentify
        | Kind::PersonUpdate => Status::Ok,
    }
}

/// Text blocks of a result, joined by a space (AC R19).
fn result_text(line: &[u8], result: &Range<usize>) -> String {
    let blocks = get(line, result, "content").and_then(|c| elements(line, &c)).unwrap_or_default();
    let texts: Vec<String> = blocks
        .iter()
        .filter(|b| get_text(line, b, "type").as_deref() == Some("text"))
        .filter_map(|b| get_text(line, b, "text"))
        .collect();
    texts.join(" ")
}

fn listed(line: &[u8], result: &Range<usize>, tools: &mut Tools, event: &mut Event) {
    let all = get(line, result, "tools").and_then(|t| elements(line, &t)).unwrap_or_default();
    let mut names = Vec::with_capacity(all.len());
    let mut skipped = serde_json::Map::new();
    for tool in all.into_iter().filter_map(|object| eligible::tool(line, object)) {
        if let Err(reason) = &tool.schema {
            skipped.insert(tool.name.clone(), reason.to_string().into());
        }
        tools.strip.insert(tool.name.clone(), tool.schema.is_ok());
        names.push(tool.name);
    }
    event.result = raw(line, result);
    event.properties = payload_of(&serde_json::json!({
        "tools": names.len(), "names": names, "intent_unavailable": skipped,
    }));
}

fn raw(line: &[u8], range: &Range<usize>) -> Option<trackway_event::Payload> {
    let text = std::str::from_utf8(line.get(range.clone())?).ok()?;
    serde_json::value::RawValue::from_string(text.to_owned()).ok()
}
