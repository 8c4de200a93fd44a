//! Every list as a file: CSV and JSON of exactly the rows that a page's period and filter choose, and the address of the
//! same question in the API (`dashboard.md` P2).
//!
//! Called through `/p/{p}/export/{file}`; the frame draws the links of [`of_page`]. Rows are the objects of the API, so that a
//! file shows no number of its own. A file is streamed page by page of the list as fast as its reader takes it; a list that
//! fails midway breaks the download off, so that a short file never passes for a whole one. Cells that a spreadsheet would
//! run are made text ([`csv`]).

mod csv;

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use trackway_core::filter::{Condition, Field, Op};
use trackway_event::{Kind, limits};
use trackway_store::Store;
use trackway_store::query::*;

use super::link::{self, Params};
use super::visit::{self, Visit};
use super::{issues, sessions};
use crate::api::objects::*;
use crate::problem::Problem;

/// Rows of one file; a longer list ends with a line that says so.
const ROWS: usize = 100_000;

/// A list that can be taken along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Sessions,
    Events,
    Wishes,
    Feedback,
    Tools,
    Resources,
    Prompts,
    Issues,
    People,
    Accounts,
    Clients,
    Intents,
}

/// A column: its head, and where its value is in the row's object.
type Column = (&'static str, &'static str);

struct Table {
    list: List,
    /// The file's name, before `.csv` and `.json`.
    name: &'static str,
    /// The page and tab that show it.
    page: (&'static str, &'static str),
    /// The API's question, with the key that its tab stands for.
    api: (&'static str, &'static str),
    columns: &'static [Column],
}

const SESSION: &[Column] = &[
    ("id", "/id"),
    ("started_at", "/started_at"),
    ("last_event_at", "/last_event_at"),
    ("duration_ms", "/duration_ms"),
    ("person", "/actor/id"),
    ("person_name", "/actor/name"),
    ("client", "/client/name"),
    ("client_version", "/client/version"),
    ("server", "/server/name"),
    ("server_version", "/server/version"),
    ("calls", "/tool_calls"),
    ("errors", "/errors"),
    ("missing_reports", "/missing_reports"),
    ("events", "/events"),
    ("context_tokens", "/context_tokens"),
    ("ending", "/ending"),
    ("why", "/why"),
    ("session_source", "/session_source"),
    ("intents", "/intents"),
    ("goal", "/goal"),
];
const EVENT: &[Column] = &[
    ("id", "/id"),
    ("started_at", "/started_at"),
    ("session", "/session_id"),
    ("kind", "/kind"),
    ("status", "/status"),
    ("tool", "/tool"),
    ("resource", "/resource"),
    ("duration_ms", "/duration_ms"),
    ("person", "/actor/id"),
    ("person_name", "/actor/name"),
    ("client", "/client/name"),
    ("client_version", "/client/version"),
    ("server", "/server/name"),
    ("server_version", "/server/version"),
    ("intent", "/intent"),
    ("intent_source", "/intent_source"),
    ("error_type", "/error/type"),
    ("error", "/error/message"),
    ("input", "/input"),
    ("notes", "/notes"),
];
const TOOL: &[Column] = &[
    ("name", "/name"),
    ("calls", "/calls/calls"),
    ("finished", "/calls/finished"),
    ("failed", "/calls/failed"),
    ("failed_share", "/calls/failed_share"),
    ("p50_ms", "/calls/p50_ms"),
    ("p95_ms", "/calls/p95_ms"),
    ("p99_ms", "/calls/p99_ms"),
    ("sessions", "/sessions"),
    ("people", "/people"),
    ("tokens_in", "/calls/tokens_in"),
    ("tokens_out", "/calls/tokens_out"),
    ("attempts", "/signals/attempts/chains"),
    ("first_try", "/signals/attempts/first_try"),
    ("repeats", "/signals/repeats"),
    ("result_p50_tokens", "/signals/weight/p50_tokens"),
    ("result_p95_tokens", "/signals/weight/p95_tokens"),
    ("definition_tokens", "/definition_tokens"),
    ("standing", "/standing"),
    ("mime_type", "/content/mime_types/0/name"),
    ("bytes_p50", "/content/bytes_p50"),
    ("bytes_max", "/content/bytes_max"),
    ("filled", "/content/filled"),
    ("first_at", "/first_at"),
    ("last_at", "/last_at"),
];
const ISSUE: &[Column] = &[
    ("id", "/id"),
    ("title", "/title"),
    ("tool", "/tool"),
    ("class", "/class"),
    ("error_type", "/error_type"),
    ("events", "/events"),
    ("sessions", "/sessions"),
    ("people", "/people"),
    ("first_seen", "/first_seen"),
    ("last_seen", "/last_seen"),
    ("since_version", "/since_version"),
    ("state", "/state"),
    ("assignee", "/assignee"),
    ("attempts", "/recovery/attempts"),
    ("recovered", "/recovery/recovered"),
    ("fingerprint", "/fingerprint"),
];
const PERSON: &[Column] = &[
    ("id", "/id"),
    ("name", "/name"),
    ("sessions_ever", "/sessions"),
    ("calls_ever", "/tool_calls"),
    ("errors_ever", "/errors"),
    ("first_seen", "/first_seen"),
    ("last_seen", "/last_seen"),
    ("properties", "/properties"),
];
const ACCOUNT: &[Column] = &[
    ("type", "/type"),
    ("key", "/key"),
    ("name", "/name"),
    ("people_ever", "/people"),
    ("sessions_ever", "/sessions"),
    ("calls_ever", "/tool_calls"),
    ("errors_ever", "/errors"),
    ("events_ever", "/events"),
    ("first_seen", "/first_seen"),
    ("last_seen", "/last_seen"),
    ("properties", "/properties"),
];
const CLIENT: &[Column] = &[
    ("client", "/client/name"),
    ("version", "/client/version"),
    ("sessions", "/sessions"),
    ("calls", "/calls/calls"),
    ("finished", "/calls/finished"),
    ("failed", "/calls/failed"),
    ("failed_share", "/calls/failed_share"),
    ("p50_ms", "/calls/p50_ms"),
    ("p95_ms", "/calls/p95_ms"),
    ("p99_ms", "/calls/p99_ms"),
    ("last_at", "/last_at"),
];
const INTENT: &[Column] = &[
    ("phrase", "/phrase"),
    ("phrases", "/phrases"),
    ("calls", "/calls"),
    ("finished", "/finished"),
    ("failed", "/failed"),
    ("recovered", "/recovered"),
    ("sessions", "/sessions"),
    ("tools", "/tools"),
    ("last_at", "/last_at"),
    ("newest_session", "/newest_session"),
];

