//! Recorded histories in, events out: the numbered cases of capture (CAP §9) that the recorder decides.

use super::*;
use trackway_event::SessionSource;
use trackway_event::limits::{self, SESSION_GAP};

const START: Timestamp = Timestamp::from_millis(1_767_323_045_000);

pub(super) struct Play {
    pub(super) recorder: Recorder,
    pub(super) events: Vec<Event>,
    pub(super) at_us: u64,
}

pub(super) fn config() -> RecorderConfig {
    RecorderConfig {
        project: ProjectId::parse("proj_test").unwrap(),
        capture: CaptureBy::Wrap,
        version: "1".into(),
        mode: Mode::Required,
        identify: Some(IdentifyRule { argument: "user".into(), name: None }),
        demo: false,
        protocol: Protocol::All,
    }
}

impl Play {
    pub(super) fn new() -> Self {
        let mut next = 0u128;
        let random = Box::new(move || {
            next += 1;
            next.to_be_bytes()
        });
        Self { recorder: Recorder::new(config(), random), events: Vec::new(), at_us: 0 }
    }

    pub(super) fn send(&mut self, way: Way, line: &str) -> &mut Self {
        self.at_us += 1_000;
        let seen = Observed {
            way,
            wall: START.plus_micros(self.at_us as i64),
            mono_us: self.at_us,
            line: line.as_bytes().to_vec(),
        };
        self.recorder.observe(&seen, &mut self.events);
        self
    }

    pub(super) fn client(&mut self, line: &str) -> &mut Self {
        self.send(Way::FromClient, line)
    }

    pub(super) fn server(&mut self, line: &str) -> &mut Self {
        self.send(Way::FromServer, line)
    }

    pub(super) fn opened() -> Self {
        let mut play = Self::new();
        play.client(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"cursor","version":"1.9"}}}"#)
            .server(r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"shop","version":"1.8.0"},"capabilities":{}}}"#)
            .client(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
            .server(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"search","inputSchema":{"type":"object"}},{"name":"own","inputSchema":{"type":"object","properties":{"context":{}}}}]}}"#);
        play.events.clear();
        play
    }

    pub(super) fn call(&mut self, id: u32, name: &str, arguments: &str) -> &mut Self {
        self.client(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}","arguments":{arguments}}}}}"#
        ))
    }

    pub(super) fn last(&self) -> &Event {
        self.events.last().unwrap()
    }
}

