//! The edits on the path of a message: what the proxy calls before it forwards a line (INV-07). It keeps only what the
//! edits need: which requests are listings, and which tools may be stripped. Recording happens elsewhere, later.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError, RwLock};

use trackway_event::limits;

use crate::wire::id::RequestId;
use crate::wire::inject::{Injection, MORE_TOOLS, MORE_TOOLS_ANSWER, Missing, Mode};
use crate::wire::scan::{elements, end_of_value, skip_space};
use crate::wire::strip::strip;
use crate::wire::{Edit, Message, apply, get, get_text, messages};

/// What to do with a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Forward it as it is.
    Forward,
    /// Forward this in its place.
    Replace(Vec<u8>),
    /// Answer this line, newline included, and forward only what is left of a batch, if anything.
    Answer {
        /// For the client.
        answer: Vec<u8>,
        /// For the server, without a newline.
        forward: Option<Vec<u8>>,
    },
}

/// Whether a tool's calls are stripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ToolKind {
    /// Eligible: `context` is ours.
    Strip,
    /// Left alone.
    Own,
}

/// The wire state towards one server. Ids of requests are told apart by lane: a pipe has one, over HTTP each exchange has
/// its own, and so has each MCP session for answers that come on another stream than their request's.
#[derive(Debug)]
pub struct Editor {
    injection: Injection,
    listings: Mutex<Listings>,
    kinds: RwLock<Kinds>,
}

/// Listings that wait for their answer, by lane.
#[derive(Debug, Default)]
struct Listings {
    lanes: HashMap<u64, HashSet<RequestId>>,
    count: usize,
}

impl Listings {
    fn insert(&mut self, lane: u64, id: RequestId) {
        if self.count < limits::PENDING && self.lanes.entry(lane).or_default().insert(id) {
            self.count += 1;
        }
    }

    fn remove(&mut self, lane: u64, id: &RequestId) -> bool {
        let Some(ids) = self.lanes.get_mut(&lane) else { return false };
        let known = ids.remove(id);
        self.count -= usize::from(known);
        if ids.is_empty() {
            self.lanes.remove(&lane);
        }
        known
    }

    fn take(&mut self, lane: u64) -> HashSet<RequestId> {
        let ids = self.lanes.remove(&lane).unwrap_or_default();
        self.count -= ids.len();
        ids
    }
}

#[derive(Debug, Default)]
struct Kinds {
    tools: HashMap<String, ToolKind>,
    /// The server has a tool of the reporting tool's name.
    owns_more_tools: bool,
}

impl Editor {
    /// A server that nothing is known of.
    pub fn new(injection: Injection) -> Self {
        Self { injection, listings: Mutex::default(), kinds: RwLock::default() }
    }

    /// Whether a listing of this lane waits for its answer.
    pub fn awaits(&self, lane: u64) -> bool {
        self.listings().lanes.contains_key(&lane)
    }

    /// The lane has ended; what it still waits for may come in another one.
    pub fn end_lane(&self, lane: u64, resumed_in: Option<u64>) {
        let mut listings = self.listings();
        for id in listings.take(lane) {
            if let Some(lane) = resumed_in {
                listings.insert(lane, id);
            }
        }
    }

    /// The tool of a call whose kind is not known although its arguments hold a `context` (CAP §4.6).
    pub fn asks_for_kind(&self, line: &[u8]) -> Option<String> {
        let has = |word: &[u8]| memchr::memmem::find(line, word).is_some();
        if self.injection.mode == Mode::ObserveOnly || !has(b"tools") || !(has(b"context") || has(b"\\u")) {
            return None;
        }
        messages(line)?.iter().filter(|m| m.method.as_deref() == Some("tools/call")).find_map(|message| {
            let params = message.params.as_ref()?;
            let name = get_text(line, params, "name")?;
            let unknown =
                !self.kinds.read().unwrap_or_else(PoisonError::into_inner).tools.contains_key(&name);
            let given = strip(line, &get(line, params, "arguments")?).value.is_some();
            (unknown && given && name != MORE_TOOLS).then_some(name)
        })
    }

    /// Learns the kinds of a listing that was asked for by ourselves; its cursor, when a further page follows.
    pub fn learn(&self, answer: &[u8]) -> Option<String> {
        let all = messages(answer)?;
        let result = all.iter().find_map(|m| m.result.clone())?;
        self.listing(answer, &result);
        get_text(answer, &result, "nextCursor")
    }

    fn listings(&self) -> std::sync::MutexGuard<'_, Listings> {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line from the client of a pipe, without its newline.
    pub fn from_client(&self, line: &[u8]) -> Verdict {
        self.from_client_in(0, line)
    }

    /// A message from the client in this lane.
    pub fn from_client_in(&self, lane: u64, line: &[u8]) -> Verdict {
        if line.len() > limits::INSPECT_BYTES || memchr::memmem::find(line, b"tools/").is_none() {
            // An escaped method name (`tools\/call`) is legal JSON too.
            if memchr::memmem::find(line, b"tools\\").is_none() {
                return Verdict::Forward;
            }
        }
        let Some(all) = messages(line) else { return Verdict::Forward };
        let mut edits = Vec::new();
        let mut answers = Vec::new();
        for (index, message) in all.iter().enumerate() {
            match message.method.as_deref() {
                Some("tools/list") => {
                    if let Some(id) = id_of(line, message) {
                        self.listings().insert(lane, id);
                    }
                }
                Some("tools/call") => {
                    if let Some(answer) = self.answer(line, message) {
                        answers.push((index, answer));
                        continue;
                    }
                    edits.extend(self.call(line, message));
                }
                Some(_) | None => {}
            }
        }
        match answers.is_empty() {
            true => replace(line, &edits),
            false => answered(line, &answers, &edits),
        }
    }

