//! Settings (`dashboard.md` §7.14): the project, its tokens, and Data health: what arrived and what became of it.
//!
//! Data health shows the sum of INV-02 as it stands (`received = stored + duplicates + dropped`), every reason in words with
//! what to do, the quarantine, losses that recorders reported, the sources, and the storage itself. Only an admin sees tokens
//! and what names other projects.

use std::collections::BTreeMap;

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::{ProblemCode, Timestamp};
use trackway_store::query::{By, EventRow, EventsAsk, PageAsk, Protocol, Warning, Way};
use trackway_store::{
    Act, AuditAsk, Intake, NewAudit, NewToken, Project, Quarantined, StoreHealth, Token, TokenScope,
};

use super::frame::Bar;
use super::icons::{Icon, icon};
use super::place::Place;
use super::visit::{self, Visit, answer};
use super::{format, hostile, link, live, parts, settings_health, settings_keep, settings_members};
use crate::auth;
use crate::problem::Problem;

/// Newest events looked at to name the sources; a page's most.
const SOURCES: usize = 100;
/// Refused bodies shown.
const REFUSED: usize = 50;
/// Characters of a token that are kept to tell it by.
const PREFIX_CHARS: usize = 8;
/// Characters of a token's name.
const NAME_CHARS: usize = 60;

/// Which section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Intake, quarantine, sources, storage.
    #[default]
    Health,
    /// Name, id, aliases.
    Project,
    /// Bearer tokens.
    Tokens,
    /// What is kept, for how long, how much.
    Keep,
    /// Who may sign in, and what was done.
    Members,
}

const TABS: [(&str, &str, Tab); 5] = [
    ("", "Data health", Tab::Health),
    ("project", "Project", Tab::Project),
    ("tokens", "Tokens", Tab::Tokens),
    ("keep", "Privacy and limits", Tab::Keep),
    ("members", "Members and log", Tab::Members),
];

/// One kind of sender, as its newest events tell.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Wire, and who recorded.
    pub name: String,
    /// How many of the newest events.
    pub events: u64,
    /// Its newest.
    pub last_at: Timestamp,
    /// Share of its tool calls with an intent, and how many there were.
    pub intents: (u64, u64),
}

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// Which section.
    pub tab: Tab,
    /// The project.
    pub project: Project,
    /// What arrived for it.
    pub intake: Intake,
    /// Its senders.
    pub sources: Vec<Source>,
    /// Recording libraries by their versions, as the newest calls name them.
    pub recorders: Vec<Way>,
    /// Refused bodies that concern the reader.
    pub refused: Vec<Quarantined>,
    /// The storage.
    pub health: StoreHealth,
    /// The other projects the reader may see.
    pub beside: Vec<Project>,
    /// Its tokens; `None`: the reader may not see them.
    pub tokens: Option<Vec<Token>>,
    /// A token that was just made: its text, shown this once.
    pub made: Option<String>,
    /// Why a form was not taken.
    pub error: Option<String>,
    /// What is wrong with the data itself.
    pub warnings: Vec<Warning>,
    /// What is kept.
    pub keep: settings_keep::Vm,
    /// Who may sign in.
    pub members: settings_members::Vm,
}

/// `/p/{p}/settings`
pub(crate) async fn show(visit: Visit) -> Response {
    page(&visit, StatusCode::OK, None, None).await
}

/// The form that makes a token.
#[derive(Debug, Deserialize)]
pub(crate) struct TokenForm {
    #[serde(default)]
    scope: String,
    #[serde(default)]
    name: String,
}

