//! The JSON API under `/api/v1` (ARCHITECTURE §5): one file per area, one struct per question, no numbers of its own.

mod ask;
mod audit;
pub(crate) mod hand;
pub(crate) mod insight;
mod live;
mod live_filter;
pub mod objects;
mod openapi;
pub(crate) mod people;
mod projects;
mod questions;
pub(crate) mod views;

use axum::routing::{delete, get, post, put};

pub use ask::{Asked, Keys};
pub use openapi::document;

use crate::auth::Access::{Admin, Change, Read};
use crate::routes::{Route, route};

/// Its routes.
pub const ROUTES: &[Route] = &[
    route("GET", "/api/openapi.json", Read, || get(openapi::show)),
    route("GET", "/api/v1/projects", Read, || get(projects::list)),
    route("POST", "/api/v1/projects", Admin, || post(projects::create)),
    route("GET", "/api/v1/audit", Admin, || get(audit::list)),
    route("GET", "/api/v1/quarantine", Admin, || get(projects::quarantine)),
    route("GET", "/api/v1/projects/{p}/intake", Read, || get(projects::intake)),
    route("GET", "/api/v1/projects/{p}/overview", Read, || get(questions::overview)),
    route("GET", "/api/v1/projects/{p}/sessions", Read, || get(questions::sessions)),
    route("GET", "/api/v1/projects/{p}/sessions/{id}", Read, || get(questions::session)),
    route("GET", "/api/v1/projects/{p}/sessions/{id}/events", Read, || get(questions::session_events)),
    route("GET", "/api/v1/projects/{p}/sessions/{id}/siblings", Read, || get(questions::siblings)),
    route("GET", "/api/v1/projects/{p}/events", Read, || get(questions::events)),
    route("GET", "/api/v1/projects/{p}/events/{id}", Read, || get(questions::event)),
    route("GET", "/api/v1/projects/{p}/tools", Read, || get(questions::tools)),
    route("GET", "/api/v1/projects/{p}/tools/{name}", Read, || get(questions::tool)),
    route("GET", "/api/v1/projects/{p}/issues", Read, || get(questions::issues)),
    route("GET", "/api/v1/projects/{p}/issues/{id}", Read, || get(questions::issue)),
    route("GET", "/api/v1/projects/{p}/people", Read, || get(people::people)),
    route("GET", "/api/v1/projects/{p}/people/{id}", Read, || get(people::person)),
    route("GET", "/api/v1/projects/{p}/accounts", Read, || get(people::accounts)),
    route("GET", "/api/v1/projects/{p}/accounts/{type}/{key}", Read, || get(people::account)),
    route("DELETE", "/api/v1/projects/{p}/merges/{id}", Change, || delete(people::withdraw)),
    route("PUT", "/api/v1/projects/{p}/merges/{id}", Change, || put(people::restore)),
    route("DELETE", "/api/v1/projects/{p}/joined/{id}", Change, || delete(people::part)),
    route("PUT", "/api/v1/projects/{p}/joined/{id}", Change, || put(people::rejoin)),
    route("PUT", "/api/v1/projects/{p}/joined/{id}/{earlier}", Change, || put(hand::put_join)),
    route("POST", "/api/v1/projects/{p}/events/{id}/split", Change, || post(hand::post_split)),
    route("GET", "/api/v1/projects/{p}/clients", Read, || get(questions::clients)),
    route("GET", "/api/v1/projects/{p}/ways/{by}", Read, || get(questions::ways)),
    route("GET", "/api/v1/projects/{p}/intents", Read, || get(questions::intents)),
    route("POST", "/api/v1/projects/{p}/issues/{id}/act", Change, || post(insight::act_on_issue)),
    route("GET", "/api/v1/projects/{p}/catalog", Read, || get(insight::catalogs)),
    route("GET", "/api/v1/projects/{p}/catalog/{hash}", Read, || get(insight::catalog_tools)),
    route("GET", "/api/v1/projects/{p}/wishes", Read, || get(insight::wishes)),
    route("POST", "/api/v1/projects/{p}/wishes/{id}", Change, || post(insight::note_wish)),
    route("GET", "/api/v1/projects/{p}/signals", Read, || get(insight::signals)),
    route("GET", "/api/v1/projects/{p}/warnings", Read, || get(insight::warnings)),
    route("GET", "/api/v1/projects/{p}/views", Read, || get(views::list)),
    route("POST", "/api/v1/projects/{p}/views", Change, || post(views::create)),
    route("PUT", "/api/v1/projects/{p}/views/{id}", Change, || put(views::update)),
    route("DELETE", "/api/v1/projects/{p}/views/{id}", Change, || delete(views::remove)),
    route("GET", "/api/v1/projects/{p}/live", Read, || get(live::show)),
];
