//! Reading and writing one condition, `field:op[:value[,value…]]`, as it stands in a URL after percent-decoding.

use std::fmt;

use trackway_event::limits;

use super::fields::{FIELDS, KEYED, LATER, OPS};
use super::{Condition, Field, Filter, Op, ValueType, pattern};

/// Why a filter cannot be read; the text says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No operator.
    #[error("{0:?} is no condition; write field:operator:value, as in tool:eq:search")]
    NoCondition(String),
    /// No such field.
    #[error("there is no field {name:?}; did you mean {nearest:?}?")]
    UnknownField {
        /// As written.
        name: String,
        /// The nearest known one.
        nearest: String,
    },
    /// A field that is planned.
    #[error("the field {field:?} cannot be filtered by yet: {instead}")]
    Later {
        /// As written.
        field: String,
        /// What to ask instead.
        instead: &'static str,
    },
    /// A pattern that cannot be used.
    #[error("{pattern:?} is no pattern: {why}")]
    BadPattern {
        /// As written.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A pattern with a minus before it.
    #[error("a pattern has no opposite; leave out the - before {0}, or exclude what contains a text with ~")]
    NoOpposite(String),
    /// No such operator.
    #[error("there is no operator {name:?}; did you mean {nearest:?}?")]
    UnknownOp {
        /// As written.
        name: String,
        /// The nearest known one.
        nearest: String,
    },
    /// The operator does not suit the field.
    #[error("{op} cannot be asked of {field}; use {instead}")]
    Unsuited {
        /// Field.
        field: String,
        /// Operator.
        op: &'static str,
        /// Operators that can.
        instead: &'static str,
    },
    /// A value the field cannot have.
    #[error("{value:?} is no value of {field}; {expect}")]
    BadValue {
        /// Field.
        field: String,
        /// As written.
        value: String,
        /// What is expected.
        expect: String,
    },
    /// Too few, too many or unwanted values.
    #[error("{op} takes {expect}")]
    ValueCount {
        /// Operator.
        op: &'static str,
        /// How many it takes.
        expect: &'static str,
    },
    /// Too many conditions.
    #[error("a filter has at most 20 conditions; leave some out")]
    TooMany,
}

impl Filter {
    /// Reads the `f` conditions and the free text of a question.
    pub fn parse<T: AsRef<str>>(
        conditions: impl IntoIterator<Item = T>,
        text: Option<&str>,
    ) -> Result<Self, FilterError> {
        let conditions =
            conditions.into_iter().map(|c| Condition::parse(c.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let text = text.map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        Self { conditions, text }.bounded()
    }

    /// The same within these environments, which are values of the tag `env`; within all where none is named.
    pub fn in_environments<T: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = T>,
    ) -> Result<Self, FilterError> {
        let values: Vec<String> = names.into_iter().map(Into::into).collect();
        if !values.is_empty() {
            let condition = Condition { field: Field::Tag("env".into()), op: Op::In, values };
            self.conditions.push(condition.checked()?);
        }
        self.bounded()
    }

    /// The same without what meets any of these conditions: their opposites hold too. They do not count towards the most a
    /// filter may have; one without an opposite is not added.
    #[must_use]
    pub fn leaving_out(mut self, own: &[Condition]) -> Self {
        for condition in own {
            let op = match condition.op {
                Op::Eq => Op::Ne,
                Op::In => Op::Nin,
                Op::Has => Op::Nhas,
                Op::Set => Op::Unset,
                Op::Ne | Op::Nin | Op::Nhas | Op::Unset | Op::Re | Op::Gt | Op::Gte | Op::Lt | Op::Lte => {
                    continue;
                }
            };
            self.conditions.push(Condition { op, ..condition.clone() });
        }
        self
    }

    pub(super) fn bounded(self) -> Result<Self, FilterError> {
        if self.conditions.len() > limits::FILTER_CONDITIONS { Err(FilterError::TooMany) } else { Ok(self) }
    }
}

impl Condition {
    /// Reads one condition.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let no_condition = || FilterError::NoCondition(text.to_owned());
        let (field, rest) = split_bare(text, ':').ok_or_else(no_condition)?;
        let (op, values) = match rest.split_once(':') {
            Some((op, values)) => (op, Some(values)),
            None => (rest, None),
        };
        let field = Field::parse(field)?;
        let op = parse_op(op)?;
        let values = values.map_or_else(Vec::new, split_values);
        Self { field, op, values }.checked()
    }

