//! The dedupe key of decision D4: 8 bytes of the client's raw time, big-endian, so that neighbours in time are neighbours
//! in the tree (random keys halve the throughput), then 8 bytes of hash over project and id.

use rusqlite::Connection;
use trackway_event::{Event, ProjectId, Timestamp};
use xxhash_rust::xxh3::Xxh3;

use crate::Result;
use crate::sqlite::control::sql;

/// A dedupe key.
pub(in crate::sqlite) type Key = [u8; 16];

/// The key of an event of this project. The receive time is never in it.
pub(super) fn key_of(project: &ProjectId, event: &Event) -> Key {
    key(event.raw_time.unwrap_or(event.started_at), hash_of(project, event.id.as_str()))
}

/// The hash half.
pub(in crate::sqlite) fn hash_of(project: &ProjectId, id: &str) -> [u8; 8] {
    let mut hash = Xxh3::new();
    hash.update(project.as_str().as_bytes());
    hash.update(&[0]);
    hash.update(id.as_bytes());
    hash.digest().to_be_bytes()
}

/// A key from its halves.
pub(in crate::sqlite) fn key(raw: Timestamp, hash: [u8; 8]) -> Key {
    let mut key = [0; 16];
    let (head, tail) = key.split_at_mut(8);
    head.copy_from_slice(&(raw.micros().max(0) as u64).to_be_bytes());
    tail.copy_from_slice(&hash);
    key
}

/// Takes the keys of the events in order; tells which were new, numbering those from `seq` on.
pub(super) fn take(
    conn: &Connection,
    keys: impl Iterator<Item = Key>,
    mut seq: i64,
) -> Result<Vec<Option<i64>>> {
    let mut insert = conn.prepare_cached(sql!("seen.insert"))?;
    let mut taken = Vec::with_capacity(keys.size_hint().0);
    for key in keys {
        let new = insert.execute((key, seq))? == 1;
        taken.push(new.then_some(seq));
        seq += i64::from(new);
    }
    Ok(taken)
}
