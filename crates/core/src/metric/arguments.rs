//! How the arguments of a tool are used (F-110): which are sent how often, as which types, with which values.
//!
//! A fold over the arguments of calls, top level only. Values are told one by one only where there are few of them; else their
//! shape is: how long texts are, between which bounds numbers lie. Memory is bounded by [`NAMES`] and [`DISTINCT`].

use std::collections::BTreeMap;

use serde_json::Value;

use crate::catalog::schema::type_of;

/// Names that are told apart.
pub const NAMES: usize = 64;
/// Different values of one name that are told apart.
pub const DISTINCT: usize = 32;
/// Values that are few.
const FEW: usize = 8;
/// Signs of a value that is told.
const SIGNS: usize = 60;

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgumentUse {
    /// Its name.
    pub name: String,
    /// Calls that sent it.
    pub sent: u64,
    /// Types, most often sent first: `string`, `number`, `boolean`, `array`, `object`, `null`.
    pub types: Vec<(&'static str, u64)>,
    /// Its values.
    pub values: Values,
}

/// The values of an argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Each, most often sent first.
    Few(Vec<(String, u64)>),
    /// Too many or too long: how long texts are, in signs.
    Lengths(u64, u64),
    /// Too many: between which bounds numbers lie.
    Range(f64, f64),
    /// Neither texts nor numbers alone.
    Mixed,
}

/// The fold.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// Calls that were added.
    pub calls: u64,
    names: BTreeMap<String, One>,
}

#[derive(Clone, Debug, Default)]
struct One {
    sent: u64,
    types: BTreeMap<&'static str, u64>,
    values: BTreeMap<String, u64>,
    /// Whether a value was left out of `values`.
    many: Many,
    lengths: Option<(u64, u64)>,
    range: Option<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Many {
    #[default]
    No,
    Yes,
}

impl Arguments {
    /// Adds the arguments of one call; what is no object counts as none sent.
    pub fn add(&mut self, arguments: &Value) {
        self.calls += 1;
        let Some(object) = arguments.as_object() else { return };
        for (name, value) in object {
            if self.names.len() >= NAMES && !self.names.contains_key(name) {
                continue;
            }
            self.names.entry(name.clone()).or_default().add(value);
        }
    }

    /// Every name, most often sent first.
    pub fn uses(self) -> Vec<ArgumentUse> {
        let mut uses: Vec<ArgumentUse> = self.names.into_iter().map(|(name, one)| one.told(name)).collect();
        uses.sort_by(|a, b| b.sent.cmp(&a.sent).then_with(|| a.name.cmp(&b.name)));
        uses
    }
}

impl One {
    fn add(&mut self, value: &Value) {
        self.sent += 1;
        *self.types.entry(type_of(value)).or_default() += 1;
        match value {
            Value::String(text) => {
                let n = text.chars().count() as u64;
                self.lengths = Some(self.lengths.map_or((n, n), |(low, high)| (low.min(n), high.max(n))));
            }
            Value::Number(number) => {
                let n = number.as_f64().unwrap_or(0.0);
                self.range = Some(self.range.map_or((n, n), |(low, high)| (low.min(n), high.max(n))));
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
        }
        let shown = match value {
            Value::String(text) => text.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                value.to_string()
            }
        };
        // An address names somebody; like a long text it is told by its shape alone.
        let own = shown.chars().count() > SIGNS || shown.contains('@');
        if own || (self.values.len() >= DISTINCT && !self.values.contains_key(&shown)) {
            self.many = Many::Yes;
        } else {
            *self.values.entry(shown).or_default() += 1;
        }
    }

    fn told(self, name: String) -> ArgumentUse {
        let mut types: Vec<(&'static str, u64)> = self.types.into_iter().collect();
        types.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        // Values that never come again name things, not choices.
        let again = self.values.len() as u64 * 2 <= self.sent || self.values.len() == 1;
        let values = if self.many == Many::No && self.values.len() <= FEW && again {
            let mut values: Vec<(String, u64)> = self.values.into_iter().collect();
            values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            Values::Few(values)
        } else {
            match (types.as_slice(), self.lengths, self.range) {
                ([_], Some((low, high)), None) => Values::Lengths(low, high),
                ([_], None, Some((low, high))) => Values::Range(low, high),
                _ => Values::Mixed,
            }
        };
        ArgumentUse { name, sent: self.sent, types, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fold(calls: &[Value]) -> Vec<ArgumentUse> {
        let mut all = Arguments::default();
        calls.iter().for_each(|call| all.add(call));
        assert_eq!(all.calls, calls.len() as u64);
        all.uses()
    }

    #[test]
    fn few_values_are_told_and_many_are_not() {
        let calls: Vec<Value> = (0..20)
            .map(|i| {
                json!({"kind": if i % 4 == 0 { "a" } else { "b" }, "id": format!("ord-{i:04}"), "n": i, "deep": [i]})
            })
            .chain([json!(null), json!({"kind": 7})])
            .collect();
        let uses = fold(&calls);
        assert_eq!(
            uses.iter().map(|u| (u.name.as_str(), u.sent)).collect::<Vec<_>>(),
            [("kind", 21), ("deep", 20), ("id", 20), ("n", 20)]
        );
        assert_eq!(uses[0].types, [("string", 20), ("number", 1)]);
        assert_eq!(uses[0].values, Values::Few(vec![("b".into(), 15), ("a".into(), 5), ("7".into(), 1)]));
        assert_eq!((&uses[2].values, &uses[1].values), (&Values::Lengths(8, 8), &Values::Mixed));
        assert_eq!(uses[3].values, Values::Range(0.0, 19.0));
    }

    #[test]
    fn a_secret_long_or_lone_value_is_never_told() {
        let uses = fold(&[json!({"a": "x".repeat(61), "b": "once"}), json!({"a": "y", "b": "twice"})]);
        assert!(uses.iter().all(|u| matches!(u.values, Values::Lengths(..))), "{uses:?}");
        let uses = fold(&[json!({"user": "ana@acme.test"}), json!({"user": "ana@acme.test"})]);
        assert_eq!(uses[0].values, Values::Lengths(13, 13), "an address is nobody's choice of values");
    }

    #[test]
    fn what_hostile_calls_send_is_bounded() {
        let calls: Vec<Value> =
            (0..500).map(|i| json!({format!("name {i}"): i, "id": format!("v{i}")})).collect();
        let mut all = Arguments::default();
        calls.iter().for_each(|call| all.add(call));
        assert!(all.names.len() <= NAMES && all.names.values().all(|one| one.values.len() <= DISTINCT));
    }
}
