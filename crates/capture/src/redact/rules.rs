//! The operator's rules: member names, paths and patterns whose values are masked, and the ready-made patterns for
//! personal data (D26: opt-in). Used by [`super::Redaction`].

use std::ops::Range;

use regex_lite::Regex;
use trackway_event::Payload;

use super::{MASK, raw};
use crate::wire::scan::{decode, elements, members};
use crate::wire::{Edit, apply};

/// Nesting that path rules follow.
const DEPTH: usize = 64;
/// Bytes of one pattern's program.
const PATTERN_BYTES: usize = 64 * 1024;

/// A ready-made pattern for personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pii {
    /// `name@host.tld`.
    Email,
    /// International or national telephone numbers of at least nine digits.
    Phone,
    /// Payment card numbers, by their check digit.
    Card,
    /// US social security numbers.
    Ssn,
    /// International bank account numbers, by their check digits.
    Iban,
    /// IPv4 addresses.
    Ip,
}

impl Pii {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Email, Self::Phone, Self::Card, Self::Ssn, Self::Iban, Self::Ip];

    /// Its name in settings and in the mask.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Ssn => "ssn",
            Self::Iban => "iban",
            Self::Ip => "ip",
        }
    }

    /// The one of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| p.as_str() == text)
    }

    const fn pattern(self) -> &'static str {
        match self {
            Self::Email => {
                r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}"
            }
            Self::Phone => r"(\+|\b)\d{1,3}[ ./-]?\(?\d{2,4}\)?([ ./-]?\d{2,4}){2,4}\b",
            Self::Card => r"\b\d(?:[ -]?\d){12,18}\b",
            Self::Ssn => r"\b\d{3}-\d{2}-\d{4}\b",
            Self::Iban => r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b",
            Self::Ip => r"\b(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}\b",
        }
    }

    /// Whether a text may hold one at all: a pattern costs far more than a look at the bytes.
    fn may_be_in(self, text: &str) -> bool {
        let count = |is: fn(&u8) -> bool, least: usize| text.bytes().filter(is).take(least).count() == least;
        match self {
            Self::Email => memchr::memchr(b'@', text.as_bytes()).is_some(),
            Self::Phone | Self::Ssn => count(u8::is_ascii_digit, 9),
            Self::Card => count(u8::is_ascii_digit, 13),
            Self::Iban => {
                count(u8::is_ascii_digit, 2) && count(u8::is_ascii_uppercase, 2) && text.len() >= 15
            }
            Self::Ip => count(u8::is_ascii_digit, 4) && count(|b| *b == b'.', 3),
        }
    }

    /// Where one ends in what looks like one: the longest run of whole words that is one.
    fn end_in(self, found: &str) -> Option<usize> {
        let ends = found.char_indices().map(|(at, c)| at + c.len_utf8());
        let mut ends: Vec<usize> = ends
            .filter(|end| {
                let (head, tail) = found.split_at(*end);
                let joined = tail.starts_with(|c: char| c.is_alphanumeric());
                head.ends_with(|c: char| c.is_alphanumeric()) && !joined
            })
            .collect();
        ends.reverse();
        ends.into_iter().find(|end| self.holds(found.split_at(*end).0))
    }

    /// Whether what looks like one is one.
    fn holds(self, found: &str) -> bool {
        match self {
            Self::Card => luhn(found),
            Self::Iban => iban(found),
            Self::Phone => {
                // Without a plus or a separator it is any number.
                let digits = found.bytes().filter(u8::is_ascii_digit).count();
                (9..=15).contains(&digits) && !found.bytes().all(|b| b.is_ascii_digit())
            }
            Self::Email | Self::Ssn | Self::Ip => true,
        }
    }
}

/// A rule that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// A pattern that is none.
    #[error("the redaction pattern {pattern:?} cannot be read: {problem}")]
    Pattern {
        /// As it was written.
        pattern: String,
        /// What is wrong.
        problem: String,
    },
    /// A path that is none.
    #[error(
        "the redaction path {0:?} cannot be read; write names with dots between them, * for any one and ** for any number"
    )]
    Path(String),
}

/// The compiled rules.
#[derive(Debug, Default)]
pub(super) struct Rules {
    keys: Vec<String>,
    paths: Vec<Vec<Step>>,
    patterns: Vec<(Regex, Option<Pii>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Any,
    AnyNumber,
}

impl Rules {
    pub(super) fn new(
        keys: &[String],
        paths: &[String],
        patterns: &[String],
        pii: &[Pii],
    ) -> Result<Self, BadRule> {
        let mut rules = Self {
            keys: keys.iter().map(|k| plain(k)).filter(|k| !k.is_empty()).collect(),
            ..Self::default()
        };
        for path in paths {
            let steps: Vec<Step> = path
                .split('.')
                .map(|name| match name.trim() {
                    "*" => Step::Any,
                    "**" => Step::AnyNumber,
                    name => Step::Name(name.to_owned()),
                })
                .collect();
            if steps.iter().any(|s| *s == Step::Name(String::new())) || steps.last() == Some(&Step::AnyNumber)
            {
                return Err(BadRule::Path(path.clone()));
            }
            rules.paths.push(steps);
        }
        let own = patterns.iter().map(|p| (p.as_str(), None));
        for (pattern, pii) in pii.iter().map(|p| (p.pattern(), Some(*p))).chain(own) {
            let compiled = regex_lite::RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
            let compiled =
                compiled.map_err(|e| BadRule::Pattern { pattern: pattern.into(), problem: e.to_string() })?;
            if compiled.is_match("") {
                let problem = "it matches nothing at all, and so everywhere".into();
                return Err(BadRule::Pattern { pattern: pattern.into(), problem });
            }
            rules.patterns.push((compiled, pii));
        }
        Ok(rules)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.paths.is_empty() && self.patterns.is_empty()
    }

