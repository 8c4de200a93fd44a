//! Warnings about the data itself (F-78, F-47): sessions that fall to pieces, and identities that name nobody.

use std::fmt;

/// Sessions from which a share is worth a warning.
const ENOUGH: u64 = 20;
/// Words that programs put where a person's id belongs. Sorted; small letters.
const PLACEHOLDERS: &[&str] = &[
    "0",
    "1",
    "admin",
    "anon",
    "anonymous",
    "default",
    "demo",
    "example",
    "guest",
    "id",
    "me",
    "n/a",
    "nil",
    "nobody",
    "none",
    "null",
    "test",
    "undefined",
    "unknown",
    "user",
    "user_id",
    "userid",
    "username",
    "you",
];

/// One session, as far as warnings look at it.
#[derive(Clone, Copy, Debug)]
pub struct SessionView<'a> {
    /// First start, µs.
    pub started_us: i64,
    /// Last start, µs.
    pub last_us: i64,
    /// Logical calls.
    pub calls: u64,
    /// The person, where identified.
    pub person: Option<&'a str>,
    /// Client, where named.
    pub client: Option<&'a str>,
}

/// What is wrong with the data, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// Most sessions hold a single call: the ids that would hold them together are not there.
    Fragmented {
        /// Sessions with one call.
        single: u64,
        /// Sessions with a call.
        sessions: u64,
        /// Sessions that began less than 30 minutes after another of the same person and client ended.
        split: u64,
    },
    /// Most identified sessions are one id's, over several clients: a shared account or a constant.
    SharedId {
        /// The id.
        id: String,
        /// Its sessions.
        sessions: u64,
        /// Identified sessions.
        of: u64,
        /// Its clients.
        clients: u64,
    },
    /// Nearly every person has a single session: the id is likely one of the session, not of the person.
    IdPerSession {
        /// People with one session.
        single: u64,
        /// People.
        people: u64,
    },
    /// An id that is a word, not a name.
    Placeholder {
        /// The id.
        id: String,
        /// Its sessions.
        sessions: u64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fragmented { single, sessions, split } => {
                write!(f, "{single} of {sessions} sessions hold a single call")?;
                if *split > 0 {
                    write!(
                        f,
                        ", and {split} began within 30 minutes of another of the same person and client"
                    )?;
                }
                f.write_str("; send a session id or identify users, so that their calls are kept together")
            }
            Self::SharedId { id, sessions, of, clients } => write!(
                f,
                "{id:?} is the user of {sessions} of {of} identified sessions, over {clients} clients; it looks like a shared account or a constant"
            ),
            Self::IdPerSession { single, people } => write!(
                f,
                "{single} of {people} people have a single session; identify seems to be given an id that changes with each session"
            ),
            Self::Placeholder { id, sessions } => {
                write!(
                    f,
                    "{id:?} names nobody, yet it is the user of {sessions} sessions; leave identify unanswered where no user is known"
                )
            }
        }
    }
}

/// The warnings of these sessions, in any order.
pub fn warnings(sessions: &[SessionView<'_>]) -> Vec<Warning> {
    use std::collections::{BTreeMap, BTreeSet};
    let mut found = Vec::new();
    let called = sessions.iter().filter(|s| s.calls > 0).count() as u64;
    let single = sessions.iter().filter(|s| s.calls == 1).count() as u64;
    if called >= ENOUGH && single * 2 > called {
        found.push(Warning::Fragmented { single, sessions: called, split: splits(sessions) });
    }
    let mut people: BTreeMap<&str, (u64, BTreeSet<&str>)> = BTreeMap::new();
    for session in sessions {
        if let Some(person) = session.person {
            let (n, clients) = people.entry(person).or_default();
            *n += 1;
            clients.extend(session.client);
        }
    }
    let identified: u64 = people.values().map(|(n, _)| n).sum();
    for (id, (n, clients)) in &people {
        if PLACEHOLDERS.binary_search(&id.trim().to_lowercase().as_str()).is_ok() {
            found.push(Warning::Placeholder { id: (*id).to_owned(), sessions: *n });
        } else if identified >= ENOUGH && n * 2 > identified && people.len() > 1 && clients.len() > 1 {
            let clients = clients.len() as u64;
            found.push(Warning::SharedId { id: (*id).to_owned(), sessions: *n, of: identified, clients });
        }
    }
    let once = people.values().filter(|(n, _)| *n == 1).count() as u64;
    if people.len() as u64 >= ENOUGH && once * 20 >= people.len() as u64 * 19 {
        found.push(Warning::IdPerSession { single: once, people: people.len() as u64 });
    }
    found
}

/// Sessions that began less than 30 minutes after another of the same person and client had ended.
fn splits(sessions: &[SessionView<'_>]) -> u64 {
    const GAP_US: i64 = 30 * 60 * 1_000_000;
    let mut order: Vec<&SessionView<'_>> = sessions.iter().filter(|s| s.person.is_some()).collect();
    order.sort_by_key(|s| (s.person, s.client, s.started_us));
    let pairs = order.iter().zip(order.iter().skip(1));
    let near = pairs.filter(|(a, b)| {
        (a.person, a.client) == (b.person, b.client) && (0..=GAP_US).contains(&(b.started_us - a.last_us))
    });
    near.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session<'a>(minute: i64, calls: u64, person: Option<&'a str>, client: &'a str) -> SessionView<'a> {
        let at = minute * 60_000_000;
        SessionView { started_us: at, last_us: at, calls, person, client: Some(client) }
    }

    #[test]
    fn placeholders_are_in_order() {
        assert!(PLACEHOLDERS.is_sorted());
    }

    #[test]
    fn warnings_by_case() {
        let whole: Vec<_> =
            (0..30).map(|i| session(i * 60, 5, Some(["ann", "bob", "cy"][i as usize % 3]), "c")).collect();
        assert_eq!(warnings(&whole), []);
        let pieces: Vec<_> = (0..30).map(|i| session(i, 1, Some("ann"), "c")).collect();
        assert_eq!(warnings(&pieces), [Warning::Fragmented { single: 30, sessions: 30, split: 29 }]);
        assert_eq!(warnings(&pieces[..19]), []);

        let mut shared: Vec<_> =
            (0..20).map(|i| session(i * 60, 3, Some("svc"), ["a", "b"][i as usize % 2])).collect();
        shared.extend([session(1, 3, Some("ann"), "a"), session(2, 3, Some("Undefined"), "a")]);
        assert_eq!(
            warnings(&shared),
            [
                Warning::Placeholder { id: "Undefined".into(), sessions: 1 },
                Warning::SharedId { id: "svc".into(), sessions: 20, of: 22, clients: 2 },
            ]
        );
        let ids: Vec<String> = (0..25).map(|i| format!("s-{i}")).collect();
        let each: Vec<_> = ids.iter().map(|id| session(0, 3, Some(id), "a")).collect();
        assert_eq!(warnings(&each), [Warning::IdPerSession { single: 25, people: 25 }]);
    }
}
