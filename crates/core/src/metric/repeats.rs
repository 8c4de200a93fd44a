//! Repeats and loops (product §2, F-92): an agent that asks the same again and is told the same again.
//!
//! [`key`] is what two such calls have in common; the store's writer keeps it with the row, so that loops are found without
//! reading payloads. A changed result, or one that says the work goes on, is polling and no repeat.

use std::collections::HashMap;

use trackway_event::{Event, Status};
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_64_with_seed};

use crate::chain::CallView;
use crate::issue;

/// How long after a call its repeat may start, µs.
const WITHIN_US: i64 = 15 * 60 * 1_000_000;
/// Repeats in a row, or rounds of two tools, that make a loop.
const ROUNDS: usize = 3;
/// Length from which a word with a digit in it is taken for an id or a time.
const ID_BYTES: usize = 8;
/// Nesting that is looked into; deeper text is hashed as it stands.
const DEPTH: usize = 64;
/// Words of an answer that say the work goes on. Sorted.
const GOING_ON: &[&str] =
    &["in-progress", "in_progress", "inprogress", "pending", "processing", "queued", "running", "working"];
/// Words before a number that is a counter or a measurement. Sorted.
const COUNTERS: &[&str] = &[
    "age",
    "attempt",
    "counter",
    "duration",
    "duration_ms",
    "elapsed",
    "elapsed_ms",
    "latency",
    "latency_ms",
    "request",
    "request_id",
    "seq",
    "sequence",
    "time",
    "took",
    "took_ms",
    "uptime",
];

/// What a call has in common with one that says the same again: tool, arguments in any order, and the result with times, ids
/// and counters masked, or the error group. `None`: not finished, or its result is not known or tells of work under way.
pub fn key(event: &Event) -> Option<i64> {
    if !event.is_counted_call() || event.flags.declared_error {
        return None;
    }
    let mut hash = Xxh3::new();
    hash.update(event.tool.as_deref()?.as_bytes());
    hash.update(&[0]);
    if let Some(arguments) = &event.arguments {
        hash.update(&json_hash(arguments.get()).to_be_bytes());
    }
    match event.status? {
        Status::Ok => hash.update(&masked_hash(event.result.as_ref()?.get())?.to_be_bytes()),
        Status::ToolError | Status::ProtocolError => hash.update(&issue::fingerprint(event)?.0),
        Status::TransportError
        | Status::Cancelled
        | Status::Timeout
        | Status::Lost
        | Status::InputRequired
        | Status::Task => return None,
    }
    Some(hash.digest().cast_signed())
}

/// Which calls repeat an earlier one of their session, in the order given; any order of the calls.
pub fn repeats(calls: &[CallView<'_>]) -> Vec<bool> {
    let mut repeated = vec![false; calls.len()];
    let mut last: HashMap<i64, &CallView<'_>> = HashMap::new();
    for i in in_order(calls) {
        let Some((call, key)) = calls.get(i).and_then(|c| Some((c, c.repeat?))) else { continue };
        if let Some(before) = last.insert(key, call)
            && let Some(repeated) = repeated.get_mut(i)
        {
            *repeated = call.started_at.since(before.started_at) <= WITHIN_US;
        }
    }
    repeated
}

/// An agent going round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    /// Positions in what was given, in order of start.
    pub calls: Vec<usize>,
    /// Different calls it goes round: 1 or 2.
    pub width: usize,
}

