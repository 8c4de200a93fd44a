//! What the arguments of calls, or the traits of those who make them, have in common in failures and not in successes (F-89).
//!
//! A fold over calls of one tool: top-level members only, each told by whether it was sent, its type, its shape and its value.
//! A value is told only where there are few ([`DISTINCT`]), short and no address. Of one member the least likely circumstance is
//! told. So many circumstances are tried that some are unlikely by themselves: how likely chance is, times how many were tried,
//! has to stay below [`CHANCE`]. Memory is bounded by [`NAMES`] and [`EACH`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::arguments::{DISTINCT, NAMES};
use super::suspects::Counts;
use crate::catalog::schema::type_of;

/// Circumstances of one member that are told apart.
const EACH: usize = 96;
/// How likely chance may be, over everything that was tried.
const CHANCE: f64 = 0.05;
/// Signs of a value that is told.
const SIGNS: usize = 60;
/// People who share a trait below which nothing is said: calls of one person are one person.
const PEOPLE: usize = 3;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// With the failure that is looked into.
    Failing,
    /// Well.
    Working,
}

/// What a member of every call's object is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// An argument: whether it was sent, as what, and its value.
    Arguments,
    /// A trait of the person who called: its value.
    Traits,
}

/// The fold.
#[derive(Clone, Debug)]
pub struct Circumstances {
    of: Of,
    failing: u64,
    working: u64,
    members: BTreeMap<String, Member>,
}

#[derive(Clone, Debug, Default)]
struct Member {
    sent: Seen,
    /// In the order of how much they say: type, shape, value.
    found: BTreeMap<(Sort, String), Seen>,
    values: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Type,
    Shape,
    Value,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    failing: u64,
    working: u64,
    /// A few of those whose failing calls have it.
    who: BTreeSet<i64>,
}

/// One circumstance that stands out.
#[derive(Clone, Debug, PartialEq)]
pub struct Circumstance {
    /// The member's name.
    pub name: String,
    /// What it is, in words.
    pub is: String,
    /// Calls with it on both sides.
    pub counts: Counts,
}

impl Circumstances {
    /// No calls yet.
    pub const fn new(of: Of) -> Self {
        Self { of, failing: 0, working: 0, members: BTreeMap::new() }
    }

    /// Adds the object of one call, made by `who`; what is no object has no members.
    pub fn add(&mut self, side: Side, who: i64, object: &Value) {
        match side {
            Side::Failing => self.failing += 1,
            Side::Working => self.working += 1,
        }
        for (name, value) in object.as_object().into_iter().flatten() {
            if self.members.len() >= NAMES && !self.members.contains_key(name) {
                continue;
            }
            let member = self.members.entry(name.clone()).or_default();
            member.sent.add(side, who);
            for (sort, is) in told(value, self.of) {
                if sort == Sort::Value && member.values.len() <= DISTINCT {
                    member.values.insert(is.clone());
                }
                let key = (sort, is);
                if member.found.len() < EACH || member.found.contains_key(&key) {
                    member.found.entry(key).or_default().add(side, who);
                }
            }
        }
    }

    /// What stands out, the least likely first.
    pub fn suspects(self) -> Vec<Circumstance> {
        let (failing, working, of) = (self.failing, self.working, self.of);
        let counts =
            |with: (u64, u64)| Counts { failing_with: with.0, failing, working_with: with.1, working };
        let mut all: Vec<(String, Vec<(String, Counts)>)> = Vec::new();
        let mut tried = 0;
        for (name, member) in self.members {
            let mut each = Vec::new();
            if of == Of::Arguments {
                let sent = (member.sent.failing, member.sent.working);
                each.push(("sent".to_owned(), counts(sent)));
                each.push(("not sent".to_owned(), counts((failing - sent.0, working - sent.1))));
            }
            for ((sort, is), seen) in member.found {
                let few = member.values.len() <= DISTINCT;
                let shared = of == Of::Arguments || seen.who.len() >= PEOPLE;
                if (sort != Sort::Value || few) && shared {
                    each.push((is, counts((seen.failing, seen.working))));
                }
            }
            tried += each.len();
            all.push((name, each));
        }
        let mut found: Vec<(f64, Circumstance)> = Vec::new();
        for (name, each) in all {
            // Of equally unlikely ones the first says the least, and so the most general thing.
            let mut best: Option<(f64, String, Counts)> = None;
            for (is, counts) in each.into_iter().filter(|(_, counts)| counts.is_suspect()) {
                let chance = counts.chance();
                if chance * tried as f64 <= CHANCE && best.as_ref().is_none_or(|(least, ..)| chance < *least)
                {
                    best = Some((chance, is, counts));
                }
            }
            found.extend(best.map(|(chance, is, counts)| (chance, Circumstance { name, is, counts })));
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.name.cmp(&b.1.name)));
        found.into_iter().map(|(_, one)| one).collect()
    }
}

impl Seen {
    fn add(&mut self, side: Side, who: i64) {
        match side {
            Side::Failing => {
                self.failing += 1;
                if self.who.len() < PEOPLE {
                    self.who.insert(who);
                }
            }
            Side::Working => self.working += 1,
        }
    }
}

