//! INV-02 and INV-03: a storm of repeated events, in any order, cut into any batches, from several senders at once.
//!
//! One project gets every event once, in order; another gets each of them several times, shuffled. Every figure, session,
//! issue and person of the two must be the same, and the counts of outcomes must add up.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use trackway_tests::{Dice, Instance, batch, call, random_id, rfc3339};

const CALM: &str = "proj_calm";
const STORM: &str = "proj_storm";
const EVENTS: usize = 3_000;
const SENDERS: usize = 4;
/// How often each event is sent in the storm.
const TIMES: usize = 4;

#[test]
fn inv_02_inv_03_repetition_and_order_change_no_number() -> Result<()> {
    let instance = Instance::start()?;
    let (calm, storm) = (instance.project(CALM)?, instance.project(STORM)?);
    let events = history();
    let mut quiet = BTreeMap::new();
    for chunk in events.chunks(500) {
        count(&mut quiet, instance.ingest(&batch(CALM, chunk))?);
    }
    ensure!(quiet == BTreeMap::from([("stored".to_owned(), EVENTS)]), "in order, once: {quiet:?}");

    let outcomes = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|number| {
                scope.spawn({
                    let (i, e) = (&instance, &events);
                    move || rage(i, e, number)
                })
            })
            .collect();
        let mut outcomes = BTreeMap::new();
        for sender in senders {
            for (outcome, number) in sender.join().map_err(|_| anyhow::anyhow!("a sender panicked"))?? {
                *outcomes.entry(outcome).or_insert(0) += number;
            }
        }
        anyhow::Ok(outcomes)
    })?;
    let received = EVENTS * TIMES + SENDERS * BAD_PER_SENDER;
    ensure!(outcomes.get("stored") == Some(&EVENTS), "{outcomes:?}");
    ensure!(outcomes.get("duplicate") == Some(&(EVENTS * (TIMES - 1))), "{outcomes:?}");
    ensure!(outcomes.get("dropped") == Some(&(SENDERS * BAD_PER_SENDER)), "{outcomes:?}");
    ensure!(outcomes.values().sum::<usize>() == received, "one outcome each: {outcomes:?}");

    same(&instance, &calm, &storm)?;
    Ok(())
}

/// Events without an id, which each sender adds: dropped, and nothing else is harmed.
const BAD_PER_SENDER: usize = 25;

/// One sender's share: each event `TIMES / SENDERS` times (once here), shuffled, in batches of any size.
fn rage(instance: &Instance, events: &[Value], number: usize) -> Result<BTreeMap<String, usize>> {
    let mut dice = Dice::new(100 + number as u64);
    let mut mine: Vec<Value> =
        events.iter().flat_map(|e| std::iter::repeat_n(e, TIMES / SENDERS)).cloned().collect();
    mine.extend((0..BAD_PER_SENDER).map(|n| json!({ "kind": "tool_call", "tool": format!("bad{n}") })));
    dice.shuffle(&mut mine);
    let mut outcomes = BTreeMap::new();
    let mut rest = mine.as_slice();
    while !rest.is_empty() {
        let size = dice.pick(&[1, 2, 7, 100, 1_000]).min(rest.len());
        let (head, tail) = rest.split_at(size);
        let got = instance.ingest(&batch(STORM, head))?;
        ensure!(got.len() == head.len(), "{} outcomes for {} events", got.len(), head.len());
        count(&mut outcomes, got);
        rest = tail;
    }
    Ok(outcomes)
}

fn count(into: &mut BTreeMap<String, usize>, outcomes: Vec<String>) {
    for outcome in outcomes {
        *into.entry(outcome).or_insert(0) += 1;
    }
}

