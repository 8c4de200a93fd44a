//! One request and its answer (CAP §6.2, §6.3): let in or not, read where it may have to be edited, sent on, answered with
//! what the server answers. Whatever Trackway itself gets wrong, the bytes pass (CAP §6.4).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use trackway_capture::editor::{Editor, Verdict};
use trackway_capture::recorder::{Ending, Scope, Transport};
use trackway_capture::wire::messages;
use trackway_event::limits;

use super::answer::{Answer, BrokenOff, Events, Look, Watch, session_of};
use super::gate::Gate;
use super::headers::{self, Content, NamedBy};
use super::lanes::Lanes;
use super::listing::Asking;
use super::oauth::Rewrite;
use super::run::HostSeen;
use super::upstream::{Body, Broken, Upstream};
use crate::recording::Tap;

/// Where requests go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// What `/` stands for.
    pub(super) path: PathAndQuery,
}

/// What all exchanges share.
pub(super) struct Shared {
    pub(super) target: Target,
    pub(super) gate: Gate,
    pub(super) upstream: Upstream,
    pub(super) editor: Arc<Editor>,
    pub(super) tap: Option<Tap>,
    pub(super) lanes: Arc<Lanes>,
    pub(super) named_by: NamedBy,
    pub(super) host: HostSeen,
    pub(super) asking: Asking,
    pub(super) rewrite: Option<Rewrite>,
}

/// A request's body as it goes on.
enum Read {
    Whole(Bytes),
    Stream(Body),
}

/// Answers one request. An error ends the connection, as the client would see it from the server itself.
pub(super) async fn handle(
    shared: Arc<Shared>,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, Broken> {
    if !shared.gate.admits(request.headers()) {
        return Ok(bare(StatusCode::FORBIDDEN));
    }
    if request.method() == Method::CONNECT {
        return Ok(bare(StatusCode::METHOD_NOT_ALLOWED));
    }
    let at = Instant::now();
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
    let stream = shared.lanes.stream(&path).filter(|_| parts.method == Method::POST);
    let mut watch = shared.watch(&parts, &path, peer, stream.as_ref().map(|(number, _)| *number));
    shared.forwarded(&mut parts)?;

    let inspected = parts.method == Method::POST && Content::of(&parts.headers) == Content::Json;
    let read = if inspected { read(body).await? } else { Read::Stream(boxed(body)) };
    let body = match read {
        Read::Stream(body) => {
            if inspected {
                shared.lose("message_over_cap");
            }
            body
        }
        Read::Whole(bytes) if headers::forbid_edits(&parts.headers) => {
            shared.lose("edit_forbidden");
            Full::new(bytes).map_err(Into::into).boxed_unsync()
        }
        Read::Whole(bytes) => {
            if shared.editor.asks_for_kind(&bytes).is_some() {
                shared.ask_for_kinds(&parts, &bytes).await;
            }
            let work = std::panic::AssertUnwindSafe(|| shared.editor.from_client_in(watch.lane, &bytes));
            let verdict = std::panic::catch_unwind(work).unwrap_or(Verdict::Forward);
            if opens_session(&parts, &bytes) {
                watch.held_back = Some((at, bytes.clone()));
            } else {
                watch.asked(at, &bytes);
            }
            let edited = match verdict {
                Verdict::Forward => None,
                Verdict::Replace(with) => Some(with),
                // A batch that is ours only in part goes to the server as a whole.
                Verdict::Answer { forward: Some(_), .. } => None,
                Verdict::Answer { answer, forward: None } => {
                    let answer = answer.strip_suffix(b"\n").unwrap_or(&answer);
                    watch.saw(answer);
                    watch.ending = Ending::Complete(200);
                    return Ok(own_answer(answer, stream.map(|(_, into)| into)));
                }
            };
            let bytes = match edited {
                Some(with) => {
                    parts.headers.insert(header::CONTENT_LENGTH, headers::length(with.len()));
                    with.into()
                }
                None => bytes,
            };
            Full::new(bytes).map_err(Into::into).boxed_unsync()
        }
    };
    let method = parts.method.clone();
    let answer = match shared.upstream.send(Request::from_parts(parts, body)).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::debug!(%error, "the server gave no answer");
            watch.ending = Ending::NoUpstream;
            if method == Method::DELETE {
                shared.closed(&watch, at, 502);
            }
            return Ok(bare(StatusCode::BAD_GATEWAY));
        }
    };
    Ok(shared.answered(method, &path, at, watch, answer).await)
}

