//! What is joined and what never is, at the edges.

use trackway_event::Timestamp;

use super::*;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

/// Of one person with one client, minutes from and to.
fn fragment(row: i64, from: i64, to: i64) -> Fragment {
    let at = Timestamp::from_micros;
    Fragment {
        row,
        person: Some(1),
        process: None,
        address: None,
        client: Some(1),
        server: Some(1),
        source: SessionSource::McpSession,
        span: Span { first: at(from), last: at(to) },
    }
}

fn pairs(fragments: &[Fragment]) -> Vec<(i64, i64)> {
    links(fragments, &Words::default()).iter().map(|l| (l.earlier, l.later)).collect()
}

/// Without a person, on this process or at this address.
fn nobody(mut fragment: Fragment, process: Option<i64>, address: Option<i64>) -> Fragment {
    fragment.person = None;
    fragment.process = process;
    fragment.address = address;
    fragment
}

#[test]
fn a_reset_goes_on() {
    let three = [fragment(1, 0, 5), fragment(2, 6, 9), fragment(3, 9, 20)];
    assert_eq!(pairs(&three), [(1, 2), (2, 3)]);
    let found = links(&three[..2], &Words::default());
    assert_eq!((found[0].evidence, found[0].confidence, found[0].gap_us), (Evidence::Actor, 95, 1));
}

#[test]
fn thirty_minutes_exactly_and_not_more() {
    let gap = 30 * MINUTE;
    assert_eq!(pairs(&[fragment(1, 0, 0), fragment(2, gap, gap)]), [(1, 2)]);
    assert_eq!(pairs(&[fragment(1, 0, 0), fragment(2, gap + 1, gap + 1)]), []);
    let far = |us| [fragment(1, 0, 0), fragment(2, us, us)].map(|f| nobody(f, None, Some(7)));
    assert_eq!(pairs(&far(5 * MINUTE)), [(1, 2)]);
    assert_eq!(pairs(&far(5 * MINUTE + 1)), []);
}

#[test]
fn windows_side_by_side_stay_apart() {
    let of = |times: &[(i64, i64)]| {
        let rows = times.iter().zip(1..);
        pairs(&rows.map(|((a, b), row)| fragment(row, a * SECOND, b * SECOND)).collect::<Vec<_>>())
    };
    // They overlap.
    assert_eq!(of(&[(0, 50), (10, 60)]), []);
    // One of two went on: nobody can tell which.
    assert_eq!(of(&[(0, 50), (10, 60), (61, 90)]), []);
    assert_eq!(of(&[(0, 50), (10, 60), (600, 700)]), []);
    // The other is still open: only what ended just before goes on.
    assert_eq!(of(&[(0, 200), (10, 400), (201, 300)]), [(1, 3)]);
    assert_eq!(of(&[(0, 200), (10, 400), (231, 300)]), []);
    // Two start at once after one.
    assert_eq!(of(&[(0, 50), (60, 160), (61, 190)]), []);
}

#[test]
fn what_differs_is_never_joined() {
    let change: [fn(&mut Fragment); 5] = [
        |f| f.server = Some(2),
        |f| f.server = None,
        |f| f.client = Some(2),
        |f| f.person = Some(2),
        |f| f.source = SessionSource::VendorMeta,
    ];
    for (n, change) in change.into_iter().enumerate() {
        let mut later = fragment(2, 6, 9);
        change(&mut later);
        assert_eq!(pairs(&[fragment(1, 0, 5), later]), [], "change {n}");
    }
    // A person whom the process learns of later is no contradiction; another person is.
    let early = nobody(fragment(1, 0, 5), Some(9), None);
    let mut later = fragment(2, 6, 9);
    later.process = Some(9);
    assert_eq!(pairs(&[early.clone(), later.clone()]), [(1, 2)]);
    assert_eq!(pairs(&[Fragment { person: Some(2), ..early }, later]), []);
}

#[test]
fn nobody_without_evidence_and_shared_addresses_stay_apart() {
    let of = |process, address| [fragment(1, 0, 5), fragment(2, 6, 9)].map(|f| nobody(f, process, address));
    assert_eq!(pairs(&of(None, None)), []);
    assert_eq!(pairs(&of(Some(3), None)), [(1, 2)]);
    assert_eq!(pairs(&of(None, Some(3))), [(1, 2)]);
    // An address where two were at once is an office.
    let mut office = of(None, Some(3)).to_vec();
    office.push(nobody(fragment(3, 7, 8), None, Some(3)));
    assert_eq!(pairs(&office), []);
}

#[test]
fn what_was_parted_stays_parted() {
    let two = [fragment(1, 0, 5), fragment(2, 6, 9)];
    assert_eq!(links(&two, &Words { apart: BTreeSet::from([(1, 2)]), ..Words::default() }), []);
}

#[test]
fn what_was_joined_by_hand_stands_in_for_the_rule() {
    let found = |joined: &[(i64, i64)]| {
        let three = [fragment(1, 0, 5), fragment(2, 6, 9), fragment(3, 10, 20)];
        let joined = joined.iter().copied().collect();
        let words = Words { joined, ..Words::default() };
        links(&three, &words).iter().map(|l| (l.earlier, l.later)).collect::<Vec<_>>()
    };
    assert_eq!(found(&[]), [(1, 2), (2, 3)]);
    // The third goes on where the first ended, so the second is what nobody continues, and continues none.
    assert_eq!(found(&[(3, 1)]), []);
    // Against the order of time: the rule must not close the circle.
    assert_eq!(found(&[(1, 3)]), [(1, 2)]);
}

#[test]
fn order_and_repetition_change_nothing() {
    let mut all: Vec<Fragment> = (0..12).map(|n| fragment(n, n * 10, n * 10 + 4 + n % 7)).collect();
    let expect = pairs(&all);
    assert!(!expect.is_empty());
    for turn in 0..12 {
        all.rotate_left(1);
        if turn % 2 == 0 {
            all.reverse();
        }
        assert_eq!(pairs(&all), expect);
    }
}
