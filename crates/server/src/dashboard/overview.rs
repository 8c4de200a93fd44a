//! Overview (`dashboard.md` §7.2): is it healthy, who does it serve, what changed?
//!
//! One question to the storage. Every figure links to the sessions behind it. Below [`FEW_CALLS`] calls ever, the set-up
//! checklist and the newest sessions stand where tiles and charts would.

use maud::{Markup, html};
use trackway_event::Kind;
use trackway_store::query::{ClientRow, EventRow, Mixed, Overview, SessionRow, Sighted, ToolRow};

use super::chart::Over;
use super::checklist::{self, Checklist};
use super::link::{self, Params};
use super::place::Place;
use super::{chart, flags, format, hostile, lists, parts, wanted};

/// Calls ever, below which charts would say nothing (`dashboard.md` §6).
const FEW_CALLS: u64 = 100;
/// Calls from which a rate is a rate.
const RATE_CALLS: u64 = 10;

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// Figures.
    pub overview: Overview,
    /// What is set up.
    pub checklist: Checklist,
    /// The newest sessions, for the low-volume state.
    pub recent: Vec<SessionRow>,
    /// What somebody put aside for some days.
    pub aside: wanted::Aside,
    /// Whether the reader may put things aside.
    pub may_change: bool,
}

impl Vm {
    /// Where the checklist stands.
    fn shown(&self, place: &Place<'_>) -> checklist::Shown {
        let setup = link::path(place.project, "setup");
        let put_aside = self.may_change.then(|| link::path(place.project, "wanted"));
        checklist::Shown::Overview { setup, put_aside }
    }
}

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let o = &vm.overview;
    let wanted = wanted::list(o, &vm.checklist, &vm.aside, place);
    let flags = flags::flags(&o.sightings, place);
    let over = Over { now: place.now, flags: &flags };
    let quiet = o.now.events == 0 && o.now.sessions == 0;
    html! {
        (parts::partial(o.partial.as_deref()))
        @if quiet {
            @let why = parts::why_empty(place.params, o.last_event_at, place.period.from);
            (parts::empty(&why, "Here you will see who calls your tools, why, and what failed.", place.project, place.path, place.params))
            @if !vm.checklist.done() && !vm.aside.contains_key(checklist::KEY) { (checklist::view(&vm.checklist, &vm.shown(place))) }
        } @else if o.calls_ever < FEW_CALLS {
            (lede(o, wanted.len() as u64, place))
            div.grid {
                div.col-12 { (session_table(&vm.recent, place, "Sessions so far", "No session in this period.")) }
                @if !vm.aside.contains_key(checklist::KEY) { div.col-4 { (checklist::view(&vm.checklist, &vm.shown(place))) } }
                div.col-8 { @if !wanted.is_empty() { (wanted::panel(&wanted, &vm.aside, vm.may_change, place)) } (intents(o, place)) (missing(o, place)) }
            }
        } @else {
            (lede(o, wanted.len() as u64, place))
            (tiles(o, place))
            div.grid {
                div.col-8 {
                    section.panel { h2 { "Calls and failures" } (chart::calls_and_failures(&o.series, &over, &|b| {
                        format!("{}{}", link::path(place.project, "sessions"), place.params.between(b.start, b.end).query())
                    })) }
                    (tools(&o.tools, place))
                    section.panel { h2 { "Time per call" } (chart::latency(&o.series, &over)) }
                    div.grid { div.col-6 { (intents(o, place)) } @if !o.missing.is_empty() { div.col-6 { (missing(o, place)) } } }
                }
                div.col-4 {
                    (wanted::panel(&wanted, &vm.aside, vm.may_change, place)) (clients(&o.clients, place))
                    (mix("Models", "model", &o.signals.models, o, place)) (mix("Protocol revisions", "protocol", &o.signals.protocols, o, place))
                    (catalog(o, place))
                    @if !vm.checklist.done() && !vm.aside.contains_key(checklist::KEY) { (checklist::view(&vm.checklist, &vm.shown(place))) }
                }
                div.col-12 { (session_table(&o.worth_a_look, place, "Sessions worth a look", "No session of this period stands out. Checked: loops, failures, wishes, unusual length, new failures.")) }
            }
        }
    }
}

