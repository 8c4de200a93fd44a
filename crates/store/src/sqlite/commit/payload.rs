//! What only the detail of one event shows, packed behind one another and compressed a block at a time
//! (spec/storage.md §1: a block of a commit's payloads takes half of what single ones take).
//!
//! An event's part is a sequence of `tag, length (LEB128), bytes`; unknown tags are skipped, so that older programs read
//! newer rows.

use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use trackway_event::event::Direction;
use trackway_event::{ErrorInfo, Event, Identity, Payload, Timestamp};
use zstd::bulk::Compressor;

use crate::sqlite::control::sql;
use crate::{Result, StoreError};

/// Inflated bytes after which a block is closed: small enough to read one event of it within a few ms.
const BLOCK_BYTES: usize = 512 * 1024;
const LEVEL: i32 = 3;

const ARGUMENTS: u8 = 1;
const RESULT: u8 = 2;
const REQUEST_META: u8 = 3;
const TRANSPORT: u8 = 4;
const PROPERTIES: u8 = 5;
const RAW: u8 = 6;
const ERROR: u8 = 7;
const GROUPS: u8 = 8;
const TRAITS: u8 = 9;
const CONVERSATION: u8 = 10;
const ERROR_CODE: u8 = 11;
const DIRECTION: u8 = 12;
const SAID: u8 = 13;

/// Where an event's part lies.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) block: i64,
    pub(super) offset: i64,
    pub(super) length: i64,
}

/// Packs parts into blocks. Full ones are compressed by a thread of their own while the writer goes on with the rows, and
/// written at the end of the commit: compression is a fifth of a big commit's work.
pub(super) struct Packer {
    compressor: Compressor<'static>,
    open: Vec<u8>,
    part: Vec<u8>,
    helper: Option<Helper>,
    /// Blocks the helper has.
    away: usize,
}

/// Blocks below this many bytes are compressed at once: a handover costs as much.
const HANDOVER_BYTES: usize = 64 * 1024;

/// The thread that compresses; it ends when the packer is dropped.
struct Helper {
    give: SyncSender<(i64, Vec<u8>)>,
    take: Receiver<(i64, std::io::Result<Vec<u8>>)>,
}

