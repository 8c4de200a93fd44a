//! Groups taken out of others by hand ([`trackway_core::issue::apart`]): what was said is kept in the ledger, the commit asks it of
//! every failure, and failures that were there before are moved in steps, in the writer's chores.
//!
//! Invariants: a word is kept before the first failure moves, so that new ones follow it at once; after the last step both groups
//! are what they would be, had the word been said before the first failure (INV-04, INV-05).

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension};
use trackway_core::issue::apart::{self, By, DEPTH, Failure, Word};
use trackway_core::issue::{Fingerprint, normalise};
use trackway_event::Timestamp;

use super::{Failed, Issues, State, load};
use crate::query::{TakeOut, VARIANT_EVENTS};
use crate::sqlite::control::sql;
use crate::sqlite::work;
use crate::{Result, StoreError};

/// Failures looked at in one step.
const STEP: usize = if cfg!(test) { 3 } else { 5_000 };
/// Groups of one project that are taken out by hand.
const WORDS: usize = 200;

/// What was said, as far as the writer remembers it.
#[derive(Default)]
pub(super) struct Apart {
    words: Option<Vec<Word>>,
}

impl Apart {
    /// The group of a failure whose own is `group`.
    pub(super) fn group_of(
        &mut self,
        conn: &Connection,
        group: Fingerprint,
        f: &Failed<'_>,
    ) -> Result<Fingerprint> {
        let words = match &mut self.words {
            Some(words) => words,
            none => none.insert(read(conn)?),
        };
        if !words.iter().any(|word| word.from == group) {
            return Ok(group);
        }
        let client: Option<String> = match f.client {
            Some(peer) => {
                conn.prepare_cached(sql!("peer.name"))?.query_row([peer], |r| r.get(0)).optional()?
            }
            None => None,
        };
        let message = f.event.error.as_ref().map_or("", |e| &*e.message);
        Ok(apart::group_of(group, &*words, &Failure { message, client: client.as_deref() }))
    }
}

/// By what a group was taken out of another.
pub(super) fn by_of(conn: &Connection, made: Fingerprint) -> Result<Option<By>> {
    let mut statement = conn.prepare_cached(sql!("issue_apart.exists"))?;
    let found =
        statement.query_row([made.0], |r| Ok(By::parse(&r.get::<_, String>(0)?, &r.get::<_, String>(1)?)));
    Ok(found.optional()?.flatten())
}

/// Everything that was said, in order.
fn read(conn: &Connection) -> Result<Vec<Word>> {
    let mut statement = conn.prepare_cached(sql!("issue_apart.list"))?;
    let mut rows = statement.query([])?;
    let mut words = Vec::new();
    while let Some(r) = rows.next()? {
        // A word of a newer program is one this program cannot follow.
        if let Some(by) = By::parse(&r.get::<_, String>(1)?, &r.get::<_, String>(2)?) {
            words.push(Word { from: Fingerprint(r.get(0)?), by });
        }
    }
    Ok(words)
}

/// Takes failures of a group out into one of their own, and moves the first of them. `next` is the number of a new group. `false`
/// when there is no such group.
pub(in crate::sqlite) fn take_out(
    conn: &Connection,
    group: i64,
    what: &TakeOut,
    (who, now): (&str, Timestamp),
) -> Result<bool> {
    let refuse = |why: String| Err(StoreError::BadQuestion(why));
    let found =
        conn.prepare_cached(sql!("issue.fingerprint"))?.query_row([group], |r| r.get(0)).optional()?;
    let Some(from) = found.map(Fingerprint) else { return Ok(false) };
    let newest = failures(conn, group, (i64::MAX, 0), VARIANT_EVENTS)?;
    let by = match what {
        TakeOut::Client(name) => By::Client(name.clone()),
        TakeOut::Message(text) => {
            // Forms write line breaks in their own way.
            let plain = |text: &str| text.trim().replace("\r\n", "\n").replace('\r', "\n");
            let asked = plain(text);
            let text = newest.iter().map(|f| f.message.trim()).find(|m| plain(m) == asked).unwrap_or(&asked);
            let like = normalise(text);
            // Where all of them read alike, only the words themselves tell them apart.
            let alike = newest.iter().all(|f| normalise(f.message.trim()) == like);
            if alike { By::Message(text.to_owned()) } else { By::Alike(like) }
        }
    };
    let fits = newest.iter().filter(|f| by.takes(&f.failure())).count();
    if fits == 0 {
        return refuse(format!("none of the newest failures of #{group} has it; look at the issue again"));
    }
    if fits == newest.len() && fits < VARIANT_EVENTS {
        return refuse(format!("every failure of #{group} has it: there is nothing to take it out of"));
    }
    let words = read(conn)?;
    let mut depth = (1, from);
    while let Some(word) = words.iter().find(|word| word.made() == depth.1) {
        depth = (depth.0 + 1, word.from);
    }
    if words.len() >= WORDS || depth.0 > DEPTH {
        return refuse(format!(
            "more than {WORDS} issues of a project, and {DEPTH} out of each other, are not taken out by hand; merge some first"
        ));
    }
    let word = Word { from, by };
    let made = word.made();
    if conn.prepare_cached(sql!("issue_apart.exists"))?.exists([made.0])? {
        return refuse("it is taken out already, and its failures are moving; wait a moment".into());
    }
    let Some(source) = load(conn, from)? else { return Ok(false) };
    let mut issues = Issues::new();
    if !issues.touch(conn, made)? {
        let row = conn.prepare_cached(sql!("ledger.next"))?.query_row([], |r| r.get::<_, i64>(4))? + 1;
        issues.touched.insert(made, State { row, events: 0, by: Some(word.by.clone()), ..source });
    }
    let row = issues.touched.get(&made).map_or(0, |state| state.row);
    issues.write(conn)?;
    let (what, value) = word.by.parts();
    conn.prepare_cached(sql!("issue_apart.insert"))?.execute((from.0, made.0, what, value))?;
    work::note_taken_out(conn, group, row, &word.by, (who, now))?;
    step(conn)?;
    Ok(true)
}