impl Shared {
    /// What recorder and editor are told of this exchange.
    fn watch(&self, parts: &Parts, path: &str, peer: IpAddr, stream: Option<u64>) -> Watch {
        let exchange = self.lanes.exchange();
        let modern = headers::is_modern(&parts.headers);
        let given = headers::text(&parts.headers, "mcp-session-id").filter(|_| !modern);
        let session = given.map(|id| self.lanes.session(id));
        let (exchange_in_scope, connection, mcp_session) = match stream {
            // Answers come on the session's one stream.
            Some(number) => (0, number, Some(session_of(path))),
            None => (exchange, session.unwrap_or(0), given),
        };
        let scope = Scope {
            exchange: exchange_in_scope,
            connection,
            transport: Transport::Http,
            mcp_session: mcp_session.map(Into::into),
            user_agent: headers::user_agent(&parts.headers),
            // A loopback address says that the agent, or another proxy before this one, is on this machine: nothing that
            // would tell two agents apart.
            address: (!peer.is_loopback()).then(|| peer.to_string().into()),
            actor: self.named_by.find(&parts.headers),
            person: None,
            told: None,
            headers: self.tap.as_ref().and_then(|_| headers::kept(&parts.headers)),
        };
        Watch {
            tap: self.tap.clone(),
            editor: Arc::clone(&self.editor),
            scope: Arc::new(scope),
            lane: stream.unwrap_or(exchange),
            session_lane: connection,
            held_back: None,
            ending: Ending::ClientGone,
        }
    }

    /// The head as the server gets it.
    fn forwarded(&self, parts: &mut Parts) -> Result<(), Broken> {
        let asked = parts.uri.path_and_query();
        let path = match asked.map_or("/", PathAndQuery::path) {
            "/" => match asked.and_then(PathAndQuery::query) {
                Some(query) => format!("{}?{query}", self.target.path.path()).parse()?,
                None => self.target.path.clone(),
            },
            _ => asked.cloned().unwrap_or_else(|| self.target.path.clone()),
        };
        let uri = Uri::builder().scheme(self.target.scheme.clone()).authority(self.target.authority.clone());
        parts.uri = uri.path_and_query(path).build()?;
        parts.version = Version::HTTP_11;
        headers::drop_hop_by_hop(&mut parts.headers);
        parts.headers.remove(header::ACCEPT_ENCODING);
        parts.headers.remove(header::EXPECT);
        if self.host == HostSeen::Upstream {
            parts.headers.insert(header::HOST, HeaderValue::from_str(self.target.authority.as_str())?);
        }
        Ok(())
    }

    /// The server's answer as the client gets it.
    async fn answered(
        &self,
        method: Method,
        path: &str,
        at: Instant,
        mut watch: Watch,
        answer: Response<Incoming>,
    ) -> Response<Body> {
        let (mut parts, body) = answer.into_parts();
        let status = parts.status.as_u16();
        headers::drop_hop_by_hop(&mut parts.headers);
        parts.version = Version::HTTP_11;
        if watch.held_back.is_some() {
            if let Some(id) = headers::text(&parts.headers, "mcp-session-id") {
                let number = self.lanes.session(id);
                let scope =
                    Scope { connection: number, mcp_session: Some(id.into()), ..(*watch.scope).clone() };
                watch.scope = Arc::new(scope);
                watch.session_lane = number;
            }
            watch.release();
        }
        if method == Method::DELETE {
            self.closed(&watch, at, status);
        }
        if let Some(rewrite) = &self.rewrite {
            rewrite.headers(&mut parts.headers);
            if Rewrite::concerns(&method, path) {
                return document(rewrite, parts, body, watch).await;
            }
        }
        let encoded = headers::forbid_edits(&parts.headers);
        let (look, complete) = match Content::of(&parts.headers) {
            Content::Json | Content::Events if encoded => {
                self.lose("answer_encoded");
                (Look::Blind, Ending::Unreadable)
            }
            Content::Json if watch.awaits() => return self.listed(parts, body, watch).await,
            Content::Json => (Look::Copy(Vec::new()), Ending::Complete(status)),
            Content::Events => {
                let opening = (method == Method::GET).then(|| (path.to_owned(), Arc::clone(&self.lanes)));
                if watch.awaits() || method == Method::GET {
                    parts.headers.remove(header::CONTENT_LENGTH);
                }
                (Look::Events(Box::new(Events::new(opening))), Ending::StreamEnded)
            }
            Content::Other => (Look::Blind, Ending::Complete(status)),
        };
        Response::from_parts(parts, Answer::new(body, look, watch, complete).boxed_unsync())
    }

