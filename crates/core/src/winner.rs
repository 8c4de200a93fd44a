//! Which of several contradicting facts holds: the first or the last by (event time, event id). Both are merges that
//! do not care for order or repetition (INV-03, INV-04), because the key of the winner is kept with its value.

use trackway_event::{Event, EventId, Timestamp};

/// The place of a fact among others: event time, then event id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// When the event started.
    pub at: Timestamp,
    /// The event's id, for facts of one instant.
    pub id: EventId,
}

impl Key {
    /// The key of an event's facts.
    pub fn of(event: &Event) -> Self {
        Self { at: event.started_at, id: event.id.clone() }
    }
}

/// The fact with the smallest key. Facts of equal key are told apart by their value, so that the answer is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First<T>(pub Option<(Key, T)>);

/// The fact with the greatest key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last<T>(pub Option<(Key, T)>);

impl<T> Default for First<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Ord> First<T> {
    /// The value that holds.
    pub fn value(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }

    /// Both facts, the first of them winning.
    pub fn merge(&mut self, other: Self) {
        if let Some(theirs) = other.0
            && self.0.as_ref().is_none_or(|ours| theirs < *ours)
        {
            self.0 = Some(theirs);
        }
    }

    /// Takes a fact of an event, copying it only when it wins.
    pub(crate) fn offer<B>(&mut self, event: &Event, fact: &B)
    where
        B: ?Sized + ToOwned<Owned = T> + Ord,
        T: std::borrow::Borrow<B>,
    {
        let wins = self.0.as_ref().is_none_or(|(key, value)| {
            (event.started_at, &event.id, fact) < (key.at, &key.id, value.borrow())
        });
        if wins {
            self.0 = Some((Key::of(event), fact.to_owned()));
        }
    }
}

impl<T: Ord> Last<T> {
    /// The value that holds.
    pub fn value(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }

    /// Both facts, the last of them winning.
    pub fn merge(&mut self, other: Self) {
        if let Some(theirs) = other.0
            && self.0.as_ref().is_none_or(|ours| theirs > *ours)
        {
            self.0 = Some(theirs);
        }
    }

    /// Takes a fact of an event, copying it only when it wins.
    pub(crate) fn offer<B>(&mut self, event: &Event, fact: &B)
    where
        B: ?Sized + ToOwned<Owned = T> + Ord,
        T: std::borrow::Borrow<B>,
    {
        let wins = self.0.as_ref().is_none_or(|(key, value)| {
            (event.started_at, &event.id, fact) > (key.at, &key.id, value.borrow())
        });
        if wins {
            self.0 = Some((Key::of(event), fact.to_owned()));
        }
    }
}
