//! What is known of a session: its span, its counters and who took part, as a merge over its events.
//!
//! The store keeps [`Facts`] per session and merges into it what each commit adds; the replay and the API read it. The
//! merge is commutative and associative, and counts each event once because the store stops duplicates before
//! (INV-03, INV-04). The fold of [`Facts::add`] over the rows is the definition of every stored figure (INV-05).

use std::collections::BTreeSet;

use trackway_event::{ActorId, Event, Input, Kind, Peer, SessionSource, Timestamp};

use crate::codec::{Put, Take};
use crate::person;
use crate::winner::{First, Key, KeyTable, Last};

/// Different actors of one session that are kept by id; beyond, only that there are more.
pub const ACTORS: usize = 32;

/// Everything a session is, but its id and its events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Counters and span, plain numbers.
    pub counts: Counts,
    /// Who took part, with the keys that decide.
    pub people: Provenance,
}

impl Facts {
    /// The facts one event contributes.
    pub fn of(event: &Event) -> Self {
        let mut facts = Self::default();
        facts.add(event);
        facts
    }

    /// Takes one event in; the same as merging [`Facts::of`] it, without the copies.
    pub fn add(&mut self, event: &Event) {
        self.counts.merge(Counts::of(event));
        self.people.add(event);
    }

    /// Both sets of facts, of different events.
    pub fn merge(&mut self, other: Self) {
        self.counts.merge(other.counts);
        self.people.merge(other.people);
    }

    /// Whether lists show the session: identity facts and protocol noise alone make none (AC R24).
    pub const fn is_visible(&self) -> bool {
        self.counts.activity > 0
    }
}

/// Span and counters of a session (D16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// First and latest start over the counted rows; `None` while there is only protocol noise.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Rows that make the session visible ([`Kind::is_activity`]).
    pub activity: u64,
    /// Rows except kind `protocol`.
    pub events: u64,
    /// Logical calls, without nested ones, `input_required` legs and virtual tools.
    pub tool_calls: u64,
    /// Those of them with status `tool_error` or `protocol_error`.
    pub errors: u64,
    /// Calls of `get_more_tools` and reports of missing capabilities.
    pub missing_reports: u64,
    /// Tokens of arguments, given or estimated, over counted rows that are not nested.
    pub tokens_in: u64,
    /// Tokens of results, likewise.
    pub tokens_out: u64,
    /// Rows of the demo's invented traffic.
    pub demo: u64,
}

impl Counts {
    /// What one event adds.
    pub fn of(event: &Event) -> Self {
        let counted = event.kind != Kind::Protocol;
        let call = event.is_counted_call();
        let tokens = event.tokens.filter(|_| counted && !event.flags.nested).unwrap_or_default();
        Self {
            span: counted.then_some((event.started_at, event.started_at)),
            activity: u64::from(event.kind.is_activity()),
            events: u64::from(counted),
            tool_calls: u64::from(call),
            errors: u64::from(call && event.failed()),
            missing_reports: u64::from(event.kind == Kind::MissingCapability),
            tokens_in: tokens.input.unwrap_or(0).into(),
            tokens_out: tokens.output.unwrap_or(0).into(),
            demo: u64::from(event.flags.demo),
        }
    }

    /// The sum, over different events.
    pub fn merge(&mut self, other: Self) {
        self.span = match (self.span, other.span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (ours, theirs) => ours.or(theirs),
        };
        self.activity += other.activity;
        self.events += other.events;
        self.tool_calls += other.tool_calls;
        self.errors += other.errors;
        self.missing_reports += other.missing_reports;
        self.tokens_in += other.tokens_in;
        self.tokens_out += other.tokens_out;
        self.demo += other.demo;
    }
}

/// Who took part in a session. A null erases nothing; of several values the first by (event time, id) holds for
/// programs, the last for the actor (AC R20, R32).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The client.
    pub client: First<Peer>,
    /// The server.
    pub server: First<Peer>,
    /// The recording library.
    pub sdk: First<Peer>,
    /// MCP revision.
    pub protocol_version: First<Box<str>>,
    /// Which rule made the session.
    pub source: First<SessionSource>,
    /// The agent's process.
    pub process: First<Box<str>>,
    /// The agent's address, hashed.
    pub address: First<Box<str>>,
    /// The first actor: the one a session's anonymous events belong to (PH I11) unless there are several.
    pub first_actor: First<ActorId>,
    /// The last actor: the one the session is shown under.
    pub actor: Last<ActorId>,
    /// The [`ACTORS`] smallest ids of actors seen.
    pub actors: BTreeSet<ActorId>,
    /// Whether there are more actors than that.
    pub more_actors: bool,
    /// Whether a recorder took part that shares one session id among users (D9): then several actors link nothing.
    pub shared: bool,
}

impl Provenance {
    /// Takes one event in.
    pub fn add(&mut self, event: &Event) {
        for (slot, peer) in [
            (&mut self.client, &event.client),
            (&mut self.server, &event.server),
            (&mut self.sdk, &event.sdk),
        ] {
            if let Some(peer) = peer.as_ref().filter(|p| !p.name.is_empty()) {
                slot.offer(event, peer);
            }
        }
        if let Some(version) = &event.protocol_version {
            self.protocol_version.offer(event, version);
        }
        if let Some(source) = &event.session_source {
            self.source.offer(event, source);
        }
        if let Some(process) = event.process.as_ref().filter(|p| !p.trim().is_empty()) {
            self.process.offer(event, process);
        }
        if let Some(address) = event.address.as_ref().filter(|a| !a.trim().is_empty()) {
            self.address.offer(event, address);
        }
        self.shared |= event.input == Input::Agentcat;
        self.link(event);
    }

