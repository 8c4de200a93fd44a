//! Tools that need the client while they run: by notifications and requests of the older revisions, or by the rounds of the
//! newer one.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, GetPromptRequestParams, GetPromptResponse,
    GetPromptResult, InputRequiredResult,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use crate::answers::text;
use crate::{result, typed};

/// Long enough for a client to see messages apart.
const STEP: Duration = Duration::from_millis(50);

fn failed(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

/// Tools that tell or ask their client something while they run.
#[expect(deprecated, reason = "the suites still ask for logging and sampling")]
pub(crate) async fn of_client(
    name: &str,
    arguments: &Value,
    context: &RequestContext<RoleServer>,
) -> Result<Option<Value>, ErrorData> {
    let peer = &context.peer;
    Ok(Some(match name {
        "test_tool_with_logging" => {
            for said in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                let message = typed(json!({ "level": "info", "data": said }))?;
                peer.notify_logging_message(message).await.map_err(failed)?;
                tokio::time::sleep(STEP).await;
            }
            text("Logged.")
        }
        "test_tool_with_progress" => {
            let token = context.meta.get_progress_token();
            for progress in [0, 50, 100] {
                if let Some(token) = &token {
                    let told = json!({ "progressToken": token, "progress": progress, "total": 100 });
                    peer.notify_progress(typed(told)?).await.map_err(failed)?;
                }
                tokio::time::sleep(STEP).await;
            }
            text("Done.")
        }
        "test_sampling" => {
            let prompt = json!({ "type": "text", "text": arguments["prompt"] });
            let ask = json!({ "messages": [{ "role": "user", "content": prompt }], "maxTokens": 100 });
            let answer = peer.create_message(typed(ask)?).await.map_err(failed)?;
            let answer = serde_json::to_value(answer).map_err(failed)?;
            text(&format!("LLM response: {}", answer["content"]["text"].as_str().unwrap_or_default()))
        }
        "test_elicitation" => {
            let schema = json!({ "type": "object", "properties": {
                "username": { "type": "string", "description": "User's response" },
                "email": { "type": "string", "description": "User's email address" } },
                "required": ["username", "email"] });
            let answer = elicit(&arguments["message"], &schema, context).await?;
            text(&format!("User response: action: {}, content: {}", answer.0, answer.1))
        }
        "test_elicitation_sep1034_defaults" => {
            let schema = json!({ "type": "object", "required": [], "properties": {
                "name": { "type": "string", "default": "John Doe" },
                "age": { "type": "integer", "default": 30 },
                "score": { "type": "number", "default": 95.5 },
                "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
                "verified": { "type": "boolean", "default": true } } });
            let answer = elicit(&"Please review".into(), &schema, context).await?;
            text(&format!("Elicitation completed: action={}, content={}", answer.0, answer.1))
        }
        "test_elicitation_sep1330_enums" => {
            let titled = json!([{ "const": "value1", "title": "First Option" },
                { "const": "value2", "title": "Second Option" }, { "const": "value3", "title": "Third Option" }]);
            let plain = json!(["option1", "option2", "option3"]);
            let schema = json!({ "type": "object", "required": [], "properties": {
                "untitledSingle": { "type": "string", "enum": plain },
                "titledSingle": { "type": "string", "oneOf": titled },
                "legacyEnum": { "type": "string", "enum": ["opt1", "opt2", "opt3"],
                    "enumNames": ["Option One", "Option Two", "Option Three"] },
                "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
                "titledMulti": { "type": "array", "items": { "anyOf": titled } } } });
            let answer = elicit(&"Please choose".into(), &schema, context).await?;
            text(&format!("Elicitation completed: action={}, content={}", answer.0, answer.1))
        }
        _ => return Ok(None),
    }))
}

