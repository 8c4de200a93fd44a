//! Goals (`dashboard.md` §7.7): what agents came for, what they asked for and did not find, and what they said of it.
//!
//! Tabs Intents, Missing and Feedback; the Goals tab itself waits for goals. Intents are clusters by words, computed anew from
//! the newest calls of the period; wishes and feedback are shown one by one, newest first, in the agent's own words.

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::{ProblemCode, Timestamp};
use trackway_store::query::{
    Again, Answer, EventRow, INTENT_ROWS, IntentRow, Intents, ListAsk, Page, Said, Wish, WishNote, WishStatus,
};

use super::frame::Bar;
use super::icons::{Icon, icon};
use super::issue_work::May;
use super::late::{self, Sheet};
use super::link::{self, Params};
use super::place::Place;
use super::visit::{self, Visit};
use super::{bar, chart, format, goals_coverage, goals_matters, hostile, lists, parts};
use crate::api::insight::change_wish;
use crate::problem::Problem;

/// What the address says where wishes in like words stand together.
const MATTERS: &str = "matters";
/// Sessions below which names may still change much.
const FEW: u64 = 5;
/// Finished calls from which a share is shown as a rate.
const RATE_CALLS: u64 = 10;

/// Which tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Clusters of intents.
    #[default]
    Intents,
    /// Wishes for tools that are not there.
    Missing,
    /// What agents said of tools.
    Feedback,
}

const TABS: [(&str, &str, Tab); 3] = [
    ("", "Intents", Tab::Intents),
    ("missing", "Missing", Tab::Missing),
    ("feedback", "Feedback", Tab::Feedback),
];

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) enum Vm {
    /// Intents, and the project's newest event.
    Intents(Intents, Option<Timestamp>),
    /// Wishes or feedback, and the project's newest event.
    Words(Tab, Page<Word>, May, Option<Timestamp>),
}

/// A wish, or feedback.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(super) event: EventRow,
    /// What somebody noted on a wish.
    note: Option<WishNote>,
    /// Whether a shipped wish was asked for again.
    again: Option<Again>,
    /// A tool that may answer a wish.
    answer: Option<Answer>,
    /// What a wish's matter is named.
    pub(super) matter: String,
    /// Sort and sentiment of feedback.
    said: Option<(&'static str, Option<&'static str>)>,
}

impl Word {
    fn wish(wish: Wish) -> Self {
        Self {
            event: wish.event,
            note: wish.note,
            again: wish.again,
            answer: wish.answer,
            matter: wish.matter,
            said: None,
        }
    }

    fn feedback(said: Said) -> Self {
        Self {
            event: said.event,
            note: None,
            again: None,
            answer: None,
            matter: String::new(),
            said: Some((said.kind, said.sentiment)),
        }
    }
}

fn each<T>(page: Page<T>, word: fn(T) -> Word) -> Page<Word> {
    let items = page.items.into_iter().map(word).collect();
    Page { items, next: page.next, total: page.total, partial: page.partial }
}

