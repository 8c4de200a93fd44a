//! Kept bodies of unknown projects are taken in again when the project is made or adopted (AC R35, D5), by whoever makes
//! it: a page, the API, or the command line beside the server.

use std::time::Duration;

use trackway_store::{QuarantinedBody, Store};

use super::ADAPTERS;
use super::take::{NoRoom, Sender, take};
use crate::problem::Problem;
use crate::state::AppState;

/// Takes in everything kept for this project id or alias; answers how many bodies. A replay is a new receipt; events
/// without a time of their own keep the time they first arrived.
///
/// # Errors
/// When the storage does not answer.
pub async fn replay_quarantined(state: &AppState, project_text: &str) -> Result<usize, Problem> {
    replay_all(state, vec![project_text.to_owned()]).await
}

async fn replay_all(state: &AppState, names: Vec<String>) -> Result<usize, Problem> {
    let take = move |store: &dyn Store| {
        let mut bodies = Vec::new();
        for name in &names {
            bodies.extend(store.take_quarantined(name)?);
        }
        Ok(bodies)
    };
    let bodies = state.ask("take_quarantined", take).await?;
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
        token: None,
    };
    if let Err(reason) = take(state, &sender, text).await {
        tracing::warn!(%reason, "a kept body could not be read again");
    }
}

/// Looks once a second for kept bodies whose project is known by now, and replays them: projects made beside the server, and
/// bodies that were being refused while their project was made. Ends at shutdown.
pub async fn watch_projects(state: AppState) {
    let mut drained = state.drained();
    loop {
        let names = state.ask("known_projects", |store| store.projects()).await.map(|projects| {
            projects.into_iter().flat_map(|p| std::iter::once(p.id.to_string()).chain(p.aliases)).collect()
        });
        let replayed = match names {
            Ok(names) => replay_all(&state, names).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = replayed {
            tracing::warn!(error = problem.detail, "could not look for kept bodies; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = drained.wait_for(|d| *d) => return,
        }
    }
}
