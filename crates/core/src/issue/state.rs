//! The state of an error group (F-84 to F-86): what a person decided, held against what has been seen since. Nothing is
//! switched by a clock or a job: the state is a function of the decision, the events and the time of asking.

use std::cmp::Ordering;
use std::fmt;

use trackway_event::Timestamp;

const DAY_US: i64 = 86_400_000_000;
/// How long a group nobody decided on counts as new.
const NEW_US: i64 = 7 * DAY_US;
/// Failures of a day from which it may be escalating.
const ESCALATING: u64 = 10;

/// What a person decided, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub rule: Rule,
    /// When.
    pub at: Timestamp,
    /// For [`Rule::Resolved`] and [`Rule::ResolvedNext`]: the newest server version known then.
    pub version: Option<String>,
}

/// The decisions there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Mended in what runs now.
    Resolved,
    /// Mended in this version of the server.
    ResolvedIn(String),
    /// Will be mended in the version after the newest one.
    ResolvedNext,
    /// Not of interest.
    Archived,
    /// Not of interest until then.
    ArchivedUntil(Timestamp),
    /// Not of interest until this many more failures.
    ArchivedMore(u64),
    /// Not of interest until it escalates.
    ArchivedEscalating,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolved => f.write_str("resolved"),
            Self::ResolvedIn(version) => write!(f, "resolved in version {version}"),
            Self::ResolvedNext => f.write_str("resolved in the next version"),
            Self::Archived => f.write_str("archived"),
            Self::ArchivedUntil(at) => write!(f, "archived until {at}"),
            Self::ArchivedMore(n) => write!(f, "archived until {n} more failures"),
            Self::ArchivedEscalating => f.write_str("archived until it escalates"),
        }
    }
}

/// What has been seen of a group.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// First failure ever.
    pub first: Timestamp,
    /// Failures of the last 24 hours.
    pub day: u64,
    /// Failures of the seven days before these.
    pub week: u64,
    /// Failures that started after the decision.
    pub since: u64,
    /// Server versions of these; `None`: not said.
    pub versions: Vec<Option<String>>,
}

/// How a group stands.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum State {
    /// First seen less than seven days ago, nobody decided.
    New,
    /// Seen for longer.
    #[default]
    Ongoing,
    /// Many more than usual.
    Escalating,
    /// Resolved, and back on a version that should not have it; which, where it is said.
    Regressed(Option<String>),
    /// Resolved.
    Resolved,
    /// Put away.
    Archived,
}

impl State {
    /// The word shown.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ongoing => "ongoing",
            Self::Escalating => "escalating",
            Self::Regressed(_) => "regressed",
            Self::Resolved => "resolved",
            Self::Archived => "archived",
        }
    }

    /// How much it wants a person; 0: nothing.
    pub const fn weight(&self) -> u8 {
        match self {
            Self::Regressed(_) => 4,
            Self::Escalating => 3,
            Self::New => 2,
            Self::Ongoing => 1,
            Self::Resolved | Self::Archived => 0,
        }
    }

    /// Whether it wants a person.
    pub const fn is_open(&self) -> bool {
        self.weight() > 0
    }
}

/// How a group stands at a time.
pub fn state(decision: Option<&Decision>, seen: &Seen, now: Timestamp) -> State {
    let escalates = escalates(seen, now);
    let open = |undecided: bool| {
        if escalates {
            State::Escalating
        } else if undecided && now.since(seen.first) < NEW_US {
            State::New
        } else {
            State::Ongoing
        }
    };
    let Some(decision) = decision else { return open(true) };
    let archived = |over: bool| if over { open(false) } else { State::Archived };
    match &decision.rule {
        Rule::Resolved | Rule::ResolvedIn(_) | Rule::ResolvedNext => {
            let back = seen.versions.iter().filter(|v| is_back(decision, v.as_deref()));
            // The newest version says most.
            let newest = back.max_by(|a, b| match (a, b) {
                (Some(a), Some(b)) => compare(a, b).unwrap_or(Ordering::Equal),
                (a, b) => a.is_some().cmp(&b.is_some()),
            });
            newest.map_or(State::Resolved, |version| State::Regressed(version.clone()))
        }
        Rule::Archived => State::Archived,
        Rule::ArchivedUntil(at) => archived(now >= *at),
        Rule::ArchivedMore(n) => archived(seen.since >= *n),
        Rule::ArchivedEscalating => archived(escalates),
    }
}

/// Last 24 h > max(10, 3 × the daily mean of the 7 days before); a group of today has nothing to be held against.
fn escalates(seen: &Seen, now: Timestamp) -> bool {
    now.since(seen.first) >= DAY_US && seen.day > ESCALATING && seen.day * 7 > 3 * seen.week
}

/// Whether a failure after the decision, on this server version, means it was not mended. On the version it was resolved in,
/// or an older one, it stays resolved; where versions say nothing, any later failure of a "resolved" one counts.
fn is_back(decision: &Decision, seen: Option<&str>) -> bool {
    let (known, least, unsaid) = match &decision.rule {
        Rule::Resolved => (decision.version.as_deref(), Ordering::Greater, true),
        Rule::ResolvedNext => (decision.version.as_deref(), Ordering::Greater, false),
        Rule::ResolvedIn(version) => (Some(version.as_str()), Ordering::Equal, false),
        Rule::Archived | Rule::ArchivedUntil(_) | Rule::ArchivedMore(_) | Rule::ArchivedEscalating => {
            return false;
        }
    };
    match known.zip(seen).and_then(|(known, seen)| compare(seen, known)) {
        Some(order) => order >= least,
        None => unsaid,
    }
}

