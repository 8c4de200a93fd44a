//! What injection means (CAP §4.2, §8.2): for an eligible schema S, arguments are valid for S exactly when the same
//! arguments with `context` are valid for the injected S, and cutting `context` out again gives the arguments back to the byte. For
//! any other schema nothing changes. Shapes follow the keyword families of the JSON Schema test suite.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};
use trackway_capture::editor::{Editor, Verdict};
use trackway_capture::wire::inject::{Injection, Missing, Mode};

/// Schemas that get `context`: one a family of allowed keywords.
fn eligible() -> Vec<Value> {
    vec![
        json!({ "type": "object" }),
        json!({ "type": "object", "properties": {} }),
        json!({ "type": "object", "required": [] }),
        json!({ "type": "object", "additionalProperties": false }),
        json!({ "type": "object", "additionalProperties": true, "properties": { "a": true } }),
        json!({ "type": "object", "properties": { "a": false } }),
        json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] }),
        json!({ "type": "object", "properties": { "a": { "type": "integer", "minimum": 1 } }, "additionalProperties": false }),
        json!({ "type": "object", "properties": { "a": { "enum": [1, "x", null] }, "b": { "const": 2 } }, "required": ["a", "b"] }),
        json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/x" } }, "$defs": { "x": { "type": "string", "maxLength": 2 } } }),
        json!({ "type": "object", "properties": { "a": { "$ref": "#/definitions/x" } }, "definitions": { "x": { "type": "array", "items": { "type": "integer" } } } }),
        json!({ "type": "object", "properties": { "a": { "type": "integer" }, "b": { "$ref": "#/properties/a" } } }),
        json!({ "type": "object", "properties": { "a": { "anyOf": [{ "type": "string" }, { "type": "integer" }] } } }),
        json!({ "type": "object", "properties": { "a": { "oneOf": [{ "minimum": 2 }, { "type": "integer" }] } } }),
        json!({ "type": "object", "properties": { "a": { "not": { "type": "string" } } } }),
        json!({ "type": "object", "properties": { "a": { "if": { "type": "string" }, "then": { "minLength": 2 } } } }),
        json!({ "type": "object", "properties": { "a": { "type": "object", "properties": { "context": { "type": "integer" } }, "required": ["context"], "additionalProperties": false } } }),
        json!({ "type": "object", "properties": { "a": { "type": "object", "propertyNames": { "maxLength": 1 }, "maxProperties": 1 } } }),
        json!({ "type": "object", "properties": { "a": { "type": "object", "patternProperties": { "^b": { "type": "string" } }, "unevaluatedProperties": false } } }),
        json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "title": "t", "description": "d", "$comment": "c", "default": {}, "examples": [{}], "deprecated": false, "readOnly": false, "writeOnly": false, "x-own": { "y": [1] } }),
        json!({ "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] }),
        json!({ "$id": "https://example.test/s", "type": "object", "properties": { "a": { "$ref": "#/$defs/x" } }, "$defs": { "x": { "type": "integer" } } }),
        json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/node" } }, "$defs": { "node": { "type": "object", "properties": { "a": { "$ref": "#/$defs/node" } }, "additionalProperties": false } } }),
        json!({ "type": "object", "properties": { "a b": { "type": "string" }, "": { "type": "integer" }, "\u{e4}": {}, "a/b": { "$ref": "#/properties/a%20b" } } }),
    ]
}

