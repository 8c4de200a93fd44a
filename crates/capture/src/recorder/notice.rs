//! Notifications: recorded as protocol events, the chatty ones only up to a number per request (CAP §2.4).

use std::ops::Range;

use serde_json::json;
use trackway_event::json::payload_of;
use trackway_event::{Direction, Event, EventId, Kind, Status};

use super::ask::{number, task_key};
use super::call::task_state;
use super::waiting::{Key, Lane};
use super::{Observed, Protocol, Recorder, Scope, Way, fact, finish};
use crate::wire::id::RequestId;
use crate::wire::{Message, get, get_text};

/// Progress and log notifications kept after a request (CAP §2.4).
const NOISE: u32 = 20;

impl Recorder {
    pub(super) fn notification(
        &mut self,
        scope: &Scope,
        seen: &Observed,
        message: &Message,
        method: &str,
        out: &mut Vec<Event>,
    ) {
        let from_client = seen.way == Way::FromClient;
        if method == "notifications/cancelled" {
            let id = message.params.as_ref().and_then(|p| get(&seen.line, p, "requestId"));
            let id = id.and_then(|r| RequestId::parse(seen.line.get(r)?));
            if let Some(pending) = id.and_then(|id| self.waiting.answered(scope, from_client, id)) {
                out.push(finish(pending, seen.mono_us, Status::Cancelled));
            }
        }
        if !from_client {
            self.heard(scope, seen, message);
        }
        if self.config.protocol != Protocol::All {
            return;
        }
        if matches!(method, "notifications/progress" | "notifications/message") {
            let facts = self.connections.of(scope);
            facts.noise += 1;
            if facts.noise > NOISE {
                self.counts.noise += 1;
                return;
            }
        }
        // It belongs to the running session, but only requests keep a session alive.
        let facts = self.connections.of(scope);
        let Some((session, source)) = facts.latest.clone() else { return };
        let client = facts.client.clone();
        let mut event = Event::new(EventId::mint(seen.wall, (self.random)()), Kind::Protocol, seen.wall);
        event.session_id = Some(session);
        event.session_source = Some(source);
        event.name = method.into();
        event.capture = Some(self.config.capture);
        event.flags.demo = self.config.demo;
        event.client = client;
        event.server = self.server.clone();
        event.direction = (!from_client).then_some(Direction::ServerToClient);
        if let Some(params) = &message.params {
            self.told(&seen.line, params, method, &mut event);
        }
        out.push(event);
    }

    /// What a notification tells: numbers, levels and one-way keys, never its data (CAP §2.4).
    fn told(&self, line: &[u8], params: &Range<usize>, method: &str, event: &mut Event) {
        let word = |key| get_text(line, params, key).map(|w| w.chars().take(256).collect::<String>());
        let given = |key| get(line, params, key).and_then(|v| number(line, &v));
        event.arguments = match method {
            "notifications/progress" => {
                let token = get(line, params, "progressToken").and_then(|t| line.get(t));
                let token = token.map(|t| self.keys.of("progress", &String::from_utf8_lossy(t)));
                payload_of(&json!({ "token": token, "progress": given("progress"), "total": given("total") }))
            }
            "notifications/message" => {
                payload_of(&json!({ "level": word("level"), "logger": word("logger") }))
            }
            "notifications/cancelled" => {
                let reason = get(line, params, "reason").is_some();
                payload_of(&json!({ "reason": if reason { "given" } else { "none" } }))
            }
            _ => None,
        };
        if method == "notifications/resources/updated" {
            event.resource = get_text(line, params, "uri").map(|u| crate::redact::url(&u).into());
        }
        if method.starts_with("notifications/tasks")
            && let Some(id) = get_text(line, params, "taskId")
        {
            fact(event, "task_key", task_key(&self.keys, &id));
            if let Some(state) = word("status") {
                task_state(line, params, &state, "notification", event);
            }
        }
    }

    /// Counts a notification for the listening stream that it names.
    fn heard(&mut self, scope: &Scope, seen: &Observed, message: &Message) {
        let named = message.params.as_ref().and_then(|params| {
            let meta = get(&seen.line, params, "_meta")?;
            let id = get(&seen.line, &meta, "io.modelcontextprotocol/subscriptionId")?;
            RequestId::parse(seen.line.get(id)?)
        });
        let Some(id) = named else { return };
        let key = Key { lane: Lane::of(scope), from_client: true, id };
        if let Some(pending) = self.waiting.get_mut(&key) {
            pending.heard += 1;
        }
    }
}
