//! Which sessions are fragments of one conversation (AC R23, D14): a client that resets its MCP session, a restarted
//! process, another pod. Pure: [`links`] says which fragment continues which, by what evidence and how sure that is; the
//! caller shows linked fragments as one session, never rewrites an event, and keeps what an operator has parted.
//!
//! The rule is strict, because a wrong merge is worse than none: a fragment continues another when exactly one of the same user,
//! client and server could be the one it continues: the one that ended seconds before, or the only one that ended, with no other
//! open. So two windows side by side stay two, and where two of them ended, nobody guesses which goes on.

use std::collections::{BTreeMap, BTreeSet};

use trackway_event::SessionSource;

use crate::codec::coded;
use crate::grouping::Span;

coded! {
    /// What says that two fragments are one conversation, the strongest first.
    Evidence {
        /// The same anonymous process of the agent.
        Process = 1: "process",
        /// The same person with the same client.
        Actor = 2: "actor",
        /// The same address of the agent with the same client, both anonymous.
        Address = 3: "address",
        /// An operator's word: it counts above all others, and no rule gives it.
        Hand = 4: "hand",
    }
}

impl Evidence {
    /// The longest gap between the last event of one and the first of the other, µs; exactly this long joins. An address is
    /// soon somebody else's.
    pub const fn longest_gap_us(self) -> i64 {
        const MINUTE: i64 = 60_000_000;
        match self {
            Self::Process | Self::Actor => 30 * MINUTE,
            Self::Address => 5 * MINUTE,
            Self::Hand => i64::MAX,
        }
    }

    /// How sure a link is, in percent; a long gap takes some away. The simulator's precision is above these.
    const fn confidence(self, gap_us: i64) -> u8 {
        let long = if gap_us > 300_000_000 { 5 } else { 0 };
        match self {
            Self::Process => 98 - long,
            Self::Actor => 95 - long,
            Self::Address => 90 - long,
            Self::Hand => 100,
        }
    }
}

/// Two fragments that start this close to one another, and go on side by side, are rivals for what both could continue, µs.
const RIVAL_US: i64 = 60_000_000;

/// A client that resets is back this soon; a reader who opens another window seldom is.
const AT_ONCE_US: i64 = 30_000_000;

/// A session as it came. Numbers name what they stand for; only equality counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The caller's number for it.
    pub row: i64,
    /// Its only person; a session of several is no fragment.
    pub person: Option<i64>,
    /// The agent's process.
    pub process: Option<i64>,
    /// The agent's address.
    pub address: Option<i64>,
    /// The client's name.
    pub client: Option<i64>,
    /// The server's name.
    pub server: Option<i64>,
    /// Which rule made it.
    pub source: SessionSource,
    /// First and latest start.
    pub span: Span,
}

/// One fragment that another continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The one that ended.
    pub earlier: i64,
    /// The one that goes on.
    pub later: i64,
    /// What says so.
    pub evidence: Evidence,
    /// How sure it is, in percent.
    pub confidence: u8,
    /// From the last start of one to the first of the other, µs.
    pub gap_us: i64,
}

/// Whether sessions of this source can be fragments: where a client or an operator named the conversation, another name
/// is another conversation; grouped ones are joined by time already.
pub const fn may_continue(source: SessionSource) -> bool {
    match source {
        SessionSource::McpSession
        | SessionSource::StdioProcess
        | SessionSource::Given
        | SessionSource::Inferred => true,
        SessionSource::Operator
        | SessionSource::VendorMeta
        | SessionSource::Grouped
        | SessionSource::Trace
        | SessionSource::None => false,
    }
}

/// What an operator said of fragments, as pairs of (earlier, later).
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Parted: the later one does not continue the earlier one.
    pub apart: BTreeSet<(i64, i64)>,
    /// Joined: the later one continues the earlier one, whatever the rule says; by the later one.
    pub joined: BTreeMap<i64, i64>,
}

