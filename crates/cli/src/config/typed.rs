//! The settings as types, made from the layers.
//!
//! Called by the verbs. Invariant: what is here has been checked; a wrong value was refused with [`Exit::Usage`].

use std::net::SocketAddr;
use std::path::PathBuf;

use trackway_server::{Limits, ServeOptions};

use super::Layers;
use crate::failure::{Exit, Failure, Result};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Every setting of the server.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The data directory.
    pub(crate) data: DataDir,
    /// Address and port.
    pub(crate) listen: SocketAddr,
    /// More names that pages and API answer to.
    pub(crate) hosts: Vec<String>,
    /// Plain HTTP beyond loopback was asked for.
    pub(crate) insecure: bool,
    /// A TLS proxy stands before.
    pub(crate) trusted_proxy: bool,
    /// Unknown projects get 404 on the AgentCat wire.
    pub(crate) strict_ingest: bool,
    /// A path under which ingest is answered as well.
    pub(crate) ingest_prefix: Option<String>,
    /// What each project may send, where it has no limits of its own.
    pub(crate) limits: Limits,
    /// Connections open at a time.
    pub(crate) connections: usize,
    /// An admin token to make known at start. Never shown.
    pub(crate) admin_token: Option<String>,
    /// Filter of log lines.
    pub(crate) log_level: String,
    /// Look of log lines.
    pub(crate) log_format: LogFormat,
}

/// A data directory and whether its parents may be made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DataDir {
    /// Named by the user: its parent must exist (D33).
    Named(PathBuf),
    /// The platform's: parents are made.
    Platform(PathBuf),
}

impl DataDir {
    /// The directory.
    pub(crate) fn path(&self) -> &PathBuf {
        match self {
            Self::Named(path) | Self::Platform(path) => path,
        }
    }

    /// Makes the parents of the platform's directory; a named one's are the user's business.
    ///
    /// # Errors
    /// With [`Exit::Unreachable`] when they cannot be made.
    pub(crate) fn prepare(&self) -> Result<()> {
        let Self::Platform(path) = self else { return Ok(()) };
        let parent = path.parent().unwrap_or(path);
        std::fs::create_dir_all(parent).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("the directory {} cannot be made", parent.display()))
                .why(error.to_string())
                .next("choose a data directory with --data DIR")
        })
    }
}

impl Settings {
    /// Checks and types the layers.
    ///
    /// # Errors
    /// With [`Exit::Usage`] naming the setting that is wrong.
    pub(crate) fn of(layers: &Layers) -> Result<Self> {
        let listen = layers.text("listen").unwrap_or_default();
        let listen = parse_listen(listen)?;
        let log_format = match layers.text("log.format").unwrap_or("auto") {
            "auto" => LogFormat::Auto,
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => {
                return Err(Failure::new(Exit::Usage, format!("log.format {other:?} is unknown"))
                    .next("use auto, text or json"));
            }
        };
        let ingest_prefix = ServeOptions::prefix(layers.text("ingest_prefix").unwrap_or_default())
            .map_err(|why| Failure::new(Exit::Usage, format!("ingest_prefix {why}")))?;
        let limits = Limits {
            per_second: number(layers, "limit.events_per_second")?,
            per_day: number(layers, "limit.events_per_day")?,
        };
        let connections = number(layers, "limit.connections")?.clamp(16, 65_536) as usize;
        let admin_token = layers.text("admin_token").map(str::to_owned);
        if admin_token.as_ref().is_some_and(|token| token.chars().count() < 32) {
            return Err(Failure::new(Exit::Usage, "admin_token is shorter than 32 characters")
                .next("trackway token create --scope admin makes a good one"));
        }
        Ok(Self {
            data: data_dir(layers)?,
            listen,
            hosts: layers.list("hosts"),
            insecure: layers.switch("insecure"),
            trusted_proxy: layers.switch("trusted_proxy"),
            strict_ingest: layers.switch("strict_ingest"),
            ingest_prefix,
            limits,
            connections,
            admin_token,
            log_level: layers.text("log.level").unwrap_or("info").to_owned(),
            log_format,
        })
    }
}

/// A whole number.
fn number(layers: &Layers, key: &str) -> Result<u64> {
    let text = layers.text(key).unwrap_or("0").trim();
    text.parse().map_err(|_| {
        Failure::new(Exit::Usage, format!("{key} {text:?} is no number"))
            .next("write a whole number, 0 for none")
    })
}

/// The data directory: as set, or the platform's.
///
/// # Errors
/// With [`Exit::Usage`] when none is set and the home directory is unknown.
pub(crate) fn data_dir(layers: &Layers) -> Result<DataDir> {
    if let Some(path) = layers.text("data") {
        return Ok(DataDir::Named(PathBuf::from(path)));
    }
    platform_dir().map(DataDir::Platform).ok_or_else(|| {
        Failure::new(Exit::Usage, "no data directory is set and the home directory is unknown")
            .next("name one with --data DIR")
    })
}

/// `host:port` with a numeric address or `localhost`.
fn parse_listen(text: &str) -> Result<SocketAddr> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse().map_err(|_| {
        Failure::new(Exit::Usage, format!("listen {text:?} is no address and port"))
            .next("write it like 127.0.0.1:7431 or [::1]:7431")
    })
}

fn platform_dir() -> Option<PathBuf> {
    let dir = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(target_os = "macos") {
        dir("HOME")?.join("Library/Application Support")
    } else if cfg!(windows) {
        dir("LOCALAPPDATA")?
    } else {
        dir("XDG_DATA_HOME").or_else(|| Some(dir("HOME")?.join(".local/share")))?
    };
    Some(base.join("trackway"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        assert_eq!(parse_listen("localhost:80").unwrap().to_string(), "127.0.0.1:80");
        assert_eq!(parse_listen("[::1]:7431").unwrap().to_string(), "[::1]:7431");
        for bad in ["", "7431", "127.0.0.1", "example.com:80", "127.0.0.1:99999"] {
            assert_eq!(parse_listen(bad).unwrap_err().code(), 2, "{bad}");
        }
    }
}
