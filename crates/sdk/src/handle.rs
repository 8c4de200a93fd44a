//! `SessionMode::Handle` (SDK-54): the agent itself carries the session, in an argument `session_id` of every eligible tool and in
//! the last block of every answer. And the feedback tool (SDK-31), which is listed the same way.

use std::sync::Arc;

use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, JsonObject, ListToolsResult, Tool};
use serde_json::{Value, json};
use trackway_capture::recorder::{SEND_FEEDBACK, Told};
use trackway_capture::wire::eligible;
use trackway_event::{SessionId, Timestamp, id::minted_at};

/// The argument.
const ARGUMENT: &str = "session_id";
/// The member of structured results.
const MEMBER: &str = "mcp_session";
const DESCRIPTION: &str = "Which conversation this call belongs to: \"start\" in the first call, later the session_id that \
     the last answer of this server ended with.";
const LOST: &str = "This session_id is none that this server gave out. Send again the one its last answer ended with, or \
     \"start\".";
/// The text a call of the feedback tool is answered with.
pub(crate) const FEEDBACK_ANSWER: &str =
    "Thank you. The feedback was passed on to the maintainers of this server.";

/// Whether a tool may be given the argument: the rules are those of `context` (CAP §4.2).
pub(crate) fn is_eligible(tool: &Tool) -> bool {
    let Ok(line) = serde_json::to_vec(tool) else { return false };
    eligible::tool_for(&line, 0..line.len(), ARGUMENT).is_some_and(|tool| tool.schema.is_ok())
}

/// Whether a tool's structured results may be given the member: it says their shape, and has no such member itself.
pub(crate) fn extends_output(tool: &Tool) -> bool {
    let Some(schema) = &tool.output_schema else { return false };
    let plain = ["$ref", "anyOf", "oneOf", "allOf", "not", "if", "propertyNames", "maxProperties"];
    schema.get("type").and_then(Value::as_str) == Some("object")
        && !plain.iter().any(|key| schema.contains_key(*key))
        && schema.get("properties").and_then(Value::as_object).is_some_and(|all| !all.contains_key(MEMBER))
}

/// Adds the argument to every eligible tool of a listing. `bare`: the listing as the server gave it.
pub(crate) fn offer(listing: &mut ListToolsResult, bare: &ListToolsResult) {
    for (tool, bare) in listing.tools.iter_mut().zip(&bare.tools) {
        if !is_eligible(bare) {
            continue;
        }
        let schema = Arc::make_mut(&mut tool.input_schema);
        let argument = json!({
            "type": "string", "description": DESCRIPTION, "pattern": "^(start|ses_[0-9A-Za-z]{27})$",
        });
        if let Some(all) = schema.entry("properties").or_insert_with(|| json!({})).as_object_mut() {
            all.insert(ARGUMENT.to_owned(), argument);
        }
        if let Some(all) = schema.entry("required").or_insert_with(|| json!([])).as_array_mut() {
            all.push(ARGUMENT.into());
        }
        if extends_output(bare)
            && let Some(schema) = &mut tool.output_schema
            && let Some(all) = Arc::make_mut(schema).get_mut("properties").and_then(Value::as_object_mut)
        {
            all.insert(MEMBER.to_owned(), json!({ "type": "string" }));
        }
    }
}

/// Takes the argument out of a call. Absent, blank or `start`: a new session; one of ours: that one; else none.
pub(crate) fn take(arguments: &mut Option<JsonObject>, now: Timestamp, random: [u8; 16]) -> Told {
    let given = arguments.as_ref().and_then(|all| all.get(ARGUMENT)).cloned();
    if given.is_some()
        && let Some(all) = arguments
    {
        // Keeps the order of the others.
        all.retain(|key, _| key != ARGUMENT);
    }
    let text = match &given {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text.as_str(),
        Some(_) => return Told::Unknown,
    };
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.eq_ignore_ascii_case("start") {
        return Told::Handle(SessionId::mint(now, random));
    }
    let ours = text.starts_with("ses_") && text.len() == 31 && minted_at(text).is_some();
    match SessionId::foreign(text).filter(|_| ours) {
        Some(session) => Told::Handle(session),
        None => Told::Unknown,
    }
}

/// Ends an answer in the session's id, or in what to do about one that is not ours. Errors of the protocol and rounds that ask
/// for input are left alone.
pub(crate) fn decorate(response: &mut CallToolResponse, told: &Told, extended: bool) {
    let CallToolResponse::Complete(result) = response else { return };
    match told {
        Told::Handle(session) => {
            result.content.push(ContentBlock::text(format!("{ARGUMENT}: {}", session.as_str())));
            if let (true, Some(Value::Object(all))) = (extended, &mut result.structured_content) {
                all.entry(MEMBER).or_insert_with(|| session.as_str().into());
            }
        }
        Told::Unknown => result.content.push(ContentBlock::text(LOST)),
        Told::Named(_) => {}
    }
}

/// The feedback tool as it is listed.
pub(crate) fn feedback_tool() -> Tool {
    let schema = json!({
        "type": "object",
        "properties": {
            "feedback_type": { "type": "string", "enum": ["missing_capability", "issue", "praise", "other"] },
            "summary": { "type": "string", "description": "What went well or badly, in one or two sentences." },
            "details": { "type": "string", "description": "What the maintainers should know to act on it." },
            "tool": { "type": "string", "description": "The tool it is about." },
            "sentiment": { "type": "string", "enum": ["positive", "neutral", "negative", "mixed"] },
            "task_completed": { "type": "boolean", "description": "Whether the task could be done." },
        },
        "required": ["feedback_type", "summary"],
    });
    let schema = schema.as_object().cloned().unwrap_or_default();
    let about = "Tell the maintainers of this server what worked, what did not, or what is missing. Leave out secrets and \
                 personal data.";
    let annotations = rmcp::model::ToolAnnotations::new()
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Tool::new(SEND_FEEDBACK, about, Arc::new(schema)).with_annotations(annotations)
}

/// The answer to feedback.
pub(crate) fn thanks() -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(FEEDBACK_ANSWER)]).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends by it")]
    use super::*;

    fn told(given: Value) -> (Told, Value) {
        let mut arguments = json!({ "b": 1, "session_id": given, "a": 2 }).as_object().cloned();
        let told = take(&mut arguments, Timestamp::from_millis(1_767_323_045_000), [7; 16]);
        (told, Value::Object(arguments.unwrap()))
    }

    #[test]
    fn case_20_start_in_any_spelling_mints_and_what_is_nearly_ours_is_unknown() {
        for start in [json!("START"), json!(" start "), json!(""), json!(null)] {
            assert!(matches!(told(start.clone()).0, Told::Handle(_)), "{start}");
        }
        let Told::Handle(session) = told(json!("start")).0 else { unreachable!() };
        let id = session.as_str();
        assert_eq!(told(json!(id)).0, Told::Handle(session.clone()));
        let (short, long) = (id.get(..30).unwrap().to_owned(), format!("{id}0"));
        for wrong in [json!(short), json!(long), json!(format!("{id}\n")), json!(7), json!("ses_é")] {
            let (told, left) = told(wrong.clone());
            assert_eq!((told, left), (Told::Unknown, json!({ "b": 1, "a": 2 })), "{wrong}");
        }
    }
}
