//! The numbered cases of capture (CAP §9) that the wire layer decides, as tables.

use super::eligible::{Reason, tool};
use super::inject::{Injection, Missing, Mode};
use super::strip::strip;
use super::*;
use proptest::prelude::*;

fn injection(mode: Mode) -> Injection {
    Injection::new(mode, "0badcafe".into(), Some("why"), Missing::Off)
}

/// The listing with one tool of this schema, after injection.
fn injected(tool: &str, mode: Mode) -> String {
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tool}]}}}}"#);
    let message = messages(line.as_bytes()).unwrap().remove(0);
    let (_, edits) = injection(mode).list(line.as_bytes(), &message.result.unwrap(), Missing::Off).unwrap();
    let out = String::from_utf8(apply(line.as_bytes(), &edits)).unwrap();
    let head = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":["#;
    out.strip_prefix(head).unwrap().strip_suffix("]}}").unwrap().to_owned()
}

const MARK: &str = r#""_meta":{"trackway/intent":{"v":1,"arg":"context","p":"0badcafe"}}"#;
const PROP: &str = r#""context":{"type":"string","description":"why"}"#;

#[test]
fn case_01_02_07_injection_appends_and_moves_nothing() {
    for (schema, expect) in [
        (
            r#"{ "type":"object", "properties" : {"b":{"type":"number"} , "a":{}} , "required":["b"], "x-y":1 }"#,
            format!(
                r#"{{ "type":"object", "properties" : {{"b":{{"type":"number"}} , "a":{{}},{PROP}}} , "required":["b","context"], "x-y":1 }}"#
            ),
        ),
        (
            r#"{"type":"object"}"#,
            format!(r#"{{"type":"object","properties":{{{PROP}}},"required":["context"]}}"#),
        ),
        (
            r#"{"type":"object","additionalProperties":false}"#,
            format!(
                r#"{{"type":"object","additionalProperties":false,"properties":{{{PROP}}},"required":["context"]}}"#
            ),
        ),
        (
            r#"{"type":"object","properties":{ },"required":[ ]}"#,
            format!(r#"{{"type":"object","properties":{{{PROP} }},"required":["context" ]}}"#),
        ),
    ] {
        let tool = format!(r#"{{"name":"t","inputSchema":{schema},"ttlMs":5}}"#);
        let expect = format!(r#"{{"name":"t","inputSchema":{expect},"ttlMs":5,{MARK}}}"#);
        assert_eq!(injected(&tool, Mode::Required), expect);
        assert_eq!(injected(&tool, Mode::Required), injected(&tool, Mode::Required), "case 13");
        assert_eq!(injected(&tool, Mode::Off), tool);
        assert_eq!(injected(&tool, Mode::ObserveOnly), tool);
    }
    let optional =
        injected(r#"{"name":"t","_meta":{"k":1},"inputSchema":{"type":"object"}}"#, Mode::Optional);
    let mark = MARK.strip_prefix(r#""_meta":{"#).unwrap();
    assert_eq!(
        optional,
        format!(
            r#"{{"name":"t","_meta":{{"k":1,{mark},"inputSchema":{{"type":"object","properties":{{{PROP}}}}}}}"#
        )
    );
}

#[test]
fn case_03_to_08_other_shapes_are_left_alone_with_the_reason() {
    let keyword = |k: &str| Reason::Keyword(k.to_owned());
    for (schema, reason) in [
        (r#"{"type":"object","properties":{"context":{}}}"#, Reason::Collision),
        (r#"{"type":"object","properties":{"cont\u0065xt":{}}}"#, Reason::Collision),
        (r#"{"type":"object","required":["context"]}"#, Reason::Collision),
        (r#"{"type":"object","anyOf":[]}"#, keyword("anyOf")),
        (r#"{"type":"object","oneOf":[]}"#, keyword("oneOf")),
        (r#"{"type":"object","allOf":[]}"#, keyword("allOf")),
        (r#"{"type":"object","if":{}}"#, keyword("if")),
        (r#"{"type":"object","not":{}}"#, keyword("not")),
        (r##"{"type":"object","$ref":"#/$defs/a"}"##, keyword("$ref")),
        (r#"{"type":"object","propertyNames":{}}"#, keyword("propertyNames")),
        (r#"{"type":"object","maxProperties":3}"#, keyword("maxProperties")),
        (r#"{"type":"object","patternProperties":{}}"#, keyword("patternProperties")),
        (r#"{"type":"object","dependentRequired":{}}"#, keyword("dependentRequired")),
        (r#"{"type":"object","unevaluatedProperties":false}"#, keyword("unevaluatedProperties")),
        (r#"{"type":"object","additionalProperties":{"type":"string"}}"#, Reason::OpenMap),
        (r##"{"type":"object","properties":{"n":{"$ref":"#"}}}"##, Reason::RootRef),
        (r##"{"type":"object","properties":{"n":{"$dynamicRef":"#x"}}}"##, Reason::RootRef),
        (r##"{"type":"object","properties":{"n":{"\u0024ref":"#"}}}"##, Reason::RootRef),
        (r#"{"type":"object","required":"x"}"#, Reason::Malformed),
        (r#"{"type":"object","properties":[]}"#, Reason::Malformed),
        (r#"{"type":"array"}"#, Reason::Malformed),
        (r#"{"properties":{}}"#, Reason::Malformed),
        (r#"{"type":"object","type":"object"}"#, Reason::Malformed),
        ("true", Reason::Malformed),
        ("null", Reason::Malformed),
    ] {
        let text = format!(r#"{{"name":"t","inputSchema":{schema}}}"#);
        let got = tool(text.as_bytes(), 0..text.len()).unwrap().schema.map(|_| ()).unwrap_err();
        assert_eq!(got, reason, "{schema}");
        assert_eq!(injected(&text, Mode::Required), text);
    }
    for (text, reason) in [
        (r#"{"name":"t"}"#, Reason::Malformed),
        (r#"{"name":"t","_meta":7,"inputSchema":{"type":"object"}}"#, Reason::Malformed),
        (
            r#"{"name":"t","_meta":{"trackway/intent":{}},"inputSchema":{"type":"object"}}"#,
            Reason::ForeignMarker,
        ),
    ] {
        assert_eq!(
            tool(text.as_bytes(), 0..text.len()).unwrap().schema.map(|_| ()).unwrap_err(),
            reason,
            "{text}"
        );
    }
    let inner = r##"{"name":"t","inputSchema":{"type":"object","$defs":{"a":{}},"properties":{"n":{"$ref":"#/$defs/a"}}}}"##;
    assert!(tool(inner.as_bytes(), 0..inner.len()).unwrap().schema.is_ok());
}

#[test]
fn case_14_to_19_the_argument_is_cut_and_the_rest_stays_to_the_byte() {
    for (arguments, expect, intent) in [
        (r#"{"context":"why","a":1}"#, r#"{"a":1}"#, Some(r#""why""#)),
        (r#"{"a":1,"context":"why"}"#, r#"{"a":1}"#, Some(r#""why""#)),
        (r#"{ "a" : 1 , "context" : "why" , "b" : 2 }"#, r#"{ "a" : 1 , "b" : 2 }"#, Some(r#""why""#)),
        (r#"{"context":"why"}"#, "{}", Some(r#""why""#)),
        (r#"{ "context":null }"#, "{}", Some("null")),
        (r#"{"context":1,"x":2,"context":{"y":[1]}}"#, r#"{"x":2}"#, Some(r#"{"y":[1]}"#)),
        (r#"{"context":1,"context":"two"}"#, "{}", Some(r#""two""#)),
        (r#"{"\u0063ontext":"why","a":1}"#, r#"{"a":1}"#, Some(r#""why""#)),
        (r#"{"filter":{"context":"mine"}}"#, r#"{"filter":{"context":"mine"}}"#, None),
        (
            r#"{"n":123456789012345678901234567890,"n":1E400,"e":"\u00e9\/","context":"w"}"#,
            r#"{"n":123456789012345678901234567890,"n":1E400,"e":"\u00e9\/"}"#,
            Some(r#""w""#),
        ),
        ("null", "null", None),
        ("[1]", "[1]", None),
        ("{}", "{}", None),
    ] {
        let bytes = arguments.as_bytes();
        let found = strip(bytes, &(0..bytes.len()));
        assert_eq!(String::from_utf8(apply(bytes, &found.edits)).unwrap(), expect, "{arguments}");
        assert_eq!(found.value.map(|v| &arguments[v]), intent, "{arguments}");
    }
}

#[test]
fn case_27_ids_compare_by_type_and_value() {
    use super::id::RequestId;
    let id = |t: &str| RequestId::parse(t.as_bytes());
    assert_eq!(id("1"), id("1.0"));
    assert_eq!(id("1"), id("1e0"));
    assert_ne!(id("1"), id("\"1\""));
    assert_ne!(id("12345678901234567890"), id("12345678901234567891"));
    assert_eq!(id("null"), None);
    assert_eq!(id(&format!("\"{}\"", "x".repeat(5_000))), id(&format!("\"{}\"", "x".repeat(5_000))));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map("[a-z\"\\\\ é]{0,6}", inner, 0..4)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn strip_undoes_what_an_agent_adds(
        members in proptest::collection::btree_map("[a-z]{1,5}", json(), 0..5), at in 0usize..6, intent in "\\PC{0,20}"
    ) {
        let mut members: Vec<(String, String)> =
            members.into_iter().filter(|(k, _)| k != "context").map(|(k, v)| (k, v.to_string())).collect();
        let print = |m: &[(String, String)]| {
            let parts: Vec<String> = m.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
            format!("{{{}}}", parts.join(","))
        };
        let before = print(&members);
        members.insert(at.min(members.len()), ("context".into(), serde_json::json!(intent).to_string()));
        let with = print(&members);
        let found = strip(with.as_bytes(), &(0..with.len()));
        prop_assert_eq!(String::from_utf8(apply(with.as_bytes(), &found.edits)).unwrap(), before);
        prop_assert_eq!(text(with.as_bytes(), &found.value.unwrap()), Some(intent));
    }

    #[test]
    fn arbitrary_bytes_never_break_the_scanner(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = messages(&bytes);
        let _ = tool(&bytes, 0..bytes.len());
        let _ = strip(&bytes, &(0..bytes.len()));
    }

    #[test]
    fn cut_json_never_breaks_the_scanner(value in json(), cut in 0usize..200) {
        let text = value.to_string();
        let bytes = &text.as_bytes()[..cut.min(text.len())];
        let _ = messages(bytes);
        let whole = text.as_bytes();
        prop_assert_eq!(super::scan::end_of_value(whole, 0), Some(whole.len()));
    }

    #[test]
    fn injection_keeps_a_listing_valid_json(description in "\\PC{0,30}", props in proptest::collection::btree_map("[a-z]{1,4}", json(), 0..4)) {
        let tool = serde_json::json!({"name": "t", "inputSchema": {"type": "object", "properties": props}});
        let line = serde_json::json!({"id": 1, "result": {"tools": [tool]}}).to_string();
        let message = messages(line.as_bytes()).unwrap().remove(0);
        let injection = Injection::new(Mode::Required, "0".into(), Some(&description), Missing::On);
        let (_, edits) = injection.list(line.as_bytes(), &message.result.unwrap(), Missing::On).unwrap();
        let out: serde_json::Value = serde_json::from_slice(&apply(line.as_bytes(), &edits)).unwrap();
        prop_assert_eq!(out["result"]["tools"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn case_09_properties_that_headers_mirror_stay_and_none_is_added() {
    let tool = r#"{"name":"t","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}"#;
    let out = injected(tool, Mode::Required);
    assert!(out.contains(r#""region":{"type":"string","x-mcp-header":"Region"},"context":{"type":"string","description":"why"}"#), "{out}");
    assert_eq!(out.matches("x-mcp-header").count(), 1);
}
