//! Notifications: recorded as protocol events, the chatty ones only up to a number per request (CAP §2.4).

use trackway_event::{Direction, Event, EventId, Kind, Status};

use super::{Observed, Protocol, Recorder, Scope, Way, finish};
use crate::wire::id::RequestId;
use crate::wire::{Message, get};

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
        out.push(event);
    }
}
