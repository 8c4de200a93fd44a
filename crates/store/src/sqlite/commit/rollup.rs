//! Hourly and daily rollups, added up in memory per commit and written through a cache.
//!
//! One row holds the cells of all clients of one (grain, bucket, kind, tool): a commit of a thousand events then writes
//! some hundred rows, and a month of days is read in a few thousand. Tool 0 is all tools of the kind together.

use rusqlite::{Connection, OptionalExtension};
use trackway_event::Kind;

use super::Fresh;
use super::cell::{self, Cell, Counted};
use super::words::Words;
use crate::sqlite::cache::{Cache, Map};
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// Microseconds of an hour and of a day.
pub(in crate::sqlite) const HOUR_US: i64 = 3_600_000_000;
pub(in crate::sqlite) const DAY_US: i64 = 24 * HOUR_US;
/// The grains, as in the rows, with their lengths.
pub(in crate::sqlite) const HOURS: i64 = 0;
pub(in crate::sqlite) const DAYS: i64 = 1;
const GRAINS: [(i64, i64); 2] = [(HOURS, HOUR_US), (DAYS, DAY_US)];
/// Tool of the row that sums all tools of a kind.
pub(in crate::sqlite) const ALL: i64 = 0;

/// Grain, bucket, kind, tool.
type Key = (i64, i64, u8, i64);

/// The rollups as far as the writer remembers them.
pub(super) struct Rollups {
    known: Cache<Key, Vec<(i64, Cell)>>,
    touched: Map<Key, Vec<(i64, Cell)>>,
    bytes: Vec<u8>,
}

impl Rollups {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(8_000), touched: Map::default(), bytes: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Adds the events of a commit; `client_of` is the client of an event's session.
    pub(super) fn add(
        &mut self,
        conn: &Connection,
        words: &mut Words,
        fresh: &[Fresh<'_>],
        client_of: impl Fn(i64) -> Option<i64>,
    ) -> Result<()> {
        let mut sums: Map<(i64, u8, i64, i64), Cell> = Map::default();
        for f in fresh.iter().filter(|f| f.event.kind != Kind::Protocol) {
            let counted = Counted::of(f.event);
            let tool = match named(f.event.kind, f.tool, f.resource) {
                Named::Yes(Some(tool)) => tool,
                Named::Yes(None) => words.name(conn, "")?,
                Named::No => ALL,
            };
            let client = f.client.or_else(|| f.session.and_then(&client_of)).unwrap_or(0);
            let hour = counted.start.div_euclid(HOUR_US);
            sums.entry((hour, f.event.kind.code(), tool, client)).or_default().add(&counted);
        }
        for ((hour, kind, tool, client), sum) in sums {
            self.each(conn, hour, kind, tool, client, |cell| cell.merge(&sum))?;
        }
        Ok(())
    }

    /// Moves events from one client's cells to another's: their session's client has become known, or another one.
    pub(super) fn shift(
        &mut self,
        conn: &Connection,
        words: &mut Words,
        events: &[super::session::Clientless],
        from: Option<i64>,
        to: Option<i64>,
    ) -> Result<()> {
        if from == to {
            return Ok(());
        }
        for e in events.iter().filter(|e| e.counted.kind != Kind::Protocol) {
            let tool = match named(e.counted.kind, e.tool, e.resource) {
                Named::Yes(Some(tool)) => tool,
                Named::Yes(None) => words.name(conn, "")?,
                Named::No => ALL,
            };
            let (hour, kind) = (e.counted.start.div_euclid(HOUR_US), e.counted.kind.code());
            self.each(conn, hour, kind, tool, from.unwrap_or(0), |cell| cell.remove(&e.counted))?;
            self.each(conn, hour, kind, tool, to.unwrap_or(0), |cell| cell.add(&e.counted))?;
        }
        Ok(())
    }

    /// Counts an event in another way than before: the call it counts for has become a longer one.
    pub(super) fn recount(
        &mut self,
        conn: &Connection,
        words: &mut Words,
        event: &super::session::Clientless,
        (old, new): (Counted, Counted),
        client: Option<i64>,
    ) -> Result<()> {
        let tool = match named(old.kind, event.tool, event.resource) {
            Named::Yes(Some(tool)) => tool,
            Named::Yes(None) => words.name(conn, "")?,
            Named::No => ALL,
        };
        let hour = old.start.div_euclid(HOUR_US);
        self.each(conn, hour, old.kind.code(), tool, client.unwrap_or(0), |cell| {
            cell.remove(&old);
            cell.add(&new);
        })
    }

    /// Writes what the commit touched.
    pub(super) fn write(&mut self, conn: &Connection) -> Result<()> {
        let mut keys: Vec<Key> = self.touched.keys().copied().collect();
        keys.sort_unstable();
        let mut write = conn.prepare_cached(sql!("rollup.write"))?;
        for key in keys {
            let Some(cells) = self.touched.remove(&key) else { continue };
            cell::encode(&cells, start_of(key.0, key.1), &mut self.bytes);
            write.execute((key.0, key.1, key.2, key.3, &self.bytes))?;
            self.known.insert(key, cells);
        }
        Ok(())
    }

    /// Changes the cell of a client in every row it counts in: hour and day, its tool and all tools.
    fn each(
        &mut self,
        conn: &Connection,
        hour: i64,
        kind: u8,
        tool: i64,
        client: i64,
        mut change: impl FnMut(&mut Cell),
    ) -> Result<()> {
        for (grain, length) in GRAINS {
            let bucket = (hour * HOUR_US).div_euclid(length);
            let tools: &[i64] = if tool == ALL { &[ALL] } else { &[ALL, tool] };
            for tool in tools {
                let cells = self.cells(conn, (grain, bucket, kind, *tool))?;
                let place = match cells.iter().position(|(c, _)| *c == client) {
                    Some(place) => place,
                    None => {
                        cells.push((client, Cell::default()));
                        cells.len() - 1
                    }
                };
                if let Some((_, cell)) = cells.get_mut(place) {
                    change(cell);
                }
            }
        }
        Ok(())
    }

    fn cells(&mut self, conn: &Connection, key: Key) -> Result<&mut Vec<(i64, Cell)>> {
        use std::collections::hash_map::Entry;
        match self.touched.entry(key) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let cells = match self.known.remove(&key) {
                    Some(cells) => cells,
                    None => load(conn, key)?,
                };
                Ok(entry.insert(cells))
            }
        }
    }
}