/// Calls of several people, clients and sessions over some days: given sessions and ones to be grouped, failures, wishes.
fn history() -> Vec<Value> {
    let mut dice = Dice::new(7);
    let people = ["ana@acme.example", "bo@acme.example", "cy@acme.example", "di@acme.example"];
    let clients = [("claude-code", "2.1.148"), ("cursor-vscode", "1.9.2"), ("codex-mcp-client", "0.61.0")];
    let mut events: Vec<Value> = (0..EVENTS)
        .map(|number| {
            let at = rfc3339(-60 - i64::try_from(dice.below(5 * 86_400)).unwrap_or(0));
            let (client, version) = dice.pick(&clients);
            let tool = dice.pick(&["search_products", "get_order", "create_order", "track_parcel"]);
            let mut event = call(&random_id("evt_"), &format!("ses_storm_{}", number % 60), tool, &at);
            event["client"] = json!({ "name": client, "version": version });
            event["duration_us"] = (500 + dice.below(900_000)).into();
            match dice.below(8) {
                0 => {
                    event["status"] = "tool_error".into();
                    event["error"] =
                        json!({ "type": "LockTimeout", "message": format!("row {} is locked", dice.below(99_999)) });
                }
                1 => {
                    event["kind"] = "missing_capability".into();
                    event["tool"] = "get_more_tools".into();
                    event["intent"] = "cancel a shipment".into();
                }
                _ => {}
            }
            // A third of the events name no session: the server groups them by person, client and time.
            if number % 3 == 0 {
                event["session_id"] = Value::Null;
                event["session_source"] = Value::Null;
                event["actor"] = json!({ "id": dice.pick(&people) });
            } else if number % 3 == 1 {
                event["actor"] = json!({ "id": people[number % 60 % people.len()] });
            }
            event
        })
        .collect();
    events.sort_by(|a, b| a["started_at"].as_str().cmp(&b["started_at"].as_str()));
    events
}

/// Every surface says the same about both projects, but for minted ids.
fn same(instance: &Instance, calm: &str, storm: &str) -> Result<()> {
    let period = format!("from={}&to={}", rfc3339(-6 * 86_400), rfc3339(0));
    let deadline = Duration::from_secs(30);
    for (path, kind) in [
        (format!("overview?{period}"), Shape::Object),
        (format!("tools?{period}"), Shape::List),
        (format!("issues?{period}"), Shape::List),
        (format!("people?{period}"), Shape::List),
        (format!("clients?{period}"), Shape::List),
        (format!("sessions?{period}"), Shape::List),
        (format!("events?{period}"), Shape::List),
    ] {
        let began = std::time::Instant::now();
        let (a, b) = match kind {
            Shape::Object => (
                instance.get(&format!("/api/v1/projects/{CALM}/{path}"), calm)?,
                instance.get(&format!("/api/v1/projects/{STORM}/{path}"), storm)?,
            ),
            Shape::List => (
                Value::Array(instance.list(CALM, &path, calm)?),
                Value::Array(instance.list(STORM, &path, storm)?),
            ),
        };
        ensure!(began.elapsed() < deadline, "{path} took {:?}", began.elapsed());
        let (a, b) = (normal(a), normal(b));
        ensure!(a.to_string().len() > 20, "{path} shows nothing: {a}");
        difference("", &a, &b)
            .map_or(Ok(()), Err)
            .map_err(|text: String| anyhow::anyhow!(text))
            .context(path)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Shape {
    Object,
    List,
}

/// Without what may differ: the project's id, minted session ids, numbers of issues, order of rows.
fn normal(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(key, value)| {
                let minted = matches!(key.as_str(), "session_id" | "id" | "issue" | "merged_from")
                    && !value
                        .as_str()
                        .is_some_and(|id| id.starts_with("evt_") || id.starts_with("ses_storm_"));
                key != "project_id" && key != "seq" && !minted
            });
            Value::Object(kept.map(|(key, value)| (key, normal(value))).collect())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(normal).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        other => other,
    }
}

/// The first place where two values differ.
fn difference(at: &str, a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) if x.len() == y.len() => x.iter().find_map(|(key, value)| {
            let Some(other) = y.get(key) else { return Some(format!("{at}/{key} is missing in the storm")) };
            difference(&format!("{at}/{key}"), value, other)
        }),
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter().zip(y).enumerate().find_map(|(n, (a, b))| difference(&format!("{at}/{n}"), a, b))
        }
        (a, b) if a == b => None,
        (Value::Array(x), Value::Array(y)) => {
            Some(format!("{at}: {} rows, in the storm {}", x.len(), y.len()))
        }
        (a, b) => Some(format!("{at}: {a}, in the storm {b}")),
    }
}
