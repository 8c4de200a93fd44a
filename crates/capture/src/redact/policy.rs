//! The whole way of an event through redaction, in the order of decision D23: credentials, the operator's event hook,
//! sanitising, the operator's rules and text hook, sizes. Called by the worker, before the queue, the spool and any exporter.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use trackway_event::json::payload_of;
use trackway_event::{Actor, Event, Kind, Payload};

use super::hooks::{EventHook, Hooked, Runner, TextHook};
use super::rules::{BadRule, Pii, Rules, strings};
use super::{Stage, each_text, sanitise, truncate};

/// How much of arguments or results is kept (CAP §6.5, D38).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// All, after redaction.
    #[default]
    Full,
    /// Types and sizes only.
    Shape,
    /// Nothing.
    Off,
}

/// What an operator wants redacted beyond credentials.
#[derive(Clone, Default)]
pub struct RedactionConfig {
    /// Personal data to mask in every text.
    pub pii: Vec<Pii>,
    /// Member names whose values are masked wherever they stand, whatever their spelling.
    pub keys: Vec<String>,
    /// Paths such as `arguments.card.*` or `result.**.email`, whose values are masked.
    pub paths: Vec<String>,
    /// Patterns to mask in every text.
    pub patterns: Vec<String>,
    /// How much of arguments is kept.
    pub arguments: Level,
    /// How much of results is kept.
    pub results: Level,
    /// Sees each event once its credentials are out; may edit or drop it (SDK-93).
    pub event_hook: Option<EventHook>,
    /// Sees each text last (SDK-92).
    pub text_hook: Option<TextHook>,
    /// How long a hook may take; `None`: 5 s (SDK-94).
    pub hook_deadline: Option<Duration>,
}

impl fmt::Debug for RedactionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactionConfig")
            .field("pii", &self.pii)
            .field("keys", &self.keys)
            .field("paths", &self.paths)
            .field("patterns", &self.patterns)
            .field("arguments", &self.arguments)
            .field("results", &self.results)
            .field("event_hook", &self.event_hook.is_some())
            .field("text_hook", &self.text_hook.is_some())
            .finish_non_exhaustive()
    }
}

/// A running redaction; one a worker.
#[derive(Debug)]
pub struct Redaction {
    config: RedactionConfig,
    rules: Arc<Rules>,
    runner: Runner,
}

/// How long a hook may take (SDK-94).
const DEADLINE: Duration = Duration::from_secs(5);
/// The tag of an event whose hook failed (SDK-94).
const FAILED: (&str, &str) = ("trackway_redaction", "failed");

impl Redaction {
    /// Compiles the rules.
    ///
    /// # Errors
    /// When a path or pattern cannot be read; it says which and what to write.
    pub fn new(config: RedactionConfig) -> Result<Self, BadRule> {
        let rules = Arc::new(Rules::new(&config.keys, &config.paths, &config.patterns, &config.pii)?);
        let runner = Runner::new(config.hook_deadline.unwrap_or(DEADLINE));
        Ok(Self { config, rules, runner })
    }

    /// Makes an event fit to leave; `None` when the operator's hook dropped it.
    pub fn apply(&mut self, event: Event) -> Option<Event> {
        let mut event = event;
        shape(&mut event.arguments, self.config.arguments);
        if event.kind != Kind::ToolsList {
            shape(&mut event.result, self.config.results);
        }
        if let Some(hook) = self.config.event_hook.clone() {
            sanitise(&mut event, Stage::Scrub);
            let (protected, given) = (Protected::of(&event), event.clone());
            match self.runner.run(move || hook(given)) {
                Hooked::Kept(edited) => {
                    event = *edited;
                    protected.restore(&mut event);
                }
                Hooked::Dropped => return None,
                Hooked::Failed => return Some(skeleton(event)),
            }
        }
        sanitise(&mut event, Stage::Sanitise);
        if !self.rules.is_empty() {
            by_rules(&mut event, &self.rules);
        }
        if let Some(hook) = self.config.text_hook.clone() {
            let mut given = event.clone();
            let run = move || {
                every_string(&mut given, &mut |text| hook(text).filter(|new| new != text));
                Some(given)
            };
            match self.runner.run(run) {
                Hooked::Kept(edited) => event = *edited,
                Hooked::Dropped | Hooked::Failed => return Some(skeleton(event)),
            }
        }
        truncate(&mut event);
        Some(event)
    }
}

