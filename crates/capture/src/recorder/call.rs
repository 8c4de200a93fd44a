//! Tool calls: what was asked, what came back, and the listing that told which tools there are.

use std::ops::Range;

use trackway_event::json::{estimate_tokens, payload_of};
use trackway_event::{ErrorInfo, Event, Kind, Payload, Status, Tokens, limits};

use super::ask::{can_ask, mrtr_key, number, task_key};
use super::catalog::{Catalog, Inside};
use super::keys::Keys;
use super::{fact, intend};
use crate::wire::inject::{MORE_TOOLS, Mode};
use crate::wire::scan::{decode, elements, members};
use crate::wire::strip::strip;
use crate::wire::{apply, get, get_text, text};

/// Note of a call that a Trackway further inside records; such an event goes no further.
pub(super) const RECORDED_INSIDE: &str = "recorded_inside";

/// Reads a `tools/call`.
pub(super) fn asked(line: &[u8], params: &Range<usize>, mode: Mode, catalog: &Catalog, event: &mut Event) {
    let name = get_text(line, params, "name").unwrap_or_default();
    let tool = catalog.get(&name);
    let known = tool.map(|t| t.strip);
    if let Some(tool) = tool {
        event.properties = payload_of(&serde_json::json!({ "tool_hash": tool.hash }));
        if tool.inside == Inside::Same {
            event.note(RECORDED_INSIDE);
        }
    }
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
            Some(value) if tool.is_some_and(|t| t.inside == Inside::Other) => {
                if let Some(intent) = text(line, value).filter(|t| !t.trim().is_empty()) {
                    intend(event, &intent);
                }
                event.arguments = raw(line, &arguments);
            }
            Some(_) if known.is_none() => {
                event.note("kind_unknown");
                event.arguments = raw(line, &arguments);
            }
            Some(_) | None => event.arguments = raw(line, &arguments),
        }
    }
    event.tool = Some(name.into());
    event.tokens = event.arguments.as_ref().map(|arguments| Tokens {
        input: Some(estimate_tokens(compact_len(arguments.get().as_bytes()))),
        output: None,
        estimated: true,
    });
}

/// Reads a result and says what status it is.
pub(super) fn answered(
    line: &[u8],
    result: &Range<usize>,
    keys: &Keys,
    catalog: &mut Catalog,
    event: &mut Event,
) -> Status {
    if can_ask(event.kind) && get_text(line, result, "resultType").as_deref() == Some("input_required") {
        return input_asked(line, result, keys, event);
    }
    match event.kind {
        Kind::ToolsList => {
            catalog.listed(line, result, event);
            Status::Ok
        }
        Kind::ToolCall | Kind::MissingCapability => {
            let task = get(line, result, "task").filter(|_| get(line, result, "content").is_none());
            if get_text(line, result, "resultType").as_deref() == Some("task") {
                return task_made(line, result, keys, event);
            }
            if let Some(task) = task.filter(|t| get_text(line, t, "taskId").is_some()) {
                return task_made(line, &task, keys, event);
            }
            if let Some(blocks) = blocks(line, result) {
                fact(event, "blocks", blocks);
            }
            event.result = raw(line, result);
            let tokens = event.tokens.get_or_insert_default();
            tokens.estimated = true;
            tokens.output = Some(estimate_tokens(result_bytes(line, result)));
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
            // What the server can do by name; its instructions by length only (CAP §2.4).
            let can = get(line, result, "capabilities").map(|c| names(line, &c));
            let instructions = get_text(line, result, "instructions").map(|t| t.chars().count());
            let versions = get(line, result, "supportedVersions").and_then(|v| raw(line, &v));
            event.result = payload_of(&serde_json::json!({
                "protocolVersion": get_text(line, result, "protocolVersion"), "supportedVersions": versions,
                "capabilities": can, "instructions_chars": instructions,
            }));
            Status::Ok
        }
        Kind::ResourcesList => counted(line, result, "resources", event),
        Kind::ResourceTemplatesList => counted(line, result, "resourceTemplates", event),
        Kind::PromptsList => counted(line, result, "prompts", event),
        Kind::Completion => {
            let done = get(line, result, "completion").and_then(|c| get(line, &c, "values"));
            let count = done.and_then(|v| elements(line, &v)).map_or(0, |v| v.len());
            event.result = payload_of(&serde_json::json!({ "values": count }));
            Status::Ok
        }
        Kind::Protocol => {
            if event.name.starts_with("tasks/") {
                task_seen(line, result, event);
            }
            Status::Ok
        }
        Kind::Identify
        | Kind::Feedback
        | Kind::Exception
        | Kind::Custom
        | Kind::Alias
        | Kind::GroupIdentify
        | Kind::PersonUpdate => Status::Ok,
    }
}

