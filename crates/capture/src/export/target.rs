//! The HTTP side of exporters: one request with a deadline, and what its answer means. Used by every exporter that has
//! a receiver on the network; Trackway's own ingest is `post`.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Failed;
use crate::post::{is_loopback, retry_after};

/// Connecting may take this long (SDK-85).
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const ANSWER: u64 = 64 * 1024;
/// Bodies from this size on are compressed (SDK-82).
const GZIP: usize = 1024;

/// Where requests go.
pub(super) struct Target {
    agent: ureq::Agent,
    url: String,
    headers: Vec<(String, String)>,
}

/// A request's body and what it is.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: &'static str,
}

impl Target {
    pub(super) fn new(url: String, headers: Vec<(String, String)>, user_agent: &str) -> Self {
        let mut builder = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(user_agent)
            .timeout_connect(Some(CONNECT));
        if is_loopback(&url) {
            builder = builder.proxy(None);
        }
        Self { agent: builder.build().into(), url, headers }
    }

    /// Posts; any 2xx is success, 413 too large, 408, 425, 429 and 5xx worth another try, the rest final (SDK-83).
    pub(super) fn post(&self, body: Body, until: Instant) -> Result<(), Failed> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failed::Later(None));
        }
        let zipped = if body.bytes.len() >= GZIP { gzip(&body.bytes) } else { None };
        let mut request = self.agent.post(&self.url).config().timeout_global(Some(left)).build();
        request = request.header("content-type", body.content_type);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if zipped.is_some() {
            request = request.header("content-encoding", "gzip");
        }
        let mut response = request.send(zipped.as_deref().unwrap_or(&body.bytes)).map_err(|error| {
            // The error names the host at most, never the address: that may hold a key.
            tracing::debug!(%error, "exporting failed");
            Failed::Later(None)
        })?;
        let status = response.status().as_u16();
        let after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()).and_then(retry_after);
        // Read to its end so that the connection can be used again.
        let _ = response.body_mut().with_config().limit(ANSWER).read_to_vec();
        match status {
            200..=299 => Ok(()),
            413 => Err(Failed::TooLarge),
            408 | 425 | 429 | 500..=599 => Err(Failed::Later(after)),
            other => Err(Failed::Never(format!("the receiver answered {other}"))),
        }
    }
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}
