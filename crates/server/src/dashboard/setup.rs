//! Onboarding (`dashboard.md` §7.1): name a project, connect a source, see the first event, and what was refused.
//!
//! `/setup` and `/projects/new` name a project; `/p/{project}/setup` connects sources to it. Refused bodies are shown with
//! their reason; those of an unknown project can be adopted with one click, and are then replayed.

use maud::{Markup, html};
use trackway_store::Quarantined;
use trackway_store::query::EventRow;

use super::checklist::{self, Checklist};
use super::icons::{Icon, icon};
use super::link;
use super::place::Place;
use super::{format, hostile, parts, steps};
use trackway_event::{ProjectId, Timestamp};

/// Characters of a project's name.
pub(crate) const NAME_CHARS: usize = 80;

/// What `/setup` and `/projects/new` show.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewVm {
    /// What was typed.
    pub name: String,
    /// What was typed.
    pub id: String,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Refused bodies, newest first.
    pub refused: Vec<Quarantined>,
    /// Whether the viewer may make projects.
    pub may_create: bool,
}

/// Which way to connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// `trackway wrap`.
    #[default]
    NoCode,
    /// The crate `trackway`.
    Rust,
    /// AgentCat's SDKs.
    AgentCat,
    /// MCPcat's older SDKs.
    McpCat,
    /// PostHog's SDKs.
    PostHog,
    /// The native batch.
    Http,
}

impl Way {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::NoCode, "", "No code"),
        (Self::Rust, "rust", "Rust"),
        (Self::AgentCat, "agentcat", "I use AgentCat"),
        (Self::McpCat, "mcpcat", "I use MCPcat"),
        (Self::PostHog, "posthog", "I use PostHog"),
        (Self::Http, "http", "Plain HTTP"),
    ];

    /// The way of this key; unknown ones are the first.
    pub(crate) fn of(key: Option<&str>) -> Self {
        Self::ALL.iter().find(|(_, k, _)| Some(*k) == key).map_or(Self::NoCode, |(way, _, _)| *way)
    }
}

/// What `/p/{project}/setup` shows.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    /// How to connect.
    pub way: Way,
    /// Base address of this server, as the browser reached it.
    pub origin: String,
    /// Newest events first, few.
    pub recent: Vec<EventRow>,
    /// Refused bodies, newest first.
    pub refused: Vec<Quarantined>,
    /// What is set up.
    pub checklist: Checklist,
    /// Whether the viewer may send a test event and adopt projects.
    pub may_write: bool,
}

