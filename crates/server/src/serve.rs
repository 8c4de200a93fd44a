//! The serving loop: binds, accepts, bounds, and shuts down in order (D39, D40).
//!
//! Called by the verbs `serve` and `demo`. Bounds: head size and time, connections, bodies (`ingest::body`), answers
//! that nobody reads; the whole of a request (`routes`). Shutdown: not
//! ready, stop accepting, finish what is being answered, close the store; within [`limits::SHUTDOWN`].

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;
use trackway_event::limits;
use trackway_store::Store;

use crate::auth::Peer;
use crate::ingest::posthog_route::HangUp;
use crate::ingest::watch_projects;
use crate::options::ServeOptions;
use crate::routes::router;
use crate::state::AppState;

/// How long connections may take to finish what they are doing; the rest of [`limits::SHUTDOWN`] is the store's.
const DRAIN: Duration = Duration::from_secs(5);

/// A bound server that does not serve yet.
pub struct Server {
    listener: TcpListener,
    addr: SocketAddr,
    state: AppState,
}

impl Server {
    /// Binds the address of the options.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn bind(options: ServeOptions, store: Arc<dyn Store>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr, state: AppState::new(options, store) })
    }

    /// The address that was bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The state, for the caller's own tasks.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Serves until `shutdown` ends, then drains and closes the store.
    ///
    /// # Errors
    /// When the store does not close cleanly.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> std::io::Result<()> {
        let Self { listener, state, .. } = self;
        let watcher = tokio::spawn(watch_projects(state.clone()));
        let app = router(state.clone());
        let connections = Arc::new(Semaphore::new(state.options().max_connections));
        let (ending, end) = watch::channel(false);
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let next = async {
                let permit = connections.clone().acquire_owned().await.ok()?;
                Some((permit, listener.accept().await))
            };
            let accepted = tokio::select! {
                accepted = next => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Some((permit, Ok((stream, peer)))) => {
                    serve_one(app.clone(), state.clone(), stream, peer, permit, end.clone());
                }
                Some((_, Err(error))) => {
                    // Out of file descriptors, most likely: without a pause this would spin.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                None => break,
            }
        }
        state.drain();
        drop(listener);
        ending.send_replace(true);
        drop(end);
        if tokio::time::timeout(DRAIN, ending.closed()).await.is_err() {
            tracing::warn!("some connections did not end in time and were cut");
        }
        watcher.abort();
        let store = state.store().clone();
        let closing = tokio::task::spawn_blocking(move || store.close());
        let left = limits::SHUTDOWN.saturating_sub(DRAIN);
        match tokio::time::timeout(left, closing).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(std::io::Error::other(error.to_string())),
            Ok(Err(_)) => Err(std::io::Error::other("closing the storage ended in a panic")),
            Err(_) => {
                Err(std::io::Error::other("the storage did not close in time; the next start recovers"))
            }
        }
    }
}

fn serve_one(
    app: Router,
    state: AppState,
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    mut end: watch::Receiver<bool>,
) {
    let _unset = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits::WRITE_TIMEOUT));
    tokio::spawn(async move {
        let _permit = permit;
        state.metrics().connections.fetch_add(1, Ordering::Relaxed);
        let service = app.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip()));
            request.map(axum::body::Body::new)
        });
        let service =
            service.map_result(|answer: Result<axum::response::Response, Infallible>| match answer {
                // A failed service ends the connection without an answer.
                Ok(answer) if answer.extensions().get::<HangUp>().is_some() => Err(NoAnswer),
                Ok(answer) => Ok(answer),
                Err(never) => match never {},
            });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits::HEAD_TIMEOUT)
            .max_buf_size(limits::HEAD_BYTES)
            .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(service));
        let mut connection = std::pin::pin!(connection);
        let ended = async {
            let _sender_gone = end.wait_for(|ended| *ended).await.is_err();
        };
        let whole = tokio::select! {
            result = connection.as_mut() => Some(result),
            () = ended => None,
        };
        match whole {
            Some(result) => trace_end(result),
            None => {
                connection.as_mut().graceful_shutdown();
                if let Ok(result) = tokio::time::timeout(DRAIN, connection.as_mut()).await {
                    trace_end(result);
                }
            }
        }
        state.metrics().connections.fetch_sub(1, Ordering::Relaxed);
    });
}

/// A request whose connection is closed instead (D3).
#[derive(Debug, thiserror::Error)]
#[error("there was no room for what the connection sent")]
struct NoAnswer;

impl From<Infallible> for NoAnswer {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

fn trace_end(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}
