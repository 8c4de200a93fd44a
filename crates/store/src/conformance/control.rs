//! Projects, keys, sign-ins, refused bodies and counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use trackway_event::{DropReason, ProjectId, limits};

use super::kit::*;
use crate::{
    Act, AuditAsk, MemberKey, NewAudit, NewProject, NewQuarantined, NewToken, NewView, Role, Sharing, Store,
    StoreError, Tally, TokenScope,
};

pub(super) fn inv_06_projects_see_only_their_own(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let (a, b) = (project(&store, "proj_a"), project(&store, "proj_b"));
    let mine = by(failing(within(call(1, 0), "shared"), "boom"), "ann");
    let theirs = by(failing(within(call(2, 0), "shared"), "boom"), "bob");
    put(&store, a, vec![mine.clone()]);
    put(&store, b, vec![theirs.clone()]);
    assert_eq!(events(&store, a, 10).len(), 1);
    assert_eq!(store.session(a, "shared").unwrap().unwrap().actor.unwrap().id.as_str(), "ann");
    assert!(store.event(a, theirs.id.as_str()).unwrap().is_none());
    assert!(store.person(a, "bob").unwrap().is_none());
    let list = crate::query::ListAsk { scope: scope(), page: Default::default(), sort: None };
    assert_eq!(store.people(b, &list).unwrap().items[0].actor.id.as_str(), "bob");
    assert_eq!(store.issues(a, &list, crate::query::IssueTab::All).unwrap().page.items[0].events, 1);
    assert_eq!(store.intake(Some(a)).unwrap().stored, 1);

    // Marked: gone from every answer at once, its id is free, and a new project starts empty.
    store.delete_project(a, at(0)).unwrap();
    assert!(matches!(store.session(a, "shared"), Err(StoreError::UnknownProject)));
    assert!(matches!(store.submit(a, vec![mine], at(0)), Err(StoreError::UnknownProject)));
    assert!(matches!(store.delete_project(a, at(0)), Err(StoreError::UnknownProject)));
    assert!(store.project("proj_a").unwrap().is_none());
    let again = project(&store, "proj_a");
    assert_ne!(again, a);
    assert!(events(&store, again, 10).is_empty());
    assert_eq!(store.session(b, "shared").unwrap().unwrap().events, 1);
}

pub(super) fn projects_have_names_that_nobody_shares(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let a = project(&store, "proj_a");
    let b = project(&store, "proj_b");
    let twice = NewProject { id: ProjectId::parse("proj_a").unwrap(), name: "x".into(), demo: true };
    assert!(matches!(store.create_project(twice, at(0)), Err(StoreError::Conflict(_))));
    store.add_alias(a, "phc_x").unwrap();
    store.add_alias(a, "phc_x").unwrap();
    assert!(matches!(store.add_alias(b, "phc_x"), Err(StoreError::Conflict(_))));
    assert!(matches!(store.add_alias(b, "proj_a"), Err(StoreError::Conflict(_))));
    assert_eq!(store.project("phc_x").unwrap().unwrap().key, a);
    assert_eq!(store.projects().unwrap().len(), 2);
    put(&store, a, vec![call(1, 77)]);
    let listed = store.projects().unwrap();
    assert_eq!(listed.iter().find(|p| p.key == a).unwrap().last_event_at, Some(at(77)));
    store.delete_project(a, at(0)).unwrap();
    store.add_alias(b, "phc_x").unwrap();
}

pub(super) fn tokens_live_until_revoked(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let new = |id: &str, hash: u8, project| NewToken {
        id: id.into(),
        project,
        scope: TokenScope::Read,
        hash: [hash; 32],
        prefix: "tw_ab".into(),
        name: "ci".into(),
        per_second: 0,
    };
    store.create_token(new("tok_1", 1, Some(p)), at(0)).unwrap();
    store.create_token(new("tok_2", 2, None), at(1)).unwrap();
    assert!(matches!(store.create_token(new("tok_1", 3, None), at(2)), Err(StoreError::Conflict(_))));
    let token = store.token_by_hash(&[1; 32]).unwrap().unwrap();
    assert_eq!((token.project, token.scope, token.name.as_str()), (Some(p), TokenScope::Read, "ci"));
    assert!(store.token_by_hash(&[9; 32]).unwrap().is_none());
    assert_eq!((store.tokens(None).unwrap().len(), store.tokens(Some(p)).unwrap().len()), (2, 1));
    assert!(store.tokens(Some(p)).unwrap()[0].last_used_at.is_some(), "its use is noted");
    assert!(store.revoke_token("tok_1", at(3)).unwrap());
    assert!(!store.revoke_token("tok_1", at(3)).unwrap());
    assert!(store.token_by_hash(&[1; 32]).unwrap().is_none());
    store.create_token(new("tok_4", 4, Some(p)), at(4)).unwrap();
    store.delete_project(p, at(5)).unwrap();
    assert!(store.token_by_hash(&[4; 32]).unwrap().is_none(), "a token ends with its project");
}

