//! `trackway demo`: a server on loopback, and a history of invented agent sessions played through the real proxy against a
//! real MCP server.
//!
//! Every event of the demo took the way of a user's event: an rmcp client, `trackway wrap`, HTTP, the ledger. Only the
//! recorded times are moved, and the project says that its data is invented. Invariant: the figures on record are compared
//! with what the agents did; a difference is an error, not a footnote.

mod figures;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tokio::process::Command;
use tokio::sync::watch;
use trackway_event::ProjectId;
use trackway_shop::{LoadReport, Scenario};
use trackway_store::{NewProject, Project, Store};

use crate::args::{Demo, Global};
use crate::config::{DataDir, Settings};
use crate::failure::{Exit, Failure, Result};
use crate::verb::{ServerHandle, now, runtime, settings, sign_in_link, start_server, stop_signal};
use crate::{logs, output};
use figures::Figures;

/// The demo's project.
const PROJECT: &str = "proj_demo";
/// Ports that are tried when nobody names one.
const PORTS: std::ops::Range<u16> = 7431..7451;
/// Sessions played at a time.
const AT_ONCE: usize = 6;
/// How long the last events may be on their way.
const ARRIVAL: Duration = Duration::from_secs(20);

pub(crate) fn run(global: &Global, args: &Demo) -> Result<()> {
    let mut settings = settings(global, flags(args))?;
    // Removed when the demo ends, unless the user named a directory.
    let temporary = match settings.data {
        DataDir::Named(_) => None,
        DataDir::Platform(_) => Some(temporary_dir()?),
    };
    if let Some(dir) = &temporary {
        settings.data = DataDir::Named(dir.path().join("data"));
    }
    if settings.log_level == "info" {
        // The progress bar and the summary are what there is to read.
        settings.log_level = "warn".to_owned();
    }
    logs::start(&settings)?;
    let ended = runtime()?.block_on(show(&settings, args));
    if let Some(dir) = temporary {
        dir.close().map_err(|error| {
            Failure::new(Exit::Unreachable, "the demo's directory could not be removed")
                .why(error.to_string())
        })?;
    }
    ended
}

fn flags(args: &Demo) -> crate::config::Flags {
    let listen = args.listen.clone().unwrap_or_else(|| free_address().to_string());
    vec![("listen", listen.into())]
}

/// The usual port, or the next free one, or any.
fn free_address() -> SocketAddr {
    let at = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    PORTS.map(at).find(|address| TcpListener::bind(address).is_ok()).unwrap_or_else(|| at(0))
}

fn temporary_dir() -> Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("trackway-demo-").tempdir().map_err(|error| {
        Failure::new(Exit::Unreachable, "no temporary directory can be made")
            .why(error.to_string())
            .next("trackway demo --data DIR")
    })
}

async fn show(settings: &Settings, args: &Demo) -> Result<()> {
    let server = start_server(settings).await?;
    let shown = load_and_tell(&server, args).await;
    let shown = match shown {
        Ok(()) if !args.once => live(&server, args.seed).await,
        Ok(()) | Err(_) => shown,
    };
    let stopped = server.stop().await;
    shown.and(stopped)
}

async fn load_and_tell(server: &ServerHandle, args: &Demo) -> Result<()> {
    let project = fresh_project(&*server.store)?;
    let now =
        now().to_jiff().ok_or_else(|| Failure::new(Exit::Unreachable, "the system's clock is unset"))?;
    let scenarios = trackway_shop::scenarios(now, args.seed);
    let wrapped = Wrapped::of(server)?;
    let report = tokio::select! {
        report = load(&scenarios, &wrapped) => report,
        stopped = stop_signal() => {
            stopped?;
            return Err(Failure::new(Exit::Negative, "the demo was stopped while it loaded"));
        }
    };
    if let Some(why) = report.failed.first() {
        let what = format!("{} of {} sessions could not be played", report.failed.len(), scenarios.len());
        return Err(Failure::new(Exit::Negative, what).why(why.clone()));
    }
    let figures = arrived(server, &project, &report).await?;
    if args.json {
        let mut summary = figures.as_json();
        summary["url"] = json!(server.url);
        summary["data"] = json!(server.data.display().to_string());
        return output::json(&summary);
    }
    output::print(&format!(
        "\nInvented people and traffic of the past 15 days. The figures on record are what the agents did:\n\n{figures}\n"
    ))?;
    if args.once {
        return Ok(());
    }
    output::print(&format!(
        "Dashboard  {}\n           (signs you in once, within 15 minutes)\n\n\
         Agents go on working meanwhile: look at Live. Ctrl-C ends the demo.\n",
        sign_in_link(server)?
    ))
}

