//! Events as JSON lines in a file that is rotated by size: `PATH`, and older parts as `PATH.1` (newest) to `PATH.N`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use trackway_event::Event;

use super::{BadExporter, Exporter, Failed, FileConfig};

/// The file and how much is in it.
pub(super) struct JsonLines {
    config: FileConfig,
    file: File,
    bytes: u64,
}

impl JsonLines {
    pub(super) fn open(config: &FileConfig) -> Result<Self, BadExporter> {
        let file = append(&config.path).map_err(|error| {
            BadExporter::value("file", format!("{} cannot be written: {error}", config.path.display()))
        })?;
        let bytes = file.metadata()?.len();
        Ok(Self { config: config.clone(), file, bytes })
    }

    /// Starts a new file where this one would grow over its size.
    fn make_room(&mut self, more: u64) -> io::Result<()> {
        if self.bytes == 0 || self.bytes + more <= self.config.rotate_at {
            return Ok(());
        }
        for number in (0..self.config.keep).rev() {
            let from = self.part(number);
            if from.exists() {
                fs::rename(from, self.part(number + 1))?;
            }
        }
        if self.config.keep == 0 {
            fs::remove_file(&self.config.path)?;
        }
        self.file = append(&self.config.path)?;
        self.bytes = 0;
        Ok(())
    }

    fn part(&self, number: u32) -> PathBuf {
        match number {
            0 => self.config.path.clone(),
            _ => {
                let mut name = self.config.path.clone().into_os_string();
                name.push(format!(".{number}"));
                name.into()
            }
        }
    }
}

impl Exporter for JsonLines {
    fn export(&mut self, events: &[Arc<Event>], _until: Instant) -> Result<(), Failed> {
        let lines = lines(events);
        let more = lines.len() as u64;
        let done = self.make_room(more).and_then(|()| self.file.write_all(&lines));
        match done {
            Ok(()) => {
                self.bytes += more;
                Ok(())
            }
            Err(error) => {
                // What was half written is cut off again, so that every line stays one object.
                let cut = self.file.set_len(self.bytes);
                let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
                match (full, cut) {
                    (true, Ok(())) => Err(Failed::Later(None)),
                    _ => Err(Failed::Never(error.kind().to_string())),
                }
            }
        }
    }
}

/// One JSON object a line.
pub(super) fn lines(events: &[Arc<Event>]) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events {
        let start = out.len();
        match serde_json::to_writer(&mut out, event.as_ref()) {
            Ok(()) => {
                // A payload keeps its own white space; a line is a line.
                for byte in out.iter_mut().skip(start).filter(|b| matches!(**b, b'\n' | b'\r')) {
                    *byte = b' ';
                }
                out.push(b'\n');
            }
            Err(_) => out.truncate(start),
        }
    }
    out
}

fn append(path: &std::path::Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
