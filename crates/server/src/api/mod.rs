//! The JSON API under `/api/v1` (ARCHITECTURE §5).

use crate::routes::Route;

/// Its routes.
pub const ROUTES: &[Route] = &[];