/// Schemas that are left alone.
fn others() -> Vec<Value> {
    vec![
        json!(true),
        json!(null),
        json!([]),
        json!({}),
        json!({ "type": ["object"] }),
        json!({ "type": "string" }),
        json!({ "type": "object", "properties": [] }),
        json!({ "type": "object", "required": "a" }),
        json!({ "type": "object", "required": [1] }),
        json!({ "type": "object", "required": ["context"] }),
        json!({ "type": "object", "properties": { "context": {} } }),
        json!({ "type": "object", "additionalProperties": {} }),
        json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        json!({ "type": "object", "anyOf": [{ "required": ["a"] }] }),
        json!({ "type": "object", "oneOf": [{ "additionalProperties": false }] }),
        json!({ "type": "object", "allOf": [{ "maxProperties": 1 }] }),
        json!({ "type": "object", "not": { "required": ["context"] } }),
        json!({ "type": "object", "if": {}, "then": { "maxProperties": 1 } }),
        json!({ "type": "object", "propertyNames": { "maxLength": 2 } }),
        json!({ "type": "object", "minProperties": 1 }),
        json!({ "type": "object", "maxProperties": 1 }),
        json!({ "type": "object", "patternProperties": { "^c": { "type": "integer" } } }),
        json!({ "type": "object", "dependentRequired": { "a": ["b"] } }),
        json!({ "type": "object", "dependentSchemas": { "a": { "maxProperties": 1 } } }),
        json!({ "type": "object", "dependencies": { "a": ["b"] } }),
        json!({ "type": "object", "unevaluatedProperties": false }),
        json!({ "type": "object", "$ref": "#/$defs/x", "$defs": { "x": {} } }),
        json!({ "type": "object", "properties": { "a": { "$ref": "#" } } }),
        json!({ "type": "object", "properties": { "a": { "$ref": "#anchor" } } }),
        json!({ "type": "object", "properties": { "a": { "$ref": "https://example.test/s" } } }),
        json!({ "type": "object", "properties": { "a": { "items": { "$dynamicRef": "#x" } } } }),
        json!({ "type": "object", "$defs": { "x": { "$recursiveRef": "#" } } }),
        json!({ "type": "object", "enum": [{}] }),
        json!({ "type": "object", "const": {} }),
        json!({ "type": "object", "unknownKeyword": 1 }),
    ]
}

fn editor(mode: Mode) -> Editor {
    let editor = Editor::new(Injection::new(mode, "00000000".into(), None, Missing::Off));
    editor.from_client(br#"{"id":1,"method":"tools/list"}"#);
    editor
}

/// The schema as the client gets it; `None` when the listing passed unchanged.
fn injected(editor: &Editor, schema: &Value) -> Option<Value> {
    let listing =
        json!({ "id": 1, "result": { "tools": [{ "name": "t", "inputSchema": schema }] } }).to_string();
    match editor.from_server(listing.as_bytes()) {
        Verdict::Forward => None,
        Verdict::Replace(bytes) => {
            let mut value: Value = serde_json::from_slice(&bytes).unwrap();
            Some(value["result"]["tools"][0]["inputSchema"].take())
        }
        other => unreachable!("{other:?}"),
    }
}

/// The arguments as the server gets them.
fn stripped(editor: &Editor, arguments: &str) -> String {
    let call = |arguments: &str| {
        format!(r#"{{"id":2,"method":"tools/call","params":{{"name":"t","arguments":{arguments}}}}}"#)
    };
    let line = call(arguments);
    let bytes = match editor.from_client(line.as_bytes()) {
        Verdict::Forward => line.into_bytes(),
        Verdict::Replace(bytes) => bytes,
        other => unreachable!("{other:?}"),
    };
    let text = String::from_utf8(bytes).unwrap();
    let (head, tail) = (call("").find("}}").unwrap(), 2);
    text[head..text.len() - tail].to_owned()
}

/// The text of an object with `context` put in at a place among its members.
fn with_context(arguments: &Value, place: usize, intent: &str) -> String {
    let mut members: Vec<String> =
        arguments.as_object().unwrap().iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
    members.insert(place % (members.len() + 1), format!("\"context\":{}", json!(intent)));
    format!("{{{}}}", members.join(","))
}

fn check(schema: &Value, arguments: &Value, place: usize, intent: &str) {
    for mode in [Mode::Required, Mode::Optional] {
        let editor = editor(mode);
        let after = injected(&editor, schema).unwrap_or_else(|| unreachable!("{schema} is eligible"));
        let (before, after) =
            (jsonschema::validator_for(schema).unwrap(), jsonschema::validator_for(&after).unwrap());
        let sent = with_context(arguments, place, intent);
        let valid = before.is_valid(arguments);
        assert_eq!(valid, after.is_valid(&serde_json::from_str(&sent).unwrap()), "{schema} {sent}");
        // Without `context`: never valid where it is required, unchanged where it is not.
        let expect = valid && mode == Mode::Optional;
        assert_eq!(after.is_valid(arguments), expect, "{mode:?} {schema} {arguments}");
        assert_eq!(stripped(&editor, &sent), arguments.to_string(), "{sent}");
    }
}

#[test]
fn cases_01_to_08_of_every_family_keep_their_meaning_or_are_left_alone() {
    let instances = [
        json!({}),
        json!({ "a": 1 }),
        json!({ "a": "x" }),
        json!({ "a": "xyz" }),
        json!({ "a": null }),
        json!({ "a": [1, 2] }),
        json!({ "a": ["x"] }),
        json!({ "a": 1, "b": 2 }),
        json!({ "a": { "context": 1 } }),
        json!({ "a": { "context": "x" } }),
        json!({ "a": { "a": { "a": {} } } }),
        json!({ "a": { "bc": 1 } }),
        json!({ "a": { "b": "x" } }),
        json!({ "a b": 1, "": 1 }),
        json!({ "other": 1 }),
    ];
    for schema in eligible() {
        for (place, arguments) in instances.iter().enumerate() {
            check(&schema, arguments, place, "why");
        }
    }
    for schema in others() {
        assert_eq!(injected(&editor(Mode::Required), &schema), None, "{schema}");
        let editor = editor(Mode::Required);
        injected(&editor, &schema);
        assert_eq!(
            stripped(&editor, r#"{"context":"x"}"#),
            r#"{"context":"x"}"#,
            "{schema}: its own is not cut"
        );
    }
}

/// Any JSON of moderate size; names from a small pool, so that schemas and instances meet.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..10).prop_map(Value::from),
        "[a-c \\\\\"\u{e4}]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4).prop_map(|m| m.into_iter().collect()),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abc]".prop_map(String::from),
        Just("context".into()),
        Just("a b".into()),
        Just("\u{e4}\"".into())
    ]
}

/// A schema below the root: any keyword but references to the root.
fn subschema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!({ "type": "string" })),
        Just(json!({ "type": ["integer", "null"] })),
        Just(json!({ "minimum": 2 })),
        Just(json!({ "$ref": "#/$defs/x" })),
        Just(json!({ "enum": [1, "a", {}] })),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            (name(), inner.clone()).prop_map(
                |(n, s)| json!({ "type": "object", "properties": { n: s }, "additionalProperties": false })
            ),
            (name(), inner.clone())
                .prop_map(|(n, s)| json!({ "properties": { n.clone(): s }, "required": [n] })),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({ "anyOf": [a, b] })),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({ "allOf": [a, { "not": b }] })),
            inner.clone().prop_map(|s| json!({ "items": s, "maxItems": 2 })),
            inner.clone().prop_map(|s| json!({ "additionalProperties": s, "maxProperties": 2 })),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| json!({ "if": a, "then": b, "else": c })),
        ]
    })
}

