//! Ways of a scope: its newest calls told apart by client, model, revision, recorder or person. Attempts are those of whole
//! sessions, counted where they began (INV-05: the folds of `core::metric` are the definition).

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use rusqlite::{OptionalExtension, Row};
use trackway_core::chain;
use trackway_core::metric::weight::NEAR_CAP_TOKENS;
use trackway_event::{CaptureBy, Input, Peer, Status};

use super::Reader;
use super::figures::{self, texts};
use super::payloads::Payloads;
use super::people::Moved;
use super::recent::{Call, newest_calls};
use super::signals::Calls;
use crate::Result;
use crate::query::{Attempts, By, Scope, Way, Ways};
use crate::sqlite::cache::Map;
use crate::sqlite::control::sql;

/// Names listed of a way.
const NAMES: usize = 3;
/// Clients whose handshake is looked at.
const DECLARED: usize = 50;

/// What a way is told by: one number, and for recorders how they recorded.
type Key = (i64, u8, u8);

#[derive(Default)]
struct Sum {
    way: Way,
    sessions: Map<i64, ()>,
    /// Calls in no session: each counts as one.
    lone: u64,
    people: Map<i64, ()>,
    tools: Map<i64, u64>,
    clients: Map<i64, u64>,
    protocols: Map<i64, u64>,
    recorders: Map<(u8, u8), u64>,
    /// The session of its newest call; they are added newest first.
    newest: Option<i64>,
}

/// Who comes by which way, and how well each does.
pub(in crate::sqlite) fn ways(reader: &Reader, scope: &Scope, by: By) -> Result<Ways> {
    let moved = Moved::read(reader)?;
    let mut sums: Map<Key, Sum> = Map::default();
    let newest = newest_calls(reader, scope)?;
    let key = |call: &Call| key(call, by, &moved);
    for call in newest.as_slice().iter().rev() {
        sums.entry(key(call)).or_default().add(call, moved.shown(call.person).unwrap_or(0));
    }
    for calls in newest.by_session() {
        let mut marks = Calls::default();
        calls.iter().for_each(|c| marks.add(c.tool, c.mark, c.flags, c.repeat));
        let views = marks.views();
        for chain in chain::chains(&views) {
            let Some(first) = chain.calls.first().and_then(|i| calls.get(*i)) else { continue };
            if let Some(sum) = sums.get_mut(&key(first)) {
                sum.way.attempts.merge(Attempts::of(&chain, &views));
            }
        }
    }
    let mut all =
        Ways { calls: newest.as_slice().len() as u64, partial: newest.partial.clone(), ..Ways::default() };
    if by == By::Client {
        declared(reader, &mut sums)?;
    }
    let names = Names::of(reader, &sums, by)?;
    all.items = sums.into_iter().filter_map(|(key, sum)| sum.done(&names, key, by)).collect();
    all.items.sort_by(|a, b| {
        let size = (b.sessions, b.calls).cmp(&(a.sessions, a.calls));
        size.then_with(|| (a.name.is_none(), &a.name).cmp(&(b.name.is_none(), &b.name)))
    });
    Ok(all)
}

fn key(call: &Call, by: By, moved: &Moved) -> Key {
    match by {
        By::Client => (call.client, 0, 0),
        By::Model => (call.model, 0, 0),
        By::Protocol => (call.protocol, 0, 0),
        By::Recorder => (call.sdk, call.recorder.0, call.recorder.1),
        By::Person => (moved.shown(call.person).unwrap_or(0), 0, 0),
    }
}

impl Sum {
    fn add(&mut self, call: &Call, person: i64) {
        let way = &mut self.way;
        let status = call.mark.status.filter(|s| !(call.flags.declared_error && s.failed()));
        let finished = matches!(status, Some(Status::Ok | Status::ToolError | Status::ProtocolError));
        way.calls += 1;
        way.finished += u64::from(finished);
        way.failed += u64::from(status.is_some_and(Status::failed));
        way.bad_arguments += u64::from(call.bad_arguments);
        way.intents += u64::from(call.says_why);
        let tokens_out = call.tokens_out.unwrap_or(0);
        way.near_cap += u64::from(status == Some(Status::Ok) && tokens_out >= NEAR_CAP_TOKENS);
        way.tokens += call.tokens_in + tokens_out;
        way.last_at = way.last_at.max(Some(call.mark.started_at));
        if call.session == 0 {
            self.lone += 1;
        } else {
            self.sessions.insert(call.session, ());
        }
        self.newest.get_or_insert(call.session);
        if person != 0 {
            self.people.insert(person, ());
        }
        for (map, id) in [
            (&mut self.tools, call.tool),
            (&mut self.clients, call.client),
            (&mut self.protocols, call.protocol),
        ] {
            if id != 0 {
                *map.entry(id).or_default() += 1;
            }
        }
        *self.recorders.entry(call.recorder).or_default() += 1;
    }