/// Bytes of a result that an agent's model reads (AC R29): its text blocks and embedded texts; without any, its structured
/// content; without a content list, all of it.
fn result_bytes(line: &[u8], result: &Range<usize>) -> usize {
    let Some(blocks) = get(line, result, "content").and_then(|c| elements(line, &c)) else {
        return compact_len(line.get(result.clone()).unwrap_or_default());
    };
    if blocks.is_empty() {
        let structured = get(line, result, "structuredContent").and_then(|s| line.get(s));
        return structured.map_or(0, compact_len);
    }
    let text = |block: &Range<usize>| {
        get_text(line, block, "text").or_else(|| get_text(line, &get(line, block, "resource")?, "text"))
    };
    blocks.iter().filter_map(text).map(|t| t.len()).sum()
}

/// Bytes of a JSON text without the white space between its tokens.
fn compact_len(text: &[u8]) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in text {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_string = *byte == b'"';
        }
        count += 1;
    }
    count
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

/// How many there were; the entries themselves say nothing about use.
fn counted(line: &[u8], result: &Range<usize>, of: &str, event: &mut Event) -> Status {
    let count = get(line, result, of).and_then(|l| elements(line, &l)).map_or(0, |l| l.len());
    event.properties = payload_of(&serde_json::json!({ "count": count }));
    Status::Ok
}

/// A leg that asks for input: which kinds, under which names, and keys by which the next leg is joined; never their texts
/// nor the state itself (CAP §2.6, §6.5).
fn input_asked(line: &[u8], result: &Range<usize>, keys: &Keys, event: &mut Event) -> Status {
    let asked = get(line, result, "inputRequests");
    let all = asked.as_ref().and_then(|r| members(line, r)).unwrap_or_default();
    let methods: Vec<_> =
        all.iter().take(64).map(|m| get_text(line, &m.value, "method").unwrap_or_default()).collect();
    event.result = payload_of(&serde_json::json!({ "resultType": "input_required", "inputs": methods }));
    event.flags.mrtr_open = true;
    if let Some(state) = get_text(line, result, "requestState") {
        fact(event, "mrtr_out", keys.of("state", &state));
    }
    if let Some(asked) = asked {
        fact(event, "mrtr_asked", names(line, &asked));
    }
    fact(event, "mrtr_key", mrtr_key(keys, event));
    Status::InputRequired
}

/// A created task: its state, and its id only as a hash by which later traffic can be joined (CAP §2.6, §3).
fn task_made(line: &[u8], task: &Range<usize>, keys: &Keys, event: &mut Event) -> Status {
    let state = get_text(line, task, "status");
    let key = get_text(line, task, "taskId").map(|id| task_key(keys, &id));
    event.result = payload_of(&serde_json::json!({ "resultType": "task", "status": state, "task_key": key }));
    if let Some(key) = key {
        fact(event, "task_key", key);
    }
    let ttl = get(line, task, "ttlMs").or_else(|| get(line, task, "ttl")).and_then(|t| number(line, &t));
    if let Some(ttl) = ttl {
        fact(event, "task_ttl_ms", ttl);
    }
    Status::Task
}

