//! Masks, notes and cuts, case by case.

use super::*;

fn payload(payload: Payload, cap: usize, depth: usize, cut: &mut bool) -> Option<Payload> {
    masked(payload, depth, Stage::Sanitise, cut).and_then(|p| fitted(p, cap, cut))
}

fn cleaned(text: &str) -> String {
    let mut cut = false;
    payload(RawValue::from_string(text.to_owned()).unwrap(), 64 * 1024, 60, &mut cut)
        .unwrap()
        .get()
        .to_owned()
}

#[test]
fn masks_credentials_and_leaves_the_rest_to_the_byte() {
    for (text, expect) in [
        (
            r#"{"a":123456789012345678901234567890,"a":1e400}"#,
            r#"{"a":123456789012345678901234567890,"a":1e400}"#,
        ),
        (
            r#"{"password":"x","n":{"api_key":"y","max_tokens":5}}"#,
            r#"{"password":"[redacted]","n":{"api_key":"[redacted]","max_tokens":5}}"#,
        ),
        (r#"["Authorization: Bearer abcdefgh123 ok"]"#, r#"["Authorization: Bearer [redacted] ok"]"#),
        (
            r#"{"u":"see https://bob:pw@h.example/p?token=t&x=1"}"#,
            r#"{"u":"see https://[redacted]@h.example/p?token=[redacted]&x=1"}"#,
        ),
        (r#"{"type":"image","data":"AAAA"}"#, r#"{"$omitted":"image","bytes":30}"#),
        (r#"{"token":7}"#, r#"{"token":7}"#),
        (
            r#"{"passwords":["a"],"password":["a",1,{"b":2}]}"#,
            r#"{"passwords":["a"],"password":["[redacted]",1,"[redacted]"]}"#,
        ),
        (r#"{"u":"https:\/\/bob:pw@h\/p"}"#, r#"{"u":"https://[redacted]@h/p"}"#),
        (
            r#"["BEARER AbCdEfGh1234", "a bearer certificate"]"#,
            r#"["BEARER [redacted]", "a bearer certificate"]"#,
        ),
        (
            r#"["https://a/?x=1,https://u:p@b/#access_token=t&y"]"#,
            r#"["https://a/?x=1,https://[redacted]@b/#access_token=[redacted]&y"]"#,
        ),
        (
            r#"[{"type":"text","text":"{\"password\":\"x\",\"n\":1.50}"}]"#,
            r#"[{"type":"text","text":"{\"password\":\"[redacted]\",\"n\":1.50}"}]"#,
        ),
        (r#"["postgres://app:s3cret@db/x"]"#, r#"["postgres://[redacted]@db/x"]"#),
    ] {
        assert_eq!(cleaned(text), expect);
    }
}

#[test]
fn long_payloads_are_cut_and_noted() {
    let mut cut = false;
    let long = format!("{{\"n\":12345678901234567890,\"t\":\"{}\"}}", "ä ".repeat(60_000));
    let short = payload(RawValue::from_string(long).unwrap(), 64 * 1024, 60, &mut cut).unwrap();
    assert!(
        cut && short.get().len() < 64 * 1024
            && short.get().len() > 16 * 1024
            && short.get().contains("12345678901234567890")
            && short.get().contains('…')
    );
    let many = format!("[{}1]", "1,".repeat(60_000));
    let mut cut = false;
    assert_eq!(
        payload(RawValue::from_string(many).unwrap(), 64 * 1024, 60, &mut cut).unwrap().get(),
        r#"{"$truncated":120003}"#
    );
}

#[test]
fn deep_containers_are_cut_where_the_depth_ends() {
    let mut cut = false;
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    let out = payload(RawValue::from_string(deep).unwrap(), 64 * 1024, ARGUMENTS_DEPTH, &mut cut).unwrap();
    assert!(cut && trackway_event::json::depth(out.get().as_bytes(), 99) < limits::BODY_DEPTH - 2);
    assert!(out.get().contains(r#"{"$truncated":21}"#), "{}", out.get());
}

#[test]
fn an_event_is_within_its_cap_and_keeps_its_facts() {
    let at = trackway_event::Timestamp::from_millis(1_767_323_045_000);
    let mut event = Event::new(trackway_event::EventId::mint(at, [1; 16]), Kind::ToolCall, at);
    let big = |n: usize| payload_of(&vec!["a b"; n / 6]);
    (event.arguments, event.result) = (big(60_000), big(63_000));
    (event.request_meta, event.transport, event.properties) = (big(31_000), big(31_000), big(31_000));
    event.tool = Some("search".into());
    clean(&mut event);
    let size = serde_json::to_vec(&event).unwrap().len();
    assert!(size <= limits::RECORDED_EVENT_BYTES && event.flags.truncated, "{size}");
    assert_eq!(event.result.unwrap().get(), r#"{"$truncated":63001}"#);
    assert_eq!(event.tool.as_deref(), Some("search"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_taken(text in "\\PC{0,80}", scheme in "(https://|Bearer |[{]\"token\":\"|)") {
        let raw = payload_of(&format!("{scheme}{text}")).unwrap();
        proptest::prop_assert!(payload(raw, 64 * 1024, 10, &mut false).is_some());
        let _ = url(&format!("{scheme}{text}"));
    }
}

#[test]
fn sdk_case_31_base64_from_10240_characters_on_is_noted() {
    for (length, kept) in [(10_239, true), (10_240, false)] {
        let out = cleaned(&format!("[\"{}\"]", "A".repeat(length)));
        assert_eq!(out.contains("AAAA"), kept, "{length}");
    }
}

#[test]
fn sdk_case_32_texts_are_cut_on_a_character() {
    let at = trackway_event::Timestamp::from_millis(1_767_323_045_000);
    let mut event = Event::new(trackway_event::EventId::mint(at, [1; 16]), Kind::ToolCall, at);
    event.intent = Some("ä日".repeat(4_096).into());
    clean(&mut event);
    let intent = event.intent.unwrap();
    assert_eq!((intent.chars().count(), intent.chars().last()), (limits::INTENT_CHARS, Some('…')));
}

fn event() -> Event {
    let at = trackway_event::Timestamp::from_millis(1_767_323_045_000);
    Event::new(trackway_event::EventId::mint(at, [1; 16]), Kind::ToolCall, at)
}

#[test]
fn sdk_case_30_a_big_image_is_a_note_with_its_size() {
    let mut event = event();
    let image = "A".repeat(5 * 1024 * 1024);
    event.result = payload_of(
        &serde_json::json!({ "content": [{ "type": "image", "mimeType": "image/png", "data": image }, { "type": "text", "text": "kept" }] }),
    );
    clean(&mut event);
    let text = event.result.unwrap();
    assert!(text.get().len() < 200 && text.get().contains(r#""$omitted":"image""#), "{}", text.get());
    assert!(text.get().contains("5242") && text.get().contains("kept"), "{}", text.get());
}

#[test]
fn sdk_case_33_a_thousand_levels_are_cut() {
    for (levels, deepest) in [(100, ARGUMENTS_DEPTH + 1), (500, ARGUMENTS_DEPTH + 1), (1_000, 1)] {
        let mut event = event();
        let deep = format!(r#"{}{{"password":"CANARY"}}{}"#, "{\"a\":".repeat(levels), "}".repeat(levels));
        event.arguments = Some(RawValue::from_string(deep.clone()).unwrap());
        event.result = Some(RawValue::from_string(format!("[{deep}]")).unwrap());
        clean(&mut event);
        assert!(event.flags.truncated);
        for payload in [&event.arguments, &event.result] {
            let text = payload.as_ref().unwrap().get();
            assert!(!text.contains("CANARY") && text.contains("$truncated"), "{text}");
        }
        let arguments = event.arguments.unwrap();
        assert_eq!(trackway_event::json::depth(arguments.get().as_bytes(), 2_000), deepest, "{levels}");
    }
    // A list of secrets too deep to look into goes as a whole.
    let deep = format!(r#"{{"token":{}"CANARY"{}}}"#, "[".repeat(600), "]".repeat(600));
    assert!(!cleaned(&deep).contains("CANARY"));
}

#[test]
fn sdk_case_37_tags_keep_their_rules() {
    let mut event = event();
    for n in 0..60 {
        event.tags.insert(format!("k{n:02}").into(), "v".into());
    }
    event.tags.insert("bad/key".into(), "v".into());
    event.tags.insert("line".into(), "a\nb".into());
    event.tags.insert("long".into(), "v".repeat(201).into());
    event.tags.insert("site".into(), "https://u:CANARY@h".into());
    clean(&mut event);
    assert_eq!(event.tags.len(), 50);
    assert!(["bad/key", "line", "long"].iter().all(|key| !event.tags.contains_key(*key)));
    assert!(!serde_json::to_string(&event).unwrap().contains("CANARY"));
}

#[test]
fn sdk_case_48_a_chain_of_causes_is_ten_long_and_holds_no_credential() {
    let mut event = event();
    let cause = |n: usize| trackway_event::event::Cause {
        message: format!("cause {n}: Bearer CANARYabcdef{n}").into(),
        ..trackway_event::event::Cause::default()
    };
    event.error = Some(Box::new(trackway_event::ErrorInfo {
        message: "outer".into(),
        stack: Some("at https://u:CANARY@h/x.js".into()),
        chain: (0..12).map(cause).collect(),
        ..trackway_event::ErrorInfo::default()
    }));
    clean(&mut event);
    let error = event.error.unwrap();
    assert_eq!((error.chain.len(), &*error.chain[9].message), (10, "cause 9: Bearer [redacted]"));
    assert!(!serde_json::to_string(&error).unwrap().contains("CANARY"));
}