pub(super) fn sign_in_links_work_once(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    store.create_login_link(&[1; 32], at(100)).unwrap();
    assert_eq!(store.use_login_link(&[1; 32], at(99)).unwrap(), Some(MemberKey::OWNER));
    assert_eq!(store.use_login_link(&[1; 32], at(99)).unwrap(), None);
    store.create_login_link(&[2; 32], at(100)).unwrap();
    assert_eq!(store.use_login_link(&[2; 32], at(100)).unwrap(), None, "expired");
}

pub(super) fn dashboard_sessions_end(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let alive = |hash: u8, us: i64| store.touch_login(&[hash; 32], at(us)).unwrap();
    let (idle, age) = (limits::COOKIE_IDLE.as_micros() as i64, limits::COOKIE_AGE.as_micros() as i64);
    let day = limits::COOKIE_ROTATION.as_micros() as i64;
    store.create_login(&[3; 32], MemberKey::OWNER, at(0)).unwrap();
    let login = alive(3, 1).unwrap();
    assert_eq!((login.name.as_str(), login.role, login.stale), ("owner", Role::Owner, false));
    assert!(alive(3, idle - 1).is_some_and(|login| login.stale));
    assert!(alive(3, 2 * idle - 2).is_some(), "use moves the end on");
    assert!(alive(3, 3 * idle - 4).is_some());
    assert!(alive(3, age - 1).is_some() && alive(3, age).is_none(), "but never beyond its age");
    assert!(alive(4, 0).is_none());
    // Another secret: the old one counts for a minute, and only one request exchanges it.
    assert!(store.rotate_login(&[3; 32], &[5; 32], at(day)).unwrap());
    assert!(!store.rotate_login(&[3; 32], &[6; 32], at(day)).unwrap());
    assert!(alive(3, day + 59_999_999).is_some_and(|login| !login.stale));
    assert!(alive(3, day + 60_000_000).is_none() && alive(6, day).is_none());
    assert!(alive(5, day).is_some_and(|login| !login.stale));
    assert!(alive(5, age).is_none(), "a new secret is no new session");
    store.end_login(&[5; 32]).unwrap();
    assert!(alive(5, day).is_none());
}

pub(super) fn members_keep_an_owner(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let eve = store.add_member("eve", Role::Viewer, at(1)).unwrap();
    assert!(matches!(store.add_member("eve", Role::Admin, at(1)), Err(StoreError::Conflict(_))));
    store.create_member_link(eve.key, &[1; 32], at(100)).unwrap();
    assert_eq!(store.use_login_link(&[1; 32], at(2)).unwrap(), Some(eve.key));
    store.create_login(&[2; 32], eve.key, at(3)).unwrap();
    assert_eq!(store.touch_login(&[2; 32], at(4)).unwrap().unwrap().role, Role::Viewer);
    assert!(store.set_role(eve.key, Role::Admin).unwrap());
    assert_eq!(store.touch_login(&[2; 32], at(4)).unwrap().unwrap().role, Role::Admin, "counts at once");
    assert!(matches!(store.remove_member(MemberKey::OWNER), Err(StoreError::Conflict(_))));
    assert!(matches!(store.set_role(MemberKey::OWNER, Role::Admin), Err(StoreError::Conflict(_))));
    store.create_member_link(eve.key, &[4; 32], at(100)).unwrap();
    assert!(store.remove_member(eve.key).unwrap() && !store.remove_member(eve.key).unwrap());
    assert!(store.touch_login(&[2; 32], at(5)).unwrap().is_none(), "gone with the member");
    assert_eq!(store.use_login_link(&[4; 32], at(5)).unwrap(), None);
    assert_eq!(store.members().unwrap().len(), 1);
}

