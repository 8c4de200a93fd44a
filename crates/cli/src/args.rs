//! The command line: verbs, their arguments and their help (product §4).
//!
//! Read by `main`, done by `verb`. Invariant: a flag that is also a setting is optional here; its default lives in
//! `config::SETTINGS`, so that a file or a variable is not hidden by it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// See how AI agents really use your MCP server.
#[derive(Debug, Parser)]
#[command(
    name = "trackway",
    version,
    about = "See how AI agents really use your MCP server.",
    arg_required_else_help = true,
    after_help = "Start here:\n  trackway demo                         look at it with invented data\n  trackway serve                        \
        run it\n  trackway wrap --project proj_x -- CMD  record an MCP server without touching its code\n\n\
        Exit codes: 0 done, 1 finding or negative answer, 2 usage, 3 not reachable or not allowed, 4 data."
)]
pub(crate) struct Cli {
    /// What every verb understands.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb understands.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Directory that holds everything (default: the platform's data directory; TRACKWAY_DATA)
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// TOML file with settings; none is needed (TRACKWAY_CONFIG)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Receive events and serve API and dashboard
    Serve(Serve),
    /// Show the product on invented data: a real MCP server, real agents' sessions
    Demo(Demo),
    /// Print (and open) a sign-in link to the running server's dashboard
    Open(Open),
    /// Run an MCP server (stdio) and record what agents do with it
    Wrap(trackway_proxy::WrapArgs),
    /// Stand before an MCP server that speaks HTTP and record what agents do with it
    Proxy(trackway_proxy::ProxyArgs),
    /// Put one of a client's MCP servers behind `trackway wrap`, in the client's settings
    Attach(Attach),
    /// Undo `attach`, to the byte
    Detach(Detach),
    /// Make, list and delete projects; works beside a running server
    #[command(subcommand)]
    Project(Project),
    /// Make, list and revoke bearer tokens; works beside a running server
    #[command(subcommand)]
    Token(Token),
    /// Who may sign in: add, list, change and remove members; works beside a running server
    #[command(subcommand)]
    Member(Member),
    /// What admins did
    #[command(subcommand)]
    Audit(Audit),
    /// Read out or delete everything of one person
    #[command(subcommand)]
    Person(Person),
    /// Remove what is older than its project keeps it
    #[command(subcommand)]
    Retention(Retention),
    /// Write a project's events to a file, whole and as they came; works beside a running server
    Export(Export),
    /// Read events from a file into a project; those that are there already are left alone
    Import(Import),
    /// Copy the data while a server runs, check a copy, start from one
    #[command(subcommand)]
    Backup(Backup),
    /// Look for what could be wrong
    Doctor(Doctor),
    /// Show the settings
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Print a completion script
    Completions(Completions),
    /// Print the manual page, or write all of them into a directory
    Man(Man),
    /// Print the version
    Version(Json),
    /// The demo's MCP server
    #[command(name = "__shop", hide = true, disable_help_flag = true)]
    Shop(Shop),
    /// Starts a wrapped server so that it ends with its wrapper
    #[command(name = "__launch", hide = true, disable_help_flag = true)]
    Launch(Launch),
}

/// `serve`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  trackway serve\n  trackway serve --data /srv/trackway --listen 127.0.0.1:8080\n  \
    trackway serve --listen 0.0.0.0:7431 --trusted-proxy --host trackway.example.com"
)]
pub(crate) struct Serve {
    /// Address and port (default 127.0.0.1:7431; port 0 takes a free one)
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// A host name that pages and API answer to; may be repeated
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// Serve plain HTTP on a non-loopback address
    #[arg(long)]
    pub(crate) insecure: bool,
    /// A proxy before this server speaks TLS
    #[arg(long)]
    pub(crate) trusted_proxy: bool,
    /// Answer 404 to AgentCat events of unknown projects
    #[arg(long)]
    pub(crate) strict_ingest: bool,
    /// A path under which ingest is answered as well, such as /collect
    #[arg(long, value_name = "PATH")]
    pub(crate) ingest_prefix: Option<String>,
}

