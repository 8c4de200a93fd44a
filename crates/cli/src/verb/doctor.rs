//! `trackway doctor`: looks for what could be wrong and names the command that mends it. Exit code 1 on a finding.
//!
//! Invariant: it changes nothing but for a probe of the disk that it removes; it opens no ledger and takes no lock that a server would need.

use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use trackway_store::sqlite::{self, ControlDb, SqliteOptions};

use super::open::answers;
use super::serve::told_address;
use crate::args::{Doctor, Global};
use crate::config::Settings;
use crate::failure::Result;
use crate::output;

/// A backup older than this is a finding.
const BACKUP_AGE: Duration = Duration::from_secs(7 * 86_400);

/// How one check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    Warning,
    Wrong,
}

impl Verdict {
    const fn mark(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Warning => "!",
            Self::Wrong => "✗",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        }
    }
}

/// One line of the report.
struct Finding {
    check: &'static str,
    verdict: Verdict,
    what: String,
    next: Option<String>,
}

impl Finding {
    fn good(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Good, what: what.into(), next: None }
    }

    fn not(check: &'static str, verdict: Verdict, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { check, verdict, what: what.into(), next: Some(next.into()) }
    }
}

pub(super) fn run(global: &Global, args: &Doctor) -> Result<ExitCode> {
    let settings = Settings::of(&super::layers(global, vec![])?)?;
    let data = settings.data.path();
    let mut findings = vec![Finding::good("settings", "every key and value is known")];
    findings.push(directory(data));
    let running = server(data, &settings, &mut findings);
    if data.join("trackway.db").is_file() {
        findings.extend(contents(data));
    }
    if data.is_dir() {
        findings.extend(disk(data));
    }
    findings.push(clock(data));
    findings.extend(backup_age(data));
    if !running {
        findings.push(port(&settings));
    }
    report(&findings, args)
}

fn report(findings: &[Finding], args: &Doctor) -> Result<ExitCode> {
    let wrong = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    let code = if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    if args.json {
        let items = findings.iter().map(|finding| {
            json!({ "check": finding.check, "verdict": finding.verdict.word(), "what": finding.what,
                "next": finding.next })
        });
        output::json(&json!({ "items": items.collect::<Vec<_>>() }))?;
        return Ok(code);
    }
    let mut text = String::new();
    for finding in findings {
        text.push_str(&format!(
            "{} {:<10} {}\n",
            finding.verdict.mark(),
            finding.check,
            output::harmless(&finding.what)
        ));
        if let Some(next) = &finding.next {
            text.push_str(&format!("             → {next}\n"));
        }
    }
    output::print(&text)?;
    Ok(code)
}