pub(super) fn acts_are_noted_in_order(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    for (i, project) in [None, Some("proj_a"), Some("proj_b")].into_iter().enumerate() {
        let mut entry = NewAudit::new("cli", Act::TokenCreate, format!("tok_{i}"));
        entry.project = project.map(str::to_owned);
        store.note(entry, at(i as i64)).unwrap();
    }
    let ask = |before, project: Option<&str>| {
        let ask = AuditAsk { before, project: project.map(str::to_owned), limit: 2 };
        store.audit(&ask).unwrap().into_iter().map(|a| (a.seq, a.target)).collect::<Vec<_>>()
    };
    let newest = ask(None, None);
    assert_eq!(newest.iter().map(|a| a.1.as_str()).collect::<Vec<_>>(), ["tok_2", "tok_1"]);
    assert_eq!(ask(Some(newest[1].0), None)[0].1, "tok_0");
    assert_eq!(ask(None, Some("proj_a"))[0].1, "tok_1");
}

fn refused(text: &str, body: Vec<u8>) -> NewQuarantined {
    NewQuarantined {
        reason: DropReason::UnknownProject,
        project_text: Some(text.into()),
        route: "/v1/public/events/".into(),
        user_agent: Some("node".into()),
        bytes: body.len() as u64,
        events: 1,
        body,
        replayable: true,
    }
}

pub(super) fn quarantine_is_bounded_and_replayed_once(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    for n in 0..3u8 {
        store.quarantine(refused("proj_new", vec![n; 10]), at(n.into())).unwrap();
    }
    let mut unreadable = refused("proj_new", b"{oops".to_vec());
    unreadable.replayable = false;
    store.quarantine(unreadable, at(9)).unwrap();
    let newest = store.quarantined(2).unwrap();
    assert_eq!((newest.len(), newest[0].at, newest[0].preview.as_str()), (2, at(9), "{oops"));
    let bodies = store.take_quarantined("proj_new").unwrap();
    assert_eq!(bodies.iter().map(|b| b.body[0]).collect::<Vec<_>>(), [0, 1, 2], "oldest first");
    assert!(store.take_quarantined("proj_new").unwrap().is_empty());
    assert_eq!(store.quarantined(10).unwrap().len(), 1);

    // A full MiB each: the bytes bind before the rows, the oldest go, and their events count as evicted.
    let dropped = |n: u64| Tally { dropped: [(DropReason::UnknownProject, n)].into(), ..Tally::default() };
    let fit = limits::QUARANTINE_BYTES / limits::QUARANTINE_BODY_BYTES;
    store.count(&[(None, dropped(fit as u64 + 5))]).unwrap();
    eventually(|| store.intake(None).unwrap().received() == fit as u64 + 5);
    std::thread::sleep(Duration::from_millis(1_200));
    for n in 0..fit + 5 {
        store.quarantine(refused("proj_big", vec![n as u8; limits::QUARANTINE_BODY_BYTES]), at(10)).unwrap();
    }
    assert_eq!(store.take_quarantined("proj_big").unwrap().len(), fit);
    let intake = store.intake(None).unwrap();
    // The unreadable one was the oldest and went first.
    assert_eq!(intake.dropped[&DropReason::UnknownProject], fit as u64 - 1);
    assert_eq!(intake.dropped[&DropReason::Evicted], 6);
    assert_eq!(intake.received(), fit as u64 + 5, "eviction changes no sum");
}

pub(super) fn counts_add_up_by_reason(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let tally = Tally {
        dropped: [(DropReason::BadEvent, 2), (DropReason::TooLarge, 1)].into(),
        bodies_refused: 4,
        lost: [("queue_full".to_owned(), 7)].into(),
    };
    store.count(&[(Some(p), tally.clone()), (None, tally.clone())]).unwrap();
    store.count(&[(Some(p), tally)]).unwrap();
    put(&store, p, vec![call(1, 0)]);
    for _ in 0..2 {
        let of = store.intake(Some(p)).unwrap();
        assert_eq!((of.stored, of.dropped[&DropReason::BadEvent], of.bodies_refused), (1, 4, 8));
        assert_eq!((of.lost["queue_full"], of.received()), (14, 7));
        assert_eq!(store.intake(None).unwrap().dropped[&DropReason::TooLarge], 3);
        // The second time from the file.
        std::thread::sleep(Duration::from_millis(1_300));
    }
}

