//! `trackway open`: a one-use sign-in link to the running server of a data directory, opened in the browser where there
//! is one.

use std::io::IsTerminal;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::serve::{link, link_end, told_address};
use crate::args::{Global, Open};
use crate::failure::{Exit, Failure, Result};
use crate::{config, output, secret};

/// A server on this machine that takes longer to answer is not there.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn run(global: &Global, args: &Open) -> Result<()> {
    let data = config::data_dir(&super::layers(global, vec![])?)?.path().clone();
    let absent = || {
        Failure::new(Exit::Unreachable, format!("no server runs on {}", data.display()))
            .next(format!("trackway serve --data {}", data.display()))
    };
    let url = told_address(&data).ok_or_else(absent)?;
    answers(&url).map_err(|why| absent().why(format!("{url} does not answer: {why}")))?;
    let text = secret::random_text(43)?;
    super::control(global)?.create_login_link(&secret::hash(&text), link_end())?;
    let link = link(&url, &text);
    if args.json {
        return output::json(&json!({ "url": url, "link": link, "expires_at": link_end().to_string() }));
    }
    if !args.print && std::io::stdout().is_terminal() && browse(&link) {
        return output::print(&format!("opened {url}\n"));
    }
    output::print(&format!("{link}\n"))
}

/// Whether a server lives there.
pub(super) fn answers(url: &str) -> std::result::Result<(), String> {
    let client: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
    client.get(format!("{url}/health/live")).call().map(drop).map_err(|error| error.to_string())
}

/// Asks the system to open a link; `false` when there is nobody to ask.
fn browse(link: &str) -> bool {
    let (program, first) = if cfg!(target_os = "macos") {
        ("open", None)
    } else if cfg!(windows) {
        ("rundll32", Some("url.dll,FileProtocolHandler"))
    } else {
        if std::env::var_os("DISPLAY").is_none() && std::env::var_os("WAYLAND_DISPLAY").is_none() {
            return false;
        }
        ("xdg-open", None)
    };
    let mut command = Command::new(program);
    command.args(first).arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
