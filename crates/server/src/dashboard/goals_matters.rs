//! Wishes in like words together (`dashboard.md` §7.7), on request: how often each matter was asked for, by how many sessions and
//! when last. Called by the Missing tab; the wishes themselves stand below, matter by matter. Words are captured text.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::goals::Word;
use super::place::Place;
use super::{chart, format, hostile};

/// Matters that are told.
const SHOWN: usize = 20;

/// The matters of these wishes, the most asked for first.
pub(super) fn matters(wishes: &[Word], place: &Place<'_>) -> Markup {
    let mut by: BTreeMap<&str, Vec<&Word>> = BTreeMap::new();
    for wish in wishes.iter().filter(|w| !w.matter.is_empty()) {
        by.entry(&wish.matter).or_default().push(wish);
    }
    let mut rows: Vec<(&str, Vec<&Word>)> = by.into_iter().collect();
    rows.sort_by_key(|(_, all)| std::cmp::Reverse(all.len()));
    let most = rows.first().map_or(1, |(_, all)| all.len()) as u64;
    html! {
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label="Matters" { table.data {
                caption.sr { "Wishes in like words" }
                thead { tr { th scope="col" { "Asked for" } th.num colspan="2" scope="col" { "Times" } th.num scope="col" { "Sessions" } th.num scope="col" { "Last" } } }
                tbody { @for (matter, all) in rows.iter().take(SHOWN) { tr data-testid="matter-row" {
                    th.message scope="row" { "“" (hostile::line(matter, 120)) "”" }
                    td.bar-cell { (chart::share_bar(all.len() as u64, most, 0)) }
                    td.num data-label="Times" { (format::count(all.len() as u64)) }
                    td.num data-label="Sessions" { (format::count(all.iter().filter_map(|w| w.event.session_id.as_ref()).collect::<BTreeSet<_>>().len() as u64)) }
                    td.num data-label="Last" { @if let Some(at) = all.iter().map(|w| w.event.started_at).max() { (format::time(at, &format::ago(at, place.now))) } }
                } } }
            } }
        }
    }
}
