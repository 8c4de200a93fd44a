//! Exporters: copies of redacted events for other systems, one file each (SDK-70 to SDK-76). The queue hands every event
//! it takes in to [`Exporters::offer`], once, however often delivery is tried again; each exporter has a bounded queue and
//! a thread of its own (`lane`), so that a slow or broken one delays neither delivery nor another exporter (INV-08, INV-10).
//!
//! To add one: a file with a struct that implements `Exporter`, a variant of [`ExporterConfig`], a line in [`EXPORTERS`].

mod config;
mod datadog;
mod file;
mod lane;
mod otlp;
mod otlp_bytes;
mod posthog;
mod sentry;
mod span;
mod stdout;
mod target;

use std::sync::Arc;
use std::time::{Duration, Instant};

use trackway_event::{Event, ProjectId, SdkInfo};

pub use config::{
    BadExporter, DatadogConfig, EXPORTERS, ExporterConfig, FileConfig, OtlpConfig, OtlpEncoding, Payloads,
    PostHogConfig, SentryConfig, StdoutConfig, Transactions, Transport,
};
pub use lane::{LANE_EVENTS, LaneReport};

use lane::Lane;

/// Who exports; told to the receivers.
#[derive(Clone, Debug)]
pub struct ExportSource {
    /// The project; `None` in telemetry-only mode (SDK-70).
    pub project: Option<ProjectId>,
    /// The recording program.
    pub sdk: SdkInfo,
}

/// Running exporters.
#[derive(Debug, Default)]
pub struct Exporters {
    lanes: Vec<Lane>,
}

/// What became of the events of one exporter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportReport {
    /// Its name as in [`EXPORTERS`].
    pub exporter: &'static str,
    /// Its counts.
    pub events: LaneReport,
}

impl Exporters {
    /// Starts one thread an exporter. One that cannot be started (its file cannot be opened, its address is none) is left
    /// out with a warning: exporting never stops a server from starting (SDK-02).
    pub fn start(configs: &[ExporterConfig], source: &ExportSource) -> Self {
        let mut lanes = Vec::new();
        for config in configs {
            match config.open(source).and_then(|exporter| Ok(Lane::start(config.name(), exporter)?)) {
                Ok(lane) => lanes.push(lane),
                Err(error) => {
                    tracing::warn!(exporter = config.name(), %error, "the exporter is left out; see its settings");
                }
            }
        }
        Self { lanes }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Gives every exporter the event; never waits. Where one is behind, its oldest event is dropped and counted.
    pub fn offer(&self, event: &Arc<Event>) {
        for lane in &self.lanes {
            lane.offer(event);
        }
    }

    /// Counts so far.
    pub fn reports(&self) -> Vec<ExportReport> {
        self.lanes.iter().map(|l| ExportReport { exporter: l.name(), events: l.report() }).collect()
    }

    /// Takes nothing in any more, lets every exporter send what it holds, and returns within about `timeout`; what is not
    /// out by then is counted lost.
    pub fn shutdown(&self, timeout: Duration) -> Vec<ExportReport> {
        let until = Instant::now() + timeout;
        self.close(until);
        for lane in &self.lanes {
            lane.wait(until + Duration::from_millis(100));
        }
        self.reports()
    }

    /// Takes nothing in any more; what is held may go out until then.
    pub(crate) fn close(&self, until: Instant) {
        for lane in &self.lanes {
            lane.close(until);
        }
    }
}

/// One receiver of events.
pub(crate) trait Exporter: Send {
    /// Hands over a batch, all or nothing. May take until the deadline and no longer.
    fn export(&mut self, events: &[Arc<Event>], until: Instant) -> Result<(), Failed>;

    /// Most events of one batch.
    fn batch(&self) -> usize {
        trackway_event::limits::SEND_EVENTS
    }
}

/// Why a batch was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// Worth another try, not before this long from now.
    Later(Option<Duration>),
    /// Too big; halves may pass.
    TooLarge,
    /// Refused for good.
    Never(String),
}

#[cfg(test)]
#[path = "../export_tests.rs"]
mod tests;
