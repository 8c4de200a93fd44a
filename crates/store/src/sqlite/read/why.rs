//! Why an error group happens and what became of it: suspects, what came just before, recovery, its members and its history.
//! Each looks at a bounded number of the newest rows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{OptionalExtension, params_from_iter};
use serde_json::Value;
use trackway_core::chain::{self, Solved};
use trackway_core::metric::circumstances::Side;
use trackway_core::metric::mended::Mending;
use trackway_core::metric::percentile;
use trackway_event::event::Flags;
use trackway_event::{Kind, Status, Timestamp};

use super::circumstances::Closely;
use super::filter_sql::{self, Target};
use super::kept::{self, Started};
use super::payloads::Payloads;
use super::signals::Calls;
use super::{Reader, Sql, figures};
use crate::Result;
use crate::query::{
    Apart, ApartBy, Counts, IssueClient, IssueMember, IssueNote, IssueRow, JustBefore, Mark, Mended,
    Recovery, Scope, Suspect, VARIANT_EVENTS, VARIANTS, Variant, Variants,
};
use crate::sqlite::cache::Map;
use crate::sqlite::control::sql;

const DAY_US: i64 = 86_400_000_000;
/// How long before the first failure it is looked for what was there already, µs.
const BEFORE_US: i64 = 7 * DAY_US;
/// Suspects shown.
const SUSPECTS: usize = 10;
/// Events of one session that are looked at.
const EVENTS: i64 = 1_000;

/// Calls of one session, and of each the group of its failure, its number and its tool.
type Told = (Calls, Vec<(Option<i64>, i64, i64)>);

/// Sessions that were read, so that groups which meet in them read them once.
#[derive(Default)]
pub(super) struct Sessions(HashMap<i64, Told>);

impl Sessions {
    fn read(&mut self, reader: &Reader, session: i64) -> Result<&Told> {
        match self.0.entry(session) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(told(reader, session)?)),
        }
    }
}

fn told(reader: &Reader, session: i64) -> Result<Told> {
    let mut statement = reader.conn.prepare_cached(sql!("session.track"))?;
    let (mut calls, mut hit) = (Calls::default(), Vec::new());
    let mut rows = statement.query((session, EVENTS))?;
    while let Some(r) = rows.next()? {
        let status = r.get::<_, Option<u8>>(1)?.and_then(Status::from_code);
        let flags = Flags::from_bits(r.get(5)?);
        let open = flags.nested || flags.mrtr_open || status == Some(Status::InputRequired);
        if Kind::from_code(r.get(0)?) != Some(Kind::ToolCall) || open {
            continue;
        }
        let mark = Mark {
            kind: Kind::ToolCall,
            status,
            started_at: Timestamp::from_micros(r.get(2)?),
            duration_us: r.get::<_, Option<i64>>(3)?.map(|d| d as u64),
        };
        let tool = r.get::<_, Option<i64>>(4)?.unwrap_or(0);
        calls.add(tool, mark, flags, r.get(6)?);
        hit.push((r.get(7)?, r.get(9)?, tool));
    }
    Ok((calls, hit))
}

/// Whether agents got past it, in these sessions.
pub(super) fn recovery(
    reader: &Reader,
    known: &mut Sessions,
    sessions: &[i64],
    members: &[i64],
) -> Result<Recovery> {
    let mut recovery = Recovery::default();
    let mut tries = Vec::new();
    for session in sessions {
        let (calls, hit) = known.read(reader, *session)?;
        let met = |i: &usize| hit.get(*i).and_then(|h| h.0).is_some_and(|issue| members.contains(&issue));
        for chain in chain::chains(&calls.views()) {
            let Some(first) = chain.calls.iter().position(met) else { continue };
            recovery.attempts += 1;
            if chain.solved == Solved::Yes {
                recovery.recovered += 1;
                tries.push((chain.calls.len() - 1 - first) as u64);
            }
        }
    }
    tries.sort_unstable();
    recovery.tries = percentile(&tries, 0.5);
    Ok(recovery)
}

