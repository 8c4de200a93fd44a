//! Search or jump (`dashboard.md` §2): straight to a thing by its id, else what fits the words: pages, tools, people,
//! clients, issues, saved views, other projects.
//!
//! `/p/{p}/jump?q=…` is the form of the top bar and works without script; `/p/{p}/jump/list?q=…` is the list that script shows
//! below the field while typing. Both find the same things in the same order.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{Markup, html};
use trackway_event::{Kind, Timestamp, limits};
use trackway_store::query::{Depth, ListAsk, PageAsk, Scope, ToolPreset, ToolsAsk};
use trackway_store::{ProjectKey, Store};

use super::icons::{Icon, icon};
use super::visit::{Visit, answer};
use super::{frame, hostile, link, pages, views};

/// Of each sort, at most.
const EACH: usize = 5;
/// How far back names are looked for.
const DAYS: i64 = 30;
const DAY_US: i64 = 86_400_000_000;

/// One place to go.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    sort: &'static str,
    name: String,
    note: String,
    href: String,
    /// Whole days since it was last seen; 0 for what is not seen in data.
    days: i64,
}

/// `/p/{p}/jump?q=…`: straight to what the id names, to the one thing of exactly this name, else a search.
pub(crate) async fn go(visit: Visit) -> Response {
    let text = asked(&visit);
    let sessions = link::path(visit.project.id.as_str(), "sessions");
    if text.is_empty() {
        return Redirect::to(&sessions).into_response();
    }
    let found = find(&visit, &text).await;
    let exact = found.iter().find(|f| f.sort == "Id" || f.name.eq_ignore_ascii_case(&text));
    match exact {
        Some(found) => Redirect::to(&found.href).into_response(),
        None => Redirect::to(&format!("{sessions}?q={}", link::encode(&text))).into_response(),
    }
}

/// `/p/{p}/jump/list?q=…`
pub(crate) async fn list(visit: Visit) -> Response {
    let text = asked(&visit);
    let found = find(&visit, &text).await;
    answer(StatusCode::OK, view(&found, &text, &link::path(visit.project.id.as_str(), "sessions")))
}

fn asked(visit: &Visit) -> String {
    let text = visit.guest.params.q.as_deref().unwrap_or("").trim();
    text.chars().take(256).collect()
}

/// What fits, best first; what the storage cannot tell in time is left out.
async fn find(visit: &Visit, text: &str) -> Vec<Found> {
    let project = visit.project.id.as_str();
    let carried = visit.guest.params.carried();
    let query = link::Params { q: None, ..carried }.query();
    let pages = frame::NAV.iter().map(|entry| Found {
        sort: "Page",
        name: entry.title.to_owned(),
        note: format!("g {}", entry.key),
        href: format!("{}{query}", link::path(project, entry.path)),
        days: 0,
    });
    let mut found: Vec<Found> = best(pages, text, frame::NAV.len());
    let others = visit.guest.projects.iter().filter(|p| p.key != visit.project.key).map(|p| Found {
        sort: "Project",
        name: p.name.clone(),
        note: p.id.as_str().to_owned(),
        href: link::path(p.id.as_str(), "overview"),
        days: 0,
    });
    found.extend(best(others, text, EACH));
    let views = visit.views().await;
    let views = views.iter().map(|v| Found {
        sort: "View",
        name: v.view.name.clone(),
        note: v.view.page.clone(),
        href: views::href(project, v),
        days: 0,
    });
    found.extend(best(views, text, EACH));
    if text.is_empty() {
        return found;
    }
    let scope = Scope {
        period: trackway_store::query::Period {
            from: visit.guest.now.plus_micros(-DAYS * DAY_US),
            to: visit.guest.now,
        },
        ..pages::everything(visit.guest.now)
    };
    let (key, id, words, owner) = (visit.project.key, text.to_owned(), text.to_owned(), project.to_owned());
    let more = visit.ask("jump", move |store| {
        let mut out = by_id(store, key, &owner, &id)?;
        out.extend(by_name(store, key, &owner, &words, scope)?);
        Ok(out)
    });
    let (mut ids, names): (Vec<Found>, Vec<Found>) =
        more.await.unwrap_or_default().into_iter().partition(|f| f.sort == "Id");
    ids.extend(found);
    ids.extend(names);
    ids
}

/// A session, event or issue of this id.
fn by_id(store: &dyn Store, key: ProjectKey, project: &str, id: &str) -> trackway_store::Result<Vec<Found>> {
    let mut out = Vec::new();
    let at = |name: &str, note: &str, href: String| Found {
        sort: "Id",
        name: name.to_owned(),
        note: note.to_owned(),
        href,
        days: 0,
    };
    if id.contains(char::is_whitespace) {
        return Ok(out);
    }
    if store.session(key, id)?.is_some() {
        out.push(at(id, "session", link::session(project, id)));
    }
    let event = if id.starts_with("evt_") { store.event(key, id)? } else { None };
    if let Some(session) = event.and_then(|e| e.row.session_id) {
        out.push(at(
            id,
            "call",
            format!("{}?sel={}", link::session(project, session.as_str()), link::encode(id)),
        ));
    }
    let issue = id.strip_prefix('#').and_then(|n| n.parse::<u64>().ok());
    if let Some(number) = issue {
        out.push(at(id, "issue", format!("{}/{number}", link::path(project, "issues"))));
    }
    Ok(out)
}

