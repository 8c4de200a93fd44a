//! Connections to the server: kept open between requests, no delayed packets, TLS where the URL says so. Nothing is ever sent
//! twice: a request is repeated only if the connection it was to go out on had closed before a byte of it was written.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower::Service;

use super::run::ProxyError;

/// How long connecting may take (CAP §6.2).
const CONNECT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept: less than the five seconds after which servers commonly close it.
const IDLE: Duration = Duration::from_secs(4);

/// What goes wrong below HTTP.
pub(super) type Broken = Box<dyn std::error::Error + Send + Sync>;
/// A body on its way.
pub(super) type Body = UnsyncBoxBody<Bytes, Broken>;

/// The server behind us.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    client: Client<Connect, Body>,
}

impl Upstream {
    /// `more`: a file of certificates in PEM that are trusted beside the public ones.
    pub(super) fn new(more: Option<&Path>) -> Result<Self, ProxyError> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        tcp.enforce_http(false);
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(file) = more {
            let unusable = |error: String| ProxyError::Certificates(file.to_owned(), error);
            let all = CertificateDer::pem_file_iter(file).map_err(|e| unusable(e.to_string()))?;
            let before = roots.len();
            for one in all {
                let one = one.map_err(|e| unusable(e.to_string()))?;
                roots.add(one).map_err(|e| unusable(e.to_string()))?;
            }
            if roots.len() == before {
                return Err(unusable(
                    "it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned(),
                ));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connect = Connect { tcp, tls: TlsConnector::from(Arc::new(tls)) };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_preserve_header_case(true)
            .http1_max_buf_size(1024 * 1024)
            .set_host(false)
            .build(connect);
        Ok(Self { client })
    }

    /// Sends a request; the answer's head is there when this ends.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Broken> {
        Ok(self.client.request(request).await?)
    }
}

/// Makes connections, plain or by TLS.
#[derive(Clone)]
struct Connect {
    tcp: HttpConnector,
    tls: TlsConnector,
}

impl Service<Uri> for Connect {
    type Response = TokioIo<Stream>;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Broken>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let secure = uri.scheme_str() == Some("https");
        let name = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let connecting = self.tcp.call(uri);
        let tls = self.tls.clone();
        Box::pin(async move {
            let tcp = connecting.await?.into_inner();
            if !secure {
                return Ok(TokioIo::new(Stream::Plain(tcp)));
            }
            let name = ServerName::try_from(name)?;
            let secured = tokio::time::timeout(CONNECT, tls.connect(name, tcp)).await??;
            Ok(TokioIo::new(Stream::Tls(Box::new(secured))))
        })
    }
}

/// A connection to the server.
enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, to),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, to),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, from),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, from),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
