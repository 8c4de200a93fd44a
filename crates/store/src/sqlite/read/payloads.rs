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
pub(super) struct Payloads(Option<(i64, Vec<u8>)>);

impl Payloads {
    /// An event's payload; empty where it came without one, `None` where it was removed by age.
    pub(super) fn part(&mut self, reader: &Reader, place: Place) -> Result<Option<Unpacked>> {
        let (Some(id), Some(offset), Some(length)) = place else { return Ok(Some(Unpacked::default())) };
        if self.0.as_ref().is_none_or(|(known, _)| *known != id) {
            let mut block = reader.conn.prepare_cached(sql!("block.read"))?;
            let data: Option<Vec<u8>> = block.query_row([id], |r| r.get(0)).optional()?;
            self.0 = data.map(|data| inflate(&data)).transpose()?.map(|bytes| (id, bytes));
        }
        let Some((_, bytes)) = &self.0 else { return Ok(None) };
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
