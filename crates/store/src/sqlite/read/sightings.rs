//! First sights of server versions and listings in a period; what was there from the beginning is no change. Filters do not
//! matter: a release is one for everybody.

use std::collections::HashSet;

use trackway_event::Timestamp;

use super::Reader;
use crate::Result;
use crate::query::{Period, SIGHTINGS, Sighted, Sighting};
use crate::sqlite::control::sql;

/// What changed in a period, the oldest first.
pub(super) fn sightings(reader: &Reader, period: Period) -> Result<Vec<Sighting>> {
    let mut found = Vec::new();
    let mut named = HashSet::new();
    let mut versions = reader.conn.prepare_cached(sql!("sighting.versions"))?;
    let mut rows = versions.query([])?;
    while let Some(r) = rows.next()? {
        let peer = super::peer(r.get(0)?, r.get(1)?);
        let Some(peer) = peer else { continue };
        if !named.insert(peer.name.clone()) {
            found.push(Sighting { at: Timestamp::from_micros(r.get(2)?), what: Sighted::Version(peer) });
        }
    }
    let mut catalogs = reader.conn.prepare_cached(sql!("sighting.catalogs"))?;
    let firsts = catalogs.query_map([], |r| {
        Ok(Sighting { at: Timestamp::from_micros(r.get(1)?), what: Sighted::Catalog(r.get(0)?) })
    })?;
    for sighting in firsts.skip(1) {
        found.push(sighting?);
    }
    found.retain(|sighting| sighting.at >= period.from && sighting.at < period.to);
    // Stable: versions before the listings of the same moment.
    found.sort_by_key(|sighting| sighting.at);
    Ok(found.split_off(found.len().saturating_sub(SIGHTINGS)))
}
