//! Over HTTP: pairing by exchange, facts by MCP session, and what becomes of what an exchange leaves unanswered.

use super::*;
use trackway_event::SessionSource;

const START: Timestamp = Timestamp::from_millis(1_767_323_045_000);
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{}}}"#;
const MODERN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"new"}}}}"#;
const DONE: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;

struct Play {
    recorder: Recorder,
    events: Vec<Event>,
    at: u64,
}

impl Play {
    fn new() -> Self {
        let config = RecorderConfig {
            project: ProjectId::parse("proj_test").unwrap(),
            capture: CaptureBy::Proxy,
            version: "1".into(),
            mode: Mode::Required,
            identify: None,
            demo: false,
            protocol: Protocol::All,
        };
        let mut next = 0u128;
        let random = Box::new(move || {
            next += 1;
            next.to_be_bytes()
        });
        Self { recorder: Recorder::new(config, random), events: Vec::new(), at: 0 }
    }

    fn see(&mut self, scope: &Scope, way: Way, line: &str) {
        self.at += 1_000;
        let seen = Observed { way, wall: START, mono_us: self.at, line: line.as_bytes().to_vec() };
        self.recorder.observe_in(scope, &seen, &mut self.events);
    }

    fn end(&mut self, scope: &Scope, ending: Ending) {
        self.recorder.exchange_ended(scope, ending, self.at, &mut self.events);
    }

    fn statuses(&self) -> Vec<Status> {
        self.events.iter().filter_map(|e| e.status).collect()
    }
}

fn scope(exchange: u64, session: Option<&str>) -> Scope {
    let connection = session.map_or(0, |s| 1_000 + s.len() as u64);
    let mcp_session = session.map(Into::into);
    Scope { exchange, connection, transport: Transport::Http, mcp_session, ..Scope::default() }
}

#[test]
fn case_26_equal_ids_of_two_exchanges_are_two_requests() {
    let mut play = Play::new();
    let (one, two) = (scope(1, None), scope(2, None));
    play.see(&one, Way::FromClient, CALL);
    play.see(&two, Way::FromClient, CALL);
    play.see(&one, Way::FromServer, DONE);
    play.see(&two, Way::FromServer, r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}"#);
    assert_eq!(play.statuses(), [Status::Ok, Status::ProtocolError]);
    assert!(play.events.iter().all(|e| e.session_id.is_none()));
}

#[test]
fn a_sessions_client_is_remembered_and_no_other_sessions() {
    let mut play = Play::new();
    let open = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"clientInfo":{"name":"cursor"}}}"#;
    play.see(&scope(1, Some("a")), Way::FromClient, open);
    play.see(
        &scope(1, Some("a")),
        Way::FromServer,
        r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}"#,
    );
    for (exchange, session) in [(2, Some("a")), (3, Some("bb")), (4, None)] {
        play.see(&scope(exchange, session), Way::FromClient, CALL);
        play.see(&scope(exchange, session), Way::FromServer, DONE);
    }
    let clients: Vec<_> = play.events.iter().map(|e| e.client.as_ref().map(|c| &*c.name)).collect();
    assert_eq!(clients, [Some("cursor"), Some("cursor"), None, None]);
    let sessions: Vec<_> = play.events.iter().map(|e| e.session_id.clone()).collect();
    assert_eq!(sessions[0], sessions[1]);
    assert!(sessions[2].is_some() && sessions[1] != sessions[2] && sessions[3].is_none());
    assert_eq!(play.events[1].session_source, Some(SessionSource::McpSession));
}

#[test]
fn case_37_an_answer_on_another_stream_of_the_session_is_paired() {
    let mut play = Play::new();
    play.see(&scope(1, Some("a")), Way::FromClient, CALL);
    play.end(&scope(1, Some("a")), Ending::ClientGone);
    assert!(play.events.is_empty(), "it may still be resumed");
    play.see(&scope(2, Some("bb")), Way::FromServer, DONE);
    assert_eq!(play.recorder.counts.unpaired, 1);
    play.see(&scope(3, Some("a")), Way::FromServer, DONE);
    assert_eq!(play.statuses(), [Status::Ok]);
}

