//! The body of an answer on its way to the client: chunks go on as they come, a copy is put together for the recorder; only
//! where a listing is awaited is an event stream held up to the end of each event (CAP §6.2).

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc::Receiver;
use trackway_capture::editor::{Editor, Verdict};
use trackway_capture::recorder::{Ending, Scope, Way};
use trackway_event::limits;

use super::lanes::Lanes;
use super::sse::{Event, Piece, Splitter};
use super::upstream::Broken;
use crate::recording::Tap;

/// One exchange as recorder and editor see it. However it goes away, they are told.
pub(super) struct Watch {
    pub(super) tap: Option<Tap>,
    pub(super) editor: Arc<Editor>,
    pub(super) scope: Arc<Scope>,
    /// Where this exchange's listings are told apart.
    pub(super) lane: u64,
    /// Where answers may come that belong to another exchange of the same session; 0: nowhere.
    pub(super) session_lane: u64,
    /// A request that names its session only by its answer's header.
    pub(super) held_back: Option<(Instant, Bytes)>,
    pub(super) ending: Ending,
}

impl Watch {
    /// A message of the server.
    pub(super) fn saw(&self, message: &[u8]) {
        if let Some(tap) = &self.tap {
            tap.see_in(&self.scope, Way::FromServer, Instant::now(), message);
        }
    }

    /// A message of the client.
    pub(super) fn asked(&self, at: Instant, message: &[u8]) {
        if let Some(tap) = &self.tap {
            tap.see_in(&self.scope, Way::FromClient, at, message);
        }
    }

    /// The session is known now.
    pub(super) fn release(&mut self) {
        if let Some((at, message)) = self.held_back.take() {
            self.asked(at, &message);
        }
    }

    pub(super) fn awaits(&self) -> bool {
        self.editor.awaits(self.lane) || (self.session_lane != 0 && self.editor.awaits(self.session_lane))
    }

    /// The message with its edits, if there are any. A mistake in them costs the recording, never the message.
    pub(super) fn edit(&self, message: &[u8]) -> Option<Vec<u8>> {
        let lanes = [self.lane, self.session_lane];
        let lanes = if self.session_lane == 0 { &lanes[..1] } else { &lanes[..] };
        let work = std::panic::AssertUnwindSafe(|| self.editor.from_server_in(lanes, message));
        match std::panic::catch_unwind(work) {
            Ok(Verdict::Replace(with)) => Some(with),
            Ok(Verdict::Forward | Verdict::Answer { .. }) | Err(_) => None,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.release();
        let resumable = matches!(self.ending, Ending::StreamEnded | Ending::ClientGone);
        let resumed_in = (resumable && self.session_lane != 0).then_some(self.session_lane);
        if self.scope.exchange != 0 {
            self.editor.end_lane(self.lane, resumed_in);
        }
        if let Some(tap) = &self.tap {
            tap.ended(&self.scope, self.ending);
        }
    }
}

/// How an answer is looked at.
pub(super) enum Look {
    /// Put together for the recorder, up to a cap.
    Copy(Vec<u8>),
    /// Cut into events.
    Events(Box<Events>),
    /// Not at all.
    Blind,
}

/// An event stream under way.
pub(super) struct Events {
    splitter: Splitter,
    /// Whether events are held until they are whole.
    holding: bool,
    ready: VecDeque<Bytes>,
    /// Path of the GET that opened it, until the first event told what it is; and where HTTP+SSE sessions are entered.
    opening: Option<(String, Arc<Lanes>)>,
    inserts: Option<Receiver<Bytes>>,
}

impl Events {
    pub(super) fn new(opening: Option<(String, Arc<Lanes>)>) -> Self {
        Self {
            splitter: Splitter::new(limits::INSPECT_BYTES),
            holding: false,
            ready: VecDeque::new(),
            opening,
            inserts: None,
        }
    }

    /// Takes a chunk in and gives what goes on.
    fn chunk(&mut self, chunk: Bytes, watch: &mut Watch) -> Bytes {
        if self.splitter.at_boundary() {
            self.holding = watch.awaits();
        }
        let mut out = Vec::new();
        for piece in self.splitter.push(&chunk) {
            match piece {
                Piece::Event(event) => {
                    let with = self.event(&event, watch);
                    if self.holding {
                        out.extend(with.unwrap_or(event.raw));
                    }
                }
                Piece::Over(bytes) if self.holding => out.extend(bytes),
                Piece::Over(_) => {}
            }
        }
        if self.holding { out.into() } else { chunk }
    }

    /// Shows the event to the recorder and edits it where it may still be edited.
    fn event(&mut self, event: &Event, watch: &mut Watch) -> Option<Vec<u8>> {
        let data = event.data();
        if let Some((path, lanes)) = self.opening.take()
            && event.is("endpoint")
        {
            self.open_session(&path, &lanes, &String::from_utf8_lossy(&data), watch);
            return None;
        }
        if data.is_empty() {
            return None;
        }
        watch.saw(&data);
        if !self.holding {
            return None;
        }
        watch.edit(&data).map(|with| event.with_data(&with))
    }