#[test]
fn a_call_has_everything_the_session_knows() {
    let mut play = Play::opened();
    play.call(2, "search", r#"{"q":"boots","context":"find boots"}"#).server(
        r#"{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"3 found"}],"isError":false}}"#,
    );
    let event = play.last();
    assert_eq!(
        (event.kind, event.status, event.tool.as_deref()),
        (Kind::ToolCall, Some(Status::Ok), Some("search"))
    );
    assert_eq!(event.intent.as_deref(), Some("find boots"));
    assert_eq!(event.arguments.as_ref().unwrap().get(), r#"{"q":"boots"}"#);
    assert_eq!(event.duration_us, Some(1_000));
    let tokens = event.tokens.unwrap();
    assert_eq!(
        (tokens.input, tokens.output, tokens.estimated),
        (Some(4), Some(2), true),
        "13 and 7 bytes by AC R29"
    );
    assert_eq!(event.client.as_ref().map(|c| &*c.name), Some("cursor"));
    assert_eq!(event.server.as_ref().and_then(|s| s.version.as_deref()), Some("1.8.0"));
    assert_eq!(event.protocol_version.as_deref(), Some("2025-11-25"));
    assert_eq!(event.session_source, Some(SessionSource::StdioProcess));
}

#[test]
fn case_03_a_tools_own_context_is_no_intent() {
    let mut play = Play::opened();
    play.call(2, "own", r#"{"context":"mine"}"#).server(r#"{"id":2,"result":{"content":[]}}"#);
    assert_eq!(play.last().intent, None);
    assert_eq!(play.last().arguments.as_ref().unwrap().get(), r#"{"context":"mine"}"#);
}

#[test]
fn case_16_intents_that_are_no_text_are_noted() {
    for arguments in [r#"{"context":null}"#, r#"{"context":7}"#, r#"{"context":{}}"#, r#"{"context":" "}"#] {
        let mut play = Play::opened();
        play.call(2, "search", arguments).server(r#"{"id":2,"result":{"content":[]}}"#);
        assert_eq!(play.last().intent, None, "{arguments}");
        assert!(play.last().notes.iter().any(|n| &**n == "intent_invalid"), "{arguments}");
    }
}

#[test]
fn case_20_a_call_before_any_list_is_noted() {
    let mut play = Play::new();
    play.call(2, "search", r#"{"context":"w"}"#).server(r#"{"id":2,"result":{"content":[]}}"#);
    assert!(play.last().notes.iter().any(|n| &**n == "kind_unknown"));
    assert_eq!(play.last().arguments.as_ref().unwrap().get(), r#"{"context":"w"}"#);
}

#[test]
fn case_25_26_27_batches_and_ids_pair_in_any_order() {
    let mut play = Play::opened();
    play.client(r#"[{"id":"1","method":"tools/call","params":{"name":"a"}},{"id":1,"method":"tools/call","params":{"name":"b"}},{"id":7,"method":"tools/list"}]"#)
        .server(r#"[{"id":7,"result":{"tools":[]}},{"id":1.0,"result":{"content":[]}}]"#)
        .server(r#"{"id":"1","result":{"content":[]}}"#);
    let tools: Vec<_> = play.events.iter().map(|e| e.tool.as_deref().unwrap_or("-")).collect();
    assert_eq!(tools, ["-", "b", "a"]);
    play.server(r#"{"id":99,"result":{}}"#);
    assert_eq!(play.recorder.counts.unpaired, 1);
}

#[test]
fn case_28_30_what_is_no_json_rpc_is_counted() {
    let mut play = Play::new();
    play.server("Listening on stdio").server("{\"id\":1").server("");
    play.send(Way::FromServer, "7");
    assert_eq!(play.recorder.counts.unreadable, 3);
    let seen = Observed { way: Way::FromServer, wall: START, mono_us: 0, line: b"{\"a\":\"\xff\"}".to_vec() };
    play.recorder.observe(&seen, &mut play.events);
    assert_eq!(play.recorder.counts.unreadable, 4);
    assert!(play.events.is_empty());
}

#[test]
fn case_31_what_waits_at_the_end_is_lost() {
    let mut play = Play::opened();
    play.call(2, "search", "{}");
    let mut events = Vec::new();
    play.recorder.close(9_000_000, &mut events);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].status, Some(Status::Lost));
}

#[test]
fn case_34_35_eras_are_told_apart_per_request() {
    let mut play = Play::opened();
    play.client(r#"{"id":5,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"modern"}}}}"#)
        .server(r#"{"id":5,"error":{"code":-32601,"message":"no such method"}}"#);
    let event = play.last();
    assert_eq!((event.kind, event.status), (Kind::Discover, Some(Status::ProtocolError)));
    assert_eq!(event.client.as_ref().map(|c| &*c.name), Some("modern"));
    assert_eq!(event.error.as_ref().unwrap().kind.as_deref(), Some("MethodNotFound"));
    play.call(6, "search", "{}").server(r#"{"id":6,"result":{"content":[]}}"#);
    assert_eq!(play.last().client.as_ref().map(|c| &*c.name), Some("cursor"));
    play.client(r#"{"id":7,"method":"tools/call","params":{"name":"search","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#)
        .server(r#"{"id":7,"result":{"content":[]}}"#);
    assert_eq!(play.last().client, None, "case 46: never carried over");
}

#[test]
fn case_44_45_statuses_are_apart() {
    for (answer, status, code) in [
        (
            r#"{"id":2,"result":{"content":[{"type":"text","text":"no such sku"}],"isError":true}}"#,
            Status::ToolError,
            None,
        ),
        (r#"{"id":2,"error":{"code":-32602,"message":"bad"}}"#, Status::ProtocolError, Some(-32602)),
        (r#"{"id":2,"error":{"code":-32010,"message":"own"}}"#, Status::ProtocolError, Some(-32010)),
        (
            r#"{"id":2,"result":{"resultType":"input_required","requestState":"s"}}"#,
            Status::InputRequired,
            None,
        ),
        (r#"{"id":2,"result":{"resultType":"task","taskId":"t"}}"#, Status::Task, None),
    ] {
        let mut play = Play::opened();
        play.call(2, "search", "{}").server(answer);
        assert_eq!((play.last().status, play.last().error_code), (Some(status), code), "{answer}");
    }
    let mut play = Play::opened();
    play.call(2, "search", "{}").client(r#"{"method":"notifications/cancelled","params":{"requestId":2}}"#);
    assert!(play.events.iter().any(|e| e.status == Some(Status::Cancelled)));
    let mut play = Play::opened();
    play.call(2, "search", "{}");
    let mut events = Vec::new();
    play.recorder.tick(play.at_us + limits::PENDING_TTL.as_micros() as u64, &mut events);
    assert_eq!(events[0].status, Some(Status::Timeout));
}

#[test]
fn sdk_case_23_a_session_is_cut_after_more_than_thirty_minutes() {
    let mut play = Play::opened();
    let gap = SESSION_GAP.as_micros() as u64;
    let mut sessions = Vec::new();
    for pause in [0, gap - 1_000, gap - 999] {
        play.at_us += pause;
        play.call(2, "search", "{}");
        // Answers fall between requests and do not move the clock of the cut.
        let seen = Observed {
            way: Way::FromServer,
            wall: START,
            mono_us: play.at_us,
            line: br#"{"id":2,"result":{}}"#.to_vec(),
        };
        play.recorder.observe(&seen, &mut play.events);
        sessions.push(play.last().session_id.clone().unwrap());
    }
    assert_eq!(sessions[0], sessions[1], "exactly 30:00.000 keeps it");
    assert_ne!(sessions[1], sessions[2], "more starts a new one");
}

#[test]
fn sdk_44_one_identify_event_per_change_before_its_call() {
    let mut play = Play::opened();
    for (id, user) in [(2, "ana"), (3, "ana"), (4, "bo")] {
        play.call(id, "search", &format!(r#"{{"user":"{user}"}}"#))
            .server(&format!(r#"{{"id":{id},"result":{{}}}}"#));
    }
    play.call(5, "search", "{}").server(r#"{"id":5,"result":{}}"#);
    let seen: Vec<_> = play.events.iter().map(|e| (e.kind, e.actor.as_ref().unwrap().id.as_str())).collect();
    assert_eq!(
        seen,
        [
            (Kind::Identify, "ana"),
            (Kind::ToolCall, "ana"),
            (Kind::ToolCall, "ana"),
            (Kind::Identify, "bo"),
            (Kind::ToolCall, "bo"),
            (Kind::ToolCall, "bo"),
        ]
    );
    assert!(play.events[1].arguments.as_ref().unwrap().get().contains("ana"), "the argument stays");
}

#[test]
fn missing_reports_are_no_calls() {
    let mut play = Play::opened();
    play.call(2, "get_more_tools", r#"{"context":"cancel a shipment"}"#)
        .server(r#"{"id":2,"result":{"content":[]}}"#);
    assert_eq!(play.last().kind, Kind::MissingCapability);
    assert_eq!(play.last().intent.as_deref(), Some("cancel a shipment"));
}

#[test]
fn case_27_a_reused_id_loses_the_older_request() {
    let mut play = Play::opened();
    play.call(2, "search", "{}").call(2, "own", "{}");
    assert_eq!(play.last().status, Some(Status::Lost));
    assert!(play.last().notes.iter().any(|n| &**n == "id_reused"));
}

#[test]
fn case_47_secrets_of_the_protocol_are_in_no_event() {
    let mut play = Play::opened();
    play.client(r#"{"id":2,"method":"tools/call","params":{"name":"search","arguments":{"api_key":"CANARY1"},"_meta":{"progressToken":"CANARY2","vscode.conversationId":"CANARY3","openai/subject":"CANARY4","traceparent":"00-ab-cd-01"},"requestState":"CANARY5","inputResponses":{"a":{"content":{"x":"CANARY6"}}}}}"#)
        .server(r#"{"id":2,"result":{"resultType":"input_required","requestState":"CANARY7","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"CANARY8"}}}}}"#)
        .client(r#"{"id":3,"method":"tools/call","params":{"name":"search"}}"#)
        .server(r#"{"id":3,"result":{"resultType":"task","taskId":"CANARY9","status":"working"}}"#)
        .client(r#"{"id":4,"method":"tools/call","params":{"name":"search"}}"#)
        .server(r#"{"id":4,"result":{"content":[{"type":"image","mimeType":"image/png","data":"CANARYA"},{"type":"resource","resource":{"uri":"x:y","blob":"CANARYB"}}]}}"#)
        .client(r#"{"id":5,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"city","value":"CANARYC"}}}"#)
        .server(r#"{"id":5,"result":{"completion":{"values":["CANARYD"]}}}"#)
        .server(r#"{"id":"s1","method":"sampling/createMessage","params":{"messages":["CANARYE"]}}"#)
        .client(r#"{"id":"s1","result":{"content":{"text":"CANARYF"}}}"#)
        .client(r#"{"id":6,"method":"resources/read","params":{"uri":"https://u:CANARYG@h/?token=CANARYH"}}"#)
        .server(r#"{"id":6,"result":{"contents":[{"uri":"u","mimeType":"text/plain","text":"CANARYI"}]}}"#)
        .client(r#"{"id":7,"method":"tools/list","params":{"cursor":"CANARYJ"}}"#)
        .server(r#"{"id":7,"error":{"code":-32602,"message":"see https://u:CANARYK@h/"}}"#);
    let mut text = String::new();
    for event in &mut play.events {
        crate::redact::clean(event);
        text.push_str(&serde_json::to_string(event).unwrap());
    }
    assert!(play.events.len() >= 7 && !text.contains("CANARY"), "{text}");
    assert!(text.contains("traceparent") && text.contains("elicitation/create") && text.contains("task_"));
}

#[test]
fn a_catalog_is_sent_once_and_named_by_its_hash() {
    let page = |id: u32, tool: &str, next: &str| {
        format!(
            r#"{{"id":{id},"result":{{"tools":[{{"name":"{tool}","inputSchema":{{"type":"object"}}}}]{next}}}}}"#
        )
    };
    let mut play = Play::opened();
    for id in [10, 20] {
        play.client(&format!(r#"{{"id":{id},"method":"tools/list"}}"#))
            .server(&page(id, "a", r#","nextCursor":"c""#))
            .client(&format!(r#"{{"id":{},"method":"tools/list","params":{{"cursor":"c"}}}}"#, id + 1))
            .server(&page(id + 1, "b", ""));
    }
    let facts: Vec<serde_json::Value> = play
        .events
        .iter()
        .map(|e| serde_json::from_str(e.properties.as_ref().unwrap().get()).unwrap())
        .collect();
    let sent: Vec<bool> = play.events.iter().map(|e| e.result.is_some()).collect();
    assert_eq!(sent, [true, true, false, false]);
    assert_eq!(facts[0].get("catalog_hash"), None, "not before the last page");
    assert_eq!(facts[1]["catalog_hash"].as_str().map(str::len), Some(64));
    assert_eq!(facts[1]["catalog_hash"], facts[3]["catalog_hash"]);
    assert_eq!((&facts[1]["catalog_tools"], &facts[1]["names"][0]), (&2.into(), &"b".into()));
    play.call(30, "b", "{}").server(r#"{"id":30,"result":{}}"#);
    let call: serde_json::Value =
        serde_json::from_str(play.last().properties.as_ref().unwrap().get()).unwrap();
    assert_eq!(call["tool_hash"].as_str().map(str::len), Some(64));
}

#[test]
fn case_21_an_unknown_tool_is_marked() {
    let mut play = Play::opened();
    play.call(2, "nowhere", "{}").server(r#"{"id":2,"error":{"code":-32602,"message":"unknown tool"}}"#);
    assert!(play.last().flags.unknown_tool && play.last().status == Some(Status::ProtocolError));
    play.call(3, "search", "{}").server(r#"{"id":3,"error":{"code":-32602,"message":"bad input"}}"#);
    assert!(!play.last().flags.unknown_tool);
}

#[test]
fn a_listening_stream_outlives_others_and_holds_nothing_up() {
    let mut play = Play::opened();
    play.client(r#"{"id":"l","method":"subscriptions/listen"}"#).call(2, "search", "{}");
    let mut late = Vec::new();
    play.recorder.tick(play.at_us + limits::PENDING_TTL.as_micros() as u64, &mut late);
    let late: Vec<_> = late.iter().map(|e| (e.kind, e.status)).collect();
    assert_eq!(late, [(Kind::ToolCall, Some(Status::Timeout))]);
    play.server(r#"{"id":"l","result":{}}"#);
    assert_eq!((&*play.last().name, play.last().status), ("subscriptions/listen", Some(Status::Ok)));
}

#[test]
fn pending_requests_are_bounded() {
    let mut play = Play::opened();
    for id in 0..limits::PENDING as u32 + 3 {
        play.call(1_000 + id, "search", "{}");
    }
    let lost = play.events.iter().filter(|e| e.status == Some(Status::Lost)).count();
    assert_eq!(lost, 3);
}

#[test]
fn chatty_notifications_are_counted_not_kept() {
    let mut play = Play::opened();
    play.call(2, "search", "{}");
    for _ in 0..50 {
        play.server(r#"{"method":"notifications/progress","params":{"progressToken":"CANARY"}}"#);
    }
    assert_eq!((play.events.len(), play.recorder.counts.noise), (20, 30));
}

#[test]
fn sdk_case_44_a_clock_that_jumps_back_makes_no_negative_time_and_no_equal_ids() {
    let mut play = Play::opened();
    let mut ids = std::collections::BTreeSet::new();
    for (id, back) in [(2, 0), (3, 3_600_000_000), (4, 0)] {
        for (way, line) in [
            (Way::FromClient, format!(r#"{{"id":{id},"method":"tools/call","params":{{"name":"search"}}}}"#)),
            (Way::FromServer, format!(r#"{{"id":{id},"result":{{}}}}"#)),
        ] {
            // Even the monotonic clock, should it be none.
            let mono_us = if way == Way::FromClient { 5_000_000 } else { 4_000_000 };
            let seen = Observed { way, wall: START.plus_micros(-back), mono_us, line: line.into_bytes() };
            play.recorder.observe(&seen, &mut play.events);
        }
        assert_eq!(play.last().duration_us, Some(0));
        assert!(ids.insert(play.last().id.clone()));
    }
    let sessions: std::collections::BTreeSet<_> = play.events.iter().map(|e| e.session_id.clone()).collect();
    assert_eq!(sessions.len(), 1, "an hour back is no idle hour");
}

proptest::proptest! {
    #[test]
    fn arbitrary_lines_never_break_the_recorder(lines in proptest::collection::vec("\\PC{0,60}", 0..20)) {
        let mut play = Play::opened();
        for line in lines {
            play.client(&line).server(&line);
        }
    }
}

#[test]
fn case_49_a_trackway_further_inside_is_not_repeated() {
    let own = crate::wire::eligible::project_marker(&config().project);
    for (marker, calls, intent) in [(own.as_str(), 0, None), ("deadbeef", 1, Some("because"))] {
        let mut play = Play::new();
        play.client(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).server(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{{"name":"t","inputSchema":{{"type":"object","properties":{{"context":{{}}}}}},"_meta":{{"trackway/intent":{{"v":1,"arg":"context","p":"{marker}"}}}}}}]}}}}"#
        ));
        play.call(2, "t", r#"{"context":"because","a":1}"#)
            .server(r#"{"jsonrpc":"2.0","id":2,"result":{"content":[]}}"#)
            .call(3, "t", "{}");
        let at = play.at_us;
        play.recorder.close(at, &mut play.events);
        let found: Vec<_> = play.events.iter().filter(|e| e.kind == Kind::ToolCall).collect();
        assert_eq!(found.len(), calls * 2, "{marker}");
        if let Some(first) = found.first() {
            assert_eq!(first.intent.as_deref(), intent);
            assert!(first.arguments.as_ref().unwrap().get().contains("because"), "it is not cut here");
        }
    }
}
