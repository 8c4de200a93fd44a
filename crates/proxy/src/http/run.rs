//! The run of `trackway proxy`: binds, accepts, serves each connection, and ends in order: no new connections, what is under
//! way gets a moment, then the last events are sent or spooled.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use trackway_capture::editor::Editor;
use trackway_capture::recorder::IdentifyRule;
use trackway_capture::wire::eligible::project_marker;
use trackway_capture::wire::inject::{Injection, Missing, Mode};
use trackway_event::{CaptureBy, ProjectId};

use super::exchange::{Shared, Target, handle};
use super::gate::Gate;
use super::headers::NamedBy;
use super::lanes::Lanes;
use super::listing::Asking;
use super::oauth::{OAuth, Rewrite};
use super::upstream::Upstream;
use crate::leaving::Leaving;
use crate::recording::{Recording, RecordingConfig};
use crate::wrap::Print;

/// Connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 4_096;
/// How long a client may leave a connection unused, or take to send a request's head: longer than clients keep one.
const HEAD: Duration = Duration::from_secs(120);
/// How long what is under way may take at the end.
const DRAIN: Duration = Duration::from_secs(2);

/// Everything `proxy` is told.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// URL of the MCP server.
    pub upstream: String,
    /// Address to listen at.
    pub listen: SocketAddr,
    /// URL under which clients reach the proxy, where that is not the address.
    pub public_url: Option<String>,
    /// Host names that are let in.
    pub allow_hosts: Vec<String>,
    /// Origins that are let in.
    pub allow_origins: Vec<String>,
    /// What becomes of OAuth metadata.
    pub oauth: OAuth,
    /// A file of certificates in PEM that the server's may be signed by, beside the public ones.
    pub upstream_ca: Option<PathBuf>,
    /// Whose name the server sees in `Host`.
    pub host: HostSeen,
    /// Which header or claim names the user.
    pub named_by: NamedBy,
    /// Which argument names the user.
    pub identify: Option<IdentifyRule>,
    /// Project the events belong to.
    pub project: ProjectId,
    /// Base URL of Trackway.
    pub endpoint: String,
    /// Ingest token.
    pub token: Option<String>,
    /// What is done about `context`.
    pub mode: Mode,
    /// Replaces the constant description of `context`.
    pub context_description: Option<String>,
    /// Whether `get_more_tools` is offered.
    pub report_missing: Missing,
    /// Write events to stderr and send nothing.
    pub print: Print,
    /// Directory for what cannot be sent.
    pub spool: Option<PathBuf>,
    /// What is masked, and where else events go.
    pub leaving: Leaving,
}

/// The `Host` that the server sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostSeen {
    /// Its own.
    Upstream,
    /// The one the client used.
    Client,
}

/// Why the proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The URL of the server cannot be used.
    #[error("--upstream {0}: write a URL that starts with http:// or https:// and names a host")]
    Upstream(String),
    /// The address cannot be had.
    #[error("cannot listen at {0}: {1}; choose another address with --listen")]
    Listen(SocketAddr, std::io::Error),
    /// TLS cannot be set up.
    #[error("tls cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The certificates cannot be read.
    #[error("--upstream-ca {0}: {1}")]
    Certificates(PathBuf, String),
    /// OAuth metadata cannot be rewritten without a URL to write.
    #[error("--oauth rewrite needs --public-url, the URL under which clients reach the proxy")]
    NoPublicUrl,
    /// No runtime.
    #[error("the runtime does not start: {0}")]
    Runtime(std::io::Error),
}

/// A proxy that listens and does not serve yet.
pub struct Bound {
    listener: TcpListener,
    addr: SocketAddr,
    shared: Shared,
    recording: Option<Recording>,
}

