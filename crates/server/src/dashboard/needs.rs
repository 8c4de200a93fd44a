//! Counters of the navigation (`dashboard.md` §2): only what needs a person, which is new and regressed issues.
//!
//! `/p/{p}/needs` is asked by script once a page is shown, so that no page waits for it, and kept by the browser for a minute.
//! The number is that of the page of issues: the same question, the same rows.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use maud::html;
use trackway_core::filter::Filter;

use trackway_event::limits;
use trackway_store::query::{IssueTab, ListAsk, PageAsk, Period, Scope, State, TimeZone};

use super::format;
use super::visit::{Visit, answer};

/// How far back events make an issue one of now, µs.
const BACK_US: i64 = 7 * 86_400_000_000;

/// `/p/{p}/needs`: a counter for each entry that has one; empty where nothing needs anybody.
pub(crate) async fn show(visit: Visit) -> Response {
    let (key, now) = (visit.project.key, visit.guest.now);
    let period = Period { from: now.plus_micros(-BACK_US), to: now };
    let scope = Scope { period, filter: Filter::default(), zone: TimeZone::UTC };
    let page = PageAsk { after: None, limit: limits::PAGE_ROWS_MAX };
    let ask = ListAsk { scope, page, sort: Some("-state".into()) };
    let found = visit.ask("needs", move |store| store.issues(key, &ask, IssueTab::Open)).await;
    let (n, more) = match &found {
        Ok(list) => {
            let page = &list.page;
            let waits = |state: &State| matches!(state, State::New | State::Regressed(_));
            (page.items.iter().filter(|row| waits(&row.state)).count() as u64, page.next.is_some())
        }
        Err(_) => (0, false),
    };
    let mut response = answer(
        StatusCode::OK,
        html! {
            @if n > 0 { span.count data-entry="issues" data-testid="needs-issues" { (format::count(n)) @if more && n == limits::PAGE_ROWS_MAX as u64 { "+" } span.sr { " new or regressed in 7 days" } } }
        },
    );
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=60"));
    response
}
