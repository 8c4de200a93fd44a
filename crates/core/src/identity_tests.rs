//! Merges by case (wire-posthog §8), and the fold against a naive reference that replays whole events.

use proptest::prelude::*;
use trackway_event::{EventId, Identity, Timestamp};

use super::*;
use crate::testing::{actor, event};

fn id(text: &str) -> ActorId {
    ActorId::parse(text).unwrap().0
}

fn key(at: i64) -> Key {
    Key { at: Timestamp::from_micros(at), id: EventId::foreign(&format!("e{at}")).unwrap() }
}

/// `s a 5`: id a is first seen at 5; `i a u 7`: `$identify` of a as u at 7; `l`, `d`: alias, dangerous merge.
fn told(text: &str) -> (Vec<MergeFact>, BTreeMap<ActorId, Key>) {
    let (mut facts, mut since) = (Vec::new(), BTreeMap::new());
    for part in text.split(", ") {
        let words: Vec<&str> = part.split(' ').collect();
        match words[..] {
            ["s", who, at] => drop(since.insert(id(who), key(at.parse().unwrap()))),
            [via, source, target, at] => facts.push(MergeFact {
                key: key(at.parse().unwrap()),
                via: [("i", Via::Identify), ("l", Via::Alias), ("d", Via::Dangerous)]
                    .into_iter()
                    .find_map(|(word, v)| (word == via).then_some(v))
                    .unwrap(),
                source: id(source),
                target: id(target),
            }),
            _ => panic!("{part}"),
        }
    }
    (facts, since)
}

