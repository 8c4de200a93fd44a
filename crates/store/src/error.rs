//! What can go wrong in storage, in words that say what to do.

use std::path::PathBuf;

/// An error of the storage.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The queue of the project's writer is full.
    #[error("more events are waiting than can be stored in time; send again later")]
    Overloaded,
    /// No room on the disk.
    #[error("the disk under {} is full; free some room, ingest goes on by itself", .0.display())]
    DiskFull(PathBuf),
    /// The parent of the data directory is missing, or the directory cannot be written.
    #[error("cannot use the data directory {}: {reason}", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// Another process holds the data directory.
    #[error("the data directory {} is in use by another trackway process; stop it or choose another with --data", .0.display())]
    Locked(PathBuf),
    /// Written by a newer version.
    #[error("{} was written by a newer trackway (schema {found}, this one knows {known}); use that version", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A file is damaged.
    #[error("{} is damaged: {reason}; restore a backup", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// No such project.
    #[error("no such project")]
    UnknownProject,
    /// The id is taken.
    #[error("{0} exists already; choose another id")]
    Conflict(String),
    /// A question that cannot be asked.
    #[error("{0}")]
    BadQuestion(String),
    /// The cursor is not one of ours.
    #[error("the cursor is not one of this list; start again without it")]
    BadCursor,
    /// The deadline passed.
    #[error("the query took too long; narrow the period")]
    Deadline,
    /// The store was closed.
    #[error("the storage is shutting down")]
    Closed,
    /// The backend failed.
    #[error("storage failed: {0}")]
    Backend(String),
}
