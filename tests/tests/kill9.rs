//! INV-01: what was acknowledged is there after the server was killed, again and again, at any moment.
//!
//! Senders on both wires remember every event the server said yes to; the server is killed without warning; after the next
//! start each of those events is asked for, what had no answer is sent again as a real recorder would, and every figure is
//! recounted from the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use trackway_tests::{Dice, Instance, batch, call, random_id, rfc3339, session_id};

const PROJECT: &str = "proj_crash";
/// Kills of a run; `TRACKWAY_KILLS` sets another number, such as the 200 of the long form.
const ROUNDS: u64 = 20;
const SENDERS: u64 = 4;

/// Event ids by the session they were sent with.
type Sessions = BTreeMap<String, BTreeSet<String>>;

/// What one sender knows when the server is gone.
struct Sent {
    session: String,
    /// The server said it has them.
    acknowledged: BTreeSet<String>,
    /// The last body, which had no answer.
    unanswered: Vec<Value>,
}

#[test]
fn inv_01_acknowledged_events_survive_kill_9() -> Result<()> {
    let rounds = std::env::var("TRACKWAY_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let mut dice = Dice::new(0);
    let mut instance = Instance::start()?;
    let token = instance.project(PROJECT)?;
    let mut oracle = Sessions::new();
    let mut resent = 0;
    for round in 0..rounds {
        let senders: Vec<JoinHandle<Result<Sent>>> = (0..SENDERS)
            .map(|number| {
                let sender = Sender::new(&instance.url(), round * SENDERS + number);
                std::thread::spawn(move || sender.send_until_refused())
            })
            .collect();
        std::thread::sleep(Duration::from_millis(30 + dice.below(400)));
        instance.kill()?;
        let mut unanswered = Vec::new();
        for sender in senders {
            let sent = sender.join().map_err(|_| anyhow::anyhow!("a sender panicked"))??;
            oracle.entry(sent.session).or_default().extend(sent.acknowledged);
            unanswered.extend(sent.unanswered);
        }
        instance.start_again().with_context(|| format!("after kill {round}"))?;
        // A recorder sends again what had no answer. Some of it was stored before the end: then it is a duplicate.
        resent += unanswered.len();
        for (outcome, event) in instance.ingest(&batch(PROJECT, &unanswered))?.iter().zip(&unanswered) {
            ensure!(matches!(outcome.as_str(), "stored" | "duplicate"), "{outcome}: {event}");
            remember(&mut oracle, event)?;
        }
        let newest: Sessions = oracle.iter().rev().take(2).map(|(s, ids)| (s.clone(), ids.clone())).collect();
        check(&instance, &token, &newest).with_context(|| format!("after kill {round}"))?;
    }
    let acknowledged: usize = oracle.values().map(BTreeSet::len).sum();
    println!("{rounds} kills, {acknowledged} events acknowledged, {resent} sent again");
    ensure!(acknowledged > 1_000, "only {acknowledged} events were acknowledged: that proves nothing");
    let stored = check(&instance, &token, &oracle)?;
    recount(&instance, &token, stored)?;
    let data = instance.data().to_owned();
    instance.stop()?;
    integrity(&data)
}

fn remember(oracle: &mut Sessions, event: &Value) -> Result<()> {
    let text = |key: &str| event[key].as_str().map(str::to_owned).context("an event has ids");
    oracle.entry(text("session_id")?).or_default().insert(text("id")?);
    Ok(())
}

/// Every acknowledged event is in its session, once, and the session's counters are its rows'. Gives the number of rows.
fn check(instance: &Instance, token: &str, oracle: &Sessions) -> Result<u64> {
    let mut rows_of_all = 0;
    for (session, acknowledged) in oracle.iter().filter(|(_, ids)| !ids.is_empty()) {
        let rows = instance.list(PROJECT, &format!("sessions/{session}/events"), token)?;
        let found: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
        let distinct: BTreeSet<&str> = found.iter().copied().collect();
        ensure!(distinct.len() == found.len(), "{session} shows an event twice");
        let lost: Vec<&String> = acknowledged.iter().filter(|id| !distinct.contains(id.as_str())).collect();
        ensure!(lost.is_empty(), "{session} lost {} acknowledged events: {lost:?}", lost.len());
        let told = instance.get(&format!("/api/v1/projects/{PROJECT}/sessions/{session}"), token)?;
        for (counter, expected) in [
            ("events", rows.len()),
            ("tool_calls", rows.iter().filter(|row| row["kind"] == "tool_call").count()),
            ("errors", rows.iter().filter(|row| row["status"] == "tool_error").count()),
        ] {
            ensure!(
                told[counter] == expected,
                "{session}: {counter} is {}, rows say {expected}",
                told[counter]
            );
        }
        rows_of_all += rows.len() as u64;
    }
    Ok(rows_of_all)
}

/// The figures of the whole project against its rows.
fn recount(instance: &Instance, token: &str, rows: u64) -> Result<()> {
    let period = format!("from={}&to={}", rfc3339(-86_400), rfc3339(3_600));
    let events = instance.list(PROJECT, &format!("events?{period}"), token)?;
    let ids: BTreeSet<&str> = events.iter().filter_map(|event| event["id"].as_str()).collect();
    ensure!(ids.len() == events.len(), "the list of events shows one twice");
    ensure!(events.len() as u64 == rows, "{} events are listed, {rows} are in sessions", events.len());
    let mut by_tool = BTreeMap::<&str, u64>::new();
    for event in &events {
        *by_tool.entry(event["tool"].as_str().context("a call has a tool")?).or_default() += 1;
    }
    let tools = instance.list(PROJECT, &format!("tools?{period}"), token)?;
    for tool in &tools {
        let name = tool["name"].as_str().context("a tool has a name")?;
        let calls = tool.pointer("/calls/calls").or(tool.get("calls")).context("a tool has calls")?;
        ensure!(calls.as_u64() == by_tool.remove(name), "{name}: the rollup says {calls}");
    }
    ensure!(by_tool.is_empty(), "tools without figures: {by_tool:?}");
    Ok(())
}

/// SQLite itself finds nothing wrong with any file.
fn integrity(data: &std::path::Path) -> Result<()> {
    let mut files = vec![data.join("trackway.db")];
    for project in std::fs::read_dir(data.join("projects"))? {
        files.push(project?.path().join("events.db"));
    }
    for file in files.iter().filter(|file| file.exists()) {
        let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let verdict: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        ensure!(verdict == "ok", "{}: {verdict}", file.display());
    }
    ensure!(files.len() >= 2, "there is no ledger to check");
    Ok(())
}

/// Sends bodies of changing size until the server does not answer any more.
struct Sender {
    url: String,
    number: u64,
    session: String,
    client: ureq::Agent,
}

impl Sender {
    fn new(url: &str, number: u64) -> Self {
        let client = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .build()
            .into();
        Self { url: url.to_owned(), number, session: session_id(), client }
    }

    fn send_until_refused(self) -> Result<Sent> {
        let mut dice = Dice::new(self.number + 1);
        let mut acknowledged = BTreeSet::new();
        loop {
            // Every fourth sender speaks the AgentCat wire, one event a request.
            let single = self.number % SENDERS == SENDERS - 1;
            let count = if single { 1 } else { dice.pick(&[1, 3, 20, 100]) };
            let events: Vec<Value> = (0..count).map(|_| self.event(&mut dice)).collect();
            let got = if single { self.post_agentcat(&events[0]) } else { self.post_native(&events) };
            match got {
                Ok(ids) => acknowledged.extend(ids),
                Err(_) => return Ok(Sent { session: self.session, acknowledged, unanswered: events }),
            }
        }
    }

    fn event(&self, dice: &mut Dice) -> Value {
        let tool = dice.pick(&["search", "order", "track", "cancel"]);
        let at = rfc3339(-i64::try_from(dice.below(3_000)).unwrap_or(0));
        let mut event = call(&random_id("evt_"), &self.session, tool, &at);
        if dice.below(5) == 0 {
            event["status"] = "tool_error".into();
            event["error"] =
                json!({ "type": "Timeout", "message": format!("order {} timed out", dice.below(9_999)) });
        }
        event
    }

    fn post_native(&self, events: &[Value]) -> Result<Vec<String>> {
        let body = batch(PROJECT, events).to_string();
        let mut answer = self.client.post(format!("{}/api/v1/ingest", self.url)).send(body.as_bytes())?;
        let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
        let results = answer["results"].as_array().context("no results")?;
        let kept = results.iter().filter(|result| result["outcome"] == "stored");
        Ok(kept.filter_map(|result| result["id"].as_str().map(str::to_owned)).collect())
    }

    fn post_agentcat(&self, event: &Value) -> Result<Vec<String>> {
        let body = json!({
            "id": event["id"], "project_id": PROJECT, "session_id": event["session_id"],
            "timestamp": event["started_at"], "event_type": "mcp:tools/call", "resource_name": event["tool"],
            "duration": 1, "is_error": event["status"] == "tool_error",
            "error": event.get("error"), "user_intent": event["intent"],
            "parameters": { "request": { "method": "tools/call", "params": { "name": event["tool"] } } },
        });
        let mut answer =
            self.client.post(format!("{}/v1/public/events/", self.url)).send(body.to_string())?;
        let status = answer.status();
        answer.body_mut().read_to_string()?;
        ensure!(status == 202 || status == 200, "{status}");
        Ok(event["id"].as_str().map(str::to_owned).into_iter().collect())
    }
}
