//! Takes one person out of a ledger (F-151): events, payloads, search lines, sessions, profile, links.
//!
//! Called by `backend` inside a writer's chore. Sessions that were theirs alone go as a whole. In sessions shared with others their
//! events stay as anonymous counts: without actor, words, payload, tags and resource. Figures keep what they counted, which
//! names nobody.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};
use trackway_core::session::Provenance;
use trackway_core::winner::{First, Last};
use trackway_event::ProjectId;

use super::control::sql;
use super::expire::{self, numbers};
use super::nameless::{self, Figures};
use crate::{Erased, Result, StoreError};

/// Whom to erase.
#[derive(Clone, Debug)]
pub(super) enum Whom {
    /// By an actor id, and every id that is the same person.
    Id(String),
    /// By the prints of ids that were erased before, in a ledger that came from a backup.
    Prints(Vec<String>),
}

/// What stands for an erased id where it must be known again but not be readable.
pub(super) fn print_of(project: &ProjectId, actor: &str) -> String {
    let digest = Sha256::digest(format!("{project}\0{actor}").as_bytes());
    trackway_event::id::hex(&digest)
}

/// Erases a person; `None` when nobody here has that id.
pub(super) fn erase(conn: &Connection, project: &ProjectId, whom: &Whom) -> Result<Option<Erased>> {
    let people = rows_of(conn, project, whom)?;
    if people.is_empty() {
        return Ok(None);
    }
    let mut erased = Erased::default();
    for row in &people {
        let id: String = conn.prepare_cached(sql!("erase.id"))?.query_row([row], |r| r.get(0))?;
        erased.prints.push(print_of(project, &id));
        erased.ids.push(id);
    }
    let mut sessions = BTreeSet::new();
    for row in &people {
        sessions.extend(numbers(conn, sql!("erase.sessions"), [row])?);
    }
    let mut issues = BTreeSet::new();
    for row in &people {
        issues.extend(numbers(conn, sql!("erase.issues_of"), [row])?);
    }
    for session in &sessions {
        issues.extend(numbers(conn, sql!("erase.issues"), [session])?);
    }
    for session in sessions {
        if alone(conn, session, &people)? {
            erased.events += expire::remove_session(conn, session, Figures::Go)?;
            erased.sessions += 1;
        } else {
            erased.anonymous += anonymise_session(conn, session, &people, &erased.ids)?;
        }
    }
    for row in &people {
        let rest = numbers(conn, sql!("erase.events"), [row])?;
        erased.events += expire::remove_events(conn, &rest)?;
        for statement in [
            sql!("erase.person_session"),
            sql!("erase.person_hour"),
            sql!("erase.person_day"),
            sql!("erase.account_person"),
            sql!("erase.merges"),
            sql!("erase.person"),
        ] {
            conn.prepare_cached(statement)?.execute([row])?;
        }
    }
    // An issue that only they ran into goes; the title of any other is what others ran into, too.
    for issue in issues {
        let mut known = conn.prepare_cached(sql!("issue.fingerprint"))?;
        let known: Option<Vec<u8>> = known.query_row([issue], |r| r.get(0)).optional()?;
        if conn.prepare_cached(sql!("erase.issue"))?.execute([issue])? == 0 {
            conn.prepare_cached(sql!("erase.issue_message"))?.execute([issue])?;
            continue;
        }
        conn.prepare_cached(sql!("erase.issue_apart"))?.execute([known])?;
        for statement in [
            sql!("erase.issue_decision"),
            sql!("erase.issue_merges"),
            sql!("erase.issue_history"),
            sql!("issue_owner.delete"),
        ] {
            conn.prepare_cached(statement)?.execute([issue])?;
        }
    }
    erased.people = people.len() as u64;
    // What the index still holds of removed lines goes with a rewrite.
    conn.execute_batch(sql!("search.optimise"))?;
    Ok(Some(erased))
}

fn rows_of(conn: &Connection, project: &ProjectId, whom: &Whom) -> Result<Vec<i64>> {
    let named = match whom {
        Whom::Id(id) => {
            let mut ask = conn.prepare_cached(sql!("erase.row"))?;
            ask.query_row([id], |r| r.get::<_, i64>(0)).optional()?.into_iter().collect()
        }
        Whom::Prints(prints) => {
            let mut statement = conn.prepare(sql!("erase.everyone"))?;
            let mut rows = statement.query([])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let (number, id): (i64, String) = (row.get(0)?, row.get(1)?);
                if prints.contains(&print_of(project, &id)) {
                    found.push(number);
                }
            }
            found
        }
    };
    let mut people = BTreeSet::new();
    for row in named {
        people.extend(numbers(conn, sql!("erase.same"), [row])?);
    }
    Ok(people.into_iter().collect())
}

/// Whether nobody else took part in a session.
fn alone(conn: &Connection, session: i64, people: &[i64]) -> Result<bool> {
    let seen = numbers(conn, sql!("erase.seen_in"), [session])?;
    Ok(seen.iter().all(|person| people.contains(person)))
}

fn anonymise_session(conn: &Connection, session: i64, people: &[i64], ids: &[String]) -> Result<u64> {
    let facts: Option<(Vec<u8>, Option<i64>)> = conn
        .prepare_cached(sql!("erase.facts"))?
        .query_row([session], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let Some((facts, attributed)) = facts else { return Ok(0) };
    let mut seqs = Vec::new();
    for row in people {
        seqs.extend(numbers(conn, sql!("erase.in_session"), (session, row))?);
    }
    // Events that name nobody, in a session that was put down to this person.
    if attributed.is_some_and(|row| people.contains(&row)) {
        seqs.extend(numbers(conn, sql!("erase.nameless"), [session])?);
    }
    expire::drop_payloads(conn, &seqs)?;
    let mut clear = conn.prepare_cached(sql!("erase.event"))?;
    let mut leg = conn.prepare_cached(sql!("expire.leg"))?;
    for seq in &seqs {
        expire::drop_words(conn, *seq)?;
        clear.execute([seq])?;
        leg.execute([seq])?;
    }
    let mut who = Provenance::decode(&facts).ok_or_else(|| StoreError::Corrupt {
        path: Default::default(),
        reason: format!("session {session} has unreadable facts"),
    })?;
    let theirs = |id: &str| ids.iter().any(|one| one == id);
    who.actors.retain(|actor| !theirs(actor.as_str()));
    if who.first_actor.value().is_some_and(|actor| theirs(actor.as_str())) {
        who.first_actor = First::default();
    }
    if who.actor.value().is_some_and(|actor| theirs(actor.as_str())) {
        who.actor = Last::default();
    }
    let mut write = conn.prepare_cached(sql!("erase.session"))?;
    for row in people {
        write.execute((session, row, who.actor_count(), who.encode()))?;
    }
    nameless::again(conn, session)?;
    Ok(seqs.len() as u64)
}
