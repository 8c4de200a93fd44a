//! The narrow event row, its payload and its line in the search index.

use rusqlite::{Connection, params};

use super::Fresh;
use super::payload::Packer;
use super::words::Words;
use crate::Result;
use crate::sqlite::control::sql;

/// Bit of the ledger's flags beside those of [`trackway_event::event::Flags`]: token counts are our estimate.
pub(in crate::sqlite) const TOKENS_ESTIMATED: u32 = 1 << 16;

/// Writes rows, payload blocks and search lines of the events.
pub(super) fn write(
    conn: &Connection,
    words: &mut Words,
    packer: &mut Packer,
    block: &mut i64,
    fresh: &[Fresh<'_>],
) -> Result<()> {
    let mut insert = conn.prepare_cached(sql!("event.insert"))?;
    for f in fresh {
        let e = f.event;
        let place = packer.add(conn, block, e)?;
        let tokens = e.tokens.unwrap_or_default();
        let flags = e.flags.bits() | if tokens.estimated { TOKENS_ESTIMATED } else { 0 };
        let method = if e.name.is_empty() { None } else { Some(words.name(conn, &e.name)?) };
        let error_type = words.name_of(conn, e.error.as_ref().and_then(|x| x.kind.as_deref()))?;
        insert.execute(params![
            f.seq,
            e.id.as_str(),
            e.started_at.micros(),
            f.received_at.micros(),
            f.session,
            e.session_source.map(|s| s.code()),
            e.kind.code(),
            e.status.map(|s| s.code()),
            method,
            f.tool,
            f.resource,
            e.intent,
            e.intent_source.map(|s| s.code()),
            e.duration_us.map(clamp),
            f.person,
            f.client,
            f.server,
            f.sdk,
            words.name_of(conn, e.protocol_version.as_deref())?,
            words.name_of(conn, e.model.as_deref())?,
            error_type,
            e.error.as_ref().map(|x| &x.message),
            f.issue,
            f.class.map(|c| c.code()),
            e.input.code(),
            e.capture.map(|c| c.code()),
            e.bytes_in.map(clamp),
            e.bytes_out.map(clamp),
            tokens.input,
            tokens.output,
            flags,
            tags(f),
            notes(f),
            place.map(|p| p.block),
            place.map(|p| p.offset),
            place.map(|p| p.length),
            f.repeat,
            f.catalog,
        ])?;
    }
    drop(insert);
    packer.flush(conn, block)?;

    let mut search = conn.prepare_cached(sql!("search.insert"))?;
    for f in fresh {
        let e = f.event;
        let error = e.error.as_ref().map(|x| &*x.message).filter(|m| !m.is_empty());
        if e.intent.is_some() || error.is_some() || e.tool.is_some() {
            search.execute((f.seq, e.intent.as_deref(), error, e.tool.as_deref()))?;
        }
    }
    Ok(())
}

fn clamp(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn tags(f: &Fresh<'_>) -> Option<String> {
    let tags = &f.event.tags;
    if tags.is_empty() { None } else { serde_json::to_string(tags).ok() }
}

/// Notes hold no line breaks: they are our own words.
fn notes(f: &Fresh<'_>) -> Option<String> {
    let mut notes: Vec<&str> = f.event.notes.iter().map(|n| &**n).collect();
    notes.extend(&f.remarks);
    (!notes.is_empty()).then(|| notes.join("\n"))
}
