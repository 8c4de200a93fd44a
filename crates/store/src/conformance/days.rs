//! Answers over whole days follow whatever comes late: a store may keep what it knows of days that are over, and has to notice every
//! change to them. Each change here touches a day that was asked about in one way alone.

use std::sync::Arc;

use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store};

const DAY: i64 = 24 * 60 * MINUTE;

/// Everything that is counted over days.
fn asked(store: &Arc<dyn Store>, p: ProjectKey) -> Vec<String> {
    let page = PageAsk { after: None, limit: 100 };
    let ask = ListAsk { scope: scope(), page: page.clone(), sort: Some("-events".into()) };
    let people = ListAsk { scope: scope(), page: page.clone(), sort: None };
    let tools = ToolsAsk {
        scope: scope(),
        kind: trackway_event::Kind::ToolCall,
        sort: None,
        page,
        preset: ToolPreset::All,
        depth: Depth::Whole,
    };
    let overview = store.overview(p, &OverviewAsk { scope: scope(), compare: Compare::None }).unwrap();
    vec![
        format!("{:?} {:?} {:?}", overview.now, overview.series, overview.clients),
        format!("{:?}", overview.signals),
        format!("{:?}", store.issues(p, &ask, IssueTab::All).unwrap().page.items),
        format!("{:?}", store.people(p, &people).unwrap().items),
        format!("{:?}", store.tools(p, &tools).unwrap().items),
        format!("{:?}", store.clients(p, &scope()).unwrap()),
        format!("{:?}", store.ways(p, &scope(), By::Person).unwrap().items),
    ]
}

pub(super) fn answers_over_days_follow_what_comes_late(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let late = by(within(call(6, DAY + 30 * MINUTE), "crossing"), "ann");
    let batches = [
        vec![
            within(failing(call(1, 0), "no such order"), "crossing"),
            with_client(call(2, MINUTE), "cursor"),
        ],
        // A session goes on the next day: its length is the first day's.
        vec![within(call(3, DAY), "crossing")],
        // A call in no session.
        vec![call(4, 2 * DAY)],
        // A failure of its own.
        vec![failing(call(5, 2 * DAY + MINUTE), "no such order")],
        // Somebody is named the day after: the failure of the day before is theirs.
        vec![late],
        // The client is named later than the session began.
        vec![with_client(within(call(7, DAY + 40 * MINUTE), "crossing"), "claude")],
        // Two sessions turn out to be one.
        vec![
            within(failing(call(8, -DAY), "gone"), "other"),
            by(within(call(9, -DAY + MINUTE), "other"), "bob"),
        ],
    ];
    let (warm, cold) = (project(&store, "proj_warm"), project(&store, "proj_cold"));
    for upto in 0..batches.len() {
        put(&store, warm, batches[upto].clone());
        // Twice: once to keep, once to take what was kept.
        asked(&store, warm);
        let again = asked(&store, warm);
        let fresh = project(&store, &format!("proj_cold_{upto}"));
        batches.iter().take(upto + 1).for_each(|batch| drop(put(&store, fresh, batch.clone())));
        for (kept, read) in again.iter().zip(asked(&store, fresh)) {
            assert_eq!(*kept, read, "after batch {upto}");
        }
    }
    batches.iter().for_each(|batch| drop(put(&store, cold, batch.clone())));
    for p in [warm, cold] {
        // Taken apart a day after it began, joined again, and bob forgotten.
        let event = batches[1][0].id.as_str();
        let made = store.split_session(p, event, at(4 * DAY)).unwrap().unwrap();
        if p == warm {
            asked(&store, p);
        }
        assert!(store.join_sessions(p, made.as_str(), "crossing").unwrap());
        if p == warm {
            asked(&store, p);
        }
        assert!(store.erase_person(p, "bob", at(4 * DAY)).unwrap().is_some());
    }
    assert_eq!(asked(&store, warm), asked(&store, cold));
}
