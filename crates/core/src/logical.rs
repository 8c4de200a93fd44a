//! Logical calls (CAP §2.6): requests that are one call together. A server that asks for input answers a call with the
//! question, and the client asks again with the answer; a server that needs long makes a task, whose end is seen later.
//!
//! The store keeps a [`Leg`] of every event that is part of such a call, asks [`join`] again about every session that gained
//! one, and serves what comes out; events are never rewritten. [`join`] looks at the set of legs only: order and repetition
//! change nothing (INV-03, INV-04).

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trackway_event::json::rpc_error_name;
use trackway_event::validate::cut_text;
use trackway_event::{ErrorInfo, Event, Kind, Status, Timestamp, limits};

use crate::winner::Key;

/// How long after a question its answer still belongs to it, µs (CAP §2.6).
pub const WINDOW_US: i64 = 24 * 3_600_000_000;
/// How long a task of no stated life is waited for, µs (CAP §2.6).
pub const TASK_US: i64 = WINDOW_US;

/// What joining needs of one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// The event's id and start.
    pub id: trackway_event::EventId,
    /// Start.
    pub at: Timestamp,
    /// From request to answer, µs.
    pub us: Option<u64>,
    /// What the event is in a call.
    pub part: Part,
    /// By which its task is known.
    pub task: Option<Box<str>>,
    /// What the end of its task says went wrong, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Box<Failure>>,
}

/// What went wrong in a task's call, as the answer of a call of its own would have said it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The JSON-RPC code, of a call that the server did not answer with a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// The message, at most [`limits::ERROR_MESSAGE_CHARS`]; empty where none was given.
    pub message: Box<str>,
}

/// What an event is in a logical call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Part {
    /// A request of the call.
    Request(Request),
    /// Traffic about its task; its end, where this tells it.
    Task(Option<Ended>),
}

/// A request of a call and how it hangs together with others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What became of it.
    pub status: Option<Status>,
    /// Its answer asks for input.
    pub asks: bool,
    /// It brings the input that another asked for.
    pub answers: bool,
    /// The state it was given, hashed.
    pub state_out: Option<Box<str>>,
    /// The state it presents, hashed.
    pub state_in: Option<Box<str>>,
    /// Method, target and arguments, hashed; method and target where the recorder made no hash.
    pub same: Box<str>,
    /// Names of the inputs asked for.
    pub asked: Vec<Box<str>>,
    /// Names of the inputs brought.
    pub answered: Vec<Box<str>>,
    /// How long its task may take, ms.
    pub ttl_ms: Option<u64>,
}

/// How a task's call ended, as one event tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ended {
    /// By what it was seen. Of several the tool's own answer is the most telling.
    pub by: ClosedBy,
    /// The call's status.
    pub status: Status,
}

/// By what the end of a task was seen (CAP §2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClosedBy {
    /// `tasks/result`.
    Result,
    /// `notifications/tasks`.
    Notification,
    /// `tasks/get`, `tasks/cancel`.
    Poll,
}

impl ClosedBy {
    /// The name in every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Notification => "notification",
            Self::Poll => "poll",
        }
    }
}

/// One logical call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Places of its requests in the order of time; the last one is the one that counts.
    pub requests: Vec<usize>,
    /// Places of what was heard of its task, in the order of time.
    pub traffic: Vec<usize>,
    /// Place of the traffic that told its end.
    pub told: Option<usize>,
    /// By what its task's end was seen.
    pub closed_by: Option<ClosedBy>,
    /// Its status: that of its last request, or of its task's end.
    pub status: Option<Status>,
    /// How long the server took: the sum over its requests, and from a task's creation to its end, µs. Latency figures use
    /// it: the time people think is none.
    pub server_us: Option<u64>,
    /// From the first request to the last answer, µs.
    pub total_us: Option<u64>,
    /// When a task without an end is given up.
    pub expires: Option<Timestamp>,
    /// What went wrong, where its task's end says that it failed.
    pub failure: Option<Box<Failure>>,
}

impl Failure {
    /// What the event that tells a task's end says: the message of its error, or the texts of its result.
    fn of(event: &Event) -> Self {
        let result: Value =
            event.result.as_ref().and_then(|r| serde_json::from_str(r.get()).ok()).unwrap_or_default();
        let error = result.get("error").filter(|e| e.is_object());
        let said = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut message: Box<str> = match (error, &event.error) {
            (Some(error), _) => said(error, "message").unwrap_or_default(),
            (None, Some(error)) => error.message.to_string(),
            (None, None) => {
                let blocks = result.get("content").and_then(Value::as_array).map(Vec::as_slice);
                let texts = blocks.unwrap_or_default().iter().filter_map(|block| said(block, "text"));
                texts.collect::<Vec<_>>().join(" ")
            }
        }
        .into();
        cut_text(&mut message, limits::ERROR_MESSAGE_CHARS);
        Self { code: error.and_then(|e| e.get("code")).and_then(Value::as_i64).or(event.error_code), message }
    }