    /// Takes only the person of an event: one that tells of this session, but is not in it (PH I15).
    pub fn link(&mut self, event: &Event) {
        if let Some(actor) = person::legal_actor(event).filter(|_| person::makes_person(event)) {
            self.first_actor.offer(event, &actor.id);
            self.actor.offer(event, &actor.id);
            if !self.actors.contains(&actor.id) {
                self.actors.insert(actor.id.clone());
                self.bound_actors();
            }
        }
    }

    /// Both, each fact by its own rule.
    pub fn merge(&mut self, other: Self) {
        self.client.merge(other.client);
        self.server.merge(other.server);
        self.sdk.merge(other.sdk);
        self.protocol_version.merge(other.protocol_version);
        self.source.merge(other.source);
        self.process.merge(other.process);
        self.address.merge(other.address);
        self.first_actor.merge(other.first_actor);
        self.actor.merge(other.actor);
        self.actors.extend(other.actors);
        self.more_actors |= other.more_actors;
        self.shared |= other.shared;
        self.bound_actors();
    }

    /// How many different actors, counted up to [`ACTORS`] + 1.
    pub fn actor_count(&self) -> u32 {
        self.actors.len() as u32 + u32::from(self.more_actors)
    }

    /// The person that the session's anonymous events belong to: the first one by event time (PH I11). Where a recorder
    /// shares a session id among users, nobody as soon as there are two (D9).
    pub fn attributed(&self) -> Option<&ActorId> {
        self.first_actor.value().filter(|_| !self.shared || self.actor_count() == 1)
    }

    fn bound_actors(&mut self) {
        while self.actors.len() > ACTORS {
            self.actors.pop_last();
            self.more_actors = true;
        }
    }

    /// The facts as bytes for the ledger. Keys shared by several facts are written once.
    pub fn encode(&self) -> Vec<u8> {
        let keys = [
            key(&self.client.0),
            key(&self.server.0),
            key(&self.sdk.0),
            key(&self.protocol_version.0),
            key(&self.source.0),
            key(&self.first_actor.0),
            key(&self.actor.0),
            key(&self.process.0),
            key(&self.address.0),
        ];
        let table = KeyTable::of(keys.into_iter().flatten());
        let mut out = vec![FORMAT];
        table.put(&mut out);
        table.put_fact(&mut out, &self.client.0, put_peer);
        table.put_fact(&mut out, &self.server.0, put_peer);
        table.put_fact(&mut out, &self.sdk.0, put_peer);
        table.put_fact(&mut out, &self.protocol_version.0, |out, v| out.put_text(v));
        table.put_fact(&mut out, &self.source.0, |out, s| out.push(s.code()));
        table.put_fact(&mut out, &self.first_actor.0, |out, a| out.put_text(a.as_str()));
        table.put_fact(&mut out, &self.actor.0, |out, a| out.put_text(a.as_str()));
        out.put_u64(self.actors.len() as u64);
        for actor in &self.actors {
            out.put_text(actor.as_str());
        }
        out.push(u8::from(self.more_actors) | u8::from(self.shared) << 1);
        table.put_fact(&mut out, &self.process.0, |out, v| out.put_text(v));
        table.put_fact(&mut out, &self.address.0, |out, v| out.put_text(v));
        out
    }

    /// Reads what [`Provenance::encode`] wrote, now or in the format before; `None` on anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Take(bytes);
        let take = &mut bytes;
        let format = take.byte()?;
        if !(OLDEST..=FORMAT).contains(&format) {
            return None;
        }
        let table = &KeyTable::take(take)?;
        let actor = |t: &mut Take<'_>| ActorId::parse(t.text()?).map(|(id, _)| id);
        let mut out = Self {
            client: First(KeyTable::take_fact(take, table, take_peer)?),
            server: First(KeyTable::take_fact(take, table, take_peer)?),
            sdk: First(KeyTable::take_fact(take, table, take_peer)?),
            protocol_version: First(KeyTable::take_fact(take, table, |t| t.text().map(Into::into))?),
            source: First(KeyTable::take_fact(take, table, |t| SessionSource::from_code(t.byte()?))?),
            first_actor: First(KeyTable::take_fact(take, table, actor)?),
            actor: Last(KeyTable::take_fact(take, table, actor)?),
            actors: (0..take.count()?).map(|_| actor(take)).collect::<Option<_>>()?,
            more_actors: false,
            shared: false,
            process: First::default(),
            address: First::default(),
        };
        let bits = take.byte()?;
        out.more_actors = bits & 1 != 0;
        out.shared = format < 2 || bits & 2 != 0;
        if format >= 3 {
            out.process = First(KeyTable::take_fact(take, table, |t| t.text().map(Into::into))?);
            out.address = First(KeyTable::take_fact(take, table, |t| t.text().map(Into::into))?);
        }
        bytes.end()?;
        Some(out)
    }
}

/// First byte of the encoding; grows when it changes.
const FORMAT: u8 = 3;
/// The oldest that is read: every session withdrew its links at a second actor.
const OLDEST: u8 = 1;

fn key<T>(fact: &Option<(Key, T)>) -> Option<&Key> {
    fact.as_ref().map(|(key, _)| key)
}

fn put_peer(out: &mut Vec<u8>, peer: &Peer) {
    out.put_text(&peer.name);
    match &peer.version {
        None => out.push(0),
        Some(version) => {
            out.push(1);
            out.put_text(version);
        }
    }
}

fn take_peer(take: &mut Take<'_>) -> Option<Peer> {
    let name = take.text()?.into();
    let version = if take.byte()? == 0 { None } else { Some(take.text()?.into()) };
    Some(Peer { name, version })
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
