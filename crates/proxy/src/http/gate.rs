//! Which requests are let in at all (CAP §6.2): a web page that reaches us by a name of its own, or as another origin, is
//! refused before the server is contacted, since the server sees only our host and cannot tell.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header};

/// Names and origins that are let in beside those of the address.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    listen: Option<SocketAddr>,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Gate {
    /// For a listener at `listen`; `public_url`'s host and origin are let in too.
    pub fn new(listen: SocketAddr, public_url: Option<&str>, hosts: &[String], origins: &[String]) -> Self {
        let mut gate = Self { listen: Some(listen), ..Self::default() };
        gate.hosts.extend(hosts.iter().map(|h| h.to_ascii_lowercase()));
        gate.origins.extend(origins.iter().map(|o| o.trim_end_matches('/').to_ascii_lowercase()));
        if let Some(url) = public_url.and_then(|u| u.parse::<http::Uri>().ok())
            && let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority())
        {
            gate.hosts.push(authority.host().to_ascii_lowercase());
            gate.origins.push(format!("{scheme}://{authority}").to_ascii_lowercase());
        }
        gate
    }

    /// Whether a request with these headers is let in.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let Some(Ok(host)) = hosts.next().map(|h| h.to_str()) else { return false };
        if hosts.next().is_some() || !self.host(host) {
            return false;
        }
        headers.get_all(header::ORIGIN).iter().all(|o| o.to_str().is_ok_and(|o| self.origin(o)))
    }

    fn host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = name_of(&host);
        if self.hosts.iter().any(|h| *h == host || *h == name) {
            return true;
        }
        let Some(listen) = self.listen else { return false };
        let ip = listen.ip();
        (ip.is_loopback() && is_loopback(name)) || name.parse::<IpAddr>().is_ok_and(|named| named == ip)
    }

    fn origin(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        if self.origins.contains(&origin) {
            return true;
        }
        let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        rest.is_some_and(|authority| is_loopback(name_of(authority)))
    }
}

/// Without its port and the brackets of an IPv6 address.
fn name_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split_once(']').map_or("", |(name, _)| name);
    }
    authority.split_once(':').map_or(authority, |(name, _)| name)
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(gate: &Gate, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        gate.admits(&map)
    }

    #[test]
    fn case_42_only_our_names_and_origins_are_let_in() {
        let local = Gate::new("127.0.0.1:7432".parse().unwrap(), None, &[], &["https://app.example/".into()]);
        for (host, origin, expected) in [
            ("127.0.0.1:7432", None, true),
            ("localhost:9", None, true),
            ("LOCALHOST", None, true),
            ("[::1]:7432", None, true),
            ("evil.example:7432", None, false),
            ("127.0.0.1.evil.example", None, false),
            ("localhost.evil.example", None, false),
            ("192.168.1.2:7432", None, false),
            ("localhost:7432", Some("http://localhost:3000"), true),
            ("localhost:7432", Some("https://app.example"), true),
            ("localhost:7432", Some("https://app.example.evil.example"), false),
            ("localhost:7432", Some("http://localhost.evil.example"), false),
            ("localhost:7432", Some("null"), false),
            ("localhost:7432", Some("file://"), false),
        ] {
            let headers: Vec<_> = [("host", host)].into_iter().chain(origin.map(|o| ("origin", o))).collect();
            assert_eq!(admits(&local, &headers), expected, "{host} {origin:?}");
        }
        assert!(!admits(&local, &[]), "no host");
        assert!(!admits(&local, &[("host", "localhost"), ("host", "evil.example")]), "two hosts");
        assert!(!admits(
            &local,
            &[("host", "localhost"), ("origin", "http://localhost"), ("origin", "https://evil.example")]
        ));
    }

    #[test]
    fn case_42_a_public_address_is_named() {
        let public = "https://mcp.example";
        let gate = Gate::new("0.0.0.0:80".parse().unwrap(), Some(public), &["inner.example".into()], &[]);
        for (host, origin, expected) in [
            ("mcp.example", Some("https://mcp.example"), true),
            ("mcp.example:443", None, true),
            ("inner.example:80", None, true),
            ("localhost", None, false),
            ("mcp.example", Some("http://mcp.example"), false),
        ] {
            let headers: Vec<_> = [("host", host)].into_iter().chain(origin.map(|o| ("origin", o))).collect();
            assert_eq!(admits(&gate, &headers), expected, "{host} {origin:?}");
        }
    }
}