/// What the try after it changed, in the attempts of these sessions that were solved.
pub(super) fn mended(
    reader: &Reader,
    known: &mut Sessions,
    sessions: &[i64],
    members: &[i64],
) -> Result<Mended> {
    let (mut fold, mut tools) = (Mending::default(), Vec::new());
    let mut payloads = Payloads::default();
    for session in sessions {
        let (calls, hit) = known.read(reader, *session)?;
        let at = |i: usize| hit.get(i).copied().unwrap_or_default();
        for chain in chain::chains(&calls.views()).iter().filter(|chain| chain.solved == Solved::Yes) {
            let met = |i: &usize| at(*i).0.is_some_and(|issue| members.contains(&issue));
            let Some(last) = chain.calls.iter().rposition(met) else { continue };
            let (Some(failed), Some(next)) = (chain.calls.get(last), chain.calls.get(last + 1)) else {
                continue;
            };
            let (failed, next) = (at(*failed), at(*next));
            if failed.2 != next.2 {
                tools.push(next.2);
                continue;
            }
            // Of a call whose payload was removed by age nothing is known.
            let sides = (sent(reader, &mut payloads, failed.1)?, sent(reader, &mut payloads, next.1)?);
            if let (Some(before), Some(after)) = sides {
                fold.add(&before, &after);
            }
        }
    }
    let names = super::figures::texts(reader, &tools.iter().copied().collect())?;
    for name in tools.iter().filter_map(|tool| names.get(tool)) {
        fold.switched(name);
    }
    Ok(fold.told())
}

/// The arguments of a call.
fn sent(reader: &Reader, payloads: &mut Payloads, seq: i64) -> Result<Option<Value>> {
    let mut statement = reader.conn.prepare_cached(sql!("expire.place"))?;
    let place = statement.query_row([seq], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).optional()?;
    match place {
        Some(place) => payloads.arguments(reader, place),
        None => Ok(None),
    }
}

/// The messages its failures came with.
pub(super) fn variants(reader: &Reader, scope: &Scope, members: &[i64]) -> Result<Variants> {
    let mut sql = Sql::new(sql!("issue.variants"));
    if !scope.filter.is_empty() {
        sql.push(" LEFT JOIN session s ON s.row = e.session");
    }
    sql.push(" LEFT JOIN peer named ON named.id = e.client WHERE e.issue IN (");
    for (i, member) in members.iter().enumerate() {
        sql.push(if i > 0 { ", " } else { "" }).bind(*member);
    }
    sql.push(") AND e.started_at >= ").bind(scope.period.from.micros());
    sql.push(" AND e.started_at < ").bind(scope.period.to.micros());
    filter_sql::add(reader, &mut sql, &scope.filter, Target::Events)?;
    sql.push(" ORDER BY e.started_at DESC, e.seq DESC LIMIT ").bind(VARIANT_EVENTS as i64);
    let mut statement = reader.conn.prepare_cached(&sql.text)?;
    let mut rows = statement.query(params_from_iter(&sql.values))?;
    let mut found: HashMap<String, Variant> = HashMap::new();
    let mut clients: HashMap<Option<String>, IssueClient> = HashMap::new();
    let mut all = Variants::default();
    while let Some(r) = rows.next()? {
        let message = r.get::<_, Option<String>>(0)?.unwrap_or_default().trim().to_owned();
        let at = Timestamp::from_micros(r.get(1)?);
        let (group, name) = (Some(r.get::<_, i64>(2)? as u64), r.get::<_, Option<String>>(3)?);
        all.looked_at += 1;
        let one = Variant { message: message.clone(), events: 0, first: at, last: at, group };
        let one = found.entry(message).or_insert(one);
        one.events += 1;
        one.first = one.first.min(at);
        one.group = one.group.filter(|_| one.group == group);
        let client = IssueClient { name: name.clone(), events: 0, group };
        let client = clients.entry(name).or_insert(client);
        client.events += 1;
        client.group = client.group.filter(|_| client.group == group);
    }
    all.clients = clients.into_values().collect();
    all.clients.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.name.cmp(&b.name)));
    all.clients.truncate(VARIANTS);
    all.distinct = found.len() as u64;
    all.items = found.into_values().collect();
    all.items
        .sort_by(|a, b| (b.events, b.last).cmp(&(a.events, a.last)).then_with(|| a.message.cmp(&b.message)));
    all.items.truncate(VARIANTS);
    Ok(all)
}

