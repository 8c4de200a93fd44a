//! What a request of each method tells before it is answered (CAP §2.4): names, counts and one-way keys, never typed
//! texts, answers of users or opaque states.

use std::ops::Range;

use serde_json::{Value, json};
use trackway_event::json::payload_of;
use trackway_event::{Event, Kind};

use super::keys::Keys;
use super::{Feedback, Recorder, call, fact, feedback};
use crate::wire::scan::elements;
use crate::wire::{Message, get, get_text};

impl Recorder {
    /// Reads the parameters of a client's request.
    pub(super) fn describe(&mut self, line: &[u8], message: &Message, method: &str, event: &mut Event) {
        let Some(params) = &message.params else { return };
        match method {
            "tools/call" => {
                call::asked(line, params, self.config.mode, &self.catalog, event);
                if self.feedback == Feedback::On {
                    feedback::read(line, params, &self.catalog, event);
                }
            }
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                event.resource = get_text(line, params, "uri").map(|u| crate::redact::url(&u).into());
            }
            "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list" => {
                // Only whether there is a cursor; it may be a secret of the server's.
                let cursor = get(line, params, "cursor").filter(|c| line.get(c.start) == Some(&b'"'));
                event.arguments = cursor.and_then(|_| payload_of(&json!({ "cursor": true })));
            }
            "initialize" => {
                let asked = get_text(line, params, "protocolVersion");
                let can = get(line, params, "capabilities").map(|c| call::names(line, &c));
                event.arguments = payload_of(&json!({ "protocolVersion": asked, "capabilities": can }));
            }
            "completion/complete" => {
                // Never the typed text (CAP §2.4).
                let to = get(line, params, "ref");
                let part = |name| to.as_ref().and_then(|r| get_text(line, r, name));
                let argument = get(line, params, "argument").and_then(|a| get_text(line, &a, "name"));
                event.resource =
                    part("name").or_else(|| part("uri").map(|u| crate::redact::url(&u))).map(Into::into);
                event.arguments = payload_of(&json!({ "ref": part("type"), "argument": argument }));
            }
            "prompts/get" => {
                event.resource = get_text(line, params, "name").map(Into::into);
                // Values may be anything a user typed.
                let names = get(line, params, "arguments").map(|a| call::names(line, &a));
                event.arguments = names.and_then(|names| payload_of(&json!({ "names": names })));
            }
            "subscriptions/listen" => {
                let filter: Vec<String> =
                    call::names(line, params).into_iter().filter(|name| name != "_meta").collect();
                event.arguments = payload_of(&json!({ "filter": filter }));
            }
            "logging/setLevel" => {
                event.arguments = payload_of(&json!({ "level": get_text(line, params, "level") }));
            }
            "tasks/get" | "tasks/update" | "tasks/cancel" | "tasks/result" => {
                if let Some(id) = get_text(line, params, "taskId") {
                    fact(event, "task_key", task_key(&self.keys, &id));
                }
            }
            _ => {}
        }
        self.presented(line, params, event);
    }

    /// What a retry presents of the leg before it (CAP §2.6): one-way keys, and which inputs it answers by their names.
    fn presented(&self, line: &[u8], params: &Range<usize>, event: &mut Event) {
        if !can_ask(event.kind) {
            return;
        }
        let state = get_text(line, params, "requestState");
        let answers = get(line, params, "inputResponses");
        if state.is_none() && answers.is_none() {
            return;
        }
        event.flags.mrtr_continuation = true;
        if let Some(state) = state {
            fact(event, "mrtr_in", self.keys.of("state", &state));
        }
        if let Some(answers) = answers {
            fact(event, "mrtr_answered", call::names(line, &answers));
        }
        fact(event, "mrtr_key", mrtr_key(&self.keys, event));
    }

    /// Reads the parameters of a request of the server's: sizes and choices, never texts.
    pub(super) fn describe_back(&self, line: &[u8], message: &Message, method: &str, event: &mut Event) {
        let Some(params) = &message.params else { return };
        event.arguments = match method {
            "sampling/createMessage" => {
                let wanted = get(line, params, "modelPreferences").and_then(|p| get(line, &p, "hints"));
                let hints: Vec<String> = wanted
                    .and_then(|h| elements(line, &h))
                    .unwrap_or_default()
                    .iter()
                    .take(8)
                    .filter_map(|hint| get_text(line, hint, "name"))
                    .map(|name| name.chars().take(256).collect())
                    .collect();
                let most = get(line, params, "maxTokens").and_then(|m| number(line, &m));
                payload_of(&json!({ "model_hints": hints, "max_tokens": most }))
            }
            "elicitation/create" => {
                let mode = get_text(line, params, "mode").unwrap_or_else(|| "form".into());
                payload_of(&json!({ "mode": mode.chars().take(64).collect::<String>() }))
            }
            _ => None,
        };
    }

    /// Reads the client's answer to a request of the server's.
    pub(super) fn answered_back(&self, line: &[u8], result: &Range<usize>, method: &str, event: &mut Event) {
        let word = |key| get_text(line, result, key).map(|w| w.chars().take(64).collect::<String>());
        event.result = match method {
            "sampling/createMessage" => payload_of(&json!({ "stop_reason": word("stopReason") })),
            "elicitation/create" => payload_of(&json!({ "action": word("action") })),
            "roots/list" => {
                let count =
                    get(line, result, "roots").and_then(|r| elements(line, &r)).map_or(0, |r| r.len());
                payload_of(&json!({ "roots": count }))
            }
            _ => None,
        };
    }
}

/// The kinds whose answer may ask for input (CAP §1.4).
pub(super) const fn can_ask(kind: Kind) -> bool {
    matches!(kind, Kind::ToolCall | Kind::MissingCapability | Kind::ResourceRead | Kind::PromptGet)
}

/// By which legs without a request state are joined: method, target and arguments after the strip (CAP §2.6).
pub(super) fn mrtr_key(keys: &Keys, event: &Event) -> String {
    let target = event.tool.as_deref().or(event.resource.as_deref()).unwrap_or_default();
    let arguments = event.arguments.as_ref().map(|a| super::catalog::canonical_text(a.get().as_bytes()));
    keys.of("mrtr", &format!("{}\0{target}\0{}", event.name, arguments.unwrap_or_default()))
}

/// A task's id as a key by which its traffic is joined.
pub(super) fn task_key(keys: &Keys, id: &str) -> String {
    format!("task_{}", keys.of("task", id))
}

/// A number as it is written, when it is one.
pub(super) fn number(line: &[u8], value: &Range<usize>) -> Option<Value> {
    let value: Value = serde_json::from_slice(line.get(value.clone())?).ok()?;
    value.is_number().then_some(value)
}