/// Which fragments continue which by the rule, each at most one and continued by at most one; what an operator joined is not
/// among them and stands in nobody's way. The answer does not depend on the order of the fragments.
pub fn links(fragments: &[Fragment], words: &Words) -> Vec<Link> {
    let mut order: Vec<&Fragment> = fragments.iter().filter(|f| may_continue(f.source)).collect();
    order.sort_by_key(|f| (f.span.first, f.row));
    let mut alike: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (place, fragment) in order.iter().enumerate() {
        for key in STRONGEST_FIRST.iter().filter_map(|evidence| key_of(*evidence, fragment)) {
            alike.entry(key).or_default().push(place);
        }
    }
    let mut continued: BTreeSet<i64> = words.joined.values().copied().collect();
    let mut under = words.joined.clone();
    let mut links = Vec::new();
    for (place, later) in order.iter().enumerate() {
        if words.joined.contains_key(&later.row) {
            continue;
        }
        let link = STRONGEST_FIRST.iter().find_map(|evidence| {
            let others = alike.get(&key_of(*evidence, later)?)?;
            continues(*evidence, &order, others, place, &continued)
        });
        if let Some(link) = link {
            // Parted by an operator: it ended there, and is no candidate for what comes later.
            continued.insert(link.earlier);
            if !words.apart.contains(&(link.earlier, later.row)) && !leads(&under, link.earlier, later.row) {
                under.insert(later.row, link.earlier);
                links.push(link);
            }
        }
    }
    links
}

/// Whether what a fragment continues leads to this one: an operator may have joined against the order of time.
fn leads(under: &BTreeMap<i64, i64>, from: i64, to: i64) -> bool {
    let mut at = from;
    while let Some(earlier) = under.get(&at) {
        at = *earlier;
        if at == to {
            return true;
        }
    }
    false
}

const STRONGEST_FIRST: [Evidence; 3] = [Evidence::Process, Evidence::Actor, Evidence::Address];

/// What fragments have in common that could be one conversation: the evidence, whose it is, server, client.
type Key = (Evidence, i64, Option<i64>, Option<i64>);

/// `None`: it has no such evidence.
fn key_of(evidence: Evidence, of: &Fragment) -> Option<Key> {
    match evidence {
        // A process is one client, whether or not every fragment says so.
        Evidence::Process => Some((evidence, of.process?, of.server, None)),
        Evidence::Actor => Some((evidence, of.person?, Some(of.server?), Some(of.client?))),
        Evidence::Address => match of.person {
            Some(_) => None,
            None => Some((evidence, of.address?, Some(of.server?), Some(of.client?))),
        },
        Evidence::Hand => None,
    }
}

/// `others`: places of the fragments of the same key, in order; the later one is among them.
fn continues(
    evidence: Evidence,
    order: &[&Fragment],
    others: &[usize],
    place: usize,
    continued: &BTreeSet<i64>,
) -> Option<Link> {
    let later = order.get(place)?;
    let start = later.span.first;
    let (mut near, mut far, mut open) = (Vec::new(), Vec::new(), false);
    for (at, other) in others.iter().filter(|at| **at != place).filter_map(|at| Some((*at, order.get(*at)?)))
    {
        let (a, b) = (other.span, later.span);
        let overlaps = (a.first < b.last && b.first < a.last) || a.first == b.first;
        // Somebody else behind the same address, at any time that is looked at.
        if evidence == Evidence::Address && overlaps {
            return None;
        }
        if at < place {
            let gap_us = start.since(other.span.last);
            if gap_us < 0 && start.since(other.span.first) <= RIVAL_US {
                return None;
            }
            open |= gap_us < 0;
            if (0..=evidence.longest_gap_us()).contains(&gap_us) && !continued.contains(&other.row) {
                if gap_us <= AT_ONCE_US { &mut near } else { &mut far }.push((other, gap_us));
            }
        } else if overlaps && other.span.first.since(start) <= RIVAL_US {
            return None;
        }
    }
    // What ended just before is what went on, whatever else is or was open; after a pause only where nothing else could be.
    let (at_once, rivals) = (!near.is_empty(), open || !far.is_empty());
    let candidates = if at_once { near } else { far };
    let [(earlier, gap_us)] = candidates.as_slice() else { return None };
    if (!at_once && open) || !compatible(earlier, later) {
        return None;
    }
    let doubt = if at_once && rivals { 5 } else { 0 };
    let confidence = evidence.confidence(*gap_us) - doubt;
    Some(Link { earlier: earlier.row, later: later.row, evidence, confidence, gap_us: *gap_us })
}

/// Whether nothing known of them says that they are two.
fn compatible(a: &Fragment, b: &Fragment) -> bool {
    let may = |x: Option<i64>, y: Option<i64>| x.is_none() || y.is_none() || x == y;
    may(a.person, b.person) && may(a.client, b.client)
}

#[cfg(test)]
#[path = "consolidate_tests.rs"]
mod tests;
