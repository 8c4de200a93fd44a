//! One counter of a rollup: how many events, how the calls among them went and how long they took. Sums only, so that
//! order cannot matter. They mean what [`trackway_core::rollup::Counters`] defines, and are held to it (INV-05); here they
//! are made from an event's row as well, and can give an event back.

use rusqlite::Row;
use trackway_core::sketch::Sketch;
use trackway_event::event::Flags;
use trackway_event::{Event, Kind, Status};

/// What a rollup needs of an event, from the event itself or from its row.
#[derive(Clone, Copy)]
pub(in crate::sqlite) struct Counted {
    pub(in crate::sqlite) kind: Kind,
    pub(in crate::sqlite) status: Option<Status>,
    pub(in crate::sqlite) flags: Flags,
    /// Start, µs.
    pub(in crate::sqlite) start: i64,
    pub(in crate::sqlite) duration_us: Option<u64>,
    pub(in crate::sqlite) tokens_in: u32,
    pub(in crate::sqlite) tokens_out: u32,
}

impl Counted {
    /// The first seven columns of a row; `None` of a kind that is newer than this program.
    pub(in crate::sqlite) fn read(r: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let Some(kind) = Kind::from_code(r.get(0)?) else { return Ok(None) };
        Ok(Some(Self {
            kind,
            status: r.get::<_, Option<u8>>(1)?.and_then(Status::from_code),
            flags: Flags::from_bits(r.get(2)?),
            start: r.get(3)?,
            duration_us: r.get::<_, Option<i64>>(4)?.map(|d| d as u64),
            tokens_in: r.get::<_, Option<u32>>(5)?.unwrap_or(0),
            tokens_out: r.get::<_, Option<u32>>(6)?.unwrap_or(0),
        }))
    }

    pub(super) fn of(event: &Event) -> Self {
        let tokens = event.tokens.unwrap_or_default();
        Self {
            kind: event.kind,
            status: event.status,
            flags: event.flags,
            start: event.started_at.micros(),
            duration_us: event.duration_us,
            tokens_in: tokens.input.unwrap_or(0),
            tokens_out: tokens.output.unwrap_or(0),
        }
    }

    /// Whether it is an agent-facing request that figures count.
    pub(in crate::sqlite) fn is_call(&self) -> bool {
        let open = self.flags.nested || self.flags.mrtr_open || self.status == Some(Status::InputRequired);
        !open && (self.kind == Kind::ToolCall || self.status.is_some())
    }

    /// As [`Event::failed`].
    pub(in crate::sqlite) fn failed(&self) -> bool {
        self.status.is_some_and(Status::failed) && !self.flags.nested && !self.flags.declared_error
    }

    /// What it adds to or takes from a cell.
    fn parts(&self) -> Parts {
        let call = self.is_call();
        let failed = call && self.failed();
        let timed = call && self.status.is_some_and(Status::finished);
        let tokens = if self.flags.nested { (0, 0) } else { (self.tokens_in.into(), self.tokens_out.into()) };
        Parts {
            calls: call.into(),
            finished: (failed || (call && self.status == Some(Status::Ok))).into(),
            failed: failed.into(),
            tokens,
            duration_us: self.duration_us.filter(|_| timed),
        }
    }
}

struct Parts {
    calls: u64,
    finished: u64,
    failed: u64,
    tokens: (u64, u64),
    duration_us: Option<u64>,
}

/// Sums over events.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::sqlite) struct Cell {
    pub(in crate::sqlite) events: u64,
    pub(in crate::sqlite) calls: u64,
    pub(in crate::sqlite) finished: u64,
    pub(in crate::sqlite) failed: u64,
    pub(in crate::sqlite) tokens_in: u64,
    pub(in crate::sqlite) tokens_out: u64,
    /// Latest start of any event ever added, µs; taking events out does not move it back.
    pub(in crate::sqlite) last: i64,
    /// Durations of the calls.
    pub(in crate::sqlite) sketch: Sketch,
}

impl Cell {
    /// Takes one event in.
    pub(in crate::sqlite) fn add(&mut self, e: &Counted) {
        let parts = e.parts();
        self.last = self.last.max(e.start);
        self.events += 1;
        self.calls += parts.calls;
        self.finished += parts.finished;
        self.failed += parts.failed;
        self.tokens_in += parts.tokens.0;
        self.tokens_out += parts.tokens.1;
        if let Some(us) = parts.duration_us {
            self.sketch.add(us);
        }
    }

    /// Takes one event out that was taken in.
    pub(super) fn remove(&mut self, e: &Counted) {
        let parts = e.parts();
        self.events -= 1;
        self.calls -= parts.calls;
        self.finished -= parts.finished;
        self.failed -= parts.failed;
        self.tokens_in -= parts.tokens.0;
        self.tokens_out -= parts.tokens.1;
        if let Some(us) = parts.duration_us {
            self.sketch.remove(us);
        }
    }

