//! `trackway serve`: opens the data directory, serves until it is told to stop, ends in order.
//!
//! The parts are shared with `demo`. Invariants: an address beyond loopback is refused unless it is defended (D34); the
//! first TERM or INT drains and commits within 10 s, a second one ends the process at once.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use trackway_event::ProjectId;
use trackway_server::{ServeOptions, Server};
use trackway_store::sqlite::{SqliteOptions, SqliteStore};
use trackway_store::{NewProject, Store, StoreError, TokenScope};

use super::token::new_token;
use crate::args::{Global, Serve};
use crate::config::{Flags, Settings};
use crate::failure::{Exit, Failure, Result};
use crate::{logs, output, secret, service};

/// How long a sign-in link can be used (D35).
const LINK_LIFE_US: i64 = 15 * 60 * 1_000_000;
/// The file in the data directory that tells other verbs where the server is.
const ADDRESS_FILE: &str = "serving";
/// The project a first run makes, so that the lines it prints can be used as they are.
const FIRST_PROJECT: &str = "My first project";

pub(super) fn run(global: &Global, args: Serve) -> Result<()> {
    let settings = Settings::of(&super::layers(global, flags(args))?)?;
    logs::start(&settings)?;
    runtime()?.block_on(async {
        let server = start_server(&settings).await?;
        let project = first_project(&*server.store)?;
        output::print(&greeting(&server, &project, &sign_in_link(&server)?))?;
        service::tell(&format!("READY=1\nSTATUS=serving on {}", server.url));
        let alive = service::heartbeat().map(|period| {
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(period).await;
                    service::tell("WATCHDOG=1");
                }
            })
        });
        stop_signal().await?;
        service::tell("STOPPING=1");
        let stopped = server.stop().await;
        if let Some(alive) = alive {
            alive.abort();
        }
        stopped
    })
}

/// The runtime of a serving process.
///
/// # Errors
/// When the system gives no threads.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("trackway").build().map_err(
        |error| {
            Failure::new(Exit::Unreachable, "the server's threads cannot be started").why(error.to_string())
        },
    )
}

fn flags(args: Serve) -> Flags {
    let mut flags: Flags = Vec::new();
    if let Some(listen) = args.listen {
        flags.push(("listen", listen.into()));
    }
    if !args.hosts.is_empty() {
        flags.push(("hosts", args.hosts.into()));
    }
    if let Some(prefix) = args.ingest_prefix {
        flags.push(("ingest_prefix", prefix.into()));
    }
    let switches = [
        ("insecure", args.insecure),
        ("trusted_proxy", args.trusted_proxy),
        ("strict_ingest", args.strict_ingest),
    ];
    flags.extend(switches.into_iter().filter(|(_, on)| *on).map(|(key, on)| (key, on.into())));
    flags
}

/// A running server.
pub(crate) struct ServerHandle {
    /// What it stores in.
    pub(crate) store: Arc<SqliteStore>,
    /// Where a browser on this machine reaches it, without a slash at the end.
    pub(crate) url: String,
    /// Its data directory.
    pub(crate) data: PathBuf,
    stop: watch::Sender<bool>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl ServerHandle {
    /// Drains, commits and closes; a second signal meanwhile ends the process at once.
    ///
    /// # Errors
    /// When the last commit or the serving itself failed.
    pub(crate) async fn stop(self) -> Result<()> {
        tokio::spawn(async {
            if stop_signal().await.is_ok() {
                // Asked twice: the next start recovers what was under way.
                std::process::exit(130);
            }
        });
        // Nobody listens any more when serving has ended by itself.
        let _ended = self.stop.send(true);
        let served = self.serving.await;
        // Left behind, it would only make `open` say that nobody answers there.
        let _gone = std::fs::remove_file(self.data.join(ADDRESS_FILE));
        self.store.close()?;
        let served =
            served.map_err(|error| error.to_string()).and_then(|end| end.map_err(|error| error.to_string()));
        served.map_err(|why| Failure::new(Exit::Unreachable, "serving broke off").why(why))
    }
}

/// Opens the data directory and starts to serve.
///
/// # Errors
/// When the directory cannot be used (D33), the address may not be used (D34) or is taken.
pub(crate) async fn start_server(settings: &Settings) -> Result<ServerHandle> {
    settings.data.prepare()?;
    let data = settings.data.path().clone();
    let store = SqliteStore::open(&data, SqliteOptions::default())?;
    if let Some(token) = &settings.admin_token {
        make_known(&*store, token)?;
    }
    defended(settings, &*store)?;
    let mut options = ServeOptions::at(settings.listen);
    options.hosts.clone_from(&settings.hosts);
    options.strict_ingest = settings.strict_ingest;
    options.ingest_prefix.clone_from(&settings.ingest_prefix);
    options.trusted_proxy = settings.trusted_proxy;
    options.limits = settings.limits;
    options.max_connections = settings.connections;
    let server =
        Server::bind(options, store.clone()).await.map_err(|error| no_address(settings.listen, &error))?;
    let url = url_of(server.local_addr());
    tell_others(&data, &url);
    let (stop, mut stopped) = watch::channel(false);
    let serving = tokio::spawn(server.run(async move {
        // A sender that is gone means that the process is ending, too.
        let _gone = stopped.wait_for(|stop| *stop).await;
    }));
    Ok(ServerHandle { store, url, data, stop, serving })
}

/// An admin token from the settings becomes one of the store's tokens.
fn make_known(store: &dyn Store, token: &str) -> Result<()> {
    if store.token_by_hash(&secret::hash(token))?.is_none() {
        store.create_token(
            new_token(token, None, TokenScope::Admin, "from the settings".into())?,
            super::now(),
        )?;
    }
    Ok(())
}

/// Beyond loopback an admin token must exist, and TLS before us or the word that there is none (D34).
fn defended(settings: &Settings, store: &dyn Store) -> Result<()> {
    if settings.listen.ip().is_loopback() {
        return Ok(());
    }
    let refused = |why: &str| {
        Failure::new(Exit::Unreachable, format!("{} can be reached by others", settings.listen))
            .why(why.to_owned())
    };
    let has_admin =
        store.tokens(None)?.iter().any(|token| token.scope == TokenScope::Admin && token.project.is_none());
    if !has_admin {
        return Err(refused("there is no admin token yet").next("trackway token create --scope admin"));
    }
    if !settings.trusted_proxy && !settings.insecure {
        return Err(refused("neither --trusted-proxy nor --insecure says how the traffic is kept private")
            .next(format!(
                "trackway serve --listen {} --trusted-proxy   (behind a proxy that speaks TLS)",
                settings.listen
            )));
    }
    Ok(())
}

fn no_address(listen: SocketAddr, error: &std::io::Error) -> Failure {
    let other = SocketAddr::new(listen.ip(), 0);
    Failure::new(Exit::Unreachable, format!("cannot listen on {listen}"))
        .why(error.to_string())
        .next(format!("trackway serve --listen {other}   (any free port)"))
}

/// Where a browser on this machine finds the server.
fn url_of(address: SocketAddr) -> String {
    let port = address.port();
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => format!("http://127.0.0.1:{port}"),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => format!("http://[::1]:{port}"),
        SocketAddr::V4(_) | SocketAddr::V6(_) => format!("http://{address}"),
    }
}

