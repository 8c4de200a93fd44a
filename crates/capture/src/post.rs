//! Requests to Trackway's ingest, made by threads of their own so that whoever waits for it can stop waiting
//! (SDK-83, SDK-85). Used by delivery only.

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flate2::read::GzDecoder;
use trackway_event::{IngestBatch, IngestReply, Timestamp};

use crate::agentcat;
use crate::delivery::{DeliveryConfig, GZIP, Wire, gzip, now};

/// Connecting may take this long (SDK-85).
const CONNECT: Duration = Duration::from_secs(5);
/// A whole request may take this long (SDK-85).
const REQUEST: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read.
const ANSWER: u64 = 4 * 1024 * 1024;
/// Bytes of a batch that was compressed here, far above what one may hold (D24).
const INFLATED: u64 = 256 * 1024 * 1024;

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Acknowledged; so many events were dropped by the server for a reason it names.
    Done { dropped: u64 },
    /// Worth another try, not before this time.
    Later(Option<Duration>),
    /// Refused for good with this status.
    Never(u16),
}

/// Requests under way at a time (D24).
pub(crate) const IN_FLIGHT: usize = 2;

/// The threads that make requests, one at a time each.
#[derive(Debug)]
pub(crate) struct Poster {
    /// `None` once requests were given up on, or when no thread could be had.
    requests: Option<SyncSender<(u64, Arc<Vec<u8>>)>>,
    answers: Receiver<(u64, Answer)>,
    next: u64,
}

impl Poster {
    pub(crate) fn start(config: &DeliveryConfig) -> Self {
        let (requests, bodies) = sync_channel::<(u64, Arc<Vec<u8>>)>(IN_FLIGHT);
        let bodies = Arc::new(Mutex::new(bodies));
        let (done, answers) = sync_channel(IN_FLIGHT * 2);
        let client = Arc::new(Client::new(config));
        let mut running = 0;
        for _ in 0..IN_FLIGHT {
            let (bodies, done, client) = (Arc::clone(&bodies), done.clone(), Arc::clone(&client));
            let run = move || {
                loop {
                    // The lock is held while waiting: the other thread waits for it instead of for the channel.
                    let next = bodies.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((ticket, body)) = next else { return };
                    if done.send((ticket, client.post(&body))).is_err() {
                        return;
                    }
                }
            };
            running +=
                usize::from(std::thread::Builder::new().name("trackway-post".into()).spawn(run).is_ok());
        }
        Self { requests: (running > 0).then_some(requests), answers, next: 0 }
    }

    /// Starts a request; answers its ticket. `None`: none can be made any more.
    pub(crate) fn send(&mut self, body: &Arc<Vec<u8>>) -> Option<u64> {
        self.next += 1;
        self.requests.as_ref()?.try_send((self.next, Arc::clone(body))).ok().map(|()| self.next)
    }

    /// Waits for an answer to any request, at most so long.
    pub(crate) fn answer(&mut self, at_most: Duration) -> Option<(u64, Answer)> {
        match self.answers.recv_timeout(at_most) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.give_up();
                None
            }
        }
    }

    /// Waits no longer; no further request can be made.
    pub(crate) fn give_up(&mut self) {
        self.requests = None;
    }

    pub(crate) fn given_up(&self) -> bool {
        self.requests.is_none()
    }
}

struct Client {
    agent: ureq::Agent,
    url: String,
    user_agent: String,
    token: Option<String>,
    project: String,
    wire: Wire,
    /// Whether the backend takes no arrays of AgentCat's wire (SDK-82); once so, so for this process.
    single: AtomicBool,
}

