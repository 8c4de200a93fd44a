//! The newest logical calls of a ledger, which signals, ways and neighbours are folded from. They are kept in memory and brought up to
//! date with the rows that came since, so that a page does not read twenty thousand rows to learn of ten new ones.
//!
//! Invariant: what is given is what the file holds in the snapshot of the question. The ledger counts every change to a stored call
//! (table `kept`, day -1, by triggers); after one all are read anew. A question with a filter, or about a time before what is kept, is
//! answered from the file. A debug build compares both.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use rusqlite::{Row, params_from_iter};
use trackway_event::event::Flags;
use trackway_event::{ErrorClass, Kind, Status, Timestamp};

use super::filter_sql::{self, Target};
use super::{CUT_SHORT, Reader, Sql};
use crate::query::{Mark, SIGNAL_CALLS, Scope};
use crate::sqlite::control::{hold, sql};
use crate::{Result, StoreError};

/// One more than a question takes, so that it can say that there are more.
const KEPT: usize = SIGNAL_CALLS + 1;

/// A logical call. Numbers of names are 0 where none is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Call {
    seq: i64,
    pub(super) session: i64,
    pub(super) tool: i64,
    pub(super) mark: Mark,
    pub(super) flags: Flags,
    pub(super) repeat: Option<i64>,
    pub(super) tokens_in: u64,
    pub(super) tokens_out: Option<u64>,
    pub(super) client: i64,
    pub(super) model: i64,
    pub(super) protocol: i64,
    pub(super) sdk: i64,
    /// Who recorded, and by which wire, by their numbers.
    pub(super) recorder: (u8, u8),
    /// Whom it names, before any merge.
    pub(super) person: i64,
    pub(super) says_why: bool,
    pub(super) bad_arguments: bool,
}

impl Call {
    /// `None`: a part of a call.
    fn read(r: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let status = r.get::<_, Option<u8>>(2)?.and_then(Status::from_code);
        let flags = Flags::from_bits(r.get(3)?);
        if flags.nested || flags.mrtr_open || status == Some(Status::InputRequired) {
            return Ok(None);
        }
        let id = |at: usize| Ok::<i64, rusqlite::Error>(r.get::<_, Option<i64>>(at)?.unwrap_or(0));
        let code = |at: usize| Ok::<u8, rusqlite::Error>(r.get::<_, Option<u8>>(at)?.unwrap_or(0));
        let count = |at: usize| Ok::<_, rusqlite::Error>(r.get::<_, Option<i64>>(at)?.map(|n| n as u64));
        Ok(Some(Self {
            seq: r.get(0)?,
            mark: Mark {
                kind: Kind::ToolCall,
                status,
                started_at: Timestamp::from_micros(r.get(1)?),
                duration_us: count(6)?,
            },
            flags,
            session: id(4)?,
            tool: id(5)?,
            repeat: r.get(7)?,
            tokens_in: count(8)?.unwrap_or(0),
            tokens_out: count(9)?,
            client: id(10)?,
            model: id(11)?,
            protocol: id(12)?,
            sdk: id(13)?,
            recorder: (code(14)?, code(15)?),
            person: id(16)?,
            says_why: code(17)? != 0,
            bad_arguments: code(18)? == ErrorClass::InputSchema.code(),
        }))
    }

    fn place(&self) -> (Timestamp, i64) {
        (self.mark.started_at, self.seq)
    }
}

/// The newest calls of one ledger, shared by its readers.
#[derive(Default)]
pub(in crate::sqlite) struct Recent(Mutex<Option<Newest>>);

#[derive(Clone)]
struct Newest {
    /// The newest row that was looked at.
    upto: i64,
    /// Changes to stored calls that the ledger had counted then.
    changes: i64,
    /// Whether these are all there are.
    whole: bool,
    /// The oldest first, at most [`KEPT`].
    calls: Arc<Vec<Call>>,
}

impl Recent {
    /// Forgets everything: nobody has asked for a while.
    pub(in crate::sqlite) fn clear(&self) {
        *hold(&self.0) = None;
    }

