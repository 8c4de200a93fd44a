//! A request under way: leaves its note for the worker when it ends, however it ends.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rmcp::ErrorData;
use rmcp::model::RequestId;
use trackway_capture::recorder::{Ending, Observed, Scope, Told, Way};

use crate::caught::{self, Caught};
use crate::hub::Hub;
use crate::snapshot::{Extra, RequestInfo};
use crate::wire::{self, Answer, Speaks};
use crate::worker::{Exchange, Note, Outcome};

/// The opening of an MCP session over HTTP: its id is only known from the next request on, so its note waits for that.
#[derive(Default)]
pub(crate) struct Held(Mutex<Option<Opening>>);

/// Its hub, its weight and its note.
type Opening = (Arc<Hub>, usize, Box<Exchange>);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

impl Held {
    fn keep(&self, hub: Arc<Hub>, bytes: usize, exchange: Box<Exchange>) {
        let old = self.lock().replace((hub, bytes, exchange));
        if let Some((hub, bytes, exchange)) = old {
            hub.inbox.push(bytes, Note::Exchange(exchange));
        }
    }

    pub(crate) fn release(&self, session: Option<&str>) {
        let Some((hub, bytes, mut exchange)) = self.lock().take() else { return };
        exchange.scope.mcp_session = session.map(Into::into);
        exchange.session = session.map(Into::into);
        hub.inbox.push(bytes, Note::Exchange(exchange));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Opening>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release(None);
    }
}

/// A request, what callbacks see of it, and under what its user is remembered.
pub(crate) type Begun = (Scope, Observed, Option<(RequestInfo, Extra)>, Option<Box<str>>);

/// A request under way; leaves its note when it ends, however it ends.
pub(crate) struct Running {
    pub(crate) hub: Arc<Hub>,
    pub(crate) parts: Option<Begun>,
    /// Where the note waits, for the opening of a session over HTTP.
    pub(crate) held: Option<Arc<Held>>,
    pub(crate) speaks: Speaks,
    /// Whether the client gave the request up: rmcp sends no answer then.
    pub(crate) given_up: Box<dyn Fn() -> bool + Send>,
    /// The error that the handler told of.
    pub(crate) caught: Caught,
}

impl Running {
    /// Says which session the request is of.
    pub(crate) fn tell(&mut self, told: Told) {
        if let Some((scope, ..)) = &mut self.parts {
            scope.told = Some(told);
        }
    }

    /// The handler answered.
    pub(crate) fn done<T: Answer>(mut self, id: &RequestId, result: &Result<T, ErrorData>) {
        let (wall, mono_us) = self.hub.clock.read(Instant::now());
        if (self.given_up)() {
            return self.leave(Outcome::Ended(Ending::Cancelled, mono_us));
        }
        let hub = Arc::clone(&self.hub);
        let line = hub.guard.run(|| wire::answer(id, result, self.speaks));
        let outcome =
            line.map(|line| Outcome::Answer(Observed { way: Way::FromServer, wall, mono_us, line }));
        self.leave(outcome.unwrap_or(Outcome::Ended(Ending::Unreadable, mono_us)));
    }

    fn leave(&mut self, outcome: Outcome) {
        let Some((scope, request, seen, session)) = self.parts.take() else { return };
        let answer = match &outcome {
            Outcome::Answer(answer) => answer.line.len(),
            Outcome::Ended(..) => 0,
        };
        let bytes = 512 + request.line.len() + answer;
        let caught = caught::take(&self.caught);
        let exchange = Box::new(Exchange { scope, request, outcome, seen, session, caught });
        match &self.held {
            Some(held) => held.keep(Arc::clone(&self.hub), bytes, exchange),
            None => self.hub.inbox.push(bytes, Note::Exchange(exchange)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.parts.is_some() {
            let ending = if std::thread::panicking() { Ending::Panicked } else { Ending::Cancelled };
            let now_us = self.hub.clock.read(Instant::now()).1;
            self.leave(Outcome::Ended(ending, now_us));
        }
    }
}