/// Circumstances that are over-represented in its failures against successes of the same tool.
pub(super) fn suspects(
    reader: &Reader,
    scope: &Scope,
    row: &IssueRow,
    members: &[i64],
) -> Result<Vec<Suspect>> {
    let Some(tool) = &row.tool else { return Ok(Vec::new()) };
    let Some(tool) = figures::name_of(reader, tool)? else { return Ok(Vec::new()) };
    let mut found: Map<(Circumstance, i64), (u64, u64)> = Map::default();
    let (mut failing, mut working) = (0, 0);
    let mut closely = Closely::new(reader)?;
    let mut statement = reader.conn.prepare_cached(sql!("event.suspects"))?;
    let mut rows = statement.query((tool, scope.period.from.micros(), scope.period.to.micros()))?;
    while let Some(r) = rows.next()? {
        let failed = r.get::<_, Option<i64>>(0)?.is_some_and(|issue| members.contains(&issue));
        let worked = r.get::<_, Option<u8>>(1)?.and_then(Status::from_code) == Some(Status::Ok);
        if Flags::from_bits(r.get(2)?).nested || !(failed || worked) {
            continue;
        }
        *(if failed { &mut failing } else { &mut working }) += 1;
        for (column, what) in (3..).zip(Circumstance::ALL) {
            if let Some(id) = r.get::<_, Option<i64>>(column)? {
                let both = found.entry((what, id)).or_default();
                *(if failed { &mut both.0 } else { &mut both.1 }) += 1;
            }
        }
        let side = if failed { Side::Failing } else { Side::Working };
        closely.add(reader, side, r.get(7)?, (r.get(8)?, r.get(9)?, r.get(10)?))?;
    }
    let mut suspects: Vec<Suspect> = in_words(reader, found)?
        .into_iter()
        .map(|((what, value), (failing_with, working_with))| {
            (what, value, Counts { failing_with, failing, working_with, working })
        })
        .filter(|(_, _, counts)| counts.is_suspect())
        .map(|(what, value, counts)| Suspect { what, value, counts, chance: counts.chance() })
        .collect();
    suspects.extend(closely.suspects());
    suspects.sort_by(|a, b| {
        a.chance.total_cmp(&b.chance).then_with(|| (a.what, &a.value).cmp(&(b.what, &b.value)))
    });
    suspects.truncate(SUSPECTS);
    Ok(suspects)
}

/// What a row says of a call by a number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Circumstance {
    Client,
    Server,
    Model,
    Protocol,
}

impl Circumstance {
    /// In the order of the columns.
    const ALL: [Self; 4] = [Self::Client, Self::Server, Self::Model, Self::Protocol];
}

