//! People have what is put down to them: anonymous events of their sessions, before and after they named themselves (wire-posthog
//! I11), in every figure that counts people.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use trackway_core::session::Counts;
use trackway_event::identity::{Identity, PersonProfile};
use trackway_event::{Event, Input, Kind, Timestamp};

use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store};

/// What a person is counted with: calls, errors, sessions, first and last seen, accounts.
type Counted = (u64, u64, u64, Timestamp, Timestamp, Vec<String>);

fn in_account(mut event: Event, key: &str) -> Event {
    event.groups.insert("organization".into(), key.into());
    event
}

fn agentcat(mut event: Event) -> Event {
    event.input = Input::Agentcat;
    event
}

/// An event that may make no person, under an id of its own.
fn off(mut event: Event, id: &str) -> Event {
    let identity = event.identity.get_or_insert_default();
    identity.process_person_profile = PersonProfile::Off;
    identity.distinct_id = Some(id.into());
    event
}

fn people(store: &Arc<dyn Store>, p: ProjectKey, scope: Scope) -> BTreeMap<String, Counted> {
    let ask = ListAsk { scope, page: PageAsk { after: None, limit: 100 }, sort: Some("-calls".into()) };
    let rows = store.people(p, &ask).unwrap().items;
    let calls: Vec<u64> = rows.iter().map(|r| r.tool_calls).collect();
    assert!(calls.is_sorted_by(|a, b| a >= b), "sorted by what is shown: {calls:?}");
    rows.into_iter().map(|row| (row.actor.id.to_string(), counted(&row))).collect()
}

fn counted(row: &PersonRow) -> Counted {
    let accounts = row.accounts.iter().map(|a| a.key.clone()).collect();
    (row.tool_calls, row.errors, row.sessions, row.first_seen, row.last_seen, accounts)
}

/// Counts, sessions, accounts and times of one person's events.
type Fold = (Counts, BTreeSet<String>, BTreeSet<String>, Vec<Timestamp>);

/// The same from the rows: every event counts for the person it is shown with.
fn recount(
    store: &Arc<dyn Store>,
    p: ProjectKey,
    sent: &[Event],
    period: Period,
) -> BTreeMap<String, Counted> {
    let mut people: BTreeMap<String, Fold> = BTreeMap::new();
    let mut within = BTreeSet::new();
    for row in events(store, p, 100) {
        let event = sent.iter().find(|e| e.id == row.id).expect("only sent events are stored");
        let Some(actor) = row.actor else { continue };
        if event.started_at >= period.from && event.started_at < period.to {
            within.insert(actor.id.to_string());
        }
        let one = people.entry(actor.id.to_string()).or_default();
        one.0.merge(Counts::of(event));
        let session = row.session_id.and_then(|id| store.session(p, id.as_str()).unwrap());
        one.1.extend(session.filter(|s| s.events > 0).map(|s| s.id.to_string()));
        one.2.extend(event.groups.values().map(|key| key.to_string()));
        one.3.push(event.started_at);
    }
    people.retain(|id, _| within.contains(id));
    let counted =
        |(counts, sessions, accounts, times): (Counts, BTreeSet<String>, BTreeSet<String>, Vec<_>)| {
            let (first, last) = (times.iter().min().copied(), times.iter().max().copied());
            let accounts = accounts.into_iter().collect();
            (counts.tool_calls, counts.errors, sessions.len() as u64, first.unwrap(), last.unwrap(), accounts)
        };
    people.into_iter().map(|(id, one)| (id, counted(one))).collect()
}

fn traffic() -> Vec<Event> {
    let identify = |n, start, actor: &str, anon: &str| {
        let mut event = by(call(n, start), actor);
        event.kind = Kind::Identify;
        event.tool = None;
        event.identity =
            Some(Box::new(Identity { anon_distinct_id: Some(anon.into()), ..Identity::default() }));
        event
    };
    let mut nested = within(call(30, 20 * MINUTE), "s1");
    nested.flags.nested = true;
    let mut listed = within(call(31, -90 * MINUTE), "s1");
    listed.kind = Kind::ToolsList;
    vec![
        // Anonymous, then ann; anonymous again.
        in_account(within(call(1, 0), "s1"), "acme"),
        within(failing(call(2, MINUTE), "no"), "s1"),
        within(by(call(3, 2 * MINUTE), "ann"), "s1"),
        in_account(within(failing(call(4, 3 * 60 * MINUTE), "no"), "s1"), "shop"),
        nested,
        listed,
        // A shared id that two users named: nobody's anonymous events are theirs.
        agentcat(within(failing(call(5, 0), "no"), "s2")),
        agentcat(within(by(call(6, MINUTE), "bob"), "s2")),
        agentcat(within(by(call(7, 2 * MINUTE), "eve"), "s2")),
        // Not shared: the first one has them.
        in_account(within(call(8, 24 * 60 * MINUTE), "s3"), "shop"),
        within(by(call(9, 25 * 60 * MINUTE), "bob"), "s3"),
        within(by(call(10, 26 * 60 * MINUTE), "device-1"), "s3"),
        // Merged into ann, whose session it is put down to.
        identify(11, 27 * 60 * MINUTE, "ann", "device-1"),
        within(call(12, 30 * MINUTE), "s4"),
        within(by(call(13, 40 * MINUTE), "device-1"), "s4"),
        // Nobody's, ever.
        within(call(14, 0), "s5"),
        within(off(call(15, 5), "ghost"), "s3"),
        // Named by themselves, without a session.
        by(call(16, 0), "bob"),
    ]
}

