//! The host's callbacks, run away from the call and from the recorder: on a runtime of their own, each with a deadline and a
//! guard against panics (SDK-41, SDK-46), so that one that hangs costs its event's identity and nothing else.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use sha2::{Digest as _, Sha256};
use trackway_event::Actor;

use crate::options::{IdentifyMode, Options};
use crate::snapshot::{Extra, RequestInfo, UserIdentity};

/// How long a callback may take (SDK-41).
const DEADLINE: Duration = Duration::from_secs(5);
/// Sessions whose identity is remembered (D24).
const CACHE: usize = 10_000;
/// How long an identity holds without being asked again (SDK-42).
const FRESH: Duration = Duration::from_secs(600);
/// Limits of SDK-60.
const TAGS: usize = 50;
const TAG_KEY_CHARS: usize = 32;
const TAG_VALUE_CHARS: usize = 200;
/// Limit of SDK-61.
const PROPERTIES_BYTES: usize = 32 * 1024;

/// What callbacks said of a request.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// The user, where `identify` was asked and answered.
    pub(crate) identity: Option<UserIdentity>,
    /// Valid labels.
    pub(crate) tags: BTreeMap<Box<str>, Box<str>>,
    /// Free members.
    pub(crate) properties: serde_json::Map<String, serde_json::Value>,
    /// The conversation as the host names it.
    pub(crate) session: Option<String>,
    /// What failed.
    pub(crate) notes: Vec<&'static str>,
}

/// Runs what the options hold.
pub(crate) async fn ask(
    options: &Options,
    runtime: &tokio::runtime::Handle,
    ask: Ask,
    request: RequestInfo,
    extra: Extra,
) -> Said {
    let deadline = options.callback_deadline.unwrap_or(DEADLINE);
    let mut said = Said::default();
    if let (Ask::Yes, Some(identify)) = (ask, options.identify.clone()) {
        let (request, extra) = (request.clone(), extra.clone());
        // The callback itself may panic before it gives a future.
        match within(runtime, deadline, async move { identify(request, extra).await }).await {
            Some(identity) => said.identity = identity,
            None => said.notes.push("identify_failed"),
        }
    }
    if let Some(resolve) = options.resolve_session.clone() {
        let (request, extra) = (request.clone(), extra.clone());
        match within(runtime, deadline, async move { resolve(&request, &extra) }).await {
            Some(session) => said.session = session,
            None => said.notes.push("resolve_session_failed"),
        }
    }
    if let Some(tags) = options.tags.clone() {
        let (request, extra) = (request.clone(), extra.clone());
        match within(runtime, deadline, async move { tags(&request, &extra) }).await {
            Some(tags) => said.tags = valid(tags),
            None => said.notes.push("event_tags_failed"),
        }
    }
    if let Some(properties) = options.properties.clone() {
        match within(runtime, deadline, async move { properties(&request, &extra) }).await {
            Some(mut properties) => {
                properties.retain(|_, value| !value.is_null());
                if serde_json::to_vec(&properties).is_ok_and(|json| json.len() <= PROPERTIES_BYTES) {
                    said.properties = properties;
                } else {
                    said.notes.push("event_properties_too_large");
                }
            }
            None => said.notes.push("event_properties_failed"),
        }
    }
    said
}

/// `None`: it panicked or took too long.
async fn within<T: Send + 'static>(
    runtime: &tokio::runtime::Handle,
    deadline: Duration,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let task = runtime.spawn(AssertUnwindSafe(work).catch_unwind());
    let stop = task.abort_handle();
    match tokio::time::timeout(deadline, task).await {
        Ok(done) => done.ok()?.ok(),
        Err(_) => {
            stop.abort();
            None
        }
    }
}

/// The first valid labels (SDK-60).
fn valid(tags: BTreeMap<String, String>) -> BTreeMap<Box<str>, Box<str>> {
    let key = |key: &str| {
        (1..=TAG_KEY_CHARS).contains(&key.chars().count())
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '$' | '_' | '.' | ':' | '-' | ' '))
    };
    let value = |value: &str| value.chars().count() <= TAG_VALUE_CHARS && !value.contains(['\n', '\r']);
    let (good, bad): (Vec<_>, Vec<_>) = tags.into_iter().partition(|(k, v)| key(k) && value(v));
    if let Some((first, _)) = bad.first() {
        tracing::debug!(tag = %first, count = bad.len(), "labels that are too long or hold other signs were left out");
    }
    good.into_iter().take(TAGS).map(|(k, v)| (k.into(), v.into())).collect()
}

/// Whether `identify` is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Yes,
    No,
}

/// A user and the groups they act for.
pub(crate) type User = (Actor, BTreeMap<Box<str>, Box<str>>);

/// Who each session was last said to be (SDK-42, SDK-43).
#[derive(Debug, Default)]
pub(crate) struct Identities {
    sessions: HashMap<Box<str>, Known>,
}

#[derive(Debug)]
struct Known {
    actor: Actor,
    groups: BTreeMap<Box<str>, Box<str>>,
    inputs: [u8; 32],
    at: Instant,
}

impl Identities {
    /// Whether the session's user has to be asked for again; without a session always.
    pub(crate) fn ask(&self, mode: IdentifyMode, session: Option<&str>, extra: &Extra, now: Instant) -> Ask {
        let known = session.and_then(|session| self.sessions.get(session));
        let settled = known.is_some_and(|known| match mode {
            IdentifyMode::EveryRequest => false,
            IdentifyMode::Once => true,
            IdentifyMode::Adaptive => {
                known.inputs == inputs(extra) && now.saturating_duration_since(known.at) < FRESH
            }
        });
        if settled { Ask::No } else { Ask::Yes }
    }

    /// Takes in what was said, and answers who the user is and their groups: none or a failure keeps who it was.
    pub(crate) fn settle(
        &mut self,
        session: Option<&str>,
        said: Option<&UserIdentity>,
        extra: &Extra,
        now: Instant,
    ) -> Option<User> {
        let new = said.and_then(|identity| Some((identity.actor()?, identity.groups().collect())));
        let Some(session) = session else { return new };
        if let Some((actor, groups)) = &new {
            if self.sessions.len() >= CACHE && !self.sessions.contains_key(session) {
                self.sessions.clear();
            }
            let known =
                Known { actor: actor.clone(), groups: groups.clone(), inputs: inputs(extra), at: now };
            self.sessions.insert(session.into(), known);
            return new;
        }
        self.sessions.get(session).map(|known| (known.actor.clone(), known.groups.clone()))
    }
}

/// A cheap fingerprint of what an identity depends on.
fn inputs(extra: &Extra) -> [u8; 32] {
    let text = |name: &str| extra.header(name).unwrap_or_default().to_owned();
    Sha256::digest(format!("{}\0{}", text("authorization"), extra.mcp_session.as_deref().unwrap_or_default()))
        .into()
}
