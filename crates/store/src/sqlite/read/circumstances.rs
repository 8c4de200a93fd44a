//! What the newest failures of an error group were given, and by whom, against the newest successes of the same tool (F-89).
//!
//! Called for one issue's page. What stands out is defined in [`trackway_core::metric::circumstances`]; at most [`SIDE`] calls
//! of each side are looked at, so that a bounded number of payloads is read.

use std::collections::HashMap;

use serde_json::Value;
use trackway_core::metric::circumstances::{Circumstance, Circumstances, Of, Side};
use trackway_event::Status;
use trackway_event::event::Flags;

use super::Reader;
use super::payloads::Payloads;
use super::people::Moved;
use crate::Result;
use crate::query::{SUSPECT_CALLS, Scope, Suspect};
use crate::sqlite::control::sql;

/// Arguments and traits that are over-represented in failures, the least likely chance first.
pub(super) fn suspects(reader: &Reader, scope: &Scope, tool: i64, members: &[i64]) -> Result<Vec<Suspect>> {
    let (mut arguments, mut traits) = (Circumstances::new(Of::Arguments), Circumstances::new(Of::Traits));
    let (mut failing, mut working) = (0, 0);
    let (moved, mut people) = (Moved::read(reader)?, People::default());
    let mut payloads = Payloads::default();
    let mut statement = reader.conn.prepare_cached(sql!("event.suspect_calls"))?;
    let mut rows = statement.query((tool, scope.period.from.micros(), scope.period.to.micros()))?;
    while let Some(r) = rows.next()? {
        if failing >= SUSPECT_CALLS && working >= SUSPECT_CALLS {
            break;
        }
        let failed = r.get::<_, Option<i64>>(0)?.is_some_and(|issue| members.contains(&issue));
        let worked = r.get::<_, Option<u8>>(1)?.and_then(Status::from_code) == Some(Status::Ok);
        if Flags::from_bits(r.get(2)?).nested || !(failed || worked) {
            continue;
        }
        let (side, looked_at) =
            if failed { (Side::Failing, &mut failing) } else { (Side::Working, &mut working) };
        if *looked_at >= SUSPECT_CALLS {
            continue;
        }
        *looked_at += 1;
        let mut person = vec![r.get::<_, Option<i64>>(3)?.unwrap_or(0)];
        moved.settle(&mut person);
        let person = person.first().copied().unwrap_or(0);
        // Of a call whose payload was removed by age nothing is known, not even that nothing was sent.
        if let Some(sent) = payloads.arguments(reader, (r.get(4)?, r.get(5)?, r.get(6)?))? {
            arguments.add(side, person, &sent);
        }
        if person != 0 {
            traits.add(side, person, people.traits(reader, person)?);
        }
    }
    let told = |what: &'static str| {
        move |c: Circumstance| Suspect {
            what,
            value: format!("{}: {}", c.name, c.is),
            chance: c.counts.chance(),
            counts: c.counts,
        }
    };
    let mut all: Vec<Suspect> = arguments.suspects().into_iter().map(told("argument")).collect();
    all.extend(traits.suspects().into_iter().map(told("trait")));
    Ok(all)
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