/// `demo`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  trackway demo          load, then keep serving\n  trackway demo --once   load, \
    check, print a summary, end\n\nThe people, orders and traffic are invented, and labelled so."
)]
pub(crate) struct Demo {
    /// Load, check and print a summary, then end
    #[arg(long)]
    pub(crate) once: bool,
    /// Address and port (default: 127.0.0.1:7431, or the next free port)
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Another number, another history
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) seed: u64,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `open`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  trackway open\n  trackway open --print")]
pub(crate) struct Open {
    /// Only print the link
    #[arg(long)]
    pub(crate) print: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

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

/// `export`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  trackway export --project proj_shop --out shop.parquet\n  \
    trackway export --project proj_shop --from 7d --filter \"tool:search status:tool_error\" > failures.jsonl")]
pub(crate) struct Export {
    /// The project
    #[arg(long, value_name = "ID")]
    pub(crate) project: String,
    /// The file to make (default: standard output)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// What it looks like (default: what the file's name ends in, else jsonl)
    #[arg(long, value_enum)]
    pub(crate) format: Option<crate::transfer::Format>,
    /// Only events that started at or after this time: 2026-03-02, 2026-03-02T10:00Z, 7d
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
    pub(crate) format: Option<crate::transfer::Format>,
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

/// `doctor`.
#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `config …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Show every setting and its value; secrets are masked
    Show {
        /// Show where each value comes from
        #[arg(long)]
        origin: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A read verb without arguments of its own.
#[derive(Args, Debug)]
pub(crate) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `attach`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  trackway attach shop --client cursor --project proj_shop --dry-run\n  \
        trackway attach shop --client claude-code\n  \
        trackway attach shop --client vscode --via http://127.0.0.1:7432/mcp   a server that speaks HTTP, behind a running proxy")]
pub(crate) struct Attach {
    /// The server's name in the client's settings
    pub(crate) name: String,
    /// The client
    #[arg(long, value_enum)]
    pub(crate) client: Client,
    /// Project the events belong to (default: the only one there is)
    #[arg(long, env = "TRACKWAY_PROJECT", value_name = "ID")]
    pub(crate) project: Option<String>,
    /// Base URL of Trackway, where it is not the default
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Offer agents a tool to ask for what is missing
    #[arg(long)]
    pub(crate) report_missing: bool,
    /// Address of a running `trackway proxy`, for a server that is reached by a URL
    #[arg(long, value_name = "URL")]
    pub(crate) via: Option<String>,
    /// The settings file, where it is not in its usual place
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `detach`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  trackway detach shop --client cursor")]
pub(crate) struct Detach {
    /// The server's name in the client's settings
    pub(crate) name: String,
    /// The client
    #[arg(long, value_enum)]
    pub(crate) client: Client,
    /// The settings file, where it is not in its usual place
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A client whose settings are known.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Client {
    /// Claude Desktop
    ClaudeDesktop,
    /// Claude Code
    ClaudeCode,
    /// Cursor
    Cursor,
    /// Visual Studio Code
    Vscode,
}

impl Client {
    /// As it stands on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "claude-desktop",
            Self::ClaudeCode => "claude-code",
            Self::Cursor => "cursor",
            Self::Vscode => "vscode",
        }
    }
}

/// `completions`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  trackway completions bash > ~/.local/share/bash-completion/completions/trackway"
)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `man`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  trackway man ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Where to write one page a verb
    pub(crate) dir: Option<PathBuf>,
}

/// `__launch`.
#[derive(Args, Debug)]
pub(crate) struct Launch {
    /// The wrapper's process id
    pub(crate) parent: u32,
    /// The server's command and its arguments
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

/// `__shop`.
#[derive(Args, Debug)]
pub(crate) struct Shop {
    /// The shop's own arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_shop_gets_its_arguments_untouched() {
        let cli = Cli::try_parse_from(["trackway", "__shop", "--seed", "7", "--help"]).unwrap();
        let Verb::Shop(shop) = cli.verb else { panic!("not the shop: {:?}", cli.verb) };
        assert_eq!(shop.args, ["--seed", "7", "--help"]);
    }
}
