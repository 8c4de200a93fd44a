//! Who is who in a ledger: keeps the merge facts and writes what [`trackway_core::identity::resolve`] makes of them, one
//! column per id. Called by the writer inside its transaction, and by an operator's undo inside one of its own.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use trackway_core::identity::{COMPONENT, MergeFact, Verdict, Via, resolve};
use trackway_core::person::Profile;
use trackway_core::winner::Key;
use trackway_event::{ActorId, EventId, Timestamp};

use super::control::sql;
use super::rules;
use crate::query::{Aside, Merging, PersonId};
use crate::{Result, StoreError};

/// An id of the component.
struct Member {
    id: ActorId,
    since: Option<Key>,
    root: Option<i64>,
    known: bool,
    identified: bool,
}

/// A fact of the component.
struct Fact {
    told: MergeFact,
    verdict: u8,
}

/// Keeps a merge fact between two rows of people; the first of its sort holds.
pub(super) fn add(conn: &Connection, fact: &MergeFact, source: i64, target: i64) -> Result<()> {
    conn.prepare_cached(sql!("identity.add"))?.execute((
        fact.key.at.micros(),
        fact.key.id.as_str(),
        fact.via.code(),
        source,
        target,
        UNFOLDED,
    ))?;
    let mut link = conn.prepare_cached(sql!("identity.link"))?;
    link.execute([source])?;
    link.execute([target])?;
    Ok(())
}

/// Folds every component these people are in anew and writes what changed.
pub(super) fn refold(conn: &Connection, people: &[i64]) -> Result<()> {
    let mode = rules::read(conn)?.rules.merges;
    let mut done: Vec<i64> = Vec::new();
    for person in people {
        if done.contains(person) {
            continue;
        }
        let Component { members, facts } = component(conn, *person)?;
        done.extend(members.keys());
        let told: Vec<MergeFact> = facts.values().map(|f| f.told.clone()).collect();
        let since = members.values().filter_map(|m| Some((m.id.clone(), m.since.clone()?))).collect();
        let resolution = resolve(&told, &since, mode);

        let mut judge = conn.prepare_cached(sql!("identity.judge"))?;
        for ((row, fact), verdict) in facts.iter().zip(&resolution.verdicts) {
            if fact.verdict != verdict.code() {
                judge.execute((row, verdict.code()))?;
            }
        }
        let rows: BTreeMap<&ActorId, i64> = members.iter().map(|(row, m)| (&m.id, *row)).collect();
        let mut place = conn.prepare_cached(sql!("identity.place"))?;
        let mut roots = Vec::new();
        for (row, member) in &members {
            let root =
                resolution.root.get(&member.id).and_then(|root| rows.get(root)).copied().unwrap_or(*row);
            let own = root == *row;
            let known = member.since.is_some() || resolution.known.contains(&member.id);
            let identified = own && resolution.identified.contains(&member.id);
            let root = (!own).then_some(root);
            if (root, known, identified) != (member.root, member.known, member.identified) {
                place.execute((row, root, known, identified))?;
            }
            if own {
                roots.push(*row);
            }
        }
        for root in roots {
            show(conn, root)?;
        }
    }
    Ok(())
}

/// Writes name and traits a person is shown with: those of all its ids.
pub(super) fn show(conn: &Connection, root: i64) -> Result<()> {
    let profile = profile(conn, root)?;
    let traits = serde_json::to_string(&profile.traits()).unwrap_or_else(|_| "{}".into());
    conn.prepare_cached(sql!("identity.show"))?.execute((root, profile.shown_name(), traits))?;
    Ok(())
}

/// What was said of all ids of a person.
pub(super) fn profile(conn: &Connection, root: i64) -> Result<Profile> {
    let mut profile = Profile::default();
    let mut statement = conn.prepare_cached(sql!("identity.facts"))?;
    let mut rows = statement.query([root])?;
    while let Some(r) = rows.next()? {
        let facts: Vec<u8> = r.get(0)?;
        profile.merge(Profile::decode(&facts).ok_or_else(|| damaged(root))?);
    }
    Ok(profile)
}

/// The ids of a person, its own first.
pub(super) fn ids(conn: &Connection, root: i64) -> Result<Vec<PersonId>> {
    let mut statement = conn.prepare_cached(sql!("identity.ids"))?;
    let mut rows = statement.query([root])?;
    let mut ids = Vec::new();
    while let Some(r) = rows.next()? {
        ids.push(PersonId {
            id: actor_id(&r.get::<_, String>(1)?).ok_or_else(|| damaged(root))?,
            first_seen: Timestamp::from_micros(r.get(2)?),
            last_seen: Timestamp::from_micros(r.get(3)?),
        });
    }
    Ok(ids)
}