    /// The same as the error of an event.
    pub fn info(&self) -> ErrorInfo {
        let kind = self.code.and_then(rpc_error_name).map(Into::into);
        ErrorInfo { kind, message: self.message.clone(), ..ErrorInfo::default() }
    }
}

impl Call {
    /// The status at this time: a task without an end within its life is a `timeout`.
    pub fn status_at(&self, now: Timestamp) -> Option<Status> {
        if self.expires.is_some_and(|end| now > end) { Some(Status::Timeout) } else { self.status }
    }

    /// Whether it is more than a single request.
    pub const fn is_joined(&self) -> bool {
        self.requests.len() > 1 || self.told.is_some()
    }
}

impl Leg {
    /// What joining needs of an event; `None` of those that are a call of their own, or in none. Cheap for those.
    pub fn of(event: &Event) -> Option<Self> {
        let traffic = event.kind == Kind::Protocol
            && (event.name.starts_with("tasks/") || event.name.starts_with("notifications/tasks"));
        let asks = event.flags.mrtr_open || event.status == Some(Status::InputRequired);
        let request = asks || event.flags.mrtr_continuation || event.status == Some(Status::Task);
        if event.flags.nested || !(traffic || request) {
            return None;
        }
        let facts: HashMap<Box<str>, Value> =
            event.properties.as_ref().and_then(|p| serde_json::from_str(p.get()).ok()).unwrap_or_default();
        let text =
            |key: &str| facts.get(key).and_then(Value::as_str).filter(|t| t.len() <= 256).map(Box::from);
        let names = |key: &str| -> Vec<Box<str>> {
            let names = facts.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            names.iter().take(64).filter_map(Value::as_str).map(Box::from).collect()
        };
        let task = text("task_key");
        let part = if traffic {
            task.as_ref()?;
            let by = match text("closed_by").as_deref() {
                Some("result") => Some(ClosedBy::Result),
                Some("notification") => Some(ClosedBy::Notification),
                Some("poll") => Some(ClosedBy::Poll),
                Some(_) | None => None,
            };
            let status = text("call_status").and_then(|s| Status::parse(&s));
            Part::Task(by.zip(status).map(|(by, status)| Ended { by, status }))
        } else {
            let target = event.tool.as_deref().or(event.resource.as_deref()).unwrap_or_default();
            Part::Request(Request {
                status: event.status,
                asks,
                answers: event.flags.mrtr_continuation,
                state_out: text("mrtr_out"),
                state_in: text("mrtr_in"),
                same: text("mrtr_key").unwrap_or_else(|| format!("{}\0{target}", event.name).into()),
                asked: names("mrtr_asked"),
                answered: names("mrtr_answered"),
                ttl_ms: facts.get("task_ttl_ms").and_then(Value::as_u64),
            })
        };
        let failed = matches!(&part, Part::Task(Some(ended)) if ended.status.failed());
        let failure = failed.then(|| Box::new(Failure::of(event)));
        Some(Self { id: event.id.clone(), at: event.started_at, us: event.duration_us, part, task, failure })
    }

    fn key(&self) -> Key {
        Key { at: self.at, id: self.id.clone() }
    }

    fn end(&self) -> Timestamp {
        self.at.plus_micros(self.us.map_or(0, |us| i64::try_from(us).unwrap_or(i64::MAX)))
    }

    const fn request(&self) -> Option<&Request> {
        match &self.part {
            Part::Request(request) => Some(request),
            Part::Task(_) => None,
        }
    }
}

/// The calls of a set of legs, by their first request. The requests are those of one session; the traffic of their tasks may
/// come from anywhere.
///
/// In the order of time, a request that brings input goes to the oldest call that waits for it: by the state it presents
/// (rather to a call of the same arguments, where servers give every call the same state), without any state by its
/// arguments and the names of its inputs. A question is answered once: who presents its state again begins a call of its own.
pub fn join(legs: &[Leg]) -> Vec<Call> {
    let mut order: Vec<usize> = (0..legs.len()).collect();
    let key = |place: &usize| legs.get(*place).map(Leg::key);
    order.sort_by_key(key);
    order.dedup_by_key(|place| key(place));
    let requests = order.iter().filter_map(|i| Some((*i, legs.get(*i)?, legs.get(*i)?.request()?)));
    let mut found: Vec<Vec<usize>> = Vec::new();
    // Calls that wait for input, oldest first, with their last request.
    let mut open: Vec<(usize, &Leg, &Request)> = Vec::new();
    for (place, leg, request) in requests {
        open.retain(|(_, asked, _)| leg.at.since(asked.at) <= WINDOW_US);
        let fits: Vec<usize> =
            (0..open.len()).filter(|i| open.get(*i).is_some_and(|(.., o)| belongs(o, request))).collect();
        let alike = fits.iter().find(|i| open.get(**i).is_some_and(|(.., o)| o.same == request.same));
        match alike.or(fits.first()).copied() {
            Some(waits) => {
                let (call, ..) = open.remove(waits);
                if let Some(call) = found.get_mut(call) {
                    call.push(place);
                }
                if request.asks {
                    open.insert(waits, (call, leg, request));
                }
            }
            None => {
                if request.asks {
                    open.push((found.len(), leg, request));
                }
                found.push(vec![place]);
            }
        }
    }
    let mut tasks: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for place in &order {
        if let Some(Leg { part: Part::Task(_), task: Some(task), .. }) = legs.get(*place) {
            tasks.entry(task).or_default().push(*place);
        }
    }
    found.into_iter().map(|requests| call(legs, requests, &mut tasks)).collect()
}

