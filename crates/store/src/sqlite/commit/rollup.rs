//! Rollups.

use rusqlite::Connection;

use super::Fresh;
use super::words::Words;
use crate::Result;

pub(super) struct Rollups {}

impl Rollups {
    pub(super) fn new() -> Self {
        Self {}
    }
    pub(super) fn clear(&mut self) {}
    pub(super) fn add(&mut self, _conn: &Connection, _words: &mut Words, _fresh: &[Fresh<'_>]) -> Result<()> {
        Ok(())
    }
    pub(super) fn write(&mut self, _conn: &Connection) -> Result<()> {
        Ok(())
    }
}
