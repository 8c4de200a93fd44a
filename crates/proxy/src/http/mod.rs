//! `trackway proxy`: stands before an MCP server that speaks HTTP (CAP §6.2). What a request passes:
//!
//! - [`gate`]: is it from a page that has no business here
//! - `exchange`: one request and its answer, edited where it must be, copied to the recorder, never held up
//! - `answer`: the body of an answer on its way; `sse`: event streams cut into events
//! - `upstream`: connections to the server; `headers`: which headers pass, which are kept
//! - `oauth`: the metadata that names the resource, where it is to name the proxy
//! - `lanes`: which session and which stream an id belongs to

mod answer;
mod exchange;
pub mod gate;
mod headers;
mod lanes;
mod listing;
mod oauth;
mod run;
pub(crate) mod sse;
mod upstream;

pub use headers::NamedBy;
pub use oauth::OAuth;
pub use run::{Bound, HostSeen, ProxyError, ProxyOptions};

/// Runs the proxy until a signal ends it; `ready` is given the address it listens at.
///
/// # Errors
/// When it cannot start.
pub fn run(options: &ProxyOptions, ready: impl FnOnce(std::net::SocketAddr)) -> Result<(), ProxyError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("trackway-proxy")
        .enable_all()
        .build()
        .map_err(ProxyError::Runtime)?;
    runtime.block_on(async {
        let bound = Bound::bind(options).await?;
        ready(bound.local_addr());
        bound.run(stopped()).await;
        Ok(())
    })
}

/// Ends with the first signal that asks for an end.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut hang_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            let _interrupted = tokio::signal::ctrl_c().await;
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    let _interrupted = tokio::signal::ctrl_c().await;
}
