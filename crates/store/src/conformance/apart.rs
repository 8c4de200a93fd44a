//! Groups taken out of issues by hand (ADR 25): by message and by client, for failures that are there and for those to come; put
//! back, taken out again, merged; as if the word had been said before the first failure.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use trackway_event::Event;

use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store, StoreError};

fn list(store: &Arc<dyn Store>, p: ProjectKey) -> Vec<IssueRow> {
    let ask = ListAsk { scope: scope(), page: PageAsk::default(), sort: Some("first".into()) };
    store.issues(p, &ask, IssueTab::All).unwrap().page.items
}

fn one(store: &Arc<dyn Store>, p: ProjectKey, id: u64) -> IssueDetail {
    store.issue(p, id, &scope()).unwrap().unwrap()
}

/// Every group: the ids of its failures, what it is called, its ends, its newest message.
fn told(store: &Arc<dyn Store>, p: ProjectKey) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for row in list(store, p) {
        let issue = one(store, p, row.id);
        let mut ids: Vec<&str> = issue.samples.iter().map(|e| e.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids.len() as u64, row.events, "{}", row.title);
        let (first, last) = (row.first_seen, row.last_seen);
        all.push(format!("{} {first} {last} {} {} {ids:?}", row.title, row.sessions, issue.sample_message));
    }
    all.sort();
    all
}

/// Waits until nothing is moving.
fn settled(store: &Arc<dyn Store>, p: ProjectKey, id: u64) {
    let begun = Instant::now();
    while one(store, p, id).taken_out.iter().any(|t| t.moving) {
        assert!(begun.elapsed() < Duration::from_secs(20), "failures are still moving");
        std::thread::yield_now();
    }
}

const MESSAGES: [&str; 3] = ["order 17 is gone", "order 18 is gone", "order 19 is gone"];
const CLIENTS: [&str; 3] = ["zed", "cursor", ""];

fn fail(n: u32, message: usize, client: usize) -> Event {
    // Two may start together, so that ids decide on the ends.
    let event = within(call(n, i64::from(n / 2) * MINUTE), &format!("s{}", n % 4));
    let event = failing(event, MESSAGES[message]);
    if CLIENTS[client].is_empty() { event } else { with_client(event, CLIENTS[client]) }
}

