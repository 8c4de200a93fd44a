//! Fragments of one conversation in a ledger (D14): keeps what [`trackway_core::consolidate`] says of the sessions around a
//! changed one. Called by the writer inside its transaction, and by an operator's undo inside one of its own. Events keep
//! their session; only rows of sessions change, and change back.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension};
use trackway_core::consolidate::{Evidence, Fragment, Link, Words, links, may_continue};
use trackway_core::grouping::Span;
use trackway_event::{SessionId, SessionSource, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::control::sql;
use crate::query::{Aside, Joined};
use crate::{Result, StoreError};

/// Sessions that are looked at around one; where more could hang together nothing is joined.
const AROUND: usize = 64;
/// How long before a session one may have begun that it continues or that stands beside it, µs: as long as order may not matter
/// (INV-04).
const BEFORE_US: i64 = 7 * 24 * 3_600_000_000;

/// How a session stands now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    pub(super) row: i64,
    /// The one it is shown under.
    pub(super) under: Option<i64>,
    /// Whether others are shown under it.
    pub(super) heads: Shows,
    /// When its end moves beyond this, one that begins later may be what continues it, µs.
    pub(super) until: i64,
}

/// Whose figures a session's row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// Its own.
    Own,
    /// Those of all its fragments.
    Sum,
}

struct Known {
    fragment: Fragment,
    eligible: Eligible,
    head: Option<i64>,
    link: Option<(Link, Word)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Eligible {
    Yes,
    No,
}

/// Whether a link counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Counts,
    Parted,
}

impl Known {
    /// What an operator joined this one with, how far apart they are now.
    fn by_hand(&self, around: &BTreeMap<i64, Self>) -> Option<Link> {
        let (link, word) = self.link?;
        let counts = link.evidence == Evidence::Hand && word == Word::Counts;
        let earlier = around.get(&link.earlier).filter(|_| counts)?;
        let gap_us = self.fragment.span.first.since(earlier.fragment.span.last);
        Some(Link { gap_us, ..link })
    }
}

/// A text as a number that stands for it.
pub(super) fn number(text: &str) -> i64 {
    xxh3_64(text.as_bytes()) as i64
}

/// Looks anew at these sessions and those around them; answers how everyone that was looked at stands.
pub(super) fn settle(conn: &Connection, seeds: &[i64]) -> Result<Vec<Stand>> {
    let mut stands: Vec<Stand> = Vec::new();
    for seed in seeds {
        if stands.iter().any(|s| s.row == *seed) {
            continue;
        }
        let (around, crowd) = around(conn, *seed)?;
        stands.extend(settle_all(conn, &around, crowd)?);
    }
    Ok(stands)
}

fn settle_all(conn: &Connection, around: &BTreeMap<i64, Known>, crowd: Crowd) -> Result<Vec<Stand>> {
    let fragments: Vec<Fragment> =
        around.values().filter(|k| k.eligible == Eligible::Yes).map(|k| k.fragment.clone()).collect();
    let parted = |known: &&Known| known.link.is_some_and(|(_, word)| word == Word::Parted);
    let by_hand: Vec<Link> = around.values().filter_map(|k| k.by_hand(around)).collect();
    let words = Words {
        apart: around
            .values()
            .filter(parted)
            .filter_map(|k| k.link.map(|(l, _)| (l.earlier, l.later)))
            .collect(),
        joined: by_hand.iter().map(|link| (link.later, link.earlier)).collect(),
    };
    let mut wanted: BTreeMap<i64, Link> =
        links(&fragments, &words).into_iter().map(|link| (link.later, link)).collect();
    // What an operator parted continues nothing else either.
    wanted.retain(|later, _| around.get(later).is_some_and(|k| !parted(&k)));
    if crowd == Crowd::TooMany {
        // What was joined while they were few comes apart again: order must not matter.
        wanted.clear();
    }
    wanted.extend(by_hand.into_iter().map(|link| (link.later, link)));

    for (row, known) in around {
        let stored = known.link.filter(|(_, word)| *word == Word::Counts).map(|(link, _)| link);
        match (stored, wanted.get(row)) {
            (stored, Some(link)) if stored != Some(*link) => {
                conn.prepare_cached(sql!("joined.link"))?.execute((
                    row,
                    link.earlier,
                    link.evidence.code(),
                    link.confidence,
                    link.gap_us,
                ))?;
            }
            (Some(_), None) => drop(conn.prepare_cached(sql!("joined.unlink"))?.execute([row])?),
            (_, _) => {}
        }
    }
    let head_of = |row: i64| {
        let mut at = row;
        while let Some(link) = wanted.get(&at) {
            at = link.earlier;
        }
        (at != row).then_some(at)
    };
    let heads: BTreeSet<i64> = wanted.keys().filter_map(|later| head_of(*later)).collect();
    let mut were: BTreeSet<i64> = around.values().filter_map(|k| k.head).collect();
    for row in around.keys() {
        if conn.prepare_cached(sql!("joined.is_head"))?.exists([row])? {
            were.insert(*row);
        }
    }
    for row in were.difference(&heads) {
        conn.prepare_cached(sql!("joined.restore"))?.execute([row])?;
        conn.prepare_cached(sql!("joined.forget"))?.execute([row])?;
    }
    for row in heads.difference(&were) {
        conn.prepare_cached(sql!("joined.own"))?.execute([row])?;
    }
    let mut changed: BTreeSet<i64> = BTreeSet::new();
    for (row, known) in around {
        let head = head_of(*row);
        if head != known.head {
            conn.prepare_cached(sql!("joined.under"))?.execute((row, head))?;
            changed.extend(head.into_iter().chain(known.head));
        }
    }
    for row in changed.union(&heads) {
        sum(conn, *row)?;
    }
    let starts: Vec<i64> = around.values().map(|k| k.fragment.span.first.micros()).collect();
    let stand = |(row, known): (&i64, &Known)| {
        let last = known.fragment.span.last.micros();
        let next = starts.iter().copied().filter(|start| *start > last).min();
        let until = next.map_or(i64::MAX, |start| start.saturating_sub(Evidence::Actor.longest_gap_us()));
        let heads = if heads.contains(row) { Shows::Sum } else { Shows::Own };
        Stand { row: *row, under: head_of(*row), heads, until }
    };
    Ok(around.iter().map(stand).collect())
}

