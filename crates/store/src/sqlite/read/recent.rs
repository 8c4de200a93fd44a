//! The newest logical calls of a ledger, which signals, ways and neighbours are folded from. They are kept in memory and brought up to
//! date with the rows that came since, so that a page does not read twenty thousand rows to learn of ten new ones.
//!
//! Invariant: what is given is what the file holds in the snapshot of the question. The ledger counts every change to a stored call
//! (table `kept`, day -1, by triggers); after one all are read anew. A question with a filter, or about a time before what is kept, is
//! answered from the file. A debug build compares both.

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

    /// Those of a period, the newest first, if it is sure that these are all a question takes.
    fn within(&self, scope: &Scope) -> Option<impl Iterator<Item = &Call>> {
        let calls = self.calls.as_slice();
        let before = |at: Timestamp| calls.partition_point(|call| call.mark.started_at < at);
        let (from, to) = (before(scope.period.from), before(scope.period.to));
        let found = calls.get(from..to).unwrap_or_default();
        (self.whole || from > 0 || found.len() > SIGNAL_CALLS).then(|| found.iter().rev())
    }
}

/// Gives the newest calls of a scope, at most [`SIGNAL_CALLS`], the newest first; answers why there are more, if there are. Parts of a
/// call do not count.
pub(super) fn newest_calls(
    reader: &Reader,
    scope: &Scope,
    mut each: impl FnMut(&Call),
) -> Result<Option<String>> {
    let kept = if scope.filter.is_empty() { reader.recent.newest(reader)? } else { None };
    let mut looked = 0;
    let mut take = |call: &Call| {
        let room = looked < SIGNAL_CALLS;
        if room {
            looked += 1;
            each(call);
        }
        room
    };
    let Some(calls) = kept.as_ref().and_then(|kept| kept.within(scope)) else {
        return from_file(reader, scope, |call| take(&call));
    };
    let calls: Vec<&Call> = calls.take(KEPT).collect();
    if cfg!(debug_assertions) {
        let mut stored = Vec::new();
        from_file(reader, scope, |call| {
            stored.push(call);
            stored.len() < KEPT
        })?;
        debug_assert!(calls.iter().copied().eq(&stored), "a stored call changed and was not counted");
    }
    Ok(if calls.into_iter().all(take) { None } else { Some(more()) })
}

fn more() -> String {
    format!("of the newest {SIGNAL_CALLS} calls")
}

fn from_file(reader: &Reader, scope: &Scope, each: impl FnMut(Call) -> bool) -> Result<Option<String>> {
    let mut sql = Sql::new(sql!("event.calls"));
    sql.push(" AND e.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
    filter_sql::narrow(reader, &mut sql, &scope.filter)?;
    filter_sql::add(&mut sql, &scope.filter, Target::Events)?;
    sql.push(" ORDER BY e.started_at DESC, e.seq DESC");
    match each_row(reader, &sql, each) {
        Ok(true) => filter_sql::cut_matches(reader, &scope.filter),
        Ok(false) => Ok(Some(more())),
        Err(StoreError::Deadline) => Ok(Some(CUT_SHORT.to_owned())),
        Err(other) => Err(other),
    }
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
