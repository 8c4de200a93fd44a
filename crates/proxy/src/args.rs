//! The flags of `trackway wrap` and `trackway proxy`.

use std::ffi::OsString;
use std::path::PathBuf;

use trackway_capture::export::Transport;
use trackway_capture::recorder::IdentifyRule;
use trackway_capture::wire::inject::{Missing, Mode};
use trackway_event::{ProjectId, Timestamp};

use crate::demo::DemoFacts;
use crate::http::{HostSeen, NamedBy, OAuth, ProxyOptions};
use crate::leaving::LeavingArgs;
use crate::wrap::{DemoClock, Print, WrapOptions};

/// Run a stdio MCP server and record what its agents do, without changing the server.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  trackway wrap --project proj_shop -- node server.js
  trackway wrap --project proj_shop --identify-arg user --report-missing -- uvx my-server
  trackway wrap --project proj_shop --print -- node server.js     show what would be sent, send nothing

The server's exit code is passed on. When Trackway is down the server works as without it; events wait on disk.")]
pub struct WrapArgs {
    /// What is recorded, and where to.
    #[command(flatten)]
    pub record: RecordArgs,

    /// Recorded times start here and run SCALE times as fast; marks events as demo data
    #[arg(long, hide = true, value_name = "START,SCALE")]
    pub demo_clock: Option<DemoClockArg>,

    /// What the demo knows of the session's person beyond the protocol, as JSON
    #[arg(long, hide = true, value_name = "JSON", requires = "demo_clock")]
    pub demo_facts: Option<DemoFacts>,

    /// The server's command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// What is recorded, and where to: the flags that `wrap` and `proxy` share.
#[derive(clap::Args, Clone, Debug)]
pub struct RecordArgs {
    /// Project the events belong to
    #[arg(long, env = "TRACKWAY_PROJECT", value_name = "ID")]
    pub project: String,

    /// Base URL of Trackway [default: TRACKWAY_ENDPOINT, AGENTCAT_API_URL, MCPCAT_API_URL, else http://127.0.0.1:7431]
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,

    /// Ingest token, if the project wants one
    #[arg(long, env = "TRACKWAY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,

    /// How agents are asked why they make a call
    #[arg(long, value_enum, default_value_t = ModeArg::Required, value_name = "MODE")]
    pub context: ModeArg,

    /// Text agents read in place of the built-in one
    #[arg(long, value_name = "TEXT")]
    pub context_description: Option<String>,

    /// Offer agents a tool to ask for what is missing
    #[arg(long)]
    pub report_missing: bool,

    /// Tool argument that names the user (stays in place)
    #[arg(long, value_name = "NAME")]
    pub identify_arg: Option<String>,

    /// Tool argument with the user's shown name
    #[arg(long, value_name = "NAME", requires = "identify_arg")]
    pub identify_arg_name: Option<String>,

    /// Write the events to stderr and send nothing
    #[arg(long)]
    pub print: bool,

    /// Directory for events that cannot be sent now [default: in the data directory]
    #[arg(long, value_name = "DIR")]
    pub spool: Option<PathBuf>,

    /// What is masked, and where else events go.
    #[command(flatten)]
    pub leaving: LeavingArgs,
}

/// What is done about `context`.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeArg {
    /// A required argument of every eligible tool
    Required,
    /// An optional argument
    Optional,
    /// Not asked for; still taken out where clients hold an older list
    Off,
    /// Neither asked for nor taken out
    ObserveOnly,
}

/// `START,SCALE`.
#[derive(Clone, Copy, Debug)]
pub struct DemoClockArg(pub DemoClock);

impl std::str::FromStr for DemoClockArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.rsplit_once(',').and_then(|(start, scale)| {
            let scale: f64 = scale.parse().ok().filter(|s: &f64| s.is_finite() && *s > 0.0)?;
            Some(DemoClock { start: Timestamp::parse(start)?, scale })
        });
        parsed
            .map(Self)
            .ok_or_else(|| "write it as START,SCALE, for example 2026-11-10T10:00:00Z,60".to_owned())
    }
}

/// The endpoint used when nothing names one.
pub const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:7431";

impl RecordArgs {
    fn project(&self) -> Result<ProjectId, String> {
        ProjectId::parse(&self.project).map_err(|e| format!("--project {}: {e}", self.project))
    }

    fn endpoint(&self, env: impl Fn(&str) -> Option<String>) -> Result<String, String> {
        let set = |name: &&str| env(name).filter(|v| !v.trim().is_empty());
        let from_env = ["TRACKWAY_ENDPOINT", "AGENTCAT_API_URL", "MCPCAT_API_URL"].iter().find_map(set);
        let endpoint = self.endpoint.clone().or(from_env).unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(format!("--endpoint {endpoint}: write a URL that starts with http:// or https://"));
        }
        Ok(endpoint)
    }

    fn mode(&self) -> Mode {
        match self.context {
            ModeArg::Required => Mode::Required,
            ModeArg::Optional => Mode::Optional,
            ModeArg::Off => Mode::Off,
            ModeArg::ObserveOnly => Mode::ObserveOnly,
        }
    }

    fn report_missing(&self) -> Missing {
        if self.report_missing { Missing::On } else { Missing::Off }
    }

    fn identify(&self) -> Option<IdentifyRule> {
        let argument = self.identify_arg.clone()?;
        Some(IdentifyRule { argument, name: self.identify_arg_name.clone() })
    }

    fn print(&self) -> Print {
        if self.print { Print::Yes } else { Print::No }
    }
}

