//! Payloads of many events, one inflated block at a time: calls that follow each other lie in the same one. Called by reads that
//! look into the arguments or results of a bounded number of calls.

use rusqlite::OptionalExtension;
use serde_json::Value;

use super::Reader;
use crate::Result;
use crate::sqlite::commit::{Unpacked, inflate, part_of};
use crate::sqlite::control::sql;

/// Where an event's payload lies: block, offset and length.
pub(super) type Place = (Option<i64>, Option<i64>, Option<i64>);

/// The block at hand.
#[derive(Default)]
pub(super) struct Payloads {
    block: Option<(i64, Vec<u8>)>,
    inflated: usize,
}

impl Payloads {
    /// Bytes inflated so far.
    pub(super) const fn inflated(&self) -> usize {
        self.inflated
    }

    /// Whether an event's payload lies in the block at hand, or it has none.
    pub(super) fn holds(&self, (block, ..): Place) -> bool {
        block.is_none_or(|id| self.block.as_ref().is_some_and(|(known, _)| *known == id))
    }

    /// An event's payload; empty where it came without one, `None` where it was removed by age.
    pub(super) fn part(&mut self, reader: &Reader, place: Place) -> Result<Option<Unpacked>> {
        let (Some(id), Some(offset), Some(length)) = place else { return Ok(Some(Unpacked::default())) };
        if self.block.as_ref().is_none_or(|(known, _)| *known != id) {
            let mut block = reader.conn.prepare_cached(sql!("block.read"))?;
            let data: Option<Vec<u8>> = block.query_row([id], |r| r.get(0)).optional()?;
            self.block = data.map(|data| inflate(&data)).transpose()?.map(|bytes| (id, bytes));
            self.inflated += self.block.as_ref().map_or(0, |(_, bytes)| bytes.len());
        }
        let Some((_, bytes)) = &self.block else { return Ok(None) };
        part_of(bytes, offset as usize, length as usize).map(Some)
    }

    /// Its arguments; null where it came without any.
    pub(super) fn arguments(&mut self, reader: &Reader, place: Place) -> Result<Option<Value>> {
        let part = self.part(reader, place)?;
        Ok(part.map(|part| {
            part.arguments.and_then(|text| serde_json::from_str(text.get()).ok()).unwrap_or(Value::Null)
        }))
    }
}
