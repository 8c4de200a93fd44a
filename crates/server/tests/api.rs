//! The JSON API: objects as promised, errors as problem+json, the OpenAPI document true.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod kit;

use http::StatusCode;
use kit::{Kit, fixture};
use serde_json::{Value, json};
use trackway_store::{Store, TokenScope};

const FILES: [&str; 3] =
    ["agentcat-ts-1.0.1-stdio.jsonl", "agentcat-python-1.0.2.jsonl", "agentcat-rust-1.0.0.jsonl"];

async fn filled() -> (Kit, String) {
    let kit = Kit::new();
    kit.clock.store(
        trackway_event::Timestamp::parse("2026-11-21T03:00:00Z").unwrap().micros(),
        std::sync::atomic::Ordering::Relaxed,
    );
    for file in FILES {
        for body in fixture(file) {
            kit.ac(body).await;
        }
    }
    let token = format!("Bearer {}", kit.token(TokenScope::Admin, None));
    (kit, token)
}

impl Kit {
    async fn read(&self, token: &str, path: &str) -> Value {
        let answer = self.get(path, &[("authorization", token)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.json()
    }
}

#[tokio::test]
async fn objects_have_the_members_of_the_contract() {
    let (kit, token) = filled().await;
    let p = "/api/v1/projects/proj_t";
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let events = kit.read(&token, &format!("{p}/events?n=100")).await;
    assert_eq!(events["next"], Value::Null);
    assert_eq!(events["items"].as_array().unwrap().len(), 22);
    assert_eq!(
        members(&events["items"][0]),
        "actor client duration_ms error id input intent intent_source kind notes project_id resource server session_id \
         session_source started_at status tool"
    );
    let failed = events["items"].as_array().unwrap().iter().find(|e| e["tool"] == "boom").unwrap().clone();
    assert_eq!(members(&failed["error"]), "message type");
    assert_eq!(
        failed["status"],
        if failed["error"]["type"] == "InvalidParams" { "protocol_error" } else { "tool_error" }
    );
    let id = failed["id"].as_str().unwrap();
    let detail = kit.read(&token, &format!("{p}/events/{id}")).await;
    assert_eq!(detail["id"], id);
    assert!(detail["arguments"].is_object() && detail["raw"].is_object());
    let sessions = kit.read(&token, &format!("{p}/sessions?sort=started")).await;
    assert_eq!(
        members(&sessions["items"][0]),
        "actor attempts client context_tokens duration_ms ending errors events first_success_call first_success_ms goal id intents joined last_event_at merged_from missing_reports project_id \
         server session_source started_at tokens tool_calls why"
    );
    let first = sessions["items"][0]["id"].as_str().unwrap();
    let session = kit.read(&token, &format!("{p}/sessions/{first}")).await;
    assert_eq!(session["client"]["name"], "claude-code");
    assert_eq!(session["actor"], json!({"id": "u_1", "name": "Alice", "properties": {"plan": "premium"}}));
    assert_eq!((session["tool_calls"].clone(), session["errors"].clone()), (json!(6), json!(4)));
    let inside = kit.read(&token, &format!("{p}/sessions/{first}/events")).await;
    assert_eq!(inside["items"].as_array().unwrap().len(), 9);
    let people = kit.read(&token, &format!("{p}/people")).await;
    assert_eq!(people["items"].as_array().unwrap().len(), 2);
    let person = kit.read(&token, &format!("{p}/people/u_1")).await;
    assert_eq!(
        (person["name"].clone(), person["properties"].clone()),
        (json!("Alice"), json!({"plan": "premium"}))
    );
    let overview = kit.read(&token, &format!("{p}/overview?cmp=prev")).await;
    assert_eq!(overview["now"]["calls"]["calls"], 12);
    assert_eq!(overview["now"]["missing_reports"], 2);
    let tools = kit.read(&token, &format!("{p}/tools")).await;
    assert_eq!(
        tools["items"].as_array().unwrap().iter().map(|t| t["calls"]["calls"].as_u64().unwrap()).sum::<u64>(),
        12
    );
    let tool = kit.read(&token, &format!("{p}/tools/boom")).await;
    assert_eq!(tool["calls"]["failed"], 3);
    let issues = kit.read(&token, &format!("{p}/issues")).await;
    let issue = issues["items"][0]["id"].as_u64().unwrap();
    let issue = kit.read(&token, &format!("{p}/issues/{issue}")).await;
    assert!(!issue["samples"].as_array().unwrap().is_empty());
    let clients = kit.read(&token, &format!("{p}/clients")).await;
    assert!(clients["items"].as_array().unwrap().iter().any(|c| c["client"]["name"] == "rmcp"));
    let intake = kit.read(&token, &format!("{p}/intake")).await;
    assert_eq!((intake["received"].clone(), intake["stored"].clone()), (json!(22), json!(22)));
}

#[tokio::test]
async fn pages_follow_their_cursor() {
    let (kit, token) = filled().await;
    let mut seen = Vec::new();
    let mut path = "/api/v1/projects/proj_t/events?n=5".to_owned();
    loop {
        let page = kit.read(&token, &path).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/projects/proj_t/events?n=5&after={next}");
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((count, seen.len()), (22, 22));
}

#[tokio::test]
async fn filters_narrow_and_bad_ones_are_refused() {
    let (kit, token) = filled().await;
    let p = "/api/v1/projects/proj_t";
    let boom = kit.read(&token, &format!("{p}/events?f=tool:eq:boom")).await;
    assert_eq!(boom["items"].as_array().unwrap().len(), 3);
    let early = kit.read(&token, &format!("{p}/events?to=2026-11-21T02:00:00Z")).await;
    assert_eq!(early["items"].as_array().unwrap().len(), 9);
    for (path, status, code) in [
        ("/events?f=tol:eq:x", 400, "bad_filter"),
        ("/events?f=tool", 400, "bad_filter"),
        ("/events?from=nonsense", 400, "bad_request"),
        ("/events?n=5000", 400, "bad_request"),
        ("/events?after=%00rubbish", 400, "bad_cursor"),
        ("/sessions?tab=best", 400, "bad_request"),
        ("/sessions?sort=best", 400, "bad_request"),
        ("/tools?kind=ping", 400, "bad_request"),
        ("/events/none", 404, "not_found"),
        ("/sessions/none", 404, "not_found"),
        ("/sessions/none/events", 404, "not_found"),
        ("/issues/none", 404, "not_found"),
        ("/issues/99999", 404, "not_found"),
        ("/people/none", 404, "not_found"),
        ("/tools/none", 404, "not_found"),
        ("/live?f=calls:gt:5", 400, "bad_filter"),
        ("/live?after=x", 400, "bad_cursor"),
        ("/nothing", 404, "not_found"),
    ] {
        let answer = kit.get(&format!("{p}{path}"), &[("authorization", &token)]).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status.as_u16(), problem["code"].as_str().unwrap()),
            (status, code),
            "{path}: {problem}"
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
        assert_eq!(problem["status"], status);
    }
    let answer = kit.post_raw(&format!("{p}/events"), &[("authorization", &token)], "").await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (405, json!("method_not_allowed")));
    let long = kit.get(&format!("{p}/events?q={}", "x".repeat(9_000)), &[("authorization", &token)]).await;
    assert_eq!(long.json()["code"], "too_large");
}

#[tokio::test]
async fn projects_are_made_and_adopted() {
    let kit = Kit::new();
    let admin = format!("Bearer {}", kit.token(TokenScope::Admin, None));
    let make = async |body: Value| {
        kit.post_raw("/api/v1/projects", &[("authorization", &admin)], body.to_string()).await
    };
    kit.ac(json!({"project_id": "proj_lost", "event_type": "mcp:tools/call", "resource_name": "a"})).await;
    kit.ac(json!({"project_id": "phc_foreign", "event_type": "mcp:tools/call", "resource_name": "b"})).await;
    let refused = kit.read(&admin, "/api/v1/quarantine").await;
    assert_eq!(refused["items"].as_array().unwrap().len(), 2);
    let made = make(json!({"name": "Lost", "alias": "proj_lost"})).await;
    assert_eq!((made.status, made.json()["id"].clone()), (StatusCode::CREATED, json!("proj_lost")));
    let key = kit.store.project("proj_lost").unwrap().unwrap().key;
    assert_eq!(kit.events_of(key).len(), 1);
    // Another id of a known project.
    let made = make(json!({"id": "proj_lost", "alias": "phc_foreign"})).await;
    assert_eq!((made.status, made.json()["aliases"].clone()), (StatusCode::CREATED, json!(["phc_foreign"])));
    assert_eq!(kit.events_of(key).len(), 2);
    let minted = make(json!({"name": "Shop"})).await.json();
    assert!(minted["id"].as_str().unwrap().starts_with("proj_"));
    for (body, status, code) in [
        (json!({"id": "proj_lost"}), 409, "conflict"),
        (json!({"id": "bad id"}), 400, "bad_request"),
        (json!({}), 400, "bad_request"),
        (json!([]), 400, "bad_request"),
        (json!({"name": 5}), 400, "bad_request"),
        (json!({"name": "x".repeat(101)}), 400, "bad_request"),
        (json!({"name": "y".repeat(20_000)}), 413, "too_large"),
    ] {
        let answer = make(body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].as_str().unwrap()),
            (status, code),
            "{body}"
        );
    }
}