impl WrapArgs {
    /// The options of a run; `env` reads the environment, `spool` is used where no directory is named.
    ///
    /// # Errors
    /// With a text that names the flag that is wrong.
    pub fn options(
        &self,
        env: impl Fn(&str) -> Option<String>,
        spool: Option<PathBuf>,
        launcher: Option<PathBuf>,
    ) -> Result<WrapOptions, String> {
        let record = &self.record;
        Ok(WrapOptions {
            project: record.project()?,
            endpoint: record.endpoint(&env)?,
            token: record.token.clone(),
            mode: record.mode(),
            context_description: record.context_description.clone(),
            report_missing: record.report_missing(),
            identify: record.identify(),
            print: record.print(),
            spool: record.spool.clone().or(spool),
            leaving: record.leaving.read(Transport::Stdio, &env)?,
            demo: self.demo_clock.map(|c| c.0),
            demo_facts: self.demo_facts.clone(),
            launcher,
        })
    }
}

/// Stand before an MCP server that speaks HTTP and record what its agents do, without changing the server.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  trackway proxy --project proj_shop --upstream http://127.0.0.1:3000/mcp
  trackway proxy --project proj_shop --upstream https://mcp.example.com/mcp --listen 127.0.0.1:7440 --identify-claim sub
  trackway proxy --project proj_shop --upstream http://127.0.0.1:3000 --print      show what would be sent, send nothing

Clients use the proxy's address with the server's path. Any path of the server is reachable through it. When Trackway is
down the traffic passes as without it; events wait on disk.")]
pub struct ProxyArgs {
    /// URL of the MCP server; `/` at the proxy stands for its path
    #[arg(long, value_name = "URL")]
    pub upstream: String,

    /// Address to listen at; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_LISTEN)]
    pub listen: std::net::SocketAddr,

    /// What is recorded, and where to.
    #[command(flatten)]
    pub record: RecordArgs,

    /// Request header that names the user
    #[arg(long, value_name = "NAME")]
    pub identify_header: Option<String>,

    /// Claim of the bearer token that names the user; the token is not verified by the proxy
    #[arg(long, value_name = "NAME")]
    pub identify_claim: Option<String>,

    /// URL under which clients reach the proxy, where that is not its address
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,

    /// A host name that is let in beside the address; may be repeated
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allow_hosts: Vec<String>,

    /// An origin of web pages that is let in beside loopback; may be repeated
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    pub allow_origins: Vec<String>,

    /// What becomes of OAuth metadata that names the server's URL; rewriting needs --public-url
    #[arg(long, value_enum, value_name = "HOW", default_value = "pass")]
    pub oauth: OAuthArg,

    /// File of PEM certificates that the server's may be signed by, beside the public ones
    #[arg(long, value_name = "FILE")]
    pub upstream_ca: Option<PathBuf>,

    /// Let the server see the Host that the client used
    #[arg(long)]
    pub preserve_host: bool,
}

/// What becomes of OAuth metadata.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthArg {
    /// It passes unchanged: right where the proxy has taken over the server's URL
    Pass,
    /// The server's URL in it becomes the public one: for servers that accept tokens made out to that
    Rewrite,
}

/// The address used when nothing names one.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7432";

impl ProxyArgs {
    /// The options of a run; `env` reads the environment, `spool` is used where no directory is named.
    ///
    /// # Errors
    /// With a text that names the flag that is wrong.
    pub fn options(
        &self,
        env: impl Fn(&str) -> Option<String>,
        spool: Option<PathBuf>,
    ) -> Result<ProxyOptions, String> {
        let record = &self.record;
        Ok(ProxyOptions {
            upstream: self.upstream.clone(),
            listen: self.listen,
            public_url: self.public_url.clone(),
            allow_hosts: self.allow_hosts.clone(),
            allow_origins: self.allow_origins.clone(),
            oauth: match self.oauth {
                OAuthArg::Pass => OAuth::Pass,
                OAuthArg::Rewrite => OAuth::Rewrite,
            },
            upstream_ca: self.upstream_ca.clone(),
            host: if self.preserve_host { HostSeen::Client } else { HostSeen::Upstream },
            named_by: NamedBy { header: self.identify_header.clone(), claim: self.identify_claim.clone() },
            identify: record.identify(),
            project: record.project()?,
            endpoint: record.endpoint(&env)?,
            token: record.token.clone(),
            mode: record.mode(),
            context_description: record.context_description.clone(),
            report_missing: record.report_missing(),
            print: record.print(),
            spool: record.spool.clone().or(spool),
            leaving: record.leaving.read(Transport::Http, &env)?,
        })
    }
}