/// `/p/{p}/goals`
pub(crate) async fn show(visit: Visit) -> Response {
    let (title, at, bar) = ("Goals", "goals", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let asked = visit.guest.params.tab.as_deref();
    let tab = TABS.iter().find(|(k, ..)| Some(*k) == asked).map_or(Tab::Intents, |(.., tab)| *tab);
    let (key, period, page) = (visit.project.key, scope.period, visit.guest.params.page());
    let last = visit.project.last_event_at;
    let may = if visit.guest.viewer.may_change(key) { May::Change } else { May::Look };
    let question = move |store: &dyn trackway_store::Store| {
        let ask = |scope| ListAsk { scope, page, sort: None };
        Ok(match tab {
            Tab::Intents => Vm::Intents(store.intents(key, &scope)?, last),
            Tab::Missing => Vm::Words(tab, each(store.wishes(key, &ask(scope))?, Word::wish), may, last),
            Tab::Feedback => {
                Vm::Words(tab, each(store.feedback(key, &ask(scope))?, Word::feedback), May::Look, last)
            }
        })
    };
    late::show(visit, Sheet { title, at, bar }, "goals", question, move |vm, visit| {
        view(&vm, &visit.place(period))
    })
    .await
}

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    let here = match vm {
        Vm::Intents(..) => Tab::Intents,
        Vm::Words(tab, ..) => *tab,
    };
    let empty = match vm {
        Vm::Intents(intents, _) => intents.rows.is_empty(),
        Vm::Words(_, page, ..) => page.items.is_empty(),
    };
    html! {
        @match vm {
            Vm::Intents(intents, _) if !empty => (lede(intents)),
            Vm::Words(tab, page, ..) if !empty => (lede_of_words(*tab, page, place)),
            Vm::Intents(..) | Vm::Words(..) => "",
        }
        div.tabline { nav.tabs aria-label="What agents said" { @for (key, name, tab) in TABS {
            @let params = Params { tab: (!key.is_empty()).then(|| key.to_owned()), ..place.params.carried() };
            a href=(format!("{}{}", place.path, params.query())) aria-current=[(tab == here).then_some("page")] data-testid=(format!("tab-{}", if key.is_empty() { "intents" } else { key })) { (name) }
        } }
        (search(place)) }
        @match vm {
            Vm::Intents(intents, last) => (by_matter(intents, *last, place)),
            Vm::Words(tab, page, may, last) => (words(*tab, page, *may, *last, place)),
        }
    }
}

/// Words to look for in what agents said; the same as free text in the filter box.
fn search(place: &Place<'_>) -> Markup {
    let rest = Params { q: None, ..place.params.clone() };
    html! {
        form.inline.words method="get" action=(place.path) role="search" data-testid="words-search" {
            (bar::hidden(&rest))
            input type="search" name="q" maxlength="200" value=(hostile::plain(place.params.q.as_deref().unwrap_or(""), 200)) placeholder="Words agents used" aria-label="Words agents used";
            button { "Search" }
            @if place.params.q.is_some() { a.quiet href=(format!("{}{}", place.path, rest.top().query())) { "All words" } }
        }
    }
}

fn lede(intents: &Intents) -> Markup {
    let said = intents.given + intents.inherited + intents.inferred;
    html! {
        p.lede data-testid="lede" {
            "Agents said why in " b { (format::count(said)) } " of " (format::counted(intents.calls, "call", "calls")) ": "
            @if intents.rows.len() == INTENT_ROWS { "at least " } b { (format::counted(intents.rows.len() as u64, "reason", "different reasons")) } "."
        }
    }
}

fn by_matter(intents: &Intents, last: Option<Timestamp>, place: &Place<'_>) -> Markup {
    if intents.rows.is_empty() {
        let why = parts::why_empty(place.params, last, place.period.from);
        let what = if intents.calls > 0 {
            "No call of this period says why it was made. The “context” argument asks for it: trackway wrap adds it unless --context off is given; SDKs have an option of that name."
        } else {
            "Agents say why they call when the “context” argument asks them; calls about one matter become a row here."
        };
        return html! { (parts::partial(intents.partial.as_deref())) (parts::empty(&why, what, place.project, place.path, place.params)) };
    }
    let most = intents.rows.iter().map(|r| r.calls).max().unwrap_or(1);
    let sessions = intents.rows.iter().map(|r| r.sessions).max().unwrap_or(0);
    html! {
        (parts::partial(intents.partial.as_deref()))
        (goals_coverage::coverage(intents, place))
        @if sessions < FEW { p.strip { (icon(Icon::Info)) span { "Few sessions so far: names may change." } } }
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label="What agents came for" {
                table.data {
                    caption.sr { "Calls by what agents came for" }
                    thead { tr {
                        th scope="col" { "In their words" } th.num colspan="2" scope="col" { "Calls" } th.num scope="col" { "Sessions" }
                        th scope="col" title="several tools for one reason are a sign of confusion" { "Went to" }
                        th.num scope="col" { "Failed" } th.num scope="col" title="failed calls after which the same tool worked in the same session" { "Recovered" }
                        th.num scope="col" { "Last" }
                    } }
                    tbody { @for row in &intents.rows { (matter(row, most, place)) } }
                }
            }
        }
        p.dim { "Sentences that share their telling words stand in one row; they are compared on this server, with no model. The newest calls of the period are looked at." }
    }
}

