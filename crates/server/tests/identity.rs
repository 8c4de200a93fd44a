//! The numbered identity cases of wire-posthog §11 (43 to 60, 62 to 71) against the real router and the real store: in the
//! order they are told in, backwards one by one, and again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod kit;

use http::StatusCode;
use kit::Kit;
use serde_json::{Value, json};
use trackway_event::Timestamp;
use trackway_store::Store;
use trackway_store::query::*;

/// What is said, and who is there then: ids of each person, its properties, whether it is identified.
struct Case {
    n: &'static str,
    told: Vec<Value>,
    people: Vec<(Vec<&'static str>, Value, bool)>,
    /// Whose each event is, in order of time; empty: not looked at.
    whose: Vec<&'static str>,
}

fn case(n: &'static str, told: Vec<Value>, people: Vec<(Vec<&'static str>, Value, bool)>) -> Case {
    Case { n, told, people, whose: Vec::new() }
}

impl Case {
    fn whose(mut self, whose: &[&'static str]) -> Self {
        self.whose = whose.to_vec();
        self
    }
}

/// An event at this second.
fn told(second: u32, name: &str, id: &str, properties: Value) -> Value {
    let at = format!("2026-03-02T11:00:{second:02}.000Z");
    json!({"event": name, "distinct_id": id, "timestamp": at, "properties": properties,
        "uuid": format!("01a1fbcc-7a5d-7efc-81bb-0000000000{second:02}")})
}

fn custom(second: u32, id: &str) -> Value {
    told(second, "opened", id, json!({}))
}

/// A tool call of a session; `off` where no person may be made.
fn call(second: u32, id: &str, session: &str, profile: Value) -> Value {
    let mut event = told(
        second,
        "$mcp_tool_call",
        id,
        json!({"$mcp_source": "posthog_mcp_analytics", "$session_id": session, "$mcp_tool_name": "add"}),
    );
    if !profile.is_null() {
        event["properties"]["$process_person_profile"] = profile;
    }
    event
}

fn identify(second: u32, id: &str, anon: &str) -> Value {
    told(second, "$identify", id, json!({"$anon_distinct_id": anon}))
}

fn alias(second: u32, id: &str, alias: &str) -> Value {
    told(second, "$create_alias", id, json!({"alias": alias}))
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let none = || json!({});
    let in_session = |mut event: Value| { event["properties"]["$session_id"] = json!("S1"); event["properties"]["$mcp_source"] = json!("posthog_mcp_analytics"); event };
    let off = || json!(false);
    let known_u2 = |known: bool| {
        let mut told = vec![identify(1, "u1", "a1"), identify(2, "u1", "a2"), identify(3, "u2", "a1")];
        if known { told.insert(0, custom(0, "u2")); }
        told
    };
    vec![
        case("43", vec![call(0, "S1", "S1", off())], vec![]).whose(&[""]),
        case("44 45", vec![call(0, "S1", "S1", off()), in_session(told(1, "$identify", "u1", json!({"$set": {"plan": "pro"}})))],
            vec![(vec!["u1"], json!({"plan": "pro"}), false)]).whose(&["u1", "u1"]),
        case("46", vec![call(0, "S1", "S1", off()), call(1, "u1", "S1", Value::Null)], vec![(vec!["u1"], none(), false)]).whose(&["u1", "u1"]),
        case("47", vec![custom(0, "a1"), identify(1, "u1", "a1")], vec![(vec!["a1", "u1"], none(), true)]).whose(&["u1", "u1"]),
        case("48", vec![told(0, "$identify", "u1", json!({"$set": {"a": 1}}))], vec![(vec!["u1"], json!({"a": 1}), false)]),
        case("49", vec![alias(0, "A", "B")], vec![(vec!["A", "B"], none(), true)]),
        case("50", vec![told(0, "opened", "B", json!({"$set": {"x": 1, "y": 1}})), told(1, "opened", "A", json!({"$set": {"x": 2}})), alias(2, "A", "B")],
            vec![(vec!["A", "B"], json!({"x": 2, "y": 1}), true)]).whose(&["A", "A", "A"]),
        case("51", vec![identify(0, "B", "b0"), custom(1, "A"), alias(2, "A", "B")],
            vec![(vec!["A"], none(), false), (vec!["B", "b0"], none(), true)]).whose(&["B", "A", "A"]),
        case("52", vec![identify(0, "B", "b0"), custom(1, "A"), told(2, "$merge_dangerously", "A", json!({"alias": "B"}))],
            vec![(vec!["A", "B", "b0"], none(), true)]).whose(&["A", "A", "A"]),
        case("53 null", vec![custom(0, "a1"), identify(1, "null", "a1")], vec![(vec!["a1"], none(), false)]).whose(&["a1", ""]),
        case("53 NULL", vec![custom(0, "a1"), identify(1, "NULL", "a1")], vec![(vec!["NULL", "a1"], none(), true)]),
        case("53 Guest", vec![custom(0, "a1"), identify(1, "Guest", "a1")], vec![(vec!["a1"], none(), false)]),
        case("53 'none'", vec![custom(0, "a1"), identify(1, "'none'", "a1")], vec![(vec!["a1"], none(), false)]),
        case("53 blank", vec![custom(0, "a1"), identify(1, "u1", " ")], vec![(vec!["a1"], none(), false), (vec!["u1"], none(), false)]),
        case("54", vec![alias(0, "u1", "u1")], vec![(vec!["u1"], none(), false)]),
        case("55 known", known_u2(true), vec![(vec!["a1", "a2", "u1"], none(), true), (vec!["u2"], none(), false)]),
        case("55 unknown", known_u2(false), vec![(vec!["a1", "a2", "u1"], none(), true), (vec!["u2"], none(), false)]),
        case("56", vec![custom(0, "old"), alias(1, "new", "old")], vec![(vec!["new", "old"], none(), true)]),
        case("57", vec![custom(0, "u1"), told(1, "opened", "u1", json!({"$process_person_profile": false, "$set": {"p": 1}}))],
            vec![(vec!["u1"], none(), false)]).whose(&["u1", "u1"]),
        case("57 alone", vec![told(1, "opened", "u1", json!({"$process_person_profile": false, "$set": {"p": 1}}))], vec![]).whose(&[""]),
        case("58", vec![told(0, "opened", "u1", json!({"$process_person_profile": "false", "$set": {"p": 1}}))], vec![(vec!["u1"], json!({"p": 1}), false)]),
        case("60 set", vec![told(0, "$set", "u1", json!({"$set": {"k": 1}})), told(1, "$set", "u1", json!({"$set_once": {"k": 2, "j": 3}}))],
            vec![(vec!["u1"], json!({"j": 3, "k": 1}), false)]),
        case("60 unset", vec![told(0, "$set", "u1", json!({"$set": {"k": 1}})), told(1, "$set", "u1", json!({"$set_once": {"k": 2, "j": 3}})),
            told(2, "$set", "u1", json!({"$unset": ["k"]}))], vec![(vec!["u1"], json!({"j": 3}), false)]),
        case("60 both", vec![told(3, "$set", "u1", json!({"$set": {"k": 9}, "$set_once": {"k": 8}}))], vec![(vec!["u1"], json!({"k": 9}), false)]),
        case("62", vec![json!({"event": "$create_alias", "timestamp": "2026-03-02T11:00:00.000Z", "uuid": "01a1fbcc-7a5d-7efc-81bb-000000000000",
            "properties": {"distinct_id": "u1", "alias": "a1"}})], vec![(vec!["a1", "u1"], none(), true)]),
        case("63", vec![{ let mut e = told(0, "$identify", "u1", json!({})); e["$set"] = json!({"plan": "pro"}); e }], vec![(vec!["u1"], json!({"plan": "pro"}), false)]),
        case("64 unknown", vec![custom(0, "a1"), alias(1, "a1", "u1")], vec![(vec!["a1", "u1"], none(), true)]),
        case("64 identified", vec![identify(0, "u1", "z"), alias(1, "a1", "u1")], vec![(vec!["a1", "u1", "z"], none(), true)]),
        case("65", vec![call(0, "S", "S", off()), call(1, "u1", "S", Value::Null), call(2, "u2", "S", Value::Null)],
            vec![(vec!["u1"], none(), false), (vec!["u2"], none(), false)]).whose(&["u1", "u1", "u2"]),
        case("67", vec![custom(0, "u1"), told(1, "$exception", "u1", json!({"$set": {"p": 1}, "$exception_list": [{"type": "E", "value": "v"}]}))],
            vec![(vec!["u1"], none(), false)]),
        case("68", vec![custom(0, "anonymous"), call(1, "anonymous", "S1", Value::Null), call(2, "anonymous", "S2", Value::Null)], vec![]).whose(&["", "", ""]),
    ]
}

async fn send(kit: &Kit, events: &[Value]) {
    let body = json!({"api_key": "proj_t", "batch": events});
    let answer = kit.post_raw("/batch/", &[], body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

/// Ids, properties and whether identified, of everyone who is listed.
fn people(kit: &Kit) -> Vec<(Vec<String>, Value, bool)> {
    let page = PageAsk { after: None, limit: 100 };
    let ask = ListAsk { scope: kit.scope(), page, sort: Some("name".into()) };
    let mut all: Vec<(Vec<String>, Value, bool)> = Vec::new();
    for row in kit.store.people(kit.p, &ask).unwrap().items {
        let person = kit.store.person(kit.p, row.actor.id.as_str()).unwrap().unwrap();
        let mut ids: Vec<String> = person.ids.iter().map(|i| i.id.to_string()).collect();
        ids.sort();
        all.push((ids, Value::Object(row.traits), row.identified));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn whose(kit: &Kit) -> Vec<String> {
    kit.events().into_iter().map(|e| e.actor.map(|a| a.id.to_string()).unwrap_or_default()).collect()
}

fn check(kit: &Kit, case: &Case, how: &str) {
    let expect: Vec<(Vec<String>, Value, bool)> = case
        .people
        .iter()
        .map(|(ids, traits, identified)| {
            (ids.iter().map(|i| (*i).to_owned()).collect(), traits.clone(), *identified)
        })
        .collect();
    assert_eq!(people(kit), expect, "case {}, {how}", case.n);
    if !case.whose.is_empty() {
        assert_eq!(whose(kit), case.whose, "case {}, {how}", case.n);
    }
}

#[tokio::test]
async fn posthog_cases_43_to_68() {
    for case in cases() {
        let kit = Kit::new();
        send(&kit, &case.told).await;
        check(&kit, &case, "as told");
        send(&kit, &case.told).await;
        check(&kit, &case, "told twice");
        let kit = Kit::new();
        for event in case.told.iter().rev() {
            send(&kit, std::slice::from_ref(event)).await;
        }
        check(&kit, &case, "backwards, one by one");
    }
}

#[tokio::test]
async fn posthog_case_58_the_options_of_v1_are_booleans() {
    let kit = Kit::new();
    let event = json!({"event": "opened", "distinct_id": "u1", "timestamp": "2026-03-02T11:00:00.000Z",
        "uuid": "01a1fbcc-7a5d-7efc-81bb-000000000000", "properties": {"$set": {"p": 1}}, "options": {"process_person_profile": false}});
    let body = json!({"batch": [event]}).to_string();
    let headers = [("authorization", "Bearer proj_t"), ("content-type", "application/json")];
    let answer = kit.post_raw("/i/v1/analytics/events", &headers, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(people(&kit), []);
}

#[tokio::test]
async fn posthog_cases_59_66_69_groups() {
    let kit = Kit::new();
    let groups = |n: u32, groups: Value| told(n, "opened", "u1", json!({"$groups": groups}));
    let group = |n: u32, off: bool| {
        let mut event = told(
            n,
            "$groupidentify",
            "x",
            json!({"$group_type": "organization", "$group_key": "acme", "$group_set": {"seats": 5}}),
        );
        if off {
            event["properties"]["$process_person_profile"] = json!(false);
        }
        event
    };
    let account = || kit.store.account(kit.p, "organization", "acme").unwrap();
    send(&kit, &[group(0, true)]).await;
    assert!(account().is_none(), "59: it may not");
    assert!(kit.only().row.notes.iter().any(|n| n.contains("profile")), "59: and says so");
    send(&kit, &[groups(1, json!({"organization": "acme"}))]).await;
    let row = account().unwrap().row;
    assert_eq!((row.events, row.people, row.traits.len()), (1, 1, 0), "66");
    let mut scope = kit.scope();
    scope.filter = trackway_core::filter::Filter::parse(["group.organization:eq:acme"], None).unwrap();
    let page = PageAsk { after: None, limit: 100 };
    let ask = EventsAsk { scope, page, protocol: Protocol::Shown };
    assert_eq!(kit.store.events(kit.p, &ask).unwrap().items.len(), 1, "66: the filter by key works");
    send(&kit, &[group(2, false)]).await;
    assert_eq!(account().unwrap().row.traits["seats"], 5);
    for n in 3..8 {
        send(&kit, &[groups(n, json!({format!("type{n}"): "k"}))]).await;
    }
    let sixth = kit.details().pop().unwrap();
    assert!(sixth.row.notes.iter().any(|n| n == "group_types_limit"), "69: {:?}", sixth.row.notes);
    assert_eq!(sixth.groups["type7"], "k", "69: the value is kept");
}

#[tokio::test]
async fn posthog_case_70_one_namespace_with_agentcat() {
    let kit = Kit::new();
    send(&kit, &[told(0, "opened", "u1", json!({"$set": {"plan": "pro"}}))]).await;
    kit.ac(kit::call(
        json!({"session_id": "ses_ac", "identify_actor_given_id": "u1", "identify_actor_name": "Ada"}),
    ))
    .await;
    let all = people(&kit);
    assert_eq!(all.len(), 1, "{all:?}");
    let person = kit.store.person(kit.p, "u1").unwrap().unwrap();
    assert_eq!((person.row.actor.name.as_deref(), &person.row.traits["plan"]), (Some("Ada"), &json!("pro")));
    assert_eq!(person.row.tool_calls, 1);
}

#[tokio::test]
async fn posthog_case_71_any_order_gives_the_same_people() {
    let mut told =
        vec![custom(0, "dev"), custom(9, "u3"), alias(10, "u3", "mail@u1"), alias(11, "u1", "mail@u1")];
    told.extend([
        identify(1, "u1", "dev"),
        identify(2, "u2", "dev"),
        identify(3, "u2", "dev2"),
        identify(4, "u1", "dev3"),
    ]);
    told.extend([
        alias(5, "x1", "x2"),
        alias(6, "x2", "x3"),
        identify(7, "x3", "dev3"),
        alias(8, "dev2", "x1"),
    ]);
    let (mut expect, mut seed) = (None, 71_u64);
    for round in 0..100 {
        for i in (1..told.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            told.swap(i, (seed >> 33) as usize % (i + 1));
        }
        let kit = Kit::new();
        for part in told.chunks(1 + round % 5) {
            send(&kit, part).await;
        }
        let answer = (people(&kit), whose(&kit));
        assert_eq!(answer, *expect.get_or_insert(answer.clone()), "round {round}");
    }
}

#[tokio::test]
async fn a_merge_of_many_events_is_seen_at_once_and_undone_by_a_call() {
    let kit = Kit::new();
    send(&kit, &[custom(0, "a1"), identify(1, "u1", "a1")]).await;
    let token = kit.token(trackway_store::TokenScope::Admin, None);
    let bearer = format!("Bearer {token}");
    let read = async |path: &str| kit.get(path, &[("authorization", &bearer)]).await.json();
    let person = read("/api/v1/projects/proj_t/people/a1").await;
    assert_eq!((person["id"].as_str(), person["ids"].as_array().unwrap().len()), (Some("u1"), 2));
    assert_eq!(person["merges"][0]["verdict"], "merged");
    assert_eq!(
        person["timeline"].as_array().unwrap().len(),
        0,
        "the application's events belong to no session"
    );
    let merge = person["merges"][0]["id"].as_u64().unwrap();
    let path = format!("/api/v1/projects/proj_t/merges/{merge}");
    let change = async |method: http::Method, path: &str, bearer: &str| {
        let request = http::Request::builder().method(method).uri(path).header("host", "localhost");
        kit.send(request.header("authorization", bearer).body(axum::body::Body::empty()).unwrap())
            .await
            .status
    };
    let reader = format!("Bearer {}", kit.token(trackway_store::TokenScope::Read, Some(kit.p)));
    assert_eq!(change(http::Method::DELETE, &path, &reader).await, StatusCode::FORBIDDEN);
    assert_eq!(change(http::Method::DELETE, &path, &bearer).await, StatusCode::NO_CONTENT);
    assert_eq!(people(&kit).len(), 2);
    assert_eq!(change(http::Method::PUT, &path, &bearer).await, StatusCode::NO_CONTENT);
    assert_eq!(people(&kit).len(), 1);
    let none = "/api/v1/projects/proj_t/merges/77";
    assert_eq!(change(http::Method::DELETE, none, &bearer).await, StatusCode::NOT_FOUND);
    let before = Timestamp::parse("2026-03-02T11:00:00.000Z").unwrap();
    assert_eq!(kit.events()[0].started_at, before, "events stay as they came");
    let ask = trackway_store::AuditAsk { before: None, project: Some("proj_t".into()), limit: 10 };
    let noted: Vec<(String, String)> = kit
        .store
        .audit(&ask)
        .unwrap()
        .into_iter()
        .map(|a| (a.act.as_str().into(), a.detail.clone()))
        .collect();
    let told = |detail: &str| ("merge_change".to_owned(), detail.to_owned());
    assert_eq!(noted, [told("counts again"), told("taken back")], "and who said so is noted, newest first");
}