/// Start of a bucket, µs.
pub(in crate::sqlite) const fn start_of(grain: i64, bucket: i64) -> i64 {
    if grain == DAYS { bucket * DAY_US } else { bucket * HOUR_US }
}

/// Whether figures tell events of a kind apart by a name, and by which.
pub(in crate::sqlite) enum Named {
    Yes(Option<i64>),
    No,
}

/// The name that figures of a kind go by.
pub(in crate::sqlite) const fn named(kind: Kind, tool: Option<i64>, resource: Option<i64>) -> Named {
    match kind {
        Kind::ToolCall => Named::Yes(tool),
        Kind::ResourceRead | Kind::PromptGet | Kind::Custom => Named::Yes(resource),
        Kind::Identify
        | Kind::Protocol
        | Kind::Alias
        | Kind::GroupIdentify
        | Kind::PersonUpdate
        | Kind::ToolsList
        | Kind::Initialize
        | Kind::ResourcesList
        | Kind::ResourceTemplatesList
        | Kind::PromptsList
        | Kind::Completion
        | Kind::MissingCapability
        | Kind::Feedback
        | Kind::Exception
        | Kind::Discover => Named::No,
    }
}

fn load(conn: &Connection, key: Key) -> Result<Vec<(i64, Cell)>> {
    let found: Option<Vec<u8>> =
        conn.prepare_cached(sql!("rollup.read"))?.query_row(key, |r| r.get(0)).optional()?;
    let Some(bytes) = found else { return Ok(Vec::new()) };
    cell::decode_all(&bytes, start_of(key.0, key.1)).ok_or_else(|| StoreError::Corrupt {
        path: Default::default(),
        reason: format!("rollup {key:?} cannot be read"),
    })
}
