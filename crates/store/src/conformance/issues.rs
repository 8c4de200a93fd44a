//! Error groups as people work on them: decisions, regression by version, merging and its undo, tabs, recovery, suspects.

use std::sync::Arc;

use serde_json::json;
use trackway_event::json::payload_of;
use trackway_event::{Event, Peer};

use super::kit::*;
use crate::query::*;
use crate::{ProjectKey, Store, StoreError};

fn on_version(mut event: Event, version: &str) -> Event {
    event.server = Some(Peer { name: "shop".into(), version: Some(version.into()) });
    event
}

fn of_plan(mut event: Event, plan: &str) -> Event {
    if let Some(actor) = &mut event.actor {
        actor.traits.insert("plan".into(), plan.into());
    }
    event
}

fn list(store: &Arc<dyn Store>, p: ProjectKey, tab: IssueTab) -> Vec<IssueRow> {
    let ask = ListAsk { scope: scope(), page: PageAsk::default(), sort: None };
    store.issues(p, &ask, tab).unwrap().page.items
}

fn one(store: &Arc<dyn Store>, p: ProjectKey, id: u64) -> IssueDetail {
    store.issue(p, id, &scope()).unwrap().unwrap()
}

pub(super) fn issues_are_resolved_and_come_back(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let fail = |n: u32, minute: i64, version: &str| {
        on_version(failing(within(call(n, minute * MINUTE), &format!("s{n}")), "no such order"), version)
    };
    put(&store, p, vec![fail(1, 0, "1.7.0"), fail(2, 1, "1.7.0")]);
    let id = list(&store, p, IssueTab::All)[0].id;
    let state = || one(&store, p, id).row.state;
    let act =
        |act: IssueAct, minute: i64| store.act_on_issue(p, id, &act, "ann", at(minute * MINUTE)).unwrap();
    assert!(state().is_open());
    assert!(!act(IssueAct::Reopen, 5) && !act(IssueAct::Split, 5));

    assert!(act(IssueAct::Decide(Rule::Resolved), 10));
    assert_eq!((state(), list(&store, p, IssueTab::Open).len()), (State::Resolved, 0));
    assert_eq!(list(&store, p, IssueTab::Resolved).len(), 1);
    assert_eq!(one(&store, p, id).row.decision.unwrap().version.as_deref(), Some("1.7.0"));
    // The same version counts, and stays resolved; a late event of before says nothing.
    put(&store, p, vec![fail(3, 20, "1.7.0"), fail(4, 3, "1.9.0")]);
    assert_eq!((state(), one(&store, p, id).row.events), (State::Resolved, 4));
    put(&store, p, vec![fail(5, 21, "1.8.0")]);
    assert_eq!(state(), State::Regressed(Some("1.8.0".into())));
    assert_eq!(list(&store, p, IssueTab::Open)[0].id, id);
    let overview = store.overview(p, &OverviewAsk { scope: scope(), compare: Compare::None }).unwrap();
    assert_eq!(overview.issues[0].state.as_str(), "regressed");

    assert!(act(IssueAct::Decide(Rule::ResolvedIn("2.0".into())), 30));
    put(&store, p, vec![fail(6, 31, "1.9.9")]);
    assert_eq!(state(), State::Resolved);
    put(&store, p, vec![fail(7, 32, "2.0.0")]);
    assert_eq!(state(), State::Regressed(Some("2.0.0".into())));

    assert!(act(IssueAct::Decide(Rule::ArchivedMore(2)), 40));
    put(&store, p, vec![fail(8, 41, "2.0.0")]);
    assert_eq!((state(), list(&store, p, IssueTab::Archived).len()), (State::Archived, 1));
    put(&store, p, vec![fail(9, 42, "2.0.0"), fail(9, 42, "2.0.0")]);
    assert_eq!(state(), State::Ongoing);
    // The suite's own clock is long past this time.
    assert!(act(IssueAct::Decide(Rule::ArchivedUntil(at(90 * MINUTE))), 50));
    assert_eq!(state(), State::Ongoing);
    assert!(act(IssueAct::Decide(Rule::Archived), 60) && act(IssueAct::Reopen, 61));
    let history: Vec<String> = one(&store, p, id).history.into_iter().map(|n| n.what).collect();
    assert_eq!(history[..2], ["opened again", "archived"]);
    assert_eq!(history.len(), 6);
    assert!(!store.act_on_issue(p, 99, &IssueAct::Reopen, "ann", at(0)).unwrap());
    let other = project(&store, "proj_b");
    assert!(!store.act_on_issue(other, id, &IssueAct::Decide(Rule::Archived), "ann", at(0)).unwrap());
}

