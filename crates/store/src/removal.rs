//! What is removed from a project: old data by its settings (F-150), one person's data (F-151).

use std::collections::BTreeMap;

use trackway_event::Timestamp;

/// Before when each class of data of a project goes; `None`: it stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cutoffs {
    /// Arguments, results and other payloads.
    pub payloads: Option<Timestamp>,
    /// Events, and the sessions and people that end with them.
    pub events: Option<Timestamp>,
    /// Figures by the hour.
    pub rollups: Option<Timestamp>,
    /// Figures by the day: ten times as long.
    pub rollup_days: Option<Timestamp>,
}

impl Cutoffs {
    /// From the settings `retention.payloads`, `retention.events` and `retention.rollups`, in days. What is not set, not
    /// readable or 0 stays for ever.
    pub fn of(settings: &BTreeMap<String, String>, now: Timestamp) -> Self {
        let before = |key: &str, times: i64| {
            let days: i64 = settings.get(key)?.parse().ok().filter(|days| *days > 0)?;
            let us = days.checked_mul(times)?.checked_mul(86_400_000_000)?;
            Some(Timestamp::from_micros(now.micros().checked_sub(us)?))
        };
        Self {
            payloads: before("retention.payloads", 1),
            events: before("retention.events", 1),
            rollups: before("retention.rollups", 1),
            rollup_days: before("retention.rollups", 10),
        }
    }

    /// Whether anything may go at all.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// What went, or would go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Payloads of events that stay.
    pub payloads: u64,
    /// Events.
    pub events: u64,
    /// Sessions.
    pub sessions: u64,
    /// People.
    pub people: u64,
    /// Rows of figures.
    pub rollups: u64,
}

impl Expired {
    /// Adds what another step removed.
    pub fn add(&mut self, other: Self) {
        self.payloads += other.payloads;
        self.events += other.events;
        self.sessions += other.sessions;
        self.people += other.people;
        self.rollups += other.rollups;
    }
}

/// What was erased of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Ids that were this person.
    pub people: u64,
    /// Sessions that were theirs alone, gone as a whole.
    pub sessions: u64,
    /// Events that are gone.
    pub events: u64,
    /// Events in sessions shared with others, left as anonymous counts.
    pub anonymous: u64,
    /// Bodies in quarantine that named them.
    pub quarantined: u64,
    /// The ids, for whoever asked; kept nowhere.
    pub ids: Vec<String>,
    /// What is kept instead of the ids: SHA-256 of project and id, so that a restore can repeat the deletion.
    pub prints: Vec<String>,
}

/// A deletion that was done, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Its number.
    pub id: String,
    /// Id of the project.
    pub project: String,
    /// Prints of the erased ids.
    pub prints: Vec<String>,
    /// When it was asked for.
    pub asked_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_and_readable_goes() {
        let now = Timestamp::from_millis(1_767_323_045_000);
        let of = |pairs: &[(&str, &str)]| {
            let settings = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            Cutoffs::of(&settings, now)
        };
        assert!(!of(&[]).any());
        assert!(!of(&[("retention.events", "0"), ("retention.payloads", "soon")]).any());
        assert!(!of(&[("retention.events", "-3"), ("retention.rollups", "9999999999999999")]).any());
        let day = 86_400_000_000;
        let set = of(&[("retention.payloads", "2"), ("retention.rollups", "3")]);
        assert_eq!(set.payloads, Some(now.plus_micros(-2 * day)));
        assert_eq!(set.rollups, Some(now.plus_micros(-3 * day)));
        assert_eq!(set.rollup_days, Some(now.plus_micros(-30 * day)));
        assert_eq!(set.events, None);
    }
}