const fn table(
    list: List,
    name: &'static str,
    page: (&'static str, &'static str),
    api: (&'static str, &'static str),
    columns: &'static [Column],
) -> Table {
    Table { list, name, page, api, columns }
}

/// Every list; a new one is a line here, and a way to ask for its rows below.
const TABLES: &[Table] = &[
    table(List::Sessions, "sessions", ("sessions", ""), ("sessions", ""), SESSION),
    table(List::Events, "events", ("live", ""), ("events", ""), EVENT),
    table(List::Wishes, "wishes", ("goals", "missing"), ("events", "f=signal:eq:missing"), EVENT),
    table(List::Feedback, "feedback", ("goals", "feedback"), ("events", "f=kind:eq:feedback"), EVENT),
    table(List::Intents, "intents", ("goals", ""), ("intents", ""), INTENT),
    table(List::Tools, "tools", ("tools", ""), ("tools", ""), TOOL),
    table(List::Resources, "resources", ("tools", "resources"), ("tools", "kind=resource_read"), TOOL),
    table(List::Prompts, "prompts", ("tools", "prompts"), ("tools", "kind=prompt_get"), TOOL),
    table(List::Issues, "issues", ("issues", ""), ("issues", ""), ISSUE),
    table(List::People, "people", ("people", ""), ("people", ""), PERSON),
    table(List::Accounts, "accounts", ("people", "accounts"), ("accounts", ""), ACCOUNT),
    table(List::Clients, "clients", ("clients", ""), ("clients", ""), CLIENT),
];

/// Addresses of the same rows elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Links {
    /// As a spreadsheet.
    pub csv: String,
    /// As objects.
    pub json: String,
    /// The question in the API.
    pub api: String,
}