    /// With names; `None` for a person nobody knows: the anonymous are no person.
    fn done(self, names: &Names, key: Key, by: By) -> Option<Way> {
        let name = match by {
            By::Client | By::Recorder => names.peers.get(&key.0).cloned(),
            By::Model | By::Protocol => names.texts.get(&key.0).map(|t| plain(t)),
            By::Person => Some(plain(names.people.get(&key.0)?)),
        };
        let text =
            |ids: Map<i64, u64>| most(ids).iter().filter_map(|id| names.texts.get(id).cloned()).collect();
        let client = |id: &i64| names.peers.get(id).map(|p| p.name.to_string());
        let recorder = |(capture, input): &(u8, u8)| {
            let input = Input::from_code(*input).map_or("", Input::as_str);
            match CaptureBy::from_code(*capture) {
                Some(by) => format!("{} over {input}", by.as_str()),
                None => input.to_owned(),
            }
        };
        Some(Way {
            name,
            sessions: self.sessions.len() as u64 + self.lone,
            people: self.people.len() as u64,
            tools: text(self.tools),
            clients: programs(self.clients.iter().filter_map(|(id, n)| Some((client(id)?, *n)))),
            protocols: text(self.protocols),
            recorders: most(self.recorders).iter().map(recorder).collect(),
            ..self.way
        })
    }
}

/// Adds what clients said that they can do, for those with the most calls.
fn declared(reader: &Reader, sums: &mut Map<Key, Sum>) -> Result<()> {
    let mut handshake = reader.conn.prepare_cached(sql!("event.handshake"))?;
    let mut payloads = Payloads::default();
    let mut sums: Vec<&mut Sum> = sums.values_mut().collect();
    sums.sort_by_key(|sum| Reverse(sum.way.calls));
    for sum in sums.into_iter().take(DECLARED) {
        let place = |r: &Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?));
        let Some(place) = handshake.query_row([sum.newest], place).optional()? else { continue };
        let said = payloads.arguments(reader, place)?;
        let names = said.as_ref().and_then(|said| said.get("capabilities")?.as_array());
        sum.way.capabilities =
            names.map(|names| names.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect());
    }
    Ok(())
}

/// Names of everything that was met.
struct Names {
    peers: HashMap<i64, Peer>,
    texts: HashMap<i64, String>,
    people: HashMap<i64, String>,
}

impl Names {
    fn of(reader: &Reader, sums: &Map<Key, Sum>, by: By) -> Result<Self> {
        let mut ids: HashSet<i64> = HashSet::new();
        for (key, sum) in sums {
            ids.extend(sum.tools.keys().chain(sum.protocols.keys()));
            if matches!(by, By::Model | By::Protocol) {
                ids.insert(key.0);
            }
        }
        let mut people = HashMap::new();
        if by == By::Person {
            let mut statement = reader.conn.prepare_cached(sql!("person.row"))?;
            for (row, ..) in sums.keys().filter(|(row, ..)| *row != 0) {
                let mut rows = statement.query([row])?;
                if let Some(r) = rows.next()? {
                    people.insert(*row, r.get(0)?);
                }
            }
        }
        Ok(Self { peers: figures::peers(reader)?, texts: texts(reader, &ids)?, people })
    }
}

fn plain(text: &str) -> Peer {
    Peer { name: text.into(), version: None }
}

/// The most frequent names, whatever their version.
fn programs(counts: impl Iterator<Item = (String, u64)>) -> Vec<String> {
    let mut by_name: HashMap<String, u64> = HashMap::new();
    for (name, n) in counts {
        *by_name.entry(name).or_default() += n;
    }
    let mut all: Vec<(String, u64)> = by_name.into_iter().collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.into_iter().take(NAMES).map(|(name, _)| name).collect()
}

/// The most frequent ones.
fn most<K: Ord + Copy + Hash>(counts: Map<K, u64>) -> Vec<K> {
    let mut all: Vec<(K, u64)> = counts.into_iter().collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.into_iter().take(NAMES).map(|(key, _)| key).collect()
}
