//! From a cleaned body to one outcome per event: resolve projects, cap, submit, hold while there is no room, count,
//! quarantine. The same for every wire and for replays.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use trackway_event::{DropReason, Event, Outcome, Timestamp, limits, validate};
use trackway_store::{NewQuarantined, Project, ProjectKey, StoreError, Tally};

use super::place::Place;
use super::{Adapter, Batch, address, clean, feedback};
use crate::policy::{Admission, Rated};
use crate::state::{AppState, Refused};

/// How long the first try after "no room" waits; doubled up to [`LAST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LAST_WAIT: Duration = Duration::from_secs(1);
/// Refused bodies of one request that are kept.
const KEPT: usize = 20;

/// What is known of a request besides its body.
#[derive(Clone)]
pub(crate) struct Sender<'a> {
    pub(crate) adapter: &'static Adapter,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) received_at: Timestamp,
    /// Bytes on the wire.
    pub(crate) bytes: usize,
    /// What becomes of events there is no room for.
    pub(crate) no_room: NoRoom,
    /// The token it came with, where that has a rate of its own.
    pub(crate) token: Option<Rated>,
}

/// What becomes of events there is no room for (D3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// The client keeps them until they are taken: it is told soon, without its body being read. No outcome yet.
    Kept,
    /// The client is told and sends them again, a few times: held as long as can be. No outcome yet.
    SentAgain,
    /// The client must not be told: they are dropped.
    Dropped,
}

impl NoRoom {
    /// How long such a client is held for room.
    pub(super) fn patience(self) -> Duration {
        match self {
            Self::Kept => limits::INGEST_HOLD_KEPT,
            Self::SentAgain | Self::Dropped => limits::INGEST_HOLD,
        }
    }
}

/// What became of a body.
pub(crate) struct Taken {
    /// One per event, in order; none where the body was not even read for want of room.
    pub(crate) results: Vec<(Option<Box<str>>, Outcome)>,
    /// Set when there was no room for some: why.
    pub(crate) no_room: Option<DropReason>,
    /// Whether some event named a project we do not know.
    pub(crate) unknown_project: bool,
}

/// Takes a body in, uncleaned. Answers after the commit of everything in it.
///
/// # Errors
/// When the body is unreadable as a whole; it was counted and its head kept.
pub(crate) async fn take(state: &AppState, sender: &Sender<'_>, text: String) -> Result<Taken, DropReason> {
    let started = Instant::now();
    let mut place = Place::new(state, sender, &text, started);
    let seated = place.sit(state).await;
    if !seated && sender.no_room == NoRoom::Kept {
        state.metrics().refused.fetch_add(1, Ordering::Relaxed);
        return Ok(Taken {
            results: Vec::new(),
            no_room: Some(DropReason::Overload),
            unknown_project: false,
        });
    }
    let text = &clean::clean(text);
    let batch = match (sender.adapter.read)(text, sender.received_at) {
        Ok(batch) => batch,
        Err(reason) => {
            refuse(state, sender, reason, text.as_bytes()).await;
            return Err(reason);
        }
    };
    let mut taking = Taking::new(batch.items.len());
    let groups = taking.sort(state, batch, text, sender);
    for (key, group) in groups {
        let (places, events): (Vec<usize>, Vec<Event>) = group.into_iter().unzip();
        let again = || events_of(state, key, sender, text, &places);
        let admitted = match seated {
            true => admit(state, &mut place, sender, key, events.len()).await,
            false => Err(DropReason::Overload),
        };
        let submitted = match admitted {
            Ok(()) => submit(state, &mut place, key, events, sender.received_at, again).await,
            Err(DropReason::Quota) => Ok(vec![Outcome::Dropped(DropReason::Quota); places.len()]),
            Err(reason) => Err(reason),
        };
        match submitted {
            Ok(outcomes) => {
                let over = outcomes.iter().filter(|o| **o == Outcome::Dropped(DropReason::Quota)).count();
                if over > 0 {
                    *taking.tally(Some(key)).dropped.entry(DropReason::Quota).or_default() += over as u64;
                }
                for (place, outcome) in places.iter().zip(outcomes) {
                    taking.set(*place, outcome);
                }
            }
            Err(reason) => {
                taking.no_room = Some(reason);
                state.metrics().refused.fetch_add(1, Ordering::Relaxed);
                for place in &places {
                    taking.set(*place, Outcome::Dropped(reason));
                }
                if sender.no_room == NoRoom::Dropped {
                    taking
                        .tally(Some(key))
                        .dropped
                        .entry(reason)
                        .and_modify(|n| *n += places.len() as u64)
                        .or_insert(places.len() as u64);
                }
            }
        }
    }
    let unknown_project = taking.unknown;
    let results = taking
        .results
        .drain(..)
        .map(|(id, o)| (id, o.unwrap_or(Outcome::Dropped(DropReason::BadEvent))))
        .collect();
    let no_room = taking.no_room;
    taking.finish(state, sender).await;
    state.metrics().acknowledged(started.elapsed());
    Ok(Taken { results, no_room, unknown_project })
}

