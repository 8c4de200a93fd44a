//! Wishes: missing-capability events of a scope, and feedback that says the same, each with what somebody noted on it; and
//! feedback of every sort.

use std::collections::BTreeMap;

use rusqlite::OptionalExtension;
use trackway_core::filter::{Condition, Field, Op};
use trackway_event::{Kind, ProjectId, Timestamp};

use super::{Reader, event};
use crate::Result;
use crate::query::{EventsAsk, ListAsk, Page, Protocol, Said, Wish, WishNote, WishStatus};
use crate::sqlite::control::sql;

/// Wishes of a scope, newest first.
pub(in crate::sqlite) fn wishes(reader: &Reader, ask: &ListAsk) -> Result<Page<Wish>> {
    let mut scope = ask.scope.clone();
    let missing = vec!["missing".to_owned()];
    scope.filter.conditions.push(Condition { field: Field::Signal, op: Op::Eq, values: missing });
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
    Ok(found.is_some_and(|detail| match detail.row.kind {
        Kind::MissingCapability => true,
        Kind::Feedback => detail.tags.get(Said::TYPE_TAG).is_some_and(|kind| kind == Said::KINDS[0]),
        _ => false,
    }))
}

/// Feedback of a scope, newest first.
pub(in crate::sqlite) fn feedback(reader: &Reader, ask: &ListAsk) -> Result<Page<Said>> {
    let mut scope = ask.scope.clone();
    let kind = vec![Kind::Feedback.as_str().to_owned()];
    scope.filter.conditions.push(Condition { field: Field::Kind, op: Op::Eq, values: kind });
    let ask = EventsAsk { scope, page: ask.page.clone(), protocol: Protocol::Hidden };
    let Page { items, next, total, partial } = event::events(reader, &ask)?;
    let mut statement = reader.conn.prepare_cached(sql!("event.tags"))?;
    let mut said = Vec::with_capacity(items.len());
    for event in items {
        let tags: Option<String> =
            statement.query_row([event.seq as i64], |r| r.get(0)).optional()?.flatten();
        let tags: BTreeMap<String, String> =
            tags.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let tag = |name| tags.get(name).map_or("", String::as_str);
        let (kind, sentiment) = (Said::kind(tag(Said::TYPE_TAG)), Said::sentiment(tag(Said::SENTIMENT_TAG)));
        said.push(Said { event, kind, sentiment });
    }
    Ok(Page { items: said, next, total, partial })
}
