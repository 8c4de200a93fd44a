//! Where a request comes from: the host name it was sent to (D34), the site that sent it, the address of the sender.

use std::net::IpAddr;

use axum::extract::Request;
use http::{HeaderMap, Method, header};
use trackway_event::ProblemCode;

use crate::options::ServeOptions;
use crate::problem::Problem;

/// The address of the connection, put on every request by the server loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Refuses host names that are not ours: a page of a foreign site that lets its name point to this machine. IP addresses
/// are safe, for rebinding needs a name.
pub(crate) fn check_host(options: &ServeOptions, request: &Request) -> Result<(), Problem> {
    let named = request.headers().get(header::HOST).and_then(|h| h.to_str().ok());
    let host = named.or_else(|| request.uri().authority().map(|a| a.as_str())).unwrap_or_default();
    if is_ours(options, host) {
        return Ok(());
    }
    Err(Problem::new(
        ProblemCode::BadHost,
        "this server does not answer to that host name; add it to the setting \"hosts\"",
    ))
}

fn is_ours(options: &ServeOptions, host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or(host)
    } else {
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    bare.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || options.hosts.iter().any(|ours| {
            let ours = ours.trim_end_matches('.');
            ours.eq_ignore_ascii_case(&name) || ours.eq_ignore_ascii_case(host)
        })
}

/// Refuses writes that another site made the browser send. A bearer token is no ambient credential and passes.
pub(crate) fn check_origin(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        || headers.contains_key(header::AUTHORIZATION)
        || same_site(headers)
    {
        return Ok(());
    }
    Err(Problem::new(
        ProblemCode::Forbidden,
        "this request comes from another site; use a page of this server",
    ))
}

fn same_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let text = |name| headers.get(name).and_then(|v: &http::HeaderValue| v.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, h)| h.eq_ignore_ascii_case(host))
        }
        (Some(_), None) => false,
        // No browser: every browser sends Origin with a POST. Without a cookie there is nothing to forge.
        (None, _) => !headers.contains_key(header::COOKIE),
    }
}

/// The sender's address: of the connection, or what a trusted proxy says.
pub(crate) fn peer_of(options: &ServeOptions, request_headers: &HeaderMap, peer: Option<Peer>) -> IpAddr {
    let forwarded = request_headers.get("x-forwarded-for").filter(|_| options.trusted_proxy);
    let last = forwarded.and_then(|v| v.to_str().ok()).and_then(|v| v.rsplit(',').next());
    last.and_then(|a| a.trim().parse().ok()).or(peer.map(|p| p.0)).unwrap_or(IpAddr::from([0, 0, 0, 0]))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn options() -> ServeOptions {
        let mut options = ServeOptions::at(([127, 0, 0, 1], 0).into());
        options.hosts = vec!["trackway.example".into()];
        options
    }

    #[test]
    fn host_names_against_rebinding() {
        for (host, ours) in [
            ("localhost:7431", true),
            ("LOCALHOST", true),
            ("a.localhost:1", true),
            ("127.0.0.1:7431", true),
            ("[::1]:7431", true),
            ("192.0.2.7", true),
            ("trackway.example", true),
            ("Trackway.Example.:443", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_ours(&options(), host), ours, "{host}");
        }
    }

    #[test]
    fn writes_of_other_sites_are_refused() {
        let check = |method: &str, headers: &[(&str, &str)]| {
            let mut request = http::Request::builder().method(method).uri("/");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            check_origin(&request.body(Body::empty()).unwrap()).is_ok()
        };
        let host = ("host", "localhost:7431");
        for (method, headers, passes) in [
            ("GET", &[host, ("sec-fetch-site", "cross-site")][..], true),
            ("POST", &[host, ("sec-fetch-site", "cross-site")], false),
            ("POST", &[host, ("sec-fetch-site", "same-site")], false),
            ("POST", &[host, ("sec-fetch-site", "same-origin"), ("cookie", "a=b")], true),
            ("POST", &[host, ("origin", "http://localhost:7431"), ("cookie", "a=b")], true),
            ("POST", &[host, ("origin", "http://localhost:9"), ("cookie", "a=b")], false),
            ("POST", &[host, ("origin", "null")], false),
            ("POST", &[host, ("cookie", "a=b")], false),
            ("POST", &[host], true),
            ("POST", &[host, ("sec-fetch-site", "cross-site"), ("authorization", "Bearer x")], true),
        ] {
            assert_eq!(check(method, headers), passes, "{method} {headers:?}");
        }
    }
}
