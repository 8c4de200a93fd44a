//! For tests of hosts: events are kept in memory and sent nowhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use trackway_event::Event;

use crate::options::Options;

/// Where events are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Tells harnesses apart in the registry.
    pub(crate) number: u64,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Memory {
    pub(crate) fn push(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}

/// A receiver in memory for one test.
#[derive(Clone, Debug, Default)]
pub struct Harness {
    memory: Memory,
}

impl Harness {
    /// An empty one.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { memory: Memory { number: NEXT.fetch_add(1, Ordering::Relaxed), ..Memory::default() } }
    }

    /// Options that keep events here; add your own to them.
    pub fn options(&self) -> Options {
        Options { memory: Some(self.memory.clone()), ..Options::default() }
    }

    /// The events so far, as they would have been sent.
    pub fn events(&self) -> Vec<Event> {
        self.memory.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `enough` says so of the events, at most 10 s; answers them either way.
    pub fn wait_for(&self, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let events = self.events();
            if enough(&events) || Instant::now() > until {
                return events;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
