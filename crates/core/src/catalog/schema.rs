//! A call's arguments against the schema the agent was shown (F-108): unknown key, missing, wrong type, bad enum, out of
//! range. A small part of JSON Schema on purpose: what it cannot judge it lets pass, so that no finding is false.

use std::fmt;

use serde_json::{Map, Value};

/// Nesting that is looked into.
const DEPTH: usize = 8;
/// Findings of one call.
const FINDINGS: usize = 20;
/// Arguments Trackway itself injects; they never count.
const OWN: &[&str] = &["context"];

/// What is wrong with one argument.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The schema names no such argument.
    Unknown {
        /// The nearest name it has.
        near: Option<String>,
    },
    /// A required one was not sent.
    Missing,
    /// Another type than asked for.
    Type {
        /// What the schema wants.
        wanted: String,
        /// What was sent.
        got: &'static str,
    },
    /// None of the listed values.
    Enum,
    /// Beyond a bound of size, length or number.
    Range,
}

impl Fault {
    /// The sort, for counting.
    pub const fn sort(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown",
            Self::Missing => "missing",
            Self::Type { .. } => "type",
            Self::Enum => "enum",
            Self::Range => "range",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { near: Some(near) } => write!(f, "not in the schema; the nearest is {near}"),
            Self::Unknown { near: None } => f.write_str("not in the schema"),
            Self::Missing => f.write_str("required, not sent"),
            Self::Type { wanted, got } => write!(f, "{got} sent, {wanted} asked for"),
            Self::Enum => f.write_str("not one of the listed values"),
            Self::Range => f.write_str("out of range"),
        }
    }
}

/// One finding: the path of the argument and what is wrong with it.
pub type Finding = (String, Fault);

/// What is wrong with these arguments, by path; nothing where the schema or the arguments are not known. Absent arguments
/// count as an empty object.
pub fn check(schema: &Value, arguments: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    let none = Value::Object(Map::new());
    let arguments = if arguments.is_null() { &none } else { arguments };
    if schema.is_object() && arguments.is_object() {
        object(schema, arguments, "", DEPTH, &mut found);
    }
    found.truncate(FINDINGS);
    found.sort();
    found
}

fn object(schema: &Value, value: &Value, path: &str, depth: usize, found: &mut Vec<Finding>) {
    let (Some(sent), true) = (value.as_object(), depth > 0) else { return };
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let empty = Map::new();
    let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let ours = |name: &str| path.is_empty() && OWN.contains(&name) && !known.contains_key(name);
    // A cut container tells nothing of what it held.
    if sent.contains_key("$truncated") {
        return;
    }
    for name in
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        let injected = path.is_empty() && OWN.contains(&name);
        if !injected && !sent.contains_key(name) {
            found.push((at(name), Fault::Missing));
        }
    }
    for (name, value) in sent {
        match known.get(name) {
            Some(schema) => self::value(schema, value, &at(name), depth - 1, found),
            None if ours(name) || open(schema) => {}
            None => found.push((at(name), Fault::Unknown { near: nearest(name, known.keys()) })),
        }
    }
}

/// Whether names that the schema does not list may be sent. One that lists none at all says nothing of names; one that lists
/// some takes others only where it says so, for an agent that invents names is what is looked for.
fn open(schema: &Value) -> bool {
    match schema.get("additionalProperties") {
        Some(Value::Bool(open)) => *open,
        Some(_) => true,
        None => {
            schema.get("properties").and_then(Value::as_object).is_none_or(Map::is_empty)
                || ["patternProperties", "anyOf", "oneOf", "allOf", "$ref"]
                    .iter()
                    .any(|k| schema.get(k).is_some())
        }
    }
}

