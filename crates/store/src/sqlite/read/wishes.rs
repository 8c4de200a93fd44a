//! Wishes: missing-capability events of a scope, and feedback that says the same, each with what somebody noted on it; and
//! feedback of every sort.

use std::collections::BTreeMap;

use rusqlite::OptionalExtension;
use trackway_core::cluster;
use trackway_core::filter::{Condition, Field, Op};
use trackway_event::{Kind, ProjectId, Timestamp};

use super::catalog::definitions;
use super::{Reader, event};
use crate::Result;
use crate::query::{
    Again, Answer, EventsAsk, LATER_WISHES, ListAsk, Page, Protocol, Said, Wish, WishNote, WishStatus,
};
use crate::sqlite::control::sql;

/// Newest listings in which it is looked for tools that answer.
const LISTINGS: usize = 40;
/// Share of a wish's telling words that a tool has to have.
const TELLS: f64 = 0.5;

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
        wishes.push(Wish { note: note.optional()?, event, again: None, answer: None, matter: String::new() });
    }
    hold_against_later(reader, &mut wishes)?;
    answer(reader, &mut wishes)?;
    name(&mut wishes);
    Ok(Page { items: wishes, next, total, partial })
}

/// Tells of every shipped wish whether it was asked for again since: one clustering of all words at hand.
fn hold_against_later(reader: &Reader, wishes: &mut [Wish]) -> Result<()> {
    let shipped = |wish: &Wish| wish.note.as_ref().filter(|n| n.status == WishStatus::Shipped).map(|n| n.at);
    let Some(first) = wishes.iter().filter_map(shipped).min() else { return Ok(()) };
    let mut statement = reader.conn.prepare_cached(sql!("wish.later"))?;
    let rows = statement.query_map((first.micros(), LATER_WISHES as i64), |r| {
        Ok((r.get::<_, String>(0)?, Timestamp::from_micros(r.get(1)?)))
    })?;
    let later: Vec<(String, Timestamp)> = rows.collect::<rusqlite::Result<_>>()?;
    let words = wishes.iter().map(|w| w.event.intent.as_deref().unwrap_or("").to_owned());
    let sentences: Vec<String> = words.chain(later.iter().map(|(words, _)| words.clone())).collect();
    for wish in wishes.iter_mut().filter(|w| shipped(w).is_some()) {
        wish.again = Some(Again::default());
    }
    // The words of these wishes come first.
    let before = wishes.len();
    for cluster in cluster::clusters(&sentences) {
        for at in cluster.members.iter().filter(|at| **at < before) {
            let since = wishes.get(*at).and_then(shipped);
            let Some((since, wish)) = since.zip(wishes.get_mut(*at)) else { continue };
            let own = wish.event.started_at;
            let others = cluster.members.iter().filter_map(|m| later.get(m.checked_sub(before)?));
            let mut again = Again::default();
            for (_, asked) in others.filter(|(_, asked)| *asked > since && *asked != own) {
                again.wishes += 1;
                again.newest = again.newest.max(Some(*asked));
            }
            wish.again = Some(again);
        }
    }
    Ok(())
}

/// Tells of every wish that nobody declined which tool may answer it by now.
fn answer(reader: &Reader, wishes: &mut [Wish]) -> Result<()> {
    let declined = |wish: &Wish| wish.note.as_ref().is_some_and(|n| n.status == WishStatus::Declined);
    if wishes.iter().all(declined) {
        return Ok(());
    }
    let mut statement = reader.conn.prepare_cached(sql!("catalog.all"))?;
    let rows = statement.query_map([], |r| r.get::<_, i64>(0))?.take(LISTINGS);
    let rows: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
    // What the newest listing has, and since when some listing had it; beyond the ones looked at nobody can tell.
    let mut since: BTreeMap<String, (Timestamp, String)> = BTreeMap::new();
    for (nth, row) in rows.into_iter().enumerate() {
        let (_, tools, first) = definitions(reader, row)?;
        for tool in tools.into_iter().flatten() {
            match since.get_mut(&tool.name) {
                Some((known, _)) => *known = (*known).min(Timestamp::from_micros(first)),
                None if nth == 0 => {
                    let text = format!("{} {}", tool.name, tool.description);
                    since.insert(tool.name, (Timestamp::from_micros(first), text));
                }
                None => {}
            }
        }
    }
    for wish in wishes.iter_mut().filter(|wish| !declined(wish)) {
        let asked = wish.event.intent.as_deref().unwrap_or("");
        let later = since.iter().filter(|(_, (first, _))| *first > wish.event.started_at);
        let fits = later.map(|(tool, (first, text))| (cluster::told_by(asked, text), tool, first));
        let best = fits
            .filter(|(share, ..)| *share >= TELLS)
            .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.2.cmp(a.2)).then_with(|| b.1.cmp(a.1)));
        wish.answer = best.map(|(_, tool, first)| Answer { tool: tool.clone(), since: *first });
    }
    Ok(())
}

/// Names the matter of each wish.
fn name(wishes: &mut [Wish]) {
    let sentences: Vec<String> =
        wishes.iter().map(|w| w.event.intent.as_deref().unwrap_or("").to_owned()).collect();
    for cluster in cluster::clusters(&sentences) {
        for at in &cluster.members {
            if let Some(wish) = wishes.get_mut(*at) {
                wish.matter.clone_from(&cluster.name);
            }
        }
    }
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
