//! Where operators split sessions: read once, and again when one more was split. There are few: a person makes each by hand.

use rusqlite::Connection;
use trackway_event::Timestamp;

use crate::Result;
use crate::sqlite::cache::Map;
use crate::sqlite::commit::group::Key;
use crate::sqlite::control::sql;

/// Every cut of a project.
#[derive(Default)]
pub(super) struct Cuts {
    /// By the session whose id events name: from when on they belong to which part, in order of time.
    parts: Map<i64, Vec<(Timestamp, i64)>>,
    /// By person and client: times that no grouped session reaches over.
    groups: Map<Key, Vec<Timestamp>>,
}

impl Cuts {
    pub(super) fn read(conn: &Connection) -> Result<Self> {
        let mut cuts = Self::default();
        let mut statement = conn.prepare_cached(sql!("cut.all"))?;
        let mut rows = statement.query([])?;
        while let Some(r) = rows.next()? {
            let (row, origin, at) = (r.get(0)?, r.get(1)?, Timestamp::from_micros(r.get(2)?));
            cuts.parts.entry(origin).or_default().push((at, row));
            if let (Some(person), Some(client)) = (r.get(3)?, r.get(4)?) {
                cuts.groups.entry((person, client)).or_default().push(at);
            }
        }
        Ok(cuts)
    }

    /// The part that an event of this start belongs to, which names session `row`.
    pub(super) fn part(&self, row: i64, start: Timestamp) -> i64 {
        let Some(parts) = self.parts.get(&row) else { return row };
        parts.iter().rev().find(|(at, _)| *at <= start).map_or(row, |(_, part)| *part)
    }

    /// The cuts of a person and client.
    pub(super) fn of(&self, key: Key) -> &[Timestamp] {
        self.groups.get(&key).map_or(&[], Vec::as_slice)
    }
}
