//! What changed from one listing to the next, graded (F-116): *breaking* makes calls fail that worked, *risky* may change what
//! agents do, *harmless* does neither. The rule table is the `match`es of this file.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Tool;
use super::rename::renames;

/// Nesting of schemas that is compared member by member; below, any change is risky.
const DEPTH: usize = 6;

/// How bad a change is for those who call today. Ordered: the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing an agent does today stops working or changes.
    Harmless,
    /// What agents do may change.
    Risky,
    /// Calls that worked will fail.
    Breaking,
}

impl Grade {
    /// The word shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Harmless => "harmless",
            Self::Risky => "risky",
            Self::Breaking => "breaking",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// How bad.
    pub grade: Grade,
    /// Tool.
    pub tool: String,
    /// Place inside the tool's arguments, such as `filter.day`; empty for the tool itself.
    pub path: String,
    /// What happened, in words.
    pub what: String,
}

/// Every change from `old` to `new`, the worst first, then by tool.
pub fn diff(old: &[Tool], new: &[Tool]) -> Vec<Change> {
    let by_name = |tools: &[Tool]| -> BTreeMap<String, Tool> {
        tools.iter().map(|t| (t.name.clone(), t.clone())).collect()
    };
    let renamed = renames(old, new);
    let (old, new) = (by_name(old), by_name(new));
    let mut changes = Vec::new();
    for (name, tool) in &old {
        match new.get(name) {
            None => {
                // Agents that remember the old name still fail.
                let moved = renamed.iter().find(|r| r.from == *name);
                let what = moved.map_or("removed".to_owned(), |r| format!("renamed to {}", r.to));
                push(&mut changes, Grade::Breaking, name, "", what);
            }
            Some(now) => compare(tool, now, &mut changes),
        }
    }
    for name in new.keys().filter(|n| !old.contains_key(*n)) {
        let moved = renamed.iter().find(|r| r.to == *name);
        let what = moved.map_or("added".to_owned(), |r| format!("the new name of {}", r.from));
        push(&mut changes, Grade::Harmless, name, "", what);
        // Beside its name, what changed: for the agents that follow the new one.
        if let Some((before, now)) = moved.and_then(|r| old.get(&r.from)).zip(new.get(name)) {
            let before = Tool { name: name.clone(), ..before.clone() };
            compare(&before, now, &mut changes);
        }
    }
    changes.sort_by(|a, b| {
        b.grade.cmp(&a.grade).then_with(|| (&a.tool, &a.path, &a.what).cmp(&(&b.tool, &b.path, &b.what)))
    });
    changes
}

fn push(changes: &mut Vec<Change>, grade: Grade, tool: &str, path: &str, what: String) {
    changes.push(Change { grade, tool: tool.to_owned(), path: path.to_owned(), what });
}

