//! `wrap` around real children: what the client sees, how it ends, and that nothing of Trackway's can change either
//! (CAP §6.1, §9; INV-07, INV-08).
#![cfg(unix)]

mod support;

use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::{PATIENCE, Wrapped, endpoint, is_alive, wait_for};

const NOWHERE: &[&str] = &["--endpoint", "http://127.0.0.1:1"];
const SERVER: &[&str] = &[env!("CARGO_BIN_EXE_wrap-harness"), "server"];
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

#[test]
fn exit_codes_are_the_childs() {
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        assert_eq!(Wrapped::start(NOWHERE, &["sh", "-c", script]).finish().0, Some(code), "{script}");
    }
    let (code, errors) = Wrapped::start(NOWHERE, &["no-such-program-anywhere"]).finish();
    assert_eq!(code, Some(127));
    assert!(errors.contains("no-such-program-anywhere"), "{errors}");
}

#[test]
fn case_33_signals_reach_the_child_and_its_code_comes_back() {
    for (signal, name, code) in
        [(Signal::TERM, "TERM", 41), (Signal::INT, "INT", 42), (Signal::HUP, "HUP", 43)]
    {
        let script = format!("trap 'exit {code}' {name}; echo ready; while :; do sleep 0.05; done");
        let mut wrapped = Wrapped::start(NOWHERE, &["sh", "-c", &script]);
        assert_eq!(wrapped.line(), "ready\n");
        wrapped.signal(signal);
        assert_eq!(wrapped.wait().code(), Some(code), "{name}");
    }
}

#[test]
fn case_32_a_child_that_ignores_everything_is_ended() {
    let script = "trap '' TERM; echo $$; while :; do sleep 0.1; done";
    let mut wrapped = Wrapped::start(NOWHERE, &["sh", "-c", script]);
    let pid = wrapped.line().trim().to_owned();
    let begin = Instant::now();
    drop(wrapped.stdin.take());
    assert_eq!(wrapped.wait().code(), Some(137));
    assert!(begin.elapsed() >= Duration::from_secs(9), "EOF, grace, TERM, grace, KILL");
    assert!(!is_alive(&pid));
}

#[test]
#[cfg(target_os = "linux")]
fn case_33_a_killed_wrapper_leaves_no_child() {
    let mut wrapped = Wrapped::start(NOWHERE, &["sh", "-c", "echo $$; while :; do sleep 0.05; done"]);
    let pid = wrapped.line().trim().to_owned();
    assert!(is_alive(&pid));
    wrapped.signal(Signal::KILL);
    wrapped.wait();
    wait_for(|| (!is_alive(&pid)).then_some(()));
}

#[test]
fn inv07_all_other_bytes_pass_unchanged() {
    let mut input = Vec::new();
    for line in [
        b"not JSON at all\n".as_slice(),
        b"\n\r\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"context\":1e400}}\r\n",
        b"{\"a\":\"\xff\xfe\"}\n",
        b"\xef\xbb\xbf{\"id\":2}\n",
        b"[{\"id\":3,\"method\":\"ping\"},{\"id\":4.0,\"result\":{\"tools\":[]}}]\n",
        b"{\"id\":\"tools/call\",\"method\":\"tools/call\"}\n",
        b"{\"half\":",
        b"\n\0\0\n",
    ] {
        input.extend_from_slice(line);
    }
    input.extend_from_slice(&[b'x'; 17 * 1024 * 1024]);
    input.extend_from_slice(b"\n{\"id\":5,\"method\":\"ping\"}\nlast without newline");
    let mut wrapped = Wrapped::start(NOWHERE, &["cat"]);
    let mut stdin = wrapped.stdin.take().unwrap();
    let sent = input.clone();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &sent).unwrap());
    let mut output = Vec::new();
    while output.len() < input.len() {
        output.extend(wrapped.lines.recv_timeout(PATIENCE).expect("more output"));
    }
    writer.join().unwrap();
    assert!(output == input, "byte for byte");
    assert_eq!(wrapped.finish().0, Some(0));
}