/// Counts an unreadable body and keeps its head (D5).
pub(crate) async fn refuse(state: &AppState, sender: &Sender<'_>, reason: DropReason, body: &[u8]) {
    state.metrics().bodies_refused.fetch_add(1, Ordering::Relaxed);
    let tally = Tally { bodies_refused: 1, ..Tally::default() };
    let head = clean::masked_prefix(body);
    let head = address::without_addresses(&head).into_owned();
    let entry = entry(sender, reason, None, head.into_bytes(), 0, false);
    keep(state, vec![entry]).await;
    count(state, &[(None, tally)]);
}

/// Counts an event that came in a body too large to be read, for a client that must not be told (D3).
pub(crate) async fn drop_unread(state: &AppState, sender: &Sender<'_>, reason: DropReason) {
    let tally = Tally { dropped: BTreeMap::from([(reason, 1)]), ..Tally::default() };
    keep(state, vec![entry(sender, reason, None, Vec::new(), 1, false)]).await;
    count(state, &[(None, tally)]);
}

type Groups = HashMap<ProjectKey, Vec<(usize, Event)>>;

/// A body while it is being taken in.
struct Taking {
    results: Vec<(Option<Box<str>>, Option<Outcome>)>,
    tallies: BTreeMap<Option<i64>, Tally>,
    kept: Vec<NewQuarantined>,
    no_room: Option<DropReason>,
    unknown: bool,
}

impl Taking {
    fn new(events: usize) -> Self {
        Self {
            results: Vec::with_capacity(events),
            tallies: BTreeMap::new(),
            kept: Vec::new(),
            no_room: None,
            unknown: false,
        }
    }

    fn set(&mut self, place: usize, outcome: Outcome) {
        if let Some((_, slot)) = self.results.get_mut(place) {
            *slot = Some(outcome);
        }
    }

    fn tally(&mut self, project: Option<ProjectKey>) -> &mut Tally {
        self.tallies.entry(project.map(|p| p.0)).or_default()
    }