pub(super) fn a_closed_store_says_so(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let receipts: Vec<_> = (0..50).map(|n| store.submit(p, vec![call(n, 0)], at(0)).unwrap()).collect();
    store.close().unwrap();
    for receipt in receipts {
        assert!(receipt.blocking_recv().unwrap().is_ok(), "what was queued is committed");
    }
    assert!(matches!(store.submit(p, vec![call(1, 0)], at(0)), Err(StoreError::Closed)));
    assert!(matches!(store.session(p, "x"), Err(StoreError::Closed)));
    store.close().unwrap();
}

fn eventually(mut test: impl FnMut() -> bool) {
    let start = Instant::now();
    while !test() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never came true");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(super) fn views_are_seen_by_whom_they_are_for(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let (p, other) = (project(&store, "proj_a"), project(&store, "proj_b"));
    let new = |name: &str, owner: &str, sharing| NewView {
        name: name.into(),
        page: "sessions".into(),
        query: "f=failed:eq:true".into(),
        owner: owner.into(),
        sharing,
    };
    let mine = store.save_view(p, &new("b", "ann", Sharing::Mine), at(0)).unwrap();
    let ours = store.save_view(p, &new("a", "ann", Sharing::Project), at(1)).unwrap();
    store.save_view(other, &new("b", "ann", Sharing::Project), at(2)).unwrap();
    store.save_view(p, &new("b", "ben", Sharing::Mine), at(3)).unwrap();
    let seen = |reader: &str| store.views(p, reader).unwrap().into_iter().map(|v| v.key).collect::<Vec<_>>();
    assert_eq!(seen("ann"), [ours.key, mine.key]);
    assert_eq!(seen("cleo"), [ours.key]);
    assert!(matches!(
        store.save_view(p, &new("a", "ann", Sharing::Mine), at(4)),
        Err(StoreError::Conflict(_))
    ));
    assert!(matches!(
        store.change_view(p, mine.key, &new("a", "ann", Sharing::Mine)),
        Err(StoreError::Conflict(_))
    ));
    let renamed = NewView { query: "q=x".into(), ..new("c", "someone else", Sharing::Project) };
    assert!(store.change_view(p, mine.key, &renamed).unwrap());
    assert!(!store.change_view(other, mine.key, &renamed).unwrap(), "a view of another project");
    let now = store.views(p, "cleo").unwrap();
    assert_eq!(
        (now[1].view.name.as_str(), now[1].view.query.as_str(), now[1].view.owner.as_str()),
        ("c", "q=x", "ann")
    );
    assert!(!store.delete_view(other, mine.key).unwrap());
    assert!(store.delete_view(p, mine.key).unwrap() && !store.delete_view(p, mine.key).unwrap());
    // Who is removed takes their own views along; what they shared stays, and is nobody's who gets the name.
    let eve = store.add_member("eve", Role::Member, at(4)).unwrap();
    let kept = store.save_view(p, &new("kept", "eve", Sharing::Project), at(4)).unwrap();
    store.save_view(p, &new("hers", "eve", Sharing::Mine), at(4)).unwrap();
    assert!(store.remove_member(eve.key).unwrap());
    let left: Vec<_> = store
        .views(p, "eve")
        .unwrap()
        .into_iter()
        .filter(|v| v.key == kept.key || v.view.name == "hers")
        .collect();
    assert_eq!((left.len(), left[0].view.owner.as_str()), (1, "eve (removed)"));
    assert!(store.delete_view(p, kept.key).unwrap());
    for n in 0..limits::VIEWS - 2 {
        store.save_view(p, &new(&format!("view {n}"), "dan", Sharing::Mine), at(5)).unwrap();
    }
    assert!(matches!(
        store.save_view(p, &new("one more", "dan", Sharing::Mine), at(6)),
        Err(StoreError::Conflict(_))
    ));
    store.delete_project(p, at(7)).unwrap();
    assert!(store.views(p, "dan").unwrap().is_empty());
    assert_eq!(store.views(other, "ann").unwrap().len(), 1);
}
