//! Settings, "Privacy and limits": what a project keeps, for how long, how much it may be sent; and what is recorded at all
//! (F-145, F-146, F-150, F-158). One form a section, made with both lists from the tables the server itself works by.
//!
//! A shorter retention is not saved at once: the first answer says what would go, and only the second button takes it.

use std::collections::BTreeMap;

use axum::extract::{Form, Path};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use trackway_event::Kind;
use trackway_store::{Act, Cutoffs, Expired, NewAudit, Rules, Store};

use super::icons::{Icon, icon};
use super::settings::{self, Tab};
use super::visit::Visit;
use super::{format, hostile, link};
use crate::options::Limits;
use crate::own::OWN;
use crate::policy::{ENVIRONMENTS, PROJECT_SETTINGS, Policy, ProjectSetting, ZONE, check_setting};

/// Characters of a text in the test box.
const TRIED_CHARS: usize = 4_000;

/// A part of the page that is saved by itself: its name in the form, its heading, what it is about, its settings.
struct Section {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    keys: &'static [&'static str],
}

const SECTIONS: [Section; 4] = [
    Section {
        name: "redaction",
        title: "What is kept of each event",
        about: "Applied before an event is stored: what is masked or left out here is in no file. It changes nothing that is stored already.",
        keys: &["capture", "redact.keys", "redact.patterns"],
    },
    Section {
        name: "retention",
        title: "How long it is kept",
        about: "Whatever is older is removed within the hour, for good. You see what would go before it is saved.",
        keys: &["retention.payloads", "retention.events", "retention.rollups"],
    },
    Section {
        name: "identity",
        title: "Who counts as one person",
        about: "Holds for what comes in from now on.",
        keys: &[Rules::LINK_SESSIONS, Rules::MERGES],
    },
    Section {
        name: "limits",
        title: "How much it may be sent",
        about: "Above a limit the sender is told to wait, or the event is dropped as quota and counted in Data health.",
        keys: &["limit.events_per_second", "limit.events_per_day"],
    },
];

/// Patterns that have a name, with the words beside their box.
const NAMED: [(&str, &str); 4] = [
    ("email", "e-mail addresses"),
    ("card", "card numbers"),
    ("phone", "phone numbers with a country code"),
    ("key", "access keys of common services"),
];

/// What a form of this section was answered with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// Values as they were typed, where they were not taken.
    pub typed: BTreeMap<String, String>,
    /// The setting that was not taken, and why.
    pub fault: Option<(String, String)>,
    /// What the typed retention would remove, and bytes of the blocks it lies in.
    pub effect: Option<(Expired, u64)>,
}

/// What the section shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vm {
    /// What was set, by name.
    pub set: BTreeMap<String, String>,
    /// Whether the reader may change it.
    pub may_change: bool,
    /// A text that was tried, as it would be kept, and how many places were masked.
    pub tried: Option<(String, String, usize)>,
    /// The section that has just been saved.
    pub saved: Option<String>,
    /// What a form was answered with.
    pub said: Said,
}

