//! Lines of any length: up to a cap they are given whole, longer ones stream through in pieces that nobody looks into
//! (CAP §6.1). Bytes are never changed; `\r\n` stays as it is.

use std::io::{self, BufRead, BufReader, Read};

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A whole line with its newline, or the last one without.
    Line(&'a [u8]),
    /// Part of a line over the cap.
    Part(&'a [u8]),
}

/// A reader of lines.
#[derive(Debug)]
pub struct Lines<R> {
    from: BufReader<R>,
    line: Vec<u8>,
    cap: usize,
    over: bool,
}

impl<R: Read> Lines<R> {
    /// Reads from `from`; lines over `cap` bytes come in parts.
    pub fn new(from: R, cap: usize) -> Self {
        Self { from: BufReader::with_capacity(64 * 1024, from), line: Vec::new(), cap, over: false }
    }

    /// The next piece; `None` at the end of the stream.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.line.clear();
        loop {
            let available = match self.from.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                let over = std::mem::take(&mut self.over);
                return Ok(match self.line.is_empty() {
                    true => None,
                    false if over => Some(Piece::Part(&self.line)),
                    false => Some(Piece::Line(&self.line)),
                });
            }
            let end = memchr(available);
            let taken = end.map_or(available.len(), |e| e + 1);
            self.line.extend_from_slice(available.get(..taken).unwrap_or_default());
            self.from.consume(taken);
            if end.is_some() {
                let over = std::mem::take(&mut self.over);
                return Ok(Some(if over { Piece::Part(&self.line) } else { Piece::Line(&self.line) }));
            }
            if self.line.len() > self.cap {
                self.over = true;
            }
            if self.over {
                return Ok(Some(Piece::Part(&self.line)));
            }
        }
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|b| *b == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives at most `n` bytes at a time.
    struct Slow<'a>(&'a [u8], usize);
    impl Read for Slow<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(to.len()).min(self.0.len());
            let (now, later) = self.0.split_at(n);
            to[..n].copy_from_slice(now);
            self.0 = later;
            Ok(n)
        }
    }

    fn pieces(text: &[u8], step: usize, cap: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut lines = Lines::new(Slow(text, step), cap);
        let (mut whole, mut all) = (Vec::new(), Vec::new());
        while let Some(piece) = lines.next_piece().unwrap() {
            match piece {
                Piece::Line(line) => {
                    whole.push(line.to_vec());
                    all.extend_from_slice(line);
                }
                Piece::Part(part) => all.extend_from_slice(part),
            }
        }
        (whole, all)
    }

    #[test]
    fn case_29_split_lines_are_whole_and_long_ones_pass_in_parts() {
        let text = b"{\"a\":1}\r\n\nthis one is far too long\nlast";
        for step in 1..text.len() {
            let (whole, all) = pieces(text, step, 12);
            assert_eq!(all, text, "step {step}");
            assert!(whole.contains(&b"{\"a\":1}\r\n".to_vec()) && whole.contains(&b"last".to_vec()));
            if step < 12 {
                assert!(!whole.iter().any(|l| l.ends_with(b"too long\n")));
            }
        }
    }
}