fn page(place: &Place<'_>, name: &str, params: &Params) -> String {
    format!("{}{}", link::path(place.project, name), params.query())
}

fn sessions(place: &Place<'_>, params: &Params) -> String {
    format!("{}{}", link::path(place.project, "sessions"), params.query())
}

fn lede(o: &Overview, needs: u64, place: &Place<'_>) -> Markup {
    let base = place.params.carried();
    let calls = &o.now.calls;
    let few = calls.finished < RATE_CALLS;
    let before =
        o.before.as_ref().and_then(|b| b.calls.failed_share().filter(|_| b.calls.finished >= RATE_CALLS));
    html! {
        p.lede data-testid="lede" {
            a href=(sessions(place, &base.and("calls", "gt", "0"))) { (format::counted(calls.calls, "call", "calls")) }
            @if o.now.people > 0 { " by " a href=(sessions(place, &base.and("identified", "eq", "true"))) { (format::counted(o.now.people, "person", "people")) } }
            " in " a href=(sessions(place, &base)) { (format::counted(o.now.sessions, "session", "sessions")) }
            @if o.now.clients > 0 { " from " (format::counted(o.now.clients, "client", "clients")) }
            ". "
            @match calls.failed_share() {
                None => "No call has finished yet.",
                Some(_) if few => { a href=(sessions(place, &failed(&base))) { (format::count(calls.failed)) } " of " (format::count(calls.finished)) " failed; too few for a rate." },
                Some(share) => {
                    a href=(sessions(place, &failed(&base))) { (format::percent(share)) } " failed"
                    @if let Some(before) = before { ", " (against(share, before)) }
                    "."
                },
            }
            " "
            @if needs > 0 { a href="#needs" { (needs_words(needs)) } " you." } @else { "Nothing needs you." }
        }
    }
}

fn failed(base: &Params) -> Params {
    Params { tab: Some("failed".into()), ..base.clone() }
}

fn against(now: f64, before: f64) -> String {
    let points = (now - before) * 100.0;
    if points.abs() < 0.05 {
        "as in the period before".to_owned()
    } else {
        format!(
            "{:.1} points {} than in the period before",
            points.abs(),
            if points < 0.0 { "fewer" } else { "more" }
        )
    }
}

fn needs_words(n: u64) -> String {
    const WORDS: [&str; 6] = [
        "One thing needs",
        "Two things need",
        "Three things need",
        "Four things need",
        "Five things need",
        "Six things need",
    ];
    usize::try_from(n)
        .ok()
        .and_then(|n| WORDS.get(n.checked_sub(1)?))
        .map_or_else(|| format!("{n} things need"), |w| (*w).to_owned())
}

/// Whether more of it is good, bad or neither.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    Less,
    Neither,
}