pub(super) fn inv_05_people_equal_a_recount_of_their_events(make: &dyn Fn() -> Arc<dyn Store>) {
    let sent = traffic();
    let store = make();
    let hours = |from: i64, to: i64| Period { from: at(from * 60 * MINUTE), to: at(to * 60 * MINUTE) };
    // Midst of hours too, and a stretch that only events on both sides of it span.
    let half = Period { from: at(30 * MINUTE), to: at(40 * MINUTE + 1) };
    let mut expect = None;
    for round in 0..24_usize {
        let p = project(&store, &format!("proj_round{round}"));
        // A full cycle over the events, another one each round.
        let step = [1, 5, 7, 11, 13, 17][round % 6];
        let mut order: Vec<Event> =
            (0..sent.len()).map(|i| sent[(i * step + round) % sent.len()].clone()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for batch in order.chunks([1, 3, sent.len()][round % 3]) {
            put(&store, p, batch.to_vec());
        }
        put(&store, p, order);
        let all = recount(&store, p, &sent, scope().period);
        assert_eq!(people(&store, p, scope()), all, "round {round}");
        for (id, counts) in &all {
            assert_eq!(counted(&store.person(p, id).unwrap().unwrap().row), *counts, "{id}");
        }
        for period in [hours(-2, -1), hours(0, 1), hours(1, 3), hours(3, 4), hours(24, 25), half] {
            let scope = Scope { period, ..scope() };
            let within = recount(&store, p, &sent, period);
            assert_eq!(people(&store, p, scope.clone()), within, "round {round}, {period:?}");
            let ask = OverviewAsk { scope, compare: Compare::None };
            assert_eq!(store.overview(p, &ask).unwrap().now.people, within.len() as u64);
        }
        let mut of_accounts = Vec::new();
        for key in ["acme", "shop"] {
            let account = store.account(p, "organization", key).unwrap().unwrap();
            let ids: BTreeSet<String> = account.people.iter().map(|r| r.actor.id.to_string()).collect();
            let named: BTreeSet<String> =
                all.iter().filter(|(_, c)| c.5.iter().any(|k| k == key)).map(|(id, _)| id.clone()).collect();
            assert_eq!((account.row.people, &ids), (named.len() as u64, &named), "{key}");
            of_accounts.push(ids);
        }
        let ask = ListAsk { scope: scope(), page: PageAsk::default(), sort: None };
        let affected = store.issues(p, &ask, IssueTab::All).unwrap().page.items[0].people;
        assert_eq!(affected, 1, "ann; nobody in the shared session");
        let told = (all, of_accounts);
        assert_eq!(told, *expect.get_or_insert(told.clone()), "round {round}");
        store.delete_project(p, at(0)).unwrap();
    }
    let (all, _) = expect.unwrap();
    assert_eq!(all["ann"].0, 7, "calls of ann: four of s1, device-1's two and the one before");
    assert!(!all.contains_key("ghost"));
}

pub(super) fn a_session_put_down_late_counts_for_its_person(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let calls =
        |id: &str| store.person(p, id).unwrap().map_or((0, 0), |d| (d.row.tool_calls, d.row.sessions));
    put(&store, p, (0..40).map(|n| agentcat(within(call(n, i64::from(n)), "s1"))).collect());
    assert_eq!(calls("ann"), (0, 0));
    put(&store, p, vec![agentcat(within(by(call(50, MINUTE), "ann"), "s1"))]);
    assert_eq!(calls("ann"), (41, 1));
    put(&store, p, vec![agentcat(within(call(51, 2 * MINUTE), "s1"))]);
    assert_eq!(calls("ann"), (42, 1));
    // A second user of a shared session takes back what was put down to the first (D9).
    put(&store, p, vec![agentcat(within(by(call(52, 3 * MINUTE), "bob"), "s1"))]);
    assert_eq!((calls("ann"), calls("bob")), ((1, 1), (1, 1)));
    // A token names another session of the same person (I15): its events are theirs, though none of it names them.
    put(&store, p, vec![within(call(60, 0), "s2"), within(call(61, MINUTE), "s2")]);
    let mut token = within(by(call(62, MINUTE), "cyd"), "s3");
    token.kind = Kind::Identify;
    token.identity = Some(Box::new(Identity { token_session: Some("s2".into()), ..Identity::default() }));
    put(&store, p, vec![token]);
    assert_eq!(calls("cyd"), (2, 1));
    let cyd = store.person(p, "cyd").unwrap().unwrap();
    assert_eq!((cyd.sessions.len(), cyd.timeline.len()), (1, 3));
}
