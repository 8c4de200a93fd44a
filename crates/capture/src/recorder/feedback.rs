//! What agents say of a server through the tool an SDK may offer them for it (SDK-31). The words are theirs, the members those
//! of `$mcp_feedback`, so that both wires fill the same list.

use std::ops::Range;

use serde_json::json;
use trackway_event::{Event, Kind};

use super::catalog::Catalog;
use super::{fact, intend};
use crate::wire::{get, get_text};

/// The name of the tool.
pub const SEND_FEEDBACK: &str = "send_feedback";

/// Whether agents are offered [`SEND_FEEDBACK`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Feedback {
    /// They are not; a tool of that name is the server's.
    #[default]
    Off,
    /// They are, unless the server has a tool of that name.
    On,
}

const TYPES: &[&str] = &["missing_capability", "issue", "praise", "other"];
const SENTIMENTS: &[&str] = &["positive", "neutral", "negative", "mixed"];

/// Makes a call of the tool an event of kind feedback. What is missing is left out, a type nobody knows is `other`.
pub(super) fn read(line: &[u8], params: &Range<usize>, catalog: &Catalog, event: &mut Event) {
    if event.tool.as_deref() != Some(SEND_FEEDBACK) || catalog.get(SEND_FEEDBACK).is_some() {
        return;
    }
    event.kind = Kind::Feedback;
    let arguments = get(line, params, "arguments");
    let text = |name| arguments.as_ref().and_then(|a| get_text(line, a, name));
    let known = |text: Option<String>, all: &[&str]| text.filter(|t| all.contains(&t.as_str()));
    let done = arguments.as_ref().and_then(|a| get(line, a, "task_completed")).and_then(|v| line.get(v));
    let said = json!({
        "type": known(text("feedback_type"), TYPES).as_deref().unwrap_or("other"),
        "summary": text("summary"),
        "details": text("details"),
        "sentiment": known(text("sentiment"), SENTIMENTS),
        "tool": text("tool"),
        "task_completed": match done { Some(b"true") => Some(true), Some(b"false") => Some(false), _ => None },
    });
    if let Some(summary) = text("summary").filter(|summary| !summary.trim().is_empty()) {
        intend(event, &summary);
    }
    fact(event, "feedback", said);
}
