//! Listings: each distinct complete `tools/list` once, and which of them an event showed (F-115). A listing is named by the
//! hash of its tools, so the order in which its sightings arrive cannot matter (INV-04).

use rusqlite::{Connection, OptionalExtension};
use trackway_core::catalog::{self, Listed};
use trackway_event::Kind;

use super::Fresh;
use crate::sqlite::cache::Cache;
use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// Compression of the definitions: written once, read often.
const LEVEL: i32 = 9;

/// The listings as far as the writer remembers them: row, and whether the definitions are kept.
pub(super) struct Catalogs {
    known: Cache<String, (i64, bool)>,
}

impl Catalogs {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(1_000) }
    }

    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    /// Gives every event that shows a whole listing its row.
    pub(super) fn resolve(&mut self, conn: &Connection, fresh: &mut [Fresh<'_>]) -> Result<()> {
        for f in fresh.iter_mut().filter(|f| f.event.kind == Kind::ToolsList) {
            if let Some(listed) = catalog::listed(f.event) {
                f.catalog = Some(self.row(conn, &listed)?);
            }
        }
        Ok(())
    }

    fn row(&mut self, conn: &Connection, listed: &Listed<'_>) -> Result<i64> {
        let (row, filled) = match self.known.get(&listed.hash) {
            Some(known) => known,
            None => {
                conn.prepare_cached(sql!("catalog.insert"))?.execute([&listed.hash])?;
                let mut find = conn.prepare_cached(sql!("catalog.find"))?;
                find.query_row([&listed.hash], |r| Ok((r.get(0)?, r.get(1)?))).optional()?.ok_or_else(
                    || StoreError::Backend("a listing that was just written is not there".into()),
                )?
            }
        };
        if let Some(tools) = listed.tools.filter(|_| !filled) {
            let data = zstd::bulk::compress(tools.as_bytes(), LEVEL);
            let data = data.map_err(|e| StoreError::Backend(e.to_string()))?;
            conn.prepare_cached(sql!("catalog.fill"))?.execute((row, data))?;
        }
        self.known.insert(listed.hash.clone(), (row, filled || listed.tools.is_some()));
        Ok(row)
    }
}
