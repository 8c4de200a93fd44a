//! What an event says of who its user is: the facts of one event, before anything is merged (wire-posthog §8).
//!
//! Adapters fill it in, `core::identity` folds it. It holds what was sent, trimmed and cut to the caps, legal or not:
//! which ids are nobody's and which merges are refused is the fold's business.

use serde::{Deserialize, Serialize};

/// Values by name, as sent.
pub type Properties = serde_json::Map<String, serde_json::Value>;

/// The identity facts of one event. Absent members say nothing. The groups an event belongs to are its `groups`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// Who the event names as its user; at most [`crate::limits::ACTOR_ID_CHARS`]. May be a session's id, `anonymous`
    /// or any other id that is nobody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct_id: Option<Box<str>>,
    /// The id that `$identify` says the same user had before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anon_distinct_id: Option<Box<str>>,
    /// The other id of `$create_alias` and `$merge_dangerously`: it is merged into `distinct_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<Box<str>>,
    /// Whether two people that are both known may become one.
    #[serde(skip_serializing_if = "is_default")]
    pub merge: Merge,
    /// Properties of the person that are set; the newest event time wins per key.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub set: Properties,
    /// Properties of the person that are set where there is none yet.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    pub set_once: Properties,
    /// Properties of the person that are taken away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<Box<str>>,
    /// What `$groupidentify` says of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupFacts>,
    /// `$process_person_profile`: whether the event may make or change a person.
    #[serde(skip_serializing_if = "is_default")]
    pub process_person_profile: PersonProfile,
    /// The device, where a client names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<Box<str>>,
    /// A second session the same facts hold for: the one a transport's session token names (I15).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_session: Option<Box<str>>,
}

/// Properties of one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// Its type: `organization`, …
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// Its key.
    pub key: Box<str>,
    /// Properties that are set; the newest event time wins per key.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub set: Properties,
}

/// How far a merge may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Not into somebody who is identified already (I8).
    #[default]
    Safe,
    /// `$merge_dangerously`: whoever they are.
    Dangerous,
}

/// Whether an event may make or change a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonProfile {
    /// It may.
    #[default]
    On,
    /// It may not: no person is made, none of its properties counts, no merge happens (I2, I3).
    Off,
}

impl Identity {
    /// Bytes of the members that have no cap of their own.
    pub(crate) fn size(&self) -> usize {
        let group = self.group.as_ref().map(|g| &g.set);
        let maps = [Some(&self.set), Some(&self.set_once), group];
        let maps = maps.into_iter().flatten().filter(|m| !m.is_empty());
        maps.map(|m| serde_json::to_string(m).map_or(0, |t| t.len())).sum::<usize>()
            + self.unset.iter().map(|k| k.len()).sum::<usize>()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_and_silence_is_short() {
        assert_eq!(serde_json::to_string(&Identity::default()).unwrap(), "{}");
        let text = r#"{"distinct_id":"u1","alias":"a1","merge":"dangerous","set":{"plan":"pro"},"unset":["k"],"group":{"type":"organization","key":"acme"},"process_person_profile":"off"}"#;
        let identity: Identity = serde_json::from_str(text).unwrap();
        assert_eq!(identity.merge, Merge::Dangerous);
        assert_eq!(identity.process_person_profile, PersonProfile::Off);
        assert_eq!(serde_json::to_string(&identity).unwrap(), text);
        assert!(identity.size() > 0);
    }
}
