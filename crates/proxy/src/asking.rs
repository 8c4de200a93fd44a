//! The one request `wrap` makes on its own (CAP §4.6): a listing, when a call holds a `context` and nothing is known of its tool,
//! as for a client that keeps listings over a restart of the server. It holds that call up for at most half a second, goes out
//! only once the handshake is complete, and its answer never reaches the client.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use trackway_capture::editor::Editor;
use trackway_capture::wire::{get, messages, text};

use crate::asked::Asked;
use crate::recording::Tap;

/// How long a call may be held up.
const PATIENCE: Duration = Duration::from_millis(500);
/// Late answers that are remembered.
const REMEMBERED: usize = 1_000;
/// Pages of a listing.
const PAGES: usize = 10;

/// What both directions of a pipe know of it.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    /// The client has said that it is initialized.
    opened: AtomicBool,
    /// Requests of ours are out; answers are looked at only then.
    waiting: AtomicBool,
    asked: Asked,
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// Ids of ours that are not answered yet, late ones included.
    out: HashSet<String>,
    answer: Option<(String, Vec<u8>)>,
}

impl Asking {
    /// A line of the client, before it is looked at: asks if it must, by giving `send` lines for the server.
    pub(crate) fn before(
        &self,
        editor: &Editor,
        tap: Option<&Tap>,
        line: &[u8],
        mut send: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) {
        if !self.opened.load(Ordering::Relaxed)
            && memchr::memmem::find(line, b"notifications/initialized").is_some()
        {
            self.opened.store(true, Ordering::Relaxed);
        }
        let Some(tool) = editor.asks_for_kind(line) else { return };
        let meta = meta_of(line);
        if (meta.is_none() && !self.opened.load(Ordering::Relaxed)) || !self.may(&tool) {
            return;
        }
        let until = Instant::now() + PATIENCE;
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let mut params = Map::new();
            if let Some(meta) = &meta {
                params.insert("_meta".into(), meta.clone());
            }
            if let Some(cursor) = cursor.take() {
                params.insert("cursor".into(), cursor.into());
            }
            let id = self.id();
            let ask = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/list", "params": params });
            if send(format!("{ask}\n").as_bytes()).is_err() {
                return;
            }
            let Some(answer) = self.wait(&id, until) else {
                tracing::debug!(tool, "a listing took too long; the call passes as it is");
                return;
            };
            cursor = editor.learn(&answer);
            if let Some(tap) = tap {
                tap.learn(&answer);
            }
            if cursor.is_none() {
                return;
            }
        }
    }

    /// Whether a line of the server answers a request of ours, and so is not the client's.
    pub(crate) fn takes(&self, line: &[u8]) -> bool {
        if !self.waiting.load(Ordering::Relaxed) || memchr::memmem::find(line, b"trackway-").is_none() {
            return false;
        }
        let Some(id) = messages(line)
            .filter(|all| all.len() == 1)
            .and_then(|all| all.into_iter().next())
            .filter(|message| message.method.is_none())
            .and_then(|message| text(line, message.id.as_ref()?))
        else {
            return false;
        };
        let mut state = self.lock();
        let ours = state.out.remove(&id);
        if ours {
            self.waiting.store(!state.out.is_empty(), Ordering::Relaxed);
            state.answer = Some((id, line.to_vec()));
            self.answered.notify_all();
        }
        ours
    }

    /// Whether this tool may be asked for now.
    fn may(&self, tool: &str) -> bool {
        self.lock().out.len() < REMEMBERED && self.asked.may(tool)
    }

    fn id(&self) -> String {
        let mut state = self.lock();
        state.next += 1;
        let id = format!("trackway-{}-{}", std::process::id(), state.next);
        state.out.insert(id.clone());
        state.answer = None;
        self.waiting.store(true, Ordering::Relaxed);
        id
    }

    fn wait(&self, id: &str, until: Instant) -> Option<Vec<u8>> {
        let mut state = self.lock();
        loop {
            if let Some((_, answer)) = state.answer.take_if(|(of, _)| of == id) {
                return Some(answer);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return None;
            }
            state = self.answered.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The caller's metadata, for revisions whose requests carry their own; `None` for those that open with a handshake.
pub(crate) fn meta_of(call: &[u8]) -> Option<Value> {
    let all = messages(call)?;
    let params = all.iter().find_map(|m| m.params.clone())?;
    let mut meta: Value = serde_json::from_slice(call.get(get(call, &params, "_meta")?)?).ok()?;
    let object = meta.as_object_mut()?;
    // Progress is the call's own.
    object.remove("progressToken");
    object.contains_key("io.modelcontextprotocol/protocolVersion").then_some(meta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_to_requests_of_ours_are_taken_late_ones_too() {
        let asking = Asking::default();
        let answer =
            |id: &str| format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{{"tools":[]}}}}"#).into_bytes();
        assert!(!asking.takes(&answer("trackway-1-1")), "nothing was asked");
        let id = asking.id();
        assert_eq!(asking.wait(&id, Instant::now()), None);
        assert!(!asking.takes(&answer("trackway-of-the-clients-own")));
        assert!(asking.takes(&answer(&id)), "it is late, and still not the client's");
        assert!(!asking.takes(&answer(&id)), "once");
    }
}
