//! Where a body is while it is taken in: at a seat, or waiting for one; called by [`super::take`] only. Invariant: who waits for
//! anything but the commit of what is queued holds no seat (ADR 0021).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use trackway_event::limits;

use super::seats::{Seat, Seats};
use super::take::Sender;
use crate::state::AppState;

/// A body's place in the server: in work with a seat, or waiting without one.
pub(super) struct Place {
    seats: Arc<Seats>,
    line: u64,
    bytes: usize,
    /// Until when it waits for room.
    pub(super) deadline: Instant,
    seat: Option<Seat>,
}

impl Place {
    /// Of a body that was read by a time.
    pub(super) fn new(state: &AppState, sender: &Sender<'_>, text: &str, started: Instant) -> Self {
        let seats = state.seats().clone();
        let line = seats.line(project_in(text, sender.adapter.project));
        let deadline = started + sender.no_room.patience();
        Self { seats, line, bytes: text.len(), deadline, seat: None }
    }

    /// Takes a seat; whether there was one by the deadline. Nobody is held by a server that ends.
    pub(super) async fn sit(&mut self, state: &AppState) -> bool {
        self.sit_by(state, self.deadline).await
    }

    /// Waits without a seat, and takes one by another deadline; whether there was one.
    pub(super) async fn step_out(&mut self, state: &AppState, wait: Duration, deadline: Instant) -> bool {
        self.seat = None;
        sleep(wait).await;
        self.sit_by(state, deadline).await
    }

    async fn sit_by(&mut self, state: &AppState, deadline: Instant) -> bool {
        self.seat = self.seats.now(self.line, self.bytes);
        if self.seat.is_none() && !state.is_draining() {
            state.metrics().held.fetch_add(1, Ordering::Relaxed);
            self.seat = self.seats.by(self.line, self.bytes, deadline).await;
        }
        self.seat.is_some()
    }
}

/// The project a body names first, as it is written. Only for keeping projects apart: what becomes of an event is decided by what
/// its adapter reads.
fn project_in<'a>(text: &'a str, member: &[u8]) -> Option<&'a str> {
    let after = memchr::memmem::find(text.as_bytes(), member)? + member.len();
    let value = text.get(after..)?.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let end = memchr::memchr(
        b'"',
        value.as_bytes().get(..limits::PROJECT_ID_CHARS + 1).unwrap_or(value.as_bytes()),
    )?;
    value.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_names_its_project() {
        let named = |body| project_in(body, b"\"project\"");
        assert_eq!(named(r#"{"project": "proj_a", "events": []}"#), Some("proj_a"));
        assert_eq!(named(r#"{"events": [], "project"  :"proj_b"}"#), Some("proj_b"));
        assert_eq!(named(r#"{"project": 7}"#), None);
        assert_eq!(named(r#"{"project": "never ends"#), None);
        let long = format!(r#"{{"project": "{}"}}"#, "é".repeat(limits::PROJECT_ID_CHARS));
        assert_eq!(named(&long), None);
        assert_eq!(named(""), None);
    }
}