#[tokio::test]
async fn health_and_metrics() {
    let kit = Kit::new();
    assert_eq!(kit.get("/health/live", &[]).await.json(), json!({"status": "ok", "reasons": []}));
    assert_eq!(kit.get("/health/ready", &[]).await.status, StatusCode::OK);
    kit.ac(json!({"project_id": "proj_t", "event_type": "mcp:tools/call"})).await;
    kit.ac(json!({"project_id": "proj_secret_name"})).await;
    kit.post_raw("/v1/public/events", &[], "{").await;
    let token = format!("Bearer {}", kit.token(TokenScope::Read, Some(kit.p)));
    let text = kit.get("/metrics", &[("authorization", &token)]).await.text;
    for line in [
        "trackway_events_received_total 2",
        "trackway_events_stored_total 1",
        "trackway_events_dropped_total{reason=\"unknown_project\"} 1",
        "trackway_bodies_refused_total 1",
        "trackway_ingest_requests_total{wire=\"agentcat\"} 3",
        "trackway_acknowledge_seconds_count{} 2",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
    assert!(!text.contains("proj_"));
    kit.state.drain();
    let answer = kit.get("/health/ready", &[]).await;
    assert_eq!(
        (answer.status, answer.json()["status"].clone()),
        (StatusCode::SERVICE_UNAVAILABLE, json!("not_ready"))
    );
}

/// Checks a value against a schema of the document: the keywords that it uses, no more.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let target =
            document.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name} is missing"));
        return fits(document, target, value, at);
    }
    if let Some(all) = schema["allOf"].as_array() {
        return all.iter().for_each(|schema| fits(document, schema, value, at));
    }
    if let Some(any) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        let options: Vec<&Value> = any.iter().filter(|s| s["type"] != "null").collect();
        if value.is_null() {
            assert!(options.len() < any.len(), "{at} may not be null");
            return;
        }
        return fits(document, options[0], value, at);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let good = types.contains(&kind) || (kind == "integer" && types.contains(&"number"));
    assert!(good, "{at} is {kind}, not {types:?}");
    if let Some(items) = value.as_array() {
        items.iter().for_each(|item| fits(document, &schema["items"], item, &format!("{at}[]")));
    }
    if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            assert!(members.contains_key(name), "{at}.{name} is missing");
        }
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(value) = members.get(name) {
                fits(document, member, value, &format!("{at}.{name}"));
            }
        }
    }
}

