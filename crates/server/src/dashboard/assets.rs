//! The embedded files: style, script, fonts, icon. Served under `/assets/{hash}/{name}`, immutable and compressed once.
//!
//! The names and hashes of third-party files are in `assets/vendor.lock`; nothing is fetched, at build time or by a browser.
//! Called by the frame for addresses, and by the router for the files.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

struct Asset {
    hash: String,
    mime: &'static str,
    plain: Vec<u8>,
    /// Absent where it would not be smaller.
    gzip: Option<Vec<u8>>,
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let mut assets: BTreeMap<String, Asset> = Files::iter()
        .filter_map(|name| {
            let mime = mime_of(&name)?;
            let plain = Files::get(&name)?.data.into_owned();
            Some((name.into_owned(), Asset::new(mime, plain)))
        })
        .collect();
    // the style sheet names fonts as `asset:NAME`; their hashed addresses are part of its own hash
    let fonts: Vec<(String, String)> = assets
        .iter()
        .filter(|(name, _)| name.ends_with(".woff2"))
        .map(|(name, asset)| (format!("asset:{name}"), format!("/assets/{}/{name}", asset.hash)))
        .collect();
    for asset in assets.values_mut().filter(|a| a.mime.starts_with("text/css")) {
        let text = String::from_utf8_lossy(&asset.plain).into_owned();
        let text = fonts.iter().fold(text, |text, (name, url)| text.replace(name, url));
        *asset = Asset::new(asset.mime, text.into_bytes());
    }
    assets
});

/// The address of an embedded file. Asking for a file that is not embedded is caught by a test.
pub(crate) fn url(name: &str) -> String {
    let hash = ASSETS.get(name).map_or("0", |a| a.hash.as_str());
    format!("/assets/{hash}/{name}")
}

/// `GET /assets/{hash}/{name}`. A wrong hash is not found, so that an old page never gets a new file.
pub(crate) async fn serve(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.get(&name).filter(|a| a.hash == hash) else {
        return (StatusCode::NOT_FOUND, "no such file").into_response();
    };
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
    let wants_gzip = accepts.split(',').any(|part| {
        let mut words = part.split(';').map(str::trim);
        words.next() == Some("gzip") && words.all(|w| w != "q=0")
    });
    let (body, encoding) = match &asset.gzip {
        Some(gzip) if wants_gzip => (gzip.clone(), Some("gzip")),
        Some(_) | None => (asset.plain.clone(), None),
    };
    let mut response = body.into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.mime));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(encoding) = encoding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

impl Asset {
    fn new(mime: &'static str, plain: Vec<u8>) -> Self {
        let digest: [u8; 32] = Sha256::digest(&plain).into();
        let hash = trackway_event::id::hex(digest.get(..6).unwrap_or_default());
        let gzip = gzip(&plain).filter(|g| g.len() < plain.len() * 9 / 10);
        Self { hash, mime, plain, gzip }
    }
}

fn gzip(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

/// `None` for files that are kept beside the assets but not served: licences and the lock file.
fn mime_of(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "woff2" => Some("font/woff2"),
        _ => None,
    }
}

/// The style sheet's text, for the tests that compute from it.
#[cfg(test)]
pub(crate) fn text_of(name: &str) -> String {
    String::from_utf8(Files::get(name).unwrap().data.into_owned()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_the_wire(name: &str) -> usize {
        let asset = &ASSETS[name];
        asset.gzip.as_ref().map_or(asset.plain.len(), Vec::len)
    }

    #[test]
    fn sizes_keep_their_budgets() {
        let script = on_the_wire("htmx.min.js") + on_the_wire("app.js") + on_the_wire("charts.js");
        assert!(script <= 50_000, "script is {script} bytes");
        let css = on_the_wire("trackway.css");
        assert!(css <= 20_000, "css is {css} bytes");
        let fonts: usize = ASSETS.keys().filter(|n| n.ends_with(".woff2")).map(|n| on_the_wire(n)).sum();
        assert!((1..=75_000).contains(&fonts), "fonts are {fonts} bytes");
    }

    #[test]
    fn vendored_files_are_those_of_the_lock_file() {
        let lock = text_of("vendor.lock");
        let mut listed = 0;
        for line in lock.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [file, _name, _version, _licence, sum] = words[..] else { panic!("bad line: {line}") };
            let data = Files::get(file).unwrap().data;
            let digest: [u8; 32] = Sha256::digest(&data).into();
            assert_eq!(digest.iter().map(|b| format!("{b:02x}")).collect::<String>(), sum, "{file}");
            listed += 1;
        }
        let foreign = Files::iter()
            .filter(|n| n.ends_with(".woff2") || n.ends_with(".min.js") || n.contains("LICENSE"))
            .count();
        assert_eq!(listed, foreign);
        assert!(!lock.contains("://"));
    }

    #[tokio::test]
    async fn files_are_immutable_and_a_wrong_hash_is_not_found() {
        let hash = ASSETS["app.js"].hash.clone();
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
        let found = serve(Path((hash, "app.js".into())), headers.clone()).await;
        assert_eq!(found.status(), StatusCode::OK);
        assert_eq!(found.headers()[header::CONTENT_ENCODING], "gzip");
        assert!(found.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let wrong = serve(Path(("0".into(), "app.js".into())), headers).await;
        assert_eq!(wrong.status(), StatusCode::NOT_FOUND);
        for name in [
            "trackway.css",
            "app.js",
            "htmx.min.js",
            "favicon.svg",
            "hanken-grotesk.woff2",
            "spline-sans-mono.woff2",
        ] {
            assert!(ASSETS.contains_key(name), "{name}");
        }
    }
}
