//! Settings, "Privacy and limits": what a project keeps, for how long, how much it may be sent; and what is recorded at all
//! (F-145, F-146, F-150, F-158). The form and both lists are made from the tables the server itself works by.

use std::collections::BTreeMap;

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::Kind;
use trackway_store::{Act, NewAudit};

use super::settings::{self, Tab};
use super::visit::Visit;
use super::{hostile, link};
use crate::options::Limits;
use crate::policy::{PROJECT_SETTINGS, Policy, ProjectSetting, ZONE, check_setting};

/// Characters of a text in the test box.
const TRIED_CHARS: usize = 4_000;

/// What the section shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vm {
    /// What was set, by name.
    pub set: BTreeMap<String, String>,
    /// Whether the reader may change it.
    pub may_change: bool,
    /// A text that was tried, as it would be kept, and how many places were masked.
    pub tried: Option<(String, String, usize)>,
}

/// The form that changes a setting.
#[derive(Debug, Deserialize)]
pub(crate) struct SettingForm {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: String,
}

/// `POST /p/{p}/settings/keep`
pub(crate) async fn change(visit: Visit, Path(_): Path<String>, Form(form): Form<SettingForm>) -> Response {
    let value = form.value.trim().to_owned();
    let default = PROJECT_SETTINGS.iter().find(|s| s.key == form.key).map_or("", |s| s.default);
    let value = Some(value).filter(|v| !v.is_empty() && v != default);
    if let Err(why) = check_setting(&form.key, value.as_deref().unwrap_or(default)) {
        let at = if form.key == ZONE { Tab::Project } else { Tab::Keep };
        return settings::page_at(&visit, StatusCode::BAD_REQUEST, at, None, Some(why)).await;
    }
    let (key, now) = (visit.project.key, visit.guest.now);
    let detail = value.clone().unwrap_or_else(|| "the default".into());
    let act = NewAudit::new(visit.guest.viewer.actor(), Act::SettingChange, form.key.clone());
    let act = act.of(visit.project.id.as_str()).detail(detail);
    let tab = if form.key == ZONE { "project" } else { "keep" };
    let changed = visit.ask("set_setting", move |store| {
        store.set_setting(key, &form.key, value.as_deref())?;
        store.note(act, now)
    });
    match changed.await {
        Ok(()) => {
            let to = format!("{}?tab={tab}", link::path(visit.project.id.as_str(), "settings"));
            Redirect::to(&to).into_response()
        }
        Err(problem) => {
            settings::page_at(&visit, problem.status(), Tab::Keep, None, Some(problem.detail)).await
        }
    }
}

/// The form of the test box.
#[derive(Debug, Deserialize)]
pub(crate) struct TryForm {
    #[serde(default)]
    text: String,
}

/// `POST /p/{p}/settings/keep/try`: shows a text as this project would keep it; keeps nothing.
pub(crate) async fn try_on(visit: Visit, Path(_): Path<String>, Form(form): Form<TryForm>) -> Response {
    let text: String = form.text.chars().take(TRIED_CHARS).collect();
    settings::page_at(&visit, StatusCode::OK, Tab::Keep, Some(text), None).await
}

impl Vm {
    /// From the settings of a project, and a text to try on them.
    pub(crate) fn of(set: BTreeMap<String, String>, may_change: bool, tried: Option<String>) -> Self {
        let tried = tried.map(|text| {
            let (kept, masked) = Policy::of(&set, Limits::default()).try_on(&text);
            (text, kept, masked)
        });
        Self { set, may_change, tried }
    }
}

/// The section's body.
pub(crate) fn view(vm: &Vm, project: &str) -> Markup {
    let own = link::path(project, "settings");
    html! {
        section.panel.stepbox data-testid="keep" {
            h2 { "What is kept, and how much" }
            @for setting in PROJECT_SETTINGS.iter().filter(|s| s.key != ZONE) { (field(vm, setting, &own)) }
            @if !vm.may_change { p.quiet { "Admins change these." } }
        }
        section.panel.stepbox data-testid="try" {
            h2 { "Try it" }
            p { "A text or a JSON document as this project would keep it. Nothing of it is stored." }
            form.fields method="post" action=(format!("{own}/keep/try")) {
                div { label for="try-text" { "Text" } textarea #try-text name="text" rows="3" maxlength=(TRIED_CHARS) spellcheck="false" { (vm.tried.as_ref().map_or("", |t| t.0.as_str())) } }
                button { "Try" }
            }
            @if let Some((_, kept, masked)) = &vm.tried {
                p data-testid="tried" { b { (masked) } " masked" }
                pre { (hostile::line(kept, TRIED_CHARS)) }
            }
        }
        (recorded())
    }
}

/// The project's time zone, on the section "Project".
pub(crate) fn zone(vm: &Vm, project: &str) -> Markup {
    let own = link::path(project, "settings");
    html! {
        section.panel.stepbox data-testid="zone" {
            h2 { "Time zone" }
            @for setting in PROJECT_SETTINGS.iter().filter(|s| s.key == ZONE) { (field(vm, setting, &own)) }
            p.quiet { "A reader's own choice, at the top of every page, comes first." }
        }
    }
}

/// The form of one setting.
fn field(vm: &Vm, setting: &ProjectSetting, own: &str) -> Markup {
    let value = vm.set.get(setting.key).map_or(setting.default, String::as_str);
    html! {
        form.fields method="post" action=(format!("{own}/keep")) {
            input type="hidden" name="key" value=(setting.key);
            div {
                label for=(setting.key) { span.mono { (setting.key) } " " span.dim { (setting.help) } }
                input id=(setting.key) name="value" value=(value) maxlength="2000" autocomplete="off" spellcheck="false" disabled[!vm.may_change];
            }
            @if vm.may_change { button { "Save" } }
        }
    }
}

/// What is recorded at all, from the closed list of kinds and the parts of an event.
fn recorded() -> Markup {
    html! {
        section.panel.stepbox data-testid="recorded" {
            h2 { "What Trackway records" }
            p { "Of each request between an agent and your MCP server: its kind, when, how long, how it ended, the tool or resource, the agent's stated intent, the client and server programs with their versions, the session, the user if you name one, an error's type and message, sizes; and the arguments, result, metadata and transport facts, as the settings above allow." }
            p { "Kinds: " @for (i, kind) in Kind::ALL.iter().enumerate() { @if i > 0 { ", " } (kind.as_str().replace('_', " ")) } "." }
            p { "Never: request headers outside a short list, " code { "Authorization" } ", cookies, members named like secrets, images and other binary contents, the address a request came from." }
        }
    }
}
