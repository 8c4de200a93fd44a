//! Texts that repeat, as numbers: names, and programs with their versions.

use rusqlite::{Connection, OptionalExtension};
use trackway_event::{Event, Peer, Timestamp};

use super::Fresh;
use crate::Result;
use crate::sqlite::cache::Cache;
use crate::sqlite::control::sql;

/// The dictionaries as far as the writer remembers them.
pub(super) struct Words {
    names: Cache<Box<str>, i64>,
    peers: Cache<Peer, i64>,
}

impl Words {
    pub(super) fn new() -> Self {
        Self { names: Cache::new(20_000), peers: Cache::new(4_000) }
    }

    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.peers.clear();
    }

    /// A new event with its texts as numbers.
    pub(super) fn fresh<'a>(
        &mut self,
        conn: &Connection,
        event: &'a Event,
        repeat: Option<i64>,
        received_at: Timestamp,
        seq: i64,
    ) -> Result<Fresh<'a>> {
        Ok(Fresh {
            seq,
            event,
            received_at,
            repeat,
            tool: self.name_of(conn, event.tool.as_deref())?,
            resource: self.name_of(conn, event.resource.as_deref())?,
            client: self.peer_of(conn, event.client.as_ref())?,
            server: self.peer_of(conn, event.server.as_ref())?,
            sdk: self.peer_of(conn, event.sdk.as_ref())?,
            person: None,
            remarks: Vec::new(),
            session: None,
            accounts: Vec::new(),
            issue: None,
            class: None,
            catalog: None,
        })
    }

    /// The number of a text.
    pub(super) fn name(&mut self, conn: &Connection, text: &str) -> Result<i64> {
        if let Some(id) = self.names.get(text) {
            return Ok(id);
        }
        let found = conn.prepare_cached(sql!("name.find"))?.query_row([text], |r| r.get(0)).optional()?;
        let id = match found {
            Some(id) => id,
            None => conn.prepare_cached(sql!("name.insert"))?.insert([text])?,
        };
        self.names.insert(text.into(), id);
        Ok(id)
    }

    /// The number of a text that may be missing.
    pub(super) fn name_of(&mut self, conn: &Connection, text: Option<&str>) -> Result<Option<i64>> {
        text.map(|t| self.name(conn, t)).transpose()
    }

    /// The number of a program that may be missing.
    pub(super) fn peer_of(&mut self, conn: &Connection, peer: Option<&Peer>) -> Result<Option<i64>> {
        let Some(peer) = peer else { return Ok(None) };
        if let Some(id) = self.peers.get(peer) {
            return Ok(Some(id));
        }
        let key = (&*peer.name, peer.version.as_deref().unwrap_or(""));
        let found = conn.prepare_cached(sql!("peer.find"))?.query_row(key, |r| r.get(0)).optional()?;
        let id = match found {
            Some(id) => id,
            None => conn.prepare_cached(sql!("peer.insert"))?.insert(key)?,
        };
        self.peers.insert(peer.clone(), id);
        Ok(Some(id))
    }
}