#[tokio::test]
async fn the_openapi_document_is_complete_and_true() {
    // Other names of the same routes, as PostHog's SDKs of all ages call them.
    const SAME: &[&str] = &[
        "/i/v0/ai/batch",
        "/i/v0/ai",
        "/e",
        "/i/v0/e",
        "/capture",
        "/track",
        "/engage",
        "/decide",
        "/api/feature_flag/local_evaluation",
    ];
    let (kit, token) = filled().await;
    let document = kit.read(&token, "/api/openapi.json").await;
    let mut listed = 0;
    for route in trackway_server::routes::ROUTES.iter().chain(trackway_server::api::ROUTES) {
        // Pages for people, and what describes itself.
        if matches!(route.path, "/login" | "/logout" | "/metrics" | "/api/openapi.json")
            || route.method == "OPTIONS"
            || SAME.contains(&route.path)
        {
            continue;
        }
        let path = if route.path == "/v1/public/events" { "/v1/public/events/" } else { route.path };
        let operation = &document["paths"][path][route.method.to_lowercase()];
        assert!(operation["responses"].is_object(), "{} {} is not in the document", route.method, path);
        listed += 1;
    }
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|p| p.as_object().unwrap().len()).sum();
    assert_eq!(described, listed);
    let session = kit.sessions().remove(0).id;
    let event = kit.events().iter().find(|e| e.error.is_some()).unwrap().id.clone();
    let p = "/api/v1/projects/{p}";
    for (template, id) in [
        ("/health/live", ""),
        ("/health/ready", ""),
        ("/api/v1/projects", ""),
        ("/api/v1/quarantine", ""),
        (&format!("{p}/intake"), ""),
        (&format!("{p}/overview"), ""),
        (&format!("{p}/sessions"), ""),
        (&format!("{p}/sessions/{{id}}"), session.as_str()),
        (&format!("{p}/sessions/{{id}}/events"), session.as_str()),
        (&format!("{p}/events"), ""),
        (&format!("{p}/events/{{id}}"), event.as_str()),
        (&format!("{p}/tools"), ""),
        (&format!("{p}/tools/{{name}}"), "boom"),
        (&format!("{p}/issues"), ""),
        (&format!("{p}/issues/{{id}}"), "1"),
        (&format!("{p}/people"), ""),
        (&format!("{p}/people/{{id}}"), "u1"),
        (&format!("{p}/accounts"), ""),
        (&format!("{p}/clients"), ""),
        (&format!("{p}/intents"), ""),
        (&format!("{p}/signals"), ""),
        (&format!("{p}/catalog"), ""),
        (&format!("{p}/wishes"), ""),
        (&format!("{p}/warnings"), ""),
    ] {
        let path = template.replace("{p}", "proj_t").replace("{id}", id).replace("{name}", id);
        let value = kit.read(&token, &path).await;
        let schema =
            &document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{template} has no schema");
        fits(&document, schema, &value, template);
    }
    let problem = kit.get("/api/v1/projects/none/events", &[("authorization", &token)]).await.json();
    fits(&document, &document["components"]["schemas"]["ProblemBody"], &problem, "problem");
}

