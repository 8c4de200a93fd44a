//! JSON, one event a line: `{"received_at", "input", "event", "raw"}`, or an event of the native wire alone.

use std::io::{BufRead, BufWriter, Write};

use serde::Deserialize;
use trackway_event::{Event, Input, Timestamp, limits};
use trackway_store::query::Exported;

use super::{Read, Sink, unwritable};
use crate::failure::Result;

/// Longest line that is read: an event and the body it came in, each as JSON.
const LINE_BYTES: usize = 4 * limits::EVENT_BYTES;

pub(super) struct Writer<W: Write>(BufWriter<W>);

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        Self(BufWriter::with_capacity(64 * 1024, out))
    }
}

impl<W: Write> Sink for Writer<W> {
    fn add(&mut self, events: Vec<Exported>) -> Result<()> {
        for event in events {
            serde_json::to_writer(&mut self.0, &event).map_err(unwritable)?;
            self.0.write_all(b"\n").map_err(unwritable)?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        self.0.flush().map_err(unwritable)
    }
}

/// The events of a file of lines.
pub(crate) struct Lines<R> {
    input: R,
    /// When events of the native wire's form count as received.
    now: Timestamp,
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads from `input`; `now` is when events that tell no receipt are received.
    pub(crate) fn new(input: R, now: Timestamp) -> Self {
        Self { input, now, number: 0, line: Vec::new() }
    }

    /// Puts the next line into `line`; what is over [`LINE_BYTES`] of it is passed over. `false` at the end.
    fn fill(&mut self) -> std::io::Result<bool> {
        self.line.clear();
        let mut any = false;
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(any);
            }
            any = true;
            let end = bytes.iter().position(|b| *b == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            let room = (LINE_BYTES + 1).saturating_sub(self.line.len()).min(part.len());
            self.line.extend_from_slice(part.get(..room).unwrap_or_default());
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    fn parse(&self) -> Read {
        let place = |why: String| format!("line {}: {why}", self.number);
        if self.line.len() > LINE_BYTES {
            return Err(place(format!("it is longer than {LINE_BYTES} bytes")));
        }
        let text = std::str::from_utf8(&self.line).map_err(|_| place("it is not UTF-8".into()))?;
        let shape: Shape = serde_json::from_str(text).map_err(|e| place(e.to_string()))?;
        if shape.event.is_some() {
            return serde_json::from_str(text).map(Box::new).map_err(|e| place(e.to_string()));
        }
        let event: Event = serde_json::from_str(text).map_err(|e| place(e.to_string()))?;
        Ok(Box::new(Exported {
            seq: 0,
            received_at: self.now,
            input: Input::Native,
            raw_time_us: None,
            event,
            raw: None,
        }))
    }
}

/// Whether a line is an export's.
#[derive(Deserialize)]
struct Shape {
    event: Option<serde::de::IgnoredAny>,
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Read;

    fn next(&mut self) -> Option<Read> {
        loop {
            self.number += 1;
            match self.fill() {
                Ok(false) => return None,
                Ok(true) if self.line.trim_ascii().is_empty() => {}
                Ok(true) => return Some(self.parse()),
                Err(error) => return Some(Err(format!("line {}: {error}", self.number))),
            }
        }
    }
}