    /// Checks operator and values against the field.
    pub(super) fn checked(self) -> Result<Self, FilterError> {
        let (op, of) = (self.op.name(), self.field.value_type());
        if !self.op.suits(of) {
            let instead = match of {
                ValueType::Text => "eq, ne, in, nin, has, nhas, re, set or unset",
                ValueType::Any => "eq, ne, in, nin, has, nhas, re, gt, gte, lt, lte, set or unset",
                ValueType::Number => "eq, ne, in, nin, gt, gte, lt, lte, set or unset",
                ValueType::Id | ValueType::Hash | ValueType::Bool | ValueType::Word(..) => {
                    "eq, ne, in, nin, set or unset"
                }
            };
            return Err(FilterError::Unsuited { field: self.field.to_string(), op, instead });
        }
        let expect = match self.op {
            Op::Set | Op::Unset => (self.values.is_empty(), "no value"),
            Op::In | Op::Nin => ((1..=limits::FILTER_VALUES).contains(&self.values.len()), "1 to 50 values"),
            Op::Eq | Op::Ne | Op::Has | Op::Nhas | Op::Re | Op::Gt | Op::Gte | Op::Lt | Op::Lte => {
                (self.values.len() == 1, "exactly one value; use in or nin for several")
            }
        };
        if let (false, expect) = expect {
            return Err(FilterError::ValueCount { op, expect });
        }
        for value in &self.values {
            let ordered = matches!(self.op, Op::Gt | Op::Gte | Op::Lt | Op::Lte);
            let (good, expect) = match of {
                ValueType::Any if ordered => {
                    (value.parse::<f64>().is_ok_and(f64::is_finite), "write a number")
                }
                ValueType::Text | ValueType::Any => (true, ""),
                ValueType::Number => (value.parse::<f64>().is_ok_and(f64::is_finite), "write a number"),
                ValueType::Id => (value.parse::<u64>().is_ok(), "write the issue's number"),
                ValueType::Bool => (matches!(value.as_str(), "true" | "false"), "write true or false"),
                ValueType::Hash => (
                    (4..=64).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_hexdigit()),
                    "write the first four or more digits of a listing's hash",
                ),
                ValueType::Word(known, _) => (known(value), ""),
            };
            if !good {
                let expect = match of {
                    ValueType::Word(_, words) => words_for(value, &words()),
                    ValueType::Text
                    | ValueType::Any
                    | ValueType::Number
                    | ValueType::Id
                    | ValueType::Hash
                    | ValueType::Bool => expect.to_owned(),
                };
                return Err(FilterError::BadValue {
                    field: self.field.to_string(),
                    value: value.clone(),
                    expect,
                });
            }
            if self.op == Op::Re {
                pattern(value).map_err(|why| FilterError::BadPattern { pattern: value.clone(), why })?;
            }
        }
        Ok(self)
    }
}

impl Field {
    /// Reads a field's name; `\\:`, `\\.` and `\\\\` stand for themselves.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let name = unescape(text);
        if let Some((_, field, _)) = FIELDS.iter().find(|(known, _, _)| *known == name) {
            return Ok(field.clone());
        }
        let keyed = name.split_once('.').filter(|(_, key)| !key.is_empty());
        if let Some((head, key)) = keyed
            && let Some((_, make)) = KEYED.iter().find(|(known, _)| *known == head)
        {
            return Ok(make(key.to_owned()));
        }
        let head = name.split('.').next().unwrap_or("");
        if let Some((_, instead)) = LATER.iter().find(|(field, _)| *field == head) {
            return Err(FilterError::Later { field: name, instead });
        }
        let names = FIELDS.iter().map(|(known, _, _)| *known).chain([
            "tag.<key>",
            "trait.<key>",
            "group.<type>",
            "prop.<path>",
        ]);
        Err(FilterError::UnknownField { nearest: nearest(&name, names), name })
    }
}

fn parse_op(name: &str) -> Result<Op, FilterError> {
    match OPS.iter().find(|(known, _)| *known == name) {
        Some((_, op)) => Ok(*op),
        None => Err(FilterError::UnknownOp {
            name: name.to_owned(),
            nearest: nearest(name, OPS.iter().map(|(known, _)| *known)),
        }),
    }
}

/// Every word of a short list; of a long one the nearest.
fn words_for(value: &str, words: &[&str]) -> String {
    if words.len() <= 9 {
        format!("write one of {}", words.join(", "))
    } else {
        format!("did you mean {:?}?", nearest(value, words.iter().copied()))
    }
}

/// The known word that looks most like `name`.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let name: String = name.chars().take(64).collect();
    let best = known.max_by(|a, b| strsim::jaro_winkler(&name, a).total_cmp(&strsim::jaro_winkler(&name, b)));
    best.unwrap_or_default().to_owned()
}

/// Splits at the first `at` that no backslash stands before.
fn split_bare(text: &str, at: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        if c == at && !escaped {
            return Some((text.split_at(i).0, text.split_at(i + c.len_utf8()).1));
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// A backslash gives the character behind it.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

/// Values at bare commas; only `\\,` and `\\\\` are escapes, so a Windows path needs no care.
fn split_values(text: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, values.last_mut()) {
            (',', _) => values.push(String::new()),
            ('\\', Some(value)) => value.push(chars.next_if(|n| matches!(n, ',' | '\\')).unwrap_or('\\')),
            (_, Some(value)) => value.push(c),
            (_, None) => {}
        }
    }
    values
}

/// The name, with what would split escaped.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let Some(key) = self.key() else { return Ok(()) };
        f.write_str(".")?;
        for c in key.chars() {
            if matches!(c, ':' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

/// The canonical form; parsing it gives the same condition.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.field, self.op.name())?;
        for (i, value) in self.values.iter().enumerate() {
            f.write_str(if i == 0 { ":" } else { "," })?;
            for c in value.chars() {
                if matches!(c, ',' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