/// The links of the list that this page shows, with its period and filter; `None` where a page is no list.
pub(crate) fn of_page(project: &str, page: &str, params: &Params) -> Option<Links> {
    let tab = params.tab.as_deref().unwrap_or("");
    let mut here = TABLES.iter().filter(|t| t.page.0 == page);
    let table = here.clone().find(|t| t.page.1 == tab).or_else(|| here.next())?;
    // the tabs of sessions, issues and tools choose rows; those of other pages choose the list
    let tab =
        params.tab.clone().filter(|_| matches!(table.list, List::Sessions | List::Issues | List::Tools));
    let kept = Params { tab, sort: params.sort.clone(), ..params.carried() };
    let query = kept.query();
    let file =
        |kind: &str| format!("{}{query}", link::path(project, &format!("export/{}.{kind}", table.name)));
    let (question, key) = table.api;
    let more = match (query.is_empty(), key.is_empty()) {
        (_, true) => query.clone(),
        (true, false) => format!("?{key}"),
        (false, false) => format!("{query}&{key}"),
    };
    let api = format!("/api/v1/projects/{}/{question}{more}", link::encode(project));
    Some(Links { csv: file("csv"), json: file("json"), api })
}

/// `/p/{p}/export/{file}`
pub(crate) async fn show(visit: Visit, Path((_, file)): Path<(String, String)>) -> Response {
    let found = file.rsplit_once('.').and_then(|(name, form)| {
        let form = match form {
            "csv" => Form::Csv,
            "json" => Form::Json,
            _ => return None,
        };
        Some((TABLES.iter().find(|t| t.name == name)?, form))
    });
    let Some((table, form)) = found else {
        return visit::problem_page(visit.guest.theme, &Problem::not_found());
    };
    let scope = match visit.scope() {
        Ok(scope) => scope,
        Err(bad) => return visit.bad("Export", table.page.0, super::frame::Bar::Full, &bad),
    };
    let mut file = File { visit, table, form, scope, after: None, rows: 0, ended: false };
    let first = match file.next_rows().await {
        Ok(rows) => rows,
        Err(problem) => return file.visit.failed("Export", table.page.0, super::frame::Bar::Full, &problem),
    };
    let name = format!("{}-{}.{}", file.visit.project.id, table.name, form.as_str());
    let head = form.head(table) + &first;
    let body = stream::unfold((file, Some(head)), |(mut file, head)| async move {
        if let Some(head) = head {
            return Some((Ok(head), (file, None)));
        }
        if file.ended {
            return None;
        }
        let rows = file.next_rows().await.map_err(|p| std::io::Error::other(p.detail));
        file.ended |= rows.is_err();
        Some((rows, (file, None)))
    });
    let mut response = (StatusCode::OK, Body::from_stream(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.mime()));
    // ids are letters, digits, - and _
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
}

impl Form {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    const fn mime(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
        }
    }

    fn head(self, table: &Table) -> String {
        match self {
            Self::Csv => csv::line(table.columns.iter().map(|(head, _)| csv::Cell::Text(head))),
            Self::Json => "{\"items\":[".to_owned(),
        }
    }
}

/// A file being written.
struct File {
    visit: Visit,
    table: &'static Table,
    form: Form,
    scope: Scope,
    after: Option<String>,
    rows: usize,
    ended: bool,
}

impl File {
    /// The text of the next page of rows; ends the file with the last one.
    async fn next_rows(&mut self) -> Result<String, Problem> {
        let (list, key, project) = (self.table.list, self.visit.project.key, self.visit.project.id.clone());
        let page = PageAsk { after: self.after.take(), limit: limits::PAGE_ROWS_MAX };
        let (scope, params) = (self.scope.clone(), self.visit.guest.params.clone());
        let asked = Ask { key, project: project.as_str().to_owned(), scope, page, params };
        let (rows, next, partial) = self.visit.ask("export", move |store| list.rows(store, asked)).await?;
        let mut out = String::new();
        for row in &rows {
            match self.form {
                Form::Csv => {
                    let cells = self.table.columns.iter().map(|(_, at)| csv::Cell::Value(row.pointer(at)));
                    out.push_str(&csv::line(cells));
                }
                Form::Json => {
                    out.push_str(if self.rows == 0 { "\n" } else { ",\n" });
                    out.push_str(&row.to_string());
                }
            }
            self.rows += 1;
        }
        let cut = (next.is_some() && self.rows >= ROWS)
            .then(|| format!("cut at {ROWS} rows; narrow the period or the filter"));
        self.ended = next.is_none() || cut.is_some() || rows.is_empty();
        self.after = next;
        if self.ended {
            let missing = cut.or(partial);
            match (self.form, missing) {
                (Form::Csv, None) => {}
                (Form::Csv, Some(why)) => {
                    out.push_str(&csv::line([csv::Cell::Text(&format!("partial: {why}"))].into_iter()));
                }
                (Form::Json, why) => {
                    let why = serde_json::to_string(&why).unwrap_or_else(|_| "null".into());
                    out.push_str(&format!("\n],\"next\":null,\"partial\":{why}}}\n"));
                }
            }
        }
        Ok(out)
    }
}

