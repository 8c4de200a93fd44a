//! The handlers of the pages: each asks the storage one round of questions and hands the answers to a view.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::html;
use trackway_core::filter::Filter;
use trackway_event::{Kind, SessionId, Timestamp};
use trackway_store::query::*;
use trackway_store::{Project, ProjectKey, Quarantined, Store};

use super::checklist::Checklist;
use super::frame::Bar;
use super::json_tree::{self, Json};
use super::late::{self, Sheet};
use super::link;
use super::steps::{self, Listings};
use super::visit::{Guest, Visit, Wants, answer};
use super::{
    hostile, live as live_page, overview as overview_page, replay, rounds, sessions as sessions_page,
    setup as setup_page,
};

/// Events the live page looks at when it opens; bursts among them are folded.
const LIVE_ROWS: usize = 100;
/// Events of one look at what came since: more than come in while a reader's page asks, at a thousand a second.
const LIVE_MORE: usize = 500;
/// Steps of a replay on one page.
const STEPS: usize = 500;
/// Arguments fetched at most to show what changed between tries.
const DIFF_FETCHES: usize = 12;
/// Refused bodies looked at.
const REFUSED: usize = 50;

/// `/`: the project with the newest events, or set-up.
pub(crate) async fn home(guest: Guest) -> Response {
    match guest.projects.first() {
        Some(project) => Redirect::to(&link::path(project.id.as_str(), "overview")).into_response(),
        None => Redirect::to("/setup").into_response(),
    }
}

/// `/p/{p}`
pub(crate) async fn project_home(visit: Visit) -> Response {
    Redirect::to(&link::path(visit.project.id.as_str(), "overview")).into_response()
}

/// `/setup` and `/projects/new`
pub(crate) async fn new_project(guest: Guest) -> Response {
    new_page(&guest, StatusCode::OK, setup_page::NewVm::default()).await
}

/// The page that names a project, with what was typed and what is wrong with it.
pub(crate) async fn new_page(guest: &Guest, status: StatusCode, vm: setup_page::NewVm) -> Response {
    let may_create = guest.viewer.is_admin();
    // refused bodies may name projects of others: only for those who may see all
    let refused = if may_create {
        guest.state.ask("quarantine", |s| s.quarantined(REFUSED)).await.unwrap_or_default()
    } else {
        Vec::new()
    };
    let refused = unclaimed(refused, &guest.projects);
    let vm = setup_page::NewVm { refused, may_create, ..vm };
    let title = if guest.projects.is_empty() { "Set up" } else { "New project" };
    guest.page(status, title, setup_page::new_view(&vm, guest.now))
}

/// `/p/{p}/overview`
pub(crate) async fn overview(visit: Visit) -> Response {
    let (title, at, bar) = ("Overview", "overview", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let compare = match visit.guest.params.cmp.as_deref() {
        Some("none") => Compare::None,
        Some("week") => Compare::Weeks,
        None | Some(_) => Compare::Previous,
    };
    let (key, now, period) = (visit.project.key, visit.guest.now, scope.period);
    let may_change = visit.guest.viewer.may_change(key);
    let question = move |store: &dyn Store| {
        let overview = store.overview(key, &OverviewAsk { scope, compare })?;
        let (checklist, recent) = checklist(store, key, now)?;
        let aside = super::wanted::aside(&store.settings(key)?, now);
        Ok(overview_page::Vm { overview, checklist, recent, aside, may_change })
    };
    late::show(visit, Sheet { title, at, bar }, "overview", question, move |vm, visit| {
        overview_page::view(&vm, &visit.place(period))
    })
    .await
}

/// `/p/{p}/sessions`
pub(crate) async fn sessions(visit: Visit) -> Response {
    let (title, at, bar) = ("Sessions", "sessions", Bar::Full);
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad(title, at, bar, &bad),
    };
    let (key, period) = (visit.project.key, scope.period);
    let params = &visit.guest.params;
    let tab = sessions_page::tab_of(params.tab.as_deref());
    let ask = SessionsAsk { scope, page: params.page(), sort: params.sort.clone(), tab };
    late::show(
        visit,
        Sheet { title, at, bar },
        "sessions",
        move |store| {
            let plain = ask.scope.filter == Filter::default();
            let counts = if plain { Some(store.session_counts(key, period)?) } else { None };
            Ok((store.sessions(key, &ask)?, counts))
        },
        move |(page, counts), visit| {
            let vm = sessions_page::Vm { page, tab, counts, last_event_at: visit.project.last_event_at };
            sessions_page::view(&vm, &visit.place(period))
        },
    )
    .await
}

