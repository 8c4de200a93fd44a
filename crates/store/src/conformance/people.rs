//! Who is who: merges of people, seen through every list and taken back (wire-posthog §8).

use std::collections::BTreeMap;
use std::sync::Arc;

use trackway_core::filter::{Condition, Field, Op};
use trackway_event::identity::{Identity, Merge, PersonProfile};
use trackway_event::{Event, Kind};

use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store};

/// `$identify`: `actor` was `anon` before.
fn identify(n: u32, start: i64, actor: &str, anon: &str) -> Event {
    let mut event = by(call(n, start), actor);
    event.kind = Kind::Identify;
    event.tool = None;
    event.identity = Some(Box::new(Identity { anon_distinct_id: Some(anon.into()), ..Identity::default() }));
    event
}

/// `$create_alias` or `$merge_dangerously`.
fn alias(n: u32, start: i64, actor: &str, alias: &str, merge: Merge) -> Event {
    let mut event = by(call(n, start), actor);
    event.kind = Kind::Alias;
    event.tool = None;
    event.identity = Some(Box::new(Identity { alias: Some(alias.into()), merge, ..Identity::default() }));
    event
}

fn setting(mut event: Event, key: &str, value: &str) -> Event {
    event.identity.get_or_insert_default().set.insert(key.into(), value.into());
    event
}

fn people(store: &Arc<dyn Store>, p: ProjectKey) -> Vec<PersonRow> {
    let page = PageAsk { after: None, limit: 100 };
    let ask = ListAsk { scope: scope(), page, sort: Some("first".into()) };
    store.people(p, &ask).unwrap().items
}

fn ids(person: &PersonDetail) -> Vec<&str> {
    person.ids.iter().map(|i| i.id.as_str()).collect()
}

fn of_person(store: &Arc<dyn Store>, p: ProjectKey, id: &str) -> (usize, usize) {
    let mut scope = scope();
    scope.filter.conditions = vec![Condition { field: Field::Person, op: Op::Eq, values: vec![id.into()] }];
    let page = PageAsk { after: None, limit: 100 };
    let events = EventsAsk { scope: scope.clone(), page: page.clone(), protocol: Protocol::Shown };
    let sessions = SessionsAsk { scope, page, sort: None, tab: SessionTab::All };
    (store.events(p, &events).unwrap().items.len(), store.sessions(p, &sessions).unwrap().items.len())
}

/// What was known and which session every event is in, told apart from what a merge may change.
fn rows(store: &Arc<dyn Store>, p: ProjectKey) -> BTreeMap<String, (String, Option<Attributed>)> {
    let row = |e: EventRow| {
        (e.id.to_string(), (e.actor.map(|a| a.id.to_string()).unwrap_or_default(), e.attributed))
    };
    events(store, p, 100).into_iter().map(row).collect()
}