impl Helper {
    fn start() -> Option<Self> {
        let (give, work) = sync_channel::<(i64, Vec<u8>)>(64);
        let (done, take) = channel();
        let mut compressor = Compressor::new(LEVEL).ok()?;
        let run = move || {
            for (block, bytes) in work {
                if done.send((block, compressor.compress(&bytes))).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("packer".into()).spawn(run).ok()?;
        Some(Self { give, take })
    }
}

impl Packer {
    pub(super) fn new() -> Result<Self> {
        let compressor = Compressor::new(LEVEL).map_err(|e| StoreError::Backend(e.to_string()))?;
        Ok(Self { compressor, open: Vec::new(), part: Vec::new(), helper: None, away: 0 })
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
        // What the helper still has belongs to a commit that is no more.
        self.helper = None;
        self.away = 0;
    }

    /// Adds an event to the open block `block`, moving on to the next when it is full. `None`: it has no payload.
    pub(super) fn add(&mut self, conn: &Connection, block: &mut i64, event: &Event) -> Result<Option<Place>> {
        self.part.clear();
        pack(event, &mut self.part);
        if self.part.is_empty() {
            return Ok(None);
        }
        if !self.open.is_empty() && self.open.len() + self.part.len() > BLOCK_BYTES {
            self.flush(conn, block)?;
        }
        let place = Place { block: *block, offset: self.open.len() as i64, length: self.part.len() as i64 };
        self.open.extend_from_slice(&self.part);
        Ok(Some(place))
    }

    /// Closes the open block, if there is anything in it.
    pub(super) fn flush(&mut self, conn: &Connection, block: &mut i64) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        if self.open.len() >= HANDOVER_BYTES && self.helper.is_none() {
            self.helper = Helper::start();
        }
        if let Some(helper) = self.helper.as_ref().filter(|_| self.open.len() >= HANDOVER_BYTES) {
            let bytes = std::mem::take(&mut self.open);
            helper.give.send((*block, bytes)).map_err(|_| helper_is_gone())?;
            self.away += 1;
            *block += 1;
            return Ok(());
        }
        let data = self.compressor.compress(&self.open).map_err(|e| StoreError::Backend(e.to_string()))?;
        conn.prepare_cached(sql!("block.insert"))?.execute((*block, data))?;
        *block += 1;
        self.open.clear();
        Ok(())
    }

    /// Writes the blocks the helper had; to be called before the commit.
    pub(super) fn finish(&mut self, conn: &Connection) -> Result<()> {
        let Some(helper) = self.helper.as_ref().filter(|_| self.away > 0) else { return Ok(()) };
        let mut insert = conn.prepare_cached(sql!("block.insert"))?;
        for _ in 0..std::mem::take(&mut self.away) {
            let (block, data) = helper.take.recv().map_err(|_| helper_is_gone())?;
            insert.execute((block, data.map_err(|e| StoreError::Backend(e.to_string()))?))?;
        }
        Ok(())
    }
}

fn helper_is_gone() -> StoreError {
    StoreError::Backend("the thread that compresses payloads is gone".into())
}

fn pack(event: &Event, out: &mut Vec<u8>) {
    for (tag, payload) in [
        (ARGUMENTS, &event.arguments),
        (RESULT, &event.result),
        (REQUEST_META, &event.request_meta),
        (TRANSPORT, &event.transport),
        (PROPERTIES, &event.properties),
        (RAW, &event.raw),
    ] {
        if let Some(payload) = payload {
            put(out, tag, payload.get().as_bytes());
        }
    }
    if let Some(error) = &event.error
        && (error.stack.is_some()
            || error.platform.is_some()
            || !error.frames.is_empty()
            || !error.chain.is_empty())
    {
        put_json(out, ERROR, error);
    }
    if !event.groups.is_empty() {
        put_json(out, GROUPS, &event.groups);
    }
    if let Some(actor) = event.actor.as_ref().filter(|a| !a.traits.is_empty()) {
        put_json(out, TRAITS, &actor.traits);
    }
    if let Some(conversation) = &event.conversation_id {
        put(out, CONVERSATION, conversation.as_bytes());
    }
    if let Some(code) = event.error_code {
        put(out, ERROR_CODE, code.to_string().as_bytes());
    }
    if let Some(direction) = event.direction {
        put(out, DIRECTION, &[direction.code()]);
    }
    let said = Saying::of(event);
    if said != Saying::default() {
        put_json(out, SAID, &said);
    }
}

/// What an event says that no column keeps as it was said: the ledger merges it into people, sessions and dedupe keys.
#[derive(PartialEq, Default, Serialize)]
struct Saying<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_us: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<(&'a str, Option<&'a str>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a Identity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
}

impl<'a> Saying<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            raw_us: event.raw_time.filter(|at| *at != event.started_at).map(Timestamp::micros),
            actor: event.actor.as_ref().map(|a| (a.id.as_str(), a.name.as_deref())),
            identity: event.identity.as_deref(),
            process: event.process.as_deref(),
            address: event.address.as_deref(),
        }
    }
}

/// [`Saying`], read back.
#[derive(Default, Deserialize)]
pub(in crate::sqlite) struct Said {
    /// µs since 1970; 0 where none was sent, which is no time that an event may have.
    #[serde(default)]
    pub(in crate::sqlite) raw_us: Option<i64>,
    /// Id and name.
    #[serde(default)]
    pub(in crate::sqlite) actor: Option<(String, Option<Box<str>>)>,
    #[serde(default)]
    pub(in crate::sqlite) identity: Option<Box<Identity>>,
    #[serde(default)]
    pub(in crate::sqlite) process: Option<Box<str>>,
    #[serde(default)]
    pub(in crate::sqlite) address: Option<Box<str>>,
}

fn put_json<T: serde::Serialize>(out: &mut Vec<u8>, tag: u8, value: &T) {
    // Maps of texts and our own structs always serialise.
    if let Ok(text) = serde_json::to_vec(value) {
        put(out, tag, &text);
    }
}

fn put(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    let mut n = bytes.len();
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out.extend_from_slice(bytes);
}

/// An event's part, read back.
#[derive(Default)]
pub(in crate::sqlite) struct Unpacked {
    pub(in crate::sqlite) arguments: Option<Payload>,
    pub(in crate::sqlite) result: Option<Payload>,
    pub(in crate::sqlite) request_meta: Option<Payload>,
    pub(in crate::sqlite) transport: Option<Payload>,
    pub(in crate::sqlite) properties: Option<Payload>,
    pub(in crate::sqlite) raw: Option<Payload>,
    pub(in crate::sqlite) error: Option<ErrorInfo>,
    pub(in crate::sqlite) groups: std::collections::BTreeMap<String, String>,
    pub(in crate::sqlite) traits: serde_json::Map<String, serde_json::Value>,
    pub(in crate::sqlite) conversation_id: Option<String>,
    pub(in crate::sqlite) error_code: Option<i64>,
    pub(in crate::sqlite) direction: Option<Direction>,
    pub(in crate::sqlite) said: Option<Said>,
}