    /// A line from the server of a pipe, without its newline.
    pub fn from_server(&self, line: &[u8]) -> Verdict {
        self.from_server_in(&[0], line)
    }

    /// A message from the server to a request of one of these lanes.
    pub fn from_server_in(&self, lanes: &[u64], line: &[u8]) -> Verdict {
        let waiting = lanes.iter().any(|lane| self.awaits(*lane));
        if !waiting || line.len() > limits::INSPECT_BYTES {
            return Verdict::Forward;
        }
        let Some(all) = messages(line) else { return Verdict::Forward };
        let mut edits = Vec::new();
        for message in &all {
            if message.method.is_some() {
                continue;
            }
            let Some(id) = id_of(line, message) else { continue };
            let known = lanes.iter().any(|lane| self.listings().remove(*lane, &id));
            if let Some(result) = message.result.as_ref().filter(|_| known) {
                edits.extend(self.listing(line, result));
            }
        }
        replace(line, &edits)
    }

    fn listing(&self, line: &[u8], result: &std::ops::Range<usize>) -> Vec<Edit> {
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        // The server's own tool of that name may have come on an earlier page.
        let more = if kinds.owns_more_tools { Missing::Off } else { self.injection.report_missing };
        let Some((tools, edits)) = self.injection.list(line, result, more) else { return Vec::new() };
        for tool in tools {
            kinds.owns_more_tools |= tool.name == MORE_TOOLS;
            let kind = if tool.schema.is_ok() { ToolKind::Strip } else { ToolKind::Own };
            kinds.tools.insert(tool.name, kind);
        }
        edits
    }

    fn call(&self, line: &[u8], message: &Message) -> Vec<Edit> {
        if self.injection.mode == Mode::ObserveOnly {
            return Vec::new();
        }
        let found = message.params.as_ref().and_then(|params| {
            let name = get_text(line, params, "name")?;
            let kinds = self.kinds.read().unwrap_or_else(PoisonError::into_inner);
            (kinds.tools.get(&name) == Some(&ToolKind::Strip)).then_some(())?;
            Some(strip(line, &get(line, params, "arguments")?).edits)
        });
        found.unwrap_or_default()
    }

    /// The answer to a call of the reporting tool, when it is ours.
    fn answer(&self, line: &[u8], message: &Message) -> Option<Vec<u8>> {
        if self.injection.report_missing == Missing::Off {
            return None;
        }
        let name = get_text(line, message.params.as_ref()?, "name")?;
        let owned = self.kinds.read().unwrap_or_else(PoisonError::into_inner).owns_more_tools;
        if name != MORE_TOOLS || owned {
            return None;
        }
        let id = line.get(message.id.clone()?)?;
        let text = serde_json::to_string(MORE_TOOLS_ANSWER).ok()?;
        let mut out = br#"{"jsonrpc":"2.0","id":"#.to_vec();
        out.extend_from_slice(id);
        out.extend_from_slice(br#","result":{"content":[{"type":"text","text":"#);
        out.extend_from_slice(text.as_bytes());
        // Revisions since 2026-07-28 require the kind of result; they are known by the request's own metadata.
        let meta = get(line, message.params.as_ref()?, "_meta");
        let modern = meta.is_some_and(|m| get(line, &m, "io.modelcontextprotocol/protocolVersion").is_some());
        let kind: &[u8] = if modern { br#","resultType":"complete""# } else { b"" };
        out.extend_from_slice(b"}],\"isError\":false");
        out.extend_from_slice(kind);
        out.extend_from_slice(b"}}");
        Some(out)
    }
}

/// The id of a message as a key.
pub(crate) fn id_of(line: &[u8], message: &Message) -> Option<RequestId> {
    RequestId::parse(line.get(message.id.clone()?)?)
}

/// Answers the calls that are ours; the rest of their batch goes on without them.
fn answered(line: &[u8], answers: &[(usize, Vec<u8>)], edits: &[Edit]) -> Verdict {
    let start = skip_space(line, 0);
    let batch = match line.get(start) {
        Some(b'[') => end_of_value(line, start).and_then(|end| elements(line, &(start..end))),
        Some(_) | None => None,
    };
    let Some(batch) = batch else {
        let mut answer = answers.first().map(|(_, a)| a.clone()).unwrap_or_default();
        answer.push(b'\n');
        return Verdict::Answer { answer, forward: None };
    };
    let bodies: Vec<&[u8]> = answers.iter().map(|(_, a)| a.as_slice()).collect();
    let answer = [b"[".as_slice(), &bodies.join(&b','), b"]\n"].concat();
    let ours = |index: usize| answers.iter().any(|(i, _)| *i == index);
    let kept: Vec<Vec<u8>> = batch
        .iter()
        .enumerate()
        .filter(|(index, _)| !ours(*index))
        .map(|(_, at)| {
            let inside = edits.iter().filter(|e| e.at.start >= at.start && e.at.end <= at.end);
            let moved: Vec<Edit> = inside
                .map(|e| Edit { at: e.at.start - at.start..e.at.end - at.start, with: e.with.clone() })
                .collect();
            apply(line.get(at.clone()).unwrap_or_default(), &moved)
        })
        .collect();
    let forward = (!kept.is_empty()).then(|| [b"[".as_slice(), &kept.join(&b','), b"]"].concat());
    Verdict::Answer { answer, forward }
}

fn replace(line: &[u8], edits: &[Edit]) -> Verdict {
    if edits.is_empty() { Verdict::Forward } else { Verdict::Replace(apply(line, edits)) }
}

#[cfg(test)]
#[path = "editor_tests.rs"]
mod tests;