fn compare(old: &Tool, new: &Tool, changes: &mut Vec<Change>) {
    let tool = &old.name;
    if old.description != new.description {
        push(changes, Grade::Harmless, tool, "", "description changed".to_owned());
    }
    for (hint, before, now) in members(&old.annotations, &new.annotations) {
        let grade = if hint == "title" { Grade::Harmless } else { Grade::Risky };
        if before != now {
            push(changes, grade, tool, "", format!("hint {hint} {}", from_to(before, now)));
        }
    }
    match (&old.output, &new.output) {
        (Some(_), None) => push(changes, Grade::Risky, tool, "", "output schema removed".to_owned()),
        (None, Some(_)) => push(changes, Grade::Harmless, tool, "", "output schema added".to_owned()),
        (Some(a), Some(b)) if a != b => {
            push(changes, Grade::Risky, tool, "", "output schema changed".to_owned())
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    object(tool, "", &old.input, &new.input, DEPTH, changes);
}

fn object(tool: &str, path: &str, old: &Value, new: &Value, depth: usize, changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    if depth == 0 {
        return push(changes, Grade::Risky, tool, path, "schema changed".to_owned());
    }
    let count = changes.len();
    let none = Value::Null;
    let (before, now) = (old.get("properties").unwrap_or(&none), new.get("properties").unwrap_or(&none));
    let closed = |schema: &Value| schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (name, a, b) in members(before, now) {
        let at = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let (was, is) = (required(old, name), required(new, name));
        match (a, b) {
            (None, Some(_)) if is => {
                push(changes, Grade::Breaking, tool, &at, "added as required".to_owned())
            }
            (None, Some(_)) => push(changes, Grade::Harmless, tool, &at, "added, optional".to_owned()),
            (Some(_), None) if closed(new) => {
                push(
                    changes,
                    Grade::Breaking,
                    tool,
                    &at,
                    "removed, and no other argument is taken".to_owned(),
                );
            }
            (Some(_), None) => push(changes, Grade::Risky, tool, &at, "removed".to_owned()),
            (Some(a), Some(b)) => {
                match (was, is) {
                    (false, true) => push(changes, Grade::Breaking, tool, &at, "now required".to_owned()),
                    (true, false) => {
                        push(changes, Grade::Harmless, tool, &at, "no longer required".to_owned())
                    }
                    (true, true) | (false, false) => {}
                }
                value(tool, &at, a, b, depth, changes);
            }
            (None, None) => {}
        }
    }
    match (closed(old), closed(new)) {
        (false, true) => {
            push(changes, Grade::Breaking, tool, path, "takes no other arguments any more".to_owned())
        }
        (true, false) => push(changes, Grade::Harmless, tool, path, "takes other arguments now".to_owned()),
        (true, true) | (false, false) => {}
    }
    let parts = ["anyOf", "oneOf", "allOf", "$ref", "patternProperties", "not", "if"];
    if parts.iter().any(|k| old.get(k) != new.get(k)) {
        push(changes, Grade::Risky, tool, path, "conditions of the schema changed".to_owned());
    }
    let words = ["description", "title", "examples", "$schema", "$defs", "definitions"];
    if changes.len() == count && path.is_empty() {
        let only_words = stripped(old, &words) == stripped(new, &words);
        let (grade, what) = if only_words {
            (Grade::Harmless, "words of the schema changed")
        } else {
            (Grade::Risky, "schema changed")
        };
        push(changes, grade, tool, path, what.to_owned());
    }
}

fn value(tool: &str, path: &str, old: &Value, new: &Value, depth: usize, changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    let mut push = |grade, what: String| push(changes, grade, tool, path, what);
    if old.get("description") != new.get("description") || old.get("title") != new.get("title") {
        push(Grade::Harmless, "description changed".to_owned());
    }
    let (a, b) = (types(old), types(new));
    if a != b {
        // No type means any.
        let wider = b.is_empty() || (!a.is_empty() && a.iter().all(|t| takes(&b, t)));
        let show = |t: &[String]| if t.is_empty() { "anything".to_owned() } else { t.join(" or ") };
        push(if wider { Grade::Harmless } else { Grade::Breaking }, format!("{} → {}", show(&a), show(&b)));
    }
    match (old.get("enum").and_then(Value::as_array), new.get("enum").and_then(Value::as_array)) {
        (Some(a), Some(b)) => {
            let shown = |gone: Vec<&Value>| gone.iter().map(|v| v.to_string()).collect::<Vec<_>>().join(", ");
            let gone: Vec<&Value> = a.iter().filter(|v| !b.contains(v)).collect();
            let come: Vec<&Value> = b.iter().filter(|v| !a.contains(v)).collect();
            if !gone.is_empty() {
                push(Grade::Breaking, format!("no longer takes {}", shown(gone)));
            }
            if !come.is_empty() {
                push(Grade::Harmless, format!("also takes {}", shown(come)));
            }
        }
        (None, Some(_)) => push(Grade::Breaking, "takes only listed values now".to_owned()),
        (Some(_), None) => push(Grade::Harmless, "takes any value now".to_owned()),
        (None, None) => {}
    }
    for (key, lower) in [
        ("minimum", true),
        ("minLength", true),
        ("minItems", true),
        ("maximum", false),
        ("maxLength", false),
        ("maxItems", false),
    ] {
        let (a, b) = (old.get(key).and_then(Value::as_f64), new.get(key).and_then(Value::as_f64));
        let tighter = match (a, b) {
            (a, b) if a == b => continue,
            (None, Some(_)) => true,
            (Some(a), Some(b)) => (b > a) == lower,
            (Some(_), None) | (None, None) => false,
        };
        let grade = if tighter { Grade::Breaking } else { Grade::Harmless };
        push(grade, format!("{key} {}", from_to(old.get(key), new.get(key))));
    }
    for key in ["pattern", "format", "default", "const", "multipleOf"] {
        if old.get(key) != new.get(key) {
            push(Grade::Risky, format!("{key} {}", from_to(old.get(key), new.get(key))));
        }
    }
    let none = Value::Null;
    if old.get("items") != new.get("items") {
        let at = format!("{path}[]");
        value(
            tool,
            &at,
            old.get("items").unwrap_or(&none),
            new.get("items").unwrap_or(&none),
            depth - 1,
            changes,
        );
    }
    if old.get("properties").is_some() || new.get("properties").is_some() {
        object(tool, path, old, new, depth - 1, changes);
    }
}

/// Members of either object, in the order of their names.
fn members<'a>(old: &'a Value, new: &'a Value) -> Vec<(&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let mut all: BTreeMap<&str, (Option<&Value>, Option<&Value>)> = BTreeMap::new();
    for (name, value) in old.as_object().into_iter().flatten() {
        all.entry(name).or_default().0 = Some(value);
    }
    for (name, value) in new.as_object().into_iter().flatten() {
        all.entry(name).or_default().1 = Some(value);
    }
    all.into_iter().map(|(name, (a, b))| (name, a, b)).collect()
}

fn required(schema: &Value, name: &str) -> bool {
    schema
        .get("required")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().any(|r| r.as_str() == Some(name)))
}

fn types(schema: &Value) -> Vec<String> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => {
            let mut all: Vec<String> = many.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            all.sort();
            all
        }
        Some(_) | None => Vec::new(),
    }
}