fn shown(resolution: &Resolution) -> String {
    let one = |(id, root): (&ActorId, &ActorId)| {
        let mark = if resolution.identified.contains(root) { "!" } else { "" };
        let known = if resolution.known.contains(id) { "" } else { "?" };
        format!("{id}{known}={root}{mark}")
    };
    resolution.root.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn merges_by_case() {
    for (text, expect) in [
        // I6: neither is known; one person with both ids, identified
        ("i a u 5", "a=u! u=u!"),
        // I7: one is known, the other joins and is shown under the target
        ("s a 1, i a u 5", "a=u! u=u!"),
        ("s u 1, i a u 5", "a=u! u=u!"),
        // the target is named by the very event: that does not make it known before
        ("s a 1, s u 5, i a u 5", "a=u! u=u!"),
        // I7 safe mode: a second user on the same anonymous id is their own person
        ("s a 1, i a u 5, i a w 6", "a=u! u=u! w?=w"),
        ("s a 1, i a u 5, s w 6, i a w 6", "a=u! u=u! w=w"),
        // an explicit alias is never refused there
        ("s a 1, i a u 5, l a w 6", "a=u! u=u! w=u!"),
        // I8: both known
        ("s a 1, s u 2, i a u 5", "a=u! u=u!"),
        ("s a 1, i a u 5, s w 4, i a w 6", "a=u! u=u! w=w"),
        ("s a 1, i a u 5, s w 4, l u w 6", "a=u! u=u! w=w"),
        ("s a 1, i a u 5, s w 4, d u w 6", "a=w! u=w! w=w!"),
        // a chain of aliases
        ("l a b 1, l b c 2", "a=b! b=b! c=b!"),
        ("s a 1, s b 2, s c 3, i a c 5, i b c 6", "a=c! b=c! c=c!"),
    ] {
        let (facts, since) = told(text);
        assert_eq!(shown(&resolve(&facts, &since, Mode::Safe)), expect, "{text}");
    }
}

#[test]
fn compatible_merges_give_a_second_user_to_the_first() {
    for (text, expect) in [
        // case 55: identify(u1←a1), (u1←a2), then (u2←a1); u2 unknown, and known
        ("s a1 1, i a1 u1 5, i a2 u1 6, i a1 u2 7", "a1=u1! a2=u1! u1=u1! u2=u1!"),
        ("s a1 1, i a1 u1 5, i a2 u1 6, s u2 6, i a1 u2 7", "a1=u1! a2=u1! u1=u1! u2=u2"),
        ("s a 1, i a u 5", "a=u! u=u!"),
    ] {
        let (facts, since) = told(text);
        assert_eq!(shown(&resolve(&facts, &since, Mode::Compatible)), expect, "{text}");
        let backwards: Vec<MergeFact> = facts.iter().rev().chain(&facts).cloned().collect();
        assert_eq!(shown(&resolve(&backwards, &since, Mode::Compatible)), expect, "{text}: order");
    }
    let (facts, since) = told("s a1 1, i a1 u1 5, i a2 u1 6, i a1 u2 7");
    assert_eq!(shown(&resolve(&facts, &since, Mode::Safe)), "a1=u1! a2=u1! u1=u1! u2?=u2");
}

#[test]
fn only_certain_events_merge() {
    let with = |kind: Kind, edit: &dyn Fn(&mut Identity)| {
        let mut e = event("e1", kind, 0);
        e.actor = actor("u");
        let mut identity = Identity { distinct_id: Some("u".into()), ..Identity::default() };
        edit(&mut identity);
        e.identity = Some(Box::new(identity));
        merge_of(&e).map(|f| format!("{} {} {}", f.via.as_str(), f.source, f.target))
    };
    let anon = |i: &mut Identity| i.anon_distinct_id = Some("a".into());
    let alias = |i: &mut Identity| i.alias = Some("a".into());
    assert_eq!(with(Kind::Identify, &anon), Ok("identify a u".into()));
    assert_eq!(with(Kind::ToolCall, &anon), Err(NoMerge::Silent), "an anonymous id on a call merges nothing");
    assert_eq!(with(Kind::Alias, &alias), Ok("alias a u".into()));
    let dangerous = |i: &mut Identity| {
        alias(i);
        i.merge = Merge::Dangerous;
    };
    assert_eq!(with(Kind::Alias, &dangerous), Ok("merge_dangerously a u".into()));
    let off = |i: &mut Identity| {
        anon(i);
        i.process_person_profile = PersonProfile::Off;
    };
    assert_eq!(with(Kind::Identify, &off), Err(NoMerge::ProfileOff));
    for bad in ["anonymous", "NULL\0", "null", "'guest'", "[object Object]"] {
        assert_eq!(with(Kind::Identify, &|i| i.anon_distinct_id = Some(bad.into())), Err(NoMerge::IllegalId));
        assert_eq!(
            with(Kind::Alias, &|i| {
                alias(i);
                i.distinct_id = Some(bad.into())
            }),
            Err(NoMerge::IllegalId)
        );
    }
    for silent in ["u", " u ", " ", ""] {
        assert_eq!(with(Kind::Identify, &|i| i.anon_distinct_id = Some(silent.into())), Err(NoMerge::Silent));
    }
    let long = "x".repeat(500);
    let cut = with(Kind::Identify, &|i| i.anon_distinct_id = Some(long.clone().into())).unwrap();
    assert_eq!(cut, format!("identify {} u", "x".repeat(400)));
}

/// The reference: people as lists of ids, events replayed one after the other in order of time.
#[derive(Clone, Debug)]
struct Naive {
    ids: BTreeSet<String>,
    shown: String,
    identified: bool,
}

#[derive(Clone, Debug)]
enum Told {
    Seen(usize),
    Merge(Via, usize, usize),
}

fn name(n: usize) -> String {
    format!("u{n}")
}

fn replay(story: &[Told]) -> Vec<Naive> {
    let mut people: Vec<Naive> = Vec::new();
    let of = |people: &[Naive], n: usize| people.iter().position(|p| p.ids.contains(&name(n)));
    let alone = |n: usize| Naive { ids: [name(n)].into(), shown: name(n), identified: false };
    for told in story {
        match *told {
            Told::Seen(n) => {
                if of(&people, n).is_none() {
                    people.push(alone(n));
                }
            }
            Told::Merge(via, source, target) => match (of(&people, source), of(&people, target)) {
                (None, None) => people.push(Naive {
                    ids: [name(source), name(target)].into(),
                    shown: name(target),
                    identified: true,
                }),
                (Some(s), None) => {
                    if people[s].identified && via == Via::Identify {
                        people.push(alone(target));
                        continue;
                    }
                    if !people[s].identified {
                        people[s].shown = name(target);
                    }
                    people[s].ids.insert(name(target));
                    people[s].identified = true;
                }
                (None, Some(t)) => {
                    people[t].ids.insert(name(source));
                    people[t].identified = true;
                }
                (Some(s), Some(t)) if s == t => {}
                (Some(s), Some(t)) => {
                    if people[s].identified && via != Via::Dangerous {
                        continue;
                    }
                    let gone = people[s].ids.clone();
                    people[t].ids.extend(gone);
                    people[t].identified = true;
                    people.remove(s);
                }
            },
        }
    }
    people
}

fn a_told() -> impl Strategy<Value = Told> {
    let via = prop_oneof![Just(Via::Identify), Just(Via::Alias), Just(Via::Dangerous)];
    prop_oneof![
        (0usize..7).prop_map(Told::Seen),
        (via, 0usize..7, 0usize..7)
            .prop_filter_map("same", |(v, a, b)| (a != b).then_some(Told::Merge(v, a, b))),
    ]
}

proptest! {
    #[test]
    fn inv_03_inv_04_the_fold_is_the_replay(
        (story, order) in proptest::collection::vec(a_told(), 0..24)
            .prop_flat_map(|s| { let n = s.len(); (Just(s), Just((0..n).chain(0..n).collect::<Vec<_>>()).prop_shuffle()) })
    ) {
        let mut since: BTreeMap<ActorId, Key> = BTreeMap::new();
        let mut facts = Vec::new();
        for (at, told) in story.iter().enumerate() {
            let key = key(at as i64);
            match told {
                Told::Seen(n) => { since.entry(id(&name(*n))).or_insert(key); }
                Told::Merge(via, s, t) => {
                    // an event that merges names its target itself
                    since.entry(id(&name(*t))).or_insert(key.clone());
                    facts.push((at, MergeFact { key, via: *via, source: id(&name(*s)), target: id(&name(*t)) }));
                }
            }
        }
        let expect: BTreeSet<(Vec<String>, String, bool)> = replay(&story).into_iter()
            .filter(|p| p.ids.iter().any(|i| facts.iter().any(|(_, f)| f.source.as_str() == i || f.target.as_str() == i)))
            .map(|p| (p.ids.into_iter().collect(), p.shown, p.identified)).collect();
        // any order, everything twice
        let shuffled: Vec<MergeFact> = order.iter()
            .filter_map(|at| facts.iter().find(|(n, _)| n == at).map(|(_, f)| f.clone())).collect();
        let got = resolve(&shuffled, &since, Mode::Safe);
        let mut people: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (id, root) in got.root.iter().filter(|(id, _)| got.known.contains(*id)) {
            people.entry(root.to_string()).or_default().push(id.to_string());
        }
        let got: BTreeSet<(Vec<String>, String, bool)> = people.into_iter()
            .map(|(root, ids)| (ids, root.clone(), got.identified.contains(&id(&root)))).collect();
        prop_assert_eq!(got, expect);
    }
}
