//! The dashboard's pages. Empty until they land.

use axum::Router;
use maud::Markup;

use crate::state::AppState;

/// Every page and asset; mounted behind the page guard, which lets `/assets/` through.
pub fn routes() -> Router<AppState> {
    Router::new()
}

/// The sign-in page; `token` is empty where there is none yet.
pub fn login_page(token: &str, next: &str, why: Option<&str>) -> Markup {
    crate::auth::login::plain_page(token, next, why)
}
