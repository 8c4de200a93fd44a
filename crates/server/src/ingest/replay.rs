//! Kept bodies of unknown projects are taken in again when the project is made or adopted (AC R35, D5), by whoever makes
//! it: a page, the API, or the command line beside the server.

use std::collections::HashSet;
use std::time::Duration;

use trackway_store::QuarantinedBody;

use super::take::{NoRoom, Sender, take};
use super::{ADAPTERS, clean};
use crate::problem::Problem;
use crate::state::AppState;

/// Takes in everything kept for this project id or alias; answers how many bodies. A replay is a new receipt; events
/// without a time of their own keep the time they first arrived.
///
/// # Errors
/// When the storage does not answer.
pub async fn replay_quarantined(state: &AppState, project_text: &str) -> Result<usize, Problem> {
    let name = project_text.to_owned();
    let bodies = state.ask("take_quarantined", move |store| store.take_quarantined(&name)).await?;
    let count = bodies.len();
    for body in bodies {
        replay(state, body).await;
    }
    if count > 0 {
        tracing::info!(bodies = count, "took in kept bodies of a project that is known now");
    }
    Ok(count)
}

async fn replay(state: &AppState, body: QuarantinedBody) {
    let Some(adapter) = ADAPTERS.iter().find(|a| a.path == body.route) else {
        tracing::error!(route = body.route, "a kept body names a route this version does not know");
        return;
    };
    let Ok(text) = String::from_utf8(body.body) else { return };
    let sender = Sender {
        adapter,
        user_agent: body.user_agent.as_deref(),
        received_at: body.at,
        bytes: text.len(),
        no_room: NoRoom::Dropped,
    };
    if let Err(reason) = take(state, &sender, &clean::clean(text)).await {
        tracing::warn!(%reason, "a kept body could not be read again");
    }
}

/// Looks for projects made beside the server once a second and replays what was kept for them. Ends at shutdown.
pub async fn watch_projects(state: AppState) {
    let mut seen: HashSet<String> = HashSet::new();
    let mut drained = state.drained();
    loop {
        let projects = state.ask("projects", |store| store.projects()).await.unwrap_or_default();
        let names: HashSet<String> =
            projects.into_iter().flat_map(|p| std::iter::once(p.id.to_string()).chain(p.aliases)).collect();
        for name in names.difference(&seen) {
            if let Err(problem) = replay_quarantined(&state, name).await {
                tracing::warn!(error = problem.detail, "could not replay kept bodies; trying again");
            }
        }
        seen = names;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = drained.wait_for(|d| *d) => return,
        }
    }
}