pub(super) fn issues_are_merged_and_split_again(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let fail = |n: u32, text: &str| {
        with_client(failing(within(call(n, i64::from(n) * MINUTE), &format!("s{}", n % 4)), text), "zed")
    };
    put(&store, p, vec![fail(1, "no such order"), fail(2, "order is gone"), fail(3, "no permission")]);
    let all = list(&store, p, IssueTab::All);
    let id = |text: &str| all.iter().find(|i| i.title.contains(text)).unwrap().id;
    let (a, b, c) = (id("no such order"), id("gone"), id("permission"));
    let act = |id: u64, act: IssueAct| store.act_on_issue(p, id, &act, "ann", at(0));
    assert!(act(b, IssueAct::MergeInto(a)).unwrap());
    // A later failure of the merged sort counts under the whole.
    put(&store, p, vec![fail(4, "order is gone")]);
    let merged = one(&store, p, a);
    assert_eq!((merged.row.events, merged.row.sessions, merged.samples.len()), (3, 3, 3));
    assert_eq!(merged.members.iter().map(|m| m.id).collect::<Vec<_>>(), [b]);
    assert_eq!((merged.row.last_seen, merged.sample_message.as_str()), (at(4 * MINUTE), "order is gone"));
    assert_eq!(one(&store, p, b).row.id, a, "a merged group answers as its whole");
    assert_eq!(list(&store, p, IssueTab::All).iter().map(|i| i.events).sum::<u64>(), 4);
    let of_issue = |id: u64| {
        let mut scope = scope();
        scope.filter =
            trackway_core::filter::Filter::parse([format!("issue:eq:{id}").as_str()], None).unwrap();
        let ask = SessionsAsk { scope, page: PageAsk::default(), sort: None, tab: SessionTab::All };
        store.sessions(p, &ask).unwrap().items.len()
    };
    assert_eq!((of_issue(a), of_issue(c)), (3, 1));
    // What was merged goes along.
    assert!(act(a, IssueAct::MergeInto(c)).unwrap());
    assert_eq!(one(&store, p, b).row.events, 4);
    assert!(matches!(act(b, IssueAct::MergeInto(c)), Err(StoreError::BadQuestion(_))));
    assert!(matches!(act(c, IssueAct::MergeInto(77)), Err(StoreError::BadQuestion(_))));
    // Taken back, it stands as before; then merged again.
    let shown = |id| one(&store, p, id).members.iter().map(|m| m.id).collect::<Vec<_>>();
    let both = shown(c);
    assert!(act(c, IssueAct::TakeBack).unwrap() && shown(c).is_empty());
    assert_eq!((shown(a), one(&store, p, a).row.events), (vec![b], 3));
    assert!(act(a, IssueAct::MergeInto(c)).unwrap() && shown(c) == both);
    assert!(act(b, IssueAct::Split).unwrap() && act(a, IssueAct::Split).unwrap());
    let events: Vec<u64> = [a, b, c].iter().map(|id| one(&store, p, *id).row.events).collect();
    assert_eq!(events, [1, 2, 1]);
}

pub(super) fn issues_say_why_and_whether_agents_recover(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let mut events = Vec::new();
    for n in 0..40u32 {
        let session = format!("s{n}");
        let minute = i64::from(n) * 10 * MINUTE;
        let zed = n < 12;
        let dress = |e: Event| with_client(within(e, &session), if zed { "zed" } else { "cursor" });
        if zed {
            let mut bad = failing(call(n * 10, minute), "bad date");
            bad.arguments = payload_of(&json!({ "due": "next week", "id": n }));
            bad = of_plan(by(bad, &format!("u{n}")), "trial");
            events.push(on_version(dress(bad), "1.8.0"));
            // Nine of twelve get past it, with one more try.
            if n < 9 {
                let mut next = call(n * 10 + 1, minute + MINUTE);
                next.arguments = payload_of(&json!({ "due": "2026-03-09", "id": n }));
                events.push(on_version(dress(next), "1.8.0"));
            }
        } else {
            let mut good = call(n * 10, minute - 400 * 10 * MINUTE);
            good.arguments = payload_of(&json!({ "due": "2026-03-02", "id": n }));
            events.push(on_version(dress(of_plan(by(good, &format!("u{n}")), "team")), "1.7.0"));
        }
    }
    put(&store, p, events);
    let id = list(&store, p, IssueTab::All)[0].id;
    let issue = one(&store, p, id);
    let recovery = Recovery { attempts: 12, recovered: 9, tries: Some(1) };
    assert_eq!(issue.row.recovery, Some(recovery));
    assert_eq!(list(&store, p, IssueTab::All)[0].recovery, Some(recovery), "list and page say the same");
    let change = Mend {
        name: "due".into(),
        how: MendHow::Changed,
        tries: 9,
        from: Some("\"next week\"".into()),
        to: Some("\"2026-03-09\"".into()),
    };
    assert_eq!(issue.mended, Mended { tries: 9, same: 0, changes: vec![change], tools: Vec::new() });
    let mut names: Vec<(&str, &str)> = issue.suspects.iter().map(|s| (s.what, s.value.as_str())).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            ("argument", "due: several words"),
            ("client", "zed"),
            ("client version", "zed 1.0"),
            ("server version", "1.8.0"),
            ("trait", "plan: “trial”"),
        ]
    );
    let counts = Counts { failing_with: 12, failing: 12, working_with: 9, working: 37 };
    assert_eq!(issue.suspects.iter().find(|s| s.what == "client").map(|s| s.counts), Some(counts));
    let counts = Counts { failing_with: 12, failing: 12, working_with: 0, working: 37 };
    assert_eq!(issue.suspects[0].counts, counts, "what tells most comes first");
    let before: Vec<(&str, &str)> = issue.before.iter().map(|b| (b.what, b.value.as_str())).collect();
    assert_eq!(before, [("server version", "1.8.0"), ("client version", "zed 1.0")]);
}

