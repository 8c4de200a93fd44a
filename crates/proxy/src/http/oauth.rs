//! `--oauth rewrite` (CAP §6.3): the server's metadata names the server's own URL as the resource that tokens are for; clients
//! that reach it through the proxy want the proxy's public one there. Two places are changed: `resource_metadata` of
//! `WWW-Authenticate`, and `resource` in the metadata document. Only for servers that accept tokens of that audience.

use http::{HeaderMap, HeaderValue, Method, Uri, header};
use trackway_capture::wire::{Edit, apply, get, text};

use super::exchange::Target;

/// The document's place, with what may follow it (RFC 9728 §3.1).
const DOCUMENT: &str = "/.well-known/oauth-protected-resource";

/// What becomes of OAuth metadata on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OAuth {
    /// It passes unchanged.
    #[default]
    Pass,
    /// The server's origin in it becomes the public one.
    Rewrite,
}

/// The two origins, without a slash at their end.
#[derive(Clone, Debug)]
pub(super) struct Rewrite {
    server: String,
    public: String,
}

impl Rewrite {
    /// `None`: the public URL is none.
    pub(super) fn new(target: &Target, public: &str) -> Option<Self> {
        let uri: Uri = public.parse().ok()?;
        let public = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
        Some(Self { server: format!("{}://{}", target.scheme, target.authority), public })
    }

    /// Whether this request asks for the document.
    pub(super) fn concerns(method: &Method, path: &str) -> bool {
        let rest = path.strip_prefix(DOCUMENT);
        *method == Method::GET && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }

    /// `resource_metadata` of each `WWW-Authenticate`.
    pub(super) fn headers(&self, headers: &mut HeaderMap) {
        let all: Vec<HeaderValue> = headers.get_all(header::WWW_AUTHENTICATE).iter().cloned().collect();
        if all.is_empty() {
            return;
        }
        headers.remove(header::WWW_AUTHENTICATE);
        for value in all {
            let with = value.to_str().ok().and_then(|text| self.challenge(text));
            headers.append(header::WWW_AUTHENTICATE, with.unwrap_or(value));
        }
    }

    fn challenge(&self, text: &str) -> Option<HeaderValue> {
        let name = "resource_metadata=";
        let at = text.find(name)? + name.len();
        let (before, rest) = text.split_at_checked(at)?;
        let (quote, url) = rest.strip_prefix('"').map_or(("", rest), |url| ("\"", url));
        let with = format!("{before}{quote}{}", self.public_url(url)?);
        HeaderValue::from_str(&with).ok()
    }

    /// The document with the public URL as its `resource`; `None`: it stays as it is.
    pub(super) fn document(&self, json: &[u8]) -> Option<Vec<u8>> {
        let at = get(json, &(0..json.len()), "resource")?;
        let with = serde_json::to_vec(&self.public_url(&text(json, &at)?)?).ok()?;
        Some(apply(json, &[Edit { at, with }]))
    }

    /// A URL of the server under the public origin.
    fn public_url(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(&self.server)?;
        // Not `https://host.example.evil`, where the server is `https://host.example`.
        let ends = rest.is_empty() || rest.starts_with(['/', '?', '#', '"']);
        ends.then(|| format!("{}{rest}", self.public))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::uri::{Authority, PathAndQuery, Scheme};

    fn rewrite() -> Rewrite {
        let target = Target {
            scheme: Scheme::HTTP,
            authority: Authority::from_static("10.0.0.7:3000"),
            path: PathAndQuery::from_static("/mcp"),
        };
        Rewrite::new(&target, "https://mcp.shop.example/mcp").unwrap()
    }

    #[test]
    fn the_challenge_names_the_public_document_and_keeps_the_rest() {
        let mut headers = HeaderMap::new();
        for value in [
            r#"Bearer error="invalid_token", resource_metadata="http://10.0.0.7:3000/.well-known/oauth-protected-resource/mcp", scope="a b""#,
            r#"Bearer resource_metadata="http://10.0.0.7:30001/x""#,
            "Basic realm=shop",
        ] {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        rewrite().headers(&mut headers);
        let all: Vec<&str> =
            headers.get_all(header::WWW_AUTHENTICATE).iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!(
            all,
            [
                r#"Bearer error="invalid_token", resource_metadata="https://mcp.shop.example/.well-known/oauth-protected-resource/mcp", scope="a b""#,
                r#"Bearer resource_metadata="http://10.0.0.7:30001/x""#,
                "Basic realm=shop",
            ]
        );
    }

    #[test]
    fn the_document_names_the_public_resource_and_nothing_else_changes() {
        let given = br#"{ "authorization_servers":["http://10.0.0.7:3000/as"],"resource" : "http://10.0.0.7:3000/mcp" }"#;
        let with = rewrite().document(given).unwrap();
        let expected = br#"{ "authorization_servers":["http://10.0.0.7:3000/as"],"resource" : "https://mcp.shop.example/mcp" }"#;
        assert_eq!(String::from_utf8_lossy(&with), String::from_utf8_lossy(expected));
        for other in [r#"{"resource":"http://elsewhere/mcp"}"#, r#"{"resource":7}"#, "[]", "not json"] {
            assert_eq!(rewrite().document(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn only_the_document_is_looked_at() {
        for (path, is) in [
            ("/.well-known/oauth-protected-resource", true),
            ("/.well-known/oauth-protected-resource/mcp?x=1", true),
            ("/.well-known/oauth-protected-resources", false),
            ("/mcp", false),
        ] {
            assert_eq!(Rewrite::concerns(&Method::GET, path), is, "{path}");
        }
        assert!(!Rewrite::concerns(&Method::POST, DOCUMENT));
    }
}