/// `POST /p/{p}/settings/tokens`: makes a token and shows its text in this answer only.
pub(crate) async fn make_token(visit: Visit, Path(_): Path<String>, Form(form): Form<TokenForm>) -> Response {
    if let Some(refusal) = not_admin(&visit) {
        return refusal;
    }
    let Some(scope) = TokenScope::parse(&form.scope) else {
        let why = "choose what the token may do: ingest, read or admin".to_owned();
        return page(&visit, StatusCode::BAD_REQUEST, None, Some(why)).await;
    };
    let mut bytes = [0_u8; 43];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(%error, "the system gives no random numbers");
        let why = "the system gives no random numbers".to_owned();
        return page(&visit, StatusCode::INTERNAL_SERVER_ERROR, None, Some(why)).await;
    }
    let (id, secret) = bytes.split_at(11);
    let text = format!("twt_{}", trackway_event::id::hex(secret));
    let name: String = form.name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    let new = NewToken {
        id: format!("tok_{}", trackway_event::id::hex(id)),
        project: Some(visit.project.key),
        scope,
        hash: auth::hash(&text),
        prefix: text.chars().take(PREFIX_CHARS).collect(),
        name,
        per_second: 0,
    };
    let now = visit.guest.now;
    let act = NewAudit::new(visit.guest.viewer.actor(), Act::TokenCreate, new.id.clone());
    let act = act.of(visit.project.id.as_str()).detail(scope.as_str());
    let made = visit.ask("create_token", move |store| {
        store.create_token(new, now)?;
        store.note(act, now)
    });
    match made.await {
        Ok(_) => page(&visit, StatusCode::OK, Some(text), None).await,
        Err(problem) => page(&visit, problem.status(), None, Some(problem.detail)).await,
    }
}

/// The form that ends a token.
#[derive(Debug, Deserialize)]
pub(crate) struct RevokeForm {
    #[serde(default)]
    id: String,
}

/// `POST /p/{p}/settings/tokens/revoke`
pub(crate) async fn revoke_token(
    visit: Visit,
    Path(_): Path<String>,
    Form(form): Form<RevokeForm>,
) -> Response {
    if let Some(refusal) = not_admin(&visit) {
        return refusal;
    }
    let (key, now) = (visit.project.key, visit.guest.now);
    let act = NewAudit::new(visit.guest.viewer.actor(), Act::TokenRevoke, form.id.clone());
    let act = act.of(visit.project.id.as_str());
    let ended = visit.guest.state.change("revoke_token", act, move |store| {
        // another project's token is none of this page's
        let own = store.tokens(Some(key))?.into_iter().any(|token| token.id == form.id);
        Ok(own && store.revoke_token(&form.id, now)?)
    });
    match ended.await {
        Ok(true) => {
            let to = format!("{}?tab=tokens", link::path(visit.project.id.as_str(), "settings"));
            Redirect::to(&to).into_response()
        }
        Ok(false) => {
            let why = "there is no such token; it may have been revoked already".to_owned();
            page(&visit, StatusCode::NOT_FOUND, None, Some(why)).await
        }
        Err(problem) => page(&visit, problem.status(), None, Some(problem.detail)).await,
    }
}

fn not_admin(visit: &Visit) -> Option<Response> {
    let problem = Problem::new(ProblemCode::Forbidden, "tokens are for admins");
    (!visit.guest.viewer.is_admin()).then(|| visit::problem_page(visit.guest.theme, &problem))
}

async fn page(visit: &Visit, status: StatusCode, made: Option<String>, error: Option<String>) -> Response {
    let asked = visit.guest.params.tab.as_deref();
    let tab = TABS.iter().find(|(k, ..)| Some(*k) == asked).map_or(Tab::Health, |(.., tab)| *tab);
    let tab = if made.is_some() || error.is_some() { Tab::Tokens } else { tab };
    page_at(visit, status, tab, made, error).await
}

/// One section. `made` is what a form of it brought forth, shown this once.
pub(super) async fn page_at(
    visit: &Visit,
    status: StatusCode,
    tab: Tab,
    made: Option<String>,
    error: Option<String>,
) -> Response {
    page_with(visit, status, tab, made, error, settings_keep::Said::default()).await
}

/// A section whose form was answered, with what was typed.
pub(super) async fn page_said(
    visit: &Visit,
    status: StatusCode,
    tab: Tab,
    said: settings_keep::Said,
) -> Response {
    page_with(visit, status, tab, None, None, said).await
}

