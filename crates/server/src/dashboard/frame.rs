//! The frame around every page (`dashboard.md` §2): top bar, navigation, period and filters, strips, status line.
//!
//! Called by every page's view. It shows only what exists; everything in it works without script.

use maud::{DOCTYPE, Markup, html};
use trackway_core::period;
use trackway_event::Timestamp;
use trackway_store::Project;
use trackway_store::query::Period;

use super::export::Links;
use super::icons::{Icon, icon, logo};
use super::link::{self, BadAsk, Params};
use super::{assets, bar, format, hostile, keys};

/// The colours a reader chose; kept in a cookie, so that the first byte is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme, in the order of the switch.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the cookie.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of this name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }
}

/// How much room a row of a list takes; kept in a cookie like the colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Density {
    /// 32 px.
    #[default]
    Compact,
    /// 40 px.
    Comfortable,
}

impl Density {
    /// Every density, in the order of the switch.
    pub(crate) const ALL: [Self; 2] = [Self::Compact, Self::Comfortable];

    /// The word in the cookie.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Compact => "compact",
            Self::Comfortable => "comfortable",
        }
    }

    /// The density of this name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.as_str() == text)
    }
}

/// An entry of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Shown name.
    pub title: &'static str,
    /// Its path below `/p/{project}/`.
    pub path: &'static str,
    /// Its icon.
    pub icon: Icon,
    /// The letter after `g`.
    pub key: &'static str,
}

/// The navigation: pages that exist, and no others.
pub(crate) const NAV: &[Entry] = &[
    Entry { title: "Overview", path: "overview", icon: Icon::Overview, key: "o" },
    Entry { title: "Live", path: "live", icon: Icon::Live, key: "l" },
    Entry { title: "Sessions", path: "sessions", icon: Icon::Sessions, key: "s" },
    Entry { title: "Tools", path: "tools", icon: Icon::Tools, key: "t" },
    Entry { title: "Issues", path: "issues", icon: Icon::Issues, key: "e" },
    Entry { title: "Goals", path: "goals", icon: Icon::Flag, key: "i" },
    Entry { title: "Clients", path: "clients", icon: Icon::Clients, key: "c" },
    Entry { title: "People", path: "people", icon: Icon::People, key: "p" },
    Entry { title: "Catalog", path: "catalog", icon: Icon::Catalog, key: "a" },
    Entry { title: "Settings", path: "settings", icon: Icon::Settings, key: "," },
    Entry { title: "Add a source", path: "setup", icon: Icon::Source, key: "+" },
];

/// What the bar below the top offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    /// Period and filters.
    Full,
    /// Filters without a period: the live page.
    Filters,
    /// The title only.
    Title,
}

/// What a page is framed with.
#[derive(Clone, Debug)]
pub(crate) struct Frame<'a> {
    /// The reader's colours.
    pub theme: Theme,
    /// The reader's rows.
    pub density: Density,
    /// The project of the page; none before there is one.
    pub project: Option<&'a Project>,
    /// Projects to switch to.
    pub projects: &'a [Project],
    /// Page title, also the `h1`.
    pub title: &'a str,
    /// The list this page belongs to: title and address.
    pub parent: Option<(&'a str, String)>,
    /// Where we are: the path below `/p/{project}/` of the navigation's entry.
    pub at: &'a str,
    /// Path of this page, for links to itself.
    pub path: &'a str,
    /// Its query.
    pub params: &'a Params,
    /// What the bar offers.
    pub bar: Bar,
    /// A question that cannot be asked.
    pub bad: Option<&'a BadAsk>,
    /// The present time.
    pub now: Timestamp,
    /// The page's list as a file.
    pub export: Option<Links>,
    /// The period of the page, where it has one.
    pub period: Option<Period>,
    /// What is selected, beside the page.
    pub panel: Option<Markup>,
    /// Environments of the project, to choose from.
    pub environments: &'a [String],
    /// Whether the project says who its own people are.
    pub own_people: bool,
    /// The menu of saved views.
    pub views: Markup,
    /// The status line's left end.
    pub status: Markup,
}

