//! The one request the proxy makes on its own (CAP §4.6): a listing, when a call holds a `context` and nothing is known of its
//! tool, as after a restart. It goes out with the caller's own headers and holds the call up for at most half a second.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use tokio::sync::Mutex;
use trackway_capture::wire::messages;

use super::exchange::Shared;
use super::headers::Content;
use super::sse::{Piece, Splitter};
use crate::asked::Asked;
use crate::asking::meta_of;

/// How long a call may be held up.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes of an answer, and pages of a listing.
const BYTES: usize = 4 * 1024 * 1024;
const PAGES: usize = 10;

/// What was asked for already; one listing at a time.
#[derive(Debug, Default)]
pub(super) struct Asking {
    turn: Mutex<()>,
    asked: Asked,
}

impl Shared {
    /// Learns the kinds of the server's tools, if that can be done in time.
    pub(super) async fn ask_for_kinds(&self, parts: &Parts, call: &[u8]) {
        let learned = tokio::time::timeout(PATIENCE, async {
            let _turn = self.asking.turn.lock().await;
            // Another call's listing may have told by now.
            let Some(tool) = self.editor.asks_for_kind(call) else { return };
            if self.asking.asked.may(&tool) {
                self.list(parts, call).await;
            }
        });
        if learned.await.is_err() {
            tracing::debug!("a listing took too long; the call passes as it is");
        }
    }

    async fn list(&self, parts: &Parts, call: &[u8]) {
        let meta = meta_of(call);
        let mut cursor: Option<String> = None;
        for page in 0..PAGES {
            let mut params = serde_json::Map::new();
            if let Some(meta) = &meta {
                params.insert("_meta".into(), meta.clone());
            }
            if let Some(cursor) = &cursor {
                params.insert("cursor".into(), cursor.as_str().into());
            }
            let id = format!("trackway-{page}-{}", self.lanes.exchange());
            let ask =
                serde_json::json!({ "jsonrpc": "2.0", "id": id, "method": "tools/list", "params": params });
            let Some(answer) = self.ask_once(parts, ask.to_string().into_bytes()).await else { return };
            cursor = self.editor.learn(&answer);
            if let Some(tap) = &self.tap {
                tap.learn(&answer);
            }
            if cursor.is_none() {
                return;
            }
        }
    }

    async fn ask_once(&self, parts: &Parts, body: Vec<u8>) -> Option<Vec<u8>> {
        let mut request = Request::new(Full::new(Bytes::from(body)).map_err(Into::into).boxed_unsync());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = parts.uri.clone();
        *request.headers_mut() = headers_of(&parts.headers);
        let answer = self.upstream.send(request).await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let content = Content::of(answer.headers());
        let body = match content {
            Content::Json => {
                Limited::new(answer.into_body(), BYTES).collect().await.ok()?.to_bytes().to_vec()
            }
            Content::Events => {
                let mut body = Limited::new(answer.into_body(), BYTES);
                let mut splitter = Splitter::new(BYTES);
                loop {
                    let chunk = body.frame().await?.ok()?.into_data().unwrap_or_default();
                    let found = splitter.push(&chunk).into_iter().find_map(|piece| match piece {
                        Piece::Event(event) => Some(event.data()).filter(|data| has_result(data)),
                        Piece::Over(_) => None,
                    });
                    if let Some(found) = found {
                        break found;
                    }
                }
            }
            Content::Other => return None,
        };
        Some(body)
    }
}

fn has_result(data: &[u8]) -> bool {
    messages(data).is_some_and(|all| all.iter().any(|m| m.result.is_some()))
}

/// The caller's headers as they fit a listing.
fn headers_of(caller: &HeaderMap) -> HeaderMap {
    let mut headers = caller.clone();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove("mcp-name");
    let params: Vec<_> = headers.keys().filter(|n| n.as_str().starts_with("mcp-param-")).cloned().collect();
    for name in params {
        headers.remove(name);
    }
    if headers.contains_key("mcp-method") {
        headers.insert("mcp-method", HeaderValue::from_static("tools/list"));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listing_carries_the_callers_credentials_and_metadata_but_nothing_of_its_call() {
        let mut caller = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer t"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "search"),
            ("mcp-param-region", "eu"),
            ("content-length", "9"),
        ] {
            caller.insert(name, value.parse().unwrap());
        }
        let headers = headers_of(&caller);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["mcp-method"], "tools/list");
        let call = br#"{"id":1,"method":"tools/call","params":{"_meta":{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        assert_eq!(
            meta_of(call),
            Some(serde_json::json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" }))
        );
    }
}
