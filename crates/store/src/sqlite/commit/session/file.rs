//! Sessions as the file has them.

use rusqlite::Connection;
use trackway_core::session::{Counts, Facts, Provenance};
use trackway_event::{SessionId, SessionSource, Timestamp};

use super::{Clientless, State, Stored};
use crate::sqlite::commit::cell::Counted;
use crate::sqlite::control::sql;
use crate::sqlite::joined::Shows;
use crate::sqlite::nameless::Rows;
use crate::{Result, StoreError};

/// One session of the file.
pub(super) fn load(conn: &Connection, row: i64) -> Result<State> {
    let damaged = |what: &str| StoreError::Corrupt {
        path: Default::default(),
        reason: format!("session {row} has an unreadable {what}"),
    };
    let (id, source, counts, group, facts, (client, attributed), (under, shows)) =
        conn.prepare_cached(sql!("session.load"))?.query_row([row], |r| {
            let n = |i: usize| r.get::<_, i64>(i).map(|n| n as u64);
            let time = |i: usize| r.get::<_, i64>(i).map(Timestamp::from_micros);
            let events = n(5)?;
            let counts = Counts {
                span: if events > 0 { Some((time(2)?, time(3)?)) } else { None },
                activity: n(4)?,
                events,
                tool_calls: n(6)?,
                errors: n(7)?,
                missing_reports: n(8)?,
                tokens_in: n(9)?,
                tokens_out: n(10)?,
                demo: n(11)?,
            };
            let group = r.get::<_, Option<i64>>(12)?.zip(r.get::<_, Option<i64>>(13)?);
            let shows = if r.get(17)? { Shows::Sum } else { Shows::Own };
            let shown: (Option<i64>, Shows) = (r.get(16)?, shows);
            Ok((
                r.get::<_, String>(0)?,
                r.get::<_, u8>(1)?,
                counts,
                group,
                r.get::<_, Vec<u8>>(14)?,
                (r.get(15)?, r.get(18)?),
                shown,
            ))
        })?;
    Ok(State {
        id: SessionId::foreign(&id).ok_or_else(|| damaged("id"))?,
        source: SessionSource::from_code(source).ok_or_else(|| damaged("source"))?,
        stored: Stored::Yes,
        client,
        attributed,
        rows: Rows::Older,
        facts: Facts { counts, people: Provenance::decode(&facts).ok_or_else(|| damaged("origin"))? },
        group,
        under,
        shows,
        asked: None,
        until: 0,
        ended: 0,
    })
}

/// Events of a session in the file that name no client.
pub(super) fn clientless(conn: &Connection, session: i64) -> Result<Vec<Clientless>> {
    let mut statement = conn.prepare_cached(sql!("event.clientless"))?;
    let mut rows = statement.query([session])?;
    let mut events = Vec::new();
    while let Some(r) = rows.next()? {
        let Some(counted) = Counted::read(r)? else { continue };
        events.push(Clientless { counted, tool: r.get(7)?, resource: r.get(8)? });
    }
    Ok(events)
}