    /// The newest calls in the reader's snapshot; `None` where another reader has already seen a newer one.
    fn newest(&self, reader: &Reader) -> Result<Option<Newest>> {
        let mut statement = reader.conn.prepare_cached(sql!("kept.calls"))?;
        let (changes, upto): (i64, i64) = statement.query_row([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        // Held while it is brought up to date: who waits would read the same rows.
        let mut kept = hold(&self.0);
        match kept.as_mut() {
            Some(known) if known.changes > changes || known.upto > upto => return Ok(None),
            Some(known) if known.changes == changes && upto - known.upto <= KEPT as i64 => {
                known.add(reader, upto)?;
            }
            Some(_) | None => *kept = Some(Newest::read(reader, changes, upto)?),
        }
        Ok(kept.clone())
    }
}

impl Newest {
    fn read(reader: &Reader, changes: i64, upto: i64) -> Result<Self> {
        let mut sql = Sql::new(sql!("event.calls"));
        sql.push(" ORDER BY e.started_at DESC, e.seq DESC");
        let mut calls = Vec::new();
        let whole = each_row(reader, &sql, |call| {
            calls.push(call);
            calls.len() < KEPT
        })?;
        calls.reverse();
        Ok(Self { upto, changes, whole, calls: Arc::new(calls) })
    }

    /// Adds what was stored since.
    fn add(&mut self, reader: &Reader, upto: i64) -> Result<()> {
        if upto == self.upto {
            return Ok(());
        }
        let mut sql = Sql::new(sql!("event.calls"));
        sql.push(" AND e.seq > ").bind(self.upto);
        let mut new = Vec::new();
        each_row(reader, &sql, |call| {
            new.push(call);
            true
        })?;
        let calls = Arc::make_mut(&mut self.calls);
        calls.extend(new);
        // Mostly in order already.
        calls.sort_by_key(Call::place);
        if calls.len() > KEPT {
            self.whole = false;
            calls.drain(..calls.len() - KEPT);
        }
        self.upto = upto;
        Ok(())
    }

    /// Those of a period, if it is sure that these are all a question takes; and whether there are more.
    fn within(self, scope: &Scope) -> Option<Calls> {
        let before = |at: Timestamp| self.calls.partition_point(|call| call.mark.started_at < at);
        let (from, to) = (before(scope.period.from), before(scope.period.to));
        let found = to.saturating_sub(from);
        let more = found > SIGNAL_CALLS;
        (self.whole || from > 0 || more).then(|| Calls {
            range: to.saturating_sub(SIGNAL_CALLS).max(from)..to,
            calls: self.calls,
            partial: more.then(told_more),
        })
    }
}

/// The newest calls of a scope.
pub(super) struct Calls {
    calls: Arc<Vec<Call>>,
    range: Range<usize>,
    /// Why there are more, if there are.
    pub(super) partial: Option<String>,
}

impl Calls {
    /// The oldest first.
    pub(super) fn as_slice(&self) -> &[Call] {
        self.calls.get(self.range.clone()).unwrap_or_default()
    }

    /// The calls of each session together, sessions in no order, their calls in that of time. A call in no session is one of its own.
    pub(super) fn by_session(&self) -> Vec<Vec<&Call>> {
        let mut keys: Vec<(i64, u32)> = (0..).zip(self.as_slice()).map(|(i, c)| (c.session, i)).collect();
        keys.sort_unstable();
        keys.chunk_by(|a, b| a.0 == b.0 && a.0 != 0)
            .map(|chunk| chunk.iter().filter_map(|(_, i)| self.as_slice().get(*i as usize)).collect())
            .collect()
    }
}

/// The newest calls of a scope, at most [`SIGNAL_CALLS`]. Parts of a call do not count.
pub(super) fn newest_calls(reader: &Reader, scope: &Scope) -> Result<Calls> {
    let kept = if scope.filter.is_empty() { reader.recent.newest(reader)? } else { None };
    let Some(calls) = kept.and_then(|kept| kept.within(scope)) else { return from_file(reader, scope) };
    if cfg!(debug_assertions) {
        let stored = from_file(reader, scope)?;
        let same = stored.as_slice() == calls.as_slice() && stored.partial == calls.partial;
        debug_assert!(same, "a stored call changed and was not counted");
    }
    Ok(calls)
}

fn told_more() -> String {
    format!("of the newest {SIGNAL_CALLS} calls")
}

fn from_file(reader: &Reader, scope: &Scope) -> Result<Calls> {
    let mut sql = Sql::new(sql!("event.calls"));
    sql.push(" AND e.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
    filter_sql::narrow(reader, &mut sql, &scope.filter)?;
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
    sql.push(" ORDER BY e.started_at DESC, e.seq DESC");
    let mut calls = Vec::new();
    let read = each_row(reader, &sql, |call| {
        let room = calls.len() < SIGNAL_CALLS;
        if room {
            calls.push(call);
        }
        room
    });
    let partial = match read {
        Ok(true) => filter_sql::cut_matches(reader, &scope.filter)?,
        Ok(false) => Some(told_more()),
        Err(StoreError::Deadline) => Some(CUT_SHORT.to_owned()),
        Err(other) => return Err(other),
    };
    calls.reverse();
    Ok(Calls { range: 0..calls.len(), calls: Arc::new(calls), partial })
}

/// Whether all were taken; `each` says whether it takes more.
fn each_row(reader: &Reader, sql: &Sql, mut each: impl FnMut(Call) -> bool) -> Result<bool> {
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    while let Some(row) = rows.next()? {
        if let Some(call) = Call::read(row)?
            && !each(call)
        {
            return Ok(false);
        }
    }
    Ok(true)
}
