//! Errors as problem+json with a closed `code` (RFC 9457, ARCHITECTURE §5). Every handler fails with [`Problem`].
//!
//! Invariant: the text says what to do and never holds a secret, a path of this machine or a captured string.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use trackway_event::ProblemCode;
use trackway_store::StoreError;

/// An answer that is an error.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Which error.
    pub code: ProblemCode,
    /// What happened and what to do, lower-case.
    pub detail: String,
    /// Seconds after which a new try makes sense.
    pub retry_after: Option<u32>,
}

/// The body of an error answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// Always `about:blank`.
    pub r#type: String,
    /// HTTP status in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// One of a closed list: `bad_request`, `bad_filter`, `bad_cursor`, `unauthorized`, `forbidden`, `not_found`,
    /// `unknown_project`, `method_not_allowed`, `too_large`, `unsupported_encoding`, `timeout`, `query_timeout`,
    /// `rate_limited`, `overloaded`, `bad_host`, `internal`, `conflict`.
    pub code: String,
    /// What happened and what to do.
    pub detail: String,
}

impl Problem {
    /// An error with its sentence.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after: None }
    }

    /// "Nothing here, or nothing you may see": the same words for both (INV-06).
    pub fn not_found() -> Self {
        Self::new(ProblemCode::NotFound, "there is nothing here, or nothing this sign-in may see")
    }

    /// The HTTP status of the code.
    pub const fn status(&self) -> StatusCode {
        match self.code {
            ProblemCode::BadRequest | ProblemCode::BadFilter | ProblemCode::BadCursor => {
                StatusCode::BAD_REQUEST
            }
            ProblemCode::Unauthorized => StatusCode::UNAUTHORIZED,
            ProblemCode::Forbidden => StatusCode::FORBIDDEN,
            ProblemCode::NotFound | ProblemCode::UnknownProject => StatusCode::NOT_FOUND,
            ProblemCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ProblemCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ProblemCode::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ProblemCode::Timeout => StatusCode::REQUEST_TIMEOUT,
            ProblemCode::QueryTimeout => StatusCode::GATEWAY_TIMEOUT,
            ProblemCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ProblemCode::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            ProblemCode::BadHost => StatusCode::MISDIRECTED_REQUEST,
            ProblemCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            ProblemCode::Conflict => StatusCode::CONFLICT,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = ProblemBody {
            r#type: "about:blank".into(),
            title: status.canonical_reason().unwrap_or("error").into(),
            status: status.as_u16(),
            code: self.code.as_str().into(),
            detail: self.detail,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code == ProblemCode::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        let (code, detail, retry_after) = match error {
            StoreError::Overloaded => (ProblemCode::Overloaded, detail, Some(1)),
            StoreError::DiskFull(path) => {
                tracing::error!(path = %path.display(), "the disk is full; events are refused until there is room");
                (ProblemCode::Overloaded, "the server's disk is full; free some room there".into(), Some(10))
            }
            StoreError::Closed => (ProblemCode::Overloaded, detail, Some(5)),
            StoreError::UnknownProject => return Self::not_found(),
            StoreError::Conflict(_) => (ProblemCode::Conflict, detail, None),
            StoreError::BadQuestion(_) => (ProblemCode::BadRequest, detail, None),
            StoreError::BadCursor => (ProblemCode::BadCursor, detail, None),
            StoreError::Deadline => (ProblemCode::QueryTimeout, detail, None),
            StoreError::DataDir { .. }
            | StoreError::Locked(_)
            | StoreError::Newer { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Backend(_) => {
                tracing::error!(error = %detail, "the storage failed");
                (ProblemCode::Internal, "the server could not do this; its log says why".into(), None)
            }
        };
        Self { code, detail, retry_after }
    }
}