/// `/p/{p}/sessions/{id}`
pub(crate) async fn session(
    visit: Visit,
    axum::extract::Path((_, id)): axum::extract::Path<(String, String)>,
) -> Response {
    let (title, at, bar) = ("Session", "sessions", Bar::Title);
    let (key, params, wants) = (visit.project.key, visit.guest.params.clone(), visit.wants);
    let asked = id.clone();
    let scope = visit.scope().ok();
    let may_change = visit.guest.viewer.may_change(key);
    let question = move |store: &dyn Store| {
        let Some(mut vm) = replay_of(store, key, &asked, &params, wants)? else { return Ok(None) };
        vm.may_change = may_change;
        if may_change && wants == Wants::Page {
            vm.before = store.sessions_before(key, vm.session.id.as_str())?;
        }
        if let Some(scope) = scope.filter(|_| wants == Wants::Page) {
            vm.beside = beside(store, key, scope, &params, &vm.session.id)?;
        }
        Ok(Some(vm))
    };
    let period = Period { from: Timestamp::ZERO, to: visit.guest.now };
    let (thing, name) = (Thing::Session(id.clone()), "session");
    let nothing = move |visit: &Visit| {
        html! {
            div.empty data-testid="unknown-session" {
                p { b { "There is no session " span.mono { (hostile::line(&id, 64)) } " here." } " It may have been deleted, or it belongs to another project, or it holds nothing but identity facts." }
                a.button href=(link::path(visit.project.id.as_str(), "sessions")) { "All sessions" }
            }
        }
    };
    match wants {
        Wants::Page => {
            let view = move |vm: replay::Vm, visit: &Visit| replay::view(&vm, &visit.place(period));
            late::show_one(visit, Sheet { title, at, bar }, name, thing, question, view, nothing).await
        }
        Wants::Fragment => match visit.ask(name, question).await {
            Ok(Some(vm)) => answer(StatusCode::OK, replay::fragment(&vm, &visit.place(period))),
            Ok(None) => visit.missing(title, at, nothing(&visit)),
            Err(problem) => visit.failed(title, at, bar, &problem),
        },
    }
}

/// `/p/{p}/live`
pub(crate) async fn live(visit: Visit) -> Response {
    let (title, at, bar) = ("Live", "live", Bar::Filters);
    match live_rows_of(&visit, None).await {
        Ok(Ok(vm)) => {
            let period = Period { from: Timestamp::ZERO, to: visit.guest.now };
            visit.page(title, at, bar, live_page::view(&vm, &visit.place(period)))
        }
        Ok(Err(bad)) => visit.bad(title, at, bar, &bad),
        Err(problem) => visit.failed(title, at, bar, &problem),
    }
}

/// `/p/{p}/live/rows?since=SEQ`: what came since, as rows.
pub(crate) async fn live_rows(mut visit: Visit) -> Response {
    // links in the rows lead to the page, not to this fragment
    visit.guest.path = link::path(visit.project.id.as_str(), "live");
    let since = visit.guest.params.since.unwrap_or(0);
    match live_rows_of(&visit, Some(since)).await {
        Ok(Ok(vm)) => {
            let period = Period { from: Timestamp::ZERO, to: visit.guest.now };
            answer(StatusCode::OK, live_page::rows(&vm, &visit.place(period)))
        }
        Ok(Err(_)) => answer(StatusCode::BAD_REQUEST, html! {}),
        Err(problem) => answer(problem.status(), html! {}),
    }
}

/// `/p/{p}/setup`
pub(crate) async fn setup(visit: Visit) -> Response {
    let (title, at) = ("Add a source", "setup");
    let (key, now, project) = (visit.project.key, visit.guest.now, visit.project.clone());
    let (way, origin) = (setup_page::Way::of(visit.guest.params.tab.as_deref()), visit.origin.clone());
    let may_write = visit.guest.viewer.may_change(visit.project.key);
    let projects = visit.guest.projects.clone();
    let found = visit.ask("setup", move |store| {
        let recent = newest(store, key, now, 100)?;
        let mut refused = store.quarantined(REFUSED)?;
        // texts of unknown projects are only for those who may see all of them
        refused.retain(|q| may_write || live_page::concerns(q, &project));
        let refused = unclaimed(refused, &projects);
        let (checklist, _) = checklist(store, key, now)?;
        Ok(setup_page::Vm { way, origin, recent, refused, checklist, may_write })
    });
    match found.await {
        Ok(vm) => {
            let place = visit.place(Period { from: Timestamp::ZERO, to: now });
            match visit.wants {
                Wants::Fragment => answer(StatusCode::OK, setup_page::arrivals(&vm, &place)),
                Wants::Page => visit.page(title, at, Bar::Title, setup_page::view(&vm, &place)),
            }
        }
        Err(problem) => visit.failed(title, at, Bar::Title, &problem),
    }
}

