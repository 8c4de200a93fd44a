//! A tracked server over a pipe, driven by a real client: what is injected, cut, recorded, and what is left as it was.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by them")]

mod kit;

use std::collections::BTreeMap;
use std::time::Duration;

use kit::{Server, call, connect, text};
use rmcp::model::{CallToolRequest, CallToolRequestParams, ClientRequest, PaginatedRequestParams, Tool};
use rmcp::service::PeerRequestOptions;
use serde_json::json;
use trackway::testing::Harness;
use trackway::{IdentifyMode, Intent, Options, SessionMode, UserIdentity, track};
use trackway_event::{Event, IntentSource, Kind, SessionSource, Status};

fn calls(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|e| e.kind == Kind::ToolCall).collect()
}

async fn tools(client: &kit::Client) -> Vec<Tool> {
    client.list_tools(Some(PaginatedRequestParams::default())).await.unwrap().tools
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_recorded_and_the_handler_sees_it_without_context() {
    let harness = Harness::new();
    let client = connect(track(Server::default(), "proj_test", harness.options())).await;
    let listed = tools(&client).await;
    assert_eq!(listed.len(), 7, "six of its own, and get_more_tools last");
    let echo = serde_json::to_value(&listed[0]).unwrap();
    assert_eq!(echo["inputSchema"]["required"], json!(["a", "context"]));
    assert_eq!(echo["_meta"]["trackway/intent"]["arg"], "context");
    let own = listed.iter().find(|t| t.name == "own").unwrap();
    assert!(own.meta.is_none(), "a tool with a context of its own is left alone");
    let arguments = json!({"z": 1, "context": "see what comes back", "a": "x"});
    let answer = call(&client, "echo", arguments).await.unwrap();
    assert_eq!(text(&answer), r#"{"a":"x","z":1}"#);
    let answer = call(&client, "own", json!({"context": "mine"})).await.unwrap();
    assert_eq!(text(&answer), r#"{"context":"mine"}"#);

    let events = harness.wait_for(|events| calls(events).len() == 2);
    let seen = calls(&events);
    assert_eq!(seen[0].intent.as_deref(), Some("see what comes back"));
    assert_eq!(seen[0].intent_source, Some(IntentSource::Given));
    assert_eq!((seen[0].status, seen[0].tool.as_deref()), (Some(Status::Ok), Some("echo")));
    assert_eq!(seen[0].arguments.as_ref().unwrap().get(), r#"{"a":"x","z":1}"#);
    assert_eq!((seen[1].intent.as_deref(), seen[1].tool.as_deref()), (None, Some("own")));
    for event in &events {
        assert_eq!(event.client.as_ref().map(|c| &*c.name), Some("kit-client"), "{}", event.name);
        assert_eq!(event.session_source, Some(SessionSource::StdioProcess), "{}", event.name);
        assert_eq!(event.session_id, events[0].session_id);
    }
    assert_eq!(seen[0].server.as_ref().map(|s| &*s.name), Some("kit"));
    let kinds: Vec<Kind> = events.iter().map(|e| e.kind).collect();
    assert!(kinds.contains(&Kind::Initialize) && kinds.contains(&Kind::ToolsList), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ending_has_its_status_and_the_host_its_answer() {
    let harness = Harness::new();
    let client = connect(track(Server::default(), "proj_test", harness.options())).await;
    tools(&client).await;
    let failed = call(&client, "fails", json!({"a": "x"})).await.unwrap();
    assert_eq!((failed.is_error, text(&failed).as_str()), (Some(true), "no such order"));
    let error = call(&client, "errs", json!({"a": "x"})).await.unwrap_err();
    assert!(error.to_string().contains("the database is away"), "{error}");
    let unknown = call(&client, "nowhere", json!({})).await.unwrap_err();
    assert!(unknown.to_string().contains("no tool nowhere"), "{unknown}");
    let _ =
        tokio::time::timeout(Duration::from_millis(500), call(&client, "panics", json!({"a": "x"}))).await;
    let events = harness.wait_for(|events| calls(events).len() == 4);
    let of =
        |tool: &str| calls(&events).into_iter().find(|e| e.tool.as_deref() == Some(tool)).cloned().unwrap();
    assert_eq!(of("fails").status, Some(Status::ToolError));
    assert_eq!(of("fails").error.unwrap().message.as_ref(), "no such order");
    assert_eq!((of("errs").status, of("errs").error_code), (Some(Status::ProtocolError), Some(-32603)));
    assert!(of("nowhere").flags.unknown_tool);
    let panicked = of("panics");
    assert_eq!(panicked.status, Some(Status::ProtocolError));
    assert!(panicked.notes.iter().any(|n| &**n == "panic"), "{:?}", panicked.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_the_client_gave_up_is_cancelled() {
    let harness = Harness::new();
    let client = connect(track(Server::default(), "proj_test", harness.options())).await;
    let mut params = CallToolRequestParams::new("hangs");
    params.arguments = json!({"a": "x"}).as_object().cloned();
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
    let waiting =
        client.peer().send_cancellable_request(request, PeerRequestOptions::no_options()).await.unwrap();
    // A request that is given up before it began leaves nothing to record.
    tokio::time::sleep(Duration::from_millis(300)).await;
    waiting.cancel(Some("no longer wanted".into())).await.unwrap();
    let events = harness.wait_for(|events| !calls(events).is_empty());
    assert_eq!(calls(&events).first().map(|e| e.status), Some(Some(Status::Cancelled)));
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_are_answered_and_recorded_unless_the_server_owns_the_name() {
    let harness = Harness::new();
    let client = connect(track(Server::default(), "proj_test", harness.options())).await;
    let answer = call(&client, "get_more_tools", json!({"context": "refund an order"})).await.unwrap();
    assert!(text(&answer).starts_with("Thank you."));
    let events = harness.wait_for(|events| events.iter().any(|e| e.kind == Kind::MissingCapability));
    let wish = events.iter().find(|e| e.kind == Kind::MissingCapability).unwrap();
    assert_eq!(wish.intent.as_deref(), Some("refund an order"));

    let harness = Harness::new();
    let client = connect(track(Server { owns_more_tools: true }, "proj_test", harness.options())).await;
    assert_eq!(tools(&client).await.iter().filter(|t| t.name == "get_more_tools").count(), 1);
    let answer = call(&client, "get_more_tools", json!({"context": "mine"})).await.unwrap();
    assert_eq!(text(&answer), r#"{"context":"mine"}"#);

    let harness = Harness::new();
    let client =
        connect(track(Server::default(), "proj_test", harness.options().report_missing(false))).await;
    assert_eq!(tools(&client).await.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn context_can_be_optional_off_or_never_touched() {
    for (mode, injected, cut) in
        [(Intent::Optional, true, true), (Intent::Off, false, true), (Intent::ObserveOnly, false, false)]
    {
        let harness = Harness::new();
        let client = connect(track(Server::default(), "proj_test", harness.options().intent(mode))).await;
        let echo = serde_json::to_value(&tools(&client).await[0]).unwrap();
        assert_eq!(echo["inputSchema"]["properties"].get("context").is_some(), injected, "{mode:?}");
        assert_eq!(echo["inputSchema"]["required"], json!(["a"]), "{mode:?}");
        let answer = call(&client, "echo", json!({"a": "x", "context": "why"})).await.unwrap();
        assert_eq!(!text(&answer).contains("why"), cut, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_before_any_listing_is_cut_too() {
    let harness = Harness::new();
    let client = connect(track(Server::default(), "proj_test", harness.options())).await;
    let answer = call(&client, "echo", json!({"a": "x", "context": "first thing"})).await.unwrap();
    assert_eq!(text(&answer), r#"{"a":"x"}"#);
    let events = harness.wait_for(|events| !calls(events).is_empty());
    assert_eq!(calls(&events)[0].intent.as_deref(), Some("first thing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_named_once_a_session_and_again_when_they_change() {
    let harness = Harness::new();
    let options =
        harness.options().identify_mode(IdentifyMode::EveryRequest).identify(|request, _| async move {
            let id = request.arguments?.get("a")?.as_str()?.to_owned();
            (id != "nobody")
                .then(|| UserIdentity::new(id).name("Ana").data("plan", "pro").group("organization", "acme"))
        });
    let client = connect(track(Server::default(), "proj_test", options)).await;
    for user in ["u_1", "nobody", "u_1", "u_2"] {
        call(&client, "echo", json!({"a": user})).await.unwrap();
    }
    let events = harness.wait_for(|events| calls(events).len() == 4);
    let actors: Vec<Option<&str>> =
        calls(&events).iter().map(|e| e.actor.as_ref().map(|a| a.id.as_str())).collect();
    assert_eq!(actors, [Some("u_1"), Some("u_1"), Some("u_1"), Some("u_2")], "none keeps who it was");
    let identifies: Vec<&Event> = events.iter().filter(|e| e.kind == Kind::Identify).collect();
    assert_eq!(identifies.len(), 2);
    let actor = identifies[0].actor.as_ref().unwrap();
    assert_eq!((actor.name.as_deref(), &actor.traits["plan"]), (Some("Ana"), &json!("pro")));
    assert_eq!(identifies[0].groups.get("organization").map(|g| &**g), Some("acme"));
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_that_panic_or_hang_change_no_call() {
    let harness = Harness::new();
    let options = harness
        .options()
        // Long enough that nothing but the hanging one meets it, on the busiest machine.
        .callback_deadline(Duration::from_secs(3))
        .identify(|request, _| async move {
            match request.arguments?.get("a")?.as_str()? {
                "panic" => panic!("a bug in identify"),
                "hang" => std::future::pending().await,
                _ => Some(UserIdentity::new("   ")),
            }
        })
        .event_tags(|request, _| {
            let mut tags = BTreeMap::from([("team".to_owned(), "search".to_owned())]);
            tags.insert("bad\nkey".into(), "x".into());
            assert!(request.name.as_deref() != Some("own"), "a bug in event_tags");
            tags
        })
        .event_properties(|_, _| {
            json!({"build": 7, "tool_hash": "forged", "none": null}).as_object().unwrap().clone()
        });
    let client = connect(track(Server::default(), "proj_test", options)).await;
    tools(&client).await;
    for what in ["panic", "hang", "blank"] {
        let answer = call(&client, "echo", json!({"a": what})).await.unwrap();
        assert_eq!(text(&answer), format!(r#"{{"a":"{what}"}}"#));
    }
    call(&client, "own", json!({})).await.unwrap();
    let events = harness.wait_for(|events| calls(events).len() == 4);
    let seen = calls(&events);
    assert!(seen.iter().all(|e| e.actor.is_none()));
    let failed = seen.iter().filter(|e| e.notes.iter().any(|n| &**n == "identify_failed")).count();
    assert_eq!(failed, 2);
    let echo = seen.iter().find(|e| e.tool.as_deref() == Some("echo")).unwrap();
    assert_eq!(echo.tags.len(), 1);
    let properties: serde_json::Value =
        serde_json::from_str(echo.properties.as_ref().unwrap().get()).unwrap();
    assert_eq!(properties["build"], 7);
    assert!(properties["tool_hash"] != "forged" && properties.get("none").is_none(), "{properties}");
    let own = seen.iter().find(|e| e.tool.as_deref() == Some("own")).unwrap();
    assert!(own.notes.iter().any(|n| &**n == "event_tags_failed"), "{:?}", own.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_edit_and_drop_events_and_credentials_never_leave() {
    let harness = Harness::new();
    let options = harness
        .options()
        .redact_text(|text| text.contains("sesame").then(|| "[hidden]".to_owned()))
        .redact_event(|event| (event.tool.as_deref() != Some("own")).then_some(event));
    let client = connect(track(Server::default(), "proj_test", options)).await;
    call(&client, "own", json!({})).await.unwrap();
    let answer = call(&client, "echo", json!({"a": "open sesame", "password": "hunter2"})).await.unwrap();
    assert!(text(&answer).contains("hunter2"), "the handler gets what it was given");
    let events = harness.wait_for(|events| !calls(events).is_empty());
    assert_eq!(calls(&events).len(), 1);
    let all = serde_json::to_string(&events).unwrap();
    assert!(!all.contains("hunter2") && !all.contains("sesame"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn off_means_off() {
    for options in [Options::new().enabled(false), Options::new()] {
        // no project and no exporter is off as well
        let server = track(Server::default(), "", options);
        assert!(!server.handle().status().on);
        let client = connect(server).await;
        assert_eq!(tools(&client).await.len(), 6);
        let answer = call(&client, "echo", json!({"a": "x", "context": "kept"})).await.unwrap();
        assert!(text(&answer).contains("kept"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tracking_twice_records_once() {
    let harness = Harness::new();
    let once = track(Server::default(), "proj_test", harness.options());
    let client = connect(track(once, "proj_test", harness.options())).await;
    call(&client, "echo", json!({"a": "x"})).await.unwrap();
    let events = harness.wait_for(|events| !calls(events).is_empty());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(calls(&harness.events()).len(), 1, "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn own_events_and_the_end() {
    let harness = Harness::new();
    let server = track(Server::default(), "proj_test", harness.options());
    let handle = server.handle();
    let client = connect(server).await;
    handle.publish("order_placed", None, json!({"total": 12}).as_object().unwrap().clone());
    assert!(handle.flush(Duration::from_secs(5)).await);
    let events = harness.events();
    let custom = events.iter().find(|e| e.kind == Kind::Custom).unwrap();
    assert_eq!(custom.resource.as_deref(), Some("order_placed"));
    let ending = handle.clone();
    let status = tokio::task::spawn_blocking(move || ending.shutdown(Duration::from_secs(2))).await.unwrap();
    assert!(!status.on);
    let answer = call(&client, "echo", json!({"a": "x", "context": "after the end"})).await.unwrap();
    assert_eq!(
        text(&answer),
        r#"{"a":"x"}"#,
        "calls go on, still without the argument that agents were asked for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_carries_the_session_and_the_server_never_sees_it() {
    let harness = Harness::new();
    let options = harness.options().session_mode(SessionMode::Handle);
    let client = connect(track(Server::default(), "proj_test", options)).await;
    let listed = tools(&client).await;
    let echo = serde_json::to_value(&listed[0]).unwrap();
    assert_eq!(echo["inputSchema"]["required"], json!(["a", "context", "session_id"]));
    let own = listed.iter().find(|t| t.name == "own").unwrap();
    let own = serde_json::to_value(own).unwrap();
    assert_eq!(own["inputSchema"]["required"], json!(["session_id"]), "its own context is no reason");

    let arguments = json!({"a": "x", "session_id": "start", "context": "first"});
    let answer = call(&client, "echo", arguments).await.unwrap();
    assert_eq!(text(&answer), r#"{"a":"x"}"#);
    let last = serde_json::to_value(&answer.content).unwrap();
    let last = last.as_array().unwrap().last().unwrap()["text"].as_str().unwrap().to_owned();
    let handle = last.strip_prefix("session_id: ").unwrap().to_owned();
    for wrong in [true, true] {
        let given = if wrong { "ses_of_somebody_else" } else { "" };
        call(&client, "echo", json!({"a": "y", "session_id": given})).await.unwrap();
    }
    let said = call(&client, "fails", json!({"a": "z", "session_id": handle})).await.unwrap();
    assert_eq!(said.content.len(), 2, "an answer that says what went wrong tells the session too");
    call(&client, "errs", json!({"a": "z", "session_id": handle})).await.unwrap_err();

    let events = harness.wait_for(|events| calls(events).len() == 5);
    let seen = calls(&events);
    let of = |n: usize| seen[n].session_id.as_ref().map(|s| s.as_str());
    assert_eq!((of(0), of(3), of(4)), (Some(&*handle), Some(&*handle), Some(&*handle)));
    assert_eq!((of(1), of(2)), (None, None), "a handle of nobody joins no session");
    assert!(seen.iter().all(|e| !e.arguments.as_ref().unwrap().get().contains("session_id")), "{seen:?}");
    assert_eq!(seen[0].session_source, Some(SessionSource::Operator));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_19_a_session_id_of_the_tools_own_is_never_read() {
    struct Owner;
    impl rmcp::ServerHandler for Owner {
        fn get_info(&self) -> rmcp::model::ServerConfig {
            rmcp::ServerHandler::get_info(&Server::default())
        }
        fn get_tool(&self, _: &str) -> Option<Tool> {
            let schema = json!({"type": "object", "properties": {"session_id": {"type": "string"}}});
            Some(Tool::new("log_in", "Logs in.", schema.as_object().unwrap().clone()))
        }
        async fn call_tool(
            &self,
            request: CallToolRequestParams,
            context: rmcp::service::RequestContext<rmcp::RoleServer>,
        ) -> Result<rmcp::model::CallToolResponse, rmcp::ErrorData> {
            let mut echo = request;
            echo.name = "echo".into();
            rmcp::ServerHandler::call_tool(&Server::default(), echo, context).await
        }
    }
    let harness = Harness::new();
    let client =
        connect(track(Owner, "proj_test", harness.options().session_mode(SessionMode::Handle))).await;
    let answer = call(&client, "log_in", json!({"session_id": "mine"})).await.unwrap();
    assert_eq!((text(&answer).as_str(), answer.content.len()), (r#"{"session_id":"mine"}"#, 1));
    let events = harness.wait_for(|events| calls(events).len() == 1);
    assert_eq!(calls(&events)[0].session_source, Some(SessionSource::StdioProcess));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_names_conversations_and_the_name_stays_with_it() {
    let harness = Harness::new();
    let options = harness.options().resolve_session(|request, _| {
        let room = request.arguments.as_ref()?.get("a")?.as_str()?;
        assert_ne!(room, "boom");
        Some(room.to_owned())
    });
    let client = connect(track(Server::default(), "proj_test", options)).await;
    for room in ["kitchen", "hall", "kitchen", "boom"] {
        call(&client, "echo", json!({"a": room})).await.unwrap();
    }
    let events = harness.wait_for(|events| calls(events).len() == 4);
    let mut by_room: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for event in calls(&events) {
        let room = event.arguments.as_ref().unwrap().get().to_owned();
        by_room.entry(room).or_default().push((event.session_source, event.session_id.clone()));
    }
    let kitchen = &by_room[r#"{"a":"kitchen"}"#];
    assert_eq!(kitchen[0], kitchen[1]);
    assert_eq!(kitchen[0].0, Some(SessionSource::Operator));
    assert_ne!(kitchen[0], by_room[r#"{"a":"hall"}"#][0]);
    assert_eq!(by_room[r#"{"a":"boom"}"#][0].0, Some(SessionSource::StdioProcess), "it failed: the next way");
    assert!(!kitchen[0].1.as_ref().unwrap().as_str().contains("kitchen"));
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_is_offered_on_wish_answered_and_recorded() {
    let harness = Harness::new();
    let client = connect(track(Server::default(), "proj_test", harness.options().feedback(true))).await;
    let listed = tools(&client).await;
    assert_eq!(listed.last().unwrap().name, "send_feedback");
    let said = json!({"feedback_type": "praise", "summary": "echo is quick", "sentiment": "positive", "task_completed": true});
    let answer = call(&client, "send_feedback", said).await.unwrap();
    assert!(text(&answer).starts_with("Thank you"));
    call(&client, "send_feedback", json!({"feedback_type": "rant"})).await.unwrap();
    let is_word = |e: &&Event| e.kind == Kind::Feedback;
    let events = harness.wait_for(|events| events.iter().filter(is_word).count() == 2);
    let words: Vec<_> = events.iter().filter(is_word).collect();
    assert_eq!(words[0].intent.as_deref(), Some("echo is quick"));
    let facts = |n: usize| -> serde_json::Value {
        serde_json::from_str(words[n].properties.as_ref().unwrap().get()).unwrap()
    };
    assert_eq!(facts(0)["feedback"]["type"], "praise");
    assert_eq!(facts(0)["feedback"]["task_completed"], true);
    assert_eq!(facts(1)["feedback"]["type"], "other", "what is missing does not lose the rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_debug_file_names_what_was_recorded_and_none_of_its_contents() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("debug.jsonl");
    let harness = Harness::new();
    let options = harness.options().debug(&file).capture(trackway::Level::Shape, trackway::Level::Off);
    let client = connect(track(Server::default(), "proj_test", options)).await;
    call(&client, "echo", json!({"a": "a word of the user's", "context": "an intent"})).await.unwrap();
    let events = harness.wait_for(|events| calls(events).len() == 1);
    let seen = calls(&events)[0];
    assert!(!seen.arguments.as_ref().unwrap().get().contains("a word"), "{seen:?}");
    assert!(seen.result.is_none(), "{seen:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(r#""tool":"echo""#), "{text}");
    assert!(!text.contains("a word") && !text.contains("an intent"), "{text}");
}
