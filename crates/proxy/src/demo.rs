//! What the demo's invented traffic says beyond the protocol: names, traits, accounts and models, as an SDK's `identify` would
//! say them in a user's own server.
//!
//! Called by `recording` for events of `trackway demo` only. Invariant: a person is never made here: an event without an actor
//! stays anonymous, and gets no account.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde::Deserialize;
use trackway_event::identity::{GroupFacts, Identity};
use trackway_event::{Event, EventId, IntentSource, Kind};

/// The facts of one invented session, read from the hidden flag `--demo-facts`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DemoFacts {
    /// The person's shown name.
    pub name: Option<Box<str>>,
    /// What is known of them.
    pub traits: serde_json::Map<String, serde_json::Value>,
    /// The account they act for.
    pub account: Option<GroupFacts>,
    /// The model that the client runs.
    pub model: Option<Box<str>>,
    /// What the agent said of the server when it was done with its second call: the words of `send_feedback`.
    pub feedback: Option<serde_json::Map<String, serde_json::Value>>,
}

impl std::str::FromStr for DemoFacts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("write it as a JSON object: {error}"))
    }
}

/// The call after which feedback is given.
const FEEDBACK_AFTER: u32 = 2;
/// How long after that call's start, in µs of the demo's time.
const FEEDBACK_LATER: i64 = 4_000_000;

impl DemoFacts {
    /// The feedback that follows this event, if it does; `calls` counts those of the session.
    pub(crate) fn feedback_after(&self, event: &Event, calls: &Cell<u32>, random: [u8; 16]) -> Option<Event> {
        let words = self.feedback.as_ref().filter(|_| event.kind == Kind::ToolCall)?;
        calls.set(calls.get() + 1);
        if calls.get() != FEEDBACK_AFTER {
            return None;
        }
        let at = event.started_at.plus_micros(FEEDBACK_LATER);
        let mut said = Event::new(EventId::mint(at, random), Kind::Feedback, at);
        said.name = "feedback".into();
        said.session_id.clone_from(&event.session_id);
        said.session_source = event.session_source;
        said.client.clone_from(&event.client);
        said.server.clone_from(&event.server);
        said.actor.clone_from(&event.actor);
        said.groups.clone_from(&event.groups);
        said.capture = event.capture;
        said.flags.demo = true;
        said.properties = serde_json::value::to_raw_value(&serde_json::json!({ "feedback": words })).ok();
        if let Some(summary) = words.get("summary").and_then(serde_json::Value::as_str) {
            said.intent = Some(summary.into());
            said.intent_source = Some(IntentSource::Given);
        }
        Some(said)
    }

    /// Says of this event what is known of its person, and which model made it.
    pub(crate) fn say(&self, event: &mut Event) {
        if event.client.is_some() && event.model.is_none() {
            event.model.clone_from(&self.model);
        }
        let Some(actor) = event.actor.as_mut() else { return };
        actor.name.clone_from(&self.name);
        let identify = event.kind == Kind::Identify;
        if identify {
            actor.traits.clone_from(&self.traits);
        }
        let Some(account) = &self.account else { return };
        event.groups = BTreeMap::from([(account.kind.clone(), account.key.clone())]);
        if identify {
            event.identity = Some(Box::new(Identity { group: Some(account.clone()), ..Identity::default() }));
        }
    }
}

#[cfg(test)]
mod tests {
    use trackway_event::{Actor, ActorId, SessionId, Timestamp};

    use super::*;

    const FACTS: &str = r#"{"name":"Ana","traits":{"plan":"pro"},"account":{"type":"company","key":"acme","set":{"name":"Acme"}},"model":"m-1"}"#;

    fn event(kind: Kind) -> Event {
        Event::new(EventId::mint(Timestamp::ZERO, [7; 16]), kind, Timestamp::ZERO)
    }

    #[test]
    fn an_anonymous_event_stays_anonymous() {
        let facts: DemoFacts = FACTS.parse().unwrap();
        let mut call = event(Kind::ToolCall);
        facts.say(&mut call);
        assert!(call.actor.is_none() && call.groups.is_empty() && call.identity.is_none());
    }

    #[test]
    fn an_identify_carries_traits_and_account_and_a_call_their_names() {
        let facts: DemoFacts = FACTS.parse().unwrap();
        let (id, _) = ActorId::parse("ana@acme.example").unwrap();
        let actor = Actor { id, name: None, traits: serde_json::Map::new() };
        let (mut identify, mut call) = (event(Kind::Identify), event(Kind::ToolCall));
        for event in [&mut identify, &mut call] {
            event.actor = Some(Box::new(actor.clone()));
            facts.say(event);
            assert_eq!(event.actor.as_ref().unwrap().name.as_deref(), Some("Ana"));
            assert_eq!(event.groups.get("company").map(AsRef::as_ref), Some("acme"));
        }
        assert_eq!(identify.actor.unwrap().traits["plan"], "pro");
        assert_eq!(identify.identity.unwrap().group.unwrap().set["name"], "Acme");
        assert!(call.actor.unwrap().traits.is_empty() && call.identity.is_none());
    }

    #[test]
    fn feedback_is_given_once_and_in_the_session_of_the_call() {
        let facts: DemoFacts =
            r#"{"feedback":{"type":"praise","summary":"Quick answers."}}"#.parse().unwrap();
        let (mut call, calls) = (event(Kind::ToolCall), Cell::new(0));
        call.session_id = SessionId::foreign("ses_1");
        let said: Vec<_> = (0..4).filter_map(|_| facts.feedback_after(&call, &calls, [9; 16])).collect();
        let [said] = said.as_slice() else { panic!("{said:?}") };
        assert_eq!((said.kind, &said.session_id), (Kind::Feedback, &call.session_id));
        assert_eq!(said.intent.as_deref(), Some("Quick answers."));
        assert!(said.properties.as_ref().unwrap().get().contains("praise"));
    }

    #[test]
    fn unknown_members_are_refused() {
        assert!(r#"{"nmae":"Ana"}"#.parse::<DemoFacts>().is_err());
    }
}
