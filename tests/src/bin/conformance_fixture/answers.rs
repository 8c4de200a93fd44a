//! The fixture's catalog and its constant answers, as the scenarios show them.

use serde_json::{Value, json};

/// A red pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// No sound at all.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// The tools without arguments.
const PLAIN: &[&str] = &[
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_error_handling",
    "test_tool_with_progress",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
];

pub(crate) fn tools() -> Value {
    let plain = |name: &&str| json!({ "name": name, "description": name, "inputSchema": { "type": "object", "properties": {} } });
    let text = |name: &str, argument: &str| {
        json!({ "name": name, "description": name, "inputSchema": {
            "type": "object", "properties": { argument: { "type": "string" } }, "required": [argument] } })
    };
    let mut all: Vec<Value> = PLAIN.iter().map(plain).collect();
    all.push(text("test_sampling", "prompt"));
    all.push(text("test_elicitation", "message"));
    all.push(
        json!({ "name": "json_schema_2020_12_tool", "description": "Tool with JSON Schema 2020-12 features",
        "inputSchema": { "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "$defs": { "address": { "type": "object", "properties": {
                "street": { "type": "string" }, "city": { "type": "string" } } } },
            "properties": { "name": { "type": "string" }, "address": { "$ref": "#/$defs/address" } },
            "additionalProperties": false } }),
    );
    all.push(json!({ "name": "test_custom_headers", "description": "Mirrors an argument in a header",
        "inputSchema": { "type": "object", "required": ["region"], "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" }, "query": { "type": "string" } } } }));
    json!({ "tools": all, "ttlMs": 60_000, "cacheScope": "public" })
}

pub(crate) fn text(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }] })
}

/// The answer of a tool that needs nothing.
pub(crate) fn tool(name: &str) -> Option<Value> {
    let image = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
    Some(match name {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => json!({ "content": [image] }),
        "test_audio_content" => {
            json!({ "content": [{ "type": "audio", "data": WAV, "mimeType": "audio/wav" }] })
        }
        "test_embedded_resource" => json!({ "content": [{ "type": "resource", "resource": {
            "uri": "test://embedded-resource", "mimeType": "text/plain",
            "text": "This is an embedded resource content." } }] }),
        "test_multiple_content_types" => json!({ "content": [
            { "type": "text", "text": "Multiple content types test:" }, image,
            { "type": "resource", "resource": { "uri": "test://mixed-content-resource",
                "mimeType": "application/json", "text": "{\"test\":\"data\",\"value\":123}" } } ] }),
        "test_error_handling" => json!({ "isError": true, "content": [
            { "type": "text", "text": "This tool intentionally returns an error for testing" }] }),
        "json_schema_2020_12_tool" | "test_custom_headers" => text("ok"),
        _ => return None,
    })
}

pub(crate) fn resources() -> Value {
    let one =
        |uri: &str, kind: &str| json!({ "uri": uri, "name": uri, "description": uri, "mimeType": kind });
    json!({ "resources": [one("test://static-text", "text/plain"), one("test://static-binary", "image/png"),
        one("test://watched-resource", "text/plain")], "ttlMs": 60_000, "cacheScope": "public" })
}

pub(crate) fn templates() -> Value {
    json!({ "resourceTemplates": [{ "uriTemplate": "test://template/{id}/data", "name": "data",
        "description": "Data of an id", "mimeType": "application/json" }], "ttlMs": 60_000, "cacheScope": "public" })
}

pub(crate) fn resource(uri: &str) -> Option<Value> {
    let mut content = match uri {
        "test://static-text" => {
            json!({ "mimeType": "text/plain", "text": "This is the content of the static text resource." })
        }
        "test://static-binary" => json!({ "mimeType": "image/png", "blob": PNG }),
        "test://watched-resource" => json!({ "mimeType": "text/plain", "text": "Watched." }),
        _ => {
            let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            json!({ "mimeType": "application/json", "text": data.to_string() })
        }
    };
    content["uri"] = uri.into();
    Some(json!({ "contents": [content], "ttlMs": 60_000, "cacheScope": "public" }))
}

pub(crate) fn prompts() -> Value {
    let argument = |name: &str| json!({ "name": name, "description": name, "required": true });
    json!({ "prompts": [
        { "name": "test_simple_prompt", "description": "A simple prompt" },
        { "name": "test_prompt_with_arguments", "description": "With arguments",
            "arguments": [argument("arg1"), argument("arg2")] },
        { "name": "test_prompt_with_embedded_resource", "description": "With a resource",
            "arguments": [argument("resourceUri")] },
        { "name": "test_prompt_with_image", "description": "With an image" },
        { "name": "test_input_required_result_prompt", "description": "Asks first" },
    ], "ttlMs": 60_000, "cacheScope": "public" })
}

pub(crate) fn prompt(name: &str, arguments: &Value) -> Option<Value> {
    let user = |content: Value| json!({ "role": "user", "content": content });
    let said = |text: String| user(json!({ "type": "text", "text": text }));
    let given = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
    let messages = match name {
        "test_simple_prompt" => vec![said("This is a simple prompt for testing.".into())],
        "test_prompt_with_arguments" => {
            vec![said(format!("Prompt with arguments: arg1='{}', arg2='{}'", given("arg1"), given("arg2")))]
        }
        "test_prompt_with_embedded_resource" => vec![
            user(json!({ "type": "resource", "resource": { "uri": given("resourceUri"),
                "mimeType": "text/plain", "text": "Embedded resource content for testing." } })),
            said("Please process the embedded resource above.".into()),
        ],
        "test_prompt_with_image" => vec![
            user(json!({ "type": "image", "data": PNG, "mimeType": "image/png" })),
            said("Please analyze the image above.".into()),
        ],
        _ => return None,
    };
    Some(json!({ "messages": messages }))
}