fn tiles(o: &Overview, place: &Place<'_>) -> Markup {
    let base = place.params.carried();
    let (now, before) = (&o.now, o.before.as_ref());
    let series =
        |of: &dyn Fn(&trackway_store::query::Bucket) -> f64| o.series.iter().map(of).collect::<Vec<f64>>();
    let change = |of: &dyn Fn(&trackway_store::query::Totals) -> f64| {
        before.and_then(|b| format::change(of(now), of(b)))
    };
    let per_session = |t: &trackway_store::query::Totals| {
        let tokens = t.calls.tokens_in + t.calls.tokens_out;
        (t.sessions > 0).then(|| tokens / t.sessions)
    };
    let share = now.calls.failed_share().filter(|_| now.calls.finished >= RATE_CALLS);
    let share_before = before.and_then(|b| b.calls.failed_share().filter(|_| b.calls.finished >= RATE_CALLS));
    html! {
        section.tiles aria-label="Figures" {
            (tile("Sessions", html! { (format::count(now.sessions)) }, change(&|t| t.sessions as f64), Better::Neither, &sessions(place, &base), &series(&|b| b.sessions as f64), None))
            (tile("Calls", html! { (format::count(now.calls.calls)) }, change(&|t| t.calls.calls as f64), Better::Neither, &sessions(place, &base.and("calls", "gt", "0")), &series(&|b| b.calls.calls as f64), None))
            (tile("Failed", match share { Some(s) => html! { (format::percent(s)) }, None => html! { span.dim { (format::count(now.calls.failed)) " " small { "few" } } } },
                share.zip(share_before).map(|(a, b)| format::points(a, b)), Better::Less, &sessions(place, &failed(&base)), &series(&|b| b.calls.failed_share().unwrap_or(0.0)), Some("share of finished calls; change in points")))
            (tile("First try", match o.signals.attempts.first_share().filter(|_| o.signals.attempts.chains >= RATE_CALLS) { Some(s) => html! { (format::percent(s)) }, None => format::unknown("needs ten attempts") },
                None, Better::Neither, &page(place, "tools", &base), &series(&|b| o.signals.attempts_within(b.start, b.end).first_share().unwrap_or(0.0)), Some("attempts solved by their first call, of all attempts; an attempt is a call and the tries after its failure")))
            (tile("p95", match now.calls.p95_us { Some(us) => html! { (format::duration(us)) }, None => format::unknown("needs 20 timed calls") },
                now.calls.p95_us.zip(before.and_then(|b| b.calls.p95_us)).and_then(|(a, b)| format::change(a as f64, b as f64)), Better::Less, &page(place, "tools", &Params { sort: Some("-p95".into()), ..base.clone() }), &series(&|b| b.calls.p95_us.unwrap_or(0) as f64),
                Some("95 of 100 calls took at most this; merged from sketches, within 5 %")))
            (tile("Tokens a session", match per_session(now) { Some(n) => html! { (format::tokens(n)) }, None => format::unknown("no session") },
                per_session(now).zip(before.and_then(per_session)).and_then(|(a, b)| format::change(a as f64, b as f64)), Better::Neither, &page(place, "catalog", &Params { tab: Some("cost".into()), ..base.clone() }),
                &series(&|b| (b.calls.tokens_in + b.calls.tokens_out) as f64 / b.sessions.max(1) as f64), Some("arguments and results, estimated at 3.5 bytes a token; tool listings not counted")))
        }
    }
}

fn tile(
    name: &str,
    figure: Markup,
    change: Option<String>,
    better: Better,
    href: &str,
    series: &[f64],
    note: Option<&str>,
) -> Markup {
    let class = match (&change, better) {
        (Some(c), Better::Less) if c.starts_with('−') => "delta good",
        (Some(c), Better::Less) if c.starts_with('+') => "delta worse",
        _ => "delta",
    };
    html! {
        a.tile href=(href) title=[note] data-testid=(format!("tile-{}", name.to_lowercase().replace(' ', "-"))) {
            span.label { (name) }
            span.figure { (figure) }
            @match change { Some(c) => span class=(class) { (c) span.sr { " against the period before" } }, None => span.delta {} }
            @if !series.is_empty() { (chart::spark(series, &format!("{name} over the period"))) }
        }
    }
}