/// `POST /p/{p}/settings/keep`: the settings of one section, or one setting as `key` and `value`.
pub(crate) async fn change(
    visit: Visit,
    Path(_): Path<String>,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    let typed = typed(form);
    let section = SECTIONS.iter().find(|s| typed.keys().any(|key| s.keys.contains(&key.as_str())));
    let tab = if [ZONE, ENVIRONMENTS, OWN].iter().any(|key| typed.contains_key(*key)) {
        Tab::Project
    } else {
        Tab::Keep
    };
    let sure = typed.contains_key("sure");
    let mut changes = BTreeMap::new();
    for (key, value) in typed.iter().filter(|(key, _)| !matches!(key.as_str(), "sure" | "section")) {
        let default = PROJECT_SETTINGS.iter().find(|s| s.key == key).map_or("", |s| s.default);
        let value = Some(value.clone()).filter(|v| !v.is_empty() && v != default);
        if let Err(why) = check_setting(key, value.as_deref().unwrap_or(default)) {
            let said = Said { fault: Some((key.clone(), why)), typed: typed.clone(), effect: None };
            return settings::page_said(&visit, StatusCode::BAD_REQUEST, tab, said).await;
        }
        changes.insert(key.clone(), value);
    }
    let (key, now) = (visit.project.key, visit.guest.now);
    if section.is_some_and(|s| s.name == "retention") && !sure {
        let asked = changes.clone();
        match visit.ask("would_expire", move |store| effect(store, key, &asked, now)).await {
            Ok(None) => {}
            Ok(effect) => {
                let said = Said { effect, typed, fault: None };
                return settings::page_said(&visit, StatusCode::OK, tab, said).await;
            }
            Err(problem) => {
                let said = Said { fault: Some((String::new(), problem.detail.clone())), typed, effect: None };
                return settings::page_said(&visit, problem.status(), tab, said).await;
            }
        }
    }
    let (actor, id) = (visit.guest.viewer.actor(), visit.project.id.clone());
    let changed = visit.ask("set_setting", move |store| {
        let before = store.settings(key)?;
        for (name, value) in changes.into_iter().filter(|(name, value)| before.get(name) != value.as_ref()) {
            let detail = value.clone().unwrap_or_else(|| "the default".into());
            store.set_setting(key, &name, value.as_deref())?;
            store.note(
                NewAudit::new(actor.clone(), Act::SettingChange, name).of(id.as_str()).detail(detail),
                now,
            )?;
        }
        Ok(())
    });
    match changed.await {
        Ok(()) => {
            let tab = if tab == Tab::Project { "project" } else { "keep" };
            let own = link::path(visit.project.id.as_str(), "settings");
            let to = match section {
                Some(section) => format!("{own}?tab={tab}&show={0}#{0}", section.name),
                None => format!("{own}?tab={tab}"),
            };
            Redirect::to(&to).into_response()
        }
        Err(problem) => {
            settings::page_at(&visit, problem.status(), Tab::Keep, None, Some(problem.detail)).await
        }
    }
}

/// The form as settings: the words of one setting in several fields are joined.
fn typed(form: Vec<(String, String)>) -> BTreeMap<String, String> {
    let one = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if let Some(key) = one("key") {
        return BTreeMap::from([(key, one("value").unwrap_or_default().trim().to_owned())]);
    }
    let mut typed: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in form.into_iter().take(64) {
        let value = value.trim();
        let held = typed.entry(key).or_default();
        if !held.is_empty() && !value.is_empty() {
            held.push(' ');
        }
        held.push_str(value);
    }
    typed
}

/// What a retention as typed would remove that is there now; `None`: nothing.
fn effect(
    store: &dyn Store,
    project: trackway_store::ProjectKey,
    changes: &BTreeMap<String, Option<String>>,
    now: trackway_event::Timestamp,
) -> trackway_store::Result<Option<(Expired, u64)>> {
    let mut set = store.settings(project)?;
    for (key, value) in changes {
        match value {
            Some(value) => set.insert(key.clone(), value.clone()),
            None => set.remove(key),
        };
    }
    let cutoffs = Cutoffs::of(&set, now);
    if !cutoffs.any() {
        return Ok(None);
    }
    let gone = store.would_expire(project, &cutoffs)?;
    let bytes = match cutoffs.payloads.max(cutoffs.events) {
        Some(before) => store.payload_bytes_before(project, before)?,
        None => 0,
    };
    Ok((gone != Expired::default()).then_some((gone, bytes)))
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
        Self { set, may_change, tried, saved: None, said: Said::default() }
    }

    fn value(&self, setting: &ProjectSetting) -> &str {
        let typed = self.said.typed.get(setting.key);
        typed.or_else(|| self.set.get(setting.key)).map_or(setting.default, String::as_str)
    }
}

/// The section's body.
pub(crate) fn view(vm: &Vm, project: &str) -> Markup {
    let own = link::path(project, "settings");
    html! {
        (fault(vm))
        @if !vm.may_change { p.strip.info { (icon(Icon::Info)) span { "Admins change these." } } }
        div.grid {
            div.col-8 { @for part in &SECTIONS { (section(vm, part, &own)) } }
            div.col-4 { (try_box(vm, &own)) (recorded()) }
        }
    }
}

/// What was not taken, in one place that takes the focus, with the way to its field.
fn fault(vm: &Vm) -> Markup {
    html! { @if let Some((key, why)) = &vm.said.fault {
        div.strip.fail role="alert" tabindex="-1" autofocus data-testid="form-error" {
            (icon(Icon::Fail))
            span { b { "Not saved." } " " @if key.is_empty() { (hostile::line(why, 300)) } @else { a href=(format!("#{key}")) { (hostile::line(why, 300)) } } }
        }
    } }
}

