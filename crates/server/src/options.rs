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
    /// A proxy in front speaks TLS and sets `X-Forwarded-For` and `X-Forwarded-Proto` (D34).
    pub trusted_proxy: bool,
    /// Connections open at a time; more wait in the listen queue.
    pub max_connections: usize,
}

impl ServeOptions {
    /// The defaults, at an address.
    pub fn at(listen: SocketAddr) -> Self {
        Self { listen, hosts: Vec::new(), strict_ingest: false, trusted_proxy: false, max_connections: 1_024 }
    }
}