fn tools(rows: &[ToolRow], place: &Place<'_>) -> Markup {
    let most = rows.iter().map(|r| r.calls.calls).max().unwrap_or(1);
    let base = place.params.carried();
    html! {
        section.panel.flush {
            h2 { "Tools" a.aside href=(page(place, "tools", &base)) { "All tools" } }
            @if rows.is_empty() { p.quiet { "No tool was called in this period." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Tools" {
                    table.data {
                        caption.sr { "Tools by calls" }
                        thead { tr { th scope="col" { "Tool" } th.num colspan="2" scope="col" { "Calls" } th.num scope="col" { "Failed" } th.num scope="col" { "p50" } th.num scope="col" { "p95" } th scope="col" { "Trend" } } }
                        tbody { @for row in rows { tr data-testid="tool-row" {
                            th scope="row" { @match lists::detail(place, "tools", &row.name) { Some(href) => a href=(href) { (hostile::line(&row.name, 40)) }, None => span.dim { "no tool named" } } }
                            td.bar-cell { (chart::share_bar(row.calls.calls, most, row.calls.failed)) }
                            td.num { @if row.name.is_empty() { (format::count(row.calls.calls)) } @else { a.val href=(sessions(place, &base.and("tool", "eq", &row.name))) { (format::count(row.calls.calls)) } } }
                            td.num { (rate(&row.calls)) }
                            td.num { (maybe(row.calls.p50_us, "no timed call")) }
                            td.num { (maybe(row.calls.p95_us, "needs 20 timed calls")) }
                            td { (chart::spark(&row.trend.iter().map(|n| *n as f64).collect::<Vec<_>>(), "calls over the period")) }
                        } } }
                    }
                }
            }
        }
    }
}

fn clients(rows: &[ClientRow], place: &Place<'_>) -> Markup {
    let most = rows.iter().map(|r| r.sessions).max().unwrap_or(1);
    let base = place.params.carried();
    html! {
        section.panel.flush {
            h2 { "Clients" a.aside href=(page(place, "clients", &base)) { "All clients" } }
            @if rows.is_empty() { p.quiet { "No session in this period." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Clients" {
                    table.data {
                        caption.sr { "Clients by sessions" }
                        thead { tr { th scope="col" { "Client" } th.num colspan="2" scope="col" { "Sessions" } th.num scope="col" { "Failed" } } }
                        tbody { @for row in rows { tr data-testid="client-row" {
                            th scope="row" { (parts::peer(row.client.as_ref(), &|v| sessions(place, &base.and("client", "eq", v)))) }
                            td.bar-cell { (chart::share_bar(row.sessions, most, 0)) }
                            td.num { (format::count(row.sessions)) }
                            td.num { (rate(&row.calls)) }
                        } } }
                    }
                }
            }
        }
    }
}

/// Names shown of a mix; the rest is one row.
const MIXED: usize = 4;

/// What the newest calls say of themselves, where any says it.
fn mix(title: &str, field: &str, rows: &[Mixed], o: &Overview, place: &Place<'_>) -> Markup {
    let named: Vec<&Mixed> = rows.iter().filter(|r| r.name.is_some()).collect();
    let (all, silent): (u64, u64) =
        (rows.iter().map(|r| r.calls).sum(), rows.iter().filter(|r| r.name.is_none()).map(|r| r.calls).sum());
    let (shown, rest) = named.split_at(named.len().min(MIXED));
    let others: u64 = rest.iter().map(|r| r.calls).sum();
    let base = place.params.carried();
    let line = |name: Markup, calls: u64| {
        html! { tr { th scope="row" { (name) } td.bar-cell { (chart::share_bar(calls, all, 0)) } td.num { (format::count(calls)) } td.num { (format::percent(calls as f64 / all.max(1) as f64)) } } }
    };
    html! {
        @if !named.is_empty() {
            section.panel.flush data-testid=(format!("mix-{field}")) {
                h2 { (title) }
                table.data.mix {
                    caption.sr { (title) " by calls, of the newest" }
                    thead.sr { tr { th scope="col" { (title) } th scope="col" colspan="2" { "Calls" } th scope="col" { "Share" } } }
                    tbody {
                        @for row in shown { @let name = row.name.as_deref().unwrap_or_default();
                            (line(html! { a.val href=(sessions(place, &base.and(field, "eq", name))) { (hostile::line(name, 32)) } }, row.calls)) }
                        @if others > 0 { (line(html! { a href=(page(place, "clients", &Params { tab: Some(format!("{field}{}", if field == "model" { "s" } else { "" })), ..base.clone() })) { "Other (" (rest.len()) ")" } }, others)) }
                        @if silent > 0 { (line(html! { span.dim { "not said" } }, silent)) }
                    }
                }
                @if let Some(partial) = &o.signals.partial { p.quiet { (hostile::line(partial, 120)) } }
            }
        }
    }
}

