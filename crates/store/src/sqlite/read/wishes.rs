//! Wishes: missing-capability events of a scope, each with what somebody noted on it.

use rusqlite::OptionalExtension;
use trackway_core::filter::{Condition, Field, Op};
use trackway_event::{Kind, ProjectId, Timestamp};

use super::{Reader, event};
use crate::Result;
use crate::query::{EventsAsk, ListAsk, Page, Protocol, Wish, WishNote, WishStatus};
use crate::sqlite::control::sql;

/// Wishes of a scope, newest first.
pub(in crate::sqlite) fn wishes(reader: &Reader, ask: &ListAsk) -> Result<Page<Wish>> {
    let mut scope = ask.scope.clone();
    let kind = vec![Kind::MissingCapability.as_str().to_owned()];
    scope.filter.conditions.push(Condition { field: Field::Kind, op: Op::Eq, values: kind });
    let ask = EventsAsk { scope, page: ask.page.clone(), protocol: Protocol::Hidden };
    let Page { items, next, total, partial } = event::events(reader, &ask)?;
    let mut statement = reader.conn.prepare_cached(sql!("wish.read"))?;
    let mut wishes = Vec::with_capacity(items.len());
    for event in items {
        let note = statement.query_row([event.id.as_str()], |r| {
            Ok(WishNote {
                status: WishStatus::parse(&r.get::<_, String>(0)?).unwrap_or_default(),
                note: r.get(1)?,
                at: Timestamp::from_micros(r.get(2)?),
                who: r.get(3)?,
            })
        });
        wishes.push(Wish { note: note.optional()?, event });
    }
    Ok(Page { items: wishes, next, total, partial })
}

/// Whether an event is a wish.
pub(in crate::sqlite) fn is_wish(reader: &Reader, project: &ProjectId, id: &str) -> Result<bool> {
    let found = event::detail(reader, project, id)?;
    Ok(found.is_some_and(|detail| detail.row.kind == Kind::MissingCapability))
}