/// Reads one event's part out of a compressed block.
pub(in crate::sqlite) fn unpack(block: &[u8], offset: usize, length: usize) -> Result<Unpacked> {
    part_of(&inflate(block)?, offset, length)
}

fn damaged(reason: &str) -> StoreError {
    StoreError::Corrupt { path: Default::default(), reason: reason.into() }
}

/// The bytes of a compressed block.
pub(in crate::sqlite) fn inflate(block: &[u8]) -> Result<Vec<u8>> {
    let size = zstd::zstd_safe::get_frame_content_size(block).ok().flatten().unwrap_or(0) as usize;
    zstd::bulk::decompress(block, size).map_err(|_| damaged("a payload block cannot be inflated"))
}

/// Reads one event's part out of an inflated block.
pub(in crate::sqlite) fn part_of(inflated: &[u8], offset: usize, length: usize) -> Result<Unpacked> {
    let end = offset.checked_add(length);
    let mut rest = end
        .and_then(|end| inflated.get(offset..end))
        .ok_or_else(|| damaged("a payload lies outside its block"))?;
    let mut found = Unpacked::default();
    while let Some((&tag, tail)) = rest.split_first() {
        let (bytes, tail) = take(tail).ok_or_else(|| damaged("a payload ends too early"))?;
        rest = tail;
        let text = || std::str::from_utf8(bytes).map_err(|_| damaged("a payload is not text"));
        let json = || Ok::<_, StoreError>(serde_json::value::RawValue::from_string(text()?.to_owned()).ok());
        match tag {
            ARGUMENTS => found.arguments = json()?,
            RESULT => found.result = json()?,
            REQUEST_META => found.request_meta = json()?,
            TRANSPORT => found.transport = json()?,
            PROPERTIES => found.properties = json()?,
            RAW => found.raw = json()?,
            ERROR => found.error = serde_json::from_slice(bytes).ok(),
            GROUPS => found.groups = serde_json::from_slice(bytes).unwrap_or_default(),
            TRAITS => found.traits = serde_json::from_slice(bytes).unwrap_or_default(),
            CONVERSATION => found.conversation_id = Some(text()?.to_owned()),
            ERROR_CODE => found.error_code = text()?.parse().ok(),
            DIRECTION => found.direction = bytes.first().and_then(|b| Direction::from_code(*b)),
            SAID => found.said = serde_json::from_slice(bytes).ok(),
            _ => {}
        }
    }
    Ok(found)
}

/// One text of an event's part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::sqlite) enum Piece {
    /// Properties, JSON text.
    Properties,
    /// Facts of the transport, JSON text.
    Transport,
}

/// The bytes of one text of an event's part in an inflated block, the rest passed over unread.
pub(in crate::sqlite) fn piece_of(
    inflated: &[u8],
    offset: usize,
    length: usize,
    piece: Piece,
) -> Result<Option<&[u8]>> {
    let wanted = match piece {
        Piece::Properties => PROPERTIES,
        Piece::Transport => TRANSPORT,
    };
    let end = offset.checked_add(length);
    let mut rest = end
        .and_then(|end| inflated.get(offset..end))
        .ok_or_else(|| damaged("a payload lies outside its block"))?;
    while let Some((&tag, tail)) = rest.split_first() {
        let (bytes, tail) = take(tail).ok_or_else(|| damaged("a payload ends too early"))?;
        if tag == wanted {
            return Ok(Some(bytes));
        }
        rest = tail;
    }
    Ok(None)
}

/// The same block without what lay at these places.
pub(in crate::sqlite) fn blank(block: &[u8], places: &[(usize, usize)]) -> Result<Vec<u8>> {
    let damaged = |reason: &str| StoreError::Corrupt { path: Default::default(), reason: reason.into() };
    let size = zstd::zstd_safe::get_frame_content_size(block).ok().flatten().unwrap_or(0) as usize;
    let mut inflated =
        zstd::bulk::decompress(block, size).map_err(|_| damaged("a payload block cannot be inflated"))?;
    for (offset, length) in places {
        let part = offset.checked_add(*length).and_then(|end| inflated.get_mut(*offset..end));
        part.ok_or_else(|| damaged("a payload lies outside its block"))?.fill(0);
    }
    zstd::bulk::compress(&inflated, LEVEL).map_err(|e| StoreError::Backend(e.to_string()))
}

fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut n, mut shift) = (0usize, 0);
    for (i, b) in bytes.iter().enumerate().take(5) {
        n |= usize::from(b & 0x7f) << shift;
        shift += 7;
        if b & 0x80 == 0 {
            return bytes.get(i + 1..)?.split_at_checked(n);
        }
    }
    None
}
