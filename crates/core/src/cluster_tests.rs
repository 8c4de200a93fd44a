//! Clusters: what belongs together, names, and that order does not matter (INV-04).

use proptest::prelude::*;

use super::*;

fn names(sentences: &[&str]) -> Vec<(String, usize)> {
    clusters(sentences).into_iter().map(|c| (c.name, c.members.len())).collect()
}

#[test]
fn dull_words_are_in_order_for_the_search() {
    assert!(DULL.is_sorted());
}

#[test]
fn what_shares_most_words_is_one_matter() {
    let found = names(&[
        "Find the order of customer 4711",
        "Find order of customer 99",
        "find orders for the customer",
        "Quote express delivery to Finland",
        "Please quote express delivery to Norway",
        "Cancel a subscription",
    ]);
    assert_eq!(
        found,
        [
            ("Find order of customer 99".to_owned(), 3),
            ("Quote express delivery to Finland".to_owned(), 2),
            ("Cancel a subscription".to_owned(), 1)
        ]
    );
}

#[test]
fn the_name_is_what_was_said_most() {
    assert_eq!(
        names(&["check stock", "check the stock", "check the stock"]),
        [("check the stock".to_owned(), 3)]
    );
}

#[test]
fn blank_dull_and_foreign_sentences() {
    assert_eq!(names(&["", "  ", "…"]), []);
    assert_eq!(names(&["the of a", "the of a"]), [("the of a".to_owned(), 2)]);
    assert_eq!(names(&["12345", "12345", "777"]), [("12345".to_owned(), 2), ("777".to_owned(), 1)]);
    assert_eq!(names(&["注文を探す", "注文を探して", "天気を見る"]).first().map(|c| c.1), Some(2));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn order_does_not_matter_and_nothing_is_lost(
        picks in proptest::collection::vec((0usize..6, 0usize..6, 0usize..6), 0..60),
        seed in any::<u64>(),
    ) {
        const WORDS: [&str; 6] = ["find", "order", "refund", "ship", "price", "café"];
        let said: Vec<String> =
            picks.iter().map(|(a, b, c)| format!("{} the {} {}", WORDS[*a], WORDS[*b], WORDS[*c])).collect();
        let mut shuffled = said.clone();
        let mut state = seed;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        let shape = |sentences: &[String]| -> Vec<(String, Vec<String>)> {
            clusters(sentences).into_iter().map(|c| {
                let mut members: Vec<String> = c.members.iter().map(|i| sentences[*i].clone()).collect();
                members.sort();
                (c.name, members)
            }).collect()
        };
        let found = shape(&said);
        prop_assert_eq!(found.iter().map(|(_, m)| m.len()).sum::<usize>(), said.len());
        prop_assert_eq!(found, shape(&shuffled));
    }

    #[test]
    fn no_leader_is_missed_for_looking_at_rare_words_only(
        sets in proptest::collection::vec(proptest::collection::btree_set(prop_oneof![0u32..24, 120u32..160], 1..12), 1..60),
    ) {
        let mut leaders = Leaders::of(160);
        for set in sets {
            let words: Vec<u32> = set.into_iter().collect();
            let mut best: Option<(f64, usize)> = None;
            for (i, leader) in leaders.all.iter().enumerate() {
                let shared = words.iter().filter(|w| leader.contains(w)).count();
                let alike = share(shared, words.len(), leader.len());
                if alike >= ALIKE && best.is_none_or(|(most, _)| alike > most) {
                    best = Some((alike, i));
                }
            }
            prop_assert_eq!(leaders.nearest(&words), best.map(|(_, i)| i));
            leaders.add(words);
        }
    }
}

#[test]
fn a_text_tells_what_a_sentence_asks() {
    for (sentence, text, expect) in [
        (
            "cancel an order before it is shipped",
            "cancel order: Cancels one order before it is shipped.",
            1.0,
        ),
        ("cancel an order", "get order: Reads an order.", 0.0),
        ("export invoices as pdf", "make pdf: Writes invoices and receipts.", 2.0 / 3.0),
        ("", "anything", 0.0),
    ] {
        assert!((told_by(sentence, text) - expect).abs() < 1e-9, "{sentence}: {}", told_by(sentence, text));
    }
}