    /// Events by project; everything that cannot be stored gets its outcome.
    fn sort(&mut self, state: &AppState, batch: Batch, text: &str, sender: &Sender<'_>) -> Groups {
        let mut projects: HashMap<String, Option<Project>> = HashMap::new();
        let mut groups = Groups::new();
        let mut unknown: BTreeMap<String, Vec<std::ops::Range<usize>>> = BTreeMap::new();
        if !batch.lost.is_empty() {
            let key = batch.project.as_deref().and_then(|p| lookup(state, &mut projects, p)).map(|p| p.key);
            self.tally(key).lost = batch.lost;
        }
        for (place, item) in batch.items.into_iter().enumerate() {
            self.results.push((item.id, None));
            let project = item.project.as_deref().and_then(|p| lookup(state, &mut projects, p));
            let checked = match (item.event, &item.project, project) {
                (_, Some(name), None) => {
                    unknown
                        .entry(name.chars().take(limits::PROJECT_ID_CHARS).collect())
                        .or_default()
                        .push(item.span.clone());
                    Err(DropReason::UnknownProject)
                }
                (Err(reason), _, _) => Err(reason),
                (Ok(_), None, _) => Err(DropReason::MissingProject),
                (Ok(mut event), Some(_), Some(project)) => {
                    event.flags.demo = project.demo;
                    feedback::settle(&mut event);
                    state.policies().of(&**state.store(), project.key).apply(&mut event);
                    state.addresses().hide(&**state.store(), project.key, &mut event);
                    validate::cap(&mut event).map(|()| (project.key, event))
                }
            };
            match checked {
                Ok((key, event)) => groups.entry(key).or_default().push((place, *event)),
                Err(reason) => {
                    self.set(place, Outcome::Dropped(reason));
                    let key =
                        item.project.as_deref().and_then(|p| lookup(state, &mut projects, p)).map(|p| p.key);
                    *self.tally(key).dropped.entry(reason).or_default() += 1;
                    if reason != DropReason::UnknownProject && self.kept.len() < KEPT {
                        let body = text.get(item.span).unwrap_or_default();
                        let body = address::without_addresses(body);
                        let head = clean::masked_prefix(body.as_bytes()).into_bytes();
                        self.kept.push(entry(sender, reason, item.project, head, 1, false));
                    }
                }
            }
        }
        self.unknown = !unknown.is_empty();
        for (name, spans) in unknown {
            let body = if batch.whole {
                text.to_owned()
            } else {
                let texts: Vec<&str> = spans.iter().filter_map(|span| text.get(span.clone())).collect();
                if let [only] = texts.as_slice() {
                    (*only).to_owned()
                } else {
                    format!("[{}]", texts.join(","))
                }
            };
            let body = address::without_addresses(&body).into_owned();
            let whole = body.len() <= limits::QUARANTINE_BODY_BYTES;
            let body =
                if whole { body.into_bytes() } else { clean::masked_prefix(body.as_bytes()).into_bytes() };
            self.kept.push(entry(
                sender,
                DropReason::UnknownProject,
                Some(name),
                body,
                spans.len() as u64,
                whole,
            ));
        }
        groups
    }

    async fn finish(self, state: &AppState, sender: &Sender<'_>) {
        if !self.kept.is_empty() {
            tracing::debug!(wire = sender.adapter.name, bodies = self.kept.len(), "kept refused bodies");
            for kept in &self.kept {
                state.tell_refused(Refused {
                    project: kept
                        .project_text
                        .as_deref()
                        .and_then(|p| state.store().project(p).ok()?)
                        .map(|p| p.key),
                    project_text: kept.project_text.clone(),
                    reason: kept.reason,
                    events: kept.events,
                });
            }
            keep(state, self.kept).await;
        }
        let tallies: Vec<_> = self.tallies.into_iter().map(|(key, t)| (key.map(ProjectKey), t)).collect();
        if !tallies.is_empty() {
            count(state, &tallies);
        }
    }
}

fn lookup<'a>(
    state: &AppState,
    known: &'a mut HashMap<String, Option<Project>>,
    name: &str,
) -> Option<&'a Project> {
    if !known.contains_key(name) {
        let project = state.store().project(name).unwrap_or_else(|error| {
            tracing::error!(%error, "could not look up a project");
            None
        });
        known.insert(name.to_owned(), project);
    }
    known.get(name).and_then(Option::as_ref)
}

/// The events at these places again, read once more from the body: the happy path never copies an event.
fn events_of(
    state: &AppState,
    key: ProjectKey,
    sender: &Sender<'_>,
    text: &str,
    places: &[usize],
) -> Vec<Event> {
    let policy = state.policies().of(&**state.store(), key);
    let Ok(batch) = (sender.adapter.read)(text, sender.received_at) else { return Vec::new() };
    let wanted = |place: &usize| places.binary_search(place).is_ok();
    let items = batch.items.into_iter().enumerate().filter(|(place, _)| wanted(place));
    items
        .filter_map(|(_, item)| {
            let mut event = item.event.ok()?;
            feedback::settle(&mut event);
            policy.apply(&mut event);
            state.addresses().hide(&**state.store(), key, &mut event);
            validate::cap(&mut event).ok()?;
            Some(*event)
        })
        .collect()
}