/// What agents are shown, in one line.
fn catalog(o: &Overview, place: &Place<'_>) -> Markup {
    let changes = o.sightings.iter().filter(|s| matches!(s.what, Sighted::Catalog(_))).count() as u64;
    let href = page(place, "catalog", &place.params.carried());
    html! {
        @if let Some((at, size)) = o.listing {
            section.panel data-testid="catalog-line" {
                h2 { "Catalog" a.aside href=(href) { "Timeline" } }
                p { (format::counted(size.tools, "tool", "tools")) ", " (format::tokens(size.tokens)) " in every session; as it is since " (format::time(at, &format::day_clock(at))) ". "
                    @if changes > 0 { (format::counted(changes, "change", "changes")) " in this period." } @else { "No change in this period." } }
            }
        }
    }
}

/// Never a rate without its volume (P3).
pub(crate) fn rate(calls: &trackway_store::query::CallFigures) -> Markup {
    match calls.failed_share() {
        None => format::unknown("no finished call"),
        Some(_) if calls.finished < RATE_CALLS => {
            html! { span.dim title="too few calls for a rate" { (format::count(calls.failed)) " of " (format::count(calls.finished)) } }
        }
        Some(share) => {
            html! { span.bad[calls.failed > 0] title=(format!("{} of {}", format::separated(calls.failed), format::separated(calls.finished))) { (format::percent(share)) } }
        }
    }
}

/// A duration, or why there is none.
pub(crate) fn maybe(us: Option<u64>, why: &str) -> Markup {
    us.map_or_else(|| format::unknown(why), |us| html! { (format::duration(us)) })
}

/// Sentences shown of the newest.
const QUOTES: usize = 6;

fn intents(o: &Overview, place: &Place<'_>) -> Markup {
    let none = "No agent has said why it calls. Agents do once the “context” argument is asked for.";
    // a wish stands under what is not there
    let why: Vec<&EventRow> = o.intents.iter().filter(|e| e.kind != Kind::MissingCapability).collect();
    quotes(&why, place, "What agents came for", page(place, "goals", &place.params.carried()), none)
}

fn missing(o: &Overview, place: &Place<'_>) -> Markup {
    let all = Params { tab: Some("missing".into()), ..place.params.carried() };
    let wishes: Vec<&EventRow> = o.missing.iter().collect();
    html! { @if !wishes.is_empty() { (quotes(&wishes, place, "Asked for and not there", page(place, "goals", &all), "")) } }
}

/// The newest sentences, each once, with the tool it led to.
fn quotes(rows: &[&EventRow], place: &Place<'_>, title: &str, all: String, none: &str) -> Markup {
    let mut said: Vec<&EventRow> = Vec::new();
    for row in rows {
        if said.len() < QUOTES && !said.iter().any(|e| e.intent == row.intent) {
            said.push(row);
        }
    }
    html! {
        section.panel {
            h2 { (title) @if !rows.is_empty() { a.aside href=(all) { "All" span.sr { ": " (title) } } } }
            @if rows.is_empty() { p.quiet { (none) } } @else {
                ul.quotes { @for e in said { li {
                    @let words = e.intent.as_deref().unwrap_or("no words given");
                    @match &e.session_id {
                        Some(id) => a href=(format!("{}?sel={}", link::session(place.project, id.as_str()), link::encode(e.id.as_str()))) { "“" (hostile::line(words, 110)) "”" },
                        None => span { "“" (hostile::line(words, 110)) "”" },
                    }
                    span.dim { @if let Some(tool) = e.tool.as_ref().filter(|_| e.kind == Kind::ToolCall) { (hostile::line(tool, 32)) ", " } (format::time(e.started_at, &format::ago(e.started_at, place.now))) }
                } } }
            }
        }
    }
}

fn session_table(rows: &[SessionRow], place: &Place<'_>, title: &str, none: &str) -> Markup {
    lists::sessions(rows, title, &sessions(place, &place.params.carried()), none, place)
}
