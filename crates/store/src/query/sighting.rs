//! What changed at a known moment: first sights of server versions and of tool listings, for the top edge of charts.

use trackway_event::{Peer, Timestamp};

/// Sightings of one period that are told, the newest.
pub const SIGHTINGS: usize = 20;

/// A change of the server, by its first sight ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// When it was first seen.
    pub at: Timestamp,
    /// What was.
    pub what: Sighted,
}

/// What was first seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighted {
    /// A version of a server that was seen in another before.
    Version(Peer),
    /// A tool listing after another, by its hash.
    Catalog(String),
}