    /// Masks by name and path inside a payload; `root` is the payload's own name, the first step of a path.
    pub(super) fn members(&self, payload: Payload, root: &str) -> Option<Payload> {
        if self.keys.is_empty() && self.paths.is_empty() {
            return Some(payload);
        }
        let text = payload.get().as_bytes();
        let at: Vec<&[Step]> = self.paths.iter().flat_map(|p| advance(p, root)).collect();
        let mut edits = Vec::new();
        let mut open = vec![(0..text.len(), at, 0)];
        while let Some((value, at, depth)) = open.pop() {
            if at.iter().any(|rest| rest.is_empty()) {
                edits.push(mask(value));
                continue;
            }
            if depth >= DEPTH {
                continue;
            }
            for (name, inner) in children(text, &value) {
                if name.as_deref().is_some_and(|n| self.keys.contains(&plain(n))) {
                    edits.push(mask(inner));
                    continue;
                }
                // A list's own place in a path is taken by its elements.
                let next = match &name {
                    Some(name) => at.iter().flat_map(|rest| advance(rest, name)).collect(),
                    None => at.clone(),
                };
                open.push((inner, next, depth + 1));
            }
        }
        edits.sort_by_key(|e| e.at.start);
        if edits.is_empty() { Some(payload) } else { raw(apply(text, &edits)) }
    }

    /// Masks by pattern inside a text.
    pub(super) fn text(&self, text: &str) -> Option<String> {
        let mut out: Option<String> = None;
        for (pattern, pii) in &self.patterns {
            let now = out.as_deref().unwrap_or(text);
            if pii.is_some_and(|pii| !pii.may_be_in(now)) {
                continue;
            }
            let label = pii.map_or(MASK.to_owned(), |p| format!("[{}]", p.as_str()));
            let (mut new, mut done, mut from) = (String::new(), 0, 0);
            while let Some(found) = pattern.find_at(now, from) {
                let end = match pii {
                    None => Some(found.end()),
                    Some(pii) => pii.end_in(found.as_str()).map(|length| found.start() + length),
                };
                match end {
                    Some(end) => {
                        new.push_str(now.get(done..found.start()).unwrap_or_default());
                        new.push_str(&label);
                        (done, from) = (end, end);
                    }
                    // One may begin at the next word of what was none.
                    None => from = found.start() + word_behind(found.as_str()),
                }
            }
            if done > 0 {
                new.push_str(now.get(done..).unwrap_or_default());
                out = Some(new);
            }
        }
        out
    }

    pub(super) fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }
}

/// Every string value of a payload through `change`; keys stay (SDK-92).
pub(super) fn strings(payload: Payload, change: &mut dyn FnMut(&str) -> Option<String>) -> Option<Payload> {
    let text = payload.get().as_bytes();
    let mut edits = Vec::new();
    let whole = 0..text.len();
    let mut open = vec![whole];
    while let Some(value) = open.pop() {
        if text.get(value.start) == Some(&b'"') {
            let new = decode(text, &(value.start + 1..value.end.saturating_sub(1)))
                .and_then(|plain| change(&plain));
            edits.extend(new.and_then(|n| serde_json::to_vec(&n).ok()).map(|with| Edit { at: value, with }));
        } else {
            open.extend(children(text, &value).into_iter().map(|(_, inner)| inner));
        }
    }
    edits.sort_by_key(|e| e.at.start);
    if edits.is_empty() { Some(payload) } else { raw(apply(text, &edits)) }
}

fn children(text: &[u8], value: &Range<usize>) -> Vec<(Option<String>, Range<usize>)> {
    match text.get(value.start) {
        Some(b'{') => {
            let all = members(text, value).unwrap_or_default().into_iter();
            all.map(|m| (decode(text, &m.key).map(|k| k.into_owned()), m.value)).collect()
        }
        Some(b'[') => elements(text, value).unwrap_or_default().into_iter().map(|e| (None, e)).collect(),
        Some(_) | None => Vec::new(),
    }
}

/// Where a path may stand after a name.
fn advance<'a>(path: &'a [Step], name: &str) -> Vec<&'a [Step]> {
    match path.split_first() {
        Some((Step::Name(step), rest)) if step == name => vec![rest],
        Some((Step::Any, rest)) => vec![rest],
        Some((Step::AnyNumber, rest)) => {
            let mut all = advance(rest, name);
            all.push(path);
            all
        }
        Some((Step::Name(_), _)) | None => Vec::new(),
    }
}

fn mask(at: Range<usize>) -> Edit {
    Edit { at, with: format!("\"{MASK}\"").into_bytes() }
}

/// Where the second word begins, or the end.
fn word_behind(text: &str) -> usize {
    let first = text.find(|c: char| !c.is_alphanumeric()).map_or(text.len(), |at| at + 1);
    let first = (first..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    first.max(1)
}

/// A name without its spelling: lower case, letters and digits only.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn luhn(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match index % 2 {
            0 => *digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10) && sum > 0
}

/// ISO 13616: the first four characters behind, letters as 10 to 35, modulo 97 is 1.
fn iban(text: &str) -> bool {
    let plain: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (head, tail) = plain.split_at(plain.len().min(4));
    let rest = tail.iter().chain(head).try_fold(0u32, |rest, c| {
        let value = c.to_digit(36)?;
        Some(if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 })
    });
    (15..=34).contains(&plain.len()) && rest == Some(1)
}
