//! Consolidation against a simulator that knows the truth (issue 4): people with windows, clients that reset, processes
//! that restart, offices behind one address, second conversations. Precision ≥ 0.99; recall ≥ 0.95 of identified and
//! ≥ 0.9 of anonymous fragments with evidence.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use trackway_core::consolidate::{Fragment, Words, links};
use trackway_core::grouping::Span;
use trackway_event::{SessionSource, Timestamp};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.unsigned_abs()) as i64
    }

    fn percent(&mut self, share: i64) -> bool {
        self.below(100) < share
    }
}

/// Who somebody is to the recorder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Sort {
    Identified,
    Process,
    Address,
    Bare,
}

#[derive(Default)]
struct World {
    fragments: Vec<Fragment>,
    /// By row: the conversation, its place in it, and the sort of its user.
    truth: BTreeMap<i64, (i64, i64, Option<Sort>)>,
    conversations: i64,
}

impl World {
    /// A conversation in one window from `start`; answers when it ended.
    fn talk(&mut self, rng: &mut Rng, sort: Sort, like: &Fragment, start: i64) -> i64 {
        self.conversations += 1;
        let mut at = start;
        let pieces = 1 + rng.below(4);
        for place in 0..pieces {
            let length = 5 * SECOND + rng.below(25 * MINUTE);
            let row = self.fragments.len() as i64;
            let (first, last) = (Timestamp::from_micros(at), Timestamp::from_micros(at + length));
            let mut piece = Fragment { row, span: Span { first, last }, ..like.clone() };
            // A restarted process is another; a reset inside of it is not.
            if sort == Sort::Identified && rng.percent(30) {
                piece.process = Some(1_000_000 + row);
            }
            self.fragments.push(piece);
            self.truth.insert(row, (self.conversations, place, Some(sort)));
            // Most resets come at once; some after a pause to think.
            let gap = match (rng.below(100), sort) {
                (0..80, _) => SECOND / 2 + rng.below(30 * SECOND),
                (80..97, _) | (_, Sort::Address) => 30 * SECOND + rng.below(4 * MINUTE),
                _ => 5 * MINUTE + rng.below(25 * MINUTE - SECOND),
            };
            at += length + gap;
        }
        at
    }
}

fn world(seed: u64) -> World {
    let mut rng = Rng(seed);
    let mut world = World::default();
    for user in 0..600 {
        let sort =
            [Sort::Identified, Sort::Identified, Sort::Process, Sort::Address, Sort::Bare][user as usize % 5];
        // One user in twelve of those behind addresses sits in an office of four.
        let office = sort == Sort::Address && user % 60 == 3;
        let mut like = Fragment {
            row: 0,
            person: (sort == Sort::Identified).then_some(user),
            process: None,
            address: (sort == Sort::Address).then_some(user),
            client: Some(rng.below(3)),
            server: Some(rng.below(2)),
            source: SessionSource::McpSession,
            span: Span::at(Timestamp::ZERO),
        };
        for seat in 0..if office { 4 } else { 1 } {
            let mut at = rng.below(12 * HOUR);
            for day in 0..6 {
                like.process = (sort == Sort::Process).then_some(user * 100 + seat * 10 + day);
                let start = at;
                let end = world.talk(&mut rng, sort, &like, start);
                at = end;
                // A second window beside the first, now and then.
                if rng.percent(4) {
                    let second = start + rng.below(10 * MINUTE);
                    let beside = world.talk(&mut rng, sort, &like, second);
                    at = at.max(beside);
                }
                // Another client or another server of the same user, side by side: never one.
                if rng.percent(10) {
                    let mut other = like.clone();
                    if rng.percent(50) {
                        other.client = other.client.map(|c| c + 10);
                        other.process = other.process.map(|p| p + 500_000);
                    } else {
                        other.server = other.server.map(|s| s + 10);
                    }
                    let second = start + rng.below(40 * MINUTE);
                    world.talk(&mut rng, sort, &other, second);
                }
                at += 31 * MINUTE + rng.below(9 * HOUR);
            }
        }
    }
    world
}

#[test]
fn the_simulator_knows_better_seldom() {
    for seed in [1, 7, 42, 2_026] {
        let world = world(seed);
        let found = links(&world.fragments, &Words::default());
        let of = |row: i64| world.truth[&row];
        let right = |earlier: i64, later: i64| {
            let (a, b) = (of(earlier), of(later));
            a.0 == b.0 && b.1 == a.1 + 1
        };
        let correct = found.iter().filter(|l| right(l.earlier, l.later)).count();
        let precision = correct as f64 / found.len() as f64;
        let mut recall: BTreeMap<Sort, (u64, u64)> = BTreeMap::new();
        for (row, (_, place, sort)) in &world.truth {
            if *place > 0 {
                let entry = recall.entry(sort.unwrap()).or_default();
                entry.1 += 1;
                entry.0 += u64::from(found.iter().any(|l| l.later == *row && right(l.earlier, *row)));
            }
        }
        let share = |sort: &[Sort]| {
            let sums = sort.iter().filter_map(|s| recall.get(s));
            let (hit, all) = sums.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            hit as f64 / all as f64
        };
        let (identified, anonymous) = (share(&[Sort::Identified]), share(&[Sort::Process, Sort::Address]));
        eprintln!(
            "seed {seed}: {} links, precision {precision:.4}, recall identified {identified:.4}, anonymous {anonymous:.4}, {recall:?}",
            found.len()
        );
        assert!(found.len() > 2_000);
        assert!(precision >= 0.99, "seed {seed}: precision {precision}");
        assert!(identified >= 0.95, "seed {seed}: recall of identified {identified}");
        assert!(anonymous >= 0.9, "seed {seed}: recall of anonymous {anonymous}");
        assert_eq!(share(&[Sort::Bare]), 0.0, "nothing is guessed without evidence");
    }
}