struct Ask {
    key: trackway_store::ProjectKey,
    project: String,
    scope: Scope,
    page: PageAsk,
    params: Params,
}

/// Rows as objects, the cursor of the next page, and what is missing.
type Rows = (Vec<Value>, Option<String>, Option<String>);

impl List {
    fn rows(self, store: &dyn Store, ask: Ask) -> trackway_store::Result<Rows> {
        let Ask { key, project, mut scope, page, params } = ask;
        let sort = params.sort;
        let list = |scope| ListAsk { scope, page: page.clone(), sort: sort.clone() };
        let preset = params.tab.as_deref().and_then(ToolPreset::parse).unwrap_or_default();
        let (depth, at) = (Depth::Whole, page.clone());
        let tools =
            |scope, kind| ToolsAsk { scope, kind, sort: sort.clone(), preset, depth, page: at.clone() };
        Ok(match self {
            Self::Sessions => {
                let tab = sessions::tab_of(params.tab.as_deref());
                let page = store.sessions(key, &SessionsAsk { scope, page, sort, tab })?;
                of(page, |row| SessionObject::of(&project, row))
            }
            Self::Events | Self::Wishes | Self::Feedback => {
                let only = match self {
                    Self::Wishes => Some((Field::Signal, "missing")),
                    Self::Feedback => Some((Field::Kind, Kind::Feedback.as_str())),
                    Self::Events
                    | Self::Sessions
                    | Self::Tools
                    | Self::Resources
                    | Self::Prompts
                    | Self::Issues
                    | Self::People
                    | Self::Accounts
                    | Self::Clients
                    | Self::Intents => None,
                };
                let only =
                    only.map(|(field, word)| Condition { field, op: Op::Eq, values: vec![word.to_owned()] });
                scope.filter.conditions.extend(only);
                of(store.events(key, &EventsAsk { scope, page, protocol: Protocol::Hidden })?, |row| {
                    EventObject::of(&project, row)
                })
            }
            Self::Tools => of(store.tools(key, &tools(scope, Kind::ToolCall))?, ToolObject::from),
            Self::Resources => of(store.tools(key, &tools(scope, Kind::ResourceRead))?, ToolObject::from),
            Self::Prompts => of(store.tools(key, &tools(scope, Kind::PromptGet))?, ToolObject::from),
            Self::Issues => of(
                store.issues(key, &list(scope), issues::tab_of(params.tab.as_deref()))?.page,
                IssueObject::from,
            ),
            Self::People => of(store.people(key, &list(scope))?, PersonObject::from),
            Self::Accounts => {
                let ask = AccountsAsk { scope, kind: None, page, sort };
                of(store.accounts(key, &ask)?, AccountObject::from)
            }
            Self::Clients => (
                store.clients(key, &scope)?.into_iter().map(|r| value(ClientObject::from(r))).collect(),
                None,
                None,
            ),
            Self::Intents => {
                let found = store.intents(key, &scope)?;
                let partial = found.partial.clone();
                (found.rows.into_iter().map(|r| value(IntentObject::from(r))).collect(), None, partial)
            }
        })
    }
}

fn of<R, T: Serialize>(page: Page<R>, mut object: impl FnMut(R) -> T) -> Rows {
    (page.items.into_iter().map(|row| value(object(row))).collect(), page.next, page.partial)
}

fn value<T: Serialize>(object: T) -> Value {
    // the objects hold strings, numbers and maps with string keys: nothing that could fail
    serde_json::to_value(object).unwrap_or(Value::Null)
}
