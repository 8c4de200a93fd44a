//! The file of [`crate::Options::debug`]: what was recorded, by name and number only (SDK-114). Written by the worker, which goes on
//! without it when the disk refuses.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use trackway_event::Event;

/// Bytes after which the file starts anew.
const BYTES: u64 = 5 * 1024 * 1024;

/// The open file.
#[derive(Debug)]
pub(crate) struct Debug {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl Debug {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None, bytes: 0 }
    }

    /// Adds a line; a disk that refuses ends the file, with one warning.
    pub(crate) fn event(&mut self, event: &Event) {
        let line = serde_json::json!({
            "at": event.started_at, "id": event.id, "kind": event.kind, "name": event.name, "tool": event.tool,
            "status": event.status, "duration_us": event.duration_us, "session": event.session_id,
            "session_source": event.session_source, "notes": event.notes,
        });
        let written = self.open().and_then(|file| writeln!(file, "{line}"));
        match written {
            Ok(()) => self.bytes += line.to_string().len() as u64 + 1,
            Err(error) => {
                if self.bytes != u64::MAX {
                    tracing::warn!(%error, "the debug file cannot be written");
                }
                (self.file, self.bytes) = (None, u64::MAX);
            }
        }
    }

    fn open(&mut self) -> std::io::Result<&mut File> {
        if self.bytes == u64::MAX {
            return Err(std::io::Error::other("given up"));
        }
        if self.bytes > BYTES {
            self.file = None;
            let mut old = self.path.clone().into_os_string();
            old.push(".1");
            std::fs::rename(&self.path, old)?;
        }
        if self.file.is_none() {
            let file = File::options().create(true).append(true).open(&self.path)?;
            self.bytes = file.metadata()?.len();
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| std::io::Error::other("not open"))
    }
}