/// Tools, issues, people and clients of the last thirty days whose name holds the words.
fn by_name(
    store: &dyn Store,
    key: ProjectKey,
    project: &str,
    words: &str,
    scope: Scope,
) -> trackway_store::Result<Vec<Found>> {
    let page = || PageAsk { after: None, limit: limits::PAGE_ROWS_MAX };
    let list = |sort: &str| ListAsk { scope: scope.clone(), page: page(), sort: Some(sort.to_owned()) };
    let mut out = Vec::new();
    let now = scope.period.to;
    let days = |last: Option<Timestamp>| last.map_or(DAYS, |last| now.since(last) / DAY_US);
    let own = |page: &str, id: &str| {
        (!matches!(id, "" | "." | ".."))
            .then(|| format!("{}/{}", link::path(project, page), link::encode(id)))
    };
    let tools = store.tools(
        key,
        &ToolsAsk {
            scope: scope.clone(),
            kind: Kind::ToolCall,
            sort: None,
            preset: ToolPreset::All,
            depth: Depth::Figures,
            page: page(),
        },
    )?;
    out.extend(best(
        tools.items.into_iter().filter_map(|t| {
            let href = own("tools", &t.name)?;
            Some(Found { sort: "Tool", href, note: String::new(), name: t.name, days: days(t.last_at) })
        }),
        words,
        EACH,
    ));
    let people = store.people(key, &list("-last"))?;
    let person = |p: trackway_store::query::PersonRow| {
        let id = p.actor.id.as_str().to_owned();
        let name = p.actor.name.filter(|n| !n.trim().is_empty()).unwrap_or_else(|| id.clone());
        let days = days(Some(p.last_seen));
        Some(Found { sort: "Person", href: own("people", &id)?, name, note: id, days })
    };
    out.extend(best(people.items.into_iter().filter_map(person), words, EACH));
    let mut clients: Vec<(String, i64)> = Vec::new();
    for row in store.clients(key, &scope)? {
        let Some(client) = row.client else { continue };
        // Its newest version tells when it was last seen.
        match clients.iter_mut().find(|(name, _)| *name == *client.name) {
            Some((_, last)) => *last = days(row.last_at).min(*last),
            None => clients.push((client.name.to_string(), days(row.last_at))),
        }
    }
    let client = |(name, days): (String, i64)| {
        let params = link::Params::default().and("client", "eq", &name);
        Found {
            sort: "Client",
            href: format!("{}{}", link::path(project, "sessions"), params.query()),
            note: "its sessions".into(),
            name,
            days,
        }
    };
    out.extend(best(clients.into_iter().map(client), words, EACH));
    let issues = store.issues(key, &list("-last"), trackway_store::query::IssueTab::All)?;
    let issue = |i: trackway_store::query::IssueRow| Found {
        sort: "Issue",
        href: format!("{}/{}", link::path(project, "issues"), i.id),
        note: format!("#{}", i.id),
        name: i.title,
        days: days(Some(i.last_seen)),
    };
    out.extend(best(issues.page.items.into_iter().map(issue), words, EACH));
    Ok(out)
}

/// Those that hold the words in name or note: the one of exactly this name, then by the day they were last seen; of one day
/// beginnings first, else in the order they came.
fn best(all: impl IntoIterator<Item = Found>, words: &str, most: usize) -> Vec<Found> {
    let words = words.to_lowercase();
    let rank = |f: &Found| {
        let (name, note) = (f.name.to_lowercase(), f.note.to_lowercase());
        if name.starts_with(&words) {
            Some(0)
        } else if name
            .split(|c: char| !c.is_alphanumeric())
            .any(|part| !words.is_empty() && part.starts_with(&words))
        {
            Some(1)
        } else {
            (name.contains(&words) || note.starts_with(&words)).then_some(2)
        }
    };
    let mut ranked: Vec<(u8, Found)> = all.into_iter().filter_map(|f| Some((rank(&f)?, f))).collect();
    ranked.sort_by_key(|(rank, f)| (f.name.to_lowercase() != words, f.days, *rank));
    ranked.into_iter().map(|(_, f)| f).take(most).collect()
}

fn view(found: &[Found], text: &str, sessions: &str) -> Markup {
    html! {
        @for (i, f) in found.iter().enumerate() {
            a role="option" id=(format!("jump-{i}")) aria-selected="false" tabindex="-1" href=(f.href) data-testid="jump-row" {
                span.sort { (f.sort) } span.name { (hostile::line(&f.name, 60)) } span.where { (hostile::line(&f.note, 40)) }
            }
        }
        @if !text.is_empty() {
            a role="option" id="jump-search" aria-selected="false" tabindex="-1" href=(format!("{sessions}?q={}", link::encode(text))) data-testid="jump-search" {
                span.sort { (icon(Icon::Search)) } span.name { "Sessions that mention “" (hostile::line(text, 60)) "”" } span.where {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_come_first() {
        let of = |name: &str, note: &str| Found {
            sort: "Tool",
            name: name.into(),
            note: note.into(),
            href: String::new(),
            days: 0,
        };
        let all =
            [of("list_orders", ""), of("order", ""), of("reorder", ""), of("pay", "ord_1"), of("refund", "")];
        let names: Vec<String> = best(all, "Ord", 5).into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["order", "list_orders", "reorder", "pay"]);
        // What was seen today comes before what was seen last week, but for the one that is named in full.
        let old = |name: &str, days| Found { days, ..of(name, "") };
        let all = [old("orders_old", 8), old("reorder", 0), old("order_book", 1), old("order", 20)];
        let names: Vec<String> = best(all, "order", 3).into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["order", "reorder", "order_book"]);
    }
}