/// The body of `/setup` and `/projects/new`.
pub(crate) fn new_view(vm: &NewVm, now: Timestamp) -> Markup {
    html! {
        p.lede data-testid="lede" { "A project is one MCP server, or one deployment of it. Name it, connect it, and watch its first call." }
        section.panel.stepbox {
            h2 { "Name it" }
            @if let Some(error) = &vm.error { p.strip.fail role="alert" data-testid="form-error" { (icon(Icon::Fail)) span { (hostile::line(error, 300)) } } }
            @if vm.may_create {
                form.fields method="post" action="/projects/new" {
                    div { label for="name" { "Name" } input #name name="name" value=(vm.name) required maxlength=(NAME_CHARS) placeholder="shop-mcp" autocomplete="off" autofocus[vm.error.is_none()]; }
                    div { label for="id" { "Id " span.dim { "made from the name if left empty" } } input #id.mono name="id" value=(vm.id) maxlength="64" placeholder="proj_shop_mcp" pattern="proj_[A-Za-z0-9_\\-]{1,59}" autocomplete="off" spellcheck="false"; }
                    button.primary { "Create" }
                }
            } @else { p.quiet { "This sign-in may only read. Ask an admin to create the project, or run: trackway project create NAME" } }
        }
        @if !vm.refused.is_empty() { (refused(&vm.refused, vm.may_create, now, "Waiting for a project")) }
    }
}

/// The body of `/p/{project}/setup`.
pub(crate) fn view(vm: &Vm, place: &Place<'_>) -> Markup {
    html! {
        p.lede data-testid="lede" {
            @if vm.recent.is_empty() { "Listening for the first event of " b { (place.project) } ". Connect a source below; this page notices by itself." }
            @else { "Events arrive in " b { (place.project) } ". Connect another source, or close what the checklist leaves open." }
        }
        div.grid {
            div.col-8 { (connect(vm, place)) div #arrivals data-refresh=(place.path) { (arrivals(vm, place)) } }
            div.col-4 { (checklist::view(&vm.checklist, &checklist::Shown::Setup)) }
        }
    }
}

/// What has arrived and what was refused; refreshed by itself.
pub(crate) fn arrivals(vm: &Vm, place: &Place<'_>) -> Markup {
    html! {
        section.panel.stepbox data-testid="arrivals" {
            h2 { span.no { "2" } @if vm.recent.is_empty() { "First event" } @else { "Newest events" } }
            @if vm.recent.is_empty() {
                p.listening { (icon(Icon::Open)) "listening" span.dim { " for POST " (vm.origin) "/… with project " span.mono { (place.project) } } }
            } @else {
                ul.arrivals { @for e in vm.recent.iter().take(5) { li data-testid="arrival" {
                    (icon(if steps::is_failure(e) { Icon::Fail } else { Icon::Tick }))
                    span.when { (format::time(e.started_at, &format::clock(e.started_at))) }
                    span.grow { (parts::subject(e)) @if let Some(us) = e.duration_us { " " span.dim { (format::duration(us)) } } @if let Some(c) = &e.client { " " span.dim { (parts::peer_text(c)) } } }
                    @if let Some(id) = &e.session_id { a href=(link::session(place.project, id.as_str())) { "Open this session" } }
                } } }
            }
            @if vm.may_write && vm.recent.is_empty() {
                form method="post" action=(format!("{}/test", place.path)) { button { "Send a test event" } }
            }
        }
        @if !vm.refused.is_empty() { (refused(&vm.refused, vm.may_write, place.now, "Refused")) }
    }
}

/// Refused bodies, with one click to adopt the project they named.
pub(crate) fn refused(rows: &[Quarantined], may_adopt: bool, now: Timestamp, title: &str) -> Markup {
    let mut offered: Vec<&str> = Vec::new();
    let mut firsts = Vec::with_capacity(rows.len());
    for q in rows {
        let adopt = q
            .project_text
            .as_deref()
            .filter(|t| q.replayable && may_adopt && ProjectId::parse(t).is_ok() && !offered.contains(t));
        offered.extend(adopt);
        firsts.push((q, adopt));
    }
    html! {
        section.panel.stepbox data-testid="refused" {
            h2 { (icon(Icon::Warn)) (title) }
            ul.arrivals.refused { @for (q, adopt) in firsts.iter().take(20) { li data-testid="refused-row" {
                span.when { (format::time(q.at, &format::ago(q.at, now))) }
                span.grow {
                    b { (q.reason.as_str().replace('_', " ")) }
                    @if let Some(text) = &q.project_text { " " span.mono { (hostile::line(text, 64)) } }
                    " " span.dim { (format::counted(q.events, "event", "events")) ", " (format::bytes(q.bytes)) " by " span.mono { (hostile::line(&q.route, 60)) } @if let Some(ua) = &q.user_agent { ", " (hostile::line(ua, 50)) } }
                    p.dim { (q.reason.explain()) @if q.replayable { "; kept for a replay" } "." }
                    @if !q.preview.is_empty() && !q.replayable { pre { (hostile::line(&q.preview, 160)) } }
                }
                @if let Some(id) = adopt { form method="post" action="/setup/adopt" {
                    input type="hidden" name="id" value=(id);
                    button { "Create it and replay" }
                } }
            } } }
        }
    }
}

fn connect(vm: &Vm, place: &Place<'_>) -> Markup {
    let project = place.project;
    let origin = &vm.origin;
    html! {
        section.panel.stepbox {
            h2 { span.no { "1" } "Connect" }
            nav.tabs aria-label="Ways to connect" { @for (way, key, name) in Way::ALL {
                a href=(if key.is_empty() { place.path.to_owned() } else { format!("{}?tab={key}", place.path) }) aria-current=[(way == vm.way).then_some("page")] { (name) }
            } }
            @match vm.way {
                Way::NoCode => {
                    p { "Change one line in your client's config. Your server stays as it is; if Trackway is down, it works as without it." }
                    (code("wrap", &format!("- \"command\": \"node\", \"args\": [\"server.js\"]\n+ \"command\": \"trackway\",\n+ \"args\": [\"wrap\", \"--project\", \"{project}\",\n+          \"--endpoint\", \"{origin}\",\n+          \"--\", \"node\", \"server.js\"]")))
                    p { "Or try it in a terminal; your server reads and writes as before:" }
                    (code("wrap-cli", &format!("trackway wrap --project {project} --endpoint {origin} -- node server.js")))
                    p.dim { "--identify-arg NAME takes the user from a tool argument; --report-missing lets agents say which tool they miss." }
                    h3 { "Or give this to your coding agent" }
                    (code("prompt", &format!("Add Trackway to this MCP server. In the MCP client's config, put\n  trackway wrap --project {project} --endpoint {origin} --\nin front of the command that starts the server, and keep its arguments and environment. Change no server code. Then list the tools once and call one.")))
                },
                Way::Rust => {
                    p { "One line around a server made with rmcp. It never slows, fails or ends your server." }
                    (code("rust", &format!("let server = trackway::track(server, \"{project}\", trackway::Options::new().endpoint(\"{origin}\"));")))
                    p.dim { "Options::identify names the user, Options::report_missing lets agents say what they miss (on by default)." }
                },
                Way::AgentCat => {
                    p { "Two environment variables on the machine your server runs on; the code stays as it is." }
                    (code("env", &format!("AGENTCAT_API_URL={origin}\nDISABLE_DIAGNOSTICS=true")))
                    p { "And this project's id where the code names one:" }
                    (code("track", &format!("track(server, \"{project}\", …)")))
                    (versions(&[("TypeScript, npm agentcat", "AGENTCAT_API_URL"), ("Python, PyPI agentcat", "AGENTCAT_API_URL"), ("Rust, agentcat-sdk", "AGENTCAT_API_URL"), ("Go", "MCPCAT_API_URL, or APIBaseURL of the options")]))
                    p.dim { "TypeScript, Python and Rust read AGENTCAT_API_URL; Go reads MCPCAT_API_URL. DISABLE_DIAGNOSTICS keeps the SDK's own log lines from being sent to its makers." }
                },
                Way::McpCat => {
                    p { "One environment variable on the machine your server runs on; the code stays as it is." }
                    (code("env", &format!("MCPCAT_API_URL={origin}")))
                    p { "And this project's id where the code names one:" }
                    (code("track", &format!("track(server, \"{project}\", …)")))
                },
                Way::PostHog => {
                    p { "Two values where your code makes the client; everything else stays as it is." }
                    (versions(&[
                        ("TypeScript, @posthog/mcp", &format!("new PostHog(\"{project}\", {{ host: \"{origin}\" }})")),
                        ("Python, posthog", &format!("Posthog(\"{project}\", host=\"{origin}\")")),
                        ("Rust, posthog-rs", &format!("api_key(\"{project}\"), api_endpoint(\"{origin}\")")),
                        ("Go, posthog-go", &format!("posthog.Config{{Endpoint: \"{origin}\"}}")),
                    ]))
                    p.dim { "The key may be the project's id, an ingest token, or the phc_… key you have: its events are refused and kept until you adopt the key below." }
                    h3 { "Without effect here" }
                    p.dim { (no_effect()) }
                },
                Way::Http => {
                    p { "Any program can send events: up to 1,000 in a batch, plain, gzip or zstd. Each gets its own outcome in the answer." }
                    (code("curl", &format!("curl {origin}/api/v1/ingest -H 'content-type: application/json' -d '{{\n  \"project\": \"{project}\", \"sdk\": {{\"name\": \"curl\", \"version\": \"1\"}}, \"lost\": {{}},\n  \"sent_at\": \"{}\",\n  \"events\": [{{\"id\": \"evt_first\", \"kind\": \"custom\", \"started_at\": \"{}\", \"resource\": \"hello\"}}]\n}}'", place.now, place.now)))
                },
            }
        }
    }
}

/// Which options of PostHog's SDKs nothing here answers.
pub(super) fn no_effect() -> Markup {
    html! { "Feature flags are answered with none; recordings of browsers, " code { "$ip" } " and " code { "$geoip_*" } " are not kept." }
}

/// What changes for each published SDK.
fn versions(rows: &[(&str, &str)]) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label="What changes for each SDK" { table.data {
        caption.sr { "What changes for each SDK" }
        thead { tr { th scope="col" { "SDK" } th scope="col" { "What changes" } } }
        tbody { @for (sdk, change) in rows { tr data-testid="sdk-row" { th scope="row" { (sdk) } td { code { (change) } } } } }
    } } }
}

fn code(id: &str, text: &str) -> Markup {
    html! {
        div.code {
            pre id=(format!("code-{id}")) tabindex="0" { @for line in text.split_inclusive('\n') {
                @if line.starts_with("+ ") { ins { (line) } } @else if line.starts_with("- ") { del { (line) } } @else { (line) }
            } }
            button.quiet data-copy=(format!("#code-{id}")) hidden { (icon(Icon::Copy)) span.sr { "Copy" } }
        }
    }
}

/// An id made from a name: `proj_` and its letters and digits.
pub(crate) fn id_of(name: &str) -> String {
    let mut out = String::from("proj_");
    for c in name.chars().take(40) {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_').to_owned();
    if out == "proj" { "proj_server".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_names() {
        for (name, expect) in [
            ("shop-mcp", "proj_shop_mcp"),
            ("  My  Server! ", "proj_my_server"),
            ("世界", "proj_server"),
            ("", "proj_server"),
        ] {
            assert_eq!(id_of(name), expect);
            assert!(ProjectId::parse(&id_of(name)).is_ok());
        }
        assert!(ProjectId::parse(&id_of(&"x".repeat(500))).is_ok());
    }
}
