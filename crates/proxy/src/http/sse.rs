//! Event streams cut into events, whatever the chunks are (CAP §6.2): LF, CR and CRLF, several `data:` lines, comments, a byte
//! order mark, events of any length. Used by the answers' bodies; it keeps every byte of what it is given.

use std::ops::Range;

/// One event, its blank line included.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// All its bytes, as they came.
    pub(crate) raw: Vec<u8>,
    /// Where the text of each `data` line is in `raw`.
    data: Vec<Range<usize>>,
    /// Where the event's name is in `raw`.
    name: Option<Range<usize>>,
}

impl Event {
    /// The `data` lines, joined as a client joins them; empty for comments and priming events.
    pub(crate) fn data(&self) -> Vec<u8> {
        let lines: Vec<&[u8]> = self.data.iter().filter_map(|at| self.raw.get(at.clone())).collect();
        lines.join(&b'\n')
    }

    /// Whether it has this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.clone().and_then(|at| self.raw.get(at)) == Some(name.as_bytes())
    }

    /// The event with other data and everything else as it was. `data` has as many lines as before, since an edit of JSON
    /// adds none; where it has not, the event stays as it is.
    pub(crate) fn with_data(&self, data: &[u8]) -> Vec<u8> {
        let lines: Vec<&[u8]> = data.split(|b| *b == b'\n').collect();
        if lines.len() != self.data.len() {
            return self.raw.clone();
        }
        let mut out = Vec::with_capacity(self.raw.len() + data.len());
        let mut from = 0;
        for (at, line) in self.data.iter().zip(lines) {
            out.extend_from_slice(self.raw.get(from..at.start).unwrap_or_default());
            out.extend_from_slice(line);
            from = at.end;
        }
        out.extend_from_slice(self.raw.get(from..).unwrap_or_default());
        out
    }
}

/// What became of the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A whole event.
    Event(Event),
    /// Bytes that belong to an event over the cap; nobody looks into them.
    Over(Vec<u8>),
}

/// A reader of one stream.
#[derive(Debug)]
pub(crate) struct Splitter {
    cap: usize,
    held: Vec<u8>,
    /// Start of the line under way in `held`.
    line: usize,
    /// How far `held` has been looked at.
    seen: usize,
    data: Vec<Range<usize>>,
    name: Option<Range<usize>>,
    over: bool,
    /// The last byte was a CR that ended a line: a LF right after it belongs to it.
    after_cr: bool,
    first_line: bool,
    /// The line under way began before a cut: it is not empty, whatever is left of it.
    mid_line: bool,
}

impl Splitter {
    /// Events over `cap` bytes pass in pieces.
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            cap,
            held: Vec::new(),
            line: 0,
            seen: 0,
            data: Vec::new(),
            name: None,
            over: false,
            after_cr: false,
            first_line: true,
            mid_line: false,
        }
    }

    /// Whether the next byte begins an event.
    pub(crate) fn at_boundary(&self) -> bool {
        self.held.is_empty() && !self.over
    }

    /// Takes bytes in and gives what they complete. All pieces and [`Splitter::rest`] together are the bytes that were
    /// given.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Vec<Piece> {
        let mut out = Vec::new();
        self.held.extend_from_slice(chunk);
        while let Some(byte) = self.held.get(self.seen).copied() {
            let at = self.seen;
            self.seen += 1;
            if std::mem::take(&mut self.after_cr) && byte == b'\n' && at == self.line {
                // The second half of a CRLF: of the event that it ended it comes late, as bytes of the next.
                self.line = self.seen;
                continue;
            }
            if byte != b'\n' && byte != b'\r' {
                continue;
            }
            self.after_cr = byte == b'\r';
            let line = self.line..at;
            self.line = self.seen;
            let empty = line.is_empty() || self.is_mark_only(&line);
            if empty && !std::mem::take(&mut self.mid_line) {
                // Where the LF of this CRLF is here already, it goes with its event.
                if self.after_cr && self.held.get(self.seen) == Some(&b'\n') {
                    self.after_cr = false;
                    self.seen += 1;
                }
                self.dispatch(&mut out);
            } else {
                self.mid_line = false;
                self.field(line);
            }
            self.first_line = false;
        }
        if self.held.len() > self.cap || (self.over && !self.held.is_empty()) {
            self.over = true;
            let kept = self.held.split_off(self.seen.min(self.held.len()));
            let passed = std::mem::replace(&mut self.held, kept);
            // Whether a line is empty must still be known across the cut.
            let inside_line = self.line < self.seen;
            self.seen = 0;
            self.line = 0;
            self.data.clear();
            self.name = None;
            out.push(Piece::Over(passed));
            self.mid_line |= inside_line;
        }
        out
    }

    /// What is held of an event that has not ended.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        self.seen = 0;
        self.line = 0;
        std::mem::take(&mut self.held)
    }

    fn is_mark_only(&self, line: &Range<usize>) -> bool {
        self.first_line && self.held.get(line.clone()) == Some(MARK)
    }

    fn dispatch(&mut self, out: &mut Vec<Piece>) {
        let kept = self.held.split_off(self.seen);
        let raw = std::mem::replace(&mut self.held, kept);
        self.seen = 0;
        self.line = 0;
        let (data, name) = (std::mem::take(&mut self.data), self.name.take());
        let over = std::mem::take(&mut self.over);
        out.push(if over { Piece::Over(raw) } else { Piece::Event(Event { raw, data, name }) });
    }

    fn field(&mut self, line: Range<usize>) {
        let Some(mut text) = self.held.get(line.clone()) else { return };
        let mut start = line.start;
        if self.first_line && text.starts_with(MARK) {
            text = text.get(MARK.len()..).unwrap_or_default();
            start += MARK.len();
        }
        let (name, value) = match memchr::memchr(b':', text) {
            Some(colon) => {
                let space = usize::from(text.get(colon + 1) == Some(&b' '));
                (text.get(..colon).unwrap_or_default(), start + colon + 1 + space..line.end)
            }
            None => (text, line.end..line.end),
        };
        match name {
            b"data" => self.data.push(value),
            b"event" => self.name = Some(value),
            _ => {}
        }
    }
}

/// A byte order mark.
const MARK: &[u8] = "\u{feff}".as_bytes();

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