/// What still waits: unknown projects that exist by now are being replayed.
fn unclaimed(mut refused: Vec<Quarantined>, projects: &[Project]) -> Vec<Quarantined> {
    let exists =
        |text: &str| projects.iter().any(|p| p.id.as_str() == text || p.aliases.iter().any(|a| a == text));
    refused.retain(|q| !(q.replayable && q.project_text.as_deref().is_some_and(exists)));
    refused
}

/// Everything there is.
pub(super) fn everything(now: Timestamp) -> Scope {
    // a day ahead: clocks of clients may be
    let period = Period { from: Timestamp::ZERO, to: now.plus_micros(86_400_000_000) };
    Scope { period, filter: Filter::default(), zone: TimeZone::UTC }
}

fn newest(
    store: &dyn Store,
    key: ProjectKey,
    now: Timestamp,
    limit: usize,
) -> trackway_store::Result<Vec<EventRow>> {
    let page = PageAsk { after: None, limit };
    Ok(store.events(key, &EventsAsk { scope: everything(now), page, protocol: Protocol::Hidden })?.items)
}

fn checklist(
    store: &dyn Store,
    key: ProjectKey,
    now: Timestamp,
) -> trackway_store::Result<(Checklist, Vec<SessionRow>)> {
    let events = newest(store, key, now, 100)?;
    let page = PageAsk { after: None, limit: 50 };
    let sessions = store
        .sessions(key, &SessionsAsk { scope: everything(now), page, sort: None, tab: SessionTab::All })?;
    let found = Checklist::of(&events, &sessions.items).with_settings(&store.settings(key)?);
    Ok((found, sessions.items.into_iter().take(12).collect()))
}

type Asked<T> = Result<T, super::link::BadAsk>;

async fn live_rows_of(
    visit: &Visit,
    since: Option<u64>,
) -> Result<Asked<live_page::Vm>, crate::problem::Problem> {
    let params = super::link::Params { from: Some("now-30d".into()), to: None, ..visit.guest.params.clone() };
    let mut scope = match visit.scope().and_then(|_| params.scope(visit.guest.now)) {
        Ok(scope) => scope,
        Err(bad) => return Ok(Err(bad)),
    };
    scope.period = everything(visit.guest.now).period;
    let (key, project, plain) =
        (visit.project.key, visit.project.clone(), live_page::is_plain(&visit.guest.params));
    let last_event_at = visit.project.last_event_at;
    let now = visit.guest.now;
    let vm = visit.ask("live_rows", move |store| {
        let (mut rows, partial) = match since {
            Some(since) if plain => {
                let mut rows = store.events_after(key, since, &Filter::default(), LIVE_MORE)?;
                rows.reverse();
                (rows, None)
            }
            Some(_) | None => {
                let page = PageAsk { after: None, limit: LIVE_ROWS };
                let found = store.events(key, &EventsAsk { scope, page, protocol: Protocol::Hidden })?;
                (found.items, found.partial)
            }
        };
        rows.retain(|r| r.seq > since.unwrap_or(0));
        let seq = rows.iter().map(|r| r.seq).max().or(since).unwrap_or(0);
        let recent = now.plus_micros(-600_000_000);
        let mut refused = if plain { store.quarantined(REFUSED)? } else { Vec::new() };
        refused.retain(|q| live_page::concerns(q, &project) && q.at > recent);
        let of_session = rows.iter().filter(|r| r.session_id.is_some());
        let seqs: Vec<u64> = of_session.map(|r| r.seq).take(live_page::TRACKS).collect();
        let tracks = store.tracks_until(key, &seqs, live_page::MARKS)?;
        let tracks = seqs.into_iter().zip(tracks).collect();
        Ok(live_page::Vm { rows, tracks, refused, seq, last_event_at, partial })
    });
    vm.await.map(Ok)
}