#[test]
fn case_01_02_15_calls_reach_the_server_without_their_intent() {
    let mut wrapped = Wrapped::start(&["--print", "--report-missing", "--identify-arg", "user"], SERVER);
    wrapped.ask(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"cursor","version":"1"}}}"#);
    let list = wrapped.ask(LIST);
    let tools = list["result"]["tools"].as_array().unwrap();
    assert_eq!(tools[0]["inputSchema"]["required"][0], "context");
    assert_eq!(tools[1]["inputSchema"].get("required"), None);
    assert_eq!(tools[2]["name"], "get_more_tools");
    let call = |id: u32, tool: &str, arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
        )
    };
    let seen =
        |answer: &serde_json::Value| answer["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    let plain = wrapped.ask(&call(2, "plain", r#"{"user":7,"context":"to see"}"#));
    assert_eq!(seen(&plain), call(2, "plain", r#"{"user":7}"#));
    let own = wrapped.ask(&call(3, "own", r#"{"context":"mine"}"#));
    assert_eq!(seen(&own), call(3, "own", r#"{"context":"mine"}"#));
    let more = wrapped.ask(&call(4, "get_more_tools", r#"{"context":"print labels"}"#));
    assert!(seen(&more).starts_with("Thank you."), "{more}");
    let (code, errors) = wrapped.finish();
    assert_eq!(code, Some(0));
    let events: Vec<serde_json::Value> =
        errors.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let find =
        |kind: &str| events.iter().find(|e| e["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {errors}"));
    assert_eq!(find("identify")["actor"]["id"], "7");
    assert_eq!(
        (&find("tool_call")["intent"], &find("tool_call")["actor"]["id"]),
        (&"to see".into(), &"7".into())
    );
    assert_eq!(find("missing_capability")["intent"], "print labels");
    assert_eq!(find("tools_list")["client"]["name"], "cursor");
}

#[test]
fn case_48_no_endpoint_can_harm_a_session() {
    for (name, url) in [
        ("refusing", "http://127.0.0.1:1".to_owned()),
        ("hanging", endpoint("")),
        ("broken", endpoint("HTTP/1.1 500 Broken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")),
        ("garbage", endpoint("\0\0garbage")),
        ("no URL of anything", "http://[::::]/".to_owned()),
    ] {
        let spool = tempfile::tempdir().unwrap();
        let flags = ["--endpoint", &url, "--spool", spool.path().to_str().unwrap()];
        let mut wrapped = Wrapped::start(&flags, SERVER);
        for _ in 0..20 {
            assert_eq!(wrapped.ask(LIST)["result"]["tools"].as_array().unwrap().len(), 2, "{name}");
        }
        let begin = Instant::now();
        drop(wrapped.stdin.take());
        wrapped.end_of_output();
        let saw_end = begin.elapsed();
        assert_eq!(wrapped.wait().code(), Some(0), "{name}");
        assert!(begin.elapsed() < Duration::from_secs(6), "{name}: {:?}", begin.elapsed());
        assert!(
            saw_end < Duration::from_millis(1_500),
            "{name}: the client sees the end at once: {saw_end:?}"
        );
        let kept = std::fs::read_dir(spool.path()).unwrap().flatten();
        let kept = kept.filter(|f| f.path().extension().is_some_and(|e| e == "batch")).count();
        assert!(kept > 0, "{name}: the events wait on disk");
    }
}

#[test]
fn case_31_what_a_child_wrote_last_arrives_whole() {
    let script = "i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; exit 3";
    let mut wrapped = Wrapped::start(NOWHERE, &["sh", "-c", script]);
    let mut lines = 0;
    while let Ok(line) = wrapped.lines.recv_timeout(PATIENCE) {
        assert_eq!(line, b"0123456789\n");
        lines += 1;
    }
    assert_eq!((lines, wrapped.wait().code()), (20_000, Some(3)));
}

#[test]
fn a_child_that_stops_reading_goes_on_living() {
    let script = "exec 0<&-; echo closed; sleep 1; echo still here; exit 5";
    let mut wrapped = Wrapped::start(NOWHERE, &["sh", "-c", script]);
    assert_eq!(wrapped.line(), "closed\n");
    for _ in 0..3 {
        wrapped.say(LIST);
    }
    assert_eq!(wrapped.line(), "still here\n");
    assert_eq!(wrapped.wait().code(), Some(5));
}

#[test]
fn the_environment_passes_with_one_addition() {
    let wrapped = Wrapped::start(NOWHERE, &["sh", "-c", "echo \"$TRACKWAY_WRAPPED $PATH\""]);
    let line = wrapped.line();
    let (marker, path) = line.trim_end().split_once(' ').unwrap();
    assert!(marker.len() == 8 && marker.bytes().all(|b| b.is_ascii_hexdigit()), "{marker}");
    assert_eq!(path, std::env::var("PATH").unwrap());
}

#[test]
fn exports_are_masked_and_a_dead_receiver_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("events.jsonl");
    let export = format!("file={}", file.display());
    let spool = dir.path().join("spool").display().to_string();
    let flags = [
        NOWHERE,
        &[
            "--spool",
            &spool,
            "--export",
            &export,
            "--export",
            "otlp=http://127.0.0.1:1",
            "--export",
            "stdout",
        ],
        &["--mask", "email", "--mask-key", "pin", "--mask-path", "arguments.card.number"],
    ]
    .concat();
    let begin = Instant::now();
    let mut wrapped = Wrapped::start(&flags, SERVER);
    wrapped.ask(LIST);
    let answer = wrapped.ask(
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"search","arguments":{"q":"mail ana@shop.example","PIN":"CANARY","card":{"number":"CANARY"}}}}"#,
    );
    assert_eq!(answer["id"], 2, "stdout is the protocol's");
    let (code, errors) = wrapped.finish();
    assert_eq!(code, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    let text = std::fs::read_to_string(file).unwrap();
    for written in [&text, &errors] {
        assert!(written.contains("mail [email]") && written.contains(r#""kind":"tool_call""#), "{written}");
        assert!(!written.contains("ana@shop.example"), "{written}");
    }
    // The server of this test answers with the line it got: that is a text, and only texts are searched for addresses.
    let call = text.lines().find(|l| l.contains(r#""kind":"tool_call""#)).unwrap();
    let call: serde_json::Value = serde_json::from_str(call).unwrap();
    assert_eq!(
        (&call["arguments"]["PIN"], &call["arguments"]["card"]["number"]),
        (&"[redacted]".into(), &"[redacted]".into())
    );
    let (code, errors) = Wrapped::start(&["--export", "otlp=nowhere"], SERVER).finish();
    assert_eq!(code, Some(2));
    assert!(errors.contains("--export otlp"), "{errors}");
}

const OPENING: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

fn call_of(id: u32, tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"context":"why"}}}}}}"#
    )
}

fn came(answer: &serde_json::Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[test]
fn case_04_a_call_before_any_listing_is_known_by_a_listing_of_our_own() {
    let mut wrapped = Wrapped::start(NOWHERE, SERVER);
    let early = call_of(1, "plain");
    assert_eq!(came(&wrapped.ask(&early)), early, "nothing is asked before the handshake is complete");
    wrapped.ask(OPENING);
    wrapped.say(INITIALIZED);
    let answer = wrapped.ask(&call_of(2, "plain"));
    assert_eq!(answer["id"], 2, "the listing's own answer is not the client's: {answer}");
    assert!(!came(&answer).contains("context"), "{answer}");
    for (id, tool) in [(3, "own"), (4, "nowhere"), (5, "nowhere")] {
        let call = call_of(id, tool);
        assert_eq!(came(&wrapped.ask(&call)), call, "{tool} owns its argument, or is not known");
    }
    assert_eq!(wrapped.finish().0, Some(0));
    // A revision without a handshake is asked with the call's own metadata.
    let mut wrapped = Wrapped::start(NOWHERE, SERVER);
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
    let modern = call_of(6, "plain").replace(r#""name""#, &format!(r#"{meta},"name""#));
    assert!(!came(&wrapped.ask(&modern)).contains("why"));
}

#[test]
fn case_04_a_server_that_lists_too_slowly_gets_the_call_as_it_is_and_its_late_answer_stays_here() {
    // Answers the call at once, and the listing only after it.
    let script = r#"while read -r line; do case "$line" in
        *initialized*) ;;
        *tools/list*) late=$(printf '%s' "$line" | sed 's/.*"id":"\([^"]*\)".*/\1/') ;;
        *) printf '%s\n' "$line"; if [ -n "$late" ]; then printf '{"jsonrpc":"2.0","id":"%s","result":{"tools":[]}}\n' "$late"; late=; fi ;;
    esac; done"#;
    let mut wrapped = Wrapped::start(NOWHERE, &["sh", "-c", script]);
    wrapped.say(INITIALIZED);
    let call = call_of(1, "plain");
    let begin = Instant::now();
    wrapped.say(&call);
    assert_eq!(wrapped.line().trim(), call);
    assert!(begin.elapsed() >= Duration::from_millis(450), "it was worth half a second");
    wrapped.say("ping");
    assert_eq!(wrapped.line(), "ping\n", "the late answer was not passed on");
}
