//! Error groups: which failures are the same one (D32, F-82), what a group is called, and what sort of failure it is.
//!
//! The writer of the store asks for [`fingerprint`] and [`class_of`] of every failed event. The fingerprint is a
//! function of the event alone, so order and repetition cannot change the groups (INV-04).

pub mod apart;
mod class;
pub mod normalise;
mod normalise_words;
pub mod state;

use std::fmt;

use trackway_event::{ErrorInfo, Event, Frame, Kind};
use xxhash_rust::xxh3::xxh3_128;

pub use class::class_of;
pub use normalise::normalise;

/// Frames that take part in a fingerprint.
const TOP_FRAMES: usize = 3;
/// Characters of a group's title.
const TITLE_CHARS: usize = 160;

/// The identity of an error group inside a project: version 1 of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Whether an event belongs to an error group: an agent-facing failure, or an error reported on its own. Declared
/// errors, nested calls, timeouts and lost answers do not (AC R26, R27; product §2).
pub fn is_error(event: &Event) -> bool {
    let reported = matches!(event.kind, Kind::Exception | Kind::Custom) && event.error.is_some();
    event.failed() || (reported && !event.flags.nested && !event.flags.declared_error)
}

/// The group of an event, `None` when it belongs to none ([`is_error`]): a hash of the tool, the error type, and the
/// top three in-app frames, or the normalised message where no frame is the customer's own.
pub fn fingerprint(event: &Event) -> Option<Fingerprint> {
    if !is_error(event) {
        return None;
    }
    let mut parts = String::with_capacity(256);
    let mut part = |text: &str| {
        parts.push_str(text);
        parts.push('\0');
    };
    part("v1");
    part(event.tool.as_deref().unwrap_or(""));
    let empty = ErrorInfo::default();
    let error = event.error.as_deref().unwrap_or(&empty);
    part(error.kind.as_deref().unwrap_or("").trim());
    let frames = top_frames(error);
    if frames.is_empty() {
        part("message");
        part(&normalise(&error.message));
    } else {
        part("frames");
        for frame in frames {
            part(&normalise(&frame.filename.replace(['/', '\\'], " ")));
            part(&place_in_file(frame));
        }
    }
    Some(Fingerprint(xxh3_128(parts.as_bytes()).to_be_bytes()))
}

/// What a group is called: error type and the first line of the normalised message, so that every member gives the same
/// title unless frames brought different messages together.
pub fn title(event: &Event) -> String {
    let error = event.error.as_deref();
    let kind = error.and_then(|e| e.kind.as_deref()).map(str::trim).filter(|k| !k.is_empty());
    let line = error.map_or("", |e| e.message.trim()).lines().next().unwrap_or("");
    let text = normalise(line);
    let mut title: Box<str> = match (kind, text.is_empty()) {
        (Some(kind), false) if text.starts_with(kind) => text.into(),
        (Some(kind), false) => format!("{kind}: {text}").into(),
        (Some(kind), true) => kind.into(),
        (None, false) => text.into(),
        (None, true) => match event.status {
            Some(status) => format!("{status} without a message").into(),
            None => "error without a message".into(),
        },
    };
    trackway_event::validate::cut_text(&mut title, TITLE_CHARS);
    title.into()
}

/// The customer's own frames nearest to the failure. Python's SDKs send the innermost frame last, the others first.
fn top_frames(error: &ErrorInfo) -> Vec<&Frame> {
    let own = error.frames.iter().filter(|f| f.in_app && !(f.filename.is_empty() && f.function.is_empty()));
    if error.platform.as_deref() == Some("python") {
        own.rev().take(TOP_FRAMES).collect()
    } else {
        own.take(TOP_FRAMES).collect()
    }
}

/// The function; for nameless ones the source line's text, else its number. Numbers of named functions' lines move with
/// every release, so they take no part.
fn place_in_file(frame: &Frame) -> String {
    let function = frame.function.trim();
    let nameless = function.is_empty()
        || function == "?"
        || function.contains("<anonymous>")
        || function.contains("<lambda>");
    if !nameless {
        return function.to_owned();
    }
    match (frame.context_line.as_deref().map(str::trim).filter(|l| !l.is_empty()), frame.lineno) {
        (Some(line), _) => line.to_owned(),
        (None, Some(line)) => line.to_string(),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
#[path = "issue/tests.rs"]
mod tests;