fn matter(row: &IntentRow, most: u64, place: &Place<'_>) -> Markup {
    let base = place.params.carried();
    let sessions = link::path(place.project, "sessions");
    let (event, session) = &row.newest;
    html! {
        tr data-testid="intent-row" {
            th.message scope="row" {
                @match session {
                    Some(id) => a.val href=(format!("{}?sel={}", link::session(place.project, id.as_str()), link::encode(event.as_str()))) title="The newest call about it" { "“" (hostile::line(&row.phrase, 90)) "”" },
                    None => { "“" (hostile::line(&row.phrase, 90)) "”" }
                }
                @if row.phrases > 1 { " " span.dim { "and " (format::counted(row.phrases - 1, "like it", "like it")) } }
            }
            td.bar-cell { (chart::share_bar(row.calls, most, row.failed)) }
            td.num data-label="Calls" { (format::count(row.calls)) }
            td.num data-label="Sessions" { (format::count(row.sessions)) }
            td data-label="Went to" {
                @for (i, (tool, n)) in row.tools.iter().take(3).enumerate() {
                    @if i > 0 { ", " }
                    @if tool.is_empty() { span.dim { "no tool named" } } @else {
                        a.val href=(format!("{sessions}{}", base.and("tool", "eq", tool).query())) title=(format::counted(*n, "call", "calls")) { (hostile::line(tool, 32)) }
                    }
                }
                @if row.tools.len() > 3 { span.dim { " and " (row.tools.len() - 3) " more" } }
            }
            td.num data-label="Failed" { (share(row.failed, row.finished, "no finished call")) }
            td.num data-label="Recovered" { @if row.failed == 0 { (format::unknown("none of them failed")) } @else { (format::count(row.recovered)) " of " (format::count(row.failed)) } }
            td.num data-label="Last" { (format::time(row.last_at, &format::ago(row.last_at, place.now))) }
        }
    }
}

fn share(part: u64, of: u64, none: &str) -> Markup {
    match of {
        0 => format::unknown(none),
        n if n < RATE_CALLS => {
            html! { span.dim[part == 0].bad[part > 0] { (format::count(part)) " of " (format::count(n)) } }
        }
        n => {
            html! { span.bad[part > 0] title=(format!("{part} of {n}")) { (format::percent(part as f64 / n as f64)) } }
        }
    }
}

fn lede_of_words(tab: Tab, page: &Page<Word>, place: &Place<'_>) -> Markup {
    let grouped = tab == Tab::Missing && place.params.shows(MATTERS);
    let (one, many) = match tab {
        Tab::Intents | Tab::Missing => ("wish", "wishes"),
        Tab::Feedback => ("word of feedback", "words of feedback"),
    };
    html! {
        p.lede data-testid="lede" {
            @if page.next.is_some() { "The newest " } b { (format::counted(page.items.len() as u64, one, many)) } @if grouped { ", in like words together." } @else { ", each as it was said." }
            @if tab == Tab::Missing { " " a href=(format!("{}{}", place.path, place.params.toggled(MATTERS).query())) data-testid="toggle-matters" { @if grouped { "One by one" } @else { "Group like ones" } } }
        }
    }
}