/// The demo's project, new in this data directory: figures can only be compared from zero.
fn fresh_project(store: &dyn Store) -> Result<Project> {
    if store.project(PROJECT)?.is_some() {
        return Err(Failure::new(Exit::Negative, "this data directory holds a demo already").next(
            "trackway serve with the same --data shows it; trackway demo without --data makes a new one",
        ));
    }
    let id = ProjectId::parse(PROJECT).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    Ok(store.create_project(NewProject { id, name: "Outdoor shop (demo)".into(), demo: true }, now())?)
}

/// How a session's server is started: this binary's shop behind this binary's `wrap`.
struct Wrapped {
    program: PathBuf,
    url: String,
    data: PathBuf,
}

impl Wrapped {
    fn of(server: &ServerHandle) -> Result<Self> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::new(Exit::Unreachable, "this program does not find itself").why(error.to_string())
        })?;
        Ok(Self { program, url: server.url.clone(), data: server.data.clone() })
    }

    fn command(&self, scenario: &Scenario) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("wrap").arg("--data").arg(&self.data);
        command.args([
            "--project",
            PROJECT,
            "--endpoint",
            &self.url,
            "--identify-arg",
            "user",
            "--report-missing",
        ]);
        command.arg("--demo-clock").arg(scenario.demo_clock());
        command.arg("--demo-facts").arg(scenario.facts.to_string()).arg("--");
        command.arg(&self.program).arg("__shop").args(scenario.server_args());
        // The demo's proxies are told everything by flags.
        command.env_remove("TRACKWAY_TOKEN").env_remove("TRACKWAY_PROJECT").env_remove("TRACKWAY_WRAPPED");
        command
    }
}

async fn load(scenarios: &[Scenario], wrapped: &Wrapped) -> LoadReport {
    let bar = ProgressBar::with_draw_target(Some(scenarios.len() as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} agent sessions  {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let report = trackway_shop::load(
        scenarios,
        AT_ONCE,
        |scenario| wrapped.command(scenario),
        |ended| {
            bar.inc(1);
            if let Ok(session) = ended {
                bar.set_message(output::harmless(&format!("{} with {}", session.name, session.client)));
            }
        },
    )
    .await;
    bar.finish_and_clear();
    report
}

/// Waits until everything the agents did is on record.
async fn arrived(server: &ServerHandle, project: &Project, report: &LoadReport) -> Result<Figures> {
    let until = tokio::time::Instant::now() + ARRIVAL;
    loop {
        let (store, key) = (server.store.clone(), project.key);
        let found = tokio::task::spawn_blocking(move || Figures::on_record(&*store, key)).await;
        let found = found.map_err(|error| Failure::new(Exit::Data, error.to_string()))??;
        let differences = found.differences(report);
        if differences.is_empty() {
            return Ok(found);
        }
        if tokio::time::Instant::now() > until {
            return Err(Failure::new(Exit::Negative, "the figures on record are not what the agents did")
                .why(differences.join("; ")));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Gentle traffic of the present until the demo is stopped.
async fn live(server: &ServerHandle, seed: u64) -> Result<()> {
    let wrapped = Wrapped::of(server)?;
    let (stop, stopped) = watch::channel(false);
    let agents = tokio::spawn(async move {
        trackway_shop::live(seed, |scenario| wrapped.command(scenario), stopped).await
    });
    let asked = stop_signal().await;
    // The agents may have ended by themselves.
    let _told = stop.send(true);
    let (_played, _failed) = agents.await.unwrap_or_default();
    asked
}