async fn page_with(
    visit: &Visit,
    status: StatusCode,
    tab: Tab,
    made: Option<String>,
    error: Option<String>,
    said: settings_keep::Said,
) -> Response {
    let saved = visit.guest.params.show.clone();
    let (title, at, bar) = ("Settings", "settings", Bar::Title);
    let forced = made.is_some() || error.is_some();
    let owner = visit.guest.viewer.is_owner();
    let tab = if tab == Tab::Members && !visit.guest.viewer.is_admin() { Tab::Health } else { tab };
    let (project, admin, now) = (visit.project.clone(), visit.guest.viewer.is_admin(), visit.guest.now);
    let mut beside = visit.guest.projects.clone();
    beside.retain(|other| other.key != project.key);
    let found = visit.ask("settings", move |store| {
        let scope = super::pages::everything(now);
        let newest =
            EventsAsk { scope, page: PageAsk { after: None, limit: SOURCES }, protocol: Protocol::Hidden };
        let sources = match tab {
            Tab::Health => sources(&store.events(project.key, &newest)?.items),
            Tab::Project | Tab::Tokens | Tab::Keep | Tab::Members => Vec::new(),
        };
        let recorders = match tab {
            Tab::Health => store.ways(project.key, &super::pages::everything(now), By::Recorder)?.items,
            Tab::Project | Tab::Tokens | Tab::Keep | Tab::Members => Vec::new(),
        };
        let mut refused = store.quarantined(REFUSED)?;
        refused.retain(|q| admin || live::concerns(q, &project));
        let set = store.settings(project.key)?;
        let tried = made.clone().filter(|_| tab == Tab::Keep);
        let keep = settings_keep::Vm { saved, said, ..settings_keep::Vm::of(set, admin, tried) };
        let members = match tab {
            Tab::Members => settings_members::Vm {
                members: store.members()?,
                acts: store.audit(&AuditAsk { limit: settings_members::ACTS, ..AuditAsk::default() })?,
                made: made.clone(),
                owner,
            },
            Tab::Health | Tab::Project | Tab::Tokens | Tab::Keep => settings_members::Vm::default(),
        };
        Ok(Vm {
            keep,
            members,
            tab,
            intake: store.intake(Some(project.key))?,
            sources,
            recorders,
            refused,
            health: store.health()?,
            beside,
            tokens: if admin { Some(store.tokens(Some(project.key))?) } else { None },
            warnings: match tab {
                Tab::Health => store.warnings(project.key, &super::pages::everything(now))?,
                Tab::Project | Tab::Tokens | Tab::Keep | Tab::Members => Vec::new(),
            },
            made,
            error,
            project,
        })
    });
    match found.await {
        Ok(vm) => {
            let place = visit.place(super::pages::everything(now).period);
            let body = view(&vm, &place);
            match status {
                StatusCode::OK => visit.page(title, at, bar, body),
                other => visit.answer_with(other, title, at, body),
            }
        }
        Err(problem) if forced => answer(problem.status(), html! { (problem.detail) }),
        Err(problem) => visit.failed(title, at, bar, &problem),
    }
}

/// Who sent the newest events, by wire and recorder.
fn sources(rows: &[EventRow]) -> Vec<Source> {
    let mut found: BTreeMap<String, Source> = BTreeMap::new();
    for row in rows {
        let capture = row.capture.map_or(String::new(), |by| format!(", {}", by.as_str()));
        let name = format!("{}{capture}", row.input.as_str());
        let source = found.entry(name.clone()).or_insert_with(|| Source {
            name,
            events: 0,
            last_at: row.started_at,
            intents: (0, 0),
        });
        source.events += 1;
        source.last_at = source.last_at.max(row.started_at);
        if row.kind == trackway_event::Kind::ToolCall {
            source.intents.1 += 1;
            source.intents.0 += u64::from(row.intent.is_some());
        }
    }
    let mut sources: Vec<Source> = found.into_values().collect();
    sources.sort_by_key(|s| std::cmp::Reverse(s.events));
    sources
}

/// The page's body.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    html! {
        @if vm.tab == Tab::Health { (settings_health::lede(&vm.intake)) }
        nav.tabs aria-label="Sections" { @for (key, name, tab) in TABS {
            @if !matches!(tab, Tab::Tokens | Tab::Members) || vm.tokens.is_some() {
                @let own = link::path(place.project, "settings");
                a href=(if key.is_empty() { own } else { format!("{own}?tab={key}") }) aria-current=[(tab == vm.tab).then_some("page")] { (name) }
            }
        } }
        @match vm.tab {
            Tab::Health => (settings_health::view(vm, place)),
            Tab::Project => { (refused(vm)) (project(vm)) (settings_keep::readers(&vm.keep, place.project)) (deletion(vm)) }
            Tab::Tokens => (tokens(vm, place)),
            Tab::Keep => { (refused(vm)) (settings_keep::view(&vm.keep, place.project)) }
            Tab::Members => { (refused(vm)) (settings_members::view(&vm.members, place.project, place.now)) }
        }
    }
}