    /// The same with its sketch as bytes.
    pub(in crate::sqlite) fn view<'a>(&self, sketch: &'a [u8]) -> CellView<'a> {
        CellView {
            events: self.events,
            calls: self.calls,
            finished: self.finished,
            failed: self.failed,
            tokens_in: self.tokens_in,
            tokens_out: self.tokens_out,
            last: self.last,
            sketch,
        }
    }

    /// Both.
    pub(super) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.calls += other.calls;
        self.finished += other.finished;
        self.failed += other.failed;
        self.tokens_in += other.tokens_in;
        self.tokens_out += other.tokens_out;
        self.last = self.last.max(other.last);
        self.sketch.merge(&other.sketch);
    }
}

/// A cell as it lies in a row, its sketch still encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::sqlite) struct CellView<'a> {
    pub(in crate::sqlite) events: u64,
    pub(in crate::sqlite) calls: u64,
    pub(in crate::sqlite) finished: u64,
    pub(in crate::sqlite) failed: u64,
    pub(in crate::sqlite) tokens_in: u64,
    pub(in crate::sqlite) tokens_out: u64,
    pub(in crate::sqlite) last: i64,
    pub(in crate::sqlite) sketch: &'a [u8],
}

/// First byte of a row of cells; grows when the form changes.
const FORMAT: u8 = 1;

/// The cells of one bucket as bytes: per cell client, counts and the length-prefixed sketch as varints; `start` is the
/// bucket's, µs.
pub(super) fn encode(cells: &[(i64, Cell)], start: i64, out: &mut Vec<u8>) {
    out.clear();
    out.push(FORMAT);
    for (client, cell) in cells.iter().filter(|(_, c)| c.events > 0) {
        let sketch = cell.sketch.encode();
        let late = (cell.last - start).max(0) as u64;
        for n in [
            *client as u64,
            cell.events,
            cell.calls,
            cell.finished,
            cell.failed,
            cell.tokens_in,
            cell.tokens_out,
            late / 1_000,
            sketch.len() as u64,
        ] {
            put(out, n);
        }
        out.extend_from_slice(&sketch);
    }
}

/// Reads cells one by one: client and cell. `None`: the bytes are damaged.
pub(in crate::sqlite) fn decode<'a>(
    bytes: &'a [u8],
    start: i64,
    mut each: impl FnMut(i64, CellView<'a>),
) -> Option<()> {
    let (format, mut rest) = bytes.split_first()?;
    if *format != FORMAT {
        return None;
    }
    while !rest.is_empty() {
        let mut n = [0u64; 9];
        for n in &mut n {
            (*n, rest) = take(rest)?;
        }
        let [client, events, calls, finished, failed, tokens_in, tokens_out, late, length] = n;
        let (sketch, tail) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        rest = tail;
        let last = start.saturating_add_unsigned(late.saturating_mul(1_000));
        each(
            client as i64,
            CellView { events, calls, finished, failed, tokens_in, tokens_out, last, sketch },
        );
    }
    Some(())
}

/// The same as owned cells.
pub(super) fn decode_all(bytes: &[u8], start: i64) -> Option<Vec<(i64, Cell)>> {
    let mut cells = Vec::new();
    let mut sound = true;
    decode(bytes, start, |client, v| {
        let sketch = Sketch::decode(v.sketch);
        sound &= sketch.is_some();
        let cell = Cell {
            events: v.events,
            calls: v.calls,
            finished: v.finished,
            failed: v.failed,
            tokens_in: v.tokens_in,
            tokens_out: v.tokens_out,
            last: v.last,
            sketch: sketch.unwrap_or_default(),
        };
        cells.push((client, cell));
    })?;
    sound.then_some(cells)
}

fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn take(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut n = 0u64;
    for (i, b) in bytes.iter().enumerate().take(10) {
        n |= u64::from(b & 0x7f).checked_shl(7 * i as u32)?;
        if b & 0x80 == 0 {
            return Some((n, bytes.get(i + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_and_damage_is_told() {
        let mut cell = Cell::default();
        for (us, status) in [(5, Status::Ok), (900_000, Status::ToolError), (70, Status::Timeout)] {
            cell.add(&Counted {
                kind: Kind::ToolCall,
                status: Some(status),
                flags: Flags::default(),
                start: 3_600_000_000 + 5_000,
                duration_us: Some(us),
                tokens_in: 200,
                tokens_out: 70_000,
            });
        }
        assert_eq!((cell.events, cell.calls, cell.finished, cell.failed), (3, 3, 2, 1));
        let cells = vec![(0, cell.clone()), (300, cell)];
        let mut bytes = Vec::new();
        encode(&cells, 3_600_000_000, &mut bytes);
        assert_eq!(decode_all(&bytes, 3_600_000_000).unwrap(), cells);
        assert!(decode_all(&bytes[..bytes.len() - 1], 0).is_none());
        assert!(decode_all(&[9], 0).is_none());
        assert!(decode_all(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], 0).is_none());
    }
}
