//! How a server is set up. Filled by the command line from its settings, read everywhere through `AppState`.

use std::net::SocketAddr;

/// Settings of one server.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Host names pages and API answer to, besides loopback names, IP addresses and the listen address (D34).
    pub hosts: Vec<String>,
    /// Unknown projects and unreadable bodies get 404 and 400 on the AgentCat wire, for debugging (AC R8).
    pub strict_ingest: bool,
    /// A path under which ingest is answered as well, such as `/collect`: without a slash at its end (wire-posthog R1).
    pub ingest_prefix: Option<String>,
    /// A proxy in front speaks TLS and sets `X-Forwarded-For` and `X-Forwarded-Proto` (D34).
    pub trusted_proxy: bool,
    /// How long a page waits for its figures before it goes out without them.
    pub panel_wait: std::time::Duration,
    /// What each project may send, where it has no limits of its own.
    pub limits: Limits,
    /// Connections open at a time; more wait in the listen queue.
    pub max_connections: usize,
}

/// How much a project may send; 0: no limit (F-158).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Events a second, with bursts of ten seconds' worth.
    pub per_second: u64,
    /// Events a day (UTC).
    pub per_day: u64,
}

impl ServeOptions {
    /// The defaults, at an address.
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            hosts: Vec::new(),
            strict_ingest: false,
            ingest_prefix: None,
            trusted_proxy: false,
            panel_wait: trackway_event::limits::PANEL_WAIT,
            limits: Limits::default(),
            max_connections: 1_024,
        }
    }

    /// A prefix as it is asked for: with one slash before every part and none at the end; `None` where it is none.
    ///
    /// # Errors
    /// In words, where it has other than letters, digits, `-`, `_`, `.` and `/`, or is longer than 100 characters.
    pub fn prefix(text: &str) -> Result<Option<String>, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        if text.len() > 100
            || !text.chars().all(plain)
            || parts.iter().any(|part| *part == "." || *part == "..")
        {
            return Err(format!("{text:?} is no path; write letters, digits and slashes, such as /collect"));
        }
        Ok((!parts.is_empty()).then(|| format!("/{}", parts.join("/"))))
    }
}