/// How often each was there in failing and in working calls, by what it is called.
type InWords = HashMap<(&'static str, String), (u64, u64)>;

fn in_words(reader: &Reader, found: Map<(Circumstance, i64), (u64, u64)>) -> Result<InWords> {
    let peers = figures::peers(reader)?;
    let texts = figures::texts(reader, &found.keys().map(|(_, id)| *id).collect())?;
    let mut words = InWords::new();
    for ((what, id), (failing, working)) in found {
        let mut add = |what, value: String| {
            let both = words.entry((what, value)).or_default();
            *both = (both.0 + failing, both.1 + working);
        };
        let peer = peers.get(&id);
        let version = peer.and_then(|peer| peer.version.as_deref());
        match what {
            Circumstance::Client => {
                if let Some(peer) = peer {
                    add("client", peer.name.to_string());
                    if let Some(version) = version {
                        add("client version", format!("{} {version}", peer.name));
                    }
                }
            }
            Circumstance::Server => version.into_iter().for_each(|v| add("server version", v.to_owned())),
            Circumstance::Model => texts.get(&id).into_iter().for_each(|t| add("model", t.clone())),
            Circumstance::Protocol => texts.get(&id).into_iter().for_each(|t| add("protocol", t.clone())),
        }
    }
    Ok(words)
}

/// Versions of the first failure, and listings, that were first seen in the day before it.
pub(super) fn just_before(reader: &Reader, issue: i64, first: Timestamp) -> Result<Vec<JustBefore>> {
    let first_us = first.micros();
    let mut statement = reader.conn.prepare_cached(sql!("issue.programs"))?;
    let mut rows = statement.query([issue])?;
    let Some(r) = rows.next()? else { return Ok(Vec::new()) };
    let text = |i: usize| r.get::<_, Option<String>>(i).map(|t| t.filter(|t| !t.is_empty()));
    let client = text(1)?.zip(text(2)?).map(|(name, version)| format!("{name} {version}"));
    let server = text(3)?;
    let window = (first_us - BEFORE_US, first_us + 1);
    let mut client_at = i64::MAX;
    if let (Some(number), Some(_)) = (r.get::<_, Option<i64>>(0)?, &client) {
        kept::visit(reader, window.0, window.1, |started: &Started| {
            if started.client == number {
                client_at = client_at.min(started.at);
            }
        })?;
    }
    let at = |r: &rusqlite::Row<'_>| Ok(r.get::<_, Option<i64>>(0)?.unwrap_or(i64::MAX));
    let mut of_version = reader.conn.prepare_cached(sql!("session.first_of_version"))?;
    let server_at = of_version.query_row((window.0, window.1, &server), at)?;
    let mut of_all = reader.conn.prepare_cached(sql!("session.first_between"))?;
    let oldest = of_all.query_row(window, at)?;
    let mut found = Vec::new();
    // What was there from the beginning of all data came before nothing.
    let is_new = |at: i64| at != i64::MAX && at >= first_us - DAY_US && oldest < at;
    for (what, value, at) in [("server version", server, server_at), ("client version", client, client_at)] {
        if let Some(value) = value.filter(|_| is_new(at)) {
            found.push(JustBefore { what, value, at: Timestamp::from_micros(at) });
        }
    }
    let mut statement = reader.conn.prepare_cached(sql!("catalog.firsts"))?;
    let mut rows = statement.query((first_us - DAY_US, first_us + 1))?;
    while let Some(r) = rows.next()? {
        let (hash, at): (String, i64) = (r.get(0)?, r.get(1)?);
        if is_new(at) {
            let value = hash.chars().take(8).collect();
            found.push(JustBefore { what: "tool listing", value, at: Timestamp::from_micros(at) });
        }
    }
    Ok(found)
}

/// Groups shown under it.
pub(super) fn members(reader: &Reader, issue: i64) -> Result<Vec<IssueMember>> {
    let mut statement = reader.conn.prepare_cached(sql!("issue_merge.members"))?;
    let rows = statement
        .query_map([issue], |r| Ok(IssueMember { id: r.get::<_, i64>(0)? as u64, title: r.get(1)? }))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What it was taken out of by hand.
pub(super) fn out_of(reader: &Reader, issue: i64) -> Result<Option<Apart>> {
    let mut statement = reader.conn.prepare_cached(sql!("issue_apart.out_of"))?;
    Ok(statement.query_map([issue], apart)?.next().transpose()?.flatten())
}

/// What was taken out of these groups by hand and is shown under none of them.
pub(super) fn taken_out(reader: &Reader, whole: &[i64]) -> Result<Vec<Apart>> {
    let mut statement = reader.conn.prepare_cached(sql!("issue_apart.out"))?;
    let mut found = Vec::new();
    for issue in whole {
        for one in statement.query_map([issue], apart)? {
            found.extend(one?.filter(|one| !whole.contains(&(one.id as i64))));
        }
    }
    Ok(found)
}

fn apart(r: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Apart>> {
    let by = ApartBy::parse(&r.get::<_, String>(2)?, &r.get::<_, String>(3)?);
    let (id, title, moving) = (r.get::<_, i64>(0)? as u64, r.get(1)?, r.get(4)?);
    Ok(by.map(|by| Apart { id, title, by, moving }))
}

/// What was done to it.
pub(super) fn history(reader: &Reader, issue: i64) -> Result<Vec<IssueNote>> {
    let mut statement = reader.conn.prepare_cached(sql!("issue_history.list"))?;
    let rows = statement.query_map([issue], |r| {
        Ok(IssueNote {
            id: r.get::<_, i64>(0)? as u64,
            at: Timestamp::from_micros(r.get(1)?),
            who: r.get(2)?,
            what: r.get(3)?,
            comment: r.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
