//! What people decide: on error groups, and on wishes. Written on a connection of its own, a few rows at a time; events and
//! what the writer keeps stay untouched, so everything here can be taken back.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use trackway_core::issue::state::{Decision, Rule, compare};
use trackway_event::Timestamp;

use super::control::sql;
use crate::query::{IssueAct, NOTE_CHARS, WishStatus};
use crate::{Result, StoreError};

/// Groups that may be merged into one.
const MEMBERS: i64 = 100;

/// Does it, and notes who did.
pub(super) fn on_issue(
    conn: &mut Connection,
    row: i64,
    act: &IssueAct,
    who: &str,
    now: Timestamp,
) -> Result<bool> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !tx.prepare_cached(sql!("issue.row"))?.exists([row])? {
        return Ok(false);
    }
    let parent = |of: i64| -> Result<Option<i64>> {
        Ok(tx.prepare_cached(sql!("issue_merge.parent"))?.query_row([of], |r| r.get(0)).optional()?)
    };
    // A merged group is decided on as the whole it is shown in.
    let whole = parent(row)?.unwrap_or(row);
    let mut notes = Vec::new();
    match act {
        IssueAct::Decide(rule) => {
            let version = match rule {
                Rule::Resolved | Rule::ResolvedNext => newest_version(&tx)?,
                Rule::ResolvedIn(_)
                | Rule::Archived
                | Rule::ArchivedUntil(_)
                | Rule::ArchivedMore(_)
                | Rule::ArchivedEscalating => None,
            };
            let (word, version, until, more) = match rule {
                Rule::Resolved => ("resolved", version, None, None),
                Rule::ResolvedNext => ("resolved_next", version, None, None),
                Rule::ResolvedIn(version) => ("resolved_in", Some(version.clone()), None, None),
                Rule::Archived => ("archived", None, None, None),
                Rule::ArchivedUntil(at) => ("archived_until", None, Some(at.micros()), None),
                Rule::ArchivedMore(n) => ("archived_more", None, None, i64::try_from(*n).ok()),
                Rule::ArchivedEscalating => ("archived_escalating", None, None, None),
            };
            tx.prepare_cached(sql!("issue_decision.write"))?.execute((
                whole,
                word,
                now.micros(),
                version,
                until,
                more,
            ))?;
            notes.push((whole, rule.to_string()));
        }
        IssueAct::Reopen => {
            if tx.prepare_cached(sql!("issue_decision.delete"))?.execute([whole])? == 0 {
                return Ok(false);
            }
            notes.push((whole, "opened again".to_owned()));
        }
        IssueAct::MergeInto(into) => {
            let into = i64::try_from(*into).unwrap_or(0);
            let into = parent(into)?.unwrap_or(into);
            if into == whole || !tx.prepare_cached(sql!("issue.row"))?.exists([into])? {
                let why = if into == whole { "it is that group already" } else { "there is no such group" };
                return Err(StoreError::BadQuestion(format!("cannot merge into #{into}: {why}")));
            }
            let members: i64 =
                tx.prepare_cached(sql!("issue_merge.count"))?.query_row((into, whole), |r| r.get(0))?;
            if members >= MEMBERS {
                return Err(StoreError::BadQuestion(format!("more than {MEMBERS} groups cannot be one")));
            }
            tx.prepare_cached(sql!("issue_merge.move"))?.execute((whole, into))?;
            tx.prepare_cached(sql!("issue_merge.insert"))?.execute((whole, into))?;
            notes.push((whole, format!("merged into #{into}")));
            notes.push((into, format!("#{whole} merged into it")));
        }
        IssueAct::Split => {
            if tx.prepare_cached(sql!("issue_merge.delete"))?.execute([row])? == 0 {
                return Ok(false);
            }
            notes.push((row, format!("split from #{whole}")));
            notes.push((whole, format!("#{row} split from it")));
        }
    }
    for (issue, what) in notes {
        tx.prepare_cached(sql!("issue_history.insert"))?.execute((issue, now.micros(), who, what))?;
    }
    tx.commit()?;
    Ok(true)
}

/// The newest server version of the newest sessions.
fn newest_version(conn: &Connection) -> Result<Option<String>> {
    let mut statement = conn.prepare_cached(sql!("session.versions"))?;
    let versions = statement.query_map([], |r| r.get::<_, String>(0))?;
    let mut newest: Option<String> = None;
    for version in versions {
        let version = version?;
        let newer = match &newest {
            None => compare(&version, &version).is_some(),
            Some(known) => compare(&version, known).is_some_and(std::cmp::Ordering::is_gt),
        };
        if newer {
            newest = Some(version);
        }
    }
    Ok(newest)
}

/// The decision on a group.
pub(super) fn decision(conn: &Connection, row: i64) -> Result<Option<Decision>> {
    type Found = (String, i64, Option<String>, Option<i64>, Option<i64>);
    let mut statement = conn.prepare_cached(sql!("issue_decision.read"))?;
    let found: Option<Found> = statement
        .query_row([row], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)))
        .optional()?;
    let Some((word, at, version, until, more)) = found else { return Ok(None) };
    let at = Timestamp::from_micros(at);
    let rule = match word.as_str() {
        "resolved" => Rule::Resolved,
        "resolved_next" => Rule::ResolvedNext,
        "resolved_in" => Rule::ResolvedIn(version.clone().unwrap_or_default()),
        "archived_until" => Rule::ArchivedUntil(Timestamp::from_micros(until.unwrap_or(0))),
        "archived_more" => Rule::ArchivedMore(more.unwrap_or(0) as u64),
        "archived_escalating" => Rule::ArchivedEscalating,
        // A word of a newer program: put away, so that nothing is shown as open that somebody closed.
        _ => Rule::Archived,
    };
    Ok(Some(Decision { rule, at, version }))
}

/// Notes what becomes of a wish.
pub(super) fn on_wish(
    conn: &Connection,
    event: &str,
    status: WishStatus,
    note: &str,
    who: &str,
    now: Timestamp,
) -> Result<()> {
    let note: String = note.trim().chars().take(NOTE_CHARS).collect();
    conn.prepare_cached(sql!("wish.write"))?.execute((event, status.as_str(), note, now.micros(), who))?;
    Ok(())
}
