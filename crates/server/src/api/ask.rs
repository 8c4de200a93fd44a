//! What a caller asks, from the query string: the keys of dashboard §3 with the same meaning on every surface.

use axum::extract::{FromRequestParts, Query, RawPathParams};
use http::request::Parts;
use trackway_core::filter::Filter;
use trackway_core::period;
use trackway_event::{ProblemCode, Timestamp, limits};
use trackway_store::query::{ListAsk, PageAsk, Period, Scope};

use crate::own;
use crate::problem::Problem;
use crate::state::AppState;

/// The keys, for the OpenAPI document.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "only its description is used")]
pub struct Keys {
    /// Start of the period, included: `now-7d` (default), `now-1d/d`, RFC 3339 or a date.
    from: Option<String>,
    /// End of the period, excluded: `now` (default).
    to: Option<String>,
    /// IANA time zone of day buckets and dates; by default the project's setting `timezone`, else UTC.
    tz: Option<String>,
    /// An environment, the value of the tag `env`; may be repeated, any may hold.
    env: Option<String>,
    /// `out` leaves out the project's own people, by its setting `own_people`.
    own: Option<String>,
    /// A condition `field:op:value`; may be repeated, all must hold.
    f: Option<String>,
    /// Free text over intent, error message, tool and person's name.
    q: Option<String>,
    /// Sort field, `-` first for descending.
    sort: Option<String>,
    /// Cursor of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100.
    n: Option<usize>,
}

/// The parsed keys.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Every pair, for keys of one route only.
    pub pairs: Vec<(String, String)>,
    /// Period, filter and zone.
    pub scope: Scope,
    /// Sort field.
    pub sort: Option<String>,
    /// Page.
    pub page: PageAsk,
}

impl Asked {
    /// Reads a query string's pairs at a time.
    ///
    /// # Errors
    /// `bad_filter` for a condition, `bad_request` for anything else that cannot be read.
    pub fn parse(pairs: Vec<(String, String)>, now: Timestamp) -> Result<Self, Problem> {
        let get = |key: &str| {
            let value = pairs.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
            value.filter(|v| !v.is_empty())
        };
        let bad = |detail: String| Problem::new(ProblemCode::BadRequest, detail);
        let zone = period::zone(get("tz")).map_err(|e| bad(e.to_string()))?;
        let (from, to) =
            period::resolve(get("from"), get("to"), now, &zone).map_err(|e| bad(e.to_string()))?;
        let conditions = pairs.iter().filter(|(k, v)| k == "f" && !v.is_empty()).map(|(_, v)| v.as_str());
        let environments = pairs.iter().filter(|(k, v)| k == "env" && !v.is_empty()).map(|(_, v)| v.as_str());
        let filter = Filter::parse(conditions, get("q"))
            .and_then(|f| f.in_environments(environments))
            .map_err(|e| Problem::new(ProblemCode::BadFilter, e.to_string()))?;
        let limit = match get("n").map(str::parse::<usize>) {
            None => limits::PAGE_ROWS,
            Some(Ok(n @ 1..=limits::PAGE_ROWS_MAX)) => n,
            Some(_) => return Err(bad(format!("n is a number from 1 to {}", limits::PAGE_ROWS_MAX))),
        };
        let scope = Scope { period: Period { from, to }, filter, zone };
        let page = PageAsk { after: get("after").map(str::to_owned), limit };
        let sort = get("sort").map(str::to_owned);
        Ok(Self { pairs, scope, sort, page })
    }

    /// The value of a key that only some routes have.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// As a list question.
    pub fn list(self) -> ListAsk {
        ListAsk { scope: self.scope, page: self.page, sort: self.sort }
    }
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new(ProblemCode::BadRequest, "the query string cannot be read"))?;
        let mut pairs = pairs;
        let named = pairs.iter().any(|(key, value)| key == "tz" && !value.is_empty());
        let path = RawPathParams::from_request_parts(parts, state).await.ok();
        let project = path.as_ref().and_then(|p| p.iter().find(|(name, _)| *name == "p"));
        if let Some((_, project)) = project.as_ref().filter(|_| !named)
            && let Some(zone) = state.zone_of(project).await
        {
            pairs.push(("tz".into(), zone));
        }
        let mut asked = Self::parse(pairs, state.now())?;
        match asked.get("own") {
            None => {}
            Some(own::OUT) => {
                let rule = match project {
                    Some((_, project)) => state.own_people(project).await,
                    None => Vec::new(),
                };
                if rule.is_empty() {
                    return Err(Problem::new(ProblemCode::BadRequest, own::NO_RULE));
                }
                asked.scope.filter = asked.scope.filter.leaving_out(&rule);
            }
            Some(_) => return Err(Problem::new(ProblemCode::BadRequest, own::NO_WORD)),
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_their_errors() {
        let now = Timestamp::parse("2026-03-02T12:00:00Z").unwrap();
        let parse = |text: &str| {
            let pairs = text.split('&').filter_map(|p| p.split_once('='));
            Asked::parse(pairs.map(|(k, v)| (k.into(), v.into())).collect(), now)
        };
        let asked =
            parse("from=now-1d&to=now&n=25&sort=-calls&after=x&f=tool:eq:search&f=status:eq:ok").unwrap();
        assert_eq!(asked.scope.period.from.to_string(), "2026-03-01T12:00:00.000Z");
        assert_eq!((asked.page.limit, asked.scope.filter.conditions.len()), (25, 2));
        assert_eq!(parse("").unwrap().page.limit, 50);
        for (text, code) in [
            ("n=0", ProblemCode::BadRequest),
            ("n=101", ProblemCode::BadRequest),
            ("n=x", ProblemCode::BadRequest),
            ("from=yesterday", ProblemCode::BadRequest),
            ("from=now&to=now-1d", ProblemCode::BadRequest),
            ("tz=Mars/Base", ProblemCode::BadRequest),
            ("f=tol:eq:x", ProblemCode::BadFilter),
            ("f=nonsense", ProblemCode::BadFilter),
        ] {
            assert_eq!(parse(text).unwrap_err().code, code, "{text}");
        }
    }
}