/// What a value is, from the general to the particular.
fn told(value: &Value, of: Of) -> Vec<(Sort, String)> {
    let mut all = Vec::with_capacity(3);
    if of == Of::Arguments {
        all.push((Sort::Type, type_of(value).to_owned()));
        all.extend(shape(value).map(|shape| (Sort::Shape, shape.to_owned())));
    }
    let shown = match value {
        Value::String(text) => Some(format!("“{text}”")),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    // An address names somebody; a long text is told by its shape alone.
    all.extend(
        shown.filter(|s| s.chars().count() <= SIGNS + 2 && !s.contains('@')).map(|s| (Sort::Value, s)),
    );
    all
}

/// What a value looks like, where that says more than its type.
fn shape(value: &Value) -> Option<&'static str> {
    match value {
        Value::String(text) => Some(shape_of_text(text.trim())),
        Value::Number(n) => match n.as_f64() {
            Some(n) if n < 0.0 => Some("a number below zero"),
            Some(0.0) => Some("zero"),
            Some(n) if n.fract() != 0.0 => Some("a number with a fraction"),
            Some(_) | None => None,
        },
        Value::Array(items) => items.is_empty().then_some("an empty list"),
        Value::Object(members) => members.is_empty().then_some("an empty object"),
        Value::Null | Value::Bool(_) => None,
    }
}

fn shape_of_text(text: &str) -> &'static str {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let date = digits(0..4)
        && bytes.get(4) == Some(&b'-')
        && digits(5..7)
        && bytes.get(7) == Some(&b'-')
        && digits(8..10);
    let uuid = text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    match text {
        "" => "an empty text",
        _ if date && text.len() == 10 => "a date",
        _ if date => "a date and time",
        _ if uuid => "a UUID",
        _ if text.parse::<f64>().is_ok() => "a number as text",
        _ if text.starts_with("http://") || text.starts_with("https://") => "a URL",
        _ if text.starts_with(['{', '[']) => "JSON as text",
        _ if text.contains('@') && !text.contains(char::is_whitespace) => "an address",
        _ if text.contains(char::is_whitespace) => "several words",
        _ => "one word",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `failing` of the one object and `working` of the other.
    fn found(of: Of, failing: (u64, Value), working: (u64, Value)) -> Vec<(String, String)> {
        let mut all = Circumstances::new(of);
        (0..failing.0).for_each(|who| all.add(Side::Failing, who as i64, &failing.1));
        (0..working.0).for_each(|who| all.add(Side::Working, who as i64, &working.1));
        all.suspects().into_iter().map(|c| (c.name, c.is)).collect()
    }

    #[test]
    fn what_stands_out_by_case() {
        for (bad, good, expect) in [
            (json!({"due": "next week"}), json!({"due": "2026-11-21"}), Some("several words")),
            (json!({"due": 7}), json!({"due": "2026-11-21"}), Some("number")),
            (json!({}), json!({"due": "2026-11-21"}), Some("not sent")),
            (json!({"due": 1}), json!({}), Some("sent")),
            (json!({"due": "a"}), json!({"due": "b"}), Some("“a”")),
            (json!({"due": -1}), json!({"due": 4}), Some("a number below zero")),
            (json!({"due": []}), json!({"due": [1]}), Some("an empty list")),
            (json!({"due": "x"}), json!({"due": "x"}), None),
            // an address is told by its shape alone
            (json!({"due": "a@b.test"}), json!({"due": "c@b.test"}), None),
        ] {
            let shown = found(Of::Arguments, (12, bad.clone()), (30, good.clone()));
            assert_eq!(shown.first().map(|(_, is)| is.as_str()), expect, "{bad} {good}");
            assert!(shown.len() <= 1, "one a member: {shown:?}");
        }
    }

    #[test]
    fn few_calls_and_many_values_say_nothing() {
        let (bad, good) = (json!({"due": "next week"}), json!({"due": "2026-11-21"}));
        assert!(found(Of::Arguments, (4, bad.clone()), (15, good.clone())).is_empty(), "fewer than 20 calls");
        let mut all = Circumstances::new(Of::Arguments);
        for i in 0..100 {
            all.add(Side::Failing, 1, &json!({"id": "the same"}));
            all.add(Side::Working, 1, &json!({ "id": format!("other {i}") }));
        }
        assert!(all.suspects().is_empty(), "of many values none is told");
    }

    #[test]
    fn traits_need_several_people() {
        let (bad, good) = (json!({"plan": "trial", "mail": "a@b.test"}), json!({"plan": "team"}));
        assert_eq!(
            found(Of::Traits, (12, bad.clone()), (30, good.clone())),
            [("plan".into(), "“trial”".into())]
        );
        let mut all = Circumstances::new(Of::Traits);
        (0..12).for_each(|_| all.add(Side::Failing, 1, &bad));
        (0..30).for_each(|who| all.add(Side::Working, who, &good));
        assert!(all.suspects().is_empty(), "one person's calls are one person");
    }

    #[test]
    fn what_hostile_calls_send_is_bounded() {
        let mut all = Circumstances::new(Of::Arguments);
        for i in 0..500 {
            all.add(Side::Failing, i, &json!({ format!("name {i}"): i, "id": format!("v{i}") }));
        }
        assert!(all.members.len() <= NAMES);
        assert!(all.members.values().all(|m| m.found.len() <= EACH && m.values.len() <= DISTINCT + 1));
    }
}
