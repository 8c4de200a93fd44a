//! What every handler shares: the store, the settings, the clock, bounded permits and counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use trackway_event::{DropReason, ProblemCode, Timestamp, limits};
use trackway_store::{NewAudit, Project, ProjectKey, Store};

use crate::auth::{Limiter, Viewer};
use crate::ingest::{AddressKeys, Seats};
use crate::metrics::Metrics;
use crate::options::ServeOptions;
use crate::policy::Policies;
use crate::problem::Problem;

/// A source of the present time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Questions of the storage that run at a time; the readers of a project are fewer still.
const QUESTIONS: usize = 16;
/// Bodies over half a megabyte in memory at a time: the bound on what hostile bodies may cost.
const BIG_BODIES: usize = 4;

/// Refusals that live feeds may lag behind.
const REFUSALS: usize = 64;

/// Shared by every handler; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    options: ServeOptions,
    clock: Clock,
    metrics: Metrics,
    questions: Arc<Semaphore>,
    big_bodies: Arc<Semaphore>,
    seats: Arc<Seats>,
    login_tries: Limiter,
    passwords: Arc<Semaphore>,
    policies: Policies,
    addresses: AddressKeys,
    draining: AtomicBool,
    drained: tokio::sync::watch::Sender<bool>,
    refused: tokio::sync::broadcast::Sender<Arc<Refused>>,
}

/// Events that were refused, for live feeds.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The project, where it is known.
    pub(crate) project: Option<ProjectKey>,
    /// The project as the events named it.
    pub(crate) project_text: Option<String>,
    /// Why.
    pub(crate) reason: DropReason,
    /// How many.
    pub(crate) events: u64,
}

impl AppState {
    /// A state over a store, by the system's clock.
    pub fn new(options: ServeOptions, store: Arc<dyn Store>) -> Self {
        Self::with_clock(options, store, Arc::new(system_time))
    }

    /// A state with a clock of its own, for tests.
    pub fn with_clock(options: ServeOptions, store: Arc<dyn Store>, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            store,
            policies: Policies::new(options.limits),
            options,
            clock,
            metrics: Metrics::default(),
            questions: Arc::new(Semaphore::new(QUESTIONS)),
            big_bodies: Arc::new(Semaphore::new(BIG_BODIES)),
            seats: Arc::default(),
            login_tries: Limiter::default(),
            passwords: Arc::new(Semaphore::new(crate::auth::password::AT_A_TIME)),
            addresses: AddressKeys::default(),
            draining: AtomicBool::new(false),
            drained: tokio::sync::watch::Sender::new(false),
            refused: tokio::sync::broadcast::Sender::new(REFUSALS),
        }))
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    /// The settings.
    pub fn options(&self) -> &ServeOptions {
        &self.0.options
    }

    /// The store, for calls that only queue or look into memory; everything else goes through [`AppState::ask`].
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn policies(&self) -> &Policies {
        &self.0.policies
    }

    pub(crate) fn addresses(&self) -> &AddressKeys {
        &self.0.addresses
    }

    pub(crate) fn login_tries(&self) -> &Limiter {
        &self.0.login_tries
    }

    /// The time zone of a project, where it has one of its own; `None` too for a project that is not there.
    pub(crate) async fn zone_of(&self, project: &str) -> Option<String> {
        let id = project.to_owned();
        let found = self.ask("zone", move |store| {
            let Some(project) = store.project(&id)? else { return Ok(None) };
            Ok(store.settings(project.key)?.remove(crate::policy::ZONE))
        });
        found.await.ok().flatten().filter(|zone| trackway_core::period::zone(Some(zone)).is_ok())
    }

    /// Changes something that somebody decided, and notes who did where it was there to be changed. Answers whether it was.
    ///
    /// # Errors
    /// As [`AppState::ask`].
    pub(crate) async fn change(
        &self,
        name: &'static str,
        note: NewAudit,
        change: impl FnOnce(&dyn Store) -> trackway_store::Result<bool> + Send + 'static,
    ) -> Result<bool, Problem> {
        let now = self.now();
        self.ask(name, move |store| {
            let done = change(store)?;
            if done {
                store.note(note, now)?;
            }
            Ok(done)
        })
        .await
    }

    /// Asks the storage on the blocking pool. `name` names the question in `/metrics`.
    ///
    /// # Errors
    /// `overloaded` when too many questions wait, and what the storage's errors stand for.
    pub async fn ask<T: Send + 'static>(
        &self,
        name: &'static str,
        question: impl FnOnce(&dyn Store) -> trackway_store::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let waiting = tokio::time::timeout(limits::QUERY_DEADLINE, self.0.questions.clone().acquire_owned());
        let Ok(Ok(permit)) = waiting.await else {
            let mut problem = Problem::new(ProblemCode::Overloaded, "too many questions at once; ask again");
            problem.retry_after = Some(1);
            return Err(problem);
        };
        let store = self.0.store.clone();
        let started = Instant::now();
        let answer = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            question(&*store)
        })
        .await;
        let took = started.elapsed();
        self.0.metrics.question(name, took);
        if took > std::time::Duration::from_secs(1) {
            tracing::warn!(question = name, ms = took.as_millis() as u64, "slow question");
        }
        match answer {
            Ok(answer) => Ok(answer?),
            Err(error) => {
                tracing::error!(question = name, %error, "a question of the storage ended in a panic");
                Err(Problem::new(ProblemCode::Internal, "the server could not do this; its log says why"))
            }
        }
    }

    /// The project of this id or alias, if the viewer may read it; unknown and foreign look the same (INV-06).
    pub async fn project_of(&self, viewer: &Viewer, id: &str) -> Result<Project, Problem> {
        let name = id.to_owned();
        let project = self.ask("project", move |store| store.project(&name)).await?;
        project.filter(|project| viewer.may_read(project.key)).ok_or_else(Problem::not_found)
    }

    /// A permit for one big body, or `None` after [`limits::INGEST_HOLD`].
    pub(crate) async fn big_body(&self) -> Option<OwnedSemaphorePermit> {
        let waiting = self.0.big_bodies.clone().acquire_owned();
        tokio::time::timeout(limits::INGEST_HOLD, waiting).await.ok()?.ok()
    }

    /// Who may be worked on.
    pub(crate) fn seats(&self) -> &Arc<Seats> {
        &self.0.seats
    }

    /// A permit for checking one password, or `None` after [`limits::INGEST_HOLD`].
    pub(crate) async fn password_check(&self) -> Option<OwnedSemaphorePermit> {
        let waiting = self.0.passwords.clone().acquire_owned();
        tokio::time::timeout(limits::INGEST_HOLD, waiting).await.ok()?.ok()
    }

    /// From now on `/health/ready` answers 503 and live feeds end.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
        self.0.drained.send_replace(true);
    }

    /// Whether the server is shutting down.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// Tells live feeds of refused events.
    pub(crate) fn tell_refused(&self, refused: Refused) {
        // No feed is open: nobody to tell.
        let _unheard = self.0.refused.send(Arc::new(refused));
    }

    /// The refused events from now on.
    pub(crate) fn refused(&self) -> tokio::sync::broadcast::Receiver<Arc<Refused>> {
        self.0.refused.subscribe()
    }

    /// Ends when the server shuts down.
    pub(crate) fn drained(&self) -> tokio::sync::watch::Receiver<bool> {
        self.0.drained.subscribe()
    }
}

fn system_time() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