pub(super) fn an_attempt_that_met_two_issues_is_one(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let within = |n: u32, minute: i64| within(call(n, minute * MINUTE), "s");
    put(&store, p, vec![failing(within(1, 0), "no date"), failing(within(2, 1), "bad zone"), within(3, 2)]);
    let ask = ListAsk { scope: scope(), page: PageAsk::default(), sort: None };
    let list = store.issues(p, &ask, IssueTab::All).unwrap();
    let each: Vec<_> = list.page.items.iter().filter_map(|r| r.recovery).map(|r| r.attempts).collect();
    assert_eq!(each, [1, 1], "it is an attempt of each");
    assert_eq!((list.recovery.attempts, list.recovery.recovered), (1, 1));
}

pub(super) fn issues_are_given_talked_about_and_taken_back(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let fail = |n: u32, text: &str| failing(within(call(n, i64::from(n) * MINUTE), &format!("s{n}")), text);
    put(
        &store,
        p,
        vec![fail(1, "order 17 is gone"), fail(2, "order 18 is gone"), fail(3, "order 17 is gone")],
    );
    let id = list(&store, p, IssueTab::All)[0].id;
    let act = |act: IssueAct, who: &str, us: i64| store.act_on_issue(p, id, &act, who, at(us)).unwrap();

    let variants = one(&store, p, id).variants;
    assert_eq!((variants.distinct, variants.looked_at), (2, 3));
    let said: Vec<(&str, u64, i64, i64)> = variants
        .items
        .iter()
        .map(|v| (v.message.as_str(), v.events, v.first.since(at(0)), v.last.since(at(0))))
        .collect();
    assert_eq!(
        said,
        [("order 17 is gone", 2, MINUTE, 3 * MINUTE), ("order 18 is gone", 1, 2 * MINUTE, 2 * MINUTE)]
    );

    let assignee = || list(&store, p, IssueTab::All)[0].assignee.clone();
    assert!(act(IssueAct::Assign(Some("bo".into())), "ann", 0) && assignee().as_deref() == Some("bo"));
    assert!(!act(IssueAct::Assign(Some("bo".into())), "ann", 1), "nothing to do");
    assert!(act(IssueAct::Assign(None), "ann", 2) && assignee().is_none());
    assert!(act(IssueAct::TakeBack, "ann", 3) && assignee().as_deref() == Some("bo"));

    assert!(act(IssueAct::Comment("  look at the importer ".into()), "ann", 10));
    let note = one(&store, p, id).history.remove(0);
    assert_eq!((note.who.as_str(), note.comment.as_deref()), ("ann", Some("look at the importer")));
    assert!(!act(IssueAct::Uncomment(note.id, Whose::Own), "bo", 11), "another's");
    assert!(act(IssueAct::Uncomment(note.id, Whose::Anyones), "bo", 12));
    assert!(!act(IssueAct::Uncomment(note.id, Whose::Anyones), "bo", 13));
    let given = one(&store, p, id).history[0].id;
    assert!(!act(IssueAct::Uncomment(given, Whose::Anyones), "bo", 14), "what was done stays said");
    let empty = store.act_on_issue(p, id, &IssueAct::Comment(" \n".into()), "ann", at(15));
    assert!(matches!(empty, Err(StoreError::BadQuestion(_))));
    assert!(act(IssueAct::Comment("ä".repeat(COMMENT_CHARS + 9)), "ann", 16));
    let kept = one(&store, p, id).history[0].comment.as_ref().map(|c| c.chars().count());
    assert_eq!(kept, Some(COMMENT_CHARS));

    // A decision takes the place of one before it, and gives it back; only to who took it, and only for a while.
    let decided = || one(&store, p, id).row.decision.map(|d| d.rule.to_string());
    assert!(act(IssueAct::Decide(Rule::ArchivedMore(50)), "ann", 100));
    assert!(act(IssueAct::Decide(Rule::Resolved), "ann", 1_000_000));
    assert!(!act(IssueAct::TakeBack, "bo", 1_000_001));
    assert!(act(IssueAct::TakeBack, "ann", 2_000_000));
    assert_eq!(decided().as_deref(), Some("archived until 50 more failures"));
    assert!(act(IssueAct::TakeBack, "ann", 3_000_000) && decided().is_none());
    assert!(act(IssueAct::Decide(Rule::Resolved), "ann", 4_000_000));
    assert!(!act(IssueAct::TakeBack, "ann", 4_000_001 + TAKE_BACK_US) && decided().is_some());
}