/// What no hook changes (SDK-93).
struct Protected {
    facts: Event,
}

impl Protected {
    fn of(event: &Event) -> Self {
        let mut facts = Event::new(event.id.clone(), event.kind, event.started_at);
        facts.name = event.name.clone();
        facts.raw_time = event.raw_time;
        facts.session_id = event.session_id.clone();
        facts.session_source = event.session_source;
        Self { facts }
    }

    fn restore(self, event: &mut Event) {
        let facts = self.facts;
        (event.id, event.kind, event.name) = (facts.id, facts.kind, facts.name);
        (event.started_at, event.raw_time) = (facts.started_at, facts.raw_time);
        (event.session_id, event.session_source) = (facts.session_id, facts.session_source);
    }
}

/// The fact of a call whose hook failed: nothing that anybody wrote (SDK-94).
fn skeleton(mut event: Event) -> Event {
    for slot in [
        &mut event.arguments,
        &mut event.result,
        &mut event.request_meta,
        &mut event.transport,
        &mut event.properties,
    ] {
        *slot = None;
    }
    event.intent = None;
    event.resource = None;
    event.tags.clear();
    event.groups.clear();
    if let Some(error) = &mut event.error {
        error.message = "".into();
        error.stack = None;
        error.frames.clear();
        error.chain.clear();
    }
    if let Some(actor) = event.actor.take() {
        event.actor = Some(Box::new(Actor { id: actor.id, name: None, traits: serde_json::Map::new() }));
    }
    event.tags.insert(FAILED.0.into(), FAILED.1.into());
    truncate(&mut event);
    event
}

fn by_rules(event: &mut Event, rules: &Rules) {
    for (slot, root) in [
        (&mut event.arguments, "arguments"),
        (&mut event.result, "result"),
        (&mut event.properties, "properties"),
    ] {
        *slot = slot.take().and_then(|p| rules.members(p, root));
    }
    if let Some(actor) = event.actor.as_mut().filter(|a| !a.traits.is_empty()) {
        let clean = payload_of(&actor.traits).and_then(|p| rules.members(p, "traits"));
        actor.traits = clean.and_then(|p| serde_json::from_str(p.get()).ok()).unwrap_or_default();
    }
    if rules.has_patterns() {
        every_string(event, &mut |text| rules.text(text));
    }
}

/// Every string that hooks and patterns see (SDK-92): payloads but transport facts and protocol metadata, and texts.
fn every_string(event: &mut Event, change: &mut dyn FnMut(&str) -> Option<String>) {
    for slot in [&mut event.arguments, &mut event.result, &mut event.properties] {
        *slot = slot.take().and_then(|p| strings(p, change));
    }
    each_text(event, change);
    if let Some(actor) = event.actor.as_mut().filter(|a| !a.traits.is_empty()) {
        let clean = payload_of(&actor.traits).and_then(|p| strings(p, change));
        actor.traits = clean.and_then(|p| serde_json::from_str(p.get()).ok()).unwrap_or_default();
    }
}

/// Keeps a payload, its shape, or nothing.
fn shape(slot: &mut Option<Payload>, level: Level) {
    match level {
        Level::Full => {}
        Level::Off => *slot = None,
        Level::Shape => {
            let parsed = slot.take().and_then(|p| serde_json::from_str(p.get()).ok());
            *slot = parsed.and_then(|value| payload_of(&outline(&value, 0)));
        }
    }
}

/// Types and sizes: `{"q": "string(5)"}`; keys are the tool's own and stay, below eight levels only sizes do.
fn outline(value: &serde_json::Value, depth: usize) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(text) => format!("string({})", text.chars().count()).into(),
        Value::Array(all) if depth >= 8 => format!("array({})", all.len()).into(),
        Value::Object(all) if depth >= 8 => format!("object({})", all.len()).into(),
        Value::Array(all) => match all.first() {
            Some(first) => serde_json::json!({ "array": all.len(), "of": outline(first, depth + 1) }),
            None => "array(0)".into(),
        },
        Value::Object(all) => all.iter().map(|(k, v)| (k.clone(), outline(v, depth + 1))).collect(),
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
