//! The bar below the top of every page (`dashboard.md` §2): title, period, comparison, filters, saved views, the list elsewhere.
//!
//! Called by the frame. Every control is a link or a form that asks for another address: the URL is the state.

use maud::{Markup, html};
use trackway_store::query::Period;

use super::frame::{Bar, Frame};
use super::hostile;
use super::icons::{Icon, icon};
use super::link::Params;
use crate::own;

/// Days of the four usual periods, and the keys that choose them.
const PERIODS: [(&str, &str, &str); 4] =
    [("now-24h", "24 h", "1"), ("now-7d", "7 d", "2"), ("now-30d", "30 d", "3"), ("now-90d", "90 d", "4")];

/// What figures are set beside: key in the URL, name, meaning.
const COMPARE: &[(&str, &str, &str)] = &[
    ("prev", "vs previous", "the same length just before"),
    ("week", "vs weeks before", "the same days of the week, whole weeks before"),
    ("none", "not compared", "this period alone"),
];

/// The bar of a page.
pub(crate) fn view(frame: &Frame<'_>) -> Markup {
    let params = frame.params;
    let to = |p: &Params| format!("{}{}", frame.path, p.query());
    html! {
        div.bar {
            @if let Some((title, href)) = &frame.parent { a.crumb href=(href) { (icon(Icon::Back)) (title) } }
            h1 { (frame.title) }
            @if frame.bar == Bar::Full {
                @let from = params.from.as_deref().unwrap_or("now-7d");
                @let usual = params.to.is_none() && PERIODS.iter().any(|(p, _, _)| *p == from);
                div.segments role="group" aria-label="Period" {
                    @for (period, name, key) in PERIODS {
                        a href=(to(&params.since(period))) data-key=(key) aria-current=[(usual && period == from).then_some("true")] { (name) }
                    }
                }
                (own_period(frame, usual))
            }
            @if let Some(period) = frame.period.filter(|_| frame.bar == Bar::Full) {
                @let back = period.previous();
                @let on = Period { from: period.to, to: period.to.plus_micros(period.to.since(period.from)) };
                span.shift {
                    a.quiet href=(to(&shifted(params, back))) data-key="<" title="One period earlier" { (icon(Icon::Back)) span.sr { "One period earlier" } }
                    @if on.from < frame.now {
                        a.quiet href=(to(&shifted(params, on))) data-key=">" title="One period later" { (icon(Icon::Next)) span.sr { "One period later" } }
                    }
                }
            }
            @if frame.at == "overview" && frame.bar == Bar::Full {
                @let here = frame.params.cmp.as_deref().filter(|c| COMPARE.iter().any(|(key, ..)| key == c)).unwrap_or("prev");
                details.menu.compare {
                    summary { span.sr { "Compared with: " } @for (key, name, _) in COMPARE { @if *key == here { (name) } } (icon(Icon::Down)) }
                    ul.pop {
                    @for (key, name, title) in COMPARE {
                        li { a href=(to(&Params { cmp: Some((*key).to_owned()), ..params.top() })) aria-current=[(here == *key).then_some("true")]
                            data-key=[((here == "none") == (*key == "prev") && *key != "week").then_some("c")] { span.name { (name) } span.id { (title) } } }
                    }
                    }
                }
            }
            @if frame.bar != Bar::Title && !frame.environments.is_empty() { (environment(frame)) }
            @if frame.bar != Bar::Title && (frame.own_people || params.own.is_some()) { (own_people(frame)) }
            @if frame.bar != Bar::Title {
                ul.chips aria-label="Filters" {
                    @for (i, name) in params.env.iter().enumerate() {
                        @let rest = params.env.iter().enumerate().filter(|(at, _)| *at != i).map(|(_, n)| n.clone()).collect();
                        li.chip data-testid="chip" { span.field { "environment" } span.op { "is" } (hostile::line(name, 40))
                            a href=(to(&Params { env: rest, ..params.top() })) { (icon(Icon::Close)) span.sr { "Remove this environment" } } }
                    }
                    @if params.own.is_some() {
                        li.chip data-testid="chip-own" title=[(!params.own_people.is_empty()).then(|| own_words(params))] { span.op { "without" } "our own people"
                            a href=(to(&Params { own: None, ..params.top() })) { (icon(Icon::Close)) span.sr { "Count our own people too" } } }
                    }
                    @for (i, condition) in params.f.iter().enumerate() {
                        @let bad = frame.bad.filter(|b| b.condition == Some(i));
                        li.chip.bad[bad.is_some()] data-testid=(if bad.is_some() { "chip-bad" } else { "chip" }) title=[bad.map(|b| hostile::plain(&b.why, 200))] {
                            a.words href=(to(&params.switched_off(i))) title="Switch this filter off" { (chip_words(condition)) }
                            a href=(to(&params.without(i))) { (icon(Icon::Close)) span.sr { "Remove this filter" } }
                        }
                    }
                    @for (i, condition) in params.off.iter().enumerate() {
                        li.chip.aside data-testid="chip-off" {
                            a.words href=(to(&params.switched_on(i))) title="Switch this filter on again" { span.sr { "switched off: " } (chip_words(condition)) }
                            a href=(to(&params.forgotten(i))) { (icon(Icon::Close)) span.sr { "Forget this filter" } }
                        }
                    }
                    @if let Some(q) = &params.q {
                        li.chip data-testid="chip" { span.op { "contains" } (hostile::line(q, 40))
                            a href=(to(&Params { q: None, ..params.top() })) { (icon(Icon::Close)) span.sr { "Remove this search" } } }
                    }
                }
                form.filter method="get" action=(frame.path) {
                    (hidden(params))
                    label.sr for="add" { "Add a filter" }
                    input #add name="add" placeholder="Filter: tool:search -client:Cursor refund" autocomplete="off" spellcheck="false" maxlength="400" title="field:value, field:>number, field:~part, -field:value, or plain words";
                    button { "Add" }
                }
            }
            (frame.views)
            @if let Some(links) = &frame.export {
                details.menu.export data-testid="export" {
                    summary title="This list elsewhere" { "Export" (icon(Icon::Down)) }
                    ul.pop {
                        li { a href=(links.csv) download { span.name { "CSV" } span.id { "all rows of this period and filter" } } }
                        li { a href=(links.json) download { span.name { "JSON" } span.id { "the same rows as objects" } } }
                        li { a href=(links.api) { span.name { "API" } span.id { "the address that answers this list" } } }
                        li.js-only hidden { button.quiet data-copy-link="" { (icon(Icon::Copy)) "Copy link to this page" } }
                    }
                }
            }
        }
        @if let Some(bad) = frame.bad {
            div.strip.fail role="alert" data-testid="bad-filter" { (icon(Icon::Fail)) span { (hostile::line(&bad.why, 300)) ". Nothing is shown until it is mended or removed." } }
        }
    }
}