pub(super) fn inv_05_what_is_taken_out_is_as_if_it_had_always_been(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let config = Config { cases: 12, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let (count, taken) = (Cell::new(0), Cell::new(0));
    let some = (6usize..24).prop_flat_map(|n| {
        let all = proptest::collection::vec((0..3usize, 0..3usize), n);
        (all, Just((0..n).collect::<Vec<_>>()).prop_shuffle(), n / 2..n, 1usize..6, any::<[bool; 2]>())
    });
    let result = TestRunner::new(config).run(&some, |(all, order, early, batch, [by_client, again])| {
        count.set(count.get() + 1);
        let p = project(&store, &format!("proj_apart{}", count.get()));
        let sent: Vec<Event> = all.iter().zip(0..).map(|((m, c), n)| fail(n, *m, *c)).collect();
        let put_all = |which: &[usize]| {
            for chunk in which.chunks(batch) {
                put(&store, p, chunk.iter().map(|i| sent[*i].clone()).collect());
            }
        };
        let (early, late) = order.split_at(early);
        put_all(early);
        let id = list(&store, p)[0].id;
        let mut words = vec![if by_client {
            TakeOut::Client("zed".into())
        } else {
            TakeOut::Message(MESSAGES[0].into())
        }];
        if again {
            words.push(TakeOut::Message(MESSAGES[1].into()));
        }
        let mut said = Vec::new();
        for word in words {
            match store.act_on_issue(p, id, &IssueAct::TakeOut(word.clone()), "ann", at(0)) {
                Ok(done) => {
                    assert!(done);
                    said.push(word);
                }
                // Nothing or everything has it.
                Err(StoreError::BadQuestion(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        taken.set(taken.get() + said.len());
        put_all(late);
        // The same again, and of every sort once more.
        put_all(&order);
        settled(&store, p, id);
        // The definition, over what was sent: the first word that fits, else the group itself.
        let mut parts: BTreeMap<usize, Vec<&Event>> = BTreeMap::new();
        for (event, (message, client)) in sent.iter().zip(&all) {
            let fits = |word: &TakeOut| match word {
                TakeOut::Message(text) => text == MESSAGES[*message],
                TakeOut::Client(name) => name == CLIENTS[*client],
            };
            parts.entry(said.iter().position(fits).unwrap_or(9)).or_default().push(event);
        }
        let mut naive: Vec<String> = parts
            .into_iter()
            .map(|(word, mut events)| {
                events.sort_by_key(|e| (e.started_at, e.id.to_string()));
                let (first, last) = (events[0], events[events.len() - 1]);
                let title = match said.get(word) {
                    Some(TakeOut::Message(text)) => text.clone(),
                    Some(TakeOut::Client(name)) => format!("{name}: {}", trackway_core::issue::title(first)),
                    None => trackway_core::issue::title(first),
                };
                let message = last.error.as_ref().unwrap().message.clone();
                let mut ids: Vec<&str> = events.iter().map(|e| e.id.as_str()).collect();
                ids.sort_unstable();
                let sessions: std::collections::BTreeSet<_> = events.iter().map(|e| &e.session_id).collect();
                format!(
                    "{title} {} {} {} {message} {ids:?}",
                    first.started_at,
                    last.started_at,
                    sessions.len()
                )
            })
            .collect();
        naive.sort();
        prop_assert_eq!(told(&store, p), naive);
        Ok(())
    });
    result.unwrap();
    assert!(taken.get() > 8, "only {} groups were taken out", taken.get());
}

pub(super) fn what_is_taken_out_is_put_back(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let act = |id: u64, act: IssueAct, us: i64| store.act_on_issue(p, id, &act, "ann", at(us));
    let out = |text: &str| IssueAct::TakeOut(TakeOut::Message(text.into()));
    put(&store, p, vec![fail(0, 0, 0), fail(1, 1, 0), fail(2, 0, 1), fail(3, 2, 2)]);
    let id = list(&store, p)[0].id;
    let before = told(&store, p);
    let clients = one(&store, p, id).variants.clients;
    let named = |name: &str, events| IssueClient { name: Some(name.into()), events, group: Some(id) };
    assert_eq!(clients[0], named("zed", 2));
    assert_eq!(clients[1], IssueClient { name: None, ..named("", 1) });
    for (message, why) in [("order 20 is gone", "none of"), ("", "none of")] {
        let Err(StoreError::BadQuestion(told)) = act(id, out(message), 0) else { panic!("{message}") };
        assert!(told.contains(why), "{told}");
    }
    assert!(!act(99, out(MESSAGES[0]), 0).unwrap());

    assert!(act(id, out(MESSAGES[0]), 0).unwrap());
    settled(&store, p, id);
    let (whole, part) = (one(&store, p, id), one(&store, p, one(&store, p, id).taken_out[0].id));
    assert_eq!((whole.row.events, part.row.events), (2, 2));
    let by = ApartBy::Message(MESSAGES[0].into());
    assert_eq!(
        part.out_of,
        Some(Apart { id, title: whole.row.title.clone(), by: by.clone(), moving: false })
    );
    assert_eq!(whole.history[0].what, format!("#{} taken out by message", part.row.id));
    assert_eq!(part.history[0].what, format!("taken out of #{id}"));
    let made = part.row.id;
    let Err(StoreError::BadQuestion(every)) = act(made, out(MESSAGES[0]), 1) else { panic!("all of it") };
    assert!(every.contains("every failure"), "{every}");

    // Put back, it is as before; what comes later is of the whole, too; and out of it again, later ones went along.
    assert!(act(id, IssueAct::TakeBack, 2).unwrap());
    assert_eq!(told(&store, p), before);
    let whole = one(&store, p, id);
    assert_eq!((whole.taken_out.len(), whole.members.len(), one(&store, p, made).row.id), (0, 1, id));
    assert!(whole.history.is_empty());
    put(&store, p, vec![fail(8, 0, 0), fail(9, 1, 0)]);
    let groups = |issue: &IssueDetail| issue.variants.items.iter().map(|v| v.group).collect::<Vec<_>>();
    let whole = one(&store, p, id);
    assert_eq!((whole.row.events, groups(&whole)), (6, vec![Some(made), Some(id), Some(id)]));
    assert!(act(made, IssueAct::Split, 3).unwrap());
    assert_eq!((one(&store, p, id).row.events, one(&store, p, made).row.events), (3, 3));

    // A part of a part; and the part merged into it as any other.
    assert!(act(made, IssueAct::TakeOut(TakeOut::Client("cursor".into())), 4).unwrap());
    put(&store, p, vec![fail(10, 0, 1), fail(10, 0, 1), fail(11, 1, 1)]);
    let of_part = one(&store, p, made).taken_out[0].id;
    let events = |id| one(&store, p, id).row.events;
    assert_eq!((events(id), events(made), events(of_part)), (4, 2, 2));
    assert!(act(of_part, IssueAct::MergeInto(id), 5).unwrap());
    assert_eq!((events(id), events(made)), (6, 2));
}

pub(super) fn a_sort_of_message_is_taken_out_as_a_whole(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    // One place in the code, so one group, whatever it says.
    let fail = |n: u32, text: &str| {
        let mut event = failing(within(call(n, i64::from(n) * MINUTE), &format!("s{n}")), text);
        let frame = trackway_event::Frame {
            filename: "shop.py".into(),
            function: "find".into(),
            in_app: true,
            ..Default::default()
        };
        event.error.as_mut().unwrap().frames = vec![frame];
        event
    };
    put(&store, p, vec![fail(1, "order 17 is gone"), fail(2, "order 18 is gone"), fail(3, "no permission")]);
    assert_eq!(list(&store, p).len(), 1);
    let id = list(&store, p)[0].id;
    let act = IssueAct::TakeOut(TakeOut::Message("order 18 is gone".into()));
    assert!(store.act_on_issue(p, id, &act, "ann", at(0)).unwrap());
    put(&store, p, vec![fail(4, "order 19 is gone"), fail(5, "no permission")]);
    let made = one(&store, p, id).taken_out.remove(0);
    assert!(matches!(made.by, ApartBy::Alike(_)));
    assert_eq!((one(&store, p, id).row.events, one(&store, p, made.id).row.events), (2, 3));
    assert_eq!(one(&store, p, id).row.title, "ValueError: no permission");
}
