//! How a project tells who is who, as far as it can be set: whether sessions link anonymous events to people, and how far merges
//! go. Read from the settings by a backend, which follows a change within a second.

use std::collections::BTreeMap;

use trackway_core::identity::Mode;

/// The settings of a project that change what events mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether a session's anonymous events are put down to its first person (wire-posthog I11).
    pub link_sessions: LinkSessions,
    /// What merges are refused (I7).
    pub merges: Mode,
}

/// Whether a session's anonymous events are put down to its first person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkSessions {
    /// They are.
    On,
    /// They stay anonymous.
    Off,
}

impl LinkSessions {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }

    /// The one of this word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::On, Self::Off].into_iter().find(|one| one.as_str() == text)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { link_sessions: LinkSessions::On, merges: Mode::Safe }
    }
}

impl Rules {
    /// The setting of [`Rules::link_sessions`].
    pub const LINK_SESSIONS: &'static str = "identity.link_sessions";
    /// The setting of [`Rules::merges`].
    pub const MERGES: &'static str = "identity.merges";

    /// From a project's settings. What is not set or not readable is as by default.
    pub fn of(settings: &BTreeMap<String, String>) -> Self {
        let text = |key: &str| settings.get(key).map_or("", String::as_str);
        Self {
            link_sessions: LinkSessions::parse(text(Self::LINK_SESSIONS)).unwrap_or(LinkSessions::On),
            merges: mode(text(Self::MERGES)).unwrap_or(Mode::Safe),
        }
    }
}

/// The way of merging of this word: `safe` or `compatible`.
pub fn mode(text: &str) -> Option<Mode> {
    [Mode::Safe, Mode::Compatible].into_iter().find(|one| one.as_str() == text)
}
