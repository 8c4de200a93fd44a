//! The operator's rules and hooks: what they see, what they cannot touch, and what their failure costs.

use super::*;
use serde_json::{Value, json};
use trackway_event::{ActorId, ErrorInfo, EventId, Peer, SessionId, Status, Timestamp};

fn event() -> Event {
    let at = Timestamp::from_millis(1_767_323_045_000);
    let mut event = Event::new(EventId::mint(at, [1; 16]), Kind::ToolCall, at);
    event.name = "tools/call".into();
    event.status = Some(Status::ToolError);
    event.tool = Some("search".into());
    event.session_id = SessionId::foreign("ses_one");
    event.arguments = payload_of(
        &json!({ "project_id": "proj_secret", "q": "boots", "card": { "number": 7, "name": "Ana" } }),
    );
    event.result = payload_of(
        &json!({ "content": [{ "type": "text", "text": "found boots" }, { "email": "a@b.example" }] }),
    );
    event.intent = Some("find boots".into());
    event.error = Some(Box::new(ErrorInfo { message: "no boots".into(), ..ErrorInfo::default() }));
    event.client = Some(Peer { name: "boots client".into(), version: None });
    event.tags.insert("team".into(), "boots".into());
    let traits = json!({ "likes": "boots" }).as_object().cloned().unwrap();
    event.actor = Some(Box::new(Actor { id: ActorId::parse("boots").unwrap().0, name: None, traits }));
    event
}

fn run(config: RedactionConfig) -> Option<Event> {
    Redaction::new(config).unwrap().apply(event())
}

fn value(payload: &Option<Payload>) -> Value {
    serde_json::from_str(payload.as_ref().unwrap().get()).unwrap()
}

#[test]
fn sdk_case_35_and_92_the_text_hook_sees_every_string_but_the_protected_ones() {
    let hook: TextHook = Arc::new(|text| Some(text.replace("boots", "X").replace("proj_secret", "X")));
    let out = run(RedactionConfig { text_hook: Some(hook), ..RedactionConfig::default() }).unwrap();
    assert_eq!(
        value(&out.arguments),
        json!({ "project_id": "X", "q": "X", "card": { "number": 7, "name": "Ana" } })
    );
    assert_eq!(value(&out.result)["content"][0]["text"], "found X");
    assert_eq!((out.intent.as_deref(), &*out.error.unwrap().message), (Some("find X"), "no X"));
    assert_eq!(out.tags.get("team").map(|t| &**t), Some("X"));
    let actor = out.actor.unwrap();
    assert_eq!((actor.id.as_str(), &actor.traits["likes"]), ("boots", &"X".into()), "the id is protected");
    assert_eq!(&*out.client.unwrap().name, "boots client");
    assert_eq!(out.session_id.unwrap().as_str(), "ses_one");
}

