//! Who is who: merges of people, seen through every list and taken back (wire-posthog §8).

use std::collections::BTreeMap;
use std::sync::Arc;

use trackway_core::filter::{Condition, Field, Filter, Op};
use trackway_event::identity::{GroupFacts, Identity, Merge, PersonProfile};
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
        let issues = store
            .issues(p, &ListAsk { scope: scope(), page: PageAsk::default(), sort: None }, IssueTab::All)
            .unwrap()
            .page;
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

fn in_account(mut event: Event, kind: &str, key: &str) -> Event {
    event.groups.insert(kind.into(), key.into());
    event
}

/// `$groupidentify`.
fn group_identify(n: u32, start: i64, kind: &str, key: &str, set: serde_json::Value) -> Event {
    let mut event = call(n, start);
    event.kind = Kind::GroupIdentify;
    event.tool = None;
    let serde_json::Value::Object(set) = set else { unreachable!("an object") };
    let facts = GroupFacts { kind: kind.into(), key: key.into(), set };
    event.identity = Some(Box::new(Identity { group: Some(facts), ..Identity::default() }));
    event
}

pub(super) fn accounts_are_counted_with_their_people(make: &dyn Fn() -> Arc<dyn Store>) {
    for order in orders(4) {
        let store = make();
        let p = project(&store, "proj_a");
        let events = [
            in_account(within(by(failing(call(1, 0), "no"), "anon-1"), "s1"), "organization", "acme"),
            in_account(within(by(call(2, MINUTE), "ann"), "s1"), "organization", "acme"),
            identify(3, 2 * MINUTE, "ann", "anon-1"),
            group_identify(
                4,
                3 * MINUTE,
                "organization",
                "acme",
                serde_json::json!({"name": "Acme", "seats": 7}),
            ),
        ];
        for n in order {
            put(&store, p, vec![events[n].clone()]);
        }
        put(
            &store,
            p,
            vec![
                in_account(within(by(call(5, 9 * MINUTE), "bob"), "s2"), "organization", "shop"),
                group_identify(6, 8 * MINUTE, "organization", "acme", serde_json::json!({"seats": 9})),
                group_identify(7, 1, "organization", "acme", serde_json::json!({"seats": 1})),
            ],
        );
        let ask = |kind: Option<&str>, sort: &str| {
            let ask = AccountsAsk {
                scope: scope(),
                kind: kind.map(str::to_owned),
                page: PageAsk::default(),
                sort: Some(sort.into()),
            };
            store.accounts(p, &ask).unwrap().items
        };
        let list = ask(None, "-people");
        assert_eq!(list.len(), 2);
        let acme = list.iter().find(|a| a.account.key == "acme").unwrap();
        assert_eq!(acme.account.name.as_deref(), Some("Acme"));
        assert_eq!((acme.events, acme.tool_calls, acme.errors, acme.people, acme.sessions), (2, 2, 1, 1, 1));
        assert_eq!(acme.traits["seats"], 9, "the newest event time wins");
        assert_eq!(ask(Some("organization"), "name").len(), 2);
        assert_eq!(ask(Some("team"), "last").len(), 0);

        let detail = store.account(p, "organization", "acme").unwrap().unwrap();
        let people: Vec<&str> = detail.people.iter().map(|r| r.actor.id.as_str()).collect();
        assert_eq!((people, detail.sessions.len()), (vec!["ann"], 1));
        assert!(store.account(p, "organization", "nobody").unwrap().is_none());
        let ann = store.person(p, "ann").unwrap().unwrap();
        assert_eq!(ann.row.accounts.iter().map(|a| a.key.as_str()).collect::<Vec<_>>(), ["acme"]);
    }
}

pub(super) fn at_most_five_types_of_groups(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    for n in 0..7 {
        put(&store, p, vec![in_account(call(n, 0), &format!("type{n}"), "k")]);
    }
    let ask = AccountsAsk { scope: scope(), kind: None, page: PageAsk::default(), sort: None };
    assert_eq!(store.accounts(p, &ask).unwrap().items.len(), 5);
    let noted = |e: &EventRow| e.notes.iter().any(|n| n == "group_types_limit");
    let rows = events(&store, p, 100);
    assert_eq!(rows.iter().filter(|e| noted(e)).count(), 2);
    let late = rows.iter().find(|e| noted(e)).unwrap();
    assert_eq!(
        store.event(p, late.id.as_str()).unwrap().unwrap().groups.len(),
        1,
        "the event keeps what it said"
    );
}

pub(super) fn people_and_accounts_are_filters(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let known = serde_json::json!({"plan": "pro", "seats": 12, "beta": true});
    let serde_json::Value::Object(known) = known else { unreachable!("an object") };
    let mut ann = within(by(call(1, 0), "ann"), "s1");
    ann.identity.get_or_insert_default().set = known;
    put(
        &store,
        p,
        vec![
            ann,
            // Nobody named it; the session did.
            within(call(2, MINUTE), "s1"),
            in_account(within(by(call(3, 2 * MINUTE), "anon"), "s2"), "organization", "acme"),
            identify(4, 3 * MINUTE, "ann", "anon"),
            within(setting(by(call(5, 0), "bob"), "plan", "free"), "s3"),
            within(call(6, 0), "s4"),
        ],
    );
    let attributed: BTreeMap<u32, Option<Attributed>> = events(&store, p, 100)
        .into_iter()
        .map(|e| {
            ((1..=6).find(|n| e.id == call(*n, e.started_at.since(at(0))).id).unwrap_or(0), e.attributed)
        })
        .collect();
    assert_eq!(attributed[&2], Some(Attributed::Session));
    assert_eq!(attributed[&6], None);
    for (asked, of_events, of_sessions) in [
        ("trait.plan:eq:pro", 4, 2),
        ("trait.plan:ne:pro", 2, 2),
        ("trait.plan:in:pro,free", 5, 3),
        ("trait.plan:has:RE", 1, 1),
        ("trait.plan:set", 5, 3),
        ("trait.plan:unset", 1, 1),
        ("trait.seats:gte:12", 4, 2),
        ("trait.seats:lt:12", 0, 0),
        ("trait.seats:eq:12", 4, 2),
        ("trait.beta:eq:true", 4, 2),
        ("trait.plan:gt:1", 0, 0),
        ("trait.no\"such' key:set", 0, 0),
        ("group.organization:eq:acme", 1, 1),
        ("group.organization:ne:acme", 5, 3),
        ("group.organization:set", 1, 1),
        ("group.organization:has:CM", 1, 1),
        ("group.team:unset", 6, 4),
        ("person:eq:anon", 4, 2),
        ("person:ne:ann", 2, 2),
        ("person:set", 5, 3),
    ] {
        let mut scope = scope();
        scope.filter = Filter::parse([asked], None).unwrap();
        let page = PageAsk { after: None, limit: 100 };
        let of = EventsAsk { scope: scope.clone(), page: page.clone(), protocol: Protocol::Shown };
        assert_eq!(store.events(p, &of).unwrap().items.len(), of_events, "events: {asked}");
        let of = SessionsAsk { scope: scope.clone(), page: page.clone(), sort: None, tab: SessionTab::All };
        assert_eq!(store.sessions(p, &of).unwrap().items.len(), of_sessions, "sessions: {asked}");
        // Every figure under the filter is answered too.
        store.overview(p, &OverviewAsk { scope: scope.clone(), compare: Compare::None }).unwrap();
        store.people(p, &ListAsk { scope: scope.clone(), page: page.clone(), sort: None }).unwrap();
        store.accounts(p, &AccountsAsk { scope, kind: None, page, sort: None }).unwrap();
    }
}