pub(super) fn a_merge_is_one_person_everywhere_and_can_be_undone(make: &dyn Fn() -> Arc<dyn Store>) {
    for order in orders(3) {
        let store = make();
        let p = project(&store, "proj_a");
        let early = within(by(failing(call(1, 0), "no"), "anon-7"), "s1");
        let later = within(setting(by(call(2, 60 * MINUTE), "ann"), "plan", "pro"), "s2");
        let merge = within(setting(identify(3, 30 * MINUTE, "ann", "anon-7"), "plan", "free"), "s1");
        let (first, second, third) = (early.id.to_string(), later.id.to_string(), merge.id.to_string());
        let all = [early, later, merge];
        for n in &order {
            put(&store, p, vec![all[*n].clone()]);
        }
        let list = people(&store, p);
        assert_eq!(list.len(), 1, "order {order:?}");
        let row = &list[0];
        assert_eq!((row.actor.id.as_str(), row.tool_calls, row.errors, row.sessions), ("ann", 2, 1, 2));
        assert_eq!((row.first_seen, row.last_seen), (at(0), at(60 * MINUTE)));
        assert_eq!(row.traits["plan"], "pro", "the newest event time wins");
        assert!(row.identified);
        let person = store.person(p, "anon-7").unwrap().unwrap();
        assert_eq!(ids(&person), ["ann", "anon-7"]);
        assert_eq!(person.sources[0].from.id.as_str(), second, "where the trait comes from");
        assert_eq!(person.sessions.len(), 2);
        let said = &person.merges[0];
        assert_eq!(
            (said.said.key.id.as_str(), said.said.via, said.verdict),
            (third.as_str(), Via::Identify, Verdict::Merged)
        );

        let merged = rows(&store, p);
        assert_eq!(merged[&first], ("ann".into(), Some(Attributed::Merged)));
        assert_eq!(merged[&second], ("ann".into(), Some(Attributed::Named)));
        for id in ["ann", "anon-7"] {
            assert_eq!(of_person(&store, p, id), (3, 2), "{id}: both ids ask for the one person");
        }
        let session = store.session(p, "s1").unwrap().unwrap();
        assert_eq!((session.actor.unwrap().id.as_str(), session.actors), ("ann", 1));
        let ask = OverviewAsk { scope: scope(), compare: Compare::None };
        assert_eq!(store.overview(p, &ask).unwrap().now.people, 1);
        let issues =
            store.issues(p, &ListAsk { scope: scope(), page: PageAsk::default(), sort: None }).unwrap();
        assert_eq!(issues.items[0].people, 1);

        assert!(store.set_merge(p, said.id, Aside::Withdraw).unwrap());
        assert!(!store.set_merge(p, said.id + 1, Aside::Withdraw).unwrap());
        assert_eq!(people(&store, p).len(), 2);
        assert_eq!(rows(&store, p)[&first], ("anon-7".into(), Some(Attributed::Named)));
        assert_eq!(store.session(p, "s1").unwrap().unwrap().actors, 2);
        let person = store.person(p, "ann").unwrap().unwrap();
        assert_eq!((ids(&person), person.merges[0].verdict), (vec!["ann"], Verdict::Withdrawn));
        // The same words again change nothing; the operator does.
        put(&store, p, vec![identify(9, 90 * MINUTE, "ann", "anon-7")]);
        assert_eq!(people(&store, p).len(), 2);
        assert!(store.set_merge(p, said.id, Aside::Restore).unwrap());
        let again = people(&store, p);
        assert_eq!((again.len(), again[0].actor.id.as_str()), (1, "ann"));
        assert_eq!(rows(&store, p)[&first], merged[&first]);
    }
}

pub(super) fn inv_04_merges_in_every_order(make: &dyn Fn() -> Arc<dyn Store>) {
    let mut off = by(call(7, 4), "ghost");
    off.identity.get_or_insert_default().process_person_profile = PersonProfile::Off;
    // Two users on one device: the second is not glued to the first; an alias is, and joins a third id.
    let table = [
        by(call(1, 0), "device"),
        identify(2, 1, "ann", "device"),
        identify(3, 2, "bob", "device"),
        alias(4, 3, "bob", "bob@old", Merge::Safe),
        off,
    ];
    let mut expect = None;
    let store = make();
    for (i, order) in orders(5).into_iter().enumerate() {
        let p = project(&store, &format!("proj_order{i}"));
        let events = || order.iter().map(|n| table[*n].clone());
        match i % 2 {
            0 => drop(put(&store, p, events().collect())),
            _ => events().for_each(|e| drop(put(&store, p, vec![e]))),
        }
        // Once more: repetition changes nothing (INV-03).
        put(&store, p, events().collect());
        let list: Vec<String> = people(&store, p).iter().map(|r| r.actor.id.to_string()).collect();
        let told = |id: &str| {
            let person = store.person(p, id).unwrap().unwrap();
            let verdicts: Vec<Verdict> = person.merges.iter().map(|m| m.verdict).collect();
            (ids(&person).into_iter().map(str::to_owned).collect::<Vec<_>>(), verdicts)
        };
        let answer = (list, rows(&store, p), told("ann"), told("bob@old"));
        assert_eq!(answer.0, ["ann", "bob"], "order {order:?}");
        assert!(store.person(p, "ghost").unwrap().is_none(), "no person may be made of it");
        assert_eq!(answer.1[table[4].id.as_str()], (String::new(), None));
        assert_eq!(answer, *expect.get_or_insert(answer.clone()), "order {order:?}");
        store.delete_project(p, at(0)).unwrap();
    }
}