/// The environments of the project, where it has some: one, or all.
fn environment(frame: &Frame<'_>) -> Markup {
    let params = frame.params;
    let to = |env: Vec<String>| format!("{}{}", frame.path, Params { env, ..params.top() }.query());
    html! {
        details.menu.environment data-testid="environment" {
            summary { span.sr { "Environment: " }
                @match params.env.as_slice() { [] => "all envs", [one] => (hostile::line(one, 20)), some => { (some.len()) " envs" } }
                (icon(Icon::Down)) }
            ul.pop {
                li { a href=(to(Vec::new())) aria-current=[params.env.is_empty().then_some("true")] { span.name { "all environments" } } }
                @for name in frame.environments {
                    li { a href=(to(vec![name.clone()])) aria-current=[(params.env == [name.as_str()]).then_some("true")] { span.name { (hostile::line(name, 60)) } } }
                }
            }
        }
    }
}

/// Whether the project's own people are counted, where it says who they are.
fn own_people(frame: &Frame<'_>) -> Markup {
    let to = |own: Option<&str>| {
        let params = Params { own: own.map(str::to_owned), ..frame.params.top() };
        format!("{}{}", frame.path, params.query())
    };
    let out = frame.params.own.is_some();
    html! {
        details.menu data-testid="own-people" {
            summary { span.sr { "People: " } (if out { "without our own" } else { "everyone" }) (icon(Icon::Down)) }
            ul.pop {
                li { a href=(to(None)) aria-current=[(!out).then_some("true")] { span.name { "everyone" } span.id { "our own and test people too" } } }
                li { a href=(to(Some(own::OUT))) aria-current=[out.then_some("true")] { span.name { "without our own people" } span.id { "as the project's settings name them" } } }
            }
        }
    }
}