/// Waits for the rates of the token and of the project (F-158).
async fn admit(
    state: &AppState,
    place: &mut Place,
    sender: &Sender<'_>,
    key: ProjectKey,
    events: usize,
) -> Result<(), DropReason> {
    const DAY_US: i64 = 86_400_000_000;
    if let Some(token) = &sender.token {
        paced(state, place, || state.policies().admit_token(token, events)).await?;
    }
    let day = sender.received_at.micros().div_euclid(DAY_US);
    let stored = || {
        let counted = state.store().stored_since(key, Timestamp::from_micros(day * DAY_US));
        counted.unwrap_or_else(|error| {
            tracing::warn!(%error, project = key.0, "could not count today's events; the quota begins anew");
            0
        })
    };
    paced(state, place, || state.policies().admit(key, events, day, stored)).await
}

/// Asks until it is let in, at most for [`limits::INGEST_HOLD`].
async fn paced(state: &AppState, place: &mut Place, ask: impl Fn() -> Admission) -> Result<(), DropReason> {
    let deadline = Instant::now() + limits::INGEST_HOLD;
    let mut held = false;
    loop {
        match ask() {
            Admission::In => return Ok(()),
            Admission::OverQuota => return Err(DropReason::Quota),
            Admission::After(wait) => {
                if !held {
                    held = true;
                    state.metrics().held.fetch_add(1, Ordering::Relaxed);
                }
                if Instant::now() + wait >= deadline || state.is_draining() {
                    return Err(DropReason::RateLimited);
                }
                if !place.step_out(state, wait.max(FIRST_WAIT), deadline).await {
                    return Err(DropReason::RateLimited);
                }
            }
        }
    }
}

/// Submits, and while there is no room tries again until the place's deadline (D3). What is queued is waited for, at most
/// [`limits::INGEST_HOLD`].
async fn submit(
    state: &AppState,
    place: &mut Place,
    key: ProjectKey,
    events: Vec<Event>,
    received_at: Timestamp,
    again: impl Fn() -> Vec<Event>,
) -> Result<Vec<Outcome>, DropReason> {
    let queued_until = Instant::now() + limits::INGEST_HOLD;
    let mut next = Some(events);
    let mut wait = FIRST_WAIT;
    loop {
        let events = next.take().unwrap_or_else(&again);
        let result = match state.store().submit(key, events, received_at) {
            Ok(receipt) => match timeout_at(queued_until, receipt).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(StoreError::Closed),
                Err(_) => return Err(DropReason::Overload),
            },
            Err(error) => Err(error),
        };
        let reason = match result {
            Ok(outcomes) => return Ok(outcomes),
            Err(StoreError::DiskFull(_)) => DropReason::DiskFull,
            Err(StoreError::Overloaded) => DropReason::Overload,
            Err(StoreError::Closed) => return Err(DropReason::Overload),
            Err(StoreError::UnknownProject) => return Err(DropReason::ProjectDisabled),
            Err(error) => {
                tracing::error!(%error, project = key.0, "events could not be stored");
                DropReason::DiskFull
            }
        };
        if wait == FIRST_WAIT {
            state.metrics().held.fetch_add(1, Ordering::Relaxed);
        }
        if Instant::now() + wait >= place.deadline || state.is_draining() {
            return Err(reason);
        }
        if !place.step_out(state, wait, place.deadline).await {
            return Err(reason);
        }
        wait = (wait * 2).min(LAST_WAIT);
    }
}

fn entry(
    sender: &Sender<'_>,
    reason: DropReason,
    project: Option<String>,
    body: Vec<u8>,
    events: u64,
    replayable: bool,
) -> NewQuarantined {
    NewQuarantined {
        reason,
        project_text: project,
        route: sender.adapter.path.into(),
        user_agent: sender.user_agent.map(|ua| ua.chars().take(limits::NAME_CHARS).collect()),
        bytes: sender.bytes as u64,
        events,
        body,
        replayable,
    }
}

async fn keep(state: &AppState, entries: Vec<NewQuarantined>) {
    let now = state.now();
    let kept = state.ask("quarantine", move |store| {
        entries.into_iter().try_for_each(|entry| store.quarantine(entry, now))
    });
    if let Err(problem) = kept.await {
        tracing::error!(error = problem.detail, "a refused body could not be kept");
    }
}

fn count(state: &AppState, tallies: &[(Option<ProjectKey>, Tally)]) {
    if let Err(error) = state.store().count(tallies) {
        tracing::error!(%error, "refused events could not be counted");
    }
}

#[cfg(test)]
#[path = "take_tests.rs"]
mod tests;
