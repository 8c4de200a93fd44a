//! Hostile bodies, conditions and cursors: every decoder that can be reached from outside, with real bodies damaged at random and
//! with a table of known tricks (F-158; issue "hostile input"). Bounded: some hundred cases a wire, bodies of at most 64 KiB but for the
//! bombs.
//!
//! What must hold: no answer is a mistake of ours (500), no request hangs, what was received has exactly one outcome (INV-02),
//! and the server still takes a good event afterwards.
#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::time::Duration;

use http::StatusCode;
use kit::{Kit, call, gzip};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use trackway_store::{Store, TokenScope};

/// Damaged bodies tried on one wire.
const CASES: u32 = 300;
/// No answer takes longer, but for what waits for a body that never ends.
const PATIENCE: Duration = Duration::from_secs(12);

/// A route, its headers, and sound bodies to damage.
type Wire = (&'static str, Vec<(&'static str, &'static str)>, Vec<String>);

fn wires() -> Vec<Wire> {
    let json = ("content-type", "application/json");
    let bodies = |file: &str| kit::fixture(file).iter().map(Value::to_string).collect::<Vec<_>>();
    let native = json!({"project": "proj_t", "sent_at": kit::NOW, "lost": {"queue": 3}, "events": [
        {"id": "e1", "kind": "tool_call", "started_at": kit::NOW, "tool": "search", "session_id": "s", "intent": "find",
         "arguments": {"q": "x", "n": [1, 2.5, null]}, "actor": {"id": "u", "traits": {"a": 1}}, "tags": {"k": "v"},
         "error": {"type": "E", "message": "m", "frames": [{"file": "a.rs", "line": 3}]}, "groups": {"org": "acme"}}]});
    let v0 = json!({"api_key": "proj_t", "batch": [{"event": "$mcp_tool_call", "distinct_id": "u", "uuid":
        "0190a1b2-0000-7000-8000-000000000001", "timestamp": kit::NOW, "properties": {"$mcp_tool_name": "search", "$set": {"a": 1}}}]});
    let v1 = json!({"created_at": kit::NOW, "batch": [{"event": "x", "uuid": "0190a1b2-0000-7000-8000-000000000002",
        "distinct_id": "u", "timestamp": kit::NOW, "properties": {}}]});
    vec![
        ("/v1/public/events/", vec![json], bodies("agentcat-ts-1.0.1-stdio.jsonl")),
        ("/v1/public/events/", vec![json, ("user-agent", "node")], bodies("agentcat-python-2.1.0.jsonl")),
        ("/api/v1/ingest", vec![json], vec![native.to_string()]),
        ("/batch/", vec![json], vec![v0.to_string()]),
        (
            "/e/?compression=base64",
            vec![("content-type", "application/x-www-form-urlencoded")],
            vec![v0.to_string()],
        ),
        ("/i/v1/analytics/events", vec![json, ("authorization", "Bearer proj_t")], vec![v1.to_string()]),
        ("/flags/", vec![json], vec![json!({"token": "proj_t", "distinct_id": "u"}).to_string()]),
        ("/v1/logs", vec![("content-type", "application/x-protobuf")], vec!["\u{a}\u{3}abc".into()]),
    ]
}

/// One way to damage a body.
#[derive(Clone, Debug)]
enum Damage {
    Cut(u16),
    Flip(u16, u8),
    Insert(u16, String),
    Repeat(u16, u16),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let odd = prop_oneof![
        Just("\\ud800".to_owned()),
        Just("\\u0000".to_owned()),
        Just("\u{0}".to_owned()),
        Just("1e999999".to_owned()),
        Just("-0.0".to_owned()),
        Just("9".repeat(400)),
        Just("[".repeat(70)),
        Just("{\"a\":".repeat(70)),
        Just("\",\"id\":\"x".to_owned()),
        Just("\"event_type\":1,".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("\u{202e}<script>".to_owned()),
        "[\\PC]{0,12}",
    ];
    let one = prop_oneof![
        any::<u16>().prop_map(Damage::Cut),
        (any::<u16>(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (any::<u16>(), odd).prop_map(|(at, text)| Damage::Insert(at, text)),
        (any::<u16>(), 1u16..200).prop_map(|(at, n)| Damage::Repeat(at, n)),
    ];
    proptest::collection::vec(one, 1..5)
}

fn damaged(body: &str, how: &[Damage]) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    for one in how {
        let len = bytes.len().max(1);
        match one {
            Damage::Cut(at) => bytes.truncate(usize::from(*at) % len),
            Damage::Flip(at, byte) => {
                if let Some(b) = bytes.get_mut(usize::from(*at) % len) {
                    *b ^= byte;
                }
            }
            Damage::Insert(at, text) => {
                let at = (usize::from(*at) % len).min(bytes.len());
                bytes.splice(at..at, text.bytes());
            }
            Damage::Repeat(at, n) => {
                let at = (usize::from(*at) % len).min(bytes.len());
                let part: Vec<u8> = bytes.iter().skip(at).take(usize::from(*n)).copied().collect();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes.truncate(64 * 1024);
    bytes
}

/// INV-02 as it stands, and a good event still comes in.
async fn still_sound(kit: &Kit) {
    let intake = kit.store.intake(None).unwrap();
    let dropped: u64 = intake.dropped.values().sum();
    assert_eq!(intake.received(), intake.stored + intake.duplicates + dropped);
    let before = kit.store.intake(Some(kit.p)).unwrap().stored;
    kit.ac(call(json!({"id": format!("evt_good_{before}")}))).await;
    assert_eq!(kit.store.intake(Some(kit.p)).unwrap().stored, before + 1);
}

#[test]
fn damaged_bodies_are_answered() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let kit = Kit::new();
    for (path, headers, bodies) in wires() {
        let mut runner =
            TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        let cases = (0..bodies.len(), damage(), any::<bool>());
        let result = runner.run(&cases, |(which, how, squeeze)| {
            let mut body = damaged(&bodies[which], &how);
            let mut headers = headers.clone();
            if squeeze {
                body = gzip(&body);
                headers.push(("content-encoding", "gzip"));
            }
            let answer = runtime
                .block_on(async { tokio::time::timeout(PATIENCE, kit.post_raw(path, &headers, body)).await });
            prop_assert!(answer.is_ok(), "no answer");
            let answer = answer.unwrap();
            prop_assert!(answer.status != StatusCode::INTERNAL_SERVER_ERROR, "{path}: {}", answer.text);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    runtime.block_on(still_sound(&kit));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_tricks_are_answered() {
    let kit = Kit::new();
    let zeros = vec![b' '; 80 * 1024 * 1024];
    let zstd = |data: &[u8]| zstd::bulk::compress(data, 1).unwrap();
    let two_members = [gzip(b"{\"project\": \"proj_t\","), gzip(b"\"events\": []}")].concat();
    let tricks: Vec<(&str, &str, Vec<u8>)> = vec![
        ("a gzip bomb", "gzip", gzip(&zeros)),
        ("a zstd bomb", "zstd", zstd(&zeros)),
        ("a bomb in a bomb", "gzip", gzip(&gzip(&zeros))),
        ("two gzip members", "gzip", two_members),
        ("gzip that ends early", "gzip", gzip(b"{\"project\": \"proj_t\"}")[..12].to_vec()),
        ("zstd that is none", "zstd", b"{}".to_vec()),
        ("nothing as gzip", "gzip", Vec::new()),
        ("an unknown encoding", "compress", b"{}".to_vec()),
        ("depth", "identity", "[".repeat(200_000).into_bytes()),
        ("depth of objects", "identity", "{\"a\":".repeat(100_000).into_bytes()),
        (
            "twice the same key",
            "identity",
            br#"{"project":"proj_t","project":"proj_x","events":[],"events":[{}]}"#.to_vec(),
        ),
        (
            "half a surrogate",
            "identity",
            br#"{"project":"proj_t","events":[{"id":"\ud800","kind":"custom"}]}"#.to_vec(),
        ),
        ("NUL", "identity", b"{\"project\":\"proj_t\\u0000\",\"events\":[]}".to_vec()),
        ("a huge number", "identity", format!("{{\"a\":1{}}}", "0".repeat(100_000)).into_bytes()),
        ("an exponent", "identity", br#"{"project":"proj_t","events":[{"started_at":1e400}]}"#.to_vec()),
        ("no UTF-8", "identity", vec![0xff, 0xfe, 0x7b, 0x7d]),
        ("many events", "identity", format!("[{}]", vec!["{}"; 5_000].join(",")).into_bytes()),
        ("a long key", "identity", format!("{{\"{}\":1}}", "k".repeat(300_000)).into_bytes()),
    ];
    for (path, headers, _) in wires() {
        for (what, encoding, body) in &tricks {
            let mut headers = headers.clone();
            headers.push(("content-encoding", encoding));
            let begun = std::time::Instant::now();
            let asked = tokio::time::timeout(PATIENCE, kit.post_raw(path, &headers, body.clone()));
            let answer = asked.await.unwrap_or_else(|_| panic!("{what} on {path}: no answer"));
            let said =
                format!("{what} on {path}: {} {} after {:?}", answer.status, answer.text, begun.elapsed());
            assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{said}");
            if matches!(*what, "a gzip bomb" | "a zstd bomb") && path == "/api/v1/ingest" {
                assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{said}");
            }
        }
    }
    still_sound(&kit).await;
}

#[test]
fn conditions_and_cursors_are_answered() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let kit = Kit::new();
    let token = format!("Bearer {}", kit.token(TokenScope::Read, Some(kit.p)));
    let lists = ["events", "sessions", "tools", "issues", "people", "overview", "clients"];
    let word = prop_oneof![
        "[a-z_.:\\\\]{0,20}",
        "(tool|status|duration|tag\\.x|person|intent):(eq|in|has|gt|set)(:[\\PC]{0,10})?",
        "[A-Za-z0-9_-]{0,40}",
        "\\PC{0,20}",
    ];
    let cases = (0..lists.len(), word.clone(), word.clone(), word);
    let mut runner = TestRunner::new(Config { cases: 600, failure_persistence: None, ..Config::default() });
    let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let result = runner.run(&cases, |(list, condition, cursor, other)| {
        let path = format!(
            "/api/v1/projects/proj_t/{}?f={}&after={}&q={}&from={}&sort={}&n=7",
            lists[list],
            encode(&condition),
            encode(&cursor),
            encode(&other),
            encode(&other),
            encode(&cursor)
        );
        let headers = [("authorization", token.as_str())];
        let answer =
            runtime.block_on(async { tokio::time::timeout(PATIENCE, kit.get(&path, &headers)).await });
        prop_assert!(answer.is_ok(), "no answer");
        let answer = answer.unwrap();
        prop_assert!(
            matches!(answer.status.as_u16(), 200 | 400),
            "{path}: {} {}",
            answer.status,
            answer.text
        );
        if answer.status == StatusCode::BAD_REQUEST {
            let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
            prop_assert!(matches!(code.as_str(), "bad_request" | "bad_filter" | "bad_cursor"), "{code}");
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
