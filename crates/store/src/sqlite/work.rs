//! What people decide: on error groups, and on wishes. Written on a connection of its own, a few rows at a time; events and
//! what the writer keeps stay untouched, so everything here can be taken back.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use serde::{Deserialize, Serialize};
use trackway_core::issue::apart::By;
use trackway_core::issue::state::{Decision, Rule, compare};
use trackway_event::Timestamp;

use super::control::sql;
use crate::query::{COMMENT_CHARS, IssueAct, NOTE_CHARS, TAKE_BACK_US, Whose, WishStatus};
use crate::{Result, StoreError};

/// Groups that may be merged into one.
const MEMBERS: i64 = 100;

/// Comments kept on one group.
const COMMENTS: i64 = 200;

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
    let mut notes: Vec<(i64, String)> = Vec::new();
    // What one note says beside what was done: the words of a comment, and what stood before.
    let (mut words, mut before) = (None, None);
    match act {
        IssueAct::Decide(rule) => {
            before = Some(Before::Decision(decision_row(&tx, whole)?));
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
            before = Some(Before::Decision(decision_row(&tx, whole)?));
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
            let mut statement = tx.prepare_cached(sql!("issue_merge.members"))?;
            let moved =
                statement.query_map([whole], |r| r.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
            before = Some(Before::Merged(whole, moved));
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
        // The writer's work: `take_out` of `commit::apart`, which notes it here.
        IssueAct::TakeOut(_) => return Ok(false),
        IssueAct::Assign(name) => {
            let old = assignee(&tx, whole)?;
            if old == *name {
                return Ok(false);
            }
            give(&tx, whole, name.as_deref(), now)?;
            let what = name.as_ref().map_or("given to nobody".to_owned(), |name| format!("given to {name}"));
            before = Some(Before::Assignee(old));
            notes.push((whole, what));
        }
        IssueAct::Comment(text) => {
            let text: String = text.trim().chars().take(COMMENT_CHARS).collect();
            if text.is_empty() {
                return Err(StoreError::BadQuestion("a comment needs words".into()));
            }
            let kept: i64 =
                tx.prepare_cached(sql!("issue_history.comments"))?.query_row([whole], |r| r.get(0))?;
            if kept >= COMMENTS {
                return Err(StoreError::BadQuestion(format!(
                    "more than {COMMENTS} comments on one issue are not kept; delete old ones"
                )));
            }
            words = Some(text);
            notes.push((whole, "commented".to_owned()));
        }
        IssueAct::Uncomment(comment, whose) => {
            let only = match whose {
                Whose::Own => Some(who),
                Whose::Anyones => None,
            };
            let number = i64::try_from(*comment).unwrap_or(0);
            if tx.prepare_cached(sql!("issue_history.uncomment"))?.execute((whole, number, only))? == 0 {
                return Ok(false);
            }
        }
        IssueAct::TakeBack => {
            let since = now.micros() - TAKE_BACK_US;
            let found: Option<(i64, String)> = tx
                .prepare_cached(sql!("issue_history.newest"))?
                .query_row((whole, who, since), |r| Ok((r.get(0)?, r.get(1)?)))
                .optional()?;
            let Some((note, text)) = found else { return Ok(false) };
            let Ok(old) = serde_json::from_str::<Before>(&text) else { return Ok(false) };
            match old {
                Before::Decision(Some(row)) => {
                    tx.prepare_cached(sql!("issue_decision.write"))?
                        .execute((whole, row.0, row.1, row.2, row.3, row.4))?;
                }
                Before::Decision(None) => {
                    tx.prepare_cached(sql!("issue_decision.delete"))?.execute([whole])?;
                }
                Before::Assignee(name) => give(&tx, whole, name.as_deref(), now)?,
                Before::Merged(child, moved) => {
                    if tx.prepare_cached(sql!("issue_merge.delete"))?.execute([child])? == 0 {
                        return Ok(false);
                    }
                    for own in moved {
                        tx.prepare_cached(sql!("issue_merge.insert"))?.execute((own, child))?;
                    }
                    let told = format!("merged into #{whole}");
                    tx.prepare_cached(sql!("issue_history.unmerge"))?.execute((child, who, since, told))?;
                }
                // Its later failures go on to be told apart, and are shown as one with the others.
                Before::TakenOut(made, from) => {
                    tx.prepare_cached(sql!("issue_merge.insert"))?.execute((made, whole))?;
                    let told = told_taken_out(from);
                    tx.prepare_cached(sql!("issue_history.unmerge"))?.execute((made, who, since, told))?;
                }
            }
            tx.prepare_cached(sql!("issue_history.delete"))?.execute([note])?;
        }
    }
    let merged = match &before {
        Some(Before::Merged(child, _)) => Some(*child),
        Some(Before::Decision(_) | Before::Assignee(_) | Before::TakenOut(..)) | None => None,
    };
    let before = before.and_then(|before| serde_json::to_string(&before).ok());
    for (issue, what) in notes {
        // A merge is taken back where it is seen: on the group that took the other in.
        let before = before.as_ref().filter(|_| merged != Some(issue));
        tx.prepare_cached(sql!("issue_history.insert"))?.execute((
            issue,
            now.micros(),
            who,
            what,
            &words,
            before,
        ))?;
    }
    tx.commit()?;
    Ok(true)
}

/// What an act took the place of.
#[derive(Serialize, Deserialize)]
enum Before {
    Decision(Option<Decided>),
    Assignee(Option<String>),
    /// The group that was merged into this one, and the groups that were shown under it.
    Merged(i64, Vec<i64>),
    /// The group that was taken out by hand, and the one it was taken out of.
    TakenOut(i64, i64),
}

/// Notes that group `made` was taken out of `group`; what the failures said is no part of it.
pub(super) fn note_taken_out(
    conn: &Connection,
    group: i64,
    made: i64,
    by: &By,
    (who, now): (&str, Timestamp),
) -> Result<()> {
    let parent =
        conn.prepare_cached(sql!("issue_merge.parent"))?.query_row([group], |r| r.get(0)).optional()?;
    let by = match by {
        By::Message(_) | By::Alike(_) => "message",
        By::Client(_) => "client",
    };
    let before = serde_json::to_string(&Before::TakenOut(made, group)).ok();
    for (issue, what, before) in [
        (parent.unwrap_or(group), format!("#{made} taken out by {by}"), before),
        (made, told_taken_out(group), None),
    ] {
        let none = None::<&str>;
        let mut note = conn.prepare_cached(sql!("issue_history.insert"))?;
        note.execute((issue, now.micros(), who, what, none, before))?;
    }
    Ok(())
}

fn told_taken_out(group: i64) -> String {
    format!("taken out of #{group}")
}

/// A decision as it lies in its row: word, when, version, until, how many more.
type Decided = (String, i64, Option<String>, Option<i64>, Option<i64>);

fn decision_row(conn: &Connection, row: i64) -> Result<Option<Decided>> {
    let mut statement = conn.prepare_cached(sql!("issue_decision.read"))?;
    Ok(statement
        .query_row([row], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)))
        .optional()?)
}

/// Whose a group is.
pub(super) fn assignee(conn: &Connection, row: i64) -> Result<Option<String>> {
    Ok(conn.prepare_cached(sql!("issue_owner.read"))?.query_row([row], |r| r.get(0)).optional()?)
}

fn give(conn: &Connection, row: i64, name: Option<&str>, now: Timestamp) -> Result<()> {
    match name {
        Some(name) => {
            conn.prepare_cached(sql!("issue_owner.write"))?.execute((row, name, now.micros()))?;
        }
        None => {
            conn.prepare_cached(sql!("issue_owner.delete"))?.execute([row])?;
        }
    }
    Ok(())
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
    let found = decision_row(conn, row)?;
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