fn section(vm: &Vm, part: &Section, own: &str) -> Markup {
    let settings = || PROJECT_SETTINGS.iter().filter(|s| part.keys.contains(&s.key));
    let effect = vm.said.effect.as_ref().filter(|_| part.name == "retention");
    html! {
        section.panel.stepbox id=(part.name) data-testid=(format!("keep-{}", part.name)) {
            h2 { (part.title) @if vm.saved.as_deref() == Some(part.name) { span.tag.good role="status" data-testid="saved" { (icon(Icon::Tick)) "Saved" } } }
            p.dim { (part.about) }
            form.settings method="post" action=(format!("{own}/keep")) {
                @for setting in settings() { (field(vm, setting)) }
                @match effect {
                    Some((gone, bytes)) => {
                        div.strip.warn role="alert" tabindex="-1" autofocus data-testid="effect" { (icon(Icon::Warn)) span { (goes(gone, *bytes)) } }
                        input type="hidden" name="sure" value="yes";
                        div.row { button.primary { "Remove it and save" } a.button href=(format!("{own}?tab=keep")) { "Leave it as it is" } }
                    },
                    None => @if vm.may_change { div.row { button { "Save" } } },
                }
            }
        }
    }
}

/// What would go, in words.
fn goes(gone: &Expired, bytes: u64) -> String {
    let parts = [
        (gone.payloads, "payload", "payloads"),
        (gone.events, "event", "events"),
        (gone.sessions, "session", "sessions"),
        (gone.people, "person", "people"),
        (gone.rollups, "row of figures", "rows of figures"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| format::counted(*n, one, many)).collect();
    let size = if bytes > 0 { format!(", at most {}", format::bytes(bytes)) } else { String::new() };
    format!("Not saved yet. Saving this removes {}{size}, within the hour and for good.", parts.join(", "))
}

/// Settings of what readers see: name in tests, title, key, and what there is to know.
const READERS: [(&str, &str, &str, &str); 3] = [
    ("zone", "Time zone", ZONE, "A reader's own choice, at the top of every page, comes first."),
    ("environments", "Environments", ENVIRONMENTS, ""),
    (
        "own",
        "Our own people",
        OWN,
        "They stay recorded. A menu at the top of every page then leaves them out of figures, lists and files.",
    ),
];

/// The project's time zone and environments, on the section "Project".
pub(crate) fn readers(vm: &Vm, project: &str) -> Markup {
    let own = link::path(project, "settings");
    html! {
        (fault(vm))
        @for (testid, title, key, note) in READERS {
            section.panel.stepbox data-testid=(testid) {
                h2 { (title) }
                form.settings method="post" action=(format!("{own}/keep")) {
                    @for setting in PROJECT_SETTINGS.iter().filter(|s| s.key == key) { (field(vm, setting)) }
                    @if vm.may_change { div.row { button { "Save" } } }
                }
                @if !note.is_empty() { p.quiet { (note) } }
            }
        }
    }
}

/// How a setting is put in.
enum Input {
    Choice(&'static [(&'static str, &'static str)]),
    Number(&'static str),
    Patterns,
    Words,
}

/// Name, words and input of a setting.
fn shape(key: &str) -> (&'static str, Input) {
    match key {
        "capture" => (
            "Arguments and results",
            Input::Choice(&[
                ("full", "full: as they were sent"),
                ("shape", "shape: types and sizes only"),
                ("off", "off: nothing of them"),
            ]),
        ),
        "redact.keys" => ("Members that are masked", Input::Words),
        "redact.patterns" => ("Texts that are masked", Input::Patterns),
        "retention.payloads" => ("Payloads", Input::Number("days")),
        "retention.events" => ("Events and sessions", Input::Number("days")),
        "retention.rollups" => ("Figures by the hour", Input::Number("days")),
        Rules::LINK_SESSIONS => (
            "A session's anonymous events",
            Input::Choice(&[
                ("on", "count for the first person the session names"),
                ("off", "stay anonymous"),
            ]),
        ),
        Rules::MERGES => (
            "A second user on a known device",
            Input::Choice(&[("safe", "stays apart"), ("compatible", "joins the first, as at PostHog")]),
        ),
        "limit.events_per_second" => ("A second", Input::Number("events")),
        "limit.events_per_day" => ("A day (UTC)", Input::Number("events")),
        ZONE => ("Days and times in", Input::Words),
        ENVIRONMENTS => ("Choose from", Input::Words),
        OWN => ("Those who meet any of", Input::Words),
        _ => ("Value", Input::Words),
    }
}

/// The label, input and help of one setting; its fault beside it.
fn field(vm: &Vm, setting: &ProjectSetting) -> Markup {
    let (name, input) = shape(setting.key);
    let value = vm.value(setting);
    let bad = vm.said.fault.as_ref().filter(|(key, _)| key == setting.key);
    let help = format!("{}-help", setting.key);
    let off = !vm.may_change;
    // what a choice says itself is not said again beside it
    let plain = (!matches!(input, Input::Choice(_))).then_some(setting.help);
    html! {
        div.setting.pair {
            div {
                label for=(setting.key) { (name) } " " span.dim.mono { (setting.key) }
                p.help id=(help) { @match (bad, plain) {
                    (Some((_, why)), _) => span.bad { (icon(Icon::Fail)) (hostile::line(why, 300)) },
                    (None, Some(words)) => span.dim { (words) },
                    (None, None) => "",
                } }
            }
            div.put { @match input {
                Input::Choice(options) => select id=(setting.key) name=(setting.key) aria-describedby=(help) disabled[off] {
                    @for (option, words) in options { option value=(option) selected[*option == value] { (words) } }
                },
                Input::Number(unit) => span.row {
                    input.short id=(setting.key) name=(setting.key) value=(value) inputmode="numeric" maxlength="12" autocomplete="off" aria-describedby=(help) aria-invalid=[bad.map(|_| "true")] disabled[off];
                    span.dim { (unit) }
                },
                Input::Patterns => (patterns(setting.key, value, &help, off)),
                Input::Words => input id=(setting.key) name=(setting.key) value=(value) maxlength="2000" autocomplete="off" spellcheck="false" aria-describedby=(help) aria-invalid=[bad.map(|_| "true")] disabled[off];,
            } }
        }
    }
}

/// A box for each pattern with a name, and a line for others.
fn patterns(key: &str, value: &str, help: &str, off: bool) -> Markup {
    let words: Vec<&str> = value.split_whitespace().collect();
    let own: Vec<&str> =
        words.iter().copied().filter(|word| NAMED.iter().all(|(name, _)| name != word)).collect();
    html! {
        @for (name, what) in NAMED {
            label.check { input type="checkbox" name=(key) value=(name) checked[words.contains(&name)] disabled[off]; (what) }
        }
        input id=(key) name=(key) value=(own.join(" ")) maxlength="2000" autocomplete="off" spellcheck="false" placeholder="regular expressions, separated by spaces" aria-describedby=(help) disabled[off];
    }
}

fn try_box(vm: &Vm, own: &str) -> Markup {
    html! {
        section.panel.stepbox data-testid="try" {
            h2 { "Try it" }
            p { "A text or a JSON document as this project would keep it, by the rules that are saved. Nothing of it is stored." }
            form.settings method="post" action=(format!("{own}/keep/try")) {
                div.setting { label for="try-text" { "Text" } textarea #try-text name="text" rows="4" maxlength=(TRIED_CHARS) spellcheck="false" { (vm.tried.as_ref().map_or("", |t| t.0.as_str())) } }
                div.row { button { "Try" } }
            }
            @if let Some((_, kept, masked)) = &vm.tried {
                p data-testid="tried" role="status" { b { (masked) } " masked" }
                pre.tried { (hostile::line(kept, TRIED_CHARS)) }
            }
        }
    }
}

/// What is recorded at all, from the closed list of kinds and the parts of an event.
fn recorded() -> Markup {
    html! {
        section.panel.stepbox data-testid="recorded" {
            h2 { "What Trackway records" }
            p { "Of each request between an agent and your MCP server: its kind, when, how long, how it ended, the tool or resource, the agent's stated intent, the client and server programs with their versions, the session, the user if you name one, an error's type and message, sizes; and the arguments, result, metadata and transport facts, as the settings here allow." }
            p { "Kinds: " @for (i, kind) in Kind::ALL.iter().enumerate() { @if i > 0 { ", " } (kind.as_str().replace('_', " ")) } "." }
            p { "Never: request headers outside a short list, " code { "Authorization" } ", cookies, members named like secrets, images and other binary contents, the address a request came from." }
        }
    }
}
