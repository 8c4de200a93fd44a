//! What an agent said of a tool, in one shape whatever the wire: a member `feedback` among the properties, its closed words as
//! tags, so that lists can show and filter them. PostHog's `$mcp_feedback` is made into it (wire-posthog §7); our recorders send it.
//!
//! Called by the adapter of PostHog's wire, and by `ingest::take` for every event.

use serde_json::{Map, Value};
use trackway_event::{Event, IntentSource, Kind, Payload, limits};
use trackway_store::query::Said;

use super::payload;

/// Where PostHog's SDKs say it; what follows is the member's name.
pub(super) const PREFIX: &str = "$mcp_feedback_";

/// What `$mcp_feedback` says, from its properties: name without the prefix, and JSON text. Unknown types are `other`, an unknown
/// sentiment is none; whatever else was said stays under its name.
pub(super) fn of_posthog<'a>(event: &mut Event, said: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut words = Map::new();
    for (name, raw) in said {
        let Ok(value) = serde_json::from_str::<Value>(raw) else { continue };
        let value = match (name, value) {
            ("type", value) => Said::kind(value.as_str().unwrap_or_default()).into(),
            ("sentiment", value) => match value.as_str().and_then(Said::sentiment) {
                Some(word) => word.into(),
                None => continue,
            },
            ("task_completed", Value::String(text)) if text == "true" || text == "false" => {
                Value::Bool(text == "true")
            }
            (_, value) => value,
        };
        if !value.is_null() {
            words.insert(name.to_owned(), value);
        }
    }
    words.entry("type").or_insert_with(|| Said::kind("").into());
    if event.intent.is_none()
        && let Some(summary) = words.get("summary").and_then(Value::as_str).filter(|s| !s.trim().is_empty())
    {
        event.intent = Some(summary.into());
        event.intent_source = Some(IntentSource::Given);
    }
    let mut all = members(&event.properties);
    all.insert("feedback".to_owned(), Value::Object(words));
    event.properties = payload(&Value::Object(all).to_string());
}

/// Puts type and sentiment of a feedback where lists can see them, and names the tool it is about.
pub(super) fn settle(event: &mut Event) {
    if event.kind != Kind::Feedback {
        return;
    }
    let Some(Value::Object(words)) = members(&event.properties).remove("feedback") else { return };
    let text = |name: &str| words.get(name).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
    event.tags.insert(Said::TYPE_TAG.into(), Said::kind(text("type").unwrap_or_default()).into());
    if let Some(word) = text("sentiment").and_then(Said::sentiment) {
        event.tags.insert(Said::SENTIMENT_TAG.into(), word.into());
    }
    event.tool = text("tool").map(|tool| tool.chars().take(limits::NAME_CHARS).collect::<String>().into());
}

fn members(properties: &Option<Payload>) -> Map<String, Value> {
    properties.as_ref().and_then(|p| serde_json::from_str(p.get()).ok()).unwrap_or_default()
}
