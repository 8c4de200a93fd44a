//! Events as JSON lines on a stream of this process: stdout, or stderr where stdout is the protocol (D29, SDK-112).

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use trackway_event::Event;

use super::file::lines;
use super::{Exporter, Failed, StdoutConfig, Transport};

/// The stream.
pub(super) struct Stream {
    transport: Transport,
}

impl Stream {
    pub(super) fn new(config: StdoutConfig) -> Self {
        Self { transport: config.transport }
    }
}

impl Exporter for Stream {
    fn export(&mut self, events: &[Arc<Event>], _until: Instant) -> Result<(), Failed> {
        let lines = lines(events);
        let written = match self.transport {
            Transport::Stdio => std::io::stderr().write_all(&lines),
            Transport::Http => std::io::stdout().write_all(&lines).and_then(|()| std::io::stdout().flush()),
        };
        // Half a batch may be out: trying again would write it twice.
        written.map_err(|error| Failed::Never(error.kind().to_string()))
    }
}
