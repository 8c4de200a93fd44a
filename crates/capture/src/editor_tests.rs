//! The numbered cases of capture (CAP §9) that need the state of a connection: what a line becomes after what came before.

use super::*;
use proptest::prelude::*;

fn editor(mode: Mode, more: Missing) -> Editor {
    Editor::new(Injection::new(mode, "0badcafe".into(), Some("why"), more))
}

fn list(editor: &Editor, tools: &str) -> String {
    list_page(editor, tools, "")
}

fn list_page(editor: &Editor, tools: &str, tail: &str) -> String {
    assert_eq!(editor.from_client(br#"{"id":1,"method":"tools/list"}"#), Verdict::Forward);
    let line = format!(r#"{{"id":1,"result":{{"tools":[{tools}]{tail}}}}}"#);
    match editor.from_server(line.as_bytes()) {
        Verdict::Forward => line,
        Verdict::Replace(with) => String::from_utf8(with).unwrap(),
        Verdict::Answer { .. } => unreachable!("nothing answers the server"),
    }
}

fn call(editor: &Editor, name: &str, arguments: &str) -> String {
    let line =
        format!(r#"{{"id":9,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments}}}}}"#);
    let out = match editor.from_client(line.as_bytes()) {
        Verdict::Forward => line.clone(),
        Verdict::Replace(with) => String::from_utf8(with).unwrap(),
        Verdict::Answer { .. } => return "answered".to_owned(),
    };
    let head = format!(r#"{{"id":9,"method":"tools/call","params":{{"name":"{name}","arguments":"#);
    out.strip_prefix(&head).unwrap().strip_suffix("}}").unwrap().to_owned()
}

const PLAIN: &str = r#"{"name":"plain","inputSchema":{"type":"object"}}"#;
const OWN: &str = r#"{"name":"own","inputSchema":{"type":"object","properties":{"context":{}}}}"#;
const REAL_MORE: &str = r#"{"name":"get_more_tools","inputSchema":{"type":"object"}}"#;

#[test]
fn case_10_each_page_is_injected_on_its_own() {
    let editor = editor(Mode::Required, Missing::On);
    let tail = r#","nextCursor":"c2","ttlMs":5,"cacheScope":"public""#;
    let first = list_page(&editor, PLAIN, tail);
    assert!(first.contains("trackway/intent") && first.ends_with(&format!("]{tail}}}}}")), "{first}");
    assert!(!first.contains(MORE_TOOLS), "only the last page offers it");
    let last = list(&editor, OWN);
    assert!(last.contains(MORE_TOOLS) && !last.contains("trackway/intent"), "{last}");
    assert_eq!(
        (call(&editor, "plain", r#"{"context":"w"}"#), call(&editor, "own", r#"{"context":"w"}"#)),
        ("{}".into(), r#"{"context":"w"}"#.into())
    );
}

#[test]
fn case_11_other_answers_to_a_listing_pass_untouched() {
    for answer in [
        r#"{"id":1,"error":{"code":-32603,"message":"no"}}"#,
        r#"{"id":1,"result":{"resultType":"input_required","requestState":"s"}}"#,
        r#"{"id":1,"result":{"tools":7}}"#,
        r#"{"id":1,"result":null}"#,
    ] {
        let editor = editor(Mode::Required, Missing::On);
        assert_eq!(editor.from_client(br#"{"id":1,"method":"tools/list"}"#), Verdict::Forward);
        assert_eq!(editor.from_server(answer.as_bytes()), Verdict::Forward, "{answer}");
    }
}

#[test]
fn case_12_a_tool_that_gains_its_own_context_is_let_go() {
    let editor = editor(Mode::Required, Missing::Off);
    list(&editor, PLAIN);
    assert_eq!(call(&editor, "plain", r#"{"context":"w"}"#), "{}");
    let owned = PLAIN.replace(r#""type":"object""#, r#""type":"object","properties":{"context":{}}"#);
    assert_eq!(list(&editor, &owned), format!(r#"{{"id":1,"result":{{"tools":[{owned}]}}}}"#));
    assert_eq!(call(&editor, "plain", r#"{"context":"w"}"#), r#"{"context":"w"}"#);
}

#[test]
fn case_14_off_still_strips_and_observing_does_not() {
    for (mode, expect) in [(Mode::Off, "{}"), (Mode::ObserveOnly, r#"{"context":"w"}"#)] {
        let editor = editor(mode, Missing::Off);
        assert_eq!(list(&editor, PLAIN), format!(r#"{{"id":1,"result":{{"tools":[{PLAIN}]}}}}"#));
        assert_eq!(call(&editor, "plain", r#"{"context":"w"}"#), expect);
    }
}

#[test]
fn case_17_20_21_24_what_is_not_ours_passes_unchanged() {
    let fresh = editor(Mode::Required, Missing::Off);
    let whole = r#"{"id":9,"method":"tools/call","params":{"name":"plain","arguments":{"context":"w"}}}"#;
    assert_eq!(fresh.from_client(whole.as_bytes()), Verdict::Forward, "a call before any list");
    let editor = editor(Mode::Required, Missing::Off);
    list(&editor, &format!(r#"{PLAIN},{{"name":"context","inputSchema":{{"type":"object"}}}}"#));
    for line in [
        r#"{"id":9,"method":"tools/call","params":{"name":"plain"}}"#,
        r#"{"id":9,"method":"tools/call","params":{"name":"unknown","arguments":{"context":"w"}}}"#,
        r#"{"id":9,"method":"tools/call","params":{"name":"context","arguments":{"a":1}}}"#,
        r#"{"id":9,"method":"completion/complete","params":{"context":{"arguments":{}},"x":"tools/"}}"#,
        r#"{"id":9,"method":"prompts/get","params":{"name":"tools/x","arguments":{"context":"w"}}}"#,
        r#"{"id":9,"method":"resources/read","params":{"uri":"tools/","context":"w"}}"#,
        r#"{"id":9,"result":{"action":"accept","content":{"context":"tools/"}}}"#,
    ] {
        assert_eq!(editor.from_client(line.as_bytes()), Verdict::Forward, "{line}");
    }
}

#[test]
fn case_22_50_only_the_argument_goes() {
    let editor = editor(Mode::Required, Missing::Off);
    list(&editor, PLAIN);
    let line = r#"{"id":9,"params":{"_meta":{"progressToken":7,"vendor":{"context":1}},"arguments":{"context":"w","n":1e400},"inputResponses":{"a":{"context":2}},"name":"plain","requestState":"s"},"method":"tools\/call"}"#;
    let expect = line.replace(r#""context":"w","#, "");
    assert_eq!(editor.from_client(line.as_bytes()), Verdict::Replace(expect.into_bytes()));
}

#[test]
fn case_25_every_element_of_a_batch_is_edited() {
    let editor = editor(Mode::Required, Missing::On);
    list(&editor, PLAIN);
    let a = r#"{"id":1,"method":"tools/call","params":{"name":"plain","arguments":{"context":"a","x":1}}}"#;
    let b =
        r#"{"id":"m","method":"tools/call","params":{"name":"get_more_tools","arguments":{"context":"b"}}}"#;
    let c = r#"{"id":3,"method":"ping"}"#;
    let without = a.replace(r#""context":"a","#, "");
    assert_eq!(
        editor.from_client(format!("[{a}, {c}]").as_bytes()),
        Verdict::Replace(format!("[{without}, {c}]").into_bytes())
    );
    let Verdict::Answer { answer, forward } = editor.from_client(format!("[{a},{b},{c}]").as_bytes()) else {
        unreachable!("the call of our own tool is answered")
    };
    assert_eq!(String::from_utf8(forward.unwrap()).unwrap(), format!("[{without},{c}]"));
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((&answer[0]["id"], answer.as_array().unwrap().len()), (&"m".into(), 1));
    let Verdict::Answer { forward, .. } = editor.from_client(format!("[{b}]").as_bytes()) else {
        unreachable!("the call of our own tool is answered")
    };
    assert_eq!(forward, None);
}

#[test]
fn a_real_tool_of_the_reporting_name_wins_on_any_page() {
    let on = editor(Mode::Required, Missing::On);
    list_page(&on, REAL_MORE, r#","nextCursor":"c""#);
    assert_eq!(list(&on, OWN), format!(r#"{{"id":1,"result":{{"tools":[{OWN}]}}}}"#));
    assert_eq!(call(&on, MORE_TOOLS, r#"{"a":1}"#), r#"{"a":1}"#);
    let off = editor(Mode::Required, Missing::Off);
    assert_eq!(call(&off, MORE_TOOLS, r#"{"a":1}"#), r#"{"a":1}"#, "off: answered by the server");
    assert_eq!(call(&editor(Mode::Required, Missing::On), MORE_TOOLS, "{}"), "answered");
}

#[test]
fn the_answer_has_the_form_of_its_revision() {
    let on = editor(Mode::Required, Missing::On);
    for (meta, kind) in
        [("{}", None), (r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#, Some("complete"))]
    {
        let line = format!(
            r#"{{"id":1.0,"method":"tools/call","params":{{"name":"get_more_tools","_meta":{meta}}}}}"#
        );
        let Verdict::Answer { answer, .. } = on.from_client(line.as_bytes()) else {
            unreachable!("answered")
        };
        assert!(answer.starts_with(br#"{"jsonrpc":"2.0","id":1.0,"#) && answer.ends_with(b"}\n"));
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["result"]["resultType"].as_str(), kind);
    }
}

proptest! {
    #[test]
    fn inv07_lines_that_are_no_listing_and_no_call_pass_to_the_byte(line in proptest::collection::vec(any::<u8>(), 0..120), text in "\\PC{0,60}") {
        let editor = editor(Mode::Required, Missing::On);
        list(&editor, PLAIN);
        prop_assert_eq!(editor.from_client(&line), Verdict::Forward);
        prop_assert_eq!(editor.from_server(&line), Verdict::Forward);
        let line = serde_json::json!({ "id": 4, "method": "tools/other", "params": { "arguments": { "context": text } } }).to_string();
        prop_assert_eq!(editor.from_client(line.as_bytes()), Verdict::Forward);
        prop_assert_eq!(editor.from_server(line.as_bytes()), Verdict::Forward);
    }
}