/// Which of two versions is newer: numbers by value, a pre-release before its release. `None`: one of them is no version.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parts(a)?, parts(b)?);
    let places = a.0.len().max(b.0.len());
    let at = |numbers: &[u64], i: usize| numbers.get(i).copied().unwrap_or(0);
    for i in 0..places {
        let order = at(&a.0, i).cmp(&at(&b.0, i));
        if order != Ordering::Equal {
            return Some(order);
        }
    }
    Some(match (a.1, b.1) {
        ("", "") => Ordering::Equal,
        ("", _) => Ordering::Greater,
        (_, "") => Ordering::Less,
        (a, b) => a.cmp(b),
    })
}

/// Numbers and the pre-release's name.
fn parts(version: &str) -> Option<(Vec<u64>, &str)> {
    let text = version.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(text, _)| text);
    let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
    let numbers: Option<Vec<u64>> = numbers.split('.').map(|n| n.parse().ok()).collect();
    Some((numbers?, pre))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noon;

    fn at(days: i64) -> Timestamp {
        noon().plus_micros(days * DAY_US)
    }

    fn seen(versions: &[&str]) -> Seen {
        let versions: Vec<_> = versions.iter().map(|v| (!v.is_empty()).then(|| (*v).to_owned())).collect();
        Seen { first: at(-30), day: 0, week: 0, since: versions.len() as u64, versions }
    }

    #[test]
    fn undecided_groups_by_case() {
        for (first, day, week, expect) in [
            (0, 50, 0, State::New),
            (-1, 10, 0, State::New),
            (-1, 11, 0, State::Escalating),
            (-8, 0, 0, State::Ongoing),
            (-8, 30, 70, State::Ongoing),
            (-8, 31, 70, State::Escalating),
        ] {
            let seen = Seen { first: at(first), day, week, ..Seen::default() };
            assert_eq!(state(None, &seen, at(0)), expect, "{first} {day} {week}");
        }
    }

    #[test]
    fn resolved_groups_come_back_by_version() {
        let back = |version: &str| State::Regressed((!version.is_empty()).then(|| version.to_owned()));
        let v = |text: &str| Some(text.to_owned());
        for (rule, known, versions, expect) in [
            (Rule::Resolved, v("1.7.0"), vec![], State::Resolved),
            (Rule::Resolved, v("1.7.0"), vec!["1.7.0", "1.6.9"], State::Resolved),
            (Rule::Resolved, v("1.7.0"), vec!["1.8.0", "1.7.0", "1.10.0"], back("1.10.0")),
            (Rule::Resolved, None, vec!["1.7.0"], back("1.7.0")),
            (Rule::Resolved, v("1.7.0"), vec![""], back("")),
            (Rule::ResolvedNext, v("1.7.0"), vec!["", "1.7.0"], State::Resolved),
            (Rule::ResolvedNext, v("1.7.0"), vec!["1.7.1"], back("1.7.1")),
            (Rule::ResolvedIn("1.8".into()), None, vec!["1.7.9"], State::Resolved),
            (Rule::ResolvedIn("1.8".into()), None, vec!["1.8.0"], back("1.8.0")),
            (Rule::ResolvedIn("1.8".into()), None, vec!["1.8.0-rc.1", ""], State::Resolved),
        ] {
            let decision = Decision { rule, at: at(-1), version: known };
            assert_eq!(state(Some(&decision), &seen(&versions), at(0)), expect, "{decision:?} {versions:?}");
        }
    }

    #[test]
    fn archived_groups_wait_for_their_condition() {
        let decide = |rule| Decision { rule, at: at(-1), version: None };
        let many = Seen { day: 40, week: 7, since: 5, ..seen(&[]) };
        let few = Seen { since: 4, ..seen(&[]) };
        for (rule, seen, expect) in [
            (Rule::Archived, &many, State::Archived),
            (Rule::ArchivedUntil(at(1)), &many, State::Archived),
            (Rule::ArchivedUntil(at(0)), &few, State::Ongoing),
            (Rule::ArchivedMore(5), &few, State::Archived),
            (Rule::ArchivedMore(4), &few, State::Ongoing),
            (Rule::ArchivedEscalating, &few, State::Archived),
            (Rule::ArchivedEscalating, &many, State::Escalating),
        ] {
            let decision = decide(rule);
            assert_eq!(state(Some(&decision), seen, at(0)), expect, "{decision:?}");
        }
    }

    #[test]
    fn versions_by_value() {
        for (a, b, expect) in [
            ("1.10.0", "1.9.9", Some(Ordering::Greater)),
            ("v1.2", "1.2.0", Some(Ordering::Equal)),
            ("1.2.0-rc.1", "1.2.0", Some(Ordering::Less)),
            ("1.2.0+build5", "1.2.0", Some(Ordering::Equal)),
            ("main", "1.2.0", None),
            ("", "1", None),
        ] {
            assert_eq!(compare(a, b), expect, "{a} {b}");
        }
    }
}
