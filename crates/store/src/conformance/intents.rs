//! What agents came for: clusters count calls, failures, recoveries, sessions and tools, in any order of arrival.

use std::sync::Arc;

use trackway_event::{Event, Status};

use super::kit::{MINUTE, at, call, failing, project, put, scope, within};
use crate::Store;
use crate::query::{INTENT_CALLS, Intents};

fn said(n: u32, minute: i64, session: &str, tool: &str, words: &str) -> Event {
    let mut e = within(call(n, minute * MINUTE), session);
    e.tool = Some(tool.into());
    e.intent = (!words.is_empty()).then(|| words.into());
    e.intent_source = None;
    e
}

pub(super) fn intents_are_counted_by_matter(make: &dyn Fn() -> Arc<dyn Store>) {
    let mut nested = said(9, 9, "s1", "search", "find the order of 12");
    nested.flags.nested = true;
    let mut open = said(10, 10, "s1", "search", "find the order of 13");
    open.status = Some(Status::InputRequired);
    let events = [
        failing(said(1, 1, "s1", "search", "find the order of 11"), "no"),
        said(2, 2, "s1", "search", "find order of 12"),
        // fails last: nothing worked after it
        failing(said(3, 3, "s1", "lookup", "Find the orders"), "no"),
        said(4, 4, "s2", "search", "find the order of 11"),
        said(5, 5, "s2", "ship", "quote express delivery"),
        said(6, 6, "s2", "ship", ""),
        nested,
        open,
    ];
    let mut answers: Vec<Intents> = Vec::new();
    for backwards in [false, true] {
        let store = make();
        let p = project(&store, "proj_a");
        let mut events = events.to_vec();
        if backwards {
            events.reverse();
        }
        for e in events {
            put(&store, p, vec![e]);
        }
        answers.push(store.intents(p, &scope()).unwrap());
    }
    let found = &answers[0];
    assert_eq!((found.calls, found.given, found.inferred, found.partial.as_deref()), (6, 5, 0, None));
    let sum = |of: fn(&crate::query::Coverage) -> u64| found.coverage.iter().map(of).sum::<u64>();
    assert_eq!(
        (sum(|c| c.calls), sum(|c| c.given), sum(|c| c.inherited)),
        (6, 5, 0),
        "INV-05: buckets add up"
    );
    assert_eq!(found.rows, answers[1].rows);
    let order = &found.rows[0];
    assert_eq!(order.phrase, "find the order of 11");
    assert_eq!((order.calls, order.finished, order.failed, order.recovered), (4, 4, 2, 1));
    assert_eq!((order.phrases, order.sessions, order.last_at), (3, 2, at(4 * MINUTE)));
    assert_eq!(order.tools, [("search".to_owned(), 3), ("lookup".to_owned(), 1)]);
    assert_eq!(order.newest.1.as_ref().map(|s| s.as_str()), Some("s2"));
    assert_eq!((found.rows[1].phrase.as_str(), found.rows[1].calls), ("quote express delivery", 1));

    let store = make();
    let p = project(&store, "proj_a");
    assert_eq!(store.intents(p, &scope()).unwrap().rows, []);
    let many: Vec<Event> =
        (0..INTENT_CALLS as u32 + 1).map(|n| said(n, i64::from(n % 600), "s", "search", "find it")).collect();
    for batch in many.chunks(1_000) {
        put(&store, p, batch.to_vec());
    }
    let cut = store.intents(p, &scope()).unwrap();
    assert_eq!((cut.calls, cut.rows.len(), cut.partial.is_some()), (INTENT_CALLS as u64, 1, true));
}