fn replay_of(
    store: &dyn Store,
    key: ProjectKey,
    asked: &str,
    params: &super::link::Params,
    wants: Wants,
) -> trackway_store::Result<Option<replay::Vm>> {
    let Some(session) = store.session(key, asked)? else { return Ok(None) };
    let merged_id = (session.id.as_str() != asked).then(|| asked.to_owned());
    let wanted = params.sel.as_deref().map(|s| s.strip_prefix("call:").unwrap_or(s).to_owned());
    let chosen = match &wanted {
        Some(id) => store.event(key, id)?.filter(|e| belongs(e, &session)),
        None => None,
    };
    let windows = match wants {
        Wants::Page if session.events >= STEPS as u64 => {
            store.session_windows(key, session.id.as_str(), STEPS)?
        }
        Wants::Page | Wants::Fragment => Vec::new(),
    };
    // a link to a step shows the page that holds it
    let around = chosen.as_ref().filter(|_| params.after.is_none()).and_then(|step| {
        let here = (step.row.started_at, step.row.seq);
        windows.iter().rev().find(|w| w.before < here)?.after.clone()
    });
    let page = PageAsk { after: params.after.clone().or(around), limit: STEPS };
    let Page { items: rows, next, partial, total: _ } =
        store.session_events(key, session.id.as_str(), &page)?;
    let (rows, calls) = rounds::fold(rows, store.session_calls(key, session.id.as_str())?);
    let listings = if params.shows("listings") { Listings::Shown } else { Listings::Hidden };
    let shown = steps::shown(&rows, listings, None);
    let first = || Some(rows.get(steps::first(&rows, &shown)?)?.id.as_str().to_owned());
    let selected = match (wanted, first()) {
        (Some(_), _) => chosen,
        (None, Some(id)) => store.event(key, &id)?.filter(|e| belongs(e, &session)),
        (None, None) => None,
    };
    let definition = match &selected {
        Some(step) if step.row.kind == Kind::ToolCall => store.shown_definition(key, step.row.id.as_str())?,
        Some(_) | None => None,
    };
    let only = selected.as_ref().filter(|_| wants == Wants::Fragment).map(|e| e.row.id.as_str());
    let diffs = diffs(store, key, &rows, only)?;
    let beside = replay::Beside::default();
    let (may_change, before) = (false, Vec::new());
    let siblings = match wants {
        Wants::Page => store.siblings(key, session.id.as_str())?,
        Wants::Fragment => Vec::new(),
    };
    Ok(Some(replay::Vm {
        session,
        may_change,
        before,
        siblings,
        merged_id,
        rows,
        calls,
        next,
        windows,
        definition,
        partial,
        selected,
        diffs,
        beside,
    }))
}

/// The list that the session was opened from, as its address names it; empty where the session is not on its first page.
fn beside(
    store: &dyn Store,
    key: ProjectKey,
    scope: Scope,
    params: &super::link::Params,
    id: &SessionId,
) -> trackway_store::Result<replay::Beside> {
    let tab = sessions_page::tab_of(params.tab.as_deref());
    let page = PageAsk { after: None, limit: trackway_event::limits::PAGE_ROWS_MAX };
    let found = store.sessions(key, &SessionsAsk { scope, page, sort: params.sort.clone(), tab })?;
    let at = found.items.iter().position(|row| row.id == *id);
    Ok(replay::Beside { rows: found.items, at, more: found.next.is_some() })
}

/// Whether a step is one of the session's, or of a session that is shown as a part of it.
fn belongs(event: &EventDetail, session: &SessionRow) -> bool {
    let of = event.row.session_id.as_ref();
    of.is_some_and(|id| *id == session.id || session.merged_from.contains(id))
}

/// What changed in the arguments from try to try; of one row only where `only` names it.
fn diffs(
    store: &dyn Store,
    key: ProjectKey,
    rows: &[EventRow],
    only: Option<&str>,
) -> trackway_store::Result<BTreeMap<usize, Vec<json_tree::Change>>> {
    let mut known: BTreeMap<usize, Option<Json>> = BTreeMap::new();
    let mut out = BTreeMap::new();
    for (place, attempt) in steps::tries(rows) {
        let Some(before) = attempt.before.filter(|_| !attempt.switched) else { continue };
        if only.is_some_and(|id| rows.get(place).is_none_or(|r| r.id.as_str() != id)) {
            continue;
        }
        for i in [before, place] {
            if !known.contains_key(&i) && known.len() < DIFF_FETCHES {
                let event = match rows.get(i) {
                    Some(row) => store.event(key, row.id.as_str())?,
                    None => None,
                };
                known.insert(i, event.and_then(|e| Json::read(e.arguments.as_ref()?.get())));
            }
        }
        if let (Some(Some(old)), Some(Some(new))) = (known.get(&before), known.get(&place)) {
            out.insert(place, json_tree::changes(old, new));
        }
    }
    Ok(out)
}
