//! A change of the server at a known moment, beside series.

use serde::Serialize;
use trackway_store::query as q;
use utoipa::ToSchema;

/// The first sight of a server version, or of a tool listing.
#[derive(Debug, Serialize, ToSchema)]
pub struct SightingObject {
    /// When it was first seen.
    pub at: String,
    /// `server_version` or `catalog`.
    pub what: &'static str,
    /// The version, or the listing's hash.
    pub value: String,
    /// Name of the server whose version it is.
    pub server: Option<String>,
}

/// A tool listing by its size.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListingObject {
    /// When it was first seen.
    pub first_seen: String,
    /// Tools.
    pub tools: u64,
    /// Bytes of the definitions as minified JSON.
    pub bytes: u64,
    /// Estimated tokens.
    pub tokens: u64,
}

impl From<(trackway_event::Timestamp, q::CatalogSize)> for ListingObject {
    fn from((at, size): (trackway_event::Timestamp, q::CatalogSize)) -> Self {
        Self { first_seen: at.to_string(), tools: size.tools, bytes: size.bytes, tokens: size.tokens }
    }
}

impl From<q::Sighting> for SightingObject {
    fn from(sighting: q::Sighting) -> Self {
        let at = sighting.at.to_string();
        match sighting.what {
            q::Sighted::Version(peer) => Self {
                at,
                what: "server_version",
                value: peer.version.as_deref().unwrap_or_default().to_owned(),
                server: Some(peer.name.to_string()),
            },
            q::Sighted::Catalog(hash) => Self { at, what: "catalog", value: hash, server: None },
        }
    }
}