    /// A JSON answer that may be a listing: read whole, then edited.
    async fn listed(
        &self,
        mut parts: http::response::Parts,
        mut body: Incoming,
        mut watch: Watch,
    ) -> Response<Body> {
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => {
                    let Ok(chunk) = frame.into_data() else { continue };
                    whole.extend_from_slice(&chunk);
                    if whole.len() > limits::INSPECT_BYTES {
                        self.lose("message_over_cap");
                        let rest = Answer::new(body, Look::Blind, watch, Ending::Unreadable);
                        return Response::from_parts(parts, after(whole.into(), rest.boxed_unsync()));
                    }
                }
                Err(error) => {
                    // The client sees what came, and that it broke off.
                    watch.ending = Ending::NoUpstream;
                    let broken =
                        BrokenOff { read: Some(whole.into()), error: Some(error.into()), told: false };
                    let body = broken.boxed_unsync();
                    return Response::from_parts(parts, body);
                }
            }
        }
        watch.saw(&whole);
        watch.ending = Ending::Complete(parts.status.as_u16());
        let whole = match watch.edit(&whole) {
            Some(with) => {
                parts.headers.insert(header::CONTENT_LENGTH, headers::length(with.len()));
                with
            }
            None => whole,
        };
        Response::from_parts(parts, Full::new(whole.into()).map_err(Into::into).boxed_unsync())
    }

    fn closed(&self, watch: &Watch, at: Instant, status: u16) {
        if let Some(tap) = self.tap.as_ref().filter(|_| watch.scope.connection != 0) {
            tap.closed(&watch.scope, at, status);
        }
    }

    fn lose(&self, reason: &'static str) {
        if let Some(tap) = &self.tap {
            tap.lose(reason);
        }
    }
}

/// The metadata document under the proxy's own name; what is too long or broken passes as it is.
async fn document(
    rewrite: &Rewrite,
    mut parts: http::response::Parts,
    body: Incoming,
    mut watch: Watch,
) -> Response<Body> {
    watch.ending = Ending::Complete(parts.status.as_u16());
    match read(body).await {
        Ok(Read::Whole(whole)) => {
            let with = rewrite.document(&whole);
            if let Some(with) = &with {
                parts.headers.insert(header::CONTENT_LENGTH, headers::length(with.len()));
            }
            let body = Full::new(with.map_or(whole, Into::into)).map_err(Into::into).boxed_unsync();
            Response::from_parts(parts, body)
        }
        Ok(Read::Stream(body)) => Response::from_parts(parts, body),
        Err(error) => {
            let broken = BrokenOff { read: None, error: Some(error), told: false };
            Response::from_parts(parts, broken.boxed_unsync())
        }
    }
}

/// Whether this request is answered with the id of its session.
fn opens_session(parts: &Parts, message: &[u8]) -> bool {
    if parts.headers.contains_key(HeaderName::from_static("mcp-session-id")) || message.len() > 64 * 1024 {
        return false;
    }
    memchr::memmem::find(message, b"initialize").is_some()
        && messages(message).is_some_and(|all| all.iter().any(|m| m.method.as_deref() == Some("initialize")))
}

/// Reads a body up to the cap; what is longer streams on.
async fn read(mut body: Incoming) -> Result<Read, Broken> {
    let expected = body.size_hint().exact().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    if expected > limits::INSPECT_BYTES {
        return Ok(Read::Stream(boxed(body)));
    }
    let mut first: Option<Bytes> = None;
    let mut more: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame?.into_data() else { continue };
        match &first {
            None => first = Some(chunk),
            Some(begun) => {
                if more.is_empty() {
                    more.extend_from_slice(begun);
                }
                more.extend_from_slice(&chunk);
            }
        }
        if more.len() > limits::INSPECT_BYTES {
            return Ok(Read::Stream(after(more.into(), boxed(body))));
        }
    }
    Ok(Read::Whole(if more.is_empty() { first.unwrap_or_default() } else { more.into() }))
}

/// The answer to a call of the reporting tool: by itself, or on the stream of an HTTP+SSE session.
fn own_answer(answer: &[u8], into: Option<tokio::sync::mpsc::Sender<Bytes>>) -> Response<Body> {
    if let Some(into) = into {
        let event = [b"event: message\ndata: ".as_slice(), answer, b"\n\n"].concat();
        let sent = into.try_send(event.into()).is_ok();
        return bare(if sent { StatusCode::ACCEPTED } else { StatusCode::SERVICE_UNAVAILABLE });
    }
    let body = Full::new(Bytes::copy_from_slice(answer)).map_err(Into::into).boxed_unsync();
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(Into::into).boxed_unsync());
    *response.status_mut() = status;
    response
}

fn boxed(body: Incoming) -> Body {
    body.map_err(Into::into).boxed_unsync()
}

/// Bytes that were read already, then the rest.
fn after(first: Bytes, rest: Body) -> Body {
    let first = futures_util::stream::iter([Ok(Frame::data(first))]);
    let rest = http_body_util::BodyStream::new(rest);
    StreamBody::new(futures_util::StreamExt::chain(first, rest)).boxed_unsync()
}
