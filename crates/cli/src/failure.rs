//! How a verb fails: what happened, why, the exact next command, and the exit code (product §4, D33).
//!
//! Made by every verb, told by `main`. Invariant: the exit codes are the closed list of [`Exit`].

use std::fmt;
use std::io::Write;

use trackway_store::StoreError;

/// The exit codes of product §4 besides 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// A finding or a negative answer.
    Negative = 1,
    /// The command line or the settings are wrong.
    Usage = 2,
    /// Something cannot be reached or may not be used: missing parent, read-only, locked, port taken.
    Unreachable = 3,
    /// Data from a newer version, or damaged.
    Data = 4,
}

/// What a verb answers.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A verb that could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    why: Option<String>,
    next: Option<String>,
}

impl Failure {
    /// A failure with nothing but what happened.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), why: None, next: None }
    }

    /// Adds the reason.
    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Adds the command or the step that helps.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// The process's exit code.
    pub(crate) fn code(&self) -> u8 {
        self.exit as u8
    }

    /// Writes it for a person. A closed standard error is nobody's problem.
    pub(crate) fn tell(&self, to: &mut impl Write) {
        let _unread = write!(to, "{self}");
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "trackway: {}", self.what)?;
        if let Some(why) = &self.why {
            writeln!(f, "  why:  {why}")?;
        }
        if let Some(next) = &self.next {
            writeln!(f, "  next: {next}")?;
        }
        Ok(())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::DataDir { path, .. } => Self::new(Exit::Unreachable, text).next(format!(
                "check that {} exists and is yours, or choose another with --data DIR",
                parent(&path)
            )),
            StoreError::Locked(path) => {
                Self::new(Exit::Unreachable, text).next(format!("trackway open --data {}", path.display()))
            }
            StoreError::DiskFull(_) => Self::new(Exit::Unreachable, text),
            StoreError::Newer { .. } | StoreError::Corrupt { .. } | StoreError::Backend(_) => {
                Self::new(Exit::Data, text)
            }
            StoreError::UnknownProject | StoreError::Conflict(_) => {
                Self::new(Exit::Negative, text).next("trackway project list")
            }
            StoreError::BadQuestion(_) | StoreError::BadCursor => Self::new(Exit::Usage, text),
            StoreError::Overloaded | StoreError::Deadline | StoreError::Closed => {
                Self::new(Exit::Unreachable, text)
            }
        }
    }
}

fn parent(path: &std::path::Path) -> String {
    path.parent().unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_why_and_next() {
        let failure =
            Failure::new(Exit::Unreachable, "no answer").why("port 1 is closed").next("trackway serve");
        assert_eq!(
            failure.to_string(),
            "trackway: no answer\n  why:  port 1 is closed\n  next: trackway serve\n"
        );
        assert_eq!(failure.code(), 3);
    }

    #[test]
    fn the_storage_s_errors_have_the_codes_of_d33() {
        let path = std::path::PathBuf::from("/nowhere/data");
        for (error, code) in [
            (StoreError::DataDir { path: path.clone(), reason: "its parent is missing".into() }, 3),
            (StoreError::Locked(path.clone()), 3),
            (StoreError::Newer { path: path.clone(), found: 9, known: 1 }, 4),
            (StoreError::Corrupt { path, reason: "not a database".into() }, 4),
            (StoreError::Conflict("proj_x".into()), 1),
        ] {
            let text = error.to_string();
            assert_eq!(Failure::from(error).code(), code, "{text}");
        }
    }
}
