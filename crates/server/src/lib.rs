//! Trackway's server: ingest, JSON API, dashboard, live feed.
//!
//! The path of an event: `ingest::body` reads the body under caps → `ingest::clean` masks credentials → an adapter
//! (`ingest::agentcat`, `ingest::native`) makes events → `ingest::take` resolves projects, caps, and submits to the store →
//! after the commit the route answers → `api::live` publishes. Everything that is read goes through `api` or `dashboard` and
//! the store's typed questions.
//!
//! - [`serve`]: the loop; [`routes`]: every route as data; [`state`]: what handlers share
//! - [`auth`]: who asks and what they may do; [`problem`]: errors; [`health`], [`metrics`]

pub mod api;
pub mod auth;
pub mod dashboard;
pub mod health;
pub mod ingest;
pub mod metrics;
pub mod options;
mod own;
pub mod policy;
pub mod problem;
pub mod routes;
pub mod serve;
pub mod state;

pub use options::{Limits, ServeOptions};
pub use problem::Problem;
pub use routes::router;
pub use serve::Server;
pub use state::AppState;