async fn elicit(
    message: &Value,
    schema: &Value,
    context: &RequestContext<RoleServer>,
) -> Result<(Value, Value), ErrorData> {
    let ask = typed(json!({ "mode": "form", "message": message, "requestedSchema": schema }))?;
    let answer = context.peer.create_elicitation(ask).await.map_err(failed)?;
    let answer = serde_json::to_value(answer).map_err(failed)?;
    Ok((answer["action"].clone(), answer["content"].clone()))
}

fn form(message: &str, field: &str, kind: &str) -> Value {
    json!({ "method": "elicitation/create", "params": { "mode": "form", "message": message, "requestedSchema": {
        "type": "object", "properties": { field: { "type": kind } }, "required": [field] } } })
}

/// Tools that ask in rounds: the first answer asks, the next one completes.
pub(crate) fn rounds(request: &CallToolRequestParams) -> Result<Option<CallToolResponse>, ErrorData> {
    let Some(name) = request.name.strip_prefix("test_input_required_result_") else { return Ok(None) };
    let given = serde_json::to_value(&request.input_responses).map_err(failed)?;
    let state = request.request_state.as_deref();
    let sampling = json!({ "method": "sampling/createMessage", "params": { "maxTokens": 50, "messages": [
        { "role": "user", "content": { "type": "text", "text": "Generate a greeting" } }] } });
    let roots = json!({ "method": "roots/list", "params": {} });
    let asked = match name {
        "elicitation" => json!({ "user_name": form("What is your name?", "name", "string") }),
        "sampling" => json!({ "capital_question": sampling }),
        "list_roots" => json!({ "client_roots": roots }),
        "request_state" | "tampered_state" => json!({ "confirm": form("Please confirm", "ok", "boolean") }),
        "multiple_inputs" => json!({ "user_name": form("What is your name?", "name", "string"),
            "greeting": sampling, "client_roots": roots }),
        "multi_round" if state == Some("round-1") => {
            json!({ "step2": form("Step 2: What is your favorite color?", "color", "string") })
        }
        "multi_round" => json!({ "step1": form("Step 1: What is your name?", "name", "string") }),
        _ => return Ok(None),
    };
    let next = match name {
        "request_state" | "tampered_state" | "multiple_inputs" => Some("sealed"),
        "multi_round" if state == Some("round-1") => Some("round-2"),
        "multi_round" => Some("round-1"),
        _ => None,
    };
    let sealed = ["sealed", "round-1", "round-2"];
    if state.is_some_and(|state| !sealed.contains(&state)) {
        return Err(ErrorData::invalid_params("the state was changed", None));
    }
    let complete = match name {
        "multi_round" => state == Some("round-2") && given.get("step2").is_some(),
        _ => asked.as_object().is_some_and(|asked| asked.keys().all(|key| given.get(key).is_some())),
    };
    if complete {
        let who = given.pointer("/user_name/content/name").and_then(Value::as_str).unwrap_or("you");
        return Ok(Some(result::<CallToolResult>(text(&format!("Hello, {who}! state-ok")))?.into()));
    }
    let mut answer = json!({ "resultType": "input_required", "inputRequests": asked });
    if let Some(next) = next {
        answer["requestState"] = next.into();
    }
    Ok(Some(typed::<InputRequiredResult>(answer)?.into()))
}

/// The prompt that asks first.
pub(crate) fn prompt_rounds(
    request: &GetPromptRequestParams,
) -> Result<Option<GetPromptResponse>, ErrorData> {
    if request.name != "test_input_required_result_prompt" {
        return Ok(None);
    }
    let given = serde_json::to_value(&request.input_responses).map_err(failed)?;
    if given.get("user_context").is_some() {
        let message = json!({ "role": "user", "content": { "type": "text", "text": "In this context." } });
        return Ok(Some(result::<GetPromptResult>(json!({ "messages": [message] }))?.into()));
    }
    let asked = json!({ "user_context": form("What context should the prompt use?", "context", "string") });
    let answer = json!({ "resultType": "input_required", "inputRequests": asked });
    Ok(Some(typed::<InputRequiredResult>(answer)?.into()))
}
