//! The proxy between a server and a client whose every byte is known: the numbered cases of CAP §9 over HTTP, INV-07, INV-08.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail their test")]
#[path = "support/http.rs"]
mod http;

use std::io::{BufReader, Read, Write};
use std::time::{Duration, Instant};

use http::{
    Message, PATIENCE, Proxied, Upstream, begin_events, chunk, connect, end_events, json, options, post,
    read_chunk, read_message, send_post,
};
use trackway_capture::wire::inject::{Missing, Mode};

const LIST: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const TOOLS: &str = r#"{"jsonrpc":"2.0", "id":1,"result":{"tools":[{"name":"plain","inputSchema":{"type":"object" , "properties":{"n":{"const":123456789012345678901234567890}}}},{"name":"own","inputSchema":{"type":"object","properties":{"context":{}}}}],"ttlMs":5}}"#;

/// Lists two tools and answers a call with the body it came in.
fn server() -> Upstream {
    Upstream::start(|request, to| match request.text() {
        text if text.contains("tools/list") => json(to, "200 OK", "", TOOLS.as_bytes()),
        _ => json(to, "200 OK", "X-Seen: 1\r\n", &request.body),
    })
}

fn without_injection(listed: &str) -> String {
    let property = r#","context":{"type":"string","description":""#;
    let at = listed.find(property).unwrap();
    let end = at + listed[at..].find("\"}").unwrap() + 2;
    let rest = [&listed[..at], &listed[end..]].concat();
    let rest = rest.replace(r#","required":["context"]"#, "");
    let at = rest.find(r#","_meta":{"trackway/intent""#).unwrap();
    let end = at + rest[at..].find("}}").unwrap() + 2;
    [&rest[..at], &rest[end..]].concat()
}

#[test]
fn inv_07_nothing_but_context_changes_in_a_listing_and_a_call() {
    let upstream = server();
    let proxy = Proxied::start(&options(upstream.addr));
    let listed = proxy.post("", LIST);
    assert_eq!(listed.text().matches("trackway/intent").count(), 1);
    assert_eq!(without_injection(&listed.text()), TOOLS);
    assert_eq!(listed.header("content-length"), Some(&*listed.body.len().to_string()));
    assert_eq!(proxy.post("", LIST).body, listed.body, "case 13: equal listings are equal bytes");

    let odd = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{ "name":"plain","arguments":{"n":1.0e400,"n":123456789012345678901234567890 ,"s":"\u00e9\/","\u0063ontext":"why"},"_meta":{"progressToken":3,"vendor/x":[1, 2]}}}"#;
    let plain = odd.replace(r#","\u0063ontext":"why""#, "");
    assert_eq!(proxy.post("", odd.as_bytes()).text(), plain, "cases 19 and 50");
    let own = r#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"own","arguments":{"context":"mine"}}}"#;
    assert_eq!(proxy.post("", own.as_bytes()).text(), own, "case 3");
    for untouched in [
        r#"{"jsonrpc":"2.0","id":9,"method":"completion/complete","params":{"context":{"arguments":{}}}}"#,
        r#"{"jsonrpc":"2.0","id":9,"method":"prompts/get","params":{"arguments":{"context":"mine"}}}"#,
        r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"plain"}}"#,
        r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"plain","arguments":{"f":{"context":1}}}}"#,
        "not json at all",
        "",
    ] {
        assert_eq!(proxy.post("", untouched.as_bytes()).text(), untouched, "cases 17, 18, 24, 28");
    }
}

#[test]
fn inv_07_without_injection_every_byte_and_header_passes() {
    let upstream = server();
    let mut options = options(upstream.addr);
    options.mode = Mode::ObserveOnly;
    let proxy = Proxied::start(&options);
    assert_eq!(proxy.post("", LIST).text(), TOOLS);
    let call = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"plain","arguments":{"context":"x"}}}"#;
    let answer = proxy.post("Authorization: Bearer t\r\nMCP-Protocol-Version: 2025-11-25\r\nmcp-param-A: =?base64?w6k=?=\r\nX-Twice: 1\r\nX-Twice: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\nAccept-Encoding: gzip\r\n", call);
    assert_eq!(answer.body, call);
    assert_eq!(answer.header("x-seen"), Some("1"));
    assert_eq!(answer.header("date"), None, "nothing is added");
    let seen = upstream.requests().pop().unwrap();
    for line in [
        "Authorization: Bearer t",
        "MCP-Protocol-Version: 2025-11-25",
        "mcp-param-A: =?base64?w6k=?=",
        "X-Twice: 1",
        "X-Twice: 2",
    ] {
        assert!(seen.head.lines().any(|l| l == line), "{line} in {}", seen.head);
    }
    assert!(seen.header("x-hop").is_none() && seen.header("accept-encoding").is_none(), "{}", seen.head);
    assert_eq!(seen.header("host"), Some(&*upstream.addr.to_string()));
    assert_eq!(seen.head.lines().next(), Some("POST /mcp HTTP/1.1"));
}

