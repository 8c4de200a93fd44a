//! Verbs about the data: one person's, old, as a file, copied.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::transfer::Format;

/// `person …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    /// Print everything that is kept of a person, one JSON document a line: profile, sessions, events with payloads
    #[command(
        after_help = "Example:\n  trackway person export ann@example.org --project proj_shop > ann.jsonl"
    )]
    Export {
        /// One of their ids
        id: String,
        /// The project
        #[arg(long, value_name = "ID")]
        project: String,
    },
    /// Delete a person with their sessions and events, and print a receipt; works beside a running server
    #[command(
        after_help = "Example:\n  trackway person delete ann@example.org --project proj_shop --yes > receipt.json"
    )]
    Delete {
        /// One of their ids
        id: String,
        /// The project
        #[arg(long, value_name = "ID")]
        project: String,
        /// Do it: without this nothing is deleted
        #[arg(long)]
        yes: bool,
    },
}

/// `retention …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Retention {
    /// Do now what a server does every hour, by each project's retention settings
    #[command(after_help = "Examples:\n  trackway project set proj_shop retention.payloads 30\n  \
        trackway retention run --dry-run")]
    Run {
        /// Only say what would go; works beside a running server
        #[arg(long)]
        dry_run: bool,
        /// Only this project
        #[arg(long, value_name = "ID")]
        project: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `export`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  trackway export --project proj_shop --out shop.parquet\n  \
    trackway export --project proj_shop --from now-7d --filter \"tool:search status:tool_error\" > failures.jsonl")]
pub(crate) struct Export {
    /// The project
    #[arg(long, value_name = "ID")]
    pub(crate) project: String,
    /// The file to make (default: standard output)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// What it looks like (default: what the file's name ends in, else jsonl)
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Only events that started at or after this time: 2026-03-02, 2026-03-02T10:00:00Z, now-7d
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Only events that started before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Only events that meet this, as typed into the dashboard's search
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
}

/// `import`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  trackway import shop.parquet --project proj_shop\n  \
    trackway import - --project proj_shop < events.jsonl\n\nA line is one that `trackway export` wrote, or an event of the \
    native wire.\nNo server may run on the data meanwhile.")]
pub(crate) struct Import {
    /// The file; "-" reads lines from standard input
    pub(crate) file: PathBuf,
    /// The project
    #[arg(long, value_name = "ID")]
    pub(crate) project: String,
    /// What it looks like (default: what the file's name ends in, else jsonl)
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `backup …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Backup {
    /// Copy everything into a new directory; works beside a running server
    #[command(after_help = "Example:\n  trackway backup create /backups/trackway-monday")]
    Create {
        /// The directory to make; it must not exist
        dir: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check a backup: hashes, the files themselves, every counter against its rows
    Verify {
        /// The backup
        dir: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a backup into the data directory, which must be empty
    #[command(
        after_help = "Examples:\n  trackway backup restore /backups/trackway-monday --data /srv/trackway\n  \
            trackway backup restore /backups/trackway-monday --data /srv/new --deletions /srv/trackway"
    )]
    Restore {
        /// The backup
        dir: PathBuf,
        /// A data directory or later backup whose deletions of people are repeated by the next start
        #[arg(long, value_name = "DIR")]
        deletions: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
