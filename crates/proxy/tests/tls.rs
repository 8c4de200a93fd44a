//! A server behind TLS: reached where its certificate is trusted, refused where it is not; and OAuth metadata on its way.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail their test")]
#[path = "support/http.rs"]
mod http;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use http::{Proxied, Upstream, json, options};
use rustls::pki_types::PrivateKeyDer;
use trackway_proxy::http::OAuth;

const CALL: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

/// A TLS server for `localhost`, and its certificate in PEM.
fn secure() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let config = Arc::clone(&config);
            std::thread::spawn(move || {
                let mut tls =
                    rustls::StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), stream);
                let mut read = Vec::new();
                let mut chunk = [0; 4096];
                while !read.ends_with(CALL) {
                    match tls.read(&mut chunk) {
                        Ok(0) | Err(_) => return,
                        Ok(n) => read.extend_from_slice(&chunk[..n]),
                    }
                }
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
                let _gone = write!(tls, "{head}{}\r\n\r\n{ANSWER}", ANSWER.len());
            });
        }
    });
    (addr, made.cert.pem())
}

#[test]
fn a_server_behind_tls_is_reached_where_its_certificate_is_trusted() {
    let (addr, pem) = secure();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    let mut options = options(addr);
    options.upstream = format!("https://localhost:{}/mcp", addr.port());
    let strange = Proxied::start(&options).post("", CALL);
    assert!(strange.head.starts_with("HTTP/1.1 502"), "{}", strange.head);
    options.upstream_ca = Some(file.path().to_owned());
    let trusted = Proxied::start(&options).post("", CALL);
    assert!(trusted.head.starts_with("HTTP/1.1 200"), "{}", trusted.head);
    assert_eq!(trusted.text(), ANSWER);
}

#[test]
fn a_file_without_certificates_is_refused_with_its_name() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut options = options("127.0.0.1:9".parse().unwrap());
    options.upstream_ca = Some(file.path().to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(trackway_proxy::http::Bound::bind(&options)).err().unwrap().to_string();
    assert!(error.contains("--upstream-ca") && error.contains("no certificate"), "{error}");
}

#[test]
fn oauth_metadata_passes_or_names_the_public_url() {
    let upstream = Upstream::start(|request, to| {
        let host = request.header("host").unwrap_or_default();
        if request.head.starts_with("GET /.well-known/") {
            let document = format!(
                r#"{{"resource":"http://{host}/mcp","authorization_servers":["https://id.example"]}}"#
            );
            return json(to, "200 OK", "", document.as_bytes());
        }
        let challenge = format!(
            "WWW-Authenticate: Bearer resource_metadata=\"http://{host}/.well-known/oauth-protected-resource/mcp\"\r\n"
        );
        json(to, "401 Unauthorized", &challenge, b"{}");
    });
    let server = upstream.addr;
    let ask = |options: &trackway_proxy::http::ProxyOptions| {
        let proxy = Proxied::start(options);
        let refused = proxy.post("", CALL);
        let document = proxy.get("/.well-known/oauth-protected-resource/mcp");
        (refused.header("www-authenticate").unwrap_or_default().to_owned(), document.text())
    };
    let mut options = options(server);
    let (challenge, document) = ask(&options);
    assert!(
        challenge.contains(&format!("http://{server}/"))
            && document.contains(&format!("http://{server}/mcp"))
    );
    options.oauth = OAuth::Rewrite;
    options.public_url = Some("https://mcp.shop.example/mcp".to_owned());
    options.allow_hosts = vec!["127.0.0.1".to_owned()];
    let (challenge, document) = ask(&options);
    assert_eq!(
        challenge,
        r#"Bearer resource_metadata="https://mcp.shop.example/.well-known/oauth-protected-resource/mcp""#
    );
    assert_eq!(
        document,
        r#"{"resource":"https://mcp.shop.example/mcp","authorization_servers":["https://id.example"]}"#
    );
}