#[test]
fn case_38_and_44_an_exchange_without_an_answer_says_why() {
    let cases: [(&str, Option<&str>, Ending, Status); 6] = [
        (MODERN, None, Ending::ClientGone, Status::Cancelled),
        (MODERN, None, Ending::StreamEnded, Status::Lost),
        (CALL, None, Ending::ClientGone, Status::Lost),
        (CALL, Some("a"), Ending::Complete(404), Status::TransportError),
        (CALL, Some("a"), Ending::NoUpstream, Status::TransportError),
        (CALL, None, Ending::Unreadable, Status::Lost),
    ];
    for (line, session, ending, expected) in cases {
        let mut play = Play::new();
        play.see(&scope(7, session), Way::FromClient, line);
        play.end(&scope(7, session), ending);
        assert_eq!(play.statuses(), [expected], "{ending:?}");
    }
    // Not resumed in time: lost, long before a timeout.
    let mut play = Play::new();
    play.see(&scope(7, Some("a")), Way::FromClient, CALL);
    play.end(&scope(7, Some("a")), Ending::StreamEnded);
    play.recorder.tick(play.at + 6 * 60 * 1_000_000, &mut play.events);
    assert_eq!(play.statuses(), [Status::Lost]);
}

#[test]
fn a_request_of_the_server_is_answered_by_another_post() {
    let mut play = Play::new();
    let ask = r#"{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{}}"#;
    play.see(&scope(1, Some("a")), Way::FromClient, CALL);
    play.see(&scope(1, Some("a")), Way::FromServer, ask);
    play.see(
        &scope(2, Some("a")),
        Way::FromClient,
        r#"{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}"#,
    );
    play.see(&scope(1, Some("a")), Way::FromServer, DONE);
    let names: Vec<_> = play.events.iter().map(|e| (&*e.name, e.status)).collect();
    assert_eq!(names, [("elicitation/create", Some(Status::Ok)), ("tools/call", Some(Status::Ok))]);
}

#[test]
fn the_end_of_a_session_closes_what_waits() {
    let mut play = Play::new();
    play.see(&scope(1, Some("a")), Way::FromClient, CALL);
    let seen = Observed { way: Way::FromClient, wall: START, mono_us: 5, line: Vec::new() };
    play.recorder.session_ended(&scope(2, Some("a")), &seen, 200, &mut play.events);
    assert_eq!(play.events[0].name.as_ref(), "session_end");
    assert_eq!(play.statuses(), [Status::Ok, Status::Lost]);
}

#[test]
fn a_user_named_by_the_transport_is_the_actor() {
    for session in [None, Some("a")] {
        let mut play = Play::new();
        let named = Scope { actor: Some("ana@acme.example".into()), ..scope(1, session) };
        play.see(&named, Way::FromClient, CALL);
        play.see(&named, Way::FromServer, DONE);
        let last = play.events.last().unwrap();
        assert_eq!(last.actor.as_ref().map(|a| a.id.as_str()), Some("ana@acme.example"));
    }
}

#[test]
fn an_error_without_an_id_answers_the_one_request_of_its_exchange() {
    for id in [r#""id":null,"#, ""] {
        let mut play = Play::new();
        play.see(&scope(1, None), Way::FromClient, CALL);
        play.see(&scope(2, None), Way::FromClient, CALL);
        let error = format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32000,"message":"no session"}}}}"#);
        play.see(&scope(2, None), Way::FromServer, &error);
        play.end(&scope(2, None), Ending::Complete(400));
        assert_eq!(play.statuses(), [Status::ProtocolError]);
    }
}

#[test]
fn a_process_and_an_address_leave_as_keys_only_and_where_they_tell_agents_apart() {
    let recorder = |instance: &str| Play::new().recorder.with_process(instance);
    let ping = |recorder: &mut Recorder, scope: &Scope| {
        let mut out = Vec::new();
        for (way, line) in [
            (Way::FromClient, r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}"#),
            (Way::FromServer, r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#),
        ] {
            let wall = Timestamp::from_millis(1_767_323_045_000);
            let seen = Observed { way, wall, mono_us: 1, line: line.as_bytes().to_vec() };
            recorder.observe_in(scope, &seen, &mut out);
        }
        out.remove(0)
    };
    let piped = ping(&mut recorder("one"), &Scope::default());
    assert_eq!(piped.process, ping(&mut recorder("one"), &Scope::default()).process);
    assert_ne!(piped.process, ping(&mut recorder("two"), &Scope::default()).process);
    assert!(piped.process.is_some_and(|key| key.len() == 32) && piped.address.is_none());
    let remote = Scope {
        exchange: 1,
        transport: Transport::Http,
        address: Some("203.0.113.9".into()),
        ..Scope::default()
    };
    let remote = ping(&mut recorder("one"), &remote);
    assert!(remote.process.is_none(), "a server that many agents share has no process of theirs");
    let key = remote.address.unwrap();
    assert!(key.len() == 32 && !key.contains("203"));
}
