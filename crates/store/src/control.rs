//! What is kept beside the events: projects, tokens, sign-ins, refused bodies, counts.

use std::collections::BTreeMap;

use trackway_event::{DropReason, ProjectId, Timestamp};

/// A project's number inside this installation: names its folder, never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectKey(pub i64);

/// The unit of isolation.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Number.
    pub key: ProjectKey,
    /// Public id.
    pub id: ProjectId,
    /// Shown name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Other names it answers to at ingest.
    pub aliases: Vec<String>,
    /// Whether its data is invented (the demo).
    pub demo: bool,
    /// Start of its newest event.
    pub last_event_at: Option<Timestamp>,
}

/// A project to make.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Public id.
    pub id: ProjectId,
    /// Shown name.
    pub name: String,
    /// Whether its data is invented.
    pub demo: bool,
}

/// What a bearer token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenScope {
    /// Write events.
    Ingest,
    /// Read one project.
    Read,
    /// Everything; not bound to a project unless it names one.
    Admin,
}

impl TokenScope {
    /// The name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// The scope of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ingest, Self::Read, Self::Admin].into_iter().find(|s| s.as_str() == text)
    }
}

/// A stored token; the secret itself is nowhere.
#[derive(Clone, Debug)]
pub struct Token {
    /// Public id, `tok_…`.
    pub id: String,
    /// The project it is bound to.
    pub project: Option<ProjectKey>,
    /// What it may do.
    pub scope: TokenScope,
    /// First characters of the secret, to tell tokens apart.
    pub prefix: String,
    /// Shown name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Events a second that may come in with it; 0: as many as its project's.
    pub per_second: u64,
}

/// A token to store.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Public id, `tok_…`.
    pub id: String,
    /// The project it is bound to.
    pub project: Option<ProjectKey>,
    /// What it may do.
    pub scope: TokenScope,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// First characters of the secret.
    pub prefix: String,
    /// Shown name.
    pub name: String,
    /// Events a second that may come in with it; 0: as many as its project's.
    pub per_second: u64,
}

/// A refused body to keep.
#[derive(Clone, Debug)]
pub struct NewQuarantined {
    /// Why it was refused.
    pub reason: DropReason,
    /// The project text of the body, where it could be read.
    pub project_text: Option<String>,
    /// The route it came by, as a path.
    pub route: String,
    /// The sender's user agent.
    pub user_agent: Option<String>,
    /// Bytes of the body as it arrived.
    pub bytes: u64,
    /// Events it held, where known.
    pub events: u64,
    /// What is kept: the whole body of an unknown project with credentials masked, a masked prefix of an unreadable one.
    pub body: Vec<u8>,
    /// Whether `body` is whole and may be replayed.
    pub replayable: bool,
}

/// A refused body without its bytes.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// Number.
    pub id: i64,
    /// When it arrived.
    pub at: Timestamp,
    /// Why it was refused.
    pub reason: DropReason,
    /// The project text of the body.
    pub project_text: Option<String>,
    /// The route it came by.
    pub route: String,
    /// The sender's user agent.
    pub user_agent: Option<String>,
    /// Bytes as it arrived.
    pub bytes: u64,
    /// Events it held.
    pub events: u64,
    /// Whether it will be replayed when its project is made.
    pub replayable: bool,
    /// The first characters of the kept bytes, for the eye.
    pub preview: String,
}

/// A kept body taken out for a replay.
#[derive(Clone, Debug)]
pub struct QuarantinedBody {
    /// When it arrived.
    pub at: Timestamp,
    /// The route it came by.
    pub route: String,
    /// The sender's user agent.
    pub user_agent: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Counts to add. `stored` and `duplicates` are counted by the writer in its own transaction; these are the rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Dropped events by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Bodies that could not be read at all (outside INV-02's sum).
    pub bodies_refused: u64,
    /// Losses recorders reported, by their reason.
    pub lost: BTreeMap<String, u64>,
}

/// What arrived and what became of it (INV-02: `received = stored + duplicates + Σ dropped`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intake {
    /// In the ledger.
    pub stored: u64,
    /// Seen before.
    pub duplicates: u64,
    /// Not stored, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Bodies that could not be read at all.
    pub bodies_refused: u64,
    /// Losses recorders reported, by their reason.
    pub lost: BTreeMap<String, u64>,
}

impl Intake {
    /// Everything that was received.
    pub fn received(&self) -> u64 {
        self.stored + self.duplicates + self.dropped.values().sum::<u64>()
    }
}

/// Size, room and speed of the storage.
#[derive(Clone, Debug, Default)]
pub struct StoreHealth {
    /// Whether events can be stored now.
    pub writable: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// Bytes of all files.
    pub bytes: u64,
    /// Of those, bytes of each project's own files.
    pub by_project: BTreeMap<ProjectKey, u64>,
    /// Free bytes of the disk.
    pub free_bytes: Option<u64>,
    /// Measured latency of one durable 4 KiB write, µs.
    pub fsync_us: u64,
    /// Events waiting for their writers.
    pub queued: u64,
    /// Commits since start.
    pub commits: u64,
    /// Latest commit durations, µs: p50 and p99 of the last thousand.
    pub commit_us: (u64, u64),
    /// Bytes of write-ahead logs.
    pub wal_bytes: u64,
}

/// A saved view's number inside this installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewKey(pub i64);

/// Who sees a saved view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Only its owner.
    #[default]
    Mine,
    /// Everyone who may read the project.
    Project,
}

/// A page of a project with what was asked of it, under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewView {
    /// Its name; an owner has no two of one name in a project.
    pub name: String,
    /// The page: its path below the project.
    pub page: String,
    /// The canonical query of the page, without `?`.
    pub query: String,
    /// Whose it is: a member's name, or `token tok_…`.
    pub owner: String,
    /// Who sees it.
    pub sharing: Sharing,
}

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Number.
    pub key: ViewKey,
    /// What it shows.
    pub view: NewView,
    /// When it was made.
    pub made_at: Timestamp,
}