/// What was said about the ids of a person, oldest first.
pub(super) fn story(conn: &Connection, root: i64) -> Result<Vec<Merging>> {
    let mut statement = conn.prepare_cached(sql!("identity.story"))?;
    let mut rows = statement.query([root])?;
    let mut story = Vec::new();
    while let Some(r) = rows.next()? {
        let (source, target): (String, String) = (r.get(4)?, r.get(5)?);
        let event: String = r.get(2)?;
        let said = EventId::foreign(&event)
            .zip(Via::from_code(r.get(3)?))
            .zip(actor_id(&source).zip(actor_id(&target)))
            .zip(Verdict::from_code(r.get(6)?));
        let Some((((id, via), (source, target)), verdict)) = said else { return Err(damaged(root)) };
        let key = Key { at: Timestamp::from_micros(r.get(1)?), id };
        let id = r.get::<_, i64>(0)? as u64;
        story.push(Merging { id, said: MergeFact { key, via, source, target }, verdict });
    }
    Ok(story)
}

fn actor_id(text: &str) -> Option<ActorId> {
    ActorId::parse(text).map(|(id, _)| id)
}

/// Who a person is shown under.
pub(super) fn root_of(conn: &Connection, person: i64) -> Result<i64> {
    Ok(conn.prepare_cached(sql!("identity.root"))?.query_row([person], |r| r.get(0))?)
}

/// Takes a merge back, or lets it count again, in a transaction of its own. `false` when there is no such fact.
pub(super) fn change(conn: &Connection, fact: i64, aside: Aside) -> Result<bool> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let changed = set_aside(conn, fact, aside);
    conn.execute_batch(if changed.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    changed
}

fn set_aside(conn: &Connection, fact: i64, aside: Aside) -> Result<bool> {
    let found: Option<(i64, i64, u8)> = conn
        .prepare_cached(sql!("identity.find"))?
        .query_row([fact], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .optional()?;
    let Some((source, target, _)) = found else { return Ok(false) };
    let verdict = match aside {
        Aside::Withdraw => Verdict::Withdrawn.code(),
        Aside::Restore => UNFOLDED,
    };
    conn.prepare_cached(sql!("identity.judge"))?.execute((fact, verdict))?;
    refold(conn, &[source, target])?;
    Ok(true)
}

/// The verdict of a fact that waits for its fold.
const UNFOLDED: u8 = 0;

struct Component {
    members: BTreeMap<i64, Member>,
    facts: BTreeMap<i64, Fact>,
}

/// Everyone that facts connect with a person. New facts that would make it too large are set aside.
fn component(conn: &Connection, person: i64) -> Result<Component> {
    let mut found = Component { members: BTreeMap::new(), facts: BTreeMap::new() };
    let mut of = conn.prepare_cached(sql!("identity.of"))?;
    let mut waiting = vec![person];
    while let Some(row) = waiting.pop() {
        if found.members.contains_key(&row) {
            continue;
        }
        found.members.insert(row, member(conn, row)?);
        let mut rows = of.query([row])?;
        while let Some(r) = rows.next()? {
            let (fact, source, target): (i64, i64, i64) = (r.get(0)?, r.get(4)?, r.get(5)?);
            if found.facts.contains_key(&fact) {
                continue;
            }
            let verdict: u8 = r.get(6)?;
            if found.facts.len() >= COMPONENT {
                if verdict == UNFOLDED {
                    let mut judge = conn.prepare_cached(sql!("identity.judge"))?;
                    judge.execute((fact, Verdict::TooMany.code()))?;
                }
                continue;
            }
            let event: String = r.get(2)?;
            let (Some(id), Some(via)) = (EventId::foreign(&event), Via::from_code(r.get(3)?)) else {
                continue;
            };
            let ends = (id_of(conn, &found, source)?, id_of(conn, &found, target)?);
            let key = Key { at: Timestamp::from_micros(r.get(1)?), id };
            let told = MergeFact { key, via, source: ends.0, target: ends.1 };
            found.facts.insert(fact, Fact { told, verdict });
            waiting.push(if source == row { target } else { source });
        }
    }
    Ok(found)
}

fn id_of(conn: &Connection, found: &Component, row: i64) -> Result<ActorId> {
    match found.members.get(&row) {
        Some(member) => Ok(member.id.clone()),
        None => Ok(member(conn, row)?.id),
    }
}

fn member(conn: &Connection, row: i64) -> Result<Member> {
    let (id, facts, root, known, identified) =
        conn.prepare_cached(sql!("identity.member"))?.query_row([row], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, Vec<u8>>(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
        })?;
    let (id, _) = ActorId::parse(&id).ok_or_else(|| damaged(row))?;
    let profile = Profile::decode(&facts).ok_or_else(|| damaged(row))?;
    Ok(Member { id, since: profile.since.0.map(|(key, ())| key), root, known, identified })
}

fn damaged(row: i64) -> StoreError {
    StoreError::Corrupt { path: Default::default(), reason: format!("person {row} has unreadable facts") }
}
