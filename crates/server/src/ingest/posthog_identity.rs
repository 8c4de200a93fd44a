//! Who a PostHog event is about: distinct ids, updates of a person, merges and groups (wire-posthog section 8), carried
//! whole in [`trackway_event::Identity`]; `core::identity` folds them.

use base64::Engine;
use serde_json::Value;
use trackway_event::id::Cut;
use trackway_event::identity::{GroupFacts, Merge, PersonProfile, Properties};
use trackway_event::{Actor, ActorId, Event, Identity, Kind, limits};

use super::fields::{Fields, string_of};
use super::posthog::Props;

/// Characters of a session token (section 9).
const TOKEN_CHARS: usize = 4_096;

/// The event's distinct id (R5); numbers and containers as their text, blank as none.
pub(super) fn distinct_id(fields: &Fields<'_>, props: &Props<'_>) -> Option<String> {
    let places = [fields.get("distinct_id"), fields.get("$distinct_id"), props.get("distinct_id")];
    places.into_iter().flatten().find_map(id_text)
}

/// Puts what the event says of its user on it.
pub(super) fn put(
    event: &mut Event,
    name: &str,
    fields: &Fields<'_>,
    props: &mut Props<'_>,
    distinct_id: &str,
) {
    let (id, cut) = cut(distinct_id);
    if cut {
        event.note("actor_id_cut");
    }
    props.take("distinct_id");
    let mut identity = Identity { distinct_id: Some(id.clone()), ..Identity::default() };
    identity.process_person_profile = profile(event, props);
    let off = identity.process_person_profile == PersonProfile::Off;
    if event.kind != Kind::Exception {
        identity.set = merged(fields, props, "$set");
        identity.set_once = merged(fields, props, "$set_once");
        identity.unset = unset(fields, props);
    }
    for key in ["$set", "$set_once", "$unset"] {
        props.take(key);
    }
    if event.kind == Kind::Identify {
        identity.anon_distinct_id =
            props.get("$anon_distinct_id").and_then(id_text).map(|id| self::cut(&id).0);
        props.take("$anon_distinct_id");
    }
    if event.kind == Kind::Alias {
        let alias = props.get("alias").or_else(|| fields.get("alias")).and_then(id_text);
        identity.alias = alias.map(|id| self::cut(&id).0);
        identity.merge = if name == "$merge_dangerously" { Merge::Dangerous } else { Merge::Safe };
        props.take("alias");
    }
    if event.kind == Kind::GroupIdentify {
        identity.group = group(props);
    }
    identity.device_id = props.peek_text("$device_id").map(|id| self::cut(&id).0);
    if let Some(groups) = props.object("$groups") {
        for (kind, key) in &groups.0 {
            if let Some(key) = id_text(key.get()) {
                event.groups.insert((&**kind).into(), self::cut(&key).0);
            }
        }
        props.take("$groups");
    }
    if off && matches!(event.kind, Kind::Identify | Kind::Alias | Kind::GroupIdentify) {
        event.note("ignored:$process_person_profile");
    }
    // A session's own id stands for nobody; a group's event is about no person.
    let is_session = event.session_id.as_ref().is_some_and(|s| s.as_str() == &*id);
    if !off && !is_session && event.kind != Kind::GroupIdentify {
        let name = identity.set.get("name").and_then(Value::as_str).map(Into::into);
        let traits = identity.set.clone();
        event.actor = ActorId::parse(&id).map(|(id, _)| Box::new(Actor { id, name, traits }));
    }
    event.identity = Some(Box::new(identity));
}

/// The session that the session token of a request's headers names (I15).
pub(super) fn token_session(extra: &Fields<'_>) -> Option<String> {
    let headers =
        extra.object("requestInfo").and_then(|r| r.object("headers")).or_else(|| extra.object("headers"))?;
    let token = headers.string("mcp-session-id").filter(|t| t.len() <= TOKEN_CHARS)?;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let bytes = engine.decode(token.trim().trim_end_matches('=')).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Fields::parse(&text)?.string("sid").filter(|sid| sid.chars().count() <= 128)
}

fn profile(event: &mut Event, props: &mut Props<'_>) -> PersonProfile {
    let said = match props.get("$process_person_profile") {
        None | Some("true") => PersonProfile::On,
        Some("false") => PersonProfile::Off,
        // Other spellings count only among the options of V1, which are read as booleans before this (R19).
        Some(_) => {
            event.note("coerced:$process_person_profile");
            return PersonProfile::On;
        }
    };
    props.take("$process_person_profile");
    said
}

/// An update at the top of the event and among its properties; the latter win (R7).
fn merged(fields: &Fields<'_>, props: &Props<'_>, name: &str) -> Properties {
    let object = |raw: Option<&str>| match raw.map(serde_json::from_str) {
        Some(Ok(Value::Object(map))) => map,
        Some(_) | None => Properties::new(),
    };
    let mut all = object(fields.get(name));
    all.extend(object(props.get(name)));
    all
}

fn unset(fields: &Fields<'_>, props: &Props<'_>) -> Vec<Box<str>> {
    let mut keys: Vec<Box<str>> = Vec::new();
    for raw in [fields.get("$unset"), props.get("$unset")].into_iter().flatten() {
        match serde_json::from_str(raw) {
            Ok(Value::Array(items)) => keys.extend(items.iter().filter_map(Value::as_str).map(Into::into)),
            Ok(Value::Object(map)) => keys.extend(map.keys().map(|k| k.as_str().into())),
            Ok(_) | Err(_) => {}
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn group(props: &mut Props<'_>) -> Option<GroupFacts> {
    let kind = props.get("$group_type").and_then(id_text)?;
    let key = props.get("$group_key").and_then(id_text)?;
    let set = match props.get("$group_set").map(serde_json::from_str) {
        Some(Ok(Value::Object(map))) => map,
        Some(_) | None => Properties::new(),
    };
    for name in ["$group_type", "$group_key", "$group_set"] {
        props.take(name);
    }
    Some(GroupFacts { kind: cut(&kind).0, key: cut(&key).0, set })
}

/// An id as text: strings trimmed, anything else as it is written; blank and `null` are none.
fn id_text(raw: &str) -> Option<String> {
    let text = string_of(raw).unwrap_or_else(|| raw.to_owned());
    let text = text.trim();
    (!text.is_empty() && raw != "null").then(|| text.to_owned())
}

fn cut(id: &str) -> (Box<str>, bool) {
    match ActorId::parse(id) {
        Some((id, cut)) => (id.as_str().into(), cut == Cut::Yes),
        None => (id.chars().take(limits::ACTOR_ID_CHARS).collect::<String>().into(), false),
    }
}
