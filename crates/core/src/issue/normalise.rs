//! A message without what changes from one occurrence to the next: ids, uuids, numbers, quoted values, paths, URLs, e-mails,
//! times, hex, addresses (F-82). Error codes, units, JSON keys and prefixes of ids stay, for they tell errors apart.
//!
//! One pass from left to right by hand: a message is cut into chunks at blanks, quotes and brackets, and each chunk is
//! recognised as a whole or piece by piece. Linear in the length, which is capped; no regular expressions, because this
//! runs for every failed event inside the store's writer.

use super::normalise_words as words;

/// Bytes of a message that are looked at; what differs only beyond is the same error.
const LOOK_AT: usize = 2_048;

/// The normal form of a message: placeholders `<n>`, `<id>`, `<uuid>`, `<hex>`, `<str>`, `<path>`, `<url>`, `<email>`,
/// `<time>`, `<addr>` for what changes, single blanks, lists of equal placeholders as one.
pub fn normalise(message: &str) -> String {
    let mut end = message.len().min(LOOK_AT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let text = message.split_at(end).0;
    let mut scan =
        Scan { text, at: 0, out: String::with_capacity(text.len()), word: "", key: "", no_close: [false; 3] };
    while scan.at < text.len() {
        scan.step();
    }
    let trimmed = scan.out.trim_end().len();
    scan.out.truncate(trimmed);
    scan.out
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    out: String,
    /// The last word without digits, for what follows it.
    word: &'a str,
    /// The JSON key whose value comes next.
    key: &'a str,
    /// Per quote: no closing one is left.
    no_close: [bool; 3],
}

impl<'a> Scan<'a> {
    fn step(&mut self) {
        let Some(b) = self.peek(0) else { return };
        match b {
            b' ' | b'\t' | b'\n' | b'\r' => {
                if !self.out.is_empty() && !self.out.ends_with(' ') {
                    self.out.push(' ');
                }
                self.at += 1;
            }
            b'"' | b'\'' | b'`' => self.quoted(b),
            b'\\' if matches!(self.peek(1), Some(b'"' | b'\'')) => self.at += 1,
            b'-' | b'+' if self.peek(1).is_some_and(|c| c.is_ascii_digit()) && !self.after_word() => {
                let code = self
                    .rest()
                    .strip_prefix("-32")
                    .is_some_and(|r| r.len() >= 3 && r.as_bytes()[..3].iter().all(u8::is_ascii_digit));
                self.at += 1;
                if code {
                    self.out.push('-');
                    self.keep_digits();
                }
            }
            _ if is_chunk_byte(b) => self.chunk(),
            _ => {
                self.out.push(char::from(b));
                self.at += 1;
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.split_at(self.at).1
    }

    /// Whether the byte before belongs to a word or number.
    fn after_word(&self) -> bool {
        self.at
            .checked_sub(1)
            .and_then(|i| self.text.as_bytes().get(i))
            .is_some_and(u8::is_ascii_alphanumeric)
    }

    fn keep_digits(&mut self) {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.out.push_str(self.rest().split_at(digits).0);
        self.at += digits;
    }

    fn quoted(&mut self, quote: u8) {
        let slot = match quote {
            b'"' => 0,
            b'\'' => 1,
            _ => 2,
        };
        if self.no_close[slot] || (quote == b'\'' && self.after_word()) {
            self.out.push(char::from(quote));
            self.at += 1;
            return;
        }
        let bytes = self.text.as_bytes();
        let escaped = |i: usize| i > 0 && bytes[i - 1] == b'\\';
        let inside = escaped(self.at);
        let start = self.at + 1;
        let close = (start..bytes.len()).find(|i| {
            bytes[*i] == quote
                && (quote == b'`' || escaped(*i) == inside)
                && !(quote == b'\'' && bytes.get(i + 1).is_some_and(u8::is_ascii_alphanumeric))
        });
        let Some(close) = close else {
            self.no_close[slot] = true;
            self.out.push(char::from(quote));
            self.at += 1;
            return;
        };
        let content = self.text.split_at(close).0.split_at(start).1.trim_end_matches('\\');
        self.at = close + 1;
        let next = self.rest().trim_start().bytes().next();
        let opens = self.out.trim_end().as_bytes().last().copied();
        if next == Some(b':') && matches!(opens, Some(b'{' | b',')) {
            self.out.push('"');
            self.out.push_str(content);
            self.out.push('"');
            self.key = content;
        } else if words::names_a_code(self.key) && opens == Some(b':') && words::is_code(content) {
            self.out.push_str(content);
            self.key = "";
        } else {
            self.placeholder("<str>");
            self.key = "";
        }
    }

    /// Everything up to a blank, quote or bracket, without closing punctuation.
    fn chunk(&mut self) {
        let rest = self.rest();
        let quote_after = |i: usize| matches!(rest.as_bytes().get(i + 1), Some(b'"' | b'\''));
        let ends = |(i, b): (usize, u8)| !is_chunk_byte(b) || (b == b'\\' && quote_after(i));
        let end = rest.bytes().enumerate().position(ends).unwrap_or(rest.len());
        if let Some(scheme) = rest.split_at(end).0.find("://").filter(|s| *s > 0) {
            return self.url(scheme);
        }
        let chunk = rest.split_at(end).0.trim_end_matches(['.', ':', '!', '?']);
        if chunk.is_empty() {
            self.out.push_str(rest.split_at(end).0);
            self.at += end;
            return;
        }
        self.at += chunk.len();
        if self.dump(chunk) || self.date_word(chunk) {
            return;
        }
        let bytes = chunk.as_bytes();
        let plain = !bytes.iter().any(|b| b.is_ascii_digit() || matches!(b, b'/' | b'\\' | b'@'));
        if plain {
            self.out.push_str(chunk);
            self.word = chunk;
            return;
        }
        match words::whole(chunk) {
            Some((keep, placeholder)) => {
                self.out.push_str(chunk.split_at(keep).0);
                self.placeholder(placeholder);
            }
            None => self.pieces(chunk),
        }
        self.word = "";
    }

    fn url(&mut self, scheme: usize) {
        let rest = self.rest();
        let end = rest
            .bytes()
            .position(|b| {
                b.is_ascii_whitespace()
                    || matches!(b, b'"' | b'\'' | b'`' | b'<' | b'>' | b')' | b']' | b'}' | b'\\')
            })
            .unwrap_or(rest.len());
        let url = rest.split_at(end).0.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        self.at += url.len().max(scheme + 3);
        self.placeholder("<url>");
    }

    /// The value a validator prints of what it was given: `input_value={…}, input_type=dict`.
    fn dump(&mut self, chunk: &str) -> bool {
        if chunk != "input_value" || self.peek(0) != Some(b'=') {
            return false;
        }
        let end = self.rest().find(", input_type=").unwrap_or(self.rest().len());
        self.at += end;
        self.out.push_str("input_value=<str>");
        true
    }

    /// `Mon, 02 Jan 2026 03:04:05 GMT`, `January 2, 2026`, `3:04 PM`: names that are part of a time.
    fn date_word(&mut self, chunk: &str) -> bool {
        let after_time = self.out.ends_with("<time> ");
        if after_time && matches!(chunk, "AM" | "PM" | "am" | "pm" | "GMT" | "UTC" | "Z") {
            let end = self.out.len() - 1;
            self.out.truncate(end);
            return true;
        }
        if !words::is_day_or_month(chunk) {
            return false;
        }
        let next = self.rest().trim_start_matches([',', ' ', '.']);
        let before_number = next.bytes().next().is_some_and(|b| b.is_ascii_digit());
        let before_month = next.split([' ', ',']).next().is_some_and(words::is_day_or_month);
        if !(before_number || before_month || after_time || self.out.ends_with("<n> ")) {
            return false;
        }
        if self.out.ends_with("<n> ") {
            let end = self.out.len() - "<n> ".len();
            self.out.truncate(end);
        }
        self.placeholder("<time>");
        true
    }

    /// Runs of letters and digits between separators.
    fn pieces(&mut self, chunk: &str) {
        let status = words::names_a_status(self.word);
        let (mut rest, mut before) = (chunk, "");
        let mut separator = None;
        while let Some(first) = rest.chars().next() {
            if !first.is_alphanumeric() {
                self.out.push(first);
                separator = Some(first);
                rest = rest.split_at(first.len_utf8()).1;
                continue;
            }
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            let (run, tail) = rest.split_at(end);
            let joined = matches!(separator, Some('_' | '-')) && !before.is_empty();
            let before_run = if joined { before } else { "" };
            match words::run(run, before_run, status) {
                words::Run::Keep => self.out.push_str(run),
                words::Run::Replace { head, placeholder, tail } => {
                    self.out.push_str(run.split_at(head).0);
                    self.placeholder(placeholder);
                    self.out.push_str(run.split_at(run.len() - tail).1);
                }
            }
            before = if run.bytes().any(|b| b.is_ascii_digit()) { "" } else { run };
            separator = None;
            rest = tail;
        }
    }

    /// Writes a placeholder once for a list of the same.
    fn placeholder(&mut self, text: &str) {
        const LIST: &[&str] = &[", ", ",", " ", " | ", "|", "; ", " or ", ", or ", " and ", ", and ", ""];
        const NUMBER: &[&str] = &[".", ":", "/", "-", " - "];
        let seps = LIST.iter().chain(if text == "<n>" { NUMBER } else { &[] });
        for sep in seps {
            let Some(head) = self.out.strip_suffix(sep) else { continue };
            let in_date = text == "<n>" && head.ends_with("<time>") && matches!(*sep, " " | ", ");
            if head.ends_with(text) || in_date {
                let keep = head.len();
                self.out.truncate(keep);
                return;
            }
        }
        self.out.push_str(text);
    }
}

fn is_chunk_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || b >= 0x80
        || matches!(b, b'_' | b'-' | b'.' | b':' | b'/' | b'\\' | b'@' | b'%' | b'+' | b'~')
}