#[test]
fn sdk_case_34_a_panicking_hook_costs_the_payload_never_the_fact() {
    let text: TextHook = Arc::new(|_| std::panic::resume_unwind(Box::new("hook")));
    let event_hook: EventHook = Arc::new(|_| std::panic::resume_unwind(Box::new("hook")));
    for config in [
        RedactionConfig { text_hook: Some(text), ..RedactionConfig::default() },
        RedactionConfig { event_hook: Some(event_hook), ..RedactionConfig::default() },
    ] {
        let mut redaction = Redaction::new(config).unwrap();
        for _ in 0..20 {
            let out = redaction.apply(event()).unwrap();
            assert_eq!(out.tags.get("trackway_redaction").map(|t| &**t), Some("failed"));
            assert_eq!((out.tool.as_deref(), out.status), (Some("search"), Some(Status::ToolError)));
            let text = serde_json::to_string(&out)
                .unwrap()
                .replace("boots client", "")
                .replace(r#""id":"boots""#, "");
            assert!(!text.contains("boots") && out.arguments.is_none() && out.result.is_none(), "{text}");
        }
    }
}

#[test]
fn sdk_case_34_event_hooks_drop_and_edit_but_never_the_identity_of_the_event() {
    let drop_it: EventHook = Arc::new(|_| None);
    assert!(run(RedactionConfig { event_hook: Some(drop_it), ..RedactionConfig::default() }).is_none());
    let edit: EventHook = Arc::new(|mut event| {
        event.id = EventId::foreign("forged").unwrap();
        event.session_id = None;
        event.kind = Kind::Custom;
        event.name = "forged".into();
        event.started_at = Timestamp::ZERO;
        event.intent = Some("edited".into());
        // What it puts in is cleaned like everything else.
        event.arguments = payload_of(&json!({ "password": "CANARY" }));
        Some(event)
    });
    let out = run(RedactionConfig { event_hook: Some(edit), ..RedactionConfig::default() }).unwrap();
    let was = event();
    assert_eq!((out.id, out.session_id, out.kind, out.name), (was.id, was.session_id, was.kind, was.name));
    assert_eq!((out.started_at, out.intent.as_deref()), (was.started_at, Some("edited")));
    assert_eq!(value(&out.arguments), json!({ "password": "[redacted]" }));
}

#[test]
fn sdk_94_a_hanging_hook_is_left_behind_and_the_number_of_such_threads_is_bounded() {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let calls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = Arc::clone(&calls);
    let hook: TextHook = Arc::new(move |_| {
        seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let _ = held.lock().map(|h| h.recv());
        None
    });
    let config = RedactionConfig {
        text_hook: Some(hook),
        hook_deadline: Some(Duration::from_millis(20)),
        ..RedactionConfig::default()
    };
    let mut redaction = Redaction::new(config).unwrap();
    let begin = std::time::Instant::now();
    for _ in 0..50 {
        assert!(redaction.apply(event()).unwrap().tags.contains_key("trackway_redaction"));
    }
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(calls.load(std::sync::atomic::Ordering::SeqCst) <= 4, "no more threads than may hang");
    drop(hold);
}

#[test]
fn d23_the_event_hook_sees_no_credential_and_the_text_hook_no_binary() {
    let seen = Arc::new(std::sync::Mutex::new(String::new()));
    let (first, second) = (Arc::clone(&seen), Arc::clone(&seen));
    let event_hook: EventHook = Arc::new(move |event| {
        first.lock().unwrap().push_str(&serde_json::to_string(&event).unwrap());
        Some(event)
    });
    let text_hook: TextHook = Arc::new(move |text| {
        second.lock().unwrap().push_str(text);
        None
    });
    let mut given = event();
    given.arguments = payload_of(&json!({ "api_key": "CANARY", "u": "https://u:CANARY@h" }));
    given.result = payload_of(&json!({ "content": [{ "type": "image", "data": "IMAGE" }] }));
    let config = RedactionConfig { event_hook: Some(event_hook), ..RedactionConfig::default() };
    Redaction::new(config).unwrap().apply(given.clone()).unwrap();
    assert!(seen.lock().unwrap().contains("IMAGE"), "sanitising comes after the event hook");
    assert!(!seen.lock().unwrap().contains("CANARY"));
    seen.lock().unwrap().clear();
    let config = RedactionConfig { text_hook: Some(text_hook), ..RedactionConfig::default() };
    Redaction::new(config).unwrap().apply(given).unwrap();
    let seen = seen.lock().unwrap();
    assert!(!seen.contains("IMAGE") && !seen.contains("CANARY") && seen.contains("find boots"), "{seen}");
}

#[test]
fn rules_mask_by_name_and_by_path() {
    for (keys, paths, expect) in [
        (
            &["Card"] as &[&str],
            &[] as &[&str],
            json!({ "project_id": "proj_secret", "q": "boots", "card": "[redacted]" }),
        ),
        (
            &["project-ID"],
            &[],
            json!({ "project_id": "[redacted]", "q": "boots", "card": { "number": 7, "name": "Ana" } }),
        ),
        (
            &[],
            &["arguments.card.*"],
            json!({ "project_id": "proj_secret", "q": "boots", "card": { "number": "[redacted]", "name": "[redacted]" } }),
        ),
        (
            &[],
            &["**.name", "arguments.q"],
            json!({ "project_id": "proj_secret", "q": "[redacted]", "card": { "number": 7, "name": "[redacted]" } }),
        ),
        (&[], &["result.q"], value(&event().arguments)),
    ] {
        let own = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect();
        let out = run(RedactionConfig { keys: own(keys), paths: own(paths), ..RedactionConfig::default() })
            .unwrap();
        assert_eq!(value(&out.arguments), expect, "{keys:?} {paths:?}");
    }
    let out =
        run(RedactionConfig { paths: vec!["result.content.email".into()], ..RedactionConfig::default() })
            .unwrap();
    assert_eq!(value(&out.result)["content"][1]["email"], "[redacted]", "lists take no step");
    for (paths, patterns) in
        [(vec!["a..b"], vec![]), (vec!["**"], vec![]), (vec![], vec!["("]), (vec![], vec!["x*"])]
    {
        let own = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let config =
            RedactionConfig { paths: own(paths), patterns: own(patterns), ..RedactionConfig::default() };
        assert!(Redaction::new(config).is_err());
    }
}

#[test]
fn personal_data_is_masked_only_where_it_is_asked_for() {
    let text = "ana@shop.example +49 30 1234567 4111 1111 1111 1111, 078-05-1120 DE89 3704 0044 0532 0130 00 10.1.2.3";
    let none =
        "order 4111111111111112, sku 12345678901, v1.2.3, 2026-01-02, DE00 3704 0044 0532 0130 00 tail";
    let mask = |pii: &[Pii], text: &str| {
        let mut given = event();
        given.intent = Some(text.into());
        let config = RedactionConfig { pii: pii.to_vec(), ..RedactionConfig::default() };
        Redaction::new(config).unwrap().apply(given).unwrap().intent.unwrap().to_string()
    };
    assert_eq!(mask(&[], text), text);
    assert_eq!(mask(&[Pii::Email], text), text.replace("ana@shop.example", "[email]"));
    assert_eq!(mask(&[Pii::Card], text), text.replace("4111 1111 1111 1111", "[card]"));
    assert_eq!(mask(&[Pii::Ssn], text), text.replace("078-05-1120", "[ssn]"));
    assert_eq!(mask(&[Pii::Iban], text), text.replace("DE89 3704 0044 0532 0130 00", "[iban]"));
    assert_eq!(mask(&[Pii::Ip], text), text.replace("10.1.2.3", "[ip]"));
    assert!(mask(&[Pii::Phone], text).starts_with("ana@shop.example [phone] "));
    for pii in [Pii::Email, Pii::Card, Pii::Ssn, Pii::Iban, Pii::Ip] {
        assert_eq!(mask(&[pii], none), none, "{}", pii.as_str());
    }
    for pii in Pii::ALL {
        assert_eq!(Pii::parse(pii.as_str()), Some(*pii));
    }
}

#[test]
fn capture_levels_keep_all_the_shape_or_nothing() {
    let config =
        RedactionConfig { arguments: Level::Shape, results: Level::Off, ..RedactionConfig::default() };
    let out = run(config).unwrap();
    assert_eq!(
        value(&out.arguments),
        json!({ "project_id": "string(11)", "q": "string(5)", "card": { "number": "number", "name": "string(3)" } })
    );
    assert!(out.result.is_none());
}

proptest::proptest! {
    /// Whatever the text, masking ends, keeps JSON valid, and a second pass finds nothing new.
    #[test]
    fn masking_is_stable(text in "\\PC{0,120}", digits in "[0-9 .@+-]{0,60}") {
        let config = RedactionConfig { pii: Pii::ALL.to_vec(), keys: vec!["q".into()], ..RedactionConfig::default() };
        let mut redaction = Redaction::new(config).unwrap();
        let mut given = event();
        given.arguments = payload_of(&json!({ "a": text, "b": [digits, { "q": text }] }));
        let once = redaction.apply(given).unwrap();
        let twice = redaction.apply(once.clone()).unwrap();
        let texts = [once, twice].map(|e| e.arguments.unwrap().get().to_owned());
        proptest::prop_assert_eq!(&texts[0], &texts[1]);
    }
}