/// Every integer is a number.
fn takes(types: &[String], one: &str) -> bool {
    types.iter().any(|t| t == one || (t == "number" && one == "integer"))
}

fn stripped(value: &Value, keys: &[&str]) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(k, _)| !keys.contains(&k.as_str()))
            .map(|(k, v)| (k.clone(), stripped(v, keys)))
            .collect(),
        Value::Array(items) => items.iter().map(|v| stripped(v, keys)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn from_to(old: Option<&Value>, new: Option<&Value>) -> String {
    let show = |v: Option<&Value>| v.map_or("none".to_owned(), |v| v.to_string().chars().take(60).collect());
    format!("{} → {}", show(old), show(new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tools;

    fn one(input: &str) -> Vec<Tool> {
        tools(&format!(r#"[{{"name":"t","inputSchema":{input}}}]"#))
    }

    #[test]
    fn grades_by_case() {
        for (old, new, expect) in [
            (r#"{}"#, r#"{}"#, ""),
            (r#"{"properties":{}}"#, r#"{"properties":{"a":{}}}"#, "harmless a added, optional"),
            (
                r#"{"properties":{}}"#,
                r#"{"properties":{"a":{}},"required":["a"]}"#,
                "breaking a added as required",
            ),
            (
                r#"{"properties":{"a":{}}}"#,
                r#"{"properties":{"a":{}},"required":["a"]}"#,
                "breaking a now required",
            ),
            (
                r#"{"properties":{"a":{}},"required":["a"]}"#,
                r#"{"properties":{"a":{}}}"#,
                "harmless a no longer required",
            ),
            (r#"{"properties":{"a":{}}}"#, r#"{"properties":{}}"#, "risky a removed"),
            (
                r#"{"properties":{"a":{}},"additionalProperties":false}"#,
                r#"{"properties":{},"additionalProperties":false}"#,
                "breaking a removed, and no other argument is taken",
            ),
            (
                r#"{"properties":{"a":{"type":"string"}}}"#,
                r#"{"properties":{"a":{"type":"integer"}}}"#,
                "breaking a string → integer",
            ),
            (
                r#"{"properties":{"a":{"type":"integer"}}}"#,
                r#"{"properties":{"a":{"type":"number"}}}"#,
                "harmless a integer → number",
            ),
            (
                r#"{"properties":{"a":{"type":"string"}}}"#,
                r#"{"properties":{"a":{"type":["null","string"]}}}"#,
                "harmless a string → null or string",
            ),
            (
                r#"{"properties":{"a":{}}}"#,
                r#"{"properties":{"a":{"type":"string"}}}"#,
                "breaking a anything → string",
            ),
            (
                r#"{"properties":{"a":{"enum":[1,2]}}}"#,
                r#"{"properties":{"a":{"enum":[2,3]}}}"#,
                "breaking a no longer takes 1, harmless a also takes 3",
            ),
            (
                r#"{"properties":{"a":{"maximum":5}}}"#,
                r#"{"properties":{"a":{"maximum":4}}}"#,
                "breaking a maximum 5 → 4",
            ),
            (
                r#"{"properties":{"a":{"minLength":5}}}"#,
                r#"{"properties":{"a":{}}}"#,
                "harmless a minLength 5 → none",
            ),
            (
                r#"{"properties":{"a":{"default":1}}}"#,
                r#"{"properties":{"a":{"default":2}}}"#,
                "risky a default 1 → 2",
            ),
            (
                r#"{"properties":{"a":{"items":{"type":"string"}}}}"#,
                r#"{"properties":{"a":{"items":{"type":"boolean"}}}}"#,
                "breaking a[] string → boolean",
            ),
            (
                r#"{"properties":{"a":{"properties":{"b":{}}}}}"#,
                r#"{"properties":{"a":{"properties":{"b":{}},"required":["b"]}}}"#,
                "breaking a.b now required",
            ),
            (r#"{}"#, r#"{"additionalProperties":false}"#, "breaking  takes no other arguments any more"),
            (r#"{}"#, r#"{"title":"T"}"#, "harmless  words of the schema changed"),
        ] {
            let shown: Vec<String> = diff(&one(old), &one(new))
                .iter()
                .map(|c| format!("{} {} {}", c.grade.as_str(), c.path, c.what))
                .collect();
            assert_eq!(shown.join(", "), expect, "{old} {new}");
        }
    }

    #[test]
    fn tools_come_go_and_move() {
        let old = tools(
            r#"[{"name":"a","description":"x"},{"name":"b"},{"name":"c","annotations":{"readOnlyHint":true}}]"#,
        );
        let new = tools(
            r#"[{"name":"a2","description":"x"},{"name":"c","description":"new","annotations":{"readOnlyHint":false}},{"name":"d"}]"#,
        );
        let shown: Vec<String> =
            diff(&old, &new).iter().map(|c| format!("{} {} {}", c.grade.as_str(), c.tool, c.what)).collect();
        assert_eq!(
            shown,
            [
                "breaking a renamed to a2",
                "breaking b removed",
                "risky c hint readOnlyHint true → false",
                "harmless a2 the new name of a",
                "harmless c description changed",
                "harmless d added",
            ]
        );
    }
}
