//! Wishes: what agents asked for, and what becomes of it.

use std::sync::Arc;

use trackway_event::Kind;

use super::kit::*;
use crate::Store;
use crate::query::*;

pub(super) fn wishes_keep_what_becomes_of_them(make: &dyn Fn() -> Arc<dyn Store>) {
    let store = make();
    let p = project(&store, "proj_a");
    let wish = |n: u32| {
        let mut e = call(n, i64::from(n) * MINUTE);
        e.kind = Kind::MissingCapability;
        e
    };
    let events = [wish(1), wish(2), call(3, 3 * MINUTE)];
    put(&store, p, events.to_vec());
    let all = || {
        let ask = ListAsk { scope: scope(), page: PageAsk::default(), sort: None };
        store.wishes(p, &ask).unwrap().items
    };
    assert_eq!(
        all().iter().map(|w| w.event.id.clone()).collect::<Vec<_>>(),
        [events[1].id.clone(), events[0].id.clone()]
    );
    assert!(all().iter().all(|w| w.note.is_none()));
    let set = |id: &str, status, note: &str| store.set_wish(p, id, status, note, "ann", at(0)).unwrap();
    assert!(set(events[0].id.as_str(), WishStatus::Planned, "  with 2.0 "));
    assert!(set(events[0].id.as_str(), WishStatus::Shipped, &"x".repeat(9_000)));
    let note = all()[1].note.clone().unwrap();
    assert_eq!((note.status, note.note.len(), note.who.as_str()), (WishStatus::Shipped, NOTE_CHARS, "ann"));
    // No wish, another project's, nothing at all.
    assert!(
        !set(events[2].id.as_str(), WishStatus::Planned, "") && !set("evt_none", WishStatus::Planned, "")
    );
    let other = project(&store, "proj_b");
    assert!(!store.set_wish(other, events[0].id.as_str(), WishStatus::New, "", "ann", at(0)).unwrap());
    put(&store, p, vec![events[0].clone()]);
    assert_eq!(all()[1].note.as_ref().map(|n| n.status), Some(WishStatus::Shipped));

    // Asked for again after it was shipped: like words count, others and earlier ones do not.
    // (the second wish says nearly the same, and was noted as later than the act itself)
    assert_eq!(all()[1].again, Some(Again { wishes: 1, newest: Some(at(2 * MINUTE)) }));
    assert!(all()[0].again.is_none(), "only what is shipped is watched");
    let words = |n: u32, text: &str| {
        let mut e = wish(n);
        e.intent = Some(text.into());
        e
    };
    let first = words(20, "cancel a running job");
    put(&store, p, vec![first.clone(), words(21, "cancel the running job")]);
    let shipped_at = at(30 * MINUTE);
    let id = first.id.as_str();
    assert!(store.set_wish(p, id, WishStatus::Shipped, "", "ann", shipped_at).unwrap());
    let again = || all().into_iter().find(|w| w.event.id.as_str() == id).unwrap().again.unwrap();
    assert_eq!(again(), Again::default());
    put(&store, p, vec![words(40, "cancel a running job"), words(41, "export invoices as a table")]);
    assert_eq!(again(), Again { wishes: 1, newest: Some(at(40 * MINUTE)) });

    // In like words it is one matter; a tool that came later and has its words may answer it, one that was there before may not.
    let of = |id: &str| all().into_iter().find(|w| w.event.id.as_str() == id).unwrap();
    assert_eq!((of(id).matter.as_str(), &of(id).answer), ("cancel a running job", &None));
    assert_eq!(all().iter().filter(|w| w.matter == of(id).matter).count(), 3);
    let listing = |n: u32, tools: &str| {
        let mut e = call(n, i64::from(n) * MINUTE);
        (e.kind, e.tool) = (Kind::ToolsList, None);
        e.result = serde_json::value::RawValue::from_string(format!(r#"{{"tools":[{tools}]}}"#)).ok();
        e
    };
    let export = r#"{"name":"export_invoices","description":"Writes a table of invoices."}"#;
    let cancel = r#"{"name":"cancel_job","description":"Stops a job that is running."}"#;
    put(&store, p, vec![listing(35, export), listing(50, &format!("{export},{cancel}"))]);
    let answer = Answer { tool: "cancel_job".into(), since: at(50 * MINUTE) };
    assert_eq!(of(id).answer, Some(answer));
    let invoices = all().into_iter().find(|w| w.matter.starts_with("export")).unwrap();
    assert_eq!(invoices.answer, None, "it was there when the wish was said");
    assert!(store.set_wish(p, id, WishStatus::Declined, "", "ann", shipped_at).unwrap());
    assert_eq!(of(id).answer, None, "declined is declined");
}
