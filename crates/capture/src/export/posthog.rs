//! PostHog (SDK-75): batches to `/batch/` under the event and property names of its own MCP analytics, so that its
//! dashboards read them. Tags and properties of the customer's never replace a reserved name.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use trackway_event::id::hex;
use trackway_event::{Actor, Event, IntentSource, Kind, Status};

use super::config::web_address;
use super::span;
use super::target::{Body, Target};
use super::{BadExporter, ExportSource, Exporter, Failed, Payloads, PostHogConfig};

/// Sends batches.
pub(super) struct PostHog {
    target: Target,
    config: PostHogConfig,
    source: ExportSource,
}

impl PostHog {
    pub(super) fn new(config: &PostHogConfig, source: &ExportSource) -> Result<Self, BadExporter> {
        let host = web_address("posthog", &config.host)?;
        if config.api_key.trim().is_empty() {
            return Err(BadExporter::value("posthog", "the project key is missing"));
        }
        let user_agent = format!("{}/{}", source.sdk.name, source.sdk.version);
        let target = Target::new(format!("{host}/batch/"), Vec::new(), &user_agent);
        Ok(Self { target, config: config.clone(), source: source.clone() })
    }

    pub(super) fn body(&self, events: &[Arc<Event>]) -> Value {
        let batch: Vec<Value> = events.iter().filter_map(|e| self.item(e)).collect();
        json!({ "api_key": self.config.api_key.trim(), "batch": batch })
    }

    fn item(&self, event: &Event) -> Option<Value> {
        let name = name(event)?;
        let session = event.session_id.as_ref().map(|s| s.as_str());
        let distinct = event.actor.as_ref().map(|a| a.id.as_str()).or(session).unwrap_or(event.id.as_str());
        let mut own = self.properties(event);
        match &event.actor {
            Some(actor) => {
                let traits = traits(actor);
                if event.kind == Kind::Identify {
                    own.insert("$set".into(), Value::Object(traits));
                    own.extend(session.map(|s| ("$anon_distinct_id".to_owned(), s.into())));
                }
            }
            // Without a user no person is made of the session.
            None => drop(own.insert("$process_person_profile".into(), false.into())),
        }
        let free = span::properties(event)
            .into_iter()
            .chain(event.tags.iter().map(|(k, v)| (k.to_string(), (&**v).into())));
        for (key, value) in free.filter(|(key, _)| !key.starts_with('$')) {
            own.entry(key).or_insert(value);
        }
        Some(json!({
            "event": name, "uuid": uuid(event), "distinct_id": distinct, "type": "capture",
            "timestamp": event.started_at.to_string(), "properties": own,
        }))
    }

    fn properties(&self, event: &Event) -> Map<String, Value> {
        let mut out = Map::new();
        let mut set = |key: &str, value: Option<Value>| out.extend(value.map(|v| (key.to_owned(), v)));
        let text = |t: &Option<Box<str>>| t.as_deref().map(Value::from);
        set("$lib", Some((&*self.source.sdk.name).into()));
        set("$lib_version", Some((&*self.source.sdk.version).into()));
        set("$mcp_source", Some("posthog_mcp_analytics".into()));
        set("$session_id", event.session_id.as_ref().map(|s| s.as_str().into()));
        set("$mcp_conversation_id", text(&event.conversation_id));
        set("$mcp_tool_name", text(&event.tool));
        set("$mcp_resource_name", text(&event.resource));
        set("$mcp_duration_ms", event.duration_us.map(|us| (us as f64 / 1_000.0).into()));
        set("$mcp_is_error", event.status.map(|_| event.failed().into()));
        if let Some(error) = event.error.as_ref().filter(|_| event.failed()) {
            set("$mcp_error_type", text(&error.kind).or_else(|| span::error_type(event).map(Into::into)));
            set("$mcp_error_message", Some((&*error.message).into()));
        }
        for (prefix, peer) in [("$mcp_server", &event.server), ("$mcp_client", &event.client)] {
            if let Some(peer) = peer {
                set(&format!("{prefix}_name"), Some((&*peer.name).into()));
                set(&format!("{prefix}_version"), text(&peer.version));
            }
        }
        set("$mcp_protocol_version", text(&event.protocol_version));
        set("$mcp_intent", text(&event.intent));
        set(
            "$mcp_intent_source",
            event.intent_source.map(|s| match s {
                IntentSource::Given => "context_parameter".into(),
                IntentSource::Inherited | IntentSource::Inferred => "inferred".into(),
            }),
        );
        set("$mcp_llm_model", text(&event.model));
        if event.kind == Kind::ToolsList {
            set("$mcp_listed_tool_names", span::properties(event).get("names").cloned());
        }
        if !event.groups.is_empty() {
            set("$groups", serde_json::to_value(&event.groups).ok());
        }
        let arguments = event.arguments.as_ref().map(span::value);
        if let Some(Value::Object(arguments)) = &arguments {
            set("$mcp_input_keys", Some(arguments.keys().map(|k| Value::from(k.as_str())).collect()));
        }
        if self.config.payloads == Payloads::Included {
            let request =
                json!({ "method": event.name, "params": { "name": event.tool, "arguments": arguments } });
            set("$mcp_parameters", arguments.is_some().then(|| json!({ "request": request })));
            set("$mcp_response", event.result.as_ref().map(span::value));
        }
        out
    }
}

impl Exporter for PostHog {
    fn export(&mut self, events: &[Arc<Event>], until: Instant) -> Result<(), Failed> {
        let body = self.body(events);
        if body["batch"].as_array().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        self.target
            .post(Body { bytes: body.to_string().into_bytes(), content_type: "application/json" }, until)
    }
}

/// The event's name there; protocol noise has none.
fn name(event: &Event) -> Option<&str> {
    Some(match event.kind {
        Kind::ToolCall if event.status == Some(Status::InputRequired) => "$mcp_input_required",
        Kind::ToolCall => "$mcp_tool_call",
        Kind::ToolsList => "$mcp_tools_list",
        Kind::Initialize => "$mcp_initialize",
        Kind::ResourcesList | Kind::ResourceTemplatesList => "$mcp_resources_list",
        Kind::ResourceRead => "$mcp_resource_read",
        Kind::PromptsList => "$mcp_prompts_list",
        Kind::PromptGet => "$mcp_prompt_get",
        Kind::MissingCapability => "$mcp_missing_capability",
        Kind::Feedback => "$mcp_feedback",
        Kind::Identify => "$identify",
        Kind::Exception => "$exception",
        Kind::Custom => event.resource.as_deref().filter(|name| !name.is_empty()).unwrap_or("custom"),
        Kind::Completion => "$mcp_completion",
        Kind::Discover => "$mcp_discover",
        Kind::Protocol | Kind::Alias | Kind::GroupIdentify | Kind::PersonUpdate => return None,
    })
}

fn traits(actor: &Actor) -> Map<String, Value> {
    let mut traits = actor.traits.clone();
    if let Some(name) = &actor.name {
        traits.entry("name").or_insert_with(|| (&**name).into());
    }
    traits
}

/// A UUID that follows from the event's id, so that a repeated event is the same there (version 8, RFC 9562).
fn uuid(event: &Event) -> String {
    let mut bytes: [u8; 16] = span::first(&Sha256::digest(event.id.as_str()).into());
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    let mut out = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}
