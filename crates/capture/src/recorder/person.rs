//! Identity by the operator's rule: the argument of a call that names the user (D28). One identify event per
//! (session, identity) change, before the event that carries it (SDK-44).

use std::collections::HashMap;

use trackway_event::{Actor, ActorId, Event, EventId, Kind, SessionId};

use super::{RecorderConfig, Scope, stamp};
use crate::wire::{Message, get, get_text, text};

/// Which arguments of a tool call name the user.
#[derive(Clone, Debug)]
pub struct IdentifyRule {
    /// The argument with the user's id.
    pub argument: String,
    /// The argument with the user's shown name.
    pub name: Option<String>,
}

/// Who each session was last seen to be, bounded (SDK-43).
#[derive(Debug, Default)]
pub(super) struct People {
    sessions: HashMap<SessionId, Actor>,
}

/// Sessions whose identity is remembered (D24).
const CACHE: usize = 10_000;

impl People {
    /// Stamps the event with its session's actor, after looking for a new one; an event of kind identify when it changed.
    pub(super) fn identify(
        &mut self,
        config: &RecorderConfig,
        scope: &Scope,
        line: &[u8],
        message: &Message,
        event: &mut Event,
        random: &mut (dyn FnMut() -> [u8; 16] + Send),
    ) -> Option<Event> {
        let by_transport = scope.actor.as_ref().and_then(|named| {
            let (id, _) = ActorId::parse(named)?;
            Some(Actor { id, name: None, traits: serde_json::Map::new() })
        });
        let by_argument =
            config.identify.as_ref().filter(|_| &*event.name == "tools/call").and_then(|rule| {
                let arguments = get(line, message.params.as_ref()?, "arguments")?;
                let (id, _) = ActorId::parse(&named(line, &arguments, &rule.argument)?)?;
                let name = rule.name.as_ref().and_then(|n| get_text(line, &arguments, n)).map(Into::into);
                Some(Actor { id, name, traits: serde_json::Map::new() })
            });
        let found = scope.person.clone().or(by_transport).or(by_argument);
        let Some(session) = event.session_id.clone() else {
            // Without a session each request stands for itself: its own actor, or none.
            if let Some(actor) = &found {
                stamp(event, actor);
            }
            return None;
        };
        let changed = found.filter(|actor| self.sessions.get(&session) != Some(actor));
        let identify = changed.map(|actor| {
            if self.sessions.len() >= CACHE {
                self.sessions.clear();
            }
            self.sessions.insert(session.clone(), actor.clone());
            let mut identify =
                Event::new(EventId::mint(event.started_at, random()), Kind::Identify, event.started_at);
            identify.name = "identify".into();
            identify.session_id = Some(session.clone());
            identify.session_source = event.session_source;
            identify.client = event.client.clone();
            identify.server = event.server.clone();
            identify.capture = event.capture;
            identify.flags.demo = event.flags.demo;
            stamp(&mut identify, &actor);
            identify
        });
        if let Some(actor) = self.sessions.get(&session) {
            stamp(event, actor);
        }
        identify
    }
}

/// The argument as an id: a string, or a number as it is written.
fn named(line: &[u8], arguments: &std::ops::Range<usize>, argument: &str) -> Option<String> {
    let value = get(line, arguments, argument)?;
    match line.get(value.start)? {
        b'-' | b'0'..=b'9' => std::str::from_utf8(line.get(value)?).ok().map(str::to_owned),
        _ => text(line, &value),
    }
}