#[tokio::test]
async fn issues_are_decided_on_and_noted() {
    let (kit, token) = filled().await;
    let p = "/api/v1/projects/proj_t";
    let first = kit.read(&token, &format!("{p}/issues?tab=open")).await["items"][0]["id"].as_u64().unwrap();
    let post = async |body: Value| {
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        kit.post_raw(&format!("{p}/issues/{first}/act"), &headers, body.to_string()).await.status
    };
    assert_eq!(post(json!({"act": "resolve_in", "version": "soon"})).await, StatusCode::BAD_REQUEST);
    assert_eq!(post(json!({"act": "merge", "into": first})).await, StatusCode::BAD_REQUEST);
    assert_eq!(post(json!({"act": "split"})).await, StatusCode::NOT_FOUND);
    assert_eq!(post(json!({"act": "resolve"})).await, StatusCode::NO_CONTENT);
    let issue = kit.read(&token, &format!("{p}/issues/{first}")).await;
    assert_eq!(
        (issue["state"].clone(), issue["decision"]["what"].clone()),
        (json!("resolved"), json!("resolved"))
    );
    assert_eq!(issue["history"][0]["what"], "resolved");
    let open = kit.read(&token, &format!("{p}/issues?tab=open")).await;
    assert!(open["items"].as_array().unwrap().iter().all(|i| i["id"] != first));
    let noted = kit.store.audit(&trackway_store::AuditAsk { limit: 20, ..Default::default() }).unwrap();
    assert!(noted.iter().any(|a| a.act.as_str() == "issue_change" && a.target == format!("#{first}")));
    let read = format!("Bearer {}", kit.token(TokenScope::Read, Some(kit.p)));
    let refused = kit.post_raw(&format!("{p}/issues/{first}/act"), &[("authorization", &read)], "{}").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
