//! The files of `export` and `import` (F-139, F-162): one event a line as JSON, or a Parquet file.
//!
//! Invariant: what one writes the other reads back to the same events, to the byte of their payloads.

mod lines;
mod table;

use std::io::Write;
use std::path::Path;

use clap::ValueEnum;
use trackway_store::query::Exported;

pub(crate) use lines::Lines;
pub(crate) use table::Table;

use crate::failure::{Exit, Failure, Result};

/// What a file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON, one event a line
    Jsonl,
    /// Apache Parquet, zstd
    Parquet,
}

impl Format {
    /// The one asked for, else the one a name ends in, else lines.
    pub(crate) fn of(asked: Option<Self>, path: Option<&Path>) -> Self {
        let ending = path.and_then(Path::extension).and_then(|e| e.to_str()).unwrap_or_default();
        asked.unwrap_or(if ending.eq_ignore_ascii_case("parquet") { Self::Parquet } else { Self::Jsonl })
    }
}

/// Takes events down.
pub(crate) trait Sink {
    /// Writes events, or keeps them until there are enough.
    fn add(&mut self, events: Vec<Exported>) -> Result<()>;
    /// Writes what was kept and the end.
    fn end(self: Box<Self>) -> Result<()>;
}

/// A sink of this format.
///
/// # Errors
/// When its head cannot be written.
pub(crate) fn sink<W: Write + Send + 'static>(format: Format, out: W) -> Result<Box<dyn Sink>> {
    Ok(match format {
        Format::Jsonl => Box::new(lines::Writer::new(out)),
        Format::Parquet => Box::new(table::Writer::new(out)?),
    })
}

/// An event of a file, or where and why one cannot be read.
pub(crate) type Read = std::result::Result<Box<Exported>, String>;

fn unwritable(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Unreachable, "the export cannot be written")
        .why(error.to_string())
        .next("choose another place with --out FILE")
}