#[test]
fn case_39_answers_without_a_result_pass_as_they_are() {
    let cases = [
        (
            "401 Unauthorized",
            "WWW-Authenticate: Bearer resource_metadata=\"https://mcp.example/.well-known/oauth-protected-resource\"\r\n",
            "{\"error\":\"x\"}",
        ),
        (
            "404 Not Found",
            "",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no\"}}",
        ),
        ("403 Forbidden", "", ""),
        (
            "400 Bad Request",
            "",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32020,\"message\":\"HeaderMismatch\"}}",
        ),
        ("405 Method Not Allowed", "Allow: POST\r\n", ""),
        ("307 Temporary Redirect", "Location: /elsewhere\r\n", ""),
        ("503 Service Unavailable", "Retry-After: 7\r\n", "{}"),
    ];
    for (status, headers, body) in cases {
        let upstream = Upstream::start(move |_, to| json(to, status, headers, body.as_bytes()));
        let proxy = Proxied::start(&options(upstream.addr));
        let answer = proxy.post("Mcp-Session-Id: s\r\n", LIST);
        assert!(answer.head.starts_with(&format!("HTTP/1.1 {status}")), "{}", answer.head);
        assert_eq!(answer.text(), body);
        if let Some((name, value)) = headers.trim_end().split_once(": ") {
            assert_eq!(answer.header(name), Some(value));
        }
        assert_eq!(upstream.requests().len(), 1, "nothing is sent twice");
    }
    let upstream = Upstream::start(|_, to| {
        let _ = to.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    });
    let proxy = Proxied::start(&options(upstream.addr));
    let mut stream = proxy.connect();
    send_post(&mut stream, "", br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    let answer = read_message(&mut BufReader::new(stream), false).unwrap();
    assert!(answer.head.starts_with("HTTP/1.1 202 ") && answer.body.is_empty(), "{}", answer.head);
}

#[test]
fn oauth_documents_pass_at_the_roots_of_paths() {
    let upstream = Upstream::start(|request, to| {
        let line = request.head.lines().next().unwrap_or_default().to_owned();
        json(to, "200 OK", "", line.as_bytes());
    });
    let proxy = Proxied::start(&options(upstream.addr));
    for (path, expected) in [
        ("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource/mcp"),
        ("/.well-known/openid-configuration?x=%2F", "/.well-known/openid-configuration?x=%2F"),
        ("/", "/mcp"),
        ("/?a=b", "/mcp?a=b"),
        ("/mcp/sub", "/mcp/sub"),
    ] {
        let mut stream = proxy.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let answer = read_message(&mut BufReader::new(stream), false).unwrap();
        assert_eq!(answer.text(), format!("GET {expected} HTTP/1.1"));
    }
}

#[test]
fn case_42_a_foreign_host_or_origin_never_reaches_the_server() {
    let upstream = server();
    let proxy = Proxied::start(&options(upstream.addr));
    for headers in ["Host: evil.example", "Host: localhost\r\nOrigin: https://evil.example"] {
        let mut stream = proxy.connect();
        write!(stream, "POST /mcp HTTP/1.1\r\n{headers}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}").unwrap();
        let answer = read_message(&mut BufReader::new(stream), false).unwrap();
        assert!(answer.head.starts_with("HTTP/1.1 403 "), "{}", answer.head);
    }
    assert!(upstream.requests().is_empty());
}

#[test]
fn case_36_event_streams_pass_at_once_and_only_the_listing_changes() {
    const HEAD: &str = ": hello\r\n\r\nid: 1\r\ndata:\r\nretry: 10\r\n\r\n";
    let listing = format!("event: message\r\nid: 2\r\ndata: {TOOLS}\r\n\r\n");
    let after = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";
    let whole = format!("{HEAD}{listing}{after}");
    for step in [1, 2, 3, 7, 50, 1_000] {
        let text = whole.clone();
        let upstream = Upstream::start(move |_, to| {
            begin_events(to);
            for piece in text.as_bytes().chunks(step) {
                chunk(to, piece);
            }
            end_events(to);
        });
        let proxy = Proxied::start(&options(upstream.addr));
        let answer = proxy.post("", LIST);
        assert_eq!(answer.header("x-accel-buffering"), Some("no"));
        let text = answer.text();
        assert_eq!(text.matches("trackway/intent").count(), 1, "step {step}");
        assert_eq!(without_injection(&text), whole, "step {step}");
        // A stream that awaits no listing is the same bytes.
        let call = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain"}}"#;
        assert_eq!(proxy.post("", call).text(), whole, "step {step}");
    }
}

#[test]
fn case_36_an_event_is_not_held_up_by_the_next() {
    let upstream = Upstream::start(|_, to| {
        begin_events(to);
        chunk(to, b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\nda");
        // The client answers by closing; until then nothing more comes.
        let mut rest = [0; 1];
        let _ = to.read(&mut rest);
    });
    let proxy = Proxied::start(&options(upstream.addr));
    for body in [LIST, br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain"}}"#] {
        let mut stream = proxy.connect();
        send_post(&mut stream, "", body);
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
        }
        let first = read_chunk(&mut reader).unwrap();
        assert!(first.starts_with(b"data: {\"jsonrpc\""), "{first:?}");
    }
}

#[test]
fn case_37_a_listing_on_a_resumed_stream_is_injected_too() {
    let upstream = Upstream::start(|request, to| {
        begin_events(to);
        if request.head.starts_with("GET") {
            assert_eq!(request.header("last-event-id"), Some("5"));
            chunk(to, format!("id: 6\ndata: {TOOLS}\n\n").as_bytes());
        } else {
            chunk(to, b"id: 5\nretry: 1\ndata:\n\n");
        }
        end_events(to);
    });
    let proxy = Proxied::start(&options(upstream.addr));
    let begun = proxy.post("Mcp-Session-Id: s1\r\n", LIST);
    assert_eq!(begun.text(), "id: 5\nretry: 1\ndata:\n\n");
    let resume = |session: &str| {
        let mut stream = proxy.connect();
        write!(stream, "GET /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {session}\r\nLast-Event-ID: 5\r\nAccept: text/event-stream\r\n\r\n").unwrap();
        read_message(&mut BufReader::new(stream), false).unwrap().text()
    };
    assert!(!resume("s2").contains("trackway/intent"), "another session's");
    let resumed = resume("s1");
    assert_eq!(without_injection(&resumed), format!("id: 6\ndata: {TOOLS}\n\n"));
}

#[test]
fn case_38_a_client_that_goes_away_is_gone_at_the_server_within_a_second() {
    let (gone, when) = std::sync::mpsc::channel();
    let upstream = Upstream::start(move |request, to| {
        if request.text().contains("stream") {
            begin_events(to);
            while chunk(to, b": still here\n\n") {
                std::thread::sleep(Duration::from_millis(20));
            }
        } else {
            // No answer yet: the end of the connection is all there is to see.
            let _ = to.read(&mut [0; 1]);
        }
        let _ = gone.send(Instant::now());
    });
    let proxy = Proxied::start(&options(upstream.addr));
    for name in ["stream", "silent"] {
        let mut stream = proxy.connect();
        let call =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}"}}}}"#);
        send_post(&mut stream, "", call.as_bytes());
        if name == "stream" {
            stream.read_exact(&mut [0; 64]).unwrap();
        } else {
            let begun = Instant::now();
            while upstream.requests().len() < 2 && begun.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let closed = Instant::now();
        drop(stream);
        let at = when.recv_timeout(PATIENCE).unwrap();
        assert!(at.duration_since(closed) < Duration::from_secs(1), "{name}: {:?}", at - closed);
    }
}

#[test]
fn an_abort_of_the_server_is_an_abort_at_the_client() {
    for events in [true, false] {
        let upstream = Upstream::start(move |_, to| {
            if events {
                begin_events(to);
                chunk(to, b"data: {}\n\n");
            } else {
                let _ = to.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"json",
                );
            }
            let _ = to.shutdown(std::net::Shutdown::Both);
        });
        let proxy = Proxied::start(&options(upstream.addr));
        for body in [LIST, br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain"}}"#] {
            let mut stream = proxy.connect();
            send_post(&mut stream, "", body);
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all);
            let text = String::from_utf8_lossy(&all);
            assert!(text.contains(if events { "data: {}" } else { "{\"json" }), "{text}");
            assert!(!text.ends_with("0\r\n\r\n"), "a clean end: {text}");
        }
    }
}