fn value(schema: &Value, value: &Value, path: &str, depth: usize, found: &mut Vec<Finding>) {
    if ["anyOf", "oneOf", "allOf", "$ref", "not"].iter().any(|k| schema.get(k).is_some()) || depth == 0 {
        return;
    }
    let mut push = |fault| found.push((path.to_owned(), fault));
    let wanted: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    };
    if !wanted.is_empty() && !wanted.iter().any(|w| is(value, w)) {
        push(Fault::Type { wanted: wanted.join(" or "), got: type_of(value) });
        return;
    }
    if let Some(Value::Array(listed)) = schema.get("enum")
        && !listed.contains(value)
    {
        push(Fault::Enum);
        return;
    }
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let size = match value {
        Value::String(s) if !s.ends_with('…') => {
            Some((s.chars().count() as f64, bound("minLength"), bound("maxLength")))
        }
        Value::Array(items) => Some((items.len() as f64, bound("minItems"), bound("maxItems"))),
        Value::Number(n) => n.as_f64().map(|n| (n, bound("minimum"), bound("maximum"))),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => None,
    };
    if let Some((n, least, most)) = size
        && (least.is_some_and(|l| n < l) || most.is_some_and(|m| n > m))
    {
        push(Fault::Range);
    }
    match value {
        Value::Object(_) => object(schema, value, path, depth, found),
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items.iter().take(FINDINGS) {
                    self::value(schema, item, &format!("{path}[]"), depth - 1, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is(value: &Value, wanted: &str) -> bool {
    match wanted {
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        // What we do not know we let pass.
        "string" | "boolean" | "object" | "array" | "null" => type_of(value) == wanted,
        _ => true,
    }
}

/// The JSON type of a value, by JSON Schema's names.
pub(crate) const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The name most like this one, where one is like it at all.
pub fn nearest<'a, S: AsRef<str> + 'a>(name: &str, names: impl Iterator<Item = &'a S>) -> Option<String> {
    let plain = |s: &str| s.to_lowercase().replace(['-', '.', ' '], "_");
    let wanted = plain(name);
    let scored = names.map(|n| {
        let other = plain(n.as_ref());
        let inside =
            other.len() >= 3 && wanted.len() >= 3 && (other.contains(&wanted) || wanted.contains(&other));
        (if inside { 0.9 } else { strsim::jaro_winkler(&wanted, &other) }, n.as_ref())
    });
    scored.filter(|(score, _)| *score >= 0.82).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, n)| n.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn findings_by_case() {
        let schema = json!({
            "type": "object", "required": ["id", "context"],
            "properties": {
                "id": {"type": "integer", "minimum": 1},
                "status": {"type": "string", "enum": ["open", "done"]},
                "name": {"type": ["string", "null"], "maxLength": 3},
                "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
                "at": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
                "any": {"anyOf": [{"type": "string"}]},
            }
        });
        for (arguments, expect) in [
            (json!({"id": 1}), ""),
            (json!({"id": 1.0, "context": "why", "any": 7, "name": null}), ""),
            (Value::Null, "id: required, not sent"),
            (json!({"id": "1"}), "id: string sent, integer asked for"),
            (json!({"id": 0}), "id: out of range"),
            (json!({"id": 1, "state": "open"}), "state: not in the schema; the nearest is status"),
            (json!({"id": 1, "qqq": 1}), "qqq: not in the schema"),
            (json!({"id": 1, "status": "Open"}), "status: not one of the listed values"),
            (json!({"id": 1, "name": "long"}), "name: out of range"),
            (json!({"id": 1, "name": "cut off…"}), ""),
            (json!({"id": 1, "tags": ["a", 2]}), "tags[]: number sent, string asked for"),
            (json!({"id": 1, "tags": ["a", "b", "c"]}), "tags: out of range"),
            (json!({"id": 1, "at": {}}), "at.day: required, not sent"),
            (json!({"id": 1, "at": {"$truncated": 9}}), ""),
            (json!({"id": 2.5}), "id: number sent, integer asked for"),
        ] {
            let shown: Vec<String> =
                check(&schema, &arguments).iter().map(|(p, f)| format!("{p}: {f}")).collect();
            assert_eq!(shown.join(", "), expect, "{arguments}");
        }
    }

    #[test]
    fn open_schemas_take_any_name() {
        let sent = json!({"x": 1});
        for (schema, faults) in [
            (json!({"type": "object"}), 0),
            (json!({"properties": {}}), 0),
            (json!({"properties": {"a": {}}}), 1),
            (json!({"properties": {"a": {}}, "additionalProperties": true}), 0),
            (json!({"additionalProperties": false}), 1),
            (json!(null), 0),
        ] {
            assert_eq!(check(&schema, &sent).len(), faults, "{schema}");
        }
    }
}
