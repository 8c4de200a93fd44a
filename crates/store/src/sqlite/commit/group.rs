//! The spans of grouped sessions around the times at which events arrive, so that placing an event (D13) seldom asks the
//! file. Kept in step by the commit; [`trackway_core::grouping::place`] decides.

use rusqlite::Connection;
use trackway_core::grouping::{self, Placement, Span};
use trackway_event::Timestamp;

use crate::Result;
use crate::sqlite::cache::{Cache, Map};
use crate::sqlite::control::sql;

/// How far around an event spans are read.
const AROUND_US: i64 = 24 * 3_600 * 1_000_000;
/// Spans of one key that are remembered from one commit to the next.
const REMEMBERED: usize = 64;

/// Person and client name.
pub(super) type Key = (i64, i64);

/// Grouped sessions near the events of late.
pub(super) struct Groups {
    known: Cache<Key, Window>,
    /// Those the running commit touched; never forgotten before its end.
    touched: Map<Key, Window>,
}

/// Every span of a key that touches a stretch of time.
struct Window {
    from: Timestamp,
    to: Timestamp,
    /// In the order they were minted.
    spans: Vec<(i64, Span)>,
}

impl Groups {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(10_000), touched: Map::default() }
    }

    /// What an event of this key and start does. The numbers of the answer are for [`Self::joined`] and
    /// [`Self::bridged`].
    pub(super) fn place(
        &mut self,
        conn: &Connection,
        key: Key,
        start: Timestamp,
        cuts: &[Timestamp],
    ) -> Result<Placement> {
        let (from, to) = grouping::reach(start);
        let window = match self.touched.remove(&key).or_else(|| self.known.remove(&key)) {
            Some(window) if window.from <= from && to <= window.to => window,
            other => read(conn, key, start, other)?,
        };
        let spans: Vec<Span> = window.spans.iter().map(|(_, span)| *span).collect();
        self.touched.insert(key, window);
        Ok(grouping::place(start, &spans, cuts))
    }

    /// The event started session `row`.
    pub(super) fn started(&mut self, key: Key, row: i64, start: Timestamp) {
        if let Some(window) = self.touched.get_mut(&key) {
            window.spans.push((row, Span::at(start)));
        }
    }

    /// The event joined; answers the session's row.
    pub(super) fn joined(&mut self, key: Key, place: usize, start: Timestamp) -> i64 {
        let (row, span) = &mut self.window(key).spans[place];
        *span = span.join(Span::at(start));
        *row
    }

    /// The event made several one; answers the rows of the one that stays and of those that go.
    pub(super) fn bridged(
        &mut self,
        key: Key,
        keep: usize,
        gone: &[usize],
        start: Timestamp,
    ) -> (i64, Vec<i64>) {
        let window = self.window(key);
        let ended: Vec<(i64, Span)> = gone.iter().map(|i| window.spans[*i]).collect();
        let (row, span) = &mut window.spans[keep];
        let row = *row;
        *span = ended.iter().fold(span.join(Span::at(start)), |all, (_, span)| all.join(*span));
        let gone: Vec<i64> = ended.into_iter().map(|(row, _)| row).collect();
        window.spans.retain(|(row, _)| !gone.contains(row));
        (row, gone)
    }

    /// Remembers for the next commit what this one touched.
    pub(super) fn end(&mut self) {
        for (key, window) in self.touched.drain() {
            if window.spans.len() <= REMEMBERED {
                self.known.insert(key, window);
            }
        }
    }

    fn window(&mut self, key: Key) -> &mut Window {
        self.touched.get_mut(&key).expect("`place` was called for this key in this commit")
    }
}

/// Reads the spans around `start` and around what was known; what was known is newer than the file.
fn read(conn: &Connection, key: Key, start: Timestamp, known: Option<Window>) -> Result<Window> {
    let (mut from, mut to) = (start.plus_micros(-AROUND_US), start.plus_micros(AROUND_US));
    let mut spans = Vec::new();
    if let Some(known) = known {
        (from, to) = (from.min(known.from), to.max(known.to));
        spans = known.spans;
    }
    let mut statement = conn.prepare_cached(sql!("session.neighbours"))?;
    let mut rows = statement.query((key.0, key.1, from.micros(), to.micros()))?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        if !spans.iter().any(|(known, _)| *known == number) {
            let time = |i| row.get::<_, i64>(i).map(Timestamp::from_micros);
            spans.push((number, Span { first: time(1)?, last: time(2)? }));
        }
    }
    spans.sort_unstable_by_key(|(row, _)| *row);
    Ok(Window { from, to, spans })
}