fn directory(data: &Path) -> Finding {
    let shown = data.display();
    let Ok(about) = std::fs::metadata(data) else {
        return Finding::not(
            "data",
            Verdict::Warning,
            format!("{shown} does not exist yet"),
            "trackway serve",
        );
    };
    if !about.is_dir() {
        return Finding::not(
            "data",
            Verdict::Wrong,
            format!("{shown} is no directory"),
            "choose another with --data DIR",
        );
    }
    if about.permissions().readonly() {
        return Finding::not(
            "data",
            Verdict::Wrong,
            format!("{shown} is read-only"),
            format!("chmod u+w {shown}"),
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if about.permissions().mode() & 0o077 != 0 {
            let next = format!("chmod 700 {shown}");
            return Finding::not("data", Verdict::Warning, format!("{shown} can be read by others"), next);
        }
    }
    Finding::good("data", format!("{shown} is there and private"))
}

/// Whether a server runs there and is ready.
fn server(data: &Path, settings: &Settings, findings: &mut Vec<Finding>) -> bool {
    let Some(url) = told_address(data) else {
        findings.push(Finding::not("server", Verdict::Warning, "none is running", "trackway serve"));
        return false;
    };
    match answers(&url) {
        Ok(()) => findings.push(Finding::good("server", format!("{url} answers"))),
        Err(why) => {
            let what = format!("{url} does not answer: {why}");
            findings.push(Finding::not(
                "server",
                Verdict::Wrong,
                what,
                format!("trackway serve --listen {}", settings.listen),
            ));
            return false;
        }
    }
    let client: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let ready = client.get(format!("{url}/health/ready")).call();
    match ready.map(|mut answer| (answer.status(), answer.body_mut().read_to_string().unwrap_or_default())) {
        Ok((status, _)) if status.is_success() => {
            findings.push(Finding::good("ready", "events can be stored"))
        }
        Ok((status, reasons)) => {
            let what = format!("not ready ({status}): {reasons}");
            findings.push(Finding::not(
                "ready",
                Verdict::Wrong,
                what,
                "free some room on the disk; it recovers by itself",
            ));
        }
        Err(error) => {
            findings.push(Finding::not("ready", Verdict::Wrong, error.to_string(), "trackway serve"))
        }
    }
    true
}

fn contents(data: &Path) -> Vec<Finding> {
    let control = match ControlDb::open(data) {
        Ok(control) => control,
        Err(error) => {
            return vec![Finding::not("files", Verdict::Wrong, error.to_string(), "restore a backup")];
        }
    };
    let mut findings = Vec::new();
    match control.projects() {
        Ok(projects) if projects.is_empty() => {
            let next = "trackway project create NAME";
            findings.push(Finding::not("projects", Verdict::Warning, "there is none", next));
        }
        Ok(projects) => findings.push(Finding::good("projects", format!("{}", projects.len()))),
        Err(error) => {
            findings.push(Finding::not("files", Verdict::Wrong, error.to_string(), "restore a backup"))
        }
    }
    if let Ok(refused) = control.quarantined(1) {
        match refused.first() {
            Some(newest) => {
                let project = newest.project_text.as_deref().unwrap_or("(none)");
                let what = format!(
                    "the newest refused body, of {}, names {project}: {}",
                    newest.at,
                    newest.reason.explain()
                );
                let next = format!("trackway project create NAME --id {project}");
                findings.push(Finding::not("refused", Verdict::Warning, what, next));
            }
            None => findings.push(Finding::good("refused", "no body was refused")),
        }
    }
    findings
}

/// Room on the disk, and how long it takes to keep something for good.
fn disk(data: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let floor = SqliteOptions::default().free_floor;
    if let Some(free) = sqlite::free_bytes(data) {
        let (mib, floor_mib) = (free >> 20, floor >> 20);
        let next = "trackway retention run --dry-run, or free some room";
        findings.push(if free < floor {
            Finding::not(
                "disk",
                Verdict::Wrong,
                format!("{mib} MiB free, {floor_mib} are needed to store events"),
                next,
            )
        } else if free < floor * 16 {
            Finding::not(
                "disk",
                Verdict::Warning,
                format!("{mib} MiB free; below {floor_mib} nothing is stored"),
                next,
            )
        } else {
            Finding::good("disk", format!("{mib} MiB free"))
        });
    }
    match sqlite::measure_fsync(data) {
        Ok(us) if us < sqlite::FSYNC_IMPLAUSIBLE_US => {
            let what = format!(
                "a durable 4 KiB write takes {us} µs: no disk is that fast, something answers before it has written"
            );
            let next =
                "ask whoever runs the machine whether its disk keeps what was synced when the power fails";
            findings.push(Finding::not("fsync", Verdict::Warning, what, next));
        }
        Ok(us) if us > sqlite::FSYNC_SLOW_US => {
            let what = format!(
                "a durable 4 KiB write takes {} ms: every answer to ingest waits for one",
                us / 1_000
            );
            findings.push(Finding::not(
                "fsync",
                Verdict::Warning,
                what,
                "put the data on a faster disk with --data DIR",
            ));
        }
        Ok(us) => findings.push(Finding::good("fsync", format!("a durable 4 KiB write takes {us} µs"))),
        Err(error) => {
            let next = format!("ls -ld {}", data.display());
            findings.push(Finding::not(
                "fsync",
                Verdict::Wrong,
                format!("nothing can be written: {error}"),
                next,
            ));
        }
    }
    findings
}

/// The system's clock against the newest file: a clock that went back loses the order of things.
fn clock(data: &Path) -> Finding {
    let newest = std::fs::read_dir(data).ok().into_iter().flatten().flatten();
    let newest = newest.filter_map(|entry| entry.metadata().ok()?.modified().ok()).max();
    let ahead = newest.and_then(|written| written.duration_since(std::time::SystemTime::now()).ok());
    match ahead {
        Some(ahead) if ahead.as_secs() > 60 => {
            let what = format!("files were written {} s in the future", ahead.as_secs());
            Finding::not("clock", Verdict::Wrong, what, "set the system's clock")
        }
        Some(_) | None => Finding::good("clock", "not behind what was written last"),
    }
}

/// How long ago the latest backup was made; nothing where there is nothing to lose yet.
fn backup_age(data: &Path) -> Option<Finding> {
    if !data.join("trackway.db").is_file() {
        return None;
    }
    let next = format!("trackway backup create DIR --data {}", data.display());
    let made = std::fs::metadata(data.join(super::backup::LATEST)).and_then(|about| about.modified());
    let Ok(made) = made else {
        return Some(Finding::not("backup", Verdict::Warning, "none was ever made", next));
    };
    // A time in the future is the clock's finding, not this one's.
    let age = std::time::SystemTime::now().duration_since(made).unwrap_or_default();
    let days = age.as_secs() / 86_400;
    Some(if age > BACKUP_AGE {
        Finding::not("backup", Verdict::Warning, format!("the latest is {days} days old"), next)
    } else {
        Finding::good("backup", format!("the latest is {} hours old", age.as_secs() / 3_600))
    })
}

fn port(settings: &Settings) -> Finding {
    match TcpListener::bind(settings.listen) {
        Ok(_) => Finding::good("port", format!("{} is free", settings.listen)),
        Err(error) => Finding::not(
            "port",
            Verdict::Wrong,
            format!("{}: {error}", settings.listen),
            "trackway serve --listen 127.0.0.1:0",
        ),
    }
}
