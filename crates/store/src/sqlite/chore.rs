//! Work on a ledger besides commits: old data, one person's data. Done by the project's one writer between two commits, so that
//! nothing it remembers tells of what is gone. Called by `backend`.
//!
//! Invariants: a chore is one transaction or none; freed pages are zeroed; numbers that were given are never given again.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::Connection;

use crate::{Result, StoreError};

/// How long the asker waits for the writer; a chore does one bounded step.
const PATIENCE: Duration = Duration::from_secs(120);

/// A step of work on a ledger.
pub(super) type Step = Box<dyn FnOnce(&Connection) -> Result<()> + Send>;

/// A step that waits for the writer, and where its end is told.
pub(super) struct Chore {
    pub(super) step: Step,
    pub(super) done: SyncSender<Result<()>>,
}

impl Chore {
    /// A step whose answer comes back through a channel.
    pub(super) fn new<T: Send + 'static>(
        step: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> (Self, Waiting<T>) {
        let (done, ended) = sync_channel(1);
        let (give, answer) = sync_channel(1);
        let step: Step = Box::new(move |conn| {
            // Nobody waits any more: the work is done all the same.
            let _gone = give.send(step(conn)?);
            Ok(())
        });
        (Self { step, done }, Waiting { ended, answer })
    }
}

/// The answer of a step, to be waited for.
pub(super) struct Waiting<T> {
    ended: Receiver<Result<()>>,
    answer: Receiver<T>,
}

impl<T> Waiting<T> {
    /// Waits for the commit of the step.
    pub(super) fn wait(self) -> Result<T> {
        self.ended.recv_timeout(PATIENCE).map_err(|_| StoreError::Closed)??;
        self.answer.try_recv().map_err(|_| StoreError::Closed)
    }
}
