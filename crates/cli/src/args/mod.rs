//! The command line: verbs, their arguments and their help (product §4).
//!
//! Read by `main`, done by `verb`. Invariant: a flag that is also a setting is optional here; its default lives in
//! `config::SETTINGS`, so that a file or a variable is not hidden by it.

mod access;
mod data;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use access::{Audit, Member, Project, Role, Scope, Token};
pub(crate) use data::{Backup, Export, Import, Person, Retention};

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
