//! Which of several contradicting facts holds: the first or the last by (event time, event id). Both are merges that
//! do not care for order or repetition (INV-03, INV-04), because the key of the winner is kept with its value.

use trackway_event::{Event, EventId, Timestamp};

use crate::codec::{Put, Take};

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

/// The different keys of several facts, written once before them; facts then name theirs by its place.
#[derive(Default)]
pub(crate) struct KeyTable<'a>(Vec<&'a Key>);

impl<'a> KeyTable<'a> {
    /// The table of these facts' keys.
    pub(crate) fn of(keys: impl Iterator<Item = &'a Key>) -> Self {
        let mut table = Self::default();
        for key in keys {
            if !table.0.contains(&key) {
                table.0.push(key);
            }
        }
        table
    }

    /// Writes the table.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let base = self.0.iter().map(|k| k.at.micros()).min().unwrap_or(0);
        out.put_i64(base);
        out.put_u64(self.0.len() as u64);
        for key in &self.0 {
            out.put_u64(key.at.micros().wrapping_sub(base) as u64);
            out.put_text(key.id.as_str());
        }
    }

    /// Writes one fact: its key's place from 1 and what `write` adds, or 0 when it is absent.
    pub(crate) fn put_fact<T>(
        &self,
        out: &mut Vec<u8>,
        fact: &Option<(Key, T)>,
        write: impl FnOnce(&mut Vec<u8>, &T),
    ) {
        let place = fact.as_ref().and_then(|(key, _)| self.0.iter().position(|k| *k == key));
        match (place, fact) {
            (Some(place), Some((_, value))) => {
                out.put_u64(place as u64 + 1);
                write(out, value);
            }
            (_, _) => out.put_u64(0),
        }
    }

    /// Reads a table.
    pub(crate) fn take(take: &mut Take<'_>) -> Option<Vec<Key>> {
        let base = take.i64()?;
        (0..take.count()?)
            .map(|_| {
                let at = Timestamp::from_micros(base.wrapping_add(take.u64()? as i64));
                Some(Key { at, id: EventId::foreign(take.text()?)? })
            })
            .collect()
    }

    /// Reads one fact. `Some(None)`: it is absent; `None`: the bytes are bad.
    #[expect(clippy::option_option, reason = "absent and unreadable differ")]
    pub(crate) fn take_fact<T>(
        take: &mut Take<'_>,
        table: &[Key],
        read: impl FnOnce(&mut Take<'_>) -> Option<T>,
    ) -> Option<Option<(Key, T)>> {
        let Some(place) = take.u64()?.checked_sub(1) else { return Some(None) };
        let key = table.get(usize::try_from(place).ok()?)?.clone();
        Some(Some((key, read(take)?)))
    }
}