impl Client {
    fn new(config: &DeliveryConfig) -> Self {
        let mut builder = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(REQUEST));
        if is_loopback(&config.endpoint) {
            // A proxy elsewhere cannot reach this machine's own address.
            builder = builder.proxy(None);
        }
        let path = match config.wire {
            Wire::Native => "/api/v1/ingest",
            Wire::AgentCat => agentcat::PATH,
        };
        Self {
            wire: config.wire,
            single: AtomicBool::new(false),
            agent: builder.build().into(),
            url: format!("{}{path}", config.endpoint.trim_end_matches('/')),
            user_agent: format!("{}/{}", config.sdk.name, config.sdk.version),
            token: config.token.clone(),
            project: config.project.as_str().to_owned(),
        }
    }

    fn post(&self, body: &[u8]) -> Answer {
        match self.wire {
            Wire::AgentCat => self.post_agentcat(body),
            Wire::Native => match self.send(body) {
                Err(later) => later,
                Ok((200..=299, _, body)) => Answer::Done { dropped: dropped(&body) },
                Ok((404, ..)) => {
                    // The server keeps the body and replays it when the project is made (D5).
                    tracing::warn!(
                        project = self.project,
                        "trackway knows no such project; create or adopt it"
                    );
                    Answer::Done { dropped: 0 }
                }
                Ok((status, after, _)) => verdict(status, after),
            },
        }
    }

    /// The same events in AgentCat's form: all at once, or one by one where that was refused before. Any 2xx is success,
    /// its body is ignored (SDK-83).
    fn post_agentcat(&self, body: &[u8]) -> Answer {
        let Some(batch) = batch_of(body) else { return Answer::Never(400) };
        for (reason, count) in &batch.lost {
            tracing::warn!(reason, count, "events were lost; this wire has no place to report them");
        }
        let bodies = agentcat::bodies(&batch);
        if bodies.is_empty() {
            return Answer::Done { dropped: 0 };
        }
        if !self.single.load(Ordering::Relaxed) {
            let array = format!("[{}]", bodies.join(","));
            let zipped = if array.len() < GZIP { None } else { gzip(array.as_bytes()) };
            match self.send(zipped.as_deref().unwrap_or(array.as_bytes())) {
                Err(later) => return later,
                Ok((200..=299, ..)) => return Answer::Done { dropped: 0 },
                Ok((400 | 404 | 415, ..)) => {
                    tracing::info!("the backend takes no arrays; events are sent one by one from now on");
                    self.single.store(true, Ordering::Relaxed);
                }
                Ok((status, after, _)) => return verdict(status, after),
            }
        }
        // What went out before a failure is sent again with the rest: same id and time, stored once.
        let (mut refused, mut last) = (0, 0);
        for body in &bodies {
            match self.send(body.as_bytes()) {
                Err(later) => return later,
                Ok((200..=299, ..)) => {}
                Ok((status, after, _)) => match verdict(status, after) {
                    Answer::Never(status) => (refused, last) = (refused + 1, status),
                    answer @ (Answer::Later(_) | Answer::Done { .. }) => return answer,
                },
            }
        }
        if refused == bodies.len() as u64 { Answer::Never(last) } else { Answer::Done { dropped: refused } }
    }

    /// One request: status, `Retry-After` and the answer.
    fn send(&self, body: &[u8]) -> Result<(u16, Option<Duration>, Vec<u8>), Answer> {
        let mut request = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("user-agent", &self.user_agent);
        // JSON never starts with the first byte of gzip.
        if body.first() == Some(&0x1f) {
            request = request.header("content-encoding", "gzip");
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", &format!("Bearer {token}"));
        }
        let mut response = request.send(body).map_err(|error| {
            tracing::debug!(%error, "sending failed");
            Answer::Later(None)
        })?;
        let status = response.status().as_u16();
        let after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()).and_then(retry_after);
        // Read to its end so that the connection can be used again.
        let body = response.body_mut().with_config().limit(ANSWER).read_to_vec().unwrap_or_default();
        Ok((status, after, body))
    }
}

/// What a status that is no success means (SDK-83).
const fn verdict(status: u16, after: Option<Duration>) -> Answer {
    match status {
        408 | 425 | 429 | 500..=599 => Answer::Later(after),
        other => Answer::Never(other),
    }
}

/// A body as delivery made it.
fn batch_of(body: &[u8]) -> Option<IngestBatch> {
    if body.first() != Some(&0x1f) {
        return serde_json::from_slice(body).ok();
    }
    let mut json = Vec::new();
    GzDecoder::new(body).take(INFLATED).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

/// How many events the server says it dropped; an answer that is none of ours says nothing (SDK-83).
fn dropped(body: &[u8]) -> u64 {
    let Ok(reply) = serde_json::from_slice::<IngestReply>(body) else { return 0 };
    let dropped = reply.results.iter().filter(|r| &*r.outcome == "dropped").count() as u64;
    if dropped > 0 {
        let reason = reply.results.iter().find_map(|r| r.reason);
        tracing::warn!(dropped, ?reason, "trackway dropped events");
    }
    dropped
}

/// Seconds, or a date (RFC 9110 §10.2.3).
pub(crate) fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = parts.as_slice() else { return None };
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = MONTHS.find(month).filter(|at| at % 3 == 0 && month.len() == 3)? / 3 + 1;
    let at = Timestamp::parse(&format!("{year}-{month:02}-{day:0>2}T{time}Z"))?;
    Some(Duration::from_micros(at.micros().saturating_sub(now().micros()).max(0) as u64))
}

/// Whether the endpoint is on this machine.
pub(crate) fn is_loopback(endpoint: &str) -> bool {
    let authority = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let host = authority.split(['/', '?']).next().unwrap_or_default();
    let host = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |h| h.0);
    host == "localhost"
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|a| a.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("30"), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Tue, 06 Nov 2001 08:49:37 GMT"), Some(Duration::ZERO));
        let far = retry_after("Sat, 6 Nov 2099 08:49:37 GMT").unwrap();
        assert!(far > Duration::from_secs(600));
        for bad in ["", "soon", "Sun, 06 Foo 1994 08:49:37 GMT", "-1"] {
            assert_eq!(retry_after(bad), None, "{bad}");
        }
    }

    #[test]
    fn loopback_endpoints_need_no_proxy() {
        for (endpoint, expect) in [
            ("http://127.0.0.1:7431", true),
            ("http://localhost/x", true),
            ("http://[::1]:80", true),
            ("http://[::1]", true),
            ("https://trackway.example:443", false),
            ("http://127.0.0.1.example", false),
        ] {
            assert_eq!(is_loopback(endpoint), expect, "{endpoint}");
        }
    }
}
