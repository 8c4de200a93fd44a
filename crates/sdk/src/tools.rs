//! What is known of a server's tools: which of their arguments are ours to cut.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use rmcp::model::Tool;
use trackway_capture::recorder::SEND_FEEDBACK;
use trackway_capture::wire::inject::MORE_TOOLS;
use trackway_event::limits;

use crate::{handle, wire};

/// What is known of a server's tools.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    ours: RwLock<HashMap<String, Ours>>,
    /// The server has a tool of the reporting tool's name.
    pub(crate) owns_more_tools: AtomicBool,
    /// The server has a tool of the feedback tool's name.
    pub(crate) owns_feedback: AtomicBool,
    /// A listing has been seen.
    pub(crate) listed: AtomicBool,
}

/// What of a tool is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ours {
    /// Its `context`, to be cut.
    pub(crate) context: bool,
    /// Its `session_id`, in [`crate::SessionMode::Handle`].
    pub(crate) session: bool,
    /// The member `mcp_session` of its structured results, there.
    pub(crate) output: bool,
}

impl Ours {
    pub(crate) fn of(tool: &Tool) -> Self {
        let session = handle::is_eligible(tool);
        Self { context: wire::is_eligible(tool), session, output: session && handle::extends_output(tool) }
    }
}

impl Tools {
    pub(crate) fn learn(&self, tools: &[Tool]) {
        let mut ours = self.ours.write().unwrap_or_else(PoisonError::into_inner);
        for tool in tools {
            if ours.len() < limits::PENDING {
                ours.insert(tool.name.to_string(), Ours::of(tool));
            }
            if tool.name == MORE_TOOLS {
                self.owns_more_tools.store(true, Ordering::Relaxed);
            }
            if tool.name == SEND_FEEDBACK {
                self.owns_feedback.store(true, Ordering::Relaxed);
            }
        }
        self.listed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, name: &str) -> Option<Ours> {
        self.ours.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }
}
