//! What SQLite is taught for filters: patterns, values inside compressed payloads, and what the calls of a session tell.
//!
//! Registered with every connection of [`super::pool`]. `filter_sql` writes the calls. Invariants: nothing outlives the
//! question it was made for but compiled statements; whoever asks too much meets the reader's deadline, inside a function too.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, ffi};
use serde_json::Value as Json;
use trackway_core::chain;
use trackway_core::filter::pattern;
use trackway_core::metric::{attempts::Attempts, repeats, worth};
use trackway_event::event::Flags;
use trackway_event::{Kind, Status, Timestamp, limits};

use super::signals::Calls;
use crate::query::Mark;
use crate::sqlite::Clock;
use crate::sqlite::commit::{Piece, inflate, piece_of};
use crate::sqlite::control::hold;

/// Events of a session beyond which its ending is left open; the same as where its track is cut.
pub(super) const TRACK: usize = 5_000;

/// What the functions of one connection share during one question.
#[derive(Clone, Default)]
pub(in crate::sqlite) struct Aid(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    deadline: Option<Instant>,
    /// The block that was inflated last: a list walks through a block's events one after another.
    block: Option<(i64, Vec<u8>)>,
}

impl Aid {
    /// Teaches a connection.
    pub(super) fn teach(conn: &Connection, clock: Clock) -> rusqlite::Result<Self> {
        let aid = Self::default();
        let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        let quiet_us = limits::SESSION_QUIET.as_micros() as i64;
        let held = aid.clone();
        conn.create_scalar_function("matches", 2, pure, move |ctx| held.matches(ctx))?;
        let held = aid.clone();
        conn.create_scalar_function("has_block", 1, FunctionFlags::SQLITE_UTF8, move |ctx| {
            let block: Option<i64> = ctx.get(0)?;
            Ok(block.is_some() && hold(&held.0).block.as_ref().map(|(id, _)| *id) == block)
        })?;
        let held = aid.clone();
        conn.create_scalar_function("payload", 6, FunctionFlags::SQLITE_UTF8, move |ctx| held.payload(ctx))?;
        conn.create_scalar_function("is_quiet", 1, FunctionFlags::SQLITE_UTF8, move |ctx| {
            let last: Option<i64> = ctx.get(0)?;
            Ok(last.map(|last| clock().since(Timestamp::from_micros(last)) >= quiet_us))
        })?;
        conn.create_aggregate_function("calls_tell", 8, pure, Tell)?;
        Ok(aid)
    }

    /// Opens a question.
    pub(super) fn begin(&self, deadline: Instant) {
        *hold(&self.0) = Held { deadline: Some(deadline), block: None };
    }

    /// Forgets it: blocks change under the same number when people are erased.
    pub(super) fn end(&self) {
        *hold(&self.0) = Held::default();
    }

    fn in_time(&self) -> rusqlite::Result<()> {
        match hold(&self.0).deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// `matches(pattern, text)`.
    fn matches(&self, ctx: &Context<'_>) -> rusqlite::Result<Option<bool>> {
        self.in_time()?;
        let regex = ctx.get_or_create_aux(0, |v: ValueRef<'_>| {
            pattern(v.as_str()?).map_err(Box::<dyn std::error::Error + Send + Sync>::from)
        })?;
        Ok(match ctx.get_raw(1) {
            ValueRef::Text(text) => std::str::from_utf8(text).ok().map(|text| regex.is_match(text)),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => None,
        })
    }

    /// `payload(block, offset, length, piece, path, data)`; `data` may be NULL where `has_block(block)`.
    fn payload(&self, ctx: &Context<'_>) -> rusqlite::Result<ToSqlOutput<'static>> {
        self.in_time()?;
        let none = Ok(ToSqlOutput::Owned(Value::Null));
        let place: (Option<i64>, Option<i64>, Option<i64>) = (ctx.get(0)?, ctx.get(1)?, ctx.get(2)?);
        let (Some(block), Some(offset), Some(length)) = place else { return none };
        let piece = if ctx.get::<i64>(3)? == 0 { Piece::Properties } else { Piece::Transport };
        let failed = |error: crate::StoreError| Error::UserFunctionError(Box::new(error));
        let mut held = hold(&self.0);
        if let ValueRef::Blob(data) = ctx.get_raw(5)
            && held.block.as_ref().is_none_or(|(id, _)| *id != block)
        {
            held.block = Some((block, inflate(data).map_err(failed)?));
        }
        let Some((_, data)) = held.block.as_ref().filter(|(id, _)| *id == block) else { return none };
        let Ok(Some(bytes)) = piece_of(data, offset as usize, length as usize, piece) else { return none };
        let Ok(json) = serde_json::from_slice::<Json>(bytes) else { return none };
        let path: String = ctx.get(4)?;
        Ok(ToSqlOutput::Owned(at_path(&json, &path).map_or(Value::Null, value_of)))
    }
}

/// The value under a key, or under keys with dots between them.
fn at_path<'a>(json: &'a Json, path: &str) -> Option<&'a Json> {
    let here = json.as_object()?;
    if let Some(found) = here.get(path) {
        return Some(found);
    }
    let mut places = path.match_indices('.');
    places.find_map(|(at, _)| at_path(here.get(path.get(..at)?)?, path.get(at + 1..)?))
}

fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Text(yes.to_string()),
        Json::Number(n) => {
            n.as_i64().map(Value::Integer).or_else(|| n.as_f64().map(Value::Real)).unwrap_or(Value::Null)
        }
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Value::Text(json.to_string()),
    }
}

/// `calls_tell(seq, kind, status, started_at, duration_us, tool, flags, repeat)`: how a session with these events ended, and
/// behind a blank `loop`, `recovered` and `worth` (its calls alone are worth a look) where they hold. NULL of more than [`TRACK`] events.
struct Tell;

/// What is kept of an event until all are there: seq, tool, mark, flags, repeat.
type Kept = (i64, i64, Mark, Flags, Option<i64>);

#[derive(Default)]
struct Gathered {
    events: usize,
    calls: Vec<Kept>,
}

impl Aggregate<Gathered, Option<String>> for Tell {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Gathered> {
        Ok(Gathered::default())
    }

    fn step(&self, ctx: &mut Context<'_>, all: &mut Gathered) -> rusqlite::Result<()> {
        all.events += 1;
        let flags = Flags::from_bits(ctx.get(6)?);
        let status = ctx.get::<Option<u8>>(2)?.and_then(Status::from_code);
        let open = flags.nested || flags.mrtr_open || status == Some(Status::InputRequired);
        if all.events >= TRACK || open || Kind::from_code(ctx.get(1)?) != Some(Kind::ToolCall) {
            return Ok(());
        }
        let mark = Mark {
            kind: Kind::ToolCall,
            status,
            started_at: Timestamp::from_micros(ctx.get(3)?),
            duration_us: ctx.get::<Option<i64>>(4)?.map(|d| d as u64),
        };
        all.calls.push((ctx.get(0)?, ctx.get::<Option<i64>>(5)?.unwrap_or(0), mark, flags, ctx.get(7)?));
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, all: Option<Gathered>) -> rusqlite::Result<Option<String>> {
        let mut all = all.unwrap_or_default();
        if all.events >= TRACK {
            return Ok(None);
        }
        all.calls.sort_by_key(|(seq, _, mark, ..)| (mark.started_at, *seq));
        let mut calls = Calls::default();
        for (_, tool, mark, flags, repeat) in all.calls {
            calls.add(tool, mark, flags, repeat);
        }
        let views = calls.views();
        let mut told = chain::ending(&views).as_str().to_owned();
        if !repeats::loops(&views).is_empty() {
            told.push_str(" loop");
        }
        if chain::chains(&views).iter().any(|c| Attempts::of(c, &views).recovered > 0) {
            told.push_str(" recovered");
        }
        let reasons = worth::reasons(&views, worth::Seen::default());
        // That it stayed unsolved only counts once it is quiet, which the caller sees.
        if reasons.iter().any(|why| *why != worth::Worth::Unsolved) {
            told.push_str(" worth");
        }
        Ok(Some(told))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_a_key_first_and_then_a_way() {
        let json = json!({ "a": { "b": 1, "c.d": "x" }, "a.b": 2, "e": { "f": { "g": true } }, "n": null });
        for (path, expect) in [
            ("a.b", Some(Value::Integer(2))),
            ("a.c.d", Some(Value::Text("x".into()))),
            ("e.f.g", Some(Value::Text("true".into()))),
            ("e.f", Some(Value::Text(r#"{"g":true}"#.into()))),
            ("n", Some(Value::Null)),
            ("a.x", None),
            ("", None),
            ("e.f.g.h", None),
        ] {
            assert_eq!(at_path(&json, path).map(value_of), expect, "{path}");
        }
    }

    #[test]
    fn a_pattern_stops_at_the_deadline() {
        let conn = Connection::open_in_memory().unwrap();
        let aid = Aid::teach(&conn, Arc::new(|| Timestamp::ZERO)).unwrap();
        let ask = |pattern: &str, text: Option<&str>| {
            conn.query_row("SELECT matches(?1, ?2)", (pattern, text), |r| r.get::<_, Option<bool>>(0))
        };
        assert_eq!(ask("^a+$", Some("aaa")).unwrap(), Some(true));
        assert_eq!(ask("^a+$", Some("aab")).unwrap(), Some(false));
        assert_eq!(ask("a", None).unwrap(), None);
        assert!(ask("(", Some("a")).is_err());
        aid.begin(Instant::now());
        let late = ask("a", Some("a")).unwrap_err();
        assert_eq!(late.sqlite_error_code(), Some(rusqlite::ErrorCode::OperationInterrupted));
        aid.end();
        assert_eq!(ask("a", Some("a")).unwrap(), Some(true));
    }
}