/// The events of one session, in which the request that counts stands for its whole call: what figures of calls are folds
/// over (INV-05). The traffic of tasks may be among them.
pub fn whole(events: &[Event]) -> Vec<Event> {
    let mut events = events.to_vec();
    let (places, legs): (Vec<usize>, Vec<Leg>) =
        events.iter().enumerate().filter_map(|(place, event)| Some((place, Leg::of(event)?))).unzip();
    for call in join(&legs).iter().filter(|call| call.is_joined()) {
        let last = call.requests.last().and_then(|last| places.get(*last));
        if let Some(event) = last.and_then(|place| events.get_mut(*place)) {
            event.status = call.status;
            event.duration_us = call.server_us;
            if let Some(failure) = &call.failure {
                event.error = Some(Box::new(failure.info()));
                event.error_code = failure.code;
            }
        }
    }
    events
}

/// Whether a request brings what another one asked for.
fn belongs(asked: &Request, request: &Request) -> bool {
    if !request.answers {
        return false;
    }
    match (&asked.state_out, &request.state_in) {
        (Some(given), Some(presented)) => given == presented,
        (None, None) => {
            asked.same == request.same && request.answered.iter().all(|a| asked.asked.contains(a))
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// A call of these requests, with its task if the last of them made one.
fn call(legs: &[Leg], requests: Vec<usize>, tasks: &mut BTreeMap<&str, Vec<usize>>) -> Call {
    let of = |place: &usize| legs.get(*place);
    let last = requests.last().and_then(of);
    let made = last.filter(|l| l.request().is_some_and(|r| r.status == Some(Status::Task)));
    let traffic = made.and_then(|l| tasks.remove(l.task.as_deref()?)).unwrap_or_default();
    let ends = traffic.iter().filter_map(|place| match of(place)? {
        leg @ Leg { part: Part::Task(Some(ended)), .. } => Some(((leg.end(), leg.key(), *place), *ended)),
        Leg { .. } => None,
    });
    let ends: Vec<_> = ends.collect();
    // When: as soon as it was seen. What: the tool's own answer, if it was asked for.
    let first = ends.iter().min_by(|a, b| a.0.cmp(&b.0));
    let own = ends.iter().filter(|(_, e)| e.by == ClosedBy::Result).min_by(|a, b| a.0.cmp(&b.0));
    let telling = own.or(first);
    let sum = |requests: &[usize]| {
        let took: Vec<u64> = requests.iter().filter_map(of).filter_map(|l| l.us).collect();
        (!took.is_empty()).then(|| took.iter().fold(0u64, |a, b| a.saturating_add(*b)))
    };
    let mut server_us = sum(&requests);
    let mut end = last.filter(|l| l.us.is_some()).map(Leg::end);
    if let (Some(made), Some(((seen, ..), _))) = (made, first) {
        let before = requests.split_last().and_then(|(_, before)| sum(before)).unwrap_or(0);
        server_us = Some(before.saturating_add(seen.since(made.at).max(0).unsigned_abs()));
        end = Some(*seen);
    }
    let start = requests.first().and_then(of).map(|l| l.at);
    let ttl = made.and_then(Leg::request).and_then(|r| r.ttl_ms);
    let life = ttl.map_or(TASK_US, |ms| i64::try_from(ms.saturating_mul(1_000)).unwrap_or(i64::MAX));
    Call {
        failure: telling.and_then(|((.., place), _)| of(place)?.failure.clone()),
        told: telling.map(|((.., place), _)| *place),
        closed_by: first.map(|(_, ended)| ended.by),
        status: telling.map(|(_, ended)| ended.status).or(last.and_then(Leg::request).and_then(|r| r.status)),
        server_us,
        total_us: start.zip(end).map(|(start, end)| end.since(start).max(0).unsigned_abs()),
        expires: made.filter(|_| first.is_none()).map(|l| l.at.plus_micros(life)),
        requests,
        traffic,
    }
}

#[cfg(test)]
#[path = "logical_tests.rs"]
mod tests;