#[test]
fn no_server_is_a_502_and_nothing_is_sent_twice() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxied::start(&options(free));
    let answer = proxy.post("", LIST);
    assert!(answer.head.starts_with("HTTP/1.1 502 ") && answer.body.is_empty(), "{}", answer.head);

    let upstream = Upstream::start(|_, to| {
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    let proxy = Proxied::start(&options(upstream.addr));
    let answer = proxy.post("", LIST);
    assert!(answer.head.starts_with("HTTP/1.1 502 "), "{}", answer.head);
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn case_40_an_encoded_answer_and_a_signed_body_are_never_edited() {
    let upstream = Upstream::start(|request, to| match request.text() {
        text if text.contains("tools/list") => {
            json(to, "200 OK", "Content-Encoding: gzip\r\n", TOOLS.as_bytes())
        }
        _ => json(to, "200 OK", "", &request.body),
    });
    let proxy = Proxied::start(&options(upstream.addr));
    assert_eq!(proxy.post("", LIST).text(), TOOLS);
    let plain = server();
    let proxy = Proxied::start(&options(plain.addr));
    proxy.post("", LIST);
    let call = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"plain","arguments":{"context":"x"}}}"#;
    assert_eq!(proxy.post("Content-Digest: sha-256=:x:\r\n", call).body, call);
    assert_ne!(proxy.post("", call).body, call);
}

