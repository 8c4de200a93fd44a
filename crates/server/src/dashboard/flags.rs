//! Flags on the top edge of time charts (`dashboard.md` §8): first sights of server versions and tool listings.
//!
//! Those nearer to each other than a label are one flag that counts them. Every flag is a link, and the same sights stand in
//! the chart's table. Called by `chart`; made by the pages that show series.

use maud::{Markup, html};
use trackway_event::Timestamp;
use trackway_store::query::{Bucket, Sighted, Sighting};

use super::place::Place;
use super::{format, hostile, link};

/// Nearer to each other than this share of the plot, in percent, flags are one.
const LABEL: f64 = 12.0;
/// Characters of a label.
const CHARS: usize = 12;

/// One change as charts and their tables show it.
pub(crate) struct Flag {
    at: Timestamp,
    label: String,
    words: String,
    href: String,
}

/// The changes of a period as flags; they lead to the sessions of a version, and to the timeline of listings.
pub(crate) fn flags(seen: &[Sighting], place: &Place<'_>) -> Vec<Flag> {
    let base = place.params.carried();
    let flag = |seen: &Sighting| {
        let (label, words, href) = match &seen.what {
            Sighted::Version(peer) => {
                let version = peer.version.as_deref().unwrap_or_default();
                let of = base.and("server", "eq", &peer.name).and("server_version", "eq", version);
                let href = format!("{}{}", link::path(place.project, "sessions"), of.query());
                (version.to_owned(), format!("{} {version} first seen", peer.name), href)
            }
            Sighted::Catalog(hash) => {
                let href = format!("{}{}", link::path(place.project, "catalog"), base.query());
                (
                    "tools".to_owned(),
                    format!("tool listing {} first seen", hash.get(..8).unwrap_or(hash)),
                    href,
                )
            }
        };
        Flag { at: seen.at, label, words, href }
    };
    seen.iter().map(flag).collect()
}

/// The flags over a plot of these buckets.
pub(crate) fn draw(flags: &[Flag], series: &[Bucket], height: f64) -> Markup {
    html! {
        @for (x, group) in grouped(flags, series) {
            @let label = label(group);
            @let late = x > 82.0;
            @if let Some(first) = group.first() {
                @let words = words(group);
                // The line is no part of the link: what it crosses stays to be pointed at.
                svg.release x=(format!("{x:.3}%")) width="1" height=(height) overflow="visible" {
                    line x1="0" y1="0" x2="0" y2=(height) {}
                    a href=(first.href) data-testid="release" {
                        title { (label) ": " (words) }
                        path d=(if late { "M0 0h-7l2 3.500l-2 3.500h7z" } else { "M0 0h7l-2 3.500l2 3.500h-7z" }) {}
                        text x=(if late { -11 } else { 11 }) y="9" text-anchor=(if late { "end" } else { "start" }) { (hostile::plain(&label, CHARS + 6)) }
                    }
                }
            }
        }
    }
}

/// The same as rows under a chart.
pub(crate) fn table(flags: &[Flag]) -> Markup {
    html! {
        @if !flags.is_empty() {
            table.data {
                caption.sr { "Changes in the period" }
                thead { tr { th scope="col" { "First seen" } th scope="col" { "Change" } } }
                tbody { @for flag in flags { tr data-testid="release-row" {
                    th scope="row" { (format::time(flag.at, &format::day_clock(flag.at))) }
                    td { a href=(flag.href) { (hostile::line(&flag.words, 80)) } }
                } } }
            }
        }
    }
}

/// Flags by where they stand, in percent; what is nearer than a label is with the one before it.
fn grouped<'a>(flags: &'a [Flag], series: &[Bucket]) -> Vec<(f64, &'a [Flag])> {
    let placed: Vec<f64> = flags.iter().filter_map(|f| position(f.at, series)).collect();
    let mut groups: Vec<(f64, &[Flag])> = Vec::new();
    let mut first = 0;
    for (i, x) in placed.iter().enumerate() {
        let Some(start) = placed.get(first) else { break };
        let ends = placed.get(i + 1).is_none_or(|next| next - start >= LABEL);
        debug_assert!(x >= start, "flags come in the order of time");
        if ends {
            groups.extend(flags.get(first..=i).map(|group| (*start, group)));
            first = i + 1;
        }
    }
    groups
}

fn position(at: Timestamp, series: &[Bucket]) -> Option<f64> {
    let width = 100.0 / series.len().max(1) as f64;
    let i = series.iter().position(|b| b.start <= at && at < b.end)?;
    let bucket = series.get(i)?;
    let within = at.since(bucket.start) as f64 / bucket.end.since(bucket.start).max(1) as f64;
    Some((i as f64 + within) * width)
}

/// The newest version of a group, and how many more changes it holds.
fn label(group: &[Flag]) -> String {
    let named = group.iter().rev().find(|f| f.label != "tools").or_else(|| group.last());
    let name: String = named.map(|f| f.label.chars().take(CHARS).collect()).unwrap_or_default();
    match group.len() {
        0 | 1 => name,
        n => format!("{name} +{}", n - 1),
    }
}

fn words(group: &[Flag]) -> String {
    let one = |f: &Flag| format!("{}, {}", hostile::plain(&f.words, 80), format::day_clock(f.at));
    group.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(hour: i64, label: &str) -> Flag {
        let at = Timestamp::from_millis(1_767_312_000_000 + hour * 3_600_000);
        Flag { at, label: label.into(), words: format!("{label} first seen"), href: "/p/x".into() }
    }

    #[test]
    fn flags_nearer_than_a_label_are_one() {
        let series: Vec<Bucket> = (0..100)
            .map(|i| {
                let start = Timestamp::from_millis(1_767_312_000_000 + i * 3_600_000);
                Bucket { start, end: start.plus_micros(3_600_000_000), ..Bucket::default() }
            })
            .collect();
        for (hours, expect) in [
            (vec![], vec![]),
            (vec![0], vec![1]),
            (vec![0, 1, 11], vec![3]),
            (vec![0, 12], vec![1, 1]),
            (vec![0, 11, 13, 99], vec![2, 1, 1]),
        ] {
            let flags: Vec<Flag> = hours.iter().map(|h| flag(*h, "1.8.0")).collect();
            let sizes: Vec<usize> = grouped(&flags, &series).iter().map(|(_, g)| g.len()).collect();
            assert_eq!(sizes, expect, "{hours:?}");
        }
        let both = [flag(0, "1.8.0"), flag(1, "tools")];
        assert_eq!(label(&both), "1.8.0 +1");
        let drawn = draw(&both, &series, 160.0).into_string();
        assert_eq!(drawn.matches("data-testid=\"release\"").count(), 1);
        assert!(drawn.contains("1.8.0 first seen") && drawn.contains("tools first seen"), "{drawn}");
        assert_eq!(table(&both).into_string().matches("release-row").count(), 2);
        let hostile = [flag(0, "<script>\u{202e}")];
        assert!(!draw(&hostile, &series, 160.0).into_string().contains("<script>"));
    }
}