/// A whole page.
pub(crate) fn page(frame: &Frame<'_>, body: Markup) -> Markup {
    let title = match frame.project {
        Some(p) => format!("{} · {} · Trackway", frame.title, hostile::plain(&p.name, 60)),
        None => format!("{} · Trackway", frame.title),
    };
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(frame.theme.as_str()) data-density=(frame.density.as_str()) {
            (head(&title))
            body data-page=(frame.at) {
                a.skip href="#main" { "Skip to content" }
                (top(frame))
                div.frame.beside[frame.panel.is_some()] {
                    (nav(frame))
                    main #main tabindex="-1" {
                        (bar::view(frame))
                        @if frame.project.is_some_and(|p| p.demo) {
                            p.strip.demo data-testid="demo-strip" { (icon(Icon::Info)) "Demo data: invented people and traffic" }
                        }
                        div #offline.strip.warn role="status" hidden { (icon(Icon::Warn)) span { "Not connected, retrying." } }
                        div.page { (body) }
                        footer.status {
                            (frame.status)
                            span.grow {}
                            span { "Times in " (zone_name(frame.params)) }
                        }
                    }
                    @if let Some(panel) = &frame.panel { (panel) }
                }
                (keys::sheet())
                div #say.sr aria-live="polite" {}
            }
        }
    }
}

/// A page without navigation: sign-in and full errors.
pub(crate) fn bare(theme: Theme, title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(theme.as_str()) {
            (head(&format!("{title} · Trackway")))
            body.bare data-page="bare" {
                main #main.card { p.brand { (logo()) span { "Trackway" } } h1 { (title) } (body) }
            }
        }
    }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="robots" content="noindex";
            meta name="htmx-config" content=r#"{"includeIndicatorCSS":false,"history":false,"defaultTimeout":15000}"#;
            title { (title) }
            link rel="icon" type="image/svg+xml" href=(assets::url("favicon.svg"));
            link rel="preload" as="font" type="font/woff2" crossorigin href=(assets::url("hanken-grotesk.woff2"));
            link rel="stylesheet" href=(assets::url("trackway.css"));
            script defer src=(assets::url("htmx.min.js")) {}
            script type="module" src=(assets::url("app.js")) {}
            script type="module" src=(assets::url("charts.js")) {}
        }
    }
}

fn top(frame: &Frame<'_>) -> Markup {
    html! {
        header.top {
            a.brand href="/" aria-label="Trackway, home" { (logo()) span { "Trackway" } }
            @if let Some(project) = frame.project {
                (switcher(frame, project))
                form.jump role="search" action=(link::path(project.id.as_str(), "jump")) method="get" {
                    (icon(Icon::Search))
                    input #jump type="search" name="q" placeholder="Search or jump" aria-label="Search sessions, or jump to a page, tool, person, issue or id" autocomplete="off" spellcheck="false" maxlength="400"
                        data-list=(link::path(project.id.as_str(), "jump/list"));
                    kbd { "Ctrl K" }
                    div #jump-list.pop role="listbox" aria-label="Where to jump" hidden {}
                }
                (live_dot(project, frame.now))
            } @else { span.grow {} }
            (zones(frame))
            (look(frame))
            button.quiet popovertarget="keys" title="Keyboard" { (icon(Icon::Keys)) span.sr { "Keyboard shortcuts" } }
            form method="post" action="/logout" { button.quiet title="Sign out" { (icon(Icon::Leave)) span.sr { "Sign out" } } }
        }
    }
}

/// Colours and rows.
fn look(frame: &Frame<'_>) -> Markup {
    let next = format!("{}{}", frame.path, frame.params.query());
    html! {
        details.menu.look {
            summary title="Colours and rows" { (icon(Icon::Theme)) span.sr { "Colours and rows" } }
            div.pop {
                form method="post" action="/theme" {
                    input type="hidden" name="next" value=(next);
                    span.label #look-theme { "Colours" }
                    div.segments role="group" aria-labelledby="look-theme" { @for theme in Theme::ALL {
                        button name="theme" value=(theme.as_str()) aria-pressed=((theme == frame.theme).to_string()) { (theme.as_str()) }
                    } }
                }
                form method="post" action="/density" {
                    input type="hidden" name="next" value=(next);
                    span.label #look-density { "Rows" }
                    div.segments role="group" aria-labelledby="look-density" { @for density in Density::ALL {
                        button name="density" value=(density.as_str()) aria-pressed=((density == frame.density).to_string()) { (density.as_str()) }
                    } }
                }
            }
        }
    }
}

