//! Levels, rules, rates and quotas of a project.

use serde_json::json;

use super::*;

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn event() -> Event {
    let value = json!({"id": "evt_1", "kind": "tool_call", "started_at": "2026-01-02T03:04:05Z", "tool": "search",
        "intent": "mail ann@example.org", "arguments": {"q": "ann@example.org", "Secret_Note": {"a": 1}, "n": [1, 2]},
        "result": {"text": "card 4111 1111 1111 1111", "number": 4_111_111_111_111_111_u64},
        "error": {"type": "E", "message": "no ann@example.org"}, "tags": {"who": "ann@example.org"},
        "actor": {"id": "u1", "traits": {"email": "ann@example.org"}}});
    serde_json::from_value(value).unwrap()
}

fn kept(pairs: &[(&str, &str)]) -> Value {
    let mut event = event();
    Policy::of(&settings(pairs), Limits::default()).apply(&mut event);
    serde_json::to_value(&event).unwrap()
}

#[test]
fn levels_keep_all_the_shape_or_nothing() {
    assert_eq!(kept(&[])["arguments"]["q"], "ann@example.org");
    let shape = kept(&[("capture", "shape")]);
    assert_eq!(shape["arguments"]["q"], "string(15)");
    assert_eq!(shape["arguments"]["n"], json!({"array": 2, "of": "number"}));
    let off = kept(&[("capture", "off")]);
    assert!(off.get("arguments").is_none() && off.get("result").is_none());
    assert!(kept(&[("capture", "nonsense")]).get("arguments").is_none(), "unreadable keeps less");
    assert!(kept(&[("redact.patterns", "(")]).get("arguments").is_none());
}

#[test]
fn rules_mask_everywhere_a_text_can_be() {
    let clean = kept(&[("redact.patterns", "email card"), ("redact.keys", "secret_note, other")]);
    let text = clean.to_string();
    assert!(!text.contains("ann@") && !text.contains("4111"), "{text}");
    assert_eq!(clean["arguments"]["Secret_Note"], MASK);
    assert_eq!(clean["arguments"]["n"], json!([1, 2]), "a list of small numbers is no card");
    assert_eq!(clean["intent"], "mail [redacted]");
    assert_eq!(clean["actor"]["id"], "u1");
}

#[test]
fn the_test_box_counts_what_it_masks() {
    let policy = Policy::of(&settings(&[("redact.patterns", "email phone key")]), Limits::default());
    let (text, masked) = policy.try_on(r#"{"a": "x@example.org", "b": ["+49 30 1234567"]}"#);
    assert_eq!((text.as_str(), masked), (r#"{"a":"[redacted]","b":["[redacted]"]}"#, 2));
    assert_eq!(policy.try_on("sk_0123456789abcdef0").1, 1);
    assert_eq!(policy.try_on("nothing here").1, 0);
}

#[test]
fn settings_are_checked_before_they_are_kept() {
    for (key, value, fits) in [
        ("capture", "shape", true),
        ("capture", "all", false),
        ("redact.patterns", r"email \bX[0-9]+\b", true),
        ("redact.patterns", "(", false),
        ("retention.events", "30", true),
        ("retention.events", "-1", false),
        ("limit.events_per_second", "1000", true),
        ("limit.events_per_second", "many", false),
        ("no.such", "1", false),
    ] {
        assert_eq!(check_setting(key, value).is_ok(), fits, "{key} = {value}");
    }
    assert!(PROJECT_SETTINGS.iter().all(|s| s.default.is_empty() || (s.check)(s.default)), "defaults fit");
}

#[test]
fn a_project_without_limits_has_the_servers() {
    let others = Limits { per_second: 7, per_day: 0 };
    let of = |pairs: &[(&str, &str)]| Policy::of(&settings(pairs), others).limits;
    assert_eq!(of(&[]), others);
    let own = [("limit.events_per_second", "9"), ("limit.events_per_day", "100")];
    assert_eq!(of(&own), Limits { per_second: 9, per_day: 100 });
    assert_eq!(of(&[("limit.events_per_second", "0")]), others);
}

#[test]
fn a_rate_is_a_bucket_and_a_quota_is_a_day() {
    let policies = Policies::default();
    let key = ProjectKey(1);
    let hold = |pairs: &[(&str, &str)]| {
        let (now, policy) = (Instant::now(), Arc::new(Policy::of(&settings(pairs), Limits::default())));
        let held = Held { read_at: now, policy, bucket: Bucket::full(now), day: (0, 0) };
        policies.held.lock().unwrap().insert(key, held);
    };
    hold(&[("limit.events_per_second", "10")]);
    assert_eq!(policies.admit(key, 100, 1, || 0), Admission::In, "a burst of ten seconds");
    let Admission::After(wait) = policies.admit(key, 10, 1, || 0) else { panic!("no limit") };
    assert!(wait > Duration::from_millis(800) && wait <= Duration::from_secs(1), "{wait:?}");
    hold(&[("limit.events_per_second", "10")]);
    assert_eq!(
        policies.admit(key, 1_000, 1, || 0),
        Admission::In,
        "a batch above the burst is not locked out for ever"
    );
    assert!(
        matches!(policies.admit(key, 1, 1, || 0), Admission::After(wait) if wait > Duration::from_secs(80))
    );
    hold(&[("limit.events_per_day", "5")]);
    assert_eq!(policies.admit(key, 5, 1, || 0), Admission::In);
    assert_eq!(policies.admit(key, 1, 1, || 0), Admission::OverQuota);
    assert_eq!(policies.admit(key, 1, 2, || 0), Admission::In, "the next day");
    assert_eq!(policies.admit(key, 2, 3, || 4), Admission::OverQuota, "what came before a restart counts");
    assert_eq!(policies.admit(key, 1, 3, || 4), Admission::In);
    hold(&[]);
    assert_eq!(policies.admit(key, 1_000_000, 1, || 0), Admission::In);
}
