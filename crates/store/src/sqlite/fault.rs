//! SQLite's errors in the words of [`StoreError`]; called wherever a statement runs.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Self::Deadline,
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => Self::DiskFull(Default::default()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path: Default::default(), reason: error.to_string() }
            }
            _ => Self::Backend(error.to_string()),
        }
    }
}

/// Names the file in an error that has none yet.
pub(super) fn at(path: &Path) -> impl Fn(StoreError) -> StoreError {
    move |error| match error {
        StoreError::DiskFull(p) if p.as_os_str().is_empty() => StoreError::DiskFull(path.into()),
        StoreError::Corrupt { path: p, reason } if p.as_os_str().is_empty() => {
            StoreError::Corrupt { path: path.into(), reason }
        }
        other => other,
    }
}

/// The same error once more, for every submitter of a commit that failed.
pub(super) fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::DiskFull(path) => StoreError::DiskFull(path.clone()),
        StoreError::Overloaded => StoreError::Overloaded,
        StoreError::Closed => StoreError::Closed,
        StoreError::UnknownProject => StoreError::UnknownProject,
        StoreError::Deadline => StoreError::Deadline,
        StoreError::Corrupt { path, reason } => {
            StoreError::Corrupt { path: path.clone(), reason: reason.clone() }
        }
        StoreError::DataDir { .. }
        | StoreError::Locked(_)
        | StoreError::Newer { .. }
        | StoreError::Conflict(_)
        | StoreError::BadQuestion(_)
        | StoreError::BadCursor
        | StoreError::Backend(_) => StoreError::Backend(error.to_string()),
    }
}
