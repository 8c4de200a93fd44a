//! Sessions for events that carry none (AC R21, D13): same actor, same client, starts at most 30:00.000 apart.
//!
//! The definition is [`components`]: sort the starts of one [`GroupKey`] and cut where the gap is longer, or an operator cut. [`place`] reaches
//! the same partition one event at a time in any order (INV-04): an event joins the one session in reach, bridges
//! two, or starts a new one; it never splits. Called by the store's writer.

use trackway_event::{ActorId, Event, Input, SessionId, SessionSource, Timestamp, limits};

use crate::person;

/// The longest gap that still joins, µs; exactly this long joins.
const GAP_US: i64 = limits::SESSION_GAP.as_micros() as i64;

/// Which session an event goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The one it names.
    Named(SessionId),
    /// One of this key's, by its time.
    Grouped(GroupKey),
    /// One of its own: nobody can be told apart.
    Alone,
    /// None: identity facts and protocol noise without a session make none (AC R24).
    Nowhere,
}

/// What stateless sessions are told apart by, inside a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    /// The raw actor id at event time.
    pub actor: ActorId,
    /// The client's name; unknown counts as a value of its own, `""`.
    pub client: Box<str>,
}

/// Which session an event goes to. The caller mints ids and asks [`place`] for grouped ones.
pub fn rule(event: &Event) -> Rule {
    if let Some(id) = &event.session_id {
        return Rule::Named(id.clone());
    }
    if !event.kind.is_activity() {
        return Rule::Nowhere;
    }
    // PostHog's other events, of the application, belong to no session of an agent (PH R28).
    if event.input == Input::Posthog && event.session_source == Some(SessionSource::None) {
        return Rule::Nowhere;
    }
    match person::legal_actor(event) {
        None => Rule::Alone,
        Some(actor) => Rule::Grouped(GroupKey {
            actor: actor.id.clone(),
            client: event.client.as_ref().map_or_else(Default::default, |c| c.name.clone()),
        }),
    }
}

/// First and latest start of a grouped session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First start.
    pub first: Timestamp,
    /// Latest start.
    pub last: Timestamp,
}

impl Span {
    /// The span of one event.
    pub const fn at(start: Timestamp) -> Self {
        Self { first: start, last: start }
    }

    /// The span over both.
    pub fn join(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    /// Whether an event of this start belongs to a session of this span.
    pub const fn reaches(self, start: Timestamp) -> bool {
        start.since(self.last) <= GAP_US && self.first.since(start) <= GAP_US
    }
}

/// What an event does to the grouped sessions of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It joins this one.
    Join(usize),
    /// It makes several one: `keep` was minted first and keeps its id, `gone` redirect to it.
    Bridge {
        /// The survivor.
        keep: usize,
        /// Those that end in it.
        gone: Vec<usize>,
    },
    /// It starts one.
    New,
}

/// Places an event among the grouped sessions of its key, given in the order they were minted. Those out of reach
/// ([`reach`]) may be left out, but the answer's numbers are positions in what was given. Nothing joins over a cut: a time at
/// which an operator split a session, where what starts then or later is another one.
pub fn place(start: Timestamp, neighbours: &[Span], cuts: &[Timestamp]) -> Placement {
    let beside = |span: &Span| cuts.iter().all(|cut| (start < *cut) == (span.first < *cut));
    let near = neighbours.iter().enumerate().filter(|(_, span)| span.reaches(start) && beside(span));
    let mut near = near.map(|(i, _)| i);
    let Some(keep) = near.next() else { return Placement::New };
    let gone: Vec<usize> = near.collect();
    if gone.is_empty() { Placement::Join(keep) } else { Placement::Bridge { keep, gone } }
}

/// Sessions whose latest start is not before, and whose first start is not after, these times are in reach of an event.
pub const fn reach(start: Timestamp) -> (Timestamp, Timestamp) {
    (start.plus_micros(-GAP_US), start.plus_micros(GAP_US))
}

/// The definition: the sessions that these starts of one key make between these cuts, in order of time, each with its starts
/// in order.
pub fn components(mut starts: Vec<Timestamp>, cuts: &[Timestamp]) -> Vec<Vec<Timestamp>> {
    let parted = |a: Timestamp, b: Timestamp| cuts.iter().any(|cut| a < *cut && *cut <= b);
    starts.sort_unstable();
    let mut sessions: Vec<Vec<Timestamp>> = Vec::new();
    for start in starts {
        match sessions.last_mut() {
            Some(session)
                if session.last().is_some_and(|l| start.since(*l) <= GAP_US && !parted(*l, start)) =>
            {
                session.push(start);
            }
            Some(_) | None => sessions.push(vec![start]),
        }
    }
    sessions
}

#[cfg(test)]
#[path = "grouping_tests.rs"]
mod tests;