fn words(tab: Tab, page: &Page<Word>, may: May, last: Option<Timestamp>, place: &Place<'_>) -> Markup {
    let (many, what) = match tab {
        Tab::Intents | Tab::Missing => (
            "wishes",
            "When an agent misses a tool it can say so, once get_more_tools is offered: trackway wrap --report-missing; SDKs offer it by default.",
        ),
        Tab::Feedback => {
            ("words of feedback", "What agents say of a tool, where an SDK lets them, becomes a row here.")
        }
    };
    if page.items.is_empty() {
        let why = parts::why_empty(place.params, last, place.period.from);
        return html! { (parts::partial(page.partial.as_deref())) (parts::empty(&why, what, place.project, place.path, place.params)) };
    }
    html! {
        @let grouped = tab == Tab::Missing && place.params.shows(MATTERS);
        (parts::partial(page.partial.as_deref()))
        @if grouped { (goals_matters::matters(&page.items, place)) }
        section.panel.flush {
            div.scroll tabindex="0" role="region" aria-label=(many) {
                table.data {
                    caption.sr { (many) }
                    thead { tr { th scope="col" { "When" } @if tab == Tab::Feedback { th scope="col" { "Sort" } th scope="col" { "Tool" } } th scope="col" { "In the agent's words" } th scope="col" { "Client" } th scope="col" { "Person" } th scope="col" { "Session" } @if tab == Tab::Missing { th scope="col" { "What becomes of it" } } } }
                    tbody { @for row in ordered(&page.items, grouped) { (word(row, tab, may, place)) } }
                }
            }
        }
        nav.pager aria-label="Pages of the list" {
            @if place.params.after.is_some() { a.button href=(format!("{}{}", place.path, place.params.top().query())) { "First page" } }
            @if let Some(next) = &page.next {
                @let params = Params { after: Some(next.clone()), ..place.params.top() };
                a.button rel="next" href=(format!("{}{}", place.path, params.query())) { "Next page" }
            }
        }
    }
}

/// As they came; or those of one matter next to each other, the most asked for first.
fn ordered(items: &[Word], grouped: bool) -> Vec<&Word> {
    let mut all: Vec<&Word> = items.iter().collect();
    if grouped {
        let often = |matter: &str| items.iter().filter(|w| w.matter == matter).count();
        all.sort_by_cached_key(|w| (std::cmp::Reverse(often(&w.matter)), w.matter.clone()));
    }
    all
}

/// The form of `/p/{p}/goals/wish`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WishForm {
    event: String,
    status: String,
    note: String,
}

/// `POST /p/{p}/goals/wish`: what becomes of a wish.
pub(crate) async fn note(visit: Visit, Path(_): Path<String>, Form(form): Form<WishForm>) -> Response {
    let refuse = |code, why: &str| visit::problem_page(visit.guest.theme, &Problem::new(code, why));
    if !visit.guest.viewer.may_change(visit.project.key) {
        return refuse(ProblemCode::Forbidden, "noting what becomes of a wish needs a member of the project");
    }
    let Some(status) = WishStatus::parse(&form.status) else {
        return refuse(ProblemCode::BadRequest, "choose new, planned, shipped or declined");
    };
    let (state, who) = (&visit.guest.state, visit.guest.viewer.actor());
    match change_wish(state, &visit.project, form.event, status, form.note, who).await {
        Ok(true) => {
            let to = format!("{}?tab=missing", link::path(visit.project.id.as_str(), "goals"));
            Redirect::to(&to).into_response()
        }
        Ok(false) => refuse(ProblemCode::NotFound, "there is no such wish; it may have been removed by age"),
        Err(problem) => visit::problem_page(visit.guest.theme, &problem),
    }
}

