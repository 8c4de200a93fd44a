//! `GET …/live`: committed events as they come, as server-sent events (D35).
//!
//! The id of a message is the commit sequence. A client that comes back with `Last-Event-ID`, or was too slow for the shared
//! buffer, is caught up from the ledger, so it misses nothing. One connection holds one commit at most; the rest is
//! shared. Ends at shutdown.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::HeaderMap;
use tokio::sync::{broadcast, watch};
use trackway_core::filter::Filter;
use trackway_event::ProblemCode;
use trackway_store::ProjectKey;
use trackway_store::query::{Committed, EventRow};

use super::ask::{Asked, Keys};
use super::live_filter::{self, Answered};
use super::objects::EventObject;
use crate::auth::{self, InProject, Viewer};
use crate::problem::{Problem, ProblemBody};
use crate::state::{AppState, Refused};

/// How often a comment keeps the connection open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often an open feed looks whether its reader still may read.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Rows of one read when catching up.
const CATCH_UP: usize = 200;
/// Feeds open at a time.
const FEEDS: u64 = 256;

/// The live feed. Messages `event` hold an event object, messages `refused` say why events were refused. Conditions `f` on
/// the event, its person and its accounts are honoured; those on a whole session are refused.
#[utoipa::path(get, path = "/api/v1/projects/{p}/live", tag = "read", params(("p" = String, Path), Keys),
    responses((status = 200, description = "server-sent events", content_type = "text/event-stream"),
        (status = 400, body = ProblemBody), (status = 404, body = ProblemBody), (status = 503, body = ProblemBody)))]
pub(super) async fn show(
    State(state): State<AppState>,
    at: InProject,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Problem> {
    let filter = asked.scope.filter.clone();
    let answered = live_filter::check(&filter)?;
    let resume = headers.get("last-event-id").and_then(|v| v.to_str().ok()).or_else(|| asked.get("after"));
    let resume = match resume.map(|text| text.trim().parse::<u64>()) {
        Some(Ok(seq)) => Some(seq),
        Some(Err(_)) => {
            return Err(Problem::new(ProblemCode::BadCursor, "Last-Event-ID is a number of this feed"));
        }
        None => None,
    };
    if state.metrics().live.load(Ordering::Relaxed) >= FEEDS {
        return Err(Problem::new(ProblemCode::Overloaded, "too many live feeds are open; close some"));
    }
    let feed = state.store().subscribe(at.project.key)?;
    state.metrics().live.fetch_add(1, Ordering::Relaxed);
    let feed = Feed {
        project: at.project.id.to_string(),
        key: at.project.key,
        sees_unknown: at.viewer.is_admin(),
        refused: state.refused(),
        drained: state.drained(),
        filter,
        answered,
        upto: 0,
        feed,
        look: tokio::time::interval_at(tokio::time::Instant::now() + LOOK_AGAIN, LOOK_AGAIN),
        viewer: at.viewer,
        seen: resume.unwrap_or(0),
        catch_up: resume.is_some(),
        waiting: VecDeque::new(),
        state,
    };
    let messages =
        stream::unfold(feed, |mut feed| async move { Some((Ok::<_, Infallible>(feed.next().await?), feed)) });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("still here");
    Ok(Sse::new(messages).keep_alive(keep_alive).into_response())
}

struct Feed {
    state: AppState,
    project: String,
    key: ProjectKey,
    /// Whether refusals of no known project are for this viewer.
    sees_unknown: bool,
    filter: Filter,
    /// Whether rows are held against the filter here or by the ledger.
    answered: Answered,
    /// Newest sequence that was told of.
    upto: u64,
    viewer: Viewer,
    /// When the viewer is looked up again.
    look: tokio::time::Interval,
    feed: broadcast::Receiver<Arc<Committed>>,
    refused: broadcast::Receiver<Arc<Refused>>,
    drained: watch::Receiver<bool>,
    /// Newest sequence that was looked at.
    seen: u64,
    /// Whether the ledger holds events that the feed no longer has.
    catch_up: bool,
    waiting: VecDeque<Event>,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.state.metrics().live.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Feed {
    /// The next message; `None` ends the feed.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(message);
            }
            if self.catch_up {
                let (key, seen) = (self.key, self.seen);
                let filter = match self.answered {
                    Answered::ByRow => Filter::default(),
                    Answered::ByLedger => self.filter.clone(),
                };
                let rows = self
                    .state
                    .ask("live", move |store| store.events_after(key, seen, &filter, CATCH_UP))
                    .await
                    .ok()?;
                self.catch_up = rows.len() == CATCH_UP;
                rows.into_iter().for_each(|row| self.push(row));
                if !self.catch_up {
                    // What did not pass was looked at, too.
                    self.seen = self.seen.max(self.upto);
                }
                continue;
            }
            let ended = async {
                let _sender_gone = self.drained.wait_for(|d| *d).await.is_err();
            };
            tokio::select! {
                () = ended => return None,
                _ = self.look.tick() => {
                    if !auth::still(&self.state, &self.viewer, self.key).await {
                        return None;
                    }
                }
                committed = self.feed.recv() => match committed {
                    Ok(committed) => self.committed(&committed),
                    Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up = true,
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
                refused = self.refused.recv() => match refused {
                    Ok(refused) => self.push_refused(&refused),
                    // Refusals are a hint; the quarantine has them all.
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
            }
        }
    }

    fn committed(&mut self, committed: &Committed) {
        match self.answered {
            Answered::ByRow => committed.events.iter().for_each(|row| self.push(row.clone())),
            Answered::ByLedger => {
                self.tell(committed);
                // One question for every commit that came meanwhile.
                while let Ok(more) = self.feed.try_recv() {
                    self.tell(&more);
                }
                self.catch_up = self.upto > self.seen;
            }
        }
    }

    fn tell(&mut self, committed: &Committed) {
        if self.seen == 0 {
            // A feed begins with what comes after it was opened.
            self.seen = committed.events.first().map_or(0, |row| row.seq.saturating_sub(1));
        }
        self.upto = committed.events.last().map_or(self.upto, |row| self.upto.max(row.seq));
    }

    fn push(&mut self, row: EventRow) {
        if row.seq <= self.seen {
            return;
        }
        self.seen = row.seq;
        if self.answered == Answered::ByLedger || live_filter::matches(&self.filter, &row) {
            let message = Event::default().id(row.seq.to_string()).event("event");
            let object = EventObject::of(&self.project, row);
            self.waiting.extend(message.json_data(object).ok());
        }
    }

    fn push_refused(&mut self, refused: &Refused) {
        let mine = refused.project.map_or(self.sees_unknown, |key| key == self.key);
        if mine {
            let data = serde_json::json!({
                "reason": refused.reason.as_str(),
                "explain": refused.reason.explain(),
                "project": refused.project_text,
                "events": refused.events,
            });
            self.waiting.extend(Event::default().event("refused").json_data(data).ok());
        }
    }
}