fn switcher(frame: &Frame<'_>, project: &Project) -> Markup {
    html! {
        details.menu {
            summary { span.name { (hostile::line(&project.name, 40)) } (icon(Icon::Down)) span.sr { ", switch project" } }
            div.pop {
                @if frame.projects.len() > 5 { input #find-project.js-only type="search" placeholder="Find a project" aria-label="Find a project" autocomplete="off" hidden; }
                ul #projects {
                    @for p in frame.projects.iter().take(200) {
                        li { a href=(link::path(p.id.as_str(), "overview")) aria-current=[(p.id == project.id).then_some("true")] {
                            span.name { (hostile::line(&p.name, 60)) @if p.demo { span.tag { "demo" } } }
                            span.id { (p.id) }
                            span.when { @match p.last_event_at { Some(at) => (format::ago(at, frame.now)), None => "no event yet" } }
                        } }
                    }
                }
                a.more href="/projects/new" { (icon(Icon::Source)) "New project" }
            }
        }
    }
}

/// The zone that times are in, as its name.
fn zone_name(params: &Params) -> String {
    match params.tz.as_deref().filter(|name| period::zone(Some(name)).is_ok()) {
        Some(name) => hostile::plain(name, 40),
        None => "UTC".to_owned(),
    }
}

/// The choice of a time zone: UTC, the browser's own where script tells it, or any by its name.
fn zones(frame: &Frame<'_>) -> Markup {
    let here = Params { tz: None, ..frame.params.clone() };
    let name = zone_name(frame.params);
    html! {
        details.menu.zones {
            summary title="Time zone of all times and days" { span.sr { "Time zone: " } span { (name.rsplit('/').next().unwrap_or("UTC").replace('_', " ")) } (icon(Icon::Down)) }
            form.pop method="post" action="/zone" {
                input type="hidden" name="next" value=(format!("{}{}", frame.path, here.query()));
                button name="zone" value="UTC" aria-pressed=((name == "UTC").to_string()) { "UTC" }
                button #own-zone name="zone" value="" hidden { "This browser: " span {} }
                label for="zone-name" { "Another, by its IANA name" }
                span.row { input #zone-name name="zone" form="zone-form" placeholder="Europe/Berlin" maxlength="64" autocomplete="off" spellcheck="false" required value=[(name != "UTC").then_some(&name)]; button form="zone-form" { "Set" } }
            }
            form #zone-form method="post" action="/zone" { input type="hidden" name="next" value=(format!("{}{}", frame.path, here.query())); }
        }
    }
}

fn live_dot(project: &Project, now: Timestamp) -> Markup {
    let age = project.last_event_at.map(|at| now.since(at));
    html! {
        a.dot.on[age.is_some_and(|us| us < 60_000_000)] href=(link::path(project.id.as_str(), "live")) {
            svg width="8" height="8" viewBox="0 0 8 8" aria-hidden="true" { circle cx="4" cy="4" r="3" {} }
            span { @match project.last_event_at {
                None => "no event yet",
                Some(_) if age.is_some_and(|us| us < 60_000_000) => "live",
                Some(at) => { "last event " (format::ago(at, now)) }
            } }
        }
    }
}

fn nav(frame: &Frame<'_>) -> Markup {
    let carried = frame.params.carried().query();
    html! {
        nav.side aria-label="Pages" {
            @if let Some(project) = frame.project {
                ul data-needs=(link::path(project.id.as_str(), "needs")) { @for entry in NAV {
                    @let here = entry.path == frame.at;
                    @let query = if matches!(entry.path, "setup" | "settings") { "" } else { &carried };
                    li { a href=(format!("{}{query}", link::path(project.id.as_str(), entry.path))) title=(entry.title)
                        aria-current=[here.then_some("page")] data-go=(entry.key) data-testid=(format!("nav-{}", entry.path)) {
                        (icon(entry.icon)) span { (entry.title) }
                    } }
                } }
            } @else {
                ul { li { a href="/setup" aria-current="page" data-testid="nav-setup" { (icon(Icon::Source)) span { "Set up" } } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn themes_by_name() {
        for theme in Theme::ALL {
            assert_eq!(Theme::parse(theme.as_str()), Some(theme));
        }
        assert_eq!(Theme::parse("<script>"), None);
    }
}