fn root() -> impl Strategy<Value = Value> {
    let own = || name().prop_filter("eligible", |n| n != "context");
    let properties = prop::option::of(prop::collection::vec((own(), subschema()), 0..4));
    let required = prop::option::of(prop::collection::btree_set(own(), 0..3));
    let closed = prop::option::of(any::<bool>());
    (properties, required, closed, subschema()).prop_map(|(properties, required, closed, x)| {
        // The definition must not refer to itself: that would never end.
        let x = if x.to_string().contains("$ref") { json!({ "type": "integer" }) } else { x };
        let mut schema = json!({ "type": "object", "$defs": { "x": x } });
        if let Some(properties) = properties {
            schema["properties"] = properties.into_iter().collect();
        }
        if let Some(required) = required {
            schema["required"] = required.into_iter().collect();
        }
        if let Some(closed) = closed {
            schema["additionalProperties"] = closed.into();
        }
        schema
    })
}

fn arguments() -> impl Strategy<Value = Value> {
    let own = name().prop_filter("not ours", |n| n != "context");
    prop::collection::vec((own, any_json()), 0..4).prop_map(|m| m.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn arguments_are_valid_before_exactly_when_they_are_after(
        schema in root(),
        arguments in arguments(),
        place in 0usize..8,
        intent in "\\PC{0,20}",
    ) {
        check(&schema, &arguments, place, &intent);
    }

    /// Whatever stands where a schema should: either nothing changes, or what comes out is the same with `context` in it.
    #[test]
    fn any_json_as_a_schema_is_survived(schema in any_json(), root in name(), more in any_json()) {
        for schema in [schema.clone(), json!({ "type": "object", root: more, "properties": { "a": schema } })] {
            if let Some(after) = injected(&editor(Mode::Required), &schema) {
                let mut back = after.clone();
                let ours = back["properties"].as_object_mut().unwrap().remove("context");
                prop_assert!(ours.is_some_and(|c| c["type"] == "string"));
                back["required"].as_array_mut().unwrap().retain(|r| r != "context");
                for key in ["properties", "required"] {
                    if schema.get(key).is_none() && back[key].as_object().is_none_or(|o| o.is_empty()) && back[key].as_array().is_none_or(Vec::is_empty) {
                        back.as_object_mut().unwrap().remove(key);
                    }
                }
                prop_assert_eq!(back, schema);
            }
        }
    }
}
