//! A ledger follows its project's rules on who is who: keeps which it follows, and when they change goes through its sessions and
//! people in steps, in the writer's chores. Events stay as they are, so every change can be changed back.
//!
//! The commit and the fold of merges read the rule that is kept here, so that new rows follow it from the first step on.

use rusqlite::{Connection, OptionalExtension};
use trackway_core::identity::Mode;
use trackway_core::session::Provenance;

use super::control::sql;
use super::{identity, nameless};
use crate::rules::{self, LinkSessions, Rules};
use crate::{Result, StoreError};

/// Rows of one step.
const STEP: usize = if cfg!(test) { 50 } else { 2_000 };

/// What a ledger follows, and how far it has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Followed {
    pub(super) rules: Rules,
    sessions_upto: Option<i64>,
    people_upto: Option<i64>,
}

impl Followed {
    /// Whether every row follows these rules.
    pub(super) fn all(&self, wanted: Rules) -> bool {
        self.rules == wanted && self.sessions_upto.is_none() && self.people_upto.is_none()
    }
}

/// What a ledger follows.
pub(super) fn read(conn: &Connection) -> Result<Followed> {
    let mut followed = Followed::default();
    let mut statement = conn.prepare_cached(sql!("rule.list"))?;
    let mut rows = statement.query([])?;
    while let Some(r) = rows.next()? {
        let (name, value, upto): (String, String, Option<i64>) = (r.get(0)?, r.get(1)?, r.get(2)?);
        match name.as_str() {
            Rules::LINK_SESSIONS => {
                followed.rules.link_sessions = LinkSessions::parse(&value).unwrap_or(LinkSessions::On);
                followed.sessions_upto = upto;
            }
            Rules::MERGES => {
                followed.rules.merges = rules::mode(&value).unwrap_or(Mode::Safe);
                followed.people_upto = upto;
            }
            _ => {}
        }
    }
    Ok(followed)
}

/// Goes one step towards these rules. Answers whether there is more to do.
pub(super) fn step(conn: &Connection, wanted: Rules) -> Result<bool> {
    let at = read(conn)?;
    let mut keep = conn.prepare_cached(sql!("rule.write"))?;
    let (link, merges) = (wanted.link_sessions, wanted.merges);
    let changed = at.rules.link_sessions != link;
    if let Some(upto) = if changed { Some(0) } else { at.sessions_upto } {
        // Kept first: what follows reads it.
        keep.execute((Rules::LINK_SESSIONS, link.as_str(), upto))?;
        let next = sessions(conn, link, upto)?;
        keep.execute((Rules::LINK_SESSIONS, link.as_str(), next))?;
        return Ok(next.is_some() || at.rules.merges != merges || at.people_upto.is_some());
    }
    let changed = at.rules.merges != merges;
    if let Some(upto) = if changed { Some(0) } else { at.people_upto } {
        keep.execute((Rules::MERGES, merges.as_str(), upto))?;
        let mut statement = conn.prepare_cached(sql!("rule.linked"))?;
        let people: Vec<i64> =
            statement.query_map((upto, STEP as i64), |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
        identity::refold(conn, &people)?;
        let next = people.last().copied().filter(|_| people.len() == STEP);
        keep.execute((Rules::MERGES, merges.as_str(), next))?;
        return Ok(next.is_some());
    }
    Ok(false)
}

/// Puts the sessions after a row down to whom they belong to now; answers the last row where there are more.
fn sessions(conn: &Connection, link: LinkSessions, upto: i64) -> Result<Option<i64>> {
    let mut statement = conn.prepare_cached(sql!("rule.sessions"))?;
    let found: Vec<(i64, Vec<u8>, Option<i64>)> = statement
        .query_map((upto, STEP as i64), |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut person = conn.prepare_cached(sql!("erase.row"))?;
    let mut write = conn.prepare_cached(sql!("rule.attribute"))?;
    for (row, facts, before) in &found {
        let who = Provenance::decode(facts).ok_or_else(|| StoreError::Corrupt {
            path: Default::default(),
            reason: format!("session {row} has unreadable facts"),
        })?;
        let now: Option<i64> = match (link, who.attributed()) {
            (LinkSessions::On, Some(id)) => person.query_row([id.as_str()], |r| r.get(0)).optional()?,
            (LinkSessions::On, None) | (LinkSessions::Off, _) => None,
        };
        if now != *before {
            write.execute((row, now))?;
            nameless::again(conn, *row)?;
        }
    }
    Ok(found.last().map(|(row, ..)| *row).filter(|_| found.len() == STEP))
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