    /// The first event of an HTTP+SSE stream names the path that its messages are posted to.
    fn open_session(&mut self, path: &str, lanes: &Lanes, endpoint: &str, watch: &mut Watch) {
        let Some(endpoint) = resolve(path, endpoint.trim()) else {
            // An absolute URL leads past us; it is left alone, and counted (CAP §6.2).
            if let Some(tap) = &watch.tap {
                tap.lose("absolute_endpoint");
            }
            return;
        };
        let (number, inserts) = lanes.open_stream(&endpoint);
        watch.session_lane = number;
        watch.scope = Arc::new(Scope {
            exchange: 0,
            connection: number,
            mcp_session: Some(session_of(&endpoint).into()),
            ..(*watch.scope).clone()
        });
        self.inserts = Some(inserts);
    }
}

/// The session that an HTTP+SSE endpoint names by habit, else the endpoint itself.
pub(super) fn session_of(endpoint: &str) -> &str {
    let query = endpoint.split_once('?').map_or("", |(_, query)| query);
    let named = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    named("sessionId").or_else(|| named("session_id")).filter(|v| !v.is_empty()).unwrap_or(endpoint)
}

/// The endpoint as a path with query, as the client of a stream opened at `path` makes it out.
fn resolve(path: &str, endpoint: &str) -> Option<String> {
    if endpoint.contains("://") || endpoint.starts_with("//") || endpoint.is_empty() {
        return None;
    }
    if endpoint.starts_with('/') {
        return Some(endpoint.to_owned());
    }
    let folder = path.split('?').next().unwrap_or_default().rsplit_once('/').map_or("", |(f, _)| f);
    Some(format!("{folder}/{endpoint}"))
}

/// An answer's body.
pub(super) struct Answer {
    from: Incoming,
    look: Look,
    /// `None` once the end has been told.
    watch: Option<Watch>,
    /// What the end means when all went well.
    complete: Ending,
    failed: Option<Broken>,
}

/// Bytes that were read before an answer broke off, then the break.
pub(super) struct BrokenOff {
    pub(super) read: Option<Bytes>,
    pub(super) error: Option<Broken>,
    pub(super) told: bool,
}

impl Body for BrokenOff {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        if let Some(read) = this.read.take() {
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        if !std::mem::replace(&mut this.told, true) {
            // What was read goes out first: an error closes the connection over what is still in a buffer.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(this.error.take().map(Err))
    }
}

impl Answer {
    pub(super) fn new(from: Incoming, look: Look, watch: Watch, complete: Ending) -> Self {
        let mut answer = Self { from, look, watch: Some(watch), complete, failed: None };
        if answer.from.is_end_stream() {
            answer.finish(answer.complete);
        }
        answer
    }

    fn finish(&mut self, ending: Ending) {
        let Some(mut watch) = self.watch.take() else { return };
        if let Look::Copy(copy) = &mut self.look
            && !copy.is_empty()
        {
            watch.saw(&std::mem::take(copy));
        }
        watch.ending = ending;
    }

    fn look_at(&mut self, chunk: Bytes) -> Bytes {
        let Some(watch) = &mut self.watch else { return chunk };
        match &mut self.look {
            Look::Copy(copy) => {
                if copy.len() + chunk.len() > limits::INSPECT_BYTES {
                    copy.clear();
                    self.look = Look::Blind;
                    self.complete = Ending::Unreadable;
                } else if watch.tap.is_some() {
                    copy.extend_from_slice(&chunk);
                }
                chunk
            }
            Look::Events(events) => events.chunk(chunk, watch),
            Look::Blind => chunk,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        if let Some(error) = this.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            if let Look::Events(events) = &mut this.look {
                if let Some(bytes) = events.ready.pop_front() {
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                if events.splitter.at_boundary()
                    && let Some(inserts) = &mut events.inserts
                    && let Poll::Ready(Some(bytes)) = inserts.poll_recv(cx)
                {
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
            }
            match ready!(Pin::new(&mut this.from).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(chunk) => {
                        let out = this.look_at(chunk);
                        if this.from.is_end_stream() && !matches!(this.look, Look::Events(_)) {
                            this.finish(this.complete);
                        }
                        if !out.is_empty() {
                            return Poll::Ready(Some(Ok(Frame::data(out))));
                        }
                    }
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                Some(Err(error)) => {
                    let ending = match &this.look {
                        Look::Events(_) => Ending::StreamEnded,
                        Look::Copy(_) | Look::Blind => Ending::NoUpstream,
                    };
                    this.look = Look::Blind;
                    this.finish(ending);
                    // What came before goes out first: an error closes the connection over what is still in a buffer.
                    this.failed = Some(error.into());
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None => {
                    if let Look::Events(events) = &mut this.look {
                        let rest = events.splitter.rest();
                        if std::mem::take(&mut events.holding) && !rest.is_empty() {
                            events.ready.push_back(rest.into());
                            continue;
                        }
                    }
                    this.finish(this.complete);
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.look {
            Look::Events(_) => false,
            Look::Copy(_) | Look::Blind => self.failed.is_none() && self.from.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.look {
            Look::Events(_) => SizeHint::default(),
            Look::Copy(_) | Look::Blind => self.from.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_of_older_servers_are_made_out_as_clients_do() {
        for (path, endpoint, expected) in [
            ("/sse", "/messages?sessionId=7", Some("/messages?sessionId=7")),
            ("/a/sse?x=/y", "messages?session_id=7", Some("/a/messages?session_id=7")),
            ("/sse", "http://elsewhere.example/m", None),
            ("/sse", "//elsewhere.example/m", None),
            ("/sse", "", None),
        ] {
            assert_eq!(resolve(path, endpoint).as_deref(), expected);
        }
        assert_eq!(session_of("/messages?a=1&sessionId=7"), "7");
        assert_eq!(session_of("/messages?session_id=8"), "8");
        assert_eq!(session_of("/messages/9"), "/messages/9");
    }
}