/// Lets a head show the sums of its fragments; does nothing to others.
pub(super) fn sum(conn: &Connection, head: i64) -> Result<()> {
    conn.prepare_cached(sql!("joined.sum"))?.execute([head])?;
    Ok(())
}

/// Keeps what a head has of its own, just written to its row.
pub(super) fn keep_own(conn: &Connection, head: i64) -> Result<()> {
    conn.prepare_cached(sql!("joined.own"))?.execute([head])?;
    Ok(())
}

/// Parts a fragment from what it continues, or lets the link count again, in a transaction of its own; `changing` is called
/// inside of it. `false` when nothing says that it continues anything.
pub(super) fn change(conn: &Connection, later: &str, aside: Aside, changing: impl FnOnce()) -> Result<bool> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    changing();
    let changed = part(conn, later, aside);
    conn.execute_batch(if changed.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    changed
}

/// Parts a fragment or joins it again, inside a transaction of the caller's.
pub(super) fn part(conn: &Connection, later: &str, aside: Aside) -> Result<bool> {
    let found: Option<(i64, Option<i64>)> = conn
        .prepare_cached(sql!("session.find"))?
        .query_row([later], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let Some((row, into)) = found else { return Ok(false) };
    let row = into.unwrap_or(row);
    // A join by hand that is taken back leaves no word behind: the rule decides again.
    if aside == Aside::Withdraw && conn.prepare_cached(sql!("joined.unsay"))?.execute([row])? > 0 {
        settle(conn, &[row])?;
        return Ok(true);
    }
    let apart = match aside {
        Aside::Withdraw => 1,
        Aside::Restore => 0,
    };
    if conn.prepare_cached(sql!("joined.apart"))?.execute((row, apart))? == 0 {
        return Ok(false);
    }
    settle(conn, &[row])?;
    Ok(true)
}

/// Takes a session that is about to be removed out of its conversation; answers what to [`settle`] when it is gone.
pub(super) fn leave(conn: &Connection, row: i64) -> Result<Vec<i64>> {
    let head: Option<i64> =
        conn.prepare_cached(sql!("joined.head"))?.query_row([row], |r| r.get(0)).optional()?.flatten();
    let mut left = members(conn, row)?;
    conn.prepare_cached(sql!("joined.leave"))?.execute([row])?;
    if head.is_none() && left.is_empty() {
        return Ok(left);
    }
    let mut alone = conn.prepare_cached(sql!("joined.under"))?;
    for one in left.iter().chain([&row]) {
        alone.execute((one, None::<i64>))?;
    }
    conn.prepare_cached(sql!("joined.restore"))?.execute([row])?;
    conn.prepare_cached(sql!("joined.forget"))?.execute([row])?;
    if let Some(head) = head {
        sum(conn, head)?;
        left.push(head);
        left.extend(members(conn, head)?);
    }
    Ok(left)
}

/// What the fragments of a session continue, and what was parted from it.
pub(super) fn story(conn: &Connection, head: i64) -> Result<Vec<Joined>> {
    let mut statement = conn.prepare_cached(sql!("joined.story"))?;
    let mut rows = statement.query([head])?;
    let mut story = Vec::new();
    while let Some(r) = rows.next()? {
        let (earlier, later): (String, String) = (r.get(0)?, r.get(1)?);
        let said =
            SessionId::foreign(&earlier).zip(SessionId::foreign(&later)).zip(Evidence::from_code(r.get(2)?));
        let Some(((earlier, later), evidence)) = said else { return Err(damaged(head)) };
        let aside = if r.get(5)? { Aside::Withdraw } else { Aside::Restore };
        story.push(Joined { earlier, later, evidence, confidence: r.get(3)?, gap_us: r.get(4)?, aside });
    }
    Ok(story)
}

/// Rows of the sessions that are shown under this one.
pub(super) fn members(conn: &Connection, head: i64) -> Result<Vec<i64>> {
    let mut statement = conn.prepare_cached(sql!("joined.members"))?;
    Ok(statement.query_map([head], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// What a session is shown under, and whose figures its row shows, in the file.
pub(super) fn stands(conn: &Connection, row: i64) -> Result<(Option<i64>, Shows)> {
    let found = conn
        .prepare_cached(sql!("joined.stands"))?
        .query_row([row], |r| Ok((r.get(0)?, if r.get(1)? { Shows::Sum } else { Shows::Own })));
    Ok(found.optional()?.unwrap_or((None, Shows::Own)))
}

/// Whether those around a session can be told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Crowd {
    Few,
    TooMany,
}

/// How a session was come upon.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// It is asked about, or a link leads to it.
    Bound,
    /// It has the same person, process or address.
    Near,
}

/// Everyone who could hang together with a session.
fn around(conn: &Connection, seed: i64) -> Result<(BTreeMap<i64, Known>, Crowd)> {
    let mut found: BTreeMap<i64, Known> = BTreeMap::new();
    let mut crowd = Crowd::Few;
    let mut bound = vec![seed];
    let mut waiting: Vec<i64> = Vec::new();
    let mut near = conn.prepare_cached(sql!("joined.near"))?;
    let mut next = conn.prepare_cached(sql!("joined.next"))?;
    let mut is_head = conn.prepare_cached(sql!("joined.is_head"))?;
    // What links lead to is looked at whole, whatever the crowd: a conversation is written as one.
    while let Some((row, reached)) =
        bound.pop().map(|r| (r, Reached::Bound)).or_else(|| waiting.pop().map(|r| (r, Reached::Near)))
    {
        if found.contains_key(&row) {
            continue;
        }
        let Some(known) = load(conn, row)? else { continue };
        // Sessions that were grouped, or have no evidence, are nobody's rivals and would only make a crowd.
        let stranger = known.eligible == Eligible::No && known.link.is_none() && known.head.is_none();
        if reached == Reached::Near && stranger && !is_head.exists([row])? {
            continue;
        }
        let reach = Evidence::Actor.longest_gap_us();
        let Span { first, last } = known.fragment.span;
        let (first, last) = (first.micros(), last.micros());
        if known.eligible == Eligible::Yes && crowd == Crowd::Few {
            let f = &known.fragment;
            let mut rows = near.query((
                f.person,
                f.process,
                f.address,
                first.saturating_sub(BEFORE_US),
                last.saturating_add(reach),
                first.saturating_sub(reach),
            ))?;
            while let Some(r) = rows.next()? {
                waiting.push(r.get(0)?);
            }
        }
        bound.extend(known.link.map(|(link, _)| link.earlier));
        let mut rows = next.query([row])?;
        while let Some(r) = rows.next()? {
            bound.push(r.get(0)?);
        }
        found.insert(row, known);
        if found.len() > AROUND {
            crowd = Crowd::TooMany;
            waiting.clear();
        }
    }
    Ok((found, crowd))
}

fn load(conn: &Connection, row: i64) -> Result<Option<Known>> {
    let found = conn.prepare_cached(sql!("joined.fragment"))?.query_row([row], |r| {
        let name = |i: usize| Ok::<_, rusqlite::Error>(r.get::<_, Option<String>>(i)?.map(|n| number(&n)));
        let time = |i: usize| r.get::<_, i64>(i).map(Timestamp::from_micros);
        let source = SessionSource::from_code(r.get(6)?).unwrap_or(SessionSource::None);
        let (actors, activity): (i64, i64) = (r.get(9)?, r.get(10)?);
        let fragment = Fragment {
            row,
            person: r.get(1)?,
            process: r.get(2)?,
            address: r.get(3)?,
            client: name(4)?,
            server: name(5)?,
            source,
            span: Span { first: time(7)?, last: time(8)? },
        };
        let evidence = fragment.person.is_some() || fragment.process.is_some() || fragment.address.is_some();
        let eligible = evidence && actors <= 1 && activity != 0 && may_continue(source);
        let link = match r.get::<_, Option<i64>>(12)? {
            None => None,
            Some(earlier) => {
                let word = if r.get(13)? { Word::Parted } else { Word::Counts };
                let evidence = Evidence::from_code(r.get(14)?).unwrap_or(Evidence::Actor);
                let link = Link { earlier, later: row, evidence, confidence: r.get(15)?, gap_us: r.get(16)? };
                Some((link, word))
            }
        };
        let eligible = if eligible { Eligible::Yes } else { Eligible::No };
        Ok(Known { fragment, eligible, head: r.get(11)?, link })
    });
    Ok(found.optional()?)
}

fn damaged(row: i64) -> StoreError {
    StoreError::Corrupt { path: Default::default(), reason: format!("session {row} has an unreadable link") }
}
