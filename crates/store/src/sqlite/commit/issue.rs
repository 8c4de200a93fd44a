//! Error groups.

use rusqlite::Connection;
use trackway_event::ErrorClass;

use super::Fresh;
use super::words::Words;
use crate::Result;

pub(super) struct Issues {}

impl Issues {
    pub(super) fn new() -> Self {
        Self {}
    }
    pub(super) fn clear(&mut self) {}
    pub(super) fn resolve(
        &mut self,
        _conn: &Connection,
        _words: &mut Words,
        fresh: &mut [Fresh<'_>],
        _next: &mut i64,
    ) -> Result<()> {
        for f in fresh {
            if f.event.error.is_some() || f.event.failed() {
                f.class = Some(ErrorClass::Internal);
            }
        }
        Ok(())
    }
    pub(super) fn write(&mut self, _conn: &Connection, _fresh: &[Fresh<'_>]) -> Result<()> {
        Ok(())
    }
}