impl Bound {
    /// Binds the address and starts the recording.
    ///
    /// # Errors
    /// When the URL is none, or the address cannot be had.
    pub async fn bind(options: &ProxyOptions) -> Result<Self, ProxyError> {
        let target = target(&options.upstream)?;
        let fail = |error| ProxyError::Listen(options.listen, error);
        let listener = TcpListener::bind(options.listen).await.map_err(fail)?;
        let addr = listener.local_addr().map_err(fail)?;
        let marker = project_marker(&options.project);
        let description = options.context_description.as_deref();
        let injection = Injection::new(options.mode, marker, description, options.report_missing);
        let rewrite = match options.oauth {
            OAuth::Pass => None,
            OAuth::Rewrite => {
                let public = options.public_url.as_deref().ok_or(ProxyError::NoPublicUrl)?;
                Some(Rewrite::new(&target, public).ok_or(ProxyError::NoPublicUrl)?)
            }
        };
        let upstream = Upstream::new(options.upstream_ca.as_deref())?;
        let recording = Recording::start(options.recording());
        let shared = Shared {
            target,
            gate: Gate::new(
                addr,
                options.public_url.as_deref(),
                &options.allow_hosts,
                &options.allow_origins,
            ),
            upstream,
            editor: Arc::new(Editor::new(injection)),
            tap: recording.as_ref().map(Recording::tap),
            lanes: Arc::new(Lanes::default()),
            named_by: options.named_by.clone(),
            host: options.host,
            asking: Asking::default(),
            rewrite,
        };
        Ok(Self { listener, addr, shared, recording })
    }

    /// The address that was bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `shutdown` ends, then drains, and sends or spools the last events.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let Self { listener, shared, recording, .. } = self;
        let shared = Arc::new(shared);
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let (ending, end) = watch::channel(());
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let next = async {
                let permit = room.clone().acquire_owned().await.ok()?;
                Some((permit, listener.accept().await))
            };
            let accepted = tokio::select! {
                accepted = next => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Some((permit, Ok((stream, peer)))) => {
                    tokio::spawn(serve(stream, peer, Arc::clone(&shared), end.clone(), permit));
                }
                // Out of descriptors: some are given back in a moment.
                Some((_, Err(_))) => tokio::time::sleep(Duration::from_millis(20)).await,
                None => break,
            }
        }
        drop(listener);
        drop(ending);
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        let _drained = tokio::time::timeout(DRAIN, room.acquire_many(all)).await;
        if let Some(recording) = recording {
            let _done = tokio::task::spawn_blocking(move || recording.finish()).await;
        }
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    mut end: watch::Receiver<()>,
    _permit: OwnedSemaphorePermit,
) {
    // Without it a head and its first chunk meet a delayed acknowledgement (CAP §6.2).
    let _kept_as_it_is = stream.set_nodelay(true);
    let service = service_fn(move |request| handle(Arc::clone(&shared), peer.ip(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .preserve_header_case(true)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => {
            if let Err(error) = done {
                tracing::debug!(%error, "a connection ended early");
            }
            return;
        }
        _ = end.changed() => connection.as_mut().graceful_shutdown(),
    }
    // Event streams have no end of their own.
    let _cut = tokio::time::timeout(DRAIN, connection).await;
}

impl ProxyOptions {
    fn recording(&self) -> RecordingConfig {
        RecordingConfig {
            project: self.project.clone(),
            endpoint: self.endpoint.clone(),
            token: self.token.clone(),
            capture: CaptureBy::Proxy,
            mode: self.mode,
            identify: self.identify.clone(),
            print: self.print,
            spool: self.spool.clone(),
            leaving: self.leaving.clone(),
            demo: None,
            demo_facts: None,
        }
    }
}

fn target(url: &str) -> Result<Target, ProxyError> {
    let wrong = || ProxyError::Upstream(url.to_owned());
    let parts = url.parse::<http::Uri>().map_err(|_| wrong())?.into_parts();
    let scheme = parts.scheme.filter(|s| [Scheme::HTTP, Scheme::HTTPS].contains(s)).ok_or_else(wrong)?;
    let authority: Authority = parts.authority.filter(|a| !a.as_str().contains('@')).ok_or_else(wrong)?;
    let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
    Ok(Target { scheme, authority, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_an_http_url() {
        for (url, path) in [("http://127.0.0.1:3000/mcp", "/mcp"), ("https://mcp.example", "/")] {
            assert_eq!(target(url).unwrap().path.as_str(), path);
        }
        for url in ["", "/mcp", "ftp://x/", "127.0.0.1:3000", "http://user:secret@host/mcp", "http://"] {
            assert!(target(url).is_err(), "{url}");
        }
    }
}