/// What becomes of a wish, and the form that changes it.
fn becomes(wish: &Word, may: May, place: &Place<'_>) -> Markup {
    let status = wish.note.as_ref().map(|n| n.status).unwrap_or_default();
    let tag = match status {
        WishStatus::New => html! { span.tag.info { "new" } },
        WishStatus::Planned => html! { span.tag.warn { "planned" } },
        WishStatus::Shipped => html! { span.tag.good { "shipped" } },
        WishStatus::Declined => html! { span.tag { "declined" } },
    };
    html! {
        (tag)
        @if let Some(note) = &wish.note {
            @if !note.note.is_empty() { " " (hostile::line(&note.note, 120)) }
            " " span.dim { (hostile::line(&note.who, 24)) ", " (format::time(note.at, &format::ago(note.at, place.now))) }
        }
        @if let Some(again) = wish.again {
            p data-testid="again" { @match again.newest {
                Some(at) => { span.tag.warn { "asked again" } " " (format::counted(again.wishes, "time", "times")) " since, in like words; the newest " (format::time(at, &format::ago(at, place.now))) },
                None => span.dim { "not asked for again since" },
            } }
        }
        @if let Some(answer) = wish.answer.as_ref().filter(|_| status != WishStatus::Declined) {
            p data-testid="answered" title="first listed after the wish; its name and description have at least half of the wish's words" {
                span.tag.good { "perhaps answered" } " by "
                @match lists::detail(place, "tools", &answer.tool) { Some(href) => a href=(href) { (hostile::line(&answer.tool, 40)) }, None => (hostile::line(&answer.tool, 40)) }
                span.dim { ", listed since " (format::time(answer.since, &format::ago(answer.since, place.now))) }
            }
        }
        @if may == May::Change {
            details { summary { "Change" }
                form.inline method="post" action=(format!("{}/wish", link::path(place.project, "goals"))) data-testid="wish-form" {
                    input type="hidden" name="event" value=(wish.event.id.as_str());
                    select name="status" aria-label="What becomes of it" { @for s in WishStatus::ALL { option value=(s.as_str()) selected[s == status] { (s.as_str()) } } }
                    input name="note" maxlength="500" placeholder="A note" aria-label="A note" value=(hostile::plain(wish.note.as_ref().map_or("", |n| n.note.as_str()), 500));
                    button { "Save" }
                }
            }
        }
    }
}

/// What sort of feedback it is, and how it was meant.
fn sort(kind: &str, sentiment: Option<&str>, filter: &dyn Fn(&str, &str) -> String) -> Markup {
    let name = kind.replace('_', " ");
    let by_kind = filter(&format!("tag.{}", Said::TYPE_TAG), kind);
    html! {
        @match kind {
            "issue" => a.tag.bad href=(by_kind) { (name) },
            "missing_capability" => a.tag.info href=(by_kind) { (name) },
            "praise" => a.tag.good href=(by_kind) { (name) },
            _ => a.tag href=(by_kind) { (name) },
        }
        @if let Some(word) = sentiment { " " span.dim { (word) } }
    }
}

fn word(wish: &Word, tab: Tab, may: May, place: &Place<'_>) -> Markup {
    let row = &wish.event;
    let filter =
        |field: &str, value: &str| format!("{}{}", place.path, place.params.and(field, "eq", value).query());
    let session = row.session_id.as_ref().map_or("", |s| s.as_str());
    html! {
        tr data-testid="word-row" {
            th scope="row" { (format::row_time(row.started_at, place.now)) }
            @if tab == Tab::Feedback {
                td data-label="Sort" { @if let Some((kind, sentiment)) = wish.said { (sort(kind, sentiment, &filter)) } }
                td data-label="Tool" { @match row.tool.as_deref() {
                    Some(tool) => a.val href=(filter("tool", tool)) { (hostile::line(tool, 32)) },
                    None => (format::unknown("it names no tool")),
                } }
            }
            td data-label="Words" { @match row.intent.as_deref().filter(|w| !w.trim().is_empty()) {
                Some(words) => { "“" (hostile::line(words, 240)) "”" },
                None => (format::unknown("no words were given")),
            } }
            td data-label="Client" { (parts::peer(row.client.as_ref(), &|v| filter("client", v))) }
            td data-label="Person" { (parts::person(row.actor.as_ref(), session, &|v| filter("person", v))) }
            td data-label="Session" { @if !session.is_empty() {
                a href=(format!("{}?sel={}", link::session(place.project, session), link::encode(row.id.as_str()))) { "Open" span.sr { " the session" } }
            } }
            @if tab == Tab::Missing { td.becomes data-label="What becomes of it" { (becomes(wish, may, place)) } }
        }
    }
}
