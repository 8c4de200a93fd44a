//! Plays many sessions: the load of the demo a few at a time, and afterwards one after another for as long as it runs.
//!
//! Called by the verb `demo`. Invariant: a session that cannot be played is reported and never ends the others.

use futures_util::StreamExt;
use futures_util::stream;
use jiff::Timestamp;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{Duration, timeout};

use super::calendar::live_scenario;
use super::play::{Pace, SessionReport, ToolCount, play, told_to_stop};
use super::scenario::Scenario;

/// After a live session that could not be played, the next one waits this long.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// What a whole load did.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// The sessions that were played, in the order in which they ended.
    pub sessions: Vec<SessionReport>,
    /// Why the others could not be played.
    pub failed: Vec<String>,
}

impl LoadReport {
    /// The calls of all sessions and tools, wishes not counted.
    pub fn total(&self) -> ToolCount {
        let mut total = ToolCount::default();
        for session in &self.sessions {
            total.add(&session.total());
        }
        total
    }

    /// The wishes of all sessions.
    pub fn missing_reports(&self) -> usize {
        self.sessions.iter().map(|session| session.missing_reports).sum()
    }
}

/// Plays `scenarios`, `at_once` of them at a time (at least one), each through the server that `command` names for it.
/// `progress` hears of each session when it has ended.
pub async fn load(
    scenarios: &[Scenario],
    at_once: usize,
    command: impl Fn(&Scenario) -> Command,
    mut progress: impl FnMut(Result<&SessionReport, &str>),
) -> LoadReport {
    let (_go_on, stop) = watch::channel(false);
    let mut report = LoadReport::default();
    // Collected first: a closure over references inside the stream would keep the whole future from being `Send`.
    let sessions: Vec<_> = scenarios
        .iter()
        .map(|scenario| play(scenario, command(scenario), Pace::Compressed, stop.clone()))
        .collect();
    let mut sessions = stream::iter(sessions).buffer_unordered(at_once.max(1));
    while let Some(session) = sessions.next().await {
        match session {
            Ok(session) => {
                progress(Ok(&session));
                report.sessions.push(session);
            }
            Err(error) => {
                let error = format!("{error:#}");
                progress(Err(&error));
                report.failed.push(error);
            }
        }
    }
    report
}

/// Plays one gentle session after another in real time until `stop` says true or its sender is gone.
/// Gives the number of sessions that were played and that failed.
pub async fn live(
    seed: u64,
    command: impl Fn(&Scenario) -> Command,
    mut stop: watch::Receiver<bool>,
) -> (u64, u64) {
    let (mut played, mut failed) = (0, 0);
    for number in 0.. {
        if *stop.borrow() || stop.has_changed().is_err() {
            break;
        }
        let scenario = live_scenario(number, seed, Timestamp::now());
        match play(&scenario, command(&scenario), Pace::RealTime, stop.clone()).await {
            Ok(_) => played += 1,
            Err(_) => {
                failed += 1;
                // Ends early when it is time to stop; a gone sender is seen at the top of the loop.
                let _stopped = timeout(AFTER_FAILURE, told_to_stop(&mut stop)).await;
            }
        }
    }
    (played, failed)
}