/// Writes the address for `open` and `doctor`. Without it they only know less.
fn tell_others(data: &Path, url: &str) {
    if let Err(error) = std::fs::write(data.join(ADDRESS_FILE), url) {
        tracing::warn!(%error, "the address could not be written; `trackway open` will not find this server");
    }
}

/// Where the server of a data directory said it is.
pub(super) fn told_address(data: &Path) -> Option<String> {
    let url = std::fs::read_to_string(data.join(ADDRESS_FILE)).ok()?;
    Some(url.trim().to_owned()).filter(|url| url.starts_with("http://"))
}

/// A new one-use link that signs a browser in.
///
/// # Errors
/// When it cannot be stored.
pub(crate) fn sign_in_link(server: &ServerHandle) -> Result<String> {
    let text = secret::random_text(43)?;
    server.store.create_login_link(&secret::hash(&text), super::now().plus_micros(LINK_LIFE_US))?;
    Ok(link(&server.url, &text))
}

/// The link of a secret, and until when it can be used.
pub(super) fn link(url: &str, text: &str) -> String {
    format!("{url}/login?token={text}")
}

/// Until when a link made now can be used.
pub(super) fn link_end() -> trackway_event::Timestamp {
    super::now().plus_micros(LINK_LIFE_US)
}

/// The project whose id the greeting names: the oldest; a new installation gets one.
fn first_project(store: &dyn Store) -> Result<ProjectId> {
    if let Some(project) = store.projects()?.into_iter().min_by_key(|project| project.key) {
        return Ok(project.id);
    }
    let id = ProjectId::parse(&format!("proj_{}", secret::random_text(22)?))
        .map_err(|error| Failure::new(Exit::Data, error.to_string()))?;
    match store
        .create_project(NewProject { id: id.clone(), name: FIRST_PROJECT.into(), demo: false }, super::now())
    {
        Ok(_) | Err(StoreError::Conflict(_)) => Ok(id),
        Err(error) => Err(error.into()),
    }
}

fn greeting(server: &ServerHandle, project: &ProjectId, link: &str) -> String {
    let (url, data) = (&server.url, server.data.display());
    format!(
        "Trackway {version} serves on {url}\n\n\
         Dashboard  {link}\n           (signs you in once, within 15 minutes; `trackway open` makes another)\n\
         Data       {data}\n\n\
         Record an MCP server as it is:\n  trackway wrap --project {project} --endpoint {url} -- CMD\n\n\
         Or keep the AgentCat SDK it has, with the project id {project} and these two variables:\n  \
         AGENTCAT_API_URL={url}\n  DISABLE_DIAGNOSTICS=true\n\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// Ends when the process is asked to stop.
///
/// # Errors
/// When the system gives no signals.
pub(crate) async fn stop_signal() -> Result<()> {
    let deaf = |error: std::io::Error| {
        Failure::new(Exit::Unreachable, "signals cannot be received").why(error.to_string())
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(deaf)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(deaf)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(deaf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_sent_to_an_address_it_can_reach() {
        for (listen, url) in [
            ("127.0.0.1:7431", "http://127.0.0.1:7431"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("192.0.2.7:80", "http://192.0.2.7:80"),
        ] {
            assert_eq!(url_of(listen.parse().unwrap()), url);
        }
    }
}