/// Who is left out, in the words of the rule.
fn own_words(params: &Params) -> String {
    let rule: Vec<String> = params.own_people.iter().map(ToString::to_string).collect();
    format!("left out where any holds: {}", hostile::plain(&rule.join("; "), 300))
}

/// The same page over another period.
fn shifted(params: &Params, period: Period) -> Params {
    Params { from: Some(period.from.to_string()), to: Some(period.to.to_string()), ..params.top() }
}

/// A period of the reader's own: from and to in words or dates, and this one pinned to its hours.
fn own_period(frame: &Frame<'_>, usual: bool) -> Markup {
    let params = frame.params;
    let from = params.from.as_deref().unwrap_or("now-7d");
    let end = params.to.as_deref().unwrap_or("now");
    let rest = Params { from: None, to: None, ..params.top() };
    html! {
        details.menu.period data-testid="period" {
            summary title="Another period" { @if usual { "Other" } @else { (words_of(from, frame)) " to " (words_of(end, frame)) } (icon(Icon::Down)) }
            form.pop method="get" action=(frame.path) {
                (hidden(&rest))
                label for="from" { "From" }
                input #from name="from" value=(hostile::plain(from, 40)) maxlength="40" autocomplete="off" spellcheck="false" required;
                label for="to" { "To, not included" }
                input #to name="to" value=(hostile::plain(end, 40)) maxlength="40" autocomplete="off" spellcheck="false" required;
                p.dim { "A date like 2026-11-21, a time with its zone, or " span.mono { "now" } ", " span.mono { "now-36h" } ", " span.mono { "now-1d/d" } "." }
                div.row {
                    button.primary { "Show" }
                    @if let Some(period) = frame.period.filter(|_| params.from.as_deref().unwrap_or("now").starts_with("now") || params.to.as_deref().unwrap_or("now").starts_with("now")) {
                        @let pinned = Params { from: Some(period.from.to_string()), to: Some(period.to.to_string()), ..params.clone() };
                        a.button href=(format!("{}{}", frame.path, pinned.query())) title="The same hours, whenever the link is opened" { "Pin these hours" }
                    }
                }
            }
        }
    }
}

/// An end of the period as it is read: a moment as day and time, words of ours as they stand.
fn words_of(text: &str, frame: &Frame<'_>) -> Markup {
    match trackway_event::Timestamp::parse(text) {
        Some(at) if frame.period.is_some() => super::format::time(at, &super::format::day_clock(at)),
        Some(_) | None => hostile::line(text, 24),
    }
}

/// The query as hidden fields of a form that adds to it.
pub(crate) fn hidden(params: &Params) -> Markup {
    let top = params.top();
    let fields = [
        ("from", &top.from),
        ("to", &top.to),
        ("tz", &top.tz),
        ("cmp", &top.cmp),
        ("own", &top.own),
        ("q", &top.q),
        ("sort", &top.sort),
        ("cols", &top.cols),
        ("group", &top.group),
        ("tab", &top.tab),
    ];
    html! {
        @for (name, value) in fields { @if let Some(value) = value { input type="hidden" name=(name) value=(value); } }
        @for name in &top.env { input type="hidden" name="env" value=(name); }
        @for f in &top.f { input type="hidden" name="f" value=(f); }
        @for f in &top.off { input type="hidden" name="off" value=(f); }
    }
}

/// `tool is search`, with the operator quieter than its sides.
fn chip_words(condition: &str) -> Markup {
    let mut parts = condition.splitn(3, ':');
    let (field, op, value) =
        (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let op = match op {
        "eq" => "is",
        "ne" => "is not",
        "in" => "is one of",
        "nin" => "is none of",
        "has" => "contains",
        "nhas" => "lacks",
        "re" => "matches",
        "gt" => ">",
        "gte" => "≥",
        "lt" => "<",
        "lte" => "≤",
        "set" => "is set",
        "unset" => "is not set",
        other => other,
    };
    html! { span.field { (hostile::line(&field.replace('_', " "), 30)) } span.op { (hostile::line(op, 20)) } (hostile::line(value, 40)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_reads_as_a_sentence() {
        let words = chip_words("tool:eq:search").into_string();
        assert!(words.contains("tool") && words.contains("is") && words.contains("search"));
        assert!(!chip_words("<b>:eq:<i>").into_string().contains("<b>"));
    }
}
