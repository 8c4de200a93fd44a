//! Verbs about who may do what: projects, tokens, members, and the log of it.

use clap::{Subcommand, ValueEnum};

use super::Json;

/// `project …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Project {
    /// Make a project and print its id
    #[command(after_help = "Examples:\n  trackway project create \"Shop MCP server\"\n  \
        trackway project create shop --id proj_shop")]
    Create {
        /// Shown name
        name: String,
        /// Its id: "proj_" and 1 to 59 letters, digits, "_" or "-" (default: a random one)
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the projects
    List(Json),
    /// Show a project's settings: what it keeps, for how long, and its limits
    Settings {
        /// Its id
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a setting of a project; in force within a second
    #[command(after_help = "Examples:\n  trackway project set proj_shop capture shape\n  \
        trackway project set proj_shop redact.patterns \"email card\"\n  \
        trackway project set proj_shop retention.payloads 30\n  \
        trackway project set proj_shop retention.payloads      back to the default")]
    Set {
        /// Its id
        id: String,
        /// The setting
        key: String,
        /// Its value; without one the default holds again
        value: Option<String>,
    },
    /// Show a text or a JSON document as a project would keep it
    #[command(after_help = "Example:\n  trackway project try proj_shop '{\"to\": \"ann@example.org\"}'")]
    Try {
        /// Its id
        id: String,
        /// The text
        text: String,
    },
    /// Delete a project and all its data
    Delete {
        /// Its id
        id: String,
        /// Do it: without this nothing is deleted
        #[arg(long)]
        yes: bool,
    },
}

/// `token …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a bearer token and print it once
    #[command(after_help = "Examples:\n  trackway token create --project proj_shop --scope read\n  \
        trackway token create --project proj_shop --scope ingest --name staging --events-per-second 50\n  \
        trackway token create --scope admin --name ci")]
    Create {
        /// The project it is for; only admin tokens may go without
        #[arg(long, value_name = "ID")]
        project: Option<String>,
        /// What it may do
        #[arg(long, value_enum)]
        scope: Scope,
        /// A name to tell it by
        #[arg(long, default_value = "")]
        name: String,
        /// Events a second that may come in with it, with bursts of ten seconds' worth; more is held, then told to come again.
        /// 0: as many as its project may send
        #[arg(long, value_name = "N", default_value_t = 0)]
        events_per_second: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List tokens, never their secrets
    List {
        /// Only those of this project
        #[arg(long, value_name = "ID")]
        project: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End a token
    Revoke {
        /// Its id, "tok_…"
        id: String,
    },
}

/// What a token may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Scope {
    /// Write events
    Ingest,
    /// Read one project
    Read,
    /// Everything
    Admin,
}

/// `member …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Member {
    /// Let someone sign in, and print their one-use link
    #[command(after_help = "Example:\n  trackway member add eve --role viewer")]
    Add {
        /// The name they sign in with
        name: String,
        /// What they may do
        #[arg(long, value_enum, default_value = "member")]
        role: Role,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List who may sign in
    List(Json),
    /// Print a new one-use sign-in link for a member
    Link {
        /// Their name
        name: String,
    },
    /// Change what a member may do; counts at once
    Role {
        /// Their name
        name: String,
        /// What they may do
        #[arg(value_enum)]
        role: Role,
    },
    /// Read a password from standard input for a member; ends their sessions
    #[command(after_help = "Example:\n  trackway member password eve < password.txt")]
    Password {
        /// Their name
        name: String,
        /// Take the password away: only links sign them in
        #[arg(long)]
        none: bool,
    },
    /// End a member's sessions and links, and forget them
    Remove {
        /// Their name
        name: String,
    },
}

/// What a member may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Role {
    /// Read
    Viewer,
    /// Read, and change what a project works on
    Member,
    /// Also tokens, projects, members, retention
    Admin,
    /// Also owners
    Owner,
}

/// `audit …`.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// List what admins did, the newest first
    List {
        /// Only about this project
        #[arg(long, value_name = "ID")]
        project: Option<String>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
