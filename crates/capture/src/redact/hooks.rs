//! The operator's own redaction: an event hook and a text hook, each run on a thread of their own with a deadline, so
//! that one that hangs or panics costs its event's payload and never the fact of the call (SDK-93, SDK-94).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use trackway_event::Event;

/// Edits a whole event, or drops it by answering `None`.
pub type EventHook = Arc<dyn Fn(Event) -> Option<Event> + Send + Sync>;
/// Answers what a text becomes; `None` leaves it.
pub type TextHook = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Threads that may hang in a hook; beyond, hooks count as failed without being called (INV-10).
const HUNG: u32 = 4;

/// What came of a hook.
pub(super) enum Hooked {
    /// The event goes on.
    Kept(Box<Event>),
    /// The hook dropped it.
    Dropped,
    /// It panicked, took too long, or cannot be called any more.
    Failed,
}

type Work = Box<dyn FnOnce() -> Option<Event> + Send>;

/// The thread that runs hooks; replaced when it hangs.
pub(super) struct Runner {
    deadline: Duration,
    hung: u32,
    thread: Option<(SyncSender<Work>, Receiver<Hooked>)>,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("hung", &self.hung).finish_non_exhaustive()
    }
}

impl Runner {
    pub(super) fn new(deadline: Duration) -> Self {
        Self { deadline, hung: 0, thread: None }
    }

    pub(super) fn run(&mut self, work: impl FnOnce() -> Option<Event> + Send + 'static) -> Hooked {
        if self.hung >= HUNG {
            return Hooked::Failed;
        }
        if self.thread.is_none() {
            self.thread = start();
        }
        let Some((send, answers)) = &self.thread else { return Hooked::Failed };
        if send.send(Box::new(work)).is_err() {
            self.thread = None;
            return Hooked::Failed;
        }
        match answers.recv_timeout(self.deadline) {
            Ok(answer) => answer,
            Err(_) => {
                // The thread is left to its hook; the next event gets a new one.
                self.thread = None;
                self.hung += 1;
                tracing::warn!(
                    hung = self.hung,
                    "a redaction hook did not answer in time; its event goes without payload"
                );
                Hooked::Failed
            }
        }
    }
}

fn start() -> Option<(SyncSender<Work>, Receiver<Hooked>)> {
    let (send, work) = sync_channel::<Work>(1);
    let (done, answers) = sync_channel(1);
    let run = move || {
        while let Ok(work) = work.recv() {
            let answer = match catch_unwind(AssertUnwindSafe(work)) {
                Ok(Some(event)) => Hooked::Kept(Box::new(event)),
                Ok(None) => Hooked::Dropped,
                Err(_) => Hooked::Failed,
            };
            if done.send(answer).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("trackway-redact".into()).spawn(run).ok()?;
    Some((send, answers))
}