fn project(vm: &Vm) -> Markup {
    let id = vm.project.id.as_str();
    html! {
        section.panel.stepbox {
            h2 { "Project" }
            ul.arrivals {
                li { span.grow { "Name" } b { (hostile::line(&vm.project.name, 80)) } }
                li { span.grow { "Id, as recorders name it" } b.mono { (id) } }
                li { span.grow { "Created" } b { (format::time(vm.project.created_at, &format::day_clock(vm.project.created_at))) } }
                @for alias in &vm.project.aliases { li { span.grow { "Also answers to" } b.mono { (hostile::line(alias, 80)) } } }
            }
        }
    }
}

fn deletion(vm: &Vm) -> Markup {
    let id = vm.project.id.as_str();
    html! {
        section.panel.stepbox {
            h2 { "Delete it" }
            p { "Its events, sessions and people go with it, at once and for good. On the server's machine:" }
            div.code { pre #code-delete tabindex="0" { "trackway project delete " (id) " --yes" } button.quiet data-copy="#code-delete" hidden { (icon(Icon::Copy)) span.sr { "Copy" } } }
        }
    }
}

/// Why a form was not taken.
fn refused(vm: &Vm) -> Markup {
    html! {
        @if let Some(error) = &vm.error { p.strip.fail role="alert" data-testid="form-error" { (icon(Icon::Fail)) span { (hostile::line(error, 300)) } } }
    }
}

fn tokens(vm: &Vm, place: &Place<'_>) -> Markup {
    let own = link::path(place.project, "settings");
    let none = Vec::new();
    let rows = vm.tokens.as_ref().unwrap_or(&none);
    html! {
        (refused(vm))
        @if let Some(text) = &vm.made {
            section.panel.stepbox data-testid="made-token" {
                h2 { (icon(Icon::Tick)) "Your new token" }
                p { "Copy it now: it is shown this once and stored nowhere." }
                div.code { pre #code-token tabindex="0" { (text) } button.quiet data-copy="#code-token" hidden { (icon(Icon::Copy)) span.sr { "Copy" } } }
            }
        }
        section.panel.stepbox {
            h2 { "New token" }
            form.fields method="post" action=(format!("{own}/tokens")) {
                div { label for="scope" { "It may" } select #scope name="scope" { option value="read" { "read this project" } option value="ingest" { "send events" } option value="admin" { "do everything in this project" } } }
                div { label for="token-name" { "Name " span.dim { "to tell it by" } } input #token-name name="name" maxlength=(NAME_CHARS) autocomplete="off" placeholder="ci, grafana …"; }
                button.primary { "Create" }
            }
        }
        section.panel.flush {
            h2 { "Tokens" }
            @if rows.is_empty() { p.quiet { "No token yet. The dashboard needs none; scripts and agents that read the API do." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Tokens" {
                    table.data {
                        caption.sr { "Tokens of this project" }
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Begins with" } th scope="col" { "May" } th.num scope="col" { "Made" } th.num scope="col" { "Last used" } th scope="col" { span.sr { "Revoke" } } } }
                        tbody { @for token in rows { tr data-testid="token-row" {
                            th scope="row" { @if token.name.is_empty() { span.dim { "no name" } } @else { (hostile::line(&token.name, 60)) } }
                            td.mono { (hostile::line(&token.prefix, 12)) "…" }
                            td { (token.scope.as_str()) }
                            td.num { (format::time(token.created_at, &format::ago(token.created_at, place.now))) }
                            td.num { @match token.last_used_at { Some(at) => (format::time(at, &format::ago(at, place.now))), None => span.dim { "never" } } }
                            td { form method="post" action=(format!("{own}/tokens/revoke")) {
                                input type="hidden" name="id" value=(token.id);
                                button title=(format!("Revoke the token that begins with {}", hostile::plain(&token.prefix, 12))) { "Revoke" }
                            } }
                        } } }
                    }
                }
            }
        }
        (parts::partial(None))
    }
}