/// Whether failures are still to be moved.
pub(in crate::sqlite) fn is_open(conn: &Connection) -> Result<bool> {
    Ok(conn.prepare_cached(sql!("issue_apart.open"))?.exists([])?)
}

/// Moves some of the failures that are still where they were; answers whether there are more.
pub(in crate::sqlite) fn step(conn: &Connection) -> Result<bool> {
    let found = conn.prepare_cached(sql!("issue_apart.open"))?.query_row([], |r| {
        let by = By::parse(&r.get::<_, String>(2)?, &r.get::<_, String>(3)?);
        let from = Fingerprint(r.get(1)?);
        Ok((r.get::<_, i64>(0)?, by.map(|by| Word { from, by }), (r.get(4)?, r.get(5)?)))
    });
    let Some((number, word, upto)) = found.optional()? else { return Ok(false) };
    let mut keep = conn.prepare_cached(sql!("issue_apart.upto"))?;
    let done = (number, None::<i64>, None::<i64>);
    let mut issues = Issues::new();
    let Some(word) = word else {
        keep.execute(done)?;
        return is_open(conn);
    };
    let made = word.made();
    if !(issues.touch(conn, word.from)? && issues.touch(conn, made)?) {
        keep.execute(done)?;
        return is_open(conn);
    }
    let row_of = |issues: &Issues, of: Fingerprint| issues.touched.get(&of).map_or(0, |state| state.row);
    let (from_row, made_row) = (row_of(&issues, word.from), row_of(&issues, made));
    let rows = failures(conn, from_row, upto, STEP)?;
    let mut put = conn.prepare_cached(sql!("issue_apart.move"))?;
    let mut moved = HashSet::new();
    for row in rows.iter().filter(|row| word.by.takes(&row.failure())) {
        put.execute((row.seq, made_row))?;
        moved.insert(row.id.as_str());
    }
    if !moved.is_empty() {
        if let Some(state) = issues.touched.get_mut(&word.from) {
            state.events -= moved.len() as i64;
            // What expired stays the first that was seen.
            if [&state.first.1, &state.last.1].iter().any(|id| moved.contains(id.as_str())) {
                state.retell(conn)?;
            }
        }
        if let Some(state) = issues.touched.get_mut(&made) {
            state.events += moved.len() as i64;
            state.retell(conn)?;
        }
        issues.write(conn)?;
    }
    match rows.last().filter(|_| rows.len() == STEP) {
        Some(last) => keep.execute((number, Some(last.at), Some(last.seq)))?,
        None => keep.execute(done)?,
    };
    is_open(conn)
}

/// A failure as it lies in its row.
struct Row {
    seq: i64,
    at: i64,
    id: String,
    message: String,
    client: Option<String>,
}

impl Row {
    fn failure(&self) -> Failure<'_> {
        Failure { message: &self.message, client: self.client.as_deref() }
    }
}

/// The newest failures of a group before a start and number.
fn failures(conn: &Connection, group: i64, before: (i64, i64), most: usize) -> Result<Vec<Row>> {
    let mut statement = conn.prepare_cached(sql!("issue_apart.failures"))?;
    let rows = statement.query_map((group, before.0, before.1, most as i64), |r| {
        let message = r.get::<_, Option<String>>(2)?.unwrap_or_default();
        Ok(Row { seq: r.get(0)?, at: r.get(1)?, message, client: r.get(3)?, id: r.get(4)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