#[test]
fn case_29_a_body_over_the_cap_passes_whole() {
    let upstream = server();
    let proxy = Proxied::start(&options(upstream.addr));
    proxy.post("", LIST);
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"plain","arguments":{{"a":"{}","context":"x"}}}}}}"#,
        "x".repeat(17 * 1024 * 1024)
    );
    assert!(proxy.post("", body.as_bytes()).body == body.as_bytes());
}

#[test]
fn case_20_a_call_before_any_listing_asks_once_for_the_kinds() {
    let upstream = server();
    let proxy = Proxied::start(&options(upstream.addr));
    let call = |id: u32, tool: &str, arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
        )
    };
    let first = call(1, "plain", r#"{"context":"why","n":1}"#);
    let answer = proxy.post("Authorization: Bearer t\r\nMcp-Session-Id: s\r\n", first.as_bytes());
    assert_eq!(answer.text(), call(1, "plain", r#"{"n":1}"#));
    let asked = upstream.requests().remove(0);
    assert!(
        asked.text().contains("\"tools/list\"") && asked.text().contains("trackway-"),
        "{}",
        asked.text()
    );
    assert_eq!(asked.header("authorization"), Some("Bearer t"));
    assert_eq!(asked.header("mcp-session-id"), Some("s"));
    let own = call(2, "own", r#"{"context":"mine"}"#);
    assert_eq!(proxy.post("", own.as_bytes()).text(), own);
    let unknown = call(3, "elsewhere", r#"{"context":"x"}"#);
    assert_eq!(proxy.post("", unknown.as_bytes()).text(), unknown);
    assert_eq!(proxy.post("", unknown.as_bytes()).text(), unknown);
    let listings = upstream.requests().iter().filter(|r| r.text().contains("tools/list")).count();
    assert_eq!(listings, 2, "one for the first call, one for the unknown tool");
}

#[test]
fn a_call_for_what_is_missing_is_answered_here() {
    let upstream = server();
    let mut with = options(upstream.addr);
    with.report_missing = Missing::On;
    let proxy = Proxied::start(&with);
    assert!(proxy.post("", LIST).text().contains("\"get_more_tools\""));
    let call = br#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"get_more_tools","arguments":{"context":"labels"}}}"#;
    let answer = proxy.post("", call);
    assert!(answer.head.starts_with("HTTP/1.1 200 "), "{}", answer.head);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((&value["id"], &value["result"]["isError"]), (&"a".into(), &false.into()));
    assert_eq!(upstream.requests().len(), 1, "the server is not asked");
}

#[test]
fn the_older_transport_passes_and_its_listing_is_injected() {
    // The POST is accepted; its answer comes on the one stream.
    let answers: std::sync::Arc<std::sync::Mutex<Vec<std::net::TcpStream>>> = Default::default();
    let streams = std::sync::Arc::clone(&answers);
    let upstream = Upstream::start(move |request, to| {
        if request.head.starts_with("GET /sse") {
            begin_events(to);
            chunk(to, b"event: endpoint\ndata: /messages?sessionId=abc\n\n");
            streams.lock().unwrap().push(to.try_clone().unwrap());
        } else {
            assert!(request.head.starts_with("POST /messages?sessionId=abc "), "{}", request.head);
            let _ = to.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
            let mut streams = streams.lock().unwrap();
            chunk(streams.first_mut().unwrap(), format!("event: message\ndata: {TOOLS}\n\n").as_bytes());
        }
    });
    let mut with = options(upstream.addr);
    with.report_missing = Missing::On;
    let proxy = Proxied::start(&with);
    let mut stream = proxy.connect();
    stream.write_all(b"GET /sse HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n").unwrap();
    let mut events = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        std::io::BufRead::read_line(&mut events, &mut line).unwrap();
    }
    assert_eq!(read_chunk(&mut events).unwrap(), b"event: endpoint\ndata: /messages?sessionId=abc\n\n");
    let send = |body: &str| {
        let mut stream = connect(proxy.addr);
        let length = body.len();
        write!(stream, "POST /messages?sessionId=abc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        read_message(&mut BufReader::new(stream), false).unwrap()
    };
    assert!(send(std::str::from_utf8(LIST).unwrap()).head.starts_with("HTTP/1.1 202 "));
    let listed = String::from_utf8(read_chunk(&mut events).unwrap()).unwrap();
    assert!(listed.contains("trackway/intent") && listed.contains("get_more_tools"), "{listed}");
    // What is answered here comes on the stream too.
    let call =
        r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"get_more_tools","arguments":{}}}"#;
    assert!(send(call).head.starts_with("HTTP/1.1 202 "));
    let answered = String::from_utf8(read_chunk(&mut events).unwrap()).unwrap();
    assert!(answered.starts_with("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":9,"), "{answered}");
}

#[test]
fn inv_08_no_failure_of_trackway_changes_an_answer() {
    // Refusing, hanging, answering garbage, answering errors; and a spool that is no directory.
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let faults: Vec<(&str, std::net::SocketAddr)> = vec![
        ("hang", hanging.local_addr().unwrap()),
        (
            "garbage",
            Upstream::start(|_, to| {
                let _ = to.write_all(b"\x00\xffgarbage");
            })
            .addr,
        ),
        ("500", Upstream::start(|_, to| json(to, "500 Oops", "", b"{}")).addr),
        ("413", Upstream::start(|_, to| json(to, "413 Too Large", "", b"{}")).addr),
        ("refused", "127.0.0.1:1".parse().unwrap()),
    ];
    let upstream = server();
    let call =
        br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"plain","arguments":{"a":1}}}"#;
    let direct = post(upstream.addr, "", call).body;
    let file = tempfile::NamedTempFile::new().unwrap();
    for (name, endpoint) in faults {
        let mut with = options(upstream.addr);
        with.endpoint = format!("http://{endpoint}");
        with.spool = Some(file.path().join("no-directory"));
        let proxy = Proxied::start(&with);
        for _ in 0..50 {
            assert_eq!(proxy.post("", call).body, direct, "{name}");
        }
        let ending = Instant::now();
        proxy.finish();
        assert!(ending.elapsed() < Duration::from_secs(8), "{name}: {:?}", ending.elapsed());
    }
}

#[test]
fn what_passes_is_on_record() {
    let received: std::sync::Arc<std::sync::Mutex<Vec<serde_json::Value>>> = Default::default();
    let inbox = std::sync::Arc::clone(&received);
    let trackway = Upstream::start(move |request, to| {
        let batch: serde_json::Value = serde_json::from_slice(&inflated(request)).unwrap();
        let events = batch["events"].as_array().unwrap().clone();
        let results: Vec<_> =
            events.iter().map(|e| serde_json::json!({ "id": e["id"], "outcome": "stored" })).collect();
        inbox.lock().unwrap().extend(events);
        json(to, "200 OK", "", serde_json::json!({ "results": results }).to_string().as_bytes());
    });
    let upstream = Upstream::start(|request, to| {
        match request.text() {
        text if request.head.starts_with("DELETE") || text.is_empty() => json(to, "200 OK", "", b""),
        text if text.contains("\"initialize\"") => json(to, "200 OK", "Mcp-Session-Id: CANARY-session\r\n",
            br#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"shop","version":"1"},"capabilities":{}}}"#),
        text if text.contains("tools/list") => json(to, "200 OK", "", TOOLS.as_bytes()),
        text if text.contains("fails") => json(to, "500 Oops", "", b"no json"),
        _ => json(to, "200 OK", "", br#"{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"done"}]}}"#),
    }
    });
    let mut with = options(upstream.addr);
    with.endpoint = format!("http://{}", trackway.addr);
    with.named_by.header = Some("x-user".into());
    let proxy = Proxied::start(&with);
    let session = "Mcp-Session-Id: CANARY-session\r\nAuthorization: Bearer CANARY-token\r\nX-User: ana@acme.example\r\n";
    proxy.post("", br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"probe","version":"2"},"capabilities":{}}}"#);
    proxy.post(session, LIST);
    proxy.post(session, br#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"plain","arguments":{"n":1,"context":"see it"}}}"#);
    proxy.post(session, br#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"fails"}}"#);
    let mut stream = proxy.connect();
    write!(stream, "DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n{session}\r\n").unwrap();
    read_message(&mut BufReader::new(stream), false).unwrap();
    proxy.finish();

    let events = received.lock().unwrap().clone();
    let of = |kind: &str| events.iter().filter(|e| e["kind"] == kind).collect::<Vec<_>>();
    let first_session = of("initialize")[0]["session_id"].clone();
    assert!(first_session.as_str().unwrap().starts_with("ses_"));
    assert!(events.iter().all(|e| e["session_id"] == first_session && e["session_source"] == "mcp_session"));
    let calls = of("tool_call");
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0]["intent"], "see it");
    assert_eq!(calls[0]["arguments"], serde_json::json!({ "n": 1 }));
    assert_eq!(calls[0]["client"]["name"], "probe");
    assert_eq!(calls[0]["server"]["name"], "shop");
    assert_eq!(calls[0]["actor"]["id"], "ana@acme.example");
    assert_eq!(calls[0]["capture"], "proxy");
    assert_eq!(calls[1]["status"], "transport_error");
    assert_eq!(of("tools_list").len(), 1);
    assert!(events.iter().any(|e| e["name"] == "session_end" && e["status"] == "ok"));
    let all = serde_json::to_string(&events).unwrap();
    assert!(!all.contains("CANARY"), "INV-09, case 47: {all}");
}

fn inflated(request: &Message) -> Vec<u8> {
    if request.header("content-encoding") != Some("gzip") {
        return request.body.clone();
    }
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(&request.body[..]).read_to_end(&mut out).unwrap();
    out
}

#[test]
fn case_26_equal_ids_of_64_clients_are_never_mixed_up() {
    let upstream = Upstream::start(|request, to| {
        let text = request.text();
        let tag = text.split("\"tag\":\"").nth(1).and_then(|t| t.split('"').next()).unwrap_or_default();
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tag":"{tag}"}}}}"#);
        json(to, "200 OK", "", body.as_bytes());
    });
    let proxy = Proxied::start(&options(upstream.addr));
    let addr = proxy.addr;
    let clients: Vec<_> = (0..64)
        .map(|client| {
            std::thread::spawn(move || {
                for round in 0..5 {
                    let tag = format!("{client}-{round}");
                    let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{{"tag":"{tag}"}}}}}}"#);
                    let answer = post(addr, "", call.as_bytes()).text();
                    assert!(answer.contains(&format!("\"{tag}\"")), "{tag}: {answer}");
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}