/// The loops of one session's calls, given in any order: a call and at least three repeats of it in a row, or two tools
/// that alternate for at least three rounds. Every loop is as long as it can be; none shares a call with another.
pub fn loops(calls: &[CallView<'_>]) -> Vec<Loop> {
    let order = in_order(calls);
    let mut found = Vec::new();
    let mut at = 0;
    while at < order.len() {
        let longest = [1, 2]
            .into_iter()
            .map(|width| (width, run(calls, &order, at, width)))
            .find(|(width, length)| *length >= if *width == 1 { ROUNDS + 1 } else { 2 * ROUNDS });
        match longest {
            Some((width, length)) => {
                let calls = order.iter().skip(at).take(length).copied().collect();
                found.push(Loop { calls, width });
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

/// How many calls from `at` on say what the call `width` places before them said.
fn run(calls: &[CallView<'_>], order: &[usize], at: usize, width: usize) -> usize {
    let view = |place: usize| order.get(place).and_then(|i| calls.get(*i));
    let Some(first) = view(at).filter(|c| c.repeat.is_some()) else { return 0 };
    if width == 2 {
        let Some(other) = view(at + 1).filter(|c| c.repeat.is_some()) else { return 0 };
        if other.tool == first.tool {
            return 0;
        }
    }
    let mut length = width;
    while let (Some(before), Some(now)) = (view(at + length - width), view(at + length)) {
        if now.repeat != before.repeat || now.started_at.since(before.started_at) > WITHIN_US {
            break;
        }
        length += 1;
    }
    length
}

fn in_order(calls: &[CallView<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|i| (calls.get(*i).map(|c| c.started_at), *i));
    order
}

/// A hash of a JSON text that does not depend on white space and the order of members.
pub fn json_hash(text: &str) -> u64 {
    value_hash(text.as_bytes(), &mut 0, DEPTH)
}

fn value_hash(text: &[u8], at: &mut usize, depth: usize) -> u64 {
    skip_space(text, at);
    let start = *at;
    match text.get(*at) {
        Some(b'{') if depth > 0 => {
            *at += 1;
            let mut sum = 1u64;
            loop {
                skip_between(text, at);
                match text.get(*at) {
                    Some(b'}') => {
                        *at += 1;
                        return sum;
                    }
                    Some(_) => {
                        let key = value_hash(text, at, 0);
                        skip_between(text, at);
                        let value = value_hash(text, at, depth - 1);
                        let pair = (u128::from(key) << 64 | u128::from(value)).to_be_bytes();
                        sum = sum.wrapping_add(xxh3_64(&pair));
                    }
                    None => return sum,
                }
            }
        }
        Some(b'[') if depth > 0 => {
            *at += 1;
            let mut hash = Xxh3::with_seed(2);
            loop {
                skip_between(text, at);
                match text.get(*at) {
                    Some(b']') => {
                        *at += 1;
                        return hash.digest();
                    }
                    Some(_) => hash.update(&value_hash(text, at, depth - 1).to_be_bytes()),
                    None => return hash.digest(),
                }
            }
        }
        Some(b'"') => {
            *at += 1;
            while let Some(byte) = text.get(*at) {
                *at += 1 + usize::from(*byte == b'\\');
                if *byte == b'"' {
                    break;
                }
            }
            xxh3_64(text.get(start..(*at).min(text.len())).unwrap_or_default())
        }
        Some(_) => {
            // A number, a word, or a container that lies too deep: up to the next border, at least one byte.
            *at += 1;
            while text.get(*at).is_some_and(|b| !b.is_ascii_whitespace() && !b",:{}[]\"".contains(b)) {
                *at += 1;
            }
            xxh3_64(text.get(start..*at).unwrap_or_default())
        }
        None => 0,
    }
}

fn skip_space(text: &[u8], at: &mut usize) {
    while text.get(*at).is_some_and(u8::is_ascii_whitespace) {
        *at += 1;
    }
}

fn skip_between(text: &[u8], at: &mut usize) {
    while text.get(*at).is_some_and(|b| b.is_ascii_whitespace() || matches!(b, b',' | b':')) {
        *at += 1;
    }
}

/// A hash of a result with times, ids and counters masked; `None` where it says that the work goes on. Every stored call pays
/// for it: bytes are told apart by a table, and words are looked up only where their first letter and length may be one that
/// matters.
fn masked_hash(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let mut kept: Vec<u8> = Vec::with_capacity(bytes.len() + bytes.len() / 4 + 64);
    let mut after_counter = false;
    let mut rest = bytes;
    while let Some((byte, tail)) = rest.split_first() {
        let class = class(*byte);
        if class & WORD == 0 {
            // Signs tell structure; white space and escapes do not.
            if class & BLANK == 0 {
                kept.push(*byte);
            }
            rest = tail;
            continue;
        }
        let mut seen = 0;
        let ends = |b: &u8| {
            let class = self::class(*b);
            seen |= class;
            class & (WORD | JOINT) == 0
        };
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let (whole, _) = rest.split_at(length);
        let word = match whole.iter().rposition(|b| !matches!(b, b'.' | b':' | b'-')) {
            Some(last) => whole.split_at(last + 1).0,
            None => whole,
        };
        rest = rest.get(word.len()..).unwrap_or_default();
        let masked = seen & DIGIT != 0 && (is_id_or_time(word) || (after_counter && is_number(word)));
        kept.extend_from_slice(if masked { b"#" } else { word });
        kept.push(0);
        after_counter = false;
        if may_matter(word) {
            let mut lower = [0; LONGEST];
            let lower = lower.get_mut(..word.len())?;
            lower.copy_from_slice(word);
            lower.make_ascii_lowercase();
            let listed = |list: &[&str]| list.binary_search_by(|w| w.as_bytes().cmp(lower)).is_ok();
            if listed(GOING_ON) {
                return None;
            }
            after_counter = listed(COUNTERS);
        }
    }
    Some(xxh3_64_with_seed(&kept, 3))
}

/// A letter, a digit, or part of a character beyond ASCII: a word begins with it.
const WORD: u8 = 1;
/// A digit.
const DIGIT: u8 = 2;
/// What may stand inside of a word.
const JOINT: u8 = 4;
/// White space, or the sign of an escape.
const BLANK: u8 = 8;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        classes[byte] = if b.is_ascii_digit() {
            WORD | DIGIT
        } else if b.is_ascii_alphabetic() || b >= 0x80 {
            WORD
        } else if matches!(b, b'-' | b'_' | b':' | b'.') {
            JOINT
        } else if b.is_ascii_whitespace() || b == b'\\' {
            BLANK
        } else {
            0
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Length from which no word matters by itself.
const LONGEST: usize = 16;

/// Lengths of the words above by their first letter, a bit each.
const LENGTHS: [u16; 26] = {
    let mut lengths = [0; 26];
    let lists = [GOING_ON, COUNTERS];
    let mut list = 0;
    while list < lists.len() {
        let mut word = 0;
        while word < lists[list].len() {
            let text = lists[list][word].as_bytes();
            lengths[(text[0] - b'a') as usize] |= 1 << text.len();
            word += 1;
        }
        list += 1;
    }
    lengths
};

fn may_matter(word: &[u8]) -> bool {
    let first = word.first().map_or(0, |b| b.to_ascii_lowercase());
    let lengths = LENGTHS.get(usize::from(first.wrapping_sub(b'a'))).copied().unwrap_or(0);
    word.len() < LONGEST && lengths & (1 << word.len()) != 0
}

fn is_number(word: &[u8]) -> bool {
    word.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// A long word, known to have a digit in it, or a measured time such as `12ms`.
fn is_id_or_time(word: &[u8]) -> bool {
    let number = word.iter().position(|b| !b.is_ascii_digit() && *b != b'.').unwrap_or(word.len());
    let (number, unit) = word.split_at(number);
    word.len() >= ID_BYTES
        || (!number.is_empty() && [&b"ms"[..], b"s", b"us", "µs".as_bytes(), b"ns"].contains(&unit))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use trackway_event::Kind;

    use super::*;
    use crate::chain::{Ending, ending};
    use crate::issue;
    use crate::testing::{event, noon};

    fn answered(arguments: &str, result: &str) -> Event {
        let mut e = event("a", Kind::ToolCall, 0);
        e.tool = Some("search".into());
        e.status = Some(Status::Ok);
        e.arguments = RawValue::from_string(arguments.into()).ok();
        e.result = RawValue::from_string(result.into()).ok();
        e
    }

    #[test]
    fn the_same_again_by_case() {
        let text = |t: &str| format!(r#"{{"content":[{{"type":"text","text":"{t}"}}]}}"#);
        for (a, b, same) in [
            ((r#"{"a":1,"b":[2,3]}"#, "none"), (r#"{ "b": [2, 3], "a": 1 }"#, "none"), true),
            ((r#"{"a":1,"b":2}"#, "none"), (r#"{"a":2,"b":1}"#, "none"), false),
            ((r#"{"a":[1,2]}"#, "none"), (r#"{"a":[2,1]}"#, "none"), false),
            ((r#"{"a":"x, y"}"#, "none"), (r#"{"a":"x,y"}"#, "none"), false),
            ((r#"{"a":{"b":{}}}"#, "none"), (r#"{"a":{"b":[]}}"#, "none"), false),
            (("{}", "at 2026-03-02T10:00:00Z"), ("{}", "at 2026-03-02T10:00:09.5Z"), true),
            (("{}", "req 0af3-99bc-11"), ("{}", "req 7be1-00cc-12"), true),
            (("{}", "took 12ms"), ("{}", "took 9ms"), true),
            (("{}", "elapsed: 12"), ("{}", "elapsed: 13"), true),
            (("{}", "progress 10"), ("{}", "progress 20"), false),
            (("{}", "3 orders"), ("{}", "4 orders"), false),
        ] {
            let (one, two) = (key(&answered(a.0, &text(a.1))), key(&answered(b.0, &text(b.1))));
            assert!(one.is_some() && two.is_some(), "{a:?}");
            assert_eq!(one == two, same, "{a:?} {b:?}");
        }
        for going_on in ["state: running", "Pending", "job is in_progress"] {
            assert_eq!(key(&answered("{}", &text(going_on))), None, "{going_on}");
        }
        let mut unknown = answered("{}", "1");
        unknown.result = None;
        assert_eq!(key(&unknown), None);
        let mut task = answered("{}", "1");
        task.status = Some(Status::Task);
        assert_eq!(key(&task), None);
    }

    /// What [`masked_hash`] says, a character at a time.
    fn masked_slowly(text: &str) -> Option<u64> {
        let chars: Vec<char> = text.chars().collect();
        let in_word = |c: &char| c.is_ascii_alphanumeric() || !c.is_ascii();
        let mut kept = String::new();
        let mut counts = false;
        let mut at = 0;
        while let Some(c) = chars.get(at) {
            if !in_word(c) {
                if !c.is_ascii_whitespace() && *c != '\\' {
                    kept.push(*c);
                }
                at += 1;
                continue;
            }
            let word: String =
                chars[at..].iter().take_while(|c| in_word(c) || "-_:.".contains(**c)).collect();
            let word = word.trim_end_matches(['.', ':', '-']);
            at += word.chars().count();
            let lower = word.to_ascii_lowercase();
            if GOING_ON.contains(&lower.as_str()) {
                return None;
            }
            let number = word.chars().all(|c| c.is_ascii_digit() || c == '.');
            let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            let time = unit.len() < word.len() && ["ms", "s", "us", "µs", "ns"].contains(&unit);
            let digit = word.chars().any(|c| c.is_ascii_digit());
            let masked = digit && (word.len() >= 8 || time || (counts && number));
            kept.push_str(if masked { "#" } else { word });
            kept.push('\0');
            counts = COUNTERS.contains(&lower.as_str());
        }
        Some(xxh3_64_with_seed(kept.as_bytes(), 3))
    }

    proptest::proptest! {
        #[test]
        fn masking_equals_the_slow_way(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "took_ms", "Elapsed", "12", "7.5", "12ms", "3µs", "9s", "a1b2c3d4", "2026-03-02T10:00:00Z", "and", "any",
                    "Running", "pend", "in-progress", "_", "-", ":", ".", "...", " ", "\\n", "\"", "{", "},", "é", "日本語の長さ1", "x-",
                    "request_id:", "queued1", "1-", "1_000_000", "٣ms",
                ]),
                0..24,
            )
        ) {
            let text = parts.concat();
            proptest::prop_assert_eq!(masked_hash(&text), masked_slowly(&text), "{}", text);
        }
    }

    #[test]
    fn failures_repeat_by_their_group() {
        let failed = |message: &str| {
            let mut e = answered("{}", "1");
            e.status = Some(Status::ToolError);
            e.error =
                Some(Box::new(trackway_event::ErrorInfo { message: message.into(), ..Default::default() }));
            (key(&e), issue::fingerprint(&e))
        };
        assert_eq!(failed("order 17 not found"), failed("order 18 not found"));
        assert_ne!(failed("order 17 not found").0, failed("no permission").0);
    }

    /// One letter a call, a minute apart: small letters are tools that answer the same each time, `.` answers anew.
    fn session(text: &str, seconds: i64) -> Vec<CallView<'_>> {
        text.char_indices()
            .map(|(i, c)| CallView {
                tool: text.get(i..=i).unwrap(),
                started_at: noon().plus_micros(i as i64 * seconds * 1_000_000),
                duration_us: Some(1),
                status: Some(Status::Ok),
                repeat: (c != '.').then_some(c as i64),
            })
            .collect()
    }

    #[test]
    fn loops_by_case() {
        for (text, seconds, expect) in [
            ("", 60, ""),
            ("aaa", 60, ""),
            ("aaaa", 60, "0-3/1"),
            ("aaaaab", 60, "0-4/1"),
            ("ababa", 60, ""),
            ("ababab", 60, "0-5/2"),
            ("cababababc", 60, "1-8/2"),
            ("aabb", 60, ""),
            ("a.a.a.a.", 60, ""),
            ("....", 60, ""),
            ("aaaa", 901, ""),
            ("aaaa", 900, "0-3/1"),
            ("abcabcabcabc", 60, ""),
            ("aaaabbbb", 60, "0-3/1 4-7/1"),
        ] {
            let calls = session(text, seconds);
            let shown: Vec<String> = loops(&calls)
                .iter()
                .map(|l| format!("{}-{}/{}", l.calls.first().unwrap(), l.calls.last().unwrap(), l.width))
                .collect();
            assert_eq!(shown.join(" "), expect, "{text}");
            let backwards: Vec<CallView<'_>> = calls.iter().rev().copied().collect();
            assert_eq!(loops(&backwards).len(), shown.len(), "any order: {text}");
        }
        assert_eq!(repeats(&session("abab", 60)), [false, false, true, true]);
        assert_eq!(repeats(&session("aba", 500)), [false, false, false]);
    }

    #[test]
    fn a_loop_that_is_never_left_is_stuck() {
        assert_eq!(ending(&session("aaaa", 60)), Ending::Stuck);
        assert_eq!(ending(&session("aaaab", 60)), Ending::Stuck);
        let mut left = session("aaaaa", 60);
        left[4].repeat = Some(0);
        assert_eq!(ending(&left), Ending::Done);
        assert_eq!(ending(&session("aaa", 60)), Ending::Done);
    }
}