/// What the answer to task traffic tells: the task's state, and how its call ended once it did (CAP §2.6), with the tool's
/// result, which is seen nowhere else.
fn task_seen(line: &[u8], result: &Range<usize>, event: &mut Event) {
    let state = match &*event.name {
        // The answer of `tasks/result` is the tool's own.
        "tasks/result" => Some("completed".to_owned()),
        _ => get_text(line, result, "status"),
    };
    let Some(state) = state.map(|s| s.chars().take(64).collect::<String>()) else { return };
    let by = if &*event.name == "tasks/result" { "result" } else { "poll" };
    task_state(line, result, &state, by, event);
}

/// Notes a task's state and, when it is the last, by what it was seen and what became of the call.
pub(super) fn task_state(line: &[u8], task: &Range<usize>, state: &str, by: &str, event: &mut Event) {
    fact(event, "task_status", state);
    let inner = get(line, task, "result").unwrap_or_else(|| task.clone());
    let failed = get(line, &inner, "isError").is_some_and(|v| line.get(v) == Some(b"true"));
    let ended = match state {
        "completed" if failed => Status::ToolError,
        "completed" => Status::Ok,
        "failed" => Status::ProtocolError,
        "cancelled" => Status::Cancelled,
        _ => return,
    };
    // Of a task that only says it ended, the result is asked for apart.
    let of_tool = match by {
        "result" => Some(task.clone()),
        _ => get(line, task, "result"),
    };
    event.result = match of_tool {
        Some(result) => raw(line, &result),
        None => get(line, task, "error").and_then(|error| {
            let text = get_text(line, &error, "message").unwrap_or_default();
            let code = get(line, &error, "code").and_then(|code| number(line, &code));
            payload_of(&serde_json::json!({ "error": { "code": code, "message": text } }))
        }),
    };
    fact(event, "closed_by", by);
    fact(event, "call_status", ended.as_str());
}

/// Kind and size of each content block of a result, at most fifty.
fn blocks(line: &[u8], result: &Range<usize>) -> Option<serde_json::Value> {
    let all = elements(line, &get(line, result, "content")?)?;
    if all.is_empty() {
        return None;
    }
    let blocks = all.iter().take(limits::BLOCKS).map(|block| {
        let kind = get_text(line, block, "type").unwrap_or_default();
        serde_json::json!([kind.chars().take(32).collect::<String>(), block.len()])
    });
    Some(blocks.collect())
}

/// The members of a request's `_meta` that are no secret, no session key and no user's id (CAP §1.3, §3, §6.5).
pub(super) fn kept_meta(line: &[u8], meta: &Range<usize>) -> Option<Payload> {
    let kept: Vec<&str> = members(line, meta)?
        .iter()
        .filter(|m| {
            decode(line, &m.key).is_some_and(|key| {
                (key.starts_with("io.modelcontextprotocol/") && !key.ends_with("/related-task"))
                    || key == "traceparent"
                    || key == "tracestate"
            })
        })
        .filter_map(|m| std::str::from_utf8(line.get(m.key.start - 1..m.value.end)?).ok())
        .collect();
    if kept.is_empty() {
        return None;
    }
    serde_json::value::RawValue::from_string(format!("{{{}}}", kept.join(","))).ok()
}

/// The keys of an object.
pub(super) fn names(line: &[u8], object: &Range<usize>) -> Vec<String> {
    let all = members(line, object).unwrap_or_default();
    all.iter().take(64).filter_map(|m| decode(line, &m.key)).map(|k| k.chars().take(256).collect()).collect()
}

pub(super) fn raw(line: &[u8], range: &Range<usize>) -> Option<Payload> {
    let text = std::str::from_utf8(line.get(range.clone())?).ok()?;
    serde_json::value::RawValue::from_string(text.to_owned()).ok()
}
