//! What the newest failures of an error group were given, and by whom, against the newest successes of the same tool (F-89).
//!
//! Called for one issue's page. What stands out is defined in [`trackway_core::metric::circumstances`]; at most [`SUSPECT_CALLS`]
//! calls of each side are looked at, and of their payloads at most [`SIDE_BYTES`].

use std::collections::HashMap;

use serde_json::Value;
use trackway_core::metric::circumstances::{Circumstance, Circumstances, Of, Side};

use super::Reader;
use super::payloads::{Payloads, Place};
use super::people::Moved;
use crate::Result;
use crate::query::{SUSPECT_CALLS, Suspect};
use crate::sqlite::control::sql;

/// Inflated bytes of payloads that are read of each side: a busy server's blocks hold few calls of one tool each.
const SIDE_BYTES: usize = 6 * 1024 * 1024;

/// What the newest calls of both sides were given, and by whom.
pub(super) struct Closely {
    arguments: Circumstances,
    traits: Circumstances,
    failing: Looked,
    working: Looked,
    moved: Moved,
    people: People,
}

#[derive(Default)]
struct Looked {
    calls: usize,
    payloads: Payloads,
}

impl Closely {
    pub(super) fn new(reader: &Reader) -> Result<Self> {
        Ok(Self {
            arguments: Circumstances::new(Of::Arguments),
            traits: Circumstances::new(Of::Traits),
            failing: Looked::default(),
            working: Looked::default(),
            moved: Moved::read(reader)?,
            people: People::default(),
        })
    }

    /// Looks into a call, the newest first, as long as there is room for its side.
    pub(super) fn add(
        &mut self,
        reader: &Reader,
        side: Side,
        person: Option<i64>,
        place: Place,
    ) -> Result<()> {
        let looked = match side {
            Side::Failing => &mut self.failing,
            Side::Working => &mut self.working,
        };
        if looked.calls >= SUSPECT_CALLS {
            return Ok(());
        }
        looked.calls += 1;
        let person = person.and_then(|person| self.moved.shown(person)).unwrap_or(0);
        // Of a call whose payload was removed by age nothing is known, not even that nothing was sent.
        if (looked.payloads.inflated() < SIDE_BYTES || looked.payloads.holds(place))
            && let Some(sent) = looked.payloads.arguments(reader, place)?
        {
            self.arguments.add(side, person, &sent);
        }
        if person != 0 {
            self.traits.add(side, person, self.people.traits(reader, person)?);
        }
        Ok(())
    }

    /// Arguments and traits that are over-represented in failures.
    pub(super) fn suspects(self) -> Vec<Suspect> {
        let told = |what: &'static str| {
            move |c: Circumstance| Suspect {
                what,
                value: format!("{}: {}", c.name, c.is),
                chance: c.counts.chance(),
                counts: c.counts,
            }
        };
        let mut all: Vec<Suspect> = self.arguments.suspects().into_iter().map(told("argument")).collect();
        all.extend(self.traits.suspects().into_iter().map(told("trait")));
        all
    }
}

/// Traits of people, read once each.
#[derive(Default)]
struct People(HashMap<i64, Value>);

impl People {
    fn traits(&mut self, reader: &Reader, row: i64) -> Result<&Value> {
        use std::collections::hash_map::Entry;
        match self.0.entry(row) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let mut statement = reader.conn.prepare_cached(sql!("person.row"))?;
                let mut rows = statement.query([row])?;
                let text: Option<String> = rows.next()?.map(|r| r.get(2)).transpose()?;
                Ok(place.insert(text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()))
            }
        }
    }
}
