//! The ends of HTTP exchanges and sessions: what becomes of requests that they leave unanswered (CAP §2.3, §6.2).

use trackway_event::{ErrorInfo, Event, EventId, Kind, Status, Timestamp};

use super::waiting::Lane;
use super::{Ending, Observed, Recorder, Scope, finish, leave_to_the_inner};
use crate::wire::messages;

impl Recorder {
    /// Takes in the answer to a listing that the proxy asked for on its own (CAP §4.6): its tools are known, no event is made.
    pub fn learn_listing(&mut self, answer: &[u8]) {
        let result = messages(answer).and_then(|all| all.iter().find_map(|m| m.result.clone()));
        if let Some(result) = result {
            let mut unused =
                Event::new(EventId::mint(Timestamp::ZERO, [0; 16]), Kind::ToolsList, Timestamp::ZERO);
            self.catalog.listed(answer, &result, &mut unused);
        }
    }

    /// An HTTP exchange ended: what it leaves unanswered is closed by how it ended, or waits for a while to be resumed on
    /// another stream of its MCP session (CAP §2.3, §6.2).
    pub fn exchange_ended(&mut self, scope: &Scope, ending: Ending, mono_us: u64, out: &mut Vec<Event>) {
        if scope.exchange == 0 {
            return;
        }
        for key in self.waiting.keys_of(Lane::Exchange(scope.exchange)) {
            let Some(pending) = self.waiting.get_mut(&key) else { continue };
            let resumable = scope.connection != 0 && !pending.modern;
            let status = match ending {
                Ending::Complete(status) => {
                    pending.event.error = Some(Box::new(ErrorInfo {
                        kind: Some("HttpStatus".into()),
                        message: format!("http {status} without an answer").into(),
                        ..ErrorInfo::default()
                    }));
                    Status::TransportError
                }
                Ending::NoUpstream => {
                    pending.event.error = Some(Box::new(ErrorInfo {
                        kind: Some("NoUpstream".into()),
                        message: "the server could not be reached".into(),
                        ..ErrorInfo::default()
                    }));
                    Status::TransportError
                }
                Ending::StreamEnded | Ending::ClientGone if resumable => {
                    pending.parked_us = Some(mono_us);
                    continue;
                }
                Ending::Cancelled => Status::Cancelled,
                Ending::Panicked => {
                    pending.event.note("panic");
                    pending.event.error = Some(Box::new(ErrorInfo {
                        kind: Some("Panic".into()),
                        message: "the handler panicked".into(),
                        ..ErrorInfo::default()
                    }));
                    Status::ProtocolError
                }
                Ending::StreamEnded => Status::Lost,
                Ending::ClientGone if pending.modern => Status::Cancelled,
                Ending::ClientGone => Status::Lost,
                Ending::Unreadable => {
                    pending.event.note("answer_unreadable");
                    Status::Lost
                }
            };
            out.extend(self.waiting.remove(&key).map(|p| finish(p, mono_us, status)));
        }
        leave_to_the_inner(out);
    }

    /// The client ended its MCP session (HTTP DELETE); `status` is the server's HTTP answer.
    pub fn session_ended(&mut self, scope: &Scope, seen: &Observed, status: u16, out: &mut Vec<Event>) {
        let mut event = Event::new(EventId::mint(seen.wall, (self.random)()), Kind::Protocol, seen.wall);
        event.name = "session_end".into();
        event.capture = Some(self.config.capture);
        event.flags.demo = self.config.demo;
        event.status = Some(if (200..300).contains(&status) { Status::Ok } else { Status::TransportError });
        let facts = self.connections.of(scope);
        event.client = facts.client.clone();
        event.server = self.server.clone();
        self.session_of(scope, seen, None, false, &mut event);
        out.push(event);
        if (200..300).contains(&status) && scope.connection != 0 {
            let left = self.waiting.keys_of_connection(scope.connection);
            let left = left.iter().filter_map(|key| self.waiting.remove(key));
            out.extend(left.map(|p| finish(p, seen.mono_us, Status::Lost)));
            self.connections.forget(scope.connection);
            leave_to_the_inner(out);
        }
    }
}
