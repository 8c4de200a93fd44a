//! The flags of `trackway wrap`.

use std::ffi::OsString;
use std::path::PathBuf;

use trackway_capture::recorder::IdentifyRule;
use trackway_capture::wire::inject::{Missing, Mode};
use trackway_event::{ProjectId, Timestamp};

use crate::wrap::{DemoClock, Print, WrapOptions};

/// Run a stdio MCP server and record what its agents do, without changing the server.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  trackway wrap --project proj_shop -- node server.js
  trackway wrap --project proj_shop --identify-arg user --report-missing -- uvx my-server
  trackway wrap --project proj_shop --print -- node server.js     show what would be sent, send nothing

The server's exit code is passed on. When Trackway is down the server works as without it; events wait on disk.")]
pub struct WrapArgs {
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

    /// Recorded times start here and run SCALE times as fast; marks events as demo data
    #[arg(long, hide = true, value_name = "START,SCALE")]
    pub demo_clock: Option<DemoClockArg>,

    /// The server's command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
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

impl WrapArgs {
    /// The options of a run; `env` reads the environment, `spool` is used where no directory is named.
    pub fn options(
        &self,
        env: impl Fn(&str) -> Option<String>,
        spool: Option<PathBuf>,
        launcher: Option<PathBuf>,
    ) -> Result<WrapOptions, String> {
        let project =
            ProjectId::parse(&self.project).map_err(|e| format!("--project {}: {e}", self.project))?;
        let set = |name: &&str| env(name).filter(|v| !v.trim().is_empty());
        let from_env = ["TRACKWAY_ENDPOINT", "AGENTCAT_API_URL", "MCPCAT_API_URL"].iter().find_map(set);
        let endpoint = self.endpoint.clone().or(from_env).unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(format!("--endpoint {endpoint}: write a URL that starts with http:// or https://"));
        }
        Ok(WrapOptions {
            project,
            endpoint,
            token: self.token.clone(),
            mode: match self.context {
                ModeArg::Required => Mode::Required,
                ModeArg::Optional => Mode::Optional,
                ModeArg::Off => Mode::Off,
                ModeArg::ObserveOnly => Mode::ObserveOnly,
            },
            context_description: self.context_description.clone(),
            report_missing: if self.report_missing { Missing::On } else { Missing::Off },
            identify: self.identify_arg.as_ref().map(|argument| IdentifyRule {
                argument: argument.clone(),
                name: self.identify_arg_name.clone(),
            }),
            print: if self.print { Print::Yes } else { Print::No },
            spool: self.spool.clone().or(spool),
            demo: self.demo_clock.map(|c| c.0),
            launcher,
        })
    }
}
